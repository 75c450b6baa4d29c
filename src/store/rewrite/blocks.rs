//! Reads an archive, plain or gzip, in blocks of whole lines.
//!
//! Its law: the blocks, joined, are the contents, byte for byte, whatever their line ends. Memory is that of one
//! block, or of one line if that is longer; a line over the cap passes in pieces, since nothing decides about it.

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::Path;

use memchr::arch::all::memchr::One;

use crate::pipeline::decode::inflate::Inflater;
use crate::pipeline::decode::split::LINE_CAP;

/// Bytes per read, and the least size of a block. A block passes between threads, which a quarter of it makes felt; four
/// times as much is a longer wait at the ends of a file.
const PORTION: usize = 512 << 10;

/// What opens a gzip member (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockContent {
    /// Whole lines with their ends. Only the last line of the file may have none.
    Lines,
    /// A piece of a line over the cap; the last one ends with the line.
    LongLine {
        /// Whether it is the first piece.
        first: bool,
    },
}

/// Where and why an archive cannot be read further.
#[derive(Debug)]
pub struct Damage {
    /// How many bytes of the file were read before it.
    pub offset: u64,
    /// What the system or the inflater says.
    pub error: io::Error,
    /// The bytes between the last line end and the damage.
    pub rest: Vec<u8>,
}

/// The blocks of one file.
pub struct Blocks {
    file: File,
    inflater: Option<Inflater>,
    /// Compressed bytes, and which of them are not inflated yet.
    input: Vec<u8>,
    unread: Range<usize>,
    newline: One,
    /// What follows the last line end of the last block.
    rest: Vec<u8>,
    /// Whether a line over the cap is being passed on.
    long: bool,
    /// Bytes of the file read so far.
    offset: u64,
    /// How the file ended, once it did.
    ended: Option<Result<(), io::Error>>,
}

impl Blocks {
    /// Opens an archive.
    ///
    /// # Errors
    /// The system refuses.
    pub fn open(path: &Path) -> io::Result<Blocks> {
        Blocks::new(File::open(path)?)
    }

    /// Reads an open file, which may be a pipe, from where it is.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn new(mut file: File) -> io::Result<Blocks> {
        let mut start = Vec::new();
        file.by_ref().take(GZIP.len() as u64).read_to_end(&mut start)?;
        let gzip = start == GZIP;
        let mut blocks = Blocks {
            file,
            inflater: gzip.then(Inflater::default),
            input: Vec::new(),
            unread: 0..0,
            newline: One::new(b'\n'),
            rest: Vec::new(),
            long: false,
            offset: start.len() as u64,
            ended: None,
        };
        if gzip {
            blocks.input.resize(PORTION, 0);
            let inflater = blocks.inflater.get_or_insert_default();
            inflater.push(&start, |_| {})?;
        } else {
            blocks.rest = start;
        }
        Ok(blocks)
    }

    /// Whether the file is gzip.
    #[must_use]
    pub fn is_gzip(&self) -> bool {
        self.inflater.is_some()
    }

    /// Bytes of the file read so far.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Replaces the contents of `block` by the next block; `None` at the end of the file.
    ///
    /// # Errors
    /// The file is damaged here; all whole lines before the damage were in earlier blocks.
    pub fn next(&mut self, block: &mut Vec<u8>) -> Result<Option<BlockContent>, Damage> {
        block.clear();
        std::mem::swap(block, &mut self.rest);
        let mut searched = 0;
        loop {
            if self.long {
                let end = self.newline.find(block);
                if let Some(end) = end {
                    self.long = false;
                    self.split(block, end);
                }
                if !block.is_empty() {
                    return Ok(Some(BlockContent::LongLine { first: false }));
                }
            } else if block.len() >= PORTION || self.ended.is_some() {
                if let Some(end) = self.newline.rfind(&block[searched..]) {
                    self.split(block, searched + end);
                    return Ok(Some(BlockContent::Lines));
                }
                searched = block.len();
                if searched > LINE_CAP {
                    self.long = true;
                    return Ok(Some(BlockContent::LongLine { first: true }));
                }
            }
            match self.ended.take() {
                None => {
                    self.ended =
                        self.fill(block).map_or_else(|error| Some(Err(error)), |more| (!more).then_some(Ok(())));
                }
                Some(Ok(())) => {
                    self.ended = Some(Ok(()));
                    return Ok((!block.is_empty()).then_some(BlockContent::Lines));
                }
                Some(Err(error)) => {
                    return Err(Damage { offset: self.offset, error, rest: std::mem::take(block) });
                }
            }
        }
    }

    /// Keeps what follows the line end at `end` for the next block.
    fn split(&mut self, block: &mut Vec<u8>, end: usize) {
        self.rest.extend_from_slice(&block[end + 1..]);
        block.truncate(end + 1);
    }

    /// Appends a portion to `block`; false at the end of the file.
    fn fill(&mut self, block: &mut Vec<u8>) -> io::Result<bool> {
        let Some(inflater) = &mut self.inflater else {
            // Into the block itself, which saves a copy of everything.
            let length = block.len();
            block.reserve(PORTION);
            let read = self.file.by_ref().take(PORTION as u64).read_to_end(block);
            self.offset += (block.len() - length) as u64;
            return read.map(|count| count > 0);
        };
        if self.unread.is_empty() && inflater.is_flushed() {
            let count = read_some(&mut self.file, &mut self.input)?;
            self.unread = 0..count;
            if count == 0 {
                let finished = inflater.finish();
                take_output(inflater, block);
                return finished.map(|()| false);
            }
        }
        // A portion at a time: a thousand times as much may follow from what was read.
        let full = block.len() + PORTION;
        while block.len() < full {
            let mut input = &self.input[self.unread.clone()];
            let step = inflater.step(&mut input);
            self.offset += (self.unread.len() - input.len()) as u64;
            self.unread.start = self.unread.end - input.len();
            take_output(inflater, block);
            step?;
            if self.unread.is_empty() && inflater.is_flushed() {
                break;
            }
        }
        Ok(true)
    }
}

fn take_output(inflater: &mut Inflater, block: &mut Vec<u8>) {
    block.extend_from_slice(inflater.output());
    inflater.consume(inflater.output().len());
}

/// One read that no signal interrupts.
fn read_some(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::{Seek as _, Write as _};

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).expect("memory");
        encoder.finish().expect("memory")
    }

    type Pieces = Vec<(BlockContent, Vec<u8>)>;

    /// All that is read of a file with these bytes: the contents of its blocks, and the damage.
    fn read(bytes: &[u8]) -> (Pieces, Option<u64>, Vec<u8>) {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("a file");
        file.rewind().expect("a file");
        let mut blocks = Blocks::new(file).expect("a file");
        let (mut all, mut block) = (Vec::new(), Vec::new());
        loop {
            match blocks.next(&mut block) {
                Ok(Some(content)) => all.push((content, block.clone())),
                Ok(None) => return (all, None, Vec::new()),
                Err(damage) => return (all, Some(damage.offset), damage.rest),
            }
        }
    }

    fn joined(blocks: &[(BlockContent, Vec<u8>)]) -> Vec<u8> {
        blocks.iter().flat_map(|(_, bytes)| bytes.clone()).collect()
    }

    #[test]
    fn the_blocks_are_whole_lines_and_together_the_file() {
        let mut text = Vec::new();
        for n in 0..90_000 {
            text.extend_from_slice(format!("{{\"n\":{n}}}{}", ["\n", "\r\n", "\n\n"][n % 3]).as_bytes());
        }
        for end in ["", "{\"n\":1}", "\n"] {
            let text = [&text, end.as_bytes()].concat();
            let halves = [gzip(&text[..1000]), gzip(&text[1000..])].concat();
            for bytes in [text.clone(), gzip(&text), halves] {
                let (blocks, damage, _) = read(&bytes);
                assert!(damage.is_none() && joined(&blocks) == text);
                let (_, whole) = blocks.split_last().expect("blocks");
                assert!(whole.iter().all(|(content, block)| *content == BlockContent::Lines && block.ends_with(b"\n")));
                assert!(whole.iter().all(|(_, block)| block.len() < 4 * PORTION));
            }
        }
        for text in ["", "\n", "{", "ab"] {
            assert_eq!(joined(&read(text.as_bytes()).0), text.as_bytes());
        }
    }

    #[test]
    fn a_line_over_the_cap_passes_in_pieces() {
        let long = vec![b'x'; LINE_CAP + 3 * PORTION];
        for end in ["", "\n", "\n{}\n{}"] {
            let text = [b"{}\n", &long[..], end.as_bytes()].concat();
            for bytes in [text.clone(), gzip(&text)] {
                let (blocks, damage, _) = read(&bytes);
                assert!(damage.is_none() && joined(&blocks) == text);
                let firsts = blocks.iter().filter(|(content, _)| *content == BlockContent::LongLine { first: true });
                assert_eq!(firsts.count(), 1);
                let lines = blocks.iter().filter(|(content, _)| *content == BlockContent::Lines);
                let lines: Vec<u8> = lines.flat_map(|(_, block)| block.clone()).collect();
                assert_eq!(lines, [b"{}\n", end.trim_start().as_bytes()].concat());
            }
        }
    }

    #[test]
    fn a_damaged_file_is_read_up_to_the_damage() {
        let text = b"one\ntwo\nthree";
        let whole = gzip(text);
        let cut = &whole[..whole.len() - 6];
        assert_eq!(
            read(cut),
            (vec![(BlockContent::Lines, b"one\ntwo\n".to_vec())], Some(cut.len() as u64), b"three".to_vec())
        );
        let (blocks, damage, rest) = read(&[&whole[..], b"garbage that is no member"].concat());
        assert_eq!((joined(&blocks), rest), (b"one\ntwo\n".to_vec(), b"three".to_vec()));
        assert!(damage.is_some_and(|offset| offset.abs_diff(whole.len() as u64) <= 10), "{damage:?}");
        // A folder opens as a file, and fails on reading.
        assert!(Blocks::open(Path::new("/")).is_err());
    }
}
