//! Making and opening stores, copies of them, and checks.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use couloir_seal::Secret32;
use rusqlite::{Connection, OpenFlags};
use zeroize::Zeroizing;

use super::schema::{FORMAT, TABLES};
use super::{Reader, Store, StoreError};
use crate::keys::{StoreKey, hex};

impl Store {
    /// Makes a new store; there must be none at `path`.
    pub fn create(path: &Path, key: &StoreKey) -> Result<Store, StoreError> {
        let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
        file.map_err(|error| StoreError::File(path.to_path_buf(), error))?;
        let connection = connect(path, &key.0, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        prepare_for_writing(&connection)?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        connection.execute_batch(TABLES)?;
        connection.pragma_update(None, "user_version", FORMAT)?;
        connection.execute_batch("COMMIT")?;
        Ok(Store::over(connection, path, &key.0))
    }

    /// Opens the store at `path`, and repairs what a crash left half done.
    pub fn open(path: &Path, key: &StoreKey) -> Result<Store, StoreError> {
        let connection = connect(path, &key.0, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        check_format(path, &connection)?;
        prepare_for_writing(&connection)?;
        let mut store = Store::over(connection, path, &key.0);
        store.drop_unsaid_files()?;
        Ok(store)
    }

    fn over(connection: Connection, path: &Path, key: &Secret32) -> Store {
        let (path, key) = (path.to_path_buf(), key.clone());
        Store { reader: Reader { connection }, path, key, hashes: BTreeMap::new() }
    }

    /// What only reads.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// One more reader of this store, for another thread.
    pub fn another_reader(&self) -> Result<Reader, StoreError> {
        let connection = connect(&self.path, &self.key, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(Reader { connection })
    }

    /// Writes a copy, under the same key, to a new file at `path`. Small states for which `is_left_out`
    /// holds of their name (as in the table `state`) are not in it: a copy must never hold what would
    /// let two nodes write with the same keys.
    pub fn copy_to(&self, path: &Path, left_out: &[couloir_engine::StateKey]) -> Result<(), StoreError> {
        let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
        file.map_err(|error| StoreError::File(path.to_path_buf(), error))?;
        let (name, key) = (path.to_string_lossy(), raw_key(&self.key));
        let connection = &self.reader.connection;
        connection.execute("ATTACH DATABASE ?1 AS copy KEY ?2", (&name, key.as_str()))?;
        let copied = self.copy_into_attached(left_out);
        connection.execute_batch("DETACH DATABASE copy")?;
        copied
    }

    fn copy_into_attached(&self, left_out: &[couloir_engine::StateKey]) -> Result<(), StoreError> {
        let connection = &self.reader.connection;
        connection.execute_batch(
            "PRAGMA copy.cipher_page_size = 16384; PRAGMA copy.cipher_hmac_algorithm = HMAC_SHA256",
        )?;
        connection.query_row("SELECT sqlcipher_export('copy')", [], |_| Ok(()))?;
        for link in self.reader.channels()?.keys() {
            for key in left_out {
                let name = super::schema::state_name(*link, *key);
                connection.execute("DELETE FROM copy.state WHERE key = ?1", [name])?;
            }
        }
        connection.execute_batch(&format!("PRAGMA copy.user_version = {FORMAT}"))?;
        Ok(())
    }

    /// Moves what was committed into the main file and empties the log beside it, so that nothing
    /// erased outlives the hour there.
    pub fn settle(&self) -> Result<(), StoreError> {
        self.reader.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}

impl Reader {
    /// Opens a store for reading while another process or thread may write.
    pub fn open(path: &Path, key: &StoreKey) -> Result<Reader, StoreError> {
        let connection = connect(path, &key.0, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        check_format(path, &connection)?;
        Ok(Reader { connection })
    }

    /// Reads every page and index. Takes as long as reading the file.
    pub fn check(&self) -> Result<(), StoreError> {
        for pragma in ["PRAGMA cipher_integrity_check", "PRAGMA integrity_check"] {
            let mut statement = self.connection.prepare(pragma)?;
            let mut findings = statement.query([])?;
            while let Some(row) = findings.next()? {
                let finding: String = row.get(0)?;
                if finding != "ok" {
                    return Err(StoreError::Damaged(finding));
                }
            }
        }
        Ok(())
    }
}

fn connect(path: &Path, key: &Secret32, mode: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.pragma_update(None, "key", raw_key(key).as_str())?;
    // What goes wrong is in the result; the library's own lines on stderr are not for people. The first
    // key in a process sets the level anew.
    connection.pragma_update_and_check(None, "cipher_log_level", "NONE", |_| Ok(()))?;
    connection.busy_timeout(BUSY)?;
    connection.execute_batch(SETTINGS).map_err(|error| unreadable(path, error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn raw_key(key: &Secret32) -> Zeroizing<String> {
    let digits = Zeroizing::new(hex(key.expose()));
    Zeroizing::new(format!("x'{}'", digits.as_str()))
}

fn check_format(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let format = connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    match format.map_err(|error| unreadable(path, error))? {
        FORMAT => Ok(()),
        0 => Err(StoreError::Damaged("it was never finished".to_owned())),
        format => Err(StoreError::Newer(format)),
    }
}

/// What another key deciphers looks like no database at all.
fn unreadable(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StoreError::WrongKey(path.to_path_buf()),
        _ => error.into(),
    }
}

fn prepare_for_writing(connection: &Connection) -> Result<(), StoreError> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Damaged(format!("the journal mode is {mode}")));
    }
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_OCTETS_KEPT)?;
    Ok(())
}

/// Pages of 16 KiB cost files a fifth less than SQLCipher's 4 KiB, and single notes no more. HMAC-SHA-256
/// takes half the time of its default and loses nothing here. The cache is bounded so that a node
/// stays small.
const SETTINGS: &str = "PRAGMA cipher_page_size = 16384; PRAGMA cipher_hmac_algorithm = HMAC_SHA256; PRAGMA cache_size = -8192; \
    PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;";
/// A copy or a check elsewhere holds the file no longer than this.
const BUSY: Duration = Duration::from_secs(5);
const STATEMENTS: usize = 64;
/// 16 MiB of pages: large against a batch, small against a file.
const CHECKPOINT_PAGES: i64 = 1_024;
const LOG_OCTETS_KEPT: i64 = 32 << 20;
