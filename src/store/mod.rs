//! The files of this tool: state, journal and archive.

pub mod archive;
pub mod journal;
pub mod meter;
pub mod state;
