//! Sorting: closed segments become runs in buckets; buckets that are past go.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use couloir_wire::time::WallTime;
use tokio::sync::oneshot;

use super::bucket::{self, Bucket};
use super::log::{Closed, Entry, Segment};
use super::{Shared, StoreError, bucket_is_past};
use crate::limits::SEGMENTS_WAITING_MAX;

/// What the writer tells the sorter.
pub enum Work {
    /// Sort this segment, closed at this time.
    Segment(Closed, WallTime),
    /// Try again what waits, and drop what is past at this time; then say so.
    Turn(WallTime, oneshot::Sender<()>),
}

/// The thread that sorts.
pub struct Sorter {
    shared: Arc<Shared>,
    waiting: VecDeque<Closed>,
    work: Receiver<Work>,
}

impl Sorter {
    /// A sorter with segments that `waiting` could not be sorted at the start, and where to send more.
    pub fn new(shared: Arc<Shared>, waiting: Vec<Closed>) -> (Sorter, SyncSender<Work>) {
        shared.segments_waiting.store(waiting.len(), Ordering::Relaxed);
        let (sender, work) = sync_channel(2 * SEGMENTS_WAITING_MAX);
        (Sorter { shared, waiting: waiting.into(), work }, sender)
    }

    /// Works until the writer ends or the store fails.
    pub fn run(mut self) {
        while let Ok(work) = self.work.recv() {
            if let Err(error) = self.perform(work) {
                self.shared.fail(error);
                return;
            }
        }
    }

    fn perform(&mut self, work: Work) -> Result<(), StoreError> {
        match work {
            Work::Segment(closed, now) => {
                self.waiting.push_back(closed);
                self.sort_waiting(now)
            }
            Work::Turn(now, done) => {
                bucket::expire(&self.shared, now)?;
                self.sort_waiting(now)?;
                // Whoever asked may not wait for it.
                let _ = done.send(());
                Ok(())
            }
        }
    }

    /// Sorts oldest first; stops, to try again later, where the disk is full.
    fn sort_waiting(&mut self, now: WallTime) -> Result<(), StoreError> {
        while let Some(closed) = self.waiting.front() {
            match sort(&self.shared, closed, now) {
                Ok(()) => {}
                Err(error) if error.is_full() => {
                    tracing::warn!("{error}; cells wait in the log meanwhile");
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
            self.waiting.pop_front();
            self.shared.segments_waiting.store(self.waiting.len(), Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Loads buckets and log at the start, sorts what the log holds, and begins a new segment. Beside it,
/// what could not be sorted because the disk is full.
pub fn recover(shared: &Shared, now: WallTime) -> Result<(Segment, Vec<Closed>), StoreError> {
    let numbers = shared.files.segment_numbers()?;
    let run_max = bucket::load_all(shared, &numbers, now)?;
    let mut waiting = Vec::new();
    for number in &numbers {
        let closed = Closed::recover(&shared.files, *number, Some(number) == numbers.last())?;
        shared.log_octets.fetch_add(closed.len, Ordering::Relaxed);
        enter(shared, &closed, now)?;
        match sort_unless_blocked(shared, &closed, now, waiting.is_empty())? {
            true => {}
            false => waiting.push(closed),
        }
    }
    let newest = numbers.last().copied().unwrap_or(0).max(run_max);
    Ok((Segment::create(&shared.files, newest + 1)?, waiting))
}

/// Whether `closed` was sorted: runs are appended in the order of segments, so none passes another.
fn sort_unless_blocked(
    shared: &Shared,
    closed: &Closed,
    now: WallTime,
    is_first: bool,
) -> Result<bool, StoreError> {
    if !is_first {
        return Ok(false);
    }
    match sort(shared, closed, now) {
        Ok(()) => Ok(true),
        Err(error) if error.is_full() => Ok(false),
        Err(error) => Err(error),
    }
}

fn enter(shared: &Shared, closed: &Closed, now: WallTime) -> Result<(), StoreError> {
    for entry in closed.entries()?.iter().filter(|entry| !bucket_is_past(entry.bucket, now)) {
        if let Some(place) = entry.place(closed.number) {
            shared.index.insert(entry.key, place);
        }
    }
    Ok(())
}

/// Copies what `closed` holds and is not past at `now` into its buckets, and deletes it.
fn sort(shared: &Shared, closed: &Closed, now: WallTime) -> Result<(), StoreError> {
    let mut entries = closed.entries()?;
    // What an earlier attempt moved is not here any more.
    entries.retain(|entry| {
        let place = entry.place(closed.number);
        place.is_some() && shared.index.place_of(entry.key) == place
    });
    entries.sort_unstable();
    for group in entries.chunk_by(|a, b| a.bucket == b.bucket) {
        sort_group(shared, closed, group, now)?;
    }
    shared.files.sync_bucket_folder()?;
    shared.files.remove_segment(closed.number)?;
    shared.log_octets.fetch_sub(closed.len, Ordering::Relaxed);
    Ok(())
}

fn sort_group(shared: &Shared, closed: &Closed, group: &[Entry], now: WallTime) -> Result<(), StoreError> {
    let Some(first) = group.first() else { return Ok(()) };
    if !bucket_is_past(first.bucket, now) {
        return Bucket::open(shared, first.bucket)?.append(closed, group);
    }
    for entry in group {
        if let Some(place) = entry.place(closed.number) {
            shared.index.remove(entry.key, place);
        }
    }
    Ok(())
}
