//! Key agreement of a link: a two-member MLS group (RFC 9420), for continuous key agreement alone
//! (PROTOCOL §4.1).
//!
//! *Set-up.* The proposer P offers a key package; the committer C creates the group from it and
//! answers with a welcome. Both are then at epoch 1. *Rekeying.* P proposes an update, C commits it
//! (or commits alone) and is at the next epoch at once; P follows when it receives the commit.
//! Committing at once is safe because C keeps the old epoch's cell keys outside this state, and the
//! commit's octets are repeated until answered. *State* is one value: it is stored whole, and an
//! operation that fails leaves it as it was.
//!
//! No message of this group carries content, and none leaves but inside a sealed cell. The
//! submodule `mls` is the only place that names the library; `null` stands in for it in simulation.

mod crypto;
mod mls;
mod null;
mod provider;

use couloir_wire::id::{Digest, NodeId};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::link_keys::CipherSuite;
use crate::secret::Secret32;

/// One end of a link's group, at one epoch.
pub struct Agreement(State);

/// What P keeps between its offer and C's welcome.
pub struct JoinSecret(JoinState);

#[derive(Encode, Decode)]
enum State {
    #[n(0)]
    Null(#[n(0)] null::Group),
    #[n(1)]
    Mls(#[n(0)] mls::Group),
}

#[derive(Encode, Decode)]
enum JoinState {
    #[n(0)]
    Null(#[n(0)] null::Join),
    #[n(1)]
    Mls(#[n(0)] mls::Join),
}

/// Why a step of key agreement failed. The agreement is then what it was before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgreementError {
    /// The peer's message is not one that belongs here (peer).
    #[error("the peer's key agreement message was refused: {0}")]
    Refused(String),
    /// The message belongs to another epoch than ours: a repetition, or one is missing (routes).
    #[error("the key agreement message is of epoch {got}, ours is {ours}")]
    Epoch {
        /// The message's epoch.
        got: u64,
        /// Our epoch.
        ours: u64,
    },
    /// Stored state cannot be read back (disk).
    #[error("the stored key agreement state is damaged")]
    Damaged,
    /// The library failed on our own input (bug).
    #[error("key agreement failed: {0}")]
    Library(String),
}

impl Agreement {
    /// P's first step: a key package for C, and the secret that joins with C's answer.
    pub fn offer(
        entropy: &mut Entropy,
        suite: CipherSuite,
        node: NodeId,
    ) -> Result<(JoinSecret, Vec<u8>), AgreementError> {
        match suite {
            CipherSuite::Real => {
                mls::offer(entropy, node).map(|(join, offer)| (JoinSecret(JoinState::Mls(join)), offer))
            }
            CipherSuite::Null => {
                let (join, offer) = null::offer(entropy, node);
                Ok((JoinSecret(JoinState::Null(join)), offer))
            }
        }
    }

    /// C's first step: the group made from P's key package, at epoch 1, and the welcome for P.
    pub fn create(
        entropy: &mut Entropy,
        suite: CipherSuite,
        node: NodeId,
        offer: &[u8],
    ) -> Result<(Agreement, Vec<u8>), AgreementError> {
        match suite {
            CipherSuite::Real => mls::create(entropy, node, offer)
                .map(|(group, welcome)| (Agreement(State::Mls(group)), welcome)),
            CipherSuite::Null => null::create(entropy, node, offer)
                .map(|(group, welcome)| (Agreement(State::Null(group)), welcome)),
        }
    }

    /// P's second step: the group that C's welcome invites to, at epoch 1.
    pub fn join(secret: &JoinSecret, welcome: &[u8]) -> Result<Agreement, AgreementError> {
        match &secret.0 {
            JoinState::Mls(join) => mls::join(join, welcome).map(|group| Agreement(State::Mls(group))),
            JoinState::Null(join) => null::join(join, welcome).map(|group| Agreement(State::Null(group))),
        }
    }

    /// The epoch; 1 after set-up.
    pub fn epoch(&self) -> u64 {
        match &self.0 {
            State::Mls(group) => group.epoch(),
            State::Null(group) => group.epoch(),
        }
    }

    /// The node at the other end, as its leaf names it. The caller compares it with the node whose
    /// certified key signed the rendezvous message that carried the key package or the welcome.
    pub fn peer(&self) -> NodeId {
        match &self.0 {
            State::Mls(group) => group.peer(),
            State::Null(group) => group.peer(),
        }
    }

    /// This epoch's contribution to the root: MLS-Exporter("couloir link", "", 32).
    pub fn exporter(&self) -> Secret32 {
        match &self.0 {
            State::Mls(group) => group.exporter(),
            State::Null(group) => group.exporter(),
        }
    }

    /// SHA-256 of this epoch's authenticator, equal at both ends; it reveals nothing of the keys.
    pub fn authenticator(&self) -> Digest {
        match &self.0 {
            State::Mls(group) => group.authenticator(),
            State::Null(group) => group.authenticator(),
        }
    }

    /// P: an update for C to commit. Asked again in the same epoch, it gives the same octets.
    pub fn propose_update(&mut self, entropy: &mut Entropy) -> Result<Vec<u8>, AgreementError> {
        match &mut self.0 {
            State::Mls(group) => group.propose_update(entropy),
            State::Null(group) => Ok(group.propose_update(entropy)),
        }
    }

    /// C: a commit, of P's `update` if there is one; this end is then at the next epoch. A bad update
    /// is an error that changes nothing: commit without it.
    pub fn commit(
        &mut self,
        entropy: &mut Entropy,
        update: Option<&[u8]>,
    ) -> Result<Vec<u8>, AgreementError> {
        match &mut self.0 {
            State::Mls(group) => group.commit(entropy, update),
            State::Null(group) => group.commit(entropy, update),
        }
    }

    /// P: follows C's commit to the next epoch.
    pub fn receive_commit(&mut self, commit: &[u8]) -> Result<(), AgreementError> {
        match &mut self.0 {
            State::Mls(group) => group.receive_commit(commit),
            State::Null(group) => group.receive_commit(commit),
        }
    }

    /// The whole state, for the encrypted store; about 40 kB.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        to_bytes(&self.0)
    }

    /// Reverses [`Agreement::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Agreement, AgreementError> {
        minicbor::decode(bytes).map(Agreement).map_err(|_| AgreementError::Damaged)
    }
}

impl JoinSecret {
    /// The whole state, for the encrypted store.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        to_bytes(&self.0)
    }

    /// Reverses [`JoinSecret::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<JoinSecret, AgreementError> {
        minicbor::decode(bytes).map(JoinSecret).map_err(|_| AgreementError::Damaged)
    }
}

/// Room for any state, so that the vector does not move and leave copies behind.
const STATE_ROOM_OCTETS: usize = 128 * 1024;

fn to_bytes<T: Encode<()>>(state: &T) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(STATE_ROOM_OCTETS));
    minicbor::encode(state, &mut *out).expect("a vector never refuses octets");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const C: NodeId = NodeId([1; 16]);
    const P: NodeId = NodeId([2; 16]);

    struct Pair {
        entropy: Entropy,
        c: Agreement,
        p: Agreement,
    }

    /// Both ends after set-up, each message's length shown by its label.
    fn pair(suite: CipherSuite) -> Pair {
        let mut entropy = Entropy::from_seed(&[4; 32]);
        let (secret, offer) = Agreement::offer(&mut entropy, suite, P).expect("offer");
        let (c, welcome) = Agreement::create(&mut entropy, suite, C, &offer).expect("create");
        let secret = JoinSecret::from_bytes(&secret.to_bytes()).expect("stored");
        let p = Agreement::join(&secret, &welcome).expect("join");
        println!("{suite:?}: offer {} welcome {}", offer.len(), welcome.len());
        Pair { entropy, c, p }
    }

    fn assert_agreed(pair: &Pair, epoch: u64) {
        assert_eq!((pair.c.epoch(), pair.p.epoch()), (epoch, epoch));
        assert_eq!(pair.c.exporter(), pair.p.exporter());
        assert_eq!(pair.c.authenticator(), pair.p.authenticator());
        assert_eq!((pair.c.peer(), pair.p.peer()), (P, C));
    }

    const SUITES: [CipherSuite; 2] = [CipherSuite::Real, CipherSuite::Null];

    #[test]
    fn both_ends_agree_through_many_epochs_and_the_store() {
        for suite in SUITES {
            let mut pair = pair(suite);
            assert_agreed(&pair, 1);
            let mut exporters = vec![pair.c.exporter()];
            for epoch in 2..8 {
                let update = pair.p.propose_update(&mut pair.entropy).expect("update");
                let with_update = (epoch % 3 != 0).then_some(&update[..]);
                let commit = pair.c.commit(&mut pair.entropy, with_update).expect("commit");
                pair.p = Agreement::from_bytes(&pair.p.to_bytes()).expect("stored");
                pair.p.receive_commit(&commit).expect("follow");
                pair.c = Agreement::from_bytes(&pair.c.to_bytes()).expect("stored");
                assert_agreed(&pair, epoch);
                assert!(!exporters.contains(&pair.c.exporter()));
                exporters.push(pair.c.exporter());
                println!(
                    "{suite:?}: update {} commit {} state {} and {}",
                    update.len(),
                    commit.len(),
                    pair.c.to_bytes().len(),
                    pair.p.to_bytes().len()
                );
            }
        }
    }

    #[test]
    fn one_seed_gives_the_same_octets_twice() {
        let run = |suite| {
            let mut pair = pair(suite);
            let update = pair.p.propose_update(&mut pair.entropy).expect("update");
            let commit = pair.c.commit(&mut pair.entropy, Some(&update)).expect("commit");
            (update, commit, pair.c.exporter())
        };
        for suite in SUITES {
            assert!(run(suite) == run(suite), "{suite:?}");
        }
    }

    #[test]
    fn the_state_stays_small_whatever_is_proposed_and_committed() {
        let mut pair = pair(CipherSuite::Real);
        for epoch in 2..60 {
            let update = pair.p.propose_update(&mut pair.entropy).expect("update");
            let with_update = (epoch % 3 != 0).then_some(&update[..]);
            let commit = pair.c.commit(&mut pair.entropy, with_update).expect("commit");
            pair.p.receive_commit(&commit).expect("follow");
            for end in [&pair.c, &pair.p] {
                let len = end.to_bytes().len();
                assert!(len < STATE_ROOM_OCTETS / 2, "epoch {epoch}: {len} octets");
            }
        }
        println!("state {} and {}", pair.c.to_bytes().len(), pair.p.to_bytes().len());
    }

    #[test]
    fn a_repeated_proposal_has_the_same_octets() {
        for suite in SUITES {
            let mut pair = pair(suite);
            let update = pair.p.propose_update(&mut pair.entropy).expect("update");
            let mut restarted = Agreement::from_bytes(&pair.p.to_bytes()).expect("stored");
            assert_eq!(restarted.propose_update(&mut pair.entropy), Ok(update));
        }
    }

    #[test]
    fn a_bad_message_is_refused_and_changes_nothing() {
        for suite in SUITES {
            let mut pair = pair(suite);
            let update = pair.p.propose_update(&mut pair.entropy).expect("update");
            let before = pair.c.to_bytes();
            for at in (0..update.len()).step_by(update.len() / 20) {
                let mut changed = update.clone();
                changed[at] ^= 1;
                assert!(pair.c.commit(&mut pair.entropy, Some(&changed)).is_err(), "{suite:?} octet {at}");
            }
            assert_eq!(*pair.c.to_bytes(), *before);
            let commit = pair.c.commit(&mut pair.entropy, Some(&update)).expect("commit");
            let before = pair.p.to_bytes();
            for at in (0..commit.len()).step_by(commit.len() / 20) {
                let mut changed = commit.clone();
                changed[at] ^= 1;
                assert!(pair.p.receive_commit(&changed).is_err(), "{suite:?} octet {at}");
                assert!(pair.p.receive_commit(&commit[..at]).is_err());
            }
            assert_eq!(*pair.p.to_bytes(), *before);
            pair.p.receive_commit(&commit).expect("the true one");
            assert_agreed(&pair, 2);
        }
    }

    #[test]
    fn a_message_of_another_epoch_says_so() {
        for suite in SUITES {
            let mut pair = pair(suite);
            let late = pair.p.propose_update(&mut pair.entropy).expect("update");
            let commit = pair.c.commit(&mut pair.entropy, None).expect("commit");
            let error = Err(AgreementError::Epoch { got: 1, ours: 2 });
            assert_eq!(pair.c.commit(&mut pair.entropy, Some(&late)), error);
            pair.p.receive_commit(&commit).expect("follow");
            assert_eq!(pair.p.receive_commit(&commit), Err(AgreementError::Epoch { got: 1, ours: 2 }));
        }
    }

    #[test]
    fn a_welcome_opens_for_its_offer_alone() {
        for suite in SUITES {
            let mut entropy = Entropy::from_seed(&[5; 32]);
            let (_, offer) = Agreement::offer(&mut entropy, suite, P).expect("offer");
            let (other, _) = Agreement::offer(&mut entropy, suite, P).expect("offer");
            let (_, welcome) = Agreement::create(&mut entropy, suite, C, &offer).expect("create");
            assert!(Agreement::join(&other, &welcome).is_err());
        }
    }

    #[test]
    fn damaged_state_is_recognised() {
        let bytes = pair(CipherSuite::Real).c.to_bytes();
        assert_eq!(Agreement::from_bytes(&bytes[..9]).err(), Some(AgreementError::Damaged));
        assert_eq!(Agreement::from_bytes(&[]).err(), Some(AgreementError::Damaged));
    }
}
