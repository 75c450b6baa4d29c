//! An open file of an archive: records go in, and what is in the file is always whole records.
//!
//! Compressed bytes are collected in memory and written when the compressor is flushed, so that what is in the file can be
//! read up to its end. A reader process sees a gzip file without its trailer.
//!
//! Its law: after each call the file ends with a whole record, also after a write that failed half-way.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::time::Duration;

use flate2::write::GzEncoder;

use super::folder::Folder;
use super::gzip::read_gzip;
use crate::pipeline::batch::Batch;
use crate::pipeline::rotation::{OPEN, is_archive};

/// Compressed bytes that are collected before they are written without waiting for the next flush.
const COLLECTED: usize = 1 << 20;

/// An open file.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: File,
    /// Its name when it is complete.
    pub(super) name: String,
    /// The beginning of its interval.
    pub(super) start: Duration,
    gzip: Option<GzEncoder<Vec<u8>>>,
    /// Whether the compressor holds records that are not in the file.
    unflushed: bool,
    /// The length at which the file ends with a whole record.
    whole: u64,
    /// The messages of this run in the file, with those in the compressor, and the bytes of the latter before compression.
    pub(super) flushed: u64,
    pub(super) messages: u64,
    pub(super) bytes: u64,
}

impl OpenFile {
    /// Opens the file that becomes `name`. A finished file is continued if it is sound: it gets the name of an open one.
    pub(super) fn open(folder: &Folder, name: String, start: Duration) -> io::Result<OpenFile> {
        let gzip = is_archive(&name).filter(|compression| compression.is_gzip()).map(|_| encoder());
        let part = format!("{name}{OPEN}");
        let is_finished = folder.has_file(&name)?;
        let current = if is_finished { &name } else { &part };
        let file = folder.open_file(current)?;
        let lacks_line_end = lacks_line_end(&file, current, gzip.is_some())?;
        if is_finished {
            folder.rename(&name, &part)?;
        }
        let whole = file.metadata()?.len();
        let mut open = OpenFile { file, name, start, gzip, unflushed: false, whole, flushed: 0, messages: 0, bytes: 0 };
        if lacks_line_end {
            open.append_line_end()?;
        }
        Ok(open)
    }

    /// Ends the last line, which another program left without an end: the next record must not merge with it.
    fn append_line_end(&mut self) -> io::Result<()> {
        if self.gzip.is_none() {
            return self.append(b"\n");
        }
        let mut member = encoder();
        member.write_all(b"\n")?;
        self.append(&member.finish()?)
    }

    /// Appends records.
    pub(super) fn write(&mut self, batch: &Batch) -> io::Result<()> {
        match &mut self.gzip {
            None => self.append(&batch.bytes.output)?,
            Some(gzip) => {
                gzip.write_all(&batch.bytes.output)?;
                self.unflushed = true;
            }
        }
        self.messages += batch.records.len() as u64;
        self.bytes += batch.bytes.output.len() as u64;
        if self.gzip.as_ref().is_none_or(|gzip| gzip.get_ref().len() >= COLLECTED) {
            self.flush()?;
        }
        Ok(())
    }

    /// Makes everything that was appended readable in the file.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if let Some(gzip) = self.gzip.as_mut().filter(|_| self.unflushed) {
            self.unflushed = false;
            gzip.flush()?;
            let compressed = std::mem::take(gzip.get_mut());
            self.append(&compressed)?;
        }
        self.flushed = self.messages;
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // A file that cannot be cut either is cut when the next run recovers it.
            let _ = self.file.set_len(self.whole);
            return Err(error);
        }
        self.whole += bytes.len() as u64;
        Ok(())
    }

    /// Checks that the file is still the one of its name: what is written to another one is lost.
    pub(super) fn check(&self, folder: &Folder) -> io::Result<()> {
        folder.check(&format!("{}{OPEN}", self.name), &self.file)
    }

    /// A second handle, for a thread that waits until the file is on the disk.
    pub(super) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Writes the end of the file and gives it its name. Blocks until its bytes are on the disk.
    pub(super) fn complete(&mut self, folder: &Folder) -> io::Result<()> {
        // A recovery looks for the last flush.
        self.flush()?;
        if let Some(gzip) = self.gzip.take() {
            let rest = gzip.finish()?;
            self.append(&rest)?;
        }
        folder.complete(&self.name, &self.file)
    }
}

/// Whether the last line of a file has no end.
fn lacks_line_end(mut file: &File, name: &str, is_gzip: bool) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    if is_gzip {
        let found = read_gzip(file, u64::MAX)?;
        if !found.is_sound {
            let why = format!("{name} is damaged: move it, or run xstream scrub --salvage on it");
            return Err(io::Error::other(why));
        }
        return Ok(found.lines < found.text);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

fn encoder() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::new(), flate2::Compression::default())
}
