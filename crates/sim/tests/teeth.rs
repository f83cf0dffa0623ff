//! The checks have teeth: each planted bug is caught by a named check within a few seeds.
#![cfg(feature = "planted")]

use couloir_engine::planted::{Bug, plant};
use couloir_relay::planted as relay;
use couloir_seal::CipherSuite;
use couloir_sim::checks::Check;
use couloir_sim::faults::{FaultClass, Swarm};
use couloir_sim::named::from_outside;
use couloir_sim::scenario::{PLAIN, RouteKind, drawn, quiet, run};
use couloir_sim::world::Config;
use couloir_talks::planted as talks;

#[test]
fn acknowledging_before_the_sync_is_caught() {
    assert_caught(Bug::SaysBeforeSync, &[Check::KeptBeforeSaid], calm);
}

#[test]
fn taking_an_entry_twice_is_caught() {
    assert_caught(Bug::TakesTwice, &[Check::Once], |seed| {
        faulty(seed, &[FaultClass::Restore, FaultClass::Kill])
    });
}

#[test]
fn forgetting_what_was_ever_kept_is_caught() {
    assert_caught(Bug::ForgetsKnown, &[Check::Once, Check::Order, Check::Arrives], |seed| {
        faulty(seed, &[FaultClass::Kill, FaultClass::Restore])
    });
}

#[test]
fn using_windows_again_after_a_start_is_caught() {
    assert_caught(Bug::ReusesWindows, &[Check::SlotOnce], |seed| Config {
        routes: vec![RouteKind::Folder(0)],
        ..faulty(seed, &[FaultClass::Kill, FaultClass::ClockJump])
    });
}

#[test]
fn cover_that_is_shorter_is_caught() {
    assert_caught(Bug::ShorterCover, &[Check::CellSize], calm);
}

#[test]
fn delivered_without_the_peers_word_is_caught() {
    assert_caught(Bug::DeliveredOnPut, &[Check::DeliveredIsThere], calm);
}

#[test]
fn writing_under_a_stale_epoch_is_caught() {
    assert_caught(Bug::WritesStaleEpoch, &[Check::KeysChange], |seed| Config {
        safety_ms: 67 * MINUTE_MS,
        talk_mean_ms: Some(5 * MINUTE_MS),
        ..quiet(seed, &[RouteKind::Relay(0)], 0)
    });
}

#[test]
fn a_state_that_goes_back_is_caught() {
    assert_caught(Bug::StateGoesBack, &[Check::StatesForward], calm);
}

#[test]
fn showing_a_child_before_its_parent_is_caught() {
    assert_caught(Bug::WaitsForNothing, &[Check::Order], |seed| {
        faulty(seed, &[FaultClass::Loss, FaultClass::Partition])
    });
}

#[test]
fn hiding_a_gap_is_caught() {
    assert_caught(Bug::HidesGaps, &[Check::Order], |seed| {
        faulty(seed, &[FaultClass::Loss, FaultClass::Partition])
    });
}

#[test]
fn an_outbox_that_is_not_durable_is_caught() {
    assert_caught(Bug::KeepsNoOutbox, &[Check::NoHalt, Check::Arrives, Check::Bounded], |seed| Config {
        routes: vec![RouteKind::Relay(0)],
        safety_ms: 20 * MINUTE_MS,
        talk_mean_ms: Some(3_000),
        ..faulty(seed, &[FaultClass::Kill])
    });
}

#[test]
fn believing_a_disk_that_was_put_back_is_caught() {
    assert_caught(Bug::TrustsEveryLife, &[Check::NoHalt, Check::Arrives, Check::DeliveredIsThere], |seed| {
        Config {
            routes: vec![RouteKind::Relay(0)],
            safety_ms: 144 * MINUTE_MS,
            talk_mean_ms: Some(3_000),
            ..faulty(seed, &[FaultClass::Rollback, FaultClass::Partition])
        }
    });
}

#[test]
fn keeping_what_expired_is_caught() {
    assert_caught(Bug::KeepsWhatExpired, &[Check::Expires], |seed| Config {
        safety_ms: 180 * MINUTE_MS,
        ..faulty(seed, &[FaultClass::Kill])
    });
}

#[test]
fn a_prompt_route_that_waits_for_no_connection_is_caught() {
    assert_caught(Bug::WaitsForNoConnection, &[Check::Bounded], |seed| Config {
        routes: vec![RouteKind::Direct],
        is_talk_light: false,
        safety_ms: 144 * MINUTE_MS,
        talk_mean_ms: Some(3_000),
        ..faulty(seed, &[FaultClass::Absence])
    });
}

#[test]
fn calling_a_peer_alive_that_is_silent_is_caught() {
    assert_caught(Bug::NeverSilent, &[Check::Silence], |seed| faulty(seed, &[FaultClass::Absence]));
}

#[test]
fn fragments_with_wrong_boundaries_are_caught() {
    assert_caught(Bug::LosesBoundaries, &[Check::NoHalt, Check::Arrives], calm);
}

#[test]
fn talk_that_moves_an_exchange_is_caught() {
    plant(Some(Bug::TalkLeavesLater));
    let caught = (1..=SEEDS).any(|seed| {
        let (talking, silent) = from_outside(seed, 15 * MINUTE_MS).expect("a world");
        talking != silent
    });
    plant(None);
    assert!(caught, "{:?} sees nothing", Check::SameFromOutside);
}

#[test]
fn a_relay_that_stores_nothing_is_caught() {
    relay::plant(Some(relay::Bug::StoresNothing));
    let failure = run(calm(1)).expect("a world").failure;
    relay::plant(None);
    assert_eq!(failure.map(|failure| failure.check), Some(Check::RelayKeeps));
}

#[test]
fn a_relay_that_deletes_what_was_read_is_caught() {
    relay::plant(Some(relay::Bug::DeletesOnGet));
    let failure =
        (1..=SEEDS).find_map(|seed| run(faulty(seed, &[FaultClass::Loss])).expect("a world").failure);
    relay::plant(None);
    assert_eq!(failure.map(|failure| failure.check), Some(Check::RelayKeeps));
}

#[test]
fn without_a_planted_bug_the_same_runs_pass() {
    plant(None);
    for seed in 1..=3 {
        for config in [calm(seed), faulty(seed, &[FaultClass::Kill, FaultClass::Loss, FaultClass::Partition])]
        {
            let failure = run(config).expect("a world").failure.map(|failure| failure.to_string());
            assert_eq!(failure, None, "seed {seed}");
        }
    }
}

#[test]
fn desks_that_compute_otherwise_are_caught() {
    let with_matters = |seed| Config { has_matters: true, ..calm(seed) };
    let bugs =
        [(talks::Bug::FoldsAsTheyCame, Check::SameState), (talks::Bug::ForgetsOrphans, Check::SameHead)];
    for (bug, check) in bugs {
        talks::plant(Some(bug));
        let failure = (1..=SEEDS).find_map(|seed| run(with_matters(seed)).expect("a world").failure);
        talks::plant(None);
        assert_eq!(failure.map(|failure| failure.check), Some(check), "{bug:?}");
    }
}

/// Plants `bug` and runs seeds until one fails: by one of `checks`.
fn assert_caught(bug: Bug, checks: &[Check], config: impl Fn(u64) -> Config) {
    plant(Some(bug));
    let failure = (1..=SEEDS).find_map(|seed| run(config(seed)).expect("a world").failure);
    plant(None);
    let failure = failure.unwrap_or_else(|| panic!("{bug:?} is not caught within {SEEDS} seeds"));
    assert!(checks.contains(&failure.check), "{bug:?} is caught by another check: {failure}");
}

fn calm(seed: u64) -> Config {
    quiet(seed, &PLAIN, 15 * MINUTE_MS)
}

fn faulty(seed: u64, classes: &[FaultClass]) -> Config {
    let swarm = Swarm(classes.to_vec());
    let plain = drawn(seed, CipherSuite::Null, 60 * MINUTE_MS);
    Config {
        swarm,
        window_ms: 2_000,
        cell_len: 2_048,
        talk_mean_ms: Some(20_000),
        is_talk_light: true,
        ..plain
    }
}

const SEEDS: u64 = 8;
const MINUTE_MS: u64 = 60_000;
