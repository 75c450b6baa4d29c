//! `xstream rules`: the real binary against the simulator, which keeps rules as X does.

mod add;
mod delete;
pub mod sync;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::common::{
    Folder, Start as _, assert_one_message, finish, numbers, on_a_terminal, run, serve_with, shown_until, stderr,
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

fn thousand(word: &str) -> String {
    let lines: Vec<String> = (0..1000).map(|n| format!("{word}{n}\ttag{n}\n")).collect();
    lines.concat()
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

/// A list that X does not give whole: with an error beside it, and with a page that comes twice.
fn broken_lists() -> [String; 2] {
    let page = json!({ "data": [{ "id": "5", "value": "bird" }], "meta": { "next_token": "t" } });
    let partial = json!({ "data": [{ "id": "5", "value": "bird" }], "meta": {}, "errors": [{ "title": "Partial" }] });
    [format!("status 200 '{partial}'"), format!("status 200 '{page}' | status 200 '{page}'")]
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
fn invalid_arguments_are_usage_errors_and_nothing_is_requested() {
    let server = server(&[], |_| {});
    let folder = Folder::new();
    let bad = folder.file("bad.txt", "cat\n\ttag\n{\"value\":1}\ndog\ta\tb\n");
    let none = folder.file("none.txt", "# nothing\n");
    for (arguments, stdin, hint) in [
        (&["add"][..], "", "stdin"),
        (&["test", "-"], " \n", "stdin"),
        (&["sync", "-"], "", "stdin"),
        (&["add", "--file", &none], "", &none),
        (&["add", "--file", "/no/such/file"], "", "/no/such/file"),
        (&["delete", "cat"], "", "--value"),
        (&["delete", "all"], "", "--all"),
        (&["delete"], "", "--all"),
        (&["delete", "--tag", ""], "", "--tag"),
        (&["add", "cat", "--tag", ""], "", "--tag"),
        (&["delete", "-to:nasa cat"], "", "-t"),
        (&["add", "cat", "-"], "", "argument 2"),
        (&["delete", "--all", "5"], "", "--all"),
        (&["sync"], "", "FILE"),
        (&["add", "cat", "--bearer-file", "-", "--file", "-"], "secret-token", "stdin"),
        (&["export", "--form", "csv"], "", "--form"),
        (&["--tag", "x", "count"], "", "`rules list`"),
    ] {
        let output = fed(&server, arguments, stdin);
        assert_one_message(&output, 2, hint);
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
    for arguments in [&["delete", "--all"][..], &["delete", "--tag", "x"], &["sync", &file]] {
        for (answer, exit, there) in [("n\n", 1, true), ("y\n", 0, false)] {
            let server = server(&[("a", "x"), ("b", "x")], |_| {});
            let (mut child, mut pty) = on_a_terminal(command(&server, arguments));
            let mut shown = shown_until(&mut pty, Some("[y/N]"));
            assert!(numbers(&shown).contains(&2), "{shown}");
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
    for (arguments, parts) in
        [(&[][..], &["cats", "cat has:images"][..]), (&["count"], &["1000"]), (&["test", "dog"], &["dog", "valid"])]
    {
        let (mut child, mut pty) = on_a_terminal(command(&server, arguments));
        let shown = shown_until(&mut pty, None);
        assert_eq!(wait(&mut child).code(), Some(0), "{shown}");
        assert!(parts.iter().all(|part| shown.contains(part)) && !shown.contains('{'), "{shown}");
    }
}
