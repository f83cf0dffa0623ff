//! How many entries a conversation has, and how many of them no desk of ours was shown: counted as a batch
//! is written, so that nobody counts rows.

use std::collections::BTreeMap;

use couloir_engine::store::StoredEntry;
use couloir_wire::entry::DeliveryState;
use couloir_wire::id::EntryId;
use rusqlite::{Connection, OptionalExtension};

use super::StoreError;
use super::apply::run;
use super::schema::{id_key, state_number};

/// What a batch changes, by conversation.
#[derive(Default)]
pub(super) struct Counts(BTreeMap<i64, Change>);

#[derive(Default)]
struct Change {
    entries: i64,
    unread: i64,
    /// The greatest log number among them.
    newest: i64,
}

/// What is known of an entry before a write changes it.
pub(super) struct Known {
    /// Its row.
    pub(super) row: i64,
    /// The number of its conversation.
    pub(super) conversation: i64,
    /// Whether it is in the log, the peer's, and no desk of ours was shown it.
    pub(super) is_unread: bool,
}

impl Known {
    /// Looks an entry up.
    pub(super) fn find(db: &Connection, id: EntryId) -> Result<Option<Known>, StoreError> {
        let mut find = db.prepare_cached(
            "SELECT e.row, e.conversation, NOT e.is_own AND e.number IS NOT NULL AND e.encoded != x''
               AND max(e.state, ifnull((SELECT min(r.state) FROM reached r WHERE r.row = e.row), 0)) < ?2
             FROM entry e WHERE e.id = ?1",
        )?;
        let shown = state_number(DeliveryState::Shown);
        let known = find.query_row((id_key(id), shown), |row| {
            Ok(Known { row: row.get(0)?, conversation: row.get(1)?, is_unread: row.get(2)? })
        });
        Ok(known.optional()?)
    }
}

impl Counts {
    /// A new entry.
    pub(super) fn came(&mut self, conversation: i64, stored: &StoredEntry) {
        if let Some(number) = stored.number {
            self.add(conversation, number, !stored.is_own && stored.state < DeliveryState::Shown);
        }
    }

    /// An entry that had waited is in the log now.
    pub(super) fn appeared(&mut self, db: &Connection, id: EntryId, number: u64) -> Result<(), StoreError> {
        if let Some(known) = Known::find(db, id)? {
            self.add(known.conversation, number, known.is_unread);
        }
        Ok(())
    }

    /// An unread entry is unread no longer.
    pub(super) fn read(&mut self, conversation: i64) {
        self.0.entry(conversation).or_default().unread -= 1;
    }

    fn add(&mut self, conversation: i64, number: u64, is_unread: bool) {
        let change = self.0.entry(conversation).or_default();
        change.newest = change.newest.max(number as i64);
        change.entries += 1;
        change.unread += i64::from(is_unread);
    }

    /// Adds the changes to what is kept.
    pub(super) fn write(self, db: &Connection) -> Result<(), StoreError> {
        let sql =
            "UPDATE conversation SET entries = entries + ?2, unread = unread + ?3, newest = max(newest, ?4)
                   WHERE number = ?1";
        let mut changes = self.0.into_iter();
        changes.try_for_each(|(number, each)| run(db, sql, [number, each.entries, each.unread, each.newest]))
    }
}
