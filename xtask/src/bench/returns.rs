//! How soon somebody who was away has read everything, simulated at default rates.

use anyhow::Context;

use super::Place;
use super::report::{Figure, Section};
use super::traffic::CELL_OCTETS;
use crate::steps;

const SHARE_PERCENT_MIN: f64 = 90.0;

/// Runs the simulator's returns.
pub fn run(place: &Place) -> anyhow::Result<Section> {
    let days: &[&str] = if place.is_quick { &["2"] } else { &["1", "7", "30"] };
    let mut section = Section::new("Back after an absence (simulated)");
    let mut words = vec!["cargo", "bench", "--locked", "--workspace", "--bench", "returns", "--"];
    words.extend(days);
    let output = steps::output(&words).context("the simulator's returns did not run")?;
    section.figure(share(&output)?);
    for days in days {
        let what = format!(
            "{days} days away, 1,000 notes, sender down since the last hour, one of three relays dead"
        );
        section.figure(figure(&output, &format!("back_after_{days}_days"), &what, 120.0)?);
    }
    let what = "a sender that was up for five minutes, read a day later while it is down";
    section.figure(figure(&output, "five_minutes", what, 60.0)?);
    section.note(
        "The engine's real search against the relays' real expiry; window 2 s, cell 2,048 octets, one lane.",
    );
    Ok(section)
}

/// The figure of the line `backlog OCTETS WINDOWS VERDICT`.
fn share(output: &str) -> anyhow::Result<Figure> {
    let (words, line) = words(output, "backlog")?;
    let [octets, windows, verdict @ ..] = words.as_slice() else { anyhow::bail!("an odd line: {line}") };
    let (octets, windows): (f64, f64) = (octets.parse()?, windows.parse()?);
    let (share, verdict) = (octets / (windows * CELL_OCTETS as f64) * 100.0, verdict.join(" "));
    let ours = format!("{share:.1} % ({windows} cells), {verdict}");
    let held = share >= SHARE_PERCENT_MIN && verdict == "all there";
    let what = "octets of new entries among those of all cells while a backlog of short notes is sent";
    Ok(Figure::aimed(what, ours, "", "at least 90 %", held))
}

fn words<'o>(output: &'o str, name: &str) -> anyhow::Result<(Vec<&'o str>, &'o str)> {
    let line = output.lines().find_map(|line| line.strip_prefix(name));
    let line = line.with_context(|| format!("no {name} in {output}"))?;
    Ok((line.split_whitespace().collect(), line))
}

/// The figure of the line `NAME SECONDS GETS VERDICT`.
fn figure(output: &str, name: &str, what: &str, seconds_max: f64) -> anyhow::Result<Figure> {
    let (words, line) = words(output, name)?;
    let [seconds, gets, verdict @ ..] = words.as_slice() else { anyhow::bail!("an odd line: {line}") };
    let verdict = verdict.join(" ");
    let seconds: f64 = seconds.parse()?;
    let ours = format!("{seconds:.1} s, {gets} GETs, {verdict}");
    let held = seconds <= seconds_max && verdict == "all there";
    Ok(Figure::aimed(what, ours, "", &format!("within {seconds_max} s"), held))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_that_misses_something_falls_short() {
        let held = |line: &str| {
            let mut section = Section::new("");
            section.figure(figure(line, "back", "", 60.0).unwrap());
            section.held()
        };
        assert!(held("back 48.0 1000 all there"));
        assert!(!held("back 48.0 1000 Arrives: 3 of 4 are there"));
        assert!(!held("back 61.0 1000 all there"));
    }
}
