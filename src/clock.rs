//! The clocks that everything is told by. Only the loop reads them; the pure floors are handed a moment.

use std::future::pending;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::time::Timestamp;

/// Reads both clocks. Its speed is 1 except in tests, which play hours of backoff in milliseconds.
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
#[must_use]
pub fn wall_clock() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// Added to the monotonic clock, since requests of an earlier run may lie before the start of the machine.
const ORIGIN: Duration = Duration::from_secs(3600);

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start(speed: u32) -> Clock {
        Clock { start: monotonic(), start_wall: wall_clock(), speed: speed.max(1) }
    }

    /// This moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let real = monotonic().saturating_sub(self.start);
        // At speed 1 the wall clock is asked again: people may set it meanwhile.
        let wall = if self.speed == 1 { wall_clock() } else { self.start_wall + real * self.speed };
        Timestamp { monotonic: ORIGIN + self.start + real * self.speed, wall }
    }

    /// How long the program has run.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now().monotonic.saturating_sub(ORIGIN + self.start)
    }

    /// Waits for a moment.
    pub async fn sleep_until(&self, until: Timestamp) {
        let left = until.monotonic.saturating_sub(self.now().monotonic);
        tokio::time::sleep(left / self.speed).await;
    }

    /// Waits until the program has run for this long; for ever, if no time is given.
    pub async fn over(&self, deadline: Option<Duration>) {
        match deadline {
            Some(deadline) => tokio::time::sleep(deadline.saturating_sub(self.elapsed()) / self.speed).await,
            None => pending().await,
        }
    }
}
