//! A rule as tokens: terms, parentheses and ORs.
//!
//! Mistakes in a single term are found here, mistakes in the combination of terms in [`super::lint`]. Positions are
//! characters counted from 1, as in X's own messages.

use super::finding::{Finding, Severity};
use super::operator::{self, Class, Operator};
use super::piece;

/// Words that X does not accept alone ("Rules must contain at least one positive, non-stopword clause").
/// The last published list is that of `PowerTrack`.
const STOP_WORDS: &str = "a an and at but by com from http https if in is it its me my or rt the this to too via we \
    www you";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Open,
    Close,
    Or,
    Term { class: Class, stop: bool, sample: bool },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct RuleToken {
    pub(super) at: usize,
    pub(super) negated: bool,
    pub(super) kind: TokenKind,
}

/// Splits `rule` into tokens and adds mistakes in them to `findings`. The second value is false if a quote does not
/// end, so that everything after it is unknown.
pub(super) fn tokens(rule: &str, findings: &mut Vec<Finding>) -> (Vec<RuleToken>, bool) {
    let mut lexer = Lexer { text: rule.chars().collect(), at: 0, whole: true, findings, tokens: Vec::new() };
    while lexer.at < lexer.text.len() {
        lexer.step();
    }
    (lexer.tokens, lexer.whole)
}

struct Lexer<'a> {
    text: Vec<char>,
    /// Index of the next character.
    at: usize,
    whole: bool,
    findings: &'a mut Vec<Finding>,
    tokens: Vec<RuleToken>,
}

impl Lexer<'_> {
    fn step(&mut self) {
        if self.text[self.at].is_whitespace() {
            self.at += 1;
            return;
        }
        let first = self.at;
        while self.peek() == Some('-') {
            self.at += 1;
        }
        let negated = self.at > first;
        let alone = self.peek().is_none_or(|next| next.is_whitespace() || next == ')');
        if negated && (alone || self.at > first + 1) {
            let what = if alone { "a `-` without a term" } else { "more than one `-`" };
            self.warn(first, what, "write a single `-` right before what is not wanted, or quote it");
        }
        match self.peek() {
            None => {}
            Some(_) if negated && alone => {}
            Some('(') => self.single(first, negated, TokenKind::Open),
            Some(')') => self.single(first, negated, TokenKind::Close),
            Some('"') => self.phrase(first, negated),
            Some(_) => self.word(first, negated),
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn single(&mut self, first: usize, negated: bool, kind: TokenKind) {
        self.at += 1;
        self.push(first, negated, kind);
    }

    fn push(&mut self, first: usize, negated: bool, kind: TokenKind) {
        self.tokens.push(RuleToken { at: first + 1, negated, kind });
    }

    fn term(&mut self, first: usize, negated: bool, class: Class) {
        self.push(first, negated, TokenKind::Term { class, stop: false, sample: false });
    }

    fn warn(&mut self, at: usize, message: impl Into<String>, hint: &str) {
        self.find(at, Severity::Warning, message, hint);
    }

    fn find(&mut self, at: usize, severity: Severity, message: impl Into<String>, hint: impl Into<String>) {
        self.findings.push(Finding { severity, position: at + 1, message: message.into(), hint: hint.into() });
    }

    /// `"exact phrase"` or `"near words"~5`.
    fn phrase(&mut self, first: usize, negated: bool) {
        let at = self.at;
        let text = self.quoted();
        if text.trim().is_empty() && self.whole {
            self.warn(at, "a phrase without words", "write the words between the quotes, or remove them");
        }
        if self.peek() == Some('~') {
            let tilde = self.at;
            self.at += 1;
            let number = self.bare();
            match number.parse::<u64>() {
                Ok(1..=6) => {}
                Ok(7..) => self.find(
                    tilde,
                    Severity::Error,
                    format!("`~{}` is a larger distance than X accepts", piece(&number)),
                    "write ~1 to ~6",
                ),
                _ => self.warn(tilde, format!("`~{}` is not a distance", piece(&number)), "write ~1 to ~6"),
            }
        }
        self.term(first, negated, Class::Standalone);
    }

    /// The text of the quotes that open here; `\"` is part of it.
    fn quoted(&mut self) -> String {
        let open = self.at;
        let mut end = open + 1;
        while let Some(&character) = self.text.get(end) {
            if character == '"' {
                self.at = end + 1;
                return self.text[open + 1..end].iter().collect();
            }
            end += 1 + usize::from(character == '\\' && self.text.get(end + 1) == Some(&'"'));
        }
        self.find(open, Severity::Error, "a quote that does not end", "write a second `\"` after the phrase");
        self.whole = false;
        self.at = self.text.len();
        self.text[open + 1..].iter().collect()
    }

    /// Characters up to a space, a parenthesis or a quote.
    fn bare(&mut self) -> String {
        let first = self.at;
        while self.peek().is_some_and(|next| !next.is_whitespace() && !matches!(next, '(' | ')' | '"')) {
            self.at += 1;
        }
        self.text[first..self.at].iter().collect()
    }

    fn word(&mut self, first: usize, negated: bool) {
        let start = self.at;
        if let Some(name) = self.operator_name() {
            self.operator(first, negated, &name);
            return;
        }
        let word = self.bare();
        let mut class = Class::Standalone;
        match word.as_str() {
            "OR" if !negated => {
                self.push(first, false, TokenKind::Or);
                return;
            }
            // X's message: "Ambiguous use of and as a keyword". Some pages say it is a plain word.
            _ if word.eq_ignore_ascii_case("and") => self.warn(
                start,
                format!("X refuses `{word}` as ambiguous, or reads it as a plain term"),
                "a space means AND; write \"and\" in quotes for the word",
            ),
            _ if word.eq_ignore_ascii_case("or") => self.warn(
                start,
                format!("X refuses `{word}` as ambiguous, or reads it as a plain term"),
                "write OR to join, \"or\" in quotes for the word",
            ),
            "NOT" => self.warn(start, "`NOT` is a plain term", "write `-` right before what is not wanted"),
            "#" | "@" | "$" => {
                self.warn(start, format!("`{word}` without a name"), "write the name right after it, without a space");
            }
            _ if word.starts_with(['\'', '“', '”', '„', '‘', '’', '«']) => {
                self.warn(
                    start,
                    "a quotation mark that X does not recognize",
                    "write phrases in \"straight double quotes\"",
                );
            }
            _ if word.starts_with(['[', ']', '{', '}']) => {
                self.warn(start, "a bracket that groups nothing", "write ( ) to group, or quote the word");
            }
            _ if word.contains(':') && !word.starts_with(['#', '@', '$']) => {
                class = Class::Unclear;
                self.warn(
                    start,
                    format!("`{}` has a colon and is not an operator", piece(&word)),
                    "write the word in quotes",
                );
            }
            _ => {}
        }
        let stop = STOP_WORDS.split_whitespace().any(|stop| stop.eq_ignore_ascii_case(&word));
        self.push(first, negated, TokenKind::Term { class, stop, sample: false });
    }

    /// Reads letters, digits and `_` with a colon after them, colon included, and returns the name; reads nothing else.
    fn operator_name(&mut self) -> Option<String> {
        let rest = &self.text[self.at..];
        let length = rest.iter().position(|next| !(next.is_ascii_alphanumeric() || *next == '_'))?;
        // A time is no operator: 12:30.
        if rest[length] != ':' || length == 0 || rest[0].is_ascii_digit() {
            return None;
        }
        let name = rest[..length].iter().collect();
        self.at += length + 1;
        Some(name)
    }

    fn operator(&mut self, first: usize, negated: bool, name: &str) {
        let known = operator::find(name);
        let quoted = self.peek() == Some('"');
        let value = match self.peek() {
            Some('"') => self.quoted(),
            Some('[') if known.is_some_and(Operator::is_area) => self.bracketed(),
            _ => self.bare(),
        };
        let verdict = match known {
            None => Err(operator::unknown(name)),
            // The value of a quote that does not end is unknown.
            Some(_) if quoted && !self.whole => Ok(()),
            Some(known) => operator::check(known, &value, quoted, negated),
        };
        if let Err((severity, message, hint)) = verdict {
            self.find(first, severity, message, hint);
        }
        match known {
            Some(known) => {
                let sample = known.name == "sample";
                self.push(first, negated, TokenKind::Term { class: known.class, stop: false, sample });
            }
            None => self.term(first, negated, Class::Unclear),
        }
    }

    /// `[` to `]`, spaces included; to the next space if there is no `]`.
    fn bracketed(&mut self) -> String {
        match self.text[self.at..].iter().position(|next| *next == ']') {
            Some(length) => {
                let first = self.at;
                self.at += length + 1;
                self.text[first..self.at].iter().collect()
            }
            None => self.bare(),
        }
    }
}
