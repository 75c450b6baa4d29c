//! Responses of X's REST endpoints: connections, rules, usage.
//!
//! Documents and servers disagree on which members exist and which are strings, so everything is read leniently: a
//! number may be a string, and a member that is missing or of another type is absent. Each record also keeps the JSON
//! it was read from, because a pipe gets X's own objects.
//!
//! Not derived with serde: a derive would need a lenient function named at every member and a wrapper for the raw
//! JSON, which is as long, and by default it accepts arrays as structs.
//!
//! Law: total. Any JSON gives a record.

mod connection;
mod rule;
mod usage;

use serde_json::Value;

use super::problem::Problem;

pub use connection::{AppConnection, TerminateResult, TerminatedConnection, is_connection_id};
pub use rule::{AddOutcome, AppRules, DeleteOutcome, RuleCounts, RuleError, StoredRule};
pub use usage::{DailyUsage, ProjectUsage};

/// Longest text kept of a member that users see, in characters; X's longest detail has about 210.
const LONGEST_TEXT: usize = 500;

/// The errors next to the data of a response.
#[must_use]
pub fn errors(response: &Value) -> Vec<Problem> {
    match response.get("errors") {
        Some(errors) => Problem::all(&serde_json::json!({ "errors": errors })),
        None => Vec::new(),
    }
}

/// The token of the next page.
#[must_use]
pub fn next_token(response: &Value) -> Option<String> {
    text(response.get("meta")?, "next_token").filter(|token| !token.is_empty())
}

/// The elements of an array member; also a single object where X leaves the array out.
#[must_use]
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    match value.get(key) {
        Some(Value::Array(list)) => list,
        Some(single @ Value::Object(_)) => std::slice::from_ref(single),
        _ => &[],
    }
}

/// A text member, also if it was sent as a number.
fn text(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A count, also if it was sent as a string.
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
    fn wrong_types_are_missing_members() {
        for value in
            [json!(null), json!([]), json!("x"), json!({"data":5,"meta":[],"errors":true}), json!({"data":[5]})]
        {
            assert_eq!(TerminateResult::from_json(&value), TerminateResult::default());
            assert!(AddOutcome::from_json(&value).rules.iter().all(|rule| rule.value.is_empty()));
            assert_eq!(DeleteOutcome::from_json(&value), DeleteOutcome::default());
            assert!(
                ProjectUsage::from_json(&value).project_days.is_empty()
                    && RuleCounts::from_json(&value).apps.is_empty()
            );
            assert_eq!((errors(&value), next_token(&value)), (Vec::new(), None));
        }
    }
}
