//! Reading: what an engine starts from, what it asks for, and the log.

use std::collections::{BTreeMap, BTreeSet};

use couloir_engine::bulk::{Framed, OutboxSource, frame_outbox};
use couloir_engine::input::FileDigest;
use couloir_engine::store::{OutboxItem, OutboxRow, StoredEntry};
use couloir_engine::{Fetch, Fetched, Snapshot, StateKey};
use couloir_wire::cell::Stream;
use couloir_wire::entry::{DeliveryState, Entry, Precedence};
use couloir_wire::id::{ConversationId, Digest, EntryId, PostId};
use rusqlite::{OptionalExtension, Row, params};
use zeroize::Zeroizing;

use super::schema::{Column, id_key, id_of, state_key, state_name};
use super::{LogRow, Reader, Store, StoreError};

impl Store {
    /// Everything that an engine needs to start.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let reader = &self.reader;
        Ok(Snapshot {
            states: reader.states()?,
            outbox: reader.outbox()?,
            partials: reader.partials()?,
            known: reader.ids("SELECT id FROM entry")?.into_iter().collect::<BTreeSet<_>>(),
            unnumbered: reader.unnumbered()?,
            expiring: reader.expiring()?,
            undelivered: reader.undelivered()?,
        })
    }

    /// Reads what an engine asks for.
    pub fn fetch(&mut self, fetch: &Fetch) -> Result<Fetched, StoreError> {
        match fetch {
            Fetch::Outbox { stream, offset, len_max } => {
                let Framed { octets, starts } = self.reader.framed(*stream, *offset, *len_max)?;
                Ok(Fetched::Outbox { stream: *stream, offset: *offset, framed: octets, starts })
            }
            Fetch::Inventory => {
                let sql = "SELECT id FROM entry WHERE number IS NOT NULL AND encoded != x'' ORDER BY number";
                Ok(Fetched::Inventory(self.reader.ids(sql)?))
            }
            Fetch::Entries(ids) => {
                let found = ids.iter().map(|id| self.reader.encoded(*id)).collect::<Result<Vec<_>, _>>()?;
                Ok(Fetched::Entries(found.into_iter().flatten().collect()))
            }
            Fetch::FileDigest(file) => {
                Ok(Fetched::FileDigest(FileDigest { file: *file, digest: self.file_digest(*file)? }))
            }
        }
    }
}

impl Reader {
    /// One small state.
    pub fn state(&self, key: StateKey) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT octets FROM state WHERE key = ?1")?;
        Ok(statement.query_row([state_name(key)], |row| row.get(0)).optional()?)
    }

    /// A secret of the node, by one of the names in [`super::secrets`].
    pub fn secret(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT octets FROM secret WHERE name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0).map(Zeroizing::new)).optional()?)
    }

    /// A setting of the shell.
    pub fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT value FROM setting WHERE name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }

    /// At most `count` rows of the log after number `after` (from the first if `None`), in order.
    pub fn log_after(&self, after: Option<u64>, count: usize) -> Result<Vec<LogRow>, StoreError> {
        let sql = format!("{LOG_ROW} WHERE e.number > ?1 ORDER BY e.number LIMIT ?2");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let after = after.map_or(-1, |number| number as i64);
        let rows = statement.query_map(params![after, count as i64], log_row)?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    /// The last `count` rows of the log, in order.
    pub fn log_last(&self, count: usize) -> Result<Vec<LogRow>, StoreError> {
        let sql = format!("{LOG_ROW} WHERE e.number IS NOT NULL ORDER BY e.number DESC LIMIT ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([count as i64], log_row)?;
        let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
        rows.reverse();
        Ok(rows)
    }

    /// Own entries that wait for the phrase, in the order in which they were said.
    pub fn log_waiting(&self) -> Result<Vec<LogRow>, StoreError> {
        let sql = format!("{LOG_ROW} WHERE e.number IS NULL AND e.is_own ORDER BY e.row");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([], log_row)?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    /// One entry, in the log or waiting.
    pub fn row(&self, id: EntryId) -> Result<Option<LogRow>, StoreError> {
        let sql = format!("{LOG_ROW} WHERE e.id = ?1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([id_key(id)], log_row).optional()?)
    }

    /// Entries kept, tombstones included.
    pub fn entry_count(&self) -> Result<u64, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT count(*) FROM entry")?;
        Ok(statement.query_row([], |row| row.get::<_, i64>(0))? as u64)
    }

    fn states(&self) -> Result<BTreeMap<StateKey, Vec<u8>>, StoreError> {
        let mut statement = self.connection.prepare("SELECT key, octets FROM state")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        rows.map(|row| {
            let (name, octets) = row?;
            let key = state_key(&name).ok_or_else(|| StoreError::Damaged(format!("unknown state {name}")))?;
            Ok((key, octets))
        })
        .collect()
    }

    fn outbox(&self) -> Result<Vec<OutboxRow>, StoreError> {
        let sql =
            "SELECT stream, offset, framed_len, entry, file_len, x'' FROM outbox ORDER BY stream, offset";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], outbox_row)?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    fn partials(&self) -> Result<Vec<(Stream, u64, Vec<u8>)>, StoreError> {
        let sql = "SELECT stream, offset, octets FROM partial ORDER BY stream, offset";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            let Column(stream) = row.get(0)?;
            Ok((stream, row.get::<_, i64>(1)? as u64, row.get(2)?))
        })?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    fn unnumbered(&self) -> Result<Vec<StoredEntry>, StoreError> {
        let sql = "SELECT e.id, e.encoded, e.is_own, max(e.state, ifnull(r.state, 0)), e.has_gap
                   FROM entry e LEFT JOIN reached r USING (row) WHERE e.number IS NULL ORDER BY e.row";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            let Column(state) = row.get(3)?;
            Ok(StoredEntry {
                id: id_of(row.get(0)?),
                encoded: row.get(1)?,
                is_own: row.get(2)?,
                state,
                number: None,
                has_gap: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    fn expiring(&self) -> Result<Vec<(i64, EntryId)>, StoreError> {
        let sql = "SELECT expires_ms, id FROM entry WHERE expires_ms IS NOT NULL AND encoded != x''";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, id_of(row.get(1)?))))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    /// What is not delivered lies in the outbox or waits: no other entry need be read.
    fn undelivered(&self) -> Result<Vec<(EntryId, DeliveryState)>, StoreError> {
        let sql = "SELECT e.row AS row, e.id, max(e.state, ifnull(r.state, 0)) AS state
                   FROM (SELECT entry AS id FROM outbox WHERE entry IS NOT NULL
                         UNION SELECT id FROM entry WHERE number IS NULL)
                   JOIN entry e USING (id) LEFT JOIN reached r USING (row)
                   WHERE e.is_own AND max(e.state, ifnull(r.state, 0)) < ?1 ORDER BY e.row";
        let mut statement = self.connection.prepare(sql)?;
        let delivered = super::schema::state_number(DeliveryState::Delivered);
        let rows = statement.query_map([delivered], |row| {
            let Column(state) = row.get(2)?;
            Ok((id_of(row.get(1)?), state))
        })?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    fn ids(&self, sql: &str) -> Result<Vec<EntryId>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let ids = statement.query_map([], |row| row.get(0).map(id_of))?;
        Ok(ids.collect::<Result<Vec<_>, _>>()?)
    }

    fn encoded(&self, id: EntryId) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT encoded FROM entry WHERE id = ?1 AND encoded != x''";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row([id_key(id)], |row| row.get(0)).optional()?)
    }

    /// Rows are read one by one until they suffice: a row may be a file of a gigabyte.
    fn framed(&self, stream: Stream, offset: u64, len_max: u64) -> Result<Framed, StoreError> {
        let sql = "SELECT stream, offset, framed_len, entry, file_len, message, e.encoded FROM outbox
                   LEFT JOIN entry e ON file_len IS NULL AND e.id = entry
                   WHERE stream = ?1 AND offset + framed_len > ?2 AND offset >= ifnull(
                     (SELECT max(offset) FROM outbox WHERE stream = ?1 AND offset <= ?2), ?2)
                   ORDER BY offset";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut found = statement.query(params![stream.number(), offset as i64])?;
        let (mut rows, mut end, mut entries) = (Vec::new(), offset, BTreeMap::new());
        while end < offset.saturating_add(len_max.max(1)) {
            let Some(row) = found.next()? else { break };
            let (row, encoded) = (outbox_row(row)?, row.get::<_, Option<Vec<u8>>>(6)?);
            end = row.offset + row.framed_len;
            if let (OutboxItem::Entry(id), Some(encoded)) = (&row.what, encoded) {
                entries.insert(*id, encoded);
            }
            rows.push(row);
        }
        frame_outbox(&rows, offset, len_max, &mut Source { reader: self, entries })
    }
}

/// What [`frame_outbox`] reads from.
struct Source<'r> {
    reader: &'r Reader,
    /// Those of the rows, read along with them; empty where one expired.
    entries: BTreeMap<EntryId, Vec<u8>>,
}

impl OutboxSource for Source<'_> {
    type Error = StoreError;

    fn entry(&mut self, id: EntryId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.entries.remove(&id).filter(|encoded| !encoded.is_empty()))
    }

    fn message(&mut self, row: &OutboxRow) -> Result<Vec<u8>, StoreError> {
        match &row.what {
            OutboxItem::Message(octets) => Ok(octets.clone()),
            OutboxItem::Entry(_) | OutboxItem::File { .. } => Ok(Vec::new()),
        }
    }

    fn file(&mut self, file: EntryId, offset: u64, len: usize) -> Result<Vec<u8>, StoreError> {
        self.reader.file_octets(file, offset, len)
    }

    fn file_digest(&mut self, file: EntryId) -> Result<Digest, StoreError> {
        self.reader.said_file_digest(file)
    }
}

fn outbox_row(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    let Column(stream) = row.get(0)?;
    let entry: Option<[u8; 16]> = row.get(3)?;
    let file_len: Option<i64> = row.get(4)?;
    let what = match (entry.map(id_of), file_len) {
        (Some(file), Some(len)) => OutboxItem::File { file, len: len as u64 },
        (Some(id), None) => OutboxItem::Entry(id),
        (None, _) => OutboxItem::Message(row.get::<_, Option<Vec<u8>>>(5)?.unwrap_or_default()),
    };
    let (offset, framed_len) = (row.get::<_, i64>(1)? as u64, row.get::<_, i64>(2)? as u64);
    Ok(OutboxRow { stream, offset, framed_len, what })
}

const LOG_ROW: &str =
    "SELECT e.number, e.id, e.is_own, max(e.state, ifnull(r.state, 0)), e.has_gap, e.expires_ms, e.encoded,
    t.conversation, t.author, t.at_ms, t.precedence, t.kind
    FROM entry e LEFT JOIN reached r USING (row) LEFT JOIN tombstone t ON e.encoded = x'' AND t.id = e.id";

fn log_row(row: &Row<'_>) -> rusqlite::Result<LogRow> {
    let encoded: Vec<u8> = row.get(6)?;
    let Column(state) = row.get(3)?;
    // It was checked before it was stored.
    let mut line = match minicbor::decode::<Entry>(&encoded) {
        Ok(entry) => live_row(entry),
        Err(_) => tombstone_row(row)?,
    };
    line.number = row.get::<_, Option<i64>>(0)?.map(|number| number as u64);
    line.id = id_of(row.get(1)?);
    line.is_own = row.get(2)?;
    line.state = state;
    line.has_gap = row.get(4)?;
    line.expires_ms = row.get(5)?;
    Ok(line)
}

fn live_row(entry: Entry) -> LogRow {
    LogRow {
        number: None,
        id: entry.id,
        conversation: entry.conversation,
        author: entry.author,
        at_ms: entry.at_ms,
        precedence: entry.precedence,
        kind: entry.body.word().to_owned(),
        body: Some(entry.body),
        expires_ms: entry.expires_ms,
        is_own: false,
        state: DeliveryState::Kept,
        has_gap: false,
    }
}

fn tombstone_row(row: &Row<'_>) -> rusqlite::Result<LogRow> {
    let precedence = row.get::<_, Option<Column<Precedence>>>(10)?;
    Ok(LogRow {
        number: None,
        id: EntryId::default(),
        conversation: ConversationId(row.get::<_, Option<_>>(7)?.unwrap_or_default()),
        author: PostId(row.get::<_, Option<_>>(8)?.unwrap_or_default()),
        at_ms: row.get::<_, Option<_>>(9)?.unwrap_or_default(),
        precedence: precedence.map_or(Precedence::Routine, |Column(precedence)| precedence),
        kind: row.get::<_, Option<_>>(11)?.unwrap_or_default(),
        body: None,
        expires_ms: None,
        is_own: false,
        state: DeliveryState::Kept,
        has_gap: false,
    })
}
