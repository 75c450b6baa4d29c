//! The logger of `-v` and `-vv`: it collects lines from the whole program for the owner of stderr.
//!
//! Logging writes nothing: a line waits here, with the time since the start, until the terminal takes it.

use std::collections::VecDeque;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use log::{LevelFilter, Log, Metadata, Record};

/// Most lines that wait; the terminal takes them several times per second. More than this are dropped, so that a flood
/// of messages cannot fill the memory.
const CAPACITY: usize = 4096;

struct Logger {
    start: Instant,
    lines: Mutex<VecDeque<String>>,
}

static LOGGER: OnceLock<Logger> = OnceLock::new();

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata) -> bool {
        // Libraries can log secrets in spellings that the redactor does not know.
        metadata.target().starts_with(env!("CARGO_PKG_NAME"))
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            let line = format!("+{:.3}s {}", self.start.elapsed().as_secs_f64(), record.args());
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() < CAPACITY {
                lines.push_back(line);
            }
        }
    }

    fn flush(&self) {}
}

/// Starts to log: decisions at 1, also HTTP heads and TLS facts from 2 on. Times count from here.
pub fn init(verbosity: u8) {
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

/// Takes the lines that wait.
pub(super) fn take() -> VecDeque<String> {
    LOGGER.get().map_or_else(VecDeque::new, |logger| {
        std::mem::take(&mut *logger.lines.lock().unwrap_or_else(PoisonError::into_inner))
    })
}
