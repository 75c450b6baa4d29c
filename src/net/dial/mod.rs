//! From a request to an open, authenticated response: DNS, TCP, TLS, request, head.
//!
//! A [`Dialer`] knows how to reach the server; each dial carries its own request, so that a reconnect may differ
//! from the first connection. One dial is one attempt: there is no pool and no hidden retry, no
//! redirect is followed, and every attempt resolves the name again. A failure comes back as a [`Failure`], whose code
//! the session decides by.

mod attempt;
mod body;
mod failure;
mod head;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Bytes, Incoming};
use hyper::{Method, Response, Uri, header};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, RootCertStore};
use tower_service::Service as _;

use super::base_url::BaseUrl;
use super::error::chain;
use super::proxy::{Connector, Proxy, with_port};
use super::resolve::Resolver;
use super::stream::{HttpConnection, Stream};
use super::token::Token;
use super::trust::{tls_config, trust};
use crate::clock::Clock;
use crate::protocol::body::ResponseBody;
use crate::protocol::disconnect::LocalCause;
use crate::protocol::request::Request;
use crate::session::{Failure, Refusal};
use attempt::Progress;
pub use attempt::{Dial, DialOutcome};
use head::Coding;

/// From the request to the response head. Half of it fails on a loaded server, twice as much hides a dead one.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Idle time before the kernel probes a connection, so that a peer that vanished is noticed below the stall timer.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How to reach the server.
#[derive(Debug)]
pub struct DialOptions {
    /// The server.
    pub base: BaseUrl,
    /// The credentials; none for a server that needs no token.
    pub token: Option<Token>,
    /// The proxy.
    pub proxy: Option<Proxy>,
    /// Certificates to trust instead of the system's.
    pub cacert: Option<PathBuf>,
    /// Whether to offer gzip.
    pub gzip: bool,
    /// Measures the timeouts.
    pub clock: Clock,
    /// DNS, TCP and TLS together.
    pub connect_timeout: Duration,
    /// From the request to the response head.
    pub head_timeout: Duration,
}

/// Opens connections to one server. A clone shares the certificates, whose reading takes milliseconds.
#[derive(Debug, Clone)]
pub struct Dialer {
    options: Rc<DialOptions>,
    tls: Arc<ClientConfig>,
}

/// One call of X's REST API.
#[derive(Debug, Clone, Copy)]
pub struct ApiRequest<'a> {
    /// The method.
    pub method: &'a Method,
    /// Path and query.
    pub target: &'a str,
    /// The body.
    pub json: Option<&'a str>,
}

/// The response to a call.
#[derive(Debug)]
pub struct ApiResponse {
    /// The HTTP status.
    pub status: u16,
    /// The whole body, inflated; or why it is incomplete.
    pub body: Result<Vec<u8>, Failure>,
    /// Head and body read as a refusal. After a success only its head means anything.
    pub refusal: Refusal,
}

impl Dialer {
    /// Prepares to dial: reads the certificates.
    ///
    /// # Errors
    /// The certificates cannot be read.
    pub fn new(options: DialOptions) -> anyhow::Result<Dialer> {
        let tls = if options.base.is_plain() {
            // Reading the system's roots costs milliseconds that a plain connection need not pay.
            tls_config(RootCertStore::empty())?
        } else {
            trust(options.cacert.as_deref())?
        };
        Ok(Dialer { options: Rc::new(options), tls: Arc::new(tls) })
    }

    /// Checks that a request can be sent to this server at all, before anything is dialled.
    ///
    /// # Errors
    /// Its path is not one.
    pub fn check(&self, request: &Request) -> anyhow::Result<()> {
        let target = &request.target;
        self.options.base.join(target).map(drop).map_err(|error| anyhow::anyhow!("the path {target}: {error}"))
    }

    /// Opens one connection and sends `request` on it.
    pub fn dial(&self, request: &Request) -> Dial {
        let progress = Rc::new(Progress::default());
        let (dialer, request, shared) = (self.clone(), request.clone(), Rc::clone(&progress));
        let future = Box::pin(async move { dialer.open(&request, &shared).await.unwrap_or_else(DialOutcome::Failed) });
        Dial { future, progress }
    }

    async fn open(&self, request: &Request, progress: &Progress) -> Result<DialOutcome, Failure> {
        let method = if request.form.is_some() { Method::POST } else { Method::GET };
        let form = request.form.as_deref().map(|form| ("application/x-www-form-urlencoded", form));
        let (response, connection) = self.exchange(&method, &request.target, form, progress).await?;
        let (parts, body) = response.into_parts();
        let coding = head::coding(&parts.headers);
        let mut stream = Stream::new(connection, body, coding == Coding::Gzip);
        if parts.status == 200 && coding != Coding::Unknown {
            return Ok(DialOutcome::Opened(head::read(&parts.headers), Box::new(stream)));
        }
        // Without a readable body the status still explains the refusal.
        let body = if parts.status == 200 || coding == Coding::Unknown {
            ResponseBody::Empty
        } else {
            tokio::select! {
                body = body::read_refusal(&mut stream) => body,
                () = progress.cancelled.notified() => ResponseBody::Empty,
            }
        };
        stream.close().await;
        if parts.status == 200 {
            return Err(head::unknown_coding(&parts.headers));
        }
        Ok(DialOutcome::Refused(head::refusal(&parts, body, &self.options.clock)))
    }

    /// Sends one call on a connection of its own, and reads the whole response, whatever its status.
    ///
    /// # Errors
    /// There was no response.
    pub async fn call(&self, request: ApiRequest<'_>) -> Result<ApiResponse, Failure> {
        let ApiRequest { method, target, json } = request;
        let json = json.map(|json| ("application/json", json));
        let (response, connection) = self.exchange(method, target, json, &Progress::default()).await?;
        let (parts, body) = response.into_parts();
        let coding = head::coding(&parts.headers);
        let mut stream = Stream::new(connection, body, coding == Coding::Gzip);
        let body = if coding == Coding::Unknown {
            Err(head::unknown_coding(&parts.headers))
        } else {
            body::read_reply(&mut stream, self.options.head_timeout, &self.options.clock).await
        };
        stream.close().await;
        // The status of a refusal explains it even where its body does not.
        let read = body.as_ref().map_or(ResponseBody::Empty, |body| ResponseBody::read(body));
        let refusal = head::refusal(&parts, read, &self.options.clock);
        Ok(ApiResponse { status: refusal.status, body, refusal })
    }

    /// Connects, sends a request, and waits for the head of the response.
    async fn exchange(
        &self,
        method: &Method,
        target: &str,
        body: Option<(&str, &str)>,
        progress: &Progress,
    ) -> Result<(Response<Incoming>, HttpConnection), Failure> {
        let DialOptions { base, proxy, clock, connect_timeout, head_timeout, .. } = &*self.options;
        let unsent = |cause, detail| Failure { cause, detail, sent: false };
        let uri = base.join(target).map_err(|error| unsent(LocalCause::Http, chain(&error)))?;
        let address =
            with_port(&uri, base.port()).ok_or_else(|| unsent(LocalCause::Http, "the URL names no host".to_owned()))?;
        let request = self.http_request(method, &uri, body).map_err(|error| unsent(LocalCause::Http, chain(&error)))?;
        let (mut connector, resolver) = self.connector();
        let io = match clock.timeout(*connect_timeout, connector.call(address)).await {
            Ok(Ok(io)) => io,
            Ok(Err(error)) => return Err(failure::from_connect(error.as_ref(), base, proxy.as_ref(), &resolver)),
            Err(_) => {
                let seconds = connect_timeout.as_secs_f64();
                let detail = format!("no connection to {} within {seconds} s", base.host());
                return Err(unsent(LocalCause::ConnectTimeout, detail));
            }
        };
        let mut connection = HttpConnection::open(io).await?;
        let failed = |detail| Err(Failure { cause: LocalCause::HeadTimeout, detail, sent: true });
        let response = tokio::select! {
            biased;
            response = clock.timeout(*head_timeout, connection.send(request, &progress.sent)) => {
                let seconds = head_timeout.as_secs();
                response.unwrap_or_else(|_| failed(format!("no response within {seconds} s of the request")))
            }
            () = progress.cancelled.notified() => failed("cancelled".to_owned()),
        };
        match response {
            Ok(response) => Ok((response, connection)),
            Err(failure) => {
                // The server may keep the slot occupied until it notices that the client closed.
                connection.close().await;
                Err(failure)
            }
        }
    }

    /// A connector of its own for each attempt, so that the addresses in an error are those of that attempt.
    fn connector(&self) -> (HttpsConnector<Connector>, Resolver) {
        let DialOptions { base, proxy, .. } = &*self.options;
        let resolver = Resolver::new(base.is_plain() && base.is_loopback() && proxy.is_none());
        let mut tcp = HttpConnector::new_with_resolver(resolver.clone());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEP_ALIVE));
        (HttpsConnector::from((Connector { tcp, proxy: proxy.clone() }, Arc::clone(&self.tls))), resolver)
    }

    fn http_request(
        &self,
        method: &Method,
        uri: &Uri,
        body: Option<(&str, &str)>,
    ) -> Result<hyper::Request<http_body_util::Full<Bytes>>, hyper::http::Error> {
        let target = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = hyper::Request::builder().method(method).uri(target);
        if let Some((kind, _)) = body {
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
        request.body(body.map_or_else(String::new, |(_, body)| body.to_owned()).into())
    }
}
