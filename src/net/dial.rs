//! From a base URL to an open, authenticated response: DNS, TCP, TLS, request, head.
//!
//! One dial is one attempt. There is no pool and no hidden retry, no redirect is followed, and every attempt
//! resolves the name again. Failures come back as a [`Failure`], whose code the session decides by.

use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tower_service::Service;

use super::proxy::{Connector, Proxy, with_port};
use super::resolve::{DnsError, Resolver};
use super::stream::{Connection, Stream};
use super::token::Token;
use crate::protocol::disconnect::Own;
use crate::protocol::problem::Body;
use crate::protocol::rate_limit::{self, RateLimit};
use crate::session::{Failure, Head, Refusal};

/// DNS, TCP and TLS together; X docs name no figure, and a network that needs longer needs a person.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// From the request to the response head. Half flaps on a loaded server, double hides a dead one.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// What a refused response may say; X's longest problem is under 1 KB.
const BODY_CAP: usize = 64 << 10;

/// How long a refused response may take to say it.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// Idle time before the kernel probes a connection, so that a peer that vanished is noticed below the stall timer.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A checked base URL: scheme, host, port and an optional path in front of every path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    uri: Uri,
}

impl Base {
    /// Checks a base URL.
    ///
    /// # Errors
    /// What is wrong with it, and what it should look like.
    pub fn parse(text: &str) -> Result<Base, String> {
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
            (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(Base { uri }),
            (Some("http" | "https") | None, _) => Err(EXAMPLE.to_owned()),
            (Some(scheme), _) => Err(format!("{scheme} is not http or https; {EXAMPLE}")),
        }
    }

    /// The host, as people know it, with the port if one was given.
    #[must_use]
    pub fn host(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    /// Whether the connection is not encrypted.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.uri.scheme_str() == Some("http")
    }

    /// Whether the host is this machine, by its name or address alone.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The URL itself, for rules about proxies.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    fn join(&self, path: &str) -> Result<Uri, hyper::http::Error> {
        let front = self.uri.path().trim_end_matches('/');
        Uri::builder()
            .scheme(self.uri.scheme_str().unwrap_or("https"))
            .authority(self.host())
            .path_and_query(format!("{front}{path}"))
            .build()
    }
}

/// How to dial.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where.
    pub base: Base,
    /// Path and query of the stream.
    pub path: String,
    /// The form that a POST carries; none for a GET.
    pub form: Option<String>,
    /// Who we are; none to a server that wants no token.
    pub token: Option<Token>,
    /// The proxy on the way.
    pub proxy: Option<Proxy>,
    /// Certificates to trust instead of the system's.
    pub cacert: Option<PathBuf>,
    /// Whether to offer gzip.
    pub gzip: bool,
    /// DNS, TCP and TLS together.
    pub connect_timeout: Duration,
    /// From the request to the response head; [`HEAD_TIMEOUT`] outside tests.
    pub head_timeout: Duration,
}

/// Opens connections, one at a time.
#[derive(Debug)]
pub struct Dialer {
    options: Options,
    connector: HttpsConnector<Connector>,
    resolver: Resolver,
}

/// What a dial came to.
pub enum Answer {
    /// A 200, with its stream.
    Opened(Head, Box<Stream>),
    /// Any other status.
    Refused(Refusal),
    /// No answer.
    Failed(Failure),
}

impl Dialer {
    /// Prepares to dial: reads certificates, checks the request.
    ///
    /// # Errors
    /// The certificates cannot be read, or the path is not one.
    pub fn new(options: Options) -> anyhow::Result<Dialer> {
        options.base.join(&options.path).map_err(|error| anyhow::anyhow!("the path {}: {error}", options.path))?;
        let tls = if options.base.is_plain() {
            // Reading the system's roots costs milliseconds that a plain connection need not pay.
            client_config(RootCertStore::empty())?
        } else {
            trust(options.cacert.as_deref())?
        };
        let resolver = Resolver {
            loopback_only: options.base.is_plain() && options.base.is_loopback() && options.proxy.is_none(),
            found: Arc::default(),
        };
        let mut tcp = HttpConnector::new_with_resolver(resolver.clone());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEP_ALIVE));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector { tcp, proxy: options.proxy.clone() });
        Ok(Dialer { options, connector, resolver })
    }

    /// Opens one connection and sends one request.
    pub async fn dial(&mut self) -> Answer {
        match self.answer().await {
            Ok(answer) => answer,
            Err(failure) => Answer::Failed(failure),
        }
    }

    async fn answer(&mut self) -> Result<Answer, Failure> {
        let uri = self.options.base.join(&self.options.path).map_err(|error| failure(Own::Http, &error, false))?;
        let Some(target) = with_port(&uri, if self.options.base.is_plain() { 80 } else { 443 }) else {
            return Err(Failure { own: Own::Http, detail: "the URL names no host".to_owned(), sent: false });
        };
        let connecting = self.connector.call(target);
        let io = match tokio::time::timeout(self.options.connect_timeout, connecting).await {
            Ok(Ok(io)) => io,
            Ok(Err(error)) => return Err(self.of_connect(error.as_ref())),
            Err(_) => {
                let seconds = self.options.connect_timeout.as_secs_f64();
                let detail = format!("no connection to {} within {seconds} s", self.options.base.host());
                return Err(Failure { own: Own::ConnectTimeout, detail, sent: false });
            }
        };
        let sending = Connection::send(io, self.request(&uri)?);
        let Ok(sent) = tokio::time::timeout(self.options.head_timeout, sending).await else {
            let detail = format!("no answer within {:?} of the request", self.options.head_timeout);
            return Err(Failure { own: Own::HeadTimeout, detail, sent: true });
        };
        let (response, connection) = sent?;
        Ok(self.read_head(response, connection).await)
    }

    fn request(&self, uri: &Uri) -> Result<Request<Form>, Failure> {
        let target = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = match &self.options.form {
            Some(_) => Request::post(target).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
            None => Request::get(target),
        };
        request = request
            .header(header::HOST, self.options.base.host())
            .header(header::USER_AGENT, concat!("xstream/", env!("CARGO_PKG_VERSION")));
        if self.options.gzip {
            request = request.header(header::ACCEPT_ENCODING, "gzip");
        }
        if let Some(token) = &self.options.token {
            request = request.header(header::AUTHORIZATION, token.header());
        }
        let form = self.options.form.clone().unwrap_or_default();
        request.body(Form::from(form)).map_err(|error| failure(Own::Http, &error, false))
    }

    async fn read_head(&self, response: Response<Incoming>, connection: Connection) -> Answer {
        let (parts, body) = response.into_parts();
        let headers = &parts.headers;
        let head = Head {
            rate: RateLimit::read(|name| text(headers, name)),
            date: text(headers, "date").and_then(rate_limit::http_date),
        };
        let coding = text(headers, "content-encoding").unwrap_or("identity").trim().to_ascii_lowercase();
        let gzip = matches!(coding.as_str(), "gzip" | "x-gzip");
        if !gzip && coding != "identity" && !coding.is_empty() {
            let detail = format!("the server compresses with `{}`, which was not offered", printable(&coding));
            return Answer::Failed(Failure { own: Own::Http, detail, sent: true });
        }
        let status = parts.status.as_u16();
        let mut stream = Stream::new(connection, body, gzip);
        if status == 200 {
            return Answer::Opened(head, Box::new(stream));
        }
        let server_now = head.date.unwrap_or_else(now);
        let refusal = Refusal {
            status,
            retry_after: text(headers, "retry-after").and_then(|value| rate_limit::retry_after(value, server_now)),
            redirect: (300..400).contains(&status).then(|| target(headers)),
            head,
            body: read_body(&mut stream).await,
        };
        stream.close().await;
        Answer::Refused(refusal)
    }
}

/// Time since the Unix epoch, for a server that does not tell its own.
fn now() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

type Form = http_body_util::Full<hyper::body::Bytes>;

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok())
}

fn printable(text: &str) -> String {
    crate::protocol::problem::printable(text, 100)
}

/// The host a redirect points to; the rest of it is the server's business and not shown.
fn target(headers: &HeaderMap) -> String {
    let location = text(headers, "location").unwrap_or_default();
    let host = location.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
    match host {
        Some(host) => printable(&host),
        None if location.is_empty() => "nowhere (no Location)".to_owned(),
        None => "another path on the same host".to_owned(),
    }
}

/// Reads what a refused response says, within bounds of size and time.
async fn read_body(stream: &mut Stream) -> Body {
    let mut bytes = Vec::new();
    let reading = async {
        while let Some(Ok(chunk)) = stream.next().await {
            let room = BODY_CAP - bytes.len();
            bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if bytes.len() == BODY_CAP {
                break;
            }
        }
    };
    // Late or cut, what came is still the best explanation there is.
    let _ = tokio::time::timeout(BODY_TIMEOUT, reading).await;
    if stream.gzip {
        let mut plain = Vec::new();
        let _ = crate::pipeline::inflate::Inflater::default().push(&bytes, |piece| {
            let room = BODY_CAP - plain.len();
            plain.extend_from_slice(&piece[..piece.len().min(room)]);
        });
        bytes = plain;
    }
    Body::read(&bytes)
}

/// The certificates to trust: `--cacert`, else `$SSL_CERT_FILE`, else the operating system's, else Mozilla's.
fn trust(cacert: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let variable = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let (source, path) = match (cacert, variable) {
        (Some(path), _) => ("--cacert", path.to_owned()),
        (None, Some(path)) => ("$SSL_CERT_FILE", path),
        (None, None) => return system_trust(),
    };
    let unreadable = |why: String| anyhow::anyhow!("reading certificates from {} ({source}): {why}", path.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&path).map_err(|error| unreadable(error.to_string()))? {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        // One certificate that rustls does not take must not cost the others of a bundle.
        let _ = roots.add(certificate);
    }
    if roots.is_empty() {
        return Err(unreadable("no usable certificate in it".to_owned()));
    }
    client_config(roots)
}

fn system_trust() -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    match rustls_platform_verifier::Verifier::new(provider.clone()) {
        Ok(verifier) => Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth()),
        // A bare container has no roots; the bundled ones serve.
        Err(_) => client_config(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()),
    }
}

fn client_config(roots: RootCertStore) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn failure(own: Own, error: &dyn StdError, sent: bool) -> Failure {
    Failure { own, detail: chain(error), sent }
}

/// An error with its causes, outermost first, each said once.
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    crate::protocol::problem::printable(&text, 300)
}

/// Looks through an error and its causes, also through what `io::Error` wraps, for one of type `E`.
pub fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    None
}

impl Dialer {
    fn of_connect(&self, error: &(dyn StdError + 'static)) -> Failure {
        let host = self.options.base.host();
        let unsent = |own, detail| Failure { own, detail, sent: false };
        if let Some(tls) = find::<rustls::Error>(error) {
            return match tls {
                rustls::Error::InvalidCertificate(why) => {
                    unsent(Own::Certificate, format!("the certificate of {host} {}", certificate_words(why)))
                }
                tls => unsent(Own::Tls, format!("TLS with {host}: {tls}")),
            };
        }
        if let Some(proxy) = &self.options.proxy {
            return unsent(Own::Proxy, format!("through {}: {}", proxy.name(), chain(error)));
        }
        if let Some(dns) = find::<DnsError>(error) {
            return unsent(Own::Dns, format!("{host}: {dns}"));
        }
        match find::<io::Error>(error) {
            Some(io) if io.kind() == io::ErrorKind::UnexpectedEof => {
                unsent(Own::Tls, format!("{host} closed the connection during the TLS handshake"))
            }
            Some(io) => unsent(Own::Tcp, format!("{host}: {io}{}", self.resolver.tried())),
            None => unsent(Own::Tcp, format!("{host}: {}", chain(error))),
        }
    }
}

fn certificate_words(why: &CertificateError) -> String {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired; check this machine's clock".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet; check this machine's clock".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "is signed by nobody this machine trusts; behind a TLS proxy give its CA with --cacert".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another host".to_owned()
        }
        CertificateError::Revoked => "is revoked".to_owned(),
        other if other.to_string().contains("CaUsedAsEndEntity") => {
            "is that of a CA; a server wants one of its own, signed by the CA (basicConstraints CA:FALSE)".to_owned()
        }
        other => format!("is not acceptable: {other}"),
    }
}
