//! Acts of an announcement: the public line that both sides agree to take (PROTOCOL §7.10).

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::lang::Lang;
use super::meeting::check_remark;
use super::{EntryError, check_label, check_list, check_text, check_that};
use crate::id::EntryId;
use crate::limits::{ITEMS_MAX, LINE_OCTETS_MAX};
use crate::time::WallTime;

/// A text in one language.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
#[serde(deny_unknown_fields)]
pub struct LangText {
    /// The language.
    #[n(0)]
    pub lang: Lang,
    /// The text.
    #[n(1)]
    pub text: String,
}

impl LangText {
    /// The same text in one or more languages, each once.
    pub(super) fn check_all(texts: &[LangText]) -> Result<(), EntryError> {
        check_list("list of texts", texts.len(), 1..=ITEMS_MAX)?;
        let is_repeated = |i: usize| texts[..i].iter().any(|other| other.lang == texts[i].lang);
        check_that("list of texts", !(0..texts.len()).any(is_repeated))?;
        texts.iter().try_for_each(|text| check_text("text", &text.text, LINE_OCTETS_MAX))
    }
}

/// One step of agreeing what will be made public.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnnouncementAct {
    /// Opens it with a line.
    #[n(0)]
    Propose(#[n(0)] PublicLine),
    /// Another line instead.
    #[n(1)]
    Counter(#[n(0)] PublicLine),
    /// Takes the other side's line.
    #[n(2)]
    Agree {
        /// The entry that proposed it.
        #[n(0)]
        line: EntryId,
    },
    /// No line is taken.
    #[n(3)]
    Decline {
        /// Why, in words; may be empty.
        #[n(0)]
        why: String,
    },
    /// It is public now.
    #[n(4)]
    Published {
        /// When it was made public.
        #[n(0)]
        at: WallTime,
        /// Where; may be empty.
        #[n(1)]
        at_place: String,
    },
}

/// What both will say in public, and when.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
#[serde(deny_unknown_fields)]
pub struct PublicLine {
    /// What it is about.
    #[n(0)]
    pub subject: String,
    /// The line, in one or more languages.
    #[n(1)]
    pub texts: Vec<LangText>,
    /// Not before.
    #[n(2)]
    pub embargo: WallTime,
    /// What to say to whoever asks before; may be empty.
    #[n(3)]
    #[serde(default)]
    pub if_asked: String,
}

impl AnnouncementAct {
    /// Whether it opens an announcement.
    pub fn is_opening(&self) -> bool {
        matches!(self, AnnouncementAct::Propose(_))
    }

    pub(super) fn check(&self) -> Result<(), EntryError> {
        match self {
            AnnouncementAct::Propose(line) | AnnouncementAct::Counter(line) => {
                check_label("subject", &line.subject)?;
                LangText::check_all(&line.texts)?;
                check_remark(&line.if_asked)
            }
            AnnouncementAct::Agree { .. } => Ok(()),
            AnnouncementAct::Decline { why: text } | AnnouncementAct::Published { at_place: text, .. } => {
                check_remark(text)
            }
        }
    }
}
