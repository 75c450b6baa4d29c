//! `rules sync`: makes the app's rules equal to a file.
//!
//! One request reads what X has; if that is what the file says, it is the only one. The cap is asked for only where it
//! decides something, since X takes few requests.
//!
//! Its law: wherever it stops, the next sync goes on from there.

use std::collections::HashSet;
use std::pin::pin;

use anyhow::Context as _;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::super::{Error, usage};
use super::change::{self, counted, is_cap, room, summary, told_cap};
use super::input::{self, RuleSet};
use super::{has_value, read, told_unreadable};
use crate::cli::RuleSync;
use crate::net::api::{self, Api};
use crate::protocol::rule::plan::{Caps, Plan, Request, plan, render};
use crate::protocol::rule::{Access, Rule};
use crate::session::outcome::{FAILED, REFUSED};
use crate::terminal::console::{Console, WriteError, unless_closed};
use crate::terminal::table::{Look, painted};

/// The exit status of a process that Ctrl-C ended, as shells count: 128 and the number of the signal.
const INTERRUPTED: u8 = 130;

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
pub async fn run(api: &mut Api, console: &Console, given: &RuleSet, how: &RuleSync) -> Result<u8, Error> {
    let Some(mut current) = current(api, console).await? else {
        console.always("the list of rules is not whole; nothing was changed");
        return Ok(FAILED);
    };
    let mut whole = plan(&current, &given.rules, Caps::new(usize::MAX));
    let changed = changed(&whole);
    unless_closed(print(console, &whole))?;
    if whole.requests.is_empty() {
        console.info(&format!("nothing to do: {} as given", are(whole.keep.len())));
        return Ok(0);
    }
    // No app has less room than this, or X says so when it has; with more to come, X is asked how much it takes.
    let mut caps = Caps::new(Access::PayPerUse.rules());
    if current.len() + whole.add.len() - changed > caps.rules {
        let counts = api.rule_counts().await?;
        caps = Caps::new(room(&counts).map_or(caps.rules, |room| usize::try_from(room).unwrap_or(usize::MAX)));
        whole = plan(&current, &given.rules, caps);
        if whole.excess > 0 {
            return Ok(too_many(console, given, whole.excess, &counted(&counts)));
        }
    } else {
        whole = plan(&current, &given.rules, caps);
    }
    let (gone, kept) = (whole.delete.len() - changed, whole.keep.len() + changed);
    if how.dry_run {
        console.info(&summary(
            (whole.add.len() - changed, "to add"),
            &[(changed, "to tag anew"), (gone, "to delete"), (kept - changed, "to keep")],
        ));
        return Ok(0);
    }
    if gone > kept && !how.yes {
        let what = format!("deletes {gone} of {} and keeps {kept}", input::count(current.len()));
        if !Console::can_confirm() {
            return usage(format!("this {what}, and nobody is here to be asked; give --yes if it is meant"));
        }
        if !console.confirm(&[], &[], &format!("This {what}. Go on?")).context("asking on stderr")? {
            console.info("nothing was changed");
            return Ok(FAILED);
        }
    }
    let mut job = Job { api, console, given, tally: Tally::default(), done: (0, 0), interrupts: Interrupts::new()? };
    let mut end = job.carry_out(&whole).await;
    if matches!(&end, Err(Stop::Failed(error)) if is_cap(error)) {
        // There is less room than supposed, or somebody else took it: plan anew with what X says.
        let counts = job.api.rule_counts().await?;
        if let Some(room) = room(&counts) {
            let Some(again) = self::current(job.api, console).await? else {
                console.always(&format!(
                    "{}; the list of rules is not whole, so nothing more was changed",
                    job.tally.told()
                ));
                return Ok(FAILED);
            };
            current = again;
            whole = plan(&current, &given.rules, Caps::new(usize::try_from(room).unwrap_or(usize::MAX)));
            if whole.excess > 0 {
                console.info(&job.tally.told());
                return Ok(too_many(console, given, whole.excess, &counted(&counts)));
            }
            end = job.carry_out(&whole).await;
        }
    }
    match end {
        Err(Stop::Failed(error)) if is_cap(&error) => {
            console.info(&format!("{} before the failure", job.tally.told()));
            let there: HashSet<&str> = current.iter().map(|rule| rule.value.as_str()).collect();
            let new = given.rules.iter().filter(|rule| !there.contains(rule.value.as_str())).count();
            told_cap(job.api, console, error, "adding rules", new.saturating_sub(job.tally.added)).await
        }
        end => job.finish(end),
    }
}

/// The rules that X has; none if it does not give all. What is not in the list would be added, or stay.
async fn current(api: &mut Api, console: &Console) -> Result<Option<Vec<Rule>>, Error> {
    let (rules, whole) = read(api, console).await?;
    told_unreadable(console, &rules);
    Ok(whole.then(|| rules.iter().filter(|rule| has_value(rule)).map(Rule::from).collect()))
}

fn are(rules: usize) -> String {
    match rules {
        0 => "there are no rules,".to_owned(),
        1 => "the 1 rule is".to_owned(),
        _ => format!("all {rules} rules are"),
    }
}

/// How many rules only change their tag: they are deleted and added again.
fn changed(plan: &Plan) -> usize {
    let added: HashSet<&str> = plan.add.iter().map(|rule| rule.value.as_str()).collect();
    plan.delete.iter().filter(|rule| added.contains(rule.value.as_str())).count()
}

fn too_many(console: &Console, given: &RuleSet, excess: usize, counts: &str) -> u8 {
    console.always(&format!(
        "{} are wanted, {excess} more than X has room for: {counts}; delete rules, or join several into one with OR",
        input::count(given.rules.len())
    ));
    REFUSED
}

/// Prints the difference: for people and pipes as text, with --json as objects.
fn print(console: &Console, plan: &Plan) -> Result<(), WriteError> {
    if console.is_json() {
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
        return console.values(&values.collect::<Vec<_>>());
    }
    let text = render(plan);
    console.print(&if console.is_colored() { colored(&text) } else { text })
}

fn colored(text: &str) -> String {
    let look = |line: &str| match line.as_bytes().first() {
        Some(b'+') => Look::Good,
        Some(b'-') => Look::Bad,
        _ => Look::Faint,
    };
    text.lines().map(|line| painted(line, look(line), true) + "\n").collect()
}

/// Why not all was sent.
enum Stop {
    /// X refused, or could not be asked.
    Failed(api::Error),
    /// Ctrl-C; the second one does not wait for the request under way.
    Interrupted { midway: bool },
}

/// Ctrl-C, from the first change on. Before it nothing is lost if the process ends at once.
struct Interrupts {
    signal: Signal,
    seen: bool,
}

impl Interrupts {
    fn new() -> anyhow::Result<Interrupts> {
        let signal = signal(SignalKind::interrupt()).context("watching for Ctrl-C")?;
        Ok(Interrupts { signal, seen: false })
    }

    /// Waits for a request to end; nothing if there was no patience for it.
    async fn during<T>(&mut self, request: impl Future<Output = T>, say: impl Fn(&str)) -> Option<T> {
        let mut request = pin!(request);
        loop {
            tokio::select! {
                biased;
                _ = self.signal.recv() => {
                    if self.seen {
                        return None;
                    }
                    self.seen = true;
                    say("ending with the request under way; Ctrl-C again ends at once");
                }
                done = &mut request => return Some(done),
            }
        }
    }
}

/// A sync that is under way.
struct Job<'a> {
    api: &'a mut Api,
    console: &'a Console,
    given: &'a RuleSet,
    tally: Tally,
    /// Changes that were sent, of all that the plan has.
    done: (usize, usize),
    interrupts: Interrupts,
}

impl Job<'_> {
    /// Sends what is planned. Once X has refused a rule nothing more is deleted: what was to replace it may be that
    /// rule.
    async fn carry_out(&mut self, plan: &Plan) -> Result<(), Stop> {
        self.done = (0, plan.requests.iter().map(|request| request.rules().len()).sum());
        self.console.start_progress(self.done.1, plan.requests.len() > 1);
        let end = self.send(&plan.requests).await;
        self.console.end_progress();
        end
    }

    async fn send(&mut self, requests: &[Request]) -> Result<(), Stop> {
        for request in requests {
            if matches!(request, Request::Delete(_)) && self.tally.refused > 0 {
                break;
            }
            if self.interrupts.seen {
                return Err(Stop::Interrupted { midway: false });
            }
            let (api, tally) = (&mut *self.api, &mut self.tally);
            let change = change(api, self.console, self.given, request, tally);
            match self.interrupts.during(Box::pin(change), |line| self.console.info(line)).await {
                Some(Ok(())) => {
                    self.done.0 += request.rules().len();
                    self.console.set_progress(self.done.0);
                }
                Some(Err(error)) => {
                    if let Request::Add(rules) = request {
                        change::tell_batch(self.console, &error, rules, self.given);
                    }
                    return Err(Stop::Failed(error));
                }
                None => return Err(Stop::Interrupted { midway: true }),
            }
        }
        Ok(())
    }

    fn finish(&self, end: Result<(), Stop>) -> Result<u8, Error> {
        let (console, tally, line) = (self.console, &self.tally, self.tally.told());
        match end {
            Err(Stop::Failed(error)) => {
                let rest = if error.is_passing() { "; the same sync again does the rest" } else { "" };
                console.info(&format!("{line} before the failure{rest}"));
                return Err(error.into());
            }
            Err(Stop::Interrupted { midway }) => {
                let (done, all) = self.done;
                let doubt = if midway { ", and perhaps those of the request under way" } else { "" };
                console.always(&format!(
                    "interrupted after {done} of {all} changes{doubt}: {line}; the same sync does the rest"
                ));
                return Ok(INTERRUPTED);
            }
            Ok(()) => {}
        }
        console.info(&line);
        if tally.refused > 0 {
            console.always(
                "the rules are not as given: X refused some, and then nothing more was deleted; correct them and sync again",
            );
        }
        Ok(change::status(tally.refused, tally.unsaid + tally.kept))
    }
}

async fn change(
    api: &mut Api,
    console: &Console,
    given: &RuleSet,
    request: &Request,
    tally: &mut Tally,
) -> Result<(), api::Error> {
    match request {
        Request::Add(rules) => {
            let sent = change::send(api, rules, false).await?;
            let (there, refused) = change::tell(console, &sent.errors, given);
            tally.added += sent.count;
            tally.there += there;
            tally.refused += refused;
            tally.unsaid += sent.unsaid;
        }
        Request::Delete(rules) => {
            let dropped = change::drop_batch(api, rules, |line| console.info(line)).await?;
            tally.deleted += dropped.gone;
            tally.kept += dropped.kept;
        }
    }
    Ok(())
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
