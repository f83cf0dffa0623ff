//! Saying, countersigning, and proving either: octets become [`Authentic`] items here and nowhere else.

use std::mem;
use std::sync::Arc;

use couloir_wire::id::{Digest, NodeId, PostId, SideId};
use couloir_wire::limits::STATEMENT_OCTETS_MAX;
use couloir_wire::papers::{Certificate, Signature, SignedCertificate};
use couloir_wire::time::WallTime;

use super::cose::{Body, Document, Mark};
use super::papers::{Known, Papers};
use super::{Act, RecordError, Statement};
use crate::identity::{CoseStructures, SigningKey, cose_fault};
use crate::kdf::sha256;
use crate::proof::Authentic;

/// Who signed an item, by the certificate that held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The side.
    pub side: SideId,
    /// The side's name, from its signet.
    pub side_name: String,
    /// The post.
    pub post: PostId,
    /// The post's title.
    pub title: String,
    /// The person in the post.
    pub holder: Option<String>,
    /// The node that signed.
    pub node: NodeId,
    /// The certificate's digest.
    pub certificate: Digest,
}

/// A statement whose signatures and certificate hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The item's digest.
    pub digest: Digest,
    /// What is said.
    pub statement: Statement,
    /// Who said it.
    pub signer: Arc<Signer>,
    document: Document,
}

/// A countersignature whose signatures and certificate hold, over a statement that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Countersignature {
    /// The item's digest.
    pub digest: Digest,
    /// What it says.
    pub act: Act,
    /// Who countersigned.
    pub signer: Arc<Signer>,
    mark: Mark,
}

/// A statement that holds, and what was beneath it.
#[derive(Debug)]
pub struct Proven {
    /// The statement.
    pub said: Authentic<Said>,
    /// Each countersignature, or why it does not hold.
    pub beneath: Vec<Result<Authentic<Countersignature>, RecordError>>,
}

impl Said {
    /// The document without anything that it need not carry: no certificate, no countersignatures.
    pub fn bare(&self) -> Vec<u8> {
        self.document.encode()
    }

    /// The document with countersignatures beneath it, each of this statement.
    pub(super) fn with(&self, countersignatures: &[&Countersignature]) -> Vec<u8> {
        let marks = countersignatures.iter().map(|countersignature| countersignature.mark.clone()).collect();
        Document { marks, ..self.document.clone() }.encode()
    }
}

impl Countersignature {
    /// The countersignature without its certificate.
    pub fn bare(&self) -> Vec<u8> {
        self.mark.encode()
    }
}

/// Puts `statement` on the record in the name of the certificate's node, whose key this is. The document
/// carries the certificate if there is room. Refuses what no reader would take.
pub fn say(
    key: &SigningKey,
    certificate: &SignedCertificate,
    statement: &Statement,
) -> Result<Vec<u8>, RecordError> {
    statement.check()?;
    check_signer(certificate.unverified(), statement.side, statement.author)?;
    let payload = statement.encode();
    let body = Body { certificate: digest_of(certificate), payload: &payload };
    let signature = key.sign_cose(&body.structures());
    let carried = Some(certificate.encode());
    let document = Document { certificate: body.certificate, payload, signature, carried, marks: Vec::new() };
    let octets = document.encode();
    if octets.len() <= STATEMENT_OCTETS_MAX {
        return Ok(octets);
    }
    Ok(Document { carried: None, ..document }.encode())
}

/// Countersigns `said` with `act` in the name of the certificate's node, whose key this is.
pub fn countersign(
    key: &SigningKey,
    certificate: &SignedCertificate,
    said: &Authentic<Said>,
    act: &Act,
) -> Result<Vec<u8>, RecordError> {
    act.check()?;
    check_signer(certificate.unverified(), act.side, act.author)?;
    check_addressed(act, said.get())?;
    let octets = act.encode();
    let signature = key.sign_cose(&said.get().document.body().countersign_structures(&octets));
    Ok(Mark { act: octets, signature, carried: Some(certificate.encode()) }.encode())
}

impl Papers {
    /// The statement in `document`, if it is one and holds. What lies beneath it is not looked at.
    pub fn prove(&self, document: &[u8]) -> Result<Authentic<Said>, RecordError> {
        self.prove_with_marks(document).map(|(said, _)| said)
    }

    /// The statement of an exported document if it holds, and whether each countersignature beneath it does.
    pub(super) fn prove_all(&self, document: &[u8]) -> Result<Proven, RecordError> {
        let (said, marks) = self.prove_with_marks(document)?;
        let beneath = marks.into_iter().map(|mark| self.prove_mark(mark, &said)).collect();
        Ok(Proven { said, beneath })
    }

    fn prove_with_marks(&self, document: &[u8]) -> Result<(Authentic<Said>, Vec<Mark>), RecordError> {
        let mut document = Document::decode(document)?;
        let (carried, marks) = (document.carried.take(), mem::take(&mut document.marks));
        Ok((self.prove_document(document, carried.as_deref())?, marks))
    }

    /// The countersignature in `octets`, if it is one of `said` and holds.
    pub fn prove_countersignature(
        &self,
        octets: &[u8],
        said: &Authentic<Said>,
    ) -> Result<Authentic<Countersignature>, RecordError> {
        self.prove_mark(Mark::decode(octets)?, said)
    }

    fn prove_document(
        &self,
        document: Document,
        carried: Option<&[u8]>,
    ) -> Result<Authentic<Said>, RecordError> {
        let statement = Statement::decode(&document.payload)?;
        let known = self.known(document.certificate, carried)?;
        check_signer(&known.certificate, statement.side, statement.author)?;
        let body = document.body();
        self.check_signed(&known, statement.at_ms, &body.structures(), &document.signature)?;
        let digest = body.digest();
        Ok(Authentic::mint(Said { digest, statement, signer: known.signer, document }))
    }

    fn prove_mark(
        &self,
        mark: Mark,
        said: &Authentic<Said>,
    ) -> Result<Authentic<Countersignature>, RecordError> {
        let Mark { act: octets, signature, carried } = mark;
        let act = Act::decode(&octets)?;
        check_addressed(&act, said.get())?;
        let known = self.known(act.certificate, carried.as_deref())?;
        check_signer(&known.certificate, act.side, act.author)?;
        let structures = said.get().document.body().countersign_structures(&octets);
        self.check_signed(&known, act.at_ms, &structures, &signature)?;
        let digest = Act::digest(&octets);
        let mark = Mark { act: octets, signature, carried: None };
        Ok(Authentic::mint(Countersignature { digest, act, signer: known.signer, mark }))
    }

    fn check_signed(
        &self,
        known: &Known,
        at_ms: i64,
        structures: &CoseStructures,
        signature: &Signature,
    ) -> Result<(), RecordError> {
        if let Some(algorithm) = cose_fault(&known.certificate.node, structures, signature) {
            return Err(RecordError::Signature(algorithm));
        }
        let is_revoked = self.revoked(known.signer.node).is_some_and(|revoked| revoked <= WallTime(at_ms));
        if is_revoked { Err(RecordError::Revoked) } else { Ok(()) }
    }
}

fn check_signer(certificate: &Certificate, side: SideId, post: PostId) -> Result<(), RecordError> {
    let is_signer = certificate.side == side && certificate.post == post;
    is_signer.then_some(()).ok_or(RecordError::OtherSigner)
}

/// Whoever countersigns is of the audience, of another side than the author, and means this statement.
fn check_addressed(act: &Act, said: &Said) -> Result<(), RecordError> {
    if act.statement != said.digest {
        return Err(RecordError::OtherStatement);
    }
    let Statement { audience, side, .. } = &said.statement;
    let is_addressed = audience.posts.contains(&act.author) && audience.sides.contains(&act.side);
    if is_addressed && act.side != *side { Ok(()) } else { Err(RecordError::NotAddressed(act.author)) }
}

fn digest_of(certificate: &SignedCertificate) -> Digest {
    Digest(sha256(&[certificate.octets()]))
}
