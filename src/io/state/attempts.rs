//! Leases of jobs, one row each, and what came of them.

use rusqlite::{OptionalExtension, Row};

use super::columns::{maybe_json, maybe_text, to_json};
use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::ids::{Epoch, JobId, Sha256};
use crate::wire::Outcome;

/// One try at a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The job.
    pub job: JobId,
    /// The lease.
    pub epoch: Epoch,
    /// Who tried.
    pub builder: String,
    /// When the lease was given.
    pub started: i64,
    /// When it ended, if it did.
    pub ended: Option<i64>,
    /// Hash of the report that ended it: the same report again is answered as before.
    pub finish: Option<Sha256>,
    /// What came of it, as the control point judged it.
    pub outcome: Option<Outcome>,
    /// Its log, relative to the state directory.
    pub log: String,
}

/// The log of an attempt, relative to the state directory.
pub fn log_path(job: JobId, epoch: Epoch) -> String {
    format!("logs/{job}-{}.log", epoch.0)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        job: JobId(row.get("job")?),
        epoch: Epoch(row.get("epoch")?),
        builder: row.get("builder")?,
        started: row.get("started")?,
        ended: row.get("ended")?,
        finish: maybe_text(row, "finish")?,
        outcome: maybe_json(row, "outcome")?,
        log: row.get("log")?,
    })
}

/// Writes down that a lease was given.
pub(super) fn start(tx: &Tx, job: JobId, epoch: Epoch, builder: &str, now: i64) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached("INSERT INTO attempts (job, epoch, builder, started, log) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((job.0, epoch.0, builder, now, log_path(job, epoch)))?;
    Ok(())
}

/// Writes down what came of an attempt. An attempt ends once.
pub fn end(tx: &Tx, job: JobId, epoch: Epoch, finish: Sha256, outcome: &Outcome, now: i64) -> Result<(), StateError> {
    let changed = tx
        .connection()
        .prepare_cached(
            "UPDATE attempts SET ended = ?3, finish = ?4, outcome = ?5
             WHERE job = ?1 AND epoch = ?2 AND finish IS NULL",
        )?
        .execute((job.0, epoch.0, now, finish.to_string(), to_json(outcome)))?;
    let id = format!("{job}/{}", epoch.0);
    if changed == 0 { Err(StateError::Rewritten { what: "the attempt", id }) } else { Ok(()) }
}

/// One attempt.
pub fn get(db: &Db, job: JobId, epoch: Epoch) -> Result<Option<Attempt>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM attempts WHERE job = ?1 AND epoch = ?2")?;
    Ok(query.query_row((job.0, epoch.0), from_row).optional()?)
}

/// All attempts at a job, oldest first.
pub fn by_job(db: &Db, job: JobId) -> Result<Vec<Attempt>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM attempts WHERE job = ?1 ORDER BY epoch")?;
    Ok(query.query_map([job.0], from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// How many builders had a job and were not heard of again, since the lease that its tries are counted from.
pub fn lost_builders(db: &Db, job: JobId) -> Result<usize, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT count(DISTINCT attempts.builder) FROM attempts JOIN jobs ON jobs.id = attempts.job
         WHERE attempts.job = ?1 AND attempts.finish IS NULL AND attempts.epoch > jobs.counted_from",
    )?;
    let count: i64 = query.query_row([job.0], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}
