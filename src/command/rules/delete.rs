//! `rules delete`: deletes rules by id, value or tag, or all.

use anyhow::Context as _;

use super::super::CommandError;
use super::change::{DeleteResult, delete_batch, report_not_deleted};
use super::{COLUMNS, input, print, read, rows};
use crate::cli::RuleDelete;
use crate::net::api::Api;
use crate::pipeline::tag::Tag;
use crate::protocol::api_types::StoredRule;
use crate::protocol::rule::plan::RULE_BATCH;
use crate::protocol::rule::{Rule, piece};
use crate::session::outcome::FAILED;
use crate::terminal::console::{Console, unless_closed};

/// Deletes rules. It fetches them first, to find those with a tag and to print what it deleted.
pub async fn run(api: &mut Api, console: &Console, which: &RuleDelete) -> Result<u8, CommandError> {
    let (all, whole) = read(api, console).await?;
    let (chosen, missing) = pick(all, which);
    for what in &missing {
        console.always(what);
    }
    if !whole {
        console.always("X did not send the complete list of rules; more rules may match");
    }
    let mut done = if missing.is_empty() && whole { 0 } else { FAILED };
    if chosen.is_empty() && (whole || !which.all) {
        console.info("nothing to delete");
        return Ok(done);
    }
    // Decided here: a server that does not know `dry_run` would delete them.
    if which.dry_run {
        unless_closed(print(console, &chosen))?;
        console.info(&format!("{} would be deleted", input::count(chosen.len())));
        return Ok(done);
    }
    let confirm = !which.yes && (which.all || chosen.len() > 1) && Console::can_confirm();
    if confirm
        && !console
            .confirm(&COLUMNS, &rows(&chosen), &format!("Delete {}?", input::count(chosen.len())))
            .context("asking for confirmation on stderr")?
    {
        console.info("nothing was deleted");
        return Ok(FAILED);
    }
    let mut end = Ok(());
    let mut tally = DeleteResult::default();
    // The rules that are deleted, and those that may be: X does not always say which ones it kept.
    let (mut gone, mut doubtful) = (Vec::new(), Vec::new());
    if which.all {
        let reply = api.delete_all_rules().await?;
        report_not_deleted(&reply, |line| console.always(line));
        tally = DeleteResult::new(&reply, chosen.len());
        if tally.kept > 0 || tally.gone < chosen.len() {
            doubtful = chosen;
        } else {
            gone = chosen;
        }
    } else {
        for batch in chosen.chunks(RULE_BATCH) {
            let rules: Vec<Rule> = batch.iter().map(Rule::from).collect();
            match delete_batch(api, &rules, |line| console.always(line)).await {
                Ok(dropped) => {
                    let is_kept = |rule: &&StoredRule| {
                        rule.id.as_ref().is_some_and(|id| dropped.named.contains(id))
                            || dropped.named.contains(&rule.value)
                    };
                    let sure: Vec<StoredRule> = batch.iter().filter(|rule| !is_kept(rule)).cloned().collect();
                    if sure.len() == dropped.gone {
                        gone.extend(sure);
                    } else {
                        doubtful.extend_from_slice(batch);
                    }
                    tally.gone += dropped.gone;
                    tally.kept += dropped.kept;
                }
                Err(error) => {
                    end = Err(error);
                    break;
                }
            }
        }
    }
    if !doubtful.is_empty() {
        gone.extend(away(api, console, doubtful).await);
    }
    // A user who confirmed has seen the table, unless fewer rules were deleted than it shows.
    let seen = confirm && console.is_table() && tally.kept == 0 && end.is_ok();
    if !seen {
        unless_closed(print(console, &gone))?;
    }
    if let Err(error) = end {
        if tally.gone > 0 {
            console.info(&format!("{} deleted before this", input::count(tally.gone)));
        }
        return Err(error.into());
    }
    let line = format!("{} deleted", input::count(tally.gone));
    if tally.kept > 0 {
        done = FAILED;
        console.always(&format!("{line}, {} not deleted", tally.kept));
    } else {
        console.info(&line);
    }
    Ok(done)
}

/// The rules that X has no more; empty if it does not say.
async fn away(api: &mut Api, console: &Console, rules: Vec<StoredRule>) -> Vec<StoredRule> {
    let Ok((left, true)) = read(api, console).await else {
        console.always("X does not say which rules are deleted; list them with `xstream rules`");
        return Vec::new();
    };
    rules
        .into_iter()
        .filter(|rule| !left.iter().any(|other| other.id == rule.id && other.value == rule.value))
        .collect()
}

/// The rules that the arguments name, in X's order, and a message for each argument that names none.
fn pick(all: Vec<StoredRule>, which: &RuleDelete) -> (Vec<StoredRule>, Vec<String>) {
    if which.all {
        return (all, Vec::new());
    }
    let fits =
        |tag: &Tag, rule: &StoredRule| rule.tag.as_deref().is_some_and(|text| !text.is_empty() && tag.matches(text));
    let tags: Vec<Tag> = which.tag.iter().map(|tag| Tag::from(tag.as_str())).collect();
    let mut missing = Vec::new();
    let mut miss = |found: bool, what: String| {
        if !found {
            missing.push(what);
        }
    };
    for id in &which.ids {
        miss(all.iter().any(|rule| rule.id.as_ref() == Some(id)), format!("no rule has the id {id}"));
    }
    for value in &which.value {
        let found = all.iter().any(|rule| rule.value == *value);
        miss(found, format!("there is no rule `{}`; its value must be given exactly", piece(value)));
    }
    for (wanted, tag) in which.tag.iter().zip(&tags) {
        miss(all.iter().any(|rule| fits(tag, rule)), format!("no rule has the tag `{}`", piece(wanted)));
    }
    let chosen = all.into_iter().filter(|rule| {
        rule.id.as_ref().is_some_and(|id| which.ids.contains(id))
            || which.value.contains(&rule.value)
            || tags.iter().any(|tag| fits(tag, rule))
    });
    (chosen.collect(), missing)
}
