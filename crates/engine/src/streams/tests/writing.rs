//! Credit, acknowledgements, tags and the store.

use super::super::*;
use super::*;
use couloir_wire::cell::Ack;
use couloir_wire::limits::{BULK_CREDIT, MESSAGE_OCTETS_MAX, STREAM_CREDIT, STREAMS};

fn ack(delivered: u64, ranges: &[(u64, u64)]) -> Ack {
    Ack { stream: Stream::Routine, delivered, ranges: ranges.to_vec() }
}

#[test]
fn tags_are_acknowledged_once_in_order_and_an_older_acknowledgement_does_no_harm() {
    let mut desk = Desk::new();
    (1..=5).for_each(|number| {
        desk.say(number, 100);
    });
    assert_eq!(desk.streams.acknowledge(&ack(150, &[(300, 400), (450, 500)])), Ok(vec![tag(1), tag(4)]));
    assert_eq!(desk.streams.acknowledge(&ack(50, &[])), Ok(vec![]));
    assert_eq!((desk.streams.base(Stream::Routine), desk.streams.unacknowledged()), (100, 200));
    assert_eq!(desk.streams.tags_unacknowledged(), 3);
    assert_eq!(desk.streams.acknowledge(&ack(500, &[])), Ok(vec![tag(2), tag(3), tag(5)]));
    assert_eq!((desk.streams.base(Stream::Routine), desk.streams.unacknowledged()), (500, 0));
    assert_eq!(desk.streams.tags_unacknowledged(), 0);
}

#[test]
fn an_acknowledgement_of_what_was_never_appended_is_refused_and_changes_nothing() {
    let mut desk = Desk::new();
    desk.say(1, 100);
    for beyond in [ack(101, &[]), ack(50, &[(60, 70), (90, 101)])] {
        let fault = BeyondSent { stream: Stream::Routine, reach: 101, end: 100 };
        assert_eq!(desk.streams.acknowledge(&beyond), Err(fault));
    }
    assert_eq!((desk.streams.unacknowledged(), desk.streams.base(Stream::Routine)), (100, 0));
}

#[test]
fn acknowledged_octets_are_not_sent_again() {
    let mut desk = Desk::new();
    desk.say(1, 300);
    desk.pack(0, 400);
    desk.streams.acknowledge(&ack(50, &[(100, 220)])).expect("sent");
    assert_eq!(places(&desk.pack(0, 400).1), [(50, 100), (220, 300)]);
}

#[test]
fn a_cut_leaves_no_splinter_before_what_was_acknowledged() {
    let mut desk = Desk::new();
    desk.say(1, 300);
    desk.pack(0, 400);
    desk.streams.acknowledge(&ack(0, &[(100, 300)])).expect("sent");
    assert_eq!(places(&desk.pack(0, room_for(0, 90)).1), [(0, 84)]);
    assert_eq!(places(&desk.pack(0, 400).1), [(84, 100), (0, 84)]);
}

#[test]
fn a_tag_is_carried_once_all_its_octets_left_on_some_route() {
    let mut desk = Desk::new();
    desk.say(1, 100);
    desk.say(2, 100);
    let first = desk.expect(0, 0, (0, 60));
    let second = desk.expect(1, 0, (60, 200));
    assert_eq!(desk.streams.stored(&second), [tag(2)]);
    assert_eq!(desk.streams.stored(&second), []);
    assert_eq!(desk.streams.stored(&first), [tag(1)]);
    assert_eq!(desk.streams.stored(&first), []);
}

#[test]
fn credit_is_never_exceeded_and_the_rest_waits_in_the_store() {
    for (stream, credit) in [(Stream::Routine, STREAM_CREDIT), (Stream::Bulk, BULK_CREDIT)] {
        let mut desk = Desk::new();
        while desk.streams.end(stream) < credit + 100_000 {
            desk.say_on(stream, 1, 10_000);
        }
        assert!(desk.streams.held(stream).1 as u64 <= credit);
        let mut reach = 0;
        while let Some((_, end)) = places(&desk.pack_prompt(0, 60_000).1).last().copied() {
            reach = reach.max(end);
        }
        assert!(reach <= credit && reach > credit - 10_000, "{reach}");
    }
}

#[test]
fn what_waits_in_the_store_is_wanted_once_when_the_credit_reaches_it() {
    let mut desk = Desk::new();
    let kept = STREAM_CREDIT / 10_000 * 10_000;
    while desk.streams.end(Stream::Routine) < kept + 30_000 {
        desk.say(1, 10_000);
    }
    assert_eq!(desk.streams.wanted(), None, "a few octets, while there is much to send");
    while !desk.pack_prompt(0, 60_000).1.is_empty() {}
    let wanted = desk.streams.wanted().expect("credit is left");
    assert_eq!((wanted.offset, wanted.len_max), (kept, STREAM_CREDIT - kept));
    desk.streams.asked(&wanted);
    assert_eq!(desk.streams.wanted(), None, "it was asked for");
    desk.load(Stream::Routine, kept, &framed(&vec![1; 9_998]), &[kept]);
    assert_eq!(places(&desk.pack_prompt(0, 60_000).1), [(kept, STREAM_CREDIT)]);
    assert_eq!(desk.streams.wanted(), None, "beyond the credit");
    desk.streams.acknowledge(&ack(20_001, &[])).expect("sent");
    let wanted = desk.streams.wanted().expect("the base moved");
    assert_eq!((wanted.offset, wanted.len_max), (kept + 10_000, STREAM_CREDIT + 20_000 - kept - 10_000));
}

#[test]
fn a_load_that_was_not_asked_for_or_does_not_follow_is_dropped_and_an_overlap_is_taken_once() {
    let mut desk = Desk::new();
    let message = framed(&[5; 99]);
    desk.streams.append_unloaded(Stream::Bulk, 300, Some(tag(1)));
    desk.load(Stream::Bulk, 100, &message, &[100]);
    assert_eq!(desk.streams.load(Stream::Bulk, 0, &message, &[0]), Ok(()));
    assert_eq!(places(&desk.pack(0, 400).1), [], "out of place, or not asked for");
    desk.load(Stream::Bulk, 0, &message, &[0]);
    desk.load(Stream::Bulk, 0, &message.repeat(2), &[0, 100]);
    let (_, fragments) = desk.pack(0, 400);
    assert_eq!((places(&fragments), &fragments[0].octets), (vec![(0, 200)], &message.repeat(2)));
}

#[test]
fn nothing_where_something_was_said_is_told() {
    let mut desk = Desk::new();
    desk.streams.append_unloaded(Stream::Bulk, 300, Some(tag(1)));
    let wanted = desk.streams.wanted().expect("nothing is loaded");
    desk.streams.asked(&wanted);
    assert_eq!(desk.streams.load(Stream::Bulk, 0, &[], &[]), Err(Missing));
    desk.streams.restart();
    assert_eq!(desk.streams.load(Stream::Bulk, 0, &[], &[]), Ok(()), "asked in another incarnation");
}

#[test]
fn a_file_is_loaded_at_most_a_mebibyte_ahead() {
    let mut desk = Desk::new();
    let file_len = 64 << 20;
    desk.streams.append_unloaded(Stream::Bulk, file_len, Some(tag(1)));
    let piece = framed(&vec![7; 32_765]);
    while desk.streams.base(Stream::Bulk) < file_len {
        while let Some(wanted) = desk.streams.wanted() {
            desk.streams.asked(&wanted);
            desk.load(Stream::Bulk, wanted.offset, &piece, &[wanted.offset]);
        }
        let (_, fragments) = desk.pack_prompt(0, 60_000);
        let reach = places(&fragments).last().expect("more to send").1;
        assert!(desk.streams.held(Stream::Bulk).1 <= (2 << 20) + 3 * 60_000);
        let is_last = reach == file_len;
        let tags = desk.streams.acknowledge(&Ack { stream: Stream::Bulk, delivered: reach, ranges: vec![] });
        assert_eq!(tags.expect("sent"), if is_last { vec![tag(1)] } else { vec![] });
        assert_eq!(desk.streams.base(Stream::Bulk), if is_last { file_len } else { reach / 32_768 * 32_768 });
    }
}

#[test]
fn restored_streams_go_on_where_the_stored_ones_stopped() {
    let mut desk = Desk::new();
    (1..=4).for_each(|number| {
        desk.say(number, 100);
    });
    let tags = desk.streams.acknowledge(&ack(130, &[(200, 300)])).expect("sent");
    assert_eq!(tags, [tag(1), tag(3)]);
    desk.streams = SendStreams::restore(&desk.streams.cursors()).expect("just written");
    for number in 1..=4u8 {
        let offset = u64::from(number - 1) * 100;
        desk.streams
            .restore_message(Stream::Routine, offset, 100, Some(tag(number)), None)
            .expect("in order");
    }
    assert_eq!(desk.streams.tags_unacknowledged(), 2);
    let wanted = desk.streams.wanted().expect("nothing is in memory");
    assert_eq!((wanted.offset, wanted.len_max), (100, 300));
    let octets: Vec<u8> = (2..=4).flat_map(|number| framed(&[number; 99])).collect();
    desk.load(Stream::Routine, 100, &octets, &[100, 200, 300]);
    assert_eq!(places(&desk.pack(0, 400).1), [(130, 200), (300, 400)]);
    assert_eq!(desk.streams.acknowledge(&ack(400, &[])), Ok(vec![tag(2), tag(4)]));
}

#[test]
fn a_peer_ahead_of_a_restored_writer_is_caught_up_with() {
    let mut desk = Desk::new();
    let file_len = 32 << 20;
    desk.streams.append_unloaded(Stream::Bulk, file_len, Some(tag(1)));
    let mut restored = SendStreams::restore(&desk.streams.cursors()).expect("just written");
    restored.restore_message(Stream::Bulk, 0, file_len, Some(tag(1)), None).expect("in order");
    let delivered = Ack { stream: Stream::Bulk, delivered: BULK_CREDIT, ranges: vec![] };
    assert_eq!(restored.acknowledge(&delivered), Ok(vec![]));
    let piece = framed(&vec![7; 32_765]);
    while restored.base(Stream::Bulk) < BULK_CREDIT {
        let wanted = restored.wanted().expect("message starts are not known yet");
        restored.asked(&wanted);
        restored.load(Stream::Bulk, wanted.offset, &piece, &[wanted.offset]).expect("it is there");
    }
    desk.streams = restored;
    let first = places(&desk.pack_prompt(0, 60_000).1)[0];
    assert_eq!(first.0, BULK_CREDIT, "nothing that was acknowledged goes again");
}

#[test]
fn a_stored_message_out_of_place_is_refused() {
    let mut desk = Desk::new();
    desk.say(1, 100);
    desk.say(2, 100);
    let mut restored = SendStreams::restore(&desk.streams.cursors()).expect("just written");
    assert_eq!(restored.restore_message(Stream::Routine, 100, 100, None, None), Err(RestoreFault));
    assert_eq!(restored.restore_message(Stream::Routine, 0, 201, None, None), Err(RestoreFault));
    assert_eq!(restored.restore_message(Stream::Routine, 0, 100, None, None), Ok(()));
    assert_eq!(restored.restore_message(Stream::Routine, 99, 100, None, None), Err(RestoreFault));
}

#[test]
fn damaged_cursors_are_refused_or_harmless() {
    let mut desk = Desk::new();
    (1..=9).for_each(|number| {
        desk.say(number, 100);
    });
    desk.streams.acknowledge(&ack(130, &[(200, 300), (400, 410)])).expect("sent");
    let cursors = desk.streams.cursors();
    for cut in 0..cursors.len() {
        assert!(SendStreams::restore(&cursors[..cut]).is_err());
        assert!(RecvStreams::restore(&cursors[..cut], &[]).is_err());
    }
    assert!(SendStreams::restore(&[&cursors[..], &[0]].concat()).is_err());
    let mut dice = Dice::new(3);
    for _ in 0..20_000 {
        let octets: Vec<u8> =
            (0..STREAMS * 3 + 4).map(|_| (dice.next() >> dice.below(8)) as u8 & 0x83).collect();
        let _ = SendStreams::restore(&octets);
        let _ = RecvStreams::restore(&octets, &[(Stream::Flash, dice.below(9), vec![1; 9])]);
    }
}

#[test]
fn a_new_incarnation_starts_with_the_first_message_that_is_not_wholly_acknowledged() {
    let mut desk = Desk::new();
    (1..=4).for_each(|number| {
        desk.say(number, 100);
    });
    desk.say_on(Stream::Control, 9, 50);
    let (before, _) = desk.pack(0, 1_000);
    desk.streams.acknowledge(&ack(130, &[(200, 300)])).expect("sent");
    assert_eq!(desk.streams.restart(), [50, 0, 0, 0, 100, 0]);
    assert_eq!((desk.streams.base(Stream::Routine), desk.streams.end(Stream::Routine)), (0, 300));
    assert_eq!((desk.streams.end(Stream::Control), desk.streams.unacknowledged()), (0, 300));
    assert_eq!(desk.streams.stored(&before), [], "what was carried before does not count");
    let (_, fragments) = desk.pack(0, 1_000);
    let octets: Vec<u8> = (2..=4).flat_map(|number| framed(&[number; 99])).collect();
    assert_eq!((places(&fragments), &fragments[0].octets), (vec![(0, 300)], &octets));
    assert_eq!(desk.streams.acknowledge(&ack(300, &[])), Ok(vec![tag(2), tag(4)]), "3 was told before");
}

#[test]
fn a_new_incarnation_sends_a_partly_acknowledged_file_from_its_head() {
    let mut desk = Desk::new();
    let piece = framed(&[7; 99]);
    desk.say_on(Stream::Bulk, 1, 100);
    desk.streams.append_unloaded(Stream::Bulk, 300, Some(tag(2)));
    desk.load(Stream::Bulk, 100, &piece.repeat(3), &[100, 200, 300]);
    let delivered = Ack { stream: Stream::Bulk, delivered: 250, ranges: vec![] };
    assert_eq!(desk.streams.acknowledge(&delivered), Ok(vec![tag(1)]));
    assert_eq!(desk.streams.base(Stream::Bulk), 200);
    assert_eq!(desk.streams.restart(), [0, 0, 0, 0, 0, 100]);
    let wanted = desk.streams.wanted().expect("the head is not in memory");
    assert_eq!((wanted.offset, wanted.len_max), (0, 300));
    desk.streams.asked(&wanted);
    desk.streams.restart();
    desk.streams.load(Stream::Bulk, 0, &piece, &[0]).expect("it is there");
    assert_eq!(places(&desk.pack(0, 400).1), [], "it was asked for before a restart");
}

#[test]
fn the_longest_message_fits_the_credit_of_every_stream() {
    let mut desk = Desk::new();
    for stream in Stream::ALL {
        let appended = desk.streams.append(stream, &vec![1; MESSAGE_OCTETS_MAX], None);
        assert_eq!(appended, Appended { offset: 0, framed_len: MESSAGE_OCTETS_MAX as u64 + 3 });
        assert_eq!(desk.streams.wanted(), None);
    }
}
