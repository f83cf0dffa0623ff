//! Scenarios with a story of their own: absences, old backups, two machines, a key change cut short.

use couloir_engine::{Input, LinkNumber, Notice};
use couloir_seal::CipherSuite;
use couloir_wire::limits::REKEY_MS;
use couloir_wire::papers::PaperFormatError;
use couloir_wire::time::WindowLength;

use crate::chance::Chance;
use crate::checks::{Check, Failure, require};
use crate::faults::{FaultClass, Swarm};
use crate::network::Observed;
use crate::node::Node;
use crate::scenario::{PLAIN, RELAYS, RouteKind, drawn, quiet, without};
use crate::world::{Config, PURPOSE_NODE, World};

/// What a reader who came back measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// From its start until everything was there, in milliseconds.
    pub until_all_ms: u64,
    /// Slots that it had read by then.
    pub gets: u64,
    /// The broken promise, if any.
    pub failure: Option<Failure>,
}

/// What a backlog took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// Octets of its encoded entries, as they arrived.
    pub octets: u64,
    /// Windows, and so cells, from saying it until all of it was there.
    pub windows: u64,
    /// The broken promise, if any.
    pub failure: Option<Failure>,
}

/// A peer comes back after `hours` during which the sender said `notes` notes; the sender is down since
/// the last hour, and one of three relays is dead.
pub fn back_after(seed: u64, hours: u64, notes: u64) -> Result<Return, PaperFormatError> {
    let mut world = verified(quiet(seed, &RELAYS, 0))?;
    world.switch_off(1);
    let from_ms = world.now_ms;
    let span_ms = hours * HOUR_MS;
    for note in 0..notes {
        world.run_until(from_ms + span_ms * note / notes);
        let body = world.note(200);
        world.say_plainly(0, body);
    }
    world.run_until(from_ms + span_ms);
    world.switch_off(0);
    world.run_until(world.now_ms + HOUR_MS);
    world.routes[0].is_dead = true;
    Ok(world.read_back(notes, 30 * 60_000))
}

/// A sender was up for five minutes only, and is read a day later while it is down.
pub fn five_minutes(seed: u64) -> Result<Return, PaperFormatError> {
    let mut world = verified(quiet(seed, &RELAYS, 0))?;
    world.switch_off(1);
    world.switch_off(0);
    world.run_until(world.now_ms + DAY_MS);
    world.switch_on(0);
    world.run_until(world.now_ms + 10_000);
    let body = world.note(200);
    world.say_plainly(0, body);
    world.run_until(world.now_ms + 290_000);
    world.switch_off(0);
    world.run_until(world.now_ms + DAY_MS);
    Ok(world.read_back(1, 30 * 60_000))
}

/// What a backlog of `notes` notes of 200 octets, said at once, takes on one relay at default rates.
pub fn backlog(seed: u64, notes: u64) -> Result<Backlog, PaperFormatError> {
    let mut world = verified(quiet(seed, &[RouteKind::Relay(0)], 0))?;
    let from_ms = world.now_ms;
    for _ in 0..notes {
        let body = world.note(200);
        world.say_plainly(0, body);
    }
    let is_there = |world: &World| world.nodes[1].store.entries().count() as u64 == notes;
    while world.failure.is_none() && !is_there(&world) && world.now_ms < from_ms + HOUR_MS {
        world.run_until(world.now_ms + 500);
    }
    let windows = (world.now_ms - from_ms) / WindowLength::DEFAULT.ms();
    let octets = world.nodes[1].store.entries().map(|entry| entry.encoded.len() as u64).sum();
    let is_whole = is_there(&world);
    world.judge(require(Check::Arrives, is_whole, || "the backlog did not arrive within an hour".to_owned()));
    Ok(Backlog { octets, windows, failure: world.failure })
}

/// A months-old backup is restored with one route left and 30 % loss, while the peer has gone on.
pub fn old_backup(seed: u64) -> Result<World, PaperFormatError> {
    let mut world = verified(Config { talk_mean_ms: Some(120_000), ..quiet(seed, &PLAIN, 0) })?;
    world.is_talking = true;
    world.run_until(world.now_ms + HOUR_MS);
    let backup = world.nodes[0].store.backup();
    world.run_until(world.now_ms + 2 * HOUR_MS);
    world.switch_off(0);
    world.run_until(world.now_ms + HOUR_MS);
    world.switch_off(1);
    world.run_until(world.now_ms + 75 * DAY_MS);
    world.switch_on(1);
    world.routes[1].is_dead = true;
    world.routes[2].is_dead = true;
    world.routes[0].weather.loss_permille = 300;
    world.put_disk(0, backup);
    world.nodes[0].not_before_ms = 0;
    world.run_until(world.now_ms + 2 * HOUR_MS);
    world.tally.restores += 1;
    world.is_talking = false;
    Ok(world)
}

/// Two machines claim one post: the second has the first one's disk, or a backup of it. Somebody must
/// notice within [`HOUR_MS`].
pub fn two_machines(seed: u64, routes: &[RouteKind], is_restored: bool) -> Result<World, PaperFormatError> {
    let mut world = verified(quiet(seed, routes, 0))?;
    world.is_talking = true;
    world.run_until(world.now_ms + 10 * 60_000);
    world.is_contested = true;
    let mut second = world.nodes[0].cloned(Chance::new(seed, PURPOSE_NODE + 2));
    if is_restored {
        second.store = second.store.backup();
    }
    world.add_machine(second, 0);
    world.run_until(world.now_ms + HOUR_MS);
    let is_split = |(_, _, notice): &(u64, usize, Notice)| {
        matches!(notice, Notice::TwoNodes | Notice::FrozenThere | Notice::SecondSelf)
    };
    let is_noticed = world.notices.iter().any(is_split);
    world.judge(require(Check::TwoNoticed, is_noticed, || {
        "nobody noticed two machines within an hour".to_owned()
    }));
    world.is_talking = false;
    Ok(world)
}

/// A backup is restored on a second machine while the first is off, and the first is switched on again. Both
/// share a direct route alone with the other post.
pub fn first_machine_returns(seed: u64) -> Result<World, PaperFormatError> {
    let mut world = verified(quiet(seed, &[RouteKind::Direct], 0))?;
    world.is_talking = true;
    world.is_contested = true;
    world.switch_off(0);
    world.run_until(world.now_ms + 20 * 60_000);
    let mut second = world.nodes[0].cloned(Chance::new(seed, PURPOSE_NODE + 2));
    second.store = second.store.backup();
    world.add_machine(second, 0);
    world.run_until(world.now_ms + 20 * 60_000);
    world.switch_on(0);
    world.run_until(world.now_ms + HOUR_MS);
    world.is_talking = false;
    Ok(world)
}

/// After [`two_machines`] or [`first_machine_returns`] on a direct route alone: the desk of the other post has frozen the link, and both
/// machines were told. Then a person stops the second, and the other desk settles it.
pub fn settle_two_machines(world: &mut World) {
    for (node, notice) in [(1, Notice::TwoNodes), (0, Notice::FrozenThere), (2, Notice::FrozenThere)] {
        let is_told = world.notices.iter().any(|(_, told, what)| (*told, what) == (node, &notice));
        world.judge(require(Check::TwoNoticed, is_told, || format!("machine {node} reads no {notice:?}")));
    }
    world.switch_off(2);
    world.nodes[2].is_retired = true;
    let stores = [&world.nodes[0].store, &world.nodes[1].store];
    world.model.disk_replaced(&stores);
    world.give(1, Input::Thaw(LinkNumber::FIRST));
    world.converge();
}

/// Two offices that share a folder alone, one of whose clocks is `off_ms` wrong from the start.
pub fn clocks_apart(seed: u64, off_ms: i64) -> Result<World, PaperFormatError> {
    let mut world = World::new(quiet(seed, &[RouteKind::Folder(0)], 0))?;
    world.nodes[1].wall_off_ms = off_ms;
    world.run_until(HOUR_MS);
    world.is_talking = false;
    world.run_until(world.now_ms + 5 * 60_000);
    let missing = world.missing();
    world.judge(require(Check::Arrives, missing.is_empty(), || missing.join("; ")));
    Ok(world)
}

/// A key change is cut: `node` is killed before its output number `outputs` from the hour on.
pub fn key_change_cut(seed: u64, node: usize, outputs: u32) -> Result<World, PaperFormatError> {
    let routes = [RouteKind::Relay(0)];
    let mut world = verified(Config { talk_mean_ms: Some(20_000), ..quiet(seed, &routes, 0) })?;
    world.run_until(REKEY_MS - 1_000);
    let epoch = world.epoch(0);
    world.is_talking = true;
    world.nodes[node].kill_in = Some(outputs);
    world.run_until(REKEY_MS + 20 * 60_000);
    world.is_talking = false;
    let moved = world.epoch(0) > epoch && world.epoch(0) == world.epoch(1);
    let (first, second) = (world.epoch(0), world.epoch(1));
    world.judge(require(Check::Arrives, moved, || {
        format!("epochs {epoch:?} became {first:?} and {second:?}")
    }));
    Ok(world)
}

/// What an observer sees of `seed` with and without anything said; the two must be equal.
pub fn from_outside(seed: u64, safety_ms: u64) -> Result<(Vec<Observed>, Vec<Observed>), PaperFormatError> {
    let with_talk = drawn(seed, CipherSuite::Null, safety_ms);
    // A full disk stops a talking node's engine earlier; which sync a kill interrupts depends on how
    // many there are, where a sync is slow.
    let unlike = if seed.is_multiple_of(2) { FaultClass::Kill } else { FaultClass::SlowDisk };
    let swarm = without(&with_talk.swarm, &[FaultClass::DiskFull, FaultClass::Officers, unlike]);
    let with_talk = Config { swarm, are_kills_timed: true, is_observed: true, window_ms: 2_000, ..with_talk };
    let silent = Config { talk_mean_ms: None, ..with_talk.clone() };
    let seen = |config| -> Result<Vec<Observed>, PaperFormatError> {
        let mut world = World::new(config)?;
        world.run_until(safety_ms);
        Ok(world.observed)
    };
    Ok((seen(with_talk)?, seen(silent)?))
}

/// The world of `config` once first contact is complete and both desks have compared the phrase.
pub fn verified(config: Config) -> Result<World, PaperFormatError> {
    let mut world = World::new(config)?;
    world.is_talking = false;
    while world.failure.is_none() && !world.is_verified() {
        world.run_until(world.now_ms + 5_000);
        let is_late = world.now_ms > CONTACT_MS;
        world.judge(require(Check::Arrives, !is_late, || "first contact is not complete".to_owned()));
    }
    world.run_until(world.now_ms + 60_000);
    Ok(world)
}

impl World {
    /// Machine 1 starts and reads until `notes` are there, or `limit_ms` is over.
    fn read_back(mut self, notes: u64, limit_ms: u64) -> Return {
        let (from_ms, gets) = (self.now_ms, self.tally.gets);
        self.switch_on(1);
        let here =
            |world: &World| world.nodes[1].store.log().filter(|(_, entry)| !entry.is_own).count() as u64;
        while self.failure.is_none() && here(&self) < notes && self.now_ms < from_ms + limit_ms {
            self.run_until(self.now_ms + 500);
        }
        let found = here(&self);
        self.judge(require(Check::Arrives, found == notes, || format!("{found} of {notes} are there")));
        Return { until_all_ms: self.now_ms - from_ms, gets: self.tally.gets - gets, failure: self.failure }
    }

    /// Another machine with the post of machine `of` starts.
    pub fn add_machine(&mut self, machine: Node, of: usize) {
        self.nodes.push(machine);
        self.model.posts.push(self.model.posts[of]);
        self.switch_on(self.nodes.len() - 1);
    }

    /// The epoch that `node` writes.
    pub fn epoch(&self, node: usize) -> Option<u64> {
        let machine = &self.nodes[node];
        let now = machine.now(self.now_ms, self.wall());
        let status = machine.engine.as_ref()?.status(now);
        status.peers.first().map(|peer| peer.epoch)
    }
}

/// The classes that are on in a run about `classes` alone.
pub fn only(classes: &[FaultClass]) -> Swarm {
    Swarm(classes.to_vec())
}

/// An hour, in milliseconds.
pub const HOUR_MS: u64 = 3_600_000;
/// A day, in milliseconds.
pub const DAY_MS: u64 = 24 * HOUR_MS;
/// First contact without faults: three messages in parts over recovery turns, and two people.
const CONTACT_MS: u64 = HOUR_MS;
