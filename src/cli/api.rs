//! Options of the verbs that ask X's API: `connections`, `usage` and `doctor`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::Access;
use crate::net::api::Status;
use crate::protocol::api_types::is_connection_id;
use crate::protocol::endpoint;
use crate::terminal::Color;

/// How results are shown, for every verb that lists things.
#[derive(Debug, Args)]
#[command(next_help_heading = "People")]
pub struct OutputArgs {
    /// Print NDJSON, also on a terminal
    #[arg(long, global = true)]
    pub json: bool,

    /// Colours
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value = "auto")]
    pub color: Color,

    /// Tell nothing on stderr but the line that explains a failure
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// Options of `connections`.
#[derive(Debug, Args)]
#[command(
    long_about = "List or end the app's connections, as X sees them.\n\nWhen `tail` is refused with TooManyConnections, this \
                  shows who holds the slot, and frees it. A table on a terminal; in a pipe X's own objects, one a line.",
    after_long_help = "Example: xstream connections\n\
                       or:      xstream connections kill --endpoint filtered"
)]
pub struct Connections {
    /// List or kill.
    #[command(subcommand)]
    pub verb: Option<ConnectionVerb>,

    /// What to list.
    #[command(flatten)]
    pub list: ConnectionList,

    /// Who we are, and the way to X.
    #[command(flatten)]
    pub access: Access,

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
    pub status: Option<Status>,

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
                  end and asks. Elsewhere it wants --yes. Exit status 1 if one of them could not be ended.",
    after_long_help = "Example: xstream connections kill --endpoint filtered --yes"
)]
pub struct ConnectionKill {
    /// Ids, as `connections list` shows them
    #[arg(value_name = "ID", value_parser = connection_id)]
    pub ids: Vec<String>,

    /// All of a stream, by our name or X's; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub endpoint: Vec<String>,

    /// All of the app, whoever opened them
    #[arg(long)]
    pub all: bool,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// An id of a connection, to be ended.
fn connection_id(text: &str) -> Result<String, String> {
    if is_connection_id(text) {
        return Ok(text.to_owned());
    }
    Err(match text {
        "all" => "that is no id; for all connections give --all".to_owned(),
        name if endpoint::find(name).is_some() => {
            format!("that is a stream; for all its connections give --endpoint {name}")
        }
        _ => "an id is a whole UUID or a number, as `xstream connections` shows it".to_owned(),
    })
}

/// A number of things to print.
fn at_least_one(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "it wants a whole number from 1 on".to_owned())
}

/// Days that X tells of.
fn days(text: &str) -> Result<u8, String> {
    text.parse()
        .ok()
        .filter(|days| (1..=90).contains(days))
        .ok_or_else(|| "it wants a whole number from 1 to 90".to_owned())
}

/// Options of `usage`.
#[derive(Debug, Args)]
#[command(
    long_about = "Tell what X says was consumed, day by day, the cap, what is left of it and when it turns.\n\nWith --state, what \
                  `tail --state` metered stands beside it. A table on a terminal; in a pipe an object for each day (date, x, \
                  metered, exact), then one with cap, used, left and turns. All days are UTC days, as X counts.",
    after_long_help = "Exit status: 0 done; 1 failed unexpectedly; 2 usage; 3 refused, a person must act; 4 X or the way to it \
                       may be well again later.\n\n\
                       Example: xstream usage --days 30 --state ~/.xstream\n\
                       or:      xstream usage | jq -s '.[-1].left'"
)]
pub struct Usage {
    /// How many days, today among them
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = days)]
    pub days: u8,

    /// File of `tail --state`, which holds what this machine metered
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// Who we are, and the way to X.
    #[command(flatten)]
    pub access: Access,

    /// How it is shown.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Options of `doctor`.
#[derive(Debug, Args)]
#[command(
    long_about = "Check step by step what a stream needs, and name what is wrong.\n\nIn order: the token's shape, the proxy, DNS, \
                  TCP, TLS, this machine's clock, whether X takes the token, the rate limit, rules, the usage cap, and who holds \
                  the app's connections. It asks X two or three times and opens no stream without --listen.\n\n\
                  Marks: ✓ well, ! worth a look, ✗ failed, - skipped. What is wrong comes with its cure behind an arrow.",
    after_long_help = "Exit status: 0 all is well; 1 nothing failed, but there are warnings; else that of the first failure: 1 \
                       X's answer is not the JSON it documents; 3 a person must act; 4 X or the way to it may be well again \
                       later; and 2 usage.\n\n\
                       Example: xstream doctor\n\
                       or:      xstream doctor sample --listen --state ~/.xstream"
)]
pub struct Doctor {
    /// Stream: a name such as `filtered` or `sample`, X's endpoint name, or its path
    #[arg(value_name = "STREAM", default_value = "filtered")]
    pub stream: String,

    /// Open the stream for five seconds, unless another connection to it is listed
    ///
    /// It counts as a connection request. What it delivers is not printed, but X counts it as consumed.
    #[arg(long, help_heading = "Listen")]
    pub listen: bool,

    /// Open no stream; this is the default, and takes back an earlier --listen
    #[arg(long, overrides_with = "listen", help_heading = "Listen")]
    pub no_listen: bool,

    /// Listen even if another connection is listed, or none can be; X may end one of the two
    #[arg(long, requires = "listen", help_heading = "Listen")]
    pub force: bool,

    /// File of `tail --state`: tells how much of the connection budget is spent; --listen counts there
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub state: Option<PathBuf>,

    /// Who we are, and the way to X.
    #[command(flatten)]
    pub access: Access,

    /// Print each check as a JSON object (name, state, ms, text, cure), one a line
    #[arg(long, help_heading = "People")]
    pub json: bool,

    /// Colours
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto", help_heading = "People")]
    pub color: Color,

    /// Print only what is not well
    #[arg(short, long, help_heading = "People")]
    pub quiet: bool,
}
