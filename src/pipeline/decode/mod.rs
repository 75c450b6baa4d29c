//! The decoder: the bytes of one connection or file in, whole lines out.
//!
//! `tail`, `replay` and `doctor` all decode here, so that they agree on what a line is and how a
//! stream ends. The receiver of the lines may pause the decoder after any line; the bytes after it then wait.
//!
//! Its law: the lines do not depend on how the bytes were cut, nor on where the receiver paused.

pub mod inflate;
pub mod split;

use std::io;
use std::ops::ControlFlow;

use inflate::Inflater;
use split::{Segment, Splitter};

/// How the bytes are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// The bytes are gzip, of one or many members.
    pub gzip: bool,
    /// v1.1's `delimited=length` framing is expected.
    pub framed: bool,
    /// The bytes are a file, which may open with a byte order mark.
    pub file: bool,
    /// The longest line that is kept, in bytes.
    pub line_cap: usize,
}

/// A line as the decoder passes it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// A whole line without its LF or CRLF; empty for a keep-alive.
    Whole(&'a [u8]),
    /// A line in place of the length of a frame.
    Unframed(&'a [u8]),
    /// A line over the cap, skipped, with its length in bytes.
    Oversize(u64),
    /// The bytes after the last line end when the stream ended, with their length. Empty if it was over the cap.
    Unterminated(&'a [u8], u64),
}

/// The byte order mark, which some editors put in front of a file.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Decodes one stream.
#[derive(Debug)]
pub struct Decoder {
    inflater: Option<Inflater>,
    lines: Lines,
}

#[derive(Debug)]
struct Lines {
    splitter: Splitter,
    /// Lines found so far.
    number: u64,
    /// Whether the next line is the first of a file.
    at_start: bool,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    #[must_use]
    pub fn new(format: Format) -> Decoder {
        let splitter = if format.framed { Splitter::framed(format.line_cap) } else { Splitter::new(format.line_cap) };
        Decoder {
            inflater: format.gzip.then(Inflater::default),
            lines: Lines { splitter, number: 0, at_start: format.file },
        }
    }

    /// Consumes `bytes` from the front and passes each line, with its number from 1, to `on_line`, until all are
    /// consumed or `on_line` breaks. After a break call again with the rest, even if it is empty.
    ///
    /// # Errors
    /// The bytes are not gzip, or damaged. The lines before the damage have been passed on.
    pub fn feed(
        &mut self,
        bytes: &mut &[u8],
        on_line: &mut impl FnMut(u64, Line) -> ControlFlow<()>,
    ) -> io::Result<ControlFlow<()>> {
        let Some(inflater) = &mut self.inflater else {
            return Ok(self.lines.split(bytes, on_line));
        };
        loop {
            let flow = self.lines.drain(inflater, on_line);
            if flow.is_break() || (bytes.is_empty() && inflater.is_flushed()) {
                return Ok(flow);
            }
            if let Err(error) = inflater.step(bytes) {
                let _ = self.lines.drain(inflater, on_line);
                return Err(error);
            }
        }
    }

    /// Ends the stream: passes on the lines that are left, then the bytes after the last line end.
    ///
    /// # Errors
    /// The stream was compressed and its last member is cut (`UnexpectedEof`) or damaged. A live stream that was cut
    /// is an ordinary ending; a file that was is not.
    pub fn end(&mut self, on_line: &mut impl FnMut(u64, Line) -> ControlFlow<()>) -> io::Result<()> {
        let mut finished = Ok(());
        if let Some(mut inflater) = self.inflater.take() {
            finished = inflater.finish();
            let _ = self.lines.drain(&mut inflater, on_line);
        }
        self.lines.end(on_line);
        finished
    }

    /// Whether a line has begun and not ended.
    #[must_use]
    pub fn is_within_line(&self) -> bool {
        self.lines.splitter.unfinished()
    }
}

impl Lines {
    fn drain(
        &mut self,
        inflater: &mut Inflater,
        on_line: &mut impl FnMut(u64, Line) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut output = inflater.output();
        let before = output.len();
        let flow = self.split(&mut output, on_line);
        let taken = before - output.len();
        inflater.consume(taken);
        flow
    }

    fn split(&mut self, bytes: &mut &[u8], on_line: &mut impl FnMut(u64, Line) -> ControlFlow<()>) -> ControlFlow<()> {
        let Lines { splitter, number, at_start } = self;
        let mut flow = ControlFlow::Continue(());
        while flow.is_continue()
            && splitter.next(bytes, |found| {
                *number += 1;
                let first = std::mem::take(at_start);
                flow = on_line(
                    *number,
                    match found {
                        Segment::Whole(line) => Line::Whole(if first { without_bom(line) } else { line }),
                        Segment::Unframed(line) => Line::Unframed(line),
                        Segment::Oversize(length) => Line::Oversize(length),
                    },
                );
            })
        {}
        flow
    }

    fn end(&mut self, on_line: &mut impl FnMut(u64, Line) -> ControlFlow<()>) {
        let Lines { splitter, number, at_start } = self;
        splitter.finish(|found| {
            let number = *number + 1;
            // No line follows, so the result does not matter.
            let _ = match found {
                Segment::Whole(line) => {
                    let body = if std::mem::take(at_start) { without_bom(line) } else { line };
                    on_line(number, Line::Unterminated(body, line.len() as u64))
                }
                Segment::Unframed(line) => on_line(number, Line::Unframed(line)),
                Segment::Oversize(length) => on_line(number, Line::Unterminated(&[], length)),
            };
        });
    }
}

fn without_bom(line: &[u8]) -> &[u8] {
    line.strip_prefix(BOM).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use std::io::Write as _;

    fn plain() -> Format {
        Format { gzip: false, framed: false, file: false, line_cap: 16 }
    }

    /// The lines of `parts`, with a pause after every `pause` lines.
    fn decode(format: Format, parts: &[&[u8]], pause: usize) -> (Vec<String>, bool) {
        let mut decoder = Decoder::new(format);
        let mut lines = Vec::new();
        let mut whole = true;
        let mut on_line = |number: u64, line: Line| {
            lines.push(match line {
                Line::Whole(line) => format!("{number} {}", String::from_utf8_lossy(line)),
                Line::Unframed(line) => format!("{number} ?{}", String::from_utf8_lossy(line)),
                Line::Oversize(length) => format!("{number} <{length}>"),
                Line::Unterminated(line, length) => format!("{number} …{} {length}", String::from_utf8_lossy(line)),
            });
            if lines.len() % pause == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        for part in parts {
            let mut rest = *part;
            loop {
                match decoder.feed(&mut rest, &mut on_line) {
                    Ok(ControlFlow::Break(())) => {}
                    Ok(ControlFlow::Continue(())) => break,
                    Err(_) => {
                        whole = false;
                        break;
                    }
                }
            }
        }
        whole &= decoder.end(&mut on_line).is_ok();
        (lines, whole)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn lines_are_numbered_and_the_rest_behind_the_last_end_is_marked() {
        let text = b"\xef\xbb\xbfa\r\n\nlonger than sixteen bytes\nb".as_slice();
        let want = ["1 a", "2 ", "3 <25>", "4 …b 1"];
        let format = Format { file: true, ..plain() };
        assert_eq!(decode(format, &[text], usize::MAX), (want.map(str::to_owned).to_vec(), true));
        assert_eq!(decode(plain(), &[b"longer than sixteen bytes"], 9).0, ["1 … 25"]);
        assert_eq!(decode(format, &[b"\xef\xbb\xbf{}"], 9).0, ["1 …{} 5"]);
    }

    #[test]
    fn a_cut_or_damaged_member_is_an_error_after_its_lines() {
        let format = Format { gzip: true, ..plain() };
        let whole = gzip(b"one\ntwo\nthree");
        let want = ["1 one", "2 two", "3 …three 5"].map(str::to_owned).to_vec();
        assert_eq!(decode(format, &[&whole], 9), (want.clone(), true));
        assert_eq!(decode(format, &[&whole[..whole.len() - 3]], 9), (want.clone(), false));
        assert!(!decode(format, &[&whole, &[0xff; 40]], 9).1);
    }

    proptest! {
        #[test]
        fn neither_cuts_nor_pauses_change_the_lines(
            text in "[ab\r\n]{0,60}",
            cuts in proptest::collection::vec(0usize..60, 0..8),
            pause in 1usize..5,
            compressed: bool,
        ) {
            let bytes = if compressed { gzip(text.as_bytes()) } else { text.clone().into_bytes() };
            let format = Format { gzip: compressed, ..plain() };
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decode(format, &parts, pause), decode(plain(), &[text.as_bytes()], usize::MAX));
        }
    }
}
