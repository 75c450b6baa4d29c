//! The fold over the records of one run: [`Stats`] from its events, and beside it what only records contain or
//! only a diagnosis needs.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::observe::record::{EndRecord, EndedRecord, JournalRecord, RecordKind, StartRecord, Wall};
use crate::observe::stats::Stats;
use crate::protocol::catalogue::Side;
use crate::protocol::disconnect::Code;
use crate::text::sanitize;

/// Longest text that a report repeats from a journal, in characters.
const LONGEST_TEXT: usize = 60;

/// The result of one run. Every text of the journal in it is safe to print.
#[derive(Debug, Default)]
pub(super) struct JournalRun {
    pub stats: Stats,
    pub start: StartRecord,
    pub end: Option<EndRecord>,
    /// Times of the earliest and the latest record, since the Unix epoch.
    pub span: Option<(Duration, Duration)>,
    /// When the stream was lost, until it is open again.
    lost_at: Option<Duration>,
    /// The length of each loss that has ended.
    pub reconnects: Vec<Duration>,
    pub endings: BTreeMap<String, EndingCount>,
    pub causes: BTreeMap<LossCause, u64>,
    /// Whether the last stream was lost without a clean end.
    unclean: bool,
    /// Refusals for a taken slot after such a loss.
    pub ghosts: u64,
    /// When the heartbeat was last late, and the silence before it.
    late: Option<(Duration, Duration)>,
    pub silence: Duration,
    pub posts: u64,
    /// X's own reasons for endings, and who held the slot, with how often.
    pub reasons: BTreeMap<String, u64>,
    pub holders: BTreeMap<String, u64>,
    /// The state after the last record.
    pub state: String,
}

#[derive(Debug)]
pub(super) struct EndingCount {
    pub name: String,
    pub side: Side,
    pub count: u64,
}

/// Possible causes of an ending; where counts are equal the first one here is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LossCause {
    SlowReader,
    TakenOver,
    ConnectionLimit,
    RateLimit,
    Account,
    Network,
    X,
    Other,
}

impl LossCause {
    /// The cause of an ending with this code; `slow` means that the reader process lagged at that time.
    pub(super) fn new(code: &str, side: Side, slow: bool) -> LossCause {
        match code {
            _ if slow => LossCause::SlowReader,
            "4" | "SlowReader" => LossCause::SlowReader,
            "2" | "7" | "ForceDisconnect" | "forced-disconnect" => LossCause::TakenOver,
            "TooManyConnections" | "420" | "connection-limit" => LossCause::ConnectionLimit,
            "429" | "rate-limit-exceeded" | "rate-limit" => LossCause::RateLimit,
            _ => match side {
                Side::Account => LossCause::Account,
                Side::Network => LossCause::Network,
                Side::X => LossCause::X,
                Side::Ours | Side::Unknown => LossCause::Other,
            },
        }
    }
}

fn clean(text: &str) -> String {
    sanitize(text, LONGEST_TEXT)
}

impl JournalRun {
    pub(super) fn apply(&mut self, record: &JournalRecord) {
        let Wall(at) = record.at;
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        match &record.kind {
            RecordKind::Start(start) => {
                self.start = StartRecord {
                    version: clean(&start.version),
                    stream: clean(&start.stream),
                    host: clean(&start.host),
                };
            }
            RecordKind::Dialling { .. } => "connecting".clone_into(&mut self.state),
            RecordKind::Opened { .. } => {
                self.late = None;
                if let Some(lost) = self.lost_at.take() {
                    self.reconnects.push(at.saturating_sub(lost));
                }
                "connected".clone_into(&mut self.state);
            }
            RecordKind::Late { silence_ms } => {
                let silence = Duration::from_millis(*silence_ms);
                self.silence = self.silence.max(silence);
                self.late = Some((at, silence));
            }
            RecordKind::Ended(ended) => {
                self.ended(ended, at);
                "disconnected".clone_into(&mut self.state);
            }
            RecordKind::Waiting(_) => "waiting".clone_into(&mut self.state),
            RecordKind::Reason { reason, .. } => *self.reasons.entry(clean(reason)).or_default() += 1,
            RecordKind::Held(held) => {
                for holder in &held.by {
                    *self.holders.entry(clean(&holder.client_ip)).or_default() += 1;
                }
            }
            RecordKind::Status(status) => {
                // While no connection is open the age is that of the gap, which is reported as such.
                if self.stats.opened.is_some() {
                    self.silence = self.silence.max(Duration::from_millis(status.heartbeat_age_ms.unwrap_or(0)));
                }
                self.state = clean(&status.state);
            }
            RecordKind::End(end) => {
                self.silence = self.silence.max(Duration::from_millis(end.silence_ms));
                self.posts = end.posts;
                let end = self.end.insert(end.clone());
                end.outcome = clean(&end.outcome).replace('_', " ");
                end.code = end.code.as_deref().map(clean);
            }
            _ => {}
        }
        if let Some(event) = record.to_event() {
            self.stats.apply(&event);
        }
    }

    fn ended(&mut self, ended: &EndedRecord, at: Duration) {
        let code = clean(&ended.code);
        // The catalogue outranks the record, which an older version may have written.
        let entry = Code::parse(&code).map(|code| code.entry()).filter(|entry| !entry.generic);
        let (name, side) = entry.map_or_else(
            || {
                let sides = [Side::Ours, Side::X, Side::Account, Side::Network];
                let side = sides.into_iter().find(|side| side.to_string() == ended.side);
                (clean(&ended.name), side.unwrap_or(Side::Unknown))
            },
            |entry| (entry.name.to_owned(), entry.side),
        );
        let cause = LossCause::new(&code, side, ended.slow_reader || self.stats.blocked);
        *self.causes.entry(cause).or_default() += 1;
        self.ghosts += u64::from(cause == LossCause::ConnectionLimit && self.unclean);
        if ended.opened {
            self.posts = self.posts.saturating_add(ended.posts);
            self.lost_at = Some(at);
            self.unclean = cause == LossCause::Network;
            // No byte came between the late heartbeat and the stall.
            if let (Some((late, silence)), "stall") = (self.late, code.as_str()) {
                self.silence = self.silence.max(silence.saturating_add(at.saturating_sub(late)));
            }
        }
        self.late = None;
        self.endings.entry(code).or_insert(EndingCount { name, side, count: 0 }).count += 1;
    }

    /// The code that the run ended by; empty if it did not, or by none.
    pub(super) fn final_code(&self) -> &str {
        self.end.as_ref().and_then(|end| end.code.as_deref()).unwrap_or_default()
    }
}
