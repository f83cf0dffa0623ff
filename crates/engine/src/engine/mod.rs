//! One link's engine: its keys, streams and routes, what it hears and says.
//!
//! [`crate::Engine`] holds one for each link, lends it the talk, and makes what all of them change durable at
//! once. *Taking.* The node's engine applies what happened, [`LinkEngine::tick`] every timer that is due.
//! *Speaking.* When the batch is durable (or nothing was), the link speaks: it arms windows, fills the cells that
//! are due, pumps prompt routes, asks for what it needs from the store. Speaking changes nothing durable.
//! *Recovery* is a replay of the store's snapshot; what was said and not acknowledged is said again.

mod amend;
mod contact;
mod control;
mod files;
mod further;
mod hear;
mod links;
mod listing;
mod prompt;
mod recover;
mod rekey;
mod restart;
mod say;
mod steady_hear;
mod steady_speak;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use couloir_seal::identity::SigningKey;
use couloir_seal::{CipherSuite, Entropy};
use couloir_wire::cell::{Desk, Stream};
use couloir_wire::entry::DeliveryState;
use couloir_wire::id::{EntryId, RouteId};
use couloir_wire::limits::{DRILL_MS, REKEY_MS};
use couloir_wire::time::{Moment, WallTime};

use crate::channel::ChannelState;
use crate::control::Control;
use crate::input::Now;
use crate::link::Link;
use crate::output::{Notice, Output, Refusal};
use crate::party::Party;
use crate::schedule::NodeClock;
use crate::steady::Steady;
use crate::store::{LinkNumber, OutboxItem, OutboxRow, StateKey, Write};
use crate::talk::Talk;
use crate::timers::{Timer, Timers};
use crate::watch::{Hearing, Watch};

pub use links::{Engine, Outputs, Wake};
pub use view::PhraseView;

use files::Files;
use prompt::Prompt;

/// What an engine is given besides its store.
pub struct Setup {
    /// The node's signing keys.
    pub signing: SigningKey,
    /// Real ciphers, or the null ones of long simulations.
    pub suite: CipherSuite,
    /// Entropy of the machine.
    pub seed: [u8; 32],
}

/// Why a store's content makes no engine. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// A small state cannot be read.
    #[error("the node's stored state is damaged ({0}); restore a backup")]
    Damaged(&'static str),
    /// The post's certificate lacks signatures.
    #[error("the post's certificate is signed by {signed} of the {needed} officers needed")]
    NotCertified {
        /// Officers who signed.
        signed: usize,
        /// Officers who must sign.
        needed: usize,
    },
    /// The store belongs to another node's keys.
    #[error("the store belongs to another node than the keys")]
    OtherNode,
}

/// What one link asks of the others of its node.
enum Crossing {
    /// An entry expired: nobody has it any more.
    Expired(EntryId),
    /// Both desks have compared the phrase: what waited for that may go.
    Verified,
    /// A paper that the peer brought and that concerns more than this link.
    Paper(Vec<u8>),
    /// The peer introduces another node: a further link begins.
    Introduced(Box<ChannelState>),
}

/// The engine of one of a node's links.
pub struct LinkEngine {
    number: LinkNumber,
    suite: CipherSuite,
    signing: Arc<SigningKey>,
    entropy: Entropy,
    /// From which every window's instant follows, so that nothing else that is drawn moves it.
    instants: [u8; 32],
    party: Party,
    link: Link,
    steady: BTreeMap<RouteId, Steady>,
    prompt: BTreeMap<RouteId, Prompt>,
    clock: NodeClock,
    is_clock_told: bool,
    watch: Watch,
    hearing: Hearing,
    /// Lent by the node's engine for each turn.
    talk: Talk,
    /// Own entries that this link carries and the peer has not acknowledged, and how far they came.
    undelivered: BTreeMap<EntryId, DeliveryState>,
    /// For the node's other links, once this one's turn is over.
    crossing: Vec<Crossing>,
    files: Files,
    timers: Timers,
    /// States of routes that have not begun.
    stored_routes: BTreeMap<RouteId, Vec<u8>>,
    batch: Batch,
    queue: VecDeque<Output>,
    is_serving: bool,
    /// Cells packed so far.
    ticks: u64,
    /// Exchanges armed so far.
    serials: u64,
}

/// What a step changes.
#[derive(Default)]
struct Batch {
    writes: Vec<Write>,
    dirty: BTreeSet<StateKey>,
    /// Released once the batch is durable.
    after: Vec<Output>,
}

impl LinkEngine {
    fn set_desk(&mut self, now: Now, desk: Desk) {
        if self.watch.set_desk(desk, self.time(now)) {
            self.dirty(StateKey::Watch);
        }
    }

    /// Time goes on.
    fn begin_turn(&mut self, now: Now) {
        self.clock.own(now.moment, now.wall);
    }

    /// Every timer that is due.
    fn tick(&mut self, now: Now) {
        for timer in self.timers.take_due(now.moment) {
            self.on_timer(now, timer);
        }
    }

    /// What the link's last turn changed.
    fn take_writes(&mut self) -> Vec<Write> {
        std::mem::take(&mut self.batch.writes)
    }

    /// What is said before anything is durable, by a planted bug.
    fn say_too_soon(&mut self) {
        self.queue.extend(self.batch.after.drain(..));
    }

    /// What was changed is durable: now it may show.
    fn speak(&mut self, now: Now) {
        self.queue.extend(self.batch.after.drain(..));
        if self.is_serving {
            self.speak_steady(now);
            self.speak_prompt(now);
        }
        self.fetch_outbox();
    }

    /// What is to be done, in order.
    fn take_outputs(&mut self) -> impl Iterator<Item = Output> + '_ {
        self.queue.drain(..)
    }

    /// When the link wants its next turn.
    fn wakes_at(&self) -> Option<Moment> {
        self.timers.next()
    }

    /// Whether `route` is one of this link's.
    fn has_route(&self, route: RouteId) -> bool {
        self.steady.contains_key(&route) || self.prompt.contains_key(&route)
    }

    fn on_timer(&mut self, now: Now, timer: Timer) {
        match timer {
            Timer::Fill(route) => self.on_fill(now, route),
            Timer::PromptStatus(route) => self.on_prompt_status(now, route),
            Timer::Rekey => {
                self.timers.set(Timer::Rekey, now.moment + REKEY_MS);
                self.renew_hello(now);
                self.rekey(now);
            }
            Timer::EraseEpoch => self.erase_epoch(now),
            Timer::ForgetHours => {
                self.forget_hours(now);
                self.sync_routes(now);
            }
            Timer::Drill => {
                self.timers.set(Timer::Drill, now.moment + DRILL_MS);
                self.drill(now);
            }
            Timer::DrillEnds => self.end_drill(),
            Timer::Hold => self.release_held(now),
            Timer::Expiry => self.expire(now),
            Timer::AnswerHello => self.answer_waiting_hello(now),
        }
    }

    fn serve(&mut self, now: Now) {
        self.is_serving = true;
        if self.link.lives.speak() {
            self.dirty(StateKey::Link);
        }
        self.sync_routes(now);
        self.want_link();
        self.timers.set(Timer::Rekey, now.moment + REKEY_AFTER_START_MS);
        self.timers.set(Timer::Drill, now.moment + DRILL_MS);
        self.timers.set(Timer::ForgetHours, now.moment + FORGET_EVERY_MS);
        self.end_if_revoked();
    }

    /// Node time: the median of own clock, relays and peer.
    fn time(&self, now: Now) -> WallTime {
        self.clock.now(now.moment)
    }

    fn dirty(&mut self, key: StateKey) {
        self.batch.dirty.insert(key);
    }

    fn write(&mut self, write: Write) {
        self.batch.writes.push(write);
    }

    fn notice(&mut self, notice: Notice) {
        self.batch.after.push(Output::Notice(notice));
    }

    fn refuse(&mut self, token: u64, refusal: Refusal) {
        self.batch.after.push(Output::Refused { token, refusal });
    }

    /// Says `message` on the control stream.
    fn tell(&mut self, message: &Control) {
        let octets = message.encode();
        let appended = self.link.send.append(Stream::Control, &octets, None);
        self.write(Write::Outbox(OutboxRow {
            stream: Stream::Control,
            offset: appended.offset,
            framed_len: appended.framed_len,
            what: OutboxItem::Message(octets),
        }));
        self.dirty(StateKey::SendCursors);
    }

    fn collect_states(&mut self) {
        for key in std::mem::take(&mut self.batch.dirty) {
            let octets = match key {
                StateKey::Channel => Some(self.party.state.encode()),
                StateKey::Link => Some(self.link.encode()),
                StateKey::SendCursors => Some(self.link.send.cursors()),
                StateKey::RecvCursors => Some(self.collect_partials()),
                StateKey::Watch => Some(self.watch.encode()),
                StateKey::Talk => Some(self.talk.encode()),
                StateKey::Conversation(id) => self.talk.encode_conversation(id),
                StateKey::Files => Some(self.files.encode()),
                StateKey::Route(route) => self.encode_route(route),
            };
            self.batch.writes.push(Write::State(key, octets));
        }
    }

    fn collect_partials(&mut self) -> Vec<u8> {
        let changes = self.link.recv.take_changes();
        let puts = changes.partials_put.into_iter();
        let puts = puts.map(|(stream, offset, octets)| Write::Partial { stream, offset, octets });
        let gone = changes.partials_gone.into_iter();
        let gone = gone.map(|(stream, offset)| Write::PartialGone { stream, offset });
        self.batch.writes.extend(gone.chain(puts));
        changes.cursors
    }

    fn encode_route(&self, route: RouteId) -> Option<Vec<u8>> {
        let steady = self.steady.get(&route).map(Steady::encode);
        steady.or_else(|| self.prompt.get(&route).map(Prompt::encode))
    }
}

/// Keys change soon after a restart too: a machine that never stays up for an hour changes them all the same.
const REKEY_AFTER_START_MS: u64 = 60_000;
/// How often keys of past hours are erased: the granule of forward secrecy is the hour.
const FORGET_EVERY_MS: u64 = 600_000;
