//! A copy of the database, made while others write, and put back later.

use std::path::{Path, PathBuf};

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::error::StateError;
use super::lock::StateLock;
use super::{FILE, file, schema};

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

/// Puts a copy back, when it is whole; the database that is there is kept beside it. Returns its file, if there was one.
pub fn restore(from: &Path, dir: &Path, _lock: &StateLock) -> Result<Option<PathBuf>, StateError> {
    if !from.is_file() {
        return Err(StateError::Missing { path: from.to_owned() });
    }
    let (path, new) = (file(dir), dir.join(format!("{FILE}.new")));
    let at = |error| StateError::file(&new, error);
    std::fs::copy(from, &new).map_err(at)?;
    check(&new).inspect_err(|_| drop(std::fs::remove_file(&new)))?;
    std::fs::File::open(&new).and_then(|file| file.sync_all()).map_err(at)?;
    let mut before = None;
    if path.is_file() {
        let kept = unused(dir);
        backup(dir, &kept)?;
        before = Some(kept);
    }
    // What the old log holds is in the copy beside; it must not be taken for the new database's.
    for end in ["-wal", "-shm"] {
        let old = dir.join(format!("{FILE}{end}"));
        match std::fs::remove_file(&old) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(StateError::file(&old, error)),
            Ok(()) | Err(_) => {}
        }
    }
    std::fs::rename(&new, &path).map_err(|error| StateError::file(&path, error))?;
    std::fs::File::open(dir).and_then(|folder| folder.sync_all()).map_err(|error| StateError::file(dir, error))?;
    Ok(before)
}

/// A name for the database that is replaced, so that no earlier one is.
fn unused(dir: &Path) -> PathBuf {
    let name = |number: u32| match number {
        1 => format!("{FILE}.before"),
        more => format!("{FILE}.before.{more}"),
    };
    (1..).map(|number| dir.join(name(number))).find(|path| !path.exists()).expect("numbers do not end")
}

/// Whether a copy is a whole database that this program can read.
fn check(copy: &Path) -> Result<(), StateError> {
    let at = |error: rusqlite::Error| StateError::from(error).at(copy);
    let db = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(at)?;
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(at)?;
    if found != "ok" {
        return Err(StateError::Damaged { path: copy.to_owned(), problem: found });
    }
    match schema::of(&db).map_err(at)? {
        0 => Err(StateError::Damaged { path: copy.to_owned(), problem: "it has no tables of cloudbuild".to_owned() }),
        found if found > schema::newest() => {
            Err(StateError::Newer { path: copy.to_owned(), found, known: schema::newest() })
        }
        _ => Ok(()),
    }
}
