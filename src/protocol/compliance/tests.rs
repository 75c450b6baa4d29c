use std::collections::{HashMap, HashSet};

use super::*;

/// Verdicts of a test.
#[derive(Default)]
struct Known {
    posts: HashSet<u64>,
    users: HashSet<u64>,
    bounds: HashMap<u64, u64>,
    likes: HashSet<(u64, u64)>,
    country: Option<Country>,
}

impl Verdicts for Known {
    fn is_mentioned(&self, id: u64) -> bool {
        self.posts.contains(&id) || self.users.contains(&id) || self.bounds.contains_key(&id)
    }

    fn is_post_dead(&self, post: PostId) -> bool {
        self.posts.contains(&post.0)
    }

    fn is_user_hidden(&self, user: UserId) -> bool {
        self.users.contains(&user.0)
    }

    fn scrub_bound(&self, user: UserId) -> Option<PostId> {
        self.bounds.get(&user.0).copied().map(PostId)
    }

    fn is_like_deleted(&self, post: PostId, user: UserId) -> bool {
        self.likes.contains(&(post.0, user.0))
    }

    fn is_withheld_in(&self, country: Country) -> bool {
        EVERYWHERE.contains(&country) || self.country == Some(country)
    }
}

/// Post 66 is deleted, user 77 hidden, user 88's posts up to 500 lose their location, and user 9's like of post 10 is deleted.
fn known() -> Known {
    Known {
        posts: [66].into(),
        users: [77].into(),
        bounds: [(88, 500)].into(),
        likes: [(10, 9)].into(),
        country: Some(*b"DE"),
    }
}

/// What is left of a line: none if it is removed.
fn left(line: &str) -> Option<String> {
    match apply(line.as_bytes(), &known()) {
        Applied::Unchanged => Some(line.to_owned()),
        Applied::Removed => None,
        Applied::Rewritten(cuts) => {
            let mut out = Vec::new();
            cuts.write(line.as_bytes(), &mut out);
            let text = String::from_utf8(out).expect("text");
            serde_json::from_str::<serde_json::Value>(&text).expect("valid JSON");
            Some(text)
        }
    }
}

#[test]
fn every_dialect_has_the_same_effect() {
    let delete = ComplianceEffect::DeletePost(PostId(66));
    let hide = |target, cause, hidden| ComplianceEffect::Hide { target, cause, hidden };
    let countries = |codes: &[&str]| Countries::from_codes(codes).expect("codes");
    let user = HideTarget::User(UserId(77));
    let post = HideTarget::Post(PostId(66));
    for (line, effect) in [
        (
            r#"{"data":{"delete":{"tweet":{"id":"66","author_id":"5"},"event_at":"2022-12-23T12:34:56.789Z"}}}"#,
            delete.clone(),
        ),
        (r#"{"data":{"delete":{"tweet":{"id":"66"},"quote_tweet_id":"67"}}}"#, delete.clone()),
        (r#"{"delete":{"status":{"id":65,"id_str":"66","user_id":3},"timestamp_ms":"1"}}"#, delete.clone()),
        (r#"{"for_user":"1","message":{"delete":{"status":{"id":66}}}}"#, delete.clone()),
        (r#"{"kind":"delete","dialect":"v1.1","message":{"delete":{"status":{"id":66}}}}"#, delete.clone()),
        (r#"{"data":{"event_uuid":"1","event_type":"post.delete","filter":{},"payload":{"id":"66"}}}"#, delete.clone()),
        (
            r#"{"data":{"delete":{"favorite":{"id":"10","user_id":"9"},"event_at":"x"}}}"#,
            ComplianceEffect::DeleteLike { post: PostId(10), user: UserId(9) },
        ),
        (
            r#"{"delete":{"favorite":{"tweet_id":1,"tweet_id_str":"10","user_id":9,"user_id_str":"9"}}}"#,
            ComplianceEffect::DeleteLike { post: PostId(10), user: UserId(9) },
        ),
        (
            r#"{"data":{"scrub_geo":{"user":{"id":"88"},"up_to_tweet_id":"500"}}}"#,
            ComplianceEffect::ScrubGeo { user: UserId(88), up_to: PostId(500) },
        ),
        (
            r#"{"scrub_geo":{"user_id":1,"user_id_str":"88","up_to_status_id":2,"up_to_status_id_str":"500"}}"#,
            ComplianceEffect::ScrubGeo { user: UserId(88), up_to: PostId(500) },
        ),
        (r#"{"data":{"drop":{"tweet":{"id":"66"}}}}"#, hide(post, HideCause::Drop, true)),
        (r#"{"undrop":{"status":{"id":66}}}"#, hide(post, HideCause::Drop, false)),
        (r#"{"data":{"user_suspend":{"user":{"id":"77"}}}}"#, hide(user, HideCause::Suspend, true)),
        (r#"{"user_unsuspend":{"id":77}}"#, hide(user, HideCause::Suspend, false)),
        (r#"{"data":{"user_protect":{"user":{"id":"77"}}}}"#, hide(user, HideCause::Protect, true)),
        (r#"{"user_undelete":{"id":77,"timestamp_ms":"1"}}"#, hide(user, HideCause::UserDelete, false)),
        (r#"{"event":"user_delete","source":{"id":77},"target":77}"#, hide(user, HideCause::UserDelete, true)),
        (
            r#"{"status_withheld":{"id":66,"user_id":77,"withheld_in_countries":["de","XY"]}}"#,
            ComplianceEffect::Withhold { target: post, countries: countries(&["DE", "XY"]) },
        ),
        (
            r#"{"data":{"withheld":{"tweet":{"id":"66"},"withheld_in_countries":[]}}}"#,
            ComplianceEffect::Withhold { target: post, countries: countries(&[]) },
        ),
        (
            r#"{"user_withheld":{"user":{"id":77},"withheld_in_countries":["XX"],"timestampMs":"1"}}"#,
            ComplianceEffect::Withhold { target: user, countries: countries(&["XX"]) },
        ),
        (
            r#"{"data":{"tweet_edit":{"tweet":{"id":"66"},"initial_tweet_id":"66","edit_tweet_ids":["66","67"]}}}"#,
            ComplianceEffect::Edit { versions: vec![PostId(66), PostId(67)] },
        ),
    ] {
        assert_eq!(event(line.as_bytes()).map(|event| event.effect), Some(effect), "{line}");
    }
}

#[test]
fn other_messages_and_other_types_have_no_effect() {
    for line in [
        "",
        "{",
        "[]",
        r#"{"data":{"id":"1","text":"{\"delete\":{\"status\":{\"id\":66}}}"}}"#,
        r#"{"delete":{"direct_message":{"id":66,"user_id":1}}}"#,
        r#"{"delete":{"status":{"id":6.6e1}}}"#,
        r#"{"delete":{"status":{"id":-66}}}"#,
        r#"{"delete":{"status":66}}"#,
        r#"{"data":{"scrub_geo":{"user":{"id":"88"}}}}"#,
        r#"{"status_withheld":{"id":66,"withheld_in_countries":"DE"}}"#,
        r#"{"status_withheld":{"id":66,"withheld_in_countries":["Germany",5]}}"#,
        r#"{"data":{"tweet_edit":{"edit_tweet_ids":[]}}}"#,
        r#"{"data":{"user_profile_modification":{"user":{"id":"77"},"profile_field":"profile.name","new_value":"x"}}}"#,
        r#"{"event":"user_update","source":{"id":77},"target":{"id":77}}"#,
        r#"{"data":{"event_uuid":"1","event_type":"post.create","payload":{"id":"66"}}}"#,
    ] {
        assert_eq!(event(line.as_bytes()), None, "{line}");
    }
}

#[test]
fn the_time_of_an_event_is_read_in_every_spelling() {
    for (line, at) in [
        (r#"{"data":{"drop":{"tweet":{"id":"1"},"event_at":"2022-12-23T12:34:56.789Z"}}}"#, Some(1_671_798_896_789)),
        (
            r#"{"data":{"drop":{"tweet":{"id":"1"},"event_at":"2022-12-23T12:34:56.789+00:00"}}}"#,
            Some(1_671_798_896_789),
        ),
        (r#"{"delete":{"status":{"id":1},"timestamp_ms":"1671798896789"}}"#, Some(1_671_798_896_789)),
        (r#"{"user_withheld":{"user":{"id":1},"withheld_in_countries":[],"timestampMs":5}}"#, Some(5)),
        (
            r#"{"event":"user_delete","source":1,"target":1,"created_at":"Tue Aug 06 02:23:21 +0000 2013"}"#,
            Some(1_375_755_801_000),
        ),
        (r#"{"delete":{"status":{"id":1}}}"#, None),
        (r#"{"data":{"drop":{"tweet":{"id":"1"},"event_at":"yesterday"}}}"#, None),
    ] {
        assert_eq!(event(line.as_bytes()).expect("an effect").at_ms, at, "{line}");
    }
}

#[test]
fn a_dead_post_and_a_retweet_of_one_are_removed() {
    for line in [
        r#"{"data":{"id":"66","text":"x"}}"#,
        r#"{"data":{"id":"1","text":"x","author_id":"77"}}"#,
        r#"{"data":{"id":"1","text":"x","referenced_tweets":[{"type":"retweeted","id":"66"}]}}"#,
        r#"{"data":{"id":"1","text":"x","referenced_tweets":[{"type":"retweeted","id":"2"}]},"includes":{"tweets":[{"id":"2","author_id":"77"}]}}"#,
        r#"{"data":{"id":"1","text":"x","withheld":{"copyright":false,"country_codes":["de"]}}}"#,
        r#"{"id":66,"text":"x"}"#,
        r#"{"id":1,"id_str":"66","text":"x"}"#,
        r#"{"id":1,"text":"x","user":{"id":77}}"#,
        r#"{"id":1,"text":"x","retweeted_status":{"id":66,"text":"y"}}"#,
        r#"{"id":1,"text":"x","retweeted_status":{"id":2,"text":"y","user":{"id_str":"77"}}}"#,
        r#"{"id":1,"text":"x","withheld_in_countries":["XX"]}"#,
        r#"{"id":"tag:search.twitter.com,2005:66","objectType":"activity","verb":"post","body":"x"}"#,
        r#"{"id":"tag:search.twitter.com,2005:1","verb":"post","body":"x","actor":{"id":"id:twitter.com:77"}}"#,
        r#"{"id":"tag:search.twitter.com,2005:1","verb":"share","body":"x","object":{"id":"tag:search.twitter.com,2005:66","verb":"post"}}"#,
        r#"{"for_user":1,"message":{"id":66,"text":"x"}}"#,
        r#"{"kind":"post","dialect":"v1.1","at":"x","connection":1,"message":{"id":66,"text":"x"}}"#,
        r#"{"data":{"event_uuid":"1","event_type":"post.create","payload":{"id":"66","text":"x"}}}"#,
        r#"{ "data" : { "id" : "66" , "text" : "x" } }"#,
        r#"{"id":"5f","favorited_status":{"id":10,"text":"x"},"user":{"id":9}}"#,
    ] {
        assert_eq!(left(line), None, "{line}");
    }
}

#[test]
fn a_quote_keeps_its_text_and_loses_the_dead_post() {
    for (line, rest) in [
        (
            r#"{"data":{"id":"1","text":"x","referenced_tweets":[{"type":"quoted","id":"66"}]},"includes":{"tweets":[{"id":"66"}, {"id":"3"}]}}"#,
            r#"{"data":{"id":"1","text":"x","referenced_tweets":[{"type":"quoted","id":"66"}]},"includes":{"tweets":[ {"id":"3"}]}}"#,
        ),
        (
            r#"{"data":{"id":"1","text":"x"},"includes":{"posts":[{"id":"3"} , {"id":"4","author_id":"77"}],"users":[]}}"#,
            r#"{"data":{"id":"1","text":"x"},"includes":{"posts":[{"id":"3"} ],"users":[]}}"#,
        ),
        (
            r#"{"data":{"id":"1","text":"x"},"includes":{"tweets":[{"id":"66"},{"id":"2","referenced_tweets":[{"type":"retweeted","id":"66"}]}]}}"#,
            r#"{"data":{"id":"1","text":"x"},"includes":{"tweets":[]}}"#,
        ),
        (r#"{"id":1,"text":"x","quoted_status":{"id":66,"text":"y"}}"#, r#"{"id":1,"text":"x"}"#),
        (
            r#"{"quoted_status":{"id":66,"text":"y"},"id":1,"text":"x","quoted_status_id":66}"#,
            r#"{"id":1,"text":"x","quoted_status_id":66}"#,
        ),
        (
            r#"{"id":1,"text":"x","retweeted_status":{"id":2,"quoted_status":{"id":66}},"lang":"en"}"#,
            r#"{"id":1,"text":"x","retweeted_status":{"id":2},"lang":"en"}"#,
        ),
        (r#"{"id":"5f","favorited_status":{"id":66,"text":"x"},"user":{"id":9}}"#, r#"{"id":"5f","user":{"id":9}}"#),
        (
            r#"{"data":{"id":"5f","liked_tweet_id":"66"},"includes":{"tweets":[{"id":"66"}]}}"#,
            r#"{"data":{"id":"5f","liked_tweet_id":"66"},"includes":{"tweets":[]}}"#,
        ),
        (
            r#"{"id":"tag:search.twitter.com,2005:1","verb":"post","body":"x","twitter_quoted_status":{"id":"tag:search.twitter.com,2005:66"}}"#,
            r#"{"id":"tag:search.twitter.com,2005:1","verb":"post","body":"x"}"#,
        ),
    ] {
        assert_eq!(left(line).as_deref(), Some(rest), "{line}");
    }
}

#[test]
fn a_scrub_removes_the_location_members_of_that_users_posts_up_to_the_bound() {
    for (line, rest) in [
        (
            r#"{"data":{"id":"500","author_id":"88","geo":{"place_id":"p"},"text":"x"},"includes":{"places":[{"id":"p"},{"id":"q"}]}}"#,
            r#"{"data":{"id":"500","author_id":"88","text":"x"},"includes":{"places":[]}}"#,
        ),
        (
            r#"{"data":{"id":"1","author_id":"5","geo":{"place_id":"p"},"text":"x"},"includes":{"tweets":[{"id":"2","author_id":"88","geo":{"place_id":"q"}}],"places":[{"id":"p"},{"id":"q"}]}}"#,
            r#"{"data":{"id":"1","author_id":"5","geo":{"place_id":"p"},"text":"x"},"includes":{"tweets":[{"id":"2","author_id":"88"}],"places":[{"id":"p"}]}}"#,
        ),
        (
            r#"{"id":1,"text":"x","user":{"id":88,"location":"Berlin"},"geo":{"a":1},"coordinates":{"a":1},"place":{"id":"p"}}"#,
            r#"{"id":1,"text":"x","user":{"id":88,"location":"Berlin"}}"#,
        ),
        (
            r#"{"geo":{"a":1},"id":1,"text":"x","place":null,"user":{"id":88}}"#,
            r#"{"id":1,"text":"x","place":null,"user":{"id":88}}"#,
        ),
        (
            r#"{"id":900,"text":"x","user":{"id":5},"place":{},"retweeted_status":{"id":2,"place":{},"user":{"id":88}}}"#,
            r#"{"id":900,"text":"x","user":{"id":5},"place":{},"retweeted_status":{"id":2,"user":{"id":88}}}"#,
        ),
        (
            r#"{"id":"tag:search.twitter.com,2005:1","verb":"post","body":"x","location":{"a":1},"actor":{"id":"id:twitter.com:88","location":{}}}"#,
            r#"{"id":"tag:search.twitter.com,2005:1","verb":"post","body":"x","actor":{"id":"id:twitter.com:88","location":{}}}"#,
        ),
    ] {
        assert_eq!(left(line).as_deref(), Some(rest), "{line}");
    }
}

#[test]
fn what_no_effect_is_about_stays_as_it_is() {
    for line in [
        r#"{"data":{"id":"501","author_id":"88","geo":{"place_id":"p"},"text":"later than the bound"}}"#,
        r#"{"data":{"id":"1","text":"66","in_reply_to_user_id":"77"}}"#,
        r#"{"data":{"id":"1","text":"x","referenced_tweets":[{"type":"quoted","id":"66"}]}}"#,
        r#"{"data":{"id":"1","text":"x","withheld":{"copyright":false,"country_codes":["FR"]}}}"#,
        r#"{"data":{"delete":{"tweet":{"id":"66","author_id":"77"}}}}"#,
        r#"{"data":{"event_uuid":"1","event_type":"post.delete","payload":{"id":"66"}}}"#,
        r#"{"delete":{"status":{"id":66}}}"#,
        r#"{"kind":"malformed","dialect":null,"message":"{\"id\":66}"}"#,
        r#"{"id":66,"text":"x""#,
        r#"{"id":"6","text":"x","in_reply_to_status_id":66}"#,
        r#"{"id":1,"text":"x","user":{"id":88},"geo":null}"#,
    ] {
        assert_eq!(left(line).as_deref(), Some(line), "{line}");
    }
}

#[test]
fn escapes_in_names_and_ids_hide_nothing() {
    for line in [
        r#"{"data":{"\u0069d":"66","text":"x"}}"#,
        r#"{"data":{"i\u0064":"66","text":"x"}}"#,
        r#"{"data":{"id":"\u00366","text":"x"}}"#,
        r#"{"data":{"id":"6\u0036","text":"x"}}"#,
        r#"{"\u0069d":66,"text":"x"}"#,
        r#"{"id":1,"id\u005fstr":"66","text":"x"}"#,
        r#"{"id":1,"id_st\u0072":"66","text":"x"}"#,
        r#"{"id":1,"text":"x","user":{"\u0069d":77}}"#,
        r#"{"id":1,"text":"x","retweeted_status":{"\u0069d":66,"text":"x"}}"#,
        r#"{"id":1,"text":"x","withheld_in_countrie\u0073":["DE"]}"#,
        r#"{"data":{"id":"1","text":"x","referenced_tweets":[{"type":"retweeted","\u0069d":"66"}]}}"#,
    ] {
        assert_eq!(left(line), None, "{line}");
    }
}

#[test]
fn the_members_of_an_envelope_may_have_any_order() {
    for line in [
        r#"{"dialect":"v2","kind":"post","message":{"data":{"id":"66","text":"x"}}}"#,
        r#"{"at":"2026-11-24T00:00:00Z","connection":1,"message":{"data":{"id":"66","text":"x"}},"kind":"post"}"#,
    ] {
        assert_eq!(left(line), None, "{line}");
    }
    let event = r#"{"dialect":"v1.1","kind":"delete","message":{"delete":{"status":{"id":66}}}}"#;
    assert_eq!(&event[message_in(event.as_bytes())], r#"{"delete":{"status":{"id":66}}}"#);
}

#[test]
fn a_deletion_means_the_same_in_the_usual_form_and_in_any_other() {
    let times = ["2022-12-23T12:34:56.789Z", "2022-12-23T12:34:56+02:00", "yesterday", ""];
    for (id, at) in
        ["66", "18446744073709551615", "", "x", "\\u0036"].into_iter().flat_map(|id| times.map(|at| (id, at)))
    {
        let usual = format!(r#"{{"data":{{"delete":{{"tweet":{{"id":"{id}","author_id":"5"}},"event_at":"{at}"}}}}}}"#);
        let other =
            format!(r#"{{"data":{{"delete": {{"event_at":"{at}","tweet":{{"author_id":"5","id":"{id}"}}}}}}}}"#);
        assert_eq!(event(usual.as_bytes()), event(other.as_bytes()), "{usual}");
    }
}
