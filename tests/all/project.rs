//! What must stay true of the project as a whole.

use std::path::{Path, PathBuf};

use crate::common::{run, xstream};

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

#[test]
fn the_pure_floors_touch_no_io_no_clock_and_no_async() {
    const BANNED: [&str; 10] = [
        "tokio",
        "hyper",
        "Instant::now",
        "SystemTime",
        "std::net",
        "std::fs",
        "async fn",
        "anyhow",
        "rustix",
        "std::env",
    ];
    fn walk(folder: &Path, check: &mut impl FnMut(&Path)) {
        for path in files(folder) {
            if path.is_dir() { walk(&path, check) } else { check(&path) }
        }
    }
    let mut seen = 0;
    for floor in ["protocol", "pipeline", "session", "observe"] {
        walk(&root().join("src").join(floor), &mut |path| {
            seen += 1;
            let text = std::fs::read_to_string(path).expect("text");
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                for word in BANNED {
                    assert!(!line.contains(word), "{}: {line}", path.display());
                }
            }
        });
    }
    assert!(seen > 15);
}

#[test]
fn imports_go_down_only() {
    let above = [
        (
            "protocol",
            &["pipeline", "session", "observe", "net", "terminal", "simulator", "drive", "command", "cli"][..],
        ),
        ("pipeline", &["session", "observe", "net", "terminal", "simulator", "drive", "command", "cli"]),
        ("session", &["observe", "net", "terminal", "simulator", "drive", "command", "cli"]),
        ("observe", &["net", "store", "terminal", "simulator", "drive", "command", "cli"]),
        ("simulator", &["pipeline", "session", "observe", "net", "terminal", "drive", "command", "cli"]),
        ("net", &["terminal", "simulator", "drive", "command", "cli"]),
        ("terminal", &["net", "simulator", "drive", "command", "cli"]),
    ];
    for (floor, banned) in above {
        for path in files(&root().join("src").join(floor)).iter().filter(|path| path.is_file()) {
            let text = std::fs::read_to_string(path).expect("text");
            for name in banned {
                assert!(!text.contains(&format!("crate::{name}")), "{} uses {name}", path.display());
            }
        }
    }
}

#[test]
fn the_readme_names_every_verb_and_exit_status() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("a README");
    for word in ["xstream tail", "xstream replay", "xstream simulate", "xstream explain"] {
        assert!(readme.contains(word), "{word}");
    }
    for status in [0, 1, 2, 3, 4, 5, 130, 143] {
        assert!(readme.contains(&format!("| {status} |")), "exit status {status}");
    }
}
