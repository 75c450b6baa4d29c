//! How many posts X delivered, as X counts them: unique by id within a UTC day.
//!
//! The first million ids of a day are remembered, so up to there the count is exact whatever is delivered twice.
//! Beyond, each post that is not among them counts, and the number is an upper bound. X bills or caps what it
//! delivers, printed or not (x-streaming.md §1.1, §5b), so the count lies before every filter.

use std::collections::HashSet;
use std::str::FromStr;

/// Ids remembered of a day. A million takes 18 MB; a quota that is reached later is far above any that counts posts
/// by the day for a person's purse.
pub const REMEMBERED: usize = 1_000_000;

/// The most posts that may be delivered in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many posts.
    pub posts: u64,
    /// In what time.
    pub period: Period,
}

/// A UTC day or a UTC month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From the first to the first.
    Month,
}

impl Period {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Period::Day => "day",
            Period::Month => "month",
        }
    }
}

impl FromStr for Quota {
    type Err = String;

    /// `5000/day`, `3M/month`.
    fn from_str(text: &str) -> Result<Quota, String> {
        let parsed = text.trim().split_once('/').and_then(|(posts, period)| {
            let period = match period.trim().to_ascii_lowercase().as_str() {
                "day" => Period::Day,
                "month" => Period::Month,
                _ => return None,
            };
            let posts = posts.trim().replace(['_', ','], "");
            let (digits, unit) = match posts.strip_suffix(['k', 'K']) {
                Some(digits) => (digits, 1_000),
                None => posts.strip_suffix(['m', 'M']).map_or((posts.as_str(), 1), |digits| (digits, 1_000_000)),
            };
            // 1.5M is a number of posts, 1.5 is none.
            let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
            let scale = 10_u64.checked_pow(u32::try_from(part.len()).ok()?)?;
            let part = part.parse::<u64>().ok()?.checked_mul(unit)?;
            let posts = whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(part / scale)?;
            (part % scale == 0).then_some(Quota { posts, period })
        });
        match parsed {
            Some(Quota { posts: 0, .. }) => Err("a quota of 0 posts leaves nothing to stream".to_owned()),
            Some(quota) => Ok(quota),
            None => Err("a quota is N/day or N/month, such as 5000/day or 2M/month".to_owned()),
        }
    }
}

/// What the meter makes of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It is within the quota, or there is none, or it was delivered before.
    Within,
    /// The quota was spent before it came.
    Beyond,
}

/// How much of a quota is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Posts delivered in the quota's period.
    pub used: u64,
    /// The quota.
    pub quota: Quota,
    /// Whether no post can have been counted twice today.
    pub exact: bool,
}

/// The posts of one UTC day, and how they stand to the quota.
#[derive(Debug, Default)]
pub struct Meter {
    quota: Option<Quota>,
    /// Days since the Unix epoch.
    day: u64,
    ids: HashSet<u64>,
    /// Ids that nobody else knows of yet.
    fresh: Vec<u64>,
    /// Posts counted without an id to tell repeats by, that nobody else knows of yet.
    unknown: u64,
    today: u64,
    exact: bool,
    /// Posts of the month's other days.
    earlier: u64,
}

impl Meter {
    /// A meter at zero, on the given day (since the Unix epoch).
    #[must_use]
    pub fn new(quota: Option<Quota>, day: u64) -> Meter {
        Meter { quota, day, exact: true, ..Meter::default() }
    }

    /// Counts a post.
    pub fn count(&mut self, id: &[u8]) -> Counted {
        let spent = self.spent();
        let number = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok());
        match number {
            Some(id) if self.ids.contains(&id) => return Counted::Within,
            Some(id) if self.ids.len() < REMEMBERED => {
                self.ids.insert(id);
                self.fresh.push(id);
            }
            _ => {
                self.unknown += 1;
                self.exact = false;
            }
        }
        self.today += 1;
        if spent { Counted::Beyond } else { Counted::Within }
    }

    /// Whether the quota is used up.
    #[must_use]
    pub fn spent(&self) -> bool {
        self.quota.is_some_and(|quota| self.used(quota.period) >= quota.posts)
    }

    /// How much of the quota is used; none without one.
    #[must_use]
    pub fn reading(&self) -> Option<Reading> {
        self.quota.map(|quota| Reading { used: self.used(quota.period), quota, exact: self.exact })
    }

    /// Posts of this day, or of this month.
    #[must_use]
    pub fn used(&self, period: Period) -> u64 {
        match period {
            Period::Day => self.today,
            Period::Month => self.earlier + self.today,
        }
    }

    /// Whether the day's count is exact, not an upper bound.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Whether others should hear of our counts at once: what they do not know of grows towards what the quota leaves.
    /// So processes on one state file overrun it by little more than what each reads at once.
    #[must_use]
    pub fn hurries(&self) -> bool {
        let unshared = self.fresh.len() as u64 + self.unknown;
        let left = |quota: Quota| quota.posts.saturating_sub(self.used(quota.period));
        unshared > 0 && self.quota.is_some_and(|quota| unshared.saturating_mul(20) >= left(quota))
    }

    /// The day that is counted, since the Unix epoch.
    #[must_use]
    pub fn day(&self) -> u64 {
        self.day
    }

    /// Begins another day, of the same month or of another.
    pub fn turn(&mut self, day: u64, same_month: bool) {
        let earlier = if same_month { self.earlier + self.today } else { 0 };
        *self = Meter { earlier, ..Meter::new(self.quota, day) };
    }

    /// Learns which ids were counted elsewhere. Those that were told to others meanwhile are not fresh here.
    pub fn learn(&mut self, ids: impl IntoIterator<Item = u64>) {
        let mut known = HashSet::new();
        for id in ids {
            if self.ids.len() < REMEMBERED {
                self.ids.insert(id);
            }
            known.insert(id);
        }
        self.fresh.retain(|id| !known.contains(id));
    }

    /// Hands over what nobody else knows of: ids, and posts without one.
    pub fn hand_over(&mut self) -> (Vec<u64>, u64) {
        (std::mem::take(&mut self.fresh), std::mem::take(&mut self.unknown))
    }

    /// Takes the day's and the month's totals from where all counts meet.
    pub fn agree(&mut self, today: u64, exact: bool, earlier: u64) {
        (self.today, self.exact, self.earlier) = (today, exact, earlier);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_counts_once_a_day() {
        let mut meter = Meter::new(None, 7);
        for id in ["1", "2", "1", "18446744073709551615", "2"] {
            assert_eq!(meter.count(id.as_bytes()), Counted::Within);
        }
        assert_eq!((meter.used(Period::Day), meter.is_exact()), (3, true));
        meter.turn(8, true);
        meter.count(b"1");
        assert_eq!((meter.used(Period::Day), meter.used(Period::Month)), (1, 4));
        meter.turn(9, false);
        assert_eq!(meter.used(Period::Month), 0);
    }

    #[test]
    fn an_id_that_is_no_number_makes_the_count_an_upper_bound() {
        let mut meter = Meter::new(None, 7);
        meter.count(b"abc");
        meter.count(b"abc");
        assert_eq!((meter.used(Period::Day), meter.is_exact()), (2, false));
    }

    #[test]
    fn the_first_million_is_exact_and_the_rest_an_upper_bound() {
        let mut meter = Meter::new(None, 7);
        for id in 0..=REMEMBERED as u64 {
            meter.count(id.to_string().as_bytes());
        }
        assert_eq!((meter.used(Period::Day), meter.is_exact()), (REMEMBERED as u64 + 1, false));
        meter.count(b"5");
        assert_eq!(meter.used(Period::Day), REMEMBERED as u64 + 1, "a repeat of the first million is known");
        meter.count(REMEMBERED.to_string().as_bytes());
        assert_eq!(meter.used(Period::Day), REMEMBERED as u64 + 2, "later ones are not");
    }

    #[test]
    fn what_comes_beyond_the_quota_is_told_apart_and_still_counted() {
        let mut meter = Meter::new(Some(Quota { posts: 2, period: Period::Day }), 7);
        assert_eq!(["1", "1", "2", "1", "3"].map(|id| meter.count(id.as_bytes())), {
            use Counted::{Beyond, Within};
            [Within, Within, Within, Within, Beyond]
        });
        assert!(meter.spent());
        assert_eq!(meter.used(Period::Day), 3);
    }

    #[test]
    fn quotas_are_read_as_people_write_them() {
        for (text, posts, period) in [
            ("5000/day", 5_000, Period::Day),
            ("5k/day", 5_000, Period::Day),
            ("1_000/day", 1_000, Period::Day),
            ("3M/month", 3_000_000, Period::Month),
            ("1.5M/Month", 1_500_000, Period::Month),
            ("1,000,000/month", 1_000_000, Period::Month),
        ] {
            assert_eq!(text.parse(), Ok(Quota { posts, period }), "{text}");
        }
        for text in [
            "",
            "5",
            "5/week",
            "1.5/day",
            "1./day",
            ".5/day",
            "0/day",
            "-1/day",
            "x/day",
            "5/",
            "/day",
            "99999999999999999M/day",
        ] {
            assert!(text.parse::<Quota>().is_err(), "{text}");
        }
    }
}
