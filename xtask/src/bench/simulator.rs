//! How fast the simulator is.

use anyhow::Context;

use super::Place;
use super::report::{Figure, Section};
use crate::steps;

const SECONDS_PER_DAY_MAX: f64 = 5.0;

/// Runs `couloir-sim --bench`.
pub fn run(place: &Place) -> anyhow::Result<Section> {
    let mut section = Section::new("The simulator");
    let program = place.binaries.join("couloir-sim");
    let program = program.to_str().context("a path in UTF-8")?;
    let output = steps::output(&[program, "--bench"]).context("couloir-sim --bench failed")?;
    let seconds =
        seconds_per_day(&output).with_context(|| format!("no line with seconds_per_day in: {output}"))?;
    let held = seconds <= SECONDS_PER_DAY_MAX;
    let ours = format!("{seconds:.2} s");
    section.figure(Figure::aimed("one day of two nodes and three relays", ours, "", "at most 5 s", held));
    output.lines().filter(|line| !line.trim().is_empty()).for_each(|line| section.note(line.trim()));
    Ok(section)
}

fn seconds_per_day(output: &str) -> Option<f64> {
    let line = output.lines().find(|line| line.contains("seconds_per_day"))?;
    line.split(|c: char| c.is_whitespace() || c == '=').next_back()?.parse().ok()
}
