//! What lies between a node and its routes: delay, loss, partition, and what an observer sees.

use std::collections::{BTreeMap, BTreeSet};

use couloir_engine::Armed;
use couloir_wire::route::RouteSpec;

use crate::chance::noise;
use crate::checks::{Check, Verdict, require};
use crate::direct::Direct;
use crate::folder::Folder;
use crate::relay::RelayActor;

/// One route of the run.
pub struct Route {
    /// As the charter has it.
    pub spec: RouteSpec,
    /// What carries it.
    pub carrier: Carrier,
    /// How the way to it is.
    pub weather: Weather,
    /// Whether the carrier runs.
    pub is_up: bool,
    /// Machines that cannot reach it.
    pub cut_off: BTreeSet<usize>,
    /// Whether it is down for good: the run is about living without it.
    pub is_dead: bool,
}

/// What carries a route.
pub enum Carrier {
    /// A relay.
    Relay(Box<RelayActor>),
    /// A folder.
    Folder(Folder),
    /// A connection.
    Direct(Direct),
}

/// Delay and loss on the way to a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    /// Requests lost, in a thousand.
    pub loss_permille: u64,
    /// Answers lost after the request was executed, in a thousand.
    pub answer_loss_permille: u64,
    /// Least delay one way, in milliseconds.
    pub delay_ms_min: u64,
    /// Most delay one way, in milliseconds.
    pub delay_ms_max: u64,
}

impl Weather {
    /// A good day.
    pub const FAIR: Weather =
        Weather { loss_permille: 0, answer_loss_permille: 0, delay_ms_min: 5, delay_ms_max: 60 };
}

/// What becomes of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// Whether the request arrives.
    pub is_executed: bool,
    /// Whether the answer comes back.
    pub is_answered: bool,
    /// From leaving to the carrier, in milliseconds.
    pub out_ms: u64,
    /// From the carrier back, in milliseconds.
    pub back_ms: u64,
}

impl Route {
    /// The fate of an exchange that leaves `machine` at `now_ms`. It depends on nothing else.
    pub fn fate(&self, seed: u64, machine: usize, index: usize, now_ms: u64) -> Fate {
        let luck = noise(seed, [machine as u64, index as u64, now_ms]);
        let is_reachable = self.is_up && !self.is_dead && !self.cut_off.contains(&machine);
        let weather = self.weather;
        let spread = weather.delay_ms_max.saturating_sub(weather.delay_ms_min) + 1;
        let is_executed = is_reachable && luck % 1_000 >= weather.loss_permille;
        Fate {
            is_executed,
            is_answered: is_executed && (luck >> 10) % 1_000 >= weather.answer_loss_permille,
            out_ms: weather.delay_ms_min + (luck >> 20) % spread,
            back_ms: weather.delay_ms_min + (luck >> 40) % spread,
        }
    }
}

/// One exchange as somebody next to a node sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed {
    /// When the request left, in simulated milliseconds.
    pub at_ms: u64,
    /// From which machine.
    pub machine: usize,
    /// To which route.
    pub route: usize,
    /// Octets of the request.
    pub request: u32,
    /// Octets of the answer.
    pub answer: u32,
}

/// Every write token that left a machine lately, with a hash of its cell.
#[derive(Default)]
pub struct SlotLedger {
    young: BTreeMap<(usize, u64), u64>,
    old: BTreeMap<(usize, u64), u64>,
    /// Tokens whose use a machine forgot with its disk.
    forgotten: BTreeSet<(usize, u64)>,
    /// Machines that came upon one of them again, because their clock is behind.
    met: BTreeSet<usize>,
    turned_ms: u64,
}

impl SlotLedger {
    /// The disk of `machine` was put back: it no longer knows what it used.
    pub fn disk_replaced(&mut self, machine: usize) {
        let used = self.young.keys().chain(self.old.keys()).copied();
        self.forgotten.extend(used.filter(|(of, _)| *of == machine));
        self.young.retain(|(of, _), _| *of != machine);
        self.old.retain(|(of, _), _| *of != machine);
    }

    /// Whether `machine` wrote to a slot that it had forgotten. It finds a cell there that is not its own, and
    /// stops itself as it must where another has its identity.
    pub fn has_met_itself(&self, machine: usize) -> bool {
        self.met.contains(&machine)
    }

    /// `machine` sends `armed`.
    pub fn note(&mut self, machine: usize, now_ms: u64, armed: &Armed) -> Verdict {
        if now_ms - self.turned_ms > TURN_MS {
            self.old = std::mem::take(&mut self.young);
            self.turned_ms = now_ms;
        }
        for put in &armed.puts {
            let key = (machine, first_octets(&put.token.0));
            let hash = hash_of(&put.cell);
            if self.forgotten.contains(&key) {
                self.met.insert(machine);
            }
            let before = self.young.insert(key, hash).or_else(|| self.old.get(&key).copied());
            let is_same = before.is_none_or(|before| before == hash);
            require(Check::SlotOnce, is_same, || {
                format!("two cells for {:?} of machine {machine}", put.window)
            })?;
        }
        Ok(())
    }
}

fn first_octets(token: &[u8; 32]) -> u64 {
    token.first_chunk().map_or(0, |octets| u64::from_be_bytes(*octets))
}

/// FNV-1a by words in four lanes: cells differ in their random nonces if in anything.
pub(crate) fn hash_of(cell: &[u8]) -> u64 {
    let step = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0100_0000_01B3);
    let mut lanes = [0xCBF2_9CE4_8422_2325_u64; 4];
    for block in cell.chunks(32) {
        for (lane, word) in lanes.iter_mut().zip(block.chunks(8)) {
            *lane = step(*lane, word.first_chunk().map_or(0, |word| u64::from_le_bytes(*word)));
        }
    }
    lanes.into_iter().fold(cell.len() as u64, step)
}

/// Tokens are remembered for one to two of these: longer than any clock jump of a run.
const TURN_MS: u64 = 3 * 24 * 3_600_000;
