//! Runs a function over the blocks of an archive on several processors, and hands on the results in order.
//!
//! One thread reads (and inflates), the workers take the blocks in turn, and the caller's thread receives block and
//! result in the order of the file. Every channel holds one block, so memory is a few blocks for each worker.

use std::io;
use std::ops::ControlFlow;
use std::sync::mpsc::sync_channel;
use std::thread;

use super::blocks::{BlockContent, Blocks, Damage};

/// Smaller files are read on the caller's thread: starting the others takes longer than reading a megabyte.
const PARALLEL_FROM: u64 = 4 << 20;

/// More workers than this wait for the thread that reads.
const MOST_WORKERS: usize = 8;

/// One block, as the caller receives it.
pub struct Done<T> {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The result of the work on it.
    pub result: T,
    /// How many bytes of the file were read when it was.
    pub offset: u64,
}

/// How the reading of an archive ended.
pub enum BlocksEnd {
    /// All of it was read.
    Whole,
    /// It is damaged.
    Damaged(Damage),
    /// The caller stopped it.
    Stopped,
}

/// Reads all of `blocks`, of a file of `size` bytes. `work` gets each block and whether it is the first one; `sink` gets
/// the results in order, and may stop.
///
/// # Errors
/// `sink` failed, or a thread cannot be started.
pub fn for_each<T: Send>(
    blocks: Blocks,
    size: u64,
    work: impl Fn(BlockContent, &[u8], bool) -> T + Sync,
    mut sink: impl FnMut(Done<T>) -> io::Result<ControlFlow<()>>,
) -> io::Result<BlocksEnd> {
    if size < PARALLEL_FROM {
        in_sequence(blocks, work, sink)
    } else {
        let workers = thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS);
        in_parallel(blocks, workers, &work, &mut sink)
    }
}

fn in_sequence<T>(
    mut blocks: Blocks,
    work: impl Fn(BlockContent, &[u8], bool) -> T,
    mut sink: impl FnMut(Done<T>) -> io::Result<ControlFlow<()>>,
) -> io::Result<BlocksEnd> {
    let mut first = true;
    loop {
        let mut bytes = Vec::new();
        match blocks.next(&mut bytes) {
            Ok(None) => return Ok(BlocksEnd::Whole),
            Err(damage) => return Ok(BlocksEnd::Damaged(damage)),
            Ok(Some(content)) => {
                let result = work(content, &bytes, std::mem::take(&mut first));
                if sink(Done { bytes, result, offset: blocks.offset() })?.is_break() {
                    return Ok(BlocksEnd::Stopped);
                }
            }
        }
    }
}

fn in_parallel<T: Send>(
    mut blocks: Blocks,
    workers: usize,
    work: &(impl Fn(BlockContent, &[u8], bool) -> T + Sync),
    sink: &mut impl FnMut(Done<T>) -> io::Result<ControlFlow<()>>,
) -> io::Result<BlocksEnd> {
    thread::scope(|scope| {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for _ in 0..workers {
            let (input, blocks) = sync_channel::<(Vec<u8>, BlockContent, bool, u64)>(1);
            let (done, output) = sync_channel(1);
            thread::Builder::new().spawn_scoped(scope, move || {
                for (bytes, content, first, offset) in blocks {
                    let result = work(content, &bytes, first);
                    // The caller stopped.
                    if done.send(Done { bytes, result, offset }).is_err() {
                        return;
                    }
                }
            })?;
            inputs.push(input);
            outputs.push(output);
        }
        let reader = thread::Builder::new().spawn_scoped(scope, move || {
            for (n, input) in inputs.iter().cycle().enumerate() {
                let mut bytes = Vec::new();
                match blocks.next(&mut bytes) {
                    Ok(None) => return BlocksEnd::Whole,
                    Err(damage) => return BlocksEnd::Damaged(damage),
                    Ok(Some(content)) => {
                        if input.send((bytes, content, n == 0, blocks.offset())).is_err() {
                            return BlocksEnd::Stopped;
                        }
                    }
                }
            }
            BlocksEnd::Whole
        })?;
        for output in outputs.iter().cycle() {
            // The first worker without a further block is the one after the last block.
            let Ok(done) = output.recv() else { break };
            if sink(done)?.is_break() {
                return Ok(BlocksEnd::Stopped);
            }
        }
        drop(outputs);
        reader.join().map_err(|_| io::Error::other("the thread that reads failed"))
    })
}
