//! The shell of a simulated node: gives inputs, performs outputs, syncs, dies between any two.

use couloir_engine::{Armed, Input, Notice, Output, Refusal, Wake};
use couloir_wire::cell::Stream;
use couloir_wire::limits::{
    ARMED_WINDOWS, BULK_CREDIT, GETS_PER_LANE, HELD_ENTRIES_MAX, SEARCH_GETS_PER_LANE, STREAM_CREDIT, STREAMS,
};
use couloir_wire::time::Window;

use crate::chance::noise;
use crate::checks::{Check, Verdict, require};
use crate::network::{Carrier, Observed};
use crate::relay::lengths;
use crate::world::{EPOCH, Event, Flight, World};

impl World {
    /// A process starts on machine `node`.
    pub(crate) fn start(&mut self, node: usize) {
        let machine = &self.nodes[node];
        if machine.is_on || machine.is_retired || self.now_ms < machine.not_before_ms {
            return;
        }
        let (now_ms, wall) = (self.now_ms, self.wall());
        let started = self.nodes[node].start(now_ms, wall);
        self.tell(Some(node), "start", || format!("life {}", self.nodes[node].life));
        self.after_recovery(node, started);
    }

    fn restart_engine(&mut self, node: usize) {
        let (now_ms, wall) = (self.now_ms, self.wall());
        let started = self.nodes[node].start_engine(now_ms, wall);
        self.tell(Some(node), "recover", || "engine made anew from the store".to_owned());
        self.after_recovery(node, started);
    }

    fn after_recovery(&mut self, node: usize, started: Result<(), couloir_engine::RecoverError>) {
        match started {
            Ok(()) => self.give(node, Input::Serve),
            Err(error) => self.fail(Check::Recovers, format!("machine {node}: {error}")),
        }
    }

    /// Hands `input` to the engine of `node`, or lets it wait for the sync.
    pub(crate) fn give(&mut self, node: usize, input: Input) {
        if self.nodes[node].engine.is_none() {
            return;
        }
        self.digest.input(node, self.now_ms, &input);
        let machine = &mut self.nodes[node];
        machine.waiting.push(input);
        let waiting = machine.waiting.len();
        self.judge(require(Check::Bounded, waiting <= WAITING_MAX, || format!("{waiting} inputs wait")));
        self.pump(node, false);
    }

    /// Lets the engine take what waits.
    fn pump(&mut self, node: usize, is_due: bool) {
        let mut is_due = is_due;
        let mut rounds = 0;
        while self.failure.is_none() {
            rounds += 1;
            let is_calm = rounds <= ROUNDS_MAX;
            self.judge(require(Check::Bounded, is_calm, || "an engine goes round in circles".to_owned()));
            let now = self.nodes[node].now(self.now_ms, self.wall());
            let machine = &mut self.nodes[node];
            let is_busy = machine.outstanding.is_some() || (machine.waiting.is_empty() && !is_due);
            let Some(engine) = machine.engine.as_mut().filter(|_| !is_busy) else { return };
            is_due = false;
            let inputs = std::mem::take(&mut machine.waiting);
            let mut outputs = Vec::new();
            let wake = engine.handle(now, inputs).drain(|output| outputs.push(output));
            self.note_wake(node, wake);
            self.perform(node, outputs);
        }
    }

    /// The engine's wake-up came.
    pub(crate) fn wake(&mut self, node: usize, engine: u32) {
        let machine = &mut self.nodes[node];
        if machine.engines == engine && machine.wake_at_ms == Some(self.now_ms) {
            machine.wake_at_ms = None;
            self.pump(node, true);
        }
    }

    fn note_wake(&mut self, node: usize, wake: Option<Wake>) {
        let machine = &mut self.nodes[node];
        let at_ms = wake.map(|wake| machine.time_of(wake.at).max(self.now_ms));
        let engine = machine.engines;
        if at_ms != machine.wake_at_ms {
            machine.wake_at_ms = at_ms;
            at_ms.into_iter().for_each(|at_ms| self.at(at_ms, Event::Wake { node, engine }));
        }
    }

    /// Performs `outputs` in order; the process may die before any of them.
    fn perform(&mut self, node: usize, outputs: Vec<Output>) {
        let (life, engine) = (self.nodes[node].life, self.nodes[node].engines);
        for output in outputs {
            if self.dies_here(node) || self.failure.is_some() {
                return;
            }
            self.digest.output(&output);
            self.perform_one(node, output);
            let machine = &self.nodes[node];
            if machine.life != life || machine.engines != engine || machine.engine.is_none() {
                return;
            }
        }
    }

    /// Whether the process is killed right before its next output.
    fn dies_here(&mut self, node: usize) -> bool {
        match self.nodes[node].kill_in {
            Some(0) => {
                self.kill(node, 1_000 + noise(self.config.seed, [node as u64, self.now_ms, 7]) % 30_000);
                true
            }
            Some(left) => {
                self.nodes[node].kill_in = Some(left - 1);
                false
            }
            None => false,
        }
    }

    fn perform_one(&mut self, node: usize, output: Output) {
        match output {
            Output::Persist(batch) => self.persist(node, batch),
            Output::Arm(armed) => self.arm(node, armed),
            Output::Disarm(route) => {
                let route = self.route_index.get(&route).copied();
                self.tell(Some(node), "disarm", || format!("route {route:?}"));
                let machine = &mut self.nodes[node];
                machine.armed.retain(|(of, _), _| Some(*of) != route);
                // Its windows moved: one that was used may come again, with a random slot.
                machine.left.retain(|of, _| Some(*of) != route);
            }
            Output::DirectSend { route, frame } => self.send_frame(node, route, frame),
            Output::Fetch(link, fetch) => {
                let fetched = self.nodes[node].store.fetch(link, fetch);
                self.digest.input(node, self.now_ms, &Input::Fetched(link, fetched.clone()));
                self.nodes[node].waiting.push(Input::Fetched(link, fetched));
            }
            Output::Said { token, id } => {
                let verdict = self.model.acknowledged(token, id, &self.nodes[node].store);
                self.tell(Some(node), "said", || format!("{id}  token {token}"));
                self.judge(verdict);
            }
            Output::Refused { token, refusal } => self.refused(node, token, &refusal),
            Output::Appeared(ids) => {
                self.tell(Some(node), "appeared", || format!("{ids:?}"));
                self.nodes[node].unread.extend(ids);
            }
            Output::Advanced(_) => {}
            Output::Notice(notice) => self.noticed(node, notice),
            Output::Halt(notice) => self.halted(node, notice),
        }
    }

    fn persist(&mut self, node: usize, batch: Vec<couloir_engine::Write>) {
        let machine = &mut self.nodes[node];
        let is_free = machine.outstanding.is_none();
        machine.outstanding = Some(batch);
        let (engine, disk_ms) = (machine.engines, machine.disk_ms);
        self.judge(require(Check::RememberBeforeSpeaking, is_free, || "two batches at once".to_owned()));
        self.after(disk_ms, Event::Synced { node, engine });
    }

    /// The sync of the outstanding batch ended, well or not.
    pub(crate) fn synced(&mut self, node: usize, engine: u32) {
        let machine = &mut self.nodes[node];
        if machine.engines != engine || machine.engine.is_none() {
            return;
        }
        if machine.is_disk_full {
            self.persist_failed(node);
            return;
        }
        let Some(batch) = machine.outstanding.take() else { return };
        self.make_durable(node, batch);
        if self.failure.is_some() || self.dies_here(node) {
            return;
        }
        let now = self.nodes[node].now(self.now_ms, self.wall());
        let mut outputs = Vec::new();
        let Some(engine) = self.nodes[node].engine.as_mut() else { return };
        let wake = engine.persisted(now).drain(|output| outputs.push(output));
        self.note_wake(node, wake);
        self.perform(node, outputs);
        self.pump(node, false);
    }

    /// Checks and applies a batch.
    pub(crate) fn make_durable(&mut self, node: usize, batch: Vec<couloir_engine::Write>) {
        self.tally.batches += 1;
        let has_partials = batch.iter().any(|write| matches!(write, couloir_engine::Write::Partial { .. }));
        self.tell(Some(node), "durable", || words_of(&batch));
        self.nodes[node].store.begin_batch();
        for write in batch {
            let store = &mut self.nodes[node].store;
            let verdict = self.model.check_write(node, self.now_ms, store, &write);
            store.apply(vec![write]);
            self.judge(verdict);
        }
        let store = &self.nodes[node].store;
        let held = if has_partials { store.partial_octets() } else { 0 };
        let unnumbered = store.unnumbered_len();
        self.judge(require(Check::Bounded, held <= HELD_MAX, || {
            format!("{held} octets of partial messages")
        }));
        self.judge(require(Check::Bounded, unnumbered <= UNNUMBERED_MAX, || {
            format!("{unnumbered} entries held back")
        }));
    }

    fn persist_failed(&mut self, node: usize) {
        self.tell(Some(node), "disk full", String::new);
        self.nodes[node].drop_engine();
        self.drop_connections(node);
        self.after(DISK_RETRY_MS, Event::Mend(crate::inject::Mend::Engine(node, self.nodes[node].life)));
    }

    /// The process tries its disk again.
    pub(crate) fn retry_disk(&mut self, node: usize, life: u32) {
        let machine = &self.nodes[node];
        if machine.life != life || !machine.is_on || machine.engine.is_some() {
            return;
        }
        if machine.is_disk_full {
            self.after(DISK_RETRY_MS, Event::Mend(crate::inject::Mend::Engine(node, life)));
        } else {
            self.restart_engine(node);
        }
    }

    fn arm(&mut self, node: usize, armed: Armed) {
        let Some(route) = self.route_index.get(&armed.route).copied() else { return };
        let machine = &mut self.nodes[node];
        let key = (route, armed.window);
        let is_older = machine.armed.get(&key).is_some_and(|(_, held)| held.serial > armed.serial);
        if is_older || machine.has_used(route, armed.window) {
            return;
        }
        let (leaves_ms, window, life) = (machine.time_of(armed.leaves), armed.window, machine.life);
        let before = machine.armed.insert(key, (leaves_ms, armed));
        let of_route = machine.armed.range((route, Window(0))..=(route, Window(u64::MAX))).count() as u64;
        self.tell(Some(node), "arm", || format!("route {route} {window:?} for {leaves_ms} ms"));
        if before.is_none_or(|(at_ms, _)| at_ms != leaves_ms) {
            self.at(leaves_ms, Event::Leave { node, life, route, window });
        }
        self.judge(require(Check::Bounded, of_route <= ARMED_MAX, || format!("{of_route} armed windows")));
    }

    /// An armed exchange leaves at its instant.
    pub(crate) fn leave(&mut self, node: usize, life: u32, route: usize, window: Window) {
        let machine = &mut self.nodes[node];
        let is_due = machine.armed.get(&(route, window)).is_some_and(|(at_ms, _)| *at_ms <= self.now_ms);
        if machine.life != life || !is_due {
            return;
        }
        let Some((_, armed)) = machine.armed.remove(&(route, window)) else { return };
        let is_first = machine.use_window(route, window);
        let serial = armed.serial;
        let next = machine.armed.range((route, window)..).next().filter(|((of, _), _)| *of == route);
        let next_ms = next.map_or(u64::MAX, |(_, (at_ms, _))| *at_ms);
        self.tell(Some(node), "leave", || format!("route {route} {window:?} serial {serial}"));
        self.judge(require(Check::WindowOnce, is_first, || {
            format!("{window:?} of route {route} leaves twice")
        }));
        let verdict = self.check_armed(route, &armed);
        self.judge(verdict);
        let verdict = self.ledger.note(node, self.now_ms, &armed);
        self.judge(verdict);
        self.observe(node, route, &armed);
        self.fly(node, route, armed, next_ms);
    }

    fn check_armed(&self, route: usize, armed: &Armed) -> Verdict {
        let spec = &self.routes[route].spec;
        let lanes = usize::from(spec.lanes);
        let gets = [lanes * GETS_PER_LANE, lanes * SEARCH_GETS_PER_LANE];
        let is_sized = armed.puts.iter().all(|put| put.cell.len() == usize::from(spec.cell_len));
        let is_shaped = armed.puts.len() == lanes && gets.contains(&armed.gets.len());
        require(Check::CellSize, is_sized && is_shaped, || {
            let sizes: Vec<usize> = armed.puts.iter().map(|put| put.cell.len()).collect();
            format!("{:?}: cells of {sizes:?} octets, {} GETs", armed.window, armed.gets.len())
        })
    }

    fn observe(&mut self, node: usize, route: usize, armed: &Armed) {
        self.tally.exchanges += 1;
        self.tally.cells += armed.puts.len() as u64;
        self.tally.gets += armed.gets.len() as u64;
        self.digest.numbers(&[node as u64, route as u64, self.now_ms, armed.window.0]);
        if self.config.is_observed {
            let (request, answer) = lengths(armed);
            self.observed.push(Observed { at_ms: self.now_ms, machine: node, route, request, answer });
        }
    }

    fn fly(&mut self, node: usize, route: usize, armed: Armed, next_ms: u64) {
        let fate = self.routes[route].fate(self.config.seed, node, route, self.now_ms);
        let over_ms = (self.now_ms + armed.length.ms()).min(next_ms.saturating_sub(1)).max(self.now_ms + 1);
        let back_ms = self.now_ms + fate.out_ms + fate.back_ms;
        let is_answered = fate.is_answered && back_ms <= over_ms;
        let flight = Box::new(Flight {
            node,
            life: self.nodes[node].life,
            route,
            armed,
            left_ms: self.now_ms,
            back_ms: if is_answered { back_ms } else { over_ms },
            is_answered,
            result: Err(couloir_engine::RouteTrouble::Unreachable),
        });
        if fate.is_executed {
            self.after(fate.out_ms, Event::Execute(flight));
        } else {
            self.at(flight.back_ms, Event::Back(flight));
        }
    }

    /// An exchange is executed by its carrier.
    pub(crate) fn execute(&mut self, mut flight: Box<Flight>) {
        let wall = self.wall();
        let (result, verdict) = match &mut self.routes[flight.route].carrier {
            Carrier::Relay(relay) => relay.exchange(wall, &mut flight.armed),
            Carrier::Folder(folder) => (folder.exchange(wall, &flight.armed), Ok(())),
            Carrier::Direct(_) => return,
        };
        self.judge(verdict);
        if flight.is_answered {
            flight.result = result;
        }
        self.at(flight.back_ms, Event::Back(flight));
    }

    fn refused(&mut self, node: usize, token: u64, refusal: &Refusal) {
        self.tell(Some(node), "refused", || format!("token {token}: {refusal:?}"));
        let is_expected = match refusal {
            Refusal::NoChannel | Refusal::NotVerified => !self.is_verified(),
            Refusal::Frozen => self.is_contested,
            Refusal::NoSuchEntry => true,
            Refusal::Unacceptable(_)
            | Refusal::Charter(_)
            | Refusal::Replaced
            | Refusal::NoSuchConversation
            | Refusal::TooMany => false,
        };
        self.judge(require(Check::Taken, is_expected, || format!("token {token} was refused: {refusal:?}")));
    }

    /// Whether both desks have said that the phrase is the same.
    pub(crate) fn is_verified(&self) -> bool {
        let verified = |node: &crate::node::Node| {
            let status = node.engine.as_ref().map(|engine| engine.status(node.now(self.now_ms, EPOCH)));
            status.is_some_and(|status| {
                status.peers.iter().all(|peer| peer.verified == (true, true)) && !status.peers.is_empty()
            })
        };
        self.nodes.iter().all(verified)
    }

    fn noticed(&mut self, node: usize, notice: Notice) {
        self.tell(Some(node), "notice", || format!("{notice:?}"));
        let is_split = matches!(notice, Notice::TwoNodes | Notice::Contradiction);
        let is_wrong = matches!(notice, Notice::InvitationVoid | Notice::FileDamaged(_));
        let is_expected = self.is_contested || !(is_wrong || is_split && !self.are_disks_replaced());
        self.judge(require(Check::NoHalt, is_expected, || format!("machine {node} reports {notice:?}")));
        if is_split && !self.is_contested {
            self.tally.freezes += 1;
            self.after(SETTLE_MS, Event::Settle(node));
        }
        if let Notice::AmendmentWaits(hash) = notice {
            self.after(SIGN_MS, Event::Sign(node, hash));
        }
        if self.notices.len() < NOTICES_MAX {
            self.notices.push((self.now_ms, node, notice));
        }
    }

    /// A machine whose disk was replaced may be taken for a second one; then a person settles it.
    fn are_disks_replaced(&self) -> bool {
        self.tally.restores + self.tally.rollbacks > 0
    }

    fn halted(&mut self, node: usize, notice: Notice) {
        let has_met_itself = self.ledger.has_met_itself(node) && notice == Notice::SecondSelf;
        let is_expected = self.is_contested || has_met_itself;
        self.judge(require(Check::NoHalt, is_expected, || {
            format!("machine {node} stops itself: {notice:?}")
        }));
        self.notices.push((self.now_ms, node, notice));
        self.drop_connections(node);
        self.nodes[node].kill(self.now_ms);
        if has_met_itself {
            // A person sets the clock.
            self.nodes[node].wall_off_ms = 0;
            self.after(CLOCK_SET_MS, Event::Start(node));
        } else {
            self.nodes[node].is_retired = true;
        }
    }
}

fn words_of(batch: &[couloir_engine::Write]) -> String {
    let words = batch.iter().map(|write| match write {
        couloir_engine::Write::OfLink(link) => format!("link {}", link.0),
        couloir_engine::Write::State(key, octets) => {
            format!("{}:{}", key_word(*key), octets.as_ref().map_or(0, Vec::len))
        }
        couloir_engine::Write::Entry(entry) => format!("entry:{}#{:?}", entry.id, entry.number),
        couloir_engine::Write::EntryState(id, state) => format!("{id}={}", state.word()),
        couloir_engine::Write::EntryAppears { id, number, .. } => format!("{id}#{number}"),
        couloir_engine::Write::OutboxDelivered { stream, below } => format!("{stream:?}<{below}"),
        couloir_engine::Write::Outbox(row) => format!("{:?}+{}@{}", row.stream, row.framed_len, row.offset),
        couloir_engine::Write::Partial { stream, offset, octets } => {
            format!("{stream:?}~{}@{offset}", octets.len())
        }
        couloir_engine::Write::PartialGone { stream, offset } => format!("{stream:?}~@{offset}-"),
        couloir_engine::Write::EntryExpires(id) => format!("{id} expires"),
        couloir_engine::Write::OutboxShift { stream, by } => format!("{stream:?}>>{by}"),
        couloir_engine::Write::OutboxClear(stream) => format!("{stream:?} cleared"),
        couloir_engine::Write::PartialsClear => "partials cleared".to_owned(),
        couloir_engine::Write::FilePiece { offset, octets, .. } => format!("piece:{}@{offset}", octets.len()),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn key_word(key: couloir_engine::StateKey) -> String {
    let word = format!("{key:?}").to_lowercase();
    word.get(..12).unwrap_or(&word).to_owned()
}

/// Inputs that may wait for one sync: two windows of eight routes, and what users do meanwhile.
const WAITING_MAX: usize = 4_096;
/// What the credits allow a reader to hold.
const HELD_MAX: usize = (STREAM_CREDIT as usize) * (STREAMS - 1) + BULK_CREDIT as usize;
/// Entries held for parents, and those kept until the phrase was compared.
const UNNUMBERED_MAX: usize = HELD_ENTRIES_MAX + 1_024;
/// Armed windows of one route: those ahead, and those that a jump of its clock left behind.
const ARMED_MAX: u64 = 4 * ARMED_WINDOWS;
/// Steps of one engine without a sync or a pause: one for each answer of its store.
const ROUNDS_MAX: u32 = 1_000;
/// How long a shell waits before it tries a full disk again.
const DISK_RETRY_MS: u64 = 1_000;
/// How long a person takes to settle a frozen link.
const SETTLE_MS: u64 = 5 * 60_000;
/// How long an officer takes to sign what the other side proposes.
const SIGN_MS: u64 = 2 * 60_000;
const NOTICES_MAX: usize = 10_000;
const _: () = assert!(Stream::ALL.len() == STREAMS);
/// How long it takes a person to set a machine's clock.
const CLOCK_SET_MS: u64 = 10 * 60_000;
