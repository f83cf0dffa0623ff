//! What a countersignature says (docs/RECORD.md §5).

use couloir_wire::cbor;
use couloir_wire::id::{Digest, PostId, SideId};
use couloir_wire::limits::REASON_OCTETS_MAX;
use minicbor::bytes::ByteSlice;
use minicbor::{Decode, Encode};

use super::statement::check_said;
use super::{RecordError, VERSION, check_previous, check_that, check_time, named};

/// What a side says to a statement, weakest first. What is said stays said: the strongest one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Verdict {
    /// It has it.
    #[n(1)]
    Acknowledge,
    /// It does not agree.
    #[n(2)]
    Decline,
    /// It agrees to the text.
    #[n(3)]
    Agree,
}

impl Verdict {
    /// What was done, as a word.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Acknowledge => "acknowledged",
            Verdict::Decline => "declined",
            Verdict::Agree => "agreed",
        }
    }
}

/// What a countersignature says; its octets lie in the protected headers of both signatures.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Act {
    /// [`VERSION`].
    #[n(1)]
    pub version: u8,
    /// The digest of the statement.
    #[n(2)]
    pub statement: Digest,
    /// The record's tips that its author saw, sorted.
    #[n(3)]
    pub previous: Vec<Digest>,
    /// The countersigner's side.
    #[n(4)]
    pub side: SideId,
    /// The countersigner.
    #[n(5)]
    pub author: PostId,
    /// The countersigner's time, in milliseconds since 1970.
    #[n(6)]
    pub at_ms: i64,
    /// What it says.
    #[n(7)]
    pub verdict: Verdict,
    /// The digest of the countersigner's certificate.
    #[n(8)]
    pub certificate: Digest,
    /// Why it declines, if it says so.
    #[n(9)]
    pub reason: Option<String>,
}

impl Act {
    /// What is signed.
    pub(super) fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads what was signed.
    pub(super) fn decode(octets: &[u8]) -> Result<Act, RecordError> {
        let act: Act = cbor::decode_strict(octets, ACT_OCTETS_MAX).map_err(RecordError::Encoding)?;
        act.check()?;
        Ok(act)
    }

    /// Checks bounds, order and text.
    pub fn check(&self) -> Result<(), RecordError> {
        check_that(self.version == VERSION, "version")?;
        check_previous(&self.previous)?;
        check_time(self.at_ms)?;
        let Some(reason) = &self.reason else { return Ok(()) };
        check_that(self.verdict == Verdict::Decline, "reason where nothing is declined")?;
        check_said(reason, REASON_OCTETS_MAX, "reason")
    }

    /// The digest of the item.
    pub(super) fn digest(octets: &[u8]) -> Digest {
        named("couloir/v1 countersignature", &<&ByteSlice>::from(octets))
    }
}

/// Its reason, eight previous items and the fixed fields.
pub(super) const ACT_OCTETS_MAX: usize = REASON_OCTETS_MAX + 1024;
