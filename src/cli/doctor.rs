//! Options of `doctor`.

use std::path::PathBuf;

use clap::Args;

use super::AccessArgs;
use crate::terminal::Color;

/// Options of `doctor`.
#[derive(Debug, Args)]
#[command(
    long_about = "Check step by step what a stream needs, and name what is wrong.\n\nIn order: the token's shape, the proxy, DNS, \
                  TCP, TLS, this machine's clock, whether X accepts the token, the rate limit, rules, the usage cap, and who holds \
                  the app's connections. It sends two or three requests to X and opens no stream without --listen.\n\n\
                  Marks: ✓ no problem, ! needs attention, ✗ failed, - skipped. The advice for a problem follows an arrow.",
    after_long_help = "Exit status: 0 no problem; 1 nothing failed, but there are warnings; else that of the first failure: 1 \
                       X's answer is not the JSON it documents; 3 the user must act; 4 X or the network may recover \
                       later; and 2 usage.\n\n\
                       Example: xstream doctor\n\
                       or:      xstream doctor sample --listen --state ~/.xstream"
)]
pub struct DoctorArgs {
    /// Stream: a name such as `filtered` or `sample`, X's endpoint name, or its path
    #[arg(value_name = "STREAM", default_value = "filtered")]
    pub stream: String,

    /// Open the stream for five seconds, unless another connection to it is listed
    ///
    /// It counts as a connection request. What it delivers is not printed, but X counts it as consumed.
    #[arg(long, help_heading = "Listen")]
    pub listen: bool,

    /// Open no stream; this is the default, and overrides an earlier --listen
    #[arg(long, overrides_with = "listen", help_heading = "Listen")]
    pub no_listen: bool,

    /// Listen even if another connection is listed, or the list failed; X may end one of the two
    #[arg(long, requires = "listen", help_heading = "Listen")]
    pub force: bool,

    /// File of `tail --state`: shows how much of the connection budget is spent; --listen counts there
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub state: Option<PathBuf>,

    /// The token and the connection to X.
    #[command(flatten)]
    pub access: AccessArgs,

    /// Print each check as a JSON object (name, state, ms, text, cure), one per line
    #[arg(long, help_heading = "Diagnostics")]
    pub json: bool,

    /// Colours
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto", help_heading = "Diagnostics")]
    pub color: Color,

    /// Print only warnings and failures
    #[arg(short, long, help_heading = "Diagnostics")]
    pub quiet: bool,
}
