//! What the server saw: requests, connections and how each ended. Tests read it and wait on it.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One request as it came.
#[derive(Clone)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// What follows the `?`, undecoded; empty if there is none.
    pub query: String,
    /// Names as sent, values as text.
    pub headers: Vec<(String, String)>,
    /// The body, at most 1 MiB.
    pub body: Vec<u8>,
    /// When the request was complete.
    pub at: Instant,
    /// The connection it came on: an index into `Server::connections`.
    pub connection: usize,
}

impl Request {
    /// The first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The undecoded value of a query parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').filter_map(|pair| pair.split_once('=')).find(|(n, _)| *n == name).map(|(_, value)| value)
    }
}

/// Without header values and body: a token must not reach the output of a failing test.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &self.query)
            .field("headers", &names)
            .field("body", &self.body.len())
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// How a connection ended, by who went first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The client closed it. Clean: with a FIN, and over TLS with a goodbye (`close_notify`) first.
    /// A client that only shuts its writing half counts as gone, too.
    ClientClosed {
        /// Whether it said goodbye properly.
        clean: bool,
    },
    /// The client reset it.
    ClientReset,
    /// The server closed it: the script or a limit said so.
    ServerEnded,
    /// TLS could not be agreed on; this is what rustls says.
    HandshakeFailed(String),
}

/// One connection.
#[derive(Debug, Clone)]
pub struct ConnectionLog {
    /// When it was accepted.
    pub opened: Instant,
    /// When its ending was known.
    pub closed: Option<Instant>,
    /// How many requests came on it.
    pub requests: usize,
    /// How many messages were written to it.
    pub delivered: u64,
    /// `None` while it is open. After a clean end of a stream (`end`) the connection stays open
    /// for another request, so its ending is what the client does then.
    pub ending: Option<Ending>,
}

/// The book in which all connections write.
#[derive(Default)]
pub(super) struct Log {
    book: Mutex<Book>,
    changed: Condvar,
}

#[derive(Default)]
pub(super) struct Book {
    pub(super) requests: Vec<Request>,
    pub(super) connections: Vec<ConnectionLog>,
    pub(super) delivered: u64,
}

/// Requests kept. A server that runs for weeks must not fill the memory; what comes after this many
/// is served but not remembered. Tests stay far below.
const KEPT: usize = 100_000;

impl Log {
    pub(super) fn read(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T>(&self, change: impl FnOnce(&mut Book) -> T) -> T {
        let result = change(&mut self.read());
        self.changed.notify_all();
        result
    }

    pub(super) fn opened(&self) -> usize {
        self.write(|book| {
            book.connections.push(ConnectionLog {
                opened: Instant::now(),
                closed: None,
                requests: 0,
                delivered: 0,
                ending: None,
            });
            book.connections.len() - 1
        })
    }

    pub(super) fn requested(&self, request: &Request) {
        self.write(|book| {
            book.connections[request.connection].requests += 1;
            if book.requests.len() < KEPT {
                book.requests.push(request.clone());
            }
        });
    }

    pub(super) fn delivered(&self, connection: usize, messages: u64) {
        self.write(|book| {
            book.delivered += messages;
            book.connections[connection].delivered += messages;
        });
    }

    /// The first ending counts: what follows a close is only its echo.
    pub(super) fn ended(&self, connection: usize, ending: Ending) {
        self.write(|book| {
            let connection = &mut book.connections[connection];
            if connection.ending.is_none() {
                connection.ending = Some(ending);
                connection.closed = Some(Instant::now());
            }
        });
    }

    /// Waits until something is so, or the time is up; returns the book either way.
    pub(super) fn wait(&self, within: Duration, so: impl Fn(&Book) -> bool) -> MutexGuard<'_, Book> {
        let book = self.read();
        let (book, _) =
            self.changed.wait_timeout_while(book, within, |book| !so(book)).unwrap_or_else(PoisonError::into_inner);
        book
    }
}
