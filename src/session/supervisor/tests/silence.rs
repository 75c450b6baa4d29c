//! Silence: what is a stall, and what is not charged to the server.

use super::*;

#[test]
fn a_drop_is_reported_event_by_event() {
    let mut run = Scenario::new(options());
    run.opened();
    for second in 1..=40 {
        run.until(f64::from(second));
        let id = PostId::parse(second.to_string());
        let report = BatchReport { bytes: 9, lines: 1, posts: 2, first_id: id, last_id: id, ..BatchReport::default() };
        run.received(report, false);
    }
    run.until(80.0).opened();
    run.until(81.0).line();
    run.until(95.0).end(Code::V1(12.into()));
    run.until(96.0).input(Input::Signalled(Signal::Int));
    insta::assert_snapshot!(run.transcript, @r"
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
    let mut run = Scenario::new(options());
    run.established();
    for time in [29.9, 59.8, 89.7] {
        run.until(time).received(BatchReport { bytes: 1, ..BatchReport::default() }, true);
        assert!(run.is_open(), "{time}");
    }
    run.until(119.69);
    assert!(run.is_open());
    run.until(119.71);
    assert!(run.transcript.contains("ended stall"), "{}", run.transcript);
}

#[test]
fn a_line_left_unfinished_is_a_stall_too() {
    let mut run = Scenario::new(options());
    run.established();
    for time in 1..=90 {
        run.until(10.0 + f64::from(time)).received(BatchReport { bytes: 1, ..BatchReport::default() }, true);
    }
    run.until(101.0);
    assert!(run.transcript.contains("ended unfinished-line"), "{}", run.transcript);
}

#[test]
fn lines_that_each_end_in_a_later_chunk_are_no_stall() {
    let mut run = Scenario::new(options());
    run.established();
    for time in 1..=300 {
        run.until(10.0 + f64::from(time));
        run.received(BatchReport { bytes: 9, lines: 1, ..BatchReport::default() }, true);
    }
    assert!(run.is_open(), "{}", run.transcript);
}

#[test]
fn silence_of_our_own_making_is_not_charged_to_the_server() {
    let mut run = Scenario::new(options());
    run.established().input(Input::OutputBlocked);
    run.until(500.0).input(Input::OutputUnblocked);
    assert!(run.is_open());
    run.until(529.0);
    assert!(run.is_open());
    run.until(531.0);
    assert!(
        run.transcript.contains("unblocked after 490") && run.transcript.contains("ended stall"),
        "{}",
        run.transcript
    );
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
fn a_reader_that_catches_up_during_a_dial_starts_no_timer_of_the_stream() {
    let mut run = Scenario::new(options());
    run.established().input(Input::OutputBlocked).close(LocalCause::Eof);
    run.wait();
    run.input(Input::OutputUnblocked);
    let now = run.now;
    run.until(now + 40.0);
    assert!(run.is_dialling(), "{}", run.transcript);
    run.opened().line();
    assert!(run.is_open());
}
