//! What the record costs: `crates/talks/benches/record.rs`.

use anyhow::{Context, ensure};
use serde_json::Value;

use super::Place;
use super::report::{Figure, Section};
use crate::steps;

/// Signs, verifies, exports and checks; figures are told, the issue sets no aims.
pub fn run(place: &Place) -> anyhow::Result<Section> {
    ensure!(place.may_build, "it lies in a crate and must be built: leave out --binaries");
    let mut words = vec!["cargo", "bench", "--locked", "--workspace", "--bench", "record"];
    if place.is_quick {
        words.extend(["--", "--quick"]);
    }
    let output = steps::output(&words).context("the bench failed")?;
    let line = output.lines().find(|line| line.starts_with('{')).context("the bench said nothing")?;
    section(&serde_json::from_str(line)?)
}

fn section(told: &Value) -> anyhow::Result<Section> {
    let number = |key: &str| told[key].as_f64().with_context(|| format!("no {key}"));
    let mut section = Section::new("The record");
    let count = number("statements")?;
    section.figure(Figure::told("a statement signed, median", format!("{:.2} ms", number("sign_ms")?), ""));
    section.figure(Figure::told(
        "a statement verified, median",
        format!("{:.2} ms", number("verify_ms")?),
        "",
    ));
    let what = format!("export of {count:.0} agreed statements");
    let size = format!("{:.1} s, {:.1} MB", number("export_s")?, number("export_octets")? / 1e6);
    section.figure(Figure::told(&what, size, ""));
    let what = format!("that export checked, {:.0} signatures", 4.0 * count);
    section.figure(Figure::told(&what, format!("{:.1} s", number("examine_s")?), ""));
    section.note("One core. Each statement has texts in two languages and one countersignature; both are signed with Ed25519 and ML-DSA-65.");
    Ok(section)
}
