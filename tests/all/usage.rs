//! `xstream usage`: the real binary against the simulator.

use std::process::Command;

use crate::common::{Folder, assert_one_message, run, serve_with, stderr, values, xstream};
use serde_json::{Value, json};
use xstream::simulator::{HistoryDay, Script, Server};

fn usage(server: &Server, arguments: &[&str]) -> Command {
    let mut command = xstream(&["usage", "--base-url", &server.url(), "--bearer", "secret-token"]);
    command.args(arguments);
    command
}

fn history(server: &mut xstream::simulator::ServerOptions) {
    let day = |days_ago, posts, app: Option<&str>| HistoryDay { days_ago, posts, app: app.map(str::to_owned) };
    server.usage.history = vec![day(0, 5, None), day(1, 1200, None), day(2, 30, Some("31415926"))];
}

#[test]
fn objects_are_one_per_day_and_then_the_total() {
    let server = serve_with("end", history);
    let output = run(&mut usage(&server, &["--days", "3"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let printed = values(&output.stdout);
    assert_eq!(printed.len(), 4, "{printed:?}");
    let x: Vec<&Value> = printed[..3].iter().map(|day| &day["x"]).collect();
    assert_eq!(x, [&json!(30), &json!(1200), &json!(5)]);
    assert_eq!(printed[1]["apps"], json!({ "27182818": 1200 }), "two apps are distinguished");
    assert_eq!((&printed[1]["metered"], &printed[1]["exact"]), (&Value::Null, &Value::Null));
    assert!(printed[3]["cap"] == 3_000_000 && printed[3]["turns"].as_str().is_some_and(|date| date.ends_with("-01")));
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].parameter("days"), Some("3"));
    assert_eq!(stderr(&output), "", "a pipe gets no hint");
}

#[test]
fn what_tail_metered_is_shown_beside_it() {
    let folder = Folder::new();
    let state = &folder.path("state");
    let server = serve_with("posts 20; end", |_| {});
    let tailed =
        run(crate::common::tail(&server, &["--state", state, "--no-reconnect"]).env("XSTREAM_TEST_SPEED", "1"));
    assert_eq!(values(&tailed.stdout).len(), 20, "{}", stderr(&tailed));
    let output = run(&mut usage(&server, &["--days", "1", "--state", state]));
    let printed = values(&output.stdout);
    assert_eq!(
        (&printed[0]["x"], &printed[0]["metered"], &printed[0]["exact"]),
        (&json!(20), &json!(20), &json!(true))
    );
    assert_eq!((&printed[1]["used"], &printed[1]["metered"]), (&json!(20), &json!(20)));
}

#[test]
fn an_invalid_state_file_is_reported_before_any_request() {
    let folder = Folder::new();
    let state = &folder.path("notes");
    let mut server = serve_with("end", |_| {});
    server.expect_requests(1);
    let missing = run(&mut usage(&server, &["--state", state]));
    assert!(missing.status.success() && stderr(&missing).contains("notes"), "{}", stderr(&missing));
    std::fs::write(state, "my notes").expect("written");
    let output = run(&mut usage(&server, &["--state", state]));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("notes"), "{}", stderr(&output));
}

#[test]
fn refusals_are_one_line_with_the_exit_status_of_their_kind() {
    for (script, exit, fact) in [
        ("unauthorized", 3, "401"),
        ("forbidden", 3, "403"),
        ("rate-limit 60", 4, "429"),
        ("status 200 'hello'", 1, "hello"),
        ("status 200 '{}'", 1, "--base-url"),
    ] {
        let server = serve_with("end", |options| options.api = Some(Script::parse(script).expect(script)));
        let output = run(&mut usage(&server, &[]));
        assert_one_message(&output, exit, fact);
        assert!(!stderr(&output).contains("secret-token"));
    }
}

#[test]
fn mistakes_are_usage_errors() {
    for arguments in [&["--days", "0"][..], &["--days", "91"], &["--days", "1.5"], &["filtered"]] {
        let output = run(xstream(&["usage", "--bearer", "secret-token"]).args(arguments));
        assert_one_message(&output, 2, "");
    }
    assert_one_message(&run(&mut xstream(&["usage"])), 2, "--bearer");
}

#[test]
fn a_terminal_gets_a_table_with_bars_and_a_hint() {
    let server = serve_with("end", history);
    let command = usage(&server, &["--days", "2"]);
    let (code, shown) = crate::common::run_on_a_terminal(command);
    assert_eq!(code, Some(0), "{shown}");
    for part in ["1,200", "██", "3,000,000", "--state"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains('{'), "{shown}");
}
