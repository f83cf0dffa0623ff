//! A row for each matter: what a list shows of it, so that no list reads entries.
//!
//! *Marked.* A step that enters the log marks its matter's row as stale, in the same transaction. *Summed up.* Whoever
//! lists next has the stale ones folded anew and kept. What is kept is true until the next step: nothing in it
//! depends on the time but by `due_ms`.

use couloir_talks::matter::Matter;
use couloir_wire::entry::Entry;
use couloir_wire::id::{ConversationId, EntryId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::read::{LOG_ROW, log_row};
use super::schema::{id_key, id_of};
use super::{LogRow, Reader, Store, StoreError};

/// What a list shows of a matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its word, as [`couloir_talks::matter::Matter::kind`].
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// How far it has come, in a word.
    pub state: String,
    /// Whether something is still to come of it.
    pub is_open: bool,
    /// Whether our side opened it.
    pub is_ours: bool,
    /// Whether our post owes the next word.
    pub waits_for_us: bool,
    /// Whether another side owes it.
    pub waits_for_them: bool,
    /// By when, in milliseconds since 1970.
    pub due_ms: Option<i64>,
    /// What else its kind shows in lists, as JSON.
    pub detail: String,
}

/// A matter in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatterRow {
    /// The entry that opened it.
    pub opening: LogRow,
    /// Log number of its newest step.
    pub newest: u64,
    /// What the list shows.
    pub summary: Summary,
}

/// Which matters are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of this kind alone.
    pub kind: Option<String>,
    /// Those that are not over.
    pub only_open: bool,
    /// Those in which our post owes the next word.
    pub only_ours_to_answer: bool,
    /// Those of which something is due before, in milliseconds since 1970.
    pub due_before_ms: Option<i64>,
    /// Those whose title holds this.
    pub title: Option<String>,
    /// Of this conversation alone.
    pub conversation: Option<ConversationId>,
    /// Those whose newest step is below this log number.
    pub before: Option<u64>,
    /// The soonest due first; else the newest step first.
    pub by_due: bool,
}

impl Reader {
    /// At most `count` matters whose rows are stale, with how often each was marked.
    pub fn stale_matters(&self, count: usize) -> Result<Vec<(EntryId, u64)>, StoreError> {
        let sql = "SELECT id, marks FROM matter WHERE is_stale LIMIT ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement
            .query_map([count as i64], |row| Ok((id_of(row.get(0)?), row.get::<_, i64>(1)? as u64)))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    /// The steps of a matter that are in the log or wait there as our own, by their place, at most `count`; the same at every desk.
    pub fn steps(&self, matter: EntryId, count: usize) -> Result<Vec<LogRow>, StoreError> {
        let sql = format!(
            "{LOG_ROW} WHERE (e.id = ?1 OR e.about = ?1) AND (e.number IS NOT NULL OR e.is_own)
             ORDER BY e.cited, e.author, e.id LIMIT ?2"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params![id_key(matter), count as i64], log_row)?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    /// At most `count` matters.
    pub fn matters(&self, wanted: &Wanted, count: usize) -> Result<Vec<MatterRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(&wanted.sql())?;
        let conversation = wanted.conversation.map(|id| id.0);
        let rows = statement.query_map(
            params![
                wanted.kind,
                wanted.due_before_ms,
                wanted.title.as_deref(),
                conversation,
                wanted.before.map(|number| number as i64),
                count as i64
            ],
            matter_row,
        )?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    /// One matter, as lists show it.
    pub fn matter_row(&self, id: EntryId) -> Result<Option<MatterRow>, StoreError> {
        let sql = format!("{} WHERE m.id = ?1 AND m.title IS NOT NULL", columns("matter"));
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([id_key(id)], matter_row).optional()?)
    }

    /// How many matters of a kind are open, and in how many of them our post owes the next word.
    pub fn count_matters(&self, kind: &str) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT count(*), ifnull(sum(waits & 1), 0) FROM matter WHERE is_open AND kind = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let counted =
            statement.query_row([kind], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        Ok((counted.0 as u64, counted.1 as u64))
    }

    /// What a commitment of ours binds us to.
    pub fn kept_opening(&self, commitment: [u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT octets FROM opening WHERE commitment = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row([commitment], |row| row.get(0)).optional()?)
    }
}

impl Store {
    /// Keeps what lists show of matters; `None` for what is no matter. A row to which a step came
    /// meanwhile stays stale.
    pub fn put_summaries(&mut self, summed: &[(EntryId, u64, Option<Summary>)]) -> Result<(), StoreError> {
        let transaction = self.reader.connection.transaction()?;
        summed
            .iter()
            .try_for_each(|(id, seen, summary)| put_summary(&transaction, *id, *seen, summary.as_ref()))?;
        transaction.commit()?;
        Ok(())
    }

    /// Keeps what a commitment binds us to. It is never lost or overwritten: without it nothing can be revealed.
    pub fn keep_opening(&mut self, commitment: [u8; 32], octets: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO opening (commitment, octets) VALUES (?1, ?2)";
        self.reader.connection.execute(sql, params![commitment, octets])?;
        Ok(())
    }
}

/// Marks the matter of an entry that entered the log under `number`; 0 while it waits.
pub(super) fn mark_stale(db: &Connection, matter: EntryId, number: u64) -> Result<(), StoreError> {
    let sql = "INSERT INTO matter (id, newest, marks, is_stale) VALUES (?1, ?2, 1, 1)
               ON CONFLICT (id) DO UPDATE SET newest = max(newest, excluded.newest), marks = marks + 1, is_stale = 1";
    db.prepare_cached(sql)?.execute(params![id_key(matter), number as i64])?;
    Ok(())
}

/// The same for an entry that waited and appears.
pub(super) fn mark_appeared(db: &Connection, id: EntryId, number: u64) -> Result<(), StoreError> {
    let mut find = db.prepare_cached("SELECT encoded FROM entry WHERE id = ?1")?;
    let encoded: Option<Vec<u8>> = find.query_row([id_key(id)], |row| row.get(0)).optional()?;
    let entry = encoded.and_then(|encoded| Entry::decode(&encoded).ok());
    entry.iter().flat_map(Matter::stepped).try_for_each(|matter| mark_stale(db, matter, number))
}

fn put_summary(db: &Connection, id: EntryId, seen: u64, summary: Option<&Summary>) -> Result<(), StoreError> {
    let Some(summary) = summary else {
        db.execute(
            "UPDATE matter SET is_stale = marks != ?2 WHERE id = ?1",
            params![id_key(id), seen as i64],
        )?;
        return Ok(());
    };
    let waits = i64::from(summary.waits_for_us) | i64::from(summary.waits_for_them) << 1;
    let sql = "UPDATE matter SET kind = ?3, title = ?4, state = ?5, is_open = ?6, is_ours = ?7, waits = ?8, due_ms = ?9,
                 detail = ?10, is_stale = marks != ?2,
                 conversation = (SELECT conversation FROM entry e WHERE e.id = ?1)
               WHERE id = ?1";
    db.prepare_cached(sql)?.execute(params![
        id_key(id),
        seen as i64,
        summary.kind,
        summary.title,
        summary.state,
        summary.is_open,
        summary.is_ours,
        waits,
        summary.due_ms,
        summary.detail
    ])?;
    Ok(())
}

impl Wanted {
    /// Conditions that are not wanted are left out, so that each kind of list has its index. Entries are read for
    /// those alone that are shown.
    fn sql(&self) -> String {
        let conditions = [
            (self.kind.is_some(), "m.kind = ?1"),
            (self.only_open, "m.is_open"),
            (self.only_ours_to_answer, "m.waits & 1"),
            (self.due_before_ms.is_some(), "m.due_ms < ?2"),
            (self.title.is_some(), "instr(m.title, ?3) > 0"),
            (self.conversation.is_some(), "m.conversation = (SELECT number FROM conversation WHERE id = ?4)"),
            (self.before.is_some(), "m.newest < ?5"),
        ];
        let wanted: String = conditions
            .iter()
            .filter(|(is_wanted, _)| *is_wanted)
            .map(|(_, condition)| format!(" AND {condition}"))
            .collect();
        let order = if self.by_due { "m.due_ms IS NULL, m.due_ms, m.newest DESC" } else { "m.newest DESC" };
        // Every number is named, so that all are bound.
        let limit = "?6 + 0 * coalesce(?1, ?2, ?3, ?4, ?5, 0)";
        let from = format!(
            "(SELECT m.* FROM matter m WHERE m.title IS NOT NULL{wanted} ORDER BY {order} LIMIT {limit})"
        );
        format!("{} ORDER BY {order}", columns(&from))
    }
}

fn columns(from: &str) -> String {
    let shown = "m.newest, m.kind, m.title, m.state, m.is_open, m.is_ours, m.waits, m.due_ms, m.detail";
    LOG_ROW.replacen("FROM entry e", &format!(", {shown} FROM {from} m JOIN entry e ON e.id = m.id"), 1)
}

fn matter_row(row: &Row<'_>) -> rusqlite::Result<MatterRow> {
    let waits: i64 = row.get(20)?;
    Ok(MatterRow {
        opening: log_row(row)?,
        newest: row.get::<_, i64>(14)? as u64,
        summary: Summary {
            kind: row.get(15)?,
            title: row.get(16)?,
            state: row.get(17)?,
            is_open: row.get(18)?,
            is_ours: row.get(19)?,
            waits_for_us: waits & 1 == 1,
            waits_for_them: waits & 2 == 2,
            due_ms: row.get(21)?,
            detail: row.get(22)?,
        },
    })
}
