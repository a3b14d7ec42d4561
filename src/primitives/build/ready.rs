//! Which jobs of a stage are ready, and what exactly is offered to builders.

use std::collections::BTreeMap;

use anyhow::Context;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Stage;
use super::ground::{self, Ground, Seen};
use super::prefetch::Prefetch;
use crate::core::archive::{Archive, PackageRecord, SourceRecord};
use crate::core::events::Event;
use crate::core::how::{self, How, HowWord, Try};
use crate::core::ids::{Epoch, InputsHash, JobId};
use crate::core::inputs;
use crate::core::install::installer::Installer;
use crate::core::install::request::{Alternatives, Half, Request};
use crate::core::job::JobEvent;
use crate::core::pinned::Imported;
use crate::core::recipe::{Against, BuildRequest};
use crate::core::view::{BuiltBinary, Upstream};
use crate::io::clock;
use crate::io::state::artifacts::{self, Artifact, ArtifactKind};
use crate::io::state::jobs::{self, Job};
use crate::primitives::{Refusal, import};
use crate::wire::{File, Lease};

/// A job, and what is still to be tried for it.
struct Trying<'j> {
    job: &'j Job,
    tries: Vec<Try>,
    refused: Vec<(HowWord, String)>,
}

/// What came of one try at a job.
enum Decision {
    /// Builders may have it.
    Offered,
    /// An earlier result was taken.
    Reused,
    /// It cannot be built so, and why.
    Refused(String),
}

/// Looks at a stage's jobs over one import.
pub struct Planner<'p> {
    pub(super) stage: &'p Stage<'p>,
    pub(super) imported: &'p Imported,
    pub(super) stage_how: &'p [How],
    pub(super) upstream: Upstream,
    pub(super) request: &'p BuildRequest,
    pub(super) candidates: Vec<PackageRecord<'p>>,
    pub(super) sources: FxHashMap<(&'p str, &'p str), SourceRecord<'p>>,
    distribution: String,
    prefetch: Prefetch,
}

impl<'p> Planner<'p> {
    /// Makes the archive's files known to whoever asks for them by hash.
    pub fn new(
        stage: &'p Stage<'p>,
        imported: &'p Imported,
        archive: &Archive<'p>,
        request: &'p BuildRequest,
        stage_how: &'p [How],
    ) -> anyhow::Result<Planner<'p>> {
        let other = request.against.iter().find_map(|layer| match layer {
            Against::Import(import) | Against::CrossOnly(import) if *import != request.order.import => Some(import),
            Against::Import(_) | Against::CrossOnly(_) | Against::Stage(_) => None,
        });
        if let Some(other) = other {
            return Err(Refusal::of_recipe(format!(
                "`against` has the import {other}, and the order is over {}\nhint: import both lists of sources in one \
                 file, and order over that",
                request.order.import
            ))
            .into());
        }
        let foreign = |how: &&How| !imported.architectures().any(|arch| arch == how.chroot(&imported.architecture));
        if let Some(foreign) = stage_how.iter().find(foreign) {
            let build = foreign.chroot(&imported.architecture);
            return Err(Refusal::of_recipe(format!(
                "`how` has `{foreign}`, and no packages of {build} were imported\nhint: `cb.import {{ build_arch = \"{build}\" }}`"
            ))
            .into());
        }
        let mut candidates = archive.candidates();
        let wanted: FxHashSet<(&str, &str)> =
            request.order.jobs.iter().map(|job| (job.source.as_str(), job.version.as_str())).collect();
        import::make_known(stage.files, imported, archive, &wanted);
        let mut sources = FxHashMap::default();
        let prefetch = Prefetch::start(stage.files);
        for record in archive.sources.iter().filter(|record| record.suite.role.feeds()) {
            let key = (record.source.name, record.source.version);
            if wanted.contains(&key) && !sources.contains_key(&key) {
                let files = record.source.files().unwrap_or_default();
                prefetch.want(files.iter().map(|file| file.sha256));
                sources.insert(key, *record);
            }
        }
        // The chroot's packages say which suite a build is for: the one that has the Essential packages.
        let base = candidates.iter().find(|record| record.package.essential).map(|record| record.suite);
        let distribution = base.map_or("unstable", |suite| {
            if suite.codename.is_empty() { suite.suite.as_str() } else { suite.codename.as_str() }
        });
        let distribution = distribution.to_owned();
        let upstream = ground::upstream(request, imported.build_architecture.as_deref());
        candidates.retain(|record| upstream.shows(&record.package));
        Ok(Planner { stage, imported, stage_how, upstream, request, candidates, sources, distribution, prefetch })
    }

    /// Offers what became ready, takes earlier results where the inputs are the same, and says what can never be.
    /// Returns whether anything changed that may make others ready.
    pub fn look(&self, ready: &[Job]) -> anyhow::Result<bool> {
        if ready.is_empty() {
            return Ok(false);
        }
        let mut changed = false;
        let mut trying: Vec<Trying<'_>> = Vec::with_capacity(ready.len());
        for job in ready {
            match self.tries(job) {
                Ok(tries) => trying.push(Trying { job, tries, refused: Vec::new() }),
                Err(reason) => {
                    self.happened(job, JobEvent::Uninstallable { reason })?;
                    changed = true;
                }
            }
        }
        self.over(&self.built()?, |seen| {
            while let Some(attempt) = trying.first().map(|one| one.tries[0].clone()) {
                let (now, later): (Vec<_>, Vec<_>) = trying.drain(..).partition(|one| one.tries[0] == attempt);
                trying = later;
                for one in self.try_all(seen, &attempt, now, &mut changed)? {
                    if one.tries.is_empty() {
                        changed |= self.refuse(one.job, &one.refused)?;
                    } else {
                        trying.push(one);
                    }
                }
            }
            Ok(())
        })?;
        Ok(changed)
    }

    /// How a try builds.
    pub(super) fn how(&self, attempt: &Try) -> &How {
        attempt.listed.map_or(&How::Native, |number| &self.stage_how[number])
    }

    /// The variables of a job in one try.
    pub(super) fn environment(&self, job: &Job, attempt: &Try) -> BTreeMap<String, String> {
        environment(&self.request.environment, &job.profiles, self.how(attempt))
    }

    /// What is tried for a job, never empty.
    pub(super) fn tries(&self, job: &Job) -> Result<Vec<Try>, String> {
        let host = (self.imported.architecture.as_str(), self.imported.build_architecture.as_deref());
        let tries = how::tries(&job.arch, host, self.stage_how, job.how)?;
        if tries.is_empty() {
            return Err(format!("nothing in `how` builds what is for `{}`", job.arch));
        }
        Ok(tries)
    }

    /// Tries some jobs in one way; returns those that this way does not do, without it.
    fn try_all<'j>(
        &self,
        seen: &Seen<'_>,
        attempt: &Try,
        now: Vec<Trying<'j>>,
        changed: &mut bool,
    ) -> anyhow::Result<Vec<Trying<'j>>> {
        let how = self.how(attempt);
        let of_job = |one: &Trying<'_>| self.environment(one.job, attempt);
        let environments: Vec<BTreeMap<String, String>> = now.iter().map(of_job).collect();
        let profiles: Vec<Vec<&str>> = environments.iter().map(profiles).collect();
        let mut left = Vec::new();
        let mut refuse = |mut one: Trying<'j>, reason: String| {
            one.tries.remove(0);
            one.refused.push((how.word(), reason));
            left.push(one);
        };
        let mut waiting = Some(now);
        let decided = self.on(seen, attempt, |ground| {
            let mut installer = Installer::new(ground.universe, ground.chroot);
            let now = waiting.take().expect("it is done once");
            for ((one, environment), profiles) in now.into_iter().zip(&environments).zip(&profiles) {
                match self.decide(one.job, environment, profiles, ground, &mut installer)? {
                    Decision::Offered => {}
                    Decision::Reused => *changed = true,
                    Decision::Refused(reason) => refuse(one, reason),
                }
            }
            Ok(())
        })?;
        if let Err(reason) = decided {
            waiting.into_iter().flatten().for_each(|one| refuse(one, reason.clone()));
        }
        Ok(left)
    }

    /// Says that a job cannot be built in any way. Without a chroot nothing is built at all, which is the import's fault.
    fn refuse(&self, job: &Job, refused: &[(HowWord, String)]) -> anyhow::Result<bool> {
        let reason = match refused {
            [(_, reason)] => reason.clone(),
            several => {
                let each: Vec<String> = several.iter().map(|(how, reason)| format!("{how}: {reason}")).collect();
                each.join("; ")
            }
        };
        if self.upstream == Upstream::All && refused.iter().all(|(_, reason)| reason.starts_with(NO_CHROOT)) {
            let text = format!(
                "the imported suites make no chroot: {reason}\nhint: import a suite that has the base system for `{}`",
                self.imported.architectures().collect::<Vec<_>>().join("` and `")
            );
            return Err(Refusal::of_world(text).into());
        }
        self.happened(job, JobEvent::Uninstallable { reason })?;
        Ok(true)
    }

    /// What the stages built so far, those whose results are built against.
    pub(super) fn built(&self) -> anyhow::Result<Vec<BuiltBinary>> {
        let mut stages: Vec<&str> = self
            .request
            .against
            .iter()
            .filter_map(|layer| match layer {
                Against::Stage(name) => Some(name.as_str()),
                Against::Import(_) | Against::CrossOnly(_) => None,
            })
            .collect();
        if !stages.contains(&self.request.stage.as_str()) {
            stages.insert(0, &self.request.stage);
        }
        let mut built: Vec<BuiltBinary> = Vec::new();
        let mut taken: FxHashSet<(String, bool)> = FxHashSet::default();
        for stage in stages {
            let artifacts = self.stage.state.read(|db| artifacts::by_stage(db, self.stage.run, stage))?;
            let of_stage: Vec<BuiltBinary> =
                artifacts.into_iter().filter_map(|(_, artifact)| built_binary(artifact)).collect();
            // A source that a newer layer provides is not taken from an older one.
            let half = |binary: &BuiltBinary| (binary.source.clone(), binary.name.ends_with("_all.deb"));
            let fresh: Vec<BuiltBinary> =
                of_stage.into_iter().filter(|binary| !taken.contains(&half(binary))).collect();
            taken.extend(fresh.iter().map(half));
            built.extend(fresh);
        }
        Ok(built)
    }

    fn decide<'u>(
        &'u self,
        job: &Job,
        environment: &BTreeMap<String, String>,
        profiles: &'u [&'u str],
        ground: &Ground<'u>,
        installer: &mut Installer<'u, 'u>,
    ) -> anyhow::Result<Decision> {
        let key = (job.source.as_str(), job.version.as_str());
        let record = self.sources.get(&key).with_context(|| format!("no source `{} {}`", job.source, job.version))?;
        let mut request = Request::of(&record.source, Half::of_job(&job.arch), profiles, Alternatives::First);
        if ground.how == HowWord::Cross {
            // Cross builds are of the architecture's half, so the other half's place is free.
            request.depends[2] = ground.cross_depends.as_bytes();
        }
        let installed = match installer.check(&request) {
            Ok(installed) => installed,
            Err(refusal) => return Ok(Decision::Refused(refusal.to_string())),
        };
        let offer = match self.offer(job, record, ground, environment) {
            Ok(offer) => offer,
            Err(reason) => return Ok(Decision::Refused(reason)),
        };
        let dsc = offer.files.first().context("the .dsc is the first of a source's files")?.sha256;
        let made_on = match ground.how {
            HowWord::Cross => format!("{} across from {}", job.arch, ground.chroot_arch),
            HowWord::Native | HowWord::Emulated => job.arch.clone(),
        };
        let inputs = inputs::inputs(ground.universe, ground.chroot, &installed, &dsc, &made_on, environment);
        let reusable = self.stage.state.read(|db| jobs::find_reusable(db, inputs))?;
        match reusable.filter(|(_, made)| made.iter().all(|file| self.stage.files.built.contains(&file.sha256))) {
            Some((earlier, _)) => {
                self.reuse(job, earlier.id, offer, inputs)?;
                Ok(Decision::Reused)
            }
            None => {
                let id = job.id;
                let more = installed.packages.iter();
                self.prefetch.want(more.map(|number| ground.universe.package(*number).sha256));
                self.stage.state.write(move |tx| jobs::set_offer(tx, id, &offer, inputs))?;
                // Builders that wait for work look again; this stage has nothing to look at because of it.
                self.stage.signals.state_changed();
                Ok(Decision::Offered)
            }
        }
    }

    fn reuse(&self, job: &Job, from: JobId, offer: Lease, inputs: InputsHash) -> anyhow::Result<()> {
        let (to, now) = (job.id, clock::now().as_millisecond());
        let after = self.stage.state.write(move |tx| {
            jobs::set_offer(tx, to, &offer, inputs)?;
            jobs::reuse(tx, from, to, inputs, now)
        })?;
        self.say(&after);
        Ok(())
    }

    fn happened(&self, job: &Job, event: JobEvent) -> anyhow::Result<()> {
        let (id, now) = (job.id, clock::now().as_millisecond());
        let after = self.stage.state.write(move |tx| jobs::apply(tx, id, &event, now))?;
        self.say(&after);
        Ok(())
    }

    fn say(&self, job: &Job) {
        self.stage.listener.hear(&Event::JobFinished {
            stage: job.stage.clone(),
            job: job.id,
            source: job.source.clone(),
            version: job.version.clone(),
            arch: job.arch.clone(),
            state: job.state.text().to_owned(),
            reused: job.reused,
            seconds: job.seconds,
            reason: job.reason.clone(),
            log: None,
            tail: Vec::new(),
        });
    }

    /// What a builder is told, but for the lease's epoch.
    pub(super) fn offer(
        &self,
        job: &Job,
        record: &SourceRecord<'_>,
        ground: &Ground<'_>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Lease, String> {
        let files: Vec<File> = record
            .source
            .files()?
            .into_iter()
            .map(|file| File { name: file.name.to_owned(), size: file.size, sha256: file.sha256 })
            .collect();
        // As sbuild has them: what names no architecture is of the one that the build runs on.
        let of_host = |name: &str| format!("{name}:{}", job.arch);
        Ok(Lease {
            run: self.stage.run,
            job: job.id,
            epoch: Epoch(0),
            source: job.source.clone(),
            version: job.version.clone(),
            arch: job.arch.clone(),
            how: ground.how,
            chroot_arch: ground.chroot_arch.to_owned(),
            cross_depends: ground.cross_depends.split(", ").filter(|name| !name.is_empty()).map(of_host).collect(),
            chroot_packages: ground.chroot_packages.clone(),
            component: job.component.clone(),
            distribution: self.distribution.clone(),
            files,
            view: ground.view,
            view_key: self.stage.key.public_armored(),
            chroot: ground.chroot_key,
            environment: environment.clone(),
            stall_seconds: self.stage.stall.as_secs(),
        })
    }
}

/// How the reason begins that no chroot can be made.
pub(super) const NO_CHROOT: &str = "no chroot of";

/// The variable that switches build profiles on.
const PROFILES: &str = "DEB_BUILD_PROFILES";

/// Profiles that the build options of the same name must go with, and that do nothing without them in many packages.
const ALSO_OPTIONS: [&str; 2] = ["nocheck", "nodoc"];

/// The build profiles that an environment switches on.
fn profiles(environment: &BTreeMap<String, String>) -> Vec<&str> {
    environment.get(PROFILES).map(|text| text.split_whitespace().collect()).unwrap_or_default()
}

/// The environment of one job: the stage's, with the profiles that the order gave the job, and what its way of being
/// built brings.
fn environment(of_stage: &BTreeMap<String, String>, profiles: &[String], how: &How) -> BTreeMap<String, String> {
    let mut environment = of_stage.clone();
    how.set_variables(&mut environment);
    let mut add = |variable: &str, word: &str| {
        let text = environment.entry(variable.to_owned()).or_default();
        if !text.split_whitespace().any(|known| known == word) {
            *text = format!("{text} {word}").trim_start().to_owned();
        }
    };
    for profile in profiles.iter().chain(how.profiles()) {
        add(PROFILES, profile);
        if ALSO_OPTIONS.contains(&profile.as_str()) {
            add("DEB_BUILD_OPTIONS", profile);
        }
    }
    environment
}

pub fn built_binary(artifact: Artifact) -> Option<BuiltBinary> {
    let control = artifact.control?;
    (artifact.kind == ArtifactKind::Deb).then_some(BuiltBinary {
        source: artifact.source?,
        name: artifact.name,
        size: artifact.size,
        sha256: artifact.sha256,
        control,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jobs_own_profiles_join_the_stages() {
        let check = |stage: &[(&str, &str)], profiles: &[&str]| {
            let stage = stage.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            let profiles: Vec<String> = profiles.iter().map(|profile| profile.to_string()).collect();
            let environment = environment(&stage, &profiles, &How::Native);
            environment.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(check(&[("A", "b")], &[]), ["A=b"]);
        assert_eq!(
            check(&[("DEB_BUILD_PROFILES", "nodoc nocheck")], &["nocheck", "stage1"]),
            ["DEB_BUILD_OPTIONS=nocheck", "DEB_BUILD_PROFILES=nodoc nocheck stage1"]
        );
    }
}
