//! What is read: a chunk and all that is ready behind it, through the pipeline to the terminal.

use std::io;

use hyper::body::{Buf as _, Bytes};

use super::link::{self, Chunk, Link, Network};
use super::{EventLoop, OpenLink};
use crate::pipeline::envelope::Stamp;
use crate::protocol::disconnect::LocalCause;
use crate::session::{Failure, Input, LinkEvent, QuotaState, Received};
use crate::time::{Timestamp, format_rfc3339};

/// Output that is gathered before it is written, while more input is ready. A quarter of it costs a sixth more time in a
/// flood, and four times as much gains nothing.
const GATHER: usize = 256 << 10;

/// Input that is read before output is written, however little of it is printed.
const READ_AT_ONCE: usize = 1 << 20;

/// Compressed input that is decoded before a look at how much output there is. It may inflate a thousandfold, and
/// no more than four MiB should wait for room.
const GZIP_PORTION: usize = 4 << 10;

/// Compressed input that is read before output is written, however little of it is printed: a bomb of keep-alives grows
/// to 64 MiB, which takes a tenth of a second.
const GZIP_AT_ONCE: usize = 64 << 10;

impl<N: Network> EventLoop<N> {
    /// Takes in a chunk and all that is ready behind it, so that a burst costs few writes and a single post is not
    /// delayed.
    pub(super) async fn receive(&mut self, first: Chunk) {
        let Some(open) = &mut self.open else { return };
        let now = self.run.clock.now();
        let number = open.intake.source.number;
        if self.selector.options().annotate {
            open.intake.source.stamp = Some(Stamp { at: format_rfc3339(now.wall), connection: number });
        }
        self.selector.set_time(now);
        let gzip = open.link.is_gzip();
        // No more than the buffer holds: the end of a stream is not reported before a reader that lags catches up.
        let gather = GATHER.min(self.run.buffer);
        let mut next = Some(first);
        let mut read = 0;
        let mut closed = None;
        let mut paused = false;
        while let Some(chunk) = next.take() {
            match chunk {
                Some(Ok(mut bytes)) => {
                    let portion = if gzip { bytes.len().min(GZIP_PORTION) } else { bytes.len() };
                    let mut rest = &bytes[..portion];
                    let fed = open.intake.feed(&mut rest, &mut self.selector, &mut self.batch);
                    let taken = portion - rest.len();
                    read += taken;
                    bytes.advance(taken);
                    match fed {
                        Err(error) => closed = Some(damaged(&error)),
                        Ok(flow) if flow.is_break() => {
                            paused = true;
                            open.rest = Some(bytes);
                        }
                        Ok(_) => {
                            open.rest = Some(bytes).filter(|bytes| !bytes.is_empty());
                            let enough = if gzip { GZIP_AT_ONCE } else { READ_AT_ONCE };
                            if self.batch.report.beyond_quota == 0
                                && self.batch.bytes.output.len() < gather
                                && read < enough
                            {
                                next = match open.rest.take() {
                                    Some(rest) => Some(Some(Ok(rest))),
                                    None => link::ready(&mut open.link).await,
                                };
                            }
                        }
                    }
                }
                Some(Err(failure)) => closed = Some(failure),
                None => closed = Some(Failure::eof()),
            }
        }
        if read >= GZIP_AT_ONCE || open.rest.is_some() || self.batch.bytes.output.len() >= GATHER {
            // Bytes that are always at hand would starve the timers and signals of the runtime.
            tokio::task::yield_now().await;
        }
        self.batch.report.bytes = read as u64;
        if let Some(failure) = closed {
            return self.end_stream(now, failure);
        }
        self.deliver();
        if paused && !self.selector.is_full() {
            self.inputs.push_back(Input::GrantUsed);
        }
    }

    /// Ends the stream of the open connection: hands on what is left of it, and closes the socket.
    pub(super) fn end_stream(&mut self, now: Timestamp, failure: Failure) {
        let Some(OpenLink { mut intake, link, .. }) = self.open.take() else { return };
        self.selector.set_time(now);
        let ended = intake.end(&mut self.selector, &mut self.batch);
        // A last member that was cut is as good as its lines; one that is damaged is no end in order.
        let failure = match ended {
            Err(error) if failure.cause == LocalCause::Eof && error.kind() != io::ErrorKind::UnexpectedEof => {
                damaged(&error)
            }
            _ => failure,
        };
        let number = intake.source.number;
        self.deliver_from(number, false);
        self.link_event(number, LinkEvent::Closed(failure));
        self.closing.push(link.close());
    }

    /// Writes out what was gathered, and reports what was in it.
    fn deliver(&mut self) {
        let Some(open) = &self.open else { return };
        let (number, within_line) = (open.intake.source.number, open.intake.is_within_line());
        self.deliver_from(number, within_line);
    }

    fn deliver_from(&mut self, number: u32, within_line: bool) {
        self.batch.recheck(&mut self.selector);
        self.archive_batch();
        if let Err(error) = self.run.terminal.print(&self.batch) {
            self.inputs.push_back(output_error(&error));
        }
        let report = std::mem::take(&mut self.batch.report);
        self.batch.clear();
        if report.is_empty() {
            return;
        }
        let quota = self.quota();
        self.link_event(number, LinkEvent::Received(Box::new(Received { report, within_line, quota })));
    }

    pub(super) fn link_event(&mut self, connection: u32, event: LinkEvent) {
        self.inputs.push_back(Input::Link { connection, event });
    }

    /// How much of its quota the run has left.
    pub(super) fn quota(&mut self) -> Option<QuotaState> {
        let meter = self.selector.meter()?;
        Some(QuotaState { usage: meter.quota_usage()?, spent: meter.is_spent() })
    }
}

/// What is left of the last chunk, else the next one.
pub(super) async fn next<L: Link>(open: &mut OpenLink<L>) -> Chunk {
    if let Some(rest) = open.rest.take() {
        return Some(Ok(rest));
    }
    std::future::poll_fn(|cx| open.link.poll_next(cx)).await
}

fn damaged(error: &io::Error) -> Failure {
    let detail = format!("what came is not the gzip it was announced as: {error}");
    Failure { cause: LocalCause::Gzip, detail, sent: true }
}

pub(super) fn output_error(error: &io::Error) -> Input {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Input::ReaderLeft
    } else {
        Input::OutputFailed(format!("writing to stdout: {error}"))
    }
}

/// What was read and not decoded.
pub(super) type Rest = Option<Bytes>;
