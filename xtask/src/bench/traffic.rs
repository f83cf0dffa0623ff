//! What travels: octets through a steady route, idle and talking.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::Place;
use super::black_hole::Path;
use super::offices::{self, Offices, Running};
use super::report::{Figure, Section};
use super::socket::say;

const WINDOW_MS: u64 = 200;
const DEFAULT_WINDOW_MS: u64 = 2_000;
/// A default cell.
pub const CELL_OCTETS: u64 = 2_048;
const SEARCH_S: u64 = 1_800;

/// Counts what passes between both nodes and one relay.
pub fn run(place: &Place) -> anyhow::Result<Section> {
    let seconds = if place.is_quick { 10 } else { 30 };
    let mut section = Section::new("What travels on a steady route");
    let folder = tempfile::tempdir()?;
    let relay = offices::relay(place, folder.path(), "relay", 0)?;
    let (path, route) = counted(&relay)?;
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
    let each = format!("{} octets", busy.saturating_sub(idle) / windows);
    section.figure(Figure::told("a note of 200 octets, beyond the cells that leave anyway", each, ""));
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

/// A path to a relay on which octets are counted, and the route over it.
pub fn counted(relay: &Running) -> anyhow::Result<(Path, String)> {
    let route = offices::route_of(relay)?;
    let rest = route.strip_prefix("https://").context("a relay's route")?;
    let address = rest.split_once(['#', '/']).map_or(rest, |(address, _)| address);
    let path = Path::to(address.parse::<SocketAddr>()?)?;
    let route = route.replacen(address, &path.address.to_string(), 1);
    Ok((path, route))
}

/// What a node fetches after a start and in a day, if `octets` passed in `seconds` of its search.
pub fn start_and_day(section: &mut Section, octets: u64, seconds: u64) {
    let megabytes = |octets: u64| format!("{:.0} MB", octets as f64 / 1e6);
    let start = megabytes(octets * SEARCH_S / seconds);
    section.figure(Figure::told("a node's octets in the half hour after a start, three routes", start, ""));
    let window = octets * DEFAULT_WINDOW_MS / (seconds * 1_000);
    let idle = window.saturating_sub(SEARCH_GETS_MORE * CELL_OCTETS * ROUTES);
    let day = megabytes(idle * 86_400_000 / DEFAULT_WINDOW_MS);
    section.figure(Figure::told("a node's octets per idle day, three routes", day, ""));
    section.note(format!(
        "Octets counted over {seconds} s on the TCP paths to the relays, TLS included; an idle day is that less \
         the {SEARCH_GETS_MORE} cells more that an exchange of a search asks for."
    ));
}

/// Spare GETs of an exchange that only a search makes.
const SEARCH_GETS_MORE: u64 = 14;
const ROUTES: u64 = 3;
