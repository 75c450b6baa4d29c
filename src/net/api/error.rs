//! Why a call failed, and what to do about it.

use std::fmt;

use serde_json::Value;

use crate::protocol::api_types::RuleError;
use crate::protocol::body::ResponseBody;
use crate::protocol::disconnect::{Code, HttpStatus, LocalCause, ProblemName};
use crate::protocol::problem::Problem;
use crate::session::{Failure, Refusal};

/// A failed call. It displays as one line that ends with what to do.
#[derive(Debug)]
pub struct ApiError {
    /// What happened, to decide by.
    pub kind: ApiErrorKind,
    /// The JSON of a refusal, null if it had none.
    pub(super) body: Value,
    pub(super) why: String,
    pub(super) advice: String,
}

/// What happened instead of a success.
#[derive(Debug)]
pub enum ApiErrorKind {
    /// X responded with another status, or with an error in place of data.
    Refused(Box<Refusal>),
    /// There was no complete response.
    Failed(Failure),
    /// A success whose body is not what X documents: the beginning of its text.
    Unreadable(String),
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.why)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "; {}", self.advice) }
    }
}

impl std::error::Error for ApiError {}

impl ApiError {
    /// The refusal, if there was a response.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.kind {
            ApiErrorKind::Refused(refusal) => Some(refusal),
            ApiErrorKind::Failed(_) | ApiErrorKind::Unreadable(_) => None,
        }
    }

    /// What was attempted and why it failed, without the advice.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// What to do about it; empty if unknown.
    #[must_use]
    pub fn advice(&self) -> &str {
        &self.advice
    }

    /// The HTTP status; the one of the body, if that is an error in spite of a success.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.refusal().map(|refusal| self.kind.status(refusal))
    }

    /// The outermost problem of X's response.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match &self.refusal()?.body {
            ResponseBody::Problems(problems) => problems.first(),
            ResponseBody::Text(_) | ResponseBody::Empty => None,
        }
    }

    /// The code under which `explain` describes it.
    #[must_use]
    pub fn code(&self) -> Code {
        self.kind.code()
    }

    /// The errors of a refusal that concern single rules.
    #[must_use]
    pub fn rules(&self) -> Vec<RuleError> {
        RuleError::list_from_json(&self.body)
    }

    /// Whether the same call may succeed later, with nothing changed.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match &self.kind {
            ApiErrorKind::Refused(refusal) => match self.code() {
                Code::Problem(ProblemName::RateLimitExceeded) => true,
                Code::Problem(name) if is_final(&name) => false,
                _ => matches!(self.kind.status(refusal), 420 | 429 | 500..600),
            },
            ApiErrorKind::Failed(failure) => !matches!(failure.cause, LocalCause::Certificate),
            ApiErrorKind::Unreadable(_) => false,
        }
    }

    /// Whether the same request may be sent again at once, and that may help.
    pub(super) fn may_retry(&self) -> bool {
        match &self.kind {
            ApiErrorKind::Refused(refusal) => refusal.status >= 500 && self.is_temporary(),
            ApiErrorKind::Failed(failure) => self.is_temporary() && !failure.sent,
            ApiErrorKind::Unreadable(_) => false,
        }
    }
}

/// Problems that time alone does not solve, whatever their status.
fn is_final(name: &ProblemName) -> bool {
    use ProblemName::{ClientForbidden, Credits, CreditsDepleted, RuleCap, UsageCapped};
    matches!(name, UsageCapped | Credits | CreditsDepleted | ClientForbidden | RuleCap)
}

impl ApiErrorKind {
    pub(super) fn code(&self) -> Code {
        match self {
            ApiErrorKind::Refused(refusal) if refusal.redirect.is_some() => Code::Local(LocalCause::Redirect),
            ApiErrorKind::Refused(refusal) => Code::from_response(refusal.status, &refusal.body),
            ApiErrorKind::Failed(failure) => Code::Local(failure.cause),
            ApiErrorKind::Unreadable(_) => Code::Status(HttpStatus::from(200)),
        }
    }

    pub(super) fn status(&self, refusal: &Refusal) -> u16 {
        match self.code() {
            Code::Status(status) => status.number(),
            _ => refusal.status,
        }
    }
}
