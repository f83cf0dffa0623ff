//! One record at two desks: the same items give the same head, order and state.

mod support;

use std::sync::LazyLock;

use couloir_seal::proof::Authentic;
use couloir_seal::record::{Corrects, RecordError, Said, Statement, Verdict, head_of};
use couloir_talks::evidence::{Cause, Place, examine, export};
use couloir_talks::record::{Correction, Item, Record, Standing};
use couloir_wire::id::Digest;
use proptest::prelude::*;
use support::{BEGIN_MS, Desks, Side, story};

static STORY: LazyLock<(Vec<Item>, Desks)> = LazyLock::new(|| {
    let mut desks = Desks::new();
    (story(&mut desks), desks)
});

fn record_of(desks: &Desks, items: impl IntoIterator<Item = Item>) -> Record {
    let mut record = desks.record();
    items.into_iter().for_each(|item| record.add(item).expect("of this audience"));
    record
}

fn digests(record: &Record) -> Vec<Digest> {
    record.order().into_iter().map(Item::digest).collect()
}

proptest! {
    #[test]
    fn whatever_the_order_of_arrival_both_desks_show_the_same(
        shuffled in Just(STORY.0.clone()).prop_shuffle(),
        kept in 0..9usize,
    ) {
        let (items, desks) = &*STORY;
        let (one, other) = (record_of(desks, items.clone()), record_of(desks, shuffled.clone()));
        prop_assert_eq!(one.head(), other.head());
        prop_assert_eq!(one.states(), other.states());
        prop_assert_eq!(digests(&one), digests(&other));
        // A part of it, twice over and backwards, is the same part.
        let part: Vec<Item> = shuffled.into_iter().take(kept).collect();
        let twice = part.iter().rev().chain(&part).cloned();
        let (one, other) = (record_of(desks, part.clone()), record_of(desks, twice));
        prop_assert_eq!((one.head(), one.missing()), (other.head(), other.missing()));
        prop_assert_eq!(one.states(), other.states());
        prop_assert_eq!(digests(&one), digests(&other));
    }

    #[test]
    fn nobody_stands_before_whom_it_names(shuffled in Just(STORY.0.clone()).prop_shuffle(), kept in 0..9usize) {
        let record = record_of(&STORY.1, shuffled.into_iter().take(kept));
        let order = digests(&record);
        let place = |digest: &Digest| order.iter().position(|one| one == digest);
        for item in record.order() {
            let named = match item {
                Item::Statement(said) => said.get().statement.previous.clone(),
                Item::Countersignature(mark) => vec![mark.get().act.statement],
            };
            prop_assert!(named.iter().all(|named| place(named) < place(&item.digest())));
        }
        prop_assert_eq!(order.len(), record.len());
    }
}

proptest! {
    #[test]
    fn damaged_octets_are_refused_and_harm_nobody(
        kind in 0..3usize,
        at in any::<prop::sample::Index>(),
        flip in 1..=255u8,
        cut in any::<prop::sample::Index>(),
        strange in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let (said, good) = &*DOCUMENTS;
        let mut octets = good[kind].clone();
        let at = at.index(octets.len());
        match flip % 3 {
            0 => octets[at] ^= flip,
            1 => octets.truncate(cut.index(octets.len())),
            _ => drop(octets.splice(at..at, strange.iter().copied().chain([flip]))),
        }
        let papers = &STORY.1.papers;
        prop_assume!(octets != good[kind]);
        prop_assert!(papers.prove(&octets).is_err());
        prop_assert!(papers.prove_countersignature(&octets, said).is_err());
        prop_assert!(!examine(&octets, STORY.1.signets()).is_ok_and(|found| found.holds()));
        prop_assert!(papers.prove(&strange).is_err() && examine(&strange, Vec::new()).is_err());
    }
}

/// A statement, and as octets: the statement, its countersignature, both exported.
static DOCUMENTS: LazyLock<(Authentic<Said>, [Vec<u8>; 3])> = LazyLock::new(|| {
    let mut desks = Desks::new();
    let statement = desks.statement(true, &[]);
    let document = desks.sign(&statement);
    let said = desks.papers.prove(&document).expect("it holds");
    let act = desks.act(said.get(), Verdict::Agree);
    let mark = desks.countersign(&said, &act);
    let answer = desks.papers.prove_countersignature(&mark, &said).expect("it holds");
    let items = [Item::Statement(said.clone()), Item::Countersignature(answer)];
    let file = export(&record_of(&desks, items), &desks.papers);
    (said, [document, mark, file])
});

#[test]
fn a_declined_text_is_corrected_until_both_agree() {
    let (items, desks) = &*STORY;
    let record = record_of(desks, items.clone());
    let states = record.states();
    let standing: Vec<_> =
        states.iter().map(|state| (state.standing, state.said.get().statement.number())).collect();
    let said = (Standing::Said, 0);
    assert_eq!(standing, [(Standing::Declined, 0), (Standing::Agreed, 1), said, said, said]);
    assert_eq!(states[0].corrected_by, [states[1].said.get().digest]);
    assert_eq!(states[1].correction, Correction::Follows);
    assert_eq!(record.tips(), [states[4].said.get().digest]);
    assert!(record.missing().is_empty());
}

#[test]
fn what_was_agreed_stays_agreed() {
    let mut desks = Desks::new();
    let said = desks.say(true, &[]);
    let verdicts = [Verdict::Acknowledge, Verdict::Agree, Verdict::Decline];
    let answers = verdicts.map(|verdict| desks.answer(&said, verdict));
    let record = record_of(&desks, [Item::Statement(said.clone())].into_iter().chain(answers));
    let state = record.state(said.get().digest).expect("there");
    assert_eq!((state.standing, state.countersignatures.len()), (Standing::Agreed, 3));
}

#[test]
fn nobody_countersigns_so_often_that_the_record_cannot_be_read() {
    let mut desks = Desks::new();
    let said = desks.say(true, &[]);
    let mut items = vec![Item::Statement(said.clone())];
    items.extend((0..130).map(|_| desks.answer(&said, Verdict::Acknowledge)));
    let agreed = desks.answer(&said, Verdict::Agree);
    items.push(agreed.clone());
    let record = record_of(&desks, items.clone());
    let held: Vec<Digest> = record
        .said_by(said.get().digest, desks.beijing.post())
        .iter()
        .map(|mark| mark.get().digest)
        .collect();
    assert_eq!(held, [&agreed, &items[1], &items[2], &items[3]].map(Item::digest), "what weighs most");
    let other = record_of(&desks, items.into_iter().rev());
    assert_eq!(record, other, "whatever came first");
    let examined = examine(&export(&record, &desks.papers), desks.signets()).expect("it can be read");
    assert!(examined.holds() && examined.is_whole(), "{:?}", examined.faults);
    assert_eq!(examined.record.states()[0].standing, Standing::Agreed);
}

#[test]
fn a_missing_item_is_named_and_the_rest_still_stands() {
    let (items, desks) = &*STORY;
    let missing = items[0].digest();
    let record = record_of(desks, items[1..].iter().cloned());
    assert_eq!(record.missing(), [missing].into());
    assert_eq!(record.states().len(), 4);
    assert_eq!(record.states()[0].correction, Correction::Missing);
}

#[test]
fn an_empty_record_has_a_head_and_another_audience_no_place() {
    let mut desks = Desks::new();
    let mut record = desks.record();
    assert_eq!((record.head(), record.is_empty()), (head_of(&[]), true));
    let mut statement = desks.statement(true, &[]);
    statement.audience.channel.0[0] ^= 1;
    let said = desks.papers.prove(&desks.sign(&statement)).expect("it holds");
    assert!(record.add(Item::Statement(said)).is_err());
}

#[test]
fn an_exported_record_holds_under_the_two_signets_alone() {
    let (items, desks) = &*STORY;
    let record = record_of(desks, items.clone());
    let file = export(&record, &desks.papers);
    let found = examine(&file, desks.signets()).expect("a file of ours");
    assert!(found.holds() && found.is_whole(), "{:?}", found.faults);
    assert_eq!((found.record.head(), found.record.states()), (record.head(), record.states()));
    assert_eq!(export(&found.record, &desks.papers), file);
}

#[test]
fn a_partial_record_is_told_as_such() {
    let (items, desks) = &*STORY;
    for left_out in 0..4 {
        let part = items.iter().enumerate().filter(|(place, _)| *place != left_out);
        let part = record_of(desks, part.map(|(_, item)| item.clone()));
        let found = examine(&export(&part, &desks.papers), desks.signets()).expect("a file of ours");
        assert!(found.holds() && !found.is_whole(), "{left_out}: {:?}", found.faults);
        // Who names the second are its countersignatures, which prove nothing without it and stay out too.
        assert_eq!(found.missing.contains(&items[left_out].digest()), left_out != 1);
    }
}

#[test]
fn without_a_sides_signet_nothing_of_it_holds() {
    let (items, desks) = &*STORY;
    let file = export(&record_of(desks, items.clone()), &desks.papers);
    let found = examine(&file, vec![desks.tokyo.signet.clone()]).expect("a file of ours");
    assert!(!found.holds() && found.strangers.len() == 1);
    let impostor = Side::new(9, "外交部", "联络处处长");
    let found = examine(&file, vec![desks.tokyo.signet.clone(), impostor.signet]).expect("a file of ours");
    assert!(!found.holds());
}

#[test]
fn a_revoked_node_says_nothing_more_and_what_it_said_before_is_marked() {
    let mut desks = Desks::new();
    let said = desks.say(false, &[]);
    let (at, digest) = (said.get().statement.at_ms, said.get().digest);
    let record = record_of(&desks, [Item::Statement(said)]);
    for (revoked_ms, is_too_late) in [(at, true), (at + 1, false)] {
        let mut papers = desks.papers.clone();
        papers.learn_revocation(&desks.beijing.revocation(revoked_ms).encode()).expect("it holds");
        let found = examine(&export(&record, &papers), desks.signets()).expect("a file of ours");
        assert_eq!(found.holds(), !is_too_late);
        assert_eq!(found.record.item(digest).is_some(), !is_too_late);
        assert_eq!(found.revoked_later.len(), usize::from(!is_too_late));
    }
}

#[test]
fn a_correction_under_a_wrong_number_is_found() {
    let mut desks = Desks::new();
    let first = desks.say(true, &[]);
    let statement = desks.statement(false, &[first.get().digest]);
    let corrects = Some(Corrects { statement: first.get().digest, number: 2 });
    let wrong = desks.papers.prove(&desks.sign(&Statement { corrects, ..statement })).expect("it holds");
    let record = record_of(&desks, [first, wrong].map(Item::Statement));
    let found = examine(&export(&record, &desks.papers), desks.signets()).expect("a file of ours");
    assert_eq!(found.faults.len(), 1);
    assert_eq!((found.faults[0].place, &found.faults[0].cause), (Place::Statement(2), &Cause::Misnumbered));
}

#[test]
fn no_octet_of_an_exported_record_can_be_changed() {
    let mut desks = Desks::new();
    let said = desks.say(true, &[]);
    let agreed = desks.answer(&said, Verdict::Agree);
    let file = export(&record_of(&desks, [Item::Statement(said), agreed]), &desks.papers);
    // Every octet would take a minute; a prime step meets each part of the file.
    for at in (0..file.len()).step_by(37) {
        let mut changed = file.clone();
        changed[at] ^= 0x20;
        let held = examine(&changed, desks.signets()).is_ok_and(|found| found.holds());
        assert!(!held, "octet {at} of {}", file.len());
    }
    assert!(examine(&file[..file.len() - 1], desks.signets()).is_err());
}

#[test]
fn a_countersignature_holds_for_its_statement_only_and_by_another_side_only() {
    let mut desks = Desks::new();
    let (one, other) = (desks.say(true, &[]), desks.say(true, &[]));
    let act = desks.act(one.get(), Verdict::Agree);
    let octets = desks.countersign(&one, &act);
    assert!(desks.papers.prove_countersignature(&octets, &one).is_ok());
    assert_eq!(desks.papers.prove_countersignature(&octets, &other), Err(RecordError::OtherStatement));
    // Its author's own side has said it already.
    let own = couloir_seal::record::Act {
        side: one.get().statement.side,
        author: desks.tokyo.post(),
        certificate: couloir_seal::papers::digest(&desks.tokyo.certificate),
        ..act
    };
    let refused = couloir_seal::record::countersign(&desks.tokyo.node, &desks.tokyo.certificate, &one, &own);
    assert_eq!(refused, Err(RecordError::NotAddressed(desks.tokyo.post())));
    assert!(own.at_ms > BEGIN_MS);
}
