//! What the MLS library is given: storage in memory, `crypto`, our randomness.

use std::cell::RefCell;
use std::collections::BTreeMap;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use openmls_traits::OpenMlsProvider;
use openmls_traits::random::OpenMlsRand;
use openmls_traits::signatures::{Signer, SignerError};
use openmls_traits::types::SignatureScheme;
use zeroize::Zeroize;

use super::AgreementError;
use super::crypto::Crypto;
use super::mls::library;
use crate::entropy::Entropy;
use crate::secret::Secret32;

/// What the library stored, under its own keys, sorted.
#[derive(Default, Encode, Decode)]
pub(super) struct Map(#[n(0)] BTreeMap<ByteVec, ByteVec>);

impl Drop for Map {
    fn drop(&mut self) {
        self.0.values_mut().for_each(|value| value.zeroize());
    }
}

type Storage = <openmls_libcrux_crypto::Provider as OpenMlsProvider>::StorageProvider;

/// Labels of stored values that no later epoch needs: what it needs is copied under other labels when
/// an epoch begins.
const LEFT_BEHIND: [&[u8]; 5] =
    [b"KeyPackage", b"EncryptionKeyPair", b"OwnLeafNodes", b"QueuedProposal", b"ProposalQueueRefs"];

/// One operation's provider: made from the stored map, and turned into the next one.
pub(super) struct Provider {
    crypto: Crypto,
    storage: Storage,
    randomness: Randomness,
}

impl Provider {
    pub(super) fn new(map: &Map, randomness: Randomness) -> Result<Provider, AgreementError> {
        let storage = Storage::default();
        let stored = map.0.iter().map(|(key, value)| (key.to_vec(), value.to_vec()));
        storage.values.write().map_err(library)?.extend(stored);
        let crypto = Crypto::new(randomness.branch()).map_err(library)?;
        Ok(Provider { crypto, storage, randomness })
    }

    /// As [`Provider::into_map`], at the beginning of an epoch: without what was of use in the one
    /// before. The library leaves it behind, private keys of unused updates among it.
    pub(super) fn into_settled_map(self) -> Map {
        let mut map = self.into_map();
        map.0.retain(|key, _| !LEFT_BEHIND.iter().any(|label| key.starts_with(label)));
        map
    }

    /// What the library leaves in storage.
    pub(super) fn into_map(self) -> Map {
        let mut stored = self.storage.values.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        Map(stored.drain().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let mut stored = self.storage.values.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        stored.values_mut().for_each(|value| value.zeroize());
    }
}

impl OpenMlsProvider for Provider {
    type CryptoProvider = Crypto;
    type RandProvider = Randomness;
    type StorageProvider = Storage;

    fn storage(&self) -> &Storage {
        &self.storage
    }

    fn crypto(&self) -> &Crypto {
        &self.crypto
    }

    fn rand(&self) -> &Randomness {
        &self.randomness
    }
}

/// Our generator's randomness, or none for an operation that must not need any.
pub(super) enum Randomness {
    Seeded(Box<RefCell<Entropy>>),
    None,
}

impl From<&mut Entropy> for Randomness {
    fn from(entropy: &mut Entropy) -> Randomness {
        Randomness::Seeded(Box::new(RefCell::new(Entropy::from_seed(entropy.secret().expose()))))
    }
}

impl Randomness {
    /// A generator that depends on this one, if there is one.
    fn branch(&self) -> Option<Entropy> {
        match self {
            Randomness::Seeded(entropy) => Some(Entropy::from_seed(entropy.borrow_mut().secret().expose())),
            Randomness::None => None,
        }
    }

    fn fill(&self, out: &mut [u8]) -> Result<(), NoRandomness> {
        match self {
            Randomness::Seeded(entropy) => entropy.borrow_mut().fill(out),
            Randomness::None => return Err(NoRandomness),
        }
        Ok(())
    }
}

/// An operation drew randomness that must not need any.
#[derive(Debug, thiserror::Error)]
#[error("this operation has no randomness")]
pub(super) struct NoRandomness;

impl OpenMlsRand for Randomness {
    type Error = NoRandomness;

    fn random_array<const N: usize>(&self) -> Result<[u8; N], NoRandomness> {
        let mut out = [0; N];
        self.fill(&mut out).map(|()| out)
    }

    fn random_vec(&self, len: usize) -> Result<Vec<u8>, NoRandomness> {
        let mut out = vec![0; len];
        self.fill(&mut out).map(|()| out)
    }
}

/// The Ed25519 key of this end's leaf, made for this group alone.
#[derive(Clone, Encode, Decode)]
pub(super) struct LeafSigner(#[n(0)] Secret32);

impl LeafSigner {
    pub(super) fn new(seed: Secret32) -> LeafSigner {
        LeafSigner(seed)
    }

    pub(super) fn public_key(&self) -> Vec<u8> {
        self.pair().public_key().as_ref().to_vec()
    }

    fn pair(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(self.0.expose()).expect("every 32 octets are a seed")
    }
}

impl Signer for LeafSigner {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        self.pair().try_sign(payload).map(|s| s.as_ref().to_vec()).map_err(|_| SignerError::SigningError)
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}
