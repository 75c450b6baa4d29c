//! The files of this tool: state, journal and archives.

pub mod archive;
pub mod journal;
pub mod meter;
pub mod rewrite;
pub mod state;
pub mod tombstones;
