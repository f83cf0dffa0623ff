//! What several posts read: how far it came, and whether all were told the same.

use couloir_wire::entry::{Note, Parent};

use super::*;
use crate::clerk::about;

#[test]
fn links_keep_their_streams_apart_and_an_entry_is_as_far_as_its_slowest_reader() {
    let mut fixture = Fixture::new();
    let of_link = |number| Write::OfLink(LinkNumber(number));
    let reached = |state| Write::EntryState(id(1), state);
    fixture.apply([
        note(1),
        outbox(0, 10, OutboxItem::Entry(id(1))),
        reached(DeliveryState::Kept),
        Write::State(StateKey::Channel, Some(vec![1])),
        of_link(1),
        Write::State(StateKey::Channel, Some(vec![2])),
        outbox(0, 10, OutboxItem::Entry(id(1))),
        reached(DeliveryState::Kept),
    ]);
    let state = |fixture: &Fixture| fixture.store.reader().row(id(1)).expect("read").expect("a row").state;
    fixture.apply([reached(DeliveryState::Shown), Write::OutboxClear(Stream::Priority)]);
    assert_eq!(state(&fixture), DeliveryState::Kept);
    fixture.apply([of_link(1), reached(DeliveryState::Delivered)]);
    assert_eq!(state(&fixture), DeliveryState::Delivered);
    let links = fixture.store.snapshot().expect("read").links;
    assert_eq!(links.values().map(|link| link.outbox.len()).collect::<Vec<_>>(), vec![0, 1]);
}

#[test]
fn what_two_readers_were_told_differently_shows_at_what_was_said_after_it() {
    let mut fixture = Fixture::new();
    fixture.apply([note(1)]);
    let reader = fixture.store.reader();
    let told = reader.row(id(1)).expect("read").and_then(|row| row.entry).expect("an entry");
    let after = |told: &Entry| {
        let parent = Parent { id: id(1), digest: couloir_seal::sha256_of(&told.encode()), number: 1 };
        Entry { id: id(2), parents: vec![parent], ..told.clone() }
    };
    assert!(!reader.is_told_differently(&after(&told)).expect("read"));
    let other = Entry { body: Body::note("不同"), ..told.clone() };
    assert!(reader.is_told_differently(&after(&other)).expect("read"));
    let missing = Parent { id: id(9), ..after(&other).parents[0] };
    assert!(!reader.is_told_differently(&Entry { parents: vec![missing], ..told }).expect("read"));
}

/// What the other side says.
fn theirs(number: u64, body: Body) -> Write {
    let Write::Entry(stored) = entry(number, body, None) else { panic!("an entry") };
    let said = Entry::decode(&stored.encoded).expect("an entry");
    let encoded = Entry { author: PostId([18; 16]), ..said }.encode();
    Write::Entry(StoredEntry { encoded, is_own: false, ..stored })
}

#[test]
fn words_of_a_note_are_its_author_s_versions_and_its_translations_and_nobody_else_s_edits() {
    let mut fixture = Fixture::new();
    let edit = |text: &str| Body::Edit { entry: id(1), text: text.to_owned() };
    let answer = Body::Note(Note { reply_to: Some(id(1)), ..plain("返事") });
    fixture.apply([
        entry(1, Body::note("初めの言葉"), None),
        entry(2, edit("直した言葉"), None),
        theirs(3, edit("偽の言葉")),
        theirs(4, translation("王", "译文")),
        theirs(5, answer),
    ]);
    let reader = fixture.store.reader();
    let row = reader.row(id(1)).expect("read").expect("a row");
    assert_eq!(about::last_text(reader, &row).expect("read").as_deref(), Some("直した言葉"));
    let is_quoted = |words| about::is_quoted(reader, &row, words).expect("read");
    assert_eq!(["初め", "直し た", "译文", "偽", "返事"].map(is_quoted), [true, true, true, false, false]);
}

fn plain(text: &str) -> Note {
    Note { text: text.to_owned(), lang: None, reply_to: None, quote: None }
}
