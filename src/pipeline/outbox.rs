//! The outbox: output records on their way to stdout, in order, and the policy of back-pressure.
//!
//! A record stays here until stdout accepted its last byte; only then is it acknowledged. While records wait, the
//! policy decides whether more may be read: xstream waits for a reader process that lags only briefly, since the
//! kernel's buffers hold the stream meanwhile; one that lags longer gets the whole buffer; when that is full, reading
//! stops until half of it is free.
//!
//! A record that waits is checked again before it leaves, if more was deleted since it was checked last: each record
//! once, however many deletions come, and only the portion at the front again and again. A record of which stdout took
//! the first bytes leaves whole.
//!
//! Its law: bytes leave in the order in which they came, and every record is acknowledged or withheld, once.

use std::collections::VecDeque;
use std::time::Duration;

use super::batch::{Batch, Bytes, OutputRecord, Recheck, split};
use super::report::{Deletions, Rechecked};
use crate::protocol::message::MessageKind;
use crate::protocol::post_id::PostId;
use crate::time::Timestamp;

/// Small records are gathered in portions of this size while they wait.
const PORTION: usize = 64 << 10;

/// Portions kept to be filled again: a reader that lags by moments costs no new memory each time.
const SPARES: usize = 8;

/// How long xstream waits for a lagging reader before records are buffered in memory: buffered bytes cost half as
/// much again.
pub const CATCH_UP: Duration = Duration::from_millis(100);

/// What stdout accepted completely.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Acknowledged {
    /// How many messages.
    pub records: u64,
    /// The last post among them that has an id.
    pub last_post: Option<PostId>,
}

impl Acknowledged {
    /// What these records are when they are accepted.
    #[must_use]
    pub fn from_records(records: &[OutputRecord]) -> Acknowledged {
        let mut acknowledged = Acknowledged::default();
        for record in records {
            acknowledged.add(record);
        }
        acknowledged
    }

    /// Adds what was accepted later.
    pub fn merge(&mut self, later: Acknowledged) {
        self.records += later.records;
        self.last_post = later.last_post.or(self.last_post);
    }

    fn add(&mut self, record: &OutputRecord) {
        self.records += 1;
        if record.kind == MessageKind::Post && record.id.is_some() {
            self.last_post = record.id;
        }
    }
}

/// Whether more may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Keep reading.
    Open,
    /// The reader lags briefly: wait for it until this time.
    Wait(Timestamp),
    /// The buffer is full: do not read.
    Closed,
}

/// Records that wait for stdout.
#[derive(Debug)]
pub struct Outbox {
    portions: VecDeque<Portion>,
    spare: Vec<Vec<u8>>,
    /// Bytes that wait.
    backlog: usize,
    /// Bytes that are kept beside them, to compute them again.
    kept: usize,
    /// The backlog at which reading stops; it goes on at half of it.
    high_water: usize,
    closed: bool,
    /// Since when the reader has not read everything.
    behind: Option<Timestamp>,
    acknowledged: Acknowledged,
    deletions: Deletions,
}

#[derive(Debug, Default)]
struct Portion {
    bytes: Bytes,
    /// How many bytes stdout accepted.
    taken: usize,
    /// How many bytes of the inputs belong to records that it accepted.
    passed: usize,
    /// Whether stdout accepted a part of the first piece.
    begun: bool,
    /// The version of the deletions by which its first record was checked.
    checked: u64,
    /// What the bytes are; a notice for the user, which shares the pipe, is no record.
    pieces: VecDeque<Piece>,
}

#[derive(Debug, Clone, Copy)]
enum Piece {
    Message(OutputRecord),
    Notice(usize),
}

impl Piece {
    fn length(&self) -> usize {
        match self {
            Piece::Message(record) => record.length,
            Piece::Notice(length) => *length,
        }
    }
}

impl Outbox {
    /// An empty outbox that holds about `buffer` bytes.
    #[must_use]
    pub fn new(buffer: usize) -> Outbox {
        Outbox {
            portions: VecDeque::new(),
            spare: Vec::new(),
            backlog: 0,
            kept: 0,
            high_water: buffer.max(1),
            closed: false,
            behind: None,
            acknowledged: Acknowledged::default(),
            deletions: Deletions::default(),
        }
    }

    /// Bytes that wait.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.backlog
    }

    /// Messages whose last byte stdout has not accepted.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        let messages =
            |portion: &Portion| portion.pieces.iter().filter(|piece| matches!(piece, Piece::Message(_))).count();
        self.portions.iter().map(|portion| messages(portion) as u64).sum()
    }

    /// Appends a batch of which stdout already accepted the first `taken` bytes, which is possible only if no other bytes
    /// waited.
    pub fn push(&mut self, batch: &Batch, taken: usize) {
        debug_assert!(taken == 0 || self.backlog == 0, "{taken} bytes accepted while {} wait", self.backlog);
        let (mut end, mut passed) = (0, 0);
        let mut records = batch.records.iter();
        let first = records.by_ref().find(|record| {
            end += record.length;
            if end <= taken {
                self.acknowledged.add(record);
                passed += record.input;
            }
            end > taken
        });
        let Some(first) = first else { return };
        // Of the first record that waits only the rest waits.
        let rest = OutputRecord { length: end - taken, ..*first };
        let (output, inputs) = (&batch.bytes.output[taken..], &batch.bytes.inputs[passed..]);
        let portion = self.portion(output.len(), batch.checked);
        portion.begun |= rest.length < first.length;
        portion.bytes.output.extend_from_slice(output);
        portion.bytes.inputs.extend_from_slice(inputs);
        portion.pieces.push_back(Piece::Message(rest));
        portion.pieces.extend(records.map(|record| Piece::Message(*record)));
        self.backlog += output.len();
        self.kept += inputs.len();
    }

    /// Appends a text for the user, for a stderr that is the same pipe: it must not split a line.
    pub fn push_notice(&mut self, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        let portion = self.portion(text.len(), u64::MAX);
        portion.bytes.output.extend_from_slice(text);
        portion.pieces.push_back(Piece::Notice(text.len()));
        self.backlog += text.len();
    }

    /// The portion that has room for so many bytes, whose records were checked by this version.
    fn portion(&mut self, room: usize, checked: u64) -> &mut Portion {
        let fits = |last: &Portion| last.bytes.output.len() + room <= last.bytes.output.capacity();
        if !self.portions.back().is_some_and(fits) {
            let output = self.spare();
            let bytes = Bytes { output, inputs: Vec::new() };
            self.portions.push_back(Portion { bytes, checked, ..Portion::default() });
        }
        let last = self.portions.len() - 1;
        let portion = &mut self.portions[last];
        portion.checked = portion.checked.min(checked);
        portion
    }

    fn spare(&mut self) -> Vec<u8> {
        let mut bytes = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(PORTION));
        bytes.clear();
        bytes
    }

    /// Keeps the memory of a portion; one that a huge line enlarged is freed.
    fn reuse(&mut self, bytes: Vec<u8>) {
        if self.spare.len() < SPARES && (PORTION..=4 * PORTION).contains(&bytes.capacity()) {
            self.spare.push(bytes);
        }
    }

    /// The next bytes for stdout; none if none wait. Call [`Outbox::recheck`] before.
    #[must_use]
    pub fn front(&self) -> Option<&[u8]> {
        self.portions.front().map(|portion| &portion.bytes.output[portion.taken..])
    }

    /// Checks the records that are next, if more was deleted since they were checked.
    pub fn recheck(&mut self, check: &mut impl Recheck) {
        let version = check.version();
        while self.portions.front().is_some_and(|portion| portion.checked < version) {
            let output = self.spare();
            let Some(portion) = self.portions.front_mut() else { return };
            let old =
                std::mem::replace(portion, Portion { checked: version, begun: portion.begun, ..Portion::default() });
            portion.bytes.output = output;
            let (mut output, mut inputs) = (&old.bytes.output[old.taken..], &old.bytes.inputs[old.passed..]);
            self.backlog -= output.len();
            self.kept -= old.bytes.inputs.len();
            for (place, mut piece) in old.pieces.into_iter().enumerate() {
                let message = split(&mut output, piece.length());
                let Piece::Message(record) = &mut piece else {
                    portion.bytes.output.extend_from_slice(message);
                    portion.pieces.push_back(piece);
                    continue;
                };
                let input = split(&mut inputs, record.input);
                let rechecked = if place == 0 && portion.begun {
                    portion.bytes.output.extend_from_slice(message);
                    portion.bytes.inputs.extend_from_slice(input);
                    Rechecked::Unchanged
                } else {
                    check.recheck(record, message, input, &mut portion.bytes)
                };
                self.deletions.count(rechecked);
                if rechecked != Rechecked::Withheld {
                    portion.pieces.push_back(piece);
                }
            }
            self.backlog += portion.bytes.output.len();
            self.kept += portion.bytes.inputs.len();
            let empty = portion.pieces.is_empty();
            self.reuse(old.bytes.output);
            if empty {
                self.pop();
            }
        }
    }

    /// Records that stdout accepted the first `count` bytes of [`Outbox::front`].
    pub fn take(&mut self, mut count: usize) {
        let Some(portion) = self.portions.front_mut() else { return };
        self.backlog -= count;
        portion.taken += count;
        while count > 0 {
            let Some(piece) = portion.pieces.front_mut() else { break };
            let whole = piece.length() <= count;
            match piece {
                Piece::Message(record) if whole => {
                    portion.passed += record.input;
                    self.acknowledged.add(record);
                }
                Piece::Message(OutputRecord { length, .. }) | Piece::Notice(length) => {
                    let part = (*length).min(count);
                    *length -= part;
                    count -= part;
                }
            }
            portion.begun = !whole;
            if whole {
                count -= portion.pieces.pop_front().map_or(0, |piece| piece.length());
            }
        }
        if portion.taken == portion.bytes.output.len() {
            self.pop();
        }
    }

    /// Counts records that did not pass through here as accepted: without stdout the archive accepts them.
    pub fn acknowledge(&mut self, accepted: Acknowledged) {
        self.acknowledged.merge(accepted);
    }

    fn pop(&mut self) {
        let Some(Portion { bytes, .. }) = self.portions.pop_front() else { return };
        self.kept -= bytes.inputs.len();
        self.reuse(bytes.output);
    }

    /// What was not printed as it came, because it was deleted while it waited.
    #[must_use]
    pub fn deletions(&self) -> Deletions {
        self.deletions
    }

    /// What stdout accepted completely since the last call.
    pub fn acknowledged(&mut self) -> Acknowledged {
        std::mem::take(&mut self.acknowledged)
    }

    /// Whether more may be read at this time. Call it before every read.
    pub fn gate(&mut self, now: Timestamp) -> Gate {
        // Half empty before reading continues; otherwise every byte that the reader consumes would be an event.
        let held = self.backlog + self.kept;
        self.closed = if self.closed { held > self.high_water / 2 } else { held >= self.high_water };
        if self.backlog == 0 {
            self.behind = None;
            return Gate::Open;
        }
        let behind = *self.behind.get_or_insert(now);
        if self.closed {
            Gate::Closed
        } else if now.since(behind) < CATCH_UP {
            Gate::Wait(behind.after(CATCH_UP))
        } else {
            Gate::Open
        }
    }

    /// Drops everything that waits: the reader has exited.
    pub fn clear(&mut self) {
        self.portions.clear();
        (self.backlog, self.kept) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::default().after(Duration::from_millis(millis))
    }

    /// A batch of posts whose ids are their numbers, each so many bytes long.
    fn batch(first: u64, lengths: &[usize]) -> Batch {
        let mut batch = Batch::default();
        for (id, length) in (first..).zip(lengths) {
            let byte = u8::try_from(id % 251).expect("small");
            batch.bytes.output.extend(std::iter::repeat_n(byte, *length));
            batch.records.push(OutputRecord {
                length: *length,
                kind: MessageKind::Post,
                id: Some(PostId(id)),
                source: 1,
                input: 0,
            });
        }
        batch
    }

    #[test]
    fn a_record_is_acknowledged_when_its_last_byte_is_taken() {
        let mut outbox = Outbox::new(1000);
        outbox.push(&batch(1, &[10, 10, 10]), 15);
        let seen = |records, last: u64| Acknowledged { records, last_post: Some(PostId(last)) };
        assert_eq!((outbox.acknowledged(), outbox.backlog(), outbox.waiting()), (seen(1, 1), 15, 2));
        outbox.take(4);
        assert_eq!(outbox.acknowledged(), Acknowledged::default());
        outbox.take(1);
        assert_eq!(outbox.acknowledged(), seen(1, 2));
        outbox.push(&batch(4, &[5]), 0);
        outbox.take(15);
        assert_eq!((outbox.acknowledged(), outbox.backlog(), outbox.front()), (seen(2, 4), 0, None));
    }

    #[test]
    fn notices_keep_their_place_and_are_no_records() {
        let mut outbox = Outbox::new(1000);
        outbox.push(&batch(1, &[3]), 1);
        outbox.push_notice(b"xstream: hello\n");
        outbox.push(&batch(2, &[2]), 0);
        assert_eq!(outbox.front(), Some(b"\x01\x01xstream: hello\n\x02\x02".as_slice()));
        outbox.take(10);
        outbox.take(9);
        assert_eq!((outbox.acknowledged().records, outbox.backlog()), (2, 0));
    }

    #[test]
    fn reading_stops_at_the_high_water_mark_and_goes_on_at_half_of_it() {
        let mut outbox = Outbox::new(100);
        assert_eq!(outbox.gate(at(0)), Gate::Open);
        outbox.push(&batch(1, &[60]), 0);
        assert_eq!(outbox.gate(at(1)), Gate::Wait(at(101)));
        assert_eq!(outbox.gate(at(101)), Gate::Open, "a reader that lags longer gets the whole buffer");
        outbox.push(&batch(2, &[40]), 0);
        assert_eq!(outbox.gate(at(102)), Gate::Closed);
        outbox.take(49);
        assert_eq!(outbox.gate(at(103)), Gate::Closed);
        outbox.take(1);
        assert_eq!(outbox.gate(at(104)), Gate::Open);
        outbox.take(50);
        assert_eq!(outbox.gate(at(105)), Gate::Open);
        outbox.push(&batch(3, &[1]), 0);
        assert_eq!(outbox.gate(at(106)), Gate::Wait(at(206)), "it is waited for again");
    }

    proptest! {
        #[test]
        fn bytes_leave_in_order_and_every_record_is_acknowledged_once(
            steps in proptest::collection::vec((proptest::collection::vec(1usize..90_000, 0..4), 0usize..100_000), 1..20),
        ) {
            let mut outbox = Outbox::new(1 << 20);
            let (mut id, mut sent, mut left, mut records) = (0, Vec::new(), Vec::new(), 0);
            for (lengths, take) in steps {
                let batch = batch(id, &lengths);
                id += lengths.len() as u64;
                let direct = if outbox.backlog() == 0 { take.min(batch.bytes.output.len()) } else { 0 };
                sent.extend_from_slice(&batch.bytes.output);
                left.extend_from_slice(&batch.bytes.output[..direct]);
                outbox.push(&batch, direct);
                let front = outbox.front().unwrap_or_default();
                let part = front.len().min(take);
                left.extend_from_slice(&front[..part]);
                outbox.take(part);
                records += outbox.acknowledged().records;
                prop_assert_eq!(left.len() + outbox.backlog(), sent.len());
                prop_assert_eq!(records + outbox.waiting(), id);
            }
            while let Some(front) = outbox.front() {
                let part = front.len();
                left.extend_from_slice(front);
                outbox.take(part);
            }
            records += outbox.acknowledged().records;
            prop_assert_eq!((records, left == sent), (id, true));
        }
    }
}
