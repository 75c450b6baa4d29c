//! `xstream usage`: what X says was consumed and what this machine metered, side by side, by UTC day.
//!
//! The two differ for honest reasons: X counts the whole project and may be behind by a while, our meter counts
//! what came in here. So both are shown and neither is corrected by the other.

mod report;

use std::ffi::OsString;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::client_config::{self, ClientConfig};
use super::output::{self, Output};
use super::{Error, runtime, tail};
use crate::cli;
use crate::protocol::endpoint::Host;
use crate::store::state::Store;
use report::Report;
pub use report::{end, percent, thousands};

/// Runs the verb; returns the exit status.
pub fn run(given: &cli::Usage, arguments: &[OsString]) -> Result<u8, Error> {
    client_config::reexec_without_token(&given.access, arguments)?;
    let config = ClientConfig::new(&given.access, client_config::base(&given.access, Host::Api)?)?;
    let output = Output::new(&given.show, config.token.mask());
    // A file that is not ours is told before anything is asked.
    let metered = match &given.state {
        Some(path) => {
            if !path.exists() {
                output.say(&format!("warning: {} is not there; `xstream tail --state` makes it", path.display()));
            }
            // Only the days are read, which hang on the host alone.
            Some(Store::new(path, tail::account(&config.base), "", false)?.days()?)
        }
        None => None,
    };
    let told = output.clone();
    let mut api = config.api(config.clock(), move |line| told.say(line))?;
    let runtime = runtime()?;
    let usage = runtime.block_on(api.usage(Some(given.days)));
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let report = Report::new(&usage?, metered.as_deref(), today, given.days);
    if output.is_table() {
        let width = output::width(rustix::stdio::stdout());
        output.text(&report.render(width, output.is_colored()))?;
        if given.state.is_none() {
            output.say("--state FILE, the file of `xstream tail --state`, shows what this machine metered beside it");
        }
    } else {
        output.values(&report.values())?;
    }
    Ok(0)
}
