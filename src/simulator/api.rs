//! The endpoints that are not streams: which call a request is, and how its answer goes out.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};
use tokio::io::AsyncWrite;
use tokio::time::sleep;

use super::answer::Rate;
use super::connections;
use super::log::Request;
use super::play::{Finish, Play, unix_ms};
use super::query::Problem;
use super::script::{Place, Step};
use super::server::{Progress, State, WINDOW};

/// A call of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Connections,
    Kill,
    KillEndpoint,
    KillAll,
    Rules,
    ChangeRules,
    CountRules,
    Usage,
}

/// Why a request for the API is no call.
pub(super) enum Route {
    Call(Call),
    /// The path is the API's, the method is not one of its.
    WrongMethod,
    /// The path is not the API's.
    Elsewhere,
}

/// A whole answer.
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) body: Value,
}

const RULES: &str = "/2/tweets/search/stream/rules";
const CONNECTIONS: &str = "/2/connections";

pub(super) fn route(request: &Request) -> Route {
    let path = request.path.as_str();
    let call = match (request.method.as_str(), path) {
        ("GET", CONNECTIONS) => Call::Connections,
        ("DELETE", CONNECTIONS) => Call::Kill,
        ("DELETE", "/2/connections/all") => Call::KillAll,
        ("DELETE", path) if endpoint_of(path).is_some() => Call::KillEndpoint,
        ("GET", RULES) => Call::Rules,
        ("POST", RULES) => Call::ChangeRules,
        ("GET", "/2/tweets/search/stream/rules/counts") => Call::CountRules,
        ("GET", "/2/usage/tweets") => Call::Usage,
        (_, CONNECTIONS | RULES | "/2/tweets/search/stream/rules/counts" | "/2/usage/tweets") => {
            return Route::WrongMethod;
        }
        (_, path) if endpoint_of(path).is_some() => return Route::WrongMethod,
        _ => return Route::Elsewhere,
    };
    Route::Call(call)
}

fn endpoint_of(path: &str) -> Option<&str> {
    path.strip_prefix("/2/connections/").filter(|name| !name.is_empty() && !name.contains('/'))
}

impl Call {
    /// Requests in 15 minutes. X publishes those of killing all (25), of the rules (450 and 100) and
    /// of usage (50); the other calls about connections take the number of the one published.
    fn limit(self) -> u32 {
        match self {
            Call::Connections | Call::Kill | Call::KillEndpoint | Call::KillAll => 25,
            Call::Rules | Call::CountRules => 450,
            Call::ChangeRules => 100,
            Call::Usage => 50,
        }
    }
}

/// The rate limit windows of the calls. They count and refuse nobody by themselves.
#[derive(Default)]
pub(super) struct Windows(Mutex<HashMap<Call, (u32, u64)>>);

impl Windows {
    pub(super) fn count(&self, call: Call) -> Rate {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = unix_ms() / 1000;
        let window = windows.entry(call).or_default();
        if window.1 <= now {
            *window = (0, now + WINDOW);
        }
        window.0 = window.0.saturating_add(1);
        Rate { limit: call.limit(), remaining: call.limit().saturating_sub(window.0), reset: window.1 }
    }
}

/// Answers a call, or fails it if the script of the API says so.
pub(super) async fn answer<W: AsyncWrite + Unpin>(
    call: Call,
    request: &Request,
    play: &Play<'_>,
    out: &mut W,
) -> io::Result<Finish> {
    if let Some(steps) = play.state.api.as_ref().and_then(Progress::take_planned) {
        if steps.iter().any(|step| step.place() == Place::Instead) {
            return play.run(&steps, out).await;
        }
        for step in &steps {
            if let Step::Delay(time) = step {
                sleep(*time).await;
            }
        }
    }
    let (code, content_type, body) = match serve(call, request, play.state) {
        Ok(answer) => (answer.code, "application/json; charset=utf-8", answer.body),
        Err(problem) => (problem.status, "application/problem+json", problem.body),
    };
    let mut headers = vec![(String::from("content-type"), content_type.to_owned())];
    headers.extend(play.rate.headers());
    play.answer(code, headers, &[], body.to_string().as_bytes(), out).await
}

fn serve(call: Call, request: &Request, state: &State) -> Result<Answer, Problem> {
    let (query, body) = (request.query.as_str(), request.body.as_slice());
    if !body.is_empty() && !request.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
        return Err(Problem::body("Requests with bodies must have content-type of application/json."));
    }
    match call {
        Call::Connections => connections::list(&state.registry, query),
        Call::Kill => connections::kill(&state.registry, query, body),
        Call::KillEndpoint | Call::KillAll => {
            connections::kill_endpoint(&state.registry, query, endpoint_of(&request.path).unwrap_or_default())
        }
        Call::Rules => state.rules.list(query),
        Call::ChangeRules => state.rules.change(query, body),
        Call::CountRules => state.rules.counts(query),
        Call::Usage => state.meter.answer(query),
    }
}

pub(super) fn parse_body(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::body(format!("The request body is not valid JSON: {error}")))
}

/// The members of an object that may have these and no others.
pub(super) fn members<'a>(value: &'a Value, known: &[&str]) -> Result<&'a Map<String, Value>, Problem> {
    let members = value.as_object().ok_or_else(|| Problem::body("$: an object is required"))?;
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(members),
        Some(name) => {
            let message =
                format!("$.{name}: is not defined in the schema and the schema does not allow additional properties");
            Err(Problem::body(message))
        }
    }
}
