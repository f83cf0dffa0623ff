//! The store: one SQLite file, encrypted by SQLCipher, in which everything a node knows lies.
//!
//! A batch of the engine's [`Write`](couloir_engine::Write)s is one transaction, durable when
//! [`Store::apply`] returns. What is only read goes through [`Reader`], of which a running node may
//! have several. Pages are encrypted with AES-256 and authenticated with HMAC-SHA-256, which this
//! decade's processors compute in hardware; what is deleted is overwritten.

mod apply;
mod counts;
mod desk;
mod files;
mod index;
mod matters;
mod open;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod threads;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use couloir_seal::Secret32;
use couloir_wire::entry::{Body, DeliveryState, Entry, Precedence};
use couloir_wire::id::{ConversationId, EntryId, PostId};
use rusqlite::Connection;

pub use files::{FileError, Import, Imported};
pub use index::{Found, Lookup, folded, texts};
pub use matters::{MatterRow, Summary, Wanted};

/// A store opened for writing. The home's lock must be held.
pub struct Store {
    reader: Reader,
    path: PathBuf,
    key: Secret32,
    hashes: BTreeMap<EntryId, files::RunningHash>,
}

/// A store opened for reading; sees what was committed.
pub struct Reader {
    connection: Connection,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// Its permanent number; `None` while it waits for what came before it, or for the phrase.
    pub number: Option<u64>,
    /// The entry.
    pub id: EntryId,
    /// Where it was said.
    pub conversation: ConversationId,
    /// Its number in the conversation, as [`couloir_wire::entry::Entry::number`].
    pub cited: u64,
    /// What it is about, as [`Body::of`]; remains after expiry.
    pub about: Option<EntryId>,
    /// Who said it.
    pub author: PostId,
    /// The author's time, in milliseconds since 1970.
    pub at_ms: i64,
    /// How urgent.
    pub precedence: Precedence,
    /// Word for its kind, as [`Body::word`]; remains after expiry.
    pub kind: String,
    /// What was said; `None` once expired.
    pub entry: Option<Entry>,
    /// When it is forgotten, in milliseconds since 1970.
    pub expires_ms: Option<i64>,
    /// Whether this node said it.
    pub is_own: bool,
    /// How far it has come.
    pub state: DeliveryState,
    /// Whether something before it is missing.
    pub has_gap: bool,
}

impl LogRow {
    /// What is said; `None` once expired.
    pub fn body(&self) -> Option<&Body> {
        self.entry.as_ref().map(|entry| &entry.body)
    }
}

/// A conversation of which something was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationRow {
    /// Which.
    pub id: ConversationId,
    /// The entry that opened it; `None` for the channel's first one.
    pub opening: Option<LogRow>,
    /// Its newest entry in the log.
    pub last: Option<LogRow>,
    /// Entries in the log.
    pub count: u64,
    /// Those of the other side's that no desk of ours was shown.
    pub unread: u64,
}

/// Why the store did not do what was asked. A batch that failed changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The key does not open this file, or the file is no store.
    #[error("the key does not open {}", .0.display())]
    WrongKey(PathBuf),
    /// What lies in the file is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A later version wrote the file.
    #[error("the store is of format {0}, which this version does not know")]
    Newer(i64),
    /// No space is left.
    #[error("the disk is full")]
    Full,
    /// The disk did not confirm a write: nothing is certain until the node starts again.
    #[error("the disk did not confirm a write")]
    SyncFailed,
    /// Another process writes.
    #[error("another process writes to the store")]
    Busy,
    /// The file cannot be made, read or written.
    #[error("the store cannot be read or written: {0}")]
    Database(rusqlite::Error),
    /// The file beside it cannot be read or written.
    #[error("{}: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
}

impl StoreError {
    /// Whether what lies on the disk can no longer be trusted to follow what is in memory.
    pub fn is_fatal(&self) -> bool {
        matches!(self, StoreError::SyncFailed | StoreError::Damaged(_))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        use rusqlite::ffi;
        let Some(failure) = error.sqlite_error().copied() else {
            return StoreError::Database(error);
        };
        match (failure.code, failure.extended_code) {
            (_, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC) => StoreError::SyncFailed,
            (rusqlite::ErrorCode::DiskFull, _) => StoreError::Full,
            (rusqlite::ErrorCode::DatabaseBusy, _) => StoreError::Busy,
            (rusqlite::ErrorCode::DatabaseCorrupt, _) => StoreError::Damaged(error.to_string()),
            _ => StoreError::Database(error),
        }
    }
}

/// The named secrets of a node: [`Store::secret`].
pub mod secrets {
    /// The node's signing seeds, 64 octets.
    pub const SIGNING: &str = "signing";
    /// The node's QUIC key, PKCS #8.
    pub const TLS_KEY: &str = "tls-key";
    /// The node's QUIC certificate, X.509 in DER.
    pub const TLS_CERTIFICATE: &str = "tls-certificate";
    /// Signing seeds that become the node's once its officers have certified them.
    pub const NEXT_SIGNING: &str = "next-signing";
    /// The QUIC key that goes with them.
    pub const NEXT_TLS_KEY: &str = "next-tls-key";
    /// The QUIC certificate that goes with them.
    pub const NEXT_TLS_CERTIFICATE: &str = "next-tls-certificate";
}
