//! Faults begin and end.

use crate::chance::{Chance, noise};
use crate::faults::{FaultClass, MINUTE_MS};
use crate::folder::FolderState;
use crate::network::{Carrier, Weather};
use crate::node::DISK_MS;
use crate::relay::Hostility;
use crate::world::{COPY_MS, Event, PURPOSE_FAULT, World};

/// A fault that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mend {
    /// The way to a route is good again.
    Weather(usize),
    /// A machine reaches a route again.
    Partition(usize, usize),
    /// A carrier runs again.
    Carrier(usize),
    /// A relay or folder behaves again.
    Behaviour(usize),
    /// A direct connection may be made again.
    Direct(usize),
    /// A disk is quick and has room again.
    Disk(usize),
    /// A process tries its disk again; its life.
    Engine(usize, u32),
    /// A clock is right again.
    Clock(usize),
}

impl World {
    /// The first fault of each class that is on.
    pub(crate) fn first_faults(&mut self) {
        for class in self.config.swarm.0.clone() {
            let mut chance = Chance::new(self.config.seed, PURPOSE_FAULT + class as u64);
            let wait_ms = chance.wait_ms(class.mean_ms());
            self.fault_chances.insert(class, chance);
            self.after(wait_ms, Event::Fault(class));
        }
    }

    /// A fault of `class` begins, and the next one is planned.
    pub(crate) fn begin_fault(&mut self, class: FaultClass) {
        let Some(mut chance) = self.fault_chances.remove(&class).filter(|_| self.is_faulty) else { return };
        let wait_ms = chance.wait_ms(class.mean_ms());
        self.after(wait_ms, Event::Fault(class));
        *self.tally.faults.entry(class).or_default() += 1;
        let node = chance.below(2) as usize;
        let route = chance.below(self.routes.len() as u64) as usize;
        self.tell(None, "fault", || format!("{class:?} (node {node}, route {route})"));
        match class {
            FaultClass::Loss | FaultClass::Delay => self.worsen(class, route, &mut chance),
            FaultClass::Partition => {
                self.routes[route].cut_off.insert(node);
                self.cut(route, None);
                self.after(chance.wait_ms(6 * MINUTE_MS), Event::Mend(Mend::Partition(node, route)));
            }
            FaultClass::RelayRestart => {
                self.routes[route].is_up = false;
                self.cut(route, None);
                self.after(chance.wait_ms(MINUTE_MS), Event::Mend(Mend::Carrier(route)));
            }
            FaultClass::HostileRelay => self.turn_hostile(route, &mut chance),
            FaultClass::FolderTrouble => self.trouble_folder(route, &mut chance),
            FaultClass::DirectCut => self.cut_direct(route, &mut chance),
            FaultClass::Kill => self.plan_kill(node, &mut chance),
            FaultClass::Absence => self.kill(node, chance.between(2, 150) * MINUTE_MS),
            FaultClass::SlowDisk | FaultClass::DiskFull => self.ail_disk(class, node, &mut chance),
            FaultClass::ClockJump => self.jump_clock(node, &mut chance),
            FaultClass::Restore | FaultClass::Rollback => self.replace_disk(class, node, &mut chance),
            FaultClass::Officers => self.officer_acts(node, chance.below(6)),
            FaultClass::Charter => self.amend(node, &mut chance),
        }
        self.fault_chances.insert(class, chance);
    }

    fn worsen(&mut self, class: FaultClass, route: usize, chance: &mut Chance) {
        let fair = Weather::FAIR;
        self.routes[route].weather = match class {
            FaultClass::Loss => Weather {
                loss_permille: chance.between(20, 500),
                answer_loss_permille: chance.between(0, 300),
                ..fair
            },
            _ => Weather {
                delay_ms_min: chance.between(50, 900),
                delay_ms_max: chance.between(900, 4_000),
                ..fair
            },
        };
        self.after(chance.wait_ms(8 * MINUTE_MS), Event::Mend(Mend::Weather(route)));
    }

    fn turn_hostile(&mut self, route: usize, chance: &mut Chance) {
        let hostility = match chance.below(9) {
            0 => Hostility::Drops(chance.between(2, 20)),
            1 => Hostility::LiesAboutTime(chance.pick(&[-90_000, 90_000, -3 * 86_400_000, 3 * 86_400_000])),
            2 => Hostility::Forgets,
            3 => Hostility::Swaps,
            4 => Hostility::Equivocates,
            5 => Hostility::Tampers,
            6 => Hostility::Giant,
            7 => Hostility::Truncates,
            _ => Hostility::Refuses,
        };
        if let Carrier::Relay(relay) = &mut self.routes[route].carrier {
            relay.hostility = Some(hostility);
            self.after(chance.wait_ms(10 * MINUTE_MS), Event::Mend(Mend::Behaviour(route)));
        }
        self.tell(None, "hostile", || format!("route {route}: {hostility:?}"));
    }

    fn trouble_folder(&mut self, route: usize, chance: &mut Chance) {
        let state = chance.pick(&[FolderState::Full, FolderState::ReadOnly, FolderState::Missing]);
        if let Carrier::Folder(folder) = &mut self.routes[route].carrier {
            folder.state = state;
            self.after(chance.wait_ms(6 * MINUTE_MS), Event::Mend(Mend::Behaviour(route)));
        }
    }

    fn cut_direct(&mut self, route: usize, chance: &mut Chance) {
        self.cut(route, None);
        if let Carrier::Direct(direct) = &mut self.routes[route].carrier {
            direct.is_cut = true;
            self.after(chance.wait_ms(3 * MINUTE_MS), Event::Mend(Mend::Direct(route)));
        }
    }

    fn plan_kill(&mut self, node: usize, chance: &mut Chance) {
        let (outputs, off_ms) = (chance.below(25) as u32, 500 + chance.wait_ms(20_000));
        if self.config.are_kills_timed {
            self.kill(node, off_ms);
        } else if self.nodes[node].is_on {
            self.nodes[node].kill_in = Some(outputs);
        }
    }

    /// The process on `node` ends now; a batch that was handed over may have reached the disk.
    pub(crate) fn kill(&mut self, node: usize, off_ms: u64) {
        if !self.nodes[node].is_on {
            return;
        }
        self.tally.kills += 1;
        let reached_disk = noise(self.config.seed, [node as u64, self.now_ms, 17]) & 1 == 0;
        let batch =
            self.nodes[node].outstanding.take().filter(|_| reached_disk && !self.nodes[node].is_disk_full);
        self.tell(Some(node), "killed", || format!("for {off_ms} ms; batch on disk: {}", batch.is_some()));
        if let Some(batch) = batch {
            self.make_durable(node, batch);
        }
        self.drop_connections(node);
        self.nodes[node].kill(self.now_ms);
        self.after(off_ms, Event::Start(node));
    }

    fn ail_disk(&mut self, class: FaultClass, node: usize, chance: &mut Chance) {
        match class {
            FaultClass::SlowDisk => self.nodes[node].disk_ms = chance.between(200, 7_000),
            _ => self.nodes[node].is_disk_full = true,
        }
        self.after(chance.wait_ms(3 * MINUTE_MS), Event::Mend(Mend::Disk(node)));
    }

    fn jump_clock(&mut self, node: usize, chance: &mut Chance) {
        let size_ms = match chance.below(3) {
            0 => chance.between(1_000, 120_000),
            1 => chance.between(120_000, 7_200_000),
            _ => chance.between(7_200_000, 3 * 86_400_000),
        };
        // A clock that was ahead has used windows to come: a disk that is put back then meets them for days.
        let loses_disks = self.loses_disks();
        let is_ahead = chance.percent(50) && !loses_disks;
        let by_ms = if is_ahead { size_ms as i64 } else { -(size_ms as i64) };
        self.nodes[node].wall_off_ms = by_ms;
        self.tell(Some(node), "clock", || format!("{by_ms} ms off"));
        self.after(chance.wait_ms(20 * MINUTE_MS), Event::Mend(Mend::Clock(node)));
    }

    /// A backup is restored, or a whole image is put back, on a machine that was off for a while.
    pub(crate) fn replace_disk(&mut self, class: FaultClass, node: usize, chance: &mut Chance) {
        let copies = self.nodes[node].copies.len() as u64;
        if copies == 0 || self.nodes[node].is_retired {
            return;
        }
        let (backup, image) = self.nodes[node].copies[chance.below(copies) as usize].clone();
        self.kill(node, OFF_FOR_REPAIR_MS);
        let is_restore = class == FaultClass::Restore;
        self.tally.restores += u64::from(is_restore);
        self.tally.rollbacks += u64::from(!is_restore);
        self.put_disk(node, if is_restore { backup } else { image });
    }

    /// The disk of `node` holds `store` from now on, and the oracle knows.
    pub fn put_disk(&mut self, node: usize, store: crate::memory_store::MemoryStore) {
        self.tell(Some(node), "disk", || format!("{} entries", store.entries().count()));
        self.nodes[node].store = store;
        self.nodes[node].life += 1;
        self.nodes[node].is_on = false;
        self.nodes[node].not_before_ms = self.now_ms + OFF_FOR_REPAIR_MS;
        self.nodes[node].unread.clear();
        self.ledger.disk_replaced(node);
        let stores: Vec<_> = self.nodes.iter().map(|node| &node.store).collect();
        self.model.disk_replaced(&stores);
        self.after(OFF_FOR_REPAIR_MS, Event::Start(node));
    }

    /// The machine is off until [`World::switch_on`].
    pub fn switch_off(&mut self, node: usize) {
        self.kill(node, 0);
        self.nodes[node].not_before_ms = u64::MAX;
    }

    /// The machine starts now.
    pub fn switch_on(&mut self, node: usize) {
        self.nodes[node].not_before_ms = 0;
        self.after(0, Event::Start(node));
    }

    /// A copy of the disk is made, and will be again.
    pub(crate) fn copy_disk(&mut self, node: usize) {
        self.after(COPY_MS, Event::Copy(node));
        // A disk from before first contact cannot take it up again: its invitation is used.
        if self.loses_disks() && self.has_confirmed(node) {
            self.nodes[node].copy_disk();
        }
    }

    pub(crate) fn loses_disks(&self) -> bool {
        let is_loss = |class: &FaultClass| matches!(class, FaultClass::Restore | FaultClass::Rollback);
        self.config.swarm.0.iter().any(is_loss)
    }

    /// A fault ends.
    pub(crate) fn mend(&mut self, mend: Mend) {
        match mend {
            Mend::Weather(route) => self.routes[route].weather = Weather::FAIR,
            Mend::Partition(node, route) => drop(self.routes[route].cut_off.remove(&node)),
            Mend::Carrier(route) => self.routes[route].is_up = true,
            Mend::Behaviour(route) => self.behave(route),
            Mend::Direct(route) => {
                if let Carrier::Direct(direct) = &mut self.routes[route].carrier {
                    direct.is_cut = false;
                }
            }
            Mend::Disk(node) => {
                self.nodes[node].disk_ms = DISK_MS;
                self.nodes[node].is_disk_full = false;
            }
            Mend::Engine(node, life) => self.retry_disk(node, life),
            Mend::Clock(node) => self.nodes[node].wall_off_ms = 0,
        }
    }

    fn behave(&mut self, route: usize) {
        match &mut self.routes[route].carrier {
            Carrier::Relay(relay) => relay.hostility = None,
            Carrier::Folder(folder) => folder.state = FolderState::Fine,
            Carrier::Direct(_) => {}
        }
    }

    /// All faults end, for good.
    pub fn heal(&mut self) {
        self.is_faulty = false;
        self.is_talking = false;
        self.tell(None, "healing", String::new);
        for route in 0..self.routes.len() {
            self.routes[route].cut_off.clear();
            [Mend::Weather(route), Mend::Carrier(route), Mend::Behaviour(route), Mend::Direct(route)]
                .into_iter()
                .for_each(|mend| self.mend(mend));
        }
        for node in 0..self.nodes.len() {
            self.mend(Mend::Disk(node));
            self.mend(Mend::Clock(node));
            self.nodes[node].kill_in = None;
            if !self.nodes[node].is_on {
                self.nodes[node].not_before_ms = 0;
                self.after(OFF_FOR_REPAIR_MS, Event::Start(node));
            }
        }
    }
}

/// A machine whose disk was replaced stays off at least this long: longer than the windows that
/// were armed ahead, as hands need.
pub(crate) const OFF_FOR_REPAIR_MS: u64 = 60_000;
