//! What earlier rounds built of the same sources, where upstream is followed.
//!
//! A source that upstream did not change is not built again because something that it needs changed: that would build
//! most of an archive at each round. Its earlier result is taken, with the inputs that it really had.

use anyhow::Context;
use rustc_hash::FxHashSet;

use super::Stage;
use super::ground;
use super::ready::{Planner, set_offer};
use crate::core::events::Event;
use crate::core::flags::effective::Environment;
use crate::core::how::Try;
use crate::core::ids::Sha256;
use crate::core::job::JobState;
use crate::core::outdated;
use crate::core::suffix::Suffixed;
use crate::core::view::BuiltBinary;
use crate::io::clock;
use crate::io::state::artifacts::{self, Artifact};
use crate::io::state::jobs::{self, Job};
use crate::io::state::superseded;
use crate::primitives::flags::Chosen;
use crate::primitives::layers::built_binary;

/// An earlier job, and what it made.
struct Earlier {
    job: Job,
    /// How it was built, which is one of what is tried now.
    how: Try,
    made: Vec<Artifact>,
}

impl Planner<'_> {
    /// Takes over what was built before of the same version, architecture, stage and environment.
    pub fn take_over(&self, jobs: &[Job]) -> anyhow::Result<()> {
        let mut taken: Vec<(&Job, Environment, Vec<String>, Earlier)> = Vec::new();
        let open: Vec<Job> =
            jobs.iter().filter(|job| job.state == JobState::NeedsBuild && !job.offered).cloned().collect();
        for (job, chosen) in open.iter().zip(self.chosen(&open)?) {
            // One that is left out is so when its turn to be built comes.
            let Chosen::Build { environment, by } = chosen else { continue };
            let record = self.sources.get(&(job.source.as_str(), job.version.as_str()));
            // A source whose files cannot be read is reported when its turn to be built comes.
            let files = record.and_then(|record| record.source.files().ok()).unwrap_or_default();
            let Some(dsc) = files.first() else { continue };
            if let Some(earlier) = self.earlier(job, &dsc.sha256, &environment)? {
                taken.push((job, environment, by, earlier));
            }
        }
        if taken.is_empty() {
            return Ok(());
        }
        // All are offered over one view that has all of them: that is what a proof of the archive installs from.
        let mut new: Vec<BuiltBinary> = Vec::new();
        for (job, _, _, earlier) in &taken {
            let is_local = self.overlay.iter().any(|local| local.name == job.source);
            new.extend(earlier.made.iter().filter_map(|file| built_binary(file.clone(), is_local)));
        }
        let half = |binary: &BuiltBinary| (binary.source.clone(), binary.name.ends_with("_all.deb"));
        let halves: FxHashSet<(String, bool)> = new.iter().map(half).collect();
        let mut built = self.built()?;
        built.retain(|binary| !halves.contains(&half(binary)));
        built.extend(new);
        self.over(&built, |seen| {
            for (job, environment, by, earlier) in &taken {
                let inputs = earlier.job.inputs.context("a job that was built had inputs")?;
                let (from, to, now) = (earlier.job.id, job.id, clock::now().as_millisecond());
                let environment = self.how(&earlier.how).environment(environment);
                let taken = ground::on(seen, self.standing(&earlier.how), |ground| {
                    let offer = self.offer(job, self.source(job)?, ground, &environment).map_err(anyhow::Error::msg)?;
                    let by = by.clone();
                    self.stage.state.write(move |tx| {
                        set_offer(tx, to, &offer, inputs, &by)?;
                        jobs::reuse(tx, from, to, inputs, now)
                    })?;
                    Ok(())
                })?;
                taken.map_err(anyhow::Error::msg)?;
            }
            Ok(())
        })
    }

    /// The newest result of the same source files in the same environment whose packages are all here.
    fn earlier(&self, job: &Job, dsc: &Sha256, environment: &Environment) -> anyhow::Result<Option<Earlier>> {
        let state = self.stage.state;
        let before = state.read(|db| jobs::installed_before(db, job.run, &job.stage, &job.source, &job.arch))?;
        for earlier in before.into_iter().filter(|earlier| earlier.version == job.version && earlier.inputs.is_some()) {
            let Some(offer) = state.read(|db| jobs::offer(db, earlier.id))? else { continue };
            // One version may come with other files, from another archive.
            let version = |suffixed: Option<Suffixed>| suffixed.map(|suffixed| suffixed.version);
            if offer.files.first().is_none_or(|file| file.sha256 != *dsc)
                || version(offer.suffixed.clone()) != version(self.suffixed(job))
            {
                continue;
            }
            // What was built with an overlay that is another one by now is built again.
            let superseded = state.read(|db| superseded::by_job(db, earlier.id))?;
            let mut current = true;
            for found in &superseded {
                current &= self.is_current(found)?;
            }
            if !current {
                continue;
            }
            let same = |one: &Try| {
                let how = self.how(one);
                (one.chroot.as_str(), how.word()) == (offer.chroot_arch.as_str(), offer.how)
                    && offer.environment == how.environment(environment)
            };
            let Some(how) = self.tries(job, None).unwrap_or_default().into_iter().find(same) else { continue };
            let made = state.read(|db| artifacts::by_job(db, earlier.id))?;
            if made.iter().all(|file| self.stage.files.built.contains(&file.sha256)) {
                return Ok(Some(Earlier { job: earlier, how, made }));
            }
        }
        Ok(None)
    }
}

/// Says which sources of a stage are built because upstream has them newer, or because they never were.
pub fn tell(stage: &Stage<'_>, round: u64, jobs: &[Job]) -> anyhow::Result<Event> {
    let mut sources: Vec<String> = Vec::new();
    for job in jobs.iter().filter(|job| !job.reused) {
        let before = stage.state.read(|db| jobs::installed_before(db, job.run, &job.stage, &job.source, &job.arch))?;
        let have = before.first().map(|before| before.version.as_str()).filter(|have| *have != job.version);
        let source = format!("{} {} ({})", job.source, job.version, outdated::compared(have, &job.version));
        // Both halves of a source are one source.
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    Ok(Event::Outdated { round, sources })
}
