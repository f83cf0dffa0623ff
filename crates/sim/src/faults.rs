//! What can go wrong, in classes that a seed turns on or off, and when it does.

use std::collections::BTreeMap;

use crate::chance::Chance;

/// A class of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultClass {
    /// Requests or answers vanish.
    Loss,
    /// Answers take long.
    Delay,
    /// A node cannot reach one route.
    Partition,
    /// A relay stops and starts again.
    RelayRestart,
    /// A relay lies.
    HostileRelay,
    /// The folder is full, read-only or gone.
    FolderTrouble,
    /// The direct connection is cut.
    DirectCut,
    /// A node is killed between any two outputs.
    Kill,
    /// A node is stopped for minutes to hours.
    Absence,
    /// The disk takes seconds.
    SlowDisk,
    /// The disk is full.
    DiskFull,
    /// A node's clock jumps, by days at most.
    ClockJump,
    /// A node is restored from an old backup.
    Restore,
    /// A node's whole disk image is put back.
    Rollback,
    /// Officers come and go, drills run, the official line changes.
    Officers,
    /// Officers add and retire routes, and sign what the other side proposes.
    Charter,
}

impl FaultClass {
    /// All that a swarm is drawn from.
    pub const ALL: [FaultClass; 15] = [
        FaultClass::Loss,
        FaultClass::Delay,
        FaultClass::Partition,
        FaultClass::RelayRestart,
        FaultClass::HostileRelay,
        FaultClass::FolderTrouble,
        FaultClass::DirectCut,
        FaultClass::Kill,
        FaultClass::Absence,
        FaultClass::SlowDisk,
        FaultClass::DiskFull,
        FaultClass::ClockJump,
        FaultClass::Restore,
        FaultClass::Rollback,
        FaultClass::Officers,
    ];

    /// Mean time between two faults of this class, in milliseconds.
    pub fn mean_ms(self) -> u64 {
        match self {
            FaultClass::Loss | FaultClass::Delay => 10 * MINUTE_MS,
            FaultClass::Partition | FaultClass::DirectCut => 8 * MINUTE_MS,
            FaultClass::RelayRestart | FaultClass::HostileRelay => 15 * MINUTE_MS,
            FaultClass::FolderTrouble | FaultClass::SlowDisk | FaultClass::DiskFull => 20 * MINUTE_MS,
            FaultClass::Kill => 5 * MINUTE_MS,
            FaultClass::Charter => 12 * MINUTE_MS,
            FaultClass::Officers => 7 * MINUTE_MS,
            FaultClass::Absence => 60 * MINUTE_MS,
            FaultClass::ClockJump => 40 * MINUTE_MS,
            FaultClass::Restore | FaultClass::Rollback => 80 * MINUTE_MS,
        }
    }
}

/// The classes that a seed turned on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swarm(pub Vec<FaultClass>);

impl Swarm {
    /// Each class with an even chance.
    pub fn drawn(chance: &mut Chance) -> Swarm {
        Swarm(FaultClass::ALL.into_iter().filter(|_| chance.percent(50)).collect())
    }

    /// Their names.
    pub fn text(&self) -> String {
        let names: Vec<String> = self.0.iter().map(|class| format!("{class:?}")).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(" ") }
    }
}

/// How much was simulated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Simulated time, in milliseconds.
    pub time_ms: u64,
    /// Steps of the event queue.
    pub steps: u64,
    /// Swaps that were shown at every desk.
    pub swaps_done: u64,
    /// Items on the record of every desk.
    pub on_record: u64,
    /// Changes and withdrawals of notes.
    pub corrected: u64,
    /// Exchanges that left a node.
    pub exchanges: u64,
    /// Cells written on steady routes.
    pub cells: u64,
    /// Slots read on steady routes.
    pub gets: u64,
    /// Frames over direct routes.
    pub frames: u64,
    /// Batches made durable.
    pub batches: u64,
    /// Nodes killed.
    pub kills: u64,
    /// Nodes restored from a backup.
    pub restores: u64,
    /// Nodes whose image was put back.
    pub rollbacks: u64,
    /// Links frozen until a person settled it.
    pub freezes: u64,
    /// Entries said.
    pub said: u64,
    /// Entries that arrived.
    pub arrived: u64,
    /// Entries shown with a gap.
    pub gaps: u64,
    /// Longest time from said to arrived, in milliseconds.
    pub wait_ms_max: u64,
    /// Longest healing, in windows.
    pub heal_windows_max: u64,
    /// Faults by class.
    pub faults: BTreeMap<FaultClass, u64>,
}

impl Tally {
    /// Adds another run's.
    pub fn add(&mut self, other: &Tally) {
        self.time_ms += other.time_ms;
        self.swaps_done += other.swaps_done;
        self.on_record += other.on_record;
        self.corrected += other.corrected;
        self.steps += other.steps;
        self.exchanges += other.exchanges;
        self.cells += other.cells;
        self.gets += other.gets;
        self.frames += other.frames;
        self.batches += other.batches;
        self.kills += other.kills;
        self.restores += other.restores;
        self.rollbacks += other.rollbacks;
        self.freezes += other.freezes;
        self.said += other.said;
        self.arrived += other.arrived;
        self.gaps += other.gaps;
        self.wait_ms_max = self.wait_ms_max.max(other.wait_ms_max);
        self.heal_windows_max = self.heal_windows_max.max(other.heal_windows_max);
        other.faults.iter().for_each(|(class, count)| *self.faults.entry(*class).or_default() += count);
    }

    /// Lines for people.
    pub fn lines(&self) -> Vec<String> {
        let hours = self.time_ms as f64 / 3_600_000.0;
        let faults: Vec<String> =
            self.faults.iter().map(|(class, count)| format!("{class:?} {count}")).collect();
        vec![
            format!("simulated    {:.1} days ({hours:.1} h), {} steps", hours / 24.0, self.steps),
            format!(
                "exchanges    {}  cells {}  gets {}  frames {}",
                self.exchanges, self.cells, self.gets, self.frames
            ),
            format!(
                "batches      {}  kills {}  restores {}  rollbacks {}  freezes {}",
                self.batches, self.kills, self.restores, self.rollbacks, self.freezes
            ),
            format!("entries      {} said  {} arrived  {} with a gap", self.said, self.arrived, self.gaps),
            format!(
                "longest      {} s from said to arrived  {} windows of healing",
                self.wait_ms_max / 1_000,
                self.heal_windows_max
            ),
            format!("faults       {}", faults.join("  ")),
        ]
    }
}

/// A minute, in milliseconds.
pub const MINUTE_MS: u64 = 60_000;
