//! Times and durations: a point in time on two clocks, and every text form of it.
//!
//! Pure: `clock.rs` reads the clocks.

use std::time::Duration;

use jiff::Timestamp as Calendar;

/// A point in time on two clocks. Backoff and timers use `monotonic`; resets, gaps and texts use `wall`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timestamp {
    /// Time on a clock that never jumps and counts suspension; its zero lies before the start of the process.
    pub monotonic: Duration,
    /// Time since the Unix epoch, on a clock that users and servers may set.
    pub wall: Duration,
}

impl Timestamp {
    /// The time `delay` later, on both clocks.
    #[must_use]
    pub fn after(self, delay: Duration) -> Timestamp {
        Timestamp { monotonic: self.monotonic.saturating_add(delay), wall: self.wall.saturating_add(delay) }
    }

    /// How long after `earlier` this is, on the monotonic clock; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Duration {
        self.monotonic.saturating_sub(earlier.monotonic)
    }

    /// The UTC day, counted from the Unix epoch.
    #[must_use]
    pub fn day(self) -> u64 {
        self.wall.as_secs() / SECONDS_PER_DAY
    }
}

/// Seconds of a UTC day.
pub const SECONDS_PER_DAY: u64 = 86_400;

/// Whole milliseconds, saturating.
#[must_use]
pub fn as_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// RFC 3339 in UTC with milliseconds; empty for a time that has none.
#[must_use]
pub fn format_rfc3339(wall: Duration) -> String {
    let time = i64::try_from(wall.as_millis()).ok().and_then(|ms| Calendar::from_millisecond(ms).ok());
    time.map_or_else(String::new, |time| format!("{time:.3}"))
}

/// Reads an RFC 3339 time, as time since the Unix epoch.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<Duration> {
    Duration::try_from(text.parse::<Calendar>().ok()?.as_duration()).ok()
}

/// Reads a time as v1.1 writes it, `Tue Aug 06 02:23:21 +0000 2013`, as time since the Unix epoch.
#[must_use]
pub fn parse_v1(text: &str) -> Option<Duration> {
    let time = jiff::fmt::strtime::parse("%a %b %d %H:%M:%S %z %Y", text).ok()?.to_timestamp().ok()?;
    Duration::try_from(time.as_duration()).ok()
}

/// The UTC date of a day since the Unix epoch: `2026-11-22`.
#[must_use]
pub fn date(day: u64) -> String {
    format_rfc3339(Duration::from_secs(day.saturating_mul(SECONDS_PER_DAY))).chars().take(10).collect()
}

/// Date and time of day in UTC, to the second: `2026-11-22 10:00:05`.
#[must_use]
pub fn date_time(wall: Duration) -> String {
    format_rfc3339(wall).get(..19).map_or_else(|| "?".to_owned(), |shown| shown.replace('T', " "))
}

/// Whether two dates, as [`date`] writes them, lie in one month.
#[must_use]
pub fn same_month(one: &str, other: &str) -> bool {
    one.get(..7) == other.get(..7)
}

/// The time of day in UTC: `10:00:05`.
#[must_use]
pub fn time_of_day(wall: Duration) -> String {
    let seconds = wall.as_secs() % SECONDS_PER_DAY;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// From this length on, the end of a wait may be on another day.
const SHOW_DATE: Duration = Duration::from_secs(12 * 3600);

/// When a wait that lasts another `left` ends, in UTC: the time of day, with its date if that may be another day's.
#[must_use]
pub fn format_deadline(until: Timestamp, left: Duration) -> String {
    if left >= SHOW_DATE { date_time(until.wall) } else { time_of_day(until.wall) }
}

/// A duration in one or two units: `0.3s`, `12s`, `1m05s`, `2h07m`.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let text: Vec<String> =
            [0, 9, 10, 59, 60, 3599, 3600, 90_000].iter().map(|s| format_duration(Duration::from_secs(*s))).collect();
        assert_eq!(text, ["0.0s", "9.0s", "10s", "59s", "1m00s", "59m59s", "1h00m", "25h00m"]);
    }

    #[test]
    fn rfc3339_is_written_and_read_back_and_extremes_do_not_panic() {
        let wall = Duration::from_millis(1_792_065_600_123);
        assert_eq!(format_rfc3339(wall), "2026-10-15T12:00:00.123Z");
        assert_eq!(parse_rfc3339(&format_rfc3339(wall)), Some(wall));
        assert_eq!((date_time(wall), time_of_day(wall)), ("2026-10-15 12:00:00".to_owned(), "12:00:00".to_owned()));
        assert_eq!((format_rfc3339(Duration::MAX), date_time(Duration::MAX)), (String::new(), "?".to_owned()));
        assert_eq!(parse_rfc3339("1960-01-01T00:00:00Z"), None);
        assert_eq!(Timestamp::default().after(Duration::MAX).after(Duration::MAX).monotonic, Duration::MAX);
    }

    #[test]
    fn a_deadline_shows_its_date_when_it_may_be_another_day() {
        let until = Timestamp { wall: Duration::from_secs(1_792_065_600), ..Timestamp::default() };
        assert_eq!(format_deadline(until, Duration::from_secs(60)), "12:00:00");
        assert_eq!(format_deadline(until, SHOW_DATE), "2026-10-15 12:00:00");
    }
}
