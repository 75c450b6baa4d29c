//! What people read, in whole: the only test that a better wording breaks.
//!
//! Each snapshot is a transcript of commands with what they show. What differs between two runs is replaced: times,
//! addresses, ids and estimates. After a change of a text: `INSTA_UPDATE=always cargo test --test all wording::`, then
//! read the difference.

use std::io::Write as _;
use std::process::Command;
use std::sync::LazyLock;

use insta::assert_snapshot;
use regex::Regex;
use serde_json::json;
use xstream::simulator::{Certificate, ExternalConnection, HistoryDay, Script, Server, ServerOptions, SimulatedRule};

use crate::common::screen::{QUIET, Screen, tail as tail_line};
use crate::common::{Folder, Signal, kill, on_a_terminal, run, serve, serve_with, shown_until, tail, wait, xstream};
use crate::rules::sync::interrupted;

/// What differs between two runs of one command, and what replaces it.
static VARIABLE: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let patterns = [
        (r"\d{4}-\d\d-\d\d(T[\d:.]+Z)?", "DATE"),
        (r"\d\d:\d\d:\d\d", "TIME"),
        (r"(127\.0\.0\.1|localhost):\d{3,}", "HOST:PORT"),
        (r"\d{15,}", "ID"),
        (r"about \d+ posts?", "about N posts"),
        (r"first \d+ bytes", "first N bytes"),
        (r"\([\d.]+ %\)", "(N %)"),
        (r"[\d.]+/s", "N/s"),
        (r"[\d.]+ (B|KiB)\b", "SIZE"),
        (r"os error \d+", "os error N"),
        (r"\b(\d+h\d\dm|\d+m\d\ds|[\d.]+ ?(ms|s)|\d+ days?)\b", "DURATION"),
        // Columns are as wide as what differs, and the doctor leaves out a time of 0 ms.
        (r"(\S) {2,}(DURATION {2,})?", "$1  "),
    ];
    patterns.map(|(pattern, by)| (Regex::new(pattern).expect("a pattern"), by)).into()
});

fn redacted(text: &str) -> String {
    VARIABLE.iter().fold(text.to_owned(), |text, (pattern, by)| pattern.replace_all(&text, *by).into_owned())
}

/// Commands, what they showed, and their exit status.
struct Transcript {
    text: String,
    folder: Folder,
}

impl Transcript {
    fn new() -> Transcript {
        Transcript { text: String::new(), folder: Folder::new() }
    }

    fn add(&mut self, command: &Command, shown: &[u8], code: Option<i32>) {
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        // The same in all of them.
        let server = Regex::new(r" --base-url http\S+ --bearer secret-token").expect("a pattern");
        let line = server.replace(&words.join(" "), "").into_owned();
        let code = code.expect("no signal");
        let text = format!("$ xstream {line}\n{}[exit {code}]\n\n", String::from_utf8_lossy(shown));
        self.text += &text.replace('\r', "").replace(&self.folder.path(""), "FOLDER/");
    }

    /// What a run prints on stderr.
    fn stderr(&mut self, mut command: Command) {
        let output = run(&mut command);
        self.add(&command, &output.stderr, output.status.code());
    }

    /// What a run prints on stdout, where that is for people.
    fn stdout(&mut self, mut command: Command) {
        let output = run(&mut command);
        self.add(&command, &output.stdout, output.status.code());
    }

    /// What a terminal shows.
    fn screen(&mut self, command: Command) {
        self.dialog(command, None);
    }

    /// What a terminal shows, with the answer to a question.
    fn dialog(&mut self, command: Command, answer: Option<&str>) {
        let mut same = xstream(&[]);
        same.args(command.get_args());
        let (mut child, mut pty) = on_a_terminal(command);
        let mut shown = String::new();
        if let Some(answer) = answer {
            shown = shown_until(&mut pty, Some("[y/N]"));
            pty.write_all(answer.as_bytes()).expect("an answer");
        }
        shown += &shown_until(&mut pty, None);
        self.add(&same, shown.as_bytes(), wait(&mut child).code());
    }
}

/// A verb towards a server.
fn verb(server: &Server, arguments: &[&str]) -> Command {
    let mut command = xstream(arguments);
    command.args(["--base-url", &server.url(), "--bearer", "secret-token"]);
    command
}

/// A server whose API's first requests are answered by a script.
fn api(script: &str) -> Server {
    serve_with("stall", |options| options.api = Some(Script::parse(script).expect("a script")))
}

fn with_rules(values: &[&str]) -> impl FnOnce(&mut ServerOptions) {
    let rules = values.iter().map(|value| SimulatedRule::new(*value, None)).collect();
    move |options| options.rules.preset = rules
}

// Nothing about `powerstream` is looked up in X's list of connections, so that no answer arrives at a time of its own.
#[test]
fn a_run() {
    let mut transcript = Transcript::new();
    let server = serve(
        "posts 3; delete; limit 7; warning 60; text-line; disconnect 12; end | posts 2; end | unavailable | unauthorized",
    );
    // The deletion may arrive in one read with its post, or not.
    transcript.stderr(tail(&server, &["powerstream", "--summary", "--keep-deleted"]));
    transcript.stderr(tail(&serve("posts 2; cut"), &["powerstream", "--no-reconnect"]));
    transcript.stderr(tail(&serve("posts 2; stall"), &["powerstream", "-v", "--max", "2"]));
    transcript.stderr(tail(&serve("posts 5; stall"), &["powerstream", "--quota", "5/day"]));
    transcript.stderr(tail(&serve("posts 2; disconnect 7; close"), &["powerstream"]));
    assert_snapshot!(redacted(&transcript.text));
}

#[test]
fn a_stream_that_is_refused() {
    let mut transcript = Transcript::new();
    for script in ["credits", "no-rules", "usage-capped", "redirect https://elsewhere.example/", "rate-limit 30"] {
        transcript.stderr(tail(&serve(script), &["powerstream", "--no-reconnect"]));
    }
    transcript.stderr(xstream(&[
        "tail",
        "--base-url",
        "http://127.0.0.1:1",
        "--bearer",
        "secret-token",
        "--max-retries",
        "0",
    ]));
    let server = serve_with("posts", |options| (options.tls, options.certificate) = (true, Certificate::Expired));
    transcript.stderr(tail(&server, &["--no-reconnect"]));
    assert_snapshot!(redacted(&transcript.text));
}

#[cfg(feature = "jq")]
#[test]
fn a_journal_that_fails_and_captures_that_are_damaged() {
    let mut transcript = Transcript::new();
    let server = serve("posts 5; stall");
    for journal in ["/dev/full", "/nonexistent/journal"] {
        transcript.stderr(tail(&server, &["powerstream", "--max", "3", "--journal", journal]));
    }
    let capture = transcript.folder.file("capture", "{\"data\":{\"id\":\"1\",\"text\":\"x\"}}\n\0\n{\"cut\":");
    transcript.stderr(xstream(&["replay", &capture, "/nowhere/at/all"]));
    transcript.stderr(xstream(&["replay", "--jq", ".data.text.y", &capture]));
    assert_snapshot!(redacted(&transcript.text));
}

#[test]
fn mistakes_on_the_command_line() {
    let mut transcript = Transcript::new();
    for line in [
        "tail",
        "tale",
        "tail --bearer=",
        "tail filterd --bearer x",
        "tail firehose --bearer x",
        "tail filtered --partition 1 --bearer x",
        "tail sample --start 2h --bearer x",
        "tail activity --all-fields --bearer x",
        "tail --only post --skip data --bearer x",
        "tail --only heartbeat --bearer x",
        "tail --for soon --bearer x",
        "tail --base-url http://example.com --bearer x",
        "tail --base-url ftp://example.com --bearer x",
        "tail AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "tail --demo --quota 5",
        "simulate --script pots",
        "simulate --foreign filtered@home",
        "connections --bearer x kill all --yes",
        "connections --bearer x kill --all",
        "connections --bearer x --since tomorrow",
        "rules --bearer x add",
        "rules --bearer x delete cat",
        "rules --bearer x delete --all",
        "rules --bearer x --tag x count",
        "doctor --force",
        "usage --bearer x --days 91",
        "explain TooManyConections",
        "explain zzzz",
    ] {
        transcript.stderr(xstream(&line.split(' ').collect::<Vec<_>>()));
    }
    assert_snapshot!(transcript.text);
}

#[test]
fn connections() {
    let held = |options: &mut ServerOptions| {
        options.connections = Some(1);
        options.external = vec![ExternalConnection {
            id: Some("11111111-2222-3333-4444-555555555555".to_owned()),
            ..ExternalConnection::new("filtered_stream")
        }];
    };
    let mut transcript = Transcript::new();
    let server = serve_with("posts", held);
    // In real time, so that the answer about the holder arrives before the run ends.
    let mut command = tail(&server, &["--no-reconnect"]);
    command.env("XSTREAM_TEST_SPEED", "1");
    transcript.stderr(command);
    transcript.screen(verb(&server, &["connections", "list"]));
    transcript.stderr(verb(&server, &["connections", "kill", "--endpoint", "filtered", "--yes"]));
    transcript.stderr(verb(&server, &["connections", "list", "--status", "active"]));
    for script in ["unauthorized", "forbidden", "rate-limit 300", "status 200 hello"] {
        transcript.stderr(verb(&api(script), &["connections", "list", "--status", "active"]));
    }
    assert_snapshot!(redacted(&transcript.text));
}

#[test]
fn rules() {
    let mut transcript = Transcript::new();
    let server = serve_with("stall", |options| {
        with_rules(&["cat", "dog"])(options);
        options.rules.length = 30;
    });
    transcript.stderr(verb(&server, &["rules", "add", "cat", "(dog", "--tag", "pets"]));
    transcript.stderr(verb(
        &server,
        &["rules", "add", "--no-lint", "cat", "(dog", "bird", "a rule that is longer than thirty", "--tag", "pets"],
    ));
    transcript.screen(verb(&server, &["rules", "list"]));
    transcript.screen(verb(&server, &["rules", "count"]));
    transcript.screen(verb(&server, &["rules", "test", "cat", "fish"]));
    let file = transcript.folder.file("rules.txt", "cat\nfish\n");
    transcript.screen(verb(&server, &["rules", "sync", "--dry-run", &file]));
    transcript.stderr(verb(&server, &["rules", "sync", &file]));
    transcript.stderr(verb(&server, &["rules", "sync", "--yes", &file]));
    transcript.stderr(verb(&server, &["rules", "delete", "77", "--value", "fish", "--tag", "z"]));
    transcript.dialog(verb(&server, &["rules", "delete", "--all"]), Some("n\n"));
    transcript.dialog(verb(&server, &["rules", "delete", "--all"]), Some("y\n"));
    transcript.stderr(verb(&server, &["rules", "delete", "--all", "--yes"]));
    let problem = |name: &str| json!({ "title": "No", "detail": "A rule is bad.", "type": format!("https://api.x.com/2/problems/{name}") });
    for name in ["noncompliant-rules", "invalid-rules", "rule-cap"] {
        transcript.stderr(verb(&api(&format!("status 403 '{}'", problem(name))), &["rules", "add", "cat", "dog"]));
    }
    assert_snapshot!(redacted(&transcript.text));
}

#[test]
fn a_sync_that_is_interrupted() {
    let (_server, mut child, lines, _folder) = interrupted("25s");
    let mut shown = vec![lines.next()];
    kill(&child, Signal::INT);
    shown.push(lines.next());
    wait(&mut child);
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn doctor() {
    let mut transcript = Transcript::new();
    let server = serve_with("posts 3; heartbeat; wait 10m", with_rules(&["cat"]));
    let mut command = verb(&server, &["doctor", "--listen"]);
    // Long enough for what the server sends, on any machine.
    command.env("XSTREAM_TEST_SPEED", "5");
    transcript.stdout(command);
    transcript.stdout(verb(&serve("stall"), &["doctor"]));
    transcript.stdout(verb(&serve_with("stall", |options| options.token = Some("other".to_owned())), &["doctor"]));
    transcript.stdout(xstream(&["doctor", "--base-url", "http://127.0.0.1:1", "--bearer", "\"quoted\""]));
    assert_snapshot!(redacted(&transcript.text));
}

#[test]
fn usage() {
    let mut transcript = Transcript::new();
    let server =
        serve_with("stall", |options| options.usage.history = vec![HistoryDay { days_ago: 0, app: None, posts: 1200 }]);
    transcript.screen(verb(&server, &["usage", "--days", "1"]));
    transcript.stderr(verb(&api("forbidden"), &["usage"]));
    assert_snapshot!(redacted(&transcript.text));
}

#[test]
fn the_report_of_a_journal() {
    let mut transcript = Transcript::new();
    let journal = transcript.folder.path("journal");
    let server = serve("posts 3; limit 5; disconnect 12; end | unavailable | posts 2; disconnect 6; end");
    run(&mut tail(&server, &["powerstream", "--journal", &journal]));
    transcript.stdout(xstream(&["explain", "--journal", &journal]));
    assert_snapshot!(redacted(&transcript.text));
}

#[test]
fn the_status_row() {
    let server = serve(&format!("disconnect 12; close | posts 1; {QUIET}"));
    let mut screen = Screen::open(16, 200, &format!("{} > /dev/null", tail_line(&server, "--quota 1000/day")));
    screen.wait_until("a post on the second connection", |screen| {
        screen.shows_code("12") && screen.rate_limit().is_some_and(|limit| limit.0 == 48) && screen.ages()[1].is_some()
    });
    assert_snapshot!(redacted(&screen.row()));
}
