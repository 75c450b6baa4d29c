//! Files that a crash left open: cut after their last whole line and completed.
//!
//! A plain file is cut in place. A gzip file that ends without its trailer is read up to the last flush, compressed again
//! beside itself and replaced in one step. What follows a damage in the middle of a gzip file cannot be read and is cut.
//!
//! Its law: a recovery that is interrupted is done again by the next run, and loses no whole line.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Take};

use anyhow::Context as _;
use flate2::bufread::{GzDecoder, MultiGzDecoder};
use flate2::write::GzEncoder;

use super::folder::Folder;
use crate::pipeline::rotation::{OPEN, is_archive};
use crate::session::event::ArchiveEvent;

/// What a file that is written beside another one is called beside its name.
const FRESH: &str = ".new";

/// How a flush of the compressor ends (RFC 1951 §3.2.4: an empty stored block).
const FLUSHED: &[u8] = &[0, 0, 0xff, 0xff];

/// Bytes per read.
const BLOCK: usize = 64 << 10;

/// Completes every open file of the folder.
pub(super) fn recover(folder: &Folder) -> anyhow::Result<Vec<ArchiveEvent>> {
    let mut recovered = Vec::new();
    let names = folder.names().context("listing the archive")?;
    let is_fresh = |name: &&String| {
        name.strip_suffix(FRESH).and_then(|part| part.strip_suffix(OPEN)).and_then(is_archive).is_some()
    };
    for fresh in names.iter().filter(is_fresh) {
        folder.remove(fresh).with_context(|| format!("removing {}", folder.path(fresh).display()))?;
    }
    for part in &names {
        let place = || format!("recovering {}", folder.path(part).display());
        let Some(name) = part.strip_suffix(OPEN) else { continue };
        let Some(compression) = is_archive(name) else { continue };
        let file = folder.open_file(part).with_context(place)?;
        let (kept, cut) = if compression.is_gzip() { mend_gzip(folder, part, &file) } else { mend_plain(&file) }
            .with_context(place)?;
        if kept == 0 {
            folder.remove(part).with_context(place)?;
        } else {
            // The name may lead to another file by now.
            folder.open_file(part).and_then(|file| folder.complete(name, &file)).with_context(place)?;
        }
        recovered.push(ArchiveEvent::Recovered { file: name.to_owned(), cut });
    }
    Ok(recovered)
}

/// Cuts a plain file after its last whole line; returns how many bytes are kept and how many are cut.
fn mend_plain(file: &File) -> io::Result<(u64, u64)> {
    let length = file.metadata()?.len();
    let kept = end_of_last(file, b"\n")?;
    file.set_len(kept)?;
    Ok((kept, length - kept))
}

/// Replaces a gzip file that is damaged, or ends without its trailer, by one with the whole lines up to the last flush;
/// returns how many bytes of text are kept and how many are cut.
fn mend_gzip(folder: &Folder, part: &str, file: &File) -> io::Result<(u64, u64)> {
    let whole = read_gzip(file, u64::MAX)?;
    if whole.is_sound && whole.lines == whole.text {
        return Ok((whole.lines, 0));
    }
    // Behind the last flush a loss of power may leave zeros, which are text to a decompressor. Complete members, which
    // other programs may have written, need no flush.
    let end = whole.complete.max(end_of_last(file, FLUSHED)?);
    let kept = read_gzip(file, end)?.lines;
    if kept > 0 {
        let fresh = format!("{part}{FRESH}");
        let mut out = GzEncoder::new(folder.open_file(&fresh)?, flate2::Compression::default());
        io::copy(&mut MultiGzDecoder::new(reader(file, end)?).take(kept), &mut out)?;
        out.finish()?.sync_all()?;
        folder.replace(&fresh, part)?;
    }
    Ok((kept, whole.text.saturating_sub(kept)))
}

/// What was read of a gzip file.
#[derive(Default)]
struct GzipText {
    /// Bytes of text.
    text: u64,
    /// Bytes of whole lines among them.
    lines: u64,
    /// Where the last complete member ends in the file.
    complete: u64,
    /// Whether the file ends as gzip ends.
    is_sound: bool,
}

/// Reads what can be read of the first `limit` bytes of a gzip file.
fn read_gzip(file: &File, limit: u64) -> io::Result<GzipText> {
    let mut found = GzipText::default();
    let mut block = vec![0; BLOCK];
    let mut reader = reader(file, limit)?;
    let mut member = GzDecoder::new(&mut reader);
    loop {
        match member.read(&mut block) {
            Ok(0) => {
                found.complete = limit - reader.get_ref().limit() - reader.buffer().len() as u64;
                if reader.fill_buf()?.is_empty() {
                    return Ok(GzipText { is_sound: true, ..found });
                }
                member = GzDecoder::new(&mut reader);
            }
            Ok(count) => {
                if let Some(at) = block[..count].iter().rposition(|byte| *byte == b'\n') {
                    found.lines = found.text + at as u64 + 1;
                }
                found.text += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput) => {
                return Ok(found);
            }
            Err(error) => return Err(error),
        }
    }
}

fn reader(mut file: &File, limit: u64) -> io::Result<BufReader<Take<&File>>> {
    file.seek(SeekFrom::Start(0))?;
    Ok(BufReader::with_capacity(BLOCK, file.take(limit)))
}

/// The position after the last `mark` in a file; 0 if there is none.
fn end_of_last(mut file: &File, mark: &[u8]) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    let mut block = vec![0; BLOCK];
    while end >= mark.len() as u64 {
        let start = end.saturating_sub(BLOCK as u64);
        file.seek(SeekFrom::Start(start))?;
        let block = &mut block[..usize::try_from(end - start).unwrap_or(BLOCK)];
        file.read_exact(block)?;
        if let Some(at) = block.windows(mark.len()).rposition(|bytes| bytes == mark) {
            return Ok(start + (at + mark.len()) as u64);
        }
        if start == 0 {
            break;
        }
        // A mark may lie across two blocks.
        end = start + mark.len() as u64 - 1;
    }
    Ok(0)
}
