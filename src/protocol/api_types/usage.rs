//! Posts consumed, per day, of the project and of each app (X docs: usage).

use serde_json::Value;

use super::{list, number, text};

/// What the project consumed, as X counts it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProjectUsage {
    /// The day of the month on which the count restarts.
    pub cap_reset_day: Option<u64>,
    /// Posts that the project may consume in a month.
    pub project_cap: Option<u64>,
    /// The id of the project.
    pub project_id: Option<String>,
    /// Posts consumed in this month.
    pub project_usage: Option<u64>,
    /// Posts of the project per day.
    pub project_days: Vec<DailyUsage>,
    /// Posts of each app per day.
    pub app_days: Vec<DailyUsage>,
    /// As X sent it: the value of `data`.
    pub raw: Value,
}

/// Posts consumed on one day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DailyUsage {
    /// The day, RFC 3339, as X sent it.
    pub date: String,
    /// The id of the app, if X counts each app.
    pub app: Option<String>,
    /// How many posts.
    pub posts: u64,
}

impl ProjectUsage {
    /// Reads a response, in the form of the schema or in that of the prose page.
    #[must_use]
    pub fn from_json(response: &Value) -> Self {
        let data = response.get("data").unwrap_or(&Value::Null);
        Self {
            cap_reset_day: number(data, "cap_reset_day"),
            project_cap: number(data, "project_cap"),
            project_id: text(data, "project_id"),
            project_usage: number(data, "project_usage"),
            project_days: days(data.get("daily_project_usage")),
            app_days: days(data.get("daily_client_app_usage")),
            raw: data.clone(),
        }
    }
}

/// The days in either form: `{usage:[{date,usage}]}`, once or for each app, or
/// `[{date,usage:[{app_id,tweets_consumed}]}]`.
fn days(value: Option<&Value>) -> Vec<DailyUsage> {
    let groups: &[Value] = match value {
        Some(Value::Array(groups)) => groups,
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    let app_of = |raw: &Value| text(raw, "client_app_id").or_else(|| text(raw, "app_id"));
    let posts_of = |raw: &Value| number(raw, "tweets_consumed").or_else(|| number(raw, "usage"));
    let mut days = Vec::new();
    for group in groups {
        let group_date = text(group, "date");
        if let (Some(date), Some(posts)) = (&group_date, posts_of(group)) {
            days.push(DailyUsage { date: date.clone(), app: app_of(group), posts });
        }
        for entry in list(group, "usage") {
            let date = text(entry, "date").or_else(|| group_date.clone());
            if let (Some(date), Some(posts)) = (date, posts_of(entry)) {
                days.push(DailyUsage { date, app: app_of(entry).or_else(|| app_of(group)), posts });
            }
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn usage_is_read_in_both_published_shapes() {
        let day = |app: Option<&str>, posts| DailyUsage {
            date: "2026-11-21T00:00:00.000Z".to_owned(),
            app: app.map(ToOwned::to_owned),
            posts,
        };
        let schema =
            ProjectUsage::from_json(&json!({"data":{"cap_reset_day":13,"project_cap":"3000000","project_id":"42",
            "project_usage":"1203",
            "daily_project_usage":{"project_id":"42","usage":[{"date":"2026-11-21T00:00:00.000Z","usage":"200"}]},
            "daily_client_app_usage":[{"client_app_id":"9","usage_result_count":1,
                "usage":[{"date":"2026-11-21T00:00:00.000Z","usage":"120"}]}]}}));
        assert_eq!((schema.cap_reset_day, schema.project_cap), (Some(13), Some(3_000_000)));
        assert_eq!((schema.project_days, schema.app_days), (vec![day(None, 200)], vec![day(Some("9"), 120)]));
        let prose = ProjectUsage::from_json(
            &json!({"data":{"project_cap":3_000_000,"project_usage":1203,"daily_project_usage":[
            {"date":"2026-11-21T00:00:00.000Z","usage":[{"app_id":"9","tweets_consumed":120}]}]}}),
        );
        assert_eq!((prose.project_usage, prose.project_days), (Some(1203), vec![day(Some("9"), 120)]));
    }
}
