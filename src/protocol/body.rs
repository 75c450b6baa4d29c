//! The body of a refused response: problems, or the beginning of its text.
//!
//! X answers with JSON, a proxy with a page, a front server with a line of text; each is read into one
//! [`ResponseBody`], and with the status into the [`Code`] that decides.
//!
//! Law: total. Any bytes give a `ResponseBody`, and none of its text can control a terminal.

use serde_json::Value;

use super::disconnect::{Code, EnterpriseError, HttpStatus, ProblemName, TextLine};
use super::html::strip_markup;
use super::problem::{LONGEST_TEXT, Problem};
use crate::text::sanitize;

/// Bytes of a text body that are read. A proxy's page puts styles before the message, so this is far more
/// than the text kept, and still too little to cost time.
const LONGEST_PAGE: usize = 256 * 1024;

/// The body of a response that is not a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponseBody {
    /// Nothing, or nothing that can be shown.
    Empty,
    /// At least one problem.
    Problems(Vec<Problem>),
    /// The beginning of any other text, without markup, at most 500 characters.
    Text(String),
}

impl ResponseBody {
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
        let text = sanitize(&strip_markup(&page), LONGEST_TEXT);
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

impl Code {
    /// The code of a refused request: the body decides, the status only where the body has no
    /// documented code. An HTML page sent with a 200 is for [`TextLine::from_line`]: a [`ResponseBody`] has no markup left.
    #[must_use]
    pub fn from_response(status: u16, body: &ResponseBody) -> Self {
        let stated = match body {
            ResponseBody::Problems(problems) => problems.iter().find_map(Problem::code),
            // A 429 with text is not always about the rate. A 420 has one meaning, whatever its text.
            ResponseBody::Text(text) if status == 429 || (200..300).contains(&status) => {
                TextLine::from_line(text.as_bytes()).map(Self::Text)
            }
            ResponseBody::Text(_) | ResponseBody::Empty => None,
        };
        match stated {
            Some(Self::Problem(ProblemName::Other(_)) | Self::Enterprise(EnterpriseError::Other)) | None => {
                Self::Status(HttpStatus::from(status))
            }
            Some(code) => code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_page_gives_its_text() {
        let text = |page: &str| match ResponseBody::read(page.as_bytes()) {
            ResponseBody::Text(text) => text,
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
            assert_eq!(ResponseBody::read(empty.as_bytes()), ResponseBody::Empty, "{empty}");
        }
    }

    #[test]
    fn a_body_shows_one_sentence() {
        let detail = |body: &str| ResponseBody::read(body.as_bytes()).detail();
        assert_eq!(detail(r#"{"title":"T","detail":"D"}"#).as_deref(), Some("D"));
        assert_eq!(detail(r#"{"title":"T"}"#).as_deref(), Some("T"));
        assert_eq!(detail("plain").as_deref(), Some("plain"));
        assert_eq!(detail(""), None);
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
            let code = Code::from_response(status, &ResponseBody::read(body.as_bytes()));
            assert_eq!(code.to_string(), expected, "{body}");
        }
    }

    #[test]
    fn the_status_decides_where_the_body_has_no_documented_code() {
        for (status, body, expected) in [
            (503, r#"{"title":"X","type":"https://api.x.com/2/problems/new-thing"}"#, "503"),
            (403, r#"{"errors":[{"type":"https://api.x.com/2/problems/resource-not-found"}]}"#, "403"),
            (429, "Exceeded connection limit for user", "connection-limit"),
            (429, "<html><p>Exceeded connection limit for user</p>", "connection-limit"),
            (429, "slow down", "429"),
            (302, "", "302"),
        ] {
            let code = Code::from_response(status, &ResponseBody::read(body.as_bytes()));
            assert_eq!(code.to_string(), expected, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_some_body(bytes: Vec<u8>) {
            let body = ResponseBody::read(&bytes);
            if let Some(detail) = body.detail() {
                prop_assert!(detail.chars().count() <= LONGEST_TEXT);
                prop_assert!(!detail.chars().any(char::is_control));
            }
        }
    }
}
