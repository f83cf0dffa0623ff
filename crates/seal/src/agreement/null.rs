//! A stand-in for key agreement in simulation: the same steps, about the same message lengths, and
//! secrets that both ends can only have by the same messages. No security whatever.

use couloir_wire::id::{Digest, NodeId};
use minicbor::{Decode, Encode};

use super::AgreementError;
use crate::entropy::Entropy;
use crate::kdf::sha256;
use crate::secret::Secret32;

/// Lengths of the real messages, in octets.
const OFFER_LEN: usize = 2_700;
const WELCOME_LEN: usize = 5_500;
const UPDATE_LEN: usize = 1_600;
const COMMIT_LEN: usize = 4_000;

#[derive(Encode, Decode)]
pub(super) struct Join {
    #[n(0)]
    node: NodeId,
    #[n(1)]
    offer: Digest,
}

#[derive(Encode, Decode)]
pub(super) struct Group {
    #[n(0)]
    epoch: u64,
    #[n(1)]
    peer: NodeId,
    #[n(2)]
    secret: Digest,
    /// P's own update of this epoch.
    #[cbor(n(3), with = "minicbor::bytes")]
    update: Option<Vec<u8>>,
}

#[derive(Encode, Decode)]
struct Offer {
    #[n(0)]
    node: NodeId,
    #[n(1)]
    random: Digest,
}

#[derive(Encode, Decode)]
struct Welcome {
    #[n(0)]
    node: NodeId,
    #[n(1)]
    offer: Digest,
    #[n(2)]
    secret: Digest,
}

#[derive(Encode, Decode)]
struct Step {
    #[n(0)]
    epoch: u64,
    #[n(1)]
    random: Digest,
    /// In a commit, the hash of the update that it commits.
    #[n(2)]
    update: Option<Digest>,
}

pub(super) fn offer(entropy: &mut Entropy, node: NodeId) -> (Join, Vec<u8>) {
    let message = pad(&Offer { node, random: Digest(entropy.array()) }, OFFER_LEN);
    (Join { node, offer: digest(&message) }, message)
}

pub(super) fn create(
    entropy: &mut Entropy,
    node: NodeId,
    offer: &[u8],
) -> Result<(Group, Vec<u8>), AgreementError> {
    let peer = unpad::<Offer>(offer)?.node;
    let secret = Digest(entropy.array());
    let welcome = pad(&Welcome { node, offer: digest(offer), secret }, WELCOME_LEN);
    Ok((Group { epoch: 1, peer, secret, update: None }, welcome))
}

pub(super) fn join(join: &Join, welcome: &[u8]) -> Result<Group, AgreementError> {
    let Welcome { node, offer, secret } = unpad(welcome)?;
    if offer != join.offer || node == join.node {
        return Err(refused("the welcome answers another offer"));
    }
    Ok(Group { epoch: 1, peer: node, secret, update: None })
}

impl Group {
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn peer(&self) -> NodeId {
        self.peer
    }

    pub(super) fn exporter(&self) -> Secret32 {
        Secret32::new(sha256(&[b"null exporter", &self.secret.0]))
    }

    pub(super) fn authenticator(&self) -> Digest {
        Digest(sha256(&[b"null authenticator", &self.secret.0]))
    }

    pub(super) fn propose_update(&mut self, entropy: &mut Entropy) -> Vec<u8> {
        let step = Step { epoch: self.epoch, random: Digest(entropy.array()), update: None };
        self.update.get_or_insert_with(|| pad(&step, UPDATE_LEN)).clone()
    }

    pub(super) fn commit(
        &mut self,
        entropy: &mut Entropy,
        update: Option<&[u8]>,
    ) -> Result<Vec<u8>, AgreementError> {
        if let Some(update) = update {
            self.step(update)?;
        }
        let step = Step { epoch: self.epoch, random: Digest(entropy.array()), update: update.map(digest) };
        let commit = pad(&step, COMMIT_LEN);
        self.advance(&commit);
        Ok(commit)
    }

    pub(super) fn receive_commit(&mut self, commit: &[u8]) -> Result<(), AgreementError> {
        let step = self.step(commit)?;
        if step.update.is_some() && step.update != self.update.as_deref().map(digest) {
            return Err(refused("the commit holds an update that is not ours"));
        }
        self.advance(commit);
        Ok(())
    }

    fn step(&self, message: &[u8]) -> Result<Step, AgreementError> {
        let step: Step = unpad(message)?;
        if step.epoch != self.epoch {
            return Err(AgreementError::Epoch { got: step.epoch, ours: self.epoch });
        }
        Ok(step)
    }

    fn advance(&mut self, commit: &[u8]) {
        self.secret = Digest(sha256(&[&self.secret.0, commit]));
        (self.epoch, self.update) = (self.epoch + 1, None);
    }
}

/// The message, zeros up to `len`, and a checksum over both as the last 16 octets.
fn pad<T: Encode<()>>(message: &T, len: usize) -> Vec<u8> {
    let mut out = minicbor::to_vec(message).expect("a vector never refuses octets");
    out.resize(len - 16, 0);
    let sum = digest(&out);
    out.extend_from_slice(&sum.0[..16]);
    out
}

fn unpad<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, AgreementError> {
    let (padded, sum) = bytes.split_last_chunk::<16>().ok_or_else(|| refused("too short"))?;
    if digest(padded).0[..16] != *sum {
        return Err(refused("damaged"));
    }
    minicbor::decode(padded).map_err(|_| refused("of another kind"))
}

fn digest(bytes: &[u8]) -> Digest {
    Digest(sha256(&[bytes]))
}

fn refused(why: &str) -> AgreementError {
    AgreementError::Refused(why.to_owned())
}
