//! What a run came to: one line for a log, five for a person. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::notice::failures;
use crate::pipeline::meter::{Period, Reading};
use crate::pipeline::{Remark, Seen};
use crate::protocol::message::{Group, Kind, Notice};
use crate::session::Event;
use crate::text::plural;
use crate::time::Timestamp;
use crate::time::format_duration;

/// The totals of a run.
#[derive(Debug, Clone, Default)]
pub struct Total {
    /// Messages printed.
    pub printed: u64,
    /// Posts received, printed or not.
    pub posts: u64,
    /// Messages received, by kind.
    kinds: BTreeMap<Kind, u64>,
    /// Bytes received, as they came.
    bytes: u64,
    /// Connections that were open.
    pub connections: u64,
    /// Messages not printed because an expression failed on them.
    failed: u64,
    /// Posts that had arrived when the quota was spent.
    beyond: u64,
    /// Gaps in the stream.
    pub gaps: u64,
    /// Posts probably missed in them.
    pub missed: u64,
    /// How long they lasted together.
    gone: Duration,
    /// Endings after which we tried again, by code.
    causes: BTreeMap<String, u64>,
    /// The longest time between two bytes of one connection.
    pub silence: Duration,
    last_byte: Option<Timestamp>,
    /// How much of the quota is used, if there is one.
    pub quota: Option<Reading>,
    /// What X's `limit` notices of this connection, and of those before it, add up to.
    limited: (u64, u64),
}

impl Total {
    /// Takes note of what was received.
    pub fn received(&mut self, now: Timestamp, bytes: u64, seen: &Seen) {
        self.printed += seen.printed;
        self.posts += seen.posts;
        self.failed += seen.failed;
        self.beyond += seen.beyond;
        self.bytes += bytes;
        for (kind, count) in seen.kinds() {
            *self.kinds.entry(kind).or_default() += count;
        }
        if let Some(last) = self.last_byte {
            self.silence = self.silence.max(now.since(last));
        }
        self.last_byte = Some(now);
    }

    /// Takes note of an event.
    pub fn note(&mut self, now: Timestamp, event: &Event) {
        match event {
            Event::Opened { .. } => {
                self.connections += 1;
                self.last_byte = Some(now);
            }
            Event::Ended { ending, .. } => {
                if let Some(last) = self.last_byte.take() {
                    self.silence = self.silence.max(now.since(last));
                }
                self.limited = (0, self.limited.0 + self.limited.1);
                *self.causes.entry(ending.code.to_string()).or_default() += 1;
            }
            Event::Remark(Remark::Notice(Notice::Limit { track: Some(total) })) => self.limited.0 = *total,
            Event::Gap(gap) => {
                self.gaps += 1;
                self.missed = self.missed.saturating_add(gap.missed);
                self.gone += gap.length(now);
            }
            _ => {}
        }
    }

    /// One line, for where nobody looks now.
    #[must_use]
    pub fn line(&self, lasted: Duration) -> String {
        let gaps = match self.gaps {
            0 => String::new(),
            gaps => format!("; {}, about {} missed", plural(gaps, "gap"), plural(self.missed, "post")),
        };
        format!(
            "{} printed, {} received over {} in {}{gaps}{}",
            plural(self.printed, "message"),
            plural(self.posts, "post"),
            plural(self.connections, "connection"),
            format_duration(lasted),
            self.withheld()
        )
    }

    /// Messages that were wanted and not printed.
    fn withheld(&self) -> String {
        let mut text = String::new();
        if self.failed > 0 {
            text = format!("; {}", failures(self.failed));
        }
        if self.beyond > 0 {
            let _ = write!(text, "; {} had arrived beyond the quota and were not printed", plural(self.beyond, "post"));
        }
        text
    }

    /// Five lines, for a person.
    #[must_use]
    pub fn lines(&self, lasted: Duration) -> [String; 5] {
        let list = |counts: Vec<String>| if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
        let messages = self.kinds.iter().filter(|(kind, _)| kind.group() != Group::Unprintable);
        let kinds = messages.map(|(kind, count)| format!("{} {count}", kind.name())).collect();
        let causes = self.causes.iter().map(|(code, count)| format!("{code} {count}")).collect();
        let gaps = match self.gaps {
            0 => "no gaps".to_owned(),
            gaps => {
                format!(
                    "{}, {} in all, about {} missed",
                    plural(gaps, "gap"),
                    format_duration(self.gone),
                    plural(self.missed, "post")
                )
            }
        };
        let limits = match self.limited.0 + self.limited.1 {
            0 => "nothing is known to be lost by X's limits".to_owned(),
            posts => format!("lost for certain: {} that X's limit notices counted", plural(posts, "post")),
        };
        [
            format!(
                "{} printed in {}; received: {}{}",
                plural(self.printed, "message"),
                format_duration(lasted),
                list(kinds),
                self.withheld()
            ),
            format!(
                "{} over {}; endings: {}",
                indicatif::HumanBytes(self.bytes),
                plural(self.connections, "connection"),
                list(causes)
            ),
            format!(
                "longest silence {}{}",
                format_duration(self.silence),
                self.quota.as_ref().map_or_else(String::new, |reading| format!("; {}", spent(reading)))
            ),
            gaps,
            limits,
        ]
    }
}

/// A quota as `1,234/5,000 day`; `≤` before a count that may hold repeats.
#[must_use]
pub fn quota(reading: &Reading) -> String {
    let number = indicatif::HumanCount;
    let bound = if reading.exact { "" } else { "≤" };
    let period = reading.quota.period.name();
    format!("{bound}{}/{} {period}", number(reading.used), number(reading.quota.posts))
}

/// What is told when the quota is spent.
#[must_use]
pub fn spent(reading: &Reading) -> String {
    let period = match reading.quota.period {
        Period::Day => "this UTC day",
        Period::Month => "this UTC month",
    };
    let bound = if reading.exact { "" } else { "at most " };
    let number = indicatif::HumanCount;
    format!("{bound}{} of {} posts were delivered {period}", number(reading.used), number(reading.quota.posts))
}
