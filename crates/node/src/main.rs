//! `couloir`: a standby channel between two organisations.

fn main() -> std::process::ExitCode {
    couloir::cli::main()
}
