//! The link to the peer: streams, epochs, and the stage of making it (PROTOCOL §4).

use couloir_seal::HourKey;
use couloir_seal::rendezvous::Rendezvous;
use couloir_wire::cbor;
use couloir_wire::id::{Digest, IncarnationId};
use couloir_wire::papers::SignedRendezvous;
use couloir_wire::time::Moment;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::keys::Epochs;
use crate::lives::Lives;
use crate::parts::{PartsIn, PartsOut};
use crate::streams::{RecvStreams, SendStreams};

/// Where the making of the link stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Stage {
    /// Nothing to say: the inviter before first contact, and every established link.
    #[n(0)]
    Quiet,
    /// A link is wanted; hello is said as soon as a route's time is known.
    #[n(1)]
    Wanted,
    /// Hello is being said.
    #[n(2)]
    Hello(#[n(0)] Said),
    /// A hello was answered.
    #[n(3)]
    Answered(#[n(0)] Said, #[n(1)] Heard),
    /// An answer was confirmed; the link stands, and is confirmed until the peer is heard on it.
    #[n(4)]
    Confirmed(#[n(0)] ByteVec),
}

/// What we said of ourselves, durable so that it is said unchanged after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Said {
    /// The signed message.
    #[n(0)]
    pub message: ByteVec,
    /// Its nonce.
    #[n(1)]
    pub nonce: Digest,
    /// Our new incarnation.
    #[n(2)]
    pub incarnation: IncarnationId,
    /// P: what joins with C's welcome.
    #[n(3)]
    pub join: Option<ByteVec>,
    /// C: the group made from P's key package, and the salt of its first epoch.
    #[n(4)]
    pub created: Option<ByteVec>,
}

/// What the peer said of itself in its hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Heard {
    /// Its nonce.
    #[n(0)]
    pub nonce: Digest,
    /// Its new incarnation.
    #[n(1)]
    pub incarnation: IncarnationId,
    /// The hour before which it needs no key.
    #[n(2)]
    pub first_hour: u64,
}

impl Stage {
    /// The message that is said in this stage.
    pub fn message(&self) -> Option<&[u8]> {
        match self {
            Stage::Quiet | Stage::Wanted => None,
            Stage::Hello(said) | Stage::Answered(said, _) => Some(&said.message),
            Stage::Confirmed(message) => Some(message),
        }
    }
}

/// How the phrase's exchange stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(array)]
pub struct PhraseState {
    /// Our nonce.
    #[n(0)]
    pub own: Option<Digest>,
    /// The joiner's commitment, at the inviter.
    #[n(1)]
    pub commitment: Option<Digest>,
    /// Epoch 1's authenticator.
    #[n(2)]
    pub authenticator: Option<Digest>,
    /// The phrase, once both nonces are known.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub numbers: Option<[u8; 7]>,
}

/// Why a link is frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Frozen {
    /// Two nodes claim the peer's post.
    #[n(0)]
    TwoNodes,
    /// The peer contradicted itself.
    #[n(1)]
    Contradiction,
    /// The phrase's exchange does not fit: somebody sits between.
    #[n(2)]
    Phrase,
    /// The peer's node was revoked.
    #[n(3)]
    Revoked,
}

impl Frozen {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Frozen::TwoNodes => "two nodes claim the peer's post",
            Frozen::Contradiction => "the peer contradicted itself",
            Frozen::Phrase => "the phrase's exchange was tampered with",
            Frozen::Revoked => "the peer's node was revoked",
        }
    }
}

/// The rendezvous keys of both directions.
pub struct Meeting {
    /// The secret R.
    pub secret: Rendezvous,
    /// What we write under.
    pub write: HourKey,
    /// What the peer writes under.
    pub read: HourKey,
}

/// The link.
pub struct Link {
    /// Keys; `None` before first contact and while the link is made anew without the old one.
    pub epochs: Option<Epochs>,
    /// Where the making stands.
    pub stage: Stage,
    /// The message of the stage, part by part.
    pub parts_out: Option<PartsOut>,
    /// The peer's messages.
    pub parts_in: PartsIn,
    /// Rendezvous keys; `None` before an invitation.
    pub meeting: Option<Meeting>,
    /// Whether a cell of the peer's was ever opened under an epoch of this channel.
    pub was_heard: bool,
    /// Why nothing flows, if nothing does.
    pub frozen: Option<Frozen>,
    /// How the phrase's exchange stands.
    pub phrase: PhraseState,
    /// Nonces of the peer's last hellos that led to a link: what comes of them later is past.
    pub past_hellos: Vec<Digest>,
    /// Which lives both nodes are in.
    pub lives: Lives,
    /// What we say.
    pub send: SendStreams,
    /// What the peer says.
    pub recv: RecvStreams,
    /// Acknowledgements that a prompt route has not told yet.
    pub is_ack_due: bool,
    /// When a cell was last opened that its writer had just written.
    pub fresh_cell_at: Option<Moment>,
    /// When the peer's hello was first heard that waits for an answer or has one.
    pub hello_heard_at: Option<Moment>,
    /// Nested cells in a row that were sealed under an epoch unknown to us.
    pub unknown_cells: u32,
    /// A hello that waits for signs of a second node.
    pub hello_waiting: Option<SignedRendezvous>,
    /// P's update for C's next commit, with its epoch.
    pub update: Option<(u64, Vec<u8>)>,
    /// P: the epoch in which an update was sent.
    pub update_sent_in: Option<u64>,
    /// What of the outbox the store was asked for: stream and offset.
    pub outbox_asked: Option<(couloir_wire::cell::Stream, u64)>,
    /// The peer's inventory after a restart, as it comes.
    pub inventory: Option<Vec<couloir_wire::id::EntryId>>,
}

/// What is durable of the link, but for the streams.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Stored {
    #[n(0)]
    epochs: Option<ByteVec>,
    #[n(1)]
    stage: Stage,
    #[n(2)]
    was_heard: bool,
    #[n(3)]
    frozen: Option<Frozen>,
    #[n(4)]
    phrase: PhraseState,
    #[n(5)]
    past_hellos: Vec<Digest>,
    #[n(6)]
    lives: Lives,
}

impl Link {
    /// A link that was never made.
    pub fn new() -> Link {
        Link {
            epochs: None,
            stage: Stage::Quiet,
            parts_out: None,
            parts_in: PartsIn::default(),
            meeting: None,
            was_heard: false,
            frozen: None,
            phrase: PhraseState::default(),
            past_hellos: Vec::new(),
            lives: Lives::default(),
            send: SendStreams::new(),
            recv: RecvStreams::new(),
            is_ack_due: false,
            fresh_cell_at: None,
            hello_heard_at: None,
            unknown_cells: 0,
            hello_waiting: None,
            update: None,
            update_sent_in: None,
            outbox_asked: None,
            inventory: None,
        }
    }

    /// What is durable of it, but for the streams.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(&Stored {
            epochs: self.epochs.as_ref().map(|epochs| epochs.encode().into()),
            stage: self.stage.clone(),
            was_heard: self.was_heard,
            frozen: self.frozen,
            phrase: self.phrase,
            past_hellos: self.past_hellos.clone(),
            lives: self.lives.clone(),
        })
    }

    /// Takes back what was durable. False if it is damaged.
    pub fn restore(&mut self, octets: &[u8], erase_at: Moment) -> bool {
        let Ok(stored) = cbor::decode_strict::<Stored>(octets, octets.len()) else { return false };
        self.epochs = match &stored.epochs {
            None => None,
            Some(epochs) => match Epochs::decode(epochs, erase_at) {
                None => return false,
                epochs => epochs,
            },
        };
        self.stage = stored.stage;
        self.was_heard = stored.was_heard;
        self.frozen = stored.frozen;
        self.phrase = stored.phrase;
        self.past_hellos = stored.past_hellos;
        self.lives = stored.lives;
        true
    }

    /// Whether rendezvous cells go on every turn: at first contact, where nothing else could.
    pub fn meets_everywhere(&self) -> bool {
        !self.was_heard && (self.epochs.is_none() || self.stage != Stage::Quiet)
    }
}
