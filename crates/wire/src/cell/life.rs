//! Lives of a node, as a cell tells them (PROTOCOL §4.8).

use crate::limits::STREAMS;

/// Which lives the two nodes are in: what shows that one of them was put back to an older state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Life {
    /// The writer's present life.
    pub writer: LifeId,
    /// The newest life of the other that the writer has heard; acknowledgements are for it.
    pub reader: LifeId,
    /// The other continues an older copy of its disk.
    pub is_put_back: bool,
    /// Where the writer's lives began, from the newest that the other has named to the present one; empty
    /// once the other names that; none below the one before it. At most [`crate::limits::LINEAGE_MAX`].
    pub lineage: Vec<Origin>,
}

/// Names a life: random, drawn when a process starts or a link is made anew.
pub type LifeId = [u8; 4];

/// Where a life began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
pub struct Origin {
    /// The life.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub life: LifeId,
    /// Octets said on each stream.
    #[n(1)]
    pub said: [u64; STREAMS],
    /// Octets of each stream of the other that were held, gaps not counted.
    #[n(2)]
    pub read: [u64; STREAMS],
}

impl Origin {
    /// Whether nothing was said or read.
    pub fn is_zero(&self) -> bool {
        self.octets().all(|octets| octets == 0)
    }

    /// Whether no stream lies below where `other` began.
    pub fn is_after(&self, other: &Origin) -> bool {
        self.octets().zip(other.octets()).all(|(own, other)| own >= other)
    }

    /// All of its numbers, in the order in which they are written.
    pub(super) fn octets(&self) -> impl Iterator<Item = u64> + '_ {
        self.said.iter().chain(&self.read).copied()
    }
}
