//! Published states of archives.

use rusqlite::{OptionalExtension, Row};

use super::columns::{json, text, to_json};
use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::ids::{GenerationId, RunId, Sha256};

/// One published state of an archive, before it has an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGeneration {
    /// The run that published it.
    pub run: RunId,
    /// The archive's root.
    pub path: String,
    /// Its suite.
    pub suite: String,
    /// Hash of the signed Release file.
    pub release_sha256: Sha256,
    /// Hash of what was published: the same contents need no new generation.
    pub contents_sha256: Sha256,
    /// When.
    pub published_at: i64,
    /// What else the publisher wants to know again.
    pub json: serde_json::Value,
}

/// One published state of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its id.
    pub id: GenerationId,
    /// The rest.
    pub published: NewGeneration,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Generation> {
    Ok(Generation {
        id: GenerationId(row.get("id")?),
        published: NewGeneration {
            run: RunId(row.get("run")?),
            path: row.get("path")?,
            suite: row.get("suite")?,
            release_sha256: text(row, "release_sha256")?,
            contents_sha256: text(row, "contents_sha256")?,
            published_at: row.get("published_at")?,
            json: json(row, "json")?,
        },
    })
}

/// Writes a generation down.
pub fn insert(tx: &Tx, new: &NewGeneration) -> Result<GenerationId, StateError> {
    tx.connection()
        .prepare_cached(
            "INSERT INTO generations (run, path, suite, release_sha256, contents_sha256, published_at, json)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            new.run.0,
            &new.path,
            &new.suite,
            new.release_sha256.to_string(),
            new.contents_sha256.to_string(),
            new.published_at,
            to_json(&new.json),
        ))?;
    Ok(GenerationId(tx.connection().last_insert_rowid()))
}

/// Replaces what else is known of a generation.
pub fn set_json(tx: &Tx, id: GenerationId, json: &serde_json::Value) -> Result<(), StateError> {
    tx.connection().prepare_cached("UPDATE generations SET json = ?2 WHERE id = ?1")?.execute((id.0, to_json(json)))?;
    Ok(())
}

/// One generation.
pub fn get(db: &Db, id: GenerationId) -> Result<Option<Generation>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM generations WHERE id = ?1")?;
    Ok(query.query_row([id.0], from_row).optional()?)
}

/// The generations of a suite of the archive at `path`, newest first.
pub fn of_suite(db: &Db, path: &str, suite: &str) -> Result<Vec<Generation>, StateError> {
    let mut query =
        db.connection().prepare_cached("SELECT * FROM generations WHERE path = ?1 AND suite = ?2 ORDER BY id DESC")?;
    Ok(query.query_map((path, suite), from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// The newest generation of a suite of the archive at `path`.
pub fn latest(db: &Db, path: &str, suite: &str) -> Result<Option<Generation>, StateError> {
    let mut query = db
        .connection()
        .prepare_cached("SELECT * FROM generations WHERE path = ?1 AND suite = ?2 ORDER BY id DESC LIMIT 1")?;
    Ok(query.query_row((path, suite), from_row).optional()?)
}

/// The newest generation of each suite of each archive.
pub fn newest(db: &Db) -> Result<Vec<Generation>, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT * FROM generations WHERE id IN (SELECT max(id) FROM generations GROUP BY path, suite) ORDER BY id",
    )?;
    Ok(query.query_map([], from_row)?.collect::<rusqlite::Result<_>>()?)
}
