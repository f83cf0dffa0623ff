//! A machine with a node on it: engine, store, clocks, armed exchanges, and how it dies.

use std::collections::{BTreeMap, VecDeque};

use couloir_engine::{Armed, Engine, Input, Now, RecoverError, Setup, Write};
use couloir_seal::identity::SigningKey;
use couloir_seal::{CipherSuite, Secret};
use couloir_wire::id::EntryId;
use couloir_wire::time::{Moment, WallTime, Window};

use crate::chance::Chance;
use crate::memory_store::MemoryStore;

/// A machine. It outlives the processes that run on it.
pub struct Node {
    seeds: Secret<64>,
    suite: CipherSuite,
    chance: Chance,
    /// What is on its disk.
    pub store: MemoryStore,
    /// The engine of the running process.
    pub engine: Option<Engine>,
    /// Counts processes: what was scheduled for an earlier one is stale.
    pub life: u32,
    /// Counts engines, of which a process may see several.
    pub engines: u32,
    /// Whether a process runs.
    pub is_on: bool,
    /// Whether nobody may start it.
    pub is_retired: bool,
    /// Since when no process runs, in simulated milliseconds.
    pub off_since_ms: u64,
    /// Nobody starts it before this time, in simulated milliseconds.
    pub not_before_ms: u64,
    moment_base_ms: i64,
    /// The machine's clock minus the true time, in milliseconds.
    pub wall_off_ms: i64,
    /// The batch that is being written.
    pub outstanding: Option<Vec<Write>>,
    /// Inputs that wait for the batch.
    pub waiting: Vec<Input>,
    /// Exchanges that wait for their instants, by route and window.
    pub armed: BTreeMap<(usize, Window), (u64, Armed)>,
    /// Windows that were used last, by route.
    pub left: BTreeMap<usize, VecDeque<Window>>,
    /// When the engine wants to be woken, in simulated milliseconds.
    pub wake_at_ms: Option<u64>,
    /// The process is killed before this many more outputs were performed.
    pub kill_in: Option<u32>,
    /// How long a sync takes, in milliseconds.
    pub disk_ms: u64,
    /// Whether a sync fails.
    pub is_disk_full: bool,
    /// When something of the peer's last came, in simulated milliseconds.
    pub heard_ms: Option<u64>,
    /// Entries that nobody at the desk has read.
    pub unread: Vec<EntryId>,
    /// Copies of the disk: backups and images, oldest first.
    pub copies: Vec<(MemoryStore, MemoryStore)>,
}

impl Node {
    /// A machine that was never switched on.
    pub fn new(seeds: Secret<64>, suite: CipherSuite, store: MemoryStore, chance: Chance) -> Node {
        Node {
            seeds,
            suite,
            chance,
            store,
            engine: None,
            life: 0,
            engines: 0,
            is_on: false,
            is_retired: false,
            off_since_ms: 0,
            not_before_ms: 0,
            moment_base_ms: 0,
            wall_off_ms: 0,
            outstanding: None,
            waiting: Vec::new(),
            armed: BTreeMap::new(),
            left: BTreeMap::new(),
            wake_at_ms: None,
            kill_in: None,
            disk_ms: DISK_MS,
            is_disk_full: false,
            heard_ms: None,
            unread: Vec::new(),
            copies: Vec::new(),
        }
    }

    /// Another machine with the same disk.
    pub fn cloned(&self, chance: Chance) -> Node {
        let mut node = Node::new(self.seeds.clone(), self.suite, self.store.clone(), chance);
        node.wall_off_ms = self.wall_off_ms;
        node
    }

    /// Both clocks of the machine when the true time is `wall`, `now_ms` into the run.
    pub fn now(&self, now_ms: u64, wall: WallTime) -> Now {
        let moment = Moment(u64::try_from(now_ms as i64 - self.moment_base_ms).unwrap_or(0));
        Now { moment, wall: wall.shifted(self.wall_off_ms) }
    }

    /// When `moment` of the running process comes, in simulated milliseconds.
    pub fn time_of(&self, moment: Moment) -> u64 {
        u64::try_from(moment.0 as i64 + self.moment_base_ms).unwrap_or(0)
    }

    /// Starts a process; its monotonic clock begins anywhere.
    pub fn start(&mut self, now_ms: u64, wall: WallTime) -> Result<(), RecoverError> {
        self.life += 1;
        self.is_on = true;
        self.left.clear();
        self.moment_base_ms = now_ms as i64 - self.chance.below(1_000_000) as i64;
        self.start_engine(now_ms, wall)
    }

    /// Makes an engine from the store, as a process does after its disk failed.
    pub fn start_engine(&mut self, now_ms: u64, wall: WallTime) -> Result<(), RecoverError> {
        self.engines += 1;
        let setup = Setup { signing: self.signing_key(), suite: self.suite, seed: self.chance.seed() };
        let now = self.now(now_ms, wall);
        self.engine = Some(Engine::recover(now, setup, self.store.snapshot())?);
        Ok(())
    }

    /// The post's key.
    pub(crate) fn signing_key(&self) -> SigningKey {
        SigningKey::from_seeds(self.seeds.clone())
    }

    /// Drops the engine; what it had not made durable is gone.
    pub fn drop_engine(&mut self) {
        self.engine = None;
        self.outstanding = None;
        self.waiting.clear();
        self.wake_at_ms = None;
    }

    /// Ends the process at once.
    pub fn kill(&mut self, now_ms: u64) {
        self.drop_engine();
        self.armed.clear();
        self.kill_in = None;
        self.is_on = false;
        self.off_since_ms = now_ms;
    }

    /// Keeps a copy of the disk, at most [`COPIES_MAX`].
    pub fn copy_disk(&mut self) {
        if self.copies.len() == COPIES_MAX {
            self.copies.remove(1);
        }
        self.copies.push((self.store.backup(), self.store.clone()));
    }

    /// Whether `window` of `route` was used lately: what is armed for it later is too late.
    pub fn has_used(&self, route: usize, window: Window) -> bool {
        self.left.get(&route).is_some_and(|used| used.contains(&window))
    }

    /// Notes that `window` of `route` is being used; false if it was used before.
    pub fn use_window(&mut self, route: usize, window: Window) -> bool {
        if self.has_used(route, window) {
            return false;
        }
        let used = self.left.entry(route).or_default();
        if used.len() == WINDOWS_REMEMBERED {
            used.pop_front();
        }
        used.push_back(window);
        true
    }
}

/// A quick disk, in milliseconds.
pub const DISK_MS: u64 = 2;
const COPIES_MAX: usize = 4;
/// As many as the real shell remembers.
const WINDOWS_REMEMBERED: usize = 4 * couloir_wire::limits::ARMED_WINDOWS as usize;
