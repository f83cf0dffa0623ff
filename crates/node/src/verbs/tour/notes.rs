//! What was said and what arrived, as it was seen from outside.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::stage::City;

/// A note that a node took.
#[derive(Debug, Clone)]
pub struct Note {
    /// Who said it.
    pub from: City,
    /// Its text.
    pub text: String,
    /// When the node was asked to take it, in milliseconds from the beginning of the talk.
    pub said_ms: u64,
    /// Whether both nodes ran when it was said.
    pub are_both_up: bool,
}

/// Everything seen; shared by whoever talks, watches and draws.
pub struct Notes {
    begin: Instant,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    said: BTreeMap<String, Note>,
    order: Vec<String>,
    arrived: BTreeMap<String, u64>,
    news: Vec<String>,
    outages: Vec<(u64, u64)>,
}

impl Notes {
    /// Nothing yet.
    pub fn begin(begin: Instant) -> Notes {
        Notes { begin, seen: Mutex::default() }
    }

    /// Milliseconds since the talk began.
    pub fn now_ms(&self) -> u64 {
        self.begin.elapsed().as_millis() as u64
    }

    /// When `after` is over, counted from the beginning.
    pub fn sleep_until(&self, after: Duration) {
        std::thread::sleep((self.begin + after).saturating_duration_since(Instant::now()));
    }

    /// A node took a note under this id.
    pub fn said(&self, id: String, note: Note) {
        let mut seen = self.seen();
        if seen.arrived.contains_key(&id) {
            seen.news.push(id.clone());
        }
        seen.order.push(id.clone());
        seen.said.insert(id, note);
    }

    /// The other desk's log showed a note.
    pub fn arrived(&self, id: String) {
        let now_ms = self.now_ms();
        let mut seen = self.seen();
        seen.news.push(id.clone());
        seen.arrived.entry(id).or_insert(now_ms);
    }

    /// A node was down in this span, in milliseconds from the beginning.
    pub fn outage(&self, from_ms: u64, to_ms: u64) {
        self.seen().outages.push((from_ms, to_ms));
    }

    /// Notes said and arrived so far.
    pub fn totals(&self) -> (usize, usize) {
        let seen = self.seen();
        (seen.said.len(), seen.said.keys().filter(|id| seen.arrived.contains_key(*id)).count())
    }

    /// Arrivals since this was last asked, with the moment of arrival.
    pub fn news(&self) -> Vec<(Note, u64)> {
        let mut seen = self.seen();
        let news = std::mem::take(&mut seen.news);
        news.iter().filter_map(|id| Some((seen.said.get(id)?.clone(), *seen.arrived.get(id)?))).collect()
    }

    /// Ids of what a city said, in order.
    pub fn of(&self, city: City) -> Vec<(String, Note)> {
        let seen = self.seen();
        let notes = seen.order.iter().filter_map(|id| Some((id.clone(), seen.said.get(id)?.clone())));
        notes.filter(|(_, note)| note.from == city).collect()
    }

    /// How long each note took, and whether no node was down meanwhile.
    pub fn waits_ms(&self) -> Vec<(u64, bool)> {
        let seen = self.seen();
        let wait = |(id, note): (&String, &Note)| {
            let arrived_ms = *seen.arrived.get(id)?;
            let is_outside = |(from, to): &(u64, u64)| arrived_ms < *from || *to < note.said_ms;
            let are_up = note.are_both_up && seen.outages.iter().all(is_outside);
            Some((arrived_ms.saturating_sub(note.said_ms), are_up))
        };
        seen.said.iter().filter_map(wait).collect()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // What was seen stays seen, whoever panicked.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
