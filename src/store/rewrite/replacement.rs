//! Replaces an archive in one step: the new contents go to a file beside it, which is synced and renamed.
//!
//! Whatever moment a crash picks, the archive is the old file or the new one. What is left beside it has a name that a
//! later run knows: `.NAME.xstream-scrub`. The run that writes it holds a lock on it, so no other run removes it or
//! writes into it.
//!
//! Mode and times are those of the archive, and its owner where the system allows it; extended attributes and
//! access control lists are not copied.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::fs::{FlockOperation, OFlags, flock};

use super::find::ArchiveFile;
use super::leftover::beside;

/// Bytes after which the system is made to write. It would keep gigabytes otherwise, and the sync at the end would take
/// as long as all the rest.
const SYNC_EVERY: u64 = 16 << 20;

/// The new contents of an archive, until they replace it or are dropped.
pub struct ArchiveReplacement<'a> {
    archive: &'a ArchiveFile,
    path: PathBuf,
    output: Option<Output>,
}

/// Where the contents go.
enum Output {
    Plain(SyncedFile),
    Gzip(Box<GzEncoder<SyncedFile>>),
}

impl<'a> ArchiveReplacement<'a> {
    /// Begins with empty contents, to be written as gzip or plain.
    ///
    /// # Errors
    /// The folder cannot be written, or another run replaces the same archive.
    pub fn new(archive: &'a ArchiveFile, gzip: bool) -> io::Result<ArchiveReplacement<'a>> {
        let path = beside(&archive.path);
        let file = SyncedFile::new(claim(&path, true)?);
        let output = if gzip {
            Output::Gzip(Box::new(GzEncoder::new(file, Compression::default())))
        } else {
            Output::Plain(file)
        };
        let replacement = ArchiveReplacement { archive, path, output: Some(output) };
        // What an interrupted run left may have any mode and length.
        let file = replacement.file();
        file.set_permissions(fs::Permissions::from_mode(0o600)).and_then(|()| file.set_len(0))?;
        Ok(replacement)
    }

    /// Appends to the contents.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.output.as_mut() {
            Some(Output::Plain(file)) => file.write_all(bytes),
            Some(Output::Gzip(encoder)) => encoder.write_all(bytes),
            None => unreachable!("the output ends with the value"),
        }
    }

    /// Replaces the archive by the contents; returns their size.
    ///
    /// # Errors
    /// The contents or the metadata cannot be written, or the archive changed since it was found. Then it stays as it is.
    pub fn commit(mut self) -> io::Result<u64> {
        let file = match self.output.take() {
            Some(Output::Plain(file)) => file,
            Some(Output::Gzip(encoder)) => encoder.finish()?,
            None => unreachable!("the output ends with the value"),
        };
        let result = self.replace(file);
        if result.is_err() {
            self.remove();
        }
        result
    }

    fn replace(&self, file: SyncedFile) -> io::Result<u64> {
        let file = file.finish()?;
        let about = &self.archive.about;
        // The owner first: a change of the owner resets bits of the mode. Only root may give files away, the group can
        // be kept more often, and without either the contents are still worth keeping.
        if fchown(&file, Some(about.uid()), Some(about.gid())).is_err() {
            let _ = fchown(&file, None, Some(about.gid()));
        }
        file.set_permissions(about.permissions())?;
        file.set_times(FileTimes::new().set_accessed(about.accessed()?).set_modified(about.modified()?))?;
        file.sync_all()?;
        let size = file.metadata()?.len();
        // Lines that another program appended meanwhile would be lost.
        let current = fs::metadata(&self.archive.path)?;
        let state = |about: &fs::Metadata| (about.dev(), about.ino(), about.len(), about.mtime(), about.mtime_nsec());
        if state(&current) != state(about) {
            return Err(io::Error::other("it changed while it was read; it stays as it is"));
        }
        fs::rename(&self.path, &self.archive.path)?;
        sync_folder(&self.archive.path)?;
        Ok(size)
    }

    fn file(&self) -> &File {
        match self.output.as_ref() {
            Some(Output::Plain(file)) => &file.file,
            Some(Output::Gzip(encoder)) => &encoder.get_ref().file,
            None => unreachable!("the output ends with the value"),
        }
    }

    fn remove(&self) {
        // A rerun removes what is left here.
        let _ = fs::remove_file(&self.path);
    }
}

impl Drop for ArchiveReplacement<'_> {
    fn drop(&mut self) {
        if self.output.is_some() {
            self.remove();
        }
    }
}

/// Removes what an interrupted run left beside an archive; what another run writes at this moment stays.
///
/// # Errors
/// It cannot be opened or removed.
pub fn remove_leftover_of(archive: &Path) -> io::Result<()> {
    remove_leftover(&beside(archive))
}

/// Removes what an interrupted run left, by its own name.
///
/// # Errors
/// It cannot be opened or removed.
pub fn remove_leftover(path: &Path) -> io::Result<()> {
    match claim(path, false) {
        // The lock is held until it is gone.
        Ok(_lock) => fs::remove_file(path),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::WouldBlock) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens a file, and locks it.
fn claim(path: &Path, create: bool) -> io::Result<File> {
    loop {
        let mut options = OpenOptions::new();
        // In a folder that others may write, a link of this name could lead anywhere, and a FIFO would block.
        options
            .write(true)
            .create(create)
            .mode(0o600)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
        let file = options.open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other(format!("{} is not a regular file", path.display())));
        }
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(io::Error::new(io::ErrorKind::WouldBlock, "another run of xstream scrub replaces it"));
        }
        // Another run may have removed or renamed the file between the two calls.
        let ours = file.metadata()?;
        match fs::symlink_metadata(path) {
            Ok(about) if (about.dev(), about.ino()) == (ours.dev(), ours.ino()) => return Ok(file),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(error) if !create => return Err(error),
            _ => {}
        }
    }
}

/// Makes the rename of a file durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match File::open(folder)?.sync_all() {
        // Some network file systems cannot sync a folder, and need not.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}

/// A file that a thread syncs while it is written.
struct SyncedFile {
    file: File,
    /// Bytes since the last sync was ordered.
    unsynced: u64,
    syncer: Option<(SyncSender<()>, JoinHandle<io::Result<()>>)>,
}

impl SyncedFile {
    fn new(file: File) -> SyncedFile {
        SyncedFile { file, unsynced: 0, syncer: None }
    }

    /// Ends the thread; the last bytes are not synced.
    fn finish(mut self) -> io::Result<File> {
        if let Some((orders, thread)) = self.syncer.take() {
            drop(orders);
            thread.join().map_err(|_| io::Error::other("the thread that syncs failed"))??;
        }
        Ok(self.file)
    }

    /// Orders a sync, unless one is running.
    fn sync(&mut self) -> io::Result<()> {
        if let Some((orders, _)) = &self.syncer {
            if orders.try_send(()).is_ok() {
                self.unsynced = 0;
            }
            return Ok(());
        }
        let file = self.file.try_clone()?;
        let (orders, receiver) = sync_channel(0);
        let thread = std::thread::Builder::new().spawn(move || receiver.iter().try_for_each(|()| file.sync_data()))?;
        self.syncer = Some((orders, thread));
        Ok(())
    }
}

impl Write for SyncedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.unsynced += count as u64;
        if self.unsynced >= SYNC_EVERY {
            self.sync()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::find::Found;
    use super::*;
    use std::ffi::OsString;
    use std::time::{Duration, SystemTime};

    fn names(folder: &Path) -> Vec<OsString> {
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect()
    }

    fn found(path: &Path) -> Found {
        let mut found = Found::default();
        found.add(path).expect("an archive");
        found
    }

    #[test]
    fn an_archive_is_replaced_with_its_mode_and_times() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.ndjson");
        fs::write(&path, "old\n").expect("a file");
        let file = File::options().write(true).open(&path).expect("a file");
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_400_000_000, 123_456_789);
        file.set_times(FileTimes::new().set_accessed(time).set_modified(time)).expect("times");
        file.set_permissions(fs::Permissions::from_mode(0o640)).expect("a mode");
        // What an interrupted run left is overwritten, and longer than the new contents.
        fs::write(beside(&path), "left by an interrupted run").expect("a file");
        let found = found(&path);
        let mut replacement = ArchiveReplacement::new(&found.archives[0], false).expect("a file");
        replacement.write(b"new\n").expect("a disk");
        assert_eq!(fs::read(&path).expect("a file"), b"old\n");
        assert_eq!(replacement.commit().expect("a disk"), 4);
        assert_eq!(fs::read(&path).expect("a file"), b"new\n");
        let about = fs::metadata(&path).expect("a file");
        assert_eq!((about.mode() & 0o7777, about.modified().expect("a time")), (0o640, time));
        assert_eq!(names(folder.path()), ["a.ndjson"]);
    }

    #[test]
    fn contents_that_are_dropped_or_come_too_late_leave_the_archive_and_no_litter() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.ndjson");
        fs::write(&path, "old\n").expect("a file");
        let found = found(&path);
        drop(ArchiveReplacement::new(&found.archives[0], true).expect("a file"));
        let late = ArchiveReplacement::new(&found.archives[0], false).expect("a file");
        // Another run neither joins nor removes it.
        assert!(ArchiveReplacement::new(&found.archives[0], false).is_err());
        remove_leftover_of(&path).expect("nothing to do");
        assert_eq!(names(folder.path()).len(), 2);
        fs::write(&path, "old\nappended\n").expect("a file");
        assert!(late.commit().is_err());
        assert_eq!(fs::read(&path).expect("a file"), b"old\nappended\n");
        assert_eq!(names(folder.path()), ["a.ndjson"]);
        fs::write(beside(&path), "left").expect("a file");
        remove_leftover_of(&path).expect("a file that is removed");
        assert_eq!(names(folder.path()), ["a.ndjson"]);
    }

    #[test]
    fn large_contents_are_synced_on_the_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.ndjson");
        fs::write(&path, "old\n").expect("a file");
        let found = found(&path);
        let mut replacement = ArchiveReplacement::new(&found.archives[0], false).expect("a file");
        let part = vec![b'x'; 1 << 20];
        for _ in 0..3 * (SYNC_EVERY >> 20) {
            replacement.write(&part).expect("a disk");
        }
        assert_eq!(replacement.commit().expect("a disk"), 3 * SYNC_EVERY);
    }
}
