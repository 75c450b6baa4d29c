//! The connection state machine. Every transition is in this file; it performs no io and reads no clock.
//!
//! ```text
//!            Started
//!               |            budget spent
//!               v          .-------------.
//!        .-> Dialling <----+-- Waiting <-'
//!        |      |  Refused |      ^
//!        |      |  Failed -'------|  the ladder of that failure
//!        |      v  Opened         |
//!        |   Listening -----------'  Closed, stall, an ending in-band
//!        '------'  established and dropped: at once
//!
//!   any state: signal, reader gone, enough printed, time up  ->  Stopped
//!   any state: quota spent  ->  Stopped, or Waiting until its period turns
//! ```
//!
//! Its law: one action for each input, and a dial never without the wait that is due.

pub mod answer;
pub mod backoff;
pub mod budget;
pub mod event;
pub mod gap;
pub mod outcome;

use std::time::Duration;

use crate::protocol::disconnect::{Code, Own};
use crate::protocol::message::Ending;
use crate::protocol::problem::Body;
use crate::protocol::rate_limit::RateLimit;
use crate::time::Timestamp;
use answer::{Answer, answer};
use backoff::{Backoff, IMMEDIATE_JITTER, Ladder};
use budget::{Budget, RESET_MARGIN};
pub use event::{Event, EventKind, Traffic, WaitReason};
use gap::Gauge;
pub use outcome::{Outcome, Signal};

/// How the session behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often the server promises a sign of life.
    pub keep_alive: Duration,
    /// Silence after which a connection counts as dead.
    pub stall: Duration,
    /// Connection requests allowed in any 15 minutes.
    pub requests: u32,
    /// Retries allowed since a stream was last established; none: without end.
    pub max_retries: Option<u32>,
    /// Whether a connection that ended is opened again.
    pub reconnect: bool,
    /// Whether the server ends the stream when all that was asked for is delivered: a recovery range.
    pub finite: bool,
    /// Whether the run waits for the quota's period to turn, instead of ending, when the quota is spent.
    pub quota_wait: bool,
    /// Seed of the jitter.
    pub seed: u64,
}

/// How long a connection must stand, besides delivering a line, before it counts as established. Without
/// this a server that accepts and closes would be dialled in a hot loop.
pub const ESTABLISHED_AFTER: Duration = Duration::from_secs(10);

/// How long after its time a heartbeat is late: real ones land up to two seconds late.
pub const LATE: Duration = Duration::from_secs(5);

/// Take-overs within this time are the same fight over the slot.
pub const TAKE_OVER_WINDOW: Duration = Duration::from_secs(30 * 60);

/// The take-over at which we give the slot up.
pub const TAKE_OVERS: usize = 3;

/// A reader that holds the stream up for less than this is just busy, and not worth a word each time.
pub const BLOCKED_AFTER: Duration = Duration::from_secs(1);

/// How many stall limits a line may stay unfinished while bytes trickle in.
pub const UNFINISHED_STALLS: u32 = 3;

/// What happened, in the past tense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The program began.
    Started,
    /// The server answered 200.
    Opened(Head),
    /// The server answered something else.
    Refused(Refusal),
    /// No answer was had.
    Failed(Failure),
    /// Bytes arrived.
    Received(Received),
    /// The body ended.
    Closed(Failure),
    /// The moment of the last action came.
    Elapsed,
    /// Our reader is so far behind that the socket is not read.
    Blocked,
    /// Our reader caught up.
    Unblocked,
    /// As many messages as asked for were printed.
    Filled,
    /// As many posts were delivered as the quota allows.
    QuotaSpent {
        /// How many, of how many, in words.
        detail: String,
        /// When the quota's period turns.
        turns: Timestamp,
    },
    /// The time asked for is over.
    TimeUp,
    /// The reader of our output closed it.
    ReaderLeft,
    /// Our output cannot be written.
    Unwritable(String),
    /// A signal asked for the end.
    Signalled(Signal),
}

/// What a 200 said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The rate-limit headers.
    pub rate: RateLimit,
    /// The `Date` header, since the Unix epoch.
    pub date: Option<Duration>,
}

/// What any other status said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Rate-limit headers and date.
    pub head: Head,
    /// The body, read as a problem or as text.
    pub body: Body,
    /// `Retry-After`, up to an hour.
    pub retry_after: Option<Duration>,
    /// The host that a redirect names.
    pub redirect: Option<String>,
}

/// A transport failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What failed.
    pub own: Own,
    /// In words, for people.
    pub detail: String,
    /// Whether the head of a request was written to a socket.
    pub sent: bool,
}

/// What came with the bytes that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Received {
    /// Bytes as they came, before inflating.
    pub bytes: u64,
    /// Lines completed, heartbeats included.
    pub lines: u64,
    /// Posts among them.
    pub posts: u64,
    /// The id of the first post.
    pub first_id: Vec<u8>,
    /// The id of the last post.
    pub last_id: Vec<u8>,
    /// Whether a line has begun and not ended.
    pub unfinished: bool,
    /// The server's notice that the stream is over.
    pub ending: Option<Ending>,
    /// The server said that all it was asked for is delivered.
    pub delivered: bool,
    /// The server said that it is not, or ended within a line.
    pub undelivered: bool,
}

/// What to do next. Orders, each of which ends with an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open a connection.
    Dial,
    /// Read the open connection, until this moment at the latest.
    Listen {
        /// When to say `Elapsed`; none while our own reader holds things up.
        until: Option<Timestamp>,
    },
    /// Have no connection open, until this moment.
    Sleep {
        /// When to say `Elapsed`.
        until: Timestamp,
    },
    /// Close everything and end.
    Stop(Outcome),
}

#[derive(Debug)]
enum State {
    Idle,
    Dialling,
    Listening(Listening),
    Waiting { until: Timestamp },
    Stopped(Outcome),
}

#[derive(Debug)]
struct Listening {
    opened: Timestamp,
    last_byte: Timestamp,
    /// When the line that is not finished yet began.
    line_since: Option<Timestamp>,
    traffic: Traffic,
    late: bool,
    got_line: bool,
    established: bool,
    blocked: Option<Timestamp>,
    told_blocked: bool,
    was_blocked: bool,
    /// A plain-text line or HTML: the reason of the ending that follows.
    text: Option<Ending>,
    delivered: bool,
    undelivered: bool,
}

/// One stream, followed over any number of connections, one at a time.
#[derive(Debug)]
pub struct Session {
    options: Options,
    state: State,
    backoff: Backoff,
    budget: Budget,
    gauge: Gauge,
    random: fastrand::Rng,
    connection: u32,
    attempt: u32,
    retries: u32,
    take_overs: Vec<Timestamp>,
}

impl Session {
    /// A session that has not begun.
    #[must_use]
    pub fn new(options: Options) -> Session {
        Session {
            state: State::Idle,
            backoff: Backoff::default(),
            budget: Budget::new(options.requests),
            gauge: Gauge::default(),
            random: fastrand::Rng::with_seed(options.seed),
            connection: 0,
            attempt: 0,
            retries: 0,
            take_overs: Vec::new(),
            options,
        }
    }

    /// The number of the current or last connection, from 1.
    #[must_use]
    pub fn connection(&self) -> u32 {
        self.connection
    }

    /// Posts a second over the last minute.
    #[must_use]
    pub fn rate(&self, now: Timestamp) -> f64 {
        self.gauge.rate(now)
    }

    /// Whether the next input may lead to a dial, or gives a request back: then a budget that is shared must be
    /// at hand.
    #[must_use]
    pub fn may_spend(&self, input: &Input) -> bool {
        let answered = matches!(input, Input::Opened(_) | Input::Refused(_) | Input::Failed(_));
        match self.state {
            State::Idle | State::Waiting { .. } => matches!(input, Input::Started | Input::Elapsed),
            State::Dialling => answered,
            State::Listening(_) | State::Stopped(_) => false,
        }
    }

    /// The connection budget.
    pub fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }

    /// Takes what happened, appends what that means to `events`, and says what to do.
    pub fn handle(&mut self, now: Timestamp, input: Input, events: &mut Vec<Event>) -> Action {
        let mut kinds = Vec::new();
        let action = self.react(now, input, &mut kinds);
        let connection = self.connection;
        events.extend(kinds.into_iter().map(|kind| Event { at: now, connection, kind }));
        action
    }

    fn react(&mut self, now: Timestamp, input: Input, events: &mut Vec<EventKind>) -> Action {
        let outcome = match input {
            Input::Filled => Outcome::Full,
            Input::TimeUp => Outcome::TimeUp,
            Input::ReaderLeft => Outcome::ReaderLeft,
            Input::Unwritable(why) => Outcome::Failed(why),
            Input::Signalled(signal) => Outcome::Signalled(signal),
            Input::QuotaSpent { detail, turns } => return self.spent(now, detail, turns, events),
            input => return self.advance(now, input, events),
        };
        self.stop(now, outcome, events)
    }

    fn advance(&mut self, now: Timestamp, input: Input, events: &mut Vec<EventKind>) -> Action {
        match (std::mem::replace(&mut self.state, State::Idle), input) {
            (State::Idle, Input::Started) => self.dial(now, events),
            (State::Waiting { until }, _) => {
                if now.monotonic >= until.monotonic {
                    self.dial(now, events)
                } else {
                    self.state = State::Waiting { until };
                    Action::Sleep { until }
                }
            }
            (State::Dialling, Input::Opened(head)) => self.open(now, &head, events),
            (State::Dialling, Input::Refused(refusal)) => self.refused(now, &refusal, events),
            (State::Dialling, Input::Failed(failure)) => {
                if failure.sent {
                    self.budget.sent(now);
                } else {
                    self.budget.give_back();
                }
                self.ended(now, of_failure(failure), None, None, events)
            }
            (State::Dialling, _) => {
                self.state = State::Dialling;
                Action::Dial
            }
            (State::Listening(listening), input) => self.listen(now, listening, input, events),
            (State::Stopped(outcome), _) => {
                self.state = State::Stopped(outcome.clone());
                Action::Stop(outcome)
            }
            (State::Idle, input) => unreachable!("{input:?} before the start"),
        }
    }

    fn dial(&mut self, now: Timestamp, events: &mut Vec<EventKind>) -> Action {
        let wait = self.budget.wait(now);
        if !wait.is_zero() {
            return self.wait(now, wait, WaitReason::Budget, events);
        }
        self.budget.spend(now);
        self.connection += 1;
        self.attempt += 1;
        events.push(EventKind::Dialling { attempt: self.attempt });
        self.state = State::Dialling;
        Action::Dial
    }

    fn open(&mut self, now: Timestamp, head: &Head, events: &mut Vec<EventKind>) -> Action {
        self.budget.sent(now);
        self.budget.note(now, &head.rate, head.date.unwrap_or(now.wall));
        events.push(EventKind::Opened { rate: head.rate });
        let listening = Listening {
            opened: now,
            last_byte: now,
            line_since: None,
            traffic: Traffic::default(),
            late: false,
            got_line: false,
            established: false,
            blocked: None,
            told_blocked: false,
            was_blocked: false,
            text: None,
            delivered: false,
            undelivered: false,
        };
        self.keep_listening(listening)
    }

    fn refused(&mut self, now: Timestamp, refusal: &Refusal, events: &mut Vec<EventKind>) -> Action {
        self.budget.sent(now);
        self.budget.note(now, &refusal.head.rate, refusal.head.date.unwrap_or(now.wall));
        self.ended(now, of_refusal(refusal), None, Some(refusal), events)
    }

    fn listen(
        &mut self,
        now: Timestamp,
        mut listening: Listening,
        input: Input,
        events: &mut Vec<EventKind>,
    ) -> Action {
        let mut ending = None;
        match input {
            Input::Received(received) => {
                if listening.traffic.bytes == 0 {
                    events.push(EventKind::FirstByte { after: now.since(listening.opened) });
                }
                listening.traffic.bytes += received.bytes;
                listening.traffic.lines += received.lines;
                listening.traffic.posts += received.posts;
                listening.late = false;
                listening.last_byte = now;
                listening.got_line |= received.lines > 0;
                listening.line_since = match (received.unfinished, received.lines) {
                    (false, _) => None,
                    (true, 0) => listening.line_since.or(Some(now)),
                    (true, _) => Some(now),
                };
                let gap = self.gauge.received(now, received.posts, &received.first_id, &received.last_id);
                events.extend(gap.map(EventKind::Gap));
                listening.delivered |= received.delivered;
                listening.undelivered |= received.undelivered;
                if received.posts > 0 {
                    listening.text = None;
                }
                match received.ending {
                    Some(text @ Ending { code: Code::Text(_), .. }) => {
                        listening.text.get_or_insert(text);
                    }
                    other => ending = other,
                }
            }
            Input::Blocked => {
                listening.blocked.get_or_insert(now);
            }
            Input::Unblocked => {
                if let Some(since) = listening.blocked.take() {
                    if std::mem::take(&mut listening.told_blocked) {
                        events.push(EventKind::Unblocked { after: now.since(since) });
                    }
                    // The silence was ours: the server gets its whole limit again.
                    listening.last_byte = now;
                    listening.line_since = listening.line_since.map(|_| now);
                }
            }
            Input::Closed(failure) => ending = Some(listening.text.take().unwrap_or_else(|| of_failure(failure))),
            _ => {
                ending = self.stalled(now, &listening);
                let silence = now.since(listening.last_byte);
                if ending.is_none() && listening.blocked.is_none() && !listening.late && silence >= self.late_after() {
                    listening.late = true;
                    events.push(EventKind::Late { silence });
                }
            }
        }
        if let Some(since) = listening.blocked
            && !listening.told_blocked
            && now.since(since) >= BLOCKED_AFTER
        {
            (listening.told_blocked, listening.was_blocked) = (true, true);
            events.push(EventKind::Blocked);
        }
        self.establish(now, &mut listening, events);
        match ending {
            Some(ending) => self.ended(now, ending, Some(&listening), None, events),
            None => self.keep_listening(listening),
        }
    }

    fn keep_listening(&mut self, listening: Listening) -> Action {
        let until = self.deadline(&listening);
        self.state = State::Listening(listening);
        Action::Listen { until }
    }

    /// When the open connection wants to be looked at, whatever arrives or not.
    fn deadline(&self, listening: &Listening) -> Option<Timestamp> {
        if let Some(since) = listening.blocked {
            return (!listening.told_blocked).then(|| since.after(BLOCKED_AFTER));
        }
        let mut until = listening.last_byte.after(self.options.stall);
        let mut sooner = |at: Timestamp| {
            if at.monotonic < until.monotonic {
                until = at;
            }
        };
        if let Some(since) = listening.line_since {
            sooner(since.after(self.options.stall * UNFINISHED_STALLS));
        }
        if !listening.late {
            sooner(listening.last_byte.after(self.late_after()));
        }
        if listening.got_line && !listening.established {
            sooner(listening.opened.after(ESTABLISHED_AFTER));
        }
        Some(until)
    }

    fn late_after(&self) -> Duration {
        self.options.keep_alive + LATE
    }

    fn stalled(&self, now: Timestamp, listening: &Listening) -> Option<Ending> {
        if listening.blocked.is_some() {
            return None;
        }
        let silence = now.since(listening.last_byte);
        if silence >= self.options.stall {
            let detail = format!("nothing arrived for {} s", silence.as_secs());
            return Some(listening.text.clone().unwrap_or_else(|| of_own(Own::Stall, detail)));
        }
        let since = listening.line_since?;
        let unfinished = now.since(since);
        (unfinished >= self.options.stall * UNFINISHED_STALLS).then(|| {
            let detail = format!("a line was left unfinished for {} s", unfinished.as_secs());
            of_own(Own::UnfinishedLine, detail)
        })
    }

    fn establish(&mut self, now: Timestamp, listening: &mut Listening, events: &mut Vec<EventKind>) {
        if listening.established || !listening.got_line || now.since(listening.opened) < ESTABLISHED_AFTER {
            return;
        }
        listening.established = true;
        self.backoff.reset();
        self.attempt = 0;
        self.retries = 0;
        // No post has come to name the end of the gap; it is told without.
        events.extend(self.gauge.take_closed().map(EventKind::Gap));
        events.push(EventKind::Established);
    }

    /// A connection is over, or never came to be. `listening` says it was open, `refusal` what was answered.
    fn ended(
        &mut self,
        now: Timestamp,
        ending: Ending,
        listening: Option<&Listening>,
        refusal: Option<&Refusal>,
        events: &mut Vec<EventKind>,
    ) -> Action {
        if listening.is_some() {
            events.extend(self.gauge.ended(&ending.code).map(EventKind::Gap));
        }
        events.push(told(now, ending.clone(), listening, refusal));
        let established = listening.is_some_and(|listening| listening.established);
        let answer = answer(&ending.code);
        match answer {
            Answer::Refused => return self.stop(now, Outcome::Refused(ending), events),
            Answer::Ended => return self.stop(now, Outcome::Ended(ending), events),
            Answer::Delivered => return self.stop(now, Outcome::Delivered, events),
            Answer::TakenOver(_) => {
                self.take_overs.retain(|at| now.since(*at) < TAKE_OVER_WINDOW);
                self.take_overs.push(now);
                if self.take_overs.len() >= TAKE_OVERS {
                    return self.stop(now, Outcome::TakenOver(ending), events);
                }
            }
            Answer::Now(_) | Answer::Climb(_) | Answer::Reset => {}
        }
        if let Some(listening) = listening
            && (self.options.finite || listening.delivered)
        {
            let clean = ending.code == Code::Own(Own::Eof) && !listening.undelivered;
            if clean {
                return self.stop(now, Outcome::Delivered, events);
            }
            // Opened again, a range would begin at its beginning; what came cannot be told from what did not.
            if self.options.finite {
                return self.stop(now, Outcome::Ended(ending), events);
            }
        }
        if !self.options.reconnect {
            return self.stop(now, Outcome::Ended(ending), events);
        }
        if self.options.max_retries.is_some_and(|max| self.retries >= max) {
            return self.stop(now, Outcome::GaveUp(ending), events);
        }
        self.retries += 1;
        let (mut delay, mut why) = match answer {
            Answer::Now(_) if established => (self.spread(IMMEDIATE_JITTER), WaitReason::Backoff),
            Answer::Reset => self.until_reset(now, refusal),
            Answer::Now(ladder) | Answer::Climb(ladder) | Answer::TakenOver(ladder) => {
                (self.backoff.climb(ladder, &mut self.random), WaitReason::Backoff)
            }
            Answer::Refused | Answer::Ended | Answer::Delivered => unreachable!("{answer:?} has stopped"),
        };
        if let Some(asked) = refusal.and_then(|refusal| refusal.retry_after)
            && asked > delay
        {
            (delay, why) = (asked, WaitReason::RetryAfter);
        }
        self.wait(now, delay, why, events)
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
            None => (self.backoff.climb(Ladder::Limited, &mut self.random), WaitReason::Backoff),
        }
    }

    /// The quota is spent: an open connection is over by our own will, and none is opened before the period turns.
    fn spent(&mut self, now: Timestamp, detail: String, turns: Timestamp, events: &mut Vec<EventKind>) -> Action {
        let ending = of_own(Own::Quota, detail);
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Listening(listening) => {
                events.extend(self.gauge.ended(&ending.code).map(EventKind::Gap));
                events.push(told(now, ending.clone(), Some(&listening), None));
            }
            State::Stopped(outcome) => return self.stop(now, outcome, events),
            State::Idle | State::Dialling | State::Waiting { .. } => {}
        }
        if self.options.quota_wait {
            self.wait(now, turns.wall.saturating_sub(now.wall), WaitReason::Quota, events)
        } else {
            self.stop(now, Outcome::QuotaSpent(ending), events)
        }
    }

    fn spread(&mut self, width: Duration) -> Duration {
        width.mul_f64(self.random.f64())
    }

    fn wait(&mut self, now: Timestamp, delay: Duration, why: WaitReason, events: &mut Vec<EventKind>) -> Action {
        let until = now.after(delay);
        events.push(EventKind::Waiting { why, delay, until });
        self.state = State::Waiting { until };
        Action::Sleep { until }
    }

    fn stop(&mut self, now: Timestamp, outcome: Outcome, events: &mut Vec<EventKind>) -> Action {
        if !matches!(self.state, State::Stopped(_)) {
            // A stream that ended this very moment has no gap yet, only an end.
            let gap = self.gauge.take(now).filter(|gap| gap.length(now) >= Duration::from_secs(1));
            events.extend(gap.map(EventKind::Gap));
            events.push(EventKind::Stopped(outcome.clone()));
        }
        self.state = State::Stopped(outcome.clone());
        Action::Stop(outcome)
    }
}

fn told(now: Timestamp, ending: Ending, listening: Option<&Listening>, refusal: Option<&Refusal>) -> EventKind {
    EventKind::Ended {
        ending,
        opened: listening.is_some(),
        lived: listening.map_or(Duration::ZERO, |listening| now.since(listening.opened)),
        rate: refusal.map(|refusal| refusal.head.rate),
        traffic: listening.map_or_else(Traffic::default, |listening| listening.traffic),
        slow_reader: listening.is_some_and(|listening| listening.was_blocked),
    }
}

fn of_own(own: Own, detail: String) -> Ending {
    Ending { code: Code::Own(own), detail: (!detail.is_empty()).then_some(detail) }
}

fn of_failure(failure: Failure) -> Ending {
    of_own(failure.own, failure.detail)
}

/// The body decides; the status only where the body says nothing known.
fn of_refusal(refusal: &Refusal) -> Ending {
    if let Some(host) = &refusal.redirect {
        return of_own(Own::Redirect, format!("status {} to {host}", refusal.status));
    }
    Ending { code: Code::of_response(refusal.status, &refusal.body), detail: refusal.body.detail() }
}

#[cfg(test)]
mod tests;
