//! What is put on the record: statements and countersignatures (docs/RECORD.md).
//!
//! *Said.* A [`Statement`] is signed by its author's node as a COSE_Sign (RFC 9052) with two signatures,
//! Ed25519 and ML-DSA-65, over one payload in deterministic CBOR. It names the tips of the record that its
//! author saw and nothing that is off the record. *Answered.* A node of another side of the audience
//! countersigns it (RFC 9338) with an [`Act`]: acknowledge, agree or decline. *Proven.* [`Papers`] holds the
//! signets and what their officers signed; it alone turns octets into [`Authentic`] items, which the fold
//! of the record and everything above it take. *Carried out.* [`evidence`] is the file that anybody can
//! check with the signets alone.
//!
//! An item is known by the SHA-256 of what its author signed, signatures and certificates left out: who
//! signs the same again makes no second item.

mod act;
mod cose;
pub mod evidence;
mod papers;
mod prove;
mod statement;

pub use act::{Act, Verdict};
pub use papers::Papers;
pub use prove::{Countersignature, Proven, Said, Signer, countersign, say};
pub use statement::{Asks, Audience, Corrects, Statement, Text};

use couloir_wire::cbor::{self, CborError};
use couloir_wire::id::{Digest, PostId, SideId};
use couloir_wire::limits::PREVIOUS_MAX;
use couloir_wire::papers::PaperFormatError;
use couloir_wire::text::TextError;

use crate::kdf::sha256;
use crate::papers::PaperError;

/// What a document says, before anybody has proven that its author said so: to be searched, never to be relied on.
pub fn unproven_texts(document: &[u8]) -> Result<Vec<Text>, RecordError> {
    let document = cose::Document::decode(document)?;
    Ok(Statement::decode(&document.payload)?.texts)
}

/// Version of the format of statements, acts and evidence.
pub const VERSION: u8 = 1;

/// Why octets are no item of a record. Blame lies with whoever made or carried them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not a COSE structure of ours in its one encoding.
    #[error("its COSE structure is not acceptable: {0}")]
    Structure(&'static str),
    /// What is signed is not deterministic CBOR of the right shape.
    #[error("what it signs is not acceptable: {0}")]
    Encoding(CborError),
    /// A text in it is not acceptable.
    #[error("its {field} is not acceptable: {cause}")]
    Text {
        /// Which text.
        field: &'static str,
        /// What is wrong with it.
        cause: TextError,
    },
    /// A number, count, order or reference in it is not acceptable.
    #[error("its {0} is not acceptable")]
    Value(&'static str),
    /// The certificate that it names is neither in it nor known.
    #[error("the certificate {0} that it names is not at hand")]
    NoCertificate(Digest),
    /// A certificate or revocation is not well formed.
    #[error("a paper with it cannot be read: {0}")]
    PaperFormat(PaperFormatError),
    /// A certificate or revocation does not hold.
    #[error("a paper with it does not hold: {0}")]
    Paper(PaperError),
    /// It is by a side whose signet was not given.
    #[error("it is by the side {0}, whose signet was not given")]
    UnknownSide(SideId),
    /// Its author is not the post that the certificate names.
    #[error("it is said by another side or post than its certificate names")]
    OtherSigner,
    /// Its signer may not sign it.
    #[error("the post {0} may not countersign it: it is not addressed, or is of the author's own side")]
    NotAddressed(PostId),
    /// It belongs to another statement.
    #[error("it countersigns another statement")]
    OtherStatement,
    /// Its node had been revoked by then.
    #[error("its node had been revoked when it was signed")]
    Revoked,
    /// A signature does not hold.
    #[error("its {0} signature does not hold")]
    Signature(&'static str),
}

/// The digest that two desks compare: of the record's tips, in order.
pub fn head_of(tips: &[Digest]) -> Digest {
    named("couloir/v1 record head", &tips)
}

/// SHA-256 of a name and a value, as one array in deterministic CBOR.
fn named<T: minicbor::Encode<()>>(name: &str, value: &T) -> Digest {
    Digest(sha256(&[&cbor::encode(&(name, value))]))
}

/// Tips that an item saw: few, sorted, each once.
fn check_previous(previous: &[Digest]) -> Result<(), RecordError> {
    check_that(previous.len() <= PREVIOUS_MAX && is_rising(previous), "list of previous items")
}

fn is_rising<T: Ord>(values: &[T]) -> bool {
    values.windows(2).all(|pair| pair[0] < pair[1])
}

fn check_that(is_so: bool, field: &'static str) -> Result<(), RecordError> {
    is_so.then_some(()).ok_or(RecordError::Value(field))
}

/// Times from 1970 to the end of the year 9999, in milliseconds.
fn check_time(at_ms: i64) -> Result<(), RecordError> {
    check_that((0..=253_402_300_799_999).contains(&at_ms), "time")
}
