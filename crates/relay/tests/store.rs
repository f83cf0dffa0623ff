//! The durable store without a server.

use std::path::{Path, PathBuf};

use couloir_relay::core::{Admission, MemoryCells, slot_of};
use couloir_relay::store::{Store, StoreError, StoreLimits, StorePut};
use couloir_wire::exchange::{CellSize, PutOutcome};
use couloir_wire::id::{Slot, WriteToken};
use couloir_wire::time::{Hour, WallTime};
use proptest::prelude::*;

const NOW: WallTime = WallTime(1_790_000_000_000);
const HOUR_MS: i64 = 3_600_000;

#[test]
fn a_slot_is_filled_once_before_and_after_sorting_and_restart() {
    let data = folder();
    let store = open(data.path());
    let again = |store: &Store| {
        assert_eq!(put(store, &[(1, 1, 7)]), [PutOutcome::Same]);
        assert_eq!(put(store, &[(1, 1, 8)]), [PutOutcome::Taken]);
        assert_eq!(get(store, 1), Some(cell(7)));
    };
    assert_eq!(
        put(&store, &[(1, 1, 7), (1, 1, 7), (1, 1, 8)]),
        [STORED, PutOutcome::Same, PutOutcome::Taken]
    );
    again(&store);
    sort(&store, NOW);
    again(&store);
    drop(store);
    again(&open(data.path()));
}

#[test]
fn a_cell_of_another_size_is_taken_for_puts_and_absent_for_gets() {
    let store = open(folder().path());
    put(&store, &[(1, 1, 7)]);
    let larger = StorePut { admission: admission(1, 1), cell: vec![7; 8_192] };
    assert_eq!(store.put(NOW, vec![larger]).blocking_recv().expect("answered"), [PutOutcome::Taken]);
    let mut out = Vec::new();
    store.append_found(NOW, &slot(1), CellSize::LARGEST, &mut out);
    assert!(out.len() == 8_193 && out.iter().all(|octet| *octet == 0));
}

#[test]
fn what_a_crash_left_half_written_at_the_end_is_cut_off_and_all_before_it_stays() {
    for cut in [1, 30, 31, 32, 33, 100, 600] {
        let data = folder();
        let store = open(data.path());
        put(&store, &[(1, 1, 7)]);
        put(&store, &[(2, 1, 8)]);
        drop(store);
        let path = data.path().join("log/000000001.log");
        let mut octets = std::fs::read(&path).expect("the log");
        octets.truncate(octets.len() - cut);
        std::fs::write(&path, octets).expect("written");
        let store = open(data.path());
        assert_eq!((get(&store, 1), get(&store, 2)), (Some(cell(7)), None), "{cut} octets less");
    }
}

#[test]
fn garbage_behind_the_last_whole_batch_is_cut_off() {
    let data = folder();
    let store = open(data.path());
    put(&store, &[(1, 1, 7)]);
    drop(store);
    let path = data.path().join("log/000000001.log");
    let mut octets = std::fs::read(&path).expect("the log");
    octets.extend([0xa7; 5_000]);
    std::fs::write(&path, octets).expect("written");
    assert_eq!(get(&open(data.path()), 1), Some(cell(7)));
}

#[test]
fn a_broken_batch_with_a_whole_one_behind_it_is_damage() {
    let data = folder();
    let store = open(data.path());
    put(&store, &[(1, 1, 7)]);
    put(&store, &[(2, 1, 8)]);
    drop(store);
    let path = data.path().join("log/000000001.log");
    for at in [3, 50, 400] {
        let whole = std::fs::read(&path).expect("the log");
        let mut broken = whole.clone();
        broken[at] ^= 0x10;
        std::fs::write(&path, broken).expect("written");
        let error = Store::open(data.path(), StoreLimits::default(), NOW).err();
        assert!(matches!(error, Some(StoreError::Damaged { offset: 0, .. })), "octet {at}: {error:?}");
        std::fs::write(&path, whole).expect("written");
    }
    assert_eq!(get(&open(data.path()), 2), Some(cell(8)));
}

#[test]
fn expiry_deletes_whole_files_and_gives_their_space_back() {
    let data = folder();
    let store = open(data.path());
    let many: Vec<_> = (0..500).map(|n| (n, n % 5, 7)).collect();
    assert!(put(&store, &many).iter().all(|outcome| *outcome == STORED));
    sort(&store, NOW);
    assert_eq!(files(data.path()).len(), 10, "two for each of five hours");
    let held = store.octets_held();
    for hours in 1..=5 {
        sort(&store, NOW.shifted(hours * HOUR_MS));
        assert_eq!(files(data.path()).len(), 10 - 2 * hours as usize);
        assert_eq!(store.octets_held(), held - held / 5 * hours as u64);
        assert_eq!(store.cells_held(), 500 - 100 * hours as usize);
    }
}

#[test]
fn what_expired_in_the_log_is_neither_found_nor_sorted() {
    let data = folder();
    let store = open(data.path());
    put(&store, &[(1, 0, 7), (2, 2, 8)]);
    let later = NOW.shifted(HOUR_MS);
    let mut out = Vec::new();
    store.append_found(later, &slot(1), CellSize::SMALLEST, &mut out);
    assert_eq!(out[0], 0);
    sort(&store, later);
    assert_eq!((files(data.path()).len(), store.cells_held()), (2, 1));
}

#[test]
fn a_harmed_or_missing_index_is_made_anew_from_the_records() {
    for harm in [|path: &Path| std::fs::remove_file(path).expect("removed"), flip, halve] {
        let data = folder();
        let store = open(data.path());
        put(&store, &[(1, 1, 7), (2, 1, 8)]);
        sort(&store, NOW);
        put(&store, &[(3, 1, 9)]);
        sort(&store, NOW);
        drop(store);
        harm(&index_of(data.path()));
        let store = open(data.path());
        assert_eq!([1, 2, 3].map(|n| get(&store, n)), [7, 8, 9].map(|fill| Some(cell(fill))));
        drop(store);
        assert_eq!(get(&open(data.path()), 3), Some(cell(9)), "the new index is as good");
    }
}

#[test]
fn a_bucket_that_lost_records_is_damage_until_somebody_moves_it_away() {
    let data = folder();
    let store = open(data.path());
    put(&store, &[(1, 1, 7), (2, 2, 8)]);
    sort(&store, NOW);
    drop(store);
    let path = files(data.path()).into_iter().find(|path| path.extension().is_some_and(|e| e == "cells"));
    let path = path.expect("a bucket");
    halve(&path);
    let error = Store::open(data.path(), StoreLimits::default(), NOW).err();
    assert!(matches!(&error, Some(StoreError::Damaged { path: named, .. }) if *named == path), "{error:?}");
    std::fs::remove_file(path).expect("moved away");
    let store = open(data.path());
    assert_eq!((get(&store, 1), get(&store, 2)), (None, Some(cell(8))));
}

#[test]
fn a_record_harmed_on_the_disk_is_absent_and_its_slot_stays_closed() {
    let data = folder();
    let store = open(data.path());
    put(&store, &[(1, 1, 7), (2, 1, 8)]);
    sort(&store, NOW);
    let path = files(data.path()).into_iter().find(|path| path.extension().is_some_and(|e| e == "cells"));
    flip(&path.expect("a bucket"));
    assert_eq!((get(&store, 1), get(&store, 2)), (None, Some(cell(8))));
    assert_eq!(put(&store, &[(1, 1, 7)]), [PutOutcome::Refused]);
}

#[test]
fn a_crash_while_sorting_is_undone_and_sorted_again() {
    let data = folder();
    let store = open(data.path());
    put(&store, &[(1, 1, 7), (2, 2, 8)]);
    drop(store);
    let log = data.path().join("log/000000001.log");
    let octets = std::fs::read(&log).expect("the log");
    drop(open(data.path()));
    let sorted = sizes(data.path());
    // The segment is back, as if the power had failed just before its deletion reached the disk.
    std::fs::write(&log, octets).expect("written");
    let store = open(data.path());
    assert_eq!(sizes(data.path()), sorted, "nothing is there twice");
    assert_eq!((get(&store, 1), get(&store, 2), store.cells_held()), (Some(cell(7)), Some(cell(8)), 2));
}

#[test]
fn one_store_has_a_folder() {
    let data = folder();
    let _store = open(data.path());
    let second = Store::open(data.path(), StoreLimits::default(), NOW).err();
    assert!(matches!(second, Some(StoreError::Locked(_))), "{second:?}");
}

#[test]
fn many_segments_are_sorted_while_writing_and_reading_go_on() {
    let data = folder();
    let limits = StoreLimits { segment_octets: 20_000, ..StoreLimits::default() };
    let store = Store::open(data.path(), limits, NOW).expect("a store");
    for n in 0..1_000 {
        while put(&store, &[(n, n % 7, n as u8)]) == [PutOutcome::Refused] {}
        for back in [0, 1, 30, 300] {
            let n = n.saturating_sub(back);
            assert_eq!(get(&store, n), Some(cell(n as u8)), "cell {n}");
        }
    }
    drop(store);
    let store = open(data.path());
    assert!((0..1_000).all(|n| get(&store, n) == Some(cell(n as u8))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn the_disk_decides_as_the_memory_does(steps in proptest::collection::vec(steps(), 1..60)) {
        let data = folder();
        let mut store = Some(open(data.path()));
        let mut model = MemoryCells::default();
        let mut now = NOW;
        for step in steps {
            let open_store = store.take().unwrap_or_else(|| open_at(data.path(), now));
            model.expire(now);
            match step {
                Step::Put(n, hours, fill) => {
                    let admission = Admission { bucket: Hour(Hour::of(now).0 + hours), ..admission(n, 0) };
                    let asked = StorePut { admission, cell: cell(fill) };
                    let outcome = open_store.put(now, vec![asked]).blocking_recv().expect("answered");
                    prop_assert_eq!(outcome, vec![model.put(admission, &cell(fill))]);
                }
                Step::Get(n) => {
                    let found = get_at(&open_store, n, now);
                    prop_assert_eq!(found.as_deref(), model.cell(&slot(n)));
                }
                Step::Sort => sort(&open_store, now),
                Step::Wait(hours) => now = now.shifted(hours * HOUR_MS),
                Step::Restart => continue,
            }
            store = Some(open_store);
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Put(u64, u64, u8),
    Get(u64),
    Sort,
    Wait(i64),
    Restart,
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u64..20, 0u64..4, 0u8..2).prop_map(|(n, hours, fill)| Step::Put(n, hours, fill)),
        6 => (0u64..20).prop_map(Step::Get),
        1 => Just(Step::Sort),
        1 => (1i64..3).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

const STORED: PutOutcome = PutOutcome::Stored;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn open(data: &Path) -> Store {
    open_at(data, NOW)
}

fn open_at(data: &Path, now: WallTime) -> Store {
    Store::open(data, StoreLimits::default(), now).expect("a store")
}

fn slot(number: u64) -> Slot {
    let mut token = [0; 32];
    token[..8].copy_from_slice(&number.to_be_bytes());
    slot_of(&WriteToken(token))
}

fn admission(number: u64, hours: u64) -> Admission {
    Admission { slot: slot(number), bucket: Hour(Hour::of(NOW).0 + hours) }
}

fn cell(fill: u8) -> Vec<u8> {
    vec![fill; CellSize::SMALLEST.octets()]
}

/// Stores cells (slot's number, hours to live, fill), all in one exchange.
fn put(store: &Store, cells: &[(u64, u64, u8)]) -> Vec<PutOutcome> {
    let admit =
        |(n, hours, fill): &(u64, u64, u8)| StorePut { admission: admission(*n, *hours), cell: cell(*fill) };
    store.put(NOW, cells.iter().map(admit).collect()).blocking_recv().expect("answered")
}

fn get(store: &Store, number: u64) -> Option<Vec<u8>> {
    get_at(store, number, NOW)
}

fn get_at(store: &Store, number: u64, now: WallTime) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    store.append_found(now, &slot(number), CellSize::SMALLEST, &mut out);
    let (presence, cell) = out.split_first().expect("an answer");
    (*presence == 1).then(|| cell.to_vec())
}

fn sort(store: &Store, now: WallTime) {
    store.sort_now(now).blocking_recv().expect("sorted");
}

fn files(data: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data.join("cells")).expect("a folder");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn sizes(data: &Path) -> Vec<(PathBuf, u64)> {
    files(data).into_iter().map(|path| (path.clone(), path.metadata().expect("a file").len())).collect()
}

fn index_of(data: &Path) -> PathBuf {
    files(data).into_iter().find(|path| path.extension().is_some_and(|e| e == "index")).expect("an index")
}

/// Changes one bit behind the first head.
fn flip(path: &Path) {
    let mut octets = std::fs::read(path).expect("a file");
    octets[70] ^= 1;
    std::fs::write(path, octets).expect("written");
}

fn halve(path: &Path) {
    let octets = std::fs::read(path).expect("a file");
    std::fs::write(path, &octets[..octets.len() / 2]).expect("written");
}
