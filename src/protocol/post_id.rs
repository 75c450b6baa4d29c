//! The id of a post as a number: what order, age and compliance bounds are computed from.
//!
//! X writes ids as strings, because they exceed what a double can hold; enterprise feeds put a tag before them.
//! Output keeps the text as it came. Comparisons need the number: "up to id" is an unsigned comparison, and ids of
//! fewer digits are older.
//!
//! Law: pure and total. A text that is no post id gives `None`.

use std::fmt;
use std::time::Duration;

/// Start of X's id scheme: an id's upper bits count milliseconds from here (4 November 2010).
const EPOCH_MS: u64 = 1_288_834_974_657;

/// Bits below the time: the machine and a sequence number.
const TIME_SHIFT: u32 = 22;

/// The first id that holds a time. Earlier ids were numbered one by one, so their upper bits say nothing.
const FIRST_WITH_TIME: u64 = 29_700_859_247;

/// The id of a post; ordered by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostId(pub u64);

impl PostId {
    /// Reads decimal digits, bare or behind an enterprise tag (`tag:search.twitter.com,2005:123`,
    /// `object:search.twitter.com,2005:123`).
    #[must_use]
    pub fn parse(text: impl AsRef<[u8]>) -> Option<PostId> {
        let text = std::str::from_utf8(text.as_ref()).ok()?;
        let digits = match text.rsplit_once(':') {
            Some((tag, digits)) => (tag.starts_with("tag:") || tag.starts_with("object:")).then_some(digits)?,
            None => text,
        };
        // `u64::from_str` accepts a plus sign.
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok().map(PostId))?
    }

    /// When the post was written, since the Unix epoch, to the millisecond; absent for ids from before November 2010.
    /// The member `created_at` of a post is no better: it is sent only on request and ends at the second.
    #[must_use]
    pub fn created_at(self) -> Option<Duration> {
        (self.0 >= FIRST_WITH_TIME).then(|| Duration::from_millis((self.0 >> TIME_SHIFT) + EPOCH_MS))
    }
}

impl fmt::Display for PostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_digits_bare_or_behind_an_enterprise_tag() {
        for (text, id) in [
            ("1346889436626259968", Some(1_346_889_436_626_259_968)),
            ("18446744073709551615", Some(u64::MAX)),
            ("20", Some(20)),
            ("tag:search.twitter.com,2005:1346889436626259968", Some(1_346_889_436_626_259_968)),
            ("object:search.twitter.com,2005:20", Some(20)),
            ("18446744073709551616", None),
            ("id:twitter.com:20", None),
            ("tag:search.twitter.com,2005:", None),
            ("", None),
            ("+20", None),
            ("-20", None),
            ("20 ", None),
            ("2e1", None),
        ] {
            assert_eq!(PostId::parse(text).map(|id| id.0), id, "{text:?}");
        }
        assert_eq!(PostId::parse(b"\xff"), None);
        assert_eq!(PostId(20).to_string(), "20");
    }

    #[test]
    fn an_id_of_fewer_digits_is_older() {
        assert!(PostId::parse("999") < PostId::parse("1000"));
    }

    #[test]
    fn an_id_since_november_2010_holds_its_time() {
        let written = |id| PostId(id).created_at().map(|time| time.as_millis());
        assert_eq!(written(1_346_889_436_626_259_968), Some(1_609_958_440_344));
        assert_eq!(written(FIRST_WITH_TIME), Some(1_288_834_981_738));
        assert_eq!(written(FIRST_WITH_TIME - 1), None);
        assert!(written(u64::MAX).is_some());
    }
}
