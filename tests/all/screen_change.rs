//! The screen while the job is stopped and continued, and while the terminal is resized.

use crate::common::screen::{MARK, QUIET, Screen, filling, post, script, tail};
use crate::common::{BOUND, serve};

/// Whether the shell cannot stop and continue what it runs.
fn no_jobs(screen: &Screen) -> bool {
    screen.model.screen().contents().contains("NOJOBS")
}

#[test]
fn the_row_goes_while_we_are_stopped_and_comes_back() {
    let server = serve(&format!("{}{QUIET}", script(0..40)));
    let command = format!(
        "set -m || echo NOJOBS; {} | cat; echo STOPPED; read x; fg >/dev/null; {}",
        tail(&server, ""),
        filling(16)
    );
    let mut screen = Screen::open(16, 160, &command);
    screen.wait_until("the row", |screen| screen.is_streaming() || no_jobs(screen));
    if no_jobs(&screen) {
        eprintln!("skipped: this system's sh has no job control");
        return;
    }
    screen.wait_for(&post(39));
    screen.type_in("\x1a");
    screen.wait_for("STOPPED");
    assert!(!screen.has_row(), "{:#?}", screen.rows());
    screen.type_in("\n");
    screen.wait_for_row();
    screen.type_in("\x03");
    screen.assert_whole(16);
    screen.assert_data(0..40);
}

#[test]
fn ctrl_z_stops_us_also_while_the_reader_reads_the_last_data() {
    // More than a pipe holds, and a reader that reads the first line and waits for a key.
    let last = 3_000;
    let mut server = serve(&script(0..last));
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
    screen.wait_until("no row", |screen| !screen.has_row());
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
    let server = serve(&format!("{}{QUIET}", script(0..3)));
    let mut screen = Screen::open(16, 160, &format!("{} | cat; {}", tail(&server, ""), filling(16)));
    screen.wait_for_row();
    screen.type_in("\x1a");
    screen.wait_for("^Z");
    for _ in 0..3 {
        screen.wait_for_another_row();
    }
    screen.type_in("\x03");
    screen.assert_whole(16);
}

/// Resizes a quiet screen that shows this many lines of data; nothing may be lost or left behind.
fn resize(lines: usize, from: (u16, u16), to: (u16, u16)) {
    let server = serve(&format!("{}{QUIET}", script(0..lines)));
    let command = format!("{} | cat; {}", tail(&server, ""), filling(to.0));
    let mut screen = Screen::open(from.0, from.1, &command);
    screen.wait_for_row();
    screen.wait_for(&post(lines - 1));
    screen.resize(to.0, to.1);
    screen.wait_until("one row, at the bottom", |screen| {
        screen.is_streaming() && screen.rows().iter().filter(|row| row.contains(MARK)).count() == 1
    });
    screen.wait_for_another_row();
    let width = usize::from(to.1);
    assert!(screen.rows().iter().all(|row| row.chars().count() <= width));
    screen.assert_data(0..lines);
    screen.type_in("\x03");
    screen.assert_whole(to.0);
    screen.assert_data(0..lines);
}

#[test]
fn a_larger_screen_has_the_row_at_its_bottom() {
    resize(100, (12, 100), (30, 150));
    resize(2, (12, 100), (30, 150));
}

#[test]
fn a_smaller_screen_has_the_row_at_its_bottom() {
    resize(100, (30, 150), (12, 60));
    resize(2, (30, 150), (12, 60));
}

#[test]
fn a_screen_too_low_for_the_row_has_none_until_it_grows() {
    let server = serve(&format!("{}{QUIET}", script(0..5)));
    let mut screen = Screen::open(16, 160, &format!("{} | cat; {}", tail(&server, ""), filling(16)));
    screen.wait_for_row();
    screen.resize(3, 160);
    screen.wait_until("no row", |screen| !screen.has_row());
    screen.resize(16, 160);
    screen.wait_for_row();
    screen.type_in("\x03");
    screen.assert_whole(16);
}
