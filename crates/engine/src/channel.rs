//! The channel as a node keeps it: papers, role in first contact, rendezvous secret.

use couloir_wire::cbor::{self, CborError};
use couloir_wire::id::{ConversationId, Digest, InvitationId};
use couloir_wire::papers::PAPER_OCTETS_MAX;
use minicbor::{Decode, Encode};
use zeroize::Zeroize;

/// The channel's durable state, under [`crate::store::StateKey::Channel`]. Papers are kept in the
/// encoding that was signed.
#[derive(Clone, Encode, Decode)]
#[cbor(array)]
pub struct ChannelState {
    /// Our side's signet.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub own_signet: Vec<u8>,
    /// Our certificate, signed by our officers.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub own_certificate: Vec<u8>,
    /// The charter's first version, signed by the inviting side; `None` before an invitation.
    #[n(2)]
    pub charter: Option<Paper>,
    /// The invitation's secrets, until the link was verified.
    #[n(3)]
    pub invitation: Option<InvitationState>,
    /// The joining side's acceptance: ours from `join` on, the peer's from first contact on.
    #[n(4)]
    pub acceptance: Option<Paper>,
    /// The inviting side's signet and certificate, on the joining side.
    #[n(5)]
    pub inviter: Option<(Paper, Paper)>,
    /// Later charter versions in force, oldest first.
    #[n(6)]
    pub amendments: Vec<Paper>,
    /// A version that waits for the other side's signature.
    #[n(7)]
    pub proposed: Option<Paper>,
    /// Revocations in force.
    #[n(8)]
    pub revocations: Vec<Paper>,
    /// Name and routes of a channel that nobody was invited to yet, as `wire::papers` encodes a charter.
    #[n(9)]
    pub draft: Option<Paper>,
    /// The version that we last took back or declined, until another comes into force.
    #[n(10)]
    pub withdrawn: Option<Digest>,
    /// Certificates that came after the first ones, of either side, in the order in which they were taken.
    #[n(11)]
    pub certificates: Vec<Paper>,
    /// Our officers' certificate of another node for our post: this one ends.
    #[n(12)]
    pub successor: Option<Paper>,
    /// Of a further link: who the peer is, and whose channel it is. The charter and what came after it are the
    /// channel's own.
    #[n(13)]
    pub introduced: Option<Introduced>,
}

/// What makes a further link of a channel instead of an invitation's acceptance.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Introduced {
    /// Whether our end counts as the inviter's, in the phrase and the rendezvous.
    #[n(0)]
    pub is_inviter: bool,
    /// The signet of the side that began the channel.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub inviter: Vec<u8>,
    /// The signet of the side that it invited.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub invited: Vec<u8>,
    /// The certificate of the peer's post, by one of the two sides.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub peer: Vec<u8>,
}

/// The octets of a paper.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Paper(#[cbor(n(0), with = "minicbor::bytes")] pub Vec<u8>);

/// An invitation as either side keeps it.
#[derive(Clone, Encode, Decode)]
#[cbor(array)]
pub struct InvitationState {
    /// Its id.
    #[n(0)]
    pub id: InvitationId,
    /// The one-time secret.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub secret: [u8; 32],
    /// Whether we made it.
    #[n(2)]
    pub is_own: bool,
    /// Good until, in milliseconds since 1970.
    #[n(3)]
    pub expires_ms: i64,
    /// SHA-256 of the acceptance that was taken; a second, different one voids the invitation.
    #[n(4)]
    pub taken: Option<Digest>,
    /// A second, different answer came.
    #[n(5)]
    pub is_void: bool,
}

impl Drop for InvitationState {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl ChannelState {
    /// A node that has papers and no channel.
    pub fn new(own_signet: Vec<u8>, own_certificate: Vec<u8>) -> ChannelState {
        ChannelState {
            own_signet,
            own_certificate,
            charter: None,
            invitation: None,
            acceptance: None,
            inviter: None,
            amendments: Vec::new(),
            proposed: None,
            revocations: Vec::new(),
            draft: None,
            withdrawn: None,
            certificates: Vec::new(),
            successor: None,
            introduced: None,
        }
    }

    /// A further link of the channel of which `of` is a link: the same charter, another peer.
    pub fn of_further_link(
        of: &ChannelState,
        own_certificate: Vec<u8>,
        id: InvitationId,
        secret: [u8; 32],
        introduced: Introduced,
    ) -> ChannelState {
        let invitation = InvitationState {
            id,
            secret,
            is_own: introduced.is_inviter,
            expires_ms: i64::MAX,
            taken: Some(Digest::default()),
            is_void: false,
        };
        ChannelState {
            charter: of.charter.clone(),
            amendments: of.amendments.clone(),
            revocations: of.revocations.clone(),
            invitation: Some(invitation),
            introduced: Some(introduced),
            ..ChannelState::new(of.own_signet.clone(), own_certificate)
        }
    }

    /// For the store.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// From the store.
    pub fn decode(octets: &[u8]) -> Result<ChannelState, CborError> {
        cbor::decode_strict(octets, CHANNEL_OCTETS_MAX)
    }

    /// The channel's first conversation, named after the channel.
    pub fn conversation(channel: couloir_wire::id::ChannelId) -> ConversationId {
        ConversationId(channel.0)
    }
}

/// A charter and its amendments of many years.
const CHANNEL_OCTETS_MAX: usize = 64 * PAPER_OCTETS_MAX;
