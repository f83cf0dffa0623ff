//! Sets of offsets as ascending ranges that do not touch.

/// A set of stream offsets, kept as ranges `[start, end)`; searches take logarithmic time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Adds `[start, end)`; joins what touches.
    pub fn insert(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let touched = self.touched(start, end);
        if touched.is_empty() {
            return self.0.insert(touched.start, (start, end));
        }
        let joined = (start.min(self.0[touched.start].0), end.max(self.0[touched.end - 1].1));
        self.0[touched.start] = joined;
        self.0.drain(touched.start + 1..touched.end);
    }

    /// Takes `[start, end)` out.
    pub fn remove(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let first = self.0.partition_point(|range| range.1 <= start);
        let last = self.0.partition_point(|range| range.0 < end);
        let kept = self.0[first..last].iter().flat_map(|range| [(range.0, start), (end, range.1)]);
        let kept: Vec<_> = kept.filter(|(from, to)| from < to).collect();
        self.0.splice(first..last, kept);
    }

    /// Forgets everything below `at`.
    pub fn cut_below(&mut self, at: u64) {
        let gone = self.0.partition_point(|range| range.1 <= at);
        self.0.drain(..gone);
        if let Some(first) = self.0.first_mut() {
            first.0 = first.0.max(at);
        }
    }

    /// Whether all of `[start, end)` is in it.
    pub fn contains(&self, start: u64, end: u64) -> bool {
        start >= end || self.covered_from(start) >= end
    }

    /// Where the range that holds `at` ends; `at` itself if none does.
    pub fn covered_from(&self, at: u64) -> u64 {
        let holder = self.0.partition_point(|range| range.1 <= at);
        self.0.get(holder).filter(|range| range.0 <= at).map_or(at, |range| range.1)
    }

    /// The first part of `[from, to)` that is not in it.
    pub fn gap(&self, from: u64, to: u64) -> Option<(u64, u64)> {
        let start = self.covered_from(from);
        let next = self.0.partition_point(|range| range.0 <= start);
        let end = self.0.get(next).map_or(to, |range| range.0.min(to));
        (start < end).then_some((start, end))
    }

    /// Whether `[start, end)` overlaps or adjoins a range.
    pub fn is_touching(&self, start: u64, end: u64) -> bool {
        !self.touched(start, end).is_empty()
    }

    /// Whether any offset of `[start, end)` is in it.
    pub fn is_overlapping(&self, start: u64, end: u64) -> bool {
        let first = self.0.partition_point(|range| range.1 <= start);
        start < end && self.0.get(first).is_some_and(|range| range.0 < end)
    }

    /// The ranges, ascending.
    pub fn as_slice(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// How many offsets are in it.
    pub fn octets(&self) -> u64 {
        self.0.iter().map(|(start, end)| end - start).sum()
    }

    fn touched(&self, start: u64, end: u64) -> core::ops::Range<usize> {
        let first = self.0.partition_point(|range| range.1 < start);
        first..self.0.partition_point(|range| range.0 <= end).max(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::tests::Dice;

    #[test]
    fn inserting_and_removing_do_what_flags_do() {
        for seed in 0..200 {
            let (mut dice, mut ranges, mut flags) = (Dice::new(seed), Ranges::default(), [false; 64]);
            for _ in 0..60 {
                let (from, len, is_added) = (dice.below(60), dice.below(12), dice.below(3) > 0);
                let to = (from + len).min(64);
                (from..to).for_each(|at| flags[at as usize] = is_added);
                if is_added {
                    ranges.insert(from, to)
                } else {
                    ranges.remove(from, to)
                }
                agree(&ranges, &flags);
            }
        }
    }

    fn flags_of(ranges: &Ranges) -> [bool; 64] {
        core::array::from_fn(|at| ranges.contains(at as u64, at as u64 + 1))
    }

    fn agree(ranges: &Ranges, flags: &[bool; 64]) {
        assert_eq!(&flags_of(ranges), flags);
        assert!(ranges.as_slice().windows(2).all(|pair| pair[0].1 < pair[1].0), "{ranges:?}");
        assert_eq!(ranges.octets(), flags.iter().filter(|flag| **flag).count() as u64);
        for at in 0..64u64 {
            let run = flags[at as usize..].iter().take_while(|flag| **flag).count() as u64;
            assert_eq!(ranges.covered_from(at), at + run);
            let gap_at = flags[at as usize..].iter().position(|flag| !flag).map(|skip| at + skip as u64);
            assert_eq!(ranges.gap(at, 64).map(|gap| gap.0), gap_at);
        }
    }
}
