//! The engine: one state, one input, one output, one loop.
//!
//! *A step.* [`Engine::handle`] applies all inputs and every timer that is due. If anything durable
//! changed, the step's only output is one batch to persist, and the engine waits. *Speaking.* When the
//! batch is durable (or nothing was), the engine speaks: it arms windows, fills the cells that are due,
//! pumps prompt routes, asks for what it needs from the store. Speaking changes nothing durable.
//! *Recovery* is a replay of the store's snapshot; what was said and not acknowledged is said again.

mod amend;
mod contact;
mod control;
mod files;
mod hear;
mod listing;
mod prompt;
mod recover;
mod rekey;
mod restart;
mod say;
mod steady_hear;
mod steady_speak;
mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use couloir_seal::identity::SigningKey;
use couloir_seal::{CipherSuite, Entropy};
use couloir_wire::cell::Stream;
use couloir_wire::id::RouteId;
use couloir_wire::limits::{DRILL_MS, REKEY_MS};
use couloir_wire::time::{Moment, WallTime};

use crate::control::Control;
use crate::input::{Input, Now};
use crate::link::Link;
use crate::output::{Notice, Output, Refusal};
use crate::party::Party;
use crate::planted::planted;
use crate::schedule::NodeClock;
use crate::steady::Steady;
use crate::store::{OutboxItem, OutboxRow, StateKey, Write};
use crate::talk::Talk;
use crate::timers::{Timer, Timers};
use crate::watch::{Hearing, Watch};

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
    /// The store belongs to another node's keys.
    #[error("the store belongs to another node than the keys")]
    OtherNode,
}

/// When to call [`Engine::handle`] again although nothing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wake {
    /// At the latest then.
    pub at: Moment,
}

/// A node's engine.
pub struct Engine {
    suite: CipherSuite,
    signing: SigningKey,
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
    talk: Talk,
    files: Files,
    timers: Timers,
    /// States of routes that have not begun.
    stored_routes: BTreeMap<RouteId, Vec<u8>>,
    batch: Batch,
    queue: VecDeque<Output>,
    is_persisting: bool,
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

/// What is to be done, in order. Borrows the engine, so that the next input waits for it.
#[must_use = "undrained outputs are never performed"]
pub struct Outputs<'e> {
    engine: &'e mut Engine,
}

impl Outputs<'_> {
    /// Performs every output in order; tells when the engine wants to be woken. While a batch is
    /// outstanding it wants nothing but [`Engine::persisted`].
    pub fn drain(self, perform: impl FnMut(Output)) -> Option<Wake> {
        self.engine.queue.drain(..).for_each(perform);
        if self.engine.is_persisting {
            return None;
        }
        self.engine.timers.next().map(|at| Wake { at })
    }
}

impl Engine {
    /// Takes what happened, as one atomic step. An empty list is a wake-up. Must not be called while a
    /// batch is outstanding.
    pub fn handle(&mut self, now: Now, inputs: impl IntoIterator<Item = Input>) -> Outputs<'_> {
        debug_assert!(!self.is_persisting, "a batch is outstanding");
        self.clock.own(now.moment, now.wall);
        for input in inputs {
            self.on_input(now, input);
        }
        for timer in self.timers.take_due(now.moment) {
            self.on_timer(now, timer);
        }
        self.settle(now);
        Outputs { engine: self }
    }

    /// The outstanding batch is durable. If it could not be made so, drop the engine instead and
    /// recover from the store: what memory holds is then ahead of the disk.
    pub fn persisted(&mut self, now: Now) -> Outputs<'_> {
        if std::mem::take(&mut self.is_persisting) {
            self.speak(now);
        }
        Outputs { engine: self }
    }

    fn settle(&mut self, now: Now) {
        self.collect_states();
        if self.batch.writes.is_empty() {
            return self.speak(now);
        }
        if planted!(SaysBeforeSync) {
            self.queue.extend(self.batch.after.drain(..));
        }
        self.queue.push_back(Output::Persist(std::mem::take(&mut self.batch.writes)));
        self.is_persisting = true;
    }

    fn speak(&mut self, now: Now) {
        self.queue.extend(self.batch.after.drain(..));
        if self.is_serving {
            self.speak_steady(now);
            self.speak_prompt(now);
        }
        self.fetch_outbox();
    }

    fn on_input(&mut self, now: Now, input: Input) {
        match input {
            Input::Serve => self.serve(now),
            Input::Say(say) => self.say(now, say),
            Input::Shown(ids) => self.show(&ids),
            Input::SetDesk(desk) => {
                if self.watch.set_desk(desk, self.time(now)) {
                    self.dirty(StateKey::Watch);
                }
            }
            Input::ConfirmPhrase => self.confirm_phrase(now),
            Input::Drill => self.drill(now),
            Input::SetOfficial { state, why } => self.set_official(now, state, &why),
            Input::Adopt(paper) => self.adopt(now, &paper),
            Input::Thaw => self.thaw(now),
            Input::Exchanged(exchanged) => self.on_exchanged(now, exchanged),
            Input::DirectUp(route) => self.on_direct_up(now, route),
            Input::DirectDown(route) => self.on_direct_down(route),
            Input::DirectTook { route, frames } => self.on_direct_took(route, frames),
            Input::DirectArrived { route, frame } => self.on_direct_frame(now, route, &frame),
            Input::Fetched(fetched) => self.on_fetched(fetched),
            Input::Reseed(fresh) => self.entropy.reseed(&fresh),
        }
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
