//! The archive of a run (`tail --archive`): what is printed also goes to files, one per interval.
//!
//! ```text
//! batch -> OpenFile (NAME.part) --- interval over, run over ---> sync, rename to NAME
//!            flush each second
//! ```
//!
//! Records are written on the caller's thread, as those of the journal are: the system takes them into memory. Waiting for
//! the disk is the work of a thread, one job at a time; until it is done, the open file goes on.
//!
//! Deletions that arrive later are applied to the complete files of the run, by a job of their own.
//!
//! Its law: a file without `.part` is complete and on the disk; no file ever loses a whole record.

mod deletion;
mod folder;
mod gzip;
mod part;
mod recovery;
#[cfg(test)]
mod tests;

use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::{JoinHandle, spawn_blocking};

pub use folder::ArchiveError;

use crate::pipeline::batch::Batch;
use crate::pipeline::outbox::Acknowledged;
use crate::pipeline::rotation::{Compression, RotationInterval, file_name};
use crate::session::event::ArchiveEvent;
use crate::time::Timestamp;
use deletion::PendingDeletions;
use folder::Folder;
use part::OpenFile;

/// How often what was written becomes readable, and with `acknowledges` safe from a loss of power.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// How an archive is written.
#[derive(Debug)]
pub struct ArchiveOptions {
    /// Its folder.
    pub folder: PathBuf,
    /// What the names of its files begin with.
    pub prefix: String,
    /// How much time one file holds.
    pub interval: RotationInterval,
    /// How the files are compressed.
    pub compression: Compression,
    /// Whether the archive is the only output, so that it acknowledges records. It is then synced each second.
    pub acknowledges: bool,
    /// Whether deletions that arrive later are applied to the files of this run.
    pub scrubs: bool,
}

/// What was done in the background.
#[derive(Debug, Default)]
pub struct ArchiveProgress {
    /// What became of files.
    pub events: Vec<ArchiveEvent>,
    /// The records that are on the disk, if the archive acknowledges.
    pub acknowledged: Acknowledged,
}

/// Why a job failed, and the file that it could not complete.
struct JobFailure {
    error: anyhow::Error,
    part: Option<Box<OpenFile>>,
}

/// An archive that is written.
pub struct Archive {
    options: ArchiveOptions,
    folder: Arc<Folder>,
    part: Option<OpenFile>,
    job: Option<JoinHandle<Result<ArchiveProgress, JobFailure>>>,
    deletions: PendingDeletions,
    scrub: Option<JoinHandle<Vec<ArchiveEvent>>>,
    /// Records that no job has begun to sync.
    unsynced: Acknowledged,
    flushed: Timestamp,
    /// Whether no record follows: the run is over, or the archive failed.
    closed: bool,
}

impl Archive {
    /// Locks the folder and completes the files that a crash left open in it. If one cannot be completed, the last event is
    /// the failure of the archive.
    ///
    /// # Errors
    /// Another process writes to the folder; it cannot be opened; a file of the only output cannot be recovered.
    pub fn open(options: ArchiveOptions) -> Result<(Archive, Vec<ArchiveEvent>), ArchiveError> {
        let folder = Folder::open(&options.folder)?;
        let mut recovered = Vec::new();
        let failure = recovery::recover(&folder, &mut recovered).err();
        if let Some(error) = failure {
            if options.acknowledges {
                return Err(ArchiveError::Failed(error));
            }
            recovered.push(ArchiveEvent::Failed { why: format!("{error:#}"), messages: 0, files: Vec::new() });
        }
        let archive = Archive {
            options,
            folder: Arc::new(folder),
            part: None,
            job: None,
            deletions: PendingDeletions::default(),
            scrub: None,
            unsynced: Acknowledged::default(),
            flushed: Timestamp::default(),
            closed: recovered.last().is_some_and(|event| matches!(event, ArchiveEvent::Failed { .. })),
        };
        Ok((archive, recovered))
    }

    /// Appends the records of a batch.
    ///
    /// # Errors
    /// A file cannot be written: the failure of the archive, which is closed; what was written of the batch is removed.
    pub fn write(&mut self, now: Timestamp, batch: &Batch) -> Result<(), ArchiveEvent> {
        if self.closed {
            return Ok(());
        }
        if self.options.scrubs {
            batch.events.iter().for_each(|event| self.deletions.add(event));
        }
        if batch.records.is_empty() {
            return Ok(());
        }
        self.try_write(now, batch).map_err(|error| self.fail(error.into()))
    }

    fn try_write(&mut self, now: Timestamp, batch: &Batch) -> anyhow::Result<()> {
        self.rotate(now);
        let part = match &mut self.part {
            Some(part) => part,
            none => {
                let ArchiveOptions { prefix, interval, compression, .. } = &self.options;
                let start = interval.start_of(now.wall);
                let name = file_name(prefix, *interval, start, *compression);
                let place = format!("opening {}", self.folder.path(&name).display());
                none.insert(OpenFile::open(&self.folder, name, start).context(place)?)
            }
        };
        part.write(batch).with_context(|| format!("writing {}", self.folder.path(&part.name).display()))?;
        if self.options.acknowledges {
            self.unsynced.merge(Acknowledged::from_records(&batch.records));
        }
        Ok(())
    }

    /// Flushes, syncs and rotates what is due. Call it often.
    ///
    /// # Errors
    /// As [`Archive::write`].
    pub fn tick(&mut self, now: Timestamp) -> Result<(), ArchiveEvent> {
        self.try_tick(now).map_err(|error| self.fail(error.into()))
    }

    fn try_tick(&mut self, now: Timestamp) -> anyhow::Result<()> {
        if self.closed {
            return Ok(());
        }
        self.rotate(now);
        let Some(part) = self.part.as_mut().filter(|_| now.since(self.flushed) >= FLUSH_EVERY) else { return Ok(()) };
        self.flushed = now;
        let path = self.folder.path(&part.name);
        part.flush().and_then(|()| part.check(&self.folder)).with_context(|| format!("writing {}", path.display()))?;
        if self.job.is_none() && self.unsynced.records > 0 {
            let file = part.handle()?;
            let acknowledged = std::mem::take(&mut self.unsynced);
            self.job = Some(spawn_blocking(move || {
                file.sync_data().with_context(|| format!("writing {}", path.display()))?;
                Ok(ArchiveProgress { events: Vec::new(), acknowledged })
            }));
        }
        Ok(())
    }

    /// Completes the open file if its interval is over.
    fn rotate(&mut self, now: Timestamp) {
        let is_over = |part: &OpenFile| self.options.interval.is_over(part.start, now.wall);
        if self.part.as_ref().is_some_and(is_over) {
            self.complete();
        }
    }

    /// Completes the open file, if there is one, unless a job is under way.
    fn complete(&mut self) {
        if self.job.is_some() {
            return;
        }
        let Some(mut part) = self.part.take() else { return };
        self.deletions.end_file(&part.name);
        let acknowledged = std::mem::take(&mut self.unsynced);
        let folder = Arc::clone(&self.folder);
        self.job = Some(spawn_blocking(move || {
            if let Err(error) = part.complete(&folder) {
                let place = format!("completing {}", folder.path(&part.name).display());
                return Err(JobFailure { error: anyhow::Error::new(error).context(place), part: Some(Box::new(part)) });
            }
            let OpenFile { name: file, messages, bytes, .. } = part;
            Ok(ArchiveProgress { events: vec![ArchiveEvent::Completed { file, messages, bytes }], acknowledged })
        }));
    }

    /// Completes the open file: the run is over.
    pub fn close(&mut self) {
        self.closed = true;
        self.finish();
    }

    /// Does what is left to do after the last record, one job after the other.
    fn finish(&mut self) {
        self.complete();
        if self.part.is_none() && self.job.is_none() {
            self.deletions.end_run();
        }
        self.start_scrub();
    }

    /// Begins to apply deletions to complete files, if some are due.
    fn start_scrub(&mut self) {
        // The files are there only when the last one has its name.
        if self.job.is_none() && self.scrub.is_none() {
            self.scrub = self.deletions.next(self.folder.root()).map(spawn_blocking);
        }
    }

    /// Whether everything is complete after [`Archive::close`], or the archive failed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed && self.part.is_none() && self.job.is_none() && self.scrub.is_none() && !self.deletions.is_due()
    }

    /// Waits for work in the background; never returns while there is none.
    ///
    /// # Errors
    /// As [`Archive::write`].
    pub async fn progress(&mut self) -> Result<ArchiveProgress, ArchiveEvent> {
        let result = tokio::select! {
            result = done(&mut self.job) => result.map_err(JobFailure::from).and_then(|result| result),
            events = done(&mut self.scrub) => events
                .map(|events| ArchiveProgress { events, acknowledged: Acknowledged::default() })
                .map_err(JobFailure::from),
        };
        let result = result.map_err(|failure| self.fail(failure));
        if self.closed {
            self.finish();
        } else {
            self.start_scrub();
        }
        result
    }

    /// An archive that failed is not written any more: a later record must not follow a lost one.
    fn fail(&mut self, JobFailure { error, part }: JobFailure) -> ArchiveEvent {
        self.closed = true;
        let open = part.map(|part| *part).into_iter().chain(self.part.take());
        let left: Vec<OpenFile> = open.filter(|part| part.flushed > 0 && part.check(&self.folder).is_ok()).collect();
        ArchiveEvent::Failed {
            why: format!("{error:#}"),
            messages: left.iter().map(|part| part.flushed).sum(),
            files: left.into_iter().map(|part| part.name).collect(),
        }
    }
}

impl From<anyhow::Error> for JobFailure {
    fn from(error: anyhow::Error) -> JobFailure {
        JobFailure { error, part: None }
    }
}

/// The result of a job; never while there is none.
async fn done<T>(job: &mut Option<JoinHandle<T>>) -> anyhow::Result<T> {
    let Some(running) = job else { return pending().await };
    let result = running.await.context("writing the archive");
    *job = None;
    result
}
