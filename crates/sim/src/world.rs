//! The world: machines, routes, users and faults under one event queue and one clock.

use std::collections::BTreeMap;

use couloir_engine::{Exchanged, Input};
use couloir_seal::identity::SigningKey;
use couloir_seal::{CipherSuite, Entropy};
use couloir_wire::id::{Digest, RouteId};
use couloir_wire::papers::PaperFormatError;
use couloir_wire::time::{WallTime, Window};

use crate::chance::Chance;
use crate::checks::{Check, Failure, Verdict, require};
use crate::digest::RunDigest;
use crate::faults::{FaultClass, Swarm, Tally};
use crate::inject::Mend;
use crate::model::Model;
use crate::network::{Observed, Route, SlotLedger};
use crate::node::Node;
use crate::scenario::RouteKind;
use crate::setup;

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Config {
    /// Everything follows from it.
    pub seed: u64,
    /// Null ciphers for long runs, or the real ones.
    pub suite: CipherSuite,
    /// The charter's routes.
    pub routes: Vec<RouteKind>,
    /// Length of steady windows, in milliseconds.
    pub window_ms: u32,
    /// Octets of a cell.
    pub cell_len: u16,
    /// Classes of faults that are on.
    pub swarm: Swarm,
    /// How long faults last, in simulated milliseconds.
    pub safety_ms: u64,
    /// Mean time between two things said at one desk, in milliseconds; nothing is said if `None`.
    pub talk_mean_ms: Option<u64>,
    /// Whether only short notes are said, so that no route is ever behind.
    pub is_talk_light: bool,
    /// Whether cases and swaps are among what is said.
    pub has_matters: bool,
    /// Whether kills happen at instants instead of between outputs, so that they do not depend on
    /// what is said.
    pub are_kills_timed: bool,
    /// Whether what an observer sees is kept.
    pub is_observed: bool,
    /// Whether each step is printed.
    pub is_told: bool,
}

/// Something that will happen.
pub(crate) enum Event {
    /// A process starts.
    Start(usize),
    /// An engine wants to be woken.
    Wake { node: usize, engine: u32 },
    /// A sync ended.
    Synced { node: usize, engine: u32 },
    /// An armed exchange leaves.
    Leave { node: usize, life: u32, route: usize, window: Window },
    /// An exchange reaches its carrier.
    Execute(Box<Flight>),
    /// An answer comes back, or the time for it is over.
    Back(Box<Flight>),
    /// Two nodes try to connect.
    Connect { route: usize },
    /// A frame arrives.
    Frame { route: usize, generation: u32, from: usize, to: usize, octets: Vec<u8> },
    /// A node notices that its connection fell.
    Fallen { node: usize, life: u32, route: usize },
    /// A user says something.
    Talk(usize),
    /// A user reads the log, and compares the phrase.
    Read(usize),
    /// A fault begins.
    Fault(FaultClass),
    /// A fault ends.
    Mend(Mend),
    /// A copy of a disk is made.
    Copy(usize),
    /// A person settles a frozen link.
    Settle(usize),
    /// An officer signs the version of the charter that waits.
    Sign(usize, Digest),
}

/// An exchange on its way.
pub(crate) struct Flight {
    pub node: usize,
    pub life: u32,
    pub route: usize,
    pub armed: couloir_engine::Armed,
    pub left_ms: u64,
    pub back_ms: u64,
    pub is_answered: bool,
    pub result: Result<couloir_engine::RouteAnswer, couloir_engine::RouteTrouble>,
}

/// The world.
pub struct World {
    /// What it is made of.
    pub config: Config,
    /// Simulated milliseconds since the run began.
    pub now_ms: u64,
    /// The machines.
    pub nodes: Vec<Node>,
    /// The routes.
    pub routes: Vec<Route>,
    /// The oracle.
    pub model: Model,
    /// How much was simulated.
    pub tally: Tally,
    /// What happened, hashed.
    pub digest: RunDigest,
    /// The first broken promise.
    pub failure: Option<Failure>,
    /// What an observer saw, if it is kept.
    pub observed: Vec<Observed>,
    /// Notices that the desks read, with machine and time.
    pub notices: Vec<(u64, usize, couloir_engine::Notice)>,
    /// Whether users still talk.
    pub is_talking: bool,
    /// Whether faults still begin.
    pub is_faulty: bool,
    /// Whether two machines claim one post, so that nodes may freeze or stop.
    pub is_contested: bool,
    /// Keys of the officers of either post.
    pub(crate) officers: [SigningKey; 2],
    pub(crate) ledger: SlotLedger,
    pub(crate) talk: Chance,
    pub(crate) fault_chances: BTreeMap<FaultClass, Chance>,
    pub(crate) route_index: BTreeMap<RouteId, usize>,
    queue: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    steps_now: u64,
}

impl World {
    /// A world before its first step: both nodes start at time 0.
    pub fn new(config: Config) -> Result<World, PaperFormatError> {
        let mut entropy = Entropy::from_seed(&Chance::new(config.seed, PURPOSE_SETUP).seed());
        let specs = crate::scenario::specs(&config, &mut entropy);
        let offices = setup::offices(&mut entropy, EPOCH, specs.clone())?;
        let [first, second] = offices.seeds;
        let [first_store, second_store] = offices.stores;
        let chance = |machine| Chance::new(config.seed, PURPOSE_NODE + machine);
        let nodes = vec![
            Node::new(first, config.suite, first_store, chance(0)),
            Node::new(second, config.suite, second_store, chance(1)),
        ];
        let routes = crate::scenario::routes(&config, &specs);
        let route_index = specs.iter().enumerate().map(|(index, spec)| (spec.id, index)).collect();
        let mut world = World {
            now_ms: 0,
            nodes,
            routes,
            model: Model::new(vec![0, 1]),
            tally: Tally::default(),
            digest: RunDigest::default(),
            failure: None,
            observed: Vec::new(),
            notices: Vec::new(),
            is_talking: config.talk_mean_ms.is_some(),
            is_faulty: true,
            is_contested: false,
            officers: offices.officers,
            ledger: SlotLedger::default(),
            talk: Chance::new(config.seed, PURPOSE_TALK),
            fault_chances: BTreeMap::new(),
            route_index,
            queue: BTreeMap::new(),
            sequence: 0,
            steps_now: 0,
            config,
        };
        world.first_events();
        Ok(world)
    }

    fn first_events(&mut self) {
        for node in 0..self.nodes.len() {
            self.after(0, Event::Start(node));
            self.after(1_000, Event::Read(node));
            self.after(30_000, Event::Talk(node));
            self.after(COPY_MS, Event::Copy(node));
        }
        let is_direct =
            |index: &usize| matches!(self.routes[*index].carrier, crate::network::Carrier::Direct(_));
        let direct: Vec<usize> = (0..self.routes.len()).filter(is_direct).collect();
        direct.into_iter().for_each(|route| self.after(100, Event::Connect { route }));
        self.first_faults();
    }

    /// True wall time.
    pub fn wall(&self) -> WallTime {
        EPOCH.shifted(self.now_ms as i64)
    }

    /// Lets `event` happen `delay_ms` from now.
    pub(crate) fn after(&mut self, delay_ms: u64, event: Event) {
        self.at(self.now_ms + delay_ms, event);
    }

    /// Lets `event` happen at `at_ms`, or at once if that is past.
    pub(crate) fn at(&mut self, at_ms: u64, event: Event) {
        self.sequence += 1;
        self.queue.insert((at_ms.max(self.now_ms), self.sequence), event);
    }

    /// Runs until `until_ms`, or until a check fails.
    pub fn run_until(&mut self, until_ms: u64) {
        while self.failure.is_none() {
            let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= until_ms) else {
                break;
            };
            let ((at_ms, _), event) = entry.remove_entry();
            self.step(at_ms, event);
        }
        self.tally.time_ms += until_ms.saturating_sub(self.now_ms);
        self.now_ms = self.now_ms.max(until_ms);
    }

    fn step(&mut self, at_ms: u64, event: Event) {
        self.steps_now = if at_ms == self.now_ms { self.steps_now + 1 } else { 0 };
        self.tally.time_ms += at_ms - self.now_ms;
        self.tally.steps += 1;
        self.now_ms = at_ms;
        let is_calm = self.steps_now < STEPS_AT_ONCE_MAX;
        self.judge(require(Check::Bounded, is_calm, || "time does not move on".to_owned()));
        match event {
            Event::Start(node) => self.start(node),
            Event::Wake { node, engine } => self.wake(node, engine),
            Event::Synced { node, engine } => self.synced(node, engine),
            Event::Leave { node, life, route, window } => self.leave(node, life, route, window),
            Event::Execute(flight) => self.execute(flight),
            Event::Back(flight) => self.come_back(*flight),
            Event::Connect { route } => self.connect(route),
            Event::Frame { route, generation, from, to, octets } => {
                self.frame_arrives(route, generation, (from, to), octets);
            }
            Event::Fallen { node, life, route } => self.fallen(node, life, route),
            Event::Talk(node) => self.speak(node),
            Event::Read(node) => self.read(node),
            Event::Fault(class) => self.begin_fault(class),
            Event::Mend(mend) => self.mend(mend),
            Event::Copy(node) => self.copy_disk(node),
            Event::Settle(node) => self.give(node, Input::Thaw(couloir_engine::LinkNumber::FIRST)),
            Event::Sign(node, hash) => self.sign_proposal(node, hash),
        }
    }

    fn come_back(&mut self, flight: Flight) {
        let node = &self.nodes[flight.node];
        if node.life != flight.life || !node.is_on {
            return;
        }
        let has_cells = flight.result.as_ref().is_ok_and(|answer| answer.gets.iter().any(Option::is_some));
        let exchanged = Exchanged {
            route: flight.armed.route,
            window: flight.armed.window,
            serial: flight.armed.serial,
            left: node.now(flight.left_ms, EPOCH).moment,
            back: node.now(self.now_ms, EPOCH).moment,
            result: flight.result,
        };
        if has_cells {
            self.note_heard(flight.node);
        }
        self.give(flight.node, Input::Exchanged(exchanged));
    }

    /// Takes a verdict; the first failure stops the run.
    pub(crate) fn judge(&mut self, verdict: Verdict) {
        if let Err((check, detail)) = verdict {
            self.fail(check, detail);
        }
    }

    /// A check failed.
    pub(crate) fn fail(&mut self, check: Check, detail: String) {
        if self.failure.is_none() {
            self.tell(None, "FAILED", || format!("{check:?}: {detail}"));
            self.failure = Some(Failure { check, detail, at_ms: self.now_ms });
        }
    }

    /// Prints one aligned line, if this run is told.
    pub(crate) fn tell(&self, node: Option<usize>, what: &str, detail: impl FnOnce() -> String) {
        if self.config.is_told {
            let who = node.map_or("-".to_owned(), |node| format!("node {node}"));
            println!("{:>14.3}  {who:<6}  {what:<12}  {}", self.now_ms as f64 / 1_000.0, detail());
        }
    }
}

/// When a run begins: an hour that is round for no ruler.
pub const EPOCH: WallTime = WallTime(1_790_000_000_000 + 1_234_567);
/// Copies of a disk are made so often.
pub(crate) const COPY_MS: u64 = 25 * 60_000;
/// Steps within one simulated millisecond: two nodes with eight routes need far fewer.
const STEPS_AT_ONCE_MAX: u64 = 20_000;
const PURPOSE_SETUP: u64 = 1;
const PURPOSE_TALK: u64 = 2;
/// Generators of machines follow this one.
pub(crate) const PURPOSE_NODE: u64 = 1_000;
/// Generators of fault classes follow this one.
pub(crate) const PURPOSE_FAULT: u64 = 2_000;
