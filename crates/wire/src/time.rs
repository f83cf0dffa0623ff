//! Times are plain integers that tests can write down.

use core::fmt;
use core::ops::{Add, Sub};

/// A monotonic instant, in milliseconds from an arbitrary start of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub u64);

impl Moment {
    /// Milliseconds since `earlier`, 0 if that is later.
    pub fn since_ms(self, earlier: Moment) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<u64> for Moment {
    type Output = Moment;
    fn add(self, ms: u64) -> Moment {
        Moment(self.0.saturating_add(ms))
    }
}

/// Wall time: milliseconds since 1970-01-01T00:00Z, leap seconds left out (POSIX).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct WallTime(pub i64);

impl WallTime {
    /// This time moved by `ms` milliseconds, either way.
    pub fn shifted(self, ms: i64) -> WallTime {
        WallTime(self.0.saturating_add(ms))
    }
}

impl Sub for WallTime {
    type Output = i64;
    /// Milliseconds from `other` to `self`.
    fn sub(self, other: WallTime) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

/// The hour of a window, counted from 1970: what link keys move on by (PROTOCOL §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hour(pub u64);

impl Hour {
    /// The hour in which `time` lies; 0 before 1970.
    pub fn of(time: WallTime) -> Hour {
        Hour(u64::try_from(time.0).unwrap_or(0) / 3_600_000)
    }
}

/// The number of a window of one route.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Window(pub u64);

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w{}", self.0)
    }
}

/// Length of a steady route's windows; only these occur, so that a length tells no channel apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowLength(u32);

impl WindowLength {
    /// Every permitted length, in milliseconds.
    pub const PERMITTED_MS: [u32; 9] = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];
    /// The default length: 2 s.
    pub const DEFAULT: WindowLength = WindowLength(2_000);

    /// The permitted length of `ms` milliseconds.
    pub fn from_ms(ms: u32) -> Option<WindowLength> {
        Self::PERMITTED_MS.contains(&ms).then_some(WindowLength(ms))
    }

    /// In milliseconds.
    pub fn ms(self) -> u64 {
        u64::from(self.0)
    }

    /// The window in which `time` lies; window 0 before 1970.
    pub fn window_at(self, time: WallTime) -> Window {
        Window(u64::try_from(time.0).unwrap_or(0) / self.ms())
    }

    /// When `window` opens. The far end of time for numbers past it.
    pub fn opens(self, window: Window) -> WallTime {
        WallTime(window.0.checked_mul(self.ms()).and_then(|ms| i64::try_from(ms).ok()).unwrap_or(i64::MAX))
    }

    /// The hour in which `window` opens.
    pub fn hour_of(self, window: Window) -> Hour {
        Hour::of(self.opens(window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_opens_at_its_number_times_its_length() {
        let length = WindowLength::DEFAULT;
        let time = WallTime(1_790_000_001_999);
        let window = length.window_at(time);
        assert_eq!(length.opens(window), WallTime(1_790_000_000_000));
        assert_eq!(length.window_at(WallTime(-5)), Window(0));
        assert_eq!(length.opens(Window(u64::MAX)), WallTime(i64::MAX));
    }

    #[test]
    fn only_listed_lengths_exist() {
        assert_eq!(WindowLength::from_ms(1_999), None);
    }
}
