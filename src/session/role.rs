//! What a connection is for, over all the connections that serve it one after another: its request, its place in the
//! backoff schedules, and what of its stream was received.

use super::backoff::Backoff;
use super::connection::Connection;
use super::coverage::Coverage;
use crate::protocol::request::Request;
use crate::time::Timestamp;

/// Where a role is.
#[derive(Debug)]
pub enum Phase {
    /// Nothing is to be done.
    Idle,
    /// Its dial is due, and waits for the state file.
    Granting,
    /// It waits before it dials.
    Waiting {
        /// Until then.
        until: Timestamp,
    },
    /// It has a connection, open or being opened.
    Connected(Box<Connection>),
}

/// The live stream.
#[derive(Debug)]
pub struct Role {
    /// What opens it.
    pub request: Request,
    /// Where it is.
    pub phase: Phase,
    /// How long to wait after which failure.
    pub backoff: Backoff,
    /// Attempts since it was last established.
    pub attempt: u32,
    /// Retries since it was last established.
    pub retries: u32,
    /// What of the stream was received.
    pub coverage: Coverage,
}

impl Role {
    /// A role that has not begun.
    #[must_use]
    pub fn new(request: Request) -> Role {
        Role {
            request,
            phase: Phase::Idle,
            backoff: Backoff::default(),
            attempt: 0,
            retries: 0,
            coverage: Coverage::default(),
        }
    }

    /// Its connection, if it has one.
    pub fn connection(&mut self) -> Option<&mut Connection> {
        match &mut self.phase {
            Phase::Connected(connection) => Some(connection),
            Phase::Idle | Phase::Granting | Phase::Waiting { .. } => None,
        }
    }

    /// Does something to its connection, if it has one.
    pub fn with_connection(&mut self, act: impl FnOnce(&mut Connection)) {
        if let Some(connection) = self.connection() {
            act(connection);
        }
    }

    /// Whether a request is on its way.
    #[must_use]
    pub fn is_dialling(&self) -> bool {
        matches!(&self.phase, Phase::Connected(connection) if connection.is_dialling())
    }

    /// Whether its wait is over.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        matches!(self.phase, Phase::Waiting { until } if until.monotonic <= now.monotonic)
    }

    /// When its next timer expires.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Waiting { until } => Some(*until),
            Phase::Connected(connection) => connection.next_timeout(),
            Phase::Idle | Phase::Granting => None,
        }
    }

    /// Its connection has become established: every schedule starts afresh.
    pub fn established(&mut self) {
        self.backoff.reset();
        self.attempt = 0;
        self.retries = 0;
    }
}
