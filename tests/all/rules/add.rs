//! `rules add` and `rules test`: every form of input, and the place of each mistake.

use super::*;

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
fn a_tag_that_a_rule_keeps_is_reported() {
    let server = server(&[("cat", "cats"), ("dog", "")], |_| {});
    let output = rules(&server, &["add", "cat", "--tag", "other"]);
    assert_eq!((code(&output), kept(&server)[0].as_str()), (Some(0), "cat\tcats"));
    let reported = stderr(&output);
    let output = rules(&server, &["add", "cat"]);
    assert_ne!(stderr(&output), reported, "without --tag there is nothing to report");
}

#[test]
fn what_x_reports_as_created_is_counted() {
    for (created, exit, counts) in [(2, 0, &[2][..]), (1, 1, &[1, 1])] {
        let body = json!({ "meta": { "summary": { "created": created } } });
        let server = server(&[], failing(&format!("status 201 '{body}'")));
        let output = rules(&server, &["add", "cat", "dog"]);
        assert_eq!((code(&output), numbers(&stderr(&output)).as_slice()), (Some(exit), counts));
    }
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
        assert!(numbers(&messages).windows(2).any(|counts| counts == [1, 2]), "{messages}");
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
        assert!(messages.contains("\n  cat (dog\n      ^\n"), "{messages}");
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
    assert_eq!(numbers(verdicts[2]["details"][0].as_str().expect("a reason")), [1]);
    assert!(verdicts[3]["details"][0].as_str().expect("a reason").contains("Rule length"));
    assert_eq!(asked(&server), ["POST rules?dry_run=true add 3"]);
    assert_eq!(kept(&server), ["dog"]);
    assert_eq!(code(&rules(&server, &["test", "cat"])), Some(0));
}

#[test]
fn a_refusal_of_rules_names_the_rules_and_quotes_x() {
    let folder = Folder::new();
    let file = folder.file("rules.txt", "cat\ndog\n");
    for name in ["noncompliant-rules", "invalid-rules"] {
        let body = json!({ "title": "No", "detail": "A rule is bad.", "type": format!("https://api.x.com/2/problems/{name}") });
        for (arguments, script) in [
            (&["add", "cat", "dog"][..], format!("status 403 '{body}'")),
            (&["add", "--file", &file], format!("status 403 '{body}'")),
            (&["test", "--file", &file], format!("status 403 '{body}'")),
            (&["sync", &file], format!("end | status 403 '{body}'")),
        ] {
            let server = server(&[], failing(&script));
            let output = rules(&server, arguments);
            let messages = stderr(&output);
            assert_eq!((code(&output), kept(&server).len()), (Some(3), 0), "{arguments:?} {messages}");
            assert!(messages.contains("A rule is bad"), "{messages}");
            let places = if arguments.contains(&"cat") {
                ["argument 1", "argument 2"].map(str::to_owned)
            } else {
                [1, 2].map(|line| format!("{file}:{line}"))
            };
            assert!(places.iter().all(|place| messages.contains(place)), "{messages}");
        }
    }
}
