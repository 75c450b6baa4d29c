//! What X keeps and checks for an app: the calls that are not streams, the parameters of those that are.
//!
//! ```text
//! call            which call a request is, and its answer
//! stream_request  a stream request as X checks it
//! query, answer   parameters, results and problems
//! connections     listing and terminating, over the entries of registry
//! rules           what the filtered stream delivers; rule evaluates one
//! usage           how many posts were delivered, by day
//! window          rate limits
//! ```

pub(crate) mod answer;
pub(crate) mod call;
pub(crate) mod connections;
mod query;
pub(crate) mod registry;
pub(crate) mod rule;
pub(crate) mod rules;
pub(crate) mod stream_request;
pub(crate) mod usage;
pub(crate) mod window;
