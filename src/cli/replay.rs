//! Options of `replay`.

use std::path::PathBuf;

use clap::Args;

use super::FilterArgs;

/// Options of `replay`.
#[derive(Debug, Args)]
#[command(
    long_about = "Classify, filter and print captured streams, plain or gzip, exactly as `tail` would have.",
    after_long_help = "Example: xstream replay --annotate --only all capture.ndjson.gz | jq -r .kind | sort | uniq -c"
)]
pub struct ReplayArgs {
    /// Captures, `-` for stdin
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// What to print and how.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// Print nothing on stderr except the line that explains a failure
    #[arg(short, long)]
    pub quiet: bool,
}
