//! The status row and the data of another program on one screen: neither spoils the other, and the terminal is whole
//! after every end.
//!
//! `cat` replaces `jq`: a second program that prints our stdout on the same screen at moments we do not know.

use std::env;
use std::time::Duration;

use crate::common::screen::{FIN, MARK, QUIET, Screen, fast_tail, filling, post, script, tail, tail_printing_pid};
use crate::common::{BOUND, Signal, binary, has, serve};
use rustix::process::kill_process;
use xstream::pipeline::batch::{Batch, Bytes, OutputRecord};
use xstream::protocol::message::MessageKind;
use xstream::simulator::{Script, Server, ServerOptions, Step};
use xstream::terminal::{Color, StatusMode, Terminal, TerminalOptions};

/// Set for the child that panics.
const PANIC: &str = "XSTREAM_TEST_PANIC";

#[test]
fn the_terminal_is_whole_after_an_ending_that_stops_the_run() {
    for (ending, options, status, shown) in [
        ("heartbeat 10 every 100ms; disconnect 6; close", "", 3, " 6 "),
        ("heartbeat 10 every 100ms; operational-disconnect InvalidRules; end", "", 3, "InvalidRules"),
        ("heartbeat 10 every 100ms; end | unauthorized", "", 3, "401"),
        ("heartbeat 10 every 100ms; cut", "--no-reconnect", 5, "truncated"),
        ("heartbeat 10 every 100ms; end | status 503", "--max-retries 2", 4, "503"),
        (QUIET, "--for 60s", 0, "xstream: "),
    ] {
        let server = serve(ending);
        let command = format!("{{ {}; echo STATUS=$?. >&2; }} | cat; {}", fast_tail(&server, options), filling(16));
        let mut screen = Screen::open(16, 160, &command);
        screen.assert_whole(16);
        let history = screen.history();
        assert!(history.contains(&format!("STATUS={status}.")), "{ending}: {history:#?}");
        assert!(history.iter().any(|row| row.contains(shown)), "{ending}: {history:#?}");
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
            bottom.is_empty() || bottom.contains(MARK) || bottom.starts_with("xstream: "),
            "the bottom row is ours: {bottom}"
        );
        screen.above().last() == Some(&last)
    });
    screen.wait_for_row();
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
    let server = serve(&format!("{}disconnect 12; close | {}limit 7; {QUIET}", script(0..300), script(300..600)));
    let mut screen = Screen::open(24, 160, &format!("{} | cat", tail(&server, "")));
    let is_limit = |row: &String| row.starts_with("xstream: ") && row.contains(" 7 ");
    screen.wait_until("the notice of the limit", |screen| screen.above().iter().any(is_limit));
    screen.assert_data(0..600);
    let history = screen.history();
    let notices: Vec<&String> = history.iter().filter(|row| row.contains("xstream:")).collect();
    assert!(notices.len() >= 4, "{notices:#?}");
    assert!(notices.iter().all(|row| row.starts_with("xstream: ")), "{notices:#?}");
}

#[test]
fn the_terminal_is_whole_after_the_last_requested_message() {
    let server = serve(&format!("{}{QUIET}", script(0..50)));
    let command = format!("{} | cat; {}", tail(&server, "--max 50"), filling(16));
    let mut screen = Screen::open(16, 160, &command);
    screen.assert_whole(16);
    screen.assert_data(0..50);
}

#[test]
fn the_terminal_is_whole_after_an_end_while_it_was_lagging() {
    // More than an unread terminal accepts, less than it, `cat` and the pipe accept together.
    let last = 1_500;
    let mut server = serve(&script(0..last));
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
    screen.wait_until("the bar", |screen| screen.row().contains('%'));
    screen.wait_for_end();
    assert_eq!(screen.row(), FIN);
    assert!(!screen.history().iter().any(|row| row.contains('%')), "the bar was not erased");
}

/// Ends a tail, which `command` puts into a command line that prints the exit status; the terminal must be whole.
fn end_by(status: u8, command: impl FnOnce(&str) -> String, end: impl FnOnce(&mut Screen)) {
    let server = serve(&format!("{}{QUIET}", script(0..30)));
    let command = command(&tail_printing_pid(&server, ""));
    let mut screen = Screen::open(16, 160, &format!("{command}; {}", filling(16)));
    screen.wait_for_row();
    screen.wait_for(&post(29));
    end(&mut screen);
    screen.assert_whole(16);
    assert!(screen.history().contains(&format!("STATUS={status}.")));
    screen.assert_data(0..30);
}

#[test]
fn the_terminal_is_whole_after_ctrl_c() {
    end_by(130, |tail| format!("{tail}; echo STATUS=$?."), |screen| screen.type_in("\x03"));
}

#[test]
fn the_terminal_is_whole_after_ctrl_c_that_also_ends_the_reader() {
    let command = |tail: &str| format!("{{ trap : INT; {tail}; echo STATUS=$?. >&2; }} | cat");
    end_by(130, command, |screen| screen.type_in("\x03"));
}

#[test]
fn the_terminal_is_whole_after_a_signal() {
    for (signal, status) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
        let command = |tail: &str| format!("{{ {tail}; echo STATUS=$?. >&2; }} | cat");
        end_by(status, command, |screen| kill_process(screen.pid(), signal).expect("a process"));
    }
}

#[test]
fn the_terminal_is_whole_after_the_reader_left() {
    let server = serve(&format!("line {}\nwait 1s; {}{QUIET}", post(0), script(1..30)));
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
        let record = OutputRecord { length: 5, kind: MessageKind::Post, id: None, source: 0, input: 0 };
        let batch = Batch {
            bytes: Bytes { output: b"data\n".to_vec(), inputs: Vec::new() },
            records: vec![record],
            ..Batch::default()
        };
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
