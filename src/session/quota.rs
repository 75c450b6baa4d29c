//! When a quota's period turns, and how a quota that is spent is described.

use std::time::Duration;

use super::budget::RESET_MARGIN;
use crate::pipeline::meter::{Period, QuotaUsage};
use crate::text::thousands;
use crate::time::{SECONDS_PER_DAY, Timestamp, date, format_duration, same_month};

/// When a quota's period turns, and a little later: X's clock may be behind ours.
#[must_use]
pub fn next_turn(now: Timestamp, period: Period) -> Timestamp {
    let today = now.day();
    let mut day = today + 1;
    while period == Period::Month && same_month(&date(today), &date(day)) {
        day += 1;
    }
    let turn = Duration::from_secs(day * SECONDS_PER_DAY) + RESET_MARGIN;
    now.after(turn.saturating_sub(now.wall))
}

/// How much of a quota that is spent was delivered, and when its period turns.
#[must_use]
pub fn describe(usage: &QuotaUsage, now: Timestamp) -> String {
    let left = next_turn(now, usage.quota.period).since(now);
    format!("{}, which turns in {}", delivered(usage), format_duration(left))
}

/// How much of a quota was delivered.
#[must_use]
pub fn delivered(usage: &QuotaUsage) -> String {
    let period = match usage.quota.period {
        Period::Day => "this UTC day",
        Period::Month => "this UTC month",
    };
    let bound = if usage.exact { "" } else { "at most " };
    let (used, posts) = (thousands(usage.used), thousands(usage.quota.posts));
    format!("{bound}{used} of {posts} posts were delivered {period}")
}
