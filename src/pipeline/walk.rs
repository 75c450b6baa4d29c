//! A walk over JSON that the scanner has proven valid: keys and values by their bytes, nothing built.
//!
//! Filters look at one or two fields of a post and skip the rest, so skipping is what must be fast: strings eight
//! bytes at a time, containers by counting brackets.
//!
//! Its law: on valid JSON it sees what a parser sees. On anything else it sees nonsense but neither panics nor
//! walks in circles.

use std::borrow::Cow;

use crate::protocol::scan::plain_end;

/// Where a walk stands.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    /// A walk that begins before a value.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Walk<'a> {
        Walk { bytes, at: 0 }
    }

    /// The first byte of what comes next; 0 at the end.
    pub fn peek(&mut self) -> u8 {
        while let b' ' | b'\t' | b'\n' | b'\r' = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// Steps into the array or object that comes next.
    pub fn open(&mut self) {
        self.peek();
        self.at += 1;
    }

    /// Whether the container we are in goes on; if not, steps out of it.
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

    /// Takes a key, with its quotes, and the colon behind it.
    pub fn key(&mut self) -> &'a [u8] {
        self.peek();
        let key = self.string();
        self.peek();
        self.at += 1;
        key
    }

    /// Takes a whole value and gives its bytes.
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
                // A step at least, so that no loop over a broken value stands still.
                self.at += 1;
                while !matches!(self.byte(), 0 | b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r') {
                    self.at += 1;
                }
            }
        }
        self.between(started)
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
                // The byte behind a backslash ends no string.
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.between(started)
    }

    fn between(&mut self, started: usize) -> &'a [u8] {
        self.at = self.at.min(self.bytes.len());
        self.bytes.get(started..self.at).unwrap_or_default()
    }

    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }
}

/// What a string with its quotes spells.
#[must_use]
pub fn spelled(quoted: &[u8]) -> Cow<'_, [u8]> {
    let raw = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if !raw.contains(&b'\\') {
        return Cow::Borrowed(raw);
    }
    serde_json::from_slice::<String>(quoted).map_or(Cow::Borrowed(raw), |text| Cow::Owned(text.into_bytes()))
}

/// Finds what stands at `path` under the value that comes next, and takes that value. Of a key that stands twice
/// the last one counts, as in every parser we know.
///
/// # Errors
/// Something on the way is neither an object nor null, so that it has no members.
pub fn find<'a>(walk: &mut Walk<'a>, path: &[impl AsRef<[u8]>]) -> Result<Option<&'a [u8]>, NoMembers> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(Some(walk.value()));
    };
    match walk.peek() {
        b'{' => {}
        b'n' => {
            walk.value();
            return Ok(None);
        }
        _ => return Err(NoMembers),
    }
    let mut found = None;
    walk.open();
    while walk.more() {
        let key = walk.key();
        if *spelled(key) == *first.as_ref() {
            found = find(walk, rest)?;
        } else {
            walk.value();
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
        let found = find(&mut Walk::new(json.as_bytes()), path)?;
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
        fn any_bytes_are_walked_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = find(&mut Walk::new(&bytes), &["a", "b"]);
        }

        #[test]
        fn tokens_in_any_order_are_walked_to_an_end(text in r#"([{}\[\],:]|"a"|"b"|1|null|\\|"){0,24}"#) {
            let _ = find(&mut Walk::new(text.as_bytes()), &["a", "b"]);
        }
    }
}
