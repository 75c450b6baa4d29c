//! The requests that change rules, their results rule by rule, and `rules add`.
//!
//! X answers for a batch of rules at once: it accepts some, has some already, refuses some, and sometimes refuses all
//! because of one. Here that becomes a result for each rule.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::super::CommandError;
use super::input::{self, RuleSet, pointed};
use super::print;
use crate::net::api::{self, Api, ApiError, Delete};
use crate::protocol::api_types::{DeleteOutcome, RuleCounts, RuleError, StoredRule};
use crate::protocol::disconnect::{Code, ProblemName};
use crate::protocol::rule::plan::RULE_BATCH;
use crate::protocol::rule::{Rule, piece};
use crate::session::outcome::{FAILED, REFUSED};
use crate::terminal::console::{Console, unless_closed};
use crate::text::sanitize;

/// The result of adding or testing rules.
#[derive(Debug, Default)]
pub struct AddResult {
    /// The accepted rules, as X returned them.
    pub rules: Vec<StoredRule>,
    /// The values of the accepted rules, as far as X lists them.
    pub taken: HashSet<String>,
    /// How many were accepted; X can return this number alone.
    pub count: usize,
    /// Why X refused others.
    pub errors: Vec<RuleError>,
    /// How many X does not mention.
    pub unsaid: usize,
}

/// Adds a batch of rules, or tests it. If X refuses all because of some, the others are sent again.
pub async fn send(api: &mut Api, rules: &[Rule], dry_run: bool) -> Result<AddResult, ApiError> {
    let mut sent = AddResult::default();
    let mut rest: Vec<&Rule> = rules.iter().collect();
    while !rest.is_empty() {
        match api.add_rules(&rest, dry_run).await {
            Ok(reply) => {
                let named: HashSet<&str> = reply.rules.iter().map(|rule| rule.value.as_str()).collect();
                let refused: HashSet<&str> = reply.errors.iter().filter_map(|error| error.value.as_deref()).collect();
                let count = if dry_run { reply.valid } else { reply.created };
                // The response to a dry run can hold the counts alone.
                let silent = rest.iter().filter(|rule| !refused.contains(rule.value.as_str())).count();
                let count = count.map_or(0, |count| usize::try_from(count).unwrap_or(silent).min(silent));
                let all = reply.rules.is_empty() && count == silent;
                let mut known = 0;
                for rule in rest.drain(..).filter(|rule| !refused.contains(rule.value.as_str())) {
                    if all || named.contains(rule.value.as_str()) {
                        sent.taken.insert(rule.value.clone());
                        known += 1;
                    }
                }
                let count = count.max(known);
                sent.count += count;
                sent.unsaid += silent - count;
                sent.rules.extend(reply.rules);
                sent.errors.extend(reply.errors);
            }
            Err(error) => {
                let named: Vec<RuleError> = error
                    .rules()
                    .into_iter()
                    .filter(|error| rest.iter().any(|rule| Some(&rule.value) == error.value.as_ref()))
                    .collect();
                if named.is_empty() || is_cap(&error) {
                    return Err(error);
                }
                rest.retain(|rule| !named.iter().any(|error| error.value.as_ref() == Some(&rule.value)));
                sent.errors.extend(named);
            }
        }
    }
    Ok(sent)
}

/// The result of deleting rules.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct DeleteResult {
    /// How many were deleted.
    pub gone: usize,
    /// How many were not deleted although they exist.
    pub kept: usize,
    /// The ids and values that X lists as not deleted.
    pub named: HashSet<String>,
}

impl DeleteResult {
    /// The result of a request for `requested` rules.
    pub fn new(reply: &DeleteOutcome, requested: usize) -> DeleteResult {
        let number = |count: u64| usize::try_from(count).unwrap_or(requested);
        let not = reply.not_deleted.map_or(reply.errors.len(), number);
        let absent = reply.errors.iter().filter(|error| why_not_deleted(error).contains("not exist")).count();
        DeleteResult {
            gone: reply.deleted.map_or(requested.saturating_sub(not), number),
            kept: not.max(reply.errors.len()).saturating_sub(absent),
            named: reply.errors.iter().flat_map(named).collect(),
        }
    }
}

/// The ids and values that an error about a deletion names.
fn named(error: &RuleError) -> Vec<String> {
    let parameters = error.raw.pointer("/errors/0/parameters").and_then(Value::as_object);
    let lists = parameters.into_iter().flat_map(|parameters| parameters.values()).filter_map(Value::as_array);
    let listed = lists.flatten().filter_map(Value::as_str).map(ToOwned::to_owned);
    listed.chain(error.id.clone()).chain(error.value.clone()).collect()
}

/// Reports why rules were not deleted.
pub fn report_not_deleted(reply: &DeleteOutcome, mut report: impl FnMut(&str)) {
    for error in &reply.errors {
        report(&format!("note: not deleted: {}", why_not_deleted(error)));
    }
}

/// Deletes a batch of rules that X has. By their ids where all are known: meanwhile another client can have deleted a
/// value and added it again.
pub async fn delete_batch(api: &mut Api, rules: &[Rule], report: impl FnMut(&str)) -> Result<DeleteResult, ApiError> {
    let ids: Option<Vec<String>> = rules.iter().map(|rule| rule.id.clone()).collect();
    let reply = if let Some(ids) = &ids {
        api.delete_rules(Delete::Ids(ids), false).await?
    } else {
        let values: Vec<String> = rules.iter().map(|rule| rule.value.clone()).collect();
        api.delete_rules(Delete::Values(&values), false).await?
    };
    report_not_deleted(&reply, report);
    Ok(DeleteResult::new(&reply, rules.len()))
}

/// Why a rule was not deleted. X wraps the helpful sentence in a general one.
fn why_not_deleted(error: &RuleError) -> String {
    let inner = error.raw.pointer("/errors/0");
    let message = inner.and_then(|inner| inner.get("message")).and_then(Value::as_str).map(excerpt);
    let about =
        inner.and_then(|inner| inner.get("parameters")).map(|about| format!(" {}", excerpt(&about.to_string())));
    match message {
        Some(message) => format!("{message}{}", about.unwrap_or_default()),
        None => api::describe(&error.problem),
    }
}

fn excerpt(text: &str) -> String {
    sanitize(text, 200)
}

/// Whether X refused because the app has its maximum number of rules.
pub fn is_cap(error: &ApiError) -> bool {
    error.code() == Code::Problem(ProblemName::RuleCap)
        || error.problem().and_then(|problem| problem.title.as_deref()) == Some("RulesCapExceeded")
}

/// The advice for a refusal because of the rules, whatever its status; none for any other refusal.
pub fn advice(error: &ApiError) -> Option<&'static str> {
    if is_cap(error) {
        return Some(Code::Problem(ProblemName::RuleCap).entry().advice);
    }
    match error.code() {
        Code::Problem(ProblemName::NoncompliantRules) => {
            Some("a rule breaks X's policy; change it or leave it out; see `xstream explain noncompliant-rules`")
        }
        Code::Problem(ProblemName::InvalidRules) => Some(
            "a rule has wrong syntax or an operator the account may not use; correct it or leave it out (`xstream rules \
             test` judges each)",
        ),
        _ => None,
    }
}

/// Reports which rules were sent together, if X refuses all because of one that it does not name.
pub fn report_batch(console: &Console, error: &ApiError, batch: &[Rule], rule_set: &RuleSet) {
    if advice(error).is_none() || is_cap(error) {
        return;
    }
    let known = rule_set.by_value();
    let place =
        |rule: Option<&Rule>| rule.and_then(|rule| known.get(rule.value.as_str())).map_or("", |(_, place)| place);
    let places = match (place(batch.first()), place(batch.last())) {
        (first, last) if first == last => first.to_owned(),
        (first, last) => format!("{first} to {last}"),
    };
    console.always(&format!("{places}: X refuses {} that were sent together", input::count(batch.len())));
}

/// The most rules that this app can have: those of the project's other apps count against it.
pub fn room(counts: &RuleCounts) -> Option<u64> {
    let own = counts.client_app.as_ref().and_then(|own| own.rules);
    let project = match (counts.cap_per_project, counts.project_rules, own) {
        (Some(cap), Some(rules), Some(own)) => Some(cap.saturating_add(own).saturating_sub(rules)),
        _ => None,
    };
    [counts.cap_per_client_app, project].into_iter().flatten().min()
}

/// The counts as text: `998 of 1000 rules of this app, 1500 of 2000 of the project`.
pub fn counted(counts: &RuleCounts) -> String {
    let of =
        |rules: Option<u64>, cap: Option<u64>, whose: &str| Some(format!("{} of {} rules of {whose}", rules?, cap?));
    let own = counts.client_app.as_ref().and_then(|own| own.rules);
    let parts = [
        of(own, counts.cap_per_client_app, "this app"),
        of(counts.project_rules, counts.cap_per_project, "the project"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "X does not report how many rules are allowed".to_owned()
    } else {
        format!("there are {}", parts.join(", "))
    }
}

/// Reports the counts after X refused `more` rules because of the maximum.
pub async fn report_full(
    api: &mut Api,
    console: &Console,
    error: ApiError,
    what: &str,
    more: usize,
) -> Result<u8, CommandError> {
    let Ok(counts) = api.rule_counts().await else { return Err(error.into()) };
    console.always(&format!(
        "{what}: X has no room for {} more: {}; delete rules, or join several into one with OR",
        input::count(more),
        counted(&counts)
    ));
    Ok(REFUSED)
}

/// Reports why X refused rules, with the place of each; returns how many exist already, and how many X refuses.
pub fn report_errors(console: &Console, errors: &[RuleError], rule_set: &RuleSet) -> (usize, usize) {
    let mut there = 0;
    let places = if errors.is_empty() { HashMap::new() } else { rule_set.by_value() };
    for error in errors {
        let value = error.value.as_deref().unwrap_or_default();
        let place = places.get(value).map(|(_, place)| format!("{place}: ")).unwrap_or_default();
        if error.is_duplicate() {
            there += 1;
            let id = error.id.as_deref().map(|id| format!(", with the id {}", excerpt(id))).unwrap_or_default();
            // Its present tag is known only by another request.
            let tagged = places.get(value).is_some_and(|(rule, _)| rule.tag().is_some());
            let tag = if tagged { "; its tag is unchanged" } else { "" };
            console.info(&format!("{place}`{}` exists already{id}{tag}", piece(value)));
            continue;
        }
        let why = why_refused(error);
        let caret = position(&why).filter(|_| !value.is_empty()).map(|at| format!("\n{}", pointed(value, at)));
        console.always(&format!("{place}X refuses `{}`: {why}{}", piece(value), caret.unwrap_or_default()));
    }
    (there, errors.len() - there)
}

/// Why X refuses a rule, in X's text.
pub fn why_refused(error: &RuleError) -> String {
    if error.details.is_empty() { api::describe(&error.problem) } else { error.details.join("; ") }
}

/// The position in X's `(at position 5)`, counted from 1.
fn position(why: &str) -> Option<usize> {
    let digits = why.split_once("at position ")?.1;
    let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// Adds rules.
pub async fn add(api: &mut Api, console: &Console, rule_set: &RuleSet) -> Result<u8, CommandError> {
    let (mut there, mut refused, mut unsaid, mut left) = (0, 0, 0, rule_set.rules.len());
    let (mut added, mut count) = (Vec::new(), 0);
    let mut end = Ok(());
    for rules in rule_set.rules.chunks(RULE_BATCH) {
        match send(api, rules, false).await {
            Ok(sent) => {
                let (old, bad) = report_errors(console, &sent.errors, rule_set);
                there += old;
                refused += bad;
                unsaid += sent.unsaid;
                count += sent.count;
                left -= rules.len();
                added.extend(sent.rules);
            }
            Err(error) => {
                report_batch(console, &error, rules, rule_set);
                end = Err(error);
                break;
            }
        }
    }
    unless_closed(print(console, &added))?;
    let parts =
        [(there, "existed already"), (refused, "refused"), (unsaid, "without a result from X"), (left, "not sent")];
    let line = summary((count, "added"), &parts);
    match end {
        Err(error) if is_cap(&error) => {
            console.info(&line);
            report_full(api, console, error, "adding rules", left).await
        }
        Err(error) => {
            if left < rule_set.rules.len() {
                let rest = if error.is_temporary() { "; add the same rules again to complete it" } else { "" };
                console.info(&format!("{line}{rest}"));
            }
            Err(error.into())
        }
        Ok(()) => {
            console.info(&line);
            Ok(status(refused, unsaid))
        }
    }
}

/// `2 added, 1 existed already`: counts of 0 are left out, except the first.
pub fn summary(first: (usize, &str), others: &[(usize, &str)]) -> String {
    let part = |(count, what): &(usize, &str)| format!("{count} {what}");
    let others = others.iter().filter(|(count, _)| *count > 0).map(part);
    std::iter::once(part(&first)).chain(others).collect::<Vec<_>>().join(", ")
}

/// The exit status: a refused rule needs the user, one that X does not mention is a failure.
pub fn status(refused: usize, unsaid: usize) -> u8 {
    match (refused, unsaid) {
        (0, 0) => 0,
        (0, _) => FAILED,
        _ => REFUSED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_position_is_read_from_the_text_of_x() {
        for (why, at) in
            [("no viable alternative (at position 12)", Some(12)), ("bad at position 3, x", Some(3)), ("bad", None)]
        {
            assert_eq!(position(why), at, "{why}");
        }
    }

    #[test]
    fn room_is_what_the_project_leaves() {
        let counts = |app: u64, project: u64, rules: u64| {
            let data = json!({ "cap_per_client_app": app, "cap_per_project": project, "project_rules_count": rules,
                "client_app_rules_count": { "rule_count": 10 } });
            RuleCounts::from_json(&json!({ "data": data }))
        };
        assert_eq!(room(&counts(1000, 1000, 10)), Some(1000));
        assert_eq!(room(&counts(1000, 1000, 400)), Some(610));
        assert_eq!(room(&counts(50, 1000, 400)), Some(50));
        assert_eq!(room(&RuleCounts::default()), None);
        assert_eq!(counted(&counts(50, 90, 20)), "there are 10 of 50 rules of this app, 20 of 90 rules of the project");
    }

    #[test]
    fn a_rule_that_is_gone_already_is_deleted_well_enough() {
        let error = |message: &str| json!({ "errors": [{ "message": message, "parameters": {} }] });
        for (errors, deleted, kept) in [
            (vec![], 2, 0),
            (vec![error("Rule does not exist")], 1, 0),
            (vec![error("no")], 1, 1),
            (vec![error("no"), error("Rule does not exist")], 0, 1),
        ] {
            let summary = json!({ "deleted": deleted, "not_deleted": errors.len() });
            let reply = DeleteOutcome::from_json(&json!({ "meta": { "summary": summary }, "errors": errors }));
            assert_eq!(DeleteResult::new(&reply, 2), DeleteResult { gone: deleted, kept, ..DeleteResult::default() });
        }
        assert_eq!(
            DeleteResult::new(&DeleteOutcome::default(), 2),
            DeleteResult { gone: 2, ..DeleteResult::default() }
        );
    }

    #[test]
    fn a_summary_leaves_out_what_did_not_happen() {
        assert_eq!(summary((0, "added"), &[(0, "refused"), (2, "existed already")]), "0 added, 2 existed already");
    }
}
