//! What `scrub` reports: each file, then the totals, and on stderr what a user must know.

use std::io;
use std::os::unix::fs::MetadataExt as _;

use serde_json::{Value, json};

use super::super::CommandError;
use crate::observe::table::{Cell, Column, Style};
use crate::session::outcome::{FAILED, WOULD_CHANGE};
use crate::store::rewrite::blocks::Damage;
use crate::store::rewrite::collect::Reading;
use crate::store::rewrite::find::ArchiveFile;
use crate::store::rewrite::scrub::{Changes, Scrubbed};
use crate::terminal::console::{Console, unless_closed};
use crate::text::plural;

/// What a run is for.
#[derive(Debug, Clone, Copy)]
pub struct Purpose {
    /// Nothing is replaced.
    pub dry: bool,
    /// A change is to be reported by the exit status.
    pub check: bool,
    /// What is before a damage replaces the archive.
    pub salvage: bool,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Its effects were collected.
    Read,
    Unchanged,
    WouldChange,
    Rewritten,
    Salvaged,
    Damaged,
    Failed,
}

impl Fate {
    fn name(self) -> &'static str {
        match self {
            Fate::Read => "read",
            Fate::Unchanged => "unchanged",
            Fate::WouldChange => "would_change",
            Fate::Rewritten => "rewritten",
            Fate::Salvaged => "salvaged",
            Fate::Damaged => "damaged",
            Fate::Failed => "failed",
        }
    }

    fn look(self) -> Style {
        match self {
            Fate::Read | Fate::Unchanged => Style::Faint,
            Fate::WouldChange => Style::Warn,
            Fate::Rewritten | Fate::Salvaged => Style::Good,
            Fate::Damaged | Fate::Failed => Style::Bad,
        }
    }
}

/// The report as it grows: records are printed as the files are done, a table at the end.
pub struct Report<'a> {
    console: &'a Console,
    purpose: Purpose,
    rows: Vec<Vec<Cell>>,
    archives: u64,
    changed: u64,
    damaged: u64,
    failed: u64,
    lines: u64,
    malformed: u64,
    events: u64,
    changes: Changes,
}

impl<'a> Report<'a> {
    /// An empty report.
    pub fn new(console: &'a Console, purpose: Purpose) -> Report<'a> {
        Report {
            console,
            purpose,
            rows: Vec::new(),
            archives: 0,
            changed: 0,
            damaged: 0,
            failed: 0,
            lines: 0,
            malformed: 0,
            events: 0,
            changes: Changes::default(),
        }
    }

    /// Adds a file of compliance messages.
    pub fn add_events(&mut self, name: &str, reading: &Reading) -> Result<(), CommandError> {
        if let Some(damage) = &reading.damage {
            self.damaged += u64::from(!self.purpose.salvage);
            self.console.always(&format!("{name} is damaged {}; its events up to there count", place(damage)));
        }
        self.events += reading.events;
        self.print(name, Fate::Read, reading, Changes::default(), None)
    }

    /// Adds an archive.
    pub fn add(
        &mut self,
        archive: &ArchiveFile,
        reading: &Reading,
        result: io::Result<Scrubbed>,
    ) -> Result<(), CommandError> {
        let name = archive.path.display().to_string();
        let (scrubbed, error) = match result {
            Ok(scrubbed) => (scrubbed, None),
            Err(error) => (Scrubbed::default(), Some(error)),
        };
        let damage = reading.damage.as_ref().or(scrubbed.damage.as_ref());
        let fate = match damage {
            _ if error.is_some() => Fate::Failed,
            Some(_) if scrubbed.replaced => Fate::Salvaged,
            Some(_) if !self.purpose.salvage => Fate::Damaged,
            None if scrubbed.replaced => Fate::Rewritten,
            None if !scrubbed.changes.any() => Fate::Unchanged,
            _ => Fate::WouldChange,
        };
        self.archives += 1;
        self.lines += reading.lines;
        self.malformed += reading.malformed;
        self.events += reading.events;
        self.changes.add(scrubbed.changes);
        match fate {
            Fate::Read | Fate::Unchanged => {}
            Fate::WouldChange | Fate::Rewritten | Fate::Salvaged => self.changed += 1,
            Fate::Damaged => self.damaged += 1,
            Fate::Failed => self.failed += 1,
        }
        if let Some(error) = &error {
            self.console.always(&format!("{name} cannot be replaced: {error}"));
        }
        if let Some(damage) = damage {
            let rest = match fate {
                Fate::Salvaged => "what is before that replaced it",
                Fate::WouldChange => "what is before that would replace it",
                _ => "it stays as it is; --salvage replaces it by what is before that",
            };
            self.console.always(&format!("{name} is damaged {}; {rest}", place(damage)));
        }
        if scrubbed.replaced && archive.about.nlink() > 1 {
            let others = plural(archive.about.nlink() - 1, "other name");
            self.console.always(&format!("{name} has {others} (hard links), which still hold the old contents"));
        }
        self.print(&name, fate, reading, scrubbed.changes, error.map(|error| error.to_string()))
    }

    fn print(
        &mut self,
        name: &str,
        fate: Fate,
        reading: &Reading,
        changes: Changes,
        error: Option<String>,
    ) -> Result<(), CommandError> {
        if self.console.is_table() {
            let number = |count: u64| Cell::from(if count == 0 { String::new() } else { count.to_string() });
            self.rows.push(vec![
                name.into(),
                Cell::new(&fate.name().replace('_', " "), fate.look()),
                number(reading.lines),
                number(reading.events),
                number(changes.removed),
                number(changes.rewritten),
                number(reading.malformed),
            ]);
            return Ok(());
        }
        let mut record = json!({ "file": name, "result": fate.name() });
        fill(&mut record, reading.lines, reading.malformed, reading.events, changes);
        if let Some(damage) = &reading.damage {
            record["damage"] = json!({ "offset": damage.offset, "error": damage.error.to_string() });
        }
        if let Some(error) = error {
            record["error"] = error.into();
        }
        // A change whose results have no reader is finished all the same.
        Ok(unless_closed(self.console.values([&record]))?)
    }

    /// Prints the totals; returns the exit status.
    pub fn finish(self) -> Result<u8, CommandError> {
        if self.console.is_table() {
            const COLUMNS: [Column; 7] = [
                Column::cut("FILE"),
                Column::whole("RESULT"),
                Column::number("LINES"),
                Column::number("EVENTS"),
                Column::number("REMOVED"),
                Column::number("CUT"),
                Column::number("MALFORMED"),
            ];
            self.console.table(&COLUMNS, &self.rows)?;
        } else {
            let mut total = json!({
                "archives": self.archives,
                "changed": self.changed,
                "damaged": self.damaged,
                "failed": self.failed,
            });
            fill(&mut total, self.lines, self.malformed, self.events, self.changes);
            self.console.values([&json!({ "total": total })])?;
        }
        self.console.info(&self.summary());
        Ok(if self.damaged + self.failed > 0 {
            FAILED
        } else if self.purpose.check && self.changed > 0 {
            WOULD_CHANGE
        } else {
            0
        })
    }

    fn summary(&self) -> String {
        let done = if self.purpose.dry { "would be rewritten" } else { "rewritten" };
        let Changes { removed, rewritten, posts, locations } = self.changes;
        let files = format!("{} of {} {done}", self.changed, plural(self.archives, "archive"));
        let lines = format!(": {} removed, {} cut", plural(removed, "line"), plural(rewritten, "line"));
        let parts = format!(" ({} and {})", plural(posts, "embedded post"), plural(locations, "location member"));
        let malformed = format!("; {} kept", plural(self.malformed, "malformed line"));
        let shown = [
            (true, files),
            (self.changes.any(), lines),
            (posts + locations > 0, parts),
            (self.malformed > 0, malformed),
        ];
        shown.into_iter().filter_map(|(is_shown, text)| is_shown.then_some(text)).collect()
    }
}

fn fill(record: &mut Value, lines: u64, malformed: u64, events: u64, changes: Changes) {
    let Changes { removed, rewritten, posts, locations } = changes;
    for (name, count) in [
        ("lines", lines),
        ("malformed", malformed),
        ("events", events),
        ("removed", removed),
        ("cut", rewritten),
        ("cut_posts", posts),
        ("cut_locations", locations),
    ] {
        record[name] = count.into();
    }
}

fn place(damage: &Damage) -> String {
    format!("at byte {}: {}", damage.offset, damage.error)
}
