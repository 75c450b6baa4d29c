//! Records of what happened: of events, of the status, of the start and the end of a run.

use super::{
    ArchivedRecord, BufferRecord, EndRecord, EndedRecord, ExpressionRecord, FaultRecord, GapRecord, HeldRecord,
    HolderRecord, JournalRecord, LastRecord, LengthRecord, QuotaRecord, RateLimitRecord, RecordKind, StartRecord,
    StatusRecord, UntilRecord, WaitingRecord, Wall, WarningRecord,
};
use crate::observe::stats::{Stats, StreamState, View};
use crate::pipeline::report::Diagnostic;
use crate::protocol::message::{DisconnectReason, Notice};
use crate::protocol::post_id::PostId;
use crate::protocol::rate_limit::RateLimit;
use crate::session::event::{ArchiveEvent, Holder};
use crate::session::{Event, EventKind, Outcome};
use crate::time::{Timestamp, as_millis};

impl JournalRecord {
    /// The record that opens the journal of a run.
    #[must_use]
    pub fn start(at: Timestamp, stream: &str, host: &str) -> JournalRecord {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let kind = RecordKind::Start(StartRecord { version, stream: stream.to_owned(), host: host.to_owned() });
        JournalRecord { at: Wall(at.wall), connection: 0, kind }
    }

    /// The record of an event; none for batches, which are too many, for the end of the run and the status, which have
    /// records of their own, and for events that concern only this process.
    #[must_use]
    pub fn from_event(event: &Event) -> Option<JournalRecord> {
        let kind = match &event.kind {
            EventKind::Received(_)
            | EventKind::Stopped(_)
            | EventKind::Status
            | EventKind::ActiveRules(_)
            | EventKind::LockHeld
            | EventKind::Degraded(_) => return None,
            EventKind::FurtherDisconnect(reason) => {
                from_diagnostic(&Diagnostic::Notice(Notice::Disconnect(reason.clone())))
            }
            EventKind::Dialling { attempt } => RecordKind::Dialling { attempt: *attempt },
            EventKind::Opened { rate } => RecordKind::Opened { rate_limit: RateLimitRecord::from(*rate) },
            EventKind::FirstByte { after } => RecordKind::FirstByte { after_ms: as_millis(*after) },
            EventKind::Established => RecordKind::Established,
            EventKind::Late { silence } => RecordKind::Late { silence_ms: as_millis(*silence) },
            EventKind::Diagnostic(diagnostic) => from_diagnostic(diagnostic),
            EventKind::Suppressed { count } => RecordKind::Suppressed { count: *count },
            EventKind::Blocked => RecordKind::Blocked,
            EventKind::Unblocked { after } => RecordKind::Unblocked { after_ms: as_millis(*after) },
            EventKind::Ended { reason, opened, lived, traffic, slow_reader, rate: _ } => {
                let entry = reason.code.entry();
                RecordKind::Ended(EndedRecord {
                    code: reason.code.to_string(),
                    name: entry.name.to_owned(),
                    meaning: entry.meaning.to_owned(),
                    side: entry.side.to_string(),
                    detail: reason.detail.clone(),
                    opened: *opened,
                    lived_ms: as_millis(*lived),
                    bytes: traffic.bytes,
                    lines: traffic.lines,
                    posts: traffic.posts,
                    slow_reader: *slow_reader,
                })
            }
            EventKind::Archive(ArchiveEvent::Recovered { file, cut }) => {
                RecordKind::ArchiveRecovered { file: file.clone(), cut_bytes: *cut }
            }
            EventKind::Archive(ArchiveEvent::Removed { file, cut }) => {
                RecordKind::ArchiveRemoved { file: file.clone(), cut_bytes: *cut }
            }
            EventKind::Archive(ArchiveEvent::Completed { file, messages, bytes }) => {
                RecordKind::Archived(ArchivedRecord { file: file.clone(), messages: *messages, bytes: *bytes })
            }
            EventKind::Archive(ArchiveEvent::Scrubbed { file, removed, cut }) => {
                RecordKind::ArchiveScrubbed { file: file.clone(), removed: *removed, cut: *cut }
            }
            EventKind::Archive(ArchiveEvent::NotScrubbed { file, why }) => {
                RecordKind::ArchiveNotScrubbed { file: file.clone(), why: why.clone() }
            }
            EventKind::Archive(ArchiveEvent::Failed { why, messages, files }) => {
                RecordKind::ArchiveFailed { why: why.clone(), messages: *messages, files: files.clone() }
            }
            EventKind::Waiting { why, delay, until } => RecordKind::Waiting(WaitingRecord {
                why: Some(*why),
                delay_ms: as_millis(*delay),
                until: Wall(until.wall),
            }),
            EventKind::Held { by, freed, kill: _ } => {
                let holder = |holder: &Holder| HolderRecord {
                    id: holder.id.clone(),
                    client_ip: holder.address.clone(),
                    age_ms: holder.age.map(as_millis),
                };
                RecordKind::Held(HeldRecord {
                    by: by.iter().map(holder).collect(),
                    freed: freed.as_ref().and_then(|freed| freed.as_ref().ok().copied()),
                    not_freed: freed.as_ref().and_then(|freed| freed.as_ref().err().cloned()),
                })
            }
            EventKind::Reason { reason } => RecordKind::Reason { of: event.connection, reason: reason.clone() },
            EventKind::Gap(gap) => {
                let id = |id: Option<PostId>| id.map(|id| id.to_string());
                RecordKind::Gap(GapRecord {
                    from: Some(Wall(gap.from.wall)),
                    to: gap.to.map(|to| Wall(to.wall)),
                    length_ms: gap.to.map(|to| as_millis(gap.length(to))),
                    cause: gap.cause.to_string(),
                    last_id: id(gap.last_id),
                    first_id: id(gap.first_id),
                    missed: gap.missed,
                })
            }
        };
        Some(JournalRecord { at: Wall(event.at.wall), connection: event.connection, kind })
    }

    /// The status row as data.
    #[must_use]
    pub fn status(stats: &Stats, view: &View) -> JournalRecord {
        let age = |at: Option<Timestamp>| at.map(|at| as_millis(view.now.since(at)));
        let (name, waiting) = match &stats.state {
            StreamState::Connecting => ("connecting", None),
            StreamState::Streaming if stats.blocked => ("blocked", None),
            StreamState::Streaming => ("streaming", None),
            StreamState::Waiting { reason, until } => {
                ("waiting", Some(UntilRecord { why: Some(*reason), until: Wall(until.wall) }))
            }
            StreamState::Stopped => ("stopped", None),
        };
        let kind = RecordKind::Status(StatusRecord {
            state: name.to_owned(),
            stream: view.stream.to_owned(),
            heartbeat_age_ms: age(stats.last_byte),
            post_age_ms: age(stats.last_post),
            posts: stats.posts,
            rate: (view.rate * 10.0).round() / 10.0,
            lag_ms: stats.lag.map(as_millis),
            rate_limit: RateLimitRecord::from(stats.rate_limit),
            last: stats.last_ending.as_ref().map(|(code, at)| LastRecord {
                code: code.to_string(),
                name: code.entry().name.to_owned(),
                age_ms: as_millis(view.now.since(*at)),
            }),
            gaps: stats.gaps.count,
            missed: stats.missed,
            quota: view.quota.map(|usage| QuotaRecord {
                used: usage.used,
                posts: usage.quota.posts,
                period: usage.quota.period.name().to_owned(),
                exact: usage.exact,
            }),
            buffer: BufferRecord { bytes: view.backlog, size: view.buffer },
            waiting,
        });
        JournalRecord { at: Wall(view.now.wall), connection: stats.connection, kind }
    }

    /// The record that closes the journal of a run.
    #[must_use]
    pub fn end(at: Timestamp, outcome: &Outcome, exit: u8, stats: &Stats) -> JournalRecord {
        let (name, reason): (&str, Option<&DisconnectReason>) = match outcome {
            Outcome::Full => ("max", None),
            Outcome::TimeUp => ("for", None),
            Outcome::ReaderLeft => ("reader_left", None),
            Outcome::Delivered => ("delivered", None),
            Outcome::Failed(_) => ("failed", None),
            Outcome::Refused(reason) => ("refused", Some(reason)),
            Outcome::QuotaSpent(reason) => ("quota", Some(reason)),
            Outcome::GaveUp(reason) => ("gave_up", Some(reason)),
            Outcome::Ended(reason) => ("ended", Some(reason)),
            Outcome::TakenOver(reason) => ("taken_over", Some(reason)),
            Outcome::Signalled(_) => ("signal", None),
        };
        let kind = RecordKind::End(EndRecord {
            outcome: name.to_owned(),
            exit: Some(exit),
            code: reason.map(|reason| reason.code.to_string()),
            printed: stats.printed,
            withheld: stats.deletions.withheld,
            stripped: stats.deletions.stripped,
            posts: stats.posts,
            connections: stats.connections,
            gaps: stats.gaps.count,
            missed: stats.missed,
            silence_ms: as_millis(stats.silence),
        });
        JournalRecord { at: Wall(at.wall), connection: stats.connection, kind }
    }
}

fn from_diagnostic(diagnostic: &Diagnostic) -> RecordKind {
    match diagnostic {
        Diagnostic::Notice(Notice::Limit { track }) => RecordKind::Limit { track: *track },
        Diagnostic::Notice(Notice::Warning { code, message, percent_full }) => RecordKind::Warning(WarningRecord {
            code: code.clone(),
            message: message.clone(),
            percent_full: *percent_full,
        }),
        Diagnostic::Notice(Notice::Info { message }) => RecordKind::Info { message: message.clone() },
        Diagnostic::Notice(Notice::Problem { message }) => RecordKind::Error { message: message.clone() },
        Diagnostic::Notice(Notice::Disconnect(reason)) => {
            RecordKind::Notice { code: reason.code.to_string(), detail: reason.detail.clone() }
        }
        Diagnostic::Malformed { line, why, text } => {
            RecordKind::Malformed(FaultRecord { line: *line, why: why.clone(), text: text.clone() })
        }
        Diagnostic::Oversize { line, bytes } => RecordKind::Oversize(LengthRecord { line: *line, bytes: *bytes }),
        Diagnostic::Discarded { line, bytes } => RecordKind::Discarded(LengthRecord { line: *line, bytes: *bytes }),
        Diagnostic::Expression { line, option, why } => {
            RecordKind::Expression(ExpressionRecord { line: *line, option: (*option).to_owned(), why: why.clone() })
        }
    }
}

impl From<RateLimit> for RateLimitRecord {
    fn from(rate: RateLimit) -> RateLimitRecord {
        RateLimitRecord { limit: rate.limit, remaining: rate.remaining, reset: rate.reset.map(Wall) }
    }
}
