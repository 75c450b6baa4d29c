//! `--listen`: opens the stream for five seconds, through the dialer that `tail` uses.
//!
//! Its law: the request is counted before it is sent and the stream is closed before the program ends, so that it costs
//! one request and leaves no dead connection that still holds the slot at X.

use std::pin::pin;
use std::time::{Duration, Instant};

use super::check::Check;
use crate::clock::Clock;
use crate::net::dial::{DialOutcome, Dialer};
use crate::net::stream::Stream;
use crate::pipeline::Intake;
use crate::pipeline::batch::Batch;
use crate::pipeline::decode::Format;
use crate::pipeline::decode::split::LINE_CAP;
use crate::pipeline::filter::{Choice, Filter};
use crate::pipeline::meter::Meter;
use crate::pipeline::report::BatchReport;
use crate::pipeline::select::{LineSource, SelectOptions, Selector};
use crate::protocol::disconnect::{Code, LocalCause};
use crate::protocol::endpoint::Endpoint;
use crate::protocol::message::DisconnectReason;
use crate::protocol::rate_limit::RateLimit;
use crate::protocol::request::Request;
use crate::session::outcome::{GAVE_UP, REFUSED};
use crate::session::reaction::{Reaction, reaction};
use crate::session::{Failure, Head};
use crate::store::state::{LockedState, Store};
use crate::time::format_duration;

const NAME: &str = "listen";

/// How long it listens. A stream in use sends something within this time. An idle one sends nothing for up to 20 s, which
/// is long for a user who waits.
const LISTEN: Duration = Duration::from_secs(5);

/// How long to wait for the lock of the state file. `tail` holds it for milliseconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// The budget of one stream, and the file that shares it.
pub struct Account<'a> {
    /// The file.
    pub store: &'a Store,
    /// Requests in 15 minutes.
    pub limit: u32,
    /// The clock of the times in the file.
    pub clock: Clock,
}

impl Account<'_> {
    /// Locks the file; none if another process holds the lock.
    pub async fn lock(&self) -> anyhow::Result<Option<LockedState<'_>>> {
        let began = Instant::now();
        loop {
            if let Some(held) = self.store.try_lock()? {
                return Ok(Some(held));
            }
            if began.elapsed() > LOCK_TIMEOUT {
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What a stream delivered while we listened.
#[derive(Debug, Default)]
struct ListenStats {
    head: Duration,
    first_byte: Option<Duration>,
    heartbeats: u64,
    posts: u64,
    lines: u64,
    rate: RateLimit,
    listened: Duration,
    reason: Option<DisconnectReason>,
    interrupted: bool,
}

/// The result of listening.
pub struct ListenResult {
    /// The check for the report.
    pub check: Check,
    /// Whether the head of a request was sent, and so counts.
    pub sent: bool,
    /// The head of the response, with the rate limit.
    pub head: Head,
    /// Whether the user pressed Ctrl-C.
    pub interrupted: bool,
}

/// Opens the stream and listens. Posts are counted by `meter`.
pub async fn listen(
    dialer: &Dialer,
    request: &Request,
    endpoint: &Endpoint,
    meter: &mut Option<Meter>,
    clock: Clock,
) -> ListenResult {
    let began = Instant::now();
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let mut interrupted = false;
    let mut dial = dialer.dial(request);
    let outcome = tokio::select! {
        outcome = &mut dial => outcome,
        Ok(()) = &mut interrupt => {
            let sent = dial.is_sent();
            dial.cancel().await;
            let check = Check::skipped(NAME, "interrupted before the stream opened");
            return ListenResult { check, sent, head: Head::default(), interrupted: true };
        }
    };
    let (check, sent, head) = match outcome {
        DialOutcome::Opened(head, stream) => {
            let mut stats = ListenStats { head: began.elapsed(), rate: head.rate, ..ListenStats::default() };
            let mut stream = *stream;
            read_stream(&mut stream, &mut stats, meter, &clock, interrupt).await;
            stream.close().await;
            interrupted = stats.interrupted;
            (stats.check(endpoint), true, head)
        }
        DialOutcome::Refused(refusal) => {
            let code = Code::from_response(refusal.status, &refusal.body);
            let what = match refusal.body.detail() {
                _ if refusal.redirect.is_some() => "a redirect, which is not followed".to_owned(),
                Some(detail) => detail,
                None => code.entry().meaning.to_owned(),
            };
            let text = format!("X refuses the stream: {}: {what}", named(&code, refusal.status));
            (Check::fail(NAME, exit(&code), &text, code.entry().advice), true, refusal.head)
        }
        DialOutcome::Failed(failure) => {
            let code = Code::Local(failure.cause);
            let text = format!("the stream does not open: {}", failure.detail);
            (Check::fail(NAME, exit(&code), &text, code.entry().advice), failure.sent, Head::default())
        }
    };
    ListenResult { check: check.took(began.elapsed()), sent, head, interrupted }
}

async fn read_stream(
    stream: &mut Stream,
    stats: &mut ListenStats,
    meter: &mut Option<Meter>,
    clock: &Clock,
    mut interrupt: impl Future<Output = std::io::Result<()>> + Unpin,
) {
    let began = Instant::now();
    let opened = clock.now();
    let mut deadline = pin!(clock.sleep(LISTEN));
    let format = Format { gzip: stream.gzip, framed: false, file: false, line_cap: LINE_CAP };
    // Everything is classified and counted, and nothing printed.
    let everything = Filter::new(&[], &[Choice::All]);
    let (mut intake, mut selector) =
        (Intake::new(format, LineSource::default()), Selector::new(SelectOptions::new(everything)));
    if let Some(meter) = meter.take() {
        selector.set_meter(meter);
    }
    let mut batch = Batch::default();
    // In a flood the timer is never polled, so the time is compared here as well.
    while clock.now().since(opened) < LISTEN && batch.report.reason.is_none() {
        let chunk = tokio::select! {
            biased;
            () = &mut deadline => break,
            Ok(()) = &mut interrupt => {
                stats.interrupted = true;
                break;
            }
            chunk = stream.next() => chunk,
        };
        let closed = match chunk {
            Some(Ok(bytes)) => {
                stats.first_byte.get_or_insert(began.elapsed() + stats.head);
                let fed = intake.feed(&mut &bytes[..], &mut selector, &mut batch);
                fed.err().map(|error| Failure { cause: LocalCause::Gzip, detail: error.to_string(), sent: true })
            }
            Some(Err(failure)) => Some(failure),
            None => Some(Failure::eof()),
        };
        if let Some(failure) = closed {
            // A cut line needs no report of its own: the end itself is reported.
            let _ = intake.end(&mut selector, &mut batch);
            batch.report.reason.get_or_insert(DisconnectReason::local(failure.cause, failure.detail));
        }
    }
    stats.listened = clock.now().since(opened);
    let BatchReport { heartbeats, posts, lines, reason, .. } = batch.report;
    (stats.heartbeats, stats.posts, stats.lines, stats.reason) = (heartbeats, posts, lines, reason);
    *meter = selector.meter().map(std::mem::take);
}

impl ListenStats {
    fn check(&self, endpoint: &Endpoint) -> Check {
        let mut parts = vec![match self.first_byte {
            Some(first) => format!("200 after {} ms, first byte after {} ms", self.head.as_millis(), first.as_millis()),
            None => format!("200 after {} ms", self.head.as_millis()),
        }];
        let others = self.lines.saturating_sub(self.heartbeats + self.posts);
        let lines: Vec<String> = [(self.heartbeats, "heartbeat"), (self.posts, "post"), (others, "other line")]
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}{}", if *count == 1 { "" } else { "s" }))
            .collect();
        let listened = format_duration(self.listened);
        if !lines.is_empty() {
            parts.push(format!("{} in {listened}", lines.join(", ")));
        } else if self.reason.is_none() && !self.interrupted {
            let promise = endpoint.family.keep_alive().as_secs();
            parts.push(format!("nothing arrived in {listened}; X promises a keep-alive only every {promise} s"));
        }
        if let (Some(left), Some(limit)) = (self.rate.remaining, self.rate.limit) {
            parts.push(format!("{left} of {limit} connection requests left"));
        }
        let text = parts.join("; ");
        let Some(reason) = &self.reason else { return Check::ok(NAME, &text) };
        let entry = reason.code.entry();
        let what = reason.detail.clone().unwrap_or_else(|| entry.meaning.to_owned());
        let text = format!("{text}; ended after {listened} by {} ({}): {what}", reason.code, entry.name);
        Check::fail(NAME, exit(&reason.code), &text, entry.advice)
    }
}

fn named(code: &Code, status: u16) -> String {
    if matches!(code, Code::Status(_)) { code.to_string() } else { format!("{status} {code}") }
}

/// The exit status of `tail` for this code: refused, or a temporary failure.
fn exit(code: &Code) -> u8 {
    if reaction(code) == Reaction::Refused { REFUSED } else { GAVE_UP }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::endpoint;

    #[test]
    fn the_stats_are_one_sentence() {
        let filtered = endpoint::find("filtered").expect("a stream");
        let rate = RateLimit { limit: Some(50), remaining: Some(49), reset: None };
        let (head, listened) = (Duration::from_millis(120), LISTEN);
        let all = ListenStats {
            head,
            first_byte: Some(Duration::from_millis(250)),
            heartbeats: 1,
            posts: 12,
            lines: 15,
            rate,
            listened,
            ..ListenStats::default()
        };
        let silent = ListenStats { head, listened, ..ListenStats::default() };
        let reason = Some(DisconnectReason { code: Code::V1(12.into()), detail: None });
        let ended = ListenStats { head, reason, listened: Duration::from_millis(1200), ..ListenStats::default() };
        let shown: String =
            [all, silent, ended].iter().map(|stats| stats.check(filtered).render(None, false)).collect();
        insta::assert_snapshot!(shown, @r"
        ✓ listen                200 after 120 ms, first byte after 250 ms; 1 heartbeat, 12 posts, 2 other lines in 5.0s; 49 of 50 connection requests left
        ✓ listen                200 after 120 ms; nothing arrived in 5.0s; X promises a keep-alive only every 20 s
        ✗ listen                200 after 120 ms; ended after 1.2s by 12 (Shed load): the host was overloaded and shed connections; there is no need to wait
                                → do nothing; if it repeats for hours, look at X's status page, https://developer.x.com/status
        ");
    }
}
