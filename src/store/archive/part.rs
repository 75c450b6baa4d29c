//! An open file of an archive: records go in, and what is in the file is always whole records.
//!
//! Compressed bytes are collected in memory and written when the compressor is flushed, so that what is in the file can be
//! read up to its end. A reader process sees a gzip file without its trailer.
//!
//! Its law: after each call the file ends with a whole record, also after a write that failed half-way.

use std::fs::File;
use std::io::{self, Write as _};
use std::time::Duration;

use flate2::write::GzEncoder;

use super::folder::Folder;
use crate::pipeline::batch::Batch;
use crate::pipeline::rotation::is_archive;

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
    /// What this run put in.
    pub(super) messages: u64,
    pub(super) bytes: u64,
}

impl OpenFile {
    /// Opens the file that becomes `name`, or continues it.
    pub(super) fn open(folder: &Folder, name: String, start: Duration) -> io::Result<OpenFile> {
        let file = folder.open_part(&name)?;
        let whole = file.metadata()?.len();
        let gzip = is_archive(&name).filter(|compression| compression.is_gzip()).map(|_| encoder());
        Ok(OpenFile { file, name, start, gzip, unflushed: false, whole, messages: 0, bytes: 0 })
    }

    /// Appends records.
    pub(super) fn write(&mut self, batch: &Batch) -> io::Result<()> {
        match &mut self.gzip {
            None => self.append(&batch.bytes.output)?,
            Some(gzip) => {
                gzip.write_all(&batch.bytes.output)?;
                self.unflushed = true;
                if gzip.get_ref().len() >= COLLECTED {
                    self.flush()?;
                }
            }
        }
        self.messages += batch.records.len() as u64;
        self.bytes += batch.bytes.output.len() as u64;
        Ok(())
    }

    /// Makes everything that was appended readable in the file.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let Some(gzip) = self.gzip.as_mut().filter(|_| self.unflushed) else { return Ok(()) };
        self.unflushed = false;
        gzip.flush()?;
        let compressed = std::mem::take(gzip.get_mut());
        self.append(&compressed)
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

    /// A second handle, for a thread that waits until the file is on the disk.
    pub(super) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Writes the end of the file and gives it its name. Blocks until its bytes are on the disk.
    pub(super) fn complete(mut self, folder: &Folder) -> io::Result<()> {
        // A recovery looks for the last flush.
        self.flush()?;
        if let Some(gzip) = self.gzip.take() {
            let rest = gzip.finish()?;
            self.append(&rest)?;
        }
        folder.complete(&self.name, &self.file)
    }
}

pub(super) fn encoder() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::new(), flate2::Compression::default())
}
