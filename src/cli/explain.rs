//! Options of `explain`.

use std::path::PathBuf;

use clap::Args;

/// Options of `explain`.
#[derive(Debug, Args)]
#[command(
    long_about = "Explain a code that ends or refuses a stream.\n\nFor each code: what it means, whose side it is, what \
                  `tail` does, what you can do, and the document that says so. Without a code all are listed. With --journal: what \
                  happened in a run, from the file it wrote, the most likely cause, and what to try next.",
    after_long_help = "Example: xstream explain 429 TooManyConnections stall\n\
                       or:      xstream explain --journal run.ndjson"
)]
pub struct ExplainArgs {
    /// Codes as `tail` shows them, such as `12`, `stall`, `429`, `5xx`; or `reasons` [default: list all]
    #[arg(value_name = "CODE")]
    pub codes: Vec<String>,

    /// Show what happened in the last run of a journal, `-` for stdin
    ///
    /// A journal is a file of events, one JSON object per line. Unknown events and a cut last line are skipped.
    ///
    /// Example: xstream explain --journal run.ndjson
    #[arg(long, value_name = "FILE", conflicts_with = "codes")]
    pub journal: Option<PathBuf>,
}
