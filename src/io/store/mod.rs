//! Files by content: what is written once under its SHA-256 and then only read.
//!
//! **Invariant:** a file that is there is whole and has the hash in its name; one that is being written is not there.

pub mod made;

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::Digest;

use crate::core::ids::Sha256;
use crate::io::clock;

#[cfg(test)]
mod tests;

/// What a killed process left behind is removed after so long.
const LEFTOVER_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a store cannot do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room.
    #[error(
        "no room left in `{directory}`\n\
         hint: make room on that file system, or name another directory in the settings"
    )]
    Full {
        /// The store's root.
        directory: PathBuf,
    },
    /// The system refused.
    #[error("failed to {action} `{path}`: {source}")]
    Io {
        /// `write`, `read`, `create`.
        action: &'static str,
        /// What on.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// What was written is not what it should be.
    #[error("expected {expected_size} bytes with SHA-256 `{expected}`, got {size} bytes with SHA-256 `{sha256}`")]
    Mismatch {
        /// The hash it should have.
        expected: Sha256,
        /// The size it should have.
        expected_size: u64,
        /// The hash it has.
        sha256: Sha256,
        /// The size it has.
        size: u64,
    },
    /// It is not in the store.
    #[error("expected a file with SHA-256 `{sha256}` in `{directory}`, got none")]
    Absent {
        /// The hash that was asked for.
        sha256: Sha256,
        /// The store's root.
        directory: PathBuf,
    },
}

impl StoreError {
    /// The error for what the system said about a path below `root`.
    pub fn of(root: &Path, action: &'static str, path: &Path, source: io::Error) -> StoreError {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                StoreError::Full { directory: root.to_owned() }
            }
            _ => StoreError::Io { action, path: path.to_owned(), source },
        }
    }
}

/// A file in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Its hash.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

/// A directory of files by content.
#[derive(Debug, Clone)]
pub struct Store {
    root: Arc<PathBuf>,
}

impl Store {
    /// Opens the store in a directory, which is made when it is not there.
    pub fn open(root: impl Into<PathBuf>) -> Result<Store, StoreError> {
        let root = root.into();
        let partial = root.join("partial");
        fs::create_dir_all(&partial).map_err(|error| StoreError::of(&root, "create", &partial, error))?;
        remove_leftovers(&partial);
        Ok(Store { root: Arc::new(root) })
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a file of that hash is or would be.
    pub fn path(&self, sha256: &Sha256) -> PathBuf {
        let name = sha256.to_string();
        self.root.join(&name[..2]).join(name)
    }

    /// Whether a file of that hash is there.
    pub fn contains(&self, sha256: &Sha256) -> bool {
        self.path(sha256).is_file()
    }

    /// Keeps some bytes.
    pub fn insert(&self, bytes: &[u8]) -> Result<Sha256, StoreError> {
        let sha256 = Sha256::of(bytes);
        if !self.contains(&sha256) {
            let mut writer = self.writer()?;
            writer.put(bytes)?;
            writer.finish(Some((sha256, bytes.len() as u64)))?;
        }
        Ok(sha256)
    }

    /// Keeps a copy of a file.
    pub fn adopt(&self, path: &Path) -> Result<Stored, StoreError> {
        let mut file = File::open(path).map_err(|error| self.failed("read", path, error))?;
        let mut writer = self.writer()?;
        io::copy(&mut file, &mut writer).map_err(|error| self.failed("copy", path, error))?;
        writer.finish(None)
    }

    /// Begins a file whose hash is known when it is finished.
    pub fn writer(&self) -> Result<StoreWriter, StoreError> {
        let partial = self.root.join("partial");
        let file = tempfile::NamedTempFile::new_in(&partial).map_err(|error| self.failed("create", &partial, error))?;
        Ok(StoreWriter { store: self.clone(), file, hasher: sha2::Sha256::new(), size: 0 })
    }

    /// A folder to work in, on the store's own file system; all of it goes when it is dropped.
    pub fn scratch(&self) -> Result<tempfile::TempDir, StoreError> {
        let partial = self.root.join("partial");
        tempfile::tempdir_in(&partial).map_err(|error| self.failed("create", &partial, error))
    }

    /// The bytes of a file, mapped.
    pub fn map(&self, sha256: &Sha256) -> Result<Mapped, StoreError> {
        let path = self.path(sha256);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::Absent { sha256: *sha256, directory: self.root.to_path_buf() });
            }
            Err(error) => return Err(self.failed("read", &path, error)),
        };
        let size = file.metadata().map_err(|error| self.failed("read", &path, error))?.len();
        if size == 0 {
            // Nothing cannot be mapped.
            return Ok(Mapped { map: None });
        }
        // SAFETY: files in a store are written once, under a name that is their hash, and never changed.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(|error| self.failed("map", &path, error))?;
        Ok(Mapped { map: Some(map) })
    }

    /// The error for what the system said.
    fn failed(&self, action: &'static str, path: &Path, error: io::Error) -> StoreError {
        StoreError::of(&self.root, action, path, error)
    }
}

/// Removes what processes that were killed left unfinished; failing that is nobody's trouble.
fn remove_leftovers(partial: &Path) {
    let Ok(entries) = fs::read_dir(partial) else { return };
    let now = std::time::SystemTime::from(clock::now());
    for entry in entries.flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        if modified.is_ok_and(|modified| now.duration_since(modified).is_ok_and(|age| age > LEFTOVER_AGE)) {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _ = if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
        }
    }
}

/// A file that is being written; dropping it removes it.
#[derive(Debug)]
pub struct StoreWriter {
    store: Store,
    file: tempfile::NamedTempFile,
    hasher: sha2::Sha256,
    size: u64,
}

impl Write for StoreWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl StoreWriter {
    /// How much was written.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Writes all of some bytes; an error that names the directory when there is no room.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.write_all(bytes).map_err(|error| self.store.failed("write", self.file.path(), error))
    }

    /// Compares what was written so far with what it should be.
    pub fn verify(&self, expected: (Sha256, u64)) -> Result<(), StoreError> {
        let stored = Stored { sha256: Sha256(self.hasher.clone().finalize().into()), size: self.size };
        compare(stored, expected)
    }

    /// Puts the file into the store, if it is what it should be.
    pub fn finish(self, expected: Option<(Sha256, u64)>) -> Result<Stored, StoreError> {
        let (store, file, stored) = self.check(expected)?;
        let path = store.path(&stored.sha256);
        let folder = path.parent().expect("a store path is in a folder").to_owned();
        let put = || -> io::Result<()> {
            file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
            file.as_file().sync_all()?;
            fs::create_dir_all(&folder)?;
            file.persist(&path).map_err(|error| error.error)?;
            File::open(&folder)?.sync_all()
        };
        put().map_err(|error| store.failed("write", &path, error))?;
        Ok(stored)
    }

    /// Keeps the file for reading, outside of the store, if it is what it should be; it is gone when it is closed.
    pub fn into_scratch(self, expected: Option<(Sha256, u64)>) -> Result<File, StoreError> {
        let (store, file, _) = self.check(expected)?;
        file.reopen().map_err(|error| store.failed("read", file.path(), error))
    }

    /// Compares hash and size.
    fn check(self, expected: Option<(Sha256, u64)>) -> Result<(Store, tempfile::NamedTempFile, Stored), StoreError> {
        let stored = Stored { sha256: Sha256(self.hasher.finalize().into()), size: self.size };
        if let Some(expected) = expected {
            compare(stored, expected)?;
        }
        Ok((self.store, self.file, stored))
    }
}

/// An error unless both hash and size are the expected ones.
fn compare(stored: Stored, (expected, expected_size): (Sha256, u64)) -> Result<(), StoreError> {
    if (stored.sha256, stored.size) == (expected, expected_size) {
        return Ok(());
    }
    Err(StoreError::Mismatch { expected, expected_size, sha256: stored.sha256, size: stored.size })
}

/// The bytes of a file.
#[derive(Debug)]
pub struct Mapped {
    map: Option<memmap2::Mmap>,
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}
