//! Journals of a few records, and their reports.

use jiff::Timestamp;

use super::*;

/// A journal from `second event members` lines.
fn journal(records: &str) -> Diagnosis {
    let mut journal = Diagnosis::default();
    for record in records.lines().map(str::trim).filter(|record| !record.is_empty()) {
        let (second, record) = record.split_once(' ').unwrap();
        let (event, members) = record.split_once(' ').unwrap_or((record, ""));
        let at = Timestamp::from_second(1_795_348_800 + second.parse::<i64>().unwrap()).unwrap();
        let members = if members.is_empty() { String::new() } else { format!(",{members}") };
        journal.push(format!(r#"{{"at":"{at}","event":"{event}","connection":1{members}}}"#).as_bytes(), true);
    }
    journal
}

fn verdict(records: &str) -> String {
    verdict::verdict(&journal(records).run).0
}

#[test]
fn a_run_on_a_bad_network_is_diagnosed() {
    let journal = journal(
        r#"
        0 start "version":"0.1.0","stream":"filtered","host":"api.x.com"
        0 ended "code":"eof","opened":true,"lived_ms":1
        0 start "version":"0.1.0","stream":"filtered","host":"api.x.com"
        0 dialling "attempt":1
        1 opened
        1 limit "track":4
        60 late "silence_ms":25000
        65 ended "code":"stall","opened":true,"lived_ms":64000,"posts":10
        65 waiting "why":"backoff","delay_ms":250
        66 dialling "attempt":1
        67 opened
        68 gap "from":"x","to":null,"length_ms":32000,"missed":5
        100 ended "code":"reset","opened":true,"lived_ms":33000,"posts":10
        100 dialling "attempt":1
        101 ended "code":"503","opened":false,"lived_ms":0
        101 waiting "why":"backoff","delay_ms":5000
        106 dialling "attempt":2
        110 opened
        112 reason "of":2,"reason":"operator_disconnect"
        113 held "by":[{"id":"1","client_ip":"203.0.113.7","age_ms":5}],"freed":null,"not_freed":null
        115 from_the_future "x":1
        210 status "state":"streaming","heartbeat_age_ms":900
        "#,
    );
    insta::assert_snapshot!(journal.report(), @r"
    filtered on api.x.com, 2026-11-22 12:00:00 to 2026-11-22 12:03:30 UTC, xstream
    0.1.0
      span        3m30s
      connected   3m17s (93.8 %), 3 connections, 4 attempts
      endings     3: the network 2, X's side 1
                  1 × 503 Service Unavailable (X's side)
                  1 × reset Connection reset (the network)
                  1 × stall (the network)
      X reports   1 × operator_disconnect
      held by     1 × 203.0.113.7
      received    20 posts
      reconnects  2, median 6.0s, longest 10s
      silence     30s at the longest, while connected
      lost        1 gap, 32s in total, about 5 posts missed
                  4 posts not delivered, counted by X in `limit` messages
      waits       backoff 2 × (5.2s in total)
      last state  streaming; no end is recorded: it is running, or it was killed

    most likely cause
      The network: most connections broke or went silent without an ending from X.
    next
      Try another network, leave out the proxy or VPN, and ask the provider; see
      `xstream explain reasons`.

    1 earlier run in this journal is not shown.
    ");
}

#[test]
fn the_most_likely_cause_follows_what_ended_most() {
    for (records, begins) in [
        ("0 start\n1 opened\n2 blocked\n3 ended \"code\":\"eof\",\"opened\":true", "Our side: the reader process"),
        (
            "0 start\n1 opened\n3 ended \"code\":\"reset\",\"opened\":true,\"slow_reader\":true",
            "Our side: the reader process",
        ),
        ("0 start\n1 opened\n2 blocked", "Our side: the reader process"),
        ("0 start\n3 ended \"code\":\"7\",\"opened\":true", "Our side: another client"),
        ("0 start\n3 ended \"code\":\"TooManyConnections\",\"opened\":false", "Our side: all connections"),
        (
            "0 start\n3 ended \"code\":\"reset\",\"opened\":true\n4 ended \"code\":\"TooManyConnections\"\n5 ended \"code\":\"TooManyConnections\"",
            "The network: connections ended uncleanly",
        ),
        ("0 start\n3 ended \"code\":\"429\"", "Our side: too many connection requests"),
        ("0 start\n3 ended \"code\":\"dns\"", "The network: most"),
        ("0 start\n3 ended \"code\":\"503\"\n4 ended \"code\":\"12\",\"opened\":true", "X's side: most"),
        ("0 start\n3 ended \"code\":\"401\"\n4 end \"outcome\":\"refused\",\"exit\":3,\"code\":\"401\"", "X refuses"),
        ("0 start\n3 ended \"code\":\"usage-capped\"", "usage-capped (the account)"),
        ("0 start\n3 ended \"code\":\"never-seen\",\"side\":\"odd\"", "Unknown"),
        ("0 start\n1 opened", "No connection ended"),
    ] {
        let cause = verdict(records);
        assert!(cause.starts_with(begins), "{records}: {cause}");
    }
}

#[test]
fn lines_that_are_no_record_are_counted_and_a_cut_end_is_reported() {
    let mut journal = journal("0 start\n1 opened");
    for line in ["no json", "[]", "{}", r#"{"event":"opened"}"#, r#"{"event":1,"at":2}"#, "\u{1b}[2J", " "] {
        journal.push(line.as_bytes(), true);
    }
    journal.push(br#"{"at":"2026-11-2"#, false);
    let report = journal.report();
    assert!(
        report.ends_with("6 lines are not records and were left out. The last line is incomplete and was\nleft out.\n"),
        "{report}"
    );
    assert!(!journal.is_empty());
    let mut other = Diagnosis::default();
    other.push(br#"{"data":{"id":"1"}}"#, true);
    assert!(other.is_empty());
    other.push(br#"{"at":"2026-11-22T00:00:00Z","event":"of another program"}"#, true);
    assert!(other.is_empty());
}

#[test]
fn odd_values_do_no_harm() {
    let journal = journal(
        r#"
        9 start "version":{},"stream":"a\u001b[2Jb","host":null
        8 opened
        7 ended "code":{},"opened":"yes","lived_ms":-1
        6 ended "code":18446744073709551615,"opened":true,"lived_ms":18446744073709551615,"posts":18446744073709551615
        5 gap "length_ms":18446744073709551615,"missed":18446744073709551615
        4 gap "length_ms":18446744073709551615,"missed":18446744073709551615
        3 end "outcome":7
        "#,
    );
    let report = journal.report();
    assert!(!report.contains('\u{1b}'), "{report}");
}
