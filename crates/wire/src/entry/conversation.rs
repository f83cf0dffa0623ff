//! Acts that make a conversation, and what is said in one (PROTOCOL §7.5).

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::lang::Lang;
use super::{EntryError, check_label, check_text, check_that};
use crate::id::{ConversationId, EntryId, PostId};
use crate::limits::{MEMBERS_MAX, QUOTE_OCTETS_MAX, TEXT_OCTETS_MAX};

/// The Traffic Light Protocol, version 2.0 (FIRST). A later one is stricter.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Marking {
    /// To the world.
    #[n(0)]
    Clear,
    /// To the community.
    #[n(1)]
    Green,
    /// To the organisation and its clients, who need to know.
    #[n(2)]
    Amber,
    /// To the organisation alone.
    #[n(3)]
    #[serde(rename = "amber+strict")]
    AmberStrict,
    /// To those who are present.
    #[n(4)]
    Red,
}

impl Marking {
    /// All, most open first.
    pub const ALL: [Marking; 5] =
        [Marking::Clear, Marking::Green, Marking::Amber, Marking::AmberStrict, Marking::Red];

    /// The word for it, as the command line takes it.
    pub fn word(self) -> &'static str {
        match self {
            Marking::Clear => "clear",
            Marking::Green => "green",
            Marking::Amber => "amber",
            Marking::AmberStrict => "amber+strict",
            Marking::Red => "red",
        }
    }
}

/// The first entry of a conversation: what it is about, and among whom.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
pub struct Opening {
    /// What it is about.
    #[n(0)]
    pub subject: String,
    /// How its entries may be passed on, unless one is marked otherwise.
    #[n(1)]
    pub marking: Marking,
    /// The posts that take part, sorted; the author among them.
    #[n(2)]
    pub members: Vec<PostId>,
    /// The conversation that this one continues among other posts.
    #[n(3)]
    pub predecessor: Option<ConversationId>,
    /// Both sides forget its entries so long after they were said, in milliseconds, unless one says otherwise.
    #[n(4)]
    pub expires_after_ms: Option<u64>,
}

impl Opening {
    pub(super) fn check(&self, author: PostId) -> Result<(), EntryError> {
        check_label("subject", &self.subject)?;
        let is_sorted = self.members.windows(2).all(|pair| pair[0] < pair[1]);
        let is_fit = is_sorted && (2..=MEMBERS_MAX).contains(&self.members.len());
        check_that("list of members", is_fit && self.members.contains(&author))?;
        check_that("time of expiry", self.expires_after_ms != Some(0))
    }
}

/// Text, off the record.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
pub struct Note {
    /// The text.
    #[n(0)]
    pub text: String,
    /// Its language, where the author said it.
    #[n(1)]
    pub lang: Option<Lang>,
    /// The entry that it answers.
    #[n(2)]
    pub reply_to: Option<EntryId>,
    /// The words of that entry which it answers.
    #[n(3)]
    pub quote: Option<String>,
}

impl Note {
    pub(super) fn check(&self) -> Result<(), EntryError> {
        check_text("text", &self.text, TEXT_OCTETS_MAX)?;
        let Some(quote) = &self.quote else { return Ok(()) };
        check_that("quotation", self.reply_to.is_some())?;
        check_text("quotation", quote, QUOTE_OCTETS_MAX)
    }
}

/// How far a translation can be relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Rendering {
    /// The author's office stands for it.
    #[n(0)]
    Official,
    /// A person's, for convenience.
    #[n(1)]
    Unofficial,
    /// A machine's.
    #[n(2)]
    Machine,
}

/// A layer over an entry in another language. The original stays authoritative.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
pub struct Translation {
    /// The entry that is translated.
    #[n(0)]
    pub of: EntryId,
    /// The language translated into.
    #[n(1)]
    pub lang: Lang,
    /// How far it can be relied upon.
    #[n(2)]
    pub rendering: Rendering,
    /// Who translated, in words.
    #[n(3)]
    pub by: String,
    /// The text.
    #[n(4)]
    pub text: String,
}

impl Translation {
    pub(super) fn check(&self) -> Result<(), EntryError> {
        check_label("translator's name", &self.by)?;
        check_text("text", &self.text, TEXT_OCTETS_MAX)
    }
}
