//! What each stream carries, as X documents it: posts, v1.1 posts, likes, or the events of its kind in turn.

use serde_json::json;

use super::author::{User, append};
use super::fields::Selection;
use super::numbered::FeedItem;
use super::post::{Generator, rfc3339};
pub(crate) use super::post_v2::Searchable;
use super::post_v2::selected;
use crate::protocol::endpoint::{Endpoint, Family, Fields};
use crate::simulator::script::control::ControlMessage;

/// The messages of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Post,
    V1Post,
    Like,
    /// Messages of the script's table, each a name and an argument, in turn.
    Events(&'static [(&'static str, &'static str)]),
}

const TWEETS_COMPLIANCE: &[(&str, &str)] = &[
    ("post-compliance", "delete"),
    ("post-compliance", "drop"),
    ("post-compliance", "undrop"),
    ("post-withheld", "DE"),
    ("post-edit", ""),
];

const USERS_COMPLIANCE: &[(&str, &str)] = &[
    ("user-compliance", "delete"),
    ("user-compliance", "undelete"),
    ("user-compliance", "protect"),
    ("user-compliance", "unprotect"),
    ("user-compliance", "suspend"),
    ("user-compliance", "unsuspend"),
    ("user-withheld-v2", "DE"),
    ("scrub-geo-v2", ""),
    ("profile-change", "description"),
];

const LABELS: &[(&str, &str)] = &[
    ("label-notice", "apply"),
    ("label-unviewable", "apply"),
    ("label-notice", "remove"),
    ("label-unviewable", "remove"),
];

const ACTIVITY: &[(&str, &str)] = &[
    ("activity", "profile.update.bio"),
    ("activity", "post.create"),
    ("activity", "follow.follow"),
    ("activity", "post.delete"),
];

impl Content {
    pub(crate) fn from_endpoint(endpoint: &Endpoint) -> Content {
        match (endpoint.family, endpoint.fields, endpoint.name) {
            (Family::V1, ..) | (_, _, "powerstream") => Content::V1Post,
            (_, Fields::Like, _) => Content::Like,
            (_, _, "tweets-compliance") => Content::Events(TWEETS_COMPLIANCE),
            (_, _, "users-compliance") => Content::Events(USERS_COMPLIANCE),
            (_, _, "likes-compliance") => Content::Events(&[("like-delete", "")]),
            (_, _, "labels") => Content::Events(LABELS),
            (_, _, "activity") => Content::Events(ACTIVITY),
            _ => Content::Post,
        }
    }

    /// Whether its messages count against the quota of posts.
    pub(crate) fn is_post(self) -> bool {
        matches!(self, Content::Post | Content::V1Post)
    }

    /// Appends a message without a line end; returns what rules are evaluated against, if it is a v2 post. With
    /// `matched` it names the rules of an app that has not set any, as posts of the filtered stream do.
    pub(crate) fn write(
        self,
        item: &FeedItem,
        selection: &Selection,
        matched: bool,
        out: &mut Vec<u8>,
    ) -> Option<Searchable> {
        let mut generator = Generator::new(item.seed);
        match self {
            Content::Post => {
                return Some(generator.v2(item.id, item.unix_ms, &item.note, selection, matched, out));
            }
            Content::V1Post => generator.v1(item.id, item.unix_ms, &item.note, out),
            Content::Like => like(&mut generator, item, selection, out),
            Content::Events(kinds) => {
                let kind = usize::try_from(item.index % kinds.len() as u64).unwrap_or(0);
                let (name, argument) = kinds[kind];
                let message = ControlMessage::named(name, Some(argument).filter(|argument| !argument.is_empty()));
                let message = message.and_then(Result::ok).expect("a test writes every event of every stream");
                out.extend_from_slice(message.render_about(item.unix_ms, item.id, item.id).as_bytes());
            }
        }
        None
    }
}

/// A like of the post with the item's id.
fn like(generator: &mut Generator, item: &FeedItem, selection: &Selection, out: &mut Vec<u8>) {
    let author = User::random(&mut generator.rng);
    let like = json!({
        "created_at": rfc3339(item.unix_ms),
        "id": format!("{:032x}", item.id),
        "liked_tweet_author_id": author.id.to_string(),
        "liked_tweet_id": item.id.to_string(),
        "timestamp_ms": item.unix_ms,
    });
    let mut message = json!({ "data": selected(like, &selection.like) });
    if selection.expansions.has("liked_tweet_author_id") {
        message["includes"]["users"] = json!([generator.v2_user(&author, &selection.user)]);
    }
    if selection.expansions.has("liked_tweet_id") {
        message["includes"]["tweets"] = json!([generator.referenced(item.id, &selection.tweet)]);
    }
    append(&message, false, out);
}
