//! `tail --archive`: what is printed is also in files, whatever ends the run.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{
    Journal, Lines, Signal, Start as _, binary, finish, journal, kill, run, serve, shell, stderr, tail, values, wait,
    xstream,
};

/// The files of an archive and what is in them, without its lock.
fn files(folder: &TempDir) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry"));
    let named = entries.map(|entry| (entry.file_name().into_string().expect("text"), entry.path()));
    named.filter(|(name, _)| !name.starts_with('.')).map(|(name, path)| (name, content(&path))).collect()
}

/// What can be read of a file.
fn content(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).expect("a file");
    let mut text = Vec::new();
    if path.to_str().expect("text").contains(".gz") {
        let _ = flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text);
        text
    } else {
        bytes
    }
}

fn all(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    files.values().flatten().copied().collect()
}

fn path(folder: &TempDir) -> &str {
    folder.path().to_str().expect("text")
}

#[test]
fn the_archive_holds_the_bytes_of_stdout_in_complete_files() {
    for compress in ["none", "gzip"] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = serve(r#"posts 50; line '{"delete":{"status":{"id":7,"user_id":3}}}'; limit 3; posts 50; stall"#);
        let arguments = ["--archive", path(&folder), "--compress", compress, "--max", "101", "--annotate"];
        let run = journal(&mut tail(&server, &arguments)).exits(0);
        let files = files(&folder);
        assert_eq!(all(&files), run.output.stdout, "{run}");
        assert!(files.keys().all(|name| !name.contains(".part")), "{:?}", files.keys());
        let archived = run.all("archived");
        let messages: u64 = archived.iter().map(|record| record["messages"].as_u64().expect("a number")).sum();
        let names: Vec<&str> = archived.iter().map(|record| record["file"].as_str().expect("a name")).collect();
        assert_eq!((messages, names), (101, files.keys().map(String::as_str).collect()), "{run}");
    }
}

#[test]
fn each_hour_has_its_file_and_none_loses_a_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = serve("posts 150 every 10ms; stall");
    // An hour passes in 180 ms.
    let arguments = ["--archive", path(&folder), "--compress", "gzip", "--max", "150", "--stall-timeout", "1000h"];
    let output = run(tail(&server, &arguments).env("XSTREAM_TEST_SPEED", "20000"));
    let files = files(&folder);
    assert!(files.len() >= 3, "{:?}", files.keys());
    assert_eq!((output.status.code(), all(&files)), (Some(0), output.stdout), "{:?}", files.keys());
}

#[test]
fn kill_9_loses_no_printed_line_and_the_next_run_continues() {
    for compress in ["none", "gzip"] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = serve("posts 2000 every 1ms; stall");
        let arguments = ["--archive", path(&folder), "--compress", compress, "--archive-every", "1d"];
        for round in 1..=3 {
            let before = all(&files(&folder));
            let mut child = tail(&server, &arguments).stdout(Stdio::piped()).stderr(Stdio::null()).start();
            let lines = Lines::of(child.stdout.take().expect("a pipe"));
            let printed: Vec<String> = (0..100 * round).map(|_| lines.next()).collect();
            kill(&child, Signal::KILL);
            wait(&mut child);
            let after = all(&files(&folder));
            let text = after.strip_prefix(before.as_slice()).expect("what was there stays");
            values(text);
            if compress == "none" {
                let printed = printed.join("\n");
                assert!(text.starts_with(printed.as_bytes()), "what was printed is in the file");
            }
        }
        let before = all(&files(&folder));
        let run = journal(tail(&server, &arguments).args(["--max", "5"])).exits(0);
        let expected = [before.as_slice(), &run.output.stdout].concat();
        assert_eq!((all(&files(&folder)), run.one("archive_recovered")["cut_bytes"].as_u64()), (expected, Some(0)));
        assert!(files(&folder).keys().all(|name| !name.contains(".part")), "{:?}", files(&folder).keys());
    }
}

#[test]
fn a_second_process_on_a_folder_is_refused_with_exit_2_and_the_holder() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = serve("posts 1; stall");
    let mut first = tail(&server, &["--archive", path(&folder), "--stall-timeout", "10h"]);
    let mut first = first.stdout(Stdio::piped()).stderr(Stdio::null()).start();
    Lines::of(first.stdout.take().expect("a pipe")).next();
    let second = run(&mut tail(&server, &["--archive", path(&folder), "sample"]));
    assert_eq!((second.status.code(), second.stdout.len()), (Some(2), 0));
    assert!(stderr(&second).contains(&format!("process {}", first.id())), "{}", stderr(&second));
    assert_eq!(server.requests().len(), 1, "nothing is requested without the archive");
}

#[test]
fn a_full_disk_is_reported_and_stdout_goes_on() {
    for compress in ["none", "gzip"] {
        let (folder, records) = (tempfile::tempdir().expect("a folder"), Journal::new());
        let server = serve("posts 600 every 1ms; stall");
        // A limit of the file size is to a write what a full disk is: it is done half-way, then it fails.
        let limited = |more: &str| {
            let (program, url, folder) = (binary().display(), server.url(), path(&folder));
            let mut command = shell(&format!(
                "ulimit -f 16; exec {program} tail --base-url {url} --bearer secret-token --archive {folder} \
                 --compress {compress} --archive-every 1d --max 600 {more}"
            ));
            command.env("XSTREAM_TEST_SPEED", "50");
            run(&mut command)
        };
        let output = limited(&format!("--journal {}", records.path()));
        assert_eq!((output.status.code(), values(&output.stdout).len()), (Some(1), 600), "{}", stderr(&output));
        let failures: Vec<Value> =
            records.records().into_iter().filter(|record| record["event"] == "archive_failed").collect();
        assert_eq!((failures.len(), stderr(&output).matches("File too large").count()), (1, 1), "{}", stderr(&output));
        let kept = all(&files(&folder));
        let reached = values(&kept).len();
        assert_eq!((failures[0]["messages"].as_u64(), reached > 0), (Some(reached as u64), true), "{failures:?}");
        assert!(
            stderr(&output).contains(&format!("; {reached} messages archived in 1 file")),
            "{reached}: {}",
            stderr(&output)
        );
        assert!(kept.len() > 2_000 && output.stdout.starts_with(&kept), "{} bytes", kept.len());
        values(&kept);

        // Alone, the archive is all that the run is for.
        let output = limited("--no-stdout");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{}", stderr(&output));
        assert!(all(&files(&folder)).starts_with(&kept));
    }
}

#[test]
fn without_stdout_the_archive_is_the_only_output_and_no_reader_matters() {
    for redirect in ["", ">&-", "| true", "2>&1 | true"] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = serve("posts 30 every 5ms; stall");
        let (program, url, folder_path) = (binary().display(), server.url(), path(&folder));
        let status = folder.path().join(".status");
        let mut command = shell(&format!(
            "{{ {program} tail --base-url {url} --bearer secret-token --archive {folder_path} --no-stdout --max 30; \
             echo $? >{} ; }} {redirect}",
            status.display()
        ));
        command.env("XSTREAM_TEST_SPEED", "50");
        let output = run(&mut command);
        assert_eq!(output.stdout.len(), 0, "{redirect}");
        assert_eq!(fs::read_to_string(status).expect("a status"), "0\n", "{redirect}: {}", stderr(&output));
        assert_eq!(values(&all(&files(&folder))).len(), 30, "{redirect}");
    }
}

#[test]
fn a_signal_and_a_reader_that_leaves_complete_the_file() {
    for signal in [Some(Signal::TERM), None] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = serve("posts 500 every 2ms; stall");
        let mut command = tail(&server, &["--archive", path(&folder), "--compress", "gzip", "--archive-every", "1d"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).start();
        let mut stdout = child.stdout.take().expect("a pipe");
        let mut some = [0; 5000];
        stdout.read_exact(&mut some).expect("data");
        match signal {
            Some(signal) => kill(&child, signal),
            None => drop(stdout),
        }
        let output = finish(child);
        assert_eq!(output.status.code(), Some(if signal.is_some() { 143 } else { 0 }), "{}", stderr(&output));
        let files = files(&folder);
        assert!(files.len() == 1 && files.keys().all(|name| name.ends_with("-24h.ndjson.gz")), "{:?}", files.keys());
        assert!(all(&files).starts_with(&some));
        values(&all(&files));
    }
}

#[test]
fn names_have_the_stream_and_its_partition() {
    for (arguments, prefix) in [
        (&["likes-firehose", "--partition", "3"][..], "likes-firehose-p3-20"),
        (&["/2/tweets/sample/stream"], "sample-20"),
        (&["/2/tweets/firehose/stream?partition=7"], "firehose-p7-20"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = serve(r#"line '{"data":{"id":"1","text":"a"}}'; stall"#);
        let output = run(tail(&server, arguments).args(["--archive", path(&folder), "--max", "1"]));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let names: Vec<String> = files(&folder).into_keys().collect();
        assert!(names.len() == 1 && names[0].starts_with(prefix), "{names:?}");
    }
}

#[test]
fn what_cannot_be_an_archive_is_a_usage_error() {
    for arguments in [
        &["--no-stdout"][..],
        &["--archive-every", "15m"],
        &["--compress", "gzip"],
        &["--archive", "DIR", "--compress", "zip"],
        &["--archive", "DIR", "--archive-every", "7m"],
        &["--archive", "DIR", "--archive-every", "30s"],
        &["--archive", "DIR", "--archive-every", "2d"],
        &["--archive", "DIR", "--archive-every", "0m"],
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("archive");
        let place = place.to_str().expect("text");
        let arguments = arguments.iter().map(|argument| if *argument == "DIR" { place } else { argument });
        let output = run(xstream(&["tail", "--demo"]).args(arguments.clone()));
        assert_eq!(output.status.code(), Some(2), "{:?}: {}", arguments.collect::<Vec<_>>(), stderr(&output));
        assert!(!Path::new(place).exists());
    }
}

#[test]
fn an_archive_that_is_not_a_folder_is_a_usage_error_before_anything_is_requested() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("file"), "").expect("a file");
    std::os::unix::fs::symlink("nowhere", folder.path().join("link")).expect("a link");
    let server = serve("posts 1; stall");
    for name in ["file", "link", "file/sub"] {
        let output = run(&mut tail(&server, &["--archive", folder.path().join(name).to_str().expect("text")]));
        assert_eq!((output.status.code(), server.requests().len()), (Some(2), 0), "{}", stderr(&output));
        assert!(stderr(&output).contains("is not a folder"), "{}", stderr(&output));
    }
}

#[test]
fn a_crash_left_on_a_full_disk_does_not_cost_stdout() {
    let folder = tempfile::tempdir().expect("a folder");
    // More than the limit below, also when it is compressed, and without its trailer.
    let posts: Vec<String> =
        (0..3000u64).map(|n| format!("{{\"data\":{}}}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let mut part = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    part.write_all(posts.concat().as_bytes()).and_then(|()| part.flush()).expect("memory");
    let part = part.get_ref().clone();
    let name = "sample-2026-11-24T15.ndjson.gz.part";
    fs::write(folder.path().join(name), &part).expect("a file");
    let server = serve("posts 5; stall");
    for (more, printed) in [("", 5), ("--no-stdout", 0)] {
        let records = Journal::new();
        let output = run(&mut shell(&format!(
            "ulimit -f 16; exec {} tail --base-url {} --bearer secret-token --archive {} --compress gzip --max 5 \
             --journal {} {more}",
            binary().display(),
            server.url(),
            path(&folder),
            records.path()
        )));
        assert_eq!((output.status.code(), values(&output.stdout).len()), (Some(1), printed), "{}", stderr(&output));
        assert_eq!(stderr(&output).matches("File too large").count(), 1, "{}", stderr(&output));
        let failures = records.records().iter().filter(|record| record["event"] == "archive_failed").count();
        assert_eq!(failures, usize::from(printed > 0));
        assert_eq!(files(&folder).into_keys().collect::<Vec<_>>(), [name], "no litter");
        assert_eq!(fs::read(folder.path().join(name)).expect("a file"), part);
    }
}

#[test]
fn a_file_that_is_removed_while_it_is_written_is_reported_and_stdout_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = serve("posts 300 every 10ms; stall");
    let arguments = ["--archive", path(&folder), "--archive-every", "1d", "--max", "300"];
    let (mut command, records) = (tail(&server, &arguments), Journal::new());
    command.env("XSTREAM_TEST_SPEED", "50").args(["--journal", records.path()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).start();
    let lines = Lines::of(child.stdout.take().expect("a pipe"));
    lines.next();
    for name in files(&folder).into_keys() {
        fs::remove_file(folder.path().join(name)).expect("removed");
    }
    (1..300).for_each(|_| drop(lines.next()));
    let output = finish(child);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("was removed or replaced while it was written"), "{}", stderr(&output));
    assert!(files(&folder).is_empty() && !records.records().iter().any(|record| record["event"] == "archived"));
}

#[test]
fn the_summary_counts_what_was_archived() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = serve("posts 7; stall");
    for (more, text) in [(&[][..], "7 messages printed"), (&["--no-stdout"], "7 messages accepted")] {
        let output =
            run(tail(&server, &["--archive", path(&folder), "--max", "7", "--archive-every", "1d"]).args(more));
        let shown = stderr(&output);
        assert!(shown.contains(text) && shown.contains("7 messages archived in 1 file"), "{shown}");
    }
    assert_eq!(
        values(&all(&files(&folder))).iter().filter(|value| value.get("data").is_some_and(Value::is_object)).count(),
        14
    );
}

#[test]
fn a_post_that_is_deleted_after_it_was_printed_is_not_in_the_archive() {
    let script = r#"posts 2; line '{"data":{"id":"7","text":"a"}}'; posts 2 every 200ms;
                    line '{"delete":{"status":{"id":7,"id_str":"7","user_id":3,"user_id_str":"3"}}}'; stall"#;
    for (arguments, scrubbed) in [
        (&[][..], true),
        (&["--skip", "compliance"], true),
        (&["--archive-scrub", "off"], false),
        (&["--keep-deleted"], false),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = serve(script);
        let fixed = ["--archive", path(&folder), "--archive-every", "1d", "--compress", "gzip", "--for", "100s"];
        let run = journal(tail(&server, &fixed).args(arguments)).exits(0);
        let posts = |values: &[Value]| values.iter().filter(|value| value["data"]["id"] == "7").count();
        // On a slow machine the deletion may arrive with the post, which is then not printed at all.
        let (printed, archived) = (posts(&run.printed()), posts(&values(&all(&files(&folder)))));
        assert_eq!(archived, if scrubbed { 0 } else { printed }, "{arguments:?}: {run}");
        assert_eq!(run.all("archive_scrubbed").len(), if scrubbed { printed } else { 0 }, "{arguments:?}: {run}");
    }
}
