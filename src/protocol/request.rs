//! The request that opens a stream: method, path, query and body, from what a person asked for.
//!
//! X refuses a stream for one parameter it does not take, so what an endpoint takes is checked here, before
//! anything is sent. Sources: `OpenAPI` 2.167; X docs: Powerstream; the v1.1 "Standard stream parameters" page.
//!
//! Its law: a parameter goes to no endpoint that does not document it, unless it was asked for by its own name.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::endpoint::{Endpoint, Family, Fields, Spelling};
use super::field;

/// What a person may ask of a stream. Times are RFC 3339, UTC, whole seconds.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// `partition`
    pub partition: Option<u8>,
    /// `backfill_minutes`, 0 to 5.
    pub backfill: Option<u8>,
    /// `start_time`
    pub start: Option<String>,
    /// `end_time`
    pub end: Option<String>,
    /// Field and expansion parameters: X's name and the values asked for.
    pub fields: Vec<(&'static str, Vec<String>)>,
    /// Every field and expansion that an app-only token may ask for.
    pub all_fields: bool,
    /// Powerstream's `localDcOnly`.
    pub local_dc_only: bool,
    /// v1.1 `track`: phrases.
    pub track: Vec<String>,
    /// v1.1 `follow`: user ids.
    pub follow: Vec<String>,
    /// v1.1 `locations`: numbers, four a box: west, south, east, north.
    pub locations: Vec<String>,
    /// v1.1 `language`: BCP 47 tags.
    pub language: Vec<String>,
    /// v1.1 `filter_level`.
    pub filter_level: Option<String>,
    /// v1.1 `stall_warnings`.
    pub stall_warnings: bool,
    /// v1.1 `delimited=length`.
    pub delimited: bool,
    /// Anything else, as it is.
    pub parameters: Vec<(String, String)>,
}

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Path and query.
    pub target: String,
    /// The form that a POST carries; none for a GET.
    pub form: Option<String>,
    /// What was asked for and may not be what was meant.
    pub warnings: Vec<String>,
}

impl Request {
    /// Whether the server ends the stream when what was asked for is delivered: a recovery range, however asked for.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.names(|name, _| ["start_time", "end_time", "startTime", "endTime"].contains(&name))
    }

    /// Whether messages come framed by their length.
    #[must_use]
    pub fn is_framed(&self) -> bool {
        self.names(|name, value| (name, value) == ("delimited", "length"))
    }

    fn names(&self, such: impl Fn(&str, &str) -> bool) -> bool {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let form = self.form.as_deref().unwrap_or_default();
        query.split('&').chain(form.split('&')).any(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            such(name, value)
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

/// A GET longer than this goes as a POST where the endpoint allows it: X refuses long URLs, at a length that
/// nobody published; servers commonly take 2 KB for a whole line.
const LONGEST_QUERY: usize = 1500;

/// v1.1 limits: phrases, bytes a phrase, user ids, boxes.
const TRACK: usize = 400;
const PHRASE: usize = 60;
const FOLLOW: usize = 5000;
const BOXES: usize = 25;

/// The characters that a query keeps as they are: RFC 3986 unreserved ones and the comma that joins X's lists.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b',').remove(b':');

impl Wish {
    /// Makes the request for a stream of the table.
    ///
    /// # Errors
    /// The wish does not fit the endpoint, in a sentence that says what does.
    pub fn of(&self, endpoint: &Endpoint) -> Result<Request, String> {
        let mut warnings = Vec::new();
        let mut query: Vec<(String, String)> = Vec::new();
        let mut put = |name: &str, value: String| query.push((name.to_owned(), value));
        let by_name = self.parameters.iter().any(|(name, _)| name == "partition");
        match (endpoint.partitions, self.partition) {
            (Some(_), None) if by_name => {}
            (Some(last), Some(number)) if (1..=last).contains(&number) => put("partition", number.to_string()),
            (Some(last), _) => {
                return Err(format!("{} is split: give --partition N, N from 1 to {last}", endpoint.name));
            }
            (None, Some(_)) => return Err(format!("{} has no partitions", endpoint.name)),
            (None, None) => {}
        }
        self.recover(endpoint, &mut put)?;
        self.ask_for_fields(endpoint, &mut put, &mut warnings)?;
        if self.local_dc_only {
            if endpoint.recovery.spelling != Spelling::Camel {
                return Err(format!("{} does not take --local-dc-only; powerstream does", endpoint.name));
            }
            put("localDcOnly", "true".to_owned());
        }
        if endpoint.family == Family::V1 {
            self.predicates(endpoint, &mut put)?;
        } else if let Some(flag) = self.v1_flag() {
            return Err(format!("{} does not take {flag}; v1-filter and v1-sample do", endpoint.name));
        }
        for (name, value) in &self.parameters {
            if query.iter().any(|(known, _)| known == name) {
                return Err(format!("-p {name} is given by a flag as well; give it once"));
            }
            query.push((name.clone(), value.clone()));
        }
        Ok(assemble(endpoint.path, &query, endpoint.name == "v1-filter", warnings))
    }

    /// Makes the request for a path that is in no table: what was asked for by name is sent, unchecked.
    ///
    /// # Errors
    /// A flag was given that means something only for a known stream.
    pub fn of_path(&self, path: &str) -> Result<Request, String> {
        let flagged = !self.fields.is_empty() || self.all_fields || self.local_dc_only || self.v1_flag().is_some();
        if flagged || self.backfill.is_some() || self.start.is_some() || self.end.is_some() {
            return Err("for a path, give parameters by name with -p KEY=VALUE".to_owned());
        }
        let partition = self.partition.map(|number| ("partition".to_owned(), number.to_string()));
        let query: Vec<(String, String)> = partition.into_iter().chain(self.parameters.iter().cloned()).collect();
        Ok(assemble(path, &query, false, Vec::new()))
    }

    fn recover(&self, endpoint: &Endpoint, put: &mut impl FnMut(&str, String)) -> Result<(), String> {
        let recovery = endpoint.recovery;
        match self.backfill {
            Some(minutes) if !recovery.backfill => {
                return Err(format!("{} does not take --backfill-minutes {minutes}", endpoint.name));
            }
            // X's specification allows 0, its prose does not; it means the same as nothing.
            None | Some(0) => {}
            Some(minutes @ 1..=5) => put(recovery.spelling.backfill(), minutes.to_string()),
            Some(_) => return Err("--backfill-minutes is from 0 to 5".to_owned()),
        }
        if (self.start.is_some() || self.end.is_some()) && !recovery.range {
            return Err(format!("{} has no recovery: it takes neither --start nor --end", endpoint.name));
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

    fn ask_for_fields(
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
                return Err(format!("{} does not take {flag}", endpoint.name));
            };
            for value in asked {
                if field::USER_CONTEXT.contains(&value.as_str()) {
                    warnings.push(format!("{name} {value} wants a user's token; an app-only one gets partial errors"));
                } else if !values.contains(&value.as_str()) {
                    warnings.push(format!("{name} {value} is not one that is known here; sent as it is"));
                }
            }
        }
        if self.all_fields && known.is_empty() {
            return Err(format!("{} takes no fields", endpoint.name));
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

    fn predicates(&self, endpoint: &Endpoint, put: &mut impl FnMut(&str, String)) -> Result<(), String> {
        let given = !self.track.is_empty() || !self.follow.is_empty() || !self.locations.is_empty();
        if endpoint.name != "v1-filter" && given {
            return Err(format!("{} takes neither --track nor --follow nor --locations", endpoint.name));
        }
        let by_name = |name: &str| self.parameters.iter().any(|(key, _)| key == name);
        if endpoint.name == "v1-filter" && !given && !["track", "follow", "locations"].into_iter().any(by_name) {
            return Err("v1-filter wants at least one of --track, --follow and --locations".to_owned());
        }
        check_track(&self.track)?;
        check_follow(&self.follow)?;
        check_locations(&self.locations)?;
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
fn known_fields(fields: Fields) -> Vec<(&'static str, &'static [&'static str])> {
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

fn check_track(track: &[String]) -> Result<(), String> {
    if track.len() > TRACK {
        return Err(format!("--track has {} phrases; X takes {TRACK}", track.len()));
    }
    match track.iter().find(|phrase| phrase.is_empty() || phrase.len() > PHRASE) {
        Some(phrase) => Err(format!("--track: a phrase is 1 to {PHRASE} bytes long; `{phrase}` is {}", phrase.len())),
        None => Ok(()),
    }
}

fn check_follow(follow: &[String]) -> Result<(), String> {
    if follow.len() > FOLLOW {
        return Err(format!("--follow has {} ids; X takes {FOLLOW}", follow.len()));
    }
    match follow.iter().find(|id| id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(id) => Err(format!("--follow takes numeric user ids; `{id}` is none")),
        None => Ok(()),
    }
}

fn check_locations(locations: &[String]) -> Result<(), String> {
    const FORM: &str = "give boxes as west,south,east,north, such as -122.75,36.8,-121.75,37.8";
    if !locations.len().is_multiple_of(4) {
        return Err(format!("--locations has {} numbers; {FORM}", locations.len()));
    }
    if locations.len() / 4 > BOXES {
        return Err(format!("--locations has {} boxes; X takes {BOXES}", locations.len() / 4));
    }
    let number = |text: &String| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let numbers: Option<Vec<f64>> = locations.iter().map(number).collect();
    for corners in numbers.ok_or_else(|| format!("--locations takes numbers; {FORM}"))?.chunks(4) {
        let [west, south, east, north] = corners else { continue };
        let shown = format!("{west},{south},{east},{north}");
        let sides = [(west, east, 180.0), (south, north, 90.0)];
        for (low, high, bound) in sides {
            if low.abs() > bound || high.abs() > bound {
                return Err(format!(
                    "--locations {shown}: longitude comes first and is within 180, latitude within 90"
                ));
            }
            if low >= high {
                return Err(format!("--locations {shown}: the south-west corner comes first; {FORM}"));
            }
            // The sum of two rounded decimals may miss a tenth by less than this.
            if high - low < 0.1 - 1e-9 {
                return Err(format!("--locations {shown}: the side of a box is 0.1 to 360 degrees long"));
            }
        }
    }
    Ok(())
}

fn assemble(path: &str, query: &[(String, String)], may_post: bool, warnings: Vec<String>) -> Request {
    let encode = |text: &str| utf8_percent_encode(text, KEPT).to_string();
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

    fn of(stream: &str, wish: &Wish) -> Result<Request, String> {
        wish.of(find(stream).expect("a stream"))
    }

    fn target(stream: &str, wish: &Wish) -> String {
        of(stream, wish).expect("a request").target
    }

    fn words(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn lists_are_joined_and_values_encoded() {
        let wish = Wish {
            fields: vec![(name::TWEET, words("lang,created_at"))],
            parameters: vec![("a b".to_owned(), "c&d=é".to_owned())],
            backfill: Some(0),
            ..Wish::default()
        };
        assert_eq!(
            target("filtered", &wish),
            "/2/tweets/search/stream?tweet.fields=lang,created_at&a%20b=c%26d%3D%C3%A9"
        );
    }

    #[test]
    fn all_fields_leaves_out_what_wants_a_user() {
        let wish = Wish { all_fields: true, ..Wish::default() };
        let text = target("sample", &wish);
        assert!(
            text.contains("tweet.fields=article,") && text.contains("expansions=") && text.contains("place.fields=")
        );
        assert!(!text.contains("non_public") && !text.contains("organic") && !text.contains("promoted"));
        let wish = Wish { partition: Some(1), all_fields: true, ..Wish::default() };
        assert!(target("likes-sample10", &wish).contains("like_with_tweet_author.fields="));
        for stream in ["labels", "activity", "likes-compliance", "powerstream"] {
            let wish = Wish { all_fields: true, ..Wish::default() };
            assert!(of(stream, &wish).is_err(), "{stream} takes no fields");
        }
    }

    #[test]
    fn unknown_fields_are_sent_with_a_warning() {
        let wish = Wish { fields: vec![(name::TWEET, words("lang,brand_new,organic_metrics"))], ..Wish::default() };
        let request = of("filtered", &wish).expect("a request");
        assert!(request.target.ends_with("tweet.fields=lang,brand_new,organic_metrics"));
        assert_eq!(request.warnings.len(), 2);
    }

    #[test]
    fn what_an_endpoint_does_not_take_is_refused_here() {
        let field = |name| Wish { fields: vec![(name, words("id"))], ..Wish::default() };
        for (stream, wish) in [
            ("sample", Wish { start: Some("2026-11-22T10:00:00Z".to_owned()), ..Wish::default() }),
            ("filtered", Wish { backfill: Some(6), ..Wish::default() }),
            ("filtered", Wish { partition: Some(1), ..Wish::default() }),
            ("firehose", Wish::default()),
            ("firehose", Wish { partition: Some(21), ..Wish::default() }),
            ("filtered", Wish { local_dc_only: true, ..Wish::default() }),
            ("filtered", Wish { track: words("a"), ..Wish::default() }),
            ("filtered", field(name::LIKE)),
            ("labels", field(name::TWEET)),
            ("v1-filter", Wish::default()),
            ("v1-sample", Wish { track: words("a"), ..Wish::default() }),
            ("v1-sample", Wish { backfill: Some(1), ..Wish::default() }),
            (
                "filtered",
                Wish {
                    start: Some("2026-11-22T10:00:00Z".to_owned()),
                    end: Some("2026-11-22T09:00:00Z".to_owned()),
                    ..Wish::default()
                },
            ),
        ] {
            assert!(of(stream, &wish).is_err(), "{stream} {wish:?}");
        }
    }

    #[test]
    fn powerstream_is_spelled_in_camel_case() {
        let wish = Wish {
            backfill: Some(2),
            start: Some("2026-11-22T10:00:00Z".to_owned()),
            local_dc_only: true,
            ..Wish::default()
        };
        assert_eq!(
            target("powerstream", &wish),
            "/2/powerstream?backfillMinutes=2&startTime=2026-11-22T10:00:00Z&localDcOnly=true"
        );
    }

    #[test]
    fn long_predicates_are_posted() {
        let wish = Wish { track: words("cats,dogs"), ..Wish::default() };
        assert_eq!(target("v1-filter", &wish), "/1.1/statuses/filter.json?track=cats,dogs");
        let wish = Wish { track: (0..400).map(|n| format!("phrase number {n}")).collect(), ..Wish::default() };
        let request = of("v1-filter", &wish).expect("a request");
        assert_eq!(request.target, "/1.1/statuses/filter.json");
        assert!(request.form.expect("a form").starts_with("track=phrase%20number%200,"));
    }

    #[test]
    fn v1_predicates_are_checked_beforehand() {
        let track = |track: Vec<String>| of("v1-filter", &Wish { track, ..Wish::default() });
        assert!(track(vec!["x".repeat(60)]).is_ok() && track(vec!["x".repeat(61)]).is_err());
        assert!(track(vec!["é".repeat(31)]).is_err(), "bytes, not characters");
        assert!(track(vec![String::new()]).is_err() && track(vec!["x".to_owned(); 401]).is_err());
        let follow = |follow: Vec<String>| of("v1-filter", &Wish { follow, ..Wish::default() });
        assert!(follow(vec!["1".to_owned(); 5000]).is_ok() && follow(vec!["1".to_owned(); 5001]).is_err());
        assert!(follow(words("12,x")).is_err() && follow(words("@x")).is_err());
        let locations = |text: &str| of("v1-filter", &Wish { locations: words(text), ..Wish::default() });
        for good in ["-122.75,36.8,-121.75,37.8", "-180,-90,180,90", "0,0,0.1,0.1", "0.2,0,0.3,1"] {
            assert!(locations(good).is_ok(), "{good}");
        }
        for bad in ["1,2,3", "37.8,-122.5,36.8,-121", "1,1,0,2", "0,0,0.05,1", "0,0,1,x", "0,0,181,1", "0,-91,1,1"] {
            assert!(locations(bad).is_err(), "{bad}");
        }
        assert!(locations(&vec!["0,0,1,1"; 25].join(",")).is_ok());
        assert!(locations(&vec!["0,0,1,1"; 26].join(",")).is_err());
    }

    #[test]
    fn a_path_takes_parameters_by_name_only() {
        let wish = Wish { parameters: vec![("a".to_owned(), "1".to_owned())], ..Wish::default() };
        assert_eq!(wish.of_path("/2/new?x=1").expect("a request").target, "/2/new?x=1&a=1");
        assert!(Wish { all_fields: true, ..Wish::default() }.of_path("/2/new").is_err());
    }
}
