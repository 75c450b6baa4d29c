//! `xstream rules`: the real binary against the simulator, which keeps rules as X does.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::{BOUND, finish, run, serve_with, stderr, values, wait, xstream};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};
use xstream::simulator::{Options, Rule, Script, Server};

fn server(rules: &[(&str, &str)], set_up: impl FnOnce(&mut Options)) -> Server {
    let preset = rules.iter().map(|(value, tag)| Rule::new(*value, (!tag.is_empty()).then_some(*tag))).collect();
    serve_with("posts", |options| {
        options.rules.preset = preset;
        set_up(options);
    })
}

/// The API's first requests fail like this.
fn failing(script: &str) -> impl FnOnce(&mut Options) {
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
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    // A program that wants no stdin closes it.
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

/// What was asked: method and the end of the path, with the query of a change.
fn asked(server: &Server) -> Vec<String> {
    let line = |request: &xstream::simulator::Request| {
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
    assert_eq!(stderr(&output), "xstream: 1000 added\n");
    assert_eq!(text(&output).lines().filter(|line| line.starts_with("+ cat")).count(), 1000);
    let mut wanted = vec!["GET rules".to_owned()];
    wanted.extend(vec!["POST rules add 100".to_owned(); 10]);
    assert_eq!(asked(&server), wanted);
    assert_eq!(kept(&server).join("\n") + "\n", thousand("cat"));
    let output = rules(&server, &["sync", &file]);
    assert_eq!((code(&output), server.requests().len()), (Some(0), 12), "{}", stderr(&output));
    assert_eq!(stderr(&output), "xstream: nothing to do: all 1000 rules are as given\n");
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
    assert_eq!(stderr(&output), "xstream: 1000 added, 1000 deleted\n");
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
    let told = stderr(&output);
    assert!(told.contains("100 added before the failure; the same sync again"), "{told}");
    // With the bird there is one rule too many for a while, so the cap is asked for; it goes once it is in the way.
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
    let told = stderr(&output);
    assert_eq!((code(&output), kept(&server).len()), (Some(4), 200), "{told}");
    assert!(told.contains("200 added before the failure") && told.contains("try again in"), "{told}");
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
    assert_eq!(stderr(&output), "xstream: 1 to add, 1 to tag anew, 1 to delete, 1 to keep\n");
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
        let child = command(&server, arguments).stdout(writer).stderr(Stdio::piped()).spawn().expect("starts");
        let output = finish(child);
        assert_eq!((code(&output), kept(&server)), (Some(0), after.iter().map(ToString::to_string).collect()));
    }
}

#[test]
fn a_sync_that_deletes_more_than_it_keeps_wants_a_yes() {
    let server = server(&[("cat", ""), ("dog", ""), ("bird", "")], |_| {});
    let folder = Folder::new();
    for wanted in ["cat\n", "# nothing\n"] {
        let file = folder.file("rules.txt", wanted);
        let output = rules(&server, &["sync", &file]);
        assert_eq!((code(&output), kept(&server).len()), (Some(2), 3), "{}", stderr(&output));
        assert!(stderr(&output).contains("of 3 rules") && stderr(&output).contains("--yes"), "{}", stderr(&output));
        assert!(text(&output).contains("- bird\n"));
    }
    let file = folder.file("rules.txt", "cat\ndog\n");
    assert_eq!(code(&rules(&server, &["sync", &file])), Some(0));
    let file = folder.file("rules.txt", "# nothing\n");
    assert_eq!((code(&rules(&server, &["sync", "--yes", &file])), kept(&server).len()), (Some(0), 0));
}

#[test]
fn a_sync_beyond_the_cap_changes_nothing_and_tells_the_counts() {
    let server = server(&[("bird", "")], |_| {});
    let folder = Folder::new();
    let file = folder.file("rules.txt", &(thousand("cat") + "bird\n"));
    let output = rules(&server, &["sync", &file]);
    assert_eq!((code(&output), kept(&server).len()), (Some(3), 1), "{}", stderr(&output));
    let told = stderr(&output);
    assert!(told.contains("1001 rules are wanted, 1 more") && told.contains("1 of 1000 rules of this app"), "{told}");
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
    assert!(stderr(&output).contains("4 of 4 rules of this app"), "{}", stderr(&output));
}

#[test]
fn once_a_rule_is_refused_nothing_more_is_deleted() {
    let server = server(&[("bird", ""), ("dog", "")], |options| options.rules.length = 10);
    let folder = Folder::new();
    let file = folder.file("rules.txt", "dog\na rule that is too long\ncat\n");
    let output = rules(&server, &["sync", &file]);
    let told = stderr(&output);
    assert_eq!((code(&output), kept(&server)), (Some(3), vec!["bird".into(), "dog".into(), "cat".into()]), "{told}");
    assert!(told.contains(&format!("{file}:2: X refuses `a rule that is too long`: Rule length 23")), "{told}");
    assert!(told.contains("1 added, 1 refused") && told.contains("sync again"), "{told}");
}

#[test]
fn what_somebody_else_changed_meanwhile_is_a_note() {
    // The answer of the list is from before; the server has one of the rules already, and one is gone.
    let list = json!({ "data": [{ "id": "5", "value": "bird" }, { "id": "6", "value": "dog" }], "meta": {} });
    let script = format!("status 200 '{list}'");
    let server = server(&[("cat", ""), ("dog", "")], failing(&script));
    let folder = Folder::new();
    let file = folder.file("rules.txt", "dog\ncat\nfish\n");
    let output = rules(&server, &["sync", &file]);
    let told = stderr(&output);
    assert_eq!(code(&output), Some(0), "{told}");
    assert!(told.contains("`cat` is there already, with the id 18") && told.contains("Rule does not exist"), "{told}");
    assert_eq!(kept(&server), ["cat", "dog", "fish"]);
}

#[test]
fn rules_are_added_from_arguments_and_printed_as_x_has_them() {
    let server = server(&[("dog", "")], |_| {});
    let output = rules(&server, &["add", "#cats has:images", "dog", "kitten", "--tag", "cats"]);
    let told = stderr(&output);
    assert_eq!(code(&output), Some(0), "{told}");
    assert!(told.contains("argument 2: `dog` is there already, with the id 18"), "{told}");
    assert!(told.ends_with("xstream: 2 added, 1 there already\n"), "{told}");
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
        &["add", "--file", &file, "--file", "-", "-t", "rest"],
        "[{\"value\":\"a\",\"tag\":\"x\"},\n{\"value\":\"b\"}]\n",
    );
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(kept(&server), ["cat has:images\tcats", "#kitten\trest", "a\tx", "b\trest"]);
    for arguments in [&["add"][..], &["add", "-"]] {
        let output = fed(&server, arguments, "{\"value\":\"c\"}\nc\n");
        assert_eq!(code(&output), Some(0), "{}", stderr(&output));
        assert!(stderr(&output).contains("stdin:2: `c` stands in line 1 already"), "{}", stderr(&output));
    }
}

#[test]
fn nothing_that_x_says_can_steer_the_terminal() {
    let error = json!({ "value": "cat\u{1b}[2J", "id": "\u{1b}[2J", "title": "DuplicateRule" });
    let other = json!({ "value": "dog\u{1b}[2J", "details": ["\u{1b}[2J (at position 99999999999999999999)"] });
    let body = json!({ "meta": {}, "errors": [error, other] }).to_string().replace('\\', "\\\\");
    let server = server(&[], failing(&format!("status 200 '{body}'")));
    let output = rules(&server, &["add", "--no-lint", "cat\u{1b}[2J", "dog\u{1b}[2J"]);
    let told = stderr(&output);
    assert_eq!(code(&output), Some(3), "{told}");
    assert!(told.contains("is there already") && told.contains("X refuses") && !told.contains('\u{1b}'), "{told}");
}

#[test]
fn an_invalid_rule_is_told_with_its_place_and_does_not_stop_the_others() {
    let server = server(&[], |_| {});
    let folder = Folder::new();
    let file = folder.file("rules.txt", "cat\n(dog\nbird\n");
    let output = rules(&server, &["add", "--no-lint", "--file", &file]);
    let told = stderr(&output);
    assert_eq!((code(&output), kept(&server)), (Some(3), vec!["cat".into(), "bird".into()]), "{told}");
    assert!(told.contains(&format!("{file}:2: X refuses `(dog`: ")) && told.contains("(at position 1)"), "{told}");
    assert!(told.contains("\n  (dog\n  ^\n") && told.contains("2 added, 1 refused"), "{told}");
}

#[test]
fn a_batch_refused_for_one_rule_is_sent_again_without_it() {
    let body = json!({ "title": "Invalid Request", "type": "https://api.x.com/2/problems/invalid-rules", "errors": [
        { "value": "dog", "details": ["bad (at position 2)"], "title": "UnprocessableEntity",
            "type": "https://api.x.com/2/problems/invalid-rules" }] });
    let server = server(&[], failing(&format!("status 422 '{body}'")));
    let output = rules(&server, &["add", "cat", "dog", "bird"]);
    let told = stderr(&output);
    assert_eq!((code(&output), kept(&server)), (Some(3), vec!["cat".into(), "bird".into()]), "{told}");
    assert!(told.contains("argument 2: X refuses `dog`: bad (at position 2)\n  dog\n   ^\n"), "{told}");
    assert_eq!(asked(&server), ["POST rules add 3", "POST rules add 2"]);
}

#[test]
fn a_full_app_is_told_with_its_counts() {
    let server = server(&[("cat", "")], |options| options.rules.cap = 2);
    for arguments in [&["add", "a", "b"][..], &["test", "a", "b"]] {
        let output = rules(&server, arguments);
        assert_eq!((code(&output), kept(&server).len()), (Some(3), 1), "{}", stderr(&output));
        let told = stderr(&output);
        assert!(told.contains("no room for 2 rules more: there are 1 of 2 rules of this app"), "{told}");
    }
}

#[test]
fn what_looks_wrong_is_told_with_a_caret_and_nothing_is_sent() {
    let server = server(&[], |_| {});
    let folder = Folder::new();
    let file = folder.file("rules.txt", "cat or dog\n-is:retweet\ncat (dog\n\"cat\n");
    for arguments in [&["add", "--file", &file][..], &["sync", &file]] {
        let output = rules(&server, arguments);
        let told = stderr(&output);
        assert_eq!((code(&output), server.requests().len()), (Some(2), 0), "{told}");
        assert!(told.contains(&format!("{file}:1: warning at character 5")), "{told}");
        assert!(told.contains(&format!("{file}:3: error at character 5")), "{told}");
        assert!(told.contains("\n  cat (dog\n      ^\n") && told.contains("nothing was sent: 3 of 4 rules"), "{told}");
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
    assert!(stderr(&output).ends_with("xstream: 1 valid, 1 there already, 2 invalid\n"), "{}", stderr(&output));
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
        assert_eq!(stderr(&output), "xstream: nothing to do: all 3 rules are as given\n");
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
    assert_eq!(asked(&server), ["GET rules", "POST rules?dry_run=true delete 1"]);
    assert_eq!(stderr(&output), "xstream: 1 rule would be deleted\n");
    let output = rules(&server, &["delete", &id, "--value", "d", "--tag", "y"]);
    assert_eq!((code(&output), kept(&server)), (Some(0), vec!["e".to_owned()]), "{}", stderr(&output));
    let gone = text(&output);
    assert_eq!(values(gone.as_bytes()).len(), 4);
    assert_eq!(code(&fed(&server, &["add", "-"], &gone)), Some(0), "what was deleted can be added again");
    assert_eq!(kept(&server).len(), 5);
}

#[test]
fn a_rule_that_is_not_there_is_told_and_the_others_go() {
    let server = server(&[("a", ""), ("b", "")], |_| {});
    let output = rules(&server, &["delete", "77", "--value", "a", "--tag", "z"]);
    let told = stderr(&output);
    assert_eq!((code(&output), kept(&server)), (Some(1), vec!["b".to_owned()]), "{told}");
    assert!(told.contains("no rule has the id 77") && told.contains("no rule has the tag `z`"), "{told}");
}

#[test]
fn all_rules_go_only_with_a_yes() {
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
fn mistakes_in_what_is_given_are_usage_errors_and_nothing_is_asked() {
    let server = server(&[], |_| {});
    let folder = Folder::new();
    let bad = folder.file("bad.txt", "cat\n\ttag\n{\"value\":1}\ndog\ta\tb\n");
    let none = folder.file("none.txt", "# nothing\n");
    for (arguments, stdin, hint) in [
        (&["add"][..], "", "stdin is empty"),
        (&["test", "-"], " \n", "stdin is empty"),
        (&["sync", "-"], "", "stdin is empty"),
        (&["add", "--file", &none], "", "there is no rule in"),
        (&["add", "--file", "/no/such/file"], "", "/no/such/file"),
        (&["delete", "cat"], "", "--value"),
        (&["delete", "all"], "", "--all"),
        (&["delete"], "", "--all"),
        (&["delete", "--tag", ""], "", "--tag"),
        (&["delete", "--all", "5"], "", "cannot be used with"),
        (&["sync"], "", "FILE"),
        (&["add", "cat", "--bearer-file", "-", "--file", "-"], "secret-token", "both the token and the rules"),
        (&["export", "--form", "csv"], "", "possible values"),
        (&["--tag", "x", "count"], "", "behind `rules list`"),
    ] {
        let output = fed(&server, arguments, stdin);
        let told = stderr(&output);
        assert_eq!((code(&output), told.lines().count()), (Some(2), 1), "{arguments:?} {told}");
        assert!(told.contains(hint), "{arguments:?} {told}");
    }
    let output = rules(&server, &["sync", &bad]);
    let told = stderr(&output);
    assert_eq!(code(&output), Some(2), "{told}");
    for line in [2, 3, 4] {
        assert!(told.contains(&format!("{bad}:{line}: ")), "{told}");
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
        assert!(stderr(&output).contains("pay-per-use or Enterprise access"), "{}", stderr(&output));
    }
}

/// A terminal for all three streams.
fn on_a_terminal(command: &Command) -> (std::process::Child, pty_process::blocking::Pty) {
    let (pty, pts) = pty_process::blocking::open().expect("a terminal");
    pty.resize(pty_process::Size::new(24, 100)).expect("a size");
    let mut on = pty_process::blocking::Command::new(command.get_program());
    on = on.args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            on = on.env(name, value);
        }
    }
    (on.env("TERM", "xterm").env("NO_COLOR", "1").spawn(pts).expect("starts"), pty)
}

/// What the terminal shows up to `text`, or to its end if that comes first; within the bound.
fn shown_until(pty: &mut pty_process::blocking::Pty, text: Option<&str>) -> String {
    let mut shown = String::new();
    let mut buffer = [0; 4096];
    while text.is_none_or(|text| !shown.contains(text)) {
        let bound = Timespec { tv_sec: i64::try_from(BOUND.as_secs()).expect("seconds"), tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(&*pty, PollFlags::IN)], Some(&bound)).expect("a poll");
        assert!(ready > 0, "nothing more within the bound: {shown}");
        // The system says EIO when nobody has the terminal open any more.
        let Ok(count @ 1..) = pty.read(&mut buffer) else { break };
        shown.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    shown
}

#[test]
fn a_person_sees_what_goes_and_is_asked() {
    let folder = Folder::new();
    let file = folder.file("rules.txt", "z\n");
    for (arguments, question) in [
        (&["delete", "--all"][..], "Delete 2 rules?"),
        (&["delete", "--tag", "x"], "Delete 2 rules?"),
        (&["sync", &file], "This deletes 2 of 2 rules and keeps 0. Go on?"),
    ] {
        for (answer, exit, there) in [("n\n", 1, true), ("y\n", 0, false)] {
            let server = server(&[("a", "x"), ("b", "x")], |_| {});
            let (mut child, mut pty) = on_a_terminal(&command(&server, arguments));
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
        let (mut child, mut pty) = on_a_terminal(&command(&server, arguments));
        let shown = shown_until(&mut pty, None);
        assert_eq!(wait(&mut child).code(), Some(0), "{shown}");
        assert!(parts.iter().all(|part| shown.contains(part)) && !shown.contains('{'), "{shown}");
    }
}
