//! One stream as its reader holds it.

use super::cursors::{CursorFault, CursorReader, put_ranges};
use super::held::Held;
use super::recv::RecvChanges;
use super::{Ranges, credit_of};
use couloir_wire::cell::{Ack, Fragment, Stream, put_varint, take_varint};
use couloir_wire::limits::{ACK_RANGES_MAX, HELD_RANGES_MAX, MESSAGE_OCTETS_MAX};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::Excluded;

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The stream.
    pub stream: Stream,
    /// Offset of its first octet, which is that of its length.
    pub offset: u64,
    /// The message, without its length.
    pub octets: Vec<u8>,
}

/// The peer's stream makes no sense. Its writer holds our keys, so this blames the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamFault {
    /// Two different contents for one offset.
    #[error("the peer sent two different contents for {stream:?} at {offset}")]
    Contradiction {
        /// The stream.
        stream: Stream,
        /// The first offset that differs.
        offset: u64,
    },
    /// A message of no octets, or of more than there can be, or a length not in its shortest form.
    #[error("the peer sent a message of an impossible length on {stream:?} at {offset}")]
    Length {
        /// The stream.
        stream: Stream,
        /// Where the message starts.
        offset: u64,
    },
    /// A fragment says that messages start where they cannot.
    #[error("the peer sent contradicting message starts on {stream:?} at {offset}")]
    Start {
        /// The stream.
        stream: Stream,
        /// A start that contradicts another.
        offset: u64,
    },
}

/// A stream's octets from the first message that did not go up on.
#[derive(Clone)]
pub(super) struct Inbox {
    stream: Stream,
    /// Everything below went up; the start of a message.
    base: u64,
    /// Offsets from the base on that arrived, whether they are held or went up.
    received: Ranges,
    /// Runs of whole messages beyond the base that went up.
    consumed: Ranges,
    held: Held,
    /// Starts of messages that did not go up. The base and the end of each consumed run are among
    /// them; others come from fragments.
    heads: BTreeSet<u64>,
    /// Held octets that the caller has not saved.
    unsaved: Ranges,
    /// Ends of the saved pieces, by their offsets.
    saved: BTreeMap<u64, u64>,
}

impl Inbox {
    pub(super) fn new(stream: Stream) -> Inbox {
        Inbox {
            stream,
            base: 0,
            received: Ranges::default(),
            consumed: Ranges::default(),
            held: Held::default(),
            heads: BTreeSet::from([0]),
            unsaved: Ranges::default(),
            saved: BTreeMap::new(),
        }
    }

    pub(super) fn stream(&self) -> Stream {
        self.stream
    }

    pub(super) fn held_octets(&self) -> u64 {
        self.held.octets()
    }

    pub(super) fn receive(&mut self, fragment: &Fragment, up: &mut Vec<Message>) -> Result<(), StreamFault> {
        let limit = self.base.saturating_add(credit_of(self.stream));
        let (start, end) = (fragment.offset.max(self.base), end_of(fragment).min(limit));
        if start >= end || !self.has_range_for(start, end) {
            return Ok(());
        }
        self.check_starts(fragment, end)?;
        let octets = &fragment.octets[(start - fragment.offset) as usize..(end - fragment.offset) as usize];
        if let Some(offset) = self.held.contradiction(start, octets) {
            return Err(StreamFault::Contradiction { stream: self.stream, offset });
        }
        if self.received.contains(start, end) {
            return Ok(());
        }
        self.hold(start, octets);
        if let Some(first) = self.new_head(fragment, end) {
            self.heads.insert(first);
        }
        self.raise(start, end, up)
    }

    /// Whether `[start, end)` joins what is there or may open a range. What the base waits for always may.
    fn has_range_for(&self, start: u64, end: u64) -> bool {
        self.received.as_slice().len() < HELD_RANGES_MAX
            || start == self.base
            || self.received.is_touching(start, end)
    }

    /// No message may be known to start before the one that the fragment calls its first.
    fn check_starts(&self, fragment: &Fragment, end: u64) -> Result<(), StreamFault> {
        let first = first_of(fragment).unwrap_or(end).min(end);
        let mut before = self.heads.range(fragment.offset..first.max(fragment.offset));
        match before.next() {
            Some(&offset) => Err(StreamFault::Start { stream: self.stream, offset }),
            None => Ok(()),
        }
    }

    fn hold(&mut self, start: u64, octets: &[u8]) {
        let end = start + octets.len() as u64;
        let mut at = start;
        while let Some((from, to)) = self.received.gap(at, end) {
            self.held.hold(from, &octets[(from - start) as usize..(to - start) as usize]);
            self.unsaved.insert(from, to);
            at = to;
        }
        self.received.insert(start, end);
    }

    /// The message start that a fragment tells of, where one is of use.
    fn new_head(&self, fragment: &Fragment, end: u64) -> Option<u64> {
        let is_of_use =
            |first: &u64| *first >= self.base && *first < end && !self.consumed.contains(*first, *first + 1);
        first_of(fragment).filter(is_of_use).filter(|_| !self.is_in_order())
    }

    /// Control is read in order; bulk is written to files in order.
    fn is_in_order(&self) -> bool {
        matches!(self.stream, Stream::Control | Stream::Bulk)
    }

    /// Hands up the messages that `[start, end)` completed.
    fn raise(&mut self, start: u64, end: u64, up: &mut Vec<Message>) -> Result<(), StreamFault> {
        let before = self.heads.range(..=start).next_back();
        let within = self.heads.range((Excluded(start), Excluded(end.max(start + 1))));
        let heads: Vec<u64> = before.into_iter().chain(within).copied().collect();
        for head in heads {
            if self.heads.contains(&head) {
                self.raise_from(head, up)?;
            }
        }
        self.advance();
        Ok(())
    }

    /// Hands up the whole messages in a row that start at `head`.
    fn raise_from(&mut self, head: u64, up: &mut Vec<Message>) -> Result<(), StreamFault> {
        let mut at = head;
        while let Some((body, end)) = self.message_at(at)? {
            up.push(Message { stream: self.stream, offset: at, octets: self.held.copy(body, end) });
            at = end;
        }
        if at > head {
            self.held.remove(head, at);
            self.unsaved.remove(head, at);
            self.consumed.insert(head, at);
            self.heads.remove(&head);
            self.heads.insert(self.consumed.covered_from(head));
        }
        Ok(())
    }

    /// Where the octets of the message at `at` begin and end, if it is there whole.
    fn message_at(&self, at: u64) -> Result<Option<(u64, u64)>, StreamFault> {
        let (octets, len) = self.held.peek::<LENGTH_OCTETS_MAX>(at);
        let fault = StreamFault::Length { stream: self.stream, offset: at };
        let Some((length, rest)) = take_varint(&octets[..len]) else {
            let is_cut = len < LENGTH_OCTETS_MAX && octets[..len].iter().all(|octet| octet & 0x80 != 0);
            return if is_cut { Ok(None) } else { Err(fault) };
        };
        if length == 0 || length > MESSAGE_OCTETS_MAX as u64 {
            return Err(fault);
        }
        let body = at + (len - rest.len()) as u64;
        let end = body + length;
        self.check_whole(at, end)?;
        Ok(self.received.contains(at, end).then_some((body, end)))
    }

    /// No message may start, and none may have gone up, within `[at, end)` but at `at`.
    fn check_whole(&self, at: u64, end: u64) -> Result<(), StreamFault> {
        let inner = self.heads.range((Excluded(at), Excluded(end))).next().copied();
        let consumed = self.consumed.is_overlapping(at, end).then_some(at);
        match inner.or(consumed) {
            Some(offset) => Err(StreamFault::Start { stream: self.stream, offset }),
            None => Ok(()),
        }
    }

    fn advance(&mut self) {
        let base = self.consumed.covered_from(self.base);
        if base > self.base {
            self.base = base;
            self.consumed.cut_below(base);
            self.received.cut_below(base);
            self.heads = self.heads.split_off(&base);
        }
    }

    /// Octets that arrived, gaps not counted, and the offset after the last of them.
    pub(super) fn arrived(&self) -> (u64, u64) {
        let reach = self.received.as_slice().last().map_or(self.base, |range| range.1);
        (self.base + self.received.octets(), reach)
    }

    /// What arrived, if anything did.
    pub(super) fn ack(&self) -> Option<Ack> {
        let delivered = self.received.covered_from(self.base);
        let beyond = self.received.as_slice().iter().filter(|range| range.0 > delivered);
        let ranges: Vec<_> = beyond.take(ACK_RANGES_MAX).copied().collect();
        let has_any = delivered > 0 || !ranges.is_empty();
        has_any.then_some(Ack { stream: self.stream, delivered, ranges })
    }

    /// Adds what must be saved and what need not be kept any longer.
    pub(super) fn take_changes(&mut self, changes: &mut RecvChanges) {
        put_varint(&mut changes.cursors, self.base);
        put_ranges(&mut changes.cursors, &self.consumed, self.base);
        self.put_heads(&mut changes.cursors);
        let unsaved = core::mem::take(&mut self.unsaved);
        for &(start, end) in unsaved.as_slice() {
            self.save(start, end, changes);
        }
        let is_gone = |start: u64, end: u64| self.consumed.contains(start.max(self.base), end);
        let gone = self.saved.iter().filter(|(start, end)| is_gone(**start, **end));
        let gone: Vec<u64> = gone.map(|(start, _)| *start).collect();
        gone.into_iter().for_each(|start| self.drop_saved(start, changes));
    }

    fn put_heads(&self, out: &mut Vec<u8>) {
        let beyond = self.heads.range((Excluded(self.base), Excluded(u64::MAX)));
        put_varint(out, beyond.clone().count() as u64);
        let mut at = self.base;
        for head in beyond {
            put_varint(out, head - at);
            at = *head;
        }
    }

    /// Saves `[start, end)`, one piece per chunk.
    fn save(&mut self, start: u64, end: u64, changes: &mut RecvChanges) {
        let chunks = self.held.chunks_of(start, end).map(|(at, chunk)| (at, at + chunk.len() as u64));
        let chunks: Vec<_> = chunks.collect();
        for (at, chunk_end) in chunks {
            let (from, to) = self.with_small_neighbours((at.max(start), chunk_end.min(end)), (at, chunk_end));
            let absorbed: Vec<u64> =
                self.saved.range((Excluded(from), Excluded(to))).map(|(at, _)| *at).collect();
            absorbed.into_iter().for_each(|piece| self.drop_saved(piece, changes));
            self.saved.insert(from, to);
            changes.partials_put.push((self.stream, from, self.held.copy(from, to)));
        }
    }

    /// A piece with the small saved pieces of its chunk that adjoin it, which it replaces: the
    /// number of pieces stays bounded however small the fragments are.
    fn with_small_neighbours(&self, (from, to): (u64, u64), (at, chunk_end): (u64, u64)) -> (u64, u64) {
        let is_small = |start: u64, end: u64| end - start < PIECE_OCTETS_MIN;
        let before = self.saved.range(..from).next_back();
        let before = before.filter(|(start, end)| **end == from && **start >= at && is_small(**start, **end));
        let after = self.saved.get(&to).filter(|end| **end <= chunk_end && is_small(to, **end));
        (before.map_or(from, |(start, _)| *start), after.copied().unwrap_or(to))
    }

    fn drop_saved(&mut self, piece: u64, changes: &mut RecvChanges) {
        self.saved.remove(&piece);
        changes.partials_gone.push((self.stream, piece));
    }

    pub(super) fn restore(stream: Stream, reader: &mut CursorReader<'_>) -> Result<Inbox, CursorFault> {
        let base = reader.number()?;
        let consumed = reader.ranges(base)?;
        let mut heads = BTreeSet::from([base]);
        let mut at = base;
        for _ in 0..reader.count()? {
            at = reader.beyond(at)?;
            heads.insert(at);
        }
        heads.extend(consumed.as_slice().iter().map(|range| range.1));
        Ok(Inbox { base, received: consumed.clone(), consumed, heads, ..Inbox::new(stream) })
    }

    /// A saved piece is held again, as far as it is still needed.
    pub(super) fn restore_partial(&mut self, offset: u64, octets: &[u8]) {
        let limit = self.base.saturating_add(credit_of(self.stream));
        let end = offset.saturating_add(octets.len() as u64);
        self.saved.insert(offset, end);
        let (start, stop) = (offset.max(self.base), end.min(limit));
        if start < stop {
            self.hold(start, &octets[(start - offset) as usize..(stop - offset) as usize]);
            self.unsaved.remove(start, stop);
        }
    }

    /// How many chunks, heads and saved pieces there are, for the tests of bounds.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        (self.held.chunks_of(0, u64::MAX).count(), self.heads.len(), self.saved.len())
    }
}

fn end_of(fragment: &Fragment) -> u64 {
    fragment.offset.saturating_add(fragment.octets.len() as u64)
}

fn first_of(fragment: &Fragment) -> Option<u64> {
    fragment.first_start.map(|first| fragment.offset.saturating_add(u64::from(first)))
}

/// Octets of the longest length before a message.
const LENGTH_OCTETS_MAX: usize = 3;
const _: () = assert!(MESSAGE_OCTETS_MAX < 1 << (7 * LENGTH_OCTETS_MAX));
/// A saved piece of fewer octets is joined with its neighbour when that is saved.
const PIECE_OCTETS_MIN: u64 = 4 * 1024;
