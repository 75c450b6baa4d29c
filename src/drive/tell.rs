//! What happened, told to all who want to know: people, the journal, the status, the summary; and what X is asked.

use std::time::Duration;

use super::Drive;
use crate::lookup::{self, Query};
use crate::pipeline::{Remark, Seen};
use crate::protocol::disconnect::{Code, ConnectionIssue, HttpStatus, LocalCause, TextLine};
use crate::protocol::message::{DisconnectReason, Notice};
use crate::session::{Event, Outcome};
use crate::terminal::{StatusMode, journal, notice};
use crate::text::sanitize;
use crate::time::format_rfc3339;

/// How often the status is written to the journal, and to stderr where `--status` asks for that.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// Active rules that `-v` tells one by one.
const RULES_TOLD: usize = 20;

impl Drive {
    pub(super) fn tell(&mut self, events: &[Event]) {
        let now = self.run.clock.now();
        for event in events {
            self.run.status.note(now, event);
            self.total.note(now, event);
            if let Event::Dialling { .. } = event {
                let (spent, allowed) = self.run.session.budget().count(now);
                log::info!("this is request {spent} of {allowed} in any 15 minutes");
            }
            if let Some(decision) = notice::decision(event) {
                log::info!("{decision}");
            }
            self.inquire(event, events);
            if let Some(record) = journal::record(event) {
                self.write_down(record);
            }
            let Some(mut line) = notice::line(event, &self.run.host) else {
                continue;
            };
            // What is known about this very stream is truer than what its code means in general.
            if let (Some(text), Some(what)) = (self.run.denied, denied(event)) {
                line = what.replace("{why}", text);
            }
            let hint = self.run.opened.take_if(|_| matches!(event, Event::Opened { .. }));
            match event {
                Event::Stopped(outcome) if outcome.code() != 0 && !matches!(outcome, Outcome::Signalled(_)) => {
                    self.run.terminal.always(&line);
                }
                _ => self.run.terminal.info(&line),
            }
            if let Some(hint) = hint {
                self.run.terminal.info(hint);
            }
        }
    }

    /// Asks X about an ending that only X can explain: who holds the slot, or why it ended the connection. A run
    /// that ends with it asks for the reason only where somebody will read it: a script that starts run after run must not
    /// ask with each.
    pub(super) fn inquire(&mut self, event: &Event, events: &[Event]) {
        let stops = events.iter().any(|event| matches!(event, Event::Stopped(_)));
        let read = !stops || self.run.terminal.is_interactive() || self.run.journal.is_some();
        let Some(lookup) = &mut self.interrupts.lookup else { return };
        let Event::Ended { connection, ending, opened, lived, .. } = event else { return };
        let slot = matches!(
            ending.code,
            Code::Issue(ConnectionIssue::TooManyConnections) | Code::Text(TextLine::ConnectionLimit)
        );
        if slot {
            lookup.ask(Query::Holders { terminate: std::mem::take(&mut self.run.take_over) });
        } else if *opened && read && ending.code != Code::Local(LocalCause::Quota) {
            lookup.ask(Query::Reason { connection: *connection, opened: *lived });
        }
    }

    pub(super) fn tell_answer(&mut self) {
        match self.interrupts.answered.take() {
            Some(lookup::Response::Holders { kill, holders, terminated }) => {
                self.tell(&[Event::Held { by: holders, kill, freed: terminated }]);
            }
            Some(lookup::Response::Reason { connection, reason }) => {
                self.tell(&[Event::Reason { connection, reason }]);
            }
            Some(lookup::Response::Rules(rules)) => {
                for rule in rules.iter().take(RULES_TOLD) {
                    let tag = rule.tag.as_ref().map_or(String::new(), |tag| format!(" (tag {})", sanitize(tag, 60)));
                    log::info!("active rule: {}{tag}", sanitize(&rule.value, 120));
                }
                if rules.len() > RULES_TOLD {
                    log::info!("and {} more active rules: xstream rules list", rules.len() - RULES_TOLD);
                }
            }
            Some(lookup::Response::Nothing) | None => {}
        }
    }

    /// Appends a record to the journal, if there is one. A journal that fails is told once and costs no post.
    pub(super) fn write_down(&mut self, record: serde_json::Value) {
        let Some(journal) = &mut self.run.journal else { return };
        let (now, connection) = (self.run.clock.now(), self.run.session.connection());
        if let Err(error) = journal.write(now, connection, record) {
            self.run.journal = None;
            self.journal_failed = true;
            self.run.terminal.always(&format!("writing the journal: {error}; the run goes on without it"));
        }
    }

    /// Tells what X answered, and writes the status where it is wanted, every ten seconds.
    pub(super) fn report(&mut self) {
        self.tell_answer();
        let now = self.run.clock.now();
        if now.monotonic < self.status_due {
            return;
        }
        let first = self.status_due.is_zero();
        self.status_due = now.monotonic + STATUS_EVERY;
        if first {
            return;
        }
        match self.run.terminal.status_mode() {
            StatusMode::Json => {
                let mut values = self.run.status.values(now);
                values["at"] = format_rfc3339(now.wall).into();
                values["connection"] = self.run.session.connection().into();
                self.run.terminal.record(&values.to_string());
            }
            StatusMode::Line => {
                let line = self.run.status.render(now, usize::MAX, false);
                self.run.terminal.info(&line);
            }
            StatusMode::Auto | StatusMode::Off => {}
        }
        let values = self.run.status.values(now);
        self.write_down(values);
    }

    /// Keeps remarks for the next telling: of one chunk the session says first that it was the first.
    pub(super) fn keep_remarks(&mut self, seen: &mut Seen) {
        for remark in seen.remarks.drain(..) {
            // One ending is told when it ends the stream; further ones would be told nowhere.
            if let Remark::Notice(Notice::Ending(ending)) = &remark
                && seen.ending.as_ref() != Some(ending)
            {
                self.run.terminal.info(&notice::notice(&Notice::Ending(ending.clone())));
            }
            self.remarks.push(Event::Remark(remark));
        }
        let count = seen.unremarked + seen.unremarked_notices;
        if count > 0 {
            self.remarks.push(Event::Unremarked { count });
        }
    }
}

/// Whether an event tells that access is denied, and how its line begins.
fn denied(event: &Event) -> Option<String> {
    let status = |ending: &DisconnectReason| match ending.code {
        Code::Status(status @ (HttpStatus::Unauthorized | HttpStatus::Forbidden)) => Some(status),
        _ => None,
    };
    match event {
        Event::Ended { ending, .. } => {
            status(ending).map(|status| format!("no stream: {status}, this stream is not to be had"))
        }
        Event::Stopped(Outcome::Refused(ending)) => status(ending).map(|_| "stopped, X refuses: {why}".to_owned()),
        _ => None,
    }
}
