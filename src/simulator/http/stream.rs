//! The steps of a stream, after its head.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::{Interval, interval, timeout};

use super::body::{Block, BodyWriter, Sent};
use super::flood::bomb;
use super::response::Finish;
use crate::protocol::endpoint::Family;
use crate::simulator::api::registry::Slot;
use crate::simulator::api::stream_request::{FeedPart, StreamRequest};
use crate::simulator::script::Step;
use crate::simulator::script::control::ControlMessage;
use crate::simulator::script::step::Place;
use crate::simulator::state::ServerState;

/// A stream that the script may play.
#[derive(Clone, Copy)]
pub(crate) struct OpenStream<'a> {
    pub(crate) state: &'a ServerState,
    pub(crate) request: &'a StreamRequest,
    pub(crate) slot: &'a Slot<'a>,
    /// Index of the connection in the log.
    pub(crate) connection: usize,
    /// The client allows another request after this one.
    pub(crate) keep_alive: bool,
}

/// A stream whose head is sent.
pub(crate) struct StreamWriter<'a, W> {
    pub(crate) state: &'a ServerState,
    pub(crate) request: &'a StreamRequest,
    pub(crate) connection: usize,
    pub(crate) body: BodyWriter<W>,
    pub(crate) gzip: bool,
    /// The next number of the feed.
    pub(crate) next_number: u64,
    pub(crate) last_id: u64,
    pub(crate) line: Vec<u8>,
    keep_alive: bool,
    slot: &'a Slot<'a>,
    /// Why it ends, from the last message that announced it.
    reason: Option<String>,
}

/// How long a terminated stream may try to report that to a client that does not read.
const TERMINATION_TIMEOUT: Duration = Duration::from_secs(1);

impl<'a, W: AsyncWrite + Unpin> StreamWriter<'a, W> {
    pub(crate) fn new(stream: OpenStream<'a>, body: BodyWriter<W>, gzip: bool) -> Self {
        let from = match stream.request.part {
            FeedPart::Live { backfill } => stream.state.clock.now().saturating_sub(backfill),
            FeedPart::Range { start, .. } => start,
        };
        StreamWriter {
            state: stream.state,
            request: stream.request,
            connection: stream.connection,
            body,
            gzip,
            next_number: stream.state.feed.first_at(from),
            last_id: 0,
            line: Vec::new(),
            keep_alive: stream.keep_alive,
            slot: stream.slot,
            reason: None,
        }
    }

    pub(crate) async fn run(mut self, steps: &[Step]) -> io::Result<Finish> {
        let slot = self.slot;
        let finish = tokio::select! {
            finish = self.steps(steps) => finish?,
            () = slot.terminated() => return self.terminated().await,
        };
        slot.end(self.reason.as_deref().unwrap_or("server_disconnect"));
        Ok(finish)
    }

    /// The end of a stream that was terminated through the API: a v2 client gets the disconnect type X documents for
    /// it, and the body ends. Where a line or a chunk is torn, only the end of the connection is left.
    async fn terminated(&mut self) -> io::Result<Finish> {
        let notice = ControlMessage::named("operational-disconnect", Some("ForceDisconnect"));
        let v2 = self.request.endpoint.family == Family::V2;
        let close_notify = async {
            if let (true, Sent::Lines, Some(Ok(notice))) = (v2, self.body.sent(), notice) {
                self.message(notice.render(self.state.clock.unix_ms(), 0).as_bytes()).await?;
            }
            if self.body.sent() == Sent::Torn { Ok(Finish::Close { close_notify: true }) } else { self.end().await }
        };
        timeout(TERMINATION_TIMEOUT, close_notify).await.unwrap_or(Ok(Finish::Close { close_notify: true }))
    }

    async fn steps(&mut self, steps: &[Step]) -> io::Result<Finish> {
        if self.request.local_dc_only == Some(true) {
            let metadata = ControlMessage::named("metadata", None).and_then(Result::ok);
            let metadata = metadata.map(|message| message.render(self.state.clock.unix_ms(), 0)).unwrap_or_default();
            self.message(metadata.as_bytes()).await?;
        }
        let mut at = 0;
        let mut played = vec![1; steps.len()];
        while let Some(step) = steps.get(at) {
            at += 1;
            if let Step::Repeat(times) = step {
                if times.is_none_or(|times| played[at - 1] < times) {
                    played[at - 1] += 1;
                    // A repeat inside what is played again counts afresh.
                    played[..at - 1].fill(1);
                    at = 0;
                    // Steps that wait for nothing must not keep the other connections from running.
                    tokio::task::yield_now().await;
                }
            } else if let Some(finish) = self.step(step).await? {
                return Ok(finish);
            }
        }
        self.end().await
    }

    /// Plays a step; something is returned by the last.
    async fn step(&mut self, step: &Step) -> io::Result<Option<Finish>> {
        match step {
            Step::Feed(duration) => return self.feed(*duration).await,
            Step::Posts { count, every } => self.posts(*count, *every).await?,
            Step::Flood { count } => self.flood(*count, false).await?,
            Step::FloodLines { count } => self.flood(*count, true).await?,
            Step::Message(message) => {
                self.reason = message.ending().map(ToOwned::to_owned).or(self.reason.take());
                let line = message.render(self.state.clock.unix_ms(), self.last_id);
                self.message(line.as_bytes()).await?;
            }
            Step::Line(bytes) => self.line(bytes).await?,
            Step::Raw(bytes) => self.body.send(bytes).await?,
            Step::Heartbeat { count, every } => {
                let mut pace = self.pace(*every);
                let mut left = *count;
                while take_one(&mut left) {
                    tick(&mut pace).await;
                    self.body.send(b"\r\n").await?;
                }
            }
            Step::Wait(time) => self.state.clock.sleep(*time).await,
            Step::Stall => std::future::pending().await,
            Step::Dribble => self.dribble().await?,
            Step::HugeLine(size) => self.huge_line(*size).await?,
            Step::DeepJson(depth) => {
                self.fill(b'[', *depth).await?;
                self.fill(b']', *depth).await?;
                self.body.send(b"\r\n").await?;
                self.state.log.delivered(self.connection, 1);
            }
            Step::GzipBomb(size) => {
                self.body.send(b"{\"bomb\":\"").await?;
                self.explode(&bomb(b"a", self.gzip)?, *size).await?;
                self.body.send(b"\"}\r\n").await?;
                self.state.log.delivered(self.connection, 1);
            }
            Step::GzipBombLines(size) => self.explode(&bomb(b"{}\r\n", self.gzip)?, *size).await?,
            Step::End => return self.end().await.map(Some),
            Step::Close => return Ok(Some(Finish::Close { close_notify: true })),
            Step::Cut => {
                self.generate();
                let half = self.line.len() / 2;
                self.body.send(&self.line[..half]).await?;
                return Ok(Some(Finish::Close { close_notify: false }));
            }
            Step::Reset => return Ok(Some(Finish::Reset)),
            Step::BadChunk => {
                self.body.unframed(b"zz\r\nnot a chunk\r\n").await?;
                return Ok(Some(Finish::Close { close_notify: true }));
            }
            // Too late for a head: it was sent. The text form does not allow it, and in a script
            // made by hand the rest of the connection is still worth playing.
            step if step.place() == Place::Before => {}
            _ => return Ok(Some(Finish::Close { close_notify: true })),
        }
        Ok(None)
    }

    /// The timer of a paced step. Missed ticks come in a burst, so that the requested rate is kept on average: also one
    /// faster than the timer's millisecond, and after a client that paused.
    pub(crate) fn pace(&self, every: Duration) -> Option<Interval> {
        let every = self.state.clock.real(every);
        (!every.is_zero()).then(|| interval(every))
    }

    pub(crate) async fn end(&mut self) -> io::Result<Finish> {
        self.body.end().await?;
        Ok(if self.keep_alive { Finish::KeepAlive } else { Finish::Close { close_notify: true } })
    }

    pub(crate) async fn message(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut line = Vec::with_capacity(bytes.len() + 16);
        if self.request.delimited {
            // The number counts the line end of the message itself.
            line.extend_from_slice(format!("{}\r\n", bytes.len() + 2).as_bytes());
        }
        line.extend_from_slice(bytes);
        line.extend_from_slice(b"\r\n");
        self.body.send(&line).await?;
        self.state.log.delivered(self.connection, 1);
        Ok(())
    }

    async fn dribble(&mut self) -> io::Result<()> {
        let mut pace = self.pace(Duration::from_millis(100));
        for byte in b"{\"data\":{\"id\":\"1\",\"text\":\"".iter().chain(std::iter::repeat(&b'z')) {
            tick(&mut pace).await;
            self.body.send(&[*byte]).await?;
        }
        Ok(())
    }

    /// A JSON line of `size` bytes without its line end; the smallest there is has 2.
    async fn huge_line(&mut self, size: u64) -> io::Result<()> {
        self.body.send(b"\"").await?;
        self.fill(b'x', size.saturating_sub(2)).await?;
        self.body.send(b"\"\r\n").await?;
        self.state.log.delivered(self.connection, 1);
        Ok(())
    }

    async fn fill(&mut self, byte: u8, mut count: u64) -> io::Result<()> {
        // On the heap: in the future it would be a part of every connection's memory.
        let block = vec![byte; 16 << 10];
        while count > 0 {
            let now = usize::try_from(count).unwrap_or(usize::MAX).min(block.len());
            self.body.send(&block[..now]).await?;
            count -= now as u64;
        }
        Ok(())
    }

    async fn explode(&mut self, block: &Block, size: u64) -> io::Result<()> {
        self.body.align().await?;
        for _ in 0..size.div_ceil(block.plain.len() as u64) {
            self.body.splice_all(block).await?;
        }
        Ok(())
    }
}

/// Takes one from a count that may be endless; false when none is left.
pub(crate) fn take_one(left: &mut Option<u64>) -> bool {
    match left {
        None => true,
        Some(0) => false,
        Some(n) => {
            *n -= 1;
            true
        }
    }
}

pub(crate) async fn tick(pace: &mut Option<Interval>) {
    if let Some(pace) = pace {
        pace.tick().await;
    }
}
