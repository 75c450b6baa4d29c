//! The archive beside stdout: what is handed to it, and what it reports.

use std::future::pending;

use super::EventLoop;
use super::link::Network;
use crate::session::Input;
use crate::session::event::ArchiveEvent;
use crate::store::archive::{Archive, ArchiveProgress};

impl<N: Network> EventLoop<N> {
    /// Writes the records of the batch to the archive, however far the reader of stdout lags.
    pub(super) fn archive_batch(&mut self) {
        let now = self.run.clock.now();
        let written = self.run.archive.as_mut().map_or(Ok(()), |archive| archive.write(now, &self.batch));
        self.report_archive(written.err());
    }

    /// Flushes and rotates the archive.
    pub(super) fn tick_archive(&mut self) {
        let now = self.run.clock.now();
        let done = self.run.archive.as_mut().map_or(Ok(()), |archive| archive.tick(now));
        self.report_archive(done.err());
    }

    pub(super) fn archive_progressed(&mut self, result: Result<ArchiveProgress, ArchiveEvent>) {
        match result {
            Ok(ArchiveProgress { events, acknowledged }) => {
                self.run.terminal.outbox_mut().acknowledge(acknowledged);
                self.inputs.extend(events.into_iter().map(Input::Archive));
            }
            Err(failure) => self.report_archive(Some(failure)),
        }
    }

    fn report_archive(&mut self, failure: Option<ArchiveEvent>) {
        self.inputs.extend(failure.map(Input::Archive));
    }
}

/// Waits for work of the archive in the background.
pub(super) async fn progress(archive: &mut Option<Archive>) -> Result<ArchiveProgress, ArchiveEvent> {
    match archive {
        Some(archive) => archive.progress().await,
        None => pending().await,
    }
}
