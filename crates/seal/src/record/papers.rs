//! By whom items may be signed: signets given, certificates and revocations learned (docs/RECORD.md §4).

use std::collections::BTreeMap;
use std::sync::Arc;

use couloir_wire::id::{Digest, NodeId, SideId};
use couloir_wire::papers::{Certificate, Signed, SignedCertificate, SignedRevocation, Signet};
use couloir_wire::time::WallTime;

use super::cose::{Document, Mark};
use super::{RecordError, Signer};
use crate::identity::node_id;
use crate::kdf::sha256;
use crate::papers::{side_id, verify_certificate, verify_revocation};

/// The signets that a reader trusts, and what their officers have signed.
#[derive(Debug, Clone, Default)]
pub struct Papers {
    signets: BTreeMap<SideId, Signet>,
    certificates: BTreeMap<Digest, Known>,
    revocations: BTreeMap<NodeId, Revoked>,
}

/// A certificate that holds.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub signer: Arc<Signer>,
    pub certificate: Arc<Certificate>,
    pub octets: Arc<[u8]>,
}

#[derive(Debug, Clone)]
struct Revoked {
    at: WallTime,
    octets: Arc<[u8]>,
}

impl Papers {
    /// Trusts these signets and nothing else.
    pub fn new(signets: impl IntoIterator<Item = Signet>) -> Papers {
        let signets = signets.into_iter().map(|signet| (side_id(&signet), signet)).collect();
        Papers { signets, ..Papers::default() }
    }

    /// A signet that is trusted.
    pub fn signet(&self, side: SideId) -> Option<&Signet> {
        self.signets.get(&side)
    }

    /// Takes a certificate, if the officers of a trusted signet signed it; returns its digest.
    pub fn learn_certificate(&mut self, octets: &[u8]) -> Result<Digest, RecordError> {
        if let Some((digest, _)) = self.certificates.iter().find(|(_, known)| *known.octets == *octets) {
            return Ok(*digest);
        }
        let (digest, known) = self.verified(octets)?;
        self.certificates.insert(digest, known);
        Ok(digest)
    }

    /// Takes the certificate that a statement's document carries, if it carries one that holds.
    pub fn learn_from_statement(&mut self, document: &[u8]) -> Result<(), RecordError> {
        self.learn_carried(Document::decode(document)?.carried)
    }

    /// The same of a countersignature.
    pub fn learn_from_countersignature(&mut self, octets: &[u8]) -> Result<(), RecordError> {
        self.learn_carried(Mark::decode(octets)?.carried)
    }

    fn learn_carried(&mut self, carried: Option<Vec<u8>>) -> Result<(), RecordError> {
        carried.map_or(Ok(()), |octets| self.learn_certificate(&octets).map(drop))
    }

    /// Takes a revocation, if the officers of a trusted signet signed it. The earliest of a node counts.
    pub fn learn_revocation(&mut self, octets: &[u8]) -> Result<NodeId, RecordError> {
        let signed = SignedRevocation::decode(octets).map_err(RecordError::PaperFormat)?;
        let signet = self.signet_of(signed.unverified().side)?;
        let revocation = verify_revocation(&signed, signet).map_err(RecordError::Paper)?.into_inner();
        let revoked = Revoked { at: WallTime(revocation.at_ms), octets: octets.into() };
        let known = self.revocations.entry(revocation.node).or_insert_with(|| revoked.clone());
        if revoked.at < known.at {
            *known = revoked;
        }
        Ok(revocation.node)
    }

    /// When a node was revoked, if it was.
    pub fn revoked(&self, node: NodeId) -> Option<WallTime> {
        self.revocations.get(&node).map(|revoked| revoked.at)
    }

    /// A certificate that was learned, as it travels.
    pub fn certificate(&self, digest: Digest) -> Option<&[u8]> {
        self.certificates.get(&digest).map(|known| &known.octets[..])
    }

    /// A node's revocation that was learned, as it travels.
    pub fn revocation(&self, node: NodeId) -> Option<&[u8]> {
        self.revocations.get(&node).map(|revoked| &revoked.octets[..])
    }

    /// The certificate of this digest: carried along and holding, or learned.
    pub(super) fn known(&self, digest: Digest, carried: Option<&[u8]>) -> Result<Known, RecordError> {
        let learned = self.certificates.get(&digest);
        let is_new = |octets: &&[u8]| learned.is_none_or(|known| *known.octets != **octets);
        if let Some(octets) = carried.filter(is_new) {
            let (found, known) = self.verified(octets)?;
            return if found == digest { Ok(known) } else { Err(RecordError::NoCertificate(digest)) };
        }
        learned.cloned().ok_or(RecordError::NoCertificate(digest))
    }

    fn verified(&self, octets: &[u8]) -> Result<(Digest, Known), RecordError> {
        let signed: SignedCertificate = Signed::decode(octets).map_err(RecordError::PaperFormat)?;
        let signet = self.signet_of(signed.unverified().side)?;
        let certificate = verify_certificate(&signed, signet).map_err(RecordError::Paper)?.into_inner();
        let digest = Digest(sha256(&[signed.octets()]));
        let signer = Signer {
            side: certificate.side,
            side_name: signet.name.clone(),
            post: certificate.post,
            title: certificate.title.clone(),
            holder: certificate.holder.clone(),
            node: node_id(&certificate.node),
            certificate: digest,
        };
        let (signer, certificate) = (Arc::new(signer), Arc::new(certificate));
        Ok((digest, Known { signer, certificate, octets: octets.into() }))
    }

    fn signet_of(&self, side: SideId) -> Result<&Signet, RecordError> {
        self.signets.get(&side).ok_or(RecordError::UnknownSide(side))
    }
}
