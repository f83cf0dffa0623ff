//! A folder that both sides can reach: slots are files `<expiry-hour>/<slot>` (PROTOCOL §6.2).
//!
//! A file appears at once and whole, and never replaces another. Anybody may delete hours more than
//! 25 h past; every node does, now and then. Disks and mounts may hang: all of it happens on threads
//! made for that, one exchange at a time.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use couloir_engine::{Armed, RouteAnswer, RouteTrouble};
use couloir_wire::exchange::PutOutcome;
use couloir_wire::id::Slot;
use couloir_wire::limits::LISTED_MAX;
use couloir_wire::route::RouteSpec;
use couloir_wire::ruler::Ruler;
use couloir_wire::time::{Window, WindowLength};
use sha2::{Digest as _, Sha256};

use super::place::Place;

/// A folder as seen from here.
pub(super) struct FolderLine {
    folder: PathBuf,
    /// `None` for a number that the charter's decoder should have refused.
    ruler: Option<Ruler>,
    cell_len: usize,
    /// Held by the thread of an exchange until it is over, however long that takes.
    is_busy: Arc<AtomicBool>,
    cleared: Option<Instant>,
}

impl FolderLine {
    /// Nothing is touched yet.
    pub(super) fn new(spec: &RouteSpec, place: &Place) -> FolderLine {
        FolderLine {
            folder: place.folder(),
            ruler: Ruler::from_number(spec.ruler),
            cell_len: usize::from(spec.cell_len),
            is_busy: Arc::default(),
            cleared: None,
        }
    }

    /// One exchange. While an earlier one hangs, nothing else is begun.
    pub(super) async fn exchange(&mut self, armed: &Armed) -> Result<RouteAnswer, RouteTrouble> {
        if self.is_busy.swap(true, Ordering::AcqRel) {
            return Err(RouteTrouble::Unreachable);
        }
        let visit = self.visit(armed);
        let busy = Busy(self.is_busy.clone());
        let done = tokio::task::spawn_blocking(move || {
            let answer = visit.exchange();
            if visit.is_clearing {
                // What cannot be cleared today is cleared later.
                drop(clear(&visit.folder));
            }
            drop(busy);
            answer
        });
        done.await.unwrap_or(Err(RouteTrouble::Unreachable))
    }

    fn visit(&mut self, armed: &Armed) -> Visit {
        let is_clearing = self.cleared.is_none_or(|at| at.elapsed() > CLEAR_EVERY);
        if is_clearing {
            self.cleared = Some(Instant::now());
        }
        let path = |slot: Slot, window| self.path(armed.length, window, slot);
        Visit {
            folder: self.folder.clone(),
            cell_len: self.cell_len,
            puts: armed
                .puts
                .iter()
                .map(|put| (path(Slot(Sha256::digest(put.token.0).into()), put.window), put.cell.clone()))
                .collect(),
            gets: armed.gets.iter().map(|get| path(get.slot, get.window)).collect(),
            is_clearing,
            is_listing: armed.lists,
        }
    }

    fn path(&self, length: WindowLength, window: Window, slot: Slot) -> PathBuf {
        let expires = self.ruler.map_or(length.opens(window), |ruler| ruler.expires(length, window));
        let hour = u64::try_from(expires.0).unwrap_or(0).div_ceil(HOUR_MS);
        self.folder.join(hour.to_string()).join(slot.to_string())
    }
}

/// What one exchange does to a folder.
struct Visit {
    folder: PathBuf,
    cell_len: usize,
    puts: Vec<(PathBuf, Vec<u8>)>,
    gets: Vec<PathBuf>,
    is_clearing: bool,
    is_listing: bool,
}

impl Visit {
    fn exchange(&self) -> Result<RouteAnswer, RouteTrouble> {
        if !self.folder.is_dir() {
            return Err(RouteTrouble::Missing);
        }
        let puts = self.puts.iter().map(|(path, cell)| put(path, cell));
        let puts = puts.collect::<io::Result<Vec<_>>>().map_err(|error| trouble_of(&error))?;
        let gets = self.gets.iter().map(|path| get(path, self.cell_len));
        let gets = gets.collect::<io::Result<Vec<_>>>().map_err(|error| trouble_of(&error))?;
        let listed = if self.is_listing { list(&self.folder) } else { Vec::new() };
        Ok(RouteAnswer { time: None, puts, gets, listed })
    }
}

/// Released when the thread of an exchange is done, whatever became of it.
struct Busy(Arc<AtomicBool>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Puts a cell where nothing is, durably.
fn put(path: &Path, cell: &[u8]) -> io::Result<PutOutcome> {
    let hour = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let is_new_hour = match DirBuilder::new().mode(0o777).create(hour) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(error),
    };
    let readable = std::fs::Permissions::from_mode(0o644);
    let mut file = tempfile::Builder::new().prefix(".new-").permissions(readable).tempfile_in(hour)?;
    file.write_all(cell)?;
    file.as_file().sync_all()?;
    if let Err(error) = file.persist_noclobber(path) {
        return compare(path, cell, error.error);
    }
    File::open(hour)?.sync_all()?;
    if let (true, Some(folder)) = (is_new_hour, hour.parent()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(PutOutcome::Stored)
}

fn compare(path: &Path, cell: &[u8], error: io::Error) -> io::Result<PutOutcome> {
    if error.kind() != io::ErrorKind::AlreadyExists {
        return Err(error);
    }
    let is_same = get(path, cell.len())?.is_some_and(|found| found == cell);
    Ok(if is_same { PutOutcome::Same } else { PutOutcome::Taken })
}

/// The cell at `path`; what has another length is none.
fn get(path: &Path, len: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut octets = Vec::with_capacity(len + 1);
    file.take(len as u64 + 1).read_to_end(&mut octets)?;
    Ok((octets.len() == len).then_some(octets))
}

/// The slots in `folder`; what cannot be read, or is no slot, is left out.
fn list(folder: &Path) -> Vec<Slot> {
    let entries = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten();
    let is_hour =
        |entry: &std::fs::DirEntry| entry.file_name().to_str().is_some_and(|n| n.parse::<u64>().is_ok());
    let hours = entries(folder.to_owned()).take(ENTRIES_LOOKED_AT).filter(is_hour);
    // Whoever fills the folder with other files hides the slots in it, and fills no memory.
    let names = hours.flat_map(|hour| entries(hour.path())).take(LISTED_MAX).map(|entry| entry.file_name());
    names.filter_map(|name| name.to_str()?.parse().ok()).collect()
}

/// Deletes hours that are long past.
fn clear(folder: &Path) -> io::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let is_past = |hour: u64| hour.saturating_add(KEPT_HOURS).saturating_mul(HOUR_MS) < now;
    let mut cleared = 0;
    for entry in std::fs::read_dir(folder)?.take(ENTRIES_LOOKED_AT) {
        let path = entry?.path();
        let hour = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        if hour.is_some_and(is_past) && cleared < HOURS_CLEARED_MAX {
            std::fs::remove_dir_all(&path)?;
            cleared += 1;
        }
    }
    Ok(())
}

fn trouble_of(error: &io::Error) -> RouteTrouble {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem};
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => RouteTrouble::Full,
        PermissionDenied | ReadOnlyFilesystem => RouteTrouble::Forbidden,
        NotFound | NotADirectory => RouteTrouble::Missing,
        _ => RouteTrouble::Unreachable,
    }
}

const HOUR_MS: u64 = 3_600_000;
/// A day for clocks that are wrong, and one hour.
const KEPT_HOURS: u64 = 25;
const CLEAR_EVERY: Duration = Duration::from_secs(3_600);
/// 90 days have 2,160 hours; what else somebody keeps there is looked at no further.
const ENTRIES_LOOKED_AT: usize = 8_192;
/// An absence of two days is made up for at once, longer ones hour by hour.
const HOURS_CLEARED_MAX: u32 = 48;

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(folder: &Path, puts: Vec<(&str, Vec<u8>)>, gets: Vec<&str>) -> Visit {
        Visit {
            folder: folder.to_path_buf(),
            cell_len: 4,
            puts: puts.into_iter().map(|(path, cell)| (folder.join(path), cell)).collect(),
            gets: gets.into_iter().map(|path| folder.join(path)).collect(),
            is_clearing: false,
            is_listing: false,
        }
    }

    #[test]
    fn a_cell_is_put_once_and_read_again() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let put = |cell: &[u8]| visit(folder.path(), vec![("7/a", cell.to_vec())], vec![]).exchange();
        let outcomes = [b"abcd", b"abcd", b"efgh"].map(|cell| put(cell).expect("works").puts[0]);
        assert_eq!(outcomes, [PutOutcome::Stored, PutOutcome::Same, PutOutcome::Taken]);
        let found = visit(folder.path(), vec![], vec!["7/a", "7/b", "8/a"]).exchange().expect("works");
        assert_eq!(found.gets, vec![Some(b"abcd".to_vec()), None, None]);
    }

    #[test]
    fn a_file_of_another_length_is_no_cell() {
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::create_dir(folder.path().join("7")).expect("made");
        std::fs::write(folder.path().join("7/a"), vec![0; 5_000_000]).expect("written");
        let found = visit(folder.path(), vec![], vec!["7/a"]).exchange().expect("works");
        assert_eq!(found.gets, vec![None]);
    }

    #[test]
    fn a_listing_tells_the_slots_and_nothing_else() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let slots = [Slot([7; 32]), Slot([9; 32])];
        let path = |hour: &str, slot: Slot| format!("{hour}/{slot}");
        let (first, second) = (path("7", slots[0]), path("8", slots[1]));
        let cell = b"abcd".to_vec();
        visit(folder.path(), vec![(&first, cell.clone()), (&second, cell)], vec![])
            .exchange()
            .expect("works");
        std::fs::write(folder.path().join("7/.new-x"), b"abcd").expect("written");
        std::fs::create_dir(folder.path().join("notes")).expect("made");
        let mut listed = Visit { is_listing: true, ..visit(folder.path(), vec![], vec![]) }
            .exchange()
            .expect("works")
            .listed;
        listed.sort();
        assert_eq!(listed, slots);
    }

    #[test]
    fn a_folder_that_is_gone_is_missing() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let gone = folder.path().join("gone");
        assert_eq!(visit(&gone, vec![], vec![]).exchange(), Err(RouteTrouble::Missing));
    }

    #[test]
    fn only_hours_long_past_are_cleared() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() / 3_600;
        let names = [now - 27, now - 24, now, now + 5].map(|hour| hour.to_string());
        names.iter().chain([&"notes".to_owned()]).for_each(|name| {
            std::fs::create_dir(folder.path().join(name)).expect("made");
        });
        clear(folder.path()).expect("cleared");
        let is_there = |name: &String| folder.path().join(name).exists();
        assert_eq!(names.each_ref().map(is_there), [false, true, true, true]);
        assert!(folder.path().join("notes").exists());
    }
}
