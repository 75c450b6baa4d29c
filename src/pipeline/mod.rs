//! The stream as a pure function: bytes, lines, messages, decisions, output records.
//!
//! ```text
//! bytes -> Decoder -> Selector -> Outbox -> stdout
//!            one per     one per    one per
//!            connection  run        run
//! ```
//!
//! `tail`, `replay` and `doctor` all feed an [`Intake`], so they agree on what a line is and whether it
//! is printed.

pub mod batch;
pub mod decode;
pub mod envelope;
pub mod filter;
#[cfg_attr(not(feature = "jq"), path = "no_jq.rs")]
pub mod jq;
pub mod meter;
pub mod outbox;
pub mod report;
pub mod rotation;
pub mod select;
pub mod tag;
pub mod tombstones;

use std::io;
use std::ops::ControlFlow;

use batch::Batch;
use decode::{Decoder, Format};
use select::{LineSource, Selector};

/// The beginning of the pipeline for one connection or file: its decoder, and what is known about where its lines
/// come from.
#[derive(Debug)]
pub struct Intake {
    decoder: Decoder,
    /// Where the lines come from.
    pub source: LineSource,
}

impl Intake {
    /// An intake for the bytes of `source`.
    #[must_use]
    pub fn new(format: Format, source: LineSource) -> Intake {
        Intake { decoder: Decoder::new(format), source }
    }

    /// Passes bytes from the front of `bytes` through the selector into `batch`. A break means that the selector is
    /// paused; the rest of `bytes` waits.
    ///
    /// # Errors
    /// The bytes were announced as gzip and are not, or are damaged. The lines before the damage are in `batch`.
    pub fn feed(
        &mut self,
        bytes: &mut &[u8],
        selector: &mut Selector,
        batch: &mut Batch,
    ) -> io::Result<ControlFlow<()>> {
        if selector.is_paused() {
            return Ok(ControlFlow::Break(()));
        }
        let Intake { decoder, source } = self;
        decoder.feed(bytes, &mut |number, line| selector.line(source, number, line, batch))
    }

    /// Ends the stream: the one way to do so, whatever ended it.
    ///
    /// # Errors
    /// As [`Decoder::end`].
    pub fn end(&mut self, selector: &mut Selector, batch: &mut Batch) -> io::Result<()> {
        let Intake { decoder, source } = self;
        decoder.end(&mut |number, line| selector.line(source, number, line, batch))
    }

    /// Whether a line has begun and not ended.
    #[must_use]
    pub fn is_within_line(&self) -> bool {
        self.decoder.is_within_line()
    }
}
