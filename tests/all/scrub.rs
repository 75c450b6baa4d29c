//! `xstream scrub`: archives in, archives out, through the real binary.

mod oracle;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{
    BOUND, Signal, Start as _, binary, command, finish, kill, run, run_on_a_terminal, shell, shown_until, stderr,
    values, wait, xstream,
};

const DELETE_66: &str =
    r#"{"data":{"delete":{"tweet":{"id":"66","author_id":"5"},"event_at":"2022-12-23T12:34:56.789Z"}}}"#;
const POST_66: &str = r#"{"data":{"id":"66","text":"x"}}"#;
const POST_67: &str = r#"{"data":{"id":"67","text":"x"}}"#;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, if is_gzip(name) { gzip(text) } else { text.as_bytes().to_vec() }).expect("a file");
    }
    folder
}

fn is_gzip(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "gz")
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

/// The contents of a file, inflated if it is gzip.
fn text(path: &Path) -> String {
    let bytes = fs::read(path).expect("a file");
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("gzip");
        text
    } else {
        String::from_utf8(bytes).expect("text")
    }
}

/// Runs `scrub` in a folder.
fn scrub(folder: &TempDir, arguments: &[&str]) -> Output {
    run(xstream(&[&["scrub"], arguments].concat()).current_dir(folder.path()))
}

fn status(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{}", stderr(output)))
}

/// The names of all that is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name().into_string().expect("text");
    let mut names: Vec<String> = fs::read_dir(folder).expect("a folder").map(name).collect();
    names.sort();
    names
}

/// The result that is reported for each file.
fn results(output: &Output) -> Vec<(String, String)> {
    let text = |value: &Value, key: &str| value[key].as_str().map(ToOwned::to_owned);
    let records = values(&output.stdout);
    records.iter().filter_map(|record| Some((text(record, "file")?, text(record, "result")?))).collect()
}

fn total(output: &Output, name: &str) -> u64 {
    values(&output.stdout)
        .last()
        .and_then(|last| last["total"][name].as_u64())
        .unwrap_or_else(|| panic!("{}", stderr(output)))
}

#[test]
fn an_effect_of_one_file_is_applied_to_all_and_other_lines_stay_byte_for_byte() {
    let folder = folder(&[
        ("a.ndjson", &format!("{POST_66}\r\n\r\n{POST_67}\r\nnot JSON {POST_66}\n{POST_66}")),
        ("sub/b.jsonl.gz", &format!("{DELETE_66}\n{POST_66}\n{POST_67}")),
        ("sub/c.txt", POST_66),
    ]);
    let output = scrub(&folder, &["."]);
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    assert_eq!(text(&folder.path().join("a.ndjson")), format!("\r\n{POST_67}\r\nnot JSON {POST_66}\n"));
    assert_eq!(text(&folder.path().join("sub/b.jsonl.gz")), format!("{DELETE_66}\n{POST_67}"));
    assert!(fs::read(folder.path().join("sub/b.jsonl.gz")).expect("a file").starts_with(&[0x1f, 0x8b]));
    assert_eq!(text(&folder.path().join("sub/c.txt")), POST_66);
    assert_eq!((total(&output, "removed"), total(&output, "malformed"), total(&output, "events")), (3, 1, 1));
    let again = scrub(&folder, &["."]);
    assert_eq!((status(&again), total(&again, "changed")), (0, 0));
}

#[test]
fn envelopes_nested_posts_and_locations_are_scrubbed() {
    let events = [
        DELETE_66,
        r#"{"scrub_geo":{"user_id":88,"user_id_str":"88","up_to_status_id":500,"up_to_status_id_str":"500"}}"#,
        r#"{"user_protect":{"id":77,"timestamp_ms":"1432228177137"}}"#,
    ]
    .join("\n");
    let folder = folder(&[
        ("events", &events),
        (
            "a.ndjson",
            "\u{feff}{\"kind\":\"post\",\"dialect\":\"v2\",\"message\":{\"data\":{\"id\":\"66\",\"text\":\"x\"}}}\n\
             {\"kind\":\"post\",\"dialect\":\"v2\",\"message\":{\"data\":{\"id\":\"1\",\"text\":\"x\"},\"includes\":{\"tweets\":[{\"id\":\"66\"}]}}}\n\
             {\"id\":500,\"text\":\"x\",\"geo\":{},\"user\":{\"id\":88}}\n\
             {\"id\":501,\"text\":\"x\",\"geo\":{},\"user\":{\"id\":88}}\n\
             {\"id\":2,\"text\":\"x\",\"user\":{\"id\":77}}\n\
             {\"id\":3,\"text\":\"x\",\"retweeted_status\":{\"id\":66,\"text\":\"x\"}}\n",
        ),
    ]);
    let output = scrub(&folder, &["--events", "events", "a.ndjson"]);
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    assert_eq!(
        text(&folder.path().join("a.ndjson")),
        "\u{feff}{\"kind\":\"post\",\"dialect\":\"v2\",\"message\":{\"data\":{\"id\":\"1\",\"text\":\"x\"},\"includes\":{\"tweets\":[]}}}\n\
         {\"id\":500,\"text\":\"x\",\"user\":{\"id\":88}}\n\
         {\"id\":501,\"text\":\"x\",\"geo\":{},\"user\":{\"id\":88}}\n"
    );
    assert_eq!((total(&output, "removed"), total(&output, "cut")), (3, 2));
    assert_eq!((total(&output, "cut_posts"), total(&output, "cut_locations")), (1, 1));
    // Events from stdin, plain or gzip.
    fs::write(folder.path().join("a.ndjson"), POST_66).expect("a file");
    let mut child = xstream(&["scrub", "--events", "-", "a.ndjson"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .start();
    child.stdin.take().expect("a pipe").write_all(&gzip(DELETE_66)).expect("a reader");
    assert_eq!((status(&finish(child)), text(&folder.path().join("a.ndjson"))), (0, String::new()));
}

#[test]
fn the_mode_and_the_times_stay_and_an_archive_without_a_change_is_not_touched() {
    let folder = folder(&[("a.ndjson", &format!("{POST_66}\n{DELETE_66}\n")), ("b.ndjson", POST_67)]);
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_500_000_000, 5);
    for name in ["a.ndjson", "b.ndjson"] {
        let file = fs::File::options().write(true).open(folder.path().join(name)).expect("a file");
        file.set_permissions(fs::Permissions::from_mode(0o640)).expect("a mode");
        file.set_times(fs::FileTimes::new().set_accessed(time).set_modified(time)).expect("times");
    }
    let about = |name: &str| fs::metadata(folder.path().join(name)).expect("a file");
    let before = ["a.ndjson", "b.ndjson"].map(|name| about(name).ino());
    let output = scrub(&folder, &["."]);
    let want = [("./a.ndjson", "rewritten"), ("./b.ndjson", "unchanged")];
    assert_eq!(results(&output), want.map(|(name, result)| (name.to_owned(), result.to_owned())));
    for name in ["a.ndjson", "b.ndjson"] {
        assert_eq!((about(name).mode() & 0o777, about(name).modified().expect("a time")), (0o640, time));
    }
    assert_eq!((about("a.ndjson").ino() == before[0], about("b.ndjson").ino() == before[1]), (false, true));
    assert_eq!(names(folder.path()), ["a.ndjson", "b.ndjson"]);
}

#[test]
fn dry_run_and_check_change_nothing_and_check_has_an_exit_status() {
    let line = format!("{POST_66}\n{DELETE_66}\n");
    let folder = folder(&[("a.ndjson", &line), (".a.ndjson.xstream-scrub", "left")]);
    for (option, code) in [("--dry-run", 0), ("--check", 7)] {
        let output = scrub(&folder, &[option, "."]);
        assert_eq!((status(&output), total(&output, "removed")), (code, 1));
        assert_eq!(results(&output), [("./a.ndjson".to_owned(), "would_change".to_owned())]);
        assert_eq!(text(&folder.path().join("a.ndjson")), line);
        assert_eq!(names(folder.path()).len(), 2);
    }
    assert_eq!(status(&scrub(&folder, &["."])), 0);
    assert_eq!((status(&scrub(&folder, &["--check", "."])), names(folder.path())), (0, vec!["a.ndjson".to_owned()]));
}

#[test]
fn the_newest_state_counts_and_withholding_depends_on_the_country() {
    let withheld = |at: u32, codes: &str| {
        format!(
            r#"{{"data":{{"withheld":{{"tweet":{{"id":"66"}},"withheld_in_countries":[{codes}],"event_at":"2022-01-0{at}T00:00:00Z"}}}}}}"#
        )
    };
    let left = |events: &[String], arguments: &[&str]| {
        let folder = folder(&[("a.ndjson", &format!("{POST_66}\n{}", events.join("\n")))]);
        assert_eq!(status(&scrub(&folder, &[arguments, &["a.ndjson"]].concat())), 0);
        text(&folder.path().join("a.ndjson")).contains(POST_66)
    };
    assert!(left(&[withheld(1, "\"DE\"")], &[]));
    assert!(left(&[withheld(1, "\"DE\"")], &["--withheld-in", "fr,at"]));
    assert!(!left(&[withheld(1, "\"DE\"")], &["--withheld-in", "fr,de"]));
    assert!(!left(&[withheld(1, "\"de\"")], &["--withheld-in", "FR", "--withheld-in", "DE"]));
    assert!(!left(&[withheld(1, "\"XY\"")], &[]));
    assert!(left(&[withheld(2, ""), withheld(1, "\"XX\"")], &[]));
    assert!(!left(&[withheld(1, ""), withheld(2, "\"XX\"")], &[]));
    // What a post says of itself counts without any event.
    let own = r#"{"id":1,"text":"x","withheld_in_countries":["XX"]}"#;
    let folder = folder(&[("a.ndjson", own)]);
    assert_eq!(
        (total(&scrub(&folder, &["a.ndjson"]), "removed"), text(&folder.path().join("a.ndjson"))),
        (1, String::new())
    );
}

#[test]
fn edits_latest_keeps_the_newest_version_that_is_present() {
    let edit =
        r#"{"data":{"tweet_edit":{"tweet":{"id":"68"},"initial_tweet_id":"66","edit_tweet_ids":["66","67","68"]}}}"#;
    let own = r#"{"data":{"id":"9","text":"x","edit_history_tweet_ids":["8","9"]}}"#;
    let quote = r#"{"data":{"id":"1","text":"x"},"includes":{"tweets":[{"id":"66"}]}}"#;
    let older = r#"{"data":{"id":"8","text":"x","edit_history_tweet_ids":["8"]}}"#;
    let archive = [POST_66, POST_67, edit, older, own, quote].join("\n");
    let folder = folder(&[("a.ndjson", &archive), ("b.ndjson", POST_67)]);
    assert_eq!(total(&scrub(&folder, &["."]), "changed"), 0);
    assert_eq!(total(&scrub(&folder, &["--edits", "latest", "."]), "removed"), 2);
    assert_eq!(text(&folder.path().join("a.ndjson")), [POST_67, edit, own, quote].join("\n"));
    // A version that is deleted does not replace an older one.
    let delete_67 = DELETE_66.replace("66", "67");
    fs::write(folder.path().join("a.ndjson"), [POST_67, POST_66, edit, &delete_67].join("\n")).expect("a file");
    assert_eq!(total(&scrub(&folder, &["--edits", "latest", "a.ndjson"]), "removed"), 1);
    assert!(text(&folder.path().join("a.ndjson")).starts_with(POST_66));
}

#[test]
fn a_damaged_archive_is_reported_with_the_offset_and_stays_unless_it_is_salvaged() {
    let lines = |n: usize| format!("{{\"data\":{{\"id\":\"{n}\",\"text\":\"x\"}}}}\n");
    let whole: String = (0..5000).map(lines).collect();
    let folder = folder(&[("b.ndjson", POST_66), ("events.ndjson.gz", DELETE_66)]);
    let path = folder.path().join("a.ndjson.gz");
    let bytes = gzip(&whole);
    let cut = &bytes[..bytes.len() / 2];
    fs::write(&path, cut).expect("a file");
    let arguments = ["--events", "events.ndjson.gz", "a.ndjson.gz", "b.ndjson"];
    let output = scrub(&folder, &arguments);
    assert_eq!(status(&output), 1);
    let record = values(&output.stdout).into_iter().find(|record| record["result"] == "damaged").expect("a record");
    assert_eq!((&record["file"], &record["removed"]), (&"a.ndjson.gz".into(), &1.into()));
    assert_eq!(record["damage"]["offset"], cut.len());
    assert!(stderr(&output).contains(&format!("byte {}", cut.len())));
    assert_eq!(fs::read(&path).expect("a file"), cut);
    // The other archive is replaced all the same, and an event in the damaged one would have counted.
    assert_eq!(text(&folder.path().join("b.ndjson")), "");
    assert_eq!(status(&scrub(&folder, &[&["--check"], &arguments[..]].concat())), 1);
    assert_eq!(status(&scrub(&folder, &[&["--check", "--salvage"], &arguments[..]].concat())), 7);
    let output = scrub(&folder, &[&["--salvage"], &arguments[..]].concat());
    assert_eq!(status(&output), 0, "{}", stderr(&output));
    let left = text(&path);
    assert!(left.ends_with("\"}}\n") && left.lines().count() > 1000 && !left.contains("\"66\""));
    assert!(whole.replace(&lines(66), "").starts_with(&left));
    assert_eq!(total(&scrub(&folder, &["--check", "."]), "damaged"), 0);
    // A damage without an effect is salvaged as well.
    fs::write(&path, cut).expect("a file");
    assert_eq!((status(&scrub(&folder, &["--salvage", "a.ndjson.gz"])), text(&path).is_empty()), (0, false));
}

#[test]
fn events_before_a_damage_count() {
    let folder = folder(&[("b.ndjson", POST_66)]);
    let whole = gzip(&format!("{DELETE_66}\n{}", "{}\n".repeat(50_000)));
    fs::write(folder.path().join("events"), &whole[..whole.len() - 4]).expect("a file");
    for (salvage, code) in [(&["--salvage"][..], 0), (&[], 1)] {
        fs::write(folder.path().join("b.ndjson"), POST_66).expect("a file");
        assert_eq!(status(&scrub(&folder, &[salvage, &["--events", "events", "b.ndjson"]].concat())), code);
        assert_eq!(text(&folder.path().join("b.ndjson")), "");
    }
}

#[test]
fn bad_input_is_reported_before_anything_is_replaced() {
    let line = format!("{POST_66}\n{DELETE_66}\n");
    let folder = folder(&[("a.ndjson", &line), ("events.csv", "id,action\n66,delete\n"), ("empty/notes.txt", "")]);
    fs::hard_link(folder.path().join("a.ndjson"), folder.path().join("b.ndjson")).expect("a link");
    for (arguments, part) in [
        (&[][..], "ARCHIVE"),
        (&["a.ndjson", "missing.ndjson"], "missing.ndjson"),
        (&["--events", "missing", "a.ndjson"], "missing"),
        (&["--events", "events.csv", "a.ndjson"], "not NDJSON"),
        (&["--events", "empty", "a.ndjson"], "folder"),
        (&["--events", "a.ndjson", "a.ndjson"], "one of the archives"),
        (&["--events", "b.ndjson", "a.ndjson"], "one of the archives"),
        (&["--withheld-in", "Germany", "a.ndjson"], "two letters"),
        (&["--withheld-in", "D1", "a.ndjson"], "two letters"),
        (&["--withheld-in", "DE,", "a.ndjson"], "two letters"),
        (&["--edits", "first", "a.ndjson"], "latest"),
        (&["empty"], "no archive"),
        (&["a.ndjson", "a.ndjson"], "twice"),
        (&["a.ndjson", "./a.ndjson"], "same file"),
        (&["a.ndjson", "b.ndjson"], "same file"),
        (&["."], "same file"),
        (&["/dev/null"], "regular file"),
    ] {
        let output = scrub(&folder, arguments);
        assert_eq!(status(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(part) && stderr(&output).lines().count() == 1, "{}", stderr(&output));
        assert!(output.stdout.is_empty());
        assert_eq!(text(&folder.path().join("a.ndjson")), line, "{arguments:?}");
    }
    let append = fs::File::options().append(true).open(folder.path().join("a.ndjson")).expect("a file");
    let child =
        xstream(&["scrub", "a.ndjson"]).current_dir(folder.path()).stdout(append).stderr(Stdio::piped()).start();
    assert_eq!((status(&finish(child)), text(&folder.path().join("a.ndjson"))), (2, line));
    // Another name of a file that is replaced keeps the old contents, which is said.
    let output = scrub(&folder, &["a.ndjson"]);
    assert!(status(&output) == 0 && stderr(&output).contains("hard links"), "{}", stderr(&output));
}

#[test]
fn an_archive_that_cannot_be_replaced_stays_and_the_others_are_replaced() {
    let line = format!("{POST_66}\n{DELETE_66}\n");
    let folder = folder(&[("a.ndjson", &line), ("b.ndjson", POST_66)]);
    // A folder in the place of the new contents.
    fs::create_dir(folder.path().join(".a.ndjson.xstream-scrub")).expect("a folder");
    let output = scrub(&folder, &["a.ndjson", "b.ndjson"]);
    assert_eq!((status(&output), total(&output, "failed")), (1, 1));
    assert!(stderr(&output).contains("a.ndjson cannot be replaced"), "{}", stderr(&output));
    assert_eq!((text(&folder.path().join("a.ndjson")), text(&folder.path().join("b.ndjson"))), (line, String::new()));
}

#[test]
fn a_terminal_shows_a_table_and_the_progress_in_large_archives() {
    let folder = folder(&[("a.ndjson", &format!("{POST_66}\n{DELETE_66}\n"))]);
    let path = folder.path().join("a.ndjson");
    let (code, shown) = run_on_a_terminal(xstream(&["scrub", path.to_str().expect("text")]));
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("FILE") && shown.contains("rewritten") && shown.contains("1 of 1 archive"), "{shown}");
    fs::write(&path, format!("{}\n", "x".repeat(1 << 16)).repeat(300)).expect("a file");
    let (_child, mut pty) = crate::common::on_a_terminal(xstream(&["scrub", path.to_str().expect("text")]));
    assert!(shown_until(&mut pty, Some("%")).contains("scrub"));
}

/// A folder of archives in which every third post is deleted, and what they are after a run.
struct Archives {
    folder: TempDir,
    events: PathBuf,
    /// Name, contents before and contents after.
    files: Vec<(String, Vec<u8>, String)>,
}

impl Archives {
    fn new() -> Archives {
        let folder = tempfile::tempdir().expect("a folder");
        let events = folder.path().join("events");
        let delete = |id: usize| DELETE_66.replace("66", &id.to_string()) + "\n";
        fs::write(&events, (0..9000).step_by(3).map(delete).collect::<String>()).expect("a file");
        let mut files = Vec::new();
        for (name, from) in [("a.ndjson", 0), ("b.ndjson.gz", 2000), ("c.ndjson", 4000), ("d.ndjson.gz", 8000)] {
            let line =
                |id: usize| format!("{{\"data\":{{\"id\":\"{id}\",\"text\":\"{}\"}}}}\n", "x".repeat(id % 700 + 900));
            // One file is large enough for several threads.
            let ids = from..if name == "c.ndjson" { 8000 } else { from + 500 };
            let before: String = ids.clone().map(line).collect();
            let after: String = ids.filter(|id| id % 3 != 0).map(line).collect();
            let before = if is_gzip(name) { gzip(&before) } else { before.into_bytes() };
            files.push((name.to_owned(), before, after));
        }
        fs::create_dir(folder.path().join("archive")).expect("a folder");
        Archives { folder, events, files }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("archive").join(name)
    }

    fn restore(&self) {
        for (name, before, _) in &self.files {
            fs::write(self.path(name), before).expect("a file");
        }
    }

    fn command(&self) -> Command {
        let mut command = xstream(&["scrub", "-q", "--events"]);
        command.arg(&self.events).arg(self.folder.path().join("archive"));
        command
    }

    /// How many archives are as they are after a run; every other one must be as it was.
    fn replaced(&self) -> usize {
        let replaced = |(name, before, after): &(String, Vec<u8>, String)| {
            let path = self.path(name);
            let is_new = text(&path) == *after;
            assert!(is_new || fs::read(&path).expect("a file") == *before, "{name} is neither the old nor the new one");
            is_new
        };
        self.files.iter().filter(|file| replaced(file)).count()
    }
}

/// Runs a command and sends a signal as soon as a condition holds, unless the command ends before.
fn signal_once(command: &mut Command, reached: impl Fn() -> bool, signal: Signal) -> ExitStatus {
    let mut child = command.stdout(Stdio::null()).start();
    let began = Instant::now();
    while !reached() {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        assert!(began.elapsed() < BOUND);
        std::thread::yield_now();
    }
    // Not waited for yet, so its number is still its own.
    kill(&child, signal);
    wait(&mut child)
}

#[test]
fn a_kill_at_any_point_leaves_old_or_new_archives_and_a_rerun_completes_without_litter() {
    let archives = Archives::new();
    let mut midway = 0;
    for n in 0..12 {
        archives.restore();
        let (name, before, _) = &archives.files[n % 4];
        let fresh = archives.path(&format!(".{name}.xstream-scrub"));
        // From the first byte of the new contents to nearly the last one.
        let enough = (before.len() / 12 * (n / 4) * 4) as u64;
        let reached = || fs::metadata(&fresh).is_ok_and(|about| about.len() >= enough);
        signal_once(&mut archives.command(), reached, Signal::KILL);
        let replaced = archives.replaced();
        midway += usize::from(replaced < archives.files.len());
        assert_eq!(run(&mut archives.command()).status.code(), Some(0));
        assert_eq!(archives.replaced(), archives.files.len());
        assert_eq!(names(&archives.folder.path().join("archive")).len(), archives.files.len());
    }
    assert!(midway > 0, "no run was killed before its end");
}

#[test]
fn a_signal_ends_the_work_with_nothing_half_and_no_litter() {
    let archives = Archives::new();
    archives.restore();
    let fresh = archives.path(".c.ndjson.xstream-scrub");
    let status = signal_once(&mut archives.command(), || fresh.exists(), Signal::TERM);
    archives.replaced();
    // The signal may come too late to end anything.
    assert!(matches!(status.code(), Some(0 | 143)), "{status}");
    assert_eq!(names(&archives.folder.path().join("archive")).len(), archives.files.len());
}

#[test]
fn a_signal_ends_the_wait_for_events_that_do_not_come() {
    let folder = folder(&[("a.ndjson", POST_66)]);
    let mut command = xstream(&["scrub", "--events", "-", "a.ndjson"]);
    let mut child = command.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::null()).start();
    // A write that the pipe does not hold ends when the process reads.
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(&b"{}\n".repeat(1 << 20)).expect("it reads");
    kill(&child, Signal::INT);
    let status = wait(&mut child);
    assert!(status.signal() == Some(2) || status.code() == Some(130), "{status}");
    assert_eq!(names(folder.path()), ["a.ndjson"]);
}

#[test]
fn what_lies_in_the_way_of_the_new_contents_or_limits_them_is_an_error() {
    let folder = folder(&[("a.ndjson", &format!("{DELETE_66}\n{POST_66}\n{}", "{\"x\":1}\n".repeat(4000)))]);
    let limited =
        shell(&format!("ulimit -f 4; exec {} scrub a.ndjson", binary().display())).current_dir(&folder).output();
    assert_eq!(limited.expect("a shell").status.code(), Some(1));
    assert_eq!(names(folder.path()), ["a.ndjson"]);
    let fifo = folder.path().join(".a.ndjson.xstream-scrub");
    assert!(command("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    assert_eq!(status(&scrub(&folder, &["a.ndjson"])), 1);
}
