//! The report of `usage`, from X's response and our own meter: a table with bars, or objects for programs. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use crate::observe::table::{self, Cell, Column, Style};
use crate::protocol::api_types::{DailyUsage, ProjectUsage};
use crate::store::meter::MeteredDay;
use crate::text::sanitize;
use crate::text::thousands;

/// One UTC day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Row {
    /// Posts by X's count; none if X does not list the day.
    x: Option<u64>,
    /// Posts by our meter, and whether the count is exact; none before the first metered day.
    metered: Option<(u64, bool)>,
    /// Posts per app, where X lists several.
    apps: BTreeMap<String, u64>,
}

/// Everything that is shown.
#[derive(Debug)]
pub struct UsageReport {
    today: Date,
    days: BTreeMap<String, Row>,
    project: Option<String>,
    cap: Option<u64>,
    used: Option<u64>,
    turns: Option<Date>,
    /// Our own count since the cap's month began; none without a state file, or where X does not name that month.
    metered: Option<u64>,
    has_meter: bool,
}

impl UsageReport {
    /// The report of the last `days` including today, and of all other days that X lists.
    pub fn new(usage: &ProjectUsage, metered: Option<&[MeteredDay]>, today: Date, days: u8) -> UsageReport {
        let mut rows: BTreeMap<String, Row> =
            (0..i64::from(days)).map(|ago| (today.saturating_sub(ago.days()).to_string(), Row::default())).collect();
        let by_app = if usage.app_days.is_empty() { &usage.project_days } else { &usage.app_days };
        let apps: BTreeSet<&str> = by_app.iter().filter_map(|day| day.app.as_deref()).collect();
        // The numbers of the project, else the sum of its apps.
        let by_project = if usage.project_days.is_empty() { &usage.app_days } else { &usage.project_days };
        for DailyUsage { date, posts, .. } in by_project {
            *rows.entry(day(date)).or_default().x.get_or_insert(0) += posts;
        }
        for DailyUsage { date, app, posts } in by_app {
            if let (Some(app), true) = (app, apps.len() > 1) {
                *rows.entry(day(date)).or_default().apps.entry(sanitize(app, 40)).or_default() += posts;
            }
        }
        if let Some(metered) = metered {
            // A day without posts has no entry; before the first entry there was no meter.
            let first = metered.first().map_or("9999", |day| day.date.as_str());
            for (date, row) in &mut rows {
                let counted = metered.iter().find(|day| day.date == *date).map(|day| (day.posts, day.exact));
                row.metered = counted.or_else(|| (date.as_str() >= first).then_some((0, true)));
            }
        }
        let turn = usage.cap_reset_day.and_then(|day| i8::try_from(day).ok()).filter(|day| (1..=31).contains(day));
        let since = turn.map(|turn| begin(today, turn).to_string());
        UsageReport {
            today,
            days: rows,
            project: usage.project_id.as_deref().map(|id| sanitize(id, 40)),
            cap: usage.project_cap,
            used: usage.project_usage,
            turns: turn.map(|turn| end(today, turn)),
            metered: metered
                .zip(since)
                .map(|(days, since)| days.iter().filter(|day| day.date >= since).map(|day| day.posts).sum()),
            has_meter: metered.is_some(),
        }
    }

    fn left(&self) -> Option<u64> {
        Some(self.cap?.saturating_sub(self.used?))
    }

    /// Objects for programs.
    pub fn values(&self) -> Vec<Value> {
        let mut values: Vec<Value> = self
            .days
            .iter()
            .map(|(date, row)| {
                let mut value = json!({
                    "date": date,
                    "x": row.x,
                    "metered": row.metered.map(|(posts, _)| posts),
                    "exact": row.metered.map(|(_, exact)| exact),
                });
                if !row.apps.is_empty() {
                    value["apps"] = json!(row.apps);
                }
                value
            })
            .collect();
        values.push(json!({
            "project": self.project,
            "cap": self.cap,
            "used": self.used,
            "left": self.left(),
            "turns": self.turns.map(|date| date.to_string()),
            "metered": self.metered,
        }));
        values
    }

    /// The table for a terminal.
    pub fn render(&self, width: usize, color: bool) -> String {
        let x = |row: &Row| row.x.map_or_else(|| "-".to_owned(), thousands);
        let metered = |row: &Row| match row.metered {
            Some((posts, true)) => thousands(posts),
            // An upper bound: from a million posts per day on, repeats are counted again.
            Some((posts, false)) => format!("≤ {}", thousands(posts)),
            None if self.has_meter => "-".to_owned(),
            None => String::new(),
        };
        let widest = |text: &dyn Fn(&Row) -> String, title: &str| {
            self.days.values().map(|row| text(row).width()).max().unwrap_or(0).max(title.len())
        };
        let mut taken = "2026-11-22".len() + 2 + widest(&x, "X") + 2;
        if self.has_meter {
            taken += widest(&metered, "METERED") + 2;
        }
        let room = width.saturating_sub(taken).min(LONGEST_BAR);
        let most = self.days.values().filter_map(|row| row.x).max().unwrap_or(0);
        let rows: Vec<Vec<Cell>> = self
            .days
            .iter()
            .map(|(date, row)| {
                let bar = Cell::new(&bar(row.x.unwrap_or(0), most, room), Style::Faint);
                vec![date.as_str().into(), x(row).into(), metered(row).into(), bar]
            })
            .collect();
        let columns = [Column::whole("DATE"), Column::number("X"), Column::number("METERED"), Column::whole("")];
        let mut text = table::render(&columns, &rows, width, color);
        let mut apps: BTreeMap<&str, u64> = BTreeMap::new();
        for (app, posts) in self.days.values().flat_map(|row| &row.apps) {
            *apps.entry(app).or_default() += posts;
        }
        if !apps.is_empty() {
            let rows: Vec<Vec<Cell>> =
                apps.iter().map(|(app, posts)| vec![(*app).into(), thousands(*posts).into()]).collect();
            text.push('\n');
            text.push_str(&table::render(&[Column::whole("APP"), Column::number("X")], &rows, width, color));
        }
        text.push('\n');
        text.push_str(&self.summary());
        text
    }

    /// The state of the cap, one fact per line.
    fn summary(&self) -> String {
        let project = self.project.as_ref().map_or_else(String::new, |project| format!(", project {project}"));
        let mut lines = vec![format!("{}{project}", cap_state(self.used, self.cap))];
        if let Some(turns) = self.turns {
            let days = self.today.until(turns).map_or(0, |span| span.get_days());
            let plural = if days == 1 { "" } else { "s" };
            lines.push(format!("the count restarts on {turns} (UTC), in {days} day{plural}"));
        }
        if let Some(metered) = self.metered {
            lines.push(format!("this machine metered {} of this month's posts", thousands(metered)));
        }
        lines.join("\n") + "\n"
    }
}

/// The widest bar. A wider one shows no more, and moves the bars away from the numbers.
const LONGEST_BAR: usize = 40;

/// The day of a time as X writes it.
fn day(date: &str) -> String {
    sanitize(date.get(..10).unwrap_or(date), 20)
}

/// A bar for `posts` out of `most`, in eighths of a column; the thinnest one for any number above 0.
fn bar(posts: u64, most: u64, room: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if posts == 0 || most == 0 || room == 0 {
        return String::new();
    }
    let eighths = u128::from(posts) * room as u128 * 8 / u128::from(most);
    let eighths = usize::try_from(eighths).unwrap_or(0).clamp(1, room * 8);
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// What is used of the cap, and left.
pub fn cap_state(used: Option<u64>, cap: Option<u64>) -> String {
    match (used, cap) {
        (Some(used), Some(cap)) => format!(
            "{} of {} posts used ({}), {} left",
            thousands(used),
            thousands(cap),
            percent(used, cap),
            thousands(cap.saturating_sub(used))
        ),
        (Some(used), None) => format!("{} posts used; X states no cap", thousands(used)),
        (None, Some(cap)) => format!("a cap of {} posts; X does not state what is used", thousands(cap)),
        (None, None) => "X states neither a cap nor what is used of it".to_owned(),
    }
}

/// A share for the user; a small one is not shown as 0 %, and one below the cap is not shown as 100 %.
fn percent(used: u64, cap: u64) -> String {
    if cap == 0 {
        return "100 %".to_owned();
    }
    let share = used as f64 * 100.0 / cap as f64;
    match share {
        _ if used == 0 => "0 %".to_owned(),
        share if share < 0.1 => "under 0.1 %".to_owned(),
        share if used < cap && share > 99.9 => "99.9 %".to_owned(),
        share => format!("{share:.1} %"),
    }
}

/// The first day of the cap's month that contains `today`.
fn begin(today: Date, turn: i8) -> Date {
    let this = day_of_month(today, turn);
    if this <= today { this } else { day_of_month(today.first_of_month().saturating_sub(1.day()), turn) }
}

/// The first day of the cap's next month: X names a day of the month (`cap_reset_day`).
pub fn end(today: Date, turn: i8) -> Date {
    let this = day_of_month(today, turn);
    if this > today { this } else { day_of_month(today.last_of_month().saturating_add(1.day()), turn) }
}

/// That day of a month, or the last day of a shorter month: X does not document that case.
fn day_of_month(month: Date, day: i8) -> Date {
    month.first_of_month().saturating_add((i64::from(day.clamp(1, month.days_in_month())) - 1).days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn usage() -> ProjectUsage {
        ProjectUsage::from_json(&json!({ "data": {
            "cap_reset_day": 10,
            "project_cap": "3000000",
            "project_id": "1369785403853424",
            "project_usage": "1234567",
            "daily_project_usage": [
                { "date": "2026-11-20", "usage": [{ "app_id": "1", "tweets_consumed": 100_000 }] },
                { "date": "2026-11-21", "usage": [{ "app_id": "1", "tweets_consumed": 1 }] },
                { "date": "2026-11-22", "usage": [{ "app_id": "1", "tweets_consumed": 41_000 }] },
            ],
        }}))
    }

    fn metered() -> Vec<MeteredDay> {
        let day = |date: &str, posts, exact| MeteredDay { date: date.to_owned(), posts, exact, reserved: 0 };
        vec![day("2026-11-09", 7, true), day("2026-11-20", 99_990, false), day("2026-11-22", 41_000, true)]
    }

    #[test]
    fn both_figures_are_shown_side_by_side() {
        let report = UsageReport::new(&usage(), Some(&metered()), date(2026, 11, 22), 4);
        insta::assert_snapshot!(report.render(60, false), @r"
        DATE              X   METERED
        2026-11-19        -         0
        2026-11-20  100,000  ≤ 99,990  █████████████████████████████
        2026-11-21        1         0  ▏
        2026-11-22   41,000    41,000  ███████████▉

        1,234,567 of 3,000,000 posts used (41.2 %), 1,765,433 left, project 1369785403853424
        the count restarts on 2026-12-10 (UTC), in 18 days
        this machine metered 140,990 of this month's posts
        ");
    }

    #[test]
    fn without_a_meter_there_is_no_column_for_it_and_a_narrow_screen_has_no_bars() {
        let report = UsageReport::new(&usage(), None, date(2026, 11, 22), 3);
        insta::assert_snapshot!(report.render(20, false), @r"
        DATE              X
        2026-11-20  100,000
        2026-11-21        1
        2026-11-22   41,000

        1,234,567 of 3,000,000 posts used (41.2 %), 1,765,433 left, project 1369785403853424
        the count restarts on 2026-12-10 (UTC), in 18 days
        ");
    }

    #[test]
    fn each_of_several_apps_has_a_row() {
        let days = |id: &str, posts: u64| json!({ "client_app_id": id, "usage": [{ "date": "2026-11-22T00:00:00.000Z", "usage": posts }] });
        let usage = ProjectUsage::from_json(
            &json!({ "data": { "daily_client_app_usage": [days("11", 1200), days("22", 34)] } }),
        );
        let report = UsageReport::new(&usage, None, date(2026, 11, 22), 1);
        insta::assert_snapshot!(report.render(60, false), @r"
        DATE            X
        2026-11-22  1,234  ████████████████████████████████████████

        APP      X
        11   1,200
        22      34

        X states neither a cap nor what is used of it
        ");
        assert_eq!(
            report.values()[0],
            json!({ "date": "2026-11-22", "x": 1234, "metered": null, "exact": null, "apps": { "11": 1200, "22": 34 } })
        );
    }

    #[test]
    fn objects_are_one_per_day_and_then_the_total() {
        let report = UsageReport::new(&usage(), Some(&metered()), date(2026, 11, 22), 3);
        assert_eq!(
            report.values(),
            [
                json!({ "date": "2026-11-20", "x": 100_000, "metered": 99_990, "exact": false }),
                json!({ "date": "2026-11-21", "x": 1, "metered": 0, "exact": true }),
                json!({ "date": "2026-11-22", "x": 41_000, "metered": 41_000, "exact": true }),
                json!({ "project": "1369785403853424", "cap": 3_000_000, "used": 1_234_567, "left": 1_765_433,
                    "turns": "2026-12-10", "metered": 140_990 }),
            ]
        );
    }

    #[test]
    fn nothing_is_made_up_where_x_is_silent() {
        let report = UsageReport::new(&ProjectUsage::default(), Some(&[]), date(2026, 11, 22), 1);
        assert_eq!(
            report.values(),
            [
                json!({ "date": "2026-11-22", "x": null, "metered": null, "exact": null }),
                json!({ "project": null, "cap": null, "used": null, "left": null, "turns": null, "metered": null }),
            ]
        );
        insta::assert_snapshot!(report.render(60, false), @r"
        DATE        X  METERED
        2026-11-22  -        -

        X states neither a cap nor what is used of it
        ");
    }

    #[test]
    fn the_month_turns_on_its_day_or_on_the_last_of_a_shorter_month() {
        for (today, turn, began, turns) in [
            (date(2026, 11, 22), 1, date(2026, 11, 1), date(2026, 12, 1)),
            (date(2026, 11, 22), 22, date(2026, 11, 22), date(2026, 12, 22)),
            (date(2026, 11, 22), 23, date(2026, 10, 23), date(2026, 11, 23)),
            (date(2026, 12, 31), 31, date(2026, 12, 31), date(2027, 1, 31)),
            (date(2027, 2, 10), 31, date(2027, 1, 31), date(2027, 2, 28)),
            (date(2027, 2, 28), 31, date(2027, 2, 28), date(2027, 3, 31)),
        ] {
            assert_eq!((begin(today, turn), end(today, turn)), (began, turns), "{today} {turn}");
        }
    }

    #[test]
    fn numbers_have_separators() {
        let shown = [0, 999, 1000, 1_234_567, u64::MAX].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567", "18,446,744,073,709,551,615"]);
        let shown = [(0, 10), (1, 3_000_000), (1, 8), (2_999_999, 3_000_000), (3, 3), (4, 3), (1, 0)];
        let shown = shown.map(|(used, cap)| percent(used, cap));
        assert_eq!(shown, ["0 %", "under 0.1 %", "12.5 %", "99.9 %", "100.0 %", "133.3 %", "100 %"]);
    }

    proptest! {
        #[test]
        fn no_bar_is_wider_than_its_room(posts in any::<u64>(), most in any::<u64>(), room in 0_usize..50) {
            let shown = bar(posts.min(most), most, room);
            prop_assert!(shown.width() <= room);
            prop_assert_eq!(shown.is_empty(), posts.min(most) == 0 || room == 0);
        }
    }
}
