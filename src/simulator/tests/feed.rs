//! The numbered feed: it runs on while no client is connected, and the past can be delivered again.

use super::api::serve_with;
use super::*;
use crate::time::format_rfc3339;

/// A feed of 10 messages a second with an hour of history.
fn serve_feed(script: &str) -> Server {
    serve_with(script, |options| {
        options.feed = FeedOptions { every: Duration::from_millis(100), history: Duration::from_secs(3600) };
    })
}

/// The numbers of the messages a target delivers, up to the end of its script.
fn numbers(server: &Server, target: &str) -> Vec<u64> {
    let (bytes, _) = read_all(request(server, target, &format!("{TOKEN}connection: close\r\n")));
    let (head, body) = split_head(&bytes);
    assert!(head.starts_with("HTTP/1.1 200 "), "{target}: {head}");
    let body = chunks(body).0.concat();
    let lines = lines(&body);
    lines.into_iter().map(|line| server.number_of(&serde_json::from_str(line).unwrap()).expect(line)).collect()
}

/// Consecutive numbers, up to a last one that is not included.
fn is_run(numbers: &[u64], first: u64, step: u64) -> bool {
    numbers.iter().enumerate().all(|(n, number)| *number == first + n as u64 * step)
}

#[test]
fn the_feed_runs_on_while_no_client_is_connected_and_exactly_those_numbers_are_missed() {
    let server = serve_feed("feed 300ms; end");
    let before = numbers(&server, STREAM);
    let produced = server.produced();
    server.advance(Duration::from_secs(120));
    assert!(server.produced() >= produced + 1200);
    let after = numbers(&server, STREAM);
    assert!(before.len() >= 3 && is_run(&before, before[0], 1) && is_run(&after, after[0], 1));
    // What lies between the two connections is what came into being meanwhile.
    let missed = before[before.len() - 1] + 1..after[0];
    assert!(missed.start <= produced && produced + 1200 <= missed.end && missed.end <= server.produced(), "{missed:?}");
    assert!(server.time_of(missed.end) >= server.time_of(missed.start) + Duration::from_secs(120));

    let log = server.connections();
    assert_eq!(log[0].numbers.iter().collect::<Vec<_>>(), before);
    assert_eq!(log[1].numbers.iter().collect::<Vec<_>>(), after);

    // Another connection with backfill brings exactly the missed ones, oldest first, and goes on live.
    let repaired = numbers(&server, &format!("{STREAM}?backfill_minutes=3"));
    assert!(is_run(&repaired, repaired[0], 1));
    assert!(repaired[0] <= missed.start && repaired[repaired.len() - 1] >= after[after.len() - 1]);
}

#[test]
fn backfill_begins_its_minutes_earlier_and_a_longer_absence_leaves_a_known_hole() {
    let server = serve_feed("feed 200ms; end");
    let before = numbers(&server, STREAM);
    server.advance(Duration::from_secs(400));
    let asked = server.produced();
    let after = numbers(&server, &format!("{STREAM}?backfill_minutes=5"));
    // The stream opened somewhere between the two counts.
    assert!((asked - 3001..=server.produced() - 3000).contains(&after[0]), "{} of {asked}", after[0]);
    assert!(is_run(&after, after[0], 1));
    assert!(after[0] >= before[before.len() - 1] + 990);
}

#[test]
fn a_range_is_delivered_oldest_first_and_closes_cleanly_at_its_end() {
    // The steps behind a complete range are not played.
    let server = serve_feed("feed 1h; cut");
    let time = |age: u64| {
        let whole = Duration::from_secs(server.now().as_secs() - age);
        (whole, format_rfc3339(whole).replace(".000", ""))
    };
    let ((start, from), (end, to)) = (time(600), time(540));
    let (bytes, error) = read_all(request(
        &server,
        &format!("{STREAM}?start_time={from}&end_time={to}"),
        &format!("{TOKEN}connection: close\r\n"),
    ));
    assert!(error.is_none() && bytes.ends_with(b"\r\n0\r\n\r\n"));
    let numbers: Vec<u64> = server.connections()[0].numbers.iter().collect();
    assert!(numbers.len() == 600 && is_run(&numbers, numbers[0], 1), "{}", numbers.len());
    assert!(server.time_of(numbers[0]) >= start && server.time_of(numbers[0] - 1) < start);
    assert!(server.time_of(numbers[599]) < end && server.time_of(numbers[599] + 1) >= end);
    // The same numbers again are the same messages.
    let again = read_all(request(
        &server,
        &format!("{STREAM}?start_time={from}&end_time={to}"),
        &format!("{TOKEN}connection: close\r\n"),
    ));
    assert_eq!(split_head(&bytes).1, split_head(&again.0).1);
    // Without an end it reaches to the moment of the request.
    let rest = self::numbers(&server, &format!("{STREAM}?start_time={to}")).len();
    assert!((5400..=server.produced() - numbers[599] - 1).contains(&(rest as u64)), "{rest}");
}

#[test]
fn the_partitions_together_carry_every_number_once() {
    let server = serve_feed("feed 50ms; end");
    let (mut all, produced) = (Vec::new(), server.produced());
    for partition in 1..=4 {
        let target = format!("/2/users/compliance/stream?partition={partition}&backfill_minutes=1");
        let numbers = numbers(&server, &target);
        assert!(is_run(&numbers, numbers[0], 4));
        assert!(numbers.iter().all(|number| number % 4 == partition - 1));
        all.extend(numbers);
    }
    // All four backfills reach back farther than this.
    let common = produced - 300..produced;
    all.retain(|number| common.contains(number));
    all.sort_unstable();
    assert!(all.len() as u64 == common.end - common.start && is_run(&all, common.start, 1));
}

#[test]
fn a_number_is_in_the_id_and_in_the_text_and_its_message_is_the_same_on_every_connection() {
    let server = serve_feed("feed 50ms; end");
    for target in ["/2/tweets/sample/stream?backfill_minutes=1", "/2/powerstream?backfillMinutes=1"] {
        let (bytes, _) = read_all(request(&server, target, &format!("{TOKEN}connection: close\r\n")));
        let body = chunks(split_head(&bytes).1).0.concat();
        for line in lines(&body) {
            let post: Value = serde_json::from_str(line).unwrap();
            let number = server.number_of(&post).expect(line);
            let text = post.pointer("/data/text").unwrap_or(&post["text"]).as_str().unwrap();
            assert!(text.ends_with(&format!("({number})")), "{text}");
        }
    }
    let generated = serve("posts 1; end");
    let (bytes, _) = read_all(stream(&generated));
    let body = chunks(split_head(&bytes).1).0.concat();
    assert_eq!(server.number_of(&serde_json::from_str(lines(&body)[0]).unwrap()), None);
}

#[test]
fn a_step_goes_on_where_the_last_one_stopped_and_usage_counts_a_number_once() {
    let server = serve_feed("feed 100ms; wait 300ms; feed 100ms; end");
    let first = numbers(&server, &format!("{STREAM}?backfill_minutes=1"));
    assert!(is_run(&first, first[0], 1) && first.len() >= 604, "{}", first.len());
    let second = numbers(&server, &format!("{STREAM}?backfill_minutes=1"));
    let delivered = second[second.len() - 1] + 1 - first[0];
    let (_, usage) = super::api::call(&server, "GET", "/2/usage/tweets", &Value::Null);
    assert_eq!(usage["data"]["project_usage"], delivered.to_string());
}

#[test]
fn an_idle_feed_sends_heartbeats_and_simulated_time_runs_at_its_speed() {
    let server = serve_with("feed 1m; end", |options| {
        options.feed = FeedOptions { every: Duration::from_secs(3600), history: Duration::ZERO };
        options.speed = 600;
    });
    let begun = Instant::now();
    let (bytes, _) = read_all(stream(&server));
    assert!(begun.elapsed() < SOON);
    let body = chunks(split_head(&bytes).1).0.concat();
    let lines = lines(&body);
    assert!((1..=3).contains(&lines.len()) && lines.iter().all(|line| line.is_empty()), "{lines:?}");
}
