//! `xstream tail`: connect, follow, print.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Context as _;

use super::client_config::{self, ClientConfig};
use super::target::{self, Target};
use super::{Error, pipeline_options, runtime, usage};
use crate::cli::Tail;
use crate::clock::Clock;
use crate::drive::{Run, drive};
use crate::lookup::{ApiLookup, Query};
use crate::net::api::{self, Api};
use crate::net::base_url::BaseUrl;
use crate::net::dial::Dialer;
use crate::pipeline::meter::Meter;
use crate::pipeline::{self, Pipeline};
use crate::session::{self, Session};
use crate::simulator::{self, Script, Server};
use crate::store::journal::JournalFile;
use crate::store::state::Store;
use crate::terminal::console::Console;
use crate::terminal::{self, Terminal};

/// Runs the verb; returns the exit status.
pub fn run(tail: Tail, arguments: &[OsString], console: &mut Console) -> Result<u8, Error> {
    client_config::reexec_without_token(&tail.access, arguments, console)?;
    terminal::log::init(tail.verbose);
    let mut pipeline = pipeline_options(&tail.filter, console)?;
    let target = target::of(&tail)?;
    pipeline.framed = target.framed;
    let base = target.base.clone();
    let config = if tail.demo {
        ClientConfig::demo(&tail.access, base)?
    } else {
        ClientConfig::new(&tail.access, base, console)?
    };
    let runtime = runtime()?;
    let outcome = runtime.block_on(follow(tail, target, config, pipeline, console));
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    outcome
}

async fn follow(
    tail: Tail,
    target: Target,
    mut config: ClientConfig,
    pipeline: pipeline::Options,
    console: &Console,
) -> Result<u8, Error> {
    let mut server = None;
    if tail.demo {
        let started = Server::start(simulator::Options::new(Script::demo())).await.context("starting the simulator")?;
        config.base = BaseUrl::parse(&started.url()).map_err(anyhow::Error::msg)?;
        server = Some(started);
    }
    let clock = config.clock();
    let host = if tail.demo { "the embedded simulator".to_owned() } else { config.host() };
    let store = match &tail.state {
        // The token is in no file, so all apps on one state file share one budget.
        Some(path) => {
            let stream = target.request.target.split('?').next().unwrap_or_default();
            let store = Store::new(path, account(&config.base), stream, clock.is_real_time())?;
            // A file that is not ours is told before anything is dialled.
            drop(store.hold()?);
            Some(store)
        }
        None => None,
    };
    if tail.take_over && target.endpoint.is_none() {
        return usage(format!("--take-over: X lists no connections of {}, so none can be ended", target.name));
    }
    let dialer = config.dialer(clock, !tail.no_gzip)?;
    dialer.check(&target.request).or_else(|error| usage(format!("{error:#}")))?;
    let lookup = target.endpoint.map(|endpoint| lookup(&tail, endpoint, dialer.clone(), clock));
    let session = Session::new(session::Options {
        keep_alive: target.family.keep_alive(),
        stall: tail.stall_timeout.unwrap_or_else(|| target.family.stall_after()),
        requests: target.requests,
        max_retries: tail.max_retries,
        reconnect: !tail.no_reconnect,
        finite: target.finite,
        quota_wait: tail.quota_wait,
        seed: fastrand::u64(..),
    });
    if let (Some(journal), Some(state)) = (&tail.journal, &tail.state)
        && same_file(journal, state)
    {
        return usage("--journal and --state name the same file");
    }
    let (journal, unopened) = match &tail.journal {
        Some(path) => match JournalFile::open(path, console.redactor().clone()) {
            Ok(journal) if terminal::is_stdout(&journal) => {
                return usage("--journal leads to stdout, where its records would fall among the data");
            }
            Ok(journal) => (Some(journal), None),
            Err(error) => (None, Some(format!("opening the journal {}: {error}", path.display()))),
        },
        None => (None, None),
    };
    let options = terminal::Options { quiet: tail.quiet, status: tail.status, color: tail.color };
    let mut terminal = Terminal::new(options, console.redactor().clone()).context("taking over stdout and stderr")?;
    if let Some(why) = &unopened {
        terminal.always(&format!("{why}; the run goes on without it"));
    }
    for warning in &target.request.warnings {
        terminal.info(&format!("warning: {warning}"));
    }
    let mut pipeline = Pipeline::new(pipeline);
    if tail.quota.is_some() || store.is_some() {
        pipeline.set_meter(Meter::new(tail.quota, clock.now().wall.as_secs() / 86_400));
    }
    let run = Run {
        clock,
        session,
        pipeline,
        dialer,
        request: target.request,
        terminal,
        stream: target.name,
        keep_alive: target.family.keep_alive(),
        host,
        store,
        journal,
        journal_failed: unopened.is_some(),
        lookup,
        take_over: tail.take_over,
        summary: tail.summary,
        buffer: tail.buffer,
        deadline: tail.duration,
        opened: target.opened,
        denied: target.denied,
    };
    let status = Box::pin(drive(run)).await.context("watching for signals")?;
    drop(server);
    Ok(status)
}

/// The lookups beside the stream; with `-v` the first one, of the active rules, starts at once.
fn lookup(tail: &Tail, endpoint: &'static str, dialer: Dialer, clock: Clock) -> ApiLookup {
    let report = Box::new(|line: &str| log::info!("{line}"));
    let api = Api::new(api::Options { dialer, report, clock, retry: false });
    let mut lookup = ApiLookup::new(api, endpoint, client_config::server_options(&tail.access), clock);
    if tail.verbose > 0 && endpoint == "filtered_stream" {
        lookup.ask(Query::Rules);
    }
    lookup
}

fn same_file(one: &Path, other: &Path) -> bool {
    let name = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
    name(one) == name(other)
}

/// The host, by one name for all its spellings: X counts requests to either of its hosts alike.
pub(super) fn account(base: &BaseUrl) -> String {
    let host = base.host().to_ascii_lowercase();
    let host = host.strip_suffix(":443").unwrap_or(&host);
    host.replace("api.twitter.com", "api.x.com")
}
