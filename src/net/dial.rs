//! From a base URL to an open, authenticated response: DNS, TCP, TLS, request, head.
//!
//! One dial is one attempt. There is no pool and no hidden retry, no redirect is followed, and every attempt
//! resolves the name again. Failures come back as a [`Failure`], whose code the session decides by.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Method, Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::RootCertStore;
use tokio::sync::Notify;
use tower_service::Service;

use super::proxy::{Connector, Proxy, is_loopback, with_port};
use super::resolve::{DnsError, Resolver};
use super::stream::{Connection, Stream};
use super::token::Token;
use super::trust::{certificate_words, client_config, trust};
use crate::protocol::disconnect::Own;
use crate::protocol::problem::Body;
use crate::protocol::rate_limit::{self, RateLimit};
use crate::session::{Failure, Head, Refusal};
use crate::text::sanitize;

/// DNS, TCP and TLS together; X docs name no figure, and a network that needs longer needs a person.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// From the request to the response head. Half flaps on a loaded server, double hides a dead one.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// What a refused response may say; X's longest problem is under 1 KB.
const BODY_CAP: usize = 64 << 10;

/// What a call may be answered with, inflated. X's largest page, 1000 rules of 2048 characters, stays below even if
/// every character takes four bytes.
const REPLY_CAP: usize = 8 << 20;

/// How many times as long as for its head a reply to a call may take for its body: a minute, in which X's largest
/// page comes over the slowest line that streams anything.
const REPLY_HEADS: u32 = 2;

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
        is_loopback(&self.uri)
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

/// Opens connections, one at a time. A clone shares what was read of certificates, which takes milliseconds.
#[derive(Debug, Clone)]
pub struct Dialer {
    options: Options,
    connector: HttpsConnector<Connector>,
    resolver: Resolver,
}

/// One request.
#[derive(Clone, Copy)]
struct Asked<'a> {
    method: &'a Method,
    path: &'a str,
    /// Its type and text.
    body: Option<(&'a str, &'a str)>,
}

/// What a call was answered with.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The whole body, inflated; or why it did not come whole.
    pub body: Result<Vec<u8>, Failure>,
    /// Head and body as a refusal reads them; of use beyond the head where the status is no success.
    pub refusal: Refusal,
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

    /// Opens one connection and sends one request. On `cancel` it says goodbye to a server that has the request.
    pub async fn dial(&mut self, cancel: &Notify) -> Answer {
        match self.answer(cancel).await {
            Ok(answer) => answer,
            Err(failure) => Answer::Failed(failure),
        }
    }

    /// Sends one request of the API on a connection of its own, and reads the whole reply, whatever its status.
    ///
    /// # Errors
    /// There was no reply.
    pub async fn call(&mut self, method: &Method, path: &str, json: Option<&str>) -> Result<Reply, Failure> {
        let asked = Asked { method, path, body: json.map(|json| ("application/json", json)) };
        let (response, connection) = self.exchange(asked, &Notify::new()).await?;
        let (parts, body) = response.into_parts();
        let head = head_of(&parts.headers);
        let (gzip, readable) = coding_of(&parts.headers);
        let mut stream = Stream::new(connection, body, gzip);
        let body = if readable {
            self.read_reply(&mut stream).await
        } else {
            Err(Failure { own: Own::Http, detail: not_offered(&parts.headers), sent: true })
        };
        stream.close().await;
        // The status of a refusal tells even where its body does not.
        let said = body.as_ref().map_or(Body::Empty, |body| Body::read(body));
        Ok(Reply { status: parts.status.as_u16(), body, refusal: refusal_of(&parts, head, said) })
    }

    /// Reads a whole body, within bounds of size, silence and time.
    async fn read_reply(&self, stream: &mut Stream) -> Result<Vec<u8>, Failure> {
        let cut = |own, detail: &str| Failure { own, detail: detail.to_owned(), sent: true };
        let mut plain = Vec::new();
        let mut length = 0;
        let mut inflater = crate::pipeline::inflate::Inflater::default();
        let mut keep = |bytes: &[u8]| {
            length += bytes.len();
            if length <= REPLY_CAP {
                plain.extend_from_slice(bytes);
            }
            length <= REPLY_CAP
        };
        let limit = self.options.head_timeout;
        let until = tokio::time::Instant::now() + limit * REPLY_HEADS;
        loop {
            let now = tokio::time::Instant::now();
            let Ok(next) = tokio::time::timeout_at(until.min(now + limit), stream.next()).await else {
                let detail = if tokio::time::Instant::now() < until {
                    format!("the reply stopped for {} s", HEAD_TIMEOUT.as_secs())
                } else {
                    format!("the reply did not end within {} s", (HEAD_TIMEOUT * REPLY_HEADS).as_secs())
                };
                return Err(cut(Own::Stall, &detail));
            };
            let Some(chunk) = next.transpose()? else { break };
            let mut fits = true;
            if stream.gzip {
                let pushed = inflater.push(&chunk, |piece| fits &= keep(piece));
                pushed.map_err(|error| cut(Own::Gzip, &format!("damaged gzip: {error}")))?;
            } else {
                fits = keep(&chunk);
            }
            if !fits {
                return Err(cut(Own::Http, &format!("the reply is longer than {} MiB", REPLY_CAP >> 20)));
            }
        }
        if stream.gzip && inflater.finish(|piece| _ = keep(piece)).is_err() {
            return Err(cut(Own::Truncated, "the compressed reply is cut short"));
        }
        Ok(plain)
    }

    async fn answer(&mut self, cancel: &Notify) -> Result<Answer, Failure> {
        let path = self.options.path.clone();
        let form = self.options.form.clone();
        let asked = Asked {
            method: if form.is_some() { &Method::POST } else { &Method::GET },
            path: &path,
            body: form.as_deref().map(|form| ("application/x-www-form-urlencoded", form)),
        };
        let (response, connection) = self.exchange(asked, cancel).await?;
        Ok(self.read_head(response, connection, cancel).await)
    }

    /// Connects, sends a request, and waits for the head of the response.
    async fn exchange(
        &mut self,
        asked: Asked<'_>,
        cancel: &Notify,
    ) -> Result<(Response<Incoming>, Connection), Failure> {
        let uri = self.options.base.join(asked.path).map_err(|error| failure(Own::Http, &error, false))?;
        let Some(target) = with_port(&uri, if self.options.base.is_plain() { 80 } else { 443 }) else {
            return Err(Failure { own: Own::Http, detail: "the URL names no host".to_owned(), sent: false });
        };
        let connecting = self.connector.call(target);
        let connected = tokio::select! {
            biased;
            connected = tokio::time::timeout(self.options.connect_timeout, connecting) => connected,
            () = cancel.notified() => {
                return Err(Failure { own: Own::ConnectTimeout, detail: "given up".to_owned(), sent: false });
            }
        };
        let io = match connected {
            Ok(Ok(io)) => io,
            Ok(Err(error)) => return Err(self.of_connect(error.as_ref())),
            Err(_) => {
                let seconds = self.options.connect_timeout.as_secs_f64();
                let detail = format!("no connection to {} within {seconds} s", self.options.base.host());
                return Err(Failure { own: Own::ConnectTimeout, detail, sent: false });
            }
        };
        let mut connection = Connection::open(io).await?;
        let response = tokio::select! {
            biased;
            response = tokio::time::timeout(self.options.head_timeout, connection.send(self.request(&uri, asked)?)) => {
                response.unwrap_or_else(|_| {
                    let detail = format!("no answer within {} s of the request", HEAD_TIMEOUT.as_secs());
                    Err(Failure { own: Own::HeadTimeout, detail, sent: true })
                })
            }
            () = cancel.notified() => {
                Err(Failure { own: Own::HeadTimeout, detail: "given up".to_owned(), sent: true })
            }
        };
        match response {
            Ok(response) => Ok((response, connection)),
            Err(failure) => {
                // The server may hold the slot for us until it learns that we are gone.
                connection.close().await;
                Err(failure)
            }
        }
    }

    fn request(&self, uri: &Uri, asked: Asked<'_>) -> Result<Request<Form>, Failure> {
        let target = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder().method(asked.method).uri(target);
        if let Some((kind, _)) = asked.body {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        request = request
            .header(header::HOST, self.options.base.host())
            .header(header::USER_AGENT, concat!("xstream/", env!("CARGO_PKG_VERSION")));
        if self.options.gzip {
            request = request.header(header::ACCEPT_ENCODING, "gzip");
        }
        if let Some(token) = &self.options.token {
            request = request.header(header::AUTHORIZATION, token.header());
        }
        let body = asked.body.map_or_else(String::new, |(_, body)| body.to_owned());
        request.body(Form::from(body)).map_err(|error| failure(Own::Http, &error, false))
    }

    async fn read_head(&self, response: Response<Incoming>, connection: Connection, cancel: &Notify) -> Answer {
        let (parts, body) = response.into_parts();
        let head = head_of(&parts.headers);
        let (gzip, readable) = coding_of(&parts.headers);
        let status = parts.status.as_u16();
        let mut stream = Stream::new(connection, body, gzip);
        if status == 200 && readable {
            return Answer::Opened(head, Box::new(stream));
        }
        if status == 200 {
            stream.close().await;
            return Answer::Failed(Failure { own: Own::Http, detail: not_offered(&parts.headers), sent: true });
        }
        // A body that cannot be read says nothing; the status still does.
        let body = if readable { read_body(&mut stream, cancel).await } else { Body::Empty };
        stream.close().await;
        Answer::Refused(refusal_of(&parts, head, body))
    }
}

fn head_of(headers: &HeaderMap) -> Head {
    Head {
        rate: RateLimit::read(|name| text(headers, name)),
        date: text(headers, "date").and_then(rate_limit::http_date),
    }
}

fn refusal_of(parts: &Parts, head: Head, body: Body) -> Refusal {
    let (status, headers) = (parts.status.as_u16(), &parts.headers);
    let server_now = head.date.unwrap_or_else(now);
    Refusal {
        status,
        retry_after: text(headers, "retry-after").and_then(|value| rate_limit::retry_after(value, server_now)),
        redirect: (300..400).contains(&status).then(|| target(headers)),
        head,
        body,
    }
}

fn coding(headers: &HeaderMap) -> String {
    text(headers, "content-encoding").unwrap_or("identity").trim().to_ascii_lowercase()
}

/// Whether a body is gzip, and whether it can be read at all.
fn coding_of(headers: &HeaderMap) -> (bool, bool) {
    let coding = coding(headers);
    let gzip = matches!(coding.as_str(), "gzip" | "x-gzip");
    (gzip, gzip || coding == "identity" || coding.is_empty())
}

fn not_offered(headers: &HeaderMap) -> String {
    format!("the server compresses with `{}`, which was not offered", sanitize(&coding(headers), 100))
}

/// Time since the Unix epoch, for a server that does not tell its own.
fn now() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

type Form = http_body_util::Full<hyper::body::Bytes>;

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok())
}

/// The host a redirect points to; the rest of it is the server's business and not shown.
fn target(headers: &HeaderMap) -> String {
    let location = headers.get("location").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let location = location.unwrap_or_default();
    // Read leniently, as a client that followed it would: a scheme may be missing, a path may be malformed.
    let after =
        location.find("//").filter(|at| *at == 0 || location[..*at].ends_with(':')).map(|at| &location[at + 2..]);
    match after.map(|rest| rest.split(['/', '?', '#', '\\']).next().unwrap_or_default()) {
        Some(authority) if !authority.is_empty() => sanitize(authority.rsplit('@').next().unwrap_or(authority), 100),
        _ if location.is_empty() => "nowhere (no Location)".to_owned(),
        _ => "another path on the same host".to_owned(),
    }
}

/// Reads what a refused response says, within bounds of size and time.
async fn read_body(stream: &mut Stream, cancel: &Notify) -> Body {
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
    tokio::select! {
        _ = tokio::time::timeout(BODY_TIMEOUT, reading) => {}
        () = cancel.notified() => {}
    }
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
    sanitize(&text, 300)
}

/// The `io::Error` at the bottom: libraries wrap the one that tells into others that say only "other".
fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a io::Error> {
    let mut found = find::<io::Error>(error)?;
    while let Some(inner) = found.get_ref().and_then(|inner| find::<io::Error>(inner)) {
        found = inner;
    }
    Some(found)
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
        let io = innermost(error);
        let kind = io.map(io::Error::kind);
        // The host took the connection and then left: that is TLS, which began with the first byte.
        let left = matches!(kind, Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset));
        let text = chain(error);
        match &self.options.proxy {
            Some(proxy) if !left || text.contains("tunnel") || text.contains("SOCKS") => {
                return unsent(Own::Proxy, format!("through {}: {text}", proxy.name()));
            }
            _ => {}
        }
        if left && !self.options.base.is_plain() {
            return unsent(Own::Tls, format!("{host} closed the connection during the TLS handshake"));
        }
        if let Some(dns) = find::<DnsError>(error) {
            return unsent(Own::Dns, format!("{host}: {dns}"));
        }
        let why = io.map_or(text, ToString::to_string);
        unsent(Own::Tcp, format!("{host}: {why}{}", self.resolver.tried()))
    }
}
