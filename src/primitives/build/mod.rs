//! `build`: makes a stage's jobs ready as what they need gets built, until all of them have ended.
//!
//! What is decided stands in the state as offers and events, so a run that was killed goes on from there; the control
//! point leases the offers, and says when something changed.
//!
//! **Invariant:** no builder is spoken to; what is not in the state did not happen.

mod board;
mod overlay;
mod prefetch;
mod ready;
mod take_over;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use self::board::Board;
pub use self::overlay::Stopped;
pub use self::ready::built_binary;
use crate::core::events::{Event, Listener};
use crate::core::ids::{ChrootKey, ImportId, RunId};
use crate::core::job::JobState;
use crate::core::pinned::Imported;
use crate::core::recipe::{Against, BuildRequest, BuildResult, BuiltJob};
use crate::io::clock;
use crate::io::openpgp::signing::SigningKey;
use crate::io::state::State;
use crate::io::state::jobs::{self, Job, NewJob};
use crate::primitives::files::Files;
use crate::primitives::import::with_archive;
use crate::primitives::{Interrupted, Pace, Refusal, Signals};

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
    /// The round, where upstream is followed: what was built of the same version is taken over whatever it was built
    /// against.
    pub round: Option<u64>,
    /// Stop a build that neither printed nor used the CPU for so long.
    pub stall: Duration,
}

/// What a stage is built from, and against.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'g> {
    /// The import that the sources are in.
    pub sources: &'g Imported,
    /// The import that is built against, below what stages built; most often the same.
    pub against: &'g Imported,
}

/// The import that a stage is built against, below what stages built.
///
/// # Errors
/// The recipe names more than one.
pub fn base(request: &BuildRequest) -> anyhow::Result<ImportId> {
    let imports = request.against.iter().filter_map(|layer| match layer {
        Against::Import(import) => Some(*import),
        Against::Stage(_) => None,
    });
    let imports: Vec<ImportId> = imports.collect();
    match imports.split_first() {
        None => Ok(request.order.import),
        Some((first, rest)) => match rest.iter().find(|other| *other != first) {
            None => Ok(*first),
            Some(other) => Err(Refusal::of_recipe(format!(
                "`against`: expected one import, got {first} and {other}\nhint: import both lists of sources in one \
                 file, and build against that"
            ))
            .into()),
        },
    }
}

/// Builds a stage; returns when each of its jobs has ended. Blocks, so it is called on a thread of its own.
///
/// # Errors
/// [`Interrupted`] when the pace was slowed and nothing runs any more; [`Stopped`] when an overlay was not built;
/// whatever the state or the disk say.
pub fn build(stage: &Stage<'_>, grounds: Grounds<'_>, request: &BuildRequest) -> anyhow::Result<BuildResult> {
    insert(stage, request)?;
    let cache = &stage.files.cache;
    let stopped = with_archive(cache, grounds.against, |against| {
        if grounds.sources.id() == grounds.against.id() {
            return build_over(stage, &ready::Planner::new(stage, grounds, against, against, request)?);
        }
        with_archive(cache, grounds.sources, |sources| {
            build_over(stage, &ready::Planner::new(stage, grounds, sources, against, request)?)
        })
    })?;
    let jobs = stage.jobs(&request.stage)?;
    let installed = jobs.iter().filter(|job| job.state == JobState::Installed).count() as u64;
    let failed = jobs.len() as u64 - installed;
    stage.listener.hear(&Event::StageFinished { stage: request.stage.clone(), installed, failed });
    if let Some(stopped) = stopped {
        return Err(stopped.into());
    }
    Ok(BuildResult {
        stage: request.stage.clone(),
        import: grounds.against.id(),
        arch: request.order.arch.clone(),
        jobs: jobs.into_iter().map(built).collect(),
    })
}

/// Builds until each job has ended; answers what stopped the stage, if something did.
fn build_over(stage: &Stage<'_>, planner: &ready::Planner<'_>) -> anyhow::Result<Option<Stopped>> {
    let request = planner.request;
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
        if planner.stops()? || board.is_done() {
            return planner.stopped();
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
    }
}
