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
//! *Near the hit.* Four take the marks nearest to the newest hit so far that were not probed, where a mark of
//! level z that lies a windows away is `a / 2^z` far: as many of each level, coarse ones farther off. On the
//! newer side none is farther than 2: the next mark of each level, and so, hit by hit, the last cells that the
//! peer wrote. What was said last was carried by few cells, and these are they.
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
/// A mark that expires within so many windows is not asked for: the answer would come too late.
const EXPIRY_MARGIN_WINDOWS: u64 = 2;

/// The plan of one route's search: a few cursors, at most 6 kB, however much there is to find.
#[derive(Debug, Clone)]
pub struct Search {
    marks: Marks,
    /// The level that is walked; `None` when the walk is through, and with it the plan.
    level: Option<u8>,
    /// The newest window so far of which a cell was opened.
    hit: Option<Window>,
    /// Marks that were probed, by level.
    probed: [Probed; LEVELS],
    unanswered: Vec<Window>,
}

impl Search {
    /// A search among the windows from `oldest` to `newest` of a route whose relay has `ruler`. `newest` is
    /// the window before the current one; `oldest` that in which the route was last in reach.
    pub fn new(ruler: Ruler, length: WindowLength, newest: Window, oldest: Window) -> Search {
        let end = Window(newest.0.saturating_add(1));
        let marks = Marks { ruler, length, oldest, end };
        let probed = core::array::from_fn(|_| Probed::default());
        Search { marks, level: Some(LEVEL_MAX), hit: None, probed, unanswered: Vec::new() }
    }

    /// The marks to probe in the exchange of window `now`, per lane: 14, or fewer at the end of the plan
    /// (the caller takes random slots for the rest). Never one twice, never one that expires about now.
    pub fn next(&mut self, now: Window) -> Vec<Window> {
        let mut probes = self.retried(now);
        let near_max = SEARCH_NEAR_GETS.min(SPARE_GETS - probes.len());
        probes.extend(iter::from_fn(|| self.near(now)).take(near_max));
        let room = SPARE_GETS - probes.len();
        probes.extend(iter::from_fn(|| self.walked(now)).take(room));
        probes
    }

    /// A cell of `window` was opened: on this route, or on another one of the link (its time then counted
    /// in this route's windows), since a peer that was up was up on all of them. What lies outside the search
    /// changes nothing.
    pub fn hit(&mut self, window: Window) {
        let is_searched = (self.marks.oldest..self.marks.end).contains(&window);
        if is_searched && self.hit.is_none_or(|newest| window > newest) {
            self.hit = Some(window);
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

    /// The next mark of the walk.
    fn walked(&mut self, now: Window) -> Option<Window> {
        loop {
            let level = self.level?;
            match self.older(level, self.marks.end, now) {
                Some(mark) => return Some(self.probe(level, mark)),
                None => self.level = level.checked_sub(1),
            }
        }
    }

    /// The nearest mark to the newest hit that was not probed.
    fn near(&mut self, now: Window) -> Option<Window> {
        let hit = self.hit?;
        let far = |level: u8, from: Window, to: Window| u128::from(to.0 - from.0) << (LEVEL_MAX - level);
        let of_level = |level: u8| {
            let older = self.older(level, hit, now).map(|mark| (far(level, mark, hit), level, mark));
            let newer = self.newer(level, hit, now).map(|mark| (far(level, hit, mark), level, mark));
            [older, newer.filter(|(far, ..)| *far <= FAR_NEWER_MAX)]
        };
        let nearest = (0..=self.level?).flat_map(of_level).flatten();
        let (_, level, mark) = nearest.filter(|(_, level, mark)| self.has_room(*level, *mark)).min()?;
        Some(self.probe(level, mark))
    }

    fn probe(&mut self, level: u8, mark: Window) -> Window {
        self.probed[usize::from(level)].insert(mark, Ruler::period(level));
        mark
    }

    fn has_room(&self, level: u8, mark: Window) -> bool {
        self.probed[usize::from(level)].has_room(mark, Ruler::period(level))
    }

    /// The newest mark of `level` before `before` that was not probed.
    fn older(&self, level: u8, before: Window, now: Window) -> Option<Window> {
        let mark = self.marks.newest_before(before, level, now)?;
        match self.probed[usize::from(level)].around(mark) {
            None => Some(mark),
            Some(stretch) => self.marks.newest_before(stretch.oldest, level, now),
        }
    }

    /// The oldest mark of `level` from `from` on that was not probed.
    fn newer(&self, level: u8, from: Window, now: Window) -> Option<Window> {
        let mark = self.marks.oldest_from(from, level, now)?;
        let stretch = self.probed[usize::from(level)].around(mark);
        let mark = stretch.map_or(mark, |stretch| after(stretch.newest, Ruler::period(level)));
        (mark < self.marks.end).then_some(mark)
    }
}

/// Marks of one level that were probed: stretches without gaps, oldest first, apart.
#[derive(Debug, Clone, Default)]
struct Probed(Vec<Stretch>);

/// Every mark of the level from `oldest` to `newest`, both of which are marks.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    oldest: Window,
    newest: Window,
}

impl Probed {
    /// The stretch in which `mark` lies.
    fn around(&self, mark: Window) -> Option<&Stretch> {
        let at = self.0.partition_point(|stretch| stretch.newest < mark);
        self.0.get(at).filter(|stretch| stretch.oldest <= mark)
    }

    /// Whether `mark`, which was not probed, joins a stretch or may begin one.
    fn has_room(&self, mark: Window, period: u64) -> bool {
        let at = self.0.partition_point(|stretch| stretch.newest < mark);
        let before = at.checked_sub(1).and_then(|at| self.0.get(at));
        let joins = before.is_some_and(|stretch| after(stretch.newest, period) == mark)
            || self.0.get(at).is_some_and(|stretch| stretch.oldest == after(mark, period));
        joins || self.0.len() < SEARCH_STRETCHES_MAX
    }

    /// Adds `mark`, which was not probed.
    fn insert(&mut self, mark: Window, period: u64) {
        let at = self.0.partition_point(|stretch| stretch.newest < mark);
        self.0.insert(at, Stretch { oldest: mark, newest: mark });
        self.join(at, period);
        if let Some(before) = at.checked_sub(1) {
            self.join(before, period);
        }
    }

    /// Joins the stretch at `at` with the next one, if no mark lies between them.
    fn join(&mut self, at: usize, period: u64) {
        if let [stretch, next, ..] = &mut self.0[at..]
            && after(stretch.newest, period) == next.oldest
        {
            stretch.newest = next.newest;
            self.0.remove(at + 1);
        }
    }
}

/// The mark after `mark`.
fn after(mark: Window, period: u64) -> Window {
    Window(mark.0.saturating_add(period))
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

/// Levels of the ruler.
const LEVELS: usize = LEVEL_MAX as usize + 1;
/// How far from the newest hit a newer mark may be, in 2^-12: two of the levels' own steps.
const FAR_NEWER_MAX: u128 = 2 << LEVEL_MAX;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
