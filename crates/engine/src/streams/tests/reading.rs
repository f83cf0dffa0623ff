//! Putting messages together again.

use super::super::*;
use super::*;
use couloir_wire::cell::Ack;
use couloir_wire::limits::MESSAGE_OCTETS_MAX;

fn part(stream: Stream, octets: &[u8], from: usize, to: usize, first: Option<u32>) -> Fragment {
    Fragment { stream, offset: from as u64, first_start: first, octets: octets[from..to].to_vec() }
}

fn routine(octets: &[u8], from: usize, to: usize, first: Option<u32>) -> Fragment {
    part(Stream::Routine, octets, from, to, first)
}

/// Three messages of 100 octets with their lengths.
fn three() -> Vec<u8> {
    (1..=3).flat_map(|number| framed(&[number; 99])).collect()
}

fn offsets(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.offset).collect()
}

#[test]
fn a_whole_message_beyond_a_gap_goes_up_once_and_the_rest_follows() {
    let (octets, mut streams) = (three(), RecvStreams::new());
    let up = streams.receive(routine(&octets, 50, 250, Some(50))).expect("honest");
    assert_eq!(up, [Message { stream: Stream::Routine, offset: 100, octets: vec![2; 99] }]);
    assert_eq!(streams.held_octets(), 100);
    assert_eq!(streams.acks(), [Ack { stream: Stream::Routine, delivered: 0, ranges: vec![(50, 250)] }]);
    assert_eq!(streams.receive(routine(&octets, 50, 250, Some(50))).expect("honest"), []);
    assert_eq!(offsets(&streams.receive(routine(&octets, 0, 300, Some(0))).expect("honest")), [0, 200]);
    assert_eq!(streams.receive(routine(&octets, 0, 300, Some(0))).expect("honest"), []);
    assert_eq!(streams.held_octets(), 0);
    assert_eq!(streams.acks(), [Ack { stream: Stream::Routine, delivered: 300, ranges: vec![] }]);
}

#[test]
fn control_and_bulk_go_up_in_order_only() {
    for stream in [Stream::Control, Stream::Bulk] {
        let (octets, mut streams) = (three(), RecvStreams::new());
        assert_eq!(streams.receive(part(stream, &octets, 100, 300, Some(0))).expect("honest"), []);
        let up = streams.receive(part(stream, &octets, 0, 100, Some(0))).expect("honest");
        assert_eq!(offsets(&up), [0, 100, 200]);
    }
}

#[test]
fn octets_that_differ_from_what_is_held_are_a_contradiction() {
    let (octets, mut streams) = (three(), RecvStreams::new());
    streams.receive(routine(&octets, 0, 90, Some(0))).expect("honest");
    let mut other = octets.clone();
    other[70] += 1;
    let fault = StreamFault::Contradiction { stream: Stream::Routine, offset: 70 };
    assert_eq!(streams.receive(routine(&other, 40, 95, None)), Err(fault));
}

#[test]
fn zeros_in_place_of_what_expired_contradict_nothing() {
    let (octets, mut streams) = (three(), RecvStreams::new());
    streams.receive(routine(&octets, 0, 90, Some(0))).expect("honest");
    let expired = vec![0; octets.len()];
    assert_eq!(streams.receive(routine(&expired, 40, 95, None)), Ok(Vec::new()));
}

#[test]
fn a_message_of_no_octets_or_of_too_many_is_refused() {
    let mut too_long = Vec::new();
    put_varint(&mut too_long, MESSAGE_OCTETS_MAX as u64 + 1);
    for octets in [vec![0, 1, 2], too_long, vec![0x81, 0, 5], vec![0xff; 9]] {
        let fault = StreamFault::Length { stream: Stream::Routine, offset: 0 };
        let len = octets.len();
        assert_eq!(RecvStreams::new().receive(routine(&octets, 0, len, Some(0))), Err(fault));
    }
    let longest = framed(&vec![1; MESSAGE_OCTETS_MAX]);
    let up = RecvStreams::new().receive(routine(&longest, 0, longest.len(), Some(0))).expect("allowed");
    assert_eq!(up[0].octets.len(), MESSAGE_OCTETS_MAX);
}

#[test]
fn a_length_that_comes_octet_by_octet_is_waited_for() {
    let octets = framed(&vec![1; 20_000]);
    let mut streams = RecvStreams::new();
    for at in 0..3 {
        let first = (at == 0).then_some(0);
        assert_eq!(streams.receive(routine(&octets, at, at + 1, first)).expect("honest"), []);
    }
    assert_eq!(streams.receive(routine(&octets, 3, octets.len(), None)).expect("honest").len(), 1);
}

#[test]
fn a_start_within_a_known_message_or_none_where_one_is_known_is_refused() {
    let octets = three();
    let fault = |offset| Err(StreamFault::Start { stream: Stream::Routine, offset });
    let mut streams = RecvStreams::new();
    assert_eq!(streams.receive(routine(&octets, 0, 50, None)), fault(0), "the stream starts with a start");
    streams.receive(routine(&octets, 0, 50, Some(0))).expect("honest");
    assert_eq!(streams.clone().receive(routine(&octets, 50, 80, Some(10))), fault(60), "within the first");
    assert_eq!(
        streams.clone().receive(routine(&octets, 60, 80, Some(10))),
        fault(70),
        "within, beyond a gap"
    );
    assert_eq!(streams.clone().receive(routine(&octets, 100, 300, Some(0))).expect("honest").len(), 2);
    streams.receive(routine(&octets, 50, 120, Some(50))).expect("honest");
    assert_eq!(
        streams.clone().receive(routine(&octets, 90, 150, Some(20))),
        fault(100),
        "one is known before"
    );
    assert_eq!(streams.receive(routine(&octets, 90, 150, None)), fault(100), "one is known");
}

#[test]
fn what_lies_beyond_the_credit_is_dropped_and_what_goes_over_it_is_cut() {
    let credit = credit_of(Stream::Routine);
    let octets = vec![1; 100];
    let mut streams = RecvStreams::new();
    let beyond =
        |offset| Fragment { stream: Stream::Routine, offset, first_start: None, octets: octets.clone() };
    for offset in [credit, credit + 1, u64::MAX - 100] {
        assert_eq!(streams.receive(beyond(offset)), Ok(vec![]));
        assert_eq!((streams.held_octets(), streams.acks()), (0, vec![]));
    }
    streams.receive(beyond(credit - 10)).expect("honest");
    let ack = Ack { stream: Stream::Routine, delivered: 0, ranges: vec![(credit - 10, credit)] };
    assert_eq!((streams.held_octets(), streams.acks()), (10, vec![ack]));
}

#[test]
fn a_restored_reader_knows_what_it_held_and_what_went_up() {
    let (octets, mut streams) = (three(), RecvStreams::new());
    streams.receive(routine(&octets, 50, 250, Some(50))).expect("honest");
    let changes = streams.take_changes();
    let puts: Vec<_> = changes.partials_put.iter().map(|(_, at, octets)| (*at, octets.len())).collect();
    assert_eq!((puts, &changes.partials_gone), (vec![(50, 50), (200, 50)], &vec![]));
    let mut restored = RecvStreams::restore(&changes.cursors, &changes.partials_put).expect("just written");
    assert_eq!((restored.held_octets(), restored.acks()), (100, streams.acks()));
    assert_eq!(restored.take_changes().partials_put, [], "what is saved is not saved again");
    let up = restored.receive(routine(&octets, 250, 300, None)).expect("honest");
    assert_eq!(up, [Message { stream: Stream::Routine, offset: 200, octets: vec![3; 99] }]);
    assert_eq!(restored.take_changes().partials_gone, [(Stream::Routine, 200)]);
    assert_eq!(offsets(&restored.receive(routine(&octets, 0, 60, Some(0))).expect("honest")), [0]);
    assert_eq!(restored.take_changes().partials_gone, [(Stream::Routine, 50)]);
    assert_eq!(restored.held_octets(), 0);
}

#[test]
fn a_message_begun_beyond_a_gap_is_still_known_after_a_restore() {
    let (octets, mut streams) = (three(), RecvStreams::new());
    streams.receive(routine(&octets, 90, 150, Some(10))).expect("honest");
    let changes = streams.take_changes();
    let mut restored = RecvStreams::restore(&changes.cursors, &changes.partials_put).expect("just written");
    assert_eq!(offsets(&restored.receive(routine(&octets, 150, 210, Some(50))).expect("honest")), [100]);
}

#[test]
fn a_new_incarnation_forgets_everything() {
    let (octets, mut streams) = (three(), RecvStreams::new());
    streams.receive(routine(&octets, 50, 250, Some(50))).expect("honest");
    streams = RecvStreams::new();
    assert_eq!((streams.held_octets(), streams.acks()), (0, vec![]));
    let other = framed(&[9; 299]);
    assert_eq!(streams.receive(routine(&other, 0, other.len(), Some(0))).expect("honest").len(), 1);
}
