//! Options that select and transform messages: of every verb that prints messages.

use clap::Args;

use super::value::size;
use crate::pipeline::filter::Choice;

/// What is printed, for every verb that prints messages.
#[derive(Debug, Args)]
pub struct FilterArgs {
    /// Print only these kinds or groups (data, compliance, control, all)
    #[arg(long, value_name = "KIND", value_delimiter = ',', help_heading = "Output")]
    pub only: Vec<Choice>,

    /// Do not print these kinds or groups
    #[arg(long, value_name = "KIND", value_delimiter = ',', help_heading = "Output")]
    pub skip: Vec<Choice>,

    /// Print only posts found by a rule whose tag matches (* is any text, ? any character)
    ///
    /// Only posts (by the rules that matched) and activity events carry tags, so everything else is dropped but compliance messages,
    /// which always pass. A backslash makes the next character literal.
    ///
    /// Example: xstream tail --tag 'launch-*'
    #[arg(long, value_name = "GLOB", help_heading = "Output")]
    pub tag: Option<String>,

    /// Print only messages for which a jq expression is true
    ///
    /// The expression sees the message as X sent it, also under --annotate. Compliance messages always pass. A message
    /// on which the expression fails is not printed; the first failure of its kind is reported, the others are counted.
    ///
    /// Example: xstream tail --where '.data.lang == "en"'
    #[cfg(feature = "jq")]
    #[arg(long = "where", value_name = "EXPR", allow_hyphen_values = true, help_heading = "Output")]
    pub condition: Option<String>,

    /// Print the results of a jq expression, one per line, instead of the message
    ///
    /// The expression sees every message that would be printed, compliance included, and with --annotate its envelope. A
    /// message without results is not printed and does not count for --max; one with several counts once. The expression
    /// sees the message alone: no `env`, `now`, `input` or modules.
    ///
    /// Example: xstream tail --only post --jq '{id: .data.id, text: .data.text}'
    #[cfg(feature = "jq")]
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true, help_heading = "Output")]
    pub jq: Option<String>,

    /// Print results of --jq that are strings as bare text
    ///
    /// Example: xstream tail --only post --jq '[.data.id, .data.lang] | @tsv' -r
    #[cfg(feature = "jq")]
    #[arg(short, long, requires = "jq", help_heading = "Output")]
    pub raw_output: bool,

    /// Print posts although X has reported them deleted, withheld or hidden, with all locations
    ///
    /// Without it, a post that arrives after its deletion, or is deleted while it waits for the reader process, is not printed; nor
    /// is a retweet of it, and a quote loses the embedded post. A `scrub_geo` message removes the locations from that
    /// user's posts. Compliance messages themselves are printed in any case, for posts that were printed before.
    ///
    /// Deletions are checked before --tag, --where and --jq. A post that is withheld while it waits counts for --max.
    #[arg(long, help_heading = "Output")]
    pub keep_deleted: bool,

    /// Wrap each message in an envelope that names its kind, dialect and arrival
    #[arg(long, help_heading = "Output")]
    pub annotate: bool,

    /// Stop after this many printed messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Output")]
    pub max: Option<u64>,

    /// Longest line that is kept; longer ones are skipped and reported
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "8MiB", help_heading = "Output")]
    pub max_line: usize,
}
