//! A note every 100 ms over two relays and a folder, while routes fall silent one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use super::black_hole::Path;
use super::offices::{self, Offices, Running};
use super::report::{Figure, Section, percentile};
use super::socket::{Client, Shown, say};
use super::{Place, nats};

const EVERY: Duration = Duration::from_millis(100);
/// Three windows.
const P99_MS_MAX: f64 = 600.0;
/// How long after the last note the rest may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);
const ROUTES: [&str; 3] = ["relay 1", "relay 2", "folder"];

/// A route that can be made to fall silent.
enum Route {
    Relay(Path, #[expect(dead_code, reason = "it runs until the bench ends")] Running),
    Folder(PathBuf),
}

impl Route {
    fn relay(
        place: &Place,
        folder: &std::path::Path,
        name: &str,
        ruler: u8,
    ) -> anyhow::Result<(Route, String)> {
        let relay = offices::relay(place, folder, name, ruler)?;
        let route = offices::route_of(&relay)?.to_owned();
        let rest = route.strip_prefix("https://").context("a relay's route")?;
        let address = rest.split_once(['#', '/']).map_or(rest, |(address, _)| address);
        let path = Path::to(address.parse::<SocketAddr>()?)?;
        let route = route.replacen(address, &path.address.to_string(), 1);
        Ok((Route::Relay(path, relay), route))
    }

    fn fall_silent(&self) -> anyhow::Result<()> {
        match self {
            Route::Relay(path, _) => path.fall_silent(),
            Route::Folder(folder) => {
                std::fs::rename(folder, folder.with_extension("gone"))?;
                // A file in its place, so that nobody makes it anew.
                std::fs::write(folder, "")?;
            }
        }
        Ok(())
    }
}

/// What one run showed.
struct Run {
    said: usize,
    lost: usize,
    repeated: usize,
    disordered: usize,
    /// Milliseconds from before `send` to the peer's log, by the number of routes that were silent.
    delays: [Vec<f64>; 3],
}

impl Run {
    fn p99(&self, silent: Option<usize>) -> f64 {
        let mut delays: Vec<f64> = match silent {
            Some(silent) => self.delays[silent].clone(),
            None => self.delays.concat(),
        };
        delays.sort_by(f64::total_cmp);
        percentile(&delays, 99)
    }

    fn longest(&self) -> f64 {
        self.delays.iter().flatten().copied().fold(0.0, f64::max)
    }
}

/// Runs it three times, with another route left each time, and beside NATS JetStream.
pub fn run(place: &Place) -> anyhow::Result<Section> {
    let seconds = if place.is_quick { 12 } else { 60 };
    let mut section = Section::new("A note every 100 ms while routes fall silent");
    let mut p99s = Vec::new();
    for left in 0..if place.is_quick { 1 } else { ROUTES.len() } {
        let run = once(place, left, seconds)?;
        p99s.push(run.p99(None));
        report(&mut section, &run, left);
    }
    p99s.sort_by(f64::total_cmp);
    let median = percentile(&p99s, 50);
    let (silence, note) = nats::silence(seconds);
    let held = median <= P99_MS_MAX;
    let ours = format!("{median:.0} ms");
    section.figure(Figure::aimed(
        "99th percentile of delay, median of the runs",
        ours,
        silence,
        "at most 600 ms",
        held,
    ));
    section.note(note);
    section.note(format!(
        "{seconds} s a run, window 200 ms, two relays and a folder; a third into the run one route falls silent (its \
         connections stay open, nothing comes through; the folder is gone), after two thirds another. Delay: from before \
         `send` on one node's socket to the row in the other's followed log."
    ));
    Ok(section)
}

fn report(section: &mut Section, run: &Run, left: usize) {
    let what = format!("{} left: lost, repeated, out of order of {}", ROUTES[left], run.said);
    let counts = format!("{}, {}, {}", run.lost, run.repeated, run.disordered);
    let held = run.lost + run.repeated + run.disordered == 0;
    section.figure(Figure::aimed(&what, counts, "", "0, 0, 0", held));
    let by_routes: Vec<String> = (0..3).map(|silent| format!("{:.0}", run.p99(Some(silent)))).collect();
    let what = format!("{} left: 99th percentile with 3, 2, 1 routes; longest", ROUTES[left]);
    section.figure(Figure::told(&what, format!("{} ms; {:.0} ms", by_routes.join(", "), run.longest()), ""));
}

fn once(place: &Place, left: usize, seconds: u64) -> anyhow::Result<Run> {
    let folder = tempfile::tempdir()?;
    let dead_drop = folder.path().join("dead-drop");
    std::fs::create_dir(&dead_drop)?;
    let (relay_1, url_1) = Route::relay(place, folder.path(), "relay-1", 0)?;
    let (relay_2, url_2) = Route::relay(place, folder.path(), "relay-2", 1)?;
    let urls = [url_1, url_2, format!("folder:{}", dead_drop.display())];
    let routes = [relay_1, relay_2, Route::Folder(dead_drop)];
    let mut offices = Offices::set_up(place, folder, "200ms", &urls)?;
    offices.meet()?;
    let arrivals = offices.beijing.client()?.follow(None)?;
    let said = talk(&mut offices.tokyo.client()?, &routes, left, seconds)?;
    let arrived = collect(&arrivals, &said);
    let log = offices.beijing.client()?.log()?;
    Ok(judge(&said, &arrived, &log))
}

/// A note that was said: its text, when, and how many routes were silent.
struct Said {
    text: String,
    at: Instant,
    silent: usize,
}

fn talk(tokyo: &mut Client, routes: &[Route], left: usize, seconds: u64) -> anyhow::Result<Vec<Said>> {
    let dying: Vec<&Route> =
        routes.iter().enumerate().filter(|(i, _)| *i != left).map(|(_, route)| route).collect();
    let start = Instant::now();
    let total = seconds * 10;
    let mut said = Vec::new();
    for number in 0..total {
        thread::sleep((start + EVERY * number as u32).saturating_duration_since(Instant::now()));
        let silent = (number * 3 / total) as usize;
        if silent > 0 && number == (total * silent as u64).div_ceil(3) {
            dying[silent - 1].fall_silent()?;
        }
        let note = Said { text: format!("note {number}"), at: Instant::now(), silent };
        tokyo.ask(&say(&note.text))?;
        said.push(note);
    }
    Ok(said)
}

/// When each text was shown first, until all are there or patience ends.
fn collect(arrivals: &Receiver<Shown>, said: &[Said]) -> BTreeMap<String, Instant> {
    let deadline = Instant::now() + PATIENCE;
    let mut arrived = BTreeMap::new();
    while arrived.len() < said.len() {
        let Ok(shown) = arrivals.recv_timeout(deadline.saturating_duration_since(Instant::now())) else {
            break;
        };
        let text = shown.row["text"].as_str().unwrap_or_default().to_owned();
        arrived.entry(text).or_insert(shown.at);
    }
    arrived
}

fn judge(said: &[Said], arrived: &BTreeMap<String, Instant>, log: &[Value]) -> Run {
    let texts: Vec<&str> = log.iter().filter_map(|row| row["text"].as_str()).collect();
    let distinct: BTreeSet<&str> = texts.iter().copied().collect();
    let numbers: Vec<u64> =
        texts.iter().filter_map(|text| text.strip_prefix("note ")?.parse().ok()).collect();
    let mut delays = [const { Vec::new() }; 3];
    for note in said {
        let delay = arrived.get(&note.text).map(|at| (*at - note.at).as_secs_f64() * 1e3);
        delays[note.silent].extend(delay);
    }
    Run {
        said: said.len(),
        lost: said.iter().filter(|note| !distinct.contains(note.text.as_str())).count(),
        repeated: texts.len() - distinct.len(),
        disordered: numbers.windows(2).filter(|pair| pair[0] > pair[1]).count(),
        delays,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_missing_twice_or_swapped_is_counted() {
        let at = Instant::now();
        let said: Vec<Said> =
            (0..4).map(|number| Said { text: format!("note {number}"), at, silent: 0 }).collect();
        let arrived = [("note 0".to_owned(), at + Duration::from_millis(5))].into();
        let log = ["note 0", "note 2", "note 1", "note 2"].map(|text| json!({ "text": text }));
        let run = judge(&said, &arrived, &log);
        assert_eq!((run.lost, run.repeated, run.disordered), (1, 1, 1));
        assert_eq!(run.p99(Some(0)).round(), 5.0);
    }
}
