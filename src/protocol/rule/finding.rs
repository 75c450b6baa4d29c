//! A possible mistake in a rule, as the lint and the tokenizer find it. Pure.

use std::fmt;

/// How certain it is that X refuses the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// X may accept it, perhaps not as intended.
    Warning,
    /// X refuses it.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A possible mistake in a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How certain it is.
    pub severity: Severity,
    /// Its character, counted from 1.
    pub position: usize,
    /// What is wrong, as a fragment.
    pub message: String,
    /// What to do, as a fragment.
    pub hint: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at character {}: {}; {}", self.severity, self.position, self.message, self.hint)
    }
}
