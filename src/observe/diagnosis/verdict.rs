//! The most likely cause of a run's trouble, and what to try next.

use super::run::{EndingCount, JournalRun, LossCause};
use crate::protocol::catalogue::{STATUS_PAGE, Side};
use crate::protocol::disconnect::{Code, LocalCause};
use crate::session::outcome::REFUSED;

/// The most likely cause, and the next thing to try: from what stopped the run, else from what ended most
/// connections.
pub(super) fn verdict(run: &JournalRun) -> (String, String) {
    let exit = run.end.as_ref().and_then(|end| end.exit);
    let last = Code::parse(run.final_code()).map(|code| code.entry());
    let capital = |text: &str| {
        let mut rest = text.chars();
        rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
    };
    if run.final_code() == LocalCause::Quota.as_str() {
        return (
            "Our side: the quota that was set with --quota is spent.".to_owned(),
            "Raise it, or use --quota-wait, which waits for the next period.".to_owned(),
        );
    }
    if let (Some(REFUSED), Some(entry)) = (exit, last) {
        return (
            format!("X refuses, and retrying does not help: {} ({}): {}.", run.final_code(), entry.side, entry.meaning),
            format!("{}.", capital(entry.advice)),
        );
    }
    let taken = exit == Some(5) && run.causes.contains_key(&LossCause::TakenOver);
    let most = run.causes.iter().rev().max_by_key(|(_, count)| **count).map(|(cause, _)| *cause);
    let Some(cause) = most.map(|most| if taken { LossCause::TakenOver } else { most }) else {
        return if run.stats.blocks.count > 0 {
            (SLOW_READER.0.to_owned(), SLOW_READER.1.to_owned())
        } else {
            ("No connection ended: there is nothing to explain.".to_owned(), "Nothing.".to_owned())
        };
    };
    let pair = |(cause, next): (&str, &str)| (cause.to_owned(), next.to_owned());
    match cause {
        LossCause::SlowReader => pair(SLOW_READER),
        LossCause::TakenOver => pair(TAKEN_OVER),
        LossCause::ConnectionLimit if run.ghosts * 2 > run.causes[&LossCause::ConnectionLimit] => pair(UNCLEAN_LOSS),
        LossCause::ConnectionLimit => pair(CONNECTION_LIMIT),
        LossCause::RateLimit => pair(RATE_LIMIT),
        LossCause::Network => pair(NETWORK),
        LossCause::X => (X.to_owned(), format!("Nothing on this side; see X's status page: {STATUS_PAGE}.")),
        LossCause::Account | LossCause::Other => {
            let side = |ending: &EndingCount| (ending.side == Side::Account) == (cause == LossCause::Account);
            let most = run.endings.iter().filter(|(_, ending)| side(ending)).max_by_key(|(_, ending)| ending.count);
            match most.and_then(|(word, _)| Code::parse(word)).map(|code| (code.entry(), code)) {
                Some((entry, code)) => (
                    format!("{code} ({}): {}.", entry.side, entry.meaning),
                    format!("{}; see `xstream explain {code}`.", capital(entry.advice)),
                ),
                None => pair(("Unknown: X does not document this ending.", "Read the detail that came with it.")),
            }
        }
    }
}

const SLOW_READER: (&str, &str) = (
    "Our side: the reader process is too slow. The stream was not read for a while, or X's queue for this client grew \
     too large, and X closes such connections.",
    "Make the reader process faster, request fewer fields, or put a file or a queue in between; a larger --buffer \
     absorbs longer bursts.",
);
const TAKEN_OVER: (&str, &str) = (
    "Our side: another client with the same credentials takes the connection over.",
    "Find the other client (`xstream connections` lists it) and stop it.",
);
const UNCLEAN_LOSS: (&str, &str) = (
    "The network: connections ended uncleanly, and X then refused new ones because it still counted the old ones as open.",
    "Try another network, or leave out the proxy or VPN. The refusals end by themselves, on an idle stream within \
     20 s; see `xstream explain TooManyConnections`.",
);
const CONNECTION_LIMIT: (&str, &str) = (
    "Our side: all connections of the app are in use, most likely by another client of the same app.",
    "See who is connected (`xstream connections`) and stop what is not needed; see `xstream explain 429`.",
);
const RATE_LIMIT: (&str, &str) = (
    "Our side: too many connection requests in 15 minutes, by this client or another one of the same app.",
    "Look for another client of the same app that reconnects too often; let runs of one app share --state FILE; see \
     `xstream explain 429`.",
);
const NETWORK: (&str, &str) = (
    "The network: most connections broke or went silent without an ending from X.",
    "Try another network, leave out the proxy or VPN, and ask the provider; see `xstream explain reasons`.",
);
const X: &str =
    "X's side: most endings are restarts, faults or overload of X's servers. A close every few hours is normal.";
