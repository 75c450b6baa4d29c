//! The fast path: vector instructions find the ends of strings before the grammar is checked.
//!
//! It answers "valid, with these keys" or "unknown", and unknown lines go to the exact path, so it must be sound but
//! not complete. It accepts objects without white space outside strings, which is how X formats every post, and
//! does not handle lines with escapes in keys, with control characters, or nested deeper than [`LEVELS`].
//!
//! Law: what it accepts, [`super::exact::scan`] accepts, with the same outline. `tests/all/scan.rs`,
//! `benches/agree.rs` and the fuzz target check that.
//!
//! Two passes, two kilobytes at a time. The first tests 64 bytes together and marks where a string may stop: quotes,
//! backslashes, control characters. It also proves the text to be UTF-8. The second follows the grammar from mark to
//! mark, so no string is read byte by byte, and the place of one string does not depend on the content of another.
//!
//! `std::arch` needs `unsafe`, so the vectors are those of `safe_arch`: SSE2, which every x86-64 has. AVX2 gains
//! three per cent.

// Without it, a function call per string costs a tenth.
#![allow(clippy::inline_always)]

use safe_arch::{
    bitor_m128i as or, cmp_eq_mask_i8_m128i as equal, m128i, min_u8_m128i as min, move_mask_i8_m128i,
    set_splat_i8_m128i, sub_i8_m128i,
};

use super::{Key, Outline, OutlineBuilder, Position, Type, number_end};

/// How deep a line may be nested: one bit per level, and one that marks the bottom. Posts have about eight levels.
pub const LEVELS: u32 = 63;

/// Bytes that are tested together: one bit for each.
const SIZE: usize = 64;

/// Blocks that are marked before the grammar is checked. Most posts have less than two kilobytes.
const WINDOW: usize = 32;

/// The levels while a member of the root is read.
const TOP: u64 = 0b11;

/// The levels while a member of an object in the root is read.
const SECOND: u64 = 0b111;

/// Proves that `line` is one JSON object and returns its outline; `None` if this path cannot decide.
#[must_use]
pub fn scan(line: &[u8]) -> Option<Outline<'_>> {
    if !line.starts_with(b"{\"") {
        return None;
    }
    let mut marks = MarkWindow { line, masks: [0; WINDOW], text: None };
    let mut stops = MarkCursor { base: 0, bits: marks.fill(0)? };
    let mut builder = OutlineBuilder::new(line);
    // One bit per level, the innermost lowest: whether it is an object. Above them a bit that marks the bottom.
    let mut levels = TOP;
    // Whether the second level, while it is an object, is that of `data`.
    let mut data = false;
    let mut at = 1;
    loop {
        // In an object a key comes first; after it, or in an array, a value.
        let mut position = Position::Elsewhere;
        let first = if levels & 1 == 1 {
            let opened = stops.next(&mut marks)?;
            if opened != at || line[opened] != b'"' {
                return None;
            }
            let closed = stops.next(&mut marks)?;
            // A value has at least one byte, and the object a closing brace.
            let [b'"', b':', first, _] = *line[closed..].first_chunk()? else { return None };
            if levels <= SECOND && (levels == TOP || data) {
                position = builder.key(opened..closed + 1, &line[opened + 1..closed], levels == SECOND);
            }
            at = closed + 2;
            first
        } else {
            *line.get(at)?
        };
        let started = at;
        let found = match first {
            b'"' => {
                at = string(line, &mut stops, &mut marks)?;
                Type::String
            }
            // In ASCII each closing bracket is two after its opening one.
            b'{' | b'[' if *line.get(at + 1)? != first + 2 => {
                let object = first == b'{';
                if position != Position::Elsewhere {
                    // Its bytes are needed and its end is not known yet. Only site streams, which are rare, have it.
                    if position == Position::Top(Key::Message) {
                        return None;
                    }
                    builder.record(position, if object { Type::Object } else { Type::Array }, started..started + 1);
                }
                if levels >> LEVELS != 0 {
                    return None;
                }
                if levels == TOP {
                    data = position == Position::Top(Key::Data);
                }
                levels = levels << 1 | u64::from(object);
                at += 1;
                continue;
            }
            b'{' => {
                at += 2;
                Type::EmptyObject
            }
            b'[' => {
                at += 2;
                Type::EmptyArray
            }
            _ => {
                let found;
                (at, found) = plain(line, at)?;
                found
            }
        };
        if position != Position::Elsewhere {
            builder.record(position, found, started..at);
        }
        // The containers that end with the value, then the comma.
        loop {
            let byte = *line.get(at)?;
            at += 1;
            if byte == b',' {
                break;
            }
            // Bit 5 distinguishes a brace from a bracket.
            if byte != b']' | u8::from(levels & 1 == 1) << 5 {
                return None;
            }
            levels >>= 1;
            if levels == 1 {
                // Text that continues into a window without marks is not checked yet.
                if at != line.len() || marks.text.is_some() {
                    return None;
                }
                builder.record(Position::Root, Type::Object, 0..at);
                return Some(builder.outline);
            }
        }
    }
}

/// The first pass: where strings may stop, one window at a time.
struct MarkWindow<'a> {
    line: &'a [u8],
    /// The window: a mask for each block of 64 bytes, bit i for byte i.
    masks: [u64; WINDOW],
    /// Where the current run of blocks with bytes beyond ASCII begins.
    text: Option<usize>,
}

impl MarkWindow<'_> {
    /// Marks the window that begins at `base` and returns its first block; `None` if the text is not UTF-8.
    #[inline(never)]
    fn fill(&mut self, base: usize) -> Option<u64> {
        let (blocks, rest) = self.line[base..].as_chunks::<SIZE>();
        let mut beyond = 0;
        for (n, (block, mask)) in blocks.iter().zip(&mut self.masks).enumerate() {
            let text;
            (*mask, text) = mark(block);
            beyond |= u32::from(text) << n;
        }
        if let Some(mask) = self.masks.get_mut(blocks.len()) {
            // The last block is padded with spaces, which are not part of the line and never read.
            let mut block = [b' '; SIZE];
            block[..rest.len()].copy_from_slice(rest);
            let text;
            (*mask, text) = mark(&block);
            beyond |= u32::from(text) << blocks.len();
        }
        self.check_text(base, beyond)?;
        Some(self.masks[0])
    }

    /// Proves each run of blocks with bytes beyond ASCII to be UTF-8; `beyond` has a bit for each block of the window
    /// at `base`. The blocks around a run are ASCII, so no character is cut.
    fn check_text(&mut self, base: usize, beyond: u32) -> Option<()> {
        let mut n = 0;
        while n < WINDOW {
            if let Some(from) = self.text {
                n += (beyond >> n).trailing_ones() as usize;
                let end = base + n * SIZE;
                if n == WINDOW && end < self.line.len() {
                    break;
                }
                simdutf8::basic::from_utf8(&self.line[from..end.min(self.line.len())]).ok()?;
                self.text = None;
            } else {
                n += (beyond >> n).trailing_zeros() as usize;
                if n < WINDOW {
                    self.text = Some(base + n * SIZE);
                }
            }
        }
        Some(())
    }
}

/// The second pass's position among the marks: the block at `base`, with the bits not consumed yet.
struct MarkCursor {
    base: usize,
    bits: u64,
}

impl MarkCursor {
    /// Consumes the next mark and returns its offset.
    #[inline(always)]
    fn next(&mut self, marks: &mut MarkWindow) -> Option<usize> {
        while self.bits == 0 {
            self.base += SIZE;
            if self.base >= marks.line.len() {
                return None;
            }
            let n = self.base / SIZE % WINDOW;
            self.bits = if n == 0 { marks.fill(self.base)? } else { marks.masks[n] };
        }
        let at = self.base + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(at)
    }
}

/// The end, after the closing quote, of the string whose opening quote is the next mark.
#[inline(always)]
fn string(line: &[u8], stops: &mut MarkCursor, marks: &mut MarkWindow) -> Option<usize> {
    stops.next(marks)?;
    loop {
        let at = stops.next(marks)?;
        if *line.get(at)? == b'"' {
            return Some(at + 1);
        }
        for _ in 0..escape(line, at)? {
            stops.next(marks)?;
        }
    }
}

/// How many more marks belong to the escape at `at`, if it is a JSON escape. Surrogates come in pairs.
fn escape(line: &[u8], at: usize) -> Option<usize> {
    let [b'\\', byte] = *line[at..].first_chunk()? else { return None };
    match byte {
        b'"' | b'\\' => Some(1),
        b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(0),
        b'u' => match hex(&line[at + 2..])? {
            0xDC00..=0xDFFF => None,
            0xD800..=0xDBFF => {
                let low = hex(line[at + 6..].strip_prefix(b"\\u")?)?;
                (0xDC00..=0xDFFF).contains(&low).then_some(1)
            }
            _ => Some(0),
        },
        _ => None,
    }
}

/// Where the number or literal ends that begins at `at`, and what it is. What follows is not read.
#[inline(always)]
fn plain(line: &[u8], at: usize) -> Option<(usize, Type)> {
    let rest = &line[at..];
    match rest[0] {
        b'0'..=b'9' => Some((number(line, at)?, Type::Number)),
        b't' if rest.starts_with(b"true") => Some((at + 4, Type::Bool)),
        b'f' if rest.starts_with(b"false") => Some((at + 5, Type::Bool)),
        b'n' if rest.starts_with(b"null") => Some((at + 4, Type::Null)),
        b'-' => Some((number_end(line, at).ok()?, Type::Number)),
        _ => None,
    }
}

/// The end of the number that begins with the digit at `at`. Whole numbers of up to fifteen digits need one test.
#[inline(always)]
fn number(line: &[u8], at: usize) -> Option<usize> {
    let end = at + line[at..].first_chunk().map_or(0, digits);
    match line.get(end)? {
        b',' | b'}' | b']' if line[at] != b'0' || end == at + 1 => Some(end),
        _ => number_end(line, at).ok(),
    }
}

#[inline(always)]
fn splat(byte: u8) -> m128i {
    set_splat_i8_m128i(byte.cast_signed())
}

#[inline(always)]
fn mask(bytes: m128i) -> u32 {
    move_mask_i8_m128i(bytes).cast_unsigned()
}

/// Where strings may stop, and whether a byte is beyond ASCII.
#[inline(always)]
fn mark(block: &[u8; SIZE]) -> (u64, bool) {
    let (parts, _) = block.as_chunks::<16>();
    let parts: [m128i; 4] = [parts[0].into(), parts[1].into(), parts[2].into(), parts[3].into()];
    let stops = stops(parts[0]) | stops(parts[1]) << 16 | stops(parts[2]) << 32 | stops(parts[3]) << 48;
    let text = mask(or(or(parts[0], parts[1]), or(parts[2], parts[3]))) != 0;
    (stops, text)
}

/// Where strings may stop, of 16 bytes.
#[inline(always)]
fn stops(part: m128i) -> u64 {
    let control = equal(min(part, splat(0x1f)), part);
    u64::from(mask(or(or(equal(part, splat(b'"')), equal(part, splat(b'\\'))), control)))
}

/// How many digits the bytes begin with.
#[inline(always)]
fn digits(bytes: &[u8; 16]) -> usize {
    let values = sub_i8_m128i((*bytes).into(), splat(b'0'));
    (!mask(equal(min(values, splat(9)), values))).trailing_zeros() as usize
}

/// The value of four hex digits.
#[inline(always)]
fn hex(digits: &[u8]) -> Option<u32> {
    let digits = digits.first_chunk::<4>()?;
    digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))
}
