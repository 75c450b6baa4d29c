//! The checks of the network: proxy, DNS, TCP, TLS, one after the other, each timed separately. Through a
//! proxy the first three are one step, since the proxy connects to X.

use std::time::Instant;

use jiff::Timestamp;
use tokio::net::TcpStream;

use super::check::Check;
use super::report::CheckReport;
use crate::clock::Clock;
use crate::command::CommandError;
use crate::command::client_config::ClientConfig;
use crate::net::api;
use crate::net::probe::Probe;
use crate::net::proxy::VARIABLES;
use crate::net::trust::trust;
use crate::protocol::disconnect::LocalCause;
use crate::session::Failure;
use crate::session::outcome::{GAVE_UP, REFUSED};

/// Checks proxy, DNS, TCP and TLS.
pub async fn check(config: &ClientConfig, clock: Clock, report: &mut CheckReport<'_>) -> Result<(), CommandError> {
    let base = &config.base;
    let probe = Probe { base, timeout: config.connect_timeout, clock };
    let began = Instant::now();
    let tcp = if let Some(proxy) = &config.proxy {
        let (check, tcp) = match probe.tunnel(proxy).await {
            Ok(tcp) => (Check::ok("proxy", &format!("{} connects to {}", proxy.name(), base.host())), Some(tcp)),
            Err(failure) => (failure_check("proxy", &failure), None),
        };
        report.add(&check.took(began.elapsed()))?;
        if tcp.is_some() {
            let dns =
                if proxy.resolves_here() { "part of the way through the proxy" } else { "the proxy resolves the name" };
            report.add(&Check::skipped("dns", dns))?;
            report.add(&Check::skipped("tcp", "part of the way through the proxy"))?;
        } else {
            report.skip(&["dns", "tcp", "tls"], "the proxy")?;
        }
        tcp
    } else {
        report.add(&Check::ok("proxy", &no_proxy(config)))?;
        direct(config, &probe, report).await?
    };
    match tcp {
        None => Ok(()),
        Some(_) if base.is_plain() => report.add(&Check::skipped("tls", "not used: the base URL is plain http")),
        Some(tcp) => secure(config, &probe, tcp, report).await,
    }
}

/// Why no proxy is used, where one could be expected.
fn no_proxy(config: &ClientConfig) -> String {
    let named = VARIABLES.iter().find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    match named {
        Some(name) if config.base.is_plain() && config.base.is_loopback() => {
            format!("none: ${name} is not used for plain http on this machine")
        }
        Some(name) => format!("none: $NO_PROXY excludes {} from ${name}", config.base.host()),
        None => "none: neither --proxy nor a variable names one".to_owned(),
    }
}

async fn direct(
    config: &ClientConfig,
    probe: &Probe<'_>,
    report: &mut CheckReport<'_>,
) -> Result<Option<TcpStream>, CommandError> {
    // A name is looked up without its port.
    let host = config.base.uri().host().unwrap_or_default();
    let addresses = if let Some(address) = probe.address() {
        report.add(&Check::skipped("dns", &format!("{address} is an address")))?;
        vec![address]
    } else {
        let began = Instant::now();
        match probe.resolve().await {
            Ok(found) => {
                let all: Vec<String> = found.iter().map(ToString::to_string).collect();
                report.add(&Check::ok("dns", &format!("{host} is {}", all.join(", "))).took(began.elapsed()))?;
                found
            }
            Err(failure) => {
                report.add(&failure_check("dns", &failure).took(began.elapsed()))?;
                report.skip(&["tcp", "tls"], "DNS")?;
                return Ok(None);
            }
        }
    };
    let began = Instant::now();
    match probe.connect(&addresses).await {
        Ok(connected) => {
            let before = connected.failed.iter().map(|(address, why)| format!("; {address} does not: {why}"));
            let text = format!("{} accepts the connection{}", connected.address, before.collect::<String>());
            report.add(&Check::ok("tcp", &text).took(began.elapsed()))?;
            Ok(Some(connected.tcp))
        }
        Err(failure) => {
            report.add(&failure_check("tcp", &failure).took(began.elapsed()))?;
            report.skip(&["tls"], "TCP")?;
            Ok(None)
        }
    }
}

async fn secure(
    config: &ClientConfig,
    probe: &Probe<'_>,
    tcp: TcpStream,
    report: &mut CheckReport<'_>,
) -> Result<(), CommandError> {
    let began = Instant::now();
    let config = match trust(config.cacert.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            let advice = "give a PEM file with --cacert, or unset $SSL_CERT_FILE";
            return report.add(&Check::fail("tls", REFUSED, &format!("{error:#}"), advice));
        }
    };
    let check = match probe.secure(tcp, config).await {
        Ok(secured) => {
            let left = |until: Timestamp| until.duration_since(Timestamp::now()).as_hours() / 24;
            let until = secured.expires.map(left).map(|days| format!(", certificate good for {days} days"));
            Check::ok("tls", &format!("{}{}", version(secured.version), until.unwrap_or_default()))
        }
        Err(failure) => failure_check("tls", &failure),
    };
    report.add(&check.took(began.elapsed()))
}

fn failure_check(name: &'static str, failure: &Failure) -> Check {
    let exit = if failure.cause == LocalCause::Certificate { REFUSED } else { GAVE_UP };
    Check::fail(name, exit, &failure.detail, api::advice_for(failure))
}

/// The usual name of a TLS version: TLS 1.3.
fn version(name: &str) -> String {
    name.replace("TLSv", "TLS ").replace('_', ".")
}
