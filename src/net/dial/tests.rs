//! Dials against a socket that the test drives by hand.

use std::future::poll_fn;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use super::*;

fn dialer(base: &str) -> Dialer {
    Dialer::new(DialOptions {
        base: BaseUrl::parse(base).expect("a URL"),
        token: None,
        proxy: None,
        cacert: None,
        gzip: false,
        clock: Clock::new(1),
        connect_timeout: Duration::from_secs(15),
        head_timeout: HEAD_TIMEOUT,
    })
    .expect("a dialer")
}

fn get(target: &str) -> Request {
    Request { target: target.to_owned(), form: None, warnings: Vec::new() }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

/// Accepts a connection and reads the head and body of a request up to `end`.
fn accept(listener: &TcpListener, end: &str) -> (TcpStream, String) {
    let (mut socket, _) = listener.accept().expect("a client");
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.ends_with(end.as_bytes()) {
        let count = socket.read(&mut buffer).expect("a request");
        request.extend_from_slice(&buffer[..count]);
    }
    (socket, String::from_utf8(request).expect("text"))
}

#[test]
fn each_dial_carries_its_own_request() {
    let (listener, url) = listener();
    let server = std::thread::spawn(move || {
        ["\r\n\r\n", "track=cats"].map(|end| {
            let (mut socket, request) = accept(&listener, end);
            socket.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").expect("a client");
            request.lines().next().unwrap_or_default().to_owned()
        })
    });
    run(async {
        let dialer = dialer(&url);
        let post = Request { form: Some("track=cats".to_owned()), ..get("/b") };
        for request in [get("/a?backfill_minutes=2"), post] {
            let outcome = dialer.dial(&request).await;
            assert!(matches!(outcome, DialOutcome::Refused(refusal) if refusal.status == 404));
        }
    });
    assert_eq!(server.join().expect("a server"), ["GET /a?backfill_minutes=2 HTTP/1.1", "POST /b HTTP/1.1"]);
}

#[test]
fn a_dial_cancelled_before_its_request_is_not_sent_and_ends_at_once() {
    let (_listener, url) = listener();
    run(async {
        let mut dial = dialer(&url).dial(&get("/"));
        assert!(!dial.is_sent());
        let first = poll_fn(|cx| Poll::Ready(Pin::new(&mut dial).poll(cx).is_pending())).await;
        assert!(first && !dial.is_sent(), "the first poll begins to connect");
        let began = Instant::now();
        dial.cancel().await;
        assert!(began.elapsed() < Duration::from_millis(200));
    });
}

#[test]
fn a_dial_cancelled_after_its_request_is_sent_and_closes_cleanly() {
    let (listener, url) = listener();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = accept(&listener, "\r\n\r\n");
        // The end of the client's bytes; a reset would be an error.
        socket.read(&mut [0; 16])
    });
    run(async {
        let mut dial = dialer(&url).dial(&get("/"));
        while !dial.is_sent() {
            assert!(tokio::time::timeout(Duration::from_millis(5), &mut dial).await.is_err(), "no response yet");
        }
        dial.cancel().await;
    });
    assert_eq!(server.join().expect("a server").expect("no reset"), 0);
}

#[test]
fn a_path_that_is_none_is_found_before_dialling() {
    let dialer = dialer("http://127.0.0.1:9");
    assert!(dialer.check(&get("/2/tweets")).is_ok());
    assert!(dialer.check(&get("/a b")).is_err());
}
