//! The folder of an archive: its lock, and its files by name.
//!
//! One process writes to a folder at a time. The folder is opened once and its files are opened in it, so that a link, or a
//! folder that is moved meanwhile, leads nowhere else.
//!
//! Its law: a file that exists is never replaced, and no link is followed.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags, flock, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

use crate::pipeline::rotation::{Compression, OPEN, is_archive};

/// The file whose lock guards the folder; it contains the number of the process that holds it.
const LOCK: &str = ".xstream.lock";

/// Why a folder cannot be used.
#[derive(Debug)]
pub enum ArchiveError {
    /// Another process writes to it, named where its number is known.
    Locked(String),
    /// It cannot be opened, or a file in it cannot be recovered.
    Failed(anyhow::Error),
}

/// A locked folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    fd: OwnedFd,
    _lock: File,
}

impl Folder {
    /// Opens the folder, which is created if it does not exist, and locks it.
    pub(super) fn open(path: &Path) -> Result<Folder, ArchiveError> {
        let failed = |error: io::Error| {
            ArchiveError::Failed(anyhow::Error::new(error).context(format!("opening the archive {}", path.display())))
        };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
        let mut lock = open_in(&folder, LOCK).map_err(failed)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                // The number is for the user; without it the message names no process.
                let _ = lock.take(20).read_to_string(&mut holder);
                let number = holder.trim().parse::<u32>();
                return Err(ArchiveError::Locked(
                    number.map_or("another process".to_owned(), |n| format!("process {n}")),
                ));
            }
            Err(error) => return Err(failed(error.into())),
        }
        let number = format!("{}\n", std::process::id());
        lock.set_len(0).and_then(|()| lock.write_all(number.as_bytes())).map_err(failed)?;
        Ok(Folder { path: path.to_owned(), fd: folder, _lock: lock })
    }

    /// Its path, for work that another module does in it.
    pub(super) fn root(&self) -> &Path {
        &self.path
    }

    /// The path of a file, for messages.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The names in the folder.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd)? {
            names.extend(entry?.file_name().to_str().ok().map(ToOwned::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// Opens a file for reading and appending; it is created if it does not exist.
    pub(super) fn open_file(&self, name: &str) -> io::Result<File> {
        open_in(&self.fd, name)
    }

    /// Opens the file that becomes `name`. A finished file of that name is opened again: it gets the name of an open one.
    pub(super) fn open_part(&self, name: &str) -> io::Result<File> {
        let part = format!("{name}{OPEN}");
        if self.exists(name)? {
            self.rename(name, &part)?;
        }
        let mut file = self.open_file(&part)?;
        // Another program may have left the last line without an end; the next record must not merge with it.
        if is_archive(name) == Some(Compression::None) && file.metadata()?.len() > 0 {
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Ok(file)
    }

    /// Gives the open file of `name` its name once its bytes are on the disk.
    pub(super) fn complete(&self, name: &str, file: &File) -> io::Result<()> {
        file.sync_all()?;
        self.rename(&format!("{name}{OPEN}"), name)?;
        Ok(rustix::fs::fsync(&self.fd)?)
    }

    /// Renames a file; the lock keeps other runs from creating `to` meanwhile.
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        if self.exists(to)? {
            return Err(io::Error::other(format!("{from} and {to} both exist; move one of them to another folder")));
        }
        self.replace(from, to)
    }

    /// Renames a file over another one.
    pub(super) fn replace(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.fd, from, &self.fd, to)?)
    }

    /// Removes a file.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        match statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Opens or creates a regular file in a folder.
fn open_in(folder: &OwnedFd, name: &str) -> io::Result<File> {
    // Non-blocking, for a FIFO that has no reader: it is refused below.
    let flags = OFlags::RDWR
        | OFlags::CREATE
        | OFlags::APPEND
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::NOCTTY
        | OFlags::CLOEXEC;
    let file = match openat(folder, name, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP) => return Err(io::Error::other(format!("{name} is a link"))),
        Err(error) => return Err(error.into()),
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other(format!("{name} is not a regular file"))) }
}
