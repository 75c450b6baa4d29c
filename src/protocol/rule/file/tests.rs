//! Rule files of every form, and files that are none.

use proptest::prelude::*;

use super::*;

fn one(text: &str) -> Result<RuleFiles, Mistakes> {
    read([("rules.txt", text.as_bytes())])
}

fn rules(text: &str) -> Vec<(String, Option<String>, usize)> {
    let files = one(text).unwrap_or_else(|mistakes| panic!("{text}: {mistakes}"));
    let lines = files.places.iter().map(|place| place.line);
    files.rules.into_iter().zip(lines).map(|(rule, line)| (rule.value, rule.tag, line)).collect()
}

fn rule(value: &str, tag: &str, line: usize) -> (String, Option<String>, usize) {
    (value.to_owned(), (!tag.is_empty()).then(|| tag.to_owned()), line)
}

fn mistakes(bytes: &[u8]) -> String {
    read([("rules.txt", bytes)]).unwrap_err().to_string()
}

#[test]
fn a_plain_file_has_one_rule_per_line() {
    assert_eq!(
        rules("\u{feff}# cats\r\n#\r\n\r\n  ## more\n#cats has:images\tcats\r\n  dog lang:en \n\"a # b\"\t\n##\n#\tx"),
        [rule("#cats has:images", "cats", 5), rule("dog lang:en", "", 6), rule("\"a # b\"", "", 7)]
    );
    assert_eq!(rules(""), []);
    assert_eq!(rules("cat"), [rule("cat", "", 1)]);
}

#[test]
fn a_json_file_has_values_or_lists() {
    let cat = || rule("cat", "cats", 1);
    assert_eq!(rules(r#"{"value":"cat","tag":"cats"}"#), [cat()]);
    assert_eq!(rules(r#"[{"value":"cat","tag":"cats"}]"#), [cat()]);
    assert_eq!(rules("[]\n{\"meta\":{\"sent\":\"x\",\"result_count\":0}}\n"), []);
    let lines =
        "{\"value\":\"cat\",\"tag\":\"cats\",\"id\":7,\"x\":[1]}\r\n# note\n{\"tag\":null,\"value\":\" dog\\n\"}\nowl";
    assert_eq!(rules(lines), [cat(), rule(" dog\n", "", 3), rule("owl", "", 4)]);
    assert_eq!(one(lines).unwrap().rules[0].id.as_deref(), Some("7"));
    // What X answers, and what `jq` makes of it.
    let answer = r#"{"meta":{"sent":"[{"},
      "data":[
        {"id":"1",
         "value":"a \"}[\" b"}, {"id":"2","value":"c"},
        {"id":"3","value":"d","tag":""}],
      "x":{"data":[{"value":"no"}]}}
"#;
    assert_eq!(rules(answer), [rule("a \"}[\" b", "", 3), rule("c", "", 4), rule("d", "", 5)]);
    let spread = "{\n  \"value\": \"a\"\n}\n{\n  \"value\": \"b\"\n}\nc\n";
    assert_eq!(rules(spread), [rule("a", "", 1), rule("b", "", 4), rule("c", "", 7)]);
}

#[test]
fn every_mistake_names_its_line_and_what_to_do() {
    for (text, mistake) in [
        (&b"a\n\xff\n"[..], "rules.txt:2: byte 1 of the line is not UTF-8; save the file as UTF-8"),
        (b"\xff\xfea\0", "rules.txt:1: the file is UTF-16; save it as UTF-8"),
        (b"\tcats", "rules.txt:1: nothing before the tab; write the rule, a tab, the tag"),
        (b"a\rb", "rules.txt:1: a carriage return inside the line; end each line with a line feed"),
        (b"a\n\na\tb\tc", "rules.txt:3: more than one tab after `a`; write the rule, one tab, the tag"),
        (b"a\nb\ta\na\tb", "rules.txt:3: `a` has another tag in line 1; keep one of them"),
        (b"{\"value\":\"a\"},\n", "rules.txt:1: text after the JSON value; write one JSON value per line"),
        (b"x\n{\"value\":}\n", "rules.txt:2: not JSON: expected value; write {\"value\""),
        (b"[\n{\"value\":\"a\"},\n{\"tag\":\"b\"}]", "rules.txt:3: rule 2 of the list: no `value`; a rule is"),
        (b"[\n 5\n]", "rules.txt:2: not a JSON object; a rule is"),
        (b"{\"title\":\"Unauthorized\"}", "rules.txt:1: no `value`; a rule is"),
        (b"{\"data\":{}}", "rules.txt:1: no `value`; a rule is"),
        (b"[\n\n{\"value\":\"a\"\n", "rules.txt:4: not JSON: EOF while parsing an object; write"),
    ] {
        let found = mistakes(text);
        assert!(found.starts_with(mistake), "{found}");
        assert!(!found.contains('\n'), "{found}");
    }
}

#[test]
fn many_mistakes_are_reported_at_once_up_to_a_limit() {
    let file = "{\"value\":1}\n{\"value\n".repeat(15);
    let found = read([("r", file.as_bytes())]).unwrap_err();
    assert_eq!((found.list.len(), found.more), (MOST_MISTAKES, 10));
    let lines: Vec<usize> = found.list.iter().map(|mistake| mistake.place.line).collect();
    assert_eq!(lines[..3], [1, 2, 3]);
    assert!(found.to_string().ends_with("\nand 10 more like these"), "{found}");
    // A value without end is one mistake: what follows may be its inside.
    let open = read([("r", &b"[\n{\"value\":1},\nb\tc\td\n"[..])]).unwrap_err();
    assert_eq!(open.list.len(), 1);
}

#[test]
fn a_rule_written_twice_counts_once_and_is_noted() {
    let files = one("cat\tcats\ndog\ncat\tcats\n").unwrap();
    assert_eq!(files.rules.len(), 2);
    assert_eq!(files.notes[0].to_string(), "rules.txt:3: `cat` is already in line 1; it counts once");
    let two = read([("a", &b"cat"[..]), ("b", b"owl\ncat")]).unwrap();
    assert_eq!(two.notes[0].to_string(), "b:2: `cat` is already in a:1; it counts once");
    let torn = read([("a", &b"cat"[..]), ("b", b"cat\tx")]).unwrap_err();
    assert!(torn.to_string().starts_with("b:1: `cat` has another tag in a:1; "), "{torn}");
}

#[test]
fn export_writes_the_plain_form() {
    let list = [Rule::new("#cats", Some("cats")), Rule::new("# no", None), Rule::new("a\tb", Some("x\ny"))];
    assert_eq!(
        write(&list, FileFormat::Tab),
        "#cats\tcats\n{\"value\":\"# no\"}\n{\"value\":\"a\\tb\",\"tag\":\"x\\ny\"}\n"
    );
    let known = Rule { id: Some("9".into()), ..Rule::new("a \"b\"", Some("t")) };
    assert_eq!(write(&[known], FileFormat::Ndjson), "{\"value\":\"a \\\"b\\\"\",\"tag\":\"t\"}\n");
}

/// Characters with a meaning in rule files, among any others.
fn text() -> impl Strategy<Value = String> {
    let special = prop::sample::select("#{}[]\"\\ \t\r\n:,\u{feff}\u{a0}\u{2028}ab-\0".chars().collect::<Vec<_>>());
    prop::collection::vec(prop_oneof![3 => special, 1 => any::<char>()], 1..8)
        .prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_it_was(
        list in prop::collection::vec((text(), prop::option::of(text())), 0..8),
        tab in any::<bool>(),
    ) {
        let mut rules: Vec<Rule> = Vec::new();
        for (value, tag) in list {
            if !value.trim().is_empty() && rules.iter().all(|rule| rule.value != value) {
                rules.push(Rule::new(value, tag.as_deref()));
            }
        }
        let written = write(&rules, if tab { FileFormat::Tab } else { FileFormat::Ndjson });
        let files = one(&written).map_err(|mistakes| TestCaseError::fail(format!("{mistakes}\n{written}")))?;
        prop_assert_eq!(files.rules, rules);
        prop_assert!(files.notes.is_empty());
    }

    #[test]
    fn any_bytes_are_rules_or_mistakes_with_a_line_of_the_file(
        pieces in prop::collection::vec(prop_oneof![
            text().prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..4),
            Just(b"{\"data\":[{\"value\":\"a\"},\n".to_vec()),
            Just(b"{\"value\":\"b\"}\n".to_vec()),
            Just(b"]}".to_vec()),
        ], 0..12),
    ) {
        let bytes = pieces.concat();
        let lines = One::new(b'\n').count(&bytes) + 1;
        match read([("r", bytes.as_slice())]) {
            Ok(files) => {
                prop_assert_eq!(files.rules.len(), files.places.len());
                prop_assert!(files.places.iter().all(|place| (1..=lines).contains(&place.line)));
                prop_assert!(files.rules.iter().all(|rule| !rule.value.trim().is_empty()));
            }
            Err(found) => {
                prop_assert!(!found.list.is_empty());
                prop_assert!(found.list.iter().all(|mistake| (1..=lines).contains(&mistake.place.line)));
            }
        }
    }
}
