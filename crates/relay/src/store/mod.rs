//! The durable store: one commit log, sorted into expiry buckets later (PROTOCOL §5.6).
//!
//! **Writing.** One thread takes waiting PUTs in groups ([`writer`]): it appends their records to the
//! open log segment, syncs once, enters them in the index and only then answers. A failed sync
//! ends the store: nothing more is acknowledged and the process must stop. A full disk refuses
//! PUTs and harms nothing.
//!
//! **Sorting.** A segment is closed at [`SEGMENT_OCTETS`](crate::limits::SEGMENT_OCTETS) or
//! [`SEGMENT_AGE_MS`](crate::limits::SEGMENT_AGE_MS). A second thread ([`sorter`]) copies its records
//! into one file per expiry hour, syncs, notes them in the bucket's index file as a *run* that names
//! the segment, syncs, and deletes the segment. While a segment exists its runs do not count: after a
//! crash they are cut off and the segment is sorted again. An index that is torn or harmed is made
//! anew from the records, which describe themselves.
//!
//! **Reading** takes no lock but the index shard's: memory says where, one `pread` fetches, the
//! record's checksum and full slot decide.
//!
//! **Expiry** unlinks the two files of a bucket whose hour is past. No cell is deleted by itself.
//!
//! **Opening** reads the buckets' index files (16 octets per cell), and sorts what the log holds.
//! Rewriting it also means that nothing counts as durable that an earlier failed sync left in memory.

mod bucket;
mod files;
mod index;
mod log;
mod record;
mod sorter;
mod writer;

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use couloir_wire::exchange::{CellSize, PutOutcome, append_found};
use couloir_wire::id::Slot;
use couloir_wire::time::{Hour, WallTime};
use tokio::sync::oneshot;

use self::files::Files;
use self::index::Index;
use self::record::{RECORD_HEAD_LEN, RECORD_LEN_MAX, key_of, peek_record, read_record};
use crate::core::{Admission, is_past};
use crate::limits::{HELD_OCTETS_DEFAULT, OCTETS_PER_CELL_HELD, SEGMENT_OCTETS, WRITE_QUEUE_EXCHANGES};

/// Bounds of a store.
#[derive(Debug, Clone, Copy)]
pub struct StoreLimits {
    /// Disk that log and buckets may take, in octets.
    pub held_octets_max: u64,
    /// A log segment is closed at this length, in octets.
    pub segment_octets: u64,
}

impl StoreLimits {
    /// Cells that may be held: they bound the index.
    pub fn cells_max(&self) -> u64 {
        self.held_octets_max / OCTETS_PER_CELL_HELD
    }
}

impl Default for StoreLimits {
    fn default() -> StoreLimits {
        StoreLimits { held_octets_max: HELD_OCTETS_DEFAULT, segment_octets: SEGMENT_OCTETS }
    }
}

/// Why a store cannot be opened or go on.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open. The operator is to blame.
    #[error("another relay is running on {}; stop it first or give this one its own --data", .0.display())]
    Locked(PathBuf),
    /// A file says something that was never written. The disk, or somebody, is to blame.
    #[error(
        "{} is damaged at octet {offset}; move it out of the folder and start again: nodes send again \
         what the cells in it carried", .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where it stops making sense.
        offset: u64,
    },
    /// A sync failed: what was being written may be lost, so nothing more is acknowledged.
    #[error(
        "syncing {} failed ({source}), so nothing more is acknowledged; check the disk and start again",
        .path.display()
    )]
    Sync {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another operation failed.
    #[error("{} cannot be used ({source}); check the disk, its space and the folder's owner", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl StoreError {
    /// Whether it only says that the disk, or a quota on it, is full for now.
    pub fn is_full(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let StoreError::Io { source, .. } = self else { return false };
        matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge)
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> StoreError + use<> {
        let path = path.to_owned();
        |source| StoreError::Io { path, source }
    }

    fn sync(path: &Path) -> impl FnOnce(io::Error) -> StoreError + use<> {
        let path = path.to_owned();
        |source| StoreError::Sync { path, source }
    }

    fn damaged(path: &Path, offset: u64) -> StoreError {
        StoreError::Damaged { path: path.to_owned(), offset }
    }
}

/// One PUT that was admitted.
#[derive(Debug)]
pub struct StorePut {
    /// Where it goes.
    pub admission: Admission,
    /// The cell, of a permitted size.
    pub cell: Vec<u8>,
}

/// What the threads share.
struct Shared {
    files: Files,
    index: Index,
    limits: StoreLimits,
    log_octets: AtomicU64,
    bucket_octets: AtomicU64,
    segments_waiting: AtomicUsize,
    has_failed: AtomicBool,
    failure: Mutex<Option<oneshot::Sender<StoreError>>>,
}

impl Shared {
    fn held_octets(&self) -> u64 {
        self.log_octets.load(Ordering::Relaxed) + self.bucket_octets.load(Ordering::Relaxed)
    }

    /// Ends the store: every thread stops at its next step, and the owner hears why.
    fn fail(&self, error: StoreError) {
        self.has_failed.store(true, Ordering::SeqCst);
        let sender = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender
            && let Err(error) = sender.send(error)
        {
            tracing::error!("{error}");
        }
    }

    fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::SeqCst)
    }
}

/// An open store. One process has it; dropping it writes what is waiting and ends its threads.
pub struct Store {
    shared: Arc<Shared>,
    jobs: Option<SyncSender<writer::Job>>,
    threads: Vec<JoinHandle<()>>,
    failure: Option<oneshot::Receiver<StoreError>>,
    _lock: File,
}

impl Store {
    /// Opens or makes the store in the folder `data` at time `now`.
    pub fn open(data: &Path, limits: StoreLimits, now: WallTime) -> Result<Store, StoreError> {
        let lock = lock(data)?;
        let files = Files::new(data)?;
        let (sender, failure) = oneshot::channel();
        let shared = Arc::new(Shared {
            files,
            index: Index::new(),
            limits,
            log_octets: AtomicU64::new(0),
            bucket_octets: AtomicU64::new(0),
            segments_waiting: AtomicUsize::new(0),
            has_failed: AtomicBool::new(false),
            failure: Mutex::new(Some(sender)),
        });
        let (segment, waiting) = sorter::recover(&shared, now)?;
        let (jobs, threads) = start_threads(&shared, segment, waiting, data)?;
        Ok(Store { shared, jobs: Some(jobs), threads, failure: Some(failure), _lock: lock })
    }

    /// Resolves with the reason if the store fails later. Can be taken once.
    pub fn take_failure(&mut self) -> Option<oneshot::Receiver<StoreError>> {
        self.failure.take()
    }

    /// Stores `puts` at time `now`. Once the receiver answers, what it calls kept is durable; it
    /// errs if the store failed, and answers [`PutOutcome::Refused`] if too much is waiting.
    pub fn put(&self, now: WallTime, puts: Vec<StorePut>) -> oneshot::Receiver<Vec<PutOutcome>> {
        let (done, outcomes) = oneshot::channel();
        let job = writer::Job::Puts(writer::Puts { now, puts, done });
        let Some(jobs) = &self.jobs else { return outcomes };
        if let Err(TrySendError::Full(writer::Job::Puts(job))) = jobs.try_send(job) {
            job.refuse();
        }
        outcomes
    }

    /// Appends to `out` the answer to a GET of `slot` with cells of `cell` at `now`: constant in size.
    pub fn append_found(&self, now: WallTime, slot: &Slot, cell: CellSize, out: &mut Vec<u8>) {
        let mut buffer = [0; RECORD_LEN_MAX];
        let found = match self.shared.find(now, slot, cell, &mut buffer) {
            Found::Cell(octets) => Some(octets),
            Found::Nothing | Found::OtherSize | Found::Unusable => None,
        };
        append_found(out, found, cell);
    }

    /// Lets the store do what is due at `now`: close an old segment, drop buckets that are past.
    /// Resolves when that is done; may be dropped.
    pub fn tick(&self, now: WallTime) -> oneshot::Receiver<()> {
        self.turn(writer::Turn { now, must_rotate: false })
    }

    /// Like [`Store::tick`], closing and sorting the open segment whatever its age.
    pub fn sort_now(&self, now: WallTime) -> oneshot::Receiver<()> {
        self.turn(writer::Turn { now, must_rotate: true })
    }

    /// Number of cells held.
    pub fn cells_held(&self) -> usize {
        self.shared.index.len()
    }

    /// Octets that log and buckets take on the disk.
    pub fn octets_held(&self) -> u64 {
        self.shared.held_octets()
    }

    fn turn(&self, turn: writer::Turn) -> oneshot::Receiver<()> {
        let (done, outcome) = oneshot::channel();
        if let Some(jobs) = &self.jobs {
            // A full queue has no room for housekeeping; the next tick comes.
            let _ = jobs.try_send(writer::Job::Turn(turn, done));
        }
        outcome
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!(
                    "a thread of the store ended by a defect; what it acknowledged is on the disk"
                );
            }
        }
    }
}

impl Shared {
    /// What is under `slot` at `now`, read into `buffer` as a cell of the size `wanted`.
    fn find<'b>(
        &self,
        now: WallTime,
        slot: &Slot,
        wanted: CellSize,
        buffer: &'b mut RecordBuffer,
    ) -> Found<'b> {
        let wanted_len = RECORD_HEAD_LEN + wanted.octets();
        let Some(octets) = self.fetch(key_of(slot), &mut buffer[..wanted_len]) else { return Found::Nothing };
        match peek_record(octets) {
            Some(head) if is_past(head.bucket, now) => Found::Nothing,
            Some(head) if head.slot != *slot => Found::Unusable,
            Some(head) if head.cell != wanted => Found::OtherSize,
            _ => read_record(octets).map_or_else(Found::damaged, |(_, cell)| Found::Cell(cell)),
        }
    }

    /// Octets from where the record of `key` begins. Sorting may move it between the look in the
    /// index and the read; it then is where the index says on the next look.
    fn fetch<'b>(&self, key: u64, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        for _ in 0..MOVES_MAX {
            let place = self.index.place_of(key)?;
            match self.files.read(place, buffer) {
                Ok(len) => return buffer.get(..len),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    tracing::error!("reading a cell failed ({error}); it counts as absent");
                    return None;
                }
            }
        }
        None
    }
}

/// Room for one record.
type RecordBuffer = [u8; RECORD_LEN_MAX];

/// What a slot holds.
enum Found<'b> {
    /// Nothing, or what is past: the slot is free.
    Nothing,
    /// This cell.
    Cell(&'b [u8]),
    /// A cell of another size.
    OtherSize,
    /// Damaged octets, or another slot with the same key: neither readable nor free.
    Unusable,
}

impl Found<'_> {
    fn damaged() -> Self {
        tracing::error!("a cell on the disk is damaged and counts as absent; check the disk");
        Found::Unusable
    }
}

/// A record moves once, when it is sorted, and goes once, when it expires.
const MOVES_MAX: usize = 3;

type Threads = (SyncSender<writer::Job>, Vec<JoinHandle<()>>);

fn start_threads(
    shared: &Arc<Shared>,
    segment: log::Segment,
    waiting: Vec<log::Closed>,
    data: &Path,
) -> Result<Threads, StoreError> {
    let (jobs, queue) = sync_channel(WRITE_QUEUE_EXCHANGES);
    let (sorter, segments) = sorter::Sorter::new(Arc::clone(shared), waiting);
    let writer = writer::Writer::new(Arc::clone(shared), segment, segments);
    let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
        std::thread::Builder::new().name(name.into()).spawn(body).map_err(StoreError::io(data))
    };
    let sorting = spawn("sorter", Box::new(move || sorter.run()))?;
    let writing = spawn("writer", Box::new(move || writer.run(&queue)))?;
    Ok((jobs, vec![writing, sorting]))
}

fn lock(data: &Path) -> Result<File, StoreError> {
    std::fs::create_dir_all(data).map_err(StoreError::io(data))?;
    let path = data.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(StoreError::io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(data.to_owned())),
        Err(TryLockError::Error(source)) => Err(StoreError::Io { path, source }),
    }
}

/// Whether the bucket of `hour` is past at `now`.
fn bucket_is_past(hour: u32, now: WallTime) -> bool {
    is_past(Hour(u64::from(hour)), now)
}
