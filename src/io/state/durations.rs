//! How long builds took, to estimate the next ones.

use rusqlite::OptionalExtension;

use super::db::{Db, Tx};
use super::error::StateError;

/// Writes down how long a build took.
pub fn record(tx: &Tx, source: &str, version: &str, arch: &str, seconds: u64, now: i64) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached("INSERT INTO durations (source, version, arch, seconds, at) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((source, version, arch, super::columns::signed(seconds), now))?;
    Ok(())
}

/// Seconds that the last build of this source took on this architecture, whatever its version.
pub fn estimate(db: &Db, source: &str, arch: &str) -> Result<Option<u64>, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT seconds FROM durations WHERE source = ?1 AND arch = ?2 ORDER BY at DESC, rowid DESC LIMIT 1",
    )?;
    Ok(query.query_row((source, arch), |row| super::columns::unsigned(row, "seconds")).optional()?)
}
