//! A case, computed from its steps (PROTOCOL §7.8).
//!
//! *Raised* by one side, for persons who are numbered within it. *Answered* by the other, with a stance from a
//! closed set, for some persons or all. Both report how it stands with a person; the two accounts stand beside
//! each other. *Closed* by the side that raised it. Nothing is overwritten: every account keeps its earlier ones.

use std::collections::BTreeMap;

use couloir_wire::entry::{
    AccessReport, Body, CaseAct, CaseFile, Clock, Entry, PartialDate, Person, Stance, StanceReport, Status,
    StatusReport,
};
use couloir_wire::id::{EntryId, PostId, SideId};
use couloir_wire::time::WallTime;

use crate::sides::{Sides, Step, in_place};

/// What a side held to be true of a person at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account<'e> {
    /// How it stands.
    pub status: Status,
    /// Since when.
    pub since: Option<PartialDate>,
    /// In words; may be empty.
    pub text: &'e str,
    /// The entry that says so.
    pub entry: EntryId,
}

/// What the other side answered for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'e> {
    /// The stance.
    pub stance: Stance,
    /// The date that it names.
    pub on: Option<PartialDate>,
    /// In words; may be empty.
    pub text: &'e str,
    /// The entry that says so.
    pub entry: EntryId,
}

/// A person of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject<'e> {
    /// Who.
    pub person: &'e Person,
    /// What each side holds to be true, oldest first; the last counts.
    pub accounts: BTreeMap<SideId, Vec<Account<'e>>>,
    /// What the other side answered, oldest first; the last counts.
    pub answers: Vec<Answer<'e>>,
    /// Steps of consular access, oldest first.
    pub access: Vec<(&'e AccessReport, EntryId)>,
}

impl Subject<'_> {
    fn status_by(&self, side: SideId) -> Option<Status> {
        self.accounts.get(&side).and_then(|accounts| accounts.last()).map(|account| account.status)
    }
}

/// A time that an agreement or a law sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running<'e> {
    /// What for, by whose word, until when.
    pub clock: &'e Clock,
    /// The entry that set it.
    pub set: EntryId,
    /// Which of that entry's clocks, from 0.
    pub index: u8,
    /// The entry by which the side that raised the case said that it was done.
    pub met: Option<EntryId>,
}

impl<'e> Running<'e> {
    fn new((index, clock): (u8, &'e Clock), set: EntryId) -> Running<'e> {
        Running { clock, set, index, met: None }
    }
}

/// A case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case<'e> {
    /// The entry that opened it.
    pub id: EntryId,
    /// Who raised it.
    pub raised_by: PostId,
    /// When, in milliseconds since 1970.
    pub raised_ms: i64,
    /// What was known then.
    pub file: &'e CaseFile,
    /// Whom it concerns, by number.
    pub subjects: BTreeMap<u16, Subject<'e>>,
    /// Times that run, in the order in which they were set.
    pub clocks: Vec<Running<'e>>,
    /// Why it was closed, if it was.
    pub closed: Option<&'e str>,
    /// Every step.
    pub steps: Vec<Step<'e>>,
}

impl<'e> Case<'e> {
    /// Of the entries of one matter; none if no case was opened among them.
    pub fn of(entries: impl IntoIterator<Item = &'e Entry>, sides: &Sides) -> Option<Case<'e>> {
        let mut case: Option<Case<'e>> = None;
        for entry in in_place(entries) {
            let Body::Case { of, act } = &entry.body else { continue };
            match (&mut case, act) {
                (None, CaseAct::Raise(file)) if of.is_none() => case = Some(Case::open(entry, file, sides)),
                (Some(open), act) if *of == Some(open.id) => {
                    let counts = open.take(entry, act, sides).is_some();
                    open.steps.push(Step { entry, counts });
                }
                _ => {}
            }
        }
        case
    }

    fn open(entry: &'e Entry, file: &'e CaseFile, sides: &Sides) -> Case<'e> {
        let mut case = Case {
            id: entry.id,
            raised_by: entry.author,
            raised_ms: entry.at_ms,
            file,
            subjects: BTreeMap::new(),
            clocks: (0..).zip(&file.clocks).map(|clock| Running::new(clock, entry.id)).collect(),
            closed: None,
            steps: vec![Step { entry, counts: true }],
        };
        for person in &file.persons {
            case.add(entry, person, sides);
        }
        case
    }

    /// Takes a step; none if its author may not take it.
    fn take(&mut self, entry: &'e Entry, act: &'e CaseAct, sides: &Sides) -> Option<()> {
        let is_raisers = sides.is_same(entry.author, self.raised_by);
        let is_others = sides.is_other(entry.author, self.raised_by);
        match act {
            CaseAct::Raise(_) => None,
            CaseAct::Add(person) if is_raisers => self.add(entry, person, sides),
            CaseAct::Status(report) => self.report(entry, report, sides),
            CaseAct::Answer(report) if is_others => self.answer(entry, report),
            CaseAct::Clock(clock) if is_raisers || is_others => {
                self.clocks.push(Running::new((0, clock), entry.id));
                Some(())
            }
            CaseAct::Met { set, clock, .. } if is_raisers => self.meet(entry, (*set, *clock)),
            CaseAct::Access(report) if is_raisers || is_others => {
                self.concerned(&report.persons)?.for_each(|subject| subject.access.push((report, entry.id)));
                Some(())
            }
            CaseAct::Remark { .. } => (is_raisers || is_others).then_some(()),
            CaseAct::Close { why } if is_raisers && self.closed.is_none() => {
                self.closed = Some(why);
                Some(())
            }
            CaseAct::Add(_) | CaseAct::Answer(_) | CaseAct::Clock(_) => None,
            CaseAct::Access(_) | CaseAct::Close { .. } | CaseAct::Met { .. } => None,
        }
    }

    /// A number that is taken stays with whom it names.
    fn add(&mut self, entry: &'e Entry, person: &'e Person, sides: &Sides) -> Option<()> {
        if self.subjects.contains_key(&person.number) {
            return None;
        }
        let first = Account { status: person.status, since: None, text: "", entry: entry.id };
        let accounts = sides.of(entry.author).map(|side| (side, vec![first])).into_iter().collect();
        let subject = Subject { person, accounts, answers: Vec::new(), access: Vec::new() };
        self.subjects.insert(person.number, subject);
        Some(())
    }

    fn report(&mut self, entry: &'e Entry, report: &'e StatusReport, sides: &Sides) -> Option<()> {
        let side = sides.of(entry.author)?;
        let StatusReport { persons, status, since, text } = report;
        let account = Account { status: *status, since: *since, text, entry: entry.id };
        let concerned = self.concerned(persons)?;
        concerned.for_each(|subject| subject.accounts.entry(side).or_default().push(account));
        Some(())
    }

    fn answer(&mut self, entry: &'e Entry, report: &'e StanceReport) -> Option<()> {
        let StanceReport { persons, stance, on, text } = report;
        let answer = Answer { stance: *stance, on: *on, text, entry: entry.id };
        self.concerned(persons)?.for_each(|subject| subject.answers.push(answer));
        Some(())
    }

    /// What was done once is not done again.
    fn meet(&mut self, entry: &'e Entry, wanted: (EntryId, u8)) -> Option<()> {
        let mut clocks = self.clocks.iter_mut();
        let running =
            clocks.find(|running| (running.set, running.index) == wanted && running.met.is_none())?;
        running.met = Some(entry.id);
        Some(())
    }

    /// The persons of these numbers, or all; none if a number names nobody.
    fn concerned<'s>(&'s mut self, numbers: &[u16]) -> Option<impl Iterator<Item = &'s mut Subject<'e>>>
    where
        'e: 's,
    {
        let are_known = numbers.iter().all(|number| self.subjects.contains_key(number));
        let is_meant = move |number: &u16| numbers.is_empty() || numbers.contains(number);
        let numbers: Vec<u16> = self.subjects.keys().copied().filter(is_meant).collect();
        are_known.then(|| {
            let subjects = self.subjects.iter_mut();
            subjects.filter(move |(number, _)| numbers.contains(number)).map(|(_, subject)| subject)
        })
    }

    /// How many persons have each status by the word of `side`; of whom it said nothing counts nowhere.
    pub fn count(&self, side: SideId) -> BTreeMap<Status, usize> {
        self.count_by(|subject| subject.status_by(side))
    }

    /// How many persons have each status as `side` sees it: without an account of its own, as the other does.
    pub fn picture(&self, side: SideId) -> BTreeMap<Status, usize> {
        let others =
            |subject: &Subject<'_>| subject.accounts.keys().find_map(|other| subject.status_by(*other));
        self.count_by(|subject| subject.status_by(side).or_else(|| others(subject)))
    }

    fn count_by(&self, status: impl Fn(&Subject<'e>) -> Option<Status>) -> BTreeMap<Status, usize> {
        let mut count = BTreeMap::new();
        for status in self.subjects.values().filter_map(status) {
            *count.entry(status).or_default() += 1;
        }
        count
    }

    /// Clocks that run: what they are for was not done, and the case is open.
    pub fn running(&self) -> impl Iterator<Item = &Running<'e>> {
        let is_open = self.closed.is_none();
        self.clocks.iter().filter(move |running| is_open && running.met.is_none())
    }

    /// Clocks that have run out at `now`.
    pub fn overdue(&self, now: WallTime) -> impl Iterator<Item = &Running<'e>> {
        self.running().filter(move |running| running.clock.due <= now)
    }

    /// Whether somebody of the case has no answer yet.
    pub fn is_unanswered(&self) -> bool {
        self.closed.is_none() && self.subjects.values().any(|subject| subject.answers.is_empty())
    }

    /// Whether `post` owes an answer.
    pub fn waits_for(&self, post: PostId, sides: &Sides) -> bool {
        self.is_unanswered() && sides.is_other(post, self.raised_by)
    }
}
