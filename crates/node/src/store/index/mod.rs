//! The index of everything said: filled little by little behind the log, searched from the newest on.
//!
//! A row of FTS5 stands under the number of its entry's row and holds [`grams`] of all that the entry says, and
//! terms for what it is filtered by, so that a filter makes a search faster and never slower. The index keeps no
//! text. What expires or is taken back is taken out of it, term by term, in the same transaction or when the
//! withdrawal is indexed; `unsaid` names rows that are not in it although it has come past them.

mod grams;
mod search;
mod texts;

use couloir_wire::entry::{Body, Entry};
use couloir_wire::id::EntryId;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

pub use grams::folded;
pub use search::{Found, Lookup};
pub use texts::texts;

use super::apply::run;
use super::schema::id_key;
use super::{Store, StoreError};

impl Store {
    /// Indexes the next entries, at most `count`; how many that were. None are left once it is fewer.
    pub fn index_some(&mut self, count: usize) -> Result<usize, StoreError> {
        let connection = &mut self.reader.connection;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mark = mark(&transaction)?;
        let (mut last, mut taken, mut octets) = (mark, 0, 0);
        {
            let mut rows = transaction.prepare_cached(
                "SELECT row, conversation, encoded FROM entry WHERE row > ?1 ORDER BY row LIMIT ?2",
            )?;
            let mut rows = rows.query([mark, count as i64])?;
            while let Some(row) = rows.next()?.filter(|_| octets < BATCH_OCTETS) {
                let encoded: Vec<u8> = row.get(2)?;
                octets += encoded.len();
                (last, taken) = (row.get(0)?, taken + 1);
                index_one(&transaction, last, row.get(1)?, &encoded)?;
            }
        }
        if taken > 0 {
            run(&transaction, "UPDATE indexed SET row = ?1", [last])?;
        }
        transaction.commit()?;
        Ok(if octets >= BATCH_OCTETS { count } else { taken })
    }
}

/// The last row that the index has come past.
fn mark(db: &Connection) -> Result<i64, StoreError> {
    Ok(db.prepare_cached("SELECT row FROM indexed")?.query_row([], |row| row.get(0))?)
}

fn index_one(db: &Connection, row: i64, conversation: i64, encoded: &[u8]) -> Result<(), StoreError> {
    // It was checked before it was stored; an expired one is empty.
    let Ok(entry) = minicbor::decode::<Entry>(encoded) else { return leave_out(db, row) };
    if is_taken_back(db, &entry)? {
        return leave_out(db, row);
    }
    if let Body::Withdraw { entry: withdrawn } = &entry.body {
        take_out_withdrawn(db, *withdrawn, &entry)?;
    }
    let terms = terms(conversation, &entry);
    run(db, "INSERT INTO said (rowid, grams) VALUES (?1, ?2)", (row, terms))
}

fn leave_out(db: &Connection, row: i64) -> Result<(), StoreError> {
    run(db, "INSERT OR IGNORE INTO unsaid (row) VALUES (?1)", [row])
}

/// Whether its author took it back, or took back the note whose version or translation it is.
pub(super) fn is_taken_back(db: &Connection, entry: &Entry) -> Result<bool, StoreError> {
    let of = match &entry.body {
        Body::Note(_) | Body::File { .. } => None,
        Body::Edit { entry, .. } => Some(*entry),
        Body::Translate(translation) => Some(translation.of),
        _ => return Ok(false),
    };
    if is_withdrawn(db, entry.id, &entry.author.0)? {
        return Ok(true);
    }
    let Some(of) = of else { return Ok(false) };
    let mut author = db.prepare_cached("SELECT author FROM entry WHERE id = ?1")?;
    let author: Option<[u8; 16]> = author.query_row([id_key(of)], |row| row.get(0)).optional()?;
    author.map_or(Ok(false), |author| is_withdrawn(db, of, &author))
}

fn is_withdrawn(db: &Connection, id: EntryId, author: &[u8; 16]) -> Result<bool, StoreError> {
    let mut find = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM entry WHERE about = ?1 AND kind = 'withdrawal' AND author = ?2)",
    )?;
    Ok(find.query_row((id_key(id), author), |row| row.get(0))?)
}

/// Takes a withdrawn text out, with its versions and translations.
fn take_out_withdrawn(db: &Connection, id: EntryId, by: &Entry) -> Result<(), StoreError> {
    let mut find = db.prepare_cached(
        "SELECT author = ?2 AND kind IN ('note', 'file', 'translation') FROM entry WHERE id = ?1",
    )?;
    let is_so: Option<bool> = find.query_row((id_key(id), by.author.0), |row| row.get(0)).optional()?;
    if is_so != Some(true) {
        return Ok(());
    }
    take_out(db, id)?;
    let mut about =
        db.prepare_cached("SELECT id FROM entry WHERE about = ?1 AND kind IN ('edit', 'translation')")?;
    let about = about.query_map([id_key(id)], |row| row.get(0).map(super::schema::id_of))?;
    let about = about.collect::<Result<Vec<_>, _>>()?;
    about.into_iter().try_for_each(|id| take_out(db, id))
}

/// Takes an entry out of the index, if it is in it. Its encoding must be there still.
pub(super) fn take_out(db: &Connection, id: EntryId) -> Result<(), StoreError> {
    let mut find = db.prepare_cached(
        "SELECT e.row, e.conversation, e.encoded FROM entry e
         WHERE e.id = ?1 AND e.row <= (SELECT row FROM indexed)
           AND NOT EXISTS (SELECT 1 FROM unsaid u WHERE u.row = e.row)",
    )?;
    let found = find.query_row([id_key(id)], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?)));
    let Some((row, conversation, encoded)) = found.optional()? else { return Ok(()) };
    let Ok(entry) = minicbor::decode::<Entry>(&encoded) else { return Ok(()) };
    let terms = terms(conversation, &entry);
    run(db, "INSERT INTO said (said, rowid, grams) VALUES ('delete', ?1, ?2)", (row, terms))?;
    leave_out(db, row)
}

/// All terms of a row: always the same for the same entry, so that it can be taken out again.
fn terms(conversation: i64, entry: &Entry) -> String {
    let mut terms = grams::terms(&folded(&texts(&entry.body)));
    terms.push(search::of_conversation(conversation));
    terms.push(search::of_author(entry.author));
    terms.push(search::of_kind(entry.body.word()));
    terms.push(search::of_marking(entry.marking));
    terms.push(search::of_month(entry.at_ms));
    terms.join(" ")
}

/// A batch may be a little longer; no text is so long that one entry takes long.
const BATCH_OCTETS: usize = 1 << 20;
