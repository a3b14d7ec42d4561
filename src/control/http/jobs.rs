//! What builders say about jobs: lease, heartbeat, log, files, finish.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use futures_util::StreamExt;
use serde::Deserialize;

use super::answer::{Failure, id, words};
use super::caller::Caller;
use crate::control::desk::{Refused, Reply, Request, Verdict};
use crate::control::point::{Phase, Point, blocking};
use crate::control::uploads::spool;
use crate::control::views;
use crate::core::debian::changes::Dsc;
use crate::core::ids::{Epoch, JobId, Sha256};
use crate::core::job::Fault;
use crate::io::clock;
use crate::io::state::artifacts::Artifact;
use crate::io::state::{attempts, jobs};
use crate::io::verify::{self, BadUpload, Question, Wanted};
use crate::primitives::Pace;
use crate::wire::{Finish, Heartbeat, HeartbeatReply, LeaseReply, LeaseRequest, LogReply, Outcome};

/// The longest that a wish for work waits, whatever the builder asks.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// A body of which nothing comes for so long is given up.
const STALLED: Duration = Duration::from_secs(60);

/// The longest log that is kept, in bytes.
const MAX_LOG: u64 = 4 << 30;

/// `?epoch=E`, and for files the hash that they have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileQuery {
    epoch: i64,
    sha256: Option<Sha256>,
}

/// `?epoch=E&offset=N`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogQuery {
    epoch: i64,
    offset: u64,
}

/// `POST /v1/lease`: waits until there is work, or the time is over, or no more work will come.
pub(super) async fn lease(
    State(point): State<Arc<Point>>,
    Extension(caller): Extension<Caller>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<LeaseReply>, Failure> {
    let request: LeaseRequest = words(body)?;
    caller.speaks_for(&request.builder)?;
    let wait = Duration::from_secs(request.wait_seconds).min(MAX_WAIT);
    point.signals.heard_of(&request.builder, clock::instant());
    let deadline = tokio::time::Instant::from_std(clock::instant()) + wait;
    let (mut changes, mut paces, mut phase) = (point.signals.changes(), point.signals.paces(), point.phase.clone());
    loop {
        // What changes from here on wakes the wait below, so nothing is missed in between.
        changes.mark_unchanged();
        paces.mark_unchanged();
        let now = *phase.borrow_and_update();
        match now {
            Phase::Open => {}
            Phase::NoMoreWork => return Ok(Json(LeaseReply::Stop)),
            Phase::Stopped => return Ok(Json(LeaseReply::Nothing)),
        }
        match point.ask(Request::Lease { request: request.clone(), open: true }).await? {
            Reply::Lease(LeaseReply::Nothing) => {}
            Reply::Lease(reply) => return Ok(Json(reply)),
            other => return Err(unexpected(other)),
        }
        let woken = async {
            tokio::select! {
                changed = changes.changed() => changed.is_ok(),
                changed = paces.changed() => changed.is_ok(),
                changed = phase.changed() => changed.is_ok(),
            }
        };
        match tokio::time::timeout_at(deadline, woken).await {
            Ok(true) => {}
            Ok(false) | Err(_) => return Ok(Json(LeaseReply::Nothing)),
        }
    }
}

/// `POST /v1/jobs/JOB/heartbeat`
pub(super) async fn heartbeat(
    State(point): State<Arc<Point>>,
    Path(job): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<HeartbeatReply>, Failure> {
    let (job, heartbeat): (JobId, Heartbeat) = (id(&job)?, words(body)?);
    match point.ask(Request::Heartbeat { job, heartbeat }).await? {
        Reply::Heartbeat(HeartbeatReply { cancel }) => {
            Ok(Json(HeartbeatReply { cancel: cancel || point.signals.pace() == Pace::Halt }))
        }
        other => Err(unexpected(other)),
    }
}

/// `PUT /v1/jobs/JOB/log?epoch=E&offset=N`
pub(super) async fn log(
    State(point): State<Arc<Point>>,
    Path(job): Path<String>,
    query: Result<Query<LogQuery>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<LogReply>, Failure> {
    let (job, Query(query), piece) = (id(&job)?, query?, body?);
    let epoch = Epoch(query.epoch);
    welcome(&point, job, epoch).await?;
    let path = point.state_dir.join(attempts::log_path(job, epoch));
    if query.offset.saturating_add(piece.len() as u64) > MAX_LOG {
        return Err(Failure::TooLarge(format!("expected a log of at most {MAX_LOG} bytes")));
    }
    let length = blocking(move || append(&point, &path, query.offset, &piece)).await?;
    Ok(Json(LogReply { length }))
}

/// Appends a piece that begins where the log ends; the log's length after it.
fn append(point: &Point, path: &PathBuf, offset: u64, piece: &[u8]) -> anyhow::Result<u64> {
    let _one_at_a_time = point.logs.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let grow = || -> std::io::Result<u64> {
        let mut file = File::options().create(true).append(true).open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        if length != offset {
            return Ok(length);
        }
        let written = file.write_all(piece);
        if written.is_err() {
            // Half a piece would stay for ever otherwise, since the builder goes on from the length that it is told.
            file.set_len(length)?;
        }
        written.map(|()| length + piece.len() as u64)
    };
    grow().with_context(|| format!("write the log `{}`", path.display()))
}

/// `PUT /v1/jobs/JOB/files/NAME?epoch=E&sha256=HASH`
pub(super) async fn file(
    State(point): State<Arc<Point>>,
    Path((job, name)): Path<(String, String)>,
    query: Result<Query<FileQuery>, QueryRejection>,
    body: Body,
) -> Result<Json<crate::wire::File>, Failure> {
    let (job, Query(query)) = (id::<JobId>(&job)?, query?);
    let epoch = Epoch(query.epoch);
    if !verify::is_file_name(&name) {
        return Err(Failure::BadRequest(format!("expected a plain file name, got `{}`", name.escape_debug())));
    }
    welcome(&point, job, epoch).await?;
    let dir = point.state_dir.clone();
    let wanted = name.clone();
    let mut receiving = blocking(move || {
        spool::Receiving::begin(&dir, job, epoch, &wanted).with_context(|| format!("receive `{wanted}`"))
    })
    .await?;
    let mut stream = body.into_data_stream();
    let mut size = 0;
    loop {
        let next = tokio::time::timeout(STALLED, stream.next()).await.map_err(|_| Failure::Slow)?;
        let Some(piece) = next else { break };
        let piece = piece.map_err(|error| Failure::BadRequest(format!("`{name}` was cut off: {error}")))?;
        if size + piece.len() as u64 > spool::MAX_FILE {
            return Err(Failure::TooLarge(format!("`{name}`: expected at most {} bytes", spool::MAX_FILE)));
        }
        (receiving, size) = blocking(move || {
            let size = receiving.take(&piece).context("write a received file")?;
            Ok((receiving, size))
        })
        .await?;
    }
    let promised = query.sha256;
    match blocking(move || receiving.finish(promised).context("keep a received file")).await? {
        Ok(sha256) => Ok(Json(crate::wire::File { name, size, sha256 })),
        Err(came) => Err(Failure::BadRequest(format!("`{name}`: it came with SHA-256 `{came}`, not as promised"))),
    }
}

/// `POST /v1/jobs/JOB/finish`
pub(super) async fn finish(
    State(point): State<Arc<Point>>,
    Path(job): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<serde_json::Value>, Failure> {
    let (job, finish): (JobId, Finish) = (id(&job)?, words(body)?);
    let verdict = match finish.outcome {
        Outcome::Built if is_open(&point, job, finish.epoch).await? => look(&point, job, &finish).await?,
        Outcome::Built | Outcome::Failed { .. } | Outcome::Cancelled => Verdict::NotBuilt,
    };
    match point.ask(Request::Finish { job, finish, verdict }).await? {
        Reply::Finished => Ok(Json(serde_json::json!({}))),
        Reply::Refused(refused) => Err(refused.into()),
        other => Err(unexpected(other)),
    }
}

/// Whether a result of this lease is still awaited; if not, the desk answers without looking at files.
async fn is_open(point: &Arc<Point>, job: JobId, epoch: Epoch) -> anyhow::Result<bool> {
    let state = point.state.clone();
    blocking(move || {
        let found = state.read(|db| Ok((jobs::get(db, job)?, attempts::get(db, job, epoch)?)))?;
        Ok(matches!(found, (Some(job), Some(attempt)) if job.epoch == epoch && attempt.finish.is_none()))
    })
    .await
}

/// Looks at the files of a result, and keeps them when they are what they should be.
async fn look(point: &Arc<Point>, id: JobId, finish: &Finish) -> anyhow::Result<Verdict> {
    let state = point.state.clone();
    let (job, offer) =
        blocking(move || Ok(state.read(|db| Ok((jobs::expect(db, id)?, jobs::offer(db, id)?)))?)).await?;
    let offer = offer.with_context(|| format!("job `{id}` was leased and has no offer"))?;
    let dsc_file = offer.files.first().with_context(|| format!("the lease of job `{id}` names no source package"))?;
    let provided = point.provide.provide(dsc_file.sha256).await?;
    let dsc_path = provided.with_context(|| format!("`{}` of job `{id}` is not here any more", dsc_file.name))?;
    let (point, finish) = (Arc::clone(point), finish.clone());
    blocking(move || {
        let built_version = offer.suffixed.as_ref().map_or(&job.version, |suffixed| &suffixed.version).clone();
        let wanted = Wanted { source: job.source, version: job.version, built_version, arch: job.arch };
        let dir = spool::dir(&point.state_dir, id, finish.epoch);
        let question = Question { dir: dir.clone(), files: finish.files, wanted, dsc: dsc_path };
        let looked = match &point.verifier {
            Some(program) => verify::ask(program, &question),
            None => look_here(&question)?,
        };
        let artifacts = match looked {
            Ok(artifacts) => artifacts,
            Err(BadUpload { fault, reason }) => return Ok(Verdict::Refused { fault, reason }),
        };
        let overlay = views::overlay(&point.state_dir, offer.view, &offer.chroot_arch)?;
        let confirm = |overlay| verify::confirm(&dir, &artifacts, overlay, &offer.chroot_arch);
        let superseded = match overlay.as_ref().map_or(Ok(Vec::new()), confirm) {
            Ok(superseded) => superseded,
            Err(BadUpload { fault, reason }) => return Ok(Verdict::Refused { fault, reason }),
        };
        for artifact in &artifacts {
            let stored = point.store.adopt(&dir.join(&artifact.name))?;
            if (stored.sha256, stored.size) != (artifact.sha256, artifact.size) {
                let reason = format!("`{}` changed while it was looked at", artifact.name);
                return Ok(Verdict::Refused { fault: Fault::Infrastructure, reason });
            }
        }
        Ok(Verdict::Accepted { made: artifacts, superseded })
    })
    .await
}

/// The same without a process of its own.
fn look_here(question: &Question) -> anyhow::Result<Result<Vec<Artifact>, BadUpload>> {
    let bytes = std::fs::read(&question.dsc).with_context(|| format!("read `{}`", question.dsc.display()))?;
    let dsc = Dsc::parse(&bytes).with_context(|| format!("read `{}`", question.dsc.display()))?;
    Ok(verify::look(&question.dir, &question.files, &question.wanted, &dsc))
}

/// Lets a builder send something of its attempt.
async fn welcome(point: &Arc<Point>, job: JobId, epoch: Epoch) -> Result<(), Failure> {
    match point.ask(Request::Sends { job, epoch }).await? {
        Reply::Welcome => Ok(()),
        other => Err(unexpected(other)),
    }
}

/// A refusal as such; an answer to something else can only be a mistake of this program.
pub(super) fn unexpected(reply: Reply) -> Failure {
    match reply {
        Reply::Refused(refused @ Refused { .. }) => refused.into(),
        Reply::Lease(_) | Reply::Heartbeat(_) | Reply::Welcome | Reply::Finished | Reply::Acted(_) | Reply::Swept => {
            Failure::Internal(anyhow::anyhow!("the desk answered another question"))
        }
    }
}
