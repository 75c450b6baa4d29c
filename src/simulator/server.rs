//! The server: it accepts, hands each connection its part of the script, and remembers.
//!
//! It runs as a task of the runtime it is started in, or on a thread of its own for tests that are
//! not async. Dropping it stops it and closes its sockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::answer::Rate;
use super::api::Windows;
use super::certificate::{self, Certificate};
use super::flood::Floods;
use super::log::{ConnectionLog, Log, Request};
use super::play::unix_ms;
use super::post::Posts;
use super::registry::{Foreign, Registry};
use super::rules::{Rule, RuleBook, Rules};
use super::script::{Script, Step};
use super::usage::{Meter, Usage};

/// How a server behaves.
#[derive(Clone)]
pub struct Options {
    /// What it plays.
    pub script: Script,
    /// Speak TLS.
    pub tls: bool,
    /// What is wrong with its certificate.
    pub certificate: Certificate,
    /// Compress every stream whose client offers gzip; a script can ask for it by connection.
    pub gzip: bool,
    /// The only bearer token it takes; `None` takes any that is not empty.
    pub token: Option<String>,
    /// Where it listens. Port 0 takes a free one.
    pub addr: SocketAddr,
    /// Stream requests in 15 minutes, as the headers tell. It counts, but refuses nobody by itself.
    pub rate_limit: u32,
    /// Cut every message into chunks of at most this many bytes, each written on its own. Floods
    /// are not cut.
    pub chunk_size: Option<usize>,
    /// More headers for every stream and refusal of the script.
    pub headers: Vec<(String, String)>,
    /// Which posts are made.
    pub seed: u64,
    /// Streams of one endpoint that may be open at once; one more is refused. `None` is no limit.
    pub connections: Option<usize>,
    /// Connections of other clients: they count, are listed and can be killed.
    pub foreign: Vec<Foreign>,
    /// The rules of the filtered stream.
    pub rules: Rules,
    /// What was consumed before.
    pub usage: Usage,
    /// How the first API requests fail: each takes a connection of this script, as in
    /// `rate-limit 5 | status 503 | unauthorized`. One that refuses nothing (`end`, or only a
    /// `delay`) lets its request pass; after the last all pass.
    pub api: Option<Script>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            script: Script::demo(),
            tls: false,
            certificate: Certificate::Valid,
            gzip: false,
            token: None,
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            rate_limit: 50,
            chunk_size: None,
            headers: Vec::new(),
            seed: 0,
            connections: None,
            foreign: Vec::new(),
            rules: Rules::default(),
            usage: Usage::default(),
            api: None,
        }
    }
}

impl Options {
    /// The usual options with this script.
    #[must_use]
    pub fn new(script: Script) -> Options {
        Options { script, ..Options::default() }
    }
}

/// A running server.
pub struct Server {
    state: Arc<State>,
    addr: SocketAddr,
    ca_pem: Option<String>,
    expected: Option<usize>,
    stop: Stop,
}

/// What stops it.
enum Stop {
    Task(AbortHandle),
    Thread { stop: Option<oneshot::Sender<()>>, thread: Option<JoinHandle<()>> },
}

/// What all connections share.
pub(super) struct State {
    pub(super) script: Progress,
    pub(super) gzip: bool,
    pub(super) chunk_size: Option<usize>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) log: Log,
    pub(super) floods: Floods,
    pub(super) registry: Registry,
    pub(super) rules: RuleBook,
    pub(super) meter: Meter,
    pub(super) windows: Windows,
    /// How the first API requests fail.
    pub(super) api: Option<Progress>,
    token: Option<String>,
    rate_limit: u32,
    /// Stream requests so far in the window, and its end in Unix seconds.
    window: Mutex<(u32, u64)>,
    posts: Mutex<Posts>,
}

/// A script and how far it is played.
pub(super) struct Progress {
    script: Script,
    next: Mutex<usize>,
}

impl Progress {
    /// The steps of the next connection.
    pub(super) fn take(&self) -> Vec<Step> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let steps = self.script.connection(*next).to_vec();
        *next += 1;
        steps
    }

    /// The steps of the next connection, as long as the script has one that was not played.
    pub(super) fn take_planned(&self) -> Option<Vec<Step>> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let steps = (*next < self.script.len()).then(|| self.script.connection(*next).to_vec());
        *next += usize::from(steps.is_some());
        steps
    }

    /// Takes the next connection only if it is such a one.
    pub(super) fn take_if(&self, such: impl FnOnce(&[Step]) -> bool) -> bool {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = such(self.script.connection(*next));
        *next += usize::from(taken);
        taken
    }
}

/// X counts requests in windows of this many seconds.
pub(super) const WINDOW: u64 = 15 * 60;

impl State {
    /// Whether the request may pass: a bearer token, and the right one if there is a right one.
    pub(super) fn authorizes(&self, authorization: Option<&str>) -> bool {
        let Some((scheme, token)) = authorization.and_then(|value| value.split_once(' ')) else {
            return false;
        };
        let token = token.trim();
        scheme.eq_ignore_ascii_case("bearer")
            && !token.is_empty()
            && self.token.as_deref().is_none_or(|right| right == token)
    }

    /// The rate limit as the headers tell it; a stream request counts.
    pub(super) fn rate(&self, counts: bool) -> Rate {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let now = unix_ms() / 1000;
        if window.1 <= now {
            *window = (0, now + WINDOW);
        }
        window.0 = window.0.saturating_add(u32::from(counts));
        Rate { limit: self.rate_limit, remaining: self.rate_limit.saturating_sub(window.0), reset: window.1 }
    }

    /// Appends the next post and returns its id. All connections draw from one supply, so ids rise
    /// across them as they do at X.
    pub(super) fn next_post(&self, unix_ms: u64, out: &mut Vec<u8>) -> u64 {
        let mut posts = self.posts.lock().unwrap_or_else(PoisonError::into_inner);
        posts.next(unix_ms, out);
        posts.last_id()
    }
}

/// A server that is ready to run.
struct Ready {
    listener: TcpListener,
    state: Arc<State>,
    tls: Option<TlsAcceptor>,
    ca_pem: Option<String>,
}

impl Ready {
    async fn new(options: Options) -> io::Result<Ready> {
        let listener = TcpListener::bind(options.addr).await?;
        let (tls, ca_pem) = if options.tls {
            let (config, pem) = certificate::make(options.certificate)?;
            (Some(TlsAcceptor::from(config)), Some(pem))
        } else {
            (None, None)
        };
        let rules = RuleBook::new(options.rules).map_err(|fault| io::Error::new(io::ErrorKind::InvalidInput, fault))?;
        let state = Arc::new(State {
            script: Progress { script: options.script, next: Mutex::new(0) },
            gzip: options.gzip,
            chunk_size: options.chunk_size,
            headers: options.headers,
            log: Log::default(),
            floods: Floods::default(),
            registry: Registry::new(options.connections, options.foreign, options.seed),
            rules,
            meter: Meter::new(options.usage),
            windows: Windows::default(),
            api: options.api.map(|script| Progress { script, next: Mutex::new(0) }),
            token: options.token,
            rate_limit: options.rate_limit,
            window: Mutex::new((0, 0)),
            posts: Mutex::new(Posts::new(options.seed)),
        });
        Ok(Ready { listener, state, tls, ca_pem })
    }

    /// Accepts for ever. Dropping this closes every connection with it.
    async fn run(self) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((tcp, _)) => {
                        connections.spawn(super::connection::serve(tcp, Arc::clone(&self.state), self.tls.clone()));
                    }
                    // Out of descriptors, or the client left before it was accepted. Trying again
                    // at once would spin in the first case.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                },
                // Finished ones are taken out, or they would pile up.
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

impl Server {
    /// Starts as a task of the current runtime.
    ///
    /// # Errors
    /// The address cannot be listened on, no certificate can be made, or a preset rule is none.
    pub async fn start(options: Options) -> io::Result<Server> {
        let ready = Ready::new(options).await?;
        let (state, addr, ca_pem) = (Arc::clone(&ready.state), ready.listener.local_addr()?, ready.ca_pem.clone());
        let stop = Stop::Task(tokio::spawn(ready.run()).abort_handle());
        Ok(Server { state, addr, ca_pem, expected: None, stop })
    }

    /// Starts on a thread of its own, for callers without a runtime.
    ///
    /// # Errors
    /// As `start`; also if the thread cannot be made.
    pub fn spawn(options: Options) -> io::Result<Server> {
        let (started, result) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(String::from("simulator")).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(started.send(Err(error))),
            };
            runtime.block_on(async {
                let parts = async {
                    let ready = Ready::new(options).await?;
                    let addr = ready.listener.local_addr()?;
                    io::Result::Ok((ready, addr))
                };
                match parts.await {
                    Err(error) => drop(started.send(Err(error))),
                    Ok((ready, addr)) => {
                        let parts = (Arc::clone(&ready.state), addr, ready.ca_pem.clone());
                        drop(started.send(Ok(parts)));
                        tokio::select! {
                            () = ready.run() => {}
                            _ = stopped => {}
                        }
                    }
                }
            });
        })?;
        let (state, addr, ca_pem) = result.recv().map_err(io::Error::other)??;
        let stop = Stop::Thread { stop: Some(stop), thread: Some(thread) };
        Ok(Server { state, addr, ca_pem, expected: None, stop })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its address for a client, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        match self.ca_pem {
            // The name, as many clients check only names.
            Some(_) => format!("https://localhost:{}", self.addr.port()),
            None => format!("http://{}", self.addr),
        }
    }

    /// The CA to trust, in PEM, if it speaks TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Every request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.state.log.read().requests.clone()
    }

    /// Every connection so far, in the order they were accepted.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionLog> {
        self.state.log.read().connections.clone()
    }

    /// Messages written so far, on all connections; heartbeats and raw bytes do not count.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.state.log.read().delivered
    }

    /// Connections without an ending.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.state.log.read().connections.iter().filter(|connection| connection.ending.is_none()).count()
    }

    /// The rules in force, oldest first.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        self.state.rules.all()
    }

    /// Blocks until `n` requests have come or the time is up, and returns those that came. Not for
    /// async code: it would stop the runtime the server runs in.
    #[must_use]
    pub fn wait_for_requests(&self, n: usize, within: Duration) -> Vec<Request> {
        self.state.log.wait(within, |book| book.requests.len() >= n).requests.clone()
    }

    /// Blocks until `n` connections have ended or the time is up, and returns all connections.
    #[must_use]
    pub fn wait_for_endings(&self, n: usize, within: Duration) -> Vec<ConnectionLog> {
        let ended = |connection: &&ConnectionLog| connection.ending.is_some();
        self.state.log.wait(within, |book| book.connections.iter().filter(ended).count() >= n).connections.clone()
    }

    /// Blocks until `n` messages were written or the time is up, and returns how many were.
    #[must_use]
    pub fn wait_for_delivered(&self, n: u64, within: Duration) -> u64 {
        self.state.log.wait(within, |book| book.delivered >= n).delivered
    }

    /// Makes the drop of this server panic unless exactly `n` requests came.
    pub fn expect_requests(&mut self, n: usize) {
        self.expected = Some(n);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match &mut self.stop {
            Stop::Task(task) => task.abort(),
            Stop::Thread { stop, thread } => {
                drop(stop.take());
                // A panic of the server has been printed; joined so that its sockets are closed.
                let _ = thread.take().map(JoinHandle::join);
            }
        }
        if let Some(expected) = self.expected
            && !std::thread::panicking()
        {
            let came = self.state.log.read().requests.len();
            assert!(came == expected, "the simulator saw {came} requests, {expected} were expected");
        }
    }
}
