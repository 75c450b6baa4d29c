//! The text of `explain`: the list of all codes, and one code, reaction or topic in full. Pure.
//!
//! Law: no line is wider than 80 columns unless a single word is.

use std::fmt::Write as _;

use crate::protocol::catalogue::{
    CatalogueEntry, CodeGroup, ENTRIES, Effect, PASSING, STATUS_PAGE, Side, TOPICS, Topic,
};
use crate::session::reaction::reaction;
use crate::text::wrap;

/// The width that mails, issues and the narrowest terminal show in full.
const WIDTH: usize = 80;

/// The column where the text beside a label begins.
const COLUMN: usize = 14;

/// All entries and topics, grouped.
#[must_use]
pub fn list() -> String {
    let mut page = String::new();
    for group in CodeGroup::ALL {
        let entries: Vec<&CatalogueEntry> =
            ENTRIES.iter().chain(PASSING).filter(|entry| entry.group == group).collect();
        let longest =
            |of: fn(&CatalogueEntry) -> &str| entries.iter().map(|entry| of(entry).chars().count()).max().unwrap_or(0);
        let (code, name) = (longest(|entry| entry.code), longest(|entry| entry.name));
        let _ = writeln!(page, "{}", group.heading());
        for entry in entries {
            let _ = writeln!(page, "  {:code$}  {:name$}  {}", entry.code, entry.name, entry.side);
            paragraph(&mut page, "      ", "      ", entry.meaning);
        }
        page.push('\n');
    }
    page.push_str("topics\n");
    for topic in TOPICS {
        let _ = writeln!(page, "  {}\n      {}", topic.name, topic.title);
    }
    page.push_str("\n`xstream explain CODE…` shows one in full: what tail does, what you can do.\n");
    page
}

/// One entry in full.
#[must_use]
pub fn entry(entry: &CatalogueEntry) -> String {
    let mut page = format!("{} · {}\n", entry.code, entry.name);
    labelled(&mut page, "means", entry.meaning);
    labelled(&mut page, "side", &entry.side.to_string());
    labelled(&mut page, "tail", &effect(entry));
    labelled(&mut page, "you can", entry.advice);
    if entry.side == Side::X {
        labelled(&mut page, "status page", STATUS_PAGE);
    }
    for note in entry.notes {
        labelled(&mut page, "note", note);
    }
    labelled(&mut page, "source", entry.source);
    page
}

/// What `tail` does about an entry, rendered from the reaction table.
fn effect(entry: &CatalogueEntry) -> String {
    match (entry.example(), entry.effect) {
        (Some(code), _) => reaction(&code).to_string(),
        (None, Effect::ByStatus) => "acts on the HTTP status that it came with".to_owned(),
        (None, _) => "reports it and keeps reading".to_owned(),
    }
}

/// What `tail` does, each with the codes after which it does so, in the order of the catalogue.
#[must_use]
pub fn reactions() -> Vec<(String, Vec<&'static str>)> {
    let mut all: Vec<(String, Vec<&str>)> = Vec::new();
    for entry in ENTRIES {
        let effect = effect(entry);
        match all.iter_mut().find(|(known, _)| *known == effect) {
            Some((_, codes)) => codes.push(entry.code),
            None => all.push((effect, vec![entry.code])),
        }
    }
    all
}

/// One topic in full.
#[must_use]
pub fn topic(topic: &Topic) -> String {
    let mut page = format!("{} · {}\n", topic.name, topic.title);
    for (point, number) in topic.points.iter().zip(1..) {
        paragraph(&mut page, &format!("  {number}. "), "     ", point);
    }
    labelled(&mut page, "source", topic.source);
    page
}

/// A label and its text, the text in a column of its own.
pub(super) fn labelled(page: &mut String, label: &str, text: &str) {
    paragraph(page, &format!("  {label:width$}", width = COLUMN - 2), &" ".repeat(COLUMN), text);
}

/// Text in lines of at most 80 columns, the first behind `first`, the others behind `rest`, which is as wide.
pub(super) fn paragraph(page: &mut String, first: &str, rest: &str, text: &str) {
    for (n, line) in wrap(text, WIDTH - rest.len()).iter().enumerate() {
        let _ = writeln!(page, "{}", format!("{}{line}", if n == 0 { first } else { rest }).trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::catalogue::search;

    fn full(word: &str) -> String {
        search(word).into_iter().map(entry).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn no_line_is_wider_than_80_columns() {
        let entries = ENTRIES.iter().chain(PASSING).map(entry);
        for page in entries.chain(TOPICS.iter().map(topic)).chain([list()]) {
            for line in page.lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }

    #[test]
    fn an_entry_reads_from_meaning_to_source() {
        insta::assert_snapshot!(full("12"), @r"
        12 · Shed load
          means       the host was overloaded and shed connections; there is no need to
                      wait
          side        X's side
          tail        reconnects at once if the stream was established, else after 5 s,
                      doubling to 320 s
          you can     do nothing; if it repeats for hours, look at X's status page,
                      https://developer.x.com/status
          status page https://developer.x.com/status (older:
                      https://api.twitterstat.us/)
          source      the v1.1 streaming message types page
        ");
    }

    #[test]
    fn a_429_names_its_cases_and_its_three_reasons() {
        insta::assert_snapshot!(full("429"), @r"
        429 · Too Many Requests
          means       too many connection requests; a 429 can come although the rate
                      limit is not used up
          side        our side
          tail        waits until x-rate-limit-reset and 1 to 2 s more; without a usable
                      reset 60 s, doubling to 900 s
          you can     wait; then look for another client of the same app, or an old
                      connection that X still counts as open (xstream connections)
          note        The body of a 429 distinguishes three cases, each with a code of
                      its own. Rate: `about:blank`, `rate-limit-exceeded` or v1.1 code
                      88. Connections: `TooManyConnections`. Quota: `usage-capped`;
                      trying again does not help.
          note        A 429 can come although the rate limit is not used up, for three
                      reasons.
          note        The attempts of this 15-minute window are spent: each request for
                      a stream counts, also one that is refused.
          note        Another client of the same app is connected and occupies the slot.
          note        A connection that did not end cleanly (packet loss, a burst too
                      fast for the client, a TCP reset) is still open in X's view and
                      occupies its slot. It times out by itself, on an idle stream
                      within 20 s.
          source      X docs: rate limits
        ");
    }

    #[test]
    fn what_tail_does_is_the_reaction_to_the_code_itself() {
        for entry in ENTRIES {
            let code = entry.example().unwrap_or_else(|| panic!("{}", entry.code));
            let shown = super::entry(entry).split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(shown.contains(&format!(" tail {} you can ", reaction(&code))), "{shown}");
        }
        for (word, text) in [
            ("88", "waits until x-rate-limit-reset"),
            ("34", "stops with exit 3"),
            ("limit", "reports it and keeps reading"),
            ("about:blank", "acts on the HTTP status"),
        ] {
            assert!(full(word).contains(&format!("  tail        {text}")), "{word}");
        }
    }

    #[test]
    fn the_list_shows_code_name_side_and_meaning() {
        let list = list();
        let shown: Vec<&str> = list.lines().take(5).collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        v1.1 disconnect codes
          1         Shutdown           X's side
              the feed was shut down, usually for a restart of the server
          2         Duplicate stream   our side
              the same endpoint was opened too often with the same credentials
        ");
        for entry in ENTRIES.iter().chain(PASSING) {
            assert!(list.contains(&format!("\n  {} ", entry.code)), "{}", entry.code);
        }
        assert!(list.contains("reasons"));
    }

    #[test]
    fn an_ending_on_xs_side_names_the_status_page() {
        for entry in ENTRIES.iter().filter(|entry| entry.side == Side::X) {
            assert!(super::entry(entry).contains("https://developer.x.com/status"), "{}", entry.code);
        }
    }
}
