//! Deletions against an oracle: what `apply` leaves of a line, and what leaves the selector and the outbox.

use std::collections::{HashMap, HashSet, VecDeque};

use proptest::prelude::*;
use serde_json::{Value, json};
use xstream::pipeline::batch::Batch;
use xstream::pipeline::decode::Line;
use xstream::pipeline::filter::Filter;
use xstream::pipeline::outbox::Outbox;
use xstream::pipeline::select::{LineSource, SelectOptions, Selector};
use xstream::pipeline::tombstones::Tombstones;
use xstream::protocol::compliance::{Applied, apply, event};

/// All that is known, for an oracle that works on values.
#[derive(Debug, Clone, Default)]
struct Known {
    posts: HashSet<u64>,
    users: HashSet<u64>,
    bounds: HashMap<u64, u64>,
}

/// An event of a test, as its message and as knowledge.
#[derive(Debug, Clone)]
enum Deed {
    Delete(u64),
    Hide(u64),
    Scrub(u64, u64),
}

impl Deed {
    fn line(&self, dialect: bool) -> String {
        match (self, dialect) {
            (Deed::Delete(post), false) => json!({"data":{"delete":{"tweet":{"id":post.to_string()}}}}),
            (Deed::Delete(post), true) => json!({"delete":{"status":{"id":post,"id_str":post.to_string()}}}),
            (Deed::Hide(user), false) => json!({"data":{"user_suspend":{"user":{"id":user.to_string()}}}}),
            (Deed::Hide(user), true) => json!({"user_protect":{"id":user}}),
            (Deed::Scrub(user, bound), false) => {
                json!({"data":{"scrub_geo":{"user":{"id":user.to_string()},"up_to_tweet_id":bound.to_string()}}})
            }
            (Deed::Scrub(user, bound), true) => json!({"scrub_geo":{"user_id":user,"up_to_status_id":bound}}),
        }
        .to_string()
    }
}

impl Known {
    fn learn(&mut self, deed: &Deed) {
        match deed {
            Deed::Delete(post) => {
                self.posts.insert(*post);
            }
            Deed::Hide(user) => {
                self.users.insert(*user);
            }
            Deed::Scrub(user, bound) => {
                let held = self.bounds.entry(*user).or_default();
                *held = (*held).max(*bound);
            }
        }
    }

    fn dead(&self, id: u64, author: u64) -> bool {
        self.posts.contains(&id) || self.users.contains(&author)
    }

    fn scrubbed(&self, id: u64, author: u64) -> bool {
        self.bounds.get(&author).is_some_and(|bound| id <= *bound)
    }

    /// What is left of a line of a test; none if it is withheld.
    fn left(&self, line: &Value) -> Option<Value> {
        let mut line = line.clone();
        let alive = if line.get("data").is_some() { self.v2(&mut line) } else { self.v1(&mut line) };
        alive.then_some(line)
    }

    fn v1(&self, post: &mut Value) -> bool {
        let (id, author) = (number(&post["id_str"]), number(&post["user"]["id"]));
        if self.dead(id, author) {
            return false;
        }
        let members = post.as_object_mut().expect("an object");
        if members.get_mut("retweeted_status").is_some_and(|post| !self.v1(post)) {
            return false;
        }
        if members.get_mut("quoted_status").is_some_and(|post| !self.v1(post)) {
            members.remove("quoted_status");
        }
        if self.scrubbed(id, author) {
            for name in ["geo", "coordinates", "place"] {
                if members.get(name).is_some_and(|value| !value.is_null()) {
                    members.remove(name);
                }
            }
        }
        true
    }

    fn v2(&self, line: &mut Value) -> bool {
        let ids = |post: &Value| (number(&post["id"]), number(&post["author_id"]));
        let retweeted = |post: &Value| {
            let references = post["referenced_tweets"].as_array().cloned().unwrap_or_default();
            references
                .iter()
                .find(|reference| reference["type"] == "retweeted")
                .map(|reference| number(&reference["id"]))
        };
        let included = line["includes"]["tweets"].as_array().cloned().unwrap_or_default();
        let mut dead: HashSet<u64> = self.posts.clone();
        for post in &included {
            let (id, author) = ids(post);
            if self.dead(id, author) || retweeted(post).is_some_and(|id| self.posts.contains(&id)) {
                dead.insert(id);
            }
        }
        let gone = |post: &Value| {
            let (id, author) = ids(post);
            self.dead(id, author) || retweeted(post).is_some_and(|id| dead.contains(&id))
        };
        if gone(&line["data"]) {
            return false;
        }
        let mut touched = included.iter().any(|post| gone(post) && post.get("geo").is_some());
        let mut left: Vec<Value> = included.iter().filter(|post| !gone(post)).cloned().collect();
        let mut places = HashSet::new();
        for post in std::iter::once(&mut line["data"]).chain(left.iter_mut()) {
            let (id, author) = ids(post);
            let members = post.as_object_mut().expect("an object");
            if self.scrubbed(id, author) {
                touched |= members.remove("geo").is_some();
            } else if let Some(geo) = members.get("geo") {
                places.insert(geo["place_id"].as_str().expect("a place").to_owned());
            }
        }
        if let Some(tweets) = line.pointer_mut("/includes/tweets") {
            *tweets = left.into();
        }
        if let Some(all) = line.pointer_mut("/includes/places").and_then(Value::as_array_mut)
            && touched
        {
            all.retain(|place| places.contains(place["id"].as_str().expect("an id")));
        }
        true
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).expect("an id")
}

/// Few ids, so that events hit often.
fn id() -> impl Strategy<Value = u64> {
    1..16u64
}

fn user() -> impl Strategy<Value = u64> {
    101..106u64
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => id().prop_map(Deed::Delete),
        1 => user().prop_map(Deed::Hide),
        2 => (user(), id()).prop_map(|(user, bound)| Deed::Scrub(user, bound)),
    ]
}

fn v1(depth: u32) -> BoxedStrategy<Value> {
    let flat = (id(), user(), any::<bool>(), any::<bool>()).prop_map(|(id, user, place, geo)| {
        let mut post =
            json!({"id": id, "id_str": id.to_string(), "text": "66 \"id\":1 {", "user": {"id": user, "location": "x"}});
        post["place"] = if place { json!({"id": "p"}) } else { Value::Null };
        if geo {
            post["geo"] = json!({"coordinates": [1, 2]});
            post["coordinates"] = json!({"type": "Point"});
        }
        post
    });
    if depth == 0 {
        return flat.boxed();
    }
    (flat, proptest::option::of(v1(depth - 1)), proptest::option::of(v1(depth - 1)))
        .prop_map(|(mut post, retweeted, quoted)| {
            if let Some(other) = retweeted {
                post["retweeted_status"] = other;
            }
            if let Some(other) = quoted {
                post["quoted_status"] = other;
            }
            post
        })
        .boxed()
}

fn v2() -> impl Strategy<Value = Value> {
    let post = || {
        let reference = (prop_oneof![Just("retweeted"), Just("quoted"), Just("replied_to")], id());
        (id(), user(), proptest::option::of(0..3u8), proptest::option::of(reference)).prop_map(
            |(id, user, place, reference)| {
                let mut post = json!({"id": id.to_string(), "author_id": user.to_string(), "text": "x, \"id\": 1"});
                if let Some(place) = place {
                    post["geo"] = json!({"place_id": place.to_string()});
                }
                if let Some((kind, id)) = reference {
                    post["referenced_tweets"] = json!([{"type": kind, "id": id.to_string()}]);
                }
                post
            },
        )
    };
    (post(), proptest::option::of(proptest::collection::vec(post(), 0..4))).prop_map(|(post, included)| {
        let mut line = json!({"data": post});
        if let Some(posts) = included {
            line["includes"] = json!({"tweets": posts, "places": [{"id": "0"}, {"id": "1"}, {"id": "2"}]});
        }
        line
    })
}

fn post() -> impl Strategy<Value = Value> {
    prop_oneof![v1(2), v2().boxed()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn a_line_loses_what_an_oracle_that_parses_it_removes(
        deeds in proptest::collection::vec((deed(), any::<bool>()), 0..8),
        post in post(),
    ) {
        let (mut known, mut tombstones) = (Known::default(), Tombstones::default());
        for (deed, dialect) in &deeds {
            known.learn(deed);
            tombstones.add(&event(deed.line(*dialect).as_bytes()).expect("an effect"));
        }
        let line = post.to_string();
        let left = match apply(line.as_bytes(), &tombstones) {
            Applied::Unchanged => Some(line.clone()),
            Applied::Removed => None,
            Applied::Rewritten(cuts) => {
                let mut out = Vec::new();
                cuts.write(line.as_bytes(), &mut out);
                prop_assert_eq!(apply(&out, &tombstones), Applied::Unchanged, "twice is once");
                Some(String::from_utf8(out).expect("text"))
            }
        };
        prop_assert_eq!(left, known.left(&post).map(|left| left.to_string()));
    }
}

/// One thing that happens to the pipeline.
#[derive(Debug, Clone)]
enum Turn {
    /// Lines arrive together.
    Arrive(Vec<Arrival>),
    /// The reader takes so many bytes.
    Take(usize),
}

#[derive(Debug, Clone)]
enum Arrival {
    Post(Value),
    Deed(Deed, bool),
}

fn arrival() -> impl Strategy<Value = Arrival> {
    prop_oneof![
        3 => post().prop_map(Arrival::Post),
        // More than a portion of the outbox holds.
        1 => (post(), 20_000..50_000usize).prop_map(|(mut post, length)| {
            let text = Value::from("x".repeat(length));
            *(if post.get("data").is_some() { &mut post["data"]["text"] } else { &mut post["text"] }) = text;
            Arrival::Post(post)
        }),
        2 => (deed(), any::<bool>()).prop_map(|(deed, dialect)| Arrival::Deed(deed, dialect)),
    ]
}

/// What is printed of a line without deletions.
fn plain(options: &SelectOptions, line: &str) -> Vec<u8> {
    let mut batch = Batch::default();
    let mut selector = Selector::new(SelectOptions { keep_deleted: true, ..options.clone() });
    let _ = selector.line(&mut LineSource::new(1), 1, Line::Whole(line.as_bytes()), &mut batch);
    batch.bytes.output
}

/// The model: what waits, and what has left.
struct Model {
    options: SelectOptions,
    known: Known,
    waiting: VecDeque<Arrival>,
    /// The rest of the record that has begun to leave.
    begun: Vec<u8>,
    out: Vec<u8>,
    withheld: u64,
}

impl Model {
    /// What is left of what waits, by all that is known.
    fn form(&self, arrival: &Arrival) -> Option<Vec<u8>> {
        let line = match arrival {
            Arrival::Post(post) => self.known.left(post)?.to_string(),
            Arrival::Deed(deed, dialect) => deed.line(*dialect),
        };
        Some(plain(&self.options, &line))
    }

    /// So many bytes leave.
    fn take(&mut self, mut count: usize) {
        while count > 0 {
            if self.begun.is_empty() {
                let Some(next) = self.waiting.pop_front() else { panic!("{count} bytes more than wait") };
                match self.form(&next) {
                    Some(bytes) => self.begun = bytes,
                    None => self.withheld += 1,
                }
                continue;
            }
            let part = self.begun.len().min(count);
            self.out.extend(self.begun.drain(..part));
            count -= part;
        }
    }
}

fn options(mode: u8) -> SelectOptions {
    let options = SelectOptions::new(Filter::new(&[], &[]));
    match mode {
        0 => options,
        1 => SelectOptions { annotate: true, ..options },
        #[cfg(feature = "jq")]
        2 => SelectOptions { jq: Some(xstream::pipeline::jq::Jq::compile(".").expect("an expression")), ..options },
        #[cfg(feature = "jq")]
        _ => {
            let jq = xstream::pipeline::jq::Jq::compile(".message, .kind").expect("an expression");
            SelectOptions { jq: Some(jq), annotate: true, ..options }
        }
        #[cfg(not(feature = "jq"))]
        _ => options,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn what_leaves_is_what_an_oracle_would_print_at_that_moment(
        mode in 0..4u8,
        turns in proptest::collection::vec(prop_oneof![
            3 => proptest::collection::vec(arrival(), 1..6).prop_map(Turn::Arrive),
            1 => (0..5_000usize).prop_map(Turn::Take),
            1 => (0..100_000usize).prop_map(Turn::Take),
        ], 1..16),
    ) {
        let options = options(mode);
        let (mut selector, mut source, mut batch) = (Selector::new(options.clone()), LineSource::new(1), Batch::default());
        let mut outbox = Outbox::new(1 << 20);
        let mut out = Vec::new();
        let mut model =
            Model { options, known: Known::default(), waiting: VecDeque::new(), begun: Vec::new(), out: Vec::new(), withheld: 0 };
        let (mut printed, mut withheld, mut acknowledged, mut number) = (0, 0, 0, 0);
        // In the end everything leaves.
        for turn in turns.into_iter().chain(std::iter::repeat_n(Turn::Take(usize::MAX), 64)) {
            match turn {
                Turn::Arrive(arrivals) => {
                    for arrival in &arrivals {
                        let line = match arrival {
                            Arrival::Post(post) => post.to_string(),
                            Arrival::Deed(deed, dialect) => {
                                model.known.learn(deed);
                                deed.line(*dialect)
                            }
                        };
                        number += 1;
                        let _ = selector.line(&mut source, number, Line::Whole(line.as_bytes()), &mut batch);
                    }
                    batch.recheck(&mut selector);
                    model.waiting.extend(arrivals);
                    // What a sink does: it writes at once only if nothing waits.
                    let direct = if outbox.backlog() == 0 { batch.bytes.output.len() / 3 } else { 0 };
                    out.extend_from_slice(&batch.bytes.output[..direct]);
                    outbox.push(&batch, direct);
                    model.take(direct);
                    printed += batch.report.printed;
                    withheld += batch.report.deletions.withheld;
                    batch.clear();
                }
                Turn::Take(count) => {
                    outbox.recheck(&mut selector);
                    let front = outbox.front().unwrap_or_default();
                    let part = front.len().min(count);
                    out.extend_from_slice(&front[..part]);
                    outbox.take(part);
                    model.take(part);
                }
            }
            acknowledged += outbox.acknowledged().records;
        }
        prop_assert_eq!(outbox.backlog(), 0);
        prop_assert!(out == model.out, "{}\n---\n{}", String::from_utf8_lossy(&out), String::from_utf8_lossy(&model.out));
        // What the model has not looked at since nothing left after it is withheld as well.
        prop_assert!(model.begun.is_empty() && model.waiting.iter().all(|arrival| model.form(arrival).is_none()));
        let gone = outbox.deletions().withheld;
        prop_assert_eq!(acknowledged + gone, printed);
        prop_assert_eq!(withheld + gone, model.withheld + model.waiting.len() as u64);
    }
}
