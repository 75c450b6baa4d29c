//! The texts of failed calls: why, and what to do. The catalogue's own texts speak of streams, so the statuses that
//! calls meet have theirs here.

use std::time::Duration;

use super::error::ApiErrorKind;
use crate::protocol::body::ResponseBody;
use crate::protocol::disconnect::{Code, LocalCause, ProblemName};
use crate::protocol::problem::Problem;
use crate::session::{Failure, Refusal};
use crate::time::{format_duration, time_of_day};

impl ApiErrorKind {
    /// Why the call failed, without what was attempted.
    pub(super) fn why(&self) -> String {
        match self {
            ApiErrorKind::Refused(refusal) => {
                let code = self.code();
                let mut text = self.status(refusal).to_string();
                if !matches!(code, Code::Status(_) | Code::Local(LocalCause::Redirect)) {
                    text = format!("{text} {code}");
                }
                let entry = code.entry();
                let why = match (&refusal.redirect, refusal.body.detail()) {
                    (Some(target), _) => format!("a redirect to {target}, which is not followed"),
                    (None, Some(detail)) => detail,
                    (None, None) => meaning_of_status(&code).unwrap_or(entry.meaning).to_owned(),
                };
                let parameters: Vec<String> = match &refusal.body {
                    ResponseBody::Problems(problems) => {
                        problems.iter().take(1).flat_map(|problem| problem.parameters.clone()).collect()
                    }
                    ResponseBody::Text(_) | ResponseBody::Empty => Vec::new(),
                };
                let about = if parameters.is_empty() { String::new() } else { format!(" ({})", parameters.join(", ")) };
                format!("{text}: {}{about}", why.trim_end_matches('.'))
            }
            ApiErrorKind::Failed(failure) => failure.detail.clone(),
            ApiErrorKind::Unreadable(text) if text.is_empty() => {
                "the response is not the JSON that X documents".to_owned()
            }
            ApiErrorKind::Unreadable(text) => format!("the response is not the JSON that X documents: {text}"),
        }
    }

    /// What to do. `now` is the local time, for a server that does not report its own.
    pub(super) fn advice(&self, now: Duration) -> String {
        let ApiErrorKind::Refused(refusal) = self else {
            return match self {
                ApiErrorKind::Failed(failure) => advice_for(failure).to_owned(),
                _ => "check --base-url and any proxy in between".to_owned(),
            };
        };
        let code = self.code();
        match (self.status(refusal), &code) {
            (401, _) => {
                "the bearer token is wrong, revoked, or not an app-only token; create a new one in the developer portal"
                    .to_owned()
            }
            (403, _) => forbidden(&refusal.body),
            (404, _) => "check --base-url".to_owned(),
            (300..=399, _) => "check --base-url; the token goes to no other host".to_owned(),
            (400, Code::Problem(ProblemName::InvalidRequest)) => "correct the parameter that X names".to_owned(),
            (420 | 429, Code::Status(_)) => rate_window(refusal, now),
            (405..500, Code::Status(_)) => "check --base-url and any proxy in between".to_owned(),
            (_, Code::Problem(ProblemName::RateLimitExceeded)) => rate_window(refusal, now),
            (500..600, _) => match refusal.retry_after {
                Some(wait) => format!("the fault is X's; X requires a wait of {}", format_duration(wait)),
                None => "the fault is X's; try again later".to_owned(),
            },
            _ => code.entry().advice.to_owned(),
        }
    }
}

/// One line about a problem.
#[must_use]
pub fn describe(problem: &Problem) -> String {
    let name = problem
        .name
        .as_ref()
        .map(ProblemName::as_str)
        .filter(|name| *name != "about:blank")
        .or(problem.title.as_deref());
    match (name, &problem.detail) {
        (Some(name), Some(detail)) => format!("{name}: {detail}"),
        (Some(text), None) => text.to_owned(),
        (None, Some(detail)) => detail.clone(),
        (None, None) => "an error without a description".to_owned(),
    }
}

/// The meaning of a status that came without a body.
fn meaning_of_status(code: &Code) -> Option<&'static str> {
    let Code::Status(status) = code else { return None };
    Some(match status.number() {
        400 => "X does not understand the request",
        401 => "X does not accept the token",
        402 => "the app has no credits left",
        403 => "the app has no access to this",
        404 => "there is no such path",
        420 | 429 => "too many requests",
        405..500 => "X refuses the request and gives no reason",
        500..600 => "X failed and gives no reason",
        _ => return None,
    })
}

/// What to do when a call got no complete response. Unlike a stream it is not sent again by itself.
#[must_use]
pub fn advice_for(failure: &Failure) -> &'static str {
    match failure.cause {
        LocalCause::HeadTimeout
        | LocalCause::Stall
        | LocalCause::Truncated
        | LocalCause::Eof
        | LocalCause::Reset
        | LocalCause::Gzip
        | LocalCause::UnfinishedLine => {
            "try again; if it fails again, check the network, any proxy in between, and X's status page, \
             https://developer.x.com/status"
        }
        // The text of a failure about a date already contains the advice.
        LocalCause::Certificate if !failure.detail.contains("clock") => {
            "check --base-url and any proxy in between; for a TLS proxy, pass its CA with --cacert"
        }
        cause => Code::Local(cause).entry().advice,
    }
}

/// Which access these endpoints need (X docs: access levels), and where to apply for it.
fn forbidden(body: &ResponseBody) -> String {
    let mut advice = "these endpoints need the app-only bearer token of an app with pay-per-use or Enterprise access; \
                      attach the app to a project that has it, in the developer portal"
        .to_owned();
    if let ResponseBody::Problems(problems) = body {
        for problem in problems {
            if let Some(enrollment) = &problem.required_enrollment {
                advice = format!("{advice}; X requires: {enrollment}");
            }
            if let Some(url) = &problem.registration_url {
                advice = format!("{advice}; apply at {url}");
            }
        }
    }
    advice
}

/// When the rate limit allows another request, by the server's own clock where it reports one: ours may be wrong.
fn rate_window(refusal: &Refusal, now: Duration) -> String {
    let rate = &refusal.head.rate;
    let spent = match (rate.remaining, rate.limit) {
        (Some(remaining), Some(limit)) => format!("{remaining} of {limit} requests are left in this window; "),
        _ => String::new(),
    };
    let now = refusal.head.date.unwrap_or(now);
    let until = rate.trusted_reset(now);
    let wait = until.map(|until| until.saturating_sub(now)).max(refusal.retry_after);
    match wait {
        Some(wait) => {
            format!("{spent}try again in {} (at {} UTC)", format_duration(wait), time_of_day(now + wait))
        }
        None => format!("{spent}try again in 15 minutes at the latest"),
    }
}
