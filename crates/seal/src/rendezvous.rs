//! How two nodes find each other without a link: the rendezvous secret R and signed messages
//! (PROTOCOL §4.3 and §4.4).
//!
//! R comes from the invitation, stays in backups, and hides metadata only: the cells of recovery turns
//! are addressed and sealed under it. What counts in them is signed by the certified node keys.

use couloir_wire::id::{Digest, IncarnationId, InvitationId};
use couloir_wire::papers::{OneTimeSecret, PublicKey, RendezvousBody, SignedRendezvous};

use crate::identity::{Context, SigningKey, is_signed, node_id};
use crate::kdf::Prk;
use crate::link_keys::{CipherSuite, HourKey};
use crate::proof::Authentic;
use crate::secret::Secret32;

/// Which end of the channel writes. At first contact nobody knows yet which node will commit, so
/// rendezvous has directions of its own, which never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The node of the side that invited.
    Inviter,
    /// The node of the side that joined.
    Joiner,
}

impl End {
    /// The other end.
    pub fn other(self) -> End {
        match self {
            End::Inviter => End::Joiner,
            End::Joiner => End::Inviter,
        }
    }
}

/// One node's part in a re-established link: what goes into its first salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The nonce of its hello or answer.
    pub nonce: Digest,
    /// The incarnation it named there.
    pub incarnation: IncarnationId,
}

/// The rendezvous secret of a link.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendezvous(Secret32);

impl Rendezvous {
    /// The secret that an invitation makes.
    pub fn from_invitation(secret: &OneTimeSecret, invitation: InvitationId) -> Rendezvous {
        Rendezvous(Prk::extract(&invitation.0, &secret.0).expand("couloir/v1 rendezvous", &[]))
    }

    /// The secret itself, for the encrypted store and for backups.
    pub fn secret(&self) -> &Secret32 {
        &self.0
    }

    /// A secret that was stored.
    pub fn from_secret(secret: Secret32) -> Rendezvous {
        Rendezvous(secret)
    }

    /// What `from` writes under in recovery turns, at every hour.
    pub fn hour_key(&self, suite: CipherSuite, from: End) -> HourKey {
        let label = match from {
            End::Inviter => "couloir/v1 from inviter",
            End::Joiner => "couloir/v1 from joiner",
        };
        HourKey::new(suite, &Prk::of(&self.0).expand(label, &[]))
    }

    /// The salt of a link's first epoch: from R, both nonces and both incarnations.
    pub fn restart_salt(&self, hello: Part, answer: Part) -> Secret32 {
        let mut context = [0; 96];
        for (half, part) in context.chunks_exact_mut(48).zip([hello, answer]) {
            half[..32].copy_from_slice(&part.nonce.0);
            half[32..].copy_from_slice(&part.incarnation.0);
        }
        Prk::of(&self.0).expand("couloir/v1 restart", &context)
    }
}

/// Why a rendezvous message was refused (peer).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RendezvousError {
    /// It names another node than the one whose key is certified.
    #[error("the message names another node than the certified one")]
    OtherNode,
    /// Its signature does not hold.
    #[error("the message's signature does not hold")]
    Signature,
}

/// `body`, signed by its node.
pub fn sign(key: &SigningKey, body: RendezvousBody) -> SignedRendezvous {
    SignedRendezvous::new(body, |octets| key.sign(Context::Rendezvous, octets))
}

/// The message, if the node with `key`, which a certificate names, signed it and says so.
pub fn verify(
    message: SignedRendezvous,
    key: &PublicKey,
) -> Result<Authentic<RendezvousBody>, RendezvousError> {
    if message.unverified().from() != node_id(key) {
        return Err(RendezvousError::OtherNode);
    }
    if !is_signed(key, Context::Rendezvous, message.octets(), message.signature()) {
        return Err(RendezvousError::Signature);
    }
    Ok(Authentic::mint(message.into_unverified()))
}
