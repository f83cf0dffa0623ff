//! `couloir restore`

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::backup::MAGIC;
use crate::clerk::matters::keep;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::passphrase;
use crate::home::{Home, write_private};
use crate::keys;
use crate::store::{Store, StoreError};
use crate::words::{Code, Failure, Outcome};

/// Make a home from a backup.
///
/// The link is made anew by itself once the node runs; what either side said and the other lacks is
/// exchanged. Never run the old home again: two nodes of one post freeze the link.
#[derive(clap::Args)]
pub struct Restore {
    /// The backup.
    file: PathBuf,
}

impl Restore {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let is_new = !args.folder()?.exists();
        let home = Home::create(args.folder()?)?;
        let outcome = self.fill(&home, args);
        if outcome.is_err() {
            unmake(&home, is_new);
        }
        let entries = outcome?;
        out.answer(&json!({ "home": home.folder(), "entries": entries }), || {
            format!(
                "{entries} entries are back in {}.\nNext: couloir run. Never run the old home again.",
                home.folder().display()
            )
        })
    }

    fn fill(&self, home: &Home, args: &HomeArgs) -> Outcome<u64> {
        let wrong = |error: io::Error| Failure::io(&self.file, &error);
        let _lock = home.lock()?;
        let mut backup = File::open(&self.file).map_err(wrong)?;
        let key_file = key_of(&mut backup)?;
        write_private(&home.key_path(), &key_file).map_err(wrong)?;
        let passphrase = passphrase::existing(args)?;
        let key = keys::open_store_key(&home.key_path(), &passphrase).map_err(of_backup)?;
        copy_store(&mut backup, &home.store_path()).map_err(wrong)?;
        entries_of(&home.store_path(), &key).map_err(|error| match error {
            StoreError::WrongKey(_) | StoreError::Damaged(_) | StoreError::Database(_) => damaged(),
            other => other.into(),
        })
    }
}

/// How many entries a store holds in which every page reads and fits.
fn entries_of(path: &Path, key: &keys::StoreKey) -> Result<u64, StoreError> {
    let mut store = Store::open(path, key)?;
    store.reader().check()?;
    keep::begin_again(&mut store)?;
    store.reader().entry_count()
}

/// What is wrong with a key file that came out of a backup.
fn of_backup(error: keys::KeyError) -> Failure {
    match error {
        keys::KeyError::WrongPassphrase(_) => Failure::new(
            Code::Failed,
            "the passphrase does not open the backup",
            "repeat with the one that its home had",
        ),
        keys::KeyError::Damaged(_) => damaged(),
        other => other.into(),
    }
}

fn damaged() -> Failure {
    Failure::new(Code::Integrity, "the backup is damaged", "use another one")
}

/// Takes back what a restore that failed has made.
fn unmake(home: &Home, is_new: bool) {
    let store = home.store_path();
    let beside = ["-wal", "-shm"].map(|end| PathBuf::from(format!("{}{end}", store.display())));
    for path in [home.key_path(), store, home.lock_path()].iter().chain(&beside) {
        // What was not written yet cannot be removed, and need not be.
        let _ = std::fs::remove_file(path);
    }
    if is_new {
        let _ = std::fs::remove_dir(home.folder());
    }
}

fn key_of(backup: &mut File) -> Outcome<Vec<u8>> {
    let no_backup = |_| Failure::usage("this file is no backup", "name the file that couloir backup wrote");
    let mut magic = [0; MAGIC.len()];
    backup.read_exact(&mut magic).map_err(no_backup)?;
    if magic != MAGIC {
        return Err(no_backup(io::ErrorKind::InvalidData.into()));
    }
    let mut len = [0; 4];
    backup.read_exact(&mut len).map_err(|_| damaged())?;
    let len = u64::from(u32::from_be_bytes(len));
    if len > KEY_FILE_OCTETS_MAX {
        return Err(damaged());
    }
    let mut key = Vec::new();
    backup.take(len).read_to_end(&mut key).map_err(|_| damaged())?;
    if key.len() as u64 == len { Ok(key) } else { Err(damaged()) }
}

fn copy_store(backup: &mut File, path: &Path) -> io::Result<()> {
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::copy(backup, &mut out)?;
    out.sync_all()
}

/// A key file is a dozen short lines.
const KEY_FILE_OCTETS_MAX: u64 = 64 * 1024;
