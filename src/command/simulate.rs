//! `xstream simulate`: a stream on loopback that plays a fault script, for people who try out clients.

use std::fmt::Write as _;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::{Error, print_page, runtime, usage};
use crate::cli::Simulate;
use crate::session::Signal;
use crate::simulator::{Options, Script, Server, faults};

/// Runs the verb; returns the exit status.
pub fn run(simulate: Simulate) -> Result<u8, Error> {
    if simulate.list {
        let mut list = String::new();
        let width = faults().map(|(step, _)| step.len()).max().unwrap_or(0);
        for (step, does) in faults() {
            let _ = writeln!(list, "{step:width$}  {does}");
        }
        print_page(&list, 0);
        return Ok(0);
    }
    let script = match (&simulate.script, &simulate.script_file) {
        (Some(text), _) => Script::parse(text).or_else(|error| usage(format!("--script: {error}")))?,
        (None, Some(path)) => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("reading the script {}", path.display()))?;
            Script::parse(&text).or_else(|error| usage(format!("{}: {error}", path.display())))?
        }
        (None, None) => Script::demo(),
    };
    let mut options = Options::new(script);
    options.addr.set_port(simulate.port);
    options.tls = simulate.tls.is_some();
    options.gzip = simulate.gzip;
    options.token = simulate.token;
    runtime()?.block_on(async {
        let server = Server::start(options).await.context("listening on loopback")?;
        if let (Some(path), Some(pem)) = (&simulate.tls, server.ca_pem()) {
            std::fs::write(path, pem).with_context(|| format!("writing the CA to {}", path.display()))?;
        }
        let mut interrupt = signal(SignalKind::interrupt()).context("watching for signals")?;
        let mut terminate = signal(SignalKind::terminate()).context("watching for signals")?;
        let address = serde_json::json!({ "url": server.url(), "port": server.addr().port(), "ca": simulate.tls });
        print_page(&format!("{address}\n"), 0);
        let ended = tokio::select! {
            _ = interrupt.recv() => Signal::Int,
            _ = terminate.recv() => Signal::Term,
        };
        Ok(128 + ended.number())
    })
}
