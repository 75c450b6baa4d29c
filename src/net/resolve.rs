//! From a name to addresses, with the system's own resolver, again for each attempt.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

/// The system's resolver. Clones share the addresses of the last lookup.
#[derive(Debug, Clone)]
pub struct Resolver {
    loopback_only: bool,
    found: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Resolver {
    /// With `loopback_only` only addresses of this machine count: `localhost`, which may receive a token in clear
    /// text, must not lead elsewhere.
    #[must_use]
    pub fn new(loopback_only: bool) -> Resolver {
        Resolver { loopback_only, found: Arc::default() }
    }

    /// The addresses of the last lookup, for an error; empty if the host was an address itself.
    #[must_use]
    pub fn tried(&self) -> String {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let addresses: Vec<String> = found.iter().map(|address| address.ip().to_string()).collect();
        if addresses.is_empty() { String::new() } else { format!(" (tried {})", addresses.join(", ")) }
    }
}

/// The name could not be resolved.
#[derive(Debug)]
pub struct DnsError(io::Error);

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name does not resolve: {}", self.0)
    }
}

impl StdError for DnsError {}

/// A lookup in progress.
pub type Resolving = Pin<Box<dyn Future<Output = Result<std::vec::IntoIter<SocketAddr>, DnsError>> + Send>>;

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = DnsError;
    type Future = Resolving;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DnsError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Resolving {
        let Resolver { loopback_only, found: last } = self.clone();
        Box::pin(async move {
            // Real time: this is a measurement for the log, not a wait.
            let began = Instant::now();
            let host = name.to_string();
            let looking = tokio::task::spawn_blocking(move || (name.as_str(), 0u16).to_socket_addrs());
            let found = looking.await.map_err(io::Error::other).and_then(|found| found).map_err(DnsError)?;
            let addresses: Vec<SocketAddr> =
                found.filter(|address| !loopback_only || address.ip().is_loopback()).collect();
            if addresses.is_empty() {
                return Err(DnsError(io::Error::other("no usable address")));
            }
            let text: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
            log::info!("{host} is {} (found in {} ms)", text.join(", "), began.elapsed().as_millis());
            last.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&addresses);
            Ok(addresses.into_iter())
        })
    }
}
