//! The first pass over an archive or event file: collects the effects in it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use super::blocks::{BlockContent, Blocks, Damage};
use super::{ReadProgress, lines, ordered};
use crate::protocol::compliance::edits::{Edits, history};
use crate::protocol::compliance::table::{EffectLog, EffectTable};
use crate::protocol::compliance::{Applied, ComplianceEffect, ComplianceEvent, apply, event_of, message_in};
use crate::protocol::message::{MessageKind, classify};
use crate::protocol::post_id::PostId;

/// What was read of one file.
#[derive(Debug, Default)]
pub struct Reading {
    /// Lines that are not empty.
    pub lines: u64,
    /// Lines that are not JSON, or too long.
    pub malformed: u64,
    /// Lines that are JSON objects.
    pub objects: u64,
    /// Compliance messages with an effect.
    pub events: u64,
    /// Whether a post says of itself that it is withheld.
    pub withheld: bool,
    /// Where the file is damaged.
    pub damage: Option<Damage>,
}

/// What one block holds.
#[derive(Default)]
struct BlockReading {
    reading: Reading,
    events: Vec<ComplianceEvent>,
}

/// Collects the effects of a file into `log`. `alone` is the table of no effects: until the first effect it finds the
/// posts that are dead by what they say of themselves. None: `progress` stopped it.
///
/// # Errors
/// A thread cannot be started.
pub fn collect(
    blocks: Blocks,
    size: u64,
    log: &mut EffectLog,
    alone: &EffectTable,
    progress: &mut ReadProgress,
) -> io::Result<Option<Reading>> {
    log.start_file();
    let with_history = log.has_edits();
    let any = AtomicBool::new(!log.is_empty());
    let work = |content: BlockContent, block: &[u8], first: bool| match content {
        BlockContent::Lines => share(block, first, with_history, |line| {
            !any.load(Ordering::Relaxed) && apply(line, alone) != Applied::Unchanged
        }),
        BlockContent::LongLine { first } => {
            let lines = u64::from(first);
            BlockReading { reading: Reading { lines, malformed: lines, ..Reading::default() }, events: Vec::new() }
        }
    };
    let mut all = Reading::default();
    let end = ordered::for_each(blocks, size, work, |done| {
        let BlockReading { reading, events } = done.result;
        all.lines += reading.lines;
        all.malformed += reading.malformed;
        all.objects += reading.objects;
        all.events += reading.events;
        all.withheld |= reading.withheld;
        for event in &events {
            log.push(event);
        }
        any.store(!log.is_empty(), Ordering::Relaxed);
        Ok(progress(done.offset))
    })?;
    match end {
        ordered::BlocksEnd::Stopped => return Ok(None),
        ordered::BlocksEnd::Whole => {}
        ordered::BlocksEnd::Damaged(damage) => all.damage = Some(damage),
    }
    Ok(Some(all))
}

fn share(block: &[u8], first: bool, with_history: bool, is_withheld: impl Fn(&[u8]) -> bool) -> BlockReading {
    let mut share = BlockReading::default();
    lines::for_each(block, first, |_, line| {
        let message = classify(&line[message_in(line)]);
        share.reading.lines += u64::from(message.kind != MessageKind::Heartbeat);
        match message.kind {
            MessageKind::Malformed => share.reading.malformed += 1,
            _ => share.reading.objects += u64::from(line.trim_ascii_start().starts_with(b"{")),
        }
        if let Some(event) = event_of(&message) {
            share.reading.events += 1;
            share.events.push(event);
        } else if message.kind == MessageKind::Post {
            share.reading.withheld |= !share.reading.withheld && is_withheld(line);
            if let Some(versions) = with_history.then(|| history(message.body)).flatten() {
                share.events.push(ComplianceEvent { at_ms: None, effect: ComplianceEffect::Edit { versions } });
            }
        }
    });
    share
}

/// Adds the versions of edited posts that are in a file, and that stay, to `present`. None: `progress` stopped it.
///
/// # Errors
/// A thread cannot be started.
pub fn find_versions(
    blocks: Blocks,
    size: u64,
    edits: &Edits,
    table: &EffectTable,
    present: &mut Vec<PostId>,
    progress: &mut ReadProgress,
) -> io::Result<Option<()>> {
    let work = |content: BlockContent, block: &[u8], first: bool| {
        let mut found = Vec::new();
        if content == BlockContent::Lines {
            lines::for_each(block, first, |_, line| {
                let message = classify(&line[message_in(line)]);
                let id =
                    PostId::parse(message.id).filter(|id| message.kind == MessageKind::Post && edits.is_version(*id));
                found.extend(id.filter(|_| apply(line, table) != Applied::Removed));
            });
        }
        found
    };
    let end = ordered::for_each(blocks, size, work, |done| {
        present.extend(done.result);
        Ok(progress(done.offset))
    })?;
    Ok((!matches!(end, ordered::BlocksEnd::Stopped)).then_some(()))
}
