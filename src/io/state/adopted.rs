//! Results that were found in the store after an older database was put back.

use rusqlite::OptionalExtension;

use super::artifacts::{self, Artifact};
use super::columns::{json, to_json};
use super::db::{Db, Tx};
use super::error::StateError;
use super::jobs::{self, Job};
use crate::core::ids::{InputsHash, JobId};
use crate::core::job::JobEvent;

/// Writes down what inputs gave, unless a job is known that had them; whether it was.
pub fn insert(tx: &Tx, inputs: InputsHash, made: &[Artifact]) -> Result<bool, StateError> {
    if jobs::find_reusable(tx, inputs)?.is_some() {
        return Ok(false);
    }
    let inserted = tx
        .connection()
        .prepare_cached("INSERT INTO adopted (inputs, artifacts) VALUES (?1, ?2) ON CONFLICT (inputs) DO NOTHING")?
        .execute((inputs.to_string(), to_json(&made)))?;
    Ok(inserted > 0)
}

/// What inputs gave.
pub fn get(db: &Db, inputs: InputsHash) -> Result<Option<Vec<Artifact>>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT artifacts FROM adopted WHERE inputs = ?1")?;
    Ok(query.query_row([inputs.to_string()], |row| json(row, "artifacts")).optional()?)
}

/// Gives a job the result of these inputs.
pub fn take(tx: &Tx, job: JobId, made: &[Artifact], now: i64) -> Result<Job, StateError> {
    artifacts::insert(tx, job, made)?;
    jobs::apply(tx, job, &JobEvent::Adopted, now)
}
