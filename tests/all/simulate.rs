//! `xstream simulate` and `tail --demo` as a user starts them, and `tail` on the numbered feed.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use crate::common::{
    BOUND, Lines, Running, Signal, Start as _, kill, run, serve_with, stderr, tail, values, wait, xstream,
};
use serde_json::{Value, json};
use xstream::simulator::{FeedOptions, Server};

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
    for (arguments, hint) in [
        (["--foreign", "filterd"], "filtered"),
        (["--foreign", "filtered@home"], "'home'"),
        (["--rules", rules], ":2: "),
        (["--api", "stats 503"], "--api: "),
    ] {
        let output = run(&mut xstream(&[&["simulate"], &arguments[..]].concat()));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(hint), "{arguments:?}: {}", stderr(&output));
    }
    std::fs::write(&path, "(cat\n").expect("a file");
    let output = run(&mut xstream(&["simulate", "--rules", rules]));
    assert!(stderr(&output).contains("(cat"), "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn requests_that_x_refuses_are_refused() {
    let (mut child, port) = start(&[]);
    for (target, status, parameter) in [
        ("/2/brand/new", "404", None),
        ("/2/tweets/firehose/stream", "400", Some("partition")),
        ("/2/tweets/search/stream?backfill_minutes=6", "400", Some("backfill_minutes")),
        ("/2/tweets/search/stream?tweet.fields=brand_new", "400", Some("tweet.fields")),
        ("/2/tweets/search/stream?start_time=today", "400", Some("start_time")),
        ("/1.1/statuses/filter.json", "406", None),
    ] {
        let (answered, problem) = get(port, target);
        assert_eq!(answered, status, "{target}");
        let named = problem["errors"][0]["parameters"].as_object().and_then(|names| names.keys().next());
        assert_eq!(named.map(String::as_str), parameter, "{target}: {problem}");
    }
    kill(&child, Signal::TERM);
    wait(&mut child);
}

#[test]
fn the_demo_of_a_stream_shows_that_stream() {
    for (arguments, kind, member) in [
        (&[][..], "post", "/data/public_metrics"),
        (&["sample", "--tweet-fields", "lang"], "post", "/data/lang"),
        (&["firehose", "--partition", "20"], "post", "/data/text"),
        (&["likes-firehose", "--partition", "1"], "like", "/data/liked_tweet_id"),
        (&["tweets-compliance", "--partition", "4", "--only", "delete"], "delete", "/data/delete/tweet/id"),
        (&["users-compliance", "--partition", "1", "--only", "scrub_geo"], "scrub_geo", "/data/scrub_geo/user/id"),
        (&["likes-compliance"], "delete", "/data/delete/favorite/id"),
        (&["labels"], "label", "/data"),
        (&["activity"], "activity", "/data/event_type"),
        (&["powerstream"], "post", "/id_str"),
        (&["v1-filter", "--track", "cat"], "post", "/id_str"),
    ] {
        let output = run(&mut xstream(&[&["tail", "--demo", "--annotate", "--max", "2"], arguments].concat()));
        let lines = values(&output.stdout);
        assert_eq!((lines.len(), output.status.code()), (2, Some(0)), "{arguments:?}: {}", stderr(&output));
        for line in lines {
            assert_eq!(line["kind"], kind, "{arguments:?}: {line}");
            assert!(line["message"].pointer(member).is_some(), "{arguments:?}: {line}");
        }
    }
}

/// A feed of 20 messages a second with an hour of history.
fn serve_feed(script: &str) -> Server {
    serve_with(script, |options| {
        options.feed = FeedOptions { every: Duration::from_millis(50), history: Duration::from_secs(3600) };
    })
}

/// The numbers of the feed on stdout.
fn numbers(server: &Server, stdout: &[u8]) -> Vec<u64> {
    values(stdout).iter().map(|message| server.number_of(message).expect("a message of the feed")).collect()
}

#[test]
fn what_is_printed_over_a_reconnect_is_the_feed_but_for_the_numbers_of_the_interruption() {
    let server = serve_feed("feed 500ms; end | delay 300ms; feed 500ms; end | unauthorized");
    let output = run(&mut tail(&server, &[]));
    let connections = server.connections();
    let delivered: Vec<u64> = connections.iter().flat_map(|connection| connection.numbers.iter()).collect();
    assert_eq!(numbers(&server, &output.stdout), delivered, "{}", stderr(&output));
    let ranges: Vec<_> = connections.iter().flat_map(|connection| connection.numbers.ranges()).collect();
    let [before, after] = ranges.as_slice() else { panic!("each connection delivers one run: {ranges:?}") };
    // The server waited 300 ms before its second answer, and six messages came into being meanwhile.
    assert!(after.start - before.end >= 5, "{ranges:?}");
    assert!(after.end <= server.produced());
}

#[test]
fn backfill_and_a_range_print_the_past_from_the_feed() {
    let server = serve_feed("feed 200ms; end");
    let output = run(&mut tail(&server, &["--backfill-minutes", "2", "--no-reconnect"]));
    let printed = numbers(&server, &output.stdout);
    assert!(printed.len() >= 2400 && printed.windows(2).all(|pair| pair[1] == pair[0] + 1), "{}", stderr(&output));

    let server = serve_feed("feed");
    let output = run(&mut tail(&server, &["--start", "10m", "--end", "9m"]));
    let printed = numbers(&server, &output.stdout);
    assert_eq!((printed.len(), output.status.code()), (1200, Some(0)), "{}", stderr(&output));
    assert!(printed.windows(2).all(|pair| pair[1] == pair[0] + 1));
}
