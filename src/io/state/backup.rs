//! A copy of the database, made while others write, and put back later.

use std::path::Path;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::error::StateError;
use super::lock::StateLock;
use super::{FILE, file};

/// Pages that are copied at once; a writer waits no longer than that takes.
const PAGES: i32 = 1000;

/// Copies the database of `dir` to `to`, a file that is not there yet, as it is at one moment.
pub fn backup(dir: &Path, to: &Path) -> Result<(), StateError> {
    let path = file(dir);
    if !path.is_file() {
        return Err(StateError::Missing { path });
    }
    let at = |error: rusqlite::Error| StateError::from(error).at(&path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let from = Connection::open_with_flags(&path, flags).map_err(at)?;
    from.busy_timeout(super::reader::BUSY).map_err(at)?;
    let there = |error: rusqlite::Error| StateError::from(error).at(to);
    let mut copy = Connection::open(to).map_err(there)?;
    // In one file, without a log beside it.
    copy.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;").map_err(there)?;
    let backup = Backup::new(&from, &mut copy).map_err(at)?;
    backup.run_to_completion(PAGES, std::time::Duration::from_millis(1), None).map_err(at)?;
    drop(backup);
    copy.close().map_err(|(_, error)| there(error))
}

/// Puts a copy back; the database that is there is kept beside it as `state.db.before`.
pub fn restore(from: &Path, dir: &Path, _lock: &StateLock) -> Result<(), StateError> {
    if !from.is_file() {
        return Err(StateError::Missing { path: from.to_owned() });
    }
    let path = file(dir);
    if path.is_file() {
        let before = dir.join(format!("{FILE}.before"));
        drop(std::fs::remove_file(&before));
        backup(dir, &before)?;
    }
    for end in ["", "-wal", "-shm"] {
        let old = dir.join(format!("{FILE}{end}"));
        match std::fs::remove_file(&old) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(StateError::file(&old, error)),
            Ok(()) | Err(_) => {}
        }
    }
    let new = dir.join(format!("{FILE}.new"));
    std::fs::copy(from, &new).map_err(|error| StateError::file(&new, error))?;
    std::fs::rename(&new, &path).map_err(|error| StateError::file(&path, error))
}
