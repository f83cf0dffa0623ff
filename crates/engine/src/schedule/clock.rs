//! Time of a route and of the node, computed from the monotonic clock and what others say.
//!
//! Every time here is an *offset*: wall time minus monotonic moment, in milliseconds. A sleeping or
//! leaping wall clock therefore moves nothing by itself; only an answer of a relay, an authenticated
//! status of the peer or a new reading of the own clock does.

use std::collections::BTreeMap;

use couloir_wire::limits::{PEERS_MAX, ROUTES_MAX};
use couloir_wire::time::{Moment, WallTime, WindowLength};

/// What a relay's answer may be off beyond half its round trip: its own rounding and scheduling.
const RELAY_SLACK_MS: u64 = 20;

/// By how many milliseconds a route's time moved; positive if its windows now come earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShiftMs(pub i64);

/// The time by which one steady route counts its windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteClock {
    window: WindowLength,
    offset_ms: i64,
    rtt_best_ms: Option<u64>,
    is_synchronised: bool,
}

impl RouteClock {
    /// The clock of a route that was not answered yet: the own wall clock, which read `wall` at `moment`.
    pub fn new(window: WindowLength, moment: Moment, wall: WallTime) -> RouteClock {
        let offset_ms = offset_ms(moment, wall);
        RouteClock { window, offset_ms, rtt_best_ms: None, is_synchronised: false }
    }

    /// The route's time at `moment`.
    pub fn time_at(&self, moment: Moment) -> WallTime {
        wall_at(self.offset_ms, moment)
    }

    /// The moment at which the route's time is `time`; the first or last moment if there is none.
    pub fn moment_of(&self, time: WallTime) -> Moment {
        let ms = i128::from(time.0) - i128::from(self.offset_ms);
        Moment(u64::try_from(ms.max(0)).unwrap_or(u64::MAX))
    }

    /// Wall time minus monotonic moment, in milliseconds, as [`NodeClock::relay`] takes it.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms
    }

    /// Whether a relay answered, or the time was set: before, a PUT is a random token.
    pub fn is_synchronised(&self) -> bool {
        self.is_synchronised
    }

    /// The shortest round trip so far, in milliseconds; its relay's time is exact to half of that.
    pub fn rtt_best_ms(&self) -> Option<u64> {
        self.rtt_best_ms
    }

    /// An exchange that left at `sent` was answered at `received`, with the relay's time `relay`, which is
    /// taken to be that of the midpoint. Returns by how much the route's time moved, if it did.
    ///
    /// The first answer is believed as it is. Later ones move the time only where they must: by more than
    /// half a round trip and 20 ms the estimate proves that the clock is off, by less than a tenth of a
    /// window it does not matter, since both ends together then still leave the last quarter of a window
    /// ([`super::draw_instant_ms`]) half unused. Small corrections would make instants wobble.
    pub fn answered(&mut self, sent: Moment, received: Moment, relay: WallTime) -> Option<ShiftMs> {
        let rtt_ms = received.since_ms(sent);
        self.rtt_best_ms = Some(self.rtt_best_ms.map_or(rtt_ms, |best| best.min(rtt_ms)));
        let estimate_ms = offset_ms(sent + rtt_ms / 2, relay);
        let tolerated_ms = (self.window.ms() / 10).max((rtt_ms / 2).saturating_add(RELAY_SLACK_MS));
        if self.is_synchronised && estimate_ms.abs_diff(self.offset_ms) <= tolerated_ms {
            return None;
        }
        self.move_to(estimate_ms)
    }

    /// The route has no clock of its own (a folder): its time is the node's, `wall` at `moment`. Returns by
    /// how much it moved; differences up to a tenth of a window are let be.
    pub fn set(&mut self, moment: Moment, wall: WallTime) -> Option<ShiftMs> {
        let estimate_ms = offset_ms(moment, wall);
        if self.is_synchronised && estimate_ms.abs_diff(self.offset_ms) <= self.window.ms() / 10 {
            return None;
        }
        self.move_to(estimate_ms)
    }

    fn move_to(&mut self, estimate_ms: i64) -> Option<ShiftMs> {
        let shift_ms = estimate_ms.saturating_sub(self.offset_ms);
        self.offset_ms = estimate_ms;
        self.is_synchronised = true;
        (shift_ms != 0).then_some(ShiftMs(shift_ms))
    }
}

/// The node's time: the median of its own clock, its relays and its authenticated peers. Erasure and
/// expiry go by it, and the routes that have no clock.
///
/// Of an odd number of sources the median is the middle one: no one source can move it past another. Of
/// an even number two are in the middle, and the more trusted one counts: a relay before the own clock
/// (somebody's server keeps time, and a machine whose battery is flat does not know it), the own clock
/// before a peer (who must not be able to make us expire anything by itself). Between two alike, the one
/// nearer to the own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeClock {
    own_ms: i64,
    relays_ms: BTreeMap<u8, i64>,
    peers_ms: BTreeMap<u8, i64>,
    /// Of all of them; asked for far more often than any changes.
    median_ms: i64,
}

impl NodeClock {
    /// A node that knows its own clock alone, which read `wall` at `moment`.
    pub fn new(moment: Moment, wall: WallTime) -> NodeClock {
        let own_ms = offset_ms(moment, wall);
        NodeClock { own_ms, relays_ms: BTreeMap::new(), peers_ms: BTreeMap::new(), median_ms: own_ms }
    }

    /// The own clock read `wall` at `moment`.
    pub fn own(&mut self, moment: Moment, wall: WallTime) {
        let own_ms = offset_ms(moment, wall);
        if own_ms != self.own_ms {
            self.own_ms = own_ms;
            self.median_ms = self.median_ms();
        }
    }

    /// The relay of route number `route` has this offset ([`RouteClock::offset_ms`]).
    pub fn relay(&mut self, route: u8, offset_ms: i64) {
        if usize::from(route) < ROUTES_MAX {
            let before = self.relays_ms.insert(route, offset_ms);
            self.changed(before, offset_ms);
        }
    }

    /// The relay of route number `route` no longer counts: it was retired.
    pub fn forget_relay(&mut self, route: u8) {
        self.relays_ms.remove(&route);
        self.median_ms = self.median_ms();
    }

    /// Peer number `peer` has this offset, by the time in an authenticated cell of it.
    pub fn peer(&mut self, peer: u8, offset_ms: i64) {
        if usize::from(peer) < PEERS_MAX {
            let before = self.peers_ms.insert(peer, offset_ms);
            self.changed(before, offset_ms);
        }
    }

    fn changed(&mut self, before: Option<i64>, now: i64) {
        if before != Some(now) {
            self.median_ms = self.median_ms();
        }
    }

    /// The node's time at `moment`.
    pub fn now(&self, moment: Moment) -> WallTime {
        wall_at(self.median_ms, moment)
    }

    /// The earliest and the latest time at `moment` by any one clock.
    pub fn span(&self, moment: Moment) -> (WallTime, WallTime) {
        let others = || self.relays_ms.values().chain(self.peers_ms.values()).copied();
        let earliest_ms = others().fold(self.own_ms, i64::min);
        let latest_ms = others().fold(self.own_ms, i64::max);
        (wall_at(earliest_ms, moment), wall_at(latest_ms, moment))
    }

    /// The time at `moment` by the clock of peer number `peer`, if it was heard.
    pub fn peer_time(&self, peer: u8, moment: Moment) -> Option<WallTime> {
        self.peers_ms.get(&peer).map(|offset_ms| wall_at(*offset_ms, moment))
    }

    fn median_ms(&self) -> i64 {
        let own = [(self.own_ms, Trust::Own)];
        let relays = self.relays_ms.values().map(|ms| (*ms, Trust::Relay));
        let peers = self.peers_ms.values().map(|ms| (*ms, Trust::Peer));
        let mut sources: Vec<(i64, Trust)> = own.into_iter().chain(relays).chain(peers).collect();
        sources.sort_unstable();
        let upper = sources.len() / 2;
        let lower = (sources.len() - 1) / 2;
        let middle = sources[lower..=upper].iter();
        let chosen = middle.min_by_key(|(ms, trust)| (*trust, ms.abs_diff(self.own_ms)));
        chosen.map_or(self.own_ms, |(ms, _)| *ms)
    }
}

/// Whose word counts where two sources are in the middle; the order is the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trust {
    Relay,
    Own,
    Peer,
}

fn offset_ms(moment: Moment, wall: WallTime) -> i64 {
    wall.0.saturating_sub(i64::try_from(moment.0).unwrap_or(i64::MAX))
}

fn wall_at(offset_ms: i64, moment: Moment) -> WallTime {
    WallTime(i64::try_from(moment.0).unwrap_or(i64::MAX)).shifted(offset_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: WallTime = WallTime(1_790_000_000_000);
    const DAY_MS: i64 = 24 * 3_600_000;

    fn synchronised() -> RouteClock {
        let mut clock = RouteClock::new(WindowLength::DEFAULT, Moment(5_000), WALL);
        clock.answered(Moment(5_000), Moment(5_040), WALL.shifted(20));
        clock
    }

    #[test]
    fn a_route_takes_its_relays_time_at_the_first_answer() {
        let mut clock = RouteClock::new(WindowLength::DEFAULT, Moment(5_000), WALL);
        assert!(!clock.is_synchronised());
        assert_eq!(clock.time_at(Moment(5_000)), WALL);
        let shift = clock.answered(Moment(6_000), Moment(6_300), WALL.shifted(DAY_MS));
        assert_eq!(shift, Some(ShiftMs(DAY_MS - 1_150)));
        assert!(clock.is_synchronised());
        assert_eq!(clock.time_at(Moment(6_150)), WALL.shifted(DAY_MS));
        assert_eq!(clock.moment_of(WALL.shifted(DAY_MS)), Moment(6_150));
    }

    #[test]
    fn a_slow_answer_or_a_small_difference_does_not_make_a_route_wobble() {
        let mut clock = synchronised();
        let before = clock;
        for (rtt_ms, off_ms) in [(40, 200), (40, -200), (1_000, 520), (10_000, -5_020)] {
            let sent = Moment(100_000);
            let relay = before.time_at(sent + rtt_ms / 2).shifted(off_ms);
            assert_eq!(clock.answered(sent, sent + rtt_ms, relay), None, "rtt {rtt_ms} off {off_ms}");
        }
        assert_eq!(clock.time_at(Moment(0)), before.time_at(Moment(0)));
        assert_eq!(clock.rtt_best_ms(), Some(40));
    }

    #[test]
    fn a_proven_difference_moves_a_route_at_once_and_entirely() {
        for (rtt_ms, off_ms) in [(40, 201), (40, -201), (1_000, 521), (10, -3 * DAY_MS)] {
            let mut clock = synchronised();
            let sent = Moment(100_000);
            let relay = clock.time_at(sent + rtt_ms / 2).shifted(off_ms);
            assert_eq!(clock.answered(sent, sent + rtt_ms, relay), Some(ShiftMs(off_ms)));
            assert_eq!(clock.time_at(sent + rtt_ms / 2), relay);
        }
    }

    #[test]
    fn the_far_ends_of_time_saturate() {
        let mut clock = synchronised();
        for relay in [WallTime(i64::MAX), WallTime(i64::MIN), WallTime(i64::MAX)] {
            assert!(clock.answered(Moment(u64::MAX), Moment(3), relay).is_some());
            clock.time_at(Moment(u64::MAX));
        }
        let clock = RouteClock::new(WindowLength::DEFAULT, Moment(0), WALL);
        assert_eq!(clock.moment_of(WallTime(i64::MIN)), Moment(0));
        assert_eq!(clock.moment_of(WallTime(i64::MAX)), Moment(i64::MAX as u64 - WALL.0 as u64));
    }

    #[test]
    fn a_folder_follows_the_nodes_time_without_wobbling() {
        let mut clock = RouteClock::new(WindowLength::DEFAULT, Moment(0), WALL);
        assert_eq!(clock.set(Moment(0), WALL), None);
        assert!(clock.is_synchronised());
        assert_eq!(clock.set(Moment(10), WALL), None);
        assert_eq!(clock.set(Moment(0), WALL.shifted(-DAY_MS)), Some(ShiftMs(-DAY_MS)));
    }

    /// A node whose own clock is right, and what `relays` and `peers` say by offsets in milliseconds.
    fn node(relays: &[i64], peers: &[i64]) -> NodeClock {
        let mut clock = NodeClock::new(Moment(0), WALL);
        relays.iter().zip(0..).for_each(|(ms, ix)| clock.relay(ix, WALL.0 + ms));
        peers.iter().zip(0..).for_each(|(ms, ix)| clock.peer(ix, WALL.0 + ms));
        clock
    }

    #[test]
    fn nodes_time_is_the_median_and_a_tie_goes_to_the_more_trusted_source() {
        let cases: [(&[i64], &[i64], i64); 10] = [
            (&[], &[], 0),
            (&[DAY_MS], &[], DAY_MS),
            (&[], &[DAY_MS], 0),
            (&[-7, DAY_MS], &[], 0),
            (&[DAY_MS, DAY_MS + 9], &[], DAY_MS),
            (&[DAY_MS], &[DAY_MS + 5], DAY_MS),
            (&[DAY_MS, DAY_MS + 9], &[DAY_MS + 5], DAY_MS),
            (&[-DAY_MS, -DAY_MS, 50], &[], -DAY_MS),
            (&[10, 20, 30], &[], 10),
            (&[-10, -20, -30], &[], -10),
        ];
        for (relays, peers, median) in cases {
            assert_eq!(node(relays, peers).now(Moment(0)), WALL.shifted(median), "{relays:?} {peers:?}");
        }
    }

    #[test]
    fn one_lying_relay_among_three_sources_or_more_moves_nothing_past_an_honest_one() {
        for lie in [i64::MIN / 4, -DAY_MS, DAY_MS, i64::MAX / 4] {
            let now = node(&[3, 9, lie], &[5]).now(Moment(0)) - WALL;
            assert!((0..=9).contains(&now), "{lie}: {now}");
        }
    }

    #[test]
    fn a_repaired_clock_and_a_retired_relay_count_no_longer() {
        let mut repaired = node(&[-DAY_MS, -DAY_MS], &[]);
        repaired.own(Moment(100), WALL.shifted(100 - DAY_MS));
        assert_eq!(repaired.now(Moment(0)), WALL.shifted(-DAY_MS));
        repaired.forget_relay(0);
        repaired.forget_relay(1);
        repaired.own(Moment(0), WALL);
        assert_eq!(repaired.now(Moment(0)), WALL);
    }

    #[test]
    fn the_span_reaches_from_the_earliest_clock_to_the_latest() {
        let clock = node(&[7, -DAY_MS], &[DAY_MS]);
        assert_eq!(clock.span(Moment(0)), (WALL.shifted(-DAY_MS), WALL.shifted(DAY_MS)));
        assert_eq!(clock.peer_time(0, Moment(0)), Some(WALL.shifted(DAY_MS)));
    }
}
