//! Files of other programs in the folder, and what they do to ours.

use super::*;

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
            let (mut archive, mut recovered) = opened.expect("an archive");
            recovered.extend(archive.write(at(0.0), &batch([1])).err());
            let [ArchiveEvent::Failed { why, .. }] = recovered.as_slice() else { panic!("{recovered:?}") };
            assert!(why.contains(name), "{why}");
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
