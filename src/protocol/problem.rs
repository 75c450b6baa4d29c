//! How X reports an error, in a response body or in a line of a stream.
//!
//! One error arrives in many shapes: an RFC 7807 object bare, wrapped in `errors`, or both; the v1.1 list
//! of code and message; an enterprise `error`. Everything after this file sees one shape, and none of its
//! text can control the user's terminal.
//!
//! Law: total. Any JSON gives a list of problems; a value of the wrong type is a missing detail.

use serde_json::{Map, Value};

use super::disconnect::{Code, ConnectionIssue, DisconnectType, EnterpriseError, HttpStatus, ProblemName, V1Code};
use crate::text::sanitize;

/// Longest text kept of an error, in characters. The longest published detail has about 210; an HTML
/// page has its message within the first 500.
pub(super) const LONGEST_TEXT: usize = 500;

/// Longest name kept of a parameter or a type, in characters. The longest published one has about 40.
const LONGEST_NAME: usize = 100;

/// One error as X describes it (`OpenAPI` 2.167 `Problem`; X docs: response codes and errors). Every
/// text has been through [`sanitize`]; what X leaves out or mistypes is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// Last path segment of `type`: `usage-capped`. `about:blank` is kept whole. The host and path
    /// before it vary between X's generations and mean nothing.
    pub name: Option<ProblemName>,
    /// `title`: short, sometimes the only member that distinguishes problems.
    pub title: Option<String>,
    /// `detail`, or the `message` of a v1.1 or enterprise error: a sentence for users.
    pub detail: Option<String>,
    /// `status`: the HTTP status, 100 to 599, if the body repeats it.
    pub status: Option<u16>,
    /// `disconnect_type` of an operational disconnect (`OpenAPI` 2.159).
    pub disconnect_type: Option<DisconnectType>,
    /// `connection_issue` of a connection exception (`OpenAPI` 2.159).
    pub connection_issue: Option<ConnectionIssue>,
    /// `code` of a v1.1 error: 88 is the rate limit.
    pub code: Option<i64>,
    /// `reason` of `client-forbidden`.
    pub reason: Option<String>,
    /// `registration_url` of `client-forbidden`: where to apply for the access.
    pub registration_url: Option<String>,
    /// `required_enrollment` of `client-forbidden`.
    pub required_enrollment: Option<String>,
    /// `period` of `usage-capped`: Daily or Monthly.
    pub period: Option<String>,
    /// `scope` of `usage-capped`: Account or Product.
    pub scope: Option<String>,
    /// Names of the refused parameters: the keys of `errors[].parameters`.
    pub parameters: Vec<String>,
    /// True for an enterprise line, `{"error":{"message":…}}`.
    pub enterprise: bool,
}

impl Problem {
    /// Every problem in a JSON value, the outer one before those it wraps; empty if there is none.
    ///
    /// The caller has decided that the value is an error and not a post: a post with partial errors
    /// gives those errors.
    #[must_use]
    pub fn all(value: &Value) -> Vec<Self> {
        let Some(object) = value.as_object() else {
            return Vec::new();
        };
        let mut problems = Vec::new();
        let mut outer = Self::from_object(object);
        // X lists one problem as an object where it forgets the array.
        let inner: &[Value] = match object.get("errors") {
            Some(Value::Array(list)) => list,
            Some(single) => std::slice::from_ref(single),
            None => &[],
        };
        // `code` and `status` alone are no problem: a post or an event may have members so named.
        let is_problem = outer.name.is_some()
            || outer.title.is_some()
            || outer.detail.is_some()
            || outer.disconnect_type.is_some()
            || outer.connection_issue.is_some();
        if is_problem {
            outer.parameters.extend(inner.iter().filter_map(Value::as_object).flat_map(parameters));
            problems.push(outer);
        }
        for element in inner {
            match element {
                Value::Object(inner) => problems.push(Self::from_object(inner)),
                Value::String(text) => problems.push(Self::from_text(text)),
                _ => {}
            }
        }
        match object.get("error") {
            Some(Value::Object(error)) => {
                problems.push(Self { enterprise: true, ..Self::from_object(error) });
            }
            Some(Value::String(text)) => problems.push(Self::from_text(text)),
            _ => {}
        }
        problems
    }

    /// True if the problem is about something a post refers to: the post is incomplete or lost, the
    /// stream goes on (`OpenAPI` 2.167: resource, field and authorization problems).
    #[must_use]
    pub fn is_about_resource(&self) -> bool {
        self.name.as_ref().map(ProblemName::as_str).is_some_and(|name| {
            name == "disallowed-resource"
                || ["resource-", "not-authorized-for-", "field-"].iter().any(|prefix| name.starts_with(prefix))
        })
    }

    /// The ending this problem means; none if it is about a resource or not specific enough.
    ///
    /// The most specific member wins: the disconnect type, the connection issue, the name, and only then the
    /// title and the numbers. A generic `about:blank` is its status.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        if self.is_about_resource() {
            return None;
        }
        if let Some(word) = &self.disconnect_type {
            return Some(Code::Type(word.clone()));
        }
        if let Some(word) = &self.connection_issue {
            return Some(Code::Issue(word.clone()));
        }
        if self.enterprise {
            return Some(Code::Enterprise(EnterpriseError::from_message(self.detail.as_deref())));
        }
        if let Some(name) = self.name.as_ref().filter(|name| name.as_str() != GENERIC) {
            return Some(Code::Problem(name.clone()));
        }
        // A problem whose `type` was lost on the way still has its title.
        let name = match self.title.as_deref() {
            Some("operational-disconnect") => Some(ProblemName::OperationalDisconnect),
            Some("client-disconnected") => Some(ProblemName::ClientDisconnected),
            Some("ConnectionException") => Some(ProblemName::StreamingConnection),
            Some("UsageCapExceeded") => Some(ProblemName::UsageCapped),
            _ => None,
        };
        match (name, self.code) {
            (Some(name), _) => Some(Code::Problem(name)),
            (None, Some(88)) => Some(Code::Problem(ProblemName::RateLimitExceeded)),
            (None, Some(34)) => Some(Code::Status(HttpStatus::NotFound)),
            (None, _) => self.status.map(|status| Code::Status(status.into())),
        }
    }

    fn from_object(object: &Map<String, Value>) -> Self {
        let text = |key: &str, longest| {
            let text = sanitize(object.get(key)?.as_str()?, longest);
            (!text.is_empty()).then_some(text)
        };
        Self {
            name: text("type", LONGEST_TEXT).as_deref().and_then(name),
            title: text("title", LONGEST_TEXT),
            detail: text("detail", LONGEST_TEXT).or_else(|| text("message", LONGEST_TEXT)),
            status: object
                .get("status")
                .and_then(integer)
                .and_then(|status| u16::try_from(status).ok().filter(|status| (100..600).contains(status))),
            disconnect_type: text("disconnect_type", LONGEST_NAME).map(|word| word.as_str().into()),
            connection_issue: text("connection_issue", LONGEST_NAME).map(|word| word.as_str().into()),
            code: object.get("code").and_then(integer),
            reason: text("reason", LONGEST_TEXT),
            registration_url: text("registration_url", LONGEST_TEXT),
            required_enrollment: text("required_enrollment", LONGEST_TEXT),
            period: text("period", LONGEST_TEXT),
            scope: text("scope", LONGEST_TEXT),
            parameters: parameters(object).collect(),
            enterprise: false,
        }
    }

    fn from_text(text: &str) -> Self {
        let text = sanitize(text, LONGEST_TEXT);
        Self { detail: (!text.is_empty()).then_some(text), ..Self::default() }
    }
}

impl Code {
    /// The ending that a line of a stream announces; none if the line announces none. Meant for lines
    /// that are classified as `disconnect` or `error`: a post is not examined here.
    #[must_use]
    pub fn from_line(value: &Value) -> Option<Self> {
        if let Some(disconnect) = value.get("disconnect") {
            return Some(match disconnect.get("code") {
                Some(code) => match integer(code) {
                    Some(number) => Self::V1(V1Code::from(number)),
                    None => Self::V1Text(sanitize(code.as_str().unwrap_or(""), LONGEST_NAME)),
                },
                None => Self::V1Text(String::new()),
            });
        }
        // A post with partial errors has both `data` and `errors`, and is no ending.
        if value.get("data").is_some_and(|data| data.as_object().is_some_and(|it| !it.is_empty())) {
            return None;
        }
        Problem::all(value).iter().find_map(Problem::code)
    }
}

/// The type of a problem that has none of its own: its title is that of the HTTP status.
const GENERIC: &str = "about:blank";

fn name(kind: &str) -> Option<ProblemName> {
    if kind == GENERIC {
        return Some(kind.into());
    }
    // Other messages have a `type` too: Powerstream's first line says `connection_metadata`.
    if !kind.contains("/problems/") {
        return None;
    }
    let path = kind.split(['?', '#']).next()?.trim_end_matches('/');
    let segment = path.rsplit('/').next()?;
    (!segment.is_empty()).then(|| sanitize(segment, LONGEST_NAME).as_str().into())
}

/// An integer, also one that was sent as a string.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn parameters(object: &Map<String, Value>) -> impl Iterator<Item = String> {
    object
        .get("parameters")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::keys)
        .map(|key| sanitize(key, LONGEST_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn codes(value: &Value) -> Vec<Option<Code>> {
        Problem::all(value).iter().map(Problem::code).collect()
    }

    #[test]
    fn a_problem_is_the_same_bare_and_wrapped() {
        let bare = json!({
            "title": "ConnectionException",
            "detail": "This stream is currently at the maximum allowed connection limit.",
            "connection_issue": "TooManyConnections",
            "type": "https://api.twitter.com/2/problems/streaming-connection"
        });
        let wrapped = json!({ "errors": [bare] });
        assert_eq!(Problem::all(&bare), Problem::all(&wrapped));
        assert_eq!(Problem::all(&bare)[0].name, Some(ProblemName::StreamingConnection));
        assert_eq!(codes(&bare), [Some(Code::Issue(ConnectionIssue::TooManyConnections))]);
    }

    #[test]
    fn the_outer_problem_comes_first_and_names_the_parameters() {
        let problems = Problem::all(&json!({
            "errors": [{ "parameters": { "backfill_minutes": ["1"] }, "message": "inner" }],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": "https://api.twitter.com/2/problems/invalid-request"
        }));
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0].parameters, ["backfill_minutes"]);
        assert_eq!(problems[0].code(), Some(Code::Problem(ProblemName::InvalidRequest)));
        assert_eq!(problems[1].detail.as_deref(), Some("inner"));
        assert_eq!(problems[1].code(), None);
    }

    #[test]
    fn the_name_is_the_last_segment_whatever_the_host() {
        for (kind, expected) in [
            ("https://api.x.com/2/problems/usage-capped", Some("usage-capped")),
            ("https://api.twitter.com/labs/1/problems/usage-capped/", Some("usage-capped")),
            ("https://api.x.com/2/problems/usage-capped?lang=en#top", Some("usage-capped")),
            ("about:blank", Some("about:blank")),
            ("", None),
            ("/", None),
            ("connection_metadata", None),
        ] {
            assert_eq!(name(kind).as_ref().map(ProblemName::as_str), expected, "{kind}");
        }
    }

    #[test]
    fn a_lost_resource_is_no_ending() {
        for name in [
            "resource-not-found",
            "resource-unavailable",
            "not-authorized-for-field",
            "not-authorized-for-resource",
            "field-unauthorized",
            "field-hydration-failure",
            "disallowed-resource",
        ] {
            let kind = format!("https://api.twitter.com/2/problems/{name}");
            let value = json!({ "errors": [{ "title": "Not Found Error", "status": 404, "type": kind }] });
            assert!(Problem::all(&value)[0].is_about_resource(), "{name}");
            assert_eq!(codes(&value), [None], "{name}");
        }
    }

    #[test]
    fn a_problem_without_its_type_is_known_by_title_or_number() {
        for (value, code) in [
            (json!({ "title": "UsageCapExceeded" }), Some("usage-capped")),
            (json!({ "errors": [{ "code": 88, "message": "Rate limit exceeded" }] }), Some("rate-limit-exceeded")),
            (json!({ "errors": [{ "code": "88" }] }), Some("rate-limit-exceeded")),
            (json!({ "title": "Too Many Requests", "type": "about:blank", "status": 429 }), Some("429")),
            (json!({ "title": "Unauthorized", "type": "about:blank", "status": "401" }), Some("401")),
            (json!({ "title": "Something" }), None),
            (json!({ "title": "Something", "status": 70_000 }), None),
        ] {
            let found = codes(&value);
            assert_eq!(found[0].as_ref().map(ToString::to_string).as_deref(), code, "{value}");
        }
    }

    #[test]
    fn an_enterprise_error_and_a_bare_text_are_problems() {
        let forced = Problem::all(
            &json!({ "error": { "message": "Forced Disconnect: Too many connections. (Allowed Connections = 2)" } }),
        );
        assert!(forced[0].enterprise);
        assert_eq!(forced[0].code(), Some(Code::Enterprise(EnterpriseError::Forced)));
        let text = Problem::all(&json!({ "error": "nope" }));
        assert_eq!(text[0].detail.as_deref(), Some("nope"));
        assert_eq!(text[0].code(), None);
    }

    #[test]
    fn wrong_types_are_missing_details() {
        for value in [
            json!(null),
            json!([]),
            json!("error"),
            json!({}),
            json!({ "errors": true }),
            json!({ "errors": [null, 1, [], {}] }),
            json!({ "errors": { "code": {} } }),
            json!({ "error": 5 }),
            json!({ "title": 5, "detail": [], "status": -1, "type": {}, "disconnect_type": true }),
            json!({ "errors": [{ "parameters": "x", "code": 1.5, "status": "x" }] }),
        ] {
            assert!(codes(&value).iter().all(Option::is_none), "{value}");
        }
    }

    #[test]
    #[allow(clippy::too_many_lines)] // One table of every published line.
    fn a_line_that_ends_the_stream_has_the_code_of_the_ending() {
        for (line, expected) in [
            (
                r#"{"errors":[{"title":"operational-disconnect","disconnect_type":"UpstreamOperationalDisconnect","detail":"This stream has been disconnected upstream for operational reasons.","type":"https://api.twitter.com/2/problems/operational-disconnect"}]}"#,
                Some("UpstreamOperationalDisconnect"),
            ),
            (
                r#"{"errors":[{"title":"operational-disconnect","disconnect_type":"UpstreamOperationalDisconnect","detail":"This stream has been disconnected upstream for operational reasons.","type":"https://api.x.com/2/problems/operational-disconnect"}]}"#,
                Some("UpstreamOperationalDisconnect"),
            ),
            (
                r#"{"errors":[{"title":"operational-disconnect","disconnect_type":"OperationalDisconnect","detail":"This stream has been disconnected for operational reasons.","type":"https://api.twitter.com/2/problems/operational-disconnect"}]}"#,
                Some("OperationalDisconnect"),
            ),
            (
                r#"{"title":"ConnectionException","detail":"This stream is currently at the maximum allowed connection limit.","connection_issue":"TooManyConnections","type":"https://api.twitter.com/2/problems/streaming-connection"}"#,
                Some("TooManyConnections"),
            ),
            (
                r#"{"title":"ConnectionException","detail":"Your subscription change is currently being provisioned, please try again in a minute.","connection_issue":"ProvisioningSubscription","type":"https://api.twitter.com/2/problems/streaming-connection"}"#,
                Some("ProvisioningSubscription"),
            ),
            (
                r#"{"errors":[{"title":"operational-disconnect","disconnect_type":"ForceDisconnect","detail":"(text not published)","type":"https://api.x.com/2/problems/operational-disconnect"}]}"#,
                Some("ForceDisconnect"),
            ),
            (
                r#"{"errors":[{"title":"operational-disconnect","disconnect_type":"UpstreamUncleanDisconnect","detail":"(text not published)","type":"https://api.x.com/2/problems/operational-disconnect"}]}"#,
                Some("UpstreamUncleanDisconnect"),
            ),
            (
                r#"{"errors":[{"title":"operational-disconnect","disconnect_type":"SlowReader","detail":"(text not published)","type":"https://api.x.com/2/problems/operational-disconnect"}]}"#,
                Some("SlowReader"),
            ),
            (
                r#"{"errors":[{"title":"operational-disconnect","disconnect_type":"InternalError","detail":"(text not published)","type":"https://api.x.com/2/problems/operational-disconnect"}]}"#,
                Some("InternalError"),
            ),
            (
                r#"{"errors":[{"title":"client-disconnected","detail":"(text not published)","type":"https://api.twitter.com/2/problems/client-disconnected"}]}"#,
                Some("client-disconnected"),
            ),
            (r#"{"disconnect":{"code":4,"stream_name":"","reason":""}}"#, Some("4")),
            (
                r#"{"disconnect":{"code":7,"stream_name":"thbounsigmalab1-statuses227378","reason":"admin logout"}}"#,
                Some("7"),
            ),
            (r#"{"disconnect":{"code":7,"stream_name":"dfurnes-statuses936291","reason":"admin logout"}}"#, Some("7")),
            (
                r#"{"disconnect":{"code":6,"stream_name":"xxxxxxxxxx","reason":"token revoked for userId xxxxxxxxxx"}}"#,
                Some("6"),
            ),
            (
                r#"{"disconnect":{"code":5,"stream_name":"somestreamname123","reason":"reason for disconnection"}}"#,
                Some("5"),
            ),
            (
                r#"{"error":{"message":"Forced Disconnect: Too many connections. (Allowed Connections = 2)","sent":"2017-01-11T18:12:52+00:00"}}"#,
                Some("forced-disconnect"),
            ),
            (
                r#"{"info":{"message":"Replay Request Completed","sent":"2016-05-27T22:15:50+00:00","activity_count":8874}}"#,
                None,
            ),
            (
                r#"{"info":{"message":"Replay Request Failed to Complete","sent":"2016-06-27T16:37:13+00:00","unprocessed_range":{"fromDate":"2016-06-26T00:00:00+00:00","toDate":"2016-06-26T00:01:00+00:00"},"activity_count":1822}}"#,
                None,
            ),
            (r#"{"disconnect":true}"#, Some("disconnect")),
            (r#"{"disconnect":{}}"#, Some("disconnect")),
            (r#"{"disconnect":{"code":"420"}}"#, Some("420")),
            (r#"{"disconnect":{"code":"odd"}}"#, Some("odd")),
            (r#"{"disconnect":{"code":[]}}"#, Some("disconnect")),
            (r#"{"data":{"id":"1"},"errors":[{"type":"https://api.x.com/2/problems/operational-disconnect"}]}"#, None),
            (r#"{"errors":[{"type":"https://api.twitter.com/2/problems/resource-not-found"}]}"#, None),
            (
                r#"{"errors":[{"type":"https://api.twitter.com/2/problems/resource-not-found"},{"disconnect_type":"SlowReader"}]}"#,
                Some("SlowReader"),
            ),
            (r#"{"type":"connection_metadata","datacenter":"atla","timestamp":1762557264155}"#, None),
            (
                r#"{"title":"UsageCapExceeded","type":"https://api.twitter.com/2/problems/usage-capped"}"#,
                Some("usage-capped"),
            ),
            ("[]", None),
            ("null", None),
        ] {
            let value: Value = serde_json::from_str(line).unwrap();
            let code = Code::from_line(&value);
            assert_eq!(code.as_ref().map(ToString::to_string).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn no_text_of_the_server_can_control_the_terminal() {
        let evil = "\u{1b}[2J\u{7}a\r\nb\u{9b}\u{7f}\u{202e}c\u{2066}\0 \t d";
        let value = json!({ "title": evil, "type": format!("x/problems/{evil}"), "disconnect_type": evil,
            "errors": [{ "parameters": { evil: [] } }] });
        let shown = format!("{:?} {}", Problem::all(&value), codes(&value)[0].as_ref().unwrap());
        assert!(!shown.chars().any(char::is_control));
    }
}
