//! Writing: a batch is one transaction.

use couloir_engine::store::{OutboxItem, OutboxRow, StoredEntry};
use couloir_engine::{LinkNumber, StateKey, Write};
use couloir_talks::matter::Matter;
use couloir_wire::entry::{Body, DeliveryState, Entry};
use couloir_wire::id::{ConversationId, EntryId};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::counts::{Counts, Known};
use super::files::delete_file;
use super::matters::{mark_appeared, mark_stale};
use super::schema::{id_key, precedence_number, state_name, state_number};
use super::{Store, StoreError, secrets};

impl Store {
    /// Makes all of `batch` durable, or nothing of it.
    pub fn apply(&mut self, batch: &[Write]) -> Result<(), StoreError> {
        let connection = &mut self.reader.connection;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut counts = Counts::default();
        let mut link = LinkNumber::FIRST;
        batch.iter().try_for_each(|write| apply_one(&transaction, &mut counts, &mut link, write))?;
        counts.write(&transaction)?;
        transaction.commit()?;
        batch.iter().for_each(|write| self.follow_hash(write));
        Ok(())
    }

    /// Makes the secrets that were kept for it the node's, together with every link's channel, which names them, or
    /// nothing of it.
    pub fn become_next(&mut self, channels: &[(LinkNumber, Vec<u8>)]) -> Result<(), StoreError> {
        let connection = &mut self.reader.connection;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (next, now) in [
            (secrets::NEXT_SIGNING, secrets::SIGNING),
            (secrets::NEXT_TLS_KEY, secrets::TLS_KEY),
            (secrets::NEXT_TLS_CERTIFICATE, secrets::TLS_CERTIFICATE),
        ] {
            transaction.execute("DELETE FROM secret WHERE name = ?1", [now])?;
            transaction.execute("UPDATE secret SET name = ?2 WHERE name = ?1", [next, now])?;
        }
        for (link, channel) in channels {
            put_state(&transaction, &state_name(*link, StateKey::Channel), Some(channel))?;
        }
        transaction.commit()?;
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

fn apply_one(
    db: &Connection,
    counts: &mut Counts,
    link: &mut LinkNumber,
    write: &Write,
) -> Result<(), StoreError> {
    match write {
        Write::OfLink(number) => *link = *number,
        Write::State(key, octets) => put_state(db, &state_name(*link, *key), octets.as_deref())?,
        Write::Entry(entry) => put_entry(db, counts, entry)?,
        Write::EntryState(id, state) => put_reached(db, counts, *link, (*id, *state))?,
        Write::EntryAppears { id, number, has_gap } => entry_appears(db, counts, *id, (*number, *has_gap))?,
        Write::EntryExpires(id) => expire_entry(db, counts, *id)?,
        Write::FilePiece { file, offset, octets } => super::files::put_piece(db, *file, *offset, octets)?,
        _ => put_stream(db, *link, write)?,
    }
    Ok(())
}

fn entry_appears(
    db: &Connection,
    counts: &mut Counts,
    id: EntryId,
    (number, has_gap): (u64, bool),
) -> Result<(), StoreError> {
    run(
        db,
        "UPDATE entry SET number = ?2, has_gap = ?3 WHERE id = ?1",
        params![id_key(id), number as i64, has_gap],
    )?;
    counts.appeared(db, id, number)?;
    mark_appeared(db, id, number)
}

/// What changes of a link's streams.
fn put_stream(db: &Connection, link: LinkNumber, write: &Write) -> Result<(), StoreError> {
    match write {
        Write::Outbox(row) => put_outbox(db, link, row),
        Write::OutboxDelivered { stream, below } => run(
            db,
            "DELETE FROM outbox WHERE link = ?3 AND stream = ?1 AND offset + framed_len <= ?2 AND offset < ?2",
            params![stream.number(), *below as i64, link.0],
        ),
        Write::OutboxShift { stream, by } => shift_outbox(db, link, stream.number(), *by),
        Write::OutboxClear(stream) => {
            run(db, "DELETE FROM outbox WHERE link = ?1 AND stream = ?2", params![link.0, stream.number()])
        }
        Write::Partial { stream, offset, octets } => run(
            db,
            "INSERT OR REPLACE INTO partial (link, stream, offset, octets) VALUES (?1, ?2, ?3, ?4)",
            params![link.0, stream.number(), *offset as i64, octets],
        ),
        Write::PartialGone { stream, offset } => run(
            db,
            "DELETE FROM partial WHERE link = ?1 AND stream = ?2 AND offset = ?3",
            params![link.0, stream.number(), *offset as i64],
        ),
        Write::PartialsClear => run(db, "DELETE FROM partial WHERE link = ?1", [link.0]),
        _ => Ok(()),
    }
}

pub(super) fn run(db: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<(), StoreError> {
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

fn put_entry(db: &Connection, counts: &mut Counts, stored: &StoredEntry) -> Result<(), StoreError> {
    // It was checked before it came here.
    let entry = minicbor::decode::<Entry>(&stored.encoded)
        .map_err(|error| StoreError::Damaged(format!("an entry cannot be read: {error}")))?;
    let conversation = conversation_number(db, entry.conversation)?;
    if let Body::Open(opening) = &entry.body {
        let members: Vec<u8> = opening.members.iter().flat_map(|member| member.0).collect();
        let sql = "UPDATE conversation SET members = ?2 WHERE number = ?1";
        run(db, sql, params![conversation, members])?;
    }
    counts.came(conversation, stored);
    run(
        db,
        "INSERT INTO entry (id, number, is_own, state, has_gap, conversation, author, cited, at_ms,
                            precedence, kind, about, expires_ms, encoded)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            id_key(stored.id),
            stored.number.map(|number| number as i64),
            stored.is_own,
            state_number(stored.state),
            stored.has_gap,
            conversation,
            entry.author.0,
            entry.number() as i64,
            entry.at_ms,
            precedence_number(entry.precedence),
            entry.body.word(),
            entry.body.of().map(id_key),
            entry.expires_ms,
            stored.encoded,
        ],
    )?;
    if stored.is_own || stored.number.is_some() {
        let number = stored.number.unwrap_or(0);
        Matter::stepped(&entry).try_for_each(|matter| mark_stale(db, matter, number))?;
    }
    Ok(())
}

/// The small number under which a conversation is kept.
fn conversation_number(db: &Connection, id: ConversationId) -> Result<i64, StoreError> {
    let mut find = db.prepare_cached("SELECT number FROM conversation WHERE id = ?1")?;
    if let Some(number) = find.query_row([id.0], |row| row.get(0)).optional()? {
        return Ok(number);
    }
    run(db, "INSERT INTO conversation (id) VALUES (?1)", [id.0])?;
    Ok(db.last_insert_rowid())
}

/// Two statements, so that SQLite need not be able to take one back halfway: for that it copies pages.
fn put_reached(
    db: &Connection,
    counts: &mut Counts,
    link: LinkNumber,
    (id, state): (EntryId, DeliveryState),
) -> Result<(), StoreError> {
    let Some(kept) = Known::find(db, id)? else { return Ok(()) };
    if kept.is_unread && state == DeliveryState::Shown {
        counts.read(kept.conversation);
    }
    run(
        db,
        "INSERT INTO reached (row, link, state) VALUES (?1, ?2, ?3)
         ON CONFLICT (row, link) DO UPDATE SET state = max(state, excluded.state)",
        [kept.row, i64::from(link.0), state_number(state)],
    )
}

fn expire_entry(db: &Connection, counts: &mut Counts, id: EntryId) -> Result<(), StoreError> {
    delete_file(db, id)?;
    super::index::take_out(db, id)?;
    if let Some(kept) = Known::find(db, id)?.filter(|kept| kept.is_unread) {
        counts.read(kept.conversation);
    }
    run(db, "UPDATE entry SET encoded = x'' WHERE id = ?1", [id_key(id)])
}

fn put_outbox(db: &Connection, link: LinkNumber, row: &OutboxRow) -> Result<(), StoreError> {
    let (entry, file_len, message) = match &row.what {
        OutboxItem::Entry(id) => (Some(id_key(*id)), None, None),
        OutboxItem::Message(octets) => (None, None, Some(octets)),
        OutboxItem::File { file, len } => (Some(id_key(*file)), Some(*len as i64), None),
    };
    run(
        db,
        "INSERT OR REPLACE INTO outbox (link, stream, offset, framed_len, entry, file_len, message)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            link.0,
            row.stream.number(),
            row.offset as i64,
            row.framed_len as i64,
            entry,
            file_len,
            message
        ],
    )
}

/// Through negative numbers, so that no row meets another on the way.
fn shift_outbox(db: &Connection, link: LinkNumber, stream: u8, by: u64) -> Result<(), StoreError> {
    let away =
        "UPDATE outbox SET offset = -1 - (offset - ?2) WHERE link = ?3 AND stream = ?1 AND offset >= ?2";
    run(db, away, params![stream, by as i64, link.0])?;
    let back = "UPDATE outbox SET offset = -1 - offset WHERE link = ?2 AND stream = ?1 AND offset < 0";
    run(db, back, params![stream, link.0])
}
