//! `couloir-relay`: a blind store of cells, run by anybody.

use std::process::ExitCode;

fn main() -> ExitCode {
    couloir_relay::cli::main()
}
