//! Deletions in flight: what is deleted does not reach stdout, whether its deletion comes before it or while it waits.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::Read as _;
use std::process::Stdio;

use proptest::prelude::*;
use serde_json::{Value, json};
use xstream::pipeline::batch::Batch;
use xstream::pipeline::decode::Line;
use xstream::pipeline::filter::Filter;
use xstream::pipeline::outbox::Outbox;
use xstream::pipeline::select::{LineSource, SelectOptions, Selector};
use xstream::pipeline::tombstones::Tombstones;
use xstream::protocol::compliance::{Applied, apply, event};

use crate::common::{Journal, Start as _, journal, run, serve, stderr, tail, values, wait, xstream};

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

/// A post of v1.1, with a location.
fn v1_post(id: u64, user: u64) -> String {
    format!(r#"{{"id":{id},"id_str":"{id}","text":"x","user":{{"id":{user}}},"place":{{"id":"p"}}}}"#)
}

fn delete(id: u64) -> String {
    format!(r#"{{"delete":{{"status":{{"id":{id},"id_str":"{id}","user_id":1}}}}}}"#)
}

fn scrub(user: u64, up_to: u64) -> String {
    format!(r#"{{"scrub_geo":{{"user_id":{user},"up_to_status_id":{up_to}}}}}"#)
}

/// A script that sends these lines, and then only heartbeats.
fn script(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("line {line}\n")).collect();
    format!("{}stall", lines.concat())
}

/// The ids of the posts in an output.
fn ids(stdout: &[u8]) -> Vec<u64> {
    values(stdout).iter().filter_map(|value| value["id"].as_u64()).collect()
}

#[test]
fn a_post_that_arrives_after_its_deletion_is_not_printed_and_the_deletion_is() {
    let lines = [delete(5), v1_post(5, 1), v1_post(6, 1)];
    let server = serve(&script(&lines));
    let run = journal(&mut tail(&server, &["--max", "2"])).exits(0);
    assert_eq!(String::from_utf8_lossy(&run.output.stdout), format!("{}\n{}\n", lines[0], lines[2]));
    let end = run.end();
    assert_eq!([&end["printed"], &end["withheld"], &end["posts"]], [2, 1, 2], "{run}");
    assert!(stderr(&run.output).contains("1 message withheld"), "{run}");
}

#[test]
fn keep_deleted_prints_every_byte_as_it_came() {
    let lines = [delete(5), v1_post(5, 1), scrub(1, 9), v1_post(6, 1)];
    let server = serve(&script(&lines));
    let run = journal(&mut tail(&server, &["--max", "4", "--keep-deleted"])).exits(0);
    assert_eq!(String::from_utf8_lossy(&run.output.stdout), format!("{}\n", lines.join("\n")));
    assert_eq!([&run.end()["withheld"], &run.end()["stripped"]], [0, 0], "{run}");
}

#[test]
fn deletions_that_are_not_printed_are_honoured_and_checked_before_any_filter() {
    let lines = [delete(5), v1_post(5, 1), scrub(1, 9), v1_post(6, 1)];
    let server = serve(&script(&lines));
    let mut command = tail(&server, &["--skip", "compliance", "--max", "1"]);
    #[cfg(feature = "jq")]
    command.args(["--where", ".place == null", "--jq", ".id"]);
    let output = run(&mut command);
    #[cfg(feature = "jq")]
    assert_eq!(String::from_utf8_lossy(&output.stdout), "6\n", "{}", stderr(&output));
    #[cfg(not(feature = "jq"))]
    assert_eq!(ids(&output.stdout), [6], "{}", stderr(&output));
}

#[test]
fn what_is_deleted_while_a_slow_reader_holds_the_pipe_never_reaches_stdout() {
    // More than the pipe holds, so that what follows waits.
    let filler: Vec<String> = (100..3000).map(|id| format!(r#"{{"id":{id},"text":"{}"}}"#, "x".repeat(600))).collect();
    let quote = format!(r#"{{"id":7,"text":"q","quoted_status":{}}}"#, v1_post(5, 1));
    let mut lines = filler.clone();
    lines.extend([v1_post(5, 1), quote, v1_post(6, 2), v1_post(8, 3)]);
    lines.extend([delete(5), scrub(2, 6)]);
    // Its record says that all that came before was read.
    lines.push(r#"{"warning":{"code":"FALLING_BEHIND","message":"x","percent_full":60}}"#.to_owned());
    lines.push(v1_post(9, 3));
    for expression in [None, Some(".")] {
        #[cfg(not(feature = "jq"))]
        if expression.is_some() {
            continue;
        }
        let server = serve(&script(&lines));
        let journal = Journal::new();
        let count = (filler.len() + 7).to_string();
        let mut command = tail(&server, &["--journal", journal.path(), "--max", &count]);
        if let Some(expression) = expression {
            command.args(["--jq", expression]);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).start();
        journal.until("warning");
        let mut stdout = Vec::new();
        child.stdout.take().expect("a pipe").read_to_end(&mut stdout).expect("all of it");
        assert!(wait(&mut child).success());
        let tail: Vec<Value> = values(&stdout).split_off(filler.len());
        let expected = [
            json!({"id": 7, "text": "q"}),
            json!({"id": 6, "id_str": "6", "text": "x", "user": {"id": 2}}),
            serde_json::from_str(&v1_post(8, 3)).expect("JSON"),
            serde_json::from_str(&delete(5)).expect("JSON"),
            serde_json::from_str(&scrub(2, 6)).expect("JSON"),
            serde_json::from_str(&v1_post(9, 3)).expect("JSON"),
        ];
        assert_eq!(tail, expected);
        let records = journal.records();
        let end = records.last().expect("an end");
        assert_eq!([&end["printed"], &end["withheld"], &end["stripped"]], [filler.len() as u64 + 6, 1, 2], "{end}");
    }
}

#[test]
fn a_replay_honours_deletions_as_a_stream_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, other) = (folder.path().join("capture"), folder.path().join("other"));
    let lines = [v1_post(4, 2), delete(5), scrub(2, 6), v1_post(5, 1), v1_post(6, 2)];
    std::fs::write(&path, format!("{}\n", lines.join("\n"))).expect("written");
    // A later file knows what an earlier one said.
    std::fs::write(&other, format!("{}\n{}\n", v1_post(5, 1), v1_post(9, 1))).expect("written");
    let paths = [path.to_str().expect("text"), other.to_str().expect("text")];
    let output = run(xstream(&["replay", "--only", "post"]).args(paths));
    assert_eq!(ids(&output.stdout), [4, 6, 9], "{}", stderr(&output));
    let places = values(&output.stdout).iter().filter(|post| post.get("place").is_some()).count();
    assert_eq!(places, 1, "only the post of another user keeps its place");
    assert!(stderr(&output).contains("2 messages withheld"), "{}", stderr(&output));
    let output = run(xstream(&["replay", "--keep-deleted"]).args(paths));
    assert_eq!(ids(&output.stdout), [4, 5, 6, 5, 9]);
    assert!(output.stderr.is_empty(), "{}", stderr(&output));
}

#[test]
fn runs_on_one_state_file_share_what_was_deleted() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let state = state.to_str().expect("text");
    let first = script(&[delete(5), scrub(2, 9)]);
    let second = script(&[v1_post(5, 1), v1_post(6, 2), v1_post(7, 1)]);
    let server = serve(&format!("{first}|{second}"));
    let first = run(&mut tail(&server, &["--state", state, "--max", "2"]));
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let second = journal(&mut tail(&server, &["--state", state, "--max", "2"])).exits(0);
    assert_eq!(ids(&second.output.stdout), [6, 7], "{second}");
    assert_eq!([&second.end()["withheld"], &second.end()["stripped"]], [1, 1], "{second}");
}

#[test]
fn a_post_that_says_it_is_withheld_everywhere_is_not_printed() {
    let lines = [
        r#"{"id":1,"text":"x","withheld_in_countries":["XX"]}"#.to_owned(),
        r#"{"data":{"id":"2","text":"x","withheld":{"copyright":true,"country_codes":["XY"]}}}"#.to_owned(),
        r#"{"id":3,"text":"x","withheld_in_countries":["DE"]}"#.to_owned(),
    ];
    let server = serve(&script(&lines));
    let run = journal(&mut tail(&server, &["--max", "1"])).exits(0);
    assert_eq!(String::from_utf8_lossy(&run.output.stdout), format!("{}\n", lines[2]));
    assert_eq!(run.end()["withheld"], 2, "{run}");
}
