//! The head of a response: rate limit, date, coding, redirect.

use hyper::header::HeaderMap;
use hyper::http::response::Parts;

use crate::clock::Clock;
use crate::protocol::body::ResponseBody;
use crate::protocol::disconnect::LocalCause;
use crate::protocol::rate_limit::{self, RateLimit};
use crate::session::{Failure, Head, Refusal};
use crate::text::sanitize;

/// The longest host or coding that is shown.
const LONGEST: usize = 100;

/// How a body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// gzip.
    Gzip,
    /// A coding that the request did not offer.
    Unknown,
}

/// Rate limit and date.
pub fn read(headers: &HeaderMap) -> Head {
    Head {
        rate: RateLimit::read(|name| text(headers, name)),
        date: text(headers, "date").and_then(rate_limit::http_date),
    }
}

/// A refusal of these parts. A relative or dated `Retry-After` counts from the server's `Date`, otherwise from `clock`.
pub fn refusal(parts: &Parts, body: ResponseBody, clock: &Clock) -> Refusal {
    let (status, headers, head) = (parts.status.as_u16(), &parts.headers, read(&parts.headers));
    let server_now = head.date.unwrap_or_else(|| clock.now().wall);
    Refusal {
        status,
        retry_after: text(headers, "retry-after").and_then(|value| rate_limit::retry_after(value, server_now)),
        redirect: (300..400).contains(&status).then(|| redirect_target(headers)),
        head,
        body,
    }
}

/// The coding of the body.
pub fn coding(headers: &HeaderMap) -> Coding {
    match coding_name(headers).as_str() {
        "gzip" | "x-gzip" => Coding::Gzip,
        "identity" | "" => Coding::Identity,
        _ => Coding::Unknown,
    }
}

/// The failure of a response whose coding is unknown.
pub fn unknown_coding(headers: &HeaderMap) -> Failure {
    let name = sanitize(&coding_name(headers), LONGEST);
    Failure {
        cause: LocalCause::Http,
        detail: format!("the server compresses with `{name}`, which was not offered"),
        sent: true,
    }
}

fn coding_name(headers: &HeaderMap) -> String {
    text(headers, "content-encoding").unwrap_or("identity").trim().to_ascii_lowercase()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The host that a redirect names. The rest of the location may hold secrets of that server and is not shown.
fn redirect_target(headers: &HeaderMap) -> String {
    let location = headers.get("location").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let location = location.unwrap_or_default();
    // Read leniently, as a client that followed it would: the scheme may be missing, the path may be malformed.
    let after =
        location.find("//").filter(|at| *at == 0 || location[..*at].ends_with(':')).map(|at| &location[at + 2..]);
    match after.map(|rest| rest.split(['/', '?', '#', '\\']).next().unwrap_or_default()) {
        Some(authority) if !authority.is_empty() => {
            sanitize(authority.rsplit('@').next().unwrap_or(authority), LONGEST)
        }
        _ if location.is_empty() => "nowhere (no Location)".to_owned(),
        _ => "another path on the same host".to_owned(),
    }
}
