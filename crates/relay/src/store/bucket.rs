//! Buckets: for each expiry hour one file of records, and one of runs that say where they lie.

use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use couloir_wire::time::WallTime;

use super::files::read_up_to;
use super::index::{FileId, Place};
use super::log::{Closed, Entry};
use super::record::{RECORD_LEN_MAX, RUN_ENTRY_LEN, RUN_HEAD_LEN, RunEntry, RunHead, key_of, read_record};
use super::{Shared, StoreError, bucket_is_past};
use crate::limits::SORT_BUFFER_OCTETS;

/// Enters what every bucket holds into the index, and drops buckets that are past at `now`. The
/// highest segment number that any run names. `segments` still exist: their runs are cut off.
pub fn load_all(shared: &Shared, segments: &[u32], now: WallTime) -> Result<u32, StoreError> {
    let mut segment_max = 0;
    for hour in shared.files.bucket_hours()? {
        if bucket_is_past(hour, now) {
            shared.files.remove_bucket(hour)?;
        } else {
            segment_max = segment_max.max(Bucket::open(shared, hour)?.load(segments)?);
        }
    }
    Ok(segment_max)
}

/// Drops every bucket that is past at `now`: the index forgets it, its files go.
pub fn expire(shared: &Shared, now: WallTime) -> Result<(), StoreError> {
    let mut past = shared.files.bucket_hours()?;
    past.retain(|hour| bucket_is_past(*hour, now));
    if past.is_empty() {
        return Ok(());
    }
    shared.index.remove_buckets(|hour| bucket_is_past(hour, now));
    shared.files.close_buckets(|hour| bucket_is_past(hour, now));
    for hour in past {
        let path = shared.files.cells_path(hour);
        let len = path.metadata().map_or(0, |metadata| metadata.len());
        shared.files.remove_bucket(hour)?;
        shared.bucket_octets.fetch_sub(len, Ordering::Relaxed);
    }
    Ok(())
}

/// One bucket, open for writing.
pub struct Bucket<'s> {
    shared: &'s Shared,
    hour: u32,
    cells: File,
    cells_path: PathBuf,
    runs: File,
    runs_path: PathBuf,
}

impl<'s> Bucket<'s> {
    /// Opens or makes the bucket of `hour`.
    pub fn open(shared: &'s Shared, hour: u32) -> Result<Bucket<'s>, StoreError> {
        let (cells_path, runs_path) = (shared.files.cells_path(hour), shared.files.runs_path(hour));
        let (cells, runs) = (open(&cells_path)?, open(&runs_path)?);
        Ok(Bucket { shared, hour, cells, cells_path, runs, runs_path })
    }

    /// Copies the records `entries` of `closed` to the end of the bucket, durably, and lets the index
    /// point here. After an error other than of syncing the bucket is as before.
    pub fn append(&self, closed: &Closed, entries: &[Entry]) -> Result<(), StoreError> {
        let start = len_of(&self.cells, &self.cells_path)?;
        let runs_start = len_of(&self.runs, &self.runs_path)?;
        let result = self.append_run(closed, entries, start, runs_start);
        if result.is_err() {
            // Also after a failed sync: what it left in memory must not pass for durable later.
            self.runs.set_len(runs_start).map_err(StoreError::io(&self.runs_path))?;
            self.cells.set_len(start).map_err(StoreError::io(&self.cells_path))?;
        }
        self.relocate(closed, entries, result?, start);
        Ok(())
    }

    /// Where the records end.
    fn append_run(
        &self,
        closed: &Closed,
        entries: &[Entry],
        start: u64,
        runs_start: u64,
    ) -> Result<u64, StoreError> {
        let end = self.copy(closed, entries, start)?;
        self.cells.sync_data().map_err(StoreError::sync(&self.cells_path))?;
        let run = moved(entries, start).map(|(entry, offset)| RunEntry { key: entry.key, offset });
        let run: Vec<RunEntry> = run.collect();
        let (count, segment) = (run.len() as u32, closed.number);
        let head = RunHead { segment, count, records_start: start, records_end: end };
        let octets = head.encode(&run);
        self.runs.write_all_at(&octets, runs_start).map_err(StoreError::io(&self.runs_path))?;
        self.runs.sync_data().map_err(StoreError::sync(&self.runs_path))?;
        Ok(end)
    }

    fn copy(&self, closed: &Closed, entries: &[Entry], start: u64) -> Result<u64, StoreError> {
        let mut buffer = Vec::with_capacity(SORT_BUFFER_OCTETS);
        let mut written_to = start;
        for entry in entries {
            let at = buffer.len();
            buffer.resize(at + entry.len as usize, 0);
            closed
                .file
                .read_exact_at(&mut buffer[at..], entry.offset)
                .map_err(StoreError::io(&closed.path))?;
            if buffer.len() + RECORD_LEN_MAX > SORT_BUFFER_OCTETS {
                written_to = self.write(&mut buffer, written_to)?;
            }
        }
        self.write(&mut buffer, written_to)
    }

    /// Writes and empties `buffer`; where that ends.
    fn write(&self, buffer: &mut Vec<u8>, at: u64) -> Result<u64, StoreError> {
        self.cells.write_all_at(buffer, at).map_err(StoreError::io(&self.cells_path))?;
        let end = at + buffer.len() as u64;
        buffer.clear();
        Ok(end)
    }

    fn relocate(&self, closed: &Closed, entries: &[Entry], end: u64, start: u64) {
        for (entry, offset) in moved(entries, start) {
            let from = entry.place(closed.number);
            let to = Place::new(FileId::Bucket(self.hour), offset);
            if let Some((from, to)) = from.zip(to) {
                self.shared.index.relocate(entry.key, from, to);
            }
        }
        self.shared.bucket_octets.fetch_add(end - start, Ordering::Relaxed);
    }

    /// Enters the runs into the index. Without records there are none: somebody moved a damaged file
    /// away. Those of `segments`, which still exist, are cut off with what
    /// follows; after a torn or harmed one the rest is made anew from the records.
    fn load(&self, segments: &[u32]) -> Result<u32, StoreError> {
        let cells_len = len_of(&self.cells, &self.cells_path)?;
        let mut loaded = Loaded { runs_end: 0, records_end: 0, segment_max: 0 };
        let mut runs = BufReader::new(&self.runs);
        while let Some(run) = Run::read(&mut runs).map_err(StoreError::io(&self.runs_path))? {
            if cells_len == 0 {
                break;
            }
            if segments.contains(&run.head.segment) {
                return self.cut_back(&loaded);
            }
            if run.head.records_end > cells_len {
                return Err(StoreError::damaged(&self.cells_path, cells_len));
            }
            self.enter(run.entries().ok_or_else(|| StoreError::damaged(&self.runs_path, loaded.runs_end))?);
            loaded.add(&run);
        }
        self.cut_runs_back(&loaded)?;
        self.rebuild(&mut loaded)?;
        self.cut_back(&loaded)
    }

    fn enter(&self, entries: impl Iterator<Item = RunEntry>) {
        for entry in entries {
            if let Some(place) = Place::new(FileId::Bucket(self.hour), entry.offset) {
                self.shared.index.insert(entry.key, place);
            }
        }
    }

    /// Makes one run of the records behind the last whole run.
    fn rebuild(&self, loaded: &mut Loaded) -> Result<(), StoreError> {
        let records_start = loaded.records_end;
        let entries = self.records_from(records_start, &mut loaded.records_end)?;
        if entries.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            "{}: {} cells found again without the index",
            self.cells_path.display(),
            entries.len()
        );
        let (count, segment) = (entries.len() as u32, loaded.segment_max);
        let head = RunHead { segment, count, records_start, records_end: loaded.records_end };
        let octets = head.encode(&entries);
        self.runs.write_all_at(&octets, loaded.runs_end).map_err(StoreError::io(&self.runs_path))?;
        self.runs.sync_all().map_err(StoreError::sync(&self.runs_path))?;
        loaded.runs_end += octets.len() as u64;
        self.enter(entries.into_iter());
        Ok(())
    }

    /// The whole records from `offset` on, which ends behind the last of them.
    fn records_from(&self, mut offset: u64, end: &mut u64) -> Result<Vec<RunEntry>, StoreError> {
        let mut buffer = vec![0; RECORD_LEN_MAX];
        let mut entries = Vec::new();
        loop {
            let len =
                read_up_to(&self.cells, offset, &mut buffer).map_err(StoreError::io(&self.cells_path))?;
            let Some((head, _)) = read_record(&buffer[..len]) else { return Ok(entries) };
            entries.push(RunEntry { key: key_of(&head.slot), offset });
            offset += head.record_len() as u64;
            *end = offset;
        }
    }

    fn cut_runs_back(&self, loaded: &Loaded) -> Result<(), StoreError> {
        self.runs.set_len(loaded.runs_end).map_err(StoreError::io(&self.runs_path))
    }

    /// Ends both files where what counts ends; the highest segment number among it.
    fn cut_back(&self, loaded: &Loaded) -> Result<u32, StoreError> {
        self.cut_runs_back(loaded)?;
        self.cells.set_len(loaded.records_end).map_err(StoreError::io(&self.cells_path))?;
        self.shared.bucket_octets.fetch_add(loaded.records_end, Ordering::Relaxed);
        Ok(loaded.segment_max)
    }
}

/// How far a bucket's files were read.
struct Loaded {
    runs_end: u64,
    records_end: u64,
    segment_max: u32,
}

impl Loaded {
    fn add(&mut self, run: &Run) {
        self.runs_end += (RUN_HEAD_LEN + run.body.len()) as u64;
        self.records_end = run.head.records_end;
        self.segment_max = self.segment_max.max(run.head.segment);
    }
}

/// One run as read.
struct Run {
    head: RunHead,
    head_octets: [u8; RUN_HEAD_LEN],
    body: Vec<u8>,
}

impl Run {
    /// The next whole run; none at the end or where it is torn or harmed.
    fn read(runs: &mut impl Read) -> std::io::Result<Option<Run>> {
        let mut head_octets = [0; RUN_HEAD_LEN];
        let mut head_read = runs.by_ref().take(RUN_HEAD_LEN as u64);
        let mut head_len = 0;
        while let more @ 1.. = head_read.read(&mut head_octets[head_len..])? {
            head_len += more;
        }
        let Some(head) = RunHead::decode(&head_octets).filter(|_| head_len == RUN_HEAD_LEN) else {
            return Ok(None);
        };
        let mut body = Vec::new();
        runs.take(u64::from(head.count) * RUN_ENTRY_LEN as u64).read_to_end(&mut body)?;
        let is_whole = body.len() == head.count as usize * RUN_ENTRY_LEN;
        let run = Run { head, head_octets, body };
        Ok(Some(run).filter(|run| is_whole && run.entries().is_some()))
    }

    fn entries(&self) -> Option<impl Iterator<Item = RunEntry>> {
        RunHead::entries(&self.head_octets, &self.body)
    }
}

/// Each of `entries` with where it comes to lie when they are put one behind the other from `start`.
fn moved(entries: &[Entry], start: u64) -> impl Iterator<Item = (&Entry, u64)> {
    entries.iter().scan(start, |offset, entry| {
        let at = *offset;
        *offset += u64::from(entry.len);
        Some((entry, at))
    })
}

fn open(path: &Path) -> Result<File, StoreError> {
    let mut options = File::options();
    let options = options.read(true).write(true).create(true).truncate(false);
    options.open(path).map_err(StoreError::io(path))
}

fn len_of(file: &File, path: &Path) -> Result<u64, StoreError> {
    file.metadata().map(|metadata| metadata.len()).map_err(StoreError::io(path))
}
