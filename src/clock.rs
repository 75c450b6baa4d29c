//! The clocks of a run. Everything above the pure floors reads time and sleeps through one [`Clock`]; the pure floors
//! receive a [`Timestamp`].
//!
//! Two kinds of time use the real clock at every speed: measurements in the log, and the time limit of a close, since
//! the network does not run faster in a test.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use tokio::time::error::Elapsed;

use crate::time::Timestamp;

/// Reads both clocks and sleeps. All its durations are in the time of the run, which runs `speed` times as fast as
/// real time. The speed is 1 except in tests, which run through hours of backoff in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Duration,
    start_wall: Duration,
    speed: u32,
}

/// Time that never jumps. It counts suspension, because a server does not wait for a sleeping laptop.
fn monotonic() -> Duration {
    let id = if cfg!(target_os = "linux") { ClockId::Boottime } else { ClockId::Monotonic };
    let now = clock_gettime(id);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Time since the Unix epoch, on this machine's clock.
fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Added to the monotonic clock, since requests of an earlier run may lie before the start of the machine.
const ORIGIN: Duration = Duration::from_secs(3600);

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn new(speed: u32) -> Clock {
        Clock { start: monotonic(), start_wall: wall(), speed: speed.max(1) }
    }

    /// The current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let real = monotonic().saturating_sub(self.start);
        // At speed 1 the wall clock is read again: the user may set it meanwhile.
        let wall = if self.is_real_time() { wall() } else { self.start_wall + real * self.speed };
        Timestamp { monotonic: ORIGIN + self.start + real * self.speed, wall }
    }

    /// When the clock started.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        Timestamp { monotonic: ORIGIN + self.start, wall: self.start_wall }
    }

    /// How many times as fast as real time its time passes.
    #[must_use]
    pub fn speed(&self) -> u32 {
        self.speed
    }

    /// Time since the clock started.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now().monotonic.saturating_sub(ORIGIN + self.start)
    }

    /// Whether its time passes as fast as real time, so that its timestamps mean something to other processes.
    #[must_use]
    pub fn is_real_time(&self) -> bool {
        self.speed == 1
    }

    /// `duration` of the run in real time.
    #[must_use]
    pub fn scaled(&self, duration: Duration) -> Duration {
        duration / self.speed
    }

    /// Sleeps for `duration`.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(self.scaled(duration)).await;
    }

    /// Sleeps until `until`.
    pub async fn sleep_until(&self, until: Timestamp) {
        self.sleep(until.since(self.now())).await;
    }

    /// Waits for `future` for at most `limit`.
    ///
    /// # Errors
    /// The future was not ready in time; it is dropped.
    pub async fn timeout<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Result<T, Elapsed> {
        tokio::time::timeout(self.scaled(limit), future).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_runs_and_sleeps_in_the_time_of_the_run() {
        let clock = Clock::new(1000);
        let began = std::time::Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(clock.sleep_until(clock.now().after(Duration::from_secs(20))));
        assert!(clock.elapsed() >= Duration::from_secs(20) && began.elapsed() < Duration::from_secs(20));
        assert_eq!(clock.scaled(Duration::from_secs(1)), Duration::from_millis(1));
        assert!(!clock.is_real_time() && Clock::new(0).is_real_time());
    }
}
