//! What each part of the stream costs over generated posts, in bytes a second: `cargo bench --bench stream`.
//!
//! The figure to watch is the scanner's faster path against its exact one in one run.

use std::io::Write as _;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use flate2::Compression;
use flate2::write::GzEncoder;
use xstream::pipeline::filter::Filter;
use xstream::pipeline::inflate::Inflater;
use xstream::pipeline::line::{LINE_CAP, Splitter};
use xstream::pipeline::{Options, Pipeline, Seen};
use xstream::protocol::message::classify;
use xstream::protocol::scan::{exact, scan};
use xstream::simulator::Posts;

fn main() {
    divan::main();
}

/// Four megabytes, more than the caches near the processor hold.
const SIZE: usize = 4 << 20;

/// What a socket gives at once.
const CHUNK: usize = 16 << 10;

fn stream() -> Vec<u8> {
    let mut posts = Posts::new(7);
    let mut bytes = Vec::new();
    while bytes.len() < SIZE {
        posts.next(1_790_000_000_000, &mut bytes);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn lines() -> Vec<Vec<u8>> {
    stream().split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end().to_vec()).collect()
}

fn over_lines(bencher: Bencher, mut see: impl FnMut(&[u8])) {
    let lines = lines();
    let bytes: usize = lines.iter().map(Vec::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| lines.iter().for_each(|line| see(black_box(line))));
}

#[divan::bench]
fn split(bencher: Bencher) {
    let bytes = stream();
    bencher.counter(BytesCount::of_slice(&bytes)).bench_local(|| {
        let mut splitter = Splitter::new(LINE_CAP);
        for mut chunk in bytes.chunks(CHUNK) {
            while splitter.next(&mut chunk, |line| {
                black_box(line);
            }) {}
        }
    });
}

mod scanning {
    use super::{Bencher, black_box, exact, over_lines, scan};

    #[divan::bench]
    fn by_the_exact_path(bencher: Bencher) {
        over_lines(bencher, |line| {
            let _ = black_box(exact::scan(line));
        });
    }

    #[divan::bench]
    fn by_the_faster_path_here(bencher: Bencher) {
        over_lines(bencher, |line| {
            let _ = black_box(scan(line));
        });
    }

    /// What a reader costs that builds every post as a value.
    #[divan::bench]
    fn by_serde_json_into_values(bencher: Bencher) {
        over_lines(bencher, |line| {
            let _ = black_box(serde_json::from_slice::<serde_json::Value>(line));
        });
    }
}

#[divan::bench]
fn classification(bencher: Bencher) {
    over_lines(bencher, |line| {
        black_box(classify(line));
    });
}

/// From bytes to bytes, with what the default filter does.
#[divan::bench]
fn pipeline(bencher: Bencher) {
    let bytes = stream();
    let mut out = Vec::new();
    bencher.counter(BytesCount::of_slice(&bytes)).bench_local(|| {
        let mut pipeline = Pipeline::new(Options::new(Filter::new(&[], &[])));
        for chunk in bytes.chunks(CHUNK) {
            let mut seen = Seen::default();
            out.clear();
            pipeline.push(chunk, &mut out, &mut seen).expect("nothing is compressed");
            black_box((&out, &seen));
        }
    });
}

/// The kinds alone, of which nothing is printed.
#[divan::bench]
fn filter(bencher: Bencher) {
    let bytes = stream();
    let mut out = Vec::new();
    bencher.counter(BytesCount::of_slice(&bytes)).bench_local(|| {
        let none = Filter::new(&["delete".parse().expect("a kind")], &[]);
        let mut pipeline = Pipeline::new(Options::new(none));
        for chunk in bytes.chunks(CHUNK) {
            pipeline.push(chunk, &mut out, &mut Seen::default()).expect("nothing is compressed");
        }
        assert!(out.is_empty());
    });
}

/// Bytes a second of what comes out.
#[divan::bench]
fn inflating(bencher: Bencher) {
    let bytes = stream();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&bytes).expect("memory");
    let packed = encoder.finish().expect("memory");
    bencher.counter(BytesCount::of_slice(&bytes)).bench_local(|| {
        let mut inflater = Inflater::default();
        for chunk in packed.chunks(4 << 10) {
            inflater
                .push(chunk, |bytes| {
                    black_box(bytes.len());
                })
                .expect("gzip");
        }
    });
}
