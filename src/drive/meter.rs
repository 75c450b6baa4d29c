//! The quota, and the counts shared with the state file.

use std::time::Duration;

use super::Drive;
use super::Run;
use crate::observe::summary;
use crate::pipeline::meter::Period;
use crate::session::Input;
use crate::session::budget::RESET_MARGIN;
use crate::time::Timestamp;
use crate::time::format_duration;
use crate::time::{date, same_month};

/// How often the meter's counts are shared with the state file.
const METER_EVERY: Duration = Duration::from_secs(10);

/// Seconds of a UTC day.
const DAY: u64 = 86_400;

impl Drive {
    /// Keeps the meter's day, shares its counts when that is due, and says when the quota is spent: before a dial, and
    /// after what was received, which is dealt with first.
    pub(super) fn within_quota(&mut self, input: Input) -> Input {
        let now = self.run.clock.now();
        self.turn_meter(now);
        let hurry = self.run.pipeline.meter().is_some_and(|meter| meter.hurries());
        if (hurry || now.monotonic >= self.meter_due) && self.share_meter() {
            self.meter_due = now.monotonic + METER_EVERY;
        }
        let Some(meter) = self.run.pipeline.meter() else { return input };
        let reading = meter.reading();
        self.quota = reading;
        let Some(reading) = reading.filter(|_| meter.spent()) else { return input };
        let turns = next_turn(now, reading.quota.period);
        let left = turns.wall.saturating_sub(now.wall);
        let detail = format!("{}, which turns in {}", summary::spent(&reading), format_duration(left));
        let spent = Input::QuotaSpent { detail, turns };
        match input {
            Input::Started | Input::Elapsed => spent,
            Input::Received(_) => {
                self.pending.push_back(spent);
                input
            }
            input => input,
        }
    }

    /// Begins another day of the meter when the UTC day has turned.
    pub(super) fn turn_meter(&mut self, now: Timestamp) {
        let day = now.wall.as_secs() / DAY;
        let Some(counted) = self.run.pipeline.meter().map(|meter| meter.day()).filter(|counted| *counted != day) else {
            return;
        };
        self.share_meter();
        if let Some(meter) = self.run.pipeline.meter() {
            meter.turn(day, same_month(&date(counted), &date(day)));
        }
        self.meter_due = Duration::ZERO;
    }

    /// Brings the meter and the state file to one count; false while another process holds the file.
    pub(super) fn share_meter(&mut self) -> bool {
        let Run { store: Some(store), pipeline, terminal, .. } = &mut self.run else { return true };
        let Some(meter) = pipeline.meter().filter(|_| !self.meter_failed) else { return true };
        let result = match store.hold() {
            Ok(Some(held)) => held.sync(meter),
            Ok(None) => return false,
            Err(error) => Err(error),
        };
        match result {
            Ok(None) => {}
            Ok(Some(lost)) if self.ids_lost => drop(lost),
            Ok(Some(lost)) => {
                self.ids_lost = true;
                terminal.info(&format!("warning: {lost}; today's count goes on as an upper bound"));
            }
            Err(error) => {
                self.meter_failed = true;
                terminal.always(&format!("sharing the meter: {error:#}; the run goes on and counts by itself"));
            }
        }
        true
    }
}

/// When a quota's period turns, and a little later: X's clock may be behind ours.
fn next_turn(now: Timestamp, period: Period) -> Timestamp {
    let today = now.wall.as_secs() / DAY;
    let mut day = today + 1;
    while period == Period::Month && same_month(&date(today), &date(day)) {
        day += 1;
    }
    let turn = Duration::from_secs(day * DAY) + RESET_MARGIN;
    Timestamp { wall: turn, monotonic: now.monotonic + turn.saturating_sub(now.wall) }
}
