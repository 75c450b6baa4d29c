//! The quick test of a line: whether it names an id that some effect is about, says that it is withheld, or is an
//! enterprise like, whose deletion is known by two ids together.
//!
//! Every id of a post, an author or an embedded post is the value of a member whose name ends in `id` or `id_str`, so
//! one pass from colon to colon finds them all. Most lines end here, unread.
//!
//! A name or an id that is written with escapes says yes, since only the walk reads those. So it may say yes too often,
//! and never no too often.

use memchr::arch::all::memchr::One;

/// Longest text in front of an id: `object:search.twitter.com,2005:`.
const LONGEST_TAG: usize = 64;

/// The longest name of ours with every letter written as an escape: `withheld_in_countries`.
const LONGEST_ESCAPED: usize = 6 * 21;

/// Whether any member of `line` that holds an id satisfies `is_mentioned`, or the line must be read in any case.
pub(super) fn mentions(line: &[u8], mut is_mentioned: impl FnMut(u64) -> bool) -> bool {
    One::new(b':').iter(line).any(|colon| match name_before(line, colon) {
        Some(Name::Id) => match id_after(line, colon + 1) {
            Value::Id(id) => is_mentioned(id),
            Value::Escaped => true,
            Value::Other => false,
        },
        Some(Name::Other) => true,
        None => false,
    })
}

enum Name {
    Id,
    Other,
}

/// What the member is whose name ends before the colon.
fn name_before(line: &[u8], colon: usize) -> Option<Name> {
    let before = &line[..colon];
    let name = match before {
        [name @ .., b'"'] => name,
        // White space before the colon, or a colon within a text.
        before => before.trim_ascii_end().strip_suffix(b"\"")?,
    };
    match name.last()? {
        b'd' if name.ends_with(b"id") => Some(Name::Id),
        b'r' if name.ends_with(b"id_str") => Some(Name::Id),
        b'd' if name.ends_with(b"\"withheld") => Some(Name::Other),
        b's' if name.ends_with(b"\"withheld_in_countries") || name.ends_with(b"\"favorited_status") => {
            Some(Name::Other)
        }
        // The last letters of those names, or the last digit of an escape.
        b'r' | b's' | b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' if is_escaped(name) => Some(Name::Other),
        _ => None,
    }
}

/// Whether there is an escape in a name, given with what is before it.
fn is_escaped(name: &[u8]) -> bool {
    name.iter().rev().take(LONGEST_ESCAPED).find(|byte| matches!(byte, b'"' | b'\\')) == Some(&b'\\')
}

enum Value {
    Id(u64),
    /// A text with escapes.
    Escaped,
    Other,
}

/// The id that begins at `at`: a number, or a string of digits, bare or behind a tag.
fn id_after(line: &[u8], at: usize) -> Value {
    let value = line[at..].trim_ascii_start();
    let digits = match value.strip_prefix(b"\"") {
        None => value,
        Some(text) if text.first().is_some_and(u8::is_ascii_digit) => text,
        Some(text) => {
            let text = &text[..text.len().min(LONGEST_TAG)];
            let Some(end) = text.iter().position(|byte| matches!(byte, b'"' | b'\\')) else { return Value::Other };
            if text[end] == b'\\' {
                return Value::Escaped;
            }
            match text[..end].iter().rposition(|byte| *byte == b':') {
                Some(colon) => &text[colon + 1..end],
                None => return Value::Other,
            }
        }
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits.get(count) == Some(&b'\\') {
        return Value::Escaped;
    }
    let add = |id: u64, digit: &u8| id.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    match digits[..count].iter().try_fold(0, add) {
        Some(id) if count > 0 => Value::Id(id),
        _ => Value::Other,
    }
}
