//! What a run hears (inputs, in the past tense) and what it orders (actions, in the imperative).

use std::time::Duration;

use super::budget::SharedBudget;
use super::event::{ActiveRule, ArchiveEvent, Holder};
use super::outcome::{Outcome, Signal};
use crate::pipeline::meter::QuotaUsage;
use crate::pipeline::report::BatchReport;
use crate::protocol::body::ResponseBody;
use crate::protocol::disconnect::LocalCause;
use crate::protocol::rate_limit::RateLimit;
use crate::protocol::request::Request;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The program began.
    Started,
    /// The time of [`super::Supervisor::next_timeout`] came.
    Elapsed,
    /// The state file is locked and was read, or there is none. Its lock is held until the actions are carried out.
    StateSynced(SyncedState),
    /// The state file cannot be read or written.
    StateFailed(String),
    /// Something beside the stream failed, and the run goes on without it: the meter's file, the journal.
    Degraded(String),
    /// Something happened to the archive.
    Archive(ArchiveEvent),
    /// After [`Action::Shutdown`]: the archive, if there is one, is complete or has failed.
    ArchiveClosed,
    /// The posts that were reserved of the quota are used up, or the day has turned.
    GrantUsed,
    /// Something happened on a connection.
    Link {
        /// The connection's number in this run.
        connection: u32,
        /// What.
        event: LinkEvent,
    },
    /// The outbox is full: nothing is read.
    OutputBlocked,
    /// The outbox has room again.
    OutputUnblocked,
    /// After [`Action::Shutdown`]: stdout took everything.
    OutputDrained,
    /// After [`Action::Shutdown`]: no connection is open or being opened.
    LinksClosed,
    /// The reader of stdout closed it.
    ReaderLeft,
    /// stdout cannot be written.
    OutputFailed(String),
    /// X answered a query, or the query failed (`None`).
    Answered(Option<Response>),
    /// A signal arrived that ends a run.
    Signalled(Signal),
}

/// What the state file said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncedState {
    /// The requests of all processes; none without a state file.
    pub budget: Option<SharedBudget>,
    /// The quota, if there is one.
    pub quota: Option<QuotaState>,
}

/// How much of its quota a run has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaState {
    /// How much of it is used.
    pub usage: QuotaUsage,
    /// Whether no further post may be printed.
    pub spent: bool,
}

/// What happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// The server answered 200.
    Opened(Head),
    /// The server answered something else.
    Refused(Refusal),
    /// There was no answer.
    Failed(Failure),
    /// Bytes arrived.
    Received(Box<Received>),
    /// The body ended, or it was closed as ordered.
    Closed(Failure),
}

/// What a 200 said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The rate-limit headers.
    pub rate: RateLimit,
    /// The `Date` header, since the Unix epoch.
    pub date: Option<Duration>,
}

/// What any other status said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Rate-limit headers and date.
    pub head: Head,
    /// The body, read as a problem or as text.
    pub body: ResponseBody,
    /// `Retry-After`, up to an hour.
    pub retry_after: Option<Duration>,
    /// The host that a redirect names.
    pub redirect: Option<String>,
}

/// A transport failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What failed.
    pub cause: LocalCause,
    /// In words, for the user.
    pub detail: String,
    /// Whether the head of a request was written to a socket.
    pub sent: bool,
}

impl Failure {
    /// The end of a body in order.
    #[must_use]
    pub fn eof() -> Failure {
        Failure { cause: LocalCause::Eof, detail: String::new(), sent: true }
    }
}

/// What came with the bytes that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Received {
    /// What the pipeline made of them.
    pub report: BatchReport,
    /// Whether a line has begun and not ended.
    pub within_line: bool,
    /// How much of its quota the run has left, if it has one.
    pub quota: Option<QuotaState>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open a connection with this request. Answered by `Opened`, `Refused` or `Failed`.
    Dial {
        /// Its number in this run.
        connection: u32,
        /// What to send.
        request: Request,
    },
    /// Read nothing more of a connection, end its stream and close it. Answered by `Received` if anything was left,
    /// then `Closed`.
    Close {
        /// Its number in this run.
        connection: u32,
    },
    /// Lock the state file, if there is one, and bring the meter to one count with it. Answered by `StateSynced`.
    SyncState {
        /// Whether to reserve posts of the quota for this process.
        reserve: bool,
    },
    /// Write the budget to the state file, whose lock is held.
    SaveBudget(SharedBudget),
    /// Ask X's API. Answered by `Answered`. A query under way is dropped.
    Ask(Query),
    /// Close every connection, drop what was not read, and report `LinksClosed`, `OutputDrained` and
    /// `ArchiveClosed`.
    Shutdown {
        /// Whether a signal asks for it, so that a busy stderr gets little time.
        hurry: bool,
    },
    /// Print the summary and exit.
    Exit {
        /// Why the run is over.
        outcome: Outcome,
        /// The exit status.
        status: u8,
    },
}

/// A query to X's API beside the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Which connections hold the slot.
    Holders {
        /// Whether to end them (`--take-over`).
        free: bool,
    },
    /// Why X ended a connection.
    Reason {
        /// Its number in this run.
        connection: u32,
        /// How long ago it was opened.
        opened: Duration,
    },
    /// Which rules are active.
    Rules,
}

/// What X answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// The connections that hold the slot.
    Holders {
        /// The command that ends them.
        kill: String,
        /// The connections; none if X lists none.
        holders: Vec<Holder>,
        /// How many were ended for `--take-over`, or why not; none if that was not requested.
        freed: Option<Result<u64, String>>,
    },
    /// X's own reason for the end of a connection.
    Reason {
        /// Its number in this run.
        connection: u32,
        /// X's text.
        reason: String,
    },
    /// The active rules.
    Rules(Vec<ActiveRule>),
}
