//! One steady route as its node keeps it: its time, its windows, what is armed, how it fares.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use couloir_wire::cbor;
use couloir_wire::id::RouteId;
use couloir_wire::limits::{LISTED_SPAN_MS, LOSS_WINDOWS, STATUS_WINDOWS};
use couloir_wire::route::{Carrier, RouteSpec};
use couloir_wire::ruler::Ruler;
use couloir_wire::time::{Moment, WallTime, Window, WindowLength};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::input::RouteTrouble;
use crate::planted::planted;
use crate::schedule::{OpenedWindows, PeerReport, RouteClock, Search, SearchPhase, UsedWindows};
use crate::streams::Carry;

/// What a GET asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A cell that the peer wrote under an epoch's key.
    Epoch(u64, Window, u8),
    /// A cell that the peer wrote under the rendezvous key.
    Rendezvous(Window, u8),
    /// Our own slot, which another cell was said to fill.
    OwnSlot(u64, Window, u8),
    /// Nothing: a random slot.
    Random,
}

impl Asked {
    /// The window whose cell is asked for.
    pub fn window(self) -> Option<Window> {
        match self {
            Asked::Epoch(_, window, _) | Asked::Rendezvous(window, _) | Asked::OwnSlot(_, window, _) => {
                Some(window)
            }
            Asked::Random => None,
        }
    }
}

/// One version of a window's exchange.
#[derive(Debug, Clone)]
pub struct Version {
    /// Which.
    pub serial: u64,
    /// What its GETs ask for.
    pub asked: Vec<Asked>,
    /// What each lane's PUT carries.
    pub carries: Vec<Vec<Carry>>,
    /// The epoch under which lanes are written, 0 for rendezvous cells; `None` for random ones.
    pub epoch: Option<u64>,
}

/// One armed window.
#[derive(Debug, Clone)]
pub struct Record {
    /// When its exchange leaves.
    pub leaves: Moment,
    /// Cover first, content after it.
    pub versions: Vec<Version>,
}

/// How a route fares; gone with the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Health {
    /// When a cell of ours last left on it.
    pub last_out: Option<(Moment, WallTime)>,
    /// When a cell of the peer's was last opened from it.
    pub last_in: Option<(Moment, WallTime)>,
    /// Of the newest cell, in milliseconds.
    pub delay_ms: Option<u64>,
    /// Why the last exchange failed; `None` if it did not.
    pub trouble: Option<RouteTrouble>,
    /// Whether any exchange was tried.
    pub is_tried: bool,
}

/// A steady route.
pub struct Steady {
    /// Its place among the link's routes, for marks of what it carried.
    pub place: usize,
    /// As the charter has it.
    pub spec: RouteSpec,
    /// Its windows' length.
    pub length: WindowLength,
    /// Its ruler.
    pub ruler: Ruler,
    /// Its time.
    pub clock: RouteClock,
    /// Windows that were ever reserved.
    pub used: UsedWindows,
    /// Reserved in this life of the process, so that their own slots may be written.
    pub reserved: BTreeSet<Window>,
    /// What the shell holds.
    pub armed: BTreeMap<Window, Record>,
    /// No window before this one is armed: its exchange has left, by whatever clock.
    pub armed_from: Window,
    /// The window whose content is to be packed now.
    pub fill_due: Option<Window>,
    /// The shell is to forget what it holds.
    pub is_disarming: bool,
    /// The peer's windows minus ours: a folder has no clock, and each side counts by its own.
    pub shift: i64,
    /// What the last listing showed: our window, and the newest of the peer's.
    pub listed: Option<(Window, Window)>,
    /// Whether this is a time of search.
    pub phase: SearchPhase,
    /// The plan, once one began.
    pub search: Option<Search>,
    /// Marks to be asked for next.
    pub probes: VecDeque<Asked>,
    /// What we opened.
    pub opened: OpenedWindows,
    /// Windows asked for a second time.
    pub asked_again: BTreeSet<Window>,
    /// What the peer says it opened.
    pub report: PeerReport,
    /// What our recent windows carried.
    pub sent: BTreeMap<Window, Vec<Carry>>,
    /// How it fares.
    pub health: Health,
    /// Another cell was said to be in our slot: which, until that is looked at.
    pub is_taken: Option<(u64, Window, u8)>,
    /// Another cell was in our slot, and it was not ours.
    pub is_contested: bool,
    /// The route's time of the last answer, durable by the hour.
    pub reached: Option<WallTime>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct Stored {
    #[n(0)]
    used: ByteVec,
    #[n(1)]
    reached_ms: Option<i64>,
}

impl Steady {
    /// A route that begins or begins again, at the node's time.
    pub fn new(
        place: usize,
        spec: RouteSpec,
        stored: Option<&[u8]>,
        moment: Moment,
        time: WallTime,
    ) -> Option<Steady> {
        let (used, reached) = match stored {
            Some(octets) => Self::read(octets)?,
            None => (UsedWindows::default(), None),
        };
        let length = spec.window();
        let mut clock = RouteClock::new(length, moment, time);
        // The window that is open may have had its exchange in an earlier life.
        let armed_from = Window(length.window_at(time).0 + 1);
        if spec.carrier() == Some(Carrier::Folder) {
            clock.set(moment, time);
        }
        Some(Steady {
            place,
            length,
            ruler: Ruler::from_number(spec.ruler)?,
            clock,
            used: if planted!(ReusesWindows) { UsedWindows::default() } else { used },
            reserved: BTreeSet::new(),
            armed: BTreeMap::new(),
            armed_from,
            fill_due: None,
            is_disarming: false,
            shift: 0,
            listed: None,
            phase: SearchPhase::started(moment),
            search: None,
            probes: VecDeque::new(),
            opened: OpenedWindows::default(),
            asked_again: BTreeSet::new(),
            report: PeerReport::default(),
            sent: BTreeMap::new(),
            health: Health::default(),
            is_taken: None,
            is_contested: false,
            reached,
            spec,
        })
    }

    fn read(octets: &[u8]) -> Option<(UsedWindows, Option<WallTime>)> {
        let stored: Stored = cbor::decode_strict(octets, STORED_OCTETS_MAX).ok()?;
        Some((UsedWindows::decode(&stored.used).ok()?, stored.reached_ms.map(WallTime)))
    }

    /// What is durable of it.
    pub fn encode(&self) -> Vec<u8> {
        let used = self.used.encode().into();
        cbor::encode(&Stored { used, reached_ms: self.reached.map(|time| time.0) })
    }

    /// Its id.
    pub fn id(&self) -> RouteId {
        self.spec.id
    }

    /// The window at `moment`, by the route's time.
    pub fn window_at(&self, moment: Moment) -> Window {
        self.length.window_at(self.clock.time_at(moment))
    }

    /// The window that the peer counts when we count `window`.
    pub fn peer_window(&self, window: Window) -> Window {
        Window(window.0.saturating_add_signed(self.shift))
    }

    /// The time at `moment` by which the peer counts its windows.
    pub fn peer_time_at(&self, moment: Moment) -> WallTime {
        self.clock.time_at(moment).shifted(self.shift.saturating_mul(self.length.ms() as i64))
    }

    /// The peer counts windows by another clock, `shift` apart from ours: what was missed is looked for there.
    pub fn follow_peer(&mut self, shift: i64, moment: Moment) {
        self.shift = shift;
        self.asked_again.clear();
        self.opened = OpenedWindows::default();
        let newest = Window(self.peer_window(self.window_at(moment)).0.saturating_sub(1));
        let oldest = Window(newest.0.saturating_sub(LISTED_SPAN_MS / self.length.ms()));
        self.search = Some(Search::new(self.ruler, self.length, newest, oldest));
        self.probes.clear();
    }

    /// Whether its windows are known to be the peer's: relays tell the time, folders take the node's.
    pub fn is_synchronised(&self) -> bool {
        self.clock.is_synchronised() || self.spec.carrier() == Some(Carrier::Folder)
    }

    /// Whether nothing may be written into own slots now.
    pub fn is_paused(&self) -> bool {
        self.is_taken.is_some() || self.is_contested
    }

    /// The route's clock moved: everything ahead is forgotten. Returns what was carried by it.
    pub fn realign(&mut self, moment: Moment) -> Vec<Carry> {
        let current = self.window_at(moment);
        self.opened.went_back(current);
        self.report.went_back(current);
        self.reserved.clear();
        self.armed_from = Window(current.0 + 1);
        self.fill_due = None;
        self.is_disarming = true;
        self.sent.retain(|window, _| *window <= current);
        let records = std::mem::take(&mut self.armed);
        let versions = records.into_values().flat_map(|record| record.versions);
        versions.flat_map(|version| version.carries).flatten().collect()
    }

    /// Remembers what a window carried, for as long as the peer may show it lost.
    pub fn remember_sent(&mut self, window: Window, carries: Vec<Carry>) {
        self.report.sent(window);
        self.sent.insert(window, carries);
        while self.sent.len() > SENT_WINDOWS_MAX {
            self.sent.pop_first();
        }
    }

    /// How long a status counts on this route.
    pub fn status_life_ms(&self) -> u64 {
        STATUS_WINDOWS * self.length.ms()
    }

    /// Drops records of windows long past, whose exchange the shell never told of; returns their loads.
    pub fn drop_stale(&mut self, current: Window) -> Vec<Carry> {
        let keep = Window(current.0.saturating_sub(STALE_WINDOWS));
        let kept = self.armed.split_off(&keep);
        let stale = std::mem::replace(&mut self.armed, kept);
        self.reserved = self.reserved.split_off(&keep);
        self.asked_again = self.asked_again.split_off(&Window(current.0.saturating_sub(LOSS_WINDOWS)));
        let versions = stale.into_values().flat_map(|record| record.versions);
        versions.flat_map(|version| version.carries).flatten().collect()
    }
}

/// Two bitmaps' worth: the peer may tell of the older half while we send the newer.
const SENT_WINDOWS_MAX: usize = 200;
/// No exchange takes so long.
const STALE_WINDOWS: u64 = 32;
const STORED_OCTETS_MAX: usize = 64 * 1024;
