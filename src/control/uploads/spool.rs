//! Where uploads are received, and where refused ones are kept.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::attempt_dir;
use crate::core::ids::{Epoch, JobId, Sha256};

/// The largest file that a build may send, in bytes: above the largest package of any known archive.
pub const MAX_FILE: u64 = 16 << 30;

/// The most files that an attempt may send.
pub const MAX_FILES: usize = 4096;

/// Where an attempt's files are received.
pub fn dir(state_dir: &Path, job: JobId, epoch: Epoch) -> PathBuf {
    attempt_dir(state_dir, "spool", job, epoch)
}

/// A file that is being received: it has its name only when it is whole.
#[derive(Debug)]
pub struct Receiving {
    target: PathBuf,
    file: NamedTempFile,
    hasher: sha2::Sha256,
    size: u64,
}

impl Receiving {
    /// Begins a file. The caller has checked the name.
    pub fn begin(state_dir: &Path, job: JobId, epoch: Epoch, name: &str) -> io::Result<Receiving> {
        use sha2::Digest;
        let dir = dir(state_dir, job, epoch);
        fs::create_dir_all(&dir)?;
        if fs::read_dir(&dir)?.count() > MAX_FILES {
            return Err(io::Error::other(format!("expected at most {MAX_FILES} files of one build, got more")));
        }
        // A dot comes first, which no received file's name has.
        let file = tempfile::Builder::new().prefix(".part-").tempfile_in(&dir)?;
        Ok(Receiving { target: dir.join(name), file, hasher: sha2::Sha256::new(), size: 0 })
    }

    /// Takes the next bytes; how much came so far.
    pub fn take(&mut self, bytes: &[u8]) -> io::Result<u64> {
        use sha2::Digest;
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(self.size)
    }

    /// Gives the file its name, if it has the hash that was promised; its hash either way.
    pub fn finish(self, promised: Option<Sha256>) -> io::Result<Result<Sha256, Sha256>> {
        use sha2::Digest;
        let sha256 = Sha256(self.hasher.finalize().into());
        if promised.is_some_and(|promised| promised != sha256) {
            return Ok(Err(sha256));
        }
        self.file.persist(&self.target).map_err(|error| error.error)?;
        Ok(Ok(sha256))
    }
}

/// Removes what was received of an attempt.
pub fn clear(state_dir: &Path, job: JobId, epoch: Epoch) -> io::Result<()> {
    match fs::remove_dir_all(dir(state_dir, job, epoch)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Moves what was received of an attempt to `refused/JOB-EPOCH/`, with the reason beside it in `REASON`.
pub fn put_aside(state_dir: &Path, job: JobId, epoch: Epoch, reason: &str) -> io::Result<PathBuf> {
    let (from, to) = (dir(state_dir, job, epoch), attempt_dir(state_dir, "refused", job, epoch));
    fs::create_dir_all(state_dir.join("refused"))?;
    match fs::rename(&from, &to) {
        // Nothing was sent, or it was moved before and the answer was lost: the reason is still worth keeping.
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(&to)?,
        other => other?,
    }
    fs::write(to.join("REASON"), format!("{reason}\n"))?;
    Ok(to)
}
