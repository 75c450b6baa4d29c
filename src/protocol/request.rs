//! The request that opens a stream: method, path, query and body, from the parameters that the user gave.
//!
//! X refuses a stream for one parameter that it does not accept, so parameters are checked here, before anything is
//! sent. Sources: `OpenAPI` 2.167; X docs: Powerstream; the v1.1 "Standard stream parameters" page.
//!
//! Law: an endpoint gets only parameters that it documents, and those that the user gave by X's name (`-p`).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::endpoint::{Endpoint, Family, Fields, ParameterCase};
use super::{field, v1_predicate};

/// The parameters of a stream. Times are RFC 3339, UTC, whole seconds.
#[derive(Debug, Clone, Default)]
pub struct StreamParams {
    /// `partition`
    pub partition: Option<u8>,
    /// `backfill_minutes`, 0 to 5.
    pub backfill: Option<u8>,
    /// `start_time`
    pub start: Option<String>,
    /// `end_time`
    pub end: Option<String>,
    /// Field and expansion parameters: X's name and the requested values.
    pub fields: Vec<(&'static str, Vec<String>)>,
    /// Request every field and expansion that an app-only token may have.
    pub all_fields: bool,
    /// Powerstream's `localDcOnly`.
    pub local_dc_only: bool,
    /// v1.1 `track`: phrases.
    pub track: Vec<String>,
    /// v1.1 `follow`: user ids.
    pub follow: Vec<String>,
    /// v1.1 `locations`: numbers, four per box: west, south, east, north.
    pub locations: Vec<String>,
    /// v1.1 `language`: BCP 47 tags.
    pub language: Vec<String>,
    /// v1.1 `filter_level`.
    pub filter_level: Option<String>,
    /// v1.1 `stall_warnings`.
    pub stall_warnings: bool,
    /// v1.1 `delimited=length`.
    pub delimited: bool,
    /// Other parameters, sent unchecked.
    pub parameters: Vec<(String, String)>,
}

/// A request, ready to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Path and query.
    pub target: String,
    /// The form of a POST; none for a GET.
    pub form: Option<String>,
    /// Parameters that are probably mistakes.
    pub warnings: Vec<String>,
}

impl Request {
    /// Whether the server ends the stream when all is delivered: it has a recovery range, from a flag or from `-p`.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.has_parameter(|name, _| ["start_time", "end_time", "startTime", "endTime"].contains(&name))
    }

    /// Whether messages are framed by their length.
    #[must_use]
    pub fn is_framed(&self) -> bool {
        self.has_parameter(|name, value| (name, value) == ("delimited", "length"))
    }

    fn has_parameter(&self, accepts: impl Fn(&str, &str) -> bool) -> bool {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let form = self.form.as_deref().unwrap_or_default();
        query.split('&').chain(form.split('&')).any(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            accepts(name, value)
        })
    }
}

/// Names of the parameters that hold fields, as `--…-fields` set them.
pub mod name {
    /// Fields of posts.
    pub const TWEET: &str = "tweet.fields";
    /// Objects to include.
    pub const EXPANSIONS: &str = "expansions";
    /// Fields of media.
    pub const MEDIA: &str = "media.fields";
    /// Fields of polls.
    pub const POLL: &str = "poll.fields";
    /// Fields of users.
    pub const USER: &str = "user.fields";
    /// Fields of places.
    pub const PLACE: &str = "place.fields";
    /// Fields of likes.
    pub const LIKE: &str = "like_with_tweet_author.fields";
}

/// A longer query is sent as a POST where the endpoint allows it. X refuses long URLs and does not publish the limit;
/// servers commonly accept 2 KB for the whole request line.
const LONGEST_QUERY: usize = 1500;

/// The characters that a query does not escape: RFC 3986 unreserved ones and the comma that joins X's lists.
const UNESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b',').remove(b':');

impl StreamParams {
    /// The request for a known stream.
    ///
    /// # Errors
    /// The endpoint does not accept a parameter; the text says what it accepts.
    pub fn request(&self, endpoint: &Endpoint) -> Result<Request, String> {
        let mut warnings = Vec::new();
        let mut query: Vec<(String, String)> = Vec::new();
        let mut put = |name: &str, value: String| query.push((name.to_owned(), value));
        let by_name = self.parameters.iter().any(|(name, _)| name == "partition");
        match (endpoint.partitions, self.partition) {
            (Some(_), None) if by_name => {}
            (Some(last), Some(number)) if (1..=last).contains(&number) => put("partition", number.to_string()),
            (Some(last), _) => {
                return Err(format!("{} has partitions: pass --partition N, N from 1 to {last}", endpoint.name));
            }
            (None, Some(_)) => return Err(format!("{} has no partitions", endpoint.name)),
            (None, None) => {}
        }
        self.put_recovery(endpoint, &mut put)?;
        self.put_fields(endpoint, &mut put, &mut warnings)?;
        if self.local_dc_only {
            if endpoint.recovery.spelling != ParameterCase::Camel {
                return Err(format!("{} does not accept --local-dc-only; powerstream does", endpoint.name));
            }
            put("localDcOnly", "true".to_owned());
        }
        if endpoint.family == Family::V1 {
            self.put_predicates(endpoint, &mut put)?;
        } else if let Some(flag) = self.v1_flag() {
            return Err(format!("{} does not accept {flag}; v1-filter and v1-sample do", endpoint.name));
        }
        for (name, value) in &self.parameters {
            if query.iter().any(|(known, _)| known == name) {
                return Err(format!("-p {name} is also set by a flag; pass it once"));
            }
            query.push((name.clone(), value.clone()));
        }
        Ok(assemble(endpoint.path, &query, endpoint.name == "v1-filter", warnings))
    }

    /// The request for a path that is not a known stream: parameters by X's name are sent unchecked.
    ///
    /// # Errors
    /// A flag was given that has a meaning only for a known stream.
    pub fn request_path(&self, path: &str) -> Result<Request, String> {
        let flagged = !self.fields.is_empty() || self.all_fields || self.local_dc_only || self.v1_flag().is_some();
        if flagged || self.backfill.is_some() || self.start.is_some() || self.end.is_some() {
            return Err("for a path, pass parameters with -p KEY=VALUE".to_owned());
        }
        let partition = self.partition.map(|number| ("partition".to_owned(), number.to_string()));
        let query: Vec<(String, String)> = partition.into_iter().chain(self.parameters.iter().cloned()).collect();
        Ok(assemble(path, &query, false, Vec::new()))
    }

    fn put_recovery(&self, endpoint: &Endpoint, put: &mut impl FnMut(&str, String)) -> Result<(), String> {
        let recovery = endpoint.recovery;
        match self.backfill {
            Some(minutes) if !recovery.backfill => {
                return Err(format!("{} does not accept --backfill-minutes {minutes}", endpoint.name));
            }
            // X's specification allows 0, its prose does not; both mean no backfill.
            None | Some(0) => {}
            Some(minutes @ 1..=5) => put(recovery.spelling.backfill(), minutes.to_string()),
            Some(_) => return Err("--backfill-minutes is from 0 to 5".to_owned()),
        }
        if (self.start.is_some() || self.end.is_some()) && !recovery.range {
            return Err(format!("{} has no recovery: it accepts neither --start nor --end", endpoint.name));
        }
        // RFC 3339 times of one form compare as texts.
        if let (Some(start), Some(end)) = (&self.start, &self.end)
            && start >= end
        {
            return Err(format!("--start {start} is not before --end {end}"));
        }
        let times = [(recovery.spelling.start(), &self.start), (recovery.spelling.end(), &self.end)];
        for (name, time) in times {
            if let Some(time) = time {
                put(name, time.clone());
            }
        }
        Ok(())
    }

    fn put_fields(
        &self,
        endpoint: &Endpoint,
        put: &mut impl FnMut(&str, String),
        warnings: &mut Vec<String>,
    ) -> Result<(), String> {
        let known = known_fields(endpoint.fields);
        for (name, asked) in &self.fields {
            let Some((_, values)) = known.iter().find(|(known, _)| known == name) else {
                let flag = format!("--{}", name.replace('.', "-").replace("like-with-tweet-author", "like"));
                let flag = flag.replace("like_with_tweet_author", "like");
                return Err(format!("{} does not accept {flag}", endpoint.name));
            };
            for value in asked {
                if field::USER_CONTEXT.contains(&value.as_str()) {
                    warnings.push(format!("{name} {value} needs a user token; an app-only token gets partial errors"));
                } else if !values.contains(&value.as_str()) {
                    warnings.push(format!("{name} {value} is not a documented value; sent unchanged"));
                }
            }
        }
        if self.all_fields && known.is_empty() {
            return Err(format!("{} accepts no fields", endpoint.name));
        }
        for (name, values) in known {
            let asked = self.fields.iter().find(|(asked, _)| *asked == name).map(|(_, asked)| asked);
            let mut list: Vec<&str> = if self.all_fields { values.to_vec() } else { Vec::new() };
            for value in asked.into_iter().flatten() {
                if !list.contains(&value.as_str()) {
                    list.push(value);
                }
            }
            if !list.is_empty() {
                put(name, list.join(","));
            }
        }
        Ok(())
    }

    fn v1_flag(&self) -> Option<&'static str> {
        [
            ("--track", !self.track.is_empty()),
            ("--follow", !self.follow.is_empty()),
            ("--locations", !self.locations.is_empty()),
            ("--language", !self.language.is_empty()),
            ("--filter-level", self.filter_level.is_some()),
            ("--stall-warnings", self.stall_warnings),
            ("--delimited", self.delimited),
        ]
        .into_iter()
        .find_map(|(flag, given)| given.then_some(flag))
    }

    fn put_predicates(&self, endpoint: &Endpoint, put: &mut impl FnMut(&str, String)) -> Result<(), String> {
        let given = !self.track.is_empty() || !self.follow.is_empty() || !self.locations.is_empty();
        if endpoint.name != "v1-filter" && given {
            return Err(format!("{} accepts neither --track nor --follow nor --locations", endpoint.name));
        }
        let by_name = |name: &str| self.parameters.iter().any(|(key, _)| key == name);
        if endpoint.name == "v1-filter" && !given && !["track", "follow", "locations"].into_iter().any(by_name) {
            return Err("v1-filter needs at least one of --track, --follow and --locations".to_owned());
        }
        v1_predicate::check(&self.track, &self.follow, &self.locations)?;
        for (name, values) in [
            ("track", &self.track),
            ("follow", &self.follow),
            ("locations", &self.locations),
            ("language", &self.language),
        ] {
            if !values.is_empty() {
                put(name, values.join(","));
            }
        }
        if let Some(level) = &self.filter_level {
            put("filter_level", level.clone());
        }
        if self.stall_warnings {
            put("stall_warnings", "true".to_owned());
        }
        if self.delimited {
            put("delimited", "length".to_owned());
        }
        Ok(())
    }
}

/// The field parameters of a stream and their values, in the order in which they are sent.
#[must_use]
pub fn known_fields(fields: Fields) -> Vec<(&'static str, &'static [&'static str])> {
    let of_posts = [(name::TWEET, field::TWEET), (name::MEDIA, field::MEDIA), (name::USER, field::USER)];
    match fields {
        Fields::None => Vec::new(),
        Fields::Tweet => {
            [(name::EXPANSIONS, field::EXPANSIONS), (name::POLL, field::POLL), (name::PLACE, field::PLACE)]
                .into_iter()
                .chain(of_posts)
                .collect()
        }
        Fields::Like => [(name::LIKE, field::LIKE), (name::EXPANSIONS, field::LIKE_EXPANSIONS)]
            .into_iter()
            .chain(of_posts)
            .collect(),
    }
}

fn assemble(path: &str, query: &[(String, String)], may_post: bool, warnings: Vec<String>) -> Request {
    let encode = |text: &str| utf8_percent_encode(text, UNESCAPED).to_string();
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let text = pairs.join("&");
    if may_post && text.len() > LONGEST_QUERY {
        return Request { target: path.to_owned(), form: Some(text), warnings };
    }
    let target = match (text.is_empty(), path.contains('?')) {
        (true, _) => path.to_owned(),
        (false, true) => format!("{path}&{text}"),
        (false, false) => format!("{path}?{text}"),
    };
    Request { target, form: None, warnings }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::endpoint::find;

    fn request(stream: &str, params: &StreamParams) -> Result<Request, String> {
        params.request(find(stream).expect("a stream"))
    }

    fn target(stream: &str, params: &StreamParams) -> String {
        request(stream, params).expect("a request").target
    }

    fn words(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn lists_are_joined_and_values_encoded() {
        let params = StreamParams {
            fields: vec![(name::TWEET, words("lang,created_at"))],
            parameters: vec![("a b".to_owned(), "c&d=é".to_owned())],
            backfill: Some(0),
            ..StreamParams::default()
        };
        assert_eq!(
            target("filtered", &params),
            "/2/tweets/search/stream?tweet.fields=lang,created_at&a%20b=c%26d%3D%C3%A9"
        );
    }

    #[test]
    fn all_fields_leaves_out_what_needs_a_user_token() {
        let params = StreamParams { all_fields: true, ..StreamParams::default() };
        let text = target("sample", &params);
        assert!(
            text.contains("tweet.fields=article,") && text.contains("expansions=") && text.contains("place.fields=")
        );
        assert!(!text.contains("non_public") && !text.contains("organic") && !text.contains("promoted"));
        let params = StreamParams { partition: Some(1), all_fields: true, ..StreamParams::default() };
        assert!(target("likes-sample10", &params).contains("like_with_tweet_author.fields="));
        for stream in ["labels", "activity", "likes-compliance", "powerstream"] {
            let params = StreamParams { all_fields: true, ..StreamParams::default() };
            assert!(request(stream, &params).is_err(), "{stream} takes no fields");
        }
    }

    #[test]
    fn unknown_fields_are_sent_with_a_warning() {
        let params = StreamParams {
            fields: vec![(name::TWEET, words("lang,brand_new,organic_metrics"))],
            ..StreamParams::default()
        };
        let request = request("filtered", &params).expect("a request");
        assert!(request.target.ends_with("tweet.fields=lang,brand_new,organic_metrics"));
        assert_eq!(request.warnings.len(), 2);
    }

    #[test]
    fn what_an_endpoint_does_not_accept_is_refused_before_sending() {
        let field = |name| StreamParams { fields: vec![(name, words("id"))], ..StreamParams::default() };
        for (stream, params) in [
            ("sample", StreamParams { start: Some("2026-11-22T10:00:00Z".to_owned()), ..StreamParams::default() }),
            ("filtered", StreamParams { backfill: Some(6), ..StreamParams::default() }),
            ("filtered", StreamParams { partition: Some(1), ..StreamParams::default() }),
            ("firehose", StreamParams::default()),
            ("firehose", StreamParams { partition: Some(21), ..StreamParams::default() }),
            ("filtered", StreamParams { local_dc_only: true, ..StreamParams::default() }),
            ("filtered", StreamParams { track: words("a"), ..StreamParams::default() }),
            ("filtered", field(name::LIKE)),
            ("labels", field(name::TWEET)),
            ("v1-filter", StreamParams::default()),
            ("v1-filter", StreamParams { follow: words("@x"), ..StreamParams::default() }),
            ("v1-sample", StreamParams { track: words("a"), ..StreamParams::default() }),
            ("v1-sample", StreamParams { backfill: Some(1), ..StreamParams::default() }),
            (
                "filtered",
                StreamParams {
                    start: Some("2026-11-22T10:00:00Z".to_owned()),
                    end: Some("2026-11-22T09:00:00Z".to_owned()),
                    ..StreamParams::default()
                },
            ),
        ] {
            assert!(request(stream, &params).is_err(), "{stream} {params:?}");
        }
    }

    #[test]
    fn powerstream_is_spelled_in_camel_case() {
        let params = StreamParams {
            backfill: Some(2),
            start: Some("2026-11-22T10:00:00Z".to_owned()),
            local_dc_only: true,
            ..StreamParams::default()
        };
        assert_eq!(
            target("powerstream", &params),
            "/2/powerstream?backfillMinutes=2&startTime=2026-11-22T10:00:00Z&localDcOnly=true"
        );
    }

    #[test]
    fn long_predicates_are_posted() {
        let params = StreamParams { track: words("cats,dogs"), ..StreamParams::default() };
        assert_eq!(target("v1-filter", &params), "/1.1/statuses/filter.json?track=cats,dogs");
        let params =
            StreamParams { track: (0..400).map(|n| format!("phrase number {n}")).collect(), ..StreamParams::default() };
        let request = request("v1-filter", &params).expect("a request");
        assert_eq!(request.target, "/1.1/statuses/filter.json");
        assert!(request.form.expect("a form").starts_with("track=phrase%20number%200,"));
    }

    #[test]
    fn a_path_accepts_parameters_by_name_only() {
        let params = StreamParams { parameters: vec![("a".to_owned(), "1".to_owned())], ..StreamParams::default() };
        assert_eq!(params.request_path("/2/new?x=1").expect("a request").target, "/2/new?x=1&a=1");
        assert!(StreamParams { all_fields: true, ..StreamParams::default() }.request_path("/2/new").is_err());
    }
}
