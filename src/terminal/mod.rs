//! The one owner of stdout and stderr: everything that reaches them goes through this folder, redacted.
//!
//! A verb that streams has a [`Terminal`], which writes without blocking, so that a reader that is slow delays neither
//! the socket nor the timers nor the status row. Every other verb has a [`console::Console`].

pub mod console;
pub mod log;
mod row;
pub mod signal;
mod sink;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::fs::FileType;

use crate::pipeline::batch::{Batch, Recheck};
use crate::pipeline::outbox::Outbox;
use crate::redact::Redactor;
use sink::Sink;

/// Whether and how the status is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum StatusMode {
    /// A row at the bottom if stderr is a terminal
    Auto,
    /// A line on stderr every 10 s
    Line,
    /// A JSON record on stderr every 10 s
    Json,
    /// No status
    Off,
}

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Whether to colour what goes to a place that is a terminal or not.
    #[must_use]
    pub fn is_used(self, is_terminal: bool) -> bool {
        let no_color = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !is_dumb() && !no_color(),
        }
    }
}

/// A message as stderr shows it.
fn notice_line(line: &str) -> String {
    format!("xstream: {line}\n")
}

/// Whether the terminal supports no escape sequences.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty())
}

/// Whether `file` is the file, pipe or terminal that stdout leads to, so that what is written to it mixes with the
/// data. A device that only discards, such as `/dev/null`, mixes nothing.
#[must_use]
pub fn is_stdout(file: impl AsFd) -> bool {
    let file = file.as_fd();
    let discards = || {
        let kind = rustix::fs::fstat(file).map(|about| FileType::from_raw_mode(about.st_mode));
        kind == Ok(FileType::CharacterDevice) && !rustix::termios::isatty(file)
    };
    sink::are_one(file, rustix::stdio::stdout()) && !discards()
}

/// How the terminal is used.
#[derive(Debug, Clone, Copy)]
pub struct TerminalOptions {
    /// Only the messages that explain a failure.
    pub quiet: bool,
    /// The status row.
    pub status: StatusMode,
    /// Colours.
    pub color: Color,
}

/// A notice that shares a screen with `jq` waits for a pause in the data of this length, so that it does not
/// appear in the middle of a line that `jq` is printing…
const PAUSE: Duration = Duration::from_millis(60);

/// …but no longer than this, because a notice that never comes is worse than a split line.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(1);

/// Bytes of notices kept for a stderr that accepts none; more are dropped, since stderr is not data.
const STDERR_BACKLOG: usize = 256 << 10;

/// How long the end of a run, or a stop, waits for stderr to accept the last lines and the end of the row. A terminal
/// that `jq` fills at full speed accepts them well within it; a stopped one (Ctrl-S) must not block the program.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The same after a signal, to which the whole program responds within a second.
const SIGNAL_FLUSH_TIMEOUT: Duration = Duration::from_millis(150);

/// The owner of stdout and stderr.
pub struct Terminal {
    out: Sink,
    err: Sink,
    /// Whether messages go to stdout.
    prints: bool,
    /// Whether stdout and stderr lead to the same place (`2>&1`).
    same: bool,
    redactor: Redactor,
    options: TerminalOptions,
    row: bool,
    color: bool,
    screen: Option<(u16, u16)>,
    /// How long a busy stderr may delay the end.
    flush_timeout: Duration,
    /// What the row shows, so that it is drawn only when it changes.
    shown: String,
    /// When the row was last drawn.
    drawn: Option<Instant>,
    notices: VecDeque<(Instant, String)>,
    printed: Option<Instant>,
    /// When this process stops, at the latest: the screen is being restored.
    suspend_at: Option<Instant>,
}

impl Terminal {
    /// Takes over stdout and stderr; `buffer` bytes may wait for stdout. Needs a running tokio reactor.
    ///
    /// # Errors
    /// They cannot be registered.
    pub fn new(options: TerminalOptions, buffer: usize, redactor: Redactor) -> io::Result<Terminal> {
        Terminal::on(rustix::stdio::stdout(), rustix::stdio::stderr(), options, buffer, redactor)
    }

    /// Takes over two streams as stdout and stderr.
    ///
    /// # Errors
    /// They cannot be registered.
    pub fn on(
        stdout: BorrowedFd<'_>,
        stderr: BorrowedFd<'_>,
        options: TerminalOptions,
        buffer: usize,
        redactor: Redactor,
    ) -> io::Result<Terminal> {
        let out = Sink::new(stdout, Outbox::new(buffer))?;
        out.grow_pipe();
        let err = Sink::new(stderr, Outbox::new(STDERR_BACKLOG))?;
        let same = sink::are_one(stdout, stderr);
        let dumb = is_dumb();
        let color = options.color.is_used(err.is_terminal());
        Ok(Terminal {
            row: options.status == StatusMode::Auto && !options.quiet && err.is_terminal() && !dumb,
            out,
            err,
            prints: true,
            same,
            redactor,
            options,
            color,
            screen: None,
            flush_timeout: FLUSH_TIMEOUT,
            shown: String::new(),
            drawn: None,
            notices: VecDeque::new(),
            printed: None,
            suspend_at: None,
        })
    }

    /// Uses stderr alone: nothing is printed on stdout, and its reader does not matter.
    #[must_use]
    pub fn without_stdout(mut self) -> Terminal {
        (self.prints, self.same) = (false, false);
        self
    }

    /// Whether messages go to stdout.
    #[must_use]
    pub fn prints(&self) -> bool {
        self.prints
    }

    /// Writes the bytes of a batch to stdout; what the reader does not accept waits in the outbox.
    ///
    /// # Errors
    /// The reader is gone (`BrokenPipe`), or stdout fails.
    pub fn print(&mut self, batch: &Batch) -> io::Result<()> {
        if batch.bytes.output.is_empty() || !self.prints {
            return Ok(());
        }
        self.printed = Some(Instant::now());
        self.out.write(batch)
    }

    /// What waits for the reader of stdout.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        self.out.outbox()
    }

    /// The same, mutable: its gate decides whether more may be read.
    pub fn outbox_mut(&mut self) -> &mut Outbox {
        self.out.outbox_mut()
    }

    /// Whether the reader of stdout is gone.
    #[must_use]
    pub fn reader_left(&self) -> bool {
        self.prints && self.out.reader_left()
    }

    /// Writes some of what waits, once it is accepted, and stops the process once a stop was ordered and the screen is
    /// restored. Never returns while there is nothing to do. `check` decides again about the records that are next.
    ///
    /// # Errors
    /// As [`Terminal::print`].
    pub async fn drain(&mut self, check: &mut impl Recheck) -> io::Result<()> {
        let suspend_at = self.suspend_at.map(tokio::time::Instant::from_std);
        let result = tokio::select! {
            result = self.out.drain(|outbox| outbox.recheck(check)) => result,
            result = self.err.drain(|_| {}) => {
                if result.is_err() {
                    // stderr is not data: if it is gone, nothing is lost, and nothing can wait for it.
                    self.err.outbox_mut().clear();
                }
                Ok(())
            },
            () = async { match suspend_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            } } => Ok(()),
        };
        let over = |at: Instant| self.err.outbox().backlog() == 0 || at <= Instant::now();
        if self.suspend_at.is_some_and(over) {
            self.suspend_at = None;
            signal::suspend();
        }
        result
    }

    /// Reports a line on stderr, unless the user passed `--quiet`.
    pub fn info(&mut self, line: &str) {
        if !self.options.quiet {
            self.always(line);
        }
    }

    /// Reports a line on stderr, also under `--quiet`.
    pub fn always(&mut self, line: &str) {
        self.fetch_log();
        self.notices.push_back((Instant::now(), notice_line(line)));
        self.write_notices(false);
    }

    /// How the status is shown.
    #[must_use]
    pub fn status_mode(&self) -> StatusMode {
        self.options.status
    }

    /// Whether a user reads stderr as it is written.
    #[must_use]
    pub fn is_interactive(&self) -> bool {
        self.err.is_terminal() && !self.options.quiet
    }

    /// Writes a record for programs to stderr, as it is.
    pub fn record(&mut self, record: &str) {
        self.notices.push_back((Instant::now(), format!("{record}\n")));
        self.write_notices(false);
    }

    /// Waits until every notice is written: in a pause of the data, or after [`NOTICE_TIMEOUT`].
    pub async fn settle(&mut self) {
        loop {
            self.write_notices(false);
            if self.notices.is_empty() {
                return;
            }
            tokio::time::sleep(PAUSE / 4).await;
        }
    }

    /// Adds the logged lines to the notices, so that all lines keep their order.
    fn fetch_log(&mut self) {
        for line in self::log::take() {
            self.notices.push_back((Instant::now(), notice_line(&line)));
        }
    }

    /// Writes the notices that are due, or all of them.
    fn write_notices(&mut self, all: bool) {
        self.fetch_log();
        while let Some((since, _)) = self.notices.front() {
            if !all && since.elapsed() < NOTICE_TIMEOUT && self.is_busy() {
                return;
            }
            let Some((_, line)) = self.notices.pop_front() else {
                return;
            };
            self.write_err(&line);
        }
    }

    /// Whether data is on its way to the screen. A line that is partly written must be completed first, and another
    /// program that prints our data on this screen gets a pause to do so.
    fn is_busy(&self) -> bool {
        if self.prints && self.out.is_pipe() && self.err.is_terminal() {
            let moving = !self.out.is_drained() || self.printed.is_some_and(|at| at.elapsed() < PAUSE);
            moving && !self.out.reader_left()
        } else {
            self.out.is_terminal() && self.out.outbox().backlog() > 0
        }
    }

    fn write_err(&mut self, text: &str) {
        let text = &self.redactor.redact(text);
        // Into one pipe both go in one order, or a notice would fall between the halves of a line.
        if self.same {
            let _ = self.out.write_text(text);
        } else if self.err.outbox().backlog() + text.len() <= STDERR_BACKLOG {
            // There is no other place to report that stderr failed.
            let _ = self.err.write_text(text);
        }
    }

    /// Draws the row if it changed, and writes notices that waited. Call it often.
    pub fn refresh(&mut self, status: impl FnOnce(usize, bool) -> String) {
        self.write_notices(false);
        if !self.row || self.err.outbox().backlog() > 0 || self.suspend_at.is_some() {
            return;
        }
        let screen = row::screen();
        if screen != self.screen {
            let Some(size) = screen else {
                self.release();
                return;
            };
            // What the terminal does not accept at once is drawn by the next refresh. If stderr is gone, there is no
            // screen to draw on.
            let err = &mut self.err;
            if !row::reserve(size, |text| err.try_write_all(text).unwrap_or(false)) {
                return;
            }
            self.screen = screen;
            self.shown.clear();
        } else if self.is_busy() && self.drawn.is_some_and(|at| at.elapsed() < NOTICE_TIMEOUT) {
            // Another program's write can end within a character or a colour, which ours would break.
            return;
        }
        if let Some((columns, _)) = screen {
            let line = self.redactor.redact(&status(usize::from(columns), self.color));
            if line != self.shown {
                let mut pieces = row::draw(&line).into_iter();
                if pieces.all(|piece| self.err.try_write_all(&piece).unwrap_or(false)) {
                    self.shown = line;
                    self.drawn = Some(Instant::now());
                }
            }
        }
    }

    /// Shortens the final flush after a signal: a stderr that accepts nothing gets little time.
    pub fn hurry(&mut self) {
        self.flush_timeout = SIGNAL_FLUSH_TIMEOUT;
    }

    /// Removes the row for the rest of the run.
    pub fn release_for_good(&mut self) {
        self.row = false;
        self.release();
    }

    /// Removes the row until the next refresh. A busy terminal is not waited for.
    fn release(&mut self) {
        // If stderr is gone, there is no screen to mend.
        let _ = self.err.write_text(&row::release());
        self.screen = None;
        self.shown.clear();
        self.drawn = None;
    }

    /// Stops this process until the shell continues it: at once if the terminal accepts the bytes that restore the
    /// screen, else from [`Terminal::drain`].
    pub fn suspend(&mut self) {
        self.release();
        if self.err.outbox().backlog() == 0 {
            signal::suspend();
        } else {
            self.suspend_at.get_or_insert(Instant::now() + self.flush_timeout);
        }
    }

    /// Ends: removes the row and writes every notice.
    pub async fn close(&mut self) {
        self.row = false;
        self.release();
        self.write_notices(true);
        self.err.flush_within(self.flush_timeout).await;
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.row = false;
        self.release();
        self.write_notices(true);
        self.err.flush_now();
    }
}
