//! `xstream tail` end to end: the real binary against the simulator over real sockets, one fault a test.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::{
    Folder, Journal, Lines, Signal, Start as _, TOKEN_MARK, assert_one_message, binary, dials, finish, has, journal,
    kill, run, serve, serve_with, shell, stderr, tail, values, wait, xstream,
};
use serde_json::{Value, json};

const POST: &str = r#"{"data":{"id":"1","text":"one"}}"#;

#[test]
fn posts_arrive_as_the_bytes_that_were_sent() {
    let odd = r#"{ "data" : {"id":"2", "text":"\u00e9 \/ {\"limit\":{\"track\":5}}"} }"#;
    let server = serve(&format!("line {POST}\nheartbeat\nline {odd}\nend | unauthorized"));
    let output = run(&mut tail(&server, &["--max", "2"]));
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{POST}\n{odd}\n"));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let request = &server.requests()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/2/tweets/search/stream"));
    assert_eq!(request.header("authorization"), Some("Bearer secret-token"));
    assert_eq!(request.header("user-agent"), Some(concat!("xstream/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(request.header("accept-encoding"), Some("gzip"));
}

#[test]
fn generated_posts_are_values_every_one() {
    for set_up in [
        |_: &mut xstream::simulator::ServerOptions| {},
        |options: &mut xstream::simulator::ServerOptions| options.gzip = true,
        |options: &mut xstream::simulator::ServerOptions| options.chunk_size = Some(7),
    ] {
        let server = serve_with("posts 200; end", set_up);
        let output = run(&mut tail(&server, &["--max", "200"]));
        assert_eq!(values(&output.stdout).len(), 200, "{}", stderr(&output));
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn tls_with_a_given_authority_works() {
    let server = serve_with("posts 20; end", |options| options.tls = true);
    let folder = Folder::new();
    let ca = &folder.ca(&server);
    let output = run(&mut tail(&server, &["--max", "20", "--cacert", ca]));
    assert_eq!(values(&output.stdout).len(), 20, "{}", stderr(&output));
    let output = run(tail(&server, &["--max", "20"]).env("SSL_CERT_FILE", ca));
    assert_eq!(values(&output.stdout).len(), 20, "{}", stderr(&output));
    // Without it the certificate has no trusted authority: exit 3 at once, explained.
    let run = journal(&mut tail(&server, &[])).exits(3);
    assert_eq!(run.codes(), ["certificate"]);
    assert!(stderr(&run.output).contains("--cacert"), "{run}");
}

#[test]
fn garbage_and_control_messages_never_reach_stdout() {
    let server = serve(&format!(
        "text-line\nhtml-line\nline \u{feff}{{}}\nline {{\"data\":\nraw \\xff\\xfe\\r\\n\nlimit 5\nwarning 60\nlost-post\ninfo\n\
         delete\nline {POST}\nline [1,2]\nline 7\ncut | unauthorized"
    ));
    let run = journal(&mut tail(&server, &[])).exits(3);
    let values = run.printed();
    assert_eq!(values.len(), 4, "{values:?}\n{run}");
    assert!(values[0].get("delete").is_some());
    assert_eq!((&run.one("limit")["track"], &run.one("warning")["percent_full"]), (&json!(5), &json!(60)), "{run}");
    let lines: Vec<&Value> = run.all("malformed").into_iter().map(|record| &record["line"]).collect();
    assert_eq!(lines, [1, 2, 3, 4, 5], "{run}");
    assert_eq!((run.all("error").len(), run.all("info").len(), run.all("discarded").len()), (1, 1, 1), "{run}");
}

#[test]
fn only_skip_and_annotate_do_what_they_say() {
    let script = format!("limit 5; delete; heartbeat; text-line; line {POST}");
    let kinds = |arguments: &[&str]| -> Vec<String> {
        let server = serve(&format!("{script}\nend | unauthorized"));
        let output = run(&mut tail(&server, arguments));
        let of = |value: &Value| value["kind"].as_str().unwrap_or("bare").to_owned();
        values(&output.stdout).iter().map(of).collect()
    };
    assert_eq!(kinds(&["--annotate"]), ["delete", "post"]);
    assert_eq!(kinds(&["--annotate", "--only", "all"]), ["limit", "delete", "heartbeat", "malformed", "post"]);
    assert_eq!(kinds(&["--annotate", "--only", "control,post"]), ["limit", "post"]);
    assert_eq!(kinds(&["--annotate", "--skip", "compliance"]), ["post"]);
    assert_eq!(kinds(&["--only", "post"]), ["bare"]);
}

#[test]
fn the_envelope_holds_the_untouched_message() {
    let server = serve(&format!("line {POST}\nraw a\\xffb\\r\\n\nend | unauthorized"));
    let output = run(&mut tail(&server, &["--annotate", "--only", "all"]));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.lines().next().expect("a line").ends_with(&format!("\"connection\":1,\"message\":{POST}}}")),
        "{text}"
    );
    let values = values(&output.stdout);
    assert_eq!(values[1]["message"], "a\u{fffd}b");
    assert_eq!(values[1]["bytes_base64"], "Yf9i");
    assert!(values[0]["at"].as_str().expect("a time").ends_with('Z'));
}

#[test]
fn max_closes_at_the_nth_message_without_waiting_for_another() {
    let server = serve(&format!("line {POST}\nline {POST}\nstall"));
    let output = run(&mut tail(&server, &["--max", "2"]));
    assert_eq!(values(&output.stdout).len(), 2);
    assert_eq!(output.status.code(), Some(0));
    // The server received a clean close.
    let endings = server.wait_for_endings(1, crate::common::BOUND);
    assert_eq!(endings[0].ending, Some(xstream::simulator::Ending::ClientClosed { clean: true }));
}

#[test]
fn for_ends_a_silent_stream_in_time() {
    let server = serve("stall");
    let output = run(&mut tail(&server, &["--for", "5s"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_reader_that_leaves_ends_the_run_with_0_and_no_message() {
    let server = serve("posts every 2ms");
    let mut child = tail(&server, &["-q"]).stdout(Stdio::piped()).stderr(Stdio::piped()).start();
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut some = [0; 100];
    stdout.read_exact(&mut some).expect("data");
    drop(stdout);
    let output = finish(child);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
fn a_reader_that_leaves_a_silent_stream_is_noticed_within_a_second() {
    let server = serve("heartbeat; stall");
    let mut command = tail(&server, &["--stall-timeout", "10h", "-q"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).start();
    let _ = server.wait_for_requests(1, crate::common::BOUND);
    drop(child.stdout.take());
    let left = Instant::now();
    let output = finish(child);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    assert!(left.elapsed() < Duration::from_secs(5), "{:?}", left.elapsed());
}

#[test]
fn a_sleeping_reader_delays_neither_the_socket_nor_the_end() {
    // Far more than a pipe holds, far less than the buffer: the simulator can deliver all of it.
    let server = serve("posts 5000; stall");
    let mut child = tail(&server, &["--max", "5000"]).stdout(Stdio::piped()).stderr(Stdio::piped()).start();
    assert_eq!(
        server.wait_for_delivered(5000, crate::common::BOUND),
        5000,
        "the output is not read, and still all is delivered"
    );
    let mut stdout = Vec::new();
    child.stdout.take().expect("a pipe").read_to_end(&mut stdout).expect("all of it");
    assert_eq!(values(&stdout).len(), 5000);
    assert!(wait(&mut child).success());
}

#[test]
fn a_full_buffer_stops_the_socket_and_loses_nothing() {
    let server = serve("posts 5000; stall");
    let journal = Journal::new();
    let mut command = tail(&server, &["--max", "5000", "--buffer", "64KiB", "--journal", journal.path()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).start();
    journal.until("blocked");
    let mut stdout = Vec::new();
    child.stdout.take().expect("a pipe").read_to_end(&mut stdout).expect("all of it");
    assert_eq!(values(&stdout).len(), 5000);
    assert!(wait(&mut child).success());
    assert!(journal.records().iter().any(|record| record["event"] == "unblocked"));
}

#[test]
fn signals_end_every_state_with_their_status() {
    for (script, event) in [
        ("posts every 1ms", "opened"),
        ("heartbeat; stall", "opened"),
        ("no-head", "dialling"),
        ("too-many-connections", "waiting"),
    ] {
        for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
            let server = serve(script);
            let journal = Journal::new();
            let mut command = tail(&server, &["--stall-timeout", "1h", "--journal", journal.path()]);
            command.env("XSTREAM_TEST_SPEED", "1");
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).start();
            journal.until(event);
            kill(&child, signal);
            assert_eq!(wait(&mut child).code(), Some(status), "{script} {signal:?}");
            let end = journal.until("end");
            assert_eq!((&end["outcome"], &end["exit"]), (&json!("signal"), &json!(status)), "{script}");
            assert_eq!(dials(&server), dials(&server).min(1), "no request after a signal");
        }
    }
}

#[test]
fn a_signal_hands_over_what_was_read_and_ends_on_a_whole_line() {
    let server = serve("posts every 1ms");
    let child = tail(&server, &[]).stdout(Stdio::piped()).stderr(Stdio::null()).start();
    let _ = server.wait_for_delivered(50, crate::common::BOUND);
    kill(&child, Signal::INT);
    let output = finish(child);
    assert!(!values(&output.stdout).is_empty());
    assert_eq!(output.status.code(), Some(130));
}

#[test]
fn an_established_stream_that_drops_is_reconnected() {
    for ending in ["end", "close", "cut", "reset", "disconnect 12; end", "operational-disconnect; stall"] {
        // At fifty times the speed, ten seconds are 200 ms.
        let server = serve(&format!("posts 30 every 10ms; {ending} | posts 5; stall"));
        let run = journal(&mut tail(&server, &["--only", "post", "--max", "35", "--no-gzip"])).exits(0);
        assert_eq!((run.printed().len(), run.all("gap").len()), (35, 1), "{ending}: {run}");
    }
}

#[test]
fn without_reconnect_the_end_of_the_stream_is_exit_5() {
    let server = serve("posts 3; end");
    let output = run(&mut tail(&server, &["--no-reconnect"]));
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    assert_eq!(values(&output.stdout).len(), 3);
}

#[test]
fn a_refused_connection_names_the_host_and_is_retried() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let url = format!("http://127.0.0.1:{port}");
    let run = journal(&mut xstream(&["tail", "--base-url", &url, "--bearer", "x", "--max-retries", "1"])).exits(4);
    assert_eq!((run.codes(), run.all("dialling").len()), (vec!["tcp"; 2], 2), "{run}");
    assert!(run.all("ended")[0]["detail"].to_string().contains(&format!("127.0.0.1:{port}")), "{run}");
}

#[test]
fn the_token_leaves_the_process_list_and_is_in_no_environment() {
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: there is no /proc here");
        return;
    }
    for arguments in [&["--bearer", "s3cr3t-t0ken"][..], &["--bearer=s3cr3t-t0ken"]] {
        let server = serve_with("heartbeat; stall", |options| options.token = Some("s3cr3t-t0ken".to_owned()));
        let mut command = xstream(&["tail", "--base-url", &server.url(), "--stall-timeout", "10h"]);
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).start();
        assert_eq!(server.wait_for_requests(1, crate::common::BOUND).len(), 1);
        for name in ["cmdline", "environ"] {
            let bytes = std::fs::read(format!("/proc/{}/{name}", child.id())).expect("our own child");
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("s3cr3t"), "{name}: {text}");
        }
        kill(&child, Signal::TERM);
        wait(&mut child);
    }
}

#[test]
fn the_sources_of_the_token_have_an_order() {
    let folder = Folder::new();
    let file = &folder.file("token", " from-file\r\n");
    let sent = |arguments: &[&str], variables: &[(&str, &str)], stdin: Option<&str>| {
        let server = serve("end");
        let mut command = xstream(&["tail", "--base-url", &server.url(), "--no-reconnect"]);
        command.args(arguments).envs(variables.iter().copied());
        if let Some(path) = stdin {
            command.stdin(std::fs::File::open(path).expect("a file"));
        }
        let output = run(&mut command);
        assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
        server.requests()[0].header("authorization").unwrap_or_default().to_owned()
    };
    let all =
        [("XSTREAM_BEARER", "e1"), ("X_BEARER_TOKEN", "e2"), ("BEARER_TOKEN", "e3"), ("TWITTER_BEARER_TOKEN", "e4")];
    assert_eq!(sent(&["--bearer", "flag"], &all, None), "Bearer flag");
    assert_eq!(sent(&["--bearer-file", file], &all, None), "Bearer from-file");
    assert_eq!(sent(&["--bearer-file", "-"], &all, Some(file)), "Bearer from-file");
    for (first, expected) in ["Bearer e1", "Bearer e2", "Bearer e3", "Bearer e4"].iter().enumerate() {
        assert_eq!(&sent(&[], &all[first..], None), expected);
    }
    // An empty variable is as good as none.
    assert_eq!(sent(&[], &[("XSTREAM_BEARER", ""), ("BEARER_TOKEN", "e3")], None), "Bearer e3");
}

#[test]
fn usage_errors_are_one_line_that_helps() {
    let long = "A".repeat(100);
    for (arguments, hint) in [
        (&["tail"][..], "--bearer-file"),
        (&["tail", "--bearer", ""], "--bearer"),
        (&["tail", "--bearer="], "--bearer"),
        (&["tail", "--bearer", "Bearer x"], "`Bearer `"),
        (&["tail", "--bearer", "\"x\""], "--bearer"),
        (&["tail", "--bearer", "x", "--bearer-file", "y"], "--bearer-file"),
        (&["tail", "--bearer-file", "/nowhere/at/all"], "/nowhere/at/all"),
        (&["tail", "filterd", "--bearer", "x"], "filtered"),
        (&["tail", &long], "filtered"),
        (&["tail", "filtered", &long], ""),
        (&["tail", "--partition", &long], "--partition"),
        (&["tail", "--base-url", "http://127.0.0.1:99999", "--bearer", "x"], "65535"),
        (&["tail", "/2/a b", "--bearer", "x"], "/2/a b"),
        (&["tail", "--demo", "--only", "xyz"], "post"),
        (&["tail", "firehose", "--bearer", "x"], "--partition"),
        (&["tail", "filtered", "--partition", "1", "--bearer", "x"], "filtered"),
        (&["tail", "--only", "pots", "--bearer", "x"], "post"),
        (&["tail", "--only", "heartbeat", "--bearer", "x"], "--annotate"),
        (&["tail", "--only", "post", "--skip", "data", "--bearer", "x"], "--skip"),
        (&["tail", "--buffer", "64", "--bearer", "x"], "--buffer"),
        (&["tail", "--for", "soon", "--bearer", "x"], "--for"),
        (&["tail", "--base-url", "http://example.com", "--bearer", "x"], "--insecure-http"),
        (&["tail", "--base-url", "ftp://example.com", "--bearer", "x"], "--base-url"),
        (&["tail", "--base-url", "https://u:p@example.com", "--bearer", "x"], "--base-url"),
        (&["tale"], "tail"),
        (&["simulate", "--script", "pots 5"], "posts"),
    ] {
        let output = run(&mut xstream(arguments));
        assert_one_message(&output, 2, hint);
        assert!(!stderr(&output).contains(&long), "{}", stderr(&output));
    }
}

#[test]
fn a_signal_during_the_close_sets_the_status_when_it_costs_data() {
    let server = serve("posts 5000; stall");
    let mut child = tail(&server, &["--max", "5000"]).stdout(Stdio::piped()).stderr(Stdio::null()).start();
    // Nothing reads: the run is over for the server, and waits for the reader.
    let _ = server.wait_for_endings(1, crate::common::BOUND);
    kill(&child, Signal::INT);
    assert_eq!(wait(&mut child).code(), Some(130));
}

#[test]
fn notices_into_the_same_pipe_fall_between_lines_also_when_the_reader_is_slow() {
    let server = serve("posts 400; text-line; posts 400; text-line; posts 400; end | unauthorized");
    let binary = binary().display();
    let script = format!("{binary} tail --base-url {} --bearer secret-token 2>&1", server.url());
    let mut command = shell(&script);
    command.env("XSTREAM_TEST_SPEED", "50").stdout(Stdio::piped());
    let mut child = command.start();
    // The pipe fills before anything is read.
    assert_eq!(server.wait_for_delivered(1202, crate::common::BOUND), 1202);
    let mut text = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut text).expect("text");
    wait(&mut child);
    let data: Vec<&str> = text.lines().filter(|line| !line.starts_with("xstream: ")).collect();
    assert_eq!(data.len(), 1200);
    for line in data {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}

#[test]
fn a_server_that_repeats_the_token_does_not_make_us_show_it() {
    for script in [
        "status 401 {\"title\":\"no\",\"detail\":\"bad token secret-token\"}",
        "line Authorization: Bearer secret-token\nend | unauthorized",
        "line {\"disconnect\":{\"code\":6,\"reason\":\"token secret-token revoked\"}}\nend",
        "line {\"errors\":[{\"title\":\"x\",\"disconnect_type\":\"secret-token\"}]}\nend | unauthorized",
    ] {
        let server = serve(script);
        let output = run(&mut tail(&server, &[]));
        assert!(!stderr(&output).contains("secret-token"), "{}", stderr(&output));
        assert!(stderr(&output).contains(TOKEN_MARK), "{}", stderr(&output));
    }
}

#[test]
fn the_demo_goes_around_the_proxy_of_the_environment() {
    // Nothing listens there.
    let output = run(xstream(&["tail", "--demo", "--max", "1"]).env("HTTPS_PROXY", "http://127.0.0.1:1"));
    assert_eq!(values(&output.stdout).len(), 1, "{}", stderr(&output));
}

#[test]
fn the_demo_is_quick_and_lively() {
    let mut command = xstream(&["tail", "--demo"]);
    let began = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).start();
    let lines = Lines::of(child.stdout.take().expect("a pipe"));
    for _ in 0..40 {
        serde_json::from_str::<Value>(&lines.next()).expect("a value");
    }
    // Forty posts at 25 a second; the bound is generous for a loaded machine.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    kill(&child, Signal::TERM);
    assert_eq!(wait(&mut child).code(), Some(143));
}

#[test]
fn jq_reads_what_we_print() {
    if !has("jq") {
        return;
    }
    let binary = binary().display();
    let script = format!(
        "set -e; {binary} tail --demo --max 20 | jq -c . | wc -l; {binary} tail --demo | head -1 | jq -c 'has(\"data\") or has(\"id\")'"
    );
    let output = run(&mut shell(&script));
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["20", "true"], "{}", stderr(&output));
    assert!(output.status.success());
}

#[test]
fn a_reader_that_sleeps_past_a_full_buffer_loses_nothing_plain_and_gzip() {
    use std::fmt::Write as _;
    // Far more than the pipe, the buffer and what is read at once hold together.
    const COUNT: usize = 6000;
    for gzip in [false, true] {
        let mut script = String::new();
        for n in 0..COUNT {
            let _ = writeln!(script, "line {{\"data\":{{\"id\":\"{n}\",\"text\":\"{}\"}}}}", "x".repeat(600));
        }
        script.push_str("stall");
        let server = serve_with(&script, |options| options.gzip = gzip);
        let journal = Journal::new();
        let mut command =
            tail(&server, &["--max", &COUNT.to_string(), "--buffer", "64KiB", "--journal", journal.path()]);
        command.env("XSTREAM_TEST_SPEED", "5").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.start();
        // The record comes a second after the socket was last read, when the timer that could lose a chunk has fired.
        journal.until("blocked");
        let mut stdout = Vec::new();
        child.stdout.take().expect("a pipe").read_to_end(&mut stdout).expect("all of it");
        let ids: Vec<String> = values(&stdout).iter().map(|value| value["data"]["id"].to_string()).collect();
        let want: Vec<String> = (0..COUNT).map(|n| format!("\"{n}\"")).collect();
        assert!(ids == want, "gzip {gzip}: {} of {COUNT}", ids.len());
        assert!(wait(&mut child).success());
    }
}

#[test]
fn an_ending_after_the_last_requested_message_is_not_awaited() {
    let post = r#"{"data":{"id":"1","text":"x"}}"#;
    let server = serve(&format!("raw {post}\\r\\n{{\"disconnect\":{{\"code\":6}}}}\\r\\n{post}\\r\\n\nstall"));
    let output = run(&mut tail(&server, &["--max", "2"]));
    assert_eq!((values(&output.stdout).len(), output.status.code()), (2, Some(0)), "{}", stderr(&output));
    assert_eq!(dials(&server), 1);
}
