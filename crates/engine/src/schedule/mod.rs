//! When a steady route speaks, and the search along the ruler (PROTOCOL §5).
//!
//! *Which window it is* depends on the clock alone. Every route has a [`RouteClock`], moved by its
//! relay's answers, so that both ends of the route agree on its windows although their own clocks may
//! be wrong by days. [`NodeClock`] is the median of all of them, for expiry and for people.
//!
//! *A window is used once*, whatever the clocks do: [`UsedWindows`] remembers every window that was
//! ever reserved, as few intervals. *When within a window* the exchange happens is drawn in advance,
//! from the first three quarters of it ([`draw_instant_ms`]); its content is packed a little before the
//! window opens ([`fill_lead_ms`]).
//!
//! *What was lost* is told by the cells' own bitmaps: [`OpenedWindows`] writes ours, [`PeerReport`]
//! reads the peer's.
//!
//! *After an absence* ([`SearchPhase`]) the spare GETs of a route walk along its surviving marks
//! ([`Search`]). Nothing in this module ever sees what a cell holds.

mod clock;
mod instants;
mod loss;
mod search;
mod used;

pub use clock::{NodeClock, RouteClock, ShiftMs};
pub use instants::{draw_instant_ms, fill_lead_ms};
pub use loss::{LossCount, OpenedWindows, PeerReport};
pub use search::{Search, SearchPhase};
pub use used::{UsedWindows, UsedWindowsError};
