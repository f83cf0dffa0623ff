//! Desk, official line, drills, phrase: what a node remembers of the watch (PROTOCOL §4.7).

use couloir_wire::cbor;
use couloir_wire::cell::{Desk, Official, Status};
use couloir_wire::time::{Moment, WallTime};
use minicbor::{Decode, Encode};

use crate::planted::planted;

/// What is durable of the watch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Watch {
    /// 0 unknown, 1 here, 2 away.
    #[n(0)]
    desk: u8,
    #[n(1)]
    desk_since_ms: Option<i64>,
    /// 0 unknown, 1 up, 2 down.
    #[n(2)]
    official: u8,
    #[n(3)]
    official_since_ms: Option<i64>,
    /// Said by whom or what about the official line.
    #[n(4)]
    pub official_why: String,
    /// The official line as the peer last said, in the same numbers.
    #[n(5)]
    peer_official: u8,
    #[n(6)]
    peer_official_since_ms: Option<i64>,
    /// This desk has said that the phrase is the same.
    #[n(7)]
    pub is_verified_here: bool,
    /// The other desk has.
    #[n(8)]
    pub is_verified_there: bool,
    /// The last drill.
    #[n(9)]
    pub drill: Option<DrillRecord>,
    /// How long the last answered drill took, in milliseconds.
    #[n(10)]
    pub drill_after_ms: Option<u64>,
}

/// A drill that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct DrillRecord {
    /// Random.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// When, in milliseconds since 1970.
    #[n(1)]
    pub sent_ms: i64,
    /// Whether it was answered in time; `None` while it waits.
    #[n(2)]
    pub is_answered: Option<bool>,
}

impl Watch {
    /// Of a further link of the same node: the same desk and official line, another peer.
    pub fn of_further_link(&self) -> Watch {
        Watch {
            desk: self.desk,
            desk_since_ms: self.desk_since_ms,
            official: self.official,
            official_since_ms: self.official_since_ms,
            official_why: self.official_why.clone(),
            ..Watch::default()
        }
    }

    /// For the store.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// From the store.
    pub fn decode(octets: &[u8]) -> Option<Watch> {
        cbor::decode_strict(octets, WATCH_OCTETS_MAX).ok()
    }

    /// Our desk, and since when.
    pub fn desk(&self) -> (Desk, Option<WallTime>) {
        (desk_of(self.desk), self.desk_since_ms.map(WallTime))
    }

    /// The officer came or left. True if that changed anything.
    pub fn set_desk(&mut self, desk: Desk, at: WallTime) -> bool {
        let is_new = self.desk != desk as u8;
        if is_new {
            (self.desk, self.desk_since_ms) = (desk as u8, Some(at.0));
        }
        is_new
    }

    /// The official line as we see it, and since when.
    pub fn official(&self) -> (Official, Option<WallTime>) {
        (official_of(self.official), self.official_since_ms.map(WallTime))
    }

    /// The official line as the peer last said, and since when.
    pub fn peer_official(&self) -> (Official, Option<WallTime>) {
        (official_of(self.peer_official), self.peer_official_since_ms.map(WallTime))
    }

    /// A probe or person said how the official line is.
    pub fn set_official(&mut self, state: Official, why: &str, at: WallTime) {
        if self.official != state as u8 {
            (self.official, self.official_since_ms) = (state as u8, Some(at.0));
        }
        self.official_why = why.chars().filter(|c| !c.is_control()).take(WHY_CHARS_MAX).collect();
    }

    /// What an authentic cell of the peer says; of the official line, if it `is_newest`. True if anything
    /// durable changed.
    pub fn hear(&mut self, status: &Status, is_newest: bool) -> bool {
        let before = (self.peer_official, self.is_verified_there);
        if is_newest && self.peer_official != status.official as u8 {
            self.peer_official = status.official as u8;
            self.peer_official_since_ms = Some(i64::from(status.official_since_s) * 1_000);
        }
        self.is_verified_there |= status.is_verified;
        before != (self.peer_official, self.is_verified_there)
    }

    /// Whether the official line is down for either side, and since when posture is as it is.
    pub fn posture(&self) -> (bool, Option<WallTime>) {
        let own = self.official();
        let peer = self.peer_official();
        let downs = [own, peer].into_iter().filter(|(state, _)| *state == Official::Down);
        let since_down = downs.clone().filter_map(|(_, since)| since).min();
        match downs.count() {
            0 => (false, own.1.max(peer.1)),
            _ => (true, since_down),
        }
    }

    /// Whether both desks have said that the phrase is the same.
    pub fn is_verified(&self) -> bool {
        self.is_verified_here && self.is_verified_there
    }

    /// Whether a drill waits for its answer.
    pub fn is_drilling(&self) -> bool {
        self.drill.is_some_and(|drill| drill.is_answered.is_none())
    }

    /// What our cells say of us.
    pub fn status(&self, written: WallTime) -> Status {
        let seconds = |ms: Option<i64>| ms.and_then(|ms| u32::try_from(ms / 1_000).ok()).unwrap_or(0);
        Status {
            desk: desk_of(self.desk),
            desk_since_s: seconds(self.desk_since_ms),
            official: official_of(self.official),
            official_since_s: seconds(self.official_since_ms),
            is_verified: self.is_verified_here,
            written,
        }
    }
}

/// What is heard of the peer; gone with the process, true again with its first cell.
#[derive(Debug, Clone, Default)]
pub struct Hearing {
    /// The newest status, by its writer's time.
    pub status: Option<Status>,
    /// When the newest cell of all was written, found late or not.
    pub newest_written: WallTime,
    /// When the newest cell was opened, on both clocks.
    pub last: Option<(Moment, WallTime)>,
    /// Since when it has been heard without a pause.
    pub alive_since: Option<WallTime>,
    /// When the peer last told that it opened a recent cell of ours.
    pub hears_us_at: Option<Moment>,
    /// The desk was told that the peer's link is frozen.
    pub is_frozen_told: bool,
}

impl Hearing {
    /// A cell was opened whose status counts for `life_ms`.
    pub fn heard(&mut self, status: &Status, now: Moment, at: WallTime, life_ms: u64) {
        if !self.is_alive(now, life_ms) {
            self.alive_since = Some(at);
        }
        self.last = Some((now, at));
        if self.status.is_none_or(|before| before.written <= status.written) {
            self.status = Some(*status);
        }
    }

    /// Whether the peer was heard within `life_ms`.
    pub fn is_alive(&self, now: Moment, life_ms: u64) -> bool {
        self.last.is_some_and(|(last, _)| now.since_ms(last) <= life_ms || planted!(NeverSilent))
    }

    /// Whether the peer told within `life_ms` that it opens our cells.
    pub fn hears_us(&self, now: Moment, life_ms: u64) -> bool {
        self.hears_us_at.is_some_and(|at| now.since_ms(at) <= life_ms)
    }
}

fn desk_of(number: u8) -> Desk {
    match number {
        1 => Desk::Here,
        2 => Desk::Away,
        _ => Desk::Unknown,
    }
}

fn official_of(number: u8) -> Official {
    match number {
        1 => Official::Up,
        2 => Official::Down,
        _ => Official::Unknown,
    }
}

/// A reason that fits a line on the desk.
const WHY_CHARS_MAX: usize = 200;
const WATCH_OCTETS_MAX: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posture_is_active_while_the_line_is_down_for_either_side() {
        let mut watch = Watch::default();
        assert_eq!(watch.posture(), (false, None));
        let down = Status { official: Official::Down, official_since_s: 7, ..Status::default() };
        assert!(!watch.hear(&down, false));
        assert!(watch.hear(&down, true) && !watch.hear(&down, true));
        assert_eq!(watch.posture(), (true, Some(WallTime(7_000))));
        watch.set_official(Official::Up, "probe", WallTime(9_000));
        assert!(watch.posture().0);
        watch.hear(&Status { official: Official::Up, official_since_s: 11, ..Status::default() }, true);
        assert_eq!(watch.posture(), (false, Some(WallTime(11_000))));
        assert_eq!(Watch::decode(&watch.encode()), Some(watch));
    }

    #[test]
    fn a_cell_found_later_does_not_bring_back_an_older_desk() {
        let mut hearing = Hearing::default();
        let status = |desk, written| Status { desk, written: WallTime(written), ..Status::default() };
        hearing.heard(&status(Desk::Here, 20), Moment(1), WallTime(30), 100);
        hearing.heard(&status(Desk::Away, 10), Moment(2), WallTime(31), 100);
        assert_eq!(hearing.status.map(|s| s.desk), Some(Desk::Here));
        assert!(hearing.is_alive(Moment(102), 100) && !hearing.is_alive(Moment(103), 100));
    }
}
