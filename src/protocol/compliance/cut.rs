//! Cuts: the parts of a line that are left out of it, as byte ranges.
//!
//! Its law: each cut takes a whole member or element and exactly one comma beside it, so that valid JSON stays valid.

use std::ops::Range;

/// The parts of a line that are left out, in order, and what they were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cuts {
    ranges: Vec<Range<usize>>,
    /// Embedded posts that are left out.
    pub posts: u32,
    /// Location members that are left out.
    pub locations: u32,
}

impl Cuts {
    /// Appends what is left of `line` to `out`.
    pub fn write(&self, line: &[u8], out: &mut Vec<u8>) {
        let mut from = 0;
        for range in &self.ranges {
            out.extend_from_slice(&line[from..range.start]);
            from = range.end;
        }
        out.extend_from_slice(&line[from..]);
    }

    /// Leaves out the items of one container for which `is_cut` is true. `items` are all its items, in order.
    pub(super) fn cut(&mut self, line: &[u8], items: &[Range<usize>], is_cut: impl Fn(usize) -> bool) {
        // The comma after an item goes with it; after the last item that stays, the comma before.
        let last = (0..items.len()).rev().find(|item| !is_cut(*item));
        let comma = |item: usize| {
            let between = items[item].end..items[item + 1].start;
            between.clone().find(|at| line[*at] == b',').unwrap_or(between.end)
        };
        for item in (0..items.len()).filter(|item| is_cut(*item)) {
            self.ranges.push(match last {
                Some(last) if last < item => comma(item - 1)..items[item].end,
                _ if item + 1 < items.len() => items[item].start..comma(item) + 1,
                _ => items[item].clone(),
            });
        }
    }

    /// How much is cut so far, to return to with [`Cuts::rewind`].
    pub(super) fn mark(&self) -> (usize, u32, u32) {
        (self.ranges.len(), self.posts, self.locations)
    }

    /// Forgets the cuts since the mark: they lie in a part that is cut as a whole.
    pub(super) fn rewind(&mut self, mark: (usize, u32, u32)) {
        self.ranges.truncate(mark.0);
        (self.posts, self.locations) = (mark.1, mark.2);
    }

    /// Puts the cuts in order; none if there are none.
    pub(super) fn finish(mut self) -> Option<Cuts> {
        self.ranges.sort_by_key(|range| range.start);
        (!self.ranges.is_empty()).then_some(self)
    }
}
