//! Whether a person stopped the giving out of work.

use rusqlite::OptionalExtension;

use super::db::{Db, Tx};
use super::error::StateError;

/// Why no work is given out, if none is.
pub fn get(db: &Db) -> Result<Option<String>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT reason FROM pause")?;
    Ok(query.query_row([], |row| row.get(0)).optional()?)
}

/// Gives out no work from now on.
pub fn begin(tx: &Tx, reason: &str, now: i64) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached(
            "INSERT INTO pause (only, at, reason) VALUES (1, ?1, ?2)
             ON CONFLICT (only) DO UPDATE SET reason = excluded.reason",
        )?
        .execute((now, reason))?;
    Ok(())
}

/// Gives work out again; whether it was paused.
pub fn end(tx: &Tx) -> Result<bool, StateError> {
    Ok(tx.connection().prepare_cached("DELETE FROM pause")?.execute([])? > 0)
}
