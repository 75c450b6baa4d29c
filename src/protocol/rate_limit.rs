//! The headers that limit how often and when to send the next request.
//!
//! Mistakes with them lock an account out, and they come from a server with its own clock: they are read leniently,
//! compared only with the server's `Date`, and ignored when they are implausible.
//!
//! Law: a header is a number in range or it is absent; no header causes a wait of more than an hour.

use std::time::Duration;

/// The longest wait that a header may request. X's window is 15 minutes, so more than an hour is a broken clock or a
/// broken proxy; honouring it interrupts the stream for no reason.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Last second of the year 9999. A later time is invalid; sums with earlier ones stay far from overflow.
const LAST_SECOND: u64 = 253_402_300_799;

/// The rate limit of connection requests in one response (X docs: rate limits).
///
/// A snapshot at connect time; it does not change while the stream runs. It counts requests, not posts. A 429 can have
/// `remaining` above zero, so this does not explain a refusal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests allowed in a 15-minute window: `x-rate-limit-limit`.
    pub limit: Option<u32>,
    /// Requests left in this window; counts down: `x-rate-limit-remaining`.
    pub remaining: Option<u32>,
    /// When `remaining` goes back to `limit`, since the Unix epoch by the server's clock:
    /// `x-rate-limit-reset`. Use [`RateLimit::trusted_reset`] to wait for it.
    pub reset: Option<Duration>,
}

impl RateLimit {
    /// Reads the three headers; `header` returns the value of a lower-case header name. A value that is not a plain
    /// decimal number in range counts as absent.
    #[must_use]
    pub fn read<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let count = |name| u32::try_from(number(header(name)?)?).ok();
        Self {
            limit: count("x-rate-limit-limit"),
            remaining: count("x-rate-limit-remaining"),
            reset: header("x-rate-limit-reset")
                .and_then(number)
                .filter(|seconds| *seconds <= LAST_SECOND)
                .map(Duration::from_secs),
        }
    }

    /// The reset if it is plausible: neither before `server_now` nor more than an hour after it, both since the Unix
    /// epoch by the server's clock.
    #[must_use]
    pub fn trusted_reset(&self, server_now: Duration) -> Option<Duration> {
        self.reset
            .filter(|reset| *reset >= server_now)
            .filter(|reset| *reset <= server_now.saturating_add(LONGEST_WAIT))
    }
}

/// The wait that a `Retry-After` header requests: seconds, or a date compared with `server_now` (since the Unix epoch,
/// server clock). A date in the past is no wait; more than an hour is ignored (RFC 9110 section 10.2.3 sets no bound).
#[must_use]
pub fn retry_after(value: &str, server_now: Duration) -> Option<Duration> {
    number(value)
        .map(Duration::from_secs)
        .or_else(|| Some(http_date(value)?.saturating_sub(server_now)))
        .filter(|wait| *wait <= LONGEST_WAIT)
}

/// The time in a `Date` header, since the Unix epoch (RFC 9110 section 5.6.7).
#[must_use]
pub fn http_date(value: &str) -> Option<Duration> {
    httpdate::parse_http_date(value.trim()).ok()?.duration_since(std::time::UNIX_EPOCH).ok()
}

/// A plain decimal number. `u64::from_str` alone accepts a leading plus sign.
fn number(value: &str) -> Option<u64> {
    let digits = value.trim_matches([' ', '\t']);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_634_603_000);

    fn read(limit: &str, remaining: &str, reset: &str) -> RateLimit {
        RateLimit::read(|name| match name {
            "x-rate-limit-limit" => Some(limit),
            "x-rate-limit-remaining" => Some(remaining),
            "x-rate-limit-reset" => Some(reset),
            _ => None,
        })
    }

    fn reset(seconds: u64) -> RateLimit {
        RateLimit { reset: Some(Duration::from_secs(seconds)), ..RateLimit::default() }
    }

    #[test]
    fn the_three_headers_are_read() {
        assert_eq!(
            read("50", " 48 ", "1634603522"),
            RateLimit { limit: Some(50), remaining: Some(48), reset: Some(Duration::from_secs(1_634_603_522)) }
        );
        assert_eq!(RateLimit::read(|_| None), RateLimit::default());
    }

    #[test]
    fn an_invalid_header_counts_as_absent() {
        for nonsense in ["", "-1", "+1", "1.5", "0x10", "fifty", "1 2", "99999999999999999999999"] {
            assert_eq!(read(nonsense, nonsense, nonsense), RateLimit::default(), "{nonsense}");
        }
        let huge = read("4294967296", "4294967295", "18446744073709551615");
        assert_eq!(huge, RateLimit { remaining: Some(u32::MAX), ..RateLimit::default() });
    }

    #[test]
    fn a_reset_in_the_past_or_beyond_an_hour_is_distrusted() {
        let now = NOW.as_secs();
        for (seconds, trusted) in [
            (0, false),
            (now - 1, false),
            (now, true),
            (now + 900, true),
            (now + 3600, true),
            (now + 3601, false),
            (LAST_SECOND, false),
        ] {
            assert_eq!(reset(seconds).trusted_reset(NOW).is_some(), trusted, "{seconds}");
        }
        assert_eq!(RateLimit::default().trusted_reset(NOW), None);
        assert_eq!(reset(1).trusted_reset(Duration::MAX), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_at_most_an_hour() {
        let now = http_date("Tue, 19 Oct 2021 00:23:20 GMT").unwrap();
        assert_eq!(now, NOW);
        for (value, wait) in [
            ("0", Some(0)),
            ("120", Some(120)),
            ("3600", Some(3600)),
            ("3601", None),
            ("-5", None),
            ("", None),
            ("soon", None),
            ("18446744073709551615", None),
            ("Tue, 19 Oct 2021 00:24:20 GMT", Some(60)),
            ("Tue, 19 Oct 2021 00:22:20 GMT", Some(0)),
            ("Tue, 19 Oct 2021 02:23:20 GMT", None),
        ] {
            assert_eq!(retry_after(value, NOW), wait.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn an_invalid_date_is_none() {
        for value in ["", "yesterday", "Tue, 99 Oct 2021 00:23:20 GMT", "1634603000"] {
            assert_eq!(http_date(value), None, "{value}");
        }
    }
}
