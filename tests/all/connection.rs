//! The connection end to end: every fault of the simulator answered by the real binary, one fault a test.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use crate::common::{
    BOUND, Folder, Journal, Lines, Run, Signal, Start as _, dials, journal, kill, run, serve, serve_with, stderr, tail,
    values, wait, xstream,
};
use serde_json::{Value, json};
use xstream::simulator::{Certificate, Ending, Server};

/// Runs the script, plain and over TLS.
fn each_way(script: &str, arguments: &[&str]) -> Vec<(Run, Server)> {
    [false, true]
        .into_iter()
        .map(|tls| {
            let server = serve_with(script, |options| options.tls = tls);
            let mut command = tail(&server, arguments);
            let folder = Folder::new();
            if tls {
                command.env("SSL_CERT_FILE", folder.ca(&server));
            }
            let run = journal(&mut command);
            run.printed();
            (run, server)
        })
        .collect()
}

#[test]
fn refusals_that_need_the_user_are_exit_3_after_one_request() {
    for (script, code) in [
        ("unauthorized", "401"),
        ("unauthorized-html", "401"),
        ("credits", "credits-depleted"),
        ("forbidden", "client-forbidden"),
        ("unsupported-authentication", "unsupported-authentication"),
        ("html", "403"),
        ("not-found", "404"),
        ("not-acceptable", "406"),
        ("no-rules", "RuleConfigurationIssue"),
        ("usage-capped", "usage-capped"),
        ("invalid-request", "invalid-request"),
        ("status 413", "413"),
        ("status 416", "416"),
        ("status 422", "422"),
    ] {
        for (run, server) in each_way(script, &[]) {
            let run = run.exits(3);
            assert_eq!((&run.end()["outcome"], run.codes()), (&json!("refused"), vec![code]), "{run}");
            assert_eq!(dials(&server), 1, "{script}");
        }
    }
}

#[test]
fn refusals_worth_a_retry_wait_what_is_documented() {
    for (script, floor) in [
        ("unavailable", 5.0),
        ("internal-error", 5.0),
        ("status 502", 5.0),
        ("status 504", 5.0),
        ("420", 60.0),
        ("too-many-connections", 20.0),
        ("rate-limit-88 9999", 60.0),
        ("provisioning", 60.0),
        ("header retry-after: 100; unavailable", 100.0),
    ] {
        for (run, server) in each_way(&format!("{script} | unauthorized"), &[]) {
            let delay = run.delays()[0];
            assert!((floor..=floor * 1.25 + 1.0).contains(&delay), "{script}: {run}");
            assert_eq!(dials(&server), 2, "{script}");
        }
    }
}

#[test]
fn a_rate_limit_is_waited_out_to_its_reset() {
    for (run, server) in each_way("rate-limit 30 | unauthorized", &[]) {
        assert_eq!(run.one("waiting")["why"], "rate_limit");
        assert!((29.0..=33.0).contains(&run.delays()[0]), "{run}");
        assert_eq!(dials(&server), 2);
    }
}

#[test]
fn in_band_endings_do_what_their_code_says() {
    for (message, exit, outcome, code) in [
        ("disconnect 3", 5, "ended", "3"),
        ("disconnect 6", 3, "refused", "6"),
        ("disconnect 9", 0, "delivered", "9"),
        ("disconnect 13", 3, "refused", "13"),
        ("usage-cap-line", 3, "refused", "usage-capped"),
        ("streaming-connection RuleConfigurationIssue", 3, "refused", "RuleConfigurationIssue"),
        ("operational-disconnect InvalidRules", 3, "refused", "InvalidRules"),
    ] {
        // The server does not close: we do.
        let server = serve(&format!("posts 3; {message}; stall"));
        let run = journal(&mut tail(&server, &[])).exits(exit);
        assert_eq!((&run.end()["outcome"], run.codes()), (&json!(outcome), vec![code]), "{run}");
        assert_eq!(run.printed().len(), 3, "{message}");
    }
}

#[test]
fn the_slot_is_not_fought_over() {
    let server = serve("posts 3; disconnect 7; close");
    let run = journal(&mut tail(&server, &[])).exits(5);
    assert_eq!((&run.end()["outcome"], run.codes()), (&json!("taken_over"), vec!["7"; 3]), "{run}");
    assert!(stderr(&run.output).contains("xstream connections"), "{run}");
    assert_eq!(dials(&server), 3);
}

#[test]
fn a_stall_is_noticed_and_the_socket_closed() {
    for (run, server) in each_way("posts 3; stall", &["--stall-timeout", "5s", "--no-reconnect"]) {
        assert_eq!(run.exits(5).codes(), ["stall"]);
        let ending = &server.wait_for_endings(1, BOUND)[0].ending;
        assert_eq!(ending, &Some(Ending::ClientClosed { clean: true }), "a goodbye and a FIN free the slot");
    }
}

#[test]
fn a_line_that_never_ends_is_a_stall_too() {
    let server = serve("posts 3; dribble");
    let run = journal(&mut tail(&server, &["--stall-timeout", "8s", "--no-reconnect"])).exits(5);
    assert_eq!((run.codes(), &run.one("ended")["lines"]), (vec!["unfinished-line"], &json!(3)), "{run}");
}

#[test]
fn a_server_that_never_answers_is_given_up_in_time() {
    for script in ["no-head", "accept-nothing"] {
        let server = serve(script);
        assert_eq!(journal(&mut tail(&server, &["--max-retries", "0"])).exits(4).codes(), ["head-timeout"]);
    }
    // TLS towards a listener that never sends: the connection is not made in time.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}", silent.local_addr().expect("an address"));
    let arguments = ["tail", "--base-url", &url, "--bearer", "x", "--connect-timeout", "3s", "--max-retries", "0"];
    assert_eq!(journal(&mut xstream(&arguments)).exits(4).codes(), ["connect-timeout"]);
}

#[test]
fn certificates_are_explained_and_end_the_run_at_once() {
    let mut details = Vec::new();
    for certificate in [Certificate::Expired, Certificate::WrongHost, Certificate::UnknownCa] {
        let server = serve_with("posts", |options| {
            options.tls = true;
            options.certificate = certificate;
        });
        let folder = Folder::new();
        let run = journal(tail(&server, &[]).env("SSL_CERT_FILE", folder.ca(&server))).exits(3);
        assert_eq!(run.codes(), ["certificate"], "{run}");
        assert!(server.requests().is_empty());
        let detail = run.one("ended")["detail"].as_str().expect("what is wrong with it").to_owned();
        details.push(detail.replace(&server.addr().port().to_string(), "PORT"));
    }
    details.dedup();
    assert_eq!(details.len(), 3, "each fault has its own message: {details:?}");
}

#[test]
fn a_redirect_is_not_followed_and_names_its_host() {
    let other = serve("posts");
    for (run, server) in each_way(&format!("redirect {}/2/tweets/search/stream", other.url()), &[]) {
        let run = run.exits(3);
        assert!(run.one("ended")["detail"].to_string().contains("127.0.0.1"), "{run}");
        assert_eq!(dials(&server), 1);
    }
    assert!(other.requests().is_empty(), "the token went nowhere else");
}

#[test]
fn broken_servers_are_endings_like_any_other() {
    for (script, codes) in [
        ("garbage", &["http"][..]),
        ("endless-headers", &["http"]),
        // TLS sees an end where plain TCP sees a reset.
        ("hang-up", &["reset", "tcp", "tls"]),
        ("posts 2; bad-chunk", &["http"]),
        ("posts 2; reset", &["reset"]),
        ("posts 2; close", &["truncated"]),
        ("posts 2; cut", &["truncated"]),
        ("gzip; posts 2; raw not gzip any more\\r\\n; cut", &["eof"]),
        ("header content-encoding: br; posts 1; end", &["http"]),
    ] {
        for (run, _) in each_way(script, &["--no-reconnect"]) {
            let run = run.exits(5);
            assert!(codes.contains(&run.codes()[0]), "{script}: {run}");
            assert_eq!(run.all("discarded").len(), usize::from(script.ends_with("cut")), "{script}: {run}");
        }
    }
}

#[test]
fn the_status_decides_although_the_body_cannot_be_read() {
    let server = serve("header content-encoding: zstd; unauthorized");
    let output = run(&mut tail(&server, &[]));
    assert_eq!((output.status.code(), dials(&server)), (Some(3), 1), "{}", stderr(&output));
    let server = serve("header content-encoding: br; header retry-after: 700; unavailable | unauthorized");
    let run = journal(&mut tail(&server, &[]));
    assert_eq!((&run.one("waiting")["why"], run.delays()), (&json!("retry_after"), vec![700.0]), "{run}");
}

#[test]
fn a_signal_is_handled_while_a_gzip_bomb_inflates() {
    let server = serve("gzip; gzip-bomb-lines 2GiB; end");
    let journal = Journal::new();
    let mut command = tail(&server, &["--only", "post", "--journal", journal.path()]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).start();
    journal.until("opened");
    kill(&child, Signal::TERM);
    assert_eq!(wait(&mut child).code(), Some(143));
    assert!(server.delivered() < 100_000_000);
}

#[test]
fn a_signal_is_handled_in_a_compressed_flood_without_back_pressure() {
    let server = serve_with("flood", |options| options.gzip = true);
    let mut child = tail(&server, &[]).stdout(Stdio::null()).stderr(Stdio::null()).start();
    assert!(server.wait_for_delivered(50_000, BOUND) >= 50_000);
    kill(&child, Signal::TERM);
    assert_eq!(wait(&mut child).code(), Some(143));
    // The runtime looks up by itself after a million posts or so.
    assert!(server.delivered() < 400_000, "{}", server.delivered());
}

/// A server that answers each request with these compressed bytes as its body, and ends it in order.
fn compressed(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let _ =
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(&body);
        }
    });
    url
}

#[test]
fn damage_that_only_the_checksum_shows_is_not_a_clean_end() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(b"{\"data\":{\"id\":\"1\",\"text\":\"x\"}}\r\n").expect("memory");
    let good = encoder.finish().expect("memory");
    let mut bad = good.clone();
    let end = bad.len();
    bad[end - 6] ^= 1;
    let cut = good[..end - 12].to_vec();
    for (body, code) in [(good, "eof"), (bad, "gzip"), (cut, "eof")] {
        let url = compressed(body);
        let run = journal(&mut xstream(&["tail", "--base-url", &url, "--bearer", "x", "--no-reconnect"])).exits(5);
        assert_eq!(run.codes(), [code], "{run}");
    }
}

#[test]
fn an_interrupt_closes_tls_cleanly_while_the_response_is_awaited() {
    for script in ["no-head", "posts every 5ms", "heartbeat; stall"] {
        let server = serve_with(script, |options| options.tls = true);
        let folder = Folder::new();
        let mut command = tail(&server, &[]);
        command.env("SSL_CERT_FILE", folder.ca(&server)).env("XSTREAM_TEST_SPEED", "1");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).start();
        assert_eq!(server.wait_for_requests(1, BOUND).len(), 1);
        kill(&child, Signal::INT);
        assert_eq!(wait(&mut child).code(), Some(130));
        let ending = &server.wait_for_endings(1, BOUND)[0].ending;
        assert_eq!(ending, &Some(Ending::ClientClosed { clean: true }), "{script}");
    }
}

#[test]
fn a_gap_goes_on_when_a_short_connection_brings_only_a_heartbeat() {
    let server = serve("posts 20 every 5ms; end | heartbeat; end | posts 3; stall");
    let run = journal(&mut tail(&server, &["--max", "23"])).exits(0);
    assert_eq!((run.all("gap").len(), &run.end()["gaps"]), (2, &json!(2)), "{run}");
}

#[test]
fn a_line_of_text_is_forgotten_when_posts_follow_it() {
    let server = serve("text-line; posts 3; end | unauthorized");
    assert_eq!(journal(&mut tail(&server, &[])).exits(3).codes(), ["eof", "401"]);
}

#[test]
fn a_redirect_is_named_whatever_its_form() {
    for (location, text) in [
        ("//evil.example/p", "evil.example"),
        ("https://evil.example/a\u{e9}", "evil.example"),
        ("https://user@evil.example:8443?x", "evil.example:8443"),
        ("/elsewhere", ""),
    ] {
        let server = serve(&format!("redirect {location}"));
        let run = journal(&mut tail(&server, &[])).exits(3);
        assert!(run.one("ended")["detail"].to_string().contains(text), "no {text} in {run}");
    }
}

#[test]
fn a_replay_that_says_it_is_complete_is_exit_0() {
    let server = serve("posts 3; info; end");
    let output = run(&mut tail(&server, &[]));
    assert_eq!((values(&output.stdout).len(), output.status.code()), (3, Some(0)), "{}", stderr(&output));
}

#[test]
fn memory_stays_bounded_whatever_comes() {
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: there is no /proc here");
        return;
    }
    for script in [
        "endless-headers",
        "huge-line 64MiB",
        "deep-json 100000",
        "gzip; gzip-bomb 256MiB",
        "gzip; gzip-bomb-lines 8MiB",
        &format!("line {{\"errors\":[{}{{}}]}}\n", "{},".repeat(2_600_000)),
    ] {
        // What follows keeps the process there to be measured.
        let server = serve(&format!("{script}{}", if script.contains("headers") { "" } else { "; limit 77; stall" }));
        let journal = Journal::new();
        let mut command = tail(&server, &["--stall-timeout", "10h", "--journal", journal.path()]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).start();
        journal.until(if script.contains("headers") { "waiting" } else { "limit" });
        let text = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("our own child");
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
        assert!(peak < (8 + 32) << 10, "{script}: {peak} kB");
        kill(&child, Signal::KILL);
        wait(&mut child);
    }
}

#[test]
fn a_gap_is_measured_and_reported() {
    let server = serve("posts 40 every 5ms; end | posts 3; stall");
    let run = journal(&mut tail(&server, &["--max", "43"])).exits(0);
    let id = |post: &Value| post.pointer("/data/id").or(post.get("id_str")).expect("an id").clone();
    let ids: Vec<Value> = run.printed().iter().map(id).collect();
    let gap = run.one("gap");
    assert_eq!((&gap["last_id"], &gap["first_id"], &gap["cause"]), (&ids[39], &ids[40], &json!("eof")), "{run}");
    assert!(gap["missed"].as_u64() > Some(0) && run.end()["missed"] == gap["missed"], "{run}");
}

#[test]
fn quiet_prints_only_the_line_that_explains_a_failure() {
    let server = serve("posts 2; end | unauthorized");
    let output = run(&mut tail(&server, &["-q"]));
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn the_token_is_in_no_message_whatever_the_server_does() {
    for script in [
        "status 400 echo secret-token",
        "unauthorized",
        "redirect http://127.0.0.1:1/?token=secret-token",
        "garbage",
        "posts 1; disconnect 6; end",
    ] {
        let server = serve(script);
        let output = run(&mut tail(&server, &["--no-reconnect"]));
        let messages = stderr(&output);
        // What a server sends back is its own word; it does not know ours unless it repeats it.
        if !script.starts_with("status") {
            assert!(!messages.contains("secret-token"), "{script}: {messages}");
        }
    }
}

#[test]
fn a_stopped_and_continued_run_reads_what_is_pending_before_it_judges() {
    let server = serve("posts every 20ms");
    let mut command = tail(&server, &["--stall-timeout", "1s"]);
    let mut child = command.env("XSTREAM_TEST_SPEED", "1").stdout(Stdio::piped()).stderr(Stdio::piped()).start();
    let lines = Lines::of(child.stdout.take().expect("a pipe"));
    lines.next();
    kill(&child, Signal::STOP);
    let delivered = server.delivered();
    // Longer than the stall limit, by the server's count of posts.
    let _ = server.wait_for_delivered(delivered + 75, Duration::from_secs(10));
    kill(&child, Signal::CONT);
    for _ in 0..100 {
        lines.next();
    }
    kill(&child, Signal::INT);
    let mut messages = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut messages).expect("text");
    assert_eq!(wait(&mut child).code(), Some(130), "{messages}");
    assert_eq!(dials(&server), 1, "{messages}");
}
