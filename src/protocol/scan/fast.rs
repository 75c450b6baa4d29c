//! The fast path: the line in blocks of 64 bytes, each block as bit masks, bit i standing for byte i.
//!
//! It may only say "valid, here are the keys" or "unknown"; what is unknown goes to the exact machine. So it need
//! only be sound, never complete. It takes objects without white space outside strings, which is every post, and
//! does not know lines with escapes in keys, with control characters, or nested deeper than [`LEVELS`].
//!
//! Its law: what it takes, [`super::exact::scan`] takes, with the same shape. `tests/scan.rs`, `benches/agree.rs` and
//! the fuzz target hold it to that.
//!
//! How a block is judged. Strings are the bytes between an odd and an even quote that is not escaped. Outside them
//! stand structural bytes and runs of other bytes, which are literals and numbers. Nearly the whole grammar is then
//! about neighbours: a value begins after a separator or an opening bracket and nowhere else; a comma and a closing
//! bracket never follow a separator; a colon follows a key and nothing else. Only brackets are looked at one by one,
//! with one bit a level for what they open.
//!
//! `std::arch` is closed to a crate without `unsafe`, so the masks come from `safe_arch` (SSE2, which every x86-64
//! has) and `pulp` (AVX2, where the processor has it). Under `pulp` whatever touches a vector must be inlined: a
//! call costs three quarters of the speed, which `benches/stream.rs` shows.

// See above: what is not inlined is compiled without AVX2.
#![allow(clippy::inline_always)]

use pulp::x86::V3;
use safe_arch::m128i;

use super::{Gather, Key, Shape, Slot, Type, number_end, plain_end};

/// How deep a line may be nested: one bit a level, and one to mark the bottom. Posts have about eight levels.
pub const LEVELS: u32 = 63;

/// Proves that `line` is one JSON object and reports its shape; nothing if this path cannot tell.
#[must_use]
pub fn scan(line: &[u8]) -> Option<Shape<'_>> {
    match V3::try_new() {
        Some(simd) => simd.vectorize(Wide { simd, line }),
        None => scan_narrow(line),
    }
}

/// [`scan`] with the vectors that every x86-64 has.
#[must_use]
pub fn scan_narrow(line: &[u8]) -> Option<Shape<'_>> {
    walk(Sse2, line)
}

/// [`walk`] as `pulp` wants it: what `call` inlines is compiled for AVX2.
struct Wide<'a> {
    simd: V3,
    line: &'a [u8],
}

impl<'a> pulp::NullaryFnOnce for Wide<'a> {
    type Output = Option<Shape<'a>>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        walk(self.simd, self.line)
    }
}

const SIZE: usize = 64;
type Block = [u8; SIZE];

/// Where the bytes that matter stand in a block.
struct Planes {
    quote: u64,
    backslash: u64,
    open: u64,
    close: u64,
    comma: u64,
    colon: u64,
    /// Whether a byte is below 0x20.
    control: bool,
    /// Whether a byte is beyond ASCII.
    text: bool,
}

/// A processor that compares many bytes at once.
trait Vectors: Copy {
    fn planes(self, block: &Block) -> Planes;
    /// Where digits stand, and where zeros do.
    fn digits(self, block: &Block) -> (u64, u64);
}

/// Bit 5 turns `[` into `{` and `]` into `}`, and no other byte into either.
const FOLD: i8 = 0x20;

#[derive(Clone, Copy)]
struct Sse2;

impl Sse2 {
    #[inline(always)]
    fn load(block: &Block) -> [m128i; 4] {
        let (parts, _) = block.as_chunks::<16>();
        [parts[0].into(), parts[1].into(), parts[2].into(), parts[3].into()]
    }

    #[inline(always)]
    fn mask(parts: [m128i; 4], test: impl Fn(m128i) -> m128i) -> u64 {
        let bits = |part| u64::from(safe_arch::move_mask_i8_m128i(test(part)).cast_unsigned());
        bits(parts[0]) | bits(parts[1]) << 16 | bits(parts[2]) << 32 | bits(parts[3]) << 48
    }

    #[inline(always)]
    fn equal(parts: [m128i; 4], byte: u8) -> u64 {
        let wanted = safe_arch::set_splat_i8_m128i(byte.cast_signed());
        Sse2::mask(parts, |part| safe_arch::cmp_eq_mask_i8_m128i(part, wanted))
    }
}

impl Vectors for Sse2 {
    #[inline(always)]
    fn planes(self, block: &Block) -> Planes {
        use safe_arch::{bitor_m128i as or, min_u8_m128i as min};
        let parts = Sse2::load(block);
        let bit = safe_arch::set_splat_i8_m128i(FOLD);
        let folded = parts.map(|part| or(part, bit));
        let least = min(min(parts[0], parts[1]), min(parts[2], parts[3]));
        let highest = safe_arch::set_splat_i8_m128i(0x1f);
        let control = safe_arch::cmp_eq_mask_i8_m128i(min(least, highest), least);
        let all = or(or(parts[0], parts[1]), or(parts[2], parts[3]));
        Planes {
            quote: Sse2::equal(parts, b'"'),
            backslash: Sse2::equal(parts, b'\\'),
            open: Sse2::equal(folded, b'{'),
            close: Sse2::equal(folded, b'}'),
            comma: Sse2::equal(parts, b','),
            colon: Sse2::equal(parts, b':'),
            control: safe_arch::move_mask_i8_m128i(control) != 0,
            text: safe_arch::move_mask_i8_m128i(all) != 0,
        }
    }

    #[inline(always)]
    fn digits(self, block: &Block) -> (u64, u64) {
        let parts = Sse2::load(block);
        let zero = safe_arch::set_splat_i8_m128i(b'0'.cast_signed());
        let nine = safe_arch::set_splat_i8_m128i(9);
        let values = parts.map(|part| safe_arch::sub_i8_m128i(part, zero));
        let digits =
            Sse2::mask(values, |part| safe_arch::cmp_eq_mask_i8_m128i(safe_arch::min_u8_m128i(part, nine), part));
        (digits, Sse2::equal(values, 0))
    }
}

/// The two halves of a block.
#[inline(always)]
fn halves<V: pulp::bytemuck::AnyBitPattern>(block: &Block) -> [V; 2] {
    let (parts, _) = block.as_chunks::<32>();
    [pulp::cast(parts[0]), pulp::cast(parts[1])]
}

/// Joins the masks of the two halves.
#[inline(always)]
fn join(low: i32, high: i32) -> u64 {
    u64::from(low.cast_unsigned()) | u64::from(high.cast_unsigned()) << 32
}

impl Vectors for V3 {
    #[inline(always)]
    fn planes(self, block: &Block) -> Planes {
        let V3 { avx, avx2, .. } = self;
        let [a, b] = halves(block);
        let bit = avx._mm256_set1_epi8(FOLD);
        let (c, d) = (avx2._mm256_or_si256(a, bit), avx2._mm256_or_si256(b, bit));
        let equal = |a, b, byte: u8| {
            let wanted = avx._mm256_set1_epi8(byte.cast_signed());
            join(
                avx2._mm256_movemask_epi8(avx2._mm256_cmpeq_epi8(a, wanted)),
                avx2._mm256_movemask_epi8(avx2._mm256_cmpeq_epi8(b, wanted)),
            )
        };
        let least = avx2._mm256_min_epu8(a, b);
        let control = avx2._mm256_cmpeq_epi8(avx2._mm256_min_epu8(least, avx._mm256_set1_epi8(0x1f)), least);
        Planes {
            quote: equal(a, b, b'"'),
            backslash: equal(a, b, b'\\'),
            open: equal(c, d, b'{'),
            close: equal(c, d, b'}'),
            comma: equal(a, b, b','),
            colon: equal(a, b, b':'),
            control: avx2._mm256_movemask_epi8(control) != 0,
            text: avx2._mm256_movemask_epi8(avx2._mm256_or_si256(a, b)) != 0,
        }
    }

    #[inline(always)]
    fn digits(self, block: &Block) -> (u64, u64) {
        let V3 { avx, avx2, .. } = self;
        let zero = avx._mm256_set1_epi8(b'0'.cast_signed());
        let nine = avx._mm256_set1_epi8(9);
        let [a, b] = halves(block).map(|half| avx2._mm256_sub_epi8(half, zero));
        let digit = |half| avx2._mm256_movemask_epi8(avx2._mm256_cmpeq_epi8(avx2._mm256_min_epu8(half, nine), half));
        let is_zero = |half| avx2._mm256_movemask_epi8(avx2._mm256_cmpeq_epi8(half, avx._mm256_setzero_si256()));
        (join(digit(a), digit(b)), join(is_zero(a), is_zero(b)))
    }
}

/// The whole line, block by block. The last block is filled up with spaces, which are no part of it.
#[inline(always)]
fn walk<V: Vectors>(vectors: V, line: &[u8]) -> Option<Shape<'_>> {
    if line.first() != Some(&b'{') || line.last() != Some(&b'}') {
        return None;
    }
    let (blocks, rest) = line.as_chunks::<SIZE>();
    let mut last = [b' '; SIZE];
    last[..rest.len()].copy_from_slice(rest);
    let mut gather = Gather::new(line);
    let mut walk = Walk::new(line);
    let mut text = Text { line, from: None };
    for n in 0..line.len().div_ceil(SIZE) {
        let (block, real) = match blocks.get(n) {
            Some(block) => (block, u64::MAX),
            None => (&last, !(u64::MAX << rest.len())),
        };
        let planes = vectors.planes(block);
        text.see(n * SIZE, planes.text)?;
        walk.block(vectors, block, n * SIZE, real, &planes, &mut gather)?;
    }
    text.see(line.len(), false)?;
    // Every bracket was closed, the last one by the last byte.
    if !walk.over {
        return None;
    }
    let found = if line.len() == 2 { Type::EmptyObject } else { Type::Object };
    gather.note(Slot::Root, found, 0..line.len());
    Some(gather.shape)
}

/// Proves the blocks with bytes beyond ASCII to be UTF-8, a run of them at a time: before and after it is ASCII,
/// so no character is cut.
struct Text<'a> {
    line: &'a [u8],
    /// Where the run begins, within one.
    from: Option<usize>,
}

impl Text<'_> {
    #[inline(always)]
    fn see(&mut self, at: usize, text: bool) -> Option<()> {
        if text {
            self.from.get_or_insert(at);
        } else if let Some(from) = self.from.take() {
            simdutf8::basic::from_utf8(&self.line[from..at]).ok()?;
        }
        Some(())
    }
}

/// What goes over from block to block. The `after_` bits say of the byte before the block what it was.
struct Walk<'a> {
    line: &'a [u8],
    /// The next byte is escaped.
    escaped: u64,
    /// All ones within a string.
    inside: u64,
    /// Within a key.
    in_key: u64,
    /// The `u` of the low surrogate that the escape before wants; zero for none.
    low_surrogate: usize,
    after_separator: u64,
    after_open: u64,
    /// After `{`, or a comma within an object.
    before_key: u64,
    after_key: u64,
    /// After a byte of a literal or number.
    after_plain: u64,
    /// After a zero that begins a number.
    after_zero: u64,
    /// Where the literal or number began that was met last.
    plain_from: usize,
    /// Where the one ended that was read last.
    plain_to: usize,
    /// One bit a level, the innermost lowest, whether it is an object. Above them a bit that marks the bottom.
    levels: u64,
    /// All ones within an object, at the top level, in the top level's `data`.
    in_object: u64,
    at_top: u64,
    in_data: u64,
    /// Whether the second level, while it is an object, is that of `data`.
    data: bool,
    /// Whether the object is closed.
    over: bool,
}

const BOTTOM: u64 = 1;
/// The levels while a member of the root is looked at.
const TOP: u64 = 0b11;
/// The levels while a member of an object of the root is looked at.
const SECOND: u64 = 0b111;

/// The levels at most while a bracket may lie between those two and what is below them.
const DEEPEST: u64 = 0b1111;

impl<'a> Walk<'a> {
    fn new(line: &'a [u8]) -> Walk<'a> {
        Walk {
            line,
            escaped: 0,
            inside: 0,
            in_key: 0,
            low_surrogate: 0,
            after_separator: 0,
            // The line begins as the content of brackets does: with a value.
            after_open: 1,
            before_key: 0,
            after_key: 0,
            after_plain: 0,
            after_zero: 0,
            plain_from: 0,
            plain_to: 0,
            levels: BOTTOM,
            in_object: 0,
            at_top: 0,
            in_data: 0,
            data: false,
            over: false,
        }
    }

    /// Judges the block at `base`, of which the bytes in `real` belong to the line.
    #[inline(always)]
    fn block<V: Vectors>(
        &mut self,
        vectors: V,
        block: &Block,
        base: usize,
        real: u64,
        planes: &Planes,
        gather: &mut Gather<'a>,
    ) -> Option<()> {
        if planes.control {
            return None;
        }
        let mut quote = planes.quote;
        if planes.backslash | self.escaped != 0 {
            let escaped = self.escapes(planes.backslash, real);
            self.check_escapes(escaped, base)?;
            quote &= !escaped;
        }
        let inside = prefix_xor(quote) ^ self.inside;
        self.inside = fill(inside >> 63);

        let outside = !inside;
        let (open, close) = (planes.open & outside, planes.close & outside);
        let (comma, colon) = (planes.comma & outside, planes.colon & outside);
        let plain = outside & real & !(quote | open | close | comma | colon);

        let separator = comma | colon;
        let follows_separator = take(separator, &mut self.after_separator);
        let follows_start = follows_separator | take(open, &mut self.after_open);
        let string = quote & inside;
        let starts = plain & !take(plain, &mut self.after_plain);
        let value = string | open | starts;
        if value & !follows_start | comma & follows_start | close & follows_separator != 0 {
            return None;
        }
        if plain != 0 {
            self.check_plain(vectors, block, base, plain, starts)?;
        } else {
            self.after_zero = 0;
        }

        let levels = self.brackets(block, base, open, close)?;
        let wants_key = take((open | comma) & levels.in_object, &mut self.before_key);
        if wants_key & !(string | close) != 0 {
            return None;
        }
        // Added to the bytes inside strings, the first byte of a key carries to its closing quote.
        let keys = wants_key & string;
        let (carried, over) = inside.overflowing_add(keys | self.in_key);
        self.in_key = u64::from(over);
        let ends = carried & outside;
        if planes.backslash & inside & !carried != 0 || colon != take(ends, &mut self.after_key) {
            return None;
        }
        let mut wanted = keys & (levels.at_top | levels.in_data);
        while wanted != 0 {
            let bit = wanted & wanted.wrapping_neg();
            wanted ^= bit;
            let opened = base + bit.trailing_zeros() as usize;
            let end = ends & !(bit - 1);
            let closed = if end == 0 { plain_end(self.line, opened + 1) } else { base + end.trailing_zeros() as usize };
            member(gather, opened, closed, levels.in_data & bit != 0)?;
        }
        Some(())
    }

    /// Which bytes are escaped: those after an odd run of backslashes. simdjson's carry trick.
    #[inline(always)]
    fn escapes(&mut self, backslash: u64, real: u64) -> u64 {
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        let starting = backslash & !self.escaped;
        let even = (starting << 1 | ODD).wrapping_sub(starting) ^ ODD;
        let escaped = even ^ (backslash | self.escaped);
        self.escaped = (even & backslash) >> 63;
        escaped & real
    }

    /// Whether each escape is one that JSON knows, and surrogates come in pairs.
    #[inline(always)]
    fn check_escapes(&mut self, mut escaped: u64, base: usize) -> Option<()> {
        while escaped != 0 {
            let at = base + escaped.trailing_zeros() as usize;
            escaped &= escaped - 1;
            let byte = self.line[at];
            // Two tests, not a jump by the byte, which the processor guesses badly.
            if byte != b'u' {
                if !matches!(byte, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') {
                    return None;
                }
                continue;
            }
            let code = hex(self.line.get(at + 1..at + 5)?)?;
            // The low half stands where the high half wants it, and nowhere else.
            if (0xDC00..=0xDFFF).contains(&code) != (at == self.low_surrogate) {
                return None;
            }
            if (0xD800..=0xDBFF).contains(&code) {
                if !self.line[at + 5..].starts_with(b"\\u") {
                    return None;
                }
                self.low_surrogate = at + 6;
            }
        }
        Some(())
    }

    /// Reads what stands outside strings and is not structural. Whole numbers need no look but for leading zeros.
    #[inline(always)]
    fn check_plain<V: Vectors>(
        &mut self,
        vectors: V,
        block: &Block,
        base: usize,
        plain: u64,
        starts: u64,
    ) -> Option<()> {
        let (digits, zeros) = vectors.digits(block);
        if take(starts & zeros, &mut self.after_zero) & digits & plain != 0 {
            return None;
        }
        let mut other = plain & !digits & from(self.plain_to, base);
        while other != 0 {
            let bit = other & other.wrapping_neg();
            let before = starts & (bit | (bit - 1));
            let started = if before == 0 { self.plain_from } else { base + before.ilog2() as usize };
            let end = self.plain_end(started)?;
            self.plain_to = end;
            other &= from(end, base);
        }
        if starts != 0 {
            self.plain_from = base + starts.ilog2() as usize;
        }
        Some(())
    }

    /// Where the literal or number ends that begins at `started`, if it is one and nothing is glued to it.
    #[inline]
    fn plain_end(&self, started: usize) -> Option<usize> {
        let rest = &self.line[started..];
        let end = match rest.first()? {
            b't' if rest.starts_with(b"true") => started + 4,
            b'f' if rest.starts_with(b"false") => started + 5,
            b'n' if rest.starts_with(b"null") => started + 4,
            b'-' | b'0'..=b'9' => number_end(self.line, started).ok()?,
            _ => return None,
        };
        matches!(self.line.get(end), Some(b',' | b'}' | b']')).then_some(end)
    }

    /// Follows the brackets, and says for each byte what it is in.
    #[inline(always)]
    fn brackets(&mut self, block: &Block, base: usize, open: u64, close: u64) -> Option<Levels> {
        let mut levels = Levels { in_object: self.in_object, at_top: self.at_top, in_data: self.in_data };
        let mut rest = open | close;
        if rest == 0 {
            return Some(levels);
        }
        while rest != 0 {
            let bit = rest & rest.wrapping_neg();
            let n = bit.trailing_zeros() as usize;
            rest ^= bit;
            // Bit 5 tells a brace from a bracket.
            let brace = u64::from(block[n] >> 5 & 1);
            if open & bit != 0 {
                if self.levels >> LEVELS != 0 {
                    return None;
                }
                self.levels = self.levels << 1 | brace;
                if self.levels == SECOND {
                    // Where it is not the key that ends here, the key has an escape, and the line is unknown.
                    self.data = self.line[..base + n].ends_with(b"\"data\":");
                }
            } else {
                if self.levels & 1 != brace {
                    return None;
                }
                self.levels >>= 1;
                if self.levels == BOTTOM {
                    if base + n + 1 != self.line.len() {
                        return None;
                    }
                    self.over = true;
                }
            }
            // From this byte on it is so, until the next bracket.
            let here = bit.wrapping_neg();
            let turn = |plane: &mut u64, to: bool| *plane = *plane & !here | fill(u64::from(to)) & here;
            turn(&mut levels.in_object, self.levels & 1 == 1);
            // Deeper down nothing enters or leaves the two levels whose members count.
            if self.levels <= DEEPEST {
                turn(&mut levels.at_top, self.levels == TOP);
                turn(&mut levels.in_data, self.levels == SECOND && self.data);
            }
        }
        self.in_object = fill(levels.in_object >> 63);
        self.at_top = fill(levels.at_top >> 63);
        self.in_data = fill(levels.in_data >> 63);
        Some(levels)
    }
}

/// For each byte what it is in: an object, the root itself, the root's `data` itself.
struct Levels {
    in_object: u64,
    at_top: u64,
    in_data: u64,
}

/// Notes the member whose key stands between the quotes at `opened` and `closed`. What follows it is not judged
/// yet, but if the line is valid it is a colon and a value.
fn member(gather: &mut Gather, opened: usize, closed: usize, data: bool) -> Option<()> {
    let line = gather.bytes;
    let started = closed + 2;
    // A key that goes on into the next block may have no end at all.
    let next = line.get(started + 1)?;
    let slot = gather.key(opened..closed + 1, &line[opened + 1..closed], data);
    if slot == Slot::Elsewhere {
        return Some(());
    }
    let found = match line[started] {
        b'"' => Type::String,
        b'-' | b'0'..=b'9' => Type::Number,
        b't' | b'f' => Type::Bool,
        b'n' => Type::Null,
        b'{' if *next == b'}' => Type::EmptyObject,
        b'{' => Type::Object,
        b'[' if *next == b']' => Type::EmptyArray,
        b'[' => Type::Array,
        _ => return None,
    };
    let end = match slot {
        // An object's end would have to be waited for. It is the wrapper of a site stream, which is rare.
        Slot::Top(Key::Message) => return None,
        Slot::Top(Key::Id | Key::IdStr | Key::Type) | Slot::Data(Key::Id) => match found {
            Type::String => {
                let end = plain_end(line, started + 1);
                if line.get(end) != Some(&b'"') {
                    return None;
                }
                end + 1
            }
            Type::Number => number_end(line, started).ok()?,
            _ => started,
        },
        _ => started,
    };
    gather.note(slot, found, started..end);
    Some(())
}

/// `bits` moved to the bytes that follow them. The last one goes over to the next block, which is kept in `carry`.
#[inline(always)]
fn take(bits: u64, carry: &mut u64) -> u64 {
    let moved = bits << 1 | *carry;
    *carry = bits >> 63;
    moved
}

/// All ones for 1, none for 0.
#[inline(always)]
fn fill(bit: u64) -> u64 {
    bit.wrapping_neg()
}

/// The bits of the bytes from `at` on, in the block at `base`.
#[inline(always)]
fn from(at: usize, base: usize) -> u64 {
    match at.saturating_sub(base) {
        n @ ..SIZE => u64::MAX << n,
        _ => 0,
    }
}

/// Each bit the sum of those up to it: from an odd quote, itself included, to the even one after it, excluded.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// The value of four hex digits.
#[inline(always)]
fn hex(digits: &[u8]) -> Option<u32> {
    const NONE: u8 = 0xff;
    const VALUES: [u8; 256] = {
        let mut values = [NONE; 256];
        let mut value = 0;
        while value < 16 {
            let digit = b"0123456789abcdef"[value as usize];
            values[digit as usize] = value;
            values[digit.to_ascii_uppercase() as usize] = value;
            value += 1;
        }
        values
    };
    let [a, b, c, d] = *digits.first_chunk::<4>()?;
    let [a, b, c, d] = [a, b, c, d].map(|digit| VALUES[usize::from(digit)]);
    if (a | b | c | d) == NONE {
        return None;
    }
    Some(u32::from(a) << 12 | u32::from(b) << 8 | u32::from(c) << 4 | u32::from(d))
}
