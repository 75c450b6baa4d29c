//! Options of the archive.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{ArgAction, Args, ValueHint};

use super::value::duration;
use crate::pipeline::rotation::{Compression, RotationInterval};

/// The files that messages also go to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Archive")]
pub struct ArchiveArgs {
    /// Also write what is printed to files in this folder, one per hour of UTC: STREAM-2026-11-24T15.ndjson
    ///
    /// An open file has the suffix .part; it gets its name when it is complete and on the disk. A file that a crash left open
    /// is completed by the next run, and a run that starts within the hour of a file continues it. One process writes to a
    /// folder at a time. If a file cannot be written, the run reports it, goes on without the archive, and ends with exit
    /// status 1.
    ///
    /// Example: xstream tail --archive posts --compress gzip | jq
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub archive: Option<PathBuf>,

    /// Time per file: whole minutes that divide a day, such as 15m, 6h or 1d
    ///
    /// Files of any interval but an hour have it in their name: STREAM-2026-11-24T1530-15m.ndjson.
    #[arg(long, value_name = "INTERVAL", value_parser = interval, default_value = "1h", requires = "archive")]
    pub archive_every: RotationInterval,

    /// Compression of the files
    #[arg(
        long,
        value_name = "FORMAT",
        value_parser = PossibleValuesParser::new(["none", "gzip"]).map(|name| match name.as_str() {
            "gzip" => Compression::Gzip,
            _ => Compression::None,
        }),
        default_value = "none",
        requires = "archive"
    )]
    pub compress: Compression,

    /// Whether deletions that arrive later are applied to the files of this run
    ///
    /// They are applied whenever a file is complete, and at the end of the run; a second signal ends the run without. Files
    /// of earlier runs need `xstream scrub`. With --keep-deleted nothing is applied. Lines that --jq made are not
    /// recognised as posts.
    #[arg(
        long,
        action = ArgAction::Set,
        value_name = "WHEN",
        value_parser = PossibleValuesParser::new(["on", "off"]).map(|name| name == "on"),
        default_value = "on",
        requires = "archive"
    )]
    pub archive_scrub: bool,

    /// Print nothing on stdout: write the archive alone, synced to the disk every second
    #[arg(long, requires = "archive")]
    pub no_stdout: bool,
}

fn interval(text: &str) -> Result<RotationInterval, String> {
    RotationInterval::new(duration(text)?)
}
