//! Acts of a case: people of one side in the hands of the other (PROTOCOL §7.8).

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::date::PartialDate;
use super::lang::Lang;
use super::meeting::check_remark;
use super::{EntryError, check_label, check_list, check_that};
use crate::id::EntryId;
use crate::limits::{ITEMS_MAX, PERSONS_MAX};
use crate::time::WallTime;

/// One step in a case. Who opened it raises and reports; the other side answers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseAct {
    /// Opens the case.
    #[n(0)]
    Raise(#[n(0)] CaseFile),
    /// One more person, by the side that raised it.
    #[n(1)]
    Add(#[n(0)] Person),
    /// What one side holds to be true of persons.
    #[n(2)]
    Status(#[n(0)] StatusReport),
    /// The other side's answer.
    #[n(3)]
    Answer(#[n(0)] StanceReport),
    /// A time that an agreement or a law sets.
    #[n(4)]
    Clock(#[n(0)] Clock),
    /// Consular access to persons.
    #[n(5)]
    Access(#[n(0)] AccessReport),
    /// Something to be kept with the case.
    #[n(6)]
    Remark {
        /// In words.
        #[n(0)]
        text: String,
    },
    /// The side that raised it pursues it no longer.
    #[n(7)]
    Close {
        /// Why, in words; may be empty.
        #[n(0)]
        why: String,
    },
    /// What a clock ran for was done, as the side that raised the case says.
    #[n(8)]
    Met {
        /// The entry that set the clock.
        #[n(0)]
        set: EntryId,
        /// Which of that entry's clocks, from 0.
        #[n(1)]
        clock: u8,
        /// In words; may be empty.
        #[n(2)]
        text: String,
    },
}

/// What is known when a case is raised.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// What it is called.
    #[n(0)]
    pub title: String,
    /// Whom it concerns.
    #[n(1)]
    pub persons: Vec<Person>,
    /// What happened.
    #[n(2)]
    #[serde(default)]
    pub what: String,
    /// When, as far as it is known.
    #[n(3)]
    #[serde(default)]
    pub when: Option<PartialDate>,
    /// Where; may be empty.
    #[n(4)]
    #[serde(default)]
    pub place: String,
    /// On which legal basis they are held, as the other side says; may be empty.
    #[n(5)]
    #[serde(default)]
    pub legal_basis: String,
    /// Times that run.
    #[n(6)]
    #[serde(default)]
    pub clocks: Vec<Clock>,
}

/// A person of a case.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Names the person within the case; 1 to [`PERSONS_MAX`].
    #[n(0)]
    pub number: u16,
    /// The name in the person's own script.
    #[n(1)]
    pub name: String,
    /// The language of that script.
    #[n(2)]
    #[serde(default)]
    pub lang: Option<Lang>,
    /// The name in Latin letters; may be empty.
    #[n(3)]
    #[serde(default)]
    pub romanised: String,
    /// Born, as far as it is known.
    #[n(4)]
    #[serde(default)]
    pub born: Option<PartialDate>,
    /// Nationality: ISO 3166-1 alpha-2 codes.
    #[n(5)]
    #[serde(default)]
    pub nationality: Vec<String>,
    /// What else is known; may be empty.
    #[n(6)]
    #[serde(default)]
    pub remark: String,
    /// How it stands with the person when the case is raised.
    #[n(7)]
    #[serde(default = "reported")]
    pub status: Status,
}

fn reported() -> Status {
    Status::Reported
}

/// How it stands with a person.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Said to be held.
    #[n(0)]
    Reported,
    /// Held.
    #[n(1)]
    Detained,
    /// Under arrest.
    #[n(2)]
    Arrested,
    /// Accused before a court.
    #[n(3)]
    Indicted,
    /// Tried; no sentence yet.
    #[n(4)]
    Tried,
    /// Sentenced.
    #[n(5)]
    Sentenced,
    /// Released.
    #[n(6)]
    Released,
    /// Sent out of the country.
    #[n(7)]
    Deported,
    /// Not allowed to leave the country.
    #[n(8)]
    ExitBanned,
    /// Dead.
    #[n(9)]
    Deceased,
    /// Not known where.
    #[n(10)]
    Missing,
}

/// What one side holds to be true of persons.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
#[serde(deny_unknown_fields)]
pub struct StatusReport {
    /// The persons' numbers, sorted; all of the case if there is none.
    #[n(0)]
    #[serde(default)]
    pub persons: Vec<u16>,
    /// How it stands.
    #[n(1)]
    pub status: Status,
    /// Since when.
    #[n(2)]
    #[serde(default)]
    pub since: Option<PartialDate>,
    /// In words; may be empty.
    #[n(3)]
    #[serde(default)]
    pub text: String,
}

/// The other side's answer, from a closed set.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Stance {
    /// The case was received.
    #[n(0)]
    Acknowledged,
    /// It is being looked into.
    #[n(1)]
    UnderInquiry,
    /// Nobody of that description is held.
    #[n(2)]
    NotInCustody,
    /// Held.
    #[n(3)]
    Held,
    /// Access is granted on a date.
    #[n(4)]
    AccessGranted,
    /// Access is not granted.
    #[n(5)]
    AccessRefused,
    /// It is dealt with under domestic law.
    #[n(6)]
    DomesticLaw,
    /// Released, or to be released on a date.
    #[n(7)]
    Released,
    /// No answer is given.
    #[n(8)]
    Declined,
}

/// An answer to a case.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
#[serde(deny_unknown_fields)]
pub struct StanceReport {
    /// The persons' numbers, sorted; all of the case if there is none.
    #[n(0)]
    #[serde(default)]
    pub persons: Vec<u16>,
    /// The stance.
    #[n(1)]
    pub stance: Stance,
    /// The date that it names; access has one.
    #[n(2)]
    #[serde(default)]
    pub on: Option<PartialDate>,
    /// In words; may be empty.
    #[n(3)]
    #[serde(default)]
    pub text: String,
}

/// Until when something is to be done, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// What is to be done.
    #[n(0)]
    pub what: String,
    /// The agreement or law, and its article.
    #[n(1)]
    pub source: String,
    /// Until when.
    #[n(2)]
    pub due: WallTime,
}

/// How far consular access has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Asked for.
    #[n(0)]
    Requested,
    /// It took place.
    #[n(1)]
    TookPlace,
    /// It was broken off or did not take place.
    #[n(2)]
    Failed,
}

/// A step of consular access.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(array)]
#[serde(deny_unknown_fields)]
pub struct AccessReport {
    /// The persons' numbers, sorted; all of the case if there is none.
    #[n(0)]
    #[serde(default)]
    pub persons: Vec<u16>,
    /// How far it has come.
    #[n(1)]
    pub access: Access,
    /// When.
    #[n(2)]
    #[serde(default)]
    pub on: Option<PartialDate>,
    /// In words; may be empty.
    #[n(3)]
    #[serde(default)]
    pub text: String,
}

impl CaseAct {
    /// Whether it opens a case.
    pub fn is_opening(&self) -> bool {
        matches!(self, CaseAct::Raise(_))
    }

    pub(super) fn check(&self) -> Result<(), EntryError> {
        match self {
            CaseAct::Raise(file) => file.check(),
            CaseAct::Add(person) => person.check(),
            CaseAct::Status(report) => check_persons(&report.persons).and(check_remark(&report.text)),
            CaseAct::Answer(report) => {
                let is_dated = report.stance != Stance::AccessGranted || report.on.is_some();
                check_that("date of access", is_dated)?;
                check_persons(&report.persons).and(check_remark(&report.text))
            }
            CaseAct::Clock(clock) => clock.check(),
            CaseAct::Access(report) => check_persons(&report.persons).and(check_remark(&report.text)),
            CaseAct::Remark { text } => {
                check_that("text", !text.is_empty())?;
                check_remark(text)
            }
            CaseAct::Close { why: text } | CaseAct::Met { text, .. } => check_remark(text),
        }
    }
}

impl CaseFile {
    fn check(&self) -> Result<(), EntryError> {
        check_label("title", &self.title)?;
        Person::check_all(&self.persons)?;
        check_list("list of clocks", self.clocks.len(), 0..=ITEMS_MAX)?;
        self.clocks.iter().try_for_each(Clock::check)?;
        [&self.what, &self.place, &self.legal_basis].into_iter().try_for_each(|text| check_remark(text))
    }
}

impl Person {
    /// Numbered from 1 on, in order.
    pub(super) fn check_all(persons: &[Person]) -> Result<(), EntryError> {
        check_list("list of persons", persons.len(), 1..=usize::from(PERSONS_MAX))?;
        let is_numbered = persons.iter().zip(1..).all(|(person, number)| person.number == number);
        check_that("numbers of the persons", is_numbered)?;
        persons.iter().try_for_each(Person::check)
    }

    fn check(&self) -> Result<(), EntryError> {
        check_that("number of a person", (1..=PERSONS_MAX).contains(&self.number))?;
        check_label("person's name", &self.name)?;
        if !self.romanised.is_empty() {
            check_label("person's name in Latin letters", &self.romanised)?;
        }
        let is_country = |code: &String| code.len() == 2 && code.bytes().all(|c| c.is_ascii_uppercase());
        check_list("list of nationalities", self.nationality.len(), 0..=ITEMS_MAX)?;
        check_that("nationality", self.nationality.iter().all(is_country))?;
        check_remark(&self.remark)
    }
}

impl Clock {
    fn check(&self) -> Result<(), EntryError> {
        check_label("what a clock is for", &self.what)?;
        check_label("source of a clock", &self.source)
    }
}

fn check_persons(numbers: &[u16]) -> Result<(), EntryError> {
    let is_sorted = numbers.windows(2).all(|pair| pair[0] < pair[1]);
    check_that("list of persons", is_sorted && numbers.len() <= usize::from(PERSONS_MAX))
}
