//! From a compliance message to its effect, in every dialect: v2 under `data`, v1.1 and enterprise at the top, site
//! streams inside `for_user`, activity events of type `post.delete`, and our own envelope around any of them.
//!
//! Where a number and its text stand side by side, the text counts: enterprise documents have rounded numbers.

use serde_json::Value;

use super::apply::{is_post_delete, message_in};
use super::{ComplianceEffect, ComplianceEvent, Countries, HideCause, HideTarget};
use crate::protocol::message::{KindGroup, Message, MessageKind, classify};
use crate::protocol::post_id::PostId;
use crate::protocol::user_id::UserId;
use crate::time::{as_millis, parse_rfc3339, parse_v1};

/// The longest message that is read. X's have less than 10 KB.
const LONGEST: usize = 256 << 10;

/// What a line requires, bare or in our envelope; none if it is no compliance message, or has no effect on posts.
#[must_use]
pub fn event(line: &[u8]) -> Option<ComplianceEvent> {
    event_of(&classify(&line[message_in(line)]))
}

/// What a classified message requires.
#[must_use]
pub fn event_of(message: &Message) -> Option<ComplianceEvent> {
    let candidate = match message.kind {
        MessageKind::Event => true,
        MessageKind::Activity => is_post_delete(message.body),
        kind => kind.group() == KindGroup::Compliance,
    };
    if !candidate || message.body.len() > LONGEST {
        return None;
    }
    if let Some(event) = plain_deletion(message.body) {
        return Some(event);
    }
    let value: Value = serde_json::from_slice(message.body).ok()?;
    let root = value.get("data").unwrap_or(&value);
    let body = match message.kind {
        MessageKind::Event => root,
        MessageKind::Activity => root.get("payload")?,
        kind => root.get(kind.name())?,
    };
    let effect = match message.kind {
        MessageKind::Event => event_effect(root)?,
        MessageKind::Activity => ComplianceEffect::DeletePost(post(body)?),
        MessageKind::Delete => delete(body)?,
        MessageKind::ScrubGeo => ComplianceEffect::ScrubGeo { user: user(body)?, up_to: up_to(body)? },
        MessageKind::StatusWithheld | MessageKind::Withheld => withhold(HideTarget::Post(post(body)?), body)?,
        MessageKind::UserWithheld => withhold(HideTarget::User(user(body)?), body)?,
        MessageKind::Drop => hide(HideTarget::Post(post(body)?), HideCause::Drop, true),
        MessageKind::Undrop => hide(HideTarget::Post(post(body)?), HideCause::Drop, false),
        MessageKind::TweetEdit => edit(body)?,
        kind => {
            let (cause, hidden) = user_cause(kind.name())?;
            hide(HideTarget::User(user(body)?), cause, hidden)
        }
    };
    Some(ComplianceEvent { at_ms: time(body).or_else(|| time(root)), effect })
}

/// A deletion of v2 in the form in which X sends them, read without building values; none for any other form.
fn plain_deletion(body: &[u8]) -> Option<ComplianceEvent> {
    let (id, rest) = text(body.strip_prefix(br#"{"data":{"delete":{"tweet":{"id":""#)?)?;
    let (_, rest) = text(rest.strip_prefix(br#","author_id":""#)?)?;
    let (at, rest) = text(rest.strip_prefix(br#"},"event_at":""#)?)?;
    let at_ms = parse_rfc3339(std::str::from_utf8(at).ok()?).map(as_millis);
    let effect = ComplianceEffect::DeletePost(PostId::parse(id)?);
    (rest == b"}}}").then_some(ComplianceEvent { at_ms, effect })
}

/// A text without escapes up to its quote, and what follows.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    (bytes[end] == b'"').then(|| (&bytes[..end], &bytes[end + 1..]))
}

fn delete(body: &Value) -> Option<ComplianceEffect> {
    if let Some(like) = body.get("favorite") {
        let post = ["tweet_id", "post_id", "id"].iter().find_map(|name| id(like, name))?;
        return Some(ComplianceEffect::DeleteLike { post: PostId(post), user: UserId(id(like, "user_id")?) });
    }
    // A deleted direct message has an id as well, and is no post.
    holder(body).and_then(|post| id(post, "id")).map(|id| ComplianceEffect::DeletePost(PostId(id)))
}

fn withhold(target: HideTarget, body: &Value) -> Option<ComplianceEffect> {
    let codes = body.get("withheld_in_countries")?.as_array()?;
    let countries = Countries::from_codes(codes.iter().map(|code| code.as_str().unwrap_or_default()))?;
    Some(ComplianceEffect::Withhold { target, countries })
}

fn hide(target: HideTarget, cause: HideCause, hidden: bool) -> ComplianceEffect {
    ComplianceEffect::Hide { target, cause, hidden }
}

fn edit(body: &Value) -> Option<ComplianceEffect> {
    let versions = ["edit_tweet_ids", "edit_post_ids"].iter().find_map(|name| body.get(name)?.as_array())?;
    let versions: Vec<PostId> = versions.iter().filter_map(number).map(PostId).collect();
    (!versions.is_empty()).then_some(ComplianceEffect::Edit { versions })
}

/// The effect of a v1.1 `event`. Its target, which may be a bare id, is the user it is about.
fn event_effect(root: &Value) -> Option<ComplianceEffect> {
    let (cause, hidden) = user_cause(root.get("event")?.as_str()?)?;
    let user = ["target", "source"].iter().find_map(|name| {
        let user = root.get(name)?;
        number(user).or_else(|| id(user, "id"))
    })?;
    Some(hide(HideTarget::User(UserId(user)), cause, hidden))
}

fn user_cause(name: &str) -> Option<(HideCause, bool)> {
    Some(match name {
        "user_delete" => (HideCause::UserDelete, true),
        "user_undelete" => (HideCause::UserDelete, false),
        "user_protect" => (HideCause::Protect, true),
        "user_unprotect" => (HideCause::Protect, false),
        "user_suspend" => (HideCause::Suspend, true),
        "user_unsuspend" => (HideCause::Suspend, false),
        _ => return None,
    })
}

/// The object that names the post.
fn holder(body: &Value) -> Option<&Value> {
    ["tweet", "post", "status"].iter().find_map(|name| body.get(name))
}

fn post(body: &Value) -> Option<PostId> {
    let held = holder(body).and_then(|post| id(post, "id"));
    held.or_else(|| ["id", "tweet_id", "post_id"].iter().find_map(|name| id(body, name))).map(PostId)
}

fn user(body: &Value) -> Option<UserId> {
    let held = body.get("user").and_then(|user| id(user, "id"));
    held.or_else(|| id(body, "user_id")).or_else(|| id(body, "id")).map(UserId)
}

fn up_to(body: &Value) -> Option<PostId> {
    ["up_to_tweet_id", "up_to_post_id", "up_to_status_id"].iter().find_map(|name| id(body, name)).map(PostId)
}

/// The member `name` as an id; its text, where there is one.
fn id(value: &Value, name: &str) -> Option<u64> {
    let text = value.get(format!("{name}_str")).and_then(number);
    text.or_else(|| value.get(name).and_then(number))
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => PostId::parse(text).map(|PostId(id)| id),
        other => other.as_u64(),
    }
}

/// When it happened, in milliseconds since the Unix epoch.
fn time(body: &Value) -> Option<u64> {
    let text = |name| body.get(name).and_then(Value::as_str);
    let stamp = ["timestamp_ms", "timestampMs"].iter().find_map(|name| body.get(name).and_then(number));
    let date = || text("event_at").and_then(parse_rfc3339).or_else(|| text("created_at").and_then(parse_v1));
    stamp.or_else(|| date().map(as_millis))
}
