//! Bugs that can be planted, so that tests show that the simulator's checks find them.
//!
//! Only the feature `planted` compiles them in.

use core::cell::Cell;

/// A bug in what is computed from entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Steps are taken as they came.
    FoldsAsTheyCame,
    /// A countersignature that came before its statement is forgotten.
    ForgetsOrphans,
}

std::thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// Plants `bug` in everything that this thread computes, or none.
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether `bug` is planted.
pub(crate) fn is(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}
