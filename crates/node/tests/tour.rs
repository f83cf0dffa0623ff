//! The tour keeps its promises, and notices when one breaks.

mod support;

use serde_json::Value;
use support::World;

fn tour(more: &[&str]) -> (i32, Value) {
    let ended = World::new().run(&[&["tour", "--seconds", "12", "--json"], more].concat());
    let count =
        serde_json::from_str(ended.stdout.trim()).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    (ended.code, count)
}

#[test]
fn the_tour_keeps_every_promise() {
    let (code, count) = tour(&[]);
    assert_eq!(code, 0, "{count}");
    assert!(count["said"].as_u64() > Some(20), "{count}");
    assert_eq!(count["said"], count["arrived"], "{count}");
    for broken in ["lost", "repeated", "out_of_order", "altered", "undelivered"] {
        assert_eq!(count[broken], 0, "{count}");
    }
}

#[test]
fn a_note_that_a_disk_forgot_makes_the_tour_fail() {
    let (code, count) = tour(&["--lose-one"]);
    assert_eq!((code, count["lost"].as_u64(), count["kept"].as_bool()), (1, Some(1), Some(false)), "{count}");
}

#[test]
fn a_week_of_talks_ends_with_one_record_and_both_pages_open() {
    let world = World::new();
    let week = world.serve(&["tour", "--week", "--json"]);
    let answer: Value = serde_json::from_str(&week.line).expect("JSON");
    assert_eq!(answer["head"].as_str().map(str::len), Some(64), "{answer}");
    let desks = answer["desks"].as_array().expect("both desks");
    let is_open = |desk: &Value| desk["url"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:"));
    assert!(desks.len() == 2 && desks.iter().all(is_open), "{answer}");
    assert_eq!(week.stop(), Some(0));
}
