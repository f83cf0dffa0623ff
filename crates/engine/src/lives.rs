//! Lives: how a node that was put back to an older state is found out (PROTOCOL §4.8).
//!
//! *A life* begins when a process starts or a link is made anew. Until the other has heard of it, every cell
//! tells where each stream stood when it began. *Put back.* Streams never fall back from one life to the
//! next; a newer life that begins below what was read before comes from an older copy of the disk. Nothing
//! of it is read, and it is told so. *Acknowledgements* count only for the life that they name, so that what
//! was acknowledged before is never taken for what the older copy said instead.

use couloir_wire::cell::{Ack, Life, Stream};
use couloir_wire::limits::STREAMS;
use couloir_wire::time::WallTime;

/// Both nodes' lives, as one of them knows them.
#[derive(Debug, Clone, Default)]
pub struct Lives {
    own: [u8; 4],
    starts: [u64; STREAMS],
    is_own_heard: bool,
    /// Lives of the peer that were found in order, oldest first.
    pub heard: Vec<[u8; 4]>,
    newest: Option<([u8; 4], WallTime)>,
    /// Where the newest life began: nothing of an older one reaches further.
    newest_starts: Vec<(Stream, u64)>,
    is_peer_put_back: bool,
}

/// What the lives in a cell mean for what else it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// Its fragments and acknowledgements count.
    Good {
        /// A life was heard of for the first time: durable state changed.
        is_new: bool,
        /// Its acknowledgements are for our present life.
        acks_count: bool,
    },
    /// Its fragments do not count: its writer was put back, or the life is not known yet.
    Strange,
    /// We were put back.
    WePutBack,
}

impl Lives {
    /// A life of ours begins with the streams at `starts`.
    pub fn begin(&mut self, own: [u8; 4], starts: [u64; STREAMS]) {
        (self.own, self.starts, self.is_own_heard) = (own, starts, false);
    }

    /// A link was made anew: nothing was heard on it.
    pub fn restart(&mut self, own: [u8; 4]) {
        *self = Lives::default();
        self.begin(own, [0; STREAMS]);
    }

    /// What our cells say.
    pub fn say(&self) -> Life {
        let starts = Stream::ALL.into_iter().zip(self.starts).filter(|_| !self.is_own_heard);
        Life {
            writer: self.own,
            reader: self.newest.map(|(life, _)| life).or(self.heard.last().copied()).unwrap_or_default(),
            is_put_back: self.is_peer_put_back,
            starts: starts.collect(),
        }
    }

    /// Whether a fragment of `writer`'s that ends at `end` may be read: what an older life said beyond the
    /// start of the newest shows that the newest was put back.
    pub fn admits(&mut self, writer: [u8; 4], stream: Stream, end: u64) -> bool {
        let is_newest = self.newest.is_none_or(|(newest, _)| newest == writer);
        let is_beyond = !is_newest && start_of(stream, &self.newest_starts).is_some_and(|start| end > start);
        self.is_peer_put_back |= is_beyond;
        !is_beyond
    }

    /// Judges a cell that was written at `written`; `read` is what was read of the peer's streams.
    pub fn judge(&mut self, life: &Life, written: WallTime, read: &[Ack]) -> Judgement {
        let is_for_us = life.reader == self.own;
        if is_for_us && life.is_put_back {
            return Judgement::WePutBack;
        }
        self.is_own_heard |= is_for_us;
        let is_newer = self.newest.is_none_or(|(_, newest)| newest <= written);
        if self.heard.contains(&life.writer) {
            if is_newer {
                self.newest = Some((life.writer, written));
            }
            return Judgement::Good { is_new: false, acks_count: is_for_us };
        }
        if life.starts.is_empty() {
            return Judgement::Strange;
        }
        let is_put_back = is_newer && life.starts.iter().any(|(stream, start)| *start < reach(*stream, read));
        if is_newer {
            self.newest = Some((life.writer, written));
            self.newest_starts.clone_from(&life.starts);
        }
        if is_put_back {
            self.is_peer_put_back = true;
            return Judgement::Strange;
        }
        self.heard.push(life.writer);
        if self.heard.len() > LIVES_HEARD_MAX {
            self.heard.remove(0);
        }
        Judgement::Good { is_new: true, acks_count: is_for_us }
    }
}

/// Where a stream began in `starts`.
fn start_of(stream: Stream, starts: &[(Stream, u64)]) -> Option<u64> {
    starts.iter().find(|(of, _)| *of == stream).map(|(_, start)| *start)
}

/// How far a stream was read, gaps included.
fn reach(stream: Stream, read: &[Ack]) -> u64 {
    let ack = read.iter().find(|ack| ack.stream == stream);
    ack.map_or(0, |ack| ack.ranges.last().map_or(ack.delivered, |(_, end)| *end))
}

/// Lives of one peer that are remembered: what a search may find between two of our own.
const LIVES_HEARD_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn life(writer: u8, start: u64) -> Life {
        Life { writer: [writer; 4], starts: vec![(Stream::Routine, start)], ..Life::default() }
    }

    fn read(delivered: u64) -> Vec<Ack> {
        vec![Ack { stream: Stream::Routine, delivered, ranges: Vec::new() }]
    }

    #[test]
    fn a_newer_life_that_begins_below_what_was_read_was_put_back() {
        let mut lives = Lives::default();
        lives.begin([9; 4], [0; STREAMS]);
        let good = Judgement::Good { is_new: true, acks_count: false };
        assert_eq!(lives.judge(&life(1, 0), WallTime(10), &read(0)), good);
        assert_eq!(lives.judge(&life(2, 300), WallTime(20), &read(300)), good);
        assert_eq!(lives.judge(&life(3, 100), WallTime(30), &read(300)), Judgement::Strange);
        assert!(lives.say().is_put_back && lives.say().reader == [3; 4]);
    }

    #[test]
    fn an_older_life_that_is_found_later_is_in_order() {
        let mut lives = Lives::default();
        lives.begin([9; 4], [0; STREAMS]);
        lives.judge(&life(2, 300), WallTime(20), &read(0));
        let older = lives.judge(&life(1, 0), WallTime(10), &read(400));
        assert_eq!(older, Judgement::Good { is_new: true, acks_count: false });
        assert_eq!(lives.say().reader, [2; 4]);
        assert!(lives.admits([1; 4], Stream::Routine, 300) && lives.admits([2; 4], Stream::Routine, 900));
        assert!(!lives.say().is_put_back);
        assert!(!lives.admits([1; 4], Stream::Routine, 301));
        assert!(lives.say().is_put_back, "an older life reached beyond the start of the newest");
    }

    #[test]
    fn acknowledgements_count_for_the_life_they_name() {
        let mut lives = Lives::default();
        lives.begin([9; 4], [7; STREAMS]);
        assert_eq!(lives.say().starts.len(), STREAMS);
        let told = Life { reader: [9; 4], ..life(1, 0) };
        let judgement = lives.judge(&told, WallTime(1), &[]);
        assert_eq!(judgement, Judgement::Good { is_new: true, acks_count: true });
        assert!(lives.say().starts.is_empty());
        let back = Life { is_put_back: true, ..told };
        assert_eq!(lives.judge(&back, WallTime(2), &[]), Judgement::WePutBack);
    }
}
