//! Delays between attempts: schedules, resets and `Retry-After`.

use super::*;

#[test]
fn an_established_stream_is_reconnected_at_once_and_then_by_its_ladders() {
    let mut run = Scenario::new(options());
    run.established().until(20.0).close(LocalCause::Eof);
    assert!(run.wait() <= 0.25);
    for floor in [0.25, 0.5, 0.75] {
        run.fail(LocalCause::Tcp);
        let wait = run.wait();
        assert!(is_about(wait, floor), "{wait} for {floor}");
    }
    for floor in [5.0, 10.0, 20.0] {
        run.refuse(503, "upstream connect error or disconnect/reset before headers");
        let wait = run.wait();
        assert!(is_about(wait, floor), "{wait} for {floor}");
    }
    // The network's ladder goes on where it was.
    run.fail(LocalCause::Dns);
    assert!(is_about(run.wait(), 1.0));
    run.established().close(LocalCause::Reset);
    assert!(run.wait() <= 0.25);
}

#[test]
fn accept_then_close_is_no_hot_loop() {
    let mut run = Scenario::new(options());
    for floor in [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 320.0] {
        run.opened().line().close(LocalCause::Eof);
        let wait = run.wait();
        assert!(is_about(wait, floor), "{wait} for {floor}");
    }
}

#[test]
fn a_200_without_a_line_is_never_established() {
    let mut run = Scenario::new(options());
    run.opened().until(29.0).close(LocalCause::Eof);
    assert!(is_about(run.wait(), 5.0));
}

#[test]
fn a_rate_429_waits_for_the_reset_on_the_servers_clock() {
    let mut run = Scenario::new(options());
    let mut refused = refusal(429, r#"{"title":"Too Many Requests","type":"about:blank","status":429}"#);
    // The server's clock is 500 s ahead of ours.
    refused.head.date = Some(seconds(1_000_500.0));
    refused.head.rate = RateLimit { limit: Some(50), remaining: Some(0), reset: Some(seconds(1_000_620.0)) };
    run.link(LinkEvent::Refused(refused));
    let wait = run.wait();
    assert!((121.0..=122.01).contains(&wait), "{wait}");
}

#[test]
fn a_text_429_about_the_rate_waits_for_the_reset() {
    let mut run = Scenario::new(options());
    let mut refused = refusal(429, "Rate limit exceeded");
    refused.head.rate.reset = Some(seconds(1_000_300.0));
    run.link(LinkEvent::Refused(refused));
    let wait = run.wait();
    assert!((301.0..=302.0).contains(&wait), "{wait}");
}

#[test]
fn a_reset_that_cannot_be_trusted_falls_back_to_sixty_seconds() {
    for reset in [999_000.0, 1_004_000.0] {
        let mut run = Scenario::new(options());
        let mut refused = refusal(429, "");
        refused.head.rate = RateLimit { limit: Some(50), remaining: Some(0), reset: Some(seconds(reset)) };
        run.link(LinkEvent::Refused(refused));
        assert!(is_about(run.wait(), 60.0));
    }
}

#[test]
fn too_many_connections_is_not_a_rate_limit() {
    let body = r#"{"title":"ConnectionException","connection_issue":"TooManyConnections","type":"https://api.twitter.com/2/problems/streaming-connection"}"#;
    let mut run = Scenario::new(options());
    for floor in [20.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0] {
        run.refuse(429, body);
        let wait = run.wait();
        assert!(is_about(wait, floor), "{wait} for {floor}");
    }
}

#[test]
fn retry_after_is_honoured_when_it_is_longer() {
    for (asked, floor) in [(100.0, 100.0), (2.0, 5.0)] {
        let mut run = Scenario::new(options());
        let mut refused = refusal(503, "");
        refused.retry_after = Some(seconds(asked));
        run.link(LinkEvent::Refused(refused));
        assert!(is_about(run.wait(), floor));
    }
}

#[test]
fn a_change_of_the_account_is_retried_every_minute() {
    let provisioning = r#"{"connection_issue":"ProvisioningSubscription"}"#;
    let mut run = Scenario::new(options());
    run.established().end(Code::Type("PackageUpgraded".into()));
    for _ in 0..5 {
        let wait = run.wait();
        assert!(is_about(wait, 60.0), "{wait}");
        run.refuse(403, provisioning);
    }
}

#[test]
fn a_forced_disconnect_waits_20_s_each_time_until_the_slot_is_given_up() {
    let mut run = Scenario::new(options());
    for _ in 0..2 {
        run.opened().end(Code::Type("ForceDisconnect".into()));
        let wait = run.wait();
        assert!(is_about(wait, 20.0), "{wait}");
    }
    run.opened().end(Code::Type("ForceDisconnect".into()));
    assert_eq!(run.stopped().map(Outcome::code), Some(5));
}

#[test]
fn stalls_that_repeat_wait_as_the_network_does() {
    let mut run = Scenario::new(options());
    run.established();
    for floor in [0.0, 0.25, 0.5, 0.75] {
        let silent = run.now + 30.0;
        run.until(silent);
        let wait = run.wait();
        assert!(wait >= floor && wait <= floor.max(0.25) * 1.25, "{floor}: {wait}");
        run.opened();
    }
}
