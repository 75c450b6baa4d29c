//! Lookups of X's API beside a stream: which connections hold the slot, why X ended a connection, which rules are active.
//!
//! The supervisor decides when to ask; this module carries the query out. It guarantees:
//! - [`ApiLookup::ask`] returns at once and sends nothing; [`ApiLookup::response`] drives the request.
//! - At most one lookup is in flight; a further one replaces it.
//! - Each yields one response, or none if the call failed. It is attempted once.
//! - Dropping the future of `response` loses nothing: the next call continues. Dropping the `ApiLookup` cancels.

use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::net::api::{Api, ApiError, ConnectionQuery, ConnectionStatus, Kill};
use crate::protocol::api_types::{AppConnection, is_connection_id};
use crate::session::event::{ActiveRule, Holder};
use crate::session::{Query, Response};
use crate::text::sanitize;
use crate::time::parse_rfc3339;

/// X must notice the end of a connection before it can list the reason.
const SETTLE: Duration = Duration::from_millis(500);

/// X's `connected_at` and our own time of the same moment differ by the network delay and by rounding to seconds.
const TOLERANCE: Duration = Duration::from_secs(5);

type InFlight = Pin<Box<dyn Future<Output = Option<Response>>>>;

/// Looks things up, one at a time.
pub struct ApiLookup {
    api: Rc<Mutex<Api>>,
    /// X's name of the stream.
    endpoint: &'static str,
    /// The options that lead a command to the same server, each after a space.
    server_options: String,
    clock: Clock,
    in_flight: Option<InFlight>,
}

impl ApiLookup {
    /// Prepares lookups about the stream that X calls `endpoint`.
    #[must_use]
    pub fn new(api: Api, endpoint: &'static str, server_options: String, clock: Clock) -> ApiLookup {
        let api = Rc::new(Mutex::new(api));
        ApiLookup { api, endpoint, server_options, clock, in_flight: None }
    }

    /// Starts a lookup.
    pub fn ask(&mut self, query: Query) {
        let (api, endpoint, clock) = (Rc::clone(&self.api), self.endpoint, self.clock);
        let server_options = self.server_options.clone();
        let lookup = Box::pin(async move {
            let mut api = api.lock().await;
            let response = match query {
                Query::Holders { free } => holders(&mut api, endpoint, free, &server_options).await,
                Query::Reason { connection, opened } => {
                    clock.sleep(SETTLE).await;
                    reason(&mut api, endpoint, connection, opened + SETTLE).await
                }
                Query::Rules => api.rules().await.map(|rules| {
                    let active = rules.items.into_iter().map(|rule| ActiveRule { value: rule.value, tag: rule.tag });
                    Some(Response::Rules(active.collect()))
                }),
            };
            response.unwrap_or_else(|error| {
                log::info!("{error}");
                None
            })
        });
        self.in_flight = Some(lookup);
    }

    /// Waits for the response of the lookup in flight; without one it never returns.
    pub async fn response(&mut self) -> Option<Response> {
        let Some(lookup) = &mut self.in_flight else { return pending().await };
        let response = lookup.await;
        self.in_flight = None;
        response
    }
}

async fn holders(
    api: &mut Api,
    endpoint: &str,
    free: bool,
    server_options: &str,
) -> Result<Option<Response>, ApiError> {
    let query = ConnectionQuery { endpoints: vec![endpoint.to_owned()], ..ConnectionQuery::default() };
    let found = match api.connections(&query).await {
        Ok(found) => found.items,
        // The user who requested a take-over must learn that it failed.
        Err(error) if free => {
            let freed = Some(Err(error.to_string()));
            return Ok(Some(Response::Holders { kill: String::new(), holders: Vec::new(), freed }));
        }
        Err(error) => return Err(error),
    };
    // X may list more than was requested, and connections of other streams must not be ended.
    let found: Vec<AppConnection> = found
        .into_iter()
        .filter(|one| one.is_active() && one.endpoint_name.as_deref().is_none_or(|name| name == endpoint))
        .collect();
    let ids: Vec<String> = found.iter().filter_map(|one| one.id.clone()).collect();
    let freed = if free && !ids.is_empty() {
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
    Ok(Some(Response::Holders { kill, holders: holders.collect(), freed }))
}

async fn reason(
    api: &mut Api,
    endpoint: &str,
    connection: u32,
    opened: Duration,
) -> Result<Option<Response>, ApiError> {
    let query = ConnectionQuery { status: ConnectionStatus::Inactive, endpoints: vec![endpoint.to_owned()], pages: 1 };
    let found = api.connections(&query).await?;
    let opened = api.server_time().saturating_sub(opened);
    let off = |one: &AppConnection| Some(one.connected_at.as_deref().and_then(parse_rfc3339)?.abs_diff(opened));
    let same = found.items.iter().filter(|one| one.endpoint_name.as_deref() == Some(endpoint));
    // Of connections opened at nearly the same time the nearest is ours.
    let ours =
        same.filter_map(|one| Some((off(one).filter(|off| *off <= TOLERANCE)?, one))).min_by_key(|(off, _)| *off);
    let reason = ours.and_then(|(_, one)| one.disconnect_reason.as_deref()).map(|reason| sanitize(reason, 100));
    if reason.is_none() {
        log::info!("X's list of connections says nothing about connection {connection}");
    }
    Ok(reason.map(|reason| Response::Reason { connection, reason }))
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::pin::pin;
    use std::sync::mpsc::{Receiver, channel};
    use std::task::Poll;

    use super::*;
    use crate::net::api::ApiOptions;
    use crate::net::base_url::BaseUrl;
    use crate::net::dial::{DialOptions, Dialer, HEAD_TIMEOUT};

    /// A lookup at a server that answers every request with an empty list, and the request lines that it receives.
    fn lookup() -> (ApiLookup, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = BaseUrl::parse(&format!("http://{}", listener.local_addr().expect("an address"))).expect("a URL");
        let (send, requests) = channel();
        std::thread::spawn(move || {
            while let Ok((mut socket, _)) = listener.accept() {
                let mut head = [0; 4096];
                let count = socket.read(&mut head).unwrap_or_default();
                let line = String::from_utf8_lossy(&head[..count]).lines().next().unwrap_or_default().to_owned();
                let _ = send.send(line);
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"meta\":{}}");
            }
        });
        let clock = Clock::new(1);
        let dialer = Dialer::new(DialOptions {
            base,
            token: None,
            proxy: None,
            cacert: None,
            gzip: false,
            clock,
            connect_timeout: HEAD_TIMEOUT,
            head_timeout: HEAD_TIMEOUT,
        });
        let api =
            Api::new(ApiOptions { dialer: dialer.expect("a dialer"), report: Box::new(|_| {}), clock, retry: false });
        (ApiLookup::new(api, "filtered_stream", String::new(), clock), requests)
    }

    fn run(future: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future);
    }

    #[test]
    fn a_further_lookup_replaces_the_one_in_flight_and_a_failure_is_no_response() {
        let (mut lookup, requests) = lookup();
        run(async {
            lookup.ask(Query::Rules);
            lookup.ask(Query::Holders { free: false });
            assert!(matches!(lookup.response().await, Some(Response::Holders { .. })));
            lookup.ask(Query::Reason { connection: 1, opened: Duration::ZERO });
            assert_eq!(lookup.response().await, None, "X lists no such connection");
        });
        assert!(requests.try_iter().all(|line| line.starts_with("GET /2/connections?")));
    }

    #[test]
    fn a_dropped_wait_continues_with_the_same_request() {
        let (mut lookup, requests) = lookup();
        run(async {
            lookup.ask(Query::Rules);
            let once = poll_fn(|cx| Poll::Ready(pin!(lookup.response()).poll(cx).is_pending())).await;
            assert!(once);
            assert!(matches!(lookup.response().await, Some(Response::Rules(rules)) if rules.is_empty()));
        });
        assert_eq!(requests.try_iter().count(), 1);
    }
}
