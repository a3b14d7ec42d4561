//! The jobs of a run as wanna-build would list them.

use rustc_hash::{FxHashMap, FxHashSet};

use super::by_run;
use crate::core::ids::{JobId, RunId};
use crate::core::job::{JobEvent, JobState, step};
use crate::core::wb::Entry;
use crate::io::state::columns::json;
use crate::io::state::db::{Db, Tx};
use crate::io::state::durations;
use crate::io::state::error::StateError;

/// What a job's row says for listings alone.
struct Extra {
    section: Option<String>,
    urgency: i64,
}

/// Every job of a run.
pub fn entries(db: &Db, run: RunId) -> Result<Vec<Entry>, StateError> {
    let (mut extras, mut previous) = (extras(db, run)?, previous_states(db, run)?);
    let (known, durations) = (built_before(db, run)?, durations::latest(db)?);
    let jobs = by_run(db, run)?.into_iter().map(|job| {
        let extra = extras.remove(&job.id);
        let success = durations.get(&job.source).and_then(|of_source| of_source.get(&job.arch)).copied().unwrap_or(0);
        Entry {
            section: extra.as_ref().and_then(|extra| extra.section.clone()).unwrap_or(job.component),
            uncompiled: !known.contains(&(job.source.clone(), job.arch.clone())),
            previous_state: previous.remove(&job.id),
            urgency: extra.map_or(0, |extra| extra.urgency),
            package: job.source,
            version: job.version,
            arch: job.arch,
            distribution: job.stage,
            state: job.state,
            changed_at: job.changed_at,
            builder: job.builder,
            reason: job.reason,
            priority: job.priority,
            build_seconds: job.seconds,
            success_seconds: success,
        }
    });
    Ok(jobs.collect())
}

fn extras(db: &Db, run: RunId) -> Result<FxHashMap<JobId, Extra>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT id, section, urgency FROM jobs WHERE run = ?1")?;
    let rows = query.query_map([run.0], |row| {
        let extra = Extra { section: row.get("section")?, urgency: row.get("urgency")? };
        Ok((JobId(row.get("id")?), extra))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What each job was at before what it is at now, from its events.
fn previous_states(db: &Db, run: RunId) -> Result<FxHashMap<JobId, JobState>, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT events.job, events.event FROM events JOIN jobs ON jobs.id = events.job WHERE jobs.run = ?1
         ORDER BY events.seq",
    )?;
    let mut now: FxHashMap<JobId, JobState> = FxHashMap::default();
    let mut before = FxHashMap::default();
    let mut rows = query.query([run.0])?;
    while let Some(row) = rows.next()? {
        let (job, event): (_, JobEvent) = (JobId(row.get("job")?), json(row, "event")?);
        let state = now.entry(job).or_insert(JobState::NeedsBuild);
        // Rows were written by the same step, so each move is legal; one of an older program may not be any more.
        if let Ok(next) = step(*state, &event)
            && next != *state
        {
            before.insert(job, *state);
            *state = next;
        }
    }
    Ok(before)
}

/// Sources and architectures that an earlier run built.
fn built_before(db: &Db, run: RunId) -> Result<FxHashSet<(String, String)>, StateError> {
    let mut query = db
        .connection()
        .prepare_cached("SELECT DISTINCT source, arch FROM jobs WHERE run < ?1 AND state = 'installed'")?;
    let rows = query.query_map([run.0], |row| Ok((row.get("source")?, row.get("arch")?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The jobs of a run's stage whose section nobody wrote down yet.
pub fn without_section(db: &Db, run: RunId, stage: &str) -> Result<Vec<(JobId, String, String)>, StateError> {
    let mut query = db
        .connection()
        .prepare_cached("SELECT id, source, version FROM jobs WHERE run = ?1 AND stage = ?2 AND section IS NULL")?;
    let rows =
        query.query_map((run.0, stage), |row| Ok((JobId(row.get("id")?), row.get("source")?, row.get("version")?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Writes the sections of jobs down.
pub fn set_sections(tx: &Tx, sections: &[(JobId, String)]) -> Result<(), StateError> {
    let mut update = tx.connection().prepare_cached("UPDATE jobs SET section = ?2 WHERE id = ?1")?;
    for (job, section) in sections {
        update.execute((job.0, section))?;
    }
    Ok(())
}
