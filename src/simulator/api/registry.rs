//! Open and ended connections: the state behind the connections API and the connection limit.
//!
//! A stream request reserves a slot before its part of the script, so that two requests at
//! once cannot both get the last one. The slot is listed from the response head on, and freed when it is dropped,
//! however the stream ended.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::Notify;

use crate::protocol::endpoint;
use crate::simulator::clock::SimulatedClock;

/// A connection of another client of the app, without a socket: it holds a slot, is listed and
/// can be killed.
#[derive(Debug, Clone)]
pub struct ExternalConnection {
    /// Its id; `None` makes one up.
    pub id: Option<String>,
    /// X's name of the stream; the tool's own names and paths are understood too.
    pub endpoint_name: String,
    /// Where the client is.
    pub client_ip: String,
    /// How long ago it connected.
    pub age: Duration,
    /// Why it ended, just now; `None` leaves it open.
    pub ended: Option<String>,
    /// Terminating it fails.
    pub unkillable: bool,
}

impl ExternalConnection {
    /// An open connection from a documentation address, a minute old.
    #[must_use]
    pub fn new(endpoint_name: impl Into<String>) -> ExternalConnection {
        ExternalConnection {
            id: None,
            endpoint_name: endpoint_name.into(),
            client_ip: String::from("192.0.2.7"),
            age: Duration::from_secs(60),
            ended: None,
            unkillable: false,
        }
    }
}

/// One connection, open or ended.
pub(crate) struct RegisteredConnection {
    /// Rises with every connection.
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) endpoint_name: String,
    pub(crate) client_ip: String,
    /// Since the Unix epoch.
    pub(crate) connected_at: Duration,
    /// When and why it ended.
    pub(crate) ended: Option<(Duration, String)>,
    /// The response head was sent; before that there is only a slot.
    listed: bool,
    unkillable: bool,
    kill: Arc<Notify>,
}

/// All connections.
pub(crate) struct Registry {
    limit: Option<usize>,
    clock: Arc<SimulatedClock>,
    entries: Mutex<Entries>,
}

struct Entries {
    /// By rising number.
    all: VecDeque<RegisteredConnection>,
    next: u64,
    rng: Rng,
}

/// A place among the connections of one endpoint.
pub(crate) struct Slot<'a> {
    registry: &'a Registry,
    number: u64,
    kill: Arc<Notify>,
    reason: Mutex<String>,
}

/// Ended connections that are remembered. X forgets them too, after a time it does not publish; a
/// server that runs for weeks must not fill the memory.
const KEPT: usize = 1000;

impl Registry {
    pub(crate) fn new(
        limit: Option<usize>,
        external: Vec<ExternalConnection>,
        seed: u64,
        clock: Arc<SimulatedClock>,
    ) -> Registry {
        // Another seed than that of the posts, or ids would follow their pattern.
        let entries = Entries { all: VecDeque::new(), next: 0, rng: Rng::with_seed(seed ^ 0x5EA7) };
        let registry = Registry { limit, clock, entries: Mutex::new(entries) };
        let now = registry.clock.now();
        for one in external {
            let mut entries = registry.read();
            let name = endpoint_name(&one.endpoint_name);
            let number = entries.enter(name, one.client_ip, now);
            let entry = entries.entry(number).expect("it was entered just now");
            entry.id = one.id.unwrap_or_else(|| entry.id.clone());
            entry.connected_at = now.saturating_sub(one.age);
            entry.ended = one.ended.map(|reason| (now, reason));
            entry.listed = true;
            entry.unkillable = one.unkillable;
        }
        registry
    }

    fn read(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves a slot for a stream of this path; `None` if the limit is reached.
    pub(crate) fn enter(&self, path: &str, client: Option<IpAddr>) -> Option<Slot<'_>> {
        let name = endpoint_name(path);
        let mut entries = self.read();
        let taken = entries.all.iter().filter(|entry| entry.ended.is_none() && entry.endpoint_name == name).count();
        if self.limit.is_some_and(|limit| taken >= limit) {
            return None;
        }
        let number = entries.enter(name, client.map(|ip| ip.to_string()).unwrap_or_default(), self.clock.now());
        let kill = Arc::clone(&entries.entry(number)?.kill);
        Some(Slot { registry: self, number, kill, reason: Mutex::new(String::from("client_disconnect")) })
    }

    /// Calls `read` with the listed connections, newest first.
    pub(crate) fn list<T>(&self, read: impl FnMut(&RegisteredConnection) -> T) -> Vec<T> {
        self.read().all.iter().rev().filter(|entry| entry.listed).map(read).collect()
    }

    /// Ends the open connections that `which` picks; returns their ids with whether it worked.
    pub(crate) fn terminate(&self, which: impl Fn(&RegisteredConnection) -> bool) -> Vec<(String, bool)> {
        let now = self.clock.now();
        let mut entries = self.read();
        let open = entries.all.iter_mut().filter(|entry| entry.listed && entry.ended.is_none() && which(entry));
        open.map(|entry| {
            if !entry.unkillable {
                entry.ended = Some((now, String::from("operator_disconnect")));
                // Kept for a later wait: the stream may be in the middle of a write.
                entry.kill.notify_one();
            }
            (entry.id.clone(), !entry.unkillable)
        })
        .collect()
    }
}

impl Entries {
    fn enter(&mut self, endpoint_name: String, client_ip: String, now: Duration) -> u64 {
        let number = self.next;
        self.next += 1;
        let id = uuid(&mut self.rng);
        self.all.push_back(RegisteredConnection {
            number,
            id,
            endpoint_name,
            client_ip,
            connected_at: now,
            ended: None,
            listed: false,
            unkillable: false,
            kill: Arc::default(),
        });
        number
    }

    fn entry(&mut self, number: u64) -> Option<&mut RegisteredConnection> {
        let at = self.all.binary_search_by_key(&number, |entry| entry.number).ok()?;
        self.all.get_mut(at)
    }

    /// Notes the first ending.
    fn leave(&mut self, number: u64, reason: &str, now: Duration) {
        let Some(entry) = self.entry(number) else { return };
        if !entry.listed {
            // It was refused, or the client left before the head: there never was a stream.
            self.all.retain(|entry| entry.number != number);
        } else if entry.ended.is_none() {
            entry.ended = Some((now, reason.to_owned()));
        }
        if self.all.iter().filter(|entry| entry.ended.is_some()).count() > KEPT {
            let oldest = self.all.iter().position(|entry| entry.ended.is_some());
            oldest.and_then(|at| self.all.remove(at));
        }
    }
}

impl Slot<'_> {
    /// The head is sent: the connection is listed.
    pub(crate) fn open(&self) {
        if let Some(entry) = self.registry.read().entry(self.number) {
            entry.listed = true;
            entry.connected_at = self.registry.clock.now();
        }
    }

    /// Waits until a call terminates it.
    pub(crate) async fn terminated(&self) {
        self.kill.notified().await;
    }

    /// The server ends it for this reason. Without this call it was the client.
    pub(crate) fn end(&self, reason: &str) {
        reason.clone_into(&mut self.reason.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        self.registry.read().leave(self.number, &reason, self.registry.clock.now());
    }
}

/// X's name of a stream, or its path where X has none.
fn endpoint_name(name: &str) -> String {
    let known = endpoint::find(name).map(|endpoint| endpoint.endpoint_name.unwrap_or(endpoint.path));
    known.unwrap_or(name).to_owned()
}

/// A random id in the form of a version 4 UUID.
fn uuid(rng: &mut Rng) -> String {
    let bits = (rng.u128(..) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILTERED: &str = "/2/tweets/search/stream";

    fn clock() -> Arc<SimulatedClock> {
        Arc::new(SimulatedClock::new(1))
    }

    #[test]
    fn the_limit_is_for_each_endpoint_and_counts_slots() {
        let registry = Registry::new(Some(1), vec![ExternalConnection::new("sample")], 0, clock());
        assert!(registry.enter("/2/tweets/sample/stream", None).is_none());
        let slot = registry.enter(FILTERED, None).unwrap();
        assert!(registry.enter(FILTERED, None).is_none());
        drop(slot);
        assert!(registry.enter(FILTERED, None).is_some());
    }

    #[test]
    fn what_never_opened_is_not_listed_and_what_ended_is_remembered_within_bounds() {
        let registry = Registry::new(None, Vec::new(), 0, clock());
        drop(registry.enter(FILTERED, None));
        assert!(registry.list(|_| ()).is_empty());
        for _ in 0..KEPT + 5 {
            let slot = registry.enter(FILTERED, None).unwrap();
            slot.open();
            slot.end("12");
        }
        let reasons = registry.list(|entry| entry.ended.clone().unwrap().1);
        assert_eq!((reasons.len(), reasons[0].as_str()), (KEPT, "12"));
    }

    #[test]
    fn ids_look_like_x_makes_them() {
        let mut rng = Rng::with_seed(1);
        let id = uuid(&mut rng);
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!((&id[14..15], "89ab".contains(&id[19..20])), ("4", true));
        assert_ne!(id, uuid(&mut rng));
    }
}
