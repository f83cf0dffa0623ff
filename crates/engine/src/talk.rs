//! Conversations as the engine carries them: heads, numbers, who waits, what expires.

use std::collections::{BTreeMap, BTreeSet};

use couloir_talks::hold::Hold;
use couloir_wire::cbor;
use couloir_wire::entry::{Body, Entry, Parent};
use couloir_wire::id::{ConversationId, Digest, EntryId, PostId};
use couloir_wire::limits::{CONVERSATIONS_MAX, NUMBER_JUMP_MAX, PARENTS_MAX};
use minicbor::{Decode, Encode};

use crate::engine::RecoverError;
use crate::known::Known;
use crate::planted::planted;
use crate::store::{Snapshot, StateKey, StoredEntry};

/// What is durable of all conversations together.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Stored {
    #[n(0)]
    next_number: u64,
}

/// What is durable of one conversation besides its entries.
#[derive(Debug, Clone, Default, Encode, Decode)]
#[cbor(array)]
pub struct Conversation {
    /// Entries that no later one names as its parent.
    #[n(0)]
    heads: Vec<Parent>,
    /// The greatest number of an entry in it.
    #[n(1)]
    number: u64,
    /// Its notes and files expire so long after they were said, in milliseconds, unless one says otherwise.
    #[n(2)]
    pub expires_after_ms: Option<u64>,
    /// The posts that read it, as its opening says; none before that came, and in the first conversation of a link.
    #[n(3)]
    pub members: Vec<PostId>,
}

/// An entry that is not in the log yet.
#[derive(Debug, Clone)]
pub struct Unnumbered {
    /// Its encoding.
    pub encoded: Vec<u8>,
    /// Whether we said it, before the phrase was compared.
    pub is_own: bool,
}

impl Unnumbered {
    fn of(stored: &StoredEntry) -> (EntryId, Unnumbered) {
        (stored.id, Unnumbered { encoded: stored.encoded.clone(), is_own: stored.is_own })
    }
}

/// All that is said, and all that waits.
#[derive(Default)]
pub struct Talk {
    conversations: BTreeMap<ConversationId, Conversation>,
    next_number: u64,
    /// Every entry ever kept.
    pub known: Known,
    /// Entries that wait.
    pub unnumbered: BTreeMap<EntryId, Unnumbered>,
    /// Who waits for whom.
    pub hold: Hold,
    /// When what expires.
    pub expiring: BTreeSet<(i64, EntryId)>,
}

impl Talk {
    /// For the store: what all conversations share.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(&Stored { next_number: self.next_number })
    }

    /// For the store: one conversation.
    pub fn encode_conversation(&self, id: ConversationId) -> Option<Vec<u8>> {
        self.conversations.get(&id).map(cbor::encode)
    }

    /// Takes back what was durable.
    pub fn recover(&mut self, snapshot: &mut Snapshot) -> Result<(), RecoverError> {
        for (key, octets) in &snapshot.states {
            match key {
                StateKey::Talk => {
                    let stored: Option<Stored> = cbor::decode_strict(octets, STORED_OCTETS_MAX).ok();
                    self.next_number = stored.ok_or(RecoverError::Damaged("talk"))?.next_number;
                }
                StateKey::Conversation(id) => {
                    let stored = cbor::decode_strict(octets, STORED_OCTETS_MAX).ok();
                    let stored = stored.ok_or(RecoverError::Damaged("conversation"))?;
                    self.conversations.insert(*id, stored);
                }
                _ => {}
            }
        }
        self.known =
            if planted!(ForgetsKnown) { Default::default() } else { std::mem::take(&mut snapshot.known) };
        self.expiring = snapshot.expiring.iter().copied().collect();
        self.unnumbered = snapshot.unnumbered.iter().map(Unnumbered::of).collect();
        Ok(())
    }

    /// Every conversation of which an entry is in the log, and the posts that read it, where its opening came.
    pub fn conversations(&self) -> impl Iterator<Item = (ConversationId, &[PostId])> {
        self.conversations.iter().map(|(id, known)| (*id, known.members.as_slice()))
    }

    /// A conversation of which an entry is in the log.
    pub fn conversation(&self, id: ConversationId) -> Option<&Conversation> {
        self.conversations.get(&id)
    }

    /// When an entry expires, in milliseconds since 1970.
    pub fn expiry_of(&self, id: EntryId) -> Option<i64> {
        self.expiring.iter().find(|(_, expiring)| *expiring == id).map(|(at_ms, _)| *at_ms)
    }

    /// Whether another conversation may begin.
    pub fn has_room(&self) -> bool {
        self.conversations.len() < CONVERSATIONS_MAX
    }

    /// What an entry said now in a conversation has seen, sorted.
    pub fn parents(&self, conversation: ConversationId) -> Vec<Parent> {
        let mut parents =
            self.conversation(conversation).map(|known| known.heads.clone()).unwrap_or_default();
        parents.sort_unstable();
        parents
    }

    /// Parents that are not in the log.
    pub fn missing(&self, parents: &[Parent]) -> BTreeSet<EntryId> {
        let is_missing = |id: &EntryId| !self.known.contains(id) || self.unnumbered.contains_key(id);
        parents.iter().map(|parent| parent.id).filter(is_missing).collect()
    }

    /// Whether an entry's number can be true: nobody can use up the numbers of a conversation.
    pub fn is_number_plausible(&self, entry: &Entry, is_complete: bool) -> bool {
        let known = self.conversation(entry.conversation).map_or(0, |known| known.number);
        let jump = if is_complete { 1 } else { NUMBER_JUMP_MAX };
        entry.number() <= known.saturating_add(jump)
    }

    /// An entry is a head of its conversation until a later one names it.
    pub fn advance(&mut self, entry: &Entry, digest: Digest) {
        let head = Parent { id: entry.id, digest, number: entry.number() };
        let conversation = self.conversations.entry(entry.conversation).or_default();
        conversation.heads.retain(|head| !entry.parents.iter().any(|parent| parent.id == head.id));
        if conversation.heads.len() >= PARENTS_MAX {
            conversation.heads.remove(0);
        }
        conversation.heads.push(head);
        conversation.number = conversation.number.max(head.number);
        if let Body::Open(opening) = &entry.body {
            conversation.expires_after_ms = opening.expires_after_ms;
            conversation.members.clone_from(&opening.members);
        }
    }

    /// The next place in the log.
    pub fn next_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

const STORED_OCTETS_MAX: usize = 4 * 1024;
