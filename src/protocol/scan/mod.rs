//! The JSON scanner: one pass over a line that proves it valid and finds the keys that classify it.
//!
//! A post is read once and never built as a value, so this folder alone decides whether a line may reach stdout. It
//! is part of `protocol` because imports go down only, and the classifier needs it.
//!
//! Two paths, one law. [`exact`] decides every case; `fast` handles lines formatted as X formats them and answers
//! "valid, with these keys" or "unknown". Both build their [`Outline`] with the code in this file.
//!
//! Law: [`scan`] accepts exactly what `serde_json::from_slice::<Value>` accepts at its default depth
//! limit, except that numbers out of range are valid. Lone surrogates, bytes that are not UTF-8, control
//! characters in strings, and nesting deeper than [`MAX_DEPTH`] are faults. The tests hold it to that.

pub mod exact;
#[cfg(target_arch = "x86_64")]
pub mod fast;

use std::fmt;
use std::ops::Range;

/// How deep arrays and objects may be nested: `serde_json`'s recursion limit of 128 allows 127, and `jq` and other
/// readers of the output have limits of their own not far above.
pub const MAX_DEPTH: u32 = 127;

/// Why a line is not a JSON value, and at which byte.
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

/// The type of a JSON value, as far as classification needs it.
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
    /// A non-empty array.
    Array,
    /// `{}`
    EmptyObject,
    /// A non-empty object.
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

/// The keys that classification needs, written once for the enum, the lookup and the count.
macro_rules! keys {
    ($($name:ident $text:literal,)*) => {
        /// A key that classification needs, at the top of a line or inside its `data`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Key { $($name,)* AnyAuthorId }

        impl Key {
            const COUNT: usize = Key::AnyAuthorId as usize + 1;
            /// The keys that have one name, with it.
            pub const NAMED: [(&'static [u8], Key); Key::COUNT - 1] = [$(($text, Key::$name)),*];
        }
    };
}

keys! {
    Id b"id",
    Text b"text",
    IdStr b"id_str",
    Data b"data",
    User b"user",
    Errors b"errors",
    Title b"title",
    Type b"type",
    ForUser b"for_user",
    Message b"message",
    FullText b"full_text",
    MatchingRules b"matching_rules",
    TimestampMs b"timestamp_ms",
    EventType b"event_type",
    EventUuid b"event_uuid",
    Payload b"payload",
    LikedTweetId b"liked_tweet_id",
    Event b"event",
    Source b"source",
    Target b"target",
    Body b"body",
    Verb b"verb",
    ObjectType b"objectType",
    FavoritedStatus b"favorited_status",
    Limit b"limit",
    Disconnect b"disconnect",
    Warning b"warning",
    Delete b"delete",
    ScrubGeo b"scrub_geo",
    StatusWithheld b"status_withheld",
    UserWithheld b"user_withheld",
    Withheld b"withheld",
    WithheldInCountries b"withheld_in_countries",
    Friends b"friends",
    FriendsStr b"friends_str",
    Control b"control",
    DirectMessage b"direct_message",
    Info b"info",
    Error b"error",
    Drop b"drop",
    Undrop b"undrop",
    TweetEdit b"tweet_edit",
    UserDelete b"user_delete",
    UserUndelete b"user_undelete",
    UserProtect b"user_protect",
    UserUnprotect b"user_unprotect",
    UserSuspend b"user_suspend",
    UserUnsuspend b"user_unsuspend",
    UserProfileModification b"user_profile_modification",
    PublicTweetNotice b"public_tweet_notice",
    PublicTweetUnviewable b"public_tweet_unviewable",
}

impl Key {
    /// The names by their hash: most keys of a post are none of them, and comparing one entry proves that.
    const TABLE: [Option<(&'static [u8], Key)>; 128] = {
        let mut table: [Option<(&'static [u8], Key)>; 128] = [None; 128];
        let mut n = 0;
        while n < Key::NAMED.len() {
            let at = Key::hash(Key::NAMED[n].0);
            assert!(table[at].is_none(), "two keys with one hash: try other factors");
            table[at] = Some(Key::NAMED[n]);
            n += 1;
        }
        table
    };

    /// From the length, the first, the middle and the last byte. The factors were found by trial.
    const fn hash(name: &[u8]) -> usize {
        let n = name.len();
        let [first, .., last] = name else { return n };
        ((*first as usize * 25) ^ (name[n / 2] as usize * 7) ^ (*last as usize * 26) ^ n) % 128
    }

    fn find(name: &[u8]) -> Option<Key> {
        match Key::TABLE[Key::hash(name)] {
            Some((text, key)) if text == name => Some(key),
            // A like names its author differently in each version of the OpenAPI file.
            _ => name.ends_with(b"_author_id").then_some(Key::AnyAuthorId),
        }
    }
}

/// The members of one object, by key. Of equal keys the last one counts, as in `serde_json`.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// What the scanner found in a valid line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline<'a> {
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

impl Outline<'_> {
    /// Whether `data` is an object with exactly one key.
    #[must_use]
    pub fn data_has_one_key(&self) -> bool {
        self.data.alone && !self.data.first.is_empty()
    }
}

/// Where in the line the next value is, as far as classification needs it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Elsewhere,
    Root,
    Top(Key),
    Data(Key),
}

/// Proves that `line` is one JSON value and returns its outline.
///
/// # Errors
/// The first [`Fault`], with its offset.
pub fn scan(line: &[u8]) -> Result<Outline<'_>, Fault> {
    #[cfg(target_arch = "x86_64")]
    if let Some(outline) = fast::scan(line) {
        return Ok(outline);
    }
    exact::scan(line)
}

/// Builds the outline from the keys and values that a scan path meets, in their order.
struct OutlineBuilder<'a> {
    bytes: &'a [u8],
    /// `data.id`, `id_str` and `id`, empty where there is none.
    ids: [&'a [u8]; 3],
    outline: Outline<'a>,
}

impl<'a> OutlineBuilder<'a> {
    fn new(bytes: &'a [u8]) -> OutlineBuilder<'a> {
        OutlineBuilder { bytes, ids: [b""; 3], outline: Outline::default() }
    }

    /// The position of the value under the key at `quoted`, quotes included; `name` is the key without escapes.
    fn key(&mut self, quoted: Range<usize>, name: &[u8], data: bool) -> Position {
        let found = Key::find(name);
        if data && self.outline.data.alone {
            self.count_data_key(quoted, found);
        }
        match found {
            Some(key) if data => Position::Data(key),
            Some(key) => Position::Top(key),
            None => Position::Elsewhere,
        }
    }

    /// `alone` stays true while every key of `data` is the same one. Two spellings of one unknown key count as two
    /// keys; no kind depends on the difference.
    fn count_data_key(&mut self, quoted: Range<usize>, found: Option<Key>) {
        let first = self.outline.data.first.clone();
        if first.is_empty() {
            self.outline.data.first = quoted;
        } else {
            let again = found.is_some_and(|key| self.outline.data.has(key));
            self.outline.data.alone = again || self.bytes[first] == self.bytes[quoted];
        }
    }

    /// Records what classification needs of a value; of a container that is still open, `place` is its first byte.
    fn record(&mut self, position: Position, found: Type, place: Range<usize>) {
        match position {
            Position::Elsewhere => {}
            Position::Root => self.outline.root = found,
            Position::Top(key) => {
                self.outline.top.types[key as usize] = found;
                match key {
                    Key::Data => {
                        // A second `data` replaces the first, and with it the id inside.
                        self.outline.data = Members::default();
                        self.record_id(Type::Absent, place, 0);
                    }
                    Key::Message => self.outline.message = &self.bytes[place],
                    Key::Type => {
                        self.outline.type_json = if found == Type::String { &self.bytes[place] } else { b"" };
                    }
                    Key::IdStr => self.record_id(found, place, 1),
                    Key::Id => self.record_id(found, place, 2),
                    _ => {}
                }
            }
            Position::Data(key) => {
                self.outline.data.types[key as usize] = found;
                if key == Key::Id {
                    self.record_id(found, place, 0);
                }
            }
        }
    }

    fn record_id(&mut self, found: Type, place: Range<usize>, rank: usize) {
        self.ids[rank] = match found {
            Type::String => &self.bytes[place.start + 1..place.end - 1],
            Type::Number => &self.bytes[place],
            _ => b"",
        };
        self.outline.id = self.ids.into_iter().find(|id| !id.is_empty()).unwrap_or_default();
    }
}

/// The end of the number that begins at `at`.
fn number_end(bytes: &[u8], mut at: usize) -> Result<usize, Fault> {
    let peek = |at: usize| bytes.get(at).copied();
    let digits = |started: usize| {
        let count = bytes[started..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 { Err(Fault { at: started, why: "expected a digit" }) } else { Ok(started + count) }
    };
    if peek(at) == Some(b'-') {
        at += 1;
    }
    if peek(at) == Some(b'0') {
        at += 1;
        if matches!(peek(at), Some(b'0'..=b'9')) {
            return Err(Fault { at, why: "a number with a leading zero" });
        }
    } else {
        at = digits(at)?;
    }
    if peek(at) == Some(b'.') {
        at = digits(at + 1)?;
    }
    if matches!(peek(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(peek(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = digits(at)?;
    }
    Ok(at)
}

/// The end of the plain text that begins at `at` inside a string: a quote, a backslash, a control character, or the
/// end of the bytes. Eight bytes are tested together.
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
