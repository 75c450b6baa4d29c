//! The network, thin: a token, a dial, a stream of bytes. What to do about any of it is decided by `session/`.

pub mod api;
pub mod dial;
pub mod facts;
pub mod probe;
pub mod proxy;
pub mod resolve;
pub mod stream;
pub mod token;
pub mod trust;
