//! The server: it accepts connections, gives each its part of the script, and logs them.
//!
//! It runs as a task of the runtime it is started in, or on a thread of its own for tests that are
//! not async. Dropping it stops it and closes its sockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::api::registry::{ExternalConnection, Registry};
use super::api::rules::{RuleSettings, RuleStore, SimulatedRule};
use super::api::usage::{UsageMeter, UsageSettings};
use super::api::window::Windows;
use super::clock::SimulatedClock;
use super::feed::numbered::{Feed, FeedOptions};
use super::http::certificate::{self, Certificate};
use super::http::connection;
use super::http::flood::Floods;
use super::log::{ConnectionLog, Log, LoggedRequest};
use super::script::Script;
use super::state::{Generated, ScriptProgress, ServerState};

/// How a server behaves.
#[derive(Clone)]
pub struct ServerOptions {
    /// What it plays.
    pub script: Script,
    /// Speak TLS.
    pub tls: bool,
    /// What is wrong with its certificate.
    pub certificate: Certificate,
    /// Compress every stream whose client offers gzip; a script can request it by connection.
    pub gzip: bool,
    /// The only bearer token it accepts; `None` accepts any that is not empty.
    pub token: Option<String>,
    /// Where it listens. Port 0 chooses a free one.
    pub addr: SocketAddr,
    /// Stream requests in 15 minutes, as the headers show. It counts, but refuses no request by itself.
    pub rate_limit: u32,
    /// Cut every message into chunks of at most this many bytes, each written on its own. Floods
    /// are not cut.
    pub chunk_size: Option<usize>,
    /// More headers for every stream and refusal of the script.
    pub headers: Vec<(String, String)>,
    /// The seed of the generated posts.
    pub seed: u64,
    /// Streams of one endpoint that may be open at once; one more is refused. `None` is no limit.
    pub connections: Option<usize>,
    /// Connections of other clients: they count, are listed and can be terminated.
    pub external: Vec<ExternalConnection>,
    /// The rules of the filtered stream.
    pub rules: RuleSettings,
    /// What was consumed before.
    pub usage: UsageSettings,
    /// How the first API requests fail: each uses a connection of this script, as in
    /// `rate-limit 5 | status 503 | unauthorized`. One that refuses nothing (`end`, or only a
    /// `delay`) lets its request pass; after the last all pass.
    pub api: Option<Script>,
    /// The feed that the step `feed` delivers.
    pub feed: FeedOptions,
    /// How many times faster than real time the simulated time runs; scripts wait in simulated time.
    pub speed: u32,
    /// A request without field parameters gets posts with every field, where X sends id and text only.
    pub all_fields: bool,
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions {
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
            external: Vec::new(),
            rules: RuleSettings::default(),
            usage: UsageSettings::default(),
            api: None,
            feed: FeedOptions::default(),
            speed: 1,
            all_fields: false,
        }
    }
}

impl ServerOptions {
    /// The usual options with this script.
    #[must_use]
    pub fn new(script: Script) -> ServerOptions {
        ServerOptions { script, ..ServerOptions::default() }
    }
}

/// A running server.
pub struct Server {
    state: Arc<ServerState>,
    addr: SocketAddr,
    ca_pem: Option<String>,
    expected: Option<usize>,
    stop: StopHandle,
}

/// What stops it.
enum StopHandle {
    Task(AbortHandle),
    Thread { stop: Option<oneshot::Sender<()>>, thread: Option<JoinHandle<()>> },
}

/// A server that is ready to run.
struct Ready {
    listener: TcpListener,
    state: Arc<ServerState>,
    tls: Option<TlsAcceptor>,
    ca_pem: Option<String>,
}

impl Ready {
    async fn new(options: ServerOptions) -> io::Result<Ready> {
        let listener = TcpListener::bind(options.addr).await?;
        let (tls, ca_pem) = if options.tls {
            let (config, pem) = certificate::make(options.certificate)?;
            (Some(TlsAcceptor::from(config)), Some(pem))
        } else {
            (None, None)
        };
        let rules =
            RuleStore::new(options.rules).map_err(|fault| io::Error::new(io::ErrorKind::InvalidInput, fault))?;
        let clock = Arc::new(SimulatedClock::new(options.speed));
        let state = Arc::new(ServerState {
            feed: Feed::new(options.feed, clock.now(), options.seed),
            script: ScriptProgress::new(options.script),
            gzip: options.gzip,
            chunk_size: options.chunk_size,
            headers: options.headers,
            all_fields: options.all_fields,
            log: Log::default(),
            floods: Floods::default(),
            registry: Registry::new(options.connections, options.external, options.seed, Arc::clone(&clock)),
            rules,
            meter: UsageMeter::new(options.usage),
            windows: Windows::default(),
            api: options.api.map(ScriptProgress::new),
            token: options.token,
            rate_limit: options.rate_limit,
            generated: Generated::new(options.seed),
            clock,
        });
        Ok(Ready { listener, state, tls, ca_pem })
    }

    /// Accepts without limit. Dropping this closes every connection with it.
    async fn run(self) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((tcp, _)) => {
                        connections.spawn(connection::serve(tcp, Arc::clone(&self.state), self.tls.clone()));
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
    /// The address cannot be listened on, no certificate can be made, or a preset rule is invalid.
    pub async fn start(options: ServerOptions) -> io::Result<Server> {
        let ready = Ready::new(options).await?;
        let (state, addr, ca_pem) = (Arc::clone(&ready.state), ready.listener.local_addr()?, ready.ca_pem.clone());
        let stop = StopHandle::Task(tokio::spawn(ready.run()).abort_handle());
        Ok(Server { state, addr, ca_pem, expected: None, stop })
    }

    /// Starts on a thread of its own, for callers without a runtime.
    ///
    /// # Errors
    /// As `start`; also if the thread cannot be made.
    pub fn spawn(options: ServerOptions) -> io::Result<Server> {
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
        let stop = StopHandle::Thread { stop: Some(stop), thread: Some(thread) };
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
    pub fn requests(&self) -> Vec<LoggedRequest> {
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

    /// How many messages of the feed exist: their numbers are those below. A connection's numbers are in its log.
    #[must_use]
    pub fn produced(&self) -> u64 {
        self.state.feed.produced(self.state.clock.now())
    }

    /// The time now, as the simulator shows it to clients, since the Unix epoch.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.state.clock.now()
    }

    /// When a message of the feed is written, since the Unix epoch.
    #[must_use]
    pub fn time_of(&self, number: u64) -> Duration {
        self.state.feed.time_of(number)
    }

    /// The number of a message of the feed, by the id in it; `None` if it is not of the feed.
    #[must_use]
    pub fn number_of(&self, message: &Value) -> Option<u64> {
        self.state.feed.number_of(message)
    }

    /// Moves the simulated time forward: the feed has then produced what belongs to that time.
    pub fn advance(&self, by: Duration) {
        self.state.clock.advance(by);
    }

    /// The rules in force, oldest first.
    #[must_use]
    pub fn rules(&self) -> Vec<SimulatedRule> {
        self.state.rules.all()
    }

    /// Blocks until `n` requests have come or the time is up, and returns those that came. Not for
    /// async code: it would stop the runtime the server runs in.
    #[must_use]
    pub fn wait_for_requests(&self, n: usize, within: Duration) -> Vec<LoggedRequest> {
        self.state.log.wait(within, |records| records.requests.len() >= n).requests.clone()
    }

    /// Blocks until `n` connections have ended or the time is up, and returns all connections.
    #[must_use]
    pub fn wait_for_endings(&self, n: usize, within: Duration) -> Vec<ConnectionLog> {
        let ended = |connection: &&ConnectionLog| connection.ending.is_some();
        self.state.log.wait(within, |records| records.connections.iter().filter(ended).count() >= n).connections.clone()
    }

    /// Blocks until `n` messages were written or the time is up, and returns how many were.
    #[must_use]
    pub fn wait_for_delivered(&self, n: u64, within: Duration) -> u64 {
        self.state.log.wait(within, |records| records.delivered >= n).delivered
    }

    /// Makes the drop of this server panic unless exactly `n` requests came.
    pub fn expect_requests(&mut self, n: usize) {
        self.expected = Some(n);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match &mut self.stop {
            StopHandle::Task(task) => task.abort(),
            StopHandle::Thread { stop, thread } => {
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
