//! Records of messages that are printed, and the batch that the selector makes of the bytes it was given.
//!
//! A record can be checked again as long as it waits: the bytes of a message are the message itself, and of what was
//! computed from a message the message is kept beside it.

use super::report::{BatchReport, Deletions, Rechecked};
use crate::protocol::compliance::ComplianceEvent;
use crate::protocol::message::MessageKind;
use crate::protocol::post_id::PostId;

/// A message on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputRecord {
    /// Its length in bytes, with its line end.
    pub length: usize,
    /// What it is.
    pub kind: MessageKind,
    /// The id of a post that has one.
    pub id: Option<PostId>,
    /// The connection or file that it came from.
    pub source: u32,
    /// The length of the message that it was computed from; 0 if its bytes are the message itself.
    pub input: usize,
}

/// The bytes of records: what goes to stdout, and what was computed to it.
#[derive(Debug, Default)]
pub struct Bytes {
    /// For stdout.
    pub output: Vec<u8>,
    /// The messages that `--jq` made the output from. While they wait, they can be checked, and their results computed
    /// again.
    pub inputs: Vec<u8>,
}

/// What the selector made of a batch of bytes.
#[derive(Debug, Default)]
pub struct Batch {
    /// The bytes of the messages, in order, without a gap.
    pub bytes: Bytes,
    /// The messages.
    pub records: Vec<OutputRecord>,
    /// What the compliance messages in it require, printed or not, if that was requested.
    pub events: Vec<ComplianceEvent>,
    /// What was in the batch, printed or not.
    pub report: BatchReport,
    /// The version of the deletions by which the first record was checked.
    pub checked: u64,
}

/// Checks records again, by what was deleted since they were selected.
pub trait Recheck {
    /// Grows whenever more is deleted.
    fn version(&self) -> u64;

    /// Appends what is left of a record to `rest`, and corrects the record. `output` are its bytes, and `input` the
    /// message that they were computed from, if they were.
    fn recheck(&mut self, record: &mut OutputRecord, output: &[u8], input: &[u8], rest: &mut Bytes) -> Rechecked;
}

impl Batch {
    /// Checks the records again if anything was deleted since the first of them was checked: its deletion may have come
    /// in the same batch.
    pub fn recheck(&mut self, check: &mut impl Recheck) {
        if self.checked == check.version() || self.records.is_empty() {
            return;
        }
        self.checked = check.version();
        let bytes = std::mem::take(&mut self.bytes);
        let (mut output, mut inputs) = (bytes.output.as_slice(), bytes.inputs.as_slice());
        let mut deletions = Deletions::default();
        self.records.retain_mut(|record| {
            let (message, input) = (split(&mut output, record.length), split(&mut inputs, record.input));
            let rechecked = check.recheck(record, message, input, &mut self.bytes);
            deletions.count(rechecked);
            rechecked != Rechecked::Withheld
        });
        self.report.printed -= deletions.withheld;
        self.report.deletions.add(deletions);
    }

    /// Empties the bytes and records for the next batch; unusually large memory is freed.
    pub fn clear(&mut self) {
        for bytes in [&mut self.bytes.output, &mut self.bytes.inputs] {
            bytes.clear();
            bytes.shrink_to(1 << 20);
        }
        self.records.clear();
        self.events.clear();
        self.report = BatchReport::default();
    }
}

/// Splits off the first bytes.
pub(super) fn split<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (first, rest) = bytes.split_at(length);
    *bytes = rest;
    first
}
