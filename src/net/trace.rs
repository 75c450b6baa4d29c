//! What `-v` and `-vv` log of a connection: addresses, TLS, HTTP heads. Header values that hold secrets are redacted.

use hyper::HeaderMap;
use hyper::header;
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use log::{debug, info};
use tokio::net::TcpStream;

use crate::text::sanitize;

/// Longer header values are cut.
const LONGEST: usize = 200;

/// Logs both addresses, and how the connection is secured.
pub fn connected(io: &MaybeHttpsStream<TokioIo<TcpStream>>) {
    let (tcp, tls) = match io {
        MaybeHttpsStream::Http(tcp) => (tcp.inner(), None),
        MaybeHttpsStream::Https(stream) => {
            let (tcp, tls) = stream.inner().get_ref();
            (tcp.inner().inner(), Some(tls))
        }
    };
    let address = |found: std::io::Result<std::net::SocketAddr>| found.map_or("?".to_owned(), |at| at.to_string());
    info!("connected from {} to {}", address(tcp.local_addr()), address(tcp.peer_addr()));
    if let Some(tls) = tls {
        let version = tls.protocol_version().and_then(|version| version.as_str()).unwrap_or("TLS");
        let suite = tls.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or("?");
        let protocol = tls.alpn_protocol().map_or("none".into(), String::from_utf8_lossy);
        let chain = tls.peer_certificates().map_or(0, <[_]>::len);
        debug!("{version}, {suite}, ALPN {}, certificates in the chain: {chain}", sanitize(&protocol, LONGEST));
    }
}

/// Logs the head of a request.
pub fn request(line: &str, headers: &HeaderMap) {
    head('>', line, headers);
}

/// Logs the head of a response.
pub fn response(line: &str, headers: &HeaderMap) {
    head('<', line, headers);
}

fn head(side: char, line: &str, headers: &HeaderMap) {
    debug!("{side} {}", sanitize(line, LONGEST * 10));
    for (name, value) in headers {
        let secret = [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE, header::SET_COOKIE];
        let value = if secret.contains(name) {
            "[redacted]".to_owned()
        } else {
            sanitize(&String::from_utf8_lossy(value.as_bytes()), LONGEST)
        };
        debug!("{side} {name}: {value}");
    }
}
