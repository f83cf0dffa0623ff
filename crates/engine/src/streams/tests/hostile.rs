//! A peer that holds our keys and means harm: nothing panics, everything stays bounded.

use super::super::*;
use super::*;
use couloir_wire::limits::HELD_RANGES_MAX;
use std::collections::BTreeMap;

fn piece(stream: Stream, offset: u64, octets: Vec<u8>) -> Fragment {
    Fragment { stream, offset, first_start: None, octets }
}

fn credits() -> u64 {
    Stream::ALL.into_iter().map(credit_of).sum()
}

#[test]
fn a_fragment_that_would_open_one_range_too_many_is_dropped_and_the_next_in_line_never_is() {
    let mut streams = RecvStreams::new();
    for i in 1..=HELD_RANGES_MAX as u64 + 50 {
        streams.receive(piece(Stream::Routine, 10 * i, vec![9; 5])).expect("plausible");
    }
    assert_eq!(streams.held_octets(), 5 * HELD_RANGES_MAX as u64);
    let opening = Fragment { first_start: Some(0), ..piece(Stream::Routine, 0, vec![120, 9, 9]) };
    streams.receive(opening).expect("plausible");
    streams.receive(piece(Stream::Routine, 15, vec![9; 5])).expect("joins two ranges");
    assert_eq!(streams.held_octets(), 5 * HELD_RANGES_MAX as u64 + 8);
    assert_eq!(streams.acks()[0].delivered, 3);
}

#[test]
fn splinters_in_any_order_cost_little_more_than_their_octets() {
    let credit = credit_of(Stream::Routine);
    let ascending: Vec<u64> = (1..200_000).collect();
    let descending: Vec<u64> = (1..200_000).rev().collect();
    let even_then_odd: Vec<u64> =
        (0..500).map(|i| credit - 2 * i - 1).chain((1..100_000).map(|i| 2 * i)).collect();
    for order in [ascending, descending, even_then_odd] {
        let (mut streams, mut stored) = (RecvStreams::new(), BTreeMap::new());
        for (i, offset) in order.into_iter().enumerate() {
            streams.receive(piece(Stream::Routine, offset, vec![0x55])).expect("plausible");
            if i % 3 == 0 {
                apply(streams.take_changes(), &mut stored);
            }
        }
        apply(streams.take_changes(), &mut stored);
        let (chunks, heads, saved) = streams.counts(Stream::Routine);
        assert!(chunks <= HELD_RANGES_MAX + 200 && heads <= 2, "{chunks} chunks, {heads} heads");
        assert!(saved <= HELD_RANGES_MAX + 200 && saved == stored.len(), "{saved} pieces");
        assert_eq!(stored.values().map(|octets| octets.len() as u64).sum::<u64>(), streams.held_octets());
    }
}

fn apply(changes: RecvChanges, stored: &mut BTreeMap<(Stream, u64), Vec<u8>>) {
    for (stream, offset) in &changes.partials_gone {
        assert!(!changes.partials_put.iter().any(|put| (put.0, put.1) == (*stream, *offset)));
        stored.remove(&(*stream, *offset)).expect("was stored");
    }
    for (stream, offset, octets) in changes.partials_put {
        stored.insert((stream, offset), octets);
    }
}

#[test]
fn whatever_comes_the_reader_holds_at_most_its_credits_and_acknowledges_nothing_beyond() {
    for seed in 0..400 {
        let (mut dice, mut streams, mut stored) = (Dice::new(seed), RecvStreams::new(), BTreeMap::new());
        let mut bases = [0u64; couloir_wire::limits::STREAMS];
        for _ in 0..300 {
            let stream = Stream::ALL[dice.below(6) as usize];
            let near = bases[stream.index()].saturating_sub(50);
            let offset = match dice.below(4) {
                0 => near + dice.below(credit_of(stream) + 100),
                _ => near + dice.below(400),
            };
            let len = if dice.is_one_in(20) { 60_000 } else { 1 + dice.below(60) };
            let octet = dice.below(40) as u8 * u8::from(dice.below(9) > 0);
            let first_start = dice.is_one_in(2).then(|| dice.below(len) as u32);
            let octets = vec![octet; len as usize];
            if streams.receive(Fragment { stream, offset, first_start, octets }).is_err() {
                streams = RecvStreams::new();
                stored.clear();
                bases = Default::default();
            }
            assert!(streams.held_octets() <= credits(), "seed {seed}");
            for ack in streams.acks() {
                bases[ack.stream.index()] = ack.delivered;
                let reach = ack.ranges.iter().fold(ack.delivered, |reach, range| reach.max(range.1));
                assert!(reach <= ack.delivered + credit_of(ack.stream), "seed {seed}");
            }
            if dice.is_one_in(5) {
                apply(streams.take_changes(), &mut stored);
                assert!(stored.values().map(Vec::len).sum::<usize>() as u64 <= 2 * credits());
            }
        }
    }
}

#[test]
fn acknowledgements_in_a_thousand_splinters_stay_bounded_and_the_true_one_still_counts() {
    let mut desk = Desk::new();
    for number in 0..200 {
        desk.say(number, 100);
    }
    let end = desk.streams.end(Stream::Routine);
    while !desk.pack_prompt(0, 500).1.is_empty() {}
    for i in 0..end / 4 {
        let range = (4 * i + 2, 4 * i + 3);
        let ack = couloir_wire::cell::Ack { stream: Stream::Routine, delivered: 0, ranges: vec![range] };
        desk.streams.acknowledge(&ack).expect("appended");
    }
    assert_eq!(desk.streams.unacknowledged(), end - HELD_RANGES_MAX as u64);
    assert!(desk.streams.cursors().len() < 4 * HELD_RANGES_MAX);
    SendStreams::restore(&desk.streams.cursors()).expect("just written");
    let ack = couloir_wire::cell::Ack { stream: Stream::Routine, delivered: end, ranges: vec![] };
    assert_eq!(desk.streams.acknowledge(&ack).expect("appended").len(), 200);
}
