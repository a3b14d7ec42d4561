//! Jobs as `status` and `logs` show them.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::exit::{Exit, Failure};
use crate::core::flags::overridden::Overridden;
use crate::core::ids::{JobId, RunId};
use crate::core::job::JobState;
use crate::io::clock;
use crate::io::state::{Reader, flags, identity, jobs, runs};

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
    /// How often builders took it.
    pub leases: u32,
    /// Whether an earlier result with the same inputs was taken.
    pub reused: bool,
    /// The log of its last attempt; where an earlier result was taken, the log of the attempt that made it.
    pub log: Option<PathBuf>,
    /// Who asked for flags of its own: `cell O3`, `rule 3 (oem.lua:22)`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags_by: Vec<String>,
    /// Flags that were asked for and that the package has otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<Overridden>,
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

/// Reads the jobs of the last run in a state directory, without taking its lock.
pub fn read(dir: &Path) -> anyhow::Result<Jobs> {
    let db = Reader::open(dir)?;
    let latest = db.read(runs::latest)?;
    let run = latest.ok_or_else(|| {
        let message = format!("no run was begun in `{}`", dir.display());
        Failure::new(Exit::Usage, message).hint("`cloudbuild RECIPE` begins one")
    })?;
    lines(&db, dir, run.id)
}

/// Whether a job has ended; what `logs -f` asks until it has.
pub fn has_ended(dir: &Path, job: JobId) -> anyhow::Result<bool> {
    let found = Reader::open(dir)?.read(|db| jobs::get(db, job))?;
    Ok(found.is_none_or(|job| job.state.is_terminal()))
}

/// The jobs of one run.
pub fn lines(db: &Reader, dir: &Path, run: RunId) -> anyhow::Result<Jobs> {
    let recipe = db.read(identity::get)?.map(|identity| identity.name).unwrap_or_default();
    let now = clock::now().as_millisecond();
    let mut lines = Vec::new();
    let mut flags = db.read(|db| flags::by_run(db, run))?;
    for job in db.read(|db| jobs::by_run(db, run))? {
        let running = job.state == JobState::Building;
        let since = u64::try_from(now - job.changed_at).unwrap_or_default() / 1000;
        let own = flags.remove(&job.id);
        let (flags_by, overridden) = own.map(|own| (own.asked_by, own.overridden)).unwrap_or_default();
        lines.push(JobLine {
            flags_by,
            overridden: overridden.unwrap_or_default(),
            job: job.id,
            log: db.read(|db| jobs::log(db, &job))?.map(|log| dir.join(log)),
            leases: u32::try_from(job.epoch.0).unwrap_or(u32::MAX),
            reused: job.reused,
            stage: job.stage,
            source: job.source,
            version: job.version,
            arch: job.arch,
            state: job.state.text().to_owned(),
            reason: job.reason,
            seconds: if running { since } else { job.seconds },
        });
    }
    Ok(Jobs { run, recipe, jobs: lines })
}
