//! What `-v` and `-vv` tell: lines from anywhere in the program, on their way to the one owner of the terminal.
//!
//! Whoever logs does not write: a line waits here until the terminal fetches it, with the time since the start.

use std::collections::VecDeque;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use log::{LevelFilter, Log, Metadata, Record};

/// Lines that wait; the terminal fetches them several times a second, and what logs faster is a flood.
const WAITING: usize = 4096;

struct Logger {
    start: Instant,
    lines: Mutex<VecDeque<String>>,
}

static LOGGER: OnceLock<Logger> = OnceLock::new();

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata) -> bool {
        // What libraries log may hold what we redact.
        metadata.target().starts_with(env!("CARGO_PKG_NAME"))
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            let line = format!("+{:.3}s {}", self.start.elapsed().as_secs_f64(), record.args());
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() < WAITING {
                lines.push_back(line);
            }
        }
    }

    fn flush(&self) {}
}

/// Begins to log: decisions at 1, HTTP heads and TLS facts as well from 2 on. Times count from here.
pub fn begin(verbosity: u8) {
    let level = match verbosity {
        0 => return,
        1 => LevelFilter::Info,
        _ => LevelFilter::Debug,
    };
    let logger = LOGGER.get_or_init(|| Logger { start: Instant::now(), lines: Mutex::default() });
    if log::set_logger(logger).is_ok() {
        log::set_max_level(level);
    }
}

/// The lines that wait.
pub(super) fn fetch() -> VecDeque<String> {
    LOGGER.get().map_or_else(VecDeque::new, |logger| {
        std::mem::take(&mut *logger.lines.lock().unwrap_or_else(PoisonError::into_inner))
    })
}
