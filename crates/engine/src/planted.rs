//! Bugs that can be planted, so that tests show that the simulator's checks find them.
//!
//! Only the feature `planted` compiles them in; without it [`planted!`] is `false`.

/// A bug in a production code path.
#[cfg(feature = "planted")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// What is acknowledged to the user was not made durable before.
    SaysBeforeSync,
    /// An entry that is known is taken again.
    TakesTwice,
    /// What was ever kept is forgotten at a start.
    ForgetsKnown,
    /// Windows used before a start are used again.
    ReusesWindows,
    /// Cells that carry nothing are shorter.
    ShorterCover,
    /// An entry counts as delivered once a relay stored it.
    DeliveredOnPut,
    /// Cells are written under the oldest epoch that is still held.
    WritesStaleEpoch,
    /// Delivery states go back.
    StateGoesBack,
    /// Entries do not wait for what their author had seen.
    WaitsForNothing,
    /// Gaps are not shown.
    HidesGaps,
    /// What is said is not put into the durable outbox.
    KeepsNoOutbox,
    /// Exchanges that carry something leave later.
    TalkLeavesLater,
    /// Whoever continues an older copy of its disk is believed.
    TrustsEveryLife,
    /// What expired stays.
    KeepsWhatExpired,
    /// A prompt route hands over whatever there is, however slow its connection.
    WaitsForNoConnection,
    /// Fragments tell a wrong start of an entry.
    LosesBoundaries,
    /// Who was heard once counts as alive.
    NeverSilent,
}

#[cfg(feature = "planted")]
std::thread_local! {
    static PLANTED: core::cell::Cell<Option<Bug>> = const { core::cell::Cell::new(None) };
}

/// Plants `bug` in every engine of this thread, or none.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether `bug` is planted.
#[cfg(feature = "planted")]
pub(crate) fn is(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Whether this bug of [`Bug`] is planted.
#[cfg(feature = "planted")]
macro_rules! planted {
    ($bug:ident) => {
        $crate::planted::is($crate::planted::Bug::$bug)
    };
}

/// No bug is ever planted.
#[cfg(not(feature = "planted"))]
macro_rules! planted {
    ($bug:ident) => {
        false
    };
}

pub(crate) use planted;
