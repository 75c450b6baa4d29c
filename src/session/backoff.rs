//! How long to wait after which failure.
//!
//! X documents three schedules (docs: consuming streaming data, handling disconnections): +250 ms steps for the
//! network, doubling from 5 s for HTTP errors, doubling from 60 s for 420 and 429. Each failure kind keeps its
//! own ladder; all start afresh once a stream is established.
//!
//! Its law: jitter is added, never subtracted, so the documented wait is a floor.

use std::time::Duration;

/// The schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ladder {
    /// DNS, TCP, proxy, TLS: 250 ms more each time, to 16 s.
    Network,
    /// 5xx, and streams that ended before they were established: 5 s doubling to 320 s.
    Http,
    /// 420, and 429 without a usable reset: 60 s doubling to 900 s, one rate window.
    Limited,
    /// 429 `TooManyConnections`: a ghost connection lives about 20 s, so 20 s first; then as `Limited`.
    Slot,
    /// Something replaced or killed the connection: as `Http`, but never under 20 s.
    Forced,
}

/// The rungs climbed on each ladder since a stream was last established.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    rungs: [u32; 5],
}

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// The jitter of an immediate reconnect: enough to spread clients that were dropped together.
pub const IMMEDIATE_JITTER: Duration = Duration::from_millis(250);

impl Backoff {
    /// Climbs a rung and says how long to wait, jitter (0 to 25 %) included.
    pub fn climb(&mut self, ladder: Ladder, random: &mut fastrand::Rng) -> Duration {
        let rung = self.rungs[ladder as usize];
        self.rungs[ladder as usize] += 1;
        let floor = floor(ladder, rung);
        // A ghost is gone after its time for all alike; and who freed the slot should have it before others come.
        let most = if ladder == Ladder::Slot && rung == 0 { 0.1 } else { 0.25 };
        floor + floor.mul_f64(random.f64() * most)
    }

    /// Starts every ladder afresh.
    pub fn reset(&mut self) {
        self.rungs = [0; 5];
    }
}

/// The documented wait at a rung, counted from 0.
fn floor(ladder: Ladder, rung: u32) -> Duration {
    let doubling = |from: u64, cap: u64| seconds(from.saturating_mul(1 << rung.min(20)).min(cap));
    match ladder {
        Ladder::Network => (Duration::from_millis(250) * (rung.min(64) + 1)).min(seconds(16)),
        Ladder::Http => doubling(5, 320),
        Ladder::Limited => doubling(60, 900),
        Ladder::Slot if rung == 0 => seconds(20),
        Ladder::Slot => self::floor(Ladder::Limited, rung - 1),
        Ladder::Forced => doubling(5, 320).max(seconds(20)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floors(ladder: Ladder, count: u32) -> Vec<f64> {
        (0..count).map(|rung| floor(ladder, rung).as_secs_f64()).collect()
    }

    #[test]
    fn every_ladder_has_the_documented_rungs() {
        assert_eq!(floors(Ladder::Network, 3), [0.25, 0.5, 0.75]);
        assert_eq!(floor(Ladder::Network, 63), seconds(16));
        assert_eq!(floor(Ladder::Network, u32::MAX), seconds(16));
        assert_eq!(floors(Ladder::Http, 8), [5., 10., 20., 40., 80., 160., 320., 320.]);
        assert_eq!(floors(Ladder::Limited, 6), [60., 120., 240., 480., 900., 900.]);
        assert_eq!(floors(Ladder::Slot, 7), [20., 60., 120., 240., 480., 900., 900.]);
        assert_eq!(floors(Ladder::Forced, 5), [20., 20., 20., 40., 80.]);
        assert_eq!(floor(Ladder::Http, u32::MAX), seconds(320));
    }

    #[test]
    fn jitter_is_added_and_bounded() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..1000 {
            let wait = Backoff::default().climb(Ladder::Http, &mut random);
            assert!(wait >= seconds(5) && wait <= Duration::from_millis(6250), "{wait:?}");
        }
    }

    #[test]
    fn ladders_do_not_share_rungs_and_reset_together() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut backoff = Backoff::default();
        backoff.climb(Ladder::Http, &mut random);
        assert!(backoff.climb(Ladder::Network, &mut random) < Duration::from_millis(320));
        assert!(backoff.climb(Ladder::Http, &mut random) >= seconds(10));
        backoff.reset();
        assert!(backoff.climb(Ladder::Http, &mut random) < seconds(7));
    }
}
