//! The tombstones' part of the state: what compliance messages deleted, shared by runs and processes of one app.
//!
//! They lie in a file beside the state file, one for all hosts, since a post has one id on all of them, in records of
//! 24 bytes behind one line of text. It grows by appending, and a record that a crash cut is skipped; a process that would let it grow past [`LONGEST`] records writes what it
//! remembers in its place. It changes only under the lock of the state file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::state::{LockedState, Store, beside};
use crate::pipeline::tombstones::{CAPACITY, Subject, Tombstone, Tombstones};

/// What opens the file.
const MAGIC: &[u8] = b"xstream-deletions 1\n";

/// The length of a record: subject, state, arrival, id and value.
const RECORD: usize = 24;

/// The most records in the file, 30 MB: a quarter more than are remembered, so that it is rarely written anew.
const LONGEST: usize = CAPACITY + CAPACITY / 4;

/// How much of the file is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SharedPosition {
    inode: u64,
    length: u64,
}

impl Store {
    fn tombstones(&self) -> PathBuf {
        beside(self.path(), ".deletions")
    }

    /// Whether other processes may have added to the file since.
    #[must_use]
    pub fn has_new_tombstones(&self, known: SharedPosition) -> bool {
        let Ok(about) = std::fs::metadata(self.tombstones()) else { return false };
        // Less than a record more is one that a crash cut.
        let fresh = about.len().checked_sub(known.length).is_none_or(|fresh| fresh >= RECORD as u64);
        fresh || about.ino() != known.inode
    }
}

impl LockedState<'_> {
    /// Brings the tombstones and the file together, in both directions. `known` is how much of the file was read before.
    ///
    /// # Errors
    /// The file cannot be read or written, or is not a file of tombstones.
    pub fn sync_tombstones(&mut self, tombstones: &mut Tombstones, known: &mut SharedPosition) -> anyhow::Result<()> {
        let path = self.store().tombstones();
        let mut file = match File::open(&path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let whole = match &mut file {
            Some(file) => read(file, *known, tombstones).with_context(|| format!("reading {}", path.display()))?,
            None => SharedPosition::default(),
        };
        *known = whole;
        let fresh = tombstones.take_unshared();
        if fresh.is_empty() {
            return Ok(());
        }
        let records = usize::try_from(whole.length).unwrap_or(usize::MAX) / RECORD + fresh.len();
        let written = if whole.length == 0 || records > LONGEST {
            let mut bytes = MAGIC.to_vec();
            tombstones.all().for_each(|tombstone| bytes.extend_from_slice(&encode(tombstone)));
            super::state::replace(&path, &bytes).and_then(|()| std::fs::metadata(&path))
        } else {
            OpenOptions::new().append(true).mode(0o600).open(&path).and_then(|mut file| {
                // A crash may have cut the last record.
                file.set_len(whole.length)?;
                let bytes: Vec<u8> = fresh.iter().flat_map(encode).collect();
                file.write_all(&bytes)?;
                file.metadata()
            })
        };
        let about = written.with_context(|| format!("writing {}", path.display()))?;
        *known = SharedPosition { inode: about.ino(), length: about.len() };
        Ok(())
    }
}

/// Merges what the file holds behind `known`; returns how far it holds whole records.
fn read(file: &mut File, known: SharedPosition, tombstones: &mut Tombstones) -> anyhow::Result<SharedPosition> {
    let about = file.metadata()?;
    if about.len() == 0 {
        // A crash of the system may leave it empty.
        return Ok(SharedPosition::default());
    }
    let mut length = known.length;
    if about.ino() != known.inode || about.len() < known.length || known.length == 0 {
        let mut head = [0; MAGIC.len()];
        if file.read_exact(&mut head).is_err() || head != *MAGIC {
            bail!("it is not a file of deletions of xstream; move it away");
        }
        length = MAGIC.len() as u64;
    } else {
        file.seek(SeekFrom::Start(length))?;
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let records = bytes.chunks_exact(RECORD);
    length += (records.len() * RECORD) as u64;
    tombstones.merge(records.filter_map(decode));
    Ok(SharedPosition { inode: about.ino(), length })
}

fn encode(tombstone: &Tombstone) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    // There are less than 256 subjects.
    record[0] = tombstone.subject as u8;
    record[1] = u8::from(tombstone.on);
    record[4..8].copy_from_slice(&tombstone.arrived.to_le_bytes());
    record[8..16].copy_from_slice(&tombstone.id.to_le_bytes());
    record[16..].copy_from_slice(&tombstone.value.to_le_bytes());
    record
}

/// A record; none if it is of a subject that is not known.
fn decode(record: &[u8]) -> Option<Tombstone> {
    let word = |at: usize| record.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    Some(Tombstone {
        subject: *Subject::ALL.get(usize::from(*record.first()?))?,
        on: *record.get(1)? == 1,
        arrived: u32::from_le_bytes(record.get(4..8)?.try_into().ok()?),
        id: word(8)?,
        value: word(16)?,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use super::*;
    use crate::protocol::compliance::{ComplianceEffect, ComplianceEvent, HideCause, HideTarget, Verdicts as _};
    use crate::protocol::post_id::PostId;
    use crate::protocol::user_id::UserId;

    /// A process with its tombstones and its knowledge of the file.
    #[derive(Default)]
    struct Process {
        tombstones: Tombstones,
        known: SharedPosition,
    }

    impl Process {
        fn new() -> Process {
            let mut process = Process::default();
            process.tombstones.share();
            process
        }

        fn delete(&mut self, posts: std::ops::Range<u64>) {
            for post in posts {
                self.tombstones
                    .add(&ComplianceEvent { at_ms: None, effect: ComplianceEffect::DeletePost(PostId(post)) });
            }
        }

        fn sync(&mut self, store: &Store) {
            let mut held = store.try_lock().expect("locked").expect("free");
            held.sync_tombstones(&mut self.tombstones, &mut self.known).expect("synced");
            assert!(!store.has_new_tombstones(self.known));
        }
    }

    fn store(folder: &tempfile::TempDir) -> (Store, PathBuf) {
        let store = Store::new(&folder.path().join("state"), "api.x.com".to_owned(), "/2/a", true).expect("a store");
        (store, folder.path().join("state.deletions"))
    }

    #[test]
    fn a_file_that_a_crash_left_empty_is_filled_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, path) = store(&folder);
        std::fs::write(&path, "").expect("a file");
        let mut one = Process::new();
        one.delete(0..3);
        one.sync(&store);
        let mut later = Process::new();
        later.sync(&store);
        assert!(later.tombstones.is_post_dead(PostId(2)));
    }

    #[test]
    fn processes_and_later_runs_know_what_one_was_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, path) = store(&folder);
        let (mut one, mut two) = (Process::new(), Process::new());
        one.delete(0..3);
        let target = HideTarget::User(UserId(7));
        one.tombstones.add(&ComplianceEvent {
            at_ms: Some(5),
            effect: ComplianceEffect::Hide { target, cause: HideCause::Suspend, hidden: true },
        });
        one.sync(&store);
        two.delete(3..5);
        two.sync(&store);
        assert!(store.has_new_tombstones(one.known));
        one.sync(&store);
        let mut later = Process::new();
        later.sync(&store);
        for process in [&one, &two, &later] {
            assert!((0..5).all(|post| process.tombstones.is_post_dead(PostId(post))));
            assert!(process.tombstones.is_user_hidden(UserId(7)));
        }
        assert_eq!(std::fs::metadata(path).expect("a file").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_record_that_a_crash_cut_is_skipped() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, path) = store(&folder);
        let mut one = Process::new();
        one.delete(0..2);
        one.sync(&store);
        let mut bytes = std::fs::read(&path).expect("a file");
        bytes.extend([1, 2, 3]);
        std::fs::write(&path, bytes).expect("written");
        let mut two = Process::new();
        two.delete(2..3);
        two.sync(&store);
        let mut later = Process::new();
        later.sync(&store);
        assert!((0..3).all(|post| later.tombstones.is_post_dead(PostId(post))));
    }

    #[test]
    fn the_file_stays_bounded_and_what_expired_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, path) = store(&folder);
        let mut one = Process::new();
        for turn in 0..3 {
            let first = turn * CAPACITY as u64;
            one.delete(first..first + CAPACITY as u64);
            one.sync(&store);
        }
        assert!(std::fs::metadata(&path).expect("a file").len() <= (MAGIC.len() + LONGEST * RECORD) as u64);
        let mut later = Process::new();
        later.tombstones.set_time(Duration::from_secs(1_000_000));
        later.sync(&store);
        assert!(later.tombstones.is_empty());
    }

    #[test]
    fn a_file_of_another_program_is_an_error_and_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, path) = store(&folder);
        std::fs::write(&path, "mine").expect("written");
        let mut one = Process::new();
        one.delete(0..1);
        let mut held = store.try_lock().expect("locked").expect("free");
        let error = held.sync_tombstones(&mut one.tombstones, &mut one.known).expect_err("foreign");
        assert!(format!("{error:#}").contains("not a file of deletions"), "{error:#}");
        assert_eq!(std::fs::read(&path).expect("a file"), b"mine");
    }
}
