//! What is verified of what a stage built: flags and instruction sets by the files, and whether packages can be
//! installed.

use std::collections::BTreeMap;

use anyhow::Context;

use super::Stage;
use super::measured::is_payload;
use super::ready::Planner;
use crate::core::flags::overridden::Overridden;
use crate::core::flags::produced;
use crate::core::ids::JobId;
use crate::core::install::base::Base;
use crate::core::install::installer::Installer;
use crate::core::install::request::{Alternatives, Request};
use crate::core::install::universe::{Architectures, Universe};
use crate::core::isa::Isa;
use crate::core::job::JobState;
use crate::core::order::text::counted;
use crate::core::produced::Producers;
use crate::core::verify::{Check, Outcome, Verified, Verify};
use crate::io::archive::deb::{self, DebError};
use crate::io::state::artifacts::{self, Artifact, ArtifactKind};
use crate::io::state::jobs::{self, Job};
use crate::io::state::verified;

/// What is known of each job.
pub type ByJob<T> = BTreeMap<JobId, Vec<T>>;

/// Verifies what the jobs made that have ended, and keeps what came of it; what another start of this run found of files
/// that cannot change is there already. `installable` was found over the view.
pub fn look(
    stage: &Stage<'_>,
    ended: &[Job],
    verify: &Verify,
    (overridden, installable): (&ByJob<Overridden>, &ByJob<Verified>),
) -> anyhow::Result<ByJob<Verified>> {
    let mut all = ByJob::new();
    if verify.is_empty() {
        return Ok(all);
    }
    for job in ended.iter().filter(|job| job.state == JobState::Installed) {
        let mut found = installable.get(&job.id).cloned().unwrap_or_default();
        let known = stage.state.read(|db| verified::by_job(db, job.id))?;
        let is_known = |check: Check| known.iter().any(|one| one.check == check);
        let made = stage.state.read(|db| artifacts::by_job(db, job.id))?;
        if verify.flags && !is_known(Check::Flags) {
            let none = Vec::new();
            found.push(flags(stage, job, &made, overridden.get(&job.id).unwrap_or(&none))?);
        }
        if let Some(level) = verify.isa.as_ref().filter(|_| !is_known(Check::Isa)) {
            let isa = Isa::named(&level.arch, &level.fpu).map_err(anyhow::Error::msg)?;
            found.push(instruction_set(stage, &made, &isa)?);
        }
        let (id, kept) = (job.id, found.clone());
        stage.state.write(move |tx| verified::insert(tx, id, &kept))?;
        all.insert(id, stage.state.read(|db| verified::by_job(db, id))?);
    }
    Ok(all)
}

/// The flags of what was compiled; of packages of debug symbols, too, which have what was stripped from the others.
fn flags(stage: &Stage<'_>, job: &Job, made: &[Artifact], overridden: &[Overridden]) -> anyhow::Result<Verified> {
    let Some(offer) = stage.state.read(|db| jobs::offer(db, job.id))? else {
        return Ok(Verified::new(Check::Flags, Outcome::Unknown, "nobody knows what was asked for"));
    };
    let mut units: BTreeMap<String, u64> = BTreeMap::new();
    let mut broken = Vec::new();
    for file in made.iter().filter(|file| file.kind.is_package()) {
        let mut producers = Producers::default();
        let look = deb::each_elf(&stage.files.built.path(&file.sha256), &mut |path, bytes| {
            if let Err(problem) = producers.add(path, bytes) {
                broken.push(format!("{}: `{path}`: {problem}", file.name));
            }
        });
        look.with_context(|| format!("look into `{}`", file.name))?;
        for (text, count) in producers.settled() {
            *units.entry(text).or_default() += count;
        }
    }
    let verified = produced::verify(&offer.environment, overridden, &units);
    Ok(match broken.first().filter(|_| verified.outcome == Outcome::Unknown) {
        Some(problem) => Verified { what: format!("{}; {problem}", verified.what), ..verified },
        None => verified,
    })
}

/// What the files of packages ask of a processor.
fn instruction_set(stage: &Stage<'_>, made: &[Artifact], isa: &Isa) -> anyhow::Result<Verified> {
    let (mut faults, mut arm, mut others) = (Vec::new(), 0, 0);
    for file in made.iter().filter(|file| is_payload(file)) {
        let look =
            deb::each_object(&stage.files.built.path(&file.sha256), &mut |path, bytes| match isa.is_for(bytes) {
                Ok(false) => others += 1,
                Ok(true) => {
                    arm += 1;
                    match isa.exceeded_by(bytes) {
                        Ok(None) => {}
                        Ok(Some(beyond)) => faults.push(format!("{}: `{path}` asks for {beyond}", file.name)),
                        Err(problem) => faults.push(format!("{}: `{path}` cannot be read: {problem}", file.name)),
                    }
                }
                Err(problem) => faults.push(format!("{}: `{path}` cannot be read: {problem}", file.name)),
            });
        match look {
            // A static library, say, that is none.
            Err(DebError::Broken { what, .. }) => faults.push(format!("{}: {what}", file.name)),
            look => look.with_context(|| format!("look into `{}`", file.name))?,
        }
    }
    if arm == 0 && faults.is_empty() {
        let what = if others == 0 {
            "there are no compiled files".to_owned()
        } else {
            format!("{}, none of them for 32-bit ARM", counted(others, "compiled file"))
        };
        let outcome = if others == 0 { Outcome::Held } else { Outcome::Unknown };
        return Ok(Verified::new(Check::Isa, outcome, what));
    }
    Ok(Verified::of_faults(Check::Isa, &faults, format!("{} within it", counted(arm, "file"))))
}

impl Planner<'_> {
    /// Whether each package that the stage built can be installed beside all that is seen now.
    pub(super) fn installable(&self) -> anyhow::Result<ByJob<Verified>> {
        let mut found = ByJob::new();
        if !self.request.verify.installable {
            return Ok(found);
        }
        let mut wanted: Vec<(JobId, String, String)> = Vec::new();
        for job in self.stage.jobs(&self.request.stage)?.iter().filter(|job| job.state == JobState::Installed) {
            for file in self.stage.state.read(|db| artifacts::by_job(db, job.id))? {
                if let (ArtifactKind::Deb, Some(package), Some(version)) = (file.kind, file.package, file.version) {
                    wanted.push((job.id, format!("{package} (= {version})"), package));
                }
            }
        }
        let host = self.imported.architecture.as_str();
        self.over(&self.built()?, |seen| {
            let universe = Universe::new(seen.packages, Architectures { build: host, host });
            let base = Base::new(&universe, &[]);
            let mut installer = Installer::new(&universe, &base);
            let mut faults: BTreeMap<JobId, (usize, Vec<String>)> = BTreeMap::new();
            for (job, field, package) in &wanted {
                let (count, faults) = faults.entry(*job).or_default();
                *count += 1;
                if base.refusal.is_none()
                    && let Err(refusal) = installer.check(&Request::of_field(field.as_bytes(), Alternatives::Any))
                {
                    faults.push(format!("{package}: {refusal}"));
                }
            }
            for (job, (count, faults)) in faults {
                found.insert(
                    job,
                    vec![match &base.refusal {
                        Some(refusal) => {
                            let what = format!("the view has no base system to install on: {refusal}");
                            Verified::new(Check::Installable, Outcome::Unknown, what)
                        }
                        None => {
                            let good = format!("{} can be installed", counted(count, "package"));
                            Verified::of_faults(Check::Installable, &faults, good)
                        }
                    }],
                );
            }
            Ok(())
        })?;
        Ok(found)
    }
}
