//! Terminals and options that get no row.

use crate::common::screen::{Screen, post, posts, script, tail};
use crate::common::serve;
use xstream::simulator::Server;

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
    serve(&format!("{}wait 1s; line {}", script(0..2), post(2)))
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
    assert!(text.contains("xstream: "), "{text}");
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
    let messages = std::fs::read_to_string(file).expect("the file");
    assert!(messages.starts_with("xstream: ") && !messages.contains('\x1b'), "{messages:?}");
}

#[test]
fn a_background_job_draws_nothing() {
    let server = brief();
    let text = plain("xterm", 16, &format!("set -m; {} & wait", tail(&server, "--max 3")));
    assert!(text.contains(&post(2)), "{text}");
}
