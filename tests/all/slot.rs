//! Which client holds the slot: tail queries X, reports it with the command that ends it, and frees it with --take-over.

use std::time::Duration;

use crate::common::{dials, journal, run, serve_with, stderr, tail};
use xstream::simulator::{ExternalConnection, ServerOptions};

fn taken(options: &mut ServerOptions) {
    let mut foreign = ExternalConnection::new("filtered_stream");
    foreign.id = Some("11111111-2222-3333-4444-555555555555".to_owned());
    "203.0.113.7".clone_into(&mut foreign.client_ip);
    foreign.age = Duration::from_secs(3600 + 150);
    options.external.push(foreign);
    options.connections = Some(1);
}

#[test]
fn a_slot_in_use_is_reported_with_address_age_and_the_command_that_frees_it() {
    let server = serve_with("posts", taken);
    let run = journal(&mut tail(&server, &["--no-reconnect"])).exits(5);
    let holder = run.one("held")["by"].to_string();
    assert!(holder.contains("203.0.113.7") && holder.contains("11111111-2222-3333-4444-555555555555"), "{run}");
    let messages = stderr(&run.output);
    assert!(messages.contains("203.0.113.7") && messages.contains("1h02m"), "{messages}");
    assert!(messages.contains("xstream connections kill 11111111-2222-3333-4444-555555555555"), "{messages}");
    assert!(server.requests().iter().all(|request| request.method != "DELETE"), "nothing is ended unasked");
}

#[test]
fn take_over_ends_the_holder_once_and_streams() {
    let server = serve_with("posts", |options| {
        taken(options);
        // Another stream of the app is not reported.
        options.external.push(ExternalConnection::new("sample_stream"));
    });
    let run = journal(&mut tail(&server, &["--take-over", "--max", "3"])).exits(0);
    assert_eq!(run.printed().len(), 3);
    assert_eq!(dials(&server), 2, "the documented wait, then one dial that succeeds");
    assert_eq!(run.all("held")[0]["freed"], 1, "{run}");
    let at = |record: &serde_json::Value| -> jiff::Timestamp { record["at"].as_str().unwrap().parse().unwrap() };
    let took = at(run.all("first_byte")[0]).duration_since(at(run.all("dialling")[0]));
    assert!(took.as_secs() < 25, "{took:?} in {run}");
    let ended: Vec<String> =
        server.requests().iter().filter(|one| one.method == "DELETE").map(|one| one.path.clone()).collect();
    assert_eq!(ended.len(), 1, "{ended:?}");
}

#[test]
fn a_take_over_that_x_refuses_is_reported() {
    let server = serve_with("posts", |options| {
        taken(options);
        options.external[0].unkillable = true;
    });
    let run = journal(&mut tail(&server, &["--take-over", "--max-retries", "1"])).exits(4);
    assert!(run.all("held")[0]["not_freed"].is_string(), "{run}");
    assert_eq!(server.requests().iter().filter(|request| request.method == "DELETE").count(), 1, "once");
}

#[test]
fn xs_own_reason_is_reported_beside_what_was_seen() {
    let server = serve_with("posts 2; disconnect 12; end | posts 20 every 100ms", |_| {});
    // X's clock and ours must agree here, so this one runs in real time.
    let run = journal(tail(&server, &["--max", "15"]).env("XSTREAM_TEST_SPEED", "1")).exits(0);
    let reason = run.one("reason");
    assert_eq!((&reason["of"], &reason["reason"]), (&1.into(), &"12".into()), "{run}");
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
        options.rules.preset.push(xstream::simulator::SimulatedRule::new("the", Some("articles")));
    });
    let output = run(&mut tail(&server, &["-v", "--for", "20s"]));
    assert!(stderr(&output).contains("the (tag articles)"), "{}", stderr(&output));

    let server = serve_with("posts", |options| options.rules.required = true);
    let output = run(&mut tail(&server, &[]));
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("xstream rules add"), "{}", stderr(&output));
}
