//! The fast path: from string to string, which vectors have found before.
//!
//! It may only say "valid, here are the keys" or "unknown"; what is unknown goes to the exact machine. So it need
//! only be sound, never complete. It takes objects without white space outside strings, which is every post, and
//! does not know lines with escapes in keys, with control characters, or nested deeper than [`LEVELS`].
//!
//! Its law: what it takes, [`super::exact::scan`] takes, with the same shape. `tests/all/scan.rs`, `benches/agree.rs` and
//! the fuzz target hold it to that.
//!
//! Two passes, two kilobytes at a time. The first looks at 64 bytes together and marks where a string may stop:
//! quotes, backslashes, control characters. It also proves the text to be UTF-8. The second follows the grammar and
//! goes from mark to mark, so no string is read byte by byte, and nothing has to be known of one string to know where
//! the next one is.
//!
//! `std::arch` is closed to a crate without `unsafe`, so the vectors are those of `safe_arch`: SSE2, which every
//! x86-64 has. AVX2 gained three per cent.

// A call for each string costs a tenth.
#![allow(clippy::inline_always)]

use safe_arch::{
    bitor_m128i as or, cmp_eq_mask_i8_m128i as equal, m128i, min_u8_m128i as min, move_mask_i8_m128i,
    set_splat_i8_m128i, sub_i8_m128i,
};

use super::{Gather, Key, Shape, Slot, Type, number_end};

/// How deep a line may be nested: one bit a level, and one to mark the bottom. Posts have about eight levels.
pub const LEVELS: u32 = 63;

/// Bytes that are looked at together: a bit for each.
const SIZE: usize = 64;

/// Blocks that are looked at before the grammar is. Two kilobytes are most posts.
const WINDOW: usize = 32;

/// The levels while a member of the root is looked at.
const TOP: u64 = 0b11;

/// The levels while a member of an object of the root is looked at.
const SECOND: u64 = 0b111;

/// Proves that `line` is one JSON object and reports its shape; nothing if this path cannot tell.
#[must_use]
pub fn scan(line: &[u8]) -> Option<Shape<'_>> {
    if !line.starts_with(b"{\"") {
        return None;
    }
    let mut marks = Marks { line, masks: [0; WINDOW], text: None };
    let mut stops = Stops { base: 0, bits: marks.fill(0)? };
    let mut gather = Gather::new(line);
    // One bit a level, the innermost lowest, whether it is an object. Above them a bit that marks the bottom.
    let mut levels = TOP;
    // Whether the second level, while it is an object, is that of `data`.
    let mut data = false;
    let mut at = 1;
    loop {
        // A key, in an object; what comes after it or in an array is a value.
        let mut slot = Slot::Elsewhere;
        let first = if levels & 1 == 1 {
            let opened = stops.next(&mut marks)?;
            if opened != at || line[opened] != b'"' {
                return None;
            }
            let closed = stops.next(&mut marks)?;
            // No value is shorter than one byte, and something closes the object.
            let [b'"', b':', first, _] = *line[closed..].first_chunk()? else { return None };
            if levels <= SECOND && (levels == TOP || data) {
                slot = gather.key(opened..closed + 1, &line[opened + 1..closed], levels == SECOND);
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
            // Each closing bracket comes two after its opening one.
            b'{' | b'[' if *line.get(at + 1)? != first + 2 => {
                let object = first == b'{';
                if slot != Slot::Elsewhere {
                    // An object's end would have to be waited for. It is the wrapper of a site stream, which is rare.
                    if slot == Slot::Top(Key::Message) {
                        return None;
                    }
                    gather.note(slot, if object { Type::Object } else { Type::Array }, started..started + 1);
                }
                if levels >> LEVELS != 0 {
                    return None;
                }
                if levels == TOP {
                    data = slot == Slot::Top(Key::Data);
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
        if slot != Slot::Elsewhere {
            gather.note(slot, found, started..at);
        }
        // What ends with the value, and the comma.
        loop {
            let byte = *line.get(at)?;
            at += 1;
            if byte == b',' {
                break;
            }
            // Bit 5 tells a brace from a bracket.
            if byte != b']' | u8::from(levels & 1 == 1) << 5 {
                return None;
            }
            levels >>= 1;
            if levels == 1 {
                // Text that reaches into a window without marks has not been proved.
                if at != line.len() || marks.text.is_some() {
                    return None;
                }
                gather.note(Slot::Root, Type::Object, 0..at);
                return Some(gather.shape);
            }
        }
    }
}

/// The first pass: where strings may stop, a window at a time.
struct Marks<'a> {
    line: &'a [u8],
    /// The window, a mask for each block of 64 bytes, bit i standing for byte i.
    masks: [u64; WINDOW],
    /// Where the run of blocks with bytes beyond ASCII begins that has not ended yet.
    text: Option<usize>,
}

impl Marks<'_> {
    /// Marks the window that begins at `base`, and gives its first block; nothing if the text is not UTF-8.
    #[inline(never)]
    fn fill(&mut self, base: usize) -> Option<u64> {
        let (blocks, rest) = self.line[base..].as_chunks::<SIZE>();
        let mut beyond = 0;
        for (n, (block, mask)) in blocks.iter().zip(&mut self.masks).enumerate() {
            let text;
            (*mask, text) = look(block);
            beyond |= u32::from(text) << n;
        }
        if let Some(mask) = self.masks.get_mut(blocks.len()) {
            // The last block is filled up with spaces, which are no part of the line and never asked for.
            let mut block = [b' '; SIZE];
            block[..rest.len()].copy_from_slice(rest);
            let text;
            (*mask, text) = look(&block);
            beyond |= u32::from(text) << blocks.len();
        }
        self.check_text(base, beyond)?;
        Some(self.masks[0])
    }

    /// Proves each run of blocks with bytes beyond ASCII to be UTF-8, of which `beyond` has a bit for each block of the
    /// window at `base`. Before and after a run it is ASCII, so no character is cut.
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

/// The second pass's place among the marks: the block at `base`, with the bits that have not been taken.
struct Stops {
    base: usize,
    bits: u64,
}

impl Stops {
    /// Takes the next mark and says where it stands.
    #[inline(always)]
    fn next(&mut self, marks: &mut Marks) -> Option<usize> {
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

/// Where the string ends whose opening quote is the next mark: behind its closing one.
#[inline(always)]
fn string(line: &[u8], stops: &mut Stops, marks: &mut Marks) -> Option<usize> {
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

/// How many more marks belong to the escape at `at`, if it is one that JSON knows. Surrogates come in pairs.
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

/// Where the number or literal ends that begins at `at`, and what it is. What follows is not looked at.
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

/// Where the number ends that begins with the digit at `at`. Whole numbers of up to fifteen digits need one look.
#[inline(always)]
fn number(line: &[u8], at: usize) -> Option<usize> {
    let end = at + line[at..].first_chunk().map_or(0, digits);
    match line.get(end)? {
        b',' | b'}' | b']' if line[at] != b'0' || end == at + 1 => Some(end),
        _ => number_end(line, at).ok(),
    }
}

fn splat(byte: u8) -> m128i {
    set_splat_i8_m128i(byte.cast_signed())
}

fn mask(bytes: m128i) -> u32 {
    move_mask_i8_m128i(bytes).cast_unsigned()
}

/// Where strings may stop, and whether a byte is beyond ASCII.
#[inline(always)]
fn look(block: &[u8; SIZE]) -> (u64, bool) {
    let (parts, _) = block.as_chunks::<16>();
    let parts: [m128i; 4] = [parts[0].into(), parts[1].into(), parts[2].into(), parts[3].into()];
    let [a, b, c, d] = parts.map(|part| {
        let control = equal(min(part, splat(0x1f)), part);
        u64::from(mask(or(or(equal(part, splat(b'"')), equal(part, splat(b'\\'))), control)))
    });
    let text = mask(or(or(parts[0], parts[1]), or(parts[2], parts[3]))) != 0;
    (a | b << 16 | c << 32 | d << 48, text)
}

/// How many digits stand at the front.
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
