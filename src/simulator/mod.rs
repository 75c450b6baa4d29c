//! A real X streaming server on the loopback address that plays a fault script.
//!
//! People test their own clients against it (`xstream simulate`), newcomers watch it
//! (`xstream tail --demo`), and the end-to-end tests of this tool lean on it. It is a true server
//! over true sockets, because the faults worth testing are made of bytes, chunks and resets that a
//! mock cannot produce. HTTP is written by hand for the same reason: a library would refuse to
//! send most of what a broken stream sends.
//!
//! ```text
//! script      what to play: connections of steps; parse and cursor read their text form
//! message     what X says in a stream
//! refusal     what X says instead of one
//! post        generated posts, of the words in word; flood has them by the gigabyte
//! server      accepts, and remembers in log; certificate is for TLS
//! connection  reads requests and watches the client; respond chooses what answers them
//! play        does what the steps say: answer makes heads and refusals, feed sends posts, body
//!             frames streams
//! api         the calls that are not streams; query checks their parameters
//! connections who is connected, and killing them, over the book in registry
//! rules       what the filtered stream lets through; rule reads one rule
//! usage       how many posts were delivered, day by day
//! ```

mod answer;
mod api;
mod body;
mod certificate;
mod connection;
mod connections;
mod cursor;
mod feed;
mod flood;
mod log;
mod message;
mod parse;
mod play;
mod post;
mod query;
mod refusal;
mod registry;
mod respond;
mod rule;
mod rules;
mod script;
mod server;
#[cfg(test)]
mod tests;
mod usage;
mod word;

pub use certificate::Certificate;
pub use log::{ConnectionLog, Ending, Request};
pub use post::Posts;
pub use registry::Foreign;
pub use rules::{Rule, Rules};
pub use script::{Message, Refusal, Script, ScriptError, Step, faults};
pub use server::{Options, Server};
pub use usage::{Day, Usage};
