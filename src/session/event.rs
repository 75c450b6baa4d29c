//! What happened, as data. Notices, the status row and the summary all render these and nothing else, so no
//! two of them can tell a different story.

use std::time::Duration;

use super::gap::Gap;
use super::outcome::Outcome;
use crate::pipeline::Remark;
use crate::protocol::message::DisconnectReason;
use crate::protocol::rate_limit::RateLimit;
use crate::time::Timestamp;

/// What a connection delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Bytes of the body as they came, before inflating.
    pub bytes: u64,
    /// Lines, heartbeats included.
    pub lines: u64,
    /// Posts among them.
    pub posts: u64,
}

/// Why the session waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The backoff that follows an ending or a failure.
    Backoff,
    /// X's rate limit says when the next request is welcome.
    RateLimit,
    /// X asked for this in `Retry-After`.
    RetryAfter,
    /// The requests of these 15 minutes are spent, by us or by another process on the same state file.
    Budget,
    /// The quota of posts is spent, and its period has not turned.
    Quota,
}

/// A connection that holds the slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// X's id for it.
    pub id: String,
    /// Where it comes from.
    pub address: String,
    /// How long it has been open.
    pub age: Option<Duration>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A connection is being opened.
    Dialling {
        /// Its number in this run, from 1.
        connection: u32,
        /// How many attempts there were since a stream was last established, this one included.
        attempt: u32,
    },
    /// The server answered 200.
    Opened {
        /// Its number in this run.
        connection: u32,
        /// What the response said about the rate limit.
        rate: RateLimit,
    },
    /// The first byte of an open connection arrived.
    FirstByte {
        /// Its number in this run.
        connection: u32,
        /// How long after the response head.
        after: Duration,
    },
    /// Nothing arrived for longer than the keep-alive allows; a stall follows if nothing does.
    Late {
        /// How long.
        silence: Duration,
    },
    /// A line or heartbeat came and the connection has stood long enough to count as healthy.
    Established {
        /// Its number in this run.
        connection: u32,
    },
    /// The server, or our pipeline, has something to say about the stream.
    Remark(Remark),
    /// More remarks came at once than are told one by one.
    Unremarked {
        /// How many.
        count: u64,
    },
    /// Our reader fell so far behind that the socket is not read.
    Blocked,
    /// Our reader caught up.
    Unblocked {
        /// How long the socket was not read.
        after: Duration,
    },
    /// A connection ended, or could not be opened.
    Ended {
        /// Its number in this run.
        connection: u32,
        /// Why.
        ending: DisconnectReason,
        /// Whether it was ever open: false for a failed dial and for a refusal.
        opened: bool,
        /// How long it was open.
        lived: Duration,
        /// What the answer said about the rate limit, if there was one.
        rate: Option<RateLimit>,
        /// What it delivered.
        traffic: Traffic,
        /// Whether our own reader was behind at that time, which is then the likely cause.
        slow_reader: bool,
    },
    /// The session waits before it dials.
    Waiting {
        /// Why.
        why: Why,
        /// For how long.
        delay: Duration,
        /// Until when.
        until: Timestamp,
    },
    /// Who holds the slot that we were refused, as X lists them.
    Held {
        /// The connections; none if X lists none.
        by: Vec<Holder>,
        /// The command that ends them.
        kill: String,
        /// How many were ended to free it, or why not; none if that was not asked for.
        freed: Option<Result<u64, String>>,
    },
    /// X's own word for the end of a connection.
    Reason {
        /// Its number in this run.
        connection: u32,
        /// X's word.
        reason: String,
    },
    /// The stream is back, and this is what lies between.
    Gap(Gap),
    /// The run is over.
    Stopped(Outcome),
}
