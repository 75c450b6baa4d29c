//! Options of `scrub`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::OutputArgs;
use crate::protocol::compliance::Country;

/// Options of `scrub`.
#[derive(Debug, Args)]
#[command(
    long_about = "Apply the compliance messages found in archives and event files to the archives, whatever their order.\n\n\
                  Posts that are deleted, dropped or withheld, posts of users who are protected, suspended or deleted, and \
                  retweets of such posts are removed; a quote keeps its own text and loses the embedded post. After a \
                  scrub_geo the location members go. Of states that can be taken back, the newest event counts. All other \
                  lines stay byte for byte, compliance messages and malformed lines included.\n\n\
                  An archive is NDJSON, plain or gzip, of bare lines or --annotate envelopes. A folder is searched for names \
                  that end in .ndjson, .jsonl or .json, or in one of them and .gz; hidden files are skipped, symbolic links in \
                  it are not followed. Each archive that changes is written beside itself, synced and renamed, with mode and \
                  times of the original. A table on a terminal; in a pipe an object for each file, then one with the totals.",
    after_long_help = "Exit status: 0 done; 1 an archive is damaged (without --salvage) or cannot be replaced; 2 usage, or a file \
                       that does not exist, before anything is replaced; 7 --check, and something would change.\n\n\
                       Example: xstream scrub --events compliance.ndjson.gz archive/\n\
                       or:      xstream scrub --check --withheld-in DE,AT archive/2026-11.ndjson"
)]
pub struct ScrubArgs {
    /// Archives, or folders of archives
    #[arg(value_name = "ARCHIVE", required = true)]
    pub archives: Vec<PathBuf>,

    /// File of compliance messages to apply as well, plain or gzip; `-` for stdin; repeatable
    #[arg(long, value_name = "FILE")]
    pub events: Vec<PathBuf>,

    /// Remove what is withheld in this country, a code of two letters; repeatable, or a comma list. What is withheld
    /// everywhere (XX, XY) is always removed
    #[arg(long, value_name = "CC", value_delimiter = ',', value_parser = country)]
    pub withheld_in: Vec<Country>,

    /// Which versions of edited posts to keep
    #[arg(long, value_name = "WHICH", value_enum, default_value = "all")]
    pub edits: EditsArg,

    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Change nothing; exit status 7 if anything would change
    #[arg(long)]
    pub check: bool,

    /// Replace a damaged archive by what can be read of it
    #[arg(long)]
    pub salvage: bool,

    /// How results are shown.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Which versions of edited posts stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EditsArg {
    /// All that are in the archives
    All,
    /// The newest that is in the archives
    Latest,
}

/// A country code in any case.
fn country(text: &str) -> Result<Country, String> {
    let code: Option<Country> = text.as_bytes().try_into().ok();
    code.filter(|code| code.iter().all(u8::is_ascii_alphabetic))
        .map(|code| code.map(|letter| letter.to_ascii_uppercase()))
        .ok_or_else(|| "a country is a code of two letters, such as DE".to_owned())
}
