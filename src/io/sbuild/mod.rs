//! sbuild and mmdebstrap: makes chroots, runs builds as the unprivileged build user, stops them, cleans up after them.
//!
//! **Invariant:** nothing is unpacked outside the cache folder, and no setting of the machine, of the user or of this
//! process's environment reaches a build. What came of a build is decided in `core::build`.

pub mod chroot;
pub mod place;
pub mod processes;
pub mod proof;
pub mod run;

#[cfg(test)]
pub(crate) mod tests;

use std::path::PathBuf;
use std::time::Duration;

/// Why a chroot or a build could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SbuildError {
    /// A program that is not there or cannot be run.
    #[error(
        "cannot run `{program}`: {source}\nhint: `cloudbuild doctor` tells what is missing, `cloudbuild setup` installs it"
    )]
    Missing {
        /// What was to be run.
        program: String,
        /// Why it was not.
        source: std::io::Error,
    },
    /// mmdebstrap made no chroot.
    #[error("mmdebstrap made no chroot from `{view}` ({how}): {tail}")]
    Chroot {
        /// The archive it was to be made from.
        view: String,
        /// How mmdebstrap ended.
        how: String,
        /// The last lines that it printed.
        tail: String,
    },
    /// Something took longer than it may.
    #[error("{what} was not done after {} s", .limit.as_secs())]
    Late {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
    },
    /// Another daemon works there.
    #[error("another build daemon works in `{path}`")]
    Taken {
        /// Its folder.
        path: PathBuf,
    },
    /// Somebody asked to stop.
    #[error("stopped because it was asked to")]
    Cancelled,
    /// A task that cannot become a build.
    #[error(transparent)]
    Task(#[from] crate::core::build::TaskError),
    /// The file system said no.
    #[error("{doing} `{path}`: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What came.
        source: std::io::Error,
    },
    /// A command in a chroot failed.
    #[error("{what} failed ({how}): {tail}")]
    InChroot {
        /// What it was for.
        what: String,
        /// How it ended.
        how: String,
        /// The last lines that it printed.
        tail: String,
    },
}

impl SbuildError {
    /// Wraps what the file system said.
    pub fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> SbuildError {
        let path = path.into();
        move |source| SbuildError::Io { doing, path, source }
    }

    /// Whether the disk, or the user's share of it, was full.
    pub fn is_disk_full(&self) -> bool {
        let SbuildError::Io { source, .. } = self else { return self.to_string().contains("No space left on device") };
        matches!(source.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
    }
}

/// The last lines of what a program printed, without what is blank, for an error's one line.
pub fn tail_of(output: &[u8], lines: usize) -> String {
    let text = String::from_utf8_lossy(output);
    let mut last: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).rev().take(lines).collect();
    last.reverse();
    if last.is_empty() { "it printed nothing".to_owned() } else { last.join("; ") }
}

/// How a process ended, in words.
pub fn how(status: std::process::ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it returned {code}"),
        (None, Some(signal)) => format!("signal {signal} ended it"),
        (None, None) => "it ended".to_owned(),
    }
}
