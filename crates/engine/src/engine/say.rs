//! Entries: saying them, hearing them, their place in the log, their expiry (PROTOCOL §7).

use couloir_seal::sha256_of;
use couloir_talks::hold::Release;
use couloir_wire::cell::Stream;
use couloir_wire::entry::{Body, DeliveryState, Entry, Parent, Precedence};
use couloir_wire::id::EntryId;
use couloir_wire::time::Moment;

use super::Engine;
use crate::bulk;
use crate::input::{Now, Say};
use crate::output::{Output, Refusal};
use crate::planted::planted;
use crate::store::{OutboxItem, OutboxRow, StateKey, StoredEntry, Write};
use crate::talk::Unnumbered;
use crate::timers::Timer;

impl Engine {
    /// Somebody says something: it is kept, or refused and nothing of it remains.
    pub(super) fn say(&mut self, now: Now, say: Say) {
        let (token, when_verified) = (say.token, say.when_verified);
        let entry = match self.draft(now, say) {
            Ok(entry) => entry,
            Err(refusal) => return self.refuse(token, refusal),
        };
        let id = entry.id;
        if self.watch.is_verified() {
            self.keep_and_send(&entry);
        } else if when_verified || self.watch.is_verified_here {
            self.keep_until_verified(&entry);
        } else {
            return self.refuse(token, Refusal::NotVerified);
        }
        self.batch.after.push(Output::Said { token, id });
    }

    fn draft(&mut self, now: Now, say: Say) -> Result<Entry, Refusal> {
        let conversation = self.party.conversation().ok_or(Refusal::NoChannel)?;
        let may_expire = self.party.charter().is_some_and(|charter| charter.notes_may_expire);
        if say.expires_after_ms.is_some() && !may_expire {
            return Err(Refusal::Charter("the charter lets no entry expire".into()));
        }
        if let Body::Answer { entry, .. } = &say.body
            && !self.talk.known.contains(entry)
        {
            return Err(Refusal::NoSuchEntry);
        }
        let at_ms = self.time(now).0;
        let expires_ms = say.expires_after_ms.map(|ms| at_ms.saturating_add_unsigned(ms));
        let entry = Entry {
            id: say.id.unwrap_or_else(|| EntryId::new(self.entropy.array(), at_ms)),
            conversation,
            author: self.party.own.post(),
            parents: self.talk.parents(),
            at_ms,
            precedence: say.precedence,
            expires_ms,
            salt: self.entropy.array(),
            body: say.body,
        };
        entry.check().map_err(|error| Refusal::Unacceptable(words(&error)))?;
        if self.talk.known.contains(&entry.id) {
            return Err(Refusal::Unacceptable("this entry was said already".into()));
        }
        Ok(entry)
    }

    fn keep_and_send(&mut self, entry: &Entry) {
        let encoded = entry.encode();
        self.talk.undelivered.insert(entry.id, DeliveryState::Kept);
        let number = self.enter_log(entry, &encoded);
        self.write(Write::Entry(StoredEntry {
            id: entry.id,
            encoded: encoded.clone(),
            is_own: true,
            state: DeliveryState::Kept,
            number: Some(number),
            has_gap: false,
        }));
        self.send_entry(entry, &encoded);
    }

    fn keep_until_verified(&mut self, entry: &Entry) {
        let encoded = entry.encode();
        self.talk.known.insert(entry.id);
        self.talk.undelivered.insert(entry.id, DeliveryState::Kept);
        self.talk.unnumbered.insert(entry.id, Unnumbered { encoded: encoded.clone(), is_own: true });
        self.write(Write::Entry(StoredEntry {
            id: entry.id,
            encoded,
            is_own: true,
            state: DeliveryState::Kept,
            number: None,
            has_gap: false,
        }));
    }

    /// The phrase was compared: what was kept until then goes.
    pub(super) fn release_kept(&mut self, _now: Now) {
        let kept = self.talk.unnumbered.iter().filter(|(_, kept)| kept.is_own);
        let mut kept: Vec<Entry> = kept.filter_map(|(_, kept)| Entry::decode(&kept.encoded).ok()).collect();
        kept.sort_by_key(|entry| (entry.at_ms, entry.id));
        for entry in kept {
            let encoded = entry.encode();
            self.talk.unnumbered.remove(&entry.id);
            let number = self.enter_log(&entry, &encoded);
            self.write(Write::EntryAppears { id: entry.id, number, has_gap: false });
            self.send_entry(&entry, &encoded);
        }
    }

    /// An entry's permanent number; it is known, a head, and watched for its expiry.
    fn enter_log(&mut self, entry: &Entry, encoded: &[u8]) -> u64 {
        self.talk.known.insert(entry.id);
        let head = Parent { id: entry.id, digest: sha256_of(encoded) };
        let number = self.talk.number(head, &entry.parents);
        if let Some(expires_ms) = entry.expires_ms {
            self.talk.expiring.insert((expires_ms, entry.id));
            self.timers.set(Timer::Expiry, Moment(0));
        }
        self.dirty(StateKey::Talk);
        self.batch.after.push(Output::Appeared(vec![entry.id]));
        number
    }

    fn send_entry(&mut self, entry: &Entry, encoded: &[u8]) {
        let stream = Stream::from(entry.precedence);
        let appended = self.link.send.append(stream, encoded, Some(entry.id));
        let (offset, framed_len) = (appended.offset, appended.framed_len);
        let what = OutboxItem::Entry(entry.id);
        if !planted!(KeepsNoOutbox) {
            self.write(Write::Outbox(OutboxRow { stream, offset, framed_len, what }));
        }
        if let Body::File { len, .. } = entry.body {
            self.send_body(entry.id, len);
        }
        self.dirty(StateKey::SendCursors);
    }

    /// A file's octets follow in the bulk stream.
    pub(super) fn send_body(&mut self, file: EntryId, len: u64) {
        let framed_len = bulk::framed_len(len);
        let offset = self.link.send.append_unloaded(Stream::Bulk, framed_len, None);
        let what = OutboxItem::File { file, len };
        self.write(Write::Outbox(OutboxRow { stream: Stream::Bulk, offset, framed_len, what }));
        self.files.sending(file, offset, framed_len, len);
        self.dirty(StateKey::Files);
        self.dirty(StateKey::SendCursors);
    }

    /// An entry came whole. What is no entry, or claims another author, is passed over; what is known
    /// is not taken twice.
    pub(super) fn on_entry(&mut self, now: Now, octets: &[u8]) {
        let Ok(entry) = Entry::decode(octets) else { return };
        let is_peers = self.party.peer.as_ref().is_some_and(|peer| peer.post() == entry.author);
        let is_ours = self.party.own.post() == entry.author;
        let is_here = self.party.conversation() == Some(entry.conversation);
        let is_known = self.talk.known.contains(&entry.id) && !planted!(TakesTwice);
        if !(is_peers || is_ours) || !is_here || is_known {
            return;
        }
        let missing =
            if planted!(WaitsForNothing) { Default::default() } else { self.talk.missing(&entry.parents) };
        self.talk.known.insert(entry.id);
        if let Body::File { .. } = entry.body {
            self.files.expected.insert(entry.id);
            self.dirty(StateKey::Files);
        }
        let waits = entry.precedence != Precedence::Flash;
        let released = self.talk.hold.arrive(entry.id, missing, waits, now.moment);
        let (at_once, others) = match released.split_first() {
            Some((first, others)) if first.id == entry.id => (Some(first), others),
            _ => (None, &released[..]),
        };
        self.keep_heard(&entry, octets, is_ours, at_once);
        self.appear(others);
    }

    /// Keeps what the peer said or gave back: in the log if it goes up `at_once`, else waiting.
    fn keep_heard(&mut self, entry: &Entry, octets: &[u8], is_own: bool, at_once: Option<&Release>) {
        let number = at_once.map(|_| self.enter_log(entry, octets));
        let has_gap = at_once.is_some_and(|release| release.has_gap) && !planted!(HidesGaps);
        // Own words that the peer gives back after a restore are with it already.
        let (id, encoded, state) = (entry.id, octets.to_vec(), DeliveryState::Delivered);
        self.write(Write::Entry(StoredEntry { id, encoded, is_own, state, number, has_gap }));
        match number {
            Some(_) => self.follow_file(entry),
            None => {
                let waiting = Unnumbered { encoded: octets.to_vec(), is_own: false };
                self.talk.unnumbered.insert(id, waiting);
            }
        }
    }

    pub(super) fn release_held(&mut self, now: Now) {
        let released = self.talk.hold.expire(now.moment);
        self.appear(&released);
    }

    pub(super) fn appear(&mut self, released: &[Release]) {
        for release in released {
            let Some(waiting) = self.talk.unnumbered.remove(&release.id) else { continue };
            let Ok(entry) = Entry::decode(&waiting.encoded) else { continue };
            let number = self.enter_log(&entry, &waiting.encoded);
            let has_gap = release.has_gap && !planted!(HidesGaps);
            self.write(Write::EntryAppears { id: release.id, number, has_gap });
            self.follow_file(&entry);
        }
        self.timers.set_if(Timer::Hold, self.talk.hold.deadline());
    }

    /// Forgets what has expired, by node time.
    pub(super) fn expire(&mut self, now: Now) {
        let at_ms = if planted!(KeepsWhatExpired) { 0 } else { self.time(now).0 };
        while let Some((expires_ms, id)) = self.talk.expiring.first().copied() {
            if expires_ms > at_ms {
                let wait_ms = u64::try_from(expires_ms - at_ms).unwrap_or(0);
                // Clocks are corrected: look again within the hour.
                self.timers.set(Timer::Expiry, now.moment + wait_ms.min(EXPIRY_LOOK_MS));
                return;
            }
            self.talk.expiring.pop_first();
            self.talk.undelivered.remove(&id);
            let was_expected = self.files.expected.remove(&id);
            if self.files.incoming.remove(&id).is_some() || was_expected {
                self.dirty(StateKey::Files);
            }
            self.write(Write::EntryExpires(id));
            self.batch.after.push(Output::Advanced(vec![id]));
        }
    }
}

fn words(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

const EXPIRY_LOOK_MS: u64 = 3_600_000;
