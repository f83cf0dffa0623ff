use std::collections::BTreeSet;

use super::*;

pub(super) const LENGTH: WindowLength = WindowLength::DEFAULT;
/// Some window of 2026, of no particular roundness.
pub(super) const START: u64 = 895_012_345;
pub(super) const HOUR: u64 = 1_800;
pub(super) const DAY: u64 = 24 * HOUR;

#[test]
fn a_plan_probes_every_surviving_mark_once_coarsest_first_and_newest_first_within_a_level() {
    let mut random = Random(1);
    for _ in 0..40 {
        let (ruler, newest) = (ruler(random.below(3)), Window(START + random.below(1 << 22)));
        let oldest = Window(newest.0 - random.below(100 * DAY));
        let mut search = Search::new(ruler, LENGTH, newest, oldest);
        let probes: Vec<Window> = plan(&mut search, newest, 0).concat();
        let order = |w: &Window| (LEVEL_MAX - ruler.level(*w), core::cmp::Reverse(*w));
        assert!(probes.is_sorted_by(|one, two| order(one) < order(two)));
        assert_eq!(probes.into_iter().collect::<BTreeSet<_>>(), surviving(ruler, oldest, newest, newest));
    }
}

#[test]
fn with_hits_anywhere_a_plan_still_probes_every_surviving_mark_once() {
    let mut random = Random(2);
    for round in 0..60 {
        let (ruler, newest) = (ruler(random.below(3)), Window(START + random.below(1 << 22)));
        let oldest = Window(newest.0 - random.below(if round % 2 == 0 { 3 * HOUR } else { 100 * DAY }));
        let mut search = Search::new(ruler, LENGTH, newest, oldest);
        let mut probes = Vec::new();
        while !search.is_over() {
            let next = search.next(newest);
            next.iter().filter(|_| random.below(7) == 0).for_each(|w| search.hit(*w));
            if random.below(20) == 0 {
                search.hit(Window(oldest.0 + random.below(newest.0 - oldest.0 + 9)));
            }
            probes.extend(next);
        }
        let distinct: BTreeSet<Window> = probes.iter().copied().collect();
        assert_eq!(distinct.len(), probes.len(), "a mark was probed twice");
        assert_eq!(distinct, surviving(ruler, oldest, newest, newest));
        assert!(search.probed.iter().all(|level| level.0.len() <= SEARCH_STRETCHES_MAX + 1));
    }
}

#[test]
fn while_time_goes_on_no_expired_mark_is_probed_and_none_that_survives_the_plan_is_left_out() {
    for number in 0..3 {
        let (ruler, newest) = (ruler(number), Window(START));
        let oldest = Window(START - 120 * DAY);
        let mut search = Search::new(ruler, LENGTH, newest, oldest);
        let (mut now, mut probed) = (Window(START + 1), BTreeSet::new());
        while !search.is_over() {
            for mark in search.next(now) {
                assert!(ruler.expires(LENGTH, mark) > LENGTH.opens(Window(now.0 + 1)), "{mark:?} at {now:?}");
                assert!(probed.insert(mark), "{mark:?} was probed before");
                if mark.0 % 3 == 0 {
                    search.hit(mark);
                }
            }
            now.0 += 1;
        }
        assert!(now.0 - START < SEARCH_MS / LENGTH.ms(), "the plan took {} exchanges", now.0 - START);
        assert!(probed.is_superset(&surviving(ruler, oldest, newest, now)));
    }
}

#[test]
fn near_the_newest_hit_the_marks_of_each_level_are_probed_that_lie_few_of_its_steps_away() {
    let (ruler, newest) = (ruler(0), Window(START));
    let mut search = Search::new(ruler, LENGTH, newest, Window(START - 30 * DAY));
    assert_eq!(search.next(newest).iter().filter(|w| ruler.level(**w) == LEVEL_MAX).count(), 14);
    // A day back the marks of levels 5 and above survive.
    let hit = Window((START - DAY) >> 6 << 6);
    search.hit(hit);
    let mut near = Vec::new();
    for _ in 0..4 {
        let probes = search.next(newest);
        assert!(probes[4..].iter().all(|w| ruler.level(*w) == LEVEL_MAX));
        near.extend_from_slice(&probes[..4]);
    }
    let far = |w: &Window| (w.0.abs_diff(hit.0) << LEVEL_MAX) >> ruler.level(*w);
    let is_near = |w: &Window| ruler.level(*w) < LEVEL_MAX && (*w < hit || far(w) <= 2 << LEVEL_MAX);
    near.retain(is_near);
    let all = surviving(ruler, Window(START - 3 * DAY), newest, newest);
    let mut nearest: Vec<u64> = all.iter().filter(|w| is_near(w)).map(far).collect();
    nearest.sort_unstable();
    assert_eq!(near.iter().map(far).collect::<Vec<_>>(), nearest[..near.len()]);
    assert!(near.len() > 8 && near.iter().any(|w| *w > hit), "{near:?}");
}

#[test]
fn hit_by_hit_the_last_cells_that_the_peer_wrote_are_found() {
    let mut random = Random(5);
    for _ in 0..50 {
        let (ruler, newest) = (ruler(random.below(3)), Window(START + random.below(1 << 22)));
        let (from, to) = (Window(newest.0 - 30 * DAY), Window(newest.0 - HOUR - random.below(DAY)));
        let last = (0..=LEVEL_MAX).filter_map(|z| ruler.mark_at_or_before(to, z));
        let survives = |w: &Window| ruler.expires(LENGTH, *w) > LENGTH.opens(Window(newest.0 + 60));
        let mut last: BTreeSet<Window> = last.filter(survives).collect();
        let mut search = Search::new(ruler, LENGTH, newest, from);
        for _ in 0..30 {
            let probes = search.next(newest);
            probes.iter().filter(|w| **w <= to).for_each(|w| search.hit(*w));
            last.retain(|w| !probes.contains(w));
        }
        assert!(last.is_empty(), "the last cells of each level before {to:?}: {last:?} was not probed");
    }
}

#[test]
fn a_hit_outside_the_search_changes_nothing() {
    let (oldest, newest) = (Window(START - 3 * DAY), Window(START));
    let [mut one, mut two] = [0; 2].map(|_| Search::new(ruler(0), LENGTH, newest, oldest));
    [START + 1, START + DAY, oldest.0 - 1].iter().for_each(|w| one.hit(Window(*w)));
    assert_eq!(plan(&mut one, newest, 1), plan(&mut two, newest, 1));
}

#[test]
fn what_a_search_remembers_is_bounded_whatever_is_hit() {
    let mut search = Search::new(ruler(0), LENGTH, Window(START), Window(START - DAY));
    for w in (START - DAY..START).step_by(77) {
        search.hit(Window(w));
        search.next(Window(START));
        assert!(search.probed.iter().all(|level| level.0.len() <= SEARCH_STRETCHES_MAX + 1));
    }
    (0..400).for_each(|_| drop(search.next(Window(START))));
    assert!(search.probed.iter().all(|level| level.0.len() <= SEARCH_STRETCHES_MAX + 1));
}

#[test]
fn marks_are_two_windows_apart_after_two_hours_32_after_a_day_1024_after_a_month() {
    for number in 0..3 {
        let all = surviving(ruler(number), Window(START - 60 * DAY), Window(START), Window(START));
        let gap_at = |age: u64| {
            let at = Window(START - age);
            let before = all.range(..at).next_back().expect("marks on both sides");
            all.range(at..).next().expect("marks on both sides").0 - before.0
        };
        assert_eq!([2 * HOUR - 9, DAY, 30 * DAY].map(gap_at), [2, 32, 1_024]);
    }
}

#[test]
fn probes_that_were_never_answered_are_asked_for_again_while_they_survive() {
    let newest = Window(START);
    let mut search = Search::new(ruler(1), LENGTH, newest, Window(START - 2 * HOUR));
    let lost = search.next(newest);
    search.unanswered(&lost);
    assert_eq!(search.next(newest), lost);
    search.unanswered(&lost);
    assert!(search.next(Window(START + 400 * DAY)).is_empty());
    assert!(search.is_over());
    (0..100).for_each(|_| search.unanswered(&lost));
    assert_eq!(search.unanswered.len(), SEARCH_UNANSWERED_MAX);
}

#[test]
fn a_search_of_nothing_is_over_at_once_and_the_ends_of_time_are_no_trouble() {
    for (newest, oldest) in [(0, 0), (START, START + 1), (u64::MAX, 0), (u64::MAX, u64::MAX), (3, 0)] {
        let mut search = Search::new(ruler(2), LENGTH, Window(newest), Window(oldest));
        search.hit(Window(newest));
        let probes = search.next(Window(newest));
        assert!(probes.iter().all(|w| (oldest..=newest).contains(&w.0)), "{probes:?}");
        if newest == START {
            assert!(probes.is_empty() && search.is_over());
        }
    }
}

#[test]
fn a_route_is_searched_for_half_an_hour_after_a_start_and_after_an_absence_of_ten_minutes() {
    let minute = |m: u64| Moment(m * 60_000);
    let mut phase = SearchPhase::started(minute(0));
    assert!(phase.reached(minute(1)), "the first answer begins a plan");
    assert!(!phase.reached(minute(11)), "ten minutes are no absence");
    assert!(phase.is_searching(Moment(minute(30).0 - 1)) && !phase.is_searching(minute(30)));
    assert!(!phase.reached(minute(20)) && !phase.reached(minute(30)));
    assert!(phase.reached(Moment(minute(40).0 + 1)));
    assert!(!phase.reached(minute(41)));
    assert!(phase.is_searching(minute(70)) && !phase.is_searching(minute(71)));
}

#[test]
fn a_route_that_is_first_reached_late_has_its_whole_half_hour() {
    let mut phase = SearchPhase::started(Moment(0));
    assert!(phase.reached(Moment(45 * 60_000)));
    assert!(phase.is_searching(Moment(74 * 60_000)));
}

fn plan(search: &mut Search, now: Window, step: u64) -> Vec<Vec<Window>> {
    let mut exchanges = Vec::new();
    while !search.is_over() {
        exchanges.push(search.next(Window(now.0 + step * exchanges.len() as u64)));
    }
    exchanges
}

/// The naive model: every window is looked at.
pub(super) fn surviving(ruler: Ruler, oldest: Window, newest: Window, now: Window) -> BTreeSet<Window> {
    let answered = LENGTH.opens(Window(now.0 + EXPIRY_MARGIN_WINDOWS));
    (oldest.0..=newest.0).map(Window).filter(|w| ruler.expires(LENGTH, *w) > answered).collect()
}

pub(super) fn ruler(number: u64) -> Ruler {
    Ruler::from_number(number as u8).expect("three rulers")
}

/// A generator for tests (Knuth's MMIX constants).
pub(super) struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
