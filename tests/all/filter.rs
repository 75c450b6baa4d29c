//! What is printed: kinds, tags, conditions and jq's results, through the real binary.

#![cfg(feature = "jq")]

use std::process::{Output, Stdio};

use crate::common::{
    Start as _, assert_one_message, command, finish, has, journal, numbers, run, serve, stderr, tail, values, xstream,
};
use serde_json::Value;
use tempfile::NamedTempFile;
use xstream::protocol::message::{KindGroup, MessageKind};
use xstream::simulator::Posts;

const ROWS: &str = include_str!("../data/rows.tsv");

fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    file
}

/// A capture of posts, v2 and v1.1 as the generator mixes them.
fn posts(count: u64) -> String {
    let mut posts = Posts::new(7);
    let mut text = Vec::new();
    for number in 0..count {
        posts.next(1_790_000_000_000 + number * 137, &mut text);
        text.push(b'\n');
    }
    String::from_utf8(text).expect("text")
}

/// Replays a text and expects success.
fn replay(text: &str, arguments: &[&str]) -> Output {
    let file = file(text);
    let mut all = vec!["replay"];
    all.extend(arguments);
    all.push(file.path().to_str().expect("a path"));
    let output = run(&mut xstream(&all));
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    output
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8(output.stdout.clone()).expect("text").lines().map(ToOwned::to_owned).collect()
}

fn jq(text: &str, arguments: &[&str]) -> String {
    let file = file(text);
    let output = command("jq").args(arguments).arg(file.path()).output().expect("jq runs");
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_demo_can_be_filtered_and_queried() {
    let child = xstream(&["tail", "--demo", "--only", "post", "--where", ".data.lang==\"en\"", "--max", "5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .start();
    let output = finish(child);
    assert!(output.status.success());
    let posts = values(&output.stdout);
    assert_eq!(posts.len(), 5);
    assert!(posts.iter().all(|post| post["data"]["lang"] == "en"));
}

const PREDICATES: [&str; 32] = [
    ".data.lang==\"en\"",
    ".data.lang!=\"en\"",
    ".lang == \"ja\"",
    ".data",
    ".id",
    ".data.possibly_sensitive",
    ".data.referenced_tweets",
    ".data.nothing.at.all",
    ".data.nothing == null",
    "(.data.referenced_tweets | not)",
    ".data.public_metrics.like_count > 10",
    ".data.public_metrics.like_count <= 0 or .data.public_metrics.like_count >= 100",
    ".user.followers_count >= 100 and .lang != \"en\"",
    "-1 < .data.public_metrics.reply_count",
    ".data.created_at < \"2026-09-21T14:13:25\"",
    ".data.text | length > 60",
    ".data.text // .text | test(\"[Tt]he\")",
    ".data.entities.hashtags | length > 0",
    ".data.entities.hashtags[]?.tag",
    "any(.includes.users[]?; .username | startswith(\"m\"))",
    "[.. | strings] | length > 12",
    ".data | has(\"entities\")",
    ".data.edit_history_tweet_ids[0]? == .data.id",
    ".includes.users[0]?.username == \"x\" | not",
    ".data.lang as $l | [\"en\",\"de\"] | index($l)",
    ".data.lang | IN(\"en\", \"ja\")",
    "(.data.id // .id_str) | endswith(\"8\")",
    ".data.author_id > .data.id",
    "keys == [\"data\", \"includes\"]",
    "to_entries | length == 2",
    "true",
    "empty",
];

#[test]
fn conditions_keep_the_posts_that_select_keeps() {
    if !has("jq") {
        return;
    }
    let text = posts(300);
    for predicate in PREDICATES {
        let output = replay(&text, &["--only", "post", "--where", predicate]);
        assert_eq!(stderr(&output), "", "{predicate}");
        let theirs = jq(&text, &["-c", &format!("select({predicate})")]);
        // Old versions of jq round large numbers, so what we print goes through it too.
        let ours = jq(&String::from_utf8(output.stdout.clone()).expect("text"), &["-c", "."]);
        let counts = (ours.lines().count(), theirs.lines().count());
        assert!(ours == theirs, "{predicate}: {counts:?} posts");
        for line in lines(&output) {
            assert!(text.contains(&format!("{line}\n")), "{predicate}: not as it came: {line}");
        }
    }
}

#[test]
fn results_are_those_of_jq() {
    if !has("jq") {
        return;
    }
    let text = posts(100);
    for (expression, raw) in [
        (".data.id", false),
        (".data.id // .id_str", true),
        (".data | {id, lang, n: .public_metrics}", false),
        ("[.data.id, .data.lang] | @tsv", true),
        ("[.data.id, .data.text, 1, true, null] | @csv", true),
        (".data.text // .text | ascii_downcase | split(\" \") | join(\"-\")", true),
        (".data.entities.hashtags[]?.tag", false),
        ("[.includes.users[]?.username] | sort | unique", false),
        ("to_entries | map(.key)", false),
        (".data.text // .text | gsub(\"[aeiou]\"; \"_\")", false),
        ("[paths | map(tostring) | join(\".\")] | length", false),
    ] {
        let mut ours = vec!["--only", "post", "--jq", expression];
        let mut theirs = vec!["-c", expression];
        if raw {
            ours.push("--raw-output");
            theirs.push("-r");
        }
        let printed = String::from_utf8(replay(&text, &ours).stdout).expect("text");
        assert_eq!(printed, jq(&text, &theirs), "{expression}");
    }
}

#[test]
fn what_posts_in_any_language_match_and_become_is_as_in_jq() {
    if !has("jq") {
        return;
    }
    let text = concat!(
        "{\"data\":{\"id\":\"1\",\"text\":\"CafÉ 日本\"}}\n",
        "{\"data\":{\"id\":\"2\",\"text\":\"ein Straßenfest in Köln 😀!\",\"n\":[1,2,3]}}\n",
        "{\"data\":{\"id\":\"3\",\"text\":\"Привет, мир #новости\"}}\n",
    );
    for expression in [
        r#".data.text|test("café";"i"), test(["привет","i"]), test("日"; null)"#,
        r#".data.text|test("^\\w+ \\w+$"), test("fÉ\\b"), test("[[:alpha:]]$"), test("\\p{Han}")"#,
        r#".data.text|[match("[[:upper:]](?<rest>\\w+)|(x)";"g") | del(.string) | .captures]"#,
        r#".data.text|[match("\\s";"g").offset], [scan("\\w+")], [scan("(\\w)(\\w)")]"#,
        r##".data.text|gsub("(?<a>[^\\x00-\\x7f])";"<\(.a)>"), sub("#\\w+";""), split(" *, *|!";null)"##,
        r#".data.text|capture("(?<first>\\w+)\\W+(?<second>\\w+)")"#,
        r#".data.text|test("\ud83d\ude00")"#,
        ".data.meta.x = 1 | .new.a |= 1 | .new.b += 2 | .new.c[1].d //= .data.id | del(.data.text, .gone.too)",
        r#".data.n[1]? |= 5, setpath(["a",0,"b"];1), (.data.n // .data.id) = 0, (.data|.a,.b) = 1"#,
        r#"[tostream], (.data.id|ltrimstr("1")), (.data|ltrimstr("1"))"#,
    ] {
        // The order of keys is ours.
        let ours = String::from_utf8(replay(text, &["--jq", expression]).stdout).expect("text");
        assert_eq!(jq(&ours, &["-cS", "."]), jq(text, &["-cS", expression]), "{expression}");
    }
}

#[test]
fn ids_keep_all_their_digits() {
    let line = "{\"id\":2124463772591456256,\"id_str\":\"2124463772591456256\",\"text\":\"x\"}\n";
    assert_eq!(replay(line, &["--jq", ".id"]).stdout, b"2124463772591456256\n");
    assert_eq!(replay(line, &["--jq", "."]).stdout, line.as_bytes());
}

#[test]
fn every_kind_is_kept_or_dropped_by_every_group() {
    let rows: Vec<(MessageKind, &str)> = ROWS
        .split('\n')
        .filter_map(|row| row.split_once('\t'))
        .map(|(kind, line)| (*MessageKind::ALL.iter().find(|known| known.name() == kind).expect("a kind"), line))
        .filter(|(kind, _)| kind.group() != KindGroup::Unprintable)
        .collect();
    let text: String = rows.iter().flat_map(|(_, line)| [line, "\n"]).collect();
    let check = |arguments: &[&str], keeps: &dyn Fn(MessageKind) -> bool| {
        let expected: Vec<&str> = rows.iter().filter(|(kind, _)| keeps(*kind)).map(|(_, line)| *line).collect();
        let arguments = [arguments, &["--keep-deleted"]].concat();
        assert!(lines(&replay(&text, &arguments)) == expected, "{arguments:?}");
    };
    let of = |group: KindGroup| move |kind: MessageKind| kind.group() == group;
    let compliance = of(KindGroup::Compliance);
    check(&[], &|kind| kind.group() != KindGroup::Control);
    check(&["--only", "all"], &|_| true);
    for group in KindGroup::NAMED {
        check(&["--only", group.name()], &of(group));
        check(&["--only", "all", "--skip", group.name()], &|kind| kind.group() != group);
    }
    for chosen in MessageKind::ALL.iter().filter(|kind| kind.group() != KindGroup::Unprintable) {
        // The kind `control` has the name of its group, which wins.
        if KindGroup::NAMED.iter().any(|group| group.name() == chosen.name()) {
            continue;
        }
        check(&["--only", chosen.name()], &|kind| kind == *chosen);
        check(&["--only", "all", "--skip", chosen.name()], &|kind| kind != *chosen);
    }
    // A condition drops everything but what a consumer must see, and `--jq` sees all that is left.
    check(&["--only", "all", "--where", "false"], &compliance);
    check(&["--only", "all", "--where", "error(\"x\")"], &compliance);
    check(&["--only", "all", "--tag", "no such tag"], &compliance);
    check(&["--only", "all", "--skip", "compliance", "--where", "false"], &|_| false);
    let results = lines(&replay(&text, &["--only", "all", "--keep-deleted", "--jq", "1"]));
    assert_eq!(results, vec!["1"; rows.len()]);
}

#[test]
fn tags_choose_posts_by_the_rules_that_found_them() {
    let text = concat!(
        r#"{"data":{"id":"1","text":"matching_rules tag launch-1"},"matching_rules":[{"id":"9","tag":"cats"}]}"#,
        "\n",
        r#"{"data":{"id":"2","text":"x"},"matching_rules":[{"id":"9","tag":"cats"},{"id":"8","tag":"launch-1"}]}"#,
        "\n",
        r#"{"data":{"id":"3","text":"x"}}"#,
        "\n",
        r#"{"delete":{"status":{"id":4,"id_str":"4","user_id":3,"user_id_str":"3"}}}"#,
        "\n",
    );
    let ids = |glob: &str| lines(&replay(text, &["--tag", glob, "--jq", ".data.id // .delete.status.id_str", "-r"]));
    assert_eq!(ids("launch-*"), ["2", "4"]);
    assert_eq!(ids("cats"), ["1", "2", "4"]);
    assert_eq!(ids("c?t"), ["4"]);
    assert_eq!(lines(&replay(text, &["--tag", "cats", "--where", ".data.id == \"1\""])).len(), 2);
}

#[test]
fn an_error_is_reported_once_and_then_counted() {
    let text =
        "{\"data\":{\"id\":\"1\",\"text\":\"x\"}}\n".repeat(20) + "{\"data\":{\"id\":\"2\",\"text\":{\"y\":1}}}\n";
    for (option, printed) in [("--where", "{\"data\":{\"id\":\"2\",\"text\":{\"y\":1}}}\n"), ("--jq", "1\n")] {
        let output = replay(&text, &[option, ".data.text.y"]);
        assert_eq!(String::from_utf8_lossy(&output.stdout), printed);
        let messages = stderr(&output);
        let [first, count] = messages.lines().collect::<Vec<_>>()[..] else { panic!("{messages}") };
        assert!(first.contains(&format!(":1: {option} ")), "{messages}");
        assert_eq!(numbers(count), [20], "{messages}");
    }
    let server = serve("posts 5; end");
    let run = journal(&mut tail(&server, &["--only", "post", "--where", "error(\"no\")", "--no-reconnect"])).exits(5);
    assert!(run.output.stdout.is_empty());
    assert_eq!(run.one("expression")["option"], "--where");
}

#[test]
fn a_message_is_printed_whole_or_not_at_all() {
    let output = replay("{\"data\":{\"id\":\"1\"}}\n", &["--jq", ".data.id, error(\"late\")"]);
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).contains("late"));
}

#[test]
fn an_expression_that_is_none_is_a_usage_error_of_one_line() {
    for arguments in [
        &["tail", "--demo", "--where", ".data.["][..],
        &["tail", "--demo", "--jq", ".a\n| nothing"],
        &["replay", "--where", "env.BEARER_TOKEN", "x"],
        &["replay", "-r", "x"],
    ] {
        let output = run(&mut xstream(arguments));
        assert_one_message(&output, 2, "");
    }
    let output = run(&mut xstream(&["replay", "--where", ".a | nothing", "x"]));
    assert!(stderr(&output).contains("`nothing`") && numbers(&stderr(&output)) == [6], "{}", stderr(&output));
}

#[test]
fn max_counts_messages_and_not_their_results() {
    let text: String = "123456789"
        .chars()
        .flat_map(|id| ["{\"data\":{\"id\":\"".to_owned(), id.to_string(), "\"}}\n".to_owned()])
        .collect();
    let printed = |expression: &str| lines(&replay(&text, &["--max", "2", "-r", "--jq", expression]));
    assert_eq!(printed(".data.id, .data.id, .data.id"), ["1", "1", "1", "2", "2", "2"]);
    // What prints nothing is not printed.
    assert_eq!(printed(".data.id | select(tonumber > 4)"), ["5", "6"]);
    assert!(printed("empty").is_empty());
    let output = replay(&text, &["--max", "2", "--where", ".data.id > \"6\""]);
    let ids: Vec<Value> = values(&output.stdout).into_iter().map(|post| post["data"]["id"].clone()).collect();
    assert_eq!(ids, ["7", "8"]);
}

#[test]
fn annotated_messages_reach_jq_in_their_envelope_and_the_condition_without() {
    let text = "{\"data\":{\"id\":\"1\"}}\n\nnot JSON\n{\"limit\":{\"track\":3}}\n{\"data\":{\"id\":\"2\"}}\n";
    let all = ["--annotate", "--only", "all"];
    let shown = |more: &[&str]| lines(&replay(text, &[&all[..], more].concat()));
    assert_eq!(
        shown(&["--jq", "[.kind, (.message.data.id)?]"]),
        ["[\"post\",\"1\"]", "[\"heartbeat\",null]", "[\"malformed\"]", "[\"limit\",null]", "[\"post\",\"2\"]"]
    );
    // Neither a heartbeat nor garbage is anything a condition could hold for.
    assert_eq!(shown(&["--where", "true", "--jq", ".kind", "-r"]), ["post", "limit", "post"]);
    assert_eq!(shown(&["--where", ".data.id == \"2\"", "--jq", ".message.data.id", "-r"]), ["2"]);
    assert_eq!(
        shown(&["--where", ".data.id == \"2\""]),
        ["{\"kind\":\"post\",\"dialect\":\"v2\",\"message\":{\"data\":{\"id\":\"2\"}}}"]
    );
}
