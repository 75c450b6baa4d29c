//! Files we keep.

pub mod journal;
pub mod meter;
pub mod state;
