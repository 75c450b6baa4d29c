//! The names of archive files, and when one file follows another.
//!
//! A file holds one interval of UTC. With the interval of an hour its name is `STREAM-2026-11-24T15.ndjson`; any other
//! interval is part of the name (`STREAM-2026-11-24T1530-15m.ndjson`), so that runs with different intervals never
//! write to one file. `.gz` follows if the file is compressed, `.part` while it is open.
//!
//! Its law: each name means one stream, interval, time and compression, and [`is_archive`] recognises every name.

use std::time::Duration;

use crate::time::{SECONDS_PER_DAY, date, parse_rfc3339};

/// What an open file is called beside its name.
pub const OPEN: &str = ".part";

/// How long the time is that one file holds, in whole minutes. It divides a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationInterval(u32);

/// Minutes of a day.
const MINUTES_PER_DAY: u64 = SECONDS_PER_DAY / 60;

impl RotationInterval {
    /// An interval of this length.
    ///
    /// # Errors
    /// It is not a whole number of minutes that divides a day.
    pub fn new(length: Duration) -> Result<RotationInterval, String> {
        let minutes = length.as_secs() / 60;
        let whole = length == Duration::from_secs(minutes * 60) && minutes > 0;
        match u32::try_from(minutes) {
            Ok(short) if whole && MINUTES_PER_DAY.is_multiple_of(minutes) => Ok(RotationInterval(short)),
            _ => Err("an interval is a number of minutes that divides a day, such as 15m, 1h, 6h or 1d".to_owned()),
        }
    }

    fn length(self) -> Duration {
        Duration::from_secs(u64::from(self.0) * 60)
    }

    /// The beginning of the interval that contains this time; both count from the Unix epoch.
    #[must_use]
    pub fn start_of(self, wall: Duration) -> Duration {
        let seconds = wall.as_secs();
        Duration::from_secs(seconds - seconds % self.length().as_secs())
    }

    /// Whether a file that began with the interval at `start` must be followed by another at this time. A clock that is
    /// set back by less than an interval keeps the file, which would otherwise be left and entered again.
    #[must_use]
    pub fn is_over(self, start: Duration, wall: Duration) -> bool {
        let current = self.start_of(wall);
        current > start || start > current + self.length()
    }

    /// Its text in a name; empty for an hour.
    fn suffix(self) -> String {
        match self.0 {
            60 => String::new(),
            hours if hours % 60 == 0 => format!("-{}h", hours / 60),
            minutes => format!("-{minutes}m"),
        }
    }
}

/// How archive files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// As gzip.
    Gzip,
}

impl Compression {
    /// How names end.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Compression::None => ".ndjson",
            Compression::Gzip => ".ndjson.gz",
        }
    }

    /// Whether it is gzip.
    #[must_use]
    pub fn is_gzip(self) -> bool {
        self == Compression::Gzip
    }
}

/// The beginning of the names of a stream's files: its name and partition, as characters that are safe in file names.
#[must_use]
pub fn stream_prefix(stream: &str, partition: Option<u8>) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') { c } else { '-' };
    let name: String = stream.chars().map(safe).collect();
    // A name that begins with a dot is hidden, and one that begins with a minus is an option of other programs.
    let name = name.trim_matches(['-', '.']);
    let name = if name.is_empty() { "stream" } else { name };
    partition.map_or_else(|| name.to_owned(), |number| format!("{name}-p{number}"))
}

/// The name of the file that holds the interval at `start`.
#[must_use]
pub fn file_name(prefix: &str, interval: RotationInterval, start: Duration, compression: Compression) -> String {
    let (day, seconds) = (start.as_secs() / SECONDS_PER_DAY, start.as_secs() % SECONDS_PER_DAY);
    let (hour, minute) = (seconds / 3600, seconds / 60 % 60);
    let minute = if interval.0 == 60 { String::new() } else { format!("{minute:02}") };
    format!("{prefix}-{}T{hour:02}{minute}{}{}", date(day), interval.suffix(), compression.extension())
}

/// The compression of a file by its name; none if [`file_name`] gives no file this name.
#[must_use]
pub fn is_archive(name: &str) -> Option<Compression> {
    let compression = [Compression::Gzip, Compression::None].into_iter().find(|one| name.ends_with(one.extension()))?;
    let (before, time) = name.strip_suffix(compression.extension())?.rsplit_once('T')?;
    let (prefix, day) = before.split_at_checked(before.len().checked_sub("-2026-11-24".len())?)?;
    let (time, minutes) = match time.split_once('-') {
        None => (time, 60),
        Some((time, length)) => match length.strip_suffix('h') {
            Some(hours) => (time, hours.parse::<u32>().ok()?.checked_mul(60)?),
            None => (time, length.strip_suffix('m')?.parse().ok()?),
        },
    };
    let interval = RotationInterval::new(Duration::from_secs(u64::from(minutes) * 60)).ok()?;
    let (hour, minute) = time.split_at_checked(2)?;
    let minute = if minute.is_empty() { "00" } else { minute };
    let start = parse_rfc3339(&format!("{}T{hour}:{minute}:00Z", day.strip_prefix('-')?))?;
    // Whatever else was read is another way to write what a name contains.
    let is_name = file_name(prefix, interval, interval.start_of(start), compression) == name;
    (is_name && stream_prefix(prefix, None) == prefix).then_some(compression)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn minutes(minutes: u64) -> RotationInterval {
        RotationInterval::new(Duration::from_secs(minutes * 60)).expect("an interval")
    }

    /// 2026-11-24 15:47:03 UTC.
    const WALL: Duration = Duration::from_secs(1_795_535_223);

    #[test]
    fn an_interval_is_whole_minutes_that_divide_a_day() {
        for length in [60, 900, 3600, 5400, 21_600, 86_400] {
            assert!(RotationInterval::new(Duration::from_secs(length)).is_ok(), "{length}");
        }
        for length in [0, 1, 59, 61, 64, 420, 25 * 3600, 5 * 3600, 172_800] {
            assert!(RotationInterval::new(Duration::from_secs(length)).is_err(), "{length}");
        }
        assert!(RotationInterval::new(Duration::from_millis(60_001)).is_err());
    }

    #[test]
    fn an_hour_is_named_by_its_beginning_and_other_intervals_name_their_length() {
        let name = |interval: RotationInterval, compression| {
            file_name("filtered", interval, interval.start_of(WALL), compression)
        };
        assert_eq!(name(minutes(60), Compression::None), "filtered-2026-11-24T15.ndjson");
        assert_eq!(name(minutes(60), Compression::Gzip), "filtered-2026-11-24T15.ndjson.gz");
        assert_eq!(name(minutes(15), Compression::None), "filtered-2026-11-24T1545-15m.ndjson");
        assert_eq!(name(minutes(90), Compression::None), "filtered-2026-11-24T1500-90m.ndjson");
        assert_eq!(name(minutes(360), Compression::Gzip), "filtered-2026-11-24T1200-6h.ndjson.gz");
        assert_eq!(name(minutes(1440), Compression::None), "filtered-2026-11-24T0000-24h.ndjson");
    }

    #[test]
    fn a_stream_is_named_by_safe_characters_and_its_partition() {
        assert_eq!(stream_prefix("firehose-en", Some(7)), "firehose-en-p7");
        assert_eq!(stream_prefix("/2/tweets/../ü/stream", None), "2-tweets-..---stream");
        assert_eq!(stream_prefix("../..", None), "stream");
    }

    #[test]
    fn a_file_is_followed_by_the_next_interval_and_kept_when_the_clock_is_set_back_a_little() {
        let hour = minutes(60);
        let start = hour.start_of(WALL);
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        assert!(!hour.is_over(start, start) && !hour.is_over(start, after(3599)));
        assert!(hour.is_over(start, after(3600)) && hour.is_over(start, after(86_400)));
        let before = |seconds: u64| Duration::from_secs(start.as_secs() - seconds);
        assert!(!hour.is_over(start, before(1)) && !hour.is_over(start, before(3600)));
        assert!(hour.is_over(start, before(3601)));
    }

    #[test]
    fn names_of_other_files_are_not_recognised() {
        for name in [
            "a.ndjson",
            "-2026-11-24T15.ndjson",
            "a-2026-11-24T15.json",
            "a-2026-11-24T1.ndjson",
            "a-2026-11-24T1500.ndjson",
            "a-2026-11-24T15-15m.ndjson",
            "a-2026-11-24T1500-m.ndjson",
            "a-2026-11-24T1500-15s.ndjson",
            "ü24T15.ndjson",
            "a-2026-11-2üT15.ndjson",
            "a-2026-99-99T99.ndjson",
            "a-2026-02-30T15.ndjson",
            "a-2026-11-24T24.ndjson",
            "a-2026-11-24T1507-15m.ndjson",
            "a-2026-11-24T1500-7m.ndjson",
            "a-2026-11-24T1500-60m.ndjson",
            "a-2026-11-24T1500-1h.ndjson",
            "a-2026-11-24T0000-1440m.ndjson",
            "a-2026-11-24T1500-+15m.ndjson",
            "a-2026-11-24T1500-0h.ndjson",
            "a b-2026-11-24T15.ndjson",
            ".a-2026-11-24T15.ndjson",
        ] {
            assert_eq!(is_archive(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_name_is_recognised_and_stands_for_one_interval(
            stream in "\\PC{0,12}",
            partition in proptest::option::of(any::<u8>()),
            intervals in proptest::array::uniform2(proptest::sample::select(vec![1u64, 15, 60, 90, 360, 1440])),
            walls in proptest::array::uniform2(0u64..4_000_000_000),
            gzip in any::<bool>(),
        ) {
            let compression = if gzip { Compression::Gzip } else { Compression::None };
            let prefix = stream_prefix(&stream, partition);
            let starts = [0, 1].map(|at| minutes(intervals[at]).start_of(Duration::from_secs(walls[at])));
            let names = [0, 1].map(|at| file_name(&prefix, minutes(intervals[at]), starts[at], compression));
            prop_assert_eq!(is_archive(&names[0]), Some(compression));
            prop_assert!(!names[0].contains('/'));
            prop_assert_eq!(names[0] == names[1], (starts[0], intervals[0]) == (starts[1], intervals[1]));
        }
    }
}
