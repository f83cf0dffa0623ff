//! A paper on its way between a node and its side's officers: what is to be signed, with the signet that it
//! is to be signed under, in one file. It holds no secret.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use couloir_seal::identity::node_id;
use couloir_seal::papers::{PaperError, side_id, verify_certificate, verify_revocation};
use couloir_wire::cbor;
use couloir_wire::papers::{
    PAPER_OCTETS_MAX, PaperSignature, SignedCertificate, SignedRevocation, Signet, read,
};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use serde_json::{Value, json};

use super::super::officer::Officers;
use crate::cli::plain::one_line;
use crate::cli::values::{local, rfc3339};
use crate::home::write_private;
use crate::words::{Code, Failure, Outcome};

/// The signet of a side, as `couloir side create` wrote it.
pub fn read_signet(path: &Path) -> Outcome<Signet> {
    read(&read_bounded(path)?)
        .map_err(|error| no_paper(path, &format!("no signet ({error})"), "name the side's signet"))
}

/// What is to be signed.
#[derive(Debug, Clone)]
pub enum ToSign {
    /// Who speaks for a post.
    Certificate(SignedCertificate),
    /// Which node speaks for it no longer.
    Revocation(SignedRevocation),
}

/// A paper and the signet that it is to be signed under.
#[derive(Debug, Clone)]
pub struct PaperFile {
    /// Of the side whose officers sign.
    pub signet: Signet,
    /// What they sign.
    pub paper: ToSign,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct Stored {
    #[n(0)]
    format: String,
    #[n(1)]
    signet: ByteVec,
    #[n(2)]
    paper: ByteVec,
}

impl PaperFile {
    /// Reads one; what is wrong with it is said.
    pub fn read(path: &Path) -> Outcome<PaperFile> {
        let octets = read_bounded(path)?;
        let wrong = |why: &str| no_paper(path, why, "name the file that couloir side request wrote");
        let stored: Stored = cbor::decode_strict(&octets, FILE_OCTETS_MAX).map_err(|_| wrong("no paper"))?;
        if stored.format != FORMAT {
            return Err(wrong("no paper of this version"));
        }
        let signet: Signet = read(&stored.signet).map_err(|error| wrong(&error.to_string()))?;
        let certificate = SignedCertificate::decode(&stored.paper).map(ToSign::Certificate);
        let paper = certificate.or_else(|_| SignedRevocation::decode(&stored.paper).map(ToSign::Revocation));
        let paper = paper.map_err(|error| wrong(&error.to_string()))?;
        let file = PaperFile { signet, paper };
        if file.side() == side_id(&file.signet) {
            Ok(file)
        } else {
            Err(wrong("of another side than its signet"))
        }
    }

    /// Writes it, in place of what is there.
    pub fn write(&self, path: &Path) -> Outcome {
        let stored = Stored {
            format: FORMAT.to_owned(),
            signet: cbor::encode(&self.signet).into(),
            paper: self.encode_paper().into(),
        };
        let whole = std::path::absolute(path).map_err(|error| Failure::io(path, &error))?;
        write_private(&whole, &cbor::encode(&stored)).map_err(|error| Failure::io(path, &error))
    }

    /// Writes it where nothing is yet.
    pub fn write_new(&self, path: &Path) -> Outcome {
        if path.exists() {
            return Err(Failure::io(path, &std::io::ErrorKind::AlreadyExists.into()));
        }
        self.write(path)
    }

    /// The paper as nodes take it.
    pub fn encode_paper(&self) -> Vec<u8> {
        match &self.paper {
            ToSign::Certificate(signed) => signed.encode(),
            ToSign::Revocation(signed) => signed.encode(),
        }
    }

    /// Adds the officers' signatures.
    pub fn sign(&mut self, officers: &Officers) -> Outcome {
        match &mut self.paper {
            ToSign::Certificate(signed) => officers.sign(signed, &self.signet),
            ToSign::Revocation(signed) => officers.sign(signed, &self.signet),
        }
    }

    /// Whether enough officers have signed, and each signature holds.
    pub fn verify(&self) -> Result<(), PaperError> {
        match &self.paper {
            ToSign::Certificate(signed) => verify_certificate(signed, &self.signet).map(drop),
            ToSign::Revocation(signed) => verify_revocation(signed, &self.signet).map(drop),
        }
    }

    fn side(&self) -> couloir_wire::id::SideId {
        match &self.paper {
            ToSign::Certificate(signed) => signed.unverified().side,
            ToSign::Revocation(signed) => signed.unverified().side,
        }
    }

    fn signatures(&self) -> &[PaperSignature] {
        match &self.paper {
            ToSign::Certificate(signed) => signed.signatures(),
            ToSign::Revocation(signed) => signed.signatures(),
        }
    }

    /// What it says, and how far it is signed. Keys are stable.
    pub fn facts(&self) -> Value {
        let mut facts = match &self.paper {
            ToSign::Certificate(signed) => {
                let certificate = signed.unverified();
                json!({
                    "kind": "certificate",
                    "post": certificate.title,
                    "post_id": certificate.post.to_string(),
                    "holder": certificate.holder,
                    "since": rfc3339(certificate.since_ms),
                    "node": node_id(&certificate.node).to_string(),
                    "serial": certificate.serial,
                })
            }
            ToSign::Revocation(signed) => {
                let revocation = signed.unverified();
                json!({
                    "kind": "revocation",
                    "node": revocation.node.to_string(),
                    "at": rfc3339(revocation.at_ms),
                    "serial": revocation.serial,
                })
            }
        };
        facts["side"] = json!(self.signet.name);
        facts["signed"] = json!(self.signatures().len());
        facts["needed"] = json!(self.signet.threshold);
        facts["complete"] = json!(self.verify().is_ok());
        facts
    }

    /// What it says, for people.
    pub fn words(&self) -> String {
        let side = one_line(&self.signet.name);
        let what = match &self.paper {
            ToSign::Certificate(signed) => {
                let certificate = signed.unverified();
                let holder = certificate.holder.as_deref().map_or("nobody named".into(), one_line);
                format!(
                    "{side}, {}: held by {holder} since {}, on node {}",
                    one_line(&certificate.title),
                    local(certificate.since_ms),
                    node_id(&certificate.node)
                )
            }
            ToSign::Revocation(signed) => {
                format!("{side}: node {} speaks for it no longer", signed.unverified().node)
            }
        };
        format!(
            "{what}.\nSigned by {} of the {} officers needed.",
            self.signatures().len(),
            self.signet.threshold
        )
    }
}

pub(in crate::verbs) fn read_bounded(path: &Path) -> Outcome<Vec<u8>> {
    let wrong = |error| Failure::io(path, &error);
    let mut octets = Vec::new();
    let file = File::open(path).map_err(wrong)?;
    file.take(FILE_OCTETS_MAX as u64 + 1).read_to_end(&mut octets).map_err(wrong)?;
    if octets.len() > FILE_OCTETS_MAX {
        return Err(no_paper(path, "too long to be a paper", "name another file"));
    }
    Ok(octets)
}

pub(in crate::verbs) fn no_paper(path: &Path, why: &str, next: &str) -> Failure {
    Failure::new(Code::Usage, format!("{} is {why}", path.display()), next)
}

const FORMAT: &str = "couloir paper 1";
const FILE_OCTETS_MAX: usize = 2 * PAPER_OCTETS_MAX;
