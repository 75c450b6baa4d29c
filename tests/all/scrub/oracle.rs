//! Random archives and events against an oracle that knows everything.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{folder, scrub, status, text, total};

/// A post, or a retweet or quote of one. Its author follows from its id.
#[derive(Debug, Clone)]
struct Post {
    id: u64,
    v2: bool,
    has_geo: bool,
    embedded: Option<(u64, bool)>,
}

#[derive(Debug, Clone)]
enum Effect {
    Delete(u64),
    Drop(u64, bool),
    Withhold(u64, bool),
    Protect(u64, bool),
    Suspend(u64, bool),
    WithholdUser(u64, bool),
    Scrub(u64, u64),
}

#[derive(Debug, Clone)]
enum Line {
    Post(Post),
    /// With its time, which no other event has.
    Event(u64, Effect),
    Other(&'static str),
}

fn author(post: u64) -> u64 {
    100 + post % 5
}

impl Post {
    /// The line, with the location and with the embedded post, if that stays and with its own location.
    fn line(&self, geo: bool, embedded: Option<(u64, bool)>) -> String {
        let embedded_geo = embedded.is_some_and(|(_, geo)| geo);
        let geo = geo && self.has_geo;
        let retweet = matches!(self.embedded, Some((_, true)));
        if self.v2 {
            let post = |id: u64, geo: bool| {
                let geo = if geo { r#","geo":{"a":[1,2]}"# } else { "" };
                format!(r#""id":"{id}","author_id":"{}"{geo}"#, author(id))
            };
            let reference = self.embedded.map_or_else(String::new, |(id, retweet)| {
                let kind = if retweet { "retweeted" } else { "quoted" };
                format!(r#","referenced_tweets":[{{"type":"{kind}","id":"{id}"}}]"#)
            });
            let includes = self.embedded.map_or_else(String::new, |_| {
                let post = embedded.map_or_else(String::new, |(id, _)| format!("{{{}}}", post(id, embedded_geo)));
                format!(r#","includes":{{"tweets":[{post}]}}"#)
            });
            format!(r#"{{"data":{{{},"text":"x"{reference}}}{includes}}}"#, post(self.id, geo))
        } else {
            let post = |id: u64, geo: bool| {
                let geo = if geo { r#""place":{"a":"}"},"# } else { "" };
                format!(r#"{geo}"id":1,"id_str":"{id}","text":"x","user":{{"id":{}}}"#, author(id))
            };
            let name = if retweet { "retweeted_status" } else { "quoted_status" };
            let nested =
                embedded.map_or_else(String::new, |(id, _)| format!(r#","{name}":{{{}}}"#, post(id, embedded_geo)));
            format!("{{{}{nested}}}", post(self.id, geo))
        }
    }
}

impl Line {
    /// The line before a run.
    fn before(&self) -> String {
        match self {
            Line::Post(post) => post.line(true, post.embedded.map(|(id, _)| (id, post.has_geo))),
            Line::Event(at, effect) => effect.line(*at),
            Line::Other(text) => (*text).to_owned(),
        }
    }
}

impl Effect {
    fn line(&self, at: u64) -> String {
        let codes = |on: bool| if on { r#"["FR","de"]"# } else { r#"["FR"]"# };
        match self {
            Effect::Delete(post) => format!(r#"{{"delete":{{"status":{{"id_str":"{post}"}},"timestamp_ms":"{at}"}}}}"#),
            Effect::Drop(post, on) => {
                format!(
                    r#"{{"{}":{{"status":{{"id":{post}}},"timestamp_ms":"{at}"}}}}"#,
                    if *on { "drop" } else { "undrop" }
                )
            }
            Effect::Withhold(post, on) => format!(
                r#"{{"data":{{"withheld":{{"tweet":{{"id":"{post}"}},"withheld_in_countries":{},"event_at":"2022-01-01T00:00:00.{at:03}Z"}}}}}}"#,
                codes(*on)
            ),
            Effect::Protect(user, on) => format!(
                r#"{{"data":{{"user_{}":{{"user":{{"id":"{user}"}},"event_at":"2022-01-01T00:00:00.{at:03}Z"}}}}}}"#,
                if *on { "protect" } else { "unprotect" }
            ),
            Effect::Suspend(user, on) => {
                format!(
                    r#"{{"user_{}":{{"id":{user},"timestamp_ms":"{at}"}}}}"#,
                    if *on { "suspend" } else { "unsuspend" }
                )
            }
            Effect::WithholdUser(user, on) => format!(
                r#"{{"user_withheld":{{"user":{{"id":{user}}},"withheld_in_countries":{},"timestampMs":{at}}}}}"#,
                codes(*on)
            ),
            Effect::Scrub(user, up_to) => {
                format!(r#"{{"data":{{"scrub_geo":{{"user":{{"id":"{user}"}},"up_to_tweet_id":"{up_to}"}}}}}}"#)
            }
        }
    }
}

/// Everything that is known at the end.
#[derive(Default)]
struct Oracle {
    deleted: BTreeSet<u64>,
    /// The newest state, by what it is about.
    states: BTreeMap<(u8, u64), (u64, bool)>,
    bounds: BTreeMap<u64, u64>,
}

impl Oracle {
    fn new<'a>(lines: impl Iterator<Item = &'a Line>) -> Oracle {
        let mut oracle = Oracle::default();
        for line in lines {
            let Line::Event(at, effect) = line else { continue };
            let (key, on) = match *effect {
                Effect::Delete(post) => {
                    oracle.deleted.insert(post);
                    continue;
                }
                Effect::Scrub(user, up_to) => {
                    let bound = oracle.bounds.entry(user).or_default();
                    *bound = up_to.max(*bound);
                    continue;
                }
                Effect::Drop(post, on) => ((0, post), on),
                Effect::Withhold(post, on) => ((1, post), on),
                Effect::Protect(user, on) => ((2, user), on),
                Effect::Suspend(user, on) => ((3, user), on),
                Effect::WithholdUser(user, on) => ((4, user), on),
            };
            let state = oracle.states.entry(key).or_insert((*at, on));
            if *at >= state.0 {
                *state = (*at, on);
            }
        }
        oracle
    }

    fn is_dead(&self, post: u64) -> bool {
        let is_on = |cause: u8, id: u64| self.states.get(&(cause, id)).is_some_and(|(_, on)| *on);
        self.deleted.contains(&post)
            || (0..2).any(|cause| is_on(cause, post))
            || (2..5).any(|cause| is_on(cause, author(post)))
    }

    fn has_geo(&self, post: u64) -> bool {
        self.bounds.get(&author(post)).is_none_or(|bound| post > *bound)
    }

    /// The line after a run; none if it is removed.
    fn after(&self, line: &Line) -> Option<String> {
        let Line::Post(post) = line else { return Some(line.before()) };
        let dead_inside = post.embedded.filter(|(id, _)| self.is_dead(*id));
        if self.is_dead(post.id) || dead_inside.is_some_and(|(_, retweet)| retweet) {
            return None;
        }
        let embedded = post.embedded.filter(|_| dead_inside.is_none());
        let embedded = embedded.map(|(id, _)| (id, post.has_geo && self.has_geo(id)));
        Some(post.line(self.has_geo(post.id), embedded))
    }
}

fn posts() -> impl Strategy<Value = Line> {
    (1u64..20, any::<bool>(), any::<bool>(), proptest::option::of((1u64..20, any::<bool>())))
        .prop_map(|(id, v2, has_geo, embedded)| Line::Post(Post { id, v2, has_geo, embedded }))
}

fn effects() -> impl Strategy<Value = Effect> {
    let (post, user, on) = (1u64..20, 100u64..105, any::<bool>());
    prop_oneof![
        post.clone().prop_map(Effect::Delete),
        (post.clone(), on).prop_map(|(post, on)| Effect::Drop(post, on)),
        (post.clone(), on).prop_map(|(post, on)| Effect::Withhold(post, on)),
        (user.clone(), on).prop_map(|(user, on)| Effect::Protect(user, on)),
        (user.clone(), on).prop_map(|(user, on)| Effect::Suspend(user, on)),
        (user.clone(), on).prop_map(|(user, on)| Effect::WithholdUser(user, on)),
        (user, post).prop_map(|(user, up_to)| Effect::Scrub(user, up_to)),
    ]
}

fn others() -> impl Strategy<Value = Line> {
    prop::sample::select(vec!["", "not JSON", "[]", r#"{"limit":{"track":1}}"#, r#"{"id":"3""#]).prop_map(Line::Other)
}

/// Posts, events with different times, and other lines, each with the file it is in.
fn lines() -> impl Strategy<Value = Vec<(Line, usize)>> {
    let events = proptest::collection::vec(effects(), 0..12).prop_map(|effects| {
        effects.into_iter().zip(1..).map(|(effect, at)| Line::Event(at, effect)).collect::<Vec<Line>>()
    });
    let others = proptest::collection::vec(others(), 0..3);
    (proptest::collection::vec(posts(), 1..30), events, others)
        .prop_map(|(posts, events, others)| [posts, events, others].concat())
        .prop_shuffle()
        .prop_flat_map(|lines| {
            let files = proptest::collection::vec(0..FILES.len(), lines.len());
            files.prop_map(move |files| lines.clone().into_iter().zip(files).collect())
        })
}

const FILES: [&str; 3] = ["a.ndjson", "b.ndjson.gz", "events"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_posts_and_events_gives_what_an_oracle_gives_and_twice_is_once(lines in lines()) {
        let oracle = Oracle::new(lines.iter().map(|(line, _)| line));
        let contents = |of: &dyn Fn(&Line) -> Option<String>| {
            FILES.map(|name| {
                let here = lines.iter().filter(|(_, file)| FILES[*file] == name);
                here.filter_map(|(line, _)| of(line)).map(|line| line + "\r\n").collect::<String>()
            })
        };
        let before = contents(&|line| Some(line.before()));
        let files: Vec<(&str, &str)> = FILES.into_iter().zip(before.iter().map(String::as_str)).collect();
        let folder = folder(&files);
        // The last file has events only for the run, whatever else is in it.
        let arguments = ["--withheld-in", "DE", FILES[2], FILES[0], FILES[1]];
        let output = scrub(&folder, &arguments);
        prop_assert_eq!(status(&output), 0);
        let after = contents(&|line| oracle.after(line));
        prop_assert_eq!(FILES.map(|name| text(&folder.path().join(name))), after.clone());
        let again = scrub(&folder, &arguments);
        prop_assert_eq!((status(&again), total(&again, "changed")), (0, 0));
    }
}
