//! The operators of the filtered stream, and what their values look like.
//!
//! The list is X's own (X API docs: filtered stream, operators, with the other names an earlier
//! edition of the page gives). X adds operators and lengthens lists without notice, so what is not
//! listed is doubted, not refused: an error is only what the documents say X refuses.

use super::super::nearest;
use super::lint::Severity;
use super::piece;

/// Whether an operator may be all there is in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Not without a standalone operator.
    Joined,
    /// The documents don't say.
    Unclear,
    Standalone,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
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
    shape: Shape,
}

impl Operator {
    /// True if the value is an area in brackets, with spaces inside.
    pub(super) const fn is_area(&self) -> bool {
        matches!(self.shape, Shape::Circle | Shape::Rectangle)
    }
}

const fn operator(name: &'static str, class: Class, shape: Shape) -> Operator {
    Operator { name, class, shape }
}

const HAS: &[&str] =
    &["hashtags", "cashtags", "links", "mentions", "media", "images", "video_link", "geo", "videos", "media_link"];
const IS: &[&str] = &["retweet", "reply", "quote", "verified", "nullcast"];

/// In the order in which a suggestion is likely meant.
const OPERATORS: [Operator; 47] = {
    use Class::{Joined, Standalone, Unclear};
    [
        operator("from", Standalone, Shape::User),
        operator("to", Standalone, Shape::User),
        operator("is", Joined, Shape::OneOf(IS)),
        operator("has", Joined, Shape::OneOf(HAS)),
        operator("lang", Joined, Shape::Language),
        operator("sample", Joined, Shape::Percent),
        operator("url", Standalone, Shape::Text),
        operator("retweets_of", Standalone, Shape::User),
        operator("from_affiliate_of", Standalone, Shape::User),
        operator("to_affiliate_of", Standalone, Shape::User),
        operator("context", Standalone, Shape::Context),
        operator("entity", Standalone, Shape::Text),
        operator("conversation_id", Standalone, Shape::Number),
        operator("bio", Standalone, Shape::Text),
        operator("bio_name", Standalone, Shape::Text),
        operator("bio_location", Standalone, Shape::Text),
        operator("place", Standalone, Shape::Text),
        operator("place_country", Standalone, Shape::Country),
        operator("point_radius", Standalone, Shape::Circle),
        operator("bounding_box", Standalone, Shape::Rectangle),
        operator("followers_count", Unclear, Shape::Range),
        operator("min_followers", Unclear, Shape::Number),
        operator("tweets_count", Unclear, Shape::Range),
        operator("following_count", Unclear, Shape::Range),
        operator("listed_count", Unclear, Shape::Range),
        operator("url_title", Unclear, Shape::Text),
        operator("url_description", Unclear, Shape::Text),
        operator("url_contains", Unclear, Shape::Text),
        operator("source", Unclear, Shape::Text),
        operator("in_reply_to_tweet_id", Unclear, Shape::Number),
        operator("retweets_of_tweet_id", Unclear, Shape::Number),
        // Enterprise with the embedding tier.
        operator("embedding", Standalone, Shape::Text),
        operator("embedding_threshold", Joined, Shape::Fraction),
        // The other names.
        operator("retweets_of_user", Standalone, Shape::User),
        operator("user_bio", Standalone, Shape::Text),
        operator("user_bio_name", Standalone, Shape::Text),
        operator("user_bio_location", Standalone, Shape::Text),
        operator("geo_bounding_box", Standalone, Shape::Rectangle),
        operator("statuses_count", Unclear, Shape::Range),
        operator("friends_count", Unclear, Shape::Range),
        operator("user_in_lists_count", Unclear, Shape::Range),
        operator("within_url_title", Unclear, Shape::Text),
        operator("within_url_description", Unclear, Shape::Text),
        operator("in_reply_to_status_id", Unclear, Shape::Number),
        operator("in_reply_to_post_id", Unclear, Shape::Number),
        operator("retweets_of_status_id", Unclear, Shape::Number),
        operator("retweets_of_post_id", Unclear, Shape::Number),
    ]
};

/// The codes of both editions of the operator page, and `und` for posts of no known language.
const LANGUAGES: &str = "am ar bg bn bo bs ca ckb cs cy da de dv el en es et eu fa fi fr gu hi hi-latn hr ht hu hy in \
    is it iw ja ka km kn ko lo lt lv ml mr my ne nl no or pa pl ps pt ro ru sd si sk sl sr sv ta te th tl tr ug uk \
    und ur vi zh-cn zh-tw";

/// What is wrong, and what to do: for a [`super::lint::Finding`].
pub(super) type Wrong = (Severity, String, String);

/// Operators have no letter case.
pub(super) fn find(name: &str) -> Option<&'static Operator> {
    OPERATORS.iter().find(|operator| operator.name.eq_ignore_ascii_case(name))
}

/// About an operator that is not listed.
pub(super) fn unknown(name: &str) -> Wrong {
    let hint = match name.to_ascii_lowercase().as_str() {
        "http" | "https" => "write url:\"https://…\"".to_owned(),
        "since" | "until" | "since_id" | "max_id" => "a stream has no past; that is a word of the search".to_owned(),
        _ => match nearest(name, OPERATORS.iter().map(|operator| operator.name)).first() {
            Some(near) => format!("is it `{near}:`? a word with a colon in it needs quotes"),
            None => "a word with a colon in it needs quotes".to_owned(),
        },
    };
    (Severity::Warning, format!("X's list of operators has no `{}:`", piece(name)), hint)
}

/// Checks a value; `quoted` if it stood in quotes, which are not part of it.
pub(super) fn check(operator: &Operator, value: &str, quoted: bool, negated: bool) -> Result<(), Wrong> {
    let name = operator.name;
    let negatable = !matches!(name, "sample" | "embedding");
    if negated && !negatable {
        return error(format!("`{name}:` cannot be negated"), "take the `-` away");
    }
    if value.trim().is_empty() {
        return doubt(format!("`{name}:` has no value"), "write the value right after the colon");
    }
    let lower = value.to_ascii_lowercase();
    match operator.shape {
        Shape::Text => Ok(()),
        Shape::User => user(name, value),
        Shape::Number if is_number(value) => Ok(()),
        Shape::Number => doubt(format!("`{name}:{}` is not a number", piece(value)), "write digits only"),
        Shape::Range => range(name, value),
        Shape::Percent => match value.parse::<i64>() {
            Ok(1..=100) => Ok(()),
            Ok(_) => error(
                format!("`{name}:{}` is no percentage from 1 to 100", piece(value)),
                "write sample:1 to sample:100",
            ),
            Err(_) => doubt(format!("`{name}:{}` is not a whole number", piece(value)), "write sample:1 to sample:100"),
        },
        Shape::Fraction if value.parse::<f64>().is_ok_and(|number| (0.0..=1.0).contains(&number)) => Ok(()),
        Shape::Fraction => doubt(format!("`{name}:{}` is no number from 0 to 1", piece(value)), "write it as 0.4"),
        Shape::Language if LANGUAGES.split_whitespace().any(|code| code == lower) => Ok(()),
        Shape::Language => {
            let near = nearest(value, LANGUAGES.split_whitespace()).first().map(|near| format!(", as `{near}`"));
            let hint = format!("write one of X's language codes{}", near.unwrap_or_default());
            doubt(format!("X's list of languages has no `{}`", piece(value)), &hint)
        }
        Shape::Country if value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic()) => Ok(()),
        Shape::Country => doubt(format!("`{name}:{}` is no country code", piece(value)), "write two letters, as US"),
        Shape::Context => context(value),
        Shape::Circle | Shape::Rectangle if quoted => {
            doubt(format!("the area of `{name}:` is in quotes"), "write it in brackets alone")
        }
        Shape::Circle => area(name, value, 2, "[longitude latitude radius], as [2.355128 48.861118 16km]"),
        Shape::Rectangle => area(name, value, 4, "[west_long south_lat east_long north_lat]"),
        Shape::OneOf(_) if name == "is" && lower == "nullcast" && !negated => {
            error("`is:nullcast` must be negated".to_owned(), "write -is:nullcast")
        }
        Shape::OneOf(known) if known.contains(&lower.as_str()) => Ok(()),
        Shape::OneOf(known) => {
            let near = nearest(value, known.iter().copied()).first().map(|near| format!("is it `{name}:{near}`? "));
            let hint = format!("{}known are {}", near.unwrap_or_default(), known.join(", "));
            doubt(format!("X's list of operators has no `{name}:{}`", piece(value)), &hint)
        }
    }
}

fn error(message: String, hint: &str) -> Result<(), Wrong> {
    Err((Severity::Error, message, hint.to_owned()))
}

fn doubt(message: String, hint: &str) -> Result<(), Wrong> {
    Err((Severity::Warning, message, hint.to_owned()))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn user(name: &str, value: &str) -> Result<(), Wrong> {
    if let Some(bare) = value.strip_prefix('@') {
        return doubt(format!("`{name}:` takes the name without `@`"), &format!("write {name}:{}", piece(bare)));
    }
    // Names have 15 characters at most, numbers up to 19.
    let legal = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && (value.len() <= 15 || is_number(value));
    if legal {
        return Ok(());
    }
    doubt(
        format!("`{name}:{}` is no user name or number", piece(value)),
        "one user for each operator: letters, digits and `_`, 15 at most",
    )
}

fn range(name: &str, value: &str) -> Result<(), Wrong> {
    let (low, high) = value.split_once("..").unwrap_or((value, value));
    if !is_number(low) || !is_number(high) {
        return doubt(format!("`{name}:{}` is no count", piece(value)), "write 500 for at least that, or 1000..10000");
    }
    // Compared by length and text: a count may have any number of digits.
    let (low, high) = (low.trim_start_matches('0'), high.trim_start_matches('0'));
    if (low.len(), low) > (high.len(), high) {
        return doubt(format!("`{name}:{}` ends before it begins", piece(value)), "write the smaller number first");
    }
    Ok(())
}

fn context(value: &str) -> Result<(), Wrong> {
    let part = |text: &str| text == "*" || is_number(text);
    match value.split_once('.') {
        Some((domain, entity)) if part(domain) && part(entity) && (domain, entity) != ("*", "*") => Ok(()),
        _ => doubt(
            format!("`context:{}` is no domain and entity", piece(value)),
            "write 10.799022225751871488, 10.* or *.79…",
        ),
    }
}

/// An area in brackets: coordinates, longitude first, then the radius if it is a circle.
fn area(name: &str, value: &str, coordinates: usize, form: &str) -> Result<(), Wrong> {
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
            Err(_) => return error(format!("the {axis} {} of `{name}:` is no number", piece(part)), &hint),
        }
    }
    if circle { radius(parts[2], &hint) } else { Ok(()) }
}

fn radius(text: &str, hint: &str) -> Result<(), Wrong> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let miles = match (&lower[digits.len()..], digits.parse::<f64>()) {
        ("mi", Ok(number)) => number,
        ("km", Ok(number)) => number / 1.609_344,
        _ => return doubt(format!("the radius {} is not in mi or km", piece(text)), hint),
    };
    // One page says less than 25 miles, another not more: exactly 25 passes.
    if miles > 25.0 {
        return error(
            format!("the radius {} is more than 25 miles", piece(text)),
            "make it smaller, or use several circles",
        );
    }
    if miles > 0.0 { Ok(()) } else { doubt(format!("the radius {} holds no place", piece(text)), hint) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rule: &str) -> Option<(Severity, String)> {
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
            assert_eq!(told(rule), None, "{rule}");
        }
    }

    #[test]
    fn values_x_refuses_are_errors_and_others_are_doubts() {
        use Severity::{Error, Warning};
        for (rule, severity, message) in [
            ("sample:0", Error, "`sample:0` is no percentage"),
            ("sample:200", Error, "`sample:200` is no percentage"),
            ("sample:1.5", Warning, "`sample:1.5` is not a whole number"),
            ("-sample:5", Error, "`sample:` cannot be negated"),
            ("is:nullcast", Error, "`is:nullcast` must be negated; write -is:nullcast"),
            ("is:retweets", Warning, "X's list of operators has no `is:retweets`; is it `is:retweet`?"),
            ("has:foo", Warning, "X's list of operators has no `has:foo`; known are hashtags, "),
            ("lang:english", Warning, "X's list of languages has no `english`; write one of X's language codes"),
            ("from:", Warning, "`from:` has no value"),
            ("from:@x", Warning, "`from:` takes the name without `@`; write from:x"),
            ("from:a,b", Warning, "`from:a,b` is no user name or number"),
            ("place_country:USA", Warning, "`place_country:USA` is no country code"),
            ("followers_count:1k", Warning, "`followers_count:1k` is no count"),
            ("followers_count:100..20", Warning, "`followers_count:100..20` ends before it begins"),
            ("context:cats", Warning, "`context:cats` is no domain and entity"),
            ("point_radius:[1 2]", Error, "`point_radius:` has 2 parts in its brackets"),
            ("point_radius:1", Error, "`point_radius:` has no area in brackets"),
            ("point_radius:[1 x 1km]", Error, "the latitude x of `point_radius:` is no number"),
            ("point_radius:[1 2 26mi]", Error, "the radius 26mi is more than 25 miles"),
            ("point_radius:[1 2 41km]", Error, "the radius 41km is more than 25 miles"),
            ("point_radius:[1 2 3]", Warning, "the radius 3 is not in mi or km"),
            ("point_radius:[1,2,3km]", Warning, "`point_radius:` has commas"),
            // The published example.
            ("point_radius:[-41.287336 174.761070 20mi]", Warning, "the latitude 174.761070 of"),
            ("bounding_box:[1 2 3]", Error, "`bounding_box:` has 3 parts"),
            ("embedding_threshold:2", Warning, "`embedding_threshold:2` is no number from 0 to 1"),
        ] {
            let found = told(rule).unwrap_or_else(|| panic!("{rule} passes"));
            assert_eq!(found.0, severity, "{rule}");
            assert!(found.1.starts_with(message), "{rule}: {}", found.1);
        }
    }

    #[test]
    fn an_operator_unknown_to_x_is_answered_with_the_nearest() {
        for (name, hint) in [
            ("form", "is it `from:`?"),
            ("retweet_of", "is it `retweets_of:`?"),
            ("https", "write url:"),
            ("since", "a stream has no past"),
            ("zzzz", "a word with a colon"),
        ] {
            assert!(find(name).is_none());
            assert!(unknown(name).2.starts_with(hint), "{name}: {}", unknown(name).2);
        }
    }
}
