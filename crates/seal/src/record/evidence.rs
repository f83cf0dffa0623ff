//! The file that carries a record out of a node: everything but the signets (docs/RECORD.md §7).

use std::collections::BTreeSet;

use couloir_wire::cbor;
use couloir_wire::id::{Digest, NodeId};
use couloir_wire::limits::{EXPORT_OCTETS_MAX, EXPORTED_PAPERS_MAX, EXPORTED_STATEMENTS_MAX};
use minicbor::bytes::ByteSlice;
use minicbor::data::Tagged;
use minicbor::{Decode, Encode};

use super::{Audience, Countersignature, Papers, Proven, RecordError, Said, Signer, VERSION, check_that};

/// A statement, and what lies beneath it in the file.
pub struct Sheet<'r> {
    /// The statement.
    pub said: &'r Said,
    /// Its countersignatures, in the record's order.
    pub beneath: Vec<&'r Countersignature>,
}

/// Writes a record: its sheets in the record's order, the papers that prove them, its head.
pub fn write(audience: &Audience, head: Digest, sheets: &[Sheet<'_>], papers: &Papers) -> Vec<u8> {
    let signers: Vec<&Signer> = sheets.iter().flat_map(Sheet::signers).collect();
    let certificates: BTreeSet<Digest> = signers.iter().map(|signer| signer.certificate).collect();
    let nodes: BTreeSet<NodeId> = signers.iter().map(|signer| signer.node).collect();
    let certificates = certificates.into_iter().filter_map(|digest| papers.certificate(digest));
    let revocations = nodes.into_iter().filter_map(|node| papers.revocation(node));
    let statements: Vec<Vec<u8>> = sheets.iter().map(|sheet| sheet.said.with(&sheet.beneath)).collect();
    cbor::encode(&Marked::from(File {
        kind: KIND,
        version: VERSION,
        audience: audience.clone(),
        head,
        certificates: certificates.map(<&ByteSlice>::from).collect(),
        revocations: revocations.map(<&ByteSlice>::from).collect(),
        statements: statements.iter().map(|octets| <&ByteSlice>::from(&octets[..])).collect(),
    }))
}

/// What a file holds, each part proven or not.
#[derive(Debug)]
pub struct Opened {
    /// Between whom the record is said to be.
    pub audience: Audience,
    /// The head that the file claims.
    pub head: Digest,
    /// The signets that were given, and the papers in the file that hold under them.
    pub papers: Papers,
    /// Papers in the file that do not hold: their place, certificates first, and why.
    pub bad_papers: Vec<(usize, RecordError)>,
    /// Each statement in the order of the file, or why it does not hold.
    pub statements: Vec<Result<Proven, RecordError>>,
}

/// Reads a file and checks each part of it under the signets in `papers`.
pub fn open(octets: &[u8], mut papers: Papers) -> Result<Opened, RecordError> {
    let file: Marked<'_> = cbor::decode_strict(octets, EXPORT_OCTETS_MAX).map_err(RecordError::Encoding)?;
    let file = file.into_value();
    file.check()?;
    let mut bad_papers = Vec::new();
    for (place, octets) in file.certificates.iter().enumerate() {
        bad_papers.extend(papers.learn_certificate(octets).err().map(|error| (place, error)));
    }
    for (place, octets) in file.revocations.iter().enumerate() {
        let place = file.certificates.len() + place;
        bad_papers.extend(papers.learn_revocation(octets).err().map(|error| (place, error)));
    }
    let statements = file.statements.iter().map(|octets| papers.prove_all(octets)).collect();
    Ok(Opened { audience: file.audience, head: file.head, papers, bad_papers, statements })
}

/// Whether octets claim to be such a file.
pub fn is_evidence(octets: &[u8]) -> bool {
    octets.starts_with(&[0xd9, 0xd9, 0xf7, 0x87, 0x6e]) && octets[5..].starts_with(KIND.as_bytes())
}

impl<'r> Sheet<'r> {
    fn signers(&self) -> impl Iterator<Item = &'r Signer> {
        let beneath: Vec<&'r Signer> = self.beneath.iter().map(|mark| &*mark.signer).collect();
        [&*self.said.signer].into_iter().chain(beneath)
    }
}

/// The file behind a tag that only says "this is CBOR": with the name after it, it tells what the file is.
type Marked<'b> = Tagged<55_799, File<'b>>;

/// The inside of the file.
#[derive(Encode, Decode)]
#[cbor(array)]
struct File<'b> {
    #[b(0)]
    kind: &'b str,
    #[n(1)]
    version: u8,
    #[n(2)]
    audience: Audience,
    #[n(3)]
    head: Digest,
    #[b(4)]
    certificates: Vec<&'b ByteSlice>,
    #[b(5)]
    revocations: Vec<&'b ByteSlice>,
    #[b(6)]
    statements: Vec<&'b ByteSlice>,
}

impl File<'_> {
    fn check(&self) -> Result<(), RecordError> {
        check_that(self.kind == KIND, "kind of file")?;
        check_that(self.version == VERSION, "version")?;
        self.audience.check()?;
        let papers = self.certificates.len().max(self.revocations.len());
        check_that(papers <= EXPORTED_PAPERS_MAX, "number of papers")?;
        check_that(self.statements.len() <= EXPORTED_STATEMENTS_MAX, "number of statements")
    }
}

const KIND: &str = "couloir record";
