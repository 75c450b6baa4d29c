//! The bearer token, and how it stays secret.
//!
//! Its law: a token never reaches `Debug`, a log, an error or the process list. Its text leaves this file in two ways:
//! [`Token::header`], which marks the value as sensitive, and [`Token::redact_in`], which hides it.

pub mod arguments;
pub mod source;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::HeaderValue;

use crate::redact::Redactor;

/// Longer than any token and less than a pipe holds, so that writing it to a pipe never blocks.
const LONGEST: usize = 16 << 10;

/// What replaces a token in what the program prints.
const LABEL: &str = "(the token)";

/// An app-only bearer token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

impl Token {
    /// Checks the text of a token; `source` says where it came from, for the error.
    ///
    /// # Errors
    /// The most common mistakes, described without repeating the token.
    pub fn parse(text: &str, source: &str) -> Result<Token, String> {
        // Files and variables often end in a newline.
        let token = text.trim_matches([' ', '\t', '\r', '\n']);
        if token.is_empty() {
            return Err(format!("{source} is empty"));
        }
        let first = token.split([' ', '\t']).next().unwrap_or_default();
        if first.eq_ignore_ascii_case("bearer") {
            return Err(format!("{source} begins with `Bearer `; give the token alone"));
        }
        if token.starts_with(['"', '\'']) || token.ends_with(['"', '\'']) {
            return Err(format!("{source} has quotes around the token; give it without them"));
        }
        if token.len() > LONGEST {
            return Err(format!("{source} is {} bytes long, which is no token", token.len()));
        }
        if let Some(at) = token.bytes().position(|byte| !byte.is_ascii_graphic()) {
            return Err(format!("{source} has a space or other character that no token has, at position {}", at + 1));
        }
        Ok(Token(token.to_owned()))
    }

    /// Which other secret of X's page this may be, judged by its form. X documents no form, so this is a guess for a
    /// message; the token is sent all the same.
    #[must_use]
    pub fn likely_mistake(&self) -> Option<&'static str> {
        let token = self.0.as_str();
        let alphanumeric = token.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let user = token.split_once('-').is_some_and(|(id, rest)| {
            id.len() >= 5 && id.bytes().all(|byte| byte.is_ascii_digit()) && rest.len() >= 20
        });
        // OAuth 2.0 wraps `…:1:at:1` and the like in base64.
        let wrapped = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).unwrap_or_default();
        let holds = |mark: &[u8]| wrapped.windows(mark.len()).any(|part| part == mark);
        match token.len() {
            _ if user => Some("the OAuth 1.0a access token of a user"),
            _ if holds(b":at:") => Some("the OAuth 2.0 access token of a user"),
            _ if holds(b":rt:") => Some("an OAuth 2.0 refresh token"),
            _ if wrapped.ends_with(b":ci") => Some("an OAuth 2.0 client id"),
            25 if alphanumeric => Some("an API key (consumer key)"),
            45 if alphanumeric => Some("an access token secret"),
            50 if alphanumeric => Some("an API key secret (consumer secret)"),
            _ => None,
        }
    }

    /// Has the token replaced in what the program prints.
    pub fn redact_in(&self, redactor: &mut Redactor) {
        redactor.add(LABEL, &self.0);
    }

    /// The `Authorization` header, marked so that no log shows it.
    ///
    /// # Panics
    /// Never: a parsed token is visible ASCII.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).expect("a parsed token is visible ASCII");
        value.set_sensitive(true);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_common_mistakes_are_reported_without_the_token() {
        for (text, hint) in [
            ("", "is empty"),
            ("Bearer AAAAsecret", "`Bearer `"),
            ("bearer AAAAsecret", "`Bearer `"),
            ("Bearer ", "`Bearer `"),
            ("\"AAAAsecret\"", "quotes"),
            ("'AAAAsecret'", "quotes"),
            ("AAAA secret", "position 5"),
            ("AAAAsecret\u{e9}", "position 11"),
        ] {
            let error = Token::parse(text, "--bearer").expect_err(text);
            assert!(error.contains(hint) && !error.contains("secret"), "{error}");
        }
        assert_eq!(Token::parse(" AAAA%3D\r\n", "f"), Ok(Token("AAAA%3D".to_owned())));
    }

    #[test]
    fn other_secrets_of_the_same_page_are_known_by_their_form() {
        let wrapped = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for (text, slip) in [
            ("1234567890-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCd".to_owned(), Some("1.0a")),
            (wrapped("kjh34KJHsdf987sdfkjh:1699999999999:1:1:at:1"), Some("2.0 access")),
            (wrapped("kjh34KJHsdf987sdfkjh:1699999999999:1:0:rt:1"), Some("refresh")),
            (wrapped("kjh34KJHsdf987sdfkjh:1:ci"), Some("client id")),
            ("a1".repeat(12) + "b", Some("API key (")),
            ("a1".repeat(25), Some("API key secret")),
            ("AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0%2BuSeid%2BULvsea4JtiGRiSDSJSIEUISUerUizE6xBKc".to_owned(), None),
            ("secret-token".to_owned(), None),
            ("20-20".to_owned(), None),
        ] {
            let found = Token::parse(&text, "f").expect("a token").likely_mistake();
            assert!(
                found.is_some() == slip.is_some() && found.unwrap_or("").contains(slip.unwrap_or("")),
                "{text} {found:?}"
            );
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let token = Token::parse("secret", "f").expect("a token");
        assert_eq!(format!("{token:?} {:?}", token.header()), "Token(redacted) Sensitive");
    }
}
