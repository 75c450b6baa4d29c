//! The invented accounts and their texts, with entities, as JSON strings.
//!
//! Offsets count code points, as X's do, so that a client that counts bytes or UTF-16 units fails its tests.

use std::io::Write as _;

use fastrand::Rng;

use super::corpus::{ABOUT, ENGLISH, HASHTAGS, NAMES, TEXTS};

/// Writes formatted text at the end of a buffer.
macro_rules! put {
    ($out:expr, $($text:tt)*) => {
        $out.write_fmt(format_args!($($text)*)).expect("writing into memory cannot fail")
    };
}
pub(crate) use put;

/// An invented account, with its numbers at one time.
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) username: &'static str,
    pub(crate) about: &'static str,
}

/// A text with where its hashtag and mention are, in code points as X counts them.
pub(crate) struct Text {
    pub(crate) words: String,
    pub(crate) lang: &'static str,
    pub(crate) hashtag: Option<(usize, usize, &'static str)>,
    pub(crate) mention: Option<(usize, usize, User)>,
    /// Write everything outside ASCII as `\uXXXX`, as X's older back ends do.
    pub(crate) ascii: bool,
}

impl User {
    /// One of the invented accounts.
    pub(crate) fn random(rng: &mut Rng) -> User {
        let n = rng.usize(..NAMES.len());
        let (name, username) = NAMES[n];
        // One account keeps one id, so that deleting or muting it means something.
        let id = 2_244_994_000 + 7919 * n as u64;
        User { id, name, username, about: ABOUT[n % ABOUT.len()] }
    }
}

impl Text {
    /// One of the invented texts.
    pub(crate) fn random(rng: &mut Rng) -> Text {
        let english = rng.u8(..10) < 3;
        let (lang, opening) = TEXTS[rng.usize(..if english { ENGLISH } else { TEXTS.len() })];
        let mut text = String::from(opening);
        if rng.u8(..3) == 0 {
            // A second sentence, so that not every text is one of a handful.
            text.push(' ');
            text.push_str(TEXTS[rng.usize(..ENGLISH)].1);
        }
        let mut at = text.chars().count();
        let mut append = |word: String| {
            let start = at + 1;
            at = start + word.chars().count();
            text.push(' ');
            text.push_str(&word);
            (start, at)
        };
        let hashtag = rng.bool().then(|| {
            let tag = HASHTAGS[rng.usize(..HASHTAGS.len())];
            let (start, end) = append(format!("#{tag}"));
            (start, end, tag)
        });
        let mention = (rng.u8(..3) == 0).then(|| {
            let user = User::random(rng);
            let (start, end) = append(format!("@{}", user.username));
            (start, end, user)
        });
        Text { words: text, lang, hashtag, mention, ascii: rng.u8(..3) == 0 }
    }

    /// Writes the entities; v2 has `start` and `end`, v1.1 an array `indices`.
    pub(crate) fn entities(&self, out: &mut Vec<u8>, position: &str, tag_key: &str) {
        let place = |out: &mut Vec<u8>, start: usize, end: usize| {
            if position == "indices" {
                put!(out, "\"indices\":[{start},{end}]");
            } else {
                put!(out, "\"start\":{start},\"end\":{end}");
            }
        };
        out.extend_from_slice(b"{\"hashtags\":[");
        if let Some((start, end, tag)) = self.hashtag {
            out.push(b'{');
            place(out, start, end);
            put!(out, ",\"{tag_key}\":\"{tag}\"}}");
        }
        out.extend_from_slice(if position == "indices" { b"],\"user_mentions\":[" } else { b"],\"mentions\":[" });
        if let Some((start, end, user)) = &self.mention {
            out.push(b'{');
            place(out, *start, *end);
            let name = if position == "indices" { "screen_name" } else { "username" };
            put!(out, ",\"{name}\":\"{}\"", user.username);
            if position == "indices" {
                put!(out, ",\"id\":{0},\"id_str\":\"{0}\"}}", user.id);
            } else {
                put!(out, ",\"id\":\"{}\"}}", user.id);
            }
        }
        out.extend_from_slice(b"]}");
    }
}

/// Writes a JSON string. With `ascii`, what is beyond ASCII becomes escapes, astral characters
/// surrogate pairs.
pub(crate) fn quote(text: &str, ascii: bool, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\t' => out.extend_from_slice(b"\\t"),
            c if (c as u32) < 0x20 || (ascii && !c.is_ascii()) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    put!(out, "\\u{unit:04x}");
                }
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}
