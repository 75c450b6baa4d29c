//! What a user or a script sees of a running stream: the journal, the status records, the summary.

use std::io::Write as _;
use std::process::Stdio;

use crate::common::journal::{Journal, journal as run_with_journal, records};
use crate::common::{Lines, Signal, Start as _, command, kill, run, serve, stderr, tail, wait};
use serde_json::Value;

/// How many messages are about the journal.
fn about_the_journal(messages: &str) -> usize {
    messages.lines().filter(|line| line.contains("journal")).count()
}

fn events(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["event"].as_str().expect("an event")).collect()
}

#[test]
fn verbosity_reports_decisions_and_then_heads_without_the_token() {
    let server = serve("posts 1; disconnect 12; end | posts");
    let messages = |flag: &str| {
        let output = run(&mut tail(&server, &[flag, "--max", "2"]));
        assert_eq!(crate::common::values(&output.stdout).len(), 2, "stdout is pure");
        stderr(&output)
    };
    let decisions = messages("-v");
    for text in ["12: ", "127.0.0.1"] {
        assert!(decisions.contains(text), "no {text:?} in {decisions}");
    }
    assert!(!decisions.contains("HTTP/1.1"), "{decisions}");
    let heads = messages("-vv");
    for text in ["> GET /2/tweets/search/stream HTTP/1.1", "> authorization: [redacted]", "< HTTP/1.1 200 OK"] {
        assert!(heads.contains(text), "no {text:?} in {heads}");
    }
    assert!(!(heads + &decisions).contains("secret-token"));
    let output = run(&mut tail(&server, &["-q", "-v"]));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_journal_holds_every_event_by_its_schema_and_explain_reads_it_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let journal = path.to_str().expect("text");
    let server = serve(
        "posts 3; limit 5; warning 60; info-failed; lost-post; text-line; wait 500ms; disconnect 12; end \
         | unavailable | too-many-connections | posts 2; wait 1s; cut | posts 1; heartbeat; disconnect 6; end",
    );
    let output = run(&mut tail(&server, &["--journal", journal, "--stall-timeout", "10m"]));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let records = records(&path);
    let events = events(&records);
    assert_eq!(events[..3], ["start", "dialling", "opened"], "{events:?}");
    assert_eq!(events.last(), Some(&"end"));
    let place = |event: &str| events.iter().position(|one| *one == event);
    assert!(place("first_byte") < place("limit"), "{events:?}");
    for event in [
        "first_byte",
        "limit",
        "warning",
        "info",
        "error",
        "malformed",
        "notice",
        "ended",
        "waiting",
        "gap",
        "status",
        "established",
        "discarded",
        "late",
    ] {
        assert!(events.contains(&event), "no {event} in {events:?}");
    }
    let ended: Vec<&Value> = records.iter().filter(|record| record["event"] == "ended").collect();
    let codes: Vec<&str> = ended.iter().map(|record| record["code"].as_str().expect("a code")).collect();
    assert_eq!(codes, ["12", "503", "TooManyConnections", "truncated", "6"]);
    assert_eq!((&ended[0]["posts"], &ended[0]["opened"]), (&Value::from(3), &Value::from(true)));
    assert_eq!(ended[0]["side"], "X's side");
    let end = records.last().expect("a record");
    assert_eq!((&end["outcome"], &end["exit"], &end["posts"]), (&"refused".into(), &3.into(), &6.into()));
    assert!(!std::fs::read_to_string(&path).expect("text").contains("secret-token"));
    let report = run(&mut crate::common::xstream(&["explain", "--journal", journal]));
    let report = String::from_utf8(report.stdout).expect("text");
    for code in codes {
        assert!(report.contains(code), "no {code:?} in {report}");
    }
    // A second run appends; a line that a crash cut does not swallow its first record.
    std::fs::OpenOptions::new().append(true).open(&path).expect("a file").write_all(b"{\"cut").expect("written");
    let server = serve("end | unauthorized");
    run(&mut tail(&server, &["--journal", journal]));
    let text = std::fs::read_to_string(&path).expect("text");
    assert!(text.contains("{\"cut\n{"), "{text}");
}

#[test]
fn a_journal_that_cannot_be_written_costs_the_status_and_not_the_stream() {
    let server = serve("posts 5; stall");
    let output = run(&mut tail(&server, &["--journal", "/dev/full", "--max", "5"]));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(crate::common::values(&output.stdout).len(), 5);
    assert_eq!(about_the_journal(&stderr(&output)), 1, "{}", stderr(&output));
}

#[test]
fn a_journal_that_cannot_be_opened_or_has_no_reader_is_reported_once_and_the_stream_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let fifo = folder.path().join("fifo");
    assert!(command("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    for journal in [std::path::Path::new("/nonexistent/journal"), folder.path(), &fifo] {
        let server = serve("posts 5; stall");
        let output = run(&mut tail(&server, &["--max", "3", "--journal", journal.to_str().expect("text")]));
        let messages = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{}: {messages}", journal.display());
        assert_eq!(crate::common::values(&output.stdout).len(), 3, "{messages}");
        assert_eq!(about_the_journal(&messages), 1, "{messages}");
    }
}

#[test]
fn a_journal_pipe_whose_reader_stopped_does_not_stop_the_stream() {
    let folder = tempfile::tempdir().expect("a folder");
    let fifo = folder.path().join("fifo");
    assert!(command("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    // This end stays open and is never read.
    let _held = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).expect("a pipe");
    let server = serve("text-line; repeat 3000; posts 5; stall");
    let output = run(&mut tail(&server, &["--max", "3", "--journal", fifo.to_str().expect("text")]));
    let messages = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{messages}");
    assert_eq!(about_the_journal(&messages), 1, "{messages}");
}

#[test]
fn a_journal_on_stdout_is_a_usage_error() {
    let server = serve("posts 5; stall");
    let output = run(&mut tail(&server, &["--max", "3", "--journal", "/dev/stdout"]));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{}", stderr(&output));
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(tail(&server, &["--journal", "x", "--state", "./x"]).current_dir(folder.path()));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let output = run(&mut tail(&server, &["--max", "3", "--journal", "/dev/null"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn status_records_are_printed_on_stderr_when_requested() {
    for (mode, check) in [("json", "\"event\":\"status\""), ("line", "49/50")] {
        let server = serve("posts every 20ms");
        let mut command = tail(&server, &["--status", mode]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).start();
        let messages = Lines::of(child.stderr.take().expect("a pipe"));
        let line = messages.until(check);
        if mode == "json" {
            let record: Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!(record["state"], "streaming");
            assert!(record["posts"].as_u64() > Some(0) && record["rate"].as_f64() > Some(0.0), "{record}");
        }
        kill(&child, Signal::INT);
        wait(&mut child);
    }
}

#[test]
fn sigusr1_reports_at_any_time_also_without_a_terminal() {
    let server = serve("posts 3; stall");
    let journal = Journal::new();
    let mut command = tail(&server, &["--stall-timeout", "10h", "-q", "--journal", journal.path()]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).start();
    journal.until("first_byte");
    kill(&child, Signal::USR1);
    let line = Lines::of(child.stderr.take().expect("a pipe")).next();
    assert!(line.contains("49/50"), "{line}");
    kill(&child, Signal::TERM);
    assert_eq!(wait(&mut child).code(), Some(143));
}

#[test]
fn the_summary_is_one_line_and_five_when_requested() {
    let lines = |arguments: &[&str]| {
        let server = serve("posts 3; limit 7; delete; stall");
        let run = run_with_journal(tail(&server, &["--max", "4", "--keep-deleted"]).args(arguments)).exits(0);
        let end = run.end();
        assert_eq!((&end["printed"], &end["posts"]), (&4.into(), &3.into()), "{run}");
        stderr(&run.output).lines().count()
    };
    assert_eq!(lines(&["--summary"]), lines(&[]) + 4);
}
