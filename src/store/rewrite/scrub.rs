//! The last pass over an archive: applies the settled effects and replaces the archive if that changes anything.
//!
//! Its law: an archive without a change is read and not touched. Until the first change nothing is written; what came
//! before it is then copied.

use std::io;

use super::blocks::{BlockContent, Blocks, Damage};
use super::find::ArchiveFile;
use super::replacement::{ArchiveReplacement, remove_leftover_of};
use super::{ReadProgress, lines, ordered};
use crate::protocol::compliance::{Applied, Verdicts, apply};
use crate::protocol::scan::scan;

/// What is done with an archive that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is only counted.
    Report,
    /// It is replaced, unless it is damaged.
    Replace,
    /// It is replaced; a damaged one by what is before the damage.
    Salvage,
}

/// What was, or would be, changed in lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// Lines removed.
    pub removed: u64,
    /// Lines from which parts were cut.
    pub rewritten: u64,
    /// Embedded posts cut.
    pub posts: u64,
    /// Location members cut.
    pub locations: u64,
}

impl Changes {
    /// Whether anything changes.
    #[must_use]
    pub fn any(&self) -> bool {
        self.removed + self.rewritten > 0
    }

    /// Adds those of another part.
    pub fn add(&mut self, other: Changes) {
        self.removed += other.removed;
        self.rewritten += other.rewritten;
        self.posts += other.posts;
        self.locations += other.locations;
    }
}

/// The result for one archive.
#[derive(Debug, Default)]
pub struct Scrubbed {
    /// The changes.
    pub changes: Changes,
    /// Whether the archive was replaced.
    pub replaced: bool,
    /// Where it is damaged.
    pub damage: Option<Damage>,
}

/// Applies `verdicts` to an archive. None: `progress` stopped it, and the archive is as it was.
///
/// # Errors
/// The archive cannot be read, or the new one not written; the archive is as it was.
pub fn scrub(
    archive: &ArchiveFile,
    verdicts: &(impl Verdicts + Sync),
    mode: Mode,
    progress: &mut ReadProgress,
) -> io::Result<Option<Scrubbed>> {
    if mode != Mode::Report {
        remove_leftover_of(&archive.path)?;
    }
    let blocks = Blocks::open(&archive.path)?;
    let gzip = blocks.is_gzip();
    let work = |content: BlockContent, block: &[u8], first: bool| match content {
        BlockContent::Lines => scrub_block(block, first, verdicts),
        // Too long to be a message of X.
        BlockContent::LongLine { .. } => (Changes::default(), Vec::new()),
    };
    let mut scrubbed = Scrubbed::default();
    let mut replacement = None;
    // Bytes that are the same in the new archive, while there is none.
    let mut same = 0;
    let end = ordered::for_each(blocks, archive.about.len(), work, |done| {
        let (changes, new) = done.result;
        scrubbed.changes.add(changes);
        if mode != Mode::Report {
            let bytes = if changes.any() { &new } else { &done.bytes };
            if replacement.is_none() && changes.any() {
                replacement = Some(begin(archive, gzip, same)?);
            }
            match &mut replacement {
                Some(replacement) => replacement.write(bytes)?,
                None => same += bytes.len() as u64,
            }
        }
        Ok(progress(done.offset))
    })?;
    match end {
        ordered::BlocksEnd::Stopped => return Ok(None),
        ordered::BlocksEnd::Whole => {}
        ordered::BlocksEnd::Damaged(damage) => {
            replacement = match replacement {
                _ if mode != Mode::Salvage => None,
                Some(replacement) => Some(replacement),
                None => Some(begin(archive, gzip, same)?),
            };
            if let Some(replacement) = &mut replacement {
                // A line that the damage cut is no message, unless all of it is there.
                if damage.rest.starts_with(b"{") && scan(&damage.rest).is_ok() {
                    let (changes, new) = scrub_block(&damage.rest, false, verdicts);
                    scrubbed.changes.add(changes);
                    replacement.write(if changes.any() { &new } else { &damage.rest })?;
                }
            }
            scrubbed.damage = Some(damage);
        }
    }
    if let Some(replacement) = replacement {
        replacement.commit()?;
        scrubbed.replaced = true;
    }
    Ok(Some(scrubbed))
}

/// The new archive, with the first `same` bytes of the contents of the old one.
fn begin(archive: &ArchiveFile, gzip: bool, mut same: u64) -> io::Result<ArchiveReplacement<'_>> {
    let mut replacement = ArchiveReplacement::new(archive, gzip)?;
    let mut blocks = Blocks::open(&archive.path)?;
    let mut bytes = Vec::new();
    while same > 0 {
        match blocks.next(&mut bytes) {
            Ok(Some(_)) => {
                let part = &bytes[..usize::try_from(same).map_or(bytes.len(), |same| same.min(bytes.len()))];
                replacement.write(part)?;
                same -= part.len() as u64;
            }
            Ok(None) => return Err(io::Error::other("it changed while it was read")),
            Err(damage) => return Err(damage.error),
        }
    }
    Ok(replacement)
}

/// What the verdicts leave of a block, if they change it.
fn scrub_block(block: &[u8], first: bool, verdicts: &impl Verdicts) -> (Changes, Vec<u8>) {
    let (mut changes, mut out) = (Changes::default(), Vec::new());
    // What was neither removed nor copied begins here.
    let mut kept = 0;
    lines::for_each(block, first, |place, line| match apply(line, verdicts) {
        Applied::Unchanged => {}
        Applied::Removed => {
            changes.removed += 1;
            out.extend_from_slice(&block[kept..place.start]);
            kept = place.end;
        }
        Applied::Rewritten(cuts) => {
            changes.rewritten += 1;
            changes.posts += u64::from(cuts.posts);
            changes.locations += u64::from(cuts.locations);
            out.extend_from_slice(&block[kept..place.start]);
            cuts.write(line, &mut out);
            kept = place.start + line.len();
        }
    });
    if changes.any() {
        out.extend_from_slice(&block[kept..]);
    }
    (changes, out)
}
