//! First contact and restart: hello, answer, confirmation (PROTOCOL §4.4).
//!
//! *Wanted.* A node without a link to a known peer says hello as soon as a route's time is known.
//! *Hello, answer.* Each message is signed, cut into parts and repeated; the answer waits ten windows if
//! the peer's old incarnation was heard within ten minutes. *Established.* Who said hello has the link
//! with the answer, who answered with the confirmation. Streams begin again; what was unacknowledged is
//! sent again.

use couloir_seal::Direction;
use couloir_seal::agreement::{Agreement, JoinSecret};
use couloir_seal::identity::node_id;
use couloir_seal::papers::verify_acceptance;
use couloir_seal::rendezvous::{self, Part};
use couloir_wire::cell::Stream;
use couloir_wire::id::{Digest, IncarnationId, RouteId};
use couloir_wire::papers::{
    Answer, Confirm, Hello, PublicKey, Purpose, RendezvousBody, SignedAcceptance, SignedRendezvous,
};
use couloir_wire::time::{Hour, WallTime};
use minicbor::bytes::ByteVec;

use super::Engine;
use super::files::Owed;
use crate::input::Now;
use crate::keys::Epochs;
use crate::link::{Frozen, Heard, PhraseState, Said, Stage};
use crate::output::Notice;
use crate::parts::PartsOut;
use crate::store::{StateKey, Write};
use crate::streams::RecvStreams;
use crate::timers::Timer;

impl Engine {
    /// At the start of service: says again what was being said, or wants a link if there is none.
    pub(super) fn want_link(&mut self) {
        let is_stale = match self.link.stage {
            Stage::Hello(_) => true,
            Stage::Answered(..) => self.link.epochs.is_none(),
            Stage::Quiet | Stage::Wanted | Stage::Confirmed(_) => false,
        };
        if is_stale && !self.is_first_contact() {
            self.link.stage = Stage::Wanted;
        }
        if let Some(message) = self.link.stage.message().map(<[u8]>::to_vec) {
            self.link.parts_out = Some(PartsOut::new(message, &mut self.entropy));
            return;
        }
        let is_wanted = self.link.epochs.is_none() && self.party.peer.is_some();
        if is_wanted && self.link.stage == Stage::Quiet {
            self.link.stage = Stage::Wanted;
        }
    }

    /// Whether the two have never had a link that was verified. Then hello and answer stay as they are:
    /// a second, different one would void the invitation.
    fn is_first_contact(&self) -> bool {
        let invitation = self.party.state.invitation.as_ref();
        invitation.is_some_and(|invitation| invitation.taken.is_none()) || !self.watch.is_verified_here
    }

    /// A hello that nobody answered within the hour, or an answer that nobody confirmed, gives way to a new
    /// hello: the peer may know a later one.
    pub(super) fn renew_hello(&mut self, now: Now) {
        let is_waiting = match self.link.stage {
            Stage::Hello(_) => true,
            Stage::Answered(..) => self.link.epochs.is_none(),
            Stage::Quiet | Stage::Wanted | Stage::Confirmed(_) => false,
        };
        if !is_waiting || self.is_first_contact() {
            return;
        }
        self.link.stage = Stage::Wanted;
        self.link.parts_out = None;
        self.say_hello_anywhere(now);
        if self.link.stage == Stage::Wanted && self.steady.is_empty() {
            self.make_hello(self.time(now));
        }
    }

    /// Says hello if a link is wanted and `route` tells what time it is.
    pub(super) fn say_hello(&mut self, now: Now, route: RouteId) {
        if self.link.stage != Stage::Wanted {
            return;
        }
        let steady = self.steady.get(&route).filter(|steady| steady.is_synchronised());
        let time = steady.map(|steady| steady.clock.time_at(now.moment));
        if let Some(time) = time {
            self.make_hello(time);
        }
    }

    /// Says hello if a link is wanted and any route tells what time it is.
    pub(super) fn say_hello_anywhere(&mut self, now: Now) {
        let routes: Vec<RouteId> = self.steady.keys().copied().collect();
        routes.into_iter().for_each(|route| self.say_hello(now, route));
    }

    /// Signs a hello that says it is `time`.
    pub(super) fn make_hello(&mut self, time: WallTime) {
        let is_first = self.party.state.invitation.as_ref().is_some_and(|i| i.taken.is_none());
        let acceptance = self.party.state.acceptance.as_ref().filter(|_| is_first);
        let acceptance = acceptance.and_then(|paper| SignedAcceptance::decode(&paper.0).ok());
        let Some((join, key_package)) = self.offer() else { return };
        let (nonce, incarnation) = self.draw();
        let hello = Hello {
            purpose: if is_first { Purpose::Join } else { Purpose::Restore },
            from: self.party.own.node,
            incarnation,
            nonce,
            sent_ms: time.0,
            key_package,
            acceptance,
        };
        let message = self.say_rendezvous(RendezvousBody::Hello(hello));
        self.link.stage = Stage::Hello(Said { message, nonce, incarnation, join, created: None });
    }

    fn draw(&mut self) -> (Digest, IncarnationId) {
        (Digest(self.entropy.array()), IncarnationId(self.entropy.array()))
    }

    /// P's key package and the secret that joins with it; nothing for C. `None` if the library failed.
    fn offer(&mut self) -> Option<(Option<ByteVec>, Option<Vec<u8>>)> {
        if self.party.is_committer() {
            return Some((None, None));
        }
        let (join, offer) = Agreement::offer(&mut self.entropy, self.suite, self.party.own.node).ok()?;
        Some((Some(join.to_bytes().to_vec().into()), Some(offer)))
    }

    /// Signs `body` and begins to say it, part by part.
    fn say_rendezvous(&mut self, body: RendezvousBody) -> ByteVec {
        let message = rendezvous::sign(&self.signing, body).encode();
        self.link.parts_out = Some(PartsOut::new(message.clone(), &mut self.entropy));
        self.dirty(StateKey::Link);
        message.into()
    }

    /// A whole message came in parts. Whatever is wrong with it, it is passed over.
    pub(super) fn on_rendezvous(&mut self, now: Now, octets: &[u8]) {
        let Ok(signed) = SignedRendezvous::decode(octets) else { return };
        let Some(key) = self.key_of(&signed) else { return };
        if self.party.is_revoked(node_id(&key)) {
            return;
        }
        let Ok(body) = rendezvous::verify(signed.clone(), &key) else { return };
        match body.get() {
            RendezvousBody::Hello(hello) => self.on_hello(now, hello, signed),
            RendezvousBody::Answer(answer) => self.on_answered(answer),
            RendezvousBody::Confirm(confirm) => self.on_confirm(confirm),
        }
    }

    /// The certified key that must have signed: the peer's, or at first contact the one that the hello's
    /// acceptance names.
    fn key_of(&self, signed: &SignedRendezvous) -> Option<PublicKey> {
        if let Some(peer) = &self.party.peer {
            return Some(peer.certificate.unverified().node.clone());
        }
        let RendezvousBody::Hello(hello) = signed.unverified() else { return None };
        let acceptance = hello.acceptance.as_ref()?;
        let first = self.party.first_charter()?;
        let (_, certificate) = verify_acceptance(acceptance, first).ok()?;
        Some(certificate.into_inner().node)
    }

    fn on_hello(&mut self, now: Now, hello: &Hello, signed: SignedRendezvous) {
        let is_answered = matches!(&self.link.stage, Stage::Answered(_, heard) if heard.nonce == hello.nonce);
        let waits = self.link.hello_waiting.as_ref().is_some_and(|waiting| *waiting == signed);
        // Of two that say hello at once, C answers and P goes on.
        let is_ours_first = matches!(self.link.stage, Stage::Hello(_)) && !self.party.is_committer();
        let is_past = self.link.last_hello_ms.is_some_and(|last_ms| hello.sent_ms <= last_ms);
        if is_past || is_answered || waits || is_ours_first || self.link.frozen.is_some() {
            return;
        }
        if hello.purpose == Purpose::Join && !self.takes_joiner(now, hello, &signed) {
            return;
        }
        let margin_ms = HELLO_WAIT_WINDOWS * self.longest_window_ms();
        match self.link.newest_cell {
            Some((opens, _)) if opens - WallTime(hello.sent_ms) > margin_ms as i64 => {
                self.freeze(Frozen::TwoNodes);
            }
            Some((_, moment)) if now.moment.since_ms(moment) < OLD_LIFE_MS => {
                self.link.hello_waiting = Some(signed);
                self.timers.set(Timer::AnswerHello, now.moment + margin_ms);
            }
            _ => self.answer(hello),
        }
    }

    /// No sign of a second node came while the hello waited.
    pub(super) fn answer_waiting_hello(&mut self, _now: Now) {
        let Some(signed) = self.link.hello_waiting.take() else { return };
        if self.link.frozen.is_none()
            && let RendezvousBody::Hello(hello) = signed.unverified()
        {
            self.answer(&hello.clone());
        }
    }

    /// The inviter looks at who joins: one answer per invitation, a second, different one voids it.
    fn takes_joiner(&mut self, now: Now, hello: &Hello, signed: &SignedRendezvous) -> bool {
        let at = self.time(now);
        let digest = couloir_seal::sha256_of(signed.octets());
        let Some(invitation) = self.party.state.invitation.as_mut().filter(|i| i.is_own) else {
            return false;
        };
        if invitation.is_void || at.0 > invitation.expires_ms {
            return false;
        }
        match invitation.taken {
            Some(taken) if taken == digest => return self.link.epochs.is_none(),
            Some(_) => {
                invitation.is_void = true;
                self.dirty(StateKey::Channel);
                self.notice(Notice::InvitationVoid);
                return false;
            }
            None => {}
        }
        let Some(acceptance) = &hello.acceptance else { return false };
        if self.party.take_acceptance(acceptance).is_err() {
            return false;
        }
        if let Some(invitation) = &mut self.party.state.invitation {
            invitation.taken = Some(digest);
        }
        self.dirty(StateKey::Channel);
        true
    }

    fn answer(&mut self, hello: &Hello) {
        let (nonce, incarnation) = self.draw();
        let own = Part { nonce, incarnation };
        let heard = Heard { nonce: hello.nonce, incarnation: hello.incarnation, sent_ms: hello.sent_ms };
        let Some((join, key_package)) = self.offer() else { return };
        let created = match (&key_package, &hello.key_package) {
            (None, Some(offer)) => self.create(offer, heard.part(), own, heard.sent_ms),
            _ => None,
        };
        let is_complete = key_package.is_some() || created.is_some();
        if !is_complete {
            return;
        }
        let (created, welcome) = created.unzip();
        let created = created.map(|epochs: Epochs| epochs.encode().into());
        let from = self.party.own.node;
        let answer = Answer { from, incarnation, nonce, echo: hello.nonce, key_package, welcome };
        let message = self.say_rendezvous(RendezvousBody::Answer(answer));
        self.link.stage = Stage::Answered(Said { message, nonce, incarnation, join, created }, heard);
    }

    /// C: the group made from P's key package, with the keys of its first epoch, and the welcome.
    fn create(&mut self, offer: &[u8], hello: Part, answer: Part, sent_ms: i64) -> Option<(Epochs, Vec<u8>)> {
        let own = self.party.own.node;
        let (agreement, welcome) = Agreement::create(&mut self.entropy, self.suite, own, offer).ok()?;
        Some((self.first_epoch(agreement, hello, answer, sent_ms)?, welcome))
    }

    fn first_epoch(&self, agreement: Agreement, hello: Part, answer: Part, sent_ms: i64) -> Option<Epochs> {
        if agreement.peer() != self.party.peer.as_ref()?.node {
            return None;
        }
        let salt = self.link.meeting.as_ref()?.secret.restart_salt(hello, answer);
        let is_committer = self.party.is_committer();
        let own = if is_committer { Direction::FromCommitter } else { Direction::FromProposer };
        Some(Epochs::new(agreement, self.suite, own, &salt, first_hour(WallTime(sent_ms))))
    }

    fn on_answered(&mut self, answer: &Answer) {
        let Stage::Hello(said) = &self.link.stage else { return };
        if said.nonce != answer.echo {
            return;
        }
        let own = Part { nonce: said.nonce, incarnation: said.incarnation };
        let peer = Part { nonce: answer.nonce, incarnation: answer.incarnation };
        let Some(sent_ms) = sent_ms(&said.message) else { return };
        let join = said.join.clone();
        let made = match (&answer.key_package, &answer.welcome, join) {
            (Some(offer), None, None) => {
                self.create(offer, own, peer, sent_ms).map(|(epochs, welcome)| (epochs, Some(welcome)))
            }
            (None, Some(welcome), Some(join)) => {
                let agreement = joined(&join, welcome);
                agreement.and_then(|a| self.first_epoch(a, own, peer, sent_ms)).map(|epochs| (epochs, None))
            }
            _ => None,
        };
        let Some((epochs, welcome)) = made else { return };
        let confirm = Confirm { from: self.party.own.node, echo: answer.nonce, welcome };
        let message = self.say_rendezvous(RendezvousBody::Confirm(confirm));
        self.establish(epochs, Stage::Confirmed(message));
    }

    fn on_confirm(&mut self, confirm: &Confirm) {
        let Stage::Answered(said, heard) = &self.link.stage else { return };
        if said.nonce != confirm.echo {
            return;
        }
        let own = Part { nonce: said.nonce, incarnation: said.incarnation };
        let epochs = match (&said.created, &said.join, &confirm.welcome) {
            (Some(created), ..) => Epochs::decode(created, couloir_wire::time::Moment(0)),
            (None, Some(join), Some(welcome)) => {
                let agreement = joined(join, welcome);
                agreement.and_then(|agreement| self.first_epoch(agreement, heard.part(), own, heard.sent_ms))
            }
            _ => None,
        };
        let sent_ms = heard.sent_ms;
        if let Some(epochs) = epochs {
            self.link.last_hello_ms = Some(sent_ms);
            self.link.parts_out = None;
            self.establish(epochs, Stage::Quiet);
        }
    }

    /// The link stands: streams begin again, and what was unacknowledged is sent again.
    fn establish(&mut self, epochs: Epochs, stage: Stage) {
        self.link.epochs = Some(epochs);
        self.link.stage = stage;
        self.link.hello_waiting = None;
        self.link.newest_cell = None;
        self.link.unknown_cells = 0;
        self.link.update = None;
        self.link.update_sent_in = None;
        self.link.inventory = None;
        self.restart_streams();
        if let Some(invitation) = self.party.state.invitation.as_mut().filter(|i| i.taken.is_none()) {
            invitation.taken = Some(Digest::default());
            self.dirty(StateKey::Channel);
        }
        if !self.watch.is_verified_here {
            self.link.phrase = PhraseState::default();
            self.begin_phrase();
        } else {
            self.notice(Notice::Restarted);
            self.files.owed = Owed { is_inventory: true, ..Owed::default() };
            self.dirty(StateKey::Files);
            self.fetch_owed();
        }
        [StateKey::Link, StateKey::SendCursors, StateKey::RecvCursors]
            .into_iter()
            .for_each(|key| self.dirty(key));
    }

    fn restart_streams(&mut self) {
        let shifts = self.link.send.restart();
        self.write(Write::OutboxClear(Stream::Control));
        for stream in Stream::ALL.into_iter().skip(1) {
            let by = shifts[stream.index()];
            if by > 0 {
                self.write(Write::OutboxDelivered { stream, below: by });
                self.write(Write::OutboxShift { stream, by });
            }
        }
        self.link.recv = RecvStreams::new();
        let own = self.entropy.array();
        self.link.lives.restart(own);
        self.write(Write::PartialsClear);
        self.files.restart(shifts[Stream::Bulk.index()]);
        self.dirty(StateKey::Files);
    }

    /// Cells of an old incarnation whose window is later than its successor's hello: both run.
    pub(super) fn watch_for_second_node(&mut self, source: &super::hear::Source) {
        let hello = match (&self.link.stage, &self.link.hello_waiting) {
            (Stage::Answered(_, heard), _) => Some(heard.sent_ms),
            (_, Some(waiting)) => match waiting.unverified() {
                RendezvousBody::Hello(hello) => Some(hello.sent_ms),
                RendezvousBody::Answer(_) | RendezvousBody::Confirm(_) => None,
            },
            _ => None,
        };
        let margin_ms = HELLO_WAIT_WINDOWS * self.longest_window_ms();
        let is_later =
            |sent_ms: i64| source.opens.is_some_and(|opens| opens - WallTime(sent_ms) > margin_ms as i64);
        if hello.is_some_and(is_later) {
            self.freeze(Frozen::TwoNodes);
        }
    }
}

impl Heard {
    fn part(&self) -> Part {
        Part { nonce: self.nonce, incarnation: self.incarnation }
    }
}

/// P: the group that C's welcome invites to.
fn joined(join: &[u8], welcome: &[u8]) -> Option<Agreement> {
    Agreement::join(&JoinSecret::from_bytes(join).ok()?, welcome).ok()
}

fn sent_ms(message: &[u8]) -> Option<i64> {
    match SignedRendezvous::decode(message).ok()?.into_unverified() {
        RendezvousBody::Hello(hello) => Some(hello.sent_ms),
        RendezvousBody::Answer(_) | RendezvousBody::Confirm(_) => None,
    }
}

/// The first hour of an epoch made at `time`: a day and two hours before, so that every route has a
/// key whose time is off by up to a day.
pub(super) fn first_hour(time: WallTime) -> Hour {
    Hour(Hour::of(time).0.saturating_sub(FIRST_HOUR_SLACK))
}

const FIRST_HOUR_SLACK: u64 = 26;
/// How long a hello is not answered when its sender's old incarnation was heard lately, in windows.
const HELLO_WAIT_WINDOWS: u64 = 10;
/// How long ago is lately.
const OLD_LIFE_MS: u64 = 600_000;
