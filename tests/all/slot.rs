//! Who holds the slot: tail asks X, tells it with the command that ends it, and frees it when asked to.

use std::time::Duration;

use crate::common::{dials, run, serve_with, stderr, tail, values};
use xstream::simulator::{ExternalConnection, Options};

fn taken(options: &mut Options) {
    let mut foreign = ExternalConnection::new("filtered_stream");
    foreign.id = Some("11111111-2222-3333-4444-555555555555".to_owned());
    "203.0.113.7".clone_into(&mut foreign.client_ip);
    foreign.age = Duration::from_secs(3600 + 150);
    options.external.push(foreign);
    options.connections = Some(1);
}

#[test]
fn a_slot_that_is_taken_is_told_with_address_age_and_the_command_that_frees_it() {
    let server = serve_with("posts", taken);
    let output = run(&mut tail(&server, &["--no-reconnect"]));
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(5), "{told}");
    assert!(told.contains("203.0.113.7 (open for 1h02m)"), "{told}");
    assert!(told.contains("xstream connections kill 11111111-2222-3333-4444-555555555555"), "{told}");
    assert!(server.requests().iter().all(|request| request.method != "DELETE"), "nothing is ended unasked");
}

#[test]
fn take_over_ends_the_holder_once_and_streams() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("journal");
    let server = serve_with("posts", |options| {
        taken(options);
        // Another stream of the app is nobody's business.
        options.external.push(ExternalConnection::new("sample_stream"));
    });
    let journal_path = journal.to_str().expect("text");
    let output = run(&mut tail(&server, &["--take-over", "--max", "3", "--journal", journal_path]));
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(values(&output.stdout).len(), 3);
    assert!(told.contains("it was ended for --take-over"), "{told}");
    assert_eq!(dials(&server), 2, "the documented wait, then one dial that succeeds");
    let text = std::fs::read_to_string(&journal).expect("a journal");
    let records = crate::common::values(text.as_bytes());
    let of = |event: &str| records.iter().filter(|record| record["event"] == event).collect::<Vec<_>>();
    assert_eq!(of("held")[0]["freed"], 1, "{text}");
    let at = |record: &serde_json::Value| -> jiff::Timestamp { record["at"].as_str().unwrap().parse().unwrap() };
    let took = at(of("first_byte")[0]).duration_since(at(of("dialling")[0]));
    assert!(took.as_secs() < 25, "{took:?} in {text}");
    let ended: Vec<String> =
        server.requests().iter().filter(|one| one.method == "DELETE").map(|one| one.path.clone()).collect();
    assert_eq!(ended.len(), 1, "{ended:?}");
}

#[test]
fn a_take_over_that_x_refuses_is_told() {
    let server = serve_with("posts", |options| {
        taken(options);
        options.external[0].unkillable = true;
    });
    let output = run(&mut tail(&server, &["--take-over", "--max-retries", "1"]));
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert!(told.contains("--take-over did not free it"), "{told}");
    assert_eq!(server.requests().iter().filter(|request| request.method == "DELETE").count(), 1, "once");
}

#[test]
fn xs_own_reason_stands_beside_what_was_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("journal");
    let server = serve_with("posts 2; disconnect 12; end | posts 20 every 100ms", |_| {});
    let arguments = ["--max", "15", "--journal", journal.to_str().expect("text")];
    // X's clock and ours must agree here, so this one runs in real time.
    let output = run(tail(&server, &arguments).env("XSTREAM_TEST_SPEED", "1"));
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("X gives as the reason for the end of connection 1: 12"), "{told}");
    let text = std::fs::read_to_string(&journal).expect("a journal");
    assert!(text.contains("\"event\":\"reason\""), "{text}");
    let asked = server.requests().iter().filter(|request| request.path == "/2/connections").count();
    assert_eq!(asked, 1);
}

#[test]
fn a_stream_that_x_does_not_list_cannot_be_taken_over() {
    let server = serve_with("posts", |_| {});
    let output = run(&mut tail(&server, &["activity", "--take-over"]));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(dials(&server), 0);
}

#[test]
fn verbosity_lists_the_active_rules_and_a_stream_without_rules_names_the_next_command() {
    let server = serve_with("posts 1 every 300ms; stall", |options| {
        options.rules.preset.push(xstream::simulator::Rule::new("the", Some("articles")));
    });
    let output = run(&mut tail(&server, &["-v", "--for", "20s"]));
    assert!(stderr(&output).contains("active rule: the (tag articles)"), "{}", stderr(&output));

    let server = serve_with("posts", |options| options.rules.required = true);
    let output = run(&mut tail(&server, &[]));
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("xstream rules add"), "{}", stderr(&output));
}
