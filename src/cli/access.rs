//! The token and the connection to X: options of every verb that connects.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::value::duration;

/// The token and the connection to X, for every verb that connects.
///
/// The options are global within a verb, so that they are accepted before and after a subcommand such as `kill`.
#[derive(Debug, Args)]
pub struct AccessArgs {
    /// Bearer token; it is removed from the process list at once
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
