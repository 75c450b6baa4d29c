//! The proxy between this machine and the server: its selection, and connections through it.
//!
//! An HTTP proxy opens a tunnel (CONNECT), a SOCKS5 proxy a connection; either way TLS runs end to end and the proxy
//! sees neither the token nor a post. Its law: credentials go to the proxy and appear in no text.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::Uri;
use hyper::header::HeaderValue;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::{Builder, Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::resolve::Resolver;
use crate::redact::Redactor;

/// The variables that name a proxy for https, in the order in which they are tried.
pub const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// A proxy that can be used.
#[derive(Clone)]
pub struct Proxy {
    uri: Uri,
    protocol: Protocol,
}

#[derive(Clone)]
enum Protocol {
    Http(Option<HeaderValue>),
    Socks { auth: Option<(String, String)>, local_dns: bool },
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.name())
    }
}

impl Proxy {
    /// The proxy of `--proxy`.
    ///
    /// # Errors
    /// It is not a URL of a proxy that can be used. The text is not repeated, since it may hold a password.
    pub fn parse(text: &str) -> Result<Proxy, String> {
        let builder = Matcher::builder().all(text.to_owned());
        usable(builder, &Uri::from_static("https://x"))
            .ok_or_else(|| "give it as http://[USER:PASSWORD@]HOST:PORT or socks5h://HOST:PORT".to_owned())?
    }

    /// The proxy that the environment names for `target`, unless `$NO_PROXY` excepts it.
    ///
    /// # Errors
    /// A variable is set to something that cannot be used. Connecting without that proxy would hide the mistake.
    pub fn from_environment(target: &Uri) -> Result<Option<Proxy>, String> {
        let Some((name, value)) =
            VARIABLES.iter().find_map(|name| Some((name, std::env::var(name).ok().filter(|value| !value.is_empty())?)))
        else {
            return Ok(None);
        };
        let resolve = |no: String| usable(Matcher::builder().all(value.clone()).no(no), target);
        match resolve(String::new()) {
            None => {
                Err(format!("${name} is not the URL of a proxy; give it as http://HOST:PORT or socks5h://HOST:PORT"))
            }
            Some(Err(why)) => Err(format!("${name}: {why}")),
            Some(Ok(_)) => {
                let no = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).unwrap_or_default();
                resolve(no).transpose()
            }
        }
    }

    /// Whether it runs on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.uri)
    }

    /// Whether names are resolved on this machine, not by the proxy.
    #[must_use]
    pub fn resolves_here(&self) -> bool {
        matches!(self.protocol, Protocol::Socks { local_dns: true, .. })
    }

    /// Has its password replaced in what the program prints.
    pub fn redact_in(&self, redactor: &mut Redactor) {
        let password = match &self.protocol {
            Protocol::Http(Some(header)) => header.to_str().ok().and_then(basic_password),
            Protocol::Socks { auth, .. } => auth.as_ref().map(|(_, password)| password.clone()),
            Protocol::Http(None) => None,
        };
        if let Some(password) = password {
            redactor.add("(the proxy's password)", &password);
        }
    }

    /// Its host and port, without credentials.
    #[must_use]
    pub fn name(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }
}

/// Whether the host of a URL is this machine, judged by its name or address alone.
#[must_use]
pub fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The password of a `Basic` header (RFC 7617).
fn basic_password(header: &str) -> Option<String> {
    let credentials = BASE64.decode(header.strip_prefix("Basic ")?).ok()?;
    String::from_utf8(credentials).ok()?.split_once(':').map(|(_, password)| password.to_owned())
}

/// The proxy of these rules for `target`: none, one that can be used, or the reason why it cannot.
fn usable(builder: Builder, target: &Uri) -> Option<Result<Proxy, String>> {
    let found: Intercept = builder.build().intercept(target)?;
    let uri = found.uri().clone();
    let socks = |local_dns| {
        let auth = found.raw_auth().map(|(user, password)| (user.to_owned(), password.to_owned()));
        Ok(Protocol::Socks { auth, local_dns })
    };
    let protocol = match uri.scheme_str() {
        Some("http") => Ok(Protocol::Http(found.basic_auth().cloned())),
        Some("socks5") => socks(true),
        Some("socks5h") => socks(false),
        other => Err(format!("a proxy over {} is not supported; http, socks5 and socks5h are", other.unwrap_or("?"))),
    };
    Some(protocol.and_then(|protocol| {
        let uri = with_port(&uri, if matches!(protocol, Protocol::Http(_)) { 80 } else { 1080 });
        Ok(Proxy { uri: uri.ok_or("it names no host, or a port that is no number")?, protocol })
    }))
}

/// `uri` with its port written out: proxy connectors guess it otherwise.
pub fn with_port(uri: &Uri, port: u16) -> Option<Uri> {
    let host = uri.host().filter(|host| !host.is_empty())?;
    // An invalid port must not silently become the default one.
    if uri.port_u16().is_none() && uri.authority()?.as_str() != host {
        return None;
    }
    let port = uri.port_u16().unwrap_or(port);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Uri::builder().scheme(uri.scheme_str()?).authority(format!("{host}:{port}")).path_and_query(path).build().ok()
}

type Tcp = HttpConnector<Resolver>;
type BoxError = Box<dyn StdError + Send + Sync>;

/// Connects to a host, directly or through a proxy.
#[derive(Debug, Clone)]
pub struct Connector {
    /// Plain TCP.
    pub tcp: Tcp,
    /// The proxy.
    pub proxy: Option<Proxy>,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let Some(Proxy { uri, protocol }) = self.proxy.clone() else {
            let connecting = self.tcp.call(target);
            return Box::pin(async move { Ok(connecting.await?) });
        };
        match protocol {
            Protocol::Http(auth) => {
                let mut tunnel = Tunnel::new(uri, self.tcp.clone());
                if let Some(auth) = auth {
                    tunnel = tunnel.with_auth(auth);
                }
                let connecting = tunnel.call(target);
                Box::pin(async move { Ok(connecting.await?) })
            }
            Protocol::Socks { auth, local_dns } => {
                let mut socks = SocksV5::new(uri, self.tcp.clone()).local_dns(local_dns);
                if let Some((user, password)) = auth {
                    socks = socks.with_auth(user, password);
                }
                let connecting = socks.call(target);
                Box::pin(async move { Ok(connecting.await?) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_in_no_name_debug_or_error() {
        for text in ["http://user:hunter2@127.0.0.1:8080", "socks5h://user:hunter2@[::1]:1080", "http://user:hunter2@h"]
        {
            let proxy = Proxy::parse(text).expect("a proxy");
            let shown = format!("{} {proxy:?}", proxy.name());
            assert!(!shown.contains("hunter2") && !shown.contains("user"), "{shown}");
            let mut redactor = Redactor::default();
            proxy.redact_in(&mut redactor);
            for repeated in ["bad hunter2!".to_owned(), format!("no {}", BASE64.encode("user:hunter2"))] {
                assert!(redactor.redact(&repeated).contains("(the proxy's password)"), "{text}");
            }
        }
        for text in ["https://u:hunter2@x:1", "socks4://u:hunter2@x:1", "ftp://u:hunter2@x", "u:hunter2", "", "http://"]
        {
            let error = Proxy::parse(text).expect_err(text);
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn ports_are_written_out() {
        assert_eq!(Proxy::parse("http://proxy").expect("a proxy").name(), "proxy:80");
        assert_eq!(Proxy::parse("socks5://proxy").expect("a proxy").name(), "proxy:1080");
        assert_eq!(Proxy::parse("proxy:3128").expect("a proxy").name(), "proxy:3128");
    }
}
