//! Lookups of X's API beside a stream: which connections hold the slot, why X ended a connection, which rules are active.
//!
//! The caller decides when a lookup makes sense; this module only throttles. It guarantees:
//! - [`ApiLookup::ask`] returns at once and sends nothing; [`ApiLookup::response`] drives the request.
//! - At most one lookup is in flight. One about the holders of the slot replaces any other; the rest are dropped while
//!   one is in flight.
//! - Holders and reasons are each looked up at most once per five minutes; further queries are dropped.
//! - A lookup that is not dropped or replaced yields one [`Response`], [`Response::Nothing`] if the call failed. It is
//!   attempted once.
//! - Dropping the future of `response` loses nothing: the next call continues. Dropping the `ApiLookup` cancels.

use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::net::api::{Api, ConnectionQuery, Error, Kill, Status};
use crate::protocol::api_types::{Connection, StoredRule, is_connection_id};
use crate::session::event::Holder;
use crate::text::sanitize;
use crate::time::{Timestamp, parse_rfc3339};

/// X publishes no rate limit for its list of connections; one request per five minutes is within any that it has.
const INTERVAL: Duration = Duration::from_secs(5 * 60);

/// X must notice the end of a connection before it can list the reason.
const SETTLE: Duration = Duration::from_millis(500);

/// X's `connected_at` and our own time of the same moment differ by the network delay and by rounding to seconds.
const TOLERANCE: Duration = Duration::from_secs(5);

/// What to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// The connections that hold the slot.
    Holders {
        /// Whether to end them.
        terminate: bool,
    },
    /// Why X ended a connection.
    Reason {
        /// Its number in this run.
        connection: u32,
        /// How long ago it was opened.
        opened: Duration,
    },
    /// The active rules.
    Rules,
}

/// The result of a lookup.
#[derive(Debug)]
pub enum Response {
    /// The connections that hold the slot.
    Holders {
        /// The command that ends them.
        kill: String,
        /// The connections.
        holders: Vec<Holder>,
        /// If they were to be ended: how many X ended, or why it did not.
        terminated: Option<Result<u64, String>>,
    },
    /// X's reason for the end of a connection.
    Reason {
        /// Its number in this run.
        connection: u32,
        /// X's text.
        reason: String,
    },
    /// The active rules.
    Rules(Vec<StoredRule>),
    /// No result that is worth reporting.
    Nothing,
}

type InFlight = Pin<Box<dyn Future<Output = Response>>>;

/// Looks things up, one at a time.
pub struct ApiLookup {
    api: Rc<Mutex<Api>>,
    /// X's name of the stream.
    endpoint: &'static str,
    /// The options that lead a command to the same server, each after a space.
    server_options: String,
    clock: Clock,
    in_flight: Option<(Query, InFlight)>,
    holders_asked: Option<Timestamp>,
    reason_asked: Option<Timestamp>,
}

impl ApiLookup {
    /// Prepares lookups about the stream that X calls `endpoint`.
    #[must_use]
    pub fn new(api: Api, endpoint: &'static str, server_options: String, clock: Clock) -> ApiLookup {
        let api = Rc::new(Mutex::new(api));
        ApiLookup { api, endpoint, server_options, clock, in_flight: None, holders_asked: None, reason_asked: None }
    }

    /// Starts a lookup, unless the module's limits forbid it.
    pub fn ask(&mut self, query: Query) {
        let last = match query {
            Query::Holders { .. } => Some(&mut self.holders_asked),
            Query::Reason { .. } | Query::Rules if self.in_flight.is_some() => return,
            Query::Reason { .. } => Some(&mut self.reason_asked),
            Query::Rules => None,
        };
        if let Some(last) = last {
            let now = self.clock.now();
            if last.is_some_and(|last| now.since(last) < INTERVAL) {
                return;
            }
            *last = Some(now);
        }
        let (api, endpoint, clock) = (Rc::clone(&self.api), self.endpoint, self.clock);
        let server_options = self.server_options.clone();
        let lookup = Box::pin(async move {
            let mut api = api.lock().await;
            let response = match query {
                Query::Holders { terminate } => holders(&mut api, endpoint, terminate, &server_options).await,
                Query::Reason { connection, opened } => {
                    clock.sleep(SETTLE).await;
                    reason(&mut api, endpoint, connection, opened + SETTLE).await
                }
                Query::Rules => api.rules().await.map(|rules| Response::Rules(rules.items)),
            };
            response.unwrap_or_else(|error| {
                log::info!("{error}");
                Response::Nothing
            })
        });
        self.in_flight = Some((query, lookup));
    }

    /// Whether a lookup is in flight that explains an ending, so that the end of a run should wait for it.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.in_flight.as_ref().is_some_and(|(query, _)| *query != Query::Rules)
    }

    /// Waits for the response of the lookup in flight; without one it never returns.
    pub async fn response(&mut self) -> Response {
        let Some((_, lookup)) = &mut self.in_flight else { return pending().await };
        let response = lookup.await;
        self.in_flight = None;
        response
    }
}

async fn holders(api: &mut Api, endpoint: &str, terminate: bool, server_options: &str) -> Result<Response, Error> {
    let query = ConnectionQuery { endpoints: vec![endpoint.to_owned()], ..ConnectionQuery::default() };
    let found = match api.connections(&query).await {
        Ok(found) => found.items,
        // The user who asked for a take-over must learn that it failed.
        Err(error) if terminate => {
            let terminated = Some(Err(error.to_string()));
            return Ok(Response::Holders { kill: String::new(), holders: Vec::new(), terminated });
        }
        Err(error) => return Err(error),
    };
    // X may list more than was requested, and connections of other streams must not be ended.
    let found: Vec<Connection> = found
        .into_iter()
        .filter(|one| one.is_active() && one.endpoint_name.as_deref().is_none_or(|name| name == endpoint))
        .collect();
    let ids: Vec<String> = found.iter().filter_map(|one| one.id.clone()).collect();
    let terminated = if terminate && !ids.is_empty() {
        Some(match api.kill(Kill::Ids(&ids)).await {
            Ok(kills) if kills.failed == 0 => Ok(kills.successful),
            Ok(kills) => {
                let why = kills.results.iter().find_map(|result| result.error_message.clone());
                Err(format!(
                    "X did not end {} of them{}",
                    kills.failed,
                    why.map_or(String::new(), |why| format!(": {why}"))
                ))
            }
            Err(error) => Err(error.to_string()),
        })
    } else {
        None
    };
    let now = api.server_time();
    let text = |text: Option<String>| text.map_or_else(String::new, |text| sanitize(&text, 60));
    let holders = found.into_iter().map(|one| Holder {
        age: one.connected_at.as_deref().and_then(parse_rfc3339).map(|since| now.saturating_sub(since)),
        id: text(one.id),
        address: text(one.client_ip),
    });
    // A malformed id must not reach the user's shell, and `kill` would reject it.
    let which = if ids.is_empty() || !ids.iter().all(|id| is_connection_id(id)) {
        format!("--endpoint {endpoint}")
    } else {
        ids.join(" ")
    };
    let kill = format!("xstream connections kill {which}{server_options}");
    Ok(Response::Holders { kill, holders: holders.collect(), terminated })
}

async fn reason(api: &mut Api, endpoint: &str, connection: u32, opened: Duration) -> Result<Response, Error> {
    let query = ConnectionQuery { status: Status::Inactive, endpoints: vec![endpoint.to_owned()], pages: 1 };
    let found = api.connections(&query).await?;
    let opened = api.server_time().saturating_sub(opened);
    let off = |one: &Connection| Some(one.connected_at.as_deref().and_then(parse_rfc3339)?.abs_diff(opened));
    let same = found.items.iter().filter(|one| one.endpoint_name.as_deref() == Some(endpoint));
    // Of connections opened at nearly the same time the nearest is ours.
    let ours =
        same.filter_map(|one| Some((off(one).filter(|off| *off <= TOLERANCE)?, one))).min_by_key(|(off, _)| *off);
    let reason = ours.and_then(|(_, one)| one.disconnect_reason.as_deref()).map(|reason| sanitize(reason, 100));
    if reason.is_none() {
        log::info!("X's list of connections says nothing about connection {connection}");
    }
    Ok(reason.map_or(Response::Nothing, |reason| Response::Reason { connection, reason }))
}
