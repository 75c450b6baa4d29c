//! An archive with a clock that is set by hand.

mod foreign;
mod recovery;

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::pipeline::batch::OutputRecord;
use crate::protocol::compliance::{ComplianceEffect, ComplianceEvent};
use crate::protocol::message::MessageKind;
use crate::protocol::post_id::PostId;

/// So many seconds after 2026-11-24 15:00 UTC.
fn at(seconds: f64) -> Timestamp {
    let since = Duration::from_secs_f64(10_000.0 + seconds);
    Timestamp { monotonic: since, wall: Duration::from_secs(1_795_532_400 - 10_000) + since }
}

/// A batch of posts, whose ids are these numbers.
fn batch(ids: impl IntoIterator<Item = u64>) -> Batch {
    let mut batch = Batch::default();
    for id in ids {
        let line = line(id);
        batch.records.push(OutputRecord {
            length: line.len(),
            kind: MessageKind::Post,
            id: Some(PostId(id)),
            source: 1,
            input: 0,
        });
        batch.bytes.output.extend(line.bytes());
    }
    batch
}

fn line(id: u64) -> String {
    format!("{{\"data\":{{\"id\":\"{id}\",\"text\":\"{}\"}}}}\n", "é".repeat(usize::try_from(id % 50).expect("small")))
}

fn lines(ids: impl IntoIterator<Item = u64>) -> String {
    ids.into_iter().map(line).collect()
}

fn options(folder: &Path, compression: Compression) -> ArchiveOptions {
    let interval = RotationInterval::new(Duration::from_secs(3600)).expect("an interval");
    ArchiveOptions {
        folder: folder.to_owned(),
        prefix: "s".to_owned(),
        interval,
        compression,
        acknowledges: false,
        scrubs: true,
    }
}

fn open(folder: &TempDir, compression: Compression) -> (Archive, Vec<ArchiveEvent>) {
    Archive::open(options(&folder.path().join("archive"), compression)).expect("an archive")
}

/// What each file contains, as far as it can be read.
fn files(folder: &TempDir) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder.path().join("archive")).expect("a folder").map(|entry| entry.expect("an entry"));
    let named = entries.map(|entry| (entry.file_name().into_string().expect("text"), entry.path()));
    named.filter(|(name, _)| !name.starts_with('.')).map(|(name, path)| (name, text(&path))).collect()
}

fn text(path: &Path) -> String {
    let bytes = fs::read(path).expect("a file");
    if !path.to_str().expect("text").contains(".gz") {
        return String::from_utf8(bytes).expect("text");
    }
    let mut text = Vec::new();
    let _ = MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

async fn close(mut archive: Archive) -> Vec<ArchiveEvent> {
    archive.close();
    let mut completed = Vec::new();
    while !archive.is_closed() {
        completed.extend(archive.progress().await.expect("a job").events);
    }
    completed
}

fn named<const N: usize>(files: [(&str, String); N]) -> BTreeMap<String, String> {
    files.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}

#[test]
fn a_file_per_hour_is_open_under_another_name_until_its_hour_is_over() {
    block_on(async {
        for (compression, ending) in [(Compression::None, ""), (Compression::Gzip, ".gz")] {
            let folder = tempfile::tempdir().expect("a folder");
            let (mut archive, recovered) = open(&folder, compression);
            let name = |hour: u64, open: &str| format!("s-2026-11-24T{hour}.ndjson{ending}{open}");
            archive.write(at(10.0), &batch([1, 2])).expect("written");
            archive.write(at(3599.9), &batch([3])).expect("written");
            archive.tick(at(3599.9)).expect("flushed");
            assert_eq!(files(&folder), named([(&name(15, ".part"), lines([1, 2, 3]))]));
            archive.write(at(3600.0), &batch([4])).expect("written");
            let done = archive.progress().await.expect("a job").events;
            let bytes = lines([1, 2, 3]).len() as u64;
            assert_eq!(done, [ArchiveEvent::Completed { file: name(15, ""), messages: 3, bytes }]);
            // The hour of a stream that is idle ends as well.
            archive.tick(at(7200.0)).expect("rotated");
            archive.progress().await.expect("a job");
            archive.write(at(20_000.0), &batch([5])).expect("written");
            assert_eq!((close(archive).await.len(), recovered.len()), (1, 0));
            let expected = [(15, lines([1, 2, 3])), (16, lines([4])), (20, lines([5]))];
            assert_eq!(files(&folder), expected.into_iter().map(|(hour, text)| (name(hour, ""), text)).collect());
        }
    });
}

#[test]
fn a_run_within_the_hour_of_a_complete_file_continues_it() {
    block_on(async {
        for compression in [Compression::None, Compression::Gzip] {
            let folder = tempfile::tempdir().expect("a folder");
            for id in 1..=3 {
                let (mut archive, recovered) = open(&folder, compression);
                archive.write(at(1.0), &batch([id])).expect("written");
                assert_eq!((close(archive).await.len(), recovered.len()), (1, 0));
            }
            let name = format!("s-2026-11-24T15{}", compression.extension());
            assert_eq!(files(&folder), named([(&name, lines(1..=3))]));
        }
    });
}

#[test]
fn what_was_flushed_can_be_read_while_the_file_is_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut archive, _) = open(&folder, Compression::Gzip);
    archive.write(at(0.0), &batch([1])).expect("written");
    archive.tick(at(1.0)).expect("flushed");
    archive.write(at(1.1), &batch([2])).expect("written");
    archive.tick(at(1.9)).expect("not due");
    assert_eq!(files(&folder)["s-2026-11-24T15.ndjson.gz.part"], lines([1]));
    archive.tick(at(2.0)).expect("flushed");
    assert_eq!(files(&folder)["s-2026-11-24T15.ndjson.gz.part"], lines([1, 2]));
}

#[test]
fn records_are_acknowledged_only_when_they_are_on_the_disk() {
    block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let options = ArchiveOptions { acknowledges: true, ..options(folder.path(), Compression::Gzip) };
        let (mut archive, _) = Archive::open(options).expect("an archive");
        archive.write(at(0.0), &batch([1, 2])).expect("written");
        archive.tick(at(1.0)).expect("a sync");
        archive.write(at(1.1), &batch([3])).expect("written");
        archive.tick(at(3.0)).expect("one sync at a time");
        let seen = |records, last: u64| Acknowledged { records, last_post: Some(PostId(last)) };
        assert_eq!(archive.progress().await.expect("a sync").acknowledged, seen(2, 2));
        archive.tick(at(4.0)).expect("a sync");
        assert_eq!(archive.progress().await.expect("a sync").acknowledged, seen(1, 3));
        archive.write(at(5.0), &batch([4])).expect("written");
        archive.close();
        assert_eq!(archive.progress().await.expect("a job").acknowledged, seen(1, 4));
    });
}

#[test]
fn a_second_run_on_one_folder_is_refused_and_learns_the_holder() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, _) = open(&folder, Compression::None);
    let again = || Archive::open(options(&folder.path().join("archive"), Compression::Gzip));
    match again().err() {
        Some(ArchiveError::Locked(holder)) => assert_eq!(holder, format!("process {}", std::process::id())),
        other => panic!("{other:?}"),
    }
    drop(first);
    assert!(again().is_ok());
}

#[test]
fn only_the_user_can_read_an_archive() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut archive, _) = open(&folder, Compression::None);
    archive.write(at(0.0), &batch([1])).expect("written");
    let mode = |path: &str| fs::metadata(folder.path().join(path)).expect("a file").permissions().mode() & 0o777;
    assert_eq!((mode("archive"), mode("archive/s-2026-11-24T15.ndjson.part")), (0o700, 0o600));
}

#[test]
fn a_failure_counts_the_messages_that_reached_the_open_file() {
    for (compression, kept) in [(Compression::None, 3), (Compression::Gzip, 2)] {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut archive, _) = open(&folder, compression);
        archive.write(at(0.0), &batch([1, 2])).expect("written");
        archive.tick(at(1.0)).expect("flushed");
        archive.write(at(1.1), &batch([3])).expect("written");
        let name = format!("s-2026-11-24T15{}", compression.extension());
        let at_end = folder.path().join("archive").join(&name);
        let left = |failure| match failure {
            ArchiveEvent::Failed { messages, files, .. } => (messages, files),
            other => panic!("{other:?}"),
        };
        let failure = archive.fail(anyhow::anyhow!("disk full").into());
        assert_eq!(left(failure), (kept, vec![name.clone()]));
        drop(archive);

        let (mut archive, _) = open(&folder, compression);
        archive.write(at(2.0), &batch([4, 5])).expect("written");
        // It cannot get its name, but by then everything is in it.
        fs::write(&at_end, "kept").expect("a file");
        let failure = block_on(async {
            archive.close();
            archive.progress().await.expect_err("two files of one name")
        });
        assert_eq!(left(failure), (2, vec![name.clone()]));
        assert_eq!(fs::read_to_string(&at_end).expect("a file"), "kept");
    }
}

/// A gzip member.
fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

/// A batch of posts and of deletions, which are no records here, as under `--only post`.
fn batch_with(ids: &[u64], deleted: &[u64]) -> Batch {
    let events = deleted
        .iter()
        .map(|id| ComplianceEvent { at_ms: None, effect: ComplianceEffect::DeletePost(PostId(*id)) })
        .collect();
    Batch { events, ..batch(ids.iter().copied()) }
}

#[test]
fn a_deletion_is_applied_to_every_file_of_the_run_when_the_next_one_is_complete() {
    block_on(async {
        for (compression, ending) in [(Compression::None, ""), (Compression::Gzip, ".gz")] {
            let folder = tempfile::tempdir().expect("a folder");
            let name = |hour: u64| format!("s-2026-11-24T{hour}.ndjson{ending}");
            let text = |hour: u64| files(&folder).remove(&name(hour));
            let (mut archive, _) = open(&folder, compression);
            archive.write(at(0.0), &batch_with(&[1, 2, 3], &[])).expect("written");
            archive.write(at(3600.0), &batch_with(&[4, 1], &[])).expect("written");
            archive.progress().await.expect("complete");
            // In the open file and in the one before it.
            archive.write(at(3601.0), &batch_with(&[5], &[1, 99])).expect("written");
            assert_eq!(text(15), Some(lines([1, 2, 3])), "not before the next file is complete");
            archive.write(at(7200.0), &batch_with(&[6], &[])).expect("written");
            archive.progress().await.expect("complete");
            let scrubbed = archive.progress().await.expect("scrubbed").events;
            let event = |hour| ArchiveEvent::Scrubbed { file: name(hour), removed: 1, cut: 0 };
            assert_eq!(scrubbed, [event(15), event(16)]);
            assert_eq!((text(15), text(16)), (Some(lines([2, 3])), Some(lines([4, 5]))));
            // A file that the user moved away is not looked for; the end of the run ends the last file.
            fs::remove_file(folder.path().join("archive").join(name(15))).expect("a file");
            archive.write(at(7201.0), &batch_with(&[7], &[2, 4, 6])).expect("written");
            close(archive).await;
            assert_eq!((text(15), text(16), text(17)), (None, Some(lines([5])), Some(lines([7]))));
        }
    });
}

#[test]
fn a_deletion_after_the_last_file_is_applied_at_the_end_and_with_archive_scrub_off_none_is() {
    block_on(async {
        for scrubs in [true, false] {
            let folder = tempfile::tempdir().expect("a folder");
            let options = ArchiveOptions { scrubs, ..options(&folder.path().join("archive"), Compression::None) };
            let (mut archive, _) = Archive::open(options).expect("an archive");
            archive.write(at(0.0), &batch_with(&[1, 2], &[])).expect("written");
            archive.tick(at(3600.0)).expect("rotated");
            archive.progress().await.expect("complete");
            archive.write(at(3700.0), &batch_with(&[], &[1])).expect("nothing to write");
            close(archive).await;
            let left = if scrubs { lines([2]) } else { lines([1, 2]) };
            assert_eq!(files(&folder), named([("s-2026-11-24T15.ndjson", left)]));
        }
    });
}

#[test]
fn a_file_that_cannot_be_scrubbed_is_reported_and_stays() {
    block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut archive, _) = open(&folder, Compression::Gzip);
        archive.write(at(0.0), &batch_with(&[1, 2], &[])).expect("written");
        archive.tick(at(3600.0)).expect("rotated");
        archive.progress().await.expect("complete");
        let path = folder.path().join("archive/s-2026-11-24T15.ndjson.gz");
        let damaged = [fs::read(&path).expect("a file").as_slice(), b"damage"].concat();
        fs::write(&path, &damaged).expect("a file");
        archive.write(at(3700.0), &batch_with(&[], &[1])).expect("nothing to write");
        let events = close(archive).await;
        assert!(matches!(events.as_slice(), [ArchiveEvent::NotScrubbed { .. }]), "{events:?}");
        assert_eq!(fs::read(&path).expect("a file"), damaged);
    });
}
