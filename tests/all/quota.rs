//! The meter and the quota: posts are counted once a day, over runs, and the stream stops before the cap.

use crate::common::{Folder, Start as _, dials, journal, run, serve, stderr, tail, values, xstream};
use serde_json::Value;

#[test]
fn a_quota_stops_the_stream_at_its_last_post_with_exit_3() {
    let server = serve("posts 20; heartbeat; wait 10m");
    let run = journal(&mut tail(&server, &["--quota", "5/day"])).exits(3);
    let end = run.end();
    assert_eq!((run.codes(), &end["outcome"], &end["printed"]), (vec!["quota"], &"quota".into(), &5.into()), "{run}");
    assert!(run.printed().len() == 5 && end["posts"].as_u64() > Some(5), "{run}");
    assert_eq!(dials(&server), 1, "it is not dialled again");
}

#[test]
fn posts_that_no_filter_lets_through_count_as_well() {
    let server = serve("posts 20; heartbeat; wait 10m");
    let output = run(&mut tail(&server, &["--quota", "7/month", "--only", "compliance"]));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0), "{}", stderr(&output));
}

#[test]
fn a_quota_is_shared_by_the_runs_on_one_state_file() {
    let folder = Folder::new();
    let state = &folder.path("state");
    let server = serve("posts 20; heartbeat; wait 10m");
    let first = run(tail(&server, &["--state", state, "--max", "3"]).env("XSTREAM_TEST_SPEED", "1"));
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let text = std::fs::read_to_string(state).expect("the state");
    let whole: Value = serde_json::from_str(&text).expect("JSON");
    let days = whole["meter"].as_object().and_then(|hosts| hosts.values().next()).expect("a host").clone();
    let counted = days.as_object().and_then(|days| days.values().next()).expect("a day")["posts"].clone();
    let counted = counted.as_u64().expect("a number");
    assert!((3..=20).contains(&counted), "{text}");

    let quota = format!("{}/day", counted + 2);
    let again = run(tail(&server, &["--state", state, "--quota", &quota]).env("XSTREAM_TEST_SPEED", "1"));
    assert_eq!(again.status.code(), Some(3), "{}", stderr(&again));
    let seen = values(&again.stdout);
    assert_eq!(seen.len(), 2, "the first run used up all but two");

    let hits = dials(&server);
    let spent = run(tail(&server, &["--state", state, "--quota", &quota]).env("XSTREAM_TEST_SPEED", "1"));
    assert_eq!((spent.status.code(), spent.stdout.len()), (Some(3), 0), "{}", stderr(&spent));
    assert_eq!(dials(&server), hits, "a spent quota dials nothing");
}

#[test]
fn processes_that_share_a_state_file_share_the_quota_while_they_run() {
    let folder = Folder::new();
    let state = &folder.path("state");
    let server = serve("posts 2 every 20ms; repeat 200; stall");
    let mut children: Vec<_> = (0..2)
        .map(|_| {
            let mut command = tail(&server, &["--state", state, "--quota", "100/day"]);
            command
                .env("XSTREAM_TEST_SPEED", "1")
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::null());
            command.start()
        })
        .collect();
    let printed: usize = children.drain(..).map(|child| values(&crate::common::finish(child).stdout).len()).sum();
    assert_eq!(printed, 100, "posts are reserved before they are printed");
}

#[test]
fn a_journal_that_failed_does_not_keep_the_counts_from_the_state_file() {
    let folder = Folder::new();
    let state = &folder.path("state");
    let server = serve("posts 20; heartbeat; wait 10m");
    let arguments = ["--state", state, "--quota", "5/day", "--journal", "/dev/full"];
    let output = run(&mut tail(&server, &arguments));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let text = std::fs::read_to_string(state).expect("the state");
    assert!(text.contains("\"posts\":"), "{text}");
}

#[test]
fn a_post_that_comes_twice_counts_once() {
    let server = serve(
        r#"line '{"data":{"id":"7","text":"a"}}'; line '{"data":{"id":"7","text":"a"}}'; posts 20; heartbeat; wait 10m"#,
    );
    let output = run(&mut tail(&server, &["--quota", "3/day"]));
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(values(&output.stdout).len(), 4, "{}", stderr(&output));
}

#[test]
fn with_quota_wait_the_stream_resumes_when_the_day_turns() {
    let server = serve("posts 20; heartbeat; wait 10m");
    // A day passes in four seconds.
    let mut command = tail(&server, &["--quota", "5/day", "--quota-wait", "--max", "8", "--stall-timeout", "1000h"]);
    let run = journal(command.env("XSTREAM_TEST_SPEED", "20000")).exits(0);
    assert_eq!(run.printed().len(), 8, "{run}");
    assert_eq!(run.all("waiting")[0]["why"], "quota", "{run}");
    assert_eq!(run.all("gap")[0]["cause"], "quota", "the pause is a gap: {run}");
}

#[test]
fn a_quota_that_is_none_is_a_usage_error() {
    for quota in ["5", "0/day", "5/week", "many/day"] {
        let output = run(&mut xstream(&["tail", "--demo", "--quota", quota]));
        assert_eq!(output.status.code(), Some(2), "{quota}");
    }
    let output = run(&mut xstream(&["tail", "--demo", "--quota-wait"]));
    assert_eq!(output.status.code(), Some(2));
}
