//! Jobs that are built with flags of their own: who asked for them, and what the package has otherwise.

use std::collections::BTreeMap;

use super::columns::{json, maybe_json, to_json};
use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::flags::overridden::Overridden;
use crate::core::ids::{JobId, RunId};

/// The flags of one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFlags {
    /// Who asked for them, in the order in which they were applied: `cell O3`, `rule 3 (oem.lua:22)`.
    pub asked_by: Vec<String>,
    /// What the package has otherwise; `None`: nobody looked yet.
    pub overridden: Option<Vec<Overridden>>,
}

/// Writes down who asked for a job's flags; what was found of an earlier attempt is forgotten.
pub fn set(tx: &Tx, job: JobId, asked_by: &[String]) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached("INSERT OR REPLACE INTO flags (job, asked_by, overridden) VALUES (?1, ?2, NULL)")?
        .execute((job.0, to_json(&asked_by)))?;
    Ok(())
}

/// Writes down what a package has otherwise.
pub fn set_overridden(tx: &Tx, job: JobId, overridden: &[Overridden]) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached("UPDATE flags SET overridden = ?2 WHERE job = ?1")?
        .execute((job.0, to_json(&overridden)))?;
    Ok(())
}

/// The flags of a run's jobs; those without any have none.
pub fn by_run(db: &Db, run: RunId) -> Result<BTreeMap<JobId, JobFlags>, StateError> {
    let mut query = db
        .connection()
        .prepare_cached("SELECT flags.* FROM flags JOIN jobs ON jobs.id = flags.job WHERE jobs.run = ?1")?;
    let rows = query.query_map([run.0], |row| {
        let flags = JobFlags { asked_by: json(row, "asked_by")?, overridden: maybe_json(row, "overridden")? };
        Ok((JobId(row.get("job")?), flags))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
