//! The folder of an archive: its lock, and its files by name.
//!
//! One process writes to a folder at a time. The folder is opened once and its files are opened in it, so that a link, or a
//! folder that is moved meanwhile, leads nowhere else. That an open file or the folder was moved is an error.
//!
//! Its law: a file that exists is never replaced, and no link is followed.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, Stat, flock, fstat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;

use crate::pipeline::rotation::OPEN;

/// The file whose lock guards the folder; it contains the number of the process that holds it.
const LOCK: &str = ".xstream.lock";

/// Why a folder cannot be used.
#[derive(Debug)]
pub enum ArchiveError {
    /// Another process writes to it, named where its number is known.
    Locked(String),
    /// There is something else under its path.
    NotAFolder,
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
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => ArchiveError::NotAFolder,
            _ => ArchiveError::Failed(
                anyhow::Error::new(error).context(format!("opening the archive {}", path.display())),
            ),
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
        // On a full disk it stays empty, and the message to another process has no number.
        let _ = lock.set_len(0).and_then(|()| lock.write_all(number.as_bytes()));
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

    /// Checks that an open file is still the one of its name, in the folder of this path.
    pub(super) fn check(&self, name: &str, file: &File) -> io::Result<()> {
        let found = [self.about(name)?, known(rustix::fs::stat(&self.path))?];
        let places = [name.to_owned(), self.path.display().to_string()];
        for ((found, held), place) in found.into_iter().zip([fstat(file)?, fstat(&self.fd)?]).zip(places) {
            if found.is_none_or(|found| (found.st_dev, found.st_ino) != (held.st_dev, held.st_ino)) {
                return Err(io::Error::other(format!("{place} was removed or replaced while it was written")));
            }
        }
        Ok(())
    }

    /// Gives the open file of `name` its name once its bytes are on the disk.
    pub(super) fn complete(&self, name: &str, file: &File) -> io::Result<()> {
        let part = format!("{name}{OPEN}");
        file.sync_all()?;
        self.check(&part, file)?;
        self.rename(&part, name)?;
        Ok(rustix::fs::fsync(&self.fd)?)
    }

    /// Whether there is a file of this name; whatever else has the name is an error.
    pub(super) fn has_file(&self, name: &str) -> io::Result<bool> {
        let Some(about) = self.about(name)? else { return Ok(false) };
        match FileType::from_raw_mode(about.st_mode) {
            FileType::RegularFile => Ok(true),
            FileType::Symlink => Err(is_link(name)),
            _ => Err(is_no_file(name)),
        }
    }

    /// Renames a file; the lock keeps other runs from creating `to` meanwhile.
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        if self.about(to)?.is_some() {
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

    /// What the system knows of a name, which is not followed; none if there is nothing of this name.
    fn about(&self, name: &str) -> io::Result<Option<Stat>> {
        known(statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW))
    }
}

/// What the system answered about a name; none if there is nothing of this name.
fn known(answer: rustix::io::Result<Stat>) -> io::Result<Option<Stat>> {
    match answer {
        Ok(about) => Ok(Some(about)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_link(name: &str) -> io::Error {
    io::Error::other(format!("{name} is a link; move it to another folder"))
}

fn is_no_file(name: &str) -> io::Error {
    io::Error::other(format!("{name} is not a regular file; move it to another folder"))
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
        Err(Errno::LOOP) => return Err(is_link(name)),
        Err(error) => return Err(error.into()),
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(is_no_file(name)) }
}
