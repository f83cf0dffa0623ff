//! Acts of a meeting (PROTOCOL §7.7).

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::announcement::LangText;
use super::{EntryError, check_label, check_list, check_text, check_that};
use crate::id::EntryId;
use crate::limits::{ITEMS_MAX, REMARK_OCTETS_MAX};
use crate::time::WallTime;

/// One step of arranging a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeetingAct {
    /// Opens the meeting with a plan.
    #[n(0)]
    Propose(#[n(0)] Plan),
    /// Another plan instead.
    #[n(1)]
    Counter(#[n(0)] Plan),
    /// Takes one window and one place of the other side's plan.
    #[n(2)]
    Accept {
        /// The entry that proposed it.
        #[n(0)]
        plan: EntryId,
        /// Which of its windows, from 0.
        #[n(1)]
        window: u8,
        /// Which of its places, from 0.
        #[n(2)]
        place: u8,
    },
    /// It does not take place.
    #[n(3)]
    Cancel {
        /// Why, in words; may be empty.
        #[n(0)]
        why: String,
    },
    /// It took place.
    #[n(4)]
    Held {
        /// When it began.
        #[n(0)]
        at: WallTime,
        /// What is to be remembered; may be empty.
        #[n(1)]
        remark: String,
    },
}

/// What a proposal fixes, and what it leaves to choose.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What it is about.
    #[n(0)]
    pub subject: String,
    /// When it could be; one is chosen.
    #[n(1)]
    pub windows: Vec<TimeSpan>,
    /// Where it could be; one is chosen.
    #[n(2)]
    pub places: Vec<Place>,
    /// Who comes.
    #[n(3)]
    #[serde(default)]
    pub participants: Vec<Participant>,
    /// What is to be talked about, in order.
    #[n(4)]
    #[serde(default)]
    pub agenda: Vec<String>,
    /// What the public learns.
    #[n(5)]
    pub publicity: Publicity,
    /// How those who meet know each other.
    #[n(6)]
    #[serde(default)]
    pub recognition: Option<Recognition>,
    /// Where and when to try again if the meeting fails.
    #[n(7)]
    #[serde(default)]
    pub fallback: Option<Rendezvous>,
}

/// From when until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
#[serde(deny_unknown_fields)]
pub struct TimeSpan {
    /// Begin.
    #[n(0)]
    pub from: WallTime,
    /// End, after the begin.
    #[n(1)]
    pub until: WallTime,
}

/// Where people meet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Building and room, or how to find it.
    #[n(0)]
    pub name: String,
    /// The city.
    #[n(1)]
    pub city: String,
    /// Its time zone, by the IANA name.
    #[n(2)]
    pub zone: String,
}

/// Somebody who comes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
#[serde(deny_unknown_fields)]
pub struct Participant {
    /// The name.
    #[n(0)]
    pub name: String,
    /// As what.
    #[n(1)]
    #[serde(default)]
    pub role: String,
    /// Of which side.
    #[n(2)]
    #[serde(default)]
    pub side: String,
}

/// What the public learns of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Publicity {
    /// Nothing.
    #[n(0)]
    Undisclosed,
    /// That it takes place.
    #[n(1)]
    Announced,
    /// A line that both take, not before a time.
    #[n(2)]
    AgreedLine {
        /// The line, in one or more languages.
        #[n(0)]
        texts: Vec<LangText>,
        /// Not before.
        #[n(1)]
        embargo: WallTime,
    },
}

/// What one says and the other answers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
#[serde(deny_unknown_fields)]
pub struct Recognition {
    /// What the guest says.
    #[n(0)]
    pub word: String,
    /// What the host answers.
    #[n(1)]
    pub reply: String,
}

/// Where and when to try again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
#[serde(deny_unknown_fields)]
pub struct Rendezvous {
    /// When.
    #[n(0)]
    pub window: TimeSpan,
    /// Where.
    #[n(1)]
    pub place: Place,
}

impl MeetingAct {
    /// Whether it opens a meeting.
    pub fn is_opening(&self) -> bool {
        matches!(self, MeetingAct::Propose(_))
    }

    pub(super) fn check(&self) -> Result<(), EntryError> {
        match self {
            MeetingAct::Propose(plan) | MeetingAct::Counter(plan) => plan.check(),
            MeetingAct::Accept { .. } => Ok(()),
            MeetingAct::Cancel { why: text } | MeetingAct::Held { remark: text, .. } => check_remark(text),
        }
    }
}

impl Plan {
    fn check(&self) -> Result<(), EntryError> {
        check_label("subject", &self.subject)?;
        check_list("list of windows", self.windows.len(), 1..=ITEMS_MAX)?;
        check_list("list of places", self.places.len(), 1..=ITEMS_MAX)?;
        check_list("list of participants", self.participants.len(), 0..=PARTICIPANTS_MAX)?;
        check_list("agenda", self.agenda.len(), 0..=PARTICIPANTS_MAX)?;
        self.windows.iter().try_for_each(TimeSpan::check)?;
        self.places.iter().try_for_each(Place::check)?;
        self.participants.iter().try_for_each(Participant::check)?;
        self.agenda.iter().try_for_each(|point| check_label("agenda", point))?;
        self.publicity.check()?;
        if let Some(Recognition { word, reply }) = &self.recognition {
            [word, reply].into_iter().try_for_each(|text| check_label("recognition word", text))?;
        }
        self.fallback.as_ref().map_or(Ok(()), |again| again.window.check().and(again.place.check()))
    }
}

impl TimeSpan {
    fn check(&self) -> Result<(), EntryError> {
        check_that("window of time", self.from < self.until)
    }
}

impl Place {
    fn check(&self) -> Result<(), EntryError> {
        check_label("place", &self.name)?;
        check_label("city", &self.city)?;
        let is_zone = |c: u8| c.is_ascii_alphanumeric() || b"/_+-".contains(&c);
        let is_named = (1..=ZONE_CHARS_MAX).contains(&self.zone.len());
        check_that("time zone", is_named && self.zone.bytes().all(is_zone))
    }
}

impl Participant {
    fn check(&self) -> Result<(), EntryError> {
        check_label("participant's name", &self.name)?;
        let others = [&self.role, &self.side].into_iter().filter(|text| !text.is_empty());
        others.into_iter().try_for_each(|text| check_label("participant's role", text))
    }
}

impl Publicity {
    fn check(&self) -> Result<(), EntryError> {
        match self {
            Publicity::Undisclosed | Publicity::Announced => Ok(()),
            Publicity::AgreedLine { texts, .. } => LangText::check_all(texts),
        }
    }
}

/// A remark may be empty.
pub(super) fn check_remark(text: &str) -> Result<(), EntryError> {
    if text.is_empty() { Ok(()) } else { check_text("text", text, REMARK_OCTETS_MAX) }
}

/// People at a table, and points of its agenda.
const PARTICIPANTS_MAX: usize = 32;
/// The longest name in the IANA data base has 30.
const ZONE_CHARS_MAX: usize = 40;
