//! The scanner's two paths against each other and against `serde_json`, and lines to try them on. Shared by
//! `tests/all/scan.rs`, `benches/agree.rs` and the fuzz target.

#![allow(dead_code)]

use fastrand::Rng;
use serde_json::Value;
use xstream::protocol::scan::{Key, Outline, Type, scan};
use xstream::simulator::Posts;

/// The fast path's answer, on processors that have one.
#[cfg(target_arch = "x86_64")]
fn fast(line: &[u8]) -> Option<Outline<'_>> {
    xstream::protocol::scan::fast::scan(line)
}

#[cfg(not(target_arch = "x86_64"))]
fn fast(_: &[u8]) -> Option<Outline<'_>> {
    None
}

/// Whether the fast path accepts a line.
#[must_use]
pub fn is_fast(line: &[u8]) -> bool {
    fast(line).is_some()
}

/// What the fast path accepts, the exact one accepts, with the same outline.
///
/// # Panics
/// They disagree.
pub fn paths_agree(line: &[u8]) {
    if let Some(outline) = fast(line) {
        let exact = xstream::protocol::scan::exact::scan(line);
        assert_eq!(Ok(outline), exact, "{}", String::from_utf8_lossy(line));
    }
}

/// The scanner accepts what `serde_json` accepts, and numbers out of range.
///
/// # Panics
/// They disagree.
pub fn agree(line: &[u8]) {
    paths_agree(line);
    let ours = scan(line);
    let theirs = serde_json::from_slice::<Value>(line);
    if let Err(error) = &theirs
        && error.to_string().starts_with("number out of range")
    {
        return;
    }
    assert_eq!(ours.is_ok(), theirs.is_ok(), "{}: {ours:?} against {theirs:?}", String::from_utf8_lossy(line));
    let (Ok(outline), Ok(value)) = (ours, theirs) else { return };
    same(&outline, &value, line);
}

fn same(outline: &Outline, value: &Value, line: &[u8]) {
    let text = || String::from_utf8_lossy(line);
    assert_eq!(outline.root, type_of(Some(value)), "{}", text());
    let Value::Object(map) = value else { return };
    let data = map.get("data").and_then(Value::as_object);
    for (name, key) in Key::NAMED {
        let name = str::from_utf8(name).expect("ASCII");
        assert_eq!(outline.top.get(key), type_of(map.get(name)), "{name}: {}", text());
        let inner = data.and_then(|data| data.get(name));
        assert_eq!(outline.data.get(key), type_of(inner), "data.{name}: {}", text());
    }
    if let Some(data) = data {
        // An unknown key that occurs in two spellings counts as two keys.
        let escaped = line.contains(&b'\\');
        assert!(outline.data_has_one_key() == (data.len() == 1) || escaped, "{}", text());
    }
    let ids = [data.and_then(|data| data.get("id")), map.get("id_str"), map.get("id")];
    let ids = ids.map(|id| match id {
        Some(Value::String(id)) => Some(id.clone()),
        Some(Value::Number(id)) => id.as_u64().map(|id| id.to_string()),
        _ => Some(String::new()),
    });
    // As bytes, so not where they could be written in another way.
    if let [Some(first), Some(second), Some(third)] = &ids
        && !line.contains(&b'\\')
    {
        let id = [first, second, third].into_iter().find(|id| !id.is_empty());
        assert_eq!(outline.id, id.map_or(&b""[..], String::as_bytes), "{}", text());
    }
    if let Some(message) = map.get("message") {
        let ours = serde_json::from_slice::<Value>(outline.message);
        assert!(message.is_array() || ours.is_ok_and(|ours| ours == *message), "{}", text());
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

/// What JSON is made of, and what it is not.
const TOKENS: [&str; 14] =
    ["{", "}", "[", "]", ",", ":", "\"data\"", "\"id\"", "\"\\u00e9\"", "0", "-1.5e3", "true", "\\", " "];

/// What surrounds the tokens: an object must close for the fast path to look at it at all.
const AROUND: [(&str, &str); 5] =
    [("", ""), ("{", "}"), ("{\"data\":", "}"), ("{\"data\":{\"id\":[", "]}}"), ("{\"id\":\"", "\"}")];

/// Calls `check` with every string of at most `most` tokens, in every surrounding, by itself, where a block of 64 bytes
/// ends within it, and where a window of 32 blocks does. Returns how many lines these are.
pub fn every_string_of_tokens(most: usize, check: &mut impl FnMut(&[u8])) -> u64 {
    fn grow(line: &mut Vec<u8>, left: usize, check: &mut impl FnMut(&[u8])) -> u64 {
        let mut lines = 0;
        for (before, after) in AROUND {
            // The padding makes the tokens begin one to a few bytes before a block's edge.
            for edge in [0, 64 - before.len(), 61, 2048 - 4] {
                let pad = edge.saturating_sub(before.len() + "{\"\":0,".len());
                let mut whole = Vec::new();
                if edge == 0 || before.is_empty() {
                    whole.extend_from_slice(before.as_bytes());
                } else {
                    whole.extend_from_slice(b"{\"");
                    whole.resize(2 + pad, b'p');
                    whole.extend_from_slice(b"\":0,");
                    whole.extend_from_slice(&before.as_bytes()[1..]);
                }
                whole.extend_from_slice(line);
                whole.extend_from_slice(after.as_bytes());
                check(&whole);
                lines += 1;
                if before.is_empty() {
                    break;
                }
            }
        }
        if left > 0 {
            for token in TOKENS {
                let length = line.len();
                line.extend_from_slice(token.as_bytes());
                lines += grow(line, left - 1, check);
                line.truncate(length);
            }
        }
        lines
    }
    grow(&mut Vec::new(), most, check)
}

/// Pieces that make a line wrong in ways that random bytes seldom find, and some that leave it right.
const PIECES: [&[u8]; 60] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"\\\\",
    b"\\\"",
    b"\\u",
    b"\\u00e9",
    b"\\ud83d\\ude00",
    b"\\ud83d",
    b"\\ude00",
    b"\\uD83D\\u0041",
    b"\\u12g4",
    b"\\x",
    b"\\/",
    b"0",
    b"00",
    b"-0",
    b"-",
    b"1.",
    b".5",
    b"1e5",
    b"1E+",
    b"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
    b"true",
    b"false",
    b"null",
    b"nul",
    b"truefalse",
    b" ",
    b"\t",
    b"\r",
    b"\0",
    b"\x1f",
    b"\x7f",
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xc3",
    b"\xc3\xa9",
    b"\xe2\x80\xa8",
    b"\xf0\x9f\x98\x80",
    b"\xf4\x90\x80\x80",
    b"\"data\":{}",
    b",\"data\":{\"id\":\"1\"}",
    b"\"data\":",
    b",\"id\":1",
    b"\"d\\u0061ta\":",
    b",\"type\":\"t\"",
    b"{\"a\":[[],{}]}",
    b",\"message\":{\"a\":1}",
    b"[[[[[[[[",
    b"]]]]]]]]",
    b"{\"a\":{\"a\":",
    b"}}",
    b"\"\":\"\"",
];

/// An endless supply of lines that are nearly posts.
pub struct Mutants {
    rng: Rng,
    posts: Vec<Vec<u8>>,
    line: Vec<u8>,
}

impl Mutants {
    /// Of generated posts and of `more` lines. The same seed gives the same lines.
    pub fn new<'a>(seed: u64, more: impl Iterator<Item = &'a [u8]>) -> Mutants {
        let mut made = Posts::new(seed);
        let mut posts: Vec<Vec<u8>> = more.map(<[u8]>::to_vec).collect();
        for n in 0..posts.len().max(200) as u64 {
            let mut post = Vec::new();
            made.next(1_790_000_000_000 + n, &mut post);
            posts.push(post);
        }
        posts.retain(|post| !post.is_empty());
        Mutants { rng: Rng::with_seed(seed), posts, line: Vec::new() }
    }

    /// The next line: a post with one to four faults, or turns that are none.
    pub fn next(&mut self) -> &[u8] {
        let Mutants { rng, posts, line } = self;
        line.clear();
        line.extend_from_slice(&posts[rng.usize(..posts.len())]);
        // A short line has more of its faults where the grammar is.
        if rng.u8(..3) == 0 {
            let from = rng.usize(..line.len());
            let to = rng.usize(from..line.len());
            line.drain(from..to);
        }
        for _ in 0..rng.u8(1..=4) {
            mutate(rng, posts, line);
        }
        line
    }
}

fn mutate(rng: &mut Rng, posts: &[Vec<u8>], line: &mut Vec<u8>) {
    if line.is_empty() {
        line.extend_from_slice(b"{}");
    }
    let at = rng.usize(..line.len());
    let end = (at + rng.usize(1..40)).min(line.len());
    match rng.u8(..12) {
        0 => line[at] = rng.u8(..),
        1 => line[at] ^= 1 << rng.u8(..8),
        2 => drop(line.drain(at..end)),
        3 => drop(line.remove(at)),
        4 => line.truncate(at),
        5 => {
            let part = line[at..end].to_vec();
            let to = rng.usize(..=line.len());
            line.splice(to..to, part);
        }
        6 => {
            let other = &posts[rng.usize(..posts.len())];
            let from = rng.usize(..other.len());
            let part = other[from..(from + rng.usize(1..200)).min(other.len())].to_vec();
            line.splice(at..at, part);
        }
        // After a quote it only moves what follows across the blocks.
        7 | 8 => {
            let place = line.iter().skip(at).position(|byte| *byte == b'"').map_or(at, |n| at + n + 1);
            let pad = vec![b'x'; rng.usize(1..70)];
            line.splice(place..place, pad);
        }
        9 => {
            let piece = PIECES[rng.usize(..PIECES.len())];
            let end = (at + piece.len()).min(line.len());
            line.splice(at..end, piece.iter().copied());
        }
        // After a structural byte it is where the grammar is checked.
        10 => {
            let piece = PIECES[rng.usize(..PIECES.len())];
            let place = line.iter().skip(at).position(|byte| b"{}[],:\"".contains(byte)).map_or(at, |n| at + n + 1);
            line.splice(place..place, piece.iter().copied());
        }
        _ => {
            let piece = PIECES[rng.usize(..PIECES.len())];
            line.splice(at..at, piece.iter().copied());
        }
    }
}
