//! `rules sync`: makes the app's rules equal to a file.
//!
//! One request reads what X has; if that is what the file says, it is the only one. The cap is asked for only where it
//! decides something, since X takes few requests.
//!
//! Its law: wherever it stops, the next sync goes on from there.

use std::collections::HashSet;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::super::output::{self, Output};
use super::super::{Error, usage};
use super::change::{self, counted, is_cap, room, summary};
use super::given::{self, Given};
use super::{read, unread};
use crate::cli::RuleSync;
use crate::net::api::{self, Api};
use crate::protocol::rule::plan::{Caps, Plan, Request, plan, render};
use crate::protocol::rule::{Access, Rule};
use crate::session::outcome::{FAILED, REFUSED};
use crate::terminal::table::{Look, painted};

/// What was done.
#[derive(Default)]
struct Tally {
    added: usize,
    there: usize,
    refused: usize,
    unsaid: usize,
    deleted: usize,
    kept: usize,
}

impl Tally {
    fn told(&self) -> String {
        let others = [
            (self.deleted, "deleted"),
            (self.kept, "not deleted"),
            (self.there, "there already"),
            (self.refused, "refused"),
            (self.unsaid, "of which X says nothing"),
        ];
        summary((self.added, "added"), &others)
    }
}

/// Makes X's rules equal to the ones given.
pub async fn run(
    api: &mut Api,
    output: &Output,
    bar: &ProgressBar,
    given: &Given,
    how: &RuleSync,
) -> Result<u8, Error> {
    let mut current = current(api, output).await?;
    let mut whole = plan(&current, &given.rules, Caps::of(usize::MAX));
    let changed = changed(&whole);
    unread(print(output, &whole))?;
    if whole.requests.is_empty() {
        output.say(&format!("nothing to do: {} as given", has(whole.keep.len())));
        return Ok(0);
    }
    // No app has less room than this, or X says so when it has; with more to come, X is asked how much it takes.
    let mut caps = Caps::of(Access::PayPerUse.rules());
    if current.len() + whole.add.len() - changed > caps.rules {
        let counts = api.rule_counts().await?;
        caps = Caps::of(room(&counts).map_or(caps.rules, |room| usize::try_from(room).unwrap_or(usize::MAX)));
        whole = plan(&current, &given.rules, caps);
        if whole.excess > 0 {
            return Ok(too_many(output, given, whole.excess, &counted(&counts)));
        }
    } else {
        whole = plan(&current, &given.rules, caps);
    }
    let (gone, kept) = (whole.delete.len() - changed, whole.keep.len() + changed);
    if how.dry_run {
        output.say(&summary(
            (whole.add.len() - changed, "to add"),
            &[(changed, "to tag anew"), (gone, "to delete"), (kept - changed, "to keep")],
        ));
        return Ok(0);
    }
    if gone > kept && !how.yes {
        let what = format!("deletes {gone} of {} and keeps {kept}", given::count(current.len()));
        if !output::can_ask() {
            return usage(format!("this {what}, and nobody is here to be asked; give --yes if it is meant"));
        }
        if !output.ask(&[], &[], &format!("This {what}. Go on?"))? {
            output.say("nothing was changed");
            return Ok(FAILED);
        }
    }
    let mut tally = Tally::default();
    let mut end = carry_out(api, output, bar, given, &whole, &mut tally).await;
    if matches!(&end, Err(error) if is_cap(error)) {
        // There is less room than supposed, or somebody else took it: plan anew with what X says.
        let counts = api.rule_counts().await?;
        if let Some(room) = room(&counts) {
            current = self::current(api, output).await?;
            whole = plan(&current, &given.rules, Caps::of(usize::try_from(room).unwrap_or(usize::MAX)));
            if whole.excess > 0 {
                output.say(&tally.told());
                return Ok(too_many(output, given, whole.excess, &counted(&counts)));
            }
            end = carry_out(api, output, bar, given, &whole, &mut tally).await;
        }
    }
    finish(output, &tally, end)
}

async fn current(api: &mut Api, output: &Output) -> Result<Vec<Rule>, Error> {
    let (rules, _) = read(api, output).await?;
    Ok(rules.iter().map(Rule::from).collect())
}

fn has(rules: usize) -> String {
    if rules == 1 { "the 1 rule is".to_owned() } else { format!("all {rules} rules are") }
}

/// How many rules only change their tag: they are deleted and added again.
fn changed(plan: &Plan) -> usize {
    let added: HashSet<&str> = plan.add.iter().map(|rule| rule.value.as_str()).collect();
    plan.delete.iter().filter(|rule| added.contains(rule.value.as_str())).count()
}

fn too_many(output: &Output, given: &Given, excess: usize, counts: &str) -> u8 {
    output.fail(&format!(
        "{} are wanted, {excess} more than X has room for: {counts}; delete rules, or join several into one with OR",
        given::count(given.rules.len())
    ));
    REFUSED
}

/// Prints the difference: for people and pipes as text, with --json as objects.
fn print(output: &Output, plan: &Plan) -> anyhow::Result<()> {
    if output.is_json() {
        let all = [("delete", &plan.delete), ("keep", &plan.keep), ("add", &plan.add)];
        let values = all.into_iter().flat_map(|(change, rules)| {
            rules.iter().map(move |rule| {
                let mut value = json!({"change": change, "value": rule.value});
                for (name, text) in [("tag", rule.tag()), ("id", rule.id.as_deref())] {
                    if let Some(text) = text {
                        value[name] = text.into();
                    }
                }
                value
            })
        });
        return output::values(&values.collect::<Vec<_>>());
    }
    let text = render(plan);
    output.text(&if output.is_colored() { colored(&text) } else { text })
}

fn colored(text: &str) -> String {
    let look = |line: &str| match line.as_bytes().first() {
        Some(b'+') => Look::Good,
        Some(b'-') => Look::Bad,
        _ => Look::Faint,
    };
    text.lines().map(|line| painted(line, look(line), true) + "\n").collect()
}

/// Sends what is planned. Once X has refused a rule nothing more is deleted: what was to replace it may be that rule.
async fn carry_out(
    api: &mut Api,
    output: &Output,
    bar: &ProgressBar,
    given: &Given,
    plan: &Plan,
    tally: &mut Tally,
) -> Result<(), api::Error> {
    bar.set_length(plan.requests.iter().map(|request| request.rules().len() as u64).sum());
    bar.set_position(0);
    if output.is_heard() && plan.requests.len() > 1 {
        bar.set_style(
            ProgressStyle::with_template("{pos} of {len} changes {bar:20}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        // It draws on a terminal only.
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar.tick();
    }
    for request in &plan.requests {
        if matches!(request, Request::Delete(_)) && tally.refused > 0 {
            break;
        }
        if let Err(error) = change(api, output, bar, given, request, tally).await {
            bar.finish_and_clear();
            return Err(error);
        }
        bar.inc(request.rules().len() as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

async fn change(
    api: &mut Api,
    output: &Output,
    bar: &ProgressBar,
    given: &Given,
    request: &Request,
    tally: &mut Tally,
) -> Result<(), api::Error> {
    match request {
        Request::Add(rules) => {
            let sent = change::send(api, rules, false).await?;
            let (there, refused) = bar.suspend(|| change::tell(output, &sent.errors, given));
            tally.added += sent.taken.len();
            tally.there += there;
            tally.refused += refused;
            tally.unsaid += sent.unsaid.len();
        }
        Request::Delete(rules) => {
            let dropped = change::drop_batch(api, rules, false, |line| bar.suspend(|| output.say(line))).await?;
            tally.deleted += dropped.gone;
            tally.kept += dropped.kept;
        }
    }
    Ok(())
}

fn finish(output: &Output, tally: &Tally, end: Result<(), api::Error>) -> Result<u8, Error> {
    let line = tally.told();
    if let Err(error) = end {
        output.say(&format!("{line} before the failure; the same sync again does the rest"));
        return Err(error.into());
    }
    output.say(&line);
    if tally.refused > 0 {
        output.fail("the rules are not as given: X refused some, and then nothing more was deleted; correct them and sync again");
    }
    Ok(change::status(tally.refused, tally.unsaid + tally.kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_coloured_by_line() {
        assert_eq!(
            colored("- a\n= b\n+ c\tt\n"),
            "\u{1b}[31m- a\u{1b}[0m\n\u{1b}[2m= b\u{1b}[0m\n\u{1b}[32m+ c\tt\u{1b}[0m\n"
        );
    }
}
