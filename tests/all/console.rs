//! One owner of stdout and stderr: nothing else writes there, and no verb prints a secret whatever happens.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use xstream::simulator::{ExternalConnection, Script, Server, SimulatedRule};

use crate::common::{Start as _, TOKEN_MARK, finish, run, run_on_a_terminal, serve_with, stderr, xstream};

/// As long as X's own and percent-encoded like them.
const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0%2BuSeid%2BULvsea4JtiGRiSDSJSIEUISUerUizE6xBKc";

/// The shortest piece that a reader could use.
const PIECES: [&str; 3] = ["MLheAAAAAAA0", "uSeid", "UerUizE6xBKc"];

fn assert_no_token(what: &str, text: &str) {
    let lower = text.to_ascii_lowercase();
    for piece in PIECES {
        assert!(!lower.contains(&piece.to_ascii_lowercase()), "{what}: {text}");
    }
    let header = BASE64.encode(format!("Bearer {TOKEN}"));
    assert!(!text.contains(&header[12..30]), "{what}: {text}");
}

fn all(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(output))
}

/// A server that answers each request with `status` and a body that repeats the token, behind `before` characters.
fn echo(status: u16, before: usize) -> Server {
    let decoded = TOKEN.replace("%2B", "+");
    let spelled = [TOKEN, &decoded, &TOKEN.to_lowercase(), &BASE64.encode(format!("Bearer {TOKEN}"))].join(" ");
    let detail = format!("{} {spelled}", "x".repeat(before));
    let body = json!({ "title": format!("no {TOKEN}"), "detail": detail, "type": format!("https://x/{TOKEN}") });
    let script = format!("status {status} {body}");
    serve_with(&script, |options| options.api = Some(Script::parse(&script).expect("a script")))
}

/// Every verb that sends a request, with arguments that lead to one.
const CALLS: [&[&str]; 13] = [
    &["tail", "--no-reconnect", "-vv"],
    &["connections"],
    &["connections", "kill", "--all", "--yes"],
    &["rules", "list"],
    &["rules", "add", "cat"],
    &["rules", "test", "cat"],
    &["rules", "delete", "1"],
    &["rules", "sync", "--allow-empty", "/dev/null"],
    &["rules", "count"],
    &["rules", "export"],
    &["usage"],
    &["doctor"],
    &["doctor", "--json", "--listen", "--force"],
];

fn call(arguments: &[&str], server: &Server) -> Command {
    let mut command = xstream(arguments);
    command.args(["--base-url", &server.url()]);
    command
}

#[test]
fn no_verb_prints_a_token_that_a_server_repeats() {
    for arguments in CALLS {
        // Texts from a server are cut at several lengths, and a cut token is still a secret.
        for (status, before) in [(400, 0), (403, 150), (401, 190), (429, 560)] {
            let server = echo(status, before);
            let output = run(call(arguments, &server).env("XSTREAM_BEARER", TOKEN));
            assert!(!output.status.success(), "{arguments:?}");
            assert!(!server.requests().is_empty(), "{arguments:?}");
            assert_no_token(&format!("{arguments:?} {status}"), &all(&output));
        }
    }
}

#[test]
fn the_source_of_the_token_makes_no_difference() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("a file");
    let file = file.to_str().expect("text");
    let inline = format!("--bearer={TOKEN}");
    for arguments in CALLS {
        for source in [&["--bearer", TOKEN][..], &[&inline], &["--bearer-file", file]] {
            let output = run(call(arguments, &echo(400, 0)).args(source));
            assert!(all(&output).contains(TOKEN_MARK), "{arguments:?}: {}", all(&output));
            assert_no_token(&format!("{arguments:?} {source:?}"), &all(&output));
        }
    }
}

#[test]
fn a_token_in_the_wrong_place_is_not_printed() {
    let url = format!("https://x.example/2/{TOKEN}/stream?token={TOKEN}");
    for wrong in [TOKEN, &url] {
        let option = format!("--{wrong}");
        for arguments in [
            &[wrong][..],
            &["tail", wrong],
            &["tail", "filtered", wrong],
            &["tail", &option],
            &["tail", "--partition", wrong],
            &["tail", "--only", wrong],
            &["tail", "--start", wrong],
            &["tail", "--base-url", wrong],
            &["tail", "--proxy", wrong],
            &["tail", "--where", wrong],
            &["doctor", wrong],
            &["doctor", "--cacert", wrong],
            &["connections", wrong],
            &["connections", "kill", wrong, "--yes"],
            &["connections", "kill", "--endpoint", wrong, "--yes"],
            &["connections", "list", "--since", wrong],
            &["rules", wrong],
            &["rules", "add", &option],
            &["rules", "add", "--file", wrong],
            &["rules", "sync", wrong],
            &["usage", "--days", wrong],
            &["usage", wrong],
            &["explain", wrong],
            &["explain", "--journal", wrong],
            &["simulate", "--script", wrong],
            &["simulate", "--script-file", wrong],
            &["simulate", "--foreign", wrong],
            &["generate", "--dir", wrong],
        ] {
            for variables in [&[("BEARER_TOKEN", TOKEN)][..], &[("BEARER_TOKEN", "Bearer AAAA-not-this-one")], &[]] {
                let output = run(xstream(arguments).envs(variables.iter().copied()));
                assert!(!output.status.success(), "{arguments:?}");
                assert_no_token(&format!("{arguments:?} {variables:?}"), &all(&output));
            }
        }
        // A file name is no argument that is corrected, so here the token has to be known.
        let output = run(xstream(&["replay", wrong]).env("BEARER_TOKEN", TOKEN));
        assert_eq!(output.status.code(), Some(1));
        assert_no_token("replay", &all(&output));
    }
}

#[test]
fn a_token_in_a_rule_is_not_printed_on_any_screen() {
    let value = format!("cat {TOKEN}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rules.txt");
    std::fs::write(&file, format!("dog {TOKEN}\tt\n{value} (\n")).expect("a file");
    let file = file.to_str().expect("text");
    for arguments in [
        &["rules", "list"][..],
        &["rules", "add", &value],
        &["rules", "add", "--no-lint", "--file", file],
        &["rules", "test", "--file", file],
        &["rules", "delete", "--value", &value, "--dry-run"],
        &["rules", "delete", "--tag", TOKEN],
        &["rules", "sync", "--dry-run", "--no-lint", file],
        &["rules", "export"],
    ] {
        let server =
            serve_with("stall", |options| options.rules.preset = vec![SimulatedRule::new(value.as_str(), None)]);
        let mut command = call(arguments, &server);
        command.env("XSTREAM_BEARER", TOKEN);
        assert_no_token(&format!("{arguments:?}"), &all(&run(&mut command)));
        assert_no_token(&format!("{arguments:?} on a terminal"), &run_on_a_terminal(command).1);
    }
}

#[test]
fn a_proxys_password_is_not_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in CALLS {
        // The password is the name of the missing file as well, so that an error text repeats it.
        let missing = folder.path().join("hunter2-hunter2");
        let mut command = xstream(arguments);
        command.env("XSTREAM_BEARER", "secret-token").args(["--proxy", "http://me:hunter2-hunter2@127.0.0.1:1"]);
        let output = run(command.args(["--cacert", missing.to_str().expect("text")]));
        assert!(!output.status.success());
        assert!(!all(&output).contains("hunter2"), "{arguments:?}: {}", all(&output));
        // The doctor tries the proxy first, and reads no file behind one that fails.
        let is_repeated = all(&output).contains("(the proxy's password)");
        assert!(is_repeated || arguments[0] == "doctor", "{arguments:?}: {}", all(&output));
    }
}

#[test]
fn a_closed_stdout_is_success_and_a_full_one_a_failure_for_every_verb_that_prints() {
    let server = serve_with("stall", |options| {
        options.rules.preset = vec![SimulatedRule::new("cat", None)];
        options.external = vec![ExternalConnection::new("filtered")];
    });
    for arguments in [
        &["--help"][..],
        &["explain"],
        &["simulate", "--list"],
        &["rules", "list"],
        &["rules", "count"],
        &["rules", "export"],
        &["connections", "--json"],
        &["usage"],
        &["doctor"],
    ] {
        let mut command = xstream(arguments);
        if !["--help", "explain", "simulate"].contains(&arguments[0]) {
            command.args(["--base-url", &server.url(), "--bearer", "secret-token"]);
        }
        let end = |command: &mut Command, stdout: Stdio| finish(command.stdout(stdout).stderr(Stdio::piped()).start());
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = end(&mut command, writer.into());
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""), "{arguments:?}");
        if let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") {
            let output = end(&mut command, full.into());
            assert_eq!(output.status.code(), Some(1), "{arguments:?}");
            assert_eq!(stderr(&output).lines().count(), 1, "{arguments:?}: {}", stderr(&output));
        }
    }
}

/// Whether a line of code reaches for a standard stream.
fn writes(line: &str) -> bool {
    const WAYS: [&str; 6] = ["io::stdout", "io::stderr", "println!", "print!(", "dbg!(", "DrawTarget::std"];
    !line.trim_start().starts_with("//") && WAYS.iter().any(|way| line.contains(way))
}

#[test]
fn only_the_terminal_folder_reaches_for_stdout_and_stderr() {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&src, &mut files);
    let (ours, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| path.starts_with(src.join("terminal")));
    let read = |path: &PathBuf| std::fs::read_to_string(path).expect("text");
    for path in others {
        let line = read(&path).lines().find(|line| writes(line)).map(ToOwned::to_owned);
        assert_eq!(line, None, "{} writes beside terminal/", path.display());
    }
    assert!(ours.iter().any(|path| read(path).lines().any(writes)), "the guard sees the writes that there are");
    for planted in ["    println!(\"x\");", "let out = std::io::stdout().lock();", "eprint!(\"x\");"] {
        assert!(writes(planted), "{planted}");
    }
}
