//! The COSE structures of statements and countersignatures: the only file that names the library.
//!
//! The library accepts more than one way to write a thing. So what was read is made anew from its parts,
//! and must give the same octets; nothing that is not a part has a place to hide (docs/RECORD.md §2). Before it
//! reads, the heads of all items are counted, so that a few octets cannot become many objects.

use coset::cbor::value::Value;
use coset::iana::{Algorithm, HeaderParameter};
use coset::{
    AsCborValue, CborSerializable, CoseSign, CoseSignature, Header, HeaderBuilder, Label, ProtectedHeader,
    RegisteredLabelWithPrivate, SignatureContext, TaggedCborSerializable, sig_structure_data,
};
use couloir_wire::id::Digest;
use couloir_wire::limits::{COUNTERSIGNATURES_MAX, STATEMENT_OCTETS_MAX};
use couloir_wire::papers::Signature;
use minicbor::bytes::ByteSlice;
use minicbor::data::Type;

use super::act::ACT_OCTETS_MAX;
use super::{RecordError, named};
use crate::identity::{CoseStructures, ToBeSigned};

/// A statement's document: tag 98.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    /// The digest of its author's certificate.
    pub certificate: Digest,
    /// The statement's octets.
    pub payload: Vec<u8>,
    /// Both signatures of its author.
    pub signature: Signature,
    /// The certificate itself, if it travels along.
    pub carried: Option<Vec<u8>>,
    /// What others have signed beneath, if it travels along.
    pub marks: Vec<Mark>,
}

/// A countersignature, both algorithms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// The act's octets.
    pub act: Vec<u8>,
    /// Both signatures of its author.
    pub signature: Signature,
    /// The certificate itself, if it travels along.
    pub carried: Option<Vec<u8>>,
}

/// What a statement's author signs, and what identifies it.
pub(super) struct Body<'b> {
    /// The digest of its author's certificate.
    pub certificate: Digest,
    /// The statement's octets.
    pub payload: &'b [u8],
}

impl Body<'_> {
    /// The digest of the item: of the protected header and the payload.
    pub fn digest(&self) -> Digest {
        let protected = body_header(self.certificate).to_vec().unwrap_or_default();
        let parts = [&protected[..], self.payload].map(<&ByteSlice>::from);
        named("couloir/v1 statement", &parts)
    }

    /// What the author signs (RFC 9052 §4.4).
    pub fn structures(&self) -> CoseStructures {
        self.both(SignatureContext::CoseSignature, sign_header)
    }

    /// What a countersigner signs (RFC 9338 §3.3): a COSE_Sign has two byte strings, the protected
    /// header and the payload, so there are no other fields and the context is "CounterSignature".
    pub fn countersign_structures(&self, act: &[u8]) -> CoseStructures {
        self.both(SignatureContext::CounterSignature, |algorithm| act_header(algorithm, act))
    }

    fn both(&self, context: SignatureContext, header: impl Fn(Algorithm) -> Header) -> CoseStructures {
        let structure = |algorithm| {
            let (body, sign) = (protected(body_header(self.certificate)), protected(header(algorithm)));
            ToBeSigned::new(sig_structure_data(context, body, Some(sign), &[], self.payload))
        };
        CoseStructures { ed25519: structure(ALGORITHMS[0]), ml_dsa: structure(ALGORITHMS[1]) }
    }
}

impl Document {
    /// What is signed in it.
    pub fn body(&self) -> Body<'_> {
        Body { certificate: self.certificate, payload: &self.payload }
    }

    /// Its one encoding.
    pub fn encode(&self) -> Vec<u8> {
        let marks = self.marks.iter().flat_map(Mark::signatures).map(value_of).collect::<Vec<Value>>();
        let marks = (!marks.is_empty()).then_some((COUNTERSIGNATURES, Value::Array(marks)));
        let carried = self.carried.clone().map(|octets| (CERTIFICATE, Value::Bytes(octets)));
        let sign = CoseSign {
            protected: protected(body_header(self.certificate)),
            unprotected: header_of(marks.into_iter().chain(carried)),
            payload: Some(self.payload.clone()),
            signatures: pair(&self.signature, sign_header, None).into(),
        };
        sign.to_tagged_vec().unwrap_or_default()
    }

    /// Reverses [`Document::encode`].
    pub fn decode(octets: &[u8]) -> Result<Document, RecordError> {
        check_size(octets, DOCUMENT_OCTETS_MAX)?;
        let sign = CoseSign::from_tagged_slice(octets).map_err(|_| structure("it is no COSE_Sign"))?;
        let certificate = header_bytes(&sign.protected.header, CERTIFICATE_DIGEST);
        let certificate = certificate.and_then(|octets| octets.try_into().ok()).map(Digest);
        let document = Document {
            certificate: certificate.ok_or(structure("it names no certificate"))?,
            payload: sign.payload.ok_or(structure("it has no payload"))?,
            signature: signature_of(&sign.signatures)?,
            carried: header_bytes(&sign.unprotected, CERTIFICATE).map(<[u8]>::to_vec),
            marks: marks_of(&sign.unprotected)?,
        };
        if document.encode() == octets { Ok(document) } else { Err(structure(ANOTHER)) }
    }
}

impl Mark {
    fn signatures(&self) -> [CoseSignature; 2] {
        pair(&self.signature, |algorithm| act_header(algorithm, &self.act), self.carried.clone())
    }

    /// Its one encoding when it travels alone: an array of two COSE_Countersignatures.
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        let value = Value::Array(self.signatures().map(value_of).into());
        // A vector takes every octet.
        let _ = coset::cbor::ser::into_writer(&value, &mut octets);
        octets
    }

    /// Reverses [`Mark::encode`].
    pub fn decode(octets: &[u8]) -> Result<Mark, RecordError> {
        check_size(octets, couloir_wire::limits::COUNTERSIGNATURE_OCTETS_MAX)?;
        let value = coset::cbor::de::from_reader(octets).map_err(|_| structure("it is no CBOR"))?;
        let Value::Array(values) = value else { return Err(structure("it is no array of signatures")) };
        let mark = Mark::of(values)?;
        if mark.encode() == octets { Ok(mark) } else { Err(structure(ANOTHER)) }
    }

    fn of(values: Vec<Value>) -> Result<Mark, RecordError> {
        let read = |value| CoseSignature::from_cbor_value(value).map_err(|_| structure("it is no signature"));
        let pair = values.into_iter().map(read).collect::<Result<Vec<CoseSignature>, RecordError>>()?;
        let signature = signature_of(&pair)?;
        let act = header_bytes(&pair[0].protected.header, ACT).filter(|act| act.len() <= ACT_OCTETS_MAX);
        let act = act.ok_or(structure("it says no act"))?.to_vec();
        Ok(Mark {
            act,
            signature,
            carried: header_bytes(&pair[0].unprotected, CERTIFICATE).map(<[u8]>::to_vec),
        })
    }
}

/// Both signatures as COSE writes them; the first one carries the certificate.
fn pair(
    signature: &Signature,
    header: impl Fn(Algorithm) -> Header,
    carried: Option<Vec<u8>>,
) -> [CoseSignature; 2] {
    let carried = carried.map(|octets| (CERTIFICATE, Value::Bytes(octets)));
    let with = |algorithm, unprotected, octets: &[u8]| CoseSignature {
        protected: protected(header(algorithm)),
        unprotected,
        signature: octets.to_vec(),
    };
    [
        with(ALGORITHMS[0], header_of(carried), &signature.ed25519),
        with(ALGORITHMS[1], Header::default(), &signature.ml_dsa[..]),
    ]
}

fn signature_of(pair: &[CoseSignature]) -> Result<Signature, RecordError> {
    let [first, second] = pair else {
        return Err(structure("it does not carry one signature of each algorithm"));
    };
    let ed25519 =
        first.signature[..].try_into().map_err(|_| structure("its Ed25519 signature has another length"))?;
    let ml_dsa = second
        .signature
        .clone()
        .try_into()
        .map_err(|_| structure("its ML-DSA-65 signature has another length"))?;
    Ok(Signature { ed25519, ml_dsa })
}

fn marks_of(unprotected: &Header) -> Result<Vec<Mark>, RecordError> {
    let Some(value) = header_value(unprotected, COUNTERSIGNATURES) else { return Ok(Vec::new()) };
    let values = value.as_array().ok_or(structure("its countersignatures are no array"))?;
    if values.len() > 2 * COUNTERSIGNATURES_MAX {
        return Err(structure("it carries too many countersignatures"));
    }
    values.chunks(2).map(|pair| Mark::of(pair.to_vec())).collect()
}

fn body_header(certificate: Digest) -> Header {
    let header = HeaderBuilder::new().content_type(CONTENT_TYPE.into());
    header.value(CERTIFICATE_DIGEST, Value::Bytes(certificate.0.to_vec())).build()
}

fn sign_header(algorithm: Algorithm) -> Header {
    HeaderBuilder::new().algorithm(algorithm).build()
}

/// Whoever does not know what an act is must not take the signature for an agreement: it is critical.
fn act_header(algorithm: Algorithm, act: &[u8]) -> Header {
    let critical = RegisteredLabelWithPrivate::PrivateUse(ACT);
    let header = HeaderBuilder::new().algorithm(algorithm).add_critical_label(critical);
    header.value(ACT, Value::Bytes(act.to_vec())).build()
}

fn header_of(values: impl IntoIterator<Item = (i64, Value)>) -> Header {
    let rest = values.into_iter().map(|(label, value)| (Label::Int(label), value)).collect();
    Header { rest, ..Header::default() }
}

fn header_value(header: &Header, label: i64) -> Option<&Value> {
    header.rest.iter().find(|(known, _)| *known == Label::Int(label)).map(|(_, value)| value)
}

fn header_bytes(header: &Header, label: i64) -> Option<&[u8]> {
    header_value(header, label).and_then(Value::as_bytes).map(Vec::as_slice)
}

fn protected(header: Header) -> ProtectedHeader {
    ProtectedHeader { original_data: None, header }
}

fn value_of(signature: CoseSignature) -> Value {
    // Two headers without repeated labels and a byte string always have a value.
    signature.to_cbor_value().unwrap_or(Value::Null)
}

fn structure(what: &'static str) -> RecordError {
    RecordError::Structure(what)
}

fn check_size(octets: &[u8], max: usize) -> Result<(), RecordError> {
    if octets.len() > max {
        return Err(structure("it is too long"));
    }
    let heads = heads_in(octets, true).filter(|heads| *heads <= HEADS_MAX + octets.len() / 2);
    heads.map(|_| ()).ok_or(structure("it is no CBOR of a few plain items"))
}

/// How many items there are, those of maps inside of byte strings included; `None` if one is of a kind that no
/// structure of ours holds.
fn heads_in(octets: &[u8], looks_inside: bool) -> Option<usize> {
    let mut decoder = minicbor::Decoder::new(octets);
    let mut heads = 0;
    while decoder.position() < octets.len() {
        heads += 1;
        match decoder.datatype().ok()? {
            Type::Bytes => heads += inner_heads(decoder.bytes().ok()?, looks_inside),
            Type::String => drop(decoder.str().ok()?),
            Type::Array => drop(decoder.array().ok()?),
            Type::Map => drop(decoder.map().ok()?),
            Type::Tag => drop(decoder.tag().ok()?),
            _ => drop(decoder.int().ok()?),
        }
    }
    Some(heads)
}

/// A protected header is a map; other byte strings are not looked into by anybody. What begins like a map and
/// is no plain one, a signature mostly, counts as if each of its octets were an item.
fn inner_heads(octets: &[u8], looks_inside: bool) -> usize {
    let is_map = octets.first().is_some_and(|head| head >> 5 == 5);
    if looks_inside && is_map { heads_in(octets, false).unwrap_or(octets.len()) } else { 0 }
}

/// Ed25519 as RFC 9864 names it, ML-DSA-65 as RFC 9964 does: -19 and -49.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Ed25519, Algorithm::ML_DSA_65];
/// Version 2 countersignatures (RFC 9338 §2).
const COUNTERSIGNATURES: i64 = HeaderParameter::CounterSignatureV2 as i64;
/// The digest of the signer's certificate; for private use, as are the next two.
const CERTIFICATE_DIGEST: i64 = -65_537;
/// The signer's certificate.
const CERTIFICATE: i64 = -65_538;
/// What a countersignature says.
const ACT: i64 = -65_539;
const CONTENT_TYPE: &str = "application/vnd.couloir.statement+cbor";
const ANOTHER: &str = "it holds something unknown, or is not in its one encoding";
/// A statement with everything beneath it.
const DOCUMENT_OCTETS_MAX: usize = STATEMENT_OCTETS_MAX + COUNTERSIGNATURES_MAX * 8 * 1024;
/// Items of a structure beside half an item for each octet: two signatures that begin like maps, and the rest.
const HEADS_MAX: usize = 8 * 1024;
