//! The id of a user as a number: what compliance messages and the authors of posts are compared by.
//!
//! Law: pure and total. A text that is no user id gives `None`.

/// The id of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub u64);

impl UserId {
    /// Reads decimal digits, bare or behind an enterprise tag (`id:twitter.com:123`).
    #[must_use]
    pub fn parse(text: impl AsRef<[u8]>) -> Option<UserId> {
        let text = std::str::from_utf8(text.as_ref()).ok()?;
        let digits = text.strip_prefix("id:twitter.com:").unwrap_or(text);
        // `u64::from_str` accepts a plus sign.
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok().map(UserId))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_digits_bare_or_behind_an_enterprise_tag() {
        for (text, id) in [
            ("2244994945", Some(2_244_994_945)),
            ("id:twitter.com:2244994945", Some(2_244_994_945)),
            ("18446744073709551616", None),
            ("tag:search.twitter.com,2005:20", None),
            ("+20", None),
            ("", None),
        ] {
            assert_eq!(UserId::parse(text).map(|id| id.0), id, "{text:?}");
        }
    }
}
