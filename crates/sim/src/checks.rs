//! What must hold, each under a name, and how a breach is told.

use std::fmt;

/// A promise that is checked after each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// What `send` acknowledged was durable before.
    KeptBeforeSaid,
    /// What was acknowledged is still there after a restart.
    KeptForGood,
    /// What expires is gone from both stores in time, and not before where no clock is wrong.
    Expires,
    /// An entry is in a log at most once.
    Once,
    /// An entry is exactly as it was said, and somebody said it.
    AsSaid,
    /// Nothing is shown before what its author had seen, except under a shown gap.
    Order,
    /// No gap is shown where nothing failed.
    NoGap,
    /// Log numbers ascend and are never used twice.
    Numbers,
    /// Delivery states move forward only.
    StatesForward,
    /// `delivered` means that the peer has it durably; `shown` that it was displayed there.
    DeliveredIsThere,
    /// No write token carries two different cells.
    SlotOnce,
    /// No window of a route is used by two exchanges of one node.
    WindowOnce,
    /// What an honest relay acknowledged is found there.
    RelayKeeps,
    /// What leaves a steady route is the same whether or not anything is said.
    SameFromOutside,
    /// Cells that leave a steady route have the size that the charter fixed.
    CellSize,
    /// Queues, tables and held octets stay within their limits.
    Bounded,
    /// A peer that is down is called silent in time; one that is up is called alive.
    Silence,
    /// The keys change within the hour while both are up.
    KeysChange,
    /// Both desks see the same phrase.
    SamePhrase,
    /// Both nodes have one charter in force.
    SameCharter,
    /// What should be taken is taken.
    Taken,
    /// A persisting engine does nothing else.
    RememberBeforeSpeaking,
    /// An engine starts from whatever its store holds.
    Recovers,
    /// No node stops itself, except where two machines claim one post.
    NoHalt,
    /// Two machines that claim one post are noticed.
    TwoNoticed,
    /// After all faults have ended, everything arrives within the stated number of windows.
    Arrives,
    /// Both desks compute the same of every matter.
    SameState,
    /// The record is the same at both desks, and everything said on it counts.
    SameHead,
    /// A swap is shown by both or by none.
    Together,
    /// The same seed does the same.
    SameDigest,
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub check: Check,
    /// What was seen.
    pub detail: String,
    /// When, in simulated milliseconds.
    pub at_ms: u64,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:.3} s: {}", self.check, self.at_ms as f64 / 1_000.0, self.detail)
    }
}

/// What a check finds.
pub type Verdict = Result<(), (Check, String)>;

/// Passes if `holds`; else the check failed, with `detail`.
pub fn require(check: Check, holds: bool, detail: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err((check, detail())) }
}
