//! Rules from the user: arguments, files, stdin; checked before a request is sent.
//!
//! Its law: a problem with a rule is reported with the place where the rule was written.

use std::collections::HashMap;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use unicode_width::UnicodeWidthStr as _;

use super::super::{CommandError, usage_error};
use crate::cli::{AccessLevelArg, LintArgs, RuleInput};
use crate::protocol::rule::file::{self, MOST_MISTAKES};
use crate::protocol::rule::finding::{Finding, Severity};
use crate::protocol::rule::lint::lint;
use crate::protocol::rule::{AccessLevel, Rule, piece};
use crate::terminal::console::Console;
use crate::text::{escape_controls, file_name};

/// Characters shown before and after the one with the caret: with the indent, they fit on a terminal of 80 columns.
const BEFORE: usize = 40;
const AFTER: usize = 30;

/// Rules with distinct values, and the place where each was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RuleSet {
    /// The rules.
    pub rules: Vec<Rule>,
    /// Of each rule: `rules.txt:3` or `argument 2`.
    pub places: Vec<String>,
}

/// Where rules come from.
pub struct Sources<'a> {
    /// Arguments.
    pub words: &'a [String],
    /// Files; `-` is stdin.
    pub files: &'a [PathBuf],
    /// The tag of rules without one.
    pub tag: Option<&'a str>,
    /// Whether the token is read from stdin.
    pub stdin_taken: bool,
}

impl RuleSet {
    /// Rules to add or to test: from stdin if the arguments name none.
    pub fn from_input(input: &RuleInput, stdin_taken: bool, console: &Console) -> Result<RuleSet, CommandError> {
        let stdin = [PathBuf::from("-")];
        let tag = input.tag.as_deref();
        let mut sources = Sources { words: &input.rules, files: &input.file, tag, stdin_taken };
        if matches!(sources.words, [only] if only == "-") {
            if !sources.files.is_empty() {
                return usage_error("`-` reads all rules from stdin; give --file alone, or --file - beside it");
            }
            (sources.words, sources.files) = (&[], &stdin);
        } else if sources.words.is_empty() && sources.files.is_empty() {
            if io::stdin().is_terminal() {
                return usage_error("no rule: pass one in quotes after the verb, or --file FILE (`-` is stdin)");
            }
            sources.files = &stdin;
        }
        // After `--` clap accepts any word as a rule, but no rule begins like this.
        for (at, word) in sources.words.iter().enumerate() {
            let what = match word.trim() {
                "-" => "means stdin; pass it alone",
                word if word.starts_with("--") => "looks like an option; give options before `--`",
                _ => continue,
            };
            return usage_error(format!("argument {}: `{}` {what}", at + 1, piece(word)));
        }
        let rule_set = RuleSet::read(&sources, console)?;
        if rule_set.rules.is_empty() {
            let names: Vec<String> = sources.files.iter().map(|file| file_name(file)).collect();
            return usage_error(format!("no rule in {}", names.join(", ")));
        }
        Ok(rule_set)
    }

    /// Reads all sources.
    pub fn read(sources: &Sources<'_>, console: &Console) -> Result<RuleSet, CommandError> {
        let mut files = Vec::new();
        for path in sources.files {
            files.push((file_name(path), bytes(path, sources.stdin_taken)?));
        }
        let read = file::read(files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
        let read = read.or_else(|mistakes| {
            let text = mistakes.to_string();
            let (first, last) = text.rsplit_once('\n').unwrap_or(("", &text));
            first.lines().for_each(|line| console.always(line));
            usage_error(last)
        })?;
        read.notes.iter().for_each(|note| console.info(&note.to_string()));
        let words = sources.words.iter().enumerate();
        let words = words.map(|(at, word)| (Rule::new(word.trim(), None), format!("argument {}", at + 1)));
        let lines = read.rules.into_iter().zip(read.places.iter().map(ToString::to_string));
        let mut rule_set = RuleSet::default();
        let mut known: HashMap<String, usize> = HashMap::new();
        for (mut rule, place) in words.chain(lines) {
            rule.id = None;
            if rule.tag().is_none() {
                rule.tag = sources.tag.filter(|tag| !tag.is_empty()).map(ToOwned::to_owned);
            }
            match known.get(&rule.value) {
                Some(&first) if rule_set.rules[first].tag() != rule.tag() => {
                    let (value, other) = (piece(&rule.value), &rule_set.places[first]);
                    return usage_error(format!(
                        "{place}: `{value}` has another tag in {other}; keep one of them: X knows a rule by its value"
                    ));
                }
                Some(&first) => {
                    let (value, other) = (piece(&rule.value), &rule_set.places[first]);
                    console.info(&format!("{place}: `{value}` is already in {other}; it counts once"));
                }
                None => {
                    known.insert(rule.value.clone(), rule_set.rules.len());
                    rule_set.rules.push(rule);
                    rule_set.places.push(place);
                }
            }
        }
        Ok(rule_set)
    }

    /// The findings of the lint in each rule; none under `--no-lint`.
    pub fn findings(&self, options: &LintArgs) -> Vec<Vec<Finding>> {
        let access = options.level.map(|level| match level {
            AccessLevelArg::PayPerUse => AccessLevel::PayPerUse,
            AccessLevelArg::Enterprise => AccessLevel::Enterprise,
        });
        let look = |rule: &Rule| if options.no_lint { Vec::new() } else { lint(&rule.value, access) };
        self.rules.iter().map(look).collect()
    }

    /// Reports the findings; a usage error if one is an error.
    pub fn check(&self, options: &LintArgs, console: &Console) -> Result<(), CommandError> {
        let findings = self.findings(options);
        self.report(&findings, console);
        match findings.iter().filter(|findings| findings.iter().any(is_error)).count() {
            0 => Ok(()),
            bad => usage_error(format!(
                "nothing was sent: {bad} of {} would be refused; correct what is reported above, or pass --no-lint",
                count(self.rules.len())
            )),
        }
    }

    /// Reports the findings: errors always, warnings unless the user passed --quiet.
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

    /// The rules and their places by value.
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

/// Two lines: the part of a rule around a character, whose position counts from 1, and a caret under it.
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

fn bytes(path: &Path, stdin_taken: bool) -> Result<Vec<u8>, CommandError> {
    let name = file_name(path);
    let read = if path != Path::new("-") {
        std::fs::read(path)
    } else if stdin_taken {
        return usage_error("stdin cannot give both the token and the rules; give one of them as a file");
    } else {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    };
    match read {
        // The failure of an earlier command in the pipe must not turn into an empty set of rules.
        Ok(bytes) if name == "stdin" && bytes.trim_ascii().is_empty() => {
            usage_error("stdin is empty; it must hold one rule per line")
        }
        Ok(bytes) => Ok(bytes),
        Err(error) => usage_error(format!("reading rules from {}: {error}", escape_controls(&name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_is_under_the_character() {
        assert_eq!(pointed("cat (dog", 5), "  cat (dog\n      ^");
        assert_eq!(pointed("猫 or", 3), "  猫 or\n     ^", "wide characters take two columns");
        assert_eq!(pointed("a\u{1b}b", 3), "  a\\u{1b}b\n         ^", "an escaped character is wider");
        assert_eq!(pointed("cat", 99), "  cat\n     ^");
        let long = pointed(&"x".repeat(200), 100);
        assert_eq!(long, format!("  …{}…\n  {}^", "x".repeat(70), " ".repeat(41)));
    }
}
