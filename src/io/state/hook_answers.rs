//! What the hooks of a recipe answered in a run, by what they were asked about.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row};

use super::columns::{json, text, to_json};
use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::ids::{RunId, Sha256};

/// One answer of a hook.
#[derive(Debug, Clone, PartialEq)]
pub struct HookAnswer {
    /// The hook's name in a recipe.
    pub hook: String,
    /// Hash of what it was asked about.
    pub subject: Sha256,
    /// The source package that it was asked about, if it was about one.
    pub source: Option<String>,
    /// What it answered; null: it had no opinion.
    pub answer: serde_json::Value,
    /// Where the hook was written: `oem.lua:22`.
    pub place: Option<String>,
    /// Whether the run was paused because of it.
    pub heeded: bool,
    /// When.
    pub at: i64,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<HookAnswer> {
    Ok(HookAnswer {
        hook: row.get("hook")?,
        subject: text(row, "subject")?,
        source: row.get("source")?,
        answer: json(row, "answer")?,
        place: row.get("place")?,
        heeded: row.get("heeded")?,
        at: row.get("at")?,
    })
}

/// What a hook answered about a subject, if it was asked.
pub fn get(db: &Db, run: RunId, hook: &str, subject: Sha256) -> Result<Option<HookAnswer>, StateError> {
    let mut query =
        db.connection().prepare_cached("SELECT * FROM hook_answers WHERE run = ?1 AND hook = ?2 AND subject = ?3")?;
    Ok(query.query_row((run.0, hook, subject.to_string()), from_row).optional()?)
}

/// Everything that a hook answered in a run, by the hash of what it was asked about.
pub fn by_hook(db: &Db, run: RunId, hook: &str) -> Result<HashMap<Sha256, serde_json::Value>, StateError> {
    let mut query =
        db.connection().prepare_cached("SELECT subject, answer FROM hook_answers WHERE run = ?1 AND hook = ?2")?;
    let rows = query.query_map((run.0, hook), |row| Ok((text(row, "subject")?, json(row, "answer")?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What hooks answered about a source package in a run, oldest first.
pub fn by_source(db: &Db, run: RunId, source: &str) -> Result<Vec<HookAnswer>, StateError> {
    let mut query = db
        .connection()
        .prepare_cached("SELECT * FROM hook_answers WHERE source = ?1 AND run = ?2 ORDER BY at, hook, subject")?;
    Ok(query.query_map((source, run.0), from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// Writes answers down. What was answered before stays as it is.
pub fn record(tx: &Tx, run: RunId, answers: &[HookAnswer]) -> Result<(), StateError> {
    let mut insert = tx.connection().prepare_cached(
        "INSERT INTO hook_answers (run, hook, subject, source, answer, place, heeded, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (run, hook, subject) DO NOTHING",
    )?;
    for answer in answers {
        insert.execute((
            run.0,
            &answer.hook,
            answer.subject.to_string(),
            &answer.source,
            to_json(&answer.answer),
            &answer.place,
            answer.heeded,
            answer.at,
        ))?;
    }
    Ok(())
}

/// Writes down that the run was paused because of an answer.
pub fn heed(tx: &Tx, run: RunId, hook: &str, subject: Sha256) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached("UPDATE hook_answers SET heeded = 1 WHERE run = ?1 AND hook = ?2 AND subject = ?3")?
        .execute((run.0, hook, subject.to_string()))?;
    Ok(())
}
