//! The text of the status row. Pure: the caller passes the time.
//!
//! Order (always the same): state and stream, heartbeat age, age of the last post, post rate, rate limit, last
//! disconnect code, gaps, buffer, quota if one is set. A narrow screen loses, in this order: buffer, lag and number of
//! posts, gaps, the name of the last code, the label of the rate limit and the time to its reset, the post rate, the
//! quota, the age of the last post, the stream's name and the long text of a wait, the rate limit, the label `heartbeat`,
//! the last code, the heartbeat age. What is left of the state is cut.
//!
//! Colours have one meaning each: green streams, red does not, yellow needs attention.

use std::time::Duration;

use super::stats::{Stats, StreamState, View};
use super::summary::quota;
use super::table::{Style, painted};
use crate::protocol::disconnect::Code;
use crate::protocol::rate_limit::RateLimit;
use crate::session::{LATE, WaitReason};
use crate::time::{Timestamp, format_deadline, format_duration};

/// A part of the row. Where room is short, the part with the highest number shrinks next (of equals the one further
/// right): to its brief form if it has one, else to nothing. 0 goes last, from the right.
struct Part {
    text: String,
    style: Style,
    drop: u8,
    brief: Option<(u8, String)>,
}

/// From this length on, a wait is shown with the time of its end.
const LONG_WAIT: Duration = Duration::from_secs(60);

/// The row, at most `width` columns wide.
#[must_use]
pub fn render(stats: &Stats, view: &View, width: usize, color: bool) -> String {
    const BETWEEN: &str = " · ";
    let mut parts = self::parts(stats, view);
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
    let drawn: Vec<String> = parts.iter().map(|part| painted(&part.text, part.style, color)).collect();
    drawn.join(BETWEEN)
}

fn part(drop: u8, text: String, style: Style) -> Part {
    Part { text, style, drop, brief: None }
}

fn warn_if(condition: bool) -> Style {
    if condition { Style::Warn } else { Style::Plain }
}

fn parts(stats: &Stats, view: &View) -> Vec<Part> {
    let now = view.now;
    let (silence, style) = match stats.last_byte.map(|at| now.since(at)) {
        Some(silence) => (format_duration(silence), warn_if(silence > view.keep_alive + LATE)),
        None => ("-".to_owned(), Style::Bad),
    };
    let heartbeat =
        Part { brief: Some((3, format!("hb {silence}"))), ..part(0, format!("heartbeat {silence}"), style) };
    // The age of the last byte alone does not distinguish an idle stream from a dead one.
    let post = stats.last_post.map_or("-".to_owned(), |at| format_duration(now.since(at)));
    let lag = stats.lag.map_or(String::new(), |lag| format!(", lag {}", format_duration(lag)));
    let rate = format!("{:.1}/s", view.rate);
    let posts = part(6, format!("{rate} of {}{lag}", stats.posts), Style::Plain);
    let percent = view.backlog * 100 / view.buffer.max(1);
    let mut parts = vec![
        state_part(stats, view),
        heartbeat,
        part(5, format!("post {post}"), Style::Plain),
        Part { brief: Some((10, rate)), ..posts },
        rate_limit_part(&stats.rate_limit, now),
        last_part(stats.last_ending.as_ref(), now),
        part(9, format!("gaps {}", stats.gaps.count), warn_if(stats.gaps.count > 0)),
        part(11, format!("buffer {percent}%"), warn_if(percent > 60)),
    ];
    if let Some(usage) = &view.quota {
        let near = usage.used.saturating_mul(10) >= usage.quota.posts.saturating_mul(9);
        parts.push(part(5, format!("quota {}", quota(usage)), warn_if(near)));
    }
    parts
}

fn state_part(stats: &Stats, view: &View) -> Part {
    let same = |state: &str, style| (state.to_owned(), state.to_owned(), style);
    let (text, brief, style) = match &stats.state {
        StreamState::Connecting => same("connecting", Style::Bad),
        StreamState::Streaming if stats.blocked => {
            ("blocked by the reader".to_owned(), "slow reader".to_owned(), Style::Bad)
        }
        StreamState::Streaming => same("streaming", Style::Good),
        StreamState::Waiting { reason, until } => {
            let (what, brief) = match reason {
                WaitReason::Backoff => ("waiting", "waiting"),
                WaitReason::RateLimit => ("rate limited", "rate limited"),
                WaitReason::RetryAfter => ("waiting as X requires", "retry-after"),
                WaitReason::Budget => ("request budget spent", "budget spent"),
                WaitReason::Quota => ("quota spent", "quota spent"),
            };
            let left = until.since(view.now);
            // The user plans around a long wait, so its end is shown as well.
            let end =
                if left >= LONG_WAIT { format!(" ({} UTC)", format_deadline(*until, left)) } else { String::new() };
            let left = format_duration(left);
            (format!("{what}, next attempt in {left}{end}"), format!("{brief} {left}{end}"), Style::Bad)
        }
        StreamState::Stopped => same("stopped", Style::Bad),
    };
    Part { brief: Some((4, brief)), ..part(0, format!("{} {text}", view.stream), style) }
}

fn rate_limit_part(rate: &RateLimit, now: Timestamp) -> Part {
    let number = |value: Option<u32>| value.map_or("-".to_owned(), |value| value.to_string());
    let brief = format!("{}/{}", number(rate.remaining), number(rate.limit));
    // A reset in the past or too far in the future is not shown.
    let reset = rate.trusted_reset(now.wall).map(|reset| format_duration(reset.saturating_sub(now.wall)));
    let reset = reset.map_or(String::new(), |left| format!(" {left}"));
    let style = warn_if(rate.remaining.is_some_and(|left| left < 5));
    let text = format!("x-rate-limit {brief}{reset}");
    Part { brief: Some((7, brief)), ..part(3, text, style) }
}

fn last_part(last: Option<&(Code, Timestamp)>, now: Timestamp) -> Part {
    let Some((code, at)) = last else { return part(2, "last -".to_owned(), Style::Plain) };
    let age = format_duration(now.since(*at));
    let name = code.entry().name;
    let code = code.to_string();
    // The name of a code that is itself text would repeat it.
    let letters = |text: &str| text.replace([' ', '-'], "").to_ascii_lowercase();
    let named = if letters(name) == letters(&code) { code.clone() } else { format!("{code} {name}") };
    Part { brief: Some((8, format!("last {code} {age}"))), ..part(2, format!("last {named} {age} ago"), Style::Warn) }
}

/// A text of at most this width. Half a parenthesis is worse than none.
fn cut(text: &str, width: usize) -> String {
    let text: String = text.chars().take(width).collect();
    match text.rsplit_once(" (") {
        Some((before, within)) if !within.contains(')') => before.to_owned(),
        _ => text.trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests;
