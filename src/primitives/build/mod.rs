//! `build`: makes a stage's jobs ready as what they need gets built, until all of them have ended.
//!
//! What is decided stands in the state as offers and events, so a run that was killed goes on from there; the control
//! point leases the offers, and says when something changed.
//!
//! **Invariant:** no builder is spoken to; what is not in the state did not happen.

mod arrivals;
mod board;
pub mod changed;
mod failures;
mod ground;
mod measured;
mod overlay;
mod overridden;
mod prefetch;
mod ready;
mod take_over;
mod turns;
mod verified;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use self::board::Board;
pub use self::overlay::Stopped;
use crate::core::events::{Event, Listener};
use crate::core::how::How;
use crate::core::ids::{ChrootKey, RunId, ViewId};
use crate::core::job::JobState;
use crate::core::pinned::Imported;
use crate::core::recipe::{BuildRequest, BuildResult, BuiltJob};
use crate::io::clock;
use crate::io::openpgp::signing::SigningKey;
use crate::io::state::State;
use crate::io::state::artifacts::{self, ArtifactKind};
use crate::io::state::jobs::{self, Job, NewJob};
use crate::primitives::files::Files;
use crate::primitives::hooks::Decide;
use crate::primitives::import::with_archives;
use crate::primitives::{Interrupted, Pace, Signals};

/// How often a stage looks again even when nobody said that something changed.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The handles that a stage works with.
pub struct Stage<'s> {
    /// The state directory.
    pub dir: &'s Path,
    /// Its state.
    pub state: &'s State,
    /// The run.
    pub run: RunId,
    /// Files by hash.
    pub files: &'s Arc<Files>,
    /// Signs views.
    pub key: &'s SigningKey,
    /// Changes and pace.
    pub signals: &'s Signals,
    /// Who hears of what happens.
    pub listener: &'s dyn Listener,
    /// Starts builders anew that ended though they should not; says whether there are any.
    pub keep_builders: &'s dyn Fn(Pace) -> anyhow::Result<bool>,
    /// Makes a chroot ready for the proof of what is built, by the chroot that builds are made in.
    pub prepare_proof: &'s dyn Fn(ChrootKey),
    /// Whether a machine with more memory than so many bytes can be had.
    pub larger: &'s dyn Fn(u64) -> anyhow::Result<bool>,
    /// The round, where upstream is followed: what was built of the same version is taken over whatever it was built
    /// against.
    pub round: Option<u64>,
    /// The recipe's hooks.
    pub hooks: &'s Arc<dyn Decide>,
    /// Stop a build that neither printed nor used the CPU for so long.
    pub stall: Duration,
}

/// What a stage is built from.
#[derive(Clone, Copy)]
pub struct Imports<'i> {
    /// Where its sources are.
    pub sources: &'i Imported,
    /// What it is built against, below the stages.
    pub against: &'i Imported,
}

/// Builds a stage; returns when each of its jobs has ended, with a view of all that was built where scripts want one. Blocks, so it is called on a thread of its own. `how` is what
/// builders can do of what the request lists.
///
/// # Errors
/// [`Interrupted`] when the pace was slowed and nothing runs any more; [`Stopped`] when an overlay was not built;
/// whatever the state or the disk say.
pub fn build(
    stage: &Stage<'_>,
    imports: Imports<'_>,
    request: &BuildRequest,
    how: &[How],
) -> anyhow::Result<(BuildResult, Option<ViewId>)> {
    insert(stage, request)?;
    let Imports { sources, against } = imports;
    let (stopped, view, installable) = with_archives(&stage.files.cache, sources, against, |archive, beneath| {
        let planner = ready::Planner::new(stage, (against, beneath), (sources, archive), request, how)?;
        planner.note_sections()?;
        planner.try_again()?;
        if let Some(round) = stage.round {
            planner.take_over(&stage.jobs(&request.stage)?)?;
            stage.listener.hear(&take_over::tell(stage, round, &stage.jobs(&request.stage)?)?);
        }
        let jobs = stage.jobs(&request.stage)?;
        let done = jobs.iter().filter(|job| job.state.is_terminal()).count() as u64;
        let started = Event::StageStarted { stage: request.stage.clone(), jobs: jobs.len() as u64, done };
        stage.listener.hear(&started);
        let mut board = stage.state.read(|db| Board::read(db, stage.run, &request.stage, &request.order))?;
        let mut changes = stage.signals.changes();
        loop {
            changes.mark_unchanged();
            stage.state.read(|db| board.catch_up(db))?;
            if failures::ask(stage, &board.take_failed())? {
                continue;
            }
            if planner.stops()? || board.is_done() {
                planner.finish_copies();
                return Ok((planner.stopped()?, planner.view_of_all()?, planner.installable()?));
            }
            if arrivals::release(stage, &mut board)? {
                continue;
            }
            let pace = stage.signals.pace();
            let builders = (stage.keep_builders)(pace)?;
            match pace {
                Pace::Go => {
                    let ready = stage.state.read(|db| board.take_ready(db))?;
                    if planner.look(&ready)? {
                        continue;
                    }
                }
                Pace::Drain if builders && stage.is_building(&request.stage)? => {}
                // Who halts ends the builders too; their jobs are given back.
                Pace::Drain | Pace::Halt => return Err(Interrupted.into()),
            }
            let changed = wait(&mut changes);
            // What takes longer than a look leaves time to prepare what comes next; all that is left is being built.
            if !changed && request.prove {
                stage.prepare_proof(&stage.jobs(&request.stage)?)?;
            }
        }
    })?;
    let jobs = stage.jobs(&request.stage)?;
    let mut overridden = overridden::look(stage, &jobs)?;
    measured::look(stage, &jobs, &request.measure)?;
    let mut verified = verified::look(stage, &jobs, &request.verify, (&overridden, &installable))?;
    let installed = jobs.iter().filter(|job| job.state == JobState::Installed).count() as u64;
    let failed = jobs.len() as u64 - installed;
    stage.listener.hear(&Event::StageFinished { stage: request.stage.clone(), installed, failed });
    failures::stage_done(stage, &request.stage, &jobs)?;
    if let Some(stopped) = stopped {
        return Err(stopped.into());
    }
    let artifacts = stage.state.read(|db| artifacts::by_stage(db, stage.run, &request.stage))?;
    let packages = artifacts.into_iter().filter(|(_, artifact)| artifact.kind == ArtifactKind::Deb);
    let mut binaries: Vec<String> = packages.filter_map(|(_, artifact)| artifact.package).collect();
    binaries.retain(|name| !name.ends_with("-dbgsym"));
    binaries.sort();
    binaries.dedup();
    let result = BuildResult {
        stage: request.stage.clone(),
        import: against.id(),
        binaries,
        arch: request.order.arch.clone(),
        jobs: jobs
            .into_iter()
            .map(|job| BuiltJob {
                overridden: overridden.remove(&job.id).unwrap_or_default(),
                verified: verified.remove(&job.id).unwrap_or_default(),
                ..built(job)
            })
            .collect(),
        optional: request.optional,
        cell: request.flags.cell.as_ref().map(|cell| cell.name.clone()),
        repeat: request.repeat,
        mirrored: None,
    };
    Ok((result, view))
}

impl Stage<'_> {
    /// Whether a builder works on one of a stage's jobs.
    fn is_building(&self, stage: &str) -> anyhow::Result<bool> {
        let leased = self.state.read(jobs::leased)?;
        Ok(leased.iter().any(|job| job.run == self.run && job.stage == stage))
    }

    fn jobs(&self, stage: &str) -> anyhow::Result<Vec<Job>> {
        Ok(self.state.read(|db| jobs::by_stage(db, self.run, stage))?)
    }

    /// Makes a chroot ready like the one that the last of the jobs is built in, once each that is left is being built.
    fn prepare_proof(&self, jobs: &[Job]) -> anyhow::Result<()> {
        if !jobs.iter().all(|job| job.state.is_terminal() || job.state == JobState::Building) {
            return Ok(());
        }
        let last = jobs.iter().filter(|job| job.state == JobState::Building).max_by_key(|job| job.position);
        let Some(last) = last.map(|job| job.id) else { return Ok(()) };
        if let Some(offer) = self.state.read(|db| jobs::offer(db, last))? {
            (self.prepare_proof)(offer.chroot);
        }
        Ok(())
    }
}

/// Gives each job of the order a row, unless it has one.
fn insert(stage: &Stage<'_>, request: &BuildRequest) -> anyhow::Result<()> {
    let new: Vec<NewJob> = (1..)
        .zip(&request.order.jobs)
        .map(|(position, job)| NewJob {
            source: job.source.clone(),
            version: job.version.clone(),
            arch: job.arch.clone(),
            component: job.component.clone(),
            after: job.after.clone(),
            position,
            priority: job.priority,
            frees: job.frees,
            profiles: job.profiles.clone(),
        })
        .collect();
    let (run, name) = (stage.run, request.stage.clone());
    let now = clock::now().as_millisecond();
    stage.state.write(move |tx| jobs::insert_missing(tx, run, &name, &new, now)).context("record the stage's jobs")
}

/// Waits for a change, on a thread that is not the runtime's; returns whether there was one.
fn wait(changes: &mut tokio::sync::watch::Receiver<u64>) -> bool {
    // Whoever sends changes lives as long as the run, so the only other end of this wait is the time-out.
    let waiting = async { tokio::time::timeout(LOOK_AGAIN, changes.changed()).await.is_ok() };
    tokio::runtime::Handle::current().block_on(waiting)
}

fn built(job: Job) -> BuiltJob {
    BuiltJob {
        job: job.id,
        source: job.source,
        version: job.version,
        arch: job.arch,
        state: job.state.text().to_owned(),
        reused: job.reused,
        inputs: job.inputs,
        reason: job.reason,
        seconds: job.seconds,
        overridden: Vec::new(),
        verified: Vec::new(),
    }
}
