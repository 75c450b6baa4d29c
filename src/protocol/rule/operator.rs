//! The operators of the filtered stream, and what their values look like.
//!
//! The list is X's own (X API docs: filtered stream, operators, with the other names in an earlier edition of the
//! page). X adds operators and values without notice, so what is not listed is a warning; an error is only what X
//! refuses according to its documents.

use super::super::nearest;
use super::finding::Severity;
use super::piece;

/// Whether an operator may be alone in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Only together with a standalone operator.
    Joined,
    /// The documents do not say.
    Unclear,
    Standalone,
}

#[derive(Debug, Clone, Copy)]
enum ValueType {
    Text,
    User,
    Number,
    Range,
    Percent,
    Fraction,
    Language,
    Country,
    Context,
    Circle,
    Rectangle,
    OneOf(&'static [&'static str]),
}

#[derive(Debug)]
pub(super) struct Operator {
    pub(super) name: &'static str,
    pub(super) class: Class,
    value_type: ValueType,
}

impl Operator {
    /// True if the value is an area in brackets, with spaces inside.
    pub(super) const fn is_area(&self) -> bool {
        matches!(self.value_type, ValueType::Circle | ValueType::Rectangle)
    }
}

const fn operator(name: &'static str, class: Class, value_type: ValueType) -> Operator {
    Operator { name, class, value_type }
}

const HAS: &[&str] =
    &["hashtags", "cashtags", "links", "mentions", "media", "images", "video_link", "geo", "videos", "media_link"];
const IS: &[&str] = &["retweet", "reply", "quote", "verified", "nullcast"];

/// In the order of how likely a suggestion is intended.
const OPERATORS: [Operator; 47] = {
    use Class::{Joined, Standalone, Unclear};
    [
        operator("from", Standalone, ValueType::User),
        operator("to", Standalone, ValueType::User),
        operator("is", Joined, ValueType::OneOf(IS)),
        operator("has", Joined, ValueType::OneOf(HAS)),
        operator("lang", Joined, ValueType::Language),
        operator("sample", Joined, ValueType::Percent),
        operator("url", Standalone, ValueType::Text),
        operator("retweets_of", Standalone, ValueType::User),
        operator("from_affiliate_of", Standalone, ValueType::User),
        operator("to_affiliate_of", Standalone, ValueType::User),
        operator("context", Standalone, ValueType::Context),
        operator("entity", Standalone, ValueType::Text),
        operator("conversation_id", Standalone, ValueType::Number),
        operator("bio", Standalone, ValueType::Text),
        operator("bio_name", Standalone, ValueType::Text),
        operator("bio_location", Standalone, ValueType::Text),
        operator("place", Standalone, ValueType::Text),
        operator("place_country", Standalone, ValueType::Country),
        operator("point_radius", Standalone, ValueType::Circle),
        operator("bounding_box", Standalone, ValueType::Rectangle),
        operator("followers_count", Unclear, ValueType::Range),
        operator("min_followers", Unclear, ValueType::Number),
        operator("tweets_count", Unclear, ValueType::Range),
        operator("following_count", Unclear, ValueType::Range),
        operator("listed_count", Unclear, ValueType::Range),
        operator("url_title", Unclear, ValueType::Text),
        operator("url_description", Unclear, ValueType::Text),
        operator("url_contains", Unclear, ValueType::Text),
        operator("source", Unclear, ValueType::Text),
        operator("in_reply_to_tweet_id", Unclear, ValueType::Number),
        operator("retweets_of_tweet_id", Unclear, ValueType::Number),
        // Enterprise with the embedding tier.
        operator("embedding", Standalone, ValueType::Text),
        operator("embedding_threshold", Joined, ValueType::Fraction),
        // Other names of the same operators.
        operator("retweets_of_user", Standalone, ValueType::User),
        operator("user_bio", Standalone, ValueType::Text),
        operator("user_bio_name", Standalone, ValueType::Text),
        operator("user_bio_location", Standalone, ValueType::Text),
        operator("geo_bounding_box", Standalone, ValueType::Rectangle),
        operator("statuses_count", Unclear, ValueType::Range),
        operator("friends_count", Unclear, ValueType::Range),
        operator("user_in_lists_count", Unclear, ValueType::Range),
        operator("within_url_title", Unclear, ValueType::Text),
        operator("within_url_description", Unclear, ValueType::Text),
        operator("in_reply_to_status_id", Unclear, ValueType::Number),
        operator("in_reply_to_post_id", Unclear, ValueType::Number),
        operator("retweets_of_status_id", Unclear, ValueType::Number),
        operator("retweets_of_post_id", Unclear, ValueType::Number),
    ]
};

/// The codes of both editions of the operator page, and `und` for posts of no known language.
const LANGUAGES: &str = "am ar bg bn bo bs ca ckb cs cy da de dv el en es et eu fa fi fr gu hi hi-latn hr ht hu hy in \
    is it iw ja ka km kn ko lo lt lv ml mr my ne nl no or pa pl ps pt ro ru sd si sk sl sr sv ta te th tl tr ug uk \
    und ur vi zh-cn zh-tw";

/// What is wrong, and what to do: for a [`super::finding::Finding`].
pub(super) type FindingText = (Severity, String, String);

/// Operators are case-insensitive.
pub(super) fn find(name: &str) -> Option<&'static Operator> {
    OPERATORS.iter().find(|operator| operator.name.eq_ignore_ascii_case(name))
}

/// The finding for an operator that is not listed.
pub(super) fn unknown(name: &str) -> FindingText {
    let hint = match name.to_ascii_lowercase().as_str() {
        "http" | "https" => "write url:\"https://…\"".to_owned(),
        "since" | "until" | "since_id" | "max_id" => "a stream has no past; that operator belongs to search".to_owned(),
        _ => match nearest(name, OPERATORS.iter().map(|operator| operator.name)).first() {
            Some(near) => format!("is it `{near}:`? a term with a colon needs quotes"),
            None => "a term with a colon needs quotes".to_owned(),
        },
    };
    (Severity::Warning, format!("X's list of operators has no `{}:`", piece(name)), hint)
}

/// Checks a value; `quoted` if it was in quotes, which are not part of it.
pub(super) fn check(operator: &Operator, value: &str, quoted: bool, negated: bool) -> Result<(), FindingText> {
    let name = operator.name;
    let negatable = !matches!(name, "sample" | "embedding");
    if negated && !negatable {
        return error(format!("`{name}:` cannot be negated"), "remove the `-`");
    }
    if value.trim().is_empty() {
        return doubt(format!("`{name}:` has no value"), "write the value right after the colon");
    }
    let lower = value.to_ascii_lowercase();
    match operator.value_type {
        ValueType::Text => Ok(()),
        ValueType::User => user(name, value),
        ValueType::Number if is_number(value) => Ok(()),
        ValueType::Number => doubt(format!("`{name}:{}` is not a number", piece(value)), "write digits only"),
        ValueType::Range => range(name, value),
        ValueType::Percent => match value.parse::<i64>() {
            Ok(1..=100) => Ok(()),
            Ok(_) => error(
                format!("`{name}:{}` is not a percentage from 1 to 100", piece(value)),
                "write sample:1 to sample:100",
            ),
            Err(_) => doubt(format!("`{name}:{}` is not a whole number", piece(value)), "write sample:1 to sample:100"),
        },
        ValueType::Fraction if value.parse::<f64>().is_ok_and(|number| (0.0..=1.0).contains(&number)) => Ok(()),
        ValueType::Fraction => {
            doubt(format!("`{name}:{}` is not a number from 0 to 1", piece(value)), "write it as 0.4")
        }
        ValueType::Language if LANGUAGES.split_whitespace().any(|code| code == lower) => Ok(()),
        ValueType::Language => {
            let near = nearest(value, LANGUAGES.split_whitespace()).first().map(|near| format!(", as `{near}`"));
            let hint = format!("write one of X's language codes{}", near.unwrap_or_default());
            doubt(format!("X's list of languages has no `{}`", piece(value)), &hint)
        }
        ValueType::Country if value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic()) => Ok(()),
        ValueType::Country => {
            doubt(format!("`{name}:{}` is not a country code", piece(value)), "write two letters, as US")
        }
        ValueType::Context => context(value),
        ValueType::Circle | ValueType::Rectangle if quoted => {
            doubt(format!("the area of `{name}:` is in quotes"), "write it in brackets only")
        }
        ValueType::Circle => area(name, value, 2, "[longitude latitude radius], as [2.355128 48.861118 16km]"),
        ValueType::Rectangle => area(name, value, 4, "[west_long south_lat east_long north_lat]"),
        ValueType::OneOf(_) if name == "is" && lower == "nullcast" && !negated => {
            error("`is:nullcast` must be negated".to_owned(), "write -is:nullcast")
        }
        ValueType::OneOf(known) if known.contains(&lower.as_str()) => Ok(()),
        ValueType::OneOf(known) => {
            let near = nearest(value, known.iter().copied()).first().map(|near| format!("is it `{name}:{near}`? "));
            let hint = format!("{}known are {}", near.unwrap_or_default(), known.join(", "));
            doubt(format!("X's list of operators has no `{name}:{}`", piece(value)), &hint)
        }
    }
}

fn error(message: String, hint: &str) -> Result<(), FindingText> {
    Err((Severity::Error, message, hint.to_owned()))
}

fn doubt(message: String, hint: &str) -> Result<(), FindingText> {
    Err((Severity::Warning, message, hint.to_owned()))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn user(name: &str, value: &str) -> Result<(), FindingText> {
    if let Some(bare) = value.strip_prefix('@') {
        return doubt(format!("`{name}:` accepts the name without `@`"), &format!("write {name}:{}", piece(bare)));
    }
    // Names have 15 characters at most, numbers up to 19.
    let legal = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && (value.len() <= 15 || is_number(value));
    if legal {
        return Ok(());
    }
    doubt(
        format!("`{name}:{}` is not a user name or number", piece(value)),
        "one user for each operator: letters, digits and `_`, 15 at most",
    )
}

fn range(name: &str, value: &str) -> Result<(), FindingText> {
    let (low, high) = value.split_once("..").unwrap_or((value, value));
    if !is_number(low) || !is_number(high) {
        return doubt(
            format!("`{name}:{}` is not a count", piece(value)),
            "write 500 for at least that, or 1000..10000",
        );
    }
    // Compared by length and text: a count may have any number of digits.
    let (low, high) = (low.trim_start_matches('0'), high.trim_start_matches('0'));
    if (low.len(), low) > (high.len(), high) {
        return doubt(format!("`{name}:{}` ends before it begins", piece(value)), "write the smaller number first");
    }
    Ok(())
}

fn context(value: &str) -> Result<(), FindingText> {
    let part = |text: &str| text == "*" || is_number(text);
    match value.split_once('.') {
        Some((domain, entity)) if part(domain) && part(entity) && (domain, entity) != ("*", "*") => Ok(()),
        _ => doubt(
            format!("`context:{}` is not a domain and entity", piece(value)),
            "write 10.799022225751871488, 10.* or *.79…",
        ),
    }
}

/// An area in brackets: coordinates, longitude first, then the radius if it is a circle.
fn area(name: &str, value: &str, coordinates: usize, form: &str) -> Result<(), FindingText> {
    let hint = format!("write {name}:{form}");
    let Some(inner) = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return error(format!("`{name}:` has no area in brackets"), &hint);
    };
    if inner.contains(',') {
        return doubt(format!("`{name}:` has commas between its numbers"), &format!("{hint} with spaces"));
    }
    let parts: Vec<&str> = inner.split_whitespace().collect();
    let circle = coordinates == 2;
    if parts.len() != coordinates + usize::from(circle) {
        return error(format!("`{name}:` has {} parts in its brackets", parts.len()), &hint);
    }
    for (index, part) in parts[..coordinates].iter().enumerate() {
        // X's own example has a latitude of 174: out of range is a doubt.
        let (axis, most) = if index % 2 == 0 { ("longitude", 180.0) } else { ("latitude", 90.0) };
        match part.parse::<f64>() {
            Ok(number) if number.is_finite() && number.abs() <= most => {}
            Ok(_) => return doubt(format!("the {axis} {} of `{name}:` is beyond ±{most}", piece(part)), &hint),
            Err(_) => return error(format!("the {axis} {} of `{name}:` is not a number", piece(part)), &hint),
        }
    }
    if circle { radius(parts[2], &hint) } else { Ok(()) }
}

fn radius(text: &str, hint: &str) -> Result<(), FindingText> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let miles = match (&lower[digits.len()..], digits.parse::<f64>()) {
        ("mi", Ok(number)) => number,
        ("km", Ok(number)) => number / 1.609_344,
        _ => return doubt(format!("the radius {} is not in mi or km", piece(text)), hint),
    };
    // One page says less than 25 miles, another not more: exactly 25 is accepted.
    if miles > 25.0 {
        return error(
            format!("the radius {} is more than 25 miles", piece(text)),
            "make it smaller, or use several circles",
        );
    }
    if miles > 0.0 { Ok(()) } else { doubt(format!("the radius {} contains no place", piece(text)), hint) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: &str) -> Option<(Severity, String)> {
        let (name, value) = rule.split_once(':').unwrap();
        let (negated, name) = name.strip_prefix('-').map_or((false, name), |name| (true, name));
        let found = check(find(name).unwrap(), value, false, negated).err()?;
        Some((found.0, format!("{}; {}", found.1, found.2)))
    }

    #[test]
    fn values_as_published_pass() {
        for rule in [
            "from:XDevelopers",
            "to:2244994945",
            "context:10.799022225751871488",
            "context:47.*",
            "context:*.79",
            "point_radius:[2.355128 48.861118 16km]",
            "point_radius:[0 0 25mi]",
            "place_country:us",
            "lang:zh-TW",
            "bounding_box:[-105.301758 39.964069 -105.178505 40.09455]",
            "sample:1",
            "SAMPLE:100",
            "Is:Retweet",
            "followers_count:1000..10000",
            "listed_count:010..10",
            "embedding_threshold:0.4",
            "has:videos",
            "-is:nullcast",
            "lang:hi-Latn",
            "min_followers:1000",
            "conversation_id:1334987486343299072",
        ] {
            assert_eq!(finding(rule), None, "{rule}");
        }
    }

    #[test]
    fn values_x_refuses_are_errors_and_others_are_doubts() {
        use Severity::{Error, Warning};
        for (rule, severity, message) in [
            ("sample:0", Error, "`sample:0` is not a percentage"),
            ("sample:200", Error, "`sample:200` is not a percentage"),
            ("sample:1.5", Warning, "`sample:1.5` is not a whole number"),
            ("-sample:5", Error, "`sample:` cannot be negated"),
            ("is:nullcast", Error, "`is:nullcast` must be negated; write -is:nullcast"),
            ("is:retweets", Warning, "X's list of operators has no `is:retweets`; is it `is:retweet`?"),
            ("has:foo", Warning, "X's list of operators has no `has:foo`; known are hashtags, "),
            ("lang:english", Warning, "X's list of languages has no `english`; write one of X's language codes"),
            ("from:", Warning, "`from:` has no value"),
            ("from:@x", Warning, "`from:` accepts the name without `@`; write from:x"),
            ("from:a,b", Warning, "`from:a,b` is not a user name or number"),
            ("place_country:USA", Warning, "`place_country:USA` is not a country code"),
            ("followers_count:1k", Warning, "`followers_count:1k` is not a count"),
            ("followers_count:100..20", Warning, "`followers_count:100..20` ends before it begins"),
            ("context:cats", Warning, "`context:cats` is not a domain and entity"),
            ("point_radius:[1 2]", Error, "`point_radius:` has 2 parts in its brackets"),
            ("point_radius:1", Error, "`point_radius:` has no area in brackets"),
            ("point_radius:[1 x 1km]", Error, "the latitude x of `point_radius:` is not a number"),
            ("point_radius:[1 2 26mi]", Error, "the radius 26mi is more than 25 miles"),
            ("point_radius:[1 2 41km]", Error, "the radius 41km is more than 25 miles"),
            ("point_radius:[1 2 3]", Warning, "the radius 3 is not in mi or km"),
            ("point_radius:[1,2,3km]", Warning, "`point_radius:` has commas"),
            // The published example.
            ("point_radius:[-41.287336 174.761070 20mi]", Warning, "the latitude 174.761070 of"),
            ("bounding_box:[1 2 3]", Error, "`bounding_box:` has 3 parts"),
            ("embedding_threshold:2", Warning, "`embedding_threshold:2` is not a number from 0 to 1"),
        ] {
            let found = finding(rule).unwrap_or_else(|| panic!("{rule} passes"));
            assert_eq!(found.0, severity, "{rule}");
            assert!(found.1.starts_with(message), "{rule}: {}", found.1);
        }
    }

    #[test]
    fn for_an_unknown_operator_the_nearest_is_suggested() {
        for (name, hint) in [
            ("form", "is it `from:`?"),
            ("retweet_of", "is it `retweets_of:`?"),
            ("https", "write url:"),
            ("since", "a stream has no past"),
            ("zzzz", "a term with a colon"),
        ] {
            assert!(find(name).is_none());
            assert!(unknown(name).2.starts_with(hint), "{name}: {}", unknown(name).2);
        }
    }
}
