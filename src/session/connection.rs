//! One connection, from its dial to its end. Pure: every transition is in this file.
//!
//! ```text
//! Dialling --Opened--> Listening --ending in-band, stall--> Closing
//!    |                     |                                   |
//!    '--Refused, Failed----'--Closed---------------------------'--> over
//! ```
//!
//! Its law: what it waits for is in its timer table and nowhere else.

use std::time::Duration;

use super::event::{EventKind, Traffic};
use super::input::Received;
use super::timer::{self, TimerTable};
use crate::pipeline::report::Diagnostic;
use crate::protocol::disconnect::{Code, LocalCause};
use crate::protocol::message::{DisconnectReason, Notice};
use crate::time::Timestamp;

/// How long a connection must stand, besides delivering a line, before it counts as established. Without
/// this a server that accepts and closes would be dialled in a hot loop.
pub const ESTABLISHED_AFTER: Duration = Duration::from_secs(10);

/// How long after its time a heartbeat is late: real ones arrive up to two seconds late.
pub const LATE: Duration = Duration::from_secs(5);

/// How many stall limits a line may stay unfinished while bytes trickle in.
pub const UNFINISHED_STALLS: u32 = 3;

/// How long a connection may be silent.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How often the server promises a sign of life.
    pub keep_alive: Duration,
    /// Silence after which a connection counts as dead.
    pub stall: Duration,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConnectionTimer {
    Established,
    Stall,
    UnfinishedLine,
    Late,
}

impl timer::Timer for ConnectionTimer {
    // A stall outranks a late heartbeat that was noticed no sooner.
    const ALL: &'static [ConnectionTimer] =
        &[ConnectionTimer::Established, ConnectionTimer::Stall, ConnectionTimer::UnfinishedLine, ConnectionTimer::Late];

    fn index(self) -> usize {
        self as usize
    }
}

#[derive(Debug)]
enum ConnectionState {
    Dialling,
    Listening,
    /// It is being closed for this reason.
    Closing(DisconnectReason),
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    number: u32,
    limits: Limits,
    state: ConnectionState,
    timers: TimerTable<ConnectionTimer>,
    opened: Timestamp,
    last_byte: Timestamp,
    /// When the line that is not finished yet began.
    line_since: Option<Timestamp>,
    traffic: Traffic,
    /// Whether it was reported that the heartbeat is late.
    late: bool,
    got_line: bool,
    established: bool,
    /// Whether nothing is read because our own reader is behind.
    paused: bool,
    slow_reader: bool,
    /// A plain-text line or HTML: the reason of the ending that follows.
    text: Option<DisconnectReason>,
    delivered: bool,
    undelivered: bool,
}

/// What an input meant for the supervisor.
#[derive(Debug, Default)]
pub struct ConnectionUpdate {
    /// The connection must end, for this reason.
    pub reason: Option<DisconnectReason>,
    /// The connection has become established.
    pub established: bool,
}

/// How a connection ended, and what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub reason: DisconnectReason,
    /// Whether it was ever open.
    pub opened: bool,
    /// How long it was open.
    pub lived: Duration,
    /// Whether it was established.
    pub established: bool,
    /// Whether it became established this very moment.
    pub newly_established: bool,
    /// What it delivered.
    pub traffic: Traffic,
    /// Whether our own reader was behind during it.
    pub slow_reader: bool,
    /// The server said that everything that was requested is delivered.
    pub delivered: bool,
    /// The server said that it is not, or ended within a line.
    pub undelivered: bool,
}

impl Connection {
    /// A connection that is being opened.
    #[must_use]
    pub fn dialling(number: u32, now: Timestamp, limits: Limits) -> Connection {
        Connection {
            number,
            limits,
            state: ConnectionState::Dialling,
            timers: TimerTable::default(),
            opened: now,
            last_byte: now,
            line_since: None,
            traffic: Traffic::default(),
            late: false,
            got_line: false,
            established: false,
            paused: false,
            slow_reader: false,
            text: None,
            delivered: false,
            undelivered: false,
        }
    }

    /// Its number in this run.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether its request has no answer yet.
    #[must_use]
    pub fn is_dialling(&self) -> bool {
        matches!(self.state, ConnectionState::Dialling)
    }

    /// When its next timer expires.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Timestamp> {
        self.timers.next()
    }

    /// The server answered 200.
    pub fn opened(&mut self, now: Timestamp, paused: bool) {
        match self.state {
            ConnectionState::Dialling => self.state = ConnectionState::Listening,
            ConnectionState::Listening | ConnectionState::Closing(_) => unreachable!("{:?} and a response", self.state),
        }
        self.opened = now;
        self.last_byte = now;
        self.paused = paused;
        self.set_timers();
    }

    /// Bytes arrived.
    pub fn received(&mut self, now: Timestamp, received: Received, events: &mut Vec<EventKind>) -> ConnectionUpdate {
        if self.is_dialling() {
            unreachable!("{:?} and {received:?}", self.state);
        }
        let Received { mut report, within_line, .. } = received;
        if self.traffic.bytes == 0 && report.bytes > 0 {
            events.push(EventKind::FirstByte { after: now.since(self.opened) });
        }
        self.traffic.bytes += report.bytes;
        self.traffic.lines += report.lines;
        self.traffic.posts += report.posts;
        self.got_line |= report.lines > 0;
        self.delivered |= report.delivered;
        self.undelivered |= report.undelivered;
        if report.bytes > 0 {
            self.late = false;
            self.last_byte = now;
            self.line_since = match (within_line, report.lines) {
                (false, _) => None,
                (true, 0) => self.line_since.or(Some(now)),
                (true, _) => Some(now),
            };
        }
        if report.posts > 0 {
            self.text = None;
        }
        let announced = report.reason.take();
        let diagnostics = std::mem::take(&mut report.diagnostics).into_iter().map(|diagnostic| match diagnostic {
            // The ending that ends the stream is reported with its end; further ones only here.
            Diagnostic::Notice(Notice::Disconnect(reason)) if Some(&reason) != announced.as_ref() => {
                EventKind::FurtherDisconnect(reason)
            }
            diagnostic => EventKind::Diagnostic(diagnostic),
        });
        let diagnostics: Vec<EventKind> = diagnostics.collect();
        let (suppressed, full) = (report.suppressed(), report.full);
        events.push(EventKind::Received(Box::new(report)));
        events.extend(diagnostics);
        if suppressed > 0 {
            events.push(EventKind::Suppressed { count: suppressed });
        }
        // Enough is enough: what ends the stream after the last message is not waited for.
        let mut reason = announced.filter(|_| !full);
        if let Some(text) = reason.take_if(|reason| matches!(reason.code, Code::Text(_))) {
            self.text.get_or_insert(text);
        }
        if let ConnectionState::Closing(_) = self.state {
            return ConnectionUpdate::default();
        }
        let established = self.establish(now);
        self.set_timers();
        ConnectionUpdate { reason, established }
    }

    /// A timer may have expired.
    pub fn elapsed(&mut self, now: Timestamp, events: &mut Vec<EventKind>) -> ConnectionUpdate {
        let mut step = ConnectionUpdate::default();
        while let Some(timer) = self.timers.expired(now) {
            let silence = now.since(self.last_byte);
            match timer {
                ConnectionTimer::Established => step.established |= self.establish(now),
                ConnectionTimer::Stall => {
                    let stall = || {
                        DisconnectReason::local(
                            LocalCause::Stall,
                            format!("nothing arrived for {} s", silence.as_secs()),
                        )
                    };
                    step.reason = Some(self.text.clone().unwrap_or_else(stall));
                    return step;
                }
                ConnectionTimer::UnfinishedLine => {
                    let unfinished = self.line_since.map_or(Duration::ZERO, |since| now.since(since));
                    let detail = format!("a line was left unfinished for {} s", unfinished.as_secs());
                    step.reason = Some(DisconnectReason::local(LocalCause::UnfinishedLine, detail));
                    return step;
                }
                ConnectionTimer::Late => {
                    self.late = true;
                    events.push(EventKind::Late { silence });
                }
            }
        }
        step
    }

    /// Nothing is read from here on, because our own reader is behind: silence says nothing about the server.
    pub fn pause(&mut self) {
        self.paused = true;
        self.set_timers();
    }

    /// It was reported that the reader process lags.
    pub fn blame_reader(&mut self) {
        self.slow_reader = true;
    }

    /// Reading goes on. The silence was ours: the server gets its whole limit again.
    pub fn resume(&mut self, now: Timestamp) {
        self.paused = false;
        self.last_byte = now;
        self.line_since = self.line_since.map(|_| now);
        self.set_timers();
    }

    /// It is to be closed for this reason; `Closed` follows.
    pub fn close(&mut self, reason: DisconnectReason) {
        self.state = ConnectionState::Closing(reason);
        self.timers.clear();
    }

    /// Whether it delivers, or may.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, ConnectionState::Listening)
    }

    /// It is over, or was never open, for this reason unless a better one is known.
    #[must_use]
    pub fn ended(mut self, now: Timestamp, reason: DisconnectReason) -> Ended {
        let newly_established = self.establish(now);
        let opened = !self.is_dialling();
        let reason = match self.state {
            ConnectionState::Closing(reason) => reason,
            ConnectionState::Dialling | ConnectionState::Listening => self.text.take().unwrap_or(reason),
        };
        Ended {
            reason,
            opened,
            lived: if opened { now.since(self.opened) } else { Duration::ZERO },
            established: self.established,
            newly_established,
            traffic: self.traffic,
            slow_reader: self.slow_reader,
            delivered: self.delivered,
            undelivered: self.undelivered,
        }
    }

    fn establish(&mut self, now: Timestamp) -> bool {
        if self.is_dialling() || self.established || !self.got_line || now.since(self.opened) < ESTABLISHED_AFTER {
            return false;
        }
        self.established = true;
        true
    }

    fn set_timers(&mut self) {
        self.timers.clear();
        // A dial has its own timeouts, and a connection that closes has none.
        if !self.is_open() {
            return;
        }
        if self.got_line && !self.established {
            self.timers.set(ConnectionTimer::Established, self.opened.after(ESTABLISHED_AFTER));
        }
        if self.paused {
            return;
        }
        self.timers.set(ConnectionTimer::Stall, self.last_byte.after(self.limits.stall));
        if let Some(since) = self.line_since {
            self.timers.set(ConnectionTimer::UnfinishedLine, since.after(self.limits.stall * UNFINISHED_STALLS));
        }
        if !self.late {
            self.timers.set(ConnectionTimer::Late, self.last_byte.after(self.limits.keep_alive + LATE));
        }
    }
}
