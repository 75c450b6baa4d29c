//! The server seen through a raw socket: no HTTP library, so every byte of a fault is looked at.

mod api;
mod feed;
mod flood;
mod parse;
mod rules;
mod script;
mod strict;
mod tls;

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::write::MultiGzDecoder;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde_json::Value;

use super::*;

const SOON: Duration = Duration::from_secs(5);

fn serve(script: &str) -> Server {
    Server::spawn(ServerOptions::new(Script::parse(script).unwrap())).unwrap()
}

/// Sends a request; `headers` are whole lines.
fn request(server: &Server, target: &str, headers: &str) -> TcpStream {
    let mut tcp = TcpStream::connect(server.addr()).unwrap();
    tcp.set_read_timeout(Some(SOON)).unwrap();
    let head = format!("GET {target} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
    tcp.write_all(head.as_bytes()).unwrap();
    tcp
}

const TOKEN: &str = "authorization: Bearer t\r\n";
const STREAM: &str = "/2/tweets/search/stream";

fn stream(server: &Server) -> TcpStream {
    request(server, STREAM, "authorization: Bearer t\r\nconnection: close\r\n")
}

/// Everything up to the end, and the error it ended with.
fn read_all(mut tcp: impl io::Read) -> (Vec<u8>, Option<io::Error>) {
    let mut bytes = Vec::new();
    let error = tcp.read_to_end(&mut bytes).err();
    (bytes, error)
}

fn split_head(bytes: &[u8]) -> (String, &[u8]) {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head") + 4;
    (String::from_utf8(bytes[..end].to_vec()).unwrap(), &bytes[end..])
}

/// Checks the framing; returns the chunks and whether the last chunk came.
fn chunks(mut body: &[u8]) -> (Vec<&[u8]>, bool) {
    let mut chunks = Vec::new();
    while !body.is_empty() {
        let line = body.windows(2).position(|two| two == b"\r\n").expect("a size line");
        let size = usize::from_str_radix(std::str::from_utf8(&body[..line]).unwrap(), 16).unwrap();
        assert_eq!(&body[line + 2 + size..][..2], b"\r\n");
        if size == 0 {
            assert_eq!(body, b"0\r\n\r\n");
            return (chunks, true);
        }
        chunks.push(&body[line + 2..][..size]);
        body = &body[line + 2 + size + 2..];
    }
    (chunks, false)
}

/// Plays one connection: head, body without framing, whether it ended with the last chunk, error.
fn play(script: &str) -> (String, Vec<u8>, bool, Option<io::Error>) {
    let server = serve(script);
    let (bytes, error) = read_all(stream(&server));
    let (head, body) = split_head(&bytes);
    let (chunks, ended) = chunks(body);
    (head, chunks.concat(), ended, error)
}

fn lines(body: &[u8]) -> Vec<&str> {
    std::str::from_utf8(body).unwrap().split_terminator("\r\n").collect()
}
