//! The verbs, one per file or folder. Each turns its arguments into plain options and runs.

mod client_config;
mod connections;
mod doctor;
mod explain;
mod generate;
mod replay;
mod rules;
mod scrub;
mod simulate;
mod tail;
mod target;
mod usage;

use std::ffi::OsString;

use crate::cli::{self, FilterArgs, OutputArgs, ParseError, Verb};
use crate::net::api::{ApiError, ApiErrorKind};
use crate::net::token::arguments::redactor;
use crate::pipeline::filter::{Choice, Filter};
#[cfg(feature = "jq")]
use crate::pipeline::jq::Jq;
use crate::pipeline::select::SelectOptions;
use crate::pipeline::tag::Tag;
use crate::protocol::message::{KindGroup, MessageKind};
use crate::session::outcome::{FAILED, GAVE_UP, REFUSED, USAGE};
use crate::terminal::console::{Console, ConsoleOptions, WriteError};

/// Why a verb failed.
pub enum CommandError {
    /// The arguments contradict each other.
    Usage(String),
    /// Something failed.
    Failed(anyhow::Error),
    /// A call to X's API failed.
    Call(ApiError),
    /// stdout accepts no more.
    Output(WriteError),
}

impl From<WriteError> for CommandError {
    fn from(error: WriteError) -> CommandError {
        CommandError::Output(error)
    }
}

impl From<ApiError> for CommandError {
    fn from(error: ApiError) -> CommandError {
        CommandError::Call(error)
    }
}

impl From<anyhow::Error> for CommandError {
    fn from(error: anyhow::Error) -> CommandError {
        CommandError::Failed(error)
    }
}

fn usage_error<T>(text: impl Into<String>) -> Result<T, CommandError> {
    Err(CommandError::Usage(text.into()))
}

/// Runs the verb that the arguments name and returns the exit status.
#[must_use]
pub fn run(arguments: &[OsString]) -> u8 {
    let mut console = Console::new(redactor(arguments));
    let result = match cli::parse(arguments) {
        Ok(cli) => run_verb(cli.verb, arguments, &mut console),
        Err(ParseError::Help(page)) => console.print(&page).map(|()| 0).map_err(CommandError::from),
        Err(ParseError::MissingVerb(page)) => {
            console.print_page(&page);
            Ok(USAGE)
        }
        Err(ParseError::Usage(text)) => usage_error(text),
    };
    match result {
        Ok(status) => status,
        Err(CommandError::Output(error)) if error.is_closed_pipe() => 0,
        Err(error) => {
            let (text, status) = match error {
                CommandError::Usage(text) => (text, USAGE),
                CommandError::Call(error) => (error.to_string(), status_of(&error)),
                CommandError::Output(error) => (error.to_string(), FAILED),
                CommandError::Failed(error) => (format!("{error:#}"), FAILED),
            };
            console.always(&text);
            status
        }
    }
}

fn run_verb(verb: Verb, arguments: &[OsString], console: &mut Console) -> Result<u8, CommandError> {
    match verb {
        Verb::Tail(tail) => tail::run(*tail, arguments, console),
        Verb::Replay(replay) => replay::run(&replay, console),
        Verb::Scrub(scrub) => scrub::run(&scrub, console),
        Verb::Simulate(simulate) => simulate::run(simulate, console),
        Verb::Connections(connections) => connections::run(&connections, arguments, console),
        Verb::Rules(rules) => rules::run(&rules, arguments, console),
        Verb::Usage(usage) => usage::run(&usage, arguments, console),
        Verb::Doctor(doctor) => doctor::run(&doctor, arguments, console),
        Verb::Explain(explain) => explain::run(&explain, console),
        Verb::Generate(generate) => generate::run(&generate),
    }
}

/// The exit status of a call that failed.
fn status_of(error: &ApiError) -> u8 {
    match error.kind {
        _ if error.is_temporary() => GAVE_UP,
        ApiErrorKind::Unreadable(_) => FAILED,
        ApiErrorKind::Refused(_) | ApiErrorKind::Failed(_) => REFUSED,
    }
}

impl From<&OutputArgs> for ConsoleOptions {
    fn from(args: &OutputArgs) -> ConsoleOptions {
        ConsoleOptions { json: args.json, color: args.color, quiet: args.quiet }
    }
}

/// Checks which messages to print, and how.
#[cfg_attr(not(feature = "jq"), expect(unused_variables, reason = "only expressions can quote a secret"))]
fn pipeline_options(args: &FilterArgs, console: &Console) -> Result<SelectOptions, CommandError> {
    let named = args.only.iter().chain(&args.skip).find_map(|choice| match choice {
        Choice::Kind(kind @ (MessageKind::Heartbeat | MessageKind::Malformed)) => Some(kind.name()),
        _ => None,
    });
    if let (Some(name), false) = (named, args.annotate) {
        return usage_error(format!(
            "`{name}` is never printed as itself; add --annotate to print it inside an envelope"
        ));
    }
    let filter = Filter::new(&args.only, &args.skip);
    let printable = |kind: &MessageKind| args.annotate || kind.group() != KindGroup::Unprintable;
    if !MessageKind::ALL.iter().any(|kind| printable(kind) && filter.accepts(*kind)) {
        return usage_error("--only and --skip leave nothing to print");
    }
    let options = SelectOptions {
        tag: args.tag.as_deref().map(Tag::from),
        annotate: args.annotate,
        max: args.max,
        keep_deleted: args.keep_deleted,
        line_cap: args.max_line,
        ..SelectOptions::new(filter)
    };
    #[cfg(feature = "jq")]
    let options = SelectOptions {
        condition: expression("--where", args.condition.as_deref(), console)?,
        jq: expression("--jq", args.jq.as_deref(), console)?,
        raw_output: args.raw_output,
        ..options
    };
    Ok(options)
}

#[cfg(feature = "jq")]
fn expression(option: &str, text: Option<&str>, console: &Console) -> Result<Option<Jq>, CommandError> {
    let Some(text) = text else { return Ok(None) };
    match Jq::compile(text) {
        Ok(jq) => Ok(Some(jq)),
        // The reason quotes pieces of the expression, too short to be recognised as those of a secret.
        Err(_) if console.redactor().is_suspect(text) => {
            usage_error(format!("{option}: this is a token, not an expression"))
        }
        Err(why) => usage_error(format!("{option}: {why}")),
    }
}

/// Runs a verb on one thread. What still runs after its end, such as a name lookup or the open of a FIFO without a
/// writer, does not delay the exit.
fn block_on<T>(verb: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?;
    let result = runtime.block_on(verb);
    runtime.shutdown_background();
    result
}
