//! The home: one folder, one channel, one lock.
//!
//! ```text
//! HOME/            0700
//!   lock           held by whoever has the store open for writing
//!   key.toml       how the passphrase opens the store
//!   store.db       everything the node knows, encrypted
//!   socket         0600, while the node runs
//!   officer-1.key  an officer's signing key, to be taken off the machine
//!   routes.toml    where routes lie from here
//! ```

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// A node's folder. Knowing it opens nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    folder: PathBuf,
}

/// Why a home cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// There is a home already where one was to be made.
    #[error("{} holds a node already", .0.display())]
    Exists(PathBuf),
    /// There is no home.
    #[error("{} holds no node", .0.display())]
    Absent(PathBuf),
    /// Others on this machine may read it.
    #[error("{} can be read or written by other users of this machine", .0.display())]
    Open(PathBuf),
    /// Another process has it open.
    #[error("another process works on {}", .0.display())]
    Busy(PathBuf),
    /// The folder cannot be made, read or written.
    #[error("{}: {}", .0.display(), .1)]
    Folder(PathBuf, io::Error),
}

/// The right to write a home's store; one process at a time has it, until it is dropped.
#[derive(Debug)]
pub struct HomeLock {
    _file: File,
}

impl Home {
    /// Makes a new home, with its parents, for this user alone. An empty folder may exist already.
    pub fn create(folder: &Path) -> Result<Home, HomeError> {
        let home = Home { folder: folder.to_path_buf() };
        if home.key_path().exists() || home.store_path().exists() {
            return Err(HomeError::Exists(home.folder));
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| HomeError::Folder(home.folder.clone(), error))?;
        home.check_private()?;
        Ok(home)
    }

    /// The home at `folder`, which must hold a node and be private to this user.
    pub fn open(folder: &Path) -> Result<Home, HomeError> {
        let home = Home { folder: folder.to_path_buf() };
        if !home.key_path().is_file() || !home.store_path().is_file() {
            return Err(HomeError::Absent(home.folder));
        }
        home.check_private()?;
        Ok(home)
    }

    /// Takes the right to write. Never waits: [`HomeError::Busy`] if somebody has it.
    pub fn lock(&self) -> Result<HomeLock, HomeError> {
        let wrong = |error| HomeError::Folder(self.lock_path(), error);
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true).mode(0o600);
        let file = options.open(self.lock_path()).map_err(wrong)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(HomeLock { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(HomeError::Busy(self.folder.clone())),
            Err(error) => Err(wrong(error.into())),
        }
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The store's file.
    pub fn store_path(&self) -> PathBuf {
        self.folder.join("store.db")
    }

    /// The file that says how the passphrase opens the store.
    pub fn key_path(&self) -> PathBuf {
        self.folder.join("key.toml")
    }

    /// The socket on which a running node takes commands.
    pub fn socket_path(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// The file of officer `number`'s signing key, counted from 1.
    pub fn officer_path(&self, number: u8) -> PathBuf {
        self.folder.join(format!("officer-{number}.key"))
    }

    /// Where routes lie from this machine; the file need not exist.
    pub fn routes_path(&self) -> PathBuf {
        self.folder.join("routes.toml")
    }

    /// The file that whoever writes the store holds locked.
    pub fn lock_path(&self) -> PathBuf {
        self.folder.join("lock")
    }

    fn check_private(&self) -> Result<(), HomeError> {
        let wrong = |error| HomeError::Folder(self.folder.clone(), error);
        let facts = std::fs::metadata(&self.folder).map_err(wrong)?;
        if facts.mode() & 0o077 == 0 { Ok(()) } else { Err(HomeError::Open(self.folder.clone())) }
    }
}

/// Writes a file that only this user may read, durably and at once or not at all. An existing file
/// is replaced.
pub fn write_private(path: &Path, octets: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    file.write_all(octets)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn one_process_at_a_time_may_write() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let home = Home::create(&folder.path().join("a/b")).expect("created");
        let lock = home.lock().expect("free");
        assert!(matches!(home.lock(), Err(HomeError::Busy(_))));
        drop(lock);
        assert!(home.lock().is_ok());
    }

    #[test]
    fn a_folder_that_others_can_read_is_no_home() {
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("mode set");
        assert!(matches!(Home::create(folder.path()), Err(HomeError::Open(_))));
    }

    #[test]
    fn a_home_is_made_once_and_opened_only_if_made() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("home");
        assert!(matches!(Home::open(&path), Err(HomeError::Absent(_))));
        let home = Home::create(&path).expect("created");
        write_private(&home.key_path(), b"x").expect("written");
        assert!(matches!(Home::create(&path), Err(HomeError::Exists(_))));
    }
}
