//! The machine's two clocks.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use couloir_engine::Now;
use couloir_wire::time::{Moment, WallTime};

/// Moments count from when this was made.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock whose first moment is now.
    pub fn start() -> Clock {
        Clock { start: Instant::now() }
    }

    /// Both clocks.
    pub fn now(&self) -> Now {
        Now { moment: self.moment(), wall: wall() }
    }

    /// The monotonic clock.
    pub fn moment(&self) -> Moment {
        Moment(self.start.elapsed().as_millis() as u64)
    }

    /// When `moment` is, for the async runtime; a year away at most.
    pub fn instant(&self, moment: Moment) -> tokio::time::Instant {
        let offset = Duration::from_millis(moment.0).min(YEAR);
        tokio::time::Instant::from_std(self.start + offset)
    }
}

fn wall() -> WallTime {
    let ms = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()),
        Err(before) => i64::try_from(before.duration().as_millis()).map(|ms| -ms),
    };
    WallTime(ms.unwrap_or(i64::MAX))
}

const YEAR: Duration = Duration::from_secs(366 * 24 * 3_600);
