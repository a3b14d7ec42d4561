//! What each primitive answered in a run.

use rusqlite::OptionalExtension;

use super::columns::{json, text, to_json};
use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::ids::{RunId, Sha256};

/// One call of a primitive and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which call of the run, counted by the caller.
    pub call: u32,
    /// The primitive's name.
    pub primitive: String,
    /// Hash of its arguments: a replay that differs is an error of the recipe.
    pub arguments_hash: Sha256,
    /// What it answered.
    pub response: serde_json::Value,
    /// When.
    pub at: i64,
}

/// What a call was answered with, if it was.
pub fn lookup(db: &Db, run: RunId, call: u32) -> Result<Option<Entry>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM journal WHERE run = ?1 AND call = ?2")?;
    let entry = query.query_row((run.0, call), |row| {
        Ok(Entry {
            call: row.get("call")?,
            primitive: row.get("primitive")?,
            arguments_hash: text(row, "arguments_hash")?,
            response: json(row, "response")?,
            at: row.get("at")?,
        })
    });
    Ok(entry.optional()?)
}

/// Writes an answer down. Doing so twice with the same answer changes nothing; with another it is an error.
pub fn record(tx: &Tx, run: RunId, entry: &Entry) -> Result<(), StateError> {
    if let Some(found) = lookup(tx, run, entry.call)? {
        let same = Entry { at: entry.at, ..found } == *entry;
        let id = format!("{run}/{}", entry.call);
        return if same { Ok(()) } else { Err(StateError::Rewritten { what: "the journal's call", id }) };
    }
    tx.connection()
        .prepare_cached(
            "INSERT INTO journal (run, call, primitive, arguments_hash, response, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            run.0,
            entry.call,
            &entry.primitive,
            entry.arguments_hash.to_string(),
            to_json(&entry.response),
            entry.at,
        ))?;
    Ok(())
}

/// A call that was begun, whether it was answered or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Which call of the run, counted by the caller.
    pub call: u32,
    /// The primitive's name.
    pub primitive: String,
    /// Hash of its arguments.
    pub arguments_hash: Sha256,
    /// The stage that a build is of.
    pub stage: Option<String>,
}

/// The call that was begun with this number, if one was.
pub fn intent(db: &Db, run: RunId, call: u32) -> Result<Option<Intent>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM intents WHERE run = ?1 AND call = ?2")?;
    let intent = query.query_row((run.0, call), |row| {
        Ok(Intent {
            call: row.get("call")?,
            primitive: row.get("primitive")?,
            arguments_hash: text(row, "arguments_hash")?,
            stage: row.get("stage")?,
        })
    });
    Ok(intent.optional()?)
}

/// Writes down that a call begins; one that is begun again after a crash stays as it is.
pub fn begin(tx: &Tx, run: RunId, intent: &Intent) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached(
            "INSERT INTO intents (run, call, primitive, arguments_hash, stage) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (run, call) DO NOTHING",
        )?
        .execute((run.0, intent.call, &intent.primitive, intent.arguments_hash.to_string(), &intent.stage))?;
    Ok(())
}
