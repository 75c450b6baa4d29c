//! The network: tokens, dials, streams of bytes, API calls. `session/` decides when they are used.

pub mod api;
pub mod base_url;
pub mod dial;
pub mod error;
pub mod probe;
pub mod proxy;
pub mod resolve;
pub mod stream;
pub mod token;
pub mod trace;
pub mod trust;
