//! Files on their way (PROTOCOL §7.3).

use std::collections::{BTreeMap, BTreeSet};

use couloir_wire::cbor;
use couloir_wire::entry::{Body, Entry};
use couloir_wire::id::{Digest, EntryId};
use couloir_wire::limits::FILE_PIECE_OCTETS;
use minicbor::{Decode, Encode};

use super::Engine;
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
    pub expected: BTreeSet<EntryId>,
    /// What is left to do of giving back after a restart.
    #[n(3)]
    pub owed: Owed,
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
    /// SHA-256 of all.
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

    /// A new incarnation: offsets of the bulk stream became smaller by `by`.
    pub fn restart(&mut self, by: u64) {
        for file in self.outgoing.values_mut() {
            let skipped = by.saturating_sub(file.offset);
            file.offset = file.offset.saturating_sub(by);
            file.framed_len = file.framed_len.saturating_sub(skipped);
        }
    }
}

impl Engine {
    /// A message of the bulk stream; they come in order.
    pub(super) fn on_bulk(&mut self, octets: &[u8]) {
        match BulkMessage::decode(octets) {
            Some(BulkMessage::Head { file, len, digest }) => self.on_head(file, len, digest),
            Some(BulkMessage::Piece { file, offset, octets }) => self.on_piece(file, offset, octets),
            None => {}
        }
    }

    fn on_head(&mut self, file: EntryId, len: u64, digest: Digest) {
        let is_full = self.files.incoming.len() >= INCOMING_MAX;
        if len > couloir_wire::limits::FILE_OCTETS_MAX || is_full {
            return;
        }
        // A file sent again after a restart begins where it stood, if it is the same.
        self.files.incoming.entry(file).or_insert(Incoming { len, digest, done: 0 });
        self.dirty(StateKey::Files);
        self.finish_file(file);
    }

    fn on_piece(&mut self, file: EntryId, offset: u64, octets: Vec<u8>) {
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

    /// Asks for the hash of a file that is all here.
    fn finish_file(&mut self, file: EntryId) {
        if self.files.incoming.get(&file).is_some_and(|incoming| incoming.done == incoming.len) {
            self.batch.after.push(Output::Fetch(Fetch::FileDigest(file)));
        }
    }

    pub(super) fn on_file_digest(&mut self, found: FileDigest) {
        if let Some(body) = self.files.owed.bodies.remove(&found.file) {
            self.dirty(StateKey::Files);
            return self.return_body(&body, found);
        }
        let Some(incoming) = self.files.incoming.remove(&found.file) else { return };
        self.dirty(StateKey::Files);
        let is_whole = incoming.digest == found.digest;
        // What expired with its author, by whatever clock, comes as zeros.
        let may_be_gone = self.talk.expiring.iter().any(|(_, id)| *id == found.file);
        if is_whole {
            self.files.expected.remove(&found.file);
            self.notice(Notice::FileWhole(found.file));
        } else if self.files.expected.contains(&found.file) && !may_be_gone {
            self.notice(Notice::FileDamaged(found.file));
        }
    }

    fn return_body(&mut self, body: &Incoming, found: FileDigest) {
        if body.digest == found.digest && self.link.epochs.is_some() {
            self.send_body(found.file, body.len);
        }
    }

    /// A file's entry is in the log; its body may be here already, or nothing of it.
    pub(super) fn follow_file(&mut self, entry: &Entry) {
        if let Body::File { len, digest, .. } = &entry.body
            && let Some(incoming) = self.files.incoming.get(&entry.id)
            && (incoming.len, incoming.digest) != (*len, *digest)
        {
            self.notice(Notice::FileDamaged(entry.id));
        }
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
const INCOMING_MAX: usize = 256;
