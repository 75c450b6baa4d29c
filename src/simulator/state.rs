//! What all connections of a server share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::api::registry::Registry;
use super::api::rules::RuleStore;
use super::api::usage::UsageMeter;
use super::api::window::{RateHeaders, Windows};
use super::clock::SimulatedClock;
use super::feed::numbered::{Feed, FeedItem};
use super::feed::post::first_id;
use super::http::flood::Floods;
use super::log::Log;
use super::script::{Script, Step};

pub(crate) struct ServerState {
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) feed: Feed,
    pub(crate) script: ScriptProgress,
    pub(crate) gzip: bool,
    pub(crate) chunk_size: Option<usize>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) all_fields: bool,
    pub(crate) log: Log,
    pub(crate) floods: Floods,
    pub(crate) registry: Registry,
    pub(crate) rules: RuleStore,
    pub(crate) meter: UsageMeter,
    pub(crate) windows: Windows,
    /// How the first API requests fail.
    pub(crate) api: Option<ScriptProgress>,
    pub(crate) token: Option<String>,
    pub(crate) rate_limit: u32,
    pub(crate) generated: Generated,
}

/// A script and the next connection of it.
pub(crate) struct ScriptProgress {
    script: Script,
    next: Mutex<usize>,
}

impl ScriptProgress {
    pub(crate) fn new(script: Script) -> ScriptProgress {
        ScriptProgress { script, next: Mutex::new(0) }
    }

    /// The steps of the next connection.
    pub(crate) fn take(&self) -> Vec<Step> {
        self.take_if(|_| true).unwrap_or_default()
    }

    /// The steps of the next connection, as long as the script has one that was not played.
    pub(crate) fn take_planned(&self) -> Option<Vec<Step>> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let steps = (*next < self.script.len()).then(|| self.script.connection(*next).to_vec());
        *next += usize::from(steps.is_some());
        steps
    }

    /// Takes the next connection only if its steps satisfy `condition`.
    pub(crate) fn take_if(&self, condition: impl FnOnce(&[Step]) -> bool) -> Option<Vec<Step>> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let steps = self.script.connection(*next);
        let taken = condition(steps).then(|| steps.to_vec());
        *next += usize::from(taken.is_some());
        taken
    }
}

/// The supply of the step `posts`. All connections share it, so ids rise across them as they do at X.
pub(crate) struct Generated {
    seed: u64,
    /// How many were made, and the last id.
    last: Mutex<(u64, u64)>,
}

impl Generated {
    pub(crate) fn new(seed: u64) -> Generated {
        Generated { seed, last: Mutex::new((0, 0)) }
    }

    /// The next message, written now.
    pub(crate) fn next(&self, unix_ms: u64) -> FeedItem {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let index = last.0;
        *last = (index + 1, first_id(unix_ms).max(last.1 + 1));
        FeedItem { id: last.1, unix_ms, seed: self.seed.wrapping_add(index), index, note: String::new() }
    }
}

impl ServerState {
    /// Whether the request may pass: a bearer token, and the right one if there is a right one.
    pub(crate) fn authorizes(&self, authorization: Option<&str>) -> bool {
        let Some((scheme, token)) = authorization.and_then(|value| value.split_once(' ')) else {
            return false;
        };
        let token = token.trim();
        scheme.eq_ignore_ascii_case("bearer")
            && !token.is_empty()
            && self.token.as_deref().is_none_or(|right| right == token)
    }

    /// The rate limit of the streams; a stream request counts.
    pub(crate) fn rate(&self, is_stream: bool, now: Duration) -> RateHeaders {
        self.windows.count_stream(is_stream, self.rate_limit, now)
    }
}
