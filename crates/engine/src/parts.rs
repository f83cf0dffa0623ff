//! The inside of a rendezvous cell, and messages cut into numbered parts (PROTOCOL §4.5).
//!
//! ```text
//! head (1)   bits 0-1: 0 cover, 1 nested, 2 part; bit 7: the writer's link is frozen
//! nested     a whole ordinary cell, sealed again under the epoch's key
//! part       message (4) number (1) count (1) length (2) octets, then padding
//! ```
//! A recovery turn therefore costs nothing: unless a rendezvous needs it, its cell holds an ordinary
//! one. Parts repeat in turn until the message is answered; with `n` parts, any `n` different ones do.

use std::collections::BTreeMap;

use couloir_seal::Entropy;
use couloir_wire::limits::RENDEZVOUS_OCTETS_MAX;

/// What a rendezvous cell held.
#[derive(Debug, PartialEq, Eq)]
pub enum Inside<'a> {
    /// Nothing.
    Cover,
    /// An ordinary cell.
    Nested(&'a [u8]),
    /// A part of a message.
    Part(Part<'a>),
}

/// One part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    message: [u8; 4],
    number: u8,
    count: u8,
    octets: &'a [u8],
}

/// Octets of the head of a rendezvous cell.
pub const HEAD_OCTETS: usize = 1;
const PART_HEADER_OCTETS: usize = 8;
const IS_FROZEN: u8 = 0x80;

/// Decodes the inside of a rendezvous cell; also tells whether its writer's link is frozen.
pub fn read(inside: &[u8]) -> Option<(Inside<'_>, bool)> {
    let (head, rest) = inside.split_first()?;
    let inside = match head & !IS_FROZEN {
        0 => Inside::Cover,
        1 => Inside::Nested(rest),
        2 => Inside::Part(read_part(rest)?),
        _ => return None,
    };
    Some((inside, head & IS_FROZEN != 0))
}

fn read_part(rest: &[u8]) -> Option<Part<'_>> {
    let (header, rest) = rest.split_first_chunk::<PART_HEADER_OCTETS>()?;
    let [a, b, c, d, number, count, high, low] = *header;
    let octets = rest.get(..usize::from(u16::from_be_bytes([high, low])))?;
    let is_sound = number < count && count <= PARTS_MAX && !octets.is_empty();
    is_sound.then_some(Part { message: [a, b, c, d], number, count, octets })
}

/// The inside of a cover cell of `len` octets.
pub fn cover(len: usize, is_frozen: bool) -> Vec<u8> {
    let mut inside = vec![0; len];
    inside[0] = if is_frozen { IS_FROZEN } else { 0 };
    inside
}

/// The inside that holds an ordinary cell.
pub fn nest(cell: &[u8], is_frozen: bool) -> Vec<u8> {
    let mut inside = Vec::with_capacity(HEAD_OCTETS + cell.len());
    inside.push(1 | if is_frozen { IS_FROZEN } else { 0 });
    inside.extend_from_slice(cell);
    inside
}

/// A message on its way out, part by part, round and round in each series: what a reader finds who
/// looks at one series alone is the whole message.
pub struct PartsOut {
    message: [u8; 4],
    octets: Vec<u8>,
    next: BTreeMap<Series, usize>,
}

/// Cells that a reader may be looking at alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// The route's place; routes begin at different parts.
    pub place: usize,
    /// Whether these are its recovery turns: a reader whose link stands looks at no other window.
    pub is_turn: bool,
}

impl PartsOut {
    /// Cuts `octets`; `entropy` names the message.
    pub fn new(octets: Vec<u8>, entropy: &mut Entropy) -> PartsOut {
        PartsOut { message: entropy.array(), octets, next: BTreeMap::new() }
    }

    /// The message's name.
    pub fn message(&self) -> [u8; 4] {
        self.message
    }

    /// The next part of `series`, as the inside of a cell of exactly `len` octets.
    pub fn next_inside(&mut self, series: Series, len: usize, is_frozen: bool) -> Vec<u8> {
        let inside = self.inside(series, len, is_frozen);
        let next = self.next.entry(series).or_insert(series.place);
        *next = next.wrapping_add(1);
        inside
    }

    /// The same without moving on: for a cell that leaves only if the one with content does not.
    pub fn inside(&self, series: Series, len: usize, is_frozen: bool) -> Vec<u8> {
        let piece = len.saturating_sub(HEAD_OCTETS + PART_HEADER_OCTETS).max(1);
        let count = self.octets.len().div_ceil(piece);
        let number = self.next.get(&series).copied().unwrap_or(series.place) % count.max(1);
        let octets = self.octets.chunks(piece).nth(number).unwrap_or_default();
        let mut inside = Vec::with_capacity(len);
        inside.push(2 | if is_frozen { IS_FROZEN } else { 0 });
        inside.extend(self.message);
        inside.extend([number as u8, count as u8]);
        inside.extend((octets.len() as u16).to_be_bytes());
        inside.extend(octets);
        inside.resize(len, 0);
        inside
    }

    /// How many cells of `len` octets inside hold the whole message.
    pub fn count(&self, len: usize) -> usize {
        self.octets.len().div_ceil(len.saturating_sub(HEAD_OCTETS + PART_HEADER_OCTETS).max(1))
    }
}

/// Messages coming in. Routes may have cells of different sizes, so parts of one message are kept by
/// their count; at most [`ASSEMBLIES_MAX`] are assembled at a time, the oldest gives way.
#[derive(Default)]
pub struct PartsIn(Vec<Assembly>);

struct Assembly {
    message: [u8; 4],
    parts: Vec<Option<Vec<u8>>>,
}

impl PartsIn {
    /// Takes a part; the whole message when it was the last one missing.
    pub fn take(&mut self, part: &Part<'_>) -> Option<Vec<u8>> {
        let count = usize::from(part.count);
        let is_same = |a: &Assembly| a.message == part.message && a.parts.len() == count;
        let at = self.0.iter().position(is_same).unwrap_or_else(|| {
            if self.0.len() >= ASSEMBLIES_MAX {
                self.0.remove(0);
            }
            self.0.push(Assembly { message: part.message, parts: vec![None; count] });
            self.0.len() - 1
        });
        self.0[at].parts[usize::from(part.number)] = Some(part.octets.to_vec());
        if self.0[at].parts.iter().any(Option::is_none) {
            return None;
        }
        let whole: Vec<u8> = self.0.remove(at).parts.into_iter().flatten().flatten().collect();
        (whole.len() <= RENDEZVOUS_OCTETS_MAX).then_some(whole)
    }
}

/// A message of 64 KiB in cells of 512 octets, and some.
const PARTS_MAX: u8 = 160;
const ASSEMBLIES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_whole_once_every_part_came_in_any_order() {
        let message: Vec<u8> = (0..10_000u32).map(|i| i as u8).collect();
        let mut out = PartsOut::new(message.clone(), &mut Entropy::from_seed(&[1; 32]));
        let insides: Vec<_> =
            (0..out.count(1_967)).map(|_| out.next_inside(series(0, true), 1_967, true)).collect();
        assert!(insides.iter().all(|inside| inside.len() == 1_967));
        let mut parts_in = PartsIn::default();
        let mut whole = None;
        for inside in insides.iter().skip(2).chain(&insides[..2]) {
            assert!(whole.is_none());
            let Some((Inside::Part(part), true)) = read(inside) else { panic!("not a part") };
            whole = parts_in.take(&part);
        }
        assert_eq!(whole, Some(message));
        assert!(parts_in.0.is_empty());
    }

    fn series(place: usize, is_turn: bool) -> Series {
        Series { place, is_turn }
    }

    #[test]
    fn each_series_alone_carries_the_whole_whatever_is_sealed_for_the_others() {
        let mut out = PartsOut::new(vec![7; 7_000], &mut Entropy::from_seed(&[1; 32]));
        let mut parts_in = PartsIn::default();
        let mut whole = None;
        for _ in 0..4 {
            out.inside(series(0, true), 2_000, false);
            out.next_inside(series(1, true), 2_000, false);
            (0..15).for_each(|_| drop(out.next_inside(series(0, false), 2_000, false)));
            let inside = out.next_inside(series(0, true), 2_000, false);
            let Some((Inside::Part(part), _)) = read(&inside) else { panic!("not a part") };
            whole = parts_in.take(&part).or(whole);
        }
        assert_eq!(whole, Some(vec![7; 7_000]));
    }

    #[test]
    fn any_octets_are_refused_or_bounded() {
        let mut parts_in = PartsIn::default();
        let mut entropy = Entropy::from_seed(&[2; 32]);
        for _ in 0..20_000 {
            let mut inside = vec![0; entropy.below(40) as usize];
            entropy.fill(&mut inside);
            if let Some((Inside::Part(part), _)) = read(&inside) {
                parts_in.take(&part);
            }
        }
        assert!(parts_in.0.len() <= ASSEMBLIES_MAX);
    }

    #[test]
    fn nesting_keeps_the_cell() {
        assert_eq!(read(&nest(&[1, 2, 3], false)), Some((Inside::Nested(&[1, 2, 3]), false)));
        assert_eq!(read(&cover(9, true)), Some((Inside::Cover, true)));
    }
}
