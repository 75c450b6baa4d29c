//! `xstream` tails X's streaming HTTP endpoints.
//!
//! Three laws hold the design, and tests hold the laws:
//!
//! 1. The connections of a run are a pure function: (state, now, input) to (state, events, actions). See [`session`].
//! 2. A stream is a pure function: bytes, lines, messages, decisions, output records. See [`pipeline`].
//! 3. One owner of stdout and stderr, used by every verb; what goes out passes one redaction. See [`terminal`].
//!
//! Imports go down only, and no two files import each other:
//!
//! ```text
//! command  cli                       one verb per file: parse, run, report, exit
//! runner                             one event loop that decides nothing
//! net  store  terminal  simulator    sockets, files, stdout and stderr, and a strict X on loopback
//! observe                            pure: notices, status row, summary, journal records, diagnosis, made of events
//! session                            pure: when to dial, wait and stop; budget, quota, gaps, outcome
//! pipeline                           pure: what a line is and whether it is printed
//! protocol                           pure: what X says
//! clock  redact  text  time          the clocks; secrets, foreign text and times in what is printed
//! ```
//!
//! The walk of one post, from the socket to stdout:
//!
//! 1. [`net::stream::Stream::poll_next`] reads a frame of the response body.
//! 2. [`runner::EventLoop::receive`] takes it, with all that is ready behind it.
//! 3. [`pipeline::Intake::feed`] hands it to the decoder of its connection.
//! 4. [`pipeline::decode::Decoder::feed`] inflates it, if it is gzip.
//! 5. [`pipeline::decode::split::Splitter::next`] finds the end of the line, which is borrowed from the frame.
//! 6. [`protocol::message::classify`] proves that it is JSON and finds its kind, in one pass of [`protocol::scan::scan`].
//! 7. [`pipeline::select::Selector::line`] decides, copies the line into the batch and marks its record.
//! 8. [`terminal::Terminal::print`] writes what stdout takes; the rest waits by [`pipeline::outbox::Outbox::push`].
//! 9. [`pipeline::outbox::Outbox::take`] acknowledges the record when stdout took its last byte.
//! 10. [`session::Supervisor::handle`] makes an event of the batch, which [`observe::stats::Stats::apply`] counts.

// The program is no library: its documentation is read with the private items.
#![allow(rustdoc::private_intra_doc_links)]

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
