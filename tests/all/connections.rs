//! `xstream connections`: the real binary against a server that answers as X's documents say.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};

use crate::common::{
    Start as _, TOKEN_MARK, assert_one_message, finish, on_a_terminal, run, shown_until, stderr, values, wait, xstream,
};
use serde_json::{Value, json};

const UUID: &str = "0b8a0a7e-3c0e-4a2f-9d5e-1f2a3b4c5d6e";

/// A server that answers each connection with the next status and body, and passes on the requests.
struct Server {
    url: String,
    asked: Receiver<String>,
}

fn serve(answers: Vec<(u16, Value)>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (send, asked) = channel();
    std::thread::spawn(move || {
        for (status, body) in answers {
            let (mut socket, _) = listener.accept().expect("a client");
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !is_whole(&request) {
                let count = socket.read(&mut buffer).expect("a request");
                assert!(count > 0, "a whole request");
                request.extend_from_slice(&buffer[..count]);
            }
            let _ = send.send(String::from_utf8(request).expect("text"));
            let body = body.to_string();
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            socket.write_all((head + &body).as_bytes()).expect("a client");
        }
    });
    Server { url, asked }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

impl Server {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = xstream(&["connections"]);
        command.args(arguments).args(["--base-url", &self.url]).env("BEARER_TOKEN", "secret-token");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = run(&mut self.command(arguments));
        assert!(!stderr(&output).contains("secret-token"));
        output
    }

    /// The requests: method, path, and body.
    fn asked(&self) -> Vec<String> {
        self.asked
            .try_iter()
            .map(|request| {
                assert!(request.to_lowercase().contains("authorization: bearer secret-token\r\n"), "{request}");
                let (head, body) = request.split_once("\r\n\r\n").expect("a request");
                let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1");
                format!("{line} {body}").trim_end().to_owned()
            })
            .collect()
    }
}

fn open(id: &str, at: &str) -> Value {
    json!({ "id": id, "endpoint_name": "filtered_stream", "client_ip": "192.0.2.1", "connected_at": at })
}

fn ended(id: &str, at: &str) -> Value {
    json!({ "id": id, "endpoint_name": "sample_stream", "client_ip": "192.0.2.1", "connected_at": at,
        "disconnected_at": at, "disconnect_reason": "operator_disconnect" })
}

fn ids(output: &Output) -> Vec<String> {
    values(&output.stdout).iter().map(|value| value["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn the_open_ones_come_first_then_the_last_ten_that_ended_from_all_pages() {
    let at = |minute: usize| format!("2026-11-22T10:{minute:02}:00Z");
    let first: Vec<Value> = (0..8).map(|n| ended(&format!("e{n}"), &at(n))).collect();
    let second: Vec<Value> = (8..12).map(|n| ended(&format!("e{n}"), &at(n))).collect();
    let server = serve(vec![
        (200, json!({ "data": [open("a", &at(1))], "meta": { "next_token": "n" } })),
        (200, json!({ "data": [open("b", &at(2))], "meta": {} })),
        (200, json!({ "data": first, "meta": { "next_token": "n" } })),
        (200, json!({ "data": second })),
    ]);
    let output = server.run(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(ids(&output), ["b", "a", "e11", "e10", "e9", "e8", "e7", "e6", "e5", "e4", "e3", "e2"]);
    assert_eq!(values(&output.stdout)[1], open("a", &at(1)), "X's own object");
    let asked = server.asked();
    let fields = "connection.fields=client_ip,connected_at,disconnect_reason,disconnected_at,endpoint_name,id";
    assert!(asked.iter().all(|line| line.starts_with("GET /2/connections?status=") && line.contains(fields)));
    assert!(asked[1].ends_with("&pagination_token=n") && asked[2].contains("status=inactive"), "{asked:?}");
}

#[test]
fn a_choice_of_status_stream_time_and_number_is_kept() {
    let page = json!({ "data": [ended("1", "2026-11-22T10:00:00Z"), ended("2", "2026-11-22T11:00:00Z"),
        ended("3", "2026-11-22T12:00:00Z")] });
    let server = serve(vec![(200, page)]);
    let since = ["--since", "2026-11-22T10:30Z", "--max", "1"];
    let output =
        server.run(&[&["list", "--status", "inactive", "--endpoint", "sample,filtered_stream"][..], &since].concat());
    assert_eq!(ids(&output), ["3"]);
    let asked = server.asked();
    assert!(asked.len() == 1 && asked[0].contains("status=inactive"), "{asked:?}");
    assert!(asked[0].ends_with("&endpoints=sample_stream,filtered_stream"), "{asked:?}");
}

#[test]
fn nothing_open_is_one_line_and_no_failure() {
    let server = serve(vec![(200, json!({ "meta": { "result_count": 0 } })), (200, json!({ "meta": {} }))]);
    assert_one_message(&server.run(&[]), 0, "");
}

#[test]
fn refusals_are_one_line_with_the_exit_status_of_their_kind() {
    for (status, body, exit, fact) in [
        (401, json!({ "title": "Unauthorized", "detail": "bad secret-token" }), 3, "401"),
        (403, json!({ "title": "Forbidden" }), 3, "403"),
        (429, json!({ "title": "Too Many Requests", "type": "about:blank" }), 4, "429"),
        (200, json!("hello"), 1, "hello"),
    ] {
        let server = serve(vec![(status, body)]);
        let output = server.run(&["--status", "all"]);
        assert_one_message(&output, exit, fact);
    }
}

#[test]
fn nothing_found_is_reported_with_the_filter() {
    let old = json!({ "data": [ended("1", "2026-11-20T10:00:00Z")] });
    let empty = || json!({ "meta": { "result_count": 0 } });
    for (arguments, answer, filter) in [
        (&["list", "--status", "active", "--endpoint", "sample_stream"][..], empty(), "sample"),
        (&["list", "--status", "inactive"], empty(), ""),
        (&["list", "--status", "inactive", "--since", "2026-11-22T10:00Z"], old, "2026-11-22T10:00:00Z"),
        (&["list", "--status", "all"], empty(), ""),
    ] {
        let output = serve(vec![(200, answer)]).run(arguments);
        assert_one_message(&output, 0, filter);
    }
}

#[test]
fn a_token_that_a_server_repeats_is_not_printed() {
    let row = json!({ "id": "secret-token", "endpoint_name": "a secret-token b" });
    let results = json!([{ "uuid": "secret-token", "success": true }]);
    for (arguments, body) in [
        (&["list", "--status", "all"][..], json!({ "data": [row] })),
        (&["kill", "--all", "--yes"], json!({ "data": { "successful_kills": 1, "results": results } })),
    ] {
        let output = serve(vec![(200, body)]).run(arguments);
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(printed.contains(TOKEN_MARK) && !printed.contains("secret-token"), "{printed}");
        assert_eq!(values(&output.stdout).len(), 1);
    }
}

#[test]
fn since_leaves_out_what_has_no_time_with_a_warning() {
    let page = json!({ "data": [open("a", "yesterday"), open("b", "2026-11-22T12:00:00Z")] });
    let output = serve(vec![(200, page)]).run(&["list", "--status", "active", "--since", "2026-11-22T10:00Z"]);
    assert_eq!(ids(&output), ["b"]);
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
}

#[test]
fn a_warning_of_two_responses_is_reported_once() {
    let page = || (200, json!({ "data": [], "errors": [{ "title": "T", "detail": "lost one" }] }));
    let output = serve(vec![page(), page()]).run(&[]);
    assert_eq!(stderr(&output).matches("lost one").count(), 1, "{}", stderr(&output));
}

#[test]
fn errors_beside_data_are_reported_beside_it() {
    let server =
        serve(vec![(200, json!({ "data": [open("a", "x")], "errors": [{ "title": "T", "detail": "lost one" }] }))]);
    let output = server.run(&["--status", "active"]);
    assert_eq!((ids(&output), output.status.code()), (vec!["a".to_owned()], Some(0)));
    assert!(stderr(&output).contains("lost one"), "{}", stderr(&output));
}

#[test]
fn ids_are_ended_in_batches_and_a_failure_among_them_is_exit_1() {
    let wanted: Vec<String> = (10000..10101).map(|n| n.to_string()).collect();
    let result = |id: &str, success| json!({ "uuid": id, "success": success });
    let first: Vec<Value> = wanted[..100].iter().map(|id| result(id, true)).collect();
    let bad = json!({ "uuid": "10100", "success": false, "error_message": "gone" });
    let server = serve(vec![
        (200, json!({ "data": { "successful_kills": 100, "failed_kills": 0, "results": first } })),
        (200, json!({ "data": { "successful_kills": 0, "failed_kills": 1, "results": [bad] } })),
    ]);
    let mut arguments = vec!["kill", "--yes", "10000"];
    arguments.extend(wanted.iter().map(String::as_str));
    let output = server.run(&arguments);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let printed = values(&output.stdout);
    assert_eq!((printed.len(), &printed[100]), (101, &bad));
    let asked = server.asked();
    assert_eq!(asked[1], r#"DELETE /2/connections {"uuids":["10100"]}"#);
    let body: Value = serde_json::from_str(asked[0].rsplit(' ').next().expect("a body")).expect("JSON");
    assert_eq!(body["uuids"].as_array().map(Vec::len), Some(100));
}

#[test]
fn a_stream_or_everything_is_ended_by_its_path() {
    let ok = || (200, json!({ "data": { "successful_kills": 2, "failed_kills": 0 } }));
    for (arguments, path) in [
        (&["kill", "--endpoint", "firehose-en", "-y"][..], "DELETE /2/connections/firehose_stream_lang_en"),
        (&["kill", "--all", "--yes", "--json"], "DELETE /2/connections/all"),
    ] {
        let server = serve(vec![ok()]);
        let output = server.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(server.asked(), [path]);
    }
    let server = serve(vec![ok(), ok()]);
    let output = server.run(&["kill", "--endpoint", "sample", "--endpoint", "filtered,sample", "--yes"]);
    assert!(stderr(&output).contains('4'), "{}", stderr(&output));
    assert_eq!(server.asked(), ["DELETE /2/connections/sample_stream", "DELETE /2/connections/filtered_stream"]);
    // X does not report a result: that is not a success.
    let server = serve(vec![(200, json!({}))]);
    assert_eq!(server.run(&["kill", UUID, "--yes"]).status.code(), Some(1));
}

#[test]
fn mistakes_are_usage_errors_before_any_request() {
    for (arguments, hint) in [
        (&["kill", UUID][..], "--yes"),
        (&["kill", "--all"], "--yes"),
        (&["kill"], "--all"),
        (&["kill", UUID, "--all", "--yes"], "--all"),
        (&["kill", "--endpoint", "filtered", "--all", "--yes"], "--all"),
        (&["kill", "all", "--yes"], "--all"),
        (&["kill", "filtered", "--yes"], "--endpoint filtered"),
        (&["kill", "a b", "--yes"], "UUID"),
        (&["kill", "../all", "--yes"], "UUID"),
        (&["kill", "", "--yes"], "UUID"),
        (&["kill", "A", "--yes"], "UUID"),
        (&["kill", "1234", "--yes"], "UUID"),
        (&["kill", &UUID[..35], "--yes"], "UUID"),
        (&["kill", "0b8a0a7e3c0e4a2f9d5e1f2a3b4c5d6e", "--yes"], "UUID"),
        (&["kill", "--endpoint", "filterd", "--yes"], "filtered"),
        (&["list", "--endpoint", "smaple"], "sample"),
        (&["--endpoint", "powerstream"], "powerstream"),
        (&["--status", "opne"], "--status"),
        (&["--since", "tomorrow"], "--since tomorrow"),
        (&["--status", "all", "kill", UUID, "--yes"], "`connections list`"),
        (&["--max", "0"], "--max"),
        (&["--max", "abc"], "--max"),
        (&["--max", "99999999999999999999999"], "--max"),
    ] {
        let server = serve(Vec::new());
        assert_one_message(&server.run(arguments), 2, hint);
    }
    let output = run(&mut xstream(&["connections"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--bearer"), "{}", stderr(&output));
    let plain = run(&mut xstream(&["connections", "--base-url", "http://192.0.2.1", "--bearer", "x"]));
    assert!(plain.status.code() == Some(2) && stderr(&plain).contains("--insecure-http"), "{}", stderr(&plain));
}

/// On Linux the process list can be looked at.
#[cfg(target_os = "linux")]
#[test]
fn a_token_on_the_command_line_is_not_in_the_process_list() {
    for place in [
        &["--bearer", "secret-token", "kill", "--all", "--yes"][..],
        &["kill", "--all", "--yes", "--bearer=secret-token"],
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut command = xstream(&["connections"]);
        command.args(place).args(["--base-url", &url]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.start();
        let (mut socket, _) = listener.accept().expect("the client");
        let mut request = [0; 4096];
        let count = socket.read(&mut request).expect("a request");
        assert!(String::from_utf8_lossy(&request[..count]).contains("Bearer secret-token"));
        let line = std::fs::read(format!("/proc/{}/cmdline", child.id())).expect("our own child");
        assert!(!String::from_utf8_lossy(&line).contains("secret-token"));
        let body = br#"{"data":{"successful_kills":0}}"#;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        socket.write_all(&[head.as_bytes(), body].concat()).expect("the client");
        drop(socket);
        assert_eq!(finish(child).status.code(), Some(0));
    }
}

#[test]
fn a_user_sees_what_will_end_and_confirms() {
    for (answer, exit, asked) in [("y\n", 0, 2), ("n\n", 1, 1), ("\n", 1, 1)] {
        let killed = json!({ "data": { "successful_kills": 1, "results": [{ "uuid": UUID, "success": true }] } });
        let list = json!({ "data": [open(UUID, "2026-11-22T10:00:00Z")] });
        let server = serve(vec![(200, list), (200, killed)]);
        let (mut child, mut pty) = on_a_terminal(server.command(&["kill", "--endpoint", "filtered"]));
        let mut shown = shown_until(&mut pty, Some("[y/N]"));
        assert!(shown.contains(UUID), "{shown}");
        pty.write_all(answer.as_bytes()).expect("an answer");
        shown += &shown_until(&mut pty, None);
        assert_eq!(wait(&mut child).code(), Some(exit), "{shown}");
        assert_eq!(server.asked().len(), asked, "{shown}");
    }
}

#[test]
fn a_terminal_gets_a_table() {
    let page = json!({ "data": [open(UUID, "2026-11-22T10:00:00Z"), ended("7", "2026-11-22T09:00:00Z")] });
    let server = serve(vec![(200, page)]);
    let (mut child, mut pty) = on_a_terminal(server.command(&["--status", "all"]));
    let shown = shown_until(&mut pty, None);
    assert_eq!(wait(&mut child).code(), Some(0), "{shown}");
    for part in ["filtered", UUID, "192.0.2.1"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains('{'), "{shown}");
}
