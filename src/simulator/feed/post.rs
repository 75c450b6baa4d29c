//! Generated posts: varied, seeded, of the size and shape X sends, with invented accounts and texts.
//!
//! The texts contain what careless parsers get wrong: emoji, escapes, quotes of control messages.
//!
//! Law: the same seed, id and time give the same post.

use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::corpus::RULES;
use super::fields::Selection;
use crate::protocol::post_id::PostId;
use crate::time::{as_millis, format_rfc3339};

/// The first millisecond of X's id scheme: `id >> 22` counts from here.
const SNOWFLAKE_EPOCH: u64 = 1_288_834_974_657;

/// The lowest id of a millisecond.
pub(crate) fn first_id(unix_ms: u64) -> u64 {
    unix_ms.saturating_sub(SNOWFLAKE_EPOCH) << 22
}

/// When the post of this id was written, in Unix milliseconds.
pub(crate) fn millis_of(id: u64) -> u64 {
    as_millis(PostId(id).created_at().unwrap_or(Duration::ZERO))
}

pub(crate) fn calendar(unix_ms: u64) -> Timestamp {
    i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A time as v2 writes it, with milliseconds.
pub(crate) fn rfc3339(unix_ms: u64) -> String {
    format_rfc3339(Duration::from_millis(unix_ms))
}

/// Writes posts of given ids and times.
#[derive(Debug)]
pub(crate) struct Generator {
    pub(crate) rng: Rng,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Generator {
        Generator { rng: Rng::with_seed(seed) }
    }

    /// The rules that a post matched where no rules are set: one, now and then two.
    pub(crate) fn matching_rules(&mut self) -> Value {
        let first = self.rng.usize(..RULES.len());
        let count = if self.rng.u8(..5) == 0 { 2 } else { 1 };
        let rules = RULES.iter().cycle().skip(first).take(count);
        rules.map(|(rule, tag)| json!({ "id": rule, "tag": tag })).collect()
    }
}

/// An endless supply of whole posts in both formats, as test data: of seven posts, six are v2 posts of the filtered
/// stream with every field, one is a v1.1 post. Ids strictly increase.
#[derive(Debug)]
pub struct Posts {
    generator: Generator,
    last: u64,
}

impl Posts {
    /// Starts the supply.
    #[must_use]
    pub fn new(seed: u64) -> Posts {
        Posts { generator: Generator::new(seed), last: 0 }
    }

    /// Appends one post as JSON, without a line end, as if written at `unix_ms`.
    pub fn next(&mut self, unix_ms: u64, out: &mut Vec<u8>) {
        let id = self.next_id(unix_ms);
        if self.generator.rng.u8(..100) < 15 {
            self.generator.v1(id, unix_ms, "", out);
        } else {
            self.generator.v2(id, unix_ms, "", &Selection::all(), true, out);
        }
    }

    fn next_id(&mut self, unix_ms: u64) -> u64 {
        // Low bits as X fills them: data centre, worker, sequence. Here they only distinguish posts of one
        // millisecond, and a clock that steps back must not make an id smaller.
        self.last = first_id(unix_ms).max(self.last + 1 + self.generator.rng.u64(..3));
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: u64 = 1_790_000_000_000;

    #[test]
    fn every_post_is_valid_json_of_the_size_x_sends() {
        let mut posts = Posts::new(7);
        let (mut english, mut v1, mut total, mut last) = (0, 0, 0, 0);
        for n in 0..10_000 {
            let mut line = Vec::new();
            posts.next(AT + n / 3, &mut line);
            assert!(!line.contains(&b'\n'));
            total += line.len();
            let post: Value = serde_json::from_slice(&line).unwrap();
            let old = post.get("id_str").is_some();
            v1 += u32::from(old);
            let limit = if old { 6144 } else { 4096 };
            assert!((1000..=limit).contains(&line.len()), "{} bytes: {post}", line.len());
            let data = post.get("data").unwrap_or(&post);
            english += u32::from(data["lang"] == "en");
            let id: u64 = data.get("id_str").unwrap_or(&data["id"]).as_str().unwrap().parse().unwrap();
            assert!(id > last);
            last = id;
            assert_eq!(id, posts.last);
        }
        assert!((1500..=2500).contains(&(total / 10_000)), "mean {}", total / 10_000);
        assert!((4000..=7000).contains(&english), "{english} English");
        assert!((1200..=1800).contains(&v1), "{v1} v1.1");
    }

    #[test]
    fn the_id_tells_the_time() {
        let mut posts = Posts::new(1);
        posts.next(AT, &mut Vec::new());
        assert_eq!((posts.last >> 22) + SNOWFLAKE_EPOCH, AT);
    }

    #[test]
    fn the_same_seed_gives_the_same_posts() {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let (mut one, mut two) = (Posts::new(3), Posts::new(3));
        for n in 0..50 {
            one.next(AT + n, &mut a);
            two.next(AT + n, &mut b);
        }
        assert_eq!(a, b);
    }

    #[test]
    fn entities_point_at_their_words() {
        let mut posts = Posts::new(5);
        let mut seen = 0;
        for n in 0..300 {
            let mut line = Vec::new();
            posts.next(AT + n, &mut line);
            let post: Value = serde_json::from_slice(&line).unwrap();
            if post["data"]["referenced_tweets"][0]["type"] == "retweeted" {
                continue; // Positions refer to the original text, which X cuts as well.
            }
            let Some(tag) = post["data"]["entities"]["hashtags"].get(0) else {
                continue;
            };
            let text: Vec<char> = post["data"]["text"].as_str().unwrap().chars().collect();
            let at = |key: &str| usize::try_from(tag[key].as_u64().unwrap()).unwrap();
            let word: String = text[at("start")..at("end")].iter().collect();
            assert_eq!(word, format!("#{}", tag["tag"].as_str().unwrap()));
            seen += 1;
        }
        assert!(seen > 50);
    }
}
