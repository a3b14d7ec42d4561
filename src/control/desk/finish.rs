//! A builder is done: its result becomes the job's, once.

use super::{Action, Pulses, Refusal, Refused, Reply, current, judge_builder, moved, stale};
use crate::control::desk::Now;
use crate::core::build::class;
use crate::core::ids::{JobId, Sha256};
use crate::core::job::{Fault, JobEvent, JobState, MAX_ATTEMPTS, backoff, health, step};
use crate::core::overlay::confirm::Superseding;
use crate::io::state::artifacts::{self, Artifact};
use crate::io::state::jobs::{self, Job, leasing};
use crate::io::state::{StateError, Tx, attempts, builder_health, durations, events, superseded};
use crate::wire::{Finish, Outcome};

/// What was found of the files of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They are what the job should make, and they are in the store.
    Accepted {
        /// What the job made.
        made: Vec<Artifact>,
        /// The packages of the overlay that it was built with.
        superseded: Vec<Superseding>,
    },
    /// They are not.
    Refused {
        /// A broken transfer is infrastructure's fault; whose it is that the contents are wrong, nobody can say.
        fault: Fault,
        /// In words.
        reason: String,
    },
    /// There is nothing to look at: the build failed or was stopped.
    NotBuilt,
}

/// Takes a result, or says why not. The same result again is answered as it was the first time.
pub(super) fn finish(
    tx: &Tx,
    pulses: &mut Pulses,
    id: JobId,
    finish: &Finish,
    verdict: Verdict,
    now: Now,
    actions: &mut Vec<Action>,
) -> Result<Reply, StateError> {
    let (job, attempt) = match current(tx, id, finish.epoch)? {
        Ok(found) => found,
        Err(refused) => return Ok(Reply::Refused(refused)),
    };
    let words = serde_json::to_vec(finish).expect("plain data always becomes JSON");
    let report = Sha256::of(&words);
    match attempt.finish {
        Some(earlier) if earlier == report => return Ok(repeated(finish, attempt.outcome.as_ref())),
        Some(_) => {
            let message = format!("lease {} of job `{id}` ended with another result", finish.epoch.0);
            return Ok(Reply::Refused(stale(message)));
        }
        None => {}
    }
    let verdict = without_clash(tx, &job, verdict)?;
    let number = which_attempt(tx, &job, finish)?;
    let (event, outcome) = judged(number, finish, &verdict);
    if let Err(illegal) = step(job.state, &event) {
        return Ok(Reply::Refused(stale(illegal.to_string())));
    }
    pulses.forget(id);
    attempts::end(tx, id, finish.epoch, report, &outcome, now.unix_ms)?;
    let mut after = jobs::apply(tx, id, &event, now.unix_ms)?;
    let clear = Action::Clear { job: id, epoch: finish.epoch };
    let reply = match verdict {
        Verdict::Accepted { made, superseded } if event == (JobEvent::Built { seconds: finish.seconds }) => {
            artifacts::insert(tx, id, &made)?;
            superseded::insert(tx, id, &superseded)?;
            jobs::apply(tx, id, &JobEvent::Uploaded, now.unix_ms)?;
            after = jobs::apply(tx, id, &JobEvent::Installed, now.unix_ms)?;
            durations::record(tx, &job.source, &job.version, &job.arch, finish.seconds, now.unix_ms)?;
            actions.extend(job.inputs.map(|inputs| Action::Remember { inputs, made }));
            actions.push(clear);
            Reply::Finished
        }
        Verdict::Refused { reason, .. } if finish.outcome == Outcome::Built => {
            actions.push(Action::PutAside { job: id, epoch: finish.epoch, reason: reason.clone() });
            Reply::Refused(Refused { kind: Refusal::RefusedUpload, message: reason })
        }
        Verdict::Accepted { .. } | Verdict::Refused { .. } | Verdict::NotBuilt => {
            actions.push(clear);
            Reply::Finished
        }
    };
    after_attempt(tx, pulses, (&job, &attempt.builder), (&outcome, &after), now, actions)?;
    moved(&job, after, actions);
    Ok(reply)
}

/// What an attempt tells of its builder, and how long the job waits if it is tried again.
fn after_attempt(
    tx: &Tx,
    pulses: &Pulses,
    (job, builder): (&Job, &str),
    (outcome, after): (&Outcome, &Job),
    now: Now,
    actions: &mut Vec<Action>,
) -> Result<(), StateError> {
    let ended = match outcome {
        Outcome::Built => health::Ended::Built,
        Outcome::Failed { fault, .. } => health::Ended::Failed { fault: *fault, source: &job.source },
        Outcome::Cancelled => return Ok(()),
    };
    judge_builder(tx, builder, ended, now, actions)?;
    if after.state == JobState::NeedsBuild && lacks_room(outcome) {
        let had = builder_health::get(tx, builder)?.map_or(0, |known| known.memory);
        leasing::set_larger_than(tx, job.id, had)?;
    } else if after.state == JobState::NeedsBuild {
        let pause = backoff::pause(job.attempts, pulses.first_pause());
        let pause_ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        leasing::set_not_before(tx, job.id, now.unix_ms.saturating_add(pause_ms))?;
        actions.push(Action::WakeAfter(pause));
    }
    Ok(())
}

/// A pool has one file of a name: a result that brings another one is refused.
fn without_clash(tx: &Tx, job: &Job, verdict: Verdict) -> Result<Verdict, StateError> {
    let Verdict::Accepted { made, superseded } = verdict else { return Ok(verdict) };
    Ok(match artifacts::clash(tx, (job.run, &job.stage), &made)? {
        None => Verdict::Accepted { made, superseded },
        Some((name, source)) => {
            let reason = format!("`{name}` is in stage `{}` already, from `{source}`, with other bytes", job.stage);
            Verdict::Refused { fault: Fault::Unknown, reason }
        }
    })
}

/// What a result means for the job, and what the attempt's row says came of it.
fn judged(attempt: u32, finish: &Finish, verdict: &Verdict) -> (JobEvent, Outcome) {
    let failed = |fault: Fault, stage: &str, reason: &str| {
        let (stage, reason) = (stage.to_owned(), reason.to_owned());
        let event =
            JobEvent::Failed { fault, stage: stage.clone(), reason: reason.clone(), attempt, seconds: finish.seconds };
        (event, Outcome::Failed { fault, stage, reason })
    };
    match &finish.outcome {
        Outcome::Built => match verdict {
            Verdict::Accepted { .. } => (JobEvent::Built { seconds: finish.seconds }, Outcome::Built),
            Verdict::Refused { fault, reason } => failed(*fault, "upload", reason),
            Verdict::NotBuilt => failed(Fault::Infrastructure, "upload", "nobody looked at the files of this build"),
        },
        Outcome::Failed { fault, stage, reason } => failed(*fault, stage, reason),
        Outcome::Cancelled => (JobEvent::GaveBack { reason: "its build was stopped".to_owned() }, Outcome::Cancelled),
    }
}

/// Whether the machine was too small.
fn lacks_room(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Failed { fault: Fault::Infrastructure, reason, .. } => class::lacks_room(reason),
        Outcome::Failed { fault: Fault::Package | Fault::Unknown, .. } | Outcome::Built | Outcome::Cancelled => false,
    }
}

/// A machine that is too small is tried once more, a larger one where there is any; then it is for the recipe or a
/// person to say what is to change. So its second such failure since somebody asked for a try is its last.
fn which_attempt(tx: &Tx, job: &Job, finish: &Finish) -> Result<u32, StateError> {
    if !lacks_room(&finish.outcome) {
        return Ok(job.attempts);
    }
    let rows = events::by_job(tx, job.id)?;
    let asked = |event: &JobEvent| matches!(event, JobEvent::Retried | JobEvent::SentBack { .. });
    let mut since = rows.iter().rev().map(|row| &row.event).take_while(|event| !asked(event));
    let before = since.any(|event| matches!(event, JobEvent::Failed { reason, .. } if class::lacks_room(reason)));
    Ok(if before { MAX_ATTEMPTS } else { job.attempts })
}

/// The answer that the same report got before.
fn repeated(finish: &Finish, outcome: Option<&Outcome>) -> Reply {
    let refused = match outcome {
        Some(Outcome::Failed { reason, .. }) if finish.outcome == Outcome::Built => Some(reason.clone()),
        Some(Outcome::Built | Outcome::Failed { .. } | Outcome::Cancelled) | None => None,
    };
    refused.map_or(Reply::Finished, |message| Reply::Refused(Refused { kind: Refusal::RefusedUpload, message }))
}

#[cfg(test)]
mod tests;
