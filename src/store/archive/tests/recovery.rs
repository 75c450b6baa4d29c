//! Files that a crash left open.

use super::*;

#[test]
fn a_file_that_cannot_be_recovered_is_the_failure_of_the_archive_and_without_other_output_of_the_run() {
    for acknowledges in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s-2026-11-24T15.ndjson.gz");
        fs::write(&path, gzip(&lines(1..=3))).expect("a file");
        fs::write(folder.path().join("s-2026-11-24T15.ndjson.gz.part"), gzip(&lines(4..=5))).expect("a file");
        fs::write(folder.path().join("s-2026-11-24T14.ndjson.part"), lines([1])).expect("a file");
        let opened = Archive::open(ArchiveOptions { acknowledges, ..options(folder.path(), Compression::Gzip) });
        if acknowledges {
            assert!(matches!(opened.err(), Some(ArchiveError::Failed(_))));
            continue;
        }
        let (mut archive, events) = opened.expect("an archive");
        let [ArchiveEvent::Recovered { cut: 0, .. }, ArchiveEvent::Failed { messages: 0, .. }] = events.as_slice()
        else {
            panic!("{events:?}")
        };
        assert!(archive.is_closed());
        archive.write(at(0.0), &batch([1])).expect("nothing is written");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 4, "with the lock");
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
        let file = name.to_owned();
        let expected = match (kept, cut) {
            (0, 0) => vec![],
            (0, _) => vec![ArchiveEvent::Removed { file, cut }],
            _ => vec![ArchiveEvent::Recovered { file, cut }],
        };
        assert_eq!(recovered, expected);
        assert_eq!(files(&folder).get(name).map(String::len), Some(kept).filter(|kept| *kept > 0));
        archive.write(at(0.0), &batch([9])).expect("written");
        block_on(close(archive));
        assert_eq!(files(&folder), named([(name, format!("{}{}", &left[..kept], line(9)))]));
        fs::remove_dir_all(path).expect("a folder");
    }
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
