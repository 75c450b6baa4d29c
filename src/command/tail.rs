//! `xstream tail`: connect, follow, print.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Context as _;

use super::client_config::{self, ClientConfig};
use super::target::{self, Target};
use super::{CommandError, block_on, pipeline_options, usage_error};
use crate::cli::{ArchiveArgs, TailArgs};
use crate::clock::Clock;
use crate::net::api::{Api, ApiOptions};
use crate::net::base_url::BaseUrl;
use crate::net::dial::Dialer;
use crate::pipeline::meter::Meter;
use crate::pipeline::rotation::stream_prefix;
use crate::pipeline::select::{SelectOptions, Selector};
use crate::runner::lookup::ApiLookup;
use crate::runner::{self, Run};
use crate::session::event::ArchiveEvent;
use crate::session::{self, ArchiveMode, Input, Supervisor};
use crate::simulator::{Script, Server, ServerOptions};
use crate::store::archive::{Archive, ArchiveError, ArchiveOptions};
use crate::store::journal::JournalFile;
use crate::store::state::Store;
use crate::terminal::console::Console;
use crate::terminal::signal::Signals;
use crate::terminal::{self, Terminal, TerminalOptions};

/// Runs the verb; returns the exit status.
pub fn run(tail: TailArgs, arguments: &[OsString], console: &mut Console) -> Result<u8, CommandError> {
    client_config::reexec_without_token(&tail.access, arguments, console)?;
    terminal::log::init(tail.verbose);
    let selection = pipeline_options(&tail.filter, console)?;
    let target = target::from_args(&tail)?;
    let base = target.base.clone();
    let config = if tail.demo {
        ClientConfig::demo(&tail.access, base)?
    } else {
        ClientConfig::new(&tail.access, base, console)?
    };
    block_on(follow(tail, target, config, selection, console))
}

async fn follow(
    tail: TailArgs,
    target: Target,
    mut config: ClientConfig,
    selection: SelectOptions,
    console: &Console,
) -> Result<u8, CommandError> {
    let mut server = None;
    if tail.demo {
        // Every field, because a first-time user does not know yet which fields to request.
        let options = ServerOptions { all_fields: true, ..ServerOptions::new(Script::demo()) };
        let started = Server::start(options).await.context("starting the simulator")?;
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
            // A file that is not ours is reported before anything is dialled.
            drop(store.try_lock()?);
            Some(store)
        }
        None => None,
    };
    if tail.take_over && target.endpoint.is_none() {
        return usage_error(format!("--take-over: X lists no connections of {}, so none can be ended", target.name));
    }
    let dialer = config.dialer(clock, !tail.no_gzip)?;
    dialer.check(&target.request).or_else(|error| usage_error(format!("{error:#}")))?;
    let lookup = target.endpoint.map(|endpoint| lookup(&tail, endpoint, dialer.clone(), clock));
    if let (Some(journal), Some(state)) = (&tail.journal, &tail.state)
        && same_file(journal, state)
    {
        return usage_error("--journal and --state name the same file");
    }
    let (journal, unopened) = match &tail.journal {
        Some(path) => match JournalFile::open(path, console.redactor().clone()) {
            Ok(journal) if terminal::is_stdout(&journal) => {
                return usage_error("--journal leads to stdout, where its records would mix with the data");
            }
            Ok(journal) => (Some(journal), None),
            Err(error) => (None, Some(format!("opening the journal {}: {error}", path.display()))),
        },
        None => (None, None),
    };
    // Before a file of the archive is written: a limit of its size must not end the process.
    let signals = Signals::new().context("watching for signals")?;
    let (archive, recovered) = open_archive(&tail, &target)?.unzip();
    let options = TerminalOptions { quiet: tail.quiet, status: tail.status, color: tail.color };
    let mut terminal =
        Terminal::new(options, tail.buffer, console.redactor().clone()).context("taking over stdout and stderr")?;
    if tail.archive.no_stdout {
        terminal = terminal.without_stdout();
    }
    for warning in &target.request.warnings {
        terminal.info(&format!("warning: {warning}"));
    }
    let supervisor = Supervisor::new(session::RunOptions {
        request: target.request,
        keep_alive: target.family.keep_alive(),
        stall: tail.stall_timeout.unwrap_or_else(|| target.family.stall_after()),
        requests: target.requests,
        max_retries: tail.max_retries,
        reconnect: !tail.no_reconnect,
        finite: target.finite,
        quota_wait: tail.quota_wait,
        deadline: tail.duration.map(|duration| clock.start().after(duration)),
        has_state: store.is_some(),
        archive: archive_mode(&tail.archive),
        is_listed: target.endpoint.is_some(),
        list_rules: tail.verbose > 0 && target.endpoint == Some("filtered_stream"),
        take_over: tail.take_over,
        explains_end: terminal.is_interactive() || journal.is_some(),
        speed: clock.speed(),
        seed: fastrand::u64(..),
    });
    let mut selector = Selector::new(selection);
    if tail.quota.is_some() || store.is_some() {
        selector.set_meter(Meter::new(tail.quota, clock.now().day(), store.is_some()));
    }
    if tail.archive.archive_scrub && archive.is_some() {
        selector.collect_events();
    }
    let run = Run {
        clock,
        network: dialer,
        terminal,
        stream: target.name.into(),
        keep_alive: target.family.keep_alive(),
        host,
        framed: target.framed,
        store,
        journal,
        archive,
        lookup,
        summary: tail.summary,
        buffer: tail.buffer,
        opened: target.opened,
        denied: target.denied,
    };
    let unopened = unopened.map(|why| Input::Degraded(format!("{why}; the run continues without it")));
    let earlier = unopened.into_iter().chain(recovered.into_iter().flatten().map(Input::Archive)).collect();
    let status = Box::pin(runner::follow(run, supervisor, selector, signals, earlier)).await;
    drop(server);
    Ok(status)
}

fn archive_mode(args: &ArchiveArgs) -> ArchiveMode {
    match args.archive {
        None => ArchiveMode::Off,
        Some(_) if args.no_stdout => ArchiveMode::Only,
        Some(_) => ArchiveMode::BesideStdout,
    }
}

/// Opens the archive, if there is one, and completes what a crash left open in its folder.
fn open_archive(tail: &TailArgs, target: &Target) -> Result<Option<(Archive, Vec<ArchiveEvent>)>, CommandError> {
    let Some(folder) = &tail.archive.archive else { return Ok(None) };
    let query = target.request.target.split(['?', '&']).skip(1);
    let partition = query.filter_map(|parameter| parameter.strip_prefix("partition=")).last();
    let options = ArchiveOptions {
        folder: folder.clone(),
        prefix: stream_prefix(&target.name, partition.and_then(|number| number.parse().ok())),
        interval: tail.archive.archive_every,
        compression: tail.archive.compress,
        acknowledges: tail.archive.no_stdout,
        scrubs: tail.archive.archive_scrub && !tail.filter.keep_deleted,
    };
    match Archive::open(options) {
        Ok(opened) => Ok(Some(opened)),
        Err(ArchiveError::Locked(holder)) => {
            usage_error(format!("--archive {}: {holder} writes to this folder", folder.display()))
        }
        Err(ArchiveError::NotAFolder) => usage_error(format!("--archive {} is not a folder", folder.display())),
        Err(ArchiveError::Failed(error)) => Err(error.into()),
    }
}

/// The lookups beside the stream.
fn lookup(tail: &TailArgs, endpoint: &'static str, dialer: Dialer, clock: Clock) -> ApiLookup {
    let report = Box::new(|line: &str| log::info!("{line}"));
    let api = Api::new(ApiOptions { dialer, report, clock, retry: false });
    ApiLookup::new(api, endpoint, client_config::server_options(&tail.access), clock)
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
