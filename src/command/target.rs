//! Which stream the arguments name, and the request that opens it: names, paths, URLs and times in any accepted form.

use std::time::Duration;

use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{CommandError, client_config, usage_error};
use crate::cli::{self, RequestArgs, TailArgs};
use crate::net::base_url::BaseUrl;
use crate::protocol::endpoint::{self, Endpoint, Family, Host};
use crate::protocol::request::{Request, StreamParams, name};
use crate::text::sanitize;

/// What to connect to.
pub struct Target {
    /// Its name in the status row.
    pub name: String,
    /// X's name for it, where X lists connections; none if it lists none of this stream.
    pub endpoint: Option<&'static str>,
    /// The server.
    pub base: BaseUrl,
    /// The request that opens it.
    pub request: Request,
    /// Which of X's two streaming APIs it is.
    pub family: Family,
    /// Connection requests in 15 minutes.
    pub requests: u32,
    /// Whether the server ends the stream when all is delivered.
    pub finite: bool,
    /// Whether messages come framed by their length.
    pub framed: bool,
    /// The notice for when the stream opens.
    pub opened: Option<&'static str>,
    /// The notice for when the app has no access to it.
    pub denied: Option<&'static str>,
}

/// Finds the stream by its name, X's name for it, its path or its URL.
pub fn from_args(tail: &TailArgs) -> Result<Target, CommandError> {
    let word = tail.stream.as_str();
    let params = stream_params(&tail.request)?;
    let (origin, place) = match split_url(word) {
        Some((host, path)) => (Some(host), path),
        None => (None, word),
    };
    let without_query = place.split('?').next().unwrap_or(place);
    let known = endpoint::find(without_query);
    let base = base_url(tail, origin, known)?;
    let request = match known {
        Some(endpoint) if without_query == place => params.request(endpoint),
        _ if place.starts_with('/') => params.request_path(place),
        _ => return usage_error(unknown(word)),
    };
    let request = request.or_else(usage_error)?;
    let name = known.map_or_else(|| sanitize(without_query, 40), |endpoint| endpoint.name.to_owned());
    let (opened, denied) = known.map_or((None, None), remarks);
    Ok(Target {
        name,
        endpoint: known.and_then(|endpoint| endpoint.endpoint_name),
        base,
        framed: request.is_framed(),
        finite: request.is_finite(),
        request,
        family: known.map_or(Family::V2, |endpoint| endpoint.family),
        requests: known.map_or(50, |endpoint| endpoint.requests_per_window),
        opened,
        denied,
    })
}

pub(super) fn unknown(word: &str) -> String {
    let near = endpoint::nearest(word);
    let hint = if near.is_empty() {
        let names: Vec<&str> = endpoint::ENDPOINTS.iter().map(|endpoint| endpoint.name).collect();
        format!("the streams are {}", names.join(", "))
    } else {
        format!("nearest: {}", near.join(", "))
    };
    format!("no stream `{}`; {hint}", sanitize(word, 200))
}

/// Notices about a stream that X itself does not send.
fn remarks(endpoint: &Endpoint) -> (Option<&'static str>, Option<&'static str>) {
    let opened = match endpoint.name {
        "activity" => Some(
            "this stream carries only events that are subscribed to; subscriptions are made with \
             POST /2/activity/subscriptions",
        ),
        "powerstream" => {
            Some("this stream carries only posts that match rules; they are made with POST /2/powerstream/rules")
        }
        _ => None,
    };
    let denied = (endpoint.family == Family::V1).then_some(
        "X's v1.1 streams are shut off since 2023 and never accepted a bearer token; use `filtered` or `sample`",
    );
    (opened, denied)
}

/// Scheme and authority of a URL, and the path after them.
fn split_url(word: &str) -> Option<(&str, &str)> {
    let after = word.find("://")? + 3;
    let end = word[after..].find('/').map_or(word.len(), |at| after + at);
    Some((&word[..end], if end == word.len() { "/" } else { &word[end..] }))
}

fn base_url(tail: &TailArgs, origin: Option<&str>, known: Option<&'static Endpoint>) -> Result<BaseUrl, CommandError> {
    let args = client_config::base(&tail.access, known.map_or(Host::Api, |endpoint| endpoint.host))?;
    let Some(origin) = origin else { return Ok(args) };
    let named = client_config::parse_base_url("STREAM", origin)?;
    // The token is for one host; a URL given as STREAM must not send it to another.
    if (named.is_plain(), named.host()) != (args.is_plain(), args.host()) {
        return usage_error(format!("{origin} is not the base host; give it with --base-url {origin}"));
    }
    Ok(args)
}

fn stream_params(request: &RequestArgs) -> Result<StreamParams, CommandError> {
    let fields = [
        (name::TWEET, &request.tweet_fields),
        (name::EXPANSIONS, &request.expansions),
        (name::USER, &request.user_fields),
        (name::MEDIA, &request.media_fields),
        (name::POLL, &request.poll_fields),
        (name::PLACE, &request.place_fields),
        (name::LIKE, &request.like_fields),
    ];
    let now = Timestamp::now();
    let at = |flag: &str, text: &Option<String>| match text {
        Some(text) => {
            time(text, now).map(Some).or_else(|why| usage_error(format!("{flag} {}: {why}", sanitize(text, 60))))
        }
        None => Ok(None),
    };
    Ok(StreamParams {
        partition: request.partition,
        backfill: request.backfill_minutes,
        start: at("--start", &request.start)?,
        end: at("--end", &request.end)?,
        fields: fields
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(name, names)| (name, names.clone()))
            .collect(),
        all_fields: request.all_fields,
        local_dc_only: request.local_dc_only,
        track: request.track.clone(),
        follow: request.follow.clone(),
        locations: request.locations.clone(),
        language: request.language.clone(),
        filter_level: request.filter_level.clone(),
        stall_warnings: request.stall_warnings,
        delimited: request.delimited,
        parameters: request.parameters.clone(),
    })
}

/// A time of the command line, in X's form: `2h` is two hours ago; a date and time without an offset is UTC.
pub(super) fn time(text: &str, now: Timestamp) -> Result<String, String> {
    // jiff accepts a time zone in brackets and ignores it; X would get the wrong hour.
    if text.contains('[') {
        return Err("give an offset, such as +01:00, instead of the name of a time zone".to_owned());
    }
    let found = ago(text, now).or_else(|| text.parse::<Timestamp>().ok()).or_else(|| {
        let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
        let civil = text
            .parse::<civil::DateTime>()
            .or_else(|_| text.parse::<civil::Date>().map(|date| date.at(0, 0, 0, 0)))
            .ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    });
    let found = found.ok_or("a time is 2h or 30m (ago), 2026-11-22T10:00Z, or 2026-11-22")?;
    if found > now {
        return Err("that lies in the future".to_owned());
    }
    Ok(found.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Longer ago than any stream reaches back.
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);

fn ago(text: &str, now: Timestamp) -> Option<Timestamp> {
    let duration: Duration = cli::duration(text).ok().filter(|duration| *duration < TEN_YEARS)?;
    now.checked_sub(SignedDuration::try_from(duration).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_duration_ago_a_date_or_a_date_and_time() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a time");
        for (text, want) in [
            ("2h", "2026-11-22T10:00:00Z"),
            ("90m", "2026-11-22T10:30:00Z"),
            ("2026-11-22T10:00Z", "2026-11-22T10:00:00Z"),
            ("2026-11-22T10:00:05Z", "2026-11-22T10:00:05Z"),
            ("2026-11-22T10:00:05.7+02:00", "2026-11-22T08:00:05Z"),
            ("2026-11-22T10:00", "2026-11-22T10:00:00Z"),
            ("2026-11-22 10:00", "2026-11-22T10:00:00Z"),
            ("2026-11-21", "2026-11-21T00:00:00Z"),
        ] {
            assert_eq!(time(text, now).as_deref(), Ok(want), "{text}");
        }
        for text in ["", "yesterday", "2026-11-23", "10:00", "2", "-2h", "2026-13-01"] {
            assert!(time(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn a_url_is_split_after_its_host() {
        assert_eq!(split_url("https://api.x.com/2/a?b=c"), Some(("https://api.x.com", "/2/a?b=c")));
        assert_eq!(split_url("https://api.x.com"), Some(("https://api.x.com", "/")));
        assert_eq!(split_url("/2/a"), None);
    }
}
