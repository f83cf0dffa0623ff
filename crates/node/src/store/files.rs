//! Bodies of files: in pieces, both ways.

use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use couloir_engine::Write;
use couloir_wire::id::{Digest, EntryId};
use couloir_wire::limits::{FILE_OCTETS_MAX, FILE_PIECE_OCTETS};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use super::schema::{id_key, id_of};
use super::{Reader, Store, StoreError};

/// An own file on its way into the store, before its entry is said. Forgotten when the store is
/// opened again without the entry.
pub struct Import {
    id: EntryId,
    len: u64,
    hash: Sha256,
    /// Less than a piece.
    rest: Vec<u8>,
}

/// An own file that lies in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// The id that its entry must have.
    pub id: EntryId,
    /// Its octets.
    pub len: u64,
    /// SHA-256 of them.
    pub digest: Digest,
}

/// Why a file did not come in or out.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is longer than [`FILE_OCTETS_MAX`].
    #[error("the file is longer than 1 GiB")]
    TooLong,
    /// The entry is no file, or there is none.
    #[error("that entry is no file")]
    NoFile,
    /// Not everything has come yet.
    #[error("{have} of {len} octets have come")]
    Incomplete {
        /// Octets that are here.
        have: u64,
        /// Octets in all.
        len: u64,
    },
    /// What came is not what was sent.
    #[error("the file's hash is not what its author said")]
    WrongHash,
    /// The file outside cannot be read or written.
    #[error("{}: {}", .0.display(), .1)]
    Outside(PathBuf, io::Error),
    /// The store stands in the way.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Import {
    /// Begins with an empty file under a fresh `id`.
    pub fn new(id: EntryId) -> Import {
        Import { id, len: 0, hash: Sha256::new(), rest: Vec::new() }
    }

    /// Octets taken so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing was taken yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Store {
    /// Takes the next octets of an own file, durably up to the last whole piece.
    pub fn import(&mut self, import: &mut Import, octets: &[u8]) -> Result<(), FileError> {
        import.len += octets.len() as u64;
        if import.len > FILE_OCTETS_MAX {
            return Err(FileError::TooLong);
        }
        import.hash.update(octets);
        import.rest.extend_from_slice(octets);
        let whole = import.rest.len() / FILE_PIECE_OCTETS * FILE_PIECE_OCTETS;
        let first = import.len - import.rest.len() as u64;
        self.put_pieces(import.id, first, &import.rest[..whole])?;
        import.rest.drain(..whole);
        Ok(())
    }

    /// Forgets an own file that did not come in whole.
    pub fn forget_import(&mut self, id: EntryId) -> Result<(), StoreError> {
        delete_file(&self.reader.connection, id)
    }

    /// Takes the end of an own file.
    pub fn finish_import(&mut self, import: Import) -> Result<Imported, FileError> {
        self.put_pieces(import.id, import.len - import.rest.len() as u64, &import.rest)?;
        let digest = Digest(import.hash.finalize().into());
        let sql = "INSERT INTO file (id, digest) VALUES (?1, ?2)
                   ON CONFLICT (id) DO UPDATE SET digest = excluded.digest";
        let connection = &self.reader.connection;
        connection.execute(sql, params![id_key(import.id), digest.0]).map_err(StoreError::from)?;
        Ok(Imported { id: import.id, len: import.len, digest })
    }

    /// Imports all that `source` gives, `on_progress` being told of the octets taken.
    pub fn import_all(
        &mut self,
        id: EntryId,
        source: &mut dyn Read,
        mut on_progress: impl FnMut(u64),
    ) -> Result<Imported, FileError> {
        let mut import = Import::new(id);
        let mut buffer = vec![0; SLICE_OCTETS];
        loop {
            let len = read_full(source, &mut buffer)
                .map_err(|error| FileError::Outside(PathBuf::from("the file"), error))?;
            self.import(&mut import, &buffer[..len])?;
            on_progress(import.len);
            if len < buffer.len() {
                return self.finish_import(import);
            }
        }
    }

    /// SHA-256 of what has come of a file. What was hashed while it came is not read again.
    pub(super) fn file_digest(&mut self, id: EntryId) -> Result<Digest, StoreError> {
        let mut running = self.hashes.remove(&id).unwrap_or_default();
        let mut reader = PieceReader::open(&self.reader.connection, id)?;
        while let Some(octets) = reader.read(running.len)? {
            running.add(&octets);
        }
        Ok(Digest(running.hash.finalize().into()))
    }

    /// Keeps the hash of a file that comes in order.
    pub(super) fn follow_hash(&mut self, write: &Write) {
        match write {
            Write::FilePiece { file, offset, octets } => {
                let has_room = self.hashes.len() < HASHES_MAX || self.hashes.contains_key(file);
                if has_room {
                    let running = self.hashes.entry(*file).or_default();
                    if running.len == *offset {
                        running.add(octets);
                    }
                }
            }
            Write::EntryExpires(id) => drop(self.hashes.remove(id)),
            _ => {}
        }
    }

    /// Forgets own files that a crash left without an entry.
    pub(super) fn drop_unsaid_files(&mut self) -> Result<(), StoreError> {
        let connection = &self.reader.connection;
        let sql = "SELECT id FROM file WHERE id NOT IN (SELECT id FROM entry)";
        let mut statement = connection.prepare(sql)?;
        let unsaid = statement.query_map([], |row| row.get(0).map(id_of))?;
        let unsaid = unsaid.collect::<Result<Vec<_>, _>>()?;
        // What another person has yet to release is not forgotten.
        let drafted = crate::release::files(&self.reader)?;
        let mut gone = unsaid.into_iter().filter(|id| !drafted.contains(id));
        gone.try_for_each(|id| delete_file(connection, id))
    }

    fn put_pieces(&mut self, id: EntryId, first: u64, octets: &[u8]) -> Result<(), StoreError> {
        let connection = &mut self.reader.connection;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (index, piece) in octets.chunks(FILE_PIECE_OCTETS).enumerate() {
            put_piece(&transaction, id, first + (index * FILE_PIECE_OCTETS) as u64, piece)?;
        }
        Ok(transaction.commit()?)
    }
}

impl Reader {
    /// Octets of a file that are here, from its start without a hole.
    pub fn file_len(&self, id: EntryId) -> Result<u64, StoreError> {
        let Some(number) = file_number(&self.connection, id)? else { return Ok(0) };
        let sql = "SELECT max(key) FROM file_piece WHERE key BETWEEN ?1 AND ?2";
        let keys = params![piece_key(number, 0), piece_key(number + 1, 0) - 1];
        let last: Option<i64> = self.connection.prepare_cached(sql)?.query_row(keys, |row| row.get(0))?;
        let Some(last) = last else { return Ok(0) };
        let sql = "SELECT length(octets) FROM file_piece WHERE key = ?1";
        let len: i64 = self.connection.prepare_cached(sql)?.query_row([last], |row| row.get(0))?;
        Ok((last - piece_key(number, 0)) as u64 * PIECE + len as u64)
    }

    /// Writes a whole file to `path`, at once or not at all. An existing one is replaced.
    pub fn export(&self, id: EntryId, path: &Path) -> Result<(), FileError> {
        let (len, digest) = self.file_facts(id)?;
        let have = self.file_len(id)?;
        if have < len {
            return Err(FileError::Incomplete { have, len });
        }
        let wrong = |error| FileError::Outside(path.to_path_buf(), error);
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".couloir-").tempfile_in(folder).map_err(wrong)?;
        if self.write_out(id, file.as_file_mut(), path)? != digest {
            return Err(FileError::WrongHash);
        }
        file.as_file().sync_all().map_err(wrong)?;
        file.persist(path).map_err(|error| wrong(error.error))?;
        std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrong)
    }

    /// Whether all of a file is here and is what its author said; its length.
    pub fn check_file(&self, id: EntryId) -> Result<u64, FileError> {
        let (len, digest) = self.file_facts(id)?;
        let have = self.file_len(id)?;
        if have < len {
            return Err(FileError::Incomplete { have, len });
        }
        let mut reader = PieceReader::open(&self.connection, id)?;
        let mut running = RunningHash::default();
        while let Some(octets) = reader.read(running.len)? {
            running.add(&octets);
        }
        if Digest(running.hash.finalize().into()) == digest { Ok(len) } else { Err(FileError::WrongHash) }
    }

    fn write_out(&self, id: EntryId, out: &mut std::fs::File, path: &Path) -> Result<Digest, FileError> {
        let mut reader = PieceReader::open(&self.connection, id)?;
        let mut running = RunningHash::default();
        while let Some(octets) = reader.read(running.len)? {
            running.add(&octets);
            out.write_all(&octets).map_err(|error| FileError::Outside(path.to_path_buf(), error))?;
        }
        Ok(Digest(running.hash.finalize().into()))
    }

    fn file_facts(&self, id: EntryId) -> Result<(u64, Digest), FileError> {
        self.row(id)?.and_then(|row| row.body()?.attached()).ok_or(FileError::NoFile)
    }

    /// At most `len` octets of a file from `offset` on.
    pub fn file_octets(&self, id: EntryId, offset: u64, len: usize) -> Result<Vec<u8>, StoreError> {
        let mut reader = PieceReader::open(&self.connection, id)?;
        let mut out = reader.read(offset)?.unwrap_or_default();
        while out.len() < len {
            let Some(more) = reader.read(offset + out.len() as u64)? else { break };
            out.extend(more);
        }
        out.truncate(len);
        Ok(out)
    }

    /// SHA-256 of a file, as its entry says.
    pub(super) fn said_file_digest(&self, id: EntryId) -> Result<Digest, StoreError> {
        let attached = self.row(id)?.and_then(|row| row.body()?.attached());
        Ok(attached.map_or(Digest::default(), |(_, digest)| digest))
    }
}

/// A hash that goes along with a file's octets.
#[derive(Default)]
pub(super) struct RunningHash {
    hash: Sha256,
    len: u64,
}

impl RunningHash {
    fn add(&mut self, octets: &[u8]) {
        self.hash.update(octets);
        self.len += octets.len() as u64;
    }
}

/// Reads a file's pieces.
struct PieceReader<'c> {
    statement: rusqlite::CachedStatement<'c>,
    number: Option<i64>,
}

impl<'c> PieceReader<'c> {
    fn open(connection: &'c Connection, id: EntryId) -> Result<PieceReader<'c>, StoreError> {
        let statement = connection.prepare_cached("SELECT octets FROM file_piece WHERE key = ?1")?;
        Ok(PieceReader { statement, number: file_number(connection, id)? })
    }

    /// Octets from `offset` to the end of the piece in which it lies; `None` behind the last.
    fn read(&mut self, offset: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(number) = self.number else { return Ok(None) };
        let skip = (offset % PIECE) as usize;
        let key = piece_key(number, offset);
        let octets: Option<Vec<u8>> = self.statement.query_row([key], |row| row.get(0)).optional()?;
        Ok(octets.filter(|octets| octets.len() > skip).map(|mut octets| octets.split_off(skip)))
    }
}

/// Keeps a piece; `offset` is a multiple of a piece's length.
pub(super) fn put_piece(db: &Connection, id: EntryId, offset: u64, octets: &[u8]) -> Result<(), StoreError> {
    let number = match file_number(db, id)? {
        Some(number) => number,
        None => {
            db.prepare_cached("INSERT INTO file (id) VALUES (?1)")?.execute([id_key(id)])?;
            db.last_insert_rowid()
        }
    };
    let sql = "INSERT OR REPLACE INTO file_piece (key, octets) VALUES (?1, ?2)";
    db.prepare_cached(sql)?.execute(params![piece_key(number, offset), octets])?;
    Ok(())
}

pub(super) fn delete_file(db: &Connection, id: EntryId) -> Result<(), StoreError> {
    let Some(number) = file_number(db, id)? else { return Ok(()) };
    let sql = "DELETE FROM file_piece WHERE key BETWEEN ?1 AND ?2";
    db.prepare_cached(sql)?.execute([piece_key(number, 0), piece_key(number + 1, 0) - 1])?;
    db.prepare_cached("DELETE FROM file WHERE number = ?1")?.execute([number])?;
    Ok(())
}

fn file_number(db: &Connection, id: EntryId) -> Result<Option<i64>, StoreError> {
    let mut statement = db.prepare_cached("SELECT number FROM file WHERE id = ?1")?;
    Ok(statement.query_row([id_key(id)], |row| row.get(0)).optional()?)
}

fn piece_key(number: i64, offset: u64) -> i64 {
    (number << PIECE_BITS) + (offset / PIECE) as i64
}

/// Reads until `buffer` is full or the source ends.
pub fn read_full(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match source.read(&mut buffer[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

const PIECE: u64 = FILE_PIECE_OCTETS as u64;
const PIECE_BITS: u32 = 16;
const _: () = assert!(FILE_OCTETS_MAX / PIECE < 1 << PIECE_BITS);
/// Taken in one transaction while importing: long against a sync, short against a window.
pub(crate) const SLICE_OCTETS: usize = 1 << 20;
/// Files that come at once and are hashed on the way.
const HASHES_MAX: usize = 64;
