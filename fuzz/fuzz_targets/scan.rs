//! Any bytes are judged alike by the scanner's two paths and by `serde_json`: `cargo +nightly fuzz run scan`.

#![no_main]

#[path = "../../tests/all/common/agree.rs"]
mod agree;

libfuzzer_sys::fuzz_target!(|line: &[u8]| agree::agree(line));
