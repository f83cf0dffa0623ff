//! Files on their way (PROTOCOL §7.3).
//!
//! *A body* is judged by its entry alone, once both are here. One that is whole before its entry comes waits
//! among the incoming ones. A damaged one stays expected: when the link is made anew, the peer's inventory
//! lacks it, and it comes again.

use std::collections::{BTreeMap, BTreeSet};

use couloir_wire::cbor;
use couloir_wire::entry::Entry;
use couloir_wire::id::{Digest, EntryId};
use couloir_wire::limits::FILE_PIECE_OCTETS;
use minicbor::{Decode, Encode};

use super::LinkEngine;
use crate::bulk::BulkMessage;
use crate::input::FileDigest;
use crate::output::{Notice, Output};
use crate::store::{Fetch, StateKey, Write};

/// Files on their way in and out.
#[derive(Default, Encode, Decode)]
#[cbor(array)]
pub(super) struct Files {
    #[n(0)]
    pub incoming: BTreeMap<EntryId, Incoming>,
    #[n(1)]
    pub outgoing: BTreeMap<EntryId, Outgoing>,
    /// Files whose entry is here and whose body is not whole.
    #[n(2)]
    pub expected: BTreeMap<EntryId, Expected>,
    /// What is left to do of giving back after a restart.
    #[n(3)]
    pub owed: Owed,
    /// A person lets no more of them leave for now.
    #[n(4)]
    pub is_held: bool,
}

/// What an entry says of a body that is to come.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(array)]
pub(super) struct Expected {
    /// Octets in all.
    #[n(0)]
    pub len: u64,
    /// SHA-256 of all.
    #[n(1)]
    digest: Digest,
    /// Whether it may expire: with its author it does so by whatever clock, and comes as zeros.
    #[n(2)]
    may_expire: bool,
    /// All of it came, and was not what the entry says.
    #[n(3)]
    pub is_damaged: bool,
}

/// What a restart leaves to do; durable, so that a kill does not end it.
#[derive(Default, Encode, Decode)]
#[cbor(array)]
pub(super) struct Owed {
    /// The peer has not been told what we hold.
    #[n(0)]
    pub is_inventory: bool,
    /// Entries that the peer lacks.
    #[n(1)]
    pub entries: BTreeSet<EntryId>,
    /// Files among them, to follow if all of their octets are here: octets and hash.
    #[n(2)]
    pub bodies: BTreeMap<EntryId, Incoming>,
}

/// A file that the peer sends.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(array)]
pub(super) struct Incoming {
    /// Octets in all.
    #[n(0)]
    pub len: u64,
    /// SHA-256 of all, as the peer's head says.
    #[n(1)]
    pub digest: Digest,
    /// Octets that are here; pieces come in order.
    #[n(2)]
    pub done: u64,
}

/// A file that we send.
#[derive(Debug, Clone, Encode, Decode)]
#[cbor(array)]
pub(super) struct Outgoing {
    /// Offset in the bulk stream.
    #[n(0)]
    pub offset: u64,
    /// Octets in the bulk stream.
    #[n(1)]
    pub framed_len: u64,
    /// Octets in all.
    #[n(2)]
    pub len: u64,
    /// Octets of the bulk stream that the peer has acknowledged of it.
    #[n(3)]
    pub done: u64,
}

impl Incoming {
    fn is_here(&self) -> bool {
        self.done == self.len
    }
}

impl Files {
    /// For the store.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// From the store.
    pub fn decode(octets: &[u8]) -> Option<Files> {
        cbor::decode_strict(octets, octets.len()).ok()
    }

    /// A file of ours went into the bulk stream.
    pub fn sending(&mut self, file: EntryId, offset: u64, framed_len: u64, len: u64) {
        self.outgoing.insert(file, Outgoing { offset, framed_len, len, done: 0 });
    }

    /// The entry of a peer's file came.
    pub fn expect(&mut self, entry: &Entry) {
        if let Some((len, digest)) = entry.body.attached() {
            let may_expire = entry.expires_ms.is_some();
            self.expected.insert(entry.id, Expected { len, digest, may_expire, is_damaged: false });
        }
    }

    /// Makes room for one more if it must: a body whose entry has not come gives way. False if there is none.
    fn make_room(&mut self) -> bool {
        if self.incoming.len() < INCOMING_MAX {
            return true;
        }
        let waits = |(id, file): &(&EntryId, &Incoming)| file.is_here() && !self.expected.contains_key(*id);
        let waiting = self.incoming.iter().find(waits).map(|(id, _)| *id);
        waiting.is_some_and(|id| self.incoming.remove(&id).is_some())
    }

    /// A new incarnation: offsets of the bulk stream became smaller by `by`.
    pub fn restart(&mut self, by: u64) {
        for file in self.outgoing.values_mut() {
            let skipped = by.saturating_sub(file.offset);
            file.offset = file.offset.saturating_sub(by);
            file.framed_len = file.framed_len.saturating_sub(skipped);
        }
    }
}

impl LinkEngine {
    /// A message of the bulk stream; they come in order.
    pub(super) fn on_bulk(&mut self, octets: &[u8]) {
        match BulkMessage::decode(octets) {
            Some(BulkMessage::Head { file, len, digest }) => self.on_head(file, len, digest),
            Some(BulkMessage::Piece { file, offset, octets }) => self.on_piece(file, offset, octets),
            None => {}
        }
    }

    fn on_head(&mut self, file: EntryId, len: u64, digest: Digest) {
        let is_under_way = self.files.incoming.contains_key(&file);
        let has_room = is_under_way || self.files.make_room();
        if self.is_over(file) || !has_room || len > couloir_wire::limits::FILE_OCTETS_MAX {
            return;
        }
        // A file sent again after a restart begins where it stood, if it is the same.
        self.files.incoming.entry(file).or_insert(Incoming { len, digest, done: 0 });
        self.dirty(StateKey::Files);
        self.finish_file(file);
    }

    /// What is whole, expired, or another peer's to send, is written over by nothing.
    fn is_over(&self, file: EntryId) -> bool {
        self.talk.known.contains(&file) && !self.files.expected.contains_key(&file)
    }

    fn on_piece(&mut self, file: EntryId, offset: u64, octets: Vec<u8>) {
        if self.is_over(file) {
            return;
        }
        let Some(incoming) = self.files.incoming.get_mut(&file) else { return };
        let end = offset + octets.len() as u64;
        let is_next = offset <= incoming.done && end > incoming.done && end <= incoming.len;
        let is_whole = octets.len() == FILE_PIECE_OCTETS || end == incoming.len;
        if !is_next || !is_whole {
            return;
        }
        incoming.done = end;
        self.write(Write::FilePiece { file, offset, octets });
        self.dirty(StateKey::Files);
        self.finish_file(file);
    }

    /// Asks for the hash of a file that is all here, once it is known whose it is.
    fn finish_file(&mut self, file: EntryId) {
        if self.talk.known.contains(&file) && self.files.incoming.get(&file).is_some_and(Incoming::is_here) {
            self.batch.after.push(Output::Fetch(self.number, Fetch::FileDigest(file)));
        }
    }

    pub(super) fn on_file_digest(&mut self, found: FileDigest) {
        if let Some(body) = self.files.owed.bodies.remove(&found.file) {
            self.dirty(StateKey::Files);
            return self.return_body(&body, found);
        }
        let has_entry = self.talk.known.contains(&found.file);
        let Some(incoming) = self.files.incoming.get(&found.file) else { return };
        if has_entry {
            let len = incoming.len;
            self.dirty(StateKey::Files);
            self.judge_file(found.file, len, found.digest);
        }
    }

    /// All of a file's body is here, and hashes to `found`.
    fn judge_file(&mut self, file: EntryId, len: u64, found: Digest) {
        self.files.incoming.remove(&file);
        let Some(expected) = self.files.expected.get_mut(&file) else { return };
        if (expected.len, expected.digest) == (len, found) {
            self.files.expected.remove(&file);
            self.notice(Notice::FileWhole(file));
        } else if !expected.may_expire {
            expected.is_damaged = true;
            self.notice(Notice::FileDamaged(file));
        }
    }

    fn return_body(&mut self, body: &Incoming, found: FileDigest) {
        if body.digest == found.digest && self.link.epochs.is_some() {
            self.send_body(found.file, body.len);
        }
    }

    /// The entry of a peer's file is here; its body may have come before it.
    pub(super) fn expect_file(&mut self, entry: &Entry) {
        self.files.expect(entry);
        self.dirty(StateKey::Files);
        // What lies there is hashed now: another member may have written to it as long as nobody knew whose it is.
        self.finish_file(entry.id);
    }

    /// Files leave, or wait until a person lets them go on.
    pub(super) fn hold_files(&mut self, is_held: bool) {
        self.files.is_held = is_held;
        self.dirty(StateKey::Files);
    }

    /// The peer has the bulk stream up to `below`.
    pub(super) fn on_bulk_delivered(&mut self, below: u64) {
        let before = self.files.outgoing.len();
        for file in self.files.outgoing.values_mut() {
            file.done = below.saturating_sub(file.offset).min(file.framed_len);
        }
        self.files.outgoing.retain(|_, file| file.done < file.framed_len);
        if self.files.outgoing.len() < before {
            self.dirty(StateKey::Files);
        }
    }
}

/// Files that a peer may have under way at once.
pub(super) const INCOMING_MAX: usize = 256;
