use std::path::PathBuf;

use couloir_engine::store::{OutboxItem, OutboxRow, StoredEntry};
use couloir_engine::{Fetch, Fetched, StateKey, Write};
use couloir_wire::cell::Stream;
use couloir_wire::entry::{Body, DeliveryState, Entry, Precedence};
use couloir_wire::id::{ConversationId, Digest, EntryId, PostId, RouteId};
use couloir_wire::limits::FILE_PIECE_OCTETS;
use sha2::Digest as _;

use super::*;
use crate::keys::StoreKey;

struct Fixture {
    folder: tempfile::TempDir,
    store: Store,
}

impl Fixture {
    fn new() -> Fixture {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = Store::create(&folder.path().join("store.db"), &key(1)).expect("created");
        Fixture { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    /// As after a crash: nothing is said to the store.
    fn reopened(self) -> Fixture {
        let path = self.path();
        let Fixture { folder, store } = self;
        std::mem::forget(store);
        Fixture { folder, store: Store::open(&path, &key(1)).expect("opens") }
    }

    fn apply(&mut self, batch: impl IntoIterator<Item = Write>) {
        self.store.apply(&batch.into_iter().collect::<Vec<_>>()).expect("applied");
    }
}

fn key(number: u8) -> StoreKey {
    StoreKey(Secret32::new([number; 32]))
}

fn id(number: u64) -> EntryId {
    let mut octets = [0; 16];
    // Spread like random ids.
    octets[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    octets[8..].copy_from_slice(&number.to_be_bytes());
    EntryId(octets)
}

fn entry(number: u64, body: Body, expires_ms: Option<i64>) -> Write {
    let entry = Entry {
        id: id(number),
        conversation: ConversationId([7; 16]),
        author: PostId([8; 16]),
        parents: Vec::new(),
        at_ms: 1_790_000_000_000 + number as i64,
        precedence: Precedence::Priority,
        expires_ms,
        salt: [9; 16],
        body,
    };
    Write::Entry(StoredEntry {
        id: entry.id,
        encoded: entry.encode(),
        is_own: true,
        state: DeliveryState::Kept,
        number: Some(number),
        has_gap: false,
    })
}

fn note(number: u64) -> Write {
    entry(number, Body::Note { text: format!("note {number}: 你好、こんにちは{}", "x".repeat(200)) }, None)
}

fn outbox(offset: u64, framed_len: u64, what: OutboxItem) -> Write {
    Write::Outbox(OutboxRow { stream: Stream::Priority, offset, framed_len, what })
}

#[test]
fn a_batch_survives_a_crash_and_comes_back_as_it_was() {
    let mut fixture = Fixture::new();
    let route = StateKey::Route(RouteId([3; 16]));
    fixture.apply([
        Write::State(StateKey::Link, Some(vec![1, 2])),
        Write::State(route, Some(vec![3])),
        Write::State(StateKey::Talk, Some(vec![4])),
        Write::State(StateKey::Talk, None),
        note(1),
        outbox(0, 100, OutboxItem::Entry(id(1))),
        outbox(100, 4, OutboxItem::Message(vec![1, 2, 3])),
        Write::Partial { stream: Stream::Flash, offset: 9, octets: vec![5] },
    ]);
    let snapshot = fixture.reopened().store.snapshot().expect("read");
    assert_eq!(
        snapshot.states.into_iter().collect::<Vec<_>>(),
        vec![(StateKey::Link, vec![1, 2]), (route, vec![3])]
    );
    assert_eq!(snapshot.known.into_iter().collect::<Vec<_>>(), vec![id(1)]);
    assert_eq!(snapshot.partials, vec![(Stream::Flash, 9, vec![5])]);
    assert_eq!(snapshot.outbox.iter().map(|row| row.offset).collect::<Vec<_>>(), vec![0, 100]);
    assert_eq!(snapshot.undelivered, vec![(id(1), DeliveryState::Kept)]);
}

#[test]
fn a_batch_that_fails_changes_nothing() {
    let mut fixture = Fixture::new();
    fixture.apply([note(1)]);
    let failed = fixture.store.apply(&[Write::State(StateKey::Link, Some(vec![1])), note(2), note(1)]);
    assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
    let snapshot = fixture.store.snapshot().expect("read");
    assert!(snapshot.states.is_empty() && snapshot.known.len() == 1);
}

#[test]
fn states_only_move_forward() {
    let mut fixture = Fixture::new();
    fixture.apply([note(1), Write::EntryState(id(1), DeliveryState::Delivered)]);
    fixture.apply([Write::EntryState(id(1), DeliveryState::Carried)]);
    let row = fixture.store.reader().row(id(1)).expect("read").expect("there");
    assert_eq!(row.state, DeliveryState::Delivered);
}

#[test]
fn another_key_opens_nothing_and_damage_is_told() {
    let mut fixture = Fixture::new();
    fixture.apply((1..200).map(note));
    let path = fixture.path();
    assert!(matches!(Store::open(&path, &key(2)), Err(StoreError::WrongKey(_))));
    fixture.store.reader().check().expect("sound");
    fixture.store.settle().expect("settled");
    drop(fixture.store);
    let mut octets = std::fs::read(&path).expect("readable");
    let middle = octets.len() / 2;
    octets[middle] ^= 1;
    std::fs::write(&path, octets).expect("writable");
    let checked = Reader::open(&path, &key(1)).and_then(|reader| reader.check());
    assert!(matches!(checked, Err(StoreError::Damaged(_))), "{checked:?}");
}

#[test]
fn what_expired_leaves_its_number_and_author_and_nothing_of_its_text() {
    let mut fixture = Fixture::new();
    fixture.apply([entry(1, Body::Note { text: "secret".to_owned() }, Some(5)), note(2)]);
    assert_eq!(fixture.store.snapshot().expect("read").expiring, vec![(5, id(1))]);
    fixture.apply([Write::EntryExpires(id(1))]);
    let rows = fixture.store.reader().log_after(None, 10).expect("read");
    assert_eq!((rows.len(), rows[0].number, &rows[0].body), (2, Some(1), &None));
    assert_eq!(
        (rows[0].author, rows[0].kind.as_str(), rows[0].state),
        (PostId([8; 16]), "note", DeliveryState::Kept)
    );
    assert_eq!(fixture.store.snapshot().expect("read").expiring, vec![]);
    assert_eq!(fixture.store.fetch(&Fetch::Inventory).expect("read"), Fetched::Inventory(vec![id(2)]));
}

#[test]
fn the_log_is_read_by_number_whatever_came_first() {
    let mut fixture = Fixture::new();
    fixture.apply([note(3), note(1), note(2)]);
    let numbers = |rows: Vec<LogRow>| rows.into_iter().filter_map(|row| row.number).collect::<Vec<_>>();
    let reader = fixture.store.another_reader().expect("opens");
    assert_eq!(numbers(reader.log_after(None, 10).expect("read")), vec![1, 2, 3]);
    assert_eq!(numbers(reader.log_after(Some(1), 1).expect("read")), vec![2]);
    assert_eq!(numbers(reader.log_last(2).expect("read")), vec![2, 3]);
    fixture.apply([note(4)]);
    assert_eq!(numbers(reader.log_after(Some(3), 10).expect("read")), vec![4]);
}

#[test]
fn the_outbox_forgets_what_is_delivered_and_moves_with_an_incarnation() {
    let mut fixture = Fixture::new();
    let rows = (0..5).map(|n| outbox(n * 10, 10, OutboxItem::Message(vec![n as u8; 9])));
    fixture.apply(rows);
    fixture.apply([Write::OutboxDelivered { stream: Stream::Priority, below: 29 }]);
    let offsets = |fixture: &Fixture| {
        let outbox = fixture.store.snapshot().expect("read").outbox;
        outbox.iter().map(|row| row.offset).collect::<Vec<_>>()
    };
    assert_eq!(offsets(&fixture), vec![20, 30, 40]);
    fixture.apply([Write::OutboxShift { stream: Stream::Priority, by: 20 }]);
    assert_eq!(offsets(&fixture), vec![0, 10, 20]);
    let fetched = fixture.store.fetch(&Fetch::Outbox { stream: Stream::Priority, offset: 10, len_max: 11 });
    let Fetched::Outbox { starts, framed, .. } = fetched.expect("read") else { panic!("another answer") };
    assert_eq!((starts, framed.len(), framed[1]), (vec![10, 20], 20, 3));
    fixture.apply([Write::OutboxClear(Stream::Priority)]);
    assert!(offsets(&fixture).is_empty());
}

#[test]
fn a_file_goes_in_out_and_through_the_outbox() {
    let mut fixture = Fixture::new();
    let octets: Vec<u8> = (0..FILE_PIECE_OCTETS * 40 + 77).map(|i| (i / 7) as u8).collect();
    let imported = fixture.store.import_all(id(1), &mut &octets[..], |_| ()).expect("imported");
    let digest = Digest(sha2::Sha256::digest(&octets).into());
    assert_eq!((imported.len, imported.digest), (octets.len() as u64, digest));
    let body = Body::File { name: "a.pdf".to_owned(), len: imported.len, digest };
    let framed_len = couloir_engine::bulk::framed_len(imported.len);
    fixture.apply([
        entry(1, body, None),
        outbox(0, framed_len, OutboxItem::File { file: id(1), len: imported.len }),
    ]);
    let mut fixture = fixture.reopened();
    let fetch = Fetch::Outbox { stream: Stream::Priority, offset: 0, len_max: u64::MAX };
    let Fetched::Outbox { framed, .. } = fixture.store.fetch(&fetch).expect("read") else {
        panic!("another answer")
    };
    assert_eq!(framed.len() as u64, framed_len);
    let out = fixture.folder.path().join("out.pdf");
    fixture.store.reader().export(id(1), &out).expect("exported");
    assert_eq!(std::fs::read(out).expect("readable"), octets);
}

#[test]
fn a_file_that_comes_in_pieces_is_hashed_and_is_not_given_out_early() {
    let mut fixture = Fixture::new();
    let octets = vec![5u8; FILE_PIECE_OCTETS + 10];
    let digest = Digest(sha2::Sha256::digest(&octets).into());
    fixture.apply([entry(1, Body::File { name: "a".to_owned(), len: octets.len() as u64, digest }, None)]);
    let piece = |offset: usize, end: usize| Write::FilePiece {
        file: id(1),
        offset: offset as u64,
        octets: octets[offset..end].to_vec(),
    };
    fixture.apply([piece(0, FILE_PIECE_OCTETS)]);
    let out = fixture.folder.path().join("out");
    let early = fixture.store.reader().export(id(1), &out);
    assert!(
        matches!(early, Err(FileError::Incomplete { have, .. }) if have == FILE_PIECE_OCTETS as u64),
        "{early:?}"
    );
    let mut fixture = fixture.reopened();
    fixture.apply([piece(FILE_PIECE_OCTETS, octets.len())]);
    let fetched = fixture.store.fetch(&Fetch::FileDigest(id(1))).expect("read");
    assert!(matches!(fetched, Fetched::FileDigest(found) if found.digest == digest));
    fixture.store.reader().export(id(1), &out).expect("exported");
}

#[test]
fn an_own_file_without_its_entry_is_forgotten() {
    let mut fixture = Fixture::new();
    fixture.store.import_all(id(1), &mut &[1u8; 100][..], |_| ()).expect("imported");
    let fixture = fixture.reopened();
    assert_eq!(fixture.store.reader().file_len(id(1)).expect("read"), 0);
}

#[test]
fn a_copy_lacks_the_states_that_must_not_live_twice() {
    let mut fixture = Fixture::new();
    fixture.apply([
        Write::State(StateKey::Link, Some(vec![1])),
        Write::State(StateKey::Channel, Some(vec![2])),
        note(1),
    ]);
    let path = fixture.folder.path().join("copy.db");
    fixture.store.copy_to(&path, &[StateKey::Link]).expect("copied");
    let copy = Store::open(&path, &key(1)).expect("opens");
    let snapshot = copy.snapshot().expect("read");
    assert_eq!(snapshot.states.into_iter().collect::<Vec<_>>(), vec![(StateKey::Channel, vec![2])]);
    copy.reader().check().expect("sound");
}

#[test]
fn secrets_and_settings_are_kept() {
    let mut fixture = Fixture::new();
    fixture.store.put_secret(secrets::SIGNING, &[1; 64]).expect("kept");
    fixture.store.put_setting("watch", Some("a")).expect("kept");
    fixture.store.put_setting("watch", Some("b")).expect("kept");
    let fixture = fixture.reopened();
    assert_eq!(fixture.store.reader().setting("watch").expect("read"), Some("b".to_owned()));
    let seeds = fixture.store.reader().secret(secrets::SIGNING).expect("read").expect("there");
    assert_eq!(&seeds[..], &[1; 64]);
}

/// Not a claim but a measure: `cargo test --release -p couloir speed_of_batches -- --ignored --nocapture`.
#[test]
#[ignore = "a measure"]
fn speed_of_batches() {
    for count in [64u64, 256, 1024] {
        let mut fixture = Fixture::new();
        let began = std::time::Instant::now();
        for first in (0..20_000u64).step_by(count as usize) {
            let mut batch = Vec::new();
            for n in first..(first + count).min(20_000) {
                batch.push(note(n));
                batch.push(outbox(n * 300, 300, OutboxItem::Entry(id(n))));
            }
            fixture.apply(batch);
            let states = (first..(first + count).min(20_000))
                .map(|n| Write::EntryState(id(n), DeliveryState::Delivered));
            let below = (first + count) * 300;
            fixture.apply(states.chain([Write::OutboxDelivered { stream: Stream::Priority, below }]));
        }
        let took = began.elapsed();
        println!("batches of {count}: {:.0} entries/s", 20_000.0 / took.as_secs_f64());
    }
    let mut fixture = Fixture::new();
    let began = std::time::Instant::now();
    let octets = vec![3u8; 64 << 20];
    fixture.store.import_all(id(1), &mut &octets[..], |_| ()).expect("imported");
    println!("import: {:.0} MB/s", 67.1 / began.elapsed().as_secs_f64());
    let began = std::time::Instant::now();
    for (index, pieces) in octets.chunks(FILE_PIECE_OCTETS * 16).enumerate() {
        let base = index * FILE_PIECE_OCTETS * 16;
        fixture.apply(pieces.chunks(FILE_PIECE_OCTETS).enumerate().map(|(i, piece)| Write::FilePiece {
            file: id(2),
            offset: (base + i * FILE_PIECE_OCTETS) as u64,
            octets: piece.to_vec(),
        }));
    }
    println!("pieces in: {:.0} MB/s", 67.1 / began.elapsed().as_secs_f64());
    let began = std::time::Instant::now();
    fixture.store.fetch(&Fetch::FileDigest(id(2))).expect("read");
    println!("digest: {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    let began = std::time::Instant::now();
    fixture.apply([outbox(
        0,
        couloir_engine::bulk::framed_len(64 << 20),
        OutboxItem::File { file: id(1), len: 64 << 20 },
    )]);
    let mut offset = 0;
    while offset < couloir_engine::bulk::framed_len(64 << 20) {
        let fetch = Fetch::Outbox { stream: Stream::Priority, offset, len_max: 1 << 20 };
        let Fetched::Outbox { framed, .. } = fixture.store.fetch(&fetch).expect("read") else {
            panic!("another answer")
        };
        offset += framed.len() as u64;
    }
    println!("fetch: {:.0} MB/s", 67.1 / began.elapsed().as_secs_f64());
}
