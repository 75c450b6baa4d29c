//! Rows of every kind, in every order of keys and every cut of bytes, through the one pipeline.
//!
//! `tests/data/rows.tsv` holds anonymised or self-made lines: the kind, a tab, the line.

use std::collections::BTreeSet;
use std::io::Write as _;

use crate::common::{Start as _, numbers, run, stderr, values, xstream};
use proptest::prelude::*;
use serde_json::Value;
use xstream::pipeline::filter::{Choice, Filter};

use xstream::pipeline::Intake;
use xstream::pipeline::batch::Batch;
use xstream::pipeline::decode::Format;
use xstream::pipeline::report::BatchReport;
use xstream::pipeline::select::{LineSource, SelectOptions, Selector};
use xstream::protocol::message::{Dialect, MessageKind, classify};

const ROWS: &str = include_str!("../data/rows.tsv");

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROWS.split('\n').filter(|row| !row.is_empty()).map(|row| row.split_once('\t').expect("a kind and a line"))
}

#[test]
fn every_row_has_its_kind_and_every_kind_its_rows() {
    let mut met = BTreeSet::new();
    for (kind, line) in rows() {
        assert_eq!(classify(line.as_bytes()).kind.name(), kind, "{line}");
        met.insert(kind);
    }
    let all: BTreeSet<&str> = MessageKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(met, all);
}

/// Writes a value with the keys of every object in another order.
fn shuffled(value: &Value, turn: usize, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            if turn.is_multiple_of(2) {
                keys.reverse();
            }
            let middle = turn % keys.len().max(1);
            keys.rotate_left(middle);
            out.push('{');
            for (n, key) in keys.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                shuffled(&map[key], turn, out);
            }
            out.push('}');
        }
        Value::Array(list) => {
            out.push('[');
            for (n, item) in list.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                shuffled(item, turn, out);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

#[test]
fn the_order_of_keys_never_matters() {
    for (kind, line) in rows() {
        let Ok(value) = serde_json::from_str::<Value>(line) else { continue };
        for turn in 0..7 {
            let mut again = String::new();
            shuffled(&value, turn, &mut again);
            assert_eq!(classify(again.as_bytes()).kind.name(), kind, "{again}");
        }
    }
}

#[test]
fn a_post_that_quotes_a_system_message_is_a_post() {
    for (_, line) in rows().filter(|(kind, _)| !matches!(*kind, "heartbeat")) {
        let text = Value::String(line.to_owned());
        let v2 = format!(r#"{{"data":{{"id":"1","text":{text}}},"matching_rules":[{{"id":"1","tag":{text}}}]}}"#);
        assert_eq!(classify(v2.as_bytes()).kind, MessageKind::Post, "{v2}");
        let v1 = format!(r#"{{"id":1,"id_str":"1","text":{text},"user":{{"name":{text}}}}}"#);
        let message = classify(v1.as_bytes());
        assert_eq!(
            (message.kind, message.dialect, message.id),
            (MessageKind::Post, Some(Dialect::V1), &b"1"[..]),
            "{v1}"
        );
    }
}

#[test]
fn classification_and_notices_take_any_bytes() {
    // Every prefix and every one-byte change of every short row: nothing may panic.
    for (_, line) in rows().filter(|(_, line)| line.len() < 400) {
        for end in 0..=line.len() {
            let _ = classify(&line.as_bytes()[..end]).notice();
        }
        for at in 0..line.len() {
            for byte in [0, b'"', b'\\', b'{', b'}', b'9', 0xff] {
                let mut bytes = line.as_bytes().to_vec();
                bytes[at] = byte;
                let _ = classify(&bytes).notice();
            }
        }
    }
}

fn everything() -> SelectOptions {
    SelectOptions { annotate: true, keep_deleted: true, ..SelectOptions::new(Filter::new(&[Choice::All], &[])) }
}

fn play(parts: &[&[u8]], options: SelectOptions) -> (Vec<u8>, BatchReport) {
    let format = Format { gzip: false, framed: false, file: true, line_cap: options.line_cap };
    let (mut intake, mut selector) = (Intake::new(format, LineSource::default()), Selector::new(options));
    let mut batch = Batch::default();
    for part in parts {
        let _ = intake.feed(&mut &**part, &mut selector, &mut batch).expect("no gzip, no error");
    }
    intake.end(&mut selector, &mut batch).expect("no gzip, no error");
    (batch.bytes.output, batch.report)
}

/// A stream of small rows with line ends of both kinds.
fn stream() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (n, (_, line)) in rows().filter(|(_, line)| line.len() < 700).enumerate() {
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(if n % 3 == 0 { b"\n" } else { b"\r\n" });
    }
    bytes.extend_from_slice(br#"{"data":{"id":"9","text":"the last line has no end"}}"#);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_split_of_the_bytes_gives_the_same_output(cuts in proptest::collection::vec(0usize..40_000, 0..40)) {
        let bytes = stream();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % bytes.len()).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(play(&parts, everything()), play(&[&bytes], everything()));
    }
}

#[test]
fn byte_by_byte_gives_the_same_output() {
    let bytes = stream();
    let parts: Vec<&[u8]> = bytes.chunks(1).collect();
    let (out, seen) = play(&parts, everything());
    assert_eq!((&out, &seen), (&play(&[&bytes], everything()).0, &play(&[&bytes], everything()).1));
    assert_eq!(values(&out).len() as u64, seen.lines);
}

#[test]
fn only_a_whole_object_may_lack_its_line_end() {
    let printed = |text: &str| {
        let options = SelectOptions::new(Filter::new(&[], &[]));
        let (out, seen) = play(&[text.as_bytes()], options);
        (String::from_utf8(out).expect("text"), seen.diagnostics.len())
    };
    assert_eq!(printed("{\"a\":1}"), ("{\"a\":1}\n".to_owned(), 0));
    assert_eq!(printed("{\"a\":1"), (String::new(), 1));
    assert_eq!(printed("[1]"), (String::new(), 1));
    assert_eq!(printed("7"), (String::new(), 1));
    assert_eq!(printed("7\n"), ("7\n".to_owned(), 0));
    assert_eq!(printed("\u{feff}{}\n\u{feff}{}\n"), ("{}\n".to_owned(), 1));
    assert_eq!(printed("\u{feff}{}"), ("{}\n".to_owned(), 0));
}

#[test]
fn a_line_over_the_cap_is_skipped_and_the_next_is_printed() {
    let options = SelectOptions { line_cap: 20, ..SelectOptions::new(Filter::new(&[], &[])) };
    let text = format!("{{\"a\":\"{}\"}}\n{{\"b\":1}}\n", "x".repeat(40));
    let (out, seen) = play(&[text.as_bytes()], options);
    assert_eq!((out.as_slice(), seen.diagnostics.len(), seen.lines), (&b"{\"b\":1}\n"[..], 1, 2));
}

#[test]
fn replay_prints_what_tail_would_plain_and_gzip() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = stream();
    let plain = folder.path().join("plain.ndjson");
    let packed = folder.path().join("packed");
    std::fs::write(&plain, &bytes).expect("written");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&bytes).expect("memory");
    std::fs::write(&packed, encoder.finish().expect("memory")).expect("written");
    let (expected, _) = play(&[&bytes], everything());
    for path in [&plain, &packed] {
        let path = path.to_str().expect("text");
        let output = run(&mut xstream(&["replay", "--annotate", "--keep-deleted", "--only", "all", path]));
        assert_eq!(output.stdout, expected);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let mut command = xstream(&["replay", "--annotate", "--keep-deleted", "--only", "all", "-"]);
        let output = run(command.stdin(std::fs::File::open(path).expect("a file")));
        assert_eq!(output.stdout, expected);
    }
}

#[test]
fn bad_captures_are_counted_and_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path.to_str().expect("text").to_owned()
    };
    let good = path("good", b"{\"data\":{\"id\":\"1\",\"text\":\"x\"}}\n\0\n\xff\n{\"cut\":");
    let output = run(&mut xstream(&["replay", &good]));
    assert_eq!((values(&output.stdout).len(), output.status.code()), (1, Some(0)));
    assert!(numbers(&stderr(&output)).contains(&7), "the bytes of the line that was cut: {}", stderr(&output));
    for text in [":2: ", ":3: "] {
        assert!(stderr(&output).contains(text), "no {text:?} in {}", stderr(&output));
    }
    let nothing = path("picture", &[0xff; 5000]);
    let output = run(&mut xstream(&["replay", &nothing]));
    assert_eq!((output.stdout.len(), output.status.code()), (0, Some(1)), "{}", stderr(&output));
    let damaged = path("damaged.gz", &[0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9]);
    let output = run(&mut xstream(&["replay", &damaged, &good]));
    assert_eq!((values(&output.stdout).len(), output.status.code()), (1, Some(1)), "{}", stderr(&output));
    let output = run(&mut xstream(&["replay", "/nowhere/at/all", &good]));
    assert!(stderr(&output).contains("/nowhere/at/all"));
    assert_eq!((values(&output.stdout).len(), output.status.code()), (1, Some(1)));
}

#[test]
fn a_reader_of_replay_that_leaves_is_no_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("big");
    std::fs::write(&path, "{\"data\":{\"id\":\"1\",\"text\":\"x\"}}\n".repeat(100_000)).expect("written");
    let mut command = xstream(&["replay", path.to_str().expect("text")]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).start();
    drop(child.stdout.take());
    let output = crate::common::finish(child);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
fn a_damaged_gzip_capture_gives_what_it_holds_and_is_a_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all("{\"data\":{\"id\":\"1\",\"text\":\"x\"}}\n".repeat(50).as_bytes()).expect("memory");
    let whole = encoder.finish().expect("memory");
    let mut wrong = whole.clone();
    let checksum = wrong.len() - 6;
    wrong[checksum] ^= 1;
    for (name, bytes, lines) in [
        ("padded", [whole.as_slice(), &[0; 512]].concat(), 50),
        ("wrong checksum", wrong, 50),
        ("without its end", whole[..whole.len() - 8].to_vec(), 50),
        ("only a beginning", whole[..12].to_vec(), 0),
        ("two bytes", whole[..2].to_vec(), 0),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        let output = run(&mut xstream(&["replay", path.to_str().expect("text")]));
        let messages = stderr(&output);
        assert_eq!((values(&output.stdout).len(), output.status.code()), (lines, Some(1)), "{name}: {messages}");
        assert!(messages.contains("gzip"), "{name}: {messages}");
    }
}

#[test]
fn a_reader_of_replay_that_leaves_a_quiet_stdin_is_noticed() {
    let mut command = xstream(&["replay", "-"]);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .start();
    drop(child.stdout.take());
    // stdin stays open and silent.
    assert_eq!(crate::common::wait(&mut child).code(), Some(0));
}
