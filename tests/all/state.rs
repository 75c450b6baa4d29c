//! The state file: one budget for all runs on it, one process at a time, and never a file that is not ours.

use std::process::Stdio;

use crate::common::{Folder, Journal, Lines, Signal, Start as _, dials, kill, run, serve, stderr, tail, wait};
use serde_json::Value;

#[test]
fn runs_on_one_state_file_share_one_budget() {
    let folder = Folder::new();
    let state = &folder.path("state");
    let server = serve("posts 1; end");
    for run_number in 1..=50 {
        let output = run(tail(&server, &["--state", state, "--no-reconnect"]).env("XSTREAM_TEST_SPEED", "1"));
        assert_eq!(output.status.code(), Some(5), "run {run_number}: {}", stderr(&output));
    }
    assert_eq!(dials(&server), 50);
    let journal = Journal::new();
    let mut command = tail(&server, &["--state", state, "--no-reconnect", "--journal", journal.path()]);
    let mut child = command.env("XSTREAM_TEST_SPEED", "1").stdout(Stdio::null()).stderr(Stdio::null()).start();
    assert_eq!(journal.until("waiting")["why"], "budget");
    kill(&child, Signal::INT);
    assert_eq!(wait(&mut child).code(), Some(130));
    assert_eq!(dials(&server), 50);
    // Another stream of the same app has a window of its own.
    let output = run(tail(&server, &["sample", "--state", state, "--no-reconnect"]).env("XSTREAM_TEST_SPEED", "1"));
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
}

#[test]
fn processes_at_the_same_time_lose_no_count() {
    let folder = Folder::new();
    let state = folder.path("state");
    let server = serve("posts 1; end");
    let children: Vec<_> = (0..12)
        .map(|_| {
            let mut command = tail(&server, &["--state", &state, "--no-reconnect", "-q"]);
            command.env("XSTREAM_TEST_SPEED", "1").stdout(Stdio::null()).stderr(Stdio::null()).start()
        })
        .collect();
    for mut child in children {
        assert_eq!(wait(&mut child).code(), Some(5));
    }
    let text = std::fs::read_to_string(&state).expect("the state");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let entries = value["budget"].as_object().expect("an object");
    let counted: usize = entries.values().map(|entry| entry["requests"].as_array().expect("a list").len()).sum();
    assert_eq!(counted, 12, "{text}");
}

#[test]
fn a_state_file_that_is_not_ours_is_an_error_and_stays_as_it_is() {
    let folder = Folder::new();
    for (name, text) in [
        ("diary", "Dear diary"),
        ("json", "{\"somebody\":\"else\"}"),
        ("later", "{\"format\":\"xstream-state\",\"version\":99,\"budget\":{}}"),
        ("cut", "{\"format\":\"xstream-state\",\"ver"),
        ("odd", "{\"format\":\"xstream-state\",\"version\":1,\"budget\":{\"KEY\":\"garbage\"}}"),
        ("strings", "{\"format\":\"xstream-state\",\"version\":1,\"budget\":{\"KEY\":{\"requests\":[\"a\"]}}}"),
        ("half", "{\"format\":\"xstream-state\",\"version\":1,\"budget\":{\"KEY\":{\"requests\":[],\"left\":1}}}"),
    ] {
        let server = serve("posts");
        let text = &text.replace("KEY", &format!("{}/2/tweets/search/stream", server.addr()));
        let path = folder.file(name, text);
        let output = run(&mut tail(&server, &["--state", &path]));
        assert_eq!(output.status.code(), Some(1), "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains(name), "{}", stderr(&output));
        assert_eq!(&std::fs::read_to_string(&path).expect("text"), text);
        assert!(server.requests().is_empty());
    }
    let output = run(&mut tail(&serve("posts"), &["--state", "/nowhere/at/all"]));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn a_lock_that_another_process_holds_is_waited_for_and_a_signal_is_handled_meanwhile() {
    let folder = Folder::new();
    let state = folder.path("state");
    let lock = std::fs::File::create(folder.path("state.lock")).expect("a lock");
    let server = serve("posts 1; end");
    let mut command = tail(&server, &["--state", &state, "--no-reconnect"]);
    command.env("XSTREAM_TEST_SPEED", "1").stdout(Stdio::null()).stderr(Stdio::piped());
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("locked");
    let mut child = command.start();
    Lines::of(child.stderr.take().expect("a pipe")).until("state.lock");
    kill(&child, Signal::TERM);
    assert_eq!(wait(&mut child).code(), Some(143));
    let mut child = command.start();
    let messages = Lines::of(child.stderr.take().expect("a pipe"));
    messages.until("state.lock");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::Unlock).expect("unlocked");
    assert_eq!(wait(&mut child).code(), Some(5));
    assert_eq!(dials(&server), 1);
}
