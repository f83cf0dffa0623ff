//! How fast the simulator is.

use std::time::Instant;

use anyhow::{Context, ensure};

use super::Place;
use super::report::{Figure, Section};
use crate::steps;

const SECONDS_PER_DAY_MAX: f64 = 5.0;

/// Simulates a day of two nodes and three relays, with and without faults.
pub fn run(place: &Place) -> anyhow::Result<Section> {
    let mut section = Section::new("The simulator");
    let program = place.binaries.join("couloir-sim");
    let program = program.to_str().context("a path in UTF-8")?;
    let day = ["--seeds", "1", "--days", "1", "--routes", "relay0,relay1,relay2"];
    for (what, more) in
        [("without faults", &["--calm"][..]), ("with faults", &[]), ("real ciphers", &["--calm", "--real"])]
    {
        let words: Vec<&str> = [&[program], &day[..], more].concat();
        let begin = Instant::now();
        let output = steps::output(&words).with_context(|| format!("{} failed", words.join(" ")))?;
        let seconds = begin.elapsed().as_secs_f64();
        ensure!(!output.contains("FAILED"), "a seed failed: {output}");
        let held = seconds <= SECONDS_PER_DAY_MAX;
        let name = format!("one day of two nodes and three relays, {what}");
        section.figure(Figure::aimed(&name, format!("{seconds:.1} s"), "", "at most 5 s", held));
        let said = output.lines().filter(|line| line.starts_with("exchanges") || line.starts_with("entries"));
        said.for_each(|line| {
            section.note(format!("{what}: {}", line.split_whitespace().collect::<Vec<_>>().join(" ")))
        });
    }
    section.note("Stores in memory; null ciphers unless it says real.");
    Ok(section)
}
