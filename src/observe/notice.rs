//! Notices: one line of text per event, with the texts of the catalogue. Pure.

use crate::pipeline::report::{Deletions, Diagnostic};
use crate::pipeline::rotation::OPEN;
use crate::protocol::disconnect::{Code, HttpStatus, LocalCause};
use crate::protocol::message::{DisconnectReason, Notice};
use crate::session::coverage::Gap;
use crate::session::event::{ArchiveEvent, Holder};
use crate::session::reaction::reaction;
use crate::session::{Event, EventKind, Outcome, WaitReason};
use crate::text::{plural, sanitize};
use crate::time::{format_deadline, format_duration, time_of_day};

/// What a notice needs besides the event.
#[derive(Debug, Clone, Copy)]
pub struct NoticeContext<'a> {
    /// The host, as notices name it.
    pub host: &'a str,
    /// The file whose lock guards the state.
    pub lock: &'a str,
    /// What is known about a stream that is refused for lack of access.
    pub denied: Option<&'static str>,
}

/// The most active rules that are listed.
const RULES_LISTED: usize = 20;

/// The notice of an event; none for an event that needs no notice.
#[must_use]
pub fn line(event: &Event, names: &NoticeContext) -> Option<String> {
    // What is known about this stream is more specific than the general meaning of its code.
    if let Some(why) = names.denied
        && let Some(line) = denied(event, why)
    {
        return Some(line);
    }
    let host = names.host;
    Some(match &event.kind {
        EventKind::Dialling { .. } if event.connection == 1 => format!("connecting to {host}"),
        EventKind::Dialling { attempt: 0 | 1, .. } => format!("reconnecting to {host}"),
        EventKind::Dialling { attempt, .. } => format!("connecting to {host}, attempt {attempt}"),
        EventKind::Opened { rate } => {
            let left = match (rate.remaining, rate.limit) {
                (Some(left), Some(limit)) => format!(", {left} of {limit} connection requests left"),
                _ => String::new(),
            };
            format!("connected (connection {}{left})", event.connection)
        }
        EventKind::Received(_)
        | EventKind::Established
        | EventKind::FirstByte { .. }
        | EventKind::Late { .. }
        | EventKind::ActiveRules(_)
        | EventKind::Status => return None,
        EventKind::FurtherDisconnect(reason) => notice(&Notice::Disconnect(reason.clone())),
        EventKind::LockHeld => format!("waiting for another process that holds {}", names.lock),
        EventKind::Degraded(what) => what.clone(),
        EventKind::Archive(event) => return archive(event),
        EventKind::Diagnostic(diagnostic) => return self::diagnostic(diagnostic),
        EventKind::Suppressed { count } => format!("{count} more messages like these are not shown"),
        EventKind::Blocked => "the reader process is too slow: the buffer is full and the stream is not read; X \
                           disconnects a client that keeps lagging"
            .to_owned(),
        EventKind::Unblocked { after } => {
            format!("the reader caught up; the stream was not read for {}", format_duration(*after))
        }
        EventKind::Ended { reason, lived, .. } if reason.code == Code::Local(LocalCause::Quota) => {
            format!("disconnected after {}: the quota is spent", format_duration(*lived))
        }
        EventKind::Ended { reason, opened, lived, slow_reader, .. } => {
            let what = if *opened {
                format!("disconnected after {}", format_duration(*lived))
            } else {
                "connection failed".to_owned()
            };
            let slow = if *slow_reader { "; the reader process was too slow during this connection" } else { "" };
            format!("{what}: {}{slow}", explain(reason))
        }
        EventKind::Waiting { delay, .. } if *delay <= crate::session::backoff::IMMEDIATE_JITTER => return None,
        EventKind::Waiting { why, delay, until } => {
            let why = match why {
                WaitReason::Backoff => "next attempt",
                WaitReason::RateLimit => "rate limited: next attempt after the reset,",
                WaitReason::RetryAfter => "X requires a wait (Retry-After): next attempt",
                WaitReason::Budget => "the connection requests of these 15 minutes are spent: next attempt",
                WaitReason::Quota => "the quota is spent: next attempt when its period turns,",
            };
            format!("{why} in {} (at {} UTC)", format_duration(*delay), format_deadline(*until, *delay))
        }
        EventKind::Held { by, kill, freed } => held(by, kill, freed.as_ref()),
        EventKind::Reason { reason } => {
            format!("X reports why connection {} ended: {reason}", event.connection)
        }
        EventKind::Gap(gap) => self::gap(gap),
        EventKind::Stopped(outcome) => return stopped(outcome),
    })
}

/// The line of an event that reports denied access; none for any other event.
fn denied(event: &Event, why: &str) -> Option<String> {
    let status = |reason: &DisconnectReason| match reason.code {
        Code::Status(HttpStatus::Unauthorized | HttpStatus::Forbidden) => Some(reason.code.clone()),
        _ => None,
    };
    match &event.kind {
        EventKind::Ended { reason, .. } => {
            status(reason).map(|status| format!("connection failed: {status}, this stream is not available"))
        }
        EventKind::Stopped(Outcome::Refused(reason)) => status(reason).map(|_| format!("stopped, X refuses: {why}")),
        _ => None,
    }
}

/// What `-v` adds about an event: why the session does what it does, and the active rules.
#[must_use]
pub fn decisions(event: &Event) -> Vec<String> {
    let EventKind::ActiveRules(rules) = &event.kind else { return decision(event).into_iter().collect() };
    let mut lines: Vec<String> = rules
        .iter()
        .take(RULES_LISTED)
        .map(|rule| {
            let tag = rule.tag.as_ref().map_or(String::new(), |tag| format!(" (tag {})", sanitize(tag, 60)));
            format!("active rule: {}{tag}", sanitize(&rule.value, 120))
        })
        .collect();
    if rules.len() > RULES_LISTED {
        lines.push(format!("and {} more active rules: xstream rules list", rules.len() - RULES_LISTED));
    }
    lines
}

fn decision(event: &Event) -> Option<String> {
    Some(match &event.kind {
        EventKind::FirstByte { after } => format!("the first byte came {} ms after the head", after.as_millis()),
        EventKind::Established => {
            "the stream is established: it delivered a line and stayed open for 10 s; every backoff delay is reset"
                .to_owned()
        }
        EventKind::Late { silence } => {
            format!(
                "no byte for {}: the heartbeat is late; if none follows, the connection is closed as stalled",
                format_duration(*silence)
            )
        }
        EventKind::Ended { reason, .. } => format!("{}: tail {}", reason.code, reaction(&reason.code)),
        EventKind::Archive(ArchiveEvent::Completed { file, messages, bytes }) => {
            format!("archive: {file} is complete: {messages} messages, {bytes} bytes")
        }
        EventKind::Archive(ArchiveEvent::Scrubbed { file, removed, cut }) => {
            format!("archive: deletions applied to {file}: {removed} lines removed, {cut} cut")
        }
        EventKind::Waiting { delay, .. } => format!("the next dial is due in {:.3} s", delay.as_secs_f64()),
        _ => return None,
    })
}

/// The code, its name, meaning and side, and X's own text.
#[must_use]
pub fn explain(reason: &DisconnectReason) -> String {
    let entry = reason.code.entry();
    let code = reason.code.to_string();
    let name = if entry.name.eq_ignore_ascii_case(&code) { String::new() } else { format!(" {}", entry.name) };
    let detail = match &reason.detail {
        Some(detail) => format!(" \"{detail}\""),
        None => String::new(),
    };
    format!("{code}{name} ({}): {}{detail}", entry.side, entry.meaning)
}

fn archive(event: &ArchiveEvent) -> Option<String> {
    Some(match event {
        ArchiveEvent::Recovered { file, cut: 0 } => format!("archive: completed {file}, which a run had left open"),
        ArchiveEvent::Recovered { file, cut } => {
            format!("archive: completed {file}, which a run had left open; {cut} bytes of an unfinished line were cut")
        }
        ArchiveEvent::Removed { file, cut } => {
            format!("archive: removed {file}{OPEN}, which a run had left open: {cut} bytes without a whole line")
        }
        ArchiveEvent::Completed { .. } | ArchiveEvent::Scrubbed { .. } => return None,
        ArchiveEvent::NotScrubbed { file, why } => {
            format!("archive: what was deleted stays in {file}: {why}; to apply deletions: xstream scrub")
        }
        ArchiveEvent::Failed { why, messages: 0, .. } => format!("the archive is not written any more: {why}"),
        ArchiveEvent::Failed { why, messages, files } => {
            let open: Vec<String> = files.iter().map(|file| format!("{file}{OPEN}")).collect();
            let left = format!("{} of this run reached {}", plural(*messages, "message"), open.join(" and "));
            format!("the archive is not written any more: {why}; {left}, which the next run completes")
        }
    })
}

/// The text of a control message, with its numbers.
#[must_use]
pub fn notice(notice: &Notice) -> String {
    match notice {
        Notice::Limit { track: Some(total) } => {
            format!("limit: {total} matching posts were not delivered since this connection opened")
        }
        Notice::Limit { track: None } => "limit: matching posts were not delivered".to_owned(),
        Notice::Warning { code, message, percent_full } => {
            let full = percent_full.map_or(String::new(), |percent| format!(" ({percent} % full)"));
            let code = if code.is_empty() { "without a code" } else { code };
            format!("warning {code}{full}: {message}")
        }
        Notice::Info { message } => format!("info: {message}"),
        Notice::Problem { message } => format!("error: {message}"),
        Notice::Disconnect(reason) => format!("disconnect: {}", explain(reason)),
    }
}

fn diagnostic(diagnostic: &Diagnostic) -> Option<String> {
    Some(match diagnostic {
        // The event of the ending reports it.
        Diagnostic::Notice(Notice::Disconnect(_)) => return None,
        Diagnostic::Notice(notice) => self::notice(notice),
        Diagnostic::Malformed { line, why, text } => format!("line {line} is not JSON ({why}), not printed: {text}"),
        Diagnostic::Oversize { line, bytes } => format!("line {line} is {bytes} bytes long, over the cap, not printed"),
        Diagnostic::Expression { line, option, why } => failure(&format!("line {line}"), option, why),
        Diagnostic::Discarded { bytes, .. } => {
            format!("the stream ended within a line; its first {bytes} bytes are no whole message, not printed")
        }
    })
}

/// The first message of its kind on which an expression failed.
#[must_use]
pub fn failure(place: &str, option: &str, why: &str) -> String {
    format!("{place}: {option} failed, not printed: {why} (more of this kind are only counted)")
}

/// How many messages an expression failed on.
#[must_use]
pub fn failures(count: u64) -> String {
    match count {
        1 => "1 message was not printed: an expression failed on it".to_owned(),
        count => format!("{count} messages were not printed: an expression failed on them"),
    }
}

/// How many messages were not printed as they came because of deletions; none if all were.
#[must_use]
pub fn deletions(deletions: Deletions) -> Option<String> {
    let Deletions { withheld, stripped } = deletions;
    let withheld = (withheld > 0).then(|| format!("{} withheld, deleted at X", plural(withheld, "message")));
    let stripped = (stripped > 0).then(|| format!("{} printed without deleted parts", plural(stripped, "message")));
    match (withheld, stripped) {
        (Some(withheld), Some(stripped)) => Some(format!("{withheld}; {stripped}")),
        (withheld, stripped) => withheld.or(stripped),
    }
}

/// The most holders that are listed.
const HOLDERS: usize = 3;

fn held(by: &[Holder], kill: &str, freed: Option<&Result<u64, String>>) -> String {
    let holders: Vec<String> = by
        .iter()
        .take(HOLDERS)
        .map(|holder| {
            let known = |text: &str| if text.is_empty() { "an unknown address".to_owned() } else { text.to_owned() };
            let since = holder.age.map_or(String::new(), |since| format!(" (open for {})", format_duration(since)));
            format!("{}{since}", known(&holder.address))
        })
        .collect();
    let more = match by.len().saturating_sub(HOLDERS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let who = match by.len() {
        0 => "X lists no open connection of this stream: one that ended uncleanly still occupies the slot; X frees it \
              after 20 s or more"
            .to_owned(),
        _ => format!("the slot is held by {}{more}", holders.join(", ")),
    };
    let what = match freed {
        Some(Ok(1)) => "it was ended for --take-over".to_owned(),
        Some(Ok(count)) => format!("{count} connections were ended for --take-over"),
        Some(Err(why)) => format!("--take-over did not free it: {why}"),
        None if by.is_empty() => return who,
        None => format!("to end it: {kill}"),
    };
    // An empty list after a failed query does not show who holds the slot.
    if by.is_empty() && freed.is_some() { what } else { format!("{who}; {what}") }
}

/// A gap with its bounds.
#[must_use]
pub fn gap(gap: &Gap) -> String {
    let around = match (gap.last_id, gap.first_id) {
        (None, None) => String::new(),
        (Some(last), None) => format!(", after post {last}"),
        (None, Some(first)) => format!(", before post {first}"),
        (Some(last), Some(first)) => format!(", between posts {last} and {first}"),
    };
    let missed = match gap.missed {
        0 => "probably no posts missed".to_owned(),
        1 => "about 1 post missed".to_owned(),
        count => format!("about {count} posts missed"),
    };
    let bounds = match gap.to {
        Some(to) => format!(
            "gap of {} ({} to {} UTC)",
            format_duration(gap.length(to)),
            time_of_day(gap.from.wall),
            time_of_day(to.wall)
        ),
        None => format!("gap still open (since {} UTC)", time_of_day(gap.from.wall)),
    };
    format!("{bounds} by {}{around}: {missed}", gap.cause)
}

fn stopped(outcome: &Outcome) -> Option<String> {
    Some(match outcome {
        Outcome::Full | Outcome::TimeUp | Outcome::ReaderLeft => return None,
        Outcome::Delivered => "the server delivered everything that was requested".to_owned(),
        Outcome::Signalled(signal) => format!("stopped by {signal}"),
        Outcome::Failed(why) => why.clone(),
        Outcome::Refused(reason) => format!("stopped, X refuses: {}", advice(reason)),
        Outcome::QuotaSpent(reason) => {
            let detail = reason.detail.as_deref().unwrap_or_default();
            format!("stopped, the quota is spent: {detail}; --quota-wait waits for its period to turn")
        }
        Outcome::GaveUp(reason) => format!("gave up, the retries allowed are used up: {}", advice(reason)),
        Outcome::Ended(reason) => format!("stopped, the stream ended: {}", advice(reason)),
        Outcome::TakenOver(reason) => {
            format!("stopped, the slot was taken over three times in 30 minutes: {}", advice(reason))
        }
    })
}

fn advice(reason: &DisconnectReason) -> String {
    let entry = reason.code.entry();
    format!("{} ({}): {}", reason.code, entry.meaning, entry.advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Traffic;
    use crate::time::Timestamp;
    use std::time::Duration;

    #[test]
    fn the_waits_of_a_decision_are_those_of_the_reaction_table() {
        for word in ["ForceDisconnect", "PackageUpgraded", "rate-limit", "stall", "usage-capped"] {
            let code = Code::parse(word).expect("a code");
            let kind = EventKind::Ended {
                reason: DisconnectReason { code: code.clone(), detail: None },
                opened: false,
                lived: Duration::ZERO,
                rate: None,
                traffic: Traffic::default(),
                slow_reader: false,
            };
            let event = Event { at: Timestamp::default(), connection: 1, kind };
            assert_eq!(decision(&event), Some(format!("{word}: tail {}", reaction(&code))));
        }
    }
}
