//! Files that appear whole or not at all, and the directory that they appear in.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use sha2::Digest;

use crate::core::ids::Sha256;
use crate::io::archive::ArchiveError;
use crate::io::archive::dir::MARKER;

/// Our own notes, which a web server need not show.
pub(super) const NOTES: &str = ".cloudbuild";

/// What is for the archive's keeper only.
const PRIVATE: &str = ".cloudbuild/byhand";

/// Files in the making; emptied when an archive is opened.
const MAKING: &str = ".cloudbuild/making";

/// What the marker says to a person who finds it.
const MARKER_TEXT: &str =
    "This directory is an APT archive that cloudbuild writes. Without this file it is left alone.\n";

/// Folders that are made durable at the same time: each waits for the disk, and the disk takes many at once.
const SYNCS: usize = 16;

/// Told before each change, and may forbid it.
pub(super) type Before<'b> = dyn Fn(&Path) -> std::io::Result<()> + Sync + 'b;

/// A file for the pool.
pub(super) struct Placed<'p> {
    /// Its path from the root.
    pub(super) path: &'p str,
    /// Where its bytes are.
    pub(super) from: PathBuf,
    /// Its content.
    pub(super) sha256: Sha256,
}

/// Writes below an archive's root; holds its lock.
pub(super) struct Writer<'a> {
    root: PathBuf,
    /// Told before each change, and may forbid it.
    before: &'a Before<'a>,
    /// Folders in which something changed since they were last made durable.
    touched: Mutex<BTreeSet<PathBuf>>,
    /// Locked as long as this is there.
    marker: File,
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        // Closing it is not enough: a child that another thread is just starting has a copy of it until it executes its
        // program, and would hold the lock for so long.
        if let Err(error) = self.marker.unlock() {
            tracing::warn!(%error, root = %self.root.display(), "the archive's lock was not given back");
        }
    }
}

impl<'a> Writer<'a> {
    /// Opens an archive of ours, or makes one in a directory that is new or empty.
    pub(super) fn open(root: &Path, before: &'a Before<'a>) -> Result<Writer<'a>, ArchiveError> {
        let marker = root.join(MARKER);
        if std::fs::symlink_metadata(&marker).is_err() {
            if !is_free(root)? {
                return Err(ArchiveError::NotOurs { root: root.to_owned(), marker: MARKER });
            }
            before(root).and_then(|()| make_folders(root)).map_err(ArchiveError::io("make folder", root))?;
            let written = before(&marker).and_then(|()| std::fs::write(&marker, MARKER_TEXT));
            written.map_err(ArchiveError::io("write", &marker))?;
        }
        let file = File::open(&marker).map_err(ArchiveError::io("read", &marker))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(ArchiveError::Busy { root: root.to_owned() }),
            Err(std::fs::TryLockError::Error(error)) => return Err(ArchiveError::io("lock", &marker)(error)),
        }
        let writer = Writer { root: root.to_owned(), before, touched: Mutex::default(), marker: file };
        let making = root.join(MAKING);
        if making.exists() {
            for left in std::fs::read_dir(&making).map_err(ArchiveError::io("read", &making))?.flatten() {
                std::fs::remove_file(left.path()).map_err(ArchiveError::io("remove", left.path()))?;
            }
        }
        Ok(writer)
    }

    /// Another descriptor of the locked file.
    #[cfg(test)]
    pub(super) fn copy_of_lock(&self) -> File {
        self.marker.try_clone().expect("there are descriptors left")
    }

    /// The archive's root.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Writes a file that nobody may ever see with other bytes under this name, such as one named by its hash.
    pub(super) fn write_once(&self, path: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        let there = std::fs::metadata(self.root.join(path));
        if there.is_ok_and(|there| there.len() == bytes.len() as u64) { Ok(()) } else { self.write(path, bytes) }
    }

    /// Writes a file, or replaces it at once; one with these bytes is left alone.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        let target = self.root.join(path);
        let as_long = std::fs::metadata(&target).is_ok_and(|there| there.len() == bytes.len() as u64);
        if as_long && std::fs::read(&target).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        self.made(&target, |making| {
            making.write_all(bytes)?;
            making.as_file().set_permissions(Permissions::from_mode(0o644))?;
            making.as_file().sync_all()
        })
    }

    /// Gives a file that is there a second name, at once; one that it has already is left alone.
    pub(super) fn link(&self, path: &str, from: &str) -> Result<(), ArchiveError> {
        let (target, from) = (self.root.join(path), self.root.join(from));
        let there = std::fs::metadata(&from).map_err(ArchiveError::io("read", &from))?;
        if std::fs::metadata(&target).is_ok_and(|other| other.ino() == there.ino() && other.dev() == there.dev()) {
            return Ok(());
        }
        self.prepare(&target)?;
        let making = self.root.join(MAKING);
        make_folders(&making).map_err(ArchiveError::io("make folder", &making))?;
        let second = making.join("link");
        match std::fs::hard_link(&from, &second).and_then(|()| std::fs::rename(&second, &target)) {
            Ok(()) => Ok(()),
            // Not every file system has links.
            Err(_) => {
                let bytes = std::fs::read(&from).map_err(ArchiveError::io("read", &from))?;
                self.write(path, &bytes)
            }
        }
    }

    /// Puts files into the pool, on all cores.
    pub(super) fn place_all(&self, files: &[Placed<'_>]) -> Result<(), ArchiveError> {
        files.par_iter().try_for_each(|file| self.place(file.path, &file.from, file.sha256))
    }

    /// Puts a file into the pool, by a hard link where the file system and the file's mode allow it, else by copy.
    fn place(&self, path: &str, from: &Path, expected: Sha256) -> Result<(), ArchiveError> {
        let target = self.root.join(path);
        // A link to a symbolic link would be a symbolic link in the pool.
        let from = from.canonicalize().map_err(ArchiveError::io("read", from))?;
        let metadata = std::fs::metadata(&from).map_err(ArchiveError::io("read", &from))?;
        let got = sha256(&from)?;
        if got != expected {
            return Err(ArchiveError::Content { path: from, expected, got });
        }
        if path.starts_with(PRIVATE) {
            self.prepare(&target)?;
            // A web server is another user, and gets no further than this folder.
            let private = self.root.join(PRIVATE);
            let closed = std::fs::set_permissions(&private, Permissions::from_mode(0o700));
            closed.map_err(ArchiveError::io("write", private))?;
        }
        if metadata.mode() & 0o444 == 0o444 {
            self.prepare(&target)?;
            if std::fs::hard_link(&from, &target).is_ok() {
                return Ok(());
            }
        }
        self.made(&target, |making| {
            std::io::copy(&mut File::open(&from)?, making)?;
            making.as_file().set_permissions(Permissions::from_mode(0o644))?;
            making.as_file().sync_all()
        })
    }

    /// Renames within the archive.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), ArchiveError> {
        let target = self.root.join(to);
        self.prepare(&target)?;
        std::fs::rename(self.root.join(from), &target).map_err(ArchiveError::io("write", target))
    }

    /// Removes a file and the folders that are empty then; says whether it was there.
    pub(super) fn remove(&self, path: &str) -> Result<bool, ArchiveError> {
        let target = self.root.join(path);
        (self.before)(&target).map_err(ArchiveError::io("remove", &target))?;
        match std::fs::remove_file(&target) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(ArchiveError::io("remove", target)(error)),
        }
        let above = target.ancestors().skip(1).take_while(|folder| *folder != self.root);
        // A folder that is not empty refuses, which ends this.
        for folder in above {
            if std::fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(true)
    }

    /// Makes the names of all files that were written durable.
    pub(super) fn sync_folders(&self) -> Result<(), ArchiveError> {
        let touched = std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner));
        let folders: Vec<PathBuf> = touched.into_iter().collect();
        let sync = |folders: &[PathBuf]| {
            folders.iter().try_for_each(|folder| {
                let synced = File::open(folder).and_then(|open| open.sync_all());
                synced.map_err(ArchiveError::io("write", folder))
            })
        };
        if folders.len() < SYNCS {
            return sync(&folders);
        }
        std::thread::scope(|scope| {
            let parts = folders.chunks(folders.len().div_ceil(SYNCS));
            let threads: Vec<_> = parts.map(|part| scope.spawn(move || sync(part))).collect();
            threads.into_iter().try_for_each(|thread| thread.join().expect("syncing never panics"))
        })
    }

    /// A temporary file, filled, then renamed to its place.
    fn made(
        &self,
        target: &Path,
        fill: impl FnOnce(&mut tempfile::NamedTempFile) -> std::io::Result<()>,
    ) -> Result<(), ArchiveError> {
        self.prepare(target)?;
        let failed = || ArchiveError::io("write", target);
        let making = self.root.join(MAKING);
        make_folders(&making).map_err(failed())?;
        let mut file = tempfile::NamedTempFile::new_in(&making).map_err(failed())?;
        fill(&mut file).map_err(failed())?;
        file.persist(target).map_err(|error| failed()(error.error))?;
        Ok(())
    }

    /// Asks whether the change may happen, and makes the folder that the file goes to.
    fn prepare(&self, target: &Path) -> Result<(), ArchiveError> {
        (self.before)(target).map_err(ArchiveError::io("write", target))?;
        let folder = target.parent().unwrap_or(&self.root);
        make_folders(folder).map_err(ArchiveError::io("make folder", folder))?;
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        for above in folder.ancestors().take_while(|above| above.starts_with(&self.root)) {
            // Where a folder is known, those above it are.
            if !touched.insert(above.to_owned()) {
                break;
            }
        }
        Ok(())
    }
}

/// The SHA-256 of a file.
pub(super) fn sha256(path: &Path) -> Result<Sha256, ArchiveError> {
    let failed = || ArchiveError::io("read", path);
    let mut file = File::open(path).map_err(failed())?;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 128 << 10];
    loop {
        match file.read(&mut buffer).map_err(failed())? {
            0 => return Ok(Sha256(hasher.finalize().into())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Whether a directory is an archive that we made.
pub(super) fn is_ours(root: &Path) -> bool {
    root.join(MARKER).is_file()
}

/// Whether a directory is not there or empty; what `mkfs` leaves in it does not count.
fn is_free(root: &Path) -> Result<bool, ArchiveError> {
    match std::fs::read_dir(root) {
        Ok(mut entries) => Ok(entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == "lost+found"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(ArchiveError::io("read", root)(error)),
    }
}

/// Makes folders that a web server can read, whatever the umask is; those that are there stay as they are.
fn make_folders(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
        make_folders(above)?;
    }
    match DirBuilder::new().mode(0o755).create(folder) {
        Ok(()) => {
            let mode = std::fs::metadata(folder)?.mode() & 0o777;
            if mode == 0o755 { Ok(()) } else { std::fs::set_permissions(folder, Permissions::from_mode(0o755)) }
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}
