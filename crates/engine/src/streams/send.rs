//! The writer's side of a link's streams.

use super::cursors::{CursorFault, CursorReader};
use super::lane::{Lane, Packing, Reach};
use couloir_wire::cell::{Ack, CellWriter, Stream};
use couloir_wire::id::EntryId;
use couloir_wire::limits::{MESSAGE_OCTETS_MAX, ROUTES_MAX, STREAMS};

/// What was said on the six streams and the peer has not acknowledged.
#[derive(Clone)]
pub struct SendStreams {
    lanes: [Lane; STREAMS],
    /// Restarts so far: what was carried before one does not count after it.
    life: u32,
}

/// Where a message was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Offset of its first octet, which is that of its length.
    pub offset: u64,
    /// Octets with the length before it.
    pub framed_len: u64,
}

/// Octets to be fetched from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Of which stream.
    pub stream: Stream,
    /// From which offset on.
    pub offset: u64,
    /// How many octets are useful; a whole last message may go over it.
    pub len_max: u64,
}

/// The cell that is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Place of its route, below [`ROUTES_MAX`].
    pub route: usize,
    /// Count of packings on all routes; each greater than every one before.
    pub tick: u64,
    /// The level of its window on the ruler; prompt routes have none and say 0.
    pub level: u8,
    /// Whether the peer hears us: then what was never sent goes before what waits for a place on the ruler,
    /// for it is about to be acknowledged.
    pub is_heard: bool,
    /// The time, in ms; never falls.
    pub now_ms: u64,
    /// Whether the route is reliable and without cover, so that nothing is sent again for nothing.
    pub is_prompt: bool,
    /// After how long bulk (on prompt routes: anything) is sent again, in ms.
    pub bulk_retry_ms: u64,
    /// Whether files wait until a person lets them go on.
    pub is_bulk_held: bool,
}

impl Placement {
    /// The tick as a mark; 0 marks never.
    pub(super) fn stamp(&self) -> u64 {
        self.tick.saturating_add(1)
    }
}

/// What a cell took, kept until the cell left, failed, or is too old to be shown lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carry {
    /// The stream.
    pub stream: Stream,
    /// Its first offset.
    pub start: u64,
    /// The offset after its last.
    pub end: u64,
    pub(super) stamp: u64,
    pub(super) life: u32,
}

/// The peer acknowledges what was never appended: this node was rolled back, or the peer lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the peer acknowledged {stream:?} up to {reach}, of which {end} octets are known here")]
pub struct BeyondSent {
    /// The stream.
    pub stream: Stream,
    /// How far the acknowledgement reaches.
    pub reach: u64,
    /// What was appended.
    pub end: u64,
}

/// A stored message does not follow the one before it, or lies beyond the stored end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored message lies outside its stream")]
pub struct RestoreFault;

/// The store holds nothing where something was said that the peer has not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store lacks what was said")]
pub struct Missing;

impl Default for SendStreams {
    fn default() -> SendStreams {
        SendStreams { lanes: Stream::ALL.map(Lane::new), life: 0 }
    }
}

impl SendStreams {
    /// Empty streams.
    pub fn new() -> SendStreams {
        SendStreams::default()
    }

    /// Adds a message of 1 to [`MESSAGE_OCTETS_MAX`] octets. It is kept in memory if the credit
    /// reaches over it and nothing before it is out; otherwise it will be wanted from the store.
    pub fn append(&mut self, stream: Stream, message: &[u8], tag: Option<EntryId>) -> Appended {
        debug_assert!((1..=MESSAGE_OCTETS_MAX).contains(&message.len()));
        self.lanes[stream.index()].append(message, tag)
    }

    /// Adds `framed_len` octets of messages that lie in the store (a file), under one tag; their offset.
    pub fn append_unloaded(&mut self, stream: Stream, framed_len: u64, tag: Option<EntryId>) -> u64 {
        self.lanes[stream.index()].append_unloaded(framed_len, tag)
    }

    /// What should be fetched from the store next, if it was not asked for.
    pub fn wanted(&self) -> Option<Wanted> {
        self.lanes.iter().find_map(Lane::wanted)
    }

    /// `wanted` is being fetched: it is not wanted again until something is loaded on its stream.
    pub fn asked(&mut self, wanted: &Wanted) {
        self.lanes[wanted.stream.index()].asked();
    }

    /// Octets fetched from the store: `framed` from `offset` on, and the offsets in the stream at
    /// which messages start among them. What was not asked for (or before a restart) is dropped, and
    /// what does not follow the loaded octets. An error if nothing came that must be there.
    pub fn load(
        &mut self,
        stream: Stream,
        offset: u64,
        framed: &[u8],
        starts: &[u64],
    ) -> Result<(), Missing> {
        self.lanes[stream.index()].load(offset, framed, starts)
    }

    /// Fills a cell with what is most due for its route; what it took, in order. First by stream what
    /// this route never sent, then what it sent longest ago, whatever its stream: what is
    /// unacknowledged of one stream never keeps the others from being said. Bulk comes last.
    pub fn fill(&mut self, cell: &mut CellWriter, placement: &Placement) -> Vec<Carry> {
        debug_assert!(placement.route < ROUTES_MAX);
        let mut packing = Packing { cell, placement, life: self.life, carries: Vec::new() };
        let [said @ .., bulk] = &mut self.lanes;
        let mut turns: Vec<_> = said.iter_mut().map(|lane| lane.turn(placement)).collect();
        for (lane, turn) in said.iter_mut().zip(&mut turns) {
            if packing.cell.room() > 0 {
                lane.fill(&mut packing, turn, Reach::Unsent);
            }
        }
        while packing.cell.room() > 0 {
            let next = said.iter_mut().zip(&turns).enumerate();
            let next = next.filter_map(|(at, (lane, turn))| Some((lane.next_stamp(turn, placement)?, at)));
            let Some((_, at)) = next.min() else { break };
            if !said[at].fill(&mut packing, &mut turns[at], Reach::Next) {
                break;
            }
        }
        if packing.cell.room() > 0 && !placement.is_bulk_held {
            let mut turn = bulk.turn(placement);
            bulk.fill(&mut packing, &mut turn, Reach::All);
        }
        packing.carries
    }

    /// The cell of `carries` left on some route: the tags all of whose octets have left, each once.
    pub fn stored(&mut self, carries: &[Carry]) -> Vec<EntryId> {
        let mut tags = Vec::new();
        for carry in carries.iter().filter(|carry| carry.life == self.life) {
            self.lanes[carry.stream.index()].stored(carry, &mut tags);
        }
        tags
    }

    /// The cell of `carries` did not leave on `route` or was lost: `route` counts as never having
    /// sent them, where it did not send them again since.
    pub fn failed(&mut self, route: usize, carries: &[Carry]) {
        for carry in carries.iter().filter(|carry| carry.life == self.life) {
            self.lanes[carry.stream.index()].failed(route, carry);
        }
    }

    /// The place `route` is given to another route, which has carried nothing.
    pub fn forget_route(&mut self, route: usize) {
        self.lanes.iter_mut().for_each(|lane| lane.forget_route(route));
    }

    /// Takes the peer's acknowledgement: the tags wholly acknowledged by it, in order, each once
    /// (again only if the cursors stored before a restore did not say so). Changes nothing if it is
    /// refused or older than what is known.
    pub fn acknowledge(&mut self, ack: &Ack) -> Result<Vec<EntryId>, BeyondSent> {
        let lane = &mut self.lanes[ack.stream.index()];
        lane.check(ack)?;
        Ok(lane.acknowledge(ack))
    }

    /// The start of the first message that is not wholly acknowledged: what lies below may be
    /// dropped from the store.
    pub fn base(&self, stream: Stream) -> u64 {
        self.lanes[stream.index()].base()
    }

    /// The offset after the last octet appended.
    pub fn end(&self, stream: Stream) -> u64 {
        self.lanes[stream.index()].end()
    }

    /// The offset after the last octet appended to each stream.
    pub fn ends(&self) -> [u64; STREAMS] {
        self.lanes.each_ref().map(Lane::end)
    }

    /// Octets of each stream that were acknowledged, gaps not counted.
    pub fn acknowledged(&self) -> [u64; STREAMS] {
        self.lanes.each_ref().map(|lane| lane.end() - lane.octets_unacknowledged())
    }

    /// Octets not acknowledged, of all streams.
    pub fn unacknowledged(&self) -> u64 {
        self.lanes.iter().map(Lane::octets_unacknowledged).sum()
    }

    /// Tags not wholly acknowledged, of all streams.
    #[cfg(test)]
    pub(super) fn tags_unacknowledged(&self) -> usize {
        self.lanes.iter().map(Lane::tags_unacknowledged).sum()
    }

    /// A new incarnation: control is emptied; in the other streams what was appended first and is
    /// not wholly acknowledged starts at 0, and nothing counts as sent or acknowledged. A file that
    /// was partly acknowledged is sent again from its head, for the peer may have lost its pieces.
    /// By how much the offsets of each stream fell; never more than the offset of a message or file
    /// that is not wholly acknowledged.
    pub fn restart(&mut self) -> [u64; STREAMS] {
        self.life += 1;
        self.lanes.each_mut().map(Lane::restart)
    }

    /// Bases, ends and acknowledged ranges, to be stored with the messages.
    pub fn cursors(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.lanes.iter().for_each(|lane| lane.put_cursors(&mut out));
        out
    }

    /// The streams as [`SendStreams::cursors`] described them. The messages that are not wholly
    /// below a base must be announced next.
    pub fn restore(cursors: &[u8]) -> Result<SendStreams, CursorFault> {
        let mut reader = CursorReader(cursors);
        let mut streams = SendStreams::new();
        for lane in &mut streams.lanes {
            *lane = Lane::restore(lane.stream(), &mut reader)?;
        }
        reader.end()?;
        Ok(streams)
    }

    /// Announces a stored message (or file), in order of offsets; `octets` are its framed octets,
    /// which are kept as far as the credit reaches.
    pub fn restore_message(
        &mut self,
        stream: Stream,
        offset: u64,
        framed_len: u64,
        tag: Option<EntryId>,
        octets: Option<&[u8]>,
    ) -> Result<(), RestoreFault> {
        self.lanes[stream.index()].restore_message((offset, framed_len), tag, octets)
    }

    /// How many segments and octets a stream holds, for the tests of bounds.
    #[cfg(test)]
    pub(super) fn held(&self, stream: Stream) -> (usize, usize) {
        self.lanes[stream.index()].held()
    }
}

/// No fragment is cut smaller than this, in octets.
pub(super) const FRAGMENT_OCTETS_MIN: u64 = 16;
