//! X's REST endpoints as typed calls: connections, rules, usage.
//!
//! Each call is one request on a connection of its own, dialled as streams are. What is likely to pass is tried
//! again a few times; a rate limit is not waited for but reported with its reset, since the caller knows better
//! whether a quarter of an hour is worth it.
//!
//! Its law: a request is sent again only if X cannot have seen it, or says with a 5xx that it failed.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use hyper::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::dial::Dialer;
use crate::protocol::disconnect::{Code, Own};
use crate::protocol::problem::{Body, Problem};
use crate::protocol::rate_limit::RateLimit;
use crate::protocol::record::{self, AddOutcome, Connection, DeleteOutcome, Kills, Rule, RuleCounts, RuleError, Usage};
use crate::session::{Failure, Head, Refusal};
use crate::text::sanitize;

/// The most ids that one request to end connections may carry (X docs: connections).
pub const KILL_BATCH: usize = 100;

/// Rules that one request adds or deletes. X publishes no bound; its Powerstream takes this many.
pub const RULE_BATCH: usize = 100;

/// The waits before a second, third and fourth try. X's servers mend a fault in seconds or not soon; a person is
/// watching, so half an hour of the stream's ladder is no answer here.
const WAITS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// A longer `Retry-After` is reported instead of waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Pages of one list. At X's page sizes no app has as many; a server that goes on for ever does.
const MOST_PAGES: usize = 1000;

const CONNECTIONS: &str = "/2/connections";
const RULES: &str = "/2/tweets/search/stream/rules";
const USAGE: &str = "/2/usage/tweets";

/// All six, since X leaves out by itself the id that a kill needs.
const CONNECTION_FIELDS: &str = "client_ip,connected_at,disconnect_reason,disconnected_at,endpoint_name,id";
const USAGE_FIELDS: &str =
    "cap_reset_day,daily_client_app_usage,daily_project_usage,project_cap,project_id,project_usage";

/// The characters that a query keeps as they are: RFC 3986 unreserved ones and the comma that joins X's lists.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b',');

/// How to call.
pub struct Options {
    /// Opens the connections; its own path is not used.
    pub dialer: Dialer,
    /// Tells people, a line each, about tries that failed and replies that are odd.
    pub tell: Box<dyn FnMut(&str)>,
    /// How many times faster than real time waits pass; 1 outside tests.
    pub speed: u32,
    /// Whether to try again what is likely to pass. A question beside something more urgent is asked once.
    pub retry: bool,
}

/// X's REST endpoints.
pub struct Api {
    options: Options,
    head: Head,
    /// What was warned of: a list that is read in several requests may say the same in each.
    warned: HashSet<String>,
}

/// What a success must have to be an answer at all. Anything else is not X's, whatever its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// `data` with a list; an empty list is `meta` without it.
    List,
    /// `data` with an object.
    Data,
    /// `meta` or `data`: what became of a change.
    Change,
}

impl Shape {
    fn fits(self, reply: &Value) -> bool {
        let data = reply.get("data").filter(|data| !data.is_null());
        let has_meta = reply.get("meta").is_some_and(Value::is_object);
        match self {
            Shape::List => data.map_or(has_meta, Value::is_array),
            Shape::Data => data.is_some_and(Value::is_object),
            Shape::Change => data.map_or(has_meta, |data| data.is_array() || data.is_object()),
        }
    }
}

/// Which connections to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionQuery {
    /// By their state.
    pub status: Status,
    /// By X's names of their streams; empty for all.
    pub endpoints: Vec<String>,
    /// The most pages (of 100) to read.
    pub pages: usize,
}

/// States of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Status {
    /// Open
    Active,
    /// Ended
    Inactive,
    /// Both
    All,
}

impl Default for ConnectionQuery {
    fn default() -> Self {
        ConnectionQuery { status: Status::Active, endpoints: Vec::new(), pages: MOST_PAGES }
    }
}

/// A list, from all its pages.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<T> {
    /// What was found, in X's order.
    pub items: Vec<T>,
    /// What X could not give, beside the rest.
    pub errors: Vec<Problem>,
    /// Whether there are pages that were not read.
    pub more: bool,
}

/// Which connections to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill<'a> {
    /// These, at most [`KILL_BATCH`].
    Ids(&'a [String]),
    /// Those of a stream, by X's name for it.
    Endpoint(&'a str),
    /// All of the app's.
    All,
}

/// A rule to add.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// What it matches.
    pub value: String,
    /// Its label.
    pub tag: Option<String>,
}

/// Which rules to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delete<'a> {
    /// By their ids.
    Ids(&'a [String]),
    /// By their values, exactly.
    Values(&'a [String]),
}

impl Api {
    /// Prepares calls; nothing is sent yet.
    #[must_use]
    pub fn new(options: Options) -> Api {
        Api { options, head: Head::default(), warned: HashSet::new() }
    }

    /// What the head of the last reply said: rate limits and the server's clock.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The app's connections.
    ///
    /// # Errors
    /// The call failed.
    pub async fn connections(&mut self, query: &ConnectionQuery) -> Result<Found<Connection>, Error> {
        let status = match query.status {
            Status::Active => "active",
            Status::Inactive => "inactive",
            Status::All => "all",
        };
        let mut asked = vec![
            ("status", status.to_owned()),
            ("max_results", "100".to_owned()),
            ("connection.fields", CONNECTION_FIELDS.to_owned()),
        ];
        if !query.endpoints.is_empty() {
            asked.push(("endpoints", query.endpoints.join(",")));
        }
        self.pages("listing the connections", CONNECTIONS, &asked, query.pages, Connection::of).await
    }

    /// Ends connections. A success may still carry failures: see [`Kills::failed`].
    ///
    /// # Errors
    /// The call failed.
    pub async fn kill(&mut self, which: Kill<'_>) -> Result<Kills, Error> {
        let (path, body) = match which {
            Kill::Ids(ids) => (CONNECTIONS.to_owned(), Some(json!({ "uuids": ids }).to_string())),
            Kill::Endpoint(name) => (format!("{CONNECTIONS}/{}", encoded(name)), None),
            Kill::All => (format!("{CONNECTIONS}/all"), None),
        };
        let reply = self.send("ending connections", Shape::Data, &Method::DELETE, &path, body.as_deref()).await?;
        Ok(Kills::of(&reply))
    }

    /// The rules of the filtered stream.
    ///
    /// # Errors
    /// The call failed.
    pub async fn rules(&mut self) -> Result<Found<Rule>, Error> {
        let asked = [("max_results", "1000".to_owned())];
        self.pages("listing the rules", RULES, &asked, MOST_PAGES, Rule::of).await
    }

    /// Adds rules, or only has them checked. One request: give at most [`RULE_BATCH`]. A success may still carry
    /// [errors](AddOutcome::errors), and a refusal [too](Error::rules).
    ///
    /// # Errors
    /// The call failed; X may refuse all for one that is bad.
    pub async fn add_rules(&mut self, rules: &[Draft], dry_run: bool) -> Result<AddOutcome, Error> {
        let rules: Vec<Value> = rules
            .iter()
            .map(|rule| match &rule.tag {
                Some(tag) => json!({ "value": rule.value, "tag": tag }),
                None => json!({ "value": rule.value }),
            })
            .collect();
        let path = if dry_run { format!("{RULES}?dry_run=true") } else { RULES.to_owned() };
        let what = if dry_run { "checking rules" } else { "adding rules" };
        let reply =
            self.send(what, Shape::Change, &Method::POST, &path, Some(&json!({ "add": rules }).to_string())).await?;
        Ok(AddOutcome::of(&reply))
    }

    /// Deletes rules. One request: give at most [`RULE_BATCH`].
    ///
    /// # Errors
    /// The call failed.
    pub async fn delete_rules(&mut self, which: Delete<'_>, dry_run: bool) -> Result<DeleteOutcome, Error> {
        let body = match which {
            Delete::Ids(ids) => json!({ "delete": { "ids": ids } }),
            Delete::Values(values) => json!({ "delete": { "values": values } }),
        };
        let path = if dry_run { format!("{RULES}?dry_run=true") } else { RULES.to_owned() };
        let reply = self.send("deleting rules", Shape::Change, &Method::POST, &path, Some(&body.to_string())).await?;
        Ok(DeleteOutcome::of(&reply))
    }

    /// Deletes every rule; nothing brings them back.
    ///
    /// # Errors
    /// The call failed.
    pub async fn delete_all_rules(&mut self) -> Result<DeleteOutcome, Error> {
        // The documents want a body and name none for this; an empty object asks for nothing else.
        let path = format!("{RULES}?delete_all=true");
        let reply = self.send("deleting all rules", Shape::Change, &Method::POST, &path, Some("{}")).await?;
        Ok(DeleteOutcome::of(&reply))
    }

    /// How many rules there are, and may be.
    ///
    /// # Errors
    /// The call failed.
    pub async fn rule_counts(&mut self) -> Result<RuleCounts, Error> {
        let reply =
            self.send("counting the rules", Shape::Data, &Method::GET, &format!("{RULES}/counts"), None).await?;
        self.remark(&reply);
        Ok(RuleCounts::of(&reply))
    }

    /// What X says was consumed in the last `days`, 1 to 90; X's default is 7.
    ///
    /// # Errors
    /// The call failed.
    pub async fn usage(&mut self, days: Option<u8>) -> Result<Usage, Error> {
        let mut path = format!("{USAGE}?usage.fields={USAGE_FIELDS}");
        if let Some(days) = days {
            path = format!("{path}&days={days}");
        }
        let reply = self.send("reading the usage", Shape::Data, &Method::GET, &path, None).await?;
        self.remark(&reply);
        Ok(Usage::of(&reply))
    }

    /// Reads a list page by page.
    async fn pages<T>(
        &mut self,
        what: &'static str,
        path: &str,
        asked: &[(&str, String)],
        most: usize,
        read: impl Fn(&Value) -> T,
    ) -> Result<Found<T>, Error> {
        let mut found = Found { items: Vec::new(), errors: Vec::new(), more: false };
        let mut seen = HashSet::new();
        let mut next: Option<String> = None;
        for page in 1.. {
            let mut query: Vec<String> = asked.iter().map(|(name, value)| pair(name, value)).collect();
            query.extend(next.iter().map(|token| pair("pagination_token", token)));
            let reply =
                self.send(what, Shape::List, &Method::GET, &format!("{path}?{}", query.join("&")), None).await?;
            let (rows, others): (Vec<&Value>, _) = record::list(&reply, "data").iter().partition(|row| row.is_object());
            found.items.extend(rows.into_iter().map(&read));
            if !others.is_empty() {
                self.tell(&format!("warning: {what}: {} of what X lists is no object and is left out", others.len()));
            }
            found.errors.extend(record::errors(&reply));
            let Some(token) = record::next_token(&reply) else { break };
            if !seen.insert(token.clone()) {
                self.tell(&format!("warning: {what}: X gave the same page twice; the list may not be whole"));
                return Ok(Found { more: true, ..found });
            }
            if page >= most.min(MOST_PAGES) {
                found.more = true;
                break;
            }
            next = Some(token);
        }
        if found.more && most >= MOST_PAGES {
            self.tell(&format!("warning: {what}: more than {MOST_PAGES} pages; the rest is not read"));
        }
        Ok(found)
    }

    /// Sends one request, again if that may help, and reads the JSON of a success.
    async fn send(
        &mut self,
        what: &'static str,
        shape: Shape,
        method: &Method,
        path: &str,
        json: Option<&str>,
    ) -> Result<Value, Error> {
        let mut waits = if self.options.retry { &WAITS[..] } else { &[] }.iter().copied();
        loop {
            let error = match self.options.dialer.call(method, path, json).await {
                Ok(reply) => {
                    self.head = reply.refusal.head.clone();
                    let refusal = Box::new(reply.refusal);
                    match reply.body {
                        Err(failure) if (200..300).contains(&reply.status) => {
                            return Err(Error::new(what, Kind::Failed(failure), Value::Null));
                        }
                        body => match read(refusal, shape, &body.unwrap_or_default()) {
                            Ok(value) => return Ok(value),
                            Err((kind, body)) => Error::new(what, kind, body),
                        },
                    }
                }
                Err(failure) => Error::new(what, Kind::Failed(failure), Value::Null),
            };
            let Some(wait) = waits.next().filter(|_| error.may_pass()) else { return Err(error) };
            let asked = error.refusal().and_then(|refusal| refusal.retry_after).unwrap_or_default();
            if asked > LONGEST_WAIT {
                return Err(error);
            }
            let wait = wait.max(asked);
            self.tell(&format!("{}; trying again in {} s", error.why, wait.as_secs()));
            tokio::time::sleep(wait / self.options.speed).await;
        }
    }

    /// Tells of errors beside data that hold no list.
    fn remark(&mut self, reply: &Value) {
        for problem in record::errors(reply) {
            self.tell(&format!("warning: {}", said(&problem)));
        }
    }

    /// Tells a line; a warning only once.
    fn tell(&mut self, line: &str) {
        if !line.starts_with("warning: ") || self.warned.insert(line.to_owned()) {
            (self.options.tell)(line);
        }
    }
}

/// What a problem says, in one line for people.
#[must_use]
pub fn said(problem: &Problem) -> String {
    let name = problem.name.as_deref().filter(|name| *name != "about:blank").or(problem.title.as_deref());
    match (name, &problem.detail) {
        (Some(name), Some(detail)) => format!("{name}: {detail}"),
        (Some(text), None) => text.to_owned(),
        (None, Some(detail)) => detail.clone(),
        (None, None) => "an error without a word".to_owned(),
    }
}

/// The JSON of a success, or what the reply means instead.
fn read(refusal: Box<Refusal>, shape: Shape, body: &[u8]) -> Result<Value, (Kind, Value)> {
    let value = serde_json::from_slice::<Value>(body);
    if !(200..300).contains(&refusal.status) {
        return Err((Kind::Refused(refusal), value.unwrap_or_default()));
    }
    match value {
        // Something on the way answered in X's place, or X did not mean its status.
        Ok(value) if value.get("data").is_none() && value.get("meta").is_none() && !Problem::all(&value).is_empty() => {
            Err((Kind::Refused(refusal), value))
        }
        Ok(value) if shape.fits(&value) => Ok(value),
        Ok(_) => Err((Kind::Unreadable(sanitize(&String::from_utf8_lossy(body), 200)), Value::Null)),
        Err(_) if body.trim_ascii().is_empty() => Err((Kind::Unreadable("it is empty".to_owned()), Value::Null)),
        Err(_) => {
            let text = match refusal.body {
                Body::Text(text) => sanitize(&text, 200),
                _ => String::new(),
            };
            Err((Kind::Unreadable(text), Value::Null))
        }
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

fn pair(name: &str, value: &str) -> String {
    format!("{name}={}", encoded(value))
}

/// Why a call failed. It shows as one line for people that ends with what to do.
#[derive(Debug)]
pub struct Error {
    /// What happened, to decide by.
    pub kind: Kind,
    /// The JSON of a refusal, null if it had none.
    body: Value,
    why: String,
    advice: String,
}

/// What happened instead of a success.
#[derive(Debug)]
pub enum Kind {
    /// X answered with another status, or with an error in place of data.
    Refused(Box<Refusal>),
    /// There was no whole answer.
    Failed(Failure),
    /// A success whose body is not what X documents; the beginning of its text.
    Unreadable(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.why)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "; {}", self.advice) }
    }
}

impl std::error::Error for Error {}

impl Error {
    fn new(what: &'static str, kind: Kind, body: Value) -> Error {
        let (why, advice) = (format!("{what}: {}", kind.why()), kind.advice());
        Error { kind, body, why, advice }
    }

    /// The refusal, if there was an answer.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.kind {
            Kind::Refused(refusal) => Some(refusal),
            Kind::Failed(_) | Kind::Unreadable(_) => None,
        }
    }

    /// What was tried and why it failed, without what to do.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// What to do about it; empty if nobody knows.
    #[must_use]
    pub fn advice(&self) -> &str {
        &self.advice
    }

    /// The HTTP status; the one of the body, if that is an error in spite of a success.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.refusal().map(|refusal| self.kind.status(refusal))
    }

    /// What X said about it, the outermost problem.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match &self.refusal()?.body {
            Body::Problems(problems) => problems.first(),
            Body::Text(_) | Body::Empty => None,
        }
    }

    /// The code that `explain` knows it by.
    #[must_use]
    pub fn code(&self) -> Code {
        self.kind.code()
    }

    /// The rate limit that came with the refusal.
    #[must_use]
    pub fn rate(&self) -> Option<RateLimit> {
        self.refusal().map(|refusal| refusal.head.rate)
    }

    /// What a refusal says rule by rule.
    #[must_use]
    pub fn rules(&self) -> Vec<RuleError> {
        RuleError::all(&self.body)
    }

    /// Whether asking again later may help without anybody doing anything.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match &self.kind {
            Kind::Refused(refusal) => match self.code() {
                Code::Problem(name) if name == "rate-limit-exceeded" => true,
                Code::Problem(name) if is_final(&name) => false,
                _ => matches!(self.kind.status(refusal), 420 | 429 | 500..600),
            },
            Kind::Failed(failure) => !matches!(failure.own, Own::Certificate),
            Kind::Unreadable(_) => false,
        }
    }

    /// Whether the same request may be sent again at once, and that may help.
    fn may_pass(&self) -> bool {
        match &self.kind {
            Kind::Refused(refusal) => refusal.status >= 500 && self.is_passing(),
            Kind::Failed(failure) => self.is_passing() && !failure.sent,
            Kind::Unreadable(_) => false,
        }
    }
}

/// Problems that time alone does not mend, whatever status they come with.
fn is_final(name: &str) -> bool {
    matches!(name, "usage-capped" | "credits" | "credits-depleted" | "client-forbidden" | "rule-cap")
}

impl Kind {
    fn code(&self) -> Code {
        match self {
            Kind::Refused(refusal) if refusal.redirect.is_some() => Code::Own(Own::Redirect),
            Kind::Refused(refusal) => Code::of_response(refusal.status, &refusal.body),
            Kind::Failed(failure) => Code::Own(failure.own),
            Kind::Unreadable(_) => Code::Status(200),
        }
    }

    fn status(&self, refusal: &Refusal) -> u16 {
        match self.code() {
            Code::Status(status) => status,
            _ => refusal.status,
        }
    }

    fn why(&self) -> String {
        match self {
            Kind::Refused(refusal) => {
                let code = self.code();
                let mut said = self.status(refusal).to_string();
                if !matches!(code, Code::Status(_) | Code::Own(Own::Redirect)) {
                    said = format!("{said} {code}");
                }
                let entry = code.entry();
                let why = match (&refusal.redirect, refusal.body.detail()) {
                    (Some(target), _) => format!("a redirect to {target}, which is not followed"),
                    (None, Some(detail)) => detail,
                    (None, None) => bare(&code).unwrap_or(entry.meaning).to_owned(),
                };
                let parameters: Vec<String> = match &refusal.body {
                    Body::Problems(problems) => {
                        problems.iter().take(1).flat_map(|problem| problem.parameters.clone()).collect()
                    }
                    Body::Text(_) | Body::Empty => Vec::new(),
                };
                let about = if parameters.is_empty() { String::new() } else { format!(" ({})", parameters.join(", ")) };
                format!("{said}: {}{about}", why.trim_end_matches('.'))
            }
            Kind::Failed(failure) => failure.detail.clone(),
            Kind::Unreadable(text) if text.is_empty() => "the answer is not the JSON that X documents".to_owned(),
            Kind::Unreadable(text) => format!("the answer is not the JSON that X documents: {text}"),
        }
    }

    fn advice(&self) -> String {
        let Kind::Refused(refusal) = self else {
            return match self {
                Kind::Failed(failure) => cure(failure).to_owned(),
                _ => "check --base-url and what is on the way to it".to_owned(),
            };
        };
        let code = self.code();
        match (self.status(refusal), &code) {
            (401, _) => {
                "the bearer token is wrong, revoked, or no app-only token; make a new one in the developer portal"
                    .to_owned()
            }
            (403, _) => forbidden(&refusal.body),
            (404, _) => "check --base-url".to_owned(),
            (300..=399, _) => "check --base-url; the token goes to no other host".to_owned(),
            (400, Code::Problem(name)) if name == "invalid-request" => "correct what X names".to_owned(),
            (420 | 429, Code::Status(_)) => window(refusal),
            (405..500, Code::Status(_)) => "check --base-url and what is on the way to it".to_owned(),
            (_, Code::Problem(name)) if name == "rate-limit-exceeded" => window(refusal),
            (500..600, _) => match refusal.retry_after {
                Some(wait) => format!("X's trouble; X asks to try again in {}", minutes(wait)),
                None => "X's trouble; try again later".to_owned(),
            },
            _ => code.entry().advice.to_owned(),
        }
    }
}

/// What a status means that came without a word. The catalogue speaks of streams.
fn bare(code: &Code) -> Option<&'static str> {
    let Code::Status(status) = code else { return None };
    Some(match status {
        400 => "X does not understand the request",
        401 => "X does not take the token",
        402 => "the app has no credits left",
        403 => "the app may not ask for this",
        404 => "there is no such path",
        420 | 429 => "too many requests",
        405..500 => "X refuses the request and gives no reason",
        500..600 => "X failed and gives no reason",
        _ => return None,
    })
}

/// What to do when there was no whole answer to a call, which nobody sends again by itself as `tail` does.
#[must_use]
pub fn cure(failure: &Failure) -> &'static str {
    match failure.own {
        Own::HeadTimeout | Own::Stall | Own::Truncated | Own::Eof | Own::Reset | Own::Gzip | Own::UnfinishedLine => {
            "try again; if it stays so, check the network, a proxy on the way, and X's status page, \
             https://developer.x.com/status"
        }
        // What is wrong with a date is told by the failure itself.
        Own::Certificate if !failure.detail.contains("clock") => {
            "check --base-url and what is on the way to it; a TLS proxy's CA is given with --cacert"
        }
        own => Code::Own(own).entry().advice,
    }
}

/// Who has these endpoints (X docs: access levels), and where X says it is to be had.
fn forbidden(body: &Body) -> String {
    let mut advice = "these endpoints want the app-only bearer token of an app with pay-per-use or Enterprise access; \
                      attach the app to a project that has it, in the developer portal"
        .to_owned();
    if let Body::Problems(problems) = body {
        for problem in problems {
            if let Some(enrollment) = &problem.required_enrollment {
                advice = format!("{advice}; X asks for: {enrollment}");
            }
            if let Some(url) = &problem.registration_url {
                advice = format!("{advice}; apply at {url}");
            }
        }
    }
    advice
}

/// When the rate limit allows another request. By the server's own clock: ours may be wrong.
fn window(refusal: &Refusal) -> String {
    let rate = &refusal.head.rate;
    let spent = match (rate.remaining, rate.limit) {
        (Some(remaining), Some(limit)) => format!("{remaining} of {limit} requests are left in this window; "),
        _ => String::new(),
    };
    let now = refusal.head.date.unwrap_or_else(crate::clock::wall_clock);
    let until = rate.trusted_reset(now);
    let wait = until.map(|until| until.saturating_sub(now)).max(refusal.retry_after);
    match wait {
        Some(wait) => {
            let seconds = (now + wait).as_secs() % 86_400;
            let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
            format!("{spent}try again in {} (at {clock} UTC)", minutes(wait))
        }
        None => format!("{spent}try again in 15 minutes at the latest"),
    }
}

fn minutes(wait: Duration) -> String {
    let seconds = wait.as_secs();
    if seconds < 60 { format!("{seconds}s") } else { format!("{}m{:02}s", seconds / 60, seconds % 60) }
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;
