//! Every step of a script, and what the server remembers.

use super::*;

#[test]
fn posts_arrive_one_to_a_chunk_under_the_headers_x_sends() {
    let server = serve("posts 5 every 1ms; heartbeat; limit 7; end");
    let (bytes, error) = read_all(stream(&server));
    assert!(error.is_none());
    let (head, body) = split_head(&bytes);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\ndate: "));
    assert!(head.contains("\r\ncontent-type: application/json; charset=utf-8\r\n"));
    assert!(head.contains("\r\nx-rate-limit-limit: 50\r\nx-rate-limit-remaining: 49\r\nx-rate-limit-reset: "));
    let (chunks, ended) = chunks(body);
    assert!(ended);
    assert_eq!(chunks.len(), 7);
    for chunk in &chunks[..5] {
        serde_json::from_slice::<Value>(chunk).unwrap();
    }
    assert_eq!(chunks[5], b"\r\n");
    assert!(chunks[6].starts_with(br#"{"limit":{"track":7,"#));
    assert_eq!(server.delivered(), 6);
    assert_eq!(server.wait_for_endings(1, SOON)[0].ending, Some(Ending::ServerEnded));
}

#[test]
fn each_stream_request_takes_the_next_connection_and_the_last_is_repeated() {
    let mut server = serve("status 503 'upstream connect error' | too-many-connections | rate-limit 60 | line {}");
    server.expect_requests(5);
    let mut heads = Vec::new();
    for _ in 0..5 {
        heads.push(read_all(stream(&server)).0);
    }
    let heads: Vec<_> = heads.iter().map(|bytes| split_head(bytes)).collect();
    assert!(heads[0].0.starts_with("HTTP/1.1 503 "));
    assert_eq!(heads[0].1, b"upstream connect error");
    assert!(heads[1].0.starts_with("HTTP/1.1 429 ") && heads[1].0.contains("x-rate-limit-remaining: 48\r\n"));
    assert!(String::from_utf8_lossy(heads[1].1).contains("TooManyConnections"));
    assert!(heads[2].0.contains("x-rate-limit-remaining: 0\r\n"));
    assert_eq!(chunks(heads[3].1), (vec![&b"{}\r\n"[..]], true));
    assert_eq!(chunks(heads[4].1), (vec![&b"{}\r\n"[..]], true));
}

#[test]
fn without_the_right_token_there_is_a_401_and_the_script_waits() {
    let options =
        ServerOptions { token: Some("right".into()), ..ServerOptions::new(Script::parse("end | cut").unwrap()) };
    let server = Server::spawn(options).unwrap();
    for header in
        ["", "authorization: Bearer \r\n", "authorization: Basic right\r\n", "authorization: Bearer wrong\r\n"]
    {
        let (bytes, _) = read_all(request(&server, STREAM, &format!("{header}connection: close\r\n")));
        let (head, body) = split_head(&bytes);
        assert!(head.starts_with("HTTP/1.1 401 "), "{header}: {head}");
        assert_eq!(serde_json::from_slice::<Value>(body).unwrap()["type"], "about:blank");
    }
    let tcp = request(&server, STREAM, "Authorization: Bearer right\r\nconnection: close\r\n");
    let (bytes, _) = read_all(tcp);
    assert!(split_head(&bytes).0.contains("x-rate-limit-remaining: 49"));
    assert_eq!(chunks(split_head(&bytes).1), (vec![], true));
}

#[test]
fn a_close_lacks_the_last_chunk() {
    let (_, body, ended, error) = play("line {\"a\":1}; close".replace("; ", "\n").as_str());
    assert_eq!((body.as_slice(), ended, error.is_none()), (&b"{\"a\":1}\r\n"[..], false, true));
}

#[test]
fn a_cut_leaves_half_a_post() {
    let (_, body, ended, error) = play("posts 1; cut");
    // It may be cut within a character.
    let text = String::from_utf8_lossy(&body);
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert!(!ended && error.is_none() && lines.len() == 2);
    assert!(serde_json::from_str::<Value>(lines[0]).is_ok() && serde_json::from_str::<Value>(lines[1]).is_err());
}

#[test]
fn a_reset_is_a_reset_after_what_was_sent() {
    let (_, body, ended, error) = play("line {}\nwait 50ms; reset");
    assert_eq!((body.as_slice(), ended), (&b"{}\r\n"[..], false));
    assert_eq!(error.unwrap().kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn raw_bytes_and_small_chunks_come_as_written() {
    let options = ServerOptions {
        chunk_size: Some(3),
        ..ServerOptions::new(Script::parse(r"raw \xf0\x9f\x98\x80\n\x00").unwrap())
    };
    let server = Server::spawn(options).unwrap();
    let (bytes, _) = read_all(stream(&server));
    let (chunks, _) = chunks(split_head(&bytes).1);
    assert_eq!(chunks, [&b"\xf0\x9f\x98"[..], b"\x80\n\0"]);
}

#[test]
fn a_bad_chunk_follows_good_ones() {
    let server = serve("line {}\nbad-chunk");
    let (bytes, _) = read_all(stream(&server));
    assert!(bytes.ends_with(b"4\r\n{}\r\n\r\nzz\r\nnot a chunk\r\n"));
}

#[test]
fn large_and_deep_lines_have_the_requested_size() {
    let (_, body, ended, _) = play("huge-line 3MiB; deep-json 5000");
    let lines = lines(&body);
    assert!(ended);
    assert_eq!(lines[0].len(), 3 << 20);
    serde_json::from_str::<Value>(lines[0]).unwrap();
    assert_eq!(lines[1].len(), 10_000);
}

#[test]
fn repeats_play_again_what_was_before() {
    let (_, body, _, _) = play("line 1\nrepeat 2; line 2\nrepeat 2");
    assert_eq!(lines(&body), ["1", "1", "2", "1", "1", "2"]);
}

#[test]
fn answers_that_are_none() {
    assert!(read_all(stream(&serve("garbage"))).0.starts_with(b"SSH-"));
    let server = serve("hang-up");
    let (bytes, error) = read_all(stream(&server));
    assert!(bytes.is_empty() && error.is_none());

    let server = serve("endless-headers");
    let mut some = vec![0; 1 << 20];
    stream(&server).read_exact(&mut some).unwrap();
    assert!(some.starts_with(b"HTTP/1.1 200 OK\r\nx-filler: aaa"));
    assert!(!some.windows(4).any(|four| four == b"\r\n\r\n"));
}

#[test]
fn a_server_that_does_not_respond_notices_that_the_client_closed() {
    for script in
        ["no-head", "accept-nothing", "delay 1h", "stall", "dribble", "posts; ", "flood", "heartbeat endless every 1h"]
    {
        let server = serve(script);
        let tcp = stream(&server);
        if script != "accept-nothing" {
            assert_eq!(server.wait_for_requests(1, SOON).len(), 1);
        }
        tcp.shutdown(Shutdown::Write).unwrap();
        let connections = server.wait_for_endings(1, SOON);
        assert_eq!(connections[0].ending, Some(Ending::ClientClosed { clean: true }), "{script}");
        assert_eq!(server.open_connections(), 0);
    }
}

#[test]
fn a_dribble_never_finishes_its_line() {
    let server = serve("dribble");
    let mut tcp = stream(&server);
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n1\r\na\r\n") {
        let mut one = [0];
        tcp.read_exact(&mut one).unwrap();
        bytes.push(one[0]);
    }
    assert_eq!(chunks(split_head(&bytes).1).0.concat(), b"{\"da");
}

#[test]
fn lengths_precede_messages_when_requested() {
    let server = serve("line {}\nheartbeat; posts 1");
    let target = "/1.1/statuses/filter.json?track=a&delimited=length";
    let (bytes, _) = read_all(request(&server, target, &format!("{TOKEN}connection: close\r\n")));
    let body = chunks(split_head(&bytes).1).0.concat();
    assert!(body.starts_with(b"4\r\n{}\r\n\r\n"));
    let lines = lines(&body);
    assert_eq!(lines[3].parse::<usize>().unwrap(), lines[4].len() + 2);
}

/// With the line end before it: a rate limit reset may end in a zero, too.
const LAST: &[u8] = b"\r\n0\r\n\r\n";

#[test]
fn a_connection_carries_another_request_after_a_clean_end() {
    let server = serve("line 1\nend | line 2\nend");
    let mut tcp = request(&server, STREAM, TOKEN);
    let mut read_until = |end: &[u8]| {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end) {
            let mut one = [0];
            tcp.read_exact(&mut one).unwrap();
            bytes.push(one[0]);
        }
        if server.requests().len() == 1 {
            tcp.write_all(
                format!("POST /1.1/statuses/filter.json?a=b HTTP/1.1\r\n{TOKEN}content-length: 7\r\n\r\ntrack=a")
                    .as_bytes(),
            )
            .unwrap();
        }
        bytes
    };
    assert!(read_until(LAST).windows(3).any(|three| three == b"1\r\n"));
    assert!(read_until(LAST).windows(5).any(|five| five == b"\r\n2\r\n"));
    let requests = server.requests();
    assert_eq!((requests[1].method.as_str(), requests[1].path.as_str()), ("POST", "/1.1/statuses/filter.json"));
    assert_eq!((requests[1].query.as_str(), requests[1].body.as_slice()), ("a=b", &b"track=a"[..]));
    assert_eq!(server.connections()[0].requests, 2);
    drop(tcp);
    assert_eq!(server.wait_for_endings(1, SOON)[0].ending, Some(Ending::ClientClosed { clean: true }));
}

#[test]
fn a_client_reset_is_distinguished_from_a_close() {
    let server = serve("wait 10ms; stall");
    let tcp = stream(&server);
    assert_eq!(server.wait_for_requests(1, SOON).len(), 1);
    rustix::net::sockopt::set_socket_linger(&tcp, Some(Duration::ZERO)).unwrap();
    drop(tcp);
    assert_eq!(server.wait_for_endings(1, SOON)[0].ending, Some(Ending::ClientReset));
}

#[test]
fn requests_have_bounds() {
    let server = serve("end");
    let table = [
        (format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "a".repeat(70_000)), "431"),
        ("POST / HTTP/1.1\r\ncontent-length: 1048577\r\n\r\n".into(), "413"),
        ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n".into(), "411"),
        ("nonsense\r\n\r\n".into(), "400"),
        (format!("DELETE /2/usage/tweets HTTP/1.1\r\n{TOKEN}connection: close\r\n\r\n"), "405"),
    ];
    for (text, status) in table {
        let mut tcp = TcpStream::connect(server.addr()).unwrap();
        tcp.set_read_timeout(Some(SOON)).unwrap();
        tcp.write_all(text.as_bytes()).unwrap();
        let (bytes, _) = read_all(tcp);
        assert!(bytes.starts_with(format!("HTTP/1.1 {status} ").as_bytes()), "{status}");
    }
}

#[test]
fn a_dropped_server_closes_its_sockets() {
    let server = serve("stall");
    let mut tcp = stream(&server);
    let _ = server.wait_for_requests(1, SOON);
    let addr = server.addr();
    drop(server);
    assert!(tcp.read_to_end(&mut Vec::new()).is_ok());
    assert!(TcpStream::connect(addr).is_err());
}

#[test]
#[should_panic(expected = "the simulator saw 0 requests, 1 were expected")]
fn a_request_that_never_came_fails_the_test() {
    serve("end").expect_requests(1);
}

#[test]
fn a_token_does_not_reach_debug_output() {
    let server = serve("end");
    let _ = read_all(request(&server, STREAM, "authorization: Bearer secret\r\nconnection: close\r\n"));
    let requests = server.wait_for_requests(1, SOON);
    assert_eq!(requests[0].header("Authorization"), Some("Bearer secret"));
    assert!(!format!("{requests:?}").contains("secret"));
}

#[tokio::test]
async fn it_runs_inside_the_runtime_of_its_user() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = Server::start(ServerOptions::default()).await.unwrap();
    let begun = Instant::now();
    let mut tcp = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    let head = format!("GET {STREAM} HTTP/1.1\r\n{TOKEN}\r\n");
    tcp.write_all(head.as_bytes()).await.unwrap();
    let mut buffer = vec![0; 1 << 16];
    while server.delivered() < 3 {
        assert!(tcp.read(&mut buffer).await.unwrap() > 0);
    }
    assert!(begun.elapsed() < SOON);
    drop(server);
    while tcp.read(&mut buffer).await.unwrap() > 0 {}
}
