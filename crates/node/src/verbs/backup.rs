//! `couloir backup`

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::clerk::Reach;
use crate::cli::home_args::HomeArgs;
use crate::cli::out::Out;
use crate::cli::values::path;
use crate::home::Home;
use crate::socket::Request;
use crate::words::{Failure, Outcome};

/// Write a copy of everything that was said, the papers and the node's keys into one file.
///
/// It is encrypted under the home's passphrase. It holds neither the officers' keys nor the keys of
/// the link: a restored node makes the link anew by itself.
#[derive(clap::Args)]
pub struct Backup {
    /// The backup's file; it must not exist yet.
    #[arg(long, value_name = "FILE", value_parser = path)]
    out: PathBuf,
}

impl Backup {
    /// Does it.
    pub fn run(&self, out: &Out, args: &HomeArgs) -> Outcome {
        let wrong = |error: io::Error| Failure::io(&self.out, &error);
        let path = std::path::absolute(&self.out).map_err(wrong)?;
        if path.exists() {
            return Err(wrong(io::ErrorKind::AlreadyExists.into()));
        }
        let folder = path.parent().unwrap_or(Path::new("/"));
        let scratch =
            tempfile::Builder::new().prefix(".couloir-backup-").tempdir_in(folder).map_err(wrong)?;
        let copy = scratch.path().join("store.db");
        let place = copy
            .to_str()
            .ok_or_else(|| Failure::usage("the path is not valid UTF-8", "choose another one"))?;
        Reach::open(args)?.ask(&Request::Backup { path: place.to_owned() })?;
        let key = std::fs::read(Home::open(args.folder()?)?.key_path()).map_err(wrong)?;
        let whole = scratch.path().join("backup");
        let len = join(&whole, &key, &copy).map_err(wrong)?;
        std::fs::rename(&whole, &path).map_err(wrong)?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrong)?;
        out.answer(&json!({ "file": self.out, "len": len }), || {
            format!(
                "{} holds {len} octets. Keep it, and the passphrase, apart from this machine.",
                self.out.display()
            )
        })
    }
}

/// The line that says what it is, the key file's length (u32, big-endian), the key file, the store.
fn join(whole: &Path, key: &[u8], store: &Path) -> io::Result<u64> {
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(whole)?;
    let key_len = u32::try_from(key.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    out.write_all(MAGIC)?;
    out.write_all(&key_len.to_be_bytes())?;
    out.write_all(key)?;
    let store_len = io::copy(&mut File::open(store)?, &mut out)?;
    out.sync_all()?;
    Ok((MAGIC.len() + 4 + key.len()) as u64 + store_len)
}

/// The first line of a backup.
pub const MAGIC: &[u8] = b"couloir backup 1\n";
