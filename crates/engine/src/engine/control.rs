//! Messages of the control stream (PROTOCOL §4.7).

use couloir_seal::phrase::{Phrase, commitment, is_committed};
use couloir_seal::rendezvous::End;
use couloir_wire::cell::{Official, Stream};
use couloir_wire::entry::DeliveryState;
use couloir_wire::id::{Digest, EntryId};
use couloir_wire::limits::DRILL_WINDOWS;
use couloir_wire::time::{Hour, WallTime};

use super::{Crossing, LinkEngine};
use crate::control::{Control, DRILL_TEXTS, INVENTORY_IDS_MAX};
use crate::input::Now;
use crate::link::Frozen;
use crate::output::Notice;
use crate::store::StateKey;
use crate::timers::Timer;
use crate::watch::DrillRecord;

impl LinkEngine {
    pub(super) fn on_control(&mut self, now: Now, octets: &[u8]) {
        // An authentic peer that writes what is no message harms only itself: it is passed over.
        let Some(message) = Control::decode(octets) else { return };
        match message {
            Control::Update { epoch, octets } => self.link.update = Some((epoch, octets.into())),
            Control::Commit { first_hour, octets } => self.on_commit(now, &octets, Hour(first_hour)),
            Control::PhraseCommit(commitment) => self.on_phrase_commit(Digest(commitment)),
            Control::PhraseNonce(nonce) => self.on_phrase_nonce(Digest(nonce)),
            Control::PhraseReveal(nonce) => self.on_phrase_reveal(Digest(nonce)),
            Control::Drill { nonce, .. } => self.tell(&Control::DrillAnswer { nonce }),
            Control::DrillAnswer { nonce } => self.on_drill_answer(now, nonce),
            Control::Shown(ids) => self.on_shown(&ids),
            Control::Paper(octets) => self.on_peer_paper(now, &octets),
            Control::Withdraw(version) => self.on_peer_withdrew(version),
            Control::Inventory { ids, is_last } => self.on_inventory(ids, is_last),
            Control::Introduce(introduction) => self.on_introduction(introduction),
        }
    }

    /// Tests the line, unless a test is under way that the peer has not even received.
    pub(super) fn drill(&mut self, now: Now) {
        if self.link.epochs.is_none() || self.link.frozen.is_some() || self.watch.is_drilling() {
            return;
        }
        let nonce = self.entropy.array();
        let text = self.entropy.below(DRILL_TEXTS.len() as u64) as u8;
        let sent_ms = self.time(now).0;
        self.watch.drill = Some(DrillRecord { nonce, sent_ms, is_answered: None });
        self.dirty(StateKey::Watch);
        let life_ms = DRILL_WINDOWS * self.longest_window_ms();
        self.timers.set(Timer::DrillEnds, now.moment + life_ms);
        // What the peer has not received of an earlier drill will be answered all the same; one is enough.
        let backlog = self.link.send.end(Stream::Control) - self.link.send.base(Stream::Control);
        if backlog < DRILL_BACKLOG_OCTETS {
            self.tell(&Control::Drill { nonce, text });
        }
    }

    fn on_drill_answer(&mut self, now: Now, nonce: [u8; 16]) {
        let at = self.time(now);
        let Some(drill) = self.watch.drill.as_mut().filter(|drill| drill.nonce == nonce) else { return };
        if drill.is_answered.is_some() {
            return;
        }
        drill.is_answered = Some(true);
        let after_ms = u64::try_from(at - WallTime(drill.sent_ms)).unwrap_or(0);
        self.watch.drill_after_ms = Some(after_ms);
        self.timers.stop(Timer::DrillEnds);
        self.dirty(StateKey::Watch);
        self.notice(Notice::DrillAnswered { after_ms });
    }

    pub(super) fn end_drill(&mut self) {
        if let Some(drill) = self.watch.drill.as_mut().filter(|drill| drill.is_answered.is_none()) {
            drill.is_answered = Some(false);
            self.dirty(StateKey::Watch);
            self.notice(Notice::DrillMissed);
        }
    }

    /// Our page or log displayed these entries of the peer.
    pub(super) fn show(&mut self, ids: &[EntryId]) {
        let known: Vec<EntryId> = ids.iter().copied().filter(|id| self.talk.known.contains(id)).collect();
        self.mark(&known, DeliveryState::Shown);
        let tells = self.party.charter().is_some_and(|charter| charter.tells_shown);
        if tells && self.link.epochs.is_some() {
            for ids in known.chunks(INVENTORY_IDS_MAX) {
                self.tell(&Control::Shown(ids.to_vec()));
            }
        }
    }

    /// The peer says that it displayed entries. If it says so of its own, it only deceives itself.
    fn on_shown(&mut self, ids: &[EntryId]) {
        let known: Vec<EntryId> = ids.iter().copied().filter(|id| self.talk.known.contains(id)).collect();
        for id in &known {
            self.undelivered.remove(id);
        }
        self.mark(&known, DeliveryState::Shown);
    }

    pub(super) fn set_official(&mut self, now: Now, state: Official, why: &str) {
        let at = self.time(now);
        let was_active = self.watch.posture().0;
        self.watch.set_official(state, why, at);
        self.dirty(StateKey::Watch);
        self.tell_posture(was_active, at);
    }

    pub(super) fn tell_posture(&mut self, was_active: bool, at: WallTime) {
        let (is_active, since) = self.watch.posture();
        let since = since.unwrap_or(at);
        match (was_active, is_active) {
            (false, true) => self.notice(Notice::Active(since)),
            (true, false) => self.notice(Notice::Standby(since)),
            (true, true) | (false, false) => {}
        }
    }

    pub(super) fn confirm_phrase(&mut self) {
        if self.link.phrase.numbers.is_none() || self.watch.is_verified_here {
            return;
        }
        self.watch.is_verified_here = true;
        self.dirty(StateKey::Watch);
        if self.watch.is_verified() {
            self.crossing.push(Crossing::Verified);
        }
    }

    /// The link was made: the phrase's exchange begins.
    pub(super) fn begin_phrase(&mut self) {
        let Some(authenticator) = self.link.epochs.as_ref().map(|epochs| epochs.authenticator()) else {
            return;
        };
        let own = Digest(self.entropy.array());
        self.link.phrase.own = Some(own);
        self.link.phrase.authenticator = Some(authenticator);
        if self.party.end() == Some(End::Joiner)
            && let Some(transcript) = self.party.transcript(authenticator)
        {
            self.tell(&Control::PhraseCommit(commitment(&own, &transcript).0));
        }
    }

    fn on_phrase_commit(&mut self, commitment: Digest) {
        let phrase = &mut self.link.phrase;
        if self.party.end() != Some(End::Inviter) || phrase.commitment.is_some() {
            return;
        }
        phrase.commitment = Some(commitment);
        if let Some(own) = phrase.own {
            self.tell(&Control::PhraseNonce(own.0));
        }
        self.dirty(StateKey::Link);
    }

    fn on_phrase_nonce(&mut self, inviter: Digest) {
        let Some(own) = self.link.phrase.own.filter(|_| self.link.phrase.numbers.is_none()) else { return };
        if self.party.end() == Some(End::Joiner) {
            self.tell(&Control::PhraseReveal(own.0));
            self.finish_phrase(inviter, own);
        }
    }

    fn on_phrase_reveal(&mut self, joiner: Digest) {
        let phrase = self.link.phrase;
        let (Some(own), Some(commitment)) = (phrase.own, phrase.commitment) else { return };
        if self.party.end() != Some(End::Inviter) || phrase.numbers.is_some() {
            return;
        }
        let transcript = phrase.authenticator.and_then(|authenticator| self.party.transcript(authenticator));
        if transcript.is_some_and(|transcript| is_committed(&commitment, &joiner, &transcript)) {
            self.finish_phrase(own, joiner);
        } else {
            self.freeze(Frozen::Phrase);
        }
    }

    fn finish_phrase(&mut self, inviter: Digest, joiner: Digest) {
        let authenticator = self.link.phrase.authenticator;
        let Some(transcript) = authenticator.and_then(|a| self.party.transcript(a)) else { return };
        self.link.phrase.numbers = Some(Phrase::new(&transcript, &inviter, &joiner).numbers());
        self.dirty(StateKey::Link);
        if !self.watch.is_verified_here {
            self.notice(Notice::Joined);
        }
    }
}

/// So much of the control stream unacknowledged means that the peer is away; drills do not pile up.
const DRILL_BACKLOG_OCTETS: u64 = 4 * 1024;
