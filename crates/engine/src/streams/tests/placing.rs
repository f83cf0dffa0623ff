//! What goes into a cell first.

use super::super::Ranges;
use super::*;

#[test]
fn streams_go_in_the_order_of_filling() {
    let mut desk = Desk::new();
    for stream in Stream::ALL.into_iter().rev() {
        desk.say_on(stream, 1, 30);
    }
    let (_, fragments) = desk.pack(0, 400);
    assert!(fragments.iter().map(|fragment| fragment.stream).eq(Stream::ALL));
}

#[test]
fn what_was_never_sent_goes_before_what_was() {
    let mut desk = Desk::new();
    desk.say(1, 100);
    desk.pack(0, 200);
    desk.say(2, 100);
    assert_eq!(places(&desk.pack(0, 300).1), [(100, 200), (0, 100)]);
}

#[test]
fn what_this_route_never_sent_goes_before_what_it_did() {
    let mut desk = Desk::new();
    desk.say(1, 100);
    desk.expect(0, 0, (0, 100));
    desk.say(2, 100);
    desk.expect(1, 0, (100, 200));
    desk.expect(0, 0, (100, 200));
    desk.expect(1, 0, (0, 100));
}

#[test]
fn a_lone_route_sends_again_what_it_sent_longest_ago() {
    let mut desk = Desk::new();
    (1..=5).for_each(|number| {
        desk.say(number, 100);
    });
    for i in 0..15 {
        desk.expect(0, 0, (i % 5 * 100, i % 5 * 100 + 100));
    }
}

#[test]
fn a_dead_route_delays_nothing_for_new_octets_go_on_every_steady_route_in_its_next_cell() {
    let mut desk = Desk::new();
    for round in 0..50u64 {
        let offset = desk.say(round as u8, 300);
        for route in 0..3 {
            let (_, fragments) = desk.pack(route, 2_000);
            let goes = places(&fragments).iter().any(|(start, end)| *start <= offset && offset + 300 <= *end);
            assert!(goes, "round {round}, route {route}: {:?}", places(&fragments));
        }
    }
}

#[test]
fn bulk_is_spread_over_the_routes_and_goes_again_only_once_overdue() {
    let mut desk = Desk::new();
    desk.say_on(Stream::Bulk, 1, 300);
    desk.expect(0, 0, (0, 150));
    desk.expect(1, 3, (150, 300));
    desk.now_ms += RETRY_MS - 1;
    assert_eq!(places(&desk.pack(0, 400).1), []);
    assert_eq!(places(&desk.pack_at_level(1, 3, 400).1), []);
    desk.now_ms += 1;
    assert_eq!(places(&desk.pack(1, 400).1), [(0, 300)]);
    assert_eq!(places(&desk.pack(0, 400).1), []);
}

#[test]
fn bulk_shown_lost_goes_again_at_once() {
    let mut desk = Desk::new();
    desk.say_on(Stream::Bulk, 1, 100);
    let (carries, _) = desk.pack(0, 200);
    desk.streams.failed(0, &carries);
    assert_eq!(places(&desk.pack(1, 200).1), [(0, 100)]);
}

#[test]
fn a_prompt_route_sends_nothing_again_before_its_time() {
    let mut desk = Desk::new();
    desk.say(1, 100);
    assert_eq!(places(&desk.pack_prompt(0, 300).1), [(0, 100)]);
    desk.now_ms += 5;
    desk.say(2, 50);
    assert_eq!(places(&desk.pack_prompt(0, 300).1), [(100, 150)]);
    desk.now_ms += RETRY_MS - 6;
    assert_eq!(places(&desk.pack_prompt(0, 300).1), []);
    desk.now_ms += 1;
    assert_eq!(places(&desk.pack_prompt(0, 300).1), [(0, 100)]);
    desk.now_ms += 5;
    assert_eq!(places(&desk.pack_prompt(0, 300).1), [(100, 150)]);
    assert_eq!(places(&desk.pack_prompt(0, 300).1), []);
}

#[test]
fn what_other_routes_sent_goes_on_a_prompt_route_at_once_unless_it_is_bulk() {
    let mut desk = Desk::new();
    assert_eq!(places(&desk.pack_prompt(1, 300).1), []);
    desk.say(1, 100);
    desk.say_on(Stream::Bulk, 2, 100);
    desk.pack(0, 300);
    let (_, fragments) = desk.pack_prompt(1, 300);
    assert_eq!(fragments.iter().map(|f| f.stream).collect::<Vec<_>>(), [Stream::Routine]);
    desk.now_ms += RETRY_MS;
    let (_, fragments) = desk.pack_prompt(2, 300);
    assert_eq!(fragments.iter().map(|f| f.stream).collect::<Vec<_>>(), [Stream::Routine, Stream::Bulk]);
}

#[test]
fn what_failed_on_a_prompt_route_goes_again_at_once() {
    let mut desk = Desk::new();
    desk.say(1, 100);
    let (carries, _) = desk.pack_prompt(0, 300);
    assert_eq!(places(&desk.pack_prompt(0, 300).1), []);
    desk.streams.failed(0, &carries);
    assert_eq!(places(&desk.pack_prompt(0, 300).1), [(0, 100)]);
}

#[test]
fn what_failed_goes_first_again_unless_it_was_sent_since() {
    let mut desk = Desk::new();
    desk.say(1, 100);
    let first = desk.expect(0, 0, (0, 100));
    desk.say(2, 100);
    desk.expect(0, 0, (100, 200));
    desk.streams.failed(0, &first);
    desk.say(3, 100);
    desk.expect(0, 0, (0, 100));
    desk.expect(0, 0, (200, 300));
    desk.streams.failed(0, &first);
    assert_eq!(places(&desk.pack(0, 400).1), [(100, 200), (0, 100), (200, 300)]);
}

#[test]
fn a_cell_of_a_higher_level_takes_oldest_first_what_no_such_cell_has_carried() {
    let mut desk = Desk::new();
    (1..=4).for_each(|number| {
        desk.say(number, 100);
    });
    desk.expect(0, 0, (0, 300));
    desk.expect(0, 2, (0, 100));
    desk.expect(1, 2, (100, 200));
    desk.expect(1, 3, (0, 100));
    desk.expect(2, 1, (200, 300));
    desk.expect(2, 1, (300, 400));
}

#[test]
fn while_the_peer_hears_a_cell_of_a_higher_level_takes_first_what_was_never_sent() {
    let mut desk = Desk::new();
    (1..=3).for_each(|number| {
        desk.say(number, 100);
    });
    desk.expect(0, 0, (0, 200));
    let heard = Placement { is_heard: true, ..desk.placement(0, 1) };
    let (_, fragments) = desk.pack_as(heard, room_for(200, 300));
    assert_eq!(places(&fragments), [(200, 300)]);
    desk.expect(0, 1, (0, 100));
}

#[test]
fn a_cell_of_a_higher_level_then_takes_what_such_cells_of_its_route_carried_longest_ago() {
    let mut desk = Desk::new();
    (1..=3).for_each(|number| {
        desk.say(number, 100);
    });
    desk.expect(0, 1, (0, 100));
    desk.expect(0, 2, (0, 100));
    desk.expect(0, 1, (100, 200));
    desk.expect(0, 1, (200, 300));
    // Route 0: the first third at level 2, the others at level 1. Route 1: nothing.
    desk.expect(1, 1, (0, 100));
    desk.expect(0, 1, (0, 100));
    desk.expect(0, 1, (100, 200));
    desk.expect(0, 2, (100, 200));
    desk.expect(0, 2, (200, 300));
    desk.expect(0, 2, (0, 100));
}

#[test]
fn a_cell_of_a_higher_level_that_was_lost_has_carried_nothing() {
    let mut desk = Desk::new();
    desk.say(1, 100);
    desk.say(2, 100);
    let carries = desk.expect(0, 4, (0, 100));
    desk.streams.failed(0, &carries);
    desk.expect(0, 4, (0, 100));
}

#[test]
fn a_route_that_takes_anothers_place_has_carried_nothing() {
    let mut desk = Desk::new();
    desk.say(1, 100);
    desk.say(2, 100);
    desk.pack(1, 300);
    desk.pack(0, 300);
    desk.expect(0, 0, (0, 100));
    desk.streams.forget_route(0);
    desk.expect(0, 0, (0, 100));
}

#[test]
fn no_fragment_is_cut_under_sixteen_octets_unless_it_ends_the_stream() {
    for seed in 0..300 {
        let (mut dice, mut desk) = (Dice::new(seed), Desk::new());
        for _ in 0..60 {
            if dice.is_one_in(3) {
                desk.say(1, 16 + dice.below(300) as usize);
            }
            let (route, level) = (dice.below(3) as usize, dice.below(3) as u8);
            let (_, fragments) = desk.pack_at_level(route, level, 20 + dice.below(200) as usize);
            let end = desk.streams.end(Stream::Routine);
            let is_fine = |(start, stop): (u64, u64)| stop - start >= 16 || stop == end;
            assert!(places(&fragments).into_iter().all(is_fine), "seed {seed}: {:?}", places(&fragments));
        }
    }
}

#[test]
fn a_fragment_tells_where_its_first_message_starts() {
    let mut desk = Desk::new();
    desk.say(1, 100);
    desk.say(2, 100);
    let rooms = [(0, 60), (60, 120), (120, 180)].map(|(start, end)| room_for(start, end));
    let firsts = rooms.map(|room| desk.pack(0, room).1[0].first_start);
    assert_eq!(firsts, [Some(0), Some(40), None]);
}

#[test]
fn what_is_packed_in_a_long_outage_stays_bounded_and_everything_goes_round() {
    let (mut dice, mut desk) = (Dice::new(7), Desk::new());
    while desk.streams.end(Stream::Routine) < 900_000 {
        desk.say(1, 200 + dice.below(2_000) as usize);
    }
    let mut last_seen = vec![0u64; desk.streams.end(Stream::Routine).div_ceil(1_000) as usize];
    for round in 1..=6_000u64 {
        let level = dice.next().trailing_zeros().min(11) as u8;
        let (_, fragments) =
            desk.pack_at_level(dice.below(3) as usize, level, 1_900 + dice.below(90) as usize);
        for (start, end) in places(&fragments) {
            (start.div_ceil(1_000)..end.div_ceil(1_000)).for_each(|i| last_seen[i as usize] = round);
        }
        assert!(desk.streams.held(Stream::Routine).0 <= 4_096);
    }
    assert!(last_seen.iter().all(|round| *round > 3_000), "every thousandth octet went in the last half");
}

#[test]
fn many_small_cells_keep_few_marks_and_what_they_held_goes_again_in_its_time() {
    let mut desk = Desk::new();
    for i in 0..20_000u64 {
        desk.say(1, 40);
        assert_eq!(places(&desk.pack_prompt(0, 60).1), [(40 * i, 40 * i + 40)]);
        desk.now_ms += 1;
        assert!(desk.streams.held(Stream::Routine).0 <= 4_097);
        if i % 7_000 == 6_999 {
            assert!(desk.now_ms < 1_000_000 + RETRY_MS || !desk.pack_prompt(0, 60_000).1.is_empty());
        }
    }
    desk.now_ms += RETRY_MS;
    let mut again = Ranges::default();
    while let (_, fragments) = desk.pack_prompt(0, 60_000)
        && !fragments.is_empty()
    {
        places(&fragments).into_iter().for_each(|(start, end)| again.insert(start, end));
    }
    assert_eq!(again.as_slice(), [(0, 800_000)]);
}

#[test]
fn joined_marks_tell_of_the_older_carrying() {
    let mut desk = Desk::new();
    let started_ms = desk.now_ms;
    for i in 0..4_097 {
        desk.say(1, 40);
        let (route, level) = if i <= 2_500 { (0, 2) } else { (1, 1) };
        desk.expect(route, level, (40 * i, 40 * i + 40));
        desk.now_ms += 1;
    }
    assert!(desk.streams.held(Stream::Routine).0 < 4_096, "neighbours were joined");
    let fork = |desk: &Desk| Desk { streams: desk.streams.clone(), ..*desk };
    let neither_carried_both = (100_000, 100_080);
    fork(&desk).expect(2, 1, neither_carried_both);
    fork(&desk).expect(2, 0, neither_carried_both);
    let not_by_route_0 = (100_080, 4_097 * 40);
    assert_eq!(places(&desk.pack_prompt(0, 100_000).1), [neither_carried_both, not_by_route_0]);
    desk.now_ms = started_ms + RETRY_MS;
    assert_eq!(places(&desk.pack_prompt(0, 60_000).1), [(0, 80)]);
}
