//! `xstream connections`: who holds the app's connections, and a way to end them.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::time::Duration;

use jiff::Timestamp;

use super::access::{self, Access};
use super::output::{self, Output};
use super::{Error, runtime, target, usage};
use crate::cli::{ConnectionKill, ConnectionList, ConnectionVerb, Connections};
use crate::net::api::{self, Api, ConnectionQuery, KILL_BATCH, Kill, Status};
use crate::protocol::catalogue::{ENTRIES, Entry};
use crate::protocol::endpoint::{self, Host};
use crate::protocol::problem::printable;
use crate::protocol::record::{Connection, Killed, Kills};
use crate::session::outcome::FAILED;
use crate::terminal::status::age;
use crate::terminal::table::{Cell, Column, Look};

/// Ended connections shown beside the open ones: enough to see a pattern, few enough for one screen.
const LAST_ENDED: usize = 10;

/// Pages (of 100) of ended connections that the short list reads. X documents no order, so the last ten are known
/// for certain only from all pages; an app that reconnects every hour for years has too many of them.
const ENDED_PAGES: usize = 10;

/// Runs the verb; returns the exit status.
pub fn run(given: &Connections, arguments: &[OsString]) -> Result<u8, Error> {
    access::hide(&given.access, arguments)?;
    if given.verb.is_some() && given.list != ConnectionList::default() {
        return usage("options of the list go behind `connections list`; `connections kill` takes none of them");
    }
    let job = match &given.verb {
        None => Job::List(Wish::of(&given.list)?),
        Some(ConnectionVerb::List(list)) => Job::List(Wish::of(list)?),
        Some(ConnectionVerb::Kill(kill)) => Job::Kill(Which::of(kill)?, kill.yes),
    };
    if matches!(job, Job::Kill(_, false)) && !output::can_ask() {
        return usage("nobody is here to be asked; give --yes to end connections");
    }
    let access = Access::new(&given.access, access::base(&given.access, Host::Api)?)?;
    let output = Output::new(&given.show, access.token.mask());
    let told = output.clone();
    let mut api = access.api(move |line| told.say(line))?;
    let runtime = runtime()?;
    let status = runtime.block_on(async {
        match &job {
            Job::List(wish) => list(&mut api, &output, wish).await,
            Job::Kill(which, yes) => kill(&mut api, &output, which, *yes).await,
        }
    });
    // A name that is still being resolved must not hold up the end.
    runtime.shutdown_background();
    status
}

enum Job {
    List(Wish),
    Kill(Which, bool),
}

/// What to list, checked.
struct Wish {
    status: Option<Status>,
    endpoints: Vec<String>,
    max: usize,
    since: Option<Timestamp>,
}

impl Wish {
    fn of(list: &ConnectionList) -> Result<Wish, Error> {
        let since = match &list.since {
            Some(text) => {
                let time = target::time(text, Timestamp::now());
                let time = time.or_else(|why| usage(format!("--since {}: {why}", printable(text, 60))))?;
                time.parse().ok()
            }
            None => None,
        };
        let endpoints = list.endpoint.iter().map(|name| endpoint_name(name)).collect::<Result<_, _>>()?;
        let max = list.max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
        Ok(Wish { status: list.status, endpoints, max, since })
    }

    fn query(&self, status: Status) -> ConnectionQuery {
        ConnectionQuery { status, endpoints: self.endpoints.clone(), ..ConnectionQuery::default() }
    }
}

/// X's name of a stream in this API, from any of its names.
fn endpoint_name(name: &str) -> Result<String, Error> {
    match endpoint::find(name) {
        Some(endpoint) => match endpoint.endpoint_name {
            Some(name) => Ok(name.to_owned()),
            None => usage(format!("--endpoint {}: X does not list connections of this stream", endpoint.name)),
        },
        None => usage(format!("--endpoint: {}", target::unknown(name))),
    }
}

async fn list(api: &mut Api, output: &Output, wish: &Wish) -> Result<u8, Error> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    let status = wish.status.unwrap_or(Status::Active);
    let first = api.connections(&wish.query(status)).await?;
    found.extend(first.items);
    errors.extend(first.errors);
    let mut older = false;
    if wish.status.is_none() {
        let ended = api.connections(&ConnectionQuery { pages: ENDED_PAGES, ..wish.query(Status::Inactive) }).await?;
        errors.extend(ended.errors);
        let mut ended: Vec<Connection> =
            ended.items.into_iter().filter(|connection| wish.opened_since(connection)).collect();
        newest_first(&mut ended);
        older = ended.len() > LAST_ENDED;
        ended.truncate(LAST_ENDED);
        found.extend(ended);
    }
    found.retain(|connection| wish.opened_since(connection));
    newest_first(&mut found);
    let open = found.iter().filter(|connection| connection.is_active()).count();
    older |= found.len() > wish.max;
    found.truncate(wish.max);
    for problem in &errors {
        output.say(&format!("warning: {}", api::said(problem)));
    }
    if status == Status::Active && open == 0 {
        output.say("no connection is open");
    } else if found.is_empty() {
        output.say("no such connection");
    }
    if output.is_table() {
        output.table(&COLUMNS, &rows(&found, Timestamp::now()))?;
        if older && wish.max == usize::MAX {
            output.say("older ones: xstream connections list --status inactive");
        }
    } else {
        output::values(found.iter().map(|connection| &connection.raw))?;
    }
    Ok(0)
}

impl Wish {
    /// A connection whose beginning nobody knows is not left out in silence.
    fn opened_since(&self, connection: &Connection) -> bool {
        match (self.since, time(connection.connected_at.as_deref())) {
            (Some(since), Some(at)) => at >= since,
            _ => true,
        }
    }
}

/// The open ones first, each half from its latest event on.
fn newest_first(connections: &mut [Connection]) {
    connections.sort_by_key(|connection| {
        let last = connection.disconnected_at.as_deref().or(connection.connected_at.as_deref());
        (!connection.is_active(), Reverse(time(last)))
    });
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

/// As long as a UUID, which is copied whole.
const ID: usize = 36;

/// An open connection is ended by its id, an ended one is explained: one column holds both.
const COLUMNS: [Column; 5] = [
    Column::whole("OPENED"),
    Column::whole("LASTED"),
    Column::whole("STREAM"),
    Column::whole("CLIENT"),
    Column::cut_to("ID, OR WHY IT ENDED", ID),
];

/// Connections for people.
fn rows(connections: &[Connection], now: Timestamp) -> Vec<Vec<Cell>> {
    connections
        .iter()
        .map(|connection| {
            let opened = time(connection.connected_at.as_deref());
            let ended = time(connection.disconnected_at.as_deref());
            let between = |from: Option<Timestamp>, to: Option<Timestamp>| {
                Some(age(Duration::try_from(to?.duration_since(from?)).unwrap_or_default()))
            };
            let ago = match (between(opened, Some(now)), &connection.connected_at) {
                (Some(ago), _) => format!("{ago} ago"),
                (None, text) => text.clone().unwrap_or_default(),
            };
            let lasted = if connection.is_active() {
                Cell::new("open", Look::Good)
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

/// A reason in words, with what `explain` says about it if it is one of the codes there.
fn reason(word: &str) -> String {
    match entry(word) {
        Some(entry) => format!("{}: {}", entry.code, entry.meaning),
        None => word.replace('_', " "),
    }
}

/// X spells in this place with underscores what it spells in others in camel case or with dashes.
fn entry(word: &str) -> Option<&'static Entry> {
    let plain = |word: &str| word.replace(['_', '-', ' '], "").to_ascii_lowercase();
    let wanted = plain(word);
    ENTRIES.iter().find(|entry| !entry.generic && plain(entry.code) == wanted)
}

/// Which connections to end, checked.
enum Which {
    Ids(Vec<String>),
    Endpoint(String),
    All,
}

impl Which {
    fn of(kill: &ConnectionKill) -> Result<Which, Error> {
        Ok(match &kill.endpoint {
            Some(name) => Which::Endpoint(endpoint_name(name)?),
            None if kill.all => Which::All,
            None => {
                let mut ids: Vec<String> = Vec::new();
                for id in &kill.ids {
                    if !ids.contains(id) {
                        ids.push(id.clone());
                    }
                }
                Which::Ids(ids)
            }
        })
    }
}

async fn kill(api: &mut Api, output: &Output, which: &Which, yes: bool) -> Result<u8, Error> {
    if !yes && !confirmed(api, output, which).await? {
        output.say("nothing was ended");
        return Ok(FAILED);
    }
    let mut total = Kills::default();
    let mut asked = None;
    match which {
        Which::Ids(ids) => {
            asked = Some(ids.len() as u64);
            for batch in ids.chunks(KILL_BATCH) {
                let kills = api.kill(Kill::Ids(batch)).await;
                if kills.is_err() && total != Kills::default() {
                    output.say(&format!("{} were ended before this:", total.successful));
                }
                let kills = kills?;
                tell(output, &kills)?;
                total.successful += kills.successful;
                total.failed += kills.failed;
            }
        }
        Which::Endpoint(name) => total = api.kill(Kill::Endpoint(name)).await?,
        Which::All => total = api.kill(Kill::All).await?,
    }
    if asked.is_none() {
        tell(output, &total)?;
    }
    let unsaid = asked.unwrap_or(0).saturating_sub(total.successful + total.failed);
    let mut line = format!("{} ended", total.successful);
    if total.failed > 0 {
        line = format!("{line}, {} not", total.failed);
    }
    if unsaid > 0 {
        line = format!("{line}, of {unsaid} X does not say");
    }
    output.say(&line);
    Ok(if total.failed + unsaid > 0 { FAILED } else { 0 })
}

/// Shows what would be ended, and asks.
async fn confirmed(api: &mut Api, output: &Output, which: &Which) -> Result<bool, Error> {
    let mut query = ConnectionQuery::default();
    if let Which::Endpoint(name) = which {
        query.endpoints.push(name.clone());
    }
    let mut open = api.connections(&query).await?.items;
    let mut missing = 0;
    if let Which::Ids(ids) = which {
        open.retain(|connection| connection.id.as_ref().is_some_and(|id| ids.contains(id)));
        missing = ids.len().saturating_sub(open.len());
    }
    newest_first(&mut open);
    let question = match (open.len(), missing) {
        (0, 0) => "X lists no open connection there. Ask it to end them all the same?".to_owned(),
        (count, 0) => format!("End {}?", connections(count)),
        (0, _) => format!("X does not list {} as open. Ask it to end them all the same?", connections(missing)),
        (count, _) => format!("End {}, and {missing} that X does not list as open?", connections(count)),
    };
    Ok(output.ask(&COLUMNS, &rows(&open, Timestamp::now()), &question)?)
}

fn connections(count: usize) -> String {
    if count == 1 { "1 connection".to_owned() } else { format!("{count} connections") }
}

/// Prints what became of each connection.
fn tell(output: &Output, kills: &Kills) -> Result<(), Error> {
    for problem in &kills.errors {
        output.say(&format!("warning: {}", api::said(problem)));
    }
    if output.is_table() {
        let columns = [Column::whole("ID"), Column::whole("RESULT"), Column::cut("WHY")];
        let rows: Vec<Vec<Cell>> = kills.results.iter().map(result).collect();
        output.table(&columns, &rows)?;
    } else {
        output::values(kills.results.iter().map(|result| &result.raw))?;
    }
    Ok(())
}

fn result(killed: &Killed) -> Vec<Cell> {
    let result = if killed.success { Cell::new("ended", Look::Good) } else { Cell::new("not ended", Look::Bad) };
    vec![
        killed.uuid.clone().unwrap_or_default().into(),
        result,
        killed.error_message.clone().unwrap_or_default().into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::table::render;
    use serde_json::json;

    #[test]
    fn the_table_tells_open_from_ended_and_explains_the_reason() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a time");
        let mut found: Vec<Connection> = [
            json!({"id":"3","endpoint_name":"sample_stream","client_ip":"192.0.2.7","connected_at":"2026-11-22T09:00:00Z",
                "disconnected_at":"2026-11-22T09:12:00Z","disconnect_reason":"operator_disconnect"}),
            json!({"id":"2","endpoint_name":"brand_new_stream","connected_at":"2026-11-22T09:00:00Z",
                "disconnected_at":"2026-11-22T10:00:05Z","disconnect_reason":"slow_reader"}),
            json!({"endpoint_name":"filtered_stream"}),
            json!({"id":"1","endpoint_name":"filtered_stream","client_ip":"2001:db8::1",
                "connected_at":"2026-11-22T11:59:30.500Z"}),
        ]
        .iter()
        .map(Connection::of)
        .collect();
        newest_first(&mut found);
        insta::assert_snapshot!(render(&COLUMNS, &rows(&found, now), 100, false), @r"
        OPENED     LASTED  STREAM            CLIENT       ID, OR WHY IT ENDED
        29s ago    open    filtered          2001:db8::1  1
                   open    filtered
        3h00m ago  1h00m   brand_new_stream               SlowReader: messages piled up at X because they w…
        3h00m ago  12m00s  sample            192.0.2.7    operator disconnect
        ");
    }
}
