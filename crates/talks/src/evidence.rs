//! A record as a file, and what a stranger finds in it with the signets alone (docs/RECORD.md §7, §8).

use std::collections::BTreeSet;

use couloir_seal::record::evidence::{self, Opened, Sheet};
use couloir_seal::record::{Papers, Proven, RecordError, Signer};
use couloir_wire::id::{Digest, SideId};
use couloir_wire::papers::Signet;
use couloir_wire::time::WallTime;

use crate::record::{Correction, Item, Record, State};

/// The record as a file, as far as it can be proven to a stranger.
pub fn export(record: &Record, papers: &Papers) -> Vec<u8> {
    let record = record.provable();
    let states = record.states();
    let sheets: Vec<Sheet<'_>> = states.iter().map(sheet).collect();
    evidence::write(record.audience(), record.head(), &sheets, papers)
}

fn sheet<'r>(state: &State<'r>) -> Sheet<'r> {
    let beneath = state.countersignatures.iter().map(|countersignature| countersignature.get());
    Sheet { said: state.said.get(), beneath: beneath.collect() }
}

/// Where in a file something is wrong; numbers count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The file as a whole.
    File,
    /// A certificate or revocation.
    Paper(usize),
    /// A statement.
    Statement(usize),
    /// A countersignature beneath a statement.
    Countersignature(usize, usize),
}

/// Why a part of a file does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// It does not hold by itself.
    #[error(transparent)]
    Item(#[from] RecordError),
    /// It belongs to another record than the file's.
    #[error("it is addressed to another audience than the file says")]
    OtherAudience,
    /// It corrects a statement under a wrong number.
    #[error("it corrects a statement under a number that does not follow that one's")]
    Misnumbered,
    /// The head that the file claims is not that of its items.
    #[error("it claims the head {claimed}, and its items have {found}")]
    Head {
        /// As the file has it.
        claimed: Digest,
        /// As its items have it.
        found: Digest,
    },
    /// Its items hold, and it orders or pads them otherwise than an export does.
    #[error("it is not in the one form of an exported record")]
    Form,
}

/// A part of a file that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// Why.
    pub cause: Cause,
}

/// What a file holds and whether it holds.
#[derive(Debug)]
pub struct Examination {
    /// The items that hold.
    pub record: Record,
    /// Everything that does not hold, as it stands in the file.
    pub faults: Vec<Fault>,
    /// Items that are named and not in the file: the record is partial if there are any.
    pub missing: BTreeSet<Digest>,
    /// Sides of the audience whose signets were not given.
    pub strangers: Vec<SideId>,
    /// Nodes whose items hold, and which were revoked later.
    pub revoked_later: Vec<(Signer, WallTime)>,
}

impl Examination {
    /// Whether everything in the file holds.
    pub fn holds(&self) -> bool {
        self.faults.is_empty()
    }

    /// Whether nothing that the items name is missing.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty()
    }
}

/// Checks a file under these signets and nothing else. An error if it is no such file at all.
pub fn examine(octets: &[u8], signets: Vec<Signet>) -> Result<Examination, RecordError> {
    let Opened { audience, head, papers, bad_papers, statements } =
        evidence::open(octets, Papers::new(signets))?;
    let mut record = Record::new(audience);
    let mut faults: Vec<Fault> =
        bad_papers.into_iter().map(|(place, error)| fault(Place::Paper(place + 1), error)).collect();
    let digests: Vec<Option<Digest>> = statements.iter().map(digest_of).collect();
    for (place, proven) in statements.into_iter().enumerate() {
        faults.extend(take(&mut record, place + 1, proven));
    }
    faults.extend(misnumbered(&record, &digests));
    if faults.is_empty() {
        faults.extend(whole_file(&record, head, octets, &papers));
    }
    let strangers = record.audience().sides.iter().filter(|side| papers.signet(**side).is_none()).copied();
    Ok(Examination {
        faults,
        missing: record.missing(),
        strangers: strangers.collect(),
        revoked_later: revoked_later(&record, &papers),
        record,
    })
}

/// Adds what holds of one statement and what lies beneath it; returns what does not hold.
fn take(record: &mut Record, place: usize, proven: Result<Proven, RecordError>) -> Vec<Fault> {
    let Proven { said, beneath } = match proven {
        Ok(proven) => proven,
        Err(error) => return vec![fault(Place::Statement(place), error)],
    };
    if record.add(Item::Statement(said)).is_err() {
        return vec![Fault { place: Place::Statement(place), cause: Cause::OtherAudience }];
    }
    let mut faults = Vec::new();
    for (below, countersignature) in beneath.into_iter().enumerate() {
        let item = countersignature.map(Item::Countersignature);
        match item {
            // Only a statement can be another audience's.
            Ok(item) => drop(record.add(item)),
            Err(error) => faults.push(fault(Place::Countersignature(place, below + 1), error)),
        }
    }
    faults
}

fn digest_of(proven: &Result<Proven, RecordError>) -> Option<Digest> {
    proven.as_ref().ok().map(|proven| proven.said.get().digest)
}

/// Statements that correct another under a wrong number; `digests` are in the order of the file.
fn misnumbered(record: &Record, digests: &[Option<Digest>]) -> Vec<Fault> {
    let states = record.states();
    let wrong = states.iter().filter(|state| state.correction == Correction::Misnumbered);
    let wrong: BTreeSet<Digest> = wrong.map(|state| state.said.get().digest).collect();
    let places =
        (1..).zip(digests).filter(|(_, digest)| digest.is_some_and(|digest| wrong.contains(&digest)));
    places.map(|(at, _)| Fault { place: Place::Statement(at), cause: Cause::Misnumbered }).collect()
}

/// What only the file as a whole can have wrong.
fn whole_file(record: &Record, claimed: Digest, octets: &[u8], papers: &Papers) -> Option<Fault> {
    let found = record.head();
    if claimed != found {
        return Some(Fault { place: Place::File, cause: Cause::Head { claimed, found } });
    }
    (export(record, papers) != octets).then_some(Fault { place: Place::File, cause: Cause::Form })
}

fn revoked_later(record: &Record, papers: &Papers) -> Vec<(Signer, WallTime)> {
    let mut nodes = BTreeSet::new();
    let signers = record.order().into_iter().map(|item| match item {
        Item::Statement(said) => &said.get().signer,
        Item::Countersignature(countersignature) => &countersignature.get().signer,
    });
    let once = signers.filter(|signer| nodes.insert(signer.node));
    once.filter_map(|signer| Some((Signer::clone(signer), papers.revoked(signer.node)?))).collect()
}

fn fault(place: Place, error: RecordError) -> Fault {
    Fault { place, cause: Cause::Item(error) }
}
