//! The status row and the data of another program on one screen, as the user sees them.
//!
//! The real binary runs under a shell that leads a session on a real pseudo-terminal. Every byte that arrives is
//! given to a terminal model, and the tests look at its cells and its scrollback. `cat` replaces `jq`: a
//! second program that prints our stdout on the same screen at moments we do not know.

use std::env;
use std::io::Read as _;
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};

use crate::common::{Running, Start as _, binary, has, shell};
use xstream::pipeline::outbox::{Batch, OutputRecord};
use xstream::protocol::message::MessageKind;
use xstream::simulator::{Script, Server, ServerOptions, Step};
use xstream::terminal::{Color, StatusMode, Terminal, TerminalOptions};

/// No wait is longer. Everything waited for takes well under a second on an idle machine.
const BOUND: Duration = Duration::from_secs(25);

/// More rows than any test scrolls.
const SCROLLBACK: usize = 50_000;

/// What only the status row says.
const MARK: &str = "heartbeat ";

/// Set for the child that panics.
const PANIC: &str = "XSTREAM_TEST_PANIC";

/// The last word of a command line: when it is on the screen, the shell has nothing left to say.
const FIN: &str = "FIN.";

/// A stream that stays open and says nothing.
const QUIET: &str = "heartbeat endless every 100ms";

/// A terminal, and the shell in it.
struct Screen {
    pty: pty_process::blocking::Pty,
    shell: Running,
    model: vt100::Parser,
    raw: Vec<u8>,
    /// How much of it the model has seen.
    shown: usize,
    hung_up: bool,
}

impl Screen {
    /// A terminal of this size in which the shell runs `command`.
    fn open(rows: u16, columns: u16, command: &str) -> Screen {
        Screen::of_kind("xterm-256color", rows, columns, command)
    }

    fn of_kind(term: &str, rows: u16, columns: u16, command: &str) -> Screen {
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
    fn look(&mut self, within: Duration) -> bool {
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
    fn wait_until(&mut self, what: &str, such: impl Fn(&Screen) -> bool) {
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
    fn wait_for(&mut self, text: &str) {
        self.wait_until(text, |screen| screen.model.screen().contents().contains(text));
    }

    /// Waits until the command line is done and the terminal closed.
    fn wait_for_end(&mut self) {
        self.wait_until("the end", |screen| screen.hung_up);
        self.shell.wait().expect("the shell's end");
    }

    fn type_in(&mut self, keys: &str) {
        use std::io::Write as _;
        self.pty.write_all(keys.as_bytes()).expect("typing");
    }

    fn resize(&mut self, rows: u16, columns: u16) {
        // What was meant for the old size is shown at the old size.
        while self.look(Duration::ZERO) {}
        self.model.set_size(positive(rows), positive(columns));
        self.pty.resize(pty_process::Size::new(rows, columns)).expect("a size");
    }

    /// The visible rows.
    fn rows(&self) -> Vec<String> {
        let screen = self.model.screen();
        screen.rows(0, screen.size().1.get()).map(|row| row.trim_end().to_owned()).collect()
    }

    /// The bottom row.
    fn row(&self) -> String {
        self.rows().pop().unwrap_or_default()
    }

    /// The visible rows but the bottom one, without the empty ones at the end.
    fn above(&self) -> Vec<String> {
        let mut rows = self.rows();
        rows.pop();
        while rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        rows
    }

    /// The rows that scrolled off the screen.
    fn scrolled(&mut self) -> Vec<String> {
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
    fn history(&mut self) -> Vec<String> {
        let mut rows = self.scrolled();
        rows.extend(self.above());
        rows
    }

    /// The lines of data, wherever they are, bottom row included.
    fn data(&mut self) -> Vec<String> {
        let mut rows = self.history();
        rows.push(self.row());
        rows.retain(|row| row.contains("\"id\""));
        rows
    }

    /// Asserts that the data is these lines, unspoilt and in order.
    #[track_caller]
    fn assert_data(&mut self, range: std::ops::Range<usize>) {
        let data = self.data();
        for (line, n) in data.iter().zip(range.clone()) {
            assert_eq!(*line, post(n));
        }
        assert_eq!(data.len(), range.len());
    }

    /// The process id that the shell printed.
    fn pid(&mut self) -> Pid {
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
    fn assert_whole(&mut self, height: u16) {
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
fn filling(height: u16) -> String {
    let lines = height * 2;
    format!("i=0; while [ $i -lt {lines} ]; do echo \"line $i.\"; i=$((i+1)); done; printf {FIN}")
}

/// A server that plays this script.
fn server(script: &str) -> Server {
    Server::spawn(ServerOptions::new(Script::parse(script).expect("a script"))).expect("a server")
}

/// The nth line of data: short, numbered, and with characters of one to four bytes.
fn post(n: usize) -> String {
    format!(r#"{{"data":{{"id":"{n}","text":"né €5 𝄞 {n}"}}}}"#)
}

fn posts(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(post).collect()
}

/// The steps of a script that send these.
fn script(range: std::ops::Range<usize>) -> String {
    let lines: Vec<String> = range.map(|n| format!("line {}\n", post(n))).collect();
    lines.concat()
}

/// The command line that tails this server.
fn tail(server: &Server, options: &str) -> String {
    let program = binary().display();
    format!("'{program}' tail --base-url {} --bearer x {options}", server.url())
}

/// The same with a clock that runs fifty times faster, so that a heartbeat grows old within a test.
fn fast_tail(server: &Server, options: &str) -> String {
    format!("XSTREAM_TEST_SPEED=50 {}", tail(server, options))
}

/// The part of a row that begins with this, without that; none while the row is drawn in part.
fn part<'a>(row: &'a str, begins: &str) -> Option<&'a str> {
    row.split(" · ").find_map(|part| part.strip_prefix(begins))
}

/// The seconds of an age in the row.
fn seconds(age: &str) -> Option<f64> {
    if let Some((hours, minutes)) = age.split_once('h') {
        let minutes: f64 = minutes.strip_suffix('m')?.parse().ok()?;
        return Some(hours.parse::<f64>().ok()? * 3600.0 + minutes * 60.0);
    }
    let (minutes, seconds) = age.split_once('m').unwrap_or(("0", age));
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.strip_suffix('s')?.parse::<f64>().ok()?)
}

/// The ages of the last byte and of the last post, in seconds.
fn ages(screen: &Screen) -> Option<(f64, f64)> {
    let row = screen.row();
    Some((seconds(part(&row, MARK)?)?, seconds(part(&row, "post ")?)?))
}

/// The same, telling its process id first.
fn tail_telling_pid(server: &Server, options: &str) -> String {
    format!("sh -c 'echo \"PID=$$;\" >&2; exec \"$@\"' sh {}", tail(server, options))
}

#[test]
fn the_row_is_at_the_bottom_and_the_data_above() {
    let server = server(&format!("{}disconnect 12; close | {QUIET}", script(0..3)));
    let mut screen = Screen::open(20, 160, &format!("{} | cat", tail(&server, "")));
    screen.wait_until("the last disconnect code", |screen| {
        screen.row().contains("last 12 ") && screen.row().contains("filtered streaming")
    });
    let row = screen.row();
    let parts: Vec<&str> = row.split(" · ").collect();
    assert_eq!(parts[0], "filtered streaming");
    assert!(parts[1].starts_with(MARK), "{row}");
    assert!(parts[2].starts_with("post ") && parts[3].contains("/s"), "{row}");
    assert!(parts[4].starts_with("x-rate-limit 48/50 "), "{row}");
    assert!(parts[5].starts_with("last 12 Shed load "), "{row}");
    screen.assert_data(0..3);
    assert!(!screen.history().iter().any(|row| row.contains(MARK)));
}

#[test]
fn a_heartbeat_age_grows_and_falls_back_and_the_age_of_the_post_beside_it_goes_on() {
    // By the clock of the run a heartbeat every 75 s, and a row every 12 s.
    let server = server("posts 1; heartbeat endless every 1500ms");
    let mut screen = Screen::open(16, 160, &format!("{} | cat", fast_tail(&server, "--stall-timeout 10h")));
    let heartbeat = |screen: &Screen| {
        let column = screen.row().chars().take_while(|c| *c != '·').count() + 2;
        let cell = screen.model.screen().cell(15, u16::try_from(column).expect("a column")).expect("a cell");
        (cell.contents().to_owned(), cell.fgcolor())
    };
    let alive = ("h".to_owned(), vt100::Color::Default);
    screen.wait_until("a fresh heartbeat", |screen| ages(screen).is_some_and(|(byte, _)| byte < 25.0));
    assert_eq!(heartbeat(&screen), alive);
    screen.wait_until("a late heartbeat", |screen| ages(screen).is_some_and(|(byte, _)| byte > 25.0));
    assert_eq!(heartbeat(&screen), ("h".to_owned(), vt100::Color::Idx(3)));
    screen.wait_until("an older one", |screen| ages(screen).is_some_and(|(byte, _)| byte > 40.0));
    screen.wait_until("a fall", |screen| ages(screen).is_some_and(|(byte, _)| byte < 25.0));
    assert_eq!(heartbeat(&screen), alive);
    let (byte, post) = ages(&screen).expect("ages");
    assert!(post > byte + 40.0, "alive but idle: {}", screen.row());
}

#[test]
fn posts_are_counted_and_their_lag_is_shown() {
    let server = server("posts 30 every 40ms; heartbeat endless every 100ms");
    let mut screen = Screen::open(16, 200, &format!("{} > /dev/null", tail(&server, "")));
    screen.wait_until("thirty posts", |screen| {
        let row = screen.row();
        let messages = row.split(" · ").nth(3).and_then(|part| part.split_once(" of 30, lag "));
        messages.is_some_and(|(rate, lag)| {
            rate.ends_with("/s") && rate != "0.0/s" && seconds(lag).is_some_and(|lag| lag < 60.0)
        })
    });
}

#[test]
fn the_requests_left_follow_the_header() {
    let server = server(&format!(
        "heartbeat 20 every 100ms; end | header x-rate-limit-remaining: 7; heartbeat 20 every 100ms; end | header x-rate-limit-remaining: 4; {QUIET}"
    ));
    let mut screen = Screen::open(16, 160, &format!("{} | cat", fast_tail(&server, "")));
    for (left, color) in [("49/50 ", None), ("7/50 ", None), ("4/50 ", Some(3))] {
        screen.wait_until(left, |screen| {
            part(&screen.row(), "x-rate-limit ").is_some_and(|rest| {
                let reset = rest.strip_prefix(left).and_then(seconds);
                // 15 minutes, less what has passed of them.
                reset.is_some_and(|reset| (300.0..=900.0).contains(&reset))
            })
        });
        let row = screen.row();
        let before = row.split("x-rate-limit ").next().expect("a row").chars().count();
        let cell = screen.model.screen().cell(15, u16::try_from(before).expect("a column")).expect("a cell");
        assert_eq!(cell.fgcolor(), color.map_or(vt100::Color::Default, vt100::Color::Idx), "{row}");
    }
}

/// Scripted endings after which the run goes on, and how the row names them.
const ENDINGS: [(&str, &str); 38] = [
    ("disconnect 1; close", "1 Shutdown"),
    ("disconnect 2; close", "2 Duplicate stream"),
    ("disconnect 4; close", "4 Stall"),
    ("disconnect 5; close", "5 Normal"),
    ("disconnect 7; close", "7 Admin logout"),
    ("disconnect 8; close", "8 Reserved"),
    ("disconnect 10; close", "10 Stream exception"),
    ("disconnect 11; close", "11 Broker stall"),
    ("disconnect 12; close", "12 Shed load"),
    ("disconnect 99; close", "99 Unknown v1.1 code"),
    ("operational-disconnect; end", "OperationalDisconnect"),
    ("operational-disconnect-bare UpstreamOperationalDisconnect; end", "UpstreamOperationalDisconnect"),
    ("operational-disconnect UpstreamUncleanDisconnect; end", "UpstreamUncleanDisconnect"),
    ("operational-disconnect InternalError; end", "InternalError"),
    ("operational-disconnect ForceDisconnect; end", "ForceDisconnect"),
    ("operational-disconnect SlowReader; end", "SlowReader"),
    ("streaming-connection; end", "TooManyConnections"),
    ("streaming-connection-wrapped ProvisioningSubscription; end", "ProvisioningSubscription"),
    ("client-disconnected; end", "client-disconnected"),
    ("forced-disconnect; end", "forced-disconnect"),
    ("html-line; end", "html HTML page"),
    ("end", "eof End of stream"),
    ("close", "truncated Cut body"),
    ("cut", "truncated Cut body"),
    ("reset", "reset Connection reset"),
    ("bad-chunk", "http Broken HTTP"),
    ("stall", "stall"),
    ("dribble", "unfinished-line"),
    ("rate-limit 5", "429 Too Many Requests"),
    ("rate-limit-88 5", "rate-limit-exceeded"),
    ("too-many-connections", "TooManyConnections"),
    ("provisioning", "ProvisioningSubscription"),
    ("420", "420 Enhance Your Calm"),
    ("internal-error", "500 Internal Server Error"),
    ("unavailable", "503 Service Unavailable"),
    ("status 502", "502 Bad Gateway"),
    ("garbage", "http Broken HTTP"),
    ("no-head", "head-timeout No answer"),
];

#[test]
fn the_row_shows_the_name_of_the_last_code_after_each_ending() {
    let check = |(ending, named): (&str, &str)| {
        let server = server(&format!("{ending} | {QUIET}"));
        let mut screen = Screen::open(8, 200, &format!("{} | cat", fast_tail(&server, "")));
        screen.wait_until(ending, |screen| {
            let row = screen.row();
            let messages = part(&row, &format!("last {named} ")).and_then(|rest| rest.strip_suffix(" ago"));
            messages.and_then(seconds).is_some()
        });
    };
    // Most of the time is spent waiting.
    std::thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || ENDINGS.into_iter().skip(worker).step_by(4).for_each(check));
        }
    });
}

#[test]
fn the_terminal_is_whole_after_an_ending_that_stops_the_run() {
    for (ending, options, status, said) in [
        ("heartbeat 10 every 100ms; disconnect 6; close", "", 3, "6 Token revoked"),
        ("heartbeat 10 every 100ms; operational-disconnect InvalidRules; end", "", 3, "InvalidRules"),
        ("heartbeat 10 every 100ms; end | unauthorized", "", 3, "401 Unauthorized"),
        ("heartbeat 10 every 100ms; cut", "--no-reconnect", 5, "truncated"),
        ("heartbeat 10 every 100ms; end | status 503", "--max-retries 2", 4, "503 Service Unavailable"),
        (QUIET, "--for 60s", 0, "connected"),
    ] {
        let server = server(ending);
        let command = format!("{{ {}; echo STATUS=$?. >&2; }} | cat; {}", fast_tail(&server, options), filling(16));
        let mut screen = Screen::open(16, 160, &command);
        screen.assert_whole(16);
        let history = screen.history();
        assert!(history.contains(&format!("STATUS={status}.")), "{ending}: {history:#?}");
        assert!(history.iter().any(|row| row.contains(said)), "{ending}: {history:#?}");
    }
}

#[test]
fn ten_thousand_lines_from_another_program_pass_above_the_row_unspoiled() {
    pass_above("cat");
}

#[test]
fn ten_thousand_lines_from_jq_pass_above_the_row_unspoiled() {
    if !has("jq") {
        return;
    }
    // In colour, as by default.
    pass_above("jq -cC .");
}

/// Prints ten thousand posts by this program on the screen that has the row.
fn pass_above(reader: &str) {
    const LINES: usize = 10_000;
    let mut steps: Vec<Step> = (0..LINES).map(|n| Step::Line(post(n).into_bytes())).collect();
    steps.extend([Step::Heartbeat { count: None, every: Duration::from_millis(100) }]);
    let server = Server::spawn(ServerOptions::new(Script::new(vec![steps]))).expect("a server");
    let mut screen = Screen::open(24, 160, &format!("{} | {reader}", tail(&server, "")));
    let last = post(LINES - 1);
    screen.wait_until("the last line", |screen| {
        let bottom = screen.row();
        assert!(
            bottom.is_empty() || bottom.starts_with("filtered ") || bottom.starts_with("xstream: "),
            "the bottom row is ours: {bottom}"
        );
        screen.above().last() == Some(&last)
    });
    screen.wait_until("the row", |screen| screen.row().starts_with("filtered streaming"));
    let lines = screen.history();
    let first = lines.iter().position(|line| *line == post(0)).expect("the first line");
    for (n, line) in lines[first..].iter().enumerate() {
        assert_eq!(*line, post(n), "line {n}");
    }
    assert_eq!(lines.len() - first, LINES);
    assert!(!lines.iter().any(|line| line.contains(MARK)), "no row scrolled");
}

#[test]
fn notices_are_on_lines_of_their_own_between_the_data() {
    let server = server(&format!("{}disconnect 12; close | {}limit 7; {QUIET}", script(0..300), script(300..600)));
    let mut screen = Screen::open(24, 160, &format!("{} | cat", tail(&server, "")));
    screen.wait_for("xstream: limit: 7 ");
    screen.wait_for(&post(599));
    screen.assert_data(0..600);
    let history = screen.history();
    let notices: Vec<&String> = history.iter().filter(|row| row.contains("xstream:")).collect();
    assert!(notices.len() >= 4, "{notices:#?}");
    assert!(notices.iter().all(|row| row.starts_with("xstream: ")), "{notices:#?}");
}

#[test]
fn the_terminal_is_whole_after_the_last_requested_message() {
    let server = server(&format!("{}{QUIET}", script(0..50)));
    let command = format!("{} | cat; {}", tail(&server, "--max 50"), filling(16));
    let mut screen = Screen::open(16, 160, &command);
    screen.assert_whole(16);
    screen.assert_data(0..50);
}

#[test]
fn the_terminal_is_whole_after_an_end_while_it_was_lagging() {
    // More than an unread terminal accepts, less than it, `cat` and the pipe accept together.
    let last = 1_500;
    let mut server = server(&script(0..last));
    server.expect_requests(1);
    let command = format!("{} | cat; {}", tail(&server, &format!("--max {last}")), filling(16));
    let mut screen = Screen::open(16, 160, &command);
    screen.wait_until("the first line", |screen| !screen.raw.is_empty());
    // The terminal is not read until the connection is closed: `cat` is blocked in the middle of a write.
    assert_eq!(server.wait_for_endings(1, BOUND).len(), 1);
    screen.assert_whole(16);
    screen.assert_data(0..last);
}

#[test]
fn a_long_replay_shows_how_far_it_is_and_leaves_the_screen_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture");
    std::fs::write(&path, format!("{}\n", post(0)).repeat(1 << 20)).unwrap();
    let binary = binary().display();
    let command = format!("{binary} replay {} | cat > /dev/null; {}", path.display(), filling(16));
    let mut screen = Screen::open(16, 160, &command);
    screen.wait_until("the bar", |screen| screen.row().contains("% of"));
    screen.wait_for_end();
    assert_eq!(screen.row(), FIN);
    assert!(!screen.history().iter().any(|row| row.contains("% of")), "the bar was not erased");
}

#[test]
fn the_terminal_is_whole_after_ctrl_c() {
    let server = server(&format!("{}{QUIET}", script(0..30)));
    let command = format!("{}; echo STATUS=$?.; {}", tail(&server, ""), filling(16));
    let mut screen = Screen::open(16, 160, &command);
    screen.wait_until("the row", |screen| screen.row().contains("streaming"));
    screen.wait_for(&post(29));
    screen.type_in("\x03");
    screen.assert_whole(16);
    assert!(screen.history().iter().any(|row| row == "STATUS=130."));
    screen.assert_data(0..30);
}

#[test]
fn the_terminal_is_whole_after_ctrl_c_that_also_ends_the_reader() {
    let server = server(&format!("{}{QUIET}", script(0..30)));
    let command = format!("{{ trap : INT; {}; echo STATUS=$?. >&2; }} | cat; {}", tail(&server, ""), filling(16));
    let mut screen = Screen::open(16, 160, &command);
    screen.wait_until("the row", |screen| screen.row().contains("streaming"));
    screen.wait_for(&post(29));
    screen.type_in("\x03");
    screen.assert_whole(16);
    assert!(screen.history().iter().any(|row| row == "STATUS=130."));
    screen.assert_data(0..30);
}

/// Ends a tail by this signal; its exit status must be the one given.
fn end_by(signal: Signal, status: u8) {
    let server = server(&format!("{}{QUIET}", script(0..30)));
    let command = format!("{{ {}; echo STATUS=$?. >&2; }} | cat; {}", tail_telling_pid(&server, ""), filling(16));
    let mut screen = Screen::open(16, 160, &command);
    let pid = screen.pid();
    screen.wait_until("the row", |screen| screen.row().contains("streaming"));
    screen.wait_for(&post(29));
    kill_process(pid, signal).expect("a process");
    screen.assert_whole(16);
    assert!(screen.history().contains(&format!("STATUS={status}.")));
    screen.assert_data(0..30);
}

#[test]
fn the_terminal_is_whole_after_sigterm() {
    end_by(Signal::TERM, 143);
}

#[test]
fn the_terminal_is_whole_after_sighup() {
    end_by(Signal::HUP, 129);
}

#[test]
fn the_terminal_is_whole_after_sigquit() {
    end_by(Signal::QUIT, 131);
}

#[test]
fn the_terminal_is_whole_after_the_reader_left() {
    let server = server(&format!("line {}\nwait 1s; {}{QUIET}", post(0), script(1..30)));
    let command = format!("{} | head -n 1; {}", tail(&server, ""), filling(16));
    let mut screen = Screen::open(16, 160, &command);
    screen.assert_whole(16);
    screen.assert_data(0..1);
}

/// Not a test by itself: what [`the_terminal_is_whole_after_a_panic`] runs in a terminal.
#[test]
fn panic_child() {
    if env::var_os(PANIC).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut terminal = Terminal::new(
            TerminalOptions { quiet: false, status: StatusMode::Auto, color: Color::Auto },
            1 << 20,
            xstream::redact::Redactor::default(),
        )
        .unwrap();
        terminal.refresh(|_, _| format!("{MARK}of a program that panics"));
        let record = OutputRecord { length: 5, kind: MessageKind::Post, id: None, source: 0 };
        let batch = Batch { bytes: b"data\n".to_vec(), records: vec![record], ..Batch::default() };
        terminal.print(&batch).unwrap();

        panic!("a fault in the program");
    });
}

#[test]
fn the_terminal_is_whole_after_a_panic() {
    let program = env::current_exe().expect("this program");
    let command = format!("{PANIC}=1 '{}' --exact screen::panic_child --nocapture; {}", program.display(), filling(16));
    let mut screen = Screen::open(16, 160, &command);
    screen.assert_whole(16);
    let history = screen.history();
    assert!(history.iter().any(|row| row == "a fault in the program"), "{history:#?}");
    assert!(history.iter().any(|row| row.contains("panicked at")), "{history:#?}");
}

/// Whether the shell cannot stop and continue what it runs.
fn no_jobs(screen: &Screen) -> bool {
    screen.model.screen().contents().contains("NOJOBS")
}

#[test]
fn the_row_goes_while_we_are_stopped_and_comes_back() {
    let server = server(&format!("{}{QUIET}", script(0..40)));
    let command = format!(
        "set -m || echo NOJOBS; {} | cat; echo STOPPED; read x; fg >/dev/null; {}",
        tail(&server, ""),
        filling(16)
    );
    let mut screen = Screen::open(16, 160, &command);
    screen.wait_until("the row", |screen| screen.row().contains("streaming") || no_jobs(screen));
    if no_jobs(&screen) {
        eprintln!("skipped: this system's sh has no job control");
        return;
    }
    screen.wait_for(&post(39));
    screen.type_in("\x1a");
    screen.wait_for("STOPPED");
    assert!(!screen.rows().iter().any(|row| row.contains(MARK)), "{:#?}", screen.rows());
    screen.type_in("\n");
    screen.wait_until("the row again", |screen| screen.row().contains("filtered "));
    screen.type_in("\x03");
    screen.assert_whole(16);
    screen.assert_data(0..40);
}

#[test]
fn ctrl_z_stops_us_also_while_the_reader_reads_the_last_data() {
    // More than a pipe holds, and a reader that reads the first line and waits for a key.
    let last = 3_000;
    let mut server = server(&script(0..last));
    server.expect_requests(1);
    let reader = "{ read line; echo \"$line\"; read x </dev/tty; cat; }";
    let command = format!(
        "stty -echo; set -m || echo NOJOBS; {} | {reader}; echo STOPPED; read x; fg >/dev/null; {}",
        tail(&server, &format!("--max {last}")),
        filling(16)
    );
    let mut screen = Screen::open(16, 160, &command);
    screen.wait_until("data", |screen| screen.model.screen().contents().contains(&post(0)) || no_jobs(screen));
    if no_jobs(&screen) {
        eprintln!("skipped: this system's sh has no job control");
        return;
    }
    assert_eq!(server.wait_for_endings(1, BOUND).len(), 1);
    screen.wait_until("no row", |screen| !screen.rows().iter().any(|row| row.contains(MARK)));
    screen.type_in("\x1a");
    screen.wait_for("STOPPED");
    // One line for the shell, one for the reader.
    screen.type_in("\n\n");
    screen.assert_whole(16);
    screen.assert_data(0..last);
}

#[test]
fn ctrl_z_without_a_shell_that_could_continue_us_does_not_stop_us() {
    // A session leader's own process group is orphaned: the system ignores Ctrl-Z there, since no shell could
    // type `fg`. (`ssh -t host xstream tail`, a container, `xterm -e`.)
    let server = server(&format!("{}{QUIET}", script(0..3)));
    let mut screen = Screen::open(16, 160, &format!("{} | cat; {}", tail(&server, ""), filling(16)));
    screen.wait_until("the row", |screen| screen.row().contains("streaming"));
    screen.type_in("\x1a");
    screen.wait_for("^Z");
    for _ in 0..3 {
        let row = screen.row();
        screen.wait_until("another row", |screen| screen.row() != row && screen.row().contains("streaming"));
    }
    screen.type_in("\x03");
    screen.assert_whole(16);
}

/// Resizes a quiet screen that shows this many lines of data; nothing may be lost or left behind.
fn resize(lines: usize, from: (u16, u16), to: (u16, u16)) {
    let server = server(&format!("{}{QUIET}", script(0..lines)));
    let command = format!("{} | cat; {}", tail(&server, ""), filling(to.0));
    let mut screen = Screen::open(from.0, from.1, &command);
    screen.wait_until("the row", |screen| screen.row().contains("streaming"));
    screen.wait_for(&post(lines - 1));
    screen.resize(to.0, to.1);
    screen.wait_until("one row, at the bottom", |screen| {
        let rows = screen.rows();
        screen.row().starts_with("filtered streaming") && rows.iter().filter(|row| row.contains(MARK)).count() == 1
    });
    let row = screen.row();
    screen.wait_until("another row", |screen| screen.row() != row);
    let width = usize::from(to.1);
    assert!(screen.rows().iter().all(|row| row.chars().count() <= width));
    if width < 100 {
        assert!(!screen.row().contains("buffer "), "{}", screen.row());
    }
    screen.assert_data(0..lines);
    screen.type_in("\x03");
    screen.assert_whole(to.0);
    screen.assert_data(0..lines);
}

#[test]
fn a_larger_screen_has_the_row_at_its_bottom() {
    resize(100, (12, 100), (30, 150));
}

#[test]
fn a_larger_screen_with_little_on_it_has_the_row_at_its_bottom() {
    resize(2, (12, 100), (30, 150));
}

#[test]
fn a_smaller_screen_has_the_row_at_its_bottom() {
    resize(100, (30, 150), (12, 60));
}

#[test]
fn a_smaller_screen_with_little_on_it_has_the_row_at_its_bottom() {
    resize(2, (30, 150), (12, 60));
}

#[test]
fn a_screen_too_low_for_the_row_has_none_until_it_grows() {
    let server = server(&format!("{}{QUIET}", script(0..5)));
    let mut screen = Screen::open(16, 160, &format!("{} | cat; {}", tail(&server, ""), filling(16)));
    screen.wait_until("the row", |screen| screen.row().contains("streaming"));
    screen.resize(3, 160);
    screen.wait_until("no row", |screen| !screen.rows().iter().any(|row| row.contains(MARK)));
    screen.resize(16, 160);
    screen.wait_until("the row", |screen| screen.row().contains("streaming"));
    screen.type_in("\x03");
    screen.assert_whole(16);
}

/// Runs a command line that must not draw, and returns what it showed.
fn plain(term: &str, rows: u16, command: &str) -> String {
    let mut screen = Screen::of_kind(term, rows, 160, command);
    screen.wait_for_end();
    let text = String::from_utf8_lossy(&screen.raw).into_owned();
    assert!(!text.contains(['\x1b', '\x0b', '\x08']), "{text:?}");
    text
}

/// A stream that stays open for four ticks of the row, then ends; a row that is drawn at all is drawn by then.
fn brief() -> Server {
    server(&format!("{}wait 1s; line {}", script(0..2), post(2)))
}

#[test]
fn a_dumb_terminal_gets_no_escape_sequences() {
    let server = brief();
    let text = plain("dumb", 16, &format!("{} | cat", tail(&server, "--max 3")));
    assert!(text.contains(&post(2)), "{text}");
}

#[test]
fn a_terminal_of_three_rows_gets_no_escape_sequences() {
    let server = brief();
    let text = plain("xterm", 3, &format!("{} | cat", tail(&server, "--max 3")));
    assert!(text.contains(&post(2)), "{text}");
}

#[test]
fn status_off_draws_nothing() {
    let server = brief();
    let text = plain("xterm", 16, &format!("{} | cat", tail(&server, "--max 3 --status off")));
    assert!(text.contains("xstream: connected"), "{text}");
}

#[test]
fn quiet_draws_and_prints_nothing() {
    let server = brief();
    let text = plain("xterm", 16, &format!("{} | cat", tail(&server, "--max 3 -q")));
    let expected = posts(0..3).join("\r\n") + "\r\n";
    assert_eq!(text, expected);
}

#[test]
fn stderr_in_a_file_gets_messages_and_the_screen_only_data() {
    let server = brief();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("stderr");
    let text = plain("xterm", 16, &format!("{} 2>'{}'", tail(&server, "--max 3"), file.display()));
    let expected = posts(0..3).join("\r\n") + "\r\n";
    assert_eq!(text, expected);
    let words = std::fs::read_to_string(file).expect("the file");
    assert!(words.contains("xstream: connected") && !words.contains('\x1b'), "{words:?}");
}

#[test]
fn a_background_job_draws_nothing() {
    let server = brief();
    let text = plain("xterm", 16, &format!("set -m; {} & wait", tail(&server, "--max 3")));
    assert!(text.contains(&post(2)), "{text}");
}

#[test]
fn no_color_leaves_the_row_without_colours() {
    let server = server(QUIET);
    let mut screen = Screen::open(16, 160, &format!("NO_COLOR=1 {} | cat", tail(&server, "")));
    screen.wait_until("the row", |screen| screen.row().contains("streaming"));
    let text = String::from_utf8_lossy(&screen.raw).into_owned();
    assert!(!text.contains("\x1b[3"), "{text:?}");
}

#[test]
fn colours_refused_leave_the_row_without_colours() {
    let server = server(QUIET);
    let mut screen = Screen::open(16, 160, &format!("{} | cat", tail(&server, "--color never")));
    screen.wait_until("the row", |screen| screen.row().contains("streaming"));
    let text = String::from_utf8_lossy(&screen.raw).into_owned();
    assert!(!text.contains("\x1b[3"), "{text:?}");
}

#[test]
fn a_screen_of_twenty_columns_has_a_row_with_the_state_and_the_heartbeat() {
    let server = server(QUIET);
    let mut screen = Screen::open(16, 20, &format!("{} | cat", tail(&server, "")));
    screen.wait_until("the row", |screen| screen.row().starts_with("streaming · hb 0."));
}

#[test]
fn requested_colours_override_no_color() {
    let server = server(QUIET);
    let mut screen = Screen::open(16, 160, &format!("NO_COLOR=1 {} | cat", tail(&server, "--color always")));
    screen.wait_until("a green state", |screen| {
        let cell = screen.model.screen().cell(15, 0);
        cell.is_some_and(|cell| cell.contents() == "f" && cell.fgcolor() == vt100::Color::Idx(2))
    });
}

#[test]
fn a_terminal_has_a_coloured_row() {
    let server = server(QUIET);
    let mut screen = Screen::open(16, 160, &format!("{} | cat", tail(&server, "")));
    screen.wait_until("a green state", |screen| {
        let cell = screen.model.screen().cell(15, 0);
        cell.is_some_and(|cell| cell.contents() == "f" && cell.fgcolor() == vt100::Color::Idx(2))
    });
}

#[test]
fn the_row_does_not_take_the_colours_of_the_program_above() {
    // As `jq -C` does, but staying between two writes with its colour on: red on blue.
    let server = server(&format!("{}{QUIET}", script(0..1)));
    let above = r"{ read line; printf '\033[31;44mred'; read line </dev/tty; printf still; cat; }";
    let mut screen = Screen::open(16, 160, &format!("stty -echo; {} | {above}", tail(&server, "")));
    screen.wait_for("red");
    for _ in 0..2 {
        let row = screen.row();
        screen.wait_until("another row", |screen| screen.row() != row && screen.row().contains("streaming"));
    }
    for column in 0..160 {
        let cell = screen.model.screen().cell(15, column).expect("a cell");
        assert_eq!(cell.bgcolor(), vt100::Color::Default, "column {column}");
        assert_ne!(cell.fgcolor(), vt100::Color::Idx(1), "column {column}");
    }
    screen.type_in("\n");
    screen.wait_for("redstill");
    let (row, column) = screen.model.screen().cursor_position();
    let cell = screen.model.screen().cell(row, column - 1).expect("a cell");
    assert_eq!((cell.contents(), cell.fgcolor()), ("l", vt100::Color::Idx(1)));
}
