//! Reading: what an engine starts from, what it asks for, and the log.

use std::collections::{BTreeMap, BTreeSet};

use couloir_engine::bulk::{Framed, OutboxSource, frame_outbox};
use couloir_engine::input::FileDigest;
use couloir_engine::store::{OutboxItem, OutboxRow, StoredEntry};
use couloir_engine::{Fetch, Fetched, Known, LinkNumber, LinkSnapshot, Snapshot, StateKey};
use couloir_seal::sha256_of;
use couloir_wire::cell::Stream;
use couloir_wire::entry::{DeliveryState, Entry};
use couloir_wire::id::{ConversationId, Digest, EntryId, PostId};
use rusqlite::{OptionalExtension, Row, params};
use zeroize::Zeroizing;

use super::schema::{Column, id_key, id_of, state_key, state_name};
use super::{LogRow, Reader, Store, StoreError};

impl Store {
    /// Everything that an engine needs to start.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let reader = &self.reader;
        let (mut links, mut states) = (BTreeMap::<LinkNumber, LinkSnapshot>::new(), BTreeMap::new());
        for (link, key, octets) in reader.states()? {
            let of_link = &mut links.entry(link).or_default().states;
            if key.is_shared() {
                states.insert(key, octets)
            } else {
                of_link.insert(key, octets)
            };
        }
        for (link, stored) in &mut links {
            (stored.outbox, stored.partials) = (reader.outbox(*link)?, reader.partials(*link)?);
        }
        Ok(Snapshot {
            links,
            states,
            known: reader.known()?,
            unnumbered: reader.unnumbered()?,
            expiring: reader.expiring()?,
            undelivered: reader.undelivered()?,
        })
    }

    /// Reads what an engine asks for.
    pub fn fetch(&mut self, link: LinkNumber, fetch: &Fetch) -> Result<Fetched, StoreError> {
        match fetch {
            Fetch::Outbox { stream, offset, len_max } => {
                let Framed { octets, starts } = self.reader.framed(link, *stream, (*offset, *len_max))?;
                Ok(Fetched::Outbox { stream: *stream, offset: *offset, framed: octets, starts })
            }
            Fetch::Inventory { authors, conversations } => {
                Ok(Fetched::Inventory(self.reader.inventory(*authors, conversations)?))
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
    /// One small state of the first link, or of the node.
    pub fn state(&self, key: StateKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.state_of(LinkNumber::FIRST, key)
    }

    /// One small state of a link.
    pub fn state_of(&self, link: LinkNumber, key: StateKey) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT octets FROM state WHERE key = ?1")?;
        Ok(statement.query_row([state_name(link, key)], |row| row.get(0)).optional()?)
    }

    /// Every link's channel, by number.
    pub fn channels(&self) -> Result<BTreeMap<LinkNumber, Vec<u8>>, StoreError> {
        let sql = "SELECT key, octets FROM state WHERE key = 'channel' OR key LIKE '%/channel'";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        let named = rows.collect::<Result<Vec<_>, _>>()?.into_iter();
        Ok(named.filter_map(|(name, octets)| Some((state_key(&name)?.0, octets))).collect())
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

    /// Whether `entry` names something before it that its author saw in other words than we did: somebody told two of us
    /// different things.
    pub fn is_told_differently(&self, entry: &Entry) -> Result<bool, StoreError> {
        for parent in &entry.parents {
            if self.encoded(parent.id)?.is_some_and(|encoded| sha256_of(&encoded) != parent.digest) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether its author took it back, or took back the note whose version or translation it is.
    pub fn is_taken_back(&self, entry: &Entry) -> Result<bool, StoreError> {
        super::index::is_taken_back(&self.connection, entry)
    }

    /// Entries kept, tombstones included.
    pub fn entry_count(&self) -> Result<u64, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT count(*) FROM entry")?;
        Ok(statement.query_row([], |row| row.get::<_, i64>(0))? as u64)
    }

    /// The posts of every conversation whose opening is here, in the order in which it names them.
    pub fn members(&self) -> Result<BTreeMap<ConversationId, Vec<PostId>>, StoreError> {
        let sql = "SELECT id, members FROM conversation WHERE members IS NOT NULL";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows =
            statement.query_map([], |row| Ok((ConversationId(row.get(0)?), row.get::<_, Vec<u8>>(1)?)))?;
        let posts = |octets: Vec<u8>| octets.as_chunks().0.iter().map(|octets| PostId(*octets)).collect();
        rows.map(|row| row.map(|(id, octets)| (id, posts(octets))).map_err(StoreError::from)).collect()
    }

    fn states(&self) -> Result<Vec<(LinkNumber, StateKey, Vec<u8>)>, StoreError> {
        let mut statement = self.connection.prepare("SELECT key, octets FROM state")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        rows.map(|row| {
            let (name, octets) = row?;
            let key = state_key(&name).ok_or_else(|| StoreError::Damaged(format!("unknown state {name}")))?;
            Ok((key.0, key.1, octets))
        })
        .collect()
    }

    fn outbox(&self, link: LinkNumber) -> Result<Vec<OutboxRow>, StoreError> {
        let sql = "SELECT stream, offset, framed_len, entry, file_len, x'' FROM outbox WHERE link = ?1
                   ORDER BY stream, offset";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([link.0], outbox_row)?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    fn partials(&self, link: LinkNumber) -> Result<Vec<(Stream, u64, Vec<u8>)>, StoreError> {
        let sql = "SELECT stream, offset, octets FROM partial WHERE link = ?1 ORDER BY stream, offset";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([link.0], |row| {
            let Column(stream) = row.get(0)?;
            Ok((stream, row.get::<_, i64>(1)? as u64, row.get(2)?))
        })?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    fn unnumbered(&self) -> Result<Vec<StoredEntry>, StoreError> {
        let sql = format!(
            "SELECT e.id, e.encoded, e.is_own, {STATE}, e.has_gap FROM entry e WHERE e.number IS NULL ORDER BY e.row"
        );
        let mut statement = self.connection.prepare(&sql)?;
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
        let mut statement = self.connection.prepare(UNDELIVERED)?;
        let delivered = super::schema::state_number(DeliveryState::Delivered);
        let rows = statement.query_map([delivered], |row| {
            let Column(state) = row.get(2)?;
            Ok((id_of(row.get(1)?), state))
        })?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    }

    /// By the index alone, in its order.
    fn known(&self) -> Result<Known, StoreError> {
        let mut statement = self.connection.prepare("SELECT id FROM entry ORDER BY id")?;
        let ids = statement.query_map([], |row| row.get(0).map(id_of))?;
        Ok(ids.collect::<Result<Known, _>>()?)
    }

    fn inventory(
        &self,
        authors: [PostId; 2],
        conversations: &[ConversationId],
    ) -> Result<Vec<EntryId>, StoreError> {
        let sql = "SELECT e.id, c.id FROM entry e JOIN conversation c ON c.number = e.conversation
                   WHERE e.number IS NOT NULL AND e.encoded != x'' AND e.author IN (?1, ?2)
                   ORDER BY e.number";
        let conversations: BTreeSet<[u8; 16]> = conversations.iter().map(|id| id.0).collect();
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_map(authors.map(|author| author.0), |row| {
            Ok((id_of(row.get(0)?), row.get::<_, [u8; 16]>(1)?))
        })?;
        let found = found.collect::<Result<Vec<_>, _>>()?.into_iter();
        Ok(found.filter(|(_, place)| conversations.contains(place)).map(|(id, _)| id).collect())
    }

    fn encoded(&self, id: EntryId) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT encoded FROM entry WHERE id = ?1 AND encoded != x''";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row([id_key(id)], |row| row.get(0)).optional()?)
    }

    /// Rows are read one by one until they suffice: a row may be a file of a gigabyte.
    fn framed(
        &self,
        link: LinkNumber,
        stream: Stream,
        (offset, len_max): (u64, u64),
    ) -> Result<Framed, StoreError> {
        let sql = "SELECT stream, offset, framed_len, entry, file_len, message, e.encoded FROM outbox
                   LEFT JOIN entry e ON file_len IS NULL AND e.id = entry
                   WHERE link = ?3 AND stream = ?1 AND offset + framed_len > ?2 AND offset >= ifnull(
                     (SELECT max(offset) FROM outbox WHERE link = ?3 AND stream = ?1 AND offset <= ?2), ?2)
                   ORDER BY offset";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut found = statement.query(params![stream.number(), offset as i64, link.0])?;
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

/// The cross join keeps the planner from reading every entry to find those few.
pub(super) const UNDELIVERED: &str = "SELECT e.row AS row, e.id,
    max(e.state, ifnull((SELECT min(r.state) FROM reached r WHERE r.row = e.row), 0)) AS state
    FROM (SELECT entry AS id FROM outbox WHERE entry IS NOT NULL
          UNION SELECT id FROM entry WHERE number IS NULL)
    CROSS JOIN entry e USING (id)
    WHERE e.is_own AND max(e.state, ifnull((SELECT min(r.state) FROM reached r WHERE r.row = e.row), 0)) < ?1
    ORDER BY e.row";

/// How far an entry came: with the reader who is furthest behind. `LOG_ROW` and the counts say it too.
const STATE: &str = "max(e.state, ifnull((SELECT min(r.state) FROM reached r WHERE r.row = e.row), 0))";

pub(super) const LOG_ROW: &str = "SELECT e.number, e.id, e.is_own,
    max(e.state, ifnull((SELECT min(r.state) FROM reached r WHERE r.row = e.row), 0)),
    e.has_gap, e.expires_ms, e.encoded, c.id, e.author, e.at_ms, e.precedence, e.kind, e.cited, e.about
    FROM entry e JOIN conversation c ON c.number = e.conversation";

pub(super) fn log_row(row: &Row<'_>) -> rusqlite::Result<LogRow> {
    let encoded: Vec<u8> = row.get(6)?;
    let Column(state) = row.get(3)?;
    let Column(precedence) = row.get(10)?;
    Ok(LogRow {
        number: row.get::<_, Option<i64>>(0)?.map(|number| number as u64),
        id: id_of(row.get(1)?),
        conversation: ConversationId(row.get(7)?),
        cited: row.get::<_, i64>(12)? as u64,
        about: row.get::<_, Option<_>>(13)?.map(id_of),
        author: PostId(row.get(8)?),
        at_ms: row.get(9)?,
        precedence,
        kind: row.get(11)?,
        // It was checked before it was stored.
        entry: minicbor::decode::<Entry>(&encoded).ok(),
        expires_ms: row.get(5)?,
        is_own: row.get(2)?,
        state,
        has_gap: row.get(4)?,
    })
}
