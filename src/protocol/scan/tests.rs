//! The scanner against `serde_json`, and its two paths against each other.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

/// What the law says: `serde_json`, with numbers out of range allowed.
fn oracle(line: &[u8]) -> bool {
    match serde_json::from_slice::<Value>(line) {
        Ok(_) => true,
        Err(error) => error.to_string().starts_with("number out of range"),
    }
}

fn agrees(line: &[u8]) {
    let ours = scan(line);
    assert_eq!(ours, exact::scan(line), "{:?}", String::from_utf8_lossy(line));
    let theirs = serde_json::from_slice::<Value>(line);
    if let Err(error) = &theirs
        && error.to_string().starts_with("number out of range")
    {
        return;
    }
    assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}: {ours:?} against {theirs:?}", String::from_utf8_lossy(line));
    let (Ok(shape), Ok(Value::Object(map))) = (ours, theirs) else {
        return;
    };
    let data = map.get("data").and_then(Value::as_object);
    for (name, key) in [
        ("id", Key::Id),
        ("data", Key::Data),
        ("errors", Key::Errors),
        ("limit", Key::Limit),
        ("delete", Key::Delete),
        ("text", Key::Text),
        ("type", Key::Type),
    ] {
        assert_eq!(shape.top.get(key), type_of(map.get(name)), "{name}");
        let inner = data.and_then(|data| data.get(name));
        assert_eq!(shape.data.get(key), type_of(inner), "data.{name}");
    }
    if let Some(data) = data {
        assert_eq!(shape.data_has_one_key(), data.len() == 1);
    }
}

fn type_of(value: Option<&Value>) -> Type {
    match value {
        None => Type::Absent,
        Some(Value::Null) => Type::Null,
        Some(Value::Bool(_)) => Type::Bool,
        Some(Value::Number(_)) => Type::Number,
        Some(Value::String(_)) => Type::String,
        Some(Value::Array(a)) if a.is_empty() => Type::EmptyArray,
        Some(Value::Array(_)) => Type::Array,
        Some(Value::Object(o)) if o.is_empty() => Type::EmptyObject,
        Some(Value::Object(_)) => Type::Object,
    }
}

#[test]
fn hard_cases_are_judged_as_serde_json_judges_them() {
    for line in [
        "0",
        "-0",
        "-",
        "00",
        "01",
        "1.",
        ".1",
        "1.0",
        "1e",
        "1e+",
        "1e5",
        "1E-5",
        "-1.5e+3",
        "1e999",
        "\"\\u0000\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83dx\"",
        "\"\\ud83d\\u0041\"",
        "\"\\u12\"",
        "\"\\x\"",
        "\"\t\"",
        "\"a",
        "\"",
        "tru",
        "true",
        "nul",
        "null ",
        " null",
        "nullx",
        "[]",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{}",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1}}",
        "[}",
        "{]",
        "",
        " ",
        "1 2",
        "{\"a\":1}{\"b\":2}",
        "\u{feff}{}",
        "\r\n[\t1 , 2 ]\r",
        "NaN",
        "\"\u{7f}\"",
        "\"\u{2028}\"",
    ] {
        agrees(line.as_bytes());
    }
    for line in [&b"\"\xff\""[..], b"\"\xc0\x80\"", b"\"\xed\xa0\x80\"", b"\x00", b"\"\x00\"", b"{\"\xff\":1}"] {
        agrees(line);
    }
}

#[test]
fn depth_ends_where_serde_json_ends_it() {
    for depth in [1, 64, 126, 127, 128, 129, 100_000] {
        agrees(format!("{}{}", "[".repeat(depth), "]".repeat(depth)).as_bytes());
        agrees(format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)).as_bytes());
        agrees("[".repeat(depth).as_bytes());
    }
}

#[test]
fn numbers_out_of_range_are_valid() {
    assert!(scan(b"1e999").is_ok());
    assert!(scan(format!("[{}]", "9".repeat(400)).as_bytes()).is_ok());
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let shape = scan(br#"{"data":{"id":"1","text":"x"},"data":{"delete":{}}}"#).expect("valid");
    assert!(!shape.data.has(Key::Id));
    assert!(shape.data_has_one_key() && shape.data.has(Key::Delete));
    assert_eq!(shape.id, b"");
    let shape = scan(br#"{"message":{"a":[{}]},"x":{"y":1}}"#).expect("valid");
    assert_eq!(shape.message, br#"{"a":[{}]}"#);
}

#[test]
fn escaped_keys_are_the_keys_they_spell() {
    let shape = scan(br#"{"d\u0061ta":{"\u0069d":"7"}}"#).expect("valid");
    assert_eq!(shape.id, b"7");
}

#[test]
fn every_short_string_of_tokens_is_judged_alike() {
    const TOKENS: [&str; 14] = ["{", "}", "[", "]", ",", ":", "\"data\"", "\"id\"", "1", "-", "true", "\\", " ", "\""];
    fn grow(line: &mut String, left: usize) {
        agrees(line.as_bytes());
        if left == 0 {
            return;
        }
        for token in TOKENS {
            let length = line.len();
            line.push_str(token);
            grow(line, left - 1);
            line.truncate(length);
        }
    }
    grow(&mut String::new(), 4);
}

proptest! {
    #[test]
    fn mutated_lines_are_judged_alike(
        cut in 0usize..400, at in 0usize..400, byte in any::<u8>(), insert in any::<bool>()
    ) {
        let line = br#"{"data":{"id":"20","text":"a \"b\" \ud83d\ude00 \u00e9 {\"limit\":{}}","delete":null},"errors":[{"x":-1.5e3,"y":[[],{}]}],"limit":{"track":12},"type":"t","id":9}"#;
        let mut line = line.to_vec();
        let at = at % line.len();
        if insert { line.insert(at, byte) } else { line[at] = byte }
        agrees(&line);
        line.truncate(cut % (line.len() + 1));
        agrees(&line);
    }

    #[test]
    fn any_bytes_are_judged_alike(line in proptest::collection::vec(any::<u8>(), 0..64)) {
        prop_assert_eq!(scan(&line).is_ok(), oracle(&line));
    }
}
