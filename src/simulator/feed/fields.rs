//! Which members of a message the request selects: `tweet.fields`, `expansions` and their like.
//!
//! X sends little by default and more only on request, so a client that forgets a field must find it missing here too.

use crate::protocol::field::USER_CONTEXT;

/// The members of one kind of object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FieldSet {
    /// Every member the simulator knows.
    All,
    Only(Vec<String>),
}

impl FieldSet {
    /// The members X always sends, and those requested.
    pub(crate) fn new(always: &[&str], requested: &[&str]) -> FieldSet {
        FieldSet::Only(always.iter().chain(requested).map(|name| (*name).to_owned()).collect())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            FieldSet::All => true,
            FieldSet::Only(names) => names.iter().any(|one| one == name),
        }
    }
}

/// The members of every object of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) tweet: FieldSet,
    pub(crate) user: FieldSet,
    pub(crate) media: FieldSet,
    pub(crate) like: FieldSet,
    pub(crate) expansions: FieldSet,
    /// Requested fields that an app-only token may not see; each is answered with a partial error.
    pub(crate) unauthorized: Vec<String>,
}

/// X publishes no default for likes; these are the members of its published example.
const LIKE: [&str; 5] = ["created_at", "id", "liked_tweet_author_id", "liked_tweet_id", "timestamp_ms"];

impl Selection {
    /// Everything: what the fullest request gets.
    pub(crate) fn all() -> Selection {
        Selection {
            tweet: FieldSet::All,
            user: FieldSet::All,
            media: FieldSet::All,
            like: FieldSet::All,
            expansions: FieldSet::All,
            unauthorized: Vec::new(),
        }
    }

    /// What a request with these parameters gets; `requested` returns the values of a parameter.
    pub(crate) fn new<'a>(requested: impl Fn(&str) -> Vec<&'a str>) -> Selection {
        let (expansions, mut tweet) = (requested("expansions"), requested("tweet.fields"));
        let hidden: Vec<&str> = tweet.iter().copied().filter(|name| USER_CONTEXT.contains(name)).collect();
        tweet.retain(|name| !hidden.contains(name));
        // X adds the member that an expansion follows: `author_id` for `author_id`, `attachments` for
        // `attachments.media_keys`.
        tweet.extend(expansions.iter().map(|path| path.split('.').next().unwrap_or(path)));
        let like = match requested("like_with_tweet_author.fields") {
            none if none.is_empty() => FieldSet::new(&LIKE, &[]),
            mut some => {
                some.extend(&expansions);
                FieldSet::new(&["id"], &some)
            }
        };
        Selection {
            tweet: FieldSet::new(&["id", "text", "edit_history_tweet_ids"], &tweet),
            user: FieldSet::new(&["id", "name", "username"], &requested("user.fields")),
            media: FieldSet::new(&["media_key", "type"], &requested("media.fields")),
            like,
            expansions: FieldSet::new(&[], &expansions),
            unauthorized: hidden.into_iter().map(ToOwned::to_owned).collect(),
        }
    }
}
