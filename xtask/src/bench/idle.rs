//! What a node costs that says nothing: three relays, windows of 2 s.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::Context;

use super::offices::{self, Offices};
use super::report::{Figure, Section};
use super::{Place, traffic};

const CPU_PERCENT_MAX: f64 = 1.0;
const MEBIBYTES_MAX: f64 = 64.0;
/// Clock ticks per second of `/proc/PID/stat` on Linux.
const TICKS_PER_S: f64 = 100.0;

/// Measures one of two idle nodes.
pub fn run(place: &Place) -> anyhow::Result<Section> {
    let seconds = if place.is_quick { 10 } else { 60 };
    let mut section = Section::new("An idle node with three routes at 2 s");
    let folder = tempfile::tempdir()?;
    let relays = (0..3)
        .map(|n| offices::relay(place, folder.path(), &format!("relay-{n}"), n))
        .collect::<Result<Vec<_>, _>>()?;
    let paths = relays.iter().map(traffic::counted).collect::<Result<Vec<_>, _>>()?;
    let routes: Vec<String> = paths.iter().map(|(_, route)| route.clone()).collect();
    let carried = || paths.iter().map(|(path, _)| path.carried()).sum::<u64>();
    let mut offices = Offices::set_up(place, folder, "2s", &routes)?;
    offices.meet()?;
    let process = offices.tokyo.process()?;
    thread::sleep(Duration::from_secs(5));
    let (before, carried_before) = (cpu_seconds(process)?, carried());
    thread::sleep(Duration::from_secs(seconds));
    let percent = (cpu_seconds(process)? - before) / seconds as f64 * 100.0;
    let octets_each = (carried() - carried_before) / 2;
    let mebibytes = resident_mebibytes(process)?;
    section.figure(Figure::at_most("share of a core", percent, ("%", 2), "", CPU_PERCENT_MAX));
    let what = "resident memory after unlocking";
    section.figure(Figure::at_most(what, mebibytes, ("MiB", 0), "", MEBIBYTES_MAX));
    traffic::start_and_day(&mut section, octets_each, seconds);
    section.note(format!(
        "Measured over {seconds} s soon after a start, while each exchange asks for 16 cells instead of 2: the dearest half hour."
    ));
    Ok(section)
}

/// Processor time of a process so far.
fn cpu_seconds(process: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th words after it.
    let (_, rest) = stat.rsplit_once(") ").context("a process's stat")?;
    let ticks = rest.split(' ').skip(11).take(2).map(|word| word.parse::<f64>().unwrap_or(0.0));
    Ok(ticks.sum::<f64>() / TICKS_PER_S)
}

/// Memory of a process that is in RAM.
pub fn resident_mebibytes(process: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_process_has_memory_and_time() {
        let process = std::process::id();
        assert!(resident_mebibytes(process).unwrap() > 0.1);
        let before = cpu_seconds(process).unwrap();
        // Ends only when work shows.
        while cpu_seconds(process).unwrap() <= before {}
    }
}
