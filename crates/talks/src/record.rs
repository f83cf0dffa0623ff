//! The record of one audience, computed from its items (docs/RECORD.md §6).
//!
//! *Items.* Statements and countersignatures, each proven before it comes here. An item names earlier ones: the
//! tips that its author saw, the statement that it countersigns or corrects. *Tips.* Items that none names.
//! *Head.* The digest of the tips, in order: two desks with the same items show the same head. *Order.* Who is
//! named stands before who names; else the earlier time first, then the smaller digest. *State.* What each side
//! of the audience has said to a statement: of several verdicts the strongest, so that what was agreed stays
//! agreed. *Surplus.* Of one post's countersignatures of one statement four count: the strongest, of these the earliest. The
//! others are no items. All of this is a function of the set of items, whatever the order in which they came.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use couloir_seal::proof::Authentic;
use couloir_seal::record::{Audience, Countersignature, Said, Verdict, head_of};
use couloir_wire::id::{Digest, PostId, SideId};
use couloir_wire::limits::{COUNTERSIGNATURES_OF_ONE_MAX, PREVIOUS_MAX};

/// One item of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Something was said.
    Statement(Authentic<Said>),
    /// Something was answered.
    Countersignature(Authentic<Countersignature>),
}

impl Item {
    /// What it is known by.
    pub fn digest(&self) -> Digest {
        match self {
            Item::Statement(said) => said.get().digest,
            Item::Countersignature(countersignature) => countersignature.get().digest,
        }
    }

    /// Its author's time, in milliseconds since 1970.
    pub fn at_ms(&self) -> i64 {
        match self {
            Item::Statement(said) => said.get().statement.at_ms,
            Item::Countersignature(countersignature) => countersignature.get().act.at_ms,
        }
    }

    /// The earlier items that it names.
    fn names(&self) -> BTreeSet<Digest> {
        match self {
            Item::Statement(said) => {
                let statement = &said.get().statement;
                let corrected = statement.corrects.map(|corrects| corrects.statement);
                statement.previous.iter().copied().chain(corrected).collect()
            }
            Item::Countersignature(countersignature) => {
                let act = &countersignature.get().act;
                act.previous.iter().copied().chain([act.statement]).collect()
            }
        }
    }
}

/// How far a statement has come with all other sides together: as far as with the one least far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Said, and not answered.
    Said,
    /// Acknowledged: they have it.
    Acknowledged,
    /// Declined.
    Declined,
    /// Agreed.
    Agreed,
}

impl Standing {
    fn of(verdict: Option<Verdict>) -> Standing {
        match verdict {
            None => Standing::Said,
            Some(Verdict::Acknowledge) => Standing::Acknowledged,
            Some(Verdict::Decline) => Standing::Declined,
            Some(Verdict::Agree) => Standing::Agreed,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Said => "said",
            Standing::Acknowledged => "acknowledged",
            Standing::Declined => "declined",
            Standing::Agreed => "agreed",
        }
    }
}

/// How a statement stands to the one that it says it corrects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Correction {
    /// It corrects none.
    None,
    /// It follows the statement that it corrects.
    Follows,
    /// The statement that it corrects is missing here.
    Missing,
    /// Its number is not the one after the corrected statement's, so it corrects nothing.
    Misnumbered,
}

/// A statement and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State<'r> {
    /// The statement.
    pub said: &'r Authentic<Said>,
    /// How far it has come.
    pub standing: Standing,
    /// What each other side says, if it said something.
    pub verdicts: BTreeMap<SideId, Option<Verdict>>,
    /// Its countersignatures, in the record's order.
    pub countersignatures: Vec<&'r Authentic<Countersignature>>,
    /// How it stands to the one that it corrects.
    pub correction: Correction,
    /// The statements that correct it, in the record's order.
    pub corrected_by: Vec<Digest>,
}

/// An item does not belong here: it is another audience's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the statement is addressed to another audience")]
pub struct OtherAudience;

/// The record of one audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    audience: Audience,
    items: BTreeMap<Digest, Item>,
    /// By item, here or missing: who names it.
    named_by: BTreeMap<Digest, BTreeSet<Digest>>,
}

impl Record {
    /// A record without items.
    pub fn new(audience: Audience) -> Record {
        Record { audience, items: BTreeMap::new(), named_by: BTreeMap::new() }
    }

    /// Adds an item; one that is here already changes nothing.
    pub fn add(&mut self, item: Item) -> Result<(), OtherAudience> {
        if matches!(&item, Item::Statement(said) if said.get().statement.audience != self.audience) {
            return Err(OtherAudience);
        }
        #[cfg(feature = "planted")]
        if crate::planted::is(crate::planted::Bug::ForgetsOrphans) && self.is_orphan(&item) {
            return Ok(());
        }
        let digest = item.digest();
        for named in item.names() {
            self.named_by.entry(named).or_default().insert(digest);
        }
        let item = self.items.entry(digest).or_insert(item);
        if let Item::Countersignature(mark) = item {
            let (statement, post) = (mark.get().act.statement, mark.get().act.author);
            self.drop_surplus(statement, post);
        }
        Ok(())
    }

    /// What one post has said to a statement, as far as it counts; what weighs most stands first.
    pub fn said_by(&self, statement: Digest, post: PostId) -> Vec<&Authentic<Countersignature>> {
        let by = self.named_by.get(&statement).into_iter().flatten();
        let mut marks: Vec<_> = by
            .filter_map(|digest| match self.items.get(digest) {
                Some(Item::Countersignature(mark)) => Some(mark),
                Some(Item::Statement(_)) | None => None,
            })
            .filter(|mark| mark.get().act.statement == statement && mark.get().act.author == post)
            .collect();
        marks.sort_by_key(|mark| (Reverse(mark.get().act.verdict), mark.get().act.at_ms, mark.get().digest));
        marks
    }

    /// One at most: they come one by one.
    fn drop_surplus(&mut self, statement: Digest, post: PostId) {
        let said = self.said_by(statement, post);
        let Some(digest) = said.get(COUNTERSIGNATURES_OF_ONE_MAX).map(|mark| mark.get().digest) else {
            return;
        };
        let Some(item) = self.items.remove(&digest) else { return };
        for named in item.names() {
            if let Some(by) = self.named_by.get_mut(&named) {
                by.remove(&digest);
                if by.is_empty() {
                    self.named_by.remove(&named);
                }
            }
        }
    }

    /// Between whom it is.
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing is on the record.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// An item.
    pub fn item(&self, digest: Digest) -> Option<&Item> {
        self.items.get(&digest)
    }

    /// A statement.
    pub fn statement(&self, digest: Digest) -> Option<&Authentic<Said>> {
        match self.items.get(&digest) {
            Some(Item::Statement(said)) => Some(said),
            Some(Item::Countersignature(_)) | None => None,
        }
    }

    /// The items that none names, sorted.
    pub fn tips(&self) -> Vec<Digest> {
        self.items.keys().filter(|digest| !self.named_by.contains_key(digest)).copied().collect()
    }

    /// What the next item names: the tips, as many as one item may.
    pub fn previous(&self) -> Vec<Digest> {
        let mut tips = self.tips();
        tips.truncate(PREVIOUS_MAX);
        tips
    }

    /// What two desks compare.
    pub fn head(&self) -> Digest {
        head_of(&self.tips())
    }

    /// Items that are named and not here. A record without any is whole.
    pub fn missing(&self) -> BTreeSet<Digest> {
        self.named_by.keys().filter(|digest| !self.items.contains_key(digest)).copied().collect()
    }

    /// The part that can be shown to a stranger: a countersignature proves nothing without its statement.
    pub fn provable(&self) -> Record {
        let mut part = Record::new(self.audience.clone());
        for item in self.items.values() {
            if !self.is_orphan(item) {
                // It was of this audience before.
                let _ = part.add(item.clone());
            }
        }
        part
    }

    /// Whether it countersigns a statement that is not here.
    fn is_orphan(&self, item: &Item) -> bool {
        matches!(item, Item::Countersignature(countersignature)
            if self.statement(countersignature.get().act.statement).is_none())
    }

    /// All items in the record's order.
    pub fn order(&self) -> Vec<&Item> {
        let mut waits = self.waits();
        let is_free = |item: &&Item| waits.get(&item.digest()).is_none_or(|count| *count == 0);
        let mut ready: BTreeSet<(i64, Digest)> = self.items.values().filter(is_free).map(place).collect();
        let mut order = Vec::with_capacity(self.items.len());
        while let Some((_, digest)) = ready.pop_first() {
            order.extend(self.items.get(&digest));
            for item in self.named_by.get(&digest).into_iter().flatten().filter_map(|by| self.items.get(by)) {
                let Some(count) = waits.get_mut(&item.digest()) else { continue };
                *count -= 1;
                if *count == 0 {
                    ready.insert(place(item));
                }
            }
        }
        order
    }

    /// By item: how many of the items that it names are here.
    fn waits(&self) -> BTreeMap<Digest, usize> {
        let mut waits = BTreeMap::new();
        for (_, by) in self.named_by.iter().filter(|(named, _)| self.items.contains_key(named)) {
            by.iter().for_each(|digest| *waits.entry(*digest).or_default() += 1);
        }
        waits
    }

    /// What has become of each statement, in the record's order.
    pub fn states(&self) -> Vec<State<'_>> {
        let mut states: Vec<State<'_>> = Vec::new();
        let mut places: BTreeMap<Digest, usize> = BTreeMap::new();
        for item in self.order() {
            match item {
                Item::Statement(said) => {
                    let correction = self.correction(said.get());
                    if let Some(corrected) = corrected(said.get(), correction).and_then(|at| places.get(&at))
                    {
                        states[*corrected].corrected_by.push(said.get().digest);
                    }
                    places.insert(said.get().digest, states.len());
                    states.push(State::new(said, correction));
                }
                Item::Countersignature(countersignature) => {
                    if let Some(at) = places.get(&countersignature.get().act.statement) {
                        states[*at].answer(countersignature);
                    }
                }
            }
        }
        states
    }

    /// What has become of one statement.
    pub fn state(&self, digest: Digest) -> Option<State<'_>> {
        self.states().into_iter().find(|state| state.said.get().digest == digest)
    }

    fn correction(&self, said: &Said) -> Correction {
        let Some(corrects) = said.statement.corrects else { return Correction::None };
        match self.statement(corrects.statement) {
            None if self.items.contains_key(&corrects.statement) => Correction::Misnumbered,
            None => Correction::Missing,
            Some(earlier) if earlier.get().statement.number().checked_add(1) == Some(corrects.number) => {
                Correction::Follows
            }
            Some(_) => Correction::Misnumbered,
        }
    }
}

impl<'r> State<'r> {
    fn new(said: &'r Authentic<Said>, correction: Correction) -> State<'r> {
        let statement = &said.get().statement;
        let others = statement.audience.sides.iter().filter(|side| **side != statement.side);
        State {
            said,
            standing: Standing::Said,
            verdicts: others.map(|side| (*side, None)).collect(),
            countersignatures: Vec::new(),
            correction,
            corrected_by: Vec::new(),
        }
    }

    fn answer(&mut self, countersignature: &'r Authentic<Countersignature>) {
        self.countersignatures.push(countersignature);
        let act = &countersignature.get().act;
        let verdict = self.verdicts.entry(act.side).or_default();
        *verdict = (*verdict).max(Some(act.verdict));
        let least = self.verdicts.values().min().copied().flatten();
        self.standing = Standing::of(least);
    }
}

fn corrected(said: &Said, correction: Correction) -> Option<Digest> {
    let corrects = said.statement.corrects.filter(|_| correction == Correction::Follows);
    corrects.map(|corrects| corrects.statement)
}

fn place(item: &Item) -> (i64, Digest) {
    (item.at_ms(), item.digest())
}
