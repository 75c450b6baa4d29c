//! Writing that never blocks the loop, to whatever stdout or stderr happens to be.
//!
//! Other processes share our standard streams, so their flags are not ours to change: a pipe set non-blocking
//! would break `jq`. Where the system allows it we open the same pipe or terminal once more, non-blocking, for
//! ourselves alone; a socket takes that wish with each call; the rest is written in portions that a ready
//! stream is sure to take. What cannot be written at once waits in a FIFO.
//!
//! Its law: bytes leave in the order in which they came, and a write returns at once.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::SendFlags;
use tokio::net::unix::pipe;

/// What a terminal that reports itself writable takes without blocking, as far as can be known.
const SURE: usize = 512;

/// What Linux gives a pipe of an ordinary user at most (`/proc/sys/fs/pipe-max-size`), 16 times its usual size.
#[cfg(target_os = "linux")]
const ROOMY: usize = 1 << 20;

/// Small writes are gathered in portions of this size while they wait.
const PORTION: usize = 64 << 10;

/// Portions kept to be filled again: a reader that lags by moments costs no new memory each time.
const SPARES: usize = 8;

/// How often a full stream is tried again where the system cannot say when it has room.
const RETRY: Duration = Duration::from_millis(5);

enum Way {
    /// Our own description of the stream, non-blocking.
    Own(pipe::Sender),
    /// A socket, asked not to block at each call.
    Socket(OwnedFd),
    /// A shared description, written only when ready and in portions of a size that it is sure to take then.
    Shared(OwnedFd, usize),
    /// A file: it takes everything.
    File(OwnedFd),
}

/// An output stream with its FIFO.
pub struct Sink {
    way: Way,
    queue: VecDeque<Vec<u8>>,
    /// Portions that were written and can be filled again.
    spare: Vec<Vec<u8>>,
    /// How much of the first portion is written already.
    offset: usize,
    backlog: usize,
    terminal: bool,
    pipe: bool,
}

impl Sink {
    /// Takes over `stream`. Needs a running tokio reactor.
    ///
    /// # Errors
    /// The descriptor cannot be duplicated or registered.
    pub fn new(stream: BorrowedFd<'_>) -> io::Result<Sink> {
        let terminal = rustix::termios::isatty(stream);
        let kind = rustix::fs::fstat(stream).map(|stat| FileType::from_raw_mode(stat.st_mode));
        let copy = || rustix::io::fcntl_dupfd_cloexec(stream, 3);
        let pipe = matches!(kind, Ok(FileType::Fifo));
        let way = match kind {
            Ok(FileType::Socket) => Way::Socket(copy()?),
            _ if pipe || terminal => match reopen(stream).and_then(pipe::Sender::from_file_unchecked) {
                Ok(own) => Way::Own(own),
                // The pipe of another user, for one.
                Err(_) => Way::Shared(copy()?, if pipe { rustix::pipe::PIPE_BUF } else { SURE }),
            },
            _ => Way::File(copy()?),
        };
        Ok(Sink { way, queue: VecDeque::new(), spare: Vec::new(), offset: 0, backlog: 0, terminal, pipe })
    }

    /// Makes a pipe as roomy as anybody may: each hand-over to the reader then carries more, which is half again as
    /// fast. Where the system refuses, the pipe stays as it is.
    pub fn widen(&self) {
        #[cfg(target_os = "linux")]
        if self.pipe {
            let _ = rustix::pipe::fcntl_setpipe_size(self.way.fd(), ROOMY);
        }
    }

    /// Whether people look at it.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether another program reads it, which may print it anywhere.
    #[must_use]
    pub fn is_pipe(&self) -> bool {
        self.pipe
    }

    /// Bytes that wait.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.backlog
    }

    /// Writes what the stream takes now; the rest waits.
    ///
    /// # Errors
    /// The reader is gone (`BrokenPipe`), or the stream fails.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while self.backlog == 0 && !bytes.is_empty() {
            match self.way.write(bytes) {
                Ok(taken) => bytes = &bytes[taken..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.enqueue(bytes);
        Ok(())
    }

    /// Writes the whole of `bytes` now, or nothing: false if the stream takes nothing, or others go first. Only if
    /// the stream takes a part does the rest wait.
    ///
    /// # Errors
    /// As [`Sink::write`].
    pub fn offer(&mut self, bytes: &[u8]) -> io::Result<bool> {
        if self.backlog > 0 {
            return Ok(false);
        }
        match self.way.write(bytes) {
            Ok(taken) => {
                self.enqueue(&bytes[taken..]);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes what waits before anything else happens, for this long at most; what is left is dropped.
    pub fn flush_within(&mut self, limit: Duration) {
        let end = Instant::now() + limit;
        while let Some(front) = self.queue.front() {
            match self.way.write(&front[self.offset..]) {
                Ok(taken) => self.advance(taken),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < end => {
                    // A terminal that another program waits for as well can be ready and still refuse, so its
                    // readiness is not asked for.
                    std::thread::sleep(RETRY);
                }
                Err(_) => {
                    self.queue.clear();
                    self.offset = 0;
                    self.backlog = 0;
                }
            }
        }
    }

    fn advance(&mut self, taken: usize) {
        self.backlog -= taken;
        self.offset += taken;
        if self.queue.front().is_some_and(|front| self.offset == front.len()) {
            self.spare.extend(
                self.queue.pop_front().filter(|front| self.spare.len() < SPARES && front.capacity() >= PORTION),
            );
            self.offset = 0;
        }
    }

    fn enqueue(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.backlog += bytes.len();
        match self.queue.back_mut() {
            Some(last) if last.len() + bytes.len() <= last.capacity() => last.extend_from_slice(bytes),
            _ => {
                let mut portion = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(PORTION));
                portion.clear();
                portion.extend_from_slice(bytes);
                self.queue.push_back(portion);
            }
        }
    }

    /// Writes what the stream takes of what waits as soon as it takes any; never returns while nothing waits.
    ///
    /// # Errors
    /// As [`Sink::write`].
    pub async fn drain(&mut self) -> io::Result<()> {
        if self.queue.is_empty() {
            return std::future::pending().await;
        }
        let mut began = false;
        while let Some(front) = self.queue.front() {
            let bytes = &front[self.offset..];
            let result = match &self.way {
                Way::Own(own) => {
                    if !began {
                        own.writable().await?;
                    }
                    own.try_write(bytes)
                }
                way => way.write(bytes),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if began {
                        break;
                    }
                    if !matches!(self.way, Way::Own(_)) {
                        tokio::time::sleep(RETRY).await;
                    }
                }
                taken => {
                    began = true;
                    self.advance(taken?);
                }
            }
        }
        Ok(())
    }

    /// Whether nobody can read any more what is written.
    #[must_use]
    pub fn reader_left(&self) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(self.way.fd(), PollFlags::empty())];
        poll(&mut fds, Some(&NOW)).is_ok_and(|count| count > 0)
            && fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
    }

    /// Whether the reader has taken everything that was written, as far as can be known.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.backlog == 0 && rustix::io::ioctl_fionread(self.way.fd()).is_ok_and(|unread| unread == 0)
    }
}

const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

impl Way {
    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Way::Own(own) => own.as_fd(),
            Way::Socket(fd) | Way::Shared(fd, _) | Way::File(fd) => fd.as_fd(),
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let result = match self {
                Way::Own(own) => rustix::io::write(own, bytes),
                Way::File(fd) => rustix::io::write(fd, bytes),
                Way::Socket(fd) => rustix::net::send(fd, bytes, SendFlags::DONTWAIT),
                Way::Shared(fd, sure) => {
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

/// Opens the pipe or terminal behind `stream` once more, with flags of our own.
fn reopen(stream: BorrowedFd<'_>) -> io::Result<File> {
    use std::os::fd::AsRawFd;
    // On Linux this name leads to the thing itself; elsewhere it only duplicates, so it is not tried.
    if cfg!(not(target_os = "linux")) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let path = format!("/proc/self/fd/{}", stream.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}
