//! Writing: a batch is one transaction.

use couloir_engine::Write;
use couloir_engine::store::{OutboxItem, OutboxRow, StoredEntry};
use couloir_wire::entry::{DeliveryState, Entry};
use couloir_wire::id::EntryId;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::files::delete_file;
use super::schema::{id_key, precedence_number, state_name, state_number};
use super::{Store, StoreError};

impl Store {
    /// Makes all of `batch` durable, or nothing of it.
    pub fn apply(&mut self, batch: &[Write]) -> Result<(), StoreError> {
        let connection = &mut self.reader.connection;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        batch.iter().try_for_each(|write| apply_one(&transaction, write))?;
        transaction.commit()?;
        batch.iter().for_each(|write| self.follow_hash(write));
        Ok(())
    }

    /// Keeps a secret of the node under one of the names in [`super::secrets`].
    pub fn put_secret(&mut self, name: &str, octets: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO secret (name, octets) VALUES (?1, ?2)";
        self.reader.connection.execute(sql, (name, octets))?;
        Ok(())
    }

    /// Keeps a setting of the shell; `None` removes it.
    pub fn put_setting(&mut self, name: &str, value: Option<&str>) -> Result<(), StoreError> {
        let connection = &self.reader.connection;
        match value {
            Some(value) => connection
                .execute("INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)", (name, value))?,
            None => connection.execute("DELETE FROM setting WHERE name = ?1", [name])?,
        };
        Ok(())
    }
}

fn apply_one(db: &Connection, write: &Write) -> Result<(), StoreError> {
    match write {
        Write::State(key, octets) => put_state(db, &state_name(*key), octets.as_deref()),
        Write::Entry(entry) => put_entry(db, entry),
        Write::EntryState(id, state) => put_reached(db, *id, *state),
        Write::EntryAppears { id, number, has_gap } => run(
            db,
            "UPDATE entry SET number = ?2, has_gap = ?3 WHERE id = ?1",
            params![id_key(*id), *number as i64, has_gap],
        ),
        Write::EntryExpires(id) => expire_entry(db, *id),
        Write::Outbox(row) => put_outbox(db, row),
        Write::OutboxDelivered { stream, below } => run(
            db,
            "DELETE FROM outbox WHERE stream = ?1 AND offset + framed_len <= ?2 AND offset < ?2",
            params![stream.number(), *below as i64],
        ),
        Write::OutboxShift { stream, by } => shift_outbox(db, stream.number(), *by),
        Write::OutboxClear(stream) => run(db, "DELETE FROM outbox WHERE stream = ?1", [stream.number()]),
        Write::Partial { stream, offset, octets } => run(
            db,
            "INSERT OR REPLACE INTO partial (stream, offset, octets) VALUES (?1, ?2, ?3)",
            params![stream.number(), *offset as i64, octets],
        ),
        Write::PartialGone { stream, offset } => run(
            db,
            "DELETE FROM partial WHERE stream = ?1 AND offset = ?2",
            params![stream.number(), *offset as i64],
        ),
        Write::PartialsClear => run(db, "DELETE FROM partial", []),
        Write::FilePiece { file, offset, octets } => super::files::put_piece(db, *file, *offset, octets),
    }
}

fn run(db: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<(), StoreError> {
    db.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn put_state(db: &Connection, name: &str, octets: Option<&[u8]>) -> Result<(), StoreError> {
    match octets {
        Some(octets) => {
            run(db, "INSERT OR REPLACE INTO state (key, octets) VALUES (?1, ?2)", params![name, octets])
        }
        None => run(db, "DELETE FROM state WHERE key = ?1", [name]),
    }
}

fn put_entry(db: &Connection, entry: &StoredEntry) -> Result<(), StoreError> {
    let expires_ms = expires_ms(&entry.encoded);
    run(
        db,
        "INSERT INTO entry (id, number, is_own, state, has_gap, expires_ms, encoded)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            id_key(entry.id),
            entry.number.map(|number| number as i64),
            entry.is_own,
            state_number(entry.state),
            entry.has_gap,
            expires_ms,
            entry.encoded,
        ],
    )
}

/// Two statements, so that SQLite need not be able to take one back halfway: for that it copies pages.
fn put_reached(db: &Connection, id: EntryId, state: DeliveryState) -> Result<(), StoreError> {
    let mut find = db.prepare_cached("SELECT row FROM entry WHERE id = ?1")?;
    let row: Option<i64> = find.query_row([id_key(id)], |row| row.get(0)).optional()?;
    match row {
        Some(row) => run(
            db,
            "INSERT INTO reached (row, state) VALUES (?1, ?2)
             ON CONFLICT (row) DO UPDATE SET state = max(state, excluded.state)",
            [row, state_number(state)],
        ),
        None => Ok(()),
    }
}

/// The field of an encoded entry, without reading the rest of it.
fn expires_ms(encoded: &[u8]) -> Option<i64> {
    let mut decoder = minicbor::Decoder::new(encoded);
    decoder.array().ok()?;
    for _ in 0..EXPIRES_FIELD {
        decoder.skip().ok()?;
    }
    decoder.i64().ok()
}

/// Place of [`Entry::expires_ms`] in an entry's array.
const EXPIRES_FIELD: usize = 6;

fn expire_entry(db: &Connection, id: EntryId) -> Result<(), StoreError> {
    let sql = "SELECT encoded FROM entry WHERE id = ?1";
    let encoded: Option<Vec<u8>> =
        db.prepare_cached(sql)?.query_row([id_key(id)], |row| row.get(0)).optional()?;
    if let Some(entry) = encoded.and_then(|encoded| Entry::decode(&encoded).ok()) {
        run(
            db,
            "INSERT OR REPLACE INTO tombstone (id, conversation, author, at_ms, precedence, kind)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                id_key(id),
                entry.conversation.0,
                entry.author.0,
                entry.at_ms,
                precedence_number(entry.precedence),
                entry.body.word(),
            ],
        )?;
    }
    delete_file(db, id)?;
    run(db, "UPDATE entry SET encoded = x'' WHERE id = ?1", [id_key(id)])
}

fn put_outbox(db: &Connection, row: &OutboxRow) -> Result<(), StoreError> {
    let (entry, file_len, message) = match &row.what {
        OutboxItem::Entry(id) => (Some(id_key(*id)), None, None),
        OutboxItem::Message(octets) => (None, None, Some(octets)),
        OutboxItem::File { file, len } => (Some(id_key(*file)), Some(*len as i64), None),
    };
    run(
        db,
        "INSERT OR REPLACE INTO outbox (stream, offset, framed_len, entry, file_len, message)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![row.stream.number(), row.offset as i64, row.framed_len as i64, entry, file_len, message],
    )
}

/// Through negative numbers, so that no row meets another on the way.
fn shift_outbox(db: &Connection, stream: u8, by: u64) -> Result<(), StoreError> {
    let away = "UPDATE outbox SET offset = -1 - (offset - ?2) WHERE stream = ?1 AND offset >= ?2";
    run(db, away, params![stream, by as i64])?;
    run(db, "UPDATE outbox SET offset = -1 - offset WHERE stream = ?1 AND offset < 0", [stream])
}
