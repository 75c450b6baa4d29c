//! The rules of the filtered stream: the API that keeps them, and the posts that pass them.
//!
//! Until a rule was ever set the feed is unfiltered, as a script that knows no rules expects it.
//! From the first rule on, or from the start if that is required, a post passes only if a rule
//! matches it, and it names the rules that did. A change counts from the next post on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{JsonResponse, ProblemResponse, invalid_request, members, parse_body};
use super::query::{QueryString, pick, token};
use super::rule::{PostFacts, Term, parse};
use crate::time::format_rfc3339;

/// The rules a server starts with and how many it accepts.
#[derive(Debug, Clone)]
pub struct RuleSettings {
    /// Set before the first request.
    pub preset: Vec<SimulatedRule>,
    /// Filter from the start: a stream without any rule is refused. Otherwise the first rule ever
    /// set turns the filter on.
    pub required: bool,
    /// The most rules; X accepts 1,000 pay-per-use.
    pub cap: usize,
    /// The longest rule in characters; X accepts 1,024 pay-per-use.
    pub length: usize,
}

impl Default for RuleSettings {
    fn default() -> RuleSettings {
        RuleSettings { preset: Vec::new(), required: false, cap: 1000, length: 1024 }
    }
}

impl RuleSettings {
    /// Whether every preset rule is valid.
    ///
    /// # Errors
    /// A sentence that names the first invalid one, and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        self.terms().map(drop)
    }

    fn terms(&self) -> Result<Vec<Term>, String> {
        let read = |rule: &SimulatedRule| {
            parse(&rule.value, self.length).map_err(|fault| format!("rule '{}': {fault}", rule.value))
        };
        self.preset.iter().map(read).collect()
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedRule {
    /// Given by the server; empty in a preset to have one made up.
    pub id: String,
    /// What a post must match.
    pub value: String,
    /// Its tag.
    pub tag: Option<String>,
}

impl SimulatedRule {
    /// A rule to be set.
    #[must_use]
    pub fn new(value: impl Into<String>, tag: Option<&str>) -> SimulatedRule {
        SimulatedRule { id: String::new(), value: value.into(), tag: tag.map(ToOwned::to_owned) }
    }
}

/// The rules in force.
pub(crate) struct RuleStore {
    cap: usize,
    length: usize,
    active: Mutex<ActiveRules>,
}

struct ActiveRules {
    filters: bool,
    rules: Vec<(SimulatedRule, Term)>,
    /// Rules made so far; ids come from it, so they rise.
    made: u64,
}

/// What the rules decide about a post.
pub(crate) enum MatchResult {
    /// It is sent as it is.
    Untouched,
    /// It matches no rule.
    Dropped,
    /// It matches these, as the array that `matching_rules` is.
    Matches(Value),
}

/// A rule of the real API had an id of this size.
const FIRST_ID: u64 = 1_800_000_000_000_000_001;

const COUNTS: [&str; 5] = [
    "all_project_client_apps",
    "cap_per_client_app",
    "cap_per_project",
    "client_app_rules_count",
    "project_rules_count",
];

impl RuleStore {
    /// An error names the preset rule that is invalid.
    pub(crate) fn new(rules: RuleSettings) -> Result<RuleStore, String> {
        let mut active = ActiveRules { filters: rules.required, rules: Vec::new(), made: 0 };
        let terms = rules.terms()?;
        for (rule, term) in rules.preset.into_iter().zip(terms) {
            active.add(rule, term);
        }
        Ok(RuleStore { cap: rules.cap, length: rules.length, active: Mutex::new(active) })
    }

    fn read(&self) -> MutexGuard<'_, ActiveRules> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn all(&self) -> Vec<SimulatedRule> {
        self.read().rules.iter().map(|(rule, _)| rule.clone()).collect()
    }

    /// Whether a stream cannot be opened because no rule is set.
    pub(crate) fn are_missing(&self) -> bool {
        let active = self.read();
        active.filters && active.rules.is_empty()
    }

    /// Which rules a post matches.
    pub(crate) fn evaluate(&self, facts: &PostFacts) -> MatchResult {
        let active = self.read();
        if !active.filters {
            return MatchResult::Untouched;
        }
        let matching = active.rules.iter().filter(|(_, term)| term.matches(facts));
        let matching: Vec<Value> = matching.map(|(rule, _)| json!({"id": rule.id, "tag": rule.tag})).collect();
        if matching.is_empty() { MatchResult::Dropped } else { MatchResult::Matches(Value::Array(matching)) }
    }

    /// `GET …/rules`.
    pub(crate) fn list(&self, query: &str, now: Duration) -> Result<JsonResponse, ProblemResponse> {
        let query = QueryString::parse(query, &["ids", "max_results", "pagination_token"])?;
        let most = query.number("max_results", 1..=1000, 1000)?;
        let (ids, after) = (query.list("ids"), query.place()?);
        let after = after.map_or(0, |place| usize::try_from(place).unwrap_or(usize::MAX));
        let active = self.read();
        let asked = |id: &str| ids.as_ref().is_none_or(|ids| ids.contains(&id));
        let found: Vec<&SimulatedRule> =
            active.rules.iter().map(|(rule, _)| rule).filter(|rule| asked(&rule.id)).collect();
        let page: Vec<Value> = found.iter().skip(after).take(most).map(|rule| rule.render()).collect();
        let mut body = json!({ "meta": { "sent": format_rfc3339(now), "result_count": page.len() } });
        if found.len() > after.saturating_add(most) {
            body["meta"]["next_token"] = json!(token((after + most) as u64));
        }
        // X leaves an empty list out.
        if !page.is_empty() {
            body["data"] = Value::Array(page);
        }
        Ok(JsonResponse { status: 200, body })
    }

    /// `GET …/rules/counts`, with the numbers as strings.
    pub(crate) fn counts(&self, query: &str) -> Result<JsonResponse, ProblemResponse> {
        let query = QueryString::parse(query, &["rules_count.fields"])?;
        let fields = query.words("rules_count.fields", &COUNTS)?.unwrap_or_else(|| COUNTS.to_vec());
        let (count, cap) = (self.read().rules.len().to_string(), self.cap.to_string());
        let app = json!({"client_app_id": super::usage::APP, "rule_count": count});
        let data = json!({
            "cap_per_client_app": cap,
            "cap_per_project": cap,
            "project_rules_count": count,
            "client_app_rules_count": app,
            "all_project_client_apps": [app],
        });
        Ok(JsonResponse { status: 200, body: json!({ "data": pick(data, &fields) }) })
    }

    /// `POST …/rules`.
    pub(crate) fn change(&self, query: &str, body: &[u8], now: Duration) -> Result<JsonResponse, ProblemResponse> {
        let query = QueryString::parse(query, &["dry_run", "delete_all"])?;
        let dry_run = query.flag("dry_run")?;
        if query.flag("delete_all")? {
            return self.delete_all(dry_run, body, now);
        }
        let body = parse_body(body)?;
        let body = members(&body, &["add", "delete"])?;
        match (body.get("add"), body.get("delete")) {
            (Some(add), None) => self.add(&additions(add)?, dry_run, now),
            (None, Some(delete)) => self.delete(delete, dry_run, now),
            _ => Err(ProblemResponse::body("Exactly one of `add` and `delete` is required")),
        }
    }

    fn add(&self, additions: &[SimulatedRule], dry_run: bool, now: Duration) -> Result<JsonResponse, ProblemResponse> {
        let mut active = self.read();
        let (mut data, mut errors, mut terms) = (Vec::<SimulatedRule>::new(), Vec::new(), Vec::new());
        for rule in additions {
            let twin = active.rules.iter().map(|(old, _)| old).chain(&data).find(|old| old.value == rule.value);
            if let Some(twin) = twin {
                errors.push(json!({
                    "value": rule.value,
                    "id": twin.id,
                    "title": "DuplicateRule",
                    "type": "https://api.twitter.com/2/problems/duplicate-rules",
                }));
                continue;
            }
            match parse(&rule.value, self.length) {
                Ok(term) => {
                    let id = active.next_id(data.len());
                    data.push(SimulatedRule { id, ..rule.clone() });
                    terms.push(term);
                }
                Err(fault) => errors.push(json!({
                    "value": rule.value,
                    "details": [fault],
                    "title": "UnprocessableEntity",
                    "type": "https://api.twitter.com/2/problems/invalid-rules",
                })),
            }
        }
        let total = active.rules.len() + data.len();
        if total > self.cap {
            return Err(self.cap_exceeded(total));
        }
        let mut body = json!({ "meta": { "sent": format_rfc3339(now), "summary": {
            "created": data.len(),
            "not_created": errors.len(),
            "valid": data.len(),
            "invalid": errors.len(),
        }}});
        if !data.is_empty() {
            body["data"] = data.iter().map(SimulatedRule::render).collect();
        }
        if !errors.is_empty() {
            body["errors"] = Value::Array(errors);
        }
        if !dry_run {
            for (rule, term) in data.into_iter().zip(terms) {
                active.add(rule, term);
            }
        }
        Ok(JsonResponse { status: 201, body })
    }

    /// X publishes the problem, not its status; 422 is what it gives for rules it cannot take.
    fn cap_exceeded(&self, total: usize) -> ProblemResponse {
        let body = json!({
            "title": "RulesCapExceeded",
            "detail": format!("Rule cap exceeded: {total} rules, {} are allowed.", self.cap),
            "type": "https://api.twitter.com/2/problems/rule-cap",
        });
        ProblemResponse { status: 422, body }
    }

    fn delete(&self, delete: &Value, dry_run: bool, now: Duration) -> Result<JsonResponse, ProblemResponse> {
        let delete = members(delete, &["ids", "values"])?;
        let mut asked = Vec::new();
        for kind in ["ids", "values"] {
            let Some(list) = delete.get(kind) else { continue };
            let list: Option<Vec<&str>> = list.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
            let list =
                list.ok_or_else(|| ProblemResponse::body(format!("$.delete.{kind}: an array of strings is required")))?;
            asked.extend(list.into_iter().map(|text| (kind, text)));
        }
        if asked.is_empty() {
            return Err(ProblemResponse::body("$.delete: `ids` or `values` is required"));
        }
        let mut active = self.read();
        let (mut gone, mut errors) = (Vec::new(), Vec::new());
        for (kind, text) in asked {
            let is_it = |rule: &SimulatedRule| (if kind == "ids" { &rule.id } else { &rule.value }) == text;
            match active.rules.iter().position(|(rule, _)| is_it(rule)).filter(|at| !gone.contains(at)) {
                Some(at) => gone.push(at),
                None => errors.push(invalid_request(&json!({ kind: [text] }), "Rule does not exist")),
            }
        }
        let mut body = deleted(gone.len(), errors.len(), now);
        if !errors.is_empty() {
            body["errors"] = Value::Array(errors);
        }
        if !dry_run {
            gone.sort_unstable();
            for at in gone.into_iter().rev() {
                active.rules.remove(at);
            }
        }
        Ok(JsonResponse { status: 200, body })
    }

    /// Whether X deletes or only validates when both are given is not published, so both are refused.
    fn delete_all(&self, dry_run: bool, body: &[u8], now: Duration) -> Result<JsonResponse, ProblemResponse> {
        if dry_run {
            return Err(ProblemResponse::invalid("dry_run", "true", "`dry_run` cannot be used with `delete_all`"));
        }
        if !body.is_empty() && parse_body(body)?.get("add").is_some() {
            return Err(ProblemResponse::invalid("delete_all", "true", "`delete_all` cannot be used with `add`"));
        }
        let mut active = self.read();
        let count = active.rules.len();
        active.rules.clear();
        Ok(JsonResponse { status: 200, body: deleted(count, 0, now) })
    }
}

impl ActiveRules {
    fn next_id(&self, ahead: usize) -> String {
        (FIRST_ID + self.made + ahead as u64).to_string()
    }

    fn add(&mut self, mut rule: SimulatedRule, term: Term) {
        if rule.id.is_empty() {
            rule.id = self.next_id(0);
        }
        self.made += 1;
        self.filters = true;
        self.rules.push((rule, term));
    }
}

impl SimulatedRule {
    fn render(&self) -> Value {
        let mut value = json!({"id": self.id, "value": self.value});
        if let Some(tag) = &self.tag {
            value["tag"] = json!(tag);
        }
        value
    }
}

fn additions(add: &Value) -> Result<Vec<SimulatedRule>, ProblemResponse> {
    let list = add.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| ProblemResponse::body("$.add: an array of at least 1 rule is required"))?;
    let rules = list.iter().enumerate().map(|(n, rule)| {
        let members = members(rule, &["value", "tag"])?;
        let value = members.get("value").and_then(Value::as_str);
        let value =
            value.ok_or_else(|| ProblemResponse::body(format!("$.add[{n}].value: is missing but it is required")))?;
        let tag = members.get("tag").filter(|tag| !tag.is_null());
        if tag.is_some_and(|tag| !tag.is_string()) {
            return Err(ProblemResponse::body(format!("$.add[{n}].tag: a string is required")));
        }
        Ok(SimulatedRule::new(value, tag.and_then(Value::as_str)))
    });
    rules.collect()
}

fn deleted(count: usize, not: usize, now: Duration) -> Value {
    json!({ "meta": { "sent": format_rfc3339(now), "summary": { "deleted": count, "not_deleted": not } } })
}
