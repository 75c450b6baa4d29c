//! What the text form accepts, and its errors.

use std::time::Duration;

use super::super::{Script, Step, faults};

fn steps(text: &str) -> Vec<Step> {
    Script::parse(text).unwrap().connection(0).to_vec()
}

fn error(text: &str) -> String {
    Script::parse(text).unwrap_err().to_string()
}

#[test]
fn the_example_of_the_documentation_is_a_script() {
    let text = "posts 5 every 10ms; heartbeat; disconnect 12; end | status 503; | too-many-connections | posts";
    let script = Script::parse(text).unwrap();
    assert_eq!(script.connection(0).len(), 4);
    assert_eq!(script.connection(0)[0], Step::Posts { count: Some(5), every: Duration::from_millis(10) });
    assert!(matches!(script.connection(1), [Step::Status { code: 503, body, .. }] if body.is_empty()));
    assert_eq!(script.connection(9), [Step::Posts { count: None, every: Duration::ZERO }]);
}

#[test]
fn a_line_step_accepts_the_rest_of_its_line_or_a_quoted_text() {
    let json = r#"{"text":"a;b|c # d"}"#;
    let text = format!("line {json}\nend");
    assert_eq!(steps(&text), [Step::Line(json.into()), Step::End]);
    let text = format!("line '{json}'; end");
    assert_eq!(steps(&text), [Step::Line(json.into()), Step::End]);
    assert_eq!(steps(r"raw a\r\n\x00\\"), [Step::Raw(b"a\r\n\0\\".to_vec())]);
    assert_eq!(steps("line\nend"), [Step::Line(Vec::new()), Step::End]);
}

#[test]
fn comments_and_new_lines_are_accepted_between_steps() {
    let text = "# what happens\r\nposts 2 # two\r\n\r\nheartbeat 3 every 1s\r\n|\r\nend # over\r\n";
    let script = Script::parse(text).unwrap();
    assert_eq!(script.connection(0)[1], Step::Heartbeat { count: Some(3), every: Duration::from_secs(1) });
    assert_eq!(script.connection(1), [Step::End]);
}

#[test]
fn headers_and_bodies_shape_a_refusal() {
    let text = "header retry-after: 3; status 503 'a;b'; | end";
    let Step::Status { body, .. } = &steps(text)[1] else { panic!() };
    assert_eq!(body, b"a;b");
    assert_eq!(steps(text)[0], Step::Header("retry-after".into(), "3".into()));
}

#[test]
fn errors_have_the_place_and_a_suggestion() {
    let table = [
        ("pots 5", "line 1, column 1: unknown step 'pots': did you mean 'posts'?"),
        ("end |\n  disconect 12", "line 2, column 3: unknown step 'disconect': did you mean 'disconnect'?"),
        ("xyzzyplugh", "line 1, column 1: unknown step 'xyzzyplugh'"),
        ("wait", "line 1, column 5: 'wait' accepts a duration such as 250ms, 2s or 1m, not ''"),
        ("wait 5", "line 1, column 6: 'wait' accepts a duration such as 250ms, 2s or 1m, not '5'"),
        ("disconnect twelve", "line 1, column 12: 'disconnect' accepts a number, not 'twelve'"),
        ("end end", "line 1, column 5: 'end' is too much for 'end': steps are separated by ';'"),
        ("end; posts", "line 1, column 6: 'posts' is never reached: the step before it is the last of its connection"),
        ("posts 1; status 503", "line 1, column 10: 'status' must come before anything is sent"),
        ("posts 1 | | end", "line 1, column 11: a connection without steps: 'end' is the shortest"),
        ("", "line 1, column 1: an empty script: it needs a step"),
        ("status 99", "line 1, column 8: 'status' accepts a code from 200 to 999"),
        (r"raw é\q", r"line 1, column 5: escapes are \r \n \t \\ and \xHH"),
        ("posts five", "line 1, column 7: a count or 'every DURATION' is expected, not 'five'"),
        ("end | again 2", "line 1, column 13: 'again' accepts a connection from 1 to 1, not '2'"),
        ("repeat", "line 1, column 1: 'repeat' has no steps before it to play again"),
        ("huge-line 1GB", "line 1, column 11: 'huge-line' accepts a number such as 5000, 64KiB or 1MiB, not '1GB'"),
    ];
    for (text, expected) in table {
        assert_eq!(error(text), expected);
    }
}

#[test]
fn every_listed_step_is_understood() {
    for (usage, about) in faults() {
        assert!(!about.is_empty());
        let text = usage
            .replace("NAME: VALUE", "a: b")
            .replace("DURATION", "1s")
            .replace("SIZE", "1MiB")
            .replace("[COUNT|endless]", "7")
            .replace(['[', ']'], "");
        let text: Vec<_> = text
            .split(' ')
            .map(|word| match word {
                "COUNT" | "PERCENT" | "CODE" | "TIMES" | "SECONDS" | "DEPTH" => "429",
                word => word,
            })
            .collect();
        let text = text.join(" ");
        let text = if text.starts_with("repeat") { format!("wait 1s; {text}") } else { text };
        assert!(Script::parse(&text).is_ok(), "{text}: {:?}", Script::parse(&text));
    }
}
