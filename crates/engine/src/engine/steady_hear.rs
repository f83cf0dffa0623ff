//! What comes back on steady routes: outcomes of PUTs, cells of the peer (PROTOCOL §5).

use couloir_wire::exchange::PutOutcome;
use couloir_wire::id::RouteId;
use couloir_wire::limits::GETS_PER_LANE;
use couloir_wire::route::Carrier;
use couloir_wire::time::{Hour, WallTime, Window};

use super::LinkEngine;
use super::hear::Source;
use crate::input::{Exchanged, Now, RouteAnswer, RouteTrouble};
use crate::output::{Notice, Output};
use crate::parts::{self, Inside};
use crate::planted::planted;
use crate::schedule::Search;
use crate::steady::{Asked, Steady, Version};
use crate::store::StateKey;
use crate::timers::Timer;

impl LinkEngine {
    /// An armed exchange left, or should have.
    pub(super) fn on_exchanged(&mut self, now: Now, exchanged: Exchanged) {
        let Some(steady) = self.steady.get_mut(&exchanged.route) else { return };
        steady.health.is_tried = true;
        let record = steady.armed.remove(&exchanged.window);
        let versions = record.map(|record| record.versions).unwrap_or_default();
        let (left, unsent): (Vec<_>, Vec<_>) =
            versions.into_iter().partition(|version| version.serial == exchanged.serial);
        self.give_back(exchanged.route, unsent);
        let version = left.into_iter().next();
        match exchanged.result {
            Ok(ref answer) => self.on_answer(now, &exchanged, answer, version),
            Err(trouble) => self.on_trouble(exchanged.route, trouble, version),
        }
    }

    /// What did not leave counts as never sent, and its probes as never asked.
    fn give_back(&mut self, route: RouteId, versions: Vec<Version>) {
        let Some(steady) = self.steady.get_mut(&route) else { return };
        for version in versions {
            let turns = GETS_PER_LANE * usize::from(steady.spec.lanes);
            let probes: Vec<Asked> = version.asked.into_iter().skip(turns).collect();
            probes.into_iter().rev().filter(|asked| *asked != Asked::Random).for_each(|asked| {
                steady.probes.push_front(asked);
            });
            version.carries.iter().for_each(|carries| self.link.send.failed(steady.place, carries));
        }
    }

    fn on_trouble(&mut self, route: RouteId, trouble: RouteTrouble, version: Option<Version>) {
        if let Some(steady) = self.steady.get_mut(&route) {
            steady.health.trouble = Some(trouble);
        }
        self.give_back(route, version.into_iter().collect());
    }

    fn on_answer(&mut self, now: Now, exchanged: &Exchanged, answer: &RouteAnswer, version: Option<Version>) {
        let route = exchanged.route;
        self.keep_time(now, exchanged, answer);
        self.reach(now, exchanged);
        let Some(version) = version else { return };
        for (lane, outcome) in answer.puts.iter().enumerate() {
            self.on_put(now, exchanged, &version, lane, *outcome);
        }
        let current = self.steady.get(&route).map(|steady| steady.peer_window(exchanged.window));
        for (asked, cell) in version.asked.iter().zip(&answer.gets) {
            self.on_got(now, route, *asked, cell.as_deref(), current.unwrap_or(exchanged.window));
        }
        if !answer.listed.is_empty() {
            self.on_listed(now, route, exchanged.window, &answer.listed);
        }
        self.say_hello(now, route);
    }

    /// Takes the carrier's time; if the route's windows moved, everything ahead is armed anew.
    fn keep_time(&mut self, now: Now, exchanged: &Exchanged, answer: &RouteAnswer) {
        let Some(steady) = self.steady.get_mut(&exchanged.route) else { return };
        let Some(time) = answer.time else { return };
        let was_synchronised = steady.is_synchronised();
        let shift = steady.clock.answered(exchanged.left, exchanged.back, time);
        self.clock.relay(steady.place as u8, steady.clock.offset_ms());
        if shift.is_some() || !was_synchronised {
            let (place, carries) = (steady.place, steady.realign(now.moment));
            self.link.send.failed(place, &carries);
            self.timers.set(Timer::Fill(exchanged.route), now.moment);
        }
        self.tell_clock(now);
    }

    /// Tells the desk, once, if a clock is off.
    pub(super) fn tell_clock(&mut self, now: Now) {
        let time = self.time(now);
        let own_ms = now.wall - time;
        let peer_ms = self.clock.peer_time(0, now.moment).map_or(0, |peer| time - peer);
        let notice = if own_ms.unsigned_abs() > CLOCK_OFF_MS {
            Some(Notice::ClockWrong { by_ms: own_ms })
        } else if peer_ms.unsigned_abs() > CLOCK_OFF_MS {
            Some(Notice::ClocksDiffer { by_ms: peer_ms })
        } else {
            None
        };
        let was_told = std::mem::replace(&mut self.is_clock_told, notice.is_some());
        notice.filter(|_| !was_told).into_iter().for_each(|notice| self.notice(notice));
    }

    /// The route answered: a search may begin, and the hour of the last answer is kept.
    fn reach(&mut self, now: Now, exchanged: &Exchanged) {
        let Some(steady) = self.steady.get_mut(&exchanged.route) else { return };
        steady.health.trouble = None;
        let time = steady.clock.time_at(now.moment);
        if steady.phase.reached(now.moment) {
            let current = steady.window_at(now.moment);
            let newest = steady.peer_window(Window(current.0.saturating_sub(1)));
            let oldest =
                steady.reached.map_or(newest, |reached| steady.peer_window(steady.length.window_at(reached)));
            steady.search = Some(Search::new(steady.ruler, steady.length, newest, oldest));
            steady.probes.clear();
        }
        let is_planned = steady.search.as_ref().is_some_and(|search| !search.is_over());
        let is_searched = !is_planned || !steady.phase.is_searching(now.moment);
        let is_new_hour = steady.reached.is_none_or(|reached| Hour::of(reached) != Hour::of(time));
        if steady.reached.is_none() || (is_searched && is_new_hour) {
            steady.reached = Some(time);
            self.dirty(StateKey::Route(exchanged.route));
        }
    }

    fn on_put(
        &mut self,
        now: Now,
        exchanged: &Exchanged,
        version: &Version,
        lane: usize,
        outcome: PutOutcome,
    ) {
        let at = self.time(now);
        let Some(steady) = self.steady.get_mut(&exchanged.route) else { return };
        let carries = version.carries.get(lane).cloned().unwrap_or_default();
        match outcome {
            PutOutcome::Stored | PutOutcome::Same => {
                steady.health.last_out = Some((now.moment, at));
                let carried = self.link.send.stored(&carries);
                if version.epoch.is_some() {
                    steady.remember_sent(exchanged.window, carries);
                }
                self.mark_carried(&carried);
                if planted!(DeliveredOnPut) {
                    self.mark_delivered(&carried);
                }
            }
            PutOutcome::Taken => {
                steady.is_taken = Some((version.epoch.unwrap_or(0), exchanged.window, lane as u8));
                self.link.send.failed(steady.place, &carries);
                self.notice(Notice::SlotTaken(exchanged.route));
            }
            PutOutcome::WrongWindow => self.link.send.failed(steady.place, &carries),
            PutOutcome::Refused => {
                steady.health.trouble = Some(RouteTrouble::Full);
                self.link.send.failed(steady.place, &carries);
            }
        }
    }

    fn on_got(&mut self, now: Now, route: RouteId, asked: Asked, cell: Option<&[u8]>, current: Window) {
        match (asked, cell) {
            (Asked::Random, _) => {}
            (Asked::OwnSlot(epoch, window, lane), cell) => self.on_own_slot(route, epoch, window, lane, cell),
            (Asked::Epoch(epoch, window, lane), Some(cell)) => {
                self.on_ordinary(now, route, (epoch, window, lane), cell, current);
            }
            (Asked::Rendezvous(window, lane), Some(cell)) => {
                self.on_rendezvous_cell(now, route, (window, lane), cell, current);
            }
            (asked, None) => self.on_empty(route, asked),
        }
    }

    fn on_empty(&mut self, route: RouteId, asked: Asked) {
        let Some(steady) = self.steady.get_mut(&route) else { return };
        if let Some(window) = asked.window().filter(|window| steady.asked_again.contains(window)) {
            steady.opened.found_empty(window);
        }
    }

    /// What is in the slot that was said to be taken: if it opens under our own key, another machine
    /// has our identity.
    pub(super) fn on_own_slot(
        &mut self,
        route: RouteId,
        epoch: u64,
        window: Window,
        lane: u8,
        cell: Option<&[u8]>,
    ) {
        let Some(steady) = self.steady.get_mut(&route) else { return };
        steady.is_taken = None;
        let hour = steady.length.hour_of(window);
        let Some(cell) = cell else { return };
        let ordinary = self.link.epochs.as_ref().and_then(|epochs| epochs.write_key(epoch, hour));
        let meeting = self.link.meeting.as_ref().map(|meeting| meeting.write.clone());
        let key = if epoch == 0 { meeting } else { ordinary };
        let opens = key.is_some_and(|key| key.cell_key(route, window, lane).open(cell).is_some());
        // The node before this one holds the rendezvous keys, too: a thief who runs it stops nobody.
        if opens && epoch == 0 && self.party.is_successor() {
            return;
        }
        if opens {
            self.batch.after.push(Output::Halt(Notice::SecondSelf));
        } else {
            steady.is_contested = true;
        }
    }

    fn on_ordinary(&mut self, now: Now, route: RouteId, of: (u64, Window, u8), cell: &[u8], current: Window) {
        let (epoch, window, lane) = of;
        let Some(length) = self.steady.get(&route).map(|steady| steady.length) else { return };
        let key = self.link.epochs.as_ref().and_then(|epochs| epochs.read_key(epoch, length.hour_of(window)));
        let Some(inside) = key.and_then(|key| key.cell_key(route, window, lane).open(cell)) else { return };
        self.on_opened(now, route, window, current);
        self.on_inside(now, &Source { route, epoch, opens: Some(length.opens(window)) }, &inside);
    }

    fn on_rendezvous_cell(
        &mut self,
        now: Now,
        route: RouteId,
        of: (Window, u8),
        cell: &[u8],
        current: Window,
    ) {
        let (window, lane) = of;
        let key = self.link.meeting.as_ref().map(|meeting| meeting.read.cell_key(route, window, lane));
        let Some(inside) = key.and_then(|key| key.open(cell)) else { return };
        self.on_opened(now, route, window, current);
        let Some((inside, is_frozen)) = parts::read(inside.get()) else { return };
        // What the search finds of a rendezvous is long over: it needs both nodes at one time.
        let is_recent = window.0 + RENDEZVOUS_LIFE_WINDOWS >= current.0;
        if is_frozen && is_recent {
            self.on_peer_frozen();
        }
        match inside {
            Inside::Part(_) if !is_recent => {}
            Inside::Cover => {}
            Inside::Part(part) => {
                if let Some(message) = self.link.parts_in.take(&part) {
                    self.on_rendezvous(now, &message);
                }
            }
            Inside::Nested(cell) => self.on_nested(now, route, window, lane, cell),
        }
    }

    fn on_nested(&mut self, now: Now, route: RouteId, window: Window, lane: u8, cell: &[u8]) {
        let Some(length) = self.steady.get(&route).map(|steady| steady.length) else { return };
        let hour = length.hour_of(window);
        let epochs: Vec<u64> = self.link.epochs.iter().flat_map(|epochs| epochs.readable()).collect();
        let source = |epoch| Source { route, epoch, opens: Some(length.opens(window)) };
        for epoch in epochs {
            let key = self.link.epochs.as_ref().and_then(|epochs| epochs.read_key(epoch, hour));
            let inside = key.and_then(|key| key.cell_key(route, window, lane).open(cell));
            if let Some(inside) = inside {
                self.link.unknown_cells = 0;
                return self.on_inside(now, &source(epoch), &inside);
            }
        }
        self.on_unknown_epoch(now, &source(0));
    }

    /// A cell of the peer was opened on a route.
    fn on_opened(&mut self, now: Now, route: RouteId, window: Window, current: Window) {
        let at = self.time(now);
        let Some(steady) = self.steady.get_mut(&route) else { return };
        // The answer with which a route's clock goes back may hold cells of windows that are yet to come.
        if window <= steady.peer_window(steady.window_at(now.moment)) {
            steady.opened.opened(window);
        }
        steady.health.last_in = Some((now.moment, at));
        let opens = steady.length.opens(window);
        if window.0 + RECENT_WINDOWS < current.0 {
            self.on_hit(opens);
        }
    }

    /// The peer wrote at `opens`: a node that is up is up on every route.
    fn on_hit(&mut self, opens: WallTime) {
        for steady in self.steady.values_mut() {
            if let Some(search) = &mut steady.search {
                search.hit(steady.length.window_at(opens));
            }
        }
    }

    /// Frees the places of routes that the charter retired and begins those that it added.
    pub(super) fn sync_routes(&mut self, now: Now) {
        let at = self.time(now);
        let Some(charter) = self.party.charter() else { return };
        let mut specs: Vec<_> = charter.routes.iter().filter(|spec| spec.is_in_use(at)).cloned().collect();
        if specs.is_empty() {
            // A clock that knows no route in use is wrong; only a route can tell so.
            specs = charter.routes.iter().filter(|spec| spec.retired_ms.is_none()).cloned().collect();
        }
        let gone = |id: &RouteId| !specs.iter().any(|spec| spec.id == *id);
        let retired: Vec<RouteId> =
            self.steady.keys().chain(self.prompt.keys()).copied().filter(gone).collect();
        retired.into_iter().for_each(|route| self.retire(route));
        for spec in specs {
            let is_known = self.steady.contains_key(&spec.id) || self.prompt.contains_key(&spec.id);
            let Some(place) = self.free_place().filter(|_| !is_known) else { continue };
            match spec.carrier() {
                Some(Carrier::Relay | Carrier::Folder) => self.begin_steady(now, place, spec),
                Some(Carrier::Direct) => self.begin_prompt(place, spec),
                None => {}
            }
        }
    }

    pub(super) fn begin_steady(&mut self, now: Now, place: usize, spec: couloir_wire::route::RouteSpec) {
        let route = spec.id;
        let at = self.time(now);
        let stored = self.stored_routes.remove(&route);
        if let Some(steady) = Steady::new(place, spec, stored.as_deref(), now.moment, at) {
            self.steady.insert(route, steady);
            self.timers.set(Timer::Fill(route), now.moment);
        }
    }

    fn retire(&mut self, route: RouteId) {
        let place = self.steady.remove(&route).map(|steady| steady.place);
        let place = place.or_else(|| self.prompt.remove(&route).map(|prompt| prompt.place));
        self.timers.stop(Timer::Fill(route));
        self.timers.stop(Timer::PromptStatus(route));
        self.batch.after.push(Output::Disarm(route));
        if let Some(place) = place {
            self.link.send.forget_route(place);
            self.clock.forget_relay(place as u8);
        }
    }

    fn free_place(&self) -> Option<usize> {
        let steady = self.steady.values().map(|steady| steady.place);
        let taken: Vec<usize> = steady.chain(self.prompt.values().map(|prompt| prompt.place)).collect();
        (0..couloir_wire::limits::ROUTES_MAX).find(|place| !taken.contains(place))
    }
}

/// How many windows old a part of a rendezvous message may be.
const RENDEZVOUS_LIFE_WINDOWS: u64 = 8;
/// A disagreement of clocks that a desk is told of.
const CLOCK_OFF_MS: u64 = 60_000;
/// A cell this many windows old came by the search.
const RECENT_WINDOWS: u64 = 32;
