//! Transcripts in virtual time: what happened and when, and what the session made of it.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::budget::{SharedBudget, StoredTime};
use super::super::event::WaitReason;
use super::super::input::{Failure, Head, LinkEvent, Query, Received, Refusal, Response};
use super::super::outcome::Signal;
use super::*;
use crate::pipeline::meter::{Period, Quota, QuotaUsage};
use crate::pipeline::report::BatchReport;
use crate::protocol::body::ResponseBody;
use crate::protocol::disconnect::{Code, LocalCause};
use crate::protocol::post_id::PostId;
use crate::protocol::rate_limit::RateLimit;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn at(time: f64) -> Timestamp {
    // The wall clock begins at a round number, so that resets are easy to write.
    Timestamp { monotonic: seconds(time), wall: seconds(1_000_000.0 + time) }
}

fn options() -> RunOptions {
    RunOptions {
        request: Request::default(),
        keep_alive: seconds(20.0),
        stall: seconds(30.0),
        requests: 50,
        max_retries: None,
        reconnect: true,
        finite: false,
        quota_wait: false,
        deadline: None,
        has_state: false,
        is_listed: false,
        list_rules: false,
        take_over: false,
        explains_end: true,
        speed: 1,
        seed: 3,
    }
}

/// A run that plays by itself: waits elapse when they are over, what is ordered is done at once, and each step is
/// written down.
struct Scenario {
    supervisor: Supervisor,
    now: f64,
    story: String,
    dials: Vec<f64>,
    asked: Vec<Query>,
    outcome: Option<Outcome>,
    exit: Option<u8>,
}

impl Scenario {
    fn new(options: RunOptions) -> Scenario {
        let mut play = Scenario {
            supervisor: Supervisor::new(options),
            now: 0.0,
            story: String::new(),
            dials: vec![],
            asked: vec![],
            outcome: None,
            exit: None,
        };
        play.input(Input::Started);
        play
    }

    fn input(&mut self, input: Input) -> &mut Scenario {
        let (mut events, mut actions) = (Vec::new(), Vec::new());
        self.supervisor.handle(at(self.now), input, &mut events, &mut actions);
        for event in events {
            assert_eq!(event.at, at(self.now), "an event carries its time");
            if let EventKind::Stopped(outcome) = &event.kind {
                self.outcome = Some(outcome.clone());
            }
            if let Some(brief) = brief(&event) {
                let _ = writeln!(self.story, "{:>7.1} {brief}", self.now);
            }
        }
        for action in actions {
            match action {
                Action::Dial { .. } => self.dials.push(self.now),
                Action::Close { connection } => {
                    self.input(Input::Link { connection, event: LinkEvent::Closed(Failure::eof()) });
                }
                Action::SyncState { .. } => {
                    self.input(Input::StateSynced(SyncedState::default()));
                }
                Action::Ask(query) => self.asked.push(query),
                Action::Exit { status, .. } => self.exit = Some(status),
                Action::SaveBudget(_) | Action::Shutdown { .. } => {}
            }
        }
        self
    }

    fn link(&mut self, event: LinkEvent) -> &mut Scenario {
        let connection = self.supervisor.connections;
        self.input(Input::Link { connection, event })
    }

    fn is_dialling(&self) -> bool {
        self.supervisor.role.is_dialling()
    }

    fn is_open(&self) -> bool {
        matches!(&self.supervisor.role.phase, Phase::Connected(connection) if connection.is_open())
    }

    /// Lets time pass, with `Elapsed` whenever a timer asks for it.
    fn until(&mut self, time: f64) -> &mut Scenario {
        while let Some(due) = self.due().filter(|due| *due <= time) {
            self.now = due.max(self.now);
            self.input(Input::Elapsed);
        }
        self.now = time;
        self
    }

    fn due(&self) -> Option<f64> {
        self.supervisor.next_timeout().map(|until| until.monotonic.as_secs_f64())
    }

    /// Waits out the backoff, up to the next dial; returns how long that took.
    fn wait(&mut self) -> f64 {
        let began = self.now;
        while !self.is_dialling() && self.outcome.is_none() {
            let due = self.due().expect("a wait that ends");
            self.until(due);
        }
        self.now - began
    }

    fn opened(&mut self) -> &mut Scenario {
        self.link(LinkEvent::Opened(Head::default()))
    }

    fn received(&mut self, report: BatchReport, within_line: bool) -> &mut Scenario {
        self.link(LinkEvent::Received(Box::new(Received { report, within_line, quota: None })))
    }

    fn line(&mut self) -> &mut Scenario {
        self.received(BatchReport { bytes: 9, lines: 1, ..BatchReport::default() }, false)
    }

    /// A connection that has become established by now.
    fn established(&mut self) -> &mut Scenario {
        let now = self.now;
        self.opened().line().until(now + 10.0)
    }

    fn fail(&mut self, cause: LocalCause) -> &mut Scenario {
        let sent = matches!(cause, LocalCause::HeadTimeout | LocalCause::Http);
        self.link(LinkEvent::Failed(Failure { cause, detail: String::new(), sent }))
    }

    fn close(&mut self, cause: LocalCause) -> &mut Scenario {
        self.link(LinkEvent::Closed(Failure { cause, detail: String::new(), sent: true }))
    }

    fn end(&mut self, code: Code) -> &mut Scenario {
        let reason = Some(DisconnectReason { code, detail: None });
        self.received(BatchReport { bytes: 9, lines: 1, reason, ..BatchReport::default() }, false)
    }

    fn refuse(&mut self, status: u16, body: &str) -> &mut Scenario {
        self.link(LinkEvent::Refused(refusal(status, body)))
    }

    fn stopped(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }
}

fn refusal(status: u16, body: &str) -> Refusal {
    Refusal {
        status,
        head: Head::default(),
        body: ResponseBody::read(body.as_bytes()),
        retry_after: None,
        redirect: None,
    }
}

fn brief(event: &Event) -> Option<String> {
    let connection = event.connection;
    Some(match &event.kind {
        EventKind::Dialling { attempt } => format!("dial {connection}, attempt {attempt}"),
        EventKind::Opened { .. } => format!("opened {connection}"),
        EventKind::FirstByte { after, .. } => format!("first byte after {:.0}", after.as_secs_f64()),
        EventKind::Late { silence } => format!("late by now {:.0}", silence.as_secs_f64()),
        EventKind::Established => format!("established {connection}"),
        EventKind::Ended { reason, opened, lived, .. } => {
            format!("ended {} opened={opened} lived={:.0}", reason.code, lived.as_secs_f64())
        }
        EventKind::Waiting { why, delay, .. } => format!("wait {:.2} {why:?}", delay.as_secs_f64()),
        EventKind::Gap(gap) => {
            let id = |id: Option<PostId>| id.map_or_else(String::new, |id| id.to_string());
            format!(
                "gap {:?} {}..{} missed={} by {}",
                gap.to.map(|to| to.since(gap.from).as_secs()),
                id(gap.last_id),
                id(gap.first_id),
                gap.missed,
                gap.cause
            )
        }
        EventKind::Stopped(outcome) => format!("stop {}", outcome.code()),
        EventKind::Blocked => "blocked".to_owned(),
        EventKind::Unblocked { after } => format!("unblocked after {:.0}", after.as_secs_f64()),
        EventKind::Held { .. } => "held".to_owned(),
        EventKind::Reason { reason } => format!("reason {reason} of {connection}"),
        EventKind::LockHeld => "lock held".to_owned(),
        EventKind::Degraded(what) => format!("degraded: {what}"),
        EventKind::Diagnostic(_) | EventKind::FurtherDisconnect(_) | EventKind::Suppressed { .. } => {
            "diagnostic".to_owned()
        }
        EventKind::Received(_) | EventKind::Status | EventKind::ActiveRules(_) => return None,
    })
}

/// Whether a wait is at least the documented floor and at most a quarter above it.
fn is_about(wait: f64, floor: f64) -> bool {
    wait >= floor - 1e-6 && wait <= floor * 1.25 + 1e-6
}

#[test]
fn an_established_stream_is_reconnected_at_once_and_then_by_its_ladders() {
    let mut play = Scenario::new(options());
    play.established().until(20.0).close(LocalCause::Eof);
    assert!(play.wait() <= 0.25);
    for floor in [0.25, 0.5, 0.75] {
        play.fail(LocalCause::Tcp);
        let wait = play.wait();
        assert!(is_about(wait, floor), "{wait} for {floor}");
    }
    for floor in [5.0, 10.0, 20.0] {
        play.refuse(503, "upstream connect error or disconnect/reset before headers");
        let wait = play.wait();
        assert!(is_about(wait, floor), "{wait} for {floor}");
    }
    // The network's ladder goes on where it was.
    play.fail(LocalCause::Dns);
    assert!(is_about(play.wait(), 1.0));
    play.established().close(LocalCause::Reset);
    assert!(play.wait() <= 0.25);
}

#[test]
fn accept_then_close_is_no_hot_loop() {
    let mut play = Scenario::new(options());
    for floor in [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 320.0] {
        play.opened().line().close(LocalCause::Eof);
        let wait = play.wait();
        assert!(is_about(wait, floor), "{wait} for {floor}");
    }
}

#[test]
fn a_200_without_a_line_is_never_established() {
    let mut play = Scenario::new(options());
    play.opened().until(29.0).close(LocalCause::Eof);
    assert!(is_about(play.wait(), 5.0));
}

#[test]
fn the_story_of_a_drop_reads_aloud() {
    let mut play = Scenario::new(options());
    play.opened();
    for second in 1..=40 {
        play.until(f64::from(second));
        let id = PostId::parse(second.to_string());
        let report = BatchReport { bytes: 9, lines: 1, posts: 2, first_id: id, last_id: id, ..BatchReport::default() };
        play.received(report, false);
    }
    play.until(80.0).opened();
    play.until(81.0).line();
    play.until(95.0).end(Code::V1(12.into()));
    play.until(96.0).input(Input::Signalled(Signal::Int));
    insta::assert_snapshot!(play.story, @r"
     0.0 dial 1, attempt 1
     0.0 opened 1
     1.0 first byte after 1
    10.0 established 1
    65.0 late by now 25
    70.0 ended stall opened=true lived=70
    70.0 wait 0.15 Backoff
    70.1 dial 2, attempt 1
    80.0 opened 2
    81.0 first byte after 1
    90.0 gap Some(41) 40.. missed=84 by stall
    90.0 established 2
    95.0 ended 12 opened=true lived=15
    95.0 wait 0.08 Backoff
    95.1 dial 3, attempt 1
    96.0 gap None 40.. missed=0 by 12
    96.0 stop 130
    ");
}

#[test]
fn silence_is_a_stall_and_any_byte_is_life() {
    let mut play = Scenario::new(options());
    play.established();
    for time in [29.9, 59.8, 89.7] {
        play.until(time).received(BatchReport { bytes: 1, ..BatchReport::default() }, true);
        assert!(play.is_open(), "{time}");
    }
    play.until(119.69);
    assert!(play.is_open());
    play.until(119.71);
    assert!(play.story.contains("ended stall"), "{}", play.story);
}

#[test]
fn a_line_left_unfinished_is_a_stall_too() {
    let mut play = Scenario::new(options());
    play.established();
    for time in 1..=90 {
        play.until(10.0 + f64::from(time)).received(BatchReport { bytes: 1, ..BatchReport::default() }, true);
    }
    play.until(101.0);
    assert!(play.story.contains("ended unfinished-line"), "{}", play.story);
}

#[test]
fn lines_that_each_end_in_a_later_chunk_are_no_stall() {
    let mut play = Scenario::new(options());
    play.established();
    for time in 1..=300 {
        play.until(10.0 + f64::from(time));
        play.received(BatchReport { bytes: 9, lines: 1, ..BatchReport::default() }, true);
    }
    assert!(play.is_open(), "{}", play.story);
}

#[test]
fn silence_of_our_own_making_is_not_charged_to_the_server() {
    let mut play = Scenario::new(options());
    play.established().input(Input::OutputBlocked);
    play.until(500.0).input(Input::OutputUnblocked);
    assert!(play.is_open());
    play.until(529.0);
    assert!(play.is_open());
    play.until(531.0);
    assert!(play.story.contains("unblocked after 490") && play.story.contains("ended stall"), "{}", play.story);
}

#[test]
fn a_rate_429_waits_for_the_reset_on_the_servers_clock() {
    let mut play = Scenario::new(options());
    let mut refused = refusal(429, r#"{"title":"Too Many Requests","type":"about:blank","status":429}"#);
    // The server's clock is 500 s ahead of ours.
    refused.head.date = Some(seconds(1_000_500.0));
    refused.head.rate = RateLimit { limit: Some(50), remaining: Some(0), reset: Some(seconds(1_000_620.0)) };
    play.link(LinkEvent::Refused(refused));
    let wait = play.wait();
    assert!((121.0..=122.01).contains(&wait), "{wait}");
}

#[test]
fn a_reset_that_cannot_be_trusted_falls_back_to_sixty_seconds() {
    for reset in [999_000.0, 1_004_000.0] {
        let mut play = Scenario::new(options());
        let mut refused = refusal(429, "");
        refused.head.rate = RateLimit { limit: Some(50), remaining: Some(0), reset: Some(seconds(reset)) };
        play.link(LinkEvent::Refused(refused));
        assert!(is_about(play.wait(), 60.0));
    }
}

#[test]
fn too_many_connections_is_not_a_rate_limit() {
    let body = r#"{"title":"ConnectionException","connection_issue":"TooManyConnections","type":"https://api.twitter.com/2/problems/streaming-connection"}"#;
    let mut play = Scenario::new(options());
    for floor in [20.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0] {
        play.refuse(429, body);
        let wait = play.wait();
        assert!(is_about(wait, floor), "{wait} for {floor}");
    }
}

#[test]
fn retry_after_is_honoured_when_it_is_longer() {
    for (asked, floor) in [(100.0, 100.0), (2.0, 5.0)] {
        let mut play = Scenario::new(options());
        let mut refused = refusal(503, "");
        refused.retry_after = Some(seconds(asked));
        play.link(LinkEvent::Refused(refused));
        assert!(is_about(play.wait(), floor));
    }
}

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
        let mut play = Scenario::new(options());
        play.refuse(status, &body);
        assert_eq!(play.stopped().map(Outcome::code), Some(3), "{status} {body}");
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
        let mut play = Scenario::new(options());
        play.refuse(status, &body);
        let wait = play.wait();
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
        let mut play = Scenario::new(options());
        play.established().end(code.clone());
        let wait = play.wait();
        assert!(wait <= 0.25, "{code}: {wait}");
        // The same from a stream that was not established is the 5 s ladder.
        play.opened().end(code.clone());
        assert!(is_about(play.wait(), 5.0), "{code}");
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
        let mut play = Scenario::new(options());
        play.established().end(code.clone());
        let wait = play.wait();
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
        let mut play = Scenario::new(options());
        play.established().end(code.clone());
        assert_eq!(play.stopped().map(Outcome::code), Some(status), "{code}");
    }
}

#[test]
fn a_line_of_text_is_the_reason_of_the_ending_that_follows() {
    use crate::protocol::disconnect::TextLine;
    for (text, floor) in [(TextLine::ConnectionLimit, 60.0), (TextLine::RateLimit, 60.0), (TextLine::Html, 5.0)] {
        let mut play = Scenario::new(options());
        play.established().end(Code::Text(text));
        assert!(play.is_open(), "a text alone ends nothing");
        play.close(LocalCause::Eof);
        let wait = play.wait();
        assert!(is_about(wait, floor), "{text:?}: {wait}");
    }
}

#[test]
fn the_third_take_over_in_half_an_hour_gives_the_slot_up() {
    let mut play = Scenario::new(options());
    for round in 0..3 {
        assert_eq!(play.stopped(), None, "round {round}");
        play.established().end(Code::V1(7.into()));
        play.wait();
    }
    assert_eq!(play.stopped().map(Outcome::code), Some(5));

    let mut play = Scenario::new(options());
    for _ in 0..6 {
        play.established().input(Input::OutputBlocked);
        // Twenty minutes pass, in which only the clock of the fight matters.
        play.now += 20.0 * 60.0;
        play.input(Input::OutputUnblocked).end(Code::Type("ForceDisconnect".into()));
        play.wait();
    }
    assert_eq!(play.stopped(), None, "{}", play.story);
}

#[test]
fn retries_that_are_used_up_give_up_with_4() {
    let mut play = Scenario::new(RunOptions { max_retries: Some(2), ..options() });
    for _ in 0..2 {
        play.fail(LocalCause::Tcp);
        play.wait();
    }
    // An established stream gives the retries back.
    play.established().close(LocalCause::Eof);
    play.wait();
    play.fail(LocalCause::Tcp);
    play.wait();
    play.fail(LocalCause::Tcp);
    assert_eq!(play.stopped().map(Outcome::code), Some(4));
}

#[test]
fn a_recovery_range_is_delivered_once() {
    for (cause, status) in [(LocalCause::Eof, 0), (LocalCause::Reset, 5), (LocalCause::Truncated, 5)] {
        let mut play = Scenario::new(RunOptions { finite: true, ..options() });
        play.refuse(503, "");
        play.wait();
        play.opened().line().close(cause);
        assert_eq!(play.stopped().map(Outcome::code), Some(status), "{cause:?}");
    }
}

#[test]
fn without_reconnect_the_first_ending_is_the_last() {
    let mut play = Scenario::new(RunOptions { reconnect: false, ..options() });
    play.established().close(LocalCause::Eof);
    assert_eq!(play.stopped().map(Outcome::code), Some(5));
}

/// A quota of five posts, of which so many are used.
fn quota(used: u64) -> QuotaState {
    let quota = Quota { posts: 5, period: Period::Day };
    QuotaState { usage: QuotaUsage { used, quota, exact: true }, spent: used >= 5 }
}

fn spend(play: &mut Scenario) {
    let report = BatchReport { bytes: 9, lines: 1, posts: 1, ..BatchReport::default() };
    play.link(LinkEvent::Received(Box::new(Received { report, within_line: false, quota: Some(quota(5)) })));
}

#[test]
fn a_spent_quota_closes_the_stream_and_waits_for_its_period_only_when_asked() {
    let mut play = Scenario::new(options());
    play.established();
    spend(&mut play);
    assert_eq!(play.stopped().map(Outcome::code), Some(3));
    assert!(play.story.contains("ended quota opened=true"), "{}", play.story);

    let mut play = Scenario::new(RunOptions { quota_wait: true, ..options() });
    play.established();
    let midnight = 12.0 * 86_400.0 + 1.0 - 1_000_000.0;
    spend(&mut play);
    assert!(!play.is_open() && play.stopped().is_none(), "{}", play.story);
    // Until the meter has turned nothing is dialled.
    play.supervisor.quota = Some(quota(0));
    play.wait();
    assert!((play.now - midnight).abs() < 1.0, "{} {midnight}", play.now);
    assert_eq!(play.dials.len(), 2, "{}", play.story);
    play.established();
    assert!(play.story.contains("by quota"), "the pause is a gap and reported as one: {}", play.story);
}

#[test]
fn a_quota_that_is_spent_at_the_start_dials_nothing() {
    for (quota_wait, outcome) in [(false, Some(3)), (true, None)] {
        let mut supervisor = Supervisor::new(RunOptions { quota_wait, ..options() });
        let (mut events, mut actions) = (Vec::new(), Vec::new());
        supervisor.handle(at(0.0), Input::Started, &mut events, &mut actions);
        assert_eq!(actions.pop(), Some(Action::SyncState { reserve: true }));
        let state = SyncedState { budget: None, quota: Some(quota(5)) };
        supervisor.handle(at(0.0), Input::StateSynced(state), &mut events, &mut actions);
        assert!(!actions.iter().any(|action| matches!(action, Action::Dial { .. })), "{actions:?}");
        let stopped = events.iter().find_map(|event| match &event.kind {
            EventKind::Stopped(outcome) => Some(outcome.code()),
            _ => None,
        });
        assert_eq!(stopped, outcome);
    }
}

#[test]
fn a_spent_budget_waits_and_does_not_give_up() {
    let mut play = Scenario::new(RunOptions { requests: 3, max_retries: Some(9), ..options() });
    for _ in 0..2 {
        play.refuse(500, "");
        play.wait();
    }
    play.refuse(500, "");
    play.wait();
    assert!(play.story.contains("Budget"), "{}", play.story);
    assert!((900.0..901.0).contains(&play.now), "{}", play.now);
    assert!(play.is_dialling());
}

#[test]
fn failures_before_the_request_cost_no_budget() {
    let mut play = Scenario::new(RunOptions { requests: 1, ..options() });
    for _ in 0..5 {
        play.fail(LocalCause::Tcp);
        play.wait();
    }
    assert!(!play.story.contains("Budget"), "{}", play.story);
}

#[test]
fn a_signal_ends_every_state_and_nothing_is_dialled_after_it() {
    let states: [fn(&mut Scenario); 3] = [
        |_| {},
        |play| {
            play.opened();
        },
        |play| {
            play.fail(LocalCause::Dns);
        },
    ];
    for set_up in states {
        let mut play = Scenario::new(options());
        set_up(&mut play);
        play.input(Input::Signalled(Signal::Term));
        assert_eq!(play.stopped().map(Outcome::code), Some(143));
        assert_eq!(play.dials.len(), 1);
        play.input(Input::LinksClosed).input(Input::OutputDrained);
        assert_eq!((play.exit, play.dials.len()), (Some(143), 1));
    }
}

proptest! {
    /// Whatever happens, in whatever order: dials keep their distance, waits end, one action an input.
    #[test]
    fn no_script_makes_the_session_undercut_a_wait(script in proptest::collection::vec((0u8..16, 0.0f64..40.0), 1..120), seed: u64) {
        let mut play = Scenario::new(RunOptions { requests: 20, seed, ..options() });
        let mut earliest = f64::NEG_INFINITY;
        for (what, pause) in script {
            if play.stopped().is_some() { break }
            let dials = play.dials.len();
            if play.is_dialling() {
                match what {
                    0..4 => { play.opened(); }
                    4..6 => { play.fail(LocalCause::Tcp); earliest = play.now + 0.25; }
                    6..9 => { play.refuse(503, ""); earliest = play.now + 5.0; }
                    9..11 => { play.refuse(429, ""); earliest = play.now + 60.0; }
                    11..13 => { play.refuse(420, ""); earliest = play.now + 60.0; }
                    _ => { play.fail(LocalCause::HeadTimeout); earliest = play.now + 5.0; }
                }
            } else if play.is_open() {
                let before = play.now;
                match what {
                    0..8 => { play.line(); }
                    8 => { play.end(Code::V1(7.into())); earliest = play.now + 60.0; }
                    9 => { play.end(Code::Type("ForceDisconnect".into())); earliest = play.now + 20.0; }
                    10 => { play.input(Input::OutputBlocked); }
                    11 => { play.input(Input::OutputUnblocked); }
                    12..14 => { play.close(LocalCause::Eof); earliest = play.now; }
                    _ => { play.until(before + pause); }
                }
            } else {
                prop_assert!(play.due().is_some_and(|due| due < play.now + 3700.0), "a wait that ends");
                if what < 8 { play.until(play.now + pause); } else { play.wait(); }
            }
            for dial in &play.dials[dials..] {
                prop_assert!(*dial >= earliest - 1e-6, "dialled at {dial}, due at {earliest}\n{}", play.story);
            }
        }
    }

    #[test]
    fn requests_never_exceed_the_budget(statuses in proptest::collection::vec(prop_oneof![Just(500u16), Just(503)], 1..200)) {
        let mut play = Scenario::new(RunOptions { requests: 5, ..options() });
        for status in statuses {
            play.refuse(status, "");
            play.wait();
        }
        for window in play.dials.windows(6) {
            prop_assert!(window[5] - window[0] >= 900.0 - 1e-6, "{:?}", window);
        }
    }
}

#[test]
fn a_dial_that_a_signal_interrupts_is_given_back_unless_it_was_sent() {
    for (sent, left) in [(false, 0), (true, 1)] {
        let mut play = Scenario::new(options());
        play.input(Input::Signalled(Signal::Int));
        play.link(LinkEvent::Failed(Failure { sent, ..Failure::eof() }));
        play.input(Input::LinksClosed).input(Input::OutputDrained);
        assert_eq!((play.exit, play.supervisor.requests(at(0.0)).0), (Some(130), left));
    }
}

#[test]
fn the_end_waits_for_the_reader_and_for_x_but_not_without_limit() {
    let listed = || RunOptions { is_listed: true, reconnect: false, ..options() };
    let mut play = Scenario::new(listed());
    play.established().close(LocalCause::Eof);
    assert_eq!(play.asked, [Query::Reason { connection: 1, opened: seconds(10.0) }]);
    play.input(Input::LinksClosed).input(Input::OutputDrained);
    assert_eq!(play.exit, None, "X's answer is waited for");
    play.until(play.now + 2.1);
    assert_eq!(play.exit, Some(5), "for two seconds");

    let mut play = Scenario::new(listed());
    play.established().close(LocalCause::Eof).input(Input::LinksClosed);
    play.input(Input::Answered(Some(Response::Reason { connection: 1, reason: "operator_disconnect".to_owned() })));
    assert!(play.story.contains("reason operator_disconnect of 1"), "{}", play.story);
    play.until(play.now + 3600.0);
    assert_eq!(play.exit, None, "a slow reader gets everything");
    play.input(Input::Signalled(Signal::Term));
    assert_eq!(play.exit, Some(143), "until a signal says otherwise");

    let mut play = Scenario::new(options());
    play.established().input(Input::Signalled(Signal::Int)).input(Input::LinksClosed);
    play.until(play.now + 0.6);
    assert_eq!(play.exit, Some(130), "after a signal it gets half a second");
}

#[test]
fn what_failed_beside_the_stream_costs_the_clean_exit_status_alone() {
    let mut play = Scenario::new(options());
    play.opened().input(Input::Degraded("the journal".to_owned()));
    assert!(play.is_open());
    play.received(BatchReport { bytes: 9, lines: 1, printed: 1, full: true, ..BatchReport::default() }, false);
    play.input(Input::LinksClosed).input(Input::OutputDrained);
    assert_eq!(play.exit, Some(1));
}

#[test]
fn with_a_state_file_each_dial_waits_for_its_lock_and_is_written_down() {
    let mut supervisor = Supervisor::new(RunOptions { has_state: true, requests: 1, ..options() });
    let (mut events, mut actions) = (Vec::new(), Vec::new());
    supervisor.handle(at(0.0), Input::Started, &mut events, &mut actions);
    assert_eq!(actions, [Action::SyncState { reserve: true }]);
    supervisor.handle(at(1.5), Input::Elapsed, &mut events, &mut actions);
    assert!(events.iter().any(|event| event.kind == EventKind::LockHeld), "{events:?}");
    actions.clear();
    let other =
        SharedBudget { requests: vec![StoredTime { wall: 1_000_000_000, monotonic: Some(0) }], allowance: None };
    let state = SyncedState { budget: Some(other), quota: None };
    supervisor.handle(at(2.0), Input::StateSynced(state), &mut events, &mut actions);
    assert!(matches!(actions.as_slice(), [Action::SaveBudget(_)]), "another process spent the budget: {actions:?}");
    assert!(events.iter().any(|event| matches!(event.kind, EventKind::Waiting { why: WaitReason::Budget, .. })));
}

#[test]
fn x_is_asked_about_each_kind_of_ending_once_in_five_minutes() {
    let mut play = Scenario::new(RunOptions { is_listed: true, take_over: true, ..options() });
    let body = r#"{"title":"ConnectionException","connection_issue":"TooManyConnections","type":"https://api.x.com/2/problems/streaming-connection"}"#;
    play.refuse(429, body);
    assert_eq!(play.asked, [Query::Holders { free: true }]);
    play.input(Input::Answered(None)).wait();
    play.refuse(429, body);
    play.wait();
    assert_eq!(play.asked.len(), 1, "a minute later it is not asked again");
    play.established().close(LocalCause::Eof);
    assert_eq!(play.asked.len(), 2, "but the reason of an end is another question");
    play.input(Input::Answered(None)).wait();
    play.now += 600.0;
    play.refuse(429, body);
    assert_eq!(play.asked.last(), Some(&Query::Holders { free: false }), "the slot is freed once in a run");
}

#[test]
fn a_text_429_about_the_rate_waits_for_the_reset() {
    let mut play = Scenario::new(options());
    let mut refused = refusal(429, "Rate limit exceeded");
    refused.head.rate.reset = Some(seconds(1_000_300.0));
    play.link(LinkEvent::Refused(refused));
    let wait = play.wait();
    assert!((301.0..=302.0).contains(&wait), "{wait}");
}

#[test]
fn a_change_of_the_account_is_retried_every_minute() {
    let provisioning = r#"{"connection_issue":"ProvisioningSubscription"}"#;
    let mut play = Scenario::new(options());
    play.established().end(Code::Type("PackageUpgraded".into()));
    for _ in 0..5 {
        let wait = play.wait();
        assert!(is_about(wait, 60.0), "{wait}");
        play.refuse(403, provisioning);
    }
}

#[test]
fn a_forced_disconnect_waits_20_s_each_time_until_the_slot_is_given_up() {
    let mut play = Scenario::new(options());
    for _ in 0..2 {
        play.opened().end(Code::Type("ForceDisconnect".into()));
        let wait = play.wait();
        assert!(is_about(wait, 20.0), "{wait}");
    }
    play.opened().end(Code::Type("ForceDisconnect".into()));
    assert_eq!(play.stopped().map(Outcome::code), Some(5));
}

#[test]
fn stalls_that_repeat_wait_as_the_network_does() {
    let mut play = Scenario::new(options());
    play.established();
    for floor in [0.0, 0.25, 0.5, 0.75] {
        let silent = play.now + 30.0;
        play.until(silent);
        let wait = play.wait();
        assert!(wait >= floor && wait <= floor.max(0.25) * 1.25, "{floor}: {wait}");
        play.opened();
    }
}

#[test]
fn a_reader_that_catches_up_during_a_dial_starts_no_timer_of_the_stream() {
    let mut play = Scenario::new(options());
    play.established().input(Input::OutputBlocked).close(LocalCause::Eof);
    play.wait();
    play.input(Input::OutputUnblocked);
    let now = play.now;
    play.until(now + 40.0);
    assert!(play.is_dialling(), "{}", play.story);
    play.opened().line();
    assert!(play.is_open());
}

#[test]
fn silence_while_posts_are_reserved_is_not_charged_to_the_server() {
    let mut supervisor = Supervisor::new(RunOptions { has_state: true, ..options() });
    let (mut events, mut actions) = (Vec::new(), Vec::new());
    let mut input = |time: f64, input| supervisor.handle(at(time), input, &mut events, &mut actions);
    let synced = || Input::StateSynced(SyncedState { budget: Some(SharedBudget::default()), quota: Some(quota(0)) });
    input(0.0, Input::Started);
    input(0.0, synced());
    input(0.0, Input::Link { connection: 1, event: LinkEvent::Opened(Head::default()) });
    input(0.0, synced());
    input(1.0, Input::GrantUsed);
    // Another process holds the lock for two minutes.
    for second in 2..120 {
        input(f64::from(second), Input::Elapsed);
    }
    input(120.0, synced());
    input(149.0, Input::Elapsed);
    assert!(!events.iter().any(|event| matches!(event.kind, EventKind::Ended { .. })), "{events:?}");
}

#[test]
fn the_reason_of_an_end_waits_for_the_list_of_rules() {
    let mut play = Scenario::new(RunOptions { is_listed: true, list_rules: true, ..options() });
    play.established().close(LocalCause::Eof);
    assert_eq!(play.asked, [Query::Rules], "one query at a time");
    play.input(Input::Answered(Some(Response::Rules(Vec::new())))).wait();
    play.established().close(LocalCause::Eof);
    assert_eq!(play.asked.last(), Some(&Query::Reason { connection: 2, opened: seconds(10.0) }));
}
