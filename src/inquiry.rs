//! What `tail` asks X beside the stream: who holds the slot, why X ended a connection, which rules are active.
//!
//! A question is asked in the background and never delays a dial; whoever waits for the stream polls it along. An
//! answer that does not come costs nothing but itself.
//!
//! Its law: one question at a time, each kind no more often than every five minutes.

use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::wall_clock;
use crate::net::api::{Api, ConnectionQuery, Error, Kill, Status};
use crate::protocol::record::{Connection, Rule, is_connection_id};
use crate::session::event::Holder;
use crate::text::sanitize;
use crate::time::{Timestamp, parse_rfc3339};

/// X publishes no rate limit for its list of connections; one request in five minutes is within any that it has.
const EVERY: Duration = Duration::from_secs(5 * 60);

/// X must notice an end before it can tell of it.
const SETTLE: Duration = Duration::from_millis(500);

/// X's `connected_at` and our own time of the same moment differ by the way between us and by whole seconds.
const SAME: Duration = Duration::from_secs(5);

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Which connections hold the slot; `free` ends them, once in a run.
    Holders {
        /// Whether to end them.
        free: bool,
    },
    /// Why X ended a connection.
    Reason {
        /// Its number in this run.
        connection: u32,
        /// How long ago it was opened.
        opened: Duration,
    },
    /// Which rules are active.
    Rules,
}

/// What came of it.
#[derive(Debug)]
pub enum Answer {
    /// The connections that hold the slot, and how many were ended for `--take-over`, or why not.
    Holders {
        /// The command that ends them.
        kill: String,
        /// The connections.
        holders: Vec<Holder>,
        /// How many were ended.
        freed: Option<Result<u64, String>>,
    },
    /// X's word for the end of a connection.
    Reason {
        /// Its number in this run.
        connection: u32,
        /// X's word.
        reason: String,
    },
    /// The active rules.
    Rules(Vec<Rule>),
    /// Nothing worth telling.
    Nothing,
}

type Asking = Pin<Box<dyn Future<Output = Answer>>>;

/// Asks.
pub struct Inquiry {
    api: Rc<Mutex<Api>>,
    /// X's name of the stream.
    endpoint: &'static str,
    /// The options that lead a command to the same server, each behind a space.
    again: String,
    speed: u32,
    take_over: bool,
    asking: Option<Asking>,
    /// When holders and reasons were last asked for.
    asked: [Option<Timestamp>; 2],
}

impl Inquiry {
    /// Prepares to ask about the stream that X calls `endpoint`.
    #[must_use]
    pub fn new(api: Api, endpoint: &'static str, take_over: bool, again: String, speed: u32) -> Inquiry {
        Inquiry { api: Rc::new(Mutex::new(api)), endpoint, again, speed, take_over, asking: None, asked: [None; 2] }
    }

    /// Asks, unless the same was asked a moment ago. A question under way gives way to who holds the slot.
    pub fn ask(&mut self, now: Timestamp, mut question: Question) {
        let last = match &mut question {
            Question::Holders { free } => {
                *free = std::mem::take(&mut self.take_over);
                Some(&mut self.asked[0])
            }
            Question::Reason { .. } if self.asking.is_some() => return,
            Question::Reason { .. } => Some(&mut self.asked[1]),
            Question::Rules => None,
        };
        if let Some(last) = last {
            if last.is_some_and(|last| now.since(last) < EVERY) {
                return;
            }
            *last = Some(now);
        }
        let (api, endpoint, settle) = (Rc::clone(&self.api), self.endpoint, SETTLE / self.speed);
        let again = self.again.clone();
        self.asking = Some(Box::pin(async move {
            let mut api = api.lock().await;
            let answer = match question {
                Question::Holders { free } => holders(&mut api, endpoint, free, &again).await,
                Question::Reason { connection, opened } => {
                    tokio::time::sleep(settle).await;
                    reason(&mut api, endpoint, connection, opened + settle).await
                }
                Question::Rules => api.rules().await.map(|found| Answer::Rules(found.items)),
            };
            answer.unwrap_or_else(|error| {
                log::info!("{error}");
                Answer::Nothing
            })
        }));
    }

    /// Whether an answer is on its way that tells of an ending, and so is worth waiting for at the end of a run.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.asking.is_some() && self.asked.iter().any(Option::is_some)
    }

    /// Waits for the answer; for ever if nothing was asked.
    pub async fn answer(&mut self) -> Answer {
        let Some(asking) = &mut self.asking else { return pending().await };
        let answer = asking.await;
        self.asking = None;
        answer
    }
}

async fn holders(api: &mut Api, endpoint: &str, free: bool, again: &str) -> Result<Answer, Error> {
    let query = ConnectionQuery { endpoints: vec![endpoint.to_owned()], ..ConnectionQuery::default() };
    let found = match api.connections(&query).await {
        Ok(found) => found.items,
        // Whoever asked for the slot must know that it was not freed.
        Err(error) if free => {
            let freed = Some(Err(error.to_string()));
            return Ok(Answer::Holders { kill: String::new(), holders: Vec::new(), freed });
        }
        Err(error) => return Err(error),
    };
    // X may list more than it was asked for, and no other stream is ours to end.
    let found: Vec<Connection> = found
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
    let now = api.head().date.unwrap_or_else(wall_clock);
    let text = |text: Option<String>| text.map_or_else(String::new, |text| sanitize(&text, 60));
    let holders = found.into_iter().map(|one| Holder {
        age: one.connected_at.as_deref().and_then(parse_rfc3339).map(|since| now.saturating_sub(since)),
        id: text(one.id),
        address: text(one.client_ip),
    });
    // An id that is none goes into nobody's shell, and `kill` would not take it.
    let plain = |id: &String| is_connection_id(id);
    let which = if ids.is_empty() || !ids.iter().all(plain) { format!("--endpoint {endpoint}") } else { ids.join(" ") };
    let kill = format!("xstream connections kill {which}{again}");
    Ok(Answer::Holders { kill, holders: holders.collect(), freed })
}

async fn reason(api: &mut Api, endpoint: &str, connection: u32, opened: Duration) -> Result<Answer, Error> {
    let query = ConnectionQuery { status: Status::Inactive, endpoints: vec![endpoint.to_owned()], pages: 1 };
    let found = api.connections(&query).await?;
    // X's own clock, where it tells it: ours may be wrong.
    let opened = api.head().date.unwrap_or_else(wall_clock).saturating_sub(opened);
    let off = |one: &Connection| Some(one.connected_at.as_deref().and_then(parse_rfc3339)?.abs_diff(opened));
    let same = found.items.iter().filter(|one| one.endpoint_name.as_deref() == Some(endpoint));
    // Of connections opened at nearly the same time the nearest is ours.
    let ours = same.filter_map(|one| Some((off(one).filter(|off| *off <= SAME)?, one))).min_by_key(|(off, _)| *off);
    let reason = ours.and_then(|(_, one)| one.disconnect_reason.as_deref()).map(|reason| sanitize(reason, 100));
    if reason.is_none() {
        log::info!("X's list of connections says nothing about connection {connection}");
    }
    Ok(reason.map_or(Answer::Nothing, |reason| Answer::Reason { connection, reason }))
}
