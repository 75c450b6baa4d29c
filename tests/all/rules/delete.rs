//! `rules delete`: by id, value, tag, and all of them.

use super::*;

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
fn tags_to_delete_are_patterns_and_no_tag_fits_none() {
    let server = server(&[("a", "cats"), ("b", "cars"), ("c", "dogs"), ("d", "")], |_| {});
    let output = rules(&server, &["delete", "--tag", "ca*"]);
    assert_eq!((code(&output), kept(&server)), (Some(0), vec!["c\tdogs".into(), "d".into()]), "{}", stderr(&output));
    let output = rules(&server, &["delete", "--tag", "*"]);
    assert_eq!((code(&output), kept(&server)), (Some(0), vec!["d".into()]), "{}", stderr(&output));
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
        assert_eq!(messages.contains("Rule is in use"), !errors.is_empty(), "{messages}");
    }
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
    assert_eq!((code(&output), asked(&server).last().map(String::as_str)), (Some(0), Some("GET rules")));
}
