//! The ruler: how long a relay keeps a cell, and what a window is used for (PROTOCOL §5.2).
//!
//! The rounder a window's number, the longer its cell lives: level `z` is the number of trailing
//! zero bits of `w + offset`, and a cell of level `z` lives `live << z`, at most 90 days. Every
//! level therefore holds about as many cells as every other.

use crate::time::{WallTime, Window, WindowLength};

/// The ruler of a relay: the same for all its users, so that unlike relays' marks interleave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ruler(u8);

impl Ruler {
    /// Ruler number 0, 1 or 2.
    pub fn from_number(number: u8) -> Option<Ruler> {
        (number < 3).then_some(Ruler(number))
    }

    /// Its number: 0, 1 or 2.
    pub fn number(self) -> u8 {
        self.0
    }

    /// What is added to a window's number before its level is taken.
    pub fn offset(self) -> u64 {
        [0, 0x5555_5555, 0xAAAA_AAAA][usize::from(self.0)]
    }

    /// The level of `window`: trailing zero bits of its number plus the offset, at most [`LEVEL_MAX`].
    pub fn level(self, window: Window) -> u8 {
        let marks = window.0.wrapping_add(self.offset());
        marks.trailing_zeros().min(u32::from(LEVEL_MAX)) as u8
    }

    /// How long a relay keeps the cell of `window`, in milliseconds.
    pub fn lifetime_ms(self, window: Window) -> u64 {
        lifetime_of_level_ms(self.level(window))
    }

    /// When the cell of `window` is due for deletion.
    pub fn expires(self, length: WindowLength, window: Window) -> WallTime {
        length.opens(window).shifted(self.lifetime_ms(window) as i64)
    }

    /// Which use the charter's table of `turns` gives to `window`: an index below `turns`.
    /// Every use gets its share of every level.
    pub fn turn(self, window: Window, turns: u8) -> u8 {
        let z = u32::from(self.level(window));
        let marks = window.0.wrapping_add(self.offset());
        let step = marks.checked_shr(z + 1).unwrap_or(0).wrapping_add(u64::from(z));
        (step % u64::from(turns.max(1))) as u8
    }

    /// The newest window at or before `window` that has exactly level `z`.
    pub fn mark_at_or_before(self, window: Window, z: u8) -> Option<Window> {
        let marks = window.0.wrapping_add(self.offset());
        let period = 1u64 << (z + 1);
        let half = 1u64 << z;
        if z >= LEVEL_MAX {
            // The last level takes every rounder number too.
            return (marks & !(half - 1)).checked_sub(self.offset()).map(Window);
        }
        let below = marks.checked_sub(half)?;
        (below / period * period + half).checked_sub(self.offset()).map(Window)
    }

    /// Distance between two neighbouring windows of level `z`.
    pub fn period(z: u8) -> u64 {
        if z >= LEVEL_MAX { 1 << LEVEL_MAX } else { 1 << (z + 1) }
    }
}

/// Lifetime of a cell of level 0.
pub const LIVE_MS: u64 = 3_600_000;
/// No cell is kept longer: 90 days.
pub const LIFETIME_MAX_MS: u64 = 90 * 24 * 3_600_000;
/// The level from which on the lifetime is capped; rounder windows count as this level.
pub const LEVEL_MAX: u8 = 12;

const _: () =
    assert!(LIVE_MS << LEVEL_MAX >= LIFETIME_MAX_MS && LIVE_MS << (LEVEL_MAX - 1) < LIFETIME_MAX_MS);

/// How long a cell of level `z` is kept, in milliseconds.
pub fn lifetime_of_level_ms(z: u8) -> u64 {
    (LIVE_MS << z.min(LEVEL_MAX)).min(LIFETIME_MAX_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rulers() -> [Ruler; 3] {
        [0, 1, 2].map(|n| Ruler::from_number(n).expect("three rulers"))
    }

    #[test]
    fn every_level_holds_about_as_many_cells() {
        let length = WindowLength::DEFAULT;
        let now = length.window_at(WallTime(1_790_000_000_000));
        for ruler in rulers() {
            let alive = |z: u8| lifetime_of_level_ms(z) / (length.ms() * Ruler::period(z));
            for z in 0..LEVEL_MAX {
                assert!((800..=900).contains(&alive(z)), "level {z}: {}", alive(z));
            }
            assert!(ruler.level(now) <= LEVEL_MAX);
        }
    }

    #[test]
    fn marks_are_found_going_back() {
        for ruler in rulers() {
            for base in [5_000u64, 895_000_000, 895_000_063] {
                for z in 0..=LEVEL_MAX {
                    let Some(mark) = ruler.mark_at_or_before(Window(base), z) else { continue };
                    assert_eq!(ruler.level(mark), z, "{mark:?}");
                    assert!(mark.0 <= base);
                    let none_between = (mark.0 + 1..=base).all(|w| ruler.level(Window(w)) != z);
                    assert!(none_between, "ruler {ruler:?} base {base} level {z}");
                }
            }
        }
    }

    #[test]
    fn every_turn_gets_its_share_of_every_level() {
        for ruler in rulers() {
            for z in 0..5u8 {
                let mut seen = [0u32; 16];
                let windows = (895_000_000..895_000_000 + (32u64 << (z + 1))).map(Window);
                windows
                    .filter(|w| ruler.level(*w) == z)
                    .for_each(|w| seen[usize::from(ruler.turn(w, 16))] += 1);
                assert!(seen.iter().all(|n| *n == 2), "level {z}: {seen:?}");
            }
        }
    }
}
