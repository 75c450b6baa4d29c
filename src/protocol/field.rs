//! The field and expansion values that X documents (`OpenAPI` 2.167).
//!
//! They are suggestions, not a gate: X adds fields often, so an unknown one is sent with a warning.

/// `tweet.fields` available to an app-only token.
pub const TWEET: &[&str] = &[
    "article",
    "attachments",
    "author_id",
    "card_uri",
    "community_id",
    "context_annotations",
    "conversation_id",
    "created_at",
    "display_text_range",
    "edit_controls",
    "edit_history_tweet_ids",
    "entities",
    "geo",
    "id",
    "in_reply_to_user_id",
    "lang",
    "matched_media_notes",
    "media_metadata",
    "note_request_suggestions",
    "note_tweet",
    "paid_partnership",
    "possibly_sensitive",
    "public_metrics",
    "referenced_tweets",
    "reply_settings",
    "scopes",
    "source",
    "suggested_source_links",
    "suggested_source_links_with_counts",
    "text",
    "withheld",
];

/// Fields of posts and media that need a user token: an app-only token gets partial errors for them.
pub const USER_CONTEXT: &[&str] = &["non_public_metrics", "organic_metrics", "promoted_metrics"];

/// `expansions` of posts.
pub const EXPANSIONS: &[&str] = &[
    "article.cover_media",
    "article.media_entities",
    "attachments.media_keys",
    "attachments.media_source_tweet",
    "attachments.poll_ids",
    "author_id",
    "edit_history_tweet_ids",
    "entities.mentions.username",
    "entities.note.mentions.username",
    "geo.place_id",
    "in_reply_to_user_id",
    "referenced_tweets.id",
    "referenced_tweets.id.attachments.media_keys",
    "referenced_tweets.id.author_id",
];

/// `media.fields` available to an app-only token.
pub const MEDIA: &[&str] = &[
    "alt_text",
    "duration_ms",
    "height",
    "media_key",
    "preview_image_url",
    "public_metrics",
    "type",
    "url",
    "variants",
    "width",
];

/// `poll.fields`.
pub const POLL: &[&str] = &["duration_minutes", "end_datetime", "id", "options", "voting_status"];

/// `user.fields`.
pub const USER: &[&str] = &[
    "affiliation",
    "confirmed_email",
    "connection_status",
    "created_at",
    "description",
    "entities",
    "id",
    "is_identity_verified",
    "location",
    "most_recent_tweet_id",
    "name",
    "parody",
    "pinned_tweet_id",
    "profile_banner_url",
    "profile_image_url",
    "protected",
    "public_metrics",
    "receives_your_dm",
    "subscription",
    "subscription_type",
    "url",
    "username",
    "verified",
    "verified_followers_count",
    "verified_type",
    "withheld",
];

/// `place.fields`.
pub const PLACE: &[&str] =
    &["contained_within", "country", "country_code", "full_name", "geo", "id", "name", "place_type"];

/// `like_with_tweet_author.fields`, on like streams.
pub const LIKE: &[&str] =
    &["attachments_media_keys", "created_at", "id", "liked_tweet_author_id", "liked_tweet_id", "timestamp_ms"];

/// `expansions` of like streams.
pub const LIKE_EXPANSIONS: &[&str] = &["attachments.media_keys", "liked_tweet_author_id", "liked_tweet_id"];
