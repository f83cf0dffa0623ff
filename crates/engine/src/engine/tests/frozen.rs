//! A link that is frozen.

use super::*;
use crate::link::Frozen;

#[test]
fn a_frozen_link_says_its_status_on_a_direct_route_and_nothing_else() {
    let mut offices = Offices::linked();
    offices.engines[0].freeze(Frozen::Contradiction);
    offices.pass(4);
    let before = offices.frames;

    offices.pass(60);

    assert_eq!(offices.frames[0] - before[0], 60, "a status and a word of the freeze every two seconds");
    assert!(offices.notices[0].contains(&Notice::Contradiction));
}

#[test]
fn the_other_end_of_a_direct_route_learns_once_that_the_link_is_frozen() {
    let mut offices = Offices::linked();
    offices.engines[0].freeze(Frozen::TwoNodes);
    offices.pass(20);
    let told = offices.notices[1].iter().filter(|notice| **notice == Notice::FrozenThere);
    assert_eq!(told.count(), 1);
}

#[test]
fn an_ordinary_frame_long_after_a_hello_is_another_machines() {
    for (seconds, is_second) in [(11, false), (12, true)] {
        let mut offices = Offices::linked();
        offices.engines[0].link.hello_heard_at = Some(Moment(offices.now_ms));
        let frames_stop = offices.engines[1].prompt.remove(&ROUTE);
        offices.pass(seconds);
        offices.engines[1].prompt.extend(frames_stop.map(|prompt| (ROUTE, prompt)));
        offices.give(1, Input::Drill);
        assert_eq!(offices.engines[0].link.frozen.is_some(), is_second, "after {seconds} s");
    }
}
