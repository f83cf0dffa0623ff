//! A relay: the real decisions over cells in memory, and the ways in which one may be hostile.

use std::collections::{BTreeMap, VecDeque};

use couloir_engine::{Armed, RouteAnswer, RouteTrouble};
use couloir_relay::core::{MemoryCells, Relay, slot_of};
use couloir_wire::exchange::{CellSize, Exchange, ExchangeAnswer, PutOutcome, Shape};
use couloir_wire::id::Slot;
use couloir_wire::ruler::Ruler;
use couloir_wire::time::WallTime;

use crate::chance::noise;
use crate::checks::{Check, Verdict, require};
use crate::network::hash_of;

/// How a relay misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hostility {
    /// It says that it stored, and drops one cell in so many.
    Drops(u64),
    /// Its time is off by so many milliseconds, for the answer and for its decisions.
    LiesAboutTime(i64),
    /// It forgets what it stored after a while.
    Forgets,
    /// It answers with another slot's cell.
    Swaps,
    /// It shows a cell to one asker and not to the next.
    Equivocates,
    /// It changes an octet of cells that it gives out.
    Tampers,
    /// Its answers are much too long.
    Giant,
    /// Its answers end early.
    Truncates,
    /// It refuses whatever it is asked.
    Refuses,
}

/// The relay.
pub struct RelayActor {
    relay: Relay,
    recent: VecDeque<Slot>,
    /// How it misbehaves, if it does.
    pub hostility: Option<Hostility>,
    /// Its clock minus the true time, in milliseconds.
    pub clock_off_ms: i64,
    asked: u64,
    seed: u64,
    promises: Promises,
}

/// What an honest relay said that it stored lately.
#[derive(Default)]
struct Promises {
    cells: BTreeMap<Slot, u64>,
    order: VecDeque<(WallTime, Slot)>,
}

impl Promises {
    fn note(&mut self, now: WallTime, slot: Slot, cell: u64) {
        while let Some((_, old)) = self.order.pop_front_if(|(at, _)| now - *at > PROMISED_MS) {
            self.cells.remove(&old);
        }
        if self.cells.insert(slot, cell).is_none() {
            self.order.push_back((now, slot));
        }
    }

    fn is_kept(&self, slot: &Slot, found: Option<&[u8]>) -> bool {
        self.cells.get(slot).is_none_or(|cell| found.is_some_and(|found| hash_of(found) == *cell))
    }

    fn void(&mut self) {
        self.cells.clear();
        self.order.clear();
    }
}

impl RelayActor {
    /// An honest relay with an empty store.
    pub fn new(ruler: Ruler, seed: u64) -> RelayActor {
        let relay = Relay::new(ruler, MemoryCells::default());
        RelayActor {
            relay,
            recent: VecDeque::new(),
            hostility: None,
            clock_off_ms: 0,
            asked: 0,
            seed,
            promises: Promises::default(),
        }
    }

    /// Cells held.
    pub fn count(&self) -> usize {
        self.relay.cells().count()
    }

    /// Answers what a shell sends for `armed` at the true time `now`.
    pub fn exchange(
        &mut self,
        now: WallTime,
        armed: &mut Armed,
    ) -> (Result<RouteAnswer, RouteTrouble>, Verdict) {
        let mut verdict = Ok(());
        let answer = self.answer(now, armed, &mut verdict);
        (answer, verdict)
    }

    fn answer(
        &mut self,
        now: WallTime,
        armed: &mut Armed,
        verdict: &mut Verdict,
    ) -> Result<RouteAnswer, RouteTrouble> {
        self.asked += 1;
        let now = now.shifted(self.clock_off_ms);
        let exchange = Exchange {
            access_key: [0; 16],
            window_length: armed.length,
            puts: std::mem::take(&mut armed.puts),
            gets: armed.gets.iter().map(|get| get.slot).collect(),
        };
        let shape = exchange.shape().map_err(|_| RouteTrouble::Malformed)?;
        let answer = match self.hostility {
            None => self.be_honest(now, &exchange, verdict),
            Some(hostility) => {
                self.promises.void();
                self.misbehave(hostility, now, exchange, shape)?
            }
        };
        Ok(RouteAnswer { time: Some(answer.time), puts: answer.puts, gets: answer.gets, listed: Vec::new() })
    }

    /// The relay's own answer; what it said that it stored must be found.
    fn be_honest(&mut self, now: WallTime, exchange: &Exchange, verdict: &mut Verdict) -> ExchangeAnswer {
        let answer = self.relay.exchange(now, exchange);
        for (put, _) in exchange.puts.iter().zip(&answer.puts).filter(|(_, outcome)| outcome.is_kept()) {
            self.promises.note(now, slot_of(&put.token), hash_of(&put.cell));
        }
        let is_kept = exchange
            .gets
            .iter()
            .zip(&answer.gets)
            .all(|(slot, found)| self.promises.is_kept(slot, found.as_deref()));
        *verdict =
            require(Check::RelayKeeps, is_kept, || "a cell that was acknowledged is not found".to_owned());
        answer
    }

    fn misbehave(
        &mut self,
        hostility: Hostility,
        now: WallTime,
        exchange: Exchange,
        shape: Shape,
    ) -> Result<ExchangeAnswer, RouteTrouble> {
        let luck = noise(self.seed, [self.asked, 1, 0]);
        match hostility {
            Hostility::Drops(one_in) if luck.is_multiple_of(one_in) => Ok(self.store_nothing(now, exchange)),
            Hostility::Drops(_) => Ok(self.relay.exchange(now, &exchange)),
            Hostility::LiesAboutTime(by_ms) => Ok(self.relay.exchange(now.shifted(by_ms), &exchange)),
            Hostility::Forgets => Ok(self.forget_some(now, exchange, luck)),
            Hostility::Swaps => Ok(self.swap(now, exchange)),
            Hostility::Equivocates => {
                Ok(self.with_gets(now, &exchange, |cell| cell.filter(|_| luck & 1 == 0)))
            }
            Hostility::Tampers => {
                Ok(self.with_gets(now, &exchange, |cell| cell.map(|cell| tampered(cell, luck))))
            }
            Hostility::Giant => {
                self.reencoded(now, &exchange, shape, |octets| octets.resize(octets.len() + 70_000, 7))
            }
            Hostility::Truncates => {
                self.reencoded(now, &exchange, shape, |octets| octets.truncate(octets.len() / 2))
            }
            Hostility::Refuses => Ok(ExchangeAnswer::refusing(now, shape)),
        }
    }

    fn store_nothing(&mut self, now: WallTime, mut exchange: Exchange) -> ExchangeAnswer {
        let lanes = exchange.puts.len();
        exchange.puts.clear();
        let answer = self.relay.exchange(now, &exchange);
        ExchangeAnswer { puts: vec![PutOutcome::Stored; lanes], ..answer }
    }

    fn forget_some(&mut self, now: WallTime, exchange: Exchange, luck: u64) -> ExchangeAnswer {
        self.recent.extend(exchange.puts.iter().map(|put| slot_of(&put.token)));
        let answer = self.relay.exchange(now, &exchange);
        while self.recent.len() > REMEMBERED {
            let slot = self.recent.pop_front();
            slot.filter(|_| !luck.is_multiple_of(3))
                .iter()
                .for_each(|slot| self.relay.cells_mut().forget(slot));
        }
        answer
    }

    fn swap(&mut self, now: WallTime, exchange: Exchange) -> ExchangeAnswer {
        self.recent.extend(exchange.puts.iter().map(|put| slot_of(&put.token)));
        if self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
        let other = self.recent.front().and_then(|slot| self.relay.cells().cell(slot)).map(<[u8]>::to_vec);
        self.with_gets(now, &exchange, |_| other.clone())
    }

    fn with_gets(
        &mut self,
        now: WallTime,
        exchange: &Exchange,
        change: impl FnMut(Option<Vec<u8>>) -> Option<Vec<u8>>,
    ) -> ExchangeAnswer {
        let answer = self.relay.exchange(now, exchange);
        ExchangeAnswer { gets: answer.gets.into_iter().map(change).collect(), ..answer }
    }

    /// What the shell makes of an answer whose octets were changed.
    fn reencoded(
        &mut self,
        now: WallTime,
        exchange: &Exchange,
        shape: Shape,
        change: impl FnOnce(&mut Vec<u8>),
    ) -> Result<ExchangeAnswer, RouteTrouble> {
        let answer = self.relay.exchange(now, exchange);
        let mut octets = answer.encode(shape.cell()).map_err(|_| RouteTrouble::Malformed)?;
        change(&mut octets);
        ExchangeAnswer::decode(&octets, shape).map_err(|_| RouteTrouble::Malformed)
    }
}

fn tampered(mut cell: Vec<u8>, luck: u64) -> Vec<u8> {
    let at = luck as usize % cell.len().max(1);
    if let Some(octet) = cell.get_mut(at) {
        *octet ^= 1 << (luck >> 32 & 7);
    }
    cell
}

/// Octets of request and answer, as an observer of a steady route counts them.
pub fn lengths(armed: &Armed) -> (u32, u32) {
    let cell =
        armed.puts.first().and_then(|put| CellSize::from_octets(put.cell.len())).unwrap_or(CellSize::DEFAULT);
    match Shape::new(cell, armed.puts.len(), armed.gets.len()) {
        Ok(shape) => (shape.request_len() as u32, shape.answer_len() as u32),
        Err(_) => (0, 0),
    }
}

/// Less than the shortest life of a cell, an hour, by more than the windows at hand.
const PROMISED_MS: i64 = 50 * 60_000;
/// Slots that a forgetful relay still remembers.
const REMEMBERED: usize = 40;
