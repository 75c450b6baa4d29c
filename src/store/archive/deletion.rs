//! Deletions that arrive after a post was archived: applied to the files of this run when the next file is complete.
//!
//! What arrived while a file was open applies to that file and to all before it. It is taken when the file ends and waits
//! until the work of the file before it is done, so that each deletion meets every file that it may be about.
//!
//! No more deletions wait than tombstones are kept, which takes 24 MB; if more arrive, that is reported.
//!
//! Its law: a file is replaced in one step by what is left of it, or stays as it is; a file that the user moved or removed
//! is not looked for.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::pipeline::tombstones::CAPACITY;
use crate::protocol::compliance::ComplianceEvent;
use crate::protocol::compliance::table::EffectLog;
use crate::session::event::ArchiveEvent;
use crate::store::rewrite::find;
use crate::store::rewrite::scrub::{Mode, Scrubbed, scrub};

/// What is deleted, and the files that it may be in.
#[derive(Default)]
pub(super) struct PendingDeletions {
    /// What arrived while the open file was written; none before the first.
    log: Option<EffectLog>,
    /// The complete files of this run.
    files: Vec<String>,
    /// Work that waits: the deletions, and how many files they are about.
    due: VecDeque<(EffectLog, usize)>,
    /// Deletions that arrived while no more could wait.
    lost: u64,
}

impl PendingDeletions {
    pub(super) fn add(&mut self, event: &ComplianceEvent) {
        let logs = self.due.iter().map(|(log, _)| log).chain(&self.log);
        if logs.map(EffectLog::len).sum::<usize>() >= CAPACITY {
            self.lost += 1;
            return;
        }
        self.log.get_or_insert_with(|| EffectLog::new(Vec::new(), false)).push(event);
    }

    /// A file ends: what arrived up to here is about it and all before it.
    pub(super) fn end_file(&mut self, name: &str) {
        // A file that was continued within the run is there already.
        if !self.files.iter().any(|file| file == name) {
            self.files.push(name.to_owned());
        }
        self.end_run();
    }

    /// No file follows: what arrived since the last one is about all of them.
    pub(super) fn end_run(&mut self) {
        self.due.extend(self.log.take().filter(|log| !log.is_empty()).map(|log| (log, self.files.len())));
    }

    pub(super) fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// The next work to do in the background.
    pub(super) fn next(&mut self, folder: &Path) -> Option<impl FnOnce() -> Vec<ArchiveEvent> + Send + use<>> {
        let (log, count) = self.due.pop_front()?;
        let lost = std::mem::take(&mut self.lost);
        let files: Vec<(String, PathBuf)> =
            self.files[..count].iter().map(|name| (name.clone(), folder.join(name))).collect();
        Some(move || {
            let (table, _) = log.settle();
            let apply = |(file, path): (String, PathBuf)| {
                let about = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
                let archive = find::ArchiveFile { path, about };
                match scrub(&archive, &table, Mode::Replace, &mut |_| ControlFlow::Continue(())) {
                    Ok(Some(Scrubbed { damage: Some(damage), .. })) => {
                        Some(ArchiveEvent::NotScrubbed { file, why: damage.error.to_string() })
                    }
                    Ok(scrubbed) => {
                        let changes = scrubbed.unwrap_or_default().changes;
                        let (removed, cut) = (changes.removed, changes.rewritten);
                        changes.any().then_some(ArchiveEvent::Scrubbed { file, removed, cut })
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                    Err(error) => Some(ArchiveEvent::NotScrubbed { file, why: error.to_string() }),
                }
            };
            let lost = (lost > 0).then(|| ArchiveEvent::NotScrubbed {
                file: files.last().map_or_else(String::new, |(file, _)| file.clone()),
                why: format!("{lost} deletions arrived while {CAPACITY} waited"),
            });
            files.into_iter().filter_map(apply).chain(lost).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::compliance::ComplianceEffect;
    use crate::protocol::post_id::PostId;

    #[test]
    fn deletions_that_find_no_room_are_reported() {
        let mut pending = PendingDeletions::default();
        for post in 0..CAPACITY as u64 + 2 {
            pending.add(&ComplianceEvent { at_ms: None, effect: ComplianceEffect::DeletePost(PostId(post)) });
        }
        pending.end_file("a.ndjson");
        let work = pending.next(Path::new("/nowhere")).expect("work");
        let events = work();
        assert!(
            matches!(&events[..], [ArchiveEvent::NotScrubbed { file, why }] if file == "a.ndjson" && why.starts_with("2 ")),
            "{events:?}"
        );
        pending.add(&ComplianceEvent { at_ms: None, effect: ComplianceEffect::DeletePost(PostId(1)) });
        pending.end_run();
        assert_eq!(pending.next(Path::new("/nowhere")).expect("work")(), []);
    }
}
