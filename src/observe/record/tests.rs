//! One example of every kind of event through every rendering, and the schema against the type.

use std::collections::BTreeSet;

use super::*;
use crate::observe::notice;
use crate::observe::stats::{Stats, View};
use crate::pipeline::meter::{Period, Quota, QuotaUsage};
use crate::pipeline::report::{BatchReport, Diagnostic};
use crate::protocol::disconnect::{Code, LocalCause};
use crate::protocol::message::{DisconnectReason, Notice};
use crate::protocol::post_id::PostId;
use crate::protocol::rate_limit::RateLimit;
use crate::session::coverage::Gap;
use crate::session::event::{ActiveRule, ArchiveEvent, Holder, Traffic};
use crate::session::{Event, EventKind, Outcome};
use crate::time::Timestamp;

fn at(seconds: u64) -> Timestamp {
    let since = Duration::from_secs(seconds);
    Timestamp { monotonic: since, wall: Duration::from_secs(1_792_065_600) + since }
}

fn reason() -> DisconnectReason {
    DisconnectReason { code: Code::Local(LocalCause::Eof), detail: Some("detail".to_owned()) }
}

/// The example after `last`. A kind without an example does not compile.
fn next(last: Option<&EventKind>) -> Option<EventKind> {
    let notice = |notice| EventKind::Diagnostic(Diagnostic::Notice(notice));
    let second = Duration::from_secs(1);
    Some(match last {
        None => EventKind::Dialling { attempt: 2 },
        Some(EventKind::Dialling { .. }) => {
            EventKind::Opened { rate: RateLimit { limit: Some(50), remaining: None, reset: Some(at(900).wall) } }
        }
        Some(EventKind::Opened { .. }) => EventKind::FirstByte { after: second },
        Some(EventKind::FirstByte { .. }) => {
            let mut batch = BatchReport::default();
            (batch.bytes, batch.lines, batch.posts, batch.printed) = (9, 2, 1, 1);
            EventKind::Received(Box::new(batch))
        }
        Some(EventKind::Received(_)) => EventKind::Established,
        Some(EventKind::Established) => EventKind::Late { silence: 25 * second },
        Some(EventKind::Late { .. }) => notice(Notice::Limit { track: Some(7) }),
        Some(EventKind::Diagnostic(diagnostic)) => match diagnostic {
            Diagnostic::Notice(Notice::Limit { .. }) => {
                let (code, message) = ("FALLING_BEHIND".to_owned(), "slow".to_owned());
                notice(Notice::Warning { code, message, percent_full: Some(60) })
            }
            Diagnostic::Notice(Notice::Warning { .. }) => notice(Notice::Info { message: "info".to_owned() }),
            Diagnostic::Notice(Notice::Info { .. }) => notice(Notice::Problem { message: "problem".to_owned() }),
            Diagnostic::Notice(Notice::Problem { .. }) => notice(Notice::Disconnect(reason())),
            Diagnostic::Notice(Notice::Disconnect(_)) => {
                let (why, text) = ("no value".to_owned(), "x".to_owned());
                EventKind::Diagnostic(Diagnostic::Malformed { line: 3, why, text })
            }
            Diagnostic::Malformed { .. } => EventKind::Diagnostic(Diagnostic::Oversize { line: 4, bytes: 5 }),
            Diagnostic::Oversize { .. } => EventKind::Diagnostic(Diagnostic::Discarded { line: 6, bytes: 7 }),
            Diagnostic::Discarded { .. } => {
                EventKind::Diagnostic(Diagnostic::Expression { line: 8, option: "--jq", why: "null".to_owned() })
            }
            Diagnostic::Expression { .. } => EventKind::Suppressed { count: 9 },
        },
        Some(EventKind::Suppressed { .. }) => EventKind::Blocked,
        Some(EventKind::Blocked) => EventKind::Unblocked { after: 3 * second },
        Some(EventKind::Unblocked { .. }) => EventKind::Ended {
            reason: reason(),
            opened: true,
            lived: 20 * second,
            rate: None,
            traffic: Traffic { bytes: 9, lines: 2, posts: 1 },
            slow_reader: true,
        },
        Some(EventKind::Ended { .. }) => {
            EventKind::Waiting { why: WaitReason::Backoff, delay: 5 * second, until: at(40) }
        }
        Some(EventKind::Waiting { .. }) => {
            let holder = Holder { id: "1".to_owned(), address: "203.0.113.7".to_owned(), age: Some(second) };
            EventKind::Held { by: vec![holder], kill: "command".to_owned(), freed: Some(Ok(1)) }
        }
        Some(EventKind::Held { .. }) => EventKind::Reason { reason: "operator_disconnect".to_owned() },
        Some(EventKind::Reason { .. }) => EventKind::Gap(Gap {
            from: at(10),
            to: Some(at(30)),
            cause: Code::V1(12.into()),
            last_id: Some(PostId(1)),
            first_id: None,
            missed: 4,
        }),
        Some(EventKind::Gap(_)) => EventKind::FurtherDisconnect(reason()),
        Some(EventKind::FurtherDisconnect(_)) => {
            EventKind::ActiveRules(vec![ActiveRule { value: "cat".to_owned(), tag: Some("cats".to_owned()) }])
        }
        Some(EventKind::ActiveRules(_)) => EventKind::LockHeld,
        Some(EventKind::LockHeld) => EventKind::Degraded("the journal".to_owned()),
        Some(EventKind::Degraded(_)) => {
            EventKind::Archive(ArchiveEvent::Recovered { file: "a.ndjson".to_owned(), cut: 7 })
        }
        Some(EventKind::Archive(event)) => match event {
            ArchiveEvent::Recovered { .. } => {
                EventKind::Archive(ArchiveEvent::Removed { file: "a.ndjson".to_owned(), cut: 9 })
            }
            ArchiveEvent::Removed { .. } => {
                EventKind::Archive(ArchiveEvent::Completed { file: "a.ndjson".to_owned(), messages: 5, bytes: 600 })
            }
            ArchiveEvent::Completed { .. } => {
                EventKind::Archive(ArchiveEvent::Scrubbed { file: "a.ndjson".to_owned(), removed: 2, cut: 1 })
            }
            ArchiveEvent::Scrubbed { .. } => EventKind::Archive(ArchiveEvent::NotScrubbed {
                file: "a.ndjson".to_owned(),
                why: "disk full".to_owned(),
            }),
            ArchiveEvent::NotScrubbed { .. } => EventKind::Archive(ArchiveEvent::Failed {
                why: "disk full".to_owned(),
                messages: 3,
                files: vec!["a.ndjson".to_owned(), "b.ndjson".to_owned()],
            }),
            ArchiveEvent::Failed { .. } => EventKind::Status,
        },
        Some(EventKind::Status) => EventKind::Stopped(Outcome::Refused(reason())),
        Some(EventKind::Stopped(_)) => return None,
    })
}

/// One event of each kind, a second apart.
fn events() -> Vec<Event> {
    let kinds = std::iter::successors(next(None), |last| next(Some(last)));
    kinds.zip(1..).map(|(kind, second)| Event { at: at(second), connection: 1, kind }).collect()
}

fn stats() -> Stats {
    let mut stats = Stats::default();
    for event in events() {
        stats.apply(&event);
    }
    stats
}

fn view() -> View<'static> {
    let quota = Some(QuotaUsage { used: 3, quota: Quota { posts: 10, period: Period::Day }, exact: true });
    let keep_alive = Duration::from_secs(20);
    View { stream: "filtered", keep_alive, now: at(60), rate: 25.24, backlog: 5, buffer: 100, quota }
}

/// One record of each event, those of the run itself included.
fn records() -> Vec<JournalRecord> {
    let mut records = vec![JournalRecord::start(at(0), "filtered", "api.x.com")];
    records.extend(events().iter().filter_map(JournalRecord::from_event));
    let mut waiting = stats();
    waiting.apply(&Event {
        at: at(50),
        connection: 1,
        kind: next(Some(&EventKind::Ended {
            reason: reason(),
            opened: false,
            lived: Duration::ZERO,
            rate: None,
            traffic: Traffic::default(),
            slow_reader: false,
        }))
        .expect("a wait"),
    });
    records.push(JournalRecord::status(&waiting, &view()));
    records.push(JournalRecord::status(&Stats::default(), &View { quota: None, ..view() }));
    records.push(JournalRecord::end(at(61), &Outcome::Refused(reason()), 3, &stats()));
    records.push(JournalRecord::end(at(61), &Outcome::Full, 0, &Stats::default()));
    records
}

#[path = "../../../tests/all/common/schema.rs"]
mod schema;
use schema::mismatch;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../journal.schema.json")).expect("JSON")
}

#[test]
fn every_record_is_valid_by_the_schema_and_reads_back_as_itself() {
    let schema = schema();
    for record in records() {
        let json = record.to_string();
        let value: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(mismatch(&schema, &value), None, "{json}");
        assert_eq!(JournalRecord::read(json.as_bytes()).expect("a record"), record);
        for (member, fault) in [("at", Value::from("today")), ("connection", Value::from(-1)), ("extra", Value::Null)] {
            let mut value = value.clone();
            value[member] = fault;
            assert!(mismatch(&schema, &value).is_some(), "a fault in {member} passes: {json}");
        }
    }
}

#[test]
fn the_schema_has_the_events_of_the_type_and_no_others() {
    let schema = schema();
    let documented: BTreeSet<String> = schema["oneOf"]
        .as_array()
        .expect("records")
        .iter()
        .map(|record| record["properties"]["event"]["const"].as_str().expect("an event").to_owned())
        .collect();
    let event = |record: &JournalRecord| {
        let value: Value = serde_json::from_str(&record.to_string()).expect("JSON");
        value["event"].as_str().expect("an event").to_owned()
    };
    assert_eq!(documented, records().iter().map(event).collect());
}

#[test]
fn every_event_has_a_record_but_those_that_are_named_and_every_notice_is_one_line() {
    for event in events() {
        let unrecorded = matches!(
            event.kind,
            EventKind::Received(_)
                | EventKind::Stopped(_)
                | EventKind::Status
                | EventKind::ActiveRules(_)
                | EventKind::LockHeld
                | EventKind::Degraded(_)
        );
        assert_eq!(JournalRecord::from_event(&event).is_none(), unrecorded, "{event:?}");
        let names = notice::NoticeContext { host: "api.x.com", lock: "state.lock", denied: None };
        let lines: Vec<String> = notice::line(&event, &names).into_iter().chain(notice::decisions(&event)).collect();
        assert!(lines.iter().all(|line| !line.contains('\n')), "{lines:?}");
    }
}

#[test]
fn a_replayed_journal_counts_what_the_run_counted() {
    let mut replayed = Stats::default();
    for record in records().iter().filter_map(|record| JournalRecord::read(record.to_string().as_bytes()).ok()) {
        if let Some(event) = record.to_event() {
            replayed.apply(&event);
        }
    }
    let run = stats();
    let counts = |stats: &Stats| {
        let Stats {
            attempts,
            connections,
            connected,
            unreadable,
            endings,
            waits,
            blocks,
            gaps,
            missed,
            archived,
            archive_files,
            ..
        } = stats.clone();
        let archived = (archived, archive_files);
        let counts = (attempts, connections, connected, unreadable, missed, archived, stats.limited());
        (counts, endings, waits, blocks, gaps)
    };
    assert_eq!(counts(&replayed), counts(&run));
    assert_eq!((run.archived, run.archive_files.len()), (8, 2), "a file that was continued counts once");
    assert_eq!((run.unreadable, run.limited(), run.blocks.count, run.gaps.count), (12, 7, 1, 1));
}

#[test]
fn what_does_not_fit_is_left_out_of_a_record_and_the_rest_is_read() {
    let read = |text: &str| JournalRecord::read(text.as_bytes());
    let head = r#"{"at":"2026-11-22T10:00:00.000Z","connection":"one","event""#;
    let record = read(&format!(r#"{head}:"ended","code":{{}},"opened":true,"lived_ms":-1,"posts":7,"extra":[]}}"#));
    let ended = EndedRecord { opened: true, posts: 7, ..EndedRecord::default() };
    assert_eq!(record.expect("a record").kind, RecordKind::Ended(ended));
    let record = read(&format!(r#"{head}:"waiting","why":"of the future","delay_ms":5}}"#)).expect("a record");
    assert_eq!((record.connection, record.to_event()), (0, None));
    assert_eq!(read(&format!(r#"{head}:"of the future","x":1}}"#)).expect("a record").kind, RecordKind::Unknown);
    for text in
        ["", "[]", "{}", "x", r#"{"at":"2026-11-22T10:00:00.000Z"}"#, r#"{"event":"opened"}"#, r#"{"at":1,"event":2}"#]
    {
        assert!(read(text).is_err(), "{text}");
    }
}
