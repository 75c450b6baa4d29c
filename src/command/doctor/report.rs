//! The report as it grows: each check is shown when it is over, and the first failure decides the exit status.

use std::io::{self, IsTerminal as _};
use std::rc::Rc;

use super::check::{Check, State, summary};
use super::judge::CONNECTIONS;
use crate::cli::{self, Doctor};
use crate::command::Error;
use crate::command::output::{self, Output};
use crate::session::outcome::FAILED;

/// Where the checks go as they come in.
pub struct Report {
    /// Tells people what is no check.
    pub output: Output,
    json: bool,
    quiet: bool,
    width: Option<usize>,
    /// The name of the first that failed.
    pub failed: Option<&'static str>,
    exit: u8,
    /// How many failed.
    pub failures: usize,
    warnings: usize,
    /// Whether somebody holds the stream.
    pub held: bool,
}

impl Report {
    /// `mask` takes the token out of what a server says.
    pub fn new(given: &Doctor, mask: Rc<dyn Fn(&str) -> String>) -> Report {
        let show = cli::Show { json: given.json, color: given.color, quiet: given.quiet };
        let width = io::stdout().is_terminal().then(|| output::width(rustix::stdio::stdout()));
        Report {
            output: Output::new(&show, mask),
            json: given.json,
            quiet: given.quiet,
            width,
            failed: None,
            exit: 0,
            failures: 0,
            warnings: 0,
            held: false,
        }
    }

    /// Shows a check at once: the next may take a while.
    pub fn add(&mut self, check: &Check) -> Result<(), Error> {
        match check.state {
            State::Fail => {
                if self.failed.is_none() {
                    (self.failed, self.exit) = (Some(check.name), check.exit);
                }
                self.failures += 1;
            }
            State::Warn => {
                self.held |= check.name == CONNECTIONS;
                self.warnings += 1;
            }
            State::Ok | State::Skipped => {}
        }
        if self.json {
            self.output.text(&format!("{}\n", check.value()))?;
        } else if !self.quiet || matches!(check.state, State::Warn | State::Fail) {
            self.output.text(&check.render(self.width, self.output.is_colored()))?;
        }
        Ok(())
    }

    /// Skips checks that need what failed.
    pub fn skip(&mut self, names: &[&'static str], needed: &str) -> Result<(), Error> {
        for name in names {
            self.add(&Check::skipped(name, &format!("not tried, because {needed} failed")))?;
        }
        Ok(())
    }

    /// The exit status: that of the first failure. Warnings alone are no failure, but not all is well either.
    pub fn exit(&self) -> u8 {
        if self.failures == 0 && self.warnings > 0 { FAILED } else { self.exit }
    }

    /// Says what all of it came to.
    pub fn end(&self) -> Result<(), Error> {
        if !self.json && !self.quiet {
            self.output.text(&format!("\n{}\n", summary(self.failures, self.warnings)))?;
        }
        Ok(())
    }
}
