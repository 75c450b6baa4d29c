//! `xstream` tails X's streaming HTTP endpoints.
//!
//! Three laws hold the design:
//!
//! 1. A connection is a pure function: (state, now, input) to (state, events, action). See [`session`].
//! 2. A stream is a pure function: bytes, lines, message, decision, output bytes. See [`pipeline`].
//! 3. One owner of stdout and stderr, used by every verb; what goes out passes one redaction. See [`terminal`].
//!
//! Imports go down only:
//!
//! ```text
//! command  cli            one verb a file; parse, run, report, exit
//! drive  lookup  clock  signal    the loop: wait for an input, ask the session, carry out the action
//! net  store  terminal  simulator     sockets, files, screens, and a server to try them on
//! observe                 pure: notices, status row, summary, journal records, diagnosis, made of events
//! session  pipeline       pure: when to dial, wait, stop; what a line is and whether it is printed
//! protocol                pure: what X says
//! redact  text  time      pure: secrets, foreign text and times in what is printed
//! ```

pub mod cli;
pub mod clock;
pub mod command;
pub mod net;
pub mod observe;
pub mod pipeline;
pub mod protocol;
pub mod redact;
pub mod runner;
pub mod session;
pub mod simulator;
pub mod store;
pub mod terminal;
pub mod text;
pub mod time;
