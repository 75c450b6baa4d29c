//! The time between the last byte before an ending and the first byte after the reconnect.
//!
//! X delivers nothing of that time by itself, so it is measured and reported: bounds on the wall clock, the posts
//! around it, and how many were probably missed. Repair belongs here too, when it comes.

use std::collections::VecDeque;
use std::time::Duration;

use crate::protocol::disconnect::Code;
use crate::protocol::post_id::PostId;
use crate::time::Timestamp;

/// A stretch of the stream that was not received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The last byte before the ending.
    pub from: Timestamp,
    /// The first byte after it; absent while the stream is not back.
    pub to: Option<Timestamp>,
    /// What ended the connection before it.
    pub cause: Code,
    /// The last post before it, if there was one.
    pub last_id: Option<PostId>,
    /// The first post after it, if one came in time to be named.
    pub first_id: Option<PostId>,
    /// Posts probably missed: the recent rate times the length.
    pub missed: u64,
}

impl Gap {
    /// How long it lasted, up to `now` while the stream is not back.
    #[must_use]
    pub fn length(&self, now: Timestamp) -> Duration {
        self.to.unwrap_or(now).since(self.from)
    }
}

/// Follows the stream so that a gap can be measured when one opens.
#[derive(Debug, Default)]
pub struct Coverage {
    last_byte: Option<Timestamp>,
    last_id: Option<PostId>,
    rate: PostRate,
    open: Option<Gap>,
}

impl Coverage {
    /// Bytes arrived. Returns the gap that they close, once there is a post to name.
    pub fn received(
        &mut self,
        now: Timestamp,
        posts: u64,
        first_id: Option<PostId>,
        last_id: Option<PostId>,
    ) -> Option<Gap> {
        self.last_byte = Some(now);
        if let Some(gap) = &mut self.open
            && gap.to.is_none()
        {
            gap.to = Some(now);
            // The rate is that of the time before; nothing has been counted since.
            gap.missed = self.rate.expected(gap.from, gap.length(now));
        }
        self.rate.count(now, posts);
        self.last_id = last_id.or(self.last_id);
        let mut gap = self.open.take_if(|_| posts > 0)?;
        gap.first_id = first_id;
        Some(gap)
    }

    /// An open connection is over. Returns the gap before it, if that was closed and not reported yet.
    pub fn ended(&mut self, cause: &Code) -> Option<Gap> {
        let closed = self.take_closed();
        if let (None, Some(from)) = (&self.open, self.last_byte) {
            self.open =
                Some(Gap { from, to: None, cause: cause.clone(), last_id: self.last_id, first_id: None, missed: 0 });
        }
        closed
    }

    /// The gap that is still open at the end of a run, with its cost so far.
    pub fn take(&mut self, now: Timestamp) -> Option<Gap> {
        let mut gap = self.open.take()?;
        if gap.to.is_none() {
            gap.missed = self.rate.expected(gap.from, gap.length(now));
        }
        Some(gap)
    }

    /// The gap whose first byte came, but no post yet.
    pub fn take_closed(&mut self) -> Option<Gap> {
        self.open.take_if(|gap| gap.to.is_some())
    }

    /// Posts a second, over the last minute.
    #[must_use]
    pub fn rate(&self, now: Timestamp) -> f64 {
        self.rate.per_second(now)
    }
}

/// Posts counted in whole seconds over the last minute.
#[derive(Debug, Default)]
struct PostRate {
    seconds: VecDeque<(u64, u64)>,
    first: Option<Timestamp>,
}

/// Long enough to be steady on a quiet rule, short enough to follow a rush.
const MINUTE: u64 = 60;

impl PostRate {
    fn count(&mut self, now: Timestamp, posts: u64) {
        self.first.get_or_insert(now);
        let second = now.monotonic.as_secs();
        match self.seconds.back_mut() {
            Some((last, count)) if *last == second => *count += posts,
            _ => self.seconds.push_back((second, posts)),
        }
        while self.seconds.front().is_some_and(|(first, _)| *first + MINUTE <= second) {
            self.seconds.pop_front();
        }
    }

    fn per_second(&self, now: Timestamp) -> f64 {
        let Some(first) = self.first else { return 0.0 };
        let span = now.since(first).as_secs_f64().clamp(1.0, MINUTE as f64);
        let second = now.monotonic.as_secs();
        let posts: u64 = self.seconds.iter().filter(|(at, _)| at + MINUTE > second).map(|(_, count)| count).sum();
        posts as f64 / span
    }

    fn expected(&self, at: Timestamp, length: Duration) -> u64 {
        let posts = self.per_second(at) * length.as_secs_f64();
        // A duration saturates and rounds without a cast that could wrap.
        Duration::try_from_secs_f64(posts.round()).map_or(u64::MAX, |posts| posts.as_secs())
    }
}
