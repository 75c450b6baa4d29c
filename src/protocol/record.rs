//! What X's REST endpoints tell about an app: its connections, its rules, its usage.
//!
//! The documents and the servers do not agree on which members are there and which are strings, so everything is
//! read leniently: a number may be a string, a member that is missing or of another type is absent. What X sent is
//! kept beside what was read, because a pipe wants X's own objects.
//!
//! Law: total. Any JSON gives a record.

use serde_json::Value;

use super::problem::Problem;
use crate::text::sanitize;

/// Longest text kept of a member that is told to people, in characters; X's longest detail has about 210.
const LONGEST_TEXT: usize = 500;

/// One connection of the app, open or ended (X docs: connections). Every member but `raw` may be missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Connection {
    /// What `kill` needs; the published example lacks it.
    pub id: Option<String>,
    /// X's name of the stream; a plain string, not only the published names.
    pub endpoint_name: Option<String>,
    /// The client's address.
    pub client_ip: Option<String>,
    /// RFC 3339.
    pub connected_at: Option<String>,
    /// RFC 3339; absent while it is open.
    pub disconnected_at: Option<String>,
    /// A free word; `operator_disconnect` is the only one published.
    pub disconnect_reason: Option<String>,
    /// As X sent it.
    pub raw: Value,
}

impl Connection {
    /// Reads one element of `data`.
    #[must_use]
    pub fn of(raw: &Value) -> Self {
        Self {
            id: text(raw, "id"),
            endpoint_name: text(raw, "endpoint_name"),
            client_ip: text(raw, "client_ip"),
            connected_at: text(raw, "connected_at"),
            disconnected_at: text(raw, "disconnected_at"),
            disconnect_reason: text(raw, "disconnect_reason"),
            raw: raw.clone(),
        }
    }

    /// Whether it is open: nothing tells of an end.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.disconnected_at.is_none() && self.disconnect_reason.is_none()
    }
}

/// Whether a text is an id of a connection: a UUID, the one form that X publishes, or a number as its other ids are.
/// Shorter numbers are slips.
#[must_use]
pub fn is_connection_id(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let hex = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let uuid = hex && groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]);
    uuid || (5..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What became of connections that were to be ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kills {
    /// How many were ended.
    pub successful: u64,
    /// How many were not.
    pub failed: u64,
    /// One by one, if X says so.
    pub results: Vec<Killed>,
    /// Errors beside the results.
    pub errors: Vec<Problem>,
}

/// What became of one connection that was to be ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Killed {
    /// Its id.
    pub uuid: Option<String>,
    /// Whether it was ended.
    pub success: bool,
    /// Why not.
    pub error_message: Option<String>,
    /// As X sent it.
    pub raw: Value,
}

impl Kills {
    /// Reads a reply.
    #[must_use]
    pub fn of(reply: &Value) -> Self {
        let data = reply.get("data").unwrap_or(&Value::Null);
        let results: Vec<Killed> = list(data, "results")
            .iter()
            .map(|raw| Killed {
                uuid: text(raw, "uuid"),
                success: raw.get("success").is_some_and(is_true),
                error_message: text(raw, "error_message").map(|text| sanitize(&text, LONGEST_TEXT)),
                raw: raw.clone(),
            })
            .collect();
        let good = results.iter().filter(|result| result.success).count() as u64;
        let bad = results.len() as u64 - good;
        Self {
            successful: number(data, "successful_kills").unwrap_or(good),
            // A failure that only one of the two places tells is a failure.
            failed: number(data, "failed_kills").unwrap_or(0).max(bad),
            results,
            errors: errors(reply),
        }
    }
}

/// A rule of the filtered stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rule {
    /// X's id for it; absent in some answers to a dry run.
    pub id: Option<String>,
    /// What it matches; empty if X did not say.
    pub value: String,
    /// Its label.
    pub tag: Option<String>,
    /// As X sent it.
    pub raw: Value,
}

impl Rule {
    /// Reads one element of `data`.
    #[must_use]
    pub fn of(raw: &Value) -> Self {
        Self {
            id: text(raw, "id"),
            value: text(raw, "value").unwrap_or_default(),
            tag: text(raw, "tag"),
            raw: raw.clone(),
        }
    }
}

/// Why a rule was not taken.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleError {
    /// The rule's value, if X repeats it.
    pub value: Option<String>,
    /// The id of a rule: of a duplicate, the one that is there already.
    pub id: Option<String>,
    /// What X calls it.
    pub problem: Problem,
    /// What is wrong and where, each a sentence.
    pub details: Vec<String>,
    /// As X sent it.
    pub raw: Value,
}

impl RuleError {
    /// Every error of a reply or of a refusal's body.
    #[must_use]
    pub fn all(reply: &Value) -> Vec<Self> {
        list(reply, "errors")
            .iter()
            .map(|raw| Self {
                value: text(raw, "value"),
                id: text(raw, "id"),
                problem: Problem::all(raw).into_iter().next().unwrap_or_default(),
                details: list(raw, "details")
                    .iter()
                    .filter_map(Value::as_str)
                    .map(|text| sanitize(text, LONGEST_TEXT))
                    .collect(),
                raw: raw.clone(),
            })
            .collect()
    }

    /// Whether the rule exists already, which is what the user wanted.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        self.problem.name.as_ref().is_some_and(|name| name.as_str() == "duplicate-rules")
            || self.problem.title.as_deref() == Some("DuplicateRule")
    }
}

/// What became of rules that were to be added. Counts that X left out are absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AddOutcome {
    /// The rules that were added, or would be.
    pub rules: Vec<Rule>,
    /// When X answered, RFC 3339.
    pub sent: Option<String>,
    /// How many were created.
    pub created: Option<u64>,
    /// How many were not.
    pub not_created: Option<u64>,
    /// How many are valid.
    pub valid: Option<u64>,
    /// How many are not.
    pub invalid: Option<u64>,
    /// Why, rule by rule.
    pub errors: Vec<RuleError>,
}

impl AddOutcome {
    /// Reads a reply.
    #[must_use]
    pub fn of(reply: &Value) -> Self {
        let summary = summary(reply);
        Self {
            rules: list(reply, "data").iter().map(Rule::of).collect(),
            sent: sent(reply),
            created: number(summary, "created"),
            not_created: number(summary, "not_created"),
            valid: number(summary, "valid"),
            invalid: number(summary, "invalid"),
            errors: RuleError::all(reply),
        }
    }
}

/// What became of rules that were to be deleted. Counts that X left out are absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeleteOutcome {
    /// When X answered, RFC 3339.
    pub sent: Option<String>,
    /// How many were deleted.
    pub deleted: Option<u64>,
    /// How many were not.
    pub not_deleted: Option<u64>,
    /// Why, rule by rule.
    pub errors: Vec<RuleError>,
}

impl DeleteOutcome {
    /// Reads a reply.
    #[must_use]
    pub fn of(reply: &Value) -> Self {
        let summary = summary(reply);
        Self {
            sent: sent(reply),
            deleted: number(summary, "deleted"),
            not_deleted: number(summary, "not_deleted"),
            errors: RuleError::all(reply),
        }
    }
}

/// How many rules there are, and may be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleCounts {
    /// The most that one app may have.
    pub cap_per_client_app: Option<u64>,
    /// The most that the project may have.
    pub cap_per_project: Option<u64>,
    /// Rules of all the project's apps.
    pub project_rules: Option<u64>,
    /// Rules of this app.
    pub client_app: Option<AppRules>,
    /// Rules of each app of the project.
    pub apps: Vec<AppRules>,
    /// As X sent it: the value of `data`.
    pub raw: Value,
}

/// How many rules one app has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppRules {
    /// The app.
    pub client_app_id: Option<String>,
    /// Its rules.
    pub rules: Option<u64>,
}

impl RuleCounts {
    /// Reads a reply.
    #[must_use]
    pub fn of(reply: &Value) -> Self {
        let data = reply.get("data").unwrap_or(&Value::Null);
        let app =
            |raw: &Value| AppRules { client_app_id: text(raw, "client_app_id"), rules: number(raw, "rule_count") };
        let own = data.get("client_app_rules_count").filter(|own| !own.is_null());
        Self {
            cap_per_client_app: number(data, "cap_per_client_app"),
            cap_per_project: number(data, "cap_per_project"),
            project_rules: number(data, "project_rules_count"),
            client_app: own.map(|own| match integer(own) {
                Some(count) => AppRules { client_app_id: None, rules: Some(count) },
                None => app(own),
            }),
            apps: list(data, "all_project_client_apps").iter().map(app).collect(),
            raw: data.clone(),
        }
    }
}

/// What X says was consumed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// The day of the month on which the count begins anew.
    pub cap_reset_day: Option<u64>,
    /// Posts that the project may consume in a month.
    pub project_cap: Option<u64>,
    /// The project.
    pub project_id: Option<String>,
    /// Posts consumed in this month.
    pub project_usage: Option<u64>,
    /// Posts of the project, day by day.
    pub project_days: Vec<Consumed>,
    /// Posts of each app, day by day.
    pub app_days: Vec<Consumed>,
    /// As X sent it: the value of `data`.
    pub raw: Value,
}

/// Posts consumed on one day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consumed {
    /// The day, RFC 3339, as X wrote it.
    pub date: String,
    /// The app, where X tells apps apart.
    pub app: Option<String>,
    /// How many posts.
    pub posts: u64,
}

impl Usage {
    /// Reads a reply, in the shape of the schema and in that of the prose page.
    #[must_use]
    pub fn of(reply: &Value) -> Self {
        let data = reply.get("data").unwrap_or(&Value::Null);
        Self {
            cap_reset_day: number(data, "cap_reset_day"),
            project_cap: number(data, "project_cap"),
            project_id: text(data, "project_id"),
            project_usage: number(data, "project_usage"),
            project_days: days(data.get("daily_project_usage")),
            app_days: days(data.get("daily_client_app_usage")),
            raw: data.clone(),
        }
    }
}

/// The days in either shape: `{usage:[{date,usage}]}`, once or for each app, or `[{date,usage:[{app_id,tweets_consumed}]}]`.
fn days(value: Option<&Value>) -> Vec<Consumed> {
    let groups: &[Value] = match value {
        Some(Value::Array(groups)) => groups,
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    let app_of = |raw: &Value| text(raw, "client_app_id").or_else(|| text(raw, "app_id"));
    let posts_of = |raw: &Value| number(raw, "tweets_consumed").or_else(|| number(raw, "usage"));
    let mut days = Vec::new();
    for group in groups {
        let of_group = text(group, "date");
        if let (Some(date), Some(posts)) = (&of_group, posts_of(group)) {
            days.push(Consumed { date: date.clone(), app: app_of(group), posts });
        }
        for entry in list(group, "usage") {
            let date = text(entry, "date").or_else(|| of_group.clone());
            if let (Some(date), Some(posts)) = (date, posts_of(entry)) {
                days.push(Consumed { date, app: app_of(entry).or_else(|| app_of(group)), posts });
            }
        }
    }
    days
}

/// The errors beside the data of a reply.
#[must_use]
pub fn errors(reply: &Value) -> Vec<Problem> {
    match reply.get("errors") {
        Some(errors) => Problem::all(&serde_json::json!({ "errors": errors })),
        None => Vec::new(),
    }
}

/// The token of the next page.
#[must_use]
pub fn next_token(reply: &Value) -> Option<String> {
    text(reply.get("meta")?, "next_token").filter(|token| !token.is_empty())
}

/// The elements of an array member; a single object where X forgot the array.
#[must_use]
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    match value.get(key) {
        Some(Value::Array(list)) => list,
        Some(single @ Value::Object(_)) => std::slice::from_ref(single),
        _ => &[],
    }
}

fn summary(reply: &Value) -> &Value {
    reply.pointer("/meta/summary").unwrap_or(&Value::Null)
}

fn sent(reply: &Value) -> Option<String> {
    text(reply.get("meta")?, "sent")
}

/// A text member, also one that was sent as a number.
fn text(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A count, also one that was sent as a string.
fn number(value: &Value, key: &str) -> Option<u64> {
    integer(value.get(key)?)
}

fn integer(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn is_true(value: &Value) -> bool {
    value == &Value::Bool(true) || value.as_str() == Some("true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_published_connection_is_read_without_the_id_it_lacks() {
        let raw = json!({"connected_at":"2023-11-07T05:31:56Z","endpoint_name":"sample_stream","client_ip":"192.0.2.1",
            "disconnect_reason":"operator_disconnect","disconnected_at":"2023-11-07T05:31:56Z"});
        let connection = Connection::of(&raw);
        assert_eq!((connection.id.as_deref(), connection.is_active()), (None, false));
        assert_eq!(connection.disconnect_reason.as_deref(), Some("operator_disconnect"));
        assert_eq!(connection.raw, raw);
        let open = Connection::of(&json!({ "id": 17, "disconnected_at": null, "brand_new": [1] }));
        assert!(open.is_active());
        assert_eq!((open.id.as_deref(), &open.raw["brand_new"]), (Some("17"), &json!([1])));
    }

    #[test]
    fn a_failed_kill_counts_wherever_it_is_told() {
        let kills = Kills::of(&json!({"data":{"successful_kills":"1","failed_kills":0,"results":[
            {"uuid":"a","success":true},{"uuid":"b","success":false,"error_message":"gone\u{1b}[2J"}]},
            "errors":[{"title":"x"}]}));
        assert_eq!((kills.successful, kills.failed, kills.errors.len()), (1, 1, 1));
        assert_eq!(kills.results[1].error_message.as_deref(), Some("gone[2J"));
        let bare = Kills::of(&json!({ "data": { "successful_kills": 3, "failed_kills": 2 } }));
        assert_eq!((bare.successful, bare.failed, bare.results.len()), (3, 2, 0));
        assert_eq!(Kills::of(&Value::Null), Kills::default());
    }

    #[test]
    fn an_added_rule_a_duplicate_and_an_invalid_one_are_told_apart() {
        let added = AddOutcome::of(&json!({
            "data": [{ "id": "120897978112909812", "value": "cat has:images", "tag": "cats" }],
            "meta": { "sent": "2026-11-22T10:00:00.000Z",
                "summary": { "created": 1, "not_created": "2", "valid": 1, "invalid": 1 } },
            "errors": [
                { "value": "dog", "id": "7", "title": "DuplicateRule",
                    "type": "https://api.twitter.com/2/problems/duplicate-rules" },
                { "value": "cat has:", "details": ["no viable alternative (at position 1)"],
                    "title": "UnprocessableEntity", "type": "https://api.twitter.com/2/problems/invalid-rules" }
            ]
        }));
        assert_eq!(added.rules[0].tag.as_deref(), Some("cats"));
        let counts = (added.created, added.not_created, added.valid, added.invalid);
        assert_eq!(counts, (Some(1), Some(2), Some(1), Some(1)));
        assert!(added.errors[0].is_duplicate() && added.errors[0].id.as_deref() == Some("7"));
        assert!(!added.errors[1].is_duplicate());
        assert_eq!(added.errors[1].details, ["no viable alternative (at position 1)"]);
        let deleted = DeleteOutcome::of(&json!({ "meta": { "summary": { "deleted": 1, "not_deleted": 0 } } }));
        assert_eq!((deleted.deleted, deleted.not_deleted), (Some(1), Some(0)));
    }

    #[test]
    fn counts_are_strings_or_numbers() {
        let app = AppRules { client_app_id: Some("9".to_owned()), rules: Some(3) };
        for counts in [
            json!({"cap_per_client_app":"1000","cap_per_project":"5000","project_rules_count":"4",
                "client_app_rules_count":{"client_app_id":"9","rule_count":"3"},
                "all_project_client_apps":[{"client_app_id":"9","rule_count":"3"}]}),
            json!({"cap_per_client_app":1000,"cap_per_project":5000,"project_rules_count":4,
                "client_app_rules_count":{"client_app_id":9,"rule_count":3},
                "all_project_client_apps":[{"client_app_id":9,"rule_count":3}]}),
        ] {
            let read = RuleCounts::of(&json!({ "data": counts }));
            assert_eq!((read.cap_per_client_app, read.cap_per_project), (Some(1000), Some(5000)));
            assert_eq!((read.project_rules, read.client_app, &read.apps[0]), (Some(4), Some(app.clone()), &app));
        }
        assert_eq!(RuleCounts::of(&json!({ "data": [] })).client_app, None);
    }

    #[test]
    fn usage_is_read_in_both_published_shapes() {
        let day = |app: Option<&str>, posts| Consumed {
            date: "2026-11-21T00:00:00.000Z".to_owned(),
            app: app.map(ToOwned::to_owned),
            posts,
        };
        let schema = Usage::of(&json!({"data":{"cap_reset_day":13,"project_cap":"3000000","project_id":"42",
            "project_usage":"1203",
            "daily_project_usage":{"project_id":"42","usage":[{"date":"2026-11-21T00:00:00.000Z","usage":"200"}]},
            "daily_client_app_usage":[{"client_app_id":"9","usage_result_count":1,
                "usage":[{"date":"2026-11-21T00:00:00.000Z","usage":"120"}]}]}}));
        assert_eq!((schema.cap_reset_day, schema.project_cap), (Some(13), Some(3_000_000)));
        assert_eq!((schema.project_days, schema.app_days), (vec![day(None, 200)], vec![day(Some("9"), 120)]));
        let prose = Usage::of(&json!({"data":{"project_cap":3_000_000,"project_usage":1203,"daily_project_usage":[
            {"date":"2026-11-21T00:00:00.000Z","usage":[{"app_id":"9","tweets_consumed":120}]}]}}));
        assert_eq!((prose.project_usage, prose.project_days), (Some(1203), vec![day(Some("9"), 120)]));
    }

    #[test]
    fn wrong_types_are_missing_members() {
        for value in
            [json!(null), json!([]), json!("x"), json!({"data":5,"meta":[],"errors":true}), json!({"data":[5]})]
        {
            assert_eq!(Kills::of(&value), Kills::default());
            assert!(AddOutcome::of(&value).rules.iter().all(|rule| rule.value.is_empty()));
            assert_eq!(DeleteOutcome::of(&value), DeleteOutcome::default());
            assert!(Usage::of(&value).project_days.is_empty() && RuleCounts::of(&value).apps.is_empty());
            assert_eq!((errors(&value), next_token(&value)), (Vec::new(), None));
        }
    }
}
