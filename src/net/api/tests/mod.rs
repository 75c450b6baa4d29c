//! Calls against a server whose responses are scripted.

mod call;
mod error;

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};

use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::net::base_url::BaseUrl;
use crate::net::dial::DialOptions;
use crate::net::token::Token;

/// The calls of these tests run a hundred times as fast as real time.
const SPEED: u32 = 100;

/// A server that answers each connection with the next of these bytes, and passes the requests on.
struct Scripted {
    url: String,
    requests: Receiver<String>,
    /// How long the client waits for a head, in the time of its clock.
    head_timeout: Duration,
    retry: bool,
}

fn scripted(responses: Vec<Vec<u8>>) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (send, requests) = channel();
    std::thread::spawn(move || {
        for response in responses {
            let (mut socket, _) = listener.accept().expect("a client");
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !is_whole(&request) {
                let count = socket.read(&mut buffer).expect("a request");
                request.extend_from_slice(&buffer[..count]);
            }
            let _ = send.send(String::from_utf8(request).expect("text"));
            // The client leaves in the middle of a response that is too long.
            let _ = socket.write_all(&response);
        }
    });
    Scripted { url, requests, head_timeout: Duration::from_secs(1500), retry: true }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn json(status: &str, body: &str) -> Vec<u8> {
    with_headers(status, "content-type: application/json\r\n", body.as_bytes())
}

fn with_headers(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes =
        format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

impl Scripted {
    fn api(&self) -> (Api, Rc<RefCell<Vec<String>>>) {
        let token = Token::parse("secret-token", "f").expect("a token");
        let dialer = Dialer::new(DialOptions {
            base: BaseUrl::parse(&self.url).expect("a URL"),
            token: Some(token),
            proxy: None,
            cacert: None,
            gzip: true,
            clock: Clock::new(SPEED),
            connect_timeout: Duration::from_secs(1500),
            head_timeout: self.head_timeout,
        });
        let reported = Rc::new(RefCell::new(Vec::new()));
        let sink = reported.clone();
        let options = ApiOptions {
            dialer: dialer.expect("a dialer"),
            report: Box::new(move |line| sink.borrow_mut().push(line.to_owned())),
            clock: Clock::new(SPEED),
            retry: self.retry,
        };
        (Api::new(options), reported)
    }

    /// Request lines and bodies, in order.
    fn requests(&self) -> Vec<String> {
        self.requests
            .try_iter()
            .map(|request| {
                let (head, body) = request.split_once("\r\n\r\n").expect("a request");
                let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1");
                format!("{line} {body}").trim_end().to_owned()
            })
            .collect()
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}
