//! What X refuses is refused, and each stream carries what X sends on it.

use serde_json::json;

use super::api::{call, serve_with};
use super::*;
use crate::protocol::endpoint::ENDPOINTS;
use crate::time::{as_millis, format_rfc3339};

/// A time so long ago, in X's form.
fn ago(server: &Server, age: Duration) -> String {
    let whole = Duration::from_secs(server.now().as_secs() - age.as_secs());
    format_rfc3339(whole).replace(".000", "")
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_request_that_x_refuses_is_refused_and_its_parameters_are_named() {
    let server = serve("end");
    let [old, early, late] = [HOUR * 25, HOUR * 2, HOUR].map(|age| ago(&server, age));
    let future = format_rfc3339(server.now() + HOUR).replace(char::is_whitespace, "");
    let future = format!("{}Z", &future[..19]);
    let table: &[(&str, u16, &[&str])] = &[
        ("/2/tweets/firehose/stream", 400, &["partition"]),
        ("/2/tweets/firehose/stream?partition=0", 400, &["partition"]),
        ("/2/tweets/firehose/stream?partition=21", 400, &["partition"]),
        ("/2/tweets/firehose/stream?partition=one", 400, &["partition"]),
        ("/2/tweets/firehose/stream?partition=1&partition=2", 400, &["partition"]),
        ("/2/tweets/compliance/stream?partition=5", 400, &["partition"]),
        ("/2/tweets/search/stream?partition=1", 400, &["partition"]),
        ("/2/tweets/search/stream?backfill_minutes=6", 400, &["backfill_minutes"]),
        ("/2/tweets/search/stream?backfill_minutes=-1", 400, &["backfill_minutes"]),
        ("/2/tweets/search/stream?backfillMinutes=1", 400, &["backfillMinutes"]),
        ("/2/powerstream?backfill_minutes=1", 400, &["backfill_minutes"]),
        ("/2/powerstream?localDcOnly=yes", 400, &["localDcOnly"]),
        ("/2/tweets/search/stream?start_time=yesterday", 400, &["start_time"]),
        ("/2/tweets/search/stream?start_time=2026-01-01T10:00Z", 400, &["start_time"]),
        (&format!("/2/tweets/search/stream?start_time={old}"), 400, &["start_time"]),
        (&format!("/2/tweets/search/stream?start_time={future}"), 400, &["start_time"]),
        (&format!("/2/tweets/search/stream?start_time={early}&end_time={future}"), 400, &["end_time"]),
        (&format!("/2/tweets/search/stream?start_time={late}&end_time={early}"), 400, &["start_time"]),
        (&format!("/2/tweets/search/stream?end_time={late}"), 400, &["start_time"]),
        (&format!("/2/tweets/search/stream?start_time={early}&backfill_minutes=1"), 400, &["backfill_minutes"]),
        (&format!("/2/tweets/sample/stream?start_time={early}&end_time={late}"), 400, &["start_time", "end_time"]),
        ("/2/tweets/search/stream?tweet.fields=lang,brand_new,newer", 400, &["tweet.fields", "tweet.fields"]),
        ("/2/tweets/search/stream?expansions=author", 400, &["expansions"]),
        (
            "/2/tweets/search/stream?user.fields=age&place.fields=x&poll.fields=y&media.fields=z",
            400,
            &["poll.fields", "place.fields", "media.fields", "user.fields"],
        ),
        ("/2/tweets/search/stream?tweets.fields=lang&color=red", 400, &["tweets.fields", "color"]),
        ("/2/tweets/search/stream?like_with_tweet_author.fields=id", 400, &["like_with_tweet_author.fields"]),
        (
            "/2/likes/sample10/stream?partition=1&like_with_tweet_author.fields=text",
            400,
            &["like_with_tweet_author.fields"],
        ),
        ("/2/tweets/label/stream?tweet.fields=lang", 400, &["tweet.fields"]),
        ("/2/activity/stream?expansions=author_id", 400, &["expansions"]),
        ("/", 404, &[]),
        ("/2/tweets/search", 404, &[]),
        ("/2/tweets/search/stream/", 404, &[]),
        ("/1.1/statuses/firehose.json", 404, &[]),
        ("/1.1/statuses/filter.json", 406, &[]),
        ("/1.1/statuses/filter.json?language=en", 406, &[]),
        ("/1.1/statuses/filter.json?follow=name", 406, &[]),
        ("/1.1/statuses/filter.json?locations=1,2,3", 406, &[]),
        ("/1.1/statuses/filter.json?track=a,,b", 406, &[]),
        (&format!("/1.1/statuses/filter.json?track={}", vec!["a"; 401].join(",")), 413, &[]),
        ("/1.1/statuses/sample.json?count=100", 416, &[]),
    ];
    for (target, status, names) in table {
        let (head, problem) = call(&server, "GET", target, &Value::Null);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {head}");
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let named: Vec<String> =
            errors.iter().flat_map(|error| error["parameters"].as_object().unwrap().keys().cloned()).collect();
        assert_eq!(named, *names, "{target}: {problem}");
        if *status == 400 {
            assert_eq!(problem["type"], "https://api.twitter.com/2/problems/invalid-request", "{target}");
        }
    }
    for endpoint in &ENDPOINTS {
        let methods: &[&str] =
            if endpoint.name == "v1-filter" { &["PUT", "DELETE"] } else { &["POST", "PUT", "DELETE", "HEAD"] };
        for method in methods {
            let (head, _) = call(&server, method, endpoint.path, &Value::Null);
            assert!(head.starts_with("HTTP/1.1 405 "), "{method} {}: {head}", endpoint.path);
        }
    }
    assert_eq!(server.delivered(), 0);
}

#[test]
fn a_request_that_x_accepts_is_accepted() {
    let server = serve("end");
    let [early, late] = [HOUR * 23, HOUR].map(|age| ago(&server, age));
    for target in [
        "/2/tweets/firehose/stream?partition=20&backfill_minutes=5",
        "/2/tweets/search/stream?backfill_minutes=0&tweet.fields=lang,organic_metrics&expansions=author_id",
        "/2/powerstream?backfillMinutes=5&localDcOnly=false",
        "/2/likes/firehose/stream?partition=1&like_with_tweet_author.fields=id&tweet.fields=lang&user.fields=name",
        "/1.1/statuses/filter.json?track=cat&unknown=ignored",
        "/1.1/statuses/sample.json?stall_warnings=true",
        &format!("/2/tweets/search/stream?start_time={early}&end_time={late}"),
        &format!("/2/users/compliance/stream?partition=4&start_time={early}"),
        &format!("/2/powerstream?startTime={early}&endTime={late}"),
    ] {
        let (head, problem) = call(&server, "GET", target, &Value::Null);
        assert!(head.starts_with("HTTP/1.1 200 "), "{target}: {head}{problem}");
    }
}

#[test]
fn a_scripted_refusal_wins_over_every_other_and_anything_else_in_the_script_waits() {
    let server = serve("status 503 | end | delay 1ms; rate-limit 5 | line {}\nend");
    let status = |target: &str| call(&server, "GET", target, &Value::Null).0[9..12].to_owned();
    let bad = "/2/tweets/search/stream?color=red";
    let statuses = [bad, bad, STREAM, "/nowhere", bad, STREAM].map(status);
    assert_eq!(statuses, ["503", "400", "200", "429", "400", "200"]);
}

/// The messages of a script on a stream, as JSON.
fn messages(server: &Server, target: &str) -> Vec<Value> {
    let (bytes, _) = read_all(request(server, target, &format!("{TOKEN}connection: close\r\n")));
    let (head, body) = split_head(&bytes);
    assert!(head.starts_with("HTTP/1.1 200 "), "{target}: {head}");
    let body = chunks(body).0.concat();
    lines(&body).into_iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_stream_carries_what_x_sends_on_it() {
    let server = serve("posts 40; feed 100ms; end");
    for endpoint in &ENDPOINTS {
        let query = match (endpoint.partitions, endpoint.name) {
            (Some(_), _) => "?partition=1",
            (_, "v1-filter") => "?track=cat",
            _ => "",
        };
        let messages = messages(&server, &format!("{}{query}", endpoint.path));
        assert!(messages.len() >= 40, "{}", endpoint.name);
        for message in &messages {
            let data = &message["data"];
            let event = data.as_object().and_then(|data| data.keys().next()).map_or("", String::as_str);
            let right = match endpoint.name {
                "tweets-compliance" => {
                    ["delete", "drop", "undrop", "withheld", "tweet_edit"].contains(&event)
                        && data[event]["tweet"]["id"].is_string()
                }
                "users-compliance" => {
                    (event.starts_with("user_") || event == "scrub_geo") && data[event]["user"]["id"].is_string()
                }
                "likes-compliance" => data["delete"]["favorite"]["id"].is_string(),
                "labels" => event.starts_with("public_tweet_"),
                "activity" => data["event_type"].is_string() && data["event_uuid"].is_string(),
                "likes-firehose" | "likes-sample10" => data["liked_tweet_id"].is_string(),
                "powerstream" | "v1-filter" | "v1-sample" => message["id_str"].is_string() && data.is_null(),
                _ => data["text"].is_string(),
            };
            assert!(right, "{}: {message}", endpoint.name);
            assert_eq!(message.get("matching_rules").is_some(), endpoint.name == "filtered", "{}", endpoint.name);
        }
    }
    let posts = messages(&server, "/2/tweets/firehose/stream/lang/ja?partition=1&tweet.fields=lang");
    assert!(posts.iter().all(|post| post["data"]["lang"] == "ja"));
}

#[test]
fn fields_and_expansions_shape_what_is_sent() {
    let server = serve("posts 200; end");
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for post in messages(&server, "/2/tweets/sample/stream") {
        assert_eq!(keys(&post), ["data"]);
        assert_eq!(keys(&post["data"]), ["edit_history_tweet_ids", "id", "text"]);
    }
    let target = "/2/tweets/sample/stream?tweet.fields=lang,created_at&expansions=author_id&user.fields=verified";
    for post in messages(&server, target) {
        assert_eq!(keys(&post["data"]), ["author_id", "created_at", "edit_history_tweet_ids", "id", "lang", "text"]);
        assert_eq!(keys(&post["includes"]), ["users"]);
        assert_eq!(keys(&post["includes"]["users"][0]), ["id", "name", "username", "verified"]);
        assert_eq!(post["includes"]["users"][0]["id"], post["data"]["author_id"]);
    }
    let target = "/2/tweets/sample/stream?expansions=referenced_tweets.id,attachments.media_keys&media.fields=url";
    let posts = messages(&server, target);
    let referring = posts.iter().filter(|post| post["data"].get("referenced_tweets").is_some());
    let mut missing = 0;
    for post in referring {
        let id = &post["data"]["referenced_tweets"][0]["id"];
        let gone = post["errors"][0]["resource_id"] == *id;
        missing += usize::from(gone);
        assert!(gone || post["includes"]["tweets"][0]["id"] == *id, "{post}");
    }
    assert!(missing > 0);
    let with_media: Vec<_> = posts.iter().filter(|post| post["includes"].get("media").is_some()).collect();
    assert!(!with_media.is_empty());
    assert!(with_media.iter().all(|post| keys(&post["includes"]["media"][0]) == ["media_key", "type", "url"]));
    for post in messages(&server, "/2/tweets/sample/stream?tweet.fields=organic_metrics") {
        assert_eq!(post["errors"][0]["field"], "organic_metrics");
        assert!(post["data"].get("organic_metrics").is_none());
    }

    let likes = "/2/likes/sample10/stream?partition=1";
    let like = &messages(&server, likes)[0];
    assert_eq!(keys(like), ["data"]);
    let like =
        &messages(&server, &format!("{likes}&like_with_tweet_author.fields=created_at&expansions=liked_tweet_id"))[0];
    assert_eq!(keys(&like["data"]), ["created_at", "id", "liked_tweet_id"]);
    assert_eq!(like["includes"]["tweets"][0]["id"], like["data"]["liked_tweet_id"]);

    let server = serve_with("posts 5; end", |options| options.all_fields = true);
    assert!(messages(&server, STREAM).iter().all(|post| post["data"]["public_metrics"].is_object()));
    assert!(
        messages(&server, &format!("{STREAM}?tweet.fields=lang")).iter().all(|post| post.get("includes").is_none())
    );
}

#[test]
fn powerstream_sends_its_data_centre_first_when_requested() {
    let server = serve("posts 1; end");
    let first = &messages(&server, "/2/powerstream?localDcOnly=true")[0];
    assert_eq!(first["type"], json!("connection_metadata"));
    assert!(first["timestamp"].as_u64().unwrap() <= as_millis(server.now()));
    assert_eq!(messages(&server, "/2/powerstream").len(), 1);
}
