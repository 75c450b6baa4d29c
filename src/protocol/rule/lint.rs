//! What X would refuse in a rule, or read otherwise than intended, found without a request.
//!
//! An error is what X refuses according to its documents or responses; everything else that looks wrong is a warning,
//! because a tool that refuses a rule that X accepts is an obstacle. Sources: X API docs, filtered stream, build a rule
//! and operators; messages of the rules endpoint in public issues; `PowerTrack` docs for what these leave open, since
//! the language is the same.
//!
//! Law: total; the same rule always gives the same findings, in the order of their positions.

use super::AccessLevel;
use super::finding::{Finding, Severity};
use super::operator::Class;
use super::syntax::{RuleToken, TokenKind, tokens};

/// Checks a rule. Without an access level a rule may be as long as any level allows, with a warning beyond the shorter
/// limit.
#[must_use]
pub fn lint(rule: &str, access: Option<AccessLevel>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if rule.trim().is_empty() {
        findings.push(finding(Severity::Error, 1, "the rule is empty", "write at least one word or operator"));
        return findings;
    }
    length(rule, access, &mut findings);
    if let Some(at) = rule.chars().position(|character| matches!(character, '\n' | '\r')) {
        findings.push(finding(Severity::Error, at + 1, "a line break in the rule", "write the rule on one line"));
    }
    let known = findings.len();
    let (tokens, whole) = tokens(rule, &mut findings);
    let mut structure = Structure { levels: vec![Scope::new(1, false)], ..Structure::default() };
    for token in &tokens {
        structure.add(token);
    }
    // After a quote that does not end, everything is a guess.
    if whole {
        structure.finish(&mut findings);
    }
    // Whether X reads `\"` as a quote or as part of the text is not published, and everything after it depends on that.
    if rule.contains("\\\"") {
        findings[known..].iter_mut().for_each(|finding| finding.severity = Severity::Warning);
    }
    findings.sort_by_key(|finding| finding.position);
    findings
}

fn finding(severity: Severity, position: usize, message: impl Into<String>, hint: &str) -> Finding {
    Finding { severity, position, message: message.into(), hint: hint.to_owned() }
}

fn length(rule: &str, access: Option<AccessLevel>, findings: &mut Vec<Finding>) {
    let count = rule.chars().count();
    let most = access.unwrap_or(AccessLevel::Enterprise).characters();
    let less = AccessLevel::PayPerUse.characters();
    let split = "split it into several rules; the same tag keeps them together";
    if count > most {
        let message = format!("the rule has {count} characters, X allows {most}");
        findings.push(finding(Severity::Error, most + 1, message, split));
    } else if access.is_none() && count > less {
        let message = format!("the rule has {count} characters, pay-per-use access allows {less}");
        findings.push(finding(Severity::Warning, less + 1, message, split));
    }
}

/// Terms joined by AND.
#[derive(Debug, Clone, Copy, Default)]
struct Branch {
    /// Where it begins; 0 while it is empty.
    at: usize,
    terms: usize,
    /// A term is not negated.
    positive: bool,
    /// A term that is not negated is standalone.
    standalone: bool,
    /// The group that prevents it from being positive or standalone.
    culprit: usize,
}

/// The inside of parentheses, or the whole rule.
#[derive(Debug, Default)]
struct Scope {
    at: usize,
    negated: bool,
    closed: Vec<Branch>,
    open: Branch,
}

impl Scope {
    fn new(at: usize, negated: bool) -> Self {
        Self { at, negated, ..Self::default() }
    }

    /// The group as a term of the level around it.
    fn close(mut self) -> (Branch, Self) {
        self.closed.push(self.open);
        let negative = self.closed.iter().find(|branch| !branch.positive);
        let dependent = self.closed.iter().find(|branch| !branch.standalone);
        let culprit = negative.or(dependent).map_or(self.at, |branch| branch.culprit);
        // X may read a negated group of negations as a positive term.
        let positive = negative.is_none() != self.negated;
        (Branch { at: self.at, terms: 1, positive, standalone: positive && dependent.is_none(), culprit }, self)
    }
}

/// The structure of the terms.
#[derive(Debug, Default)]
struct Structure {
    levels: Vec<Scope>,
    found: Vec<Finding>,
    /// Doubts that an error about the whole rule would only repeat.
    doubts: Vec<Finding>,
    broken: bool,
    /// The most that any term may do, and the first term.
    class: Option<Class>,
    first: usize,
    /// Where the last token is.
    last: usize,
    /// Every term so far that is not negated is a stop word.
    words: usize,
    stops: usize,
    sample: Option<usize>,
}

impl Structure {
    fn level(&mut self) -> &mut Scope {
        // The rule itself is never closed, so there always is one.
        if self.levels.is_empty() {
            self.levels.push(Scope::new(1, false));
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn add(&mut self, token: &RuleToken) {
        self.last = token.at;
        match token.kind {
            TokenKind::Open => {
                if token.negated {
                    self.found.push(finding(
                        Severity::Warning,
                        token.at,
                        "a negated group",
                        "negate each term instead: X advises against negated groups",
                    ));
                }
                self.levels.push(Scope::new(token.at, token.negated));
            }
            TokenKind::Close if self.levels.len() < 2 => {
                self.broken = true;
                let hint = "remove it, or write the `(` before it";
                self.found.push(finding(Severity::Error, token.at, "a `)` without its `(`", hint));
            }
            TokenKind::Close => {
                self.end_branch(token.at);
                if let Some(level) = self.levels.pop() {
                    let (branch, level) = level.close();
                    self.look_at(&level, false);
                    if level.negated && level.closed.iter().all(|branch| branch.terms > 0 && !branch.positive) {
                        self.doubly_negated(level.at);
                    }
                    self.join(branch);
                }
            }
            TokenKind::Or => {
                self.end_branch(token.at);
                let level = self.level();
                let branch = std::mem::take(&mut level.open);
                level.closed.push(branch);
            }
            TokenKind::Term { class, stop, sample } => {
                if sample && self.levels.len() == 1 {
                    self.sample = Some(token.at);
                }
                if self.class.is_none() {
                    self.first = token.at;
                }
                self.class = self.class.max(Some(class));
                let positive = !token.negated;
                if positive && class != Class::Joined {
                    self.words += 1;
                    self.stops += usize::from(stop);
                }
                let standalone = positive && class != Class::Joined;
                self.join(Branch { at: token.at, terms: 1, positive, standalone, culprit: token.at });
            }
        }
    }

    /// The advice for a negated group, to negate each term, would negate these a second time.
    fn doubly_negated(&mut self, at: usize) {
        if let Some(found) = self.found.iter_mut().find(|found| found.position == at) {
            "a negated group of negated terms".clone_into(&mut found.message);
            "write the term without a `-`: two of them cancel each other".clone_into(&mut found.hint);
        }
    }

    /// Puts a term or a group into the branch that is being read.
    fn join(&mut self, term: Branch) {
        let branch = &mut self.level().open;
        if branch.terms == 0 {
            *branch = Branch { terms: 0, ..term };
        } else {
            branch.positive |= term.positive;
            branch.standalone |= term.standalone;
            branch.culprit = branch.at;
        }
        branch.terms += 1;
    }

    /// An OR or a `)` ends a branch: there must be something in it.
    fn end_branch(&mut self, at: usize) {
        let level = self.level();
        if level.open.terms > 0 {
            return;
        }
        let (what, hint) = if level.closed.is_empty() && self.levels.len() > 1 {
            ("no term after the `(`", "write terms between the parentheses, or remove them")
        } else {
            ("no term on one side of an OR", "write a term there, or remove the OR")
        };
        self.broken = true;
        self.found.push(finding(Severity::Warning, at, what, hint));
    }

    fn look_at(&mut self, level: &Scope, whole: bool) {
        let several = level.closed.len() > 1;
        if !whole && !level.negated {
            for branch in level.closed.iter().filter(|branch| branch.terms > 0 && !branch.positive) {
                let what = if several { "a side of an OR" } else { "a group" };
                let message = format!("{what} has only negated terms");
                let hint = "add a positive term, or move the negated ones out of the parentheses";
                self.doubts.push(finding(Severity::Warning, branch.at, message, hint));
            }
        }
        // `a OR b c` is read as `a OR (b c)`. With two terms on each side it was hardly meant otherwise.
        let lone = level.closed.iter().any(|branch| branch.terms == 1);
        let outer = [level.closed.first(), level.closed.last()];
        if let Some(branch) = outer.into_iter().flatten().find(|branch| several && lone && branch.terms > 1) {
            let message = "AND binds before OR: these terms count for this side only";
            let hint = "write parentheses around what belongs together, as (a OR b) c";
            self.found.push(finding(Severity::Warning, branch.at, message, hint));
        }
    }

    fn finish(mut self, findings: &mut Vec<Finding>) {
        while self.levels.len() > 1 {
            if let Some(level) = self.levels.pop() {
                self.broken = true;
                let hint = "write the matching `)`, or remove it";
                self.found.push(finding(Severity::Error, level.at, "a `(` that does not end", hint));
            }
        }
        if !self.level().closed.is_empty() {
            self.end_branch(self.last);
        }
        if let (false, Some(level)) = (self.broken, self.levels.pop()) {
            let (rule, level) = level.close();
            self.look_at(&level, true);
            self.judge(rule, &level);
        }
        findings.append(&mut self.found);
    }

    fn judge(&mut self, rule: Branch, level: &Scope) {
        let Some(class) = self.class else {
            return;
        };
        let several = level.closed.len() > 1;
        if !rule.positive {
            let anything = level.closed.iter().any(|branch| branch.positive);
            let (message, hint) = if anything {
                (
                    "this side of an OR has only negated terms",
                    "add a positive term: X does not deliver everything except something",
                )
            } else {
                ("the rule has only negated terms", "add a positive term")
            };
            self.found.push(finding(Severity::Error, rule.culprit, message, hint));
            return;
        }
        self.found.append(&mut self.doubts);
        let alone = "is:, has:, lang:, sample: and embedding_threshold: are not standalone";
        if class == Class::Joined {
            let hint = "add a term, a phrase, a hashtag, from: or another standalone operator";
            self.found.push(finding(Severity::Error, self.first, alone, hint));
        } else if !rule.standalone {
            let hint = "add a positive term or another standalone operator on each side of an OR";
            self.found.push(finding(Severity::Warning, rule.culprit, alone, hint));
        } else if class == Class::Unclear {
            let message = "X does not document this operator as standalone";
            let hint = "add a term, a phrase, a hashtag or from:, or let X check the rule";
            self.found.push(finding(Severity::Warning, self.first, message, hint));
        }
        if self.words > 0 && self.words == self.stops {
            let hint = "add a more specific term, or quote it together with others";
            self.found.push(finding(Severity::Warning, self.first, "the rule has only stop words", hint));
        }
        if let Some(at) = self.sample.filter(|_| several) {
            let hint = "write parentheses around all terms of the OR, as (a OR b) sample:10";
            self.found.push(finding(Severity::Warning, at, "sample: is for the whole rule", hint));
        }
    }
}

#[cfg(test)]
mod tests;
