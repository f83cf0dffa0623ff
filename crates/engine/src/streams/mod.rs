//! The ordered streams of a link: what was said, cut into cells and put together again
//! (DESIGN §4 "Streams", "Redundancy is free", §5 "Placement").
//!
//! A link has six streams each way per incarnation. The octets of a stream are messages back to
//! back, each `varint(length) || message`.
//!
//! *Writing.* [`SendStreams`] holds what the peer has not acknowledged, as far as its credit
//! reaches; the rest stays in the store and is fetched when [`SendStreams::wanted`] says so. Every
//! route asks [`SendStreams::fill`] for the content of its next cell. New octets go out on every
//! steady route; what they leave free is filled with what this route sent longest ago, so no route
//! waits for another. A cell that its relay keeps for long takes first what the fewest such cells hold.
//! What a cell took is remembered as [`Carry`] until the cell is known to have
//! left or to be lost. Only the peer's acknowledgement, over any route, ends the sending.
//!
//! *Reading.* [`RecvStreams`] takes fragments in any order, any number of times. Whole messages go
//! up once, as soon as they are complete, beyond a gap too (control and bulk: in order). What an
//! incomplete message has so far is saved by the caller, so that it can be acknowledged; what lies
//! beyond the credit, or would open too many ranges, is dropped and comes again.
//!
//! Nothing here knows a clock, a route's nature or a store: the caller says the time, the tick and
//! the level of each packing.

mod cursors;
mod held;
mod inbox;
mod lane;
mod marks;
mod order;
mod ranges;
mod recv;
mod send;
#[cfg(test)]
mod tests;

pub use cursors::CursorFault;
pub use inbox::{Message, StreamFault};
pub use ranges::Ranges;
pub use recv::{RecvChanges, RecvStreams};
pub use send::{Appended, BeyondSent, Carry, Missing, Placement, RestoreFault, SendStreams, Wanted};

use couloir_wire::cell::Stream;
use couloir_wire::limits::{BULK_CREDIT, STREAM_CREDIT};

/// What a writer may have beyond the peer's base, and a reader must hold, in octets.
fn credit_of(stream: Stream) -> u64 {
    if stream == Stream::Bulk { BULK_CREDIT } else { STREAM_CREDIT }
}
