//! Bounds of the shell, with their reasons.

use std::time::Duration;

/// Jobs waiting for the engine; whoever brings more waits.
pub const JOBS_WAITING_MAX: usize = 4_096;
/// Jobs that share one step and one sync: enough to make the sync cheap, few enough to answer soon.
pub const JOBS_AT_ONCE_MAX: usize = 2_048;
/// Octets that came over prompt routes and wait for the engine.
pub const ARRIVED_OCTETS_MAX: usize = 8 << 20;
/// Octets that wait to leave over one prompt connection; the streams' credit is well below.
pub const LEAVING_FRAMES_MAX: usize = 1_024;
/// Events kept for a listener that is slow; then it is told that it missed some.
pub const EVENTS_KEPT: usize = 1_024;
/// How often fresh entropy is drawn and what was erased leaves the disk.
pub const HOURLY: Duration = Duration::from_secs(3_600);
/// First pause after the store failed; it doubles up to [`REST_MAX`].
pub const REST_MIN: Duration = Duration::from_secs(1);
/// Longest pause after the store failed.
pub const REST_MAX: Duration = Duration::from_secs(30);
