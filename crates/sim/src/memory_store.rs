//! A node's store in maps: the same contract as the one on disk, one transaction per batch.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use couloir_engine::bulk::{OutboxSource, frame_outbox};
use couloir_engine::input::FileDigest;
use couloir_engine::store::{OutboxItem, OutboxRow, StoredEntry};
use couloir_engine::{Fetch, Fetched, LinkNumber, LinkSnapshot, Snapshot, StateKey, Write};
use couloir_wire::cell::Stream;
use couloir_wire::entry::{DeliveryState, Entry, Opened};
use couloir_wire::id::{ConversationId, Digest, EntryId, PostId};
use sha2::Digest as _;

/// Where a message of a link lies: its stream and offset.
type Place = (LinkNumber, Stream, u64);

/// Everything that a node keeps.
#[derive(Clone, Default)]
pub struct MemoryStore {
    /// Whose state, outbox and partial messages the writes of this batch are now.
    link: LinkNumber,
    states: BTreeMap<(LinkNumber, StateKey), Vec<u8>>,
    entries: BTreeMap<EntryId, StoredEntry>,
    log: BTreeMap<u64, EntryId>,
    expiring: BTreeMap<EntryId, i64>,
    undelivered: BTreeSet<EntryId>,
    /// How far an entry came on each link.
    reached: BTreeMap<(EntryId, LinkNumber), DeliveryState>,
    outbox: BTreeMap<Place, OutboxRow>,
    partials: BTreeMap<Place, Vec<u8>>,
    pieces: BTreeMap<(EntryId, u64), Vec<u8>>,
    own_files: BTreeMap<EntryId, Vec<u8>>,
    openings: BTreeMap<Digest, Opened>,
}

impl MemoryStore {
    /// Puts a small state, as the command line does before a node first runs.
    pub fn put_state(&mut self, key: StateKey, octets: Vec<u8>) {
        self.states.insert((LinkNumber::FIRST, key), octets);
    }

    /// A small state of the first link, or of the node.
    pub fn state(&self, key: StateKey) -> Option<&Vec<u8>> {
        self.states.get(&(LinkNumber::FIRST, key))
    }

    /// The writes of another batch come.
    pub fn begin_batch(&mut self) {
        self.link = LinkNumber::FIRST;
    }

    /// Imports a file's octets under the id of the entry that will name it.
    pub fn import_file(&mut self, file: EntryId, octets: Vec<u8>) {
        self.own_files.insert(file, octets);
    }

    /// Keeps what a commitment binds the node to.
    pub fn keep_opening(&mut self, commitment: Digest, opened: Opened) {
        self.openings.insert(commitment, opened);
    }

    /// What a commitment binds the node to.
    pub fn opening(&self, commitment: &Digest) -> Option<Opened> {
        self.openings.get(commitment).cloned()
    }

    /// Does all of `batch`.
    pub fn apply(&mut self, batch: Vec<Write>) {
        batch.into_iter().for_each(|write| self.write(write));
    }

    fn write(&mut self, write: Write) {
        match write {
            Write::OfLink(link) => self.link = link,
            Write::State(key, octets) => self.put(key, octets),
            Write::Entry(entry) => self.add(entry),
            Write::EntryState(id, state) => self.move_on(id, state),
            Write::EntryAppears { id, number, has_gap } => self.number(id, number, has_gap),
            Write::EntryExpires(id) => self.expire(id),
            Write::Outbox(row) => drop(self.outbox.insert((self.link, row.stream, row.offset), row)),
            Write::OutboxDelivered { stream, below } => self.forget_rows(stream, below),
            Write::OutboxShift { stream, by } => self.shift_rows(stream, by),
            Write::OutboxClear(stream) => {
                self.outbox.retain(|(link, of, _), _| (*link, *of) != (self.link, stream))
            }
            Write::Partial { stream, offset, octets } => {
                drop(self.partials.insert((self.link, stream, offset), octets));
            }
            Write::PartialGone { stream, offset } => drop(self.partials.remove(&(self.link, stream, offset))),
            Write::PartialsClear => self.partials.retain(|(link, ..), _| *link != self.link),
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

    fn put(&mut self, key: StateKey, octets: Option<Vec<u8>>) {
        let key = (if key.is_shared() { LinkNumber::FIRST } else { self.link }, key);
        match octets {
            Some(octets) => drop(self.states.insert(key, octets)),
            None => drop(self.states.remove(&key)),
        }
    }

    fn move_on(&mut self, id: EntryId, state: DeliveryState) {
        let reached = self.reached.entry((id, self.link)).or_insert(state);
        *reached = state.max(*reached);
        let of_entry = self.reached.range((id, LinkNumber::FIRST)..=(id, LinkNumber(u16::MAX)));
        let least = of_entry.map(|(_, state)| *state).min().unwrap_or(state);
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.state = entry.state.max(least);
        }
        if least >= DeliveryState::Delivered {
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
        let of_stream = (self.link, stream, 0)..=(self.link, stream, u64::MAX);
        while let Some((key, row)) = self.outbox.range(of_stream.clone()).next() {
            if row.offset + row.framed_len > below {
                return;
            }
            let key = *key;
            self.outbox.remove(&key);
        }
    }

    fn shift_rows(&mut self, stream: Stream, by: u64) {
        let (of_stream, others) = std::mem::take(&mut self.outbox)
            .into_iter()
            .partition(|((link, of, _), _)| (*link, *of) == (self.link, stream));
        self.outbox = others;
        let of_stream: BTreeMap<Place, OutboxRow> = of_stream;
        for mut row in of_stream.into_values() {
            row.offset = row.offset.saturating_sub(by);
            self.outbox.insert((self.link, stream, row.offset), row);
        }
    }

    /// All octet strings that it keeps, for whoever searches them.
    pub fn octets(&self) -> impl Iterator<Item = &[u8]> {
        let messages = self.outbox.values().filter_map(|row| match &row.what {
            OutboxItem::Message(octets) => Some(octets),
            OutboxItem::Entry(_) | OutboxItem::File { .. } => None,
        });
        let entries = self.entries.values().map(|entry| &entry.encoded);
        let files = self.own_files.values().chain(self.pieces.values());
        let all = self.states.values().chain(entries).chain(messages).chain(self.partials.values());
        all.chain(files).map(Vec::as_slice)
    }

    /// What an engine starts from.
    pub fn snapshot(&self) -> Snapshot {
        let of_key = |((_, key), octets): (&(LinkNumber, StateKey), &Vec<u8>)| (*key, octets.clone());
        let mut links: BTreeMap<LinkNumber, LinkSnapshot> = BTreeMap::new();
        for (key, octets) in self.states.iter().filter(|((_, key), _)| !key.is_shared()) {
            links.entry(key.0).or_default().states.insert(key.1, octets.clone());
        }
        let without_message = |row: &OutboxRow| match row.what {
            OutboxItem::Message(_) => OutboxRow { what: OutboxItem::Message(Vec::new()), ..row.clone() },
            _ => row.clone(),
        };
        for ((link, ..), row) in &self.outbox {
            links.entry(*link).or_default().outbox.push(without_message(row));
        }
        for ((link, stream, offset), octets) in &self.partials {
            links.entry(*link).or_default().partials.push((*stream, *offset, octets.clone()));
        }
        let state_of = |id: &EntryId| self.entries.get(id).map(|entry| (*id, entry.state));
        Snapshot {
            links,
            states: self.states.iter().filter(|((_, key), _)| key.is_shared()).map(of_key).collect(),
            known: self.entries.keys().copied().collect(),
            unnumbered: self.entries.values().filter(|entry| entry.number.is_none()).cloned().collect(),
            expiring: self.expiring.iter().map(|(id, at)| (*at, *id)).collect(),
            undelivered: self.undelivered.iter().filter_map(state_of).collect(),
        }
    }

    /// Reads what the engine asked for.
    pub fn fetch(&self, link: LinkNumber, fetch: Fetch) -> Fetched {
        match fetch {
            Fetch::Outbox { stream, offset, len_max } => self.fetch_outbox(link, stream, offset, len_max),
            Fetch::Inventory { authors, conversations } => {
                Fetched::Inventory(self.inventory(&authors, &conversations))
            }
            Fetch::Entries(ids) => Fetched::Entries(ids.iter().filter_map(|id| self.encoded(*id)).collect()),
            Fetch::FileDigest(file) => {
                Fetched::FileDigest(FileDigest { file, digest: digest_of(&self.file_octets(file)) })
            }
        }
    }

    fn fetch_outbox(&self, link: LinkNumber, stream: Stream, offset: u64, len_max: u64) -> Fetched {
        let until = self.outbox.range((link, stream, 0)..=(link, stream, offset)).next_back();
        let holds = until.map_or(offset, |(key, _)| key.2);
        let rows = self.outbox.range((link, stream, holds)..=(link, stream, u64::MAX)).map(|(_, row)| row);
        let rows: Vec<OutboxRow> = rows.take(ROWS_PER_FETCH).cloned().collect();
        let mut source = OfLink(self, link);
        let framed = match frame_outbox(&rows, offset, len_max, &mut source) {
            Ok(framed) => framed,
            Err(never) => match never {},
        };
        Fetched::Outbox { stream, offset, framed: framed.octets, starts: framed.starts }
    }

    fn encoded(&self, id: EntryId) -> Option<Vec<u8>> {
        self.entries.get(&id).map(|entry| entry.encoded.clone()).filter(|encoded| !encoded.is_empty())
    }

    fn inventory(&self, authors: &[PostId], conversations: &[ConversationId]) -> Vec<EntryId> {
        let is_of =
            |entry: Entry| authors.contains(&entry.author) && conversations.contains(&entry.conversation);
        let is_there = |id: &&EntryId| {
            let stored = self.entries.get(id).filter(|stored| !stored.encoded.is_empty());
            stored.and_then(|stored| Entry::decode(&stored.encoded).ok()).is_some_and(is_of)
        };
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
        copy.states.retain(|(_, key), _| !is_epoch(key));
        copy
    }
}

/// A store, and the link of which it is asked.
struct OfLink<'s>(&'s MemoryStore, LinkNumber);

impl OutboxSource for OfLink<'_> {
    type Error = Infallible;

    fn entry(&mut self, id: EntryId) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.0.encoded(id))
    }

    fn message(&mut self, row: &OutboxRow) -> Result<Vec<u8>, Infallible> {
        match self.0.outbox.get(&(self.1, row.stream, row.offset)).map(|kept| &kept.what) {
            Some(OutboxItem::Message(octets)) => Ok(octets.clone()),
            _ => Ok(Vec::new()),
        }
    }

    fn file(&mut self, file: EntryId, offset: u64, len: usize) -> Result<Vec<u8>, Infallible> {
        let octets = self.0.file_octets(file);
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(octets.len());
        Ok(octets[start..].iter().take(len).copied().collect())
    }

    fn file_digest(&mut self, file: EntryId) -> Result<Digest, Infallible> {
        Ok(digest_of(&self.0.file_octets(file)))
    }
}

/// SHA-256 of `octets`.
pub fn digest_of(octets: &[u8]) -> Digest {
    Digest(sha2::Sha256::digest(octets).into())
}

/// Rows looked at for one answer: more than a mebibyte of the shortest notes.
const ROWS_PER_FETCH: usize = 16_384;
