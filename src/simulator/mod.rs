//! A real X streaming server on the loopback address that plays a fault script.
//!
//! Users test their own clients against it (`xstream simulate`), new users watch it (`xstream tail --demo`), and the
//! end-to-end tests of this tool rely on it. It is a true server over true sockets, because the faults worth testing are
//! bytes, chunks and resets that a mock cannot produce.
//!
//! It is as strict as X: what X refuses is refused here, and each stream carries what X sends on it. Only a script
//! can break these rules.
//!
//! ```text
//! server   accepts connections, for tests and the command line; state is what connections share, log what they did
//! clock    simulated time
//! script/  faults as data: what a connection sends and how it ends
//! feed/    what the server sends by itself: the numbered feed, the content of each stream
//! http/    requests, heads, chunks
//! api/     the calls that are not streams, and the parameters of those that are
//! ```

mod api;
mod clock;
mod feed;
mod http;
mod log;
mod script;
mod server;
mod state;
#[cfg(test)]
mod tests;

pub use api::registry::ExternalConnection;
pub use api::rules::{RuleSettings, SimulatedRule};
pub use api::usage::{HistoryDay, UsageSettings};
pub use feed::number_set::NumberSet;
pub use feed::numbered::FeedOptions;
pub use feed::post::Posts;
pub use http::certificate::Certificate;
pub use log::{ConnectionLog, Ending, LoggedRequest};
pub use script::{ControlMessage, Script, ScriptError, ScriptedRefusal, Step, faults};
pub use server::{Server, ServerOptions};
