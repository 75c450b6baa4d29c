//! Every event, to everyone who observes the run: the status, notices, the log and the journal.

use super::EventLoop;
use super::link::Network;
use crate::observe::notice;
use crate::observe::record::JournalRecord;
use crate::observe::status_row;
use crate::session::event::ArchiveEvent;
use crate::session::{Event, EventKind, Input, Outcome};
use crate::terminal::StatusMode;

impl<N: Network> EventLoop<N> {
    pub(super) fn report(&mut self, event: &Event) {
        self.stats.apply(event);
        if let EventKind::Dialling { .. } = event.kind {
            let (spent, allowed) = self.supervisor.requests(event.at);
            log::info!("this is request {spent} of {allowed} in any 15 minutes");
        }
        for decision in notice::decisions(event) {
            log::info!("{decision}");
        }
        if let EventKind::Status = event.kind {
            return self.record_status();
        }
        if let Some(record) = JournalRecord::from_event(event) {
            self.record(&record);
        }
        let lock = self.run.store.as_ref().map(|store| store.lock().display().to_string());
        let names = notice::NoticeContext {
            host: &self.run.host,
            lock: lock.as_deref().unwrap_or_default(),
            denied: self.run.denied,
        };
        let Some(line) = notice::line(event, &names) else { return };
        let always = match &event.kind {
            EventKind::Stopped(outcome) => outcome.code() != 0 && !matches!(outcome, Outcome::Signalled(_)),
            EventKind::Degraded(_)
            | EventKind::Archive(ArchiveEvent::Failed { .. } | ArchiveEvent::NotScrubbed { .. }) => true,
            _ => false,
        };
        if always {
            self.run.terminal.always(&line);
        } else {
            self.run.terminal.info(&line);
        }
        if let Some(hint) = self.run.opened.take_if(|_| matches!(event.kind, EventKind::Opened { .. })) {
            self.run.terminal.info(hint);
        }
    }

    /// Appends a record to the journal, if there is one. A journal that fails is reported once and costs no post.
    pub(super) fn record(&mut self, record: &JournalRecord) {
        let Some(journal) = &mut self.run.journal else { return };
        if let Err(error) = journal.write(record) {
            self.run.journal = None;
            self.inputs.push_back(Input::Degraded(format!("writing the journal: {error}; the run goes on without it")));
        }
    }

    /// Writes the status to the journal, and to stderr where `--status` asks for that.
    fn record_status(&mut self) {
        let stream = self.run.stream.clone();
        let view = self.view(&stream);
        let record = JournalRecord::status(&self.stats, &view);
        match self.run.terminal.status_mode() {
            StatusMode::Json => self.run.terminal.record(&record.to_string()),
            StatusMode::Line => {
                let line = status_row::render(&self.stats, &view, usize::MAX, false);
                self.run.terminal.info(&line);
            }
            StatusMode::Auto | StatusMode::Off => {}
        }
        self.record(&record);
    }

    /// Prints the status on request (SIGUSR1).
    pub(super) fn report_status(&mut self) {
        let stream = self.run.stream.clone();
        let line = status_row::render(&self.stats, &self.view(&stream), usize::MAX, false);
        self.run.terminal.always(&line);
    }
}
