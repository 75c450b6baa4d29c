//! The connection budget: how many requests a window allows, and when the next one is welcome.
//!
//! X counts connection requests in 15-minute windows, and too many of them may get an address or app banned
//! (X docs: rate limits, handling disconnections). We count any 15 minutes, which is never looser than X's
//! fixed windows, and obey the last `x-rate-limit-remaining` until its reset.
//!
//! Its law: a request is counted before it is sent and given back only if its head never left this machine.

use std::collections::VecDeque;
use std::time::Duration;

use super::event::At;
use crate::protocol::rate_limit::RateLimit;

/// The window in which X counts connection requests.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);

/// The requests of the last window, and what X said is left.
#[derive(Debug, Clone)]
pub struct Budget {
    limit: usize,
    /// When each request of the last window was sent, oldest first, on the steady clock.
    spent: VecDeque<Duration>,
    /// How many requests X allows until when (steady clock), by its last answer.
    allowance: Option<(u32, Duration)>,
}

impl Budget {
    /// A budget of `limit` requests in any 15 minutes.
    #[must_use]
    pub fn new(limit: u32) -> Budget {
        Budget { limit: limit.max(1) as usize, spent: VecDeque::new(), allowance: None }
    }

    /// How long to wait before the next request may be sent; zero if it may be sent now.
    pub fn wait(&mut self, now: At) -> Duration {
        while self.spent.front().is_some_and(|sent| *sent + WINDOW <= now.steady) {
            self.spent.pop_front();
        }
        if self.allowance.is_some_and(|(_, until)| until <= now.steady) {
            self.allowance = None;
        }
        let by_count = if self.spent.len() < self.limit {
            Duration::ZERO
        } else {
            (self.spent[self.spent.len() - self.limit] + WINDOW).saturating_sub(now.steady)
        };
        let by_allowance = match self.allowance {
            Some((0, until)) => until.saturating_sub(now.steady),
            _ => Duration::ZERO,
        };
        by_count.max(by_allowance)
    }

    /// Counts a request that is about to be sent.
    pub fn spend(&mut self, now: At) {
        self.spent.push_back(now.steady);
        if let Some((left, _)) = &mut self.allowance {
            *left = left.saturating_sub(1);
        }
    }

    /// Gives back the last request: its head was never written to a socket.
    pub fn give_back(&mut self) {
        self.spent.pop_back();
        if let Some((left, _)) = &mut self.allowance {
            *left += 1;
        }
    }

    /// Obeys what a response said about the rate limit. `server_now` is the server's own clock.
    pub fn note(&mut self, now: At, rate: &RateLimit, server_now: Duration) {
        let Some(left) = rate.remaining else { return };
        // A reset in the past or far ahead says nothing; then only our own count holds.
        self.allowance = rate
            .trusted_reset(server_now)
            .map(|reset| (left, now.steady + reset.saturating_sub(server_now) + RESET_MARGIN));
    }
}

/// A reset is announced in whole seconds; one more makes sure that the window has turned.
pub const RESET_MARGIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> At {
        At::default().after(Duration::from_secs(seconds))
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
        assert_eq!(budget.wait(at(10)), Duration::ZERO);
        budget.spend(at(10));
        assert_eq!(budget.wait(at(11)), Duration::from_secs(60));
        assert_eq!(budget.wait(at(71)), Duration::ZERO);
    }
}
