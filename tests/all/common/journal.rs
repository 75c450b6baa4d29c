//! The journal of a run as facts for tests: every record is checked against the schema in the repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::schema::mismatch;
use super::{BOUND, run, stderr, values};

/// A run that ended, with its journal.
pub struct Run {
    pub output: Output,
    pub records: Vec<Value>,
}

/// Runs to the end, within the bound, with a journal in a folder of its own.
pub fn journal(command: &mut Command) -> Run {
    let journal = Journal::new();
    let output = run(command.args(["--journal", journal.path()]));
    Run { records: journal.records(), output }
}

impl Run {
    /// Asserts the exit status, which the last record repeats. The failure shows the journal and stderr.
    #[track_caller]
    pub fn exits(self, code: i32) -> Run {
        assert_eq!(self.output.status.code(), Some(code), "{self}");
        assert_eq!(self.end()["exit"], code, "{self}");
        self
    }

    /// The records of one kind.
    pub fn all(&self, event: &str) -> Vec<&Value> {
        self.records.iter().filter(|record| record["event"] == event).collect()
    }

    /// The only record of its kind.
    #[track_caller]
    pub fn one(&self, event: &str) -> &Value {
        let all = self.all(event);
        assert_eq!(all.len(), 1, "{event} in {self}");
        all[0]
    }

    /// The last record.
    #[track_caller]
    pub fn end(&self) -> &Value {
        self.records.last().filter(|record| record["event"] == "end").unwrap_or_else(|| panic!("no end in {self}"))
    }

    /// The code with which each connection ended.
    pub fn codes(&self) -> Vec<&str> {
        self.all("ended").into_iter().map(|record| record["code"].as_str().expect("a code")).collect()
    }

    /// The announced delays in seconds.
    pub fn delays(&self) -> Vec<f64> {
        self.all("waiting").into_iter().map(|record| record["delay_ms"].as_f64().expect("a number") / 1000.0).collect()
    }

    /// The values on stdout.
    pub fn printed(&self) -> Vec<Value> {
        values(&self.output.stdout)
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.records.iter().try_for_each(|record| writeln!(f, "{record}"))?;
        f.write_str(&stderr(&self.output))
    }
}

/// A file for the journal of a run, also of one that goes on.
pub struct Journal {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Journal {
    pub fn new() -> Journal {
        let folder = tempfile::tempdir().expect("a folder");
        Journal { path: folder.path().join("journal"), _folder: folder }
    }

    pub fn path(&self) -> &str {
        self.path.to_str().expect("text")
    }

    /// Every record of the journal.
    pub fn records(&self) -> Vec<Value> {
        records(&self.path)
    }

    /// Waits for a record of this kind.
    pub fn until(&self, event: &str) -> Value {
        let began = Instant::now();
        loop {
            let text = std::fs::read_to_string(&self.path).unwrap_or_default();
            let mut seen = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(record);
            if let Some(record) = seen.find(|record| record["event"] == event) {
                return record;
            }
            assert!(began.elapsed() < BOUND, "no {event} in {text}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Every record of a journal that is complete.
pub fn records(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("a journal");
    assert!(text.is_empty() || text.ends_with('\n'), "whole lines only");
    text.lines().map(record).collect()
}

fn record(line: &str) -> Value {
    let schema: Value = serde_json::from_str(include_str!("../../../journal.schema.json")).expect("JSON");
    let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert_eq!(mismatch(&schema, &record), None, "{line}");
    record
}
