//! The selector: lines in, decisions, output records out. One per run, whatever the number of connections.
//!
//! ```text
//! line -> classify -> count -> kinds -> deletions -> tag -> where -> envelope -> jq -> Batch
//! ```
//!
//! Each filter sees what the one before it accepted. Compliance messages pass tags and conditions, since a
//! consumer must see them; a message is built as a value only for an expression that looks at it.
//!
//! What compliance messages delete is remembered whether or not they are printed. A post that is dead is withheld before
//! any filter sees it, and every record that waits is checked by the same function ([`apply`]) before it leaves.
//!
//! Its law: the batch gets whole, valid, accepted messages, byte for byte as received but for what is deleted, each with
//! one LF.

use std::ops::ControlFlow;

use super::batch::{Batch, Bytes, OutputRecord, Recheck};
use super::decode::Line;
use super::decode::split::LINE_CAP;
use super::envelope::{self, Stamp};
use super::filter::Filter;
use super::jq::{self, Jq};
use super::meter::{CountResult, Meter, QuotaUsage};
use super::report::{Diagnostic, Rechecked};
use super::tag::Tag;
use super::tombstones::Tombstones;
use crate::protocol::compliance::{Applied, apply, event_of};
use crate::protocol::message::{KindGroup, Message, MessageKind, Notice, classify};
use crate::protocol::post_id::PostId;
use crate::text::sanitize;
use crate::time::Timestamp;

/// What to print and how.
#[derive(Debug, Clone)]
pub struct SelectOptions {
    /// The kinds that are printed.
    pub filter: Filter,
    /// Only posts that a rule with this tag found, and compliance messages.
    pub tag: Option<Tag>,
    /// Only messages for which this is true, and compliance messages. It sees the message, never the envelope.
    pub condition: Option<Jq>,
    /// Whether each message is wrapped in an envelope.
    pub annotate: bool,
    /// Prints its results instead of the message, or of the envelope where there is one.
    pub jq: Option<Jq>,
    /// Whether results that are strings are printed as their bare text.
    pub raw_output: bool,
    /// Stop after this many messages are on their way to stdout; one that is withheld while it waits counts.
    pub max: Option<u64>,
    /// Print posts although they are deleted.
    pub keep_deleted: bool,
    /// The longest line that is kept, in bytes.
    pub line_cap: usize,
}

impl SelectOptions {
    /// Messages of these kinds as they come: no other filter, no end, the usual cap.
    #[must_use]
    pub fn new(filter: Filter) -> SelectOptions {
        SelectOptions {
            filter,
            tag: None,
            condition: None,
            annotate: false,
            jq: None,
            raw_output: false,
            max: None,
            keep_deleted: false,
            line_cap: LINE_CAP,
        }
    }
}

/// Where lines come from: a connection, or a file.
#[derive(Debug, Default)]
pub struct LineSource {
    /// Its number in this run.
    pub number: u32,
    /// When and over which connection the lines arrived, for the envelope; absent in a replay.
    pub stamp: Option<Stamp>,
    /// The largest `limit` total: back ends of X count separately, and their totals interleave.
    limit: u64,
}

impl LineSource {
    /// A source with this number, without any line yet.
    #[must_use]
    pub fn new(number: u32) -> LineSource {
        LineSource { number, ..LineSource::default() }
    }
}

/// How many kinds of errors of expressions are reported. A text that an expression makes itself may differ from
/// message to message.
const ERROR_KINDS: usize = 8;

/// Decides about every line of a run.
#[derive(Debug)]
pub struct Selector {
    options: SelectOptions,
    meter: Option<Meter>,
    /// What is deleted, unless that is of no interest.
    tombstones: Option<Tombstones>,
    /// Whether the batch also gets what compliance messages require.
    collects_events: bool,
    /// The kinds of errors of expressions that have been reported.
    errors: Vec<String>,
    /// An envelope on its way to `--jq`.
    wrapped: Vec<u8>,
    printed: u64,
}

impl Selector {
    /// A selector at the beginning of a run.
    #[must_use]
    pub fn new(options: SelectOptions) -> Selector {
        let tombstones = (!options.keep_deleted).then(Tombstones::default);
        Selector {
            options,
            meter: None,
            tombstones,
            collects_events: false,
            errors: Vec::new(),
            wrapped: Vec::new(),
            printed: 0,
        }
    }

    /// What to print and how.
    #[must_use]
    pub fn options(&self) -> &SelectOptions {
        &self.options
    }

    /// Counts posts from here on.
    pub fn set_meter(&mut self, meter: Meter) {
        self.meter = Some(meter);
    }

    /// Where posts are counted, if they are.
    pub fn meter(&mut self) -> Option<&mut Meter> {
        self.meter.as_mut()
    }

    /// How much of the quota is used, if there is one.
    #[must_use]
    pub fn quota_usage(&self) -> Option<QuotaUsage> {
        self.meter.as_ref()?.quota_usage()
    }

    /// Puts what compliance messages require into the batch from here on, unless deleted posts are kept.
    pub fn collect_events(&mut self) {
        self.collects_events = true;
    }

    /// What is deleted, unless that is of no interest.
    pub fn tombstones(&mut self) -> Option<&mut Tombstones> {
        self.tombstones.as_mut()
    }

    /// Sets the time: posts are counted by UTC day, and tombstones expire.
    pub fn set_time(&mut self, now: Timestamp) {
        if let Some(meter) = &mut self.meter {
            meter.set_day(now.day());
        }
        if let Some(tombstones) = &mut self.tombstones {
            tombstones.set_time(now.wall);
        }
    }

    /// Whether no line may be consumed: the number of messages that was requested is printed, or the posts that were
    /// reserved of a shared quota are used up.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.is_full() || self.meter.as_ref().is_some_and(Meter::needs_grant)
    }

    /// Decides about a line, and appends what is to be printed of it to `batch`. A break means a pause before the
    /// next line; this one is counted.
    pub fn line(&mut self, source: &mut LineSource, number: u64, line: Line, batch: &mut Batch) -> ControlFlow<()> {
        if self.is_full() {
            return ControlFlow::Break(());
        }
        match line {
            Line::Whole(line) => self.message(source, number, line, batch),
            Line::Unframed(line) => self.unframed(source, number, line, batch),
            Line::Oversize(bytes) => {
                batch.report.lines += 1;
                batch.report.diagnose(Diagnostic::Oversize { line: number, bytes });
            }
            // A last line without an end is a message only if it is a whole JSON object.
            Line::Unterminated(line, length) => {
                let object = line.trim_ascii_start().first() == Some(&b'{');
                if object && classify(line).kind != MessageKind::Malformed {
                    self.message(source, number, line, batch);
                } else if length > 0 {
                    batch.report.diagnose(Diagnostic::Discarded { line: number, bytes: length });
                }
            }
        }
        if self.is_paused() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn message(&mut self, source: &mut LineSource, number: u64, line: &[u8], batch: &mut Batch) {
        let message = classify(line);
        let report = &mut batch.report;
        report.lines += 1;
        report.count(message.kind);
        let mut id = None;
        if message.kind == MessageKind::Post {
            id = PostId::parse(message.id);
            if self.meter.as_mut().is_some_and(|meter| meter.count(id) == CountResult::OverQuota) {
                report.beyond_quota += 1;
                return;
            }
            if id.is_some() {
                report.first_id = report.first_id.or(id);
                report.last_id = id;
            }
        }
        if let Some(fault) = message.fault {
            report.diagnose(malformed(number, fault.to_string(), line));
        }
        if let Some(mut notice) = message.notice() {
            if let Notice::Limit { track: Some(total) } = &mut notice {
                source.limit = source.limit.max(*total);
                *total = source.limit;
            }
            report.diagnose(Diagnostic::Notice(notice));
        }
        if let Some(tombstones) = &mut self.tombstones
            && let Some(event) = event_of(&message)
        {
            tombstones.add(&event);
            if self.collects_events {
                batch.events.push(event);
            }
        }
        if !self.options.filter.accepts(message.kind) {
            return;
        }
        let mut stripped = Vec::new();
        match self.strip(message.kind, message.withheld, line) {
            Applied::Unchanged => self.output(&message, id, number, line, source, batch),
            Applied::Removed => batch.report.deletions.count(Rechecked::Withheld),
            Applied::Rewritten(cuts) => {
                batch.report.deletions.count(Rechecked::Stripped);
                cuts.write(line, &mut stripped);
                // A like without its post would be of another kind.
                let message = Message { kind: message.kind, dialect: message.dialect, ..classify(&stripped) };
                self.output(&message, id, number, &stripped, source, batch);
            }
        }
    }

    /// What the deletions that are known do to a line, and what a post says of itself: `withheld` is whether it may.
    fn strip(&self, kind: MessageKind, withheld: bool, line: &[u8]) -> Applied {
        match &self.tombstones {
            Some(tombstones) if kind.group() == KindGroup::Data && (withheld || !tombstones.is_empty()) => {
                apply(line, tombstones)
            }
            _ => Applied::Unchanged,
        }
    }

    /// Puts what is to be printed of a message into the batch.
    fn output(
        &mut self,
        message: &Message,
        id: Option<PostId>,
        number: u64,
        line: &[u8],
        source: &LineSource,
        batch: &mut Batch,
    ) {
        let (start, kept) = (batch.bytes.output.len(), batch.bytes.inputs.len());
        if let Err((option, why)) = self.print(message, line, source, &mut batch.bytes) {
            return self.failed(number, option, why, batch);
        }
        let Bytes { output, inputs } = &batch.bytes;
        if output.len() == start {
            return;
        }
        if batch.records.is_empty() {
            batch.checked = self.version();
        }
        batch.records.push(OutputRecord {
            length: output.len() - start,
            kind: message.kind,
            id,
            source: source.number,
            input: inputs.len() - kept,
        });
        self.printed += 1;
        batch.report.printed += 1;
        batch.report.full = self.is_full();
    }

    /// Appends what is to be printed of a message whose kind is accepted; nothing, if a filter drops it or `--jq`
    /// gives no result. The error names the option whose expression failed.
    fn print(
        &mut self,
        message: &Message,
        line: &[u8],
        source: &LineSource,
        bytes: &mut Bytes,
    ) -> Result<(), (&'static str, String)> {
        let options = &self.options;
        let out = &mut bytes.output;
        // What may be checked again.
        let kept = self.tombstones.is_some() && message.kind.group() == KindGroup::Data;
        let json = !matches!(message.kind, MessageKind::Heartbeat | MessageKind::Malformed);
        if message.kind.group() != KindGroup::Compliance {
            if let Some(tag) = &options.tag
                && !(json && tag.matches_post(message.body))
            {
                return Ok(());
            }
            if let Some(condition) = &options.condition
                && !(json && condition.matches(line).map_err(|why| ("--where", why))?)
            {
                return Ok(());
            }
        }
        let input = match (&options.jq, options.annotate) {
            (None, true) => {
                envelope::write(message, line, source.stamp.as_ref(), out);
                return Ok(());
            }
            (Some(_), true) => {
                self.wrapped.clear();
                envelope::write(message, line, source.stamp.as_ref(), &mut self.wrapped);
                &self.wrapped
            }
            (_, false) if !json => return Ok(()),
            (Some(_), false) => line,
            (None, false) => {
                out.extend_from_slice(line);
                out.push(b'\n');
                return Ok(());
            }
        };
        if let Some(jq) = &options.jq {
            let start = out.len();
            jq.results(input, options.raw_output, out).map_err(|why| ("--jq", why))?;
            if kept && out.len() > start {
                bytes.inputs.extend_from_slice(input);
            }
        }
        self.wrapped.shrink_to(1 << 16);
        Ok(())
    }

    fn failed(&mut self, line: u64, option: &'static str, why: String, batch: &mut Batch) {
        batch.report.failed += 1;
        let kind = format!("{option} {}", jq::error_kind(&why));
        if self.errors.len() < ERROR_KINDS && !self.errors.contains(&kind) {
            self.errors.push(kind);
            batch.report.diagnose(Diagnostic::Expression { line, option, why });
        }
    }

    /// A line of text may be X's reason for ending the stream; a value is a number out of place and never a message.
    fn unframed(&mut self, source: &mut LineSource, number: u64, line: &[u8], batch: &mut Batch) {
        if classify(line).kind == MessageKind::Malformed {
            return self.message(source, number, line, batch);
        }
        batch.report.lines += 1;
        batch.report.malformed += 1;
        batch.report.diagnose(malformed(number, "the length of a frame was expected".to_owned(), line));
    }

    /// Whether the number of messages that was requested is printed.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.options.max.is_some_and(|max| self.printed >= max)
    }
}

impl Recheck for Selector {
    fn version(&self) -> u64 {
        self.tombstones.as_ref().map_or(0, Tombstones::version)
    }

    fn recheck(&mut self, record: &mut OutputRecord, output: &[u8], input: &[u8], rest: &mut Bytes) -> Rechecked {
        let computed = !input.is_empty();
        let applied = self.strip(record.kind, false, if computed { input } else { output });
        let Applied::Rewritten(cuts) = applied else {
            if applied == Applied::Removed {
                return Rechecked::Withheld;
            }
            rest.output.extend_from_slice(output);
            rest.inputs.extend_from_slice(input);
            return Rechecked::Unchanged;
        };
        let start = rest.output.len();
        match &self.options.jq {
            Some(jq) if computed => {
                let kept = rest.inputs.len();
                cuts.write(input, &mut rest.inputs);
                record.input = rest.inputs.len() - kept;
                // Without the deleted part there may be no result.
                let _ = jq.results(&rest.inputs[kept..], self.options.raw_output, &mut rest.output);
                if rest.output.len() == start {
                    rest.inputs.truncate(kept);
                    return Rechecked::Withheld;
                }
            }
            _ => cuts.write(output, &mut rest.output),
        }
        record.length = rest.output.len() - start;
        Rechecked::Stripped
    }
}

fn malformed(line: u64, why: String, bytes: &[u8]) -> Diagnostic {
    let text = sanitize(&String::from_utf8_lossy(&bytes[..bytes.len().min(400)]), 80);
    Diagnostic::Malformed { line, why, text }
}
