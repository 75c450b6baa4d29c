//! The command line: definitions and help text only. What a verb does is in `command/`.
//!
//! One file per verb, or per group of options that verbs share; [`value`] parses the values.

mod access;
mod archive;
mod connections;
mod doctor;
mod explain;
mod filter;
mod output;
mod replay;
mod request;
mod rules;
mod scrub;
mod simulate;
mod tail;
mod usage;
mod value;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory as _, Parser, Subcommand};

pub use access::AccessArgs;
pub use archive::ArchiveArgs;
pub use connections::{ConnectionKill, ConnectionList, ConnectionVerb, ConnectionsArgs};
pub use doctor::DoctorArgs;
pub use explain::ExplainArgs;
pub use filter::FilterArgs;
pub use output::OutputArgs;
pub use replay::ReplayArgs;
pub use request::RequestArgs;
pub use rules::{
    AccessLevelArg, LintArgs, RuleDelete, RuleExport, RuleForm, RuleInput, RuleList, RuleSync, RuleVerb, RulesArgs,
};
pub use scrub::{EditsArg, ScrubArgs};
pub use simulate::SimulateArgs;
pub use tail::TailArgs;
pub use usage::UsageArgs;
pub use value::duration;

/// Tail X's streaming HTTP endpoints
#[derive(Debug, Parser)]
#[command(
    name = "xstream",
    version,
    about = "Tail X's streaming HTTP endpoints",
    long_about = "Tail X's streaming HTTP endpoints: accepted messages on stdout, one JSON value per line, the bytes X sent; \
                  everything else on stderr.",
    after_help = "Try it without a token: xstream tail --demo | jq"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Connect to a stream, follow it, print its messages
    Tail(Box<TailArgs>),
    /// Classify, filter and print captured streams
    Replay(ReplayArgs),
    /// Apply deletions, scrubs and withholding to archives
    Scrub(ScrubArgs),
    /// List or end the app's connections
    Connections(ConnectionsArgs),
    /// List or change the rules of the filtered stream
    Rules(Box<RulesArgs>),
    /// Show what X counted as consumed, and what this machine metered
    Usage(UsageArgs),
    /// Check step by step what a stream needs, and name what is wrong
    Doctor(Box<DoctorArgs>),
    /// Explain a code that ends or refuses a stream
    Explain(ExplainArgs),
    /// Serve a stream on loopback that plays a fault script
    Simulate(SimulateArgs),
    /// Write man pages and completions
    #[command(hide = true)]
    Generate(GenerateArgs),
}

/// Options of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Folder that gets `man/` and `completions/`
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}

/// Why there is no verb to run.
#[derive(Debug)]
pub enum ParseError {
    /// The user requested help or the version: a page, and no failure.
    Help(String),
    /// A verb is missing: the page that lists them.
    MissingVerb(String),
    /// The arguments are invalid: one line that says why.
    Usage(String),
}

/// Reads the command line.
///
/// # Errors
/// There is no verb to run.
pub fn parse(arguments: &[OsString]) -> Result<Cli, ParseError> {
    Cli::try_parse_from(with_rules_apart(arguments)).map_err(|error| {
        let page = error.render().to_string();
        if !error.use_stderr() {
            ParseError::Help(page)
        } else if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            ParseError::MissingVerb(page)
        } else {
            ParseError::Usage(one_line(&page))
        }
    })
}

/// Sets rules apart from short options: one such as `-from:x cat` gets a space in front, which is no part of a rule.
///
/// clap would read it as `-f rom:x cat`. With `allow_hyphen_values` it would read every option after the first rule as
/// a rule. A single letter is left to clap: `-h` is help, and `-x` alone is not a rule.
fn with_rules_apart(arguments: &[OsString]) -> Vec<OsString> {
    let mut adjusted = arguments.to_vec();
    if arguments.get(1).is_none_or(|verb| verb != "rules") {
        return adjusted;
    }
    let command = Cli::command();
    let rules = command.find_subcommand("rules");
    let add = rules.and_then(|rules| rules.find_subcommand("add"));
    let (mut has_rules, mut is_value) = (false, false);
    for word in adjusted.iter_mut().skip(2) {
        let Some(text) = word.to_str() else {
            is_value = false;
            continue;
        };
        if std::mem::take(&mut is_value) {
            continue;
        }
        match text.strip_prefix("--") {
            Some("") => break,
            Some(name) => {
                let of = |command: Option<&Command>| {
                    let mut options = command.into_iter().flat_map(Command::get_arguments);
                    options.any(|option| option.get_long() == Some(name) && option.get_action().takes_values())
                };
                is_value = of(rules) || has_rules && of(add);
            }
            None if !has_rules && !text.starts_with('-') => {
                if text != "add" && text != "test" {
                    break;
                }
                has_rules = true;
            }
            None if has_rules && text.starts_with('-') && text.chars().nth(2).is_some() => {
                *word = format!(" {text}").into();
            }
            None => {}
        }
    }
    adjusted
}

/// clap prints a page; after a typing mistake the sentence and the hint are enough.
fn one_line(page: &str) -> String {
    let mut text = String::new();
    for line in page.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:")) {
        let line = line.strip_prefix("error: ").unwrap_or(line).replace("tip: ", "");
        if line.starts_with("For more information") || line.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push_str(if text.ends_with(':') { " " } else { "; " });
        }
        text.push_str(&line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(words: &str) -> String {
        let arguments: Vec<OsString> = words.split(' ').map(OsString::from).collect();
        match parse(&arguments) {
            Err(ParseError::Usage(text)) if text.lines().count() == 1 => text,
            other => panic!("{words}: {other:?}"),
        }
    }

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_rule_that_begins_with_a_minus_is_no_option() {
        let given = |words: &[&str]| {
            let words: Vec<OsString> = ["xstream", "rules"].iter().chain(words).map(OsString::from).collect();
            match parse(&words).map(|cli| cli.verb) {
                Ok(Verb::Rules(given)) => match given.verb {
                    Some(RuleVerb::Add(input) | RuleVerb::Test(input)) => Ok((input.rules, input.tag, input.file)),
                    other => panic!("{other:?}"),
                },
                Ok(other) => panic!("{other:?}"),
                Err(error) => Err(error),
            }
        };
        for rule in ["-to:nasa cat", "-has:media cat", "-from:x cat", "-quiet cat", "-(a b) c", "-\"a b\" c", "-é c"] {
            for verb in ["add", "test"] {
                let spaced = format!(" {rule}");
                let (rules, tag, _) = given(&[verb, rule, "dog", "--tag", "t", "-q"]).expect("rules");
                assert_eq!((rules, tag.as_deref()), (vec![spaced.clone(), "dog".into()], Some("t")), "{rule}");
                let (rules, _, file) = given(&["--json", "--proxy", "add", verb, "--file", "-", rule]).expect("rules");
                assert_eq!((rules, file), (vec![spaced], vec![PathBuf::from("-")]), "{rule}");
                let (rules, ..) = given(&[verb, "--", rule]).expect("rules");
                assert_eq!(rules, [rule]);
            }
        }
        assert_eq!(given(&["add", "-"]).expect("rules").0, ["-"]);
        assert!(matches!(given(&["add", "-h"]), Err(ParseError::Help(_))));
        for mistake in [&["add", "-t", "cats"][..], &["add", "--tga", "cats"], &["test", "-f", "x"]] {
            assert!(matches!(given(mistake), Err(ParseError::Usage(_))), "{mistake:?}");
        }
    }

    #[test]
    fn a_typing_mistake_names_the_nearest_name() {
        assert!(error("xstream tali").contains("tail"));
        assert!(error("xstream tail --onyl post").contains("--only"));
        assert!(error("xstream tail --only psot").contains("post"));
        assert!(error("xstream tail --status atuo").contains("auto"));
    }

    #[test]
    fn contradictory_flags_are_usage_errors() {
        error("xstream tail --bearer a --bearer-file b");
        error("xstream tail --demo --bearer a");
        error("xstream tail --no-reconnect --max-retries 3");
        error("xstream tail --max 0");
    }
}
