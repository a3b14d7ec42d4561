//! How long builds took, to estimate the next ones.

use rustc_hash::FxHashMap;

use super::db::{Db, Tx};
use super::error::StateError;

/// Writes down how long a build took.
pub fn record(tx: &Tx, source: &str, version: &str, arch: &str, seconds: u64, now: i64) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached("INSERT INTO durations (source, version, arch, seconds, at) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((source, version, arch, super::columns::signed(seconds), now))?;
    Ok(())
}

/// Seconds by source and architecture.
pub type Durations = FxHashMap<String, FxHashMap<String, u64>>;

/// Seconds that the last build of each source took on each architecture, whatever its version.
pub fn latest(db: &Db) -> Result<Durations, StateError> {
    let mut query = db.connection().prepare_cached("SELECT source, arch, seconds FROM durations ORDER BY at, rowid")?;
    let mut durations = Durations::default();
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let of_source = durations.entry(row.get("source")?).or_default();
        of_source.insert(row.get("arch")?, super::columns::unsigned(row, "seconds")?);
    }
    Ok(durations)
}
