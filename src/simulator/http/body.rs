//! The body of a stream on the wire: chunks, and inside them perhaps gzip.
//!
//! Gzip is put together from raw deflate by hand. A library encoder decides
//! when to emit its output, while X flushes after every message; and a flood needs prepared blocks
//! spliced into the member, which only works after the encoder has reset its window.

use std::io;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Writes a stream's bytes as chunks; each `send` is on the wire when it returns.
pub(crate) struct BodyWriter<W> {
    out: W,
    gzip: Option<Gzip>,
    /// The longest piece written at once; a message is cut into such pieces, each a chunk.
    piece: usize,
    frame: Vec<u8>,
    packed: Vec<u8>,
    state: Sent,
}

/// How far the stream is: what may follow when the script is stopped from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Up to the end of a line.
    Lines,
    /// Whole chunks, but the last line is not finished.
    Part,
    /// Perhaps half a chunk, or a gzip member whose checksum is not known: nothing valid can follow it.
    Torn,
}

struct Gzip {
    deflate: Compress,
    crc: Crc,
    started: bool,
}

/// Bytes prepared for the wire once and written many times.
pub(crate) struct Block {
    /// The bytes themselves.
    pub(crate) plain: Vec<u8>,
    /// The end of each post in `plain`.
    pub(crate) ends: Vec<usize>,
    /// `plain` framed and perhaps compressed.
    framed: Vec<u8>,
    /// Positions in `framed` after which so many posts are complete; a write goes up to one.
    pub(crate) stops: Vec<(usize, u64)>,
    crc: Crc,
}

/// How much of a block is written at once: large enough that the system calls do not count, small
/// enough that the count of delivered posts is nearly true while a slow client reads.
const STRIDE: usize = 256 << 10;

impl<W: AsyncWrite + Unpin> BodyWriter<W> {
    pub(crate) fn new(out: W, gzip: bool, piece: Option<usize>) -> BodyWriter<W> {
        let gzip = gzip.then(Gzip::new);
        let piece = piece.unwrap_or(usize::MAX).max(1);
        BodyWriter { out, gzip, piece, frame: Vec::new(), packed: Vec::new(), state: Sent::Lines }
    }

    /// Sends these bytes at once.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(self.piece) {
            self.chunk(piece, FlushCompress::Sync).await?;
        }
        Ok(())
    }

    /// How far it is; correct also after a cancelled call.
    pub(crate) fn sent(&self) -> Sent {
        self.state
    }

    /// Prepares for `splice`: later bytes must not refer to earlier ones.
    pub(crate) async fn align(&mut self) -> io::Result<()> {
        if self.gzip.is_some() {
            self.chunk(b"", FlushCompress::Full).await?;
        }
        Ok(())
    }

    /// Writes the part of a block between two of its stops.
    pub(crate) async fn splice(&mut self, block: &Block, from: usize, to: usize) -> io::Result<()> {
        self.state = Sent::Torn;
        self.out.write_all(&block.framed[from..to]).await?;
        if to == block.framed.len()
            && let Some(gzip) = &mut self.gzip
        {
            gzip.crc.combine(&block.crc);
        }
        self.out.flush().await?;
        self.state = match to == block.framed.len() {
            true if block.plain.ends_with(b"\n") => Sent::Lines,
            false if self.gzip.is_some() => Sent::Torn,
            _ => Sent::Part,
        };
        Ok(())
    }

    /// Writes a whole block.
    pub(crate) async fn splice_all(&mut self, block: &Block) -> io::Result<()> {
        self.splice(block, 0, block.framed.len()).await
    }

    /// Finishes the gzip member and writes the last chunk.
    pub(crate) async fn end(&mut self) -> io::Result<()> {
        if self.gzip.is_some() {
            self.chunk(b"", FlushCompress::Finish).await?;
        }
        self.unframed(b"0\r\n\r\n").await
    }

    /// Writes bytes as they are, outside any chunk.
    pub(crate) async fn unframed(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.state = Sent::Torn;
        self.out.write_all(bytes).await?;
        self.out.flush().await
    }

    async fn chunk(&mut self, bytes: &[u8], flush: FlushCompress) -> io::Result<()> {
        let before = std::mem::replace(&mut self.state, Sent::Torn);
        self.frame.clear();
        match &mut self.gzip {
            None => frame(bytes, &mut self.frame),
            Some(gzip) => {
                self.packed.clear();
                gzip.pack(bytes, flush, &mut self.packed)?;
                frame(&self.packed, &mut self.frame);
            }
        }
        self.out.write_all(&self.frame).await?;
        self.out.flush().await?;
        self.state = match bytes.last() {
            Some(b'\n') => Sent::Lines,
            Some(_) => Sent::Part,
            None => before,
        };
        Ok(())
    }
}

/// Appends one chunk. An empty one would end the body, so nothing is written for it.
fn frame(bytes: &[u8], out: &mut Vec<u8>) {
    if !bytes.is_empty() {
        out.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
    }
}

impl Gzip {
    fn new() -> Gzip {
        Gzip { deflate: Compress::new(Compression::default(), false), crc: Crc::new(), started: false }
    }

    fn pack(&mut self, bytes: &[u8], flush: FlushCompress, out: &mut Vec<u8>) -> io::Result<()> {
        if !self.started {
            self.started = true;
            // Magic, deflate, no flags, no time, no extra flags, unknown system.
            out.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
        }
        self.crc.update(bytes);
        deflate(&mut self.deflate, bytes, flush, out)?;
        if matches!(flush, FlushCompress::Finish) {
            out.extend_from_slice(&self.crc.sum().to_le_bytes());
            out.extend_from_slice(&self.crc.amount().to_le_bytes());
        }
        Ok(())
    }
}

/// Runs the encoder until it consumed all bytes and emitted all its output.
fn deflate(deflate: &mut Compress, mut bytes: &[u8], flush: FlushCompress, out: &mut Vec<u8>) -> io::Result<()> {
    loop {
        out.reserve(bytes.len() / 2 + 256);
        let before = deflate.total_in();
        let status = deflate.compress_vec(bytes, out, flush).map_err(io::Error::other)?;
        let taken = usize::try_from(deflate.total_in() - before).expect("no more is taken than was given");
        bytes = &bytes[taken..];
        let room = out.len() < out.capacity();
        let done = if matches!(flush, FlushCompress::Finish) { status == Status::StreamEnd } else { room };
        if bytes.is_empty() && done {
            return Ok(());
        }
    }
}

impl Block {
    /// Makes a block of `plain`. `cuts` are the ends of its chunks in rising order, the last being
    /// the length of `plain`.
    pub(crate) fn new(plain: Vec<u8>, ends: Vec<usize>, cuts: &[usize], gzip: bool) -> io::Result<Block> {
        let mut encoder = Compress::new(Compression::default(), false);
        let mut framed = Vec::with_capacity(plain.len() + cuts.len() * 16);
        let (mut stops, mut packed) = (Vec::new(), Vec::new());
        let (mut from, mut posts, mut stop) = (0, 0, 0);
        for (n, &cut) in cuts.iter().enumerate() {
            let last = n + 1 == cuts.len();
            if gzip {
                packed.clear();
                // The last flush is a full one: the next copy of the block starts afresh.
                let flush = if last { FlushCompress::Full } else { FlushCompress::Sync };
                deflate(&mut encoder, &plain[from..cut], flush, &mut packed)?;
                frame(&packed, &mut framed);
            } else {
                frame(&plain[from..cut], &mut framed);
            }
            from = cut;
            while ends.get(posts).is_some_and(|end| *end <= cut) {
                posts += 1;
            }
            if last || framed.len() - stop >= STRIDE {
                stop = framed.len();
                stops.push((stop, posts as u64));
            }
        }
        let mut crc = Crc::new();
        crc.update(&plain);
        Ok(Block { plain, ends, framed, stops, crc })
    }
}
