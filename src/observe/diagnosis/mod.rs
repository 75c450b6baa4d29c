//! The diagnosis of a journal: uptime, endings, waits and gaps of its last run, and the most likely cause. Pure.
//!
//! Records are folded one by one into counts, so a journal of weeks costs no more memory than one of minutes.
//!
//! Law: no input makes it panic. What it does not know it leaves out; what it cannot read it counts.

mod report;
mod run;
mod verdict;

use super::explain_text::paragraph;
use super::record::{JournalRecord, RecordKind};
use run::JournalRun;

/// What a journal holds: the last run in counts, and how much there is besides.
#[derive(Debug, Default)]
pub struct Diagnosis {
    run: JournalRun,
    /// Records of the run so far.
    records: u64,
    /// Runs before it.
    earlier: u64,
    /// Lines that are no record.
    bad: u64,
    /// Whether the last line is cut.
    cut: bool,
}

impl Diagnosis {
    /// Folds in a line; `whole` is false for a last line without its newline.
    pub fn push(&mut self, line: &[u8], whole: bool) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let record = match JournalRecord::read(line) {
            Ok(record) => record,
            // A crash or a copy in progress cuts the last line, and nothing else.
            Err(error) if !whole && !error.is_data() => {
                self.cut = true;
                return;
            }
            Err(_) => {
                self.bad += 1;
                return;
            }
        };
        if let RecordKind::Start(_) = record.kind {
            self.earlier += u64::from(self.records > 0);
            self.records = 0;
            self.run = JournalRun::default();
        }
        self.records += u64::from(record.kind != RecordKind::Unknown);
        self.run.apply(&record);
    }

    /// Counts a line that is too long to be a record.
    pub fn skip(&mut self) {
        self.bad += 1;
    }

    /// Whether it contains no record of a journal.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records == 0 && self.earlier == 0
    }

    /// The report as text for the user.
    #[must_use]
    pub fn report(&self) -> String {
        let mut page = report::render(&self.run);
        let mut notes = Vec::new();
        match self.earlier {
            0 => {}
            1 => notes.push("1 earlier run in this journal is not shown.".to_owned()),
            count => notes.push(format!("{count} earlier runs in this journal are not shown.")),
        }
        match self.bad {
            0 => {}
            1 => notes.push("1 line is not a record and was left out.".to_owned()),
            count => notes.push(format!("{count} lines are not records and were left out.")),
        }
        if self.cut {
            notes.push("The last line is incomplete and was left out.".to_owned());
        }
        if !notes.is_empty() {
            page.push('\n');
            paragraph(&mut page, "", "", &notes.join(" "));
        }
        page
    }
}

#[cfg(test)]
mod tests;
