//! How many posts X delivered, as X counts them: unique by id within a UTC day.
//!
//! The first million ids of a day are remembered, so up to there the count is exact whatever is delivered twice.
//! Beyond, each post that is not among them counts, and the number is an upper bound. X bills or caps what it
//! delivers, printed or not (x-streaming.md §1.1, §5b), so the count lies before every filter.

use std::collections::HashSet;
use std::str::FromStr;

use crate::protocol::post_id::PostId;
use crate::time::{date, same_month};

/// Ids remembered of a day. A million takes 18 MB; a quota above a million posts per day needs
/// no exact count to limit costs.
pub const REMEMBERED: usize = 1_000_000;

/// The most posts that may be delivered in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many posts.
    pub posts: u64,
    /// The period.
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

/// The result of counting a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountResult {
    /// It is within the quota, or there is none, or it was delivered before.
    WithinQuota,
    /// It came after the quota was spent.
    OverQuota,
}

/// How much of a quota is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaUsage {
    /// Posts delivered in the quota's period, with those that other processes have reserved.
    pub used: u64,
    /// The quota.
    pub quota: Quota,
    /// Whether no post can have been counted twice today.
    pub exact: bool,
}

impl QuotaUsage {
    /// Whether the quota is used up.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.used >= self.quota.posts
    }
}

/// The part of a shared day that only this process knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsynced {
    /// Ids that no other process knows yet.
    pub ids: Vec<u64>,
    /// Posts counted without an id to recognise repeats by.
    pub without_id: u64,
    /// Posts that were reserved at the last synchronisation, used up or not.
    pub reserved: u64,
}

/// The totals of a day over all processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Posts delivered this day.
    pub today: u64,
    /// Whether none of them can have been counted twice.
    pub exact: bool,
    /// Posts of the month's other days.
    pub earlier: u64,
    /// Posts that other processes have reserved.
    pub reserved: u64,
}

/// The most posts that are reserved at once. What a crash leaves reserved is lost to the day's quota.
const LARGEST_GRANT: u64 = 10_000;

/// The posts of one UTC day, compared with the quota.
///
/// Where several processes share a quota, each reserves posts before it prints them ([`Meter::set_totals`]), so that
/// their sum never exceeds it: each reservation is a quarter of what is left, so that the last posts go to the process that needs them.
#[derive(Debug, Default)]
pub struct Meter {
    quota: Option<Quota>,
    /// Days since the Unix epoch.
    day: u64,
    ids: HashSet<u64>,
    unsynced: Unsynced,
    /// Posts that are reserved and not used up.
    granted: u64,
    today: u64,
    exact: bool,
    /// Posts of the month's other days.
    earlier: u64,
    /// Posts that other processes have reserved.
    others: u64,
    /// Whether posts are reserved before they are printed.
    shared: bool,
    /// The day that began after the last synchronisation.
    next_day: Option<u64>,
}

impl Meter {
    /// A meter at zero, on the given day (since the Unix epoch). `shared` says that other processes may count as well:
    /// then no post is within a quota until it was reserved.
    #[must_use]
    pub fn new(quota: Option<Quota>, day: u64, shared: bool) -> Meter {
        Meter { quota, day, shared, exact: true, ..Meter::default() }
    }

    /// Counts a post.
    pub fn count(&mut self, id: Option<PostId>) -> CountResult {
        let spent = self.is_spent();
        match id {
            Some(PostId(id)) if self.ids.contains(&id) => return CountResult::WithinQuota,
            Some(PostId(id)) if self.ids.len() < REMEMBERED => {
                self.ids.insert(id);
                self.unsynced.ids.push(id);
            }
            _ => {
                self.unsynced.without_id = self.unsynced.without_id.saturating_add(1);
                self.exact = false;
            }
        }
        self.today = self.today.saturating_add(1);
        if spent || self.needs_grant() {
            return CountResult::OverQuota;
        }
        self.granted = self.granted.saturating_sub(1);
        CountResult::WithinQuota
    }

    /// Whether the quota is used up, or reserved by other processes.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.next_day.is_none() && self.granted == 0 && self.quota_usage().is_some_and(|usage| usage.is_spent())
    }

    /// Whether the meter must be synchronised before the next post is counted: to reserve posts, or because the day has
    /// turned.
    #[must_use]
    pub fn needs_grant(&self) -> bool {
        let reserves = || self.quota.is_some() && self.granted == 0 && !self.is_spent();
        self.shared && (self.next_day.is_some() || reserves())
    }

    /// Whether other processes may count as well.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// Counts for this process alone from here on: the shared file cannot be read or written.
    pub fn count_alone(&mut self) {
        self.shared = false;
        if let Some(day) = self.next_day.take() {
            self.set_day(day);
        }
    }

    /// Sets the UTC day. A shared meter begins it with its next synchronisation.
    pub fn set_day(&mut self, day: u64) {
        if day == self.day {
            return;
        }
        if self.shared {
            self.next_day = Some(day);
        } else {
            self.begin_day(day);
        }
    }

    /// Begins the pending day, after the day before was synchronised; false if there is none.
    pub fn turn(&mut self) -> bool {
        let Some(day) = self.next_day.take() else { return false };
        self.begin_day(day);
        true
    }

    /// How much of the quota is used; none without one.
    #[must_use]
    pub fn quota_usage(&self) -> Option<QuotaUsage> {
        self.quota.map(|quota| QuotaUsage {
            used: self.used(quota.period).saturating_add(self.others),
            quota,
            exact: self.exact,
        })
    }

    /// Posts of this day, or of this month.
    #[must_use]
    pub fn used(&self, period: Period) -> u64 {
        match period {
            Period::Day => self.today,
            Period::Month => self.earlier.saturating_add(self.today),
        }
    }

    /// Whether the day's count is exact, not an upper bound.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// The day that is counted, since the Unix epoch.
    #[must_use]
    pub fn day(&self) -> u64 {
        self.day
    }

    fn begin_day(&mut self, day: u64) {
        let same_month = same_month(&date(self.day), &date(day));
        let earlier = if same_month { self.earlier.saturating_add(self.today) } else { 0 };
        *self = Meter { earlier, ..Meter::new(self.quota, day, self.shared) };
    }

    /// Merges the ids that other processes counted. They are no longer unsynced here.
    pub fn merge_ids(&mut self, ids: impl IntoIterator<Item = u64>) {
        let mut known = HashSet::new();
        for id in ids {
            if self.ids.len() < REMEMBERED {
                self.ids.insert(id);
            }
            known.insert(id);
        }
        self.unsynced.ids.retain(|id| !known.contains(id));
    }

    /// Returns what no other process knows, and releases the reservation.
    pub fn take_unsynced(&mut self) -> Unsynced {
        self.granted = 0;
        std::mem::take(&mut self.unsynced)
    }

    /// Sets the totals over all processes; returns how many posts are now reserved for this process, which the caller
    /// must write to the shared file. Without `reserve` none are.
    pub fn set_totals(&mut self, totals: &Totals, reserve: bool) -> u64 {
        (self.today, self.exact, self.earlier) = (totals.today, totals.exact, totals.earlier);
        self.others = totals.reserved;
        let left = self.quota_usage().map_or(0, |usage| usage.quota.posts.saturating_sub(usage.used));
        let grant = if reserve && self.shared { left.div_ceil(4).min(LARGEST_GRANT) } else { 0 };
        (self.unsynced.reserved, self.granted) = (grant, grant);
        grant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_counts_once_a_day() {
        let mut meter = Meter::new(None, 7, false);
        for id in ["1", "2", "1", "18446744073709551615", "2"] {
            assert_eq!(meter.count(PostId::parse(id)), CountResult::WithinQuota);
        }
        assert_eq!((meter.used(Period::Day), meter.is_exact()), (3, true));
        meter.set_day(8);
        meter.count(PostId::parse("1"));
        assert_eq!((meter.used(Period::Day), meter.used(Period::Month)), (1, 4));
        meter.set_day(40);
        assert_eq!(meter.used(Period::Month), 0);
    }

    #[test]
    fn an_id_that_is_no_number_makes_the_count_an_upper_bound() {
        let mut meter = Meter::new(None, 7, false);
        meter.count(PostId::parse("abc"));
        meter.count(PostId::parse("abc"));
        assert_eq!((meter.used(Period::Day), meter.is_exact()), (2, false));
    }

    #[test]
    fn the_first_million_is_exact_and_the_rest_an_upper_bound() {
        let mut meter = Meter::new(None, 7, false);
        for id in 0..=REMEMBERED as u64 {
            meter.count(Some(PostId(id)));
        }
        assert_eq!((meter.used(Period::Day), meter.is_exact()), (REMEMBERED as u64 + 1, false));
        meter.count(Some(PostId(5)));
        assert_eq!(meter.used(Period::Day), REMEMBERED as u64 + 1, "a repeat of the first million is known");
        meter.count(Some(PostId(REMEMBERED as u64)));
        assert_eq!(meter.used(Period::Day), REMEMBERED as u64 + 2, "later ones are not");
    }

    #[test]
    fn posts_beyond_the_quota_are_marked_and_still_counted() {
        let mut meter = Meter::new(Some(Quota { posts: 2, period: Period::Day }), 7, false);
        assert_eq!(["1", "1", "2", "1", "3"].map(|id| meter.count(PostId::parse(id))), {
            use CountResult::{OverQuota, WithinQuota};
            [WithinQuota, WithinQuota, WithinQuota, WithinQuota, OverQuota]
        });
        assert!(meter.is_spent());
        assert_eq!(meter.used(Period::Day), 3);
    }

    #[test]
    fn a_shared_quota_is_never_exceeded_however_grants_and_posts_interleave() {
        let quota = Quota { posts: 1000, period: Period::Day };
        let (mut delivered, mut reserved, mut printed) = (0_u64, 0_u64, 0_u64);
        let mut meters = [0; 3].map(|_| Meter::new(Some(quota), 7, true));
        let mut random = fastrand::Rng::with_seed(9);
        let mut id = 0;
        while meters.iter().any(|meter| !meter.is_spent()) {
            let meter = &mut meters[random.usize(..3)];
            if meter.needs_grant() || random.u8(..) < 10 {
                // What the state file does under its lock.
                let unsynced = meter.take_unsynced();
                delivered += unsynced.ids.len() as u64;
                reserved -= unsynced.reserved;
                reserved += {
                    let totals = Totals { today: delivered, exact: true, earlier: 0, reserved };
                    meter.set_totals(&totals, true)
                };
            } else if !meter.is_spent() {
                id += 1;
                printed += u64::from(meter.count(Some(PostId(id))) == CountResult::WithinQuota);
            }
            assert!(printed <= quota.posts && delivered + reserved <= quota.posts);
        }
        assert_eq!(printed, quota.posts, "and the last post is delivered as well");
    }

    #[test]
    fn quotas_are_read_in_every_spelling() {
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
