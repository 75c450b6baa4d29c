//! The connection budget: how many requests a window allows, and when the next one is welcome.
//!
//! X counts connection requests in 15-minute windows, and too many of them may get an address or app banned
//! (X docs: rate limits, handling disconnections). We count any 15 minutes, which is never looser than X's
//! fixed windows, and obey the last `x-rate-limit-remaining` until its reset.
//!
//! Its law: a request is counted before it is sent and given back only if its head never left this machine.

use std::collections::VecDeque;
use std::time::Duration;

use crate::protocol::rate_limit::RateLimit;
use crate::time::{Timestamp, as_millis};

/// The window in which X counts connection requests.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);

/// The requests of the last window, and what X said is left.
#[derive(Debug, Clone)]
pub struct Budget {
    limit: usize,
    /// When each request of the last window was sent, oldest first.
    spent: VecDeque<Timestamp>,
    /// Our own last request.
    in_flight: Option<Timestamp>,
    /// Our own requests of the last window, whatever a state file says.
    own_requests: VecDeque<Timestamp>,
    allowance: Option<Allowance>,
    /// What happened since the state file was last read, to be repeated on what it says next.
    pending: Vec<BudgetChange>,
}

/// A change of the budget that other processes must learn.
#[derive(Debug, Clone, Copy)]
enum BudgetChange {
    /// The request that was counted at one time is counted at another, or not at all.
    Moved { from: Timestamp, to: Option<Timestamp> },
    /// A response said something about the rate limit.
    Noted { now: Timestamp, rate: RateLimit, server_now: Duration },
}

/// Changes kept for a state file: a run without one would keep them all. A dial makes two.
const PENDING: usize = 64;

/// What X said is left.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    remaining: u32,
    until: Timestamp,
    /// When X reported that. Requests since then use it up.
    reported: Timestamp,
}

/// What a state file holds of a budget.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SharedBudget {
    /// When each request of the last window was sent.
    pub requests: Vec<StoredTime>,
    /// How many requests X allows until when, by its last answer, and when that came.
    pub allowance: Option<(u32, StoredTime, StoredTime)>,
}

/// A time as the state file holds it, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredTime {
    /// Since the Unix epoch.
    pub wall: u64,
    /// On the monotonic clock, for readers since the same start of the machine. It outlives jumps of the wall clock.
    pub monotonic: Option<u64>,
}

impl StoredTime {
    fn new(at: Timestamp) -> StoredTime {
        StoredTime { wall: as_millis(at.wall), monotonic: Some(as_millis(at.monotonic)) }
    }

    /// The time on our clocks. One ahead of now comes from a clock that was set back since, and counts as now.
    fn to_timestamp(self, now: Timestamp) -> Timestamp {
        let wall = Duration::from_millis(self.wall).min(now.wall);
        let monotonic = match self.monotonic {
            Some(monotonic) => Duration::from_millis(monotonic).min(now.monotonic),
            None => now.monotonic.saturating_sub(now.wall.saturating_sub(wall)),
        };
        Timestamp { monotonic, wall }
    }
}

impl Budget {
    /// A budget of `limit` requests in any 15 minutes.
    #[must_use]
    pub fn new(limit: u32) -> Budget {
        Budget {
            limit: limit.max(1) as usize,
            spent: VecDeque::new(),
            in_flight: None,
            own_requests: VecDeque::new(),
            allowance: None,
            pending: Vec::new(),
        }
    }

    /// How long to wait before the next request may be sent; zero if it may be sent now.
    pub fn wait(&mut self, now: Timestamp) -> Duration {
        for queue in [&mut self.spent, &mut self.own_requests] {
            while queue.front().is_some_and(|sent| sent.monotonic + WINDOW <= now.monotonic) {
                queue.pop_front();
            }
        }
        if self.allowance.is_some_and(|allowance| allowance.until.monotonic <= now.monotonic) {
            self.allowance = None;
        }
        let by_count = if self.spent.len() < self.limit {
            Duration::ZERO
        } else {
            (self.spent[self.spent.len() - self.limit].monotonic + WINDOW).saturating_sub(now.monotonic)
        };
        let by_allowance = match self.allowance {
            Some(allowance) if self.remaining(allowance) == 0 => allowance.until.since(now),
            _ => Duration::ZERO,
        };
        by_count.max(by_allowance)
    }

    /// What is left of an allowance after the requests since X reported it.
    fn remaining(&self, allowance: Allowance) -> u32 {
        let since = self.spent.iter().filter(|sent| sent.monotonic > allowance.reported.monotonic).count();
        allowance.remaining.saturating_sub(u32::try_from(since).unwrap_or(u32::MAX))
    }

    /// Requests of the last 15 minutes, and how many are allowed.
    #[must_use]
    pub fn count(&self, now: Timestamp) -> (usize, usize) {
        (self.spent.iter().filter(|sent| now.since(**sent) < WINDOW).count(), self.limit)
    }

    /// Counts a request that is about to be sent.
    pub fn spend(&mut self, now: Timestamp) {
        self.spent.push_back(now);
        self.own_requests.push_back(now);
        self.in_flight = Some(now);
    }

    /// Our last request has been sent by now: a dial takes time, and X counts from when it saw the request.
    pub fn sent(&mut self, now: Timestamp) {
        if let Some(from) = self.forget_in_flight() {
            self.spent.push_back(now);
            self.own_requests.push_back(now);
            self.remember(BudgetChange::Moved { from, to: Some(now) });
        }
    }

    /// Gives back our last request: its head was never written to a socket.
    pub fn give_back(&mut self) {
        if let Some(from) = self.forget_in_flight() {
            self.remember(BudgetChange::Moved { from, to: None });
        }
    }

    fn forget_in_flight(&mut self) -> Option<Timestamp> {
        let sent = self.in_flight.take()?;
        remove(&mut self.spent, sent);
        remove(&mut self.own_requests, sent);
        Some(sent)
    }

    /// Obeys what a response said about the rate limit. `server_now` is the server's own clock.
    pub fn note(&mut self, now: Timestamp, rate: &RateLimit, server_now: Duration) {
        self.apply(now, rate, server_now);
        self.remember(BudgetChange::Noted { now, rate: *rate, server_now });
    }

    fn remember(&mut self, change: BudgetChange) {
        if self.pending.len() == PENDING {
            self.pending.remove(0);
        }
        self.pending.push(change);
    }

    fn apply(&mut self, now: Timestamp, rate: &RateLimit, server_now: Duration) {
        let Some(remaining) = rate.remaining else { return };
        let known = self.allowance.map(|known| (self.remaining(known), known.until));
        self.allowance = match (rate.trusted_reset(server_now), known) {
            (Some(reset), known) => {
                let until = now.after(reset.saturating_sub(server_now) + RESET_MARGIN);
                // Of two answers about one window the lower counts: they may arrive out of their order.
                let same = |at: Timestamp| at.monotonic.abs_diff(until.monotonic) < SAME_WINDOW;
                let remaining = known.filter(|(_, at)| same(*at)).map_or(remaining, |(known, _)| remaining.min(known));
                Some(Allowance { remaining, until, reported: now })
            }
            // A reset that says nothing leaves the window that is known; it can only have become emptier.
            (None, Some((known, until))) => Some(Allowance { remaining: remaining.min(known), until, reported: now }),
            (None, None) => None,
        };
    }

    /// Takes over what all processes spent, as a state file says, and repeats on it what happened here meanwhile.
    pub fn load(&mut self, now: Timestamp, shared: &SharedBudget) {
        let pending = std::mem::take(&mut self.pending);
        let mut spent: Vec<Timestamp> = shared.requests.iter().map(|time| time.to_timestamp(now)).collect();
        let mut moved = Vec::new();
        for change in &pending {
            if let BudgetChange::Moved { from, to } = change {
                if let Some(at) = spent.iter().rposition(|sent| same_millisecond(*sent, *from)) {
                    spent.remove(at);
                }
                moved.extend(to);
            }
        }
        // Our own are known whatever became of the file.
        for own in &self.own_requests {
            if !moved.contains(own) && !spent.iter().any(|sent| same_millisecond(*sent, *own)) {
                spent.push(*own);
            }
        }
        // The file cannot hold these yet: one at the same millisecond is another process's.
        spent.extend(moved);
        spent.sort_unstable_by_key(|sent| sent.monotonic);
        self.spent = spent.into();
        self.allowance = shared.allowance.and_then(|(remaining, until, reported)| {
            let ahead = match until.monotonic {
                Some(monotonic) => Duration::from_millis(monotonic).checked_sub(now.monotonic)?,
                None => Duration::from_millis(until.wall).checked_sub(now.wall)?,
            };
            // Written by a clock that was far ahead, it would block every dial without limit.
            let until = (ahead <= LONGEST_ALLOWANCE).then(|| now.after(ahead))?;
            Some(Allowance { remaining, until, reported: reported.to_timestamp(now) })
        });
        for change in pending {
            if let BudgetChange::Noted { now, rate, server_now } = change {
                self.apply(now, &rate, server_now);
            }
        }
    }

    /// What a state file is to hold.
    #[must_use]
    pub fn share(&self) -> SharedBudget {
        SharedBudget {
            requests: self.spent.iter().copied().map(StoredTime::new).collect(),
            allowance: self.allowance.map(|it| (it.remaining, StoredTime::new(it.until), StoredTime::new(it.reported))),
        }
    }
}

fn remove(queue: &mut VecDeque<Timestamp>, time: Timestamp) {
    if let Some(at) = queue.iter().rposition(|sent| same_millisecond(*sent, time)) {
        queue.remove(at);
    }
}

/// Whether two times are one, as far as a state file can tell.
fn same_millisecond(a: Timestamp, b: Timestamp) -> bool {
    as_millis(a.monotonic) == as_millis(b.monotonic) || as_millis(a.wall) == as_millis(b.wall)
}

/// Resets of one window differ by the network delay of the responses, and by rounding to seconds.
const SAME_WINDOW: Duration = Duration::from_secs(30);

/// Resets over an hour ahead are distrusted when they come; the same holds when they are read back.
const LONGEST_ALLOWANCE: Duration = Duration::from_secs(3600 + 60);

/// A reset is announced in whole seconds; one more makes sure that the window has turned.
pub const RESET_MARGIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        let start = Duration::from_secs(5000);
        Timestamp { monotonic: start, wall: start * 2 }.after(Duration::from_secs(seconds))
    }

    #[test]
    fn the_51st_request_waits_for_the_first_to_grow_old() {
        let mut budget = Budget::new(50);
        for second in 0..50 {
            assert_eq!(budget.wait(at(second)), Duration::ZERO);
            budget.spend(at(second));
        }
        assert_eq!(budget.wait(at(100)), Duration::from_secs(800));
        assert_eq!(budget.wait(at(900)), Duration::ZERO);
    }

    #[test]
    fn a_request_that_never_left_is_given_back() {
        let mut budget = Budget::new(1);
        budget.spend(at(0));
        budget.give_back();
        assert_eq!(budget.wait(at(0)), Duration::ZERO);
    }

    #[test]
    fn no_more_than_x_says_is_left() {
        let mut budget = Budget::new(50);
        let rate = RateLimit { limit: Some(50), remaining: Some(1), reset: Some(Duration::from_secs(10_060)) };
        budget.note(at(10), &rate, Duration::from_secs(10_000));
        assert_eq!(budget.wait(at(11)), Duration::ZERO);
        budget.spend(at(11));
        assert_eq!(budget.wait(at(12)), Duration::from_secs(59));
        // Given back, it may be spent again: X never saw it.
        budget.give_back();
        assert_eq!(budget.wait(at(12)), Duration::ZERO);
        budget.spend(at(13));
        assert_eq!(budget.wait(at(71)), Duration::ZERO);
    }

    #[test]
    fn a_budget_is_shared_through_what_is_written_down() {
        let mut first = Budget::new(2);
        first.spend(at(0));
        let mut second = Budget::new(2);
        second.load(at(10), &first.share());
        assert_eq!(second.wait(at(10)), Duration::ZERO);
        second.spend(at(10));
        first.load(at(20), &second.share());
        assert_eq!(first.wait(at(20)), Duration::from_secs(880));
        // The second never sent its request.
        second.load(at(20), &first.share());
        second.give_back();
        first.load(at(20), &second.share());
        assert_eq!((first.wait(at(20)), first.spent.len()), (Duration::ZERO, 1));
    }

    #[test]
    fn what_happens_between_two_looks_at_the_file_is_not_lost() {
        let mut first = Budget::new(2);
        first.load(at(0), &SharedBudget::default());
        first.spend(at(0));
        let file = first.share();
        // The file is written; what follows happens while another process holds it.
        first.sent(at(5));
        let rate = RateLimit { limit: Some(50), remaining: Some(0), reset: Some(Duration::from_secs(10_100)) };
        first.note(at(5), &rate, Duration::from_secs(10_000));
        assert!(!first.pending.is_empty());
        first.load(at(6), &file);
        assert_eq!((first.spent.len(), first.wait(at(6)), first.pending.len()), (1, Duration::from_secs(100), 0));
        let file = first.share();
        first.spend(at(200));
        first.give_back();
        first.load(at(201), &file);
        assert_eq!(first.spent.len(), 1, "only the one that was sent at 5 s");
    }

    #[test]
    fn clocks_that_were_set_back_lock_nobody_out() {
        let mut budget = Budget::new(1);
        let ahead = StoredTime { wall: as_millis(at(0).wall) + 86_400_000, monotonic: None };
        budget.load(at(0), &SharedBudget { requests: vec![ahead], allowance: Some((0, ahead, ahead)) });
        assert_eq!(budget.wait(at(0)), WINDOW);
        // Written back and read again later, it has grown old.
        let shared = budget.share();
        budget.load(at(600), &shared);
        assert_eq!(budget.wait(at(600)), Duration::from_secs(300));
    }

    #[test]
    fn a_wall_clock_that_jumps_ahead_empties_no_budget() {
        let mut budget = Budget::new(1);
        budget.spend(at(0));
        let mut later = at(60);
        later.wall += Duration::from_secs(5000);
        let shared = budget.share();
        budget.load(later, &shared);
        assert_eq!(budget.wait(later), Duration::from_secs(840));
    }

    #[test]
    fn a_request_counts_from_when_it_was_sent_and_a_bad_reset_erases_no_window() {
        let mut budget = Budget::new(1);
        budget.spend(at(0));
        budget.sent(at(14));
        assert_eq!((budget.wait(at(14)), budget.spent.len()), (WINDOW, 1));
        let mut budget = Budget::new(50);
        let good = RateLimit { limit: Some(50), remaining: Some(3), reset: Some(Duration::from_secs(10_800)) };
        budget.note(at(0), &good, Duration::from_secs(10_000));
        budget.note(at(1), &RateLimit { remaining: Some(0), ..RateLimit::default() }, Duration::from_secs(10_001));
        assert_eq!(budget.wait(at(1)), Duration::from_secs(800));
    }
}
