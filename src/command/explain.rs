//! `xstream explain`: prints what a code means, and what happened in a run, from its journal.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use anyhow::Context as _;

use super::{CommandError, usage_error};
use crate::cli::ExplainArgs;
use crate::observe::diagnosis::Diagnosis;
use crate::observe::explain_text;
use crate::protocol::catalogue::{ENTRIES, PASSING, TOPICS, Topic, search};
use crate::protocol::message::{KindGroup, MessageKind};
use crate::protocol::nearest;
use crate::session::outcome::FAILED;
use crate::terminal::console::Console;
use crate::text::{file_name, sanitize};

/// Longest part of an argument repeated in an error, in characters.
const LONGEST_WORD: usize = 60;

/// The longest line that is read as a record. Our records are far shorter; without a bound, a file without line ends
/// would be read into memory whole.
const LONGEST_RECORD: u64 = 1 << 20;

/// Runs the verb; returns the exit status.
pub fn run(explain: &ExplainArgs, console: &Console) -> Result<u8, CommandError> {
    if let Some(path) = &explain.journal {
        let name = file_name(path);
        let diagnosis = read(path).with_context(|| format!("reading the journal {name}"))?;
        if diagnosis.is_empty() {
            return Err(anyhow::anyhow!("{name} is no journal: it has no record of a run").into());
        }
        console.print(&diagnosis.report())?;
        return Ok(0);
    }
    if explain.codes.is_empty() {
        console.print(&explain_text::list())?;
        return Ok(0);
    }
    if explain.codes.iter().any(|word| word.trim().is_empty()) {
        return usage_error("a code is empty; `xstream explain` alone lists all");
    }
    let mut pages: Vec<String> = Vec::new();
    let mut unknown = Vec::new();
    for word in &explain.codes {
        let about = pages_about(word);
        if about.is_empty() {
            unknown.push(word.as_str());
        }
        // Two arguments can name the same entry.
        for page in about {
            if !pages.contains(&page) {
                pages.push(page);
            }
        }
    }
    console.print(&pages.join("\n"))?;
    if unknown.is_empty() {
        return Ok(0);
    }
    console.always(&unknown.into_iter().map(not_known).collect::<Vec<_>>().join("; "));
    Ok(FAILED)
}

/// Reads a journal line by line.
fn read(path: &Path) -> io::Result<Diagnosis> {
    let mut source: Box<dyn BufRead> =
        if path == Path::new("-") { Box::new(io::stdin().lock()) } else { Box::new(BufReader::new(File::open(path)?)) };
    let mut diagnosis = Diagnosis::default();
    let mut line = Vec::new();
    // Whether this is the rest of a line that is too long.
    let mut long = false;
    loop {
        line.clear();
        if source.by_ref().take(LONGEST_RECORD).read_until(b'\n', &mut line)? == 0 {
            return Ok(diagnosis);
        }
        let whole = line.ends_with(b"\n");
        let part = !whole && line.len() as u64 == LONGEST_RECORD;
        if part && !long {
            diagnosis.skip();
        } else if !part && !long {
            diagnosis.push(&line, whole);
        }
        long = part;
    }
}

/// The pages for an argument.
fn pages_about(word: &str) -> Vec<String> {
    let word = word.trim();
    let kind = MessageKind::ALL.iter().find(|kind| kind.name().eq_ignore_ascii_case(word));
    let duties = kind.is_some_and(|kind| kind.group() == KindGroup::Compliance).then_some("compliance");
    let named = |topic: &&Topic| topic.name.eq_ignore_ascii_case(word) || duties == Some(topic.name);
    let topics = TOPICS.iter().filter(named).map(explain_text::topic);
    topics.chain(search(word).into_iter().map(explain_text::entry)).collect()
}

/// The message for an argument that is not a code, with the nearest codes.
fn not_known(word: &str) -> String {
    let entries = || ENTRIES.iter().chain(PASSING);
    let codes = entries().map(|entry| entry.code).chain(TOPICS.iter().map(|topic| topic.name));
    let near = nearest(word.trim(), codes.chain(entries().map(|entry| entry.name)));
    let hint = if near.is_empty() {
        "`xstream explain` lists all codes".to_owned()
    } else {
        format!("nearest: {}", near.join(", "))
    };
    format!("no such code: {}; {hint}", sanitize(word, LONGEST_WORD))
}
