//! Overlays in a stage: what was built of them is visible whoever else has it, and a stage stops where one fails.

use rustc_hash::FxHashSet;

use super::ready::Planner;
use crate::core::ids::JobId;
use crate::core::job::{JobEvent, JobState};
use crate::core::overlay::confirm::Superseding;
use crate::core::pinned::Role;
use crate::core::suffix::{self, Suffixed};
use crate::io::clock;
use crate::io::state::artifacts;
use crate::io::state::jobs::{self, Job};
use crate::primitives::layers;

/// A stage that ended since nothing may be built against what an overlay supersedes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "stage `{stage}` stops: {name} {version} ({arch}) of the overlay `{path}` was not built{}; {}\n\
     hint: `cloudbuild logs {name}` shows the build; start again to try it once more, or with --restart once `{path}` is \
     mended: results with the same inputs are taken over",
    reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default(), left(*waiting)
)]
pub struct Stopped {
    /// The stage.
    pub stage: String,
    /// Source package name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// A Debian architecture, or `all`.
    pub arch: String,
    /// Where the overlay came from.
    pub path: String,
    /// Why it was not built.
    pub reason: Option<String>,
    /// Jobs that were not tried.
    pub waiting: usize,
}

fn left(waiting: usize) -> String {
    match waiting {
        0 => "no other job was left".to_owned(),
        1 => "1 job was not tried, since it would be built against another version of it".to_owned(),
        more => format!("{more} jobs were not tried, since they would be built against another version of it"),
    }
}

impl Planner<'_> {
    /// The version that a job builds, where it is not the source's own.
    pub(super) fn suffixed(&self, job: &Job) -> Option<Suffixed> {
        let local = self.overlay.iter().find(|local| local.name == job.source);
        let suffix = local.and_then(|local| local.suffix.as_ref()).or(self.request.suffix.as_ref());
        // The date of what is built against, so that the same import gives the same bytes.
        let date = self.imported.suites.iter().filter(|suite| suite.role.feeds()).filter_map(|suite| suite.date).max();
        let date = clock::changelog_date(date);
        let of = (job.source.as_str(), job.version.as_str(), job.arch.as_str());
        let maintainer = self.request.maintainer.as_deref();
        suffix::suffixed(of, suffix.map(String::as_str), maintainer, (&self.distribution, &date))
    }

    /// Whether a package that a build of an earlier round had of the overlay is still what the overlay has.
    pub(super) fn is_current(&self, found: &Superseding) -> anyhow::Result<bool> {
        let mut given = self.candidates.iter().filter(|record| record.suite.role == Role::Overlay);
        if given.any(|record| record.package.sha256 == found.sha256) {
            return Ok(true);
        }
        for (maker, source) in self.stage.state.read(|db| artifacts::made_by(db, found.sha256))? {
            let is_local = self.overlay.iter().any(|local| local.name == source);
            if is_local && layers::of_overlay(self.stage.state, &self.overlay, maker, &source)? == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn jobs_of(&self, source: &str) -> anyhow::Result<Vec<Job>> {
        Ok(self.stage.state.read(|db| jobs::of_source(db, self.stage.run, source))?)
    }

    /// The jobs of this stage that build the overlay and ended without packages.
    fn failed(&self) -> anyhow::Result<Vec<Job>> {
        let mut failed = Vec::new();
        for local in &self.overlay {
            let jobs = self.jobs_of(&local.name)?.into_iter();
            failed.extend(jobs.filter(|job| {
                job.stage == self.request.stage && job.state.is_terminal() && job.state != JobState::Installed
            }));
        }
        Ok(failed)
    }

    /// Lets what an earlier start of the run stopped at be tried once more.
    pub(super) fn try_again(&self) -> anyhow::Result<()> {
        let failed = self.failed()?;
        if failed.is_empty() {
            return Ok(());
        }
        let waiting = self.stage.jobs(&self.request.stage)?.into_iter().filter(|job| job.state == JobState::DepWait);
        // One that the recipe leaves out stays so.
        let failed = failed.into_iter().filter(|job| job.state != JobState::AutoNotForUs);
        let again: FxHashSet<JobId> = failed.chain(waiting).map(|job| job.id).collect();
        let now = clock::now().as_millisecond();
        self.stage.state.write(move |tx| {
            for id in again {
                jobs::apply(tx, id, &JobEvent::Retried, now)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Where an overlay failed, lets all wait that no builder has: they would be built against what it supersedes.
    /// Answers whether one failed and builders are done with what they had.
    pub(super) fn stops(&self) -> anyhow::Result<bool> {
        let failed = self.failed()?;
        let Some(first) = failed.first() else { return Ok(false) };
        let reason = format!("waits for {} {} of the overlay, which was not built", first.source, first.version);
        let open = self.stage.jobs(&self.request.stage)?.into_iter().filter(|job| job.state == JobState::NeedsBuild);
        let open: Vec<JobId> = open.map(|job| job.id).collect();
        let now = clock::now().as_millisecond();
        self.stage.state.write(move |tx| {
            for id in open {
                // A builder may have taken it meanwhile; that is waited for.
                if jobs::expect(tx, id)?.state == JobState::NeedsBuild {
                    jobs::apply(tx, id, &JobEvent::Waits { reason: reason.clone() }, now)?;
                }
            }
            Ok(())
        })?;
        let left = self.stage.jobs(&self.request.stage)?;
        Ok(left.iter().all(|job| job.state.is_terminal() || job.state == JobState::DepWait))
    }

    /// The error that a stage ends with, if an overlay failed in it.
    pub(super) fn stopped(&self) -> anyhow::Result<Option<Stopped>> {
        let Some(job) = self.failed()?.into_iter().next() else { return Ok(None) };
        let local = self.overlay.iter().find(|local| local.name == job.source);
        let waiting = self.stage.jobs(&self.request.stage)?;
        let waiting = waiting.iter().filter(|job| job.state == JobState::DepWait).count();
        Ok(Some(Stopped {
            stage: job.stage,
            name: job.source,
            version: job.version,
            arch: job.arch,
            path: local.map(|local| local.path.display().to_string()).unwrap_or_default(),
            reason: job.reason,
            waiting,
        }))
    }
}
