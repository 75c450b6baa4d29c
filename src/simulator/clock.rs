//! The clock of the simulated X: it may run faster than real time, and tests move it forward.
//!
//! Everything a client can see of time (the feed, `date`, `event_at`, resets) follows it, so that minutes of an
//! interruption pass in milliseconds and the feed still agrees with every other time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::time::as_millis;

pub(crate) struct SimulatedClock {
    clock: Clock,
    /// What it showed at its start. It does not follow a real clock that is set, for the feed must not go back.
    start: Duration,
    skipped: Mutex<Duration>,
    jumped: Notify,
}

impl SimulatedClock {
    /// A clock that starts now and runs so many times as fast as real time.
    pub(crate) fn new(speed: u32) -> SimulatedClock {
        let clock = Clock::new(speed);
        SimulatedClock { clock, start: clock.now().wall, skipped: Mutex::default(), jumped: Notify::new() }
    }

    /// Time since the Unix epoch.
    pub(crate) fn now(&self) -> Duration {
        let skipped = *self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        self.start + self.clock.elapsed() + skipped
    }

    pub(crate) fn unix_ms(&self) -> u64 {
        as_millis(self.now())
    }

    /// The real time that so much simulated time takes.
    pub(crate) fn real(&self, simulated: Duration) -> Duration {
        self.clock.scaled(simulated)
    }

    /// Waits until the clock shows this time, whether it gets there by running or by a jump.
    pub(crate) async fn sleep_until(&self, time: Duration) {
        loop {
            // Created before the clock is read, so that a jump in between is not missed.
            let jumped = self.jumped.notified();
            let left = time.saturating_sub(self.now());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = self.clock.sleep(left) => {}
                () = jumped => {}
            }
        }
    }

    pub(crate) async fn sleep(&self, simulated: Duration) {
        self.sleep_until(self.now() + simulated).await;
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.skipped.lock().unwrap_or_else(PoisonError::into_inner) += by;
        self.jumped.notify_waiters();
    }
}
