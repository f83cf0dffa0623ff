//! Who signs: officers and nodes, each with an Ed25519 and an ML-DSA-65 key (PROTOCOL §3.1).
//!
//! A signature is both signatures over the same octets, and both must verify: it holds as long as
//! either algorithm does. What is signed begins with a context, so that no signature can be taken
//! for one of another kind: papers and rendezvous messages with the text "couloir/v1", statements
//! with the head of a CBOR array of five ([`crate::record`]).

use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair as _, ML_DSA_65, ML_DSA_65_SIGNING, PqdsaKeyPair, UnparsedPublicKey,
};
use couloir_wire::id::NodeId;
use couloir_wire::papers::{ML_DSA_PUBLIC_LEN, ML_DSA_SIGNATURE_LEN, PublicKey, Signature};

use crate::entropy::Entropy;
use crate::kdf::sha256;
use crate::secret::Secret;

/// What a signature is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// Officers certify a post's node.
    Certificate,
    /// Officers revoke a node.
    Revocation,
    /// Officers agree to a charter.
    Charter,
    /// Officers of the invited side accept a charter.
    Acceptance,
    /// A node opens, answers or confirms a rendezvous.
    Rendezvous,
}

impl Context {
    fn word(self) -> &'static str {
        match self {
            Context::Certificate => "certificate",
            Context::Revocation => "revocation",
            Context::Charter => "charter",
            Context::Acceptance => "acceptance",
            Context::Rendezvous => "rendezvous",
        }
    }

    /// "couloir/v1 ", the word, NUL, the message.
    fn framed(self, message: &[u8]) -> Vec<u8> {
        [b"couloir/v1 ", self.word().as_bytes(), &[0], message].concat()
    }
}

/// An officer's or a node's signing key. Kept as its two seeds of 32 octets.
///
/// ML-DSA signs in its hedged form: the library adds randomness of its own from the operating
/// system, which only protects against faults and is not needed for security (FIPS 204 §3.4).
pub struct SigningKey {
    seeds: Secret<64>,
    ed25519: Ed25519KeyPair,
    ml_dsa: PqdsaKeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// Octets of [`SigningKey::seeds`].
    pub const SEEDS_LEN: usize = 64;

    /// A new key.
    pub fn generate(entropy: &mut Entropy) -> SigningKey {
        Self::from_seeds(entropy.secret())
    }

    /// The key of these seeds: 32 octets for Ed25519, 32 for ML-DSA-65.
    pub fn from_seeds(seeds: Secret<64>) -> SigningKey {
        let (ed25519, ml_dsa) = seeds.expose().split_at(32);
        let ed25519 = Ed25519KeyPair::from_seed_unchecked(ed25519).expect("every 32 octets are a seed");
        let ml_dsa = PqdsaKeyPair::from_seed(&ML_DSA_65_SIGNING, ml_dsa).expect("every 32 octets are a seed");
        let public = PublicKey {
            ed25519: ed25519.public_key().as_ref().try_into().expect("an Ed25519 key has 32 octets"),
            ml_dsa: Box::new(ml_dsa.public_key().as_ref().try_into().expect("an ML-DSA-65 key has 1952")),
        };
        SigningKey { seeds, ed25519, ml_dsa, public }
    }

    /// The seeds, for an encrypted file or store.
    pub fn seeds(&self) -> &Secret<64> {
        &self.seeds
    }

    /// The public part.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `message` for `context`.
    pub fn sign(&self, context: Context, message: &[u8]) -> Signature {
        let framed = context.framed(message);
        self.sign_both(&framed, &framed)
    }
}

/// A structure of COSE that is signed as it is (RFC 9052 §4.4, RFC 9338 §3.3): an array of five, so its
/// first octet is 0x85, and what any [`Context`] frames begins with 0x63, the letter c. No octets are both.
pub(crate) struct ToBeSigned(Vec<u8>);

impl ToBeSigned {
    /// Takes the structure's encoding.
    pub(crate) fn new(structure: Vec<u8>) -> ToBeSigned {
        assert_eq!(structure.first(), Some(&COSE_HEAD), "a structure to be signed is an array of five");
        ToBeSigned(structure)
    }
}

/// The head of a CBOR array of five.
const COSE_HEAD: u8 = 0x85;

/// What COSE signs with each algorithm; the structures differ because each names its algorithm.
pub(crate) struct CoseStructures {
    /// For Ed25519.
    pub ed25519: ToBeSigned,
    /// For ML-DSA-65.
    pub ml_dsa: ToBeSigned,
}

impl SigningKey {
    /// Signs each structure with its algorithm.
    pub(crate) fn sign_cose(&self, structures: &CoseStructures) -> Signature {
        let CoseStructures { ed25519: ToBeSigned(first), ml_dsa: ToBeSigned(second) } = structures;
        self.sign_both(first, second)
    }

    fn sign_both(&self, ed25519: &[u8], ml_dsa: &[u8]) -> Signature {
        let mut second = Box::new([0; ML_DSA_SIGNATURE_LEN]);
        let len = self.ml_dsa.sign(ml_dsa, &mut second[..]).expect("signing fails only without memory");
        debug_assert_eq!(len, ML_DSA_SIGNATURE_LEN);
        let first = self.ed25519.sign(ed25519);
        Signature { ed25519: first.as_ref().try_into().expect("an Ed25519 signature has 64"), ml_dsa: second }
    }
}

/// The first algorithm whose signature does not hold over its structure, if one does not.
pub(crate) fn cose_fault(
    key: &PublicKey,
    structures: &CoseStructures,
    signature: &Signature,
) -> Option<&'static str> {
    let CoseStructures { ed25519: ToBeSigned(first), ml_dsa: ToBeSigned(second) } = structures;
    if !is_ed25519(key, first, signature) {
        return Some("Ed25519");
    }
    (!is_ml_dsa(key, second, signature)).then_some("ML-DSA-65")
}

fn is_ed25519(key: &PublicKey, octets: &[u8], signature: &Signature) -> bool {
    UnparsedPublicKey::new(&ED25519, key.ed25519).verify(octets, &signature.ed25519).is_ok()
}

fn is_ml_dsa(key: &PublicKey, octets: &[u8], signature: &Signature) -> bool {
    UnparsedPublicKey::new(&ML_DSA_65, &key.ml_dsa[..]).verify(octets, &signature.ml_dsa[..]).is_ok()
}

/// Whether both parts of `signature` are by `key` over `message` for `context`.
pub fn is_signed(key: &PublicKey, context: Context, message: &[u8], signature: &Signature) -> bool {
    let framed = context.framed(message);
    let (ed25519, ml_dsa) = (is_ed25519(key, &framed, signature), is_ml_dsa(key, &framed, signature));
    ed25519 && ml_dsa
}

/// The id of the node with this key: the first half of the SHA-256 of its Ed25519 key followed by
/// its ML-DSA-65 key.
pub fn node_id(key: &PublicKey) -> NodeId {
    let digest = sha256(&[&key.ed25519, &key.ml_dsa[..]]);
    NodeId(digest[..16].try_into().expect("half of a digest"))
}

const _: () = assert!(ML_DSA_PUBLIC_LEN == 1952 && ML_DSA_SIGNATURE_LEN == 3309);
