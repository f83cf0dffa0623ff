//! What the tests of the streams share; the claims are in the files below.

mod hostile;
mod line;
mod order;
mod placing;
mod reading;
mod writing;

use super::{Carry, Placement, SendStreams, Wanted};
use couloir_wire::cell::{CellWriter, Content, Fragment, Status, Stream, put_varint};
use couloir_wire::id::EntryId;

/// A seeded generator (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Whether one chance in `n` came.
    pub(crate) fn is_one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// A writer with a count of packings and a time.
struct Desk {
    streams: SendStreams,
    tick: u64,
    now_ms: u64,
}

impl Desk {
    fn new() -> Desk {
        Desk { streams: SendStreams::new(), tick: 0, now_ms: 1_000_000 }
    }

    fn placement(&mut self, route: usize, level: u8) -> Placement {
        self.tick += 1;
        let (tick, now_ms) = (self.tick, self.now_ms);
        Placement {
            route,
            tick,
            level,
            is_heard: false,
            now_ms,
            is_prompt: false,
            bulk_retry_ms: RETRY_MS,
            is_bulk_held: false,
        }
    }

    /// A cell with room for about `room` octets of fragments.
    fn pack_as(&mut self, placement: Placement, room: usize) -> (Vec<Carry>, Vec<Fragment>) {
        let mut cell = CellWriter::new(room + couloir_wire::cell::STATUS_OCTETS, &Status::default());
        let carries = self.streams.fill(&mut cell, &placement);
        let fragments = Content::decode(&cell.padded()).expect("well formed").fragments;
        let carried = carries.iter().map(|carry| (carry.stream, carry.start, carry.end));
        assert!(carried.eq(fragments.iter().map(|f| (f.stream, f.offset, f.offset + f.octets.len() as u64))));
        (carries, fragments)
    }

    fn pack(&mut self, route: usize, room: usize) -> (Vec<Carry>, Vec<Fragment>) {
        let placement = self.placement(route, 0);
        self.pack_as(placement, room)
    }

    fn pack_at_level(&mut self, route: usize, level: u8, room: usize) -> (Vec<Carry>, Vec<Fragment>) {
        let placement = self.placement(route, level);
        self.pack_as(placement, room)
    }

    /// Packs a cell with room for just the octets `[start, end)` of a stream, which must be what it takes.
    #[track_caller]
    fn expect(&mut self, route: usize, level: u8, (start, end): (u64, u64)) -> Vec<Carry> {
        let (carries, fragments) = self.pack_at_level(route, level, room_for(start, end));
        assert_eq!(places(&fragments), [(start, end)]);
        carries
    }

    fn pack_prompt(&mut self, route: usize, room: usize) -> (Vec<Carry>, Vec<Fragment>) {
        let placement = Placement { is_prompt: true, ..self.placement(route, 0) };
        self.pack_as(placement, room)
    }

    /// Loads `framed` as if it had been asked for.
    fn load(&mut self, stream: Stream, offset: u64, framed: &[u8], starts: &[u64]) {
        self.streams.asked(&Wanted { stream, offset, len_max: framed.len() as u64 });
        self.streams.load(stream, offset, framed, starts).expect("it is there");
    }

    /// Appends a routine message that takes `framed_len` octets, tagged `number`.
    fn say(&mut self, number: u8, framed_len: usize) -> u64 {
        self.say_on(Stream::Routine, number, framed_len)
    }

    fn say_on(&mut self, stream: Stream, number: u8, framed_len: usize) -> u64 {
        let message = vec![number; framed_len - if framed_len > 128 { 2 } else { 1 }];
        self.streams.append(stream, &message, Some(tag(number))).offset
    }
}

fn tag(number: u8) -> EntryId {
    EntryId([number; 16])
}

/// Stream, first offset and offset after the last of each.
fn places(fragments: &[Fragment]) -> Vec<(u64, u64)> {
    fragments.iter().map(|f| (f.offset, f.offset + f.octets.len() as u64)).collect()
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, message.len() as u64);
    out.extend_from_slice(message);
    out
}

/// The room in which a fragment at `start` has just the octets up to `end`.
fn room_for(start: u64, end: u64) -> usize {
    let octets = (end - start) as usize;
    let cell = |room| CellWriter::new(room + couloir_wire::cell::STATUS_OCTETS, &Status::default());
    (octets..).find(|room| cell(*room).fragment_room(start) == octets).expect("headers are short")
}

/// After how long bulk is overdue in these tests.
const RETRY_MS: u64 = 8_000;
