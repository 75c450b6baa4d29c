//! The reaction to every status and every in-band ending, and the outcomes that end a run.

use super::*;
use crate::protocol::disconnect::TextLine;

/// What each row of the status table comes to: an exit status, or a first wait.
#[test]
fn every_status_gets_its_answer() {
    let issue = |issue: &str| {
        format!(
            r#"{{"title":"ConnectionException","connection_issue":"{issue}","type":"https://api.x.com/2/problems/streaming-connection"}}"#
        )
    };
    let problem = |name: &str| format!(r#"{{"title":"t","detail":"d","type":"https://api.x.com/2/problems/{name}"}}"#);
    let stops = [
        (400, problem("invalid-request")),
        (401, r#"{"title":"Unauthorized","type":"about:blank","status":401}"#.to_owned()),
        (401, "<html><title>Error 401 Unauthorized</title></html>".to_owned()),
        (402, problem("credits-depleted")),
        (402, problem("credits")),
        (403, problem("client-forbidden")),
        (403, problem("unsupported-authentication")),
        (404, String::new()),
        (406, r#"{"error":{"message":"This connection requires compression."}}"#.to_owned()),
        (409, issue("RuleConfigurationIssue")),
        (409, issue("RulesInvalidIssue")),
        (413, String::new()),
        (416, String::new()),
        (418, String::new()),
        (422, problem("invalid-rules")),
        (429, problem("usage-capped")),
        (204, String::new()),
    ];
    for (status, body) in stops {
        let mut run = Scenario::new(options());
        run.refuse(status, &body);
        assert_eq!(run.stopped().map(Outcome::code), Some(3), "{status} {body}");
    }
    let waits = [
        (420, "Exceeded connection limit for user\n".to_owned(), 60.0),
        (429, r#"{"errors":[{"code":88,"message":"Rate limit exceeded"}]}"#.to_owned(), 60.0),
        (429, problem("rate-limit-exceeded"), 60.0),
        (429, issue("TooManyConnections"), 20.0),
        (403, issue("ProvisioningSubscription"), 60.0),
        (500, String::new(), 5.0),
        (502, "<html>Bad gateway</html>".to_owned(), 5.0),
        (503, "upstream connect error or disconnect/reset before headers".to_owned(), 5.0),
        (504, String::new(), 5.0),
        (599, String::new(), 5.0),
    ];
    for (status, body, floor) in waits {
        let mut run = Scenario::new(options());
        run.refuse(status, &body);
        let wait = run.wait();
        assert!(is_about(wait, floor), "{status} {body}: {wait}");
    }
}

/// What each in-band ending of an established stream comes to.
#[test]
fn every_in_band_ending_gets_its_answer() {
    let kind = |name: &str| Code::Type(name.into());
    let issue = |name: &str| Code::Issue(name.into());
    let at_once = [
        Code::V1(1.into()),
        Code::V1(4.into()),
        Code::V1(5.into()),
        Code::V1(8.into()),
        Code::V1(10.into()),
        Code::V1(11.into()),
        Code::V1(12.into()),
        Code::V1(99.into()),
        kind("OperationalDisconnect"),
        kind("UpstreamOperationalDisconnect"),
        kind("UpstreamUncleanDisconnect"),
        kind("InternalError"),
        kind("SlowReader"),
        kind("SomethingNew"),
        Code::Problem("client-disconnected".into()),
    ];
    for code in at_once {
        let mut run = Scenario::new(options());
        run.established().end(code.clone());
        let wait = run.wait();
        assert!(wait <= 0.25, "{code}: {wait}");
        // The same from a stream that was not established is the 5 s ladder.
        run.opened().end(code.clone());
        assert!(is_about(run.wait(), 5.0), "{code}");
    }
    let waits = [
        (Code::V1(2.into()), 60.0),
        (Code::V1(7.into()), 60.0),
        (kind("ForceDisconnect"), 20.0),
        (kind("ClientApplicationStateDegraded"), 60.0),
        (kind("PackageUpgraded"), 60.0),
        (issue("TooManyConnections"), 20.0),
        (issue("ProvisioningSubscription"), 60.0),
    ];
    for (code, floor) in waits {
        let mut run = Scenario::new(options());
        run.established().end(code.clone());
        let wait = run.wait();
        assert!(is_about(wait, floor), "{code}: {wait}");
    }
    let stops = [
        (Code::V1(3.into()), 5),
        (Code::V1(6.into()), 3),
        (Code::V1(9.into()), 0),
        (Code::V1(13.into()), 3),
        (Code::V1(14.into()), 3),
        (kind("InvalidRules"), 3),
        (issue("RuleConfigurationIssue"), 3),
        (issue("RulesInvalidIssue"), 3),
        (Code::Problem("usage-capped".into()), 3),
    ];
    for (code, status) in stops {
        let mut run = Scenario::new(options());
        run.established().end(code.clone());
        assert_eq!(run.stopped().map(Outcome::code), Some(status), "{code}");
    }
}

#[test]
fn a_line_of_text_is_the_reason_of_the_ending_that_follows() {
    for (text, floor) in [(TextLine::ConnectionLimit, 60.0), (TextLine::RateLimit, 60.0), (TextLine::Html, 5.0)] {
        let mut run = Scenario::new(options());
        run.established().end(Code::Text(text));
        assert!(run.is_open(), "a text alone ends nothing");
        run.close(LocalCause::Eof);
        let wait = run.wait();
        assert!(is_about(wait, floor), "{text:?}: {wait}");
    }
}

#[test]
fn the_third_take_over_in_half_an_hour_gives_the_slot_up() {
    let mut run = Scenario::new(options());
    for round in 0..3 {
        assert_eq!(run.stopped(), None, "round {round}");
        run.established().end(Code::V1(7.into()));
        run.wait();
    }
    assert_eq!(run.stopped().map(Outcome::code), Some(5));

    let mut run = Scenario::new(options());
    for _ in 0..6 {
        run.established().input(Input::OutputBlocked);
        // Twenty minutes pass, in which only the clock of the fight matters.
        run.now += 20.0 * 60.0;
        run.input(Input::OutputUnblocked).end(Code::Type("ForceDisconnect".into()));
        run.wait();
    }
    assert_eq!(run.stopped(), None, "{}", run.transcript);
}

#[test]
fn retries_that_are_used_up_give_up_with_4() {
    let mut run = Scenario::new(RunOptions { max_retries: Some(2), ..options() });
    for _ in 0..2 {
        run.fail(LocalCause::Tcp);
        run.wait();
    }
    // An established stream gives the retries back.
    run.established().close(LocalCause::Eof);
    run.wait();
    run.fail(LocalCause::Tcp);
    run.wait();
    run.fail(LocalCause::Tcp);
    assert_eq!(run.stopped().map(Outcome::code), Some(4));
}

#[test]
fn a_recovery_range_is_delivered_once() {
    for (cause, status) in [(LocalCause::Eof, 0), (LocalCause::Reset, 5), (LocalCause::Truncated, 5)] {
        let mut run = Scenario::new(RunOptions { finite: true, ..options() });
        run.refuse(503, "");
        run.wait();
        run.opened().line().close(cause);
        assert_eq!(run.stopped().map(Outcome::code), Some(status), "{cause:?}");
    }
}

#[test]
fn without_reconnect_the_first_ending_is_the_last() {
    let mut run = Scenario::new(RunOptions { reconnect: false, ..options() });
    run.established().close(LocalCause::Eof);
    assert_eq!(run.stopped().map(Outcome::code), Some(5));
}
