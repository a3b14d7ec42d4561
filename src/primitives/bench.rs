//! Bench scripts of a recipe: run where the packages that a stage built are installed, once for each build.

use std::collections::BTreeSet;

use anyhow::Context;

use crate::core::events::{Event, Listener};
use crate::core::ids::{JobId, ViewId};
use crate::core::job::JobState;
use crate::core::measure::{BENCH, Measured, read_bench};
use crate::core::order::ALL;
use crate::core::recipe::{BuildRequest, BuildResult, BuiltJob};
use crate::io::files;
use crate::io::state::artifacts::{self, ArtifactKind};
use crate::io::state::{State, jobs, measured};
use crate::primitives::proof::{Proving, Trying};

/// The handles that benches work with.
pub struct Benching<'b> {
    /// Where scripts run.
    pub proving: &'b Proving,
    /// The state.
    pub state: &'b State,
    /// The key that signs views.
    pub key: String,
    /// Who hears of what happens.
    pub listener: &'b dyn Listener,
}

/// Runs the scripts of a stage that was built, `view` having all that was; what they print is kept with the job.
pub async fn bench(
    benching: &Benching<'_>,
    request: &BuildRequest,
    built: &BuildResult,
    view: ViewId,
) -> anyhow::Result<()> {
    for (source, script) in &request.measure.bench {
        let installed = |job: &&BuiltJob| job.source == *source && job.state == JobState::Installed.text();
        let all: Vec<&BuiltJob> = built.jobs.iter().filter(installed).collect();
        // Both halves are installed; what is measured is said of the one that was compiled.
        let Some(job) = all.iter().find(|job| job.arch != ALL).or(all.first()).map(|job| job.job) else {
            let known = built.jobs.iter().any(|job| job.source == *source);
            let why = if known { "was not built" } else { "is not in it" };
            say(benching, format!("stage `{}`: no bench of {source}, which {why}", request.stage));
            continue;
        };
        let known = benching.state.read(|db| measured::by_job(db, job))?;
        if known.iter().any(|value| value.name.starts_with(BENCH)) {
            continue;
        }
        let halves: Vec<JobId> = all.iter().map(|job| job.job).collect();
        let script = files::read(script).context("read a bench script")?;
        match one(benching, (job, &halves), view, &script, source).await? {
            Ok(values) => benching.state.write(move |tx| measured::insert(tx, job, &values))?,
            Err(why) => say(benching, format!("stage `{}`: no bench of {source}: {why}", request.stage)),
        }
    }
    Ok(())
}

/// One script; the inner error is why nothing was measured.
async fn one(
    benching: &Benching<'_>,
    (job, halves): (JobId, &[JobId]),
    view: ViewId,
    script: &[u8],
    source: &str,
) -> anyhow::Result<Result<Vec<Measured>, String>> {
    let offer = benching.state.read(|db| jobs::offer(db, job))?;
    let offer = offer.with_context(|| format!("job {job} was never offered"))?;
    if offer.arch != ALL && offer.arch != offer.chroot_arch {
        return Ok(Err(format!("it was built on {} for {}, which does not run here", offer.chroot_arch, offer.arch)));
    }
    let packages = packages(benching.state, halves)?;
    let what = format!("the bench of {source}");
    benching.listener.hear(&Event::Working { step: "bench".to_owned(), what: what.clone() });
    let key = benching.key.clone();
    let (packages, what) = (&packages, what.as_str());
    let trying = Trying { offer: &offer, view, key, packages, foreign: None, script, beside: None, what };
    Ok(match benching.proving.script(&trying).await? {
        Ok(printed) => read_bench(&String::from_utf8_lossy(&printed)),
        Err(error) => Err(error.to_string()),
    })
}

/// The packages that jobs made and users install.
pub fn packages(state: &State, jobs: &[JobId]) -> anyhow::Result<Vec<String>> {
    let mut packages = BTreeSet::new();
    for job in jobs {
        let made = state.read(|db| artifacts::by_job(db, *job))?;
        let debs = made.into_iter().filter(|file| file.kind == ArtifactKind::Deb).filter_map(|file| file.package);
        packages.extend(debs.filter(|package| !package.ends_with("-dbgsym")));
    }
    Ok(packages.into_iter().collect())
}

fn say(benching: &Benching<'_>, text: String) {
    benching.listener.hear(&Event::Note { text });
}
