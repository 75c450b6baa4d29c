//! The command line: definitions and help text only. What a verb does is in `command/`.

mod api;
mod rules;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{NonEmptyStringValueParser, PossibleValue, TypedValueParser};
use clap::{Arg, Args, Command, CommandFactory as _, Parser, Subcommand};

use crate::pipeline::filter::Choice;
use crate::pipeline::meter::Quota;
use crate::protocol::field;
use crate::terminal::{Color, StatusMode};

pub use api::{ConnectionKill, ConnectionList, ConnectionVerb, Connections, Doctor, OutputArgs, Usage};
pub use rules::{Level, Lint, RuleDelete, RuleExport, RuleForm, RuleInput, RuleList, RuleSync, RuleVerb, Rules};

/// Tail X's streaming HTTP endpoints
#[derive(Debug, Parser)]
#[command(
    name = "xstream",
    version,
    about = "Tail X's streaming HTTP endpoints",
    long_about = "Tail X's streaming HTTP endpoints: accepted messages on stdout, one JSON value a line, the bytes X sent; \
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
    Tail(Box<Tail>),
    /// Classify, filter and print captured streams
    Replay(Replay),
    /// List or end the app's connections
    Connections(Connections),
    /// List or change the rules of the filtered stream
    Rules(Box<Rules>),
    /// Tell what X says was consumed, and what this machine metered
    Usage(Usage),
    /// Check step by step what a stream needs, and name what is wrong
    Doctor(Box<Doctor>),
    /// Explain a code that ends or refuses a stream
    Explain(Explain),
    /// Serve a stream on loopback that plays a fault script
    Simulate(Simulate),
    /// Write man pages and completions
    #[command(hide = true)]
    Generate(Generate),
}

/// Options of `tail`.
#[derive(Debug, Args)]
#[command(
    long_about = "Connect to a stream, follow it, print its messages.\n\nMessages go to stdout as NDJSON, one value a line, as the \
                  bytes X sent. Attempts, endings, waits and gaps are told on stderr. A stream that ends is \
                  reconnected by X's documented rules.",
    after_long_help = "Exit status: 0 done; 1 failed unexpectedly; 2 usage; 3 refused, a person must act; 4 gave up after \
                       --max-retries; 5 the server ended it for good; 130 SIGINT; 143 SIGTERM.\n\n\
                       Example: xstream tail --bearer \"$TOKEN\" --only post --max 100 | jq -r .data.text"
)]
pub struct Tail {
    /// Stream: a name such as `filtered` or `sample`, X's endpoint name, a path or a URL on the base host
    #[arg(value_name = "STREAM", default_value = "filtered")]
    pub stream: String,

    /// What to ask the stream for.
    #[command(flatten)]
    pub request: Request,

    /// Who we are, and the way to X.
    #[command(flatten)]
    pub access: Access,

    /// Tail STREAM of the embedded simulator: no token, no network
    ///
    /// Each stream carries what X sends on it, from one numbered feed: `tail likes-firehose --partition 1 --demo` prints
    /// likes.
    #[arg(
        long,
        conflicts_with_all = ["bearer", "bearer_file", "base_url", "cacert", "insecure_http", "proxy", "state"],
        help_heading = "Token"
    )]
    pub demo: bool,

    /// Silence after which a connection counts as dead [default: 30s, v1.1 streams 90s]
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Connection")]
    pub stall_timeout: Option<Duration>,

    /// Do not ask for compression
    #[arg(long, help_heading = "Connection")]
    pub no_gzip: bool,

    /// When X refuses for too many connections, end those that hold this stream's slot, once
    ///
    /// Whoever reads that stream is disconnected. Without this, tail tells who holds the slot and how to end it.
    #[arg(long, conflicts_with = "demo", help_heading = "Connection")]
    pub take_over: bool,

    /// Stop when the connection ends, with exit status 5
    #[arg(long, conflicts_with = "max_retries", help_heading = "Connection")]
    pub no_reconnect: bool,

    /// Retries allowed until a stream stands again; then exit status 4 [default: no limit]
    #[arg(long, value_name = "N", help_heading = "Connection")]
    pub max_retries: Option<u32>,

    /// File that shares the connection budget and the count of posts between runs and processes of one app
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub state: Option<PathBuf>,

    /// What to print and how.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// Stop after this time, counted from the start
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, help_heading = "What")]
    pub duration: Option<Duration>,

    /// Stop, with exit status 3, when this many posts were delivered in a UTC day or month: 5000/day, 2M/month
    ///
    /// X bills or caps what it delivers, printed or not; a post that comes twice in a day counts once. With --state the
    /// count holds over runs and processes, else it begins at 0 with each run.
    #[arg(long, value_name = "N/PERIOD", value_parser = clap::value_parser!(Quota), help_heading = "What")]
    pub quota: Option<Quota>,

    /// When the quota is spent, close the connection and resume when its period turns
    #[arg(long, requires = "quota", help_heading = "What")]
    pub quota_wait: bool,

    /// Bytes that may wait for a slow reader; when full the stream is not read
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "64MiB", help_heading = "Slow reader")]
    pub buffer: usize,

    /// Append every event to this file, as NDJSON
    #[arg(long, value_name = "FILE", help_heading = "People")]
    pub journal: Option<PathBuf>,

    /// End with a summary of five lines, also where stderr is no terminal
    #[arg(long, help_heading = "People")]
    pub summary: bool,

    /// Status
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto", help_heading = "People")]
    pub status: StatusMode,

    /// Colours
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto", help_heading = "People")]
    pub color: Color,

    /// Tell nothing on stderr but the line that explains a failure
    #[arg(short, long, help_heading = "People")]
    pub quiet: bool,

    /// Tell decisions, names and addresses as well; -vv also HTTP heads (the token redacted) and TLS
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "quiet", help_heading = "People")]
    pub verbose: u8,
}

/// Who we are, and the way to X: for every verb that talks to it.
///
/// The options are global within a verb, so that they are taken before and behind a word such as `kill`.
#[derive(Debug, Args)]
pub struct Access {
    /// Bearer token; it is taken off the process list at once
    #[arg(long, global = true, value_name = "TOKEN", conflicts_with = "bearer_file", help_heading = "Token")]
    pub bearer: Option<String>,

    /// File that holds the bearer token, `-` for stdin
    #[arg(long, global = true, value_name = "FILE", help_heading = "Token")]
    pub bearer_file: Option<PathBuf>,

    /// Server to connect to [default: the stream's own host, <https://api.x.com> for all of v2]
    #[arg(long, global = true, value_name = "URL", help_heading = "Connection")]
    pub base_url: Option<String>,

    /// Proxy: http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT [default: `$HTTPS_PROXY`, `$ALL_PROXY`]
    #[arg(long, global = true, value_name = "URL", help_heading = "Connection")]
    pub proxy: Option<String>,

    /// PEM file with the certificates to trust instead of the system's
    #[arg(long, global = true, value_name = "FILE", help_heading = "Connection")]
    pub cacert: Option<PathBuf>,

    /// Send the token in clear text to a host that is not this machine
    #[arg(long, global = true, help_heading = "Connection")]
    pub insecure_http: bool,

    /// Longest time for DNS, TCP and TLS together
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        value_parser = duration,
        default_value = "15s",
        help_heading = "Connection"
    )]
    pub connect_timeout: Duration,
}

/// What the request asks for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Request")]
pub struct Request {
    /// The stream's partition, for streams that are split
    #[arg(long, value_name = "N")]
    pub partition: Option<u8>,

    /// Ask X to repeat the last minutes, 0 to 5, mixed into the stream
    #[arg(long, value_name = "MINUTES")]
    pub backfill_minutes: Option<u8>,

    /// Recover from this time on: 2h (ago), 2026-11-22T10:00Z; the run ends when the range is delivered
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,

    /// Recover up to this time
    #[arg(long, value_name = "TIME")]
    pub end: Option<String>,

    /// Fields of posts
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = Suggested(field::TWEET))]
    pub tweet_fields: Vec<String>,

    /// Objects to include with posts
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = Suggested(field::EXPANSIONS))]
    pub expansions: Vec<String>,

    /// Fields of included users
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = Suggested(field::USER))]
    pub user_fields: Vec<String>,

    /// Fields of included media
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = Suggested(field::MEDIA))]
    pub media_fields: Vec<String>,

    /// Fields of included polls
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = Suggested(field::POLL))]
    pub poll_fields: Vec<String>,

    /// Fields of included places
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = Suggested(field::PLACE))]
    pub place_fields: Vec<String>,

    /// Fields of likes, on like streams
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = Suggested(field::LIKE))]
    pub like_fields: Vec<String>,

    /// Every field and expansion that an app-only token may ask for
    #[arg(long)]
    pub all_fields: bool,

    /// Powerstream: only posts of the data centre that answers
    #[arg(long)]
    pub local_dc_only: bool,

    /// Any other parameter, sent as it is
    #[arg(short, long = "param", value_name = "KEY=VALUE", value_parser = parameter)]
    pub parameters: Vec<(String, String)>,

    /// v1-filter: phrases to track
    #[arg(long, value_name = "PHRASE", value_delimiter = ',')]
    pub track: Vec<String>,

    /// v1-filter: ids of users to follow
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub follow: Vec<String>,

    /// v1-filter: boxes as west,south,east,north
    #[arg(long, value_name = "NUMBER", value_delimiter = ',', allow_hyphen_values = true)]
    pub locations: Vec<String>,

    /// v1.1: languages, as BCP 47 tags
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    pub language: Vec<String>,

    /// v1.1: how much to filter
    #[arg(long, value_name = "LEVEL", value_parser = ["none", "low", "medium"])]
    pub filter_level: Option<String>,

    /// v1.1: ask for warnings when we fall behind
    #[arg(long)]
    pub stall_warnings: bool,

    /// v1.1: ask for messages framed by their length
    #[arg(long)]
    pub delimited: bool,
}

/// Values that shells complete and help lists, while any other is taken as well.
#[derive(Debug, Clone)]
struct Suggested(&'static [&'static str]);

impl TypedValueParser for Suggested {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        NonEmptyStringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(|name| PossibleValue::new(*name))))
    }
}

/// `KEY=VALUE`.
fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a parameter is KEY=VALUE, such as backfill_minutes=2".to_owned()),
    }
}

/// What is printed, for every verb that prints messages.
#[derive(Debug, Args)]
pub struct FilterArgs {
    /// Print only these kinds or groups (data, compliance, control, all)
    #[arg(long, value_name = "KIND", value_delimiter = ',', help_heading = "What")]
    pub only: Vec<Choice>,

    /// Do not print these kinds or groups
    #[arg(long, value_name = "KIND", value_delimiter = ',', help_heading = "What")]
    pub skip: Vec<Choice>,

    /// Print only posts found by a rule whose tag fits (* is any text, ? any character)
    ///
    /// Only posts (by the rules that matched) and activity events carry tags, so everything else is dropped but compliance messages,
    /// which always pass. A backslash takes the next character as it is.
    ///
    /// Example: xstream tail --tag 'launch-*'
    #[arg(long, value_name = "GLOB", help_heading = "What")]
    pub tag: Option<String>,

    /// Print only messages for which a jq expression is true
    ///
    /// The expression sees the message as X sent it, also under --annotate. Compliance messages always pass. A message
    /// on which the expression fails is not printed; the first failure of its kind is told, the others are counted.
    ///
    /// Example: xstream tail --where '.data.lang == "en"'
    #[cfg(feature = "jq")]
    #[arg(long = "where", value_name = "EXPR", allow_hyphen_values = true, help_heading = "What")]
    pub condition: Option<String>,

    /// Print the results of a jq expression, one a line, instead of the message
    ///
    /// The expression sees every message that would be printed, compliance included, and with --annotate its envelope. A
    /// message without results is not printed and does not count for --max; one with several counts once. The expression
    /// sees the message alone: no `env`, `now`, `input` or modules.
    ///
    /// Example: xstream tail --only post --jq '{id: .data.id, text: .data.text}'
    #[cfg(feature = "jq")]
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true, help_heading = "What")]
    pub jq: Option<String>,

    /// Print results of --jq that are strings as bare text
    ///
    /// Example: xstream tail --only post --jq '[.data.id, .data.lang] | @tsv' -r
    #[cfg(feature = "jq")]
    #[arg(short, long, requires = "jq", help_heading = "What")]
    pub raw_output: bool,

    /// Wrap each message in an envelope that names its kind, dialect and arrival
    #[arg(long, help_heading = "What")]
    pub annotate: bool,

    /// Stop after this many printed messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "What")]
    pub max: Option<u64>,

    /// Longest line that is kept; longer ones are skipped and reported
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "8MiB", help_heading = "What")]
    pub max_line: usize,
}

/// Options of `replay`.
#[derive(Debug, Args)]
#[command(
    long_about = "Classify, filter and print captured streams, plain or gzip, exactly as `tail` would have.",
    after_long_help = "Example: xstream replay --annotate --only all capture.ndjson.gz | jq -r .kind | sort | uniq -c"
)]
pub struct Replay {
    /// Captures, `-` for stdin
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// What to print and how.
    #[command(flatten)]
    pub filter: FilterArgs,

    /// Tell nothing on stderr but the line that explains a failure
    #[arg(short, long)]
    pub quiet: bool,
}

/// Options of `simulate`.
#[derive(Debug, Args)]
#[command(
    long_about = "Serve a stream on loopback that plays a fault script, to try a client on.\n\nThe first line on stdout is a \
                  JSON object with the address. Any bearer token is accepted. Each stream request plays the next \
                  connection of the script; after the last, the last is played again.\n\nThe API is served too, with state: \
                  /2/connections lists and kills the streams, /2/tweets/search/stream/rules keeps rules, /2/usage/tweets \
                  counts what was delivered. Until a rule is added the feed is unfiltered; from then on a post (of `posts` \
                  or `line`, not of a flood) passes only if a rule fits.",
    after_long_help = "Example: xstream simulate --script 'posts 5; disconnect 12; end | status 503 | posts'\n\
                       then:    xstream tail --base-url http://127.0.0.1:PORT --bearer x"
)]
pub struct Simulate {
    /// Script: steps separated by `;`, connections by `|` [default: the endless demo]
    #[arg(long, value_name = "STEPS", conflicts_with = "script_file")]
    pub script: Option<String>,

    /// File that holds the script, one step a line
    #[arg(long, value_name = "FILE")]
    pub script_file: Option<PathBuf>,

    /// List the steps a script can have
    #[arg(long)]
    pub list: bool,

    /// Port on 127.0.0.1, 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,

    /// Serve https with a throw-away CA, written to this file
    #[arg(long, value_name = "FILE")]
    pub tls: Option<PathBuf>,

    /// Compress streams for clients that accept it
    #[arg(long)]
    pub gzip: bool,

    /// Accept only this bearer token
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<String>,

    /// Streams of one endpoint open at once; one more is refused with `TooManyConnections` [default: no limit]
    #[arg(long, value_name = "N")]
    pub connections: Option<usize>,

    /// Connection of another client: it counts, is listed and can be killed; may be given again
    #[arg(long, value_name = "ENDPOINT[@IP]")]
    pub foreign: Vec<String>,

    /// Filter by these rules from the start: a file with a rule or a JSON object (`value`, `tag`) a line, or `none`
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,

    /// How the first API requests fail: each takes a connection of this script, such as `status 503 | rate-limit 5`
    #[arg(long, value_name = "STEPS")]
    pub api: Option<String>,
}

/// Options of `explain`.
#[derive(Debug, Args)]
#[command(
    long_about = "Explain a code that ends or refuses a stream.\n\nFor each code: what it means, whose side it is, what \
                  `tail` does, what you can do, and the document that says so. Without a code all are listed. With --journal: what \
                  happened in a run, from the file it wrote, the most likely cause, and what to try next.",
    after_long_help = "Example: xstream explain 429 TooManyConnections stall\n\
                       or:      xstream explain --journal run.ndjson"
)]
pub struct Explain {
    /// Codes as `tail` shows them, such as `12`, `stall`, `429`, `5xx`; or `reasons` [default: list all]
    #[arg(value_name = "CODE")]
    pub codes: Vec<String>,

    /// Tell what happened in the last run of a journal, `-` for stdin
    ///
    /// A journal is a file of events, one JSON object a line. Unknown events and a cut last line are left out.
    ///
    /// Example: xstream explain --journal run.ndjson
    #[arg(long, value_name = "FILE", conflicts_with = "codes")]
    pub journal: Option<PathBuf>,
}

/// Options of `generate`.
#[derive(Debug, Args)]
pub struct Generate {
    /// Folder that gets `man/` and `completions/`
    #[arg(value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
}

/// Why there is no verb to run.
#[derive(Debug)]
pub enum ParseError {
    /// The user asked for help or the version: a page, and no failure.
    Help(String),
    /// A verb is missing: the page that lists them.
    MissingVerb(String),
    /// The arguments do not fit: one line that says why.
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
/// clap would read it as `-f rom:x cat`. Told to take such values, it takes every option behind the first rule for a
/// rule too. A single letter is left to clap: `-h` is help, and `-x` alone is no rule.
fn with_rules_apart(arguments: &[OsString]) -> Vec<OsString> {
    let mut taken = arguments.to_vec();
    if arguments.get(1).is_none_or(|verb| verb != "rules") {
        return taken;
    }
    let command = Cli::command();
    let rules = command.find_subcommand("rules");
    let add = rules.and_then(|rules| rules.find_subcommand("add"));
    let (mut has_rules, mut is_value) = (false, false);
    for word in taken.iter_mut().skip(2) {
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
    taken
}

/// clap explains in a page; people who mistyped want the sentence and the hint.
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

/// A duration with a unit: `500ms`, `30s`, `2m`, `1h`.
///
/// # Errors
/// It is not one; the error gives examples.
pub fn duration(text: &str) -> Result<Duration, String> {
    let bad = || "a duration wants a number and a unit, such as 500ms, 30s, 2m or 1h".to_owned();
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(bad)?;
    let number: f64 = text[..at].parse().map_err(|_| bad())?;
    let unit = match &text[at..] {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(bad()),
    };
    let duration = Duration::try_from_secs_f64(number * unit).map_err(|_| bad())?;
    if duration.is_zero() {
        return Err("a duration of nothing; try 30s".to_owned());
    }
    // Ten years: beyond that, sums of durations would have to be guarded everywhere.
    Ok(duration.min(Duration::from_secs(10 * 365 * 86_400)))
}

/// A size with a unit: `64MiB`, `512KiB`, `1MB`.
fn size(text: &str) -> Result<usize, String> {
    let bad = || "a size wants a number and a unit, such as 512KiB, 8MiB or 1GiB".to_owned();
    let at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
    let number: usize = text[..at].parse().map_err(|_| bad())?;
    let unit = match text[at..].to_ascii_lowercase().as_str() {
        "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(bad()),
    };
    let size = number.checked_mul(unit).ok_or_else(bad)?;
    if size == 0 {
        return Err("a size of nothing; try 8MiB".to_owned());
    }
    Ok(size)
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
    fn the_definitions_hold_together() {
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
    fn a_mistyped_word_names_the_nearest() {
        assert!(error("xstream tali").contains("tail"));
        assert!(error("xstream tail --onyl post").contains("--only"));
        assert!(error("xstream tail --only psot").contains("post"));
        assert!(error("xstream tail --status atuo").contains("auto"));
    }

    #[test]
    fn durations_and_sizes_want_units() {
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(size("64MiB"), Ok(64 << 20));
        for text in ["", "30", "s", "-1s", "30 s", "0s", "1e9s", "99999999999999999999999999h9"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["", "8", "MiB", "0KiB", "1.5MiB", "99999999999999999999GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn contradictory_flags_are_usage_errors() {
        error("xstream tail --bearer a --bearer-file b");
        error("xstream tail --demo --bearer a");
        error("xstream tail --no-reconnect --max-retries 3");
        error("xstream tail --max 0");
    }
}
