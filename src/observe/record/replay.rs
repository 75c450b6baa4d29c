//! Events from records, for the fold that the diagnosis uses.

use std::time::Duration;

use super::{
    ArchivedRecord, FaultRecord, JournalRecord, LengthRecord, RateLimitRecord, RecordKind, WaitingRecord, Wall,
};
use crate::pipeline::report::Diagnostic;
use crate::protocol::disconnect::Code;
use crate::protocol::message::{DisconnectReason, Notice};
use crate::protocol::post_id::PostId;
use crate::protocol::rate_limit::RateLimit;
use crate::session::coverage::Gap;
use crate::session::event::{ArchiveEvent, Traffic};
use crate::session::{Event, EventKind};
use crate::time::Timestamp;

impl JournalRecord {
    /// The event that the record was made from, as far as the record contains it; none if it has nothing to count.
    pub(in crate::observe) fn to_event(&self) -> Option<Event> {
        let time = |Wall(wall)| Timestamp { wall, monotonic: wall };
        let millis = Duration::from_millis;
        let kind = match &self.kind {
            RecordKind::Dialling { attempt } => EventKind::Dialling { attempt: *attempt },
            RecordKind::Opened { rate_limit } => EventKind::Opened { rate: rate_limit.into() },
            RecordKind::Limit { track } => EventKind::Diagnostic(Diagnostic::Notice(Notice::Limit { track: *track })),
            RecordKind::Malformed(FaultRecord { line, why, text }) => {
                EventKind::Diagnostic(Diagnostic::Malformed { line: *line, why: why.clone(), text: text.clone() })
            }
            RecordKind::Oversize(LengthRecord { line, bytes }) => {
                EventKind::Diagnostic(Diagnostic::Oversize { line: *line, bytes: *bytes })
            }
            RecordKind::Discarded(LengthRecord { line, bytes }) => {
                EventKind::Diagnostic(Diagnostic::Discarded { line: *line, bytes: *bytes })
            }
            RecordKind::Suppressed { count } => EventKind::Suppressed { count: *count },
            RecordKind::Blocked => EventKind::Blocked,
            RecordKind::Unblocked { after_ms } => EventKind::Unblocked { after: millis(*after_ms) },
            RecordKind::Ended(ended) => EventKind::Ended {
                reason: DisconnectReason { code: code(&ended.code), detail: ended.detail.clone() },
                opened: ended.opened,
                lived: millis(ended.lived_ms),
                rate: None,
                traffic: Traffic { bytes: ended.bytes, lines: ended.lines, posts: ended.posts },
                slow_reader: ended.slow_reader,
            },
            RecordKind::Waiting(WaitingRecord { why, delay_ms, until }) => {
                EventKind::Waiting { why: (*why)?, delay: millis(*delay_ms), until: time(*until) }
            }
            RecordKind::Gap(gap) => {
                let from = time(gap.from.unwrap_or(self.at));
                EventKind::Gap(Gap {
                    from,
                    to: gap.length_ms.map(|length| from.after(millis(length))),
                    cause: code(&gap.cause),
                    last_id: gap.last_id.as_ref().and_then(PostId::parse),
                    first_id: gap.first_id.as_ref().and_then(PostId::parse),
                    missed: gap.missed,
                })
            }
            RecordKind::Archived(ArchivedRecord { file, messages, bytes }) => {
                EventKind::Archive(ArchiveEvent::Completed { file: file.clone(), messages: *messages, bytes: *bytes })
            }
            RecordKind::ArchiveFailed { why, messages, files } => {
                EventKind::Archive(ArchiveEvent::Failed { why: why.clone(), messages: *messages, files: files.clone() })
            }
            RecordKind::Start(_)
            | RecordKind::FirstByte { .. }
            | RecordKind::Established
            | RecordKind::Late { .. }
            | RecordKind::Warning(_)
            | RecordKind::Info { .. }
            | RecordKind::Error { .. }
            | RecordKind::Notice { .. }
            | RecordKind::Expression(_)
            | RecordKind::Held(_)
            | RecordKind::Reason { .. }
            | RecordKind::ArchiveRecovered { .. }
            | RecordKind::ArchiveRemoved { .. }
            | RecordKind::ArchiveScrubbed { .. }
            | RecordKind::ArchiveNotScrubbed { .. }
            | RecordKind::Status(_)
            | RecordKind::End(_)
            | RecordKind::Unknown => return None,
        };
        Some(Event { at: time(self.at), connection: self.connection, kind })
    }
}

/// A code by its text; one that no catalogue lists is kept as the text of a type.
fn code(text: &str) -> Code {
    Code::parse(text).unwrap_or_else(|| Code::Type(text.into()))
}

impl From<&RateLimitRecord> for RateLimit {
    fn from(record: &RateLimitRecord) -> RateLimit {
        RateLimit { limit: record.limit, remaining: record.remaining, reset: record.reset.map(|Wall(reset)| reset) }
    }
}
