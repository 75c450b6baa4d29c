//! Sequence numbers as a set, kept as ranges: a connection receives long runs of them.

use std::ops::Range;

/// Sequence numbers of the feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberSet {
    /// In rising order, neither overlapping nor touching.
    ranges: Vec<Range<u64>>,
}

/// Ranges kept. A server that runs for weeks must not fill the memory; tests stay far below.
const MAX_RANGES: usize = 100_000;

impl NumberSet {
    /// Adds a number; returns whether it was absent.
    pub fn insert(&mut self, number: u64) -> bool {
        let at = self.ranges.partition_point(|range| range.end < number);
        let full = self.ranges.len() >= MAX_RANGES;
        match self.ranges.get_mut(at) {
            Some(range) if range.contains(&number) => return false,
            Some(range) if range.end == number => range.end += 1,
            Some(range) if range.start == number + 1 => range.start = number,
            _ if full => return false,
            _ => self.ranges.insert(at, number..number + 1),
        }
        if self.ranges.get(at + 1).is_some_and(|after| after.start == self.ranges[at].end) {
            self.ranges[at].end = self.ranges.remove(at + 1).end;
        }
        true
    }

    /// The numbers as ranges, in rising order.
    #[must_use]
    pub fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    /// The numbers one by one, in rising order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.ranges.iter().cloned().flatten()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.ranges.iter().map(|range| range.end - range.start).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn it_holds_what_a_set_holds_in_the_fewest_ranges() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..200 {
            let (mut set, mut expected) = (NumberSet::default(), BTreeSet::new());
            for _ in 0..60 {
                let number = rng.u64(..80);
                assert_eq!(set.insert(number), expected.insert(number));
            }
            assert_eq!(set.iter().collect::<BTreeSet<_>>(), expected);
            assert_eq!(set.count(), expected.len() as u64);
            assert!(set.ranges().windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
