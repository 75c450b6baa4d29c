//! `xstream rules`: the real binary against the simulator, which keeps rules as X does.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::common::{
    BOUND, Lines, Running, Signal, Start as _, finish, kill, on_a_terminal, run, serve_with, shown_until, stderr,
    values, wait, xstream,
};
use serde_json::{Value, json};
use xstream::simulator::{Script, Server, ServerOptions, SimulatedRule};

fn server(rules: &[(&str, &str)], set_up: impl FnOnce(&mut ServerOptions)) -> Server {
    let preset =
        rules.iter().map(|(value, tag)| SimulatedRule::new(*value, (!tag.is_empty()).then_some(*tag))).collect();
    serve_with("posts", |options| {
        options.rules.preset = preset;
        set_up(options);
    })
}

/// The API's first requests fail like this.
fn failing(script: &str) -> impl FnOnce(&mut ServerOptions) {
    let script = Script::parse(script).expect("a script");
    move |options| options.api = Some(script)
}

fn command(server: &Server, arguments: &[&str]) -> Command {
    let mut command = xstream(&["rules"]);
    command.args(arguments).args(["--base-url", &server.url()]).env("BEARER_TOKEN", "secret-token");
    command
}

fn rules(server: &Server, arguments: &[&str]) -> Output {
    let output = run(&mut command(server, arguments));
    assert!(!stderr(&output).contains("secret-token"));
    output
}

fn fed(server: &Server, arguments: &[&str], stdin: &str) -> Output {
    let mut command = command(server, arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).start();
    // A program that does not read stdin closes it.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
    finish(child)
}

/// What the server has: values with tags.
fn kept(server: &Server) -> Vec<String> {
    server
        .rules()
        .iter()
        .map(|rule| match &rule.tag {
            Some(tag) => format!("{}\t{tag}", rule.value),
            None => rule.value.clone(),
        })
        .collect()
}

/// The requests: method and the end of the path, with the query of a change.
fn asked(server: &Server) -> Vec<String> {
    let line = |request: &xstream::simulator::LoggedRequest| {
        let what = match serde_json::from_slice::<Value>(&request.body) {
            Ok(body) if body.get("add").is_some() => format!(" add {}", body["add"].as_array().map_or(0, Vec::len)),
            Ok(body) if body.pointer("/delete/ids").is_some() => {
                format!(" delete {}", body["delete"]["ids"].as_array().map_or(0, Vec::len))
            }
            _ => String::new(),
        };
        let last = request.path.rsplit('/').next().unwrap_or_default();
        let query = if request.method == "POST" && !request.query.is_empty() {
            format!("?{}", request.query)
        } else {
            String::new()
        };
        format!("{} {last}{query}{what}", request.method)
    };
    server.requests().iter().map(line).collect()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = Path::new(self.0.path()).join(name);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("text").to_owned()
    }
}

fn thousand(word: &str) -> String {
    let lines: Vec<String> = (0..1000).map(|n| format!("{word}{n}\ttag{n}\n")).collect();
    lines.concat()
}

#[test]
fn a_thousand_rules_sync_in_eleven_requests_and_again_in_one() {
    let (server, folder) = (server(&[], |_| {}), Folder::new());
    let file = folder.file("rules.txt", &thousand("cat"));
    let output = rules(&server, &["sync", &file]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(text(&output).lines().filter(|line| line.starts_with("+ cat")).count(), 1000);
    let mut wanted = vec!["GET rules".to_owned()];
    wanted.extend(vec!["POST rules add 100".to_owned(); 10]);
    assert_eq!(asked(&server), wanted);
    assert_eq!(kept(&server).join("\n") + "\n", thousand("cat"));
    let output = rules(&server, &["sync", &file]);
    assert_eq!((code(&output), server.requests().len()), (Some(0), 12), "{}", stderr(&output));
    assert_eq!(text(&output).lines().filter(|line| line.starts_with("= cat")).count(), 1000);
}

#[test]
fn a_full_app_is_replaced_within_its_cap() {
    let (server, folder) = (server(&[], |_| {}), Folder::new());
    let file = folder.file("old.txt", &thousand("cat"));
    assert_eq!(code(&rules(&server, &["sync", &file])), Some(0));
    let before = server.requests().len();
    let file = folder.file("new.txt", &thousand("dog"));
    let output = rules(&server, &["sync", "--yes", &file]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    // One to read, one for the cap, and a hundred rules in each of the others.
    assert_eq!(server.requests().len() - before, 22);
    assert_eq!(kept(&server).join("\n") + "\n", thousand("dog"));
}

#[test]
fn a_failure_half_way_is_completed_by_the_next_sync() {
    let (server, folder) = (server(&[("bird", "")], failing("end | end | end | status 400 'no'")), Folder::new());
    let file = folder.file("rules.txt", &thousand("cat"));
    let output = rules(&server, &["sync", "--yes", &file]);
    assert_eq!(code(&output), Some(3), "{}", stderr(&output));
    let messages = stderr(&output);
    assert!(messages.contains("100 added"), "{messages}");
    // With the bird there is one rule too many for a while, so the cap is requested; the bird is deleted once it is in the way.
    assert_eq!(asked(&server)[1..], ["GET counts", "POST rules add 100", "POST rules add 100"]);
    assert_eq!(kept(&server).len(), 101);
    let output = rules(&server, &["sync", "--yes", &file]);
    assert_eq!((code(&output), kept(&server).len()), (Some(0), 1000), "{}", stderr(&output));
    assert_eq!(code(&rules(&server, &["sync", &file])), Some(0));
    assert_eq!(asked(&server).last().map(String::as_str), Some("GET rules"));
}

#[test]
fn a_rate_limit_half_way_keeps_what_was_done() {
    let (server, folder) = (server(&[], failing("end | end | end | rate-limit 300")), Folder::new());
    let file = folder.file("rules.txt", &thousand("cat"));
    let output = rules(&server, &["sync", &file]);
    let messages = stderr(&output);
    assert_eq!((code(&output), kept(&server).len()), (Some(4), 200), "{messages}");
    assert!(messages.contains("200 added") && messages.contains("sync"), "{messages}");
    let before = server.requests().len();
    let output = rules(&server, &["sync", &file]);
    assert_eq!((code(&output), kept(&server).len()), (Some(0), 1000), "{}", stderr(&output));
    assert_eq!(server.requests().len() - before, 9);
}

#[test]
fn the_difference_comes_first_and_a_dry_run_ends_there() {
    let server = server(&[("cat", "old"), ("dog", ""), ("bird", "")], |_| {});
    let folder = Folder::new();
    let file = folder.file("rules.txt", "dog\ncat\tnew\nfish\n");
    let output = rules(&server, &["sync", "--dry-run", &file]);
    assert_eq!(code(&output), Some(0));
    assert_eq!(text(&output), "- bird\n= dog\n- cat\told\n+ cat\tnew\n+ fish\n");
    assert_eq!(asked(&server), ["GET rules"]);
    let output = rules(&server, &["sync", "--json", "-n", &file]);
    let changes: Vec<String> = values(&output.stdout)
        .iter()
        .map(|value| {
            format!("{} {}", value["change"].as_str().unwrap_or_default(), value["value"].as_str().unwrap_or_default())
        })
        .collect();
    assert_eq!(changes, ["delete cat", "delete bird", "keep dog", "add cat", "add fish"]);
    let output = rules(&server, &["sync", &file]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let mut after = kept(&server);
    after.sort();
    assert_eq!(after, ["cat\tnew", "dog", "fish"]);
}

#[test]
fn a_reader_that_leaves_does_not_stop_a_change() {
    let server = server(&[("a", "")], |_| {});
    let folder = Folder::new();
    let file = folder.file("rules.txt", "a\nb\n");
    for (arguments, after) in
        [(&["sync", &file][..], &["a", "b"][..]), (&["delete", "--value", "a", "--value", "b"], &[])]
    {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let child = command(&server, arguments).stdout(writer).stderr(Stdio::piped()).start();
        let output = finish(child);
        assert_eq!((code(&output), kept(&server)), (Some(0), after.iter().map(ToString::to_string).collect()));
    }
}

#[test]
fn a_sync_that_deletes_more_than_it_keeps_needs_a_confirmation() {
    let server = server(&[("cat", ""), ("dog", ""), ("bird", "")], |_| {});
    let folder = Folder::new();
    for (wanted, more) in [("cat\n", &[][..]), ("# nothing\n", &["--allow-empty"])] {
        let file = folder.file("rules.txt", wanted);
        let output = rules(&server, &[&["sync", &file], more].concat());
        assert_eq!((code(&output), kept(&server).len()), (Some(2), 3), "{}", stderr(&output));
        assert!(stderr(&output).contains("--yes"), "{}", stderr(&output));
        assert!(text(&output).contains("- bird\n"));
    }
    let file = folder.file("rules.txt", "cat\ndog\n");
    assert_eq!(code(&rules(&server, &["sync", &file])), Some(0));
}

#[test]
fn a_file_without_rules_deletes_none_unless_that_is_allowed() {
    let server = server(&[("cat", ""), ("dog", "")], |_| {});
    let folder = Folder::new();
    let file = folder.file("rules.txt", "# nothing\n");
    let output = rules(&server, &["sync", "--yes", &file]);
    let messages = stderr(&output);
    assert_eq!((code(&output), kept(&server).len(), server.requests().len()), (Some(2), 2, 0), "{messages}");
    assert!(messages.contains("xstream rules delete --all") && messages.contains("--allow-empty"), "{messages}");
    let output = rules(&server, &["sync", "--yes", "--allow-empty", &file]);
    assert_eq!((code(&output), kept(&server).len()), (Some(0), 0), "{}", stderr(&output));
    let output = rules(&server, &["sync", "--allow-empty", &file]);
    assert_eq!(
        (code(&output), stderr(&output).as_str()),
        (Some(0), "xstream: nothing to do: there are no rules, as in the file\n")
    );
}

/// A list that X does not give whole: with an error beside it, and with a page that comes twice.
fn broken_lists() -> [String; 2] {
    let page = json!({ "data": [{ "id": "5", "value": "bird" }], "meta": { "next_token": "t" } });
    let partial = json!({ "data": [{ "id": "5", "value": "bird" }], "meta": {}, "errors": [{ "title": "Partial" }] });
    [format!("status 200 '{partial}'"), format!("status 200 '{page}' | status 200 '{page}'")]
}

#[test]
fn a_list_that_is_not_whole_is_not_synced_with() {
    let folder = Folder::new();
    let file = folder.file("rules.txt", "dog\n");
    for script in broken_lists() {
        let server = server(&[("bird", ""), ("cat", "")], failing(&script));
        let output = rules(&server, &["sync", "--yes", &file]);
        let messages = stderr(&output);
        assert_eq!((code(&output), kept(&server).len()), (Some(1), 2), "{messages}");
        assert!(asked(&server).iter().all(|request| request == "GET rules"), "{messages}");
    }
}

#[test]
fn a_list_that_is_not_whole_is_written_with_a_failure() {
    for script in broken_lists() {
        let server = server(&[("bird", ""), ("cat", "")], failing(&script));
        let output = rules(&server, &["export"]);
        assert_eq!(code(&output), Some(1), "{}", stderr(&output));
    }
}

#[test]
fn a_rule_without_a_value_is_neither_written_nor_deleted() {
    let list = json!({ "data": [{ "id": "5" }, { "id": "6", "value": "dog" }], "meta": {} });
    let script = format!("status 200 '{list}'");
    let bare = server(&[("dog", "")], failing(&script));
    let output = rules(&bare, &["export"]);
    assert_eq!((code(&output), text(&output).as_str()), (Some(1), "{\"value\":\"dog\"}\n"), "{}", stderr(&output));
    assert!(stderr(&output).contains(" 5\n"), "{}", stderr(&output));
    let folder = Folder::new();
    let file = folder.file("rules.txt", "dog\n");
    let bare = server(&[("dog", "")], failing(&script));
    let output = rules(&bare, &["sync", "--yes", &file]);
    assert_eq!((code(&output), text(&output).as_str()), (Some(0), "= dog\n"), "{}", stderr(&output));
    assert_eq!(asked(&bare), ["GET rules"]);
}

#[test]
fn a_rule_that_begins_with_a_minus_is_sent_unchanged() {
    let server = server(&[], |_| {});
    let output = rules(&server, &["add", "-to:nasa cat", "dog", "--tag", "t", "-has:media cat", "-from:x cat"]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(kept(&server), ["-to:nasa cat\tt", "dog\tt", "-has:media cat\tt", "-from:x cat\tt"]);
    let output = rules(&server, &["test", "-quoted cat"]);
    assert_eq!((code(&output), &values(&output.stdout)[0]["value"]), (Some(0), &json!("-quoted cat")));
    let mut command = xstream(&["rules", "add", "--", "-from:x cat", "--base-url", &server.url()]);
    let output = run(command.env("BEARER_TOKEN", "secret-token"));
    assert_eq!(code(&output), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("`--base-url`"), "{}", stderr(&output));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn what_is_not_deleted_is_not_printed_as_deleted() {
    let error = |ids: &Value| json!({ "errors": [{ "parameters": ids, "message": "Rule is in use" }], "title": "Invalid Request" });
    let reply =
        |errors: &[Value]| json!({ "meta": { "summary": { "deleted": 1, "not_deleted": 1 } }, "errors": errors });
    let list = json!({ "data": [{ "id": "1", "value": "a" }, { "id": "2", "value": "b" }], "meta": {} });
    let left = json!({ "data": [{ "id": "2", "value": "b" }], "meta": {} });
    let named = error(&json!({ "ids": ["2"] }));
    for (arguments, errors, requests) in [
        (&["delete", "1", "2"][..], vec![named.clone()], 2),
        (&["delete", "1", "2"], vec![error(&json!({}))], 3),
        (&["delete", "1", "2"], vec![], 3),
        (&["delete", "--all", "--yes"], vec![named], 3),
        (&["delete", "--all", "--yes"], vec![], 3),
    ] {
        let script = format!("status 200 '{list}' | status 200 '{}' | status 200 '{left}'", reply(&errors));
        let server = server(&[], failing(&script));
        let output = rules(&server, arguments);
        let messages = stderr(&output);
        assert_eq!((code(&output), server.requests().len()), (Some(1), requests), "{arguments:?} {messages}");
        assert_eq!(values(&output.stdout), [json!({ "id": "1", "value": "a" })], "{arguments:?} {messages}");
        assert!(messages.contains("1 not deleted"), "{messages}");
        assert_eq!(messages.contains("Rule is in use"), !errors.is_empty(), "{messages}");
    }
}

#[test]
fn tags_to_delete_are_patterns_and_no_tag_fits_none() {
    let server = server(&[("a", "cats"), ("b", "cars"), ("c", "dogs"), ("d", "")], |_| {});
    let output = rules(&server, &["delete", "--tag", "ca*"]);
    assert_eq!((code(&output), kept(&server)), (Some(0), vec!["c\tdogs".into(), "d".into()]), "{}", stderr(&output));
    let output = rules(&server, &["delete", "--tag", "*"]);
    assert_eq!((code(&output), kept(&server)), (Some(0), vec!["d".into()]), "{}", stderr(&output));
}

#[test]
fn a_refusal_of_rules_gives_advice_about_rules() {
    let folder = Folder::new();
    let file = folder.file("rules.txt", "cat\ndog\n");
    for (name, status, says) in [("noncompliant-rules", 403, "X's policy"), ("invalid-rules", 403, "wrong syntax")] {
        let body = json!({ "title": "No", "detail": "A rule is bad.", "type": format!("https://api.x.com/2/problems/{name}") });
        for (arguments, script) in [
            (&["add", "cat", "dog"][..], format!("status {status} '{body}'")),
            (&["add", "--file", &file], format!("status {status} '{body}'")),
            (&["test", "--file", &file], format!("status {status} '{body}'")),
            (&["sync", &file], format!("end | status {status} '{body}'")),
        ] {
            let server = server(&[], failing(&script));
            let output = rules(&server, arguments);
            let messages = stderr(&output);
            assert_eq!((code(&output), kept(&server).len()), (Some(3), 0), "{arguments:?} {messages}");
            assert!(messages.contains(says) && messages.contains("A rule is bad"), "{messages}");
            assert!(!messages.contains("attach the app") && !messages.contains("to complete it"), "{messages}");
            let place = if arguments.contains(&"cat") {
                "argument 1 to argument 2".into()
            } else {
                format!("{file}:1 to {file}:2")
            };
            assert!(messages.contains(&format!("{place}: ")), "{messages}");
        }
    }
}

#[test]
fn a_cap_that_counts_do_not_explain_is_reported_with_them() {
    let body =
        json!({ "title": "RulesCapExceeded", "detail": "full", "type": "https://api.x.com/2/problems/rule-cap" });
    let script = format!("end | status 403 '{body}' | end | end | status 403 '{body}'");
    let server = server(&[("cat", "")], failing(&script));
    let folder = Folder::new();
    let file = folder.file("rules.txt", "cat\ndog\n");
    let output = rules(&server, &["sync", &file]);
    let messages = stderr(&output);
    assert_eq!((code(&output), kept(&server).len()), (Some(3), 1), "{messages}");
    assert!(messages.contains("1 of 1000"), "{messages}");
    assert!(!messages.contains("to complete it"), "{messages}");
}

#[test]
fn a_tag_that_a_rule_keeps_is_reported() {
    let server = server(&[("cat", "cats"), ("dog", "")], |_| {});
    let output = rules(&server, &["add", "cat", "--tag", "other"]);
    assert_eq!((code(&output), kept(&server)[0].as_str()), (Some(0), "cat\tcats"));
    assert!(stderr(&output).contains("tag"), "{}", stderr(&output));
    let output = rules(&server, &["add", "cat"]);
    assert!(!stderr(&output).contains("tag"), "{}", stderr(&output));
}

#[test]
fn what_x_reports_as_created_is_counted() {
    for (created, exit, says) in [(2, 0, "xstream: 2 added\n"), (1, 1, "xstream: 1 added, 1 without a result from X\n")]
    {
        let body = json!({ "meta": { "summary": { "created": created } } });
        let server = server(&[], failing(&format!("status 201 '{body}'")));
        let output = rules(&server, &["add", "cat", "dog"]);
        assert_eq!((code(&output), stderr(&output).as_str()), (Some(exit), says));
    }
}

/// A sync of 1,000 rules whose third request, the second hundred, waits; and its messages.
fn interrupted(delay: &str) -> (Server, Running, Lines, Folder) {
    let (server, folder) = (server(&[], failing(&format!("end | end | delay {delay}"))), Folder::new());
    let file = folder.file("rules.txt", &thousand("cat"));
    let mut command = command(&server, &["sync", &file]);
    // In real time, so that nothing gives the delay up.
    command.env("XSTREAM_TEST_SPEED", "1").stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.start();
    let lines = Lines::of(child.stderr.take().expect("a pipe"));
    let began = std::time::Instant::now();
    while server.requests().len() < 3 {
        assert!(began.elapsed() < BOUND, "no third request");
        std::thread::yield_now();
    }
    kill(&child, Signal::INT);
    lines.until("stopping after the current request");
    (server, child, lines, folder)
}

#[test]
fn ctrl_c_ends_a_sync_after_the_current_request_and_reports_what_was_done() {
    let (server, mut child, lines, _folder) = interrupted("2s");
    let line = lines.until("interrupted");
    assert_eq!(
        line,
        "xstream: interrupted after 200 of 1000 changes: 200 added; run the same sync again to complete it"
    );
    assert_eq!((wait(&mut child).code(), kept(&server).len(), server.requests().len()), (Some(130), 200, 3));
}

#[test]
fn a_second_ctrl_c_ends_a_sync_at_once() {
    let (_server, mut child, lines, _folder) = interrupted("25s");
    kill(&child, Signal::INT);
    let line = lines.until("interrupted");
    assert!(line.contains("100 of 1000 changes, and perhaps those of the current request: 100 added"), "{line}");
    assert_eq!(wait(&mut child).code(), Some(130));
}

#[test]
fn a_sync_beyond_the_cap_changes_nothing_and_reports_the_counts() {
    let server = server(&[("bird", "")], |_| {});
    let folder = Folder::new();
    let file = folder.file("rules.txt", &(thousand("cat") + "bird\n"));
    let output = rules(&server, &["sync", &file]);
    assert_eq!((code(&output), kept(&server).len()), (Some(3), 1), "{}", stderr(&output));
    let messages = stderr(&output);
    assert!(messages.contains("1001 rules") && messages.contains("1 of 1000"), "{messages}");
    assert_eq!(asked(&server), ["GET rules", "GET counts"]);
}

#[test]
fn a_smaller_cap_than_supposed_is_learnt_from_the_refusal() {
    let server = server(&[("a1", ""), ("a2", ""), ("a3", "")], |options| options.rules.cap = 4);
    let folder = Folder::new();
    let file = folder.file("rules.txt", "a1\nb1\nb2\nb3\n");
    let output = rules(&server, &["sync", "--yes", &file]);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(kept(&server), ["a1", "b1", "b2", "b3"]);
    let calls = ["GET rules", "POST rules add 3", "GET counts", "GET rules", "POST rules delete 2", "POST rules add 3"];
    assert_eq!(asked(&server), calls);
    let file = folder.file("rules.txt", "a1\nb1\nb2\nb3\nb4\n");
    let output = rules(&server, &["sync", &file]);
    assert_eq!((code(&output), kept(&server).len()), (Some(3), 4), "{}", stderr(&output));
    assert!(stderr(&output).contains("4 of 4"), "{}", stderr(&output));
}

#[test]
fn once_a_rule_is_refused_nothing_more_is_deleted() {
    let server = server(&[("bird", ""), ("dog", "")], |options| options.rules.length = 10);
    let folder = Folder::new();
    let file = folder.file("rules.txt", "dog\na rule that is too long\ncat\n");
    let output = rules(&server, &["sync", &file]);
    let messages = stderr(&output);
    assert_eq!(
        (code(&output), kept(&server)),
        (Some(3), vec!["bird".into(), "dog".into(), "cat".into()]),
        "{messages}"
    );
    assert!(messages.contains(&format!("{file}:2: ")) && messages.contains("Rule length 23"), "{messages}");
    assert!(messages.contains("1 added, 1 refused"), "{messages}");
}

#[test]
fn a_concurrent_change_by_another_client_is_a_note() {
    // The answer of the list is from before; the server has one of the rules already, and one is gone.
    let list = json!({ "data": [{ "id": "5", "value": "bird" }, { "id": "6", "value": "dog" }], "meta": {} });
    let script = format!("status 200 '{list}'");
    let server = server(&[("cat", ""), ("dog", "")], failing(&script));
    let folder = Folder::new();
    let file = folder.file("rules.txt", "dog\ncat\nfish\n");
    let output = rules(&server, &["sync", &file]);
    let messages = stderr(&output);
    assert_eq!(code(&output), Some(0), "{messages}");
    assert!(messages.contains("`cat`") && messages.contains("Rule does not exist"), "{messages}");
    assert_eq!(kept(&server), ["cat", "dog", "fish"]);
}

#[test]
fn rules_are_added_from_arguments_and_printed_as_x_has_them() {
    let server = server(&[("dog", "")], |_| {});
    let output = rules(&server, &["add", "#cats has:images", "dog", "kitten", "--tag", "cats"]);
    let messages = stderr(&output);
    assert_eq!(code(&output), Some(0), "{messages}");
    assert!(messages.contains("argument 2: `dog`"), "{messages}");
    let added = values(&output.stdout);
    assert_eq!(added.len(), 2);
    assert_eq!((&added[0]["value"], &added[0]["tag"]), (&json!("#cats has:images"), &json!("cats")));
    assert!(added[0]["id"].is_string());
    assert_eq!(asked(&server), ["POST rules add 3"]);
}

#[test]
fn rules_are_added_from_files_and_stdin_in_every_form() {
    let server = server(&[], |_| {});
    let folder = Folder::new();
    let file = folder.file("rules.txt", "# cats\ncat has:images\tcats\n#kitten\n");
    let output = fed(
        &server,
        &["add", "--file", &file, "--file", "-", "--tag", "rest"],
        "[{\"value\":\"a\",\"tag\":\"x\"},\n{\"value\":\"b\"}]\n",
    );
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(kept(&server), ["cat has:images\tcats", "#kitten\trest", "a\tx", "b\trest"]);
    for arguments in [&["add"][..], &["add", "-"]] {
        let output = fed(&server, arguments, "{\"value\":\"c\"}\nc\n");
        assert_eq!(code(&output), Some(0), "{}", stderr(&output));
        assert!(stderr(&output).contains("stdin:2: `c`"), "{}", stderr(&output));
    }
}

#[test]
fn nothing_that_x_sends_can_control_the_terminal() {
    let error = json!({ "value": "cat\u{1b}[2J", "id": "\u{1b}[2J", "title": "DuplicateRule" });
    let other = json!({ "value": "dog\u{1b}[2J", "details": ["\u{1b}[2J (at position 99999999999999999999)"] });
    let body = json!({ "meta": {}, "errors": [error, other] }).to_string().replace('\\', "\\\\");
    let server = server(&[], failing(&format!("status 200 '{body}'")));
    let output = rules(&server, &["add", "--no-lint", "cat\u{1b}[2J", "dog\u{1b}[2J"]);
    let messages = stderr(&output);
    assert_eq!(code(&output), Some(3), "{messages}");
    assert!(!messages.contains('\u{1b}'), "{messages}");
}

#[test]
fn an_invalid_rule_is_reported_with_its_place_and_does_not_stop_the_others() {
    let server = server(&[], |_| {});
    let folder = Folder::new();
    let file = folder.file("rules.txt", "cat\n(dog\nbird\n");
    let output = rules(&server, &["add", "--no-lint", "--file", &file]);
    let messages = stderr(&output);
    assert_eq!((code(&output), kept(&server)), (Some(3), vec!["cat".into(), "bird".into()]), "{messages}");
    assert!(messages.contains(&format!("{file}:2: ")) && messages.contains("(at position 1)"), "{messages}");
    assert!(messages.contains("\n  (dog\n  ^\n"), "{messages}");
}

#[test]
fn a_batch_refused_for_one_rule_is_sent_again_without_it() {
    let body = json!({ "title": "Invalid Request", "type": "https://api.x.com/2/problems/invalid-rules", "errors": [
        { "value": "dog", "details": ["bad (at position 2)"], "title": "UnprocessableEntity",
            "type": "https://api.x.com/2/problems/invalid-rules" }] });
    let server = server(&[], failing(&format!("status 422 '{body}'")));
    let output = rules(&server, &["add", "cat", "dog", "bird"]);
    let messages = stderr(&output);
    assert_eq!((code(&output), kept(&server)), (Some(3), vec!["cat".into(), "bird".into()]), "{messages}");
    assert!(messages.contains("argument 2: ") && messages.contains("\n  dog\n   ^\n"), "{messages}");
    assert_eq!(asked(&server), ["POST rules add 3", "POST rules add 2"]);
}

#[test]
fn a_full_app_is_reported_with_its_counts() {
    let server = server(&[("cat", "")], |options| options.rules.cap = 2);
    for arguments in [&["add", "a", "b"][..], &["test", "a", "b"]] {
        let output = rules(&server, arguments);
        assert_eq!((code(&output), kept(&server).len()), (Some(3), 1), "{}", stderr(&output));
        let messages = stderr(&output);
        assert!(messages.contains("1 of 2 "), "{messages}");
    }
}

#[test]
fn mistakes_in_rules_are_reported_with_a_caret_and_nothing_is_sent() {
    let server = server(&[], |_| {});
    let folder = Folder::new();
    let file = folder.file("rules.txt", "cat or dog\n-is:retweet\ncat (dog\n\"cat\n");
    for arguments in [&["add", "--file", &file][..], &["sync", &file]] {
        let output = rules(&server, arguments);
        let messages = stderr(&output);
        assert_eq!((code(&output), server.requests().len()), (Some(2), 0), "{messages}");
        assert!(messages.contains(&format!("{file}:1: ")), "{messages}");
        assert!(messages.contains(&format!("{file}:3: ")), "{messages}");
        assert!(messages.contains("\n  cat (dog\n      ^\n") && messages.contains("3 of 4"), "{messages}");
    }
    let long = "x".repeat(1500);
    for (level, exit) in [("pay-per-use", 2), ("enterprise", 3)] {
        assert_eq!(code(&rules(&server, &["add", &long, "--access", level])), Some(exit));
    }
    assert_eq!(server.requests().len(), 1, "only what looks right is sent");
}

#[test]
fn a_test_judges_each_rule_and_adds_none() {
    let server = server(&[("dog", "")], |options| options.rules.length = 20);
    let output = rules(&server, &["test", "cat", "dog", "(bird", "a rule that is much too long"]);
    assert_eq!(code(&output), Some(3), "{}", stderr(&output));
    let verdicts = values(&output.stdout);
    let words: Vec<&str> = verdicts.iter().filter_map(|verdict| verdict["verdict"].as_str()).collect();
    assert_eq!(words, ["valid", "duplicate", "invalid", "invalid"]);
    assert_eq!((&verdicts[1]["place"], &verdicts[1]["id"].is_string()), (&json!("argument 2"), &true));
    assert!(verdicts[2]["details"][0].as_str().expect("a reason").contains("error at character 1"));
    assert!(verdicts[3]["details"][0].as_str().expect("a reason").contains("Rule length"));
    assert_eq!(asked(&server), ["POST rules?dry_run=true add 3"]);
    assert_eq!(kept(&server), ["dog"]);
    assert_eq!(code(&rules(&server, &["test", "cat"])), Some(0));
}

#[test]
fn rules_are_listed_and_written_as_sync_reads_them() {
    let preset = [("cat", "cats"), ("dog has:images", ""), ("# odd", "x")];
    let server = server(&preset, |_| {});
    for arguments in [&[][..], &["list"]] {
        let output = rules(&server, arguments);
        let listed = values(&output.stdout);
        assert_eq!((code(&output), listed.len()), (Some(0), 3), "{}", stderr(&output));
        assert_eq!((&listed[0]["value"], &listed[0]["tag"]), (&json!("cat"), &json!("cats")));
    }
    assert_eq!(values(&rules(&server, &["list", "--tag", "c*s"]).stdout).len(), 1);
    let folder = Folder::new();
    for (form, begins) in [("ndjson", "{\"value\":\"cat\",\"tag\":\"cats\"}\n"), ("tab", "cat\tcats\ndog has:images\n")]
    {
        let output = rules(&server, &["export", "--form", form]);
        assert!(text(&output).starts_with(begins), "{}", text(&output));
        let file = folder.file("rules", &text(&output));
        let output = rules(&server, &["sync", "--no-lint", &file]);
        assert_eq!((code(&output), text(&output).lines().filter(|line| line.starts_with("= ")).count()), (Some(0), 3));
    }
}

#[test]
fn counts_are_x_s_own() {
    let server = server(&[("cat", "")], |_| {});
    let output = rules(&server, &["count"]);
    let counts = values(&output.stdout);
    assert_eq!((code(&output), counts.len()), (Some(0), 1), "{}", stderr(&output));
    assert_eq!((&counts[0]["cap_per_client_app"], &counts[0]["project_rules_count"]), (&json!("1000"), &json!("1")));
}

#[test]
fn rules_are_deleted_by_id_value_and_tag() {
    let preset = [("a", "x"), ("b", "y"), ("c", "y"), ("d", ""), ("e", "")];
    let server = server(&preset, |_| {});
    let id = server.rules()[0].id.clone();
    let output = rules(&server, &["delete", "--dry-run", &id]);
    assert_eq!((code(&output), kept(&server).len()), (Some(0), 5), "{}", stderr(&output));
    assert_eq!(asked(&server), ["GET rules"], "a server that does not know of dry runs would delete");
    let output = rules(&server, &["delete", &id, "--value", "d", "--tag", "y"]);
    assert_eq!((code(&output), kept(&server)), (Some(0), vec!["e".to_owned()]), "{}", stderr(&output));
    let gone = text(&output);
    assert_eq!(values(gone.as_bytes()).len(), 4);
    assert_eq!(code(&fed(&server, &["add", "-"], &gone)), Some(0), "what was deleted can be added again");
    assert_eq!(kept(&server).len(), 5);
}

#[test]
fn a_missing_rule_is_reported_and_the_others_are_deleted() {
    let server = server(&[("a", ""), ("b", "")], |_| {});
    let output = rules(&server, &["delete", "77", "--value", "a", "--tag", "z"]);
    let messages = stderr(&output);
    assert_eq!((code(&output), kept(&server)), (Some(1), vec!["b".to_owned()]), "{messages}");
    assert!(messages.contains(" 77") && messages.contains("`z`"), "{messages}");
}

#[test]
fn all_rules_are_deleted_only_after_a_confirmation() {
    let server = server(&[("a", ""), ("b", "")], |_| {});
    let output = rules(&server, &["delete", "--all"]);
    assert_eq!((code(&output), server.requests().len()), (Some(2), 0));
    assert!(stderr(&output).contains("--yes"), "{}", stderr(&output));
    let output = rules(&server, &["delete", "--all", "--dry-run"]);
    assert_eq!((code(&output), kept(&server).len(), values(&output.stdout).len()), (Some(0), 2, 2));
    let output = rules(&server, &["delete", "--all", "--yes"]);
    assert_eq!((code(&output), kept(&server).len(), values(&output.stdout).len()), (Some(0), 0, 2));
    assert_eq!(asked(&server).last().map(String::as_str), Some("POST rules?delete_all=true"));
    let output = rules(&server, &["delete", "--all", "--yes"]);
    assert_eq!((code(&output), stderr(&output).as_str()), (Some(0), "xstream: nothing to delete\n"));
}

#[test]
fn invalid_arguments_are_usage_errors_and_nothing_is_requested() {
    let server = server(&[], |_| {});
    let folder = Folder::new();
    let bad = folder.file("bad.txt", "cat\n\ttag\n{\"value\":1}\ndog\ta\tb\n");
    let none = folder.file("none.txt", "# nothing\n");
    for (arguments, stdin, hint) in [
        (&["add"][..], "", "stdin is empty"),
        (&["test", "-"], " \n", "stdin is empty"),
        (&["sync", "-"], "", "stdin is empty"),
        (&["add", "--file", &none], "", "no rule in"),
        (&["add", "--file", "/no/such/file"], "", "/no/such/file"),
        (&["delete", "cat"], "", "--value"),
        (&["delete", "all"], "", "--all"),
        (&["delete"], "", "--all"),
        (&["delete", "--tag", ""], "", "a tag is not empty"),
        (&["add", "cat", "--tag", ""], "", "a tag is not empty"),
        (&["delete", "-to:nasa cat"], "", "-t"),
        (&["add", "cat", "-"], "", "stdin; pass it alone"),
        (&["delete", "--all", "5"], "", "cannot be used with"),
        (&["sync"], "", "FILE"),
        (&["add", "cat", "--bearer-file", "-", "--file", "-"], "secret-token", "both the token and the rules"),
        (&["export", "--form", "csv"], "", "possible values"),
        (&["--tag", "x", "count"], "", "after `rules list`"),
    ] {
        let output = fed(&server, arguments, stdin);
        let messages = stderr(&output);
        assert_eq!((code(&output), messages.lines().count()), (Some(2), 1), "{arguments:?} {messages}");
        assert!(messages.contains(hint), "{arguments:?} {messages}");
    }
    let output = rules(&server, &["sync", &bad]);
    let messages = stderr(&output);
    assert_eq!(code(&output), Some(2), "{messages}");
    for line in [2, 3, 4] {
        assert!(messages.contains(&format!("xstream: {bad}:{line}: ")), "{messages}");
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_403_says_which_access_level_has_rules() {
    let folder = Folder::new();
    let file = folder.file("rules.txt", "cat\n");
    for arguments in
        [&["list"][..], &["add", "cat"], &["test", "cat"], &["sync", &file], &["count"], &["export"], &["delete", "5"]]
    {
        let server = server(&[], failing("forbidden"));
        let output = rules(&server, arguments);
        assert_eq!(code(&output), Some(3), "{}", stderr(&output));
        let judged = values(&output.stdout);
        assert!(judged.iter().all(|verdict| verdict["verdict"] == "unknown"), "{judged:?}");
        assert!(stderr(&output).contains("pay-per-use"), "{}", stderr(&output));
    }
}

#[test]
fn a_user_sees_what_is_deleted_and_confirms() {
    let folder = Folder::new();
    let file = folder.file("rules.txt", "z\n");
    for (arguments, question) in [
        (&["delete", "--all"][..], "Delete 2 rules?"),
        (&["delete", "--tag", "x"], "Delete 2 rules?"),
        (&["sync", &file], "This deletes 2 of 2 rules and keeps 0. Continue?"),
    ] {
        for (answer, exit, there) in [("n\n", 1, true), ("y\n", 0, false)] {
            let server = server(&[("a", "x"), ("b", "x")], |_| {});
            let (mut child, mut pty) = on_a_terminal(command(&server, arguments));
            let mut shown = shown_until(&mut pty, Some("[y/N]"));
            assert!(shown.contains(question), "{shown}");
            pty.write_all(answer.as_bytes()).expect("an answer");
            shown += &shown_until(&mut pty, None);
            assert_eq!(wait(&mut child).code(), Some(exit), "{shown}");
            assert_eq!(kept(&server).contains(&"a\tx".to_owned()), there, "{shown}");
        }
    }
}

#[test]
fn a_terminal_gets_tables() {
    let server = server(&[("cat has:images", "cats")], |_| {});
    for (arguments, parts) in [
        (&[][..], &["ID", "TAG", "RULE", "cat has:images"][..]),
        (&["count"], &["WHOSE", "this app", "1000", "the project"]),
        (&["test", "dog"], &["VERDICT", "argument 1", "valid"]),
    ] {
        let (mut child, mut pty) = on_a_terminal(command(&server, arguments));
        let shown = shown_until(&mut pty, None);
        assert_eq!(wait(&mut child).code(), Some(0), "{shown}");
        assert!(parts.iter().all(|part| shown.contains(part)) && !shown.contains('{'), "{shown}");
    }
}
