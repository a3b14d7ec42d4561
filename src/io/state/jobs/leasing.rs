//! Which job a builder gets next.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row};

use super::{apply, offer, offer_arch, set_lease_expires};
use crate::core::how::Abilities;
use crate::core::ids::{Epoch, JobId, RunId};
use crate::core::job::{JobEvent, backoff};
use crate::io::state::columns::{signed, unsigned};
use crate::io::state::db::{Db, Tx};
use crate::io::state::error::StateError;
use crate::wire::Lease;

/// A job that can be leased, as far as the choice depends on it.
struct Candidate {
    id: JobId,
    epoch: i64,
    alone: bool,
    /// The highest goes first.
    rank: (i64, i64, i64, std::cmp::Reverse<(i64, i64)>),
}

fn candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    let (id, position): (i64, i64) = (row.get("id")?, row.get("position")?);
    Ok(Candidate {
        id: JobId(id),
        epoch: row.get("epoch")?,
        alone: row.get("alone")?,
        rank: (row.get("urgency")?, row.get("priority")?, row.get("frees")?, std::cmp::Reverse((position, id))),
    })
}

/// A builder that wants work.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Its name.
    pub builder: &'a str,
    /// Whose programs its machine runs.
    pub can: &'a Abilities,
    /// Bytes of memory that its machine has.
    pub memory: u64,
}

/// When it is, and until when a lease that is given now lives.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Milliseconds since 1970.
    pub now: i64,
    /// When the lease expires, for people.
    pub expires: i64,
    /// The first pause of a job that failed by infrastructure's fault.
    pub first_pause: Duration,
}

/// Leases the job of active runs that most waits for, of those that are ready for a machine that runs or emulates these
/// architectures, if there is one. A job that has to be alone waits until its builder has nothing else, and nothing else
/// is leased to that builder as long as it has such a job; one that needs a larger machine waits for one.
pub fn lease_next(tx: &Tx, asker: Asker<'_>, times: Times) -> Result<Option<Lease>, StateError> {
    let Asker { builder, can, memory } = asker;
    let itself = can.itself.iter().map(|arch| offer_arch(arch, false));
    let able: Vec<String> = itself.chain(can.emulated.iter().map(|arch| offer_arch(arch, true))).collect();
    let mut best: Option<Candidate> = None;
    for run in active(tx)? {
        for arch in &able {
            let found = first(tx, run, arch, memory, times)?;
            if found.as_ref().map(|found| found.rank) > best.as_ref().map(|best| best.rank) {
                best = found;
            }
        }
    }
    let Some(Candidate { id, epoch, alone, .. }) = best else { return Ok(None) };
    let mut beside = tx
        .connection()
        .prepare_cached("SELECT 1 FROM jobs WHERE state = 'building' AND builder = ?1 AND (alone OR ?2) LIMIT 1")?;
    if beside.exists((builder, alone))? {
        return Ok(None);
    }
    apply(tx, id, &JobEvent::Leased { builder: builder.to_owned(), epoch: Epoch(epoch + 1) }, times.now)?;
    set_lease_expires(tx, id, times.expires)?;
    offer(tx, id)
}

fn active(db: &Db) -> Result<Vec<i64>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT id FROM runs WHERE status = 'active'")?;
    Ok(query.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// The first job for one architecture, in the index's own order, so that this takes as long with many jobs as with few.
fn first(db: &Db, run: i64, arch: &str, memory: u64, times: Times) -> Result<Option<Candidate>, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT id, epoch, alone, urgency, priority, frees, position, not_before, larger_than FROM jobs INDEXED BY jobs_to_lease
         WHERE run = ?1 AND offer_arch = ?2 AND state = 'needs-build' AND offer IS NOT NULL
         ORDER BY urgency DESC, priority DESC, frees DESC, position, id",
    )?;
    let mut rows = query.query((run, arch))?;
    while let Some(row) = rows.next()? {
        let than = unsigned(row, "larger_than")?;
        if (than == 0 || memory > than) && backoff::is_due(row.get("not_before")?, times.now, times.first_pause) {
            return Ok(Some(candidate(row)?));
        }
    }
    Ok(None)
}

/// From now on a job goes only to a machine with more memory than this, in bytes; with 0, to any.
pub fn set_larger_than(tx: &Tx, id: JobId, than: u64) -> Result<(), StateError> {
    tx.connection().prepare_cached("UPDATE jobs SET larger_than = ?2 WHERE id = ?1")?.execute((id.0, signed(than)))?;
    Ok(())
}

/// The jobs of a run that wait for a larger machine, and how much memory does not do for them, in bytes.
pub fn wanting_larger(db: &Db, run: RunId) -> Result<Vec<(JobId, u64)>, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT id, larger_than FROM jobs
         WHERE run = ?1 AND state = 'needs-build' AND offer IS NOT NULL AND larger_than > 0 ORDER BY id",
    )?;
    let rows = query.query_map([run.0], |row| Ok((JobId(row.get("id")?), unsigned(row, "larger_than")?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Lets a job wait after infrastructure's fault.
pub fn set_not_before(tx: &Tx, id: JobId, not_before: i64) -> Result<(), StateError> {
    tx.connection().prepare_cached("UPDATE jobs SET not_before = ?2 WHERE id = ?1")?.execute((id.0, not_before))?;
    Ok(())
}

/// When the next of the jobs that wait may be tried.
pub fn next_due(db: &Db, now: i64) -> Result<Option<i64>, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT min(not_before) FROM jobs WHERE state = 'needs-build' AND offer IS NOT NULL AND not_before > ?1",
    )?;
    Ok(query.query_row([now], |row| row.get::<_, Option<i64>>(0)).optional()?.flatten())
}

/// Somebody asked for another try: what was lost before does not count, and there is nothing to wait for.
pub(super) fn count_anew(tx: &Tx, id: JobId) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached("UPDATE jobs SET counted_from = epoch, not_before = 0 WHERE id = ?1")?
        .execute([id.0])?;
    Ok(())
}

/// How urgent a person says a job is.
pub(super) fn set_urgency(tx: &Tx, id: JobId, urgency: i64) -> Result<(), StateError> {
    tx.connection().prepare_cached("UPDATE jobs SET urgency = ?2 WHERE id = ?1")?.execute((id.0, urgency))?;
    Ok(())
}
