//! The status row as the user sees it: its parts, their colours, and what a narrow screen shows.

use crate::common::screen::{MARK, QUIET, Screen, fast_tail, script, tail};
use crate::common::serve;
use vt100::Color;

/// The colours that mean something.
const GOOD: Color = Color::Idx(2);
const WARNING: Color = Color::Idx(3);

#[test]
fn the_row_is_at_the_bottom_and_the_data_above() {
    let server = serve(&format!("{}disconnect 12; close | {QUIET}", script(0..3)));
    let mut screen = Screen::open(20, 160, &format!("{} | cat", tail(&server, "")));
    // The second connection left 48 requests.
    screen.wait_until("the second connection", |screen| {
        screen.is_streaming() && screen.shows_code("12") && screen.rate_limit().is_some_and(|(left, _)| left == 48)
    });
    assert!(screen.row().starts_with("filtered "), "{}", screen.row());
    assert!(screen.ages()[1].is_some(), "{}", screen.row());
    screen.assert_data(0..3);
    assert!(!screen.history().iter().any(|row| row.contains(MARK)));
}

#[test]
fn a_heartbeat_age_grows_and_falls_back_and_the_age_of_the_post_beside_it_goes_on() {
    // By the clock of the run a heartbeat every 75 s, and a row every 12 s.
    let server = serve("posts 1; heartbeat endless every 1500ms");
    let mut screen = Screen::open(16, 160, &format!("{} | cat", fast_tail(&server, "--stall-timeout 10h")));
    let byte = |screen: &Screen| screen.ages()[0];
    screen.wait_until("a fresh heartbeat", |screen| byte(screen).is_some_and(|age| age < 25.0));
    assert_eq!(screen.color_of_part(1), Color::Default);
    screen.wait_until("a late heartbeat", |screen| byte(screen).is_some_and(|age| age > 25.0));
    assert_eq!(screen.color_of_part(1), WARNING);
    screen.wait_until("an older one", |screen| byte(screen).is_some_and(|age| age > 40.0));
    screen.wait_until("a fall", |screen| byte(screen).is_some_and(|age| age < 25.0));
    assert_eq!(screen.color_of_part(1), Color::Default);
    let [byte, post] = screen.ages().map(|age| age.expect("an age"));
    assert!(post > byte + 40.0, "alive but idle: {}", screen.row());
}

#[test]
fn posts_are_counted_and_their_lag_is_shown() {
    let server = serve("posts 30 every 40ms; heartbeat endless every 100ms");
    let mut screen = Screen::open(16, 200, &format!("{} > /dev/null", tail(&server, "")));
    screen.wait_until("thirty posts", |screen| screen.messages().is_some_and(|(count, lag)| count == 30 && lag < 60.0));
}

#[test]
fn the_requests_left_follow_the_header() {
    let server = serve(&format!(
        "heartbeat 20 every 100ms; end | header x-rate-limit-remaining: 7; heartbeat 20 every 100ms; end | header x-rate-limit-remaining: 4; {QUIET}"
    ));
    let mut screen = Screen::open(16, 160, &format!("{} | cat", fast_tail(&server, "")));
    for (left, color) in [(49, Color::Default), (7, Color::Default), (4, WARNING)] {
        screen.wait_until(&format!("{left} requests left"), |screen| {
            // 15 minutes, less what has passed of them.
            let reset = screen.rate_limit().filter(|limit| limit.0 == left).and_then(|limit| limit.1);
            reset.is_some_and(|reset| (300.0..=900.0).contains(&reset))
        });
        assert_eq!(screen.color_of_part(4), color, "{}", screen.row());
    }
}

/// Scripted endings after which the run goes on, and their codes.
const ENDINGS: [(&str, &str); 38] = [
    ("disconnect 1; close", "1"),
    ("disconnect 2; close", "2"),
    ("disconnect 4; close", "4"),
    ("disconnect 5; close", "5"),
    ("disconnect 7; close", "7"),
    ("disconnect 8; close", "8"),
    ("disconnect 10; close", "10"),
    ("disconnect 11; close", "11"),
    ("disconnect 12; close", "12"),
    ("disconnect 99; close", "99"),
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
    ("html-line; end", "html"),
    ("end", "eof"),
    ("close", "truncated"),
    ("cut", "truncated"),
    ("reset", "reset"),
    ("bad-chunk", "http"),
    ("stall", "stall"),
    ("dribble", "unfinished-line"),
    ("rate-limit 5", "429"),
    ("rate-limit-88 5", "rate-limit-exceeded"),
    ("too-many-connections", "TooManyConnections"),
    ("provisioning", "ProvisioningSubscription"),
    ("420", "420"),
    ("internal-error", "500"),
    ("unavailable", "503"),
    ("status 502", "502"),
    ("garbage", "http"),
    ("no-head", "head-timeout"),
];

#[test]
fn the_row_shows_the_last_code_after_each_ending() {
    let check = |(ending, code): (&str, &str)| {
        let server = serve(&format!("{ending} | {QUIET}"));
        let mut screen = Screen::open(8, 200, &format!("{} | cat", fast_tail(&server, "")));
        screen.wait_until(ending, |screen| screen.shows_code(code));
    };
    // Most of the time is spent waiting.
    std::thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || ENDINGS.into_iter().skip(worker).step_by(4).for_each(check));
        }
    });
}

#[test]
fn a_screen_of_twenty_columns_has_a_row_with_the_state_and_the_heartbeat() {
    let server = serve(QUIET);
    let mut screen = Screen::open(16, 20, &format!("{} | cat", tail(&server, "")));
    screen.wait_for_row();
    assert_eq!(screen.parts().len(), 2, "{}", screen.row());
}

#[test]
fn the_row_has_colours_unless_they_are_refused() {
    let server = serve(QUIET);
    for (variable, option, color) in [
        ("", "", GOOD),
        ("NO_COLOR=1 ", "", Color::Default),
        ("", "--color never", Color::Default),
        ("NO_COLOR=1 ", "--color always", GOOD),
    ] {
        let mut screen = Screen::open(16, 160, &format!("{variable}{} | cat", tail(&server, option)));
        screen.wait_for_row();
        assert_eq!(screen.color_of_part(0), color, "{variable}{option}");
        let text = String::from_utf8_lossy(&screen.raw);
        assert_eq!(text.contains("\x1b[3"), color == GOOD, "{text:?}");
    }
}

#[test]
fn the_row_does_not_take_the_colours_of_the_program_above() {
    // As `jq -C` does, but staying between two writes with its colour on: red on blue.
    let server = serve(&format!("{}{QUIET}", script(0..1)));
    let above = r"{ read line; printf '\033[31;44mred'; read line </dev/tty; printf still; cat; }";
    let mut screen = Screen::open(16, 160, &format!("stty -echo; {} | {above}", tail(&server, "")));
    screen.wait_for("red");
    for _ in 0..2 {
        screen.wait_for_another_row();
    }
    for column in 0..160 {
        let cell = screen.model.screen().cell(15, column).expect("a cell");
        assert_eq!(cell.bgcolor(), Color::Default, "column {column}");
        assert_ne!(cell.fgcolor(), Color::Idx(1), "column {column}");
    }
    screen.type_in("\n");
    screen.wait_for("redstill");
    let (row, column) = screen.model.screen().cursor_position();
    let cell = screen.model.screen().cell(row, column - 1).expect("a cell");
    assert_eq!((cell.contents(), cell.fgcolor()), ("l", Color::Idx(1)));
}
