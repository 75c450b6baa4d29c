//! The log of the server: requests, connections and how each ended. Tests read it and wait on it.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::feed::number_set::NumberSet;

/// One request as it came.
#[derive(Clone)]
pub struct LoggedRequest {
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

impl LoggedRequest {
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
impl fmt::Debug for LoggedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("LoggedRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &self.query)
            .field("headers", &names)
            .field("body", &self.body.len())
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// How a connection ended, by which side ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The client closed it. Clean: with a FIN, and over TLS with `close_notify` first.
    /// A client that only shuts its writing half counts as closed, too.
    ClientClosed {
        /// Whether it closed properly.
        clean: bool,
    },
    /// The client reset it.
    ClientReset,
    /// The server closed it, because of the script or a limit.
    ServerEnded,
    /// The TLS handshake failed; the text is that of rustls.
    HandshakeFailed(String),
}

/// One connection.
#[derive(Debug, Clone)]
pub struct ConnectionLog {
    /// How many requests came on it.
    pub requests: usize,
    /// How many messages were written to it.
    pub delivered: u64,
    /// Which messages of the feed were written to it.
    pub numbers: NumberSet,
    /// `None` while it is open. After a clean end of a stream (`end`) the connection stays open
    /// for another request, so its ending is what the client does then.
    pub ending: Option<Ending>,
}

/// The records of all connections.
#[derive(Default)]
pub(crate) struct Log {
    records: Mutex<Records>,
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct Records {
    pub(crate) requests: Vec<LoggedRequest>,
    pub(crate) connections: Vec<ConnectionLog>,
    pub(crate) delivered: u64,
}

/// Requests kept. A server that runs for weeks must not fill the memory; what comes after this many
/// is served but not remembered. Tests stay far below.
const KEPT: usize = 100_000;

impl Log {
    pub(crate) fn read(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<T>(&self, change: impl FnOnce(&mut Records) -> T) -> T {
        let result = change(&mut self.read());
        self.changed.notify_all();
        result
    }

    pub(crate) fn opened(&self) -> usize {
        self.write(|records| {
            records.connections.push(ConnectionLog {
                requests: 0,
                delivered: 0,
                numbers: NumberSet::default(),
                ending: None,
            });
            records.connections.len() - 1
        })
    }

    pub(crate) fn requested(&self, request: &LoggedRequest) {
        self.write(|records| {
            records.connections[request.connection].requests += 1;
            if records.requests.len() < KEPT {
                records.requests.push(request.clone());
            }
        });
    }

    pub(crate) fn delivered(&self, connection: usize, messages: u64) {
        self.write(|records| {
            records.delivered += messages;
            records.connections[connection].delivered += messages;
        });
    }

    pub(crate) fn delivered_number(&self, connection: usize, number: u64) {
        self.write(|records| {
            records.connections[connection].numbers.insert(number);
        });
    }

    /// The first ending counts: what follows a close is only its echo.
    pub(crate) fn ended(&self, connection: usize, ending: Ending) {
        self.write(|records| {
            let connection = &mut records.connections[connection];
            if connection.ending.is_none() {
                connection.ending = Some(ending);
            }
        });
    }

    /// Waits until a condition holds or the time is up; returns the records either way.
    pub(crate) fn wait(&self, within: Duration, condition: impl Fn(&Records) -> bool) -> MutexGuard<'_, Records> {
        let records = self.read();
        let (records, _) = self
            .changed
            .wait_timeout_while(records, within, |records| !condition(records))
            .unwrap_or_else(PoisonError::into_inner);
        records
    }
}
