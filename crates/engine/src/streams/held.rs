//! Octets that a reader holds for messages that are not complete.

use std::collections::BTreeMap;

/// Disjoint pieces of a stream. Neighbours are joined while that is cheap, so that splinters, in
/// whatever order they come, cost little more than their octets.
#[derive(Clone, Default)]
pub(super) struct Held {
    chunks: BTreeMap<u64, Vec<u8>>,
    octets: u64,
}

impl Held {
    /// How many octets are held.
    pub(super) fn octets(&self) -> u64 {
        self.octets
    }

    /// The first offset at which `octets`, which start at `offset`, differ from what is held there. What
    /// expired on its way travels as zeros, which contradict nothing.
    pub(super) fn contradiction(&self, offset: u64, octets: &[u8]) -> Option<u64> {
        let end = offset + octets.len() as u64;
        self.chunks_of(offset, end).find_map(|(at, chunk)| {
            let from = at.max(offset);
            let to = end.min(at + chunk.len() as u64);
            let ours = &chunk[(from - at) as usize..(to - at) as usize];
            let theirs = &octets[(from - offset) as usize..(to - offset) as usize];
            if ours == theirs {
                return None;
            }
            let differs = |(our, their): (&u8, &u8)| our != their && *our != 0 && *their != 0;
            ours.iter().zip(theirs).position(differs).map(|i| from + i as u64)
        })
    }

    /// Holds `octets`, none of which is held yet, from `offset` on.
    pub(super) fn hold(&mut self, offset: u64, octets: &[u8]) {
        self.octets += octets.len() as u64;
        let before = self.chunks.range_mut(..offset).next_back();
        if let Some((at, chunk)) = before
            && at + chunk.len() as u64 == offset
            && chunk.len() < CHUNK_OCTETS_MAX
        {
            return chunk.extend_from_slice(octets);
        }
        let mut piece = octets.to_vec();
        let end = offset + octets.len() as u64;
        if self.chunks.get(&end).is_some_and(|chunk| chunk.len() < PREPEND_OCTETS_MAX) {
            piece.extend(self.chunks.remove(&end).unwrap_or_default());
        }
        self.chunks.insert(offset, piece);
    }

    /// Up to `N` held octets from `at` on, in a row.
    pub(super) fn peek<const N: usize>(&self, at: u64) -> ([u8; N], usize) {
        let (mut octets, mut len) = ([0; N], 0);
        for (start, chunk) in self.chunks_of(at, at + N as u64) {
            let next = at + len as u64;
            if start > next {
                break;
            }
            let part = &chunk[(next - start) as usize..];
            let taken = part.len().min(N - len);
            octets[len..len + taken].copy_from_slice(&part[..taken]);
            len += taken;
        }
        (octets, len)
    }

    /// A copy of the octets held in `[start, end)`.
    pub(super) fn copy(&self, start: u64, end: u64) -> Vec<u8> {
        let mut out = Vec::with_capacity((end - start).min(self.octets) as usize);
        for (at, chunk) in self.chunks_of(start, end) {
            let from = start.saturating_sub(at) as usize;
            let to = chunk.len().min((end - at) as usize);
            out.extend_from_slice(&chunk[from..to]);
        }
        out
    }

    /// Lets go of `[start, end)`.
    pub(super) fn remove(&mut self, start: u64, end: u64) {
        let touched: Vec<u64> = self.chunks_of(start, end).map(|(at, _)| at).collect();
        for at in touched {
            let Some(mut chunk) = self.chunks.remove(&at) else { continue };
            let chunk_end = at + chunk.len() as u64;
            self.octets -= chunk_end.min(end) - at.max(start);
            if chunk_end > end {
                self.chunks.insert(end, chunk[(end - at) as usize..].to_vec());
            }
            if at < start {
                chunk.truncate((start - at) as usize);
                self.chunks.insert(at, chunk);
            }
        }
    }

    /// The chunks that overlap `[start, end)`, with their offsets.
    pub(super) fn chunks_of(&self, start: u64, end: u64) -> impl Iterator<Item = (u64, &Vec<u8>)> {
        let before = self.chunks.range(..start).next_back();
        let before = before.filter(move |(at, chunk)| **at + chunk.len() as u64 > start && start < end);
        let within = self.chunks.range(start..end.max(start));
        before.into_iter().chain(within).map(|(at, chunk)| (*at, chunk))
    }
}

/// A chunk of this many octets does not grow at its end: a cell of a prompt route.
const CHUNK_OCTETS_MAX: usize = 64 * 1024;
/// A chunk of this many octets does not grow at its front, which would move it whole.
const PREPEND_OCTETS_MAX: usize = 4 * 1024;
