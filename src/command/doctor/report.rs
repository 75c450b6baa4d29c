//! The report as it grows: each check is printed when it is over, and the first failure decides the exit status.

use super::check::{Check, CheckState, summary};
use super::evaluate::CONNECTIONS;
use crate::command::CommandError;
use crate::session::outcome::FAILED;
use crate::terminal::console::Console;

/// Prints checks as they end, and counts them.
pub struct CheckReport<'a> {
    /// Prints the checks and reports other messages.
    pub console: &'a Console,
    /// The name of the first check that failed.
    pub failed: Option<&'static str>,
    exit: u8,
    /// How many failed.
    pub failures: usize,
    warnings: usize,
    /// Whether another connection holds the stream.
    pub held: bool,
}

impl<'a> CheckReport<'a> {
    /// An empty report.
    pub fn new(console: &'a Console) -> CheckReport<'a> {
        CheckReport { console, failed: None, exit: 0, failures: 0, warnings: 0, held: false }
    }

    /// Prints a check at once: the next may take a while.
    pub fn add(&mut self, check: &Check) -> Result<(), CommandError> {
        match check.state {
            CheckState::Fail => {
                if self.failed.is_none() {
                    (self.failed, self.exit) = (Some(check.name), check.exit);
                }
                self.failures += 1;
            }
            CheckState::Warn => {
                self.held |= check.name == CONNECTIONS;
                self.warnings += 1;
            }
            CheckState::Ok | CheckState::Skipped => {}
        }
        if self.console.is_json() {
            self.console.values([&check.value()])?;
        } else if !self.console.is_quiet() || matches!(check.state, CheckState::Warn | CheckState::Fail) {
            self.console.print(&check.render(Console::width(), self.console.is_colored()))?;
        }
        Ok(())
    }

    /// Skips checks that need one that failed.
    pub fn skip(&mut self, names: &[&'static str], needed: &str) -> Result<(), CommandError> {
        for name in names {
            self.add(&Check::skipped(name, &format!("not tried, because {needed} failed")))?;
        }
        Ok(())
    }

    /// The exit status: that of the first failure; 1 if there are warnings alone.
    pub fn exit(&self) -> u8 {
        if self.failures == 0 && self.warnings > 0 { FAILED } else { self.exit }
    }

    /// Prints the counts.
    pub fn end(&self) -> Result<(), CommandError> {
        if !self.console.is_json() && !self.console.is_quiet() {
            self.console.print(&format!("\n{}\n", summary(self.failures, self.warnings)))?;
        }
        Ok(())
    }
}
