//! The loop: wait for an input, ask the session, carry out the action.
//!
//! What is read goes through `receive`, what happened through `report`; `meter` keeps to the quota.
//!
//! Nothing is decided here. What is pending is read before a timer is believed, so after a suspension or a
//! stop the stream speaks first.

mod meter;
mod receive;
mod report;

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use tokio::time::{Interval, MissedTickBehavior};

use crate::clock::Clock;
use crate::lookup::{self, ApiLookup};
use crate::net::dial::{DialOutcome, Dialer};
use crate::net::stream::Stream;
use crate::observe::record::Record;
use crate::observe::stats::{Stats, View};
use crate::observe::status_row;
use crate::observe::summary::RunSummary;
use crate::pipeline::Pipeline;
use crate::pipeline::meter::Reading;
use crate::protocol::request::Request;
use crate::session::outcome::FAILED;
use crate::session::{Action, Event, EventKind, Input, Outcome, Session};
use crate::signal::{Arrived, Signals};
use crate::store::journal::JournalFile;
use crate::store::state::Store;
use crate::terminal::Terminal;
use crate::time::Timestamp;
use receive::{next, of_output};

/// How often the row is drawn and the reader is looked for. A reader that left a silent stream must be noticed
/// within a second; four looks in that time cost nothing.
const TICK: Duration = Duration::from_millis(250);

/// How often a lock that another process holds is tried, and when that is told.
const LOCK_RETRY: Duration = Duration::from_millis(10);
const LOCK_TOLD: Duration = Duration::from_secs(1);

/// A reader that is only moments behind is waited for: the kernel's buffers hold the stream meanwhile, and bytes that pass
/// through our own cost half as much again. One that takes longer to catch up gets the whole of `--buffer`.
const CATCH_UP: Duration = Duration::from_millis(100);

/// How long an end by signal may take to hand over what the reader has not taken yet.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long the end of a run waits for what X was asked.
const LAST_ANSWER: Duration = Duration::from_secs(2);

/// What a run is made of.
pub struct Run {
    /// The clock everything is told by.
    pub clock: Clock,
    /// The state machine.
    pub session: Session,
    /// Bytes to output.
    pub pipeline: Pipeline,
    /// Opens connections.
    pub dialer: Dialer,
    /// The request that opens the stream.
    pub request: Request,
    /// stdout and stderr.
    pub terminal: Terminal,
    /// The name of the stream.
    pub stream: String,
    /// How often the server promises a sign of life.
    pub keep_alive: Duration,
    /// The host, as people know it.
    pub host: String,
    /// The budget shared with other runs, if it is.
    pub store: Option<Store>,
    /// Where every event is written down.
    pub journal: Option<JournalFile>,
    /// Whether one was wanted and could not be opened, which costs the run its clean exit status.
    pub journal_failed: bool,
    /// What X is asked beside the stream, if it has a name there.
    pub lookup: Option<ApiLookup>,
    /// Whether the first lookup of who holds the slot ends those connections.
    pub take_over: bool,
    /// Whether the run ends with a summary of several lines although nobody watches.
    pub summary: bool,
    /// Bytes that may wait for the reader.
    pub buffer: usize,
    /// When the time asked for is over.
    pub deadline: Option<Duration>,
    /// What people should know when the stream opens for the first time.
    pub opened: Option<&'static str>,
    /// What people should know when it is refused for want of access.
    pub denied: Option<&'static str>,
}

/// What comes beside the stream: signals, the tick, answers of X's API.
struct Interrupts {
    signals: Signals,
    tick: Interval,
    lookup: Option<ApiLookup>,
    answered: Option<lookup::Response>,
}

impl Interrupts {
    fn new(lookup: Option<ApiLookup>) -> io::Result<Interrupts> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Interrupts { signals: Signals::new()?, tick, lookup, answered: None })
    }
}

/// The run as it goes.
struct Drive {
    run: Run,
    interrupts: Interrupts,
    stream: Option<Stream>,
    /// What was read and not worked through yet.
    rest: Bytes,
    /// Inputs that follow from the last one read.
    pending: VecDeque<Input>,
    /// Whether the socket is not read because the buffer is full.
    blocked: bool,
    /// Since when the reader has not taken all that was written.
    behind: Option<Instant>,
    out: Vec<u8>,
    /// Diagnostics that are not reported yet.
    diagnostics: Vec<Event>,
    /// The name of the stream.
    stream_name: String,
    /// The fold over all events.
    stats: Stats,
    /// How much of the quota is used, if there is one.
    quota: Option<Reading>,
    /// When the meter is due to share its counts, on the monotonic clock.
    meter_due: Duration,
    /// When the next status record is due, on the monotonic clock.
    status_due: Duration,
    /// Whether it was told that the ids of the day are lost.
    ids_lost: bool,
    /// Whether the meter's file failed, and whether the journal did. Either costs the run its clean exit status, and
    /// neither stops the other.
    meter_failed: bool,
    journal_failed: bool,
}

/// Follows the stream to its end; returns the exit status.
///
/// # Errors
/// The signals cannot be handled.
pub async fn drive(mut run: Run) -> io::Result<u8> {
    let mut drive = Drive {
        journal_failed: run.journal_failed,
        stream_name: std::mem::take(&mut run.stream),
        interrupts: Interrupts::new(run.lookup.take())?,
        run,
        stream: None,
        rest: Bytes::new(),
        pending: VecDeque::from([Input::Started]),
        blocked: false,
        behind: None,
        out: Vec::new(),
        diagnostics: Vec::new(),
        stats: Stats::default(),
        quota: None,
        meter_due: Duration::ZERO,
        status_due: Duration::ZERO,
        ids_lost: false,
        meter_failed: false,
    };
    let start = Record::start(drive.run.clock.now(), &drive.stream_name, &drive.run.host);
    drive.write_record(&start);
    let outcome = drive.follow().await;
    Ok(drive.finish(outcome).await)
}

impl Drive {
    async fn follow(&mut self) -> Outcome {
        let mut action = Action::Dial;
        loop {
            let input = if let Some(input) = self.pending.pop_front() {
                input
            } else {
                self.report_status();
                self.carry_out(&action).await
            };
            let input = self.within_quota(input);
            let mut events = Vec::new();
            action = self.decide(input, &mut events).await;
            let leaving = !matches!(action, Action::Listen { .. });
            if leaving && !matches!(action, Action::Stop(_)) {
                self.discard();
            }
            let first = events.iter().take_while(|event| matches!(event.kind, EventKind::FirstByte { .. })).count();
            events.splice(first..first, self.diagnostics.drain(..));
            self.report(&events);
            if matches!(action, Action::Stop(_)) {
                // Whatever takes time from here on, a terminal that keeps up is whole already.
                self.run.terminal.begin_release();
            }
            if leaving {
                self.hang_up().await;
            }
            if let Action::Stop(outcome) = action {
                // A signal during the close is one during the goodbye: it matters if data still waits for the reader.
                return match self.pending.pop_front() {
                    Some(Input::Signalled(signal)) if self.run.terminal.backlog() > 0 => Outcome::Signalled(signal),
                    _ => outcome,
                };
            }
        }
    }

    /// Asks the session. Where the budget is shared, it is held while the session may spend of it.
    async fn decide(&mut self, mut input: Input, events: &mut Vec<Event>) -> Action {
        let shown = Shown::new(&self.run, &self.stream_name, &self.stats, self.quota);
        let Run { session, clock, store, terminal, deadline, .. } = &mut self.run;
        let began = clock.now();
        let mut told = false;
        let held = loop {
            let Some(store) = store else { break None };
            if !session.may_spend(&input) {
                break None;
            }
            match store.hold() {
                Ok(Some(held)) => break Some(held),
                Ok(None) => {}
                Err(error) => input = Input::Unwritable(format!("{error:#}")),
            }
            if !told && clock.now().since(began) >= LOCK_TOLD {
                told = true;
                terminal.info(&format!("waiting for another process that holds {}", store.lock().display()));
            }
            tokio::select! {
                biased;
                interrupted = interrupt_with(&mut self.interrupts, terminal, &shown, clock, *deadline) => {
                    input = interrupted.unwrap_or(input);
                }
                () = tokio::time::sleep(LOCK_RETRY) => {}
            }
        };
        let now = clock.now();
        let Some(held) = held else { return session.handle(now, input, events) };
        session.budget().load(now, held.budget());
        let action = session.handle(now, input, events);
        match held.save(&session.budget().share()) {
            Ok(()) => action,
            Err(error) => session.handle(now, Input::Unwritable(format!("{error:#}")), events),
        }
    }

    /// Closes the connection that the session has done with.
    async fn hang_up(&mut self) {
        if let Some(stream) = self.stream.take() {
            self.blocked = false;
            self.rest.clear();
            self.pending.clear();
            tokio::select! {
                () = stream.close() => {}
                arrived = self.interrupts.signals.next() => match arrived {
                    Arrived::End(signal) => {
                        self.run.terminal.begin_release();
                        self.pending.push_back(Input::Signalled(signal));
                    }
                    Arrived::Stop => self.run.terminal.suspend(),
                    Arrived::Resize | Arrived::Report => {}
                },
            }
        }
    }

    async fn carry_out(&mut self, action: &Action) -> Input {
        match action {
            Action::Dial => Box::pin(self.dial()).await,
            Action::Listen { until } => self.listen(*until).await,
            Action::Sleep { until } => loop {
                let clock = self.run.clock;
                tokio::select! {
                    biased;
                    input = interrupt(&mut self.interrupts, &mut self.run, &self.stream_name, &self.stats, self.quota) => {
                        if let Some(input) = input {
                            return input;
                        }
                        self.report_status();
                        if clock.now().monotonic >= until.monotonic {
                            return Input::Elapsed;
                        }
                    }
                    () = clock.sleep_until(*until) => return Input::Elapsed,
                }
            },
            Action::Stop(outcome) => unreachable!("{outcome:?} has been returned"),
        }
    }

    async fn dial(&mut self) -> Input {
        let (input, sent) = Box::pin(self.dial_once()).await;
        if !sent {
            self.give_back();
        }
        input
    }

    /// Dials; false with an interruption before the request was sent.
    async fn dial_once(&mut self) -> (Input, bool) {
        let shown = Shown::new(&self.run, &self.stream_name, &self.stats, self.quota);
        let Run { dialer, request, pipeline, terminal, clock, deadline, .. } = &mut self.run;
        let mut dial = dialer.dial(request);
        loop {
            tokio::select! {
                biased;
                input = interrupt_with(&mut self.interrupts, terminal, &shown, clock, *deadline) => {
                    if let Some(input) = input {
                        // What is open by now is closed properly, in little time.
                        terminal.begin_release();
                        let sent = dial.is_sent();
                        dial.cancel().await;
                        return (input, sent);
                    }
                }
                outcome = &mut dial => return match outcome {
                    DialOutcome::Opened(head, stream) => {
                        pipeline.begin(stream.gzip, false);
                        self.stream = Some(*stream);
                        (Input::Opened(head), true)
                    }
                    DialOutcome::Refused(refusal) => (Input::Refused(refusal), true),
                    DialOutcome::Failed(failure) => (Input::Failed(failure), true),
                },
            }
        }
    }

    /// Gives back a request that was interrupted before it was sent. A lock that is not free is not waited for: then
    /// one request too many is counted, which harms nobody.
    fn give_back(&mut self) {
        let Run { session, clock, store, .. } = &mut self.run;
        let held = store.as_ref().and_then(|store| store.hold().ok().flatten());
        if let Some(held) = &held {
            session.budget().load(clock.now(), held.budget());
        }
        session.budget().give_back();
        if let Some(held) = held {
            // The run is ending; a file that cannot be written was told before, or will be by the next run.
            let _ = held.save(&session.budget().share());
        }
    }

    async fn listen(&mut self, until: Option<Timestamp>) -> Input {
        let clock = self.run.clock;
        loop {
            let backlog = self.run.terminal.backlog();
            if !self.blocked && backlog >= self.run.buffer {
                self.blocked = true;
                return Input::Blocked;
            }
            // Half empty before reading goes on, or every byte the reader takes would be an event.
            if self.blocked && backlog <= self.run.buffer / 2 {
                self.blocked = false;
                return Input::Unblocked;
            }
            if backlog == 0 {
                self.behind = None;
            } else {
                self.behind.get_or_insert_with(Instant::now);
            }
            let patience = self.behind.map_or(Duration::ZERO, |since| CATCH_UP.saturating_sub(since.elapsed()));
            let Some(stream) = self.stream.as_mut() else {
                unreachable!("listening without a stream");
            };
            tokio::select! {
                biased;
                input = interrupt(&mut self.interrupts, &mut self.run, &self.stream_name, &self.stats, self.quota) => match input {
                    Some(input) => return input,
                    None => self.report_status(),
                },
                () = tokio::time::sleep(patience), if !patience.is_zero() => {}
                chunk = next(&mut self.rest, stream), if !self.blocked && patience.is_zero() => {
                    if let Some(input) = self.receive(chunk).await {
                        return input;
                    }
                }
                () = async { match until { Some(until) => clock.sleep_until(until).await, None => pending().await } } => {
                    if self.blocked {
                        return Input::Elapsed;
                    }
                    // After a stop or a suspension the timers may be seen before the socket is: it gets a turn.
                    tokio::task::yield_now().await;
                    match stream.ready().await {
                        Some(chunk) => {
                            if let Some(input) = self.receive(chunk).await {
                                return input;
                            }
                        }
                        None => return Input::Elapsed,
                    }
                }
            }
        }
    }

    /// Hands over what the reader has not taken, then says the last line and leaves the terminal whole.
    async fn finish(&mut self, mut outcome: Outcome) -> u8 {
        let patient = !matches!(outcome, Outcome::Signalled(_));
        if !patient {
            self.run.terminal.hurry();
        }
        let gone = matches!(outcome, Outcome::ReaderLeft | Outcome::Failed(_));
        if patient && !gone && self.interrupts.lookup.as_ref().is_some_and(ApiLookup::is_urgent) {
            // Whoever reads how the run ended wants to know what X says about it.
            tokio::select! {
                answer = answer(&mut self.interrupts.lookup) => self.interrupts.answered = Some(answer),
                () = tokio::time::sleep(LAST_ANSWER) => {}
                arrived = self.interrupts.signals.next() => if let Arrived::End(signal) = arrived {
                    outcome = Outcome::Signalled(signal);
                },
            }
            self.report_answer();
        }
        // A run that is over has no state to show, and nobody draws while the reader takes the rest.
        self.run.terminal.release();
        let limit = tokio::time::sleep(LAST_WORDS);
        tokio::pin!(limit);
        while !gone && self.run.terminal.backlog() > 0 && !self.run.terminal.reader_left() {
            tokio::select! {
                // A second signal, or the first during a long goodbye, is not asked twice.
                arrived = self.interrupts.signals.next() => match arrived {
                    Arrived::End(signal) => {
                        outcome = Outcome::Signalled(signal);
                        break;
                    }
                    Arrived::Stop => self.run.terminal.suspend(),
                    Arrived::Resize | Arrived::Report => {}
                },
                () = &mut limit, if !patient => break,
                result = self.run.terminal.drain() => if result.is_err() { break },
                _ = self.interrupts.tick.tick() => {}
            }
        }
        // The runs that follow count on from here; a file that stays locked is not waited for.
        let began = self.run.clock.now();
        while !self.share_meter() && self.run.clock.now().since(began) < LAST_WORDS {
            tokio::time::sleep(LOCK_RETRY).await;
        }
        let left = self.run.terminal.backlog();
        if left > 0 && !gone && !self.run.terminal.reader_left() {
            self.run.terminal.info(&format!(
                "{left} bytes of output were not taken by the reader and are lost; its last line may be cut"
            ));
        }
        if !gone {
            let summary = RunSummary { stats: &self.stats, lasted: self.run.clock.elapsed(), quota: self.quota };
            if self.run.summary || self.run.terminal.is_interactive() {
                for line in summary.lines() {
                    self.run.terminal.info(&line);
                }
            } else {
                self.run.terminal.info(&summary.line());
            }
        }
        let exit = match outcome.code() {
            0 if self.meter_failed || self.journal_failed => FAILED,
            code => code,
        };
        let record = Record::end(self.run.clock.now(), &outcome, exit, &self.stats);
        self.write_record(&record);
        // The last words do not fall into a line that the reader is about to print.
        tokio::select! {
            () = self.run.terminal.settle() => {}
            () = &mut limit, if !patient => {}
            _ = self.interrupts.signals.next() => {}
        }
        self.run.terminal.close();
        exit
    }
}

async fn answer(lookup: &mut Option<ApiLookup>) -> lookup::Response {
    match lookup {
        Some(lookup) => lookup.response().await,
        None => pending().await,
    }
}

async fn interrupt(
    interrupts: &mut Interrupts,
    run: &mut Run,
    stream: &str,
    stats: &Stats,
    quota: Option<Reading>,
) -> Option<Input> {
    let shown = Shown::new(run, stream, stats, quota);
    interrupt_with(interrupts, &mut run.terminal, &shown, &run.clock, run.deadline).await
}

/// What the status row is drawn from, apart from the time and the terminal's backlog.
struct Shown<'a> {
    stats: &'a Stats,
    stream: &'a str,
    keep_alive: Duration,
    rate: f64,
    buffer: usize,
    quota: Option<Reading>,
}

impl Shown<'_> {
    fn new<'a>(run: &Run, stream: &'a str, stats: &'a Stats, quota: Option<Reading>) -> Shown<'a> {
        let rate = run.session.rate(run.clock.now());
        Shown { stats, stream, keep_alive: run.keep_alive, rate, buffer: run.buffer, quota }
    }

    fn view(&self, now: Timestamp, backlog: usize) -> View<'_> {
        let Shown { stream, keep_alive, rate, buffer, quota, .. } = *self;
        View { stream, keep_alive, now, rate, backlog, buffer, quota }
    }

    fn row(&self, now: Timestamp, backlog: usize, width: usize, color: bool) -> String {
        status_row::render(self.stats, &self.view(now, backlog), width, color)
    }
}

/// Waits for a signal, the tick, or room for output. Nothing: have another look.
async fn interrupt_with(
    interrupts: &mut Interrupts,
    terminal: &mut Terminal,
    shown: &Shown<'_>,
    clock: &Clock,
    deadline: Option<Duration>,
) -> Option<Input> {
    let Interrupts { signals, tick, lookup, answered } = interrupts;
    let input = tokio::select! {
        biased;
        arrived = signals.next() => match arrived {
            Arrived::End(signal) => return Some(Input::Signalled(signal)),
            Arrived::Stop => {
                terminal.suspend();
                None
            }
            Arrived::Resize => None,
            Arrived::Report => {
                terminal.always(&shown.row(clock.now(), terminal.backlog(), usize::MAX, false));
                None
            }
        },
        _ = tick.tick() => {
            if terminal.reader_left() {
                return Some(Input::ReaderLeft);
            }
            None
        }
        result = terminal.drain() => result.err().map(|error| of_output(&error)),
        answer = answer(lookup) => {
            *answered = Some(answer);
            None
        }
        () = clock.over(deadline) => None,
    };
    let now = clock.now();
    if input.is_none() && deadline.is_some_and(|deadline| clock.elapsed() >= deadline) {
        return Some(Input::TimeUp);
    }
    let backlog = terminal.backlog();
    terminal.refresh(|width, color| shown.row(now, backlog, width, color));
    input
}
