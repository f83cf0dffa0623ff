//! What goes next, for each route and level, kept in order: a large backlog costs a cell no more than a small one.
//!
//! An order's entries are put right only when they come to the top. That is enough, because carryings only move
//! octets back: what a route carries enters its orders anew, and what another route carries first stops being new,
//! which the entry itself tells when it is looked at. Where octets move forward (a cell that was lost), they enter
//! anew at once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Octets that may go. Ordered by what goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    pub(super) rank: Rank,
    /// Its first offset.
    pub(super) start: u64,
    /// The offset after its last.
    pub(super) end: u64,
}

/// What goes first: by class, then what the fewest routes carried, then what this route did longest ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// Whether it counts as new, hence before octets that were never sent at all.
    pub(super) class: Class,
    /// On how many other routes some has, if not on this one; the most if on this one.
    pub(super) others: u8,
    /// When this route carried it; 0 for never.
    pub(super) stamp: u64,
}

/// What goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// No cell that counts has carried it on any route.
    New,
    /// Some has.
    Again,
}

impl Rank {
    /// Carried on no route.
    pub(super) const NEW: Rank = Rank { class: Class::New, others: 0, stamp: 0 };

    /// Carried by this route at `stamp`, or if that is 0 by `others` but not by this one.
    pub(super) fn again(stamp: u64, others: u8) -> Rank {
        let others = if stamp > 0 { u8::MAX } else { others };
        Rank { class: Class::Again, others, stamp }
    }

    /// Whether octets of this rank may have come to `other` without having entered the order anew: only other
    /// routes carried them since.
    pub(super) fn may_have_become(self, other: Rank) -> bool {
        other == self || (other.stamp == 0 && self < other)
    }
}

/// A route's place and a level.
pub(super) type Spot = (usize, u8);
type Order = BinaryHeap<Reverse<Due>>;

/// The orders of those routes and levels that were asked for.
#[derive(Clone, Default)]
pub(super) struct Orders(BTreeMap<Spot, Order>);

impl Orders {
    /// Whether there is an order for `spot`.
    pub(super) fn has(&self, spot: Spot) -> bool {
        self.0.contains_key(&spot)
    }

    /// The order of `spot` is that of `dues`.
    pub(super) fn begin(&mut self, spot: Spot, dues: impl Iterator<Item = Due>) {
        self.0.insert(spot, dues.map(Reverse).collect());
    }

    /// The spots at or below `level`.
    pub(super) fn spots_up_to(&self, level: u8) -> Vec<Spot> {
        self.0.keys().copied().filter(|spot| spot.1 <= level).collect()
    }

    /// `due` enters the order of `spot`, if there is one; the order goes if it is longer than `len_max`.
    pub(super) fn push(&mut self, spot: Spot, due: Due, len_max: usize) {
        let Some(order) = self.0.get_mut(&spot) else { return };
        order.push(Reverse(due));
        if order.len() > len_max {
            self.0.remove(&spot);
        }
    }

    /// What is on top.
    pub(super) fn peek(&self, spot: Spot) -> Option<Due> {
        self.0.get(&spot)?.peek().map(|due| due.0)
    }

    /// What was on top is taken away.
    pub(super) fn pop(&mut self, spot: Spot) {
        self.0.get_mut(&spot).and_then(BinaryHeap::pop);
    }

    /// Every order is begun anew when it is asked for.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
