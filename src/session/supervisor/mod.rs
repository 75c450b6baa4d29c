//! The supervisor: owns the connections of a run, the budget, the quota and the outcome, and grants every dial.
//!
//! ```text
//!          Started
//!             |          budget spent
//!             v        .-------------.
//!  .-> (state file) -> dial <--- Waiting <-.
//!  |                     |                 |  the schedule of that failure
//!  |                     v                 |
//!  |                Connection ------------'  refused, failed, ended
//!  '---------------------'  established and dropped: at once
//!
//!  any state: signal, reader gone, enough printed, time up, quota spent  ->  Stopping -> Exit
//! ```
//!
//! Its law: a dial never without the wait that is due, nor without a request that was counted before; and every event
//! of a run comes out of [`Supervisor::handle`].

mod after;
mod decisions;
mod shutdown;

use std::time::Duration;

use super::budget::Budget;
use super::connection::{Connection, Limits};
use super::event::{ArchiveEvent, Event, EventKind, WaitReason};
use super::input::{Action, Failure, Head, Input, LinkEvent, Query, QuotaState, Received, SyncedState};
use super::outcome::Outcome;
use super::role::{Phase, Role};
use super::timer::{self, TimerTable};
use crate::protocol::message::DisconnectReason;
use crate::protocol::request::Request;
use crate::time::Timestamp;
use decisions::Decisions;
use shutdown::Stopping;

/// What an archive is to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveMode {
    /// There is none.
    Off,
    /// It is written beside stdout; the run goes on without it if it fails.
    BesideStdout,
    /// It is the only output: if it fails, the run ends.
    Only,
}

/// How a run behaves.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// What opens the stream.
    pub request: Request,
    /// How often the server promises a sign of life.
    pub keep_alive: Duration,
    /// Silence after which a connection counts as dead.
    pub stall: Duration,
    /// Connection requests allowed in any 15 minutes.
    pub requests: u32,
    /// Retries allowed since a stream was last established; none: without limit.
    pub max_retries: Option<u32>,
    /// Whether a connection that ended is opened again.
    pub reconnect: bool,
    /// Whether the server ends the stream when everything that was requested is delivered: a recovery range.
    pub finite: bool,
    /// Whether the run waits for the quota's period to turn, instead of ending, when the quota is spent.
    pub quota_wait: bool,
    /// When the run ends by itself.
    pub deadline: Option<Timestamp>,
    /// Whether there is a state file, which other processes share.
    pub has_state: bool,
    /// What an archive is to the run.
    pub archive: ArchiveMode,
    /// Whether X lists connections of this stream, so that it can be asked about them.
    pub is_listed: bool,
    /// Whether to ask for the active rules at the start.
    pub list_rules: bool,
    /// Whether to end the connections that hold the slot, once.
    pub take_over: bool,
    /// Whether somebody reads X's own reason for an ending that ends the run too: a script that starts run after run
    /// must not ask with each.
    pub explains_end: bool,
    /// How much faster the run's clock goes than the user's. What concerns this machine alone takes real time.
    pub speed: u32,
    /// Seed of the jitter.
    pub seed: u64,
}

/// A reader that blocks the stream for less than this is just busy, and not worth a notice each time.
const BLOCKED_AFTER: Duration = Duration::from_secs(1);

/// How often the meter is brought to one count with the state file.
const METER_EVERY: Duration = Duration::from_secs(10);

/// How often the status is recorded.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// When it is reported that another process holds the state file.
const LOCK_REPORT_AFTER: Duration = Duration::from_secs(1);

/// What the supervisor itself waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunTimer {
    /// The time of `--for`.
    Deadline,
    /// The reader has blocked the stream for long enough to report it.
    BlockReport,
    /// The meter is due.
    Meter,
    /// The status is due.
    Status,
    /// The state file has been locked for long enough to report it.
    LockReport,
    /// The end of the run waits no longer for X's answer.
    Answer,
    /// It waits no longer for the reader.
    Flush,
    /// It waits no longer for connections to close, or for the state file.
    Close,
}

impl timer::Timer for RunTimer {
    const ALL: &'static [RunTimer] = &[
        RunTimer::Deadline,
        RunTimer::BlockReport,
        RunTimer::Meter,
        RunTimer::Status,
        RunTimer::LockReport,
        RunTimer::Answer,
        RunTimer::Flush,
        RunTimer::Close,
    ];

    fn index(self) -> usize {
        self as usize
    }
}

/// What a query is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QuerySubject {
    Rules,
    Ending,
}

/// Where the run is.
#[derive(Debug)]
enum RunStage {
    Running,
    Stopping(Stopping),
    Exited,
}

/// All connections of a run, as a pure function: (state, now, input) -> (state, events, actions).
#[derive(Debug)]
pub struct Supervisor {
    options: RunOptions,
    stage: RunStage,
    role: Role,
    timers: TimerTable<RunTimer>,
    budget: Budget,
    quota: Option<QuotaState>,
    random: fastrand::Rng,
    /// Connections so far.
    connections: u32,
    take_overs: Vec<Timestamp>,
    /// Since when the outbox is full.
    blocked: Option<Timestamp>,
    block_reported: bool,
    /// Whether a synchronisation of the state file was ordered and is not done.
    syncing: bool,
    /// Whether nothing is read because posts of the quota must be reserved first.
    awaits_grant: bool,
    /// Whether something beside the stream failed.
    degraded: bool,
    /// The query under way.
    asking: Option<QuerySubject>,
    /// When holders and reasons were last queried.
    asked: [Option<Timestamp>; 2],
}

impl Supervisor {
    /// A run that has not begun.
    #[must_use]
    pub fn new(options: RunOptions) -> Supervisor {
        Supervisor {
            stage: RunStage::Running,
            role: Role::new(options.request.clone()),
            timers: TimerTable::default(),
            budget: Budget::new(options.requests),
            quota: None,
            random: fastrand::Rng::with_seed(options.seed),
            connections: 0,
            take_overs: Vec::new(),
            blocked: None,
            block_reported: false,
            syncing: false,
            degraded: false,
            awaits_grant: false,
            asking: None,
            asked: [None; 2],
            options,
        }
    }

    /// Requests of the last 15 minutes, and how many are allowed.
    #[must_use]
    pub fn requests(&self, now: Timestamp) -> (usize, usize) {
        self.budget.count(now)
    }

    /// Posts per second over the last minute.
    #[must_use]
    pub fn rate(&self, now: Timestamp) -> f64 {
        self.role.coverage.rate(now)
    }

    /// When to call [`Supervisor::handle`] with `Elapsed`.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Timestamp> {
        let earliest = [self.timers.next(), self.role.next_timeout()];
        earliest.into_iter().flatten().min_by_key(|until| until.monotonic)
    }

    /// Takes what happened; appends what that means to `events` and what to do to `actions`.
    pub fn handle(&mut self, now: Timestamp, input: Input, events: &mut Vec<Event>, actions: &mut Vec<Action>) {
        let out = &mut Decisions { now, events, actions };
        match self.stage {
            RunStage::Running => self.run(input, out),
            RunStage::Stopping(_) => self.wind_down(input, out),
            RunStage::Exited => unreachable!("{input:?} after the exit"),
        }
    }

    fn run(&mut self, input: Input, out: &mut Decisions) {
        match input {
            Input::Started => self.start(out),
            Input::Elapsed => self.elapsed(out),
            Input::StateSynced(state) => self.synced(&state, out),
            Input::StateFailed(why) | Input::OutputFailed(why) => self.stop(Outcome::Failed(why), out),
            Input::Degraded(what) => self.degrade(what, out),
            Input::Archive(event) => {
                let failed = matches!(event, ArchiveEvent::Failed { .. });
                self.archive(event, out);
                if failed && self.options.archive == ArchiveMode::Only {
                    let why = "the archive failed, and --no-stdout leaves no other output".to_owned();
                    self.stop(Outcome::Failed(why), out);
                }
            }
            Input::GrantUsed => {
                // Nothing is read until posts are reserved: silence says nothing about the server.
                self.awaits_grant = true;
                self.role.with_connection(Connection::pause);
                self.sync(out);
            }
            Input::Link { connection, event } => self.link(connection, event, out),
            Input::OutputBlocked => {
                self.blocked = Some(out.now);
                self.timers.set(RunTimer::BlockReport, out.now.after(BLOCKED_AFTER));
                self.role.with_connection(Connection::pause);
            }
            Input::OutputUnblocked => self.unblocked(out),
            Input::ReaderLeft => self.stop(Outcome::ReaderLeft, out),
            Input::Answered(response) => self.answered(response, out),
            Input::Signalled(signal) => self.stop(Outcome::Signalled(signal), out),
            Input::OutputDrained | Input::LinksClosed | Input::ArchiveClosed => {
                unreachable!("{input:?} in {:?}", self.stage)
            }
        }
    }

    fn start(&mut self, out: &mut Decisions) {
        if let Some(deadline) = self.options.deadline {
            self.timers.set(RunTimer::Deadline, deadline);
        }
        self.timers.set(RunTimer::Status, out.now.after(STATUS_EVERY));
        if self.options.list_rules {
            self.asking = Some(QuerySubject::Rules);
            out.actions.push(Action::Ask(Query::Rules));
        }
        self.request_dial(out);
    }

    fn elapsed(&mut self, out: &mut Decisions) {
        while let Some(timer) = self.timers.expired(out.now) {
            match timer {
                RunTimer::Deadline => return self.stop(Outcome::TimeUp, out),
                RunTimer::BlockReport => {
                    self.block_reported = true;
                    self.role.with_connection(Connection::blame_reader);
                    out.event(self.connections, EventKind::Blocked);
                }
                RunTimer::Meter => self.sync(out),
                RunTimer::Status => {
                    self.timers.set(RunTimer::Status, out.now.after(STATUS_EVERY));
                    out.event(self.connections, EventKind::Status);
                }
                RunTimer::LockReport => out.event(self.connections, EventKind::LockHeld),
                RunTimer::Answer | RunTimer::Flush | RunTimer::Close => unreachable!("{timer:?} in {:?}", self.stage),
            }
        }
        if self.role.is_due(out.now) {
            return self.request_dial(out);
        }
        let Some(connection) = self.role.connection() else { return };
        let number = connection.number();
        let mut kinds = Vec::new();
        let step = connection.elapsed(out.now, &mut kinds);
        out.all(number, kinds);
        if step.established {
            self.established(number, out);
        }
        if let Some(reason) = step.reason {
            self.close(reason, out);
        }
    }

    // The state file and the dial.

    /// A dial is due. Whatever other processes spent must be known first.
    fn request_dial(&mut self, out: &mut Decisions) {
        self.role.phase = Phase::Granting;
        self.sync(out);
    }

    fn sync(&mut self, out: &mut Decisions) {
        self.timers.stop(RunTimer::Meter);
        if !self.syncing {
            self.syncing = true;
            self.timers.set(RunTimer::LockReport, out.now.after(LOCK_REPORT_AFTER));
            out.actions.push(Action::SyncState { reserve: true });
        }
    }

    fn synced(&mut self, state: &SyncedState, out: &mut Decisions) {
        self.syncing = false;
        if std::mem::take(&mut self.awaits_grant) && self.blocked.is_none() {
            self.role.with_connection(|connection| connection.resume(out.now));
        }
        self.timers.stop(RunTimer::LockReport);
        if self.options.has_state {
            self.timers.set(RunTimer::Meter, out.now.after(METER_EVERY));
        }
        let shared = state.budget.is_some();
        if let Some(budget) = &state.budget {
            self.budget.load(out.now, budget);
        }
        self.quota = state.quota.or(self.quota);
        if let Some(quota) = self.quota.filter(|quota| quota.spent) {
            self.quota_spent(quota, out);
        } else if let Phase::Granting = self.role.phase {
            self.dial(out);
        }
        if shared {
            out.actions.push(Action::SaveBudget(self.budget.share()));
        }
    }

    fn dial(&mut self, out: &mut Decisions) {
        let wait = self.budget.wait(out.now);
        if !wait.is_zero() {
            return self.wait(wait, WaitReason::Budget, out);
        }
        self.budget.spend(out.now);
        self.connections += 1;
        self.role.attempt += 1;
        let limits = Limits { keep_alive: self.options.keep_alive, stall: self.options.stall };
        let connection = Connection::dialling(self.connections, out.now, limits);
        self.role.phase = Phase::Connected(Box::new(connection));
        out.event(self.connections, EventKind::Dialling { attempt: self.role.attempt });
        out.actions.push(Action::Dial { connection: self.connections, request: self.role.request.clone() });
    }

    /// A request was answered, or failed: its time is known, and what the answer said about the rate limit.
    fn count_request(&mut self, sent: bool, head: Option<&Head>, out: &mut Decisions) {
        if sent {
            self.budget.sent(out.now);
        } else {
            self.budget.give_back();
        }
        if let Some(head) = head {
            self.budget.note(out.now, &head.rate, head.date.unwrap_or(out.now.wall));
        }
        if self.options.has_state && matches!(self.stage, RunStage::Running) {
            self.sync(out);
        }
    }

    // Connections.

    fn link(&mut self, number: u32, event: LinkEvent, out: &mut Decisions) {
        let blocked = self.blocked.is_some();
        let paused = blocked || self.awaits_grant;
        let Some(connection) = self.role.connection().filter(|connection| connection.number() == number) else {
            unreachable!("{event:?} of connection {number} in {:?}", self.role.phase)
        };
        match event {
            LinkEvent::Opened(head) => {
                connection.opened(out.now, paused);
                if blocked {
                    self.block_reported = false;
                    self.timers.set(RunTimer::BlockReport, out.now.after(BLOCKED_AFTER));
                }
                self.count_request(true, Some(&head), out);
                out.event(number, EventKind::Opened { rate: head.rate });
            }
            LinkEvent::Refused(refusal) => {
                self.count_request(true, Some(&refusal.head), out);
                let reason = after::from_refusal(&refusal);
                self.ended(reason, Some(&refusal), out);
            }
            LinkEvent::Failed(failure) => {
                self.count_request(failure.sent, None, out);
                self.lost(failure, out);
            }
            LinkEvent::Received(received) => self.received(number, *received, out),
            LinkEvent::Closed(failure) => self.lost(failure, out),
        }
    }

    fn received(&mut self, number: u32, received: Received, out: &mut Decisions) {
        let Some(connection) = self.role.connection() else { return };
        let (bytes, full) = (received.report.bytes, received.report.full);
        let (posts, first, last) = (received.report.posts, received.report.first_id, received.report.last_id);
        let quota = received.quota;
        let mut kinds = Vec::new();
        let step = connection.received(out.now, received, &mut kinds);
        out.all(number, kinds);
        if bytes > 0 {
            let gap = self.role.coverage.received(out.now, posts, first, last);
            out.all(number, gap.map(EventKind::Gap));
        }
        if step.established {
            self.established(number, out);
        }
        if full {
            return self.stop(Outcome::Full, out);
        }
        self.quota = quota.or(self.quota);
        if let Some(reason) = step.reason {
            self.close(reason, out);
        } else if let Some(quota) = self.quota.filter(|quota| quota.spent) {
            self.quota_spent(quota, out);
        }
    }

    fn established(&mut self, number: u32, out: &mut Decisions) {
        self.role.established();
        // No post has come to name the end of the gap; it is reported without.
        let gap = self.role.coverage.take_closed();
        out.all(number, gap.map(EventKind::Gap));
        out.event(number, EventKind::Established);
    }

    /// An open connection must end, for this reason.
    fn close(&mut self, reason: DisconnectReason, out: &mut Decisions) {
        let Some(connection) = self.role.connection() else { return };
        let number = connection.number();
        connection.close(reason);
        out.actions.push(Action::Close { connection: number });
    }

    /// A connection is over.
    fn lost(&mut self, failure: Failure, out: &mut Decisions) {
        self.ended(DisconnectReason::local(failure.cause, failure.detail), None, out);
    }

    // The reader, and what fails beside the stream.

    fn unblocked(&mut self, out: &mut Decisions) {
        self.timers.stop(RunTimer::BlockReport);
        if !self.awaits_grant {
            self.role.with_connection(|connection| connection.resume(out.now));
        }
        if let Some(since) = self.blocked.take()
            && std::mem::take(&mut self.block_reported)
        {
            out.event(self.connections, EventKind::Unblocked { after: out.now.since(since) });
        }
    }

    fn archive(&mut self, event: ArchiveEvent, out: &mut Decisions) {
        self.degraded |= matches!(event, ArchiveEvent::Failed { .. } | ArchiveEvent::NotScrubbed { .. });
        out.event(self.connections, EventKind::Archive(event));
    }

    fn degrade(&mut self, what: String, out: &mut Decisions) {
        self.degraded = true;
        out.event(self.connections, EventKind::Degraded(what));
    }
}

#[cfg(test)]
mod tests;
