//! Files that builders send: received into a spool, looked at without being unpacked, then kept or put aside.

pub mod spool;

use std::path::{Path, PathBuf};

use crate::core::ids::{Epoch, JobId};

/// The folder of an attempt below `spool/` or `refused/`.
fn attempt_dir(state_dir: &Path, what: &str, job: JobId, epoch: Epoch) -> PathBuf {
    state_dir.join(what).join(format!("{job}-{}", epoch.0))
}

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
