//! One check and how it is shown: lines on a terminal, an object for programs. Pure.

use std::time::Duration;

use serde_json::{Value, json};

use crate::observe::table::{Style, painted};
use crate::text::{plural, sanitize, wrap};
use crate::time::as_millis;

/// Longest text of a check, in characters. X's longest sentence has about 210.
const LONGEST: usize = 600;

/// The column of the sentences: after the mark, the name and the time.
const MARGIN: usize = 24;

/// On a screen that leaves less than this beside the margin, lines are not wrapped here.
const NARROWEST: usize = 30;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// No problem.
    Ok,
    /// It works, but needs attention.
    Warn,
    /// A failure.
    Fail,
    /// Not done: it does not apply, or a check before it failed.
    Skipped,
}

impl CheckState {
    /// Its name in objects.
    pub fn name(self) -> &'static str {
        match self {
            CheckState::Ok => "ok",
            CheckState::Warn => "warn",
            CheckState::Fail => "fail",
            CheckState::Skipped => "skipped",
        }
    }

    fn mark(self) -> (&'static str, Style) {
        match self {
            CheckState::Ok => ("✓", Style::Good),
            CheckState::Warn => ("!", Style::Warn),
            CheckState::Fail => ("✗", Style::Bad),
            CheckState::Skipped => ("-", Style::Faint),
        }
    }
}

/// A finished check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name in objects.
    pub name: &'static str,
    /// The result.
    pub state: CheckState,
    /// Its duration; zero if it reads a response that another check waited for.
    pub took: Duration,
    /// The finding, in a sentence.
    pub text: String,
    /// The advice.
    pub advice: Option<String>,
    /// The exit status of a failure.
    pub exit: u8,
}

impl Check {
    fn new(name: &'static str, state: CheckState, text: &str) -> Check {
        Check { name, state, took: Duration::ZERO, text: sanitize(text, LONGEST), advice: None, exit: 0 }
    }

    /// A check without a problem.
    pub fn ok(name: &'static str, text: &str) -> Check {
        Check::new(name, CheckState::Ok, text)
    }

    /// A check that needs attention.
    pub fn warn(name: &'static str, text: &str, advice: &str) -> Check {
        Check::new(name, CheckState::Warn, text).with_advice(advice)
    }

    /// A failure, after which the program ends with `exit`.
    pub fn fail(name: &'static str, exit: u8, text: &str, advice: &str) -> Check {
        Check { exit, ..Check::new(name, CheckState::Fail, text) }.with_advice(advice)
    }

    /// A check that was not done, and why.
    pub fn skipped(name: &'static str, why: &str) -> Check {
        Check::new(name, CheckState::Skipped, why)
    }

    fn with_advice(self, advice: &str) -> Check {
        Check { advice: Some(sanitize(advice, LONGEST)).filter(|advice| !advice.is_empty()), ..self }
    }

    /// Adds the duration.
    pub fn took(self, took: Duration) -> Check {
        Check { took, ..self }
    }

    /// The object for programs.
    pub fn value(&self) -> Value {
        json!({
            "name": self.name,
            "state": self.state.name(),
            "ms": as_millis(self.took),
            "text": self.text,
            "cure": self.advice,
        })
    }

    /// The lines for a terminal; wrapped where the width is known.
    pub fn render(&self, width: Option<usize>, color: bool) -> String {
        let (mark, style) = self.state.mark();
        let mark = painted(mark, style, color);
        let took = match self.took.as_millis() {
            0 => String::new(),
            millis @ 1..10_000 => format!("{millis} ms"),
            _ => format!("{:.0} s", self.took.as_secs_f64()),
        };
        let head = format!("{mark} {:<12}{took:>7}   ", label(self.name));
        let room = width.map(|width| width.saturating_sub(MARGIN)).filter(|room| *room >= NARROWEST);
        let text_style = if self.state == CheckState::Skipped { Style::Faint } else { Style::Plain };
        let mut text = String::new();
        for (at, line) in wrap(&self.text, room.unwrap_or(usize::MAX)).iter().enumerate() {
            text.push_str(&if at == 0 { head.clone() } else { " ".repeat(MARGIN) });
            text.push_str(&painted(line, text_style, color));
            text.push('\n');
        }
        let room = room.map(|room| room - 2);
        for (at, line) in self.advice.iter().flat_map(|advice| wrap(advice, room.unwrap_or(usize::MAX))).enumerate() {
            let arrow = if at == 0 { painted("→", style, color) } else { " ".to_owned() };
            text.extend([" ".repeat(MARGIN).as_str(), &arrow, " ", &line, "\n"]);
        }
        text
    }
}

/// The name of a check in sentences.
pub fn label(name: &str) -> String {
    match name {
        "dns" | "tcp" | "tls" => name.to_ascii_uppercase(),
        "answer" => "X's answer".to_owned(),
        _ => name.replace('-', " "),
    }
}

/// The counts of all checks, in a line.
pub fn summary(failures: usize, warnings: usize) -> String {
    let plural = |count: usize, noun| plural(count as u64, noun);
    match (failures, warnings) {
        (0, 0) => "no problems".to_owned(),
        (0, warnings) => format!("nothing failed, {}", plural(warnings, "warning")),
        (failures, 0) => plural(failures, "failure"),
        (failures, warnings) => format!("{}, {}", plural(failures, "failure"), plural(warnings, "warning")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_a_line_and_its_advice_another() {
        let checks = [
            Check::ok("dns", "api.x.com is 192.0.2.1").took(Duration::from_millis(12)),
            Check::warn("clock", "this machine's clock is 12 s ahead of X's", "set it"),
            Check::fail("rate-limit", 4, "spent", "try again in 3m20s"),
            Check::skipped("rules", "only the filtered stream has rules").took(Duration::from_secs(12)),
        ];
        let shown: String = checks.iter().map(|check| check.render(None, false)).collect();
        insta::assert_snapshot!(shown, @r"
        ✓ DNS           12 ms   api.x.com is 192.0.2.1
        ! clock                 this machine's clock is 12 s ahead of X's
                                → set it
        ✗ rate limit            spent
                                → try again in 3m20s
        - rules          12 s   only the filtered stream has rules
        ");
        assert_eq!(
            checks[2].render(None, true).replace(' ', ""),
            "\u{1b}[31m✗\u{1b}[0mratelimitspent\n\u{1b}[31m→\u{1b}[0mtryagainin3m20s\n"
        );
        assert_eq!(
            checks[1].value(),
            json!({ "name": "clock", "state": "warn", "ms": 0,
                "text": "this machine's clock is 12 s ahead of X's", "cure": "set it" })
        );
    }

    #[test]
    fn long_sentences_are_wrapped_under_themselves() {
        let advice = "xstream connections kill 0b8a0a7e-3c0e-4a2f-9d5e-1f2a3b4c5d6e";
        let check = Check::warn("connections", "192.0.2.7 holds filtered since 1m00s; a second one is refused", advice);
        insta::assert_snapshot!(check.render(Some(60), false), @r"
        ! connections           192.0.2.7 holds filtered since
                                1m00s; a second one is refused
                                → xstream connections kill
                                  0b8a0a7e-3c0e-4a2f-9d5e-1f2a3b4c5d6e
        ");
    }

    #[test]
    fn the_last_line_counts_warnings_and_failures() {
        let shown = [(0, 0), (0, 1), (1, 0), (2, 3)].map(|(failures, warnings)| summary(failures, warnings));
        assert_eq!(shown, ["no problems", "nothing failed, 1 warning", "1 failure", "2 failures, 3 warnings"]);
    }
}
