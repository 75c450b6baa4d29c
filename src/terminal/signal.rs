//! The signals: those that end a run, Ctrl-Z, SIGUSR1, and a change of the screen size.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::flag;
use tokio::signal::unix::{self, SignalKind};

use crate::session::Signal;

/// The signals that matter to a run.
pub struct Signals {
    ends: [End; 4],
    /// Ctrl-Z.
    stop: Option<unix::Signal>,
    resize: Option<unix::Signal>,
    /// SIGUSR1: print the status.
    report: Option<unix::Signal>,
}

impl Signals {
    /// Registers for all signals.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn new() -> io::Result<Signals> {
        let listen = |number: i32| -> io::Result<Option<unix::Signal>> {
            // A signal that the parent process ignored stays ignored: `nohup`, and background jobs of plain shells.
            if is_ignored(number) {
                return Ok(None);
            }
            unix::signal(SignalKind::from_raw(number)).map(Some)
        };
        let on = |signal: Signal| -> io::Result<End> {
            let number = i32::from(signal.number());
            let stream = listen(number)?;
            if stream.is_some() {
                // The first signal ends the run cleanly; the second ends the process at once, even if no event loop runs.
                let signalled = Arc::new(AtomicBool::new(false));
                flag::register_conditional_shutdown(number, 128 + number, signalled.clone())?;
                flag::register(number, signalled)?;
            }
            Ok((signal, stream))
        };
        survive_file_limit()?;
        Ok(Signals {
            ends: [on(Signal::Int)?, on(Signal::Term)?, on(Signal::Hup)?, on(Signal::Quit)?],
            stop: listen(rustix::process::Signal::TSTP.as_raw())?,
            resize: Some(unix::signal(SignalKind::window_change())?),
            report: Some(unix::signal(SignalKind::user_defined1())?),
        })
    }

    /// No signals, for an event loop in a test.
    #[cfg(test)]
    pub(crate) fn none() -> Signals {
        let end = |signal| (signal, None);
        Signals {
            ends: [end(Signal::Int), end(Signal::Term), end(Signal::Hup), end(Signal::Quit)],
            stop: None,
            resize: None,
            report: None,
        }
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> SignalEvent {
        let [a, b, c, d] = &mut self.ends;
        tokio::select! {
            () = received(&mut a.1) => SignalEvent::Shutdown(a.0),
            () = received(&mut b.1) => SignalEvent::Shutdown(b.0),
            () = received(&mut c.1) => SignalEvent::Shutdown(c.0),
            () = received(&mut d.1) => SignalEvent::Shutdown(d.0),
            () = received(&mut self.stop) => SignalEvent::Suspend,
            () = received(&mut self.resize) => SignalEvent::Resize,
            () = received(&mut self.report) => SignalEvent::Info,
        }
    }
}

/// The signals that end finite work, for a verb without an event loop: the first is noted, the second ends the process.
pub struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Registers for the signals that end a run.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn new() -> io::Result<Interrupt> {
        survive_file_limit()?;
        let seen = Arc::new(AtomicUsize::new(0));
        let again = Arc::new(AtomicBool::new(false));
        for signal in Signal::ALL {
            let number = i32::from(signal.number());
            if !is_ignored(number) {
                flag::register_conditional_shutdown(number, 128 + number, again.clone())?;
                flag::register(number, again.clone())?;
                flag::register_usize(number, seen.clone(), signal.number().into())?;
            }
        }
        Ok(Interrupt(seen))
    }

    /// The signal that arrived, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        let number = self.0.load(Ordering::Relaxed);
        Signal::ALL.into_iter().find(|signal| usize::from(signal.number()) == number)
    }
}

/// What a signal requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalEvent {
    /// End the run.
    Shutdown(Signal),
    /// Stop until the shell continues the process.
    Suspend,
    /// Query the size of the screen.
    Resize,
    /// Print the status.
    Info,
}

type End = (Signal, Option<unix::Signal>);

/// Waits for a signal; without limit if it is ignored.
async fn received(signal: &mut Option<unix::Signal>) {
    match signal {
        Some(stream) => {
            stream.recv().await;
        }
        None => pending().await,
    }
}

/// Makes a file that reaches the limit of its size (`ulimit -f`) an error of that write, not the end of the process.
fn survive_file_limit() -> io::Result<()> {
    flag::register(rustix::process::Signal::XFSZ.as_raw(), Arc::default()).map(drop)
}

/// Whether this process was started with a signal ignored, where the system reports it.
fn is_ignored(number: i32) -> bool {
    let Ok(text) = std::fs::read_to_string("/proc/self/status") else {
        return false;
    };
    let mask = text.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (number - 1) & 1 == 1)
}

/// Stops this process, as Ctrl-Z would have; SIGCONT continues here. The screen must be restored before.
pub fn suspend() {
    // Not by SIGSTOP: where no shell could continue us (a session of our own, as in `ssh -t host xstream`), the
    // system ignores Ctrl-Z, and it ignores this signal as well.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TTOU);
}
