//! Entries: saying them, hearing them, their place in the log, their expiry (PROTOCOL §7).

use couloir_seal::sha256_of;
use couloir_talks::hold::Release;
use couloir_wire::cell::Stream;
use couloir_wire::entry::{Body, DeliveryState, Entry, Precedence};
use couloir_wire::id::{ConversationId, EntryId, PostId};
use couloir_wire::limits::ENTRY_OCTETS_MAX;
use couloir_wire::time::Moment;

use super::{Crossing, LinkEngine};
use crate::bulk;
use crate::input::{Now, Say};
use crate::output::{Output, Refusal};
use crate::planted::planted;
use crate::store::{OutboxItem, OutboxRow, StateKey, StoredEntry, Write};
use crate::talk::Unnumbered;
use crate::timers::Timer;

impl LinkEngine {
    /// It is kept.
    pub(super) fn said(&mut self, token: u64, id: EntryId) {
        self.batch.after.push(Output::Said { token, id });
    }

    /// What somebody wants to say, as an entry; or why it cannot be said.
    pub(super) fn draft(&mut self, now: Now, say: Say) -> Result<Entry, Refusal> {
        if self.party.state.successor.is_some() {
            return Err(Refusal::Replaced);
        }
        let at_ms = self.time(now).0;
        let id = say.id.unwrap_or_else(|| EntryId::new(self.entropy.array(), at_ms));
        let conversation = self.conversation_of(&say, id)?;
        self.check_refers(&say.body)?;
        let own = self.expires_after_ms(&say, conversation)?.map(|ms| at_ms.saturating_add_unsigned(ms));
        let repeated = say.body.repeats().and_then(|entry| self.talk.expiry_of(entry));
        let entry = Entry {
            id,
            conversation,
            author: self.party.own.post(),
            parents: self.talk.parents(conversation),
            at_ms,
            precedence: say.precedence,
            expires_ms: own.into_iter().chain(repeated).min(),
            salt: self.entropy.array(),
            marking: say.marking,
            body: say.body,
        };
        entry.check().map_err(|error| Refusal::Unacceptable(words(&error)))?;
        if entry.encode().len() > ENTRY_OCTETS_MAX {
            return Err(Refusal::Unacceptable("it is too long for one entry".into()));
        }
        if self.talk.known.contains(&entry.id) {
            return Err(Refusal::Unacceptable("this entry was said already".into()));
        }
        Ok(entry)
    }

    /// Where it is said: in the conversation that it opens, or in one that is known.
    fn conversation_of(&self, say: &Say, id: EntryId) -> Result<ConversationId, Refusal> {
        let first = self.party.conversation().ok_or(Refusal::NoChannel)?;
        if let Body::Open(_) = &say.body {
            let is_full = !self.talk.has_room();
            return if is_full { Err(Refusal::TooMany) } else { Ok(ConversationId::opened_by(id)) };
        }
        match say.conversation {
            None => Ok(first),
            Some(named) => Ok(named),
        }
    }

    /// What it is about is here.
    fn check_refers(&self, body: &Body) -> Result<(), Refusal> {
        let is_here = body.of().is_none_or(|entry| self.talk.known.contains(&entry));
        if is_here { Ok(()) } else { Err(Refusal::NoSuchEntry) }
    }

    fn expires_after_ms(&self, say: &Say, conversation: ConversationId) -> Result<Option<u64>, Refusal> {
        let may_expire = self.party.charter().is_some_and(|charter| charter.notes_may_expire);
        let agreed = match &say.body {
            Body::Open(opening) => opening.expires_after_ms,
            _ => self.talk.conversation(conversation).and_then(|known| known.expires_after_ms),
        };
        if say.expires_after_ms.or(agreed).is_some() && !may_expire {
            return Err(Refusal::Charter("the charter lets no entry expire".into()));
        }
        if say.expires_after_ms.is_some() && !say.body.may_expire() {
            return Err(Refusal::Unacceptable(
                "only notes, files and what is said of them may expire".into(),
            ));
        }
        Ok(say.expires_after_ms.or(agreed.filter(|_| say.body.may_expire())))
    }

    /// Keeps what we say, in its place in the log.
    pub(super) fn keep(&mut self, entry: &Entry) {
        let encoded = entry.encode();
        self.advance(entry, &encoded);
        let number = self.enter_log(entry);
        self.write(Write::Entry(StoredEntry {
            id: entry.id,
            encoded,
            is_own: true,
            state: DeliveryState::Kept,
            number: Some(number),
            has_gap: false,
        }));
    }

    pub(super) fn keep_until_verified(&mut self, entry: &Entry) {
        let encoded = entry.encode();
        self.advance(entry, &encoded);
        self.talk.known.insert(entry.id);
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

    /// What was kept until the phrase was compared has its place in the log.
    pub(super) fn number_kept(&mut self, entry: &Entry) {
        self.talk.unnumbered.remove(&entry.id);
        let number = self.enter_log(entry);
        self.write(Write::EntryAppears { id: entry.id, number, has_gap: false });
    }

    /// Whatever is said next in the conversation comes after it.
    fn advance(&mut self, entry: &Entry, encoded: &[u8]) {
        self.talk.advance(entry, sha256_of(encoded));
        self.dirty(StateKey::Conversation(entry.conversation));
    }

    /// An entry's place in the log; it is known, and watched for its expiry.
    fn enter_log(&mut self, entry: &Entry) -> u64 {
        self.talk.known.insert(entry.id);
        let number = self.talk.next_number();
        if let Some(expires_ms) = entry.expires_ms {
            self.talk.expiring.insert((expires_ms, entry.id));
            self.timers.set(Timer::Expiry, Moment(0));
        }
        self.dirty(StateKey::Talk);
        self.batch.after.push(Output::Appeared(vec![entry.id]));
        number
    }

    /// The entry leaves over this link.
    pub(super) fn send_entry(&mut self, entry: &Entry, encoded: &[u8]) {
        self.undelivered.insert(entry.id, DeliveryState::Kept);
        let stream = Stream::from(entry.precedence);
        let appended = self.link.send.append(stream, encoded, Some(entry.id));
        let (offset, framed_len) = (appended.offset, appended.framed_len);
        let what = OutboxItem::Entry(entry.id);
        if !planted!(KeepsNoOutbox) {
            self.write(Write::Outbox(OutboxRow { stream, offset, framed_len, what }));
        }
        if let Some((len, _)) = entry.body.attached() {
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
        let is_ours = self.party.own.post() == entry.author;
        let is_peers = !is_ours && self.is_between_us(entry.author);
        let is_here = self.is_conversation_fit(&entry);
        let is_known = self.talk.known.contains(&entry.id) && !planted!(TakesTwice);
        if !(is_peers || is_ours) || !is_here || is_known {
            return;
        }
        let missing =
            if planted!(WaitsForNothing) { Default::default() } else { self.talk.missing(&entry.parents) };
        if !self.talk.is_number_plausible(&entry, missing.is_empty()) {
            return;
        }
        self.talk.known.insert(entry.id);
        if entry.body.attached().is_some() {
            self.expect_file(&entry);
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

    /// An entry is in the conversation that it opens, or in another that began before it, and both ends of this link
    /// read it.
    fn is_conversation_fit(&self, entry: &Entry) -> bool {
        let is_opening =
            entry.conversation == ConversationId::opened_by(entry.id) && entry.parents.is_empty();
        let is_ours =
            |members: &[PostId]| self.ends().is_some_and(|ends| ends.iter().all(|end| members.contains(end)));
        match &entry.body {
            Body::Open(opening) => is_opening && self.talk.has_room() && is_ours(&opening.members),
            _ if self.party.conversation() == Some(entry.conversation) => true,
            _ => match self.talk.conversation(entry.conversation) {
                Some(known) => {
                    !entry.parents.is_empty() && (known.members.is_empty() || is_ours(&known.members))
                }
                None => !entry.parents.is_empty() && self.talk.has_room(),
            },
        }
    }

    /// The posts at the two ends of this link, ours first.
    pub(super) fn ends(&self) -> Option<[PostId; 2]> {
        Some([self.party.own.post(), self.party.peer.as_ref()?.post()])
    }

    fn is_between_us(&self, author: PostId) -> bool {
        self.ends().is_some_and(|ends| ends.contains(&author))
    }

    /// Whether an entry is one that the peer may be given: by one of us two, where both of us read.
    pub(super) fn is_for_peer(&self, entry: &Entry) -> bool {
        let is_its = match self.talk.conversation(entry.conversation) {
            Some(known) if !known.members.is_empty() => {
                self.ends().is_some_and(|ends| ends.iter().all(|end| known.members.contains(end)))
            }
            // Its opening has not come: only its author can have it.
            _ => self.party.conversation() == Some(entry.conversation) || self.is_peers_own(entry),
        };
        is_its && self.is_between_us(entry.author)
    }

    fn is_peers_own(&self, entry: &Entry) -> bool {
        self.party.peer.as_ref().is_some_and(|peer| peer.post() == entry.author)
    }

    /// Keeps what the peer said or gave back: in the log if it goes up `at_once`, else waiting.
    fn keep_heard(&mut self, entry: &Entry, octets: &[u8], is_own: bool, at_once: Option<&Release>) {
        let number = at_once.map(|_| {
            self.advance(entry, octets);
            self.enter_log(entry)
        });
        let has_gap = at_once.is_some_and(|release| release.has_gap) && !planted!(HidesGaps);
        // Own words that the peer gives back after a restore are with it already.
        let (id, encoded, state) = (entry.id, octets.to_vec(), DeliveryState::Delivered);
        self.write(Write::Entry(StoredEntry { id, encoded, is_own, state, number, has_gap }));
        if number.is_none() {
            let waiting = Unnumbered { encoded: octets.to_vec(), is_own: false };
            self.talk.unnumbered.insert(id, waiting);
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
            self.advance(&entry, &waiting.encoded);
            let number = self.enter_log(&entry);
            let has_gap = release.has_gap && !planted!(HidesGaps);
            self.write(Write::EntryAppears { id: release.id, number, has_gap });
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
            self.crossing.push(Crossing::Expired(id));
            self.write(Write::EntryExpires(id));
            self.batch.after.push(Output::Advanced(vec![id]));
        }
    }

    /// An entry expired: nothing of it is on its way any more.
    pub(super) fn forget_entry(&mut self, id: EntryId) {
        self.undelivered.remove(&id);
        let was_expected = self.files.expected.remove(&id).is_some();
        if self.files.incoming.remove(&id).is_some() || was_expected {
            self.dirty(StateKey::Files);
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
