//! What the row shows: every state at every width, every colour, and which part is dropped first where room is short.

use super::*;
use crate::pipeline::meter::{Period, Quota, QuotaUsage};
use crate::pipeline::report::BatchReport;
use crate::protocol::message::DisconnectReason;
use crate::protocol::post_id::PostId;
use crate::session::{Event, EventKind, Traffic};

/// A row as a run keeps it: the fold, and what a rendering needs beside it.
struct TestRow {
    stats: Stats,
    view: View<'static>,
}

impl TestRow {
    fn new(stream: &'static str, keep_alive: Duration, buffer: usize) -> TestRow {
        let now = Timestamp::default();
        let view = View { stream, keep_alive, now, rate: 0.0, backlog: 0, buffer, quota: None };
        TestRow { stats: Stats::default(), view }
    }

    fn note(&mut self, at: Timestamp, kind: EventKind) {
        self.stats.apply(&Event { at, connection: 1, kind });
    }

    fn received(&mut self, at: Timestamp, posts: u64, last_id: &[u8]) {
        let mut batch = BatchReport::default();
        (batch.posts, batch.last_id) = (posts, PostId::parse(last_id));
        self.note(at, EventKind::Received(Box::new(batch)));
    }

    fn render(&self, now: Timestamp, width: usize, color: bool) -> String {
        render(&self.stats, &View { now, ..self.view }, width, color)
    }
}

const WIDTHS: [usize; 5] = [20, 40, 80, 120, 200];

/// The size of the buffer.
const BUFFER: usize = 64 << 20;

/// A time in a run that begins at 12:00:00 UTC.
fn at(seconds: f64) -> Timestamp {
    let since = Duration::from_secs_f64(seconds);
    Timestamp { monotonic: since, wall: Duration::from_secs(1_792_065_600) + since }
}

/// The id of a post that was written at this time.
fn id(written: Timestamp) -> String {
    let since = written.wall.as_millis() - 1_288_834_974_657;
    (since << 22).to_string()
}

fn rate(remaining: u32) -> RateLimit {
    RateLimit { limit: Some(50), remaining: Some(remaining), reset: Some(at(900.0).wall) }
}

fn connecting() -> TestRow {
    let mut status = TestRow::new("filtered", Duration::from_secs(20), BUFFER);
    status.note(at(0.0), EventKind::Dialling { attempt: 1 });
    status
}

/// A stream that was opened at 1 s and delivered a post at 60 s.
fn streaming() -> TestRow {
    let mut status = connecting();
    status.note(at(1.0), EventKind::Opened { rate: rate(49) });
    status.received(at(60.0), 1234, id(at(59.6)).as_bytes());
    status.view.rate = 25.24;
    status
}

fn end(status: &mut TestRow, seconds: f64, code: Code) {
    let reason = DisconnectReason { code, detail: None };
    let (lived, traffic) = (Duration::from_secs(60), Traffic::default());
    let kind = EventKind::Ended { reason, opened: true, lived, rate: None, traffic, slow_reader: false };
    status.note(at(seconds), kind);
}

fn wait(status: &mut TestRow, why: WaitReason, seconds: f64, until: f64) {
    let delay = Duration::from_secs_f64(until - seconds);
    status.note(at(seconds), EventKind::Waiting { why, delay, until: at(until) });
}

/// A row of each width, each with its width before it.
fn rows(status: &TestRow, seconds: f64) -> String {
    let row = |width: &usize| {
        let row = status.render(at(seconds), *width, false);
        assert!(row.chars().count() <= *width, "{width}: {row}");
        format!("{width:3}: {row}")
    };
    WIDTHS.iter().map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_row_that_connects() {
    insta::assert_snapshot!(rows(&connecting(), 0.5), @r"
     20: connecting · hb -
     40: connecting · heartbeat - · -/- · last -
     80: filtered connecting · heartbeat - · post - · 0.0/s · x-rate-limit -/- · last -
    120: filtered connecting · heartbeat - · post - · 0.0/s of 0 · x-rate-limit -/- · last - · gaps 0 · buffer 0%
    200: filtered connecting · heartbeat - · post - · 0.0/s of 0 · x-rate-limit -/- · last - · gaps 0 · buffer 0%
    ");
}

#[test]
fn a_row_that_streams() {
    let mut status = streaming();
    status.view.backlog = BUFFER / 20;
    insta::assert_snapshot!(rows(&status, 60.3), @r"
     20: streaming · hb 0.3s
     40: streaming · heartbeat 0.3s · last -
     80: filtered streaming · heartbeat 0.3s · post 0.3s · 25.2/s · 49/50 · last -
    120: filtered streaming · heartbeat 0.3s · post 0.3s · 25.2/s of 1234, lag 0.4s · x-rate-limit 49/50 13m59s · last - · gaps 0
    200: filtered streaming · heartbeat 0.3s · post 0.3s · 25.2/s of 1234, lag 0.4s · x-rate-limit 49/50 13m59s · last - · gaps 0 · buffer 4%
    ");
}

#[test]
fn an_idle_row_shows_a_fresh_heartbeat_and_an_old_post() {
    let mut status = streaming();
    status.received(at(400.0), 0, b"");
    status.view.rate = 0.0;
    insta::assert_snapshot!(rows(&status, 407.0), @r"
     20: streaming · hb 7.0s
     40: streaming · heartbeat 7.0s · last -
     80: filtered streaming · heartbeat 7.0s · post 5m47s · 0.0/s · 49/50 · last -
    120: filtered streaming · heartbeat 7.0s · post 5m47s · 0.0/s of 1234, lag 0.4s · x-rate-limit 49/50 8m13s · last - · gaps 0
    200: filtered streaming · heartbeat 7.0s · post 5m47s · 0.0/s of 1234, lag 0.4s · x-rate-limit 49/50 8m13s · last - · gaps 0 · buffer 0%
    ");
}

#[test]
fn a_row_with_a_late_heartbeat() {
    let status = streaming();
    insta::assert_snapshot!(rows(&status, 86.0), @r"
     20: streaming · hb 26s
     40: streaming · heartbeat 26s · last -
     80: filtered streaming · heartbeat 26s · post 26s · 25.2/s · 49/50 · last -
    120: filtered streaming · heartbeat 26s · post 26s · 25.2/s of 1234, lag 0.4s · x-rate-limit 49/50 13m34s · last - · gaps 0
    200: filtered streaming · heartbeat 26s · post 26s · 25.2/s of 1234, lag 0.4s · x-rate-limit 49/50 13m34s · last - · gaps 0 · buffer 0%
    ");
}

#[test]
fn a_row_that_waits_for_the_reset() {
    let mut status = streaming();
    end(&mut status, 61.0, Code::Status(429.into()));
    status.stats.rate_limit = rate(0);
    status.view.rate = 0.0;
    wait(&mut status, WaitReason::RateLimit, 61.0, 901.0);
    insta::assert_snapshot!(rows(&status, 64.0), @r"
     20: rate limited 13m57s
     40: rate limited 13m57s (12:15:01 UTC)
     80: rate limited 13m57s (12:15:01 UTC) · heartbeat - · 0/50 · last 429 3.0s
    120: filtered rate limited, next attempt in 13m57s (12:15:01 UTC) · heartbeat - · post 4.0s · 0.0/s · 0/50 · last 429 3.0s
    200: filtered rate limited, next attempt in 13m57s (12:15:01 UTC) · heartbeat - · post 4.0s · 0.0/s of 1234, lag 0.4s · x-rate-limit 0/50 13m56s · last 429 Too Many Requests 3.0s ago · gaps 0 · buffer 0%
    ");
}

#[test]
fn a_row_whose_reader_is_slow() {
    let mut status = streaming();
    end(&mut status, 30.0, Code::Type("UpstreamOperationalDisconnect".into()));
    status.note(at(31.0), EventKind::Opened { rate: rate(48) });
    status.stats.gaps.count = 1;
    status.received(at(60.0), 1, id(at(31.0)).as_bytes());
    status.view.backlog = BUFFER;
    status.note(at(60.0), EventKind::Blocked);
    insta::assert_snapshot!(rows(&status, 75.0), @r"
     20: slow reader · hb 15s
     40: slow reader · hb 15s
     80: slow reader · heartbeat 15s · 48/50 · last UpstreamOperationalDisconnect 45s
    120: filtered blocked by the reader · heartbeat 15s · post 15s · 25.2/s · 48/50 · last UpstreamOperationalDisconnect 45s
    200: filtered blocked by the reader · heartbeat 15s · post 15s · 25.2/s of 1235, lag 29s · x-rate-limit 48/50 13m45s · last UpstreamOperationalDisconnect 45s ago · gaps 1 · buffer 100%
    ");
}

#[test]
fn a_row_that_stopped() {
    let mut status = streaming();
    end(&mut status, 61.0, Code::Status(401.into()));
    status.note(at(61.0), EventKind::Stopped(crate::session::Outcome::TimeUp));
    insta::assert_snapshot!(rows(&status, 61.2), @r"
     20: stopped · hb -
     40: stopped · heartbeat - · last 401 0.2s
     80: filtered stopped · heartbeat - · post 1.2s · 25.2/s · 49/50 · last 401 0.2s
    120: filtered stopped · heartbeat - · post 1.2s · 25.2/s · x-rate-limit 49/50 13m58s · last 401 Unauthorized 0.2s ago
    200: filtered stopped · heartbeat - · post 1.2s · 25.2/s of 1234, lag 0.4s · x-rate-limit 49/50 13m58s · last 401 Unauthorized 0.2s ago · gaps 0 · buffer 0%
    ");
}

/// What is dropped as the screen narrows: each row that differs from the one before it.
#[test]
fn parts_are_dropped_in_the_documented_order() {
    let mut status = streaming();
    end(&mut status, 61.0, Code::V1(12.into()));
    status.note(at(61.0), EventKind::Opened { rate: rate(48) });
    status.received(at(61.5), 1, id(at(61.2)).as_bytes());
    let quota = Quota { posts: 5000, period: Period::Day };
    status.view.quota = Some(QuotaUsage { quota, used: 1235, exact: true });
    let mut rows: Vec<String> = (1..=200).rev().map(|width| status.render(at(63.0), width, false)).collect();
    rows.dedup();
    insta::assert_snapshot!(rows.join("\n"), @r"
    filtered streaming · heartbeat 1.5s · post 1.5s · 25.2/s of 1235, lag 0.3s · x-rate-limit 48/50 13m57s · last 12 Shed load 2.0s ago · gaps 0 · buffer 0% · quota 1,235/5,000 day
    filtered streaming · heartbeat 1.5s · post 1.5s · 25.2/s of 1235, lag 0.3s · x-rate-limit 48/50 13m57s · last 12 Shed load 2.0s ago · gaps 0 · quota 1,235/5,000 day
    filtered streaming · heartbeat 1.5s · post 1.5s · 25.2/s · x-rate-limit 48/50 13m57s · last 12 Shed load 2.0s ago · gaps 0 · quota 1,235/5,000 day
    filtered streaming · heartbeat 1.5s · post 1.5s · 25.2/s · x-rate-limit 48/50 13m57s · last 12 Shed load 2.0s ago · quota 1,235/5,000 day
    filtered streaming · heartbeat 1.5s · post 1.5s · 25.2/s · x-rate-limit 48/50 13m57s · last 12 2.0s · quota 1,235/5,000 day
    filtered streaming · heartbeat 1.5s · post 1.5s · 25.2/s · 48/50 · last 12 2.0s · quota 1,235/5,000 day
    filtered streaming · heartbeat 1.5s · post 1.5s · 48/50 · last 12 2.0s · quota 1,235/5,000 day
    filtered streaming · heartbeat 1.5s · post 1.5s · 48/50 · last 12 2.0s
    filtered streaming · heartbeat 1.5s · 48/50 · last 12 2.0s
    streaming · heartbeat 1.5s · 48/50 · last 12 2.0s
    streaming · heartbeat 1.5s · last 12 2.0s
    streaming · hb 1.5s · last 12 2.0s
    streaming · hb 1.5s
    streaming
    streamin
    streami
    stream
    strea
    stre
    str
    st
    s
    ");
}

#[test]
fn a_wait_loses_its_text_before_its_end_and_never_half_of_it() {
    let mut status = streaming();
    wait(&mut status, WaitReason::Budget, 61.0, 761.0);
    let mut rows: Vec<String> = (18..=76).rev().map(|width| status.render(at(61.0), width, false)).collect();
    rows.dedup();
    insta::assert_snapshot!(rows.join("\n"), @r"
    budget spent 11m40s (12:12:41 UTC) · heartbeat 1.0s · 49/50 · last -
    budget spent 11m40s (12:12:41 UTC) · heartbeat 1.0s · last -
    budget spent 11m40s (12:12:41 UTC) · hb 1.0s · last -
    budget spent 11m40s (12:12:41 UTC) · hb 1.0s
    budget spent 11m40s (12:12:41 UTC)
    budget spent 11m40s
    budget spent 11m40
    ");
}

#[test]
fn a_backoff_is_called_waiting() {
    let mut status = streaming();
    wait(&mut status, WaitReason::Backoff, 61.0, 81.0);
    assert!(status.render(at(61.0), 200, false).starts_with("filtered waiting, next attempt in 20s · "));
}

#[test]
fn a_wait_into_another_day_shows_the_date_of_its_end() {
    let mut status = streaming();
    let mut row = |until: f64| {
        wait(&mut status, WaitReason::Quota, 61.0, until);
        status.render(at(61.0), 300, false).split(" · ").next().expect("a part").to_owned()
    };
    assert_eq!(row(3600.0), "filtered quota spent, next attempt in 58m59s (13:00:00 UTC)");
    assert_eq!(row(16.5 * 86400.0), "filtered quota spent, next attempt in 395h58m (2026-11-01 00:00:00 UTC)");
    assert_eq!(status.render(at(61.0), 48, false), "quota spent 395h58m (2026-11-01 00:00:00 UTC)");
}

#[test]
fn every_width_is_kept_in_every_state_and_colours_take_no_room() {
    let mut blocked = streaming();
    blocked.note(at(60.0), EventKind::Blocked);
    let mut waiting = streaming();
    wait(&mut waiting, WaitReason::RetryAfter, 61.0, 4000.0);
    for status in [connecting(), streaming(), blocked, waiting] {
        for width in 0..=200 {
            let plain = status.render(at(99.0), width, false);
            assert!(plain.chars().count() <= width, "{width}: {plain}");
            assert_eq!(
                looks(&status, 99.0, width).iter().map(|(text, _)| &**text).collect::<Vec<_>>().join(" · "),
                plain
            );
        }
    }
}

/// The parts of a coloured row, each with its colour: 31 red, 32 green, 33 yellow.
fn looks(status: &TestRow, seconds: f64, width: usize) -> Vec<(String, Option<u8>)> {
    let row = status.render(at(seconds), width, true);
    let look = |part: &str| match part.strip_prefix("\x1b[") {
        Some(rest) => {
            let (color, rest) = rest.split_once('m').expect("a colour");
            let text = rest.strip_suffix("\x1b[0m").expect("its end");
            (text.to_owned(), Some(color.parse().expect("a number")))
        }
        None => (part.to_owned(), None),
    };
    row.split(" · ").map(look).collect()
}

/// The colour of the part that begins with this.
#[track_caller]
fn color(status: &TestRow, seconds: f64, begins: &str) -> Option<u8> {
    let looks = looks(status, seconds, 300);
    let part = looks.iter().find(|(text, _)| text.starts_with(begins));
    part.unwrap_or_else(|| panic!("no {begins} in {looks:?}")).1
}

const RED: Option<u8> = Some(31);
const GREEN: Option<u8> = Some(32);
const YELLOW: Option<u8> = Some(33);

#[test]
fn a_state_is_green_while_the_stream_is_read_and_red_otherwise() {
    let mut status = connecting();
    assert_eq!(color(&status, 0.5, "filtered"), RED);
    assert_eq!(color(&status, 0.5, "heartbeat -"), RED);
    status.note(at(1.0), EventKind::Opened { rate: rate(49) });
    assert_eq!(color(&status, 1.5, "filtered"), GREEN);
    assert_eq!(color(&status, 1.5, "heartbeat 0.5s"), None);
    status.note(at(2.0), EventKind::Blocked);
    assert_eq!(color(&status, 2.0, "filtered"), RED);
    status.note(at(3.0), EventKind::Unblocked { after: Duration::from_secs(1) });
    assert_eq!(color(&status, 3.0, "filtered"), GREEN);
    end(&mut status, 4.0, Code::V1(12.into()));
    for why in [WaitReason::Backoff, WaitReason::RateLimit, WaitReason::RetryAfter, WaitReason::Budget] {
        wait(&mut status, why, 4.0, 9.0);
        assert_eq!(color(&status, 5.0, "filtered"), RED);
        assert_eq!(color(&status, 5.0, "heartbeat -"), RED);
    }
    status.note(at(9.0), EventKind::Stopped(crate::session::Outcome::TimeUp));
    assert_eq!(color(&status, 9.0, "filtered stopped"), RED);
}

#[test]
fn a_heartbeat_is_yellow_five_seconds_after_the_keep_alive_of_its_family() {
    for keep_alive in [10, 20, 30] {
        let mut status = TestRow::new("any", Duration::from_secs(keep_alive), BUFFER);
        status.note(at(0.0), EventKind::Opened { rate: RateLimit::default() });
        let limit = keep_alive as f64 + 5.0;
        assert_eq!(color(&status, limit, "heartbeat"), None);
        assert_eq!(color(&status, limit + 0.1, "heartbeat"), YELLOW);
        status.received(at(limit + 1.0), 0, b"");
        assert_eq!(color(&status, limit + 1.5, "heartbeat"), None);
    }
}

#[test]
fn requests_are_yellow_below_five() {
    for (remaining, look) in [(50, None), (5, None), (4, YELLOW), (0, YELLOW)] {
        let mut status = connecting();
        status.note(at(1.0), EventKind::Opened { rate: rate(remaining) });
        assert_eq!(color(&status, 2.0, "x-rate-limit"), look, "{remaining}");
    }
    assert_eq!(color(&connecting(), 0.5, "x-rate-limit -/-"), None);
}

#[test]
fn a_buffer_is_yellow_above_sixty_percent() {
    for (percent, look) in [(0, None), (60, None), (61, YELLOW), (100, YELLOW)] {
        let mut status = TestRow::new("any", Duration::from_secs(20), 1000);
        status.view.backlog = percent * 10;
        assert_eq!(color(&status, 0.0, &format!("buffer {percent}%")), look);
    }
}

#[test]
fn a_quota_is_yellow_from_nine_tenths_on() {
    let quota = Quota { posts: 1000, period: Period::Day };
    for (used, look) in [(0, None), (899, None), (900, YELLOW), (1200, YELLOW)] {
        let mut status = streaming();
        status.view.quota = Some(QuotaUsage { quota, used, exact: true });
        assert_eq!(color(&status, 61.0, "quota "), look, "{used}");
    }
}

#[test]
fn a_last_code_and_gaps_are_yellow() {
    let mut status = streaming();
    assert_eq!(color(&status, 61.0, "last -"), None);
    assert_eq!(color(&status, 61.0, "gaps 0"), None);
    end(&mut status, 61.0, Code::V1(12.into()));
    status.stats.gaps.count = 1;
    assert_eq!(color(&status, 62.0, "last 12 Shed load 1.0s ago"), YELLOW);
    assert_eq!(color(&status, 62.0, "gaps 1"), YELLOW);
}

#[test]
fn a_code_that_is_words_is_not_shown_twice() {
    let mut status = streaming();
    end(&mut status, 61.0, Code::Type("UpstreamOperationalDisconnect".into()));
    let row = status.render(at(62.0), 300, false);
    assert!(row.contains(" · last UpstreamOperationalDisconnect 1.0s ago · "), "{row}");
}

#[test]
fn a_narrow_row_keeps_its_colours() {
    assert_eq!(looks(&streaming(), 86.0, 20), [("streaming".to_owned(), GREEN), ("hb 26s".to_owned(), YELLOW)]);
    assert_eq!(looks(&streaming(), 86.0, 5), [("strea".to_owned(), GREEN)]);
}

/// The part with the posts, after one with this id was received.
fn lag(id: &str) -> String {
    let mut status = connecting();
    status.note(at(1.0), EventKind::Opened { rate: RateLimit::default() });
    status.received(at(60.0), 1, id.as_bytes());
    status.render(at(60.0), 300, false).split(" · ").nth(3).expect("a part").to_owned()
}

#[test]
fn a_lag_is_the_time_from_the_id_to_the_arrival() {
    assert_eq!(lag(&id(at(57.5))), "0.0/s of 1, lag 2.5s");
    assert_eq!(lag(&format!("tag:search.twitter.com,2005:{}", id(at(30.0)))), "0.0/s of 1, lag 30s");
    // A clock that is behind X's makes no post come before it was written.
    assert_eq!(lag(&id(at(61.0))), "0.0/s of 1, lag 0.0s");
}

#[test]
fn no_lag_is_shown_where_the_id_holds_no_time() {
    // A post of 2006, a like, an archive, none at all.
    for id in ["20", "8ba4f34e6235d905a46bac021d98e923", "1346889436626259968", ""] {
        assert_eq!(lag(id), "0.0/s of 1", "{id}");
    }
}

#[test]
fn a_reset_that_is_past_or_absurd_is_not_shown() {
    let limit = |reset: Option<f64>| {
        let mut status = connecting();
        let rate = RateLimit { limit: Some(50), remaining: Some(49), reset: reset.map(|reset| at(reset).wall) };
        status.note(at(60.0), EventKind::Opened { rate });
        status.render(at(60.0), 300, false).split(" · ").nth(4).expect("a part").to_owned()
    };
    assert_eq!(limit(Some(900.0)), "x-rate-limit 49/50 14m00s");
    for reset in [None, Some(59.0), Some(1e9)] {
        assert_eq!(limit(reset), "x-rate-limit 49/50", "{reset:?}");
    }
}
