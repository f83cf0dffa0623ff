//! Matters: meetings, cases, swaps, announcements and reports as commands and pages show them.
//!
//! One matter is a query by its id and a fold ([`couloir_talks::matter`]). A list is a query over the store's summary
//! rows, after the stale ones were folded anew ([`keep`]). What a person is about to say of a matter is tried on a
//! copy first ([`table::Table::check`]): a step that would count for nothing is refused here and never said.

pub mod announcement;
pub mod calendar;
pub mod case;
pub mod keep;
pub mod keeper;
pub mod list;
pub mod meeting;
pub mod onward;
pub mod report;
pub mod shown;
pub mod swap;
pub mod table;
pub mod times;
pub mod typed;

use couloir_wire::entry::{Body, SwapAct};

use super::Node;
use crate::words::{Failure, Outcome};

pub use list::{Filter, ListedMatter, list};
pub use shown::MatterShown;
pub use table::Table;

/// Refuses a step that would count for nothing, or that would leave a swap half shown.
pub fn check<N: Node>(node: &N, body: &Body) -> Outcome {
    match body {
        Body::Swap { of: Some(id), act: SwapAct::Abort { .. } } => swap::check_abort(node, *id)?,
        Body::Swap { act: SwapAct::Commit(_) | SwapAct::Reveal(_), .. } => {
            return Err(Failure::usage(
                "a node binds itself and reveals by its own commands",
                "couloir swap commit",
            ));
        }
        _ => {}
    }
    if body.of().is_none() { Ok(()) } else { Table::of(node.reader())?.check(node.reader(), body) }
}
