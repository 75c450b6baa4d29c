//! Rule files: bytes to rules and back.
//!
//! Users write one rule per line; programs write JSON. The first character of a line shows which it is, so one file
//! may contain both:
//!
//! ```text
//! # text              a comment: one `#` or more, then white space or the end of the line
//! #cats has:images    a rule: a hashtag has no space after its `#`
//! rule<TAB>tag        a rule with its tag; without the tab a rule without tag
//! {"value":…}         a rule as JSON; `tag` is read, `id` kept, everything else ignored
//! [{"value":…},…]     a list of them, on one line or several
//! {"data":[…]}        X's response with its rules; without rules it has only `meta`
//! ```
//!
//! No legal rule begins with `{` or `[`: X requires quotes around them. Outer white space of a plain line is not part
//! of its rule; in JSON it is, because X keeps it.
//!
//! Law: total. Any bytes give rules or mistakes, and [`read`] returns the rules that [`write()`] wrote.

use std::collections::HashMap;
use std::fmt;

use memchr::arch::all::memchr::One;
use serde_json::{Deserializer, Value};

use super::{Rule, piece};
use crate::text::escape_controls;

/// Most mistakes reported at once. A screen has room for about this many; the first few usually explain the rest.
pub const MOST_MISTAKES: usize = 20;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Where a rule was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLocation {
    /// The file's name as the user gave it.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", escape_controls(&self.file), self.line)
    }
}

/// A part of a rule file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMistake {
    /// Where it is.
    pub place: SourceLocation,
    /// What is wrong, as a fragment.
    pub what: String,
    /// What to do about it, as a fragment.
    pub advice: &'static str,
}

impl fmt::Display for FileMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.what, self.advice)
    }
}

/// Everything in the files that cannot be read, at least one mistake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes {
    /// The first [`MOST_MISTAKES`], in order.
    pub list: Vec<FileMistake>,
    /// How many follow them.
    pub more: usize,
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.list.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{mistake}")?;
        }
        if self.more > 0 {
            write!(f, "\nand {} more like these", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// A part that was read, and that the user may want to correct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where it is.
    pub place: SourceLocation,
    /// What was found, as a fragment.
    pub what: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// The rules in the files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleFiles {
    /// The rules in the order of the files; no two have the same value.
    pub rules: Vec<Rule>,
    /// Where each of `rules` was first written.
    pub places: Vec<SourceLocation>,
    /// Rules written twice.
    pub notes: Vec<Note>,
}

/// Reads rule files, each with its name.
///
/// The files count as one: a rule in two of them is a repetition.
///
/// # Errors
/// Something in them cannot be read. Then no rules are returned: a sync to half a file would delete the other half.
pub fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<RuleFiles, Mistakes> {
    let mut reader =
        FileReader { file: "", files: RuleFiles::default(), known: HashMap::new(), mistakes: Mistakes::default() };
    for (name, bytes) in files {
        reader.file = name;
        reader.read(bytes);
    }
    if reader.mistakes.list.is_empty() { Ok(reader.files) } else { Err(reader.mistakes) }
}

struct FileReader<'a> {
    file: &'a str,
    files: RuleFiles,
    /// The index of each rule by its value.
    known: HashMap<String, usize>,
    mistakes: Mistakes,
}

impl FileReader<'_> {
    fn read(&mut self, bytes: &[u8]) {
        if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
            self.mistake(1, "the file is UTF-16".to_owned(), "save it as UTF-8");
            return;
        }
        let mut rest = bytes.strip_prefix(BOM).unwrap_or(bytes);
        let mut line = 1;
        while !rest.is_empty() {
            let end = One::new(b'\n').find(rest).unwrap_or(rest.len());
            let mut used = (end + 1).min(rest.len());
            match std::str::from_utf8(&rest[..end]) {
                Ok(text) if text.trim_start().starts_with(['{', '[']) => {
                    let Some(length) = self.json(rest, text.trim(), line) else {
                        return;
                    };
                    used = length;
                }
                Ok(text) => self.line(text.strip_suffix('\r').unwrap_or(text), line),
                Err(error) => {
                    let at = error.valid_up_to() + 1;
                    self.mistake(line, format!("byte {at} of the line is not UTF-8"), "save the file as UTF-8");
                }
            }
            line += One::new(b'\n').count(&rest[..used]);
            rest = &rest[used..];
        }
    }

    fn line(&mut self, text: &str, line: usize) {
        let trimmed = text.trim();
        if trimmed.is_empty() || is_comment(trimmed) {
            return;
        }
        let (value, tag) = text.split_once('\t').unwrap_or((text, ""));
        let (value, tag) = (value.trim(), tag.trim());
        if text.contains('\r') {
            self.mistake(line, "a carriage return inside the line".to_owned(), "end each line with a line feed");
        } else if value.is_empty() {
            self.mistake(line, "nothing before the tab".to_owned(), "write the rule, a tab, the tag");
        } else if tag.contains('\t') {
            self.mistake(
                line,
                format!("more than one tab after `{}`", piece(value)),
                "write the rule, one tab, the tag; a tab inside a tag needs the JSON form",
            );
        } else {
            self.rule(Rule::new(value, Some(tag)), line);
        }
    }

    /// Reads the JSON value that begins in the first line of `rest`, which is `opening`. Returns how many bytes were
    /// read, in whole lines; `None` if the value does not end, so that the rest of the file cannot be read.
    fn json(&mut self, rest: &[u8], opening: &str, line: usize) -> Option<usize> {
        let mut values = Deserializer::from_slice(rest).into_iter::<Value>();
        match values.next()? {
            Ok(value) => {
                let end = values.byte_offset();
                self.value(&value, &rest[..end], line);
                let tail = &rest[end..];
                let length = One::new(b'\n').find(tail).unwrap_or(tail.len());
                if !tail[..length].trim_ascii().is_empty() {
                    let last = line + One::new(b'\n').count(&rest[..end]);
                    self.mistake(
                        last,
                        "text after the JSON value".to_owned(),
                        "write one JSON value per line, nothing between them, or all in one `[…]`",
                    );
                }
                Some(end + (length + 1).min(tail.len()))
            }
            Err(error) => {
                // After an object on one line, reading continues with the next. Of a value over several lines the
                // intended end is unknown, and each line after it would be one more mistake.
                let alone = opening.starts_with('{') && opening.len() > 1 && !opening.ends_with(['{', '[', ',']);
                // If the line is cut, its own error says more than that of the next line.
                let error = serde_json::from_str::<Value>(opening).err().filter(|_| alone).unwrap_or(error);
                // serde_json's text ends with a place that counts from the beginning of this value.
                let text = error.to_string();
                let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
                self.mistake(
                    line + error.line().saturating_sub(1),
                    format!("not JSON: {what}"),
                    "write {\"value\":\"…\",\"tag\":\"…\"} on one line, or the rule as plain text",
                );
                alone.then(|| One::new(b'\n').find(rest).map_or(rest.len(), |end| end + 1))
            }
        }
    }

    fn value(&mut self, value: &Value, json: &[u8], line: usize) {
        let (list, answer) = match value {
            Value::Array(list) => (list.as_slice(), false),
            Value::Object(object) if !object.contains_key("value") => match (object.get("data"), object.get("meta")) {
                (Some(Value::Array(list)), _) => (list.as_slice(), true),
                // X leaves out `data` when it has no rules.
                (None, Some(Value::Object(_))) if !object.contains_key("errors") => return,
                _ => (std::slice::from_ref(value), false),
            },
            _ => (std::slice::from_ref(value), false),
        };
        let lines =
            if value.is_object() && !answer { vec![line] } else { element_lines(json, line, 1 + usize::from(answer)) };
        for (index, element) in list.iter().enumerate() {
            let line = lines.get(index).copied().unwrap_or(line);
            match Rule::from_json(element) {
                Ok(rule) => self.rule(rule, line),
                Err(what) => {
                    let advice =
                        "a rule is {\"value\":\"…\",\"tag\":\"…\"} with a text in `value`; the tag may be left out";
                    let what = if list.len() > 1 { format!("rule {} of the list: {what}", index + 1) } else { what };
                    self.mistake(line, what, advice);
                }
            }
        }
    }

    fn rule(&mut self, rule: Rule, line: usize) {
        let place = SourceLocation { file: self.file.to_owned(), line };
        let Some(&first) = self.known.get(&rule.value) else {
            self.known.insert(rule.value.clone(), self.files.rules.len());
            self.files.rules.push(rule);
            self.files.places.push(place);
            return;
        };
        let other = &self.files.places[first];
        let other = if other.file == place.file { format!("line {}", other.line) } else { other.to_string() };
        let value = piece(&rule.value);
        if self.files.rules[first].tag() == rule.tag() {
            let what = format!("`{value}` is already in {other}; it counts once");
            self.files.notes.push(Note { place, what });
        } else {
            self.mistake(
                line,
                format!("`{value}` has another tag in {other}"),
                "keep one of them: X identifies a rule by its value and refuses it a second time",
            );
        }
    }

    fn mistake(&mut self, line: usize, what: String, advice: &'static str) {
        if self.mistakes.list.len() == MOST_MISTAKES {
            self.mistakes.more += 1;
        } else {
            let place = SourceLocation { file: self.file.to_owned(), line };
            self.mistakes.list.push(FileMistake { place, what, advice });
        }
    }
}

/// True for `#`, `# text` and `## text`, which are not legal rules: a hashtag has its name right after a single `#`.
fn is_comment(line: &str) -> bool {
    let text = line.trim_start_matches('#');
    text.len() < line.len() && (text.is_empty() || text.starts_with(char::is_whitespace))
}

/// The line of each element of the list in a valid JSON text that begins in line `first`: the list itself (`depth` 1),
/// or the one in `data` (`depth` 2). A text with two `data` gives more lines than rules; the only consequence is a
/// message with a wrong line.
fn element_lines(json: &[u8], first: usize, depth: usize) -> Vec<usize> {
    let (mut lines, mut line, mut level, mut at) = (Vec::new(), first, 0_usize, 0);
    // Whether the current list is the one, whether its next value begins an element, and the last key.
    let (mut inside, mut fresh, mut key) = (false, false, &b""[..]);
    while let Some(&byte) = json.get(at) {
        if inside && fresh && level == depth && !byte.is_ascii_whitespace() && byte != b']' {
            lines.push(line);
            fresh = false;
        }
        match byte {
            b'"' => {
                let end = string_end(json, at);
                if level == 1 {
                    key = &json[at..end];
                }
                at = end;
                continue;
            }
            b'[' | b'{' => {
                level += 1;
                if level == depth {
                    inside = byte == b'[' && (depth == 1 || key == b"\"data\"");
                    fresh = true;
                }
            }
            b']' | b'}' => level = level.saturating_sub(1),
            b',' if level == depth => fresh = true,
            b'\n' => line += 1,
            _ => {}
        }
        at += 1;
    }
    lines
}

/// The end of the JSON string that begins at `at`, its closing quote included.
fn string_end(json: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while let Some(&byte) = json.get(end) {
        end += 1 + usize::from(byte == b'\\');
        if byte == b'"' {
            break;
        }
    }
    end.min(json.len())
}

/// The form of a rule file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FileFormat {
    /// `{"value":…,"tag":…}` per line.
    #[default]
    Ndjson,
    /// `rule<TAB>tag` per line. A rule that would be read otherwise (it contains a line break, begins like a comment …)
    /// is written as JSON.
    Tab,
}

/// Writes rules as a file for [`read`]. Ids are left out: they change when a rule is added again.
#[must_use]
pub fn write(rules: &[Rule], form: FileFormat) -> String {
    let mut text = String::new();
    for rule in rules {
        if form == FileFormat::Tab && is_plain(rule) {
            text.push_str(&rule.value);
            if let Some(tag) = rule.tag() {
                text.push('\t');
                text.push_str(tag);
            }
        } else {
            text.push_str("{\"value\":");
            text.push_str(&Value::from(rule.value.as_str()).to_string());
            if let Some(tag) = rule.tag() {
                text.push_str(",\"tag\":");
                text.push_str(&Value::from(tag).to_string());
            }
            text.push('}');
        }
        text.push('\n');
    }
    text
}

fn is_plain(rule: &Rule) -> bool {
    let whole = |text: &str| !text.is_empty() && text.trim() == text && !text.contains(['\t', '\n', '\r']);
    whole(&rule.value)
        // A byte order mark at the beginning of the file is skipped.
        && !rule.value.starts_with(['{', '[', '\u{FEFF}'])
        && !is_comment(&rule.value)
        && rule.tag().is_none_or(whole)
}

#[cfg(test)]
mod tests;
