//! Non-blocking writes to stdout or stderr, whether it is a pipe, a terminal, a socket or a file.
//!
//! Other processes share our standard streams, so their flags are not ours to change: a pipe set non-blocking
//! would break `jq`. Where the system allows it we open the same pipe or terminal once more, non-blocking, for
//! ourselves alone; a socket has a flag for it on each call; the rest is written in portions that a ready
//! stream is sure to accept. What cannot be written at once waits in the outbox.
//!
//! Its law: a write returns at once.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::SendFlags;
use tokio::net::unix::pipe;

use crate::pipeline::batch::Batch;
use crate::pipeline::outbox::Outbox;

/// What a terminal that reports itself writable accepts without blocking, as far as is known.
const SURE: usize = 512;

/// What Linux gives a pipe of an ordinary user at most (`/proc/sys/fs/pipe-max-size`), 16 times its usual size.
#[cfg(target_os = "linux")]
const ROOMY: usize = 1 << 20;

/// How often a full stream is tried again where the system cannot say when it has room.
const RETRY: Duration = Duration::from_millis(5);

enum Backend {
    /// Our own description of the stream, non-blocking.
    Own(pipe::Sender),
    /// A socket, written with a non-blocking flag on each call.
    Socket(OwnedFd),
    /// A shared description, written only when ready and in portions of a size that it is sure to accept then.
    Shared(OwnedFd, usize),
    /// A file: it accepts everything.
    File(OwnedFd),
}

/// An output stream with its outbox.
pub struct Sink {
    backend: Backend,
    outbox: Outbox,
    terminal: bool,
    pipe: bool,
}

impl Sink {
    /// Takes over `stream`; `outbox` holds what it does not accept. Needs a running tokio reactor.
    ///
    /// # Errors
    /// The descriptor cannot be duplicated or registered.
    pub fn new(stream: BorrowedFd<'_>, outbox: Outbox) -> io::Result<Sink> {
        let terminal = rustix::termios::isatty(stream);
        let kind = rustix::fs::fstat(stream).map(|stat| FileType::from_raw_mode(stat.st_mode));
        let copy = || rustix::io::fcntl_dupfd_cloexec(stream, 3);
        let pipe = matches!(kind, Ok(FileType::Fifo));
        let backend = match kind {
            Ok(FileType::Socket) => Backend::Socket(copy()?),
            _ if pipe || terminal => match reopen(stream).and_then(pipe::Sender::from_file_unchecked) {
                Ok(own) => Backend::Own(own),
                // The pipe of another user, for one.
                Err(_) => Backend::Shared(copy()?, if pipe { rustix::pipe::PIPE_BUF } else { SURE }),
            },
            _ => Backend::File(copy()?),
        };
        Ok(Sink { backend, outbox, terminal, pipe })
    }

    /// Makes a pipe as large as the system allows: each read of the reader then returns more, which is 1.5 times as
    /// fast. Where the system refuses, the pipe stays as it is.
    pub fn grow_pipe(&self) {
        #[cfg(target_os = "linux")]
        if self.pipe {
            let _ = rustix::pipe::fcntl_setpipe_size(self.backend.fd(), ROOMY);
        }
    }

    /// Whether it is a terminal.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether another program reads it, which may print it anywhere.
    #[must_use]
    pub fn is_pipe(&self) -> bool {
        self.pipe
    }

    /// What waits.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The same, mutable: its gate and acknowledgements change.
    pub fn outbox_mut(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Writes what the stream accepts of `batch` now; the rest waits.
    ///
    /// # Errors
    /// The reader is gone (`BrokenPipe`), or the stream fails.
    pub fn write(&mut self, batch: &Batch) -> io::Result<()> {
        let taken = self.write_now(&batch.bytes.output)?;
        self.outbox.push(batch, taken);
        Ok(())
    }

    /// Writes what the stream accepts of a text for the user; the rest waits.
    ///
    /// # Errors
    /// As [`Sink::write`].
    pub fn write_text(&mut self, text: &str) -> io::Result<()> {
        let taken = self.write_now(text.as_bytes())?;
        self.outbox.push_notice(&text.as_bytes()[taken..]);
        Ok(())
    }

    /// Writes what the stream accepts now, if nothing waits; returns how much that is.
    fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut taken = 0;
        while self.outbox.backlog() == 0 && taken < bytes.len() {
            match self.backend.write(&bytes[taken..]) {
                Ok(count) => taken += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    /// Writes the whole of `text` now, or nothing: false if the stream accepts nothing, or other bytes wait. Only if
    /// the stream accepts a part does the rest wait.
    ///
    /// # Errors
    /// As [`Sink::write`].
    pub fn try_write_all(&mut self, text: &str) -> io::Result<bool> {
        if self.outbox.backlog() > 0 {
            return Ok(false);
        }
        match self.backend.write(text.as_bytes()) {
            Ok(taken) => {
                self.outbox.push_notice(&text.as_bytes()[taken..]);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes what waits, for this long at most; what is left then is dropped.
    pub async fn flush_within(&mut self, limit: Duration) {
        let flush = async { while self.outbox.backlog() > 0 && self.drain(|_| {}).await.is_ok() {} };
        let _ = tokio::time::timeout(limit, flush).await;
        self.outbox.clear();
    }

    /// Writes what the stream accepts of what waits, without waiting for it: for use after the reactor ended.
    pub fn flush_now(&mut self) {
        while let Some(front) = self.outbox.front() {
            let Ok(taken) = self.backend.write(front) else { break };
            self.outbox.take(taken);
        }
    }

    /// Writes what the stream accepts of what waits as soon as it accepts any; never returns while nothing waits.
    /// `check` removes from the front of the outbox what must not leave any more.
    ///
    /// # Errors
    /// As [`Sink::write`].
    pub async fn drain(&mut self, mut check: impl FnMut(&mut Outbox)) -> io::Result<()> {
        if self.outbox.backlog() == 0 {
            return std::future::pending().await;
        }
        let mut began = false;
        loop {
            check(&mut self.outbox);
            let Some(front) = self.outbox.front() else { break };
            let result = match &self.backend {
                Backend::Own(own) => {
                    if !began {
                        own.writable().await?;
                    }
                    own.try_write(front)
                }
                backend => backend.write(front),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if began {
                        break;
                    }
                    if !matches!(self.backend, Backend::Own(_)) {
                        tokio::time::sleep(RETRY).await;
                    }
                }
                taken => {
                    began = true;
                    let taken = taken?;
                    self.outbox.take(taken);
                }
            }
        }
        Ok(())
    }

    /// Whether no reader process has the stream open any more.
    #[must_use]
    pub fn reader_left(&self) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(self.backend.fd(), PollFlags::empty())];
        poll(&mut fds, Some(&NOW)).is_ok_and(|count| count > 0)
            && fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
    }

    /// Whether the reader has taken everything that was written, as far as can be known.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.outbox.backlog() == 0 && rustix::io::ioctl_fionread(self.backend.fd()).is_ok_and(|unread| unread == 0)
    }
}

const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

impl Backend {
    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Backend::Own(own) => own.as_fd(),
            Backend::Socket(fd) | Backend::Shared(fd, _) | Backend::File(fd) => fd.as_fd(),
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let result = match self {
                Backend::Own(own) => rustix::io::write(own, bytes),
                Backend::File(fd) => rustix::io::write(fd, bytes),
                Backend::Socket(fd) => rustix::net::send(fd, bytes, SendFlags::DONTWAIT),
                Backend::Shared(fd, sure) => {
                    let mut fds = [PollFd::new(fd, PollFlags::OUT)];
                    match poll(&mut fds, Some(&NOW)) {
                        Ok(0) => Err(Errno::AGAIN),
                        Ok(_) => rustix::io::write(fd, &bytes[..bytes.len().min(*sure)]),
                        Err(error) => Err(error),
                    }
                }
            };
            match result {
                Err(Errno::INTR) => {}
                other => return other.map_err(io::Error::from),
            }
        }
    }
}

/// Whether two descriptors lead to the same pipe, terminal or file.
#[must_use]
pub fn are_one(a: BorrowedFd<'_>, b: BorrowedFd<'_>) -> bool {
    match (rustix::fs::fstat(a), rustix::fs::fstat(b)) {
        (Ok(a), Ok(b)) => (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino),
        _ => false,
    }
}

/// Opens the pipe or terminal of `stream` once more, with flags of our own.
fn reopen(stream: BorrowedFd<'_>) -> io::Result<File> {
    use std::os::fd::AsRawFd;
    // On Linux this path opens the pipe or terminal itself; elsewhere it only duplicates the descriptor, so it is not tried.
    if cfg!(not(target_os = "linux")) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let path = format!("/proc/self/fd/{}", stream.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}
