//! `couloir relay`: a relay from the same program, for the tour and for trials.

use std::process::ExitCode;

use couloir_relay::cli;

/// Run a relay; the same as `couloir-relay`.
#[derive(clap::Args)]
pub struct Relay {
    #[command(subcommand)]
    command: cli::Command,
}

impl Relay {
    /// Serves until it is stopped. Speaks and ends as `couloir-relay` does.
    pub fn run(self) -> ExitCode {
        cli::run(self.command)
    }
}
