//! `xstream doctor`: what a stream needs, checked step by step from this machine to X, with the cure of what is wrong.
//!
//! The network comes first, since it costs nobody anything; then as few questions to X as there are things to know,
//! of which the first also tells X's clock, whether it takes the token, and the rate limit. What hangs on a step that
//! failed is not tried, so the first failure is the one to mend.
//!
//! Its law: no stream is opened unless `--listen` asks for it and the slot is known to be free, or `--force` is given.

mod check;
mod evaluate;
mod listen;
mod network;
mod report;

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;

use super::client_config::{self, ClientConfig};
use super::{Error, runtime, status_of, tail, target, usage};
use crate::cli::{self, Doctor};
use crate::clock::Clock;
use crate::net::api::{self, Api, ConnectionQuery};
use crate::net::token::{self, Token, VARIABLES as TOKENS};
use crate::pipeline::meter::Meter;
use crate::protocol::endpoint::{self, Endpoint, Family};
use crate::protocol::request::{Request, StreamParams};
use crate::session::budget::Budget;
use crate::session::outcome::REFUSED;
use crate::session::{Head, Signal};
use crate::store::state::Store;
use crate::terminal::console::{self, Console};
use crate::time::{Timestamp, format_duration};
use check::{Check, label};
use evaluate::{CONNECTIONS, First};
use listen::{Account, Listened, listen};
use report::Report;

/// Runs the verb; returns the exit status.
pub fn run(given: &Doctor, arguments: &[OsString], console: &mut Console) -> Result<u8, Error> {
    console.set_options(console::Options { json: given.json, color: given.color, quiet: given.quiet });
    // Whatever its form, it leaves the process list: what is wrong with it is told as a check.
    if given.access.bearer.is_some()
        && let Err(error) = token::reexec_without_token(arguments)
    {
        console.always(&format!("the token stays visible in the process list: {error}"));
    }
    let Some(endpoint) = endpoint::find(&given.stream) else {
        return usage(target::unknown(&given.stream));
    };
    let request = if given.listen { Some(request(endpoint).or_else(usage)?) } else { None };
    let base = client_config::base(&given.access, endpoint.host)?;
    let began = Instant::now();
    let found = Token::find(given.access.bearer.as_deref(), given.access.bearer_file.as_deref());
    let shape = shape(&found, &given.access).took(began.elapsed());
    // The stand-in is never sent: without a token nothing is asked. It is too short to be redacted anywhere.
    let token = found.clone().or_else(|_| Token::parse("none", "a stand-in")).or_else(usage)?;
    let config = ClientConfig::with_token(&given.access, base, token, console)?;
    let clock = config.clock();
    let store = match &given.state {
        Some(path) => {
            let store = Store::new(path, tail::account(&config.base), endpoint.path, clock.is_real_time())?;
            // A file that is not ours is told before anything is dialled.
            drop(store.hold()?);
            Some(store)
        }
        None => None,
    };
    let account = store.as_ref().map(|store| Account { store, limit: endpoint.requests_per_window, clock });
    let again = client_config::server_options(&given.access);
    let run = DoctorRun { endpoint, config, clock, usable: found.ok(), account, request, force: given.force, again };
    let mut report = Report::new(console);
    report.add(&shape)?;
    let runtime = runtime()?;
    let examined = runtime.block_on(run.examine(&mut report));
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    let interrupted = examined?;
    report.end()?;
    Ok(if interrupted { 128 + Signal::Int.number() } else { report.exit() })
}

/// What `--listen` asks for: the stream as it is, the first partition of one that is split.
fn request(endpoint: &Endpoint) -> Result<Request, String> {
    let params = StreamParams { partition: endpoint.partitions.map(|_| 1), ..StreamParams::default() };
    params.request(endpoint).map_err(|why| format!("--listen: {why}"))
}

/// What the token looks like. Nothing of it is shown.
fn shape(found: &Result<Token, String>, given: &cli::Access) -> Check {
    const NAME: &str = "token-shape";
    let path = given.bearer_file.as_deref();
    match found {
        Ok(token) => {
            let variable = TOKENS.iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
            let source = match (path, variable) {
                (Some(path), _) if path == Path::new("-") => "stdin".to_owned(),
                (Some(path), _) if path.starts_with("/dev/fd") => "the command line".to_owned(),
                (Some(path), _) => path.display().to_string(),
                (None, Some(name)) if given.bearer.is_none() => format!("${name}"),
                (None, _) => "the command line".to_owned(),
            };
            match token.likely_mistake() {
                Some(slip) => {
                    Check::warn(NAME, &format!("it comes from {source} and looks odd"), &evaluate::instead(slip))
                }
                None => Check::ok(NAME, &format!("nothing is wrong with its form; it comes from {source}")),
            }
        }
        Err(why) => {
            // The token of the command line is read from a pipe of ours, whose name says nothing to anybody.
            let ours = path.filter(|path| path.starts_with("/dev/fd"));
            let why = ours.map_or(why.clone(), |path| why.replace(&path.display().to_string(), "what was given"));
            // The doctor has no demo to offer.
            let why = why.strip_suffix("; `--demo` needs none").unwrap_or(&why);
            let parts = why.split_once("; ").or_else(|| why.split_once("is empty: "));
            let (why, cure) = match parts.or_else(|| why.split_once("no bearer token: ")) {
                Some((_, cure)) => (why[..why.len() - cure.len()].trim_end_matches([';', ':', ' ']), cure),
                None => (why, "give the app-only Bearer Token from the app's page in the developer portal"),
            };
            Check::fail(NAME, REFUSED, why, cure)
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
    /// What `--listen` sends.
    request: Option<Request>,
    force: bool,
    /// The options that lead another command to the same server.
    again: String,
}

/// The checks that ask X.
const ASKED: [&str; 6] = ["clock", "token", "rate-limit", "rules", "usage", CONNECTIONS];

/// The check of the stream itself: it is told only where nobody can open it.
const STREAM: &str = "stream";

impl DoctorRun<'_> {
    /// Whether a person wanted it to end early.
    async fn examine(&self, report: &mut Report<'_>) -> Result<bool, Error> {
        network::check(&self.config, self.clock, report).await?;
        if let Some(failed) = report.failed {
            report.skip(&ASKED[..3], &label(failed))?;
            self.budget(report).await?;
            report.skip(&ASKED[3..], &label(failed))?;
        } else if self.endpoint.family == Family::V1 {
            let text = format!("{} is a v1.1 stream, and X shut those off in 2023", self.endpoint.name);
            report.add(&Check::fail(STREAM, REFUSED, &text, "take one of v2: xstream doctor filtered"))?;
            for name in ASKED {
                report.add(&Check::skipped(name, "X's API tells nothing of v1.1 streams"))?;
            }
            self.budget(report).await?;
        } else {
            self.ask(report).await?;
        }
        match &self.request {
            Some(request) => self.listen(request, report).await,
            None => Ok(false),
        }
    }

    /// What X tells.
    async fn ask(&self, report: &mut Report<'_>) -> Result<(), Error> {
        let Some(token) = &self.usable else {
            // A failure that is a person's to mend has been told.
            return report.skip(&ASKED, "token shape");
        };
        let mut api = self.config.api(self.clock, report.console)?;
        let filtered = self.endpoint.name == "filtered";
        let began = Instant::now();
        // The first question is one that is to be asked anyway, so it costs no request of its own.
        let (counts, mut usage) =
            if filtered { (Some(api.rule_counts().await), None) } else { (None, Some(api.usage(Some(1)).await)) };
        let first = First {
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
        if !first.goes_on() {
            let failed = report.failed.map_or_else(|| "token".to_owned(), label);
            return report.skip(&ASKED[3..], &failed);
        }
        report.add(&match counts {
            Some(Ok(counts)) => evaluate::rules(&counts, &self.again),
            Some(Err(error)) => unless_told("rules", report, &error),
            None if self.endpoint.name == "powerstream" => {
                Check::skipped("rules", "those of powerstream are not asked for")
            }
            None => Check::skipped("rules", "only the filtered stream has rules"),
        })?;
        let began = Instant::now();
        let asked = usage.is_none();
        if asked {
            usage = Some(api.usage(Some(1)).await);
        }
        let took = if asked { began.elapsed() } else { Duration::ZERO };
        let today = jiff::Timestamp::now().to_zoned(TimeZone::UTC).date();
        let check = match usage {
            Some(Ok(usage)) => evaluate::usage(&usage, today, &self.again),
            Some(Err(error)) => unless_told("usage", report, &error),
            None => unreachable!("the usage was asked for above"),
        };
        report.add(&check.took(took))?;
        self.held(&mut api, report).await
    }

    /// Who holds the app's connections.
    async fn held(&self, api: &mut Api, report: &mut Report<'_>) -> Result<(), Error> {
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

    /// What this machine spent of the connection budget, where a file tells.
    async fn budget(&self, report: &mut Report<'_>) -> Result<(), Error> {
        const NAME: &str = "budget";
        let Some(account) = &self.account else { return Ok(()) };
        let Some(held) = account.hold().await? else {
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

    /// Opens the stream, if it may; tells whether a person wanted it to end early.
    async fn listen(&self, request: &Request, report: &mut Report<'_>) -> Result<bool, Error> {
        const NAME: &str = "listen";
        if let Some(check) = self.reason_not_to_listen(NAME, report) {
            report.add(&check)?;
            return Ok(false);
        }
        let mut budget = Budget::new(self.endpoint.requests_per_window);
        let mut meter = None;
        let mut asked = None;
        if let Some(account) = &self.account {
            let Some(held) = account.hold().await? else {
                let text = "not tried: another process holds the state file";
                report.add(&Check::warn(NAME, text, "try again; end that process if it hangs"))?;
                return Ok(false);
            };
            let now = account.clock.now();
            budget.load(now, held.budget());
            let wait = budget.wait(now);
            if !wait.is_zero() {
                let cure = format!("wait; the next request is allowed in {}", format_duration(wait));
                report.add(&Check::warn(NAME, "not tried: the connection budget is spent", &cure))?;
                return Ok(false);
            }
            budget.spend(now);
            held.save(&budget.share())?;
            meter = Some(Meter::new(None, now.wall.as_secs() / 86_400));
            asked = Some(now);
        }
        let dialer = self.config.dialer(self.clock, true)?;
        let Listened { check, sent, head, interrupted } =
            Box::pin(listen(&dialer, request, self.endpoint, &mut meter, self.clock)).await;
        if let (Some(account), Some(asked)) = (&self.account, asked) {
            write_down(account, asked, budget, sent.then_some(&head), meter).await?;
        }
        report.add(&check)?;
        Ok(interrupted)
    }

    /// Why the stream is left alone, if it is. Behind a failure that is no news; else somebody asked for what is not
    /// done.
    fn reason_not_to_listen(&self, name: &'static str, report: &Report<'_>) -> Option<Check> {
        // A failed listing and a stream that X shut off, which another server may have, are all that --force passes
        // over: the rest would be refused anyway.
        match report.failed {
            Some(CONNECTIONS | STREAM) if self.force && report.failures == 1 => {}
            Some(CONNECTIONS) => {
                return Some(Check::skipped(name, "who holds the slot is not known; --force listens all the same"));
            }
            Some(failed) => {
                return Some(Check::skipped(name, &format!("not tried, because {} failed", label(failed))));
            }
            None => {}
        }
        let why = if self.endpoint.endpoint_name.is_none() {
            "X does not tell who holds this stream"
        } else if report.held {
            "another connection is open"
        } else {
            return None;
        };
        (!self.force).then(|| Check::warn(name, &format!("not tried: {why}"), "--force listens all the same"))
    }
}

/// Brings what was spent at `asked` and heard since into the state file. A request that never left is given back.
async fn write_down(
    account: &Account<'_>,
    asked: Timestamp,
    mut budget: Budget,
    head: Option<&Head>,
    meter: Option<Meter>,
) -> Result<(), Error> {
    if let Some(held) = account.hold().await? {
        budget.load(account.clock.now(), held.budget());
        match head {
            // The answer tells of the moment of asking: what others sent since is not in it.
            Some(head) => budget.note(asked, &head.rate, head.date.unwrap_or(asked.wall)),
            None => budget.give_back(),
        }
        held.save(&budget.share())?;
    }
    if let (Some(mut meter), Some(held)) = (meter, account.hold().await?) {
        held.sync(&mut meter)?;
    }
    Ok(())
}

/// A failure that the first question told already is not told twice.
fn unless_told(name: &'static str, report: &Report<'_>, error: &api::Error) -> Check {
    match (report.failed, error.status()) {
        (Some("rate-limit"), Some(429)) => Check::skipped(name, "not known, because the rate limit is spent"),
        _ => evaluate::failed(name, status_of(error), error),
    }
}
