//! What was measured of the builds of jobs.

use rusqlite::Row;

use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::ids::JobId;
use crate::core::measure::{Measured, Number};

fn from_row(row: &Row<'_>) -> rusqlite::Result<Measured> {
    Ok(Measured { name: row.get("name")?, value: Number(row.get("value")?), unit: row.get("unit")? })
}

/// Writes down what was measured of a job; a value that is known is replaced.
pub fn insert(tx: &Tx, job: JobId, values: &[Measured]) -> Result<(), StateError> {
    let mut insert = tx
        .connection()
        .prepare_cached("INSERT OR REPLACE INTO measured (job, name, value, unit) VALUES (?1, ?2, ?3, ?4)")?;
    for Measured { name, value, unit } in values {
        insert.execute((job.0, name, value.0, unit))?;
    }
    Ok(())
}

/// What was measured of a job, by name.
pub fn by_job(db: &Db, job: JobId) -> Result<Vec<Measured>, StateError> {
    let mut query =
        db.connection().prepare_cached("SELECT name, value, unit FROM measured WHERE job = ?1 ORDER BY name")?;
    Ok(query.query_map([job.0], from_row)?.collect::<rusqlite::Result<_>>()?)
}
