//! Fault scripts: what a server sends, connection after connection, as data.
//!
//! ```text
//! step      scripts, connections, steps
//! parse     their text form; cursor reads its words
//! demo      the script of `tail --demo`
//! control   the messages X sends beside posts
//! refusal   what X answers instead of a stream
//! ```

pub(crate) mod control;
mod cursor;
mod demo;
mod parse;
pub(crate) mod refusal;
pub(crate) mod step;

pub use control::ControlMessage;
pub use parse::{ScriptError, faults};
pub use refusal::ScriptedRefusal;
pub use step::{Script, Step};
