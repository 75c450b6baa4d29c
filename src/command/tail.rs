//! `xstream tail`: connect, follow, print.

use std::ffi::OsString;

use anyhow::Context as _;

use super::{Error, pipeline_options, print_error, runtime, usage};
use crate::cli::Tail;
use crate::drive::{Clock, Run, drive};
use crate::net::dial::{self, Base, Dialer};
use crate::net::proxy::Proxy;
use crate::net::token::{self, Token, without_tokens};
use crate::pipeline::{self, Pipeline};
use crate::protocol::endpoint::{self, Endpoint, Family, Host};
use crate::protocol::problem::printable;
use crate::session::{self, Session};
use crate::simulator::{self, Script, Server};
use crate::store::state::Store;
use crate::terminal::status::Status;
use crate::terminal::{self, Terminal};

/// What to connect to.
struct Target {
    /// As the row calls it.
    name: String,
    path: String,
    host: Host,
    family: Family,
    requests: u32,
}

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
    let pipeline = pipeline_options(&tail.what)?;
    let target = target(&tail, arguments)?;
    let base = tail.base_url.clone().unwrap_or_else(|| target.host.base().to_owned());
    let base = match Base::parse(&base) {
        Ok(base) => base,
        Err(why) => return usage(format!("--base-url {}: {why}", printable(&base, 100))),
    };
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
        None if base.is_plain() => Ok(None),
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
    let outcome = runtime.block_on(follow(tail, target, base, token, proxy, pipeline));
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    outcome
}

async fn follow(
    tail: Tail,
    target: Target,
    mut base: Base,
    token: Token,
    proxy: Option<Proxy>,
    pipeline: pipeline::Options,
) -> Result<u8, Error> {
    let mut server = None;
    if tail.demo {
        let started = Server::start(simulator::Options::new(Script::demo())).await.context("starting the simulator")?;
        base = Base::parse(&started.url()).map_err(anyhow::Error::msg)?;
        server = Some(started);
    }
    let speed = test_speed(&base);
    let clock = Clock::start(speed);
    let host = match &proxy {
        _ if tail.demo => "the embedded simulator".to_owned(),
        Some(proxy) => format!("{} through the proxy {}", base.host(), proxy.name()),
        None => base.host().to_owned(),
    };
    let store = match &tail.state {
        // The token is in no file, so all apps on one state file share one budget.
        Some(path) => {
            let stream = target.path.split('?').next().unwrap_or_default();
            Some(Store::open(path, format!("{}{stream}", base.host())).await?)
        }
        None => None,
    };
    let mask = token.mask();
    let dialer = Dialer::new(dial::Options {
        base,
        path: target.path,
        token: Some(token),
        proxy,
        cacert: tail.cacert,
        gzip: !tail.no_gzip,
        connect_timeout: tail.connect_timeout / speed,
        head_timeout: dial::HEAD_TIMEOUT / speed,
    })
    .or_else(|error| usage(format!("{error:#}")))?;
    let session = Session::new(session::Options {
        stall: tail.stall_timeout.unwrap_or_else(|| target.family.stall_after()),
        requests: target.requests,
        max_retries: tail.max_retries,
        reconnect: !tail.no_reconnect,
        seed: fastrand::u64(..),
    });
    let terminal = Terminal::new(terminal::Options { quiet: tail.quiet, status: tail.status, color: tail.color }, mask)
        .context("taking over stdout and stderr")?;
    let run = Run {
        clock,
        session,
        pipeline: Pipeline::new(pipeline),
        dialer,
        terminal,
        status: Status::new(target.name, target.family.keep_alive(), tail.buffer),
        host,
        store,
        buffer: tail.buffer,
        deadline: tail.duration,
    };
    let outcome = Box::pin(drive(run)).await.context("watching for signals")?;
    drop(server);
    Ok(outcome.code())
}

/// Tests play hours of backoff in milliseconds. Nobody else is hurried: it works only towards this machine.
fn test_speed(base: &Base) -> u32 {
    let asked = std::env::var("XSTREAM_TEST_SPEED").ok().and_then(|speed| speed.parse().ok());
    asked.filter(|speed| base.is_loopback() && *speed > 0).unwrap_or(1)
}

/// Finds the stream by its name, X's name for it, or its path.
fn target(tail: &Tail, arguments: &[OsString]) -> Result<Target, Error> {
    let word = tail.stream.as_str();
    if let Some(endpoint) = endpoint::find(word) {
        return of_endpoint(endpoint, tail.partition);
    }
    if word.starts_with('/') {
        // A path is sent as it is; what is known about a stream on that path still holds.
        let bare = word.split('?').next().unwrap_or(word);
        let known = endpoint::find(bare);
        let mut path = word.to_owned();
        if let Some(number) = tail.partition {
            path = format!("{path}{}partition={number}", if path.contains('?') { '&' } else { '?' });
        }
        return Ok(Target {
            name: printable(bare, 40),
            path,
            host: known.map_or(Host::Api, |endpoint| endpoint.host),
            family: known.map_or(Family::V2, |endpoint| endpoint.family),
            requests: known.map_or(50, |endpoint| endpoint.requests_per_window),
        });
    }
    let near = endpoint::nearest(word);
    let hint = if near.is_empty() {
        let names: Vec<&str> = endpoint::ENDPOINTS.iter().map(|endpoint| endpoint.name).collect();
        format!("the streams are {}", names.join(", "))
    } else {
        format!("nearest: {}", near.join(", "))
    };
    usage(without_tokens(&format!("no stream `{}`; {hint}", printable(word, 200)), arguments))
}

fn of_endpoint(endpoint: &Endpoint, partition: Option<u8>) -> Result<Target, Error> {
    let query = match (endpoint.partitions, partition) {
        (Some(last), Some(number)) if (1..=last).contains(&number) => format!("?partition={number}"),
        (Some(last), _) => {
            return usage(format!("{} is split: give --partition N, N from 1 to {last}", endpoint.name));
        }
        (None, Some(_)) => return usage(format!("{} has no partitions", endpoint.name)),
        (None, None) => String::new(),
    };
    Ok(Target {
        name: endpoint.name.to_owned(),
        path: format!("{}{query}", endpoint.path),
        host: endpoint.host,
        family: endpoint.family,
        requests: endpoint.requests_per_window,
    })
}
