//! Where each cell lies: in memory, by the first 8 octets of its slot.
//!
//! One entry is a key and a packed [`Place`], 16 octets. The table is cut into shards that grow one
//! by one, so that even the moment of growing stays within the bound per cell. Two slots with the
//! same first 8 octets cannot both be held; the second is refused (finding one on purpose for
//! somebody else's slot takes 2^64 hashes).

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use couloir_wire::time::Hour;

use crate::limits::INDEX_SHARDS;

/// A file of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileId {
    /// The log segment of this number.
    Segment(u32),
    /// The bucket of this hour.
    Bucket(u32),
}

/// Where a record begins: one bit for the kind of file, 27 for its number, 36 for the offset in
/// units of 8 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(u64);

const OFFSET_BITS: u32 = 36;
const NUMBER_BITS: u32 = 27;
const BUCKET_BIT: u64 = 1 << 63;
/// Length of the longest file whose every octet has a place: 512 GiB.
pub const FILE_LEN_MAX: u64 = 8 << OFFSET_BITS;
/// Numbers of files lie below: 134 million segments, 15,000 years of hours.
pub const FILE_NUMBER_END: u32 = 1 << NUMBER_BITS;

impl Place {
    /// The place at `offset` (a multiple of 8 below [`FILE_LEN_MAX`]) in `file` (number below
    /// [`FILE_NUMBER_END`]); none outside these bounds.
    pub fn new(file: FileId, offset: u64) -> Option<Place> {
        let (kind, number) = match file {
            FileId::Segment(number) => (0, number),
            FileId::Bucket(hour) => (BUCKET_BIT, hour),
        };
        let fits = number < FILE_NUMBER_END && offset < FILE_LEN_MAX && offset.is_multiple_of(8);
        fits.then_some(Place(kind | (u64::from(number) << OFFSET_BITS) | (offset / 8)))
    }

    /// Its file.
    pub fn file(self) -> FileId {
        let number = (self.0 & !BUCKET_BIT) >> OFFSET_BITS;
        let number = number as u32;
        if self.0 & BUCKET_BIT == 0 { FileId::Segment(number) } else { FileId::Bucket(number) }
    }

    /// Its offset in octets.
    pub fn offset(self) -> u64 {
        (self.0 & ((1 << OFFSET_BITS) - 1)) * 8
    }
}

/// The number of `hour` as a bucket file's; hours beyond the last possible share it.
pub fn bucket_number(hour: Hour) -> u32 {
    u32::try_from(hour.0).unwrap_or(u32::MAX).min(FILE_NUMBER_END - 1)
}

/// The table.
pub struct Index {
    shards: Vec<RwLock<HashMap<u64, Place>>>,
}

impl Index {
    /// An empty table.
    pub fn new() -> Index {
        Index { shards: (0..INDEX_SHARDS).map(|_| RwLock::default()).collect() }
    }

    /// Where the cell with `key` lies.
    pub fn place_of(&self, key: u64) -> Option<Place> {
        self.read(key).get(&key).copied()
    }

    /// Enters `place` for `key`, in place of whatever was there.
    pub fn insert(&self, key: u64, place: Place) {
        self.write(key).insert(key, place);
    }

    /// Replaces the place of `key` by `to` if it still is `from`.
    pub fn relocate(&self, key: u64, from: Place, to: Place) {
        if let Some(place) = self.write(key).get_mut(&key).filter(|place| **place == from) {
            *place = to;
        }
    }

    /// Forgets `key` if its place still is `from`.
    pub fn remove(&self, key: u64, from: Place) {
        let mut shard = self.write(key);
        if shard.get(&key) == Some(&from) {
            shard.remove(&key);
        }
    }

    /// Forgets every cell in a bucket of which `is_past` is true, and gives memory back. A shard that
    /// loses cells is built anew: marks of removed entries would make it double too early.
    pub fn remove_buckets(&self, is_past: impl Fn(u32) -> bool) {
        let stays = |place: &Place| !matches!(place.file(), FileId::Bucket(hour) if is_past(hour));
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            let staying = shard.values().filter(|place| stays(place)).count();
            if staying < shard.len() {
                let mut kept = HashMap::with_capacity(staying);
                kept.extend(shard.drain().filter(|(_, place)| stays(place)));
                *shard = kept;
            }
        }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        let len = |shard: &RwLock<HashMap<_, _>>| shard.read().unwrap_or_else(PoisonError::into_inner).len();
        self.shards.iter().map(len).sum()
    }

    fn shard(&self, key: u64) -> &RwLock<HashMap<u64, Place>> {
        let at = (key >> 32) as usize % INDEX_SHARDS;
        &self.shards[at]
    }

    fn read(&self, key: u64) -> RwLockReadGuard<'_, HashMap<u64, Place>> {
        self.shard(key).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, key: u64) -> RwLockWriteGuard<'_, HashMap<u64, Place>> {
        self.shard(key).write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one slot of the hash table takes: key, place, one octet of control data.
const TABLE_SLOT_OCTETS: usize = 8 + 8 + 1;
// The table doubles at 7/8 full: right after, a cell takes 17 x 2 x 8/7 = 39 octets; the shard that
// is growing holds its old table too, 1/64 of 17 x 8/7.
const _: () = assert!(
    TABLE_SLOT_OCTETS * 2 * 8 / 7 + TABLE_SLOT_OCTETS * 8 / 7 / INDEX_SHARDS
        < crate::limits::INDEX_OCTETS_PER_CELL_MAX
);
const _: () = assert!(size_of::<(u64, Place)>() == 16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_packing() {
        for file in [FileId::Segment(0), FileId::Bucket(497_222), FileId::Bucket(FILE_NUMBER_END - 1)] {
            for offset in [0, 8, FILE_LEN_MAX - 8] {
                let place = Place::new(file, offset).expect("in bounds");
                assert_eq!((place.file(), place.offset()), (file, offset));
            }
        }
    }

    #[test]
    fn a_place_out_of_bounds_does_not_exist() {
        assert_eq!(Place::new(FileId::Segment(FILE_NUMBER_END), 0), None);
        assert_eq!(Place::new(FileId::Segment(0), FILE_LEN_MAX), None);
        assert_eq!(Place::new(FileId::Segment(0), 4), None);
    }

    #[test]
    fn what_moved_on_is_neither_relocated_nor_removed_by_the_old_place() {
        let index = Index::new();
        let place = |offset| Place::new(FileId::Segment(1), offset).expect("in bounds");
        index.insert(5, place(0));
        index.relocate(5, place(0), place(8));
        index.relocate(5, place(0), place(16));
        index.remove(5, place(0));
        assert_eq!((index.place_of(5), index.len()), (Some(place(8)), 1));
    }

    #[test]
    fn only_past_buckets_are_forgotten() {
        let index = Index::new();
        for (key, file) in [(1, FileId::Bucket(9)), (2, FileId::Bucket(10)), (3, FileId::Segment(9))] {
            index.insert(key, Place::new(file, 0).expect("in bounds"));
        }
        index.remove_buckets(|hour| hour < 10);
        assert_eq!([1, 2, 3].map(|key| index.place_of(key).is_some()), [false, true, true]);
    }
}
