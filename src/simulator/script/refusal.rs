//! The answers X gives instead of a stream, as a table: status, headers and body as seen.
//!
//! Bodies decide more than statuses (three different 429s mean three different things), so each
//! refusal carries the body X sends with it.

use super::cursor::first_word;

/// A refusal: its name, and its argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptedRefusal {
    kind: &'static RefusalKind,
    argument: String,
}

/// A row of the table. The argument is seconds for a rate limit and an address for a redirect.
#[derive(Debug, PartialEq, Eq)]
struct RefusalKind {
    usage: &'static str,
    about: &'static str,
    /// The argument if none is given; empty for a refusal without argument, `-` for a required one.
    argument: &'static str,
    code: u16,
    content_type: &'static str,
    body: &'static str,
}

/// The usual argument of a rate limit, the length of X's window; it marks the refusals that report
/// used up requests.
const SECONDS: &str = "900";

const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain";

const fn kind(
    usage: &'static str,
    argument: &'static str,
    code: u16,
    content_type: &'static str,
    about: &'static str,
    body: &'static str,
) -> RefusalKind {
    RefusalKind { usage, about, argument, code, content_type, body }
}

const KINDS: &[RefusalKind] = &[
    kind(
        "rate-limit [SECONDS]",
        SECONDS,
        429,
        JSON,
        "429: requests used up, x-rate-limit-reset lies SECONDS ahead",
        r#"{"title":"Too Many Requests","type":"about:blank","status":429,"detail":"Too Many Requests"}"#,
    ),
    kind(
        "rate-limit-88 [SECONDS]",
        SECONDS,
        429,
        JSON,
        "429: the same as v1.1 says it, code 88",
        r#"{"errors":[{"code":88,"message":"Rate limit exceeded"}]}"#,
    ),
    kind(
        "too-many-connections",
        "",
        429,
        JSON,
        "429: another client holds the connection; requests are left",
        r#"{"title":"ConnectionException","detail":"This stream is currently at the maximum allowed connection limit.","connection_issue":"TooManyConnections","type":"https://api.twitter.com/2/problems/streaming-connection"}"#,
    ),
    kind(
        "usage-capped",
        "",
        429,
        JSON,
        "429: the monthly quota is used up",
        r#"{"account_id":"1234567890","product_name":"standard-basic","title":"UsageCapExceeded","period":"Monthly","scope":"Product","detail":"Usage cap exceeded: Monthly product cap","type":"https://api.twitter.com/2/problems/usage-capped"}"#,
    ),
    kind(
        "provisioning",
        "",
        503,
        JSON,
        "503: a subscription change is being provisioned",
        r#"{"title":"ConnectionException","detail":"Your subscription change is currently being provisioned, please try again in a minute.","connection_issue":"ProvisioningSubscription","type":"https://api.twitter.com/2/problems/streaming-connection"}"#,
    ),
    kind(
        "no-rules",
        "",
        409,
        JSON,
        "409: the filtered stream has no rules",
        r#"{"title":"ConnectionException","detail":"You must define rules using the POST /2/tweets/search/stream/rules endpoint before connecting to filtered stream.","connection_issue":"RuleConfigurationIssue","type":"https://api.twitter.com/2/problems/streaming-connection"}"#,
    ),
    kind(
        "unauthorized",
        "",
        401,
        JSON,
        "401: the token is wrong or revoked",
        r#"{"title":"Unauthorized","type":"about:blank","status":401,"detail":"Unauthorized"}"#,
    ),
    kind(
        "unauthorized-html",
        "",
        401,
        HTML,
        "401: v1.1 as HTML",
        "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"/>\n<title>Error 401 Unauthorized</title>\n</head>\n<body>\n<h2>HTTP ERROR: 401</h2>\n<p>Problem accessing '/1.1/statuses/filter.json'. Reason:\n<pre>    Unauthorized</pre>\n</body>\n</html>\n",
    ),
    kind(
        "credits",
        "",
        402,
        JSON,
        "402: no credits left",
        r#"{"detail":"credits depleted","status":402,"title":"Payment Required","type":"https://api.x.com/2/problems/credits-depleted"}"#,
    ),
    kind(
        "forbidden",
        "",
        403,
        JSON,
        "403: the app has no access to this stream",
        r#"{"client_id":"1234567","detail":"When authenticating requests to the Twitter API v2 endpoints, you must use keys and tokens from a Twitter developer App that is attached to a Project. You can create a project via the developer portal.","registration_url":"https://developer.twitter.com/en/docs/projects/overview","title":"Client Forbidden","required_enrollment":"Appropriate Level of API Access","reason":"client-not-enrolled","type":"https://api.twitter.com/2/problems/client-forbidden"}"#,
    ),
    kind(
        "unsupported-authentication",
        "",
        403,
        "application/problem+json",
        "403: a user token where an app token is needed",
        r#"{"title":"Unsupported Authentication","detail":"Authenticating with OAuth 1.0a User Context is forbidden for this endpoint.  Supported authentication types are [OAuth 2.0 Application-Only].","type":"https://api.twitter.com/2/problems/unsupported-authentication","status":403}"#,
    ),
    kind(
        "html",
        "",
        403,
        HTML,
        "403: v1.1 is shut down, as HTML",
        "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"/>\n<title>Error 403 \nPlease use V2 filtered and sample volume stream as alternatives\n</title>\n</head>\n<body>\n<h2>HTTP ERROR: 403</h2>\n</body>\n</html>\n",
    ),
    kind("not-found", "", 404, "", "404: unknown path, empty body", ""),
    kind(
        "not-acceptable",
        "",
        406,
        JSON,
        "406: enterprise streams insist on gzip",
        r#"{"error":{"message":"This connection requires compression. To enable compression, send an 'Accept-Encoding: gzip' header in your request and be ready to uncompress the stream as it is read on the client end.","sent":"2017-01-11T17:04:13+00:00"}}"#,
    ),
    kind(
        "invalid-request",
        "",
        400,
        JSON,
        "400: a parameter is not allowed",
        r#"{"errors":[{"parameters":{"backfill_minutes":["1"]},"message":"This parameter is not available at your access level."}],"title":"Invalid Request","detail":"One or more parameters to your request was invalid.","type":"https://api.twitter.com/2/problems/invalid-request"}"#,
    ),
    kind("420", "", 420, TEXT, "420: enhance your calm, v1.1 text", "Exceeded connection limit for user\n"),
    kind(
        "internal-error",
        "",
        500,
        JSON,
        "500: X failed",
        r#"{"title":"Internal Server Error","type":"about:blank","status":500,"detail":"Something is broken. This is usually a temporary error."}"#,
    ),
    kind(
        "unavailable",
        "",
        503,
        TEXT,
        "503: the proxy in front cannot reach X, as text",
        "upstream connect error or disconnect/reset before headers. reset reason: connection failure",
    ),
    kind("redirect URL", "-", 302, "", "302: go to URL (a token must not follow)", ""),
];

impl ScriptedRefusal {
    /// The refusal of this name.
    ///
    /// # Errors
    /// The argument does not fit. `None` if there is no refusal of that name.
    #[must_use]
    pub fn named(name: &str, argument: Option<&str>) -> Option<Result<ScriptedRefusal, String>> {
        let kind = KINDS.iter().find(|kind| first_word(kind.usage) == name)?;
        let argument = match (argument, kind.argument) {
            (None, "-") => Err(format!("'{name}' needs an argument")),
            (None, usual) => Ok(usual),
            (Some(_), "") => Err(format!("'{name}' accepts no argument")),
            (Some(given), SECONDS) if given.parse::<u32>().is_err() => {
                Err(format!("'{name}' accepts seconds as a number, not '{given}'"))
            }
            (Some(given), _) => Ok(given),
        };
        Some(argument.map(|argument| ScriptedRefusal { kind, argument: argument.to_owned() }))
    }

    pub(crate) fn code(&self) -> u16 {
        self.kind.code
    }

    pub(crate) fn body(&self) -> &'static str {
        self.kind.body
    }

    /// The headers of this refusal, apart from length, date and the usual rate limit.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if !self.kind.content_type.is_empty() {
            headers.push(("content-type", self.kind.content_type.to_owned()));
        }
        if self.kind.code == 302 {
            headers.push(("location", self.argument.clone()));
        }
        headers
    }

    /// Seconds until the limit is lifted, for the refusals that report used up requests.
    pub(crate) fn reset_in(&self) -> Option<u64> {
        if self.kind.argument == SECONDS { self.argument.parse().ok() } else { None }
    }
}

/// Names and descriptions for `--list`.
pub(crate) fn list() -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS.iter().map(|kind| (kind.usage, kind.about))
}
