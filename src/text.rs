//! Text for a terminal: foreign text made safe, widths in columns, plurals. Pure.
//!
//! Whatever a server sends passes [`sanitize`] or [`escape_controls`] before it is shown to a user.

use std::fmt::Write as _;
use std::path::Path;

use unicode_width::UnicodeWidthStr as _;

/// Sanitises text from the server for a terminal: control characters (C0, C1, DEL) and marks that
/// change the writing direction are removed, white space is folded to single spaces, and the result
/// has at most `max_chars` characters; a cut shows as `…`.
///
/// Otherwise a server, or a proxy that responds in its place, can clear the screen, set the window title or disguise
/// a line as another.
#[must_use]
pub fn sanitize(text: &str, max_chars: usize) -> String {
    let mut shown = String::new();
    let mut length = 0;
    let mut gap = false;
    for character in text.chars() {
        // Tab, line feed, U+0085 and U+2028 are white space and control characters at once: a space,
        // so that the words around them stay separate.
        if character.is_whitespace() {
            gap = true;
            continue;
        }
        if character.is_control() || is_invisible_mark(character) {
            continue;
        }
        let needed = 1 + usize::from(gap && length > 0);
        if length + needed > max_chars {
            if length == max_chars {
                shown.pop();
            }
            if max_chars > 0 {
                shown.push('…');
            }
            return shown;
        }
        if needed == 2 {
            shown.push(' ');
        }
        shown.push(character);
        length += needed;
        gap = false;
    }
    shown
}

/// Invisible marks that reorder text: bidirectional embeddings, overrides and isolates
/// (Unicode TR 9), byte order mark, annotations. Joiners stay: emoji and several scripts need them.
#[must_use]
pub fn is_invisible_mark(character: char) -> bool {
    matches!(
        character,
        '\u{061C}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
    )
}

/// Text that is safe on a terminal and keeps every character: control characters and marks that change the writing
/// direction are written as `\u{…}`, so that two texts that differ look different.
#[must_use]
pub fn escape_controls(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_invisible_mark(character) || matches!(character, '\u{2028}' | '\u{2029}') {
            // Writing to a string does not fail.
            let _ = write!(shown, "{}", character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The text in at most `width` terminal columns; a cut shows as `…`.
#[must_use]
pub fn truncate(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut shown = String::new();
    for c in text.chars() {
        // Measured as a whole: the width of some signs depends on their neighbours.
        shown.push(c);
        if shown.width() >= width {
            shown.pop();
            break;
        }
    }
    let mut shown = shown.trim_end().to_owned();
    if width > 0 {
        shown.push('…');
    }
    shown
}

/// A count with its noun: `1 post`, `2 posts`.
#[must_use]
pub fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A number with separated thousands: `1,234,567`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Lines of at most `room` columns, at least one, broken between words; a longer word (an id to be copied) stays whole.
#[must_use]
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => word.clone_into(line),
            Some(line) if line.width() + 1 + word.width() <= room => line.extend([" ", word]),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A file as messages name it; `-` is stdin.
#[must_use]
pub fn file_name(path: &Path) -> String {
    if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn control_characters_and_direction_marks_are_removed() {
        let evil = "\u{1b}[2J\u{7}a\r\nb\u{9b}\u{7f}\u{202e}c\u{2066}\0 \t d";
        assert_eq!(sanitize(evil, 500), "[2Ja bc d");
    }

    #[test]
    fn a_long_text_is_cut_with_a_mark() {
        for (max, expected) in [(0, ""), (1, "…"), (2, "a…"), (4, "ab …"), (5, "ab cd")] {
            let shown = sanitize(" ab  cd ", max);
            assert!(shown.chars().count() <= max);
            assert_eq!(shown, expected);
        }
        assert_eq!(sanitize("a b", 2), "a…");
        assert_eq!(sanitize(&"é".repeat(600), 500).chars().count(), 500);
    }

    proptest! {
        #[test]
        fn sanitized_text_is_bounded_and_sanitizing_twice_changes_nothing(text: String, max in 0_usize..40) {
            let once = sanitize(&text, max);
            prop_assert!(once.chars().count() <= max);
            prop_assert_eq!(sanitize(&once, max), once.clone());
        }
    }
}
