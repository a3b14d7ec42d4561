//! What people want of jobs, builders and the run.

use super::{Action, Pulses, Refusal, Refused, Reply, moved};
use crate::control::desk::Now;
use crate::core::ids::Sha256;
use crate::core::job::{JobEvent, JobState, step};
use crate::core::suggest::nearest;
use crate::io::state::jobs::{self, Job};
use crate::io::state::{Db, StateError, Tx, attempts, builder_health, pause, runs};
use crate::wire::Outcome;
use crate::wire::acts::{Act, Acted, Changed, Chosen};

/// Does what a person wants, as far as it can be done.
pub(super) fn act(
    tx: &Tx,
    pulses: &mut Pulses,
    act: &Act,
    now: Now,
    actions: &mut Vec<Action>,
) -> Result<Reply, StateError> {
    let acted = match act {
        Act::Retry { jobs }
        | Act::GiveBack { jobs }
        | Act::Fail { jobs, .. }
        | Act::NotForUs { jobs, .. }
        | Act::Priority { jobs, .. }
        | Act::Cancel { jobs } => match chosen(tx, jobs)? {
            Ok(jobs) => of_jobs(tx, pulses, (act, &jobs), now, actions)?,
            Err(refused) => return Ok(Reply::Refused(refused)),
        },
        Act::CancelRun => {
            actions.push(Action::Halt);
            said("what runs is stopped; start the recipe again, and it goes on from here".to_owned())
        }
        Act::Pause { reason } => {
            pause::begin(tx, reason, now.unix_ms)?;
            said("no more work is given out until `cloudbuild resume`".to_owned())
        }
        Act::Resume => {
            actions.push(Action::Wake);
            let was = pause::end(tx)?;
            said(if was { "work is given out again" } else { "work was being given out all the time" }.to_owned())
        }
        Act::Drain { builder, reason } => {
            builder_health::set_drained(tx, builder, Some(reason), now.unix_ms)?;
            said(format!("builder `{builder}` finishes what it has, and gets no more work"))
        }
        Act::ResumeBuilder { builder } => match builder_health::get(tx, builder)? {
            None => return Ok(Reply::Refused(no_builder(tx, builder)?)),
            Some(known) => {
                builder_health::set_drained(tx, builder, None, now.unix_ms)?;
                actions.push(Action::Wake);
                let was = known.drained.map(|reason| format!("; it had none: {reason}")).unwrap_or_default();
                said(format!("builder `{builder}` gets work{was}"))
            }
        },
    };
    Ok(Reply::Acted(acted))
}

fn said(text: String) -> Acted {
    Acted { said: Some(text), changed: Vec::new(), skipped: Vec::new() }
}

fn no_builder(db: &Db, name: &str) -> Result<Refused, StateError> {
    let known = builder_health::all(db)?;
    let near = nearest(name, known.iter().map(|known| known.builder.as_str()));
    let hint = near.map(|near| format!("\nhint: did you mean `{near}`?")).unwrap_or_default();
    let message = format!("no builder `{}` was heard of{hint}", name.escape_debug());
    Ok(Refused { kind: Refusal::NoSuchJob, message })
}

/// The jobs of the newest run that are meant.
fn chosen(db: &Db, chosen: &Chosen) -> Result<Result<Vec<Job>, Refused>, StateError> {
    let refused = |message: String| Ok(Err(Refused { kind: Refusal::NoSuchJob, message }));
    let Some(run) = runs::latest(db)? else { return refused("no run was begun here".to_owned()) };
    if chosen.packages.is_empty() && chosen.state.is_none() {
        return refused("expected the names of packages, or a state, got neither".to_owned());
    }
    let fits = |job: &Job| {
        chosen.arch.as_ref().is_none_or(|arch| *arch == job.arch)
            && chosen.dist.as_ref().is_none_or(|dist| *dist == job.stage)
            && chosen.state.is_none_or(|state| state == job.state)
    };
    let all = jobs::by_run(db, run.id)?;
    let mut found: Vec<Job> = Vec::new();
    if chosen.packages.is_empty() {
        found.extend(all.iter().filter(|job| fits(job)).cloned());
    }
    for word in &chosen.packages {
        let before = found.len();
        found.extend(all.iter().filter(|job| means(word, job) && fits(job)).cloned());
        if found.len() == before {
            let name = word.split(['_', ':']).next().unwrap_or(word);
            let near = nearest(name, all.iter().map(|job| job.source.as_str())).filter(|near| *near != name);
            let hint =
                near.map_or("`cloudbuild status` lists the jobs".to_owned(), |near| format!("did you mean `{near}`?"));
            return refused(format!("no such job of run {} builds `{}`\nhint: {hint}", run.id, word.escape_debug()));
        }
    }
    found.sort_by_key(|job| job.id);
    found.dedup_by_key(|job| job.id);
    Ok(Ok(found))
}

/// Whether a word means a job: its id, `PACKAGE`, `PACKAGE_VERSION` or `PACKAGE:ARCH`.
fn means(word: &str, job: &Job) -> bool {
    let of = |rest: &str, sign: char, what: &str| rest.strip_prefix(sign).is_some_and(|rest| rest == what);
    word == job.id.to_string()
        || word
            .strip_prefix(job.source.as_str())
            .is_some_and(|rest| rest.is_empty() || of(rest, '_', &job.version) || of(rest, ':', &job.arch))
}

fn of_jobs(
    tx: &Tx,
    pulses: &mut Pulses,
    (act, jobs): (&Act, &[Job]),
    now: Now,
    actions: &mut Vec<Action>,
) -> Result<Acted, StateError> {
    let mut acted = Acted { said: None, changed: Vec::new(), skipped: Vec::new() };
    for job in jobs {
        let changed = |to: JobState, why: Option<String>| Changed {
            job: job.id,
            package: job.source.clone(),
            version: job.version.clone(),
            arch: job.arch.clone(),
            dist: job.stage.clone(),
            from: job.state,
            to,
            why,
        };
        let event = event(act, job);
        if let Err(illegal) = step(job.state, &event) {
            acted.skipped.push(changed(job.state, Some(illegal.to_string())));
            continue;
        }
        if job.state == JobState::Building && !matches!(event, JobEvent::Prioritized { .. }) {
            // The lease ends here: its builder is told to stop, and whatever it still says comes too late.
            let report = Sha256::of(b"ended by a person");
            attempts::end(tx, job.id, job.epoch, report, &Outcome::Cancelled, now.unix_ms)?;
            pulses.forget(job.id);
        }
        let after = jobs::apply(tx, job.id, &event, now.unix_ms)?;
        if event == JobEvent::Retried {
            // It is built against what there is by now.
            jobs::clear_offer(tx, job.id)?;
        }
        acted.changed.push(changed(after.state, after.reason.clone()));
        moved(job, after, actions);
    }
    Ok(acted)
}

/// What an act is for one job.
fn event(act: &Act, job: &Job) -> JobEvent {
    match act {
        Act::GiveBack { .. } if job.state == JobState::Building => {
            JobEvent::GaveBack { reason: "given back by a person".to_owned() }
        }
        Act::Retry { .. } | Act::GiveBack { .. } => JobEvent::Retried,
        Act::Fail { reason, .. } => JobEvent::MarkedFailed { reason: reason.clone() },
        Act::NotForUs { reason, .. } => JobEvent::MarkedNotForUs { reason: reason.clone() },
        Act::Priority { priority, .. } => JobEvent::Prioritized { priority: *priority },
        Act::Cancel { .. }
        | Act::CancelRun
        | Act::Pause { .. }
        | Act::Resume
        | Act::Drain { .. }
        | Act::ResumeBuilder { .. } => JobEvent::MarkedFailed { reason: "cancelled by a person".to_owned() },
    }
}

#[cfg(test)]
mod tests;
