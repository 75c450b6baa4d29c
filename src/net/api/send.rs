//! One call: sent, sent again where that is safe, and checked for what X documents.
//!
//! Its law: a request is sent again only if X cannot have seen it, or reports with a 5xx that it failed.

use std::time::Duration;

use serde_json::Value;

use super::advice::describe;
use super::error::ApiErrorKind;
use super::{Api, ApiError};
use crate::net::dial::{ApiRequest, ApiResponse};
use crate::protocol::api_types;
use crate::protocol::body::ResponseBody;
use crate::protocol::problem::Problem;
use crate::text::sanitize;

/// The delays before the second, third and fourth attempt. X's servers recover in seconds or not soon; the user is
/// waiting, so the half hour of a stream's schedule would be no help here.
const DELAYS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// A longer `Retry-After` is reported instead of waited for.
const LONGEST_DELAY: Duration = Duration::from_secs(15);

/// What a success must contain. Any other body is not X's, whatever its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// `data` with a list; an empty list is `meta` without it.
    List,
    /// `data` with an object.
    Data,
    /// `meta` or `data`: the result of a change.
    Change,
}

impl Expected {
    fn matches(self, reply: &Value) -> bool {
        let data = reply.get("data").filter(|data| !data.is_null());
        let has_meta = reply.get("meta").is_some_and(Value::is_object);
        match self {
            Expected::List => data.map_or(has_meta, Value::is_array),
            Expected::Data => data.is_some_and(Value::is_object),
            Expected::Change => data.map_or(has_meta, |data| data.is_array() || data.is_object()),
        }
    }
}

impl Api {
    /// Sends one request, again if that may help, and reads the JSON of a success.
    pub(super) async fn send(
        &mut self,
        what: &'static str,
        expected: Expected,
        request: ApiRequest<'_>,
    ) -> Result<Value, ApiError> {
        let mut delays = if self.options.retry { &DELAYS[..] } else { &[] }.iter().copied();
        loop {
            let (kind, body) = match self.options.dialer.call(request).await {
                Ok(response) => {
                    self.head = response.refusal.head.clone();
                    match read(response, expected) {
                        Ok(value) => return Ok(value),
                        Err(failed) => failed,
                    }
                }
                Err(failure) => (ApiErrorKind::Failed(failure), Value::Null),
            };
            let now = self.options.clock.now().wall;
            let (why, advice) = (format!("{what}: {}", kind.why()), kind.advice(now));
            let error = ApiError { kind, body, why, advice };
            let Some(delay) = delays.next().filter(|_| error.may_retry()) else { return Err(error) };
            let asked = error.refusal().and_then(|refusal| refusal.retry_after).unwrap_or_default();
            if asked > LONGEST_DELAY {
                return Err(error);
            }
            let delay = delay.max(asked);
            self.report(&format!("{}; trying again in {} s", error.why, delay.as_secs()));
            self.options.clock.sleep(delay).await;
        }
    }

    /// Reports the errors beside data that hold no list.
    pub(super) fn report_errors(&mut self, reply: &Value) {
        for problem in api_types::errors(reply) {
            self.report(&format!("warning: {}", describe(&problem)));
        }
    }

    /// Reports a line; a warning only once.
    pub(super) fn report(&mut self, line: &str) {
        if !line.starts_with("warning: ") || self.warned.insert(line.to_owned()) {
            (self.options.report)(line);
        }
    }
}

/// The JSON of a success, or what the response means instead and its JSON, null if it has none.
fn read(response: ApiResponse, expected: Expected) -> Result<Value, (ApiErrorKind, Value)> {
    let ApiResponse { status, body, refusal } = response;
    let refused = |body| (ApiErrorKind::Refused(Box::new(refusal.clone())), body);
    let unreadable = |text: &str| Err((ApiErrorKind::Unreadable(sanitize(text, 200)), Value::Null));
    let is_success = (200..300).contains(&status);
    let body = match body {
        // A cut body costs a success its result; a refusal is explained by its status.
        Err(failure) if is_success => return Err((ApiErrorKind::Failed(failure), Value::Null)),
        body => body.unwrap_or_default(),
    };
    let value = serde_json::from_slice::<Value>(&body);
    if !is_success {
        return Err(refused(value.unwrap_or_default()));
    }
    match value {
        // A server in between responded in X's place, or X did not mean its status.
        Ok(value) if value.get("data").is_none() && value.get("meta").is_none() && !Problem::all(&value).is_empty() => {
            Err(refused(value))
        }
        Ok(value) if expected.matches(&value) => Ok(value),
        Ok(_) => unreadable(&String::from_utf8_lossy(&body)),
        Err(_) if body.trim_ascii().is_empty() => unreadable("it is empty"),
        Err(_) => unreadable(match &refusal.body {
            ResponseBody::Text(text) => text,
            ResponseBody::Problems(_) | ResponseBody::Empty => "",
        }),
    }
}
