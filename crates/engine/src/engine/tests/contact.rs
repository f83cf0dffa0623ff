//! Making the link, and making it anew.

use couloir_wire::time::Hour;

use super::*;
use crate::link::Stage;

const DAY_MS: i64 = 24 * 3_600_000;
/// A day and two hours.
const SLACK_HOURS: u64 = 26;

#[test]
fn a_link_made_anew_shows_one_phrase_though_only_one_desk_had_confirmed_the_last() {
    let mut offices = Offices::linked();
    let before = offices.phrases();
    assert_eq!(before[0], before[1]);
    offices.give(0, Input::ConfirmPhrase(LinkNumber::FIRST));

    offices.engines[1].make_anew(now(offices.now_ms));
    offices.pass(30);

    let after = offices.phrases();
    assert_eq!(after[0], after[1]);
    assert_ne!(after[0], before[0]);
    offices.give(1, Input::ConfirmPhrase(LinkNumber::FIRST));
    offices.pass(10);
    assert!(offices.engines.iter().all(|engine| engine.watch.is_verified()));
}

#[test]
fn no_relay_ahead_of_time_leaves_the_present_hour_without_a_key() {
    let mut engine = engine();
    let present = Hour::of(now(1_000).wall).0;
    for ahead in [DAY_MS, 3 * DAY_MS, 7 * DAY_MS] {
        (0..2).for_each(|relay| engine.clock.relay(relay, WALL.0 + ahead));
        assert_eq!(engine.time(now(1_000)), now(1_000).wall.shifted(ahead), "it is believed all the same");
        assert_eq!(engine.first_hour(now(1_000)).0, present - SLACK_HOURS, "{ahead} ms ahead");
    }
}

#[test]
fn a_clock_that_is_years_behind_makes_no_key_for_years() {
    let mut engine = engine();
    let present = Hour::of(now(1_000).wall).0;
    engine.clock.relay(0, WALL.0 - 1_000 * DAY_MS);
    engine.clock.relay(1, WALL.0);
    assert_eq!(engine.first_hour(now(1_000)).0, present - 8 * 24 - SLACK_HOURS);
}

#[test]
fn a_hello_that_led_to_a_link_leads_to_no_other() {
    let mut offices = Offices::open();
    let proposer = usize::from(offices.engines[0].party.is_committer());
    offices.step(proposer, vec![Input::DirectUp(ROUTE)]);
    let hello = offices.engines[proposer].link.stage.message().expect("a hello").to_vec();
    offices.give(1 - proposer, Input::DirectUp(ROUTE));
    let committer = &mut offices.engines[1 - proposer];
    assert!(committer.link.epochs.is_some() && committer.link.stage == Stage::Quiet);

    committer.on_rendezvous(now(offices.now_ms), &hello);

    assert_eq!((&committer.link.stage, committer.link.hello_waiting.is_some()), (&Stage::Quiet, false));
}
