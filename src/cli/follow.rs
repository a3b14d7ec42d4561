//! `cloudbuild RECIPE --follow INTERVAL`: tracks upstream, one run after another.

use std::time::Duration;

use serde::Serialize;

use super::begin::Unfinished;
use super::exit::{Exit, error_document, exit_of, told};
use super::jobs::{Mark, mark};
use super::output::{Format, clean};
use super::run::{Ended, Session, interrupted};
use super::summary::Summary;
use crate::core::ids::RunId;
use crate::core::recipe::PublishResult;
use crate::core::settings::value::duration_text;
use crate::io::state::jobs;
use crate::primitives::Pace;

/// What came of a round.
#[derive(Debug, Serialize)]
struct Round {
    /// Which one, from 1.
    round: u64,
    /// Its run, if it got so far.
    run: Option<RunId>,
    /// What was not taken over: upstream has it newer, or it was never built.
    outdated: Vec<Outdated>,
    /// Jobs of these that were built.
    built: usize,
    /// Jobs of these that failed.
    failed: usize,
    /// Jobs whose earlier result was taken over.
    taken_over: usize,
    /// The archives that it published.
    published: Vec<PublishResult>,
    /// What stopped it; the next round tries again.
    error: Option<serde_json::Value>,
    /// Seconds until the next round begins; none when this was the last one.
    next_seconds: Option<u64>,
}

/// A job that was not taken over.
#[derive(Debug, Serialize)]
struct Outdated {
    source: String,
    version: String,
    arch: String,
    stage: String,
    /// The version that an earlier round built.
    have: Option<String>,
    /// A job state in its text form.
    state: String,
}

/// Runs round after round until Ctrl-C. What the mirror, the disk or the machine refuse is said and tried again; what is
/// wrong with the recipe ends it.
pub fn follow(session: &Session<'_>, unfinished: Unfinished, interval: Duration) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    for number in 1.. {
        // The first round goes on with what was left unfinished. One that failed later is left behind: what it pinned
        // may be gone from the mirror by now, and what it built is taken over.
        let ended = session.run(if number > 1 { Unfinished::Restart } else { unfinished }, Some(number));
        let (run, result) = match ended {
            Ok(Ended { run, result }) => (Some(run), result),
            Err(error) => (None, Err(error)),
        };
        let stopped = result.as_ref().is_err_and(|error| session.was_interrupted(error));
        let mut error = None;
        let value = match result {
            Ok(value) => value,
            Err(_) if stopped => serde_json::Value::Null,
            Err(failed) if exit_of(&failed) == Exit::Infrastructure => {
                error = Some(failed);
                serde_json::Value::Null
            }
            Err(failed) => return Err(failed),
        };
        if session.pace() == Pace::Halt {
            return Err(interrupted().into());
        }
        let mut round =
            Round { next_seconds: Some(interval.as_secs()), ..read(session, number, run, value, &mut exit)? };
        if session.pace() != Pace::Go {
            round.next_seconds = None;
        }
        if let Some(error) = &error {
            exit = Exit::Infrastructure;
            round.error = Some(error_document(&told(error), exit)["error"].clone());
        }
        show(session, &round, error.as_ref(), interval)?;
        if session.pace() == Pace::Go {
            session.wait(interval);
        }
        if session.pace() != Pace::Go {
            break;
        }
    }
    Ok(exit)
}

/// What the state says of a round; `exit` becomes what its jobs deserve.
fn read(
    session: &Session<'_>,
    round: u64,
    run: Option<RunId>,
    value: serde_json::Value,
    exit: &mut Exit,
) -> anyhow::Result<Round> {
    let mut told = Round {
        round,
        run,
        outdated: Vec::new(),
        built: 0,
        failed: 0,
        taken_over: 0,
        published: Vec::new(),
        error: None,
        next_seconds: None,
    };
    let Some(run) = run else { return Ok(told) };
    let summary: Summary = session.summary(run, value)?;
    *exit = summary.exit();
    told.published = summary.published;
    for job in summary.jobs {
        if job.reused {
            told.taken_over += 1;
            continue;
        }
        match mark(&job.state) {
            Mark::Good => told.built += 1,
            Mark::Bad => told.failed += 1,
            Mark::Open => {}
        }
        let before = session.state().read(|db| jobs::installed_before(db, run, &job.stage, &job.source, &job.arch))?;
        told.outdated.push(Outdated {
            have: before.into_iter().next().map(|before| before.version),
            source: job.source,
            version: job.version,
            arch: job.arch,
            stage: job.stage,
            state: job.state,
        });
    }
    Ok(told)
}

/// Shows a round: one line for people, one object for programs.
fn show(session: &Session<'_>, round: &Round, error: Option<&anyhow::Error>, interval: Duration) -> anyhow::Result<()> {
    let output = session.ctx().output;
    if output.format == Format::Json {
        output.line(round)?;
    }
    let next = match round.next_seconds {
        Some(_) => format!("; next in {}", duration_text(interval)),
        None => String::new(),
    };
    let line = match error {
        Some(error) => {
            let said = told(error);
            let why: Vec<&str> = said.chain.iter().flat_map(|part| part.lines()).collect();
            format!("round {}: failed: {}", round.round, clean(&why.join(": ")))
        }
        None => {
            let Round { round, built, failed, taken_over, .. } = round;
            format!("round {round}: {built} built, {failed} failed, {taken_over} taken over")
        }
    };
    output.say(&format!("{line}{next}"));
    Ok(())
}
