//! Posts at full speed: some megabytes prepared once, then written repeatedly.
//!
//! A loopback socket accepts gigabytes per second, far more than a generator makes.
//! To measure a client the server must not be the slow part, so a flood copies prepared bytes. The
//! cost: after about two thousand posts the ids repeat.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::body::Block;
use crate::simulator::feed::post::Posts;

/// The chunk size of `flood`. X's own chunks hold one message each, which is `flood-lines`; a
/// proxy in front gathers what is under way into chunks of about this size.
const CHUNK: usize = 16 << 10;

/// How much is prepared: long enough to defeat caches that would not help a real client, short enough to be made
/// at once. At most four such blocks are kept.
const SIZE: usize = 4 << 20;

/// The number of a framing's block, below 4.
pub(crate) fn slot(line_by_line: bool, gzip: bool) -> usize {
    2 * usize::from(line_by_line) + usize::from(gzip)
}

/// The blocks made so far: they cost time and memory, and most servers never flood.
#[derive(Default)]
pub(crate) struct Floods(Mutex<[Option<Arc<Block>>; 4]>);

impl Floods {
    /// The block of this framing, made at the first call.
    pub(crate) fn block(&self, line_by_line: bool, gzip: bool, unix_ms: u64) -> io::Result<Arc<Block>> {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut blocks[slot(line_by_line, gzip)];
        if let Some(block) = slot {
            return Ok(Arc::clone(block));
        }
        let block = Arc::new(render(line_by_line, gzip, unix_ms)?);
        *slot = Some(Arc::clone(&block));
        Ok(block)
    }
}

fn render(line_by_line: bool, gzip: bool, unix_ms: u64) -> io::Result<Block> {
    let mut posts = Posts::new(0x00F1_00D5);
    let (mut plain, mut ends) = (Vec::with_capacity(SIZE + 8192), Vec::new());
    while plain.len() < SIZE {
        posts.next(unix_ms, &mut plain);
        plain.extend_from_slice(b"\r\n");
        ends.push(plain.len());
    }
    let cuts =
        if line_by_line { ends.clone() } else { (CHUNK..plain.len()).step_by(CHUNK).chain([plain.len()]).collect() };
    Block::new(plain, ends, &cuts, gzip)
}

/// A block of one megabyte that compresses a thousandfold: `line` over and over.
pub(crate) fn bomb(line: &[u8], gzip: bool) -> io::Result<Block> {
    let plain: Vec<u8> = line.iter().copied().cycle().take(1 << 20).collect();
    let length = plain.len();
    Block::new(plain, Vec::new(), &[length], gzip)
}
