//! `rules sync`: makes the app's rules equal to a file.
//!
//! The first request fetches the rules that X has; if they equal the file, it is the only one. The maximum number of
//! rules is requested only where it matters, since X allows few requests.
//!
//! Its law: wherever a sync stops, the next one continues from there.

use std::collections::HashSet;
use std::pin::pin;

use anyhow::Context as _;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::super::{CommandError, usage_error};
use super::change::{self, counted, is_cap, report_full, room, summary};
use super::input::{self, RuleSet};
use super::{has_value, read, report_unreadable};
use crate::cli::RuleSync;
use crate::net::api::{Api, ApiError};
use crate::observe::table::{Style, painted};
use crate::protocol::rule::plan::{Caps, Plan, RuleRequest, plan, render};
use crate::protocol::rule::{AccessLevel, Rule};
use crate::session::outcome::{FAILED, REFUSED};
use crate::terminal::console::{Console, WriteError, unless_closed};

/// The exit status after Ctrl-C, by the convention of shells: 128 plus the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// The changes so far.
#[derive(Default)]
struct SyncCounts {
    added: usize,
    there: usize,
    refused: usize,
    unsaid: usize,
    deleted: usize,
    kept: usize,
}

impl SyncCounts {
    fn to_text(&self) -> String {
        let others = [
            (self.deleted, "deleted"),
            (self.kept, "not deleted"),
            (self.there, "existed already"),
            (self.refused, "refused"),
            (self.unsaid, "without a result from X"),
        ];
        summary((self.added, "added"), &others)
    }
}

/// Makes the rules of the app equal to those of the file.
pub async fn run(api: &mut Api, console: &Console, rule_set: &RuleSet, how: &RuleSync) -> Result<u8, CommandError> {
    let Some(mut current) = current(api, console).await? else {
        console.always("X did not send the complete list of rules; nothing was changed");
        return Ok(FAILED);
    };
    let mut whole = plan(&current, &rule_set.rules, Caps::new(usize::MAX));
    let changed = changed(&whole);
    unless_closed(print(console, &whole))?;
    if whole.requests.is_empty() {
        console.info(&format!("nothing to do: {} as in the file", are(whole.keep.len())));
        return Ok(0);
    }
    // Every app can have this many rules, or X refuses and says so. For more, the maximum is requested from X.
    let mut caps = Caps::new(AccessLevel::PayPerUse.rules());
    if current.len() + whole.add.len() - changed > caps.rules {
        let counts = api.rule_counts().await?;
        caps = Caps::new(room(&counts).map_or(caps.rules, |room| usize::try_from(room).unwrap_or(usize::MAX)));
        whole = plan(&current, &rule_set.rules, caps);
        if whole.excess > 0 {
            return Ok(too_many(console, rule_set, whole.excess, &counted(&counts)));
        }
    } else {
        whole = plan(&current, &rule_set.rules, caps);
    }
    let (gone, kept) = (whole.delete.len() - changed, whole.keep.len() + changed);
    if how.dry_run {
        console.info(&summary(
            (whole.add.len() - changed, "to add"),
            &[(changed, "to retag"), (gone, "to delete"), (kept - changed, "to keep")],
        ));
        return Ok(0);
    }
    if gone > kept && !how.yes {
        let what = format!("deletes {gone} of {} and keeps {kept}", input::count(current.len()));
        if !Console::can_confirm() {
            return usage_error(format!("this sync {what}; not a terminal: pass --yes to confirm"));
        }
        if !console
            .confirm(&[], &[], &format!("This {what}. Continue?"))
            .context("asking for confirmation on stderr")?
        {
            console.info("nothing was changed");
            return Ok(FAILED);
        }
    }
    let mut job =
        SyncRun { api, console, rule_set, tally: SyncCounts::default(), done: (0, 0), interrupts: Interrupts::new()? };
    let mut end = job.apply(&whole).await;
    if matches!(&end, Err(SyncStop::Failed(error)) if is_cap(error)) {
        // The maximum is lower than expected, or another client added rules: plan again with X's counts.
        let counts = job.api.rule_counts().await?;
        if let Some(room) = room(&counts) {
            let Some(again) = self::current(job.api, console).await? else {
                console.always(&format!(
                    "{}; X did not send the complete list of rules, so nothing more was changed",
                    job.tally.to_text()
                ));
                return Ok(FAILED);
            };
            current = again;
            whole = plan(&current, &rule_set.rules, Caps::new(usize::try_from(room).unwrap_or(usize::MAX)));
            if whole.excess > 0 {
                console.info(&job.tally.to_text());
                return Ok(too_many(console, rule_set, whole.excess, &counted(&counts)));
            }
            end = job.apply(&whole).await;
        }
    }
    match end {
        Err(SyncStop::Failed(error)) if is_cap(&error) => {
            console.info(&format!("{} before the failure", job.tally.to_text()));
            let there: HashSet<&str> = current.iter().map(|rule| rule.value.as_str()).collect();
            let new = rule_set.rules.iter().filter(|rule| !there.contains(rule.value.as_str())).count();
            report_full(job.api, console, error, "adding rules", new.saturating_sub(job.tally.added)).await
        }
        end => job.finish(end),
    }
}

/// The rules that X has; none if the list is incomplete: a rule missing in it would be added again, or would stay.
async fn current(api: &mut Api, console: &Console) -> Result<Option<Vec<Rule>>, CommandError> {
    let (rules, whole) = read(api, console).await?;
    report_unreadable(console, &rules);
    Ok(whole.then(|| rules.iter().filter(|rule| has_value(rule)).map(Rule::from).collect()))
}

fn are(rules: usize) -> String {
    match rules {
        0 => "there are no rules,".to_owned(),
        1 => "the 1 rule is".to_owned(),
        _ => format!("all {rules} rules are"),
    }
}

/// How many rules only change their tag; they are deleted and added again.
fn changed(plan: &Plan) -> usize {
    let added: HashSet<&str> = plan.add.iter().map(|rule| rule.value.as_str()).collect();
    plan.delete.iter().filter(|rule| added.contains(rule.value.as_str())).count()
}

fn too_many(console: &Console, rule_set: &RuleSet, excess: usize, counts: &str) -> u8 {
    console.always(&format!(
        "the file has {}, {excess} more than X allows: {counts}; delete rules, or join several into one with OR",
        input::count(rule_set.rules.len())
    ));
    REFUSED
}

/// Prints the difference: as text, with --json as objects.
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
    let style = |line: &str| match line.as_bytes().first() {
        Some(b'+') => Style::Good,
        Some(b'-') => Style::Bad,
        _ => Style::Faint,
    };
    text.lines().map(|line| painted(line, style(line), true) + "\n").collect()
}

/// Why a sync stopped early.
enum SyncStop {
    /// X refused, or a request failed.
    Failed(ApiError),
    /// Ctrl-C; the second one does not wait for the current request.
    Interrupted { midway: bool },
}

/// Handles Ctrl-C from the first change on. Before it, nothing is lost if the process ends at once.
struct Interrupts {
    signal: Signal,
    seen: bool,
}

impl Interrupts {
    fn new() -> anyhow::Result<Interrupts> {
        let signal = signal(SignalKind::interrupt()).context("watching for Ctrl-C")?;
        Ok(Interrupts { signal, seen: false })
    }

    /// Waits for a request; none if a second Ctrl-C interrupted it.
    async fn during<T>(&mut self, request: impl Future<Output = T>, report: impl Fn(&str)) -> Option<T> {
        let mut request = pin!(request);
        loop {
            tokio::select! {
                biased;
                _ = self.signal.recv() => {
                    if self.seen {
                        return None;
                    }
                    self.seen = true;
                    report("stopping after the current request; Ctrl-C again stops at once");
                }
                done = &mut request => return Some(done),
            }
        }
    }
}

/// A running sync.
struct SyncRun<'a> {
    api: &'a mut Api,
    console: &'a Console,
    rule_set: &'a RuleSet,
    tally: SyncCounts,
    /// How many changes were sent, of all in the plan.
    done: (usize, usize),
    interrupts: Interrupts,
}

impl SyncRun<'_> {
    /// Sends the requests of the plan. Once X refused a rule, nothing more is deleted: the refused rule may be the
    /// replacement of a deleted one.
    async fn apply(&mut self, plan: &Plan) -> Result<(), SyncStop> {
        self.done = (0, plan.requests.iter().map(|request| request.rules().len()).sum());
        let changes = self.done.1 as u64;
        self.console.start_progress(changes, "{pos} of {len} changes {bar:20}", plan.requests.len() > 1);
        let end = self.send(&plan.requests).await;
        self.console.end_progress();
        end
    }

    async fn send(&mut self, requests: &[RuleRequest]) -> Result<(), SyncStop> {
        for request in requests {
            if matches!(request, RuleRequest::Delete(_)) && self.tally.refused > 0 {
                break;
            }
            if self.interrupts.seen {
                return Err(SyncStop::Interrupted { midway: false });
            }
            let (api, tally) = (&mut *self.api, &mut self.tally);
            let change = change(api, self.console, self.rule_set, request, tally);
            match self.interrupts.during(Box::pin(change), |line| self.console.info(line)).await {
                Some(Ok(())) => {
                    self.done.0 += request.rules().len();
                    self.console.set_progress(self.done.0 as u64);
                }
                Some(Err(error)) => {
                    if let RuleRequest::Add(rules) = request {
                        change::report_batch(self.console, &error, rules, self.rule_set);
                    }
                    return Err(SyncStop::Failed(error));
                }
                None => return Err(SyncStop::Interrupted { midway: true }),
            }
        }
        Ok(())
    }

    fn finish(&self, end: Result<(), SyncStop>) -> Result<u8, CommandError> {
        let (console, tally, line) = (self.console, &self.tally, self.tally.to_text());
        match end {
            Err(SyncStop::Failed(error)) => {
                let rest = if error.is_temporary() { "; run the same sync again to complete it" } else { "" };
                console.info(&format!("{line} before the failure{rest}"));
                return Err(error.into());
            }
            Err(SyncStop::Interrupted { midway }) => {
                let (done, all) = self.done;
                let doubt = if midway { ", and perhaps those of the current request" } else { "" };
                console.always(&format!(
                    "interrupted after {done} of {all} changes{doubt}: {line}; run the same sync again to complete it"
                ));
                return Ok(INTERRUPTED);
            }
            Ok(()) => {}
        }
        console.info(&line);
        if tally.refused > 0 {
            console.always(
                "the rules differ from the file: X refused some, and then nothing more was deleted; correct them and sync again",
            );
        }
        Ok(change::status(tally.refused, tally.unsaid + tally.kept))
    }
}

async fn change(
    api: &mut Api,
    console: &Console,
    rule_set: &RuleSet,
    request: &RuleRequest,
    tally: &mut SyncCounts,
) -> Result<(), ApiError> {
    match request {
        RuleRequest::Add(rules) => {
            let sent = change::send(api, rules, false).await?;
            let (there, refused) = change::report_errors(console, &sent.errors, rule_set);
            tally.added += sent.count;
            tally.there += there;
            tally.refused += refused;
            tally.unsaid += sent.unsaid;
        }
        RuleRequest::Delete(rules) => {
            let dropped = change::delete_batch(api, rules, |line| console.info(line)).await?;
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
