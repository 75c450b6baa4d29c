//! What was in a batch of bytes: counts, diagnostics, and what the server reported about the stream.

use crate::protocol::disconnect::Code;
use crate::protocol::message::{DisconnectReason, MessageKind, Notice};
use crate::protocol::post_id::PostId;

/// How many notices, and how many faults, one batch keeps. A server that sends only garbage costs counting, not
/// memory.
pub const KEPT: usize = 64;

/// What was in a batch of bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchReport {
    /// Bytes received, before inflating.
    pub bytes: u64,
    /// Lines of any kind, heartbeats included.
    pub lines: u64,
    /// Keep-alive lines.
    pub heartbeats: u64,
    /// Messages of kind `post`.
    pub posts: u64,
    /// Messages of each kind, heartbeats and malformed lines included.
    pub(crate) counts: Counts,
    /// Messages written out.
    pub printed: u64,
    /// Lines that are not JSON.
    pub malformed: u64,
    /// Messages not printed because an expression failed on them.
    pub failed: u64,
    /// The id of the first post that has one.
    pub first_id: Option<PostId>,
    /// The id of the last post that has one.
    pub last_id: Option<PostId>,
    /// Control messages and faults, in order. At most [`KEPT`] notices and as many faults.
    pub diagnostics: Vec<Diagnostic>,
    /// Faults beyond that number.
    pub suppressed_faults: u64,
    /// Notices beyond that number.
    pub suppressed_notices: u64,
    pub(crate) notices: usize,
    pub(crate) faults: usize,
    /// The notice that the stream ended, if one came. A message outranks a line of plain text.
    pub reason: Option<DisconnectReason>,
    /// An enterprise replay reported that it is complete.
    pub delivered: bool,
    /// It reported that it is not, or the stream ended within a line.
    pub undelivered: bool,
    /// The number of messages that was requested is printed; no more are.
    pub full: bool,
    /// Posts that arrived after the quota was spent; they are counted and not printed.
    pub beyond_quota: u64,
    /// Messages that were not printed as they came, because of deletions.
    pub deletions: Deletions,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rechecked {
    /// It stays as it is.
    Unchanged,
    /// It stays without what is deleted in it.
    Stripped,
    /// It is withheld: nothing is left of it.
    Withheld,
}

/// Messages that were not printed as they came, because of deletions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deletions {
    /// Messages that were not printed.
    pub withheld: u64,
    /// Messages that were printed without a deleted part.
    pub stripped: u64,
}

impl Deletions {
    /// Adds other counts.
    pub fn add(&mut self, other: Deletions) {
        self.withheld += other.withheld;
        self.stripped += other.stripped;
    }

    /// Counts one record.
    pub fn count(&mut self, rechecked: Rechecked) {
        match rechecked {
            Rechecked::Unchanged => {}
            Rechecked::Stripped => self.stripped += 1,
            Rechecked::Withheld => self.withheld += 1,
        }
    }
}

/// A fact about the stream that is worth reporting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnostic {
    /// A control message.
    Notice(Notice),
    /// A line that is no JSON value.
    Malformed {
        /// Line number in this stream, from 1.
        line: u64,
        /// The fault.
        why: String,
        /// Its beginning, safe for a terminal.
        text: String,
    },
    /// A line over the cap was skipped.
    Oversize {
        /// Line number in this stream.
        line: u64,
        /// Its length in bytes.
        bytes: u64,
    },
    /// An expression failed on a message, which was not printed. Only the first error of each kind is reported.
    Expression {
        /// Line number in this stream.
        line: u64,
        /// `--where` or `--jq`.
        option: &'static str,
        /// The error, safe for a terminal.
        why: String,
    },
    /// The stream ended within a line, which was no whole JSON object and was discarded.
    Discarded {
        /// Line number in this stream.
        line: u64,
        /// Its length in bytes.
        bytes: u64,
    },
}

impl BatchReport {
    /// The kinds that occurred, with how often.
    pub fn kinds(&self) -> impl Iterator<Item = (MessageKind, u64)> {
        MessageKind::ALL.iter().copied().zip(self.counts.0).filter(|(_, count)| *count > 0)
    }

    /// Diagnostics that were counted and not kept.
    #[must_use]
    pub fn suppressed(&self) -> u64 {
        self.suppressed_faults + self.suppressed_notices
    }

    /// Whether any byte came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == BatchReport::default()
    }

    pub(super) fn count(&mut self, kind: MessageKind) {
        self.counts.0[kind as usize] += 1;
        match kind {
            MessageKind::Heartbeat => self.heartbeats += 1,
            MessageKind::Post => {
                self.posts += 1;
                // A line of text is the reason of an ending only if no message follows it.
                self.reason.take_if(|reason| matches!(reason.code, Code::Text(_)));
            }
            MessageKind::Malformed => self.malformed += 1,
            _ => {}
        }
    }

    pub(super) fn diagnose(&mut self, diagnostic: Diagnostic) {
        match &diagnostic {
            Diagnostic::Discarded { .. } => self.undelivered = true,
            Diagnostic::Notice(Notice::Info { message }) => {
                // "… Completed with Errors" and "… Failed to Complete" are no delivery.
                self.delivered |= message.starts_with("Replay Request Completed") && !message.contains("rror");
                self.undelivered |= message.starts_with("Replay Request") && !self.delivered;
            }
            Diagnostic::Notice(Notice::Disconnect(reason)) => {
                let text_only = |reason: &DisconnectReason| matches!(reason.code, Code::Text(_));
                if self.reason.as_ref().is_none_or(|held| text_only(held) && !text_only(reason)) {
                    self.reason = Some(reason.clone());
                }
            }
            _ => {}
        }
        // Notices and faults have separate limits.
        let (kept, suppressed) = if matches!(diagnostic, Diagnostic::Notice(_)) {
            (&mut self.notices, &mut self.suppressed_notices)
        } else {
            (&mut self.faults, &mut self.suppressed_faults)
        };
        if *kept < KEPT {
            *kept += 1;
            self.diagnostics.push(diagnostic);
        } else {
            *suppressed += 1;
        }
    }
}

/// A count for each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts([u64; MessageKind::ALL.len()]);

impl Default for Counts {
    fn default() -> Counts {
        Counts([0; MessageKind::ALL.len()])
    }
}
