//! The end of a run: everything is closed, flushed and written down, each within its time.

use std::time::Duration;

use super::{ArchiveMode, Decisions, QuerySubject, RunStage, RunTimer, Supervisor};
use crate::session::event::EventKind;
use crate::session::input::{Action, Input, LinkEvent};
use crate::session::outcome::{FAILED, Outcome, Signal};
use crate::session::role::Phase;

/// How long an end by signal may take to flush what the reader has not taken yet, and any end to close the connections
/// and to write the state file.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(500);

/// How long the end of a run waits for X's answer.
const LAST_ANSWER: Duration = Duration::from_secs(2);

/// The end of a run, on its way.
#[derive(Debug)]
pub(super) struct Stopping {
    outcome: Outcome,
    links_closed: bool,
    drained: bool,
    archive_closed: bool,
    /// Whether an answer of X is waited for.
    awaits_answer: bool,
    /// The last synchronisation of the state file: none, ordered (`false`) or done (`true`).
    last_sync: Option<bool>,
}

impl Stopping {
    /// A signal after the end was decided: nothing is waited for any more. It is the outcome only if something was.
    fn hurry(&mut self, signal: Signal) {
        if !self.drained || !self.archive_closed || self.awaits_answer {
            self.outcome = Outcome::Signalled(signal);
        }
        (self.links_closed, self.drained, self.archive_closed, self.awaits_answer) = (true, true, true, false);
    }
}

impl Supervisor {
    pub(super) fn stop(&mut self, outcome: Outcome, out: &mut Decisions) {
        // A stream that ended this very moment has no gap yet, only an end.
        let gap = self.role.coverage.take(out.now).filter(|gap| gap.length(out.now) >= Duration::from_secs(1));
        out.all(self.connections, gap.map(EventKind::Gap));
        out.event(self.connections, EventKind::Stopped(outcome.clone()));
        let signalled = matches!(outcome, Outcome::Signalled(_));
        let gone = matches!(outcome, Outcome::ReaderLeft | Outcome::Failed(_));
        self.timers.clear();
        self.timers.set(RunTimer::Close, out.now.after(SHUTDOWN_TIMEOUT * self.options.speed));
        if signalled {
            self.timers.set(RunTimer::Flush, out.now.after(SHUTDOWN_TIMEOUT * self.options.speed));
        }
        // A user who reads how the run ended needs what X reports about it.
        let awaits_answer = self.asking == Some(QuerySubject::Ending) && !signalled && !gone;
        if awaits_answer {
            self.timers.set(RunTimer::Answer, out.now.after(LAST_ANSWER * self.options.speed));
        }
        if !self.role.is_dialling() {
            self.role.phase = Phase::Idle;
        }
        self.stage = RunStage::Stopping(Stopping {
            outcome,
            links_closed: false,
            drained: gone,
            archive_closed: self.options.archive == ArchiveMode::Off,
            awaits_answer,
            last_sync: None,
        });
        out.actions.push(Action::Shutdown { hurry: signalled });
    }

    pub(super) fn wind_down(&mut self, input: Input, out: &mut Decisions) {
        let RunStage::Stopping(stopping) = &mut self.stage else { unreachable!("{input:?} in {:?}", self.stage) };
        match input {
            Input::LinksClosed => stopping.links_closed = true,
            Input::OutputDrained | Input::ReaderLeft | Input::OutputFailed(_) => stopping.drained = true,
            Input::ArchiveClosed => stopping.archive_closed = true,
            Input::Answered(response) => {
                stopping.awaits_answer = false;
                self.timers.stop(RunTimer::Answer);
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
            Input::Archive(event) => self.archive(event, out),
            Input::Elapsed => {
                while let Some(timer) = self.timers.expired(out.now) {
                    match timer {
                        RunTimer::Answer => stopping.awaits_answer = false,
                        RunTimer::Flush => stopping.drained = true,
                        RunTimer::Close if stopping.last_sync.is_some() => stopping.last_sync = Some(true),
                        RunTimer::Close => stopping.links_closed = true,
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
    fn last_word(&mut self, event: LinkEvent, out: &mut Decisions) {
        match event {
            LinkEvent::Opened(head) => self.count_request(true, Some(&head), out),
            LinkEvent::Refused(refusal) => self.count_request(true, Some(&refusal.head), out),
            LinkEvent::Failed(failure) => self.count_request(failure.sent, None, out),
            LinkEvent::Received(_) | LinkEvent::Closed(_) => {}
        }
    }

    fn exit_if_done(&mut self, out: &mut Decisions) {
        let RunStage::Stopping(stopping) = &mut self.stage else { return };
        if !(stopping.links_closed && stopping.drained && stopping.archive_closed) || stopping.awaits_answer {
            return;
        }
        if self.options.has_state && stopping.last_sync.is_none() {
            // The runs that follow count on from here; what was reserved is given back.
            stopping.last_sync = Some(false);
            self.timers.set(RunTimer::Close, out.now.after(SHUTDOWN_TIMEOUT * self.options.speed));
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
        self.stage = RunStage::Exited;
        self.timers.clear();
        out.actions.push(Action::Exit { outcome, status });
    }
}
