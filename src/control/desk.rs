//! The desk: every word of a builder about a job ends here, in one synchronous [`handle`] inside a change of the state.

mod acts;
mod finish;
mod lost;
mod pulses;

use std::time::{Duration, Instant};

pub use self::finish::Verdict;
pub use self::pulses::{Pulses, RETRY_PAUSE};

use self::lost::{free, judge_builder, sweep};
use crate::core::events::Event;
use crate::core::fleet::{BuilderEvent, BuilderState};
use crate::core::how::Abilities;
use crate::core::ids::{Epoch, InputsHash, JobId};
use crate::core::job::{JobEvent, JobState};
use crate::io::state::artifacts::Artifact;
use crate::io::state::jobs::leasing::{self, Asker, Times};
use crate::io::state::jobs::{self, Job};
use crate::io::state::{StateError, Tx, attempts, builder_health, builders, pause};
use crate::wire::{self, LeaseReply, LeaseRequest, PROTOCOL};

/// The time of a request, read once.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Milliseconds since 1970, for rows.
    pub unix_ms: i64,
    /// For what must not jump with the wall clock.
    pub instant: Instant,
}

/// What the desk is asked.
#[derive(Debug)]
pub enum Request {
    /// A builder wants work.
    Lease {
        /// Its words.
        request: LeaseRequest,
        /// Whether work is given out at all.
        open: bool,
    },
    /// A builder is at it.
    Heartbeat {
        /// The job.
        job: JobId,
        /// Its words.
        heartbeat: wire::Heartbeat,
    },
    /// A builder sends a part of its log or a file: may it?
    Sends {
        /// The job.
        job: JobId,
        /// Its lease.
        epoch: Epoch,
    },
    /// A builder is done, and its files were looked at.
    Finish {
        /// The job.
        job: JobId,
        /// Its words.
        finish: wire::Finish,
        /// What was found of its files.
        verdict: Verdict,
    },
    /// A person wants something of jobs, builders or the run.
    Act(wire::acts::Act),
    /// Time went by: which leases expired?
    Sweep,
}

/// What the desk answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// To a wish for work.
    Lease(LeaseReply),
    /// To a heartbeat.
    Heartbeat(wire::HeartbeatReply),
    /// It may.
    Welcome,
    /// The result was taken, now or before.
    Finished,
    /// To a person.
    Acted(wire::acts::Acted),
    /// Expired leases were dealt with.
    Swept,
    /// No, and why.
    Refused(Refused),
}

/// A refusal with its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What kind.
    pub kind: Refusal,
    /// In words.
    pub message: String,
}

/// Why something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The words are not what they should be.
    BadRequest,
    /// There is no such job.
    NoSuchJob,
    /// The lease is not the newest, or ended.
    StaleEpoch,
    /// The files are not what the job should make.
    RefusedUpload,
}

/// What is to be done once the change is on disk.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Tell whoever listens.
    Hear(Event),
    /// Tell whoever listens that a job ended, with the end of this attempt's log.
    Ended {
        /// The job as it is now.
        job: Box<Job>,
    },
    /// Jobs changed: who waits for that looks again.
    Wake,
    /// The same, after a while.
    WakeAfter(Duration),
    /// Stop what runs, and the run with it.
    Halt,
    /// Keep beside the store what inputs gave, so that it is found again where the database is not.
    Remember {
        /// What decided the result.
        inputs: InputsHash,
        /// The result.
        made: Vec<Artifact>,
    },
    /// Remove what was received of an attempt.
    Clear {
        /// The job.
        job: JobId,
        /// The lease.
        epoch: Epoch,
    },
    /// Keep what was received of an attempt where a person can look at it.
    PutAside {
        /// The job.
        job: JobId,
        /// The lease.
        epoch: Epoch,
        /// Why it was refused.
        reason: String,
    },
}

/// Answers one request: the only place where builders' words change jobs.
pub fn handle(tx: &Tx, pulses: &mut Pulses, request: Request, now: Now) -> Result<(Reply, Vec<Action>), StateError> {
    let mut actions = Vec::new();
    if !pulses.is_loaded() {
        let open = jobs::leased(tx)?.into_iter();
        pulses.load(open.map(|job| (job.id, job.epoch, job.builder.unwrap_or_default())).collect());
    }
    let reply = match request {
        Request::Lease { request, open } => lease(tx, pulses, &request, open, now, &mut actions)?,
        Request::Heartbeat { job, heartbeat } => {
            let standing = standing(tx, pulses, job, heartbeat.epoch, now, &mut actions)?;
            Reply::Heartbeat(wire::HeartbeatReply { cancel: standing.is_err() })
        }
        Request::Sends { job, epoch } => match standing(tx, pulses, job, epoch, now, &mut actions)? {
            Ok(()) => Reply::Welcome,
            Err(refused) => Reply::Refused(refused),
        },
        Request::Finish { job, finish, verdict } => {
            finish::finish(tx, pulses, job, &finish, verdict, now, &mut actions)?
        }
        Request::Act(act) => acts::act(tx, pulses, &act, now, &mut actions)?,
        Request::Sweep => {
            sweep(tx, pulses, now, &mut actions)?;
            Reply::Swept
        }
    };
    Ok((reply, actions))
}

/// Answers a heartbeat from memory alone where its lease is known to be open; `None`: ask [`handle`].
pub fn beat(pulses: &mut Pulses, job: JobId, heartbeat: &wire::Heartbeat, now: Now) -> Option<Reply> {
    let open = pulses.hear(job, heartbeat.epoch, now.instant);
    open.then_some(Reply::Heartbeat(wire::HeartbeatReply { cancel: false }))
}

/// Gives a builder a job, if there is one for it.
fn lease(
    tx: &Tx,
    pulses: &mut Pulses,
    request: &LeaseRequest,
    open: bool,
    now: Now,
    actions: &mut Vec<Action>,
) -> Result<Reply, StateError> {
    if let Err(message) = acceptable(request) {
        return Ok(Reply::Refused(Refused { kind: Refusal::BadRequest, message }));
    }
    for (job, epoch) in &request.holding {
        pulses.hear(*job, *epoch, now.instant);
    }
    for (job, epoch) in pulses.lost(&request.builder, &request.holding, now.instant) {
        free(tx, pulses, (job, epoch), "its builder does not work on it any more", now, actions)?;
    }
    sweep(tx, pulses, now, actions)?;
    let known = builder_health::get(tx, &request.builder)?;
    let drained = known.as_ref().is_some_and(|known| known.drained.is_some());
    if !open || drained || pause::get(tx)?.is_some() {
        return Ok(Reply::Lease(LeaseReply::Nothing));
    }
    // One that shall end gets no job between that decision and its end.
    match builders::by_name(tx, &request.builder)?.map(|builder| builder.state) {
        Some(BuilderState::Ending | BuilderState::Gone) => return Ok(Reply::Lease(LeaseReply::Stop)),
        Some(BuilderState::Intended | BuilderState::Launched) => {
            builders::apply(tx, &request.builder, &BuilderEvent::Joined, now.unix_ms)?;
            actions.push(Action::Wake);
        }
        Some(BuilderState::Joined) | None => {}
    }
    if known.as_ref().map_or(0, |known| known.memory) != request.memory {
        builder_health::set_memory(tx, &request.builder, request.memory, now.unix_ms)?;
    }
    let expires = now.unix_ms.saturating_add(pulses.ttl_ms());
    let times = Times { now: now.unix_ms, expires, first_pause: pulses.first_pause() };
    let can = Abilities { itself: request.runs.clone(), emulated: request.emulates.clone() };
    let asker = Asker { builder: &request.builder, can: &can, memory: request.memory };
    let Some(lease) = leasing::lease_next(tx, asker, times)? else {
        return Ok(Reply::Lease(LeaseReply::Nothing));
    };
    let health = known.map(|known| known.health).unwrap_or_default();
    builder_health::heard(tx, &request.builder, &health, now.unix_ms)?;
    pulses.grant(lease.job, lease.epoch, &request.builder, now.instant);
    let job = jobs::expect(tx, lease.job)?;
    actions.push(Action::Hear(Event::JobStarted {
        stage: job.stage,
        job: job.id,
        source: job.source,
        version: job.version,
        arch: job.arch,
        builder: request.builder.clone(),
    }));
    actions.push(Action::Wake);
    Ok(Reply::Lease(LeaseReply::Work { lease: Box::new(lease) }))
}

/// Whether a builder speaks these words and has a name that can be shown.
fn acceptable(request: &LeaseRequest) -> Result<(), String> {
    if request.protocol != PROTOCOL {
        let came = request.protocol;
        return Err(format!(
            "expected protocol {PROTOCOL}, got {came}\nhint: run the same cloudbuild on builder and control point"
        ));
    }
    let runs = request.runs.iter().chain(&request.emulates).take(100).map(|arch| ("runs", arch));
    for (what, text) in [("builder", &request.builder)].into_iter().chain(runs) {
        let good = !text.is_empty() && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !good {
            return Err(format!("`{what}`: expected 1 to 128 visible ASCII characters, got `{}`", text.escape_debug()));
        }
    }
    Ok(())
}

/// What everybody hears of a job that is not with its builder any more.
fn moved(before: &Job, after: Job, actions: &mut Vec<Action>) {
    if after.state.is_terminal() && !before.state.is_terminal() {
        actions.push(Action::Ended { job: Box::new(after) });
    } else if after.state == JobState::NeedsBuild {
        let reason = after.reason.as_deref().unwrap_or("no reason was given");
        let text = format!("{} {} ({}) will be tried again: {reason}", after.source, after.version, after.arch);
        actions.push(Action::Hear(Event::Note { text }));
    }
    actions.push(Action::Wake);
}

/// Whether a builder's lease is the newest and still open; if so, it was heard of just now.
fn standing(
    tx: &Tx,
    pulses: &mut Pulses,
    id: JobId,
    epoch: Epoch,
    now: Now,
    actions: &mut Vec<Action>,
) -> Result<Result<(), Refused>, StateError> {
    let job = match current(tx, id, epoch)? {
        Ok((job, attempt)) if attempt.finish.is_none() => job,
        Ok(_) => return Ok(Err(stale(format!("lease {} of job `{id}` has ended", epoch.0)))),
        Err(refused) => return Ok(Err(refused)),
    };
    pulses.hear(id, epoch, now.instant);
    match job.state {
        JobState::Building => Ok(Ok(())),
        JobState::NeedsBuild => {
            // Its lease had expired and nobody else took the job: going on is cheaper than building it again.
            let builder = job.builder.clone().unwrap_or_default();
            pulses.resume(id, epoch, &builder, now.instant);
            jobs::apply(tx, id, &JobEvent::Resumed { builder, epoch }, now.unix_ms)?;
            jobs::set_lease_expires(tx, id, now.unix_ms.saturating_add(pulses.ttl_ms()))?;
            actions.push(Action::Wake);
            Ok(Ok(()))
        }
        JobState::DepWait | JobState::BdUninstallable | JobState::BuildAttempted => Ok(Ok(())),
        JobState::Built
        | JobState::Uploaded
        | JobState::Installed
        | JobState::Failed
        | JobState::NotForUs
        | JobState::AutoNotForUs => Ok(Err(stale(format!("job `{id}` is `{}`", job.state)))),
    }
}

/// The job and the attempt, if the lease is the job's newest.
fn current(tx: &Tx, id: JobId, epoch: Epoch) -> Result<Result<(Job, attempts::Attempt), Refused>, StateError> {
    let Some(job) = jobs::get(tx, id)? else {
        let message = format!("there is no job `{id}`");
        return Ok(Err(Refused { kind: Refusal::NoSuchJob, message }));
    };
    match attempts::get(tx, id, epoch)? {
        Some(attempt) if job.epoch == epoch => Ok(Ok((job, attempt))),
        Some(_) | None => {
            let message = format!("expected lease {} of job `{id}`, got lease {}", job.epoch.0, epoch.0);
            Ok(Err(stale(message)))
        }
    }
}

fn stale(message: String) -> Refused {
    Refused { kind: Refusal::StaleEpoch, message }
}

#[cfg(test)]
pub(super) mod tests;
