//! Which jobs of a stage are ready, and what exactly is offered to builders.

use anyhow::Context;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Stage;
use super::ground::Ground;
use super::prefetch::Prefetch;
use crate::core::archive::{Archive, PackageRecord, SourceRecord};
use crate::core::events::Event;
use crate::core::flags::effective::{self, Environment};
use crate::core::how::How;
use crate::core::ids::{Epoch, InputsHash, JobId};
use crate::core::install::installer::Installer;
use crate::core::install::request::Half;
use crate::core::job::JobEvent;
use crate::core::pinned::{Imported, PinnedOverlay, Role};
use crate::core::recipe::BuildRequest;
use crate::core::view::{BuiltBinary, Upstream};
use crate::io::clock;
use crate::io::state::jobs::{self, Job};
use crate::io::state::{StateError, Tx, flags};
use crate::primitives::flags::{Chooser, Chosen, Wanted};
use crate::primitives::{Pace, Refusal, import, layers};
use crate::wire::{File, Lease};

/// Looks at a stage's jobs over one import.
pub struct Planner<'p> {
    pub(super) stage: &'p Stage<'p>,
    /// What is built against, below what stages built.
    pub(super) imported: &'p Imported,
    pub(super) stage_how: &'p [How],
    pub(super) upstream: Upstream,
    pub(super) request: &'p BuildRequest,
    /// The sources of the overlays of all imports that this is over.
    pub(super) overlay: Vec<&'p PinnedOverlay>,
    pub(super) candidates: Vec<PackageRecord<'p>>,
    pub(super) sources: FxHashMap<(&'p str, &'p str), SourceRecord<'p>>,
    pub(super) chooser: Chooser<'p>,
    pub(super) distribution: String,
    prefetch: Prefetch,
}

/// A job that the recipe does not leave out.
pub(super) struct ToBuild<'j> {
    pub(super) job: &'j Job,
    pub(super) environment: Environment,
    /// Who asked for its flags.
    pub(super) by: Vec<String>,
}

/// What came of one try at a job.
pub(super) enum Decision {
    /// Builders may have it.
    Offered,
    /// An earlier result was taken.
    Reused,
    /// It cannot be built so, and why.
    Refused(String),
}

impl<'p> Planner<'p> {
    /// Over what is built against, and the archive that the sources are in; makes the files of both known to whoever
    /// asks for them by hash.
    pub fn new(
        stage: &'p Stage<'p>,
        (imported, archive): (&'p Imported, &Archive<'p>),
        (sources_imported, sources_archive): (&'p Imported, &Archive<'p>),
        request: &'p BuildRequest,
        stage_how: &'p [How],
    ) -> anyhow::Result<Planner<'p>> {
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
        if sources_imported.id() != imported.id() {
            import::make_known(stage.files, sources_imported, sources_archive, &wanted);
        }
        let mut sources = FxHashMap::default();
        let prefetch = Prefetch::start(stage.files);
        for record in sources_archive.sources.iter().filter(|record| record.suite.role.feeds()) {
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
        let chooser = Chooser::new(request, stage.hooks.as_ref(), &candidates);
        let upstream = layers::upstream(&request.against, imported.build_architecture.as_deref());
        candidates.retain(|record| upstream.shows(&record.package));
        let overlay = layers::overlays(sources_imported, imported);
        Ok(Planner {
            stage,
            imported,
            stage_how,
            upstream,
            request,
            overlay,
            candidates,
            sources,
            chooser,
            distribution,
            prefetch,
        })
    }

    /// Waits until the mirror, if there is one, has all that was asked for, unless the run is to stop.
    pub fn finish_copies(&self) {
        if self.stage.files.copies().is_some() {
            self.prefetch.finish(|| self.stage.signals.pace() == Pace::Go);
        }
    }

    /// Offers what became ready, takes earlier results where the inputs are the same, and says what can never be.
    /// Returns whether anything changed that may make others ready.
    pub fn look(&self, ready: &[Job]) -> anyhow::Result<bool> {
        if ready.is_empty() {
            return Ok(false);
        }
        let mut to_build: Vec<ToBuild<'_>> = Vec::new();
        for (job, chosen) in ready.iter().zip(self.chosen(ready)?) {
            match chosen {
                Chosen::Build { environment, by } => to_build.push(ToBuild { job, environment, by }),
                Chosen::Skip { reason } => self.happened(job, JobEvent::LeftOut { reason })?,
            }
        }
        let skipped = to_build.len() < ready.len();
        Ok(self.try_in_turn(to_build)? || skipped)
    }

    /// What each job is built with, or why it is not.
    pub(super) fn chosen(&self, jobs: &[Job]) -> anyhow::Result<Vec<Chosen>> {
        let wanted = jobs.iter().map(|job| self.wanted(job));
        let mut chosen = self.chooser.choose(&wanted.collect::<anyhow::Result<Vec<_>>>()?)?;
        for (job, chosen) in jobs.iter().zip(&mut chosen) {
            let parallel = job.retry.as_ref().and_then(|retry| retry.parallel);
            if let (Chosen::Build { environment, .. }, Some(count)) = (chosen, parallel) {
                effective::set_parallel(environment, count);
            }
        }
        Ok(chosen)
    }

    /// What rules and hooks are asked about.
    pub(super) fn wanted<'s>(&'s self, job: &'s Job) -> anyhow::Result<Wanted<'s>> {
        let record = self.source(job)?;
        Ok(Wanted { record, component: &job.component, arch: &job.arch, profiles: &job.profiles })
    }

    pub(super) fn source<'s>(&'s self, job: &'s Job) -> anyhow::Result<&'s SourceRecord<'s>> {
        let key = (job.source.as_str(), job.version.as_str());
        self.sources.get(&key).with_context(|| format!("no source `{} {}`", job.source, job.version))
    }

    /// What the stages built so far, those whose results are built against.
    pub(super) fn built(&self) -> anyhow::Result<Vec<BuiltBinary>> {
        let mut stages = layers::stages_of(&self.request.against);
        if !stages.contains(&self.request.stage.as_str()) {
            stages.insert(0, &self.request.stage);
        }
        layers::built(self.stage.state, self.stage.run, &stages, &self.overlay)
    }

    /// What comes of a job in one way of building: `environment` and `profiles` have what that brings.
    pub(super) fn decide<'u>(
        &'u self,
        one: &ToBuild<'_>,
        environment: &Environment,
        profiles: &'u [&'u str],
        ground: &Ground<'u>,
        installer: &mut Installer<'u, 'u>,
    ) -> anyhow::Result<Decision> {
        let ToBuild { job, by, .. } = one;
        let key = (job.source.as_str(), job.version.as_str());
        let record = self.sources.get(&key).with_context(|| format!("no source `{} {}`", job.source, job.version))?;
        let request = ground.request(&record.source, Half::of_job(&job.arch), profiles);
        let installed = match installer.check(&request) {
            Ok(installed) => installed,
            Err(refusal) => return Ok(Decision::Refused(refusal.to_string())),
        };
        let offer = match self.offer(job, record, ground, environment) {
            Ok(offer) => offer,
            Err(reason) => return Ok(Decision::Refused(reason)),
        };
        let dsc = offer.files.first().context("the .dsc is the first of a source's files")?.sha256;
        let version = offer.suffixed.as_ref().map(|suffixed| suffixed.version.as_str());
        let inputs = ground.inputs(&installed, &dsc, &job.arch, (environment, version), self.request.repeat);
        if self.adopt(one, &offer, inputs)? {
            return Ok(Decision::Reused);
        }
        let reusable = self.stage.state.read(|db| jobs::find_reusable(db, inputs))?;
        match reusable.filter(|(_, made)| made.iter().all(|file| self.stage.files.built.contains(&file.sha256))) {
            Some((earlier, _)) => {
                self.reuse(one, earlier.id, offer, inputs)?;
                Ok(Decision::Reused)
            }
            None => {
                let id = job.id;
                let more = installed.packages.iter();
                // What the chroot is made of is on most builders already, and only a mirror has to have it.
                let mirrored = self.stage.files.copies().is_some();
                let chroot = ground.chroot.packages.iter().filter(|_| mirrored);
                self.prefetch.want(more.chain(chroot).map(|number| ground.universe.package(*number).sha256));
                let by = by.clone();
                self.stage.state.write(move |tx| set_offer(tx, id, &offer, inputs, &by))?;
                // Builders that wait for work look again; this stage has nothing to look at because of it.
                self.stage.signals.state_changed();
                Ok(Decision::Offered)
            }
        }
    }

    fn reuse(&self, one: &ToBuild<'_>, from: JobId, offer: Lease, inputs: InputsHash) -> anyhow::Result<()> {
        let (to, by, now) = (one.job.id, one.by.clone(), clock::now().as_millisecond());
        let after = self.stage.state.write(move |tx| {
            set_offer(tx, to, &offer, inputs, &by)?;
            jobs::reuse(tx, from, to, inputs, now)
        })?;
        self.say(&after);
        Ok(())
    }

    pub(super) fn happened(&self, job: &Job, event: JobEvent) -> anyhow::Result<()> {
        let (id, now) = (job.id, clock::now().as_millisecond());
        let after = self.stage.state.write(move |tx| jobs::apply(tx, id, &event, now))?;
        self.say(&after);
        Ok(())
    }

    pub(super) fn say(&self, job: &Job) {
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
        environment: &Environment,
    ) -> Result<Lease, String> {
        let view = ground.view;
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
            how: ground.how,
            chroot_arch: ground.chroot_arch.to_owned(),
            // As sbuild has them: what names no architecture is of the one that the build runs on.
            cross_depends: ground.cross_depends.iter().map(|name| format!("{name}:{}", job.arch)).collect(),
            chroot_packages: ground.chroot_packages.clone(),
            component: job.component.clone(),
            distribution: self.distribution.clone(),
            files,
            view,
            view_key: self.stage.key.public_armored(),
            chroot: ground.chroot_key,
            environment: environment.clone(),
            suffixed: self.suffixed(job),
            stall_seconds: self.stage.stall.as_secs(),
        })
    }
}

/// Makes a job ready, with a note of who asked for its flags where somebody did.
pub(super) fn set_offer(
    tx: &Tx,
    job: JobId,
    offer: &Lease,
    inputs: InputsHash,
    by: &[String],
) -> Result<(), StateError> {
    jobs::set_offer(tx, job, offer, inputs)?;
    if by.is_empty() { Ok(()) } else { flags::set(tx, job, by) }
}
