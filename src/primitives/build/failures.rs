//! What a recipe's hooks say to a job that failed, and to a stage that ended.

use serde_json::{Value as Json, json};

use super::Stage;
use crate::core::build::class::{UNKNOWN, class_of};
use crate::core::build::ending::last_words;
use crate::core::events::Event;
use crate::core::hooks::{self, Classified, OnFailure, OnStageDone, Retry};
use crate::core::ids::JobId;
use crate::core::job::{Fault, JobEvent, JobState, MAX_SENT_BACK};
use crate::io::state::jobs::{self, Job, leasing};
use crate::io::state::{attempts, builder_health, events, hook_answers};
use crate::io::{clock, files};
use crate::primitives::Paused;
use crate::primitives::hooks::{Hook, remembered};

/// How much of the end of a log hooks see.
const LOG_BYTES: u64 = 256 << 10;

/// How many of its last lines are in `failure.tail`.
const TAIL_LINES: usize = 30;

/// How a job failed last.
struct Failed {
    fault: Fault,
    stage: String,
    reason: String,
}

/// Asks about jobs that failed; returns whether one of them is tried again.
pub fn ask(stage: &Stage<'_>, failed: &[JobId]) -> anyhow::Result<bool> {
    if !stage.hooks.has(Hook::OnFailure) && !stage.hooks.has(Hook::Classify) {
        return Ok(false);
    }
    let mut again = false;
    for job in failed {
        again |= one(stage, *job)?;
    }
    Ok(again)
}

fn one(stage: &Stage<'_>, id: JobId) -> anyhow::Result<bool> {
    let (job, rows, tried) = stage.state.read(|db| {
        let tried = attempts::by_job(db, id)?.iter().filter(|attempt| attempt.ended.is_some()).count();
        Ok((jobs::expect(db, id)?, events::by_job(db, id)?, tried))
    })?;
    let last = rows.iter().rev().find_map(|row| {
        if let JobEvent::Failed { fault, stage, reason, .. } = &row.event {
            return Some(Failed { fault: *fault, stage: stage.clone(), reason: reason.clone() });
        }
        let expired = matches!(row.event, JobEvent::LeaseExpired { .. });
        let reason = job.reason.clone().unwrap_or_default();
        expired.then(|| Failed { fault: Fault::Infrastructure, stage: "lease".to_owned(), reason })
    });
    let Some(last) = last.filter(|_| job.state == JobState::BuildAttempted) else { return Ok(false) };
    let log = stage.dir.join(attempts::log_path(job.id, job.epoch));
    // A log that is not there any more says nothing, which is no reason to ask nothing.
    let log = files::tail(&log, LOG_BYTES).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let about = json!({
        "source": job.source, "version": job.version, "arch": job.arch, "attempt": tried.max(1),
        "stage": job.stage, "seconds": job.seconds,
    });
    let class = classify(stage, &job, &last, &about, &log)?;
    let Some((answer, place)) = on_failure(stage, &last, about, class, &log)? else { return Ok(false) };
    match answer {
        OnFailure::GiveUp => Ok(false),
        OnFailure::Retry(retry) => {
            let sent_back = rows.iter().filter(|row| matches!(row.event, JobEvent::SentBack { .. })).count();
            send_back(stage, &job, retry, place, sent_back)
        }
    }
}

/// The built-in class, or what `classify` says where that is unsure.
fn classify(stage: &Stage<'_>, job: &Job, last: &Failed, about: &Json, log: &str) -> anyhow::Result<Classified> {
    let class = class_of(last.fault, &last.stage, &last.reason, log);
    if class == UNKNOWN
        && let Some(answer) = stage.hooks.decide(Hook::Classify, &json!({ "log": log, "job": about }))?
    {
        let classified = hooks::classified(&answer).map_err(anyhow::Error::msg)?;
        let note = classified.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
        let text = format!("{} {} ({}): {}{note}", job.source, job.version, job.arch, classified.class);
        stage.listener.hear(&Event::Note { text });
        return Ok(classified);
    }
    Ok(Classified { class: class.to_owned(), note: None })
}

/// What `on_failure` says, and where it is written.
fn on_failure(
    stage: &Stage<'_>,
    last: &Failed,
    about: Json,
    class: Classified,
    log: &str,
) -> anyhow::Result<Option<(OnFailure, String)>> {
    let failure = json!({
        "class": class.class, "note": class.note.unwrap_or_else(|| last.reason.clone()), "fault": last.fault,
        "stage": last.stage, "tail": last_words(log, TAIL_LINES),
    });
    let subject = json!({ "job": about, "failure": failure });
    let Some(answer) = stage.hooks.decide(Hook::OnFailure, &subject)? else { return Ok(None) };
    let answer = hooks::on_failure(&answer).map_err(anyhow::Error::msg)?;
    Ok(Some((answer, stage.hooks.place(Hook::OnFailure).unwrap_or_default())))
}

/// Makes a job one to build again, unless that was done too often.
fn send_back(stage: &Stage<'_>, job: &Job, retry: Retry, place: String, before: usize) -> anyhow::Result<bool> {
    let name = format!("{} {} ({})", job.source, job.version, job.arch);
    if before >= MAX_SENT_BACK {
        let text = format!("{name} stays failed: `on_failure` ({place}) asked for more than {MAX_SENT_BACK} tries");
        stage.listener.hear(&Event::Note { text });
        return Ok(false);
    }
    let mut text = format!("{name} will be tried again, {} (`on_failure`, {place})", retry.words());
    let builder = job.builder.clone().unwrap_or_default();
    let had = stage.state.read(|db| builder_health::get(db, &builder))?.map_or(0, |known| known.memory);
    let than = if retry.larger && (stage.larger)(had)? { had } else { 0 };
    if retry.larger && than == 0 {
        text.push_str("; there is no larger machine than the last one");
    }
    stage.listener.hear(&Event::Note { text });
    let (id, now) = (job.id, clock::now().as_millisecond());
    let how = retry.how;
    stage.state.write(move |tx| {
        jobs::apply(tx, id, &JobEvent::SentBack { retry, place }, now)?;
        // What it is offered with differs from the last time.
        match how {
            Some(how) => jobs::set_how(tx, id, how),
            None => jobs::clear_offer(tx, id),
        }?;
        leasing::set_larger_than(tx, id, than)
    })?;
    stage.signals.state_changed();
    Ok(true)
}

/// Asks about a stage that ended.
///
/// # Errors
/// [`Paused`] where the recipe wants a person to look first; once for each answer.
pub fn stage_done(stage: &Stage<'_>, name: &str, jobs: &[Job]) -> anyhow::Result<()> {
    if !stage.hooks.has(Hook::OnStageDone) {
        return Ok(());
    }
    let installed = jobs.iter().filter(|job| job.state == JobState::Installed).count();
    let counts = json!({
        "name": name, "jobs": jobs.len(), "installed": installed, "failed": jobs.len() - installed,
    });
    let subject = json!({ "stage": counts });
    let Some(answer) = stage.hooks.decide(Hook::OnStageDone, &subject)? else { return Ok(()) };
    let OnStageDone::Pause { why } = hooks::on_stage_done(&answer).map_err(anyhow::Error::msg)?;
    let (run, hash) = (stage.run, remembered::hash(&subject)?);
    let hook = Hook::OnStageDone.text();
    let known = stage.state.read(|db| hook_answers::get(db, run, hook, hash))?;
    if known.is_some_and(|known| known.heeded) {
        return Ok(());
    }
    stage.state.write(move |tx| hook_answers::heed(tx, run, hook, hash))?;
    let place = stage.hooks.place(Hook::OnStageDone).unwrap_or_default();
    Err(Paused { stage: name.to_owned(), why, place }.into())
}
