//! Papers: what sides and posts are known by, and what they have agreed (PROTOCOL §3).
//!
//! Formats only: whether a signature holds is for the layer above to say, and what a paper is trusted
//! for follows from that. A signed paper carries the exact octets that were signed, so nothing is
//! encoded anew before it is checked. Names are checked when a paper is read.

mod charter;
mod rendezvous;

pub use charter::{
    Acceptance, Charter, Invitation, Invited, OneTimeSecret, SignedAcceptance, SignedCharter, TURNS_MAX,
};
pub use rendezvous::{Answer, Confirm, Hello, Purpose, RendezvousBody, SignedRendezvous};

use core::fmt;

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::cbor::{self, CborError};
use crate::id::{Digest, NodeId, PostId, SideId};
use crate::text::{TextError, check_name};
use crate::time::WallTime;

/// Octets of an ML-DSA-65 public key (FIPS 204).
pub const ML_DSA_PUBLIC_LEN: usize = 1952;
/// Octets of an ML-DSA-65 signature (FIPS 204).
pub const ML_DSA_SIGNATURE_LEN: usize = 3309;
/// Officers of a side: a board, not a crowd.
pub const OFFICERS_MAX: usize = 16;
/// Signatures on one paper: every officer of both sides.
pub const SIGNATURES_MAX: usize = 2 * OFFICERS_MAX;
/// A signed paper: full signets, all signatures, and a charter's routes stay well below.
pub const PAPER_OCTETS_MAX: usize = 160 * 1024;

/// A hybrid public key. Encoded as one byte string: the Ed25519 key, then the ML-DSA-65 key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Ed25519 (RFC 8032).
    pub ed25519: [u8; 32],
    /// ML-DSA-65 (FIPS 204).
    pub ml_dsa: Box<[u8; ML_DSA_PUBLIC_LEN]>,
}

/// A hybrid signature. Encoded as one byte string: the Ed25519 signature, then the ML-DSA-65 one.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    /// Ed25519 (RFC 8032).
    pub ed25519: [u8; 64],
    /// ML-DSA-65 (FIPS 204).
    pub ml_dsa: Box<[u8; ML_DSA_SIGNATURE_LEN]>,
}

macro_rules! two_part_codec {
    ($name:ident, $first:literal, $second:expr) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(
                    f,
                    concat!(stringify!($name), "({}..)"),
                    Digest(core::array::from_fn(|i| self.ed25519[i]))
                )
            }
        }
        impl<C> Encode<C> for $name {
            fn encode<W: encode::Write>(
                &self,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), encode::Error<W::Error>> {
                e.bytes(&[&self.ed25519[..], &self.ml_dsa[..]].concat())?.ok()
            }
        }
        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
                let wrong = || decode::Error::message(concat!(stringify!($name), ": wrong length"));
                let (first, second) = d.bytes()?.split_first_chunk::<$first>().ok_or_else(wrong)?;
                let ml_dsa: Box<[u8; $second]> = second.to_vec().try_into().map_err(|_| wrong())?;
                Ok($name { ed25519: *first, ml_dsa })
            }
        }
    };
}
two_part_codec!(PublicKey, 32, ML_DSA_PUBLIC_LEN);
two_part_codec!(Signature, 64, ML_DSA_SIGNATURE_LEN);

/// Why a paper was refused before any signature was looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaperFormatError {
    /// It is not the one encoding of this kind of paper.
    #[error("its encoding is not acceptable: {0}")]
    Encoding(CborError),
    /// A name in it is not acceptable.
    #[error("its {field} is not acceptable: {cause}")]
    Text {
        /// Which name.
        field: &'static str,
        /// What is wrong with it.
        cause: TextError,
    },
    /// A number, count or order in it is not acceptable.
    #[error("its {0} is not acceptable")]
    Value(&'static str),
}

/// A kind of paper: what it is called and what a well-formed one must satisfy.
pub trait Paper: Encode<()> + for<'b> Decode<'b, ()> {
    /// What people call it.
    const WORD: &'static str;

    /// Checks names, counts and ranges.
    fn check(&self) -> Result<(), PaperFormatError>;
}

/// Reads a paper that is not itself signed, or the inside of a signed one.
pub fn read<T: Paper>(bytes: &[u8]) -> Result<T, PaperFormatError> {
    let paper: T = cbor::decode_strict(bytes, PAPER_OCTETS_MAX).map_err(PaperFormatError::Encoding)?;
    paper.check()?;
    Ok(paper)
}

pub(crate) fn check_field(field: &'static str, text: &str) -> Result<(), PaperFormatError> {
    check_name(text).map_err(|cause| PaperFormatError::Text { field, cause })
}

pub(crate) fn check_that(is_so: bool, field: &'static str) -> Result<(), PaperFormatError> {
    is_so.then_some(()).ok_or(PaperFormatError::Value(field))
}

/// What a side is known by: its name, and officers of whom `threshold` must sign.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Signet {
    /// Version of this format: 1.
    #[n(0)]
    pub version: u8,
    /// The side's name.
    #[n(1)]
    pub name: String,
    /// How many officers must sign.
    #[n(2)]
    pub threshold: u8,
    /// The officers' keys; an officer is known by the place here.
    #[n(3)]
    pub officers: Vec<PublicKey>,
}

impl Paper for Signet {
    const WORD: &'static str = "signet";

    fn check(&self) -> Result<(), PaperFormatError> {
        check_that(self.version == 1, "version")?;
        check_field("side's name", &self.name)?;
        check_that((1..=OFFICERS_MAX).contains(&self.officers.len()), "number of officers")?;
        let is_reachable = (1..=self.officers.len()).contains(&usize::from(self.threshold));
        check_that(is_reachable, "threshold")?;
        let is_repeated = |i: usize| self.officers[..i].contains(&self.officers[i]);
        check_that(!(0..self.officers.len()).any(is_repeated), "list of officers")
    }
}

/// A side's word on who speaks for one of its posts.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Certificate {
    /// The side whose officers sign.
    #[n(0)]
    pub side: SideId,
    /// The post.
    #[n(1)]
    pub post: PostId,
    /// The post's title.
    #[n(2)]
    pub title: String,
    /// Counts this side's certificates and revocations; the highest one for a post holds.
    #[n(3)]
    pub serial: u32,
    /// The person in the post.
    #[n(4)]
    pub holder: Option<String>,
    /// In office since, in milliseconds since 1970.
    #[n(5)]
    pub since_ms: i64,
    /// The signing key of the post's node.
    #[n(6)]
    pub node: PublicKey,
    /// SHA-256 of the public key (SPKI) by which the node is known on direct routes.
    #[n(7)]
    pub tls_key: Digest,
}

impl Certificate {
    /// In office since.
    pub fn since(&self) -> WallTime {
        WallTime(self.since_ms)
    }
}

impl Paper for Certificate {
    const WORD: &'static str = "certificate";

    fn check(&self) -> Result<(), PaperFormatError> {
        check_field("post's title", &self.title)?;
        self.holder.as_deref().map_or(Ok(()), |holder| check_field("holder's name", holder))
    }
}

/// A side's word that a node speaks for it no longer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Revocation {
    /// The side whose officers sign.
    #[n(0)]
    pub side: SideId,
    /// As in certificates.
    #[n(1)]
    pub serial: u32,
    /// The node that is revoked, for good.
    #[n(2)]
    pub node: NodeId,
    /// When it was revoked, in milliseconds since 1970; it takes effect on receipt.
    #[n(3)]
    pub at_ms: i64,
}

impl Paper for Revocation {
    const WORD: &'static str = "revocation";

    fn check(&self) -> Result<(), PaperFormatError> {
        Ok(())
    }
}

/// One officer's signature on a paper.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PaperSignature {
    /// The officer's side.
    #[n(0)]
    pub side: SideId,
    /// The officer's place in the side's signet.
    #[n(1)]
    pub officer: u8,
    /// Over the paper's octets, in the context of its kind.
    #[n(2)]
    pub signature: Signature,
}

/// A paper with signatures that nobody has checked yet. Encoded as an array of the paper's octets, as
/// one byte string, and the signatures, sorted by side and officer, each officer once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<T> {
    octets: Vec<u8>,
    body: T,
    signatures: Vec<PaperSignature>,
}

/// A post's certificate as it travels.
pub type SignedCertificate = Signed<Certificate>;
/// A revocation as it travels.
pub type SignedRevocation = Signed<Revocation>;

impl<T: Paper> Signed<T> {
    /// `body` with no signature yet.
    pub fn unsigned(body: T) -> Result<Signed<T>, PaperFormatError> {
        body.check()?;
        Ok(Signed { octets: cbor::encode(&body), body, signatures: Vec::new() })
    }

    /// Adds a signature, or replaces the same officer's. Full papers take no more.
    pub fn add(&mut self, signature: PaperSignature) {
        let place = |s: &PaperSignature| (s.side, s.officer);
        match self.signatures.binary_search_by_key(&place(&signature), place) {
            Ok(at) => self.signatures[at] = signature,
            Err(at) if self.signatures.len() < SIGNATURES_MAX => self.signatures.insert(at, signature),
            Err(_) => {}
        }
    }

    /// What is signed.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// What it says, whoever may have said it.
    pub fn unverified(&self) -> &T {
        &self.body
    }

    /// The signatures, whether they hold or not.
    pub fn signatures(&self) -> &[PaperSignature] {
        &self.signatures
    }

    /// The whole, for travel and for the store.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reverses [`Signed::encode`].
    pub fn decode(bytes: &[u8]) -> Result<Signed<T>, PaperFormatError> {
        cbor::decode_strict(bytes, PAPER_OCTETS_MAX).map_err(PaperFormatError::Encoding)
    }
}

impl<C, T> Encode<C> for Signed<T> {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(2)?.bytes(&self.octets)?.encode_with(&self.signatures, context)?.ok()
    }
}

impl<'b, C, T: Paper> Decode<'b, C> for Signed<T> {
    fn decode(d: &mut Decoder<'b>, context: &mut C) -> Result<Self, decode::Error> {
        let malformed = |what: &str| decode::Error::message(format!("{}: {what}", T::WORD));
        if d.array()? != Some(2) {
            return Err(malformed("not a signed paper"));
        }
        let octets = d.bytes()?.to_vec();
        let body = read(&octets).map_err(|error| malformed(&error.to_string()))?;
        let signatures: Vec<PaperSignature> = d.decode_with(context)?;
        let is_sorted = signatures.is_sorted_by(|a, b| (a.side, a.officer) < (b.side, b.officer));
        if signatures.len() > SIGNATURES_MAX || !is_sorted {
            return Err(malformed("signatures too many or not in order"));
        }
        Ok(Signed { octets, body, signatures })
    }
}
