//! Files on their way into the store, and how far they have come.

use std::io::Read;
use std::path::Path;

use couloir_wire::entry::Body;
use couloir_wire::id::EntryId;

use super::Node;
use super::answer::random_entry_id;
use super::metadata::{self, PICTURE_OCTETS_MAX};
use crate::store::{FileError, Import, Imported, LogRow, Reader};
use crate::words::{Failure, Outcome};

/// Takes an own file into the store, slice by slice, so that nothing else waits for all of it. Failures name `path`.
pub fn import<N: Node>(node: &mut N, file: impl Read, path: &Path) -> Outcome<Imported> {
    let id = random_entry_id()?;
    let outcome = import_as(node, id, file, path);
    if outcome.is_err() {
        // What cannot be forgotten now is forgotten when the store is opened again.
        drop(node.with_store(move |store| store.forget_import(id)));
    }
    outcome
}

/// What became of a file's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metadata {
    /// It was taken out.
    TakenOut,
    /// It cannot be taken out of this kind of file.
    CannotBe,
    /// Nobody asked for that.
    Stays,
}

impl Metadata {
    /// The word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Metadata::TakenOut => "taken_out",
            Metadata::CannotBe => "cannot_be_taken_out",
            Metadata::Stays => "stays",
        }
    }
}

/// The same, without its metadata if `strip` and if it is a picture.
pub fn import_stripped<N: Node>(
    node: &mut N,
    mut file: impl Read,
    path: &Path,
    strip: bool,
) -> Outcome<(Imported, Metadata)> {
    if !strip {
        return Ok((import(node, file, path)?, Metadata::Stays));
    }
    let wrong = |error| Failure::io(path, &error);
    let mut start = Vec::new();
    (&mut file).take(START_OCTETS).read_to_end(&mut start).map_err(wrong)?;
    if !metadata::can_be_taken_out(&start) {
        return Ok((import(node, start.as_slice().chain(file), path)?, Metadata::CannotBe));
    }
    file.take(PICTURE_OCTETS_MAX as u64).read_to_end(&mut start).map_err(wrong)?;
    if start.len() > PICTURE_OCTETS_MAX {
        return Err(metadata::too_long());
    }
    let plain = metadata::taken_out(start)?;
    Ok((import(node, plain.as_slice(), path)?, Metadata::TakenOut))
}

fn import_as<N: Node>(node: &mut N, id: EntryId, mut file: impl Read, path: &Path) -> Outcome<Imported> {
    let mut import = Import::new(id);
    loop {
        let mut slice = Vec::new();
        let read = file.by_ref().take(SLICE_OCTETS).read_to_end(&mut slice);
        let len = read.map_err(|error| Failure::io(path, &error))?;
        let taken = node.with_store(move |store| -> Result<Import, FileError> {
            store.import(&mut import, &slice)?;
            Ok(import)
        });
        import = taken??;
        if (len as u64) < SLICE_OCTETS {
            return Ok(node.with_store(move |store| store.finish_import(import))??);
        }
    }
}

/// The name of the file that an entry brought. A report is none: it leaves by its marking, and its originator hears of it.
pub fn name_of<'r>(reader: &Reader, row: &'r LogRow) -> Outcome<&'r str> {
    let taken_back = row.entry.as_ref().map_or(Ok(false), |entry| reader.is_taken_back(entry))?;
    match row.body() {
        Some(Body::File { .. }) if taken_back => Err(Failure::refused(
            "its author took that file back",
            "ask for it again: couloir send --reply-to",
        )),
        Some(Body::File { name, .. }) => Ok(name),
        Some(Body::Report(_)) => Err(Failure::refused(
            "a report is not saved as a file: what it is marked with says where it may go",
            "couloir report export REPORT --out FILE --to NAME --level LEVEL",
        )),
        _ => Err(Failure::usage("that entry brought no file", "see the log: couloir log")),
    }
}

/// How far a file has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Octets that are acknowledged, or here.
    pub done: u64,
    /// All of it came, and its hash is not what its author said.
    pub is_damaged: bool,
    /// It waits until a person lets it go on.
    pub is_held: bool,
}

/// How far a file's entry has come; `None` for what is no file.
pub fn progress<N: Node>(node: &mut N, row: &LogRow) -> Outcome<Option<Progress>> {
    let Some((len, _)) = row.body().and_then(Body::attached) else { return Ok(None) };
    let on_its_way = node.status()?.view.files.into_iter().find(|file| file.entry == row.id);
    let is_damaged = on_its_way.as_ref().is_some_and(|file| file.is_damaged);
    let is_held = on_its_way.as_ref().is_some_and(|file| file.is_held);
    let done = match on_its_way {
        Some(file) => file.done,
        None if row.is_own => len,
        None => node.reader().file_len(row.id)?,
    };
    Ok(Some(Progress { done, is_damaged, is_held }))
}

/// They tell what kind of file it is.
const START_OCTETS: u64 = 16;
/// Taken in one transaction: long against a sync, short against a window.
const SLICE_OCTETS: u64 = 1 << 20;
