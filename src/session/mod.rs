//! The session: all connections of a run as a pure function, (state, now, input) to (state, events, actions).
//!
//! ```text
//! Input -> Supervisor -> Event  to the observers
//!              |      -> Action to the event loop
//!              +-- Role: backoff, coverage
//!              |     +-- Connection: timers, traffic
//!              +-- Budget, quota, outcome
//! ```
//!
//! Nothing here performs io or reads a clock.

pub mod backoff;
pub mod budget;
pub mod connection;
pub mod coverage;
pub mod event;
pub mod input;
pub mod outcome;
pub mod quota;
pub mod reaction;
pub mod role;
pub mod supervisor;
pub mod timer;

pub use connection::LATE;
pub use event::{Event, EventKind, Traffic, WaitReason};
pub use input::{Action, Failure, Head, Input, LinkEvent, Query, QuotaState, Received, Refusal, Response, SyncedState};
pub use outcome::{Outcome, Signal};
pub use supervisor::{ArchiveMode, RunOptions, Supervisor};
