//! Rate limits: requests counted in windows of 15 minutes. They count and refuse no request by themselves, because a
//! refusal is a matter of the script.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::call::ApiCall;

/// X counts requests in windows of this many seconds.
const WINDOW: u64 = 15 * 60;

/// The three numbers of the rate limit headers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RateHeaders {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Unix seconds.
    pub(crate) reset: u64,
}

impl RateHeaders {
    pub(crate) fn headers(&self) -> [(String, String); 3] {
        [
            (String::from("x-rate-limit-limit"), self.limit.to_string()),
            (String::from("x-rate-limit-remaining"), self.remaining.to_string()),
            (String::from("x-rate-limit-reset"), self.reset.to_string()),
        ]
    }
}

/// The requests of one window.
#[derive(Default)]
struct Window {
    requests: u32,
    /// Unix seconds.
    end: u64,
}

impl Window {
    fn count(&mut self, requests: u32, limit: u32, now: Duration) -> RateHeaders {
        if self.end <= now.as_secs() {
            *self = Window { requests: 0, end: now.as_secs() + WINDOW };
        }
        self.requests = self.requests.saturating_add(requests);
        RateHeaders { limit, remaining: limit.saturating_sub(self.requests), reset: self.end }
    }
}

/// The windows of the streams, which share one, and of each call.
#[derive(Default)]
pub(crate) struct Windows(Mutex<HashMap<Option<ApiCall>, Window>>);

impl Windows {
    pub(crate) fn count_call(&self, call: ApiCall, now: Duration) -> RateHeaders {
        self.count(Some(call), 1, call.limit(), now)
    }

    /// The limit after a request that is no call; it counts only if it is for a stream.
    pub(crate) fn count_stream(&self, is_stream: bool, limit: u32, now: Duration) -> RateHeaders {
        self.count(None, u32::from(is_stream), limit, now)
    }

    fn count(&self, call: Option<ApiCall>, requests: u32, limit: u32, now: Duration) -> RateHeaders {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.entry(call).or_default().count(requests, limit, now)
    }
}
