//! Options of `rules`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args, Subcommand};

use super::{AccessArgs, OutputArgs};

/// Options of `rules`.
#[derive(Debug, Args)]
#[command(
    long_about = "List or change the rules of the filtered stream.\n\nRules belong to the app of the token. A change takes effect \
                  within seconds, and a stream that is open need not reconnect. A table on a terminal; in a pipe X's own \
                  objects, one per line.\n\nA rule file has one rule per line, with its tag after a tab if it has one, or JSON: an \
                  object ({\"value\":…,\"tag\":…}) per line, an array of them, or X's own response. A line that starts with `# ` is a \
                  comment.\n\nRules are checked before anything is sent: an error stops, a warning does not, --no-lint sends \
                  them anyway.",
    after_long_help = "Exit status: 0 done; 1 failed, or a rule to delete does not exist; 2 usage, also a rule file \
                       with mistakes; 3 X refuses a rule or the request; 4 a temporary failure such as the rate limit.\n\n\
                       Example: xstream rules add 'cat has:images -is:retweet' --tag cats\n\
                       or:      xstream rules export > rules.ndjson; $EDITOR rules.ndjson; xstream rules sync rules.ndjson"
)]
pub struct RulesArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub verb: Option<RuleVerb>,

    /// What to list.
    #[command(flatten)]
    pub list: RuleList,

    /// The token and the connection to X.
    #[command(flatten)]
    pub access: AccessArgs,

    /// How it is shown.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub enum RuleVerb {
    /// List the rules
    List(RuleList),
    /// Add rules, from arguments, a file or stdin
    #[command(
        long_about = "Add rules, from arguments, files or stdin.\n\nA rule that exists already is reported and is not a failure. The \
                      rules that were added are printed, with the ids that X gave them.",
        after_long_help = "Example: xstream rules add '#cats has:images' 'kitten has:images' --tag cats\n\
                           or:      xstream rules add --file rules.txt"
    )]
    Add(RuleInput),
    /// Delete rules, by id, value or tag, or all
    Delete(RuleDelete),
    /// Make the app's rules equal to a file
    Sync(RuleSync),
    /// Have rules checked, here and by X, without adding them
    #[command(
        long_about = "Have rules checked, here and by X, without adding them.\n\nPrints a verdict for each: valid, duplicate (it \
                      exists already), invalid, or unknown if X does not say. Exit status 3 if one is invalid.",
        after_long_help = "Example: xstream rules test --file rules.txt"
    )]
    Test(RuleInput),
    /// Show how many rules there are, and the caps
    Count,
    /// Write the rules as a file that `rules sync` reads
    Export(RuleExport),
}

/// Options of `rules list`.
#[derive(Debug, Default, PartialEq, Eq, Args)]
pub struct RuleList {
    /// Only those whose tag matches (* is any text, ? any character)
    #[arg(long, value_name = "GLOB")]
    pub tag: Option<String>,
}

/// Rules to add or to test.
#[derive(Debug, Args)]
pub struct RuleInput {
    /// Rules, each in quotes, also one that begins with `-`; `-` alone is stdin, which is also read when none is given
    #[arg(value_name = "RULE")]
    pub rules: Vec<String>,

    // No short options here: `-from:x cat` is a rule.
    /// File with rules, `-` for stdin; may be repeated
    #[arg(long, value_name = "FILE")]
    pub file: Vec<PathBuf>,

    /// Tag for the rules that have none
    #[arg(long, value_name = "TAG", value_parser = rule_tag)]
    pub tag: Option<String>,

    /// How they are checked.
    #[command(flatten)]
    pub lint: LintArgs,
}

/// How rules are checked before they are sent.
#[derive(Debug, Args)]
pub struct LintArgs {
    /// Send rules even if they look wrong
    #[arg(long)]
    pub no_lint: bool,

    /// Access level, for the length of rules [default: a rule may be as long as any level allows]
    #[arg(long = "access", value_name = "LEVEL", value_enum)]
    pub level: Option<AccessLevelArg>,
}

/// Access levels that have the filtered stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AccessLevelArg {
    /// Rules of 1,024 characters
    PayPerUse,
    /// Rules of 2,048 characters
    Enterprise,
}

/// Options of `rules delete`.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("rule").required(true).multiple(true).args(["ids", "value", "tag", "all"]),
    long_about = "Delete rules, by id, value or tag, or all.\n\nOn a terminal it shows what it will delete and requires a \
                  confirmation for more than one rule. Elsewhere --all needs --yes. The rules that were deleted are printed, so that \
                  `rules add --file` can restore them. Exit status 1 if a rule does not exist.",
    after_long_help = "Example: xstream rules delete --tag cats\n\
                       or:      xstream rules delete --all --yes > deleted.ndjson"
)]
pub struct RuleDelete {
    /// Ids, as `rules list` shows them
    #[arg(value_name = "ID", value_parser = rule_id)]
    pub ids: Vec<String>,

    /// The rule with exactly this value; may be repeated
    #[arg(long, value_name = "RULE", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub value: Vec<String>,

    /// All rules whose tag matches (* is any text, ? any character; a rule without a tag never does); may be repeated
    #[arg(long, value_name = "GLOB", value_parser = rule_tag)]
    pub tag: Vec<String>,

    /// All rules of the app
    #[arg(long, conflicts_with_all = ["ids", "value", "tag"])]
    pub all: bool,

    /// Only show what would be deleted
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Do not ask for confirmation
    #[arg(short, long)]
    pub yes: bool,
}

/// Options of `rules sync`.
#[derive(Debug, Args)]
#[command(
    long_about = "Make the app's rules equal to a file.\n\nPrints the difference first: `+` is added, `-` is deleted, `=` is kept; a rule \
                  with another tag is a `-` and a `+`, since X cannot edit a rule. Then adds what is new and deletes what \
                  is gone, in this order where X has room for both. The next sync completes one that was interrupted. \
                  One that deletes more rules than it keeps requires a confirmation on a terminal, and --yes elsewhere. A file \
                  without any rule is refused, and so is an incomplete list of X's rules. If X refuses a rule, nothing more is deleted. \
                  With --json the difference is one object per rule, its `change` one of add, delete, keep.",
    after_long_help = "Example: xstream rules sync --dry-run rules.txt\n\
                       or:      xstream rules sync --yes rules.txt"
)]
pub struct RuleSync {
    /// File with all rules that the app should have, `-` for stdin; several count as one
    #[arg(value_name = "FILE", required = true)]
    pub file: Vec<PathBuf>,

    /// Only print the difference
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Do not ask for confirmation
    #[arg(short, long)]
    pub yes: bool,

    /// Accept a file without any rule, and delete all rules
    #[arg(long)]
    pub allow_empty: bool,

    /// How they are checked.
    #[command(flatten)]
    pub lint: LintArgs,
}

/// Options of `rules export`.
#[derive(Debug, Args)]
pub struct RuleExport {
    /// Form of the file
    #[arg(long, value_name = "FORM", value_enum, default_value = "ndjson")]
    pub form: RuleForm,

    /// Only rules whose tag matches (* is any text, ? any character)
    #[arg(long, value_name = "GLOB")]
    pub tag: Option<String>,
}

/// Forms of a rule file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RuleForm {
    /// One JSON object per line
    Ndjson,
    /// One rule per line, its tag after a tab
    Tab,
}

/// A tag of a rule, or a pattern of tags. An empty one is an unset variable.
fn rule_tag(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("a tag is not empty; leave --tag out, or give one".to_owned());
    }
    Ok(text.to_owned())
}

/// An id of a rule: digits (`OpenAPI` 2.167: 1 to 19 of them).
fn rule_id(text: &str) -> Result<String, String> {
    if (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(match text {
        "all" => "that is not an id; for all rules pass --all".to_owned(),
        _ => {
            "an id is digits, as `xstream rules` shows it; for a rule's text pass --value, for its tag --tag".to_owned()
        }
    })
}
