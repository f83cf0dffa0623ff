//! What two nodes say before they have a link: hello, answer, confirmation (PROTOCOL §4.4).
//!
//! Whoever has no link says hello. The answer echoes the hello's nonce, the confirmation the
//! answer's. P's key package and C's welcome ride along in whichever of the three comes next.

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use super::{PaperFormatError, Signature, SignedAcceptance, SignedCertificate};
use crate::cbor;
use crate::id::{Digest, IncarnationId, NodeId};
use crate::limits::RENDEZVOUS_OCTETS_MAX;

/// Why a node says hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Purpose {
    /// First contact, with an acceptance.
    #[n(0)]
    Join,
    /// A link is to be made anew: after a restore, or when keys were lost.
    #[n(1)]
    Restore,
}

/// The first message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Hello {
    /// Why.
    #[n(0)]
    pub purpose: Purpose,
    /// The node that says it.
    #[n(1)]
    pub from: NodeId,
    /// The random number of its new life.
    #[n(2)]
    pub incarnation: IncarnationId,
    /// Random; the answer echoes it.
    #[n(3)]
    pub nonce: Digest,
    /// The hour before which its sender needs no key, by every clock that it has; the first hour of the
    /// link's first epoch is the earlier of this and the answer's.
    #[n(4)]
    pub first_hour: u64,
    /// A key package, if the sender is P.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub key_package: Option<Vec<u8>>,
    /// At first contact, the invited side's acceptance.
    #[n(6)]
    pub acceptance: Option<SignedAcceptance>,
    /// The sender's certificate, if it is not the post's first: the reader may not have it.
    #[n(7)]
    pub certificate: Option<SignedCertificate>,
}

/// The second message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Answer {
    /// The node that answers.
    #[n(0)]
    pub from: NodeId,
    /// The random number of its new life.
    #[n(1)]
    pub incarnation: IncarnationId,
    /// Random; the confirmation echoes it.
    #[n(2)]
    pub nonce: Digest,
    /// The hello's nonce.
    #[n(3)]
    pub echo: Digest,
    /// A key package, if the sender is P.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub key_package: Option<Vec<u8>>,
    /// The welcome to the hello's key package, if the sender is C.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub welcome: Option<Vec<u8>>,
    /// The hour before which its sender needs no key.
    #[n(6)]
    pub first_hour: u64,
    /// As in the hello.
    #[n(7)]
    pub certificate: Option<SignedCertificate>,
}

/// The third message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Confirm {
    /// The node that said hello.
    #[n(0)]
    pub from: NodeId,
    /// The answer's nonce.
    #[n(1)]
    pub echo: Digest,
    /// The welcome to the answer's key package, if the sender is C.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub welcome: Option<Vec<u8>>,
}

/// One of the three.
#[expect(
    clippy::large_enum_variant,
    reason = "one or two are alive at a time, and the hello is the usual one"
)]
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum RendezvousBody {
    /// The first.
    #[n(0)]
    Hello(#[n(0)] Hello),
    /// The second.
    #[n(1)]
    Answer(#[n(0)] Answer),
    /// The third.
    #[n(2)]
    Confirm(#[n(0)] Confirm),
}

impl RendezvousBody {
    /// The certificate that came along.
    pub fn certificate(&self) -> Option<&SignedCertificate> {
        match self {
            RendezvousBody::Hello(hello) => hello.certificate.as_ref(),
            RendezvousBody::Answer(answer) => answer.certificate.as_ref(),
            RendezvousBody::Confirm(_) => None,
        }
    }

    /// The node that claims to have written it.
    pub fn from(&self) -> NodeId {
        match self {
            RendezvousBody::Hello(hello) => hello.from,
            RendezvousBody::Answer(answer) => answer.from,
            RendezvousBody::Confirm(confirm) => confirm.from,
        }
    }
}

/// One of the three with its node's signature, which nobody has checked yet. Encoded as an array of
/// the message's octets, as one byte string, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRendezvous {
    octets: Vec<u8>,
    body: RendezvousBody,
    signature: Signature,
}

impl SignedRendezvous {
    /// The message as `sign` signs its octets.
    pub fn new(body: RendezvousBody, sign: impl FnOnce(&[u8]) -> Signature) -> SignedRendezvous {
        let octets = cbor::encode(&body);
        SignedRendezvous { signature: sign(&octets), octets, body }
    }

    /// What is signed.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// What it says, whoever may have said it.
    pub fn unverified(&self) -> &RendezvousBody {
        &self.body
    }

    /// The message itself, given up.
    pub fn into_unverified(self) -> RendezvousBody {
        self.body
    }

    /// The signature, whether it holds or not.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The whole, to be cut into parts.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reverses [`SignedRendezvous::encode`].
    pub fn decode(bytes: &[u8]) -> Result<SignedRendezvous, PaperFormatError> {
        cbor::decode_strict(bytes, RENDEZVOUS_OCTETS_MAX).map_err(PaperFormatError::Encoding)
    }
}

impl<C> Encode<C> for SignedRendezvous {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.array(2)?.bytes(&self.octets)?.encode_with(&self.signature, context)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for SignedRendezvous {
    fn decode(d: &mut Decoder<'b>, context: &mut C) -> Result<Self, decode::Error> {
        if d.array()? != Some(2) {
            return Err(decode::Error::message("not a signed rendezvous message"));
        }
        let octets = d.bytes()?.to_vec();
        let body = cbor::decode_strict(&octets, RENDEZVOUS_OCTETS_MAX)
            .map_err(|error| decode::Error::message(error.to_string()))?;
        Ok(SignedRendezvous { octets, body, signature: d.decode_with(context)? })
    }
}
