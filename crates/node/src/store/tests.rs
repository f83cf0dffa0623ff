mod readers;

use std::path::PathBuf;

use couloir_engine::store::{OutboxItem, OutboxRow, StoredEntry};
use couloir_engine::{Fetch, Fetched, LinkNumber, StateKey, Write};
use couloir_wire::cell::Stream;
use couloir_wire::entry::{
    Body, CaseAct, CaseFile, DeliveryState, Entry, Person, Precedence, Rendering, Translation,
};
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

/// Of the first entry, into Chinese.
fn translation(by: &str, text: &str) -> Body {
    Body::Translate(Translation {
        of: id(1),
        lang: "zh-Hans".parse().expect("a language"),
        rendering: Rendering::Official,
        by: by.to_owned(),
        text: text.to_owned(),
    })
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
        marking: None,
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
    entry(number, Body::note(format!("note {number}: 你好、こんにちは{}", "x".repeat(200))), None)
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
    let mut snapshot = fixture.reopened().store.snapshot().expect("read");
    let link = snapshot.links.remove(&LinkNumber::FIRST).expect("a link");
    assert_eq!(
        link.states.into_iter().collect::<Vec<_>>(),
        vec![(StateKey::Link, vec![1, 2]), (route, vec![3])]
    );
    assert_eq!(snapshot.known.iter().collect::<Vec<_>>(), vec![id(1)]);
    assert_eq!(link.partials, vec![(Stream::Flash, 9, vec![5])]);
    assert_eq!(link.outbox.iter().map(|row| row.offset).collect::<Vec<_>>(), vec![0, 100]);
    assert_eq!(snapshot.undelivered, vec![(id(1), DeliveryState::Kept)]);
}

#[test]
fn a_start_does_not_read_every_entry() {
    let fixture = Fixture::new();
    let plan = format!("EXPLAIN QUERY PLAN {}", read::UNDELIVERED);
    let mut plan = fixture.store.reader().connection.prepare(&plan).expect("planned");
    let steps = plan.query_map([1], |row| row.get::<_, String>(3)).expect("asked");
    let steps: Vec<String> = steps.collect::<Result<_, _>>().expect("read");
    assert!(!steps.iter().any(|step| step == "SCAN e"), "{steps:?}");
}

#[test]
fn a_batch_that_fails_changes_nothing() {
    let mut fixture = Fixture::new();
    fixture.apply([note(1)]);
    let failed = fixture.store.apply(&[Write::State(StateKey::Link, Some(vec![1])), note(2), note(1)]);
    assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
    let snapshot = fixture.store.snapshot().expect("read");
    assert!(snapshot.states.is_empty() && snapshot.known.iter().count() == 1);
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
    fixture.apply([entry(1, Body::note("secret"), Some(5)), note(2)]);
    assert_eq!(fixture.store.snapshot().expect("read").expiring, vec![(5, id(1))]);
    fixture.apply([Write::EntryExpires(id(1))]);
    let rows = fixture.store.reader().log_after(None, 10).expect("read");
    assert_eq!((rows.len(), rows[0].number, &rows[0].entry), (2, Some(1), &None));
    assert_eq!(
        (rows[0].author, rows[0].kind.as_str(), rows[0].state),
        (PostId([8; 16]), "note", DeliveryState::Kept)
    );
    assert_eq!(fixture.store.snapshot().expect("read").expiring, vec![]);
    let mut inventory = |authors, conversations| {
        fixture.store.fetch(LinkNumber::FIRST, &Fetch::Inventory { authors, conversations }).expect("read")
    };
    let (ours, theirs, place) = (PostId([8; 16]), PostId([9; 16]), ConversationId([7; 16]));
    assert_eq!(inventory([ours, theirs], vec![place]), Fetched::Inventory(vec![id(2)]));
    assert_eq!(inventory([ours, theirs], vec![ConversationId([6; 16])]), Fetched::Inventory(vec![]));
    assert_eq!(inventory([theirs, theirs], vec![place]), Fetched::Inventory(vec![]));
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

/// A note of the other side's.
fn theirs(number: u64, appears: bool) -> Write {
    let Write::Entry(stored) = note(number) else { panic!("another write") };
    Write::Entry(StoredEntry { is_own: false, number: appears.then_some(number), ..stored })
}

#[test]
fn a_conversation_counts_its_entries_and_what_no_desk_was_shown() {
    let mut fixture = Fixture::new();
    let counts = |fixture: &Fixture| {
        let row = fixture.store.reader().conversation(ConversationId([7; 16])).expect("read");
        (row.count, row.unread)
    };
    assert_eq!(counts(&fixture), (0, 0));
    fixture.apply([note(1), theirs(2, true), theirs(3, true), theirs(4, false)]);
    assert_eq!(counts(&fixture), (3, 2));
    fixture.apply([Write::EntryAppears { id: id(4), number: 4, has_gap: false }]);
    assert_eq!(counts(&fixture), (4, 3));
    let shown = |number| Write::EntryState(id(number), DeliveryState::Shown);
    fixture.apply([shown(1), shown(2), shown(2)]);
    fixture.apply([shown(2), Write::EntryExpires(id(3)), shown(3)]);
    assert_eq!(counts(&fixture), (4, 1));
    assert_eq!(fixture.store.reader().unread().expect("read"), 1);
}

fn said(number: u64, text: &str) -> Write {
    entry(number, Body::note(text), None)
}

/// The log numbers of what is found.
fn found(fixture: &Fixture, wanted: &Lookup) -> Vec<u64> {
    let found = fixture.store.reader().search(wanted, 10).expect("read");
    found.rows.iter().filter_map(|row| row.number).collect()
}

fn words(words: &str) -> Lookup {
    Lookup { words: words.to_owned(), ..Lookup::default() }
}

/// Whether any of a row's terms is in the index.
fn is_indexed(fixture: &Fixture, term: &str) -> bool {
    let sql = "SELECT count(*) FROM said WHERE said MATCH ?1";
    let count: i64 =
        fixture.store.reader().connection.query_row(sql, [term], |row| row.get(0)).expect("read");
    count > 0
}

#[test]
fn search_finds_the_same_with_and_without_the_index() {
    let mut fixture = Fixture::new();
    let file = Body::File { name: "参加者名簿.pdf".to_owned(), len: 0, digest: Digest([1; 32]) };
    fixture.apply([said(1, "査証の件"), said(2, "旅券の件 ＶＩＳＡ"), entry(3, file, None)]);
    fixture.apply([entry(4, translation("山田", "签证"), None)]);
    for _ in 0..2 {
        assert_eq!(found(&fixture, &words("査証")), [1]);
        assert_eq!(found(&fixture, &words("件")), [2, 1]);
        assert_eq!(found(&fixture, &words("visa 旅券")), [2]);
        assert_eq!(found(&fixture, &words("名簿")), [3]);
        assert_eq!(found(&fixture, &words("签证")), [4]);
        assert_eq!(found(&fixture, &words("旅証")), Vec::<u64>::new());
        assert_eq!(found(&fixture, &Lookup { kind: Some("file".to_owned()), ..words("") }), [3]);
        assert_eq!(found(&fixture, &Lookup { by: Some(PostId([9; 16])), ..words("件") }), Vec::<u64>::new());
        assert_eq!(found(&fixture, &Lookup { before: Some(2), ..words("件") }), [1]);
        let until_ms = Some(1_790_000_000_002);
        assert_eq!(found(&fixture, &Lookup { from_ms: Some(0), until_ms, ..words("件") }), [1]);
        fixture.store.index_some(100).expect("indexed");
        assert!(is_indexed(&fixture, "zknote"));
    }
}

#[test]
fn what_expired_or_was_taken_back_is_in_the_index_no_longer() {
    for is_indexed_before in [true, false] {
        let mut fixture = Fixture::new();
        fixture.apply([entry(1, Body::note("秘密"), Some(5)), said(2, "極秘"), said(3, "公開")]);
        fixture.apply([entry(4, Body::Edit { entry: id(2), text: "機密".to_owned() }, None)]);
        if is_indexed_before {
            fixture.store.index_some(100).expect("indexed");
            assert_eq!([found(&fixture, &words("秘密")), found(&fixture, &words("機密"))], [[1], [4]]);
        }
        fixture.apply([Write::EntryExpires(id(1)), entry(5, Body::Withdraw { entry: id(2) }, None)]);
        fixture.store.index_some(100).expect("indexed");
        for gone in ["秘密", "極秘", "機密", "密"] {
            assert_eq!(found(&fixture, &words(gone)), Vec::<u64>::new(), "{gone}");
            // A term is four digits a character, in base 36.
            let term: String = gone.chars().map(|c| format!("{:0>4}", radix_36(u32::from(c)))).collect();
            assert!(!is_indexed(&fixture, &term), "{gone}");
        }
        assert_eq!(found(&fixture, &words("公開")), [3]);
        fixture.store.reader().check().expect("sound");
    }
}

fn radix_36(mut number: u32) -> String {
    let mut digits = Vec::new();
    while number > 0 {
        digits.push(char::from_digit(number % 36, 36).expect("a digit"));
        number /= 36;
    }
    digits.iter().rev().collect()
}

#[test]
fn the_outbox_forgets_what_is_delivered_and_moves_with_an_incarnation() {
    let mut fixture = Fixture::new();
    let rows = (0..5).map(|n| outbox(n * 10, 10, OutboxItem::Message(vec![n as u8; 9])));
    fixture.apply(rows);
    fixture.apply([Write::State(StateKey::Channel, Some(vec![1]))]);
    fixture.apply([Write::OutboxDelivered { stream: Stream::Priority, below: 29 }]);
    let offsets = |fixture: &Fixture| {
        let links = fixture.store.snapshot().expect("read").links;
        links.values().flat_map(|link| &link.outbox).map(|row| row.offset).collect::<Vec<_>>()
    };
    assert_eq!(offsets(&fixture), vec![20, 30, 40]);
    fixture.apply([Write::OutboxShift { stream: Stream::Priority, by: 20 }]);
    assert_eq!(offsets(&fixture), vec![0, 10, 20]);
    let fetched = fixture
        .store
        .fetch(LinkNumber::FIRST, &Fetch::Outbox { stream: Stream::Priority, offset: 10, len_max: 11 });
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
    let Fetched::Outbox { framed, .. } = fixture.store.fetch(LinkNumber::FIRST, &fetch).expect("read") else {
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
    let fetched = fixture.store.fetch(LinkNumber::FIRST, &Fetch::FileDigest(id(1))).expect("read");
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
        Write::OfLink(LinkNumber(1)),
        Write::State(StateKey::Link, Some(vec![3])),
        Write::State(StateKey::Channel, Some(vec![4])),
    ]);
    let path = fixture.folder.path().join("copy.db");
    fixture.store.copy_to(&path, &[StateKey::Link]).expect("copied");
    let copy = Store::open(&path, &key(1)).expect("opens");
    let snapshot = copy.snapshot().expect("read");
    let states = |number| snapshot.links[&LinkNumber(number)].states.clone().into_iter().collect::<Vec<_>>();
    assert_eq!(states(0), vec![(StateKey::Channel, vec![2])]);
    assert_eq!(states(1), vec![(StateKey::Channel, vec![4])]);
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

/// A step of a case; of none it raises one.
fn case(number: u64, of: Option<u64>) -> Write {
    let act = match of {
        Some(_) => CaseAct::Remark { text: "既に転達した。".repeat(20) },
        None => CaseAct::Raise(CaseFile {
            title: format!("事案{number}"),
            persons: vec![person()],
            what: "拘束されたとの連絡".repeat(20),
            when: None,
            place: String::new(),
            legal_basis: String::new(),
            clocks: Vec::new(),
        }),
    };
    entry(number, Body::Case { of: of.map(id), act }, None)
}

fn person() -> Person {
    serde_json::from_str(r#"{"number": 1, "name": "山田太郎"}"#).expect("a person")
}

fn summary(title: &str) -> Summary {
    Summary {
        kind: "case".to_owned(),
        title: title.to_owned(),
        state: "unanswered".to_owned(),
        is_open: true,
        is_ours: true,
        waits_for_us: true,
        waits_for_them: false,
        due_ms: Some(7),
        detail: String::new(),
    }
}

#[test]
fn a_step_that_comes_while_a_matter_is_summed_up_is_not_missed() {
    let mut fixture = Fixture::new();
    fixture.apply([case(1, None), note(2)]);
    let seen = fixture.store.reader().stale_matters(9).expect("read");
    assert_eq!(seen.len(), 1);
    fixture.apply([case(3, Some(1))]);
    let summed = vec![(id(1), seen[0].1, Some(summary("一")))];
    fixture.store.put_summaries(&summed).expect("kept");
    let stale = fixture.store.reader().stale_matters(9).expect("read");
    assert_eq!(stale.len(), 1, "the later step was not in the summary");
    fixture.store.put_summaries(&[(id(1), stale[0].1, Some(summary("二")))]).expect("kept");
    let fixture = fixture.reopened();
    let reader = fixture.store.reader();
    assert_eq!(reader.stale_matters(9).expect("read"), []);
    let wanted = Wanted { only_ours_to_answer: true, by_due: true, ..Wanted::default() };
    let listed = reader.matters(&wanted, 9).expect("read");
    assert_eq!((listed.len(), listed[0].newest, listed[0].summary.clone()), (1, 3, summary("二")));
    assert_eq!(reader.steps(id(1), 9).expect("read").len(), 2);
}
