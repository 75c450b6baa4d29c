//! Timers as data: one table per machine, so that what is waited for is what is checked.
//!
//! A machine sets and stops timers; its caller sleeps until [`TimerTable::next`] and then lets the machine take
//! what has expired. There is no second place that computes when to wake up.

use crate::time::Timestamp;

/// A kind of timer: an enum that numbers its variants.
pub trait Timer: Copy + 'static {
    /// Every timer of the machine, in the order in which timers that expired together are taken.
    const ALL: &'static [Self];

    /// The place in [`Timer::ALL`].
    fn index(self) -> usize;
}

/// When each timer expires, for those that are set.
#[derive(Debug, Clone)]
pub struct TimerTable<T> {
    until: Vec<Option<Timestamp>>,
    kind: std::marker::PhantomData<T>,
}

impl<T: Timer> Default for TimerTable<T> {
    fn default() -> Self {
        TimerTable { until: vec![None; T::ALL.len()], kind: std::marker::PhantomData }
    }
}

impl<T: Timer> TimerTable<T> {
    /// Sets a timer, which may be set already.
    pub fn set(&mut self, timer: T, until: Timestamp) {
        self.until[timer.index()] = Some(until);
    }

    /// Stops a timer.
    pub fn stop(&mut self, timer: T) {
        self.until[timer.index()] = None;
    }

    /// Stops every timer.
    pub fn clear(&mut self) {
        self.until.fill(None);
    }

    /// When a timer expires, if it is set.
    #[must_use]
    pub fn get(&self, timer: T) -> Option<Timestamp> {
        self.until[timer.index()]
    }

    /// When the next timer expires.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.until.iter().flatten().min_by_key(|until| until.monotonic).copied()
    }

    /// Takes a timer that has expired: the first in the order of [`Timer::ALL`].
    pub fn expired(&mut self, now: Timestamp) -> Option<T> {
        let expired = |timer: &&T| self.get(**timer).is_some_and(|until| until.monotonic <= now.monotonic);
        let timer = T::ALL.iter().find(expired).copied()?;
        self.stop(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Two {
        Late,
        Stall,
    }

    impl Timer for Two {
        const ALL: &'static [Two] = &[Two::Late, Two::Stall];

        fn index(self) -> usize {
            self as usize
        }
    }

    #[test]
    fn what_is_waited_for_is_what_expires() {
        let at = |seconds| Timestamp::default().after(Duration::from_secs(seconds));
        let mut timers = TimerTable::default();
        assert_eq!((timers.next(), timers.expired(at(99))), (None, None));
        timers.set(Two::Stall, at(30));
        timers.set(Two::Late, at(25));
        assert_eq!((timers.next(), timers.expired(at(24))), (Some(at(25)), None));
        assert_eq!(timers.expired(at(25)), Some(Two::Late));
        assert_eq!((timers.next(), timers.get(Two::Late)), (Some(at(30)), None));
        timers.set(Two::Late, at(40));
        assert_eq!(
            [timers.expired(at(50)), timers.expired(at(50)), timers.expired(at(50))],
            [Some(Two::Late), Some(Two::Stall), None]
        );
    }
}
