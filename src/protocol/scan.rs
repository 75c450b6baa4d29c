//! The JSON scanner: one pass over a line that proves it valid and finds the keys that classify it.
//!
//! A post is read once and never built as a value, so this file alone decides whether a line may reach
//! stdout. It stands beside the classifier because imports go down only, and the classifier needs it.
//!
//! Its law: [`scan`] accepts exactly what `serde_json::from_slice::<Value>` accepts at its default depth
//! limit, except that numbers out of range are valid. Lone surrogates, bytes that are not UTF-8, control
//! characters in strings, and nesting deeper than [`MAX_DEPTH`] are faults. The tests hold it to that.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// How many arrays and objects may stand inside each other: `serde_json`'s recursion limit of 128 allows
/// 127, and `jq` and other readers of our output have limits of their own not far above.
pub const MAX_DEPTH: u32 = 127;

/// Why a line is not a JSON value, and the byte offset at which that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Offset of the offending byte; the line's length when it ends too soon.
    pub at: usize,
    /// What is wrong, as a lower-case fragment.
    pub why: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.why, self.at)
    }
}

/// The type of a JSON value, as far as classification wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Type {
    /// The key is not there.
    #[default]
    Absent,
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// Any number.
    Number,
    /// Any string.
    String,
    /// `[]`
    EmptyArray,
    /// An array with something in it.
    Array,
    /// `{}`
    EmptyObject,
    /// An object with something in it.
    Object,
}

impl Type {
    /// Whether the key is there, whatever its value.
    #[must_use]
    pub fn present(self) -> bool {
        self != Type::Absent
    }

    /// Whether the value is an object, empty or not.
    #[must_use]
    pub fn is_object(self) -> bool {
        matches!(self, Type::Object | Type::EmptyObject)
    }

    /// Whether the value is an array, empty or not.
    #[must_use]
    pub fn is_array(self) -> bool {
        matches!(self, Type::Array | Type::EmptyArray)
    }
}

/// Names the keys that classification looks at, once for the enum, the look-up and the count.
macro_rules! keys {
    ($($name:ident $text:literal,)*) => {
        /// A key that classification looks at, at the top of a line or inside its `data`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Key { $($name,)* AnyAuthorId }

        impl Key {
            const COUNT: usize = Key::AnyAuthorId as usize + 1;

            fn find(name: &[u8]) -> Option<Key> {
                match name {
                    $(_ if name == $text.as_bytes() => Some(Key::$name),)*
                    // A like names its author differently in each version of the OpenAPI file.
                    _ if name.ends_with(b"_author_id") => Some(Key::AnyAuthorId),
                    _ => None,
                }
            }
        }
    };
}

keys! {
    Id "id",
    Text "text",
    IdStr "id_str",
    Data "data",
    User "user",
    Errors "errors",
    Title "title",
    Type "type",
    ForUser "for_user",
    Message "message",
    FullText "full_text",
    MatchingRules "matching_rules",
    TimestampMs "timestamp_ms",
    EventType "event_type",
    EventUuid "event_uuid",
    Payload "payload",
    LikedTweetId "liked_tweet_id",
    Event "event",
    Source "source",
    Target "target",
    Body "body",
    Verb "verb",
    ObjectType "objectType",
    FavoritedStatus "favorited_status",
    Limit "limit",
    Disconnect "disconnect",
    Warning "warning",
    Delete "delete",
    ScrubGeo "scrub_geo",
    StatusWithheld "status_withheld",
    UserWithheld "user_withheld",
    Withheld "withheld",
    Friends "friends",
    FriendsStr "friends_str",
    Control "control",
    DirectMessage "direct_message",
    Info "info",
    Error "error",
    Drop "drop",
    Undrop "undrop",
    TweetEdit "tweet_edit",
    UserDelete "user_delete",
    UserUndelete "user_undelete",
    UserProtect "user_protect",
    UserUnprotect "user_unprotect",
    UserSuspend "user_suspend",
    UserUnsuspend "user_unsuspend",
    UserProfileModification "user_profile_modification",
    PublicTweetNotice "public_tweet_notice",
    PublicTweetUnviewable "public_tweet_unviewable",
}

/// The members of one object, by key. Of a key that stands twice the last one counts, as in `serde_json`.
#[derive(Debug, Clone)]
pub struct Members {
    types: [Type; Key::COUNT],
    first: Range<usize>,
    alone: bool,
}

impl Default for Members {
    fn default() -> Self {
        Members { types: [Type::Absent; Key::COUNT], first: 0..0, alone: true }
    }
}

impl Members {
    /// The type of the value under `key`.
    #[must_use]
    pub fn get(&self, key: Key) -> Type {
        self.types[key as usize]
    }

    /// Whether `key` is there, whatever its value.
    #[must_use]
    pub fn has(&self, key: Key) -> bool {
        self.get(key).present()
    }
}

/// What the scanner learned about a valid line.
#[derive(Debug, Clone, Default)]
pub struct Shape<'a> {
    /// The type of the whole value.
    pub root: Type,
    /// The top-level keys, when the root is an object.
    pub top: Members,
    /// The keys of `data`, when that is an object.
    pub data: Members,
    /// The bytes of the top-level `message`, for `for_user` envelopes.
    pub message: &'a [u8],
    /// The top-level `type` with its quotes, escapes untouched; empty if it is not a string.
    pub type_json: &'a [u8],
    /// The post's id without quotes: `data.id`, else `id_str`, else `id`; empty when there is none.
    pub id: &'a [u8],
}

impl Shape<'_> {
    /// Whether `data` is an object with exactly one key.
    #[must_use]
    pub fn data_has_one_key(&self) -> bool {
        self.data.alone && !self.data.first.is_empty()
    }
}

/// Where the value that comes next belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Elsewhere,
    Root,
    Top(Key),
    Data(Key),
}

/// Proves that `line` is one JSON value and reports its shape.
///
/// # Errors
/// The first [`Fault`], with its offset.
pub fn scan(line: &[u8]) -> Result<Shape<'_>, Fault> {
    if let Err(error) = std::str::from_utf8(line) {
        return Err(Fault { at: error.valid_up_to(), why: "not UTF-8" });
    }
    let mut machine = Machine {
        bytes: line,
        at: 0,
        depth: 0,
        objects: 0,
        data_open: false,
        slot: Slot::Root,
        started: 0,
        id_rank: 0,
        shape: Shape::default(),
    };
    machine.run()?;
    Ok(machine.shape)
}

/// The exact machine: iterative, with one bit a level, so depth costs no stack.
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
    /// Bit n - 1 says whether level n is an object.
    objects: u128,
    /// Whether level 2 is the object under the top-level `data`.
    data_open: bool,
    slot: Slot,
    /// Where the value that stands directly under a top-level key began.
    started: usize,
    /// Which key gave `shape.id`: 3 `data.id`, 2 `id_str`, 1 `id`.
    id_rank: u8,
    shape: Shape<'a>,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<(), Fault> {
        loop {
            self.value()?;
            // After a value: close what ends here, then a comma, or the end of the line.
            loop {
                self.white();
                if self.depth == 0 {
                    return if self.at == self.bytes.len() {
                        Ok(())
                    } else {
                        Err(self.fault("something follows the value"))
                    };
                }
                let in_object = self.in_object();
                match (self.peek(), in_object) {
                    (Some(b','), true) => {
                        self.at += 1;
                        self.white();
                        self.key()?;
                        break;
                    }
                    (Some(b','), false) => {
                        self.at += 1;
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.at += 1;
                        self.leave();
                    }
                    (None, _) => return Err(self.fault("the value is cut off")),
                    (_, true) => return Err(self.fault("expected `,` or `}`")),
                    (_, false) => return Err(self.fault("expected `,` or `]`")),
                }
            }
        }
    }

    /// Reads one value; of a container that is not empty, only what leads to its first value.
    fn value(&mut self) -> Result<(), Fault> {
        loop {
            self.white();
            let started = self.at;
            if self.depth == 1 {
                self.started = started;
            }
            let slot = std::mem::replace(&mut self.slot, Slot::Elsewhere);
            let Some(byte) = self.peek() else {
                return Err(self.fault("the value is cut off"));
            };
            let found = match byte {
                b'{' => {
                    if self.enter(true)? {
                        self.note(slot, Type::EmptyObject, started);
                        return Ok(());
                    }
                    self.note(slot, Type::Object, started);
                    if self.depth == 2 && slot == Slot::Top(Key::Data) {
                        self.data_open = true;
                    }
                    self.key()?;
                    continue;
                }
                b'[' => {
                    if self.enter(false)? {
                        self.note(slot, Type::EmptyArray, started);
                        return Ok(());
                    }
                    self.note(slot, Type::Array, started);
                    continue;
                }
                b'"' => {
                    self.string()?;
                    Type::String
                }
                b'-' | b'0'..=b'9' => {
                    self.number()?;
                    Type::Number
                }
                b't' => self.literal(b"true", Type::Bool)?,
                b'f' => self.literal(b"false", Type::Bool)?,
                b'n' => self.literal(b"null", Type::Null)?,
                _ => return Err(self.fault("expected a value")),
            };
            self.note(slot, found, started);
            return Ok(());
        }
    }

    /// Steps into a container; true if it was empty and is already behind us.
    fn enter(&mut self, object: bool) -> Result<bool, Fault> {
        if self.depth == MAX_DEPTH {
            return Err(self.fault("nested too deeply"));
        }
        self.at += 1;
        self.white();
        let close = if object { b'}' } else { b']' };
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(true);
        }
        let bit = 1u128 << self.depth;
        self.depth += 1;
        if object {
            self.objects |= bit;
        } else {
            self.objects &= !bit;
        }
        Ok(false)
    }

    fn leave(&mut self) {
        self.depth -= 1;
        if self.depth == 1 {
            self.data_open = false;
            // `message` is the one container whose bytes are wanted: it is open exactly when its start
            // was noted and its end was not.
            if self.shape.message.as_ptr() == self.bytes[self.started..].as_ptr() && self.shape.message.len() == 1 {
                self.shape.message = &self.bytes[self.started..self.at];
            }
        }
    }

    fn in_object(&self) -> bool {
        self.objects >> (self.depth - 1) & 1 == 1
    }

    /// Reads a key and its colon, and says where the value that follows belongs.
    fn key(&mut self) -> Result<(), Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("expected a key"));
        }
        let opened = self.at;
        let escaped = self.string()?;
        let data = self.depth == 2 && self.data_open;
        if self.depth == 1 || data {
            let raw = &self.bytes[opened + 1..self.at - 1];
            let name = if escaped {
                // Rare enough for the library: only its own spelling of an escaped key costs a copy.
                serde_json::from_slice::<String>(&self.bytes[opened..self.at])
                    .map_or(Cow::Borrowed(raw), |text| Cow::Owned(text.into_bytes()))
            } else {
                Cow::Borrowed(raw)
            };
            let found = Key::find(&name);
            if data {
                self.count_data_key(opened, found);
            }
            self.slot = match found {
                Some(key) if data => Slot::Data(key),
                Some(key) => Slot::Top(key),
                None => Slot::Elsewhere,
            };
        }
        self.white();
        if self.peek() != Some(b':') {
            return Err(self.fault("expected `:`"));
        }
        self.at += 1;
        Ok(())
    }

    /// `alone` stays true while every key of `data` is the same one. Two spellings of an unknown key
    /// count as two keys, which no rule can tell apart from one.
    fn count_data_key(&mut self, opened: usize, found: Option<Key>) {
        let first = self.shape.data.first.clone();
        if first.is_empty() {
            self.shape.data.first = opened..self.at;
        } else if self.shape.data.alone {
            let again = found.is_some_and(|key| self.shape.data.has(key));
            self.shape.data.alone = again || self.bytes[first] == self.bytes[opened..self.at];
        }
    }

    /// Keeps what classification wants of a value that begins at `started` (and, if it is not an open
    /// container, ends here).
    fn note(&mut self, slot: Slot, found: Type, started: usize) {
        match slot {
            Slot::Elsewhere => {}
            Slot::Root => self.shape.root = found,
            Slot::Top(key) => {
                self.shape.top.types[key as usize] = found;
                match key {
                    Key::Data => {
                        // A second `data` replaces the first, and with it the id that stood there.
                        self.shape.data = Members::default();
                        if self.id_rank == 3 {
                            self.id_rank = 0;
                            self.shape.id = b"";
                        }
                    }
                    Key::Message => {
                        // An open object is held by its first byte until `leave` knows its end.
                        let end = if found == Type::Object { started + 1 } else { self.at };
                        self.shape.message = &self.bytes[started..end];
                    }
                    Key::Type => {
                        self.shape.type_json = if found == Type::String { &self.bytes[started..self.at] } else { b"" };
                    }
                    Key::IdStr => self.note_id(found, started, 2),
                    Key::Id => self.note_id(found, started, 1),
                    _ => {}
                }
            }
            Slot::Data(key) => {
                self.shape.data.types[key as usize] = found;
                if key == Key::Id {
                    self.note_id(found, started, 3);
                }
            }
        }
    }

    fn note_id(&mut self, found: Type, started: usize, rank: u8) {
        if rank < self.id_rank {
            return;
        }
        let id = match found {
            Type::String => &self.bytes[started + 1..self.at - 1],
            Type::Number => &self.bytes[started..self.at],
            _ => return,
        };
        self.shape.id = id;
        self.id_rank = rank;
    }

    fn literal(&mut self, word: &'static [u8], found: Type) -> Result<Type, Fault> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(found)
        } else {
            Err(self.fault("expected a value"))
        }
    }

    fn number(&mut self) -> Result<(), Fault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => {
                self.at += 1;
                if matches!(self.peek(), Some(b'0'..=b'9')) {
                    return Err(self.fault("a number with a leading zero"));
                }
            }
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let started = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == started {
            return Err(self.fault("expected a digit"));
        }
        Ok(())
    }

    /// Reads a string from its opening quote to behind its closing one; true if it holds an escape.
    fn string(&mut self) -> Result<bool, Fault> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.skip_plain();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.fault("a control character in a string")),
                None => return Err(self.fault("the string is cut off")),
            }
        }
    }

    /// Steps over bytes that need no look inside a string.
    fn skip_plain(&mut self) {
        self.at = plain_end(self.bytes, self.at);
    }

    fn escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                match self.hex()? {
                    0xDC00..=0xDFFF => Err(self.fault("a lone surrogate")),
                    0xD800..=0xDBFF => {
                        if !self.bytes[self.at..].starts_with(b"\\u") {
                            return Err(self.fault("a lone surrogate"));
                        }
                        self.at += 2;
                        match self.hex()? {
                            0xDC00..=0xDFFF => Ok(()),
                            _ => Err(self.fault("a lone surrogate")),
                        }
                    }
                    _ => Ok(()),
                }
            }
            Some(_) => Err(self.fault("an unknown escape")),
            None => Err(self.fault("the string is cut off")),
        }
    }

    fn hex(&mut self) -> Result<u32, Fault> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self
                .peek()
                .and_then(|byte| char::from(byte).to_digit(16))
                .ok_or_else(|| self.fault("expected a hex digit"))?;
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn white(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn fault(&self, why: &'static str) -> Fault {
        Fault { at: self.at, why }
    }
}

/// Where the plain part of a string that goes on at `at` ends: at a quote, a backslash, a control character, or
/// with the bytes. Eight bytes are looked at together.
pub(crate) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES * 0x80;
    while let Some(word) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (ONES * u64::from(b'"'));
        let back = word ^ (ONES * u64::from(b'\\'));
        // The classic test for a zero byte, and for a byte below 0x20; the lowest hit is exact, a
        // borrow can only add hits above it.
        let hits = ((quote.wrapping_sub(ONES) & !quote)
            | (back.wrapping_sub(ONES) & !back)
            | (word.wrapping_sub(ONES * 0x20) & !word))
            & HIGHS;
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | ..0x20) {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    /// What the law says: `serde_json`, with numbers out of range allowed.
    fn oracle(line: &[u8]) -> bool {
        match serde_json::from_slice::<Value>(line) {
            Ok(_) => true,
            Err(error) => error.to_string().starts_with("number out of range"),
        }
    }

    fn agrees(line: &[u8]) {
        let ours = scan(line);
        let theirs = serde_json::from_slice::<Value>(line);
        if let Err(error) = &theirs
            && error.to_string().starts_with("number out of range")
        {
            return;
        }
        assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}: {ours:?} against {theirs:?}", String::from_utf8_lossy(line));
        let (Ok(shape), Ok(Value::Object(map))) = (ours, theirs) else {
            return;
        };
        let data = map.get("data").and_then(Value::as_object);
        for (name, key) in [
            ("id", Key::Id),
            ("data", Key::Data),
            ("errors", Key::Errors),
            ("limit", Key::Limit),
            ("delete", Key::Delete),
            ("text", Key::Text),
            ("type", Key::Type),
        ] {
            assert_eq!(shape.top.get(key), type_of(map.get(name)), "{name}");
            let inner = data.and_then(|data| data.get(name));
            assert_eq!(shape.data.get(key), type_of(inner), "data.{name}");
        }
        if let Some(data) = data {
            assert_eq!(shape.data_has_one_key(), data.len() == 1);
        }
    }

    fn type_of(value: Option<&Value>) -> Type {
        match value {
            None => Type::Absent,
            Some(Value::Null) => Type::Null,
            Some(Value::Bool(_)) => Type::Bool,
            Some(Value::Number(_)) => Type::Number,
            Some(Value::String(_)) => Type::String,
            Some(Value::Array(a)) if a.is_empty() => Type::EmptyArray,
            Some(Value::Array(_)) => Type::Array,
            Some(Value::Object(o)) if o.is_empty() => Type::EmptyObject,
            Some(Value::Object(_)) => Type::Object,
        }
    }

    #[test]
    fn hard_cases_are_judged_as_serde_json_judges_them() {
        for line in [
            "0",
            "-0",
            "-",
            "00",
            "01",
            "1.",
            ".1",
            "1.0",
            "1e",
            "1e+",
            "1e5",
            "1E-5",
            "-1.5e+3",
            "1e999",
            "\"\\u0000\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"\\ude00\"",
            "\"\\ud83dx\"",
            "\"\\ud83d\\u0041\"",
            "\"\\u12\"",
            "\"\\x\"",
            "\"\t\"",
            "\"a",
            "\"",
            "tru",
            "true",
            "nul",
            "null ",
            " null",
            "nullx",
            "[]",
            "[",
            "]",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{}",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{a:1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":1}}",
            "[}",
            "{]",
            "",
            " ",
            "1 2",
            "{\"a\":1}{\"b\":2}",
            "\u{feff}{}",
            "\r\n[\t1 , 2 ]\r",
            "NaN",
            "\"\u{7f}\"",
            "\"\u{2028}\"",
        ] {
            agrees(line.as_bytes());
        }
        for line in [&b"\"\xff\""[..], b"\"\xc0\x80\"", b"\"\xed\xa0\x80\"", b"\x00", b"\"\x00\"", b"{\"\xff\":1}"] {
            agrees(line);
        }
    }

    #[test]
    fn depth_ends_where_serde_json_ends_it() {
        for depth in [1, 64, 126, 127, 128, 129, 100_000] {
            agrees(format!("{}{}", "[".repeat(depth), "]".repeat(depth)).as_bytes());
            agrees(format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)).as_bytes());
            agrees("[".repeat(depth).as_bytes());
        }
    }

    #[test]
    fn numbers_out_of_range_are_valid() {
        assert!(scan(b"1e999").is_ok());
        assert!(scan(format!("[{}]", "9".repeat(400)).as_bytes()).is_ok());
    }

    #[test]
    fn the_last_of_two_equal_keys_counts() {
        let shape = scan(br#"{"data":{"id":"1","text":"x"},"data":{"delete":{}}}"#).expect("valid");
        assert!(!shape.data.has(Key::Id));
        assert!(shape.data_has_one_key() && shape.data.has(Key::Delete));
        assert_eq!(shape.id, b"");
        let shape = scan(br#"{"message":{"a":[{}]},"x":{"y":1}}"#).expect("valid");
        assert_eq!(shape.message, br#"{"a":[{}]}"#);
    }

    #[test]
    fn escaped_keys_are_the_keys_they_spell() {
        let shape = scan(br#"{"d\u0061ta":{"\u0069d":"7"}}"#).expect("valid");
        assert_eq!(shape.id, b"7");
    }

    #[test]
    fn every_short_string_of_tokens_is_judged_alike() {
        const TOKENS: [&str; 14] =
            ["{", "}", "[", "]", ",", ":", "\"data\"", "\"id\"", "1", "-", "true", "\\", " ", "\""];
        fn grow(line: &mut String, left: usize) {
            agrees(line.as_bytes());
            if left == 0 {
                return;
            }
            for token in TOKENS {
                let length = line.len();
                line.push_str(token);
                grow(line, left - 1);
                line.truncate(length);
            }
        }
        grow(&mut String::new(), 4);
    }

    proptest! {
        #[test]
        fn mutated_lines_are_judged_alike(
            cut in 0usize..400, at in 0usize..400, byte in any::<u8>(), insert in any::<bool>()
        ) {
            let line = br#"{"data":{"id":"20","text":"a \"b\" \ud83d\ude00 \u00e9 {\"limit\":{}}","delete":null},"errors":[{"x":-1.5e3,"y":[[],{}]}],"limit":{"track":12},"type":"t","id":9}"#;
            let mut line = line.to_vec();
            let at = at % line.len();
            if insert { line.insert(at, byte) } else { line[at] = byte }
            agrees(&line);
            line.truncate(cut % (line.len() + 1));
            agrees(&line);
        }

        #[test]
        fn any_bytes_are_judged_alike(line in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(scan(&line).is_ok(), oracle(&line));
        }
    }
}
