//! The journal: every event as one JSON object a line, for scripts and for `explain --journal`.
//!
//! Each record is one write of a whole line to a file opened for appending, so a crash, or two runs on one file,
//! leave whole lines. The format is described by `journal.schema.json`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::{FileType, OFlags, Stat, fstat};
use rustix::termios::isatty;
use serde_json::{Value, json};

use crate::pipeline::Remark;
use crate::protocol::message::{DisconnectReason, Notice};
use crate::protocol::rate_limit::RateLimit;
use crate::redact::Redactor;
use crate::session::event::Holder;
use crate::session::{Event, Outcome, Why};
use crate::terminal::summary::Total;
use crate::time::{Timestamp, as_millis, format_rfc3339};

/// A file that events are appended to.
pub struct Journal {
    file: File,
    redactor: Redactor,
}

impl Journal {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// It cannot be written, or it is a pipe that nobody reads.
    pub fn open(path: &Path, redactor: Redactor) -> io::Result<Journal> {
        let special = std::fs::metadata(path).is_ok_and(|about| !about.is_file());
        let mut options = OpenOptions::new();
        options.append(true);
        if special {
            // A pipe whose reader stopped must not stop the stream: it fails as a full disk does.
            options.custom_flags(i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default());
        } else {
            options.create(true).read(true);
        }
        let mut file = options.open(path)?;
        // A line that a crash of the machine cut must not swallow our first one.
        if !special && file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Ok(Journal { file, redactor })
    }

    /// Whether it is the file, pipe or terminal that stdout leads to, where records would fall among the data.
    #[must_use]
    pub fn is_stdout(&self) -> bool {
        let nowhere =
            |about: &Stat| FileType::from_raw_mode(about.st_mode) == FileType::CharacterDevice && !isatty(&self.file);
        match (fstat(&self.file), fstat(rustix::stdio::stdout())) {
            (Ok(ours), Ok(out)) => (ours.st_dev, ours.st_ino) == (out.st_dev, out.st_ino) && !nowhere(&ours),
            _ => false,
        }
    }

    /// Appends one record.
    ///
    /// # Errors
    /// The file takes no more.
    pub fn write(&mut self, at: Timestamp, connection: u32, mut record: Value) -> io::Result<()> {
        record["at"] = format_rfc3339(at.wall).into();
        record["connection"] = connection.into();
        let line = self.redactor.redact(&format!("{record}\n"));
        self.file.write_all(line.as_bytes())
    }
}

/// What opens the journal of a run.
#[must_use]
pub fn start(stream: &str, host: &str) -> Value {
    json!({ "event": "start", "version": env!("CARGO_PKG_VERSION"), "stream": stream, "host": host })
}

/// The rate limit as every record shows it.
#[must_use]
pub fn rate_limit(rate: &RateLimit) -> Value {
    json!({ "limit": rate.limit, "remaining": rate.remaining, "reset": rate.reset.map(format_rfc3339) })
}

/// Why the session waits, in one word.
#[must_use]
pub fn why(why: &Why) -> &'static str {
    match why {
        Why::Backoff => "backoff",
        Why::RateLimit => "rate_limit",
        Why::RetryAfter => "retry_after",
        Why::Budget => "budget",
        Why::Quota => "quota",
    }
}

/// The record of an event; the end of a run has one of its own.
#[must_use]
pub fn record(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Dialling { attempt, .. } => json!({ "event": "dialling", "attempt": attempt }),
        Event::Opened { rate, .. } => json!({ "event": "opened", "rate_limit": rate_limit(rate) }),
        Event::FirstByte { after, .. } => json!({ "event": "first_byte", "after_ms": as_millis(*after) }),
        Event::Established { .. } => json!({ "event": "established" }),
        Event::Late { silence } => json!({ "event": "late", "silence_ms": as_millis(*silence) }),
        Event::Remark(remark) => self::remark(remark),
        Event::Unremarked { count } => json!({ "event": "unremarked", "count": count }),
        Event::Blocked => json!({ "event": "blocked" }),
        Event::Unblocked { after } => json!({ "event": "unblocked", "after_ms": as_millis(*after) }),
        Event::Ended { ending, opened, lived, traffic, slow_reader, .. } => {
            let entry = ending.code.entry();
            json!({
                "event": "ended",
                "code": ending.code.to_string(),
                "name": entry.name,
                "meaning": entry.meaning,
                "side": entry.side.to_string(),
                "detail": ending.detail,
                "opened": opened,
                "lived_ms": as_millis(*lived),
                "bytes": traffic.bytes,
                "lines": traffic.lines,
                "posts": traffic.posts,
                "slow_reader": slow_reader,
            })
        }
        Event::Waiting { why, delay, until } => json!({
            "event": "waiting",
            "why": self::why(why),
            "delay_ms": as_millis(*delay),
            "until": format_rfc3339(until.wall),
        }),
        Event::Held { by, freed, .. } => {
            let holder = |holder: &Holder| json!({ "id": holder.id, "client_ip": holder.address, "age_ms": holder.age.map(as_millis) });
            json!({
                "event": "held",
                "by": by.iter().map(holder).collect::<Vec<_>>(),
                "freed": freed.as_ref().and_then(|freed| freed.as_ref().ok()),
                "not_freed": freed.as_ref().and_then(|freed| freed.as_ref().err()),
            })
        }
        Event::Reason { connection, reason } => json!({ "event": "reason", "of": connection, "reason": reason }),
        Event::Gap(gap) => {
            let id = |id: &str| (!id.is_empty()).then(|| id.to_owned());
            json!({
                "event": "gap",
                "from": format_rfc3339(gap.from.wall),
                "to": gap.to.map(|to| format_rfc3339(to.wall)),
                "length_ms": gap.to.map(|to| as_millis(gap.length(to))),
                "cause": gap.cause.to_string(),
                "last_id": id(&gap.last_id),
                "first_id": id(&gap.first_id),
                "missed": gap.missed,
            })
        }
        // Told with its totals when everything is handed over.
        Event::Stopped(_) => return None,
    })
}

/// What closes the journal of a run.
#[must_use]
pub fn end(outcome: &Outcome, exit: u8, total: &Total) -> Value {
    let (word, ending): (&str, Option<&DisconnectReason>) = match outcome {
        Outcome::Full => ("max", None),
        Outcome::TimeUp => ("for", None),
        Outcome::ReaderLeft => ("reader_left", None),
        Outcome::Delivered => ("delivered", None),
        Outcome::Failed(_) => ("failed", None),
        Outcome::Refused(ending) => ("refused", Some(ending)),
        Outcome::QuotaSpent(ending) => ("quota", Some(ending)),
        Outcome::GaveUp(ending) => ("gave_up", Some(ending)),
        Outcome::Ended(ending) => ("ended", Some(ending)),
        Outcome::TakenOver(ending) => ("taken_over", Some(ending)),
        Outcome::Signalled(_) => ("signal", None),
    };
    json!({
        "event": "end",
        "outcome": word,
        "exit": exit,
        "code": ending.map(|ending| ending.code.to_string()),
        "printed": total.printed,
        "posts": total.posts,
        "connections": total.connections,
        "gaps": total.gaps,
        "missed": total.missed,
        "silence_ms": as_millis(total.silence),
    })
}

fn remark(remark: &Remark) -> Value {
    match remark {
        Remark::Notice(Notice::Limit { track }) => json!({ "event": "limit", "track": track }),
        Remark::Notice(Notice::Warning { code, message, percent_full }) => {
            json!({ "event": "warning", "code": code, "message": message, "percent_full": percent_full })
        }
        Remark::Notice(Notice::Info { message }) => json!({ "event": "info", "message": message }),
        Remark::Notice(Notice::Problem { message }) => json!({ "event": "error", "message": message }),
        Remark::Notice(Notice::Ending(ending)) => {
            json!({ "event": "notice", "code": ending.code.to_string(), "detail": ending.detail })
        }
        Remark::Malformed { line, why, text } => {
            json!({ "event": "malformed", "line": line, "why": why, "text": text })
        }
        Remark::Oversize { line, bytes } => json!({ "event": "oversize", "line": line, "bytes": bytes }),
        Remark::Discarded { line, bytes } => json!({ "event": "discarded", "line": line, "bytes": bytes }),
        Remark::Expression { line, option, why } => {
            json!({ "event": "expression", "line": line, "option": option, "why": why })
        }
    }
}
