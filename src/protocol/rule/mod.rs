//! Rules of the filtered stream: what a rule is, and what can be checked without a request to X.
//!
//! A rule is a query in X's language with an optional tag. X keeps a set of rules per app and identifies each by its
//! value: the id changes when a rule is deleted and added again, and a second rule with the same value is refused (X
//! API docs: filtered stream, rules).
//!
//! ```text
//! file    a rule file to rules, and rules to a rule file
//! lint    what X would refuse or read otherwise than intended     (operator, syntax: its vocabulary)
//! plan    the requests from the rules that X has to those it should have, in an order that may be interrupted
//! ```

use serde_json::Value;

use super::api_types::StoredRule;
use crate::text::escape_controls;

pub mod file;
pub mod finding;
pub mod lint;
mod operator;
pub mod plan;
mod syntax;

/// Longest excerpt of a rule in a message, in characters. Enough to find it again.
const LONGEST_EXCERPT: usize = 40;

/// A rule of the filtered stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// The query. X compares it character for character, outer spaces included.
    pub value: String,
    /// The label that comes back in `matching_rules` of each post.
    pub tag: Option<String>,
    /// X's id for the rule, if X has it.
    pub id: Option<String>,
}

impl Rule {
    /// A rule that X does not have yet. An empty tag is no tag.
    #[must_use]
    pub fn new(value: impl Into<String>, tag: Option<&str>) -> Self {
        Self { value: value.into(), tag: tag.filter(|tag| !tag.is_empty()).map(ToOwned::to_owned), id: None }
    }

    /// The tag, unless it is empty. For a rule without a tag X sends a missing, a null or an empty one.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref().filter(|tag| !tag.is_empty())
    }

    /// Reads `{"value":…,"tag":…,"id":…}`; other members are ignored.
    ///
    /// # Errors
    /// What is wrong with the object, as a fragment.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let Some(object) = value.as_object() else {
            return Err("not a JSON object".to_owned());
        };
        let rule = match object.get("value") {
            Some(Value::String(text)) if text.trim().is_empty() => return Err("`value` is empty".to_owned()),
            Some(Value::String(text)) => text.clone(),
            Some(_) => return Err("`value` is not a string".to_owned()),
            None => return Err("no `value`".to_owned()),
        };
        let tag = match object.get("tag") {
            None | Some(Value::Null) => None,
            Some(Value::String(tag)) => Some(tag.as_str()),
            Some(_) => return Err("`tag` is not a string".to_owned()),
        };
        let id = match object.get("id") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id.clone()),
            // Some clients write ids as numbers; a float has lost digits.
            Some(Value::Number(id)) if id.is_u64() => Some(id.to_string()),
            Some(_) => return Err("`id` is neither a string nor a whole number".to_owned()),
        };
        Ok(Self { id, ..Self::new(rule, tag) })
    }
}

impl From<&StoredRule> for Rule {
    fn from(rule: &StoredRule) -> Self {
        Self { id: rule.id.clone(), ..Self::new(rule.value.as_str(), rule.tag.as_deref()) }
    }
}

/// An access level and its limits (X API docs: filtered stream, introduction).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessLevel {
    /// 1,000 rules of 1,024 characters.
    PayPerUse,
    /// 25,000 rules or more, of 2,048 characters.
    Enterprise,
}

impl AccessLevel {
    /// Longest rule, in characters.
    #[must_use]
    pub const fn characters(self) -> usize {
        match self {
            Self::PayPerUse => 1024,
            Self::Enterprise => 2048,
        }
    }

    /// Most rules. An Enterprise contract may allow more; `GET …/rules/counts` returns the cap.
    #[must_use]
    pub const fn rules(self) -> usize {
        match self {
            Self::PayPerUse => 1000,
            Self::Enterprise => 25_000,
        }
    }
}

/// The beginning of `text`, for a message.
#[must_use]
pub fn piece(text: &str) -> String {
    match text.char_indices().nth(LONGEST_EXCERPT) {
        Some((end, _)) => format!("{}…", escape_controls(&text[..end])),
        None => escape_controls(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rule_is_read_from_what_x_and_others_write() {
        let full = Rule { value: "cat".into(), tag: Some("cats".into()), id: Some("12".into()) };
        assert_eq!(
            Rule::from_json(&json!({ "value": "cat", "tag": "cats", "id": "12", "since": 1 })),
            Ok(full.clone())
        );
        assert_eq!(Rule::from_json(&json!({ "value": "cat", "tag": "cats", "id": 12 })), Ok(full));
        for tag in [json!(null), json!("")] {
            assert_eq!(Rule::from_json(&json!({ "value": "cat", "tag": tag })), Ok(Rule::new("cat", None)));
        }
        for (value, wrong) in [
            (json!([]), "not a JSON object"),
            (json!({}), "no `value`"),
            (json!({ "value": 1 }), "`value` is not a string"),
            (json!({ "value": " " }), "`value` is empty"),
            (json!({ "value": "a", "tag": 1 }), "`tag` is not a string"),
            (json!({ "value": "a", "id": 1.5 }), "`id` is neither a string nor a whole number"),
        ] {
            assert_eq!(Rule::from_json(&value), Err(wrong.to_owned()), "{value}");
        }
    }

    #[test]
    fn no_rule_can_control_the_terminal() {
        assert_eq!(escape_controls("a\u{1b}[2J\u{202e}b  c\n"), "a\\u{1b}[2J\\u{202e}b  c\\u{a}");
        assert_eq!(piece(&"é".repeat(50)), format!("{}…", "é".repeat(40)));
    }
}
