//! What to do after which ending. The catalogue says what a code means; this table decides.
//!
//! Sources: X docs "Handling disconnections" and "Consuming streaming data", the `disconnect_type` and
//! `connection_issue` values of `OpenAPI` 2.159, the v1.1 table of disconnect codes.

use super::backoff::Ladder;
use crate::protocol::disconnect::{Code, EnterpriseError, Own, TextLine};

/// The answer to an ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Reconnect at once if the stream was established, else climb this ladder.
    Now(Ladder),
    /// Climb this ladder, established or not.
    Climb(Ladder),
    /// Wait for the rate limit's reset; without a usable one, 60 s doubling.
    Reset,
    /// Somebody else takes the slot: wait on this ladder, and stop at the third time.
    TakenOver(Ladder),
    /// A person must act.
    Refused,
    /// The server ended it for good.
    Ended,
    /// All that was asked for has been delivered.
    Delivered,
}

/// Decides by the code alone. What the session knows besides (established or not) is in the answer.
#[must_use]
pub fn answer(code: &Code) -> Answer {
    use Answer::{Climb, Delivered, Ended, Now, Refused, Reset, TakenOver};
    use Ladder::{Forced, Http, Limited, Network, Slot};
    match code {
        Code::V1(2 | 7) => TakenOver(Limited),
        Code::V1(3) => Ended,
        Code::V1(6 | 13 | 14) => Refused,
        Code::V1(9) => Delivered,
        Code::V1(_) | Code::V1Text(_) => Now(Http),
        Code::Type(name) => match name.as_str() {
            "ForceDisconnect" => TakenOver(Forced),
            "ClientApplicationStateDegraded" | "PackageUpgraded" | "PackageDowngraded" => Climb(Limited),
            "InvalidRules" => Refused,
            _ => Now(Http),
        },
        Code::Issue(name) => match name.as_str() {
            "TooManyConnections" => Climb(Slot),
            "ProvisioningSubscription" => Climb(Limited),
            "RuleConfigurationIssue" | "RulesInvalidIssue" => Refused,
            // Nobody says what else can be wrong with a connection; the slower ladder harms nobody.
            _ => Climb(Limited),
        },
        Code::Problem(name) => match name.as_str() {
            "rate-limit-exceeded" => Reset,
            "client-disconnected" | "operational-disconnect" => Now(Http),
            "streaming-connection" => Climb(Limited),
            "internal-error" | "resource-unavailable" => Climb(Http),
            "client-forbidden"
            | "conflict"
            | "credits"
            | "credits-depleted"
            | "disallowed-resource"
            | "duplicate-rules"
            | "invalid-request"
            | "invalid-rules"
            | "noncompliant-rules"
            | "oauth1-permissions"
            | "rule-cap"
            | "unsupported-authentication"
            | "usage-capped" => Refused,
            // A name that nobody has published, in a stream: as operational. Of a response the status decides.
            _ => Now(Http),
        },
        Code::Enterprise(EnterpriseError::Forced) => TakenOver(Limited),
        Code::Enterprise(EnterpriseError::Other) => Now(Http),
        Code::Text(TextLine::ConnectionLimit | TextLine::RateLimit) => Climb(Limited),
        Code::Text(TextLine::Upstream | TextLine::Html) => Climb(Http),
        Code::Status(420) => Climb(Limited),
        Code::Status(429) => Reset,
        Code::Status(500..600) => Climb(Http),
        // Also a success that is no stream, such as 204: asking again would not make it one.
        Code::Status(_) => Refused,
        Code::Own(own) => match own {
            Own::Eof | Own::Reset | Own::Truncated | Own::Stall | Own::UnfinishedLine | Own::Gzip | Own::Http => {
                Now(Http)
            }
            Own::Dns | Own::Tcp | Own::Proxy | Own::Tls | Own::ConnectTimeout => Climb(Network),
            // The server took the request and did not answer it: its trouble, so the slower ladder.
            Own::HeadTimeout => Climb(Http),
            Own::Certificate | Own::Redirect | Own::Quota => Refused,
        },
    }
}
