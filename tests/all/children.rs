//! The command helper itself: what children inherit, and that none outlives the tests.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};

use crate::common::{BOUND, Running, Signal, Start as _, binary, command, serve, shell, tail, wait};

/// Names the way in which [`planted_failure`] fails.
const FAILURE: &str = "XSTREAM_TEST_FAILURE";

/// Not a test by itself: starts every sort of child, prints their process ids and fails.
#[test]
fn planted_failure() {
    let Ok(failure) = std::env::var(FAILURE) else { return };
    let server = serve("posts every 10ms");
    let line = format!("{} tail --base-url {} --bearer x", binary().display(), server.url());
    let direct = tail(&server, &[]).stdout(Stdio::null()).stderr(Stdio::null()).start();
    // The shell's own children print their ids, whichever they are.
    let mut piped = shell(&format!("sh -c 'echo $$; exec {line} 2>/dev/null' | (sh -c 'echo $PPID'; cat)"));
    let mut piped = piped.stdout(Stdio::piped()).start();
    let mut ids = BufReader::new(piped.stdout.take().expect("a pipe")).lines().map(|line| line.expect("text"));
    let mut first_two = [ids.next(), ids.next()].map(|id| id.expect("an id"));
    first_two.sort();
    let (terminal, _pty) = shell(&format!("{line}; :")).start_on_terminal(24, 80);
    for id in [direct.id(), piped.id(), terminal.id()].map(|id| id.to_string()).iter().chain(&first_two) {
        println!("PID={id};");
    }
    assert_ne!(failure, "panic", "planted");
    // Killed by a supervisor: nothing is dropped.
    rustix::process::kill_process(rustix::process::getpid(), Signal::KILL).expect("this process");
    std::thread::sleep(BOUND);
}

fn run_planted_failure(failure: &str) -> (std::process::ExitStatus, Vec<i32>) {
    let mut program = command(std::env::current_exe().expect("this program"));
    program.args(["--exact", "children::planted_failure", "--nocapture"]).env(FAILURE, failure);
    let mut child: Running = program.stdout(Stdio::piped()).stderr(Stdio::null()).start();
    let mut text = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut text).expect("text");
    let ids = text.lines().filter_map(|line| line.strip_prefix("PID=")?.strip_suffix(';')?.parse().ok()).collect();
    (wait(&mut child), ids)
}

#[test]
fn no_child_outlives_a_test_that_fails_or_a_test_process_that_is_killed() {
    for (failure, code, signal) in [("panic", Some(101), None), ("kill", None, Some(9))] {
        let (status, ids) = run_planted_failure(failure);
        assert_eq!((status.code(), status.signal(), ids.len()), (code, signal, 5), "{failure}: {ids:?}");
        let end = Instant::now() + BOUND;
        for id in ids {
            while test_kill_process(Pid::from_raw(id).expect("an id")).is_ok() {
                assert!(Instant::now() < end, "{failure}: process {id} is still there");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

#[test]
fn children_start_with_default_signals_umask_and_environment() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    let script = format!("umask; env | sed 's/=.*//' | grep -Ev '^(PWD|SHLVL|_|OLDPWD)$'; touch {}", file.display());
    let output = shell(&script).output().expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["0022", "PATH"]);
    assert_eq!(fs::metadata(file).expect("a file").permissions().mode() & 0o777, 0o644);
    // A signal that is ignored does not end the shell.
    for (name, signal) in [
        ("HUP", Signal::HUP),
        ("INT", Signal::INT),
        ("QUIT", Signal::QUIT),
        ("PIPE", Signal::PIPE),
        ("USR1", Signal::USR1),
        ("TERM", Signal::TERM),
    ] {
        let status = shell(&format!("kill -{name} $$")).status().expect("a shell");
        assert_eq!(status.signal(), Some(signal.as_raw()), "{name}");
    }
}
