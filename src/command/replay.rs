//! `xstream replay`: runs captures through the same pipeline as a stream.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{CommandError, block_on, pipeline_options};
use crate::cli::ReplayArgs;
use crate::observe::notice;
use crate::pipeline::Intake;
use crate::pipeline::batch::Batch;
use crate::pipeline::decode::Format;
use crate::pipeline::report::{BatchReport, Deletions, Diagnostic};
use crate::pipeline::select::{LineSource, Selector};
use crate::session::outcome::FAILED;
use crate::session::{Outcome, Signal};
use crate::terminal::console::Console;
use crate::terminal::signal::{SignalEvent, Signals};
use crate::terminal::{Color, StatusMode, Terminal, TerminalOptions};
use crate::text::{file_name, sanitize};
use crate::time::format_duration;

/// Bytes per read.
const PORTION: usize = 256 << 10;

/// Bad lines reported one by one for each file; the rest is counted.
const MAX_REPORTED: u64 = 10;

/// How often an idle stdin is interrupted to check whether the reader of stdout exists, in nanoseconds.
const CHECK_INTERVAL: i64 = 250_000_000;

/// Smaller files end before the user could read their progress.
const PROGRESS_FROM: u64 = 16 << 20;

/// Bytes that may wait for the reader. Each portion is written before the next is read, so at most one portion waits.
const BUFFER: usize = 1 << 20;

/// The width of the bar in columns.
const BAR: u64 = 20;

/// What opens a gzip member (RFC 1952).
const GZIP: &[u8] = &[0x1f, 0x8b];

/// Runs the verb; returns the exit status.
pub fn run(replay: &ReplayArgs, console: &Console) -> Result<u8, CommandError> {
    let pipeline = pipeline_options(&replay.filter, console)?;
    block_on(async {
        let options = TerminalOptions { quiet: replay.quiet, status: StatusMode::Auto, color: Color::Never };
        let terminal =
            Terminal::new(options, BUFFER, console.redactor().clone()).context("taking over stdout and stderr")?;
        let mut player = Player {
            selector: Selector::new(pipeline),
            terminal,
            signals: Signals::new().context("watching for signals")?,
            progress: ProgressBar::hidden(),
            readable: false,
            unanswered: 0,
            deletions: Deletions::default(),
            failed: false,
        };
        let result = player.play_all(&replay.files).await;
        if player.unanswered > 0 && result.is_ok() {
            player.terminal.info(&notice::failures(player.unanswered));
        }
        player.deletions.add(player.terminal.outbox().deletions());
        if let Some(deletions) = notice::deletions(player.deletions).filter(|_| result.is_ok()) {
            player.terminal.info(&deletions);
        }
        player.terminal.close().await;
        match result {
            // The reader has all that it needs.
            Err(ReplayStop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
            Err(ReplayStop::Signal(signal)) => Ok(Outcome::Signalled(signal).code()),
            Err(ReplayStop::Output(error)) => Err(anyhow::Error::from(error).context("writing to stdout").into()),
            Ok(()) => Ok(if player.failed { FAILED } else { 0 }),
        }
    })
}

/// Why a replay stops early.
enum ReplayStop {
    /// stdout accepts no more.
    Output(io::Error),
    /// A signal.
    Signal(Signal),
}

impl From<io::Error> for ReplayStop {
    fn from(error: io::Error) -> ReplayStop {
        ReplayStop::Output(error)
    }
}

struct Player {
    selector: Selector,
    terminal: Terminal,
    signals: Signals,
    /// The progress in the current file; without a length if the file has none. Shown in the status row: `jq` would
    /// overwrite a bar at the cursor.
    progress: ProgressBar,
    /// Whether any line of any file was a message or a heartbeat.
    readable: bool,
    /// Messages not printed because an expression failed on them.
    unanswered: u64,
    /// Messages not printed as they came, because of deletions.
    deletions: Deletions,
    failed: bool,
}

impl Player {
    /// Plays all files in order. A problem with one is reported, and the next one is played.
    async fn play_all(&mut self, files: &[std::path::PathBuf]) -> Result<(), ReplayStop> {
        let mut bad = 0;
        for path in files {
            let name = file_name(path);
            let opened = self.open(path).await?;
            let source = match opened {
                Ok(source) => source,
                Err(error) => {
                    self.terminal.always(&format!("reading {name}: {error}"));
                    self.failed = true;
                    continue;
                }
            };
            let length = std::fs::metadata(path).map_or(0, |about| about.len());
            self.progress = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden());
            let mut report = FileReport { name, bad: 0, notices: 0 };
            let full = self.play(source, &mut report).await?;
            bad += report.bad;
            if full {
                return Ok(());
            }
        }
        if bad > 0 && !self.readable {
            self.failed = true;
            self.terminal.always("nothing that was read is a message: is it a capture of a stream?");
        }
        Ok(())
    }

    /// Plays one capture; true once `--max` messages are printed.
    async fn play(&mut self, mut source: File, report: &mut FileReport) -> Result<bool, ReplayStop> {
        let endless = source.metadata().map_or(true, |about| !about.is_file());
        let mut buffer = vec![0; PORTION];
        let mut batch = Batch::default();
        let mut intake: Option<Intake> = None;
        loop {
            // The first portion must be long enough to recognise gzip, even if a pipe delivers single bytes.
            let mut length = 0;
            let read = loop {
                self.wait_for(endless.then_some(&source)).await?;
                match source.read(&mut buffer[length..]) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Ok(0) => break Ok(()),
                    Ok(count) => {
                        length += count;
                        if intake.is_some() || length >= GZIP.len() {
                            break Ok(());
                        }
                    }
                    Err(error) => break Err(error),
                }
            };
            let intake = intake.get_or_insert_with(|| {
                let format = Format {
                    gzip: buffer[..length].starts_with(GZIP),
                    framed: false,
                    file: true,
                    line_cap: self.selector.options().line_cap,
                };
                Intake::new(format, LineSource::default())
            });
            if let Err(error) = &read {
                self.terminal.always(&format!("reading {}: {error}", report.name));
                self.failed = true;
            }
            let mut over = length == 0 || read.is_err();
            let fed = intake.feed(&mut &buffer[..length], &mut self.selector, &mut batch);
            let full = self.selector.is_full();
            let damaged = match fed {
                Err(error) => Some(error),
                Ok(_) if over && !full => intake.end(&mut self.selector, &mut batch).err(),
                Ok(_) => None,
            };
            if let Some(error) = damaged {
                self.terminal.always(&format!("reading {}: damaged gzip: {error}", report.name));
                self.failed = true;
                if !over {
                    // What follows the damage cannot be read; what came before it has been.
                    let _ = intake.end(&mut self.selector, &mut batch);
                }
                over = true;
            }
            self.readable |= batch.report.lines > batch.report.malformed;
            self.unanswered += batch.report.failed;
            batch.recheck(&mut self.selector);
            self.deletions.add(batch.report.deletions);
            self.print(&batch).await?;
            self.progress.inc(length as u64);
            self.draw(&report.name);
            report.add(&mut self.terminal, &batch.report);
            batch.clear();
            if over || full {
                report.close(&mut self.terminal);
                return Ok(full);
            }
        }
    }

    /// Opens a file. A FIFO blocks until it has a writer; signals are handled meanwhile.
    async fn open(&mut self, path: &Path) -> Result<io::Result<File>, ReplayStop> {
        if path == Path::new("-") {
            let copy = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3);
            return Ok(copy.map(File::from).map_err(io::Error::from));
        }
        let path = path.to_owned();
        let mut opening = tokio::task::spawn_blocking(move || File::open(path));
        loop {
            tokio::select! {
                opened = &mut opening => return Ok(opened.map_err(io::Error::other).and_then(|opened| opened)),
                arrived = self.signals.next() => match arrived {
                    SignalEvent::Shutdown(signal) => return Err(ReplayStop::Signal(signal)),
                    SignalEvent::Suspend => self.terminal.suspend(),
                    SignalEvent::Resize | SignalEvent::Info => {}
                },
            }
        }
    }

    /// Handles signals, and waits until `source`, if there is one, has data. Fails if the reader of stdout leaves.
    async fn wait_for(&mut self, source: Option<&File>) -> Result<(), ReplayStop> {
        loop {
            // The runtime handles signals only when this task yields.
            tokio::task::yield_now().await;
            tokio::select! {
                biased;
                arrived = self.signals.next() => match arrived {
                    SignalEvent::Shutdown(signal) => return Err(ReplayStop::Signal(signal)),
                    SignalEvent::Suspend => self.terminal.suspend(),
                    SignalEvent::Resize | SignalEvent::Info => {}
                },
                () = std::future::ready(()) => {}
            }
            let Some(source) = source else { return Ok(()) };
            let mut fds = [PollFd::new(source, PollFlags::IN)];
            match poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: CHECK_INTERVAL })) {
                Ok(0) if self.terminal.reader_left() => return Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                _ => return Ok(()),
            }
        }
    }

    /// Draws the progress in a large file.
    fn draw(&mut self, name: &str) {
        let (done, whole) = (self.progress.position(), self.progress.length().unwrap_or(0));
        if whole < PROGRESS_FROM {
            return;
        }
        let (rate, eta) = (self.progress.per_sec(), self.progress.eta());
        self.terminal.refresh(|width, _| {
            let filled = usize::try_from(done * BAR / whole).unwrap_or(0).min(20);
            let line = format!(
                "replay {} {}{} {}% of {} · {}/s · {} left",
                sanitize(name, 40),
                "━".repeat(filled),
                "─".repeat(20 - filled),
                done * 100 / whole,
                HumanBytes(whole),
                HumanBytes(Duration::try_from_secs_f64(rate).map_or(0, |rate| rate.as_secs())),
                format_duration(eta),
            );
            line.chars().take(width).collect()
        });
    }

    async fn print(&mut self, batch: &Batch) -> Result<(), ReplayStop> {
        self.terminal.print(batch)?;
        while self.terminal.outbox().backlog() > 0 {
            tokio::select! {
                result = self.terminal.drain(&mut self.selector) => result?,
                arrived = self.signals.next() => match arrived {
                    SignalEvent::Shutdown(signal) => return Err(ReplayStop::Signal(signal)),
                    SignalEvent::Suspend => self.terminal.suspend(),
                    SignalEvent::Resize | SignalEvent::Info => {}
                },
            }
        }
        Ok(())
    }
}

/// Reports the problems of one file, and counts them.
struct FileReport {
    name: String,
    bad: u64,
    notices: u64,
}

impl FileReport {
    fn add(&mut self, terminal: &mut Terminal, batch: &BatchReport) {
        for diagnostic in &batch.diagnostics {
            let line = match diagnostic {
                Diagnostic::Malformed { line, why, text } => {
                    format!("{}:{line}: not JSON ({why}), not printed: {text}", self.name)
                }
                Diagnostic::Oversize { line, bytes } => {
                    format!("{}:{line}: {bytes} bytes long, over the cap, not printed", self.name)
                }
                Diagnostic::Discarded { line, bytes } => format!(
                    "{}:{line}: ends within a line; its {bytes} bytes are no whole message, not printed",
                    self.name
                ),
                Diagnostic::Expression { line, option, why } => {
                    terminal.info(&notice::failure(&format!("{}:{line}", self.name), option, why));
                    continue;
                }
                Diagnostic::Notice(notice) => {
                    self.notices += 1;
                    if self.notices <= MAX_REPORTED {
                        terminal.info(&format!("{}: {}", self.name, notice::notice(notice)));
                    }
                    continue;
                }
            };
            self.bad += 1;
            if self.bad <= MAX_REPORTED {
                terminal.info(&line);
            }
        }
        self.bad += batch.suppressed_faults;
        self.notices += batch.suppressed_notices;
    }

    fn close(&self, terminal: &mut Terminal) {
        if self.bad > MAX_REPORTED {
            terminal.info(&format!("{}: {} more bad lines, not printed", self.name, self.bad - MAX_REPORTED));
        }
        if self.notices > MAX_REPORTED {
            terminal.info(&format!("{}: {} more control messages", self.name, self.notices - MAX_REPORTED));
        }
    }
}
