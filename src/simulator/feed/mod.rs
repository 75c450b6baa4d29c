//! What the simulated X sends by itself: the numbered feed and the messages each stream makes of it.
//!
//! ```text
//! numbered   which message exists at which time, and its id
//! number_set the numbers a connection received
//! content    what a stream carries: posts, likes, compliance events …
//! post_v2, post_v1   generated posts; fields selects their members, post has what both share
//! author     invented accounts and texts, from corpus
//! ```

mod author;
pub(crate) mod content;
mod corpus;
pub(crate) mod fields;
pub(crate) mod number_set;
pub(crate) mod numbered;
pub(crate) mod post;
mod post_v1;
mod post_v2;
