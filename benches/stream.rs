//! The throughput of each part of the pipeline on generated posts, in bytes per second: `cargo bench --bench stream`.
//!
//! The figure to watch is the ratio of the scanner's two paths in one run.

use std::io::Write as _;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use flate2::Compression;
use flate2::write::GzEncoder;
use xstream::pipeline::Intake;
use xstream::pipeline::batch::Batch;
use xstream::pipeline::decode::Format;
use xstream::pipeline::decode::inflate::Inflater;
use xstream::pipeline::decode::split::{LINE_CAP, Splitter};
use xstream::pipeline::filter::Filter;
use xstream::pipeline::select::{LineSource, SelectOptions, Selector};
use xstream::protocol::message::classify;
use xstream::protocol::scan::{exact, scan};
use xstream::simulator::Posts;

fn main() {
    divan::main();
}

/// Four megabytes, more than the inner caches of a processor hold.
const SIZE: usize = 4 << 20;

/// What one read of a socket returns.
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

    /// The cost of building every post as a value.
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

/// From bytes to bytes, with the default filter.
#[divan::bench]
fn pipeline(bencher: Bencher) {
    let bytes = stream();
    let mut batch = Batch::default();
    bencher.counter(BytesCount::of_slice(&bytes)).bench_local(|| {
        let (mut intake, mut selector) = intake(Filter::new(&[], &[]));
        for mut chunk in bytes.chunks(CHUNK) {
            batch.clear();
            let _ = intake.feed(&mut chunk, &mut selector, &mut batch).expect("nothing is compressed");
            black_box(&batch);
        }
    });
}

fn intake(filter: Filter) -> (Intake, Selector) {
    let format = Format { gzip: false, framed: false, file: false, line_cap: LINE_CAP };
    (Intake::new(format, LineSource::default()), Selector::new(SelectOptions::new(filter)))
}

/// The kinds alone, of which nothing is printed.
#[divan::bench]
fn filter(bencher: Bencher) {
    let bytes = stream();
    let mut batch = Batch::default();
    bencher.counter(BytesCount::of_slice(&bytes)).bench_local(|| {
        let (mut intake, mut selector) = intake(Filter::new(&["delete".parse().expect("a kind")], &[]));
        for mut chunk in bytes.chunks(CHUNK) {
            let _ = intake.feed(&mut chunk, &mut selector, &mut batch).expect("nothing is compressed");
        }
        assert!(batch.bytes.output.is_empty());
    });
}

/// In bytes per second of output.
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
