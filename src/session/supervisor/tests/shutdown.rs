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

#[test]
fn an_archive_that_fails_beside_stdout_costs_exit_1_and_alone_ends_the_run() {
    let failure =
        || Input::Archive(ArchiveEvent::Failed { why: "disk full".to_owned(), messages: 0, files: Vec::new() });
    for (archive, ends) in [(ArchiveMode::BesideStdout, false), (ArchiveMode::Only, true)] {
        let mut run = Scenario::new(RunOptions { archive, deadline: Some(at(100.0)), ..options() });
        run.established().input(failure());
        assert_eq!(matches!(run.stopped(), Some(Outcome::Failed(_))), ends, "{}", run.transcript);
        if !ends {
            run.until(100.0).input(Input::OutputDrained);
        }
        run.input(Input::LinksClosed).input(Input::ArchiveClosed);
        assert_eq!((run.exit, run.transcript.matches("disk full").count()), (Some(1), 1), "{}", run.transcript);
    }
}

#[test]
fn the_end_of_a_run_waits_for_the_archive_and_a_second_signal_does_not() {
    for outcome in [Input::ReaderLeft, Input::Signalled(Signal::Term)] {
        let mut run = Scenario::new(RunOptions { archive: ArchiveMode::BesideStdout, ..options() });
        run.established().input(outcome.clone()).input(Input::LinksClosed).until(20.0);
        assert_eq!(run.exit, None, "{outcome:?}");
        let completed = ArchiveEvent::Completed { file: "a".to_owned(), messages: 1, bytes: 2 };
        run.input(Input::Archive(completed)).input(Input::ArchiveClosed);
        assert!(run.exit.is_some() && run.transcript.contains("Completed"), "{outcome:?}: {}", run.transcript);

        let mut run = Scenario::new(RunOptions { archive: ArchiveMode::BesideStdout, ..options() });
        run.established().input(outcome).input(Input::Signalled(Signal::Int));
        assert_eq!(run.exit, Some(130));
    }
}
