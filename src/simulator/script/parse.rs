//! The text form of a script. Errors name the place and the step that was probably meant.

use std::fmt;

use super::control::ControlMessage;
use super::cursor::{Cursor, SyntaxError, first_word};
use super::refusal::ScriptedRefusal;
use super::step::{Place, Script, Step};

/// Why a text is not a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ScriptError {}

/// The steps of the text form that are neither messages nor refusals.
pub(crate) const STEPS: &[(&str, &str)] = &[
    ("gzip", "compress this connection if the client offers gzip"),
    ("header NAME: VALUE", "add a header to the response that follows"),
    ("delay DURATION", "wait before answering"),
    ("feed [DURATION]", "the numbered feed, which also runs while no client is connected; endless without DURATION"),
    (
        "posts [COUNT] [every DURATION]",
        "generated messages of the stream's kind; endless without COUNT, as fast as possible without DURATION",
    ),
    ("flood [COUNT]", "ready-made posts at full speed in chunks of 16 KiB (ids come round again)"),
    ("flood-lines [COUNT]", "ready-made posts at full speed, a chunk for each"),
    ("line TEXT", "this text and CRLF: the rest of the line, or 'quoted'"),
    ("raw TEXT", r"these bytes, no line end: the rest of the line, or 'quoted', with \r \n \t \\ \xHH"),
    ("heartbeat [COUNT|endless] [every DURATION]", "empty lines, one without COUNT"),
    ("wait DURATION", "send nothing for a while"),
    ("stall", "send nothing, with the socket open"),
    ("dribble", "one byte of an unfinished line every 100 ms, without end"),
    ("huge-line SIZE", "a valid JSON line of this many bytes"),
    ("deep-json DEPTH", "a line of arrays nested this deep"),
    ("gzip-bomb SIZE", "one line of this size, compressed a thousandfold"),
    ("gzip-bomb-lines SIZE", "short lines of this size together, compressed"),
    ("repeat [TIMES]", "play the steps before this one again, TIMES in all or without end"),
    ("end", "the clean end: the last chunk"),
    ("close", "FIN without the last chunk"),
    ("cut", "half a post, then FIN; over TLS without close_notify"),
    ("reset", "RST"),
    ("bad-chunk", "an invalid chunk size, then FIN"),
    ("status CODE [BODY]", "refuse with this status; BODY is the rest of the line, or 'quoted'"),
    ("garbage", "answer with something that is not HTTP"),
    ("endless-headers", "a response head that never ends"),
    ("no-head", "read the request and never answer"),
    ("hang-up", "read the request and close without an answer"),
    ("accept-nothing", "accept the connection and never read from it"),
];

impl Script {
    /// The text form:
    ///
    /// ```text
    /// posts 5 every 10ms; heartbeat; disconnect 12; close   # one connection
    /// | status 503 | too-many-connections                   # two refusals
    /// | posts                                               # all later connections
    /// ```
    ///
    /// Steps are separated by `;` or a new line, connections by `|`. `again [N]` as the last
    /// connection continues from connection N again (1 if none is given). `#` opens a comment.
    /// Durations are `250ms`, `2s`, `1m`, sizes `512`, `64KiB`, `1MiB`, `2GiB`.
    /// `line`, `raw` and the body of `status` accept the rest of the line unchanged, or a text in
    /// single quotes; in `raw` and in bodies `\r \n \t \\ \xHH` are escapes.
    ///
    /// # Errors
    /// The text is not a script; the error says where and, for a misspelt step, what is close.
    pub fn parse(text: &str) -> Result<Script, ScriptError> {
        script(&mut Cursor { text, at: 0 }).map_err(|(at, message)| {
            let before = &text[..at];
            let start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let line = before.matches('\n').count() + 1;
            ScriptError { line, column: before[start..].chars().count() + 1, message }
        })
    }
}

/// Every step of the text form with its arguments, and what it does; for `xstream simulate --list`.
pub fn faults() -> impl Iterator<Item = (&'static str, &'static str)> {
    STEPS.iter().copied().chain(super::control::list()).chain(super::refusal::list())
}

fn script(cursor: &mut Cursor<'_>) -> Result<Script, SyntaxError> {
    let mut connections = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    let mut again = None;
    loop {
        cursor.skip_between_steps();
        let at = cursor.at;
        match cursor.peek() {
            Some('|') | None if again.is_some() => {
                if cursor.peek().is_some() {
                    return Err((at, "nothing after 'again' is ever played".into()));
                }
                break;
            }
            None if steps.is_empty() && connections.is_empty() => {
                return Err((at, "an empty script: it needs a step".into()));
            }
            Some('|') | None if steps.is_empty() => {
                return Err((at, "a connection without steps: 'end' is the shortest".into()));
            }
            Some('|') => {
                cursor.at += 1;
                connections.push(std::mem::take(&mut steps));
            }
            None => {
                connections.push(std::mem::take(&mut steps));
                break;
            }
            Some(_) => {
                let name = cursor.word();
                if again.is_some() {
                    return Err((at, "nothing after 'again' is ever played".into()));
                }
                if name == "again" {
                    again = Some(go_round(cursor, at, &steps, connections.len())?);
                } else {
                    let step = step(name, at, cursor)?;
                    check_order(&steps, &step, name, at)?;
                    steps.push(step);
                }
                cursor.end_of_step(name)?;
            }
        }
    }
    let script = Script::new(connections);
    Ok(match again {
        Some(n) => script.again_from(n),
        None => script,
    })
}

/// The connection, counted from 0, to which `again` goes back.
fn go_round(cursor: &mut Cursor<'_>, at: usize, steps: &[Step], connections: usize) -> Result<usize, SyntaxError> {
    if !steps.is_empty() || connections == 0 {
        return Err((at, "'again' must be alone after the last '|'".into()));
    }
    let place = cursor.next_place();
    let Some(word) = cursor.argument() else {
        return Ok(0);
    };
    match word.parse::<usize>() {
        Ok(n) if (1..=connections).contains(&n) => Ok(n - 1),
        _ => Err((place, format!("'again' accepts a connection from 1 to {connections}, not '{word}'"))),
    }
}

fn check_order(before: &[Step], step: &Step, name: &str, at: usize) -> Result<(), SyntaxError> {
    if before.last().is_some_and(Step::is_last) {
        return Err((at, format!("'{name}' is never reached: the step before it is the last of its connection")));
    }
    if step.place() != Place::Stream && before.iter().any(|step| step.place() == Place::Stream) {
        return Err((at, format!("'{name}' must come before anything is sent")));
    }
    let sends = before.iter().any(|step| step.place() == Place::Stream);
    if matches!(step, Step::Repeat(_)) && !sends {
        return Err((at, "'repeat' has no steps before it to play again".into()));
    }
    Ok(())
}

fn step(name: &str, at: usize, cursor: &mut Cursor<'_>) -> Result<Step, SyntaxError> {
    Ok(match name {
        "gzip" => Step::Gzip,
        "header" => {
            let place = cursor.next_place();
            let text = cursor.literal(true).unwrap_or_default();
            let bad = || (place, String::from("a header looks like 'name: value'"));
            let (name, value) = text.split_once(':').ok_or_else(bad)?;
            if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
                return Err(bad());
            }
            Step::Header(name.to_owned(), value.trim().to_owned())
        }
        "delay" => Step::Delay(cursor.duration(name)?),
        "feed" => Step::Feed(cursor.optional_duration(name)?),
        "posts" => {
            let (count, every) = cursor.count_and_every(None)?;
            Step::Posts { count, every }
        }
        "heartbeat" => {
            let (count, every) = cursor.count_and_every(Some(1))?;
            Step::Heartbeat { count, every }
        }
        "flood" => Step::Flood { count: cursor.optional_number(name)? },
        "flood-lines" => Step::FloodLines { count: cursor.optional_number(name)? },
        "line" => Step::Line(cursor.literal(false).unwrap_or_default().into_bytes()),
        "raw" => Step::Raw(cursor.escaped()?.unwrap_or_default()),
        "wait" => Step::Wait(cursor.duration(name)?),
        "stall" => Step::Stall,
        "dribble" => Step::Dribble,
        "huge-line" => Step::HugeLine(cursor.size(name)?),
        "deep-json" => Step::DeepJson(cursor.size(name)?),
        "gzip-bomb" => Step::GzipBomb(cursor.size(name)?),
        "gzip-bomb-lines" => Step::GzipBombLines(cursor.size(name)?),
        "repeat" => Step::Repeat(cursor.optional_number(name)?),
        "end" => Step::End,
        "close" => Step::Close,
        "cut" => Step::Cut,
        "reset" => Step::Reset,
        "bad-chunk" => Step::BadChunk,
        "status" => {
            let place = cursor.next_place();
            let code = cursor.argument().and_then(|word| word.parse().ok()).filter(|code| (200..1000).contains(code));
            let code = code.ok_or_else(|| (place, String::from("'status' accepts a code from 200 to 999")))?;
            Step::Status { code, headers: Vec::new(), body: cursor.escaped()?.unwrap_or_default() }
        }
        "garbage" => Step::Garbage,
        "endless-headers" => Step::EndlessHeaders,
        "no-head" => Step::NoHead,
        "hang-up" => Step::HangUp,
        "accept-nothing" => Step::AcceptNothing,
        _ => {
            let place = cursor.next_place();
            let argument = cursor.argument();
            if let Some(message) = ControlMessage::named(name, argument) {
                Step::Message(message.map_err(|problem| (place, problem))?)
            } else if let Some(refusal) = ScriptedRefusal::named(name, argument) {
                Step::Refuse(refusal.map_err(|problem| (place, problem))?)
            } else {
                return Err((at, unknown(name)));
            }
        }
    })
}

fn unknown(name: &str) -> String {
    let mut names: Vec<_> = faults().map(|(usage, _)| first_word(usage)).chain(["again"]).collect();
    names.sort_by_key(|known| distance(name, known));
    // More than a third of the letters wrong is another word, not a typing mistake.
    let near: Vec<_> = names.iter().take(3).filter(|known| distance(name, known) <= known.len() / 3 + 1).collect();
    match near.as_slice() {
        [] => format!("unknown step '{name}'"),
        near => {
            let near: Vec<_> = near.iter().map(|name| format!("'{name}'")).collect();
            format!("unknown step '{name}': did you mean {}?", near.join(" or "))
        }
    }
}

/// How many letters to insert, remove or change to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
