//! The store's folder: names, open files, reads.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::StoreError;
use super::index::{FileId, Place};
use crate::limits::BUCKETS_OPEN_MAX;

/// The folder's two subfolders and the files that are open for reading.
pub struct Files {
    log_folder: PathBuf,
    bucket_folder: PathBuf,
    segments: RwLock<BTreeMap<u32, Arc<File>>>,
    buckets: RwLock<BTreeMap<u32, Arc<File>>>,
}

impl Files {
    /// Makes the subfolders in `data` where they lack.
    pub fn new(data: &Path) -> Result<Files, StoreError> {
        let (log_folder, bucket_folder) = (data.join("log"), data.join("cells"));
        for folder in [&log_folder, &bucket_folder] {
            std::fs::create_dir_all(folder).map_err(StoreError::io(folder))?;
        }
        sync_folder(data)?;
        Ok(Files { log_folder, bucket_folder, segments: RwLock::default(), buckets: RwLock::default() })
    }

    /// Where segment `number` lies.
    pub fn segment_path(&self, number: u32) -> PathBuf {
        self.log_folder.join(format!("{number:09}.log"))
    }

    /// Where the records of the bucket of `hour` lie.
    pub fn cells_path(&self, hour: u32) -> PathBuf {
        self.bucket_folder.join(format!("{hour:09}.cells"))
    }

    /// Where the runs of the bucket of `hour` lie.
    pub fn runs_path(&self, hour: u32) -> PathBuf {
        self.bucket_folder.join(format!("{hour:09}.index"))
    }

    /// Numbers of the segments on the disk, ascending.
    pub fn segment_numbers(&self) -> Result<Vec<u32>, StoreError> {
        numbers(&self.log_folder, "log")
    }

    /// Hours of the buckets on the disk, ascending: of each that has either file.
    pub fn bucket_hours(&self) -> Result<Vec<u32>, StoreError> {
        let mut hours = numbers(&self.bucket_folder, "index")?;
        hours.extend(numbers(&self.bucket_folder, "cells")?);
        hours.sort_unstable();
        hours.dedup();
        Ok(hours)
    }

    /// Makes the creation or deletion of segments durable.
    pub fn sync_log_folder(&self) -> Result<(), StoreError> {
        sync_folder(&self.log_folder)
    }

    /// Makes the creation of buckets durable.
    pub fn sync_bucket_folder(&self) -> Result<(), StoreError> {
        sync_folder(&self.bucket_folder)
    }

    /// Lets segment `number` be read from `file`.
    pub fn add_segment(&self, number: u32, file: Arc<File>) {
        self.segments.write().unwrap_or_else(PoisonError::into_inner).insert(number, file);
    }

    /// Deletes segment `number`, durably.
    pub fn remove_segment(&self, number: u32) -> Result<(), StoreError> {
        self.segments.write().unwrap_or_else(PoisonError::into_inner).remove(&number);
        remove(&self.segment_path(number))?;
        self.sync_log_folder()
    }

    /// Deletes both files of the bucket of `hour`, the index first: it can be made anew, should the
    /// clock go back after a crash in between.
    pub fn remove_bucket(&self, hour: u32) -> Result<(), StoreError> {
        remove(&self.runs_path(hour))?;
        remove(&self.cells_path(hour))
    }

    /// Closes every bucket of which `is_past` is true, so that the disk gets its space back.
    pub fn close_buckets(&self, is_past: impl Fn(u32) -> bool) {
        self.buckets.write().unwrap_or_else(PoisonError::into_inner).retain(|hour, _| !is_past(*hour));
    }

    /// Reads from `place` on into `buffer`, as much as there is; how much that was.
    pub fn read(&self, place: Place, buffer: &mut [u8]) -> io::Result<usize> {
        let file = match place.file() {
            FileId::Segment(number) => self.segment(number).ok_or(io::ErrorKind::NotFound)?,
            FileId::Bucket(hour) => self.bucket(hour)?,
        };
        read_up_to(&file, place.offset(), buffer)
    }

    fn segment(&self, number: u32) -> Option<Arc<File>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    fn bucket(&self, hour: u32) -> io::Result<Arc<File>> {
        let open = self.buckets.read().unwrap_or_else(PoisonError::into_inner).get(&hour).cloned();
        if let Some(file) = open {
            return Ok(file);
        }
        let file = Arc::new(File::open(self.cells_path(hour))?);
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_OPEN_MAX {
            buckets.clear();
        }
        buckets.insert(hour, Arc::clone(&file));
        Ok(file)
    }
}

/// Reads from `offset` on until `buffer` is full or the file ends; how much that was.
pub fn read_up_to(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match file.read_at(&mut buffer[len..], offset + len as u64) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

fn numbers(folder: &Path, extension: &str) -> Result<Vec<u32>, StoreError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(StoreError::io(folder))? {
        let path = entry.map_err(StoreError::io(folder))?.path();
        let is_ours = path.extension().is_some_and(|e| e == extension);
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u32>().ok());
        found.extend(number.filter(|_| is_ours));
    }
    found.sort_unstable();
    Ok(found)
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io(path)(error)),
        _ => Ok(()),
    }
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let file = File::open(folder).map_err(StoreError::io(folder))?;
    file.sync_all().map_err(StoreError::sync(folder))
}
