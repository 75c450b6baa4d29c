//! The event loop: one select, whose outcomes are inputs of the supervisor, whose actions are carried out here.
//!
//! ```text
//! links, stdout, signals, tick, timer, state file, X's API
//!    -> Input -> Supervisor -> Event  -> report: status, notices, journal
//!                           -> Action -> dial, close, ask, sync, exit
//! ```
//!
//! Its law: it decides nothing, and nothing on its thread sleeps. What is ready is read before a timer is believed, so
//! that after a suspension the stream speaks first.

mod archive;
pub mod link;
pub mod lookup;
mod receive;
mod report;
mod state;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};

use crate::clock::Clock;
use crate::net::dial::DialOutcome;
use crate::observe::record::JournalRecord;
use crate::observe::stats::{Stats, View};
use crate::observe::status_row;
use crate::observe::summary::RunSummary;
use crate::pipeline::Intake;
use crate::pipeline::batch::Batch;
use crate::pipeline::decode::Format;
use crate::pipeline::outbox::Gate;
use crate::pipeline::select::{LineSource, Selector};
use crate::session::{Action, Event, Failure, Input, LinkEvent, Outcome, Supervisor};
use crate::store::archive::Archive;
use crate::store::journal::JournalFile;
use crate::store::state::{LockedState, Store};
use crate::store::tombstones::SharedPosition;
use crate::terminal::Terminal;
use crate::terminal::signal::{SignalEvent, Signals};
use crate::time::Timestamp;
use link::{Attempt, Background, Link, Network};
use lookup::ApiLookup;
use receive::{Rest, next, output_error};

/// How often the row is drawn and the reader is looked for. A reader that left a silent stream must be noticed
/// within a second; four looks in that time cost nothing.
const TICK: Duration = Duration::from_millis(250);

/// How often a lock that another process holds is tried again.
const LOCK_RETRY: Duration = Duration::from_millis(10);

/// What a run is made of.
pub struct Run<N> {
    /// Dates everything.
    pub clock: Clock,
    /// Opens connections.
    pub network: N,
    /// stdout and stderr.
    pub terminal: Terminal,
    /// The stream's name.
    pub stream: Rc<str>,
    /// How often the server promises a sign of life.
    pub keep_alive: Duration,
    /// The host, as notices name it.
    pub host: String,
    /// Whether v1.1's `delimited=length` framing is expected.
    pub framed: bool,
    /// The state shared with other runs, if it is.
    pub store: Option<Store>,
    /// Where every event is recorded.
    pub journal: Option<JournalFile>,
    /// The files that messages also go to.
    pub archive: Option<Archive>,
    /// What is asked of X's API beside the stream, if X has a name for the stream.
    pub lookup: Option<ApiLookup>,
    /// Whether the run ends with a summary of several lines although stderr is no terminal.
    pub summary: bool,
    /// Bytes that may wait for the reader.
    pub buffer: usize,
    /// What the user should know when the stream opens for the first time.
    pub opened: Option<&'static str>,
    /// What the user should know when it is refused for lack of access.
    pub denied: Option<&'static str>,
}

/// An open connection with its end of the pipeline.
struct OpenLink<L> {
    link: L,
    intake: Intake,
    rest: Rest,
}

/// The run as it goes.
pub struct EventLoop<N: Network> {
    run: Run<N>,
    supervisor: Supervisor,
    selector: Selector,
    stats: Stats,
    signals: Signals,
    tick: Interval,
    inputs: VecDeque<Input>,
    events: Vec<Event>,
    actions: Vec<Action>,
    batch: Batch,
    dialling: Option<(u32, N::Attempt)>,
    open: Option<OpenLink<N::Link>>,
    closing: Vec<Background<()>>,
    /// Whether the state file is to be locked, and whether to reserve posts then.
    sync: Option<bool>,
    /// Whether it was reported that the ids of the day are lost.
    ids_lost: bool,
    /// How much of the shared tombstones is known; none if they are not shared.
    shared: Option<SharedPosition>,
    /// Whether the outbox was full when it was last looked at.
    blocked: bool,
    /// After the order to shut down: what was reported of it.
    shutdown: Option<ShutdownProgress>,
}

/// What was reported of a shutdown.
#[derive(Debug, Clone, Copy, Default)]
struct ShutdownProgress {
    links: bool,
    output: bool,
    archive: bool,
}

/// Follows the stream to its end; returns the exit status.
///
/// `earlier` is what happened before it.
pub async fn follow<N: Network>(
    run: Run<N>,
    supervisor: Supervisor,
    mut selector: Selector,
    signals: Signals,
    earlier: Vec<Input>,
) -> u8 {
    let shared = run.store.as_ref().and(selector.tombstones()).map(|tombstones| {
        tombstones.share();
        SharedPosition::default()
    });
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut event_loop = EventLoop {
        supervisor,
        selector,
        stats: Stats::default(),
        signals,
        tick,
        inputs: earlier.into_iter().chain([Input::Started]).collect(),
        events: Vec::new(),
        actions: Vec::new(),
        batch: Batch::default(),
        dialling: None,
        open: None,
        closing: Vec::new(),
        sync: None,
        ids_lost: false,
        shared,
        blocked: false,
        shutdown: None,
        run,
    };
    let start = JournalRecord::start(event_loop.run.clock.now(), &event_loop.run.stream, &event_loop.run.host);
    event_loop.record(&start);
    let (outcome, status) = event_loop.follow().await;
    event_loop.finish(&outcome, status).await;
    status
}

impl<N: Network> EventLoop<N> {
    async fn follow(&mut self) -> (Outcome, u8) {
        loop {
            while let Some(input) = self.inputs.pop_front() {
                if let Some(exit) = self.handle(self.run.clock.now(), input, None) {
                    return exit;
                }
            }
            if let Some(exit) = self.try_sync() {
                return exit;
            }
            self.report_shutdown();
            if self.inputs.is_empty() {
                self.wait().await;
            }
        }
    }

    /// Hands an input to the supervisor and carries out what it orders.
    fn handle(
        &mut self,
        now: Timestamp,
        input: Input,
        mut held: Option<&mut LockedState<'_>>,
    ) -> Option<(Outcome, u8)> {
        let (mut events, mut actions) = (std::mem::take(&mut self.events), std::mem::take(&mut self.actions));
        self.supervisor.handle(now, input, &mut events, &mut actions);
        for event in events.drain(..) {
            self.report(&event);
        }
        let mut exit = None;
        for action in actions.drain(..) {
            match action {
                Action::Dial { connection, request } => {
                    self.dialling = Some((connection, self.run.network.dial(&request)));
                }
                Action::Close { connection } => {
                    // A connection that has ended by itself meanwhile is closed already.
                    if self.open.as_ref().is_some_and(|open| open.intake.source.number == connection) {
                        self.end_stream(now, Failure::eof());
                    }
                }
                Action::SyncState { reserve } => self.sync = Some(reserve),
                Action::SaveBudget(shared) => {
                    let saved = held.as_mut().map_or(Ok(()), |held| held.save(&shared));
                    if let Err(error) = saved {
                        self.inputs.push_back(Input::StateFailed(format!("{error:#}")));
                    }
                }
                Action::Ask(query) => match &mut self.run.lookup {
                    Some(lookup) => lookup.ask(query),
                    None => self.inputs.push_back(Input::Answered(None)),
                },
                Action::Shutdown { hurry } => self.shut_down(hurry),
                Action::Exit { outcome, status } => exit = Some((outcome, status)),
            }
        }
        (self.events, self.actions) = (events, actions);
        exit
    }

    fn shut_down(&mut self, hurry: bool) {
        self.shutdown = Some(ShutdownProgress::default());
        if hurry {
            self.run.terminal.hurry();
        }
        // A run that is over has no state to show.
        self.run.terminal.release_for_good();
        if let Some(archive) = &mut self.run.archive {
            archive.close();
        }
        if let Some(open) = self.open.take() {
            self.closing.push(open.link.close());
        }
        if let Some((connection, attempt)) = self.dialling.take() {
            let (sent, rest) = attempt.cancel();
            self.closing.push(rest);
            let failure = Failure { sent, ..Failure::eof() };
            self.link_event(connection, LinkEvent::Failed(failure));
        }
    }

    fn report_shutdown(&mut self) {
        let Some(reported) = &mut self.shutdown else { return };
        if !reported.links && self.closing.is_empty() {
            reported.links = true;
            self.inputs.push_back(Input::LinksClosed);
        }
        if !reported.output && self.run.terminal.outbox().backlog() == 0 {
            reported.output = true;
            self.inputs.push_back(Input::OutputDrained);
        }
        if !reported.archive && self.run.archive.as_ref().is_some_and(Archive::is_closed) {
            reported.archive = true;
            self.inputs.push_back(Input::ArchiveClosed);
        }
    }

    /// Waits until something happens.
    async fn wait(&mut self) {
        let now = self.run.clock.now();
        let gate = self.run.terminal.outbox_mut().gate(now);
        if (gate == Gate::Closed) != self.blocked && self.shutdown.is_none() {
            self.blocked = !self.blocked;
            self.inputs.push_back(if self.blocked { Input::OutputBlocked } else { Input::OutputUnblocked });
            return;
        }
        let timeout = self.supervisor.next_timeout();
        let catch_up = if let Gate::Wait(until) = gate { Some(until) } else { None };
        let readable = gate == Gate::Open && (!self.selector.is_paused() || self.selector.is_full());
        let clock = self.run.clock;
        let EventLoop { run, selector, signals, tick, dialling, open, closing, sync, .. } = self;
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                SignalEvent::Shutdown(signal) => self.inputs.push_back(Input::Signalled(signal)),
                SignalEvent::Suspend => self.run.terminal.suspend(),
                SignalEvent::Resize => self.refresh(),
                SignalEvent::Info => self.report_status(),
            },
            _ = tick.tick() => {
                if self.run.terminal.reader_left() {
                    self.inputs.push_back(Input::ReaderLeft);
                }
                self.tick_archive();
                self.share_tombstones();
                self.refresh();
            }
            result = archive::progress(&mut run.archive) => self.archive_progressed(result),
            result = run.terminal.drain(selector) => {
                if let Err(error) = result {
                    self.inputs.push_back(output_error(&error));
                }
                self.refresh();
            }
            response = response(&mut run.lookup) => self.inputs.push_back(Input::Answered(response)),
            (connection, outcome) = outcome(dialling) => self.dialled(connection, outcome),
            () = closed(closing) => {}
            () = tokio::time::sleep(LOCK_RETRY), if sync.is_some() => {}
            () = sleep_until(clock, catch_up), if catch_up.is_some() => {}
            chunk = chunk(open), if readable => {
                self.receive(chunk).await;
                // A flood leaves the timers no turn.
                if timeout.is_some_and(|at| at.monotonic <= clock.now().monotonic) {
                    self.inputs.push_back(Input::Elapsed);
                }
            }
            () = sleep_until(clock, timeout) => {
                // After a stop or a suspension the timers may be seen before the socket is: it gets a turn.
                tokio::task::yield_now().await;
                match self.open.as_mut().filter(|open| readable && open.rest.is_none()) {
                    Some(open) => match link::ready(&mut open.link).await {
                        Some(chunk) => self.receive(chunk).await,
                        None => self.inputs.push_back(Input::Elapsed),
                    },
                    None => self.inputs.push_back(Input::Elapsed),
                }
            }
        }
    }

    fn dialled(&mut self, connection: u32, outcome: DialOutcome<N::Link>) {
        self.dialling = None;
        let event = match outcome {
            DialOutcome::Opened(head, link) => {
                let format = Format {
                    gzip: link.is_gzip(),
                    framed: self.run.framed,
                    file: false,
                    line_cap: self.selector.options().line_cap,
                };
                let intake = Intake::new(format, LineSource::new(connection));
                self.open = Some(OpenLink { link, intake, rest: None });
                LinkEvent::Opened(head)
            }
            DialOutcome::Refused(refusal) => LinkEvent::Refused(refusal),
            DialOutcome::Failed(failure) => LinkEvent::Failed(failure),
        };
        self.link_event(connection, event);
    }

    /// What the renderings show beside the events.
    fn view<'a>(&self, stream: &'a str) -> View<'a> {
        let now = self.run.clock.now();
        View {
            stream,
            keep_alive: self.run.keep_alive,
            now,
            rate: self.supervisor.rate(now),
            backlog: self.run.terminal.outbox().backlog(),
            buffer: self.run.buffer,
            quota: self.selector.quota_usage(),
        }
    }

    fn refresh(&mut self) {
        let stream = self.run.stream.clone();
        let (view, stats) = (self.view(&stream), &self.stats);
        self.run.terminal.refresh(|width, color| status_row::render(stats, &view, width, color));
    }

    /// Prints the summary, records the end and leaves the terminal restored.
    async fn finish(&mut self, outcome: &Outcome, status: u8) {
        let gone = matches!(outcome, Outcome::ReaderLeft | Outcome::Failed(_));
        let (lost, messages) = (self.run.terminal.outbox().backlog(), self.run.terminal.outbox().waiting());
        self.stats.lose(messages);
        self.stats.withhold(self.run.terminal.outbox().deletions());
        if lost > 0 && !gone && !self.run.terminal.reader_left() {
            self.run.terminal.info(&format!(
                "{lost} bytes of output were not taken by the reader and are lost; its last line may be cut"
            ));
        }
        let quota = self.selector.quota_usage();
        if !gone {
            let prints = self.run.terminal.prints();
            let summary = RunSummary { stats: &self.stats, lasted: self.run.clock.elapsed(), quota, prints };
            if self.run.summary || self.run.terminal.is_interactive() {
                summary.lines().iter().for_each(|line| self.run.terminal.info(line));
            } else {
                self.run.terminal.info(&summary.line());
            }
        }
        let end = JournalRecord::end(self.run.clock.now(), outcome, status, &self.stats);
        self.record(&end);
        // The last lines do not fall into a line that the reader is about to print.
        let hurried = matches!(outcome, Outcome::Signalled(_));
        tokio::select! {
            () = self.run.terminal.settle() => {}
            () = tokio::time::sleep(SETTLE), if hurried => {}
            _ = self.signals.next() => {}
        }
        self.run.terminal.close().await;
    }
}

/// How long the last notices may wait for a pause in the data after a signal.
const SETTLE: Duration = Duration::from_millis(500);

async fn sleep_until(clock: Clock, until: Option<Timestamp>) {
    match until {
        Some(until) => clock.sleep_until(until).await,
        None => pending().await,
    }
}

async fn response(lookup: &mut Option<ApiLookup>) -> Option<crate::session::Response> {
    match lookup {
        Some(lookup) => lookup.response().await,
        None => pending().await,
    }
}

async fn outcome<A: Attempt + Unpin>(dialling: &mut Option<(u32, A)>) -> (u32, DialOutcome<A::Link>) {
    match dialling {
        Some((connection, attempt)) => (*connection, attempt.await),
        None => pending().await,
    }
}

async fn chunk<L: Link>(open: &mut Option<OpenLink<L>>) -> link::Chunk {
    match open {
        Some(open) => next(open).await,
        None => pending().await,
    }
}

/// Waits until one of the connections is closed, and forgets it.
async fn closed(closing: &mut Vec<Background<()>>) {
    poll_fn(|cx| {
        let before = closing.len();
        closing.retain_mut(|closing| closing.as_mut().poll(cx).is_pending());
        if closing.len() < before { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
