//! Compliance: what X requires to be deleted, hidden or stripped of its location, and what that does to a line.
//!
//! ```text
//! compliance message -> event -> ComplianceEvent   what one message requires, in every dialect
//! post + Verdicts    -> apply -> Applied           what all known effects do to a line
//! ```
//!
//! Dead is a post that is deleted, dropped or withheld, or whose author is hidden. A dead post is removed, and so is a
//! retweet of one; a quote, a reply or a like keeps its own text and loses the embedded dead post. A scrub removes the
//! location members of one user's posts up to an id. In flight and at rest the same function decides
//! (x-streaming.md §7).
//!
//! Its law: pure and total. Ids are 64-bit integers; a message whose members have other types has no effect; of a
//! rewritten line only the cut members are missing, and it is still valid JSON.

mod apply;
mod cut;
pub mod edits;
mod event;
mod mention;
pub mod table;
#[cfg(test)]
mod tests;

use super::post_id::PostId;
use super::user_id::UserId;

pub use apply::{Applied, apply, message_in};
pub use cut::Cuts;
pub use event::{event, event_of};

/// What one compliance message requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComplianceEvent {
    /// When it happened, in milliseconds since the Unix epoch, if the message says so.
    pub at_ms: Option<u64>,
    /// What it requires.
    pub effect: ComplianceEffect,
}

/// The effect of a compliance message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComplianceEffect {
    /// The post and what is derived from it are deleted, permanently.
    DeletePost(PostId),
    /// A user's like of a post is deleted, permanently.
    ///
    /// v2 lines of likes do not name the user who liked, so only an enterprise like can be matched.
    DeleteLike {
        /// The liked post.
        post: PostId,
        /// The user who liked it.
        user: UserId,
    },
    /// The location members of the user's posts are deleted, permanently, up to and including an id.
    ScrubGeo {
        /// The author.
        user: UserId,
        /// The last id.
        up_to: PostId,
    },
    /// Posts are hidden, or shown again. The newest message of one cause counts; the causes are independent.
    Hide {
        /// What is hidden.
        target: HideTarget,
        /// Why.
        cause: HideCause,
        /// Whether it is hidden from here on.
        hidden: bool,
    },
    /// Posts must not be shown in these countries; an empty list lifts it. The newest message counts.
    Withhold {
        /// What is withheld.
        target: HideTarget,
        /// Where.
        countries: Countries,
    },
    /// A post was edited: the newest version counts.
    Edit {
        /// The ids of its versions, oldest first.
        versions: Vec<PostId>,
    },
}

/// What is hidden or withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HideTarget {
    /// One post.
    Post(PostId),
    /// All posts of a user.
    User(UserId),
}

/// Why posts are hidden until the opposite message comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HideCause {
    /// `drop` and `undrop`.
    Drop,
    /// `user_protect` and `user_unprotect`.
    Protect,
    /// `user_suspend` and `user_unsuspend`.
    Suspend,
    /// `user_delete` and `user_undelete`.
    UserDelete,
}

/// A country code in upper case.
pub type Country = [u8; 2];

/// The codes that count in every country: all of them, and a takedown for copyright.
pub const EVERYWHERE: [Country; 2] = [*b"XX", *b"XY"];

/// Country codes, in upper case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Countries(Vec<Country>);

impl Countries {
    /// The codes among these texts; none if there are texts and none of them is a code.
    #[must_use]
    pub fn from_codes<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Option<Countries> {
        let mut any = false;
        let code = |text: T| {
            any = true;
            let code: Country = text.as_ref().try_into().ok()?;
            code.iter().all(u8::is_ascii_alphabetic).then(|| code.map(|letter| letter.to_ascii_uppercase()))
        };
        let codes: Vec<Country> = texts.into_iter().filter_map(code).collect();
        (!any || !codes.is_empty()).then_some(Countries(codes))
    }

    /// The codes.
    #[must_use]
    pub fn codes(&self) -> &[Country] {
        &self.0
    }

    /// Whether one of them counts in every country.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.0.iter().any(|code| EVERYWHERE.contains(code))
    }
}

/// What is known about deletions: in flight the tombstones, at rest all effects of the archive.
pub trait Verdicts {
    /// Whether any effect is about the post or user with this id. It may say yes too often; every line is tested with it
    /// before it is read closely.
    fn is_mentioned(&self, id: u64) -> bool;

    /// Whether the post is deleted, dropped or withheld.
    fn is_post_dead(&self, post: PostId) -> bool;

    /// Whether the user's posts are hidden or withheld.
    fn is_user_hidden(&self, user: UserId) -> bool;

    /// The id up to which the user's posts lose their location.
    fn scrub_bound(&self, user: UserId) -> Option<PostId>;

    /// Whether the user's like of the post is deleted.
    fn is_like_deleted(&self, _post: PostId, _user: UserId) -> bool {
        false
    }

    /// Whether a newer version of the post replaces it: only the line of the post itself is removed.
    fn is_superseded(&self, _post: PostId) -> bool {
        false
    }

    /// Whether a post that says that it is withheld there is dead.
    fn is_withheld_in(&self, country: Country) -> bool {
        EVERYWHERE.contains(&country)
    }
}
