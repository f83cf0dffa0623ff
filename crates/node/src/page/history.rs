//! What the routes and the line did lately: kept in memory, and gone with the process, so that no disk
//! holds when this node was up.

use std::collections::{BTreeMap, VecDeque};

use couloir_engine::Notice;
use couloir_engine::status::{RouteState, RouteView, StatusView};
use couloir_wire::id::RouteId;

use super::dates::now_ms;

/// The last day of every route, and what the desk was told.
#[derive(Default)]
pub struct History {
    routes: BTreeMap<RouteId, Strip>,
    told: VecDeque<Line>,
    drills: VecDeque<Drill>,
    last: Option<Glimpse>,
    next_number: u64,
}

/// A route's last day, in quarters of an hour, the newest last.
pub type Strip = VecDeque<Quarter>;

/// How a route stood in one quarter of an hour, each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quarter {
    /// Quarters of an hour since 1970.
    pub number: i64,
    /// Cells of ours left.
    pub out: Mark,
    /// Cells of the peer's came.
    pub back: Mark,
}

/// How one way of a route was, at its worst in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Mark {
    /// Nobody looked: the node was not running.
    #[default]
    Unseen,
    /// It worked.
    Works,
    /// Some cells were lost.
    Lossy,
    /// Nothing went.
    Silent,
}

impl Mark {
    /// All, in order.
    pub const ALL: [Mark; 4] = [Mark::Unseen, Mark::Works, Mark::Lossy, Mark::Silent];
}

/// Something that was told to the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// By the node.
    Node(Notice),
    /// The store failed, in words.
    StoreFailed(String),
    /// The store works again.
    StoreWorks,
    /// A link to the page was used a second time.
    LinkUsedTwice,
    /// Somebody tried a wrong passphrase at a locked page.
    WrongPassphrase,
}

/// A line that lies on the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, by which it is put away.
    pub number: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// What.
    pub told: Told,
}

/// A test of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drill {
    /// When its outcome was known, in milliseconds since 1970.
    pub at_ms: i64,
    /// How long the answer took; `None` if there was none.
    pub after_ms: Option<u64>,
}

/// All of a status that open pages show and no event tells.
#[derive(PartialEq, Eq)]
struct Glimpse {
    status: StatusView,
}

impl Glimpse {
    /// Without what changes all the time.
    fn of(status: &StatusView) -> Glimpse {
        let mut status = status.clone();
        status.at = couloir_wire::time::WallTime(0);
        status.clock_off_ms /= 1_000;
        status.peers.iter_mut().for_each(|peer| peer.last_heard = None);
        for route in &mut status.routes {
            (route.last_in, route.last_out, route.delay_ms, route.losses) = (None, None, None, 0);
        }
        Glimpse { status }
    }
}

impl History {
    /// Remembers how the routes stand; whether pages must be told.
    pub fn note(&mut self, status: &StatusView) -> bool {
        let quarter = now_ms().div_euclid(QUARTER_MS);
        self.routes.retain(|id, _| status.routes.iter().any(|route| route.id == *id));
        for route in &status.routes {
            mark(self.routes.entry(route.id).or_default(), quarter, route);
        }
        let glimpse = Some(Glimpse::of(status));
        let is_changed = self.last != glimpse;
        self.last = glimpse;
        is_changed
    }

    /// Lays something on the desk.
    pub fn tell(&mut self, told: Told) {
        let at_ms = now_ms();
        let what = match &told {
            Told::Node(notice) => Some(notice.what()),
            _ => None,
        };
        match what {
            Some(Notice::DrillAnswered { after_ms }) => self.drilled(at_ms, Some(*after_ms)),
            Some(Notice::DrillMissed) => self.drilled(at_ms, None),
            _ => {
                self.next_number += 1;
                push(&mut self.told, TOLD_MAX, Line { number: self.next_number, at_ms, told });
            }
        }
    }

    /// Puts a line away.
    pub fn put_away(&mut self, number: u64) {
        self.told.retain(|line| line.number != number);
    }

    /// What lies on the desk, the newest first.
    pub fn told(&self) -> impl Iterator<Item = &Line> {
        self.told.iter().rev()
    }

    /// The last tests of the line, the newest first.
    pub fn drills(&self) -> impl Iterator<Item = &Drill> {
        self.drills.iter().rev()
    }

    /// A route's last day.
    pub fn strip(&self, route: RouteId) -> Vec<Quarter> {
        let newest = now_ms().div_euclid(QUARTER_MS);
        let seen = self.routes.get(&route);
        let quarter =
            |number| seen.and_then(|strip| strip.iter().find(|each| each.number == number)).copied();
        let numbers = newest - QUARTERS as i64 + 1..=newest;
        numbers.map(|number| quarter(number).unwrap_or(Quarter { number, ..Quarter::default() })).collect()
    }

    fn drilled(&mut self, at_ms: i64, after_ms: Option<u64>) {
        push(&mut self.drills, DRILLS_MAX, Drill { at_ms, after_ms });
    }
}

fn push<T>(held: &mut VecDeque<T>, max: usize, item: T) {
    if held.len() >= max {
        held.pop_front();
    }
    held.push_back(item);
}

fn mark(strip: &mut Strip, number: i64, route: &RouteView) {
    let (out, back) = marks(route);
    match strip.back_mut().filter(|newest| newest.number == number) {
        Some(newest) => (newest.out, newest.back) = (newest.out.max(out), newest.back.max(back)),
        None => push(strip, QUARTERS, Quarter { number, out, back }),
    }
}

/// Out and back.
fn marks(route: &RouteView) -> (Mark, Mark) {
    let out = if route.losses > LOSSES_WORTH_SAYING { Mark::Lossy } else { Mark::Works };
    match route.state {
        RouteState::New | RouteState::Retired => (Mark::Unseen, Mark::Unseen),
        RouteState::Working => (out, Mark::Works),
        RouteState::OutOnly => (out, Mark::Silent),
        RouteState::Down | RouteState::Paused => (Mark::Silent, Mark::Silent),
    }
}

/// Length of a mark on the strip.
pub const QUARTER_MS: i64 = 15 * 60 * 1_000;
/// A day.
pub const QUARTERS: usize = 96;
/// Of 128 windows.
const LOSSES_WORTH_SAYING: u32 = 2;
/// Lines that lie on the desk.
const TOLD_MAX: usize = 50;
/// Tests of the line, a day and more of hourly ones.
const DRILLS_MAX: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desk_is_told_what_is_new_and_puts_it_away() {
        let mut history = History::default();
        for _ in 0..60 {
            history.tell(Told::LinkUsedTwice);
        }
        history.tell(Told::Node(Notice::DrillMissed));
        assert_eq!((history.told().count(), history.drills().count()), (TOLD_MAX, 1));
        history.put_away(60);
        assert_eq!(history.told().next().map(|line| line.number), Some(59));
    }

    #[test]
    fn a_quarter_shows_the_worst_that_was_in_it() {
        assert!(Mark::ALL.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
