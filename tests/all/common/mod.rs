//! What the end-to-end tests share: the real binary with a clean environment, and the simulator.

#![allow(dead_code, reason = "each test file uses its own part")]

pub mod agree;
pub mod child;
pub mod journal;
pub mod proxy;
pub mod schema;
pub mod screen;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, kill_process};
use serde_json::Value;
use xstream::simulator::{Script, Server, ServerOptions};

pub use rustix::process::Signal;

pub use self::child::{Running, Start, command};
pub use self::journal::{Journal, Run, journal};

/// Long enough for the slowest machine; a test that fails waits no longer.
pub const BOUND: Duration = Duration::from_secs(30);

/// The binary with nothing of the developer's environment that could change a result.
pub fn xstream(arguments: &[&str]) -> Command {
    let mut command = command(binary());
    // Hours of backoff pass in seconds; it works towards loopback only.
    command.env("XSTREAM_TEST_SPEED", "50").args(arguments);
    command
}

/// What replaces the token wherever it would be printed.
pub const TOKEN_MARK: &str = "(the token)";

/// The path of the binary, for command lines of a shell.
pub fn binary() -> &'static Path {
    cargo_bin!()
}

/// A shell with this command line.
pub fn shell(line: &str) -> Command {
    let mut command = command("sh");
    command.args(["-c", line]);
    command
}

/// A simulator that plays `script`.
pub fn serve(script: &str) -> Server {
    serve_with(script, |_| {})
}

/// A simulator that plays `script`, set up further.
pub fn serve_with(script: &str, set_up: impl FnOnce(&mut ServerOptions)) -> Server {
    let mut options = ServerOptions::new(Script::parse(script).unwrap_or_else(|error| panic!("{script}: {error}")));
    set_up(&mut options);
    Server::spawn(options).expect("a loopback server")
}

/// A folder with files for a run.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    /// The path of a file that need not exist.
    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("text").to_owned()
    }

    /// Writes a file and returns its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// The server's authority in a file.
    pub fn ca(&self, server: &Server) -> String {
        self.file("ca.pem", server.ca_pem().expect("an authority"))
    }
}

/// `xstream tail` towards a server.
pub fn tail(server: &Server, arguments: &[&str]) -> Command {
    let mut command = xstream(&["tail", "--base-url", &server.url(), "--bearer", "secret-token"]);
    command.args(arguments);
    command
}

/// How often a stream was requested. Other requests do not count.
pub fn dials(server: &Server) -> usize {
    server
        .requests()
        .iter()
        .filter(|request| request.path != "/2/connections" && !request.path.ends_with("/rules"))
        .count()
}

/// Runs to the end, within the bound.
pub fn run(command: &mut Command) -> Output {
    finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).start())
}

/// Collects what a child prints until it ends, within the bound.
pub fn finish(mut child: Running) -> Output {
    let drain = |stream: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut stream) = stream {
                let _ = stream.read_to_end(&mut bytes);
            }
            bytes
        })
    };
    let out = drain(child.stdout.take().map(|stream| Box::new(stream) as _));
    let err = drain(child.stderr.take().map(|stream| Box::new(stream) as _));
    let status = wait(&mut child);
    Output { status, stdout: out.join().expect("read"), stderr: err.join().expect("read") }
}

/// Waits for a child to end, within the bound.
pub fn wait(child: &mut Running) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        assert!(began.elapsed() < BOUND, "still running after {BOUND:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The lines of a stream as they come, each within the bound.
pub struct Lines(mpsc::Receiver<String>);

impl Lines {
    pub fn of(stream: impl Read + Send + 'static) -> Lines {
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Lines(receive)
    }

    pub fn next(&self) -> String {
        self.0.recv_timeout(BOUND).expect("another line within the bound")
    }

    /// Skips lines up to one that contains `text`.
    pub fn until(&self, text: &str) -> String {
        let mut seen = Vec::new();
        loop {
            let Ok(line) = self.0.recv_timeout(BOUND) else {
                panic!("no line with {text:?} in {seen:#?}");
            };
            if line.contains(text) {
                return line;
            }
            seen.push(line);
        }
    }
}

/// Every line of stdout as JSON. Anything else on it, or half a line, fails the test.
pub fn values(stdout: &[u8]) -> Vec<Value> {
    assert!(stdout.is_empty() || stdout.ends_with(b"\n"), "stdout ends within a line");
    let text = std::str::from_utf8(stdout).expect("stdout is UTF-8");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asserts this exit status, nothing on stdout, and one message, which contains `fact`.
#[track_caller]
pub fn assert_one_message(output: &Output, code: i32, fact: &str) {
    let message = stderr(output);
    assert_eq!((output.status.code(), message.lines().count()), (Some(code), 1), "{message}");
    assert!(message.starts_with("xstream: ") && message.contains(fact), "no {fact:?} in {message}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The whole numbers in a text for users, in their order, whatever the words around them.
pub fn numbers(text: &str) -> Vec<u64> {
    text.replace(',', "").split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// Sends a signal to a child.
pub fn kill(child: &Running, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("our own child");
}

/// Whether a program is on the path; says so if it is not, since its test is then skipped.
pub fn has(program: &str) -> bool {
    let found = command(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// A terminal of 100 columns for all three streams.
pub fn on_a_terminal(mut command: Command) -> (Running, pty_process::blocking::Pty) {
    command.env("TERM", "xterm").env("NO_COLOR", "1");
    command.start_on_terminal(24, 100)
}

/// What the terminal shows up to `text`, or to its end if that comes first; within the bound.
pub fn shown_until(pty: &mut pty_process::blocking::Pty, text: Option<&str>) -> String {
    let mut shown = String::new();
    let mut buffer = [0; 4096];
    while text.is_none_or(|text| !shown.contains(text)) {
        let bound = Timespec { tv_sec: i64::try_from(BOUND.as_secs()).expect("seconds"), tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(&*pty, PollFlags::IN)], Some(&bound)).expect("a poll");
        assert!(ready > 0, "nothing more within the bound: {shown}");
        // The system returns EIO when no process has the terminal open any more.
        let Ok(count @ 1..) = pty.read(&mut buffer) else { break };
        shown.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    shown
}

/// Runs to the end on a terminal, within the bound: the exit status and what was shown.
pub fn run_on_a_terminal(command: Command) -> (Option<i32>, String) {
    let (mut child, mut pty) = on_a_terminal(command);
    let shown = shown_until(&mut pty, None);
    (wait(&mut child).code(), shown)
}

/// Every Rust file of a folder of the project, nested ones too: its path in there, and its text.
pub fn sources(folder: &Path) -> Vec<(String, String)> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, root, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).expect("a file of it").to_str().expect("text");
                found.push((name.to_owned(), std::fs::read_to_string(&path).expect("text")));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort();
    found
}
