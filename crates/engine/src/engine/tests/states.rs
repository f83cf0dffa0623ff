//! States of what was said, and what is given back after a loss of state.

use couloir_wire::entry::DeliveryState;

use super::*;
use crate::Write;
use crate::talk::Unnumbered;

const ENTRY: EntryId = EntryId([11; 16]);

/// The states that `engine` writes in its next batch.
fn states_written(engine: &mut Engine) -> Vec<DeliveryState> {
    let mut states = Vec::new();
    engine.handle(now(2_000), Vec::new()).drain(|output| {
        if let Output::Persist(writes) = output {
            states.extend(writes.into_iter().filter_map(|write| match write {
                Write::EntryState(_, state) => Some(state),
                _ => None,
            }));
        }
    });
    engine.persisted(now(2_000)).drain(drop);
    states
}

#[test]
fn what_was_delivered_or_shown_is_carried_by_no_later_cell() {
    let mut engine = engine();
    engine.talk.known.insert(ENTRY);
    engine.undelivered.insert(ENTRY, DeliveryState::Kept);
    engine.mark_carried(&[ENTRY]);
    engine.mark_carried(&[ENTRY]);
    engine.mark_delivered(&[ENTRY]);
    engine.mark_carried(&[ENTRY]);
    engine.mark_delivered(&[ENTRY]);
    assert_eq!(states_written(&mut engine), [DeliveryState::Carried, DeliveryState::Delivered]);
}

#[test]
fn what_was_shown_is_delivered_by_no_later_acknowledgement() {
    let mut engine = engine();
    engine.talk.known.insert(ENTRY);
    engine.undelivered.insert(ENTRY, DeliveryState::Kept);
    let shown = crate::control::Control::Shown(vec![ENTRY]).encode();
    engine.on(LinkNumber::FIRST, |link| link.on_control(now(2_000), &shown));
    engine.mark_carried(&[ENTRY]);
    engine.mark_delivered(&[ENTRY]);
    assert_eq!(states_written(&mut engine), [DeliveryState::Shown]);
}

#[test]
fn what_the_peer_lacks_is_given_back_though_it_is_held_and_not_what_waits_for_the_phrase() {
    let mut engine = engine();
    let (theirs, ours) = (EntryId([12; 16]), EntryId([13; 16]));
    for (id, is_own) in [(ENTRY, None), (theirs, Some(false)), (ours, Some(true))] {
        engine.talk.known.insert(id);
        let waiting = is_own.map(|is_own| Unnumbered { encoded: Vec::new(), is_own });
        engine.talk.unnumbered.extend(waiting.map(|waiting| (id, waiting)));
    }
    engine.on(LinkNumber::FIRST, |link| link.on_inventory(Vec::new(), true));
    assert_eq!(engine.files.owed.entries, [ENTRY, theirs].into());
}

#[test]
fn the_body_of_a_file_is_given_back_with_its_entry_if_all_of_it_is_here() {
    for (found, bodies_sent) in [(Digest([5; 32]), 1), (Digest([6; 32]), 0)] {
        let mut offices = Offices::linked();
        let engine = &mut offices.engines[0];
        let body = Body::File { name: "条約.pdf".to_owned(), len: 9, digest: Digest([5; 32]) };
        let entry = said_by_peer(engine, ENTRY, body, None);
        engine.on(LinkNumber::FIRST, |link| link.on_fetched(Fetched::Entries(vec![entry.encode()])));
        assert_eq!(engine.files.outgoing.len(), 0, "its hash is not known yet");
        let digest = crate::input::FileDigest { file: ENTRY, digest: found };
        engine.on_fetched(Fetched::FileDigest(digest));
        assert_eq!(engine.files.outgoing.len(), bodies_sent);
    }
}
