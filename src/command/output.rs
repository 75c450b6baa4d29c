//! Results of the verbs that list things: a table on a terminal, X's own objects in a pipe.

use std::io::{self, IsTerminal as _, Write as _};
use std::rc::Rc;

use anyhow::Context as _;
use serde_json::Value;

use super::print_error;
use crate::cli;
use crate::terminal::Color;
use crate::terminal::table::{self, Cell, Column};

/// Where results go, and in which form.
#[derive(Clone)]
pub struct Output {
    table: bool,
    json: bool,
    color: Color,
    quiet: bool,
    mask: Rc<dyn Fn(&str) -> String>,
}

/// The width of a terminal that does not tell its own.
const USUAL_WIDTH: usize = 80;

impl Output {
    /// `mask` takes the token out of what a server says.
    pub fn new(show: &cli::Show, mask: Rc<dyn Fn(&str) -> String>) -> Output {
        Output {
            table: !show.json && io::stdout().is_terminal(),
            json: show.json,
            color: show.color,
            quiet: show.quiet,
            mask,
        }
    }

    /// Whether results are a table for people, not objects for programs.
    pub fn is_table(&self) -> bool {
        self.table
    }

    /// Whether objects were asked for.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether people want to be told more than what explains a failure.
    pub fn is_heard(&self) -> bool {
        !self.quiet
    }

    /// Prints a table on stdout.
    pub fn table(&self, columns: &[Column], rows: &[Vec<Cell>]) -> anyhow::Result<()> {
        let color = self.color.is_used(io::stdout().is_terminal());
        let text = table::render(columns, rows, width(rustix::stdio::stdout()), color);
        write(&(self.mask)(&text))
    }

    /// Whether what goes to stdout is coloured.
    pub fn is_colored(&self) -> bool {
        self.color.is_used(io::stdout().is_terminal())
    }

    /// Prints objects on stdout, one a line.
    pub fn values<'a>(&self, values: impl IntoIterator<Item = &'a Value>) -> anyhow::Result<()> {
        write(&(self.mask)(&lines(values)))
    }

    /// Prints text on stdout.
    pub fn text(&self, text: &str) -> anyhow::Result<()> {
        write(&(self.mask)(text))
    }

    /// Tells what explains a failure, also to people who want nothing else.
    pub fn fail(&self, text: &str) {
        print_error(&(self.mask)(text));
    }

    /// Tells people a line, unless they want none.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            print_error(&(self.mask)(line));
        }
    }

    /// Shows a table to whoever is asked a question, on stderr, and puts it. Only a yes is one.
    pub fn ask(&self, columns: &[Column], rows: &[Vec<Cell>], question: &str) -> anyhow::Result<bool> {
        let color = self.color.is_used(io::stderr().is_terminal());
        let text = table::render(columns, rows, width(rustix::stdio::stderr()), color);
        let mut err = io::stderr().lock();
        write!(err, "{}{question} [y/N] ", (self.mask)(&text))
            .and_then(|()| err.flush())
            .context("asking on stderr")?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).context("reading the answer")?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }
}

fn lines<'a>(values: impl IntoIterator<Item = &'a Value>) -> String {
    let mut text = String::new();
    for value in values {
        text.push_str(&value.to_string());
        text.push('\n');
    }
    text
}

/// Whether there is somebody to ask.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

pub fn width(terminal: rustix::fd::BorrowedFd<'_>) -> usize {
    let columns = rustix::termios::tcgetwinsize(terminal).map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { USUAL_WIDTH } else { columns }
}

/// Data must not fail unseen.
fn write(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing to stdout")
}
