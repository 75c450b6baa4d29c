//! `xstream usage`: the posts that X counted and the posts that this machine metered, side by side, per UTC day.
//!
//! The two differ for good reasons: X counts the whole project and can lag, the meter counts what arrived here. So both
//! are shown and neither corrects the other.

mod report;

use std::ffi::OsString;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::client_config::{self, ClientConfig};
use super::{CommandError, block_on, tail};
use crate::cli;
use crate::protocol::endpoint::Host;
use crate::store::state::Store;
use crate::terminal::console::Console;
use report::UsageReport;
pub use report::{cap_state, end};

/// Runs the verb; returns the exit status.
pub fn run(args: &cli::UsageArgs, arguments: &[OsString], console: &mut Console) -> Result<u8, CommandError> {
    console.set_options((&args.output).into());
    client_config::reexec_without_token(&args.access, arguments, console)?;
    let config = ClientConfig::new(&args.access, client_config::base(&args.access, Host::Api)?, console)?;
    // A state file that is not ours is reported before a request is sent.
    let metered = match &args.state {
        Some(path) => {
            if !path.exists() {
                console.info(&format!("warning: {} is not there; `xstream tail --state` makes it", path.display()));
            }
            // Only the days are read, and they depend on the host alone.
            Some(Store::new(path, tail::account(&config.base), "", false)?.days()?)
        }
        None => None,
    };
    let mut api = config.api(config.clock(), console)?;
    let usage = block_on(async { Ok(api.usage(Some(args.days)).await?) })?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let report = UsageReport::new(&usage, metered.as_deref(), today, args.days);
    if let Some(width) = Console::width().filter(|_| console.is_table()) {
        console.print(&report.render(width, console.is_colored()))?;
        if args.state.is_none() {
            console.info("--state FILE, the file of `xstream tail --state`, shows what this machine metered beside it");
        }
    } else {
        console.values(&report.values())?;
    }
    Ok(0)
}
