//! The scanner's two paths are one scanner: of every line both say the same, and that is what `serde_json` says.

use crate::common::agree;

use std::path::Path;

use agree::{Mutants, agree, every_string_of_tokens};
use proptest::prelude::*;
use xstream::protocol::scan::{Key, scan};

const ROWS: &str = include_str!("../data/rows.tsv");

fn rows() -> impl Iterator<Item = &'static [u8]> {
    ROWS.split('\n').filter_map(|row| row.split_once('\t')).map(|(_, line)| line.as_bytes())
}

#[test]
fn every_row_of_every_kind_is_judged_alike() {
    let mut lines = 0;
    for line in rows() {
        agree(line);
        lines += 1;
    }
    assert!(lines > 150);
}

/// Anonymised captures that lie beside the sources where there are any.
#[test]
fn every_line_of_the_fixtures_is_judged_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures");
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("bytes");
        for line in bytes.split(|byte| *byte == b'\n') {
            agree(line);
            agree(line.strip_suffix(b"\r").unwrap_or(line));
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn every_post_takes_the_fast_path() {
    let mut posts = xstream::simulator::Posts::new(11);
    let mut line = Vec::new();
    for n in 0..3000 {
        line.clear();
        posts.next(1_790_000_000_000 + n, &mut line);
        assert!(agree::is_fast(&line), "{}", String::from_utf8_lossy(&line));
        agree::paths_agree(&line);
    }
    let taken = rows().filter(|line| agree::is_fast(line)).count();
    assert!(taken > 120, "{taken} rows");
}

#[test]
fn every_short_string_of_tokens_is_judged_alike_across_every_edge() {
    let lines = every_string_of_tokens(3, &mut agree);
    assert!(lines > 40_000, "{lines}");
}

/// Lengths of what comes before, so that a window of 2,048 bytes ends in what comes then.
const WINDOW_EDGE: std::ops::Range<usize> = 2_030..2_050;

/// Each at every position in a block of 64 bytes.
#[test]
fn hard_values_are_judged_alike_at_every_position() {
    let numbers =
        ["0", "00", "01", "-", "-0", "-01", "1.", ".1", "1.0", "1e", "1e+", "1e5", "1E-5", "1e999", "1x", "+1"];
    let words =
        ["tru", "true", "nul", "null", "nullx", "truetrue", "NaN", "\"a\"1", "1\"a\"", "{}1", "[]\"a\"", "{}[]"];
    let strings = [
        r#""\ud83d\ude00""#,
        r#""\ud83d""#,
        r#""\ude00""#,
        r#""\ud83dx\ude00""#,
        r#""\ud83d\u0041""#,
        r#""\ud83d\ud83d\ude00""#,
        r#""\ud83d\\ude00""#,
        r#""\\ud83d""#,
        r#""\\""#,
        r#""\\\""#,
        r#""\\\\""#,
        r#""\u12""#,
        r#""\u12g4""#,
        r#""\x""#,
        r#""\/\b\f\n\r\t""#,
        r#""\uDBFF\uDFFF""#,
        "\"\t\"",
        "\"\u{7f}\"",
        "\"é€😀\"",
        "\"\u{2028}\"",
        "\"",
        "\"a\"\"b\"",
    ];
    let long = "9".repeat(150);
    let containers = [
        "[1,2]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[}",
        "{]",
        "{,}",
        "{a:1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\"::1}",
        "{\"a\":1:2}",
        "{\"a\",1}",
        "{:1}",
        "[:]",
        "[1:2]",
        "{\"a\":1}}",
        "[[]",
        "[]]",
        "{\"\":{\"\":[]}}",
        "{\"a\\\"b\":1}",
        "{\"a\":1\"b\":2}",
        "[{}{}]",
        "[[][]]",
        &long,
    ];
    let all = numbers.iter().chain(&words).chain(&strings).chain(&containers);
    for value in all {
        for pad in (0..130).chain(WINDOW_EDGE) {
            let pad = "p".repeat(pad);
            agree(format!("{{\"{pad}\":{value}}}").as_bytes());
            agree(format!("{{\"{pad}\":{value},\"\":\"and then something else\"}}").as_bytes());
            if pad.len() % 16 < 3 {
                agree(format!("{{\"data\":{{\"text\":\"{pad}é\",\"id\":{value},\"x\":1}},\"id\":{value}}}").as_bytes());
                agree(format!("{{\"a\":[\"{pad}\",{value}],\"type\":{value}}}").as_bytes());
            }
        }
    }
}

#[test]
fn every_character_that_is_cut_by_a_block_is_judged_alike() {
    for text in [
        &b"\xc3\xa9"[..],
        b"\xe2\x82\xac",
        b"\xf0\x9f\x98\x80",
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
    ] {
        for pad in (0..200).chain(WINDOW_EDGE) {
            for cut in 1..=text.len() {
                let line = [b"{\"a\":\"", vec![b'p'; pad].as_slice(), &text[..cut], b"\"}"].concat();
                agree(&line);
                let line = [b"{\"a\":\"", vec![b'p'; pad].as_slice(), &text[..cut], &[b'q'; 150], b"\"}"].concat();
                agree(&line);
            }
        }
    }
}

/// From one window into the next and to the line's very end, with a fault in any of them.
#[test]
fn long_text_is_judged_alike() {
    for length in (4_050..4_140).chain([10_000]) {
        let line = format!("{{\"a\":\"{}\"}}", "é".repeat(length / 2));
        agree(line.as_bytes());
        for fault in [6, 63, 64, 2_046, 2_047, 2_048, 2_049, 4_000, line.len() - 3] {
            let mut broken = line.clone().into_bytes();
            broken[fault] = 0xff;
            agree(&broken);
        }
        let mixed = format!("{{\"a\":\"{}\",\"é{}\":\"é\"}}", "é".repeat(31), "p".repeat(length / 2));
        agree(mixed.as_bytes());
    }
}

#[test]
fn a_line_that_ends_anywhere_is_judged_alike() {
    for pad in 0..150 {
        let pad = "p".repeat(pad);
        let line =
            format!("{{\"data\":{{\"a\":1,\"{pad}\":\"x\",\"id\":\"12\",\"b\":[-1.5,null]}},\"type\":\"t\",\"id\":9}}");
        for cut in (pad.len()..line.len()).chain([8, 9, 10, 12, 14]) {
            for end in ["", "}", "}}", "\"}", "\":1}}"] {
                agree(format!("{}{end}", &line[..cut]).as_bytes());
            }
        }
    }
}

#[test]
fn depth_is_judged_alike() {
    for depth in [1, 60, 61, 62, 63, 64, 65, 126, 127, 128, 129, 1000] {
        agree(format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)).as_bytes());
        agree(format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).as_bytes());
        agree(format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth + 1)).as_bytes());
        agree(format!("{{\"a\":{}{}}}", "[".repeat(depth + 1), "]".repeat(depth)).as_bytes());
        agree(format!("{{\"a\":{}{}", "[".repeat(depth), "]".repeat(depth)).as_bytes());
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
        agree(line.as_bytes());
    }
    for line in [&b"\"\xff\""[..], b"\"\xc0\x80\"", b"\"\xed\xa0\x80\"", b"\x00", b"\"\x00\"", b"{\"\xff\":1}"] {
        agree(line);
    }
}

#[test]
fn depth_ends_where_serde_json_ends_it() {
    for depth in [1, 64, 126, 127, 128, 129, 100_000] {
        agree(format!("{}{}", "[".repeat(depth), "]".repeat(depth)).as_bytes());
        agree(format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)).as_bytes());
        agree("[".repeat(depth).as_bytes());
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
    let shape = scan(br#"{"id":5,"data":{"id":"1"},"data":{}}"#).expect("valid");
    assert_eq!(shape.id, b"5");
    let shape = scan(br#"{"message":{"a":[{}]},"x":{"y":1}}"#).expect("valid");
    assert_eq!(shape.message, br#"{"a":[{}]}"#);
}

#[test]
fn escaped_keys_are_the_keys_they_spell() {
    let shape = scan(br#"{"d\u0061ta":{"\u0069d":"7"}}"#).expect("valid");
    assert_eq!(shape.id, b"7");
}

#[test]
fn every_bare_string_of_tokens_is_judged_alike() {
    const TOKENS: [&str; 14] = ["{", "}", "[", "]", ",", ":", "\"data\"", "\"id\"", "1", "-", "true", "\\", " ", "\""];
    fn grow(line: &mut String, left: usize) {
        agree(line.as_bytes());
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
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 40 } else { 200 }))]
    #[test]
    fn mutated_posts_are_judged_alike(seed in any::<u64>()) {
        let mut mutants = Mutants::new(seed, rows());
        for _ in 0..500 {
            agree(mutants.next());
        }
    }
}

proptest! {
    #[test]
    fn a_line_with_one_byte_wrong_is_judged_alike(
        cut in 0usize..400, at in 0usize..400, byte in any::<u8>(), insert in any::<bool>()
    ) {
        let line = br#"{"data":{"id":"20","text":"a \"b\" \ud83d\ude00 \u00e9 {\"limit\":{}}","delete":null},"errors":[{"x":-1.5e3,"y":[[],{}]}],"limit":{"track":12},"type":"t","id":9}"#;
        let mut line = line.to_vec();
        let at = at % line.len();
        if insert { line.insert(at, byte) } else { line[at] = byte }
        agree(&line);
        line.truncate(cut % (line.len() + 1));
        agree(&line);
    }

    #[test]
    fn any_bytes_are_judged_alike(line in proptest::collection::vec(any::<u8>(), 0..64)) {
        agree(&line);
    }
}
