//! The totals of a run so far: one fold over its events, from which the status row, the status records, the summary
//! and the end record are made. The diagnosis of a journal replays its records into the same fold.
//!
//! A journal has no record of each batch that was received. What only batches carry (bytes, posts, messages by kind,
//! the age of the last byte, the longest silence) stays zero in a replay; the diagnosis reads those totals from the
//! records that contain them.
//!
//! Law: total. No event makes it panic, whatever numbers it carries.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::pipeline::meter::QuotaUsage;
use crate::pipeline::report::{BatchReport, Deletions, Diagnostic};
use crate::protocol::disconnect::Code;
use crate::protocol::message::{MessageKind, Notice};
use crate::protocol::post_id::PostId;
use crate::protocol::rate_limit::RateLimit;
use crate::session::event::ArchiveEvent;
use crate::session::{Event, EventKind, WaitReason};
use crate::time::Timestamp;

/// What a rendering needs beside the events of the run.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The name of the stream.
    pub stream: &'a str,
    /// How often the server promises a sign of life.
    pub keep_alive: Duration,
    /// The time of the rendering.
    pub now: Timestamp,
    /// Posts per second over the last minute.
    pub rate: f64,
    /// Bytes that wait for the reader process.
    pub backlog: usize,
    /// The most bytes that may wait for the reader process.
    pub buffer: usize,
    /// How much of the quota is used, if there is one.
    pub quota: Option<QuotaUsage>,
}

/// What the stream is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum StreamState {
    #[default]
    Connecting,
    Streaming,
    Waiting {
        reason: WaitReason,
        until: Timestamp,
    },
    Stopped,
}

/// A count of occurrences and their total duration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Occurrences {
    pub count: u64,
    pub total: Duration,
}

impl Occurrences {
    fn add(&mut self, length: Duration) {
        self.count += 1;
        self.total = self.total.saturating_add(length);
    }
}

/// The counts and the state of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    pub(super) state: StreamState,
    /// Whether the socket is not read because the reader process lags.
    pub(super) blocked: bool,
    /// The number of the current or last connection.
    pub(super) connection: u32,
    /// Connections that were tried, and those that were open.
    pub(super) attempts: u64,
    pub(super) connections: u64,
    /// When the open connection was opened, and how long those before it were open.
    pub(super) opened: Option<Timestamp>,
    pub(super) connected: Duration,
    /// The last known rate limit.
    pub(super) rate_limit: RateLimit,
    /// When the open connection delivered its last byte, and the longest time between two bytes of one connection.
    pub(super) last_byte: Option<Timestamp>,
    pub(super) silence: Duration,
    /// When the last post arrived, and how old it was by its id.
    pub(super) last_post: Option<Timestamp>,
    pub(super) lag: Option<Duration>,
    /// Bytes received, before inflating.
    pub(super) bytes: u64,
    /// Posts received, printed or not.
    pub(super) posts: u64,
    /// Messages received, by kind.
    pub(super) kinds: BTreeMap<MessageKind, u64>,
    /// Messages printed, not printed because an expression failed on them, and posts beyond the quota.
    pub(super) printed: u64,
    pub(super) failed: u64,
    pub(super) over_quota: u64,
    /// Files of the archive with messages of this run, complete or left open by a failure, and these messages.
    pub(super) archive_files: BTreeSet<String>,
    pub(super) archived: u64,
    /// Messages not printed as they came, because of deletions.
    pub(super) deletions: Deletions,
    /// Lines that could not be read as messages.
    pub(super) unreadable: u64,
    /// Endings of connections, by code, and the last one.
    pub(super) endings: BTreeMap<String, u64>,
    pub(super) last_ending: Option<(Code, Timestamp)>,
    pub(super) waits: BTreeMap<WaitReason, Occurrences>,
    pub(super) blocks: Occurrences,
    pub(super) gaps: Occurrences,
    /// Posts probably missed in the gaps.
    pub(super) missed: u64,
    /// The totals of X's `limit` notices, of this connection and of those before it.
    limited_here: u64,
    limited_before: u64,
}

/// A post older than this came from an archive, or its id contains no time.
const LONGEST_LAG: Duration = Duration::from_secs(86_400);

impl Stats {
    /// Folds in one event.
    pub fn apply(&mut self, event: &Event) {
        let at = event.at;
        match &event.kind {
            EventKind::Dialling { .. } => {
                self.state = StreamState::Connecting;
                self.connection = event.connection;
                self.attempts += 1;
            }
            EventKind::Opened { rate } => {
                self.state = StreamState::Streaming;
                self.rate_limit = *rate;
                self.connections += 1;
                self.opened = Some(at);
                self.last_byte = Some(at);
            }
            EventKind::Received(batch) => self.received(at, batch),
            EventKind::Diagnostic(Diagnostic::Notice(Notice::Limit { track })) => {
                self.limited_here = self.limited_here.max(track.unwrap_or(0));
            }
            EventKind::Diagnostic(
                Diagnostic::Malformed { .. } | Diagnostic::Oversize { .. } | Diagnostic::Discarded { .. },
            ) => self.unreadable += 1,
            EventKind::Suppressed { count } => self.unreadable = self.unreadable.saturating_add(*count),
            EventKind::Blocked => {
                self.blocked = true;
                self.blocks.count += 1;
            }
            EventKind::Unblocked { after } => {
                self.blocked = false;
                self.blocks.total = self.blocks.total.saturating_add(*after);
            }
            EventKind::Ended { reason, opened, lived, rate, .. } => {
                self.measure_silence(at);
                self.last_byte = None;
                self.opened = None;
                if *opened {
                    self.connected = self.connected.saturating_add(*lived);
                }
                if let Some(rate) = rate {
                    self.rate_limit = *rate;
                }
                self.blocked = false;
                self.limited_before = self.limited();
                self.limited_here = 0;
                *self.endings.entry(reason.code.to_string()).or_default() += 1;
                self.last_ending = Some((reason.code.clone(), at));
            }
            EventKind::Waiting { why, delay, until } => {
                self.state = StreamState::Waiting { reason: *why, until: *until };
                self.waits.entry(*why).or_default().add(*delay);
            }
            EventKind::Gap(gap) => {
                self.gaps.add(gap.length(at));
                self.missed = self.missed.saturating_add(gap.missed);
            }
            EventKind::Archive(ArchiveEvent::Completed { file, messages, .. }) => {
                self.archive_files.insert(file.clone());
                self.archived = self.archived.saturating_add(*messages);
            }
            EventKind::Archive(ArchiveEvent::Failed { files, messages, .. }) => {
                self.archive_files.extend(files.iter().cloned());
                self.archived = self.archived.saturating_add(*messages);
            }
            EventKind::Stopped(_) => self.state = StreamState::Stopped,
            EventKind::FirstByte { .. }
            | EventKind::Late { .. }
            | EventKind::Established
            | EventKind::Held { .. }
            | EventKind::Reason { .. }
            | EventKind::FurtherDisconnect(_)
            | EventKind::ActiveRules(_)
            | EventKind::LockHeld
            | EventKind::Degraded(_)
            | EventKind::Archive(
                ArchiveEvent::Recovered { .. }
                | ArchiveEvent::Removed { .. }
                | ArchiveEvent::Scrubbed { .. }
                | ArchiveEvent::NotScrubbed { .. },
            )
            | EventKind::Status
            | EventKind::Diagnostic(Diagnostic::Notice(_) | Diagnostic::Expression { .. }) => {}
        }
    }

    /// Counts printed messages as lost: the reader process did not read them.
    pub fn lose(&mut self, messages: u64) {
        self.printed = self.printed.saturating_sub(messages);
    }

    /// Counts messages that were deleted while they waited: those that were withheld were not printed.
    pub fn withhold(&mut self, deletions: Deletions) {
        self.printed = self.printed.saturating_sub(deletions.withheld);
        self.deletions.add(deletions);
    }

    fn received(&mut self, at: Timestamp, batch: &BatchReport) {
        self.measure_silence(at);
        self.last_byte = Some(at);
        self.bytes += batch.bytes;
        self.posts += batch.posts;
        self.printed += batch.printed;
        self.failed += batch.failed;
        self.over_quota += batch.beyond_quota;
        self.deletions.add(batch.deletions);
        for (kind, count) in batch.kinds() {
            *self.kinds.entry(kind).or_default() += count;
        }
        if batch.posts > 0 {
            self.last_post = Some(at);
            let written = batch.last_id.and_then(PostId::created_at);
            self.lag = written.map(|written| at.wall.saturating_sub(written)).filter(|lag| *lag < LONGEST_LAG);
        }
    }

    fn measure_silence(&mut self, at: Timestamp) {
        if let Some(last) = self.last_byte {
            self.silence = self.silence.max(at.since(last));
        }
    }

    /// Posts that X's `limit` notices counted as not delivered.
    pub(super) fn limited(&self) -> u64 {
        self.limited_before.saturating_add(self.limited_here)
    }
}
