//! Acts of a swap (a simultaneous exchange): both commit by hash, then both reveal (PROTOCOL §7.11).

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::case::Person;
use super::meeting::check_remark;
use super::{EntryError, check_label, check_text, check_that};
use crate::id::Digest;
use crate::limits::SWAPPED_OCTETS_MAX;
use crate::time::WallTime;

/// One step of a swap.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SwapAct {
    /// Opens it.
    #[n(0)]
    Propose {
        /// What it is about.
        #[n(0)]
        subject: String,
        /// Neither's is readable if both have not committed by then.
        #[n(1)]
        deadline: WallTime,
    },
    /// Binds the author's side to one content without showing it: SHA-256 over [`Opened`] and its context.
    #[n(1)]
    Commit(#[n(0)] Digest),
    /// Shows what was committed to.
    #[n(2)]
    Reveal(#[n(0)] Opened),
    /// It is off. What was not revealed never will be.
    #[n(3)]
    Abort {
        /// Why, in words; may be empty.
        #[n(0)]
        why: String,
    },
}

/// What was committed to, and the random octets that hid it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
pub struct Opened {
    /// Random.
    #[cbor(n(0), with = "minicbor::bytes")]
    #[serde(with = "super::hexed")]
    pub nonce: [u8; 32],
    /// What is shown.
    #[n(1)]
    pub content: Swapped,
}

/// What sides show each other.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Swapped {
    /// A text: a position, a figure.
    #[n(0)]
    Text(#[n(0)] String),
    /// A list of persons.
    #[n(1)]
    Persons(#[n(0)] Vec<Person>),
}

impl SwapAct {
    /// Whether it opens a swap.
    pub fn is_opening(&self) -> bool {
        matches!(self, SwapAct::Propose { .. })
    }

    pub(super) fn check(&self) -> Result<(), EntryError> {
        match self {
            SwapAct::Propose { subject, .. } => check_label("subject", subject),
            SwapAct::Commit(digest) => check_that("commitment", *digest != Digest::default()),
            SwapAct::Reveal(opened) => opened.content.check(),
            SwapAct::Abort { why } => check_remark(why),
        }
    }
}

impl Swapped {
    /// Checks bounds and text.
    pub fn check(&self) -> Result<(), EntryError> {
        match self {
            Swapped::Text(text) => check_text("text", text, SWAPPED_OCTETS_MAX),
            Swapped::Persons(persons) => Person::check_all(persons),
        }
    }
}
