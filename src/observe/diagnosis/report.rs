//! The page that reports a run.

use std::fmt::Write as _;
use std::time::Duration;

use super::run::{EndingCount, JournalRun};
use super::verdict::verdict;
use crate::observe::explain_text::{labelled, paragraph};
use crate::observe::record::EndRecord;
use crate::protocol::catalogue::Side;
use crate::session::WaitReason;
use crate::text::plural;
use crate::time::{date_time, format_duration};

/// The most reasons and holders that are listed; further ones add no information.
const SHOWN: usize = 5;

/// The report as text for the user.
pub(super) fn render(run: &JournalRun) -> String {
    let stats = &run.stats;
    let (from, to) = run.span.unwrap_or_default();
    let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    let mut page = String::new();
    let version = if run.start.version.is_empty() { String::new() } else { format!(", xstream {}", run.start.version) };
    let title = format!(
        "{} on {}, {} to {} UTC{version}",
        or(&run.start.stream, "a stream"),
        or(&run.start.host, "an unknown host"),
        date_time(from),
        date_time(to),
    );
    paragraph(&mut page, "", "", &title);

    let span = to.saturating_sub(from);
    let open = stats.opened.map_or(Duration::ZERO, |since| to.saturating_sub(since.wall));
    let connected = stats.connected.saturating_add(open).min(span);
    let percent = if span.is_zero() { 0.0 } else { connected.as_secs_f64() * 100.0 / span.as_secs_f64() };
    labelled(&mut page, "span", &format_duration(span));
    let tries = format!("{}, {}", plural(stats.connections, "connection"), plural(stats.attempts, "attempt"));
    labelled(&mut page, "connected", &format!("{} ({percent:.1} %), {tries}", format_duration(connected)));
    endings(run, &mut page);
    for (label, counts) in [("X reports", &run.reasons), ("held by", &run.holders)] {
        let shown: Vec<String> = counts.iter().take(SHOWN).map(|(text, times)| format!("{times} × {text}")).collect();
        if !shown.is_empty() {
            labelled(&mut page, label, &shown.join(", "));
        }
    }
    if run.posts > 0 {
        labelled(&mut page, "received", &plural(run.posts, "post"));
    }
    if !run.reconnects.is_empty() {
        let mut times = run.reconnects.clone();
        times.sort_unstable();
        let longest = times.last().copied().unwrap_or_default();
        let (median, longest) = (format_duration(median(&times)), format_duration(longest));
        labelled(&mut page, "reconnects", &format!("{}, median {median}, longest {longest}", times.len()));
    }
    if !run.silence.is_zero() {
        labelled(&mut page, "silence", &format!("{} at the longest, while connected", format_duration(run.silence)));
    }
    losses(run, &mut page);
    let waits: Vec<String> = stats
        .waits
        .iter()
        .map(|(reason, wait)| format!("{} {} × ({} in total)", name(*reason), wait.count, format_duration(wait.total)))
        .collect();
    if !waits.is_empty() {
        labelled(&mut page, "waits", &waits.join(", "));
    }
    if stats.blocks.count > 0 {
        let total = format_duration(stats.blocks.total);
        labelled(&mut page, "reader", &format!("blocked {}, {total} in total", plural(stats.blocks.count, "time")));
    }
    let last = match &run.end {
        Some(EndRecord { outcome, exit: Some(exit), .. }) => format!("ended: {outcome}, exit status {exit}"),
        Some(end) => format!("ended: {}", end.outcome),
        None => {
            format!("{}; no end is recorded: it is running, or it was killed", or(&run.state, "started"))
        }
    };
    labelled(&mut page, "last state", &last);
    let (cause, next) = verdict(run);
    page.push_str("\nmost likely cause\n");
    paragraph(&mut page, "  ", "  ", &cause);
    page.push_str("next\n");
    paragraph(&mut page, "  ", "  ", &next);
    page
}

fn endings(run: &JournalRun, page: &mut String) {
    let mut sides: Vec<(Side, u64)> = Vec::new();
    for ending in run.endings.values() {
        match sides.iter_mut().find(|(side, _)| *side == ending.side) {
            Some((_, count)) => *count += ending.count,
            None => sides.push((ending.side, ending.count)),
        }
    }
    sides.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let whole: u64 = sides.iter().map(|(_, count)| count).sum();
    let mut text = whole.to_string();
    for (index, (side, count)) in sides.iter().enumerate() {
        let _ = write!(text, "{} {side} {count}", if index == 0 { ":" } else { "," });
    }
    labelled(page, "endings", &text);
    let mut endings: Vec<(&String, &EndingCount)> = run.endings.iter().collect();
    endings.sort_by_key(|(_, ending)| std::cmp::Reverse(ending.count));
    for (code, EndingCount { name, side, count }) in endings {
        let name = if name.eq_ignore_ascii_case(code) { String::new() } else { format!(" {name}") };
        labelled(page, "", &format!("{count} × {code}{name} ({side})"));
    }
}

fn losses(run: &JournalRun, page: &mut String) {
    let stats = &run.stats;
    let gaps = match stats.gaps.count {
        0 => "no gaps".to_owned(),
        gaps => format!(
            "{}, {} in total, about {} missed",
            plural(gaps, "gap"),
            format_duration(stats.gaps.total),
            plural(stats.missed, "post")
        ),
    };
    labelled(page, "lost", &gaps);
    if stats.limited() > 0 {
        let posts = plural(stats.limited(), "post");
        labelled(page, "", &format!("{posts} not delivered, counted by X in `limit` messages"));
    }
    if stats.unreadable > 0 {
        labelled(page, "", &format!("{} could not be read as messages", plural(stats.unreadable, "line")));
    }
}

fn name(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::Backoff => "backoff",
        WaitReason::RateLimit => "rate limit",
        WaitReason::RetryAfter => "retry after",
        WaitReason::Budget => "budget",
        WaitReason::Quota => "quota",
    }
}

/// The middle of sorted values, or between the two in the middle.
fn median(sorted: &[Duration]) -> Duration {
    let middle = sorted.len() / 2;
    match sorted.get(middle) {
        Some(upper) if sorted.len().is_multiple_of(2) => sorted[middle - 1].saturating_add(*upper) / 2,
        Some(value) => *value,
        None => Duration::ZERO,
    }
}
