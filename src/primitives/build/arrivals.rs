//! Jobs that wait for a package that another job of the stage makes, and what lets them go.
//!
//! A job whose build-dependencies cannot be installed waits (`dep-wait`) as long as a job that is not finished may make
//! what is missing, and is looked at again when that arrives; without such a job it is `bd-uninstallable`, and looked at
//! again all the same should what it lacked arrive after another try.

use std::collections::BTreeSet;

use super::Stage;
use super::board::Board;
use super::ready::{Planner, ToBuild, set_offer};
use crate::core::ids::{InputsHash, JobId};
use crate::core::job::{JobEvent, JobState};
use crate::io::clock;
use crate::io::state::jobs::{self, Job, listing};
use crate::io::state::{adopted, artifacts};
use crate::wire::Lease;

impl Planner<'_> {
    /// What a refusal makes of a job.
    pub(super) fn refusal(&self, job: &Job, reason: String) -> anyhow::Result<JobEvent> {
        let named: BTreeSet<&str> = names(&reason).collect();
        let jobs = self.stage.jobs(&self.request.stage)?;
        let open = |other: &&Job| other.id != job.id && !other.state.is_terminal() && other.state != JobState::DepWait;
        for other in jobs.iter().filter(open) {
            let makes = self.source(other)?.source.binary;
            let makes = String::from_utf8_lossy(makes);
            if makes.split([',', ' ', '\n']).any(|binary| named.contains(binary)) {
                return Ok(JobEvent::Waits { reason });
            }
        }
        Ok(JobEvent::Uninstallable { reason })
    }

    /// Takes what was found in the store after an older database was put back; whether there was something.
    pub(super) fn adopt(&self, one: &ToBuild<'_>, offer: &Lease, inputs: InputsHash) -> anyhow::Result<bool> {
        let Some(made) = self.stage.state.read(|db| adopted::get(db, inputs))? else { return Ok(false) };
        if !made.iter().all(|artifact| self.stage.files.built.contains(&artifact.sha256)) {
            return Ok(false);
        }
        let (id, by, now) = (one.job.id, one.by.clone(), clock::now().as_millisecond());
        let offer = offer.clone();
        let after = self.stage.state.write(move |tx| {
            set_offer(tx, id, &offer, inputs, &by)?;
            adopted::take(tx, id, &made, now)
        })?;
        self.say(&after);
        Ok(true)
    }

    /// Writes down the sections of the sources, which listings have.
    pub(super) fn note_sections(&self) -> anyhow::Result<()> {
        let (run, stage) = (self.stage.run, self.request.stage.as_str());
        let open = self.stage.state.read(|db| listing::without_section(db, run, stage))?;
        let of = |source: &str, version: &str| self.sources.get(&(source, version)).map(|record| record.source.section);
        let sections: Vec<(JobId, String)> = open
            .iter()
            .filter_map(|(job, source, version)| Some((*job, of(source, version)?)))
            .filter(|(_, section)| !section.is_empty())
            .map(|(job, section)| (job, String::from_utf8_lossy(section).into_owned()))
            .collect();
        if !sections.is_empty() {
            self.stage.state.write(move |tx| listing::set_sections(tx, &sections))?;
        }
        Ok(())
    }
}

/// Lets jobs go whose reason names a package that arrived since the last time, and gives those up that nobody can help
/// any more. Returns whether there were any.
pub fn release(stage: &Stage<'_>, board: &mut Board) -> anyhow::Result<bool> {
    let arrived = board.take_arrived();
    if arrived.is_empty() && !board.has_waiting() {
        return Ok(false);
    }
    let lacking = stage.state.read(|db| board.lacking(db))?;
    if lacking.is_empty() {
        return Ok(false);
    }
    let made = stage.state.read(|db| {
        let made = arrived.iter().map(|job| artifacts::by_job(db, *job)).collect::<Result<Vec<_>, _>>()?;
        Ok(made.into_iter().flatten().collect::<Vec<_>>())
    })?;
    let provided = made.iter().filter_map(|artifact| artifact.control.as_deref()).flat_map(provides);
    let packages: BTreeSet<&str> =
        made.iter().filter_map(|artifact| artifact.package.as_deref()).chain(provided).collect();
    let names_one = |job: &&Job| {
        let reason = job.reason.as_deref().unwrap_or_default();
        names(reason).any(|name| packages.contains(name))
    };
    let met: Vec<JobId> = lacking.iter().filter(names_one).map(|job| job.id).collect();
    if !met.is_empty() {
        apply(stage, met.into_iter().map(|id| (id, JobEvent::DependenciesMet)).collect())?;
        return Ok(true);
    }
    if stage.state.read(|db| board.moves(db))? {
        return Ok(false);
    }
    let stuck = lacking.into_iter().filter(|job| job.state == JobState::DepWait);
    let given_up = |job: Job| (job.id, JobEvent::Uninstallable { reason: job.reason.unwrap_or_default() });
    let stuck: Vec<_> = stuck.map(given_up).collect();
    let any = !stuck.is_empty();
    apply(stage, stuck)?;
    Ok(any)
}

fn apply(stage: &Stage<'_>, events: Vec<(JobId, JobEvent)>) -> anyhow::Result<()> {
    let now = clock::now().as_millisecond();
    stage.state.write(move |tx| {
        for (id, event) in &events {
            jobs::apply(tx, *id, event, now)?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Words of a reason that may be names of packages.
fn names(reason: &str) -> impl Iterator<Item = &str> {
    let part = |character: char| !(character.is_ascii_alphanumeric() || "+-.".contains(character));
    reason.split(part).map(|word| word.trim_matches(['.', '-'])).filter(|word| word.len() > 1)
}

/// What a control paragraph provides besides its own name.
fn provides(control: &str) -> impl Iterator<Item = &str> {
    let value = control.lines().find_map(|line| line.strip_prefix("Provides:")).unwrap_or_default();
    value.split(',').filter_map(|one| one.split_whitespace().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages_are_found_in_what_people_read() {
        let found: Vec<&str> = names("`libfoo-dev (>= 2.0)` needs libstdc++6, which is not there.").collect();
        assert_eq!(found, ["libfoo-dev", "2.0", "needs", "libstdc++6", "which", "is", "not", "there"]);
    }

    #[test]
    fn provided_names_come_without_versions() {
        let control = "Package: x\nProvides: mail-agent, libx (= 2)\nDepends: y\n";
        assert_eq!(provides(control).collect::<Vec<_>>(), ["mail-agent", "libx"]);
        assert_eq!(provides("Package: x\n").count(), 0);
    }
}
