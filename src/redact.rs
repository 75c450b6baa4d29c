//! Redaction: replaces secrets in text that is about to leave the program. Pure.
//!
//! A server or a proxy can repeat what it received, and a user can paste a token into the wrong argument. The owners of
//! stdout, stderr and the journal file pass all their text through one [`Redactor`], so nothing else has to.
//!
//! Its law: a secret is replaced in every spelling that a server can return: any letter case, percent-encoded, decoded,
//! JSON-escaped, base64 at any offset, and cut with `…`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

/// The shortest text that is redacted, in bytes. A shorter one is part of ordinary words, and replacing it would make
/// every message unreadable without protecting anything.
const SHORTEST: usize = 6;

/// The shortest rest of a cut secret that is redacted.
const SHORTEST_CUT: usize = 8;

/// A text of this length without blanks is treated as a token: real tokens have 100 characters and more, and the
/// longest text that this tool prints without blanks (a UUID) has 36.
const TOKEN_LENGTH: usize = 40;

/// The same for a text that is cut with `…`: half a token is still a secret.
const CUT_TOKEN_LENGTH: usize = TOKEN_LENGTH / 2;

/// What replaces a text that looks like a token.
const HIDDEN: &str = "(hidden: it looks like a token)";

/// Characters that a query or a form leaves unencoded (RFC 3986).
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The secrets of this process, and how to replace them in a text.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first.
    spellings: Vec<Spelling>,
}

/// One way to write a secret.
#[derive(Clone, PartialEq, Eq)]
struct Spelling {
    /// In lower case: hosts and header names come back that way.
    text: String,
    /// What replaces it.
    label: &'static str,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} spellings)", self.spellings.len())
    }
}

impl Redactor {
    /// Adds a secret; `label` replaces it, such as `(the token)`. A text shorter than [`SHORTEST`] is ignored.
    pub fn add(&mut self, label: &'static str, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let decoded = percent_decode_str(secret).decode_utf8_lossy().into_owned();
        let json = Value::from(secret).to_string();
        let mut texts = vec![
            secret.to_owned(),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            utf8_percent_encode(secret, COMPONENT).to_string(),
            decoded,
            json.trim_matches('"').to_owned(),
        ];
        for offset in 0..3 {
            let text = BASE64.encode(["", "-", "--"][offset].to_owned() + secret);
            // The first and last letters also encode bits of the neighbouring bytes.
            let start = [0, 2, 3][offset];
            let end = text.trim_end_matches('=').len().saturating_sub(1);
            texts.extend(text.get(start..end).map(ToOwned::to_owned));
        }
        for mut text in texts {
            text.make_ascii_lowercase();
            let spelling = Spelling { text, label };
            if spelling.text.len() >= SHORTEST && !self.spellings.contains(&spelling) {
                self.spellings.push(spelling);
            }
        }
        self.spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.text.len()));
    }

    /// The text with every known secret replaced.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let whole = self.replace_whole(text);
        if self.spellings.is_empty() || !whole.contains('…') {
            return whole;
        }
        let mut shown = String::with_capacity(whole.len());
        let mut pieces = whole.split('…').peekable();
        let mut is_cut_before = false;
        while let Some(mut piece) = pieces.next() {
            let is_cut_behind = pieces.peek().is_some();
            if is_cut_before && let Some((length, label)) = self.cut(piece, starts_with_tail) {
                shown.push_str(label);
                piece = &piece[length..];
            }
            match self.cut(piece, ends_with_head).filter(|_| is_cut_behind) {
                Some((length, label)) => {
                    shown.push_str(&piece[..piece.len() - length]);
                    shown.push_str(label);
                }
                None => shown.push_str(piece),
            }
            if is_cut_behind {
                shown.push('…');
            }
            is_cut_before = is_cut_behind;
        }
        shown
    }

    /// A copy of a JSON value with every known secret replaced in its names and strings. Numbers stay, since a label in
    /// place of one is no JSON.
    #[must_use]
    pub fn redact_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(text)),
            Value::Array(items) => items.iter().map(|item| self.redact_value(item)).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, value)| (self.redact(name), self.redact_value(value))).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// As [`Redactor::redact`]; texts that look like a token are replaced as well. For messages that repeat what the
    /// user typed, since a token in the wrong argument is not known as a secret.
    #[must_use]
    pub fn redact_suspects(&self, text: &str) -> String {
        let text = self.redact(text);
        let mut shown = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(start) = rest.find(is_dense) {
            let (before, word) = rest.split_at(start);
            let (word, after) = word.split_at(word.find(|c| !is_dense(c)).unwrap_or(word.len()));
            shown.push_str(before);
            if word.contains('/') {
                // A path or a URL: long by nature, so only a segment with the form of a token is replaced.
                let (front, last) = word.rsplit_once('/').unwrap_or(("", word));
                for segment in front.split('/') {
                    shown.push_str(if is_like_token(segment, TOKEN_LENGTH) { HIDDEN } else { segment });
                    shown.push('/');
                }
                let shortest = if after.starts_with('…') { CUT_TOKEN_LENGTH } else { TOKEN_LENGTH };
                shown.push_str(if is_like_token(last, shortest) { HIDDEN } else { last });
            } else {
                shown.push_str(if word.len() >= TOKEN_LENGTH { HIDDEN } else { word });
            }
            rest = after;
        }
        shown + rest
    }

    /// Whether a part of `text` is a secret, or has the form of a token.
    #[must_use]
    pub fn is_suspect(&self, text: &str) -> bool {
        let mut words = text.split(|c| c == '/' || !is_dense(c));
        words.any(|word| is_like_token(word, TOKEN_LENGTH)) || self.redact(text) != text
    }

    fn replace_whole(&self, text: &str) -> String {
        let lower = text.to_ascii_lowercase();
        let mut shown = String::with_capacity(text.len());
        let mut from = 0;
        let first = |from: usize| {
            let found = |it: &Spelling| Some((from + lower[from..].find(&it.text)?, it.text.len(), it.label));
            // Of spellings that start at one place the longest comes first.
            self.spellings.iter().filter_map(found).min_by_key(|(at, ..)| *at)
        };
        while let Some((at, length, label)) = first(from) {
            shown.push_str(&text[from..at]);
            shown.push_str(label);
            from = at + length;
        }
        shown + &text[from..]
    }

    /// The longest part of a secret at the cut edge of `piece`: its length, and what replaces it.
    fn cut(&self, piece: &str, has_part: fn(&str, &str, usize) -> bool) -> Option<(usize, &'static str)> {
        let lower = piece.to_ascii_lowercase();
        let longest = |spelling: &Spelling| {
            let mut lengths = (SHORTEST_CUT..spelling.text.len()).rev();
            lengths.find(|&length| has_part(&lower, &spelling.text, length)).map(|length| (length, spelling.label))
        };
        self.spellings.iter().filter_map(longest).max_by_key(|(length, _)| *length)
    }
}

fn ends_with_head(piece: &str, secret: &str, length: usize) -> bool {
    secret.get(..length).is_some_and(|head| piece.ends_with(head))
}

fn starts_with_tail(piece: &str, secret: &str, length: usize) -> bool {
    secret.get(secret.len() - length..).is_some_and(|tail| piece.starts_with(tail))
}

/// Whether a token can hold this character; a path can as well.
fn is_dense(c: char) -> bool {
    c.is_ascii_alphanumeric() || "%_+=-.~/".contains(c)
}

/// Whether a text has the form of a token: long, of capital and small letters and digits, without the dots and dashes of
/// file names.
fn is_like_token(segment: &str, shortest: usize) -> bool {
    segment.len() >= shortest
        && !segment.contains(['.', '-'])
        && [char::is_ascii_uppercase, char::is_ascii_lowercase, char::is_ascii_digit]
            .iter()
            .all(|is_of_class: &fn(&char) -> bool| segment.chars().any(|c| is_of_class(&c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: &str = "(the token)";

    fn redactor(secret: &str) -> Redactor {
        let mut redactor = Redactor::default();
        redactor.add(LABEL, secret);
        redactor
    }

    #[test]
    fn a_secret_is_replaced_in_every_spelling_of_a_server() {
        let token = "AAAA%2Bbc/def=SECRET";
        let redactor = redactor(token);
        let decoded = "AAAA+bc/def=SECRET";
        let encoded = "AAAA%252Bbc%2Fdef%3DSECRET";
        let base64 = |text: &str| BASE64.encode(text);
        let (alone, header, user) = (base64(token), base64(&format!("Bearer {token}")), base64(&format!("me:{token}")));
        for text in [token, decoded, encoded, &encoded.to_lowercase(), &alone, &header, &user] {
            let shown = redactor.redact(&format!("you sent {text}, which is wrong"));
            assert!(shown.contains(LABEL), "{shown}");
            assert!(!shown.contains("SECRE") && !shown.contains("U0VDUkV"), "{shown}");
        }
        assert_eq!(redactor.redact("nothing to hide"), "nothing to hide");
    }

    #[test]
    fn a_secret_is_replaced_where_json_escapes_it() {
        let secret = r#"ab"cd\ef"#;
        let shown = redactor(secret).redact(&serde_json::json!({ "detail": format!("bad {secret}!") }).to_string());
        assert_eq!(shown, r#"{"detail":"bad (the token)!"}"#);
    }

    #[test]
    fn a_number_in_a_value_stays_a_number() {
        let value = serde_json::json!({ "id": 123_456, "123456": ["a 123456", null, true] });
        let want = serde_json::json!({ "id": 123_456, "(the token)": ["a (the token)", null, true] });
        assert_eq!(redactor("123456").redact_value(&value), want);
    }

    #[test]
    fn a_cut_secret_is_replaced_at_either_edge() {
        let redactor = redactor("AAAAbbbbCCCCddddEEEE");
        for (text, want) in [
            ("no such rule: AAAAbbbbCCCC…", "no such rule: (the token)…"),
            ("…CCCCddddEEEE is wrong", "…(the token) is wrong"),
            ("a…CCCCddddEEEE or AAAAbbbbC…z", "a…(the token) or (the token)…z"),
            ("AAAAbbb… is too short to matter", "AAAAbbb… is too short to matter"),
            ("AAAAbbbbCCCC is not cut…", "AAAAbbbbCCCC is not cut…"),
        ] {
            assert_eq!(redactor.redact(text), want);
        }
    }

    #[test]
    fn two_secrets_keep_their_labels_and_short_ones_are_ignored() {
        let mut redactor = redactor("secret-token");
        redactor.add("(the password)", "hunter2");
        redactor.add(LABEL, "short");
        redactor.add(LABEL, "");
        assert_eq!(redactor.redact("Hunter2, secret-token, short"), "(the password), (the token), short");
        assert_eq!(format!("{redactor:?}").find("hunter"), None);
    }

    #[test]
    fn a_text_that_looks_like_a_token_is_replaced_also_within_a_url() {
        let token = "AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0%2BuSeid%2BULvsea4JtiGRiSDSJSI";
        let redactor = Redactor::default();
        for text in [
            format!("unexpected argument '{token}' found"),
            format!("no stream `https://x.example/2/{token}/y`"),
            format!("no stream `https://x.example/2/y?token={token}`"),
            format!("no time `https://x.example/2/{}…`", &token[..36]),
        ] {
            let shown = redactor.redact_suspects(&text);
            assert!(shown.contains(HIDDEN) && !shown.contains("AAAA"), "{shown}");
            assert_eq!(redactor.redact(&text), text);
            assert!(redactor.is_suspect(&text) || text.contains('…'), "{text}");
        }
        assert!(!redactor.is_suspect(".data.public_metrics.impression_count_of_2026 > 1000 and .data.Lang"));
        for text in [
            "reading /home/somebody/a/rather/long/folder/than/which/few/are/longer/rules-of-2026-11-22.txt: no",
            "no connection 0b8a0a7e-3c0e-4a2f-9d5e-1f2a3b4c5d6e",
        ] {
            assert_eq!(redactor.redact_suspects(text), text);
        }
    }
}
