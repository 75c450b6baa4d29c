//! `xstream simulate` as people start it: the flags that set up the state behind the API.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use crate::common::{BOUND, Lines, Running, Signal, Start as _, kill, run, stderr, wait, xstream};
use serde_json::{Value, json};

/// A simulator in a process of its own, and where it listens.
fn start(arguments: &[&str]) -> (Running, u16) {
    let mut command = xstream(&["simulate", "--script", "line {}\nstall"]);
    let mut child = command.args(arguments).stdout(Stdio::piped()).start();
    let address: Value = serde_json::from_str(&Lines::of(child.stdout.take().expect("a pipe")).next()).expect("JSON");
    let port = address["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
    (child, port)
}

fn get(port: u16, target: &str) -> (String, Value) {
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    tcp.set_read_timeout(Some(BOUND)).expect("a bound");
    let head = format!("GET {target} HTTP/1.1\r\nauthorization: Bearer x\r\nconnection: close\r\n\r\n");
    tcp.write_all(head.as_bytes()).expect("it reads");
    let mut text = String::new();
    tcp.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    (head[9..12].to_owned(), serde_json::from_str(body).unwrap_or_default())
}

#[test]
fn the_flags_set_up_connections_rules_and_failures() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules");
    std::fs::write(&path, "# pets\n\ncat OR dog\n#caturday\n{\"value\":\"ferry\",\"tag\":\"boats\"}\ncanoe\tboats\n")
        .expect("a file");
    let rules = path.to_str().expect("text");
    let foreign = ["--foreign", "filtered@198.51.100.4", "--foreign", "sample_stream"];
    let rest = ["--connections", "1", "--rules", rules, "--api", "status 503"];
    let (mut child, port) = start(&[&foreign[..], &rest].concat());
    assert_eq!(get(port, "/2/connections").0, "503");
    let (_, list) = get(port, "/2/connections?connection.fields=client_ip,endpoint_name");
    let expected = json!([
        {"client_ip": "192.0.2.7", "endpoint_name": "sample_stream"},
        {"client_ip": "198.51.100.4", "endpoint_name": "filtered_stream"},
    ]);
    assert_eq!(list["data"], expected);
    let (status, problem) = get(port, "/2/tweets/search/stream");
    assert_eq!((status.as_str(), &problem["connection_issue"]), ("429", &json!("TooManyConnections")));
    let (_, rules) = get(port, "/2/tweets/search/stream/rules");
    let values: Vec<_> = rules["data"].as_array().expect("rules").iter().map(|rule| &rule["value"]).collect();
    assert_eq!(values, ["cat OR dog", "#caturday", "ferry", "canoe"]);
    assert_eq!((&rules["data"][2]["tag"], &rules["data"][3]["tag"]), (&json!("boats"), &json!("boats")));
    kill(&child, Signal::TERM);
    assert_eq!(wait(&mut child).code(), Some(143));
}

#[test]
fn no_rules_are_none_to_the_filtered_stream() {
    let (mut child, port) = start(&["--rules", "none"]);
    assert_eq!(get(port, "/2/tweets/search/stream").0, "409");
    kill(&child, Signal::TERM);
    wait(&mut child);
}

#[test]
fn a_flag_that_does_not_fit_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules");
    std::fs::write(&path, "cat\n{\"tag\":\"a\"}\n").expect("a file");
    let rules = path.to_str().expect("text");
    for (arguments, says) in [
        (["--foreign", "filterd"], "did you mean filtered"),
        (["--foreign", "filtered@home"], "'home' is no IP address"),
        (["--rules", rules], ":2: no `value`"),
        (["--api", "stats 503"], "--api: "),
    ] {
        let output = run(&mut xstream(&[&["simulate"], &arguments[..]].concat()));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
    }
    std::fs::write(&path, "(cat\n").expect("a file");
    let output = run(&mut xstream(&["simulate", "--rules", rules]));
    assert!(stderr(&output).contains("rule '(cat': missing ')'"), "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(2));
}
