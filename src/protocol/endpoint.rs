//! Every stream X serves, one row each: name, path, host, parameters, partitions, recovery, limits.
//!
//! The command line, the dialer, the session and the simulator all need these facts; in one table they cannot
//! disagree, and a stream that X adds is one more row.
//!
//! Law: a row states only what X documents; where sources disagree, it has the more careful value.

use std::time::Duration;

/// Requests in 15 minutes for a stream whose rate X does not publish: the published rate of the filtered stream, the
/// lowest of all. Too high a value locks the app out, too low a value only waits longer.
const USUAL_REQUESTS: u32 = 50;

/// One stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// What the user types: `filtered`, `firehose-en`.
    pub name: &'static str,
    /// X's own name in the connections API (`OpenAPI` 2.167); none if that API does not list the stream.
    pub endpoint_name: Option<&'static str>,
    /// Absolute path on the host, without a query.
    pub path: &'static str,
    /// The generation of the API that serves it.
    pub family: Family,
    /// The host that serves it unless the user names another.
    pub host: Host,
    /// `Some(n)`: a `partition` of 1 to n is required; one connection reads one partition (`OpenAPI` 2.167).
    pub partitions: Option<u8>,
    /// The field parameters it accepts; others are refused with a 400.
    pub fields: Fields,
    /// What it offers to repair a gap.
    pub recovery: Recovery,
    /// Connection requests an app may make in 15 minutes (X docs: rate limits). The
    /// `x-rate-limit-limit` header of a response is better evidence than this.
    pub requests_per_window: u32,
}

/// A generation of X's streaming API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// API v2: bearer token, keep-alives every 20 s.
    V2,
    /// API v1.1: OAuth 1.0a only and switched off, kept for proxies and simulators.
    V1,
}

impl Family {
    /// Longest time between two keep-alives that the server promises (X docs: consuming streaming
    /// data; the v1.1 "Connecting to a streaming endpoint" page).
    #[must_use]
    pub fn keep_alive(self) -> Duration {
        match self {
            Self::V2 => Duration::from_secs(20),
            Self::V1 => Duration::from_secs(30),
        }
    }

    /// Silence after which the connection is dead.
    ///
    /// v2: 30 s, not the documented 20 s, because real heartbeats arrive 20 to 22 s apart and 20 s reconnects for no
    /// reason; twice as long only loses time. v1.1: 90 s, three keep-alives, as its page recommends.
    #[must_use]
    pub fn stall_after(self) -> Duration {
        match self {
            Self::V2 => Duration::from_secs(30),
            Self::V1 => Duration::from_secs(90),
        }
    }
}

/// A host that serves streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Host {
    /// The API host (`OpenAPI` 2.167); `api.twitter.com` is its older name.
    Api,
    /// The v1.1 streaming host (the v1.1 "Connecting to a streaming endpoint" page).
    Stream,
}

impl Host {
    /// Scheme and host, without a trailing slash.
    #[must_use]
    pub fn base(self) -> &'static str {
        match self {
            Self::Api => "https://api.x.com",
            Self::Stream => "https://stream.twitter.com",
        }
    }
}

/// The field and expansion parameters that a stream accepts (`OpenAPI` 2.167).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fields {
    /// `tweet.fields`, `expansions`, and the media, poll, user and place fields.
    Tweet,
    /// `like_with_tweet_author.fields`, `expansions`, and the media, tweet and user fields.
    Like,
    /// None: sending one is an error.
    None,
}

/// What a stream offers to repair a gap (X docs: recovery and redundancy).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Recovery {
    /// Accepts backfill minutes, 0 to 5, for an account with that access.
    pub backfill: bool,
    /// Accepts a start and an end time within the last 24 hours; the server closes the stream after the range.
    pub range: bool,
    /// How those parameters are spelled.
    pub spelling: ParameterCase,
}

/// How a stream spells the parameters of its recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParameterCase {
    /// `backfill_minutes`, as `OpenAPI` 2.167 has it.
    Snake,
    /// `backfillMinutes`, as X docs: Powerstream has it.
    Camel,
}

impl ParameterCase {
    /// The parameter for backfill, in minutes.
    #[must_use]
    pub fn backfill(self) -> &'static str {
        match self {
            Self::Snake => "backfill_minutes",
            Self::Camel => "backfillMinutes",
        }
    }

    /// Name of the parameter that opens a range.
    #[must_use]
    pub fn start(self) -> &'static str {
        match self {
            Self::Snake => "start_time",
            Self::Camel => "startTime",
        }
    }

    /// Name of the parameter that closes a range.
    #[must_use]
    pub fn end(self) -> &'static str {
        match self {
            Self::Snake => "end_time",
            Self::Camel => "endTime",
        }
    }
}

const FULL: Recovery = Recovery { backfill: true, range: true, spelling: ParameterCase::Snake };

/// The default row: a v2 tweet stream without partitions and with full recovery. Other rows state only their
/// differences.
const USUAL: Endpoint = Endpoint {
    name: "",
    endpoint_name: None,
    path: "",
    family: Family::V2,
    host: Host::Api,
    partitions: None,
    fields: Fields::Tweet,
    recovery: FULL,
    requests_per_window: USUAL_REQUESTS,
};

const fn v2(name: &'static str, endpoint_name: &'static str, path: &'static str) -> Endpoint {
    Endpoint { name, endpoint_name: Some(endpoint_name), path, ..USUAL }
}

const fn v1(name: &'static str, path: &'static str) -> Endpoint {
    Endpoint {
        name,
        path,
        family: Family::V1,
        host: Host::Stream,
        fields: Fields::None,
        // v1.1 has only `count`, for elevated access: that is a request, not a recovery.
        recovery: Recovery { backfill: false, range: false, spelling: ParameterCase::Snake },
        ..USUAL
    }
}

/// Every stream, in the order of the help text: those that a new user needs come first.
///
/// Sources: `OpenAPI` 2.167 for v2; X docs: Activity API and Powerstream for those two; the v1.1
/// "Connecting to a streaming endpoint" page for v1.1.
pub static ENDPOINTS: [Endpoint; 18] = [
    v2("filtered", "filtered_stream", "/2/tweets/search/stream"),
    Endpoint {
        // The one v2 stream without start and end times (`OpenAPI` 2.167).
        recovery: Recovery { range: false, ..FULL },
        ..v2("sample", "sample_stream", "/2/tweets/sample/stream")
    },
    Endpoint {
        // One page of X's says 50 requests, another 100: the lower is safe under both.
        partitions: Some(2),
        ..v2("sample10", "sample10_stream", "/2/tweets/sample10/stream")
    },
    Endpoint { partitions: Some(20), ..v2("firehose", "firehose_stream", "/2/tweets/firehose/stream") },
    Endpoint {
        partitions: Some(8),
        ..v2("firehose-en", "firehose_stream_lang_en", "/2/tweets/firehose/stream/lang/en")
    },
    Endpoint {
        partitions: Some(2),
        ..v2("firehose-ja", "firehose_stream_lang_ja", "/2/tweets/firehose/stream/lang/ja")
    },
    Endpoint {
        partitions: Some(2),
        ..v2("firehose-ko", "firehose_stream_lang_ko", "/2/tweets/firehose/stream/lang/ko")
    },
    Endpoint {
        partitions: Some(2),
        ..v2("firehose-pt", "firehose_stream_lang_pt", "/2/tweets/firehose/stream/lang/pt")
    },
    Endpoint {
        partitions: Some(20),
        fields: Fields::Like,
        ..v2("likes-firehose", "likes_firehose_stream", "/2/likes/firehose/stream")
    },
    Endpoint {
        partitions: Some(2),
        fields: Fields::Like,
        ..v2("likes-sample10", "likes_sample10_stream", "/2/likes/sample10/stream")
    },
    Endpoint {
        partitions: Some(4),
        fields: Fields::None,
        requests_per_window: 100,
        ..v2("tweets-compliance", "tweets_compliance_stream", "/2/tweets/compliance/stream")
    },
    Endpoint {
        partitions: Some(4),
        fields: Fields::None,
        requests_per_window: 100,
        ..v2("users-compliance", "users_compliance_stream", "/2/users/compliance/stream")
    },
    Endpoint {
        fields: Fields::None,
        requests_per_window: 100,
        ..v2("likes-compliance", "likes_compliance_stream", "/2/likes/compliance/stream")
    },
    Endpoint { fields: Fields::None, ..v2("labels", "tweet_label_stream", "/2/tweets/label/stream") },
    Endpoint { name: "activity", path: "/2/activity/stream", fields: Fields::None, requests_per_window: 450, ..USUAL },
    Endpoint {
        name: "powerstream",
        path: "/2/powerstream",
        // Its posts are in the v1.1 format and always whole (X docs: Powerstream).
        fields: Fields::None,
        recovery: Recovery { spelling: ParameterCase::Camel, ..FULL },
        ..USUAL
    },
    v1("v1-filter", "/1.1/statuses/filter.json"),
    v1("v1-sample", "/1.1/statuses/sample.json"),
];

/// The stream of this name: what the user types, X's own `endpoint_name`, or its exact path.
#[must_use]
pub fn find(name: &str) -> Option<&'static Endpoint> {
    ENDPOINTS
        .iter()
        .find(|endpoint| endpoint.name == name || endpoint.endpoint_name == Some(name) || endpoint.path == name)
}

/// Up to three stream names that `name` may be a misspelling of, nearest first.
#[must_use]
pub fn nearest(name: &str) -> Vec<&'static str> {
    // X spells with underscores what the command line spells with dashes.
    super::nearest(&name.replace('_', "-"), ENDPOINTS.iter().map(|endpoint| endpoint.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    #[allow(clippy::type_complexity)] // The published table, column by column.
    fn the_table_is_the_published_one() {
        use Fields::{Like, None as Bare, Tweet};
        #[rustfmt::skip]
        let rows: [(&str, Option<&str>, &str, Option<u8>, Fields, bool, bool, u32); 18] = [
            ("filtered", Some("filtered_stream"), "/2/tweets/search/stream", None, Tweet, true, true, 50),
            ("sample", Some("sample_stream"), "/2/tweets/sample/stream", None, Tweet, true, false, 50),
            ("sample10", Some("sample10_stream"), "/2/tweets/sample10/stream", Some(2), Tweet, true, true, 50),
            ("firehose", Some("firehose_stream"), "/2/tweets/firehose/stream", Some(20), Tweet, true, true, 50),
            ("firehose-en", Some("firehose_stream_lang_en"), "/2/tweets/firehose/stream/lang/en", Some(8), Tweet, true, true, 50),
            ("firehose-ja", Some("firehose_stream_lang_ja"), "/2/tweets/firehose/stream/lang/ja", Some(2), Tweet, true, true, 50),
            ("firehose-ko", Some("firehose_stream_lang_ko"), "/2/tweets/firehose/stream/lang/ko", Some(2), Tweet, true, true, 50),
            ("firehose-pt", Some("firehose_stream_lang_pt"), "/2/tweets/firehose/stream/lang/pt", Some(2), Tweet, true, true, 50),
            ("likes-firehose", Some("likes_firehose_stream"), "/2/likes/firehose/stream", Some(20), Like, true, true, 50),
            ("likes-sample10", Some("likes_sample10_stream"), "/2/likes/sample10/stream", Some(2), Like, true, true, 50),
            ("tweets-compliance", Some("tweets_compliance_stream"), "/2/tweets/compliance/stream", Some(4), Bare, true, true, 100),
            ("users-compliance", Some("users_compliance_stream"), "/2/users/compliance/stream", Some(4), Bare, true, true, 100),
            ("likes-compliance", Some("likes_compliance_stream"), "/2/likes/compliance/stream", None, Bare, true, true, 100),
            ("labels", Some("tweet_label_stream"), "/2/tweets/label/stream", None, Bare, true, true, 50),
            ("activity", None, "/2/activity/stream", None, Bare, true, true, 450),
            ("powerstream", None, "/2/powerstream", None, Bare, true, true, 50),
            ("v1-filter", None, "/1.1/statuses/filter.json", None, Bare, false, false, 50),
            ("v1-sample", None, "/1.1/statuses/sample.json", None, Bare, false, false, 50),
        ];
        for (row, endpoint) in rows.iter().zip(&ENDPOINTS) {
            let has = (
                endpoint.name,
                endpoint.endpoint_name,
                endpoint.path,
                endpoint.partitions,
                endpoint.fields,
                endpoint.recovery.backfill,
                endpoint.recovery.range,
                endpoint.requests_per_window,
            );
            assert_eq!(*row, has);
        }
    }

    #[test]
    fn every_spelling_of_every_stream_is_found_and_means_one_stream() {
        let mut seen = HashSet::new();
        for endpoint in &ENDPOINTS {
            for name in [Some(endpoint.name), endpoint.endpoint_name, Some(endpoint.path)] {
                let Some(name) = name else { continue };
                assert!(seen.insert(name), "{name} twice");
                assert_eq!(find(name), Some(endpoint));
            }
        }
        assert_eq!(find(""), None);
        assert_eq!(find("/2/tweets/search/stream/"), None);
    }

    #[test]
    fn the_family_decides_host_path_and_timers() {
        for endpoint in &ENDPOINTS {
            let (host, prefix) = match endpoint.family {
                Family::V2 => (Host::Api, "/2/"),
                Family::V1 => (Host::Stream, "/1.1/"),
            };
            assert_eq!(endpoint.host, host, "{}", endpoint.name);
            assert!(endpoint.path.starts_with(prefix), "{}", endpoint.name);
            assert!(endpoint.family.stall_after() > endpoint.family.keep_alive());
        }
    }

    #[test]
    fn powerstream_alone_spells_in_camel_case() {
        for endpoint in &ENDPOINTS {
            let camel = endpoint.recovery.spelling == ParameterCase::Camel;
            assert_eq!(camel, endpoint.name == "powerstream");
        }
        assert_eq!(ParameterCase::Camel.start(), "startTime");
        assert_eq!(ParameterCase::Snake.end(), "end_time");
        assert_eq!(ParameterCase::Camel.backfill(), "backfillMinutes");
    }

    #[test]
    fn a_mistyped_stream_gets_its_neighbours() {
        assert_eq!(nearest("filterd")[0], "filtered");
        assert_eq!(nearest("smaple")[0], "sample");
        assert_eq!(nearest("firehose_en")[0], "firehose-en");
        assert!(nearest("compliance").contains(&"likes-compliance"));
        assert!(nearest("firehose-xx").len() <= 3);
        assert!(nearest("kitchen").is_empty());
    }
}
