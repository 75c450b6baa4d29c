//! The connection end to end: every fault of the simulator answered by the real binary, one fault a test.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{
    BOUND, Journal, Lines, Run, Signal, Start as _, dials, journal, kill, run, serve, serve_with, stderr, tail, values,
    wait, xstream,
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
            let file = trusting(&server);
            if let Some(file) = &file {
                command.env("SSL_CERT_FILE", file.path());
            }
            let run = journal(&mut command);
            run.printed();
            (run, server)
        })
        .collect()
}

/// The server's authority in a file, if it uses TLS.
fn trusting(server: &Server) -> Option<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(server.ca_pem()?.as_bytes()).expect("written");
    Some(file)
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
        let file = trusting(&server).expect("a CA");
        let run = journal(tail(&server, &[]).env("SSL_CERT_FILE", file.path())).exits(3);
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
        let file = trusting(&server).expect("a CA");
        let mut command = tail(&server, &[]);
        command.env("SSL_CERT_FILE", file.path()).env("XSTREAM_TEST_SPEED", "1");
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
        ("/elsewhere", "another path"),
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
fn a_lock_that_another_process_holds_is_waited_for_and_a_signal_is_handled_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let lock = std::fs::File::create(folder.path().join("state.lock")).expect("a lock");
    let server = serve("posts 1; end");
    let mut command = tail(&server, &["--state", state.to_str().expect("text"), "--no-reconnect"]);
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

/// What was requested from a proxy, and how many connections it carried.
struct Proxy {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    carried: Arc<AtomicUsize>,
}

fn join(mut client: TcpStream, target: &str, carried: &AtomicUsize) {
    let mut server = TcpStream::connect(target).expect("the simulator");
    carried.fetch_add(1, Ordering::SeqCst);
    let (mut client_in, mut server_in) = (client.try_clone().expect("a copy"), server.try_clone().expect("a copy"));
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut client_in, &mut server);
        let _ = server.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut server_in, &mut client);
    let _ = client.shutdown(std::net::Shutdown::Write);
}

fn read_until(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(end) && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        bytes.push(byte[0]);
    }
    bytes
}

fn read_exact<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).expect("what the protocol says");
    bytes
}

/// A proxy with CONNECT and SOCKS5 that requires a password for both; it connects every name to `target`.
fn proxy(target: &Server) -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = listener.local_addr().expect("an address").to_string();
    let (asked, carried) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let proxy = Proxy { url, asked: asked.clone(), carried: carried.clone() };
    let target = target.addr().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (asked, carried, target) = (asked.clone(), carried.clone(), target.clone());
            std::thread::spawn(move || {
                let mut stream = stream;
                let note = |text: String| asked.lock().expect("the list").push(text);
                let mut first = [0];
                if stream.peek(&mut first).is_err() {
                    return;
                }
                if first[0] == 5 {
                    let [_, count] = read_exact(&mut stream);
                    let mut methods = vec![0; usize::from(count)];
                    stream.read_exact(&mut methods).expect("methods");
                    if !methods.contains(&2) {
                        let _ = stream.write_all(&[5, 0xff]);
                        return note("no password".to_owned());
                    }
                    stream.write_all(&[5, 2]).expect("written");
                    let [_, length] = read_exact(&mut stream);
                    let mut user = vec![0; usize::from(length)];
                    stream.read_exact(&mut user).expect("a user");
                    let [length] = read_exact(&mut stream);
                    let mut password = vec![0; usize::from(length)];
                    stream.read_exact(&mut password).expect("a password");
                    note(format!("{}:{}", String::from_utf8_lossy(&user), String::from_utf8_lossy(&password)));
                    stream.write_all(&[1, 0]).expect("written");
                    let [_, _, _, kind] = read_exact(&mut stream);
                    if kind == 3 {
                        let [length] = read_exact(&mut stream);
                        let mut name = vec![0; usize::from(length)];
                        stream.read_exact(&mut name).expect("a name");
                        note(String::from_utf8_lossy(&name).into_owned());
                    } else {
                        let mut address = vec![0; if kind == 1 { 4 } else { 16 }];
                        stream.read_exact(&mut address).expect("an address");
                        note(format!("{address:?}"));
                    }
                    let _: [u8; 2] = read_exact(&mut stream);
                    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).expect("written");
                } else {
                    let head = String::from_utf8_lossy(&read_until(&mut stream, b"\r\n\r\n")).into_owned();
                    let allowed = head.contains("dXNlcjpodW50ZXIy");
                    note(head);
                    if !allowed {
                        let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
                        return;
                    }
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("written");
                }
                join(stream, &target, &carried);
            });
        }
    });
    proxy
}

#[test]
fn proxies_carry_the_stream_and_see_neither_token_nor_posts() {
    let server = serve_with("posts 5; stall", |options| options.tls = true);
    let file = trusting(&server).expect("a CA");
    let proxy = proxy(&server);
    let url = |scheme: &str| format!("{scheme}://user:hunter2@{}", proxy.url);
    let mut before = 0;
    let mut check = |set_up: &dyn Fn(&mut std::process::Command), asked: &str| {
        let mut command = tail(&server, &["--max", "5"]);
        set_up(command.env("SSL_CERT_FILE", file.path()));
        let output = run(&mut command);
        let messages = stderr(&output);
        assert_eq!(values(&output.stdout).len(), 5, "{messages}");
        assert!(!messages.contains("hunter2"), "{messages}");
        let carried = proxy.carried.load(Ordering::SeqCst);
        assert_eq!(carried, before + usize::from(!asked.is_empty()), "{messages}");
        before = carried;
        let all = proxy.asked.lock().expect("the list").join("\n");
        assert!(all.contains(asked), "no {asked} in {all}");
        assert!(!all.contains("secret-token"), "{all}");
    };
    check(&|command| _ = command.args(["--proxy", &url("http")]), "CONNECT localhost:");
    check(&|command| _ = command.args(["--proxy", &url("socks5h")]), "localhost");
    check(&|command| _ = command.args(["--proxy", &url("socks5")]), "user:hunter2");
    check(&|command| _ = command.env("HTTPS_PROXY", url("http")), "CONNECT");
    check(&|command| _ = command.env("all_proxy", url("socks5h")), "localhost");
    check(&|command| _ = command.env("HTTPS_PROXY", url("http")).env("NO_PROXY", "localhost"), "");

    let arguments = ["--proxy", &format!("http://{}", proxy.url), "--max-retries", "0"];
    let refused = journal(tail(&server, &arguments).env("SSL_CERT_FILE", file.path())).exits(4);
    assert_eq!(refused.codes(), ["proxy"], "{refused}");
}

#[test]
fn proxies_that_cannot_be_used_are_usage_errors_that_show_no_password() {
    for (arguments, variable) in [
        (&["--proxy", "https://u:hunter2@127.0.0.1:1"][..], None),
        (&["--proxy", "nonsense u:hunter2"], None),
        (&[], Some("ftp://u:hunter2@127.0.0.1")),
    ] {
        let mut command = xstream(&["tail", "--base-url", "https://127.0.0.1:1", "--bearer", "x"]);
        command.args(arguments);
        if let Some(value) = variable {
            command.env("HTTPS_PROXY", value);
        }
        let output = run(&mut command);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {}", stderr(&output));
        assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
    }
    let server = serve("posts");
    let output = run(&mut tail(&server, &["--proxy", "http://127.0.0.1:1"]));
    assert_eq!(output.status.code(), Some(2), "plain http through a proxy shows it the token");
}

#[test]
fn runs_on_one_state_file_share_one_budget() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let state = state.to_str().expect("text");
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
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let server = serve("posts 1; end");
    let children: Vec<_> = (0..12)
        .map(|_| {
            let mut command = tail(&server, &["--state", state.to_str().expect("text"), "--no-reconnect", "-q"]);
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
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("diary", "Dear diary"),
        ("json", "{\"somebody\":\"else\"}"),
        ("later", "{\"format\":\"xstream-state\",\"version\":99,\"budget\":{}}"),
        ("cut", "{\"format\":\"xstream-state\",\"ver"),
        ("odd", "{\"format\":\"xstream-state\",\"version\":1,\"budget\":{\"KEY\":\"garbage\"}}"),
        ("strings", "{\"format\":\"xstream-state\",\"version\":1,\"budget\":{\"KEY\":{\"requests\":[\"a\"]}}}"),
        ("half", "{\"format\":\"xstream-state\",\"version\":1,\"budget\":{\"KEY\":{\"requests\":[],\"left\":1}}}"),
    ] {
        let path = folder.path().join(name);
        let server = serve("posts");
        let text = &text.replace("KEY", &format!("{}/2/tweets/search/stream", server.addr()));
        std::fs::write(&path, text).expect("written");
        let output = run(&mut tail(&server, &["--state", path.to_str().expect("text")]));
        assert_eq!(output.status.code(), Some(1), "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains(name), "{}", stderr(&output));
        assert_eq!(&std::fs::read_to_string(&path).expect("text"), text);
        assert!(server.requests().is_empty());
    }
    let output = run(&mut tail(&serve("posts"), &["--state", "/nowhere/at/all"]));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
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
