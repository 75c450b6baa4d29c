//! How results are printed: options of every verb that lists things.

use clap::Args;

use crate::terminal::Color;

/// How results are shown, for every verb that lists things.
#[derive(Debug, Args)]
#[command(next_help_heading = "Diagnostics")]
pub struct OutputArgs {
    /// Print NDJSON, also on a terminal
    #[arg(long, global = true)]
    pub json: bool,

    /// Colours
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value = "auto")]
    pub color: Color,

    /// Print nothing on stderr except the line that explains a failure
    #[arg(short, long, global = true)]
    pub quiet: bool,
}
