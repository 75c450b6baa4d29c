//! A journal told after the fact: uptime, endings, waits, gaps, and the most likely cause. Pure.
//!
//! Records are folded one by one into counts, so a journal of weeks costs no more memory than one of minutes.
//!
//! Law: no input makes it panic. What it does not know it leaves out; what it cannot read it counts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::page::{labelled, paragraph};
use crate::protocol::catalogue::{STATUS_PAGE, Side};
use crate::protocol::disconnect::{Code, LocalCause};
use crate::text::{plural, sanitize};
use crate::time::format_duration;

/// Longest text of a journal that is repeated, in characters.
const LONGEST_TEXT: usize = 60;

/// Reasons and holders that are named; more of them tell no more.
const SHOWN: usize = 5;

/// The events a journal has. A file without any of them is no journal.
const EVENTS: [&str; 24] = [
    "start",
    "dialling",
    "opened",
    "first_byte",
    "established",
    "late",
    "limit",
    "warning",
    "info",
    "error",
    "malformed",
    "oversize",
    "discarded",
    "expression",
    "unremarked",
    "blocked",
    "unblocked",
    "ended",
    "waiting",
    "held",
    "reason",
    "gap",
    "status",
    "end",
];

/// What a journal holds: the last run in counts, and how much there is besides.
#[derive(Debug, Default)]
pub struct Journal {
    run: Run,
    /// Records of the run so far.
    records: u64,
    /// Runs before it.
    earlier: u64,
    /// Lines that are no record.
    bad: u64,
    /// Whether the last line is cut.
    cut: bool,
}

/// What one run came to.
#[derive(Debug, Default)]
struct Run {
    version: String,
    stream: String,
    host: String,
    /// First and last moment, in milliseconds since the Unix epoch.
    span: Option<(i64, i64)>,
    attempts: u64,
    opened: u64,
    /// When the connection that is open was opened.
    open_since: Option<i64>,
    connected: u64,
    /// When the stream was lost that is not back yet.
    lost_at: Option<i64>,
    reconnects: Vec<u64>,
    endings: BTreeMap<String, Ending>,
    causes: BTreeMap<Cause, u64>,
    /// The code that the run ended by, if it did.
    final_code: String,
    /// Whether the last stream was lost without a clean end, and refusals for a taken place after such a loss.
    unclean: bool,
    ghosts: u64,
    late: Option<(i64, u64)>,
    silence: u64,
    gaps: u64,
    gap_time: u64,
    missed: u64,
    /// The highest `limit` of this connection, and the sum of those before.
    limit: u64,
    limited: u64,
    waits: BTreeMap<String, (u64, u64)>,
    blocked: u64,
    blocked_time: u64,
    blocked_here: bool,
    unread: u64,
    posts: u64,
    /// X's own words for endings, and who held the slot, with how often.
    reasons: BTreeMap<String, u64>,
    holders: BTreeMap<String, u64>,
    state: String,
    end: Option<(String, Option<u64>)>,
}

#[derive(Debug)]
struct Ending {
    name: String,
    side: Side,
    count: u64,
}

/// What may be behind an ending; where counts are equal the first one here is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    SlowReader,
    TakenOver,
    Places,
    Rate,
    Account,
    Network,
    X,
    Other,
}

impl Journal {
    /// Takes a line; `whole` is false for a last line without its newline.
    pub fn push(&mut self, line: &[u8], whole: bool) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let value = serde_json::from_slice::<Value>(line).ok();
        let record = value.as_ref().and_then(|value| {
            let at: Timestamp = value.get("at")?.as_str()?.parse().ok()?;
            Some((value, at.as_millisecond(), value.get("event")?.as_str()?))
        });
        let Some((value, at, event)) = record else {
            // A crash or a copy in progress cuts the last line, and nothing else.
            if !whole && value.is_none() {
                self.cut = true;
            } else {
                self.bad += 1;
            }
            return;
        };
        if event == "start" {
            self.earlier += u64::from(self.records > 0);
            self.records = 0;
            self.run = Run::default();
        }
        self.records += u64::from(EVENTS.contains(&event));
        self.run.note(value, at, event);
    }

    /// Counts a line that is too long to be a record.
    pub fn skip(&mut self) {
        self.bad += 1;
    }

    /// Whether there is nothing of a journal in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records == 0 && self.earlier == 0
    }

    /// The report for people.
    #[must_use]
    pub fn report(&self) -> String {
        let mut page = self.run.report();
        let mut notes = Vec::new();
        match self.earlier {
            0 => {}
            1 => notes.push("1 earlier run in this journal is not told.".to_owned()),
            count => notes.push(format!("{count} earlier runs in this journal are not told.")),
        }
        if self.bad > 0 {
            notes.push(format!("{} not a record and left out.", lines(self.bad)));
        }
        if self.cut {
            notes.push("The last line is cut and left out.".to_owned());
        }
        if !notes.is_empty() {
            page.push('\n');
            paragraph(&mut page, "", "", &notes.join(" "));
        }
        page
    }
}

fn lines(count: u64) -> String {
    if count == 1 { "1 line is".to_owned() } else { format!("{count} lines are") }
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or(0)
}

fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => sanitize(text, LONGEST_TEXT),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// The milliseconds between two moments; none if the clock was set back.
fn between(from: i64, to: i64) -> u64 {
    u64::try_from(to.saturating_sub(from)).unwrap_or(0)
}

/// The middle of sorted values, or between the two in the middle.
fn median(sorted: &[u64]) -> u64 {
    let middle = sorted.len() / 2;
    match sorted.get(middle) {
        Some(upper) if sorted.len().is_multiple_of(2) => sorted[middle - 1].midpoint(*upper),
        Some(value) => *value,
        None => 0,
    }
}

fn long(millis: u64) -> String {
    format_duration(Duration::from_millis(millis))
}

fn date(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map_or_else(
        |_| "?".to_owned(),
        |at| at.to_string().get(..19).map_or_else(|| at.to_string(), |shown| shown.replace('T', " ")),
    )
}

impl Run {
    fn note(&mut self, value: &Value, at: i64, event: &str) {
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        match event {
            "start" => {
                self.version = text(value, "version");
                self.stream = text(value, "stream");
                self.host = text(value, "host");
            }
            "dialling" => {
                self.attempts += 1;
                "connecting".clone_into(&mut self.state);
            }
            "opened" => {
                self.opened += 1;
                self.open_since = Some(at);
                self.blocked_here = false;
                self.late = None;
                if let Some(lost) = self.lost_at.take() {
                    self.reconnects.push(between(lost, at));
                }
                "connected".clone_into(&mut self.state);
            }
            "late" => {
                let silence = number(value, "silence_ms");
                self.silence = self.silence.max(silence);
                self.late = Some((at, silence));
            }
            "limit" => self.limit = self.limit.max(number(value, "track")),
            "malformed" | "oversize" | "discarded" => self.unread += 1,
            "unremarked" => self.unread += number(value, "count"),
            "blocked" => {
                self.blocked += 1;
                self.blocked_here = true;
            }
            "unblocked" => self.blocked_time = self.blocked_time.saturating_add(number(value, "after_ms")),
            "ended" => self.ended(value, at),
            "waiting" => {
                let wait = self.waits.entry(text(value, "why")).or_default();
                wait.0 += 1;
                wait.1 = wait.1.saturating_add(number(value, "delay_ms"));
                "waiting".clone_into(&mut self.state);
            }
            "reason" => *self.reasons.entry(text(value, "reason")).or_default() += 1,
            "held" => {
                for holder in value.get("by").and_then(Value::as_array).into_iter().flatten() {
                    *self.holders.entry(text(holder, "client_ip")).or_default() += 1;
                }
            }
            "gap" => {
                self.gaps += 1;
                self.gap_time = self.gap_time.saturating_add(number(value, "length_ms"));
                self.missed = self.missed.saturating_add(number(value, "missed"));
            }
            "status" => {
                // While no connection is open the age is that of the gap, which is told as such.
                if self.open_since.is_some() {
                    self.silence = self.silence.max(number(value, "heartbeat_age_ms"));
                }
                self.state = text(value, "state");
            }
            "end" => {
                let exit = value.get("exit").and_then(Value::as_u64);
                self.silence = self.silence.max(number(value, "silence_ms"));
                self.posts = number(value, "posts");
                self.final_code = text(value, "code");
                self.end = Some((text(value, "outcome").replace('_', " "), exit));
            }
            _ => {}
        }
    }

    fn ended(&mut self, value: &Value, at: i64) {
        let word = text(value, "code");
        let code = Code::parse(&word);
        let entry = code.as_ref().map(Code::entry).filter(|entry| !entry.generic);
        let said = text(value, "side");
        let side = entry.map_or_else(
            || {
                let sides = [Side::Ours, Side::X, Side::Account, Side::Network];
                sides.into_iter().find(|side| side.to_string() == said).unwrap_or(Side::Unknown)
            },
            |entry| entry.side,
        );
        let opened = flag(value, "opened");
        let slow = flag(value, "slow_reader") || self.blocked_here || matches!(word.as_str(), "4" | "SlowReader");
        let cause = match word.as_str() {
            _ if slow => Cause::SlowReader,
            "2" | "7" | "ForceDisconnect" | "forced-disconnect" => Cause::TakenOver,
            "TooManyConnections" | "420" | "connection-limit" => Cause::Places,
            "429" | "rate-limit-exceeded" | "rate-limit" => Cause::Rate,
            _ => match side {
                Side::Account => Cause::Account,
                Side::Network => Cause::Network,
                Side::X => Cause::X,
                Side::Ours | Side::Unknown => Cause::Other,
            },
        };
        *self.causes.entry(cause).or_default() += 1;
        if cause == Cause::Places && self.unclean {
            self.ghosts += 1;
        }
        let name = entry.map_or_else(|| text(value, "name"), |entry| entry.name.to_owned());
        self.endings.entry(word.clone()).or_insert(Ending { name, side, count: 0 }).count += 1;
        if opened {
            let lived = value.get("lived_ms").and_then(Value::as_u64);
            let lived = lived.unwrap_or_else(|| self.open_since.map_or(0, |since| between(since, at)));
            self.connected = self.connected.saturating_add(lived);
            self.posts = self.posts.saturating_add(number(value, "posts"));
            self.lost_at = Some(at);
            self.unclean = cause == Cause::Network;
            // Nothing came between the late heartbeat and the stall that it became.
            if let (Some((late, silence)), "stall") = (self.late, word.as_str()) {
                self.silence = self.silence.max(silence.saturating_add(between(late, at)));
            }
        }
        self.open_since = None;
        self.late = None;
        self.blocked_here = false;
        self.limited = self.limited.saturating_add(std::mem::take(&mut self.limit));
        "disconnected".clone_into(&mut self.state);
    }

    fn report(&self) -> String {
        let (from, to) = self.span.unwrap_or_default();
        let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
        let mut page = String::new();
        let title = format!(
            "{} on {}, {} to {} UTC{}",
            or(&self.stream, "a stream"),
            or(&self.host, "an unknown host"),
            date(from),
            date(to),
            if self.version.is_empty() { String::new() } else { format!(", xstream {}", self.version) },
        );
        paragraph(&mut page, "", "", &title);

        let span = between(from, to);
        let open = self.open_since.map_or(0, |since| between(since, to));
        let connected = self.connected.saturating_add(open).min(span);
        let percent = if span == 0 { 0.0 } else { connected as f64 * 100.0 / span as f64 };
        labelled(&mut page, "span", &long(span));
        let tries = format!("{}, {}", plural(self.opened, "connection"), plural(self.attempts, "attempt"));
        labelled(&mut page, "connected", &format!("{} ({percent:.1} %), {tries}", long(connected)));
        self.tell_endings(&mut page);
        for (label, told) in [("X says", &self.reasons), ("held by", &self.holders)] {
            let told: Vec<String> = told.iter().take(SHOWN).map(|(text, times)| format!("{times} × {text}")).collect();
            if !told.is_empty() {
                labelled(&mut page, label, &told.join(", "));
            }
        }
        if self.posts > 0 {
            labelled(&mut page, "received", &plural(self.posts, "post"));
        }
        if !self.reconnects.is_empty() {
            let mut times = self.reconnects.clone();
            times.sort_unstable();
            let longest = times.last().copied().unwrap_or(0);
            let told = format!("{}, median {}, longest {}", times.len(), long(median(&times)), long(longest));
            labelled(&mut page, "reconnects", &told);
        }
        if self.silence > 0 {
            labelled(&mut page, "silence", &format!("{} at the longest, while connected", long(self.silence)));
        }
        let gaps = match self.gaps {
            0 => "no gaps".to_owned(),
            gaps => format!(
                "{}, {} together, about {} missed",
                plural(gaps, "gap"),
                long(self.gap_time),
                plural(self.missed, "post")
            ),
        };
        labelled(&mut page, "lost", &gaps);
        let limited = self.limited.saturating_add(self.limit);
        if limited > 0 {
            labelled(&mut page, "", &format!("{} for certain, told by X in `limit` messages", plural(limited, "post")));
        }
        if self.unread > 0 {
            labelled(&mut page, "", &format!("{} could not be read as messages", plural(self.unread, "line")));
        }
        let waits: Vec<String> = self
            .waits
            .iter()
            .map(|(why, (times, whole))| format!("{} {times} × ({} together)", why.replace('_', " "), long(*whole)))
            .collect();
        if !waits.is_empty() {
            labelled(&mut page, "waits", &waits.join(", "));
        }
        if self.blocked > 0 {
            let times = format!("blocked {}, {} together", plural(self.blocked, "time"), long(self.blocked_time));
            labelled(&mut page, "our reader", &times);
        }
        let last = match &self.end {
            Some((outcome, Some(exit))) => format!("ended: {outcome}, exit status {exit}"),
            Some((outcome, None)) => format!("ended: {outcome}"),
            None => {
                let state = or(&self.state, "started");
                format!("{state}; no end is recorded: it still runs, or it was killed")
            }
        };
        labelled(&mut page, "last state", &last);
        let (cause, next) = self.verdict();
        page.push_str("\nmost likely cause\n");
        paragraph(&mut page, "  ", "  ", &cause);
        page.push_str("next\n");
        paragraph(&mut page, "  ", "  ", &next);
        page
    }

    fn tell_endings(&self, page: &mut String) {
        let mut sides: Vec<(Side, u64)> = Vec::new();
        for ending in self.endings.values() {
            match sides.iter_mut().find(|(side, _)| *side == ending.side) {
                Some((_, count)) => *count += ending.count,
                None => sides.push((ending.side, ending.count)),
            }
        }
        sides.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let whole: u64 = sides.iter().map(|(_, count)| count).sum();
        let mut told = whole.to_string();
        for (index, (side, count)) in sides.iter().enumerate() {
            let _ = write!(told, "{} {side} {count}", if index == 0 { ":" } else { "," });
        }
        labelled(page, "endings", &told);
        let mut endings: Vec<(&String, &Ending)> = self.endings.iter().collect();
        endings.sort_by_key(|(_, ending)| std::cmp::Reverse(ending.count));
        for (code, Ending { name, side, count }) in endings {
            let name = if name.eq_ignore_ascii_case(code) { String::new() } else { format!(" {name}") };
            labelled(page, "", &format!("{count} × {code}{name} ({side})"));
        }
    }

    /// The most likely cause, and the next thing to try. What stopped the run decides; else what ended most
    /// connections.
    fn verdict(&self) -> (String, String) {
        let last = Code::parse(&self.final_code).map(|code| code.entry());
        let capital = |text: &str| {
            let mut rest = text.chars();
            rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
        };
        if self.final_code == LocalCause::Quota.as_str() {
            return (
                "Our side: the quota that was set with --quota is spent.".to_owned(),
                "Raise it, or let --quota-wait wait for its period to turn.".to_owned(),
            );
        }
        if let (Some((_, Some(3))), Some(entry)) = (&self.end, last) {
            return (
                format!(
                    "X refuses, and only a person can change that: {} ({}): {}.",
                    self.final_code, entry.side, entry.meaning
                ),
                format!("{}.", capital(entry.advice)),
            );
        }
        let taken = matches!(&self.end, Some((_, Some(5)))) && self.causes.contains_key(&Cause::TakenOver);
        let most = self.causes.iter().rev().max_by_key(|(_, count)| **count).map(|(cause, _)| *cause);
        let Some(cause) = most.map(|most| if taken { Cause::TakenOver } else { most }) else {
            return if self.blocked > 0 {
                (SLOW.0.to_owned(), SLOW.1.to_owned())
            } else {
                ("No connection ended: there is nothing to explain.".to_owned(), "Nothing.".to_owned())
            };
        };
        let pair = |(cause, next): (&str, &str)| (cause.to_owned(), next.to_owned());
        match cause {
            Cause::SlowReader => pair(SLOW),
            Cause::TakenOver => pair(TAKEN),
            Cause::Places if self.ghosts * 2 > self.causes[&Cause::Places] => pair(GHOST),
            Cause::Places => pair(PLACES),
            Cause::Rate => pair(RATE),
            Cause::Network => pair(NETWORK),
            Cause::X => (X.to_owned(), format!("Nothing here; X's status page tells: {STATUS_PAGE}.")),
            Cause::Account | Cause::Other => {
                let side = |ending: &Ending| (ending.side == Side::Account) == (cause == Cause::Account);
                let most =
                    self.endings.iter().filter(|(_, ending)| side(ending)).max_by_key(|(_, ending)| ending.count);
                match most.and_then(|(word, _)| Code::parse(word)).map(|code| (code.entry(), code)) {
                    Some((entry, code)) => (
                        format!("{code} ({}): {}.", entry.side, entry.meaning),
                        format!("{}; see `xstream explain {code}`.", capital(entry.advice)),
                    ),
                    None => pair(("Unknown: no page lists this ending.", "Read the detail that came with it.")),
                }
            }
        }
    }
}

const SLOW: (&str, &str) = (
    "Our side: the program that reads our output is too slow. The stream was not read for a while, or X's queue for us \
     grew too large, and X closes such connections.",
    "Make the program that reads faster, ask for fewer fields, or put a file or queue between; a larger --buffer takes \
     longer bursts.",
);
const TAKEN: (&str, &str) = (
    "Our side: another client with the same credentials takes the connection over.",
    "Find the other client (`xstream connections` lists it) and stop it.",
);
const GHOST: (&str, &str) = (
    "The network: connections ended uncleanly, and X then refused new ones because it still believed the old ones open.",
    "Try another network, or leave out the proxy or VPN. The refusals pass by themselves, on a quiet stream in up to \
     20 s; see `xstream explain TooManyConnections`.",
);
const PLACES: (&str, &str) = (
    "Our side: all connections of the app are in use, most likely by another client of the same app.",
    "See who is connected (`xstream connections`) and stop what is not needed; see `xstream explain 429`.",
);
const RATE: (&str, &str) = (
    "Our side: too many connection requests in 15 minutes, by us or by another client of the same app.",
    "Look for another client of the same app that reconnects too often; let runs of one app share --state FILE; see \
     `xstream explain 429`.",
);
const NETWORK: (&str, &str) = (
    "The network: most connections broke or went silent without an ending from X.",
    "Try another network, leave out the proxy or VPN, and ask the provider; see `xstream explain reasons`.",
);
const X: &str =
    "X's side: most endings are restarts, faults or overload of X's servers. A close every few hours is normal.";

#[cfg(test)]
mod tests {
    use super::*;

    /// A journal from `second event members` lines.
    fn journal(records: &str) -> Journal {
        let mut journal = Journal::default();
        for record in records.lines().map(str::trim).filter(|record| !record.is_empty()) {
            let (second, record) = record.split_once(' ').unwrap();
            let (event, members) = record.split_once(' ').unwrap_or((record, ""));
            let at = Timestamp::from_second(1_795_348_800 + second.parse::<i64>().unwrap()).unwrap();
            let members = if members.is_empty() { String::new() } else { format!(",{members}") };
            journal.push(format!(r#"{{"at":"{at}","event":"{event}","connection":1{members}}}"#).as_bytes(), true);
        }
        journal
    }

    fn verdict(records: &str) -> String {
        journal(records).run.verdict().0
    }

    #[test]
    fn a_run_on_a_bad_network_is_told() {
        let journal = journal(
            r#"
            0 start "version":"0.1.0","stream":"filtered","host":"api.x.com"
            0 ended "code":"eof","opened":true,"lived_ms":1
            0 start "version":"0.1.0","stream":"filtered","host":"api.x.com"
            0 dialling "attempt":1
            1 opened
            1 limit "track":4
            60 late "silence_ms":25000
            65 ended "code":"stall","opened":true,"lived_ms":64000,"posts":10
            65 waiting "why":"backoff","delay_ms":250
            66 dialling "attempt":1
            67 opened
            68 gap "from":"x","to":null,"length_ms":32000,"missed":5
            100 ended "code":"reset","opened":true,"lived_ms":33000,"posts":10
            100 dialling "attempt":1
            101 ended "code":"503","opened":false,"lived_ms":0
            101 waiting "why":"backoff","delay_ms":5000
            106 dialling "attempt":2
            110 opened
            112 reason "of":2,"reason":"operator_disconnect"
            113 held "by":[{"id":"1","client_ip":"203.0.113.7","age_ms":5}],"freed":null,"not_freed":null
            115 from_the_future "x":1
            210 status "state":"streaming","heartbeat_age_ms":900
            "#,
        );
        insta::assert_snapshot!(journal.report(), @r"
        filtered on api.x.com, 2026-11-22 12:00:00 to 2026-11-22 12:03:30 UTC, xstream
        0.1.0
          span        3m30s
          connected   3m17s (93.8 %), 3 connections, 4 attempts
          endings     3: the network 2, X's side 1
                      1 × 503 Service Unavailable (X's side)
                      1 × reset Connection reset (the network)
                      1 × stall (the network)
          X says      1 × operator_disconnect
          held by     1 × 203.0.113.7
          received    20 posts
          reconnects  2, median 6.0s, longest 10s
          silence     30s at the longest, while connected
          lost        1 gap, 32s together, about 5 posts missed
                      4 posts for certain, told by X in `limit` messages
          waits       backoff 2 × (5.2s together)
          last state  streaming; no end is recorded: it still runs, or it was killed

        most likely cause
          The network: most connections broke or went silent without an ending from X.
        next
          Try another network, leave out the proxy or VPN, and ask the provider; see
          `xstream explain reasons`.

        1 earlier run in this journal is not told.
        ");
    }

    #[test]
    fn the_most_likely_cause_follows_what_ended_most() {
        for (records, begins) in [
            (
                "0 start\n1 opened\n2 blocked\n3 ended \"code\":\"eof\",\"opened\":true",
                "Our side: the program that reads",
            ),
            (
                "0 start\n1 opened\n3 ended \"code\":\"reset\",\"opened\":true,\"slow_reader\":true",
                "Our side: the program that reads",
            ),
            ("0 start\n1 opened\n2 blocked", "Our side: the program that reads"),
            ("0 start\n3 ended \"code\":\"7\",\"opened\":true", "Our side: another client"),
            ("0 start\n3 ended \"code\":\"TooManyConnections\",\"opened\":false", "Our side: all connections"),
            (
                "0 start\n3 ended \"code\":\"reset\",\"opened\":true\n4 ended \"code\":\"TooManyConnections\"\n5 ended \"code\":\"TooManyConnections\"",
                "The network: connections ended uncleanly",
            ),
            ("0 start\n3 ended \"code\":\"429\"", "Our side: too many connection requests"),
            ("0 start\n3 ended \"code\":\"dns\"", "The network: most"),
            ("0 start\n3 ended \"code\":\"503\"\n4 ended \"code\":\"12\",\"opened\":true", "X's side: most"),
            (
                "0 start\n3 ended \"code\":\"401\"\n4 end \"outcome\":\"refused\",\"exit\":3,\"code\":\"401\"",
                "X refuses",
            ),
            ("0 start\n3 ended \"code\":\"usage-capped\"", "usage-capped (the account)"),
            ("0 start\n3 ended \"code\":\"never-seen\",\"side\":\"odd\"", "Unknown"),
            ("0 start\n1 opened", "No connection ended"),
        ] {
            let told = verdict(records);
            assert!(told.starts_with(begins), "{records}: {told}");
        }
    }

    #[test]
    fn what_is_no_record_is_counted_and_a_cut_end_is_said() {
        let mut journal = journal("0 start\n1 opened");
        for line in ["no json", "[]", "{}", r#"{"event":"opened"}"#, r#"{"event":1,"at":2}"#, "\u{1b}[2J", " "] {
            journal.push(line.as_bytes(), true);
        }
        journal.push(br#"{"at":"2026-11-2"#, false);
        let report = journal.report();
        assert!(
            report.ends_with("6 lines are not a record and left out. The last line is cut and left out.\n"),
            "{report}"
        );
        assert!(!journal.is_empty());
        let mut other = Journal::default();
        other.push(br#"{"data":{"id":"1"}}"#, true);
        assert!(other.is_empty());
        other.push(br#"{"at":"2026-11-22T00:00:00Z","event":"of another program"}"#, true);
        assert!(other.is_empty());
    }

    #[test]
    fn odd_values_do_no_harm() {
        let journal = journal(
            r#"
            9 start "version":{},"stream":"a\u001b[2Jb","host":null
            8 opened
            7 ended "code":{},"opened":"yes","lived_ms":-1
            6 ended "code":18446744073709551615,"opened":true,"lived_ms":18446744073709551615,"posts":18446744073709551615
            5 gap "length_ms":18446744073709551615,"missed":18446744073709551615
            4 gap "length_ms":18446744073709551615,"missed":18446744073709551615
            3 end "outcome":7
            "#,
        );
        let report = journal.report();
        assert!(!report.contains('\u{1b}'), "{report}");
    }
}
