//! Generated posts in the v2 format, with the members the request selects.

use std::io::Write as _;

use super::author::{Text, User, put, quote};
use super::corpus::CONTEXT;
use super::fields::{FieldSet, Selection};
use super::post::{Generator, millis_of, rfc3339};

/// What rules are evaluated against.
pub(crate) struct Searchable {
    pub(crate) text: String,
    pub(crate) lang: &'static str,
}

/// Writes the name of a member, after a comma unless it is the first of its object.
fn key(out: &mut Vec<u8>, name: &str) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    put!(out, "\"{name}\":");
}

/// Writes the name of a member if it is selected; returns whether its value must follow.
fn member(out: &mut Vec<u8>, fields: &FieldSet, name: &str) -> bool {
    let selected = fields.has(name);
    if selected {
        key(out, name);
    }
    selected
}

/// A member whose value is formatted text.
macro_rules! write_member {
    ($out:expr, $fields:expr, $name:expr, $($text:tt)*) => {
        if member($out, $fields, $name) {
            put!($out, $($text)*);
        }
    };
}

impl Generator {
    /// Appends a v2 post without its last brace, for `matching_rules` may follow; `note` ends its text.
    pub(crate) fn v2(
        &mut self,
        id: u64,
        unix_ms: u64,
        note: &str,
        selection: &Selection,
        out: &mut Vec<u8>,
    ) -> Searchable {
        let mut text = Text::random(&mut self.rng);
        text.words.push_str(note);
        let author = User::random(&mut self.rng);
        let earlier = id - (self.rng.u64(1..900_000) << 32);
        let reference = match self.rng.u8(..10) {
            0..=2 => Some("retweeted"),
            3 | 4 => Some("quoted"),
            5..=7 => Some("replied_to"),
            _ => None,
        };
        let media = self.rng.u8(..4) == 0;
        let fields = &selection.tweet;

        out.extend_from_slice(b"{\"data\":{");
        write_member!(out, fields, "author_id", "\"{}\"", author.id);
        let conversation = if reference == Some("replied_to") { earlier } else { id };
        write_member!(out, fields, "conversation_id", "\"{conversation}\"");
        write_member!(out, fields, "created_at", "\"{}\"", rfc3339(unix_ms));
        write_member!(out, fields, "edit_history_tweet_ids", "[\"{id}\"]");
        write_member!(out, fields, "id", "\"{id}\"");
        if media {
            write_member!(out, fields, "attachments", "{{\"media_keys\":[\"3_{}\"]}}", id - 4096);
        }
        write_member!(
            out,
            fields,
            "edit_controls",
            "{{\"edits_remaining\":5,\"is_edit_eligible\":{},\"editable_until\":\"{}\"}}",
            reference.is_none(),
            rfc3339(unix_ms + 3_600_000)
        );
        if self.rng.bool() && member(out, fields, "context_annotations") {
            out.extend_from_slice(CONTEXT);
        }
        if member(out, fields, "entities") {
            text.entities(out, "start", "tag");
        }
        write_member!(out, fields, "lang", "\"{}\"", text.lang);
        write_member!(out, fields, "possibly_sensitive", "false");
        if member(out, fields, "public_metrics") {
            self.metrics(out);
        }
        if let Some(kind) = reference {
            write_member!(out, fields, "referenced_tweets", "[{{\"type\":\"{kind}\",\"id\":\"{earlier}\"}}]");
        }
        write_member!(out, fields, "reply_settings", "\"everyone\"");
        let prefix = if reference == Some("retweeted") { format!("RT @{}: ", author.username) } else { String::new() };
        let words = format!("{prefix}{}", text.words);
        if member(out, fields, "text") {
            quote(&words, text.ascii, out);
        }
        out.push(b'}');
        let expanded = reference.filter(|_| selection.expansions.has("referenced_tweets.id")).map(|_| earlier);
        let missing = expanded.filter(|_| self.rng.u8(..12) == 0);
        self.includes(id, &author, &text, expanded.xor(missing), media, selection, out);
        errors(id, missing, selection, out);
        Searchable { text: words, lang: text.lang }
    }

    /// What the expansions refer to.
    #[allow(clippy::too_many_arguments)] // The parts of one post.
    fn includes(
        &mut self,
        id: u64,
        author: &User,
        text: &Text,
        referenced: Option<u64>,
        media: bool,
        selection: &Selection,
        out: &mut Vec<u8>,
    ) {
        let (start, expansions) = (out.len(), &selection.expansions);
        out.extend_from_slice(b",\"includes\":{");
        let mentioned = text.mention.as_ref().map(|(_, _, user)| user);
        let mentioned = mentioned.filter(|_| expansions.has("entities.mentions.username"));
        let author = Some(author).filter(|_| expansions.has("author_id"));
        for (n, user) in author.into_iter().chain(mentioned).enumerate() {
            out.extend_from_slice(if n == 0 { b"\"users\":[" } else { b"," });
            self.v2_user(user, text.ascii, &selection.user, out);
        }
        if author.or(mentioned).is_some() {
            out.push(b']');
        }
        if let Some(earlier) = referenced {
            key(out, "tweets");
            self.referenced(earlier, &selection.tweet, out);
        }
        if media && expansions.has("attachments.media_keys") {
            key(out, "media");
            out.extend_from_slice(b"[{");
            let fields = &selection.media;
            write_member!(out, fields, "media_key", "\"3_{}\"", id - 4096);
            write_member!(out, fields, "type", "\"photo\"");
            write_member!(out, fields, "width", "1280");
            write_member!(out, fields, "height", "{}", self.rng.u16(400..2000));
            write_member!(out, fields, "url", "\"https://img.example.test/media/{id:x}.jpg\"");
            write_member!(out, fields, "alt_text", "\"A cat, or a very small cloud\"");
            out.extend_from_slice(b"}]");
        }
        // X leaves out what is empty.
        if out.last() == Some(&b'{') { out.truncate(start) } else { out.push(b'}') }
    }
    /// Appends a list of one: the post that a repost, a quote, a reply or a like refers to.
    pub(crate) fn referenced(&mut self, id: u64, fields: &FieldSet, out: &mut Vec<u8>) {
        let text = Text::random(&mut self.rng);
        out.extend_from_slice(b"[{");
        write_member!(out, fields, "author_id", "\"{}\"", User::random(&mut self.rng).id);
        write_member!(out, fields, "created_at", "\"{}\"", rfc3339(millis_of(id)));
        write_member!(out, fields, "edit_history_tweet_ids", "[\"{id}\"]");
        write_member!(out, fields, "id", "\"{id}\"");
        write_member!(out, fields, "lang", "\"{}\"", text.lang);
        if member(out, fields, "entities") {
            text.entities(out, "start", "tag");
        }
        if member(out, fields, "public_metrics") {
            self.metrics(out);
        }
        if member(out, fields, "text") {
            quote(&text.words, text.ascii, out);
        }
        out.extend_from_slice(b"}]");
    }

    /// Appends an account.
    pub(crate) fn v2_user(&mut self, user: &User, ascii: bool, fields: &FieldSet, out: &mut Vec<u8>) {
        out.push(b'{');
        write_member!(out, fields, "id", "\"{}\"", user.id);
        write_member!(out, fields, "username", "\"{}\"", user.username);
        write_member!(
            out,
            fields,
            "created_at",
            "\"20{:02}-{:02}-{:02}T08:15:30.000Z\"",
            self.rng.u8(9..25),
            self.rng.u8(1..13),
            self.rng.u8(1..29)
        );
        write_member!(out, fields, "protected", "false");
        write_member!(out, fields, "verified", "{}", self.rng.bool());
        write_member!(
            out,
            fields,
            "profile_image_url",
            "\"https://img.example.test/profile/{:x}_normal.jpg\"",
            user.id
        );
        write_member!(
            out,
            fields,
            "public_metrics",
            "{{\"followers_count\":{},\"following_count\":{},\"tweet_count\":{},\"listed_count\":{}}}",
            self.rng.u32(..90_000),
            self.rng.u32(..3000),
            self.rng.u32(..80_000),
            self.rng.u32(..400)
        );
        if member(out, fields, "name") {
            quote(user.name, ascii, out);
        }
        if member(out, fields, "description") {
            quote(user.about, ascii, out);
        }
        out.push(b'}');
    }

    fn metrics(&mut self, out: &mut Vec<u8>) {
        put!(
            out,
            "{{\"retweet_count\":{},\"reply_count\":{},\"like_count\":{}\
                 ,\"quote_count\":{},\"bookmark_count\":{},\"impression_count\":{}}}",
            self.rng.u16(..500),
            self.rng.u8(..60),
            self.rng.u16(..3000),
            self.rng.u8(..30),
            self.rng.u8(..40),
            self.rng.u32(..90_000)
        );
    }
}

/// Appends the partial errors: a referenced post that is gone, fields that an app-only token may not see.
fn errors(id: u64, missing: Option<u64>, selection: &Selection, out: &mut Vec<u8>) {
    let mut open = ",\"errors\":[";
    if let Some(earlier) = missing {
        put!(
            out,
            "{open}{{\"value\":\"{earlier}\"\
                 ,\"detail\":\"Could not find tweet with referenced_tweets.id: [{earlier}].\"\
                 ,\"title\":\"Not Found Error\",\"resource_type\":\"tweet\"\
                 ,\"parameter\":\"referenced_tweets.id\"\
                 ,\"resource_id\":\"{earlier}\"\
                 ,\"type\":\"https://api.twitter.com/2/problems/resource-not-found\"}}"
        );
        open = ",";
    }
    for field in &selection.unauthorized {
        put!(
            out,
            "{open}{{\"resource_id\":\"{id}\",\"parameter\":\"id\",\"field\":\"{field}\",\"section\":\"data\"\
                 ,\"title\":\"Field Authorization Error\",\"resource_type\":\"tweet\"\
                 ,\"detail\":\"Sorry, you are not authorized to access '{field}' on the Tweet with id : [{id}].\"\
                 ,\"type\":\"https://api.twitter.com/2/problems/not-authorized-for-field\"}}"
        );
        open = ",";
    }
    if open == "," {
        out.push(b']');
    }
}
