//! The record as this node holds it: computed from the store's entries, proven once, kept by the process.
//!
//! *Read on.* [`Book::read_on`] takes the statements and countersignatures that came since, a few at a time, each
//! proven by the signets and certificates in the channel's papers. What does not hold is not kept: it
//! counts for nothing, and [`Book::fault`] proves it anew to say why. *Placed.* An item counts if it was said in a
//! conversation of its audience and by the post that signed it; so all desks of that audience hold the same
//! items. *Begun anew.* If the papers change, by a revocation above all, everything is proven anew.
//! *Shown.* [`Page`] is what became of each statement of one audience, computed when it is first asked for after
//! something was added.

mod page;
mod trust;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use couloir_seal::proof::Authentic;
use couloir_seal::record::{Audience, Countersignature, Papers, RecordError, Said};
use couloir_talks::record::{Item, Record};
use couloir_wire::entry::Body;
use couloir_wire::id::{ConversationId, Digest, EntryId};

use crate::clerk::papers::channels_of;
use crate::store::{LogRow, Reader};
use crate::words::Outcome;

pub use page::{Page, Place};
pub use trust::Trust;

/// The book of a node, as its threads share it.
pub type Shelf = Arc<Mutex<Book>>;

/// Everything on the record that holds.
#[derive(Default)]
pub struct Book {
    trust: Trust,
    papers: Papers,
    read: [Option<u64>; 2],
    records: BTreeMap<Audience, Record>,
    pages: BTreeMap<Audience, Page>,
    items: BTreeMap<EntryId, Digest>,
    entries: BTreeMap<Digest, EntryId>,
    early: BTreeSet<EntryId>,
}

/// Why an entry that claims to be on the record counts for nothing.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It does not hold by itself.
    #[error(transparent)]
    Item(#[from] RecordError),
    /// It was said elsewhere than its signature says.
    #[error("it is addressed to other posts than those of this conversation")]
    OtherAudience,
    /// It was brought by another post.
    #[error("it is signed by another post than the one that brought it")]
    OtherAuthor,
    /// What it countersigns does not count, or is not here.
    #[error("the statement that it countersigns is not on the record here")]
    NoStatement,
    /// Its post has said as much to the statement as counts, and what says more.
    #[error("its post has countersigned that statement more often than counts")]
    Surplus,
    /// The entry that opened its conversation is not here yet.
    #[error("the conversation in which it was said is not known here yet")]
    NoConversation,
    /// It claims nothing of the kind.
    #[error("it is neither a statement nor a countersignature")]
    OtherKind,
}

impl Book {
    /// Takes at most `most` entries that came since; whether there may be more.
    pub fn read_on(&mut self, reader: &Reader, most: usize) -> Outcome<bool> {
        let trust = Trust::of(&channels_of(reader)?)?;
        if trust != self.trust {
            *self = Book { papers: trust.papers(), trust, ..Book::default() };
        }
        let statements = reader.on_record(STATEMENT, self.read[0], most)?;
        for row in &statements {
            self.take_statement(reader, row)?;
            self.read[0] = row.number.or(self.read[0]);
        }
        let left = most - statements.len();
        // Countersignatures are read once all statements before them were.
        let marks =
            if left > 0 { reader.on_record(COUNTERSIGNATURE, self.read[1], left)? } else { Vec::new() };
        for row in &marks {
            self.take_countersignature(row);
            self.read[1] = row.number.or(self.read[1]);
        }
        self.try_early(reader)?;
        Ok(statements.len() + marks.len() == most)
    }

    /// Takes everything that came since.
    pub fn read_all(&mut self, reader: &Reader) -> Outcome {
        while self.read_on(reader, STEP)? {}
        Ok(())
    }

    /// How many entries were read, and how many there are.
    pub fn progress(&self, reader: &Reader) -> Outcome<(u64, u64)> {
        let left: u64 = [(STATEMENT, self.read[0]), (COUNTERSIGNATURE, self.read[1])]
            .into_iter()
            .map(|(kind, after)| reader.on_record_after(kind, after))
            .sum::<Result<u64, _>>()?;
        let all =
            reader.on_record_after(STATEMENT, None)? + reader.on_record_after(COUNTERSIGNATURE, None)?;
        Ok((all.saturating_sub(left), all))
    }

    /// Our side and post, and who else may sign.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// By whom items may be signed.
    pub fn papers(&self) -> &Papers {
        &self.papers
    }

    /// The record of an audience; none if nothing was said yet.
    pub fn record(&self, audience: &Audience) -> Option<&Record> {
        self.records.get(audience)
    }

    /// The record of an audience, and what became of its statements; none if nothing was said yet.
    pub fn page(&mut self, audience: &Audience) -> Option<(&Record, &Page)> {
        let record = self.records.get(audience)?;
        let page = self.pages.entry(audience.clone()).or_insert_with(|| Page::of(record));
        Some((record, page))
    }

    /// Every audience that has a record.
    pub fn audiences(&self) -> Vec<Audience> {
        self.records.keys().cloned().collect()
    }

    /// The item that an entry brought, if it counts.
    pub fn item_of(&self, entry: EntryId) -> Option<Digest> {
        let is_held = |item: &Digest| self.records.values().any(|record| record.item(*item).is_some());
        self.items.get(&entry).copied().filter(is_held)
    }

    /// The entry that first brought an item.
    pub fn entry_of(&self, item: Digest) -> Option<EntryId> {
        self.entries.get(&item).copied()
    }

    /// Why an entry that claims to be on the record counts for nothing; none if it counts.
    pub fn fault(&self, reader: &Reader, row: &LogRow) -> Outcome<Option<Fault>> {
        if self.items.contains_key(&row.id) {
            return Ok(self.item_of(row.id).is_none().then_some(Fault::Surplus));
        }
        let fault = match row.body() {
            Some(Body::Statement(_)) => self.prove_statement(reader, row)?.err(),
            Some(Body::Countersign { .. }) => self.prove_countersignature(row).err(),
            _ => Some(Fault::OtherKind),
        };
        Ok(fault)
    }

    fn take_statement(&mut self, reader: &Reader, row: &LogRow) -> Outcome {
        if let Some(Body::Statement(octets)) = row.body() {
            // Whatever it carries must hold by itself, and is needed when the record is exported.
            let _ = self.papers.learn_from_statement(octets);
        }
        match self.prove_statement(reader, row)? {
            Ok(said) => {
                let digest = said.get().digest;
                self.add(said.get().statement.audience.clone(), Item::Statement(said), row.id, digest);
                self.take_countersignatures(reader, row.id)?;
            }
            Err(Fault::NoConversation) if self.early.len() < EARLY_MAX => drop(self.early.insert(row.id)),
            Err(_) => {}
        }
        Ok(())
    }

    /// Those that were read before their statement.
    fn take_countersignatures(&mut self, reader: &Reader, of: EntryId) -> Outcome {
        let (mut after, last) = (None, self.read[1]);
        loop {
            let marks = reader.countersignatures(of, after, last, STEP)?;
            for mark in &marks {
                self.take_countersignature(mark);
                after = mark.number;
            }
            if marks.len() < STEP {
                return Ok(());
            }
        }
    }

    fn take_countersignature(&mut self, row: &LogRow) {
        if let Some(Body::Countersign { countersignature, .. }) = row.body() {
            let _ = self.papers.learn_from_countersignature(countersignature);
        }
        if let Ok((audience, mark)) = self.prove_countersignature(row) {
            let digest = mark.get().digest;
            self.add(audience, Item::Countersignature(mark), row.id, digest);
        }
    }

    /// Statements that came before the opening of their conversation.
    fn try_early(&mut self, reader: &Reader) -> Outcome {
        for entry in std::mem::take(&mut self.early) {
            if let Some(row) = reader.row(entry)? {
                self.take_statement(reader, &row)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, audience: Audience, item: Item, entry: EntryId, digest: Digest) {
        self.items.insert(entry, digest);
        self.entries.entry(digest).or_insert(entry);
        self.pages.remove(&audience);
        let record = self.records.entry(audience.clone()).or_insert_with(|| Record::new(audience));
        // It is of this audience: it was looked up by it.
        let _ = record.add(item);
    }

    fn prove_statement(&self, reader: &Reader, row: &LogRow) -> Outcome<Result<Authentic<Said>, Fault>> {
        let Some(Body::Statement(octets)) = row.body() else { return Ok(Err(Fault::OtherKind)) };
        let Some(audience) = self.trust.audience(reader, row.conversation)? else {
            return Ok(Err(Fault::NoConversation));
        };
        let said = match self.papers.prove(octets) {
            Ok(said) => said,
            Err(error) => return Ok(Err(error.into())),
        };
        let statement = &said.get().statement;
        if statement.audience != audience {
            return Ok(Err(Fault::OtherAudience));
        }
        Ok(if statement.author == row.author { Ok(said) } else { Err(Fault::OtherAuthor) })
    }

    fn prove_countersignature(&self, row: &LogRow) -> Result<(Audience, Authentic<Countersignature>), Fault> {
        let Some(Body::Countersign { statement, countersignature }) = row.body() else {
            return Err(Fault::OtherKind);
        };
        let said = self.item_of(*statement).and_then(|digest| self.statement(digest));
        let said = said.ok_or(Fault::NoStatement)?;
        let mark = self.papers.prove_countersignature(countersignature, said)?;
        if mark.get().act.author != row.author {
            return Err(Fault::OtherAuthor);
        }
        Ok((said.get().statement.audience.clone(), mark))
    }

    /// A statement on the record.
    pub fn statement(&self, digest: Digest) -> Option<&Authentic<Said>> {
        self.records.values().find_map(|record| record.statement(digest))
    }

    /// The audience of a conversation: its posts and their sides.
    pub fn audience(&self, reader: &Reader, conversation: ConversationId) -> Outcome<Option<Audience>> {
        self.trust.audience(reader, conversation)
    }
}

/// Words for kinds, as [`Body::word`].
pub const STATEMENT: &str = "statement";
/// The same for what answers one.
pub const COUNTERSIGNATURE: &str = "countersignature";
/// Entries proven before others may look into the book: about a tenth of a second.
pub const STEP: usize = 256;
/// Statements that wait for the opening of their conversation: more come from a peer that means no good.
const EARLY_MAX: usize = 256;
