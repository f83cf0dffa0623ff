//! The commit log: segments of batches, each batch synced before anything in it is acknowledged.
//!
//! What a crash leaves at the end of the last segment was never acknowledged and is cut off. The end
//! is recognised, not guessed: a batch is only begun when the one before it is synced, so a broken
//! batch with a whole one behind it is damage.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use couloir_wire::exchange::{CellSize, LANES_MAX};
use couloir_wire::id::Slot;
use couloir_wire::time::WallTime;

use super::files::{Files, read_up_to};
use super::index::{FileId, Place, bucket_number};
use super::record::{
    BATCH_HEAD_LEN, BatchHead, RECORD_HEAD_LEN, RECORD_LEN_MAX, RecordHead, append_record, key_of,
    read_record,
};
use super::{StoreError, StorePut};
use crate::limits::BATCH_PUTS_MAX;

/// Records that will share one sync.
pub struct Batch {
    octets: Vec<u8>,
    records: Vec<(Slot, usize)>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Batch {
        Batch { octets: vec![0; BATCH_HEAD_LEN], records: Vec::new() }
    }

    /// Adds the record of `put`, whose cell has the size `cell`.
    pub fn push(&mut self, put: &StorePut, cell: CellSize) {
        let head = RecordHead { slot: put.admission.slot, bucket: put.admission.bucket, cell };
        self.records.push((head.slot, self.octets.len()));
        append_record(&mut self.octets, &head, &put.cell);
    }

    /// The cell that waits here for `slot`.
    pub fn find(&self, slot: &Slot) -> Option<&[u8]> {
        let (_, at) = self.records.iter().find(|(held, _)| held == slot)?;
        read_record(&self.octets[*at..]).map(|(_, cell)| cell)
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Octets that it takes in the log.
    pub fn len(&self) -> u64 {
        self.octets.len() as u64
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.octets.truncate(BATCH_HEAD_LEN);
        self.records.clear();
    }

    /// Keys of its records and where they begin in the batch.
    pub fn records(&self) -> impl Iterator<Item = (u64, u64)> {
        self.records.iter().map(|(slot, at)| (key_of(slot), *at as u64))
    }
}

/// The segment that is being written.
pub struct Segment {
    number: u32,
    path: PathBuf,
    file: Arc<File>,
    len: u64,
    begun: Option<WallTime>,
}

impl Segment {
    /// Makes the empty segment `number`, durably.
    pub fn create(files: &Files, number: u32) -> Result<Segment, StoreError> {
        let path = files.segment_path(number);
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(true);
        let file = Arc::new(options.open(&path).map_err(StoreError::io(&path))?);
        files.sync_log_folder()?;
        files.add_segment(number, Arc::clone(&file));
        Ok(Segment { number, path, file, len: 0, begun: None })
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its length in octets.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// When its first batch was written.
    pub fn begun(&self) -> Option<WallTime> {
        self.begun
    }

    /// Appends `batch` at `now` and syncs. Where the batch begins. After an error other than of
    /// syncing the segment is as before.
    pub fn append(&mut self, batch: &mut Batch, now: WallTime) -> Result<u64, StoreError> {
        let offset = self.len;
        let records_len = batch.len() - BATCH_HEAD_LEN as u64;
        let head = BatchHead { segment: self.number, offset, records_len };
        batch.octets[..BATCH_HEAD_LEN].copy_from_slice(&head.encode());
        if let Err(error) = self.file.write_all_at(&batch.octets, offset) {
            self.file.set_len(offset).map_err(StoreError::io(&self.path))?;
            return Err(StoreError::io(&self.path)(error));
        }
        self.file.sync_data().map_err(StoreError::sync(&self.path))?;
        self.len += batch.len();
        self.begun.get_or_insert(now);
        Ok(offset)
    }

    /// Ends it: it waits to be sorted.
    pub fn close(self) -> Closed {
        Closed { number: self.number, path: self.path, file: self.file, len: self.len }
    }
}

/// A segment that waits to be sorted.
pub struct Closed {
    /// Its number.
    pub number: u32,
    /// Where it lies.
    pub path: PathBuf,
    /// To read from.
    pub file: Arc<File>,
    /// Its length in octets.
    pub len: u64,
}

/// One record of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its bucket's number.
    pub bucket: u32,
    /// Octets of the record.
    pub len: u32,
    /// Where it begins in the segment.
    pub offset: u64,
    /// The first 8 octets of its slot.
    pub key: u64,
}

impl Entry {
    /// Its place in segment `number`.
    pub fn place(&self, number: u32) -> Option<Place> {
        Place::new(FileId::Segment(number), self.offset)
    }
}

impl Closed {
    /// Opens segment `number` as a crash or a stop left it. A torn end is cut off if it is the last.
    pub fn recover(files: &Files, number: u32, is_last: bool) -> Result<Closed, StoreError> {
        let path = files.segment_path(number);
        let file = File::options().read(true).write(true).open(&path).map_err(StoreError::io(&path))?;
        let len = file.metadata().map_err(StoreError::io(&path))?.len();
        let mut closed = Closed { number, path, file: Arc::new(file), len };
        let whole = closed.scan(|_| ())?;
        if whole < len {
            if !is_last {
                return Err(StoreError::damaged(&closed.path, whole));
            }
            closed.file.set_len(whole).map_err(StoreError::io(&closed.path))?;
            closed.file.sync_all().map_err(StoreError::sync(&closed.path))?;
            closed.len = whole;
        }
        files.add_segment(number, Arc::clone(&closed.file));
        Ok(closed)
    }

    /// Its records. A segment that was synced whole and is not any more is damaged.
    pub fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::with_capacity(self.len as usize / RECORD_LEN_MIN);
        let whole = self.scan(|entry| entries.push(entry))?;
        if whole < self.len {
            return Err(StoreError::damaged(&self.path, whole));
        }
        Ok(entries)
    }

    /// Visits every record of every whole batch; where they end.
    fn scan(&self, mut visit: impl FnMut(Entry)) -> Result<u64, StoreError> {
        let mut octets = Vec::new();
        let mut offset = 0;
        while offset < self.len {
            let Some(entries) = self.read_batch(offset, &mut octets)? else {
                self.check_nothing_follows(offset)?;
                break;
            };
            entries.into_iter().for_each(&mut visit);
            offset += (BATCH_HEAD_LEN + octets.len()) as u64;
        }
        Ok(offset)
    }

    /// The records of the batch at `offset`, read into `octets`; none if it is not whole.
    fn read_batch(&self, offset: u64, octets: &mut Vec<u8>) -> Result<Option<Vec<Entry>>, StoreError> {
        let Some(head) = self.read_head(offset)? else { return Ok(None) };
        octets.resize(head.records_len as usize, 0);
        let records_at = offset + BATCH_HEAD_LEN as u64;
        let len = read_up_to(&self.file, records_at, octets).map_err(StoreError::io(&self.path))?;
        Ok(if len == octets.len() { entries_of(octets, records_at) } else { None })
    }

    /// The batch head at `offset`, if there is a whole one of this segment and place.
    fn read_head(&self, offset: u64) -> Result<Option<BatchHead>, StoreError> {
        let mut octets = [0; BATCH_HEAD_LEN];
        read_up_to(&self.file, offset, &mut octets).map_err(StoreError::io(&self.path))?;
        Ok(BatchHead::decode(&octets).filter(|head| self.is_head_of(head, offset)))
    }

    fn is_head_of(&self, head: &BatchHead, offset: u64) -> bool {
        head.segment == self.number && head.offset == offset && head.records_len <= RECORDS_LEN_MAX
    }

    /// Refuses a segment that goes on with a whole batch head behind the broken batch at `offset`.
    fn check_nothing_follows(&self, offset: u64) -> Result<(), StoreError> {
        let mut octets = vec![0; SEARCH_OCTETS];
        let mut at = offset + 8;
        while at < self.len {
            let len = read_up_to(&self.file, at, &mut octets).map_err(StoreError::io(&self.path))?;
            let heads =
                (0..len).step_by(8).filter_map(|n| Some((n, BatchHead::decode(octets.get(n..len)?)?)));
            for (n, head) in heads {
                if self.is_head_of(&head, at + n as u64) {
                    return Err(StoreError::damaged(&self.path, offset));
                }
            }
            // Heads that straddle the end of this piece begin the next.
            at += (SEARCH_OCTETS - BATCH_HEAD_LEN) as u64;
        }
        Ok(())
    }
}

const RECORD_LEN_MIN: usize = RECORD_HEAD_LEN + CellSize::SMALLEST.octets();
const RECORDS_LEN_MAX: u64 = ((BATCH_PUTS_MAX + LANES_MAX as usize) * RECORD_LEN_MAX) as u64;
const SEARCH_OCTETS: usize = 64 << 10;
const _: () = assert!(SEARCH_OCTETS.is_multiple_of(8) && BATCH_HEAD_LEN.is_multiple_of(8));
const _: () = assert!(RECORD_HEAD_LEN.is_multiple_of(8) && size_of::<Entry>() == 24);

/// The records that `octets`, which begin at `start`, consist of; none if any is harmed.
fn entries_of(octets: &[u8], start: u64) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut rest = octets;
    while !rest.is_empty() {
        let (head, _) = read_record(rest)?;
        let offset = start + (octets.len() - rest.len()) as u64;
        let len = head.record_len();
        let (bucket, key) = (bucket_number(head.bucket), key_of(&head.slot));
        entries.push(Entry { bucket, len: len as u32, offset, key });
        rest = rest.get(len..)?;
    }
    Some(entries)
}
