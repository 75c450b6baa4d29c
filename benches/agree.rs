//! Compares the scanner's two paths with each other and with `serde_json`, on as many lines as requested:
//!
//! ```text
//! cargo bench --bench agree                            ten million lines
//! cargo bench --bench agree -- 1000000 [SEED]
//! ```
//!
//! First all strings of up to five tokens, then mutated posts. The first disagreement ends the run.

#[path = "../tests/all/common/agree.rs"]
mod agree;

use std::time::{SystemTime, UNIX_EPOCH};

const ROWS: &str = include_str!("../tests/data/rows.tsv");

/// How many mutants are made of one set of posts.
const ROUND: u64 = 100_000;

fn main() {
    // Cargo adds `--bench`.
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse::<u64>().ok());
    let lines = numbers.next().unwrap_or(10_000_000);
    let seed = numbers.next().unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::from(since.subsec_nanos()))
    });
    let tokens = agree::every_string_of_tokens(5, &mut agree::agree);
    println!("{tokens} strings of tokens: no disagreement");
    let (mut done, mut valid, mut fast) = (0, 0u64, 0u64);
    while done < lines {
        let rows = ROWS.split('\n').filter_map(|row| row.split_once('\t')).map(|(_, line)| line.as_bytes());
        let mut mutants = agree::Mutants::new(seed.wrapping_add(done), rows);
        for _ in 0..ROUND.min(lines - done) {
            let line = mutants.next();
            agree::agree(line);
            valid += u64::from(xstream::protocol::scan::scan(line).is_ok());
            fast += u64::from(agree::is_fast(line));
            done += 1;
        }
    }
    println!("{done} mutated posts, seed {seed}, {valid} of them valid, {fast} on the fast path: no disagreement");
}
