//! Options of `connections`.

use clap::builder::PossibleValue;
use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::{AccessArgs, OutputArgs};
use crate::net::api::ConnectionStatus;
use crate::protocol::api_types::is_connection_id;
use crate::protocol::endpoint;

/// Options of `connections`.
#[derive(Debug, Args)]
#[command(
    long_about = "List or end the app's connections, as X sees them.\n\nWhen `tail` is refused with TooManyConnections, this \
                  shows who holds the slot, and frees it. A table on a terminal; in a pipe X's own objects, one per line.",
    after_long_help = "Example: xstream connections\n\
                       or:      xstream connections kill --endpoint filtered"
)]
pub struct ConnectionsArgs {
    /// List or kill.
    #[command(subcommand)]
    pub verb: Option<ConnectionVerb>,

    /// What to list.
    #[command(flatten)]
    pub list: ConnectionList,

    /// The token and the connection to X.
    #[command(flatten)]
    pub access: AccessArgs,

    /// How it is shown.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What to do with connections.
#[derive(Debug, Subcommand)]
pub enum ConnectionVerb {
    /// List connections: the open ones, then the last ten that ended
    List(ConnectionList),
    /// End connections: those with these ids, those of a stream, or all
    Kill(ConnectionKill),
}

/// Options of `connections list`.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub struct ConnectionList {
    /// Which connections [default: the active ones, then the last ten inactive]
    #[arg(long, value_name = "STATUS", value_enum)]
    pub status: Option<ConnectionStatus>,

    /// Only those of a stream, by our name or X's; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub endpoint: Vec<String>,

    /// Print at most this many
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max: Option<u64>,

    /// Only those opened since: 2h (ago), 2026-11-22T10:00Z
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
}

/// Options of `connections kill`.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("which").required(true).multiple(false).args(["ids", "endpoint", "all"]),
    long_about = "End connections: those with these ids, those of a stream, or all.\n\nOn a terminal it shows what it will \
                  end and requires a confirmation. Elsewhere it needs --yes. Exit status 1 if one of them could not be ended.",
    after_long_help = "Example: xstream connections kill --endpoint filtered --yes"
)]
pub struct ConnectionKill {
    /// Ids, as `connections list` shows them
    #[arg(value_name = "ID", value_parser = connection_id)]
    pub ids: Vec<String>,

    /// All of a stream, by our name or X's; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub endpoint: Vec<String>,

    /// All of the app, whichever client opened them
    #[arg(long)]
    pub all: bool,

    /// Do not ask for confirmation
    #[arg(short, long)]
    pub yes: bool,
}

/// An id of a connection, to be ended.
fn connection_id(text: &str) -> Result<String, String> {
    if is_connection_id(text) {
        return Ok(text.to_owned());
    }
    Err(match text {
        "all" => "that is not an id; for all connections pass --all".to_owned(),
        name if endpoint::find(name).is_some() => {
            format!("that is a stream; for all its connections pass --endpoint {name}")
        }
        _ => "an id is a whole UUID or a number, as `xstream connections` shows it".to_owned(),
    })
}

/// A number of things to print.
fn at_least_one(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "it must be a whole number, at least 1".to_owned())
}

impl ValueEnum for ConnectionStatus {
    fn value_variants<'a>() -> &'a [ConnectionStatus] {
        &[ConnectionStatus::Active, ConnectionStatus::Inactive, ConnectionStatus::All]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            ConnectionStatus::Active => ("active", "Open"),
            ConnectionStatus::Inactive => ("inactive", "Ended"),
            ConnectionStatus::All => ("all", "Both"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}
