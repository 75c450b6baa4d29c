//! Plays one connection of a script into the socket.
//!
//! It never looks at what the client does: whoever runs it watches the reading half and drops it
//! when the client is gone, so every step may wait for ever.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Interval, interval, sleep, timeout};

use super::answer::{Headers, Rate, content_type};
use super::body::{Block, Body, Sent};
use super::flood::bomb;
use super::message::Message;
use super::registry::Seat;
use super::script::{Place, Step};
use super::server::State;

/// What is to become of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    /// Another request may come.
    KeepAlive,
    /// FIN, after a TLS goodbye if `goodbye`.
    Close { goodbye: bool },
    /// RST.
    Reset,
}

/// What the request decided.
pub(super) struct Play<'a> {
    pub(super) state: &'a State,
    /// Index of the connection in the log.
    pub(super) connection: usize,
    /// The client offers gzip.
    pub(super) accepts_gzip: bool,
    /// v1.1 `delimited=length`: the length of each message goes before it.
    pub(super) delimited: bool,
    /// The client allows another request after this one.
    pub(super) keep_alive: bool,
    /// The rate limit after this request.
    pub(super) rate: Rate,
    /// It is the filtered stream, whose posts the rules decide on.
    pub(super) filtered: bool,
    /// It is a stream of API v2, where an ending can be told in band.
    pub(super) v2: bool,
    /// Its place among the connections; a call of the API has none.
    pub(super) seat: Option<&'a Seat<'a>>,
}

impl Play<'_> {
    /// Plays the steps; an error means that the client is gone.
    pub(super) async fn run<W: AsyncWrite + Unpin>(&self, steps: &[Step], mut out: W) -> io::Result<Finish> {
        let mut extra: Headers = self.state.headers.clone();
        let bomb = steps.iter().any(|step| matches!(step, Step::GzipBomb(_) | Step::GzipBombLines(_)));
        let mut gzip = self.state.gzip || bomb;
        let mut at = 0;
        while let Some(step) = steps.get(at).filter(|step| step.place() == Place::Before) {
            match step {
                Step::Gzip => gzip = true,
                Step::Header(name, value) => extra.push((name.clone(), value.clone())),
                Step::Delay(time) => sleep(*time).await,
                step => unreachable!("{step:?} does not come before the response"),
            }
            at += 1;
        }
        if let Some(step) = steps.get(at).filter(|step| step.place() == Place::Instead) {
            return self.instead(step, &extra, &mut out).await;
        }

        let gzip = gzip && self.accepts_gzip;
        let mut headers = vec![
            (String::from("content-type"), String::from("application/json; charset=utf-8")),
            (String::from("transfer-encoding"), String::from("chunked")),
        ];
        if gzip {
            headers.push((String::from("content-encoding"), String::from("gzip")));
        }
        headers.extend(self.rate.headers());
        // Listed before the client can know that it is connected.
        if let Some(seat) = self.seat {
            seat.open();
        }
        out.write_all(self.head(200, headers, &extra).as_bytes()).await?;
        out.flush().await?;
        let body = Body::new(out, gzip, self.state.chunk_size);
        Stream { play: self, body, gzip, last_id: 0, line: Vec::new(), reason: None }.run(&steps[at..]).await
    }

    async fn instead<W: AsyncWrite + Unpin>(
        &self,
        step: &Step,
        extra: &[(String, String)],
        out: &mut W,
    ) -> io::Result<Finish> {
        match step {
            Step::Refuse(refusal) => self.refuse(refusal, extra, out).await,
            Step::Status { code, headers, body } => {
                let mut usual = vec![(String::from("content-type"), content_type(body))];
                usual.extend(self.rate.headers());
                self.answer(*code, usual, &[headers.as_slice(), extra].concat(), body, out).await
            }
            Step::Garbage => {
                out.write_all(b"SSH-2.0-OpenSSH_9.6\r\n\x00\xff\xfe this is not HTTP\r\n\r\n").await?;
                out.flush().await?;
                Ok(Finish::Close { goodbye: true })
            }
            Step::EndlessHeaders => {
                out.write_all(b"HTTP/1.1 200 OK\r\n").await?;
                let filler = format!("x-filler: {}\r\n", "a".repeat(1000));
                loop {
                    out.write_all(filler.as_bytes()).await?;
                    out.flush().await?;
                }
            }
            Step::HangUp => Ok(Finish::Close { goodbye: true }),
            // The socket is accepted already when `accept-nothing` is found here: it came after a
            // `header`, or a connection was kept alive. Not answering is what is left of it.
            _ => std::future::pending().await,
        }
    }
}

/// A stream whose head is sent.
pub(super) struct Stream<'a, W> {
    pub(super) play: &'a Play<'a>,
    pub(super) body: Body<W>,
    pub(super) gzip: bool,
    pub(super) last_id: u64,
    pub(super) line: Vec<u8>,
    /// Why it ends, by the last message that said so.
    reason: Option<String>,
}

/// How long a killed stream may take to say so to a client that does not read.
const GOODBYE: Duration = Duration::from_secs(1);

impl<W: AsyncWrite + Unpin> Stream<'_, W> {
    async fn run(mut self, steps: &[Step]) -> io::Result<Finish> {
        let Some(seat) = self.play.seat else { return self.steps(steps).await };
        let finish = tokio::select! {
            finish = self.steps(steps) => finish?,
            () = seat.killed() => return self.killed().await,
        };
        seat.end(self.reason.as_deref().unwrap_or("server_disconnect"));
        Ok(finish)
    }

    /// The end of a stream that was killed through the API: a v2 client is told with the
    /// disconnect type X documents for it, and the body ends. Where a line or a chunk is torn only
    /// the end of the connection is left.
    async fn killed(&mut self) -> io::Result<Finish> {
        let notice = Message::named("operational-disconnect", Some("ForceDisconnect"));
        let goodbye = async {
            if let (true, Sent::Lines, Some(Ok(notice))) = (self.play.v2, self.body.sent(), notice) {
                self.message(notice.render(unix_ms(), 0).as_bytes()).await?;
            }
            if self.body.sent() == Sent::Torn { Ok(Finish::Close { goodbye: true }) } else { self.end().await }
        };
        timeout(GOODBYE, goodbye).await.unwrap_or(Ok(Finish::Close { goodbye: true }))
    }

    async fn steps(&mut self, steps: &[Step]) -> io::Result<Finish> {
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
            Step::Posts { count, every } => self.posts(*count, *every).await?,
            Step::Flood { count } => self.flood(*count, false).await?,
            Step::FloodLines { count } => self.flood(*count, true).await?,
            Step::Message(message) => {
                self.reason = message.ending().map(ToOwned::to_owned).or(self.reason.take());
                let line = message.render(unix_ms(), self.last_id);
                self.message(line.as_bytes()).await?;
            }
            Step::Line(bytes) => self.line(bytes).await?,
            Step::Raw(bytes) => self.body.send(bytes).await?,
            Step::Heartbeat { count, every } => {
                let mut pace = pace(*every);
                let mut left = *count;
                while take_one(&mut left) {
                    tick(&mut pace).await;
                    self.body.send(b"\r\n").await?;
                }
            }
            Step::Wait(time) => sleep(*time).await,
            Step::Stall => std::future::pending().await,
            Step::Dribble => self.dribble().await?,
            Step::HugeLine(size) => self.huge_line(*size).await?,
            Step::DeepJson(depth) => {
                self.fill(b'[', *depth).await?;
                self.fill(b']', *depth).await?;
                self.body.send(b"\r\n").await?;
                self.play.state.log.delivered(self.play.connection, 1);
            }
            Step::GzipBomb(size) => {
                self.body.send(b"{\"bomb\":\"").await?;
                self.explode(&bomb(b"a", self.gzip)?, *size).await?;
                self.body.send(b"\"}\r\n").await?;
                self.play.state.log.delivered(self.play.connection, 1);
            }
            Step::GzipBombLines(size) => self.explode(&bomb(b"{}\r\n", self.gzip)?, *size).await?,
            Step::End => return self.end().await.map(Some),
            Step::Close => return Ok(Some(Finish::Close { goodbye: true })),
            Step::Cut => {
                self.next_post();
                let half = self.line.len() / 2;
                self.body.send(&self.line[..half]).await?;
                return Ok(Some(Finish::Close { goodbye: false }));
            }
            Step::Reset => return Ok(Some(Finish::Reset)),
            Step::BadChunk => {
                self.body.unframed(b"zz\r\nnot a chunk\r\n").await?;
                return Ok(Some(Finish::Close { goodbye: true }));
            }
            // Too late for a head: it was sent. The text form does not allow it, and in a script
            // made by hand the rest of the connection is still worth playing.
            step if step.place() == Place::Before => {}
            _ => return Ok(Some(Finish::Close { goodbye: true })),
        }
        Ok(None)
    }

    async fn end(&mut self) -> io::Result<Finish> {
        self.body.end().await?;
        Ok(if self.play.keep_alive { Finish::KeepAlive } else { Finish::Close { goodbye: true } })
    }

    pub(super) async fn message(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut line = Vec::with_capacity(bytes.len() + 16);
        if self.play.delimited {
            // The number counts the line end of the message itself.
            line.extend_from_slice(format!("{}\r\n", bytes.len() + 2).as_bytes());
        }
        line.extend_from_slice(bytes);
        line.extend_from_slice(b"\r\n");
        self.body.send(&line).await?;
        self.play.state.log.delivered(self.play.connection, 1);
        Ok(())
    }

    async fn dribble(&mut self) -> io::Result<()> {
        let mut pace = pace(Duration::from_millis(100));
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
        self.play.state.log.delivered(self.play.connection, 1);
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
pub(super) fn take_one(left: &mut Option<u64>) -> bool {
    match left {
        None => true,
        Some(0) => false,
        Some(n) => {
            *n -= 1;
            true
        }
    }
}

/// The timer of a paced step. Ticks that were missed come in a burst, so that the rate asked for is
/// kept on average: also one faster than the timer's millisecond, and after a client that paused.
pub(super) fn pace(every: Duration) -> Option<Interval> {
    (!every.is_zero()).then(|| interval(every))
}

pub(super) async fn tick(pace: &mut Option<Interval>) {
    if let Some(pace) = pace {
        pace.tick().await;
    }
}

pub(super) fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
