//! Rules as they are given: arguments, files, stdin; looked over before anything is sent.
//!
//! Its law: what is wrong with a rule is told with the place where it was written.

use std::collections::HashMap;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use unicode_width::UnicodeWidthStr as _;

use super::super::{Error, usage};
use crate::cli::{Level, Lint, RuleInput};
use crate::protocol::rule::file::{self, MOST_MISTAKES};
use crate::protocol::rule::lint::{Finding, Severity, lint};
use crate::protocol::rule::{Access, Rule, piece};
use crate::terminal::console::Console;
use crate::text::escape_controls;

/// Characters shown before and after the one that is pointed at: with the indent, less than the narrowest usual terminal.
const BEFORE: usize = 40;
const AFTER: usize = 30;

/// Rules with distinct values, and where each was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RuleSet {
    /// The rules.
    pub rules: Vec<Rule>,
    /// `rules.txt:3` or `argument 2`, rule by rule.
    pub places: Vec<String>,
}

/// Where rules come from.
pub struct Sources<'a> {
    /// Arguments.
    pub words: &'a [String],
    /// Files; `-` is stdin.
    pub files: &'a [PathBuf],
    /// The tag of rules that bring none.
    pub tag: Option<&'a str>,
    /// The token comes from stdin.
    pub stdin_taken: bool,
}

impl RuleSet {
    /// Rules to add or to test: if none are named, those on stdin.
    pub fn from_input(input: &RuleInput, stdin_taken: bool, console: &Console) -> Result<RuleSet, Error> {
        let stdin = [PathBuf::from("-")];
        let tag = input.tag.as_deref();
        let mut sources = Sources { words: &input.rules, files: &input.file, tag, stdin_taken };
        if matches!(sources.words, [only] if only == "-") {
            if !sources.files.is_empty() {
                return usage("`-` reads all rules from stdin; give --file alone, or --file - beside it");
            }
            (sources.words, sources.files) = (&[], &stdin);
        } else if sources.words.is_empty() && sources.files.is_empty() {
            if io::stdin().is_terminal() {
                return usage(
                    "no rule is given; write it in quotes behind the verb, or give --file FILE (`-` is stdin)",
                );
            }
            sources.files = &stdin;
        }
        // Behind `--` clap takes everything for a rule; no rule begins so.
        for (at, word) in sources.words.iter().enumerate() {
            let what = match word.trim() {
                "-" => "stands for stdin; give it alone",
                word if word.starts_with("--") => "looks like an option; give options before `--`",
                _ => continue,
            };
            return usage(format!("argument {}: `{}` {what}", at + 1, piece(word)));
        }
        let given = RuleSet::read(&sources, console)?;
        if given.rules.is_empty() {
            let names: Vec<String> = sources.files.iter().map(|file| name(file)).collect();
            return usage(format!("there is no rule in {}", names.join(", ")));
        }
        Ok(given)
    }

    /// Reads all sources.
    pub fn read(sources: &Sources<'_>, console: &Console) -> Result<RuleSet, Error> {
        let mut files = Vec::new();
        for path in sources.files {
            files.push((name(path), bytes(path, sources.stdin_taken)?));
        }
        let read = file::read(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
        let read = read.or_else(|mistakes| {
            let text = mistakes.to_string();
            let (first, last) = text.rsplit_once('\n').unwrap_or(("", &text));
            first.lines().for_each(|line| console.always(line));
            usage(last)
        })?;
        read.notes.iter().for_each(|note| console.info(&note.to_string()));
        let words = sources.words.iter().enumerate();
        let words = words.map(|(at, word)| (Rule::new(word.trim(), None), format!("argument {}", at + 1)));
        let lines = read.rules.into_iter().zip(read.places.iter().map(ToString::to_string));
        let mut given = RuleSet::default();
        let mut known: HashMap<String, usize> = HashMap::new();
        for (mut rule, place) in words.chain(lines) {
            rule.id = None;
            if rule.tag().is_none() {
                rule.tag = sources.tag.filter(|tag| !tag.is_empty()).map(ToOwned::to_owned);
            }
            match known.get(&rule.value) {
                Some(&first) if given.rules[first].tag() != rule.tag() => {
                    let (value, other) = (piece(&rule.value), &given.places[first]);
                    return usage(format!(
                        "{place}: `{value}` has another tag in {other}; keep one of them: X knows a rule by its value"
                    ));
                }
                Some(&first) => {
                    let (value, other) = (piece(&rule.value), &given.places[first]);
                    console.info(&format!("{place}: `{value}` stands in {other} already; it counts once"));
                }
                None => {
                    known.insert(rule.value.clone(), given.rules.len());
                    given.rules.push(rule);
                    given.places.push(place);
                }
            }
        }
        Ok(given)
    }

    /// What is found in each rule; nothing if it is not asked for.
    pub fn findings(&self, options: &Lint) -> Vec<Vec<Finding>> {
        let access = options.level.map(|level| match level {
            Level::PayPerUse => Access::PayPerUse,
            Level::Enterprise => Access::Enterprise,
        });
        let look = |rule: &Rule| if options.no_lint { Vec::new() } else { lint(&rule.value, access) };
        self.rules.iter().map(look).collect()
    }

    /// Tells what was found, and stops at errors.
    pub fn check(&self, options: &Lint, console: &Console) -> Result<(), Error> {
        let findings = self.findings(options);
        self.report(&findings, console);
        match findings.iter().filter(|findings| findings.iter().any(is_error)).count() {
            0 => Ok(()),
            bad => usage(format!(
                "nothing was sent: {bad} of {} would be refused; correct what is told above, or give --no-lint",
                count(self.rules.len())
            )),
        }
    }

    /// Tells what was found: the errors, and the warnings to those who want them.
    pub fn report(&self, findings: &[Vec<Finding>], console: &Console) {
        for severity in [Severity::Warning, Severity::Error] {
            if console.is_quiet() && severity == Severity::Warning {
                continue;
            }
            let all = self.rules.iter().zip(&self.places).zip(findings);
            let such = all.flat_map(|((rule, place), findings)| {
                let such = findings.iter().filter(move |finding| finding.severity == severity);
                such.map(move |finding| format!("{place}: {finding}\n{}", pointed(&rule.value, finding.position)))
            });
            let such: Vec<String> = such.collect();
            such.iter().take(MOST_MISTAKES).for_each(|text| console.always(text));
            if such.len() > MOST_MISTAKES {
                console.always(&format!("and {} more {severity}s", such.len() - MOST_MISTAKES));
            }
        }
    }

    /// The rule of each value, and where it was written.
    pub fn by_value(&self) -> HashMap<&str, (&Rule, &str)> {
        let places = self.places.iter().map(String::as_str);
        self.rules.iter().zip(places).map(|(rule, place)| (rule.value.as_str(), (rule, place))).collect()
    }
}

/// Whether X would refuse the rule.
pub fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

/// `1 rule`, `2 rules`.
pub fn count(rules: usize) -> String {
    if rules == 1 { "1 rule".to_owned() } else { format!("{rules} rules") }
}

/// The part of a rule around a character, counted from 1, and a caret under it: two lines.
pub fn pointed(rule: &str, position: usize) -> String {
    let length = rule.chars().count();
    let at = position.saturating_sub(1).min(length);
    let from = at.saturating_sub(BEFORE);
    let piece = |from: usize, count: usize| escape_controls(&rule.chars().skip(from).take(count).collect::<String>());
    let lead = if from > 0 { "…" } else { "" };
    let tail = if at + AFTER < length { "…" } else { "" };
    let before = format!("{lead}{}", piece(from, at - from));
    format!("  {before}{}{tail}\n  {}^", piece(at, AFTER), " ".repeat(before.width()))
}

fn name(path: &Path) -> String {
    if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() }
}

fn bytes(path: &Path, stdin_taken: bool) -> Result<Vec<u8>, Error> {
    let name = name(path);
    let read = if path != Path::new("-") {
        std::fs::read(path)
    } else if stdin_taken {
        return usage("stdin cannot give both the token and the rules; give one of them as a file");
    } else {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    };
    match read {
        // A command before the pipe that failed must not become an empty set of rules.
        Ok(bytes) if name == "stdin" && bytes.trim_ascii().is_empty() => {
            usage("stdin is empty; a rule a line is expected there")
        }
        Ok(bytes) => Ok(bytes),
        Err(error) => usage(format!("reading rules from {}: {error}", escape_controls(&name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_character() {
        assert_eq!(pointed("cat (dog", 5), "  cat (dog\n      ^");
        assert_eq!(pointed("猫 or", 3), "  猫 or\n     ^", "wide characters take two columns");
        assert_eq!(pointed("a\u{1b}b", 3), "  a\\u{1b}b\n         ^", "what is escaped takes more");
        assert_eq!(pointed("cat", 99), "  cat\n     ^");
        let long = pointed(&"x".repeat(200), 100);
        assert_eq!(long, format!("  …{}…\n  {}^", "x".repeat(70), " ".repeat(41)));
    }
}
