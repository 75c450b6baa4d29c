//! `xstream tail`: connect, follow, print.

use std::ffi::OsString;

use anyhow::Context as _;

use super::target::{self, Target};
use super::{Error, pipeline_options, print_error, runtime, usage};
use crate::cli::Tail;
use crate::clock::Clock;
use crate::drive::{Run, drive};
use crate::net::dial::{self, Base, Dialer};
use crate::net::proxy::Proxy;
use crate::net::token::{self, Token};
use crate::pipeline::meter::Meter;
use crate::pipeline::{self, Pipeline};
use crate::session::{self, Session};
use crate::simulator::{self, Script, Server};
use crate::store::state::Store;
use crate::terminal::journal::Journal;
use crate::terminal::status::Status;
use crate::terminal::{self, Terminal};

/// Runs the verb; returns the exit status.
pub fn run(tail: Tail, arguments: &[OsString]) -> Result<u8, Error> {
    if let Some(text) = tail.bearer.as_deref() {
        // Checked under its own name, before it becomes a file of ours.
        if let Err(why) = Token::find(Some(text), None) {
            return usage(why);
        }
        if let Err(error) = token::hide(arguments) {
            print_error(&format!("the token stays visible in the process list: {error}"));
        }
    }
    let mut pipeline = pipeline_options(&tail.what)?;
    let target = target::of(&tail, arguments)?;
    pipeline.framed = target.framed;
    let base = target.base.clone();
    let token = if tail.demo {
        Token::parse("demo", "the demo's token")
    } else {
        Token::find(tail.bearer.as_deref(), tail.bearer_file.as_deref())
    };
    let token = match token {
        Ok(token) => token,
        Err(why) => return usage(why),
    };
    if base.is_plain() && !base.is_loopback() && !tail.insecure_http {
        return usage(format!(
            "http://{} would carry the token in clear text; use https, or --insecure-http if you mean it",
            base.host()
        ));
    }
    let proxy = match &tail.proxy {
        Some(text) => Proxy::parse(text).map(Some).map_err(|why| format!("--proxy: {why}")),
        // Plain http goes to this machine, where no proxy of the environment belongs in between.
        None if base.is_plain() && base.is_loopback() => Ok(None),
        None => Proxy::of_environment(base.uri()),
    };
    let proxy = match proxy {
        Ok(proxy) => proxy,
        Err(why) => return usage(why),
    };
    if base.is_plain() && proxy.is_some() && !tail.insecure_http {
        return usage("a proxy would see the token in clear text; use https, or --insecure-http if you mean it");
    }
    let runtime = runtime()?;
    let outcome = runtime.block_on(follow(tail, target, token, proxy, pipeline));
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    outcome
}

async fn follow(
    tail: Tail,
    target: Target,
    token: Token,
    proxy: Option<Proxy>,
    pipeline: pipeline::Options,
) -> Result<u8, Error> {
    let mut server = None;
    let mut base = target.base;
    if tail.demo {
        let started = Server::start(simulator::Options::new(Script::demo())).await.context("starting the simulator")?;
        base = Base::parse(&started.url()).map_err(anyhow::Error::msg)?;
        server = Some(started);
    }
    let speed = test_speed(&base, proxy.as_ref());
    let clock = Clock::start(speed);
    let host = match &proxy {
        _ if tail.demo => "the embedded simulator".to_owned(),
        Some(proxy) => format!("{} through the proxy {}", base.host(), proxy.name()),
        None => base.host().to_owned(),
    };
    let store = match &tail.state {
        // The token is in no file, so all apps on one state file share one budget.
        Some(path) => {
            let stream = target.request.target.split('?').next().unwrap_or_default();
            let store = Store::new(path, account(&base), stream, speed == 1)?;
            // A file that is not ours is told before anything is dialled.
            drop(store.hold()?);
            Some(store)
        }
        None => None,
    };
    let mask = token.mask();
    let dialer = Dialer::new(dial::Options {
        base,
        path: target.request.target,
        form: target.request.form,
        token: Some(token),
        proxy,
        cacert: tail.cacert,
        gzip: !tail.no_gzip,
        connect_timeout: tail.connect_timeout / speed,
        head_timeout: dial::HEAD_TIMEOUT / speed,
    })
    .or_else(|error| usage(format!("{error:#}")))?;
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
    let journal = match &tail.journal {
        Some(path) => {
            let opened = Journal::open(path, mask.clone());
            Some(opened.with_context(|| format!("opening the journal {}", path.display()))?)
        }
        None => None,
    };
    let mut terminal =
        Terminal::new(terminal::Options { quiet: tail.quiet, status: tail.status, color: tail.color }, mask)
            .context("taking over stdout and stderr")?;
    for warning in &target.request.warnings {
        terminal.say(&format!("warning: {warning}"));
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
        terminal,
        status: Status::new(target.name, target.family.keep_alive(), tail.buffer),
        host,
        store,
        journal,
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

/// The host, by one name for all its spellings: X counts requests to either of its hosts alike.
fn account(base: &Base) -> String {
    let host = base.host().to_ascii_lowercase();
    let host = host.strip_suffix(":443").unwrap_or(&host);
    host.replace("api.twitter.com", "api.x.com")
}

/// Tests play hours of backoff in milliseconds. Nobody else is hurried: it works only towards this machine.
fn test_speed(base: &Base, proxy: Option<&Proxy>) -> u32 {
    let asked = std::env::var("XSTREAM_TEST_SPEED").ok().and_then(|speed| speed.parse().ok());
    let here = base.is_loopback() && proxy.is_none_or(Proxy::is_loopback);
    asked.filter(|speed| here && *speed > 0).unwrap_or(1)
}
