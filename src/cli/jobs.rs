//! Jobs as `status` and `logs` show them.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::exit::{Exit, Failure};
use crate::core::ids::{JobId, RunId};

/// A run and its jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jobs {
    /// The run: the last one in the state directory.
    pub run: RunId,
    /// Its recipe, as it was given.
    pub recipe: String,
    /// In the order in which they were created.
    pub jobs: Vec<JobLine>,
}

/// One job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobLine {
    /// The job.
    pub job: JobId,
    /// Its stage.
    pub stage: String,
    /// Source package name.
    pub source: String,
    /// Its version.
    pub version: String,
    /// A Debian architecture, or `all`.
    pub arch: String,
    /// A job state in its text form.
    pub state: String,
    /// In words, for a job that is not `installed`.
    pub reason: Option<String>,
    /// Seconds that its last attempt took, or has been running for.
    pub seconds: u64,
    /// The log of its last attempt, if it had one.
    pub log: Option<PathBuf>,
}

impl JobLine {
    /// How people read of it: `hello 2.10-3 (amd64)`.
    pub fn title(&self) -> String {
        title(&self.source, &self.version, &self.arch)
    }
}

/// How people read of a job.
pub fn title(source: &str, version: &str, arch: &str) -> String {
    super::output::clean(&format!("{source} {version} ({arch})"))
}

/// What a job's state means for the one who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Its packages are there.
    Good,
    /// It ended without packages.
    Bad,
    /// It has not ended.
    Open,
}

/// What a state, in its text form, means.
pub fn mark(state: &str) -> Mark {
    match state {
        "installed" | "uploaded" | "built" | "not-for-us" | "auto-not-for-us" => Mark::Good,
        "needs-build" | "building" => Mark::Open,
        _ => Mark::Bad,
    }
}

/// The word that a state is shown as: `build-attempted` is the program's own `failed`.
pub fn state_word(state: &str) -> &str {
    match state {
        "build-attempted" => "failed",
        other => other,
    }
}

/// JOIN: reads the jobs of the last run in a state directory, without taking its lock; `log` is absolute.
pub fn read(_state: &Path) -> anyhow::Result<Jobs> {
    Err(Failure::new(Exit::Internal, "this build of cloudbuild cannot read a state directory").into())
}

/// JOIN: whether a job has ended; what `logs -f` asks until it has.
pub fn has_ended(_state: &Path, _job: JobId) -> anyhow::Result<bool> {
    Err(Failure::new(Exit::Internal, "this build of cloudbuild cannot read a state directory").into())
}
