//! What happened, as data. Notices, the status row and the summary all render these and nothing else, so no
//! two of them can tell a different story.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::coverage::Gap;
use super::outcome::Outcome;
use crate::pipeline::report::{BatchReport, Diagnostic};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// The backoff that follows an ending or a failure.
    Backoff,
    /// X's rate limit says when the next request is welcome.
    RateLimit,
    /// X requires it (`Retry-After`).
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

/// A rule that is active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveRule {
    /// What it matches.
    pub value: String,
    /// Its label.
    pub tag: Option<String>,
}

/// What happened to the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchiveEvent {
    /// A file that an earlier run left open was completed.
    Recovered {
        /// Its name.
        file: String,
        /// Bytes of an unfinished line at its end, which were cut.
        cut: u64,
    },
    /// A file that an earlier run left open contained no whole record and was removed.
    Removed {
        /// What its name would have been.
        file: String,
        /// Bytes that it contained.
        cut: u64,
    },
    /// A file is complete: its bytes are on the disk.
    Completed {
        /// Its name.
        file: String,
        /// Messages that this run wrote to it.
        messages: u64,
        /// Their bytes, before compression.
        bytes: u64,
    },
    /// Deletions were applied to a complete file.
    Scrubbed {
        /// Its name.
        file: String,
        /// Lines that were removed.
        removed: u64,
        /// Lines from which a part was cut.
        cut: u64,
    },
    /// Deletions could not be applied to a file, which stays as it is.
    NotScrubbed {
        /// Its name.
        file: String,
        /// Why.
        why: String,
    },
    /// It cannot be written, and nothing more is.
    Failed {
        /// Why.
        why: String,
        /// Messages of this run in files that stay open.
        messages: u64,
        /// What the names of these files will be when the next run completes them.
        files: Vec<String>,
    },
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
    /// Nothing arrived for longer than the keep-alive allows; a stall follows if nothing does.
    Late {
        /// How long.
        silence: Duration,
    },
    /// Bytes arrived, and this is what was in them; its diagnostics are events of their own.
    Received(Box<BatchReport>),
    /// A line or heartbeat came and the connection has stood long enough to count as healthy.
    Established,
    /// A control message, or a fault in what was received.
    Diagnostic(Diagnostic),
    /// The server said that the stream is over, beside the notice that ended it.
    FurtherDisconnect(DisconnectReason),
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
        reason: DisconnectReason,
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
        why: WaitReason,
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
        /// How many were ended to free it, or why not; none if that was not requested.
        freed: Option<Result<u64, String>>,
    },
    /// X's own word for the end of a connection.
    Reason {
        /// X's word.
        reason: String,
    },
    /// The rules that are active.
    ActiveRules(Vec<ActiveRule>),
    /// Another process holds the lock of the state file for longer than it takes to update it.
    LockHeld,
    /// Something beside the stream failed; the run goes on without it and ends with exit status 1.
    Degraded(String),
    /// Something happened to the archive.
    Archive(ArchiveEvent),
    /// It is time for a record of the status.
    Status,
    /// The stream is back, and this is what lies between.
    Gap(Gap),
    /// The run is over.
    Stopped(Outcome),
}
