//! The owner of stdout and stderr for every verb that only lists or reports; the verbs that stream use [`super::Terminal`].
//!
//! A listing or a report is written whole and at once, so these writes block and need no runtime. Data goes to stdout,
//! messages go to stderr, one per line. A progress bar on the same screen is hidden while a line is written.
//!
//! Its law: no text leaves without passing the [`Redactor`].

use std::io::{self, IsTerminal as _, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::fd::BorrowedFd;
use serde_json::Value;

use super::{Color, notice_line};
use crate::observe::table::{self, Cell, Column};
use crate::redact::Redactor;

/// The width of a terminal that does not report its own.
const DEFAULT_WIDTH: usize = 80;

/// How results and messages are shown.
#[derive(Debug, Clone, Copy)]
pub struct ConsoleOptions {
    /// Print objects, also on a terminal.
    pub json: bool,
    /// Colours.
    pub color: Color,
    /// Only the messages that explain a failure.
    pub quiet: bool,
}

/// Why stdout did not accept data.
#[derive(Debug)]
pub struct WriteError(io::Error);

impl WriteError {
    /// Whether the reader closed the pipe, which is not a failure.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

impl std::fmt::Display for WriteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "writing to stdout: {}", self.0)
    }
}

impl std::error::Error for WriteError {}

/// Ignores a closed pipe, so that a verb can finish a change whose results have no reader.
///
/// # Errors
/// stdout failed otherwise.
pub fn unless_closed(written: Result<(), WriteError>) -> Result<(), WriteError> {
    written.or_else(|error| if error.is_closed_pipe() { Ok(()) } else { Err(error) })
}

/// The owner of stdout and stderr. A clone writes to the same screen with the secrets known when it was made.
#[derive(Debug, Clone)]
pub struct Console {
    redactor: Redactor,
    options: ConsoleOptions,
    /// Hidden while no work is counted.
    bar: ProgressBar,
}

impl Console {
    /// Takes over stdout and stderr.
    #[must_use]
    pub fn new(redactor: Redactor) -> Console {
        let options = ConsoleOptions { json: false, color: Color::Auto, quiet: false };
        Console { redactor, options, bar: ProgressBar::hidden() }
    }

    /// Applies what the user chose.
    pub fn set_options(&mut self, options: ConsoleOptions) {
        self.options = options;
    }

    /// The secrets, for another writer such as the journal.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// The secrets, to add those that become known.
    pub fn redactor_mut(&mut self) -> &mut Redactor {
        &mut self.redactor
    }

    /// Whether results are printed as a table, not as objects.
    #[must_use]
    pub fn is_table(&self) -> bool {
        !self.options.json && io::stdout().is_terminal()
    }

    /// Whether the user passed `--json`.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.options.json
    }

    /// Whether the user passed `--quiet`: only the message that explains a failure is printed.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.options.quiet
    }

    /// Whether data on stdout is coloured.
    #[must_use]
    pub fn is_colored(&self) -> bool {
        self.options.color.is_used(io::stdout().is_terminal())
    }

    /// The width of the terminal that stdout is, if it is one.
    #[must_use]
    pub fn width() -> Option<usize> {
        io::stdout().is_terminal().then(|| width_of(rustix::stdio::stdout()))
    }

    /// Prints a table on stdout.
    ///
    /// # Errors
    /// stdout accepts no more.
    pub fn table(&self, columns: &[Column], rows: &[Vec<Cell>]) -> Result<(), WriteError> {
        let width = width_of(rustix::stdio::stdout());
        self.print(&table::render(columns, rows, width, self.is_colored()))
    }

    /// Prints objects on stdout, one per line.
    ///
    /// # Errors
    /// stdout accepts no more.
    pub fn values<'a>(&self, values: impl IntoIterator<Item = &'a Value>) -> Result<(), WriteError> {
        let mut text = String::new();
        for value in values {
            text.push_str(&self.redactor.redact_value(value).to_string());
            text.push('\n');
        }
        self.write(&mut io::stdout().lock(), &text).map_err(WriteError)
    }

    /// Prints text on stdout as it is.
    ///
    /// # Errors
    /// stdout accepts no more.
    pub fn print(&self, text: &str) -> Result<(), WriteError> {
        let text = self.redactor.redact(text);
        self.write(&mut io::stdout().lock(), &text).map_err(WriteError)
    }

    /// Reports a line on stderr, unless the user passed `--quiet`.
    pub fn info(&self, line: &str) {
        if !self.options.quiet {
            self.always(line);
        }
    }

    /// Reports a line on stderr, also under `--quiet`.
    pub fn always(&self, line: &str) {
        self.print_page(&notice_line(line));
    }

    /// Prints a page on stderr as it is, such as the help for a missing verb.
    pub fn print_page(&self, text: &str) {
        // A message can repeat an argument, and an argument can be a token that is not known as one.
        let text = self.redactor.redact_suspects(text);
        // There is no other place to report that stderr failed.
        let _ = self.write(&mut io::stderr().lock(), &text);
    }

    /// Whether a user can confirm: stdin and stderr are terminals.
    #[must_use]
    pub fn can_confirm() -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Shows a table on stderr and a question about it. Only `y` and `yes` confirm.
    ///
    /// # Errors
    /// The question cannot be written, or the answer cannot be read.
    pub fn confirm(&self, columns: &[Column], rows: &[Vec<Cell>], question: &str) -> io::Result<bool> {
        let color = self.options.color.is_used(io::stderr().is_terminal());
        let text = table::render(columns, rows, width_of(rustix::stdio::stderr()), color);
        let text = self.redactor.redact(&format!("{text}{question} [y/N] "));
        self.write(&mut io::stderr().lock(), &text)?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Starts to count `length` steps of work; with `is_shown` as a bar, if stderr is a terminal. `template` is that of
    /// indicatif.
    pub fn start_progress(&self, length: u64, template: &str, is_shown: bool) {
        self.bar.set_length(length);
        self.bar.set_position(0);
        if is_shown && !self.options.quiet {
            let style = ProgressStyle::with_template(template);
            self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            // It draws on a terminal only.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.tick();
        }
    }

    /// Shows that `done` steps are over.
    pub fn set_progress(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Removes the bar.
    pub fn end_progress(&self) {
        self.bar.finish_and_clear();
    }

    fn write(&self, stream: &mut dyn Write, text: &str) -> io::Result<()> {
        self.bar.suspend(|| stream.write_all(text.as_bytes()).and_then(|()| stream.flush()))
    }
}

fn width_of(terminal: BorrowedFd<'_>) -> usize {
    let columns = rustix::termios::tcgetwinsize(terminal).map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { DEFAULT_WIDTH } else { columns }
}
