//! One stream as its writer holds it.

use super::cursors::{CursorFault, CursorReader, put_ranges};
use super::marks::{Segments, Turn};
use super::order::{Class, Due};
use super::send::{
    Appended, BeyondSent, Carry, FRAGMENT_OCTETS_MIN, Missing, Placement, RestoreFault, Wanted,
};
use super::{Ranges, credit_of};
use crate::planted::planted;
use couloir_wire::cell::{Ack, CellWriter, Stream, put_varint, varint_len};
use couloir_wire::id::EntryId;
use couloir_wire::limits::{HELD_RANGES_MAX, ROUTES_MAX};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// A cell that is being filled.
pub(super) struct Packing<'a> {
    pub cell: &'a mut CellWriter,
    pub placement: &'a Placement,
    pub life: u32,
    pub carries: Vec<Carry>,
}

/// How far a filling goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// What is new, and what this route never sent.
    Unsent,
    /// The next run only.
    Next,
    /// Everything.
    All,
}

/// A stream's octets from the first message that is not wholly acknowledged on.
#[derive(Clone)]
pub(super) struct Lane {
    stream: Stream,
    /// Start of the first message that is not wholly acknowledged.
    base: u64,
    /// Offset after the last octet appended.
    end: u64,
    /// What was appended and is not wholly below the base, in order, without gaps.
    spans: VecDeque<Span>,
    loaded: Loaded,
    /// Whether what follows the loaded octets was asked for.
    is_asked: bool,
    /// Octets at and beyond this were never packed.
    frontier: u64,
    acked: Ranges,
    left: Ranges,
    segments: Segments,
    /// Until when a prompt route finds nothing to send again, by route.
    quiet_until_ms: [u64; ROUTES_MAX],
}

/// What one append added.
#[derive(Clone)]
struct Span {
    start: u64,
    end: u64,
    tag: Option<EntryId>,
    has_left: bool,
    is_acked: bool,
}

/// Octets in memory: a contiguous part of the stream from its base on.
#[derive(Clone, Default)]
struct Loaded {
    from: u64,
    octets: Vec<u8>,
    /// Octets at the front of `octets` that lie below `from`.
    skip: usize,
    /// Message starts among them.
    starts: VecDeque<u64>,
}

impl Lane {
    pub(super) fn new(stream: Stream) -> Lane {
        Lane {
            stream,
            base: 0,
            end: 0,
            spans: VecDeque::new(),
            loaded: Loaded::default(),
            is_asked: false,
            frontier: 0,
            acked: Ranges::default(),
            left: Ranges::default(),
            segments: Segments::default(),
            quiet_until_ms: [0; ROUTES_MAX],
        }
    }

    pub(super) fn stream(&self) -> Stream {
        self.stream
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn append(&mut self, message: &[u8], tag: Option<EntryId>) -> Appended {
        let framed_len = (varint_len(message.len() as u64) + message.len()) as u64;
        let offset = self.end;
        if self.is_loadable(framed_len) {
            self.loaded.starts.push_back(offset);
            put_varint(&mut self.loaded.octets, message.len() as u64);
            self.loaded.octets.extend_from_slice(message);
        }
        self.append_unloaded(framed_len, tag);
        Appended { offset, framed_len }
    }

    pub(super) fn append_unloaded(&mut self, framed_len: u64, tag: Option<EntryId>) -> u64 {
        let start = self.end;
        self.end += framed_len;
        self.spans.push_back(Span { start, end: self.end, tag, has_left: false, is_acked: false });
        start
    }

    /// Whether `len` octets more at the end may be kept in memory at once.
    fn is_loadable(&self, len: u64) -> bool {
        self.loaded.end() == self.end && self.end + len <= self.limit()
    }

    /// Where the peer's credit ends.
    fn limit(&self) -> u64 {
        self.base.saturating_add(credit_of(self.stream))
    }

    pub(super) fn wanted(&self) -> Option<Wanted> {
        let offset = self.loaded.end();
        let mut to = self.end.min(self.limit());
        if self.stream == Stream::Bulk {
            to = to.min(self.frontier.saturating_add(BULK_AHEAD_OCTETS));
        }
        let len_max = to.saturating_sub(offset);
        let ready = offset.saturating_sub(self.frontier);
        let is_worthwhile = len_max >= LOAD_OCTETS_MIN || to == self.end || ready < LOAD_OCTETS_MIN;
        let is_wanted = !self.is_asked && len_max > 0 && is_worthwhile;
        is_wanted.then_some(Wanted { stream: self.stream, offset, len_max })
    }

    pub(super) fn asked(&mut self) {
        self.is_asked = true;
    }

    pub(super) fn load(&mut self, offset: u64, framed: &[u8], starts: &[u64]) -> Result<(), Missing> {
        let is_asked = core::mem::take(&mut self.is_asked);
        let from = self.loaded.end();
        let end = offset.saturating_add(framed.len() as u64);
        if is_asked && framed.is_empty() && offset == from && from < self.end {
            return Err(Missing);
        }
        if !is_asked || offset > from || end <= from || end > self.end {
            return Ok(());
        }
        self.loaded.octets.extend_from_slice(&framed[(from - offset) as usize..]);
        self.loaded.starts.extend(starts.iter().filter(|start| (from..end).contains(start)));
        self.advance();
        Ok(())
    }

    /// Packs what is most due, as far as `reach` goes. False if the cell takes no more.
    pub(super) fn fill(&mut self, packing: &mut Packing<'_>, turn: &mut Turn, reach: Reach) -> bool {
        let placement = packing.placement;
        while let Some((start, end)) = self.next_run(turn, placement, packing.cell.room() as u64, reach) {
            let carried_end = self.place(start, end, packing.cell, placement);
            if carried_end.is_none_or(|carried_end| carried_end < end) {
                self.segments.give_back(carried_end.unwrap_or(start), end, placement);
            }
            let Some(carried_end) = carried_end else { return false };
            let (stamp, life) = (placement.stamp(), packing.life);
            packing.carries.push(Carry { stream: self.stream, start, end: carried_end, stamp, life });
            if carried_end < end {
                return false;
            }
            if reach == Reach::Next {
                break;
            }
        }
        true
    }

    /// What was sent before and may go now.
    pub(super) fn turn(&mut self, placement: &Placement) -> Turn {
        let is_bulk = self.stream == Stream::Bulk;
        if !is_bulk && !placement.is_prompt {
            return Turn::Ordered;
        }
        if placement.is_prompt && placement.now_ms < self.quiet_until_ms[placement.route] {
            return Turn::Overdue(BinaryHeap::new());
        }
        let (due, others_at_ms) = self.segments.overdue(placement, is_bulk);
        if due.is_empty() {
            self.quiet_until_ms[placement.route] = others_at_ms;
        }
        Turn::Overdue(due.into_iter().map(Reverse).collect())
    }

    /// When this route carried what is next, 0 for never or not since it was lost; `None` if nothing is due.
    pub(super) fn next_stamp(&mut self, turn: &Turn, placement: &Placement) -> Option<u64> {
        turn.peek(&mut self.segments, placement).map(|due| due.rank.stamp)
    }

    /// The next octets to place: at most one fragment of `room` octets, and the rest of what it was cut from.
    fn next_run(
        &mut self,
        turn: &mut Turn,
        placement: &Placement,
        room: u64,
        reach: Reach,
    ) -> Option<(u64, u64)> {
        let is_fresh_first = placement.is_heard && placement.level > 0;
        let next = turn.peek(&mut self.segments, placement);
        if (is_fresh_first || next.is_none_or(|due| due.rank.class == Class::Again))
            && let Some(fresh) = self.fresh()
        {
            return Some(fresh);
        }
        if reach == Reach::Unsent && next.is_some_and(|due| due.rank.stamp > 0) {
            return None;
        }
        let Due { rank, start, mut end } = turn.pop(&mut self.segments, placement)?;
        while end - start < room
            && let Some(next) = turn.peek(&mut self.segments, placement)
            && (next.rank.class, next.start) == (rank.class, end)
        {
            end = next.end;
            turn.pop(&mut self.segments, placement);
        }
        Some((start, self.unsplintered(start, end)))
    }

    /// The end of a run, with what follows it if the run alone would be a splinter.
    fn unsplintered(&self, start: u64, end: u64) -> u64 {
        let to = self.loaded.end().min(self.limit()).min(start + FRAGMENT_OCTETS_MIN);
        self.acked.gap(start, to).map_or(end, |gap| end.max(gap.1))
    }

    /// The first octets that were never packed, may go and are not acknowledged.
    fn fresh(&self) -> Option<(u64, u64)> {
        let to = self.loaded.end().min(self.limit());
        let (start, end) = self.acked.gap(self.frontier, to)?;
        let is_splinter = end == self.limit() && end < self.end && end - start < FRAGMENT_OCTETS_MIN;
        (!is_splinter).then_some((start, end))
    }

    /// Puts what fits of `[start, end)` into the cell as one fragment; where it ends, or `None` if nothing did.
    fn place(&mut self, start: u64, end: u64, cell: &mut CellWriter, placement: &Placement) -> Option<u64> {
        let room = cell.fragment_room(start) as u64;
        let carried_end = start + fitting(end - start, room)?;
        let first_start = self.loaded.first_start(start, carried_end);
        let first_start = first_start.map(|first| first + u32::from(planted!(LosesBoundaries)));
        cell.fragment(self.stream, start, first_start, self.loaded.octets(start, carried_end));
        self.segments.carry(start, carried_end, placement);
        self.frontier = self.frontier.max(carried_end);
        self.wake_prompt(placement);
        Some(carried_end)
    }

    /// Other routes may have something to send; this one in its retry time.
    fn wake_prompt(&mut self, placement: &Placement) {
        let own_ms = placement.now_ms.saturating_add(placement.bulk_retry_ms);
        for (route, quiet_until_ms) in self.quiet_until_ms.iter_mut().enumerate() {
            let at_ms = if route == placement.route { own_ms } else { 0 };
            *quiet_until_ms = at_ms.min(*quiet_until_ms);
        }
    }

    pub(super) fn stored(&mut self, carry: &Carry, tags: &mut Vec<EntryId>) {
        self.left.insert(carry.start.max(self.base), carry.end);
        let left = &self.left;
        for span in overlapping(&mut self.spans, carry.start, carry.end) {
            if !span.has_left && left.contains(span.start.max(self.base), span.end) {
                span.has_left = true;
                tags.extend(span.tag);
            }
        }
    }

    pub(super) fn failed(&mut self, route: usize, carry: &Carry) {
        self.segments.fail(route, carry);
        self.quiet_until_ms = [0; ROUTES_MAX];
    }

    pub(super) fn forget_route(&mut self, route: usize) {
        self.segments.forget_route(route);
        self.quiet_until_ms = [0; ROUTES_MAX];
    }

    /// Refuses what speaks of octets that were never appended.
    pub(super) fn check(&self, ack: &Ack) -> Result<(), BeyondSent> {
        let reach = ack.ranges.iter().map(|range| range.1).fold(ack.delivered, u64::max);
        if reach > self.end { Err(BeyondSent { stream: self.stream, reach, end: self.end }) } else { Ok(()) }
    }

    pub(super) fn acknowledge(&mut self, ack: &Ack) -> Vec<EntryId> {
        let mut delivered = Vec::new();
        self.acknowledge_range(self.base, ack.delivered, &mut delivered);
        for (start, end) in &ack.ranges {
            self.acknowledge_range((*start).max(self.base), *end, &mut delivered);
        }
        self.advance();
        delivered.sort_by_key(|(start, _)| *start);
        delivered.into_iter().map(|(_, tag)| tag).collect()
    }

    fn acknowledge_range(&mut self, start: u64, end: u64, delivered: &mut Vec<(u64, EntryId)>) {
        let is_one_too_many =
            self.acked.as_slice().len() >= HELD_RANGES_MAX && !self.acked.is_touching(start, end);
        if self.acked.contains(start, end) || (is_one_too_many && start > self.base) {
            return;
        }
        self.acked.insert(start, end);
        self.left.insert(start, end);
        self.segments.remove(start, end);
        for span in overlapping(&mut self.spans, start, end) {
            if !span.is_acked && self.acked.contains(span.start.max(self.base), span.end) {
                (span.is_acked, span.has_left) = (true, true);
                delivered.extend(span.tag.map(|tag| (span.start, tag)));
            }
        }
    }

    /// Moves the base to the last message start that everything before is acknowledged of.
    fn advance(&mut self) {
        let edge = self.acked.covered_from(self.base);
        if edge == self.base {
            return;
        }
        self.base = if edge == self.end { edge } else { self.last_start(edge) };
        let gone = self.spans.partition_point(|span| span.end <= self.base);
        self.spans.drain(..gone);
        self.loaded.drop_below(self.base);
        self.acked.cut_below(self.base);
        self.left.cut_below(self.base);
        self.frontier = self.frontier.max(self.base);
    }

    /// The last message start known at or below `edge`; at least the base.
    fn last_start(&self, edge: u64) -> u64 {
        let loaded = self.loaded.starts.partition_point(|start| *start <= edge).checked_sub(1);
        let span = self.spans.partition_point(|span| span.start <= edge).checked_sub(1);
        let known = [loaded.map(|i| self.loaded.starts[i]), span.map(|i| self.spans[i].start)];
        known.into_iter().flatten().fold(self.base, u64::max)
    }

    pub(super) fn octets_unacknowledged(&self) -> u64 {
        self.end - self.base - self.acked.octets()
    }

    #[cfg(test)]
    pub(super) fn tags_unacknowledged(&self) -> usize {
        self.spans.iter().filter(|span| span.tag.is_some() && !span.is_acked).count()
    }

    /// What was appended last and is not wholly acknowledged starts at 0; nothing was sent. How much
    /// offsets fell. A file starts again from its head: the peer may have lost its pieces.
    pub(super) fn restart(&mut self) -> u64 {
        if self.stream == Stream::Control {
            return core::mem::replace(self, Lane::new(self.stream)).end;
        }
        let fall = self.spans.front().map_or(self.end, |span| span.start);
        for span in &mut self.spans {
            (span.start, span.end) = (span.start - fall, span.end - fall);
        }
        let (spans, loaded) = (core::mem::take(&mut self.spans), core::mem::take(&mut self.loaded));
        let end = self.end - fall;
        let loaded = if self.base == fall { loaded.fallen(fall) } else { Loaded::default() };
        *self = Lane { end, spans, loaded, ..Lane::new(self.stream) };
        fall
    }

    pub(super) fn put_cursors(&self, out: &mut Vec<u8>) {
        put_varint(out, self.base);
        put_varint(out, self.end - self.base);
        put_ranges(out, &self.acked, self.base);
    }

    pub(super) fn restore(stream: Stream, reader: &mut CursorReader<'_>) -> Result<Lane, CursorFault> {
        let base = reader.number()?;
        let end = reader.beyond(base)?;
        let acked = reader.ranges(base)?;
        if acked.as_slice().last().is_some_and(|range| range.1 > end) {
            return Err(CursorFault("acknowledged beyond the end"));
        }
        let loaded = Loaded { from: base, ..Loaded::default() };
        Ok(Lane { base, end, frontier: base, left: acked.clone(), acked, loaded, ..Lane::new(stream) })
    }

    pub(super) fn restore_message(
        &mut self,
        (offset, framed_len): (u64, u64),
        tag: Option<EntryId>,
        octets: Option<&[u8]>,
    ) -> Result<(), RestoreFault> {
        let end = offset.checked_add(framed_len).filter(|end| *end <= self.end).ok_or(RestoreFault)?;
        if end <= self.base {
            return Ok(());
        }
        let expected = self.spans.back().map_or(self.base, |span| span.end);
        if offset != expected && (offset > expected || !self.spans.is_empty()) {
            return Err(RestoreFault);
        }
        let is_acked = self.acked.contains(offset.max(self.base), end);
        self.spans.push_back(Span { start: offset, end, tag, has_left: is_acked, is_acked });
        if let Some(octets) = octets
            && (self.loaded.end(), octets.len() as u64) == (offset, framed_len)
            && end <= self.limit()
        {
            self.loaded.starts.push_back(offset);
            self.loaded.octets.extend_from_slice(octets);
        }
        Ok(())
    }

    /// How many segments and octets are held, for the tests of bounds.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        (self.segments.count(), self.loaded.octets.len())
    }
}

/// How much of `len` octets goes into a fragment of `room`: all, or a cut that leaves no splinter.
fn fitting(len: u64, room: u64) -> Option<u64> {
    if len <= room {
        return Some(len);
    }
    let cut = room.min(len.saturating_sub(FRAGMENT_OCTETS_MIN));
    (cut >= FRAGMENT_OCTETS_MIN).then_some(cut)
}

fn overlapping(spans: &mut VecDeque<Span>, start: u64, end: u64) -> impl Iterator<Item = &mut Span> {
    let first = spans.partition_point(|span| span.end <= start);
    spans.range_mut(first..).take_while(move |span| span.start < end)
}

impl Loaded {
    fn end(&self) -> u64 {
        self.from + (self.octets.len() - self.skip) as u64
    }

    fn octets(&self, start: u64, end: u64) -> &[u8] {
        let at = self.skip + (start - self.from) as usize;
        &self.octets[at..at + (end - start) as usize]
    }

    fn first_start(&self, start: u64, end: u64) -> Option<u32> {
        let first = *self.starts.get(self.starts.partition_point(|at| *at < start))?;
        (first < end).then_some((first - start) as u32)
    }

    fn fallen(mut self, fall: u64) -> Loaded {
        self.from -= fall;
        self.starts.iter_mut().for_each(|start| *start -= fall);
        self
    }

    /// Lets go of the octets below `base`; the buffer moves up once half of it is free.
    fn drop_below(&mut self, base: u64) {
        let gone = base.saturating_sub(self.from).min((self.octets.len() - self.skip) as u64);
        self.skip += gone as usize;
        self.from = self.from.max(base);
        if self.skip * 2 >= self.octets.len() {
            self.octets.drain(..self.skip);
            self.skip = 0;
        }
        let starts_gone = self.starts.partition_point(|start| *start < base);
        self.starts.drain(..starts_gone);
    }
}

/// Bulk that is loaded and not yet sent is at most this much: some seconds of a fast prompt route.
const BULK_AHEAD_OCTETS: u64 = 1 << 20;
/// What is fetched at a time, unless less is left or less is there to send.
const LOAD_OCTETS_MIN: u64 = 64 * 1024;
