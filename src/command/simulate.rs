//! `xstream simulate`: serves streams on loopback that play a fault script, to test clients.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::Path;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::{CommandError, block_on, usage_error};
use crate::cli::SimulateArgs;
use crate::protocol::endpoint;
use crate::protocol::rule::file;
use crate::session::Signal;
use crate::simulator::{ExternalConnection, Script, Server, ServerOptions, SimulatedRule, faults};
use crate::terminal::console::{Console, unless_closed};

/// Runs the verb; returns the exit status.
pub fn run(simulate: SimulateArgs, console: &Console) -> Result<u8, CommandError> {
    if simulate.list {
        let mut list = String::new();
        let width = faults().map(|(step, _)| step.len()).max().unwrap_or(0);
        for (step, does) in faults() {
            let _ = writeln!(list, "{step:width$}  {does}");
        }
        console.print(&list)?;
        return Ok(0);
    }
    let script = match (&simulate.script, &simulate.script_file) {
        (Some(text), _) => Script::parse(text).or_else(|error| usage_error(format!("--script: {error}")))?,
        (None, Some(path)) => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("reading the script {}", path.display()))?;
            Script::parse(&text).or_else(|error| usage_error(format!("{}: {error}", path.display())))?
        }
        (None, None) => Script::demo(),
    };
    let mut options = ServerOptions::new(script);
    options.addr.set_port(simulate.port);
    options.tls = simulate.tls.is_some();
    options.gzip = simulate.gzip;
    options.token = simulate.token;
    options.connections = simulate.connections;
    options.external = simulate.foreign.iter().map(|text| foreign(text)).collect::<Result<_, _>>()?;
    if let Some(path) = &simulate.rules {
        options.rules.preset = rules(path)?;
        options.rules.required = true;
        options.rules.check().or_else(|fault| usage_error(format!("{}: {fault}", path.display())))?;
    }
    if let Some(text) = &simulate.api {
        options.api = Some(Script::parse(text).or_else(|error| usage_error(format!("--api: {error}")))?);
    }
    block_on(async {
        let server = Server::start(options).await.context("listening on loopback")?;
        if let (Some(path), Some(pem)) = (&simulate.tls, server.ca_pem()) {
            std::fs::write(path, pem).with_context(|| format!("writing the CA to {}", path.display()))?;
        }
        let mut interrupt = signal(SignalKind::interrupt()).context("watching for signals")?;
        let mut terminate = signal(SignalKind::terminate()).context("watching for signals")?;
        let address = serde_json::json!({ "url": server.url(), "port": server.addr().port(), "ca": simulate.tls });
        // A closed stdout does not stop the server: with --port the address is known without it.
        unless_closed(console.values([&address]))?;
        let ended = tokio::select! {
            _ = interrupt.recv() => Signal::Int,
            _ = terminate.recv() => Signal::Term,
        };
        Ok(128 + ended.number())
    })
}

/// A connection of another client, `ENDPOINT` or `ENDPOINT@IP`.
fn foreign(text: &str) -> Result<ExternalConnection, CommandError> {
    let (name, ip) = text.split_once('@').map_or((text, None), |(name, ip)| (name, Some(ip)));
    if endpoint::find(name).is_none() {
        let near = endpoint::nearest(name).join(", ");
        let hint = if near.is_empty() { String::new() } else { format!("; did you mean {near}?") };
        return usage_error(format!("--foreign: '{name}' is no stream{hint}"));
    }
    let mut foreign = ExternalConnection::new(name);
    if let Some(ip) = ip {
        match ip.parse::<IpAddr>() {
            Ok(ip) => foreign.client_ip = ip.to_string(),
            Err(_) => return usage_error(format!("--foreign: '{ip}' is no IP address")),
        }
    }
    Ok(foreign)
}

/// Reads a file of rules as `xstream rules` does. `none` means no rules.
fn rules(path: &Path) -> Result<Vec<SimulatedRule>, CommandError> {
    if path == Path::new("none") {
        return Ok(Vec::new());
    }
    let bytes = std::fs::read(path).with_context(|| format!("reading the rules {}", path.display()))?;
    let name = path.display().to_string();
    let read = file::read([(name.as_str(), bytes.as_slice())]).or_else(|mistakes| usage_error(mistakes.to_string()))?;
    Ok(read.rules.iter().map(|rule| SimulatedRule::new(rule.value.as_str(), rule.tag())).collect())
}
