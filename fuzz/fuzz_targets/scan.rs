//! The scanner's two paths and `serde_json` agree on any bytes: `cargo +nightly fuzz run scan`.

#![no_main]

#[path = "../../tests/all/common/agree.rs"]
mod agree;

libfuzzer_sys::fuzz_target!(|line: &[u8]| agree::agree(line));
