//! Which cell carried what: marks on the octets that were sent and are not acknowledged.

use super::order::{Due, Orders, Rank, Spot};
use super::send::{Carry, Placement};
use couloir_wire::limits::ROUTES_MAX;
use couloir_wire::ruler::LEVEL_MAX;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Octets that were sent, as segments with equal marks. What has no segment was never sent.
#[derive(Clone, Default)]
pub(super) struct Segments {
    by_start: BTreeMap<u64, Segment>,
    orders: Orders,
}

/// What was sent before and may go in one cell.
pub(super) enum Turn {
    /// As the segments have it in order.
    Ordered,
    /// What is overdue.
    Overdue(BinaryHeap<Reverse<Due>>),
}

impl Turn {
    /// What goes first, of `segments`.
    pub(super) fn peek(&self, segments: &mut Segments, placement: &Placement) -> Option<Due> {
        match self {
            Turn::Ordered => segments.first(placement),
            Turn::Overdue(due) => due.peek().map(|due| due.0),
        }
    }

    /// The same, which is not to be told again.
    pub(super) fn pop(&mut self, segments: &mut Segments, placement: &Placement) -> Option<Due> {
        match self {
            Turn::Ordered => segments.take_first(placement),
            Turn::Overdue(due) => due.pop().map(|due| due.0),
        }
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
        let has_gaps = self.fill_gaps(start, end);
        for (_, segment) in self.by_start.range_mut(start..end) {
            segment.marks.carry(placement);
        }
        if has_gaps {
            self.enter(LEVEL_MAX, start, end);
        } else {
            self.enter_carried(start, end, placement);
        }
        self.join(start, end);
        if self.by_start.len() > SEGMENTS_MAX {
            self.coarsen();
        }
    }

    /// What `carry` took is as if `route` had never sent it, where it was not sent again since.
    pub(super) fn fail(&mut self, route: usize, carry: &Carry) {
        self.split(carry.start);
        self.split(carry.end);
        let segments = self.by_start.range_mut(carry.start..carry.end);
        let level = segments.filter_map(|(_, segment)| segment.marks.fail(route, carry.stamp)).max();
        if let Some(level) = level {
            self.enter(level, carry.start, carry.end);
        }
        self.join(carry.start, carry.end);
    }

    /// `route` stands for another route from here on: it has carried nothing.
    pub(super) fn forget_route(&mut self, route: usize) {
        self.by_start.values_mut().for_each(|segment| segment.marks.forget_route(route));
        self.orders.clear();
    }

    /// `[start, end)` was acknowledged.
    pub(super) fn remove(&mut self, start: u64, end: u64) {
        self.split(start);
        self.split(end);
        while let Some((&at, _)) = self.by_start.range(start..end).next() {
            self.by_start.remove(&at);
        }
    }

    /// What goes first in the cell of `placement` of a steady route, of what this cell has not taken.
    pub(super) fn first(&mut self, placement: &Placement) -> Option<Due> {
        let spot = (placement.route, placement.level);
        if !self.orders.has(spot) {
            self.orders.begin(spot, pieces(&self.by_start, spot, 0, u64::MAX));
        }
        loop {
            let first = self.orders.peek(spot)?;
            if self.is_current(spot, &first) {
                return (first.rank.stamp != placement.stamp()).then_some(first);
            }
            self.orders.pop(spot);
            for due in pieces(&self.by_start, spot, first.start, first.end) {
                if first.rank.may_have_become(due.rank) {
                    self.orders.push(spot, due, usize::MAX);
                }
            }
        }
    }

    /// The same, which is not to be told again.
    pub(super) fn take_first(&mut self, placement: &Placement) -> Option<Due> {
        let first = self.first(placement)?;
        self.orders.pop((placement.route, placement.level));
        Some(first)
    }

    /// The cell had no room for `[start, end)`, which was taken.
    pub(super) fn give_back(&mut self, start: u64, end: u64, placement: &Placement) {
        self.enter_at((placement.route, placement.level), start, end);
    }

    /// What is sent again after a time (bulk, and anything on prompt routes): what may go in the cell of
    /// `placement`, and when the rest may.
    pub(super) fn overdue(&self, placement: &Placement, is_bulk: bool) -> (Vec<Due>, u64) {
        let mut due = Vec::new();
        let mut others_at_ms = u64::MAX;
        for (&start, segment) in &self.by_start {
            match segment.marks.overdue(placement, is_bulk) {
                Ok(rank) => due.push(Due { rank, start, end: segment.end }),
                Err(at_ms) => others_at_ms = others_at_ms.min(at_ms),
            }
        }
        (due, others_at_ms)
    }

    /// Whether `due` is as its segment has it.
    fn is_current(&self, spot: Spot, due: &Due) -> bool {
        let segment = self.by_start.range(..=due.start).next_back();
        segment.is_some_and(|(_, segment)| due.end <= segment.end && segment.marks.rank(spot) == due.rank)
    }

    /// `[start, end)` enters the orders of all routes up to `level`.
    fn enter(&mut self, level: u8, start: u64, end: u64) {
        for spot in self.orders.spots_up_to(level) {
            self.enter_at(spot, start, end);
        }
    }

    fn enter_at(&mut self, spot: Spot, start: u64, end: u64) {
        let len_max = self.order_len_max();
        for due in pieces(&self.by_start, spot, start, end) {
            self.orders.push(spot, due, len_max);
        }
    }

    /// The cell of `placement` took `[start, end)`, which others had carried before.
    fn enter_carried(&mut self, start: u64, end: u64, placement: &Placement) {
        let due = Due { rank: Rank::again(placement.stamp(), 0), start, end };
        let len_max = self.order_len_max();
        for level in 0..=placement.level {
            self.orders.push((placement.route, level), due, len_max);
        }
    }

    /// A longer order is mostly out of date and begins anew.
    fn order_len_max(&self) -> usize {
        2 * self.by_start.len() + 64
    }

    fn split(&mut self, at: u64) {
        let Some((_, segment)) = self.by_start.range_mut(..at).next_back() else { return };
        if segment.end > at {
            let right = Segment { end: segment.end, marks: segment.marks.clone() };
            segment.end = at;
            self.by_start.insert(at, right);
        }
    }

    /// Whether there were any.
    fn fill_gaps(&mut self, start: u64, end: u64) -> bool {
        let (mut at, mut has_gaps) = (start, false);
        while at < end {
            let next = self.by_start.range(at..end).next().map(|(&next, segment)| (next, segment.end));
            let (gap_end, resume) = next.unwrap_or((end, end));
            if at < gap_end {
                self.by_start.insert(at, Segment { end: gap_end, marks: Marks::default() });
                has_gaps = true;
            }
            at = resume;
        }
        has_gaps
    }

    /// Joins equal neighbours in and around `[start, end)`.
    fn join(&mut self, start: u64, end: u64) {
        let mut at = self.by_start.range(..start).next_back().map_or(start, |(&at, _)| at);
        while at <= end {
            let Some((&here, segment)) = self.by_start.range(at..=end).next() else { return };
            let next_at = segment.end;
            let is_equal = self.by_start.get(&next_at).is_some_and(|next| next.marks == segment.marks);
            if is_equal {
                self.absorb(here, next_at)
            }
            at = if is_equal { here } else { next_at };
        }
    }

    fn absorb(&mut self, at: u64, next_at: u64) {
        if let (Some(next), Some(segment)) = (self.by_start.remove(&next_at), self.by_start.get_mut(&at)) {
            segment.end = next.end;
        }
    }

    /// Joins neighbours two by two under the older of their marks, which at worst sends some octets early.
    fn coarsen(&mut self) {
        let mut joined: Vec<(u64, Segment)> = Vec::with_capacity(self.by_start.len());
        let mut is_pair = false;
        for (start, segment) in core::mem::take(&mut self.by_start) {
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
        self.by_start = joined.into_iter().collect();
        self.orders.clear();
    }

    /// The same as [`Segments::first`], by a look at every segment.
    #[cfg(test)]
    pub(super) fn first_of_all(&self, placement: &Placement) -> Option<(Rank, u64)> {
        let all = pieces(&self.by_start, (placement.route, placement.level), 0, u64::MAX);
        all.min().map(|due| (due.rank, due.start))
    }

    /// How many segments there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.by_start.len()
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

    /// Up to which level this changed anything.
    fn fail(&mut self, route: usize, stamp: u64) -> Option<u8> {
        let is_last = self.stamps[route] == stamp;
        if is_last {
            self.stamps[route] = 0;
            self.sent_ms[route] = 0;
        }
        let is_failed = |ruled: &Ruled| ruled.route == route && ruled.stamp == stamp;
        let level = self.ruled.iter().filter(|ruled| is_failed(ruled)).map(|ruled| ruled.level).max();
        self.ruled.retain(|ruled| !is_failed(ruled));
        level.or(is_last.then_some(0))
    }

    fn forget_route(&mut self, route: usize) {
        self.stamps[route] = 0;
        self.sent_ms[route] = 0;
        self.ruled.retain(|ruled| ruled.route != route);
    }

    /// Where it stands in the order of a steady route and level.
    fn rank(&self, (route, level): Spot) -> Rank {
        if level == 0 {
            let is_new = self.stamps == [0; ROUTES_MAX];
            return if is_new { Rank::NEW } else { Rank::again(self.stamps[route], 0) };
        }
        let (mut stamp, mut routes) = (0, 0u8);
        for ruled in self.ruled.iter().filter(|ruled| ruled.level >= level) {
            routes |= 1 << ruled.route;
            stamp = stamp.max(if ruled.route == route { ruled.stamp } else { 0 });
        }
        if routes == 0 { Rank::NEW } else { Rank::again(stamp, routes.count_ones() as u8) }
    }

    /// Its rank if it may go now, else when it may.
    fn overdue(&self, placement: &Placement, is_bulk: bool) -> Result<Rank, u64> {
        if self.stamps == [0; ROUTES_MAX] {
            return Ok(Rank::NEW);
        }
        let rank = Rank::again(self.stamps[placement.route], 0);
        let last_ms = match (is_bulk, rank.stamp) {
            (false, 0) => return Ok(rank),
            (true, 0) => self.sent_ms.iter().copied().max().unwrap_or(0),
            (true, _) if !placement.is_prompt => self.sent_ms.iter().copied().max().unwrap_or(0),
            (_, _) => self.sent_ms[placement.route],
        };
        let due_ms = last_ms.saturating_add(placement.bulk_retry_ms);
        if due_ms <= placement.now_ms { Ok(rank) } else { Err(due_ms) }
    }

    /// What holds of both: the older carrying, none if one has none.
    fn older(&self, other: &Marks) -> Marks {
        let both = self.ruled.iter().filter_map(|ruled| {
            let stamp = other.rank((ruled.route, ruled.level)).stamp;
            (stamp > 0).then_some(Ruled { stamp: ruled.stamp.min(stamp), ..*ruled })
        });
        Marks {
            stamps: core::array::from_fn(|i| self.stamps[i].min(other.stamps[i])),
            sent_ms: core::array::from_fn(|i| self.sent_ms[i].min(other.sent_ms[i])),
            ruled: both.collect(),
        }
    }
}

/// The segments in `[start, end)`, cut to it, with their ranks.
fn pieces(segments: &BTreeMap<u64, Segment>, spot: Spot, start: u64, end: u64) -> impl Iterator<Item = Due> {
    let before = segments.range(..start).next_back().filter(move |(_, segment)| segment.end > start);
    before.into_iter().chain(segments.range(start..end)).map(move |(&at, segment)| Due {
        rank: segment.marks.rank(spot),
        start: at.max(start),
        end: segment.end.min(end),
    })
}

const _: () = assert!(ROUTES_MAX <= 8, "a route is a bit of an octet");

/// Segments of one stream before neighbours are joined: some four per cell of the default size
/// within the credit, or 300 octets each on a prompt route.
const SEGMENTS_MAX: usize = 4_096;
