//! The summary of a run: one line for a log, five for the user. Pure.

use std::fmt::Write as _;
use std::time::Duration;

use super::notice::{deletions, failures};
use super::stats::Stats;
use crate::pipeline::meter::QuotaUsage;
use crate::protocol::message::KindGroup;
use crate::session::quota::delivered;
use crate::text::{plural, thousands};
use crate::time::format_duration;

/// The totals of a finished run.
#[derive(Debug, Clone, Copy)]
pub struct RunSummary<'a> {
    /// The fold over its events.
    pub stats: &'a Stats,
    /// How long it lasted.
    pub lasted: Duration,
    /// How much of the quota is used, if there is one.
    pub quota: Option<QuotaUsage>,
    /// Whether messages went to stdout.
    pub prints: bool,
}

impl RunSummary<'_> {
    /// One line, for a log.
    #[must_use]
    pub fn line(&self) -> String {
        let stats = self.stats;
        let gaps = match stats.gaps.count {
            0 => String::new(),
            gaps => format!("; {}, about {} missed", plural(gaps, "gap"), plural(stats.missed, "post")),
        };
        format!(
            "{} {}, {} received over {} in {}{gaps}{}{}",
            plural(stats.printed, "message"),
            self.verb(),
            plural(stats.posts, "post"),
            plural(stats.connections, "connection"),
            format_duration(self.lasted),
            self.unprinted(),
            self.archived()
        )
    }

    /// What was done with the accepted messages.
    fn verb(&self) -> &'static str {
        if self.prints { "printed" } else { "accepted" }
    }

    /// What was written to the archive.
    fn archived(&self) -> String {
        match self.stats.archive_files.len() as u64 {
            0 => String::new(),
            files => format!("; {} archived in {}", plural(self.stats.archived, "message"), plural(files, "file")),
        }
    }

    /// Messages that passed the filters and were not printed, or not as they came.
    fn unprinted(&self) -> String {
        let mut text = String::new();
        if self.stats.failed > 0 {
            text = format!("; {}", failures(self.stats.failed));
        }
        if self.stats.over_quota > 0 {
            let _ = write!(
                text,
                "; {} had arrived beyond the quota and were not printed",
                plural(self.stats.over_quota, "post")
            );
        }
        if let Some(deletions) = deletions(self.stats.deletions) {
            let _ = write!(text, "; {deletions}");
        }
        text
    }

    /// Five lines, for the user.
    #[must_use]
    pub fn lines(&self) -> [String; 5] {
        let stats = self.stats;
        let list = |counts: Vec<String>| if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
        let messages = stats.kinds.iter().filter(|(kind, _)| kind.group() != KindGroup::Unprintable);
        let kinds = messages.map(|(kind, count)| format!("{} {count}", kind.name())).collect();
        let causes = stats.endings.iter().map(|(code, count)| format!("{code} {count}")).collect();
        let gaps = match stats.gaps.count {
            0 => "no gaps".to_owned(),
            gaps => {
                format!(
                    "{}, {} in total, about {} missed",
                    plural(gaps, "gap"),
                    format_duration(stats.gaps.total),
                    plural(stats.missed, "post")
                )
            }
        };
        let limits = match stats.limited() {
            0 => "no posts known to be lost to X's limits".to_owned(),
            posts => format!("{} not delivered, counted by X in `limit` messages", plural(posts, "post")),
        };
        [
            format!(
                "{} {} in {}; received: {}{}{}",
                plural(stats.printed, "message"),
                self.verb(),
                format_duration(self.lasted),
                list(kinds),
                self.unprinted(),
                self.archived()
            ),
            format!(
                "{} over {}; endings: {}",
                indicatif::HumanBytes(stats.bytes),
                plural(stats.connections, "connection"),
                list(causes)
            ),
            format!(
                "longest silence {}{}",
                format_duration(stats.silence),
                self.quota.as_ref().map_or_else(String::new, |usage| format!("; {}", delivered(usage)))
            ),
            gaps,
            limits,
        ]
    }
}

/// A quota as `1,234/5,000 day`; `≤` before a count that may hold repeats.
#[must_use]
pub fn quota(usage: &QuotaUsage) -> String {
    let bound = if usage.exact { "" } else { "≤" };
    let period = usage.quota.period.name();
    format!("{bound}{}/{} {period}", thousands(usage.used), thousands(usage.quota.posts))
}
