//! Executions of the recipe.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use rusqlite::{OptionalExtension, Row};

use super::columns::{json, maybe_json, text, to_json};
use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::ids::{IdError, RunId, Sha256};

/// What a run is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// It goes on, or was killed and can be gone on with.
    Active,
    /// It came to its end.
    Finished,
    /// It stopped with an error that starting it again may get past.
    Failed,
    /// A person stopped it.
    Interrupted,
}

impl RunStatus {
    /// Every status.
    pub const ALL: [RunStatus; 4] = [RunStatus::Active, RunStatus::Finished, RunStatus::Failed, RunStatus::Interrupted];

    /// The one text form.
    pub fn text(self) -> &'static str {
        match self {
            RunStatus::Active => "active",
            RunStatus::Finished => "finished",
            RunStatus::Failed => "failed",
            RunStatus::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl FromStr for RunStatus {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        RunStatus::ALL
            .into_iter()
            .find(|status| status.text() == text)
            .ok_or_else(|| IdError { expected: "a run's status such as `active`", got: text.to_owned() })
    }
}

/// One execution of the recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Hash of the recipe's text (and of what it required).
    pub recipe_hash: Sha256,
    /// The arguments it was started with.
    pub arguments: serde_json::Value,
    /// What its recipe's `math.random` begins with.
    pub seed: i64,
    /// The saved plan that it does, if it does one.
    pub plan: Option<serde_json::Value>,
    /// What it is at.
    pub status: RunStatus,
    /// When it was first started.
    pub started: i64,
    /// When it last ended.
    pub finished: Option<i64>,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: RunId(row.get("id")?),
        recipe_hash: text(row, "recipe_hash")?,
        arguments: json(row, "arguments")?,
        seed: row.get("seed")?,
        plan: maybe_json(row, "plan")?,
        status: text(row, "status")?,
        started: row.get("started")?,
        finished: row.get("finished")?,
    })
}

/// A run that has no row yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Hash of the recipe's text (and of what it required).
    pub recipe_hash: Sha256,
    /// The recipe's files by name.
    pub files: BTreeMap<String, String>,
    /// The arguments it is started with.
    pub arguments: serde_json::Value,
    /// The saved plan that it does, if it does one.
    pub plan: Option<serde_json::Value>,
}

/// Starts a run.
pub fn start(tx: &Tx, new: &NewRun, now: i64) -> Result<RunId, StateError> {
    tx.connection()
        .prepare_cached(
            "INSERT INTO runs (recipe_hash, arguments, plan, status, started) VALUES (?1, ?2, ?3, 'active', ?4)",
        )?
        .execute((new.recipe_hash.to_string(), to_json(&new.arguments), new.plan.as_ref().map(to_json), now))?;
    let run = RunId(tx.connection().last_insert_rowid());
    tx.connection().prepare_cached("UPDATE runs SET seed = id WHERE id = ?1")?.execute([run.0])?;
    let mut insert = tx.connection().prepare_cached("INSERT INTO run_files (run, name, text) VALUES (?1, ?2, ?3)")?;
    for (name, text) in &new.files {
        insert.execute((run.0, name, text))?;
    }
    Ok(run)
}

/// The recipe's files as they were when a run was started, by name.
pub fn files(db: &Db, run: RunId) -> Result<BTreeMap<String, String>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT name, text FROM run_files WHERE run = ?1")?;
    let rows = query.query_map([run.0], |row| Ok((row.get("name")?, row.get("text")?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Starts a run that goes on with what another one did: its first `calls` calls, and the jobs of these stages. The
/// other one is left behind with the rest, whose results are taken over where the inputs are the same.
pub fn adopt(
    tx: &Tx,
    from: RunId,
    new: &NewRun,
    calls: u32,
    stages: &BTreeSet<String>,
    now: i64,
) -> Result<RunId, StateError> {
    let run = start(tx, new, now)?;
    let connection = tx.connection();
    connection
        .prepare_cached("UPDATE runs SET seed = (SELECT seed FROM runs WHERE id = ?2) WHERE id = ?1")?
        .execute((run.0, from.0))?;
    connection
        .prepare_cached(
            "INSERT INTO journal (run, call, primitive, arguments_hash, response, at)
             SELECT ?1, call, primitive, arguments_hash, response, at FROM journal WHERE run = ?2 AND call <= ?3",
        )?
        .execute((run.0, from.0, calls))?;
    for stage in stages {
        connection
            .prepare_cached("UPDATE jobs SET run = ?1 WHERE run = ?2 AND stage = ?3")?
            .execute((run.0, from.0, stage))?;
    }
    end(tx, from, RunStatus::Interrupted, now)?;
    Ok(run)
}

/// Goes on with a run that did not finish.
pub fn resume(tx: &Tx, run: RunId) -> Result<(), StateError> {
    let changed = tx
        .connection()
        .prepare_cached("UPDATE runs SET status = 'active', finished = NULL WHERE id = ?1 AND status <> 'finished'")?
        .execute([run.0])?;
    if changed == 0 { Err(StateError::NoRow { what: "unfinished run", id: run.to_string() }) } else { Ok(()) }
}

/// Ends a run.
pub fn end(tx: &Tx, run: RunId, status: RunStatus, now: i64) -> Result<(), StateError> {
    let changed = tx
        .connection()
        .prepare_cached("UPDATE runs SET status = ?2, finished = ?3 WHERE id = ?1")?
        .execute((run.0, status.text(), now))?;
    if changed == 0 { Err(StateError::NoRow { what: "run", id: run.to_string() }) } else { Ok(()) }
}

/// One run.
pub fn get(db: &Db, run: RunId) -> Result<Option<Run>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM runs WHERE id = ?1")?;
    Ok(query.query_row([run.0], from_row).optional()?)
}

/// The newest run, if it has not finished: the one that starting the recipe goes on with.
pub fn unfinished(db: &Db) -> Result<Option<Run>, StateError> {
    Ok(latest(db)?.filter(|run| run.status != RunStatus::Finished))
}

/// The newest run.
pub fn latest(db: &Db) -> Result<Option<Run>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM runs ORDER BY id DESC LIMIT 1")?;
    Ok(query.query_row([], from_row).optional()?)
}
