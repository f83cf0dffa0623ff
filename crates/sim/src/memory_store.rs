//! A node's store in maps: the same contract as the one on disk, one transaction per batch.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use couloir_engine::bulk::{OutboxSource, frame_outbox};
use couloir_engine::input::FileDigest;
use couloir_engine::store::{OutboxItem, OutboxRow, StoredEntry};
use couloir_engine::{Fetch, Fetched, Snapshot, StateKey, Write};
use couloir_wire::cell::Stream;
use couloir_wire::entry::{DeliveryState, Entry};
use couloir_wire::id::{Digest, EntryId};
use sha2::Digest as _;

/// Everything that a node keeps.
#[derive(Clone, Default)]
pub struct MemoryStore {
    states: BTreeMap<StateKey, Vec<u8>>,
    entries: BTreeMap<EntryId, StoredEntry>,
    log: BTreeMap<u64, EntryId>,
    expiring: BTreeMap<EntryId, i64>,
    undelivered: BTreeSet<EntryId>,
    outbox: BTreeMap<(Stream, u64), OutboxRow>,
    partials: BTreeMap<(Stream, u64), Vec<u8>>,
    pieces: BTreeMap<(EntryId, u64), Vec<u8>>,
    own_files: BTreeMap<EntryId, Vec<u8>>,
}

impl MemoryStore {
    /// Puts a small state, as the command line does before a node first runs.
    pub fn put_state(&mut self, key: StateKey, octets: Vec<u8>) {
        self.states.insert(key, octets);
    }

    /// Imports a file's octets under the id of the entry that will name it.
    pub fn import_file(&mut self, file: EntryId, octets: Vec<u8>) {
        self.own_files.insert(file, octets);
    }

    /// Does all of `batch`.
    pub fn apply(&mut self, batch: Vec<Write>) {
        batch.into_iter().for_each(|write| self.write(write));
    }

    fn write(&mut self, write: Write) {
        match write {
            Write::State(key, Some(octets)) => drop(self.states.insert(key, octets)),
            Write::State(key, None) => drop(self.states.remove(&key)),
            Write::Entry(entry) => self.add(entry),
            Write::EntryState(id, state) => self.move_on(id, state),
            Write::EntryAppears { id, number, has_gap } => self.number(id, number, has_gap),
            Write::EntryExpires(id) => self.expire(id),
            Write::Outbox(row) => drop(self.outbox.insert((row.stream, row.offset), row)),
            Write::OutboxDelivered { stream, below } => self.forget_rows(stream, below),
            Write::OutboxShift { stream, by } => self.shift_rows(stream, by),
            Write::OutboxClear(stream) => self.outbox.retain(|(of, _), _| *of != stream),
            Write::Partial { stream, offset, octets } => drop(self.partials.insert((stream, offset), octets)),
            Write::PartialGone { stream, offset } => drop(self.partials.remove(&(stream, offset))),
            Write::PartialsClear => self.partials.clear(),
            Write::FilePiece { file, offset, octets } => drop(self.pieces.insert((file, offset), octets)),
        }
    }

    fn add(&mut self, entry: StoredEntry) {
        if let Ok(Entry { expires_ms: Some(expires_ms), .. }) = Entry::decode(&entry.encoded) {
            self.expiring.insert(entry.id, expires_ms);
        }
        if let Some(number) = entry.number {
            self.log.insert(number, entry.id);
        }
        if entry.is_own && entry.state < DeliveryState::Delivered {
            self.undelivered.insert(entry.id);
        }
        self.entries.insert(entry.id, entry);
    }

    fn move_on(&mut self, id: EntryId, state: DeliveryState) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.state = entry.state.max(state);
        }
        if state >= DeliveryState::Delivered {
            self.undelivered.remove(&id);
        }
    }

    fn number(&mut self, id: EntryId, number: u64, has_gap: bool) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.number = Some(number);
            entry.has_gap = has_gap;
            self.log.insert(number, id);
        }
    }

    fn expire(&mut self, id: EntryId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.encoded = Vec::new();
        }
        self.expiring.remove(&id);
        self.own_files.remove(&id);
        self.pieces.retain(|(file, _), _| *file != id);
    }

    fn forget_rows(&mut self, stream: Stream, below: u64) {
        while let Some((key, row)) = self.outbox.range((stream, 0)..=(stream, u64::MAX)).next() {
            if row.offset + row.framed_len > below {
                return;
            }
            let key = *key;
            self.outbox.remove(&key);
        }
    }

    fn shift_rows(&mut self, stream: Stream, by: u64) {
        let (of_stream, others) =
            std::mem::take(&mut self.outbox).into_iter().partition(|((of, _), _)| *of == stream);
        self.outbox = others;
        let of_stream: BTreeMap<(Stream, u64), OutboxRow> = of_stream;
        for mut row in of_stream.into_values() {
            row.offset = row.offset.saturating_sub(by);
            self.outbox.insert((stream, row.offset), row);
        }
    }

    /// What an engine starts from.
    pub fn snapshot(&self) -> Snapshot {
        let without_message = |row: &OutboxRow| match row.what {
            OutboxItem::Message(_) => OutboxRow { what: OutboxItem::Message(Vec::new()), ..row.clone() },
            _ => row.clone(),
        };
        let state_of = |id: &EntryId| self.entries.get(id).map(|entry| (*id, entry.state));
        Snapshot {
            states: self.states.clone(),
            outbox: self.outbox.values().map(without_message).collect(),
            partials: self
                .partials
                .iter()
                .map(|((stream, offset), o)| (*stream, *offset, o.clone()))
                .collect(),
            known: self.entries.keys().copied().collect(),
            unnumbered: self.entries.values().filter(|entry| entry.number.is_none()).cloned().collect(),
            expiring: self.expiring.iter().map(|(id, at)| (*at, *id)).collect(),
            undelivered: self.undelivered.iter().filter_map(state_of).collect(),
        }
    }

    /// Reads what the engine asked for.
    pub fn fetch(&self, fetch: Fetch) -> Fetched {
        match fetch {
            Fetch::Outbox { stream, offset, len_max } => self.fetch_outbox(stream, offset, len_max),
            Fetch::Inventory => Fetched::Inventory(self.inventory()),
            Fetch::Entries(ids) => Fetched::Entries(ids.iter().filter_map(|id| self.encoded(*id)).collect()),
            Fetch::FileDigest(file) => {
                Fetched::FileDigest(FileDigest { file, digest: digest_of(&self.file_octets(file)) })
            }
        }
    }

    fn fetch_outbox(&self, stream: Stream, offset: u64, len_max: u64) -> Fetched {
        let holds =
            self.outbox.range((stream, 0)..=(stream, offset)).next_back().map_or(offset, |(key, _)| key.1);
        let rows = self.outbox.range((stream, holds)..=(stream, u64::MAX)).map(|(_, row)| row);
        let rows: Vec<OutboxRow> = rows.take(ROWS_PER_FETCH).cloned().collect();
        let mut source = self;
        let framed = match frame_outbox(&rows, offset, len_max, &mut source) {
            Ok(framed) => framed,
            Err(never) => match never {},
        };
        Fetched::Outbox { stream, offset, framed: framed.octets, starts: framed.starts }
    }

    fn encoded(&self, id: EntryId) -> Option<Vec<u8>> {
        self.entries.get(&id).map(|entry| entry.encoded.clone()).filter(|encoded| !encoded.is_empty())
    }

    fn inventory(&self) -> Vec<EntryId> {
        let is_there = |id: &&EntryId| self.entries.get(id).is_some_and(|entry| !entry.encoded.is_empty());
        self.log.values().filter(is_there).copied().collect()
    }

    /// An entry as kept.
    pub fn entry(&self, id: EntryId) -> Option<&StoredEntry> {
        self.entries.get(&id)
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = &StoredEntry> {
        self.entries.values()
    }

    /// The log: number and entry, ascending.
    pub fn log(&self) -> impl DoubleEndedIterator<Item = (u64, &StoredEntry)> {
        self.log.iter().filter_map(|(number, id)| Some((*number, self.entries.get(id)?)))
    }

    /// Whether the log has this number.
    pub fn has_number(&self, number: u64) -> bool {
        self.log.contains_key(&number)
    }

    /// The octets of a file that the peer sends, as far as they are here.
    pub fn received_file(&self, file: EntryId) -> Vec<u8> {
        let pieces = self.pieces.range((file, 0)..=(file, u64::MAX));
        pieces.flat_map(|(_, octets)| octets.iter().copied()).collect()
    }

    /// Whether an own file's octets are here.
    pub fn has_own_file(&self, file: EntryId) -> bool {
        self.own_files.contains_key(&file)
    }

    /// A file's octets, whoever sent it.
    fn file_octets(&self, file: EntryId) -> Cow<'_, [u8]> {
        match self.own_files.get(&file) {
            Some(octets) => Cow::Borrowed(octets),
            None => Cow::Owned(self.received_file(file)),
        }
    }

    /// Octets held for messages that are not complete.
    pub fn partial_octets(&self) -> usize {
        self.partials.values().map(Vec::len).sum()
    }

    /// Rows of the outbox.
    pub fn outbox_len(&self) -> usize {
        self.outbox.len()
    }

    /// Entries that wait for a number.
    pub fn unnumbered_len(&self) -> usize {
        self.entries.len() - self.log.len()
    }

    /// What a backup file holds: everything but the state of the link's epochs and streams.
    pub fn backup(&self) -> MemoryStore {
        let mut copy = self.clone();
        let is_epoch =
            |key: &StateKey| matches!(key, StateKey::Link | StateKey::SendCursors | StateKey::RecvCursors);
        copy.states.retain(|key, _| !is_epoch(key));
        copy
    }
}

impl OutboxSource for &MemoryStore {
    type Error = Infallible;

    fn entry(&mut self, id: EntryId) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.encoded(id))
    }

    fn message(&mut self, row: &OutboxRow) -> Result<Vec<u8>, Infallible> {
        match self.outbox.get(&(row.stream, row.offset)).map(|kept| &kept.what) {
            Some(OutboxItem::Message(octets)) => Ok(octets.clone()),
            _ => Ok(Vec::new()),
        }
    }

    fn file(&mut self, file: EntryId, offset: u64, len: usize) -> Result<Vec<u8>, Infallible> {
        let octets = self.file_octets(file);
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(octets.len());
        Ok(octets[start..].iter().take(len).copied().collect())
    }

    fn file_digest(&mut self, file: EntryId) -> Result<Digest, Infallible> {
        Ok(digest_of(&self.file_octets(file)))
    }
}

/// SHA-256 of `octets`.
pub fn digest_of(octets: &[u8]) -> Digest {
    Digest(sha2::Sha256::digest(octets).into())
}

/// Rows looked at for one answer: more than a mebibyte of the shortest notes.
const ROWS_PER_FETCH: usize = 16_384;
