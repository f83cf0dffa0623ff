//! What became of the statements of one audience, computed once for all who look.

use std::collections::BTreeMap;

use couloir_seal::record::{Asks, Verdict};
use couloir_talks::record::{Correction, Item, Record, Standing, State};
use couloir_wire::id::{Digest, SideId};

/// The statements of a record in its order.
#[derive(Debug, Default)]
pub struct Page {
    order: Vec<Digest>,
    places: BTreeMap<Digest, Place>,
    head: Digest,
}

/// What became of a statement, without the texts.
#[derive(Debug)]
pub struct Place {
    /// Its place in the record's order, from 1.
    pub number: usize,
    /// How far it has come.
    pub standing: Standing,
    verdicts: BTreeMap<SideId, Option<Verdict>>,
    countersignatures: Vec<Digest>,
    correction: Correction,
    corrected_by: Vec<Digest>,
}

impl Page {
    /// Of a record.
    pub fn of(record: &Record) -> Page {
        let mut page = Page { head: record.head(), ..Page::default() };
        for (number, state) in (1..).zip(record.states()) {
            let digest = state.said.get().digest;
            page.order.push(digest);
            page.places.insert(digest, Place::of(number, state));
        }
        page
    }

    /// What two desks compare.
    pub fn head(&self) -> Digest {
        self.head
    }

    /// The statements, in the record's order.
    pub fn order(&self) -> &[Digest] {
        &self.order
    }

    /// What became of a statement.
    pub fn place(&self, statement: Digest) -> Option<&Place> {
        self.places.get(&statement)
    }

    /// A statement with everything that was said to it.
    pub fn state<'r>(&self, record: &'r Record, statement: Digest) -> Option<State<'r>> {
        let place = self.places.get(&statement)?;
        let mark = |digest: &Digest| match record.item(*digest) {
            Some(Item::Countersignature(mark)) => Some(mark),
            Some(Item::Statement(_)) | None => None,
        };
        Some(State {
            said: record.statement(statement)?,
            standing: place.standing,
            verdicts: place.verdicts.clone(),
            countersignatures: place.countersignatures.iter().filter_map(mark).collect(),
            correction: place.correction,
            corrected_by: place.corrected_by.clone(),
        })
    }

    /// Statements that ask something of `side` which it has not said, and which nothing has corrected.
    pub fn asked_of<'r>(&self, record: &'r Record, side: SideId) -> Vec<State<'r>> {
        let is_asked = |digest: &&Digest| {
            let Some((said, place)) = record.statement(**digest).zip(self.place(**digest)) else {
                return false;
            };
            place.corrected_by.is_empty() && is_open(said.get().statement.asks, place.verdicts.get(&side))
        };
        self.order.iter().filter(is_asked).filter_map(|digest| self.state(record, *digest)).collect()
    }
}

impl Place {
    fn of(number: usize, state: State<'_>) -> Place {
        Place {
            number,
            standing: state.standing,
            verdicts: state.verdicts,
            countersignatures: state.countersignatures.iter().map(|mark| mark.get().digest).collect(),
            correction: state.correction,
            corrected_by: state.corrected_by,
        }
    }
}

/// Whether a side that is asked has not said what it is asked for; none if it is not one of those asked.
fn is_open(asks: Asks, verdict: Option<&Option<Verdict>>) -> bool {
    match (asks, verdict) {
        (Asks::Nothing, _) | (_, None) => false,
        (Asks::Acknowledge, Some(said)) => said.is_none(),
        (Asks::Agree, Some(said)) => matches!(said, None | Some(Verdict::Acknowledge)),
    }
}
