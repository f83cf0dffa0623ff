//! Files on their way into the store, and how far they have come.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use couloir_wire::entry::Body;

use super::Node;
use super::answer::random_entry_id;
use crate::store::{FileError, Import, Imported, LogRow};
use crate::words::{Failure, Outcome};

/// Takes an own file into the store, slice by slice, so that nothing else waits for all of it.
pub fn import<N: Node>(node: &mut N, file: File, path: &Path) -> Outcome<Imported> {
    let mut import = Import::new(random_entry_id()?);
    loop {
        let mut slice = Vec::new();
        let read = (&file).take(SLICE_OCTETS).read_to_end(&mut slice);
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

/// Octets of a file's entry that are acknowledged, or here; `None` for what is no file.
pub fn progress<N: Node>(node: &mut N, row: &LogRow) -> Outcome<Option<u64>> {
    let Some(Body::File { len, .. }) = &row.body else { return Ok(None) };
    let on_its_way = node.status()?.files.iter().find(|file| file.entry == row.id).map(|file| file.done);
    match on_its_way {
        Some(done) => Ok(Some(done)),
        None if row.is_own => Ok(Some(*len)),
        None => Ok(Some(node.reader().file_len(row.id)?)),
    }
}

/// Taken in one transaction: long against a sync, short against a window.
const SLICE_OCTETS: u64 = 1 << 20;
