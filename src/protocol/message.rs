//! What a line is: every line X may send, of every dialect, is some [`Message`].
//!
//! Classification reads parsed keys, never the text of the line, so a post that quotes a system message
//! stays a post, and key order never matters. Sources: X docs "Consuming streaming data", "Compliance
//! streams", "Activity event payloads"; the v1.1 "Streaming message types" page; the enterprise pages.
//!
//! Its law: [`classify`] is total. Whatever the bytes are, they are some kind, and nothing panics.

use serde_json::Value;

use super::disconnect::{Code, LocalCause, ProblemName, TextLine};
use super::problem::Problem;
use super::scan::{Fault, Key, Outline, Type, scan};
use crate::text::sanitize;

/// Names every kind once: the enum, its text, its group, and whether it is printed by default.
macro_rules! kinds {
    ($($group:ident { $($name:ident $text:literal,)* })*) => {
        /// What a message is. The names are X's own where X has one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum MessageKind { $($($name,)*)* }

        impl MessageKind {
            /// Every kind, in the order of their groups.
            pub const ALL: &'static [MessageKind] = &[$($(MessageKind::$name,)*)*];

            /// The name, as flags and envelopes spell it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $($(MessageKind::$name => $text,)*)* }
            }

            /// The group it belongs to.
            #[must_use]
            pub fn group(self) -> KindGroup {
                match self { $($(MessageKind::$name)|* => KindGroup::$group,)* }
            }
        }
    };
}

kinds! {
    Data {
        Post "post",
        Like "like",
        Label "label",
        Activity "activity",
        Event "event",
        DirectMessage "direct_message",
        Friends "friends",
    }
    Compliance {
        Delete "delete",
        ScrubGeo "scrub_geo",
        StatusWithheld "status_withheld",
        UserWithheld "user_withheld",
        Withheld "withheld",
        Drop "drop",
        Undrop "undrop",
        TweetEdit "tweet_edit",
        UserDelete "user_delete",
        UserUndelete "user_undelete",
        UserProtect "user_protect",
        UserUnprotect "user_unprotect",
        UserSuspend "user_suspend",
        UserUnsuspend "user_unsuspend",
        UserProfileModification "user_profile_modification",
    }
    Control {
        Limit "limit",
        Warning "warning",
        Disconnect "disconnect",
        Error "error",
        Info "info",
        Control "control",
        Metadata "metadata",
    }
    Unknown {
        Unknown "unknown",
    }
    Unprintable {
        Heartbeat "heartbeat",
        Malformed "malformed",
    }
}

/// What kinds have in common, as flags name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KindGroup {
    /// What a stream is opened for. Printed.
    Data,
    /// What a consumer has a duty to act on. Printed unless `--only` or `--skip` removes it.
    Compliance,
    /// What the server reports about the stream itself. Reported on stderr; printed only when named.
    Control,
    /// Valid JSON of a shape that X does not document. Printed: X adds kinds.
    Unknown,
    /// Never on stdout as themselves: heartbeats and what is not JSON.
    Unprintable,
}

impl KindGroup {
    /// The groups that `--only` and `--skip` accept.
    pub const NAMED: [KindGroup; 3] = [KindGroup::Data, KindGroup::Compliance, KindGroup::Control];

    /// The name, as flags spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            KindGroup::Data => "data",
            KindGroup::Compliance => "compliance",
            KindGroup::Control => "control",
            KindGroup::Unknown => "unknown",
            KindGroup::Unprintable => "unprintable",
        }
    }
}

/// Which of X's vocabularies a message belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// API v2.
    V2,
    /// API v1.1, which Powerstream and old captures still speak.
    V1,
    /// The enterprise (Gnip) feeds.
    Enterprise,
}

impl Dialect {
    /// The name, as envelopes spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Dialect::V2 => "v2",
            Dialect::V1 => "v1.1",
            Dialect::Enterprise => "enterprise",
        }
    }
}

/// One classified line. It borrows the line; nothing is copied.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// What it is.
    pub kind: MessageKind,
    /// The dialect; none for heartbeats, `unknown` and what is not JSON.
    pub dialect: Option<Dialect>,
    /// The post's id as X wrote it, without quotes; empty when there is none.
    pub id: &'a [u8],
    /// The JSON object that was classified: the line, or what a `for_user` envelope holds.
    pub body: &'a [u8],
    /// Whether the post may say of itself that it is withheld.
    pub withheld: bool,
    /// Why a malformed line is no JSON value.
    pub fault: Option<Fault>,
}

/// The kinds that may stand alone under `data` on compliance and label streams.
const UNDER_DATA: [(Key, MessageKind); 16] = [
    (Key::Delete, MessageKind::Delete),
    (Key::Drop, MessageKind::Drop),
    (Key::Undrop, MessageKind::Undrop),
    (Key::Withheld, MessageKind::Withheld),
    (Key::TweetEdit, MessageKind::TweetEdit),
    (Key::ScrubGeo, MessageKind::ScrubGeo),
    (Key::UserDelete, MessageKind::UserDelete),
    (Key::UserUndelete, MessageKind::UserUndelete),
    (Key::UserProtect, MessageKind::UserProtect),
    (Key::UserUnprotect, MessageKind::UserUnprotect),
    (Key::UserSuspend, MessageKind::UserSuspend),
    (Key::UserUnsuspend, MessageKind::UserUnsuspend),
    (Key::UserWithheld, MessageKind::UserWithheld),
    (Key::UserProfileModification, MessageKind::UserProfileModification),
    (Key::PublicTweetNotice, MessageKind::Label),
    (Key::PublicTweetUnviewable, MessageKind::Label),
];

/// The control keys of v1.1 and enterprise, in the order in which they are looked for.
const AT_TOP: [(Key, MessageKind, Dialect); 22] = {
    use Dialect::{Enterprise, V1};
    [
        (Key::Limit, MessageKind::Limit, V1),
        (Key::Disconnect, MessageKind::Disconnect, V1),
        (Key::Warning, MessageKind::Warning, V1),
        (Key::Delete, MessageKind::Delete, V1),
        (Key::ScrubGeo, MessageKind::ScrubGeo, V1),
        (Key::StatusWithheld, MessageKind::StatusWithheld, V1),
        (Key::UserWithheld, MessageKind::UserWithheld, V1),
        (Key::Friends, MessageKind::Friends, V1),
        (Key::FriendsStr, MessageKind::Friends, V1),
        (Key::Control, MessageKind::Control, V1),
        (Key::DirectMessage, MessageKind::DirectMessage, V1),
        (Key::Info, MessageKind::Info, Enterprise),
        (Key::Error, MessageKind::Disconnect, Enterprise),
        (Key::Drop, MessageKind::Drop, Enterprise),
        (Key::Undrop, MessageKind::Undrop, Enterprise),
        (Key::TweetEdit, MessageKind::TweetEdit, Enterprise),
        (Key::UserDelete, MessageKind::UserDelete, Enterprise),
        (Key::UserUndelete, MessageKind::UserUndelete, Enterprise),
        (Key::UserProtect, MessageKind::UserProtect, Enterprise),
        (Key::UserUnprotect, MessageKind::UserUnprotect, Enterprise),
        (Key::UserSuspend, MessageKind::UserSuspend, Enterprise),
        (Key::UserUnsuspend, MessageKind::UserUnsuspend, Enterprise),
    ]
};

/// Classifies a line; `line` has no line end.
#[must_use]
pub fn classify(line: &[u8]) -> Message<'_> {
    let message = |kind| Message { kind, dialect: None, id: b"", body: line, withheld: false, fault: None };
    if line.iter().all(|byte| matches!(byte, b' ' | b'\r')) {
        return message(MessageKind::Heartbeat);
    }
    let outline = match scan(line) {
        Ok(outline) => outline,
        Err(fault) => {
            return Message { fault: Some(fault), ..message(MessageKind::Malformed) };
        }
    };
    // A site stream wraps each message once; a wrapper inside a wrapper is not a documented format.
    if outline.top.has(Key::ForUser) && outline.top.get(Key::Message).is_object() {
        let inner = outline.message;
        if let Ok(outline) = scan(inner) {
            return classify_outline(inner, &outline);
        }
    }
    classify_outline(line, &outline)
}

fn classify_outline<'a>(body: &'a [u8], outline: &Outline<'a>) -> Message<'a> {
    let (kind, dialect) = kind_of(body, outline);
    let withheld = outline.top.has(Key::WithheldInCountries) || outline.data.has(Key::Withheld);
    Message { kind, dialect, id: outline.id, body, withheld, fault: None }
}

fn kind_of(body: &[u8], outline: &Outline) -> (MessageKind, Option<Dialect>) {
    const UNKNOWN: (MessageKind, Option<Dialect>) = (MessageKind::Unknown, None);
    let top = &outline.top;
    if !outline.root.is_object() {
        return UNKNOWN;
    }
    if top.has(Key::Data) {
        if let Some(kind) = under_data(outline) {
            return (kind, Some(Dialect::V2));
        }
        return match top.get(Key::Errors) {
            Type::Array => (kind_of_problems(body), Some(Dialect::V2)),
            _ => UNKNOWN,
        };
    }
    // Rare enough for the library; posts have no `type` at their top, and an error would cost them an allocation.
    let type_text: String = match outline.type_json {
        b"" => String::new(),
        json => serde_json::from_slice(json).unwrap_or_default(),
    };
    if top.get(Key::Errors) == Type::Array
        || top.has(Key::Title)
        || type_text == "about:blank"
        || type_text.contains("/problems/")
    {
        return (kind_of_problems(body), Some(Dialect::V2));
    }
    let post_like = top.has(Key::Text) || top.has(Key::FullText) || top.has(Key::User);
    if !post_like {
        for (key, kind, dialect) in AT_TOP {
            let found = top.get(key);
            if found.is_object() || (kind == MessageKind::Friends && found.is_array()) {
                return (kind, Some(dialect));
            }
        }
    }
    if top.get(Key::Event) == Type::String && (top.has(Key::Source) || top.has(Key::Target)) {
        return (MessageKind::Event, Some(Dialect::V1));
    }
    if top.has(Key::Body) && (top.has(Key::Verb) || top.has(Key::ObjectType)) {
        return (MessageKind::Post, Some(Dialect::Enterprise));
    }
    if top.has(Key::FavoritedStatus) && top.has(Key::User) {
        return (MessageKind::Like, Some(Dialect::Enterprise));
    }
    if (top.has(Key::Id) || top.has(Key::IdStr)) && (top.has(Key::Text) || top.has(Key::FullText)) {
        let dialect = if top.has(Key::MatchingRules) { Dialect::Enterprise } else { Dialect::V1 };
        return (MessageKind::Post, Some(dialect));
    }
    if type_text == "connection_metadata" {
        return (MessageKind::Metadata, Some(Dialect::V2));
    }
    UNKNOWN
}

fn under_data(outline: &Outline) -> Option<MessageKind> {
    let data = &outline.data;
    if !outline.top.get(Key::Data).is_object() {
        return None;
    }
    if outline.data_has_one_key() {
        for (key, kind) in UNDER_DATA {
            if data.get(key).is_object() {
                return Some(kind);
            }
        }
    }
    if data.has(Key::EventType) && (data.has(Key::Payload) || data.has(Key::EventUuid)) {
        return Some(MessageKind::Activity);
    }
    if data.has(Key::LikedTweetId) || (data.has(Key::TimestampMs) && data.has(Key::AnyAuthorId) && !data.has(Key::Text))
    {
        return Some(MessageKind::Like);
    }
    data.has(Key::Id).then_some(MessageKind::Post)
}

/// `disconnect` if one of the problems is a v2 notice that the stream is over, else `error`.
fn kind_of_problems(body: &[u8]) -> MessageKind {
    let over = problems(body).iter().any(|problem| {
        problem.disconnect_type.is_some()
            || problem.connection_issue.is_some()
            || matches!(
                problem.name,
                Some(
                    ProblemName::OperationalDisconnect
                        | ProblemName::StreamingConnection
                        | ProblemName::ClientDisconnected
                )
            )
    });
    if over { MessageKind::Disconnect } else { MessageKind::Error }
}

/// The longest control message that is read as a value. X's have less than 10 KB; parsed as a value, one of the size
/// of the line cap would need a hundred times its length in memory.
const LONGEST_CONTROL: usize = 256 << 10;

fn value_of(body: &[u8]) -> Option<Value> {
    if body.len() > LONGEST_CONTROL { None } else { serde_json::from_slice(body).ok() }
}

fn problems(body: &[u8]) -> Vec<Problem> {
    value_of(body).map_or_else(Vec::new, |value| Problem::all(&value))
}

/// The content of a control message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// v1.1 `limit`: posts not delivered since this connection opened; a total, not a difference.
    Limit {
        /// The total, if it was a number.
        track: Option<u64>,
    },
    /// v1.1 `warning`.
    Warning {
        /// `FALLING_BEHIND`, `FOLLOWS_OVER_LIMIT`.
        code: String,
        /// X's own text.
        message: String,
        /// How full the queue at X is.
        percent_full: Option<u64>,
    },
    /// Enterprise `info`.
    Info {
        /// X's own text.
        message: String,
    },
    /// The stream is over, or was refused; the connection closes, or should be closed.
    Disconnect(DisconnectReason),
    /// A problem that does not end the stream, about a post that could not be delivered.
    Problem {
        /// Its title and detail.
        message: String,
    },
}

/// Why a stream ended, as X reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisconnectReason {
    /// The code to look up in the catalogue.
    pub code: Code,
    /// X's `detail`, `reason` or message, safe for a terminal.
    pub detail: Option<String>,
}

impl DisconnectReason {
    /// A loss that was noticed on this side.
    #[must_use]
    pub fn local(cause: LocalCause, detail: String) -> DisconnectReason {
        DisconnectReason { code: Code::Local(cause), detail: (!detail.is_empty()).then_some(detail) }
    }
}

impl Message<'_> {
    /// The content of a message of the `control` group; none for any other kind.
    #[must_use]
    pub fn notice(&self) -> Option<Notice> {
        if self.kind == MessageKind::Malformed {
            return TextLine::from_line(self.body).map(|line| {
                Notice::Disconnect(DisconnectReason {
                    code: Code::Text(line),
                    detail: (line != TextLine::Html).then(|| sanitize(&String::from_utf8_lossy(self.body), 200)),
                })
            });
        }
        if self.kind.group() != KindGroup::Control {
            return None;
        }
        let Some(value) = value_of(self.body) else {
            let message = format!("a {} message of {} bytes, too long to be read", self.kind.name(), self.body.len());
            return Some(Notice::Problem { message });
        };
        let text = |path: &str| {
            value.pointer(path).and_then(Value::as_str).map(|text| sanitize(text, 500)).unwrap_or_default()
        };
        let number = |path: &str| match value.pointer(path) {
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => text.parse().ok(),
            _ => None,
        };
        match self.kind {
            // The total is the only number, whatever is limited.
            MessageKind::Limit => Some(Notice::Limit {
                track: number("/limit/track").or_else(|| {
                    let members = value.get("limit")?.as_object()?;
                    members.iter().filter(|(name, _)| *name != "timestamp_ms").find_map(|(_, value)| value.as_u64())
                }),
            }),
            MessageKind::Warning => Some(Notice::Warning {
                code: text("/warning/code"),
                message: match number("/warning/user_id") {
                    Some(user) => format!("{}, user {user}", text("/warning/message")),
                    None => text("/warning/message"),
                },
                percent_full: number("/warning/percent_full"),
            }),
            MessageKind::Info => {
                let mut message = text("/info/message");
                for member in ["activity_count", "minutes_failed", "unprocessed_range"] {
                    if let Some(value) = value.pointer(&format!("/info/{member}")) {
                        message = format!("{message}, {member} {}", sanitize(&value.to_string(), 200));
                    }
                }
                Some(Notice::Info { message })
            }
            MessageKind::Control | MessageKind::Metadata => {
                let body = String::from_utf8_lossy(&self.body[..self.body.len().min(1000)]);
                Some(Notice::Info { message: sanitize(&body, 200) })
            }
            MessageKind::Disconnect | MessageKind::Error => Some(notice_from(&value)),
            _ => None,
        }
    }
}

/// The content of a `disconnect` or `error` line: the ending it announces, else the problem it reports.
fn notice_from(value: &Value) -> Notice {
    let reason = value.pointer("/disconnect/reason").and_then(Value::as_str);
    let stated = match reason {
        Some(reason) => Some(sanitize(reason, 500)).filter(|text| !text.is_empty()),
        None => Problem::all(value).iter().find_map(|problem| problem.detail.clone().or_else(|| problem.title.clone())),
    };
    match Code::from_line(value) {
        Some(code) => Notice::Disconnect(DisconnectReason { code, detail: stated }),
        None => Notice::Problem { message: stated.unwrap_or_else(|| "an error without a text".to_owned()) },
    }
}
