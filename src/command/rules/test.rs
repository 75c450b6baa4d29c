//! `rules test`: a verdict on each rule, from our own lint and from X, without adding a rule.

use serde_json::{Value, json};

use super::super::CommandError;
use super::change::{AddResult, is_cap, report_batch, report_errors, report_full, send, status, summary, why_refused};
use super::input::{RuleSet, is_error};
use crate::cli::RuleInput;
use crate::net::api::Api;
use crate::observe::table::{Cell, Column, Style};
use crate::protocol::rule::Rule;
use crate::protocol::rule::plan::RULE_BATCH;
use crate::terminal::console::{Console, WriteError, unless_closed};
use crate::text::escape_controls;

/// The result for one rule.
struct TestResult {
    word: &'static str,
    details: Vec<String>,
    id: Option<String>,
}

impl TestResult {
    fn new(word: &'static str, details: Vec<String>) -> TestResult {
        TestResult { word, details, id: None }
    }

    fn from_result(sent: &AddResult, rule: &Rule) -> TestResult {
        match sent.errors.iter().find(|error| error.value.as_ref() == Some(&rule.value)) {
            Some(error) if error.is_duplicate() => {
                TestResult { id: error.id.clone(), ..TestResult::new("duplicate", Vec::new()) }
            }
            Some(error) => TestResult::new("invalid", vec![why_refused(error)]),
            None if sent.taken.contains(&rule.value) => TestResult::new("valid", Vec::new()),
            None => TestResult::new("unknown", Vec::new()),
        }
    }
}

/// Tests rules. Those with an error of our lint are not sent.
pub async fn run(api: &mut Api, console: &Console, rule_set: &RuleSet, input: &RuleInput) -> Result<u8, CommandError> {
    let findings = rule_set.findings(&input.lint);
    rule_set.report(&findings, console);
    let mut verdicts: Vec<TestResult> = findings
        .iter()
        .map(|findings| {
            let wrong = findings.iter().any(is_error);
            let details = findings.iter().map(ToString::to_string).collect();
            TestResult::new(if wrong { "invalid" } else { "unknown" }, details)
        })
        .collect();
    let open: Vec<usize> = (0..verdicts.len()).filter(|&at| verdicts[at].word == "unknown").collect();
    let mut end = Ok(());
    for batch in open.chunks(RULE_BATCH) {
        let rules: Vec<Rule> = batch.iter().map(|&at| rule_set.rules[at].clone()).collect();
        match send(api, &rules, true).await {
            Ok(sent) => {
                report_errors(console, &sent.errors, rule_set);
                for &at in batch {
                    let TestResult { word, details, id } = TestResult::from_result(&sent, &rule_set.rules[at]);
                    verdicts[at].details.extend(details);
                    verdicts[at].word = word;
                    verdicts[at].id = id;
                }
            }
            Err(error) => {
                report_batch(console, &error, &rules, rule_set);
                end = Err(error);
                break;
            }
        }
    }
    unless_closed(print(console, rule_set, &verdicts))?;
    let of = |word: &str| verdicts.iter().filter(|verdict| verdict.word == word).count();
    let (invalid, unknown) = (of("invalid"), of("unknown"));
    let others = [(of("duplicate"), "existing already"), (invalid, "invalid"), (unknown, "not checked")];
    console.info(&summary((of("valid"), "valid"), &others));
    match end {
        Err(error) if is_cap(&error) => report_full(api, console, error, "checking rules", unknown).await,
        Err(error) => Err(error.into()),
        Ok(()) => Ok(status(invalid, unknown)),
    }
}

fn print(console: &Console, rule_set: &RuleSet, verdicts: &[TestResult]) -> Result<(), WriteError> {
    let all = rule_set.rules.iter().zip(&rule_set.places).zip(verdicts);
    if console.is_table() {
        let columns = [Column::whole("WHERE"), Column::whole("VERDICT"), Column::cut("RULE"), Column::cut("WHY")];
        let row = |((rule, place), verdict): ((&Rule, &String), &TestResult)| {
            let style = match verdict.word {
                "valid" => Style::Good,
                "invalid" => Style::Bad,
                _ => Style::Warn,
            };
            let why = match &verdict.id {
                Some(id) => format!("has the id {id}"),
                None => verdict.details.join("; "),
            };
            vec![place.clone().into(), Cell::new(verdict.word, style), escape_controls(&rule.value).into(), why.into()]
        };
        return console.table(&columns, &all.map(row).collect::<Vec<_>>());
    }
    let object = |((rule, place), verdict): ((&Rule, &String), &TestResult)| {
        let mut object = json!({"verdict": verdict.word, "value": rule.value, "place": place});
        let members = [
            ("tag", rule.tag().map(Value::from)),
            ("id", verdict.id.as_deref().map(Value::from)),
            ("details", (!verdict.details.is_empty()).then(|| json!(verdict.details))),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                object[name] = value;
            }
        }
        object
    };
    console.values(&all.map(object).collect::<Vec<_>>())
}
