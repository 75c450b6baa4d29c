//! `xstream explain`: the catalogue of codes, for people who met one.

use std::io::Write as _;

use anyhow::Context as _;

use super::{Error, print_error};
use crate::cli::Explain;
use crate::protocol::catalogue::{ENTRIES, PASSING, TOPICS, search};
use crate::protocol::nearest;
use crate::protocol::problem::printable;
use crate::session::outcome::FAILED;
use crate::terminal::page;

/// Longest part of a word repeated in an error, in characters.
const LONGEST_WORD: usize = 60;

/// Runs the verb; returns the exit status.
pub fn run(explain: &Explain) -> Result<u8, Error> {
    if explain.codes.is_empty() {
        print(&page::list())?;
        return Ok(0);
    }
    let mut pages: Vec<String> = Vec::new();
    let mut unknown = Vec::new();
    for word in &explain.codes {
        let about = pages_about(word);
        if about.is_empty() {
            unknown.push(word.as_str());
        }
        // Two words may mean the same entry.
        for page in about {
            if !pages.contains(&page) {
                pages.push(page);
            }
        }
    }
    print(&pages.join("\n"))?;
    if unknown.is_empty() {
        return Ok(0);
    }
    print_error(&unknown.into_iter().map(not_known).collect::<Vec<_>>().join("; "));
    Ok(FAILED)
}

/// What there is to say about a word.
fn pages_about(word: &str) -> Vec<String> {
    let topics = TOPICS.iter().filter(|topic| topic.name.eq_ignore_ascii_case(word.trim())).map(page::topic);
    topics.chain(search(word).into_iter().map(page::entry)).collect()
}

/// Says that a word is no code, with what it may be a slip for.
fn not_known(word: &str) -> String {
    let entries = || ENTRIES.iter().chain(PASSING);
    let codes = entries().map(|entry| entry.code).chain(TOPICS.iter().map(|topic| topic.name));
    let near = nearest(word.trim(), codes.chain(entries().map(|entry| entry.name)));
    let hint = if near.is_empty() {
        "`xstream explain` lists all codes".to_owned()
    } else {
        format!("nearest: {}", near.join(", "))
    };
    format!("no such code: {}; {hint}", printable(word, LONGEST_WORD))
}

/// Prints data for people; unlike a notice it must not fail unseen.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing to stdout")
}
