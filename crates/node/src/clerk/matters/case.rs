//! A case as it is shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use couloir_talks::case::{Account, Case, Running, Subject};
use couloir_wire::entry::{Access, PartialDate, Person, Stance, Status};
use couloir_wire::id::SideId;
use serde::{Deserialize, Serialize};

use super::table::Table;
use super::times::TimeShown;
use crate::cli::plain::{lines, one_line};

/// What is particular to a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseShown {
    /// What happened.
    pub what: String,
    /// When, as far as it is known.
    pub when: Option<PartialDate>,
    /// Where.
    pub place: String,
    /// On which legal basis.
    pub legal_basis: String,
    /// Whom it concerns.
    pub persons: Vec<PersonShown>,
    /// How many persons have each status, by each side's account.
    pub counts: Vec<CountShown>,
    /// Times that run.
    pub clocks: Vec<ClockState>,
    /// Why it was closed, if it was.
    pub closed: Option<String>,
}

/// A person of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonShown {
    /// Who.
    pub person: Person,
    /// What each side holds to be true, the newest of each; the raising side's first.
    pub accounts: Vec<AccountShown>,
    /// What the other side answered, oldest first; the last counts.
    pub answers: Vec<AnswerShown>,
    /// Consular access, oldest first.
    pub access: Vec<AccessShown>,
}

/// What a side holds to be true of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountShown {
    /// The side's name.
    pub side: String,
    /// How it stands.
    pub status: Status,
    /// Since when.
    pub since: Option<PartialDate>,
    /// In words.
    pub text: String,
    /// How many accounts of this side came before.
    pub earlier: usize,
}

/// What the other side answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerShown {
    /// The stance.
    pub stance: Stance,
    /// The date that it names.
    pub on: Option<PartialDate>,
    /// In words.
    pub text: String,
    /// The entry.
    pub entry: String,
}

/// A step of consular access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessShown {
    /// How far it has come.
    pub access: Access,
    /// When.
    pub on: Option<PartialDate>,
    /// In words.
    pub text: String,
}

/// How many persons have each status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountShown {
    /// By whose account.
    pub side: String,
    /// Status to persons.
    pub by_status: BTreeMap<String, usize>,
}

/// A time that an agreement or a law sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockState {
    /// Its number in the case, from 1, by which commands name it.
    pub number: usize,
    /// What is to be done.
    pub what: String,
    /// The agreement or law.
    pub source: String,
    /// Until when.
    pub due: TimeShown,
    /// Whether it was done, as the side that raised the case says.
    pub met: bool,
    /// Whether it has run out.
    pub overdue: bool,
    /// The entry that set it.
    pub set: String,
    /// Which of that entry's clocks, from 0.
    pub index: u8,
}

impl CaseShown {
    /// As it stands.
    pub fn of(case: &Case<'_>, table: &Table) -> CaseShown {
        let raisers = table.sides.of(case.raised_by);
        let mut sides: Vec<SideId> =
            case.subjects.values().flat_map(|person| person.accounts.keys().copied()).collect();
        sides.sort_unstable_by_key(|side| (Some(*side) != raisers, *side));
        sides.dedup();
        let overdue: Vec<_> = case.overdue(table.now).collect();
        let clock = |(number, running): (usize, &Running<'_>)| ClockState {
            number,
            what: running.clock.what.clone(),
            source: running.clock.source.clone(),
            due: table.zones.show(running.clock.due.0),
            met: running.met.is_some(),
            overdue: overdue.contains(&running),
            set: running.set.to_string(),
            index: running.index,
        };
        CaseShown {
            what: case.file.what.clone(),
            when: case.file.when,
            place: case.file.place.clone(),
            legal_basis: case.file.legal_basis.clone(),
            persons: case.subjects.values().map(|subject| PersonShown::of(subject, raisers, table)).collect(),
            counts: sides.iter().map(|side| CountShown::of(case, *side, table)).collect(),
            clocks: (1..).zip(&case.clocks).map(clock).collect(),
            closed: case.closed.map(str::to_owned),
        }
    }

    /// For people.
    pub fn push_words(&self, out: &mut String) {
        let facts = [("what", &self.what), ("where", &self.place), ("legal basis", &self.legal_basis)];
        for (name, text) in facts.into_iter().filter(|(_, text)| !text.is_empty()) {
            let _ = writeln!(out, "{name}: {}", lines(text, 2));
        }
        if let Some(when) = self.when {
            let _ = writeln!(out, "when: {when}");
        }
        if let Some(why) = &self.closed {
            let _ = writeln!(out, "closed: {}", lines(why, 2));
        }
        for count in &self.counts {
            let _ = writeln!(out, "{}: {}", one_line(&count.side), count.words());
        }
        let _ = writeln!(out, "Persons");
        self.persons.iter().for_each(|person| person.push_words(out));
        for clock in &self.clocks {
            let state = match (clock.met, clock.overdue) {
                (true, _) => "done",
                (false, true) => "OVERDUE",
                (false, false) => "runs",
            };
            let (what, source) = (one_line(&clock.what), one_line(&clock.source));
            let _ = writeln!(
                out,
                "Clock {} {state}: {what} ({source}), until {}",
                clock.number,
                clock.due.words()
            );
        }
    }
}

impl PersonShown {
    fn of(subject: &Subject<'_>, raisers: Option<SideId>, table: &Table) -> PersonShown {
        let mut accounts: Vec<_> = subject.accounts.iter().collect();
        accounts.sort_by_key(|(side, _)| Some(**side) != raisers);
        PersonShown {
            person: subject.person.clone(),
            accounts: accounts
                .into_iter()
                .filter_map(|(side, all)| AccountShown::of(*side, all, table))
                .collect(),
            answers: subject
                .answers
                .iter()
                .map(|answer| AnswerShown {
                    stance: answer.stance,
                    on: answer.on,
                    text: answer.text.to_owned(),
                    entry: answer.entry.to_string(),
                })
                .collect(),
            access: subject
                .access
                .iter()
                .map(|(report, _)| AccessShown {
                    access: report.access,
                    on: report.on,
                    text: report.text.clone(),
                })
                .collect(),
        }
    }

    fn push_words(&self, out: &mut String) {
        let person = &self.person;
        let mut facts = vec![one_line(&person.name)];
        facts.extend(Some(one_line(&person.romanised)).filter(|_| !person.romanised.is_empty()));
        facts.extend(person.born.map(|born| format!("born {born}")));
        facts.extend(Some(person.nationality.join("/")).filter(|text| !text.is_empty()));
        let _ = writeln!(out, "  {}. {}", person.number, facts.join(", "));
        if !person.remark.is_empty() {
            let _ = writeln!(out, "     {}", lines(&person.remark, 5));
        }
        for account in &self.accounts {
            let dated = dated(&word(&account.status).unwrap_or_default(), account.since, &account.text);
            let _ = writeln!(out, "     {}: {dated}", one_line(&account.side));
        }
        let answer = self.answers.last().map_or_else(
            || "no answer".to_owned(),
            |answer| {
                let stance = word(&answer.stance).unwrap_or_default();
                format!("answer: {}", dated(&stance, answer.on, &answer.text))
            },
        );
        let _ = writeln!(out, "     {answer}");
        for access in &self.access {
            let dated = dated(&word(&access.access).unwrap_or_default(), access.on, &access.text);
            let _ = writeln!(out, "     access: {dated}");
        }
    }
}

fn dated(what: &str, on: Option<PartialDate>, text: &str) -> String {
    let on = on.map(|on| format!(" ({on})")).unwrap_or_default();
    let text = if text.is_empty() { String::new() } else { format!(": {}", lines(text, 8)) };
    format!("{what}{on}{text}")
}

impl AccountShown {
    fn of(side: SideId, all: &[Account<'_>], table: &Table) -> Option<AccountShown> {
        let last = all.last()?;
        Some(AccountShown {
            side: table.posts.side(side),
            status: last.status,
            since: last.since,
            text: last.text.to_owned(),
            earlier: all.len() - 1,
        })
    }
}

impl CountShown {
    fn of(case: &Case<'_>, side: SideId, table: &Table) -> CountShown {
        let count = case.count(side).into_iter();
        let by_status = count.filter_map(|(status, count)| Some((word(&status)?, count))).collect();
        CountShown { side: table.posts.side(side), by_status }
    }

    /// For people: `8 indicted, 12 arrested`.
    pub fn words(&self) -> String {
        let count = |(status, count): (&String, &usize)| format!("{count} {status}");
        self.by_status.iter().map(count).collect::<Vec<_>>().join(", ")
    }
}

/// The word of a status, stance or step of access, as JSON has it.
pub fn word(value: &impl Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}
