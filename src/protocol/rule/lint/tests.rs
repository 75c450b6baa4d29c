//! Rules that X accepts, rules that X refuses, and doubtful ones.

use proptest::prelude::*;

use super::Severity::{Error, Warning};
use super::*;

fn findings(rule: &str) -> Vec<(Severity, usize, String)> {
    lint(rule, None).into_iter().map(|found| (found.severity, found.position, found.message)).collect()
}

#[test]
fn rules_of_xs_own_pages_are_no_error() {
    for rule in [
        "pepsi OR cola OR \"coca cola\"",
        "(😃 OR 😡) 😬",
        "(\"X API\" OR #v2) -\"filtered stream\"",
        "\"social media\"~5 OR \"API\"~3",
        "#thankunext #fanart OR @arianagrande",
        "(@XDevelopers OR @api) -@x",
        "$twtr OR @XDevelopers -$fb",
        "from:XDevelopers OR from:api -from:X",
        "from:XDevelopers url:\"https://developer.x.com\"",
        "retweets_of:XDevelopers OR retweets_of:twitterapi",
        "entity:\"Michael Jordan\" OR entity:\"Barcelona\"",
        "conversation_id:1334987486343299072 (from:XDevelopers OR from:api)",
        "bio:developer OR bio:\"data engineer\" OR bio:academic",
        "place:\"new york city\" OR place:seattle OR place:fd70c22040963ac7",
        "point_radius:[2.355128 48.861118 16km] OR point_radius:[-41.287336 174.761070 20mi]",
        "bounding_box:[-105.301758 39.964069 -105.178505 40.09455]",
        "\"mobile games\" -is:nullcast",
        "recommend #paris has:geo -bakery",
        "#nowplaying @spotify sample:15",
        "followers_count:1000..10000",
        "source:\"X for iPhone\"",
        "url_contains:photos",
        "\"X data\" has:mentions (has:media OR has:links)",
        "(grumpy cat) OR (#meme has:images)",
        "skiing -(snow OR day OR noschool)",
        "-is:retweet has:geo (from:NWSNHC OR from:NHC_Atlantic OR from:JeffLindner1)",
        "#nowplaying (happy OR fav) (place_country:US OR place_country:MX) -horrible -worst",
        "context:65.852262932607926273 -context:66.852262932607926273 -is:retweet has:images lang:ja",
        "embedding:\"climate change policy\" embedding_threshold:0.4",
        "(F OR #F) has:links -is:retweet ",
        "apple OR iphone ipad",
    ] {
        assert!(lint(rule, Some(AccessLevel::PayPerUse)).iter().all(|found| found.severity == Warning), "{rule}");
    }
}

#[test]
fn a_rule_without_a_flaw_has_no_finding() {
    for rule in [
        "cat",
        "#cats -is:retweet lang:en",
        "(happy OR happiness) place_country:GB -birthday -is:retweet",
        "(a1 b1) OR (c1 d1)",
        "a1 b1 OR c1 d1",
        "\"and\" cats",
        "-\"a or b\" cats",
        "((cat))",
        "coca-cola don't 100% 日本 e\u{301}t",
        "cat (dog -mouse)",
        "\"the\"",
        "url:\"https://x.com/a(b)\"",
        "point_radius:[1 2 3km]",
    ] {
        assert_eq!(findings(rule), [], "{rule}");
    }
}

#[test]
fn each_flaw_is_named_with_its_place() {
    for (rule, severity, position, message) in [
        ("", Error, 1, "the rule is empty"),
        (" \u{3000}", Error, 1, "the rule is empty"),
        ("cat\ndog", Error, 4, "a line break in the rule"),
        ("é \"cat", Error, 3, "a quote that does not end"),
        ("\"a\" b\"", Error, 6, "a quote that does not end"),
        ("from:\"x (", Error, 6, "a quote that does not end"),
        ("\"a\\\" b", Warning, 1, "a quote that does not end"),
        ("\"a\\\" OR \"b\"", Warning, 11, "a quote that does not end"),
        ("-(-cat)", Warning, 1, "a negated group of negated terms"),
        ("dog -(-cat OR -owl)", Warning, 5, "a negated group of negated terms"),
        ("dog -(-cat owl)", Warning, 5, "a negated group"),
        ("(cat (dog)", Error, 1, "a `(` that does not end"),
        ("cat) dog", Error, 4, "a `)` without its `(`"),
        (":)", Error, 2, "a `)` without its `(`"),
        ("-cat", Error, 1, "the rule has only negated terms"),
        ("-cat -is:retweet", Error, 1, "the rule has only negated terms"),
        ("-(cat OR dog)", Error, 1, "the rule has only negated terms"),
        ("(-cat -dog)", Error, 2, "the rule has only negated terms"),
        ("apple OR -ipad", Error, 10, "this side of an OR has only negated terms"),
        ("-ipad OR apple", Error, 1, "this side of an OR has only negated terms"),
        ("apple OR (-ipad -mac)", Error, 11, "this side of an OR has only negated terms"),
        ("cat (-dog -owl)", Warning, 6, "a group has only negated terms"),
        ("cat (owl OR -dog)", Warning, 13, "a side of an OR has only negated terms"),
        ("skiing -(snow OR day)", Warning, 8, "a negated group"),
        ("has:media", Error, 1, "are not standalone"),
        ("has:links OR is:retweet", Error, 1, "are not standalone"),
        ("lang:en sample:10", Error, 1, "are not standalone"),
        ("embedding_threshold:0.45", Error, 1, "are not standalone"),
        ("cat OR has:links", Warning, 8, "are not standalone"),
        ("-cat has:links", Warning, 1, "are not standalone"),
        ("followers_count:500", Warning, 1, "X does not document this operator"),
        ("cats has:images and has:geo", Warning, 17, "X refuses `and`"),
        ("cat AND dog", Warning, 5, "X refuses `AND`"),
        ("cat or dog", Warning, 5, "X refuses `or`"),
        ("cat NOT dog", Warning, 5, "`NOT` is a plain term"),
        ("a", Warning, 1, "only stop words"),
        ("the via lang:en", Warning, 1, "only stop words"),
        ("cat form:x", Warning, 5, "X's list of operators has no `form:`"),
        ("cat -is:foo", Warning, 5, "X's list of operators has no `is:foo`"),
        ("cat is:nullcast", Error, 5, "must be negated"),
        ("cat -sample:10", Error, 5, "cannot be negated"),
        ("cat sample:200", Error, 5, "percentage"),
        ("cat 12:30", Warning, 5, "has a colon"),
        ("cat https://x.com", Warning, 5, "no `https:`"),
        ("\"a b\"~7", Error, 6, "larger distance"),
        ("\"a b\"~x", Warning, 6, "not a distance"),
        ("cat \"\"", Warning, 5, "a phrase without words"),
        ("“big apple”", Warning, 1, "quotation mark"),
        ("cola 'coca cola'", Warning, 6, "quotation mark"),
        ("[cat dog]", Warning, 1, "a bracket"),
        ("cat - dog", Warning, 5, "without a term"),
        ("cat --dog", Warning, 5, "more than one `-`"),
        ("# cats", Warning, 1, "without a name"),
        ("OR cat", Warning, 1, "no term on one side"),
        ("cat OR OR dog", Warning, 8, "no term on one side"),
        ("cat OR", Warning, 5, "no term on one side"),
        ("cat ()", Warning, 6, "no term after the `(`"),
        ("apple OR iphone ipad", Warning, 10, "AND binds before OR"),
        ("#a OR #b place_country:US lang:en", Warning, 7, "AND binds before OR"),
        ("x1 (a1 OR b1 c1)", Warning, 11, "AND binds before OR"),
        ("a1 OR b1 sample:10", Warning, 10, "sample: is for the whole rule"),
    ] {
        let found = findings(rule);
        assert!(
            found.iter().any(|found| (found.0, found.1) == (severity, position) && found.2.contains(message)),
            "{rule:?}: {found:?}"
        );
        // A doubt comes with no error from anywhere else.
        assert!(severity == Error || found.iter().all(|found| found.0 == Warning), "{rule:?}: {found:?}");
    }
}

#[test]
fn the_length_limit_is_that_of_the_access_level() {
    for (length, access, severity) in [
        (1024, None, None),
        (1025, None, Some((Warning, 1025))),
        (2048, None, Some((Warning, 1025))),
        (2049, None, Some((Error, 2049))),
        (1024, Some(AccessLevel::PayPerUse), None),
        (1025, Some(AccessLevel::PayPerUse), Some((Error, 1025))),
        (2048, Some(AccessLevel::Enterprise), None),
        (2049, Some(AccessLevel::Enterprise), Some((Error, 2049))),
    ] {
        let found = lint(&"é".repeat(length), access);
        assert_eq!(found.first().map(|found| (found.severity, found.position)), severity, "{length} {access:?}");
        assert!(found.len() < 2);
    }
}

#[test]
fn a_finding_is_a_sentence() {
    let found = lint("cat (dog", None);
    assert_eq!(
        found[0].to_string(),
        "error at character 5: a `(` that does not end; write the matching `)`, or remove it"
    );
}

#[test]
fn deep_nesting_is_only_nesting() {
    let deep = 200_000;
    assert!(findings(&"(".repeat(deep)).len() > deep / 2);
    let closed = format!("{}cat{}", "(".repeat(deep), ")".repeat(deep));
    assert_eq!(lint(&closed, None).len(), 1);
}

proptest! {
    #[test]
    fn any_text_gives_findings_in_the_order_of_their_positions(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "(", ")", "\"", "-", " ", " OR ", "cat", "from:", "is:", "lang:en", "[", "]", "~", "#", "\\", "\n", "é", "\u{1b}",
            "point_radius:", "1", ":", "sample:",
        ]), 0..16),
    ) {
        let rule = pieces.concat();
        let found = lint(&rule, None);
        prop_assert!(found.is_sorted_by_key(|found| found.position));
        let length = rule.chars().count();
        prop_assert!(found.iter().all(|found| (1..=length.max(1)).contains(&found.position)));
        prop_assert!(found.iter().all(|found| !found.to_string().contains(char::is_control)));
    }

    #[test]
    fn a_sound_rule_stays_without_error_however_it_is_grouped(
        terms in prop::collection::vec(prop::sample::select(vec![
            "cat", "#dog", "\"a b\"", "from:x", "@y", "$z", "url:\"q\"", "bio:d",
        ]), 1..6),
        modifiers in prop::collection::vec(prop::sample::select(vec![
            "-owl", "has:media", "-is:retweet", "lang:en", "sample:10", "-is:nullcast", "-\"x y\"",
        ]), 0..4),
        depth in 0..4_usize,
    ) {
        let rule = format!(
            "{}({}) {}{}", "(".repeat(depth), terms.join(" OR "), modifiers.join(" "), ")".repeat(depth)
        );
        prop_assert_eq!(lint(&rule, Some(AccessLevel::PayPerUse)), []);
    }
}
