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

use std::time::Duration;

use super::backoff::IMMEDIATE_JITTER;
use super::budget::{Budget, RESET_MARGIN};
use super::connection::{Connection, Ended, Limits, of_own};
use super::event::{Event, EventKind, WaitReason};
use super::input::{
    Action, Failure, Head, Input, LinkEvent, Query, QuotaState, Received, Refusal, Response, SyncedState,
};
use super::outcome::{FAILED, Outcome, Signal};
use super::quota;
use super::reaction::{Reaction, TAKE_OVER_WINDOW, TAKE_OVERS, WITHOUT_RESET, reaction};
use super::role::{Phase, Role};
use super::timer::{self, TimerTable};
use crate::protocol::disconnect::{Code, ConnectionIssue, LocalCause, TextLine};
use crate::protocol::message::DisconnectReason;
use crate::protocol::request::Request;
use crate::time::Timestamp;

/// How a run behaves.
#[derive(Debug, Clone)]
pub struct Options {
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

/// How long an end by signal may take to flush what the reader has not taken yet, and any end to close the connections
/// and to write the state file.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(500);

/// How long the end of a run waits for X's answer.
const LAST_ANSWER: Duration = Duration::from_secs(2);

/// X publishes no rate limit for its list of connections; one request in five minutes is within any that it has.
const ASK_EVERY: Duration = Duration::from_secs(5 * 60);

/// What the supervisor itself waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timer {
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

impl timer::Timer for Timer {
    const ALL: &'static [Timer] = &[
        Timer::Deadline,
        Timer::BlockReport,
        Timer::Meter,
        Timer::Status,
        Timer::LockReport,
        Timer::Answer,
        Timer::Flush,
        Timer::Close,
    ];

    fn index(self) -> usize {
        self as usize
    }
}

/// The end of a run, on its way.
#[derive(Debug)]
struct Stopping {
    outcome: Outcome,
    links_closed: bool,
    drained: bool,
    /// Whether an answer of X is waited for.
    awaits_answer: bool,
    /// Whether the state file was asked for the last time, and whether that is done.
    last_sync: Option<bool>,
}

impl Stopping {
    /// A signal after the end was decided: nothing is waited for any more. It is the outcome only if something was.
    fn hurry(&mut self, signal: Signal) {
        if !self.drained || self.awaits_answer {
            self.outcome = Outcome::Signalled(signal);
        }
        (self.links_closed, self.drained, self.awaits_answer) = (true, true, false);
    }
}

/// Where the run is.
#[derive(Debug)]
enum Stage {
    Running,
    Stopping(Stopping),
    Exited,
}

/// All connections of a run, as a pure function: (state, now, input) -> (state, events, actions).
#[derive(Debug)]
pub struct Supervisor {
    options: Options,
    stage: Stage,
    role: Role,
    timers: TimerTable<Timer>,
    budget: Budget,
    quota: Option<QuotaState>,
    random: fastrand::Rng,
    /// Connections so far.
    connections: u32,
    take_overs: Vec<Timestamp>,
    /// Since when the outbox is full.
    blocked: Option<Timestamp>,
    block_reported: bool,
    /// Whether the state file was asked for and has not come.
    syncing: bool,
    /// Whether something beside the stream failed.
    degraded: bool,
    /// The query under way, if it is about an ending.
    asking: bool,
    /// When holders and reasons were last asked for.
    asked: [Option<Timestamp>; 2],
}

/// Where a call of [`Supervisor::handle`] puts what it decides.
struct Output<'a> {
    now: Timestamp,
    events: &'a mut Vec<Event>,
    actions: &'a mut Vec<Action>,
}

impl Output<'_> {
    fn event(&mut self, connection: u32, kind: EventKind) {
        self.events.push(Event { at: self.now, connection, kind });
    }

    fn all(&mut self, connection: u32, kinds: impl IntoIterator<Item = EventKind>) {
        for kind in kinds {
            self.event(connection, kind);
        }
    }
}

impl Supervisor {
    /// A run that has not begun.
    #[must_use]
    pub fn new(options: Options) -> Supervisor {
        Supervisor {
            stage: Stage::Running,
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
            asking: false,
            asked: [None; 2],
            options,
        }
    }

    /// The number of the current or last connection, from 1; 0 before the first.
    #[must_use]
    pub fn connection(&self) -> u32 {
        self.connections
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
        let out = &mut Output { now, events, actions };
        match self.stage {
            Stage::Running => self.run(input, out),
            Stage::Stopping(_) => self.wind_down(input, out),
            Stage::Exited => unreachable!("{input:?} after the exit"),
        }
    }

    fn run(&mut self, input: Input, out: &mut Output) {
        match input {
            Input::Started => self.start(out),
            Input::Elapsed => self.elapsed(out),
            Input::StateSynced(state) => self.synced(&state, out),
            Input::StateFailed(why) | Input::OutputFailed(why) => self.stop(Outcome::Failed(why), out),
            Input::Degraded(what) => self.degrade(what, out),
            Input::GrantUsed => self.sync(out),
            Input::Link { connection, event } => self.link(connection, event, out),
            Input::OutputBlocked => {
                self.blocked = Some(out.now);
                self.timers.set(Timer::BlockReport, out.now.after(BLOCKED_AFTER));
                self.role.each(Connection::pause);
            }
            Input::OutputUnblocked => self.unblocked(out),
            Input::ReaderLeft => self.stop(Outcome::ReaderLeft, out),
            Input::Answered(response) => self.answered(response, out),
            Input::Signalled(signal) => self.stop(Outcome::Signalled(signal), out),
            Input::OutputDrained | Input::LinksClosed => unreachable!("{input:?} in {:?}", self.stage),
        }
    }

    fn start(&mut self, out: &mut Output) {
        if let Some(deadline) = self.options.deadline {
            self.timers.set(Timer::Deadline, deadline);
        }
        self.timers.set(Timer::Status, out.now.after(STATUS_EVERY));
        if self.options.list_rules {
            out.actions.push(Action::Ask(Query::Rules));
        }
        self.request_dial(out);
    }

    fn elapsed(&mut self, out: &mut Output) {
        while let Some(timer) = self.timers.expired(out.now) {
            match timer {
                Timer::Deadline => return self.stop(Outcome::TimeUp, out),
                Timer::BlockReport => {
                    self.block_reported = true;
                    self.role.each(Connection::blame_reader);
                    out.event(self.connections, EventKind::Blocked);
                }
                Timer::Meter => self.sync(out),
                Timer::Status => {
                    self.timers.set(Timer::Status, out.now.after(STATUS_EVERY));
                    out.event(self.connections, EventKind::Status);
                }
                Timer::LockReport => out.event(self.connections, EventKind::LockHeld),
                Timer::Answer | Timer::Flush | Timer::Close => unreachable!("{timer:?} in {:?}", self.stage),
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
        if let Some(ending) = step.ending {
            self.close(ending, out);
        }
    }

    // The state file and the dial.

    /// A dial is due. Whatever other processes spent must be known first.
    fn request_dial(&mut self, out: &mut Output) {
        self.role.phase = Phase::Granting;
        self.sync(out);
    }

    fn sync(&mut self, out: &mut Output) {
        self.timers.stop(Timer::Meter);
        if !self.syncing {
            self.syncing = true;
            self.timers.set(Timer::LockReport, out.now.after(LOCK_REPORT_AFTER));
            out.actions.push(Action::SyncState { reserve: true });
        }
    }

    fn synced(&mut self, state: &SyncedState, out: &mut Output) {
        self.syncing = false;
        self.timers.stop(Timer::LockReport);
        if self.options.has_state {
            self.timers.set(Timer::Meter, out.now.after(METER_EVERY));
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

    fn dial(&mut self, out: &mut Output) {
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
    fn count_request(&mut self, sent: bool, head: Option<&Head>, out: &mut Output) {
        if sent {
            self.budget.sent(out.now);
        } else {
            self.budget.give_back();
        }
        if let Some(head) = head {
            self.budget.note(out.now, &head.rate, head.date.unwrap_or(out.now.wall));
        }
        if self.options.has_state && matches!(self.stage, Stage::Running) {
            self.sync(out);
        }
    }

    // Connections.

    fn link(&mut self, number: u32, event: LinkEvent, out: &mut Output) {
        let paused = self.blocked.is_some();
        let Some(connection) = self.role.connection().filter(|connection| connection.number() == number) else {
            unreachable!("{event:?} of connection {number} in {:?}", self.role.phase)
        };
        match event {
            LinkEvent::Opened(head) => {
                connection.opened(out.now, paused);
                if paused {
                    self.block_reported = false;
                    self.timers.set(Timer::BlockReport, out.now.after(BLOCKED_AFTER));
                }
                self.count_request(true, Some(&head), out);
                out.event(number, EventKind::Opened { rate: head.rate });
            }
            LinkEvent::Refused(refusal) => {
                self.count_request(true, Some(&refusal.head), out);
                let ending = of_refusal(&refusal);
                self.ended(ending, Some(&refusal), out);
            }
            LinkEvent::Failed(failure) => {
                self.count_request(failure.sent, None, out);
                self.over(failure, out);
            }
            LinkEvent::Received(received) => self.received(number, *received, out),
            LinkEvent::Closed(failure) => self.over(failure, out),
        }
    }

    fn received(&mut self, number: u32, received: Received, out: &mut Output) {
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
        if let Some(ending) = step.ending {
            self.close(ending, out);
        } else if let Some(quota) = self.quota.filter(|quota| quota.spent) {
            self.quota_spent(quota, out);
        }
    }

    fn established(&mut self, number: u32, out: &mut Output) {
        self.role.established();
        // No post has come to name the end of the gap; it is reported without.
        let gap = self.role.coverage.take_closed();
        out.all(number, gap.map(EventKind::Gap));
        out.event(number, EventKind::Established);
    }

    /// An open connection must end, for this reason.
    fn close(&mut self, ending: DisconnectReason, out: &mut Output) {
        let Some(connection) = self.role.connection() else { return };
        let number = connection.number();
        connection.close(ending);
        out.actions.push(Action::Close { connection: number });
    }

    /// A connection is over.
    fn over(&mut self, failure: Failure, out: &mut Output) {
        let ending = DisconnectReason {
            code: Code::Local(failure.own),
            detail: Some(failure.detail).filter(|text| !text.is_empty()),
        };
        self.ended(ending, None, out);
    }

    /// A connection is over, or was never open; `refusal` says what was answered instead.
    fn ended(&mut self, ending: DisconnectReason, refusal: Option<&Refusal>, out: &mut Output) {
        let Phase::Connected(connection) = std::mem::replace(&mut self.role.phase, Phase::Idle) else {
            unreachable!("{ending:?} in {:?}", self.role.phase)
        };
        let number = connection.number();
        let ended = connection.ended(out.now, ending);
        if ended.newly_established {
            self.established(number, out);
        }
        if ended.opened {
            let gap = self.role.coverage.ended(&ended.ending.code);
            out.all(number, gap.map(EventKind::Gap));
        }
        out.event(
            number,
            EventKind::Ended {
                ending: ended.ending.clone(),
                opened: ended.opened,
                lived: ended.lived,
                rate: refusal.map(|refusal| refusal.head.rate),
                traffic: ended.traffic,
                slow_reader: ended.slow_reader,
            },
        );
        let next = self.outcome_of(&ended, out.now);
        self.ask_about(&ended, number, next.is_some(), out);
        match next {
            Some(outcome) => self.stop(outcome, out),
            None if reaction(&ended.ending.code) == Reaction::Quota => self.rest_after_quota(ended.ending, out),
            None => self.retry(&ended, refusal, out),
        }
    }

    /// The outcome of the run, if this end of a connection is its end as well.
    fn outcome_of(&mut self, ended: &Ended, now: Timestamp) -> Option<Outcome> {
        let ending = || ended.ending.clone();
        match reaction(&ended.ending.code) {
            Reaction::Refused => return Some(Outcome::Refused(ending())),
            Reaction::Ended => return Some(Outcome::Ended(ending())),
            Reaction::Delivered => return Some(Outcome::Delivered),
            Reaction::TakenOver(_) => {
                self.take_overs.retain(|at| now.since(*at) < TAKE_OVER_WINDOW);
                self.take_overs.push(now);
                if self.take_overs.len() >= TAKE_OVERS {
                    return Some(Outcome::TakenOver(ending()));
                }
            }
            Reaction::Quota => return None,
            Reaction::Now(_) | Reaction::Retry(_) | Reaction::Reset => {}
        }
        if ended.opened && (self.options.finite || ended.delivered) {
            if ended.ending.code == Code::Local(LocalCause::Eof) && !ended.undelivered {
                return Some(Outcome::Delivered);
            }
            // Opened again, a range would begin at its beginning; what came cannot be separated from what did not.
            if self.options.finite {
                return Some(Outcome::Ended(ending()));
            }
        }
        if !self.options.reconnect {
            return Some(Outcome::Ended(ending()));
        }
        self.options.max_retries.is_some_and(|max| self.role.retries >= max).then(|| Outcome::GaveUp(ending()))
    }

    fn retry(&mut self, ended: &Ended, refusal: Option<&Refusal>, out: &mut Output) {
        self.role.retries += 1;
        let reaction = reaction(&ended.ending.code);
        let (mut delay, mut why) = match reaction {
            Reaction::Now(_) if ended.established => (self.spread(IMMEDIATE_JITTER), WaitReason::Backoff),
            Reaction::Reset => self.until_reset(out.now, refusal),
            Reaction::Now(schedule) | Reaction::Retry(schedule) | Reaction::TakenOver(schedule) => {
                (self.role.backoff.next_delay(schedule, &mut self.random), WaitReason::Backoff)
            }
            Reaction::Refused | Reaction::Quota | Reaction::Ended | Reaction::Delivered => {
                unreachable!("{reaction:?} has stopped")
            }
        };
        if let Some(asked) = refusal.and_then(|refusal| refusal.retry_after)
            && asked > delay
        {
            (delay, why) = (asked, WaitReason::RetryAfter);
        }
        self.wait(delay, why, out);
    }

    /// The wait after a 429 that is about the rate: until the reset and 1–2 s more, on the server's clock.
    fn until_reset(&mut self, now: Timestamp, refusal: Option<&Refusal>) -> (Duration, WaitReason) {
        let reset = refusal.and_then(|refusal| {
            let server_now = refusal.head.date.unwrap_or(now.wall);
            let reset = refusal.head.rate.trusted_reset(server_now)?;
            Some(reset.saturating_sub(server_now))
        });
        match reset {
            Some(wait) => (wait + RESET_MARGIN + self.spread(RESET_MARGIN), WaitReason::RateLimit),
            None => (self.role.backoff.next_delay(WITHOUT_RESET, &mut self.random), WaitReason::Backoff),
        }
    }

    fn spread(&mut self, width: Duration) -> Duration {
        width.mul_f64(self.random.f64())
    }

    fn wait(&mut self, delay: Duration, why: WaitReason, out: &mut Output) {
        let until = out.now.after(delay);
        out.event(self.connections, EventKind::Waiting { why, delay, until });
        self.role.phase = Phase::Waiting { until };
    }

    // The quota.

    /// The quota is spent: an open connection ends, and none is opened before its period turns.
    fn quota_spent(&mut self, quota: QuotaState, out: &mut Output) {
        let ending = of_own(LocalCause::Quota, quota::describe(&quota.reading, out.now));
        match &self.role.phase {
            Phase::Connected(connection) if connection.is_open() => self.close(ending, out),
            // The request is on its way; its answer is met with the same check.
            Phase::Connected(_) => {}
            Phase::Waiting { .. } if self.options.quota_wait => {}
            Phase::Idle | Phase::Granting | Phase::Waiting { .. } => self.rest_after_quota(ending, out),
        }
    }

    fn rest_after_quota(&mut self, ending: DisconnectReason, out: &mut Output) {
        match self.quota {
            Some(quota) if self.options.quota_wait => {
                let turn = quota::next_turn(out.now, quota.reading.quota.period);
                self.wait(turn.wall.saturating_sub(out.now.wall), WaitReason::Quota, out);
            }
            _ => self.stop(Outcome::QuotaSpent(ending), out),
        }
    }

    // The reader, and what fails beside the stream.

    fn unblocked(&mut self, out: &mut Output) {
        self.timers.stop(Timer::BlockReport);
        self.role.each(|connection| connection.resume(out.now));
        if let Some(since) = self.blocked.take()
            && std::mem::take(&mut self.block_reported)
        {
            out.event(self.connections, EventKind::Unblocked { after: out.now.since(since) });
        }
    }

    fn degrade(&mut self, what: String, out: &mut Output) {
        self.degraded = true;
        out.event(self.connections, EventKind::Degraded(what));
    }

    // Queries to X's API.

    /// Asks X about an ending that only X can explain: who holds the slot, or why it ended the connection.
    fn ask_about(&mut self, ended: &Ended, number: u32, stops: bool, out: &mut Output) {
        let code = &ended.ending.code;
        let slot =
            *code == Code::Issue(ConnectionIssue::TooManyConnections) || *code == Code::Text(TextLine::ConnectionLimit);
        let query = if slot {
            Query::Holders { free: std::mem::take(&mut self.options.take_over) }
        } else if ended.opened
            && (!stops || self.options.explains_end)
            && *code != Code::Local(LocalCause::Quota)
            && !self.asking
        {
            Query::Reason { connection: number, opened: ended.lived }
        } else {
            return;
        };
        let last = &mut self.asked[usize::from(!slot)];
        if !self.options.is_listed || last.is_some_and(|last| out.now.since(last) < ASK_EVERY) {
            return;
        }
        *last = Some(out.now);
        self.asking = true;
        out.actions.push(Action::Ask(query));
    }

    fn answered(&mut self, response: Option<Response>, out: &mut Output) {
        let (connection, kind) = match response {
            Some(Response::Holders { kill, holders, freed }) => {
                (self.connections, EventKind::Held { by: holders, kill, freed })
            }
            Some(Response::Reason { connection, reason }) => (connection, EventKind::Reason { reason }),
            // Rules are asked for beside anything else.
            Some(Response::Rules(rules)) => return out.event(self.connections, EventKind::ActiveRules(rules)),
            None => {
                self.asking = false;
                return;
            }
        };
        self.asking = false;
        out.event(connection, kind);
    }

    // The end.

    fn stop(&mut self, outcome: Outcome, out: &mut Output) {
        // A stream that ended this very moment has no gap yet, only an end.
        let gap = self.role.coverage.take(out.now).filter(|gap| gap.length(out.now) >= Duration::from_secs(1));
        out.all(self.connections, gap.map(EventKind::Gap));
        out.event(self.connections, EventKind::Stopped(outcome.clone()));
        let signalled = matches!(outcome, Outcome::Signalled(_));
        let gone = matches!(outcome, Outcome::ReaderLeft | Outcome::Failed(_));
        self.timers.clear();
        self.timers.set(Timer::Close, out.now.after(SHUTDOWN_TIMEOUT * self.options.speed));
        if signalled {
            self.timers.set(Timer::Flush, out.now.after(SHUTDOWN_TIMEOUT * self.options.speed));
        }
        // Whoever reads how the run ended needs what X says about it.
        let awaits_answer = self.asking && !signalled && !gone;
        if awaits_answer {
            self.timers.set(Timer::Answer, out.now.after(LAST_ANSWER * self.options.speed));
        }
        if !self.role.is_dialling() {
            self.role.phase = Phase::Idle;
        }
        self.stage =
            Stage::Stopping(Stopping { outcome, links_closed: false, drained: gone, awaits_answer, last_sync: None });
        out.actions.push(Action::Shutdown { hurry: signalled });
    }

    fn wind_down(&mut self, input: Input, out: &mut Output) {
        let Stage::Stopping(stopping) = &mut self.stage else { unreachable!("{input:?} in {:?}", self.stage) };
        match input {
            Input::LinksClosed => stopping.links_closed = true,
            Input::OutputDrained | Input::ReaderLeft | Input::OutputFailed(_) => stopping.drained = true,
            Input::Answered(response) => {
                stopping.awaits_answer = false;
                self.timers.stop(Timer::Answer);
                self.answered(response, out);
            }
            Input::Signalled(signal) => stopping.hurry(signal),
            Input::Link { event, .. } => self.last_word(event, out),
            Input::StateSynced(state) => {
                self.syncing = false;
                stopping.last_sync = stopping.last_sync.map(|_| true);
                if let Some(budget) = &state.budget {
                    self.budget.load(out.now, budget);
                    out.actions.push(Action::SaveBudget(self.budget.share()));
                }
            }
            Input::StateFailed(_) => stopping.last_sync = Some(true),
            Input::Degraded(what) => self.degrade(what, out),
            Input::Elapsed => {
                while let Some(timer) = self.timers.expired(out.now) {
                    match timer {
                        Timer::Answer => stopping.awaits_answer = false,
                        Timer::Flush => stopping.drained = true,
                        Timer::Close if stopping.last_sync.is_some() => stopping.last_sync = Some(true),
                        Timer::Close => stopping.links_closed = true,
                        _ => unreachable!("{timer:?} in {stopping:?}"),
                    }
                }
            }
            Input::GrantUsed | Input::OutputBlocked | Input::OutputUnblocked => {}
            Input::Started => unreachable!("{input:?} in {stopping:?}"),
        }
        self.exit_if_done(out);
    }

    /// The answer to a request that was on its way when the run ended.
    fn last_word(&mut self, event: LinkEvent, out: &mut Output) {
        match event {
            LinkEvent::Opened(head) => self.count_request(true, Some(&head), out),
            LinkEvent::Refused(refusal) => self.count_request(true, Some(&refusal.head), out),
            LinkEvent::Failed(failure) => self.count_request(failure.sent, None, out),
            LinkEvent::Received(_) | LinkEvent::Closed(_) => {}
        }
    }

    fn exit_if_done(&mut self, out: &mut Output) {
        let Stage::Stopping(stopping) = &mut self.stage else { return };
        if !stopping.links_closed || !stopping.drained || stopping.awaits_answer {
            return;
        }
        if self.options.has_state && stopping.last_sync.is_none() {
            // The runs that follow count on from here; what was reserved is given back.
            stopping.last_sync = Some(false);
            self.timers.set(Timer::Close, out.now.after(SHUTDOWN_TIMEOUT * self.options.speed));
            out.actions.push(Action::SyncState { reserve: false });
        }
        if stopping.last_sync == Some(false) {
            return;
        }
        let outcome = stopping.outcome.clone();
        let status = match outcome.code() {
            0 if self.degraded => FAILED,
            code => code,
        };
        self.stage = Stage::Exited;
        self.timers.clear();
        out.actions.push(Action::Exit { outcome, status });
    }
}

/// The body decides; the status only where the body says nothing known.
fn of_refusal(refusal: &Refusal) -> DisconnectReason {
    if let Some(host) = &refusal.redirect {
        return of_own(LocalCause::Redirect, format!("status {} to {host}", refusal.status));
    }
    DisconnectReason { code: Code::from_response(refusal.status, &refusal.body), detail: refusal.body.detail() }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
