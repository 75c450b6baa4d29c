//! How many posts were delivered, day by day: the state behind `GET /2/usage/tweets`.
//!
//! Today's number is what this server delivered, each post once a UTC day; earlier days come
//! from the options.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::answer::{JsonResponse, ProblemResponse};
use super::query::{QueryString, pick};
use crate::simulator::feed::number_set::NumberSet;
use crate::simulator::feed::post::calendar;

/// The app whose token the streams are opened with.
pub(crate) const APP: &str = "27182818";

/// What a project may read, and what it has read before.
#[derive(Debug, Clone)]
pub struct UsageSettings {
    /// Posts a month.
    pub cap: u64,
    /// The day of the month on which the count starts again, 1 to 28.
    pub reset_day: i8,
    /// The project's id.
    pub project: String,
    /// Earlier consumption.
    pub history: Vec<HistoryDay>,
}

/// What one app consumed on one day.
#[derive(Debug, Clone)]
pub struct HistoryDay {
    /// 1 is yesterday; 0 adds to what is delivered today.
    pub days_ago: u32,
    /// The app; `None` is the one the token belongs to.
    pub app: Option<String>,
    /// Posts.
    pub posts: u64,
}

impl Default for UsageSettings {
    fn default() -> UsageSettings {
        UsageSettings { cap: 3_000_000, reset_day: 1, project: String::from("1369785403853424"), history: Vec::new() }
    }
}

/// Counts what is delivered.
pub(crate) struct UsageMeter {
    usage: UsageSettings,
    today: Mutex<DeliveredToday>,
}

/// What was delivered on one day.
#[derive(Default)]
struct DeliveredToday {
    /// Days since 1970, UTC.
    day: u64,
    /// Posts of `posts`: each is delivered once, so their ids need not be kept.
    generated: u64,
    /// Posts of the feed, which backfill delivers again.
    numbered: NumberSet,
    /// Ids of posts that a script spells out: they come again and again.
    written: HashSet<String>,
    /// Of each flood block, how many of its posts were delivered at least once.
    flooded: [usize; 4],
}

/// Ids of written posts that are kept in a day. A script holds fewer; beyond this the count stops rather than the
/// memory growing.
const MAX_WRITTEN: usize = 100_000;

const FIELDS: [&str; 6] =
    ["cap_reset_day", "daily_client_app_usage", "daily_project_usage", "project_cap", "project_id", "project_usage"];

/// What comes without `usage.fields`, as in the published example.
const USUAL: [&str; 4] = ["cap_reset_day", "project_cap", "project_id", "project_usage"];

const DAY_MS: u64 = 86_400_000;

impl UsageMeter {
    pub(crate) fn new(usage: UsageSettings) -> UsageMeter {
        UsageMeter { usage, today: Mutex::default() }
    }

    fn today(&self, unix_ms: u64) -> MutexGuard<'_, DeliveredToday> {
        let mut today = self.today.lock().unwrap_or_else(PoisonError::into_inner);
        if today.day != unix_ms / DAY_MS {
            // Yesterday's posts belong into the history, which only the options hold; a server that
            // runs past midnight starts at zero, as the day does.
            *today = DeliveredToday { day: unix_ms / DAY_MS, ..DeliveredToday::default() };
        }
        today
    }

    /// A post of `posts` was delivered.
    pub(crate) fn generated(&self, unix_ms: u64) {
        self.today(unix_ms).generated += 1;
    }

    /// A post of the feed was delivered.
    pub(crate) fn numbered(&self, number: u64, unix_ms: u64) {
        self.today(unix_ms).numbered.insert(number);
    }

    /// A post of the script's text was delivered.
    pub(crate) fn written(&self, id: &str, unix_ms: u64) {
        let mut today = self.today(unix_ms);
        if today.written.len() < MAX_WRITTEN && !today.written.contains(id) {
            today.written.insert(id.to_owned());
        }
    }

    /// The first `posts` of a flood block were delivered.
    pub(crate) fn flooded(&self, block: usize, posts: usize, unix_ms: u64) {
        let mut today = self.today(unix_ms);
        today.flooded[block] = today.flooded[block].max(posts);
    }

    fn delivered(&self, unix_ms: u64) -> u64 {
        let today = self.today(unix_ms);
        today.generated
            + today.numbered.count()
            + today.written.len() as u64
            + today.flooded.iter().sum::<usize>() as u64
    }

    /// `GET /2/usage/tweets`.
    pub(crate) fn answer(&self, query: &str, now: u64) -> Result<JsonResponse, ProblemResponse> {
        let query = QueryString::parse(query, &["days", "usage.fields"])?;
        let days = query.number("days", 1..=90, 7)?;
        let fields = query.words("usage.fields", &FIELDS)?.unwrap_or_else(|| USUAL.to_vec());
        let today = calendar(now).to_zoned(TimeZone::UTC).date();
        let table = self.table(today, now);
        let begin = period_start(today, self.usage.reset_day);
        let used: u64 = table.range(begin..).flat_map(|(_, apps)| apps.values()).sum();
        let first = today.saturating_sub(i64::try_from(days - 1).unwrap_or(0).days());

        let mut by_day = Vec::new();
        let mut by_app: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for (date, apps) in table.range(first..) {
            let usage: Vec<Value> =
                apps.iter().map(|(app, posts)| json!({"app_id": app, "tweets_consumed": posts})).collect();
            by_day.push(json!({"date": date.to_string(), "usage": usage}));
            for (app, posts) in apps {
                let day = json!({"date": format!("{date}T00:00:00.000Z"), "usage": posts.to_string()});
                by_app.entry(app).or_default().push(day);
            }
        }
        let by_app: Vec<Value> = by_app
            .into_iter()
            .map(|(app, usage)| json!({"client_app_id": app, "usage_result_count": usage.len(), "usage": usage}))
            .collect();
        let data = json!({
            "cap_reset_day": self.usage.reset_day,
            "project_cap": self.usage.cap.to_string(),
            "project_id": self.usage.project,
            "project_usage": used.to_string(),
            "daily_project_usage": by_day,
            "daily_client_app_usage": by_app,
        });
        Ok(JsonResponse { status: 200, body: json!({ "data": pick(data, &fields) }) })
    }

    /// Posts by day and app. Today is there even with nothing delivered.
    fn table(&self, today: Date, now: u64) -> BTreeMap<Date, BTreeMap<String, u64>> {
        let mut table: BTreeMap<Date, BTreeMap<String, u64>> = BTreeMap::new();
        table.entry(today).or_default().insert(String::from(APP), self.delivered(now));
        for day in &self.usage.history {
            let date = today.saturating_sub(i64::from(day.days_ago).days());
            let app = day.app.clone().unwrap_or_else(|| String::from(APP));
            *table.entry(date).or_default().entry(app).or_default() += day.posts;
        }
        table
    }
}

/// When the month of the cap began that `today` lies in.
fn period_start(today: Date, reset_day: i8) -> Date {
    // Every month has 28 days.
    let this = today.first_of_month().saturating_add((i64::from(reset_day.clamp(1, 28)) - 1).days());
    if this <= today { this } else { this.saturating_sub(1.month()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_month_of_the_cap_begins_on_its_day() {
        assert_eq!(period_start(date(2026, 3, 10), 10), date(2026, 3, 10));
        assert_eq!(period_start(date(2026, 3, 9), 10), date(2026, 2, 10));
        assert_eq!(period_start(date(2026, 1, 1), 99), date(2025, 12, 28));
    }

    #[test]
    fn a_post_counts_once_a_day() {
        let meter = UsageMeter::new(UsageSettings::default());
        let now = 1_790_000_000_000;
        meter.generated(now);
        for _ in 0..3 {
            meter.written("1", now);
            meter.numbered(5, now);
            meter.flooded(0, 7, now);
        }
        meter.flooded(0, 3, now);
        assert_eq!(meter.delivered(now), 10);
        assert_eq!(meter.delivered(now + DAY_MS), 0);
    }
}
