//! The request budget and the quota of posts, alone and shared through a state file.

use proptest::prelude::*;

use super::super::super::budget::StoredTime;
use super::super::super::event::WaitReason;
use super::*;

fn spend(run: &mut Scenario) {
    let report = BatchReport { bytes: 9, lines: 1, posts: 1, ..BatchReport::default() };
    run.link(LinkEvent::Received(Box::new(Received { report, within_line: false, quota: Some(quota(5)) })));
}

#[test]
fn a_spent_quota_closes_the_stream_and_waits_for_its_period_only_when_asked() {
    let mut run = Scenario::new(options());
    run.established();
    spend(&mut run);
    assert_eq!(run.stopped().map(Outcome::code), Some(3));
    assert!(run.transcript.contains("ended quota opened=true"), "{}", run.transcript);

    let mut run = Scenario::new(RunOptions { quota_wait: true, ..options() });
    run.established();
    let midnight = 12.0 * 86_400.0 + 1.0 - 1_000_000.0;
    spend(&mut run);
    assert!(!run.is_open() && run.stopped().is_none(), "{}", run.transcript);
    // Until the meter has turned nothing is dialled.
    run.supervisor.quota = Some(quota(0));
    run.wait();
    assert!((run.now - midnight).abs() < 1.0, "{} {midnight}", run.now);
    assert_eq!(run.dials.len(), 2, "{}", run.transcript);
    run.established();
    assert!(run.transcript.contains("by quota"), "the pause is a gap and reported as one: {}", run.transcript);
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
    let mut run = Scenario::new(RunOptions { requests: 3, max_retries: Some(9), ..options() });
    for _ in 0..2 {
        run.refuse(500, "");
        run.wait();
    }
    run.refuse(500, "");
    run.wait();
    assert!(run.transcript.contains("Budget"), "{}", run.transcript);
    assert!((900.0..901.0).contains(&run.now), "{}", run.now);
    assert!(run.is_dialling());
}

#[test]
fn failures_before_the_request_cost_no_budget() {
    let mut run = Scenario::new(RunOptions { requests: 1, ..options() });
    for _ in 0..5 {
        run.fail(LocalCause::Tcp);
        run.wait();
    }
    assert!(!run.transcript.contains("Budget"), "{}", run.transcript);
}

#[test]
fn a_dial_that_a_signal_interrupts_is_given_back_unless_it_was_sent() {
    for (sent, left) in [(false, 0), (true, 1)] {
        let mut run = Scenario::new(options());
        run.input(Input::Signalled(Signal::Int));
        run.link(LinkEvent::Failed(Failure { sent, ..Failure::eof() }));
        run.input(Input::LinksClosed).input(Input::OutputDrained);
        assert_eq!((run.exit, run.supervisor.requests(at(0.0)).0), (Some(130), left));
    }
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

proptest! {
    /// Whatever happens, in whatever order: dials keep their distance, waits end, one action an input.
    #[test]
    fn no_script_makes_the_session_undercut_a_wait(script in proptest::collection::vec((0u8..16, 0.0f64..40.0), 1..120), seed: u64) {
        let mut run = Scenario::new(RunOptions { requests: 20, seed, ..options() });
        let mut earliest = f64::NEG_INFINITY;
        for (what, pause) in script {
            if run.stopped().is_some() { break }
            let dials = run.dials.len();
            if run.is_dialling() {
                match what {
                    0..4 => { run.opened(); }
                    4..6 => { run.fail(LocalCause::Tcp); earliest = run.now + 0.25; }
                    6..9 => { run.refuse(503, ""); earliest = run.now + 5.0; }
                    9..11 => { run.refuse(429, ""); earliest = run.now + 60.0; }
                    11..13 => { run.refuse(420, ""); earliest = run.now + 60.0; }
                    _ => { run.fail(LocalCause::HeadTimeout); earliest = run.now + 5.0; }
                }
            } else if run.is_open() {
                let before = run.now;
                match what {
                    0..8 => { run.line(); }
                    8 => { run.end(Code::V1(7.into())); earliest = run.now + 60.0; }
                    9 => { run.end(Code::Type("ForceDisconnect".into())); earliest = run.now + 20.0; }
                    10 => { run.input(Input::OutputBlocked); }
                    11 => { run.input(Input::OutputUnblocked); }
                    12..14 => { run.close(LocalCause::Eof); earliest = run.now; }
                    _ => { run.until(before + pause); }
                }
            } else {
                prop_assert!(run.due().is_some_and(|due| due < run.now + 3700.0), "a wait that ends");
                if what < 8 { run.until(run.now + pause); } else { run.wait(); }
            }
            for dial in &run.dials[dials..] {
                prop_assert!(*dial >= earliest - 1e-6, "dialled at {dial}, due at {earliest}\n{}", run.transcript);
            }
        }
    }

    #[test]
    fn requests_never_exceed_the_budget(statuses in proptest::collection::vec(prop_oneof![Just(500u16), Just(503)], 1..200)) {
        let mut run = Scenario::new(RunOptions { requests: 5, ..options() });
        for status in statuses {
            run.refuse(status, "");
            run.wait();
        }
        for window in run.dials.windows(6) {
            prop_assert!(window[5] - window[0] >= 900.0 - 1e-6, "{:?}", window);
        }
    }
}
