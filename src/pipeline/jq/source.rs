//! The text of an expression, and errors that point into it.
//!
//! jaq reads no surrogate pairs in strings (`"\ud83d\ude00"`), so they are replaced before it sees the text. Errors
//! still give the line and column of what the user typed.

use jaq_core::compile::Undefined;
use jaq_core::load;

use super::library::{REMOVED, UNAVAILABLE};
use crate::text::sanitize;

/// An expression as typed, and as jaq can read it: a pair of surrogate escapes is the character itself, half a pair
/// the replacement character.
pub(super) struct ExpressionSource<'a> {
    original: &'a str,
    pub(super) text: String,
    /// Offsets in `text` of characters that replace a pair.
    pairs: Vec<usize>,
}

/// The extra length of an escaped pair over its character: 12 bytes of escapes, 4 of UTF-8.
const PAIR_EXCESS: usize = 8;

impl<'a> ExpressionSource<'a> {
    pub(super) fn new(original: &'a str) -> ExpressionSource<'a> {
        let surrogate = |at: usize| -> Option<u16> {
            let digits = original.get(at..)?.strip_prefix("\\u")?.get(..4)?;
            let digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(digits)?;
            u16::from_str_radix(digits, 16).ok().filter(|unit| (0xd800..0xe000).contains(unit))
        };
        let mut source = ExpressionSource { original, text: String::new(), pairs: Vec::new() };
        let mut rest = original;
        // Outside of strings a backslash occurs in comments only, where a replacement does no harm.
        while let Some(found) = rest.find('\\') {
            let at = original.len() - rest.len() + found;
            source.text.push_str(&rest[..found]);
            let length = match (surrogate(at), surrogate(at + 6)) {
                (Some(high), Some(low)) if high < 0xdc00 && low >= 0xdc00 => {
                    source.pairs.push(source.text.len());
                    source.text.extend(char::decode_utf16([high, low]).flatten());
                    12
                }
                (Some(_), _) => {
                    source.text.push_str("\\ufffd");
                    6
                }
                (None, _) => {
                    let length = 1 + original[at + 1..].chars().next().map_or(0, char::len_utf8);
                    source.text.push_str(&original[at..at + length]);
                    length
                }
            };
            rest = &original[at + length..];
        }
        source.text.push_str(rest);
        source
    }

    /// The error of an expression that cannot be parsed.
    pub(super) fn parse_error(&self, error: &load::Error<&str>) -> Option<String> {
        Some(match error {
            load::Error::Io(errors) => {
                let (path, _) = errors.first()?;
                format!("modules cannot be loaded{}", self.place(path))
            }
            load::Error::Lex(errors) => {
                let (expected, rest) = errors.first()?;
                format!("expected {}, found {}{}", expected.as_str(), found(rest), self.place(rest))
            }
            load::Error::Parse(errors) => {
                let (expected, token) = errors.first()?;
                let expected = match expected.as_str() {
                    "nothing" => "the end or an operator",
                    other => other,
                };
                format!("expected {expected}, found {}{}", found(token), self.place(token))
            }
        })
    }

    /// The error of a name that is not defined.
    pub(super) fn undefined(&self, name: &str, what: &Undefined) -> String {
        let shown = sanitize(name, 40);
        let place = self.place(name);
        if REMOVED.contains(&name) || UNAVAILABLE.contains(&name) {
            return format!("`{shown}` is not available, an expression sees only the message{place}");
        }
        match what {
            Undefined::Filter(0) => format!("no filter `{shown}`{place}"),
            Undefined::Filter(1) => format!("no filter `{shown}` with 1 argument{place}"),
            Undefined::Filter(arity) => format!("no filter `{shown}` with {arity} arguments{place}"),
            _ => format!("no {} `{shown}`{place}", what.as_str()),
        }
    }

    /// The line and column of `part`, a slice of `text`, and the text before it.
    fn place(&self, part: &str) -> String {
        let offset = (part.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        // jaq also reports names of its own definitions.
        if offset > self.text.len() {
            return String::new();
        }
        let offset = offset + PAIR_EXCESS * self.pairs.iter().filter(|pair| **pair < offset).count();
        let Some(before) = self.original.get(..offset) else { return String::new() };
        let line = before.matches('\n').count() + 1;
        let last = before.rsplit('\n').next().unwrap_or_default();
        let column = last.chars().count() + 1;
        let line = if self.original.contains('\n') { format!("line {line}, ") } else { String::new() };
        let last = last.trim();
        if last.is_empty() {
            return format!(" at {line}column {column}");
        }
        let skipped = last.chars().count().saturating_sub(30);
        let dots = if skipped > 0 { "…" } else { "" };
        let tail: String = last.chars().skip(skipped).collect();
        format!(" at {line}column {column}, after `{dots}{}`", sanitize(&tail, 31))
    }
}

fn found(token: &str) -> String {
    match token.split_whitespace().next() {
        Some(word) => format!("`{}`", sanitize(word, 20)),
        None => "the end".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Jq;
    use super::super::tests::one;

    #[test]
    fn two_escapes_may_be_one_character() {
        for (expression, printed) in [
            (r#""\ud83d\ude00""#, "\"😀\""),
            (r#""a\uD83D\uDE00\u00e9\(1)\n\\ud83d""#, "\"a😀é1\\n\\\\ud83d\""),
            (r#""\ud83dx\ude00""#, "\"\u{fffd}x\u{fffd}\""),
            (r#"{"\ud83d\ude00":1} | ."\ud83d\ude00""#, "1"),
        ] {
            assert_eq!(one(expression, "null"), printed, "{expression}");
        }
        let jq = Jq::compile(r#".a == "\ud83d\ude00""#).expect("an expression");
        assert_eq!(jq.matches(r#"{"a":"😀"}"#.as_bytes()), Ok(true));
        let error = Jq::compile(r#""\ud83d\ude00" | nothing"#).expect_err("an error");
        assert_eq!(error, r#"no filter `nothing` at column 18, after `"\ud83d\ude00" |`"#);
        assert!(Jq::compile("\"\\").is_err() && Jq::compile(r#""\u12""#).is_err());
    }

    #[test]
    fn a_syntax_error_points_at_the_place() {
        for (expression, error) in [
            ("", "expected term, found the end at column 1"),
            (".data.lang ==", "expected term, found the end at column 14, after `.data.lang ==`"),
            (".data.lang = = 1", "expected term, found `=` at column 14, after `.data.lang =`"),
            (".a | (.b", "expected closing parenthesis, found the end at column 9, after `.a | (.b`"),
            (".a == \"en", "expected closing quote, found the end at column 10, after `.a == \"en`"),
            (".a\n  | foo(1)", "no filter `foo` with 1 argument at line 2, column 5, after `|`"),
            ("$x", "no variable `$x` at column 1"),
            ("env.HOME", "`env` is not available, an expression sees only the message at column 1"),
            ("$ENV", "`$ENV` is not available, an expression sees only the message at column 1"),
            (".a | debug", "`debug` is not available, an expression sees only the message at column 6, after `.a |`"),
            ("import \"a\" as a; .", "modules cannot be loaded at column 9, after `import \"`"),
        ] {
            assert_eq!(Jq::compile(expression).expect_err(expression), error, "{expression:?}");
        }
    }
}
