//! After the end of a connection, or of the quota: whether the run ends with it, how long it waits before the next dial,
//! and what X is queried about it.

use std::time::Duration;

use super::{Decisions, QuerySubject, Supervisor};
use crate::protocol::disconnect::{Code, ConnectionIssue, LocalCause, TextLine};
use crate::protocol::message::DisconnectReason;
use crate::session::backoff::IMMEDIATE_JITTER;
use crate::session::budget::RESET_MARGIN;
use crate::session::connection::Ended;
use crate::session::event::{EventKind, WaitReason};
use crate::session::input::{Action, Query, QuotaState, Refusal, Response};
use crate::session::outcome::Outcome;
use crate::session::quota;
use crate::session::reaction::{Reaction, TAKE_OVER_WINDOW, TAKE_OVERS, WITHOUT_RESET, reaction};
use crate::session::role::Phase;
use crate::time::Timestamp;

/// X publishes no rate limit for its list of connections; one request in five minutes is within any that it has.
const ASK_EVERY: Duration = Duration::from_secs(5 * 60);

impl Supervisor {
    /// A connection is over, or was never open; `refusal` says what was answered instead.
    pub(super) fn ended(&mut self, reason: DisconnectReason, refusal: Option<&Refusal>, out: &mut Decisions) {
        let Phase::Connected(connection) = std::mem::replace(&mut self.role.phase, Phase::Idle) else {
            unreachable!("{reason:?} in {:?}", self.role.phase)
        };
        let number = connection.number();
        let ended = connection.ended(out.now, reason);
        if ended.newly_established {
            self.established(number, out);
        }
        if ended.opened {
            let gap = self.role.coverage.ended(&ended.reason.code);
            out.all(number, gap.map(EventKind::Gap));
        }
        out.event(
            number,
            EventKind::Ended {
                reason: ended.reason.clone(),
                opened: ended.opened,
                lived: ended.lived,
                rate: refusal.map(|refusal| refusal.head.rate),
                traffic: ended.traffic,
                slow_reader: ended.slow_reader,
            },
        );
        let next = self.outcome_of(&ended, out.now);
        self.ask_about(&ended, number, next.is_some(), out);
        match next {
            Some(outcome) => self.stop(outcome, out),
            None if reaction(&ended.reason.code) == Reaction::Quota => self.rest_after_quota(ended.reason, out),
            None => self.retry(&ended, refusal, out),
        }
    }

    /// The outcome of the run, if this end of a connection is its end as well.
    fn outcome_of(&mut self, ended: &Ended, now: Timestamp) -> Option<Outcome> {
        let reason = || ended.reason.clone();
        match reaction(&ended.reason.code) {
            Reaction::Refused => return Some(Outcome::Refused(reason())),
            Reaction::Ended => return Some(Outcome::Ended(reason())),
            Reaction::Delivered => return Some(Outcome::Delivered),
            Reaction::TakenOver(_) => {
                self.take_overs.retain(|at| now.since(*at) < TAKE_OVER_WINDOW);
                self.take_overs.push(now);
                if self.take_overs.len() >= TAKE_OVERS {
                    return Some(Outcome::TakenOver(reason()));
                }
            }
            Reaction::Quota => return None,
            Reaction::Now(_) | Reaction::Retry(_) | Reaction::Reset => {}
        }
        if ended.opened && (self.options.finite || ended.delivered) {
            if ended.reason.code == Code::Local(LocalCause::Eof) && !ended.undelivered {
                return Some(Outcome::Delivered);
            }
            // Opened again, a range would begin at its beginning; what came cannot be separated from what did not.
            if self.options.finite {
                return Some(Outcome::Ended(reason()));
            }
        }
        if !self.options.reconnect {
            return Some(Outcome::Ended(reason()));
        }
        self.options.max_retries.is_some_and(|max| self.role.retries >= max).then(|| Outcome::GaveUp(reason()))
    }

    fn retry(&mut self, ended: &Ended, refusal: Option<&Refusal>, out: &mut Decisions) {
        self.role.retries += 1;
        let reaction = reaction(&ended.reason.code);
        let (mut delay, mut why) = match reaction {
            Reaction::Now(_) if ended.established => (self.spread(IMMEDIATE_JITTER), WaitReason::Backoff),
            Reaction::Reset => self.until_reset(out.now, refusal),
            Reaction::Now(schedule) | Reaction::Retry(schedule) | Reaction::TakenOver(schedule) => {
                (self.role.backoff.next_delay(schedule, &mut self.random), WaitReason::Backoff)
            }
            Reaction::Refused | Reaction::Quota | Reaction::Ended | Reaction::Delivered => {
                unreachable!("{reaction:?} has stopped")
            }
        };
        if let Some(asked) = refusal.and_then(|refusal| refusal.retry_after)
            && asked > delay
        {
            (delay, why) = (asked, WaitReason::RetryAfter);
        }
        self.wait(delay, why, out);
    }

    /// The wait after a 429 that is about the rate: until the reset and 1–2 s more, on the server's clock.
    fn until_reset(&mut self, now: Timestamp, refusal: Option<&Refusal>) -> (Duration, WaitReason) {
        let reset = refusal.and_then(|refusal| {
            let server_now = refusal.head.date.unwrap_or(now.wall);
            let reset = refusal.head.rate.trusted_reset(server_now)?;
            Some(reset.saturating_sub(server_now))
        });
        match reset {
            Some(wait) => (wait + RESET_MARGIN + self.spread(RESET_MARGIN), WaitReason::RateLimit),
            None => (self.role.backoff.next_delay(WITHOUT_RESET, &mut self.random), WaitReason::Backoff),
        }
    }

    fn spread(&mut self, width: Duration) -> Duration {
        width.mul_f64(self.random.f64())
    }

    /// Asks X about an ending that only X can explain: who holds the slot, or why it ended the connection.
    fn ask_about(&mut self, ended: &Ended, number: u32, stops: bool, out: &mut Decisions) {
        let code = &ended.reason.code;
        let slot =
            *code == Code::Issue(ConnectionIssue::TooManyConnections) || *code == Code::Text(TextLine::ConnectionLimit);
        let query = if slot {
            Query::Holders { free: std::mem::take(&mut self.options.take_over) }
        } else if ended.opened
            && (!stops || self.options.explains_end)
            && *code != Code::Local(LocalCause::Quota)
            && self.asking.is_none()
        {
            Query::Reason { connection: number, opened: ended.lived }
        } else {
            return;
        };
        let last = &mut self.asked[usize::from(!slot)];
        if !self.options.is_listed || last.is_some_and(|last| out.now.since(last) < ASK_EVERY) {
            return;
        }
        *last = Some(out.now);
        self.asking = Some(QuerySubject::Ending);
        out.actions.push(Action::Ask(query));
    }

    pub(super) fn answered(&mut self, response: Option<Response>, out: &mut Decisions) {
        self.asking = None;
        let (connection, kind) = match response {
            Some(Response::Holders { kill, holders, freed }) => {
                (self.connections, EventKind::Held { by: holders, kill, freed })
            }
            Some(Response::Reason { connection, reason }) => (connection, EventKind::Reason { reason }),
            Some(Response::Rules(rules)) => (self.connections, EventKind::ActiveRules(rules)),
            None => return,
        };
        out.event(connection, kind);
    }

    pub(super) fn wait(&mut self, delay: Duration, why: WaitReason, out: &mut Decisions) {
        let until = out.now.after(delay);
        out.event(self.connections, EventKind::Waiting { why, delay, until });
        self.role.phase = Phase::Waiting { until };
    }

    /// The quota is spent: an open connection ends, and none is opened before its period turns.
    pub(super) fn quota_spent(&mut self, quota: QuotaState, out: &mut Decisions) {
        let reason = DisconnectReason::local(LocalCause::Quota, quota::describe(&quota.usage, out.now));
        match &self.role.phase {
            Phase::Connected(connection) if connection.is_open() => self.close(reason, out),
            // The request is on its way; its answer is met with the same check.
            Phase::Connected(_) => {}
            Phase::Waiting { .. } if self.options.quota_wait => {}
            Phase::Idle | Phase::Granting | Phase::Waiting { .. } => self.rest_after_quota(reason, out),
        }
    }

    pub(super) fn rest_after_quota(&mut self, reason: DisconnectReason, out: &mut Decisions) {
        match self.quota {
            Some(quota) if self.options.quota_wait => {
                let turn = quota::next_turn(out.now, quota.usage.quota.period);
                self.wait(turn.wall.saturating_sub(out.now.wall), WaitReason::Quota, out);
            }
            _ => self.stop(Outcome::QuotaSpent(reason), out),
        }
    }
}

/// The body decides; the status only where the body says nothing known.
pub(super) fn from_refusal(refusal: &Refusal) -> DisconnectReason {
    if let Some(host) = &refusal.redirect {
        return DisconnectReason::local(LocalCause::Redirect, format!("status {} to {host}", refusal.status));
    }
    DisconnectReason { code: Code::from_response(refusal.status, &refusal.body), detail: refusal.body.detail() }
}
