//! `xstream doctor`: checks step by step, from this machine to X, what a stream needs, with advice for each problem.
//!
//! The network comes first, since it costs no request; then as few requests to X as possible. The response to the first
//! also gives X's clock, whether X accepts the token, and the rate limit. A check that needs a failed one is not tried,
//! so the first failure is the one to fix.
//!
//! Its law: no stream is opened without `--listen` and a slot that is known to be free, or `--force`.

mod check;
mod evaluate;
mod listen;
mod network;
mod report;

use std::ffi::OsString;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use super::client_config::{self, ClientConfig};
use super::{CommandError, block_on, status_of, tail, target, usage_error};
use crate::cli::{AccessArgs, DoctorArgs};
use crate::clock::Clock;
use crate::net::api::{self, Api, ApiError, ConnectionQuery};
use crate::net::token::source::VARIABLES;
use crate::net::token::{Token, arguments};
use crate::pipeline::meter::Meter;
use crate::protocol::endpoint::{self, Endpoint, Family};
use crate::protocol::request::{Request, StreamParams};
use crate::session::budget::Budget;
use crate::session::outcome::REFUSED;
use crate::session::{Head, Signal};
use crate::store::state::Store;
use crate::terminal::console::{Console, ConsoleOptions};
use crate::text::file_name;
use crate::time::{Timestamp, format_duration};
use check::{Check, label};
use evaluate::{CONNECTIONS, FirstCall};
use listen::{Account, ListenResult, listen};
use report::CheckReport;

/// Runs the verb; returns the exit status.
pub fn run(args: &DoctorArgs, arguments: &[OsString], console: &mut Console) -> Result<u8, CommandError> {
    console.set_options(ConsoleOptions { json: args.json, color: args.color, quiet: args.quiet });
    // It leaves the process list even if its form is wrong, which is reported as a check.
    if args.access.bearer.is_some()
        && let Err(error) = arguments::reexec_without_token(arguments)
    {
        console.always(&format!("the token stays visible in the process list: {error}"));
    }
    let Some(endpoint) = endpoint::find(&args.stream) else {
        return usage_error(target::unknown(&args.stream));
    };
    let request = if args.listen { Some(request(endpoint).or_else(usage_error)?) } else { None };
    let base = client_config::base(&args.access, endpoint.host)?;
    let began = Instant::now();
    let found = Token::find(args.access.bearer.as_deref(), args.access.bearer_file.as_deref());
    let shape = shape(&found, &args.access).took(began.elapsed());
    // The placeholder is never sent: without a token there is no request. It is too short to be redacted.
    let token = found.clone().or_else(|_| Token::parse("none", "a placeholder")).or_else(usage_error)?;
    let config = ClientConfig::with_token(&args.access, base, token, console)?;
    let clock = config.clock();
    let store = match &args.state {
        Some(path) => {
            let store = Store::new(path, tail::account(&config.base), endpoint.path, clock.is_real_time())?;
            // A file that is not ours is reported before a connection is made.
            drop(store.try_lock()?);
            Some(store)
        }
        None => None,
    };
    let account = store.as_ref().map(|store| Account { store, limit: endpoint.requests_per_window, clock });
    let again = client_config::server_options(&args.access);
    let run = DoctorRun { endpoint, config, clock, usable: found.ok(), account, request, force: args.force, again };
    let mut report = CheckReport::new(console);
    report.add(&shape)?;
    let interrupted = block_on(run.examine(&mut report))?;
    report.end()?;
    Ok(if interrupted { 128 + Signal::Int.number() } else { report.exit() })
}

/// The request of `--listen`: the plain stream, or the first partition of one that is split.
fn request(endpoint: &Endpoint) -> Result<Request, String> {
    let params = StreamParams { partition: endpoint.partitions.map(|_| 1), ..StreamParams::default() };
    params.request(endpoint).map_err(|why| format!("--listen: {why}"))
}

/// Checks the form of the token, and shows nothing of it.
fn shape(found: &Result<Token, String>, args: &AccessArgs) -> Check {
    const NAME: &str = "token-shape";
    let path = args.bearer_file.as_deref();
    match found {
        Ok(token) => {
            let variable = VARIABLES.iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
            let source = match (path, variable) {
                (Some(path), _) if path.starts_with("/dev/fd") => "the command line".to_owned(),
                (Some(path), _) => file_name(path),
                (None, Some(name)) if args.bearer.is_none() => format!("${name}"),
                (None, _) => "the command line".to_owned(),
            };
            match token.likely_mistake() {
                Some(slip) => Check::warn(
                    NAME,
                    &format!("it comes from {source} and has an unusual form"),
                    &evaluate::instead(slip),
                ),
                None => Check::ok(NAME, &format!("its form is valid; it comes from {source}")),
            }
        }
        Err(why) => {
            // The token of the command line is read from a pipe of ours, whose name means nothing to the user.
            let ours = path.filter(|path| path.starts_with("/dev/fd"));
            let why = ours.map_or(why.clone(), |path| why.replace(&path.display().to_string(), "the token"));
            // The doctor has no `--demo`.
            let why = why.strip_suffix("; `--demo` needs none").unwrap_or(&why);
            let parts = why.split_once("; ").or_else(|| why.split_once("is empty: "));
            let (why, advice) = match parts.or_else(|| why.split_once("no bearer token: ")) {
                Some((_, advice)) => (why[..why.len() - advice.len()].trim_end_matches([';', ':', ' ']), advice),
                None => (why, "give the app-only Bearer Token from the app's page in the developer portal"),
            };
            Check::fail(NAME, REFUSED, why, advice)
        }
    }
}

/// One run over all checks.
struct DoctorRun<'a> {
    endpoint: &'static Endpoint,
    config: ClientConfig,
    clock: Clock,
    /// The token, if it is one.
    usable: Option<Token>,
    account: Option<Account<'a>>,
    /// The request of `--listen`.
    request: Option<Request>,
    force: bool,
    /// The options that lead another command to the same server.
    again: String,
}

/// The checks that need requests to X.
const API_CHECKS: [&str; 6] = ["clock", "token", "rate-limit", "rules", "usage", CONNECTIONS];

/// The check of the stream itself, reported only for a stream that X shut off.
const STREAM: &str = "stream";

impl DoctorRun<'_> {
    /// Runs all checks; true if the user interrupted them.
    async fn examine(&self, report: &mut CheckReport<'_>) -> Result<bool, CommandError> {
        network::check(&self.config, self.clock, report).await?;
        if let Some(failed) = report.failed {
            report.skip(&API_CHECKS[..3], &label(failed))?;
            self.budget(report).await?;
            report.skip(&API_CHECKS[3..], &label(failed))?;
        } else if self.endpoint.family == Family::V1 {
            let text = format!("{} is a v1.1 stream, and X shut those off in 2023", self.endpoint.name);
            report.add(&Check::fail(STREAM, REFUSED, &text, "use a v2 stream: xstream doctor filtered"))?;
            for name in API_CHECKS {
                report.add(&Check::skipped(name, "X's API does not cover v1.1 streams"))?;
            }
            self.budget(report).await?;
        } else {
            self.query_api(report).await?;
        }
        match &self.request {
            Some(request) => self.listen(request, report).await,
            None => Ok(false),
        }
    }

    /// Runs the checks that need requests to X.
    async fn query_api(&self, report: &mut CheckReport<'_>) -> Result<(), CommandError> {
        let Some(token) = &self.usable else {
            // The check of the form has reported this failure.
            return report.skip(&API_CHECKS, "token shape");
        };
        let mut api = self.config.api(self.clock, report.console)?;
        let filtered = self.endpoint.name == "filtered";
        let began = Instant::now();
        // A later check needs this request anyway, so the first call costs no extra one.
        let (counts, mut usage) =
            if filtered { (Some(api.rule_counts().await), None) } else { (None, Some(api.usage(Some(1)).await)) };
        let first = FirstCall {
            what: if filtered { "the count of rules" } else { "the usage" },
            error: counts.as_ref().and_then(|it| it.as_ref().err()).or(usage.as_ref().and_then(|it| it.as_ref().err())),
            head: &api.head().clone(),
            took: began.elapsed(),
            now: self.clock.now().wall,
        };
        let exit = first.error.map_or(0, status_of);
        report.add(&first.clock())?;
        report.add(&first.token(token.likely_mistake(), exit))?;
        report.add(&first.rate(exit))?;
        self.budget(report).await?;
        if !first.may_continue() {
            let failed = report.failed.map_or_else(|| "token".to_owned(), label);
            return report.skip(&API_CHECKS[3..], &failed);
        }
        report.add(&match counts {
            Some(Ok(counts)) => evaluate::rules(&counts, &self.again),
            Some(Err(error)) => unless_reported("rules", report, &error),
            None if self.endpoint.name == "powerstream" => {
                Check::skipped("rules", "those of powerstream are not requested")
            }
            None => Check::skipped("rules", "only the filtered stream has rules"),
        })?;
        let began = Instant::now();
        let is_new = usage.is_none();
        if is_new {
            usage = Some(api.usage(Some(1)).await);
        }
        let took = if is_new { began.elapsed() } else { Duration::ZERO };
        let today = jiff::Timestamp::now().to_zoned(TimeZone::UTC).date();
        let check = match usage {
            Some(Ok(usage)) => evaluate::usage(&usage, today, &self.again),
            Some(Err(error)) => unless_reported("usage", report, &error),
            None => unreachable!("the usage was requested above"),
        };
        report.add(&check.took(took))?;
        self.connections(&mut api, report).await
    }

    /// Checks which connections are open.
    async fn connections(&self, api: &mut Api, report: &mut CheckReport<'_>) -> Result<(), CommandError> {
        if self.endpoint.endpoint_name.is_none() {
            let why = format!("X lists no connections of {}", self.endpoint.name);
            return report.add(&Check::skipped(CONNECTIONS, &why));
        }
        let began = Instant::now();
        let check = match api.connections(&ConnectionQuery::default()).await {
            Ok(found) => {
                for problem in &found.errors {
                    report.console.info(&format!("warning: {}", api::describe(problem)));
                }
                evaluate::connections(&found.items, self.endpoint, api.server_time(), &self.again)
            }
            Err(error) => evaluate::failed(CONNECTIONS, status_of(&error), &error),
        };
        report.add(&check.took(began.elapsed()))
    }

    /// Checks what this machine spent of the connection budget, if there is a state file.
    async fn budget(&self, report: &mut CheckReport<'_>) -> Result<(), CommandError> {
        const NAME: &str = "budget";
        let Some(account) = &self.account else { return Ok(()) };
        let Some(held) = account.lock().await? else {
            let text = format!("another process holds {}", account.store.lock().display());
            return report.add(&Check::warn(NAME, &text, "try again; end that process if it hangs"));
        };
        let (mut budget, now) = (Budget::new(account.limit), account.clock.now());
        budget.load(now, held.budget());
        let (spent, limit) = budget.count(now);
        let text = format!("{spent} of {limit} connection requests of {} spent in 15 minutes", self.endpoint.name);
        let wait = budget.wait(now);
        report.add(&if wait.is_zero() {
            Check::ok(NAME, &text)
        } else {
            Check::warn(NAME, &text, &format!("wait; the next is allowed in {}", format_duration(wait)))
        })
    }

    /// Opens the stream, if no check prevents it; true if the user interrupted it.
    async fn listen(&self, request: &Request, report: &mut CheckReport<'_>) -> Result<bool, CommandError> {
        const NAME: &str = "listen";
        if let Some(check) = self.reason_not_to_listen(NAME, report) {
            report.add(&check)?;
            return Ok(false);
        }
        let mut budget = Budget::new(self.endpoint.requests_per_window);
        let mut meter = None;
        let mut requested_at = None;
        if let Some(account) = &self.account {
            let Some(mut held) = account.lock().await? else {
                let text = "not tried: another process holds the state file";
                report.add(&Check::warn(NAME, text, "try again; end that process if it hangs"))?;
                return Ok(false);
            };
            let now = account.clock.now();
            budget.load(now, held.budget());
            let wait = budget.wait(now);
            if !wait.is_zero() {
                let advice = format!("wait; the next request is allowed in {}", format_duration(wait));
                report.add(&Check::warn(NAME, "not tried: the connection budget is spent", &advice))?;
                return Ok(false);
            }
            budget.spend(now);
            held.save(&budget.share())?;
            meter = Some(Meter::new(None, now.day(), true));
            requested_at = Some(now);
        }
        let dialer = self.config.dialer(self.clock, true)?;
        let ListenResult { check, sent, head, interrupted } =
            Box::pin(listen(&dialer, request, self.endpoint, &mut meter, self.clock)).await;
        if let (Some(account), Some(requested_at)) = (&self.account, requested_at) {
            save_usage(account, requested_at, budget, sent.then_some(&head), meter).await?;
        }
        report.add(&check)?;
        Ok(interrupted)
    }

    /// Why the stream is not opened, if it is not. After a failure that is a skipped check; else a warning, since the user
    /// requested it.
    fn reason_not_to_listen(&self, name: &'static str, report: &CheckReport<'_>) -> Option<Check> {
        // --force ignores only a failed listing, and that X shut the stream off, which another server can have: all
        // other requests would be refused anyway.
        match report.failed {
            Some(CONNECTIONS | STREAM) if self.force && report.failures == 1 => {}
            Some(CONNECTIONS) => {
                return Some(Check::skipped(name, "who holds the slot is not known; --force listens anyway"));
            }
            Some(failed) => {
                return Some(Check::skipped(name, &format!("not tried, because {} failed", label(failed))));
            }
            None => {}
        }
        let why = if self.endpoint.endpoint_name.is_none() {
            "X does not list the connections of this stream"
        } else if report.held {
            "another connection is open"
        } else {
            return None;
        };
        (!self.force).then(|| Check::warn(name, &format!("not tried: {why}"), "--force listens anyway"))
    }
}

/// Saves the request sent at `requested_at`, and what was received since, in the state file. A request that was not sent is
/// given back.
async fn save_usage(
    account: &Account<'_>,
    requested_at: Timestamp,
    mut budget: Budget,
    head: Option<&Head>,
    meter: Option<Meter>,
) -> Result<(), CommandError> {
    if let Some(mut held) = account.lock().await? {
        budget.load(account.clock.now(), held.budget());
        match head {
            // The response describes the time of the request: later ones of other processes are not in it.
            Some(head) => budget.note(requested_at, &head.rate, head.date.unwrap_or(requested_at.wall)),
            None => budget.give_back(),
        }
        held.save(&budget.share())?;
    }
    if let (Some(mut meter), Some(mut held)) = (meter, account.lock().await?) {
        held.sync(&mut meter, false)?;
    }
    Ok(())
}

/// The check of a failed call; skipped if the first call already reported the same failure.
fn unless_reported(name: &'static str, report: &CheckReport<'_>, error: &ApiError) -> Check {
    match (report.failed, error.status()) {
        (Some("rate-limit"), Some(429)) => Check::skipped(name, "not known, because the rate limit is spent"),
        _ => evaluate::failed(name, status_of(error), error),
    }
}
