//! The conversation as the engine carries it: heads, numbers, who waits, what expires.

use std::collections::{BTreeMap, BTreeSet};

use couloir_talks::hold::Hold;
use couloir_wire::cbor;
use couloir_wire::entry::{DeliveryState, Parent};
use couloir_wire::id::EntryId;
use couloir_wire::limits::PARENTS_MAX;
use minicbor::{Decode, Encode};

/// What is durable of the conversation besides its entries.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Stored {
    #[n(0)]
    heads: Vec<Parent>,
    #[n(1)]
    next_number: u64,
}

/// An entry that is not in the log yet.
#[derive(Debug, Clone)]
pub struct Unnumbered {
    /// Its encoding.
    pub encoded: Vec<u8>,
    /// Whether we said it, before the phrase was compared.
    pub is_own: bool,
}

/// The conversation.
#[derive(Default)]
pub struct Talk {
    /// Entries that no later one names as its parent.
    heads: Vec<Parent>,
    next_number: u64,
    /// Every entry ever kept.
    pub known: BTreeSet<EntryId>,
    /// Entries that wait.
    pub unnumbered: BTreeMap<EntryId, Unnumbered>,
    /// Who waits for whom.
    pub hold: Hold,
    /// Own entries that the peer has not acknowledged, and how far they came.
    pub undelivered: BTreeMap<EntryId, DeliveryState>,
    /// When what expires.
    pub expiring: BTreeSet<(i64, EntryId)>,
}

impl Talk {
    /// For the store.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(&Stored { heads: self.heads.clone(), next_number: self.next_number })
    }

    /// Takes back what was durable. False if it is damaged.
    pub fn restore(&mut self, octets: &[u8]) -> bool {
        let Ok(stored) = cbor::decode_strict::<Stored>(octets, STORED_OCTETS_MAX) else { return false };
        (self.heads, self.next_number) = (stored.heads, stored.next_number);
        true
    }

    /// What an entry said now has seen, sorted.
    pub fn parents(&self) -> Vec<Parent> {
        let mut parents = self.heads.clone();
        parents.sort_unstable();
        parents
    }

    /// Parents that are not in the log.
    pub fn missing(&self, parents: &[Parent]) -> BTreeSet<EntryId> {
        let is_missing = |id: &EntryId| !self.known.contains(id) || self.unnumbered.contains_key(id);
        parents.iter().map(|parent| parent.id).filter(is_missing).collect()
    }

    /// An entry goes into the log: its permanent number. It is a head until a later one names it.
    pub fn number(&mut self, entry: Parent, parents: &[Parent]) -> u64 {
        self.heads.retain(|head| !parents.iter().any(|parent| parent.id == head.id));
        if self.heads.len() >= PARENTS_MAX {
            self.heads.remove(0);
        }
        self.heads.push(entry);
        self.next_number += 1;
        self.next_number
    }
}

const STORED_OCTETS_MAX: usize = 4 * 1024;
