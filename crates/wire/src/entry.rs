//! Entries: one thing said (PROTOCOL §7).

use crate::cbor::{self, CborError};
use crate::id::{ConversationId, Digest, EntryId, PostId};
use crate::limits::{ENTRY_OCTETS_MAX, PARENTS_MAX, TEXT_OCTETS_MAX};
use crate::text::{TextError, check_body, check_name};
use minicbor::{Decode, Encode};

/// How soon an entry must be with the other desk; also the stream that carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Precedence {
    /// Before everything else, and never held for a missing parent.
    #[n(1)]
    Flash,
    /// Before priority.
    #[n(2)]
    Immediate,
    /// Before routine.
    #[n(3)]
    Priority,
    /// The ordinary.
    #[n(4)]
    Routine,
}

impl Precedence {
    /// All, most urgent first.
    pub const ALL: [Precedence; 4] =
        [Precedence::Flash, Precedence::Immediate, Precedence::Priority, Precedence::Routine];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Precedence::Flash => "flash",
            Precedence::Immediate => "immediate",
            Precedence::Priority => "priority",
            Precedence::Routine => "routine",
        }
    }
}

/// What an entry's author had seen: an earlier entry, and the hash of it as this author holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Parent {
    /// The earlier entry.
    #[n(0)]
    pub id: EntryId,
    /// SHA-256 of its encoding, salt included.
    #[n(1)]
    pub digest: Digest,
}

/// One thing said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Entry {
    /// Random.
    #[n(0)]
    pub id: EntryId,
    /// Where it was said.
    #[n(1)]
    pub conversation: ConversationId,
    /// Who said it.
    #[n(2)]
    pub author: PostId,
    /// What its author had seen; sorted, at most [`PARENTS_MAX`].
    #[n(3)]
    pub parents: Vec<Parent>,
    /// The author's time, in milliseconds since 1970.
    #[n(4)]
    pub at_ms: i64,
    /// How urgent.
    #[n(5)]
    pub precedence: Precedence,
    /// When both sides forget it, in milliseconds since 1970.
    #[n(6)]
    pub expires_ms: Option<i64>,
    /// Random, so that the hash of a short text cannot be guessed.
    #[cbor(n(7), with = "minicbor::bytes")]
    pub salt: [u8; 16],
    /// What is said.
    #[n(8)]
    pub body: Body,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Body {
    /// Text, off the record.
    #[n(0)]
    Note {
        /// The text.
        #[n(0)]
        text: String,
    },
    /// A file; its octets travel in the bulk stream under the entry's id.
    #[n(1)]
    File {
        /// The name its author gave; a label, never a path.
        #[n(0)]
        name: String,
        /// Its length in octets.
        #[n(1)]
        len: u64,
        /// SHA-256 of its octets.
        #[n(2)]
        digest: Digest,
    },
    /// A deliberate act upon an earlier entry: received, and no answer for now.
    #[n(2)]
    Answer {
        /// The entry so answered.
        #[n(0)]
        entry: EntryId,
        /// Until when an answer is deferred, in milliseconds since 1970; withheld if there is none.
        #[n(1)]
        deferred_until_ms: Option<i64>,
    },
}

impl Body {
    /// The word for its kind, as `log --json` shows it.
    pub fn word(&self) -> &'static str {
        match self {
            Body::Note { .. } => "note",
            Body::File { .. } => "file",
            Body::Answer { deferred_until_ms: Some(_), .. } => "deferred",
            Body::Answer { deferred_until_ms: None, .. } => "withheld",
        }
    }
}

/// Why an entry was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It is not the one encoding of an entry.
    #[error("the entry's encoding is not acceptable")]
    Encoding(#[source] CborError),
    /// Its text is not acceptable.
    #[error("the entry's text is not acceptable")]
    Text(#[source] TextError),
    /// Parents are too many, repeated, or not sorted.
    #[error("the entry's parents are not acceptable")]
    Parents,
    /// Its file is larger than allowed.
    #[error("the entry's file is too large")]
    FileTooLarge,
}

impl Entry {
    /// The one encoding: what travels, is stored and is hashed.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Decodes and checks an entry; accepts only what [`Entry::encode`] would have written.
    pub fn decode(bytes: &[u8]) -> Result<Entry, EntryError> {
        let entry: Entry = cbor::decode_strict(bytes, ENTRY_OCTETS_MAX).map_err(EntryError::Encoding)?;
        entry.check()?;
        Ok(entry)
    }

    /// Checks bounds and text.
    pub fn check(&self) -> Result<(), EntryError> {
        let is_sorted = self.parents.windows(2).all(|pair| pair[0].id < pair[1].id);
        if self.parents.len() > PARENTS_MAX || !is_sorted {
            return Err(EntryError::Parents);
        }
        match &self.body {
            Body::Note { text } => check_body(text, TEXT_OCTETS_MAX).map_err(EntryError::Text),
            Body::File { len, .. } if *len > crate::limits::FILE_OCTETS_MAX => Err(EntryError::FileTooLarge),
            Body::File { name, .. } => check_name(name).map_err(EntryError::Text),
            Body::Answer { .. } => Ok(()),
        }
    }
}

/// How far an entry has come. Only ever moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum DeliveryState {
    /// Durable here.
    #[n(0)]
    Kept,
    /// Left on some route.
    #[n(1)]
    Carried,
    /// The peer's authenticated acknowledgement covers all of it.
    #[n(2)]
    Delivered,
    /// The peer's page or log displayed it.
    #[n(3)]
    Shown,
}

impl DeliveryState {
    /// All, in order.
    pub const ALL: [DeliveryState; 4] =
        [DeliveryState::Kept, DeliveryState::Carried, DeliveryState::Delivered, DeliveryState::Shown];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            DeliveryState::Kept => "kept",
            DeliveryState::Carried => "carried",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Shown => "shown",
        }
    }
}
