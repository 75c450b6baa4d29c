//! `xstream rules`: lists, tests and changes the rules of the filtered stream, and makes them equal to a file.
//!
//! ```text
//! input    rules from the user, checked
//! change   the requests that change rules, and `rules add`
//! test, delete
//! sync     applies the difference between a file and the rules that X has
//! ```

use std::ffi::OsString;
use std::path::Path;

use super::client_config::{self, ClientConfig};
use super::{CommandError, block_on, usage_error};
use crate::cli::{RuleDelete, RuleExport, RuleForm, RuleInput, RuleList, RuleSync, RuleVerb, RulesArgs};
use crate::net::api::{self, Api, Listing};
use crate::observe::table::{Cell, Column, Style};
use crate::pipeline::tag::Tag;
use crate::protocol::api_types::{AppRules, RuleCounts, StoredRule};
use crate::protocol::endpoint::Host;
use crate::protocol::rule::file::FileFormat;
use crate::protocol::rule::{self, file};
use crate::session::outcome::{FAILED, REFUSED};
use crate::terminal::console::{Console, WriteError};
use crate::text::escape_controls;

mod change;
mod delete;
mod input;
mod sync;
mod test;

use input::{RuleSet, Sources};

/// Runs the verb; returns the exit status.
pub fn run(args: &RulesArgs, arguments: &[OsString], console: &mut Console) -> Result<u8, CommandError> {
    console.set_options((&args.output).into());
    client_config::reexec_without_token(&args.access, arguments, console)?;
    if args.verb.is_some() && args.list != RuleList::default() {
        return usage_error("options of the list go after `rules list`, those of another verb after that verb");
    }
    let job = RuleJob::new(args, console)?;
    let config = ClientConfig::new(&args.access, client_config::base(&args.access, Host::Api)?, console)?;
    let console = &*console;
    let mut api = config.api(config.clock(), console)?;
    let status = block_on(async {
        match &job {
            RuleJob::List(tag) => list(&mut api, console, tag.as_ref()).await,
            RuleJob::Add(rule_set) => change::add(&mut api, console, rule_set).await,
            RuleJob::Test(rule_set, input) => test::run(&mut api, console, rule_set, input).await,
            RuleJob::Delete(which) => delete::run(&mut api, console, which).await,
            RuleJob::Sync(rule_set, how) => sync::run(&mut api, console, rule_set, how).await,
            RuleJob::Count => count(&mut api, console).await,
            RuleJob::Export(tag, form) => export(&mut api, console, tag.as_ref(), *form).await,
        }
    });
    match status {
        // The usual advice for the status of such a refusal concerns the account.
        Err(CommandError::Call(error)) => match change::advice(&error) {
            Some(advice) => {
                console.always(&format!("{}; {advice}", error.why()));
                Ok(REFUSED)
            }
            None => Err(error.into()),
        },
        status => status,
    }
}

/// What to do, checked as far as possible without a request.
enum RuleJob<'a> {
    List(Option<Tag>),
    Add(RuleSet),
    Test(RuleSet, &'a RuleInput),
    Delete(&'a RuleDelete),
    Sync(RuleSet, &'a RuleSync),
    Count,
    Export(Option<Tag>, FileFormat),
}

impl RuleJob<'_> {
    fn new<'a>(args: &'a RulesArgs, console: &Console) -> Result<RuleJob<'a>, CommandError> {
        let stdin_taken = args.access.bearer_file.as_deref() == Some(Path::new("-"));
        let glob = |tag: &Option<String>| tag.as_deref().map(Tag::from);
        Ok(match &args.verb {
            None => RuleJob::List(glob(&args.list.tag)),
            Some(RuleVerb::List(list)) => RuleJob::List(glob(&list.tag)),
            Some(RuleVerb::Add(input)) => {
                let rules = RuleSet::from_input(input, stdin_taken, console)?;
                rules.check(&input.lint, console)?;
                RuleJob::Add(rules)
            }
            Some(RuleVerb::Test(input)) => RuleJob::Test(RuleSet::from_input(input, stdin_taken, console)?, input),
            Some(RuleVerb::Delete(which)) => {
                if which.all && !which.yes && !which.dry_run && !Console::can_confirm() {
                    return usage_error("not a terminal: pass --yes to delete all rules");
                }
                RuleJob::Delete(which)
            }
            Some(RuleVerb::Sync(how)) => {
                let rules = RuleSet::read(&Sources { words: &[], files: &how.file, tag: None, stdin_taken }, console)?;
                if rules.rules.is_empty() && !how.allow_empty {
                    return usage_error(
                        "the file has no rule, and a sync with it deletes all rules; to do that, use \
                         xstream rules delete --all, or give --allow-empty",
                    );
                }
                rules.check(&how.lint, console)?;
                RuleJob::Sync(rules, how)
            }
            Some(RuleVerb::Count) => RuleJob::Count,
            Some(RuleVerb::Export(RuleExport { form, tag })) => {
                let form = match form {
                    RuleForm::Ndjson => FileFormat::Ndjson,
                    RuleForm::Tab => FileFormat::Tab,
                };
                RuleJob::Export(glob(tag), form)
            }
        })
    }
}

/// Fetches the rules that X has; the second value is whether the list is complete. Errors in it are reported.
async fn read(api: &mut Api, console: &Console) -> Result<(Vec<StoredRule>, bool), CommandError> {
    let Listing { items, errors, more } = api.rules().await?;
    for problem in &errors {
        console.info(&format!("warning: {}", api::describe(problem)));
    }
    Ok((items, errors.is_empty() && !more))
}

fn chosen(rules: Vec<StoredRule>, tag: Option<&Tag>) -> Vec<StoredRule> {
    rules
        .into_iter()
        .filter(|rule| tag.is_none_or(|tag| tag.matches(rule.tag.as_deref().unwrap_or_default())))
        .collect()
}

async fn list(api: &mut Api, console: &Console, tag: Option<&Tag>) -> Result<u8, CommandError> {
    let (rules, _) = read(api, console).await?;
    let none = rules.is_empty();
    let rules = chosen(rules, tag);
    if none {
        console.info("no rules; add one: xstream rules add 'cat has:images' --tag cats");
    } else if rules.is_empty() {
        console.info("no rule has a matching tag");
    }
    print(console, &rules)?;
    Ok(0)
}

/// Prints rules: a table, or X's own objects.
fn print(console: &Console, rules: &[StoredRule]) -> Result<(), WriteError> {
    if console.is_table() {
        console.table(&COLUMNS, &rows(rules))
    } else {
        console.values(rules.iter().map(|rule| &rule.raw))
    }
}

const COLUMNS: [Column; 3] = [Column::whole("ID"), Column::cut("TAG"), Column::cut("RULE")];

fn rows(rules: &[StoredRule]) -> Vec<Vec<Cell>> {
    let row = |rule: &StoredRule| {
        vec![
            rule.id.clone().unwrap_or_default().into(),
            rule.tag.as_deref().map(escape_controls).unwrap_or_default().into(),
            escape_controls(&rule.value).into(),
        ]
    };
    rules.iter().map(row).collect()
}

async fn count(api: &mut Api, console: &Console) -> Result<u8, CommandError> {
    let counts = api.rule_counts().await?;
    if console.is_table() {
        let columns = [Column::whole("WHOSE"), Column::number("RULES"), Column::number("OF"), Column::whole("APP")];
        console.table(&columns, &count_rows(&counts))?;
    } else {
        console.values([&counts.raw])?;
    }
    Ok(0)
}

/// Rows for this app, the other apps of the project, the project.
fn count_rows(counts: &RuleCounts) -> Vec<Vec<Cell>> {
    let own = counts.client_app.clone().unwrap_or_default();
    let row = |whose: &str, rules: Option<u64>, cap: Option<u64>, app: Option<&str>| {
        let style = if rules.is_some() && rules >= cap { Style::Warn } else { Style::Plain };
        let text = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        vec![whose.into(), Cell::new(&text(rules), style), text(cap).into(), app.unwrap_or_default().into()]
    };
    let mut rows = vec![row("this app", own.rules, counts.cap_per_client_app, own.client_app_id.as_deref())];
    let other = |app: &&AppRules| app.client_app_id.is_none() || app.client_app_id != own.client_app_id;
    for app in counts.apps.iter().filter(other) {
        rows.push(row("another app", app.rules, counts.cap_per_client_app, app.client_app_id.as_deref()));
    }
    rows.push(row("the project", counts.project_rules, counts.cap_per_project, None));
    rows
}

async fn export(api: &mut Api, console: &Console, tag: Option<&Tag>, form: FileFormat) -> Result<u8, CommandError> {
    let (rules, mut whole) = read(api, console).await?;
    whole &= report_unreadable(console, &rules);
    let rules: Vec<rule::Rule> = chosen(rules, tag).iter().filter(|rule| has_value(rule)).map(Into::into).collect();
    if rules.is_empty() {
        console.info("no rules to export");
    }
    let text = file::write(&rules, form);
    console.print(&if Console::width().is_some() { escape_file(&text) } else { text })?;
    if !whole {
        console.always(
            "X did not send the complete list of rules; a sync with this file deletes those that are missing in it",
        );
        return Ok(FAILED);
    }
    Ok(0)
}

/// The text of a file made safe for a terminal; its tabs and line ends stay.
fn escape_file(text: &str) -> String {
    let line = |line: &str| line.split('\t').map(escape_controls).collect::<Vec<_>>().join("\t") + "\n";
    text.lines().map(line).collect()
}

/// Whether X gave the value of the rule.
fn has_value(rule: &StoredRule) -> bool {
    !rule.value.trim().is_empty()
}

/// Reports rules without a value, which no file can hold; true if there are none.
fn report_unreadable(console: &Console, rules: &[StoredRule]) -> bool {
    let bare: Vec<String> = rules
        .iter()
        .filter(|rule| !has_value(rule))
        .map(|rule| rule.id.as_deref().map_or_else(|| "without an id".to_owned(), escape_controls))
        .collect();
    if !bare.is_empty() {
        console.always(&format!("X lists rules without a value, which are not changed: {}", bare.join(", ")));
    }
    bare.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::table::render;
    use serde_json::json;

    #[test]
    fn the_table_of_rules_cuts_what_is_long_and_keeps_the_ids() {
        let rules: Vec<StoredRule> = [
            json!({"id":"1800000000000000001","value":"cat has:images -is:retweet (lang:en OR lang:ja)","tag":"cats"}),
            json!({"id":"1800000000000000002","value":"猫 \u{1b}[2J","tag":null}),
        ]
        .iter()
        .map(StoredRule::from_json)
        .collect();
        insta::assert_snapshot!(render(&COLUMNS, &rows(&rules), 50, false), @r"
        ID                   TAG   RULE
        1800000000000000001  cats  cat has:images -is:ret…
        1800000000000000002        猫 \u{1b}[2J
        ");
    }

    #[test]
    fn a_file_shown_on_a_terminal_keeps_its_tabs_and_steers_nothing() {
        assert_eq!(escape_file("a\u{1b}[2J\tt\u{9b}\nb\n"), "a\\u{1b}[2J\tt\\u{9b}\nb\n");
    }

    #[test]
    fn counts_are_shown_by_app_and_project() {
        let counts = RuleCounts::from_json(&json!({ "data": {
            "cap_per_client_app": "1000", "cap_per_project": 2000, "project_rules_count": "1003",
            "client_app_rules_count": { "client_app_id": "7", "rule_count": "1000" },
            "all_project_client_apps": [{ "client_app_id": "7", "rule_count": "1000" }, { "client_app_id": "8", "rule_count": 3 }],
        }}));
        let columns = [Column::whole("WHOSE"), Column::number("RULES"), Column::number("OF"), Column::whole("APP")];
        insta::assert_snapshot!(render(&columns, &count_rows(&counts), 80, false), @r"
        WHOSE        RULES    OF  APP
        this app      1000  1000  7
        another app      3  1000  8
        the project   1003  2000
        ");
    }
}
