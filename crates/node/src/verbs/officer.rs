//! The officers' keys, wherever they were taken.

use std::path::{Path, PathBuf};

use couloir_seal::identity::SigningKey;
use couloir_seal::papers::{PaperError, Signable, side_id, sign};
use couloir_wire::papers::{Signed, Signet};

use crate::cli::home_args::HomeArgs;
use crate::cli::passphrase;
use crate::home::Home;
use crate::keys::{self, KeyError};
use crate::words::{Code, Failure, Outcome};

/// Where the officers' signing keys lie.
#[derive(Debug, Clone, clap::Args)]
pub struct OfficerArgs {
    /// An officer's key, once for each officer who signs; else `officer-1.key` in the home.
    #[arg(long, value_name = "FILE")]
    officer: Vec<PathBuf>,
}

/// Officers of one side, at hand.
pub struct Officers(Vec<SigningKey>);

impl OfficerArgs {
    /// Opens the keys with the passphrase with which each was made.
    pub fn open(&self, args: &HomeArgs) -> Outcome<Officers> {
        let paths = match self.officer.as_slice() {
            [] => vec![Home::open(args.folder()?)?.officer_path(1)],
            named => named.to_vec(),
        };
        self::open(&paths, args)
    }

    /// Whether a key was named.
    pub fn is_named(&self) -> bool {
        !self.officer.is_empty()
    }

    /// Opens the keys that were named; there may be none, and then no home is looked into.
    pub fn open_named(&self, args: &HomeArgs) -> Outcome<Officers> {
        open(&self.officer, args)
    }
}

fn open(paths: &[PathBuf], args: &HomeArgs) -> Outcome<Officers> {
    let mut officers = Vec::new();
    for path in paths {
        officers.push(open_one(path, args)?);
    }
    Ok(Officers(officers))
}

/// One passphrase may open several keys; whichever it does not open is asked for by name at a terminal.
fn open_one(path: &Path, args: &HomeArgs) -> Outcome<SigningKey> {
    if !path.is_file() {
        return Err(Failure::new(
            Code::Failed,
            format!("the officer's key is not at {}", path.display()),
            "bring it back, or say where it is: --officer FILE",
        ));
    }
    let passphrase = passphrase::of_key(path, args)?;
    keys::read_officer_key(path, &passphrase).map_err(|error| match error {
        KeyError::Damaged(_) => Failure::new(
            Code::Integrity,
            format!("{} is no officer's key, or is damaged", path.display()),
            "name the right one: --officer FILE",
        ),
        other => other.into(),
    })
}

impl Officers {
    /// One officer.
    pub fn of(key: SigningKey) -> Officers {
        Officers(vec![key])
    }

    /// Adds the signature of each. Who is no officer of the side is refused.
    pub fn sign<T: Signable>(&self, paper: &mut Signed<T>, signet: &Signet) -> Outcome {
        for key in &self.0 {
            let place = signet.officers.iter().position(|officer| officer == key.public());
            let place = place.and_then(|place| u8::try_from(place).ok()).ok_or_else(foreign)?;
            sign(paper, side_id(signet), place, key);
        }
        Ok(())
    }
}

/// Why a paper that our officers just signed does not hold.
pub fn unsigned(error: &PaperError) -> Failure {
    match error {
        PaperError::TooFew { signed, needed, .. } => Failure::new(
            Code::Refused,
            format!("{signed} of the {needed} officers needed have signed"),
            "name a key for each: --officer FILE --officer FILE",
        ),
        _ => foreign(),
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
