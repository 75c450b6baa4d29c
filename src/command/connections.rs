//! `xstream connections`: lists the app's connections, and ends them.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;

use super::client_config::{self, ClientConfig};
use super::{CommandError, block_on, target, usage_error};
use crate::cli::{ConnectionKill, ConnectionList, ConnectionVerb, ConnectionsArgs};
use crate::net::api::{self, Api, ConnectionQuery, ConnectionStatus, KILL_BATCH, Kill};
use crate::observe::table::{Cell, Column, Style};
use crate::protocol::api_types::{AppConnection, TerminateResult, TerminatedConnection};
use crate::protocol::catalogue::{CatalogueEntry, ENTRIES};
use crate::protocol::endpoint::{self, Host};
use crate::session::outcome::FAILED;
use crate::terminal::console::Console;
use crate::text::sanitize;
use crate::time::format_duration;

/// Ended connections listed after the open ones: enough to see a pattern, few enough for one screen.
const LAST_ENDED: usize = 10;

/// Pages (of 100) of ended connections that the short list fetches. X documents no order, so only all pages give
/// the last ten for certain; an app that reconnects every hour for years has too many of them.
const ENDED_PAGES: usize = 10;

/// Runs the verb; returns the exit status.
pub fn run(args: &ConnectionsArgs, arguments: &[OsString], console: &mut Console) -> Result<u8, CommandError> {
    console.set_options((&args.output).into());
    client_config::reexec_without_token(&args.access, arguments, console)?;
    if args.verb.is_some() && args.list != ConnectionList::default() {
        return usage_error("options of the list go after `connections list`; `connections kill` accepts none of them");
    }
    let job = match &args.verb {
        None => ConnectionJob::List(ListFilter::from_args(&args.list)?),
        Some(ConnectionVerb::List(list)) => ConnectionJob::List(ListFilter::from_args(list)?),
        Some(ConnectionVerb::Kill(kill)) => ConnectionJob::Kill(KillTarget::from_args(kill)?, kill.yes),
    };
    if matches!(job, ConnectionJob::Kill(_, false)) && !Console::can_confirm() {
        return usage_error("not a terminal: pass --yes to end connections");
    }
    let config = ClientConfig::new(&args.access, client_config::base(&args.access, Host::Api)?, console)?;
    let mut api = config.api(config.clock(), console)?;
    block_on(async {
        match &job {
            ConnectionJob::List(filter) => {
                list(&mut api, console, filter, &client_config::server_options(&args.access)).await
            }
            ConnectionJob::Kill(which, yes) => kill(&mut api, console, which, *yes).await,
        }
    })
}

enum ConnectionJob {
    List(ListFilter),
    Kill(KillTarget, bool),
}

/// Which connections to list, checked.
struct ListFilter {
    status: Option<ConnectionStatus>,
    endpoints: Vec<String>,
    /// Our names of the streams.
    streams: Vec<&'static str>,
    max: usize,
    since: Option<Timestamp>,
}

impl ListFilter {
    fn from_args(list: &ConnectionList) -> Result<ListFilter, CommandError> {
        let since = match &list.since {
            Some(text) => {
                let time = target::time(text, Timestamp::now());
                let time = time.or_else(|why| usage_error(format!("--since {}: {why}", sanitize(text, 60))))?;
                time.parse().ok()
            }
            None => None,
        };
        let endpoints = list.endpoint.iter().map(|name| endpoint_name(name)).collect::<Result<_, _>>()?;
        let streams = list.endpoint.iter().filter_map(|name| Some(endpoint::find(name)?.name)).collect();
        let max = list.max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
        Ok(ListFilter { status: list.status, endpoints, streams, max, since })
    }

    fn query(&self, status: ConnectionStatus) -> ConnectionQuery {
        ConnectionQuery { status, endpoints: self.endpoints.clone(), ..ConnectionQuery::default() }
    }
}

/// The name that X's connections API uses for a stream, from any of its names.
fn endpoint_name(name: &str) -> Result<String, CommandError> {
    match endpoint::find(name) {
        Some(endpoint) => match endpoint.endpoint_name {
            Some(name) => Ok(name.to_owned()),
            None => usage_error(format!("--endpoint {}: X does not list connections of this stream", endpoint.name)),
        },
        None => usage_error(format!("--endpoint: {}", target::unknown(name))),
    }
}

/// Lists connections. `again` holds the options that lead another command to the same server.
async fn list(api: &mut Api, console: &Console, filter: &ListFilter, again: &str) -> Result<u8, CommandError> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    let status = filter.status.unwrap_or(ConnectionStatus::Active);
    let first = api.connections(&filter.query(status)).await?;
    found.extend(first.items);
    let mut undated = filter.keep_opened_since(&mut found);
    errors.extend(first.errors);
    let mut older = false;
    if filter.status.is_none() {
        let ended = api
            .connections(&ConnectionQuery { pages: ENDED_PAGES, ..filter.query(ConnectionStatus::Inactive) })
            .await?;
        errors.extend(ended.errors);
        let mut ended = ended.items;
        undated += filter.keep_opened_since(&mut ended);
        newest_first(&mut ended);
        older = ended.len() > LAST_ENDED;
        ended.truncate(LAST_ENDED);
        found.extend(ended);
    }
    if undated > 0 {
        console.info(&format!("warning: {} left out: X does not say when they were opened", connections(undated)));
    }
    newest_first(&mut found);
    let open = found.iter().filter(|connection| connection.is_active()).count();
    older |= found.len() > filter.max;
    found.truncate(filter.max);
    let warnings: BTreeSet<String> = errors.iter().map(api::describe).collect();
    for said in warnings {
        console.info(&format!("warning: {said}"));
    }
    if found.is_empty() || status == ConnectionStatus::Active && open == 0 {
        console.info(&filter.nothing());
    }
    if console.is_table() {
        console.table(&columns(&found), &rows(&found, Timestamp::now()))?;
        if older && filter.max == usize::MAX {
            console.info(&format!("older ones: xstream connections list --status inactive{again}"));
        }
    } else {
        console.values(found.iter().map(|connection| &connection.raw))?;
    }
    Ok(0)
}

impl ListFilter {
    /// Removes connections that were opened before, and those without a time; returns the number of the latter.
    fn keep_opened_since(&self, connections: &mut Vec<AppConnection>) -> usize {
        let Some(since) = self.since else { return 0 };
        let mut undated = 0;
        connections.retain(|connection| {
            let at = time(connection.connected_at.as_deref());
            undated += usize::from(at.is_none());
            at.is_some_and(|at| at >= since)
        });
        undated
    }

    /// The message for an empty list; it repeats the filter.
    fn nothing(&self) -> String {
        let on = if self.streams.is_empty() { String::new() } else { format!(" on {}", self.streams.join(", ")) };
        let since = self.since.map_or_else(String::new, |since| format!(" of those opened since {since}"));
        match self.status.unwrap_or(ConnectionStatus::Active) {
            ConnectionStatus::Active => format!("no connection is open{on}{since}"),
            ConnectionStatus::Inactive => format!("no connection has ended{on}{since}"),
            ConnectionStatus::All => format!("no connection is listed{on}{since}, open or ended"),
        }
    }
}

/// Sorts: open connections first, each half by its latest event.
fn newest_first(connections: &mut [AppConnection]) {
    connections.sort_by_key(|connection| {
        let last = connection.disconnected_at.as_deref().or(connection.connected_at.as_deref());
        (!connection.is_active(), Reverse(time(last)))
    });
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

/// The width of a UUID, which the user copies whole.
const ID: usize = 36;

/// One column holds the id of an open connection, which `kill` needs, and the reason of an ended one. An id stays whole
/// on the narrowest screen, a reason can be cut.
fn columns(connections: &[AppConnection]) -> [Column; 5] {
    let last = "ID, OR WHY IT ENDED";
    let open = connections.iter().any(AppConnection::is_active);
    [
        Column::spare("OPENED"),
        Column::spare("LASTED"),
        Column::spare("STREAM"),
        Column::spare("CLIENT"),
        if open { Column::cut_to(last, ID) } else { Column::cut(last) },
    ]
}

/// A duration for a table cell, in days from 24 hours on.
fn span(duration: Duration) -> String {
    match duration.as_secs() / 3600 {
        hours @ 24.. => format!("{}d{:02}h", hours / 24, hours % 24),
        _ => format_duration(duration),
    }
}

/// The rows of the table.
fn rows(connections: &[AppConnection], now: Timestamp) -> Vec<Vec<Cell>> {
    connections
        .iter()
        .map(|connection| {
            let opened = time(connection.connected_at.as_deref());
            let ended = time(connection.disconnected_at.as_deref());
            // None if the end is before the start, which happens when clocks differ.
            let between = |from: Option<Timestamp>, to: Option<Timestamp>| {
                Some(span(Duration::try_from(to?.duration_since(from?)).ok()?))
            };
            let ago = match (between(opened, Some(now)), between(Some(now), opened)) {
                (Some(ago), _) => format!("{ago} ago"),
                (None, Some(ahead)) => format!("in {ahead}"),
                (None, None) => connection.connected_at.clone().unwrap_or_default(),
            };
            let lasted = if connection.is_active() {
                Cell::new("open", Style::Good)
            } else {
                between(opened, ended).unwrap_or_else(|| "ended".to_owned()).into()
            };
            let name = connection.endpoint_name.clone().unwrap_or_default();
            let stream = endpoint::find(&name).map_or(name, |endpoint| endpoint.name.to_owned());
            vec![
                ago.into(),
                lasted,
                stream.into(),
                connection.client_ip.clone().unwrap_or_default().into(),
                match &connection.disconnect_reason {
                    Some(word) => reason(word),
                    None => connection.id.clone().unwrap_or_default(),
                }
                .into(),
            ]
        })
        .collect()
}

/// A reason as text, with the meaning from the catalogue if it is a code there.
fn reason(word: &str) -> String {
    match entry(word) {
        Some(entry) => format!("{}: {}", entry.code, entry.meaning),
        None => word.replace('_', " "),
    }
}

/// The catalogue entry of a reason. X uses underscores here, and camel case or dashes elsewhere.
fn entry(word: &str) -> Option<&'static CatalogueEntry> {
    let plain = |word: &str| word.replace(['_', '-', ' '], "").to_ascii_lowercase();
    let wanted = plain(word);
    ENTRIES.iter().find(|entry| !entry.generic && plain(entry.code) == wanted)
}

/// Which connections to end, checked.
enum KillTarget {
    Ids(Vec<String>),
    Endpoints(Vec<String>),
    All,
}

impl KillTarget {
    fn from_args(kill: &ConnectionKill) -> Result<KillTarget, CommandError> {
        if kill.all {
            return Ok(KillTarget::All);
        }
        let named = kill.endpoint.iter().map(|name| endpoint_name(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(if named.is_empty() { KillTarget::Ids(once(&kill.ids)) } else { KillTarget::Endpoints(once(&named)) })
    }
}

/// Each argument once, in the order of first use.
fn once(words: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    words.iter().filter(|word| seen.insert(word.as_str())).cloned().collect()
}

async fn kill(api: &mut Api, console: &Console, which: &KillTarget, yes: bool) -> Result<u8, CommandError> {
    if !yes && !confirmed(api, console, which).await? {
        console.info("nothing was ended");
        return Ok(FAILED);
    }
    let mut total = TerminateResult::default();
    let (batches, requested): (Vec<Kill<'_>>, usize) = match which {
        KillTarget::Ids(ids) => (ids.chunks(KILL_BATCH).map(Kill::Ids).collect(), ids.len()),
        KillTarget::Endpoints(names) => (names.iter().map(|name| Kill::Endpoint(name)).collect(), 0),
        KillTarget::All => (vec![Kill::All], 0),
    };
    for batch in batches {
        let kills = api.kill(batch).await;
        if kills.is_err() && total != TerminateResult::default() {
            console.info(&format!("{} were ended before this:", total.successful));
        }
        let kills = kills?;
        report(console, &kills)?;
        total.successful += kills.successful;
        total.failed += kills.failed;
    }
    let unsaid = (requested as u64).saturating_sub(total.successful + total.failed);
    let mut line = format!("{} ended", total.successful);
    if total.failed > 0 {
        line = format!("{line}, {} not", total.failed);
    }
    if unsaid > 0 {
        line = format!("{line}, of {unsaid} X does not say");
    }
    console.info(&line);
    Ok(if total.failed + unsaid > 0 { FAILED } else { 0 })
}

/// Shows the connections and requests confirmation to end them.
async fn confirmed(api: &mut Api, console: &Console, which: &KillTarget) -> Result<bool, CommandError> {
    let mut query = ConnectionQuery::default();
    if let KillTarget::Endpoints(names) = which {
        query.endpoints.clone_from(names);
    }
    let mut open = api.connections(&query).await?.items;
    let mut missing = 0;
    if let KillTarget::Ids(ids) = which {
        open.retain(|connection| connection.id.as_ref().is_some_and(|id| ids.contains(id)));
        missing = ids.len().saturating_sub(open.len());
    }
    newest_first(&mut open);
    let question = match (open.len(), missing) {
        (0, 0) => "X lists no open connection of this kind. Send the request anyway?".to_owned(),
        (count, 0) => format!("End {}?", connections(count)),
        (0, _) => format!("X does not list {} as open. Send the request anyway?", connections(missing)),
        (count, _) => format!("End {}, and {missing} that X does not list as open?", connections(count)),
    };
    Ok(console
        .confirm(&columns(&open), &rows(&open, Timestamp::now()), &question)
        .context("asking for confirmation on stderr")?)
}

fn connections(count: usize) -> String {
    if count == 1 { "1 connection".to_owned() } else { format!("{count} connections") }
}

/// Prints the result for each connection.
fn report(console: &Console, kills: &TerminateResult) -> Result<(), CommandError> {
    for problem in &kills.errors {
        console.info(&format!("warning: {}", api::describe(problem)));
    }
    if console.is_table() {
        let columns = [Column::cut("ID"), Column::whole("RESULT"), Column::cut("WHY")];
        let rows: Vec<Vec<Cell>> = kills.results.iter().map(result).collect();
        console.table(&columns, &rows)?;
    } else {
        console.values(kills.results.iter().map(|result| &result.raw))?;
    }
    Ok(())
}

fn result(killed: &TerminatedConnection) -> Vec<Cell> {
    let result = if killed.success { Cell::new("ended", Style::Good) } else { Cell::new("not ended", Style::Bad) };
    vec![
        killed.uuid.clone().unwrap_or_default().into(),
        result,
        killed.error_message.clone().unwrap_or_default().into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::table::render;
    use serde_json::json;

    #[test]
    fn the_table_separates_open_from_ended_and_explains_the_reason() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a time");
        let mut found: Vec<AppConnection> = [
            json!({"id":"3","endpoint_name":"sample_stream","client_ip":"192.0.2.7","connected_at":"2026-11-22T09:00:00Z",
                "disconnected_at":"2026-11-22T09:12:00Z","disconnect_reason":"operator_disconnect"}),
            json!({"id":"2","endpoint_name":"brand_new_stream","connected_at":"2026-11-22T09:00:00Z",
                "disconnected_at":"2026-11-22T10:00:05Z","disconnect_reason":"slow_reader"}),
            json!({"endpoint_name":"filtered_stream"}),
            json!({"id":"1","endpoint_name":"filtered_stream","client_ip":"2001:db8::1",
                "connected_at":"2026-11-22T11:59:30.500Z"}),
        ]
        .iter()
        .map(AppConnection::from_json)
        .collect();
        newest_first(&mut found);
        insta::assert_snapshot!(render(&columns(&found), &rows(&found, now), 100, false), @r"
        OPENED     LASTED  STREAM            CLIENT       ID, OR WHY IT ENDED
        29s ago    open    filtered          2001:db8::1  1
                   open    filtered
        3h00m ago  1h00m   brand_new_stream               SlowReader: messages piled up at X because they w…
        3h00m ago  12m00s  sample            192.0.2.7    operator disconnect
        ");
    }

    #[test]
    fn days_a_future_and_a_narrow_screen_are_readable() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a time");
        let id = "0b8a0a7e-3c0e-4a2f-9d5e-1f2a3b4c5d6e";
        let open =
            |at: &str| AppConnection::from_json(&json!({"id":id,"endpoint_name":"filtered_stream","connected_at":at}));
        let found = [open("2026-11-22T12:05:00Z"), open("2026-11-20T01:32:00Z")];
        insta::assert_snapshot!(render(&columns(&found), &rows(&found, now), 80, false), @r"
        OPENED     LASTED  STREAM    ID, OR WHY IT ENDED
        in 5m00s   open    filtered  0b8a0a7e-3c0e-4a2f-9d5e-1f2a3b4c5d6e
        2d10h ago  open    filtered  0b8a0a7e-3c0e-4a2f-9d5e-1f2a3b4c5d6e
        ");
        let wide = |found: &[AppConnection]| {
            let shown = render(&columns(found), &rows(found, now), 40, false);
            (shown.lines().map(|line| line.chars().count()).max().unwrap_or(0), shown)
        };
        let (width, shown) = wide(&found);
        assert!(width <= 40 && shown.contains(id), "{shown}");
        let ended = AppConnection { disconnect_reason: Some("slow_reader".to_owned()), ..found[0].clone() };
        let (width, shown) = wide(&[ended]);
        assert!(width <= 40 && shown.contains("OPENED"), "{shown}");
    }
}
