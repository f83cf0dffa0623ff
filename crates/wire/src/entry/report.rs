//! Acts of an exchange of intelligence: bundles of STIX 2.1 and requests for them (PROTOCOL §7.9).

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::conversation::Marking;
use super::meeting::check_remark;
use super::{EntryError, check_label, check_that};
use crate::id::{Digest, EntryId};
use crate::limits::{BUNDLE_OCTETS_MAX, FILE_OCTETS_MAX};
use crate::time::WallTime;

/// A report, a question, or what became of a report.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportAct {
    /// Shares a bundle; answers the request that it names.
    #[n(0)]
    Share {
        /// What it is called.
        #[n(0)]
        title: String,
        /// The bundle.
        #[n(1)]
        bundle: Bundle,
        /// The request that it answers.
        #[n(2)]
        answers: Option<EntryId>,
    },
    /// Asks for what the other side knows.
    #[n(1)]
    Request {
        /// What it is about.
        #[n(0)]
        title: String,
        /// What is asked.
        #[n(1)]
        question: String,
        /// Until when an answer is of use.
        #[n(2)]
        due: Option<WallTime>,
    },
    /// Answers a request without a report.
    #[n(2)]
    Reply {
        /// The request.
        #[n(0)]
        request: EntryId,
        /// In words.
        #[n(1)]
        text: String,
    },
    /// Tells the originator that a report was passed on.
    #[n(3)]
    Released {
        /// The report.
        #[n(0)]
        report: EntryId,
        /// To whom, in words.
        #[n(1)]
        to: String,
        /// How.
        #[n(2)]
        way: Way,
        /// When.
        #[n(3)]
        at: WallTime,
    },
}

/// A STIX 2.1 bundle, exactly as its author gave it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bundle {
    /// With the entry.
    #[n(0)]
    Here(#[n(0)] String),
    /// In the bulk stream under the entry's id.
    #[n(1)]
    Follows {
        /// Its length in octets.
        #[n(0)]
        len: u64,
        /// SHA-256 of its octets.
        #[n(1)]
        digest: Digest,
    },
}

/// A way out of the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Written to a file.
    #[n(0)]
    Export,
    /// Printed.
    #[n(1)]
    Print,
    /// Said into another conversation.
    #[n(2)]
    Forward,
    /// Fetched by a program over TAXII.
    #[n(3)]
    Taxii,
}

impl ReportAct {
    /// Whether it stands for itself; the others belong to what they name.
    pub fn is_opening(&self) -> bool {
        matches!(self, ReportAct::Share { .. } | ReportAct::Request { .. })
    }

    /// What an act that is no opening belongs to; for a report that answers, the request.
    pub fn of(&self) -> Option<EntryId> {
        match self {
            ReportAct::Share { answers, .. } => *answers,
            ReportAct::Request { .. } => None,
            ReportAct::Reply { request, .. } => Some(*request),
            ReportAct::Released { report, .. } => Some(*report),
        }
    }

    pub(super) fn check(&self) -> Result<(), EntryError> {
        match self {
            ReportAct::Share { title, bundle, .. } => check_label("title", title).and(bundle.check()),
            ReportAct::Request { title, question, .. } => {
                check_label("title", title)?;
                check_that("question", !question.is_empty())?;
                check_remark(question)
            }
            ReportAct::Reply { text, .. } => {
                check_that("text", !text.is_empty())?;
                check_remark(text)
            }
            ReportAct::Released { to, .. } => check_label("receiver", to),
        }
    }
}

impl Bundle {
    fn check(&self) -> Result<(), EntryError> {
        match self {
            Bundle::Here(text) => check_that("bundle", (1..=BUNDLE_OCTETS_MAX).contains(&text.len())),
            Bundle::Follows { len, .. } if *len > FILE_OCTETS_MAX => Err(EntryError::FileTooLarge),
            Bundle::Follows { .. } => Ok(()),
        }
    }
}

/// The marking that a bundle has if nothing in it says otherwise: the strictest.
pub const UNMARKED: Marking = Marking::Red;
