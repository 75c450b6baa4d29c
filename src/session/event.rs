//! What happened, as data. Notices, the status row, the journal and the summary render these and nothing else, so no
//! two of them can contradict each other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::gap::Gap;
use super::outcome::Outcome;
use crate::pipeline::{Diagnostic, Seen};
use crate::protocol::message::Ending;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// The backoff that follows an ending or a failure.
    Backoff,
    /// X's rate limit allows the next request at its reset.
    RateLimit,
    /// The response named this delay in `Retry-After`.
    RetryAfter,
    /// The requests of these 15 minutes are spent, by this process or by another one on the same state file.
    Budget,
    /// The quota of posts is spent until its next period begins.
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

/// One thing that happened, with its time and the connection it happened on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it happened.
    pub at: Timestamp,
    /// The number of the connection in this run, from 1; 0 before the first.
    pub connection: u32,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A connection is being opened.
    Dialling {
        /// How many attempts there were since a stream was last established, this one included.
        attempt: u32,
    },
    /// The server answered 200.
    Opened {
        /// What the response said about the rate limit.
        rate: RateLimit,
    },
    /// The first byte of an open connection arrived.
    FirstByte {
        /// How long after the response head.
        after: Duration,
    },
    /// Bytes arrived; what was in them.
    Received(Box<Seen>),
    /// Nothing arrived for longer than the keep-alive allows; a stall follows if nothing does.
    Late {
        /// How long.
        silence: Duration,
    },
    /// A line or heartbeat came and the connection has been open long enough to count as healthy.
    Established,
    /// A control message, or a fault in what was received.
    Diagnostic(Diagnostic),
    /// More diagnostics came at once than are reported one by one.
    Suppressed {
        /// How many.
        count: u64,
    },
    /// The reader process lags so far that the socket is not read.
    Blocked,
    /// The reader process caught up.
    Unblocked {
        /// How long the socket was not read.
        after: Duration,
    },
    /// A connection ended, or could not be opened.
    Ended {
        /// Why.
        ending: Ending,
        /// Whether it was ever open: false for a failed dial and for a refusal.
        opened: bool,
        /// How long it was open.
        lived: Duration,
        /// What the answer said about the rate limit, if there was one.
        rate: Option<RateLimit>,
        /// What it delivered.
        traffic: Traffic,
        /// Whether the reader process lagged at that time, which is then the likely cause.
        slow_reader: bool,
    },
    /// The session waits before it dials.
    Waiting {
        /// Why.
        why: WaitReason,
        /// For how long.
        delay: Duration,
        /// Until when.
        until: Timestamp,
    },
    /// The connections that hold the slot, as X lists them, after a refusal because of them.
    Held {
        /// The connections; none if X lists none.
        by: Vec<Holder>,
        /// The command that ends them.
        kill: String,
        /// How many were terminated to free it, or why not; none without `--take-over`.
        freed: Option<Result<u64, String>>,
    },
    /// X's own reason for the end of a connection, which the event names.
    Reason {
        /// The reason.
        reason: String,
    },
    /// Time in which nothing was received, and what it cost.
    Gap(Gap),
    /// The run is over.
    Stopped(Outcome),
}
