//! The numbered feed: which message exists at which time, and its id.
//!
//! It is a function of time and holds no messages: message `n` exists from `start + n × every` on, whether or not a
//! client is connected, and is written anew from its number each time it is delivered. So what a client missed is
//! exactly the numbers between two of its connections, and any part of the past can be delivered again.
//!
//! All streams carry the same numbers; partition `p` of `k` carries the numbers `n` with `n mod k = p - 1`.

use std::time::Duration;

use serde_json::Value;

use super::post::first_id;
use crate::protocol::post_id::PostId;
use crate::time::as_millis;

/// How fast the feed runs and how far back it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedOptions {
    /// The time from one message to the next; at least a millisecond, which is the grain of the time in an id.
    pub every: Duration,
    /// How long before the start of the server it began, which is what backfill and recovery can deliver.
    pub history: Duration,
}

impl Default for FeedOptions {
    /// 25 messages per second, the most that a user can still read, and the 24 hours that X's recovery reaches back.
    fn default() -> FeedOptions {
        FeedOptions { every: Duration::from_millis(40), history: Duration::from_secs(24 * 3600) }
    }
}

/// The low bits of an id, which hold the end of the number. X has a sequence number there, too.
const NUMBER_BITS: u32 = 22;

pub(crate) struct Feed {
    /// When number 0 was written, in nanoseconds since the Unix epoch.
    start: u64,
    every: u64,
    seed: u64,
}

/// One message to be written: everything its content depends on.
pub(crate) struct FeedItem {
    pub(crate) id: u64,
    pub(crate) unix_ms: u64,
    pub(crate) seed: u64,
    /// Its place in the order of messages; kinds of events alternate by it.
    pub(crate) index: u64,
    /// Added to the text of a post.
    pub(crate) note: String,
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Feed {
    /// The feed of a server that starts at `now`.
    pub(crate) fn new(options: FeedOptions, now: Duration, seed: u64) -> Feed {
        let every = nanos(options.every).max(1_000_000);
        Feed { start: nanos(now.saturating_sub(options.history)), every, seed }
    }

    /// When a message is written.
    pub(crate) fn time_of(&self, number: u64) -> Duration {
        Duration::from_nanos(self.start.saturating_add(number.saturating_mul(self.every)))
    }

    /// The first message that is written at this time or later.
    pub(crate) fn first_at(&self, time: Duration) -> u64 {
        nanos(time).saturating_sub(self.start).div_ceil(self.every)
    }

    /// How many messages are written at this time: their numbers are those below.
    pub(crate) fn produced(&self, now: Duration) -> u64 {
        nanos(now).checked_sub(self.start).map_or(0, |age| age / self.every + 1)
    }

    pub(crate) fn item(&self, number: u64) -> FeedItem {
        let unix_ms = as_millis(self.time_of(number));
        FeedItem {
            id: first_id(unix_ms) | (number & ((1 << NUMBER_BITS) - 1)),
            unix_ms,
            seed: self.seed.wrapping_add(number),
            index: number,
            note: format!(" ({number})"),
        }
    }

    /// The number of a message.
    pub(crate) fn number_of(&self, message: &Value) -> Option<u64> {
        let id = id_of(message)?;
        let time = id.created_at()?;
        // The id has the time to the millisecond and the end of the number: together they have all of it.
        let near = self.first_at(time);
        let low = id.0 & ((1 << NUMBER_BITS) - 1);
        let block = 1 << NUMBER_BITS;
        let number = near / block * block + low;
        let number = if number < near { number + block } else { number };
        (as_millis(self.time_of(number)) == as_millis(time)).then_some(number)
    }
}

/// The id that a message of any stream is about.
fn id_of(message: &Value) -> Option<PostId> {
    let id = match message.get("data") {
        None => message.get("id_str"),
        Some(data) => ["liked_tweet_id", "event_uuid", "id"].iter().find_map(|name| data.get(name)).or_else(|| {
            let event = data.as_object()?.values().next()?;
            ["tweet", "favorite", "user"].iter().find_map(|name| event.get(name)?.get("id"))
        }),
    };
    PostId::parse(id?.as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Duration = Duration::from_secs(1_790_000_000);

    #[test]
    fn a_number_is_found_by_its_id_at_every_pace_and_beyond_the_bits_that_an_id_has_for_it() {
        for every in [Duration::ZERO, Duration::from_micros(1500), Duration::from_secs(2)] {
            let feed = Feed::new(FeedOptions { every, history: Duration::from_secs(3600) }, NOW, 1);
            let mut last = 0;
            for number in [0, 1, 2, 999, 1000, 1001, (1 << 22) - 2, 1 << 22, (1 << 22) + 1, 20_000_000] {
                let item = feed.item(number);
                assert!(item.id > last, "{number} every {every:?}");
                last = item.id;
                let message = json!({"data": {"id": item.id.to_string(), "text": ""}});
                assert_eq!(feed.number_of(&message), Some(number), "every {every:?}");
            }
        }
    }

    #[test]
    fn what_is_produced_is_what_lies_before_now() {
        let feed =
            Feed::new(FeedOptions { every: Duration::from_millis(100), history: Duration::from_secs(1) }, NOW, 1);
        assert_eq!((feed.produced(NOW), feed.first_at(NOW), feed.time_of(10)), (11, 10, NOW));
        assert_eq!(feed.first_at(NOW + Duration::from_millis(1)), 11);
        assert_eq!((feed.produced(Duration::ZERO), feed.first_at(Duration::ZERO)), (0, 0));
    }
}
