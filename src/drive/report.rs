//! What happened, passed to every observer: notices, log, journal and statistics; and what X is asked about it.

use std::time::Duration;

use super::{Drive, Shown};
use crate::lookup::{self, Query};
use crate::observe::notice;
use crate::observe::record::Record;
use crate::observe::status_row;
use crate::pipeline::{Diagnostic, Seen};
use crate::protocol::disconnect::{Code, Own, TextLine};
use crate::protocol::message::{Ending, Notice};
use crate::session::{Event, EventKind, Outcome};
use crate::terminal::StatusMode;
use crate::text::sanitize;
use crate::time::Timestamp;

/// How often the status is written to the journal, and to stderr where `--status` asks for that.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// Active rules that `-v` lists.
const RULES_SHOWN: usize = 20;

impl Drive {
    pub(super) fn report(&mut self, events: &[Event]) {
        for event in events {
            self.stats.apply(event);
            if let EventKind::Dialling { .. } = event.kind {
                let (spent, allowed) = self.run.session.budget().count(event.at);
                log::info!("this is request {spent} of {allowed} in any 15 minutes");
            }
            if let Some(decision) = notice::decision(event) {
                log::info!("{decision}");
            }
            self.inquire(event, events);
            if let Some(record) = Record::from_event(event) {
                self.write_record(&record);
            }
            let Some(mut line) = notice::line(event, &self.run.host) else {
                continue;
            };
            // What is known about this stream is more precise than what its code means in general.
            if let (Some(text), Some(what)) = (self.run.denied, denied(event)) {
                line = what.replace("{why}", text);
            }
            let hint = self.run.opened.take_if(|_| matches!(event.kind, EventKind::Opened { .. }));
            match &event.kind {
                EventKind::Stopped(outcome) if outcome.code() != 0 && !matches!(outcome, Outcome::Signalled(_)) => {
                    self.run.terminal.always(&line);
                }
                _ => self.run.terminal.info(&line),
            }
            if let Some(hint) = hint {
                self.run.terminal.info(hint);
            }
        }
    }

    /// Queries X about an ending that only X can explain: who holds the slot, or why it ended the connection. A run that
    /// ends with it queries the reason only for a terminal or a journal: a script that starts run after run must not
    /// spend a request on each.
    pub(super) fn inquire(&mut self, event: &Event, events: &[Event]) {
        let stops = events.iter().any(|event| matches!(event.kind, EventKind::Stopped(_)));
        let read = !stops || self.run.terminal.is_interactive() || self.run.journal.is_some();
        let Some(lookup) = &mut self.interrupts.lookup else { return };
        let EventKind::Ended { ending, opened, lived, .. } = &event.kind else { return };
        let slot = matches!(&ending.code, Code::Issue(name) if name == "TooManyConnections")
            || ending.code == Code::Text(TextLine::ConnectionLimit);
        if slot {
            lookup.ask(Query::Holders { terminate: std::mem::take(&mut self.run.take_over) });
        } else if *opened && read && ending.code != Code::Own(Own::Quota) {
            lookup.ask(Query::Reason { connection: event.connection, opened: *lived });
        }
    }

    pub(super) fn report_answer(&mut self) {
        match self.interrupts.answered.take() {
            Some(lookup::Response::Holders { kill, holders, terminated }) => {
                let kind = EventKind::Held { by: holders, kill, freed: terminated };
                self.report(&[Event { at: self.run.clock.now(), connection: self.run.session.connection(), kind }]);
            }
            Some(lookup::Response::Reason { connection, reason }) => {
                let kind = EventKind::Reason { reason };
                self.report(&[Event { at: self.run.clock.now(), connection, kind }]);
            }
            Some(lookup::Response::Rules(rules)) => {
                for rule in rules.iter().take(RULES_SHOWN) {
                    let tag = rule.tag.as_ref().map_or(String::new(), |tag| format!(" (tag {})", sanitize(tag, 60)));
                    log::info!("active rule: {}{tag}", sanitize(&rule.value, 120));
                }
                if rules.len() > RULES_SHOWN {
                    log::info!("and {} more active rules: xstream rules list", rules.len() - RULES_SHOWN);
                }
            }
            Some(lookup::Response::Nothing) | None => {}
        }
    }

    /// Appends a record to the journal, if there is one. A journal that fails is reported once and costs no post.
    pub(super) fn write_record(&mut self, record: &Record) {
        let Some(journal) = &mut self.run.journal else { return };
        if let Err(error) = journal.write(record) {
            self.run.journal = None;
            self.journal_failed = true;
            self.run.terminal.always(&format!("writing the journal: {error}; the run goes on without it"));
        }
    }

    /// Reports what X answered, and every ten seconds the status, to the journal and as `--status` says.
    pub(super) fn report_status(&mut self) {
        self.report_answer();
        let now = self.run.clock.now();
        if now.monotonic < self.status_due {
            return;
        }
        let first = self.status_due.is_zero();
        self.status_due = now.monotonic + STATUS_EVERY;
        if first {
            return;
        }
        let shown = Shown::new(&self.run, &self.stream_name, &self.stats, self.quota);
        let view = shown.view(now, self.run.terminal.backlog());
        let record = Record::status(&self.stats, &view);
        match self.run.terminal.status_mode() {
            StatusMode::Json => self.run.terminal.record(&record.to_string()),
            StatusMode::Line => {
                let line = status_row::render(&self.stats, &view, usize::MAX, false);
                self.run.terminal.info(&line);
            }
            StatusMode::Auto | StatusMode::Off => {}
        }
        self.write_record(&record);
    }

    /// Keeps the diagnostics of a batch until the events of the session for this batch are reported.
    pub(super) fn keep_diagnostics(&mut self, at: Timestamp, seen: &mut Seen) {
        let connection = self.run.session.connection();
        for diagnostic in seen.remarks.drain(..) {
            // One ending is reported when it ends the stream; further ones are reported here.
            if let Diagnostic::Notice(Notice::Ending(ending)) = &diagnostic
                && seen.ending.as_ref() != Some(ending)
            {
                self.run.terminal.info(&notice::notice(&Notice::Ending(ending.clone())));
            }
            self.diagnostics.push(Event { at, connection, kind: EventKind::Diagnostic(diagnostic) });
        }
        let count = seen.unremarked + seen.unremarked_notices;
        if count > 0 {
            self.diagnostics.push(Event { at, connection, kind: EventKind::Suppressed { count } });
        }
    }
}

/// The notice of an event that says that access is denied, without the reason.
fn denied(event: &Event) -> Option<String> {
    let status = |ending: &Ending| match ending.code {
        Code::Status(status @ (401 | 403)) => Some(status),
        _ => None,
    };
    match &event.kind {
        EventKind::Ended { ending, .. } => {
            status(ending).map(|status| format!("no stream: {status}, this stream is not to be had"))
        }
        EventKind::Stopped(Outcome::Refused(ending)) => status(ending).map(|_| "stopped, X refuses: {why}".to_owned()),
        _ => None,
    }
}
