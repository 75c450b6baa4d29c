//! Deletions in flight: what is deleted does not reach stdout, whether its deletion comes before it or while it waits.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::common::{Journal, Start as _, journal, run, serve, stderr, tail, values, wait, xstream};

/// A post of v1.1, with a location.
fn v1_post(id: u64, user: u64) -> String {
    format!(r#"{{"id":{id},"id_str":"{id}","text":"x","user":{{"id":{user}}},"place":{{"id":"p"}}}}"#)
}

fn delete(id: u64) -> String {
    format!(r#"{{"delete":{{"status":{{"id":{id},"id_str":"{id}","user_id":1}}}}}}"#)
}

fn scrub(user: u64, up_to: u64) -> String {
    format!(r#"{{"scrub_geo":{{"user_id":{user},"up_to_status_id":{up_to}}}}}"#)
}

/// A script that sends these lines, and then only heartbeats.
fn script(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("line {line}\n")).collect();
    format!("{}stall", lines.concat())
}

/// The ids of the posts in an output.
fn ids(stdout: &[u8]) -> Vec<u64> {
    values(stdout).iter().filter_map(|value| value["id"].as_u64()).collect()
}

#[test]
fn a_post_that_arrives_after_its_deletion_is_not_printed_and_the_deletion_is() {
    let lines = [delete(5), v1_post(5, 1), v1_post(6, 1)];
    let server = serve(&script(&lines));
    let run = journal(&mut tail(&server, &["--max", "2"])).exits(0);
    assert_eq!(String::from_utf8_lossy(&run.output.stdout), format!("{}\n{}\n", lines[0], lines[2]));
    let end = run.end();
    assert_eq!([&end["printed"], &end["withheld"], &end["posts"]], [2, 1, 2], "{run}");
    assert!(stderr(&run.output).contains("1 message withheld"), "{run}");
}

#[test]
fn keep_deleted_prints_every_byte_as_it_came() {
    let lines = [delete(5), v1_post(5, 1), scrub(1, 9), v1_post(6, 1)];
    let server = serve(&script(&lines));
    let run = journal(&mut tail(&server, &["--max", "4", "--keep-deleted"])).exits(0);
    assert_eq!(String::from_utf8_lossy(&run.output.stdout), format!("{}\n", lines.join("\n")));
    assert_eq!([&run.end()["withheld"], &run.end()["stripped"]], [0, 0], "{run}");
}

#[test]
fn deletions_that_are_not_printed_are_honoured_and_checked_before_any_filter() {
    let lines = [delete(5), v1_post(5, 1), scrub(1, 9), v1_post(6, 1)];
    let server = serve(&script(&lines));
    let mut command = tail(&server, &["--skip", "compliance", "--max", "1"]);
    #[cfg(feature = "jq")]
    command.args(["--where", ".place == null", "--jq", ".id"]);
    let output = run(&mut command);
    #[cfg(feature = "jq")]
    assert_eq!(String::from_utf8_lossy(&output.stdout), "6\n", "{}", stderr(&output));
    #[cfg(not(feature = "jq"))]
    assert_eq!(ids(&output.stdout), [6], "{}", stderr(&output));
}

#[test]
fn what_is_deleted_while_a_slow_reader_holds_the_pipe_never_reaches_stdout() {
    // More than the pipe holds, so that what follows waits.
    let filler: Vec<String> = (100..3000).map(|id| format!(r#"{{"id":{id},"text":"{}"}}"#, "x".repeat(600))).collect();
    let quote = format!(r#"{{"id":7,"text":"q","quoted_status":{}}}"#, v1_post(5, 1));
    let mut lines = filler.clone();
    lines.extend([v1_post(5, 1), quote, v1_post(6, 2), v1_post(8, 3)]);
    lines.extend([delete(5), scrub(2, 6)]);
    // Its record says that all that came before was read.
    lines.push(r#"{"warning":{"code":"FALLING_BEHIND","message":"x","percent_full":60}}"#.to_owned());
    lines.push(v1_post(9, 3));
    for expression in [None, Some(".")] {
        #[cfg(not(feature = "jq"))]
        if expression.is_some() {
            continue;
        }
        let server = serve(&script(&lines));
        let journal = Journal::new();
        let count = (filler.len() + 7).to_string();
        let mut command = tail(&server, &["--journal", journal.path(), "--max", &count]);
        if let Some(expression) = expression {
            command.args(["--jq", expression]);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).start();
        journal.until("warning");
        let mut stdout = Vec::new();
        child.stdout.take().expect("a pipe").read_to_end(&mut stdout).expect("all of it");
        assert!(wait(&mut child).success());
        let tail: Vec<Value> = values(&stdout).split_off(filler.len());
        let expected = [
            json!({"id": 7, "text": "q"}),
            json!({"id": 6, "id_str": "6", "text": "x", "user": {"id": 2}}),
            serde_json::from_str(&v1_post(8, 3)).expect("JSON"),
            serde_json::from_str(&delete(5)).expect("JSON"),
            serde_json::from_str(&scrub(2, 6)).expect("JSON"),
            serde_json::from_str(&v1_post(9, 3)).expect("JSON"),
        ];
        assert_eq!(tail, expected);
        let records = journal.records();
        let end = records.last().expect("an end");
        assert_eq!([&end["printed"], &end["withheld"], &end["stripped"]], [filler.len() as u64 + 6, 1, 2], "{end}");
    }
}

#[test]
fn a_replay_honours_deletions_as_a_stream_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, other) = (folder.path().join("capture"), folder.path().join("other"));
    let lines = [v1_post(4, 2), delete(5), scrub(2, 6), v1_post(5, 1), v1_post(6, 2)];
    std::fs::write(&path, format!("{}\n", lines.join("\n"))).expect("written");
    // A later file knows what an earlier one said.
    std::fs::write(&other, format!("{}\n{}\n", v1_post(5, 1), v1_post(9, 1))).expect("written");
    let paths = [path.to_str().expect("text"), other.to_str().expect("text")];
    let output = run(xstream(&["replay", "--only", "post"]).args(paths));
    assert_eq!(ids(&output.stdout), [4, 6, 9], "{}", stderr(&output));
    let places = values(&output.stdout).iter().filter(|post| post.get("place").is_some()).count();
    assert_eq!(places, 1, "only the post of another user keeps its place");
    assert!(stderr(&output).contains("2 messages withheld"), "{}", stderr(&output));
    let output = run(xstream(&["replay", "--keep-deleted"]).args(paths));
    assert_eq!(ids(&output.stdout), [4, 5, 6, 5, 9]);
    assert!(output.stderr.is_empty(), "{}", stderr(&output));
}

#[test]
fn runs_on_one_state_file_share_what_was_deleted() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let state = state.to_str().expect("text");
    let first = script(&[delete(5), scrub(2, 9)]);
    let second = script(&[v1_post(5, 1), v1_post(6, 2), v1_post(7, 1)]);
    let server = serve(&format!("{first}|{second}"));
    let first = run(&mut tail(&server, &["--state", state, "--max", "2"]));
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let second = journal(&mut tail(&server, &["--state", state, "--max", "2"])).exits(0);
    assert_eq!(ids(&second.output.stdout), [6, 7], "{second}");
    assert_eq!([&second.end()["withheld"], &second.end()["stripped"]], [1, 1], "{second}");
}

#[test]
fn a_post_that_says_it_is_withheld_everywhere_is_not_printed() {
    let lines = [
        r#"{"id":1,"text":"x","withheld_in_countries":["XX"]}"#.to_owned(),
        r#"{"data":{"id":"2","text":"x","withheld":{"copyright":true,"country_codes":["XY"]}}}"#.to_owned(),
        r#"{"id":3,"text":"x","withheld_in_countries":["DE"]}"#.to_owned(),
    ];
    let server = serve(&script(&lines));
    let run = journal(&mut tail(&server, &["--max", "1"])).exits(0);
    assert_eq!(String::from_utf8_lossy(&run.output.stdout), format!("{}\n", lines[2]));
    assert_eq!(run.end()["withheld"], 2, "{run}");
}
