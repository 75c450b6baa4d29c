//! Rules of the filtered stream as X stores them, and the results of changing them (X docs: filtered stream).

use serde_json::Value;

use super::{LONGEST_TEXT, integer, list, number, text};
use crate::protocol::problem::Problem;
use crate::text::sanitize;

/// A rule of the filtered stream, as X stores it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredRule {
    /// Absent in some responses to a dry run.
    pub id: Option<String>,
    /// The query; empty if X leaves it out.
    pub value: String,
    /// The label that comes back with matching posts.
    pub tag: Option<String>,
    /// As X sent it.
    pub raw: Value,
}

impl StoredRule {
    /// Reads one element of `data`.
    #[must_use]
    pub fn from_json(raw: &Value) -> Self {
        Self {
            id: text(raw, "id"),
            value: text(raw, "value").unwrap_or_default(),
            tag: text(raw, "tag"),
            raw: raw.clone(),
        }
    }
}

/// Why X did not accept a rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleError {
    /// The rule's value, if X repeats it.
    pub value: Option<String>,
    /// The id of a rule: for a duplicate, of the existing one.
    pub id: Option<String>,
    /// The error.
    pub problem: Problem,
    /// What is wrong and where, one sentence each.
    pub details: Vec<String>,
    /// As X sent it.
    pub raw: Value,
}

impl RuleError {
    /// Every error in a response or in a refusal's body.
    #[must_use]
    pub fn list_from_json(response: &Value) -> Vec<Self> {
        list(response, "errors")
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

    /// Whether the rule exists already, so that nothing is left to do.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        self.problem.name.as_ref().is_some_and(|name| name.as_str() == "duplicate-rules")
            || self.problem.title.as_deref() == Some("DuplicateRule")
    }
}

/// The result of adding rules. Counts that X leaves out are absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AddOutcome {
    /// The rules that were added, or would be.
    pub rules: Vec<StoredRule>,
    /// The time of the response, RFC 3339.
    pub sent: Option<String>,
    /// How many were created.
    pub created: Option<u64>,
    /// How many were not.
    pub not_created: Option<u64>,
    /// How many are valid.
    pub valid: Option<u64>,
    /// How many are invalid.
    pub invalid: Option<u64>,
    /// The errors, one per rule.
    pub errors: Vec<RuleError>,
}

impl AddOutcome {
    /// Reads a response.
    #[must_use]
    pub fn from_json(response: &Value) -> Self {
        let summary = summary(response);
        Self {
            rules: list(response, "data").iter().map(StoredRule::from_json).collect(),
            sent: sent(response),
            created: number(summary, "created"),
            not_created: number(summary, "not_created"),
            valid: number(summary, "valid"),
            invalid: number(summary, "invalid"),
            errors: RuleError::list_from_json(response),
        }
    }
}

/// The result of deleting rules. Counts that X leaves out are absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeleteOutcome {
    /// The time of the response, RFC 3339.
    pub sent: Option<String>,
    /// How many were deleted.
    pub deleted: Option<u64>,
    /// How many were not.
    pub not_deleted: Option<u64>,
    /// The errors, one per rule.
    pub errors: Vec<RuleError>,
}

impl DeleteOutcome {
    /// Reads a response.
    #[must_use]
    pub fn from_json(response: &Value) -> Self {
        let summary = summary(response);
        Self {
            sent: sent(response),
            deleted: number(summary, "deleted"),
            not_deleted: number(summary, "not_deleted"),
            errors: RuleError::list_from_json(response),
        }
    }
}

/// How many rules exist, and the caps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleCounts {
    /// The most rules that one app may have.
    pub cap_per_client_app: Option<u64>,
    /// The most rules that the project may have.
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
    /// The id of the app.
    pub client_app_id: Option<String>,
    /// How many rules it has.
    pub rules: Option<u64>,
}

impl RuleCounts {
    /// Reads a response.
    #[must_use]
    pub fn from_json(response: &Value) -> Self {
        let data = response.get("data").unwrap_or(&Value::Null);
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

fn summary(response: &Value) -> &Value {
    response.pointer("/meta/summary").unwrap_or(&Value::Null)
}

fn sent(response: &Value) -> Option<String> {
    text(response.get("meta")?, "sent")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn added_duplicate_and_invalid_rules_are_distinguished() {
        let added = AddOutcome::from_json(&json!({
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
        let deleted = DeleteOutcome::from_json(&json!({ "meta": { "summary": { "deleted": 1, "not_deleted": 0 } } }));
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
            let read = RuleCounts::from_json(&json!({ "data": counts }));
            assert_eq!((read.cap_per_client_app, read.cap_per_project), (Some(1000), Some(5000)));
            assert_eq!((read.project_rules, read.client_app, &read.apps[0]), (Some(4), Some(app.clone()), &app));
        }
        assert_eq!(RuleCounts::from_json(&json!({ "data": [] })).client_app, None);
    }
}
