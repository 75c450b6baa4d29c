//! Who we are and the way to X, checked before anything is dialled: for `tail` and every verb that calls the API.
//!
//! Its law: no token leaves this machine in clear text unless `--insecure-http` asks for it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::{Error, usage};
use crate::cli;
use crate::net::api::{self, Api};
use crate::net::dial::{self, Base, Dialer};
use crate::net::proxy::Proxy;
use crate::net::token::{self, Token};
use crate::protocol::endpoint::Host;
use crate::terminal::console::Console;

/// What is settled before a connection is opened.
#[derive(Clone)]
pub struct Access {
    /// Where.
    pub base: Base,
    /// Who we are.
    pub token: Token,
    /// The proxy on the way.
    pub proxy: Option<Proxy>,
    /// Certificates to trust instead of the system's.
    pub cacert: Option<PathBuf>,
    /// DNS, TCP and TLS together.
    pub connect_timeout: Duration,
}

/// Takes a token off the process list. The program executes itself again for that, so this comes first in a verb.
pub fn hide(given: &cli::Access, arguments: &[OsString], console: &Console) -> Result<(), Error> {
    if let Some(text) = given.bearer.as_deref() {
        // Checked under its own name, before it becomes a file of ours.
        Token::find(Some(text), None).or_else(usage)?;
        if let Err(error) = token::hide(arguments) {
            console.always(&format!("the token stays visible in the process list: {error}"));
        }
    }
    Ok(())
}

/// The server to connect to: the one named, else `host`.
pub fn base(given: &cli::Access, host: Host) -> Result<Base, Error> {
    base_of("--base-url", given.base_url.as_deref().unwrap_or(host.base()))
}

/// Checks a base URL that came as `name`. It is not repeated: it may hold what was meant for another flag.
pub fn base_of(name: &str, text: &str) -> Result<Base, Error> {
    Base::parse(text).or_else(|why| usage(format!("{name}: {why}")))
}

impl Access {
    /// Checks all that is given for connections to `base`.
    pub fn new(given: &cli::Access, base: Base, console: &mut Console) -> Result<Access, Error> {
        let token = Token::find(given.bearer.as_deref(), given.bearer_file.as_deref()).or_else(usage)?;
        Access::with(given, base, token, console)
    }

    /// Checks all that is given but the token. From here on `console` redacts the token and the proxy's password.
    pub fn with(given: &cli::Access, base: Base, token: Token, console: &mut Console) -> Result<Access, Error> {
        token.redact_in(console.redactor_mut());
        if base.is_plain() && !base.is_loopback() && !given.insecure_http {
            return usage(format!(
                "http://{} would carry the token in clear text; use https, or --insecure-http if you mean it",
                base.host()
            ));
        }
        let proxy = proxy(given, &base)?;
        if let Some(proxy) = &proxy {
            proxy.redact_in(console.redactor_mut());
        }
        if base.is_plain() && proxy.is_some() && !given.insecure_http {
            return usage("a proxy would see the token in clear text; use https, or --insecure-http if you mean it");
        }
        Ok(Access { base, token, proxy, cacert: given.cacert.clone(), connect_timeout: given.connect_timeout })
    }

    /// For the demo, which needs no token of anybody's, and no proxy on the way to this machine.
    pub fn demo(given: &cli::Access, base: Base) -> Result<Access, Error> {
        let token = Token::parse("demo", "the demo's token").or_else(usage)?;
        Ok(Access { base, token, proxy: None, cacert: None, connect_timeout: given.connect_timeout })
    }

    /// Where we connect to, for people.
    pub fn host(&self) -> String {
        match &self.proxy {
            Some(proxy) => format!("{} through the proxy {}", self.base.host(), proxy.name()),
            None => self.base.host().to_owned(),
        }
    }

    /// Tests play hours of backoff in milliseconds. Nobody else is hurried: it works only towards this machine.
    pub fn speed(&self) -> u32 {
        let asked = std::env::var("XSTREAM_TEST_SPEED").ok().and_then(|speed| speed.parse().ok());
        let here = self.base.is_loopback() && self.proxy.as_ref().is_none_or(Proxy::is_loopback);
        asked.filter(|speed| here && *speed > 0).unwrap_or(1)
    }

    /// Prepares calls of the API, which reports failed attempts on the console.
    pub fn api(self, console: &Console) -> Result<Api, Error> {
        let (console, speed) = (console.clone(), self.speed());
        let dialer = self.dialer("/".to_owned(), None, true)?;
        Ok(Api::new(api::Options { dialer, tell: Box::new(move |line| console.info(line)), speed, retry: true }))
    }

    /// Prepares to dial for `path`, with the form of a POST if there is one.
    pub fn dialer(self, path: String, form: Option<String>, gzip: bool) -> Result<Dialer, Error> {
        let speed = self.speed();
        Dialer::new(dial::Options {
            base: self.base,
            path,
            form,
            token: Some(self.token),
            proxy: self.proxy,
            cacert: self.cacert,
            gzip,
            connect_timeout: self.connect_timeout / speed,
            head_timeout: dial::HEAD_TIMEOUT / speed,
        })
        .or_else(|error| usage(format!("{error:#}")))
    }
}

/// The options that lead another command to the same server in the same way, as given, for a command that is shown to
/// be pasted: nothing, or each behind a blank. Neither a token nor a proxy's password is among them.
#[must_use]
pub fn again(given: &cli::Access) -> String {
    let mut text = String::new();
    let mut add = |name: &str, value: &str| text.extend([" ", name, " ", &quoted(value)]);
    if let Some(url) = &given.base_url {
        add("--base-url", url);
    }
    if let Some(url) = &given.proxy {
        add("--proxy", &without_credentials(url));
    }
    if let Some(path) = &given.cacert {
        add("--cacert", &path.to_string_lossy());
    }
    // Neither stdin nor the pipe that hides the token of the command line can be read a second time.
    if let Some(path) =
        given.bearer_file.as_ref().filter(|path| !path.starts_with("/dev/fd") && path.as_os_str() != "-")
    {
        add("--bearer-file", &path.to_string_lossy());
    }
    if given.insecure_http {
        text.push_str(" --insecure-http");
    }
    text
}

/// A word as a shell takes it for one: as it is if nothing in it means anything to a shell, else in single quotes.
#[must_use]
pub fn quoted(word: &str) -> String {
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

fn proxy(given: &cli::Access, base: &Base) -> Result<Option<Proxy>, Error> {
    match &given.proxy {
        Some(text) => Proxy::parse(text).map(Some).or_else(|why| usage(format!("--proxy: {why}"))),
        // Plain http goes to this machine, where no proxy of the environment belongs in between.
        None if base.is_plain() && base.is_loopback() => Ok(None),
        None => Proxy::of_environment(base.uri()).or_else(usage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> cli::Access {
        cli::Access {
            bearer: None,
            bearer_file: None,
            base_url: None,
            proxy: None,
            cacert: None,
            insecure_http: false,
            connect_timeout: dial::CONNECT_TIMEOUT,
        }
    }

    #[test]
    fn a_command_to_paste_keeps_the_way_to_the_server_and_no_secret() {
        assert_eq!(again(&given()), "");
        let all = cli::Access {
            bearer: Some("secret-token".to_owned()),
            bearer_file: Some("/home/me/my token".into()),
            base_url: Some("https://x.example:8443/it's".to_owned()),
            proxy: Some("socks5h://me:hunter2@proxy:1080".to_owned()),
            cacert: Some("ca.pem".into()),
            insecure_http: true,
            ..given()
        };
        assert_eq!(
            again(&all),
            r" --base-url 'https://x.example:8443/it'\''s' --proxy socks5h://proxy:1080 --cacert ca.pem --bearer-file '/home/me/my token' --insecure-http"
        );
        for path in ["-", "/dev/fd/3"] {
            assert_eq!(
                again(&cli::Access { bearer_file: Some(path.into()), ..given() }),
                "",
                "it cannot be read again"
            );
        }
        assert_eq!(again(&cli::Access { proxy: Some("me:p@ss@proxy:1".to_owned()), ..given() }), " --proxy proxy:1");
    }
}
