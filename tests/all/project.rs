//! What must stay true of the project as a whole.

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use xstream::cli::Cli;

use crate::common::{run, sources, xstream};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

// They describe the program with all its features.
#[cfg(feature = "jq")]
#[test]
fn man_pages_and_completions_are_those_the_binary_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(&mut xstream(&["generate", folder.path().to_str().expect("text")]));
    assert!(output.status.success());
    for name in ["man", "completions"] {
        let (ours, fresh) = (files(&root().join(name)), files(&folder.path().join(name)));
        let names = |files: &[PathBuf]| -> Vec<_> {
            files.iter().map(|path| path.file_name().map(ToOwned::to_owned)).collect()
        };
        assert_eq!(names(&ours), names(&fresh), "run `xstream generate`");
        for (ours, fresh) in ours.iter().zip(&fresh) {
            let read = |path: &Path| std::fs::read_to_string(path).expect("text");
            assert!(read(ours) == read(fresh), "{} is out of date: run `xstream generate`", ours.display());
        }
    }
}

/// What the pure floors must not do: io, clocks, async.
const BANNED: [&str; 10] =
    ["tokio", "hyper", "Instant::now", "SystemTime", "std::net", "std::fs", "async fn", "anyhow", "rustix", "std::env"];

/// The lines of code on the pure floors that use something banned.
fn impure(files: &[(String, String)]) -> Vec<String> {
    const PURE: [&str; 7] = ["redact.rs", "text.rs", "time.rs", "protocol", "pipeline", "session", "observe"];
    let mut found = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| PURE.iter().any(|floor| Path::new(path).starts_with(floor))) {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        found.extend(
            code.filter(|line| BANNED.iter().any(|word| line.contains(word))).map(|line| format!("{path}: {line}")),
        );
    }
    found
}

#[test]
fn the_pure_floors_touch_no_io_no_clock_and_no_async() {
    let files = sources(Path::new("src"));
    assert!(files.len() > 50);
    assert_eq!(impure(&files), [""; 0]);
}

#[test]
fn a_planted_impurity_is_found_on_every_pure_floor() {
    for path in ["text.rs", "time.rs", "protocol/a/b.rs", "pipeline/a.rs", "session/mod.rs", "observe/row.rs"] {
        for word in BANNED {
            let text = format!("// {word} in a comment\n    let _ = {word};\n");
            assert_eq!(impure(&[(path.to_owned(), text)]), [format!("{path}:     let _ = {word};")]);
        }
    }
    assert_eq!(impure(&[("net/dial.rs".to_owned(), "use tokio;".to_owned())]), [""; 0]);
}

/// The verbs and exit statuses that a README does not name.
fn missing(readme: &str, verbs: &[String]) -> Vec<String> {
    let verbs = verbs.iter().map(|verb| format!("xstream {verb}"));
    let statuses = [0, 1, 2, 3, 4, 5, 7, 130, 143].map(|status| format!("| {status} |"));
    verbs.chain(statuses).filter(|text| !readme.contains(text.as_str())).collect()
}

/// The verbs that help lists, as clap knows them.
fn verbs() -> Vec<String> {
    let shown = Cli::command();
    shown.get_subcommands().filter(|verb| !verb.is_hide_set()).map(|verb| verb.get_name().to_owned()).collect()
}

#[test]
fn the_readme_names_every_verb_and_exit_status() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("a README");
    assert_eq!(missing(&readme, &verbs()), [""; 0]);
}

#[test]
fn a_verb_or_exit_status_that_the_readme_lacks_is_found() {
    let verbs = verbs();
    assert!(verbs.len() > 6 && !verbs.contains(&"generate".to_owned()), "{verbs:?}");
    let readme = std::fs::read_to_string(root().join("README.md")).expect("a README");
    for verb in &verbs {
        let text = format!("xstream {verb}");
        assert_eq!(missing(&readme.replace(&text, ""), &verbs), [text]);
    }
    assert_eq!(missing(&readme.replace("| 143 |", ""), &verbs), ["| 143 |"]);
    assert_eq!(missing(&readme, &["new-verb".to_owned()]), ["xstream new-verb"]);
}

/// The lines of tests that start a process past the guard of [`crate::common::child`].
fn unguarded(files: &[(String, String)]) -> Vec<String> {
    let others = files.iter().filter(|(path, _)| path != "common/child.rs" && path != "project.rs");
    let lines = others.flat_map(|(path, text)| text.lines().map(move |line| format!("{path}: {}", line.trim())));
    lines.filter(|line| line.contains(".spawn()") || line.contains("Command::new(")).collect()
}

#[test]
fn every_child_of_a_test_is_guarded() {
    assert_eq!(unguarded(&sources(Path::new("tests/all"))), [""; 0]);
    let planted = ("tail.rs".to_owned(), "    Command::new(\"sh\");\n    command.spawn();".to_owned());
    assert_eq!(unguarded(&[planted]), ["tail.rs: Command::new(\"sh\");", "tail.rs: command.spawn();"]);
}
