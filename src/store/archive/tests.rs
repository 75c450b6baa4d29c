//! An archive with a clock that is set by hand.

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
fn links_and_special_files_are_refused_and_no_file_is_replaced() {
    let name = "s-2026-11-24T15.ndjson";
    let part = format!("{name}.part");
    let plant: [fn(&Path, &str, &str); 5] = [
        |folder, _, part| symlink("/dev/full", folder.join(part)).expect("a link"),
        |folder, _, part| symlink("target", folder.join(part)).expect("a link"),
        |folder, name, _| symlink("/dev/null", folder.join(name)).expect("a link"),
        |folder, name, _| fs::create_dir(folder.join(name)).expect("a folder"),
        |folder, name, part| {
            fs::write(folder.join(name), "kept\n").expect("a file");
            fs::write(folder.join(part), "kept too\n").expect("a file");
        },
    ];
    for plant in plant {
        // At the start of a run, and while it is under way.
        for late in [false, true] {
            let folder = tempfile::tempdir().expect("a folder");
            let opened = late.then(|| Archive::open(options(folder.path(), Compression::None)).expect("an archive"));
            fs::write(folder.path().join("target"), "half a line").expect("a file");
            plant(folder.path(), name, &part);
            let opened = opened.map_or_else(|| Archive::open(options(folder.path(), Compression::None)), Ok);
            let error = match opened {
                Ok((mut archive, _)) => archive.write(at(0.0), &batch([1])).expect_err("a refusal"),
                Err(ArchiveError::Failed(error)) => error,
                Err(ArchiveError::Locked(holder)) => panic!("{holder}"),
            };
            assert!(format!("{error:#}").contains(name), "{error:#}");
            assert_eq!(fs::read_to_string(folder.path().join("target")).expect("text"), "half a line");
            for kept in ["kept\n", "kept too\n"] {
                let path = folder.path().join(if kept == "kept\n" { name } else { &part });
                assert!(!path.is_file() || path.is_symlink() || fs::read_to_string(path).expect("text") == kept);
            }
        }
    }
}

/// What another program may do to an open file, and to its folder.
const DISTURBANCES: [fn(&Path, &Path); 6] = [
    |_, part| fs::remove_file(part).expect("removed"),
    |_, part| fs::rename(part, part.with_extension("moved")).expect("moved"),
    |_, part| {
        fs::remove_file(part).expect("removed");
        fs::write(part, "foreign").expect("a file");
    },
    |_, part| {
        fs::rename(part, part.with_extension("moved")).expect("moved");
        symlink(part.with_extension("moved"), part).expect("a link");
    },
    |folder, _| fs::rename(folder, folder.with_extension("moved")).expect("moved"),
    |folder, _| {
        fs::rename(folder, folder.with_extension("moved")).expect("moved");
        fs::create_dir(folder).expect("a folder");
    },
];

#[test]
fn a_file_or_folder_that_is_removed_or_replaced_while_it_is_written_is_noticed_within_a_second() {
    for compression in [Compression::None, Compression::Gzip] {
        for disturb in DISTURBANCES {
            let folder = tempfile::tempdir().expect("a folder");
            let (mut archive, _) = open(&folder, compression);
            archive.write(at(0.0), &batch([1])).expect("written");
            archive.tick(at(1.0)).expect("flushed");
            let path = folder.path().join("archive");
            disturb(&path, &path.join(format!("s-2026-11-24T15{}.part", compression.extension())));
            archive.write(at(1.5), &batch([2])).expect("written");
            let error = format!("{:?}", archive.tick(at(2.0)).expect_err("noticed"));
            assert!(error.contains("was removed or replaced while it was written"), "{error}");
            archive.write(at(3.0), &batch([3])).expect("closed");
            assert_eq!(block_on(close(archive)), []);
        }
    }
}

#[test]
fn a_file_that_is_replaced_right_before_it_is_complete_never_gets_the_final_name() {
    for compression in [Compression::None, Compression::Gzip] {
        for disturb in DISTURBANCES {
            let folder = tempfile::tempdir().expect("a folder");
            let (mut archive, _) = open(&folder, compression);
            archive.write(at(0.0), &batch([1])).expect("written");
            let path = folder.path().join("archive");
            let name = format!("s-2026-11-24T15{}", compression.extension());
            disturb(&path, &path.join(format!("{name}.part")));
            let error = block_on(async {
                archive.close();
                format!("{:?}", archive.progress().await.expect_err("noticed"))
            });
            assert!(error.contains("was removed or replaced while it was written"), "{error}");
            assert!(!path.join(&name).exists() && !path.with_extension("moved").join(&name).exists());
        }
    }
}

#[test]
fn what_is_no_regular_file_under_a_final_name_stays_where_it_is() {
    for compression in [Compression::None, Compression::Gzip] {
        let name = format!("s-2026-11-24T15{}", compression.extension());
        let fifo = |path: &Path| {
            assert!(std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
        };
        let plant: [&dyn Fn(&Path); 3] =
            [&|path| symlink("target", path).expect("a link"), &|path| fs::create_dir(path).expect("a folder"), &fifo];
        for plant in plant {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join(&name);
            plant(&path);
            let planted = fs::symlink_metadata(&path).expect("planted").file_type();
            let (mut archive, _) = Archive::open(options(folder.path(), compression)).expect("an archive");
            let error = format!("{:?}", archive.write(at(0.0), &batch([1])).expect_err("a refusal"));
            assert!(error.contains("is a link") || error.contains("is not a regular file"), "{error}");
            assert_eq!(fs::symlink_metadata(&path).expect("still there").file_type(), planted);
            assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "with the lock");
        }
    }
}

#[test]
fn a_finished_file_that_is_damaged_or_foreign_is_not_continued() {
    let whole = gzip(&lines(1..=50));
    let cut = whole[..whole.len() - 9].to_vec();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x55;
    for bytes in [cut, flipped, [&whole[..], b"damage"].concat(), b"{}\n".to_vec(), vec![0; 100]] {
        // At the start of a run, and while it is under way.
        for late in [false, true] {
            block_on(async {
                let folder = tempfile::tempdir().expect("a folder");
                let (mut archive, _) = open(&folder, Compression::Gzip);
                if late {
                    archive.write(at(-3600.0), &batch([1])).expect("written");
                }
                let path = folder.path().join("archive/s-2026-11-24T15.ndjson.gz");
                fs::write(&path, &bytes).expect("a file");
                let error = format!("{:?}", archive.write(at(0.0), &batch([1])).expect_err("a refusal"));
                assert!(error.contains("xstream scrub --salvage"), "{error}");
                close(archive).await;
                assert_eq!(fs::read(&path).expect("still there"), bytes);
            });
        }
    }
}

#[test]
fn a_finished_file_whose_last_line_has_no_end_is_continued_on_a_new_line() {
    for (compression, bytes) in
        [(Compression::None, b"{}\n{\"a\":1}".to_vec()), (Compression::Gzip, gzip("{}\n{\"a\":1}"))]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut archive, _) = open(&folder, compression);
        let name = format!("s-2026-11-24T15{}", compression.extension());
        fs::write(folder.path().join("archive").join(&name), bytes).expect("a file");
        archive.write(at(0.0), &batch([1])).expect("written");
        block_on(close(archive));
        assert_eq!(files(&folder), named([(name.as_str(), format!("{{}}\n{{\"a\":1}}\n{}", line(1)))]));
    }
}

#[test]
fn files_of_other_programs_are_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["download.part", "a.ndjson.part", "s-2026-11-24T15.ndjson.part.bak"] {
        fs::write(folder.path().join(name), "half a li").expect("a file");
    }
    let (_, recovered) = Archive::open(options(folder.path(), Compression::None)).expect("an archive");
    assert_eq!((recovered.len(), fs::read_dir(folder.path()).expect("a folder").count()), (0, 4));
}

#[test]
fn what_a_crash_left_is_cut_after_its_last_whole_line_and_continued() {
    let name = "s-2026-11-24T15.ndjson";
    let folder = tempfile::tempdir().expect("a folder");
    let whole = lines(1..=3000);
    assert!(whole.len() > 2 << 16, "several blocks");
    for (left, kept) in [
        (whole.clone(), whole.len()),
        (format!("{whole}{{\"data\""), whole.len()),
        (format!("{}{}", line(1), "x".repeat(200_000)), line(1).len()),
        ("x".repeat(200_000), 0),
        (String::new(), 0),
    ] {
        let path = folder.path().join("archive");
        fs::create_dir_all(&path).expect("a folder");
        fs::write(path.join(format!("{name}.part")), &left).expect("a file");
        let (mut archive, recovered) = open(&folder, Compression::None);
        let cut = (left.len() - kept) as u64;
        assert_eq!(recovered, [ArchiveEvent::Recovered { file: name.to_owned(), cut }]);
        assert_eq!(files(&folder).get(name).map(String::len), Some(kept).filter(|kept| *kept > 0));
        archive.write(at(0.0), &batch([9])).expect("written");
        block_on(close(archive));
        assert_eq!(files(&folder), named([(name, format!("{}{}", &left[..kept], line(9)))]));
        fs::remove_dir_all(path).expect("a folder");
    }
}

/// A gzip member.
fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn a_whole_object_that_only_lacks_its_line_end_is_kept() {
    let object = line(7).trim_end().to_owned();
    let long = format!("{{\"text\":\"{}\"}}", "x".repeat(200_000));
    for (rest, is_kept) in
        [(object.as_str(), true), (&long, true), ("{\"data\":1", false), ("17", false), ("{}x", false)]
    {
        for before in [String::new(), lines(1..=3)] {
            let left = format!("{before}{rest}");
            let plain = (Compression::None, left.clone().into_bytes());
            // A member that is complete, and one of which a crash left half.
            let half = [gzip(&left), gzip("more")[..12].to_vec()].concat();
            for (compression, bytes) in [plain, (Compression::Gzip, gzip(&left)), (Compression::Gzip, half)] {
                let folder = tempfile::tempdir().expect("a folder");
                let path = folder.path().join("archive");
                fs::create_dir(&path).expect("a folder");
                let name = format!("s-2026-11-24T15{}", compression.extension());
                fs::write(path.join(format!("{name}.part")), bytes).expect("a file");
                drop(open(&folder, compression));
                let kept = if is_kept { format!("{left}\n") } else { before.clone() };
                let expected = if kept.is_empty() { BTreeMap::new() } else { named([(name.as_str(), kept)]) };
                assert_eq!(files(&folder), expected, "{compression:?}");
            }
        }
    }
}

/// A gzip file of posts, flushed after each number of posts, and what can be read of each of its prefixes. With `rewritten`
/// the first part was complete, and another program compressed it again before the file was continued.
fn crashed(flushes: &[u64], rewritten: bool) -> (Vec<u8>, String, Vec<(usize, usize)>) {
    block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut archive, _) = open(&folder, Compression::Gzip);
        let path = folder.path().join("archive/s-2026-11-24T15.ndjson.gz.part");
        let (mut id, mut second, mut readable) = (0, 0.0, Vec::new());
        for (round, count) in flushes.iter().enumerate() {
            archive.write(at(second), &batch(id..id + count)).expect("written");
            (id, second) = (id + count, second + 1.0);
            archive.tick(at(second)).expect("flushed");
            readable.extend(fs::read(&path).ok().map(|bytes| (bytes.len(), lines(0..id).len())));
            if rewritten && round == 0 && *count > 0 {
                close(archive).await;
                let bytes = gzip(&lines(0..id));
                readable = vec![(bytes.len(), lines(0..id).len())];
                fs::write(path.with_extension(""), bytes).expect("a file");
                archive = open(&folder, Compression::Gzip).0;
            }
        }
        (fs::read(&path).unwrap_or_default(), lines(0..id), readable)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]
    #[test]
    fn a_gzip_file_that_a_crash_cut_anywhere_keeps_every_whole_line_that_was_flushed(
        flushes in proptest::collection::vec(0u64..60, 1..6),
        rewritten in any::<bool>(),
        cut in 0.0f64..=1.0,
        zeros in 0usize..3000,
    ) {
        let (bytes, whole, readable) = crashed(&flushes, rewritten);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a length")]
        let length = (bytes.len() as f64 * cut) as usize;
        let least = readable.iter().filter(|(end, _)| *end <= length).map(|(_, text)| *text).max().unwrap_or(0);

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("archive");
        fs::create_dir(&path).expect("a folder");
        // After a loss of power the end of a file may be zeros.
        let left = [&bytes[..length], &vec![0; zeros]].concat();
        fs::write(path.join("s-2026-11-24T15.ndjson.gz.part"), left).expect("a file");
        fs::write(path.join("s-2026-11-24T15.ndjson.gz.part.new"), "of a recovery that was interrupted").expect("a file");
        let (mut archive, _) = open(&folder, Compression::Gzip);
        let kept = files(&folder).get("s-2026-11-24T15.ndjson.gz").cloned().unwrap_or_default();
        prop_assert!(whole.starts_with(&kept) && (kept.is_empty() || kept.ends_with('\n')));
        prop_assert!(kept.len() >= least, "{} of {least}", kept.len());

        // It is continued, and sound.
        archive.write(at(100.0), &batch([7])).expect("written");
        block_on(close(archive));
        let bytes = fs::read(path.join("s-2026-11-24T15.ndjson.gz")).expect("a file");
        let mut text = String::new();
        MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("sound gzip");
        prop_assert_eq!(text, kept + &line(7));
        prop_assert_eq!(files(&folder).len(), 1);
    }
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
