//! Files we keep.

pub mod state;
