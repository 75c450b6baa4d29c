//! How a run ends, and the exit code that says so. No other file knows the numbers.

use std::fmt;

use crate::protocol::message::DisconnectReason;

/// Why the run is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The requested number of messages was printed (`--max`).
    Full,
    /// The requested time is over (`--for`).
    TimeUp,
    /// The reader of our output closed it.
    ReaderLeft,
    /// The server delivered everything that was requested.
    Delivered,
    /// Something failed on this machine that no retry mends.
    Failed(String),
    /// The server refuses, and only the user can change that.
    Refused(DisconnectReason),
    /// The quota of posts that the user set is spent.
    QuotaSpent(DisconnectReason),
    /// The retries allowed are used up.
    GaveUp(DisconnectReason),
    /// The server ended it and it is not to be opened again.
    Ended(DisconnectReason),
    /// Another client takes the slot as often as we do.
    TakenOver(DisconnectReason),
    /// A signal ended the run.
    Signalled(Signal),
}

/// The signals that end a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// The terminal went away.
    Hup,
    /// Ctrl-C.
    Int,
    /// Ctrl-\.
    Quit,
    /// The polite request of `kill` and of service managers.
    Term,
}

impl Signal {
    /// Each of them.
    pub const ALL: [Signal; 4] = [Signal::Int, Signal::Term, Signal::Hup, Signal::Quit];

    /// Its number, which is the same on Linux and macOS.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Signal::Hup => 1,
            Signal::Int => 2,
            Signal::Quit => 3,
            Signal::Term => 15,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Hup => "SIGHUP",
            Signal::Int => "SIGINT",
            Signal::Quit => "SIGQUIT",
            Signal::Term => "SIGTERM",
        })
    }
}

/// The exit code of a usage error, which ends a run before there is an outcome.
pub const USAGE: u8 = 2;

/// The exit code of an unexpected failure.
pub const FAILED: u8 = 1;

/// The exit code of a refusal that the user must correct.
pub const REFUSED: u8 = 3;

/// The exit code where trying again did not help, and later may.
pub const GAVE_UP: u8 = 4;

/// The exit code of a stream that the server or another client ended for good.
pub const ENDED: u8 = 5;

/// The exit code of a check that found something to change.
pub const WOULD_CHANGE: u8 = 7;

impl Outcome {
    /// The exit code.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Outcome::Full | Outcome::TimeUp | Outcome::ReaderLeft | Outcome::Delivered => 0,
            Outcome::Failed(_) => FAILED,
            Outcome::Refused(_) | Outcome::QuotaSpent(_) => REFUSED,
            Outcome::GaveUp(_) => GAVE_UP,
            Outcome::Ended(_) | Outcome::TakenOver(_) => ENDED,
            Outcome::Signalled(signal) => 128 + signal.number(),
        }
    }
}
