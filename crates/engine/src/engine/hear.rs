//! What an opened cell says: status, acknowledgements, losses, fragments (PROTOCOL §4.6).

use couloir_seal::Authentic;
use couloir_wire::cell::{Ack, Content, Fragment, LifeId, Loss, Status, Stream};
use couloir_wire::entry::DeliveryState;
use couloir_wire::id::{EntryId, RouteId};
use couloir_wire::limits::EPOCH_LINGER_WINDOWS;
use couloir_wire::time::WallTime;

use super::{Crossing, LinkEngine};
use crate::input::Now;
use crate::link::{Frozen, Stage};
use crate::lives::{Judgement, Standing};
use crate::output::Notice;
use crate::planted::planted;
use crate::store::{StateKey, Write};
use crate::streams::Message;
use crate::timers::Timer;

/// Where an opened cell came from.
pub(super) struct Source {
    /// The route.
    pub route: RouteId,
    /// The epoch under which it was sealed.
    pub epoch: u64,
    /// When its window opened; `None` on prompt routes.
    pub opens: Option<WallTime>,
}

impl LinkEngine {
    /// The inside of an ordinary cell, opened under an epoch's key.
    pub(super) fn on_inside(&mut self, now: Now, source: &Source, inside: &Authentic<Vec<u8>>) {
        let Ok(content) = Content::decode(inside.get()) else { return self.freeze(Frozen::Contradiction) };
        self.on_epoch_heard(now, source);
        self.on_status(now, source, &content.status);
        if self.link.frozen.is_some() {
            return;
        }
        content.losses.iter().for_each(|loss| self.on_loss(now, loss));
        let life = content.life.unwrap_or_default();
        let standing = Standing { reach: self.link.recv.reach(), acked: self.link.send.acknowledged() };
        match self.link.lives.judge(&life, &standing) {
            Judgement::WePutBack => return self.on_rolled_back(now),
            Judgement::Strange => {}
            Judgement::Good { is_new, acks_count } => {
                if is_new {
                    self.dirty(StateKey::Link);
                }
                if acks_count {
                    self.on_acks(now, life.writer, &content.acks);
                }
                for fragment in content.fragments {
                    let end = fragment.offset.saturating_add(fragment.octets.len() as u64);
                    if self.link.lives.admits(life.writer, fragment.stream, end) {
                        self.on_fragment(now, fragment);
                    }
                }
            }
        }
        let life_ms = self.status_life_ms();
        let is_heard = self.hearing.hears_us(now.moment, life_ms) && self.is_recent(now, source);
        if is_heard && self.link.lives.is_disowned(now.moment, 2 * life_ms) {
            self.on_rolled_back(now);
        }
    }

    /// Acknowledgements for our present life.
    fn on_acks(&mut self, now: Now, writer: LifeId, acks: &[Ack]) {
        for ack in acks {
            if self.link.lives.admits_ack(writer, ack) {
                self.on_ack(now, ack);
            }
        }
    }

    /// Whether a cell was written lately, so that it tells how its writer is.
    pub(super) fn is_recent(&self, now: Now, source: &Source) -> bool {
        let life_ms = self.status_life_ms() as i64;
        let steady = self.steady.get(&source.route);
        let time = steady.map_or_else(|| self.time(now), |steady| steady.peer_time_at(now.moment));
        source.opens.is_none_or(|opens| time - opens <= life_ms)
    }

    /// The peer writes `epoch`: a change of keys or the making of the link may be complete.
    fn on_epoch_heard(&mut self, now: Now, source: &Source) {
        let linger_ms = EPOCH_LINGER_WINDOWS * self.longest_window_ms();
        let written = source.opens.unwrap_or(self.time(now));
        let Some(epochs) = &mut self.link.epochs else { return };
        let mut is_changed = epochs.opened(source.epoch, written, now.moment, linger_ms);
        self.timers.set_if(Timer::EraseEpoch, epochs.erases_at());
        is_changed |= !std::mem::replace(&mut self.link.was_heard, true);
        if matches!(self.link.stage, Stage::Confirmed(_)) {
            self.link.stage = Stage::Quiet;
            self.link.parts_out = None;
            is_changed = true;
        }
        if is_changed {
            self.dirty(StateKey::Link);
        }
        if self.is_fresh(now, source) {
            self.link.fresh_cell_at = Some(now.moment);
            self.watch_for_second_node(now);
        }
    }

    /// Whether a cell was written within the last windows of its route. A connection holds no old ones.
    fn is_fresh(&self, now: Now, source: &Source) -> bool {
        let Some(opens) = source.opens else { return true };
        self.steady.get(&source.route).is_some_and(|steady| {
            let age_ms = steady.peer_time_at(now.moment) - opens;
            age_ms <= FRESH_WINDOWS * steady.length.ms() as i64
        })
    }

    fn on_status(&mut self, now: Now, source: &Source, status: &Status) {
        let at = self.time(now);
        let life_ms = self.status_life_ms();
        let is_recent = self.is_recent(now, source);
        if is_recent {
            self.hearing.heard(status, now.moment, at, life_ms);
            let offset_ms = status.written.0.saturating_sub(now.moment.0 as i64);
            self.clock.peer(0, offset_ms);
            self.tell_clock(now);
        }
        let delay_ms = u64::try_from(at - status.written).unwrap_or(0);
        if let Some(steady) = self.steady.get_mut(&source.route).filter(|_| is_recent) {
            steady.health.delay_ms = Some(delay_ms);
        }
        if let Some(prompt) = self.prompt.get_mut(&source.route) {
            prompt.health.delay_ms = Some(delay_ms);
        }
        let was_active = self.watch.posture().0;
        let was_verified = self.watch.is_verified();
        let is_newest = self.hearing.newest_written <= status.written;
        self.hearing.newest_written = self.hearing.newest_written.max(status.written);
        if self.watch.hear(status, is_newest) {
            self.dirty(StateKey::Watch);
            self.tell_posture(was_active, at);
        }
        if !was_verified && self.watch.is_verified() {
            self.crossing.push(Crossing::Verified);
        }
    }

    fn on_ack(&mut self, now: Now, ack: &Ack) {
        let base = self.link.send.base(ack.stream);
        let delivered = match self.link.send.acknowledge(ack) {
            Ok(delivered) => delivered,
            Err(_) => return self.on_rolled_back(now),
        };
        self.mark_delivered(&delivered);
        let below = self.link.send.base(ack.stream);
        if below > base {
            self.write(Write::OutboxDelivered { stream: ack.stream, below });
        }
        if below > base || !delivered.is_empty() {
            self.dirty(StateKey::SendCursors);
        }
        if ack.stream == Stream::Control || self.party.state.successor.is_some() {
            self.end_if_revoked();
        }
        if ack.stream == Stream::Bulk {
            self.on_bulk_delivered(below);
        }
    }

    fn on_loss(&mut self, now: Now, loss: &Loss) {
        let life_ms = self.status_life_ms();
        let named = |id: &RouteId| Loss::name_of(*id) == loss.route;
        let Some(steady) = self.steady.iter_mut().find(|(id, _)| named(id)).map(|(_, steady)| steady) else {
            return;
        };
        let age_ms = steady.clock.time_at(now.moment) - steady.length.opens(loss.newest);
        if steady.sent.contains_key(&loss.newest) && age_ms <= life_ms as i64 {
            self.hearing.hears_us_at = Some(now.moment);
        }
        for window in steady.report.lost(loss) {
            if let Some(carries) = steady.sent.get(&window) {
                self.link.send.failed(steady.place, carries);
            }
        }
    }

    /// Before this desk has said that the phrase is the same, only control is read; the rest stays
    /// unacknowledged and comes again.
    fn on_fragment(&mut self, now: Now, fragment: Fragment) {
        if fragment.stream != Stream::Control && !self.watch.is_verified_here {
            return;
        }
        match self.link.recv.receive(fragment) {
            Ok(messages) => {
                self.dirty(StateKey::RecvCursors);
                self.link.is_ack_due = true;
                for message in messages {
                    self.on_message(now, message);
                }
            }
            Err(_) => self.freeze(Frozen::Contradiction),
        }
    }

    fn on_message(&mut self, now: Now, message: Message) {
        match message.stream {
            Stream::Control => self.on_control(now, &message.octets),
            Stream::Bulk => self.on_bulk(&message.octets),
            Stream::Flash | Stream::Immediate | Stream::Priority | Stream::Routine => {
                self.on_entry(now, &message.octets);
            }
        }
    }

    /// Own entries reached a further state.
    pub(super) fn mark(&mut self, entries: &[EntryId], state: DeliveryState) {
        for id in entries {
            self.write(Write::EntryState(*id, state));
        }
        if !entries.is_empty() {
            self.batch.after.push(crate::Output::Advanced(entries.to_vec()));
        }
    }

    /// Own entries left whole on some route; those that are further already stay there.
    pub(super) fn mark_carried(&mut self, entries: &[EntryId]) {
        let undelivered = &mut self.undelivered;
        let mut moves = |id: &&EntryId| match undelivered.get_mut(*id) {
            Some(state) => std::mem::replace(state, DeliveryState::Carried) == DeliveryState::Kept,
            None => false,
        };
        let carried: Vec<EntryId> = entries.iter().filter(|id| moves(id)).copied().collect();
        self.mark(&carried, DeliveryState::Carried);
    }

    /// Own entries that the peer acknowledged, unless they expired or were shown already.
    pub(super) fn mark_delivered(&mut self, entries: &[EntryId]) {
        let undelivered = &mut self.undelivered;
        let delivered: Vec<EntryId> =
            entries.iter().filter(|id| undelivered.remove(id).is_some()).copied().collect();
        self.mark(&delivered, DeliveryState::Delivered);
        if planted!(StateGoesBack) {
            self.mark(&delivered, DeliveryState::Carried);
        }
    }

    /// Nothing flows any more until a person settles it.
    pub(super) fn freeze(&mut self, why: Frozen) {
        // A revocation is for good: it outlives what a person may settle.
        if self.link.frozen.is_some_and(|was| was == why || why != Frozen::Revoked) {
            return;
        }
        self.link.frozen = Some(why);
        self.dirty(StateKey::Link);
        match why {
            Frozen::TwoNodes => self.notice(Notice::TwoNodes),
            Frozen::Contradiction | Frozen::Phrase => self.notice(Notice::Contradiction),
            // The desk was told of the revocation.
            Frozen::Revoked => self.say_revocation(),
        }
    }

    /// A person settled it.
    pub(super) fn thaw(&mut self, now: Now) {
        if self.link.frozen.is_some_and(|why| why != Frozen::Revoked) {
            self.link.frozen = None;
            // Whoever was heard before is stopped, or is the one that stays.
            self.link.fresh_cell_at = None;
            self.link.hello_waiting = None;
            self.make_anew(now);
        }
    }

    /// How long a peer's status counts: 30 windows of the slowest route.
    pub(super) fn status_life_ms(&self) -> u64 {
        couloir_wire::limits::STATUS_WINDOWS * self.longest_window_ms()
    }

    pub(super) fn longest_window_ms(&self) -> u64 {
        let longest = self.steady.values().map(|steady| steady.length.ms()).max();
        longest.unwrap_or(couloir_wire::time::WindowLength::DEFAULT.ms())
    }
}

/// A cell is read in the window after its own, or one later.
const FRESH_WINDOWS: i64 = 3;
