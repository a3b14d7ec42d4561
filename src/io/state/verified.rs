//! What was verified of what jobs made.

use super::columns::{json, to_json};
use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::ids::JobId;
use crate::core::verify::Verified;

/// Writes down what was verified of a job; what is known is replaced.
pub fn insert(tx: &Tx, job: JobId, verified: &[Verified]) -> Result<(), StateError> {
    let mut insert =
        tx.connection().prepare_cached("INSERT OR REPLACE INTO verified (job, what, json) VALUES (?1, ?2, ?3)")?;
    for one in verified {
        insert.execute((job.0, one.check.text(), to_json(one)))?;
    }
    Ok(())
}

/// What was verified of a job.
pub fn by_job(db: &Db, job: JobId) -> Result<Vec<Verified>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT json FROM verified WHERE job = ?1 ORDER BY what")?;
    Ok(query.query_map([job.0], |row| json(row, "json"))?.collect::<rusqlite::Result<_>>()?)
}
