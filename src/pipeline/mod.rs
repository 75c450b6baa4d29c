//! The stream as a pure function: bytes, lines, message, decision, output bytes.
//!
//! `tail` and `replay` both feed a [`Pipeline`], so they cannot disagree about what a line is or whether it
//! is printed. Its law: stdout gets whole, valid, accepted messages as the bytes that came, each with one LF.
//!
//! ```text
//! bytes -> Inflater -> Splitter -> classify -> Filter -> Tag -> where -> envelope -> jq -> out
//!                                     |                            |                 |
//!                                     +----------------------------+-----------------+-> Seen: counts
//!                                                                  and notices for whoever watches
//! ```
//!
//! Each filter sees what the one before it let through. Compliance messages pass tags and conditions, since a
//! consumer must see them; a message is built as a value only for an expression that looks at it.

pub mod envelope;
pub mod filter;
pub mod inflate;
#[cfg_attr(not(feature = "jq"), path = "no_jq.rs")]
pub mod jq;
pub mod json_cursor;
pub mod line;
pub mod meter;
pub mod tag;

use std::io;

use crate::protocol::disconnect::Code;
use crate::protocol::message::{Ending, Group, Kind, Message, Notice, classify};
use crate::text::sanitize;
use envelope::Stamp;
use filter::Filter;
use inflate::Inflater;
use jq::Jq;
use line::{LINE_CAP, Line, Splitter};
use meter::{Counted, Meter};
use tag::Tag;

/// What to print and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The kinds that are printed.
    pub filter: Filter,
    /// Only posts that a rule with this tag found, and compliance messages.
    pub tag: Option<Tag>,
    /// Only messages for which this is true, and compliance messages. It sees the message, never the envelope.
    pub condition: Option<Jq>,
    /// Whether each message is wrapped in an envelope.
    pub annotate: bool,
    /// Prints its results instead of the message, or of the envelope where there is one.
    pub jq: Option<Jq>,
    /// Whether results that are strings are printed as their bare text.
    pub raw_output: bool,
    /// Stop after this many printed messages.
    pub max: Option<u64>,
    /// The longest line that is kept, in bytes.
    pub line_cap: usize,
    /// Whether v1.1's `delimited=length` framing is expected.
    pub framed: bool,
}

impl Options {
    /// Messages of these kinds as they come: no other filter, no end, the usual cap.
    #[must_use]
    pub fn new(filter: Filter) -> Options {
        Options {
            filter,
            tag: None,
            condition: None,
            annotate: false,
            jq: None,
            raw_output: false,
            max: None,
            line_cap: LINE_CAP,
            framed: false,
        }
    }
}

/// What was in the bytes that were pushed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Lines of any kind, heartbeats included.
    pub lines: u64,
    /// Keep-alive lines.
    pub heartbeats: u64,
    /// Messages of kind `post`.
    pub posts: u64,
    /// Messages of each kind, heartbeats and malformed lines included.
    counts: Counts,
    /// Messages written out.
    pub printed: u64,
    /// Lines that are not JSON.
    pub malformed: u64,
    /// Messages not printed because an expression failed on them.
    pub failed: u64,
    /// The id of the first post, empty if none had one.
    pub first_id: Vec<u8>,
    /// The id of the last post.
    pub last_id: Vec<u8>,
    /// What control messages told, in order, and what was lost. At most [`REMARKS`] notices and as many faults.
    pub remarks: Vec<Remark>,
    /// Faults beyond that number.
    pub unremarked: u64,
    /// Notices beyond that number.
    pub unremarked_notices: u64,
    notices: usize,
    faults: usize,
    /// The notice that the stream is over, if one came. A message outranks a line of plain text.
    pub ending: Option<Ending>,
    /// An enterprise replay said that it is complete.
    pub delivered: bool,
    /// It said that it is not, or the stream ended within a line.
    pub undelivered: bool,
    /// The number asked for was printed; nothing more is.
    pub full: bool,
    /// Posts that had arrived when the quota was spent; they are counted and not printed.
    pub beyond: u64,
}

/// Something worth telling a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// A control message.
    Notice(Notice),
    /// A line that is no JSON value: where it stands (counted from 1), why, and how it begins.
    Malformed {
        /// Line number in this stream.
        line: u64,
        /// The fault.
        why: String,
        /// Its beginning, safe for a terminal.
        text: String,
    },
    /// A line over the cap was skipped.
    Oversize {
        /// Line number in this stream.
        line: u64,
        /// Its length in bytes.
        bytes: u64,
    },
    /// An expression failed on a message, which was not printed. Of each kind of error only the first is told.
    Expression {
        /// Line number in this stream.
        line: u64,
        /// `--where` or `--jq`.
        option: &'static str,
        /// The error, safe for a terminal.
        why: String,
    },
    /// The stream ended within a line, which was no whole JSON object and was discarded.
    Discarded {
        /// Line number in this stream.
        line: u64,
        /// Its length in bytes.
        bytes: u64,
    },
}

/// How many remarks one push keeps. A server that sends nothing but garbage costs counting, not memory.
pub const REMARKS: usize = 64;

/// How many kinds of errors of expressions are told. A text that an expression makes itself may differ from
/// message to message.
const ERROR_KINDS: usize = 8;

/// Turns the bytes of a stream into the bytes for stdout.
#[derive(Debug)]
pub struct Pipeline {
    options: Options,
    splitter: Splitter,
    inflater: Option<Inflater>,
    stamp: Option<Stamp>,
    meter: Option<Meter>,
    /// The kinds of errors of expressions that have been told.
    told: Vec<String>,
    /// An envelope on its way to `--jq`.
    wrapped: Vec<u8>,
    printed: u64,
    line: u64,
    at_start: bool,
    /// The largest `limit` total of this stream: back ends of X count separately, and their totals interleave.
    limit: u64,
}

/// The byte order mark, which some editors put in front of a file.
const BOM: &[u8] = b"\xef\xbb\xbf";

impl Pipeline {
    /// A pipeline at the beginning of a stream.
    #[must_use]
    pub fn new(options: Options) -> Pipeline {
        Pipeline {
            splitter: Splitter::new(options.line_cap),
            options,
            inflater: None,
            stamp: None,
            meter: None,
            told: Vec::new(),
            wrapped: Vec::new(),
            printed: 0,
            line: 0,
            at_start: false,
            limit: 0,
        }
    }

    /// Counts posts from here on.
    pub fn set_meter(&mut self, meter: Meter) {
        self.meter = Some(meter);
    }

    /// Where posts are counted, if they are.
    pub fn meter(&mut self) -> Option<&mut Meter> {
        self.meter.as_mut()
    }

    /// Begins another stream: a connection, or a file, which may open with a byte order mark.
    pub fn begin(&mut self, gzip: bool, file: bool) {
        self.splitter = if self.options.framed {
            Splitter::framed(self.options.line_cap)
        } else {
            Splitter::new(self.options.line_cap)
        };
        self.limit = 0;
        self.inflater = gzip.then(Inflater::default);
        self.line = 0;
        self.at_start = file;
    }

    /// Says when and where the bytes that follow arrived, for the envelope.
    pub fn stamp(&mut self, stamp: Stamp) {
        self.stamp = Some(stamp);
    }

    /// Whether envelopes are written, and so a stamp is of use.
    #[must_use]
    pub fn annotates(&self) -> bool {
        self.options.annotate
    }

    /// Whether a line has begun and not ended.
    #[must_use]
    pub fn unfinished(&self) -> bool {
        self.splitter.unfinished()
    }

    /// Takes the next bytes of the stream and appends what is to be printed to `out`.
    ///
    /// # Errors
    /// The bytes were announced as gzip and are not, or are damaged. What came before is in `out` and `seen`.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>, seen: &mut Seen) -> io::Result<()> {
        let Some(mut inflater) = self.inflater.take() else {
            self.split(chunk, out, seen);
            return Ok(());
        };
        let result = inflater.push(chunk, |bytes| self.split(bytes, out, seen));
        self.inflater = Some(inflater);
        result
    }

    /// Says whether a compressed capture is whole, when its last byte was pushed.
    ///
    /// # Errors
    /// It was cut short, or its checksum is wrong.
    pub fn check_end(&mut self, out: &mut Vec<u8>, seen: &mut Seen) -> io::Result<()> {
        let Some(mut inflater) = self.inflater.take() else {
            return Ok(());
        };
        inflater.finish(|bytes| self.split(bytes, out, seen))
    }

    /// Ends the stream. A last line without an end is a message only if it is a whole JSON object.
    pub fn finish(&mut self, out: &mut Vec<u8>, seen: &mut Seen) {
        let mut splitter = std::mem::replace(&mut self.splitter, Splitter::new(self.options.line_cap));
        splitter.finish(|line| match line {
            Line::Whole(line) => {
                let body = self.without_bom(line);
                let object = body.trim_ascii_start().first() == Some(&b'{');
                if object && classify(body).kind != Kind::Malformed {
                    self.line(body, out, seen);
                } else if !body.is_empty() {
                    seen.remark(Remark::Discarded { line: self.line + 1, bytes: line.len() as u64 });
                }
            }
            Line::Unframed(line) => self.unframed(line, out, seen),
            Line::Oversize(bytes) => seen.remark(Remark::Discarded { line: self.line + 1, bytes }),
        });
    }

    fn split(&mut self, mut bytes: &[u8], out: &mut Vec<u8>, seen: &mut Seen) {
        let mut splitter = std::mem::replace(&mut self.splitter, Splitter::new(0));
        while !self.full()
            && splitter.next(&mut bytes, |line| match line {
                Line::Whole(line) => {
                    let line = self.without_bom(line);
                    self.line(line, out, seen);
                }
                Line::Unframed(line) => self.unframed(line, out, seen),
                Line::Oversize(bytes) => {
                    self.count(seen);
                    seen.remark(Remark::Oversize { line: self.line, bytes });
                }
            })
        {}
        seen.full = self.full();
        self.splitter = splitter;
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>, seen: &mut Seen) {
        self.count(seen);
        let message = classify(line);
        seen.counts.0[message.kind as usize] += 1;
        match message.kind {
            Kind::Heartbeat => seen.heartbeats += 1,
            Kind::Post => {
                seen.posts += 1;
                // A line of text is the reason of an ending only if nothing good comes after it.
                seen.ending.take_if(|ending| matches!(ending.code, Code::Text(_)));
            }
            _ => {}
        }
        if message.kind == Kind::Post
            && let Some(meter) = &mut self.meter
            && meter.count(message.id) == Counted::Beyond
        {
            seen.beyond += 1;
            return;
        }
        if message.kind == Kind::Post && !message.id.is_empty() {
            if seen.first_id.is_empty() {
                seen.first_id.extend_from_slice(message.id);
            }
            seen.last_id.clear();
            seen.last_id.extend_from_slice(message.id);
        }
        if let Some(fault) = message.fault {
            seen.malformed += 1;
            seen.remark(Remark::Malformed {
                line: self.line,
                why: fault.to_string(),
                text: sanitize(&String::from_utf8_lossy(&line[..line.len().min(400)]), 80),
            });
        }
        if let Some(mut notice) = message.notice() {
            if let Notice::Limit { track: Some(total) } = &mut notice {
                self.limit = self.limit.max(*total);
                *total = self.limit;
            }
            seen.remark(Remark::Notice(notice));
        }
        if !self.options.filter.accepts(message.kind) || self.full() {
            return;
        }
        let started = out.len();
        if let Err((option, why)) = self.print(&message, line, out) {
            self.failed(option, why, seen);
        } else if out.len() > started {
            self.printed += 1;
            seen.printed += 1;
            seen.full = self.full();
        }
    }

    /// Appends what is to be printed of a message whose kind is wanted; nothing, if a filter drops it or `--jq`
    /// makes nothing of it. The error names the option whose expression failed.
    fn print(&mut self, message: &Message, line: &[u8], out: &mut Vec<u8>) -> Result<(), (&'static str, String)> {
        let options = &self.options;
        let json = !matches!(message.kind, Kind::Heartbeat | Kind::Malformed);
        if message.kind.group() != Group::Compliance {
            if let Some(tag) = &options.tag
                && !(json && tag.matches_post(message.body))
            {
                return Ok(());
            }
            if let Some(condition) = &options.condition
                && !(json && condition.matches(line).map_err(|why| ("--where", why))?)
            {
                return Ok(());
            }
        }
        match (&options.jq, options.annotate) {
            (None, true) => envelope::write(message, line, self.stamp.as_ref(), out),
            (Some(jq), true) => {
                self.wrapped.clear();
                envelope::write(message, line, self.stamp.as_ref(), &mut self.wrapped);
                jq.results(&self.wrapped, options.raw_output, out).map_err(|why| ("--jq", why))?;
                self.wrapped.shrink_to(1 << 16);
            }
            (_, false) if !json => {}
            (Some(jq), false) => jq.results(line, options.raw_output, out).map_err(|why| ("--jq", why))?,
            (None, false) => {
                out.extend_from_slice(line);
                out.push(b'\n');
            }
        }
        Ok(())
    }

    fn failed(&mut self, option: &'static str, why: String, seen: &mut Seen) {
        seen.failed += 1;
        let kind = format!("{option} {}", jq::error_kind(&why));
        if self.told.len() < ERROR_KINDS && !self.told.contains(&kind) {
            self.told.push(kind);
            seen.remark(Remark::Expression { line: self.line, option, why });
        }
    }

    /// A line of text may be X's last word; a value is a number out of place and never a message.
    fn unframed(&mut self, line: &[u8], out: &mut Vec<u8>, seen: &mut Seen) {
        if classify(line).kind == Kind::Malformed {
            return self.line(line, out, seen);
        }
        self.count(seen);
        seen.malformed += 1;
        seen.remark(Remark::Malformed {
            line: self.line,
            why: "the length of a frame was expected".to_owned(),
            text: sanitize(&String::from_utf8_lossy(&line[..line.len().min(400)]), 80),
        });
    }

    fn count(&mut self, seen: &mut Seen) {
        self.line += 1;
        seen.lines += 1;
    }

    fn full(&self) -> bool {
        self.options.max.is_some_and(|max| self.printed >= max)
    }

    fn without_bom<'a>(&mut self, line: &'a [u8]) -> &'a [u8] {
        if std::mem::take(&mut self.at_start) { line.strip_prefix(BOM).unwrap_or(line) } else { line }
    }
}

/// A count for each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counts([u64; Kind::ALL.len()]);

impl Default for Counts {
    fn default() -> Counts {
        Counts([0; Kind::ALL.len()])
    }
}

impl Seen {
    /// The kinds that were met, with how often.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, u64)> {
        Kind::ALL.iter().copied().zip(self.counts.0).filter(|(_, count)| *count > 0)
    }

    fn remark(&mut self, remark: Remark) {
        if let Remark::Discarded { .. } = &remark {
            self.undelivered = true;
        }
        if let Remark::Notice(Notice::Info { message }) = &remark {
            // "… Completed with Errors" and "… Failed to Complete" are no delivery.
            self.delivered |= message.starts_with("Replay Request Completed") && !message.contains("rror");
            self.undelivered |= message.starts_with("Replay Request") && !self.delivered;
        }
        if let Remark::Notice(Notice::Ending(ending)) = &remark {
            let text_only = |ending: &Ending| matches!(ending.code, Code::Text(_));
            if self.ending.as_ref().is_none_or(|held| text_only(held) && !text_only(ending)) {
                self.ending = Some(ending.clone());
            }
        }
        // Notices do not use up the room of faults, nor the other way round.
        let notice = matches!(remark, Remark::Notice(_));
        let (room, rest) = if notice {
            (&mut self.notices, &mut self.unremarked_notices)
        } else {
            (&mut self.faults, &mut self.unremarked)
        };
        if *room < REMARKS {
            *room += 1;
            self.remarks.push(remark);
        } else {
            *rest += 1;
        }
    }
}
