//! The search along the ruler after a start or an absence (PROTOCOL §5.2).
//!
//! A relay keeps the cell of a window the longer, the rounder the window's number: its *level*. What
//! survives of an absence are *marks*, of each level about as many. For [`SEARCH_MS`] every exchange has
//! 14 spare GETs per lane.
//!
//! *Walking.* Ten of them go along the marks, coarsest level first and newest first within a level, so
//! that the whole absence is seen roughly within seconds and then ever more finely. All 14 walk until the
//! first hit, and again when there is nothing left near it.
//!
//! *Near the hit.* Four take the marks nearest to the newest hit so far that were not probed, three older
//! ones for each newer: where one cell was found, its neighbours are likely.
//!
//! The plan depends on times and hits alone, never on what a cell holds, and goes on to its end although
//! the reader may have all it needs. No mark is probed twice, unless the exchange that asked for it was
//! never answered.

use core::iter;

use couloir_wire::limits::{ABSENCE_MS, GETS_PER_LANE, SEARCH_GETS_PER_LANE, SEARCH_MS};
use couloir_wire::limits::{SEARCH_NEAR_GETS, SEARCH_STRETCHES_MAX, SEARCH_UNANSWERED_MAX};
use couloir_wire::ruler::{LEVEL_MAX, Ruler, lifetime_of_level_ms};
use couloir_wire::time::{Moment, Window, WindowLength};

/// Spare GETs of a searching exchange, per lane.
const SPARE_GETS: usize = SEARCH_GETS_PER_LANE - GETS_PER_LANE;
/// Near the hit, one probe in this many goes to the newer side.
const NEAR_NEWER_EVERY: usize = 4;
/// A mark that expires within so many windows is not asked for: the answer would come too late.
const EXPIRY_MARGIN_WINDOWS: u64 = 2;

/// The plan of one route's search: a few cursors, at most 3 kB, however much there is to find.
#[derive(Debug, Clone)]
pub struct Search {
    marks: Marks,
    /// The level that is walked; `None` when the walk is through, and with it the plan.
    level: Option<u8>,
    /// The walk has yet to see the marks of its level before this window.
    before: Window,
    /// Around hits, oldest first, none overlapping.
    stretches: Vec<Stretch>,
    unanswered: Vec<Window>,
}

impl Search {
    /// A search among the windows from `oldest` to `newest` of a route whose relay has `ruler`. `newest` is
    /// the window before the current one; `oldest` that in which the route was last in reach.
    pub fn new(ruler: Ruler, length: WindowLength, newest: Window, oldest: Window) -> Search {
        let end = Window(newest.0.saturating_add(1));
        let marks = Marks { ruler, length, oldest, end };
        Search { marks, level: Some(LEVEL_MAX), before: end, stretches: Vec::new(), unanswered: Vec::new() }
    }

    /// The marks to probe in the exchange of window `now`, per lane: 14, or fewer at the end of the plan
    /// (the caller takes random slots for the rest). Never one twice, never one that expires about now.
    pub fn next(&mut self, now: Window) -> Vec<Window> {
        let mut probes = self.retried(now);
        for turn in 1..=SEARCH_NEAR_GETS.min(SPARE_GETS - probes.len()) {
            let side = if turn % NEAR_NEWER_EVERY == 0 { Side::Newer } else { Side::Older };
            probes.extend(self.near(side, now).or_else(|| self.near(side.other(), now)));
        }
        let room = SPARE_GETS - probes.len();
        probes.extend(iter::from_fn(|| self.walked(now)).take(room));
        probes
    }

    /// A cell of `window` was opened: on this route, or on another one of the link (its time then counted
    /// in this route's windows), since a peer that was up was up on all of them. What lies outside the search
    /// changes nothing.
    pub fn hit(&mut self, window: Window) {
        let is_newest = self.stretches.last().is_none_or(|newest| window >= newest.end);
        let is_searched = (self.marks.oldest..self.marks.end).contains(&window);
        if is_newest && is_searched && self.stretches.len() < SEARCH_STRETCHES_MAX {
            self.stretches.push(Stretch { start: window, end: window });
        }
    }

    /// The exchange that asked for `probes` was never answered: they are asked for again, before others.
    pub fn unanswered(&mut self, probes: &[Window]) {
        let room = SEARCH_UNANSWERED_MAX.saturating_sub(self.unanswered.len());
        self.unanswered.extend(probes.iter().take(room));
    }

    /// Whether every surviving mark was asked for. The last answers may still be on their way.
    pub fn is_over(&self) -> bool {
        self.level.is_none() && self.unanswered.is_empty()
    }

    /// Probes that were never answered and whose marks still survive.
    fn retried(&mut self, now: Window) -> Vec<Window> {
        let marks = self.marks;
        self.unanswered.retain(|mark| *mark >= marks.oldest_of(marks.ruler.level(*mark), now));
        let count = self.unanswered.len().min(SPARE_GETS);
        self.unanswered.drain(..count).collect()
    }

    /// The next mark of the walk that was not probed near a hit.
    fn walked(&mut self, now: Window) -> Option<Window> {
        loop {
            let level = self.level?;
            let Some(mark) = self.marks.newest_before(self.before, level, now) else {
                self.level = level.checked_sub(1);
                self.before = self.marks.end;
                continue;
            };
            self.before = mark;
            if !self.stretches.iter().any(|stretch| stretch.contains(mark)) {
                return Some(mark);
            }
        }
    }

    /// The nearest mark on one side of the newest hit that was not probed.
    fn near(&mut self, side: Side, now: Window) -> Option<Window> {
        match side {
            Side::Older => self.near_older(now),
            Side::Newer => self.near_newer(now),
        }
    }

    fn near_older(&mut self, now: Window) -> Option<Window> {
        loop {
            let newest = *self.stretches.last()?;
            let of_level = |z| self.marks.newest_before(newest.start.min(self.unwalked_before(z)), z, now);
            let mark = (0..=self.level?).filter_map(of_level).max()?;
            let older = self.stretches.iter().rev().nth(1);
            if !older.is_some_and(|older| older.contains(mark)) {
                self.stretches.last_mut()?.start = mark;
                return Some(mark);
            }
            // All between the two was probed: they are one stretch.
            self.stretches.pop();
            self.stretches.last_mut()?.end = newest.end;
        }
    }

    fn near_newer(&mut self, now: Window) -> Option<Window> {
        let newest = *self.stretches.last()?;
        let of_level =
            |z| self.marks.oldest_from(newest.end, z, now).filter(|w| *w < self.unwalked_before(z));
        let mark = (0..=self.level?).filter_map(of_level).min()?;
        self.stretches.last_mut()?.end = Window(mark.0.saturating_add(1));
        Some(mark)
    }

    /// Of the walked level or a finer one: the walk has not seen marks before this window.
    fn unwalked_before(&self, level: u8) -> Window {
        if self.level == Some(level) { self.before } else { self.marks.end }
    }
}

/// A side of the newest hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Older,
    Newer,
}

impl Side {
    fn other(self) -> Side {
        match self {
            Side::Older => Side::Newer,
            Side::Newer => Side::Older,
        }
    }
}

/// Windows from `start` to before `end`, around a hit: every surviving mark in it was probed.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    start: Window,
    end: Window,
}

impl Stretch {
    fn contains(&self, mark: Window) -> bool {
        (self.start..self.end).contains(&mark)
    }
}

/// The marks of a route that are searched: of windows from `oldest` to before `end`.
#[derive(Debug, Clone, Copy)]
struct Marks {
    ruler: Ruler,
    length: WindowLength,
    oldest: Window,
    end: Window,
}

impl Marks {
    /// The newest mark of `level` before `before` that survives window `now`.
    fn newest_before(&self, before: Window, level: u8, now: Window) -> Option<Window> {
        let mark = self.ruler.mark_at_or_before(Window(before.0.checked_sub(1)?), level)?;
        (mark >= self.oldest_of(level, now)).then_some(mark)
    }

    /// The oldest mark of `level` from `from` on that survives window `now`.
    fn oldest_from(&self, from: Window, level: u8, now: Window) -> Option<Window> {
        let from = from.max(self.oldest_of(level, now));
        // Of as many windows as a period has, one is of the level.
        let to = Window(from.0.saturating_add(Ruler::period(level) - 1));
        let mark = self.ruler.mark_at_or_before(to, level)?;
        (mark >= from).then_some(mark)
    }

    /// The oldest window whose cell, if of `level`, survives window `now` and a little more.
    fn oldest_of(&self, level: u8, now: Window) -> Window {
        let answered = self.length.opens(Window(now.0.saturating_add(EXPIRY_MARGIN_WINDOWS)));
        let expired = answered.shifted(-(lifetime_of_level_ms(level) as i64));
        let expired_to = u64::try_from(expired.0).map_or(0, |ms| ms / self.length.ms() + 1);
        self.oldest.max(Window(expired_to))
    }
}

/// When a route's exchanges are searching ones: for [`SEARCH_MS`] after a start, and again after the route
/// was out of reach for longer than [`ABSENCE_MS`]. For every node, whatever there is to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchPhase {
    until: Moment,
    reached: Moment,
    is_planned: bool,
}

impl SearchPhase {
    /// The node, or this route, was started at `moment`.
    pub fn started(moment: Moment) -> SearchPhase {
        SearchPhase { until: moment + SEARCH_MS, reached: moment, is_planned: false }
    }

    /// An exchange was answered at `moment`. Tells whether a new plan ([`Search::new`]) begins: at the first
    /// answer after a start, and at the first after an absence.
    pub fn reached(&mut self, moment: Moment) -> bool {
        let was_absent = moment.since_ms(self.reached) > ABSENCE_MS;
        if was_absent {
            self.until = self.until.max(moment + SEARCH_MS);
        }
        let begins = was_absent || !self.is_planned;
        (self.reached, self.is_planned) = (self.reached.max(moment), true);
        begins
    }

    /// Whether an exchange at `moment` has 16 GETs per lane instead of 2.
    pub fn is_searching(&self, moment: Moment) -> bool {
        moment < self.until
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
