//! An open connection: bytes as they arrive, and a clean close.
//!
//! The connection and its body are polled together in one task, so that the socket is read exactly when the caller
//! reads, and is available for a proper shutdown.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::rt::{Read as _, ReadBuf, Write as _};
use hyper::{Request, Response};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{error, trace};
use crate::protocol::disconnect::LocalCause;
use crate::session::Failure;

type Io = MaybeHttpsStream<TokioIo<TcpStream>>;
type RequestBody = http_body_util::Full<Bytes>;

/// How long a close may take, in real time: for our `close_notify` and FIN to reach the server, and for its own to
/// come back.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(300);

/// The largest response head, and the most that is read at once. Half of it costs a twentieth more time in a flood, a
/// quarter a seventh, and twice as much has no effect.
const BUFFER: usize = 2 << 20;

/// One HTTP/1.1 connection with one request on it.
pub struct HttpConnection {
    sender: http1::SendRequest<RequestBody>,
    conn: http1::Connection<Io, RequestBody>,
    over: bool,
}

impl HttpConnection {
    /// Prepares to speak HTTP over `io`; nothing is sent yet.
    ///
    /// # Errors
    /// The connection ended.
    pub async fn open(io: Io) -> Result<HttpConnection, Failure> {
        trace::connected(&io);
        let handshake = http1::Builder::new().max_buf_size(BUFFER).handshake(io).await;
        let (sender, conn) = handshake.map_err(|error| error::from_hyper(&error, false))?;
        Ok(HttpConnection { sender, conn, over: false })
    }

    /// Sends `request` and waits for the response head. `sent` becomes true when the head of the request goes to the
    /// socket, which the first poll does.
    ///
    /// # Errors
    /// The connection ended, or the response is not HTTP.
    pub async fn send(
        &mut self,
        request: Request<RequestBody>,
        sent: &Cell<bool>,
    ) -> Result<Response<Incoming>, Failure> {
        let target = request.uri();
        trace::request(&format!("{} {target} {:?}", request.method(), request.version()), request.headers());
        let mut sending = pin!(self.sender.send_request(request));
        let (conn, over) = (&mut self.conn, &mut self.over);
        let response = poll_fn(|cx| {
            if let Poll::Ready(response) = sending.as_mut().poll(cx) {
                return Poll::Ready(response);
            }
            if !*over {
                sent.set(true);
                *over = conn.poll_without_shutdown(cx).is_ready();
            }
            sending.as_mut().poll(cx)
        });
        let response = response.await.map_err(|error| {
            let failure = error::from_hyper(&error, true);
            // No body has begun that could be cut.
            Failure {
                cause: if failure.cause == LocalCause::Truncated { LocalCause::Reset } else { failure.cause },
                ..failure
            }
        })?;
        trace::response(&format!("{:?} {}", response.version(), response.status()), response.headers());
        Ok(response)
    }

    /// Ends the connection so that the server frees the slot: sends TLS `close_notify` and FIN, then reads and drops
    /// the bytes still in flight, since closing a socket with unread bytes sends a reset.
    pub async fn close(self) {
        let mut io = self.conn.into_parts().io;
        let closing = async {
            poll_fn(|cx| Pin::new(&mut io).poll_shutdown(cx)).await?;
            let mut memory = vec![0; 64 << 10];
            loop {
                let mut buffer = ReadBuf::new(&mut memory);
                poll_fn(|cx| Pin::new(&mut io).poll_read(cx, buffer.unfilled())).await?;
                if buffer.filled().is_empty() {
                    return Ok::<(), io::Error>(());
                }
            }
        };
        // The connection is over either way, so a peer that does not answer in time is not reported.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, closing).await;
    }

    /// Lets the connection read and write. Its own errors arrive at the response or its body as well.
    fn poll(&mut self, cx: &mut Context<'_>) {
        if !self.over {
            self.over = self.conn.poll_without_shutdown(cx).is_ready();
        }
    }
}

/// The body of a response, with the connection under it.
pub struct Stream {
    connection: HttpConnection,
    body: Incoming,
    /// Whether the body is compressed.
    pub gzip: bool,
}

impl Stream {
    /// The body of a response on `connection`.
    #[must_use]
    pub fn new(connection: HttpConnection, body: Incoming, gzip: bool) -> Stream {
        Stream { connection, body, gzip }
    }

    /// The next bytes; none when the body has ended cleanly.
    pub async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next bytes, if they are here or when they come; none when the body has ended cleanly.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        loop {
            // The body first: polling it makes the connection read more.
            let mut frame = Pin::new(&mut self.body).poll_frame(cx);
            if frame.is_pending() {
                self.connection.poll(cx);
                frame = Pin::new(&mut self.body).poll_frame(cx);
            }
            match ready!(frame) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error::from_hyper(&error, true)))),
                Some(Ok(frame)) => {
                    // Trailers: X documents none.
                    if let Ok(bytes) = frame.into_data()
                        && !bytes.is_empty()
                    {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
    }

    /// Ends the connection so that the server frees the slot, within 300 ms. The future owns the
    /// connection: it may be polled in the background, and dropping it closes the socket at once.
    pub async fn close(self) {
        self.connection.close().await;
    }
}
