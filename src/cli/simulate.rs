//! Options of `simulate`.

use std::path::PathBuf;

use clap::Args;

/// Options of `simulate`.
#[derive(Debug, Args)]
#[command(
    long_about = "Serve a stream on loopback that plays a fault script, to test a client.\n\nThe first line on stdout is a \
                  JSON object with the address. Any bearer token is accepted. Each stream request plays the next \
                  connection of the script; after the last, the last is played again.\n\nThe API is served too, with state: \
                  /2/connections lists and kills the streams, /2/tweets/search/stream/rules keeps rules, /2/usage/tweets \
                  counts what was delivered. Until a rule is added the feed is unfiltered; from then on a post (of `posts` \
                  or `line`, not of a flood) passes only if a rule matches.",
    after_long_help = "Example: xstream simulate --script 'posts 5; disconnect 12; end | status 503 | posts'\n\
                       then:    xstream tail --base-url http://127.0.0.1:PORT --bearer x"
)]
pub struct SimulateArgs {
    /// Script: steps separated by `;`, connections by `|` [default: the endless demo]
    #[arg(long, value_name = "STEPS", conflicts_with = "script_file")]
    pub script: Option<String>,

    /// File that holds the script, one step per line
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

    /// Connection of another client: it counts, is listed and can be killed; may be repeated
    #[arg(long, value_name = "ENDPOINT[@IP]")]
    pub foreign: Vec<String>,

    /// Filter by these rules from the start: a file with a rule or a JSON object (`value`, `tag`) per line, or `none`
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,

    /// How the first API requests fail: each plays one connection of this script, such as `status 503 | rate-limit 5`
    #[arg(long, value_name = "STEPS")]
    pub api: Option<String>,
}
