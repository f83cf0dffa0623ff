//! `cargo xtask deny`: cargo-deny over `deny.toml`, with a stored advisory database if one is given.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::steps::{self, Outcome};

/// Where the advisory database comes from.
#[derive(clap::Args)]
pub struct Args {
    /// A folder with a `rustsec-advisories-*.tar.xz`, or that file; without it the database is fetched.
    #[arg(long, value_name = "DIR")]
    db: Option<PathBuf>,
}

/// Must agree with `db-path` of `deny.toml`.
const DATABASES: &str = "target/advisory-dbs";
/// The folders in which versions of cargo-deny keep the database of RustSec's address.
const FOLDERS: [&str; 2] =
    ["target/advisory-dbs/advisory-db-3157b0e258782691", "target/advisory-dbs/github.com-2f857891b7f43c59"];

/// Runs cargo-deny; false if it found something.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    install()?;
    let mut words = vec!["cargo", "deny", "--workspace", "--all-features"];
    if let Some(given) = &args.db {
        unpack(&archive(given)?)?;
        words.push("--offline");
    }
    words.push("check");
    Ok(steps::run(&words) == Outcome::Passed)
}

fn install() -> anyhow::Result<()> {
    if steps::works(&["cargo", "deny", "--version"]) {
        return Ok(());
    }
    eprintln!("cargo-deny is missing: building it takes ten minutes and more");
    let built = steps::run(&["cargo", "install", "cargo-deny", "--locked"]);
    ensure!(built == Outcome::Passed, "cargo-deny did not build; see above");
    Ok(())
}

/// The newest archive in a folder, or the file that was given.
fn archive(given: &Path) -> anyhow::Result<PathBuf> {
    if given.is_file() {
        return Ok(given.to_owned());
    }
    let entries = fs::read_dir(given).with_context(|| format!("reading {}", given.display()))?;
    let archives = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let named = archives.filter(|path| path.to_string_lossy().contains("rustsec-advisories"));
    named.max().with_context(|| format!("no rustsec-advisories-*.tar.xz in {}", given.display()))
}

/// Puts the archive where cargo-deny looks.
fn unpack(archive: &Path) -> anyhow::Result<()> {
    if Path::new(DATABASES).exists() {
        fs::remove_dir_all(DATABASES)?;
    }
    let archive = archive.to_str().context("the archive's path is no UTF-8")?;
    FOLDERS.iter().try_for_each(|folder| make_repository(archive, folder))
}

/// A git repository of the archive's files that looks as if it was just fetched.
fn make_repository(archive: &str, folder: &str) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let git = ["git", "-C", folder, "-c", "user.name=advisories", "-c", "user.email=advisories@localhost"];
    let commit = [&git[..], &["commit", "--quiet", "--message=advisories"]].concat();
    let fetched = format!("{folder}/.git/FETCH_HEAD");
    let steps: [&[&str]; 5] = [
        &["tar", "--extract", "--file", archive, "--directory", folder],
        &["git", "init", "--quiet", folder],
        &["git", "-C", folder, "add", "--all"],
        &commit,
        &["touch", &fetched],
    ];
    for words in steps {
        if steps::run(words) != Outcome::Passed {
            bail!("the advisory database could not be unpacked from {archive}");
        }
    }
    Ok(())
}
