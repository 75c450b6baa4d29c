//! Options of `tail`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::value::{duration, size};
use super::{AccessArgs, ArchiveArgs, FilterArgs, RequestArgs};
use crate::pipeline::meter::Quota;
use crate::terminal::{Color, StatusMode};

/// Options of `tail`.
#[derive(Debug, Args)]
#[command(
    long_about = "Connect to a stream, follow it, print its messages.\n\nMessages go to stdout as NDJSON, one value per line, as the \
                  bytes X sent. Attempts, endings, waits and gaps are reported on stderr. A stream that ends is \
                  reconnected by X's documented rules.",
    after_long_help = "Exit status: 0 done; 1 failed unexpectedly; 2 usage; 3 refused, the user must act; 4 gave up after \
                       --max-retries; 5 the server ended it for good; 130 SIGINT; 143 SIGTERM.\n\n\
                       Example: xstream tail --bearer \"$TOKEN\" --only post --max 100 | jq -r .data.text"
)]
pub struct TailArgs {
    /// Stream: a name such as `filtered` or `sample`, X's endpoint name, a path or a URL on the base host
    #[arg(value_name = "STREAM", default_value = "filtered")]
    pub stream: String,

    /// The parameters of the request.
    #[command(flatten)]
    pub request: RequestArgs,

    /// The token and the connection to X.
    #[command(flatten)]
    pub access: AccessArgs,

    /// Tail STREAM of the embedded simulator: no token, no network
    ///
    /// Each stream carries what X sends on it, from one numbered feed: `tail likes-firehose --partition 1 --demo` prints
    /// likes.
    #[arg(
        long,
        conflicts_with_all = ["bearer", "bearer_file", "base_url", "cacert", "insecure_http", "proxy", "state"],
        help_heading = "Token"
    )]
    pub demo: bool,

    /// Silence after which a connection counts as dead [default: 30s, v1.1 streams 90s]
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Connection")]
    pub stall_timeout: Option<Duration>,

    /// Do not request compression
    #[arg(long, help_heading = "Connection")]
    pub no_gzip: bool,

    /// When X refuses for too many connections, end those that hold this stream's slot, once
    ///
    /// The client that reads that stream is disconnected. Without this, tail reports which one holds the slot and how to end it.
    #[arg(long, conflicts_with = "demo", help_heading = "Connection")]
    pub take_over: bool,

    /// Stop when the connection ends, with exit status 5
    #[arg(long, conflicts_with = "max_retries", help_heading = "Connection")]
    pub no_reconnect: bool,

    /// Retries allowed until a stream is established again; then exit status 4 [default: no limit]
    #[arg(long, value_name = "N", help_heading = "Connection")]
    pub max_retries: Option<u32>,

    /// File that shares the connection budget, the count of posts and the deletions between runs and processes of one app
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub state: Option<PathBuf>,

    /// What to print and how.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// Stop after this time, counted from the start
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, help_heading = "Output")]
    pub duration: Option<Duration>,

    /// Stop, with exit status 3, when this many posts were delivered in a UTC day or month: 5000/day, 2M/month
    ///
    /// X bills or caps what it delivers, printed or not; a post that arrives twice in a day counts once. With --state
    /// all runs and processes share the count: they reserve posts before they print them, so the sum never exceeds N. Without
    /// it the count begins at 0 with each run.
    #[arg(long, value_name = "N/PERIOD", value_parser = clap::value_parser!(Quota), help_heading = "Output")]
    pub quota: Option<Quota>,

    /// When the quota is spent, close the connection and resume when its period turns
    #[arg(long, requires = "quota", help_heading = "Output")]
    pub quota_wait: bool,

    /// Bytes that may wait for a slow reader; when full the stream is not read
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "64MiB", help_heading = "Slow reader")]
    pub buffer: usize,

    /// The files that messages also go to.
    #[command(flatten)]
    pub archive: ArchiveArgs,

    /// Append every event to this file, as NDJSON
    #[arg(long, value_name = "FILE", help_heading = "Diagnostics")]
    pub journal: Option<PathBuf>,

    /// End with a summary of five lines, even if stderr is not a terminal
    #[arg(long, help_heading = "Diagnostics")]
    pub summary: bool,

    /// Status
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto", help_heading = "Diagnostics")]
    pub status: StatusMode,

    /// Colours
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto", help_heading = "Diagnostics")]
    pub color: Color,

    /// Print nothing on stderr except the line that explains a failure
    #[arg(short, long, help_heading = "Diagnostics")]
    pub quiet: bool,

    /// Also report decisions, host names and addresses; -vv also HTTP heads (the token redacted) and TLS
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "quiet", help_heading = "Diagnostics")]
    pub verbose: u8,
}
