//! The end of a run, and the queries to X around an ending.

use super::*;

#[test]
fn a_signal_ends_every_state_and_nothing_is_dialled_after_it() {
    let states: [fn(&mut Scenario); 3] = [
        |_| {},
        |run| {
            run.opened();
        },
        |run| {
            run.fail(LocalCause::Dns);
        },
    ];
    for set_up in states {
        let mut run = Scenario::new(options());
        set_up(&mut run);
        run.input(Input::Signalled(Signal::Term));
        assert_eq!(run.stopped().map(Outcome::code), Some(143));
        assert_eq!(run.dials.len(), 1);
        run.input(Input::LinksClosed).input(Input::OutputDrained);
        assert_eq!((run.exit, run.dials.len()), (Some(143), 1));
    }
}

#[test]
fn the_end_waits_for_the_reader_and_for_x_but_not_without_limit() {
    let listed = || RunOptions { is_listed: true, reconnect: false, ..options() };
    let mut run = Scenario::new(listed());
    run.established().close(LocalCause::Eof);
    assert_eq!(run.queries, [Query::Reason { connection: 1, opened: seconds(10.0) }]);
    run.input(Input::LinksClosed).input(Input::OutputDrained);
    assert_eq!(run.exit, None, "X's answer is waited for");
    run.until(run.now + 2.1);
    assert_eq!(run.exit, Some(5), "for two seconds");

    let mut run = Scenario::new(listed());
    run.established().close(LocalCause::Eof).input(Input::LinksClosed);
    run.input(Input::Answered(Some(Response::Reason { connection: 1, reason: "operator_disconnect".to_owned() })));
    assert!(run.transcript.contains("reason operator_disconnect of 1"), "{}", run.transcript);
    run.until(run.now + 3600.0);
    assert_eq!(run.exit, None, "a slow reader gets everything");
    run.input(Input::Signalled(Signal::Term));
    assert_eq!(run.exit, Some(143), "until a signal says otherwise");

    let mut run = Scenario::new(options());
    run.established().input(Input::Signalled(Signal::Int)).input(Input::LinksClosed);
    run.until(run.now + 0.6);
    assert_eq!(run.exit, Some(130), "after a signal it gets half a second");
}

#[test]
fn what_failed_beside_the_stream_costs_the_clean_exit_status_alone() {
    let mut run = Scenario::new(options());
    run.opened().input(Input::Degraded("the journal".to_owned()));
    assert!(run.is_open());
    run.received(BatchReport { bytes: 9, lines: 1, printed: 1, full: true, ..BatchReport::default() }, false);
    run.input(Input::LinksClosed).input(Input::OutputDrained);
    assert_eq!(run.exit, Some(1));
}

#[test]
fn x_is_queried_about_each_kind_of_ending_once_in_five_minutes() {
    let mut run = Scenario::new(RunOptions { is_listed: true, take_over: true, ..options() });
    let body = r#"{"title":"ConnectionException","connection_issue":"TooManyConnections","type":"https://api.x.com/2/problems/streaming-connection"}"#;
    run.refuse(429, body);
    assert_eq!(run.queries, [Query::Holders { free: true }]);
    run.input(Input::Answered(None)).wait();
    run.refuse(429, body);
    run.wait();
    assert_eq!(run.queries.len(), 1, "a minute later it is not queried again");
    run.established().close(LocalCause::Eof);
    assert_eq!(run.queries.len(), 2, "but the reason of an end is another question");
    run.input(Input::Answered(None)).wait();
    run.now += 600.0;
    run.refuse(429, body);
    assert_eq!(run.queries.last(), Some(&Query::Holders { free: false }), "the slot is freed once in a run");
}

#[test]
fn the_reason_of_an_end_waits_for_the_list_of_rules() {
    let mut run = Scenario::new(RunOptions { is_listed: true, list_rules: true, ..options() });
    run.established().close(LocalCause::Eof);
    assert_eq!(run.queries, [Query::Rules], "one query at a time");
    run.input(Input::Answered(Some(Response::Rules(Vec::new())))).wait();
    run.established().close(LocalCause::Eof);
    assert_eq!(run.queries.last(), Some(&Query::Reason { connection: 2, opened: seconds(10.0) }));
}
