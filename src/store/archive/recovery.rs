//! Files that a crash left open: cut after their last whole record and completed.
//!
//! A plain file is cut in place. A gzip file that ends without its trailer is read up to the last flush, compressed again
//! beside itself and replaced in one step. What follows a damage in the middle of a gzip file cannot be read and is cut.
//!
//! Its law: a recovery that is interrupted is done again by the next run, and loses no whole record, also if only its line end is missing.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use anyhow::Context as _;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::folder::Folder;
use super::gzip::{BLOCK, read_gzip, reader};
use crate::pipeline::decode::split::LINE_CAP;
use crate::pipeline::rotation::{OPEN, is_archive};
use crate::protocol::scan::scan;
use crate::session::event::ArchiveEvent;

/// What a file that is written beside another one is called beside its name.
const FRESH: &str = ".new";

/// How a flush of the compressor ends (RFC 1951 §3.2.4: an empty stored block).
const FLUSHED: &[u8] = &[0, 0, 0xff, 0xff];

/// Completes every open file of the folder.
pub(super) fn recover(folder: &Folder, recovered: &mut Vec<ArchiveEvent>) -> anyhow::Result<()> {
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
            recovered.extend((cut > 0).then(|| ArchiveEvent::Removed { file: name.to_owned(), cut }));
        } else {
            // The name may lead to another file by now.
            folder.open_file(part).and_then(|file| folder.complete(name, &file)).with_context(place)?;
            recovered.push(ArchiveEvent::Recovered { file: name.to_owned(), cut });
        }
    }
    Ok(())
}

/// Whether this is a record that only lacks its line end. Less than a whole record is no JSON object.
fn is_whole(rest: &[u8]) -> bool {
    rest.starts_with(b"{") && rest.len() <= LINE_CAP && scan(rest).is_ok()
}

/// Cuts a plain file after its last whole record; returns how many bytes are kept and how many are cut.
fn mend_plain(mut file: &File) -> io::Result<(u64, u64)> {
    let length = file.metadata()?.len();
    let kept = end_of_last(file, b"\n")?;
    let mut rest = Vec::new();
    file.seek(SeekFrom::Start(kept))?;
    file.take(LINE_CAP as u64 + 1).read_to_end(&mut rest)?;
    if is_whole(&rest) {
        file.write_all(b"\n")?;
        return Ok((length, 0));
    }
    file.set_len(kept)?;
    Ok((kept, length - kept))
}

/// Replaces a gzip file that is damaged, or ends without its trailer, by one with the whole records up to the last flush;
/// returns how many bytes of text are kept and how many are cut.
fn mend_gzip(folder: &Folder, part: &str, file: &File) -> io::Result<(u64, u64)> {
    let whole = read_gzip(file, u64::MAX)?;
    if whole.is_sound && whole.lines == whole.text {
        return Ok((whole.lines, 0));
    }
    // Behind the last flush a loss of power may leave zeros, which are text to a decompressor. Complete members, which
    // other programs may have written, need no flush.
    let end = whole.complete.max(end_of_last(file, FLUSHED)?);
    let found = read_gzip(file, end)?;
    let (kept, line_end) = if is_whole(&found.rest) { (found.text, "\n") } else { (found.lines, "") };
    if kept > 0 {
        let fresh = format!("{part}{FRESH}");
        let write = || {
            let mut out = GzEncoder::new(folder.open_file(&fresh)?, flate2::Compression::default());
            io::copy(&mut MultiGzDecoder::new(reader(file, end)?).take(kept), &mut out)?;
            out.write_all(line_end.as_bytes())?;
            out.finish()?.sync_all()?;
            folder.replace(&fresh, part)
        };
        if let Err(error) = write() {
            // What cannot be removed is removed by the next run.
            let _ = folder.remove(&fresh);
            return Err(error);
        }
    }
    // Of a file that cannot be read at all, its own bytes are what is lost.
    let lost = if whole.text == 0 { file.metadata()?.len() } else { whole.text.saturating_sub(kept) };
    Ok((kept, lost))
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
