//! What leaves on steady routes: windows reserved, cover armed, content packed (PROTOCOL §5).

use couloir_seal::{CELL_OVERHEAD, Entropy, sha256_of};
use couloir_wire::cell::{CellWriter, Loss};
use couloir_wire::exchange::Put;
use couloir_wire::id::{RouteId, Slot, WriteToken};
use couloir_wire::limits::{ARMED_WINDOWS, GETS_PER_LANE, SEARCH_GETS_PER_LANE};
use couloir_wire::route::Carrier;
use couloir_wire::time::{Moment, Window, WindowLength};

use super::LinkEngine;
use crate::input::Now;
use crate::keys::Epochs;
use crate::link::Frozen;
use crate::output::{Armed, Get, Output};
use crate::parts::{self, Series};
use crate::planted::planted;
use crate::schedule::{ShiftMs, draw_instant_ms, fill_lead_ms};
use crate::steady::{Asked, Record, Steady, Version};
use crate::store::StateKey;
use crate::streams::{Carry, Placement};
use crate::timers::Timer;

/// Turn 0 of the charter's table is for recovery.
const RECOVERY_TURN: u8 = 0;

/// One cell to be written.
#[derive(Clone, Copy)]
struct Spot {
    route: RouteId,
    place: usize,
    window: Window,
    lane: u8,
    level: u8,
    retry_ms: u64,
    cell_len: usize,
    writing: Writing,
    is_content: bool,
}

/// Under which key a cell is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    /// No key: the route's time is not known, and its relay is to refuse the window.
    Unsynchronised,
    /// No key: random octets in a random slot.
    Random,
    /// The rendezvous key.
    Rendezvous,
    /// The key of this epoch.
    Epoch(u64),
}

/// A sealed cell and what it carries.
struct Sealed {
    put: Put,
    carries: Vec<Carry>,
    epoch: Option<u64>,
}

impl LinkEngine {
    /// The next window of `route` opens soon.
    pub(super) fn on_fill(&mut self, now: Now, route: RouteId) {
        self.follow_node_time(now, route);
        let Some(steady) = self.steady.get_mut(&route) else { return };
        let lead_ms = fill_lead_ms(steady.length);
        let next = steady.window_at(now.moment + lead_ms);
        let opens_after = steady.length.opens(Window(next.0 + 1));
        let wake = Moment(steady.clock.moment_of(opens_after).0.saturating_sub(lead_ms));
        steady.fill_due = Some(next);
        let stale = steady.drop_stale(next);
        let place = steady.place;
        let is_reserving = reserve(steady, next);
        self.link.send.failed(place, &stale);
        self.timers.set(Timer::Fill(route), wake.max(now.moment + 1));
        if is_reserving {
            self.dirty(StateKey::Route(route));
        }
    }

    /// A folder has no time of its own and takes the node's.
    fn follow_node_time(&mut self, now: Now, route: RouteId) {
        let time = self.folder_time(now);
        let Some(steady) = self.steady.get_mut(&route) else { return };
        if steady.spec.carrier() == Some(Carrier::Folder)
            && let Some(ShiftMs(by_ms)) = steady.clock.set(now.moment, time)
        {
            steady.shift_back(by_ms);
            let (place, carries) = (steady.place, steady.realign(now.moment));
            self.link.send.failed(place, &carries);
        }
    }

    /// Arms what is not armed and fills what is due, on every steady route.
    pub(super) fn speak_steady(&mut self, now: Now) {
        let routes: Vec<RouteId> = self.steady.keys().copied().collect();
        for route in routes {
            let Some(steady) = self.steady.get_mut(&route) else { continue };
            if std::mem::take(&mut steady.is_disarming) {
                self.queue.push_back(Output::Disarm(route));
            }
            let next = steady.window_at(now.moment + fill_lead_ms(steady.length));
            let first = next.max(steady.armed_from);
            let due = steady.fill_due.take();
            for window in (first.0..next.0 + ARMED_WINDOWS).map(Window) {
                self.arm_cover(now, route, window);
            }
            if let Some(window) = due {
                self.fill(now, route, window);
            }
        }
    }

    fn arm_cover(&mut self, now: Now, route: RouteId, window: Window) {
        let Some(steady) = self.steady.get_mut(&route) else { return };
        steady.armed_from = Window(window.0 + 1);
        let instant_ms = instant_ms(&self.instants, route, steady.length, window);
        let leaves = steady.clock.moment_of(steady.length.opens(window).shifted(instant_ms as i64));
        if leaves <= now.moment {
            return;
        }
        steady.armed.insert(window, Record { leaves, versions: Vec::with_capacity(2) });
        self.arm(now, route, window, false);
    }

    fn fill(&mut self, now: Now, route: RouteId, window: Window) {
        let record = self.steady.get(&route).and_then(|steady| steady.armed.get(&window));
        if record.is_some_and(|record| record.leaves > now.moment) {
            self.arm(now, route, window, true);
        }
    }

    /// Seals one version of a window's exchange and hands it to the shell.
    fn arm(&mut self, now: Now, route: RouteId, window: Window, is_content: bool) {
        let Some(steady) = self.steady.get(&route) else { return };
        let Some(leaves) = steady.armed.get(&window).map(|record| record.leaves) else { return };
        let (lanes, length) = (steady.spec.lanes, steady.length);
        let spots: Vec<Spot> =
            (0..lanes).filter_map(|lane| self.spot(route, window, lane, is_content)).collect();
        let sealed: Vec<Sealed> = spots.into_iter().map(|spot| self.seal(now, spot)).collect();
        let asked = self.asked(route, window, leaves, is_content);
        let gets = asked.iter().map(|asked| self.get(route, *asked, window)).collect();
        self.serials += 1;
        let serial = self.serials;
        let epoch = sealed.first().and_then(|sealed| sealed.epoch);
        let carries_any = sealed.iter().any(|sealed| !sealed.carries.is_empty());
        let leaves = if planted!(TalkLeavesLater) && carries_any { leaves + 3 } else { leaves };
        let (puts, carries) = sealed.into_iter().map(|sealed| (sealed.put, sealed.carries)).unzip();
        if let Some(record) = self.steady.get_mut(&route).and_then(|steady| steady.armed.get_mut(&window)) {
            record.versions.push(Version { serial, asked, carries, epoch });
        }
        let lists = self.lists(route, window, leaves);
        self.queue.push_back(Output::Arm(Armed { route, window, serial, leaves, length, puts, gets, lists }));
    }

    fn spot(&self, route: RouteId, window: Window, lane: u8, is_content: bool) -> Option<Spot> {
        let steady = self.steady.get(&route)?;
        Some(Spot {
            route,
            place: steady.place,
            window,
            lane,
            level: steady.ruler.level(window),
            retry_ms: BULK_RETRY_WINDOWS * steady.length.ms(),
            cell_len: usize::from(steady.spec.cell_len),
            writing: self.writing(steady, window),
            is_content,
        })
    }

    fn writing(&self, steady: &Steady, window: Window) -> Writing {
        if !steady.is_synchronised() {
            return Writing::Unsynchronised;
        }
        if !steady.reserved.contains(&window) || steady.is_paused() || self.link.meeting.is_none() {
            return Writing::Random;
        }
        let says_hello = self.link.meets_everywhere() && self.link.stage.message().is_some();
        if self.is_recovery_turn(steady, window) || says_hello {
            return Writing::Rendezvous;
        }
        self.link.epochs.as_ref().map_or(Writing::Random, |epochs| Writing::Epoch(epoch_to_write(epochs)))
    }

    pub(super) fn is_recovery_turn(&self, steady: &Steady, window: Window) -> bool {
        let turns = self.party.charter().map_or(1, |charter| charter.turns);
        steady.ruler.turn(window, turns) == RECOVERY_TURN
    }

    fn seal(&mut self, now: Now, spot: Spot) -> Sealed {
        let sealed = match spot.writing {
            Writing::Unsynchronised | Writing::Random => None,
            Writing::Rendezvous => self.seal_rendezvous(now, spot),
            Writing::Epoch(epoch) => self.seal_ordinary(now, spot, epoch),
        };
        let mut sealed = sealed.unwrap_or_else(|| self.random_cell(spot));
        if planted!(ShorterCover) && sealed.carries.is_empty() {
            sealed.put.cell.pop();
        }
        sealed
    }

    fn seal_ordinary(&mut self, now: Now, spot: Spot, epoch: u64) -> Option<Sealed> {
        let (cell, carries) = self.ordinary_cell(now, spot, epoch, spot.cell_len)?;
        let hour = self.steady.get(&spot.route)?.length.hour_of(spot.window);
        let key = self.link.epochs.as_ref()?.write_key(epoch, hour)?;
        let token = key.write_token(spot.route, spot.window, spot.lane);
        Some(Sealed { put: Put { token, window: spot.window, cell }, carries, epoch: Some(epoch) })
    }

    /// A cell of `len` octets under the epoch's key.
    fn ordinary_cell(
        &mut self,
        now: Now,
        spot: Spot,
        epoch: u64,
        len: usize,
    ) -> Option<(Vec<u8>, Vec<Carry>)> {
        let hour = self.steady.get(&spot.route)?.length.hour_of(spot.window);
        let key = self.link.epochs.as_ref()?.write_key(epoch, hour)?;
        let (inside, carries) = self.pack(now, spot, len.checked_sub(CELL_OVERHEAD)?);
        let cell_key = key.cell_key(spot.route, spot.window, spot.lane);
        Some((cell_key.seal(self.entropy.array(), &inside), carries))
    }

    fn seal_rendezvous(&mut self, now: Now, spot: Spot) -> Option<Sealed> {
        let inside_len = spot.cell_len.checked_sub(CELL_OVERHEAD)?;
        let is_frozen = self.link.frozen.is_some();
        let mut carries = Vec::new();
        let nested = self.link.epochs.as_ref().map(epoch_to_write);
        let steady = self.steady.get(&spot.route)?;
        let series = Series { place: spot.place, is_turn: self.is_recovery_turn(steady, spot.window) };
        // What was answered or confirmed may never be heard: the other must still see under which epoch we are.
        let parts_out = self.link.parts_out.as_mut().filter(|_| nested.is_none() || !nests_too(spot.window));
        let inside = match (parts_out, nested) {
            (Some(parts), _) if spot.is_content => parts.next_inside(series, inside_len, is_frozen),
            (Some(parts), _) => parts.inside(series, inside_len, is_frozen),
            (None, Some(epoch)) => {
                let (cell, carried) =
                    self.ordinary_cell(now, spot, epoch, inside_len - parts::HEAD_OCTETS)?;
                carries = carried;
                parts::nest(&cell, is_frozen)
            }
            (None, None) => parts::cover(inside_len, is_frozen),
        };
        let key = &self.link.meeting.as_ref()?.write;
        let token = key.write_token(spot.route, spot.window, spot.lane);
        let cell_key = key.cell_key(spot.route, spot.window, spot.lane);
        let cell = cell_key.seal(self.entropy.array(), &inside);
        Some(Sealed { put: Put { token, window: spot.window, cell }, carries, epoch: Some(0) })
    }

    fn random_cell(&mut self, spot: Spot) -> Sealed {
        let mut cell = vec![0; spot.cell_len];
        self.entropy.fill(&mut cell);
        let window = if spot.writing == Writing::Unsynchronised { Window(0) } else { spot.window };
        let put = Put { token: WriteToken(self.entropy.array()), window, cell };
        Sealed { put, carries: Vec::new(), epoch: None }
    }

    /// The inside of an ordinary cell: status, acknowledgements, losses, and for content what is to be said.
    fn pack(&mut self, now: Now, spot: Spot, len: usize) -> (Vec<u8>, Vec<Carry>) {
        let mut cell = CellWriter::new(len, &self.watch.status(self.time(now)));
        self.acknowledge(&mut cell);
        if self.link.frozen.is_some() {
            return (cell.padded(), Vec::new());
        }
        self.losses().iter().for_each(|loss| cell.loss(loss));
        let mut carries = Vec::new();
        if spot.is_content {
            self.ticks += 1;
            let placement = Placement {
                route: spot.place,
                tick: self.ticks,
                level: spot.level,
                is_heard: self.hearing.hears_us(now.moment, self.status_life_ms()),
                now_ms: now.moment.0,
                is_prompt: false,
                bulk_retry_ms: spot.retry_ms,
                is_bulk_held: self.files.is_held,
            };
            carries = self.link.send.fill(&mut cell, &placement);
        }
        (cell.padded(), carries)
    }

    /// What came is acknowledged, unless it is frozen who wrote it; the peer's revocation is.
    pub(super) fn acknowledge(&self, cell: &mut CellWriter) {
        if self.link.frozen.is_none_or(|why| why == Frozen::Revoked) {
            cell.life(&self.link.lives.say());
            self.link.recv.acks().iter().for_each(|ack| cell.ack(ack));
        }
    }

    fn losses(&self) -> Vec<Loss> {
        let report = |steady: &Steady| steady.opened.report(Loss::name_of(steady.id()));
        self.steady.values().filter_map(report).collect()
    }

    /// What a window's GETs ask for: per lane the slot of the peer's previous window and a spare one, while
    /// the route is searched 14 more.
    fn asked(&mut self, route: RouteId, window: Window, leaves: Moment, is_content: bool) -> Vec<Asked> {
        let Some(steady) = self.steady.get(&route) else { return Vec::new() };
        let (lanes, window) = (steady.spec.lanes, steady.peer_window(window));
        let is_searching = steady.phase.is_searching(leaves);
        let per_lane = if is_searching { SEARCH_GETS_PER_LANE } else { GETS_PER_LANE };
        let mut asked = Vec::with_capacity(usize::from(lanes) * per_lane);
        for lane in 0..lanes {
            let mut likely = self.likely(route, Window(window.0.saturating_sub(1)), lane).into_iter();
            asked.push(likely.next().unwrap_or(Asked::Random));
            let spare = likely.next();
            asked.push(if is_content {
                self.spare(route, window, spare)
            } else {
                spare.unwrap_or(Asked::Random)
            });
        }
        while asked.len() < usize::from(lanes) * per_lane {
            let probe = if is_content { self.probe(route, window) } else { None };
            asked.push(probe.unwrap_or(Asked::Random));
        }
        asked
    }

    /// Where the peer may have written its cell of `window`, most likely first.
    pub(super) fn likely(&self, route: RouteId, window: Window, lane: u8) -> Vec<Asked> {
        let Some(steady) = self.steady.get(&route) else { return Vec::new() };
        if self.link.meeting.is_none() || !steady.is_synchronised() {
            return Vec::new();
        }
        let rendezvous = Asked::Rendezvous(window, lane);
        if self.is_recovery_turn(steady, window) {
            return vec![rendezvous];
        }
        let opens = steady.length.opens(window);
        let readable = self.link.epochs.iter().flat_map(|epochs| epochs.readable_at(opens));
        let epochs = readable.map(|epoch| Asked::Epoch(epoch, window, lane));
        let first = (!self.link.was_heard).then_some(rendezvous);
        first.into_iter().chain(epochs).collect()
    }

    /// The spare GET: our own slot if it was said to be taken, the other epoch, a window that was
    /// missed, the search, and else a random slot.
    fn spare(&mut self, route: RouteId, window: Window, likely: Option<Asked>) -> Asked {
        let Some(steady) = self.steady.get_mut(&route) else { return Asked::Random };
        if let Some((epoch, own, lane)) = steady.is_taken {
            return Asked::OwnSlot(epoch, own, lane);
        }
        if let Some(likely) = likely {
            return likely;
        }
        let missed = steady.opened.missed(window).into_iter();
        let missed = missed.clone().find(|missed| !steady.asked_again.contains(missed));
        if let Some(missed) = missed {
            steady.asked_again.insert(missed);
            if let Some(asked) = self.likely(route, missed, 0).first() {
                return *asked;
            }
        }
        self.probe(route, window).unwrap_or(Asked::Random)
    }

    /// The next mark of the search, under every key that may open it.
    fn probe(&mut self, route: RouteId, window: Window) -> Option<Asked> {
        let steady = self.steady.get_mut(&route)?;
        if steady.probes.is_empty() {
            let lanes = steady.spec.lanes;
            let marks = steady.search.as_mut()?.next(window);
            for mark in marks {
                let asked = (0..lanes).flat_map(|lane| self.likely(route, mark, lane)).collect::<Vec<_>>();
                self.steady.get_mut(&route)?.probes.extend(asked);
            }
        }
        self.steady.get_mut(&route)?.probes.pop_front()
    }

    fn get(&mut self, route: RouteId, asked: Asked, current: Window) -> Get {
        let slot = self.slot(route, asked).unwrap_or_else(|| Slot(self.entropy.array()));
        Get { slot, window: asked.window().unwrap_or(current) }
    }

    pub(super) fn slot(&self, route: RouteId, asked: Asked) -> Option<Slot> {
        let length = self.steady.get(&route)?.length;
        let meeting = self.link.meeting.as_ref()?;
        let epochs = self.link.epochs.as_ref();
        match asked {
            Asked::Random => None,
            Asked::Rendezvous(window, lane) => Some(meeting.read.slot(route, window, lane)),
            Asked::Epoch(epoch, window, lane) => {
                Some(epochs?.read_key(epoch, length.hour_of(window))?.slot(route, window, lane))
            }
            Asked::OwnSlot(0, window, lane) => Some(meeting.write.slot(route, window, lane)),
            Asked::OwnSlot(epoch, window, lane) => {
                Some(epochs?.write_key(epoch, length.hour_of(window))?.slot(route, window, lane))
            }
        }
    }
}

/// Whether a recovery turn carries a cell of the epoch although there is a message to say: one of four.
fn nests_too(window: Window) -> bool {
    (window.0 >> 5) & 3 == 3
}

/// When in a window its exchange leaves: known in advance, from a secret and the window alone.
fn instant_ms(secret: &[u8; 32], route: RouteId, length: WindowLength, window: Window) -> u64 {
    let seed = sha256_of(&[&secret[..], &route.0, &window.0.to_be_bytes()].concat());
    let mut chance = Entropy::from_seed(&seed.0);
    draw_instant_ms(length, |bound| chance.below(bound))
}

/// The epoch of new cells.
fn epoch_to_write(epochs: &Epochs) -> u64 {
    let oldest = epochs.readable().min();
    oldest.filter(|_| planted!(WritesStaleEpoch)).unwrap_or_else(|| epochs.writing())
}

/// Reserves the next block if what is reserved does not reach over the windows to be armed. True if it did.
fn reserve(steady: &mut Steady, next: Window) -> bool {
    let last = steady.reserved.last().map_or(next.0, |last| last.0 + 1).max(next.0);
    let is_short = steady.is_synchronised() && last < next.0 + ARMED_WINDOWS;
    if is_short {
        let block = steady.used.reserve(Window(last), ARMED_WINDOWS as u16);
        steady.reserved.extend(block);
    }
    is_short
}

/// Bulk is sent again on the same route after so many windows.
const BULK_RETRY_WINDOWS: u64 = 4;
