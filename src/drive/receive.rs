//! What is read: a chunk and all that is ready behind it, through the pipeline to the terminal.

use std::io;

use hyper::body::Bytes;

use super::Drive;
use crate::net::stream::Stream;
use crate::pipeline::Seen;
use crate::pipeline::envelope::Stamp;
use crate::protocol::disconnect::Own;
use crate::session::{Event, EventKind, Failure, Input, Received};
use crate::time::{Timestamp, format_rfc3339};

/// Output that is gathered before it is written, while more input is ready. A quarter of it costs a sixth more time in a
/// flood, and four times as much gains nothing.
const GATHER: usize = 256 << 10;

/// Input that is read before output is written, however little of it is printed.
const READ_AT_ONCE: usize = 1 << 20;

/// Compressed input that is worked through before a look at how much output there is. It may inflate a thousandfold, and
/// no more than four MiB should wait for room.
const GZIP_PORTION: usize = 4 << 10;

/// Compressed input that is read before output is written, however little of it is printed: a bomb of keep-alives grows
/// to 64 MiB, which takes a tenth of a second.
const GZIP_AT_ONCE: usize = 64 << 10;

/// Bytes of the stream, a failure, or its end.
pub(super) type Chunk = Option<Result<Bytes, Failure>>;

impl Drive {
    /// Takes in a chunk and all that is ready behind it, so that a burst costs few writes and a lone post none
    /// of waiting.
    pub(super) async fn receive(&mut self, first: Chunk) -> Option<Input> {
        let now = self.run.clock.now();
        if self.run.pipeline.annotates() {
            let at = format_rfc3339(now.wall);
            self.run.pipeline.stamp(Stamp { at, connection: self.run.session.connection() });
        }
        let mut seen = Seen::default();
        let mut next = Some(first);
        let mut read = 0;
        let mut closed = None;
        while let Some(chunk) = next.take() {
            match chunk {
                Some(Ok(mut bytes)) => {
                    if self.stream.as_ref()?.gzip && bytes.len() > GZIP_PORTION {
                        self.rest = bytes.split_off(GZIP_PORTION);
                    }
                    read += bytes.len();
                    if let Err(error) = self.run.pipeline.push(&bytes, &mut self.out, &mut seen) {
                        closed = Some(damaged(&error));
                    } else if !seen.full && seen.beyond == 0 && self.out.len() < GATHER {
                        let stream = self.stream.as_mut()?;
                        if read >= if stream.gzip { GZIP_AT_ONCE } else { READ_AT_ONCE } {
                            continue;
                        }
                        next = if self.rest.is_empty() {
                            stream.ready().await
                        } else {
                            Some(Some(Ok(std::mem::take(&mut self.rest))))
                        };
                    }
                }
                Some(Err(failure)) => closed = Some(failure),
                None => closed = Some(self.ended(&mut seen)),
            }
        }
        if read >= GZIP_AT_ONCE || !self.rest.is_empty() || self.out.len() >= GATHER {
            // Bytes that are always at hand would starve the timers and signals of the runtime.
            tokio::task::yield_now().await;
        }
        if closed.is_some() {
            self.run.pipeline.finish(&mut self.out, &mut seen);
        }
        seen.bytes = read as u64;
        if let Some(input) = self.flush() {
            self.count(now, seen);
            return Some(input);
        }
        self.keep_diagnostics(now, &mut seen);
        let full = seen.full;
        if read > 0 || seen.lines > 0 {
            self.pending.push_back(Input::Received(Received {
                bytes: seen.bytes,
                delivered: seen.delivered,
                undelivered: seen.undelivered,
                lines: seen.lines,
                posts: seen.posts,
                first_id: seen.first_id.clone(),
                last_id: seen.last_id.clone(),
                unfinished: self.run.pipeline.unfinished(),
                // Enough is enough: what ends the stream after the last message is not waited out.
                ending: seen.ending.clone().filter(|_| !full),
            }));
        }
        self.count(now, seen);
        if full {
            self.pending.push_back(Input::Filled);
        } else if let Some(failure) = closed {
            self.pending.push_back(Input::Closed(failure));
        }
        self.pending.pop_front()
    }

    /// Folds a batch into the run's statistics.
    fn count(&mut self, at: Timestamp, batch: Seen) {
        let kind = EventKind::Received(Box::new(batch));
        self.stats.apply(&Event { at, connection: self.run.session.connection(), kind });
    }

    /// The stream was closed in order: a plain end, unless what was compressed turns out to be damaged. A last member
    /// that was cut is as good as its lines.
    fn ended(&mut self, seen: &mut Seen) -> Failure {
        match self.run.pipeline.check_end(&mut self.out, seen) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => damaged(&error),
            _ => Failure { own: Own::Eof, detail: String::new(), sent: true },
        }
    }

    /// Hands the output to the terminal; an input if that shows that the run is over.
    pub(super) fn flush(&mut self) -> Option<Input> {
        if self.out.is_empty() {
            return None;
        }
        let result = self.run.terminal.print(&self.out);
        self.out.clear();
        self.out.shrink_to(1 << 20);
        result.err().map(|error| of_output(&error))
    }

    /// Of a line that is not finished when we leave nothing more will come; that is told once.
    pub(super) fn discard(&mut self) {
        if self.stream.is_some() {
            let mut seen = Seen::default();
            self.run.pipeline.finish(&mut self.out, &mut seen);
            let now = self.run.clock.now();
            self.flush();
            self.keep_diagnostics(now, &mut seen);
            self.count(now, seen);
        }
    }
}

/// What is left of the last chunk, else the next one.
pub(super) async fn next(rest: &mut Bytes, stream: &mut Stream) -> Chunk {
    if rest.is_empty() {
        return stream.next().await;
    }
    Some(Ok(std::mem::take(rest)))
}

fn damaged(error: &io::Error) -> Failure {
    let detail = format!("what came is not the gzip it was announced as: {error}");
    Failure { own: Own::Gzip, detail, sent: true }
}

pub(super) fn of_output(error: &io::Error) -> Input {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Input::ReaderLeft
    } else {
        Input::Unwritable(format!("writing to stdout: {error}"))
    }
}
