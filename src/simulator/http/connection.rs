//! One accepted connection: TLS, requests, the response to each, and its end.
//!
//! While a script plays, the reading half is watched: a client that closes stops the script at once, and how it
//! closed is recorded, because tests check for a clean close.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::dispatch::respond;
use super::response::{Finish, phrase};
use crate::simulator::log::{Ending, LoggedRequest};
use crate::simulator::script::Step;
use crate::simulator::state::ServerState;

/// The longest request head. X refuses long ones too; long filters go into a body.
const HEAD: usize = 64 << 10;

/// The longest request body: 400 track phrases and 5,000 ids stay far below.
const BODY: usize = 1 << 20;

/// More headers than any client sends.
const HEADERS: usize = 128;

/// How long a client may take for its handshake or for a request, also for the next one.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the server waits for the client's side of a close. Half of it would be enough on a
/// loopback; without a bound a client that never closes would hold the socket.
const LINGER: Duration = Duration::from_secs(1);

/// Serves a connection to its end.
pub(crate) async fn serve(tcp: TcpStream, state: Arc<ServerState>, tls: Option<TlsAcceptor>) {
    let connection = state.log.opened();
    // Without this a small message can wait for the acknowledgement of the one before it.
    let _ = tcp.set_nodelay(true); // slower, but not wrong, where it fails
    if state.script.take_if(|steps| steps.first() == Some(&Step::AcceptNothing)).is_some() {
        let ending = ignore(&tcp).await;
        return state.log.ended(connection, ending);
    }
    // A client that is gone already has no address; its request cannot be answered anyway.
    let client = tcp.peer_addr().ok().map(|addr| addr.ip());
    let wire = match tls {
        None => Wire::Plain(tcp),
        Some(acceptor) => match timeout(REQUEST_TIMEOUT, acceptor.accept(tcp)).await {
            Ok(Ok(stream)) => Wire::Tls(Box::new(stream)),
            Ok(Err(error)) => {
                return state.log.ended(connection, Ending::HandshakeFailed(error.to_string()));
            }
            Err(_) => {
                return state.log.ended(connection, Ending::HandshakeFailed(String::from("timed out")));
            }
        },
    };
    let ending = requests(wire, &state, connection, client).await;
    state.log.ended(connection, ending);
}

/// Holds a connection without reading from it until the client closes.
async fn ignore(tcp: &TcpStream) -> Ending {
    loop {
        // What the client sent stays unread before its FIN, so only the state of the socket shows
        // it, which is polled: bytes that lie there would wake every wait at once.
        if let Ok(ready) = tcp.ready(Interest::READABLE | Interest::ERROR).await {
            if ready.is_error() {
                return Ending::ClientReset;
            }
            if ready.is_read_closed() {
                return Ending::ClientClosed { clean: true };
            }
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Why nothing more can be read.
#[derive(Debug, Clone, Copy)]
enum ReadEnd {
    /// The end of the stream; over TLS with or without `close_notify`.
    Eof {
        close_notify: bool,
    },
    Reset,
}

/// Answers requests until the connection ends.
async fn requests(wire: Wire, state: &ServerState, connection: usize, client: Option<IpAddr>) -> Ending {
    let (mut reader, mut writer) = tokio::io::split(wire);
    let mut unread = Vec::new();
    loop {
        let read = timeout(REQUEST_TIMEOUT, read_request(&mut reader, &mut writer, &mut unread, connection)).await;
        let outcome = match read {
            Err(_) => Ok(Finish::Close { close_notify: true }),
            Ok(Err(Unreadable::ReadEnd(gone))) => Err(gone),
            Ok(Err(Unreadable::Bad(code))) => {
                let text =
                    format!("HTTP/1.1 {code} {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", phrase(code));
                let _ = writer.write_all(text.as_bytes()).await; // closed right after, read or not
                Ok(Finish::Close { close_notify: true })
            }
            Ok(Ok(request)) => {
                state.log.requested(&request);
                let response = respond(&request, client, state, &mut writer);
                let gone = watch(&mut reader, &mut unread);
                let first = tokio::select! {
                    // A reset is reported only once, and the write had the report.
                    finish = response => finish.map_err(|error| {
                        (error.kind() == io::ErrorKind::ConnectionReset).then_some(ReadEnd::Reset)
                    }),
                    gone = gone => Err(Some(gone)),
                };
                match first {
                    Ok(finish) => Ok(finish),
                    Err(Some(gone)) => Err(gone),
                    // The write came after the client's end, which is found on the reading half.
                    Err(None) => Err(timeout(LINGER, watch(&mut reader, &mut unread)).await.unwrap_or(ReadEnd::Reset)),
                }
            }
        };
        match outcome {
            Ok(Finish::KeepAlive) => {}
            Ok(finish) => {
                // Noted before the wait for the client, which only echoes it.
                state.log.ended(connection, Ending::ServerEnded);
                close(reader.unsplit(writer), finish).await;
                return Ending::ServerEnded;
            }
            Err(ReadEnd::Reset) => return Ending::ClientReset,
            Err(ReadEnd::Eof { close_notify }) => {
                let clean = close_reply(reader.unsplit(writer)).await;
                return Ending::ClientClosed { clean: clean && close_notify };
            }
        }
    }
}

/// Reads until the client closes, keeping what it sends for the next request.
async fn watch(reader: &mut (impl AsyncRead + Unpin), unread: &mut Vec<u8>) -> ReadEnd {
    let mut buffer = [0; 4096];
    loop {
        match reader.read(&mut buffer).await {
            Ok(0) => return ReadEnd::Eof { close_notify: true },
            Ok(n) if unread.len() < HEAD => unread.extend_from_slice(&buffer[..n]),
            // More than a request head during a stream is not a request.
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return ReadEnd::Eof { close_notify: false };
            }
            Err(_) => return ReadEnd::Reset,
        }
    }
}

/// Answers the client's `close_notify`, and returns whether its FIN has arrived too.
async fn close_reply(mut wire: Wire) -> bool {
    let _ = wire.shutdown().await; // the client may be gone altogether
    match wire {
        // Over plain TCP the end that was read is the FIN.
        Wire::Plain(_) => true,
        Wire::Tls(stream) => {
            let mut tcp = stream.into_inner().0;
            let mut rest = [0; 1024];
            let fin = async {
                while tcp.read(&mut rest).await? > 0 {}
                io::Result::Ok(())
            };
            matches!(timeout(LINGER, fin).await, Ok(Ok(())))
        }
    }
}

/// Ends the connection from this side.
async fn close(mut wire: Wire, finish: Finish) {
    if finish == Finish::Reset {
        // Zero linger makes the close a RST. Where it cannot be set the close is a FIN, and the
        // test that expects a RST says so.
        let _ = wire.tcp().set_zero_linger();
        return;
    }
    let shut = match finish {
        Finish::Close { close_notify: true } => wire.shutdown().await,
        _ => wire.tcp().shutdown().await,
    };
    // Closing with unread bytes in the socket would turn the FIN into a RST and take away from the
    // client what it has not read yet, so the client's end is waited for.
    let mut rest = [0; 4096];
    let tcp = wire.tcp();
    let drained = async { while matches!(tcp.read(&mut rest).await, Ok(n) if n > 0) {} };
    if shut.is_ok() {
        let _ = timeout(LINGER, drained).await;
    }
}

/// Why there is no request.
enum Unreadable {
    ReadEnd(ReadEnd),
    /// It is answered with this status.
    Bad(u16),
}

async fn read_request(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    unread: &mut Vec<u8>,
    connection: usize,
) -> Result<LoggedRequest, Unreadable> {
    let (mut request, head) = loop {
        if let Some(found) = parse_head(unread, connection)? {
            break found;
        }
        if unread.len() >= HEAD {
            return Err(Unreadable::Bad(431));
        }
        more(reader, unread).await?;
    };
    if request.header("transfer-encoding").is_some() {
        return Err(Unreadable::Bad(411));
    }
    let length = match request.header("content-length") {
        None => 0,
        Some(value) => value.trim().parse().map_err(|_| Unreadable::Bad(400))?,
    };
    if length > BODY {
        return Err(Unreadable::Bad(413));
    }
    if request.header("expect").is_some() && unread.len() < head + length {
        let go_on = writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await;
        go_on.map_err(|_| Unreadable::ReadEnd(ReadEnd::Reset))?;
    }
    while unread.len() < head + length {
        more(reader, unread).await?;
    }
    request.body = unread[head..head + length].to_vec();
    request.at = Instant::now();
    unread.drain(..head + length);
    Ok(request)
}

async fn more(reader: &mut (impl AsyncRead + Unpin), unread: &mut Vec<u8>) -> Result<(), Unreadable> {
    match reader.read_buf(unread).await {
        Ok(0) => Err(Unreadable::ReadEnd(ReadEnd::Eof { close_notify: true })),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(Unreadable::ReadEnd(ReadEnd::Eof { close_notify: false }))
        }
        Err(_) => Err(Unreadable::ReadEnd(ReadEnd::Reset)),
    }
}

/// The request of a complete head and the length of that head.
fn parse_head(bytes: &[u8], connection: usize) -> Result<Option<(LoggedRequest, usize)>, Unreadable> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(Unreadable::Bad(400)),
    };
    let target = parsed.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = parsed
        .headers
        .iter()
        .map(|header| (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned()));
    let request = LoggedRequest {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.collect(),
        body: Vec::new(),
        at: Instant::now(),
        connection,
    };
    Ok(Some((request, length)))
}

/// The socket, plain or under TLS.
enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    fn tcp(&mut self) -> &mut TcpStream {
        match self {
            Wire::Plain(tcp) => tcp,
            Wire::Tls(stream) => stream.get_mut().0,
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Wire::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Wire::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Wire::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
