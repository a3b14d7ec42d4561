//! What happened to jobs: rows are appended by `jobs::apply`, never changed.

use rusqlite::Row;

use super::columns::{json, to_json};
use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::ids::JobId;
use crate::core::job::JobEvent;

/// One thing that happened to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Rises with each event of the state directory.
    pub seq: i64,
    /// The job.
    pub job: JobId,
    /// When.
    pub at: i64,
    /// What.
    pub event: JobEvent,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<EventRow> {
    Ok(EventRow { seq: row.get("seq")?, job: JobId(row.get("job")?), at: row.get("at")?, event: json(row, "event")? })
}

/// Appends one; the job's row is changed by who calls this.
pub(super) fn append(tx: &Tx, job: JobId, at: i64, event: &JobEvent) -> Result<(), StateError> {
    tx.connection().prepare_cached("INSERT INTO events (job, at, event) VALUES (?1, ?2, ?3)")?.execute((
        job.0,
        at,
        to_json(event),
    ))?;
    Ok(())
}

/// A job's life so far.
pub fn by_job(db: &Db, job: JobId) -> Result<Vec<EventRow>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM events WHERE job = ?1 ORDER BY seq")?;
    Ok(query.query_map([job.0], from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// The newest event's number, 0 where nothing happened yet.
pub fn newest(db: &Db) -> Result<i64, StateError> {
    Ok(db.connection().query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0))?)
}

/// What happened after the event `seq`, oldest first, at most `limit` of it.
pub fn since(db: &Db, seq: i64, limit: u32) -> Result<Vec<EventRow>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    Ok(query.query_map((seq, limit), from_row)?.collect::<rusqlite::Result<_>>()?)
}
