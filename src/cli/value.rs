//! Parsers of option values: durations, sizes, parameters, and values with suggestions.

use std::ffi::OsStr;
use std::time::Duration;

use clap::builder::{NonEmptyStringValueParser, PossibleValue, TypedValueParser};
use clap::{Arg, Command};

/// A duration with a unit: `500ms`, `30s`, `2m`, `1h`.
///
/// # Errors
/// It is not a duration; the error gives examples.
pub fn duration(text: &str) -> Result<Duration, String> {
    let bad = || "a duration needs a number and a unit, such as 500ms, 30s, 2m or 1h".to_owned();
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(bad)?;
    let number: f64 = text[..at].parse().map_err(|_| bad())?;
    let unit = match &text[at..] {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(bad()),
    };
    let duration = Duration::try_from_secs_f64(number * unit).map_err(|_| bad())?;
    if duration.is_zero() {
        return Err("a duration of zero; try 30s".to_owned());
    }
    // Ten years: sums of durations then cannot overflow.
    Ok(duration.min(Duration::from_secs(10 * 365 * 86_400)))
}

/// A size with a unit: `64MiB`, `512KiB`, `1MB`.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let bad = || "a size needs a number and a unit, such as 512KiB, 8MiB or 1GiB".to_owned();
    let at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
    let number: usize = text[..at].parse().map_err(|_| bad())?;
    let unit = match text[at..].to_ascii_lowercase().as_str() {
        "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(bad()),
    };
    let size = number.checked_mul(unit).ok_or_else(bad)?;
    if size == 0 {
        return Err("a size of zero; try 8MiB".to_owned());
    }
    Ok(size)
}

/// A parameter as `KEY=VALUE`.
pub(super) fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a parameter is KEY=VALUE, such as backfill_minutes=2".to_owned()),
    }
}

/// Values that shells complete and help lists; any other is accepted as well.
#[derive(Debug, Clone)]
pub(super) struct Suggested(pub(super) &'static [&'static str]);

impl TypedValueParser for Suggested {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        NonEmptyStringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(|name| PossibleValue::new(*name))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_need_units() {
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(size("64MiB"), Ok(64 << 20));
        for text in ["", "30", "s", "-1s", "30 s", "0s", "1e9s", "99999999999999999999999999h9"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["", "8", "MiB", "0KiB", "1.5MiB", "99999999999999999999GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
