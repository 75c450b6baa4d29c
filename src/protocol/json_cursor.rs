//! A cursor over JSON that the scanner has proven valid: keys and values as slices, without building values.
//!
//! Filters look at one or two fields of a post and skip the rest, so skipping must be fast: strings eight bytes at a
//! time, containers by counting brackets.
//!
//! Law: on valid JSON it gives what a parser gives. On anything else the slices are meaningless, but it neither panics
//! nor loops without end.

use std::borrow::Cow;

use super::scan::plain_end;

/// A position in JSON text.
#[derive(Debug, Clone)]
pub struct JsonCursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> JsonCursor<'a> {
    /// A cursor before a value.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> JsonCursor<'a> {
        JsonCursor::starting_at(bytes, 0)
    }

    /// A cursor before the value at this offset.
    #[must_use]
    pub fn starting_at(bytes: &'a [u8], at: usize) -> JsonCursor<'a> {
        JsonCursor { bytes, at }
    }

    /// The offset of the next byte.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// The first byte of the next token; 0 at the end.
    pub fn peek(&mut self) -> u8 {
        while let b' ' | b'\t' | b'\n' | b'\r' = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// Steps into the array or object that is next.
    pub fn open(&mut self) {
        self.peek();
        self.at += 1;
    }

    /// Whether the current container has another element; if not, steps out of it.
    pub fn more(&mut self) -> bool {
        match self.peek() {
            0 => false,
            b']' | b'}' => {
                self.at += 1;
                false
            }
            b',' => {
                self.at += 1;
                self.peek() != 0
            }
            _ => true,
        }
    }

    /// Reads a key, quotes included, and skips the colon after it.
    pub fn key(&mut self) -> &'a [u8] {
        self.peek();
        let key = self.string();
        self.peek();
        self.at += 1;
        key
    }

    /// Reads a whole value.
    pub fn value(&mut self) -> &'a [u8] {
        let first = self.peek();
        let started = self.at;
        match first {
            b'"' => {
                self.string();
            }
            b'{' | b'[' => {
                let mut depth = 0u32;
                loop {
                    match self.byte() {
                        b'"' => {
                            self.string();
                            continue;
                        }
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth -= 1,
                        0 if self.at >= self.bytes.len() => break,
                        _ => {}
                    }
                    self.at += 1;
                    if depth == 0 {
                        break;
                    }
                }
            }
            _ => {
                // One byte at least, so that a loop over an invalid value ends.
                self.at += 1;
                while !matches!(self.byte(), 0 | b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r') {
                    self.at += 1;
                }
            }
        }
        self.slice_from(started)
    }

    fn string(&mut self) -> &'a [u8] {
        let started = self.at;
        self.at += 1;
        while self.at < self.bytes.len() {
            self.at = plain_end(self.bytes, self.at);
            match self.byte() {
                b'"' => {
                    self.at += 1;
                    break;
                }
                // The byte after a backslash does not end the string.
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.slice_from(started)
    }

    fn slice_from(&mut self, started: usize) -> &'a [u8] {
        self.at = self.at.min(self.bytes.len());
        self.bytes.get(started..self.at).unwrap_or_default()
    }

    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }
}

/// The text of a quoted string, its escapes resolved.
#[must_use]
pub fn unescape(quoted: &[u8]) -> Cow<'_, [u8]> {
    let raw = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if !raw.contains(&b'\\') {
        return Cow::Borrowed(raw);
    }
    serde_json::from_slice::<String>(quoted).map_or(Cow::Borrowed(raw), |text| Cow::Owned(text.into_bytes()))
}

/// Reads the next value and returns the value at `path` inside it. Of equal keys the last one counts, as in every
/// common parser.
///
/// # Errors
/// A value on the path is neither an object nor null, so it has no members.
pub fn find<'a>(cursor: &mut JsonCursor<'a>, path: &[impl AsRef<[u8]>]) -> Result<Option<&'a [u8]>, NoMembers> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(Some(cursor.value()));
    };
    match cursor.peek() {
        b'{' => {}
        b'n' => {
            cursor.value();
            return Ok(None);
        }
        _ => return Err(NoMembers),
    }
    let mut found = None;
    cursor.open();
    while cursor.more() {
        let key = cursor.key();
        if *unescape(key) == *first.as_ref() {
            found = find(cursor, rest)?;
        } else {
            cursor.value();
        }
    }
    Ok(found)
}

/// A value that has no members: neither an object nor null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMembers;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at<'a>(json: &'a str, path: &[&str]) -> Result<Option<&'a str>, NoMembers> {
        let found = find(&mut JsonCursor::new(json.as_bytes()), path)?;
        Ok(found.map(|bytes| std::str::from_utf8(bytes).expect("text")))
    }

    #[test]
    fn a_path_leads_to_the_bytes_of_a_value() {
        let json = r#" { "a" : [1,{"b":2}] , "c":{"d\u0065":"x\"}","n":null}, "b":-1.5e3 } "#;
        assert_eq!(at(json, &["a"]), Ok(Some(r#"[1,{"b":2}]"#)));
        assert_eq!(at(json, &["c", "de"]), Ok(Some(r#""x\"}""#)));
        assert_eq!(at(json, &["b"]), Ok(Some("-1.5e3")));
        assert_eq!(at(json, &["c", "n", "x"]), Ok(None));
        assert_eq!(at(json, &["z", "y"]), Ok(None));
        assert_eq!(at(json, &["a", "b"]), Err(NoMembers));
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        assert_eq!(at(r#"{"a":{"b":1},"a":{"b":2,"\u0062":3}}"#, &["a", "b"]), Ok(Some("3")));
        assert_eq!(at(r#"{"a":{"b":1},"a":null}"#, &["a", "b"]), Ok(None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_their_end(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = find(&mut JsonCursor::new(&bytes), &["a", "b"]);
        }

        #[test]
        fn tokens_in_any_order_are_read_to_their_end(text in r#"([{}\[\],:]|"a"|"b"|1|null|\\|"){0,24}"#) {
            let _ = find(&mut JsonCursor::new(text.as_bytes()), &["a", "b"]);
        }
    }
}
