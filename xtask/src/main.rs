//! Developers' commands: `cargo xtask test | tidy | bench | deny`.

mod bench;
mod deny;
mod record;
mod steps;
mod test;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developers' commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Everything that continuous integration checks: format, tidy, clippy, examples, tests.
    Test(test::Args),
    /// Read the sources: layers, purity, words, lengths, citations.
    Tidy,
    /// Figures beside their peers, written to docs/BENCHMARKS.md.
    Bench(bench::Args),
    /// Licences, bans, sources and known vulnerabilities of what we depend on.
    Deny(deny::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().verb) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `verb` from the repository's root; false if what it checks does not hold.
fn run(verb: Verb) -> anyhow::Result<bool> {
    std::env::set_current_dir(root())?;
    match verb {
        Verb::Test(args) => test::run(&args),
        Verb::Tidy => tidy::run(&root()),
        Verb::Bench(args) => bench::run(&args),
        Verb::Deny(args) => deny::run(&args),
    }
}

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}
