//! Entries: one thing said (PROTOCOL §7).

mod announcement;
mod case;
mod conversation;
mod date;
mod hexed;
mod lang;
mod meeting;
mod report;
mod swap;

pub use announcement::{AnnouncementAct, LangText, PublicLine};
pub use case::{
    Access, AccessReport, CaseAct, CaseFile, Clock, Person, Stance, StanceReport, Status, StatusReport,
};
pub use conversation::{Marking, Note, Opening, Rendering, Translation};
pub use date::{DateError, PartialDate};

pub use lang::{LANG_CHARS_MAX, Lang, LangError};
pub use meeting::{MeetingAct, Participant, Place, Plan, Publicity, Recognition, Rendezvous, TimeSpan};
pub use report::{Bundle, ReportAct, UNMARKED, Way};
pub use swap::{Opened, SwapAct, Swapped};

use core::ops::RangeInclusive;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::cbor::{self, CborError};
use crate::id::{ConversationId, Digest, EntryId, PostId};
use crate::limits::{
    ENTRY_OCTETS_MAX, FILE_OCTETS_MAX, NUMBER_MAX, PARENTS_MAX, SIGNED_OCTETS_MAX, TEXT_OCTETS_MAX,
};
use crate::text::{TextError, check_body, check_name};

/// How soon an entry must be with the other desk; also the stream that carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Precedence {
    /// Before everything else, and never held for a missing parent.
    #[n(1)]
    Flash,
    /// Before priority.
    #[n(2)]
    Immediate,
    /// Before routine.
    #[n(3)]
    Priority,
    /// The ordinary.
    #[n(4)]
    Routine,
}

impl Precedence {
    /// All, most urgent first.
    pub const ALL: [Precedence; 4] =
        [Precedence::Flash, Precedence::Immediate, Precedence::Priority, Precedence::Routine];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Precedence::Flash => "flash",
            Precedence::Immediate => "immediate",
            Precedence::Priority => "priority",
            Precedence::Routine => "routine",
        }
    }
}

/// What an entry's author had seen: an earlier entry, and the hash of it as this author holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Parent {
    /// The earlier entry.
    #[n(0)]
    pub id: EntryId,
    /// SHA-256 of its encoding, salt included.
    #[n(1)]
    pub digest: Digest,
    /// Its number.
    #[n(2)]
    pub number: u64,
}

/// One thing said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Entry {
    /// Random.
    #[n(0)]
    pub id: EntryId,
    /// Where it was said.
    #[n(1)]
    pub conversation: ConversationId,
    /// Who said it.
    #[n(2)]
    pub author: PostId,
    /// What its author had seen of the conversation; sorted, at most [`PARENTS_MAX`].
    #[n(3)]
    pub parents: Vec<Parent>,
    /// The author's time, in milliseconds since 1970.
    #[n(4)]
    pub at_ms: i64,
    /// How urgent.
    #[n(5)]
    pub precedence: Precedence,
    /// When both sides forget it, in milliseconds since 1970.
    #[n(6)]
    pub expires_ms: Option<i64>,
    /// Random, so that the hash of a short text cannot be guessed.
    #[cbor(n(7), with = "minicbor::bytes")]
    pub salt: [u8; 16],
    /// How it may be passed on, where not as the conversation says.
    #[n(8)]
    pub marking: Option<Marking>,
    /// What is said.
    #[n(9)]
    pub body: Body,
}

/// What is said. What belongs to a *matter* (a meeting, case, report, swap, announcement) names the
/// entry that opened it, whose id is the matter's; the opening itself names none.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// Text, off the record.
    #[n(0)]
    Note(#[n(0)] Note),
    /// A file; its octets travel in the bulk stream under the entry's id.
    #[n(1)]
    File {
        /// The name its author gave; a label, never a path.
        #[n(0)]
        name: String,
        /// Its length in octets.
        #[n(1)]
        len: u64,
        /// SHA-256 of its octets.
        #[n(2)]
        digest: Digest,
    },
    /// A deliberate act upon an earlier entry: received, and no answer for now.
    #[n(2)]
    Answer {
        /// The entry so answered.
        #[n(0)]
        entry: EntryId,
        /// Until when an answer is deferred, in milliseconds since 1970; withheld if there is none.
        #[n(1)]
        deferred_until_ms: Option<i64>,
    },
    /// Begins a conversation; its first entry.
    #[n(3)]
    Open(#[n(0)] Opening),
    /// A new version of an own note's text; the earlier ones remain.
    #[n(4)]
    Edit {
        /// The note.
        #[n(0)]
        entry: EntryId,
        /// Its text from now on.
        #[n(1)]
        text: String,
    },
    /// An own entry is taken back; that it was said remains.
    #[n(5)]
    Withdraw {
        /// The entry.
        #[n(0)]
        entry: EntryId,
    },
    /// A layer in another language.
    #[n(6)]
    Translate(#[n(0)] Translation),
    /// On the record: a signed document, whose format is the record's.
    #[n(7)]
    Statement(
        #[cbor(n(0), with = "minicbor::bytes")]
        #[serde(with = "hexed")]
        Vec<u8>,
    ),
    /// On the record: a countersignature of a statement.
    #[n(8)]
    Countersign {
        /// The entry with the statement.
        #[n(0)]
        statement: EntryId,
        /// The countersignature, whose format is the record's.
        #[cbor(n(1), with = "minicbor::bytes")]
        #[serde(with = "hexed")]
        countersignature: Vec<u8>,
    },
    /// A step of a meeting.
    #[n(9)]
    Meeting {
        /// The meeting.
        #[n(0)]
        of: Option<EntryId>,
        /// The step.
        #[n(1)]
        act: MeetingAct,
    },
    /// A step of a case.
    #[n(10)]
    Case {
        /// The case.
        #[n(0)]
        of: Option<EntryId>,
        /// The step.
        #[n(1)]
        act: CaseAct,
    },
    /// A report, a request, or what became of one.
    #[n(11)]
    Report(#[n(0)] ReportAct),
    /// A step of a swap (a simultaneous exchange).
    #[n(12)]
    Swap {
        /// The swap.
        #[n(0)]
        of: Option<EntryId>,
        /// The step.
        #[n(1)]
        act: SwapAct,
    },
    /// A step of an announcement.
    #[n(13)]
    Announcement {
        /// The announcement.
        #[n(0)]
        of: Option<EntryId>,
        /// The step.
        #[n(1)]
        act: AnnouncementAct,
    },
}

impl Body {
    /// A text in no stated language.
    pub fn note(text: impl Into<String>) -> Body {
        Body::Note(Note { text: text.into(), lang: None, reply_to: None, quote: None })
    }

    /// The word for its kind, as `log --json` shows it.
    pub fn word(&self) -> &'static str {
        match self {
            Body::Note(_) => "note",
            Body::File { .. } => "file",
            Body::Answer { deferred_until_ms: Some(_), .. } => "deferred",
            Body::Answer { deferred_until_ms: None, .. } => "withheld",
            Body::Open(_) => "conversation",
            Body::Edit { .. } => "edit",
            Body::Withdraw { .. } => "withdrawal",
            Body::Translate(_) => "translation",
            Body::Statement(_) => "statement",
            Body::Countersign { .. } => "countersignature",
            Body::Meeting { .. } => "meeting",
            Body::Case { .. } => "case",
            Body::Report(_) => "report",
            Body::Swap { .. } => "swap",
            Body::Announcement { .. } => "announcement",
        }
    }

    /// The entry that it is about: the matter it belongs to, or what it answers, changes or translates.
    pub fn of(&self) -> Option<EntryId> {
        match self {
            Body::Note(note) => note.reply_to,
            Body::File { .. } | Body::Open(_) | Body::Statement(_) => None,
            Body::Answer { entry, .. } | Body::Edit { entry, .. } | Body::Withdraw { entry } => Some(*entry),
            Body::Translate(translation) => Some(translation.of),
            Body::Countersign { statement, .. } => Some(*statement),
            Body::Meeting { of, .. }
            | Body::Case { of, .. }
            | Body::Swap { of, .. }
            | Body::Announcement { of, .. } => *of,
            Body::Report(act) => act.of(),
        }
    }

    /// The octets that follow in the bulk stream under the entry's id: how many, and their SHA-256.
    pub fn attached(&self) -> Option<(u64, Digest)> {
        match self {
            Body::File { len, digest, .. }
            | Body::Report(ReportAct::Share { bundle: Bundle::Follows { len, digest }, .. }) => {
                Some((*len, *digest))
            }
            _ => None,
        }
    }

    /// Whether both sides may forget it: what was said in passing, and what was said of that.
    pub fn may_expire(&self) -> bool {
        matches!(
            self,
            Body::Note(_)
                | Body::File { .. }
                | Body::Answer { .. }
                | Body::Edit { .. }
                | Body::Withdraw { .. }
                | Body::Translate(_)
        )
    }

    /// The entry whose words it repeats: what expires takes them along.
    pub fn repeats(&self) -> Option<EntryId> {
        match self {
            Body::Note(note) => note.reply_to.filter(|_| note.quote.is_some()),
            Body::Edit { entry, .. } => Some(*entry),
            Body::Translate(translation) => Some(translation.of),
            _ => None,
        }
    }

    fn check(&self, author: PostId) -> Result<(), EntryError> {
        match self {
            Body::Note(note) => note.check(),
            Body::File { len, .. } if *len > FILE_OCTETS_MAX => Err(EntryError::FileTooLarge),
            Body::File { name, .. } => check_label("file's name", name),
            Body::Answer { .. } | Body::Withdraw { .. } => Ok(()),
            Body::Open(opening) => opening.check(author),
            Body::Edit { text, .. } => check_text("text", text, TEXT_OCTETS_MAX),
            Body::Translate(translation) => translation.check(),
            Body::Statement(octets) | Body::Countersign { countersignature: octets, .. } => {
                check_list("length of the signed document", octets.len(), 1..=SIGNED_OCTETS_MAX)
            }
            Body::Meeting { of, act } => check_place(*of, act.is_opening()).and(act.check()),
            Body::Case { of, act } => check_place(*of, act.is_opening()).and(act.check()),
            Body::Report(act) => act.check(),
            Body::Swap { of, act } => check_place(*of, act.is_opening()).and(act.check()),
            Body::Announcement { of, act } => check_place(*of, act.is_opening()).and(act.check()),
        }
    }
}

/// Why an entry was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It is not the one encoding of an entry.
    #[error("the entry's encoding is not acceptable")]
    Encoding(#[source] CborError),
    /// A text of it is not acceptable.
    #[error("its {field} is not acceptable")]
    Text {
        /// Which text.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        cause: TextError,
    },
    /// A number, count or order in it is not acceptable.
    #[error("its {0} is not acceptable")]
    Value(&'static str),
    /// Parents are too many, repeated, or not sorted.
    #[error("the entry's parents are not acceptable")]
    Parents,
    /// Its file is larger than allowed.
    #[error("the entry's file is too large")]
    FileTooLarge,
}

impl Entry {
    /// The one encoding: what travels, is stored and is hashed.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Decodes and checks an entry; accepts only what [`Entry::encode`] would have written.
    pub fn decode(bytes: &[u8]) -> Result<Entry, EntryError> {
        let entry: Entry = cbor::decode_strict(bytes, ENTRY_OCTETS_MAX).map_err(EntryError::Encoding)?;
        entry.check()?;
        Ok(entry)
    }

    /// Its permanent number in the conversation, by which people cite it: one more than the greatest among
    /// its parents. Two that were said at once share a number, and their authors tell them apart.
    pub fn number(&self) -> u64 {
        self.parents.iter().map(|parent| parent.number).max().unwrap_or(0).saturating_add(1)
    }

    /// Its place among the entries of its conversation: after all that its author had seen, and the same
    /// whenever and in whatever order they came.
    pub fn place(&self) -> (u64, PostId, EntryId) {
        (self.number(), self.author, self.id)
    }

    /// Checks bounds and text.
    pub fn check(&self) -> Result<(), EntryError> {
        let is_sorted = self.parents.windows(2).all(|pair| pair[0].id < pair[1].id);
        let is_numbered = self.parents.iter().all(|parent| (1..NUMBER_MAX).contains(&parent.number));
        if self.parents.len() > PARENTS_MAX || !is_sorted || !is_numbered {
            return Err(EntryError::Parents);
        }
        self.body.check(self.author)
    }
}

/// Checks a title, subject or name: one line without anything invisible.
pub(crate) fn check_label(field: &'static str, text: &str) -> Result<(), EntryError> {
    check_name(text).map_err(|cause| EntryError::Text { field, cause })
}

/// Checks a text of several lines.
pub(crate) fn check_text(field: &'static str, text: &str, max_octets: usize) -> Result<(), EntryError> {
    check_body(text, max_octets).map_err(|cause| EntryError::Text { field, cause })
}

pub(crate) fn check_that(field: &'static str, is_so: bool) -> Result<(), EntryError> {
    is_so.then_some(()).ok_or(EntryError::Value(field))
}

pub(crate) fn check_list(
    field: &'static str,
    len: usize,
    permitted: RangeInclusive<usize>,
) -> Result<(), EntryError> {
    check_that(field, permitted.contains(&len))
}

/// An opening names no matter; every other act names one.
fn check_place(of: Option<EntryId>, is_opening: bool) -> Result<(), EntryError> {
    check_that("matter", of.is_none() == is_opening)
}

/// How far an entry has come. Only ever moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum DeliveryState {
    /// Durable here.
    #[n(0)]
    Kept,
    /// Left on some route.
    #[n(1)]
    Carried,
    /// The peer's authenticated acknowledgement covers all of it.
    #[n(2)]
    Delivered,
    /// The peer's page or log displayed it.
    #[n(3)]
    Shown,
}

impl DeliveryState {
    /// All, in order.
    pub const ALL: [DeliveryState; 4] =
        [DeliveryState::Kept, DeliveryState::Carried, DeliveryState::Delivered, DeliveryState::Shown];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            DeliveryState::Kept => "kept",
            DeliveryState::Carried => "carried",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Shown => "shown",
        }
    }
}
