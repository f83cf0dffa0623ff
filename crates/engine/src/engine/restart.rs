//! After a loss of state: noticing it, and giving back what the other side lacks (PROTOCOL §4.8).

use std::collections::BTreeSet;

use couloir_wire::cell::Stream;
use couloir_wire::id::{ConversationId, EntryId, PostId};

use super::LinkEngine;
use super::files::Incoming;
use super::hear::Source;
use crate::control::{Control, INVENTORY_IDS_MAX};
use crate::input::Now;
use crate::link::{Frozen, Stage};
use crate::output::{Notice, Output};
use crate::store::{Fetch, Fetched, OutboxItem, OutboxRow, StateKey, Write};

impl LinkEngine {
    /// The peer acknowledges more than we ever said: our state is older than what it had from us.
    pub(super) fn on_rolled_back(&mut self, now: Now) {
        if matches!(self.link.stage, Stage::Wanted | Stage::Hello(_)) {
            return;
        }
        self.notice(Notice::RolledBack);
        self.make_anew(now);
    }

    /// The link as it is carries nothing more: another is wanted.
    pub(super) fn make_anew(&mut self, now: Now) {
        self.link.epochs = None;
        self.link.stage = Stage::Wanted;
        self.link.parts_out = None;
        self.dirty(StateKey::Link);
        self.say_hello_anywhere(now);
        if self.steady.is_empty() {
            self.make_hello(now);
        }
    }

    /// The peer writes, newly, under an epoch that we never had: we were rolled back.
    pub(super) fn on_unknown_epoch(&mut self, now: Now, source: &Source) {
        if self.link.frozen == Some(Frozen::Revoked) {
            return;
        }
        let is_recent = self.is_recent(now, source);
        let enough = match self.link.stage {
            Stage::Quiet => UNKNOWN_CELLS_MAX,
            // The peer may not have taken the answer or confirmation yet, or was put back since it asked.
            Stage::Confirmed(_) | Stage::Answered(..) => 8 * UNKNOWN_CELLS_MAX,
            Stage::Wanted | Stage::Hello(_) => return,
        };
        if !is_recent || self.link.epochs.is_none() {
            return;
        }
        self.link.unknown_cells += 1;
        if self.link.unknown_cells >= enough {
            self.link.unknown_cells = 0;
            self.on_rolled_back(now);
        }
    }

    /// The peer's link is frozen: it sees two nodes that claim our post.
    pub(super) fn on_peer_frozen(&mut self) {
        if self.party.is_revoked(self.party.own.node) {
            self.batch.after.push(Output::Halt(Notice::Revoked(self.party.own.node)));
        }
        if !std::mem::replace(&mut self.hearing.is_frozen_told, true) {
            self.notice(Notice::FrozenThere);
        }
    }

    pub(super) fn on_fetched(&mut self, fetched: Fetched) {
        match fetched {
            Fetched::Outbox { stream, offset, framed, starts } => {
                if self.link.outbox_asked.take() == Some((stream, offset)) {
                    let loaded = self.link.send.load(stream, offset, &framed, &starts);
                    if loaded.is_err() {
                        self.batch.after.push(Output::Halt(Notice::StoreDamaged));
                    }
                }
            }
            Fetched::Inventory(ids) => self.on_own_inventory(ids),
            Fetched::Entries(entries) => entries.iter().for_each(|entry| self.give_back_entry(entry)),
            Fetched::FileDigest(digest) => self.on_file_digest(digest),
        }
    }

    /// Asks the store for what the streams want next; one question at a time.
    pub(super) fn fetch_outbox(&mut self) {
        if self.link.outbox_asked.is_some() {
            return;
        }
        if let Some(wanted) = self.link.send.wanted() {
            self.link.send.asked(&wanted);
            self.link.outbox_asked = Some((wanted.stream, wanted.offset));
            let (stream, offset, len_max) = (wanted.stream, wanted.offset, wanted.len_max);
            let fetch = Fetch::Outbox { stream, offset, len_max };
            self.queue.push_back(Output::Fetch(self.number, fetch));
        }
    }

    /// After a restart: tells the peer what we hold; of a file only if its body is here.
    fn on_own_inventory(&mut self, mut ids: Vec<EntryId>) {
        if self.link.epochs.is_none() {
            return;
        }
        self.files.owed.is_inventory = false;
        self.dirty(StateKey::Files);
        ids.retain(|id| !self.files.incoming.contains_key(id) && !self.files.expected.contains_key(id));
        let chunks = ids.chunks(INVENTORY_IDS_MAX);
        let last = chunks.len().saturating_sub(1);
        for (number, chunk) in chunks.enumerate() {
            self.tell(&Control::Inventory { ids: chunk.to_vec(), is_last: number == last });
        }
        if ids.is_empty() {
            self.tell(&Control::Inventory { ids, is_last: true });
        }
    }

    /// What the peer holds: when all of it is known, it is given what it lacks.
    pub(super) fn on_inventory(&mut self, ids: Vec<EntryId>, is_last: bool) {
        let held = self.link.inventory.get_or_insert_default();
        if held.len() + ids.len() > INVENTORY_MAX {
            return;
        }
        held.extend(ids);
        if !is_last {
            return;
        }
        let held: BTreeSet<EntryId> = self.link.inventory.take().unwrap_or_default().into_iter().collect();
        // What is held for its parents is given back too; what waits for the phrase is not.
        let is_verified = self.watch.is_verified();
        let may_go = |id: &EntryId| self.talk.unnumbered.get(id).is_none_or(|w| !w.is_own || is_verified);
        let lacking = self.talk.known.iter().filter(|id| !held.contains(id)).filter(may_go).collect();
        self.files.owed.entries = lacking;
        self.dirty(StateKey::Files);
        self.fetch_owed();
    }

    /// Asks the store for what is owed to the peer.
    pub(super) fn fetch_owed(&mut self) {
        let owed = &self.files.owed;
        let entries: Vec<EntryId> = owed.entries.iter().copied().collect();
        let inventory = self
            .ends()
            .filter(|_| owed.is_inventory)
            .map(|authors| Fetch::Inventory { authors, conversations: self.conversations_with_peer() });
        let entries = entries.chunks(RETURNED_AT_ONCE).map(|chunk| Fetch::Entries(chunk.to_vec()));
        let bodies = owed.bodies.keys().map(|file| Fetch::FileDigest(*file));
        let fetches = inventory.into_iter().chain(entries).chain(bodies);
        let fetches: Vec<Output> = fetches.map(|fetch| Output::Fetch(self.number, fetch)).collect();
        self.batch.after.extend(fetches);
    }

    /// Those that the peer reads too.
    pub(super) fn conversations_with_peer(&self) -> Vec<ConversationId> {
        let Some(ends) = self.ends() else { return Vec::new() };
        let is_its = |members: &[PostId]| members.is_empty() || ends.iter().all(|end| members.contains(end));
        let first = self.party.conversation();
        let opened = self.talk.conversations().filter(|(id, members)| Some(*id) != first && is_its(members));
        first.into_iter().chain(opened.map(|(id, _)| id)).collect()
    }

    /// Says an entry again that the peer lacks, whoever said it first. What is still in the outbox, or
    /// expired, is not said twice: the reader knows entries by their ids.
    fn give_back_entry(&mut self, encoded: &[u8]) {
        let Ok(entry) = couloir_wire::entry::Entry::decode(encoded) else { return };
        if self.link.epochs.is_none() {
            return;
        }
        if !self.is_for_peer(&entry) {
            self.files.owed.entries.remove(&entry.id);
            return self.dirty(StateKey::Files);
        }
        let stream = Stream::Routine;
        let appended = self.link.send.append(stream, encoded, None);
        let what = OutboxItem::Entry(entry.id);
        let (offset, framed_len) = (appended.offset, appended.framed_len);
        self.write(Write::Outbox(OutboxRow { stream, offset, framed_len, what }));
        self.files.owed.entries.remove(&entry.id);
        // A file's body follows if all of it is here, which its hash tells.
        if let Some((len, digest)) = entry.body.attached()
            && !self.files.incoming.contains_key(&entry.id)
        {
            self.files.owed.bodies.insert(entry.id, Incoming { len, digest, done: 0 });
            self.batch.after.push(Output::Fetch(self.number, Fetch::FileDigest(entry.id)));
        }
        self.dirty(StateKey::Files);
        self.dirty(StateKey::SendCursors);
    }
}

/// So many nested cells in a row under unknown epochs are no accident of a change of keys.
const UNKNOWN_CELLS_MAX: u32 = 4;
/// Ids that are held while a peer tells its inventory: 16 MB.
const INVENTORY_MAX: usize = 1_000_000;
/// Entries read from the store at once to be given back.
const RETURNED_AT_ONCE: usize = 256;
