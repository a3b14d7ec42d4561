//! One program at a time works in a state directory.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::error::StateError;

/// File name of the lock in the state directory.
const FILE: &str = "lock";

/// Held while a program works in a state directory; the kernel lets go of it when the program ends, however it ends.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

impl StateLock {
    /// Takes the lock of `dir`, making the directory first; an error that names who has it when it is taken.
    pub fn take(dir: &Path) -> Result<StateLock, StateError> {
        std::fs::create_dir_all(dir).map_err(|error| StateError::file(dir, error))?;
        let path = dir.join(FILE);
        let failed = |error| StateError::file(&path, error);
        // The file is not truncated before the lock is ours, since it names who has it.
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StateError::Locked { dir: dir.to_owned(), holder: holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(StateLock { _file: file })
    }
}

/// Who wrote itself into the lock.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    // A holder that has not written its number yet is another process all the same.
    let read = file.take(32).read_to_string(&mut text);
    match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(pid)) => format!("process {pid}"),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => "another process".to_owned(),
    }
}
