//! Which cell carried what: marks on the octets that were sent and are not acknowledged.

use super::send::{Carry, Placement};
use couloir_wire::limits::ROUTES_MAX;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Octets that were sent, as segments with equal marks. What has no segment was never sent.
#[derive(Clone, Default)]
pub(super) struct Segments(BTreeMap<u64, Segment>);

/// A segment that may go now. Ordered by what goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    /// Whether it counts as new, hence before octets that have no segment.
    pub(super) class: Class,
    /// When this route carried it; 0 for never.
    stamp: u64,
    /// Its first offset.
    pub(super) start: u64,
    /// The offset after its last.
    pub(super) end: u64,
}

/// What goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// No cell that counts has carried it on any route.
    New,
    /// Some has; this route's longest ago goes first, never counts as longest.
    Again,
}

/// What may go now, first things on top, and when the first of the others may.
pub(super) struct Turn {
    /// May go now.
    pub(super) due: BinaryHeap<Reverse<Due>>,
    /// When the first of the others may, in the caller's ms; `u64::MAX` if there are none.
    pub(super) others_at_ms: u64,
    /// Whether octets that were never sent go before all of these.
    pub(super) is_fresh_first: bool,
}

impl Turn {
    /// Nothing may go before `others_at_ms`.
    pub(super) fn nothing(others_at_ms: u64) -> Turn {
        Turn { due: BinaryHeap::new(), others_at_ms, is_fresh_first: false }
    }

    /// When this route carried what is next, 0 for never or not since it was lost; `None` if nothing is due.
    pub(super) fn stamp(&self) -> Option<u64> {
        self.due.peek().map(|due| if due.0.class == Class::New { 0 } else { due.0.stamp })
    }
}

#[derive(Clone)]
struct Segment {
    end: u64,
    marks: Marks,
}

/// When each route carried a segment. A stamp is a tick plus one, so that 0 is never.
#[derive(Clone, PartialEq, Eq, Default)]
struct Marks {
    stamps: [u64; ROUTES_MAX],
    sent_ms: [u64; ROUTES_MAX],
    /// The newest carryings by cells of level 1 and above; per route higher levels are older.
    ruled: Vec<Ruled>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Ruled {
    route: usize,
    level: u8,
    stamp: u64,
}

impl Segments {
    /// A cell took `[start, end)`.
    pub(super) fn carry(&mut self, start: u64, end: u64, placement: &Placement) {
        self.split(start);
        self.split(end);
        self.fill_gaps(start, end);
        for (_, segment) in self.0.range_mut(start..end) {
            segment.marks.carry(placement);
        }
        self.join(start, end);
        if self.0.len() > SEGMENTS_MAX {
            self.coarsen();
        }
    }

    /// What `carry` took is as if `route` had never sent it, where it was not sent again since.
    pub(super) fn fail(&mut self, route: usize, carry: &Carry) {
        self.split(carry.start);
        self.split(carry.end);
        for (_, segment) in self.0.range_mut(carry.start..carry.end) {
            segment.marks.fail(route, carry.stamp);
        }
        self.join(carry.start, carry.end);
    }

    /// `route` stands for another route from here on: it has carried nothing.
    pub(super) fn forget_route(&mut self, route: usize) {
        self.0.values_mut().for_each(|segment| segment.marks.forget_route(route));
    }

    /// `[start, end)` was acknowledged.
    pub(super) fn remove(&mut self, start: u64, end: u64) {
        self.split(start);
        self.split(end);
        while let Some((&at, _)) = self.0.range(start..end).next() {
            self.0.remove(&at);
        }
    }

    /// What may go in the cell of `placement`, and when the rest may.
    pub(super) fn turn(&self, placement: &Placement, is_bulk: bool) -> Turn {
        let mut due = Vec::with_capacity(self.0.len());
        let mut others_at_ms = u64::MAX;
        for (&start, segment) in &self.0 {
            match segment.marks.turn(placement, is_bulk) {
                Ok((class, stamp)) => due.push(Reverse(Due { class, stamp, start, end: segment.end })),
                Err(at_ms) => others_at_ms = others_at_ms.min(at_ms),
            }
        }
        let is_fresh_first = placement.is_heard && placement.level > 0;
        Turn { due: BinaryHeap::from(due), others_at_ms, is_fresh_first }
    }

    fn split(&mut self, at: u64) {
        let Some((_, segment)) = self.0.range_mut(..at).next_back() else { return };
        if segment.end > at {
            let right = Segment { end: segment.end, marks: segment.marks.clone() };
            segment.end = at;
            self.0.insert(at, right);
        }
    }

    fn fill_gaps(&mut self, start: u64, end: u64) {
        let mut at = start;
        while at < end {
            let next = self.0.range(at..end).next().map(|(&next, segment)| (next, segment.end));
            let (gap_end, resume) = next.unwrap_or((end, end));
            if at < gap_end {
                self.0.insert(at, Segment { end: gap_end, marks: Marks::default() });
            }
            at = resume;
        }
    }

    /// Joins equal neighbours in and around `[start, end)`.
    fn join(&mut self, start: u64, end: u64) {
        let mut at = self.0.range(..start).next_back().map_or(start, |(&at, _)| at);
        while at <= end {
            let Some((&here, segment)) = self.0.range(at..=end).next() else { return };
            let next_at = segment.end;
            let is_equal = self.0.get(&next_at).is_some_and(|next| next.marks == segment.marks);
            if is_equal {
                self.absorb(here, next_at)
            }
            at = if is_equal { here } else { next_at };
        }
    }

    fn absorb(&mut self, at: u64, next_at: u64) {
        if let (Some(next), Some(segment)) = (self.0.remove(&next_at), self.0.get_mut(&at)) {
            segment.end = next.end;
        }
    }

    /// Joins neighbours two by two under the older of their marks, which at worst sends some octets early.
    fn coarsen(&mut self) {
        let mut joined: Vec<(u64, Segment)> = Vec::with_capacity(self.0.len());
        let mut is_pair = false;
        for (start, segment) in core::mem::take(&mut self.0) {
            match joined.last_mut() {
                Some((_, last)) if !is_pair && last.end == start => {
                    last.end = segment.end;
                    last.marks = last.marks.older(&segment.marks);
                    is_pair = true;
                }
                _ => {
                    joined.push((start, segment));
                    is_pair = false;
                }
            }
        }
        self.0 = joined.into_iter().collect();
    }

    /// How many segments there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

impl Marks {
    fn carry(&mut self, placement: &Placement) {
        let (route, level) = (placement.route, placement.level);
        self.stamps[route] = placement.stamp();
        self.sent_ms[route] = placement.now_ms;
        if level > 0 {
            self.ruled.retain(|ruled| ruled.route != route || ruled.level > level);
            self.ruled.push(Ruled { route, level, stamp: placement.stamp() });
        }
    }

    fn fail(&mut self, route: usize, stamp: u64) {
        if self.stamps[route] == stamp {
            self.stamps[route] = 0;
            self.sent_ms[route] = 0;
        }
        self.ruled.retain(|ruled| ruled.route != route || ruled.stamp != stamp);
    }

    fn forget_route(&mut self, route: usize) {
        self.stamps[route] = 0;
        self.sent_ms[route] = 0;
        self.ruled.retain(|ruled| ruled.route != route);
    }

    /// Its class and stamp if it may go now, else when it may.
    fn turn(&self, placement: &Placement, is_bulk: bool) -> Result<(Class, u64), u64> {
        let route = placement.route;
        if placement.level > 0 && !is_bulk && !placement.is_prompt {
            return Ok(self.ruled_turn(route, placement.level));
        }
        if self.stamps == [0; ROUTES_MAX] {
            return Ok((Class::New, 0));
        }
        let stamp = self.stamps[route];
        let last_ms = match (is_bulk, placement.is_prompt, stamp) {
            (false, false, _) | (false, true, 0) => return Ok((Class::Again, stamp)),
            (true, false, _) | (true, true, 0) => self.sent_ms.iter().copied().max().unwrap_or(0),
            (_, true, _) => self.sent_ms[route],
        };
        let due_ms = last_ms.saturating_add(placement.bulk_retry_ms);
        if due_ms <= placement.now_ms { Ok((Class::Again, stamp)) } else { Err(due_ms) }
    }

    fn ruled_turn(&self, route: usize, level: u8) -> (Class, u64) {
        let mut is_carried = false;
        let mut stamp = 0;
        for ruled in self.ruled.iter().filter(|ruled| ruled.level >= level) {
            is_carried = true;
            if ruled.route == route {
                stamp = stamp.max(ruled.stamp);
            }
        }
        (if is_carried { Class::Again } else { Class::New }, stamp)
    }

    /// What holds of both: the older carrying, none if one has none.
    fn older(&self, other: &Marks) -> Marks {
        let both = self.ruled.iter().filter_map(|ruled| {
            let (_, stamp) = other.ruled_turn(ruled.route, ruled.level);
            (stamp > 0).then_some(Ruled { stamp: ruled.stamp.min(stamp), ..*ruled })
        });
        Marks {
            stamps: core::array::from_fn(|i| self.stamps[i].min(other.stamps[i])),
            sent_ms: core::array::from_fn(|i| self.sent_ms[i].min(other.sent_ms[i])),
            ruled: both.collect(),
        }
    }
}

/// Segments of one stream before neighbours are joined: some four per cell of the default size
/// within the credit, or 300 octets each on a prompt route.
const SEGMENTS_MAX: usize = 4_096;
