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

/// An archive that is written.
pub struct Archive {
    options: ArchiveOptions,
    folder: Arc<Folder>,
    part: Option<OpenFile>,
    job: Option<JoinHandle<anyhow::Result<ArchiveProgress>>>,
    deletions: PendingDeletions,
    scrub: Option<JoinHandle<Vec<ArchiveEvent>>>,
    /// Records that no job has begun to sync.
    unsynced: Acknowledged,
    flushed: Timestamp,
    /// Whether no record follows: the run is over, or the archive failed.
    closed: bool,
}

impl Archive {
    /// Locks the folder and completes the files that a crash left open in it.
    ///
    /// # Errors
    /// Another process writes to the folder; it cannot be opened; a file cannot be recovered.
    pub fn open(options: ArchiveOptions) -> Result<(Archive, Vec<ArchiveEvent>), ArchiveError> {
        let folder = Folder::open(&options.folder)?;
        let recovered = recovery::recover(&folder).map_err(ArchiveError::Failed)?;
        let archive = Archive {
            options,
            folder: Arc::new(folder),
            part: None,
            job: None,
            deletions: PendingDeletions::default(),
            scrub: None,
            unsynced: Acknowledged::default(),
            flushed: Timestamp::default(),
            closed: false,
        };
        Ok((archive, recovered))
    }

    /// Appends the records of a batch.
    ///
    /// # Errors
    /// A file cannot be written. The archive is closed then; what was written of the batch is removed.
    pub fn write(&mut self, now: Timestamp, batch: &Batch) -> anyhow::Result<()> {
        if self.closed {
            return Ok(());
        }
        if self.options.scrubs {
            batch.events.iter().for_each(|event| self.deletions.add(event));
        }
        if batch.records.is_empty() {
            return Ok(());
        }
        let result = self.try_write(now, batch);
        self.close_on_error(result)
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
    pub fn tick(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let result = self.try_tick(now);
        self.close_on_error(result)
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
        let Some(part) = self.part.take() else { return };
        self.deletions.end_file(&part.name);
        let acknowledged = std::mem::take(&mut self.unsynced);
        let folder = Arc::clone(&self.folder);
        self.job = Some(spawn_blocking(move || {
            let (file, messages, bytes) = (part.name.clone(), part.messages, part.bytes);
            part.complete(&folder).with_context(|| format!("completing {}", folder.path(&file).display()))?;
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
    pub async fn progress(&mut self) -> anyhow::Result<ArchiveProgress> {
        let result = tokio::select! {
            result = done(&mut self.job) => result.and_then(|result| result),
            events = done(&mut self.scrub) => {
                events.map(|events| ArchiveProgress { events, acknowledged: Acknowledged::default() })
            }
        };
        let result = self.close_on_error(result);
        if self.closed {
            self.finish();
        } else {
            self.start_scrub();
        }
        result
    }

    /// An archive that failed is not written any more: a later record must not follow a lost one.
    fn close_on_error<T>(&mut self, result: anyhow::Result<T>) -> anyhow::Result<T> {
        if result.is_err() {
            self.closed = true;
            self.part = None;
        }
        result
    }
}

/// The result of a job; never while there is none.
async fn done<T>(job: &mut Option<JoinHandle<T>>) -> anyhow::Result<T> {
    let Some(running) = job else { return pending().await };
    let result = running.await.context("writing the archive");
    *job = None;
    result
}
