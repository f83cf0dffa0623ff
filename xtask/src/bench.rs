//! `cargo xtask bench`: figures of the real programs, each beside its peer or its limit of the same run.
//!
//! Each bench is one file with one function from [`Place`] to a [`Section`]. What could not be measured is
//! said with its reason; no figure is ever carried over from elsewhere. Sections of benches that did not run
//! stay in `docs/BENCHMARKS.md` as they were, with their own date.

mod black_hole;
mod desk;
mod direct;
mod file;
mod idle;
mod line;
mod nats;
mod offices;
mod record;
mod relay;
mod report;
mod returns;
mod simulator;
mod socket;
mod traffic;

use std::path::PathBuf;

use anyhow::ensure;

use crate::steps::{self, Outcome};
use report::{Report, Section};

/// Which benches to run.
#[derive(clap::Args)]
pub struct Args {
    /// Only these: line, direct, relay, file, idle, traffic, simulator, returns, record, desk; all if none is named.
    names: Vec<String>,
    /// Shorter and rougher, to see whether the benches themselves work; writes no document.
    #[arg(long)]
    quick: bool,
    /// Take the programs from here instead of building them, and run no bench that Cargo would have to build.
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
}

/// Where a bench finds the programs, and how long it may take.
#[derive(Debug)]
pub struct Place {
    /// The folder of the release binaries.
    pub binaries: PathBuf,
    /// Shorter and rougher.
    pub is_quick: bool,
    /// Whether benches that lie in the crates may be built and run.
    pub may_build: bool,
}

type Bench = fn(&Place) -> anyhow::Result<Section>;

const BENCHES: [(&str, Bench); 10] = [
    ("line", line::run),
    ("direct", direct::run),
    ("relay", relay::run),
    ("file", file::run),
    ("idle", idle::run),
    ("traffic", traffic::run),
    ("simulator", simulator::run),
    ("returns", returns::run),
    ("record", record::run),
    ("desk", desk::run),
];

const DOCUMENT: &str = "docs/BENCHMARKS.md";

/// Runs the benches; false if one of them fell short or could not run.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    for name in &args.names {
        ensure!(BENCHES.iter().any(|(known, _)| known == name), "there is no bench {name}");
    }
    let place = Place { binaries: programs(args)?, is_quick: args.quick, may_build: args.binaries.is_none() };
    let mut report = Report::read(DOCUMENT)?;
    let mut all_held = true;
    for (name, bench) in BENCHES.iter().filter(|(name, _)| is_wanted(args, name)) {
        eprintln!("\n=== {name}");
        let section = bench(&place).unwrap_or_else(|error| Section::failed(name, &error));
        println!("{}", section.text());
        all_held &= section.held();
        report.put(name, &section);
    }
    if !args.quick {
        report.write(DOCUMENT)?;
        eprintln!("written: {DOCUMENT}");
    }
    Ok(all_held)
}

fn is_wanted(args: &Args, name: &str) -> bool {
    args.names.is_empty() || args.names.iter().any(|wanted| wanted == name)
}

/// The folder of the programs: given, or built.
fn programs(args: &Args) -> anyhow::Result<PathBuf> {
    if let Some(given) = &args.binaries {
        return Ok(given.clone());
    }
    // One set of features for all: else each program builds its cryptography anew.
    let words = ["cargo", "build", "--release", "--locked", "--workspace", "--bins"];
    ensure!(steps::run(&words) == Outcome::Passed, "the programs do not build");
    Ok(steps::target().join("release"))
}
