//! `rules sync`: the fewest requests, the cap, and what is left after a failure half way.

use crate::common::{BOUND, Lines, Running, Signal, kill};

use super::*;

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
    assert!(numbers(&stderr(&output)).contains(&100), "{}", stderr(&output));
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
    assert!(numbers(&messages).contains(&200), "{messages}");
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
    assert_eq!((code(&output), output.stdout.as_slice()), (Some(0), &b""[..]));
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
    assert!(numbers(&messages).ends_with(&[1, 1000]), "{messages}");
}

/// A sync of 1,000 rules that was interrupted at its third request, the second hundred, which waits; and its messages,
/// the first of which confirms the signal.
pub fn interrupted(delay: &str) -> (Server, Running, Lines, Folder) {
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
    (server, child, lines, folder)
}

#[test]
fn ctrl_c_ends_a_sync_after_the_current_request_and_reports_what_was_done() {
    let (server, mut child, lines, _folder) = interrupted("2s");
    lines.next();
    let line = lines.next();
    assert_eq!(numbers(&line), [200, 1000, 200], "{line}");
    assert_eq!((wait(&mut child).code(), kept(&server).len(), server.requests().len()), (Some(130), 200, 3));
}

#[test]
fn a_second_ctrl_c_ends_a_sync_at_once() {
    let (_server, mut child, lines, _folder) = interrupted("25s");
    lines.next();
    kill(&child, Signal::INT);
    let line = lines.next();
    assert_eq!(numbers(&line), [100, 1000, 100], "{line}");
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
    assert!([1, 1000, 1001].iter().all(|count| numbers(&messages).contains(count)), "{messages}");
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
    assert!(numbers(&stderr(&output)).ends_with(&[4, 4]), "{}", stderr(&output));
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
    assert!(messages.lines().any(|line| numbers(line) == [1, 1]), "{messages}");
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
