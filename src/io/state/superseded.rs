//! Packages of an overlay that were installed for builds, as was confirmed afterwards.

use rusqlite::Row;

use super::columns::text;
use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::ids::{JobId, RunId};
use crate::core::overlay::confirm::Superseding;

fn from_row(row: &Row<'_>) -> rusqlite::Result<Superseding> {
    Ok(Superseding { package: row.get("package")?, version: row.get("version")?, sha256: text(row, "sha256")? })
}

/// Writes down what was confirmed of a job.
pub fn insert(tx: &Tx, job: JobId, confirmed: &[Superseding]) -> Result<(), StateError> {
    let mut insert = tx
        .connection()
        .prepare_cached("INSERT INTO superseded (job, package, version, sha256) VALUES (?1, ?2, ?3, ?4)")?;
    for Superseding { package, version, sha256 } in confirmed {
        insert.execute((job.0, package, version, sha256.to_string()))?;
    }
    Ok(())
}

/// Says the same of `to` as of `from`, for a result that is taken again.
pub fn copy(tx: &Tx, from: JobId, to: JobId) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached(
            "INSERT INTO superseded (job, package, version, sha256)
             SELECT ?2, package, version, sha256 FROM superseded WHERE job = ?1",
        )?
        .execute((from.0, to.0))?;
    Ok(())
}

/// What was confirmed of a job, by package.
pub fn by_job(db: &Db, job: JobId) -> Result<Vec<Superseding>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM superseded WHERE job = ?1 ORDER BY package")?;
    Ok(query.query_map([job.0], from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// What was confirmed of the jobs of a run: each package and file, with the number of its builds.
pub fn by_run(db: &Db, run: RunId) -> Result<Vec<(Superseding, u64)>, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT package, superseded.version AS version, sha256, count(*) AS builds
         FROM superseded JOIN jobs ON jobs.id = superseded.job
         WHERE jobs.run = ?1 GROUP BY package, superseded.version, sha256 ORDER BY package, builds DESC, sha256",
    )?;
    let rows = query.query_map([run.0], |row| Ok((from_row(row)?, row.get::<_, i64>("builds")?.unsigned_abs())))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
