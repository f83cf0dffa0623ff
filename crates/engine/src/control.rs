//! Messages of the control stream: key changes, set-up, drills, receipts (PROTOCOL §4.7).

use couloir_wire::cbor;
use couloir_wire::id::{Digest, EntryId, InvitationId};
use couloir_wire::limits::MESSAGE_OCTETS_MAX;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use zeroize::Zeroize;

/// One message of the control stream.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Control {
    /// P's update for C's next commit.
    #[n(0)]
    Update {
        /// The epoch it was made in.
        #[n(0)]
        epoch: u64,
        /// As the key agreement encodes it.
        #[n(1)]
        octets: ByteVec,
    },
    /// C's commit.
    #[n(1)]
    Commit {
        /// The first hour of the epoch that it makes.
        #[n(0)]
        first_hour: u64,
        /// As the key agreement encodes it.
        #[n(1)]
        octets: ByteVec,
    },
    /// The joiner binds itself to its part of the phrase: SHA-256.
    #[n(2)]
    PhraseCommit(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    /// The inviter's part of the phrase.
    #[n(3)]
    PhraseNonce(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    /// The joiner's part of the phrase.
    #[n(4)]
    PhraseReveal(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    /// A test of the line: the number of a fixed text, and a nonce. Never an entry.
    #[n(5)]
    Drill {
        /// Random.
        #[cbor(n(0), with = "minicbor::bytes")]
        nonce: [u8; 16],
        /// Which of the fixed texts.
        #[n(1)]
        text: u8,
    },
    /// The machine's answer to a drill.
    #[n(6)]
    DrillAnswer {
        /// The drill's.
        #[cbor(n(0), with = "minicbor::bytes")]
        nonce: [u8; 16],
    },
    /// These entries were displayed by the writer's page or log.
    #[n(7)]
    Shown(#[n(0)] Vec<EntryId>),
    /// A charter version or revocation, for the other side to sign or take.
    #[n(8)]
    Paper(#[n(0)] ByteVec),
    /// After a restart: ids that the writer holds.
    #[n(9)]
    Inventory {
        /// At most [`INVENTORY_IDS_MAX`].
        #[n(0)]
        ids: Vec<EntryId>,
        /// No more follow.
        #[n(1)]
        is_last: bool,
    },
    /// This charter version, which waited for a signature, shall not come.
    #[n(10)]
    Withdraw(#[n(0)] Digest),
    /// Another node of the channel, with which a further link is to begin.
    #[n(11)]
    Introduce(#[n(0)] Introduction),
}

/// One end of a further link, as the node that has a link with both ends makes it. Its maker knows the secret,
/// which hides metadata only: who the ends are, their certified keys and the phrase tell.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Introduction {
    /// Random; the further link's.
    #[n(0)]
    pub id: InvitationId,
    /// From which the rendezvous secret comes.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub secret: [u8; 32],
    /// Whether the reader's end counts as the inviter's.
    #[n(2)]
    pub is_inviter: bool,
    /// The certificate of the other end.
    #[n(3)]
    pub certificate: ByteVec,
}

impl core::fmt::Debug for Introduction {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Introduction").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Drop for Introduction {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl Control {
    /// For the stream.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// From the stream; `None` if it is no message of ours or exceeds its bounds.
    pub fn decode(octets: &[u8]) -> Option<Control> {
        let message: Control = cbor::decode_strict(octets, MESSAGE_OCTETS_MAX).ok()?;
        let ids = match &message {
            Control::Shown(ids) | Control::Inventory { ids, .. } => ids.len(),
            _ => 0,
        };
        (ids <= INVENTORY_IDS_MAX).then_some(message)
    }
}

/// Ids in one message: 17 octets each, 34 kB in all.
pub const INVENTORY_IDS_MAX: usize = 2_000;

/// Fixed texts of the drills: harmless prose in which nothing can be read. A drill names one by its number.
pub const DRILL_TEXTS: [&str; 4] = [
    "The heron stands in the shallow water and waits for the fish.",
    "Rain fell on the cedar roof until the lamps were lit.",
    "A ferry crosses the strait four times a day in every season.",
    "The baker opens his shop before the first tram goes by.",
];
