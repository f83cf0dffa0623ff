//! Lives: how a node that was put back to an older state is found out (PROTOCOL §4.8).
//!
//! *A life* begins when a process starts or a link is made anew. Its [`Origin`] says where both directions
//! of each stream stood then. *The lineage.* Until the other names its life, every cell of a node tells the
//! origins of all lives since the last one that was named. The other appends them to the chain of lives that
//! it knows. *Put back.* A life that follows another than the newest known, that begins below what was read
//! of its forebears or acknowledged by them, or a forebear that is found to reach beyond its successor's
//! origin: each shows that the writer continues an older copy of its disk. Nothing more of it is read, and
//! it is told so. No clock decides. *Acknowledgements* count only for the life that they name, so that what
//! was acknowledged before is never taken for what the older copy said instead. *Unnamed.* A peer that
//! hears us and goes on naming another life holds a chain that ours is no part of: we make the link anew.

use couloir_wire::cell::{Ack, Life, LifeId, Origin, Stream};
use couloir_wire::limits::{LINEAGE_MAX, STREAMS};
use couloir_wire::time::Moment;
use minicbor::{Decode, Encode};

use crate::planted::planted;

/// Both nodes' lives, as one of them knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Lives {
    /// Own lives from the newest that the peer named on; the last is the present one.
    #[n(0)]
    own: Vec<Origin>,
    /// Whether anything could leave in the present life.
    #[n(1)]
    has_spoken: bool,
    /// The peer's lives in order, the newest last.
    #[n(2)]
    heard: Vec<Origin>,
    #[n(3)]
    is_peer_put_back: bool,
    #[cbor(skip)]
    naming: Naming,
}

/// Whether the peer's last cell named our present life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Naming {
    /// It did.
    Named,
    /// It named another or none.
    #[default]
    Unnamed,
    /// So did all since then, although it hears us.
    UnnamedSince(Moment),
}

/// Where the streams stand at the reader of a life.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standing {
    /// How far each stream of the peer was read, gaps included.
    pub reach: [u64; STREAMS],
    /// Octets of each own stream that the peer acknowledged.
    pub acked: [u64; STREAMS],
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
    /// Its fragments do not count: its writer was put back, or the life is not known.
    Strange,
    /// We were put back.
    WePutBack,
}

/// Where a life belongs.
enum Place {
    Known,
    Next(Vec<Origin>),
    /// It tells no lineage, because its writer believes that we know it.
    Untold,
    Forked,
}

impl Lives {
    /// A process starts, with the streams at `origin`.
    pub fn begin(&mut self, origin: Origin) {
        match self.own.last_mut() {
            // Nobody heard anything of the life before; it began where its successor does, or below.
            Some(last) if !self.has_spoken => last.life = origin.life,
            _ => self.own.push(origin),
        }
        if self.own.len() > LINEAGE_MAX {
            // The second and the third become one, with the earlier origin: at worst a false alarm.
            let earlier = self.own.remove(1);
            self.own[1] = Origin { life: self.own[1].life, ..earlier };
        }
        (self.has_spoken, self.naming) = (false, Naming::Unnamed);
    }

    /// From now on something may leave. True if durable state changed.
    pub fn speak(&mut self) -> bool {
        !std::mem::replace(&mut self.has_spoken, true)
    }

    /// A link was made anew: nothing was heard on it.
    pub fn restart(&mut self, life: LifeId) {
        *self =
            Lives { own: vec![Origin { life, ..Origin::default() }], has_spoken: true, ..Lives::default() };
    }

    fn present(&self) -> LifeId {
        self.own.last().map(|origin| origin.life).unwrap_or_default()
    }

    /// What our cells say.
    pub fn say(&self) -> Life {
        Life {
            writer: self.present(),
            reader: self.heard.last().map(|origin| origin.life).unwrap_or_default(),
            is_put_back: self.is_peer_put_back,
            lineage: if self.naming == Naming::Named { Vec::new() } else { self.own.clone() },
        }
    }

    /// Judges a cell.
    pub fn judge(&mut self, life: &Life, standing: &Standing) -> Judgement {
        if life.is_put_back {
            return Judgement::WePutBack;
        }
        self.named(life.reader);
        let acks_count = life.reader == self.present() || planted!(TrustsEveryLife);
        match self.place(life, standing) {
            Place::Known => Judgement::Good { is_new: false, acks_count },
            Place::Next(origins) => {
                self.heard.extend(origins);
                let surplus = self.heard.len().saturating_sub(LIVES_HEARD_MAX);
                self.heard.drain(..surplus);
                Judgement::Good { is_new: true, acks_count }
            }
            Place::Untold | Place::Forked if planted!(TrustsEveryLife) => {
                Judgement::Good { is_new: false, acks_count }
            }
            Place::Untold => Judgement::Strange,
            Place::Forked => {
                self.is_peer_put_back = true;
                Judgement::Strange
            }
        }
    }

    fn named(&mut self, reader: LifeId) {
        self.naming = match self.naming {
            _ if reader == self.present() => Naming::Named,
            Naming::Named => Naming::Unnamed,
            naming => naming,
        };
        if let Some(at) = self.own.iter().position(|origin| origin.life == reader).filter(|at| *at > 0) {
            self.own.drain(..at);
        }
    }

    fn place(&self, life: &Life, standing: &Standing) -> Place {
        if self.knows(life.writer) {
            return Place::Known;
        }
        let Some(first) = life.lineage.first() else { return Place::Untold };
        let known = life.lineage.iter().rposition(|origin| self.knows(origin.life));
        let next = match (known, self.heard.last()) {
            (None, None) if first.is_zero() => &life.lineage[..],
            (Some(at), Some(newest)) if life.lineage[at].life == newest.life => &life.lineage[at + 1..],
            _ => return Place::Forked,
        };
        let floor = Origin { life: LifeId::default(), said: standing.reach, read: standing.acked };
        let mut before = self.heard.last().copied().unwrap_or_default();
        let follows = |origin: &Origin| {
            let is_after = origin.is_after(&before) && origin.is_after(&floor);
            before = *origin;
            is_after
        };
        if next.iter().all(follows) { Place::Next(next.to_vec()) } else { Place::Forked }
    }

    fn knows(&self, life: LifeId) -> bool {
        self.heard.iter().any(|origin| origin.life == life)
    }

    fn successor(&self, life: LifeId) -> Option<&Origin> {
        let at = self.heard.iter().position(|origin| origin.life == life)?;
        self.heard.get(at + 1)
    }

    /// Whether a fragment that `writer` said and that ends at `end` may be read.
    pub fn admits(&mut self, writer: LifeId, stream: Stream, end: u64) -> bool {
        let is_within = self.successor(writer).is_none_or(|next| end <= next.said[stream.index()]);
        self.is_peer_put_back |= !is_within;
        is_within
    }

    /// Whether an acknowledgement that `writer` gave may count.
    pub fn admits_ack(&mut self, writer: LifeId, ack: &Ack) -> bool {
        let held = ack.ranges.iter().map(|(start, end)| end - start).fold(ack.delivered, u64::saturating_add);
        let is_within = self.successor(writer).is_none_or(|next| held <= next.read[ack.stream.index()]);
        self.is_peer_put_back |= !is_within;
        is_within
    }

    /// A peer that hears us wrote lately. True if it has named another life than ours for too long.
    pub fn is_disowned(&mut self, now: Moment, patience_ms: u64) -> bool {
        match self.naming {
            Naming::Named => false,
            _ if planted!(TrustsEveryLife) => false,
            Naming::Unnamed => {
                self.naming = Naming::UnnamedSince(now);
                false
            }
            Naming::UnnamedSince(since) => now.since_ms(since) > patience_ms,
        }
    }
}

/// Lives of one peer that are remembered: what a search may find between two of our own.
const LIVES_HEARD_MAX: usize = 64;
const _: () = assert!(LIVES_HEARD_MAX > LINEAGE_MAX);

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(life: u8, said: u64, read: u64) -> Origin {
        let of_routine =
            |octets| Stream::ALL.map(|stream| if stream == Stream::Routine { octets } else { 0 });
        Origin { life: [life; 4], said: of_routine(said), read: of_routine(read) }
    }

    fn standing(reach: u64, acked: u64) -> Standing {
        let Origin { said, read, .. } = origin(0, reach, acked);
        Standing { reach: said, acked: read }
    }

    fn cell(lineage: &[Origin]) -> Life {
        let writer = lineage.last().map(|origin| origin.life).unwrap_or_default();
        Life { writer, lineage: lineage.to_vec(), ..Life::default() }
    }

    const NEW: Judgement = Judgement::Good { is_new: true, acks_count: false };
    const KNOWN: Judgement = Judgement::Good { is_new: false, acks_count: false };

    fn reader() -> Lives {
        let mut lives = Lives::default();
        lives.restart([9; 4]);
        lives
    }

    #[test]
    fn a_life_that_begins_below_what_was_read_was_put_back() {
        let mut lives = reader();
        assert_eq!(lives.judge(&cell(&[origin(1, 0, 0)]), &standing(0, 0)), NEW);
        assert_eq!(
            lives.judge(&cell(&[origin(1, 0, 0), origin(2, 100, 0)]), &standing(300, 0)),
            Judgement::Strange
        );
        assert!(lives.say().is_put_back && lives.say().reader == [1; 4]);
    }

    #[test]
    fn a_life_that_forgot_what_it_acknowledged_was_put_back() {
        let mut lives = reader();
        assert_eq!(lives.judge(&cell(&[origin(1, 0, 0)]), &standing(0, 0)), NEW);
        assert_eq!(
            lives.judge(&cell(&[origin(1, 0, 0), origin(2, 0, 50)]), &standing(0, 51)),
            Judgement::Strange
        );
    }

    #[test]
    fn a_life_beside_a_known_one_was_put_back() {
        let mut lives = reader();
        let first = origin(1, 0, 0);
        assert_eq!(lives.judge(&cell(&[first, origin(2, 10, 0), origin(3, 20, 0)]), &standing(0, 0)), NEW);
        assert_eq!(
            lives.judge(&cell(&[first, origin(2, 10, 0)]), &standing(40, 0)),
            KNOWN,
            "a search finds it later"
        );
        assert_eq!(lives.judge(&cell(&[first, origin(4, 90, 0)]), &standing(40, 0)), Judgement::Strange);
        assert!(lives.say().is_put_back);
    }

    #[test]
    fn a_forebear_that_reached_beyond_its_successor_shows_that_the_successor_was_put_back() {
        let mut lives = reader();
        lives.judge(&cell(&[origin(1, 0, 0), origin(2, 300, 7)]), &standing(0, 0));
        let ack = |delivered| Ack { stream: Stream::Routine, delivered, ranges: Vec::new() };
        assert!(lives.admits([1; 4], Stream::Routine, 300) && lives.admits([2; 4], Stream::Routine, 900));
        assert!(lives.admits_ack([1; 4], &ack(7)) && lives.admits_ack([2; 4], &ack(8)));
        assert!(!lives.say().is_put_back);
        assert!(!lives.admits([1; 4], Stream::Routine, 301));
        assert!(std::mem::take(&mut lives.is_peer_put_back));
        assert!(!lives.admits_ack([1; 4], &ack(8)) && lives.say().is_put_back);
    }

    #[test]
    fn a_lineage_is_told_until_the_life_is_named_and_stays_bounded() {
        let mut lives = Lives::default();
        lives.restart([1; 4]);
        for life in 2..60 {
            lives.begin(origin(life, u64::from(life), 0));
            assert!(lives.speak());
        }
        assert_eq!(lives.say().lineage.len(), LINEAGE_MAX);
        assert_eq!(
            lives.say().lineage[1].said[Stream::Routine.index()],
            2,
            "the earliest that was not named"
        );
        let named = Life { reader: [59; 4], ..cell(&[origin(1, 0, 0)]) };
        assert_eq!(lives.judge(&named, &standing(0, 0)), Judgement::Good { is_new: true, acks_count: true });
        assert_eq!((lives.say().lineage.len(), lives.own.len()), (0, 1));
        let back = Life { is_put_back: true, ..named };
        assert_eq!(lives.judge(&back, &standing(0, 0)), Judgement::WePutBack);
    }

    #[test]
    fn a_life_in_which_nothing_left_gives_its_origin_to_the_next() {
        let mut lives = Lives::default();
        lives.restart([1; 4]);
        lives.begin(origin(2, 10, 0));
        lives.begin(origin(3, 20, 0));
        let told: Vec<_> =
            lives.say().lineage.iter().map(|o| (o.life[0], o.said[Stream::Routine.index()])).collect();
        assert_eq!(told, [(1, 0), (3, 10)]);
    }

    #[test]
    fn a_peer_that_hears_and_goes_on_naming_another_life_disowns_ours() {
        let mut lives = reader();
        assert!(!lives.is_disowned(Moment(5), 100) && !lives.is_disowned(Moment(105), 100));
        assert!(lives.is_disowned(Moment(106), 100));
        let named = Life { reader: [9; 4], ..cell(&[origin(1, 0, 0)]) };
        lives.judge(&named, &standing(0, 0));
        lives.judge(&cell(&[origin(1, 0, 0)]), &standing(0, 0));
        assert!(!lives.is_disowned(Moment(900), 100), "it was named meanwhile");
        lives.judge(&named, &standing(0, 0));
        assert!(!lives.is_disowned(Moment(9_000), 100));
    }
}
