//! The verbs, one a file. Each turns its arguments into plain options and runs.

mod client_config;
mod connections;
mod doctor;
mod explain;
mod generate;
mod output;
mod replay;
mod rules;
mod simulate;
mod tail;
mod target;
mod usage;

use std::ffi::OsString;
use std::io::Write;

use crate::cli::{Verb, What};
use crate::net::api;
use crate::net::token::without_tokens;
use crate::pipeline;
use crate::pipeline::filter::{Choice, Filter};
use crate::pipeline::tag::Tag;
use crate::protocol::message::{Group, Kind};
use crate::session::outcome::{FAILED, GAVE_UP, REFUSED, USAGE};

/// Why a verb did not run to its end.
pub enum Error {
    /// The arguments do not fit together.
    Usage(String),
    /// Something failed.
    Failed(anyhow::Error),
    /// A call to X's API failed.
    Call(api::Error),
}

impl From<api::Error> for Error {
    fn from(error: api::Error) -> Error {
        Error::Call(error)
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Error {
        Error::Failed(error)
    }
}

fn usage<T>(text: impl Into<String>) -> Result<T, Error> {
    Err(Error::Usage(text.into()))
}

/// Runs a verb and returns the exit status.
#[must_use]
pub fn run(verb: Verb, arguments: &[OsString]) -> u8 {
    let result = match verb {
        Verb::Tail(tail) => tail::run(*tail, arguments),
        Verb::Replay(replay) => replay::run(&replay),
        Verb::Simulate(simulate) => simulate::run(simulate),
        Verb::Connections(connections) => connections::run(&connections, arguments),
        Verb::Rules(rules) => rules::run(&rules, arguments),
        Verb::Usage(given) => usage::run(&given, arguments),
        Verb::Doctor(given) => doctor::run(&given, arguments),
        Verb::Explain(explain) => explain::run(&explain),
        Verb::Generate(generate) => generate::run(&generate),
    };
    match result {
        Ok(status) => status,
        Err(Error::Usage(text)) => {
            print_error(&text);
            USAGE
        }
        Err(Error::Call(error)) => {
            print_error(&error.to_string());
            status_of(&error)
        }
        Err(Error::Failed(error)) => {
            // A reader of our help or listing that left has what it wanted.
            let pipe =
                error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe);
            if pipe {
                return 0;
            }
            print_error(&format!("{error:#}"));
            FAILED
        }
    }
}

/// The exit status of a call that failed.
fn status_of(error: &api::Error) -> u8 {
    match error.kind {
        _ if error.is_passing() => GAVE_UP,
        api::Kind::Unreadable(_) => FAILED,
        api::Kind::Refused(_) | api::Kind::Failed(_) => REFUSED,
    }
}

/// Tells one line on stderr before there is a terminal to own, or after.
fn print_error(text: &str) {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    print_page(&format!("xstream: {}\n", without_tokens(text, &arguments)), FAILED);
}

/// Prints text as it is: to stdout if all is well, else to stderr.
pub fn print_page(text: &str, status: u8) {
    // There is nobody left to tell if this fails.
    let _ = if status == 0 {
        std::io::stdout().lock().write_all(text.as_bytes())
    } else {
        std::io::stderr().lock().write_all(text.as_bytes())
    };
}

/// What to print and how, checked.
fn pipeline_options(what: &What) -> Result<pipeline::Options, Error> {
    let named = what.only.iter().chain(&what.skip).find_map(|choice| match choice {
        Choice::Kind(kind @ (Kind::Heartbeat | Kind::Malformed)) => Some(kind.name()),
        _ => None,
    });
    if let (Some(name), false) = (named, what.annotate) {
        return usage(format!("`{name}` is never printed as itself; add --annotate to print it inside an envelope"));
    }
    let filter = Filter::new(&what.only, &what.skip);
    let printable = |kind: &Kind| what.annotate || kind.group() != Group::Unprintable;
    if !Kind::ALL.iter().any(|kind| printable(kind) && filter.accepts(*kind)) {
        return usage("--only and --skip leave nothing to print");
    }
    let options = pipeline::Options {
        tag: what.tag.as_deref().map(Tag::from),
        annotate: what.annotate,
        max: what.max,
        line_cap: what.max_line,
        ..pipeline::Options::new(filter)
    };
    #[cfg(feature = "jq")]
    let options = pipeline::Options {
        condition: expression("--where", what.condition.as_deref())?,
        jq: expression("--jq", what.jq.as_deref())?,
        raw_output: what.raw_output,
        ..options
    };
    Ok(options)
}

#[cfg(feature = "jq")]
fn expression(option: &str, text: Option<&str>) -> Result<Option<pipeline::jq::Jq>, Error> {
    match text.map(pipeline::jq::Jq::compile).transpose() {
        Ok(jq) => Ok(jq),
        Err(why) => usage(format!("{option}: {why}")),
    }
}

/// The runtime that every verb with sockets runs on: one thread, one stream.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
