//! Windows that were ever reserved on one route, so that none is used twice whatever the clocks do.
//!
//! A high-water mark would stop a route for as long as its clock was once ahead; a set of intervals does
//! not. The set grows only where the clock leapt or the node was down. Where it would grow past
//! [`USED_INTERVALS_MAX`] the narrowest gap between two intervals is swallowed: a few unused windows then
//! count as used, never the other way round.

use std::collections::BTreeMap;

use couloir_wire::cell::{put_varint, take_varint};
use couloir_wire::limits::USED_INTERVALS_MAX;
use couloir_wire::time::Window;

/// The windows of one route that were used or reserved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsedWindows {
    /// First window of an interval, and the one after its last. No two touch.
    intervals: BTreeMap<u64, u64>,
}

/// Stored octets that no [`UsedWindows`] wrote. The disk is to blame: the route must not be written
/// until it is known what was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored set of used windows is damaged")]
pub struct UsedWindowsError;

impl UsedWindows {
    /// Whether `window` was used or reserved.
    pub fn contains(&self, window: Window) -> bool {
        self.intervals.range(..=window.0).next_back().is_some_and(|(_, end)| window.0 < *end)
    }

    /// Reserves the `count` windows from `from` on. Returns those that were free, in order; they are the
    /// caller's once [`UsedWindows::encode`] is durable. After a crash what was reserved stays used.
    pub fn reserve(&mut self, from: Window, count: u16) -> Vec<Window> {
        let end = from.0.saturating_add(u64::from(count));
        let free = (from.0..end).map(Window).filter(|window| !self.contains(*window)).collect();
        self.insert(from.0, end);
        free
    }

    /// The first window at or after `from` that is free.
    pub fn free_from(&self, from: Window) -> Window {
        let interval = self.intervals.range(..=from.0).next_back();
        Window(interval.map_or(from.0, |(_, end)| from.0.max(*end)))
    }

    /// Its stored form: per interval the distance from the end of the one before, and its length, as
    /// varints.
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        let mut end_before = 0;
        for (start, end) in &self.intervals {
            put_varint(&mut octets, start - end_before);
            put_varint(&mut octets, end - start);
            end_before = *end;
        }
        octets
    }

    /// Reads what [`UsedWindows::encode`] wrote, and nothing else.
    pub fn decode(mut octets: &[u8]) -> Result<UsedWindows, UsedWindowsError> {
        let mut used = UsedWindows::default();
        let mut end_before = 0u64;
        while !octets.is_empty() {
            let (gap, rest) = take_varint(octets).ok_or(UsedWindowsError)?;
            let (length, rest) = take_varint(rest).ok_or(UsedWindowsError)?;
            let start = end_before.checked_add(gap).ok_or(UsedWindowsError)?;
            let end = start.checked_add(length).ok_or(UsedWindowsError)?;
            let touches = gap == 0 && !used.intervals.is_empty();
            if length == 0 || touches || used.intervals.len() == USED_INTERVALS_MAX {
                return Err(UsedWindowsError);
            }
            used.intervals.insert(start, end);
            (end_before, octets) = (end, rest);
        }
        Ok(used)
    }

    fn insert(&mut self, mut start: u64, mut end: u64) {
        if start >= end {
            return;
        }
        while let Some((&other_start, &other_end)) = self.intervals.range(..=end).next_back() {
            if other_end < start {
                break;
            }
            (start, end) = (start.min(other_start), end.max(other_end));
            self.intervals.remove(&other_start);
        }
        self.intervals.insert(start, end);
        if self.intervals.len() > USED_INTERVALS_MAX {
            self.swallow_narrowest_gap();
        }
    }

    fn swallow_narrowest_gap(&mut self) {
        let pairs = self.intervals.iter().zip(self.intervals.iter().skip(1));
        let narrowest = pairs.min_by_key(|((_, end), (next, _))| *next - *end);
        if let Some(((&start, _), (&next, &end))) = narrowest {
            self.intervals.remove(&next);
            self.intervals.insert(start, end);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn windows(range: std::ops::Range<u64>) -> Vec<Window> {
        range.map(Window).collect()
    }

    #[test]
    fn no_window_is_given_twice_however_the_clock_leaps() {
        let mut used = UsedWindows::default();
        let mut given = BTreeSet::new();
        let mut state = 7u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let from = Window((state >> 33) % 40_000);
            for window in used.reserve(from, (state >> 20) as u16 % 12) {
                assert!(given.insert(window), "{window:?} was given before");
            }
            assert!(used.intervals.len() <= USED_INTERVALS_MAX);
            assert!(!used.intervals.values().any(|end| used.intervals.contains_key(end)), "two touch");
        }
        assert!(given.iter().all(|window| used.contains(*window)));
    }

    #[test]
    fn a_block_that_was_partly_used_yields_the_rest() {
        let mut used = UsedWindows::default();
        assert_eq!(used.reserve(Window(100), 8), windows(100..108));
        assert_eq!(used.reserve(Window(104), 8), windows(108..112));
        assert_eq!(used.reserve(Window(96), 32), [windows(96..100), windows(112..128)].concat());
        assert_eq!(used.intervals.len(), 1);
        assert_eq!(used.reserve(Window(96), 0), vec![]);
        assert_eq!(used.reserve(Window(128), 2), windows(128..130));
        assert_eq!(used.intervals.len(), 1);
    }

    #[test]
    fn a_clock_that_was_ahead_for_a_while_blocks_nothing_in_between() {
        let mut used = UsedWindows::default();
        used.reserve(Window(1_000), 8);
        used.reserve(Window(900_000_000), 8);
        assert_eq!(used.free_from(Window(1_003)), Window(1_008));
        assert_eq!(used.reserve(Window(1_008), 8), windows(1_008..1_016));
        assert_eq!(used.free_from(Window(2_000)), Window(2_000));
        assert_eq!(used.free_from(Window(900_000_000)), Window(900_000_008));
    }

    #[test]
    fn a_full_set_swallows_its_narrowest_gap_and_frees_nothing() {
        let mut used = UsedWindows::default();
        let apart = |i: u64| i * 1_000 + i;
        (0..USED_INTERVALS_MAX as u64).for_each(|i| drop(used.reserve(Window(apart(i)), 1)));
        used.reserve(Window(apart(100) + 5), 1);
        assert_eq!(used.intervals.len(), USED_INTERVALS_MAX);
        assert!(windows(apart(100)..apart(100) + 6).iter().all(|window| used.contains(*window)));
        assert!(!used.contains(Window(apart(100) + 6)) && !used.contains(Window(5)));
    }

    #[test]
    fn what_is_stored_is_read_and_every_change_of_it_is_refused_or_another_set() {
        let mut used = UsedWindows::default();
        [0, 300, 70_000, 895_000_000].iter().for_each(|from| drop(used.reserve(Window(*from), 200)));
        let octets = used.encode();
        assert_eq!(UsedWindows::decode(&octets), Ok(used.clone()));
        assert_eq!(UsedWindows::decode(&[]), Ok(UsedWindows::default()));
        for at in 0..octets.len() {
            assert_ne!(UsedWindows::decode(&octets[..at]), Ok(used.clone()));
            let mut changed = octets.clone();
            changed[at] ^= 0x81;
            if let Ok(other) = UsedWindows::decode(&changed) {
                assert_eq!(other.encode(), changed);
            }
        }
    }

    #[test]
    fn touching_empty_overflowing_and_too_many_intervals_are_refused() {
        let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        let many = [5, 1].repeat(USED_INTERVALS_MAX + 1);
        for octets in [&[5, 1, 0, 1][..], &[5, 0], &[5], &[0x80, 0, 1], &[&[2][..], &huge].concat(), &many] {
            assert_eq!(UsedWindows::decode(octets), Err(UsedWindowsError), "{octets:?}");
        }
    }
}
