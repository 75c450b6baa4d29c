//! What the status row says, rendered from the session's events. Pure: a clock is handed in.
//!
//! Order (always the same): state and stream, heartbeat age, age of the last post, post rate, rate limit, last
//! disconnect code, gaps, buffer, quota if one is set. A narrow screen loses, in this order: buffer, lag and number of
//! posts, gaps, the words of the last code, those of the rate limit and the time to its reset, the post rate, the
//! quota, the age of the last post, the stream's name and the words of a wait, the rate limit, the word `heartbeat`,
//! the last code, the heartbeat age. What is left of the state is cut.
//!
//! Colours have one meaning each: green streams, red does not, yellow wants a look.

use std::time::Duration;

use crossterm::style::Stylize;
use serde_json::{Value, json};

use super::journal;
use super::summary::quota;
use crate::pipeline::meter::Reading;
use crate::protocol::disconnect::Code;
use crate::protocol::rate_limit::RateLimit;
use crate::session::{Event, LATE, Why};
use crate::time::{Timestamp, as_millis, format_deadline, format_duration, format_rfc3339};

/// What the stream is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Connecting,
    Streaming,
    Waiting { why: Why, until: Timestamp },
    Stopped,
}

/// Everything the row shows.
#[derive(Debug, Clone)]
pub struct Status {
    stream: String,
    keep_alive: Duration,
    state: State,
    last_byte: Option<Timestamp>,
    last_post: Option<Timestamp>,
    /// How old the last post was when it came, by its id.
    lag: Option<Duration>,
    posts: u64,
    rate: f64,
    limit: RateLimit,
    last: Option<(Code, Timestamp)>,
    gaps: u32,
    missed: u64,
    backlog: usize,
    buffer: usize,
    quota: Option<Reading>,
    /// Whether the stream is not read because our reader is behind.
    blocked: bool,
}

/// A part of the row. Where room is short, the part with the highest number shrinks next (of equals the one further
/// right): to its brief form if it has one, else to nothing. 0 goes last, from the right.
struct Part {
    text: String,
    look: Look,
    drop: u8,
    brief: Option<(u8, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Plain,
    Good,
    Warn,
    Bad,
}

/// A wait this long is told with the time of its end.
const LONG_WAIT: Duration = Duration::from_secs(60);

impl Status {
    /// The row of a stream that nothing is known about yet. `buffer` is the size of the FIFO in bytes.
    #[must_use]
    pub fn new(stream: String, keep_alive: Duration, buffer: usize) -> Status {
        Status {
            stream,
            keep_alive,
            state: State::Connecting,
            last_byte: None,
            last_post: None,
            lag: None,
            posts: 0,
            rate: 0.0,
            limit: RateLimit::default(),
            last: None,
            gaps: 0,
            missed: 0,
            backlog: 0,
            buffer,
            quota: None,
            blocked: false,
        }
    }

    /// The stream's name.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// Takes note of an event.
    pub fn note(&mut self, now: Timestamp, event: &Event) {
        match event {
            Event::Dialling { .. } => self.state = State::Connecting,
            Event::Opened { rate, .. } => {
                self.state = State::Streaming;
                self.limit = *rate;
                self.last_byte = Some(now);
            }
            Event::Ended { ending, rate, .. } => {
                if let Some(rate) = rate {
                    self.limit = *rate;
                }
                self.blocked = false;
                self.last = Some((ending.code.clone(), now));
                self.last_byte = None;
            }
            Event::Waiting { why, until, .. } => {
                self.state = State::Waiting { why: why.clone(), until: *until };
            }
            Event::Gap(gap) => {
                self.gaps += 1;
                self.missed = self.missed.saturating_add(gap.missed);
            }
            Event::Blocked => self.blocked = true,
            Event::Unblocked { .. } => self.blocked = false,
            Event::Stopped(_) => self.state = State::Stopped,
            _ => {}
        }
    }

    /// Takes note that bytes arrived, with so many posts, of which this is the last one's id.
    pub fn received(&mut self, now: Timestamp, posts: u64, last_id: &[u8]) {
        self.last_byte = Some(now);
        if posts > 0 {
            self.posts += posts;
            self.last_post = Some(now);
            self.lag = written(last_id).map(|at| now.wall.saturating_sub(at)).filter(|lag| *lag < LONGEST_LAG);
        }
    }

    /// Takes note of the posts a second.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// Takes note of how much of the quota is used.
    pub fn set_quota(&mut self, quota: Option<Reading>) {
        self.quota = quota;
    }

    /// Takes note of how much waits for our reader.
    pub fn set_backlog(&mut self, backlog: usize) {
        self.backlog = backlog;
    }

    fn parts(&self, now: Timestamp) -> Vec<Part> {
        let part = |drop, text, look| Part { text, look, drop, brief: None };
        let same = |state: &str, look| (state.to_owned(), state.to_owned(), look);
        let (state, brief, look) = match &self.state {
            State::Connecting => same("connecting", Look::Bad),
            State::Streaming if self.blocked => {
                ("held up by our reader".to_owned(), "slow reader".to_owned(), Look::Bad)
            }
            State::Streaming => same("streaming", Look::Good),
            State::Waiting { why, until } => {
                let (what, brief) = match why {
                    Why::Backoff => ("waiting", "waiting"),
                    Why::RateLimit => ("rate limited", "rate limited"),
                    Why::RetryAfter => ("waiting as X asked", "X asked for"),
                    Why::Budget => ("request budget spent", "budget spent"),
                    Why::Quota => ("quota spent", "quota spent"),
                };
                let left = until.since(now);
                // A long wait is planned around, so its end is told as well.
                let end =
                    if left >= LONG_WAIT { format!(" ({} UTC)", format_deadline(*until, left)) } else { String::new() };
                let left = format_duration(left);
                (format!("{what}, next attempt in {left}{end}"), format!("{brief} {left}{end}"), Look::Bad)
            }
            State::Stopped => same("stopped", Look::Bad),
        };
        let mut parts = vec![Part { brief: Some((4, brief)), ..part(0, format!("{} {state}", self.stream), look) }];
        let (silence, look) = match self.last_byte.map(|at| now.since(at)) {
            Some(silence) if silence > self.keep_alive + LATE => (format_duration(silence), Look::Warn),
            Some(silence) => (format_duration(silence), Look::Plain),
            None => ("-".to_owned(), Look::Bad),
        };
        parts.push(Part { brief: Some((3, format!("hb {silence}"))), ..part(0, format!("heartbeat {silence}"), look) });
        // Alive but idle, and dead, look different only when the last post stands beside the last byte.
        let post = self.last_post.map_or("-".to_owned(), |at| format_duration(now.since(at)));
        parts.push(part(5, format!("post {post}"), Look::Plain));
        let lag = self.lag.map_or(String::new(), |lag| format!(", lag {}", format_duration(lag)));
        let rate = format!("{:.1}/s", self.rate);
        parts.push(Part {
            brief: Some((10, rate.clone())),
            ..part(6, format!("{rate} of {}{lag}", self.posts), Look::Plain)
        });
        let number = |value: Option<u32>| value.map_or("-".to_owned(), |value| value.to_string());
        let mut limit = format!("x-rate-limit {}/{}", number(self.limit.remaining), number(self.limit.limit));
        // A reset that is past or absurdly far says nothing.
        if let Some(reset) = self.limit.trusted_reset(now.wall) {
            limit = format!("{limit} {}", format_duration(reset.saturating_sub(now.wall)));
        }
        let low = self.limit.remaining.is_some_and(|left| left < 5);
        let brief = format!("{}/{}", number(self.limit.remaining), number(self.limit.limit));
        let look = if low { Look::Warn } else { Look::Plain };
        parts.push(Part { brief: Some((7, brief)), ..part(3, limit, look) });
        parts.push(match &self.last {
            Some((code, at)) => {
                let name = code.entry().name;
                let code = code.to_string();
                // The name of a code that is itself words says the same again.
                let letters = |text: &str| text.replace([' ', '-'], "").to_ascii_lowercase();
                let named = if letters(name) == letters(&code) { code.clone() } else { format!("{code} {name}") };
                let text = format!("last {named} {} ago", format_duration(now.since(*at)));
                let brief = format!("last {code} {}", format_duration(now.since(*at)));
                Part { brief: Some((8, brief)), ..part(2, text, Look::Warn) }
            }
            None => part(2, "last -".to_owned(), Look::Plain),
        });
        let look = if self.gaps > 0 { Look::Warn } else { Look::Plain };
        parts.push(part(9, format!("gaps {}", self.gaps), look));
        let percent = self.backlog * 100 / self.buffer.max(1);
        let look = if percent > 60 { Look::Warn } else { Look::Plain };
        parts.push(part(11, format!("buffer {percent}%"), look));
        if let Some(reading) = &self.quota {
            let near = reading.used.saturating_mul(10) >= reading.quota.posts.saturating_mul(9);
            let look = if near { Look::Warn } else { Look::Plain };
            parts.push(part(5, format!("quota {}", quota(reading)), look));
        }
        parts
    }

    /// The same as data, as the journal and `--status json` tell it.
    #[must_use]
    pub fn values(&self, now: Timestamp) -> Value {
        let millis = |at: Option<Timestamp>| at.map(|at| as_millis(now.since(at)));
        let (state, waiting) = match &self.state {
            State::Connecting => ("connecting", None),
            State::Streaming if self.blocked => ("blocked", None),
            State::Streaming => ("streaming", None),
            State::Waiting { why, until } => {
                ("waiting", Some(json!({ "why": journal::why(why), "until": format_rfc3339(until.wall) })))
            }
            State::Stopped => ("stopped", None),
        };
        let last = self.last.as_ref().map(|(code, at)| {
            json!({ "code": code.to_string(), "name": code.entry().name, "age_ms": as_millis(now.since(*at)) })
        });
        json!({
            "event": "status",
            "state": state,
            "stream": self.stream,
            "heartbeat_age_ms": millis(self.last_byte),
            "post_age_ms": millis(self.last_post),
            "posts": self.posts,
            "rate": (self.rate * 10.0).round() / 10.0,
            "lag_ms": self.lag.map(as_millis),
            "rate_limit": journal::rate_limit(&self.limit),
            "last": last,
            "gaps": self.gaps,
            "missed": self.missed,
            "quota": self.quota.map(|reading| json!({
                "used": reading.used,
                "posts": reading.quota.posts,
                "period": reading.quota.period.name(),
                "exact": reading.exact,
            })),
            "buffer": { "bytes": self.backlog, "size": self.buffer },
            "waiting": waiting,
        })
    }

    /// The row, at most `width` columns wide.
    #[must_use]
    pub fn render(&self, now: Timestamp, width: usize, color: bool) -> String {
        const BETWEEN: &str = " · ";
        let mut parts = self.parts(now);
        let wide = |parts: &[Part]| -> usize {
            let text: usize = parts.iter().map(|part| part.text.chars().count()).sum();
            text + BETWEEN.chars().count() * parts.len().saturating_sub(1)
        };
        while wide(&parts) > width {
            let next = |part: &Part| part.brief.as_ref().map_or(part.drop, |(order, _)| *order);
            let last = parts.len() == 1;
            let Some((at, part)) = parts.iter_mut().enumerate().max_by_key(|(_, part)| next(part)) else { break };
            match part.brief.take() {
                Some((_, brief)) => part.text = brief,
                None if last => part.text = cut(&part.text, width),
                None => drop(parts.remove(at)),
            }
        }
        let drawn: Vec<String> = parts
            .into_iter()
            .map(|Part { text, look, .. }| match look {
                _ if !color => text,
                Look::Plain => text,
                Look::Good => text.green().to_string(),
                Look::Warn => text.yellow().to_string(),
                Look::Bad => text.red().to_string(),
            })
            .collect();
        drawn.join(BETWEEN)
    }
}

/// A text of at most this width. Half a parenthesis is worse than none.
fn cut(text: &str, width: usize) -> String {
    let text: String = text.chars().take(width).collect();
    match text.rsplit_once(" (") {
        Some((before, within)) if !within.contains(')') => before.to_owned(),
        _ => text.trim_end().to_owned(),
    }
}

/// When a post was written, by its id (ids since November 2010 hold milliseconds since a moment in that month). The
/// field `created_at` is no better: it is there only if it was asked for, and ends at the second. Enterprise feeds
/// write the id behind a tag: `tag:search.twitter.com,2005:1346889436626259968`.
fn written(id: &[u8]) -> Option<Duration> {
    const EPOCH_MS: u64 = 1_288_834_974_657;
    let id = std::str::from_utf8(id).ok()?;
    let id: u64 = id.rsplit(':').next()?.parse().ok()?;
    Some(Duration::from_millis((id >> 22) + EPOCH_MS))
}

/// An older post than this came from an archive, or its id says nothing.
const LONGEST_LAG: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod shown;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::DisconnectReason;

    fn at(seconds: u64) -> Timestamp {
        Timestamp { monotonic: Duration::from_secs(seconds), wall: Duration::from_secs(1_000_000 + seconds) }
    }

    fn streaming() -> Status {
        let mut status = Status::new("filtered".to_owned(), Duration::from_secs(20), 64 << 20);
        status.note(at(0), &Event::Dialling { connection: 1, attempt: 1 });
        let rate = RateLimit { limit: Some(50), remaining: Some(49), reset: Some(at(900).wall) };
        status.note(at(1), &Event::Opened { connection: 1, rate });
        status.received(at(8), 0, b"");
        status.set_rate(25.0);
        status
    }

    #[test]
    fn the_row_shows_every_part_in_its_order() {
        let mut status = streaming();
        status.note(
            at(8),
            &Event::Ended {
                connection: 1,
                ending: DisconnectReason { code: Code::V1(12.into()), detail: None },
                opened: true,
                lived: Duration::ZERO,
                rate: None,
                traffic: crate::session::Traffic::default(),
                slow_reader: false,
            },
        );
        status.note(at(8), &Event::Opened { connection: 2, rate: RateLimit::default() });
        status.received(at(9), 0, b"");
        status.set_backlog(32 << 20);
        insta::assert_snapshot!(
            status.render(at(10), 200, false),
            @"filtered streaming · heartbeat 1.0s · post - · 25.0/s of 0 · x-rate-limit -/- · last 12 Shed load 2.0s ago · gaps 0 · buffer 50%"
        );
    }

    #[test]
    fn a_narrow_screen_loses_the_least_important_first() {
        let mut status = streaming();
        status.note(
            at(8),
            &Event::Ended {
                connection: 1,
                ending: DisconnectReason { code: Code::V1(12.into()), detail: None },
                opened: true,
                lived: Duration::ZERO,
                rate: None,
                traffic: crate::session::Traffic::default(),
                slow_reader: false,
            },
        );
        status.received(at(9), 0, b"");
        let rows: Vec<String> =
            [200, 100, 80, 60, 50, 40, 20].iter().map(|width| status.render(at(10), *width, false)).collect();
        insta::assert_snapshot!(rows.join("\n"), @r"
        filtered streaming · heartbeat 1.0s · post - · 25.0/s of 0 · x-rate-limit 49/50 14m50s · last 12 Shed load 2.0s ago · gaps 0 · buffer 0%
        filtered streaming · heartbeat 1.0s · post - · 25.0/s · x-rate-limit 49/50 14m50s · last 12 2.0s
        filtered streaming · heartbeat 1.0s · post - · 25.0/s · 49/50 · last 12 2.0s
        filtered streaming · heartbeat 1.0s · 49/50 · last 12 2.0s
        streaming · heartbeat 1.0s · 49/50 · last 12 2.0s
        streaming · hb 1.0s · last 12 2.0s
        streaming · hb 1.0s
        ");
    }

    #[test]
    fn a_wait_tells_its_reason_and_its_end() {
        let mut status = streaming();
        let mut wait = |why, seconds: u64| {
            let delay = Duration::from_secs(seconds);
            status.note(at(8), &Event::Waiting { why, delay, until: at(8).after(delay) });
            status.render(at(8), 200, false).split(" · ").next().map(str::to_owned).unwrap_or_default()
        };
        assert_eq!(wait(Why::Backoff, 20), "filtered waiting, next attempt in 20s");
        assert_eq!(wait(Why::Budget, 700), "filtered request budget spent, next attempt in 11m40s (13:58:28 UTC)");
        assert_eq!(wait(Why::RateLimit, 5), "filtered rate limited, next attempt in 5.0s");
    }

    #[test]
    fn no_row_is_wider_than_the_screen() {
        for width in 1..150 {
            assert!(streaming().render(at(99), width, false).chars().count() <= width);
        }
    }

    #[test]
    fn colour_turns_with_meaning() {
        crossterm::style::force_color_output(true);
        let row = streaming().render(at(8 + 26), 200, true);
        assert!(row.contains("\x1b[38;5;11mheartbeat 26s"), "{row:?}");
    }
}
