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
    SignedRevocation,
};
use couloir_wire::time::{Hour, Moment};
use minicbor::bytes::ByteVec;

use super::LinkEngine;
use super::files::Owed;
use crate::input::Now;
use crate::keys::Epochs;
use crate::link::{Frozen, Heard, PhraseState, Said, Stage};
use crate::output::Notice;
use crate::parts::PartsOut;
use crate::steady::Steady;
use crate::store::{StateKey, Write};
use crate::streams::RecvStreams;
use crate::timers::Timer;

impl LinkEngine {
    /// At the start of service: says again what was being said, or wants a link if there is none.
    pub(super) fn want_link(&mut self) {
        if self.link.frozen == Some(Frozen::Revoked) {
            return self.say_revocation();
        }
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
            self.make_hello(now);
        }
    }

    /// Says hello if a link is wanted and `route` tells what time it is.
    pub(super) fn say_hello(&mut self, now: Now, route: RouteId) {
        if self.link.stage != Stage::Wanted {
            return;
        }
        if self.steady.get(&route).is_some_and(Steady::is_synchronised) {
            self.make_hello(now);
        }
    }

    /// Says hello if a link is wanted and any route tells what time it is.
    pub(super) fn say_hello_anywhere(&mut self, now: Now) {
        let routes: Vec<RouteId> = self.steady.keys().copied().collect();
        routes.into_iter().for_each(|route| self.say_hello(now, route));
    }

    /// Signs a hello.
    pub(super) fn make_hello(&mut self, now: Now) {
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
            first_hour: self.first_hour(now).0,
            key_package,
            acceptance,
            certificate: self.party.own_successor(),
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

    /// A revoked peer is told so, by the paper itself, and nothing else is said to it.
    pub(super) fn say_revocation(&mut self) {
        let node = self.party.peer.as_ref().map(|peer| peer.node);
        let paper = node.and_then(|node| self.party.revocation_of(node)).map(|paper| paper.0.clone());
        self.link.stage = Stage::Quiet;
        self.link.parts_out = paper.map(|paper| PartsOut::new(paper, &mut self.entropy));
    }

    /// A whole message came in parts. Whatever is wrong with it, it is passed over.
    pub(super) fn on_rendezvous(&mut self, now: Now, octets: &[u8]) {
        if let Ok(revocation) = SignedRevocation::decode(octets) {
            let own = self.party.own.node;
            if revocation.unverified().node == own && !self.party.is_revoked(own) {
                self.on_peer_paper(now, octets);
            }
            return;
        }
        let Ok(signed) = SignedRendezvous::decode(octets) else { return };
        if let Some(certificate) = signed.unverified().certificate() {
            self.take_certificate_of(now, certificate);
        }
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
        let is_past = self.link.past_hellos.contains(&hello.nonce);
        if is_past || is_answered || waits || is_ours_first || self.link.frozen.is_some() {
            return;
        }
        if hello.purpose == Purpose::Join && !self.takes_joiner(now, hello, &signed) {
            return;
        }
        self.link.hello_heard_at = Some(now.moment);
        if self.link.fresh_cell_at.is_some_and(|at| now.moment.since_ms(at) < OLD_LIFE_MS) {
            self.link.hello_waiting = Some(signed);
            let wait_ms = HELLO_WAIT_WINDOWS * self.longest_window_ms();
            self.timers.set(Timer::AnswerHello, now.moment + wait_ms);
        } else {
            self.answer(now, hello);
        }
    }

    /// No sign of a second node came while the hello waited.
    pub(super) fn answer_waiting_hello(&mut self, now: Now) {
        let Some(signed) = self.link.hello_waiting.take() else { return };
        if self.link.frozen.is_none()
            && let RendezvousBody::Hello(hello) = signed.unverified()
        {
            self.answer(now, &hello.clone());
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

    fn answer(&mut self, now: Now, hello: &Hello) {
        let (nonce, incarnation) = self.draw();
        let own = Part { nonce, incarnation };
        let own_hour = self.first_hour(now);
        let first_hour = own_hour.0.min(hello.first_hour);
        let heard = Heard { nonce: hello.nonce, incarnation: hello.incarnation, first_hour };
        let Some((join, key_package)) = self.offer() else { return };
        let created = match (&key_package, &hello.key_package) {
            (None, Some(offer)) => self.create(offer, heard.part(), own, Hour(first_hour)),
            _ => None,
        };
        let is_complete = key_package.is_some() || created.is_some();
        if !is_complete {
            return;
        }
        let (created, welcome) = created.unzip();
        let created = created.map(|epochs: Epochs| epochs.encode().into());
        let from = self.party.own.node;
        let (echo, first_hour) = (hello.nonce, own_hour.0);
        let certificate = self.party.own_successor();
        let answer = Answer { from, incarnation, nonce, echo, key_package, welcome, first_hour, certificate };
        let message = self.say_rendezvous(RendezvousBody::Answer(answer));
        self.link.stage = Stage::Answered(Said { message, nonce, incarnation, join, created }, heard);
    }

    /// C: the group made from P's key package, with the keys of its first epoch, and the welcome.
    fn create(&mut self, offer: &[u8], hello: Part, answer: Part, first: Hour) -> Option<(Epochs, Vec<u8>)> {
        let own = self.party.own.node;
        let (agreement, welcome) = Agreement::create(&mut self.entropy, self.suite, own, offer).ok()?;
        Some((self.first_epoch(agreement, hello, answer, first)?, welcome))
    }

    fn first_epoch(&self, agreement: Agreement, hello: Part, answer: Part, first: Hour) -> Option<Epochs> {
        if agreement.peer() != self.party.peer.as_ref()?.node {
            return None;
        }
        let salt = self.link.meeting.as_ref()?.secret.restart_salt(hello, answer);
        let is_committer = self.party.is_committer();
        let own = if is_committer { Direction::FromCommitter } else { Direction::FromProposer };
        Some(Epochs::new(agreement, self.suite, own, &salt, first))
    }

    fn on_answered(&mut self, answer: &Answer) {
        let Stage::Hello(said) = &self.link.stage else { return };
        if said.nonce != answer.echo {
            return;
        }
        let own = Part { nonce: said.nonce, incarnation: said.incarnation };
        let peer = Part { nonce: answer.nonce, incarnation: answer.incarnation };
        let Some(own_hour) = first_hour_of(&said.message) else { return };
        let first = Hour(own_hour.min(answer.first_hour));
        let join = said.join.clone();
        let made = match (&answer.key_package, &answer.welcome, join) {
            (Some(offer), None, None) => {
                self.create(offer, own, peer, first).map(|(epochs, welcome)| (epochs, Some(welcome)))
            }
            (None, Some(welcome), Some(join)) => {
                let agreement = joined(&join, welcome);
                agreement.and_then(|a| self.first_epoch(a, own, peer, first)).map(|epochs| (epochs, None))
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
                agreement.and_then(|a| self.first_epoch(a, heard.part(), own, Hour(heard.first_hour)))
            }
            _ => None,
        };
        let nonce = heard.nonce;
        if let Some(epochs) = epochs {
            self.link.past_hellos.push(nonce);
            let surplus = self.link.past_hellos.len().saturating_sub(PAST_HELLOS_MAX);
            self.link.past_hellos.drain(..surplus);
            self.link.parts_out = None;
            self.establish(epochs, Stage::Quiet);
        }
    }

    /// The link stands: streams begin again, and what was unacknowledged is sent again.
    fn establish(&mut self, epochs: Epochs, stage: Stage) {
        self.link.epochs = Some(epochs);
        self.link.stage = stage;
        self.link.hello_waiting = None;
        self.link.hello_heard_at = None;
        self.link.fresh_cell_at = None;
        self.link.unknown_cells = 0;
        self.link.update = None;
        self.link.update_sent_in = None;
        self.link.inventory = None;
        self.restart_streams();
        if let Some(invitation) = self.party.state.invitation.as_mut().filter(|i| i.taken.is_none()) {
            invitation.taken = Some(Digest::default());
            self.dirty(StateKey::Channel);
        }
        // Also on a verified link: the peer may be back in a state from before it was.
        self.link.phrase = PhraseState::default();
        self.begin_phrase();
        if self.watch.is_verified_here {
            self.notice(Notice::Restarted);
            self.tell_papers();
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

    /// A cell was opened that its writer had just written. If it says hello since longer than that, two
    /// machines run: who says hello has no keys to write under.
    pub(super) fn watch_for_second_node(&mut self, now: Now) {
        let grace_ms = HELLO_GRACE_WINDOWS * self.longest_window_ms();
        let is_second = |heard: Moment| now.moment.since_ms(heard) >= grace_ms;
        if self.link.hello_heard_at.is_some_and(is_second) {
            self.freeze(Frozen::TwoNodes);
        }
    }

    /// The hour before which no key is needed: a day and two hours before the earliest that it may be,
    /// so that every route has a key whose time is off by up to a day. One clock that is off by more than
    /// [`CLOCK_OFF_MAX_MS`] does not count.
    pub(super) fn first_hour(&self, now: Now) -> Hour {
        let (earliest, _) = self.clock.span(now.moment);
        let floor = self.time(now).shifted(-CLOCK_OFF_MAX_MS);
        Hour(Hour::of(earliest.max(floor)).0.saturating_sub(FIRST_HOUR_SLACK))
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

fn first_hour_of(message: &[u8]) -> Option<u64> {
    match SignedRendezvous::decode(message).ok()?.into_unverified() {
        RendezvousBody::Hello(hello) => Some(hello.first_hour),
        RendezvousBody::Answer(_) | RendezvousBody::Confirm(_) => None,
    }
}

const FIRST_HOUR_SLACK: u64 = 26;
/// How far a clock may be off for the keys of its hours to be kept: more than a relay's lie that nobody
/// repairs for a week.
const CLOCK_OFF_MAX_MS: i64 = 8 * 24 * 3_600_000;
/// How long a hello is not answered when its sender's old incarnation was heard lately, in windows.
const HELLO_WAIT_WINDOWS: u64 = 10;
/// A cell that is opened so many windows after a hello, and is not older than [`super::hear`] calls fresh,
/// was written after it.
const HELLO_GRACE_WINDOWS: u64 = 6;
/// A message cannot come again later than the windows in which it is read.
const PAST_HELLOS_MAX: usize = 8;
/// How long ago is lately.
const OLD_LIFE_MS: u64 = 600_000;
