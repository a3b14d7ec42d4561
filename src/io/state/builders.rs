//! Builders of clouds: an intent first, then what became of it, each step as a row of its history.

use rusqlite::{OptionalExtension, Row};

use super::columns::{json, text, to_json, unsigned};
use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::fleet::money::Money;
use crate::core::fleet::place::{Ec2, Pool};
use crate::core::fleet::size::Sizes;
use crate::core::fleet::{BuilderEvent, BuilderState, step};
use crate::core::ids::{RunId, Sha256};

/// What is to be launched.
#[derive(Debug, Clone)]
pub struct Intent {
    /// For which run.
    pub run: RunId,
    /// The part of the name that says whose it is.
    pub owner: String,
    /// Where.
    pub place: Ec2,
    /// In which pool of it.
    pub pool: Pool,
    /// The control point's URL.
    pub url: String,
    /// The program that it fetches.
    pub program: Sha256,
    /// What an hour of it costs.
    pub price: Money,
}

/// One builder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Builder {
    /// Its number.
    pub id: i64,
    /// For which run it was launched.
    pub run: RunId,
    /// Its name.
    pub name: String,
    /// Where.
    pub place: Ec2,
    /// In which pool of it.
    pub pool: Pool,
    /// The control point's URL.
    pub url: String,
    /// The program that it fetches.
    pub program: Sha256,
    /// What an hour of it costs.
    pub price: Money,
    /// What it is at.
    pub state: BuilderState,
    /// The cloud's name of its instance.
    pub instance: Option<String>,
    /// Why it ends, or is gone.
    pub why: Option<String>,
    /// When it was decided, in milliseconds since 1970.
    pub asked_at: i64,
    /// When its daemon joined.
    pub joined_at: Option<i64>,
    /// When it was gone.
    pub ended_at: Option<i64>,
}

impl Builder {
    /// Whole seconds that it has been there, or was.
    pub fn seconds(&self, now: i64) -> u64 {
        u64::try_from(self.ended_at.unwrap_or(now).saturating_sub(self.asked_at) / 1000).unwrap_or(0)
    }

    /// What it cost so far; one that never got an instance cost nothing.
    pub fn cost(&self, now: i64) -> Money {
        if self.instance.is_none() { Money(0) } else { self.price.of_seconds(self.seconds(now)) }
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Builder> {
    Ok(Builder {
        id: row.get("id")?,
        run: RunId(row.get("run")?),
        name: row.get("name")?,
        place: json(row, "place")?,
        pool: json(row, "pool")?,
        url: row.get("url")?,
        program: text(row, "program")?,
        price: text(row, "price")?,
        state: text(row, "state")?,
        instance: row.get("instance")?,
        why: row.get("why")?,
        asked_at: row.get("asked_at")?,
        joined_at: row.get("joined_at")?,
        ended_at: row.get("ended_at")?,
    })
}

/// Writes down that a builder shall be, before the cloud is asked.
pub fn intend(tx: &Tx, intent: &Intent, now: i64) -> Result<Builder, StateError> {
    let id: i64 = tx.connection().query_row("SELECT coalesce(max(id), 0) + 1 FROM builders", [], |row| row.get(0))?;
    let name = format!("cb-{}-b{id}", intent.owner);
    tx.connection()
        .prepare_cached(
            "INSERT INTO builders (id, run, name, place, pool, url, program, price, state, asked_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'intended', ?9)",
        )?
        .execute((
            id,
            intent.run.0,
            &name,
            to_json(&intent.place),
            to_json(&intent.pool),
            &intent.url,
            intent.program.to_string(),
            intent.price.to_string(),
            now,
        ))?;
    by_name(tx, &name)?.ok_or_else(|| StateError::Refused { reason: format!("builder `{name}` was not written") })
}

/// Something happened to a builder: the step, its row and the event's row in one.
pub fn apply(tx: &Tx, name: &str, event: &BuilderEvent, now: i64) -> Result<Builder, StateError> {
    let refused = |reason| StateError::Refused { reason };
    let builder = by_name(tx, name)?.ok_or_else(|| refused(format!("there is no builder `{name}`")))?;
    let state = step(builder.state, event).map_err(|illegal| refused(illegal.to_string()))?;
    let mut after = Builder { state, ..builder.clone() };
    match event {
        BuilderEvent::Launched { instance } => after.instance = Some(instance.clone()),
        BuilderEvent::Refused { why } | BuilderEvent::Gone { why } => {
            after.ended_at = after.ended_at.or(Some(now));
            after.why = after.why.or_else(|| Some(why.clone()));
        }
        BuilderEvent::Joined => after.joined_at = after.joined_at.or(Some(now)),
        BuilderEvent::Ends { why } => after.why = after.why.or_else(|| Some(why.clone())),
    }
    if after == builder {
        return Ok(after);
    }
    tx.connection()
        .prepare_cached(
            "UPDATE builders SET state = ?2, instance = ?3, why = ?4, joined_at = ?5, ended_at = ?6 WHERE id = ?1",
        )?
        .execute((after.id, state.text(), &after.instance, &after.why, after.joined_at, after.ended_at))?;
    tx.connection()
        .prepare_cached("INSERT INTO builder_events (builder, at, event) VALUES (?1, ?2, ?3)")?
        .execute((after.id, now, to_json(event)))?;
    Ok(after)
}

/// One builder.
pub fn by_name(db: &Db, name: &str) -> Result<Option<Builder>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM builders WHERE name = ?1")?;
    Ok(query.query_row([name], from_row).optional()?)
}

/// All of them, oldest first.
pub fn all(db: &Db) -> Result<Vec<Builder>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM builders ORDER BY id")?;
    Ok(query.query_map([], from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// Those that may have an instance.
pub fn not_gone(db: &Db) -> Result<Vec<Builder>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM builders WHERE state != 'gone' ORDER BY id")?;
    Ok(query.query_map([], from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// How much memory builders of each instance type said they have, in bytes.
pub fn sizes(db: &Db) -> Result<Sizes, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT json_extract(pool, '$.instance_type') AS type, max(memory) AS memory FROM builders
         JOIN builder_health ON builder = name WHERE memory > 0 GROUP BY type",
    )?;
    let rows = query.query_map([], |row| Ok((row.get("type")?, unsigned(row, "memory")?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What a run's builders cost so far.
pub fn cost(db: &Db, run: RunId, now: i64) -> Result<Money, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM builders WHERE run = ?1")?;
    let builders: Vec<Builder> = query.query_map([run.0], from_row)?.collect::<rusqlite::Result<_>>()?;
    Ok(builders.iter().fold(Money(0), |all, builder| all.plus(builder.cost(now))))
}
