//! The files of this tool: state and journal.

pub mod journal;
pub mod meter;
pub mod state;
pub mod tombstones;
