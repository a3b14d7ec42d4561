//! Files that builders send: received into a spool, looked at without being unpacked, then kept or put aside.

mod package;
pub mod spool;
mod verify;

use std::path::{Path, PathBuf};

pub use self::verify::{confirm, verify};

use crate::core::ids::{Epoch, JobId};
use crate::core::job::Fault;

/// What is wrong with an upload, and whose fault that is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct BadUpload {
    /// A broken transfer is infrastructure's fault; whose it is that the contents are wrong, nobody can say.
    pub fault: Fault,
    /// In words.
    pub reason: String,
}

impl BadUpload {
    /// The transfer is at fault: trying again may help.
    fn transfer(reason: String) -> BadUpload {
        BadUpload { fault: Fault::Infrastructure, reason }
    }

    /// The contents are not what the job should make.
    fn contents(reason: String) -> BadUpload {
        BadUpload { fault: Fault::Unknown, reason }
    }
}

/// The folder of an attempt below `spool/` or `refused/`.
fn attempt_dir(state_dir: &Path, what: &str, job: JobId, epoch: Epoch) -> PathBuf {
    state_dir.join(what).join(format!("{job}-{}", epoch.0))
}

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
