//! HTTP by hand: requests in, scripted bytes out.
//!
//! A library would refuse to send most of what a broken stream sends.
//!
//! ```text
//! connection  reads requests and watches the client; certificate is for TLS
//! dispatch    selects the response to a request
//! responder   heads, refusals, answers (response formats them)
//! stream      the steps of a stream; posts has those that deliver the stream's own messages
//! body        chunks and gzip; flood has prepared posts at full speed
//! ```

mod body;
pub(crate) mod certificate;
pub(crate) mod connection;
mod dispatch;
pub(crate) mod flood;
mod posts;
mod responder;
mod response;
mod stream;
