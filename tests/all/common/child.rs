//! Child processes of the tests. Each starts from the same inherited state, whatever started the tests, and none
//! outlives them, however they end.
//!
//! Two things own a child: a [`Running`], which kills it on drop and so on panic, and a reaper process, which kills
//! what is left when the test process itself is killed.

use std::ffi::OsStr;
use std::io::Write as _;
use std::ops::{Deref, DerefMut};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex, Once};

use pty_process::blocking::Pty;
use rustix::process::{Pid, Signal, kill_process_group, umask};
use signal_hook::consts as signal;
use signal_hook::flag;

/// A command with nothing of the developer's environment but `PATH`, and without stdin.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    static RESET: Once = Once::new();
    RESET.call_once(reset_inherited);
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
    command
}

/// Undoes what a parent may have set and children would inherit: ignored signals and the umask.
///
/// `nohup` ignores SIGHUP, a shell's `&` SIGINT and SIGQUIT. An ignored signal stays ignored over `exec`, a handled
/// one gets its default action back, so a handler here resets it for every child. The handlers change nothing for the
/// test process: it ends or stops as by default. Only SIGHUP does nothing, because it must under `nohup`.
fn reset_inherited() {
    for number in [signal::SIGHUP, signal::SIGCHLD, signal::SIGCONT, signal::SIGWINCH] {
        flag::register(number, Arc::default()).expect("a handler");
    }
    for number in [
        signal::SIGINT,
        signal::SIGQUIT,
        signal::SIGTERM,
        signal::SIGUSR1,
        signal::SIGUSR2,
        signal::SIGTSTP,
        signal::SIGTTIN,
        signal::SIGTTOU,
    ] {
        flag::register_conditional_default(number, Arc::new(AtomicBool::new(true))).expect("a handler");
    }
    umask(0o022.into());
}

/// A child with its process group, both killed on drop.
pub struct Running(Child);

impl Running {
    fn new(child: Child) -> Running {
        report(&child, '+');
        Running(child)
    }
}

impl Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Once the child was waited for, its number may belong to another process.
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
            let _ = self.0.wait();
        }
        report(&self.0, '-');
    }
}

/// Starts commands as guarded children.
pub trait Start {
    /// Starts it as the leader of a process group of its own, with which a shell's children are killed.
    fn start(&mut self) -> Running;

    /// Starts it with all three streams on a new terminal of this size.
    fn start_on_terminal(&self, rows: u16, columns: u16) -> (Running, Pty);
}

impl Start for Command {
    fn start(&mut self) -> Running {
        Running::new(self.process_group(0).spawn().expect("the program starts"))
    }

    fn start_on_terminal(&self, rows: u16, columns: u16) -> (Running, Pty) {
        let (pty, pts) = pty_process::blocking::open().expect("a pseudo-terminal");
        pty.resize(pty_process::Size::new(rows, columns)).expect("a size");
        // It leads a session, and so a group as well. A copy: a command that ran before leads a group already, and
        // the leader of a group cannot begin a session.
        let mut copy = command(self.get_program());
        copy.args(self.get_args());
        copy.envs(self.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let command = pty_process::blocking::Command::from(copy);
        (Running::new(command.spawn(pts).expect("the program starts")), pty)
    }
}

/// Reads `+ GROUP` and `- GROUP` lines. Their end is the end of the test process, also by SIGKILL: it then kills the
/// groups that are left.
const REAPER: &str = r#"
trap '' HUP INT QUIT TERM
groups=
while read -r sign group; do
    rest=
    for one in $groups; do [ "$one" = "$group" ] || rest="$rest $one"; done
    groups=$rest
    [ "$sign" = - ] || groups="$groups $group"
done
for one in $groups; do kill -KILL "-$one"; done
"#;

fn report(child: &Child, sign: char) {
    static INPUT: LazyLock<Mutex<ChildStdin>> = LazyLock::new(|| {
        let mut reaper = Command::new("sh");
        // A group of its own: what ends the tests by their group must not end it.
        reaper.args(["-c", REAPER]).process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Mutex::new(reaper.spawn().expect("a shell").stdin.take().expect("a pipe"))
    });
    let mut input = INPUT.lock().expect("writing does not panic");
    let _ = writeln!(input, "{sign} {}", child.id());
}
