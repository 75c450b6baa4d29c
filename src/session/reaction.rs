//! What to do after which code: the one table of the policy.
//!
//! The catalogue says what a code means; this table decides. `explain`, `-v` and the man page print the
//! `Display` of a [`Reaction`], which is made from the same constants that the session acts on.
//!
//! Sources: X docs "Handling disconnections" and "Consuming streaming data", the `disconnect_type` and
//! `connection_issue` values of `OpenAPI` 2.159, the v1.1 table of disconnect codes.

use std::fmt;
use std::time::Duration;

use super::backoff::Schedule;
use super::budget::RESET_MARGIN;
use super::outcome::{ENDED, REFUSED};
use crate::protocol::disconnect::{
    Code, ConnectionIssue, DisconnectType, EnterpriseError, HttpStatus, LocalCause, ProblemName, TextLine, V1Code,
};

/// Take-overs within this time are the same competition for the slot.
pub const TAKE_OVER_WINDOW: Duration = Duration::from_secs(30 * 60);

/// The take-over at which the slot is given up. Two may be a deployment that overlaps; three are another
/// client that will not stop.
pub const TAKE_OVERS: usize = 3;

/// The reaction to an ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Reconnect at once if the stream was established, else by this schedule.
    Now(Schedule),
    /// Retry by this schedule, established or not.
    Retry(Schedule),
    /// Wait for the rate limit's reset; without a usable one, by [`WITHOUT_RESET`].
    Reset,
    /// Another client takes the slot: wait by this schedule, and stop at the last of [`TAKE_OVERS`].
    TakenOver(Schedule),
    /// The user must act.
    Refused,
    /// The quota that the user set is spent.
    Quota,
    /// The server ended it for good.
    Ended,
    /// All that was requested has been delivered.
    Delivered,
}

/// The schedule of a rate limit whose reset is unknown.
pub const WITHOUT_RESET: Schedule = Schedule::Limited;

/// Decides by the code alone. What the session knows besides (established or not) is in the reaction.
#[must_use]
pub fn reaction(code: &Code) -> Reaction {
    use Reaction::{Delivered, Ended, Now, Quota, Refused, Reset, Retry, TakenOver};
    use Schedule::{Forced, Http, Limited, Minute, Network, Slot};
    match code {
        Code::V1(code) => match code {
            V1Code::DuplicateStream | V1Code::AdminLogout => TakenOver(Limited),
            V1Code::ControlRequest => Ended,
            V1Code::TokenRevoked | V1Code::UserDeleted | V1Code::UserSuspended => Refused,
            V1Code::MaxMessageLimit => Delivered,
            V1Code::Shutdown
            | V1Code::Stall
            | V1Code::Normal
            | V1Code::Reserved
            | V1Code::StreamException
            | V1Code::BrokerStall
            | V1Code::ShedLoad
            | V1Code::Other(_) => Now(Http),
        },
        Code::V1Text(_) => Now(Http),
        Code::Type(kind) => match kind {
            DisconnectType::ForceDisconnect => TakenOver(Forced),
            DisconnectType::ClientApplicationStateDegraded => Retry(Limited),
            DisconnectType::PackageUpgraded | DisconnectType::PackageDowngraded => Retry(Minute),
            DisconnectType::InvalidRules => Refused,
            DisconnectType::OperationalDisconnect
            | DisconnectType::UpstreamOperationalDisconnect
            | DisconnectType::UpstreamUncleanDisconnect
            | DisconnectType::InternalError
            | DisconnectType::SlowReader
            | DisconnectType::Other(_) => Now(Http),
        },
        Code::Issue(issue) => match issue {
            ConnectionIssue::TooManyConnections => Retry(Slot),
            ConnectionIssue::ProvisioningSubscription => Retry(Minute),
            ConnectionIssue::RuleConfigurationIssue | ConnectionIssue::RulesInvalidIssue => Refused,
            // X does not say what else can be wrong with a connection; the slow schedule is always safe.
            ConnectionIssue::Other(_) => Retry(Limited),
        },
        Code::Problem(name) => match name {
            ProblemName::RateLimitExceeded => Reset,
            ProblemName::StreamingConnection => Retry(Limited),
            ProblemName::InternalError => Retry(Http),
            ProblemName::UsageCapped
            | ProblemName::CreditsDepleted
            | ProblemName::Credits
            | ProblemName::ClientForbidden
            | ProblemName::UnsupportedAuthentication
            | ProblemName::Oauth1Permissions
            | ProblemName::InvalidRequest
            | ProblemName::InvalidRules
            | ProblemName::NoncompliantRules
            | ProblemName::RuleCap
            | ProblemName::Conflict => Refused,
            // Another name comes only in a stream, as an operational one: of a response the status decides.
            ProblemName::ClientDisconnected | ProblemName::OperationalDisconnect | ProblemName::Other(_) => Now(Http),
        },
        Code::Enterprise(EnterpriseError::Forced) => TakenOver(Limited),
        Code::Enterprise(EnterpriseError::Other) => Now(Http),
        Code::Text(TextLine::RateLimit) => Reset,
        Code::Text(TextLine::ConnectionLimit) => Retry(Limited),
        Code::Text(TextLine::Upstream | TextLine::Html) => Retry(Http),
        Code::Status(status) => match status {
            HttpStatus::EnhanceYourCalm => Retry(Limited),
            HttpStatus::TooManyRequests => Reset,
            status if (500..600).contains(&status.number()) => Retry(Http),
            // Also a success that is no stream, such as 204: a second request would not make it one.
            _ => Refused,
        },
        Code::Local(cause) => match cause {
            LocalCause::Eof
            | LocalCause::Reset
            | LocalCause::Truncated
            | LocalCause::UnfinishedLine
            | LocalCause::Gzip
            | LocalCause::Http => Now(Http),
            // Each repeated stall has already cost the whole stall limit.
            LocalCause::Stall => Now(Network),
            LocalCause::Dns | LocalCause::Tcp | LocalCause::Proxy | LocalCause::Tls | LocalCause::ConnectTimeout => {
                Retry(Network)
            }
            // The server accepted the request and did not answer it: an HTTP failure, so the slower schedule.
            LocalCause::HeadTimeout => Retry(Http),
            LocalCause::Certificate | LocalCause::Redirect => Refused,
            LocalCause::Quota => Quota,
        },
    }
}

impl fmt::Display for Reaction {
    /// What `tail` does: a fragment with `tail` as its subject.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let margin = RESET_MARGIN.as_secs();
        match self {
            Self::Now(schedule) => {
                write!(f, "reconnects at once if the stream was established, else after {schedule}")
            }
            Self::Retry(schedule) => write!(f, "tries again after {schedule}"),
            Self::Reset => write!(
                f,
                "waits until x-rate-limit-reset and {margin} to {} s more; without a usable reset {WITHOUT_RESET}",
                2 * margin
            ),
            Self::TakenOver(schedule) => write!(
                f,
                "tries again after {schedule}; {TAKE_OVERS} take-overs within {} minutes stop it with exit {ENDED}",
                TAKE_OVER_WINDOW.as_secs() / 60
            ),
            Self::Refused => write!(f, "stops with exit {REFUSED}"),
            Self::Quota => write!(f, "stops with exit {REFUSED}; with --quota-wait resumes when the period turns"),
            Self::Ended => write!(f, "stops with exit {ENDED}"),
            Self::Delivered => f.write_str("stops with exit 0"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(word: &str) -> String {
        reaction(&Code::parse(word).unwrap_or_else(|| panic!("{word}"))).to_string()
    }

    #[test]
    fn the_text_of_a_reaction_names_its_waits_and_its_exit_status() {
        for (word, text) in [
            ("12", "reconnects at once if the stream was established, else after 5 s, doubling to 320 s"),
            ("503", "tries again after 5 s, doubling to 320 s"),
            ("tcp", "tries again after 250 ms, 250 ms more each time, up to 16 s"),
            ("PackageUpgraded", "tries again after 60 s each time"),
            ("TooManyConnections", "tries again after 20 s, then 60 s, doubling to 900 s"),
            ("429", "waits until x-rate-limit-reset and 1 to 2 s more; without a usable reset 60 s, doubling to 900 s"),
            (
                "ForceDisconnect",
                "tries again after 20 s, 3 times, then 40 s, doubling to 320 s; 3 take-overs within 30 minutes stop it \
                 with exit 5",
            ),
            ("usage-capped", "stops with exit 3"),
            ("3", "stops with exit 5"),
            ("9", "stops with exit 0"),
            ("quota", "stops with exit 3; with --quota-wait resumes when the period turns"),
        ] {
            assert_eq!(shown(word), text, "{word}");
        }
    }

    #[test]
    fn one_meaning_has_one_reaction_however_it_is_spelled() {
        for words in [
            ["429", "rate-limit-exceeded", "rate-limit"],
            ["2", "7", "forced-disconnect"],
            ["PackageUpgraded", "PackageDowngraded", "ProvisioningSubscription"],
            ["RuleConfigurationIssue", "conflict", "409"],
            ["502", "internal-error", "599"],
        ] {
            assert_eq!(words.map(shown), [shown(words[0]), shown(words[0]), shown(words[0])], "{words:?}");
        }
    }
}
