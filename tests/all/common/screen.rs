//! A terminal in which the real binary runs under a shell, and the model of it that the tests look at.
//!
//! The shell leads a session on a real pseudo-terminal. Every byte that arrives is given to a terminal model, and the
//! tests look at its cells and its scrollback. They find the parts of the status row by their place, not by their
//! labels: the labels are for the user, and `wording.rs` has them.

use std::io::Read as _;
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;
use xstream::simulator::Server;

use super::{BOUND, Running, Start as _, binary, shell};

/// More rows than any test scrolls.
const SCROLLBACK: usize = 50_000;

/// What is between the parts of the status row. Neither a post nor a notice contains it.
pub const MARK: &str = " · ";

/// The last word of a command line: when it is on the screen, the shell has nothing left to say.
pub const FIN: &str = "FIN.";

/// A stream that stays open and says nothing.
pub const QUIET: &str = "heartbeat endless every 100ms";

/// A terminal, and the shell in it.
pub struct Screen {
    pty: pty_process::blocking::Pty,
    shell: Running,
    pub model: vt100::Parser,
    pub raw: Vec<u8>,
    /// How much of it the model has seen.
    shown: usize,
    hung_up: bool,
}

impl Screen {
    /// A terminal of this size in which the shell runs `command`.
    pub fn open(rows: u16, columns: u16, command: &str) -> Screen {
        Screen::of_kind("xterm-256color", rows, columns, command)
    }

    pub fn of_kind(term: &str, rows: u16, columns: u16, command: &str) -> Screen {
        // The shell survives Ctrl-C, as an interactive one does; what it runs does not inherit the trap.
        let mut shell = shell(&format!("trap : INT; {command}"));
        shell.env("TERM", term);
        let (shell, pty) = shell.start_on_terminal(rows, columns);
        Screen {
            pty,
            shell,
            model: vt100::Parser::new(positive(rows), positive(columns), SCROLLBACK),
            raw: Vec::new(),
            shown: 0,
            hung_up: false,
        }
    }

    /// Shows what arrives within this time, or the first part of it.
    pub fn look(&mut self, within: Duration) -> bool {
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(within.subsec_nanos()) };
        let mut fds = [PollFd::new(&self.pty, PollFlags::IN)];
        if self.hung_up || !matches!(poll(&mut fds, Some(&timeout)), Ok(1..)) {
            return false;
        }
        let mut bytes = [0; 2048];
        // The system returns EIO when no process has the terminal open any more.
        let length = self.pty.read(&mut bytes).unwrap_or(0);
        self.hung_up = length == 0;
        self.raw.extend_from_slice(&bytes[..length]);
        // The model gets whole characters: it does not keep the part of one for the next time.
        let unseen = &self.raw[self.shown..];
        let whole = match std::str::from_utf8(unseen) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => unseen.len(),
        };
        self.model.process(&unseen[..whole]);
        self.shown += whole;
        !self.hung_up
    }

    /// Waits until the screen looks like this.
    pub fn wait_until(&mut self, what: &str, such: impl Fn(&Screen) -> bool) {
        let end = Instant::now() + BOUND;
        while !such(self) {
            assert!(
                !self.hung_up && Instant::now() < end,
                "{what} never came; the screen:\n{}\n--- row: {}",
                self.above().join("\n"),
                self.row()
            );
            self.look(Duration::from_millis(50));
        }
    }

    /// Waits until this text is anywhere on the screen. For text that nothing scrolls away.
    pub fn wait_for(&mut self, text: &str) {
        self.wait_until(text, |screen| screen.model.screen().contents().contains(text));
    }

    /// Waits until the command line is done and the terminal closed.
    pub fn wait_for_end(&mut self) {
        self.wait_until("the end", |screen| screen.hung_up);
        self.shell.wait().expect("the shell's end");
    }

    pub fn type_in(&mut self, keys: &str) {
        use std::io::Write as _;
        self.pty.write_all(keys.as_bytes()).expect("typing");
    }

    pub fn resize(&mut self, rows: u16, columns: u16) {
        // What was meant for the old size is shown at the old size.
        while self.look(Duration::ZERO) {}
        self.model.set_size(positive(rows), positive(columns));
        self.pty.resize(pty_process::Size::new(rows, columns)).expect("a size");
    }

    /// The visible rows.
    pub fn rows(&self) -> Vec<String> {
        let screen = self.model.screen();
        screen.rows(0, screen.size().1.get()).map(|row| row.trim_end().to_owned()).collect()
    }

    /// The parts of the status row; one or none while there is no row.
    pub fn parts(&self) -> Vec<String> {
        self.row().split(MARK).map(str::to_owned).collect()
    }

    /// The ages of the last byte and of the last post in seconds; none without that part or before the first.
    pub fn ages(&self) -> [Option<f64>; 2] {
        let parts = self.parts();
        [1, 2].map(|part| seconds(parts.get(part)?.rsplit(' ').next()?))
    }

    /// Whether the row shows a stream that has sent something.
    pub fn is_streaming(&self) -> bool {
        self.ages()[0].is_some()
    }

    /// The requests left of fifty, and the seconds to the reset of their limit.
    pub fn rate_limit(&self) -> Option<(u32, Option<f64>)> {
        let parts = self.parts();
        let mut words = parts.get(4)?.split(' ').skip_while(|word| !word.ends_with("/50"));
        let left = words.next()?.strip_suffix("/50")?.parse().ok()?;
        Some((left, words.next().and_then(seconds)))
    }

    /// The messages received, if some arrive and their lag is known: the lag in seconds.
    pub fn messages(&self) -> Option<(u32, f64)> {
        let parts = self.parts();
        let mut words = parts.get(3)?.split([' ', ',']);
        let rate: f64 = words.next()?.strip_suffix("/s")?.parse().ok()?;
        let count = words.clone().find_map(|word| word.parse().ok())?;
        (rate > 0.0).then_some((count, words.next_back().and_then(seconds)?))
    }

    /// Whether the row shows this as the code of the last disconnect, with its age.
    pub fn shows_code(&self, code: &str) -> bool {
        self.parts().iter().any(|part| {
            let mut words = part.split(' ').skip(1);
            words.next() == Some(code) && words.any(|word| seconds(word).is_some())
        })
    }

    /// The colour in which a part of the row begins.
    pub fn color_of_part(&self, part: usize) -> vt100::Color {
        let before = self.parts()[..part].iter().map(|part| part.chars().count() + MARK.chars().count()).sum::<usize>();
        let bottom = self.model.screen().size().0.get() - 1;
        let column = u16::try_from(before).expect("a column");
        self.model.screen().cell(bottom, column).expect("a cell").fgcolor()
    }

    /// Waits for the status row of a stream that has sent something.
    pub fn wait_for_row(&mut self) {
        self.wait_until("the row", Screen::is_streaming);
    }

    /// Waits for a row that is drawn again, with another text.
    pub fn wait_for_another_row(&mut self) {
        let row = self.row();
        self.wait_until("another row", |screen| screen.row() != row && screen.is_streaming());
    }

    /// Whether the row is on the screen, wherever.
    pub fn has_row(&self) -> bool {
        self.rows().iter().any(|row| row.contains(MARK))
    }

    /// The bottom row.
    pub fn row(&self) -> String {
        self.rows().pop().unwrap_or_default()
    }

    /// The visible rows but the bottom one, without the empty ones at the end.
    pub fn above(&self) -> Vec<String> {
        let mut rows = self.rows();
        rows.pop();
        while rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        rows
    }

    /// The rows that scrolled off the screen.
    pub fn scrolled(&mut self) -> Vec<String> {
        let height = usize::from(self.model.screen().size().0.get());
        let screen = self.model.screen_mut();
        screen.set_scrollback(usize::MAX);
        let mut back = screen.scrollback();
        let mut rows = Vec::new();
        while back > 0 {
            screen.set_scrollback(back);
            let columns = screen.size().1.get();
            rows.extend(screen.rows(0, columns).take(back.min(height)).map(|row| row.trim_end().to_owned()));
            back = back.saturating_sub(height);
        }
        screen.set_scrollback(0);
        rows
    }

    /// Everything that was printed and not on the bottom row.
    pub fn history(&mut self) -> Vec<String> {
        let mut rows = self.scrolled();
        rows.extend(self.above());
        rows
    }

    /// The lines of data, wherever they are, bottom row included.
    pub fn data(&mut self) -> Vec<String> {
        let mut rows = self.history();
        rows.push(self.row());
        rows.retain(|row| row.contains("\"id\""));
        rows
    }

    /// Asserts that the data is these lines, unspoilt and in order.
    #[track_caller]
    pub fn assert_data(&mut self, range: std::ops::Range<usize>) {
        let data = self.data();
        for (line, n) in data.iter().zip(range.clone()) {
            assert_eq!(*line, post(n));
        }
        assert_eq!(data.len(), range.len());
    }

    /// The process id that the shell printed.
    pub fn pid(&mut self) -> Pid {
        let find = |screen: &Screen| -> Option<i32> {
            // It may have scrolled away by the time we look.
            let text = String::from_utf8_lossy(&screen.raw);
            let (_, rest) = text.split_once("PID=")?;
            rest.split_once(';')?.0.parse().ok()
        };
        self.wait_until("the process id", |screen| find(screen).is_some());
        find(self).and_then(Pid::from_raw).expect("a process id")
    }

    /// Asserts that the terminal is as it was before, once the shell has filled it with lines ([`filling`]).
    #[track_caller]
    pub fn assert_whole(&mut self, height: u16) {
        self.wait_for_end();
        assert_eq!(self.row(), FIN, "the bottom row is in use again:\n{}", self.rows().join("\n"));
        let raw = String::from_utf8_lossy(&self.raw);
        assert!(raw.contains(MARK), "there was a row: {raw}");
        let history = self.history();
        let spoilt: Vec<&String> = history.iter().filter(|row| row.contains(MARK)).collect();
        assert!(spoilt.is_empty(), "the row was not erased: {spoilt:?}");
        let lines = usize::from(height) * 2;
        let filling: Vec<String> = (0..lines).map(|n| format!("line {n}.")).collect();
        assert_eq!(history[history.len() - lines..], filling, "every line scrolled by");
        let screen = self.model.screen();
        assert!(!screen.hide_cursor());
        assert_eq!(screen.fgcolor(), vt100::Color::Default);
        assert_eq!(screen.bgcolor(), vt100::Color::Default);
    }
}

fn positive(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a size")
}

/// A shell command that prints two screens of lines, and stops within the last.
pub fn filling(height: u16) -> String {
    let lines = height * 2;
    format!("i=0; while [ $i -lt {lines} ]; do echo \"line $i.\"; i=$((i+1)); done; printf {FIN}")
}

/// The nth line of data: short, numbered, and with characters of one to four bytes.
pub fn post(n: usize) -> String {
    format!(r#"{{"data":{{"id":"{n}","text":"né €5 𝄞 {n}"}}}}"#)
}

pub fn posts(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(post).collect()
}

/// The steps of a script that send these.
pub fn script(range: std::ops::Range<usize>) -> String {
    let lines: Vec<String> = range.map(|n| format!("line {}\n", post(n))).collect();
    lines.concat()
}

/// The command line that tails this server.
pub fn tail(server: &Server, options: &str) -> String {
    let program = binary().display();
    format!("'{program}' tail --base-url {} --bearer x {options}", server.url())
}

/// The same with a clock that runs fifty times faster, so that a heartbeat grows old within a test.
pub fn fast_tail(server: &Server, options: &str) -> String {
    format!("XSTREAM_TEST_SPEED=50 {}", tail(server, options))
}

/// The seconds of an age or a delay in the row.
fn seconds(text: &str) -> Option<f64> {
    if let Some((hours, minutes)) = text.split_once('h') {
        let minutes: f64 = minutes.strip_suffix('m')?.parse().ok()?;
        return Some(hours.parse::<f64>().ok()? * 3600.0 + minutes * 60.0);
    }
    let (minutes, seconds) = text.split_once('m').unwrap_or(("0", text));
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.strip_suffix('s')?.parse::<f64>().ok()?)
}

/// The same, printing its process id first.
pub fn tail_printing_pid(server: &Server, options: &str) -> String {
    format!("sh -c 'echo \"PID=$$;\" >&2; exec \"$@\"' sh {}", tail(server, options))
}
