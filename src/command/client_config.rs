//! How to reach X and with which token, checked before anything is dialled: for `tail` and every verb that calls the API.
//!
//! Its law: no token leaves this machine in clear text without `--insecure-http`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::{CommandError, usage_error};
use crate::cli::AccessArgs;
use crate::clock::Clock;
use crate::net::api::{Api, ApiOptions};
use crate::net::base_url::BaseUrl;
use crate::net::dial::{self, DialOptions, Dialer};
use crate::net::proxy::Proxy;
use crate::net::token::{Token, arguments};
use crate::protocol::endpoint::Host;
use crate::terminal::console::Console;

/// The settings of every connection of a run.
#[derive(Clone)]
pub struct ClientConfig {
    /// The server.
    pub base: BaseUrl,
    /// The credentials.
    pub token: Token,
    /// The proxy in between.
    pub proxy: Option<Proxy>,
    /// Certificates to trust instead of the system's.
    pub cacert: Option<PathBuf>,
    /// DNS, TCP and TLS together.
    pub connect_timeout: Duration,
}

/// Removes a token of the command line from the process list. To do so the program executes itself again, so a verb
/// calls this first.
pub fn reexec_without_token(args: &AccessArgs, arguments: &[OsString], console: &Console) -> Result<(), CommandError> {
    if let Some(text) = args.bearer.as_deref() {
        // Checked here, so that an error names `--bearer` and not the pipe that replaces it.
        Token::find(Some(text), None).or_else(usage_error)?;
        if let Err(error) = arguments::reexec_without_token(arguments) {
            console.always(&format!("the token stays visible in the process list: {error}"));
        }
    }
    Ok(())
}

/// The server to connect to: the one named, else `host`.
pub fn base(args: &AccessArgs, host: Host) -> Result<BaseUrl, CommandError> {
    parse_base_url("--base-url", args.base_url.as_deref().unwrap_or(host.base()))
}

/// Checks the base URL given as `name`. Errors do not repeat it: it may be a token that was meant for another flag.
pub fn parse_base_url(name: &str, text: &str) -> Result<BaseUrl, CommandError> {
    BaseUrl::parse(text).or_else(|why| usage_error(format!("{name}: {why}")))
}

impl ClientConfig {
    /// Finds the token and checks all settings of connections to `base`.
    pub fn new(args: &AccessArgs, base: BaseUrl, console: &mut Console) -> Result<ClientConfig, CommandError> {
        let token = Token::find(args.bearer.as_deref(), args.bearer_file.as_deref()).or_else(usage_error)?;
        ClientConfig::with_token(args, base, token, console)
    }

    /// Checks all settings but the token. From here on `console` redacts the token and the proxy's password.
    pub fn with_token(
        args: &AccessArgs,
        base: BaseUrl,
        token: Token,
        console: &mut Console,
    ) -> Result<ClientConfig, CommandError> {
        token.redact_in(console.redactor_mut());
        if base.is_plain() && !base.is_loopback() && !args.insecure_http {
            return usage_error(format!(
                "http://{} would carry the token in clear text; use https, or --insecure-http if you mean it",
                base.host()
            ));
        }
        let proxy = proxy(args, &base)?;
        if let Some(proxy) = &proxy {
            proxy.redact_in(console.redactor_mut());
        }
        if base.is_plain() && proxy.is_some() && !args.insecure_http {
            return usage_error(
                "a proxy would see the token in clear text; use https, or --insecure-http if you mean it",
            );
        }
        Ok(ClientConfig { base, token, proxy, cacert: args.cacert.clone(), connect_timeout: args.connect_timeout })
    }

    /// For the demo, which needs no real token, and no proxy to reach this machine.
    pub fn demo(args: &AccessArgs, base: BaseUrl) -> Result<ClientConfig, CommandError> {
        let token = Token::parse("demo", "the demo's token").or_else(usage_error)?;
        Ok(ClientConfig { base, token, proxy: None, cacert: None, connect_timeout: args.connect_timeout })
    }

    /// The server for display, with the proxy in between.
    pub fn host(&self) -> String {
        match &self.proxy {
            Some(proxy) => format!("{} through the proxy {}", self.base.host(), proxy.name()),
            None => self.base.host().to_owned(),
        }
    }

    /// Starts the clock of the run. `XSTREAM_TEST_SPEED` lets tests play hours of backoff in milliseconds; it has effect
    /// only towards this machine, so that no setting shortens the waits towards X.
    pub fn clock(&self) -> Clock {
        let speed = std::env::var("XSTREAM_TEST_SPEED").ok().and_then(|speed| speed.parse().ok());
        let local = self.base.is_loopback() && self.proxy.as_ref().is_none_or(Proxy::is_loopback);
        Clock::new(speed.filter(|_| local).unwrap_or(1))
    }

    /// Prepares calls of the API, which reports failed attempts on the console.
    pub fn api(&self, clock: Clock, console: &Console) -> Result<Api, CommandError> {
        let console = console.clone();
        let dialer = self.dialer(clock, true)?;
        let report = Box::new(move |line: &str| console.info(line));
        Ok(Api::new(ApiOptions { dialer, report, clock, retry: true }))
    }

    /// Prepares to dial.
    pub fn dialer(&self, clock: Clock, gzip: bool) -> Result<Dialer, CommandError> {
        Dialer::new(DialOptions {
            base: self.base.clone(),
            token: Some(self.token.clone()),
            proxy: self.proxy.clone(),
            cacert: self.cacert.clone(),
            gzip,
            clock,
            connect_timeout: self.connect_timeout,
            head_timeout: dial::HEAD_TIMEOUT,
        })
        .or_else(|error| usage_error(format!("{error:#}")))
    }
}

/// The options that lead another command to the same server, for a command that the user may paste: empty, or each
/// after a space. They contain neither a token nor a proxy's password.
#[must_use]
pub fn server_options(args: &AccessArgs) -> String {
    let mut text = String::new();
    let mut add = |name: &str, value: &str| text.extend([" ", name, " ", &shell_quoted(value)]);
    if let Some(url) = &args.base_url {
        add("--base-url", url);
    }
    if let Some(url) = &args.proxy {
        add("--proxy", &without_credentials(url));
    }
    if let Some(path) = &args.cacert {
        add("--cacert", &path.to_string_lossy());
    }
    // Neither stdin nor the pipe that replaces a token of the command line can be read a second time.
    if let Some(path) = args.bearer_file.as_ref().filter(|path| !path.starts_with("/dev/fd") && path.as_os_str() != "-")
    {
        add("--bearer-file", &path.to_string_lossy());
    }
    if args.insecure_http {
        text.push_str(" --insecure-http");
    }
    text
}

/// An argument quoted for a shell: unchanged if it has no special character, otherwise in single quotes.
#[must_use]
pub fn shell_quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A proxy's URL without user name and password.
fn without_credentials(url: &str) -> String {
    let (scheme, rest) = url.find("://").map_or(("", url), |at| url.split_at(at + 3));
    format!("{scheme}{}", rest.rsplit('@').next().unwrap_or(rest))
}

fn proxy(args: &AccessArgs, base: &BaseUrl) -> Result<Option<Proxy>, CommandError> {
    match &args.proxy {
        Some(text) => Proxy::parse(text).map(Some).or_else(|why| usage_error(format!("--proxy: {why}"))),
        // Plain http goes to this machine, which needs no proxy of the environment.
        None if base.is_plain() && base.is_loopback() => Ok(None),
        None => Proxy::from_environment(base.uri()).or_else(usage_error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> AccessArgs {
        AccessArgs {
            bearer: None,
            bearer_file: None,
            base_url: None,
            proxy: None,
            cacert: None,
            insecure_http: false,
            connect_timeout: Duration::from_secs(15),
        }
    }

    #[test]
    fn a_pasted_command_reaches_the_same_server_and_holds_no_secret() {
        assert_eq!(server_options(&args()), "");
        let all = AccessArgs {
            bearer: Some("secret-token".to_owned()),
            bearer_file: Some("/home/me/my token".into()),
            base_url: Some("https://x.example:8443/it's".to_owned()),
            proxy: Some("socks5h://me:hunter2@proxy:1080".to_owned()),
            cacert: Some("ca.pem".into()),
            insecure_http: true,
            ..args()
        };
        assert_eq!(
            server_options(&all),
            r" --base-url 'https://x.example:8443/it'\''s' --proxy socks5h://proxy:1080 --cacert ca.pem --bearer-file '/home/me/my token' --insecure-http"
        );
        for path in ["-", "/dev/fd/3"] {
            assert_eq!(
                server_options(&AccessArgs { bearer_file: Some(path.into()), ..args() }),
                "",
                "it cannot be read again"
            );
        }
        assert_eq!(
            server_options(&AccessArgs { proxy: Some("me:p@ss@proxy:1".to_owned()), ..args() }),
            " --proxy proxy:1"
        );
    }
}
