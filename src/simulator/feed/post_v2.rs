//! Generated posts in the v2 format, with the members the request selects.

use serde_json::{Map, Value, json};

use super::author::{Text, User, append};
use super::corpus::CONTEXT;
use super::fields::{FieldSet, Selection};
use super::post::{Generator, millis_of, rfc3339};

/// What rules are evaluated against.
pub(crate) struct Searchable {
    pub(crate) text: String,
    pub(crate) lang: &'static str,
}

impl Generator {
    /// Appends a v2 post; `note` ends its text. With `matched` it names the rules that it matched.
    pub(crate) fn v2(
        &mut self,
        id: u64,
        unix_ms: u64,
        note: &str,
        selection: &Selection,
        matched: bool,
        out: &mut Vec<u8>,
    ) -> Searchable {
        let text = Text::random(&mut self.rng);
        let author = User::random(&mut self.rng);
        let earlier = id - (self.rng.u64(1..900_000) << 32);
        let reference = match self.rng.u8(..10) {
            0..=2 => Some("retweeted"),
            3 | 4 => Some("quoted"),
            5..=7 => Some("replied_to"),
            _ => None,
        };
        let media = (self.rng.u8(..4) == 0).then(|| format!("3_{}", id - 4096));
        let prefix = if reference == Some("retweeted") { format!("RT @{}: ", author.username) } else { String::new() };
        let words = format!("{prefix}{}{note}", text.words);
        let mut data = json!({
            "author_id": author.id.to_string(),
            "conversation_id": if reference == Some("replied_to") { earlier } else { id }.to_string(),
            "created_at": rfc3339(unix_ms),
            "edit_history_tweet_ids": [id.to_string()],
            "id": id.to_string(),
            "edit_controls": { "edits_remaining": 5, "is_edit_eligible": reference.is_none(),
                "editable_until": rfc3339(unix_ms + 3_600_000) },
            "entities": text.entities(),
            "lang": text.lang,
            "possibly_sensitive": false,
            "public_metrics": self.metrics(),
            "reply_settings": "everyone",
            "text": words,
        });
        if let Some(key) = &media {
            data["attachments"] = json!({ "media_keys": [key] });
        }
        if self.rng.bool() {
            data["context_annotations"] = serde_json::from_str(CONTEXT).expect("CONTEXT is JSON");
        }
        if let Some(kind) = reference {
            data["referenced_tweets"] = json!([{ "type": kind, "id": earlier.to_string() }]);
        }
        let mut post = json!({ "data": selected(data, &selection.tweet) });
        let expanded = reference.filter(|_| selection.expansions.has("referenced_tweets.id")).map(|_| earlier);
        let missing = expanded.filter(|_| self.rng.u8(..12) == 0);
        // X leaves out what is empty.
        let includes = self.includes(&author, &text, expanded.xor(missing), media, selection);
        if !includes.is_empty() {
            post["includes"] = includes.into();
        }
        let errors = errors(id, missing, selection);
        if !errors.is_empty() {
            post["errors"] = errors.into();
        }
        if matched {
            post["matching_rules"] = self.matching_rules();
        }
        append(&post, text.ascii, out);
        Searchable { text: words, lang: text.lang }
    }

    /// What the expansions refer to.
    fn includes(
        &mut self,
        author: &User,
        text: &Text,
        referenced: Option<u64>,
        media: Option<String>,
        selection: &Selection,
    ) -> Map<String, Value> {
        let (mut includes, expansions) = (Map::new(), &selection.expansions);
        let mentioned = text.mention.as_ref().map(|(_, _, user)| user);
        let mentioned = mentioned.filter(|_| expansions.has("entities.mentions.username"));
        let author = Some(author).filter(|_| expansions.has("author_id"));
        let users = author.into_iter().chain(mentioned).map(|user| self.v2_user(user, &selection.user));
        let users: Vec<Value> = users.collect();
        if !users.is_empty() {
            includes.insert("users".to_owned(), users.into());
        }
        if let Some(earlier) = referenced {
            includes.insert("tweets".to_owned(), json!([self.referenced(earlier, &selection.tweet)]));
        }
        if let Some(key) = media.filter(|_| expansions.has("attachments.media_keys")) {
            let media = json!({ "url": format!("https://img.example.test/media/{key}.jpg"), "media_key": key,
                "type": "photo", "width": 1280, "height": self.rng.u16(400..2000),
                "alt_text": "A cat, or a very small cloud" });
            includes.insert("media".to_owned(), json!([selected(media, &selection.media)]));
        }
        includes
    }

    /// The post that a repost, a quote, a reply or a like refers to.
    pub(crate) fn referenced(&mut self, id: u64, fields: &FieldSet) -> Value {
        let text = Text::random(&mut self.rng);
        let post = json!({
            "author_id": User::random(&mut self.rng).id.to_string(),
            "created_at": rfc3339(millis_of(id)),
            "edit_history_tweet_ids": [id.to_string()],
            "id": id.to_string(),
            "lang": text.lang,
            "entities": text.entities(),
            "public_metrics": self.metrics(),
            "text": text.words,
        });
        selected(post, fields)
    }

    /// An account.
    pub(crate) fn v2_user(&mut self, user: &User, fields: &FieldSet) -> Value {
        let (year, month, day) = (self.rng.u8(9..25), self.rng.u8(1..13), self.rng.u8(1..29));
        let account = json!({
            "id": user.id.to_string(),
            "username": user.username,
            "created_at": format!("20{year:02}-{month:02}-{day:02}T08:15:30.000Z"),
            "protected": false,
            "verified": self.rng.bool(),
            "profile_image_url": format!("https://img.example.test/profile/{:x}_normal.jpg", user.id),
            "public_metrics": { "followers_count": self.rng.u32(..90_000), "following_count": self.rng.u32(..3000),
                "tweet_count": self.rng.u32(..80_000), "listed_count": self.rng.u32(..400) },
            "name": user.name,
            "description": user.about,
        });
        selected(account, fields)
    }

    fn metrics(&mut self) -> Value {
        json!({ "retweet_count": self.rng.u16(..500), "reply_count": self.rng.u8(..60),
            "like_count": self.rng.u16(..3000), "quote_count": self.rng.u8(..30),
            "bookmark_count": self.rng.u8(..40), "impression_count": self.rng.u32(..90_000) })
    }
}

/// The members that the request selects.
pub(crate) fn selected(mut object: Value, fields: &FieldSet) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|name, _| fields.has(name));
    }
    object
}

/// The partial errors: a referenced post that is gone, fields that an app-only token may not see.
fn errors(id: u64, missing: Option<u64>, selection: &Selection) -> Vec<Value> {
    let missing = missing.map(|earlier| {
        let earlier = earlier.to_string();
        json!({ "value": earlier, "detail": format!("Could not find tweet with referenced_tweets.id: [{earlier}]."),
            "title": "Not Found Error", "resource_type": "tweet", "parameter": "referenced_tweets.id",
            "resource_id": earlier, "type": "https://api.twitter.com/2/problems/resource-not-found" })
    });
    let unauthorized = selection.unauthorized.iter().map(|field| {
        json!({ "resource_id": id.to_string(), "parameter": "id", "field": field, "section": "data",
            "title": "Field Authorization Error", "resource_type": "tweet",
            "detail": format!("Sorry, you are not authorized to access '{field}' on the Tweet with id : [{id}]."),
            "type": "https://api.twitter.com/2/problems/not-authorized-for-field" })
    });
    missing.into_iter().chain(unauthorized).collect()
}
