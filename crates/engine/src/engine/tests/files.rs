//! Files whose bodies come before their entries, damaged, or as zeros.

use couloir_seal::sha256_of;

use super::*;
use crate::input::FileDigest;

const FILE: EntryId = EntryId([10; 16]);
const OCTETS: &[u8] = b"articles 1 to 9";
const DAMAGED: &[u8] = b"articles 1 to 8";

/// The body comes: a head that names the right octets, then `octets`, whose hash the store tells.
fn body_comes(engine: &mut Engine, octets: &[u8]) {
    let number = |number: u64| number.to_be_bytes();
    let head = [&[0], &FILE.0[..], &number(OCTETS.len() as u64), &sha256_of(OCTETS).0].concat();
    let piece = [&[1], &FILE.0[..], &number(0), octets].concat();
    engine.on_bulk(&head);
    engine.on_bulk(&piece);
    is_hashed(engine, octets);
}

/// The store hashes what lies there, if it is asked.
fn is_hashed(engine: &mut Engine, octets: &[u8]) {
    let asks = |output: &Output| matches!(output, Output::Fetch(_, Fetch::FileDigest(FILE)));
    let before = engine.batch.after.len();
    engine.batch.after.retain(|output| !asks(output));
    if engine.batch.after.len() < before {
        engine.on_fetched(Fetched::FileDigest(FileDigest { file: FILE, digest: sha256_of(octets) }));
    }
}

fn entry_comes(engine: &mut Engine, expires_ms: Option<i64>) {
    let len = OCTETS.len() as u64;
    let body = Body::File { name: "条約.pdf".to_owned(), len, digest: sha256_of(OCTETS) };
    let entry = said_by_peer(engine, FILE, body, expires_ms);
    engine.on_entry(now(2_000), &entry.encode());
}

fn is_shown_damaged(engine: &Engine) -> bool {
    engine.status(now(2_000)).files.iter().any(|file| file.entry == FILE && file.is_damaged)
}

#[test]
fn a_body_that_was_damaged_before_its_entry_came_is_told_with_it() {
    let mut engine = engine();
    body_comes(&mut engine, DAMAGED);
    assert_eq!(told(&mut engine), [], "whose file it is nobody knows yet");
    entry_comes(&mut engine, None);
    is_hashed(&mut engine, DAMAGED);
    assert_eq!(told(&mut engine), [Notice::FileDamaged(FILE)]);
    assert!(is_shown_damaged(&engine));
}

#[test]
fn a_body_that_is_damaged_after_its_entry_came_is_told_at_once() {
    let mut engine = engine();
    entry_comes(&mut engine, None);
    body_comes(&mut engine, DAMAGED);
    assert_eq!(told(&mut engine), [Notice::FileDamaged(FILE)]);
    assert!(is_shown_damaged(&engine));
}

#[test]
fn a_damaged_body_that_comes_again_is_whole() {
    let mut engine = engine();
    entry_comes(&mut engine, None);
    body_comes(&mut engine, DAMAGED);
    told(&mut engine);
    body_comes(&mut engine, OCTETS);
    assert_eq!(told(&mut engine), [Notice::FileWhole(FILE)]);
    assert!(!is_shown_damaged(&engine) && engine.files.expected.is_empty());
}

#[test]
fn a_whole_body_is_whole_whether_its_entry_comes_before_it_or_after_it() {
    for is_entry_first in [true, false] {
        let mut engine = engine();
        if is_entry_first {
            entry_comes(&mut engine, None);
        }
        body_comes(&mut engine, OCTETS);
        if !is_entry_first {
            assert_eq!(told(&mut engine), []);
            entry_comes(&mut engine, None);
            is_hashed(&mut engine, OCTETS);
        }
        assert_eq!(told(&mut engine), [Notice::FileWhole(FILE)], "entry first: {is_entry_first}");
        assert!(engine.files.expected.is_empty() && engine.files.incoming.is_empty());
    }
}

#[test]
fn a_file_that_is_whole_is_written_over_by_no_later_body() {
    let mut engine = engine();
    entry_comes(&mut engine, None);
    body_comes(&mut engine, OCTETS);
    told(&mut engine);
    body_comes(&mut engine, DAMAGED);
    assert_eq!(told(&mut engine), []);
    assert!(engine.files.incoming.is_empty());
}

#[test]
fn a_file_that_another_peer_sends_is_written_to_by_no_one_else_once_that_is_known() {
    for is_known in [false, true] {
        let mut engine = engine();
        let number = |number: usize| (number as u64).to_be_bytes();
        engine.on(LinkNumber::FIRST, |link| {
            link.on_bulk(&[&[0], &FILE.0[..], &number(OCTETS.len()), &sha256_of(OCTETS).0].concat());
            if is_known {
                // Its entry came over another link.
                link.talk.known.insert(FILE);
            }
            link.on_bulk(&[&[1], &FILE.0[..], &number(0), DAMAGED].concat());
        });
        let mut pieces = 0;
        engine.handle(now(2_000), Vec::new()).drain(|output| {
            if let Output::Persist(writes) = output {
                pieces +=
                    writes.iter().filter(|write| matches!(write, crate::Write::FilePiece { .. })).count();
            }
        });
        assert_eq!(pieces, usize::from(!is_known));
    }
}

#[test]
fn what_lies_there_is_hashed_once_its_entry_is_known() {
    let mut engine = engine();
    body_comes(&mut engine, OCTETS);
    entry_comes(&mut engine, None);
    // Another member wrote there meanwhile.
    is_hashed(&mut engine, DAMAGED);
    assert_eq!(told(&mut engine), [Notice::FileDamaged(FILE)]);
}

#[test]
fn zeros_of_a_file_that_expired_with_its_author_are_not_called_damage() {
    let mut engine = engine();
    entry_comes(&mut engine, Some(WALL.0 + 3_600_000));
    body_comes(&mut engine, &[0; OCTETS.len()]);
    assert_eq!(told(&mut engine), []);
    assert!(!is_shown_damaged(&engine));
}

#[test]
fn bodies_whose_entries_never_come_make_room_for_others() {
    let mut engine = engine();
    for number in 0..=super::super::files::INCOMING_MAX as u16 {
        let [high, low] = number.to_be_bytes();
        let mut file = [0; 16];
        (file[0], file[1]) = (high, low);
        let head = [&[0], &file[..], &0u64.to_be_bytes(), &sha256_of(&[]).0].concat();
        engine.on_bulk(&head);
        let digest = FileDigest { file: EntryId(file), digest: sha256_of(&[]) };
        engine.on_fetched(Fetched::FileDigest(digest));
        assert!(engine.files.incoming.contains_key(&EntryId(file)), "file {number}");
    }
    assert!(engine.files.incoming.len() <= super::super::files::INCOMING_MAX);
}
