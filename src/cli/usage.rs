//! Options of `usage`.

use std::path::PathBuf;

use clap::Args;

use super::{AccessArgs, OutputArgs};

/// Options of `usage`.
#[derive(Debug, Args)]
#[command(
    long_about = "Show what X counted as consumed per day, the cap, what is left of it and when it resets.\n\nWith --state, what \
                  `tail --state` metered is shown next to it. A table on a terminal; in a pipe an object for each day (date, x, \
                  metered, exact), then one with cap, used, left and turns. All days are UTC days, as X counts.",
    after_long_help = "Exit status: 0 done; 1 failed unexpectedly; 2 usage; 3 refused, the user must act; 4 X or the network may \
                       recover later.\n\n\
                       Example: xstream usage --days 30 --state ~/.xstream\n\
                       or:      xstream usage | jq -s '.[-1].left'"
)]
pub struct UsageArgs {
    /// How many days, today among them
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = days)]
    pub days: u8,

    /// File of `tail --state`, which holds what this machine metered
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// The token and the connection to X.
    #[command(flatten)]
    pub access: AccessArgs,

    /// How it is shown.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The number of days that X reports.
fn days(text: &str) -> Result<u8, String> {
    text.parse()
        .ok()
        .filter(|days| (1..=90).contains(days))
        .ok_or_else(|| "it must be a whole number from 1 to 90".to_owned())
}
