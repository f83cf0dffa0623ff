//! The officers' key, wherever it was taken.

use std::path::PathBuf;

use couloir_seal::identity::SigningKey;

use crate::cli::home_args::HomeArgs;
use crate::cli::passphrase;
use crate::home::Home;
use crate::keys;
use crate::words::{Code, Failure, Outcome};

/// Where the officer's signing key lies.
#[derive(Debug, Clone, clap::Args)]
pub struct OfficerArgs {
    /// The officer's key, if it was taken off this machine; else `officer-1.key` in the home.
    #[arg(long, value_name = "FILE")]
    officer: Option<PathBuf>,
}

impl OfficerArgs {
    /// Opens the key with the passphrase with which it was made.
    pub fn open(&self, args: &HomeArgs) -> Outcome<SigningKey> {
        let path = match &self.officer {
            Some(path) => path.clone(),
            None => Home::open(args.folder()?)?.officer_path(1),
        };
        if !path.is_file() {
            return Err(Failure::new(
                Code::Failed,
                format!("the officer's key is not at {}", path.display()),
                "bring it back, or say where it is: --officer FILE",
            ));
        }
        Ok(keys::read_officer_key(&path, &passphrase::existing(args)?)?)
    }
}

/// The key at hand is not an officer's of this side.
pub fn foreign() -> Failure {
    Failure::new(
        Code::Integrity,
        "that key is not this side's officer's",
        "name the right one: --officer FILE",
    )
}
