//! `xstream explain`: codes and journals, through the real binary.

use std::process::{Output, Stdio};

use crate::common::{Start as _, assert_one_message, finish, numbers, run, stderr, wait, xstream};
use xstream::protocol::catalogue::search;
use xstream::session::backoff::Schedule;

fn explain(words: &[&str]) -> Output {
    run(&mut xstream(&[&["explain"], words].concat()))
}

fn page(words: &[&str]) -> String {
    let output = explain(words);
    assert!(output.status.success() && output.stderr.is_empty(), "{words:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// Every code, status, issue and type of the protocol's documents, section by section.
const DOCUMENTED: [(&str, &str); 4] = [
    (
        "statuses and their bodies",
        "400 401 402 403 404 406 409 413 416 420 422 429 500 502 503 504 invalid-request credits-depleted credits \
         client-forbidden unsupported-authentication about:blank rate-limit-exceeded 88 34 streaming-connection \
         TooManyConnections usage-capped ProvisioningSubscription RuleConfigurationIssue connection-limit upstream html",
    ),
    (
        "v2 in-band errors",
        "OperationalDisconnect UpstreamOperationalDisconnect UpstreamUncleanDisconnect InternalError ForceDisconnect \
         SlowReader ClientApplicationStateDegraded InvalidRules PackageUpgraded PackageDowngraded TooManyConnections \
         ProvisioningSubscription RuleConfigurationIssue RulesInvalidIssue eof stall tcp",
    ),
    (
        "v2 problem types",
        "about:blank client-disconnected client-forbidden conflict credits credits-depleted disallowed-resource \
         duplicate-rules field-hydration-failure field-unauthorized internal-error invalid-request invalid-rules \
         noncompliant-rules not-authorized-for-field not-authorized-for-resource oauth1-permissions \
         operational-disconnect rate-limit-exceeded resource-not-found resource-unavailable rule-cap \
         streaming-connection unsupported-authentication usage-capped",
    ),
    ("v1.1 messages", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 limit FALLING_BEHIND FOLLOWS_OVER_LIMIT"),
];

#[test]
fn every_documented_code_has_an_entry_of_its_own_and_is_listed() {
    let list = page(&[]);
    assert!(list.lines().all(|line| line.chars().count() <= 80));
    for (section, codes) in DOCUMENTED {
        for code in codes.split_whitespace() {
            let entries = search(code);
            assert!(entries.iter().any(|entry| entry.code == code && !entry.generic), "{section}: {code}");
            assert!(list.contains(&format!("\n  {code} ")), "{section}: {code} is not listed");
        }
    }
    for class in ["3xx", "4xx", "5xx"] {
        assert!(list.contains(&format!("\n  {class} ")), "{class} is not listed");
    }
}

#[test]
fn a_code_is_explained_in_full_whatever_its_letter_case() {
    let text = page(&["12"]);
    assert!(text.starts_with("12 ") && text.contains("https://developer.x.com/status"), "{text}");
    assert_eq!(page(&["toomanyconnections"]), page(&["TooManyConnections"]));
    assert_eq!(page(&["Shed Load"]), text);
    assert!(page(&["418"]).contains("4xx"));
    assert_eq!(page(&["5XX"]), page(&["5xx"]));
    let both = page(&["usage-capped", "12", "12"]);
    assert_eq!(both, format!("{}\n{text}", page(&["usage-capped"])));
}

#[test]
fn the_page_of_429_names_the_codes_that_a_body_makes_of_it() {
    let text = page(&["429"]);
    for code in ["TooManyConnections", "usage-capped"] {
        assert!(text.contains(code), "{code}: {text}");
    }
    assert!([15, 20].iter().all(|number| numbers(&text).contains(number)), "window and wait: {text}");
}

/// The schedules that a text for users does not state as the program keeps them.
fn unstated(text: &str) -> Vec<Schedule> {
    Schedule::ALL.into_iter().filter(|schedule| !text.contains(&schedule.to_string())).collect()
}

#[test]
fn readme_and_man_page_state_the_waits_that_tail_keeps() {
    let read = |name: &str| std::fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).expect("text");
    for name in ["README.md", "man/xstream-tail.1"] {
        assert_eq!(unstated(&read(name)), [], "{name}");
    }
    assert_eq!(unstated(&read("README.md").replace("320 s", "300 s")), [Schedule::Http, Schedule::Forced]);
}

#[test]
fn the_reasons_are_eight() {
    let text = page(&["reasons"]);
    assert!(text.contains("  8. ") && !text.contains("  9. "), "{text}");
}

#[test]
fn an_unknown_code_names_the_nearest_in_one_line() {
    for (word, near) in [("TooManyConections", "TooManyConnections"), ("stal", "stall"), ("999", "99"), ("zzzz", "")] {
        let output = explain(&[word]);
        assert_one_message(&output, 1, near);
    }
    // The known codes are explained nevertheless.
    let output = explain(&["12", "zzzz\u{1b}[2J"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stdout.is_empty() && !stderr(&output).contains('\u{1b}'));
}

#[test]
fn a_reader_that_left_is_no_failure() {
    let (read, write) = std::io::pipe().expect("a pipe");
    drop(read);
    let mut child = xstream(&["explain"]).stdout(write).stderr(Stdio::piped()).start();
    assert_eq!(wait(&mut child).code(), Some(0));
}

const RUN: &str = r#"{"at":"2026-11-22T10:00:00.000Z","event":"start","connection":0,"version":"0.1.0","stream":"filtered","host":"api.x.com"}
{"at":"2026-11-22T10:00:00.100Z","event":"dialling","connection":1,"attempt":1}
{"at":"2026-11-22T10:00:00.500Z","event":"opened","connection":1,"rate_limit":{"limit":50,"remaining":49,"reset":null}}
{"at":"2026-11-22T10:10:00.500Z","event":"ended","connection":1,"code":"12","name":"Shed load","side":"X's side","detail":null,"opened":true,"lived_ms":600000,"bytes":9,"lines":2,"posts":1,"slow_reader":false}
{"at":"2026-11-22T10:10:02.500Z","event":"opened","connection":2,"rate_limit":{}}
"#;

fn journal(bytes: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    std::fs::write(&path, bytes).expect("a file");
    explain(&["--journal", path.to_str().expect("text")])
}

#[test]
fn a_journal_is_explained_from_a_file_and_from_stdin() {
    let output = journal(&format!("{RUN}{RUN}{{\"at\":\"2026"));
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).expect("text");
    for part in ["filtered", "api.x.com", "12", "2.0s", "https://developer.x.com/status"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");

    let mut child = xstream(&["explain", "--journal", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .start();
    std::io::Write::write_all(&mut child.stdin.take().expect("stdin"), RUN.as_bytes()).expect("a reader");
    let output = finish(child);
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("2.0s"));
}

#[test]
fn a_file_that_is_no_journal_is_reported_in_one_line() {
    let long = "x".repeat(3 << 20);
    for text in ["", "plain text\n", "{\"data\":{\"id\":\"1\"}}\n", "{\"at\":\"2026", &long] {
        assert_one_message(&journal(text), 1, "");
    }
    assert_one_message(&explain(&["--journal", "/nowhere/at/all"]), 1, "/nowhere/at/all");
    assert_eq!(explain(&["--journal", "-", "12"]).status.code(), Some(2));
}

#[test]
fn the_name_of_a_compliance_kind_leads_to_its_duties() {
    for kind in ["delete", "SCRUB_GEO", "user_withheld", "tweet_edit"] {
        let output = run(&mut xstream(&["explain", kind]));
        assert_eq!(output.status.code(), Some(0), "{kind}");
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("compliance"), "{kind}");
    }
}
