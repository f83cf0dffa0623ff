//! The command line: what may be typed, how it is answered, how it ends.

pub mod confirm;
pub mod home_args;
pub mod out;
pub mod passphrase;
pub mod plain;
pub mod reference;
pub mod values;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use couloir_relay::usage;

use crate::verbs::Verb;
use crate::words::{Failure, Outcome};
use home_args::HomeArgs;
use out::Out;

/// A standby channel between two organisations.
///
/// Couloir keeps two organisations talking when their official line has stopped: over many unlike
/// routes at once, without showing anybody whether anything is being said.
#[derive(Parser)]
#[command(name = "couloir", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Answer in JSON, with stable keys.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    home: HomeArgs,
    #[command(subcommand)]
    verb: Verb,
}

/// Runs the command that this process was started with.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    match Cli::try_parse_from(&args) {
        Ok(Cli { verb: Verb::Relay(relay), .. }) => relay.run(),
        Ok(cli) => {
            let out = Out::new(cli.json);
            finish(&out, cli.verb.run(&out, &cli.home))
        }
        Err(error) => refuse_usage(&error, &args),
    }
}

fn finish(out: &Out, outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out.fail(&failure);
            ExitCode::from(u8::from(failure.code))
        }
    }
}

/// Help and version are answers; everything else that does not parse is a usage error.
fn refuse_usage(error: &clap::Error, args: &[OsString]) -> ExitCode {
    let out = Out::new(args.iter().any(|arg| arg == "--json"));
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return finish(&out, out.answer(&usage::answer(error, &Cli::command()), || usage::text(error)));
    }
    if args.len() == 1 {
        // A reader that went away has had enough of the help.
        let _ = error.print();
        return ExitCode::from(2);
    }
    let (what, next) = usage::sentence(error, &Cli::command(), args);
    finish(&out, Err(Failure::usage(what, next)))
}
