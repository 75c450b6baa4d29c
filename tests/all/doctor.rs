//! `xstream doctor`: the real binary against the simulator, one fault a test.

use std::net::TcpListener;
use std::process::{Command, Output};

use crate::common::proxy::Proxy;
use crate::common::{
    Folder, Signal, Start as _, assert_one_message, numbers, run, serve_with, stderr, values, xstream,
};
use serde_json::Value;
use xstream::simulator::{
    Certificate, Ending, ExternalConnection, HistoryDay, Script, Server, ServerOptions, SimulatedRule,
};

const ORDER: [&str; 11] =
    ["token-shape", "proxy", "dns", "tcp", "tls", "clock", "token", "rate-limit", "rules", "usage", "connections"];

/// A server with a rule, so that nothing is wrong with it.
fn healthy(set_up: impl FnOnce(&mut ServerOptions)) -> Server {
    serve_with("posts 3; heartbeat; wait 10m", |options| {
        options.rules.preset = vec![SimulatedRule::new("cat", None), SimulatedRule::new("dog has:images", None)];
        set_up(options);
    })
}

fn doctor(server: &Server, arguments: &[&str]) -> Command {
    let mut command = xstream(&["doctor", "--json", "--base-url", &server.url(), "--bearer", "secret-token"]);
    command.args(arguments);
    command
}

/// Runs it; the checks, and the exit status. The token is shown nowhere.
fn examine(command: &mut Command) -> (Vec<Value>, Option<i32>) {
    let output = run(command);
    let finding = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
    assert!(!finding.contains("secret-token"), "{finding}");
    assert!(!output.stdout.is_empty(), "{finding}");
    (values(&output.stdout), output.status.code())
}

fn check<'a>(checks: &'a [Value], name: &str) -> &'a Value {
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name} in {checks:?}"))
}

/// State, text and cure in one line.
fn finding(checks: &[Value], name: &str) -> String {
    let check = check(checks, name);
    let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
    format!("{}: {} -> {}", text("state"), text("text"), text("cure"))
}

/// The numbers in a finding.
fn figures(checks: &[Value], name: &str) -> Vec<u64> {
    numbers(check(checks, name)["text"].as_str().expect("a text"))
}

fn states(checks: &[Value]) -> Vec<String> {
    let state = |check: &Value| check["state"].as_str().expect("a state").to_owned();
    checks.iter().map(state).collect()
}

fn paths(server: &Server) -> Vec<String> {
    server.requests().iter().map(|request| request.path.clone()).collect()
}

const STREAM: &str = "/2/tweets/search/stream";

#[test]
fn all_is_well_over_tls_with_three_requests_and_no_stream() {
    let server = healthy(|options| options.tls = true);
    let folder = Folder::new();
    let ca = &folder.ca(&server);
    let (checks, code) = examine(&mut doctor(&server, &["--cacert", ca]));
    assert_eq!(code, Some(0), "{checks:?}");
    let names: Vec<&str> = checks.iter().filter_map(|check| check["name"].as_str()).collect();
    assert_eq!(names, ORDER);
    assert_eq!(states(&checks), ["ok"; 11], "{checks:?}");
    assert!(finding(&checks, "dns").contains("127.0.0.1") && finding(&checks, "tls").contains("TLS 1.3"));
    assert_eq!(figures(&checks, "rules")[0], 2);
    assert_eq!(figures(&checks, "rate-limit")[..2], [449, 450]);
    assert!(checks.iter().all(|check| check["ms"].is_u64() && check["cure"].is_null()));
    assert_eq!(paths(&server), [&format!("{STREAM}/rules/counts"), "/2/usage/tweets", "/2/connections"]);
}

#[test]
fn a_stream_without_rules_needs_two_requests() {
    let server = serve_with("end", |_| {});
    let (checks, code) = examine(&mut doctor(&server, &["sample"]));
    assert_eq!(code, Some(0), "{checks:?}");
    assert_eq!(states(&checks)[2..5], ["skipped", "ok", "skipped"], "no DNS for an address, no TLS for http");
    assert_eq!(check(&checks, "rules")["state"], "skipped");
    assert_eq!(paths(&server), ["/2/usage/tweets", "/2/connections"]);
}

#[test]
fn a_token_that_x_does_not_accept_ends_the_requests() {
    let server = healthy(|options| options.token = Some("another-token".to_owned()));
    let (checks, code) = examine(&mut doctor(&server, &["--listen"]));
    assert_eq!(code, Some(3));
    assert_eq!(check(&checks, "clock")["state"], "ok", "the refusal tells the time as well");
    let line = finding(&checks, "token");
    assert!(line.starts_with("fail: ") && line.contains("401"), "{line}");
    for name in ["rules", "usage", "connections", "listen"] {
        let line = finding(&checks, name);
        assert!(line.starts_with("skipped: ") && line.contains("token"), "the cause is named: {line}");
    }
    assert_eq!(paths(&server).len(), 1);
}

#[test]
fn another_secret_in_place_of_the_token_is_named_by_its_form_and_not_shown() {
    let server = healthy(|options| options.token = Some("another-token".to_owned()));
    let user = "1234567890-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCd";
    let mut command = xstream(&["doctor", "--json", "--base-url", &server.url()]);
    let (checks, code) = examine(command.env("BEARER_TOKEN", user));
    assert_eq!(code, Some(3));
    assert!(finding(&checks, "token-shape").starts_with("warn: "), "{checks:?}");
    assert!(finding(&checks, "token").contains("OAuth 1.0a"), "{checks:?}");
    assert!(!format!("{checks:?}").contains("AbCdEf"));
}

#[test]
fn a_token_of_the_wrong_form_is_not_sent_and_the_network_is_still_checked() {
    for (token, hint) in
        [("Bearer AAAAsecret-token", "`Bearer `"), ("'AAAAsecret-token'", ""), ("AAAA secret-token", " 5"), ("", "")]
    {
        let server = healthy(|_| {});
        let mut command = xstream(&["doctor", "--json", "--base-url", &server.url(), "--bearer", token]);
        let (checks, code) = examine(&mut command);
        assert_eq!(code, Some(3));
        let line = finding(&checks, "token-shape");
        assert!(line.starts_with("fail: ") && line.contains(hint) && !line.contains("/dev/fd"), "{line}");
        assert_eq!(check(&checks, "tcp")["state"], "ok");
        assert_eq!(check(&checks, "token")["state"], "skipped");
        assert!(paths(&server).is_empty());
    }
    let missing = ["doctor", "--json", "--base-url", "http://127.0.0.1:1", "--bearer-file", "/nonexistent/token"];
    let (checks, _) = examine(&mut xstream(&missing));
    assert!(finding(&checks, "token-shape").contains("/nonexistent/token"), "{checks:?}");
    let (checks, code) = examine(&mut xstream(&missing[..4]));
    assert_eq!(code, Some(3), "the first failure decides");
    assert!(finding(&checks, "token-shape").starts_with("fail: "), "{checks:?}");
}

#[test]
fn an_app_without_access_gets_the_name_of_the_level_that_has_it() {
    let server = healthy(|options| options.api = Some(Script::parse("forbidden").expect("a script")));
    let (checks, code) = examine(&mut doctor(&server, &[]));
    assert_eq!(code, Some(3));
    let line = finding(&checks, "token");
    assert!(line.starts_with("fail: ") && line.contains("pay-per-use"), "{line}");
    assert_eq!(paths(&server).len(), 1);
}

#[test]
fn a_spent_rate_limit_hides_only_what_it_is_of() {
    let server = healthy(|options| options.api = Some(Script::parse("rate-limit 300").expect("a script")));
    let (checks, code) = examine(&mut doctor(&server, &[]));
    assert_eq!(code, Some(4));
    assert_eq!(check(&checks, "token")["state"], "ok");
    let line = finding(&checks, "rate-limit");
    assert!(line.starts_with("fail: "), "{line}");
    assert_eq!(states(&checks)[8..], ["skipped", "ok", "ok"], "{checks:?}");
}

#[test]
fn no_rules_are_a_failure_with_the_next_command() {
    let server = serve_with("end", |_| {});
    let (checks, code) = examine(&mut doctor(&server, &[]));
    assert_eq!(code, Some(3));
    assert!(finding(&checks, "rules").contains("xstream rules add"), "{checks:?}");
    assert_eq!(check(&checks, "connections")["state"], "ok", "the rest is still worth knowing");
}

#[test]
fn a_cap_that_is_reached_is_a_failure_and_one_that_is_near_a_warning() {
    for (posts, state, exit) in [(1000, "fail", 3), (950, "warn", 1), (900, "ok", 0)] {
        let server = healthy(|options| {
            options.usage.cap = 1000;
            options.usage.history = vec![HistoryDay { days_ago: 0, app: None, posts }];
        });
        let (checks, code) = examine(&mut doctor(&server, &[]));
        assert_eq!((code, check(&checks, "usage")["state"].as_str()), (Some(exit), Some(state)), "{checks:?}");
        assert!(figures(&checks, "usage").contains(&1000), "{checks:?}");
    }
}

#[test]
fn a_connection_of_another_client_is_reported_and_not_disturbed() {
    let held = |options: &mut ServerOptions| {
        let id = Some("0b8a0a7e-3c0e-4a2f-9d5e-1f2a3b4c5d6e".to_owned());
        options.external = vec![
            ExternalConnection { id, ..ExternalConnection::new("filtered_stream") },
            ExternalConnection::new("sample_stream"),
        ];
    };
    let server = healthy(held);
    let (checks, code) = examine(&mut doctor(&server, &["--listen"]));
    assert_eq!(code, Some(1), "a warning is not all well: {checks:?}");
    let line = finding(&checks, "connections");
    assert!(line.starts_with("warn: ") && line.contains("192.0.2.7"), "{line}");
    assert!(line.contains("kill 0b8a0a7e-3c0e-4a2f-9d5e-1f2a3b4c5d6e"), "{line}");
    assert!(finding(&checks, "listen").starts_with("warn: "), "{checks:?}");
    assert!(!paths(&server).contains(&STREAM.to_owned()));

    let server = healthy(held);
    let (checks, code) = examine(&mut doctor(&server, &["--listen", "--force"]));
    assert_eq!((code, check(&checks, "listen")["state"].as_str()), (Some(1), Some("ok")), "{checks:?}");
}

#[test]
fn without_a_list_of_connections_only_force_listens() {
    let fails =
        |options: &mut ServerOptions| options.api = Some(Script::parse("end | end | forbidden").expect("a script"));
    let server = healthy(fails);
    let (checks, code) = examine(&mut doctor(&server, &["--listen"]));
    assert_eq!(code, Some(3));
    assert!(finding(&checks, "connections").contains("403"), "{checks:?}");
    assert!(finding(&checks, "listen").starts_with("skipped: "), "{checks:?}");
    let server = healthy(fails);
    let (checks, code) = examine(&mut doctor(&server, &["--listen", "--force"]));
    assert_eq!((code, check(&checks, "listen")["state"].as_str()), (Some(3), Some("ok")), "{checks:?}");
}

#[test]
fn listening_reports_what_arrived_counts_in_the_state_file_and_closes_cleanly() {
    let folder = Folder::new();
    let state = &folder.path("state");
    let server = healthy(|_| {});
    // Slow enough for what the server sends to arrive on any machine.
    let mut listening = doctor(&server, &["--listen", "--state", state]);
    let (checks, code) = examine(listening.env("XSTREAM_TEST_SPEED", "5"));
    assert_eq!(code, Some(0), "{checks:?}");
    assert_eq!(figures(&checks, "budget")[..2], [0, 50], "{checks:?}");
    let figures_of_stream = figures(&checks, "listen");
    assert!([200, 1, 49, 50].iter().all(|figure| figures_of_stream.contains(figure)), "{checks:?}");
    let endings = server.wait_for_endings(5, crate::common::BOUND);
    assert_eq!(endings.last().and_then(|last| last.ending.clone()), Some(Ending::ClientClosed { clean: true }));
    let (checks, _) = examine(&mut doctor(&server, &["--state", state]));
    assert_eq!(figures(&checks, "budget")[..2], [1, 50], "{checks:?}");
    assert!(checks.iter().all(|check| check["name"] != "listen"), "only when asked for");
    assert_eq!(paths(&server).iter().filter(|path| *path == STREAM).count(), 1);
}

#[test]
fn a_stream_that_ends_or_is_refused_is_reported_with_its_reason() {
    for (script, exit, hint) in [
        ("posts 1; disconnect 12; close", 4, "12 "),
        ("too-many-connections", 4, "TooManyConnections"),
        ("forbidden", 3, "403"),
    ] {
        let server = serve_with(script, |options| options.rules.preset = vec![SimulatedRule::new("cat", None)]);
        let (checks, code) = examine(&mut doctor(&server, &["--listen"]));
        let line = finding(&checks, "listen");
        assert!(code == Some(exit) && line.starts_with("fail: ") && line.contains(hint), "{code:?} {line}");
    }
}

#[test]
fn a_port_without_a_listener_fails_at_tcp() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let mut command = xstream(&["doctor", "--json", "--bearer", "secret-token"]);
    let (checks, code) = examine(command.args(["--base-url", &format!("http://{port}")]));
    assert_eq!(code, Some(4));
    assert_eq!(check(&checks, "tcp")["state"], "fail");
    assert_eq!(states(&checks)[4..], ["skipped"; 7]);
}

#[test]
fn an_unknown_host_fails_at_dns() {
    let mut command = xstream(&["doctor", "--json", "--bearer", "secret-token"]);
    let (checks, code) = examine(command.args(["--base-url", "https://nosuch.invalid"]));
    assert_eq!(code, Some(4));
    let line = finding(&checks, "dns");
    assert!(line.starts_with("fail: ") && line.contains("nosuch.invalid"), "{line}");
    assert_eq!(states(&checks)[3..], ["skipped"; 8]);
}

#[test]
fn a_certificate_of_an_unknown_authority_fails_at_tls_and_nothing_is_sent() {
    for kind in [Certificate::Valid, Certificate::UnknownCa] {
        let server = healthy(|options| (options.tls, options.certificate) = (true, kind));
        let folder = Folder::new();
        let mut command = doctor(&server, &[]);
        if kind == Certificate::UnknownCa {
            command.args(["--cacert", &folder.ca(&server)]);
        }
        let (checks, code) = examine(&mut command);
        assert_eq!(code, Some(3));
        let line = finding(&checks, "tls");
        assert!(line.starts_with("fail: ") && line.contains("--cacert"), "{line}");
        assert_eq!(states(&checks)[5..], ["skipped"; 6]);
        assert!(paths(&server).is_empty());
    }
}

#[test]
fn a_clock_that_is_wrong_is_a_warning() {
    let script = "header date: Thu, 01 Jan 2026 00:00:00 GMT; status 200 '{\"data\":{\"client_app_rules_count\":3}}'";
    let server = healthy(|options| options.api = Some(Script::parse(script).expect("a script")));
    let (checks, code) = examine(&mut doctor(&server, &[]));
    assert_eq!(code, Some(1), "{checks:?}");
    let line = finding(&checks, "clock");
    assert!(line.starts_with("warn: "), "{line}");
}

#[test]
fn what_is_not_the_tokens_fault_is_not_blamed_on_it() {
    for (script, exit, hint) in [
        ("status 500 | status 500 | status 500 | status 500", 4, "500"),
        ("status 200 '<html>Log in'", 1, "Log in"),
        ("status 200 '{}'", 1, ""),
        ("status 302", 3, "302"),
    ] {
        let server = healthy(|options| options.api = Some(Script::parse(script).expect(script)));
        let (checks, code) = examine(doctor(&server, &[]).env("XSTREAM_TEST_SPEED", "1000"));
        assert_eq!(code, Some(exit), "{checks:?}");
        let line = finding(&checks, "answer");
        assert!(line.starts_with("fail: ") && line.contains(hint), "{line}");
        assert_eq!(check(&checks, "rules")["state"], "skipped");
        assert!(checks.iter().all(|check| check["name"] != "token"), "{checks:?}");
    }
}

#[test]
fn a_stream_that_is_shut_off_is_a_failure() {
    let server = healthy(|_| {});
    let (checks, code) = examine(&mut doctor(&server, &["v1-filter"]));
    assert_eq!(code, Some(3));
    assert!(finding(&checks, "stream").starts_with("fail: "), "{checks:?}");
    assert!(paths(&server).is_empty());
}

#[test]
fn advice_names_the_same_server_and_shows_no_token() {
    let server = healthy(|options| options.external = vec![ExternalConnection::new("filtered_stream")]);
    let (checks, _) = examine(&mut doctor(&server, &[]));
    let line = finding(&checks, "connections");
    assert!(line.ends_with(&format!(" --base-url {}", server.url())), "{line}");
}

#[test]
fn through_a_proxy_its_tunnel_takes_the_place_of_dns_and_tcp() {
    let server = healthy(|options| options.tls = true);
    let folder = Folder::new();
    let ca = &folder.ca(&server);
    let proxy = Proxy::start(&server);
    let (checks, code) = examine(doctor(&server, &["--cacert", ca]).env("HTTPS_PROXY", proxy.url("http")));
    assert_eq!(code, Some(0), "{checks:?}");
    assert!(finding(&checks, "proxy").contains("localhost"), "{checks:?}");
    assert_eq!(states(&checks)[1..5], ["ok", "skipped", "skipped", "ok"]);

    let (checks, code) = examine(&mut doctor(&server, &["--cacert", ca, "--proxy", "http://u:hunter2@127.0.0.1:1"]));
    assert_eq!(code, Some(4));
    let line = finding(&checks, "proxy");
    assert!(line.starts_with("fail: ") && line.contains("HTTPS_PROXY"), "{line}");
    assert!(!format!("{checks:?}").contains("hunter2"));

    let mut excepted = doctor(&server, &["--cacert", ca]);
    let (checks, _) = examine(excepted.env("HTTPS_PROXY", "http://127.0.0.1:1").env("NO_PROXY", "localhost"));
    assert!(finding(&checks, "proxy").contains("NO_PROXY"), "{checks:?}");
}

#[test]
fn mistakes_are_usage_errors_before_anything_is_dialled() {
    for (arguments, hint) in [
        (&["filterd"][..], "filtered"),
        (&["smaple", "--json"], "sample"),
        (&["--force"], "--listen"),
        (&["v1-filter", "--listen"], "--listen: "),
        (&["--base-url", "ftp://x"], "--base-url"),
        (&["--base-url", "http://192.0.2.1"], "--insecure-http"),
    ] {
        let output = run(xstream(&["doctor", "--bearer", "secret-token"]).args(arguments));
        assert_one_message(&output, 2, hint);
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn marks_and_advice_are_printed_and_colour_is_only_for_terminals() {
    let server = serve_with("end", |_| {});
    let plain = |arguments: &[&str]| {
        let mut command = xstream(&["doctor", "--base-url", &server.url(), "--bearer", "secret-token"]);
        command.args(arguments);
        command
    };
    let output = run(&mut plain(&[]));
    let shown = text(&output);
    let marked = |mark: char| shown.lines().filter(|line| line.starts_with(mark)).count();
    assert!(marked('✓') > 5 && marked('✗') == 1 && shown.contains("xstream rules add"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert!(text(&run(&mut plain(&["--color", "always"]))).contains("\u{1b}[31m✗\u{1b}[0m"));
    let quiet = text(&run(&mut plain(&["--quiet"])));
    assert!(quiet.starts_with('✗') && quiet.lines().count() == 2, "{quiet}");
    let (code, shown) = crate::common::run_on_a_terminal(plain(&["sample"]));
    assert!(code == Some(0) && shown.contains('✓') && !shown.contains('✗'), "{shown}");
}

#[test]
fn an_interrupt_while_listening_still_closes_cleanly() {
    let server = healthy(|_| {});
    let mut command = doctor(&server, &["--listen"]);
    command.env("XSTREAM_TEST_SPEED", "1").stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.start();
    // Way, three questions, stream: the stream is open when the fourth request is there.
    assert_eq!(server.wait_for_requests(4, crate::common::BOUND).last().map(|last| last.path.as_str()), Some(STREAM));
    crate::common::kill(&child, Signal::INT);
    let output = crate::common::finish(child);
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let endings = server.wait_for_endings(5, crate::common::BOUND);
    assert_eq!(endings.last().and_then(|last| last.ending.clone()), Some(Ending::ClientClosed { clean: true }));
}
