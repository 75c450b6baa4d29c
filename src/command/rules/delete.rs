//! `rules delete`: by id, value or tag, or all.

use super::super::Error;
use super::super::output::{self, Output};
use super::change::drop_batch;
use super::{COLUMNS, given, print, read, rows, unread};
use crate::cli::RuleDelete;
use crate::net::api::{Api, RULE_BATCH};
use crate::protocol::record::Rule as Kept;
use crate::protocol::rule::{Rule, piece};
use crate::session::outcome::FAILED;

/// Deletes rules. They are read first: so a tag finds its rules, and what is deleted can be told.
pub async fn run(api: &mut Api, output: &Output, which: &RuleDelete) -> Result<u8, Error> {
    let (all, _) = read(api, output).await?;
    let (chosen, missing) = pick(all, which);
    for what in &missing {
        output.fail(what);
    }
    let done = if missing.is_empty() { 0 } else { FAILED };
    if chosen.is_empty() {
        output.say("nothing to delete");
        return Ok(done);
    }
    if which.dry_run && which.all {
        unread(print(output, &chosen))?;
        output.say(&format!("{} would be deleted", given::count(chosen.len())));
        return Ok(done);
    }
    let ask = !which.yes && !which.dry_run && (which.all || chosen.len() > 1) && output::can_ask();
    if ask && !output.ask(&COLUMNS, &rows(&chosen), &format!("Delete {}?", given::count(chosen.len())))? {
        output.say("nothing was deleted");
        return Ok(FAILED);
    }
    // Whoever was asked has seen the table.
    let tell = |rules: &[Kept]| if ask && output.is_table() { Ok(()) } else { unread(print(output, rules)) };
    if which.all {
        let reply = api.delete_all_rules().await?;
        tell(&chosen)?;
        let gone = reply.deleted.and_then(|count| usize::try_from(count).ok()).unwrap_or(chosen.len());
        output.say(&format!("{} deleted", given::count(gone)));
        return Ok(done);
    }
    let (mut gone, mut kept) = (0, 0);
    for batch in chosen.chunks(RULE_BATCH) {
        let rules: Vec<Rule> = batch.iter().map(Rule::from).collect();
        match drop_batch(api, &rules, which.dry_run, |line| output.say(line)).await {
            Ok(dropped) => {
                gone += dropped.gone;
                kept += dropped.kept;
            }
            Err(error) => {
                if gone > 0 {
                    output.say(&format!("{} deleted before this", given::count(gone)));
                }
                return Err(error.into());
            }
        }
        tell(batch)?;
    }
    let verb = if which.dry_run { "would be deleted" } else { "deleted" };
    output.say(&format!("{} {verb}", given::count(gone)));
    Ok(if kept > 0 { FAILED } else { done })
}

/// The rules that are meant, in X's order, and what is not there in words.
fn pick(all: Vec<Kept>, which: &RuleDelete) -> (Vec<Kept>, Vec<String>) {
    if which.all {
        return (all, Vec::new());
    }
    let tag = |rule: &Kept| rule.tag.clone().unwrap_or_default();
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
    for wanted in &which.tag {
        miss(all.iter().any(|rule| tag(rule) == *wanted), format!("no rule has the tag `{}`", piece(wanted)));
    }
    let chosen = all.into_iter().filter(|rule| {
        rule.id.as_ref().is_some_and(|id| which.ids.contains(id))
            || which.value.contains(&rule.value)
            || which.tag.contains(&tag(rule))
    });
    (chosen.collect(), missing)
}
