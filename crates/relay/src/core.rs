//! What a relay decides, without clock, files or sockets (PROTOCOL §5.1, §5.2).
//!
//! A PUT is admitted if its window is at most one window away from the relay's clock. Its slot is
//! SHA-256 of its token; its bucket is the hour in which the relay's ruler lets it expire. Expiry
//! drops whole buckets whose hour is past, never cells one by one, so a cell may stay up to an hour
//! longer than the ruler says. The durable server and the simulator share [`admit`] and [`settle`];
//! [`Relay`] is the simulator's whole relay, with [`MemoryCells`] in place of the disk.

use std::collections::BTreeMap;

use couloir_wire::exchange::{Exchange, ExchangeAnswer, Put, PutOutcome};
use couloir_wire::id::{Slot, WriteToken};
use couloir_wire::ruler::Ruler;
use couloir_wire::time::{Hour, WallTime, WindowLength};
use sha2::{Digest, Sha256};

use crate::access::Access;
use crate::planted::planted;

/// Where an admitted cell goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// SHA-256 of its write token.
    pub slot: Slot,
    /// The hour in which it expires; its bucket goes when this hour is past.
    pub bucket: Hour,
}

/// Admits `put` at the relay's time `now`, or refuses it because its window is not at hand.
pub fn admit(ruler: Ruler, now: WallTime, length: WindowLength, put: &Put) -> Option<Admission> {
    let at_hand = length.window_at(now).0.abs_diff(put.window.0) <= 1;
    at_hand
        .then(|| Admission { slot: slot_of(&put.token), bucket: Hour::of(ruler.expires(length, put.window)) })
}

/// The slot that `token` may fill.
pub fn slot_of(token: &WriteToken) -> Slot {
    Slot(Sha256::digest(token.0).into())
}

/// Whether cells of `bucket` are past their time at `now`: neither found nor in the way.
pub fn is_past(bucket: Hour, now: WallTime) -> bool {
    bucket < Hour::of(now)
}

/// What becomes of `offered` where `held` is (or nothing) is kept: put once.
pub fn settle(held: Option<&[u8]>, offered: &[u8]) -> PutOutcome {
    match held {
        None => PutOutcome::Stored,
        Some(cell) if cell == offered => PutOutcome::Same,
        Some(_) => PutOutcome::Taken,
    }
}

/// Cells in memory, for a relay without a disk.
#[derive(Default)]
pub struct MemoryCells {
    cells: BTreeMap<Slot, (Hour, Vec<u8>)>,
    buckets: BTreeMap<Hour, Vec<Slot>>,
    cells_max: Option<usize>,
}

impl MemoryCells {
    /// A store that refuses what goes beyond `cells_max` cells.
    pub fn bounded(cells_max: usize) -> MemoryCells {
        MemoryCells { cells_max: Some(cells_max), ..MemoryCells::default() }
    }

    /// Number of cells held.
    pub fn count(&self) -> usize {
        self.cells.len()
    }

    /// Keeps `cell` unless its slot holds another one or the store is full.
    pub fn put(&mut self, admission: Admission, cell: &[u8]) -> PutOutcome {
        let held = self.cells.get(&admission.slot).map(|(_, held)| held.as_slice());
        let outcome = settle(held, cell);
        if outcome != PutOutcome::Stored {
            return outcome;
        }
        if self.cells_max.is_some_and(|max| self.cells.len() >= max) {
            return PutOutcome::Refused;
        }
        if planted!(StoresNothing) {
            return outcome;
        }
        self.cells.insert(admission.slot, (admission.bucket, cell.to_vec()));
        self.buckets.entry(admission.bucket).or_default().push(admission.slot);
        outcome
    }

    /// The cell of `slot`.
    pub fn cell(&self, slot: &Slot) -> Option<&[u8]> {
        self.cells.get(slot).map(|(_, cell)| cell.as_slice())
    }

    /// Drops every bucket that is past at `now`.
    pub fn expire(&mut self, now: WallTime) {
        let kept = self.buckets.split_off(&Hour::of(now));
        let past = std::mem::replace(&mut self.buckets, kept);
        for slot in past.into_values().flatten() {
            self.cells.remove(&slot);
        }
    }

    /// Forgets the cell of `slot`, as a lying or broken relay would.
    pub fn forget(&mut self, slot: &Slot) {
        self.cells.remove(slot);
    }
}

/// A whole relay in memory.
pub struct Relay {
    ruler: Ruler,
    access: Access,
    cells: MemoryCells,
}

impl Relay {
    /// A relay for everybody that keeps `cells` by `ruler`.
    pub fn new(ruler: Ruler, cells: MemoryCells) -> Relay {
        Relay { ruler, access: Access::open(), cells }
    }

    /// The same relay for holders of access keys only.
    pub fn with_access(self, access: Access) -> Relay {
        Relay { access, ..self }
    }

    /// Its cells.
    pub fn cells(&self) -> &MemoryCells {
        &self.cells
    }

    /// Its cells, to be tampered with.
    pub fn cells_mut(&mut self) -> &mut MemoryCells {
        &mut self.cells
    }

    /// Answers `exchange` at the relay's time `now`: PUTs first, so that GETs see them.
    pub fn exchange(&mut self, now: WallTime, exchange: &Exchange) -> ExchangeAnswer {
        self.cells.expire(now);
        let admitted = self.access.admit(now, &exchange.access_key, exchange.puts.len());
        if !admitted {
            let (puts, gets) = (exchange.puts.len(), exchange.gets.len());
            return ExchangeAnswer {
                time: now,
                puts: vec![PutOutcome::Refused; puts],
                gets: vec![None; gets],
            };
        }
        let puts = exchange.puts.iter().map(|put| self.put(now, exchange.window_length, put)).collect();
        let found = |slot| self.cells.cell(slot).map(<[u8]>::to_vec);
        let gets = exchange.gets.iter().map(found).collect();
        if planted!(DeletesOnGet) {
            exchange.gets.iter().for_each(|slot| self.cells.forget(slot));
        }
        ExchangeAnswer { time: now, puts, gets }
    }

    fn put(&mut self, now: WallTime, length: WindowLength, put: &Put) -> PutOutcome {
        match admit(self.ruler, now, length, put) {
            Some(admission) => self.cells.put(admission, &put.cell),
            None => PutOutcome::WrongWindow,
        }
    }
}

#[cfg(test)]
mod tests {
    use couloir_wire::exchange::CellSize;
    use couloir_wire::time::Window;

    use super::*;

    const NOW: WallTime = WallTime(1_790_000_000_000);
    const LENGTH: WindowLength = WindowLength::DEFAULT;

    #[test]
    fn what_is_put_is_found_under_the_hash_of_its_token() {
        let mut relay = relay();
        let answer = relay.exchange(NOW, &exchange(1, 0, 5));
        assert_eq!((answer.puts, answer.gets), (vec![PutOutcome::Stored], vec![Some(cell(5)), None]));
    }

    #[test]
    fn a_slot_is_filled_once() {
        let mut relay = relay();
        relay.exchange(NOW, &exchange(1, 0, 5));
        assert_eq!(relay.exchange(NOW, &exchange(1, 0, 5)).puts, [PutOutcome::Same]);
        let answer = relay.exchange(NOW, &exchange(1, 0, 6));
        assert_eq!((answer.puts, answer.gets[0].clone()), (vec![PutOutcome::Taken], Some(cell(5))));
    }

    #[test]
    fn only_windows_at_hand_are_taken() {
        for (away, outcome) in [
            (-2, PutOutcome::WrongWindow),
            (-1, PutOutcome::Stored),
            (1, PutOutcome::Stored),
            (2, PutOutcome::WrongWindow),
        ] {
            assert_eq!(relay().exchange(NOW, &exchange(1, away, 5)).puts, [outcome], "{away}");
        }
    }

    #[test]
    fn a_cell_lives_as_long_as_the_ruler_says_and_goes_within_the_hour() {
        let mut relay = relay();
        let put = exchange(1, 1, 5);
        relay.exchange(NOW, &put);
        let expires = ruler().expires(LENGTH, put.puts[0].window);
        let get = |relay: &mut Relay, now| relay.exchange(now, &exchange(9, 0, 9)).gets[1].clone();
        assert_eq!(get(&mut relay, expires.shifted(-1)), Some(cell(5)));
        assert_eq!(get(&mut relay, expires.shifted(3_600_000)), None);
    }

    #[test]
    fn a_full_store_refuses_and_goes_on_reading() {
        let mut relay = Relay::new(ruler(), MemoryCells::bounded(1));
        relay.exchange(NOW, &exchange(1, 0, 5));
        let answer = relay.exchange(NOW, &exchange(2, 0, 6));
        assert_eq!((answer.puts, answer.gets[1].clone()), (vec![PutOutcome::Refused], Some(cell(5))));
    }

    #[test]
    fn without_its_access_key_nothing_is_stored_and_nothing_found() {
        let access = Access::from_text(&"ab".repeat(16)).expect("one key");
        let mut relay = relay().with_access(access);
        let mut asked = exchange(1, 0, 5);
        asked.access_key = [0xab; 16];
        assert_eq!(relay.exchange(NOW, &asked).puts, [PutOutcome::Stored]);
        let answer = relay.exchange(NOW, &exchange(2, 0, 6));
        assert_eq!((answer.puts, answer.gets), (vec![PutOutcome::Refused], vec![None, None]));
    }

    fn ruler() -> Ruler {
        Ruler::from_number(0).expect("a ruler")
    }

    fn relay() -> Relay {
        Relay::new(ruler(), MemoryCells::default())
    }

    fn cell(fill: u8) -> Vec<u8> {
        vec![fill; CellSize::DEFAULT.octets()]
    }

    /// PUTs under `token`, `away` windows from now, and GETs that token's slot and token 1's.
    fn exchange(token: u8, away: i64, fill: u8) -> Exchange {
        let window = Window(LENGTH.window_at(NOW).0.saturating_add_signed(away));
        let second = if token == 1 { 0 } else { 1 };
        Exchange {
            access_key: [0; 16],
            window_length: LENGTH,
            puts: vec![Put { token: WriteToken([token; 32]), window, cell: cell(fill) }],
            gets: [token, second].map(|t| slot_of(&WriteToken([t; 32]))).to_vec(),
        }
    }
}
