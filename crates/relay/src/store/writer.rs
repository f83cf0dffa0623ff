//! The thread that writes: all PUTs that wait share one sync, and are answered after it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender};

use couloir_wire::exchange::{CellSize, PutOutcome};
use couloir_wire::time::WallTime;
use tokio::sync::oneshot;

use super::index::{FileId, Place};
use super::log::{Batch, Segment};
use super::record::{RECORD_HEAD_LEN, RECORD_LEN_MAX, key_of};
use super::sorter::Work;
use super::{Found, Shared, StoreError, StorePut};
use crate::core::settle;
use crate::limits::{BATCH_PUTS_MAX, SEGMENT_AGE_MS, SEGMENTS_GROWTH_MAX, SEGMENTS_WAITING_MAX};

/// What the store asks of the writer.
pub enum Job {
    /// Store cells.
    Puts(Puts),
    /// Look at the clock; then say so.
    Turn(Turn, oneshot::Sender<()>),
}

/// The PUTs of one exchange.
pub struct Puts {
    /// When it came.
    pub now: WallTime,
    /// Its admitted PUTs.
    pub puts: Vec<StorePut>,
    /// Who waits.
    pub done: oneshot::Sender<Vec<PutOutcome>>,
}

impl Puts {
    /// Answers that nothing was kept.
    pub fn refuse(self) {
        let outcomes = vec![PutOutcome::Refused; self.puts.len()];
        // Whoever asked may be gone.
        let _ = self.done.send(outcomes);
    }
}

/// What is due at a time.
pub struct Turn {
    /// The time.
    pub now: WallTime,
    /// Close the open segment whatever its age.
    pub must_rotate: bool,
}

/// The thread's state.
pub struct Writer {
    shared: Arc<Shared>,
    segment: Segment,
    sorter: SyncSender<Work>,
    batch: Batch,
    keys: BTreeSet<u64>,
    answers: Vec<(oneshot::Sender<Vec<PutOutcome>>, Vec<PutOutcome>)>,
    is_full: bool,
}

impl Writer {
    /// A writer that goes on with `segment` and hands closed ones to `sorter`.
    pub fn new(shared: Arc<Shared>, segment: Segment, sorter: SyncSender<Work>) -> Writer {
        let (batch, keys, answers) = (Batch::new(), BTreeSet::new(), Vec::new());
        Writer { shared, segment, sorter, batch, keys, answers, is_full: false }
    }

    /// Works until the store is dropped or fails.
    pub fn run(mut self, queue: &Receiver<Job>) {
        while let Ok(first) = queue.recv() {
            if self.shared.has_failed() {
                return;
            }
            if let Err(error) = self.round(first, queue) {
                self.shared.fail(error);
                return;
            }
        }
    }

    /// One group: `first` and what else waits, up to a bound or a turn.
    fn round(&mut self, first: Job, queue: &Receiver<Job>) -> Result<(), StoreError> {
        let mut next = Some(first);
        let mut now = None;
        let mut count = 0;
        while let Some(Job::Puts(job)) = next {
            now = now.max(Some(job.now));
            count += job.puts.len();
            self.decide(job);
            next = if count < BATCH_PUTS_MAX { queue.try_recv().ok() } else { None };
        }
        if let Some(now) = now {
            self.commit(now)?;
        }
        match next {
            Some(Job::Turn(turn, done)) => self.turn(&turn, done),
            _ => Ok(()),
        }
    }

    /// Decides each PUT of `job`; what is to be stored goes into the batch.
    fn decide(&mut self, job: Puts) {
        let outcomes = job.puts.iter().map(|put| self.decide_one(job.now, put)).collect();
        self.answers.push((job.done, outcomes));
    }

    fn decide_one(&mut self, now: WallTime, put: &StorePut) -> PutOutcome {
        let Some(size) = CellSize::from_octets(put.cell.len()) else { return PutOutcome::Refused };
        let key = key_of(&put.admission.slot);
        if self.keys.contains(&key) {
            let held = self.batch.find(&put.admission.slot);
            return held.map_or(PutOutcome::Refused, |cell| settle(Some(cell), &put.cell));
        }
        let mut buffer = [0; RECORD_LEN_MAX];
        let outcome = match self.shared.find(now, &put.admission.slot, size, &mut buffer) {
            Found::Nothing if self.has_room(size) => PutOutcome::Stored,
            Found::Nothing | Found::Unusable => PutOutcome::Refused,
            Found::OtherSize => PutOutcome::Taken,
            Found::Cell(held) => settle(Some(held), &put.cell),
        };
        if outcome == PutOutcome::Stored {
            self.keys.insert(key);
            self.batch.push(put, size);
        }
        outcome
    }

    fn has_room(&self, size: CellSize) -> bool {
        let limits = &self.shared.limits;
        let len = self.batch.len() + (RECORD_HEAD_LEN + size.octets()) as u64;
        let cells = (self.shared.index.len() + self.keys.len()) as u64;
        cells < limits.cells_max()
            && self.shared.held_octets() + len <= limits.held_octets_max
            && self.segment.len() + len <= SEGMENTS_GROWTH_MAX * limits.segment_octets
    }

    /// Makes the batch durable and answers everybody in it.
    fn commit(&mut self, now: WallTime) -> Result<(), StoreError> {
        let appended = match self.batch.is_empty() {
            true => Ok(()),
            false => self.append(now),
        };
        match appended {
            Ok(()) => self.answer(),
            Err(error) if error.is_full() => self.refuse(&error),
            Err(error) => return Err(error),
        }
        self.batch.clear();
        self.keys.clear();
        let limits = &self.shared.limits;
        if self.segment.len() >= limits.segment_octets { self.rotate(now) } else { Ok(()) }
    }

    fn append(&mut self, now: WallTime) -> Result<(), StoreError> {
        let start = self.segment.append(&mut self.batch, now)?;
        self.shared.log_octets.fetch_add(self.batch.len(), Ordering::Relaxed);
        for (key, offset) in self.batch.records() {
            if let Some(place) = Place::new(FileId::Segment(self.segment.number()), start + offset) {
                self.shared.index.insert(key, place);
            }
        }
        Ok(())
    }

    fn answer(&mut self) {
        self.is_full = self.is_full && self.batch.is_empty();
        self.send_answers();
    }

    /// Answers that nothing of this group was kept, because the disk is full; says so once.
    fn refuse(&mut self, error: &StoreError) {
        if !self.is_full {
            tracing::warn!("{error}; cells are refused meanwhile");
        }
        self.is_full = true;
        let outcomes = self.answers.iter_mut().flat_map(|(_, outcomes)| outcomes);
        outcomes.filter(|outcome| outcome.is_kept()).for_each(|outcome| *outcome = PutOutcome::Refused);
        self.send_answers();
    }

    fn send_answers(&mut self) {
        for (done, outcomes) in self.answers.drain(..) {
            // Whoever asked may be gone.
            let _ = done.send(outcomes);
        }
    }

    fn turn(&mut self, turn: &Turn, done: oneshot::Sender<()>) -> Result<(), StoreError> {
        let age_ms = self.segment.begun().map_or(0, |begun| turn.now - begun);
        if turn.must_rotate || age_ms >= SEGMENT_AGE_MS {
            self.rotate(turn.now)?;
        }
        // A busy sorter needs no reminder; the next turn comes.
        let _ = self.sorter.try_send(Work::Turn(turn.now, done));
        Ok(())
    }

    /// Closes the segment and begins the next, unless it is empty, too many wait, or the disk is full.
    fn rotate(&mut self, now: WallTime) -> Result<(), StoreError> {
        let waiting = self.shared.segments_waiting.load(Ordering::Relaxed);
        if self.segment.len() == 0 || waiting >= SEGMENTS_WAITING_MAX {
            return Ok(());
        }
        match Segment::create(&self.shared.files, self.segment.number() + 1) {
            Ok(next) => {
                self.shared.segments_waiting.fetch_add(1, Ordering::Relaxed);
                let closed = std::mem::replace(&mut self.segment, next).close();
                // A sorter that is gone has failed the store.
                let _ = self.sorter.send(Work::Segment(closed, now));
                Ok(())
            }
            Err(error) if error.is_full() => Ok(()),
            Err(error) => Err(error),
        }
    }
}
