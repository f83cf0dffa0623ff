//! `couloir-sim`: runs seeds, prints what was simulated, fails if a promise broke.

use std::process::ExitCode;

use clap::Parser;
use couloir_seal::CipherSuite;
use couloir_sim::faults::{Swarm, Tally};
use couloir_sim::scenario::{self, Outcome, RouteKind};

/// Simulates two offices, their relays and everything that can go wrong between them.
#[derive(Parser)]
#[command(name = "couloir-sim", version)]
struct Args {
    /// How many seeds to run.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Simulated days with faults per seed; a fraction is welcome.
    #[arg(long, default_value_t = 0.1)]
    days: f64,
    /// Run this seed alone and print one line per event.
    #[arg(long)]
    replay: Option<u64>,
    /// Real ciphers instead of null ones.
    #[arg(long)]
    real: bool,
    /// No faults, and short notes every other minute.
    #[arg(long)]
    calm: bool,
    /// These routes instead of the seed's: relay0 to relay2, folder0 to folder2, direct.
    #[arg(long, value_delimiter = ',')]
    routes: Vec<RouteKind>,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let seeds = match args.replay {
        Some(seed) => seed..seed + 1,
        None => args.from..args.from.saturating_add(args.seeds),
    };
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    for seed in seeds {
        let outcome = run(&args, seed, args.replay.is_some())?;
        tally.add(&outcome.tally);
        if outcome.failure.is_some() {
            failed.push(seed);
        }
    }
    tally.lines().iter().for_each(|line| println!("{line}"));
    failed.iter().for_each(|seed| {
        println!("failed       seed {seed}; replay it with --replay {seed} --days {}", args.days)
    });
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run(args: &Args, seed: u64, is_told: bool) -> anyhow::Result<Outcome> {
    let suite = if args.real { CipherSuite::Real } else { CipherSuite::Null };
    let safety_ms = (args.days * DAY_MS) as u64;
    let mut config = scenario::drawn(seed, suite, safety_ms);
    config.is_told = is_told;
    if args.calm {
        config.swarm = Swarm::default();
        config.is_talk_light = true;
        config.talk_mean_ms = Some(120_000);
    }
    if !args.routes.is_empty() {
        config.routes.clone_from(&args.routes);
    }
    let outcome = scenario::run(config)?;
    let verdict = match &outcome.failure {
        Some(failure) => format!("FAILED  {failure}"),
        None => {
            format!("ok  {} said, healed in {} windows", outcome.tally.said, outcome.tally.heal_windows_max)
        }
    };
    println!("seed {seed:<8} {}  faults: {}  {verdict}", &outcome.digest[..16], outcome.faults);
    Ok(outcome)
}

const DAY_MS: f64 = 86_400_000.0;
