//! A stream request as X checks it: method, partition, recovery, fields, predicates.
//!
//! X refuses unknown parameters instead of ignoring them. The documented bounds are those of `protocol::endpoint`,
//! `protocol::field` and `protocol::v1_predicate`; where X publishes no answer, the refusal is the one it gives to similar mistakes.

use std::time::Duration;

use super::answer::{ProblemResponse, Problems};
use super::query::QueryString;
use crate::protocol::endpoint::{Endpoint, Family};
use crate::protocol::field;
use crate::protocol::request::known_fields;
use crate::protocol::v1_predicate::{MAX_BOXES, MAX_PHRASE_BYTES, MAX_PHRASES, MAX_USERS};
use crate::simulator::feed::content::Content;
use crate::simulator::feed::fields::Selection;
use crate::simulator::log::LoggedRequest;
use crate::time::parse_rfc3339;

/// A request that X accepts.
pub(crate) struct StreamRequest {
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) content: Content,
    /// The partition, counted from 0, and how many there are.
    pub(crate) partition: (u64, u64),
    pub(crate) part: FeedPart,
    pub(crate) selection: Selection,
    /// The only language of its posts, on the streams of one language.
    pub(crate) lang: Option<&'static str>,
    /// v1.1 `delimited=length`: the length of each message goes before it.
    pub(crate) delimited: bool,
    /// Powerstream's `localDcOnly`, if it was given.
    pub(crate) local_dc_only: Option<bool>,
}

/// Which part of the feed a connection delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeedPart {
    /// Everything from the moment the stream opens, and from so long before it.
    Live { backfill: Duration },
    /// A range of the past, since the Unix epoch, after which the stream ends.
    Range { start: Duration, end: Duration },
}

/// How far back `start_time` may lie.
const RECOVERY: Duration = Duration::from_secs(24 * 3600);

impl StreamRequest {
    /// Checks a request that came at `now`. With `all_fields` a request without field parameters selects every field.
    pub(crate) fn parse(
        endpoint: &'static Endpoint,
        request: &LoggedRequest,
        now: Duration,
        all_fields: bool,
    ) -> Result<StreamRequest, ProblemResponse> {
        let posting = request.method == "POST" && endpoint.name == "v1-filter";
        if request.method != "GET" && !posting {
            return Err(ProblemResponse::text(405, ""));
        }
        let query = QueryString::decode(&request.query);
        let mut parsed = StreamRequest {
            endpoint,
            content: Content::from_endpoint(endpoint),
            partition: (0, 1),
            part: FeedPart::Live { backfill: Duration::ZERO },
            selection: Selection::all(),
            lang: endpoint.path.split_once("/lang/").map(|(_, lang)| lang),
            delimited: false,
            local_dc_only: None,
        };
        match endpoint.family {
            Family::V1 => parsed.check_v1(&query, &QueryString::decode(&String::from_utf8_lossy(&request.body)))?,
            Family::V2 => parsed.check_v2(&query, now, all_fields)?,
        }
        Ok(parsed)
    }

    fn check_v2(&mut self, query: &QueryString, now: Duration, all_fields: bool) -> Result<(), ProblemResponse> {
        let (endpoint, recovery) = (self.endpoint, self.endpoint.recovery);
        let [backfill, start, end] = [recovery.spelling.backfill(), recovery.spelling.start(), recovery.spelling.end()];
        let fields = known_fields(endpoint.fields);
        let mut known: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        known.extend(endpoint.partitions.map(|_| "partition"));
        known.extend(recovery.backfill.then_some(backfill));
        known.extend(recovery.range.then_some([start, end]).into_iter().flatten());
        known.extend((endpoint.name == "powerstream").then_some("localDcOnly"));

        let mut problems = Problems::default();
        problems.check(query.check_names(&known));
        if let Some(count) = endpoint.partitions {
            let number = match query.get("partition") {
                Some(_) => query.number("partition", 1..=usize::from(count), 1),
                None => Err(ProblemResponse::invalid("partition", "", "The `partition` query parameter is required")),
            };
            self.partition = (problems.check(number).unwrap_or(1) as u64 - 1, u64::from(count));
        }
        let minutes = problems.check(query.number(backfill, 0..=5, 0)).unwrap_or(0);
        self.part = FeedPart::Live { backfill: Duration::from_secs(60 * minutes as u64) };
        if recovery.range {
            match problems.check(range(query, start, end, now)).flatten() {
                Some(_) if minutes > 0 => {
                    let message = format!("`{backfill}` cannot be used with `{start}`");
                    problems.add(ProblemResponse::invalid(backfill, &minutes.to_string(), message));
                }
                Some((start, end)) => self.part = FeedPart::Range { start, end },
                None => {}
            }
        }
        for (name, values) in &fields {
            let user_context = if ["tweet.fields", "media.fields"].contains(name) { field::USER_CONTEXT } else { &[] };
            problems.check(query.words(name, &[values, user_context].concat()));
        }
        if query.get("localDcOnly").is_some() {
            self.local_dc_only = problems.check(query.flag("localDcOnly"));
        }
        problems.result()?;
        if !(all_fields && fields.iter().all(|(name, _)| query.get(name).is_none())) {
            self.selection = Selection::new(|name| query.list(name).unwrap_or_default());
        }
        Ok(())
    }

    /// v1.1 ignores parameters it does not know; a predicate it cannot read is a 406.
    fn check_v1(&mut self, query: &QueryString, form: &QueryString) -> Result<(), ProblemResponse> {
        let get = |name: &str| form.get(name).or_else(|| query.get(name));
        self.delimited = get("delimited") == Some("length");
        if get("count").is_some() {
            return Err(ProblemResponse::text(416, "Parameter count not allowed"));
        }
        if self.endpoint.name != "v1-filter" {
            return Ok(());
        }
        let list = |name: &str| get(name).map_or_else(Vec::new, |value| value.split(',').collect());
        let (track, follow, locations): (Vec<_>, Vec<_>, Vec<_>) = (list("track"), list("follow"), list("locations"));
        if [&track, &follow, &locations].iter().all(|list| list.is_empty()) {
            let text = "No filter parameters found. Expect at least one parameter: follow track locations";
            return Err(ProblemResponse::text(406, text));
        }
        if track.len() > MAX_PHRASES || follow.len() > MAX_USERS || locations.len() > 4 * MAX_BOXES {
            return Err(ProblemResponse::text(413, "Parameter list too long"));
        }
        let phrase = |phrase: &&str| (1..=MAX_PHRASE_BYTES).contains(&phrase.trim().len());
        let account = |id: &&str| id.trim().parse::<u64>().is_ok();
        let degrees = |number: &&str| number.trim().parse::<f64>().is_ok_and(f64::is_finite);
        if !track.iter().all(phrase)
            || !follow.iter().all(account)
            || !locations.iter().all(degrees)
            || locations.len() % 4 != 0
        {
            return Err(ProblemResponse::text(406, "Parameter with a value that is not valid"));
        }
        Ok(())
    }
}

/// The range that is requested; without an end it reaches to now.
fn range(
    query: &QueryString,
    start: &str,
    end: &str,
    now: Duration,
) -> Result<Option<(Duration, Duration)>, ProblemResponse> {
    let (from, to) = (time(query, start, now)?, time(query, end, now)?);
    match (from, to) {
        (None, None) => Ok(None),
        (None, Some(_)) => {
            Err(ProblemResponse::invalid(start, "", format!("`{end}` cannot be used without `{start}`")))
        }
        (Some(from), _) if now.saturating_sub(from) > RECOVERY => {
            let message = format!("The `{start}` query parameter value lies more than 24 hours in the past");
            Err(ProblemResponse::invalid(start, query.get(start).unwrap_or_default(), message))
        }
        (Some(from), to) if to.is_some_and(|to| to <= from) => {
            let message = format!("The `{start}` query parameter value must be before `{end}`");
            Err(ProblemResponse::invalid(start, query.get(start).unwrap_or_default(), message))
        }
        (Some(from), to) => Ok(Some((from, to.unwrap_or(now)))),
    }
}

/// A time that is not in the future, in the one form X accepts.
fn time(query: &QueryString, name: &str, now: Duration) -> Result<Option<Duration>, ProblemResponse> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let time = parse_rfc3339(text).filter(|_| text.len() == "YYYY-MM-DDTHH:mm:ssZ".len() && text.ends_with('Z'));
    match time {
        Some(time) if time <= now => Ok(Some(time)),
        Some(_) => {
            let message = format!("The `{name}` query parameter value [{text}] lies in the future");
            Err(ProblemResponse::invalid(name, text, message))
        }
        None => {
            let message = format!("The `{name}` query parameter value [{text}] does not match YYYY-MM-DDTHH:mm:ssZ");
            Err(ProblemResponse::invalid(name, text, message))
        }
    }
}
