//! What X's responses mean for a stream: functions from a response to a check. Pure.

use std::time::Duration;

use jiff::civil::Date;

use super::check::Check;
use crate::command::usage::{cap_state, end};
use crate::net::api::{ApiError, ApiErrorKind};
use crate::protocol::api_types::{AppConnection, ProjectUsage, RuleCounts, is_connection_id};
use crate::protocol::disconnect::{Code, HttpStatus, ProblemName};
use crate::protocol::endpoint::Endpoint;
use crate::protocol::rate_limit::RateLimit;
use crate::session::Head;
use crate::session::outcome::REFUSED;
use crate::text::thousands;
use crate::time::{format_duration, parse_rfc3339, time_of_day};

/// The check of which connections are open.
pub const CONNECTIONS: &str = "connections";

/// A larger difference is a warning: resets, gaps and certificates depend on the clock. `Date` has whole seconds and the
/// response needs time to arrive; half of this would warn of slow networks.
const SKEW: Duration = Duration::from_secs(5);

/// The used part of the cap from which on there is a warning, in percent.
const NEARLY: u64 = 90;

/// The result of the first call of the API.
pub struct FirstCall<'a> {
    /// What was requested.
    pub what: &'static str,
    /// Why it failed, if it did.
    pub error: Option<&'a ApiError>,
    /// The head of the response.
    pub head: &'a Head,
    /// Its duration.
    pub took: Duration,
    /// When the response arrived, by this machine's clock.
    pub now: Duration,
}

impl FirstCall<'_> {
    /// Whether other calls can succeed: this one was refused because of its subject, not because of the token.
    pub fn may_continue(&self) -> bool {
        self.error.is_none_or(|error| is_spent(error) || is_capped(error))
    }

    /// Compares this machine's clock with X's.
    pub fn clock(&self) -> Check {
        let Some(date) = self.head.date else {
            return Check::skipped("clock", "no response had a Date header");
        };
        // The date is cut to whole seconds: half a second is its mean error.
        let theirs = date + Duration::from_millis(500);
        let (ahead, skew) = (self.now > theirs, self.now.abs_diff(theirs));
        if skew <= SKEW {
            return Check::ok("clock", &format!("within {} s of X's", SKEW.as_secs()));
        }
        let way = if ahead { "ahead of" } else { "behind" };
        Check::warn(
            "clock",
            &format!("this machine's clock is {} {way} X's", format_duration(skew)),
            "set it: timedatectl set-ntp true, or the settings for date and time",
        )
    }

    /// Whether X accepts the token. `slip` says what it looks like instead of a bearer token.
    pub fn token(&self, slip: Option<&str>, exit: u8) -> Check {
        let check = match self.error {
            None => Check::ok("token", &format!("X accepts it (requested {})", self.what)),
            Some(error) => match (error.status(), slip) {
                _ if is_spent(error) || is_capped(error) => Check::ok("token", "X knows it, but refuses the request"),
                (Some(401), Some(slip)) => Check::fail("token", exit, error.why(), &instead(slip)),
                (Some(403), _) => {
                    Check::fail("token", exit, &format!("X knows it, but {}", error.why()), error.advice())
                }
                (Some(401), None) => Check::fail("token", exit, error.why(), error.advice()),
                // The token is not the cause.
                _ => Check::fail("answer", exit, &format!("{}{}", culprit(error), error.why()), error.advice()),
            },
        };
        check.took(self.took)
    }

    /// How many requests are left.
    pub fn rate(&self, exit: u8) -> Check {
        const NAME: &str = "rate-limit";
        if let Some(error) = self.error.filter(|error| is_spent(error)) {
            return Check::fail(NAME, exit, &format!("that of {} is spent", self.what), error.advice());
        }
        let RateLimit { remaining: Some(left), limit, .. } = self.head.rate else {
            return Check::skipped(NAME, "no response had rate-limit headers");
        };
        let of = limit.map_or_else(String::new, |limit| format!(" of {limit}"));
        let now = self.head.date.unwrap_or(self.now);
        let turns = self.head.rate.trusted_reset(now).map_or_else(String::new, |reset| {
            format!("; reset in {} (at {} UTC)", format_duration(reset.saturating_sub(now)), time_of_day(reset))
        });
        let text = format!(
            "{left}{of} requests left for {}{turns}; the stream reports its own limit when it opens",
            self.what
        );
        if left == 0 { Check::warn(NAME, &text, "wait for the reset") } else { Check::ok(NAME, &text) }
    }
}

/// The cause of a failure that says nothing about the token.
fn culprit(error: &ApiError) -> &'static str {
    match (&error.kind, error.status()) {
        (ApiErrorKind::Failed(_), _) => "no complete response: ",
        (ApiErrorKind::Unreadable(_), _) => "the response is not from X's API: ",
        (_, Some(500..600)) => "X has an internal error: ",
        _ => "",
    }
}

/// The advice for a token that looks like another secret.
pub fn instead(slip: &str) -> String {
    format!("it looks like {slip}; give the app-only Bearer Token from the app's page in the developer portal")
}

/// Whether the rate limit refused it.
fn is_spent(error: &ApiError) -> bool {
    match error.code() {
        Code::Problem(name) => name == ProblemName::RateLimitExceeded,
        Code::Status(HttpStatus::TooManyRequests) => error.refusal().is_some(),
        _ => false,
    }
}

/// Whether a cap or missing credits refused it.
fn is_capped(error: &ApiError) -> bool {
    matches!(
        error.code(),
        Code::Problem(ProblemName::UsageCapped | ProblemName::Credits | ProblemName::CreditsDepleted)
            | Code::Status(HttpStatus::PaymentRequired)
    )
}

/// Checks the number of rules of the filtered stream. `again` holds the options that lead another command to the same
/// server.
pub fn rules(counts: &RuleCounts, again: &str) -> Check {
    let own = counts.client_app.as_ref().and_then(|app| app.rules).or(counts.project_rules);
    match (own, counts.cap_per_client_app) {
        (Some(0), _) => Check::fail(
            "rules",
            REFUSED,
            "no rules, and X refuses the filtered stream without a rule",
            &format!("add one: xstream rules add 'cat has:images'{again}"),
        ),
        (Some(count), Some(cap)) => Check::ok("rules", &format!("{} of at most {}", thousands(count), thousands(cap))),
        (Some(1), None) => Check::ok("rules", "1 rule"),
        (Some(count), None) => Check::ok("rules", &format!("{} rules", thousands(count))),
        (None, _) => {
            Check::warn("rules", "X does not say how many there are", &format!("look: xstream rules list{again}"))
        }
    }
}

/// What is left of the cap. `again` are the options that lead another command to the same server.
pub fn usage(usage: &ProjectUsage, today: Date, again: &str) -> Check {
    const NAME: &str = "usage";
    let turn = usage.cap_reset_day.and_then(|day| i8::try_from(day).ok()).filter(|day| (1..=31).contains(day));
    let turns = turn.map_or_else(String::new, |turn| format!(", until {}", end(today, turn)));
    let text = cap_state(usage.project_usage, usage.project_cap);
    let (Some(used), Some(cap)) = (usage.project_usage, usage.project_cap) else { return Check::ok(NAME, &text) };
    let text = text + &turns;
    if used >= cap {
        let advice = "wait for the day on which it turns, or buy more in the developer portal";
        Check::fail(NAME, REFUSED, &text, advice)
    } else if u128::from(used) * 100 > u128::from(cap) * u128::from(NEARLY) {
        let advice = format!("see where it goes: xstream usage{again}; stop in time: xstream tail --quota N/day");
        Check::warn(NAME, &text, &advice)
    } else {
        Check::ok(NAME, &text)
    }
}

/// The check of a call that failed.
pub fn failed(name: &'static str, exit: u8, error: &ApiError) -> Check {
    Check::fail(name, exit, error.why(), error.advice())
}

/// The connections that hold the stream. One without a name can belong to any stream, so it counts.
fn holders<'a>(found: &'a [AppConnection], endpoint: &Endpoint) -> Vec<&'a AppConnection> {
    let ours = |name: &Option<String>| name.is_none() || name.as_deref() == endpoint.endpoint_name;
    found.iter().filter(|one| one.is_active() && ours(&one.endpoint_name)).collect()
}

/// Most holders that are named.
const MAX_NAMED: usize = 3;

/// Checks whether another connection holds the stream. `now` is X's time where known; `again` holds the options that
/// lead another command to the same server.
pub fn connections(found: &[AppConnection], endpoint: &Endpoint, now: Duration, again: &str) -> Check {
    let open = found.iter().filter(|one| one.is_active()).count();
    let holders = holders(found, endpoint);
    let elsewhere = match open - holders.len() {
        0 => String::new(),
        count => format!("; {count} on other streams"),
    };
    let name = endpoint.name;
    if holders.is_empty() {
        return Check::ok(CONNECTIONS, &format!("none is open on {name}{elsewhere}"));
    }
    let mut named: Vec<String> = holders
        .iter()
        .take(MAX_NAMED)
        .map(|one| {
            let who = one.client_ip.as_deref().unwrap_or("another client");
            let since = one.connected_at.as_deref().and_then(parse_rfc3339);
            let since = since.and_then(|since| now.checked_sub(since));
            let since = since.map_or_else(String::new, |since| format!(" for {}", format_duration(since)));
            let id = one.id.as_deref().map_or_else(String::new, |id| format!(" (id {id})"));
            format!("{who} has held {name}{since}{id}")
        })
        .collect();
    if holders.len() > MAX_NAMED {
        named.push(format!("and {} more", holders.len() - MAX_NAMED));
    }
    let ids: Vec<&str> = holders.iter().filter_map(|one| one.id.as_deref()).collect();
    // Text that `kill` does not accept as an id must not be pasted into a shell.
    let usable = ids.len() <= MAX_NAMED && ids.iter().all(|id| is_connection_id(id));
    let advice = if ids.is_empty() || !usable {
        format!("end them: xstream connections kill --endpoint {name}{again}")
    } else {
        format!("free the slot: xstream connections kill {}{again}", ids.join(" "))
    };
    let text = format!("{}{elsewhere}; unless the access allows more, another one is refused", named.join(", "));
    Check::warn(CONNECTIONS, &text, &advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::endpoint;
    use jiff::civil::date;
    use serde_json::json;

    const NOW: Duration = Duration::from_secs(1_795_348_800); // 2026-11-22T12:00:00Z

    fn first(head: &Head) -> FirstCall<'_> {
        FirstCall { what: "the rules", error: None, head, took: Duration::ZERO, now: NOW }
    }

    fn shown(checks: &[Check]) -> String {
        checks.iter().map(|check| check.render(None, false)).collect()
    }

    #[test]
    fn a_clock_that_is_off_is_reported_with_its_direction() {
        let at = |offset: i64| {
            let date = NOW.as_secs().saturating_add_signed(offset);
            first(&Head { date: Some(Duration::from_secs(date)), ..Head::default() }).clock()
        };
        insta::assert_snapshot!(shown(&[at(0), at(-5), at(5), at(-90), at(7300), first(&Head::default()).clock()]), @r"
        ✓ clock                 within 5 s of X's
        ✓ clock                 within 5 s of X's
        ! clock                 this machine's clock is 5.5s behind X's
                                → set it: timedatectl set-ntp true, or the settings for date and time
        ! clock                 this machine's clock is 1m29s ahead of X's
                                → set it: timedatectl set-ntp true, or the settings for date and time
        ! clock                 this machine's clock is 2h01m behind X's
                                → set it: timedatectl set-ntp true, or the settings for date and time
        - clock                 no response had a Date header
        ");
    }

    #[test]
    fn the_rate_limit_says_whose_it_is_and_distrusts_a_reset_that_cannot_be() {
        let rate = |remaining, reset: u64| {
            let rate = RateLimit { limit: Some(50), remaining, reset: Some(Duration::from_secs(reset)) };
            first(&Head { rate, date: Some(NOW) }).rate(4)
        };
        let soon = NOW.as_secs() + 890;
        insta::assert_snapshot!(shown(&[rate(Some(49), soon), rate(Some(0), soon), rate(Some(3), 7), rate(None, soon)]), @r"
        ✓ rate limit            49 of 50 requests left for the rules; reset in 14m50s (at 12:14:50 UTC); the stream reports its own limit when it opens
        ! rate limit            0 of 50 requests left for the rules; reset in 14m50s (at 12:14:50 UTC); the stream reports its own limit when it opens
                                → wait for the reset
        ✓ rate limit            3 of 50 requests left for the rules; the stream reports its own limit when it opens
        - rate limit            no response had rate-limit headers
        ");
    }

    #[test]
    fn no_rules_are_a_failure_with_the_next_command() {
        let of = |data| rules(&RuleCounts::from_json(&json!({ "data": data })), "");
        insta::assert_snapshot!(shown(&[
            of(json!({ "client_app_rules_count": { "rule_count": "0" }, "cap_per_client_app": 1000 })),
            of(json!({ "client_app_rules_count": { "rule_count": 12 }, "cap_per_client_app": 1000 })),
            of(json!({ "project_rules_count": 1 })),
            of(json!({})),
        ]), @r"
        ✗ rules                 no rules, and X refuses the filtered stream without a rule
                                → add one: xstream rules add 'cat has:images'
        ✓ rules                 12 of at most 1,000
        ✓ rules                 1 rule
        ! rules                 X does not say how many there are
                                → look: xstream rules list
        ");
    }

    #[test]
    fn a_cap_is_well_then_near_then_reached() {
        let of = |used, cap| {
            let data = json!({ "project_usage": used, "project_cap": cap, "cap_reset_day": 1 });
            usage(&ProjectUsage::from_json(&json!({ "data": data })), date(2026, 11, 22), "")
        };
        let checks = [
            of(json!("900"), json!("1000")),
            of(json!(901), json!(1000)),
            of(json!(1000), json!(1000)),
            of(json!(7), json!(null)),
            of(json!(null), json!(null)),
        ];
        insta::assert_snapshot!(shown(&checks), @r"
        ✓ usage                 900 of 1,000 posts used (90.0 %), 100 left, until 2026-12-01
        ! usage                 901 of 1,000 posts used (90.1 %), 99 left, until 2026-12-01
                                → see where it goes: xstream usage; stop in time: xstream tail --quota N/day
        ✗ usage                 1,000 of 1,000 posts used (100.0 %), 0 left, until 2026-12-01
                                → wait for the day on which it turns, or buy more in the developer portal
        ✓ usage                 7 posts used; X states no cap
        ✓ usage                 X states neither a cap nor what is used of it
        ");
    }

    #[test]
    fn who_holds_the_stream_is_reported_with_the_command_that_ends_it() {
        let one = |id: Option<&str>, stream: &str| {
            AppConnection::from_json(&json!({ "id": id, "endpoint_name": stream, "client_ip": "192.0.2.7",
                "connected_at": "2026-11-22T11:59:00Z" }))
        };
        let filtered = endpoint::find("filtered").expect("a stream");
        let of = |found: &[AppConnection]| connections(found, filtered, NOW, " --cacert ca.pem");
        let ended = AppConnection { disconnect_reason: Some("x".to_owned()), ..one(Some("9"), "filtered_stream") };
        insta::assert_snapshot!(shown(&[
            of(&[]),
            of(&[ended, one(Some("1"), "sample_stream")]),
            of(&[one(Some("11111"), "filtered_stream"), one(Some("2"), "sample_stream")]),
            of(&[one(None, "filtered_stream")]),
            of(&[one(Some("$(reboot)"), "filtered_stream")]),
            of(&vec![one(Some("1"), "filtered_stream"); 5]),
        ]), @r"
        ✓ connections           none is open on filtered
        ✓ connections           none is open on filtered; 1 on other streams
        ! connections           192.0.2.7 has held filtered for 1m00s (id 11111); 1 on other streams; unless the access allows more, another one is refused
                                → free the slot: xstream connections kill 11111 --cacert ca.pem
        ! connections           192.0.2.7 has held filtered for 1m00s; unless the access allows more, another one is refused
                                → end them: xstream connections kill --endpoint filtered --cacert ca.pem
        ! connections           192.0.2.7 has held filtered for 1m00s (id $(reboot)); unless the access allows more, another one is refused
                                → end them: xstream connections kill --endpoint filtered --cacert ca.pem
        ! connections           192.0.2.7 has held filtered for 1m00s (id 1), 192.0.2.7 has held filtered for 1m00s (id 1), 192.0.2.7 has held filtered for 1m00s (id 1), and 2 more; unless the access allows more, another one is refused
                                → end them: xstream connections kill --endpoint filtered --cacert ca.pem
        ");
    }
}
