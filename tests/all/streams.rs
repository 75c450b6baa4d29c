//! Every stream by every name: what the server receives, byte for byte, and what is reported about it.

use crate::common::{assert_one_message, dials, journal, run, serve, serve_with, stderr, tail, values, xstream};

/// Method, path, query and body that a `tail` with these arguments sends.
fn sent(arguments: &[&str]) -> (String, String, String, String) {
    let server = serve("end");
    let mut all = arguments.to_vec();
    all.push("--no-reconnect");
    let output = run(&mut tail(&server, &all));
    let requests = server.requests();
    assert_eq!(requests.len(), 1, "{arguments:?}: {}", stderr(&output));
    let request = &requests[0];
    let body = String::from_utf8_lossy(&request.body).into_owned();
    (request.method.clone(), request.path.clone(), request.query.clone(), body)
}

#[test]
fn every_stream_is_requested_at_its_path() {
    for (name, endpoint_name, partition, path) in [
        ("filtered", "filtered_stream", None, "/2/tweets/search/stream"),
        ("sample", "sample_stream", None, "/2/tweets/sample/stream"),
        ("sample10", "sample10_stream", Some("2"), "/2/tweets/sample10/stream"),
        ("firehose", "firehose_stream", Some("20"), "/2/tweets/firehose/stream"),
        ("firehose-en", "firehose_stream_lang_en", Some("8"), "/2/tweets/firehose/stream/lang/en"),
        ("firehose-ja", "firehose_stream_lang_ja", Some("2"), "/2/tweets/firehose/stream/lang/ja"),
        ("firehose-ko", "firehose_stream_lang_ko", Some("2"), "/2/tweets/firehose/stream/lang/ko"),
        ("firehose-pt", "firehose_stream_lang_pt", Some("1"), "/2/tweets/firehose/stream/lang/pt"),
        ("likes-firehose", "likes_firehose_stream", Some("20"), "/2/likes/firehose/stream"),
        ("likes-sample10", "likes_sample10_stream", Some("2"), "/2/likes/sample10/stream"),
        ("tweets-compliance", "tweets_compliance_stream", Some("4"), "/2/tweets/compliance/stream"),
        ("users-compliance", "users_compliance_stream", Some("1"), "/2/users/compliance/stream"),
        ("likes-compliance", "likes_compliance_stream", None, "/2/likes/compliance/stream"),
        ("labels", "tweet_label_stream", None, "/2/tweets/label/stream"),
        ("activity", "/2/activity/stream", None, "/2/activity/stream"),
        ("powerstream", "/2/powerstream", None, "/2/powerstream"),
        ("v1-sample", "/1.1/statuses/sample.json", None, "/1.1/statuses/sample.json"),
    ] {
        for word in [name, endpoint_name, path] {
            let mut arguments = vec![word];
            arguments.extend(partition.iter().flat_map(|number| ["--partition", number]));
            let query = partition.map_or(String::new(), |number| format!("partition={number}"));
            assert_eq!(sent(&arguments), ("GET".to_owned(), path.to_owned(), query, String::new()), "{word}");
        }
    }
    let form = sent(&["v1-filter", "--track", "cats,dogs"]);
    assert_eq!(
        (form.0.as_str(), form.1.as_str(), form.2.as_str()),
        ("GET", "/1.1/statuses/filter.json", "track=cats,dogs")
    );
}

#[test]
fn parameters_are_sent_as_x_spells_them() {
    for (arguments, query) in [
        (
            &["--tweet-fields", "lang,created_at", "--expansions", "author_id", "--user-fields", "username"][..],
            "expansions=author_id&tweet.fields=lang,created_at&user.fields=username",
        ),
        (
            &["--tweet-fields", "lang", "--tweet-fields", "geo", "--poll-fields", "options", "--place-fields", "geo"],
            "poll.fields=options&place.fields=geo&tweet.fields=lang,geo",
        ),
        (&["--backfill-minutes", "5"], "backfill_minutes=5"),
        (&["--backfill-minutes", "0"], ""),
        (
            &["--start", "2026-01-02T10:00Z", "--end", "2026-01-02T11:00Z"],
            "start_time=2026-01-02T10:00:00Z&end_time=2026-01-02T11:00:00Z",
        ),
        (&["-p", "new_thing=a b", "--param", "x=1=2"], "new_thing=a%20b&x=1%3D2"),
        (&["powerstream", "--backfill-minutes", "2", "--local-dc-only"], "backfillMinutes=2&localDcOnly=true"),
        (
            &["likes-sample10", "--partition", "1", "--like-fields", "created_at"],
            "partition=1&like_with_tweet_author.fields=created_at",
        ),
        (
            &[
                "v1-filter",
                "--locations",
                "-122.75,36.8,-121.75,37.8",
                "--language",
                "en",
                "--filter-level",
                "low",
                "--stall-warnings",
                "--delimited",
            ],
            "locations=-122.75,36.8,-121.75,37.8&language=en&filter_level=low&stall_warnings=true&delimited=length",
        ),
        (&["/2/brand/new?a=1", "-p", "b=2"], "a=1&b=2"),
    ] {
        assert_eq!(sent(arguments).2, query, "{arguments:?}");
    }
}

#[test]
fn long_predicates_are_posted_as_a_form() {
    let track: Vec<String> = (0..400).map(|n| format!("phrase number {n}")).collect();
    let (method, path, query, body) = sent(&["v1-filter", "--track", &track.join(",")]);
    assert_eq!((method.as_str(), path.as_str(), query.as_str()), ("POST", "/1.1/statuses/filter.json", ""));
    assert!(body.starts_with("track=phrase%20number%200,phrase") && body.ends_with("399"), "{body}");
}

#[test]
fn a_stream_can_be_named_by_its_url_on_the_base_host() {
    let server = serve("end");
    let url = format!("{}/2/tweets/sample/stream?a=1", server.url());
    run(&mut tail(&server, &[&url, "--no-reconnect"]));
    assert_eq!(
        (server.requests()[0].path.as_str(), server.requests()[0].query.as_str()),
        ("/2/tweets/sample/stream", "a=1")
    );
    let output = run(&mut tail(&server, &["https://elsewhere.example/2/tweets/sample/stream"]));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("--base-url"), "{}", stderr(&output));
    assert_eq!(dials(&server), 1);
}

#[test]
fn what_a_stream_does_not_take_is_a_usage_error() {
    for (arguments, hint) in [
        (&["labels", "--tweet-fields", "id"][..], "--tweet-fields"),
        (&["activity", "--all-fields"], "activity"),
        (&["sample", "--start", "2h"], "--start"),
        (&["filtered", "--start", "1h", "--end", "2h"], "--end"),
        (&["filtered", "--start", "tomorrow"], "--start tomorrow"),
        (&["filtered", "--backfill-minutes", "6"], "--backfill-minutes"),
        (&["filtered", "-p", "nonsense"], "KEY=VALUE"),
        (&["v1-filter"], "--track"),
        (&["v1-filter", "--track", "a,,b"], "--track"),
        (&["v1-filter", "--follow", "@name"], "@name"),
        (&["v1-filter", "--locations", "1,2,3"], "--locations"),
        (&["firehose-ja", "--partition", "3"], "--partition"),
        (&["/2/new", "--all-fields"], "-p KEY=VALUE"),
    ] {
        let mut all = vec!["tail", "--bearer", "x"];
        all.extend(arguments);
        assert_one_message(&run(&mut xstream(&all)), 2, hint);
    }
}

#[test]
fn unknown_fields_are_warned_of_and_sent() {
    let server = serve("end");
    let output = run(&mut tail(&server, &["--tweet-fields", "lang,brand_new", "--no-reconnect"]));
    assert!(stderr(&output).contains("brand_new"), "{}", stderr(&output));
    assert_eq!(server.requests()[0].query, "tweet.fields=lang,brand_new");
}

#[test]
fn empty_streams_and_retired_ones_are_reported() {
    for (arguments, script, text) in [
        (&["activity"][..], "end", "/2/activity/subscriptions"),
        (&["powerstream"], "end", "/2/powerstream/rules"),
        (&["v1-sample"], "unauthorized-html", "filtered"),
        (&["v1-sample"], "html", "filtered"),
    ] {
        let server = serve(script);
        let mut all = arguments.to_vec();
        all.push("--no-reconnect");
        let messages = stderr(&run(&mut tail(&server, &all)));
        assert_eq!(messages.matches(text).count(), 1, "{arguments:?}: {messages}");
    }
}

#[test]
fn a_recovery_range_that_was_delivered_is_exit_0() {
    let server = serve("posts 5; end");
    let output = run(&mut tail(&server, &["--start", "2h", "--end", "1h"]));
    assert_eq!((values(&output.stdout).len(), output.status.code()), (5, Some(0)), "{}", stderr(&output));
    let server = serve("posts 5; cut");
    let output = run(&mut tail(&server, &["--start", "2h"]));
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
}

#[test]
fn framed_streams_are_read_by_their_lengths_and_unframed_ones_by_their_lines() {
    for chunk in [None, Some(1), Some(100)] {
        let server = serve_with("posts 30; heartbeat 3; posts 30; end", |options| options.chunk_size = chunk);
        let arguments = ["v1-sample", "--delimited", "--only", "post", "--max", "60"];
        let run = journal(&mut tail(&server, &arguments)).exits(0);
        assert_eq!((run.printed().len(), run.all("malformed").len()), (60, 0), "{run}");
    }
    let frame = r#"raw 9\r\n{"a":1}\r\n\r\n4\r\n{}\r\nend"#;
    let server = serve(&frame.replace("end", "\nend"));
    let output = run(&mut tail(&server, &["v1-sample", "--delimited", "--no-reconnect"]));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"a\":1}\n{}\n", "{}", stderr(&output));
    // A server that does not frame at all.
    let server = serve("raw {\"a\":1}\\r\\n{\"b\":2}\\r\\n\nend");
    let output = run(&mut tail(&server, &["v1-sample", "--delimited", "--no-reconnect"]));
    assert_eq!(values(&output.stdout).len(), 2, "{}", stderr(&output));
}

#[test]
fn limit_is_reported_as_the_largest_total_of_the_connection() {
    let server = serve("limit 5; limit 9; limit 7; end | unauthorized");
    let run = journal(&mut tail(&server, &[])).exits(3);
    let totals: Vec<_> = run.all("limit").into_iter().map(|record| &record["track"]).collect();
    assert_eq!(totals, [5, 9, 9]);
}
