//! The scanner's two paths are one scanner: of every line both say the same, and that is what `serde_json` says.

#[path = "common/agree.rs"]
mod agree;

use std::path::Path;

use agree::{Mutants, agree, every_string_of_tokens};
use proptest::prelude::*;

const ROWS: &str = include_str!("data/rows.tsv");

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
        assert!(agree::is_taken(&line), "{}", String::from_utf8_lossy(&line));
        agree::paths_agree(&line);
    }
    let taken = rows().filter(|line| agree::is_taken(line)).count();
    assert!(taken > 120, "{taken} rows");
}

#[test]
fn every_short_string_of_tokens_is_judged_alike_across_every_edge() {
    let lines = every_string_of_tokens(3, &mut agree);
    assert!(lines > 40_000, "{lines}");
}

/// Lengths of what stands before, so that a window of 2,048 bytes ends in what comes then.
const WINDOW_EDGE: std::ops::Range<usize> = 2_030..2_050;

/// Each wherever it can stand in a block of 64 bytes.
#[test]
fn hard_values_are_judged_alike_wherever_they_stand() {
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
