//! What the newest run is at.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::answer::Failure;
use crate::control::point::{Point, blocking};
use crate::core::ids::{JobId, RunId};
use crate::core::job::JobState;
use crate::io::state::{jobs, runs};

/// The newest run, its jobs counted and listed.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    run: Option<RunId>,
    status: Option<String>,
    counts: Vec<Count>,
    jobs: Vec<Job>,
}

/// How many jobs of a stage are in a state.
#[derive(Debug, Serialize)]
struct Count {
    stage: String,
    state: JobState,
    jobs: u64,
}

/// One job.
#[derive(Debug, Serialize)]
struct Job {
    job: JobId,
    stage: String,
    source: String,
    version: String,
    arch: String,
    state: JobState,
    reason: Option<String>,
    builder: Option<String>,
    seconds: u64,
    reused: bool,
}

/// `GET /v1/status`
pub(super) async fn status(State(point): State<Arc<Point>>) -> Result<Json<Status>, Failure> {
    let state = point.state.clone();
    let status = blocking(move || {
        Ok(state.read(|db| {
            let Some(run) = runs::latest(db)? else {
                return Ok(Status { run: None, status: None, counts: Vec::new(), jobs: Vec::new() });
            };
            let counts = jobs::counts(db, run.id)?;
            Ok(Status {
                run: Some(run.id),
                status: Some(run.status.to_string()),
                counts: counts.into_iter().map(|(stage, state, jobs)| Count { stage, state, jobs }).collect(),
                jobs: jobs::by_run(db, run.id)?.into_iter().map(shown).collect(),
            })
        })?)
    });
    Ok(Json(status.await?))
}

fn shown(job: jobs::Job) -> Job {
    Job {
        job: job.id,
        stage: job.stage,
        source: job.source,
        version: job.version,
        arch: job.arch,
        state: job.state,
        reason: job.reason,
        builder: job.builder,
        seconds: job.seconds,
        reused: job.reused,
    }
}
