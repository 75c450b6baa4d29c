//! The base URL: which server a run talks to, and under which path.

use hyper::Uri;
use hyper::http;

use super::proxy::{is_loopback, with_port};

/// A checked base URL: scheme, host, port and an optional path in front of every path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    uri: Uri,
}

impl BaseUrl {
    /// Checks a base URL.
    ///
    /// # Errors
    /// What is wrong with it, and what it should look like.
    pub fn parse(text: &str) -> Result<BaseUrl, String> {
        const EXAMPLE: &str = "give it as https://HOST[:PORT]";
        if text.contains('@') {
            return Err(format!("a URL with a user name; {EXAMPLE}"));
        }
        let uri: Uri = text.parse().map_err(|error| format!("{error}; {EXAMPLE}"))?;
        if uri.query().is_some() || text.contains('#') {
            return Err(format!("a base URL has no query; {EXAMPLE}"));
        }
        if with_port(&uri, 443).is_none() && uri.host().is_some() {
            return Err(format!("its port is not a number from 0 to 65535; {EXAMPLE}"));
        }
        match (uri.scheme_str(), uri.host()) {
            (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(BaseUrl { uri }),
            (Some("http" | "https") | None, _) => Err(EXAMPLE.to_owned()),
            (Some(scheme), _) => Err(format!("{scheme} is not http or https; {EXAMPLE}")),
        }
    }

    /// The host for display, with the port if one was given.
    #[must_use]
    pub fn host(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    /// The port, the scheme's own if none was given.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(if self.is_plain() { 80 } else { 443 })
    }

    /// Whether the connection is not encrypted.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.uri.scheme_str() == Some("http")
    }

    /// Whether the host is this machine, judged by its name or address alone.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.uri)
    }

    /// The URL itself, for rules about proxies.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The URL of `target`, a path with an optional query.
    ///
    /// # Errors
    /// The target is not one.
    pub fn join(&self, target: &str) -> Result<Uri, http::Error> {
        let prefix = self.uri.path().trim_end_matches('/');
        Uri::builder()
            .scheme(self.uri.scheme_str().unwrap_or("https"))
            .authority(self.host())
            .path_and_query(format!("{prefix}{target}"))
            .build()
    }
}
