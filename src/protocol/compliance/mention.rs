//! The quick test of a line: whether it names an id that some effect is about, says that it is withheld, or is an
//! enterprise like, whose deletion is known by two ids together.
//!
//! Every id of a post, an author or an embedded post is the value of a member whose name ends in `id` or `id_str`, so
//! one pass from colon to colon finds them all. Most lines end here, unread.
//!
//! It may say yes too often, and no too often only for a name or an id that is written with escapes, which X never does.

use memchr::arch::all::memchr::One;

/// Longest text in front of an id: `object:search.twitter.com,2005:`.
const LONGEST_TAG: usize = 64;

/// Whether any member of `line` that holds an id satisfies `is_mentioned`, or the line must be read in any case.
pub(super) fn mentions(line: &[u8], mut is_mentioned: impl FnMut(u64) -> bool) -> bool {
    One::new(b':').iter(line).any(|colon| match name_before(line, colon) {
        Some(Name::Id) => id_after(line, colon + 1).is_some_and(&mut is_mentioned),
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
        _ => None,
    }
}

/// The id that begins at `at`: a number, or a string of digits, bare or behind a tag.
fn id_after(line: &[u8], at: usize) -> Option<u64> {
    let value = line[at..].trim_ascii_start();
    let digits = match value.strip_prefix(b"\"") {
        None => value,
        Some(text) if text.first()?.is_ascii_digit() => text,
        Some(text) => {
            let text = &text[..text.len().min(LONGEST_TAG)];
            let text = &text[..text.iter().position(|byte| *byte == b'"')?];
            &text[text.iter().rposition(|byte| *byte == b':')? + 1..]
        }
    };
    let mut id = None::<u64>;
    for digit in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
        id = Some(id.unwrap_or(0).checked_mul(10)?.checked_add(u64::from(digit - b'0'))?);
    }
    id
}
