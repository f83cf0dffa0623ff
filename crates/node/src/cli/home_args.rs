//! Which node a command means, and how its store is unlocked.

use std::path::{Path, PathBuf};

use super::values::path;
use crate::words::{Failure, Outcome};

/// Which node, and how its store is unlocked.
#[derive(Debug, Clone, clap::Args)]
pub struct HomeArgs {
    /// The node's folder: its keys, its store, its socket.
    #[arg(long, global = true, value_name = "DIR", value_parser = path)]
    home: Option<PathBuf>,
    /// File whose first line is the passphrase; else COULOIR_PASSPHRASE_FILE names one, else it is
    /// asked for.
    #[arg(long, global = true, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl HomeArgs {
    /// As if typed.
    pub fn of(home: PathBuf, passphrase_file: PathBuf) -> HomeArgs {
        HomeArgs { home: Some(home), passphrase_file: Some(passphrase_file) }
    }

    /// The node's folder.
    pub fn folder(&self) -> Outcome<&Path> {
        self.home.as_deref().ok_or_else(|| Failure::usage("no node was named", "say which: --home DIR"))
    }
}
