//! Files we keep.

pub mod meter;
pub mod state;
