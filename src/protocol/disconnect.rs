//! The codes of endings: every way a stream is refused or ends, read from a line, a response or a failure.
//!
//! An ending arrives as a number, a word, a status or a silence; here each becomes a [`Code`]. What a code
//! means stands in the catalogue; what happens next is decided by the connection state machine.
//!
//! Law: total. Every code has an entry, and no two documented endings share one.

use std::fmt;

use serde_json::Value;

use super::catalogue::{
    ENTRIES, Entry, Group, ISSUE_OTHER, PROBLEM_OTHER, STATUS_3XX, STATUS_4XX, STATUS_5XX, STATUS_OTHER, TYPE_OTHER,
    V1_OTHER, find_in,
};
use super::problem::{Body, Problem, integer};
use crate::text::sanitize;

/// Longest word of a server kept in a code, in characters.
const LONGEST_WORD: usize = 100;

/// The reason a stream ended or was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Code {
    /// `disconnect.code` of a v1.1 line (the v1.1 streaming message types page).
    V1(i64),
    /// A v1.1 `disconnect` whose code is a word; empty if it has no code that can be read.
    V1Text(String),
    /// `disconnect_type` of an operational disconnect (X docs: handling disconnections).
    Type(String),
    /// `connection_issue` of a connection exception (X docs: handling disconnections).
    Issue(String),
    /// Name of another problem: `usage-capped` (`OpenAPI` 2.167).
    Problem(String),
    /// An enterprise `error` line (X docs: enterprise Gnip 2.0).
    Enterprise(EnterpriseError),
    /// A plain-text line or HTML page where a stream was promised.
    Text(TextLine),
    /// An HTTP status whose body says nothing narrower.
    Status(u16),
    /// What the tool itself saw.
    Own(Own),
}

/// Enterprise error lines; the line's own text is in [`Problem::detail`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EnterpriseError {
    /// `Forced Disconnect: …`: more connections than allowed, the newest is dropped.
    Forced,
    /// Anything else: full buffer, bad range, operational close.
    Other,
}

/// Plain text known to come where a stream was promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextLine {
    /// `Exceeded connection limit for user`.
    ConnectionLimit,
    /// `Rate limit exceeded`.
    RateLimit,
    /// `upstream connect error …`.
    Upstream,
    /// An HTML page.
    Html,
}

/// Endings that no message announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Own {
    /// The server closed the stream in order.
    Eof,
    /// The connection was reset or broke.
    Reset,
    /// The body was cut: chunked, but without its last chunk.
    Truncated,
    /// No byte for longer than the stall limit.
    Stall,
    /// Bytes came, but a line stayed unfinished for three stall limits.
    UnfinishedLine,
    /// The host name has no address.
    Dns,
    /// The host does not take the connection.
    Tcp,
    /// The proxy does not let us through.
    Proxy,
    /// The TLS handshake failed, other than for the certificate.
    Tls,
    /// The certificate is not trusted.
    Certificate,
    /// The connection was not made in time.
    ConnectTimeout,
    /// The head of the response did not come in time.
    HeadTimeout,
    /// What came is not HTTP, or its chunk framing is broken.
    Http,
    /// The compressed data is broken.
    Gzip,
    /// The server points elsewhere; the token does not follow.
    Redirect,
    /// The quota of posts that the user set is spent.
    Quota,
}

impl EnterpriseError {
    /// Every variant.
    pub const ALL: [Self; 2] = [Self::Forced, Self::Other];

    /// Reads the message of an `error` line.
    #[must_use]
    pub fn of(message: Option<&str>) -> Self {
        match message {
            Some(text) if starts_with(text.as_bytes(), "Forced Disconnect") => Self::Forced,
            _ => Self::Other,
        }
    }

    /// The word shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forced => "forced-disconnect",
            Self::Other => "enterprise-error",
        }
    }
}

impl TextLine {
    /// Every variant.
    pub const ALL: [Self; 4] = [Self::ConnectionLimit, Self::RateLimit, Self::Upstream, Self::Html];

    /// The word shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionLimit => "connection-limit",
            Self::RateLimit => "rate-limit",
            Self::Upstream => "upstream",
            Self::Html => "html",
        }
    }
}

impl Own {
    /// Every variant.
    pub const ALL: [Self; 16] = [
        Self::Eof,
        Self::Reset,
        Self::Truncated,
        Self::Stall,
        Self::UnfinishedLine,
        Self::Dns,
        Self::Tcp,
        Self::Proxy,
        Self::Tls,
        Self::Certificate,
        Self::ConnectTimeout,
        Self::HeadTimeout,
        Self::Http,
        Self::Gzip,
        Self::Redirect,
        Self::Quota,
    ];

    /// The word shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eof => "eof",
            Self::Reset => "reset",
            Self::Truncated => "truncated",
            Self::Stall => "stall",
            Self::UnfinishedLine => "unfinished-line",
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Certificate => "certificate",
            Self::ConnectTimeout => "connect-timeout",
            Self::HeadTimeout => "head-timeout",
            Self::Http => "http",
            Self::Gzip => "gzip",
            Self::Redirect => "redirect",
            Self::Quota => "quota",
        }
    }
}

/// The known text that a line begins with, white space aside; none for any other line.
#[must_use]
pub fn of_text(line: &[u8]) -> Option<TextLine> {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii_start();
    if line.starts_with(b"<") {
        return Some(TextLine::Html);
    }
    [
        ("Exceeded connection limit for user", TextLine::ConnectionLimit),
        ("Rate limit exceeded", TextLine::RateLimit),
        ("upstream connect error", TextLine::Upstream),
    ]
    .into_iter()
    .find_map(|(text, known)| starts_with(line, text).then_some(known))
}

fn starts_with(line: &[u8], text: &str) -> bool {
    line.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()))
}

impl Code {
    /// Reads what the user or a journal wrote: the inverse of `Display` for every documented code.
    /// Letter case does not count. A number from 100 to 599 is an HTTP status, any other a v1.1 code.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.trim();
        if let Ok(number) = word.parse::<i64>() {
            let status = u16::try_from(number).ok().filter(|status| (100..600).contains(status));
            return Some(status.map_or(Self::V1(number), Self::Status));
        }
        if word.eq_ignore_ascii_case(V1_WITHOUT_CODE) {
            return Some(Self::V1Text(String::new()));
        }
        let same = |known: &str| known.eq_ignore_ascii_case(word);
        if let Some(own) = Own::ALL.into_iter().find(|own| same(own.as_str())) {
            return Some(Self::Own(own));
        }
        if let Some(text) = TextLine::ALL.into_iter().find(|text| same(text.as_str())) {
            return Some(Self::Text(text));
        }
        if let Some(error) = EnterpriseError::ALL.into_iter().find(|error| same(error.as_str())) {
            return Some(Self::Enterprise(error));
        }
        let entry = ENTRIES.iter().find(|entry| !entry.generic && same(entry.code))?;
        match entry.group {
            Group::Type => Some(Self::Type(entry.code.to_owned())),
            Group::Issue => Some(Self::Issue(entry.code.to_owned())),
            Group::Problem => Some(Self::Problem(entry.code.to_owned())),
            _ => None,
        }
    }

    /// The ending that a line of a stream announces; none if the line announces none. Meant for lines
    /// that are classified as `disconnect` or `error`: a post is not looked at here.
    #[must_use]
    pub fn of_line(value: &Value) -> Option<Self> {
        if let Some(disconnect) = value.get("disconnect") {
            return Some(Self::of_v1(disconnect.get("code")));
        }
        // A post with partial errors has both `data` and `errors`, and is no ending.
        if value.get("data").is_some_and(|data| data.as_object().is_some_and(|it| !it.is_empty())) {
            return None;
        }
        Self::of_problems(&Problem::all(value))
    }

    /// The ending that a refused request means: the body decides, the status only where the body says
    /// nothing known. An HTML page sent with a 200 is for [`of_text`]: a [`Body`] has no markup left.
    #[must_use]
    pub fn of_response(status: u16, body: &Body) -> Self {
        let said = match body {
            Body::Problems(problems) => Self::of_problems(problems),
            // A 429 with this text is about connections, not about the rate.
            Body::Text(text) if status == 429 || (200..300).contains(&status) => {
                of_text(text.as_bytes()).map(Self::Text)
            }
            Body::Text(_) | Body::Empty => None,
        };
        match said {
            // Words without an entry decide less than a status does.
            Some(Self::Problem(name)) if find_in(Group::Problem, &name).is_none() => Self::Status(status),
            Some(Self::Enterprise(EnterpriseError::Other)) | None => Self::Status(status),
            Some(code) => code,
        }
    }

    fn of_problems(problems: &[Problem]) -> Option<Self> {
        problems.iter().find_map(Problem::code)
    }

    fn of_v1(code: Option<&Value>) -> Self {
        let Some(code) = code else {
            return Self::V1Text(String::new());
        };
        if let Some(number) = integer(code) {
            return Self::V1(number);
        }
        Self::V1Text(sanitize(code.as_str().unwrap_or(""), LONGEST_WORD))
    }

    /// What is known about this ending. A code nobody documents gets the entry of its family.
    #[must_use]
    pub fn entry(&self) -> &'static Entry {
        match self {
            Self::V1(code) => find_in(Group::V1, &code.to_string()).unwrap_or(&V1_OTHER),
            Self::V1Text(_) => &V1_OTHER,
            Self::Type(word) => find_in(Group::Type, word).unwrap_or(&TYPE_OTHER),
            Self::Issue(word) => find_in(Group::Issue, word).unwrap_or(&ISSUE_OTHER),
            Self::Problem(name) => find_in(Group::Problem, name).unwrap_or(&PROBLEM_OTHER),
            Self::Enterprise(error) => find_in(Group::Enterprise, error.as_str()).unwrap_or(&STATUS_OTHER),
            Self::Text(text) => find_in(Group::Text, text.as_str()).unwrap_or(&STATUS_OTHER),
            Self::Status(status) => find_in(Group::Status, &status.to_string()).unwrap_or(match status {
                300..400 => &STATUS_3XX,
                400..500 => &STATUS_4XX,
                500..600 => &STATUS_5XX,
                _ => &STATUS_OTHER,
            }),
            Self::Own(own) => find_in(Group::Own, own.as_str()).unwrap_or(&STATUS_OTHER),
        }
    }
}

/// How a v1.1 `disconnect` without a code is shown.
const V1_WITHOUT_CODE: &str = "disconnect";

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V1(code) => write!(f, "{code}"),
            Self::V1Text(word) if word.is_empty() => f.write_str(V1_WITHOUT_CODE),
            Self::V1Text(word) | Self::Type(word) | Self::Issue(word) | Self::Problem(word) => f.write_str(word),
            Self::Enterprise(error) => f.write_str(error.as_str()),
            Self::Text(text) => f.write_str(text.as_str()),
            Self::Status(status) => write!(f, "{status}"),
            Self::Own(own) => f.write_str(own.as_str()),
        }
    }
}
#[cfg(test)]
mod tests {
    use super::super::catalogue::{Side, find};
    use super::*;
    use std::collections::HashSet;

    fn word(code: &Code) -> String {
        code.to_string()
    }

    /// One example of each way; a new variant does not compile until it has one.
    fn examples() -> Vec<Code> {
        let mut all = vec![
            Code::V1(12),
            Code::V1Text("odd".to_owned()),
            Code::Type("SlowReader".to_owned()),
            Code::Issue("TooManyConnections".to_owned()),
            Code::Problem("usage-capped".to_owned()),
            Code::Status(429),
        ];
        all.extend(EnterpriseError::ALL.map(Code::Enterprise));
        all.extend(TextLine::ALL.map(Code::Text));
        all.extend(Own::ALL.map(Code::Own));
        all
    }

    #[test]
    fn every_variant_has_an_example_and_every_example_its_own_entry() {
        let mut kinds = HashSet::new();
        let mut entries = HashSet::new();
        for code in examples() {
            kinds.insert(match code {
                Code::V1(_) => 0,
                Code::V1Text(_) => 1,
                Code::Type(_) => 2,
                Code::Issue(_) => 3,
                Code::Problem(_) => 4,
                Code::Status(_) => 5,
                Code::Enterprise(error) => match error {
                    EnterpriseError::Forced => 10,
                    EnterpriseError::Other => 11,
                },
                Code::Text(text) => match text {
                    TextLine::ConnectionLimit => 20,
                    TextLine::RateLimit => 21,
                    TextLine::Upstream => 22,
                    TextLine::Html => 23,
                },
                Code::Own(own) => match own {
                    Own::Eof => 30,
                    Own::Reset => 31,
                    Own::Truncated => 32,
                    Own::Stall => 33,
                    Own::UnfinishedLine => 34,
                    Own::Dns => 35,
                    Own::Tcp => 36,
                    Own::Proxy => 37,
                    Own::Tls => 38,
                    Own::Certificate => 39,
                    Own::ConnectTimeout => 40,
                    Own::HeadTimeout => 41,
                    Own::Http => 42,
                    Own::Gzip => 43,
                    Own::Redirect => 44,
                    Own::Quota => 45,
                },
            });
            let entry = code.entry();
            assert!(entries.insert((entry.group, entry.code)), "{code} shares its entry");
            if !matches!(code, Code::V1Text(_)) {
                assert!(!entry.generic, "{code} has no entry of its own");
                assert_eq!(entry.code, word(&code));
            }
        }
        assert_eq!(kinds.len(), 6 + 2 + 4 + 16);
    }

    #[test]
    fn every_documented_code_has_an_entry_of_its_own() {
        let words = [
            "1 2 3 4 5 6 7 8 9 10 11 12 13 14",
            "OperationalDisconnect UpstreamOperationalDisconnect UpstreamUncleanDisconnect",
            "InternalError ForceDisconnect SlowReader ClientApplicationStateDegraded InvalidRules",
            "PackageUpgraded PackageDowngraded",
            "TooManyConnections ProvisioningSubscription RuleConfigurationIssue RulesInvalidIssue",
            "client-disconnected client-forbidden conflict credits credits-depleted internal-error",
            "invalid-request invalid-rules noncompliant-rules oauth1-permissions",
            "operational-disconnect rate-limit-exceeded rule-cap streaming-connection",
            "unsupported-authentication usage-capped",
            "400 401 402 403 404 406 409 413 416 420 422 429 500 502 503 504",
        ];
        for word in words.iter().flat_map(|line| line.split(' ')) {
            let code = Code::parse(word).unwrap_or_else(|| panic!("{word}"));
            assert!(!code.entry().generic, "{word}");
            assert_eq!(code.entry().code, word);
        }
    }

    #[test]
    fn every_code_reads_back_as_itself() {
        for entry in ENTRIES.iter().filter(|entry| !entry.generic) {
            let code = Code::parse(entry.code).unwrap_or_else(|| panic!("{}", entry.code));
            assert_eq!(code.entry(), entry);
            assert_eq!(word(&code), entry.code);
            assert_eq!(Code::parse(&entry.code.to_uppercase()), Some(code));
            assert_eq!(find(entry.code), Some(entry));
        }
        for code in examples() {
            let back = Code::parse(&word(&code));
            assert!(back == Some(code.clone()) || matches!(code, Code::V1Text(_)), "{code}");
        }
        assert_eq!(Code::parse("disconnect"), Some(Code::V1Text(String::new())));
        assert_eq!(Code::parse("-3"), Some(Code::V1(-3)));
        assert_eq!(Code::parse("nonsense"), None);
        assert_eq!(Code::parse("5xx"), None);
    }

    #[test]
    fn every_entry_can_be_shown() {
        let mut seen = HashSet::new();
        for entry in ENTRIES {
            assert!(seen.insert(entry.code.to_lowercase()), "{} twice", entry.code);
            assert_eq!(find(entry.code), Some(entry), "{}", entry.code);
            assert!(entry.meaning.chars().count() <= 110, "{}", entry.code);
            for text in [entry.code, entry.name, entry.meaning, entry.advice, entry.does, entry.source] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{}: {text}", entry.code);
            }
        }
    }

    #[test]
    fn an_unknown_code_has_the_entry_of_its_family() {
        for (code, entry) in [
            (Code::V1(0), "v1-other"),
            (Code::V1(429), "v1-other"),
            (Code::V1(i64::MIN), "v1-other"),
            (Code::V1Text("eof".to_owned()), "v1-other"),
            (Code::Type("eof".to_owned()), "other-type"),
            (Code::Type("other-type".to_owned()), "other-type"),
            (Code::Issue(String::new()), "other-issue"),
            (Code::Problem("about:blank".to_owned()), "other-problem"),
            (Code::Status(301), "3xx"),
            (Code::Status(418), "4xx"),
            (Code::Status(599), "5xx"),
            (Code::Status(204), "other-status"),
            (Code::Status(12), "other-status"),
            (Code::Status(u16::MAX), "other-status"),
        ] {
            assert_eq!(code.entry().code, entry, "{code:?}");
            assert!(code.entry().generic, "{code:?}");
        }
    }

    #[test]
    fn the_three_429s_are_told_apart() {
        let [rate, connections, quota] =
            ["429", "TooManyConnections", "usage-capped"].map(|word| find(word).unwrap_or_else(|| panic!("{word}")));
        assert!(rate.meaning.contains("although the rate limit is not used up"));
        assert!(rate.does.contains("x-rate-limit-reset"));
        assert!(connections.does.starts_with("waits 20 s, then 60 s"));
        assert_eq!((quota.does, quota.side), ("stops with exit 3", Side::Account));
        assert_eq!(find("rate-limit-exceeded").map(|entry| entry.does), Some(rate.does));
    }

    #[test]
    fn a_take_over_says_that_it_does_not_fight() {
        for word in ["2", "7", "ForceDisconnect", "forced-disconnect"] {
            let does = find(word).map(|entry| entry.does).unwrap_or_default();
            assert!(does.ends_with("three take-overs in 30 minutes stop it with exit 5"), "{word}");
        }
        for (word, does) in [("3", "stops with exit 5"), ("9", "stops with exit 0"), ("6", "stops with exit 3")] {
            assert_eq!(find(word).map(|entry| entry.does), Some(does));
        }
    }

    #[test]
    fn known_text_is_known_by_its_beginning() {
        for (line, known) in [
            ("Exceeded connection limit for user\n", Some(TextLine::ConnectionLimit)),
            (" rate limit exceeded", Some(TextLine::RateLimit)),
            ("upstream connect error or disconnect/reset before headers", Some(TextLine::Upstream)),
            ("\r\n <html>", Some(TextLine::Html)),
            ("\u{feff}<!DOCTYPE html>", Some(TextLine::Html)),
            ("{\"text\":\"Rate limit exceeded\"}", None),
            ("Rate", None),
            ("", None),
        ] {
            assert_eq!(of_text(line.as_bytes()), known, "{line}");
        }
        assert_eq!(of_text(b"\xff\xfe"), None);
    }

    #[test]
    fn a_refused_response_is_its_body_before_its_status() {
        let rows: [(u16, &str, &str); 15] = [
            (
                429,
                r#"{"title":"ConnectionException","detail":"This stream is currently at the maximum allowed connection limit.","connection_issue":"TooManyConnections","type":"https://api.twitter.com/2/problems/streaming-connection"}"#,
                "TooManyConnections",
            ),
            (
                429,
                r#"{"title":"Too Many Requests","type":"about:blank","status":429,"detail":"Too Many Requests"}"#,
                "429",
            ),
            (
                429,
                r#"{"account_id":"<redacted>","product_name":"standard-basic","title":"UsageCapExceeded","period":"Monthly","scope":"Product","detail":"Usage cap exceeded: Monthly product cap","type":"https://api.twitter.com/2/problems/usage-capped"}"#,
                "usage-capped",
            ),
            (
                409,
                r#"{"title":"ConnectionException","detail":"You must define rules using the POST /2/tweets/search/stream/rules endpoint before connecting to filtered stream.","connection_issue":"RuleConfigurationIssue","type":"https://api.twitter.com/2/problems/streaming-connection"}"#,
                "RuleConfigurationIssue",
            ),
            (
                403,
                r#"{"client_id":"*******","detail":"When authenticating requests to the Twitter API v2 endpoints, you must use keys and tokens from a Twitter developer App that is attached to a Project. You can create a project via the developer portal.","registration_url":"https://developer.twitter.com/en/docs/projects/overview","title":"Client Forbidden","required_enrollment":"Appropriate Level of API Access","reason":"client-not-enrolled","type":"https://api.twitter.com/2/problems/client-forbidden"}"#,
                "client-forbidden",
            ),
            (
                403,
                r#"{"title":"Unsupported Authentication","detail":"Authenticating with OAuth 1.0a User Context is forbidden for this endpoint.  Supported authentication types are [OAuth 2.0 Application-Only].","type":"https://api.twitter.com/2/problems/unsupported-authentication","status":403}"#,
                "unsupported-authentication",
            ),
            (
                402,
                r#"{"detail":"credits depleted","status":402,"title":"Payment Required","type":"https://api.x.com/2/problems/credits-depleted"}"#,
                "credits-depleted",
            ),
            (
                403,
                "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"/>\n<title>Error 403 \nPlease use V2 filtered and sample volume stream as alternatives\n</title>\n</head>\n<body>\n<h2>HTTP ERROR: 403</h2>\n",
                "403",
            ),
            (
                401,
                "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"/>\n<title>Error 401 Unauthorized</title>\n</head>\n<body>\n<h2>HTTP ERROR: 401</h2>\n<p>Problem accessing '/1.1/statuses/filter.json'. Reason:\n<pre>    Unauthorized</pre>\n</body>\n</html>\n",
                "401",
            ),
            (420, "Exceeded connection limit for user\n", "420"),
            (429, r#"{"errors":[{"code":88,"message":"Rate limit exceeded"}]}"#, "rate-limit-exceeded"),
            (404, "", "404"),
            (503, "upstream connect error or disconnect/reset before headers. reset reason: connection failure", "503"),
            (
                406,
                r#"{"error":{"message":"This connection requires compression. To enable compression, send an 'Accept-Encoding: gzip' header in your request and be ready to uncompress the stream as it is read on the client end.","sent":"2017-01-11T17:04:13+00:00"}}"#,
                "406",
            ),
            (
                400,
                r#"{"errors":[{"parameters":{"backfill_minutes":["1"]},"message":"(text not published)"}],"title":"Invalid Request","detail":"One or more parameters to your request was invalid.","type":"https://api.twitter.com/2/problems/invalid-request"}"#,
                "invalid-request",
            ),
        ];
        for (status, body, expected) in rows {
            let code = Code::of_response(status, &Body::read(body.as_bytes()));
            assert_eq!(word(&code), expected, "{body}");
            assert!(!code.entry().generic, "{body}");
        }
    }

    #[test]
    fn a_body_that_says_nothing_known_leaves_it_to_the_status() {
        for (status, body, expected) in [
            (503, r#"{"title":"X","type":"https://api.x.com/2/problems/new-thing"}"#, "503"),
            (403, r#"{"errors":[{"type":"https://api.x.com/2/problems/resource-not-found"}]}"#, "403"),
            (429, "Exceeded connection limit for user", "connection-limit"),
            (429, "<html><p>Exceeded connection limit for user</p>", "connection-limit"),
            (429, "slow down", "429"),
            (302, "", "302"),
        ] {
            let code = Code::of_response(status, &Body::read(body.as_bytes()));
            assert_eq!(word(&code), expected, "{body}");
        }
    }

    #[test]
    #[allow(clippy::too_many_lines)] // One table of every published line.
    fn a_line_that_ends_the_stream_says_how() {
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
            let code = Code::of_line(&value);
            assert_eq!(code.as_ref().map(word).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn a_side_reads_as_words() {
        let sides = [Side::Ours, Side::X, Side::Account, Side::Network, Side::Unknown];
        let shown = sides.map(|side| side.to_string());
        assert_eq!(shown, ["our side", "X's side", "the account", "the network", "unknown"]);
    }
}
