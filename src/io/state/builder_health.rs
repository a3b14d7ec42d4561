//! What builders did lately, and which of them get no more work.

use rusqlite::{OptionalExtension, Row};

use super::columns::{json, signed, to_json, unsigned};
use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::job::health::Health;

/// What is known of one builder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub builder: String,
    /// When it last took a job or said how one ended.
    pub heard: i64,
    /// What it did lately.
    pub health: Health,
    /// Bytes of memory that its machine has; 0 where that is not known.
    pub memory: u64,
    /// Why it gets no more work, if it does not.
    pub drained: Option<String>,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Known> {
    Ok(Known {
        builder: row.get("builder")?,
        heard: row.get("heard")?,
        health: json(row, "health")?,
        memory: unsigned(row, "memory")?,
        drained: row.get("drained")?,
    })
}

/// What is known of a builder.
pub fn get(db: &Db, builder: &str) -> Result<Option<Known>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM builder_health WHERE builder = ?1")?;
    Ok(query.query_row([builder], from_row).optional()?)
}

/// All builders, by name.
pub fn all(db: &Db) -> Result<Vec<Known>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM builder_health ORDER BY builder")?;
    Ok(query.query_map([], from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// Whether another builder that gets work was heard of since.
pub fn has_others(db: &Db, builder: &str, since: i64) -> Result<bool, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT 1 FROM builder_health WHERE builder <> ?1 AND heard >= ?2 AND drained IS NULL LIMIT 1",
    )?;
    Ok(query.exists((builder, since))?)
}

/// A builder was heard of, and did this lately; whether it is drained stays as it is.
pub fn heard(tx: &Tx, builder: &str, health: &Health, now: i64) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached(
            "INSERT INTO builder_health (builder, heard, health) VALUES (?1, ?2, ?3)
             ON CONFLICT (builder) DO UPDATE SET heard = excluded.heard, health = excluded.health",
        )?
        .execute((builder, now, to_json(health)))?;
    Ok(())
}

/// A builder says how much memory its machine has, in bytes.
pub fn set_memory(tx: &Tx, builder: &str, memory: u64, now: i64) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached(
            "INSERT INTO builder_health (builder, heard, health, memory) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (builder) DO UPDATE SET memory = excluded.memory",
        )?
        .execute((builder, now, to_json(&Health::default()), signed(memory)))?;
    Ok(())
}

/// Gives a builder no more work, or work again and a clean record.
pub fn set_drained(tx: &Tx, builder: &str, why: Option<&str>, now: i64) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached(
            "INSERT INTO builder_health (builder, heard, health, drained) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (builder) DO UPDATE SET drained = excluded.drained,
                 health = CASE WHEN excluded.drained IS NULL THEN excluded.health ELSE health END",
        )?
        .execute((builder, now, to_json(&Health::default()), why))?;
    Ok(())
}
