//! Transcripts in virtual time: what happened and when, and what the session made of it.

mod backoff;
mod budget;
mod reaction;
mod shutdown;
mod silence;

use std::fmt::Write as _;

use super::super::budget::SharedBudget;
use super::super::input::{Refusal, Response};
use super::super::outcome::Signal;
use super::*;
use crate::pipeline::meter::{Period, Quota, QuotaUsage};
use crate::pipeline::report::BatchReport;
use crate::protocol::body::ResponseBody;
use crate::protocol::disconnect::{Code, LocalCause};
use crate::protocol::post_id::PostId;
use crate::protocol::rate_limit::RateLimit;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn at(time: f64) -> Timestamp {
    // The wall clock begins at a round number, so that resets are easy to write.
    Timestamp { monotonic: seconds(time), wall: seconds(1_000_000.0 + time) }
}

fn options() -> RunOptions {
    RunOptions {
        request: Request::default(),
        keep_alive: seconds(20.0),
        stall: seconds(30.0),
        requests: 50,
        max_retries: None,
        reconnect: true,
        finite: false,
        quota_wait: false,
        deadline: None,
        has_state: false,
        archive: ArchiveMode::Off,
        is_listed: false,
        list_rules: false,
        take_over: false,
        explains_end: true,
        speed: 1,
        seed: 3,
    }
}

/// A run in virtual time: timers fire when they are due, actions are done at once, and each event is a line of the
/// transcript.
struct Scenario {
    supervisor: Supervisor,
    now: f64,
    transcript: String,
    dials: Vec<f64>,
    queries: Vec<Query>,
    outcome: Option<Outcome>,
    exit: Option<u8>,
}

impl Scenario {
    fn new(options: RunOptions) -> Scenario {
        let mut run = Scenario {
            supervisor: Supervisor::new(options),
            now: 0.0,
            transcript: String::new(),
            dials: vec![],
            queries: vec![],
            outcome: None,
            exit: None,
        };
        run.input(Input::Started);
        run
    }

    fn input(&mut self, input: Input) -> &mut Scenario {
        let (mut events, mut actions) = (Vec::new(), Vec::new());
        self.supervisor.handle(at(self.now), input, &mut events, &mut actions);
        for event in events {
            assert_eq!(event.at, at(self.now), "an event carries its time");
            if let EventKind::Stopped(outcome) = &event.kind {
                self.outcome = Some(outcome.clone());
            }
            if let Some(brief) = brief(&event) {
                let _ = writeln!(self.transcript, "{:>7.1} {brief}", self.now);
            }
        }
        for action in actions {
            match action {
                Action::Dial { .. } => self.dials.push(self.now),
                Action::Close { connection } => {
                    self.input(Input::Link { connection, event: LinkEvent::Closed(Failure::eof()) });
                }
                Action::SyncState { .. } => {
                    self.input(Input::StateSynced(SyncedState::default()));
                }
                Action::Ask(query) => self.queries.push(query),
                Action::Exit { status, .. } => self.exit = Some(status),
                Action::SaveBudget(_) | Action::Shutdown { .. } => {}
            }
        }
        self
    }

    fn link(&mut self, event: LinkEvent) -> &mut Scenario {
        let connection = self.supervisor.connections;
        self.input(Input::Link { connection, event })
    }

    fn is_dialling(&self) -> bool {
        self.supervisor.role.is_dialling()
    }

    fn is_open(&self) -> bool {
        matches!(&self.supervisor.role.phase, Phase::Connected(connection) if connection.is_open())
    }

    /// Lets time pass, with `Elapsed` whenever a timer asks for it.
    fn until(&mut self, time: f64) -> &mut Scenario {
        while let Some(due) = self.due().filter(|due| *due <= time) {
            self.now = due.max(self.now);
            self.input(Input::Elapsed);
        }
        self.now = time;
        self
    }

    fn due(&self) -> Option<f64> {
        self.supervisor.next_timeout().map(|until| until.monotonic.as_secs_f64())
    }

    /// Waits out the backoff, up to the next dial; returns how long that took.
    fn wait(&mut self) -> f64 {
        let began = self.now;
        while !self.is_dialling() && self.outcome.is_none() {
            let due = self.due().expect("a wait that ends");
            self.until(due);
        }
        self.now - began
    }

    fn opened(&mut self) -> &mut Scenario {
        self.link(LinkEvent::Opened(Head::default()))
    }

    fn received(&mut self, report: BatchReport, within_line: bool) -> &mut Scenario {
        self.link(LinkEvent::Received(Box::new(Received { report, within_line, quota: None })))
    }

    fn line(&mut self) -> &mut Scenario {
        self.received(BatchReport { bytes: 9, lines: 1, ..BatchReport::default() }, false)
    }

    /// A connection that has become established by now.
    fn established(&mut self) -> &mut Scenario {
        let now = self.now;
        self.opened().line().until(now + 10.0)
    }

    fn fail(&mut self, cause: LocalCause) -> &mut Scenario {
        let sent = matches!(cause, LocalCause::HeadTimeout | LocalCause::Http);
        self.link(LinkEvent::Failed(Failure { cause, detail: String::new(), sent }))
    }

    fn close(&mut self, cause: LocalCause) -> &mut Scenario {
        self.link(LinkEvent::Closed(Failure { cause, detail: String::new(), sent: true }))
    }

    fn end(&mut self, code: Code) -> &mut Scenario {
        let reason = Some(DisconnectReason { code, detail: None });
        self.received(BatchReport { bytes: 9, lines: 1, reason, ..BatchReport::default() }, false)
    }

    fn refuse(&mut self, status: u16, body: &str) -> &mut Scenario {
        self.link(LinkEvent::Refused(refusal(status, body)))
    }

    fn stopped(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }
}

fn refusal(status: u16, body: &str) -> Refusal {
    Refusal {
        status,
        head: Head::default(),
        body: ResponseBody::read(body.as_bytes()),
        retry_after: None,
        redirect: None,
    }
}

/// A quota of five posts, of which so many are used.
fn quota(used: u64) -> QuotaState {
    let quota = Quota { posts: 5, period: Period::Day };
    QuotaState { usage: QuotaUsage { used, quota, exact: true }, spent: used >= 5 }
}

fn brief(event: &Event) -> Option<String> {
    let connection = event.connection;
    Some(match &event.kind {
        EventKind::Dialling { attempt } => format!("dial {connection}, attempt {attempt}"),
        EventKind::Opened { .. } => format!("opened {connection}"),
        EventKind::FirstByte { after, .. } => format!("first byte after {:.0}", after.as_secs_f64()),
        EventKind::Late { silence } => format!("late by now {:.0}", silence.as_secs_f64()),
        EventKind::Established => format!("established {connection}"),
        EventKind::Ended { reason, opened, lived, .. } => {
            format!("ended {} opened={opened} lived={:.0}", reason.code, lived.as_secs_f64())
        }
        EventKind::Waiting { why, delay, .. } => format!("wait {:.2} {why:?}", delay.as_secs_f64()),
        EventKind::Gap(gap) => {
            let id = |id: Option<PostId>| id.map_or_else(String::new, |id| id.to_string());
            format!(
                "gap {:?} {}..{} missed={} by {}",
                gap.to.map(|to| to.since(gap.from).as_secs()),
                id(gap.last_id),
                id(gap.first_id),
                gap.missed,
                gap.cause
            )
        }
        EventKind::Stopped(outcome) => format!("stop {}", outcome.code()),
        EventKind::Blocked => "blocked".to_owned(),
        EventKind::Unblocked { after } => format!("unblocked after {:.0}", after.as_secs_f64()),
        EventKind::Held { .. } => "held".to_owned(),
        EventKind::Reason { reason } => format!("reason {reason} of {connection}"),
        EventKind::LockHeld => "lock held".to_owned(),
        EventKind::Degraded(what) => format!("degraded: {what}"),
        EventKind::Archive(event) => format!("archive {event:?}"),
        EventKind::Diagnostic(_) | EventKind::FurtherDisconnect(_) | EventKind::Suppressed { .. } => {
            "diagnostic".to_owned()
        }
        EventKind::Received(_) | EventKind::Status | EventKind::ActiveRules(_) => return None,
    })
}

/// Whether a wait is at least the documented floor and at most a quarter above it.
fn is_about(wait: f64, floor: f64) -> bool {
    wait >= floor - 1e-6 && wait <= floor * 1.25 + 1e-6
}
