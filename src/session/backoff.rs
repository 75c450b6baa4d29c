//! How long to wait after which failure.
//!
//! X documents three schedules (docs: consuming streaming data, handling disconnections): 250 ms steps for the
//! network, doubling from 5 s for HTTP errors, doubling from 60 s for 420 and 429. Each failure kind counts its
//! own attempts; all start afresh once a stream is established. A schedule is data, so that the text that
//! describes it is rendered from the delays it gives.
//!
//! Law: jitter is added, never subtracted, so the documented delay is a lower bound.

use std::fmt;
use std::time::Duration;

/// The schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// DNS, TCP, proxy, TLS, repeated stalls.
    Network,
    /// 5xx, and streams that ended before they were established.
    Http,
    /// 420, and 429 without a usable reset. X documents no cap; 900 s is one rate window.
    Limited,
    /// Changes of the account that X asks to retry "in a minute".
    Minute,
    /// 429 `TooManyConnections`: a ghost connection lives about 20 s, so 20 s first; then as `Limited`.
    Slot,
    /// Something replaced or killed the connection: as `Http`, but never under 20 s.
    Forced,
}

/// The delays of a schedule: some first ones, then growth up to a cap.
struct Delays {
    first: &'static [Duration],
    from: Duration,
    growth: Growth,
    cap: Duration,
}

enum Growth {
    /// As much again each time.
    Linear,
    Double,
}

impl Schedule {
    /// Every schedule.
    pub const ALL: [Self; 6] = [Self::Network, Self::Http, Self::Limited, Self::Minute, Self::Slot, Self::Forced];

    const fn delays(self) -> Delays {
        const GHOST: Duration = Duration::from_secs(20);
        const fn doubling(first: &'static [Duration], from: u64, cap: u64) -> Delays {
            Delays { first, from: Duration::from_secs(from), growth: Growth::Double, cap: Duration::from_secs(cap) }
        }
        match self {
            Self::Network => Delays {
                first: &[],
                from: Duration::from_millis(250),
                growth: Growth::Linear,
                cap: Duration::from_secs(16),
            },
            Self::Http => doubling(&[], 5, 320),
            Self::Limited => doubling(&[], 60, 900),
            Self::Minute => doubling(&[], 60, 60),
            Self::Slot => doubling(&[GHOST], 60, 900),
            // 5, 10 and 20 s, none under 20.
            Self::Forced => doubling(&[GHOST; 3], 40, 320),
        }
    }

    /// The documented delay before an attempt, counted from 0.
    #[must_use]
    pub fn delay(self, attempt: u32) -> Duration {
        let Delays { first, from, growth, cap } = self.delays();
        let past = match (attempt as usize).checked_sub(first.len()) {
            None => return first[attempt as usize],
            Some(past) => u32::try_from(past).unwrap_or(u32::MAX),
        };
        let factor = match growth {
            Growth::Linear => past.saturating_add(1),
            Growth::Double => 2_u32.saturating_pow(past),
        };
        from.saturating_mul(factor).min(cap)
    }
}

impl fmt::Display for Schedule {
    /// `20 s, then 60 s, doubling to 900 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |delay: Duration| match delay.subsec_millis() {
            0 => format!("{} s", delay.as_secs()),
            _ => format!("{} ms", delay.as_millis()),
        };
        let Delays { first, from, growth, cap } = self.delays();
        match first {
            [] => {}
            [once] => write!(f, "{}, then ", short(*once))?,
            [each, ..] => write!(f, "{}, {} times, then ", short(*each), first.len())?,
        }
        f.write_str(&short(from))?;
        match growth {
            _ if from == cap => f.write_str(" each time"),
            Growth::Linear => write!(f, ", {0} more each time, up to {1}", short(from), short(cap)),
            Growth::Double => write!(f, ", doubling to {}", short(cap)),
        }
    }
}

/// The attempts on each schedule since a stream was last established.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    attempts: [u32; Schedule::ALL.len()],
}

/// The jitter of an immediate reconnect: enough to spread clients that were dropped together.
pub const IMMEDIATE_JITTER: Duration = Duration::from_millis(250);

impl Backoff {
    /// Counts an attempt and returns how long to wait before it, jitter (0 to 25 %) included.
    pub fn next_delay(&mut self, schedule: Schedule, random: &mut fastrand::Rng) -> Duration {
        let attempt = &mut self.attempts[schedule as usize];
        let delay = schedule.delay(*attempt);
        // A ghost connection ends after the same time for every client; the one that left it should be first
        // to use the slot.
        let spread = if schedule == Schedule::Slot && *attempt == 0 { 0.1 } else { 0.25 };
        *attempt = attempt.saturating_add(1);
        delay + delay.mul_f64(random.f64() * spread)
    }

    /// Starts every schedule afresh.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(schedule: Schedule, count: u32) -> Vec<f64> {
        (0..count).map(|attempt| schedule.delay(attempt).as_secs_f64()).collect()
    }

    #[test]
    fn every_schedule_has_the_documented_delays() {
        assert_eq!(delays(Schedule::Network, 3), [0.25, 0.5, 0.75]);
        assert_eq!(Schedule::Network.delay(63), Duration::from_secs(16));
        assert_eq!(delays(Schedule::Http, 8), [5., 10., 20., 40., 80., 160., 320., 320.]);
        assert_eq!(delays(Schedule::Limited, 6), [60., 120., 240., 480., 900., 900.]);
        assert_eq!(delays(Schedule::Minute, 3), [60., 60., 60.]);
        assert_eq!(delays(Schedule::Slot, 7), [20., 60., 120., 240., 480., 900., 900.]);
        assert_eq!(delays(Schedule::Forced, 8), [20., 20., 20., 40., 80., 160., 320., 320.]);
        for schedule in Schedule::ALL {
            assert_eq!(schedule.delay(u32::MAX), schedule.delays().cap);
        }
    }

    #[test]
    fn a_schedule_describes_the_delays_it_gives() {
        assert_eq!(
            Schedule::ALL.map(|schedule| schedule.to_string()),
            [
                "250 ms, 250 ms more each time, up to 16 s",
                "5 s, doubling to 320 s",
                "60 s, doubling to 900 s",
                "60 s each time",
                "20 s, then 60 s, doubling to 900 s",
                "20 s, 3 times, then 40 s, doubling to 320 s",
            ]
        );
    }

    #[test]
    fn jitter_is_added_and_bounded() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..1000 {
            let wait = Backoff::default().next_delay(Schedule::Http, &mut random);
            assert!(wait >= Duration::from_secs(5) && wait <= Duration::from_millis(6250), "{wait:?}");
        }
    }

    #[test]
    fn schedules_count_their_own_attempts_and_start_afresh_together() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut backoff = Backoff::default();
        backoff.next_delay(Schedule::Http, &mut random);
        assert!(backoff.next_delay(Schedule::Network, &mut random) < Duration::from_millis(320));
        assert!(backoff.next_delay(Schedule::Http, &mut random) >= Duration::from_secs(10));
        backoff.reset();
        assert!(backoff.next_delay(Schedule::Http, &mut random) < Duration::from_secs(7));
    }
}
