//! What X says about an error, in a response body or in a line of a stream.
//!
//! One error reaches us in many shapes: an RFC 7807 object bare, wrapped in `errors`, or both; the
//! v1.1 list of code and message; an enterprise `error`; plain text; a proxy's HTML page. Everything
//! after this file sees one shape, and none of it can move the cursor of the user's terminal.
//!
//! Law: total. Any bytes give a `Body`, any JSON gives a list of problems; a value of the wrong type
//! is a missing detail.

use serde_json::{Map, Value};

use super::disconnect::{Code, EnterpriseError};
use crate::text::sanitize;

/// Longest text kept of an error, in characters. The longest published detail has about 210; an HTML
/// page says what it has to say before 500.
const LONGEST_TEXT: usize = 500;

/// Longest name kept of a parameter or a type, in characters. The longest published one has about 40.
const LONGEST_NAME: usize = 100;

/// Bytes of a text body that are looked at. A proxy's page puts styles before the message, so this is
/// far more than the text kept, and still too little to cost time.
const LONGEST_PAGE: usize = 256 * 1024;

/// One error as X describes it (`OpenAPI` 2.167 `Problem`; X docs: response codes and errors). Every
/// text has been through [`printable`]; what X leaves out or mistypes is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// Last path segment of `type`: `usage-capped`. `about:blank` is kept whole. The host and path
    /// before it vary between X's generations and mean nothing.
    pub name: Option<String>,
    /// `title`: short, sometimes the only word that tells problems apart.
    pub title: Option<String>,
    /// `detail`, or the `message` of a v1.1 or enterprise error: a sentence for people.
    pub detail: Option<String>,
    /// `status`: the HTTP status, 100 to 599, if the body repeats it.
    pub status: Option<u16>,
    /// `disconnect_type` of an operational disconnect (`OpenAPI` 2.159).
    pub disconnect_type: Option<String>,
    /// `connection_issue` of a connection exception (`OpenAPI` 2.159).
    pub connection_issue: Option<String>,
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
        let mut outer = Self::of(object);
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
                Value::Object(inner) => problems.push(Self::of(inner)),
                Value::String(text) => problems.push(Self::said(text)),
                _ => {}
            }
        }
        match object.get("error") {
            Some(Value::Object(error)) => {
                problems.push(Self { enterprise: true, ..Self::of(error) });
            }
            Some(Value::String(text)) => problems.push(Self::said(text)),
            _ => {}
        }
        problems
    }

    /// True if the problem is about something a post refers to: the post is incomplete or lost, the
    /// stream goes on (`OpenAPI` 2.167: resource, field and authorization problems).
    #[must_use]
    pub fn is_about_resource(&self) -> bool {
        self.name.as_deref().is_some_and(|name| {
            name == "disallowed-resource"
                || ["resource-", "not-authorized-for-", "field-"].iter().any(|prefix| name.starts_with(prefix))
        })
    }

    /// The ending this problem means; none if it is about a resource or says nothing that decides.
    ///
    /// The narrowest word wins: the disconnect type, the connection issue, the name, and only then the
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
            return Some(Code::Enterprise(EnterpriseError::of(self.detail.as_deref())));
        }
        if let Some(name) = self.name.as_deref().filter(|name| *name != "about:blank") {
            return Some(Code::Problem(name.to_owned()));
        }
        // A problem whose `type` was lost on the way still has its title.
        let name = match self.title.as_deref() {
            Some("operational-disconnect") => Some("operational-disconnect"),
            Some("client-disconnected") => Some("client-disconnected"),
            Some("ConnectionException") => Some("streaming-connection"),
            Some("UsageCapExceeded") => Some("usage-capped"),
            _ => None,
        };
        if let Some(name) = name {
            return Some(Code::Problem(name.to_owned()));
        }
        match self.code {
            Some(88) => Some(Code::Problem("rate-limit-exceeded".to_owned())),
            Some(34) => Some(Code::Status(404)),
            _ => self.status.map(Code::Status),
        }
    }

    fn of(object: &Map<String, Value>) -> Self {
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
            disconnect_type: text("disconnect_type", LONGEST_NAME),
            connection_issue: text("connection_issue", LONGEST_NAME),
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

    fn said(text: &str) -> Self {
        let text = sanitize(text, LONGEST_TEXT);
        Self { detail: (!text.is_empty()).then_some(text), ..Self::default() }
    }
}

fn name(kind: &str) -> Option<String> {
    if kind == "about:blank" {
        return Some(kind.to_owned());
    }
    // Other messages have a `type` too: Powerstream's first line says `connection_metadata`.
    if !kind.contains("/problems/") {
        return None;
    }
    let path = kind.split(['?', '#']).next()?.trim_end_matches('/');
    let segment = path.rsplit('/').next()?;
    (!segment.is_empty()).then(|| sanitize(segment, LONGEST_NAME))
}

/// An integer, also one that was sent as a string.
pub(super) fn integer(value: &Value) -> Option<i64> {
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

/// What came instead of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Nothing, or nothing that can be shown.
    Empty,
    /// At least one problem.
    Problems(Vec<Problem>),
    /// The beginning of any other text, without markup, at most 500 characters.
    Text(String),
}

impl Body {
    /// Reads a body, inflated and possibly cut short: problems if it is JSON that holds any, else its
    /// text.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
            let problems = Problem::all(&value);
            if !problems.is_empty() {
                return Self::Problems(problems);
            }
        }
        let page = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST_PAGE)]);
        let text = sanitize(&without_markup(&page), LONGEST_TEXT);
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// The sentence to show: the first problem's detail, or its title, or the text.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Empty => None,
            Self::Problems(problems) => {
                let details = problems.iter().filter_map(|problem| problem.detail.clone());
                let titles = problems.iter().filter_map(|problem| problem.title.clone());
                details.chain(titles).next()
            }
            Self::Text(text) => Some(text.clone()),
        }
    }
}

/// The text of an HTML page: tags become spaces; comments, scripts and styles go with what they hold.
/// A `<` that opens no tag stays, so plain text passes unchanged.
fn without_markup(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let tag = &rest[at..];
        let opens = tag[1..].starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?'));
        if !opens {
            text.push('<');
            rest = &tag[1..];
            continue;
        }
        text.push(' ');
        let end = if tag.starts_with("<!--") {
            after(tag, "-->")
        } else if starts_tag(tag, "script") {
            after_closing(tag, "</script")
        } else if starts_tag(tag, "style") {
            after_closing(tag, "</style")
        } else {
            after(tag, ">")
        };
        // A page cut inside a tag has no more text.
        rest = end.unwrap_or("");
    }
    text.push_str(rest);
    if page.contains('<') { unescaped(&text) } else { text }
}

fn starts_tag(tag: &str, name: &str) -> bool {
    let bytes = &tag.as_bytes()[1..];
    bytes.len() >= name.len()
        && bytes[..name.len()].eq_ignore_ascii_case(name.as_bytes())
        && bytes.get(name.len()).is_none_or(|next| !next.is_ascii_alphanumeric())
}

fn after<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    text.find(end).map(|at| &text[at + end.len()..])
}

fn after_closing<'a>(text: &'a str, closing: &str) -> Option<&'a str> {
    let at =
        text.as_bytes().windows(closing.len()).position(|window| window.eq_ignore_ascii_case(closing.as_bytes()))?;
    after(&text[at..], ">")
}

/// The handful of entities that error pages use. `&amp;` comes last, so that nothing is read twice.
fn unescaped(text: &str) -> String {
    [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
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
        assert_eq!(Problem::all(&bare)[0].name.as_deref(), Some("streaming-connection"));
        assert_eq!(codes(&bare), [Some(Code::Issue("TooManyConnections".into()))]);
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
        assert_eq!(problems[0].code(), Some(Code::Problem("invalid-request".into())));
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
            assert_eq!(name(kind).as_deref(), expected, "{kind}");
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
    fn no_text_of_the_server_can_steer_the_terminal() {
        let evil = "\u{1b}[2J\u{7}a\r\nb\u{9b}\u{7f}\u{202e}c\u{2066}\0 \t d";
        assert_eq!(sanitize(evil, 500), "[2Ja bc d");
        let value = json!({ "title": evil, "type": format!("x/problems/{evil}"), "disconnect_type": evil,
            "errors": [{ "parameters": { evil: [] } }] });
        let shown = format!("{:?} {}", Problem::all(&value), codes(&value)[0].as_ref().unwrap());
        assert!(!shown.chars().any(char::is_control));
    }

    #[test]
    fn a_long_text_is_cut_with_a_mark() {
        for (max, expected) in [(0, ""), (1, "…"), (2, "a…"), (4, "ab …"), (5, "ab cd")] {
            let shown = sanitize(" ab  cd ", max);
            assert!(shown.chars().count() <= max);
            assert_eq!(shown, expected);
        }
        assert_eq!(sanitize("a b", 2), "a…");
        assert_eq!(sanitize(&"é".repeat(600), 500).chars().count(), 500);
    }

    #[test]
    fn a_page_gives_its_text() {
        let text = |page: &str| match Body::read(page.as_bytes()) {
            Body::Text(text) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            text("<html><title>Error 403 \nPlease</title><h2>HTTP ERROR: 403</h2>\n"),
            "Error 403 Please HTTP ERROR: 403"
        );
        assert_eq!(text("<STYLE>a{b:c}</STYLE ><script>if (a<b) x()</script>A&amp;lt;B<!-- <p>no --> C"), "A&lt;B C");
        assert_eq!(text("3 < 4 & 5 > 4"), "3 < 4 & 5 > 4");
        assert_eq!(text("before <a href="), "before");
        assert_eq!(text("{\"ok\":true}"), "{\"ok\":true}");
        assert_eq!(text("{\"title\":\"cut"), "{\"title\":\"cut");
        for empty in ["", " \r\n", "\u{feff}", "<html><script>x", "<p></p>"] {
            assert_eq!(Body::read(empty.as_bytes()), Body::Empty, "{empty}");
        }
    }

    #[test]
    fn a_body_shows_one_sentence() {
        let detail = |body: &str| Body::read(body.as_bytes()).detail();
        assert_eq!(detail(r#"{"title":"T","detail":"D"}"#).as_deref(), Some("D"));
        assert_eq!(detail(r#"{"title":"T"}"#).as_deref(), Some("T"));
        assert_eq!(detail("plain").as_deref(), Some("plain"));
        assert_eq!(detail(""), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_some_body(bytes: Vec<u8>) {
            let body = Body::read(&bytes);
            if let Some(detail) = body.detail() {
                prop_assert!(detail.chars().count() <= LONGEST_TEXT);
                prop_assert!(!detail.chars().any(char::is_control));
            }
        }

        #[test]
        fn any_markup_is_some_text(page in "[<>!/a-cscriptyle &;\"\\-é]{0,60}") {
            let _ = Body::read(page.as_bytes());
        }

        #[test]
        fn printable_is_bounded_and_printing_twice_changes_nothing(text: String, max in 0_usize..40) {
            let once = sanitize(&text, max);
            prop_assert!(once.chars().count() <= max);
            prop_assert_eq!(sanitize(&once, max), once.clone());
        }
    }
}
