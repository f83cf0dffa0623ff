//! Worlds worth running, and how a run is judged: a safety phase with faults, then healing.

use std::str::FromStr;

use couloir_seal::{CipherSuite, Entropy};
use couloir_wire::id::RouteId;
use couloir_wire::limits::REKEY_MS;
use couloir_wire::papers::PaperFormatError;
use couloir_wire::route::RouteSpec;
use couloir_wire::ruler::Ruler;

use crate::chance::{Chance, noise};
use crate::checks::{Check, Failure, require};
use crate::direct::Direct;
use crate::faults::{FaultClass, Swarm, Tally};
use crate::folder::Folder;
use crate::model::Model;
use crate::network::{Carrier, Route, Weather};
use crate::relay::RelayActor;
use crate::world::{Config, EPOCH, World};

/// A kind of route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteKind {
    /// A relay with this ruler.
    Relay(u8),
    /// A shared folder with this ruler.
    Folder(u8),
    /// A prompt connection.
    Direct,
}

impl FromStr for RouteKind {
    type Err = String;

    fn from_str(text: &str) -> Result<RouteKind, String> {
        let number = text.chars().last().and_then(|digit| digit.to_digit(3)).map(|digit| digit as u8);
        match (text.trim_end_matches(|c: char| c.is_ascii_digit()), number) {
            ("relay", Some(ruler)) => Ok(RouteKind::Relay(ruler)),
            ("folder", Some(ruler)) => Ok(RouteKind::Folder(ruler)),
            ("direct", None) => Ok(RouteKind::Direct),
            _ => Err("a route is relay0 to relay2, folder0 to folder2, or direct".to_owned()),
        }
    }
}

/// Two relays and a folder.
pub const PLAIN: [RouteKind; 3] = [RouteKind::Relay(0), RouteKind::Relay(1), RouteKind::Folder(2)];
/// Three relays.
pub const RELAYS: [RouteKind; 3] = [RouteKind::Relay(0), RouteKind::Relay(1), RouteKind::Relay(2)];

/// How a run ended.
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// The broken promise, if any.
    pub failure: Option<Failure>,
    /// How much was simulated.
    pub tally: Tally,
    /// The hash of all that happened.
    pub digest: String,
    /// The faults that were on.
    pub faults: String,
}

/// The world that `seed` draws: routes, windows, faults.
pub fn drawn(seed: u64, suite: CipherSuite, safety_ms: u64) -> Config {
    let mut chance = Chance::new(seed, PURPOSE_SCENARIO);
    let routes: &[RouteKind] = match chance.below(6) {
        0 | 1 => &PLAIN,
        2 => &RELAYS,
        3 => &[RouteKind::Direct, RouteKind::Relay(1)],
        4 => &[RouteKind::Relay(2)],
        _ => &[RouteKind::Relay(0), RouteKind::Folder(1), RouteKind::Direct],
    };
    let config = Config {
        seed,
        suite,
        routes: routes.to_vec(),
        window_ms: chance.pick(&[2_000, 2_000, 2_000, 1_000, 5_000]),
        cell_len: chance.pick(&[2_048, 2_048, 2_048, 1_024, 4_096]),
        swarm: Swarm::drawn(&mut chance),
        safety_ms,
        talk_mean_ms: Some(chance.pick(&[10_000, 30_000, 120_000])),
        is_talk_light: false,
        has_matters: false,
        are_kills_timed: false,
        is_observed: false,
        is_told: false,
    };
    with_officers(config)
}

/// The charter is amended in half of the runs; drawn last and apart, so that all else is as without.
fn with_officers(mut config: Config) -> Config {
    if noise(config.seed, [PURPOSE_SCENARIO, FaultClass::Charter as u64, 0]) & 1 == 0 {
        config.swarm.0.push(FaultClass::Charter);
    }
    config
}

/// A world without faults over `routes`.
pub fn quiet(seed: u64, routes: &[RouteKind], safety_ms: u64) -> Config {
    Config {
        routes: routes.to_vec(),
        window_ms: 2_000,
        cell_len: 2_048,
        swarm: Swarm::default(),
        is_talk_light: true,
        talk_mean_ms: Some(30_000),
        ..drawn(seed, CipherSuite::Null, safety_ms)
    }
}

/// Runs `config` through both phases.
pub fn run(config: Config) -> Result<Outcome, PaperFormatError> {
    let (seed, faults, safety_ms) = (config.seed, config.swarm.text(), config.safety_ms);
    let mut world = World::new(config)?;
    let swarm = &world.config.swarm.0;
    world.model.is_gap_forbidden = swarm.is_empty() && world.config.is_talk_light;
    let moves_clocks = |class: &FaultClass| {
        matches!(class, FaultClass::ClockJump | FaultClass::HostileRelay | FaultClass::Delay)
    };
    world.model.are_clocks_right = !swarm.iter().any(moves_clocks);
    world.run_until(safety_ms);
    world.check_keys();
    world.converge();
    Ok(world.outcome(seed, faults))
}

impl World {
    /// Heals, and runs until everything has arrived; fails after [`HEAL_WINDOWS`].
    pub fn converge(&mut self) {
        self.heal();
        let window_ms = u64::from(self.config.window_ms);
        let from_ms = self.now_ms;
        let until_ms = from_ms + HEAL_WINDOWS * window_ms + self.backlog_ms();
        while self.failure.is_none() {
            self.run_until(self.now_ms + 10 * window_ms);
            let missing = self.missing();
            let windows = (self.now_ms - from_ms) / window_ms;
            self.tally.heal_windows_max = self.tally.heal_windows_max.max(windows);
            if missing.is_empty() {
                break;
            }
            let is_late = self.now_ms >= until_ms;
            if is_late {
                self.tell_state();
            }
            self.judge(require(Check::Arrives, !is_late, || {
                format!("after {windows} windows without faults: {}", missing.join("; "))
            }));
        }
        // While all is there: nodes go on saying by themselves what deadlines ask for.
        if self.config.has_matters && self.failure.is_none() {
            self.check_matters();
            self.check_record();
            self.check_notes();
        }
        self.check_calm();
    }

    /// Tells where every link and route stands.
    fn tell_state(&self) {
        for (index, node) in self.nodes.iter().enumerate() {
            let Some(engine) = node.engine.as_ref() else { continue };
            let status = engine.status(node.now(self.now_ms, self.wall()));
            for peer in &status.peers {
                self.tell(Some(index), "peer", || {
                    let heard = (peer.is_alive, peer.hears_us, peer.verified);
                    format!(
                        "epoch {} alive, hears us, verified {heard:?} frozen {:?}",
                        peer.epoch, peer.frozen
                    )
                });
            }
            for route in &status.routes {
                let health = (route.state, route.trouble, route.losses, route.is_searching);
                self.tell(Some(index), "route", || format!("{} {health:?}", route.spec.url));
            }
        }
    }

    /// What is not yet where it must be, in words.
    pub fn missing(&self) -> Vec<String> {
        let in_use = (0..self.nodes.len()).filter(|node| !self.nodes[*node].is_retired);
        let lacking = in_use.flat_map(|node| self.model.missing(node, &self.nodes[node].store));
        let under_way = if self.config.has_matters { self.unsettled() } else { Vec::new() };
        lacking.chain(under_way).collect()
    }

    /// Time that the octets still to be carried need on the slowest of routes, in milliseconds.
    fn backlog_ms(&self) -> u64 {
        let waiting = self.model.said().iter().filter(|said| said.arrived_ms.is_none()).count() as u64;
        let octets = waiting * 4_000 + self.model.files.values().map(|file| file.len() as u64).sum::<u64>();
        let per_window = u64::from(self.config.cell_len) * 3 / 5;
        octets / per_window * u64::from(self.config.window_ms)
    }

    /// Where nothing failed for more than an hour, the keys have changed.
    fn check_keys(&mut self) {
        let is_calm = self.config.swarm.0.is_empty() && self.now_ms > REKEY_MS + KEYS_CHANGE_MS;
        let epochs = (self.epoch(0), self.epoch(1));
        let have_changed = epochs.0 > Some(1) && epochs.1 > Some(1);
        self.judge(require(Check::KeysChange, !is_calm || have_changed, || format!("epochs are {epochs:?}")));
    }

    /// Once all is healed, both nodes hear each other and say so, and both desks show one phrase.
    fn check_calm(&mut self) {
        let window_ms = u64::from(self.config.window_ms);
        let until_ms = self.now_ms + HEAL_WINDOWS * window_ms;
        self.run_until(self.now_ms + 40 * window_ms);
        while self.failure.is_none() && !self.is_calm() && self.now_ms < until_ms {
            self.run_until(self.now_ms + 20 * window_ms);
        }
        if !self.is_calm() {
            self.tell_state();
        }
        for node in 0..self.nodes.len() {
            let is_heard = self.hears(node) != Some(false);
            self.judge(require(Check::Silence, is_heard, || {
                format!("machine {node} does not call its peer alive")
            }));
        }
        for node in 0..self.nodes.len() {
            let overdue = Model::overdue(&self.nodes[node].store, self.now_ms);
            let is_gone = overdue.is_empty() || self.nodes[node].is_retired;
            self.judge(require(Check::Expires, is_gone, || {
                format!("machine {node} still holds {overdue:?}")
            }));
        }
        let is_one = self.have_one_charter();
        self.judge(require(Check::SameCharter, is_one, || "two charters are in force".to_owned()));
        let is_same = self.show_one_phrase();
        self.judge(require(Check::SamePhrase, is_same, || format!("the desks show {:?}", self.phrases())));
    }

    fn is_calm(&self) -> bool {
        self.have_one_charter()
            && self.show_one_phrase()
            && (0..self.nodes.len()).all(|node| self.hears(node) != Some(false))
    }

    /// Whether `node` hears its peer and is heard; nothing if no process runs on it.
    fn hears(&self, node: usize) -> Option<bool> {
        let machine = &self.nodes[node];
        let now = machine.now(self.now_ms, self.wall());
        let status = machine.engine.as_ref()?.status(now);
        Some(status.peers.iter().any(|peer| peer.is_alive && peer.hears_us))
    }

    fn show_one_phrase(&self) -> bool {
        let phrases = self.phrases();
        phrases.iter().all(|phrase| phrase.is_some() && *phrase == phrases[0])
    }

    /// The phrases that the desks show.
    fn phrases(&self) -> Vec<Option<String>> {
        let running = (0..self.nodes.len()).filter(|node| self.nodes[*node].engine.is_some());
        running.map(|node| self.phrase(node)).collect()
    }

    /// How the run ended.
    pub fn outcome(mut self, seed: u64, faults: String) -> Outcome {
        self.tally.said = self.model.said_count();
        self.tally.arrived = self.model.arrived;
        self.tally.gaps = self.model.gaps;
        self.tally.wait_ms_max = self.model.wait_ms_max;
        Outcome { seed, failure: self.failure, tally: self.tally, digest: self.digest.text(), faults }
    }
}

/// The charter's routes.
pub(crate) fn specs(config: &Config, entropy: &mut Entropy) -> Vec<RouteSpec> {
    let mut of_kind = |(index, kind)| spec(config, index, kind, RouteId(entropy.array()));
    config.routes.iter().copied().enumerate().map(&mut of_kind).collect()
}

/// What a charter says of route number `index`.
pub(crate) fn spec(config: &Config, index: usize, kind: RouteKind, id: RouteId) -> RouteSpec {
    let (url, ruler) = match kind {
        RouteKind::Relay(ruler) => (format!("https://relay-{index}.example:7443#pin=00"), ruler),
        RouteKind::Folder(ruler) => ("folder:/srv/couloir".to_owned(), ruler),
        RouteKind::Direct => ("quic://post.example:7444".to_owned(), 0),
    };
    let (window_ms, cell_len) = (config.window_ms, config.cell_len);
    RouteSpec { id, url, window_ms, cell_len, lanes: 1, ruler, from_ms: EPOCH.0 - 1, retired_ms: None }
}

/// What carries them.
pub(crate) fn routes(config: &Config, specs: &[RouteSpec]) -> Vec<Route> {
    let routes = config.routes.iter().zip(specs).enumerate();
    routes.map(|(index, (kind, spec))| route(config, index, *kind, spec.clone())).collect()
}

/// Route number `index`, before anything happened on it.
pub(crate) fn route(config: &Config, index: usize, kind: RouteKind, spec: RouteSpec) -> Route {
    let ruler = |number: u8| Ruler::from_number(number).expect("routes are drawn with rulers 0 to 2");
    let carrier = match kind {
        RouteKind::Relay(number) => {
            Carrier::Relay(Box::new(RelayActor::new(ruler(number), config.seed ^ index as u64)))
        }
        RouteKind::Folder(number) => Carrier::Folder(Folder::new(ruler(number))),
        RouteKind::Direct => Carrier::Direct(Direct::default()),
    };
    let cut_off = Default::default();
    Route { spec, carrier, weather: Weather::FAIR, is_up: true, cut_off, is_dead: false }
}

/// Classes that lose no disk: what remains when a run is about something else.
pub fn without(swarm: &Swarm, classes: &[FaultClass]) -> Swarm {
    Swarm(swarm.0.iter().copied().filter(|class| !classes.contains(class)).collect())
}

/// How long a change of keys may take.
const KEYS_CHANGE_MS: u64 = 6 * 60_000;
/// Windows within which everything arrives once all faults have ended, beyond what the octets still
/// to be carried take: a search of half an hour at 2 s (900), and twice a re-establishment of three
/// messages in parts, each written in every sixteenth window (about 500 each).
pub const HEAL_WINDOWS: u64 = 2_000;
const PURPOSE_SCENARIO: u64 = 3;
