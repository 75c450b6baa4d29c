//! The line splitter: bytes in portions of any size in, whole lines out.
//!
//! Newline search is SIMD-free by choice (`memchr`'s portable word-at-a-time search): the same code on every
//! processor, and far faster than any network. A line that lies within one portion is borrowed from it; only
//! a line cut by a portion's edge is copied.
//!
//! v1.1 can frame its messages instead (`delimited=length`, the v1.1 "Processing streaming data" page): a line
//! with a number of bytes, then that many bytes. Keep-alives come between frames.
//!
//! Its law: the lines do not depend on where the bytes were cut, and at most the cap is held.

use memchr::arch::all::memchr::One;

/// The longest line that is kept, in bytes, by default. Posts with every expansion reach tens of
/// kilobytes; half of this would still be enough, and double would only raise the memory a hostile server can use.
pub const LINE_CAP: usize = 8 << 20;

/// A line as the splitter finds it.
#[derive(Debug, PartialEq, Eq)]
pub enum Segment<'a> {
    /// A whole line without its LF or CRLF; empty for a keep-alive.
    Whole(&'a [u8]),
    /// A line over the cap, skipped, with its length in bytes.
    Oversize(u64),
    /// A line where the length of a frame was expected, and which is none.
    Unframed(&'a [u8]),
}

/// Splits a stream of bytes at LF; a CR before it belongs to the line end, any other CR to the line.
#[derive(Debug)]
pub struct Splitter {
    newline: One,
    /// The beginning of a line whose end has not come. It was searched when it came, so only new bytes are.
    held: Vec<u8>,
    /// How many bytes of a line over the cap were skipped so far; none while the line is within it.
    skipped: Option<u64>,
    cap: usize,
    /// Whether messages are framed, and how much of the current one is missing.
    frame: Option<u64>,
}

impl Splitter {
    /// A splitter that holds at most `cap` bytes of an unfinished line.
    #[must_use]
    pub fn new(cap: usize) -> Splitter {
        Splitter { newline: One::new(b'\n'), held: Vec::new(), skipped: None, cap, frame: None }
    }

    /// A splitter of messages that are framed by their length. A stream that turns out not to be is split at LF.
    #[must_use]
    pub fn framed(cap: usize) -> Splitter {
        Splitter { frame: Some(0), ..Splitter::new(cap) }
    }

    /// Consumes the next line from the front of `bytes`. Without a whole line, all of `bytes` is consumed and held.
    ///
    /// The line is passed to `on_line`, since it may lie in the splitter's own memory. False: there was none.
    pub fn next(&mut self, bytes: &mut &[u8], on_line: impl FnOnce(Segment)) -> bool {
        loop {
            match self.frame {
                None => return self.next_line(bytes, on_line),
                Some(0) => {
                    // A number announces a frame; anything else is a line of its own.
                    let mut announced = None;
                    let mut line = None;
                    if !self.next_line(bytes, |found| match found {
                        Segment::Whole(text) => match length(text) {
                            Some(length) => announced = Some(length),
                            None => line = Some(Ok(text.to_vec())),
                        },
                        Segment::Unframed(text) => line = Some(Ok(text.to_vec())),
                        Segment::Oversize(length) => line = Some(Err(length)),
                    }) {
                        return false;
                    }
                    if announced.is_some() {
                        self.frame = announced;
                        continue;
                    }
                    let Some(line) = line else { continue };
                    match line {
                        Ok(text) if text.starts_with(b"{") => {
                            self.frame = None;
                            on_line(Segment::Whole(&text));
                        }
                        Ok(text) if text.trim_ascii().is_empty() => on_line(Segment::Whole(&text)),
                        Ok(text) => on_line(Segment::Unframed(&text)),
                        Err(length) => on_line(Segment::Oversize(length)),
                    }
                    return true;
                }
                Some(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let (part, rest) = bytes.split_at(here);
                    *bytes = rest;
                    self.hold(part);
                    self.frame = Some(left - here as u64);
                    if self.frame != Some(0) {
                        return false;
                    }
                    if let Some(length) = self.skipped.take() {
                        on_line(Segment::Oversize(length));
                    } else {
                        // White space inside a message may contain a line end, which must not reach stdout. A tab is white
                        // space as well, and as wrong within a string as a line end is.
                        for byte in &mut self.held {
                            if *byte == b'\n' {
                                *byte = b'\t';
                            }
                        }
                        on_line(Segment::Whole(self.held.trim_ascii()));
                        self.release();
                    }
                    return true;
                }
            }
        }
    }

    fn next_line(&mut self, bytes: &mut &[u8], on_line: impl FnOnce(Segment)) -> bool {
        let Some(end) = self.newline.find(bytes) else {
            self.hold(bytes);
            *bytes = &[];
            return false;
        };
        let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
        *bytes = rest;
        if self.held.is_empty() && self.skipped.is_none() && line.len() <= self.cap {
            on_line(Segment::Whole(without_cr(line)));
            return true;
        }
        self.hold(line);
        if let Some(length) = self.skipped.take() {
            on_line(Segment::Oversize(length));
        } else {
            on_line(Segment::Whole(without_cr(&self.held)));
            self.release();
        }
        true
    }

    /// Ends the stream: passes on the bytes after the last line end, if there are any.
    pub fn finish(&mut self, on_line: impl FnOnce(Segment)) {
        if let Some(length) = self.skipped.take() {
            on_line(Segment::Oversize(length));
        } else if !self.held.is_empty() {
            on_line(Segment::Whole(without_cr(&self.held)));
        }
        self.release();
    }

    /// Whether a line has begun and not ended.
    #[must_use]
    pub fn unfinished(&self) -> bool {
        !self.held.is_empty() || self.skipped.is_some()
    }

    fn hold(&mut self, bytes: &[u8]) {
        if let Some(length) = &mut self.skipped {
            *length += bytes.len() as u64;
        } else if self.held.len() + bytes.len() > self.cap {
            self.skipped = Some((self.held.len() + bytes.len()) as u64);
            self.release();
        } else {
            self.held.extend_from_slice(bytes);
        }
    }

    /// Forgets the held bytes; a huge line's memory is given back, an ordinary line's is kept for the next.
    fn release(&mut self) {
        self.held.clear();
        self.held.shrink_to(1 << 16);
    }
}

/// The number that announces a frame: digits only, and within a plausible size.
fn length(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let length: u64 = std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()?;
    (1..=LONGEST_FRAME).contains(&length).then_some(length)
}

/// Eight times the line cap. A larger number is damage, and waiting for so many bytes would swallow the stream.
const LONGEST_FRAME: u64 = 64 << 20;

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(parts: &[&[u8]], cap: usize) -> Vec<String> {
        lines_of(Splitter::new(cap), parts)
    }

    fn unframe(parts: &[&[u8]], cap: usize) -> Vec<String> {
        lines_of(Splitter::framed(cap), parts)
    }

    fn lines_of(mut splitter: Splitter, parts: &[&[u8]]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut on_line = |line: Segment| {
            lines.push(match line {
                Segment::Whole(line) => String::from_utf8_lossy(line).into_owned(),
                Segment::Oversize(length) => format!("<{length}>"),
                Segment::Unframed(line) => format!("?{}", String::from_utf8_lossy(line)),
            });
        };
        for part in parts {
            let mut rest = *part;
            while splitter.next(&mut rest, &mut on_line) {}
        }
        splitter.finish(&mut on_line);
        lines
    }

    #[test]
    fn crlf_and_lf_end_a_line_and_a_lone_cr_does_not() {
        assert_eq!(split(&[b"a\r\nb\nc\rd\n\r\n\ne"], 100), ["a", "b", "c\rd", "", "", "e"]);
    }

    #[test]
    fn a_line_over_the_cap_is_skipped_and_measured() {
        assert_eq!(split(&[b"abcd\n", b"ab", b"cdefg", b"h\nok\n"], 4), ["abcd", "<8>", "ok"]);
        assert_eq!(split(&[b"abcdef"], 4), ["<6>"]);
        assert_eq!(split(&[b"abcdef\nx\n"], 4), ["<6>", "x"]);
    }

    #[test]
    fn frames_are_read_by_their_length_with_keep_alives_between() {
        let text = b"8\r\n{\"a\":1\n\r\n\r\n4\n{}\r\n\r\n20\r\n12345678901234567890\r\nhello\r\n3\r\n{}\n9\r\n{\"cut";
        let want = ["{\"a\":1", "", "", "{}", "", "<20>", "", "?hello", "{}", "{\"cut"];
        assert_eq!(unframe(&[text], 10), want);
        for cut in 0..text.len() {
            assert_eq!(unframe(&[&text[..cut], &text[cut..]], 10), want, "cut at {cut}");
        }
    }

    #[test]
    fn a_line_end_within_a_frame_is_white_space_and_nothing_else() {
        assert_eq!(unframe(&[b"10\r\n{\"a\":\n1}\r\n"], 100), ["{\"a\":\t1}"]);
        // A tab is no character of a string, so what was no JSON stays none.
        assert_eq!(unframe(&[b"11\r\n{\"a\":\"\n\"}\r\n"], 100), ["{\"a\":\"\t\"}"]);
    }

    #[test]
    fn a_stream_that_is_not_framed_is_split_at_its_line_ends() {
        assert_eq!(unframe(&[b"\r\n{\"a\":1}\r\n12\r\n{}\n"], 100), ["", "{\"a\":1}", "12", "{}"]);
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_lines(text in "[ab\r\n]{0,60}", cuts in proptest::collection::vec(0usize..60, 0..8)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(split(&parts, 12), split(&[bytes], 12));
        }
    }
}
