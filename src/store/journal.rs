//! The file of the journal, which scripts and `explain --journal` read.
//!
//! Each record is one write of a whole line to a file opened for appending, so a crash, or two runs on one file,
//! leave whole lines.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

use crate::observe::record::JournalRecord;
use crate::redact::Redactor;

/// A file that events are appended to.
pub struct JournalFile {
    file: File,
    redactor: Redactor,
}

impl JournalFile {
    /// Opens or creates the file.
    ///
    /// # Errors
    /// It cannot be written, or it is a pipe without a reader.
    pub fn open(path: &Path, redactor: Redactor) -> io::Result<JournalFile> {
        let special = std::fs::metadata(path).is_ok_and(|about| !about.is_file());
        let mut options = OpenOptions::new();
        options.append(true);
        if special {
            // A pipe whose reader stopped must not block the stream: writing fails, as on a full disk.
            options.custom_flags(i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default());
        } else {
            options.create(true).read(true);
        }
        let mut file = options.open(path)?;
        // A last line that a crash cut must not merge with the first record.
        if !special && file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Ok(JournalFile { file, redactor })
    }

    /// Appends one record.
    ///
    /// # Errors
    /// Writing fails.
    pub fn write(&mut self, record: &JournalRecord) -> io::Result<()> {
        let line = self.redactor.redact(&format!("{record}\n"));
        self.file.write_all(line.as_bytes())
    }
}

impl AsFd for JournalFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
