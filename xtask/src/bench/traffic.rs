//! What travels: octets through a steady route, idle and talking.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::Place;
use super::black_hole::Path;
use super::offices::{self, Offices};
use super::report::{Figure, Section};
use super::socket::say;

const WINDOW_MS: u64 = 200;
const DEFAULT_WINDOW_MS: u64 = 2_000;
const CELL_OCTETS: u64 = 2_048;
const SEARCH_S: u64 = 1_800;

/// Counts what passes between both nodes and one relay.
pub fn run(place: &Place) -> anyhow::Result<Section> {
    let seconds = if place.is_quick { 10 } else { 30 };
    let mut section = Section::new("What travels on a steady route");
    let folder = tempfile::tempdir()?;
    let relay = offices::relay(place, folder.path(), "relay", 0)?;
    let route = offices::route_of(&relay)?.to_owned();
    let rest = route.strip_prefix("https://").context("a relay's route")?;
    let address = rest.split_once(['#', '/']).map_or(rest, |(address, _)| address);
    let path = Path::to(address.parse::<SocketAddr>()?)?;
    let route = route.replacen(address, &path.address.to_string(), 1);
    let mut offices = Offices::set_up(place, folder, "200ms", &[route])?;
    offices.meet()?;
    section.figure(Figure::told(
        "first contact: all octets of the route until both are verified",
        octets(path.carried()),
        "",
    ));
    thread::sleep(Duration::from_secs(3));
    let idle = count(&path, seconds, || Ok(()))?;
    let mut tokyo = offices.tokyo.client()?;
    let text = "x".repeat(200);
    let busy = count(&path, seconds, || tokyo.ask(&say(&text)).map(drop))?;
    let windows = seconds * 1_000 / WINDOW_MS;
    let difference = idle.abs_diff(busy) * 1_000 / idle.max(1);
    let (ours, beside) = (octets(busy / windows), format!("idle: {}", octets(idle / windows)));
    let what = "both nodes' octets per window, with a note of 200 octets in each";
    section.figure(Figure::aimed(what, ours, beside, "the same within 1 %", difference <= 10));
    section.note(format!(
        "Counted over {seconds} s each on the TCP path to the relay, TLS included, during the search."
    ));
    Ok(section)
}

/// Octets that pass while `talk` is called once a window.
fn count(path: &Path, seconds: u64, mut talk: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<u64> {
    let before = path.carried();
    let begin = Instant::now();
    for number in 1..=seconds * 1_000 / WINDOW_MS {
        talk()?;
        let next = begin + Duration::from_millis(number * WINDOW_MS);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(path.carried() - before)
}

fn octets(count: u64) -> String {
    format!("{:.1} kB", count as f64 / 1e3)
}

/// What a start fetches at default rates: constant sizes, so arithmetic.
pub fn start_fetches(section: &mut Section) {
    let search = SEARCH_S * 1_000 / DEFAULT_WINDOW_MS * 16 * CELL_OCTETS * 3;
    let day = 86_400_000 / DEFAULT_WINDOW_MS * 3 * CELL_OCTETS * 3;
    let megabytes = |octets: u64| format!("{:.0} MB", octets as f64 / 1e6);
    section.figure(Figure::told(
        "cells that a start fetches in half an hour (computed)",
        megabytes(search),
        "",
    ));
    section.figure(Figure::told(
        "cells per idle day, both ways, three routes (computed)",
        megabytes(day),
        "",
    ));
}
