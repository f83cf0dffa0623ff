//! Start of a store that holds many cells, and the memory that its index takes.
//!
//! `cargo bench -p couloir-relay --bench relay_restart -- [CELLS]` (default 1,000,000 of 512 octets).

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use couloir_relay::core::Admission;
use couloir_relay::store::{Store, StoreLimits, StorePut};
use couloir_wire::id::Slot;
use couloir_wire::time::{Hour, WallTime};
use sha2::{Digest, Sha256};

const NOW: WallTime = WallTime(1_790_000_000_000);
const PUTS_PER_JOB: u64 = 500;
const HOURS: u64 = 100;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "open") {
        return start(Path::new(&arguments[at + 1]));
    }
    let cells = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let data = tempfile::tempdir()?;
    fill(data.path(), cells)?;
    for what in ["what a kill left in the log", "everything sorted"] {
        println!("start with {what}:");
        let mut again = Command::new(std::env::current_exe()?);
        again.arg("open").arg(data.path()).status()?;
    }
    Ok(())
}

fn fill(data: &Path, cells: u64) -> io::Result<()> {
    let store = open(data)?;
    let begin = Instant::now();
    for first in (0..cells).step_by(PUTS_PER_JOB as usize) {
        let puts = (first..cells.min(first + PUTS_PER_JOB)).map(put).collect();
        store.put(NOW, puts).blocking_recv().map_err(io::Error::other)?;
    }
    println!("{cells} cells stored in {:?}", begin.elapsed());
    Ok(())
}

/// Opens the store as a process of its own.
fn start(data: &Path) -> io::Result<()> {
    let before = resident_octets()?;
    let begin = Instant::now();
    let store = open(data)?;
    let (elapsed, cells) = (begin.elapsed(), store.cells_held());
    let grown = resident_octets()? - before;
    println!("  {elapsed:?}, {cells} cells, {:.1} octets of memory each", grown as f64 / cells as f64);
    Ok(())
}

fn open(data: &Path) -> io::Result<Store> {
    let limits = StoreLimits { held_octets_max: 1 << 40, ..StoreLimits::default() };
    Store::open(data, limits, NOW).map_err(io::Error::other)
}

fn put(number: u64) -> StorePut {
    let slot = Slot(Sha256::digest(number.to_be_bytes()).into());
    StorePut {
        admission: Admission { slot, bucket: Hour(Hour::of(NOW).0 + 1 + number % HOURS) },
        cell: vec![7; 512],
    }
}

fn resident_octets() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/statm")?;
    let pages = status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    Ok(pages.unwrap_or(0) * 4_096)
}
