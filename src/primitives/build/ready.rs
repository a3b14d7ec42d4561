//! Which jobs of a stage are ready, and what exactly is offered to builders.

use std::collections::BTreeMap;

use anyhow::Context;
use rustc_hash::{FxHashMap, FxHashSet};

use super::prefetch::Prefetch;
use super::{Grounds, Stage};
use crate::core::archive::{Archive, PackageRecord, SourceRecord};
use crate::core::events::Event;
use crate::core::ids::{ChrootKey, Epoch, InputsHash, JobId, ViewId};
use crate::core::inputs;
use crate::core::install::base::Base;
use crate::core::install::installer::Installer;
use crate::core::install::request::{Alternatives, Half, Request};
use crate::core::install::universe::{Architectures, Universe};
use crate::core::job::JobEvent;
use crate::core::pinned::{Imported, PinnedOverlay, Role};
use crate::core::recipe::{Against, BuildRequest};
use crate::core::view::{self, BuiltBinary};
use crate::io::clock;
use crate::io::state::artifacts::{self, Artifact, ArtifactKind};
use crate::io::state::jobs::{self, Job};
use crate::primitives::{self, Refusal, import};
use crate::wire::{File, Lease};

/// Looks at a stage's jobs over one import.
pub struct Planner<'p> {
    pub(super) stage: &'p Stage<'p>,
    /// What is built against, below what stages built.
    pub(super) imported: &'p Imported,
    pub(super) request: &'p BuildRequest,
    /// The sources of the overlays of all imports that this is over.
    pub(super) overlay: Vec<&'p PinnedOverlay>,
    pub(super) candidates: Vec<PackageRecord<'p>>,
    pub(super) sources: FxHashMap<(&'p str, &'p str), SourceRecord<'p>>,
    pub(super) distribution: String,
    prefetch: Prefetch,
}

/// What is the same for all jobs that become ready at once.
pub(super) struct Ground<'u> {
    view: ViewId,
    chroot_key: ChrootKey,
    universe: &'u Universe<'u>,
    chroot: &'u Base<'u>,
}

impl<'p> Planner<'p> {
    /// Makes the archive's files known to whoever asks for them by hash.
    pub fn new(
        stage: &'p Stage<'p>,
        grounds: Grounds<'p>,
        of_sources: &Archive<'p>,
        against: &Archive<'p>,
        request: &'p BuildRequest,
    ) -> anyhow::Result<Planner<'p>> {
        let imported = grounds.against;
        let mut overlay: Vec<&PinnedOverlay> = grounds.sources.overlay_sources().collect();
        overlay
            .extend(imported.overlay_sources().filter(|local| grounds.sources.overlay_source(&local.name).is_none()));
        let candidates = against.candidates();
        let wanted: FxHashSet<(&str, &str)> =
            request.order.jobs.iter().map(|job| (job.source.as_str(), job.version.as_str())).collect();
        import::make_known(stage.files, imported, against, &wanted);
        import::make_known(stage.files, grounds.sources, of_sources, &wanted);
        let mut sources = FxHashMap::default();
        let prefetch = Prefetch::start(stage.files);
        for record in of_sources.sources.iter().filter(|record| record.suite.role.feeds()) {
            let key = (record.source.name, record.source.version);
            // An overlay may have the version of what it supersedes.
            let is_new = !sources.contains_key(&key) || record.suite.role == Role::Overlay;
            if wanted.contains(&key) && is_new {
                let files = record.source.files().unwrap_or_default();
                prefetch.want(files.iter().map(|file| file.sha256));
                sources.insert(key, *record);
            }
        }
        // The chroot's packages say which suite a build is for: the one that has the Essential packages.
        let of_suite = |record: &&PackageRecord<'_>| record.package.essential && record.suite.role != Role::Overlay;
        let base = candidates.iter().find(of_suite).map(|record| record.suite);
        let distribution = base.map_or("unstable", |suite| {
            if suite.codename.is_empty() { suite.suite.as_str() } else { suite.codename.as_str() }
        });
        let distribution = distribution.to_owned();
        Ok(Planner { stage, imported, request, overlay, candidates, sources, distribution, prefetch })
    }

    /// Offers what became ready, takes earlier results where the inputs are the same, and says what can never be.
    /// Returns whether anything changed that may make others ready.
    pub fn look(&self, ready: &[Job]) -> anyhow::Result<bool> {
        if ready.is_empty() {
            return Ok(false);
        }
        let environments: Vec<BTreeMap<String, String>> =
            ready.iter().map(|job| environment(&self.request.environment, &job.profiles)).collect();
        let profiles: Vec<Vec<&str>> = environments.iter().map(profiles).collect();
        self.over(&self.built()?, |against| {
            let mut installer = Installer::new(against.universe, against.chroot);
            let mut changed = false;
            for ((job, environment), profiles) in ready.iter().zip(&environments).zip(&profiles) {
                changed |= self.decide(job, environment, profiles, against, &mut installer)?;
            }
            Ok(changed)
        })
    }

    /// Does something on the ground of what was built and the import below it; its view is written first.
    pub(super) fn over<T>(
        &self,
        built: &[BuiltBinary],
        then: impl FnOnce(&Ground<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let stanzas: Vec<String> = built.iter().map(BuiltBinary::stanza).collect();
        let visible = view::visible(&self.candidates, built, &stanzas).map_err(anyhow::Error::msg)?;
        let view = view::id(&self.imported.id(), built);
        let architecture = self.imported.architecture.as_str();
        let superseding = view::superseding(&visible, &self.candidates, built);
        primitives::view::write(self.stage.dir, view, &visible, &superseding, architecture, self.stage.key)?;
        let universe = Universe::new(&visible, Architectures::native(architecture));
        let chroot = Base::of_chroot(&universe);
        if let Some(refusal) = &chroot.refusal {
            let text = format!(
                "the imported suites cannot make a chroot: it {refusal}\nhint: import a suite that has the base system \
                 for `{architecture}`"
            );
            return Err(Refusal::of_world(text).into());
        }
        let chroot_key = inputs::chroot_key(&universe, &chroot, architecture);
        then(&Ground { view, chroot_key, universe: &universe, chroot: &chroot })
    }

    /// What the stages built so far, those whose results are built against.
    pub(super) fn built(&self) -> anyhow::Result<Vec<BuiltBinary>> {
        let mut stages: Vec<&str> = self
            .request
            .against
            .iter()
            .filter_map(|layer| match layer {
                Against::Stage(name) => Some(name.as_str()),
                Against::Import(_) => None,
            })
            .collect();
        if !stages.contains(&self.request.stage.as_str()) {
            stages.insert(0, &self.request.stage);
        }
        let mut built: Vec<BuiltBinary> = Vec::new();
        let mut taken: FxHashSet<(String, bool)> = FxHashSet::default();
        for stage in stages {
            let artifacts = self.stage.state.read(|db| artifacts::by_stage(db, self.stage.run, stage))?;
            let mut of_stage: Vec<BuiltBinary> = Vec::new();
            for (job, artifact) in artifacts {
                let source = artifact.source.clone().unwrap_or_default();
                if let Some(overlay) = self.of_overlay(job, &source)? {
                    of_stage.extend(built_binary(artifact, overlay));
                }
            }
            // A source that a newer layer provides is not taken from an older one.
            let half = |binary: &BuiltBinary| (binary.source.clone(), binary.name.ends_with("_all.deb"));
            let fresh: Vec<BuiltBinary> =
                of_stage.into_iter().filter(|binary| !taken.contains(&half(binary))).collect();
            taken.extend(fresh.iter().map(half));
            built.extend(fresh);
        }
        built.extend(self.built_elsewhere(&mut taken)?);
        Ok(built)
    }

    fn decide<'u>(
        &'u self,
        job: &Job,
        environment: &BTreeMap<String, String>,
        profiles: &'u [&'u str],
        against: &Ground<'u>,
        installer: &mut Installer<'u, 'u>,
    ) -> anyhow::Result<bool> {
        let key = (job.source.as_str(), job.version.as_str());
        let record = self.sources.get(&key).with_context(|| format!("no source `{} {}`", job.source, job.version))?;
        let request = Request::of(&record.source, Half::of_job(&job.arch), profiles, Alternatives::First);
        let installed = match installer.check(&request) {
            Ok(installed) => installed,
            Err(refusal) => {
                self.happened(job, JobEvent::Uninstallable { reason: refusal.to_string() })?;
                return Ok(true);
            }
        };
        let offer = match self.offer(job, record, against, environment) {
            Ok(offer) => offer,
            Err(reason) => {
                self.happened(job, JobEvent::Uninstallable { reason })?;
                return Ok(true);
            }
        };
        let dsc = offer.files.first().context("the .dsc is the first of a source's files")?.sha256;
        let version = offer.suffixed.as_ref().map(|suffixed| suffixed.version.as_str());
        let decides = (environment, version);
        let inputs = inputs::inputs(against.universe, against.chroot, &installed, &dsc, &job.arch, decides);
        let reusable = self.stage.state.read(|db| jobs::find_reusable(db, inputs))?;
        match reusable.filter(|(_, made)| made.iter().all(|file| self.stage.files.built.contains(&file.sha256))) {
            Some((earlier, _)) => {
                self.reuse(job, earlier.id, offer, inputs)?;
                Ok(true)
            }
            None => {
                let id = job.id;
                let more = installed.packages.iter();
                self.prefetch.want(more.map(|number| against.universe.package(*number).sha256));
                self.stage.state.write(move |tx| jobs::set_offer(tx, id, &offer, inputs))?;
                // Builders that wait for work look again; this stage has nothing to look at because of it.
                self.stage.signals.state_changed();
                Ok(false)
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
        against: &Ground<'_>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Lease, String> {
        let files: Vec<File> = record
            .source
            .files()?
            .into_iter()
            .map(|file| File { name: file.name.to_owned(), size: file.size, sha256: file.sha256 })
            .collect();
        Ok(Lease {
            run: self.stage.run,
            job: job.id,
            epoch: Epoch(0),
            source: job.source.clone(),
            version: job.version.clone(),
            arch: job.arch.clone(),
            chroot_arch: self.imported.architecture.clone(),
            component: job.component.clone(),
            distribution: self.distribution.clone(),
            files,
            view: against.view,
            view_key: self.stage.key.public_armored(),
            chroot: against.chroot_key,
            environment: environment.clone(),
            suffixed: self.suffixed(job),
            stall_seconds: self.stage.stall.as_secs(),
        })
    }
}

/// The variable that switches build profiles on.
const PROFILES: &str = "DEB_BUILD_PROFILES";

/// Profiles that the build options of the same name must go with, and that do nothing without them in many packages.
const ALSO_OPTIONS: [&str; 2] = ["nocheck", "nodoc"];

/// The build profiles that an environment switches on.
fn profiles(environment: &BTreeMap<String, String>) -> Vec<&str> {
    environment.get(PROFILES).map(|text| text.split_whitespace().collect()).unwrap_or_default()
}

/// The environment of one job: the stage's, with the profiles that the order gave the job.
pub(super) fn environment(of_stage: &BTreeMap<String, String>, profiles: &[String]) -> BTreeMap<String, String> {
    let mut environment = of_stage.clone();
    let mut add = |variable: &str, word: &str| {
        let text = environment.entry(variable.to_owned()).or_default();
        if !text.split_whitespace().any(|known| known == word) {
            *text = format!("{text} {word}").trim_start().to_owned();
        }
    };
    for profile in profiles {
        add(PROFILES, profile);
        if ALSO_OPTIONS.contains(&profile.as_str()) {
            add("DEB_BUILD_OPTIONS", profile);
        }
    }
    environment
}

/// What a job made, if it is a package that can be built against; `overlay`: whether it is an overlay's.
pub fn built_binary(artifact: Artifact, overlay: bool) -> Option<BuiltBinary> {
    let control = artifact.control?;
    (artifact.kind == ArtifactKind::Deb).then_some(BuiltBinary {
        source: artifact.source?,
        overlay,
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
            let environment = environment(&stage, &profiles);
            environment.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(check(&[("A", "b")], &[]), ["A=b"]);
        assert_eq!(
            check(&[("DEB_BUILD_PROFILES", "nodoc nocheck")], &["nocheck", "stage1"]),
            ["DEB_BUILD_OPTIONS=nocheck", "DEB_BUILD_PROFILES=nodoc nocheck stage1"]
        );
    }
}
