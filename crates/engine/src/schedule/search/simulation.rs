//! What a search finds, and how soon: a naive sender, relays that keep what the ruler says, and readers.

use std::collections::{BTreeMap, BTreeSet};

use super::tests::{DAY, HOUR, LENGTH, Random, START, ruler, surviving};
use super::*;

/// What a search found, in exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    /// Until the first hit.
    first: u64,
    /// Until every cell wanted was read or had expired.
    all: u64,
    /// Cells wanted, and how many of them expired unread.
    cells: usize,
    expired: usize,
}

/// A reader that was away for the `away` windows before `now` searches the relays with `rulers`, which
/// hold the cells of a peer that was up in `up`. Wanted are surviving cells of levels from `level` on.
fn find(rulers: &[u64], now: u64, away: u64, up: core::ops::Range<u64>, level: u8) -> Found {
    let rulers: Vec<Ruler> = rulers.iter().map(|number| ruler(*number)).collect();
    let plan = |r: &Ruler| Search::new(*r, LENGTH, Window(now - 1), Window(now - away));
    let mut searches: Vec<Search> = rulers.iter().map(plan).collect();
    let held = |r: &Ruler| surviving(*r, Window(up.start), Window(up.end - 1), Window(now));
    let of_route =
        |r: &Ruler| held(r).into_iter().filter(|w| r.level(*w) >= level).map(|w| (*r, w)).collect();
    let mut left: Vec<(Ruler, Window)> = rulers.iter().flat_map(|r| -> Vec<_> { of_route(r) }).collect();
    let mut found = Found { first: 0, all: 0, cells: left.len(), expired: 0 };
    while !left.is_empty() || found.first == 0 {
        let at = Window(now + found.all);
        found.all += 1;
        assert!(found.all <= 900, "the search's half hour is over: {found:?}");
        let probes: BTreeSet<(Ruler, Window)> = (rulers.iter().zip(&mut searches))
            .flat_map(|(r, search)| search.next(at).into_iter().map(|w| (*r, w)))
            .collect();
        let hits = || probes.iter().map(|(_, w)| *w).filter(|w| up.contains(&w.0));
        searches.iter_mut().for_each(|search| hits().for_each(|w| search.hit(w)));
        if found.first == 0 && hits().next().is_some() {
            found.first = found.all;
        }
        left.retain(|cell| !probes.contains(cell));
        let before = left.len();
        left.retain(|(r, w)| r.expires(LENGTH, *w) > LENGTH.opens(Window(at.0 + EXPIRY_MARGIN_WINDOWS)));
        found.expired += before - left.len();
    }
    found
}

#[test]
fn five_minutes_of_a_senders_presence_a_day_ago_are_read_within_a_minute() {
    let mut random = Random(3);
    for (rulers, first_max, all_max) in [(&[0, 1, 2][..], 20, 30), (&[0, 2], 30, 45), (&[1], 30, 45)] {
        let mut founds = Vec::new();
        for _ in 0..300 {
            let now = START + random.below(1 << 24);
            founds.push(find(rulers, now, DAY + HOUR, now - DAY..now - DAY + 150, 0));
        }
        let most = |of: fn(&Found) -> u64| founds.iter().map(of).max().unwrap_or(0);
        let mean = |of: fn(&Found) -> u64| founds.iter().map(of).sum::<u64>() / 300;
        println!("{} routes, in exchanges of 2 s:", rulers.len());
        println!("  first hit: mean {}, most {}", mean(|f| f.first), most(|f| f.first));
        println!("  all cells: mean {}, most {}", mean(|f| f.all), most(|f| f.all));
        assert!(most(|f| f.first) <= first_max && most(|f| f.all) <= all_max);
    }
}

#[test]
fn a_month_of_a_senders_presence_is_seen_at_once_and_read_finely_within_the_search() {
    for rulers in [&[0][..], &[0, 1], &[0, 1, 2]] {
        let found = find(rulers, START, 30 * DAY, START - 30 * DAY..START - HOUR, 5);
        println!("{} routes: {found:?}", rulers.len());
        assert_eq!(found.first, 1);
        assert!(found.all <= 800 && found.expired * 50 < found.cells);
    }
}

/// Notes of 250 octets that a cell holds beside its status and acknowledgements.
const NOTES_PER_CELL: usize = 7;
/// Cells of lower levels are left out: all but the last hours' are long expired.
const LEVEL_MIN: u8 = 5;
/// Uses of a window in the charter's table, the last being recovery, whose cells carry no notes.
const TURNS: u8 = 16;

/// A sender that nobody acknowledges, and what its cells carried: DESIGN's placement, note by note.
struct Sender {
    /// By route, level and note: when this route's cells of the level or above carried it last, plus 1.
    last: Vec<Vec<Vec<u64>>>,
    cells: BTreeMap<(Ruler, Window), Vec<usize>>,
}

impl Sender {
    fn new(notes: usize) -> Sender {
        let levels = usize::from(LEVEL_MAX) + 1;
        let last = vec![vec![vec![0; notes]; levels]; 3];
        Sender { last, cells: BTreeMap::new() }
    }

    /// Fills the cell of `window` with the best of the first `said` notes.
    fn write(&mut self, ruler: Ruler, window: Window, said: usize) {
        let (route, level) = (usize::from(ruler.number()), usize::from(ruler.level(window)));
        let rank = |note: &usize| {
            let last = self.last[route][level][*note];
            let others = self.last.iter().filter(|levels| levels[level][*note] > 0).count();
            (if last > 0 { usize::MAX } else { others }, last, *note)
        };
        let mut notes: Vec<usize> = (0..said).collect();
        if said > NOTES_PER_CELL {
            notes.select_nth_unstable_by_key(NOTES_PER_CELL, rank);
            notes.truncate(NOTES_PER_CELL);
        }
        for z in usize::from(LEVEL_MIN)..=level {
            notes.iter().for_each(|note| self.last[route][z][*note] = window.0 + 1);
        }
        self.cells.insert((ruler, window), notes);
    }
}

/// A sender wrote `notes` notes on three routes over a month, and has been down since an hour before
/// [`START`].
fn month_of_notes(notes: usize) -> Sender {
    let mut sender = Sender::new(notes);
    let (from, to) = (START - 30 * DAY, START - HOUR);
    for window in (from..to).map(Window) {
        let said = ((window.0 - from) * notes as u64 / (to - from)) as usize + 1;
        for ruler in [0, 1, 2].map(ruler) {
            if ruler.level(window) >= LEVEL_MIN && ruler.turn(window, TURNS) != TURNS - 1 {
                sender.write(ruler, window, said.min(notes));
            }
        }
    }
    sender.cells.retain(|(ruler, window), _| ruler.expires(LENGTH, *window) > LENGTH.opens(Window(START)));
    sender
}

/// Exchanges until a reader that was away all the month has every note, over the `alive` routes.
fn exchanges_until_read(sender: &Sender, notes: usize, alive: &[u64]) -> u64 {
    let routes = alive.iter().map(|number| ruler(*number));
    let plan = |r: Ruler| (r, Search::new(r, LENGTH, Window(START - 1), Window(START - 30 * DAY)));
    let mut searches: Vec<(Ruler, Search)> = routes.map(plan).collect();
    let mut read: BTreeSet<usize> = BTreeSet::new();
    for exchange in 0..900 {
        let mut hits = Vec::new();
        for (ruler, search) in &mut searches {
            let probes = search.next(Window(START + exchange)).into_iter();
            let found = probes.filter_map(|w| sender.cells.get(&(*ruler, w)).map(|notes| (w, notes)));
            found.for_each(|(w, notes)| {
                hits.push(w);
                read.extend(notes);
            });
        }
        searches.iter_mut().for_each(|(_, search)| hits.iter().for_each(|w| search.hit(*w)));
        if read.len() == notes {
            return exchange + 1;
        }
    }
    u64::MAX
}

#[test]
fn a_thousand_notes_of_a_month_are_read_within_two_minutes_with_one_route_dead() {
    let sender = month_of_notes(1_000);
    for (alive, most) in [(&[0, 1, 2][..], 60), (&[0, 1], 60), (&[0, 2], 60), (&[1, 2], 60), (&[1], 120)] {
        let exchanges = exchanges_until_read(&sender, 1_000, alive);
        let gets = exchanges * (SEARCH_GETS_PER_LANE * alive.len()) as u64;
        println!("relays {alive:?}: {exchanges} exchanges, {} s, {gets} GETs", exchanges * 2);
        assert!(exchanges <= most);
    }
}
