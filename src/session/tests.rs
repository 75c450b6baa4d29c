//! Transcripts in virtual time: what happened and when, and what the session made of it.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::protocol::problem::Body;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn at(time: f64) -> Timestamp {
    // The wall clock begins at a round number, so that resets are easy to write.
    Timestamp { monotonic: seconds(time), wall: seconds(1_000_000.0 + time) }
}

fn options() -> Options {
    Options {
        keep_alive: seconds(20.0),
        stall: seconds(30.0),
        requests: 50,
        max_retries: None,
        reconnect: true,
        finite: false,
        quota_wait: false,
        seed: 3,
    }
}

/// A session that plays by itself: waits elapse when they are over, and each step is written down.
struct Play {
    session: Session,
    now: f64,
    action: Action,
    story: String,
    dials: Vec<f64>,
    open: bool,
}

impl Play {
    fn new(options: Options) -> Play {
        let mut play = Play {
            session: Session::new(options),
            now: 0.0,
            action: Action::Dial,
            story: String::new(),
            dials: vec![],
            open: false,
        };
        play.input(Input::Started);
        play
    }

    fn input(&mut self, input: Input) -> &mut Play {
        let mut events = Vec::new();
        self.action = self.session.handle(at(self.now), input, &mut events);
        for event in events {
            match event.kind {
                EventKind::Dialling { .. } => {
                    assert!(!self.open, "two connections at once\n{}", self.story);
                    self.dials.push(self.now);
                }
                EventKind::Opened { .. } => self.open = true,
                EventKind::Ended { .. } => self.open = false,
                _ => {}
            }
            let _ = writeln!(self.story, "{:>7.1} {}", self.now, brief(&event));
        }
        self
    }

    /// Lets time pass, saying `Elapsed` whenever the action asks for it.
    fn until(&mut self, time: f64) -> &mut Play {
        while let Some(due) = self.due().filter(|due| *due <= time) {
            self.now = due.max(self.now);
            self.input(Input::Elapsed);
        }
        self.now = time;
        self
    }

    fn due(&self) -> Option<f64> {
        match &self.action {
            Action::Sleep { until } | Action::Listen { until: Some(until) } => Some(until.monotonic.as_secs_f64()),
            _ => None,
        }
    }

    /// Waits out the backoff, up to the next dial; returns how long that took.
    fn wait(&mut self) -> f64 {
        let began = self.now;
        while !matches!(self.action, Action::Dial | Action::Stop(_)) {
            let due = self.due().expect("a wait that ends");
            self.until(due);
        }
        self.now - began
    }

    fn opened(&mut self) -> &mut Play {
        self.input(Input::Opened(Head::default()))
    }

    fn line(&mut self) -> &mut Play {
        self.input(Input::Received(Received { bytes: 9, lines: 1, ..Received::default() }))
    }

    /// A connection that has become established by now.
    fn established(&mut self) -> &mut Play {
        let now = self.now;
        self.opened().line().until(now + 10.0)
    }

    fn fail(&mut self, own: Own) -> &mut Play {
        let sent = matches!(own, Own::HeadTimeout | Own::Http);
        self.input(Input::Failed(Failure { own, detail: String::new(), sent }))
    }

    fn close(&mut self, own: Own) -> &mut Play {
        self.input(Input::Closed(Failure { own, detail: String::new(), sent: true }))
    }

    fn end(&mut self, code: Code) -> &mut Play {
        let ending = Some(Ending { code, detail: None });
        self.input(Input::Received(Received { bytes: 9, lines: 1, ending, ..Received::default() }))
    }

    fn refuse(&mut self, status: u16, body: &str) -> &mut Play {
        self.input(Input::Refused(refusal(status, body)))
    }

    fn stopped(&self) -> Option<&Outcome> {
        match &self.action {
            Action::Stop(outcome) => Some(outcome),
            _ => None,
        }
    }
}

fn refusal(status: u16, body: &str) -> Refusal {
    Refusal { status, head: Head::default(), body: Body::read(body.as_bytes()), retry_after: None, redirect: None }
}

fn brief(event: &Event) -> String {
    let connection = event.connection;
    match &event.kind {
        EventKind::Dialling { attempt } => format!("dial {connection}, attempt {attempt}"),
        EventKind::Opened { .. } => format!("opened {connection}"),
        EventKind::FirstByte { after } => format!("first byte after {:.0}", after.as_secs_f64()),
        EventKind::Late { silence } => format!("late by now {:.0}", silence.as_secs_f64()),
        EventKind::Established => format!("established {connection}"),
        EventKind::Ended { ending, opened, lived, .. } => {
            format!("ended {} opened={opened} lived={:.0}", ending.code, lived.as_secs_f64())
        }
        EventKind::Waiting { why, delay, .. } => format!("wait {:.2} {why:?}", delay.as_secs_f64()),
        EventKind::Gap(gap) => format!(
            "gap {:?} {}..{} missed={} by {}",
            gap.to.map(|to| to.since(gap.from).as_secs()),
            gap.last_id,
            gap.first_id,
            gap.missed,
            gap.cause
        ),
        EventKind::Stopped(outcome) => format!("stop {}", outcome.code()),
        EventKind::Blocked => "blocked".to_owned(),
        EventKind::Unblocked { after } => format!("unblocked after {:.0}", after.as_secs_f64()),
        EventKind::Diagnostic(_) | EventKind::Suppressed { .. } => "remark".to_owned(),
        // These come from the pipeline and from X's API, never from the session.
        EventKind::Received(_) | EventKind::Held { .. } | EventKind::Reason { .. } => unreachable!("{event:?}"),
    }
}

/// Whether a wait is at least the documented floor and at most a quarter above it.
fn is_about(wait: f64, floor: f64) -> bool {
    wait >= floor - 1e-6 && wait <= floor * 1.25 + 1e-6
}

#[test]
fn an_established_stream_is_reconnected_at_once_and_then_by_its_ladders() {
    let mut play = Play::new(options());
    play.established().until(100.0).close(Own::Eof);
    assert!(play.wait() <= 0.25);
    for floor in [0.25, 0.5, 0.75] {
        play.fail(Own::Tcp);
        let wait = play.wait();
        assert!(is_about(wait, floor), "{wait} for {floor}");
    }
    for floor in [5.0, 10.0, 20.0] {
        play.refuse(503, "upstream connect error or disconnect/reset before headers");
        let wait = play.wait();
        assert!(is_about(wait, floor), "{wait} for {floor}");
    }
    // The network's ladder goes on where it was.
    play.fail(Own::Dns);
    assert!(is_about(play.wait(), 1.0));
    play.established().close(Own::Reset);
    assert!(play.wait() <= 0.25);
}

#[test]
fn accept_then_close_is_no_hot_loop() {
    let mut play = Play::new(options());
    for floor in [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 320.0] {
        play.opened().line().close(Own::Eof);
        let wait = play.wait();
        assert!(is_about(wait, floor), "{wait} for {floor}");
    }
}

#[test]
fn a_200_without_a_line_is_never_established() {
    let mut play = Play::new(options());
    play.opened().until(29.0).close(Own::Eof);
    assert!(is_about(play.wait(), 5.0));
}

#[test]
fn the_story_of_a_drop_reads_aloud() {
    let mut play = Play::new(options());
    play.opened();
    for second in 1..=40 {
        play.until(f64::from(second));
        let id = second.to_string().into_bytes();
        let received =
            Received { bytes: 9, lines: 1, posts: 2, first_id: id.clone(), last_id: id, ..Received::default() };
        play.input(Input::Received(received));
    }
    play.until(80.0).opened();
    play.until(81.0).line();
    play.until(95.0).end(Code::V1(12));
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
    let mut play = Play::new(options());
    play.established();
    for time in [29.9, 59.8, 89.7] {
        play.until(time).input(Input::Received(Received::default()));
        assert!(matches!(play.action, Action::Listen { .. }), "{time}");
    }
    play.until(119.69);
    assert!(matches!(play.action, Action::Listen { .. }));
    play.until(119.71);
    assert!(play.story.contains("ended stall"), "{}", play.story);
}

#[test]
fn a_line_left_unfinished_is_a_stall_too() {
    let mut play = Play::new(options());
    play.established();
    let dribble = || Input::Received(Received { unfinished: true, ..Received::default() });
    for time in 1..=99 {
        play.until(10.0 + f64::from(time)).input(dribble());
    }
    play.until(101.0);
    assert!(play.story.contains("ended unfinished-line"), "{}", play.story);
}

#[test]
fn lines_that_each_end_in_a_later_chunk_are_no_stall() {
    let mut play = Play::new(options());
    play.established();
    for time in 1..=300 {
        play.until(10.0 + f64::from(time));
        play.input(Input::Received(Received { bytes: 9, lines: 1, unfinished: true, ..Received::default() }));
    }
    assert!(matches!(play.action, Action::Listen { .. }), "{}", play.story);
}

#[test]
fn silence_of_our_own_making_is_not_charged_to_the_server() {
    let mut play = Play::new(options());
    play.established().input(Input::Blocked);
    play.until(500.0).input(Input::Unblocked);
    assert!(matches!(play.action, Action::Listen { .. }));
    play.until(529.0);
    assert!(matches!(play.action, Action::Listen { .. }));
    play.until(531.0);
    assert!(play.story.contains("unblocked after 490") && play.story.contains("ended stall"), "{}", play.story);
}

#[test]
fn a_rate_429_waits_for_the_reset_on_the_servers_clock() {
    let mut play = Play::new(options());
    let mut refused = refusal(429, r#"{"title":"Too Many Requests","type":"about:blank","status":429}"#);
    // The server's clock is 500 s ahead of ours.
    refused.head.date = Some(seconds(1_000_500.0));
    refused.head.rate = RateLimit { limit: Some(50), remaining: Some(0), reset: Some(seconds(1_000_620.0)) };
    play.input(Input::Refused(refused));
    let wait = play.wait();
    assert!((121.0..=122.01).contains(&wait), "{wait}");
}

#[test]
fn a_reset_that_cannot_be_trusted_falls_back_to_sixty_seconds() {
    for reset in [999_000.0, 1_004_000.0] {
        let mut play = Play::new(options());
        let mut refused = refusal(429, "");
        refused.head.rate = RateLimit { limit: Some(50), remaining: Some(0), reset: Some(seconds(reset)) };
        play.input(Input::Refused(refused));
        assert!(is_about(play.wait(), 60.0));
    }
}

#[test]
fn too_many_connections_is_not_a_rate_limit() {
    let body = r#"{"title":"ConnectionException","connection_issue":"TooManyConnections","type":"https://api.twitter.com/2/problems/streaming-connection"}"#;
    let mut play = Play::new(options());
    for floor in [20.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0] {
        play.refuse(429, body);
        let wait = play.wait();
        assert!(is_about(wait, floor), "{wait} for {floor}");
    }
}

#[test]
fn retry_after_is_honoured_when_it_is_longer() {
    for (asked, floor) in [(100.0, 100.0), (2.0, 5.0)] {
        let mut play = Play::new(options());
        let mut refused = refusal(503, "");
        refused.retry_after = Some(seconds(asked));
        play.input(Input::Refused(refused));
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
        let mut play = Play::new(options());
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
        let mut play = Play::new(options());
        play.refuse(status, &body);
        let wait = play.wait();
        assert!(is_about(wait, floor), "{status} {body}: {wait}");
    }
}

/// What each in-band ending of an established stream comes to.
#[test]
fn every_in_band_ending_gets_its_answer() {
    let kind = |name: &str| Code::Type(name.to_owned());
    let issue = |name: &str| Code::Issue(name.to_owned());
    let at_once = [
        Code::V1(1),
        Code::V1(4),
        Code::V1(5),
        Code::V1(8),
        Code::V1(10),
        Code::V1(11),
        Code::V1(12),
        Code::V1(99),
        kind("OperationalDisconnect"),
        kind("UpstreamOperationalDisconnect"),
        kind("UpstreamUncleanDisconnect"),
        kind("InternalError"),
        kind("SlowReader"),
        kind("SomethingNew"),
        Code::Problem("client-disconnected".to_owned()),
    ];
    for code in at_once {
        let mut play = Play::new(options());
        play.established().end(code.clone());
        let wait = play.wait();
        assert!(wait <= 0.25, "{code}: {wait}");
        // The same from a stream that was not established is the 5 s ladder.
        play.opened().end(code.clone());
        assert!(is_about(play.wait(), 5.0), "{code}");
    }
    let waits = [
        (Code::V1(2), 60.0),
        (Code::V1(7), 60.0),
        (kind("ForceDisconnect"), 20.0),
        (kind("ClientApplicationStateDegraded"), 60.0),
        (kind("PackageUpgraded"), 60.0),
        (issue("TooManyConnections"), 20.0),
        (issue("ProvisioningSubscription"), 60.0),
    ];
    for (code, floor) in waits {
        let mut play = Play::new(options());
        play.established().end(code.clone());
        let wait = play.wait();
        assert!(is_about(wait, floor), "{code}: {wait}");
    }
    let stops = [
        (Code::V1(3), 5),
        (Code::V1(6), 3),
        (Code::V1(9), 0),
        (Code::V1(13), 3),
        (Code::V1(14), 3),
        (kind("InvalidRules"), 3),
        (issue("RuleConfigurationIssue"), 3),
        (issue("RulesInvalidIssue"), 3),
        (Code::Problem("usage-capped".to_owned()), 3),
    ];
    for (code, status) in stops {
        let mut play = Play::new(options());
        play.established().end(code.clone());
        assert_eq!(play.stopped().map(Outcome::code), Some(status), "{code}");
    }
}

#[test]
fn a_line_of_text_is_the_reason_of_the_ending_that_follows() {
    use crate::protocol::disconnect::TextLine;
    for (text, floor) in [(TextLine::ConnectionLimit, 60.0), (TextLine::RateLimit, 60.0), (TextLine::Html, 5.0)] {
        let mut play = Play::new(options());
        play.established().end(Code::Text(text));
        assert!(matches!(play.action, Action::Listen { .. }), "a text alone ends nothing");
        play.close(Own::Eof);
        let wait = play.wait();
        assert!(is_about(wait, floor), "{text:?}: {wait}");
    }
}

#[test]
fn the_third_take_over_in_half_an_hour_gives_the_slot_up() {
    let mut play = Play::new(options());
    for round in 0..3 {
        assert_eq!(play.stopped(), None, "round {round}");
        play.established().end(Code::V1(7));
        play.wait();
    }
    assert_eq!(play.stopped().map(Outcome::code), Some(5));

    let mut play = Play::new(options());
    for _ in 0..6 {
        play.established().input(Input::Blocked);
        // Twenty minutes pass, in which only the clock of the fight matters.
        play.now += 20.0 * 60.0;
        play.input(Input::Unblocked).end(Code::Type("ForceDisconnect".to_owned()));
        play.wait();
    }
    assert_eq!(play.stopped(), None, "{}", play.story);
}

#[test]
fn retries_that_are_used_up_give_up_with_4() {
    let mut play = Play::new(Options { max_retries: Some(2), ..options() });
    for _ in 0..2 {
        play.fail(Own::Tcp);
        play.wait();
    }
    // An established stream gives the retries back.
    play.established().close(Own::Eof);
    play.wait();
    play.fail(Own::Tcp);
    play.wait();
    play.fail(Own::Tcp);
    assert_eq!(play.stopped().map(Outcome::code), Some(4));
}

#[test]
fn a_recovery_range_is_delivered_once() {
    for (own, status) in [(Own::Eof, 0), (Own::Reset, 5), (Own::Truncated, 5)] {
        let mut play = Play::new(Options { finite: true, ..options() });
        play.refuse(503, "");
        play.wait();
        play.opened().line().close(own);
        assert_eq!(play.stopped().map(Outcome::code), Some(status), "{own:?}");
    }
}

#[test]
fn without_reconnect_the_first_ending_is_the_last() {
    let mut play = Play::new(Options { reconnect: false, ..options() });
    play.established().close(Own::Eof);
    assert_eq!(play.stopped().map(Outcome::code), Some(5));
}

#[test]
fn a_spent_quota_closes_the_stream_and_waits_for_its_period_only_when_asked() {
    let spent = |now: f64| Input::QuotaSpent { detail: "5 of 5".to_owned(), turns: at(now + 3600.0) };
    let mut play = Play::new(options());
    play.established().input(spent(20.0));
    assert_eq!(play.stopped().map(Outcome::code), Some(3));
    assert!(play.story.contains("ended quota opened=true"), "{}", play.story);

    let mut play = Play::new(Options { quota_wait: true, ..options() });
    play.established();
    let now = play.now;
    play.input(spent(now));
    assert!((play.wait() - 3600.0).abs() < 1.0, "{}", play.story);
    assert_eq!(play.dials.len(), 2, "{}", play.story);
    play.established();
    assert!(play.story.contains("by quota"), "the pause is a gap and told as one: {}", play.story);

    let mut session = Session::new(Options { quota_wait: true, ..options() });
    let mut events = Vec::new();
    let action = session.handle(at(0.0), spent(0.0), &mut events);
    assert!(matches!(action, Action::Sleep { .. }), "nothing is dialled: {events:?}");
    assert_eq!(session.connection(), 0);
}

#[test]
fn a_spent_budget_waits_and_does_not_give_up() {
    let mut play = Play::new(Options { requests: 3, max_retries: Some(9), ..options() });
    for _ in 0..2 {
        play.refuse(500, "");
        play.wait();
    }
    play.refuse(500, "");
    play.wait();
    assert!(play.story.contains("Budget"), "{}", play.story);
    assert!((900.0..901.0).contains(&play.now), "{}", play.now);
    assert_eq!(play.action, Action::Dial);
}

#[test]
fn failures_before_the_request_cost_no_budget() {
    let mut play = Play::new(Options { requests: 1, ..options() });
    for _ in 0..5 {
        play.fail(Own::Tcp);
        play.wait();
    }
    assert!(!play.story.contains("Budget"), "{}", play.story);
}

#[test]
fn a_signal_ends_every_state_and_nothing_is_dialled_after_it() {
    let states: [fn(&mut Play); 3] = [
        |_| {},
        |play| {
            play.opened();
        },
        |play| {
            play.fail(Own::Dns);
        },
    ];
    for set_up in states {
        let mut play = Play::new(options());
        set_up(&mut play);
        play.input(Input::Signalled(Signal::Term));
        assert_eq!(play.stopped().map(Outcome::code), Some(143));
        play.input(Input::Elapsed);
        assert_eq!(play.dials.len(), 1);
    }
}

proptest! {
    /// Whatever happens, in whatever order: dials keep their distance, waits end, one action an input.
    #[test]
    fn no_script_makes_the_session_undercut_a_wait(script in proptest::collection::vec((0u8..16, 0.0f64..40.0), 1..120), seed: u64) {
        let mut play = Play::new(Options { requests: 20, seed, ..options() });
        let mut earliest = f64::NEG_INFINITY;
        for (what, pause) in script {
            if play.stopped().is_some() { break }
            let dials = play.dials.len();
            match play.action.clone() {
                Action::Dial => match what {
                    0..4 => { play.opened(); }
                    4..6 => { play.fail(Own::Tcp); earliest = play.now + 0.25; }
                    6..9 => { play.refuse(503, ""); earliest = play.now + 5.0; }
                    9..11 => { play.refuse(429, ""); earliest = play.now + 60.0; }
                    11..13 => { play.refuse(420, ""); earliest = play.now + 60.0; }
                    _ => { play.fail(Own::HeadTimeout); earliest = play.now + 5.0; }
                },
                Action::Listen { .. } => {
                    let before = play.now;
                    match what {
                        0..8 => { play.line(); }
                        8 => { play.end(Code::V1(7)); earliest = play.now + 60.0; }
                        9 => { play.end(Code::Type("ForceDisconnect".to_owned())); earliest = play.now + 20.0; }
                        10 => { play.input(Input::Blocked); }
                        11 => { play.input(Input::Unblocked); }
                        12..14 => { play.close(Own::Eof); earliest = play.now; }
                        _ => { play.until(before + pause); }
                    }
                }
                Action::Sleep { until } => {
                    prop_assert!(until.monotonic.as_secs_f64() < play.now + 3700.0, "a wait that ends");
                    if what < 8 { play.until(play.now + pause); } else { play.wait(); }
                }
                Action::Stop(_) => {}
            }
            for dial in &play.dials[dials..] {
                prop_assert!(*dial >= earliest - 1e-6, "dialled at {dial}, due at {earliest}\n{}", play.story);
            }
        }
    }

    #[test]
    fn requests_never_exceed_the_budget(statuses in proptest::collection::vec(prop_oneof![Just(500u16), Just(503)], 1..200)) {
        let mut play = Play::new(Options { requests: 5, ..options() });
        for status in statuses {
            play.refuse(status, "");
            play.wait();
        }
        for window in play.dials.windows(6) {
            prop_assert!(window[5] - window[0] >= 900.0 - 1e-6, "{:?}", window);
        }
    }
}
