//! Reading what was said: by conversation, by matter, by kind.

use couloir_wire::id::{ConversationId, EntryId, PostId};
use rusqlite::{OptionalExtension, params};

use super::read::{LOG_ROW, log_row};
use super::schema::id_key;
use super::{ConversationRow, LogRow, Reader, StoreError};

impl Reader {
    /// At most `count` entries of a conversation with log numbers above `after`, in order.
    pub fn thread_after(
        &self,
        conversation: ConversationId,
        after: Option<u64>,
        count: usize,
    ) -> Result<Vec<LogRow>, StoreError> {
        let Some(number) = self.conversation_number(conversation)? else { return Ok(Vec::new()) };
        let after = after.map_or(-1, |number| number as i64);
        let wanted = "WHERE e.conversation = ?1 AND e.number > ?2 ORDER BY e.number LIMIT ?3";
        self.rows(wanted, params![number, after, count as i64])
    }

    /// The last `count` entries of a conversation that are cited by less than `before`, in their place
    /// ([`couloir_wire::entry::Entry::place`]); with every other of the first one's number.
    pub fn letters(
        &self,
        conversation: ConversationId,
        before: Option<u64>,
        count: usize,
    ) -> Result<Vec<LogRow>, StoreError> {
        let Some(kept) = self.conversation_number(conversation)? else { return Ok(Vec::new()) };
        let before = before.map_or(i64::MAX, |number| i64::try_from(number).unwrap_or(i64::MAX));
        let wanted = "WHERE e.conversation = ?1 AND e.cited < ?2 AND e.number IS NOT NULL
                      ORDER BY e.cited DESC, e.row DESC LIMIT ?3";
        let mut rows = self.rows(wanted, params![kept, before, count as i64])?;
        if let Some(first) = rows.last().filter(|_| rows.len() == count).map(|row| row.cited) {
            rows.retain(|row| row.cited != first);
            rows.extend(self.cited(conversation, first)?.into_iter().filter(|row| row.number.is_some()));
        }
        rows.sort_by_key(|row| (row.cited, row.author, row.id));
        Ok(rows)
    }

    /// At most `count` entries in the log that are about `entry`, in order.
    pub fn about_first(&self, entry: EntryId, count: usize) -> Result<Vec<LogRow>, StoreError> {
        let wanted = "WHERE e.about = ?1 AND e.number IS NOT NULL ORDER BY e.number LIMIT ?2";
        self.rows(wanted, params![id_key(entry), count as i64])
    }

    /// At most `count` entries of a kind in the log that are about `entry`, the last first; of one author, or of all.
    pub fn about_last(
        &self,
        entry: EntryId,
        (kind, author): (&str, Option<PostId>),
        count: usize,
    ) -> Result<Vec<LogRow>, StoreError> {
        let wanted = "WHERE e.about = ?1 AND e.kind = ?2 AND (?3 IS NULL OR e.author = ?3)
                      AND e.number IS NOT NULL ORDER BY e.number DESC LIMIT ?4";
        self.rows(wanted, params![id_key(entry), kind, author.map(|author| author.0), count as i64])
    }

    /// Every entry in the log that is about `entry`, in order: answers, versions, translations, the acts of a matter.
    pub fn about(&self, entry: EntryId) -> Result<Vec<LogRow>, StoreError> {
        self.rows("WHERE e.about = ?1 AND e.number IS NOT NULL ORDER BY e.number", [id_key(entry)])
    }

    /// A matter: the entry that opened it, and every one about it.
    pub fn matter(&self, opening: EntryId) -> Result<Vec<LogRow>, StoreError> {
        let mut rows: Vec<LogRow> = self.row(opening)?.into_iter().collect();
        rows.extend(self.about(opening)?);
        Ok(rows)
    }

    /// At most `count` entries of a kind, newest first, with log numbers below `before`. `is_opening` leaves out
    /// what is about another entry.
    pub fn of_kind(
        &self,
        kind: &str,
        is_opening: bool,
        before: Option<u64>,
        count: usize,
    ) -> Result<Vec<LogRow>, StoreError> {
        let before = before.map_or(i64::MAX, |number| number as i64);
        let wanted =
            "WHERE e.kind = ?1 AND e.kind NOT IN ('note', 'file', 'withheld', 'deferred') AND e.number < ?2
             AND (e.about IS NULL OR NOT ?3) ORDER BY e.number DESC LIMIT ?4";
        self.rows(wanted, params![kind, before, is_opening, count as i64])
    }

    /// At most `count` entries of a kind of the record with log numbers above `after`, in order.
    pub fn on_record(&self, kind: &str, after: Option<u64>, count: usize) -> Result<Vec<LogRow>, StoreError> {
        let after = after.map_or(-1, |number| number as i64);
        let wanted =
            "WHERE e.kind = ?1 AND e.kind NOT IN ('note', 'file', 'withheld', 'deferred') AND e.number > ?2
             ORDER BY e.number LIMIT ?3";
        self.rows(wanted, params![kind, after, count as i64])
    }

    /// How many of a kind of the record have log numbers above `after`.
    pub fn on_record_after(&self, kind: &str, after: Option<u64>) -> Result<u64, StoreError> {
        let mut count = self.connection.prepare_cached(
            "SELECT count(*) FROM entry
             WHERE kind = ?1 AND kind NOT IN ('note', 'file', 'withheld', 'deferred') AND number > ?2",
        )?;
        let after = after.map_or(-1, |number| number as i64);
        Ok(count.query_row(params![kind, after], |row| row.get::<_, i64>(0))? as u64)
    }

    /// At most `count` countersignatures of a statement with log numbers above `after` and up to `last`, in order.
    pub fn countersignatures(
        &self,
        of: EntryId,
        after: Option<u64>,
        last: Option<u64>,
        count: usize,
    ) -> Result<Vec<LogRow>, StoreError> {
        let [after, last] = [after, last].map(|number| number.map_or(-1, |number| number as i64));
        let wanted = "WHERE e.about = ?1 AND e.kind = 'countersignature' AND e.number > ?2 AND e.number <= ?3
             ORDER BY e.number LIMIT ?4";
        self.rows(wanted, params![id_key(of), after, last, count as i64])
    }

    /// The entries of a conversation that people cite by `number`: one, or two that were said at once.
    pub fn cited(&self, conversation: ConversationId, number: u64) -> Result<Vec<LogRow>, StoreError> {
        let Some(kept) = self.conversation_number(conversation)? else { return Ok(Vec::new()) };
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        self.rows("WHERE e.conversation = ?1 AND e.cited = ?2 ORDER BY e.row", [kept, number])
    }

    /// Every conversation of which something was said, oldest first.
    pub fn conversations(&self) -> Result<Vec<ConversationRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT id FROM conversation ORDER BY number")?;
        let ids = statement.query_map([], |row| row.get(0).map(ConversationId))?;
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        ids.into_iter().map(|id| self.conversation(id)).collect()
    }

    /// At most `count` conversations after the first `skipped`, that in which something appeared last before the others;
    /// and how many there are.
    pub fn conversations_newest(
        &self,
        skipped: usize,
        count: usize,
    ) -> Result<(Vec<ConversationRow>, usize), StoreError> {
        let sql = "SELECT id FROM conversation ORDER BY newest DESC, number LIMIT ?2 OFFSET ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let ids =
            statement.query_map([skipped as i64, count as i64], |row| row.get(0).map(ConversationId))?;
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        let rows = ids.into_iter().map(|id| self.conversation(id)).collect::<Result<_, _>>()?;
        let mut all = self.connection.prepare_cached("SELECT count(*) FROM conversation")?;
        Ok((rows, all.query_row([], |row| row.get::<_, i64>(0))? as usize))
    }

    /// One conversation; empty if nothing was said in it.
    pub fn conversation(&self, id: ConversationId) -> Result<ConversationRow, StoreError> {
        let sql = "SELECT entries, unread FROM conversation WHERE id = ?1";
        let mut counts = self.connection.prepare_cached(sql)?;
        let counts = counts.query_row([id.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
        let (count, unread) = counts.optional()?.unwrap_or_default();
        let opening = self.row(EntryId(id.0))?;
        let last = self.letters(id, None, 1)?.pop();
        Ok(ConversationRow { id, opening, last, count: count as u64, unread: unread as u64 })
    }

    pub(super) fn conversation_number(&self, id: ConversationId) -> Result<Option<i64>, StoreError> {
        let mut find = self.connection.prepare_cached("SELECT number FROM conversation WHERE id = ?1")?;
        Ok(find.query_row([id.0], |row| row.get(0)).optional()?)
    }

    fn rows(&self, wanted: &str, values: impl rusqlite::Params) -> Result<Vec<LogRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(&format!("{LOG_ROW} {wanted}"))?;
        let rows = statement.query_map(values, log_row)?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }
}
