//! Every control message X has been seen to send, as a table of names and templates.
//!
//! Tables rather than types: the simulator must be able to send what the tool's own parser does
//! not know, so it shares no shapes with it. A new message is a new row.

use std::time::Duration;

use super::cursor::first_word;
use crate::time::format_rfc3339;

/// A control message: its name, and its argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlMessage {
    kind: &'static ControlKind,
    argument: String,
}

/// A row of the table. In `template`, `$ARG` is the argument, `$NOW` the time as RFC 3339,
/// `$NOW_MS` the same in Unix milliseconds, `$ID` the id of the post sent last, `$HEX` that as a
/// like's id, `$USER` the account, `$REASON` the text X gives with a v1.1 disconnect code.
#[derive(Debug, PartialEq, Eq)]
struct ControlKind {
    /// Name and argument as `--list` shows them; the name is the first word.
    usage: &'static str,
    about: &'static str,
    /// The argument if none is given; empty when the message has none. A default that is a
    /// number requires a number.
    argument: &'static str,
    template: &'static str,
}

const fn kind(usage: &'static str, about: &'static str, argument: &'static str, template: &'static str) -> ControlKind {
    ControlKind { usage, about, argument, template }
}

const KINDS: &[ControlKind] = &[
    // v1.1
    kind(
        "limit [COUNT]",
        "v1.1: COUNT posts were not delivered since the connection opened",
        "5",
        r#"{"limit":{"track":$ARG,"timestamp_ms":"$NOW_MS"}}"#,
    ),
    kind(
        "warning [PERCENT]",
        "v1.1: falling behind, the queue is PERCENT full",
        "60",
        r#"{"warning":{"code":"FALLING_BEHIND","message":"Your connection is falling behind and messages are being queued for delivery to you. Your queue is now over $ARG% full. You will be disconnected when the queue is full.","percent_full":$ARG}}"#,
    ),
    kind(
        "follows-over-limit",
        "v1.1: too many followed accounts",
        "",
        r#"{"warning":{"code":"FOLLOWS_OVER_LIMIT","message":"The account follows too many accounts.","user_id":2244994945}}"#,
    ),
    kind(
        "disconnect [CODE]",
        "v1.1: disconnect notice with CODE (the close is a step of its own)",
        "12",
        r#"{"disconnect":{"code":$ARG,"stream_name":"demo-statuses","reason":"$REASON"}}"#,
    ),
    kind(
        "delete",
        "v1.1: the post sent last is deleted",
        "",
        r#"{"delete":{"status":{"id":$ID,"id_str":"$ID","user_id":2244994945,"user_id_str":"2244994945"},"timestamp_ms":"$NOW_MS"}}"#,
    ),
    kind(
        "scrub-geo",
        "v1.1: places up to the post sent last must go",
        "",
        r#"{"scrub_geo":{"user_id":2244994945,"user_id_str":"2244994945","up_to_status_id":$ID,"up_to_status_id_str":"$ID"}}"#,
    ),
    kind(
        "status-withheld",
        "v1.1: the post sent last is withheld in two countries",
        "",
        r#"{"status_withheld":{"id":$ID,"user_id":2244994945,"withheld_in_countries":["DE","AR"]}}"#,
    ),
    kind(
        "user-withheld",
        "v1.1: an account is withheld in two countries",
        "",
        r#"{"user_withheld":{"id":2244994945,"withheld_in_countries":["DE","AR"]}}"#,
    ),
    kind(
        "event [NAME]",
        "v1.1: an account event",
        "user_update",
        r#"{"event":"$ARG","created_at":"Tue Aug 06 02:23:21 +0000 2013","source":{"id":2244994945,"screen_name":"slowferry"},"target":{"id":2244994945,"screen_name":"slowferry"}}"#,
    ),
    kind("friends", "v1.1: user stream preamble", "", r#"{"friends":[1497,169686021,2244994945]}"#),
    kind(
        "direct-message",
        "v1.1: a direct message",
        "",
        r#"{"direct_message":{"id":11111111111111111,"id_str":"11111111111111111","text":"hello","sender_id":1497,"recipient_id":2244994945}}"#,
    ),
    kind(
        "for-user",
        "v1.1: site stream envelope around a delete",
        "",
        r#"{"for_user":"2244994945","message":{"delete":{"status":{"id":$ID,"id_str":"$ID","user_id":1497,"user_id_str":"1497"}}}}"#,
    ),
    kind(
        "control",
        "v1.1: site stream control address",
        "",
        r#"{"control":{"control_uri":"/1.1/site/c/01_225167_334389048B872A533002B34D73F8C29FD09EFC50"}}"#,
    ),
    // v2, in band
    kind(
        "operational-disconnect [TYPE]",
        "v2: disconnect notice with this disconnect_type, inside errors",
        "OperationalDisconnect",
        r#"{"errors":[{"title":"operational-disconnect","disconnect_type":"$ARG","detail":"This stream has been disconnected for operational reasons.","type":"https://api.twitter.com/2/problems/operational-disconnect"}]}"#,
    ),
    kind(
        "operational-disconnect-bare [TYPE]",
        "v2: the same without errors around it",
        "OperationalDisconnect",
        r#"{"title":"operational-disconnect","disconnect_type":"$ARG","detail":"This stream has been disconnected for operational reasons.","type":"https://api.x.com/2/problems/operational-disconnect"}"#,
    ),
    kind(
        "streaming-connection [ISSUE]",
        "v2: connection problem with this connection_issue, bare",
        "TooManyConnections",
        r#"{"title":"ConnectionException","detail":"This stream is currently at the maximum allowed connection limit.","connection_issue":"$ARG","type":"https://api.twitter.com/2/problems/streaming-connection"}"#,
    ),
    kind(
        "streaming-connection-wrapped [ISSUE]",
        "v2: the same inside errors",
        "TooManyConnections",
        r#"{"errors":[{"title":"ConnectionException","detail":"This stream is currently at the maximum allowed connection limit.","connection_issue":"$ARG","type":"https://api.x.com/2/problems/streaming-connection"}]}"#,
    ),
    kind(
        "client-disconnected",
        "v2: X believes the client is gone",
        "",
        r#"{"errors":[{"title":"client-disconnected","detail":"The client has been disconnected.","type":"https://api.twitter.com/2/problems/client-disconnected"}]}"#,
    ),
    kind(
        "usage-cap-line",
        "v2: the quota ran out while streaming",
        "",
        r#"{"errors":[{"title":"UsageCapExceeded","period":"Monthly","scope":"Product","detail":"Usage cap exceeded: Monthly product cap","type":"https://api.twitter.com/2/problems/usage-capped"}]}"#,
    ),
    kind(
        "lost-post",
        "v2: errors about a post that cannot be shown; not an ending",
        "",
        r#"{"errors":[{"value":"$ID","detail":"Could not find tweet with id: [$ID].","title":"Not Found Error","resource_type":"tweet","parameter":"id","resource_id":"$ID","type":"https://api.twitter.com/2/problems/resource-not-found"}]}"#,
    ),
    // v2, compliance
    kind(
        "post-compliance [KIND]",
        "v2: delete, drop or undrop of the post sent last",
        "delete",
        r#"{"data":{"$ARG":{"tweet":{"id":"$ID","author_id":"2244994945"},"event_at":"$NOW"}}}"#,
    ),
    kind(
        "post-withheld [COUNTRY]",
        "v2: the post sent last is withheld (XX everywhere, XY copyright)",
        "DE",
        r#"{"data":{"withheld":{"tweet":{"id":"$ID","author_id":"2244994945"},"withheld_in_countries":["$ARG"],"event_at":"$NOW"}}}"#,
    ),
    kind(
        "post-edit",
        "v2: the post sent last replaces an earlier one",
        "",
        r#"{"data":{"tweet_edit":{"tweet":{"id":"$ID"},"initial_tweet_id":"1567233844205453313","edit_tweet_ids":["1567233844205453313","$ID"],"event_at":"$NOW"}}}"#,
    ),
    kind(
        "user-compliance [KIND]",
        "v2: user_KIND with delete, undelete, protect, unprotect, suspend, unsuspend",
        "delete",
        r#"{"data":{"user_$ARG":{"user":{"id":"$USER"},"event_at":"$NOW"}}}"#,
    ),
    kind(
        "user-withheld-v2 [COUNTRY]",
        "v2: an account is withheld",
        "DE",
        r#"{"data":{"user_withheld":{"user":{"id":"$USER"},"withheld_in_countries":["$ARG"],"event_at":"$NOW"}}}"#,
    ),
    kind(
        "scrub-geo-v2",
        "v2: places up to the post sent last must go",
        "",
        r#"{"data":{"scrub_geo":{"user":{"id":"$USER"},"up_to_tweet_id":"$ID","event_at":"$NOW"}}}"#,
    ),
    kind(
        "profile-change [FIELD]",
        "v2: user_profile_modification of profile.FIELD",
        "description",
        r#"{"data":{"user_profile_modification":{"user":{"id":"$USER"},"profile_field":"profile.$ARG","new_value":"Rows the slow ferry.","event_at":"$NOW"}}}"#,
    ),
    kind(
        "like-delete",
        "v2: a like is taken back",
        "",
        r#"{"data":{"delete":{"favorite":{"id":"$ID","user_id":"2244994945"},"event_at":"$NOW"}}}"#,
    ),
    // v2, other streams
    kind(
        "like",
        "v2: a like",
        "",
        r#"{"data":{"id":"$HEX","created_at":"$NOW","timestamp_ms":$NOW_MS,"liked_tweet_id":"$ID","liked_tweet_author_id":"2244994945"},"includes":{"users":[{"id":"2244994945","name":"The Slow Ferry","username":"slowferry"}]}}"#,
    ),
    kind(
        "label-notice [APPLICATION]",
        "v2: public_tweet_notice, apply or remove",
        "apply",
        r#"{"data":{"public_tweet_notice":{"tweet":{"id":"$ID","author_id":"2244994945"},"event_type":"misleading","event_at":"$NOW","application":"$ARG"}}}"#,
    ),
    kind(
        "label-unviewable [APPLICATION]",
        "v2: public_tweet_unviewable, apply or remove",
        "apply",
        r#"{"data":{"public_tweet_unviewable":{"tweet":{"id":"$ID","author_id":"2244994945"},"event_at":"$NOW","application":"$ARG"}}}"#,
    ),
    kind(
        "activity [TYPE]",
        "v2: an activity event of this type",
        "profile.update.bio",
        r#"{"data":{"event_uuid":"$ID","event_type":"$ARG","filter":{"user_id":"2244994945"},"tag":"ferry","payload":{"before":"Rows.","after":"Rows slowly."}}}"#,
    ),
    // enterprise and Powerstream
    kind(
        "info",
        "enterprise: a replay is complete",
        "",
        r#"{"info":{"message":"Replay Request Completed","sent":"$NOW","activity_count":8874}}"#,
    ),
    kind(
        "info-failed",
        "enterprise: a replay could not be completed",
        "",
        r#"{"info":{"message":"Replay Request Failed to Complete","sent":"$NOW","unprocessed_range":{"fromDate":"2016-06-26T00:00:00+00:00","toDate":"2016-06-26T00:01:00+00:00"},"activity_count":1822}}"#,
    ),
    kind(
        "forced-disconnect",
        "enterprise: too many connections",
        "",
        r#"{"error":{"message":"Forced Disconnect: Too many connections. (Allowed Connections = 2)","sent":"$NOW"}}"#,
    ),
    kind(
        "enterprise-drop [KIND]",
        "enterprise: drop or undrop of the post sent last",
        "drop",
        r#"{"$ARG":{"status":{"id":$ID,"id_str":"$ID","user_id":2244994945,"user_id_str":"2244994945"},"timestamp_ms":"$NOW_MS"}}"#,
    ),
    kind(
        "enterprise-edit",
        "enterprise: the post sent last replaces an earlier one",
        "",
        r#"{"tweet_edit":{"id":"$ID","initial_tweet_id":"1557433858676740098","edit_tweet_ids":["1557433858676740098","$ID"],"timestamp_ms":"$NOW_MS"}}"#,
    ),
    kind(
        "enterprise-user [KIND]",
        "enterprise: user_KIND with delete, undelete, protect, unprotect, suspend, unsuspend",
        "protect",
        r#"{"user_$ARG":{"id":2244994945,"timestamp_ms":"$NOW_MS"}}"#,
    ),
    kind(
        "metadata",
        "Powerstream: which data centre answers",
        "",
        r#"{"type":"connection_metadata","datacenter":"atla","timestamp":$NOW_MS}"#,
    ),
    // undocumented lines
    kind("text-line", "plain text where a message should be", "", "Exceeded connection limit for user"),
    kind("html-line", "HTML where a message should be", "", "<html><body><h2>HTTP ERROR: 503</h2></body></html>"),
    kind("unknown", "valid JSON of an unknown shape", "", r#"{"brand_new_kind":{"id":"$ID","at":"$NOW"}}"#),
];

/// The account that scripted messages are about, X's own example.
const USER: u64 = 2_244_994_945;

impl ControlMessage {
    /// The message of this name; no argument means the usual one.
    ///
    /// # Errors
    /// The argument does not fit the message. `None` if there is no message of that name.
    #[must_use]
    pub fn named(name: &str, argument: Option<&str>) -> Option<Result<ControlMessage, String>> {
        let kind = KINDS.iter().find(|kind| first_word(kind.usage) == name)?;
        Some(check(kind, argument).map(|argument| ControlMessage { kind, argument }))
    }

    /// What the connections API shows as the reason of an ending that this message announces.
    pub(crate) fn ending(&self) -> Option<&str> {
        match first_word(self.kind.usage) {
            "disconnect"
            | "operational-disconnect"
            | "operational-disconnect-bare"
            | "streaming-connection"
            | "streaming-connection-wrapped" => Some(&self.argument),
            name @ ("client-disconnected" | "usage-cap-line" | "forced-disconnect") => Some(name),
            _ => None,
        }
    }

    /// The line, without a line end. `last_id` is the id of the post sent last.
    pub(crate) fn render(&self, unix_ms: u64, last_id: u64) -> String {
        self.render_about(unix_ms, last_id, USER)
    }

    /// The same, about another account than usual.
    pub(crate) fn render_about(&self, unix_ms: u64, last_id: u64, user: u64) -> String {
        // Before the first post a delete still has to name one.
        let id = if last_id == 0 { 1_234_567_890_123_456_789 } else { last_id };
        let template = self.kind.template.replace("$ARG", &self.argument);
        template
            .replace("$NOW_MS", &unix_ms.to_string())
            .replace("$NOW", &format_rfc3339(Duration::from_millis(unix_ms)))
            .replace("$ID", &id.to_string())
            .replace("$HEX", &format!("{id:032x}"))
            .replace("$USER", &user.to_string())
            .replace("$REASON", reason(&self.argument))
    }
}

fn check(kind: &ControlKind, argument: Option<&str>) -> Result<String, String> {
    let name = first_word(kind.usage);
    let Some(argument) = argument else {
        return Ok(kind.argument.to_owned());
    };
    if kind.argument.is_empty() {
        return Err(format!("'{name}' accepts no argument"));
    }
    if kind.argument.parse::<u64>().is_ok() && argument.parse::<u64>().is_err() {
        return Err(format!("'{name}' accepts a number, not '{argument}'"));
    }
    // The template is JSON: an argument must not be able to break out of its string.
    if argument.contains(['"', '\\']) || argument.chars().any(char::is_control) {
        return Err(format!("'{name}' accepts a plain word"));
    }
    Ok(argument.to_owned())
}

/// Names and descriptions for `--list`.
pub(crate) fn list() -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS.iter().map(|kind| (kind.usage, kind.about))
}

fn reason(code: &str) -> &'static str {
    match code {
        "1" => "shutdown",
        "2" => "duplicate stream",
        "3" => "control request",
        "4" => "stall",
        "5" => "normal",
        "6" => "token revoked",
        "7" => "admin logout",
        "9" => "max message limit",
        "10" => "stream exception",
        "11" => "broker stall",
        "12" => "shed load",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_one_json_line_but_for_the_two_that_are_text() {
        for kind in KINDS {
            let name = first_word(kind.usage);
            let line = ControlMessage::named(name, None).unwrap().unwrap().render(1_790_000_000_000, 42);
            assert!(!line.contains(['\n', '$']), "{line}");
            let parsed = serde_json::from_str::<serde_json::Value>(&line);
            assert_eq!(parsed.is_ok(), !name.ends_with("-line") || name == "usage-cap-line", "{line}");
        }
    }

    #[test]
    fn an_argument_cannot_leave_its_string() {
        assert!(ControlMessage::named("event", Some("a\"b")).unwrap().is_err());
        assert!(ControlMessage::named("disconnect", Some("twelve")).unwrap().is_err());
        assert!(ControlMessage::named("friends", Some("1")).unwrap().is_err());
        assert!(ControlMessage::named("no-such", None).is_none());
    }

    #[test]
    fn a_delete_names_the_post_sent_last() {
        let line = ControlMessage::named("delete", None).unwrap().unwrap().render(0, 77);
        assert!(line.contains(r#""id_str":"77""#));
    }
}
